/* Reading several paths, and the keys that a device gives, on top of ao_get.
 * Source: AO-Core paths, "Reading a path value in code". */
#include <stdlib.h>

#include "ao/key.h"
#include "beamr/ao/context.h"

beamr_status ao_get_first(ao_context *context, const ao_place *places, size_t count,
                          ao_value *out, beamr_error *err)
{
    ao_value value = AO_NO_VALUE;

    for (size_t i = 0; i < count && value.kind == AO_NONE; i++) {
        beamr_status st = ao_get(context, places[i].base, places[i].path, &value, err);

        if (st != BEAMR_OK)
            return st;
    }
    *out = value;
    return BEAMR_OK;
}

/* A key as messages have it; AO_NONE when memory is gone. */
static ao_value normalised(ao_value key)
{
    char digits[AO_INTEGER_TEXT_SIZE], buffer[KEY_BUFFER_SIZE], *owned = NULL;
    beamr_bytes text = key.kind == AO_INTEGER ? ao_integer_text(key, digits) : ao_text(key);
    ao_value out = AO_NO_VALUE;

    if (key.kind == AO_ATOM)
        return ao_binary_copy(text); /* its case is kept */
    if (key_normalise(text, buffer, &text, &owned))
        out = ao_binary_copy(text);
    free(owned);
    return out;
}

static beamr_status normalise_all(ao_value list, ao_value *out, beamr_error *err)
{
    size_t count = ao_list_count(list);
    ao_value *items = malloc((count + 1) * sizeof *items);
    ao_value keys;

    if (!items)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a list of %zu keys", count);
    for (size_t i = 0; i < count; i++)
        items[i] = normalised(ao_list_at(list, i));
    keys = ao_list_new(items, count);
    free(items);
    if (keys.kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a list of %zu keys", count);
    *out = keys;
    return BEAMR_OK;
}

static bool are_keys(ao_value list)
{
    for (size_t i = 0; i < ao_list_count(list); i++) {
        ao_kind kind = ao_list_at(list, i).kind;

        if (kind != AO_BINARY && kind != AO_ATOM && kind != AO_INTEGER)
            return false;
    }
    return list.kind == AO_LIST;
}

beamr_status ao_keys(ao_context *context, const ao_message *base, ao_value *out,
                     beamr_error *err)
{
    ao_value given, list = AO_NO_VALUE;
    beamr_status st = ao_get(context, base, "keys", &given, err);

    if (st != BEAMR_OK)
        return st;
    if (given.kind == AO_MESSAGE)
        st = ao_message_to_list(given.of.message, &list, err);
    else
        list = ao_value_ref(given);
    ao_value_unref(given);
    if (st == BEAMR_OK && !are_keys(list))
        st = beamr_fail(err, BEAMR_ARGUMENT, 0, "the device gives no list of keys");
    if (st == BEAMR_OK)
        st = normalise_all(list, out, err);
    ao_value_unref(list);
    return st;
}
