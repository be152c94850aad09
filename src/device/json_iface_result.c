/* What a module replied, as results: json_iface.h.
 *
 *   reply                      becomes, of `results`
 *   {ok: true, response: R}    as R:
 *     Output.data, or Output   data, unless Output is an object or array without it
 *     Messages                 outbox: {1: ..., 2: ...}, those of R that are objects
 *     patches                  patches: a list
 *     Spawns                   spawns: {1: ..., 2: ...}, if there are any
 *     Assignments              assignments: a list, if there are any
 *     Error                    error, unless it is empty; data too if R has none
 *   {ok: false, response: E}   error: E; likewise under `error`
 *   anything else              body: a text that says so
 *
 * A message, a spawn and a patch get their fields as keys, and one key for each of their
 * `Tags`, over which fields win, and of equal ones the last. What only the node may say is left
 * out, in any case of letters: `from-process`, `from-image`, `tags`, `anchor`. Messages and
 * spawns then get the node's `from-process` and `from-image`. Source: AO-Core devices,
 * "json-iface@1.0"; "Legacy compute unit HTTP API". */
#include <stdio.h>

#include "device/json_iface.h"

const char *const JSON_IFACE_KEYS[] = {"assignments", "body",    "data",   "error",
                                       "outbox",      "patches", "spawns", NULL};

/* ---- Messages ---- */

static bool is_of_the_node(beamr_bytes key)
{
    return text_is(key, "from-process") || text_is(key, "from-image") || text_is(key, "tags") ||
           text_is(key, "anchor");
}

static beamr_bytes text_of(const json_t *json)
{
    return json_is_string(json) ? (beamr_bytes){(const uint8_t *)json_string_value(json),
                                                json_string_length(json)}
                                : (beamr_bytes){NULL, 0};
}

/* A member of an object whose name may be in any case; NULL when there is none. */
static const json_t *member_of(const json_t *object, const char *name)
{
    const json_t *found = json_object_get(object, name);

    for (void *at = found ? NULL : json_object_iter((json_t *)object); at && !found;
         at = json_object_iter_next((json_t *)object, at)) {
        if (strcasecmp(json_object_iter_key(at), name) == 0)
            found = json_object_iter_value(at);
    }
    return found;
}

/* A name of JSON_LARGE_MIN bytes and more is set aside by the reader, and is no name. */
static beamr_status put_tags(json_iface_reader *reader, const json_t *tags, ao_builder *builder)
{
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const json_t *tag = json_array_get(tags, i), *value = member_of(tag, "value");
        beamr_bytes name = text_of(member_of(tag, "name"));
        beamr_status st;

        if (!value || (name.len > 0 && name.data[0] < 0x20))
            continue;
        st = json_iface_put(reader, builder, name, value, is_of_the_node);
        if (st != BEAMR_OK)
            return st;
    }
    return BEAMR_OK;
}

static beamr_status put_fields(json_iface_reader *reader, const json_t *object,
                               ao_builder *builder)
{
    for (void *at = json_object_iter((json_t *)object); at;
         at = json_object_iter_next((json_t *)object, at)) {
        beamr_bytes name = {(const uint8_t *)json_object_iter_key(at),
                            json_object_iter_key_len(at)};
        beamr_status st =
            json_iface_put(reader, builder, name, json_object_iter_value(at), is_of_the_node);

        if (st != BEAMR_OK)
            return st;
    }
    return BEAMR_OK;
}

static void put_origin(ao_builder *builder, const json_iface_origin *origin)
{
    if (origin && origin->process.len)
        ao_builder_put(builder, "from-process", ao_binary_copy(origin->process));
    if (origin && origin->image.len)
        ao_builder_put(builder, "from-image", ao_binary_copy(origin->image));
}

/* One message, spawn or patch.
 *   origin  NULL for a patch */
static beamr_status message_value(json_iface_reader *reader, const json_t *object,
                                  const json_iface_origin *origin, ao_value *out)
{
    ao_message *message = NULL;
    ao_builder builder;
    beamr_status st;

    ao_builder_begin(&builder, NULL, &reader->limits, reader->err);
    st = put_tags(reader, member_of(object, "Tags"), &builder);
    if (st == BEAMR_OK)
        st = put_fields(reader, object, &builder);
    if (st != BEAMR_OK) {
        ao_builder_drop(&builder);
        return st;
    }
    put_origin(&builder, origin);
    if ((st = ao_builder_end(&builder, &message)) == BEAMR_OK)
        *out = ao_message_value(message);
    return st;
}

