/* Forms: {as, device, message} as base or request, and {resolve, list} as base. Each function
 * ends where something else must be resolved first, and names the next one.
 * Source: AO-Core paths, "Special forms in stage 1". */
#include "ao/internal.h"
#include "ao/path.h"
#include "ao/set.h"
#include "ao/task.h"

static beamr_status form_named(ao_call *call, beamr_error *err);
static beamr_status form_done(ao_call *call, beamr_error *err);

static beamr_status device_resolved(ao_call *call, beamr_error *err)
{
    if (call->child.outcome != AO_OUTCOME_OK)
        return result_of_child(call);
    if (call->child.value.kind != AO_BINARY && call->child.value.kind != AO_ATOM)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a device in parentheses must be a text");
    value_drop(&call->held_device);
    call->held_device = call->child.value;
    call->child.value = AO_NO_VALUE;
    return form_named(call, err);
}

/* `held` is the request, `held_device` the device: find its name if it is a path. */
static beamr_status form_begin(ao_call *call, beamr_error *err)
{
    beamr_status st;

    if (call->held_device.kind != AO_RESOLVE)
        return form_named(call, err);
    st =
        call_push(call, FOLD_LIST, AO_NO_VALUE,
                  ao_value_ref(ao_resolve_list(call->held_device)), NULL, device_resolved, err);
    if (st == CALL_PUSHED)
        call->task->top->no_force = true;
    return st;
}

beamr_status form_base(ao_call *call, beamr_error *err)
{
    ao_value base = call->base;

    if (base.kind == AO_RESOLVE)
        return call_push(call, FOLD_LIST, AO_NO_VALUE, ao_value_ref(ao_resolve_list(base)),
                         NULL, form_done, err);
    value_drop(&call->held);
    value_drop(&call->held_device);
    call->is_used = true;
    call->held = ao_value_ref(ao_as_inner(base));
    call->held_device = ao_value_ref(ao_as_device(base));
    return form_begin(call, err);
}

/* The keys of `inner` in `request`, or, if it is none, inner as its path. */
static beamr_status merge(const ao_message *request, ao_value inner, ao_value *out,
                          beamr_error *err)
{
    const ao_message *more = ao_to_message(inner);
    ao_cursor cursor = {0};
    ao_message *merged;
    const ao_name *key;
    ao_builder b;
    ao_value value;
    beamr_status st;

    ao_builder_begin(&b, request, NULL, err);
    if (request)
        ao_builder_remove(&b, beamr_bytes_of("path"));
    if (!more)
        ao_builder_put(&b, "path", ao_value_ref(inner));
    while (more && ao_message_next(more, &cursor, &key, &value))
        ao_builder_put_name(&b, key, ao_value_ref(value));
    if ((st = ao_builder_end(&b, &merged)) == BEAMR_OK)
        *out = ao_message_value(merged);
    return st;
}

beamr_status form_request(ao_call *call, ao_value as, const ao_message *request,
                          beamr_error *err)
{
    ao_value held;
    beamr_status st = merge(request, ao_as_inner(as), &held, err);

    if (st != BEAMR_OK)
        return st;
    value_drop(&call->held);
    value_drop(&call->held_device);
    call->is_used = true;
    call->held = held;
    call->held_device = ao_value_ref(ao_as_device(as));
    return form_begin(call, err);
}

/* ---- With the device known ---- */

/* The id that a form is about: itself, or its path. */
static beamr_bytes id_of(ao_value held)
{
    const ao_message *message = ao_to_message(held);
    beamr_bytes text = ao_text(message ? ao_message_find_text(message, "path") : held);

    return ao_is_id(text) ? text : (beamr_bytes){NULL, 0};
}

/* The base is the message of an id, with the device and the keys of the form. */
static beamr_status load_base(ao_call *call, beamr_bytes id, beamr_error *err)
{
    ao_value stored = AO_NO_VALUE;
    ao_message *keys = NULL, *base;
    ao_builder b;
    beamr_status st = recall_load(call, id, &stored, NULL);

    if (st == BEAMR_NOT_FOUND || (st == BEAMR_OK && stored.kind != AO_MESSAGE)) {
        st = beamr_fail(err, BEAMR_NOT_FOUND, 0,
                        "a message that is needed is not stored: `%.*s`", (int)id.len,
                        (const char *)id.data);
        goto out;
    }
    if (st != BEAMR_OK) {
        (void)beamr_fail(err, st, 0, "a message that is needed cannot be read: `%.*s`",
                         (int)id.len, (const char *)id.data);
        goto out;
    }
    ao_builder_begin(&b, ao_to_message(call->held), NULL, err);
    ao_builder_remove(&b, beamr_bytes_of("path"));
    ao_builder_put(&b, "device", ao_value_ref(call->held_device));
    if ((st = ao_builder_end(&b, &keys)) != BEAMR_OK)
        goto out;
    st = ao_set(call->task->context, ao_to_message(stored), keys, &base, err);
    if (st != BEAMR_OK)
        goto out;
    ao_value_unref(call->base);
    call->base = ao_message_value(base);
    st = CALL_AGAIN;
out:
    ao_value_unref(stored);
    ao_message_unref(keys);
    return st;
}

