/* What decoders take of memory grows with their input and no faster, also where the input is
 * made to cost as much as it can: of an input eight times as long, about eight times as much.
 * Time shows itself too: what looks at every pair of parts does not end here. And a large body
 * is copied at most once, each way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "codec/codecs.h"
#include "refuse.h"

/* ---- Texts ---- */

enum { SMALL = 4000, TIMES = 8 };

/* `head`, then `part` `count` times, then `tail`; `#` in a part becomes its number, of five
 * digits. To be freed.
 */
static char *repeat(const char *head, const char *part, const char *tail, size_t count)
{
    size_t room = strlen(head) + strlen(tail) + count * (strlen(part) + 8) + 1, len;
    char *out = malloc(room);

    assert_non_null(out);
    len = (size_t)snprintf(out, room, "%s", head);
    for (size_t i = 0; i < count; i++)
        for (const char *c = part; *c; c++) {
            if (*c == '#')
                len += (size_t)snprintf(out + len, room - len, "%05zu", i);
            else
                out[len++] = *c;
        }
    snprintf(out + len, room - len, "%s", tail);
    return out;
}

static ao_value as_binary(BEAMR_OWN char *text)
{
    ao_value value = ao_binary_text(text);

    free(text);
    return value;
}

/* ---- Inputs ---- */

/* A kind of input, by how many parts it has. */
typedef struct hostile {
    const ao_codec *codec;
    const char *what, *head, *part, *tail;
    const char *key; /* where the text stands in a message; NULL: it is the input itself */
    const char *other_key, *other; /* another member of that message */
} hostile;

#define MULTIPART "multipart/form-data; boundary=\"B\""

static const hostile texts[] = {
    {&codec_json, "lists within lists", "{\"a\":", "[", "1", NULL, NULL, NULL},
    {&codec_json, "objects within objects", "", "{\"a\":", "1", NULL, NULL, NULL},
    {&codec_json, "many keys", "{", "\"k#\":\"v\",", "\"z\":1}", NULL, NULL, NULL},
    {&codec_json, "one key many times", "{", "\"k\":\"v\",", "\"z\":1}", NULL, NULL, NULL},
    {&codec_json, "many escapes", "{\"a\":\"", "\\u0041\\n", "\"}", NULL, NULL, NULL},
    {&codec_json, "many items", "{\"a\":[", "1,", "1]}", NULL, NULL, NULL},
    {&codec_flat, "many lines", "", "k#: v\n", "", NULL, NULL, NULL},
    {&codec_flat, "one line many times", "", "k: v\n", "", NULL, NULL, NULL},
    {&codec_flat, "a deep path", "", "a/", "z: v\n", NULL, NULL, NULL},
    {&codec_flat, "many paths", "", "a/b/c/d#: v\n", "", NULL, NULL, NULL},
    {&codec_flat, "many types", "ao-types: ", "k#=\"integer\", ", "z=\"atom\"\nk1: 5\n", NULL,
     NULL, NULL},
    {&codec_structured, "many types", "", "k#=\"empty-list\", ", "z=\"atom\"", "ao-types", "k",
     "v"},
    {&codec_structured, "one type many times", "", "k=\"integer\", ", "k=\"atom\"", "ao-types",
     "k", "\"v\""},
    {&codec_structured, "a long list", "", "\"(ao-type-integer) 1\", ", "\"x\"", "a",
     "ao-types", "a=\"list\""},
    {&codec_structured, "a list of escapes", "\"", "\\\\\\\"", "\"", "a", "ao-types",
     "a=\"list\""},
    {&codec_structured, "a long number", "", "9", "", "a", "ao-types", "a=\"integer\""},
    {&codec_structured, "a long float", "1.", "9", "e5", "a", "ao-types", "a=\"float\""},
    {&codec_httpsig, "many ids", "", "IdIdIdIdIdIdIdIdIdIdIdIdIdIdIdIdIdIdId#=\"value\", ",
     "IdIdIdIdIdIdIdIdIdIdIdIdIdIdIdIdIdIdIdIdIdA=\"v\"", "ao-ids", NULL, NULL},
    {&codec_httpsig, "many parts", "",
     "--B\r\ncontent-disposition: form-data;name=\"k#\"\r\n\r\nv\r\n", "--B--", "body",
     "content-type", MULTIPART},
    {&codec_httpsig, "one part many times", "",
     "--B\r\ncontent-disposition: form-data;name=\"k\"\r\n\r\nv\r\n", "--B--", "body",
     "content-type", MULTIPART},
    {&codec_httpsig, "many ends", "--B\r\n", "\r\n--B", "", "body", "content-type", MULTIPART},
    {&codec_httpsig, "many lines in a part", "--B\r\n", "k#: v\r\n",
     "content-disposition: inline\r\n--B--", "body", "content-type", MULTIPART},
    {&codec_httpsig, "a deep name", "--B\r\ncontent-disposition: form-data;name=\"", "a/",
     "z\"\r\n\r\nv\r\n--B--", "body", "content-type", MULTIPART},
    {&codec_httpsig, "many signatures", "", "s#=:YWJj:, ", "z=:YWJj:", "signature",
     "signature-input", "z=(\"a\")"},
    {&codec_httpsig, "many inputs", "", "s#=(\"a\" \"b\");alg=\"x\", ", "z=(\"a\")",
     "signature-input", "signature", "z=:YWJj:"},
    {&codec_httpsig, "many components", "z=(", "\"k#\" ", "\"a\");alg=\"rsa-pss-sha512\"",
     "signature-input", "signature", "z=:YWJj:"},
};

