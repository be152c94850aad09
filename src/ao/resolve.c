/* Resolution: the stages that every request goes through, in the order of the specification. It
 * leaves out its last one, workers that stay behind: a state that lives on is its device's.
 * How frames and tasks work is told in task.h; where requests come from, in request.c; forms,
 * in form.c; what is stored and found again, in recall.c. Source: AO-Core paths, "Stages". */
#include <inttypes.h>
#include <string.h>

#include "ao/group.h"
#include "ao/hashpath.h"
#include "ao/internal.h"
#include "ao/path.h"
#include "ao/task.h"

/* ---- 1: normalise ---- */

/* The base becomes a message, unless it is a literal or an id. */
static beamr_status stage_base(ao_call *call, beamr_error *err)
{
    ao_value base = call->base;
    ao_message *message;
    beamr_status st = BEAMR_OK;

    switch (base.kind) {
    case AO_MESSAGE:
        return BEAMR_OK;
    case AO_AS:
    case AO_RESOLVE:
        return form_base(call, err);
    case AO_LINK:
        if ((st = ao_value_load(base, &call->base, err)) != BEAMR_OK)
            return st;
        (void)ao_value_ref(call->base);
        ao_value_unref(base);
        return CALL_AGAIN;
    case AO_LIST:
        if (!fold_has_next(call))
            return BEAMR_OK;
        if ((st = ao_list_to_message(base, &message, err)) != BEAMR_OK)
            return st;
        call->base = ao_message_value(message);
        ao_value_unref(base);
        return BEAMR_OK;
    case AO_BINARY: /* a list of one id */
        if (!call->is_first || call->fold != FOLD_LIST || fold_has_next(call) ||
            !ao_is_id(ao_bytes(base)))
            return BEAMR_OK;
        st = recall_load(call, ao_bytes(base), &call->base, NULL);
        if (st == BEAMR_NOT_FOUND)
            return call_end(call, AO_OUTCOME_ERROR, ao_atom("not_found"), err);
        if (st == BEAMR_OK)
            ao_value_unref(base);
        return st;
    default:
        return BEAMR_OK;
    }
}

static beamr_status stage_request(ao_call *call, beamr_error *err)
{
    uint64_t max = call->task->context->max_steps;

    if (++call->task->steps > max)
        return beamr_fail(err, BEAMR_LIMIT, 0, "more than %" PRIu64 " requests in a resolution",
                          max);
    return request_next(call, err);
}

/* ---- 2: cache lookup ---- */

static beamr_status stage_lookup(ao_call *call, beamr_error *err)
{
    return recall_lookup(call, err);
}

/* ---- 3: validate ---- */

/* A binary is no message, but has an id. */
static beamr_status binary_id(ao_call *call, beamr_error *err)
{
    ao_value id;
    beamr_status st = ao_hashpath_of(call->task->context, call->base, &id, err);

    if (st != BEAMR_OK)
        return st;
    st = call_end(call, AO_OUTCOME_OK, id, err);
    return st == CALL_END && result_force(call, err) != BEAMR_OK ? BEAMR_NO_MEMORY : st;
}

static beamr_status stage_validate(ao_call *call, beamr_error *err)
{
    if (call->base.kind == AO_BINARY && text_is(call->key, "id"))
        return binary_id(call, err);
    if (call->base.kind != AO_MESSAGE)
        return call_end(call, AO_OUTCOME_ERROR, ao_atom("not_found"), err);
    return BEAMR_OK;
}

/* ---- 4: in progress elsewhere? ---- */

static beamr_status find_device(ao_call *call, beamr_error *err)
{
    const ao_context *context = call->task->context;
    beamr_status st;
    beamr_bytes name;
    ao_value device;

    if (call->registered)
        return BEAMR_OK;
    st = message_load_key(ao_to_message(call->base), "device", &device, err);
    if (st != BEAMR_OK)
        return st;
    if (device.kind == AO_NONE) {
        call->registered = context->message;
        return context->message ? BEAMR_OK
                                : beamr_fail(err, BEAMR_NOT_FOUND, 0,
                                             "this context has no device message@1.0");
    }
    if (device.kind != AO_BINARY && device.kind != AO_ATOM)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the device of a message must be a text");
    name = ao_text(device);
    call->registered = context_find(context, name);
    if (call->registered)
        return BEAMR_OK;
    if (ao_is_id(name))
        return beamr_fail(err, BEAMR_NOT_FOUND, 0,
                          "the device `%.*s` is an id, and code is never loaded", (int)name.len,
                          (const char *)name.data);
    return beamr_fail(err, BEAMR_NOT_FOUND, 0, "there is no device `%.*s`",
                      (int)(name.len < 100 ? name.len : 100), (const char *)name.data);
}

