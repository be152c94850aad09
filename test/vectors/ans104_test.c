/* ans104.json: data items as messages, and messages as data items. */
#include "vectors/notation.h"

#include "codec/ans104.h"
#include "codec/codecs.h"
#include "crypto/base64.h"

/* Where the specification asks for other than what the reference gave. */
/* `long` is a member of the bundle that is signed, so it is committed; the reference only lists
 * members that are messages. */
static const char *const wider = "message-long-value", *const wider_key = "long";

static ao_value item_of(const json_t *vector)
{
    beamr_bytes text = beamr_bytes_of(notation_text(vector, "binary-b64url"));
    uint8_t *bytes = malloc(crypto_base64_size(text.len));
    ao_value item;
    size_t len;

    assert_non_null(bytes);
    assert_int_equal(crypto_base64_decode(CRYPTO_BASE64URL, text, bytes, &len, NULL), BEAMR_OK);
    item = ao_binary_copy((beamr_bytes){bytes, len});
    free(bytes);
    return item;
}

static ao_message *decode(const char *name, ao_value item)
{
    ao_message *message = NULL;
    beamr_error err = {0};

    if (codec_ans104.decode(NULL, item, &message, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    return message;
}

static void check_encodes(const char *name, const ao_message *message, ao_value expected)
{
    ao_value item = AO_NO_VALUE;
    beamr_error err = {0};

    if (codec_ans104.encode(NULL, message, &item, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    notation_assert_equal(item, expected, name);
    ao_value_unref(item);
}

/* The one commitment of a message. */
static const ao_message *commitment_of(const ao_message *message, beamr_bytes *id)
{
    const ao_message *all = ao_to_message(ao_message_find_text(message, "commitments"));
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;

    if (!all || !ao_message_next(all, &cursor, &key, &value))
        return NULL;
    *id = ao_name_text(key);
    return ao_to_message(value);
}

static bool verifies(const char *name, const ao_message *message)
{
    beamr_bytes id = {NULL, 0};
    const ao_message *commitment = commitment_of(message, &id);
    const char *why = "";
    bool is_valid = false;
    beamr_error err = {0};

    assert_non_null(commitment);
    if (codec_ans104.verify(NULL, message, id, commitment, &is_valid, &why, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    if (!is_valid)
        print_message("%s: %s\n", name, why);
    return is_valid;
}

/* The annotated message of an item. */
static void check_annotated(const char *name, const json_t *vector, ao_value item)
{
    static const ao_limits limits = AO_LIMITS_DEFAULT;
    ao_value expected = notation_value(notation_member(vector, "tabm"));
    ao_message *actual = NULL;
    codec_node *node = NULL;
    beamr_error err = {0};
    arena a;

    arena_init(&a, 1 << 20);
    ans104_reader reader = {.a = &a,
                            .origin = ao_bytes(item).data,
                            .owner = item,
                            .limits = &limits,
                            .keys_left = limits.max_keys,
                            .bytes_left = SIZE_MAX,
                            .err = &err};
    if (ans104_decode_node(&reader, ao_bytes(item), &node) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    assert_int_equal(codec_node_to_message(node, NULL, &actual, NULL), BEAMR_OK);
    notation_assert_equal(ao_message_value(actual), expected, name);
    ao_message_unref(actual);
    ao_value_unref(expected);
    arena_clear(&a);
}

/* Signature data, and ids, as the reference has them. */
static void check_hashes(const char *name, const json_t *vector, ao_value item)
{
    static const ao_limits limits = AO_LIMITS_DEFAULT;
    const json_t *fields = notation_member(vector, "item"), *hex;
    uint8_t digest[ANS104_DIGEST_SIZE], id[ANS104_ID_SIZE];
    char text[2 * ANS104_DIGEST_SIZE + 1];
    beamr_error err = {0};
    ans104_item parts;
    arena a;

    arena_init(&a, 1 << 20);
    ans104_reader reader = {.a = &a,
                            .origin = ao_bytes(item).data,
                            .limits = &limits,
                            .keys_left = limits.max_keys,
                            .err = &err};
    assert_int_equal(ans104_item_read(&reader, ao_bytes(item), &parts), BEAMR_OK);
    assert_int_equal(ans104_unsigned_id(&parts, id, &err), BEAMR_OK);
    crypto_id_text(id, text);
    assert_string_equal(text, notation_text(fields, "unsigned-id"));
    if ((hex = json_object_get(vector, "signature-data-hex"))) {
        assert_int_equal(ans104_digest(&parts, true, digest, &err), BEAMR_OK);
        for (size_t i = 0; i < sizeof digest; i++)
            snprintf(text + 2 * i, 3, "%02x", digest[i]);
        if (strcmp(text, json_string_value(hex)) != 0)
            fail_msg("%s: another deep hash", name);
    }
    arena_clear(&a);
}

static void check_item(const char *name, const json_t *vector)
{
    ao_value item = item_of(vector);
    ao_message *message = decode(name, item);
    ao_value expected = notation_value(notation_member(vector, "structured"));

    check_annotated(name, vector, item);
    check_hashes(name, vector, item);
    notation_assert_equal(ao_message_value(message), expected, name);
    check_encodes(name, message, item);
    if (json_is_true(notation_member(vector, "verify")))
        assert_true(verifies(name, message));
    ao_message_unref(message);
    ao_value_unref(expected);
    ao_value_unref(item);
}

static void check_committed(const char *name, const json_t *vector, const ao_message *message)
{
    const json_t *expected = notation_member(vector, "committed-keys");
    size_t more = strcmp(name, wider) == 0;
    beamr_bytes id;
    const ao_message *commitment = commitment_of(message, &id);
    ao_value actual = AO_NO_VALUE;

    assert_int_equal(codec_ans104.committed(NULL, message, id, commitment, &actual, NULL),
                     BEAMR_OK);
    assert_int_equal(ao_list_count(actual), json_array_size(expected) + more);
    for (size_t i = 0; i < ao_list_count(actual); i++) {
        beamr_bytes key = ao_bytes(ao_list_at(actual, i));
        bool is_found =
            more && key.len == strlen(wider_key) && memcmp(key.data, wider_key, key.len) == 0;

        for (size_t k = 0; k < json_array_size(expected); k++)
            is_found |=
                json_string_length(json_array_get(expected, k)) == key.len &&
                memcmp(json_string_value(json_array_get(expected, k)), key.data, key.len) == 0;
        if (!is_found)
            fail_msg("%s: %.*s is committed", name, (int)key.len, (const char *)key.data);
    }
    ao_value_unref(actual);
}

static void check_message(const char *name, const json_t *vector)
{
    ao_value item = item_of(vector);
    ao_message *signed_message = notation_message(notation_member(vector, "signed"));
    ao_value expected = notation_value(notation_member(vector, "decoded"));
    ao_message *message = decode(name, item);

    check_encodes(name, signed_message, item);
    check_hashes(name, vector, item);
    notation_assert_equal(ao_message_value(message), expected, name);
    check_encodes(name, message, item);
    assert_true(verifies(name, signed_message));
    assert_true(verifies(name, message));
    check_committed(name, vector, signed_message);
    assert_int_equal(ao_message_match(message, signed_message, AO_MATCH_STRICT, NULL),
                     json_is_true(notation_member(vector, "decoded-matches")));
    ao_message_unref(message);
    ao_message_unref(signed_message);
    ao_value_unref(expected);
    ao_value_unref(item);
}

static void items_and_messages_are_those_of_the_reference(void **state)
{
    json_t *file = notation_file("ans104.json");
    const json_t *vectors = notation_member(file, "vectors");

    (void)state;
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        const char *name = notation_text(vector, "name");

        if (json_object_get(vector, "message"))
            check_message(name, vector);
        else
            check_item(name, vector);
    }
    assert_int_equal(json_array_size(vectors), 11);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_and_messages_are_those_of_the_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