static beamr_status form_done(ao_call *call, beamr_error *err)
{
    (void)err;
    return call->stage == STAGE_BASE ? base_of_child(call) : result_of_child(call);
}

/* What is only set leaves no trace in hashpaths, and is not looked up. */
static ao_options quiet(const ao_options *options)
{
    ao_options q = *options;

    q.hashpath = AO_HASHPATH_IGNORE;
    q.cache_control = 0;
    q.force_message = false;
    return q;
}

/* `based` has the device: resolve the request on it, or set its keys. */
static beamr_status form_run(ao_call *call, ao_value based, beamr_error *err)
{
    const ao_message *held = ao_to_message(call->held);
    ao_value path = ao_message_find_text(held, "path");
    bool has_path = path.kind != AO_NONE && (path.kind != AO_BINARY || ao_bytes(path).len > 0);
    ao_options options;
    ao_message *set;
    beamr_status st;

    if (has_path)
        return call_push(call, FOLD_TEXT, based, ao_value_ref(call->held), NULL, form_done,
                         err);
    if (ao_message_count(held) == (path.kind != AO_NONE)) {
        value_drop(&call->child.value);
        call->child = (ao_result){AO_OUTCOME_OK, based};
        return form_done(call, err);
    }
    st = ao_message_with(held, "path", ao_binary_text("set"), &set, err);
    if (st != BEAMR_OK) {
        ao_value_unref(based);
        return st;
    }
    options = quiet(call->options);
    return call_push(call, FOLD_ONE, based, ao_message_value(set), &options, form_done, err);
}

static beamr_status device_set(ao_call *call, beamr_error *err)
{
    ao_value based = call->child.value;

    if (call->child.outcome != AO_OUTCOME_OK || based.kind != AO_MESSAGE)
        return result_of_child(call);
    call->child.value = AO_NO_VALUE;
    return form_run(call, based, err);
}

/* Set the device, through the base's own one. A base without device and commitments is just
 * changed: message@1.0 would do no more. */
static beamr_status set_device(ao_call *call, const ao_message *base, beamr_error *err)
{
    ao_options options;
    ao_message *based;
    ao_builder b;
    ao_value request;
    beamr_status st;

    if (ao_message_find_text(base, "device").kind == AO_NONE &&
        ao_message_find_text(base, "commitments").kind == AO_NONE) {
        st = ao_message_with(base, "device", ao_value_ref(call->held_device), &based, err);
        return st == BEAMR_OK ? form_run(call, ao_message_value(based), err) : st;
    }
    ao_builder_begin(&b, NULL, NULL, err);
    ao_builder_put(&b, "path", ao_binary_text("set"));
    ao_builder_put(&b, "device", ao_value_ref(call->held_device));
    request = ao_builder_value(&b);
    if (request.kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a device's name");
    options = quiet(call->options);
    return call_push(call, FOLD_ONE, ao_message_value(ao_message_ref(base)), request, &options,
                     device_set, err);
}

static beamr_status form_on_empty(ao_call *call, beamr_error *err)
{
    ao_message *empty = ao_message_empty();
    beamr_status st = set_device(call, empty, err);

    ao_message_unref(empty);
    return st;
}

static beamr_status form_named(ao_call *call, beamr_error *err)
{
    beamr_bytes id = id_of(call->held);
    ao_value base = call->base;
    beamr_status st;

    if (call->held_device.kind == AO_NONE)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a form without a device");
    if (call->stage == STAGE_BASE) {
        if (id.len > 0)
            return load_base(call, id, err);
        if (call->held.kind != AO_MESSAGE)
            return beamr_fail(err, BEAMR_ARGUMENT, 0,
                              "a message or an id must stand beside the device");
        return form_on_empty(call, err);
    }
    if (base.kind == AO_BINARY && ao_is_id(ao_bytes(base))) {
        st = recall_load(call, ao_bytes(base), &call->base, err);
        if (st != BEAMR_OK) {
            call->base = base;
            return st;
        }
        ao_value_unref(base);
    }
    if (call->base.kind != AO_MESSAGE)
        return call_end(call, AO_OUTCOME_ERROR, ao_atom("not_found"), err);
    return set_device(call, ao_to_message(call->base), err);
}
