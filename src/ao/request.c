/* Where the requests of a frame come from: a list, or the parts of one request's path. A
 * request that is only a key is not made into a message: its text is enough. Source: AO-Core
 * paths, "Entry" and "Path values inside messages". */
#include <stdlib.h>
#include <string.h>

#include "ao/internal.h"
#include "ao/path.h"
#include "ao/task.h"

static bool is_text(ao_value value)
{
    return value.kind == AO_BINARY || value.kind == AO_ATOM;
}

/* A message that has nothing but its path. */
static bool is_mere_path(const ao_message *message)
{
    return ao_message_count(message) == 1 && !message_private(message);
}

static beamr_status no_path(beamr_error *err)
{
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "the request has no path");
}

/* ---- Beginning ---- */

static beamr_status begin_message(ao_call *call, beamr_error *err)
{
    const ao_message *message = ao_to_message(call->source);
    ao_value path = message_key(message, "path");

    if (path.kind == AO_NONE || (is_text(path) && ao_text(path).len == 0))
        return no_path(err);
    if (!is_text(path) && path.kind != AO_LIST) {
        call->fold = FOLD_ONE;
        return BEAMR_OK;
    }
    call->path = path;
    call->fold = path.kind == AO_LIST ? FOLD_PARTS : FOLD_TEXT;
    if (is_mere_path(message)) {
        call->source = ao_value_ref(path);
        ao_message_unref(message);
    }
    return BEAMR_OK;
}

beamr_status fold_begin(ao_call *call, fold_kind fold, ao_value base, ao_value source,
                        beamr_error *err)
{
    call->base = base;
    call->source = source;
    call->fold = (uint8_t)fold;
    if (fold == FOLD_LIST) {
        if (ao_list_count(source) == 0)
            return beamr_fail(err, BEAMR_ARGUMENT, 0, "there is nothing to resolve: no path");
        call->base = ao_value_ref(ao_list_at(source, 0));
        call->place = 1;
        return BEAMR_OK;
    }
    if (fold == FOLD_ONE)
        return BEAMR_OK;
    call->path = source;
    switch (source.kind) {
    case AO_MESSAGE:
        return begin_message(call, err);
    case AO_LIST:
        call->fold = FOLD_PARTS;
        return BEAMR_OK;
    case AO_BINARY:
    case AO_ATOM:
        return BEAMR_OK;
    case AO_NONE:
    case AO_FLOAT:
    case AO_NATIVE:
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "this is no request, and no path");
    default:
        call->fold = FOLD_ONE;
        return BEAMR_OK;
    }
}

/* Where the next part of a text begins: behind slashes. */
static size_t skip_slashes(beamr_bytes text, size_t place)
{
    while (place < text.len && text.data[place] == '/')
        place++;
    return place;
}

static beamr_bytes part_at(beamr_bytes text, size_t place)
{
    const uint8_t *slash = memchr(text.data + place, '/', text.len - place);
    size_t end = slash ? (size_t)(slash - text.data) : text.len;

    return (beamr_bytes){text.data + place, end - place};
}

bool fold_has_next(const ao_call *call)
{
    switch ((fold_kind)call->fold) {
    case FOLD_LIST:
        return call->place < ao_list_count(call->source);
    case FOLD_ONE:
        return call->place == 0;
    case FOLD_TEXT:
        return skip_slashes(ao_text(call->path), call->place) < ao_text(call->path).len;
    case FOLD_PARTS:
        return call->place < ao_list_count(call->path);
    }
    return false;
}

/* ---- One request ---- */

static beamr_status set_key(ao_call *call, beamr_bytes text, beamr_error *err)
{
    char buffer[KEY_BUFFER_SIZE];

    if (text.len == 0)
        return no_path(err);
    call->text = text;
    if (!key_normalise(text, buffer, &call->key, &call->key_owned))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a key");
    if ((const char *)call->key.data == buffer) {
        call->key_owned = malloc(call->key.len + 1);
        if (!call->key_owned)
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a key");
        memcpy(call->key_owned, buffer, call->key.len);
        call->key.data = (const uint8_t *)call->key_owned;
    }
    return BEAMR_OK;
}

/* The request is {path: path} with what `message` has besides. */
static beamr_status set_message(ao_call *call, const ao_message *message, ao_value path,
                                beamr_error *err)
{
    ao_builder b;

    ao_builder_begin(&b, message, NULL, err);
    ao_builder_put(&b, "path", path);
    return ao_builder_end(&b, &call->request);
}

/* An integer is a part by its digits. */
static ao_value part_of(ao_value value)
{
    char buffer[AO_INTEGER_TEXT_SIZE];

    if (value.kind == AO_INTEGER)
        return ao_binary_copy(ao_integer_text(value, buffer));
    return ao_value_ref(value);
}

/* The request is a text: its first part is the key. It is kept whole in the message. */
static beamr_status take_text(ao_call *call, ao_value text, beamr_error *err)
{
    beamr_bytes all = ao_text(text), part;
    size_t begin = skip_slashes(all, 0);
    beamr_status st;

    call->part = text;
    if (begin == all.len)
        return no_path(err);
    part = part_at(all, begin);
    if (part.len == all.len)
        call->is_only_key = true;
    else if ((st = set_message(call, NULL, ao_value_ref(text), err)) != BEAMR_OK)
        return st;
    return set_key(call, part, err);
}