/* The objects of an array as a message of `1`, `2`, ...; empty for anything else. */
static beamr_status numbered(json_iface_reader *reader, const json_t *array,
                             const json_iface_origin *origin, ao_message **out)
{
    beamr_status st = BEAMR_OK;
    ao_builder builder;
    char key[24];
    size_t n = 0;

    ao_builder_begin(&builder, NULL, &reader->limits, reader->err);
    for (size_t i = 0; i < json_array_size(array) && st == BEAMR_OK; i++) {
        const json_t *item = json_array_get(array, i);
        ao_value value;

        if (!json_is_object(item))
            continue;
        if ((st = message_value(reader, item, origin, &value)) != BEAMR_OK)
            break;
        snprintf(key, sizeof key, "%zu", ++n);
        ao_builder_put(&builder, key, value);
    }
    if (st == BEAMR_OK)
        return ao_builder_end(&builder, out);
    ao_builder_drop(&builder);
    return st;
}

/* ---- Results ---- */

/* Lua writes its empty table as an array. */
static bool is_nothing(const json_t *json)
{
    return !json || json_is_null(json) || json_is_false(json) ||
           (json_is_string(json) && json_string_length(json) == 0) ||
           (json_is_array(json) && json_array_size(json) == 0) ||
           (json_is_object(json) && json_object_size(json) == 0);
}

/* What was evaluated; NULL when there is no such thing. */
static const json_t *data_of(const json_t *response)
{
    const json_t *output = json_object_get(response, "Output");

    if (json_is_object(output))
        return json_object_get(output, "data");
    return json_is_array(output) || json_is_null(output) ? NULL : output;
}

static bool is_response(const json_t *json)
{
    static const char *const names[] = {"Output", "Error",       "Messages",
                                        "Spawns", "Assignments", "patches"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (json_object_get(json, names[i]))
            return true;
    }
    return false;
}

static beamr_status put_value(json_iface_reader *reader, ao_builder *builder, const char *key,
                              const json_t *json)
{
    ao_value value;
    beamr_status st = json_iface_value(reader, json, &value);

    if (st == BEAMR_OK)
        ao_builder_put(builder, key, value);
    return st;
}

/* The outcome of an evaluation. */
static beamr_status put_outcome(json_iface_reader *reader, ao_builder *builder,
                                const json_t *response)
{
    const json_t *error = json_object_get(response, "Error"), *data = data_of(response);
    beamr_status st = BEAMR_OK;

    if (!data)
        data = error;
    if (data)
        st = put_value(reader, builder, "data", data);
    if (st == BEAMR_OK && !is_nothing(error))
        st = put_value(reader, builder, "error", error);
    return st;
}

static beamr_status put_patches(json_iface_reader *reader, ao_builder *builder,
                                const json_t *array)
{
    ao_message *patches = NULL;
    ao_value list;
    beamr_status st = numbered(reader, array, NULL, &patches);

    if (st != BEAMR_OK)
        return st;
    if ((st = ao_message_to_list(patches, &list, reader->err)) == BEAMR_OK)
        ao_builder_put(builder, "patches", list);
    ao_message_unref(patches);
    return st;
}

/* What it sends out. */
static beamr_status put_effects(json_iface_reader *reader, ao_builder *builder,
                                const json_t *response, const json_iface_origin *origin)
{
    const json_t *assignments = json_object_get(response, "Assignments");
    ao_message *message = NULL;
    beamr_status st = numbered(reader, json_object_get(response, "Messages"), origin, &message);

    if (st != BEAMR_OK)
        return st;
    ao_builder_put(builder, "outbox", ao_message_value(message));
    if ((st = put_patches(reader, builder, json_object_get(response, "patches"))) != BEAMR_OK)
        return st;
    st = numbered(reader, json_object_get(response, "Spawns"), origin, &message);
    if (st != BEAMR_OK)
        return st;
    if (ao_message_count(message))
        ao_builder_put(builder, "spawns", ao_message_value(message));
    else
        ao_message_unref(message);
    if (json_is_array(assignments) && !is_nothing(assignments))
        st = put_value(reader, builder, "assignments", assignments);
    return st;
}