/* The name of the computation: the device's, or, if all are to be named, what its hashpath will
 * be. */
static beamr_status group_name(ao_call *call, ao_value *out, beamr_error *err)
{
    const ao_device *device = call->registered->device;

    *out = AO_NO_VALUE;
    if (device->group) {
        call->device = device;
        *out = device->group(call);
        if (out->kind == AO_BINARY)
            return BEAMR_OK;
    }
    if (call->options->await_inprogress != AO_AWAIT_ALL)
        return BEAMR_OK;
    return hashpath_of_call(call->task->context, ao_to_message(call->base), call->request,
                            call->text, out, err);
}

static beamr_status stage_join(ao_call *call, beamr_error *err)
{
    ao_await await = call->options->await_inprogress;
    group_role role;
    beamr_status st;
    ao_value name;

    if (await == AO_AWAIT_NEVER)
        return BEAMR_OK;
    if ((st = find_device(call, err)) != BEAMR_OK)
        return st;
    if (!call->registered->device->group && await != AO_AWAIT_ALL)
        return BEAMR_OK;
    if ((st = group_name(call, &name, err)) != BEAMR_OK || name.kind != AO_BINARY) {
        ao_value_unref(name);
        return st;
    }
    role = group_join(call, ao_bytes(name), call->options->allow_infinite, stage_join);
    ao_value_unref(name);
    switch (role) {
    case GROUP_LEADS:
        return BEAMR_OK;
    case GROUP_WAITS:
        return CALL_LATER;
    case GROUP_CIRCLE:
        return call_end_error(call, 508, "Request creates infinite recursion.", err);
    default:
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a computation's name");
    }
}

/* ---- 5: device ---- */

static beamr_status stage_device(ao_call *call, beamr_error *err)
{
    const ao_registered *message = call->task->context->message;
    beamr_status st = find_device(call, err);

    if (st != BEAMR_OK)
        return st;
    call->device = call->registered->device;
    call->function = device_table_find(call->registered, call->key);
    if (call->function)
        return BEAMR_OK;
    if (message && (call->function = device_table_find(message, call->key)) != NULL) {
        call->device = message->device;
        return BEAMR_OK;
    }
    return call_end(call, AO_OUTCOME_ERROR, ao_atom("not_found"), err);
}

/* ---- 6: execute ---- */

static beamr_status stage_execute(ao_call *call, beamr_error *err)
{
    return call->function(call, err);
}

/* Nothing of what is left to be done concerns this result: a literal that nobody else wants. */
static bool is_final(const ao_call *call)
{
    ao_kind kind = call->result.value.kind;

    return kind != AO_MESSAGE && kind != AO_LINK && kind != AO_RESOLVE && !call->group &&
           !call->options->force_message && !call->options->values &&
           !call->task->context->values && !call->task->context->kv;
}

static beamr_status stage_answer(ao_call *call, beamr_error *err)
{
    if (!call->is_answered)
        return beamr_fail(err, BEAMR_EXCEPTION, 0, "the device %s gave no answer to `%.*s`",
                          call->device->name, (int)(call->key.len < 100 ? call->key.len : 100),
                          (const char *)call->key.data);
    return is_final(call) ? CALL_END : result_force(call, err);
}

static beamr_status force_literal(ao_value body, ao_value *out)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "ao-result", ao_binary_text("body"));
    ao_builder_put(&b, "body", ao_value_ref(body));
    *out = ao_builder_value(&b);
    return out->kind == AO_NONE ? BEAMR_NO_MEMORY : BEAMR_OK;
}

/* {status, body} with the status that the result has says that the body is meant. */
static beamr_status force_message(ao_call *call, ao_value *out, beamr_error *err)
{
    const ao_message *message = ao_to_message(call->result.value);
    ao_value status = message_key(message, "status");
    ao_message *forced;
    beamr_status st;

    *out = AO_NO_VALUE;
    if (ao_message_count(message) != 2 ||
        !text_is(ao_text(status), ao_outcome_text(call->result.outcome)) ||
        message_key(message, "body").kind == AO_NONE)
        return BEAMR_OK;
    st = ao_message_with(message, "ao-result", ao_binary_text("body"), &forced, err);
    if (st == BEAMR_OK)
        *out = ao_message_value(forced);
    return st;
}

