/* Data items: what is refused, and where; tags that are kept; bundles; signing and verifying.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ao/context.h"
#include "codec/ans104.h"
#include "codec/codecs.h"
#include "unit/ao/wallet_key.h"

enum { ROOM = 1 << 20, TAGS_AT = ANS104_HEADER_SIZE };

/* ---- Items by hand ---- */

/* An item that is being written. */
typedef struct draft {
    uint8_t bytes[16384];
    size_t len;
} draft;

static void add(draft *d, const void *bytes, size_t len)
{
    assert_true(len <= sizeof d->bytes - d->len);
    memcpy(d->bytes + d->len, bytes, len);
    d->len += len;
}

static void add_number(draft *d, uint64_t number)
{
    for (unsigned i = 0; i < 8; i++)
        add(d, &(uint8_t){(uint8_t)(number >> 8 * i)}, 1);
}

/* An item without signature, of tags and data as bytes. */
static void begin(draft *d, uint64_t count, const void *avro, size_t avro_len, const char *data)
{
    static const uint8_t zeros[2 * ANS104_KEY_SIZE + 2];

    d->len = 0;
    add(d, "\1\0", 2);
    add(d, zeros, sizeof zeros);
    add_number(d, count);
    add_number(d, avro_len);
    add(d, avro, avro_len);
    add(d, data, strlen(data));
}

#define AVRO(literal) (literal), sizeof(literal) - 1

static beamr_status decode_bytes(beamr_bytes bytes, ao_message **out, beamr_error *err)
{
    ao_value item = ao_binary_copy(bytes);
    beamr_status st = codec_ans104.decode(NULL, item, out, err);

    ao_value_unref(item);
    return st;
}