static beamr_status read_response(json_iface_reader *reader, const json_t *response,
                                  const json_iface_origin *origin, ao_message **out)
{
    const json_t *error = json_object_get(response, "Error");
    /* What failed and gave no data sends nothing. */
    const json_t *effects = data_of(response) || is_nothing(error) ? response : NULL;
    ao_builder builder;
    beamr_status st;

    if (!is_response(response))
        return beamr_fail(reader->err, BEAMR_MESSAGE, 0,
                          "the reply has no results: neither `Output` nor `Error`");
    ao_builder_begin(&builder, NULL, &reader->limits, reader->err);
    if ((st = put_outcome(reader, &builder, response)) == BEAMR_OK)
        st = put_effects(reader, &builder, effects, origin);
    if (st == BEAMR_OK)
        return ao_builder_end(&builder, out);
    ao_builder_drop(&builder);
    return st;
}

beamr_status json_iface_results(ao_context *context, ao_value text,
                                const json_iface_origin *origin, BEAMR_OWN ao_message **out,
                                beamr_error *err)
{
    json_iface_reader reader;
    beamr_status st = json_iface_read(context, text, &reader, err);

    if (st != BEAMR_OK)
        return st;
    st = read_response(&reader, reader.json.object, origin, out);
    codec_json_clear(&reader.json);
    return st;
}

/* ---- Replies ---- */

/* {KEY: value}, which is taken over. */
static beamr_status alone(const char *key, ao_value value, ao_message **out, beamr_error *err)
{
    return ao_message_with(ao_message_empty(), key, value, out, err);
}

/* What the guest says went wrong: {error}. */
static beamr_status read_error(json_iface_reader *reader, ao_message **out)
{
    const json_t *reply = reader->json.object, *error = json_object_get(reply, "error");
    ao_value value;
    beamr_status st;

    if (!error)
        error = json_object_get(reply, "response");
    if (!error)
        return beamr_fail(reader->err, BEAMR_MESSAGE, 0,
                          "the reply is not `ok`, and says nothing else");
    if ((st = json_iface_value(reader, error, &value)) != BEAMR_OK)
        return st;
    return alone("error", value, out, reader->err);
}

static beamr_status read_reply(json_iface_reader *reader, const json_iface_origin *origin,
                               bool *is_error, ao_message **out)
{
    const json_t *ok = json_object_get(reader->json.object, "ok");

    *is_error = !json_is_true(ok);
    if (json_is_true(ok))
        return read_response(reader, json_object_get(reader->json.object, "response"), origin,
                             out);
    if (json_is_false(ok))
        return read_error(reader, out);
    return beamr_fail(reader->err, BEAMR_MESSAGE, 0,
                      "the reply does not say whether it is `ok`");
}

/* A failure that lies in the text is a result: {body}. */
static beamr_status as_result(beamr_status st, beamr_error *err, const char *body,
                              bool *is_error, ao_message **out)
{
    char text[BEAMR_ERROR_TEXT_SIZE];

    if (st == BEAMR_OK || st == BEAMR_NO_MEMORY)
        return st;
    if (st == BEAMR_LIMIT || !body) {
        memcpy(text, err->text, sizeof text);
        body = text;
    }
    beamr_error_clear(err);
    *is_error = true;
    return alone("body", ao_binary_text(body), out, err);
}

beamr_status json_iface_reply(ao_context *context, ao_value text,
                              const json_iface_origin *origin, bool *is_error,
                              BEAMR_OWN ao_message **out, beamr_error *err)
{
    json_iface_reader reader;
    beamr_status st = json_iface_read(context, text, &reader, err);

    if (st != BEAMR_OK)
        return as_result(st, err, "JSON error parsing result output.", is_error, out);
    st = read_reply(&reader, origin, is_error, out);
    codec_json_clear(&reader.json);
    return as_result(st, err, NULL, is_error, out);
}
