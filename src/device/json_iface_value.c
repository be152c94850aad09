/* JSON values as values of messages, for what a guest says: json_iface.h.
 * A message names things that a guest has no say in, and members of these names are left out at
 * every level: private keys, commitments, and the note of types, which is the codecs' own.
 * Names that differ in case only are one key, whose last value stays.
 * Recursive to JSON_IFACE_DEPTH levels. Source: RFC 8259. */
#include <stdlib.h>

#include "ao/key.h"
#include "ao/value.h"
#include "codec/structured.h"
#include "device/json_iface.h"

beamr_status json_iface_read(ao_context *context, ao_value text, json_iface_reader *out,
                             beamr_error *err)
{
    json_iface_reader reader = {.text = text, .limits = *codec_limits(context), .err = err};
    ao_limits limits = reader.limits;
    beamr_status st;

    if (text.kind != AO_BINARY)
        return beamr_fail(err, BEAMR_MESSAGE, 0, "the reply is no text");
    if (limits.max_depth > JSON_IFACE_DEPTH)
        limits.max_depth = JSON_IFACE_DEPTH;
    if ((st = codec_json_load(ao_bytes(text), &limits, &reader.json, err)) != BEAMR_OK)
        return st;
    *out = reader;
    return BEAMR_OK;
}

static beamr_status fail_memory(const json_iface_reader *reader)
{
    return beamr_fail(reader->err, BEAMR_NO_MEMORY, 0, "no memory for what a guest replied");
}

/* ---- Texts ---- */

static beamr_status text_value(json_iface_reader *reader, const json_t *json, ao_value *out)
{
    beamr_bytes text = {(const uint8_t *)json_string_value(json), json_string_length(json)};
    ao_value value = AO_NO_VALUE;
    beamr_status st =
        json_large_value(&reader->json.texts, text, reader->text, &value, reader->err);

    if (st != BEAMR_OK)
        return st;
    if (value.kind == AO_NONE)
        value = ao_binary_copy(text);
    if (value.kind == AO_NONE)
        return fail_memory(reader);
    *out = value;
    return BEAMR_OK;
}

/* ---- Objects ---- */

/* A guest may set this key, normalised. */
static bool is_free(beamr_bytes key)
{
    return key.len > 0 && key.len <= AO_NAME_MAX && !key_is_private(key) &&
           !key_is_regenerable(key) && !text_is(key, "commitments") &&
           !text_is(key, CODEC_TYPES);
}

/* Whether a name may be a key. */
static beamr_status is_allowed(json_iface_reader *reader, beamr_bytes name,
                               bool (*is_denied)(beamr_bytes key), bool *out)
{
    char buffer[KEY_BUFFER_SIZE], *owned = NULL;
    beamr_bytes key;

    *out = false;
    if (name.len > AO_NAME_MAX)
        return BEAMR_OK;
    if (!key_normalise(name, buffer, &key, &owned))
        return fail_memory(reader);
    *out = is_free(key) && !(is_denied && is_denied(key));
    free(owned);
    return BEAMR_OK;
}

beamr_status json_iface_put(json_iface_reader *reader, ao_builder *builder, beamr_bytes name,
                            const json_t *json, bool (*is_denied)(beamr_bytes key))
{
    ao_value value;
    beamr_status st;
    bool may;

    if ((st = is_allowed(reader, name, is_denied, &may)) != BEAMR_OK || !may)
        return st;
    if ((st = json_iface_value(reader, json, &value)) != BEAMR_OK)
        return st;
    ao_builder_put_key(builder, name, value);
    return BEAMR_OK;
}

static beamr_status object_value(json_iface_reader *reader, const json_t *object, ao_value *out)
{
    beamr_status st = BEAMR_OK;
    ao_message *message = NULL;
    ao_builder builder;

    ao_builder_begin(&builder, NULL, &reader->limits, reader->err);
    for (void *at = json_object_iter((json_t *)object); at && st == BEAMR_OK;
         at = json_object_iter_next((json_t *)object, at)) {
        beamr_bytes name = {(const uint8_t *)json_object_iter_key(at),
                            json_object_iter_key_len(at)};

        st = json_iface_put(reader, &builder, name, json_object_iter_value(at), NULL);
    }
    if (st != BEAMR_OK) {
        ao_builder_drop(&builder);
        return st;
    }
    if ((st = ao_builder_end(&builder, &message)) == BEAMR_OK)
        *out = ao_message_value(message);
    return st;
}

/* ---- Arrays ---- */

static beamr_status array_value(json_iface_reader *reader, const json_t *array, ao_value *out)
{
    size_t count = json_array_size(array), done = 0;
    ao_value *items = malloc((count + 1) * sizeof *items);
    beamr_status st = items ? BEAMR_OK : fail_memory(reader);
    ao_value list;

    while (st == BEAMR_OK && done < count) {
        st = json_iface_value(reader, json_array_get(array, done), &items[done]);
        done += st == BEAMR_OK;
    }
    if (st == BEAMR_OK) {
        list = ao_list_new(items, count);
        if (list.kind == AO_NONE)
            st = value_fail(list, reader->err);
        else
            *out = list;
    } else {
        while (done > 0)
            ao_value_unref(items[--done]);
    }
    free(items);
    return st;
}

beamr_status json_iface_value(json_iface_reader *reader, const json_t *json, ao_value *out)
{
    ao_value value = AO_NO_VALUE;

    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return object_value(reader, json, out);
    case JSON_ARRAY:
        return array_value(reader, json, out);
    case JSON_STRING:
        return text_value(reader, json, out);
    case JSON_INTEGER:
        value = ao_integer(json_integer_value(json));
        break;
    case JSON_REAL:
        value = ao_float(json_real_value(json));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        value = ao_boolean(json_is_true(json));
        break;
    case JSON_NULL:
        value = ao_atom("null");
        break;
    }
    if (value.kind == AO_NONE)
        return fail_memory(reader);
    *out = value;
    return BEAMR_OK;
}
