/* stack@1.0: one key, resolved by several devices in turn.
 *
 *   key          reads                                  answers
 *   any but      base device-stack, input-prefixes,     Fold, see below; in the mode Map, which
 *   these        output-prefixes, mode; request mode    the request's `mode`, or else the
 *                                                       base's, asks for: stack_map.c
 *   transform                                           ok: base as stack-transform@1.0, whose
 *                                                       key N is base with device N active
 *   set, keys, id, commit, committed, committers,       those of message@1.0: they are about
 *   verify                                              the message, not what its devices make
 *                                                       of it
 *   those that are not in base `stack-keys`, if that    those of message@1.0
 *   is there: a list or a numbered message
 *
 * `device-stack` is a list or a numbered message of names; entries are read as 1, 2, ... until
 * one is missing. Without it `execution-stack` is what process definitions call it: the same,
 * or a text with commas and quotes; the stack's answers then have it as `device-stack`. To
 * activate device N is to set `device` to it, `device-key` to N, the prefixes to entry N of
 * their lists (where there is none they stay as the device before had them, and for the first
 * one as the stack has them), and `previous-device`, `previous-input-prefix`,
 * `previous-output-prefix` to what the stack itself has.
 *
 * Fold sets `pass` to 1 and activates each device on the state that the one before has left,
 * which begins as the base, and resolves the request on it:
 *
 *   answer of the device             then
 *   ok, a message                    is the state for the next device
 *   ok, anything else, or the        is the result
 *   state's own value of this key
 *   error not_found                  the next device, with the same state
 *   skip, a message                  is the result, as ok
 *   pass, a message                  one more pass: `pass` is incremented, device 1 is next
 *   failure, unavailable             is the result: the host could not do it, and says why
 *   another                          option error_strategy `stop`: is the result, as error;
 *                                    else BEAMR_EXCEPTION is raised, `device_failed`
 *
 * A state that is a result has what the base had: device, prefixes and pass; `device-key` and
 * the `previous-...` keys are removed. A result says `error` 508 after STACK_PASSES_MAX passes,
 * or STACK_STEPS_MAX devices. Raised: BEAMR_ARGUMENT for a state without a device-stack, or an
 * unknown mode (`WASM` and `AOT` of the base belong to wasm-64@1.0, and mean Fold here).
 * Devices can answer later; stacks can stand within each other.
 * Source: AO-Core devices, "stack@1.0". */
#include "device/stack.h"

#include <stdlib.h>

#include "device/devices.h"

typedef struct fold {
    stack_before before;
    ao_value request;
    ao_message *state; /* with the device active that was asked last */
    size_t index;      /* of that device, from 1 */
    int64_t pass;
    size_t steps;
} fold;

static void fold_clear(void *memory)
{
    fold *f = memory;

    stack_before_clear(&f->before);
    ao_value_unref(f->request);
    ao_message_unref(f->state);
}

static fold *fold_of(ao_call *call)
{
    return ao_call_memory(call, sizeof(fold), fold_clear);
}

/* ---- The end ---- */

/* What a fold leaves of a state, which is taken over. */
static beamr_status restored(const fold *f, BEAMR_OWN ao_message *state, ao_value *out,
                             beamr_error *err)
{
    ao_message *message = NULL;
    ao_builder builder;
    beamr_status st;

    builder_take(&builder, state, NULL, err);
    stack_put(&builder, "device", f->before.device);
    stack_put(&builder, "device-key", AO_NO_VALUE);
    stack_put(&builder, "pass", f->before.pass);
    stack_put(&builder, "previous-device", AO_NO_VALUE);
    for (int i = 0; i < STACK_PREFIXES; i++) {
        stack_put(&builder, stack_prefixes[i].key, f->before.prefix[i]);
        stack_put(&builder, stack_prefixes[i].previous, AO_NO_VALUE);
    }
    if ((st = ao_builder_end(&builder, &message)) == BEAMR_OK)
        *out = ao_message_value(message);
    return st;
}

static beamr_status end_with_state(ao_call *call, BEAMR_OWN ao_message *state, beamr_error *err)
{
    ao_value value = AO_NO_VALUE;
    beamr_status st = restored(fold_of(call), state, &value, err);

    return st == BEAMR_OK ? ao_call_ok(call, value) : st;
}