static ao_message *decode(beamr_bytes bytes)
{
    ao_message *message = NULL;
    beamr_error err = {0};

    if (decode_bytes(bytes, &message, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return message;
}

static beamr_bytes bytes_of(const draft *d)
{
    return (beamr_bytes){d->bytes, d->len};
}

static void assert_refused(beamr_bytes bytes, uint64_t offset, const char *text)
{
    ao_message *message = NULL;
    beamr_error err = {0};

    assert_int_equal(decode_bytes(bytes, &message, &err), BEAMR_MESSAGE);
    assert_null(message);
    if (!strstr(err.text, text))
        fail_msg("%s: not `%s`", err.text, text);
    if (err.offset != offset)
        fail_msg("%s: at %llu, not %llu", err.text, (unsigned long long)err.offset,
                 (unsigned long long)offset);
}

static ao_value encode(const ao_message *message)
{
    ao_value item = AO_NO_VALUE;
    beamr_error err = {0};

    if (codec_ans104.encode(NULL, message, &item, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return item;
}

/* {key: value}, which is taken over. */
static ao_message *make(const char *key, ao_value value)
{
    ao_message *out = NULL;

    assert_int_equal(ao_message_with(ao_message_empty(), key, value, &out, NULL), BEAMR_OK);
    return out;
}

static void assert_not_encoded(BEAMR_OWN ao_message *message, const char *text)
{
    ao_value item = AO_NO_VALUE;
    beamr_error err = {0};

    assert_int_equal(codec_ans104.encode(NULL, message, &item, &err), BEAMR_ENCODING);
    if (!strstr(err.text, text))
        fail_msg("%s: not `%s`", err.text, text);
    ao_message_unref(message);
}

static void assert_text(const ao_message *message, const char *key, const char *text)
{
    beamr_bytes actual = ao_bytes(ao_message_find_text(message, key));

    if (actual.len != strlen(text) || memcmp(actual.data, text, actual.len) != 0)
        fail_msg("%s is `%.*s`", key, (int)actual.len, (const char *)actual.data);
}

/* ---- Fields ---- */

static void every_truncation_of_the_header_is_refused_where_it_ends(void **state)
{
    ao_message *message = NULL;
    draft d;

    (void)state;
    begin(&d, 1, AVRO("\2\2a\2b\0"), "");
    for (size_t len = 0; len < d.len; len++) {
        beamr_error err = {0};

        assert_int_equal(decode_bytes((beamr_bytes){d.bytes, len}, &message, &err),
                         BEAMR_MESSAGE);
        assert_true(err.offset <= len && err.text[0]);
    }
    ao_message_unref(decode(bytes_of(&d)));
}

static void other_signature_types_are_refused(void **state)
{
    draft d;

    (void)state;
    begin(&d, 0, AVRO(""), "x");
    d.bytes[0] = 3;
    assert_refused(bytes_of(&d), 0, "signature type 3; only 1 is known");
    d.bytes[0] = 1, d.bytes[1] = 1;
    assert_refused(bytes_of(&d), 0, "signature type 257");
}

static void a_flag_is_zero_or_one(void **state)
{
    draft d;

    (void)state;
    begin(&d, 0, AVRO(""), "x");
    d.bytes[1026] = 2;
    assert_refused(bytes_of(&d), 1026, "2 says whether there is a target");
}

static void a_signature_needs_an_owner(void **state)
{
    draft d;

    (void)state;
    begin(&d, 0, AVRO(""), "x");
    d.bytes[2] = 1;
    assert_refused(bytes_of(&d), 514, "signed, but by no owner");
}

/* ---- Tags ---- */

static void assert_tags_refused(uint64_t count, const void *avro, size_t len, uint64_t at,
                                const char *text)
{
    draft d;

    begin(&d, count, avro, len, "");
    assert_refused(bytes_of(&d), TAGS_AT + at, text);
}

static void tags_that_lie_are_refused(void **state)
{
    draft d;

    (void)state;
    assert_tags_refused(0, AVRO("\0"), 0, "1 bytes for no tags");
    assert_tags_refused(1, AVRO(""), 0, "they end within the number of tags");
    assert_tags_refused(2, AVRO("\2\2a\2b\0"), 0, "1 in their block, 2 in the item's header");
    assert_tags_refused(3, AVRO("\6\2a\2b"), 0, "3 of them in 4 bytes");
    assert_tags_refused(UINT64_MAX / 2, AVRO("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1\0"), 0,
                        "of them in 1 bytes");
    assert_tags_refused(1, AVRO("\2\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1zz"), 1,
                        "a name of 9223372036854775807 bytes, 2 bytes left");
    assert_tags_refused(1, AVRO("\2\2a\6bb\0"), 7, "they end within the end");
    begin(&d, 1, AVRO("\2\2a\2b\0"), "");
    d.bytes[TAGS_AT - 8] = 7;
    assert_refused(bytes_of(&d), TAGS_AT - 8, "tags of 7 bytes, 6 bytes left");
}

static void numbers_have_one_form(void **state)
{
    (void)state;
    assert_tags_refused(1, AVRO("\x82\x00\2a\2b\0"), 0, "written longer than needed");
    assert_tags_refused(1, AVRO("\2\3a\2b\0"), 1, "a name is negative");
    assert_tags_refused(1, AVRO("\1\14\2a\2b\0"), 0, "the number of tags is negative");
    assert_tags_refused(1, AVRO("\xff\xff\xff\xff\xff\xff\xff\xff\xff\2"), 0,
                        "of more than 64 bits");
    assert_tags_refused(1, AVRO("\2\2a\2b\2\2c\2d\0"), 5, "in more than one block");
    assert_tags_refused(1, AVRO("\2\2a\2b\0\0"), 6, "1 bytes behind their end");
}

/* Name and value of the original tag `index`. */
static void assert_original(const ao_message *message, const char *id, const char *index,
                            const char *name, const char *value)
{
    char path[128];
    ao_value tag = AO_NO_VALUE;

    (void)snprintf(path, sizeof path, "commitments/%s/original-tags/%s", id, index);
    assert_int_equal(ao_message_get_path(message, beamr_bytes_of(path), &tag, NULL), BEAMR_OK);
    assert_int_equal(tag.kind, AO_MESSAGE);
    assert_text(ao_to_message(tag), "name", name);
    assert_text(ao_to_message(tag), "value", value);
}

#define UNSIGNED "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* A tag that could pass for a field, a commitment or private state is none, and is not lost. */
static void tags_with_names_of_fields_are_kept_apart(void **state)
{
    ao_message *message;
    ao_value item;
    draft d;

    (void)state;
    begin(&d, 5, AVRO("\12\14Target\2t\10priv\2p\26commitments\2c\0\2e\2K\2v\0"), "data");
    message = decode(bytes_of(&d));
    assert_int_equal(ao_message_count(message), 3);
    assert_text(message, "data", "data");
    assert_text(message, "k", "v");
    assert_int_equal(ao_private_find(message, "priv").kind, AO_NONE);
    assert_original(message, UNSIGNED, "1", "Target", "t");
    assert_original(message, UNSIGNED, "2", "priv", "p");
    assert_original(message, UNSIGNED, "4", "", "e");
    item = encode(message);
    assert_int_equal(ao_bytes(item).len, d.len);
    assert_memory_equal(ao_bytes(item).data, d.bytes, d.len);
    ao_value_unref(item);
    ao_message_unref(message);
}

static void original_tags_must_give_the_keys_of_the_message(void **state)
{
    ao_message *message, *changed = NULL;
    draft d;

    (void)state;
    begin(&d, 1, AVRO("\2\2K\2v\0"), "");
    message = decode(bytes_of(&d));
    assert_int_equal(ao_message_with(message, "k", ao_binary_text("w"), &changed, NULL),
                     BEAMR_OK);
    assert_not_encoded(changed, "original tags");
    assert_int_equal(ao_message_with(message, "more", ao_binary_text("w"), &changed, NULL),
                     BEAMR_OK);
    assert_not_encoded(changed, "original tags");
    ao_message_unref(message);
}

/* ---- What an item cannot carry ---- */

/* An integer whose text has the length of an id's. */
static ao_value make_big(void)
{
    ao_value value = AO_NO_VALUE;

    assert_int_equal(
        ao_integer_read(beamr_bytes_of("1000000000000000000000000000000000000000000"), &value,
                        NULL),
        BEAMR_OK);
    return value;
}

static void what_an_item_has_no_room_for_is_refused(void **state)
{
    (void)state;
    assert_not_encoded(make("target", ao_binary_text("somewhere")), "key `target`");
    assert_not_encoded(make("target", make_big()), "typed value of 43 characters");
    assert_not_encoded(make("last_tx", ao_message_value(make("a", ao_binary_text("b")))),
                       "key `last_tx`");
    assert_not_encoded(make("owner", ao_binary_text("me")), "512 bytes");
    assert_not_encoded(make("signature", ao_binary_text("me")), "key `signature`");
    assert_not_encoded(make("tags", ao_binary_text("x")), "key `tags`");
    assert_not_encoded(make("m", ao_message_value(make("ao-type", ao_binary_text("binary")))),
                       "would make a binary of it");
    assert_not_encoded(make("\xff", ao_message_value(make("a", ao_binary_text("b")))),
                       "must be UTF-8");
}

static void commitments_of_other_devices_are_refused(void **state)
{
    ao_message *one = make("commitment-device", ao_binary_text("httpsig@1.0"));
    ao_message *all = make(UNSIGNED, ao_message_value(one)), *two = NULL;

    (void)state;
    assert_int_equal(
        ao_message_with(all, "other", ao_value_ref(ao_message_value(one)), &two, NULL),
        BEAMR_OK);
    assert_not_encoded(make("commitments", ao_message_value(all)),
                       "no room for a commitment of `httpsig@1.0`");
    assert_not_encoded(make("commitments", ao_message_value(two)), "has 2 commitments");
}

/* ---- Bundles ---- */

enum { PARTS_MAX = 3 };

static void add_wide(draft *d, uint64_t number)
{
    static const uint8_t zeros[24];

    add(d, zeros, sizeof zeros);
    for (unsigned i = 8; i-- > 0;)
        add(d, &(uint8_t){(uint8_t)(number >> 8 * i)}, 1);
}

/* The id of the part `index` is 32 times index + 1. */
static void add_id(draft *d, size_t index)
{
    uint8_t id[ANS104_ID_SIZE];

    memset(id, (int)index + 1, sizeof id);
    add(d, id, sizeof id);
}

#define ID_1 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
#define ID_2 "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"
#define ID_3 "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM"

/* A bundle of a manifest and `count` other items. */
static void begin_bundle(draft *d, const char *manifest, const draft *items, size_t count)
{
    static draft first;
    const draft *parts[PARTS_MAX] = {&first};

    assert_true(count < PARTS_MAX);
    begin(&first, 2,
          AVRO("\4\32data-protocol\24bundle-map\16variant\12"
               "0.0.1\0"),
          manifest);
    begin(d, 2, AVRO("\4\32bundle-format\14binary\24bundle-map\126" ID_1 "\0"), "");
    add_wide(d, count + 1);
    for (size_t i = 0; i <= count; i++) {
        parts[i] = i ? &items[i - 1] : &first;
        add_wide(d, parts[i]->len);
        add_id(d, i);
    }
    for (size_t i = 0; i <= count; i++)
        add(d, parts[i]->bytes, parts[i]->len);
}

static void assert_bundle_refused(const char *manifest, size_t count, const char *text)
{
    static draft items[2], bundle;
    ao_message *message = NULL;
    beamr_error err = {0};

    begin(&items[0], 1, AVRO("\2\2a\2b\0"), "");
    begin(&items[1], 1, AVRO("\2\16ao-type\14binary\0"), "bytes");
    begin_bundle(&bundle, manifest, items, count);
    assert_int_equal(decode_bytes(bytes_of(&bundle), &message, &err), BEAMR_MESSAGE);
    if (!strstr(err.text, text))
        fail_msg("%s: not `%s`", err.text, text);
    assert_true(err.offset > 0 && err.offset < bundle.len);
}

static void members_are_named_by_the_manifest(void **state)
{
    static draft items[2], bundle;
    ao_message *message;

    (void)state;
    begin(&items[0], 1, AVRO("\2\2a\2b\0"), "");
    begin(&items[1], 1, AVRO("\2\16ao-type\14binary\0"), "bytes");
    begin_bundle(&bundle, " { \"M\\u00C9\" : \"" ID_2 "\" , \"x\\n\":\"" ID_3 "\" } ", items,
                 2);
    message = decode(bytes_of(&bundle));
    assert_text(message, "x\n", "bytes");
    assert_text(ao_to_message(ao_message_find_text(message, "m\u00e9")), "a", "b");
    ao_message_unref(message);
}

static void manifests_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    assert_bundle_refused("{\"m\":\"" ID_3 "\"}", 1, "member `m` is not in the bundle");
    assert_bundle_refused("{\"m\":\"" ID_2 "\"}", 2, "does not name item 2");
    assert_bundle_refused("{\"m\":\"" ID_2 "\",\"M\":\"" ID_3 "\"}", 2, "`m` is there twice");
    assert_bundle_refused("{\"commitments\":\"" ID_2 "\"}", 1, "can be named `commitments`");
    assert_bundle_refused("{\"priv-x\":\"" ID_2 "\"}", 1, "can be named `priv-x`");
    assert_bundle_refused("{\"m\":1}", 1, "without an id");
    assert_bundle_refused("{\"m\":\"" ID_2 "A\"}", 1, "without an id");
    assert_bundle_refused("{\"m\":\"" ID_2 "\"", 1, "expected near end of file");
    assert_bundle_refused("{\"m\":\"" ID_2 "\"}x", 1, "manifest: JSON: end of file expected");
    assert_bundle_refused("{\"m\\ud800\":\"" ID_2 "\"}", 1, "manifest: JSON: invalid Unicode");
    assert_bundle_refused("[]", 1, "an object is wanted");
    assert_bundle_refused("{\"m", 1, "manifest: JSON: premature end of input");
    assert_bundle_refused("{\"\xff\":\"" ID_2 "\"}", 1, "manifest: JSON: unable to decode byte");
}

static void sizes_in_the_table_are_checked(void **state)
{
    static draft items[1], bundle;
    size_t table = ANS104_HEADER_SIZE + 86;

    (void)state;
    begin(&items[0], 1, AVRO("\2\2a\2b\0"), "");
    begin_bundle(&bundle, "{\"m\":\"" ID_2 "\"}", items, 1);
    ao_message_unref(decode(bytes_of(&bundle)));
    bundle.len--;
    while (bundle.bytes[table - 1] != 2 || bundle.bytes[table - 2])
        table++; /* behind the number of items */
    assert_refused(bytes_of(&bundle), table + 64, "item 1 is longer than");
    bundle.len++;
    bundle.bytes[table] = 1;
    assert_refused(bytes_of(&bundle), table, "item 0 is longer than");
    bundle.bytes[table] = 0;
    bundle.bytes[table - 1] = 200;
    assert_refused(bytes_of(&bundle), table - 32, "more items than its");
    bundle.bytes[table - 1] = 2;
    add(&bundle, "x", 1);
    assert_refused(bytes_of(&bundle), bundle.len - 1, "1 bytes behind its items");
}

/* A bundle that names one member 30 times. */
static beamr_status decode_shared(const char *data, ao_message **out)
{
    static draft items[1], bundle;
    char manifest[2048] = "{";
    size_t len = 1;

    begin(&items[0], 1, AVRO("\2\16ao-type\14binary\0"), data);
    for (size_t i = 0; i < 30; i++)
        len += (size_t)snprintf(manifest + len, sizeof manifest - len,
                                "%s\"k%zu\":\"" ID_2 "\"", i ? "," : "", i);
    (void)snprintf(manifest + len, sizeof manifest - len, "}");
    begin_bundle(&bundle, manifest, items, 1);
    return decode_bytes(bytes_of(&bundle), out, NULL);
}

/* Else a small input made a large message. */
static void members_are_named_twice_only_within_bounds(void **state)
{
    static char large[8000];
    ao_message *message = NULL;

    (void)state;
    assert_int_equal(decode_shared("x", &message), BEAMR_OK);
    assert_text(message, "k0", "x");
    assert_text(message, "k29", "x");
    ao_message_unref(message);
    memset(large, 'x', sizeof large - 1);
    assert_int_equal(decode_shared(large, &message), BEAMR_LIMIT);
}

static ao_message *nested(size_t depth)
{
    ao_message *message = make("a", ao_binary_text("b"));

    while (depth-- > 0)
        message = make("m", ao_message_value(message));
    return message;
}

static void bundles_nest_as_deep_as_messages(void **state)
{
    static const size_t depth = 40;
    ao_message *message = nested(depth), *back;
    ao_context context = {.limits = {depth, 1000, 1 << 20}};
    ao_value item = encode(message);
    beamr_error err = {0};

    (void)state;
    back = decode(ao_bytes(item));
    assert_true(ao_value_equal(ao_message_value(message), ao_message_value(back)));
    assert_int_equal(codec_ans104.decode(&context, item, &back, &err), BEAMR_LIMIT);
    assert_non_null(strstr(err.text, "within each other"));
    ao_value_unref(item);
    ao_message_unref(message);
    ao_message_unref(back);
}

/* Large data is a part of the input. */
static void data_is_not_copied(void **state)
{
    static uint8_t bytes[100000];
    draft d;
    ao_message *message = NULL;
    beamr_bytes data;
    ao_value item;

    (void)state;
    begin(&d, 0, AVRO(""), "");
    memcpy(bytes, d.bytes, d.len);
    item = ao_binary_adopt(bytes, sizeof bytes, NULL, NULL);
    assert_int_equal(codec_ans104.decode(NULL, item, &message, NULL), BEAMR_OK);
    data = ao_bytes(ao_message_find_text(message, "data"));
    assert_ptr_equal(data.data, bytes + d.len);
    ao_message_unref(message);
    ao_value_unref(item);
}

/* ---- Signing ---- */

static const char wallet_text[] =
    "{\"kty\":\"RSA\",\"n\":\"" WALLET_N "\",\"e\":\"" WALLET_E "\",\"d\":\"" WALLET_D
    "\",\"p\":\"" WALLET_P "\",\"q\":\"" WALLET_Q "\",\"dp\":\"" WALLET_DP
    "\",\"dq\":\"" WALLET_DQ "\",\"qi\":\"" WALLET_QI "\"}";

static beamr_status commit(const ao_message *message, ao_message **out, beamr_error *err)
{
    ao_wallet *wallet = NULL;
    beamr_status st;

    assert_int_equal(ao_wallet_read(beamr_bytes_of(wallet_text), &wallet, NULL), BEAMR_OK);
    st = codec_ans104.commit(NULL, message, wallet, out, err);
    ao_wallet_unref(wallet);
    return st;
}

/* The message, which is taken over, signed. */
static ao_message *sign(BEAMR_OWN ao_message *message)
{
    ao_message *out = NULL;
    beamr_error err = {0};

    if (commit(message, &out, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_message_unref(message);
    return out;
}

static bool verifies(const ao_message *message)
{
    const ao_message *all = ao_to_message(ao_message_find_text(message, "commitments"));
    ao_cursor cursor = {0};
    bool is_valid = false;
    const char *why = NULL;
    const ao_name *id = NULL;
    ao_value one = AO_NO_VALUE;

    assert_true(all && ao_message_next(all, &cursor, &id, &one));
    assert_int_equal(codec_ans104.verify(NULL, message, ao_name_text(id), ao_to_message(one),
                                         &is_valid, &why, NULL),
                     BEAMR_OK);
    assert_true(is_valid == !why);
    return is_valid;
}

static ao_message *example(void)
{
    ao_message *out = NULL;
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, NULL);
    ao_builder_put(&builder, "target", ao_binary_text(WALLET_ADDRESS));
    ao_builder_put(&builder, "data", ao_binary_text("return 1"));
    ao_builder_put(&builder, "empty", ao_binary_text(""));
    ao_builder_put(&builder, "n", ao_integer(5));
    ao_builder_put(&builder, "m", ao_message_value(make("a", ao_float(1.5))));
    assert_int_equal(ao_builder_end(&builder, &out), BEAMR_OK);
    return out;
}

static void no_bit_of_a_signed_item_can_be_flipped(void **state)
{
    ao_message *message = sign(example());
    ao_value item = encode(message);
    beamr_bytes bytes = ao_bytes(item);
    uint8_t *copy = malloc(bytes.len);

    (void)state;
    assert_non_null(copy);
    assert_true(verifies(message));
    memcpy(copy, bytes.data, bytes.len);
    for (size_t i = 0; i < bytes.len; i += 13) {
        ao_message *back = NULL;

        copy[i] ^= (uint8_t)(1u << i % 8);
        if (decode_bytes((beamr_bytes){copy, bytes.len}, &back, NULL) == BEAMR_OK &&
            ao_message_find_text(back, "commitments").kind != AO_NONE && verifies(back))
            fail_msg("byte %zu", i);
        ao_message_unref(back);
        copy[i] = bytes.data[i];
    }
    free(copy);
    ao_value_unref(item);
    ao_message_unref(message);
}

static void any_change_of_a_message_makes_it_invalid(void **state)
{
    static const char *const keys[] = {"data", "empty", "n", "m", "target", "new", "last_tx"};
    ao_message *message = sign(example());

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        ao_message *changed = NULL;

        assert_int_equal(ao_message_with(message, keys[i],
                                         ao_binary_text("VutoYYwMPP5qi1myEWCb6aJ3KPm98TZY"),
                                         &changed, NULL),
                         BEAMR_OK);
        if (verifies(changed))
            fail_msg("%s", keys[i]);
        ao_message_unref(changed);
        assert_int_equal(ao_message_without(message, keys[i], &changed, NULL), BEAMR_OK);
        if (i < 5 && verifies(changed))
            fail_msg("without %s", keys[i]);
        ao_message_unref(changed);
    }
    ao_message_unref(message);
}

static void targets_are_signed_as_text_and_as_bytes_alike(void **state)
{
    ao_message *message = sign(example()), *back;
    ao_value item = encode(message);

    (void)state;
    back = decode(ao_bytes(item));
    assert_int_equal(ao_bytes(ao_message_find_text(back, "target")).len, 32);
    assert_true(verifies(back));
    ao_message_unref(back);
    ao_message_unref(message);
    ao_value_unref(item);
}

static void signed_items_have_at_most_128_tags(void **state)
{
    ao_message *message, *out = NULL;
    beamr_error err = {0};
    ao_builder builder;
    char key[8];

    (void)state;
    ao_builder_begin(&builder, NULL, NULL, NULL);
    for (size_t i = 0; i < 129; i++) {
        (void)snprintf(key, sizeof key, "k%zu", i);
        ao_builder_put(&builder, key, ao_binary_text("v"));
    }
    assert_int_equal(ao_builder_end(&builder, &message), BEAMR_OK);
    assert_int_equal(commit(message, &out, &err), BEAMR_ENCODING);
    assert_non_null(strstr(err.text, "at most 128 tags"));
    assert_int_equal(ao_message_without(message, "k7", &out, NULL), BEAMR_OK);
    ao_message_unref(message);
    message = sign(out);
    assert_true(verifies(message));
    ao_message_unref(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_truncation_of_the_header_is_refused_where_it_ends),
        cmocka_unit_test(other_signature_types_are_refused),
        cmocka_unit_test(a_flag_is_zero_or_one),
        cmocka_unit_test(a_signature_needs_an_owner),
        cmocka_unit_test(tags_that_lie_are_refused),
        cmocka_unit_test(numbers_have_one_form),
        cmocka_unit_test(tags_with_names_of_fields_are_kept_apart),
        cmocka_unit_test(original_tags_must_give_the_keys_of_the_message),
        cmocka_unit_test(what_an_item_has_no_room_for_is_refused),
        cmocka_unit_test(commitments_of_other_devices_are_refused),
        cmocka_unit_test(members_are_named_by_the_manifest),
        cmocka_unit_test(manifests_that_do_not_fit_are_refused),
        cmocka_unit_test(sizes_in_the_table_are_checked),
        cmocka_unit_test(members_are_named_twice_only_within_bounds),
        cmocka_unit_test(bundles_nest_as_deep_as_messages),
        cmocka_unit_test(data_is_not_copied),
        cmocka_unit_test(no_bit_of_a_signed_item_can_be_flipped),
        cmocka_unit_test(any_change_of_a_message_makes_it_invalid),
        cmocka_unit_test(targets_are_signed_as_text_and_as_bytes_alike),
        cmocka_unit_test(signed_items_have_at_most_128_tags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
