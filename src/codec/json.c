/* json@1.0: an annotated message as a JSON object of texts, and any JSON object as a message.
 * What is no text keeps its kind when it is read: numbers, true, false and null, and arrays
 * with all that they hold, whose objects are taken as they are.
 * The texts themselves are json_text.h's, where it is said which library reads them.
 * Recursive to AO_DEPTH_MAX levels. Source: RFC 8259; AO-Core codecs, "json@1.0". */
#include <stdlib.h>

#include "ao/key.h"
#include "codec/codecs.h"
#include "codec/json_text.h"
#include "codec/structured.h"

static beamr_status fail_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a JSON text");
}

/* ---- Reading ---- */

typedef struct kept kept;

/* Values that entries borrow, until the message is made. */
struct kept {
    kept *next;
    ao_value value;
};

typedef struct reader {
    arena a;
    ao_value encoded;
    codec_json_doc json; /* of it */
    const ao_limits *limits;
    kept *kept;
    beamr_error *err;
} reader;

static beamr_status read_object(reader *r, const json_t *object, codec_node **out);
static beamr_status read_value(reader *r, const json_t *json, ao_value *out);

static beamr_status keep(reader *r, ao_value value, ao_value *out)
{
    kept *k;

    if (value.kind == AO_NONE)
        return value_fail(value, r->err);
    if (!(k = ARENA_NEW(&r->a, kept, 1))) {
        ao_value_unref(value);
        return codec_fail_full(&r->a, r->err);
    }
    *k = (kept){r->kept, value};
    r->kept = k;
    *out = value;
    return BEAMR_OK;
}

static void release_text(void *data, void *user)
{
    (void)data;
    json_decref(user);
}

static beamr_bytes text_of(const json_t *json)
{
    return (beamr_bytes){(const uint8_t *)json_string_value(json), json_string_length(json)};
}

/* A large text, which was set aside, or as a binary that keeps the string; else none. */
static beamr_status share_text(reader *r, const json_t *json, ao_value *out)
{
    size_t len = json_string_length(json);
    ao_value large;

    *out = AO_NO_VALUE;
    BEAMR_TRY(json_large_value(&r->json.texts, text_of(json), r->encoded, &large, r->err));
    if (large.kind != AO_NONE)
        return keep(r, large, out);
    if (len < JSON_LARGE_MIN)
        return BEAMR_OK;
    return keep(r,
                ao_binary_adopt(json_string_value(json), len, release_text,
                                json_incref((json_t *)json)),
                out);
}

static beamr_status read_array(reader *r, const json_t *array, ao_value *out)
{
    size_t count = json_array_size(array), done = 0;
    ao_value *items = malloc((count + 1) * sizeof *items);
    beamr_status st = items ? BEAMR_OK : fail_memory(r->err);

    for (; done < count && st == BEAMR_OK; done++) {
        st = read_value(r, json_array_get(array, done), &items[done]);
        if (st != BEAMR_OK)
            break;
    }
    if (st == BEAMR_OK) {
        ao_value list = ao_list_new(items, count);

        if (list.kind == AO_NONE)
            st = value_fail(list, r->err);
        else
            *out = list;
    } else {
        for (size_t i = 0; i < done; i++)
            ao_value_unref(items[i]);
    }
    free(items);
    return st;
}

/* An object within an array: a message of its own. */
static beamr_status read_inner(reader *r, const json_t *object, ao_value *out)
{
    codec_node *node = NULL;
    ao_message *message = NULL;

    BEAMR_TRY(read_object(r, object, &node));
    BEAMR_TRY(codec_message(node, r->limits, &message, r->err));
    *out = ao_message_value(message);
    return BEAMR_OK;
}

/* The value of anything; its count goes to the caller. */
static beamr_status read_value(reader *r, const json_t *json, ao_value *out)
{
    ao_value value = AO_NO_VALUE;

    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return read_inner(r, json, out);
    case JSON_ARRAY:
        return read_array(r, json, out);
    case JSON_STRING:
        BEAMR_TRY(json_large_value(&r->json.texts, text_of(json), r->encoded, &value, r->err));
        if (value.kind == AO_NONE)
            value = ao_binary_copy(text_of(json));
        break;
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
        return value_fail(value, r->err);
    *out = value;
    return BEAMR_OK;
}

static beamr_status read_member(reader *r, codec_node *node, beamr_bytes key,
                                const json_t *json)
{
    ao_value value = AO_NO_VALUE;
    codec_node *inner = NULL;
    codec_entry *entry;

    if (json_is_object(json)) {
        BEAMR_TRY(read_object(r, json, &inner));
        return codec_node_add_node(&r->a, node, key, inner, r->err);
    }
    if (json_is_string(json)) {
        BEAMR_TRY(share_text(r, json, &value));
        return codec_node_add_bytes(&r->a, node, key,
                                    value.kind == AO_NONE ? text_of(json) : ao_bytes(value),
                                    value, r->err);
    }
    BEAMR_TRY(read_value(r, json, &value));
    BEAMR_TRY(keep(r, value, &value));
    if (!(entry = codec_node_add(&r->a, node, key)))
        return codec_fail_full(&r->a, r->err);
    entry->kind = CODEC_VALUE;
    entry->value = value;
    return BEAMR_OK;
}