/* The message is the state that the device had, changed, and not some other answer. */
static bool is_state(const fold *f, const ao_message *message)
{
    int64_t index;

    return ao_to_integer(message_key(message, "device-key"), &index) &&
           index == (int64_t)f->index;
}

/* End with an outcome that is not ok, and what the device answered. */
static beamr_status end_with_answer(ao_call *call, ao_outcome outcome, beamr_error *err)
{
    const fold *f = fold_of(call);
    ao_value value = ao_call_result(call)->value;
    beamr_status st = BEAMR_OK;

    if (value.kind == AO_MESSAGE && is_state(f, ao_to_message(value)))
        st = restored(f, call_take_message(call), &value, err);
    else
        (void)ao_value_ref(value);
    return st == BEAMR_OK ? ao_call_return(call, outcome, value) : st;
}

/* A text out of an answer that tells what went wrong; none when it has none. A state tells it
 * in its `results`, as that of json-iface@1.0. */
static beamr_bytes reason_of(ao_value value)
{
    const ao_message *message = ao_to_message(value);
    beamr_bytes text = ao_text(value);

    if (message && ao_to_message(message_key(message, "results")))
        message = ao_to_message(message_key(message, "results"));
    if (message)
        text = ao_text(message_key(message, "body"));
    if (message && text.len == 0)
        text = ao_text(message_key(message, "error"));
    if (text.len > 300)
        text.len = 300;
    return text;
}

static beamr_status device_failed(ao_call *call, beamr_error *err)
{
    const fold *f = fold_of(call);
    const ao_result *result = ao_call_result(call);
    beamr_bytes name = ao_text(message_key(f->state, "device"));
    beamr_bytes key = ao_call_key(call), reason = reason_of(result->value);

    if (text_is(ao_text(ao_call_option(call, "error_strategy")), "stop"))
        return end_with_answer(call, AO_OUTCOME_ERROR, err);
    return beamr_fail(err, BEAMR_EXCEPTION, 0,
                      "device_failed: device %zu of the stack, `%.*s`, answered `%.*s` with "
                      "%s%s%.*s",
                      f->index, (int)(name.len < 100 ? name.len : 100), (const char *)name.data,
                      (int)(key.len < 100 ? key.len : 100), (const char *)key.data,
                      ao_outcome_text(result->outcome), reason.len ? ": " : "", (int)reason.len,
                      (const char *)reason.data);
}

/* ---- From device to device ---- */

static beamr_status fold_next(ao_call *call, beamr_error *err);

/* Go on with the state that a device gave. */
static beamr_status go_on(ao_call *call, beamr_error *err)
{
    fold *f = fold_of(call);

    ao_message_unref(f->state);
    f->state = call_take_message(call);
    return fold_next(call, err);
}

static beamr_status next_pass(ao_call *call, beamr_error *err)
{
    fold *f = fold_of(call);

    if (f->pass == STACK_PASSES_MAX)
        return ao_call_error(call, 508, "the stack asks for more than %d passes",
                             STACK_PASSES_MAX);
    f->pass++;
    f->index = 0;
    return go_on(call, err);
}

/* The message is the value that the state itself holds under the key: no device made it. */
static bool is_plain_value(ao_call *call, const ao_message *state, const ao_message *message)
{
    ao_value value;

    return ao_message_get(state, ao_call_key(call), &value, NULL) == BEAMR_OK &&
           ao_to_message(value) == message;
}

static bool is_not_found(const ao_result *result)
{
    return result->outcome == AO_OUTCOME_NOT_FOUND ||
           (result->outcome == AO_OUTCOME_ERROR && ao_is_atom(result->value, "not_found"));
}

static beamr_status device_answered(ao_call *call, beamr_error *err)
{
    const fold *f = fold_of(call);
    const ao_result *result = ao_call_result(call);
    const ao_message *message = ao_to_message(result->value);

    if (is_not_found(result))
        return fold_next(call, err);
    switch (result->outcome) {
    case AO_OUTCOME_OK:
        if (message && !is_plain_value(call, f->state, message))
            return go_on(call, err);
        return ao_call_ok(call, ao_value_ref(result->value));
    case AO_OUTCOME_SKIP:
        return message ? end_with_state(call, call_take_message(call), err)
                       : device_failed(call, err);
    case AO_OUTCOME_PASS:
        return message ? next_pass(call, err) : device_failed(call, err);
    case AO_OUTCOME_FAILURE:
    case AO_OUTCOME_UNAVAILABLE:
        return end_with_answer(call, result->outcome, err);
    default:
        return device_failed(call, err);
    }
}