static ao_value text_input(const hostile *h, size_t count)
{
    ao_value text = as_binary(repeat(h->head, h->part, h->tail, count));
    ao_message *message = NULL;
    ao_builder builder;

    if (!h->key)
        return text;
    ao_builder_begin(&builder, NULL, NULL, NULL);
    ao_builder_put(&builder, h->key, text);
    if (h->other_key)
        ao_builder_put(&builder, h->other_key, ao_binary_text(h->other));
    assert_int_equal(ao_builder_end(&builder, &message), BEAMR_OK);
    return ao_message_value(message);
}

/* ---- Measuring ---- */

/* Decode and give all back; what was asked for. */
static size_t memory_of(const ao_codec *codec, ao_value input)
{
    ao_message *message = NULL;
    beamr_error err = {0};
    size_t before = refusal.bytes;
    beamr_status st = codec->decode(NULL, input, &message, &err);

    assert_true(st == BEAMR_OK || err.text[0]);
    ao_message_unref(message);
    return refusal.bytes - before;
}

static void assert_linear(const ao_codec *codec, const char *what, ao_value few, ao_value many)
{
    enum { SLACK = 1 << 19, HALF_MORE = 3 }; /* arenas and trees grow in steps */
    size_t small = memory_of(codec, few), large = memory_of(codec, many);

    if (large > small * TIMES * HALF_MORE / 2 + SLACK)
        fail_msg("%s, %s: %zu bytes, and %zu for %d times the input", codec->name, what, small,
                 large, TIMES);
    ao_value_unref(few);
    ao_value_unref(many);
}

static void texts_take_memory_by_their_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_linear(texts[i].codec, texts[i].what, text_input(&texts[i], SMALL),
                      text_input(&texts[i], SMALL * TIMES));
}

/* ---- Data items ---- */

/* An item of tags and data; both are freed. */
static ao_value item(size_t count, BEAMR_OWN char *avro, size_t avro_len, BEAMR_OWN char *data,
                     size_t data_len)
{
    enum { HEAD = 2 + 1024 + 2 };
    size_t size = HEAD + 16 + avro_len + data_len;
    uint8_t *bytes = calloc(1, size), *out = bytes;
    ao_value value;

    assert_non_null(bytes);
    *out = 1;
    out += HEAD;
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (uint8_t)(count >> 8 * i);
        out[8 + i] = (uint8_t)(avro_len >> 8 * i);
    }
    memcpy(out + 16, avro, avro_len);
    memcpy(out + 16 + avro_len, data, data_len);
    value = ao_binary_copy((beamr_bytes){bytes, size});
    free(bytes);
    free(avro);
    free(data);
    return value;
}

