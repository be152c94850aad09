/* What a device's function sees of its call, and the ways in which it can end:
 * beamr/ao/device.h. Which function is called, and what comes after it, is resolve.c's. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ao/internal.h"
#include "ao/task.h"

/* ---- What the call is about ---- */

const ao_message *ao_call_base(const ao_call *call)
{
    return ao_to_message(call->base);
}

const ao_message *ao_call_request(ao_call *call)
{
    ao_builder b;

    if (!call->request) {
        ao_builder_begin(&b, NULL, NULL, NULL);
        ao_builder_put(&b, "path", ao_binary_copy(call->text));
        if (ao_builder_end(&b, &call->request) != BEAMR_OK)
            return NULL;
    }
    return call->request;
}

ao_value ao_call_argument(ao_call *call, const char *key)
{
    const ao_message *request = call->request;
    ao_value value, loaded;

    if (call->is_only_key && !request) {
        if (strcmp(key, "path") != 0)
            return AO_NO_VALUE;
        request = ao_call_request(call);
    }
    if (!request)
        return AO_NO_VALUE;
    value = ao_message_find_text(request, key);
    if (value.kind == AO_LINK && ao_value_load(value, &loaded, NULL) == BEAMR_OK)
        return loaded;
    return value;
}

beamr_bytes ao_call_key(const ao_call *call)
{
    return call->key;
}

beamr_bytes ao_call_key_text(const ao_call *call)
{
    return call->text;
}

ao_context *ao_call_context(const ao_call *call)
{
    return call->task->context;
}

const ao_options *ao_call_options(const ao_call *call)
{
    return call->options;
}

ao_value call_option(const ao_call *call, const char *name)
{
    const ao_message *own = call->options->values, *common = call->task->context->values;
    ao_value value = AO_NO_VALUE;

    if (own)
        value = ao_message_find_text(own, name);
    if (value.kind == AO_NONE && common)
        value = ao_message_find_text(common, name);
    return value;
}

ao_value ao_call_option(const ao_call *call, const char *name)
{
    return call_option(call, name);
}

void *ao_call_arg(const ao_call *call)
{
    return call->device ? call->device->arg : NULL;
}

void *ao_call_memory(ao_call *call, size_t size, void (*clear)(void *memory))
{
    if (!call->memory) {
        call->is_used = true;
        call->memory = malloc(size ? size : 1); /* which is quicker than calloc for little */
        if (call->memory)
            memset(call->memory, 0, size);
        call->clear = clear;
    }
    return call->memory;
}

/* ---- Answering ---- */

static void set_result(ao_call *call, ao_outcome outcome, ao_value value)
{
    value_drop(&call->result.value);
    call->result = (ao_result){outcome, value};
    call->is_answered = true;
}

beamr_status ao_call_return(ao_call *call, ao_outcome outcome, ao_value value)
{
    if (value.kind == AO_NONE)
        return value_fail(value, call->err);
    set_result(call, outcome, value);
    return BEAMR_OK;
}

beamr_status ao_call_ok(ao_call *call, ao_value value)
{
    return ao_call_return(call, AO_OUTCOME_OK, value);
}

ao_value call_error_value(int http_status, const char *text)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "status", ao_integer(http_status));
    ao_builder_put(&b, "body", ao_binary_text(text));
    return ao_builder_value(&b);
}

beamr_status ao_call_error(ao_call *call, int http_status, const char *format, ...)
{
    char text[BEAMR_ERROR_TEXT_SIZE];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return ao_call_return(call, AO_OUTCOME_ERROR, call_error_value(http_status, text));
}

beamr_status ao_call_not_found(ao_call *call)
{
    return ao_call_return(call, AO_OUTCOME_ERROR, ao_atom("not_found"));
}

beamr_status ao_call_as_message(ao_call *call)
{
    const ao_registered *message = call->task->context->message;
    ao_function function = message ? device_table_find(message, call->key) : NULL;

    if (!function)
        return ao_call_not_found(call);
    call->device = message->device;
    call->then = function;
    return CALL_AGAIN;
}

beamr_status call_end(ao_call *call, ao_outcome outcome, ao_value value, beamr_error *err)
{
    if (value.kind == AO_NONE)
        return value_fail(value, err);
    set_result(call, outcome, value);
    return CALL_END;
}

beamr_status call_end_error(ao_call *call, int http_status, const char *text, beamr_error *err)
{
    return call_end(call, AO_OUTCOME_ERROR, call_error_value(http_status, text), err);
}

/* ---- Going on after something else ---- */

/* What the caller wants of its own result alone is not passed on to what a device resolves. */
static bool is_inherited(const ao_options *options)
{
    return !options->force_message && !options->cache_control;
}

beamr_status ao_call_resolve(ao_call *call, ao_value base, ao_value request,
                             const ao_options *options, ao_function then)
{
    ao_options copy;
    beamr_status st;

    if (base.kind == AO_NONE || request.kind == AO_NONE) {
        ao_value_unref(base);
        ao_value_unref(request);
        return value_fail(base.kind == AO_NONE ? base : request, call->err);
    }
    if (!options && !is_inherited(call->options)) {
        copy = *call->options;
        copy.force_message = false;
        copy.cache_control = 0;
        options = &copy;
    }
    st = call_push(call, FOLD_TEXT, base, request, options, then, call->err);
    return st;
}

const ao_result *ao_call_result(const ao_call *call)
{
    return &call->child;
}

ao_message *call_take_message(ao_call *call)
{
    ao_message *message = ao_to_message(call->child.value);

    if (message)
        call->child.value = AO_NO_VALUE;
    return message;
}

/* ---- Answering later ---- */

beamr_status ao_call_later(ao_call *call, void (*cancel)(ao_call *call, void *arg), void *arg)
{
    call->cancel = cancel;
    call->cancel_arg = arg;
    call->is_apart = false;
    return CALL_LATER;
}

void ao_call_finish(ao_call *call, ao_outcome outcome, ao_value value)
{
    if (value.kind == AO_NONE) {
        ao_call_raise(call, value_fail(value, NULL), "no value for a result");
        return;
    }
    set_result(call, outcome, value);
    task_finish_call(call, LATER_FINISH);
}

void ao_call_raise(ao_call *call, beamr_status status, const char *text)
{
    call->raised_status =
        status == BEAMR_OK || status >= BEAMR_STATUS_COUNT ? BEAMR_EXCEPTION : status;
    call->raised = text ? strdup(text) : NULL;
    task_finish_call(call, LATER_RAISE);
}

void ao_call_continue(ao_call *call, ao_function then)
{
    call->then = then;
    task_finish_call(call, LATER_CONTINUE);
}