/* Activate device `f->index` of the state. After a failure there is no state. */
static beamr_status activate(fold *f, const stack_entry *entry, beamr_error *err)
{
    bool is_first = f->index == 1;
    ao_builder builder;

    builder_take(&builder, f->state, NULL, err);
    f->state = NULL;
    if (is_first)
        ao_builder_put(&builder, "pass", ao_integer(f->pass));
    stack_activate(&builder, entry, stack_key(f->index), is_first ? f->before.prefix : NULL,
                   is_first ? &f->before : NULL);
    return ao_builder_end(&builder, &f->state);
}

static beamr_status fold_next(ao_call *call, beamr_error *err)
{
    fold *f = fold_of(call);
    ao_options options;
    stack_entry entry;
    beamr_status st = stack_entry_at(f->state, stack_key(++f->index), &entry, err);

    if (st != BEAMR_OK)
        return st;
    if (entry.device.kind == AO_NONE) {
        ao_message *state = f->state;

        f->state = NULL;
        return end_with_state(call, state, err);
    }
    if (++f->steps > STACK_STEPS_MAX)
        return ao_call_error(call, 508, "the stack asks more than %d devices", STACK_STEPS_MAX);
    if ((st = activate(f, &entry, err)) != BEAMR_OK)
        return st;
    options = dev_inner_options(call);
    return ao_call_resolve(call, ao_message_value(ao_message_ref(f->state)),
                           ao_value_ref(f->request), &options, device_answered);
}

static beamr_status stack_fold(ao_call *call, beamr_error *err)
{
    fold *f = fold_of(call);
    beamr_status st;

    if (!f)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a stack");
    if ((st = stack_before_of(ao_call_base(call), &f->before, err)) != BEAMR_OK)
        return st;
    if ((st = stack_request(call, &f->request, err)) != BEAMR_OK)
        return st;
    f->pass = 1;
    f->state = ao_message_ref(ao_call_base(call));
    return fold_next(call, err);
}

/* ---- `execution-stack` ---- */

static bool is_around(uint8_t c)
{
    return c == ' ' || c == '"' || c == '\t';
}