beamr_status result_force(ao_call *call, beamr_error *err)
{
    ao_value value = call->result.value, forced = AO_NO_VALUE;
    ao_message *message;
    beamr_status st;

    if (!call->options->force_message || call->no_force)
        return BEAMR_OK;
    switch (value.kind) {
    case AO_AS:
    case AO_RESOLVE:
    case AO_LINK:
        return BEAMR_OK;
    case AO_MESSAGE:
        st = force_message(call, &forced, err);
        break;
    case AO_LIST:
        st = ao_list_to_message(value, &message, err);
        if (st == BEAMR_OK)
            forced = ao_message_value(message);
        break;
    default:
        st = force_literal(value, &forced);
    }
    if (st == BEAMR_OK && forced.kind != AO_NONE) {
        call->result.value = forced;
        ao_value_unref(value);
    }
    return st;
}

/* ---- 7: step hook ---- */

static void outcome_of_text(beamr_bytes text, ao_outcome *out)
{
    for (int i = 0; i < AO_OUTCOME_COUNT; i++)
        if (text_is(text, ao_outcome_text((ao_outcome)i)))
            *out = (ao_outcome)i;
}

static beamr_status hook_done(ao_call *call, beamr_error *err)
{
    const ao_message *said = ao_to_message(call->child.value);
    ao_value body;

    (void)err;
    if (call->child.outcome != AO_OUTCOME_OK) {
        (void)result_of_child(call);
        return BEAMR_OK;
    }
    if (!said)
        return BEAMR_OK;
    outcome_of_text(ao_text(message_key(said, "status")), &call->result.outcome);
    body = message_key(said, "body");
    if (body.kind != AO_NONE) {
        ao_value_unref(call->result.value);
        call->result.value = ao_value_ref(body);
    }
    return BEAMR_OK;
}

static ao_value hook_request(ao_call *call, const ao_message *hook)
{
    const ao_message *request = ao_call_request(call);
    ao_value path = message_key(hook, "path");
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "path",
                   path.kind == AO_NONE ? ao_binary_text("step") : ao_value_ref(path));
    ao_builder_put(&b, "base", ao_value_ref(call->base));
    ao_builder_put(&b, "request",
                   request ? ao_message_value(ao_message_ref(request)) : AO_NO_VALUE);
    ao_builder_put(&b, "status", ao_binary_text(ao_outcome_text(call->result.outcome)));
    ao_builder_put(&b, "body", ao_value_ref(call->result.value));
    return ao_builder_value(&b);
}

