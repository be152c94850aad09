/* Fuzz target: messages through the devices that run guests, and through stacks of them. The
 * first byte chooses options. Each line behind it is a message as JSON: the first one is the
 * base, which gets a small guest as image unless it has one; each further one is a request,
 * resolved on the state that the one before has left.
 * Each request is resolved twice on the same state: the second time the state is no longer the
 * newest, and must give the same answer all the same. With the fourth bit of the options the
 * guest that is left is kept as a snapshot, of which one byte is changed: it is restored or
 * refused, and if it is restored it can be kept again. Fuel, memory and depth are limited; what
 * answers later is cancelled. Seeds: seeds/devices/; they are their own source. */
#include "fuzz.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../test/soak/guest.h"
#include "beamr/ao.h"

enum { REQUESTS_MAX = 8 };

static ao_context *context;

static bool open_context(void)
{
    ao_settings settings = {.kv = "memory"};
    ao_message *values = NULL;
    ao_builder b;

    if (context)
        return true;
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "wasm_max_fuel", ao_integer(20000));
    ao_builder_put(&b, "wasm_max_guest_memory", ao_integer(4 << 20));
    ao_builder_put(&b, "wasm_idle_time", ao_integer(0));
    if (ao_builder_end(&b, &values) != BEAMR_OK)
        return false;
    settings.values = values;
    (void)ao_context_new(&settings, &context, NULL);
    ao_message_unref(values);
    return context != NULL;
}

static ao_message *read_line(beamr_bytes *rest)
{
    const uint8_t *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    ao_value text = ao_binary_copy((beamr_bytes){rest->data, len});
    ao_message *message = NULL;

    *rest = (beamr_bytes){rest->data + len + (end != NULL), rest->len - len - (end != NULL)};
    (void)ao_decode(context, "json@1.0", text, &message, NULL);
    ao_value_unref(text);
    return message;
}

static ao_message *with_image(ao_message *base)
{
    ao_message *whole = NULL;

    if (!base || ao_message_find_text(base, "image").kind != AO_NONE)
        return base;
    (void)ao_message_with(base, "image", ao_binary_copy(soak_guest()), &whole, NULL);
    ao_message_unref(base);
    return whole;
}

/* ---- Resolving ---- */

typedef struct end {
    atomic_bool is_there;
    bool is_raised;
    ao_result result;
} end;

static void done(void *user, const ao_result *result, const beamr_error *err)
{
    end *e = user;

    e->is_raised = result == NULL;
    if (result) {
        FUZZ_CHECK(result->value.kind != AO_NONE);
        e->result = (ao_result){result->outcome, ao_value_ref(result->value)};
    } else {
        FUZZ_CHECK(err->status != BEAMR_OK && err->text[0]);
    }
    atomic_store(&e->is_there, true);
}

/* Returns whether it came to an end by itself. */
static bool resolve(const ao_message *base, const ao_message *request, uint8_t choice, end *e)
{
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_value items[] = {ao_message_value(ao_message_ref(base)),
                        ao_message_value(ao_message_ref(request))};
    ao_value list = ao_list_new(items, 2);
    ao_task *task = NULL;
    bool is_there;

    atomic_init(&e->is_there, false);
    e->is_raised = true;
    e->result = (ao_result){AO_OUTCOME_OK, AO_NO_VALUE};
    options.hashpath = choice & 1 ? AO_HASHPATH_IGNORE : AO_HASHPATH_UPDATE;
    options.force_message = choice & 2;
    options.raises_as_error = choice & 4;
    options.max_depth = 24;
    if (list.kind == AO_NONE ||
        ao_task_start(context, list, &options, done, e, &task, NULL) != BEAMR_OK) {
        ao_value_unref(list);
        return false;
    }
    is_there = atomic_load(&e->is_there);
    if (!is_there)
        ao_task_cancel(task);
    while (!atomic_load(&e->is_there))
        (void)sched_yield();
    ao_task_unref(task);
    ao_value_unref(list);
    return is_there;
}

