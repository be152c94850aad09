/* ids.json: annotated messages, header fields, signature bases and unsigned ids. */
#include "vectors/notation.h"

#include "ao/commit.h"
#include "codec/codecs.h"
#include "codec/httpsig.h"

/* What one message is on its way to an id. */
typedef struct steps {
    arena a;
    codec_node *node;
    httpsig_message encoded;
    beamr_bytes base;
} steps;

static void take_steps(steps *s, const ao_message *message)
{
    beamr_error err = {0};
    bool is_complete;

    arena_init(&s->a, SIZE_MAX);
    if (httpsig_encode_message(&s->a, message, HTTPSIG_ID, &s->node, &s->encoded, &err) !=
            BEAMR_OK ||
        httpsig_hmac_base(&s->a, &s->encoded, NULL, &s->base, &is_complete, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
}

static void put_bytes(ao_builder *builder, beamr_bytes key, const beamr_bytes *pieces,
                      size_t count)
{
    char *text = malloc(1 << 16), *p = text;

    for (size_t i = 0; i < count; i++) {
        memcpy(p, pieces[i].len ? pieces[i].data : (const uint8_t *)"", pieces[i].len);
        p += pieces[i].len;
    }
    ao_builder_put_key(builder, key,
                       ao_binary_copy((beamr_bytes){(uint8_t *)text, (size_t)(p - text)}));
    free(text);
}

/* Fields and body as the vectors have them: a message. */
static ao_value encoded_message(const httpsig_message *encoded)
{
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, NULL);
    for (size_t i = 0; i < encoded->count; i++)
        put_bytes(&builder, encoded->fields[i].name, &encoded->fields[i].value, 1);
    if (encoded->body_len)
        put_bytes(&builder, beamr_bytes_of("body"), encoded->pieces, encoded->piece_count);
    return ao_builder_value(&builder);
}

static void compare(ao_value actual, const json_t *vector, const char *key, const char *name)
{
    ao_value expected = notation_value(notation_member(vector, key));

    notation_assert_equal(actual, expected, name);
    ao_value_unref(expected);
    ao_value_unref(actual);
}

static void check_vector(ao_context *context, const json_t *vector)
{
    const char *name = notation_text(vector, "name");
    ao_message *message = notation_message(notation_member(vector, "message"));
    ao_message *annotated = NULL;
    char id[AO_ID_TEXT + 1];
    beamr_error err = {0};
    steps s;

    take_steps(&s, message);
    assert_int_equal(codec_node_to_message(s.node, NULL, &annotated, &err), BEAMR_OK);
    compare(ao_message_value(annotated), vector, "tabm", name);
    compare(encoded_message(&s.encoded), vector, "httpsig", name);
    compare(ao_binary_copy(s.base), vector, "signature-base", name);
    if (ao_message_unsigned_id(context, message, id, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    if (strcmp(id, notation_text(vector, "id")) != 0)
        fail_msg("%s: id %s, not %s", name, id, notation_text(vector, "id"));
    arena_clear(&s.a);
    ao_message_unref(message);
}

static void ids_and_all_that_leads_to_them(void **state)
{
    json_t *file = notation_file("ids.json");
    const json_t *vectors = notation_member(file, "vectors"), *vector;
    ao_context *context = NULL;
    size_t i;

    (void)state;
    assert_int_equal(ao_context_new(NULL, &context, NULL), BEAMR_OK);
    assert_int_equal(json_array_size(vectors), 59);
    json_array_foreach((json_t *)(uintptr_t)vectors, i, vector) check_vector(context, vector);
    ao_context_free(context);
    json_decref(file);
}

/* What is sent is read as the same message, of the same id. */
static void encoded_messages_are_decoded_again(void **state)
{
    json_t *file = notation_file("ids.json");
    const json_t *vectors = notation_member(file, "vectors"), *vector;
    ao_context *context = NULL;
    size_t i;

    (void)state;
    assert_int_equal(ao_context_new(NULL, &context, NULL), BEAMR_OK);
    json_array_foreach((json_t *)(uintptr_t)vectors, i, vector)
    {
        const char *name = notation_text(vector, "name");
        ao_message *message = notation_message(notation_member(vector, "message"));
        ao_message *decoded = NULL;
        char id[AO_ID_TEXT + 1], path[AO_MATCH_PATH_SIZE];
        ao_value encoded = AO_NO_VALUE;
        beamr_error err = {0};

        if (strcmp(name, "signature-input-key") == 0) { /* not sent: it is the encoding's own */
            ao_message_unref(message);
            continue;
        }
        if (codec_httpsig.encode(context, message, &encoded, &err) != BEAMR_OK ||
            codec_httpsig.decode(context, encoded, &decoded, &err) != BEAMR_OK ||
            ao_message_unsigned_id(context, decoded, id, &err) != BEAMR_OK)
            fail_msg("%s: %s", name, err.text);
        if (!ao_message_match(message, decoded, AO_MATCH_STRICT, path))
            fail_msg("%s: %s differs", name, path);
        if (strcmp(id, notation_text(vector, "id")) != 0)
            fail_msg("%s: id %s, not %s", name, id, notation_text(vector, "id"));
        ao_value_unref(encoded);
        ao_message_unref(decoded);
        ao_message_unref(message);
    }
    ao_context_free(context);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_and_all_that_leads_to_them),
        cmocka_unit_test(encoded_messages_are_decoded_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
