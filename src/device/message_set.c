/* message@1.0's `set`, with paths.
 * Keys without `/` are set at once by ao_set. A key with `/` is a path below the base: each of
 * its heads is resolved, what stands at its end is set, and the results are put back on the way
 * up. Where no message on the way has a device of its own, that is ao_set_path; where one has,
 * its keys and its `set` are asked instead.
 * Source: AO-Core messages, "Deep set by path". */
#include "ao/path.h"
#include "ao/set.h"
#include "device/internal.h"

typedef struct deep_set {
    ao_message *done;                /* the base with what has been set so far */
    const ao_message *from;          /* the request, borrowed */
    ao_cursor cursor;                /* of its keys */
    ao_value parts;                  /* of the path that is being set */
    ao_value value;                  /* to be put there, or what comes up; counted */
    ao_message *level[AO_DEPTH_MAX]; /* the messages on the way down; level[0] is `done` */
    size_t depth;                    /* in use, of those */
} deep_set;

static void levels_clear(deep_set *s)
{
    while (s->depth > 0)
        ao_message_unref(s->level[--s->depth]);
    ao_value_unref(s->parts);
    ao_value_unref(s->value);
    s->parts = s->value = AO_NO_VALUE;
}

static void deep_set_clear(void *memory)
{
    deep_set *s = memory;

    levels_clear(s);
    ao_message_unref(s->done);
}

static bool is_path(const ao_name *key)
{
    beamr_bytes text = ao_name_text(key);

    return text.len > 0 && memchr(text.data, '/', text.len) != NULL;
}

static bool has_paths(const ao_message *request)
{
    ao_cursor cursor = {0};
    const ao_name *key;

    while (ao_message_next(request, &cursor, &key, NULL)) {
        if (is_path(key))
            return true;
    }
    return false;
}

static bool has_own_device(const ao_message *message)
{
    beamr_bytes device = ao_text(ao_message_find_text(message, "device"));

    return device.len > 0 && !(device.len == strlen("message@1.0") &&
                               memcmp(device.data, "message@1.0", device.len) == 0);
}

/* Some message below the base, on the way to the last part, has a device of its own. */
static beamr_status meets_device(const ao_message *base, ao_value parts, bool *out,
                                 beamr_error *err)
{
    const ao_message *message = base;
    size_t count = ao_list_count(parts);

    *out = false;
    for (size_t i = 0; i + 1 < count && message && !*out; i++) {
        ao_value value;
        beamr_status st = ao_message_get(message, ao_text(ao_list_at(parts, i)), &value, err);

        if (st != BEAMR_OK)
            return st;
        message = ao_to_message(value);
        *out = message && has_own_device(message);
    }
    return BEAMR_OK;
}

/* ---- Through devices, one step at a time ---- */

static beamr_status next_key(ao_call *call, beamr_error *err);
static beamr_status descend(ao_call *call, beamr_error *err);

static deep_set *state(ao_call *call)
{
    return ao_call_memory(call, sizeof(deep_set), deep_set_clear);
}

/* {path: set, `part`: the value}, with set-mode=explicit for what was there before. */
static ao_value set_request(deep_set *s, ao_value part, bool is_explicit)
{
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, NULL);
    ao_builder_put(&builder, "path", ao_binary_text("set"));
    if (is_explicit)
        ao_builder_put(&builder, "set-mode", ao_binary_text("explicit"));
    ao_builder_put_key(&builder, ao_text(part), ao_value_ref(s->value));
    return ao_builder_value(&builder);
}

static beamr_status ascended(ao_call *call, beamr_error *err);