static beamr_status stage_hook(ao_call *call, beamr_error *err)
{
    const ao_message *hooks, *hook;
    ao_options options;
    ao_value request;
    beamr_status st;

    if ((!call->options->values && !call->task->context->values) || call->in_hook)
        return BEAMR_OK;
    hooks = ao_to_message(call_option(call, "on"));
    hook = hooks ? ao_to_message(message_key(hooks, "step")) : NULL;
    if (!hook)
        return BEAMR_OK;
    request = hook_request(call, hook);
    if (request.kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a step hook");
    options = *call->options;
    options.force_message = false;
    options.cache_control = 0;
    options.hashpath = AO_HASHPATH_IGNORE;
    st = call_push(call, FOLD_TEXT, ao_message_value(ao_message_ref(hook)), request, &options,
                   hook_done, err);
    if (st == CALL_PUSHED)
        call->task->top->in_hook = true;
    return st;
}

/* ---- 8: a result that is still to be resolved ---- */

static beamr_status followed(ao_call *call, beamr_error *err)
{
    (void)err;
    (void)result_of_child(call);
    return BEAMR_OK;
}

static beamr_status stage_follow(ao_call *call, beamr_error *err)
{
    ao_value value = call->result.value;
    beamr_status st;

    if (value.kind == AO_LINK) {
        if ((st = ao_value_load(value, &call->result.value, err)) != BEAMR_OK) {
            call->result.value = value;
            return st;
        }
        (void)ao_value_ref(call->result.value);
        ao_value_unref(value);
        return result_force(call, err);
    }
    if (value.kind != AO_RESOLVE || call->result.outcome != AO_OUTCOME_OK)
        return BEAMR_OK;
    return call_push(call, FOLD_LIST, AO_NO_VALUE, ao_value_ref(ao_resolve_list(value)), NULL,
                     followed, err);
}

/* ---- 9: link ---- */

beamr_status result_link(ao_call *call, beamr_error *err)
{
    ao_hashpath_mode mode = call->options->hashpath;
    ao_message *result = ao_to_message(call->result.value), *linked;
    beamr_status st;

    if (!result)
        return BEAMR_OK;
    if (call->result.outcome != AO_OUTCOME_OK)
        mode = AO_HASHPATH_RESET;
    if (mode == AO_HASHPATH_IGNORE)
        return BEAMR_OK;
    if (mode == AO_HASHPATH_UPDATE && call->base.kind == AO_MESSAGE) {
        call->result.value = AO_NO_VALUE;
        st = ao_hashpath_link(call->task->context, ao_to_message(call->base), call->request,
                              call->text, result, &linked, err);
    } else if ((st = ao_hashpath_reset(result, &linked, err)) == BEAMR_OK) {
        ao_message_unref(result);
    }
    if (st == BEAMR_OK)
        call->result.value = ao_message_value(linked);
    return st;
}

static beamr_status stage_link(ao_call *call, beamr_error *err)
{
    return result_link(call, err);
}

/* ---- 10: store ---- */

static beamr_status stage_store(ao_call *call, beamr_error *err)
{
    return recall_store(call, err);
}

/* ---- 11: notify ---- */

static beamr_status stage_notify(ao_call *call, beamr_error *err)
{
    (void)err;
    group_end(call, &call->result);
    return BEAMR_OK;
}

static const ao_function stages[STAGE_COUNT] = {
    [STAGE_BASE] = stage_base,       [STAGE_REQUEST] = stage_request,
    [STAGE_LOOKUP] = stage_lookup,   [STAGE_VALIDATE] = stage_validate,
    [STAGE_JOIN] = stage_join,       [STAGE_DEVICE] = stage_device,
    [STAGE_EXECUTE] = stage_execute, [STAGE_ANSWER] = stage_answer,
    [STAGE_HOOK] = stage_hook,       [STAGE_FOLLOW] = stage_follow,
    [STAGE_LINK] = stage_link,       [STAGE_STORE] = stage_store,
    [STAGE_NOTIFY] = stage_notify,
};

/* ---- From stage to stage, and from request to request ---- */

beamr_status result_of_child(ao_call *call)
{
    value_drop(&call->result.value);
    call->result = call->child;
    call->child.value = AO_NO_VALUE;
    call->is_answered = true;
    return CALL_END;
}

beamr_status base_of_child(ao_call *call)
{
    if (call->child.outcome != AO_OUTCOME_OK)
        return result_of_child(call);
    ao_value_unref(call->base);
    call->base = call->child.value;
    call->child.value = AO_NO_VALUE;
    return CALL_AGAIN;
}

/* The request has its result.  true: and the frame too; otherwise the result is the next base.
 */
static bool end_request(ao_call *call)
{
    if (call->group)
        group_end(call, &call->result);
    call_clear_request(call);
    if (call->result.outcome != AO_OUTCOME_OK)
        return true;
    ao_value_unref(call->base);
    call->base = call->result.value;
    call->result.value = AO_NO_VALUE;
    call->is_first = false;
    call->stage = STAGE_BASE;
    return false;
}

/* No request is left: the base is the result. */
static beamr_status end_frame(ao_call *call)
{
    value_drop(&call->result.value);
    call->result = (ao_result){AO_OUTCOME_OK, call->base};
    call->base = AO_NO_VALUE;
    return BEAMR_OK;
}

beamr_status resolve_step(ao_call *call, beamr_error *err)
{
    beamr_status st = call->entry;

    call->entry = CALL_AGAIN;
    call->err = err;
    for (;;) {
        if (st == CALL_AGAIN) {
            ao_function function = call->then;

            if (!function)
                function = stages[call->stage];
            call->then = NULL;
            st = function(call, err);
        } else if (st == BEAMR_OK && call->stage + 1 < STAGE_COUNT) {
            call->stage++;
            if (call->stage == STAGE_REQUEST && !fold_has_next(call))
                return end_frame(call);
            st = CALL_AGAIN;
        } else if (st == BEAMR_OK || st == CALL_END) {
            if (end_request(call))
                return BEAMR_OK;
            st = CALL_AGAIN;
        } else {
            return st;
        }
    }
}