static size_t add_count(char *out, size_t count)
{
    size_t len = 0;

    for (count <<= 1; count >= 0x80; count >>= 7)
        out[len++] = (char)(count | 0x80);
    out[len++] = (char)count;
    return len;
}

/* `count` tags of the same name, or each of its own. */
static ao_value tagged(size_t count, bool is_same)
{
    char *avro = malloc(count * 16 + 16), *data = malloc(1);
    size_t len;

    assert_true(avro && data);
    len = add_count(avro, count);
    for (size_t i = 0; i < count; i++)
        len += (size_t)sprintf(avro + len, "\14%c%05zu\2v", 'K', is_same ? 0 : i);
    avro[len++] = 0;
    return item(count, avro, len, data, 0);
}

static void tags_take_memory_by_their_number(void **state)
{
    (void)state;
    assert_linear(&codec_ans104, "many tags", tagged(SMALL, false),
                  tagged(SMALL * TIMES, false));
    assert_linear(&codec_ans104, "one name many times", tagged(SMALL, true),
                  tagged(SMALL * TIMES, true));
}

/* A bundle of items without a byte, with equal ids, of which the first is the manifest. */
static ao_value bundle(size_t count)
{
    static const char tags[] = "\4\32bundle-format\14binary\24bundle-map\126"
                               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    char *avro = malloc(sizeof tags), *data = calloc(count + 1, 64);

    assert_true(avro && data);
    memcpy(avro, tags, sizeof tags);
    for (unsigned i = 0; i < 8; i++)
        data[31 - i] = (char)(count >> 8 * i);
    return item(2, avro, sizeof tags, data, 32 + count * 64);
}

static void bundles_take_memory_by_their_number(void **state)
{
    (void)state;
    assert_linear(&codec_ans104, "many items", bundle(SMALL), bundle(SMALL * TIMES));
}

/* ---- Large bodies ---- */

enum { BODY = 1 << 20 };

/* {key: body}, within as many messages. */
static ao_value body_under(const char *key, int depth)
{
    static uint8_t bytes[BODY];
    ao_value value;

    memset(bytes, 'b', sizeof bytes);
    value = ao_binary_copy((beamr_bytes){bytes, sizeof bytes});
    for (int i = 0; i <= depth; i++) {
        ao_builder b;

        ao_builder_begin(&b, NULL, NULL, NULL);
        ao_builder_put(&b, i ? "inner" : key, value);
        ao_builder_put(&b, "n", ao_integer(i));
        value = ao_builder_value(&b);
    }
    return value;
}

/* Encoding takes memory for it once; what is decoded shares the bytes that it came in. */
static void assert_copied_once(const ao_codec *codec, const char *key, int depth)
{
    ao_value message = body_under(key, depth), encoded;
    size_t before = refusal.bytes;

    assert_int_equal(codec->encode(NULL, ao_to_message(message), &encoded, NULL), BEAMR_OK);
    if (refusal.bytes - before > BODY + BODY / 4)
        fail_msg("%s, %s, %d: encoding takes %zu bytes", codec->name, key, depth,
                 refusal.bytes - before);
    if (memory_of(codec, encoded) > BODY / 4)
        fail_msg("%s, %s, %d: decoding takes the body again", codec->name, key, depth);
    ao_value_unref(encoded);
    ao_value_unref(message);
}

static void large_bodies_are_copied_at_most_once(void **state)
{
    static const ao_codec *const codecs[] = {&codec_structured, &codec_httpsig, &codec_flat,
                                             &codec_json, &codec_ans104};
    static const char *const keys[] = {"body", "data", "other"};

    (void)state;
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
        for (size_t k = 0; k < 3; k++)
            for (int depth = 0; depth < 3; depth++)
                assert_copied_once(codecs[i], keys[k], depth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_bodies_are_copied_at_most_once),
        cmocka_unit_test(texts_take_memory_by_their_length),
        cmocka_unit_test(tags_take_memory_by_their_number),
        cmocka_unit_test(bundles_take_memory_by_their_number),
    };

    json_set_alloc_funcs(__wrap_malloc, free); /* what jansson takes counts too */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
