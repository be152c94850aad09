/* Annotated messages as plain messages of binaries, and the codec structured@1.0, whose encoded
 * form that is. Recursive to AO_DEPTH_MAX levels.
 * Source: AO-Core codecs, "TABM", "structured@1.0". */
#include "ao/key.h"
#include "codec/codecs.h"
#include "codec/structured.h"

static beamr_status fail_deep(beamr_error *err)
{
    return beamr_fail(err, BEAMR_LIMIT, 0, "more than %d messages within each other",
                      AO_DEPTH_MAX);
}

/* ---- To messages ---- */

static beamr_status to_message(const codec_node *node, const ao_limits *limits, unsigned depth,
                               ao_message **out, beamr_error *err);

static beamr_status put_entry(ao_builder *builder, const codec_entry *entry,
                              const ao_limits *limits, unsigned depth, beamr_error *err)
{
    ao_message *message = NULL;
    ao_value value = entry->value;

    if (key_is_private(entry->key))
        return BEAMR_OK; /* private state does not come from outside */
    switch (entry->kind) {
    case CODEC_NODE:
        BEAMR_TRY(to_message(entry->node, limits, depth + 1, &message, err));
        value = ao_message_value(message);
        break;
    case CODEC_VALUE:
        value = ao_value_ref(value);
        break;
    case CODEC_BYTES:
        value = codec_entry_binary(entry);
        break;
    }
    ao_builder_put_key(builder, entry->key, value);
    return BEAMR_OK;
}

static beamr_status to_message(const codec_node *node, const ao_limits *limits, unsigned depth,
                               ao_message **out, beamr_error *err)
{
    ao_builder builder;

    if (depth >= AO_DEPTH_MAX)
        return fail_deep(err);
    ao_builder_begin(&builder, NULL, limits, err);
    for (size_t i = 0; i < node->count; i++) {
        beamr_status st = put_entry(&builder, &node->entries[i], limits, depth, err);

        if (st != BEAMR_OK) {
            ao_builder_fail(&builder, st, beamr_status_text(st));
            break;
        }
    }
    return ao_builder_end(&builder, out);
}

beamr_status codec_node_to_message(const codec_node *node, const ao_limits *limits,
                                   ao_message **out, beamr_error *err)
{
    return to_message(node, limits, 0, out, err);
}

/* ---- Of messages ---- */

static beamr_status of_message(arena *a, const ao_message *message, unsigned depth,
                               codec_node **out, beamr_error *err);

static beamr_status add_value(arena *a, codec_node *node, beamr_bytes key, ao_value value,
                              unsigned depth, beamr_error *err)
{
    codec_node *inner = NULL;
    codec_entry *entry;

    if (value.kind == AO_LINK)
        BEAMR_TRY(ao_value_load(value, &value, err));
    if (value.kind == AO_BINARY)
        return codec_node_add_bytes(a, node, key, ao_bytes(value), value, err);
    if (value.kind == AO_MESSAGE) {
        BEAMR_TRY(of_message(a, ao_to_message(value), depth + 1, &inner, err));
        return codec_node_add_node(a, node, key, inner, err);
    }
    if (!(entry = codec_node_add(a, node, key)))
        return codec_fail_full(a, err);
    entry->kind = CODEC_VALUE;
    entry->value = value;
    return BEAMR_OK;
}

static beamr_status of_message(arena *a, const ao_message *message, unsigned depth,
                               codec_node **out, beamr_error *err)
{
    codec_node *node;
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;

    if (depth >= AO_DEPTH_MAX)
        return fail_deep(err);
    if (!(node = codec_node_new(a)) || !codec_node_reserve(a, node, ao_message_count(message)))
        return codec_fail_full(a, err);
    while (ao_message_next(message, &cursor, &key, &value))
        BEAMR_TRY(add_value(a, node, ao_name_text(key), value, depth, err));
    *out = node;
    return BEAMR_OK;
}

beamr_status codec_node_of_message(arena *a, const ao_message *message, codec_node **out,
                                   beamr_error *err)
{
    return of_message(a, message, 0, out, err);
}

/* ---- The codec ---- */

static beamr_status encode(ao_context *context, const ao_message *message, ao_value *out,
                           beamr_error *err)
{
    ao_message *plain = NULL;
    codec_node *node = NULL;
    beamr_status st;
    arena a;

    arena_init(&a, codec_memory(codec_limits(context)));
    st = codec_annotate(&a, message, NULL, &node, err);
    if (st == BEAMR_OK)
        st = codec_node_to_message(node, codec_limits(context), &plain, err);
    if (st == BEAMR_OK)
        *out = ao_message_value(plain);
    arena_clear(&a);
    return st;
}

static beamr_status decode(ao_context *context, ao_value encoded, ao_message **out,
                           beamr_error *err)
{
    codec_node *node = NULL;
    beamr_status st;
    arena a;

    if (encoded.kind != AO_MESSAGE)
        return beamr_fail(err, BEAMR_MESSAGE, 0, "an annotated message is a message");
    arena_init(&a, codec_memory(codec_limits(context)));
    st = codec_node_of_message(&a, ao_to_message(encoded), &node, err);
    if (st == BEAMR_OK)
        st = codec_message(node, codec_limits(context), out, err);
    arena_clear(&a);
    return st;
}

static beamr_status decode_value(ao_context *context, beamr_bytes type, beamr_bytes text,
                                 ao_value *out, beamr_error *err)
{
    return codec_value(type, text, codec_limits(context), out, err);
}

const ao_codec codec_structured = {
    .name = "structured@1.0",
    .encode = encode,
    .decode = decode,
    .decode_value = decode_value,
};