/* Set the value in the deepest message that is left; in the base itself directly. */
static beamr_status ascend(ao_call *call, beamr_error *err)
{
    deep_set *s = state(call);
    bool is_last = s->depth == ao_list_count(s->parts);
    ao_value part = ao_list_at(s->parts, s->depth - 1);
    ao_value request = set_request(s, part, !is_last);
    ao_options options = dev_inner_options(call);
    ao_message *message = NULL;
    beamr_status st;

    if (request.kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for setting a path");
    if (s->depth > 1)
        return ao_call_resolve(call, ao_message_value(ao_message_ref(s->level[s->depth - 1])),
                               request, &options, ascended);
    st = ao_set(ao_call_context(call), s->done, ao_to_message(request), &message, err);
    ao_value_unref(request);
    if (st != BEAMR_OK)
        return st;
    ao_message_unref(s->done);
    s->done = message;
    levels_clear(s);
    return next_key(call, err);
}

static beamr_status ascended(ao_call *call, beamr_error *err)
{
    deep_set *s = state(call);
    const ao_result *result = ao_call_result(call);

    if (result->outcome != AO_OUTCOME_OK)
        return ao_call_return(call, result->outcome, ao_value_ref(result->value));
    ao_value_unref(s->value);
    s->value = ao_value_ref(result->value);
    ao_message_unref(s->level[--s->depth]);
    return ascend(call, err);
}

static beamr_status descended(ao_call *call, beamr_error *err)
{
    deep_set *s = state(call);
    const ao_result *result = ao_call_result(call);
    ao_message *below = NULL;

    if (result->outcome != AO_OUTCOME_OK) {
        below = ao_message_empty(); /* it is made on the way */
    } else if (ao_to_message(result->value)) {
        below = ao_message_ref(ao_to_message(result->value));
    } else if (result->value.kind == AO_LIST) {
        beamr_status st = ao_list_to_message(result->value, &below, err);

        if (st != BEAMR_OK)
            return st;
    } else {
        beamr_bytes part = ao_text(ao_list_at(s->parts, s->depth - 1));

        return ao_call_error(call, 400, "set: nothing can be set below '%.*s', a literal",
                             (int)(part.len < 64 ? part.len : 64), (const char *)part.data);
    }
    s->level[s->depth++] = below;
    return descend(call, err);
}

static beamr_status descend(ao_call *call, beamr_error *err)
{
    deep_set *s = state(call);
    ao_options options = dev_inner_options(call);

    if (s->depth == ao_list_count(s->parts))
        return ascend(call, err);
    if (s->depth == AO_DEPTH_MAX)
        return beamr_fail(err, BEAMR_LIMIT, 0, "set: the path has more than %d parts",
                          AO_DEPTH_MAX);
    return ao_call_resolve(call, ao_message_value(ao_message_ref(s->level[s->depth - 1])),
                           ao_value_ref(ao_list_at(s->parts, s->depth - 1)), &options,
                           descended);
}

/* ---- All keys ---- */

/* Set what the cursor has come to. `is_done`: without asking a device. */
static beamr_status set_one(ao_call *call, deep_set *s, beamr_bytes path, ao_value value,
                            bool *is_done, beamr_error *err)
{
    ao_context *context = ao_call_context(call);
    ao_value text = ao_binary_copy(path);
    ao_message *message = NULL;
    bool has_device = false;
    beamr_status st = ao_path_parts(text, &s->parts, err);

    ao_value_unref(text);
    if (st == BEAMR_OK)
        st = meets_device(s->done, s->parts, &has_device, err);
    *is_done = !has_device;
    if (st != BEAMR_OK)
        return st;
    if (has_device) {
        s->value = ao_value_ref(value);
        s->level[s->depth++] = ao_message_ref(s->done);
        return BEAMR_OK;
    }
    if ((st = ao_set_path(context, s->done, path, value, &message, err)) != BEAMR_OK)
        return st;
    ao_message_unref(s->done);
    s->done = message;
    levels_clear(s);
    return BEAMR_OK;
}

static beamr_status next_key(ao_call *call, beamr_error *err)
{
    deep_set *s = state(call);
    const ao_name *key;
    ao_value value;

    while (ao_message_next(s->from, &s->cursor, &key, &value)) {
        bool is_done = true;
        beamr_status st;

        if (!is_path(key) || ao_is_atom(value, "undefined"))
            continue;
        if ((st = set_one(call, s, ao_name_text(key), value, &is_done, err)) != BEAMR_OK)
            return st;
        if (!is_done)
            return descend(call, err);
    }
    return ao_call_ok(call, ao_message_value(ao_message_ref(s->done)));
}

/* Set the keys that are no paths, and begin with those that are. */
static beamr_status set_with_paths(ao_call *call, const ao_message *request, beamr_error *err)
{
    deep_set *s = state(call);
    ao_message *plain = NULL;
    ao_cursor cursor = {0};
    ao_builder builder;
    const ao_name *key;
    beamr_status st;

    if (!s)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for setting paths");
    ao_builder_begin(&builder, request, NULL, err);
    while (ao_message_next(request, &cursor, &key, NULL)) {
        if (is_path(key))
            ao_builder_remove(&builder, ao_name_text(key));
    }
    if ((st = ao_builder_end(&builder, &plain)) != BEAMR_OK)
        return st;
    st = ao_set(ao_call_context(call), ao_call_base(call), plain, &s->done, err);
    ao_message_unref(plain);
    s->from = request;
    return st == BEAMR_OK ? next_key(call, err) : st;
}

beamr_status dev_message_set(ao_call *call, beamr_error *err)
{
    const ao_message *request = ao_call_request(call);
    ao_message *message = NULL;
    beamr_status st;

    if (!request)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the request");
    if (has_paths(request))
        return set_with_paths(call, request, err);
    st = ao_set(ao_call_context(call), ao_call_base(call), request, &message, err);
    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(message)) : st;
}