static beamr_status take_value(ao_call *call, ao_value request, beamr_error *err);

static beamr_status request_resolved(ao_call *call, beamr_error *err)
{
    ao_value value = call->child.value;

    if (call->child.outcome != AO_OUTCOME_OK)
        return result_of_child(call);
    call->child.value = AO_NO_VALUE;
    if (value.kind == AO_RESOLVE || value.kind == AO_AS) {
        ao_value_unref(value); /* one form leads to another for ever */
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a path in parentheses gave another form");
    }
    return take_value(call, value, err);
}

static beamr_status take_form(ao_call *call, ao_value form, beamr_error *err)
{
    beamr_status st;

    if (form.kind == AO_AS) {
        st = form_request(call, form, NULL, err);
    } else {
        st = call_push(call, FOLD_LIST, AO_NO_VALUE, ao_value_ref(ao_resolve_list(form)), NULL,
                       request_resolved, err);
        if (st == CALL_PUSHED)
            call->task->top->no_force = true;
    }
    ao_value_unref(form);
    return st;
}

static beamr_status take_message(ao_call *call, ao_message *message, beamr_error *err)
{
    ao_value path = message_key(message, "path"), first = path;
    beamr_bytes text;
    size_t begin;

    call->request = message;
    if (path.kind == AO_LIST)
        first = ao_list_at(path, 0);
    if (first.kind == AO_AS)
        return form_request(call, first, message, err);
    if (first.kind == AO_INTEGER) {
        call->part = first = part_of(first);
        if (first.kind == AO_NONE)
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a key");
    }
    if (!is_text(first))
        return no_path(err);
    text = ao_text(first);
    begin = skip_slashes(text, 0);
    if (begin == text.len)
        return no_path(err);
    call->is_only_key = is_mere_path(message);
    return set_key(call, part_at(text, begin), err);
}

static beamr_status take_value(ao_call *call, ao_value request, beamr_error *err)
{
    ao_value loaded = AO_NO_VALUE;
    beamr_status st;

    switch (request.kind) {
    case AO_MESSAGE:
        return take_message(call, request.of.message, err);
    case AO_AS:
    case AO_RESOLVE:
        return take_form(call, request, err);
    case AO_BINARY:
    case AO_ATOM:
        return take_text(call, request, err);
    case AO_INTEGER:
        loaded = part_of(request);
        ao_value_unref(request);
        if (loaded.kind == AO_NONE)
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a key");
        return take_text(call, loaded, err);
    case AO_LINK:
        st = ao_value_load(request, &loaded, err);
        (void)ao_value_ref(loaded);
        ao_value_unref(request);
        if (st == BEAMR_OK && loaded.kind == AO_MESSAGE)
            return take_message(call, loaded.of.message, err);
        ao_value_unref(loaded);
        return st == BEAMR_OK ? no_path(err) : st;
    default:
        ao_value_unref(request);
        return no_path(err);
    }
}

/* A part of the path, in the message that the path is of. */
static beamr_status take_part(ao_call *call, ao_value part, beamr_bytes text, beamr_error *err)
{
    const ao_message *message = ao_to_message(call->source);
    beamr_status st;

    call->part = part;
    if (!message) {
        call->is_only_key = true;
    } else if (is_text(call->path) && text_equal(ao_text(call->path), text)) {
        call->request = ao_message_ref(message);
    } else {
        ao_value path = part.kind == AO_NONE ? ao_binary_copy(text) : ao_value_ref(part);

        if ((st = set_message(call, message, path, err)) != BEAMR_OK)
            return st;
    }
    return set_key(call, text, err);
}

static beamr_status next_part(ao_call *call, beamr_error *err)
{
    ao_value item = ao_list_at(call->path, call->place++);

    if (item.kind == AO_AS)
        return form_request(call, item, ao_to_message(call->source), err);
    if (item.kind == AO_RESOLVE)
        return take_form(call, ao_value_ref(item), err);
    item = part_of(item);
    if (!is_text(item)) {
        ao_value_unref(item);
        return no_path(err);
    }
    return take_part(call, item, ao_text(item), err);
}

beamr_status request_next(ao_call *call, beamr_error *err)
{
    beamr_bytes text, part;

    call->is_used = true;
    switch ((fold_kind)call->fold) {
    case FOLD_LIST:
        return take_value(call, ao_value_ref(ao_list_at(call->source, call->place++)), err);
    case FOLD_ONE:
        call->place = 1;
        return take_value(call, ao_value_ref(call->source), err);
    case FOLD_TEXT:
        text = ao_text(call->path);
        part = part_at(text, skip_slashes(text, call->place));
        call->place = (size_t)(part.data - text.data) + part.len;
        return take_part(call, AO_NO_VALUE, part, err);
    case FOLD_PARTS:
        break;
    }
    return next_part(call, err);
}
