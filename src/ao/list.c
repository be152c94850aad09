/* Lists as messages, and messages as lists.
 * Source: AO-Core messages, "Lists as messages". */
#include <inttypes.h>
#include <stdlib.h>

#include "ao/internal.h"

beamr_status ao_list_to_message(ao_value list, BEAMR_OWN ao_message **out, beamr_error *err)
{
    ao_builder builder;

    if (list.kind != AO_LIST)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the value is no list");
    ao_builder_begin(&builder, NULL, NULL, err);
    for (size_t i = 0; i < ao_list_count(list); i++) {
        char buffer[AO_INTEGER_TEXT_SIZE];

        ao_builder_put_key(&builder, ao_integer_text(ao_integer((int64_t)i + 1), buffer),
                           ao_value_ref(ao_list_at(list, i)));
    }
    return ao_builder_end(&builder, out);
}

typedef struct numbered {
    int64_t number;
    ao_value value; /* borrowed */
} numbered;

static int by_number(const void *left, const void *right)
{
    const numbered *a = left, *b = right;

    return (a->number > b->number) - (a->number < b->number);
}

static beamr_status read_numbers(const ao_message *message, numbered *items, beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *key;

    for (; ao_message_next(message, &cursor, &key, &items->value); items++) {
        beamr_bytes text = ao_name_text(key);

        if (!key_integer(text, &items->number))
            return beamr_fail(err, BEAMR_ARGUMENT, 0,
                              "a message is no list: its key `%.*s` is no integer",
                              text.len < 64 ? (int)text.len : 64, (const char *)text.data);
    }
    return BEAMR_OK;
}

/* Put the items in order; they must be consecutive. */
static beamr_status sort_numbers(numbered *items, size_t count, beamr_error *err)
{
    qsort(items, count, sizeof *items, by_number);
    for (size_t i = 1; i < count; i++) {
        if (items[i].number == items[i - 1].number)
            return beamr_fail(err, BEAMR_ARGUMENT, 0,
                              "a message is no list: it has the key %" PRId64 " twice",
                              items[i].number);
        if (items[i].number != items[i - 1].number + 1)
            return beamr_fail(err, BEAMR_ARGUMENT, 0,
                              "a message is no list: its key %" PRId64 " is missing",
                              items[i - 1].number + 1);
    }
    return BEAMR_OK;
}

/* A list of items that are borrowed. */
static ao_value list_of(const numbered *items, size_t count)
{
    ao_value *values = calloc(count + 1, sizeof *values), list;

    if (!values)
        return AO_NO_VALUE;
    for (size_t i = 0; i < count; i++)
        values[i] = ao_value_ref(items[i].value);
    list = ao_list_new(values, count);
    free(values);
    return list;
}

beamr_status ao_message_to_list(const ao_message *message, ao_value *out, beamr_error *err)
{
    size_t count = ao_message_count(message);
    numbered *items = calloc(count + 1, sizeof *items);
    beamr_status st = BEAMR_OK;
    ao_value list;

    if (!items)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for a list");
    if ((st = read_numbers(message, items, err)) == BEAMR_OK &&
        (st = sort_numbers(items, count, err)) == BEAMR_OK) {
        list = list_of(items, count);
        if (list.kind == AO_NONE)
            st = value_fail(list, err);
        else
            *out = list;
    }
    free(items);
    return st;
}