static beamr_status read_object(reader *r, const json_t *object, codec_node **out)
{
    codec_node *node = codec_node_new(&r->a);

    if (!node || !codec_node_reserve(&r->a, node, json_object_size(object)))
        return codec_fail_full(&r->a, r->err);
    for (void *at = json_object_iter((json_t *)object); at;
         at = json_object_iter_next((json_t *)object, at)) {
        beamr_bytes key = {(const uint8_t *)json_object_iter_key(at),
                           json_object_iter_key_len(at)};

        BEAMR_TRY(codec_normalise(&r->a, &key, r->err));
        BEAMR_TRY(read_member(r, node, key, json_object_iter_value(at)));
    }
    *out = node;
    /* Names that differ in case only are one key. */
    return codec_node_sort(node, true, r->err);
}

static beamr_status decode(ao_context *context, ao_value encoded, ao_message **out,
                           beamr_error *err)
{
    reader r = {.encoded = encoded, .limits = codec_limits(context), .err = err};
    codec_node *node = NULL;
    beamr_status st;

    if (encoded.kind != AO_BINARY)
        return beamr_fail(err, BEAMR_MESSAGE, 0, "a JSON message is a text");
    BEAMR_TRY(codec_json_load(ao_bytes(encoded), r.limits, &r.json, err));
    arena_init(&r.a, codec_memory(r.limits));
    st = read_object(&r, r.json.object, &node);
    if (st == BEAMR_OK)
        st = codec_message(node, r.limits, out, err);
    for (; r.kept; r.kept = r.kept->next)
        ao_value_unref(r.kept->value);
    arena_clear(&r.a);
    codec_json_clear(&r.json);
    return st;
}

/* ---- Writing ---- */

/* Runs twice: first it only counts, and refuses what cannot be written; then it writes. */
typedef struct writer {
    codec_json_writer text;
    beamr_error *err;
} writer;

static beamr_status fail_utf8(const writer *w, beamr_bytes key, const char *what)
{
    char show[CODEC_SHOW_SIZE];

    return beamr_fail(w->err, BEAMR_ENCODING, 0,
                      "key `%s`: its %s is not valid UTF-8, which JSON cannot hold",
                      codec_show_key(key, show), what);
}

/* An annotated message holds texts and nodes only. */
static beamr_status put_node(writer *w, const codec_node *node)
{
    codec_json_put(&w->text, "{", 1);
    for (size_t i = 0; i < node->count; i++) {
        const codec_entry *entry = &node->entries[i];

        if (!w->text.data && !codec_json_is_text(entry->key))
            return fail_utf8(w, entry->key, "name");
        if (!w->text.data && entry->kind == CODEC_BYTES && !codec_json_is_text(entry->bytes))
            return fail_utf8(w, entry->key, "value");
        codec_json_put(&w->text, ",", i > 0);
        codec_json_put_string(&w->text, entry->key);
        codec_json_put(&w->text, ":", 1);
        if (entry->kind == CODEC_NODE)
            BEAMR_TRY(put_node(w, entry->node));
        else
            codec_json_put_string(&w->text, entry->bytes);
    }
    codec_json_put(&w->text, "}", 1);
    return BEAMR_OK;
}

static void release(void *data, void *user)
{
    (void)user;
    free(data);
}

static beamr_status write_node(const codec_node *node, ao_value *out, beamr_error *err)
{
    writer w = {.err = err};
    ao_value text;

    BEAMR_TRY(put_node(&w, node));
    if (!(w.text.data = malloc(w.text.len)))
        return fail_memory(err);
    w.text.len = 0;
    (void)put_node(&w, node);
    text = ao_binary_adopt(w.text.data, w.text.len, release, NULL);
    if (text.kind == AO_NONE)
        return fail_memory(err);
    *out = text;
    return BEAMR_OK;
}

static beamr_status encode(ao_context *context, const ao_message *message, ao_value *out,
                           beamr_error *err)
{
    codec_node *node = NULL;
    beamr_status st;
    arena a;

    arena_init(&a, codec_memory(codec_limits(context)));
    st = codec_annotate(&a, message, NULL, &node, err);
    if (st == BEAMR_OK)
        st = write_node(node, out, err);
    arena_clear(&a);
    return st;
}

const ao_codec codec_json = {
    .name = "json@1.0",
    .content_type = "application/json",
    .encode = encode,
    .decode = decode,
};