static void check_same(const end *a, const end *b)
{
    FUZZ_CHECK(a->is_raised == b->is_raised);
    if (a->is_raised)
        return;
    FUZZ_CHECK(a->result.outcome == b->result.outcome);
    FUZZ_CHECK(a->result.value.kind == b->result.value.kind);
    if (a->result.value.kind == AO_MESSAGE)
        FUZZ_CHECK(ao_message_match(ao_to_message(a->result.value),
                                    ao_to_message(b->result.value), AO_MATCH_STRICT, NULL));
}

/* The next state, or NULL. */
static ao_message *next_of(const ao_message *state, const ao_message *request, uint8_t choice)
{
    ao_message *next = NULL;
    end first, again;

    if (resolve(state, request, choice, &first)) {
        if (resolve(state, request, choice, &again))
            check_same(&first, &again);
        ao_value_unref(again.result.value);
    }
    if (first.result.outcome == AO_OUTCOME_OK && first.result.value.kind == AO_MESSAGE)
        next = ao_message_ref(ao_to_message(first.result.value));
    ao_value_unref(first.result.value);
    return next;
}

/* ---- Snapshots ---- */

static ao_message *with(ao_message *message, const char *key, ao_value value)
{
    ao_message *whole = NULL;

    (void)ao_message_with(message, key, value, &whole, NULL);
    ao_message_unref(message);
    return whole;
}

static ao_message *ask(const ao_message *base, const char *path)
{
    ao_message *request =
        with(ao_message_ref(ao_message_empty()), "path", ao_binary_text(path));
    ao_message *answer = NULL;
    end e;

    if (request && resolve(base, request, 0, &e)) {
        if (e.result.outcome == AO_OUTCOME_OK)
            answer = ao_message_ref(ao_to_message(e.result.value));
        FUZZ_CHECK(e.is_raised || e.result.outcome != AO_OUTCOME_OK || answer);
        ao_value_unref(e.result.value);
    }
    ao_message_unref(request);
    return answer;
}

/* A part of a snapshot with one byte changed, at a place that the input chooses. */
static ao_value changed(ao_value part, const uint8_t *data, size_t size)
{
    beamr_bytes bytes = ao_bytes(part);
    uint8_t *copy = bytes.len ? malloc(bytes.len) : NULL;
    size_t at = size > 2 ? (size_t)(data[1] | data[size - 1] << 8) : 0;
    ao_value value;

    if (!copy)
        return ao_value_ref(part);
    memcpy(copy, bytes.data, bytes.len);
    copy[at % bytes.len] ^= (uint8_t)(1 + data[size / 2] % 255);
    value = ao_binary_copy((beamr_bytes){copy, bytes.len});
    free(copy);
    return value;
}

static void restore_changed(const ao_message *state, const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"state", "system", "buffers", "format"};
    const char *key = keys[data[size - 1] % 4];
    ao_message *guest = with(ao_message_ref(state), "device", ao_binary_text("wasm-64@1.0"));
    ao_message *saved = guest ? ask(guest, "snapshot") : NULL, *base = NULL, *back;
    ao_value part = saved ? ao_message_find_text(saved, key) : AO_NO_VALUE;

    if (part.kind == AO_BINARY &&
        (saved = with(saved, key, changed(part, data, size))) != NULL) {
        (void)ao_message_reset(guest, &base, NULL);
        base = base ? with(base, "snapshot", ao_message_value(ao_message_ref(saved))) : NULL;
        back = base ? ask(base, "normalize") : NULL;
        if (back) {
            ao_message *again = ask(back, "snapshot");

            FUZZ_CHECK(again != NULL);
            ao_message_unref(again);
        }
        ao_message_unref(back);
    }
    ao_message_unref(base);
    ao_message_unref(saved);
    ao_message_unref(guest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    beamr_bytes rest = {data + 1, size - 1};
    ao_message *state;

    if (size == 0 || !open_context())
        return 0;
    state = with_image(read_line(&rest));
    for (int i = 0; i < REQUESTS_MAX && state && rest.len > 0; i++) {
        ao_message *request = read_line(&rest), *next;

        if (!request)
            continue;
        next = next_of(state, request, data[0]);
        ao_message_unref(request);
        if (!next)
            continue;
        ao_message_unref(state);
        state = next;
    }
    if (state && data[0] & 8)
        restore_changed(state, data, size);
    ao_message_unref(state);
    return 0;
}