static beamr_bytes trimmed(beamr_bytes text)
{
    while (text.len > 0 && is_around(text.data[0]))
        text = (beamr_bytes){text.data + 1, text.len - 1};
    while (text.len > 0 && is_around(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* `"a@1.0", "b@1.0"` as a list; AO_NONE: no memory. */
static ao_value names_of(beamr_bytes text)
{
    ao_value list, *items;
    size_t count = 0, room = 1;

    for (size_t i = 0; i < text.len; i++)
        room += text.data[i] == ',';
    if (!(items = malloc(room * sizeof *items)))
        return AO_NO_VALUE;
    while (text.len > 0) {
        const uint8_t *comma = memchr(text.data, ',', text.len);
        size_t len = comma ? (size_t)(comma - text.data) : text.len;

        items[count++] = ao_binary_copy(trimmed((beamr_bytes){text.data, len}));
        len += comma ? 1 : 0;
        text = (beamr_bytes){text.data + len, text.len - len};
    }
    list = ao_list_new(items, count);
    free(items);
    return list;
}

/* The base as it is to be read; NULL: it has a `device-stack`, or nothing at all. */
static beamr_status named_otherwise(ao_call *call, ao_message **out, beamr_error *err)
{
    ao_value stack, names;
    beamr_status st = dev_base_value(call, "device-stack", &stack, err);

    *out = NULL;
    if (st != BEAMR_OK || stack.kind != AO_NONE ||
        (st = dev_base_value(call, "execution-stack", &names, err)) != BEAMR_OK ||
        names.kind == AO_NONE)
        return st;
    names = names.kind == AO_BINARY ? names_of(ao_text(names)) : ao_value_ref(names);
    return ao_message_with(ao_call_base(call), "device-stack", names, out, err);
}

static beamr_status answer_as_it_is(ao_call *call, beamr_error *err)
{
    const ao_result *result = ao_call_result(call);

    (void)err;
    return ao_call_return(call, result->outcome, ao_value_ref(result->value));
}

/* The same key on the base with a `device-stack`. */
static beamr_status resolve_again(ao_call *call, BEAMR_OWN ao_message *base, beamr_error *err)
{
    ao_options options = dev_inner_options(call);
    ao_value request;
    beamr_status st = stack_request(call, &request, err);

    if (st != BEAMR_OK) {
        ao_message_unref(base);
        return st;
    }
    return ao_call_resolve(call, ao_message_value(base), request, &options, answer_as_it_is);
}

/* ---- Which way a key goes ---- */

static uint8_t folded(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A' + 'a');
    return c == '_' ? '-' : c;
}

static bool is_same_key(beamr_bytes a, beamr_bytes b)
{
    for (size_t i = 0; a.len == b.len && i < a.len; i++)
        if (folded(a.data[i]) != folded(b.data[i]))
            return false;
    return a.len == b.len;
}

/* The key belongs to the stack: there are no `stack-keys`, or it is one of them. */
static beamr_status is_stack_key(ao_call *call, bool *out, beamr_error *err)
{
    ao_value keys, item;
    ao_cursor cursor = {0};
    beamr_status st = dev_base_value(call, "stack-keys", &keys, err);

    *out = st == BEAMR_OK && keys.kind == AO_NONE;
    if (st != BEAMR_OK || *out)
        return st;
    for (size_t i = 0; i < ao_list_count(keys) && !*out; i++)
        *out = is_same_key(ao_text(ao_list_at(keys, i)), ao_call_key(call));
    while (keys.kind == AO_MESSAGE && !*out &&
           ao_message_next(ao_to_message(keys), &cursor, NULL, &item)) {
        if ((st = ao_value_load(item, &item, err)) != BEAMR_OK)
            return st;
        *out = is_same_key(ao_text(item), ao_call_key(call));
    }
    return BEAMR_OK;
}

/* `Map` rather than `Fold`. */
static beamr_status is_map(ao_call *call, bool *out, beamr_error *err)
{
    ao_value mode;
    bool is_own;
    beamr_bytes text;
    beamr_status st = dev_argument(call, "mode", &mode, err);

    is_own = mode.kind == AO_NONE;
    if (st == BEAMR_OK && is_own)
        st = dev_base_value(call, "mode", &mode, err);
    if (st != BEAMR_OK)
        return st;
    text = ao_text(mode);
    *out = is_same_key(text, beamr_bytes_of("map"));
    if (*out || mode.kind == AO_NONE || is_same_key(text, beamr_bytes_of("fold")))
        return BEAMR_OK;
    if (is_own &&
        (is_same_key(text, beamr_bytes_of("wasm")) || is_same_key(text, beamr_bytes_of("aot"))))
        return BEAMR_OK;
    return beamr_fail(
        err, BEAMR_ARGUMENT, 0, "the mode of a stack is Fold or Map, and nothing else%s%.*s",
        text.len ? ": " : "", (int)(text.len < 100 ? text.len : 100), (const char *)text.data);
}

static beamr_status handle(ao_call *call, beamr_error *err)
{
    bool is_ours = false, is_mapped = false;
    ao_message *base;
    beamr_status st = is_stack_key(call, &is_ours, err);

    if (st != BEAMR_OK)
        return st;
    if (!is_ours)
        return ao_call_as_message(call);
    if ((st = named_otherwise(call, &base, err)) != BEAMR_OK)
        return st;
    if (base)
        return resolve_again(call, base, err);
    if (text_is(ao_call_key(call), "transform"))
        return stack_transform(call, err);
    if ((st = is_map(call, &is_mapped, err)) != BEAMR_OK)
        return st;
    return is_mapped ? stack_map(call, err) : stack_fold(call, err);
}

static const char *const about_the_message[] = {
    "set", "keys", "id", "commit", "committed", "committers", "verify", NULL,
};

const ao_device dev_stack = {
    .name = "stack@1.0", .excludes = about_the_message, .handler = handle};
