/* httpsig@1.0: header fields and bodies; what is refused, and what hostile input comes to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "codec/codecs.h"
#include "codec/httpsig.h"
#include "crypto/sha256.h"

/* ---- Messages in few words ---- */

static ao_value text(const char *chars)
{
    return ao_binary_text(chars);
}

/* A message of pairs of key and value; the values are taken over. */
static ao_message *message_of(const char *key, ao_value value, ...)
{
    ao_builder builder;
    ao_message *message = NULL;
    va_list more;

    ao_builder_begin(&builder, NULL, NULL, NULL);
    va_start(more, value);
    while (key) {
        ao_builder_put(&builder, key, value);
        if ((key = va_arg(more, const char *)))
            value = va_arg(more, ao_value);
    }
    va_end(more);
    assert_int_equal(ao_builder_end(&builder, &message), BEAMR_OK);
    return message;
}

#define MESSAGE(...) message_of(__VA_ARGS__, NULL)
#define NESTED(...) ao_message_value(MESSAGE(__VA_ARGS__))

static ao_value encode(const ao_message *message)
{
    ao_value out = AO_NO_VALUE;
    beamr_error err = {0};

    if (codec_httpsig.encode(NULL, message, &out, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return out;
}

static ao_message *decode(const ao_message *fields)
{
    ao_message *out = NULL;
    beamr_error err = {0};
    ao_value value = ao_message_value(ao_message_ref(fields));

    if (codec_httpsig.decode(NULL, value, &out, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_value_unref(value);
    return out;
}

static void assert_refused(const ao_message *message, const char *why)
{
    ao_value out = AO_NO_VALUE;
    beamr_error err = {0};

    assert_int_equal(codec_httpsig.encode(NULL, message, &out, &err), BEAMR_ENCODING);
    assert_int_equal(out.kind, AO_NONE);
    if (!strstr(err.text, why))
        fail_msg("%s", err.text);
    ao_message_unref(message);
}

static void assert_malformed(ao_message *fields, beamr_status status, const char *why)
{
    ao_message *out = NULL;
    beamr_error err = {0};
    ao_value value = ao_message_value(fields);
    beamr_status st = codec_httpsig.decode(NULL, value, &out, &err);

    if (st != status || !strstr(err.text, why))
        fail_msg("status %d: %s", st, err.text);
    assert_null(out);
    ao_value_unref(value);
}

static beamr_bytes at(const ao_message *message, const char *path)
{
    ao_value value = AO_NO_VALUE;

    assert_int_equal(ao_message_get_path(message, beamr_bytes_of(path), &value, NULL),
                     BEAMR_OK);
    return ao_bytes(value);
}

static void assert_at(const ao_message *message, const char *path, const char *expected)
{
    if (!text_is(at(message, path), expected))
        fail_msg("%s is %.*s", path, (int)at(message, path).len,
                 (const char *)at(message, path).data);
}

/* Sent and read: the same message with the same id. */
static void assert_round_trip(ao_message *message)
{
    ao_value encoded = encode(message);
    ao_message *decoded = decode(ao_to_message(encoded));
    uint8_t before[AO_ID_SIZE], after[AO_ID_SIZE];
    char path[AO_MATCH_PATH_SIZE];

    if (!ao_message_match(message, decoded, AO_MATCH_STRICT, path))
        fail_msg("%s differs", path);
    assert_int_equal(codec_httpsig.unsigned_id(NULL, message, before, NULL), BEAMR_OK);
    assert_int_equal(codec_httpsig.unsigned_id(NULL, decoded, after, NULL), BEAMR_OK);
    assert_memory_equal(before, after, sizeof before);
    ao_value_unref(encoded);
    ao_message_unref(decoded);
    ao_message_unref(message);
}

/* Fields of a multipart body with the boundary B. */
static ao_message *multipart(const char *body)
{
    return MESSAGE("content-type", text("multipart/form-data; boundary=\"B\""), "body",
                   text(body));
}

#define PART(lines, data) "--B\r\n" lines "\r\n\r\n" data "\r\n"
#define NAMED(name) "content-disposition: form-data;name=\"" name "\""

/* ---- Bodies ---- */

static void large_values_are_shared_both_ways(void **state)
{
    size_t len = 1 << 20;
    char *bytes = calloc(1, len);
    ao_value large = ao_binary_copy((beamr_bytes){(uint8_t *)bytes, len}), body;
    ao_message *message = MESSAGE("body", ao_value_ref(large)), *decoded;
    ao_value encoded = encode(message);

    (void)state;
    assert_ptr_equal(at(ao_to_message(encoded), "body").data, ao_bytes(large).data);
    decoded = decode(ao_to_message(encoded));
    assert_ptr_equal(at(decoded, "body").data, ao_bytes(large).data);
    ao_message_unref(decoded);
    ao_value_unref(encoded);
    ao_message_unref(message);

    /* Two of them: the body is put together once, and its parts are shared. */
    message = MESSAGE("a", ao_value_ref(large), "b", ao_value_ref(large));
    encoded = encode(message);
    body = ao_message_find_text(ao_to_message(encoded), "body");
    decoded = decode(ao_to_message(encoded));
    assert_true(at(decoded, "b").data > ao_bytes(body).data &&
                at(decoded, "b").data < ao_bytes(body).data + ao_bytes(body).len);
    assert_int_equal(at(decoded, "b").len, len);
    ao_message_unref(decoded);
    ao_value_unref(encoded);
    ao_message_unref(message);
    ao_value_unref(large);
    free(bytes);
}

static void values_that_would_end_a_line_become_parts(void **state)
{
    ao_message *message = MESSAGE("a", text("one\ntwo"), "b", text("plain"));
    ao_value encoded = encode(message);

    (void)state;
    assert_int_equal(ao_message_find_text(ao_to_message(encoded), "a").kind, AO_NONE);
    assert_at(ao_to_message(encoded), "b", "plain");
    assert_at(ao_to_message(encoded), "body-keys", "\"a\"");
    ao_value_unref(encoded);
    assert_round_trip(message);
    assert_round_trip(MESSAGE("a", text("\r"), "body", text("b")));
    assert_round_trip(MESSAGE("a", text("x\r\ny: z"), "data", text("d")));
}

static void a_content_type_is_not_lost_for_parts(void **state)
{
    (void)state;
    assert_refused(MESSAGE("content-type", text("text/plain"), "a", text("one\ntwo")), "parts");
    assert_refused(
        MESSAGE("content-type", text("text/plain"), "a", text("\r"), "body", text("b")),
        "parts");
    assert_refused(MESSAGE("content-type", text("a\nb")), "header field");
    assert_round_trip(MESSAGE("content-type", text("text/plain"), "body", text("b")));
}

static void lines_cannot_be_smuggled_into_parts(void **state)
{
    ao_message *message = MESSAGE("m", NESTED("x", text("a\r\nb: c"))), *decoded;
    ao_value encoded = encode(message);

    (void)state;
    decoded = decode(ao_to_message(encoded));
    assert_int_equal(at(decoded, "m/x").len, 7);
    assert_int_equal(at(decoded, "m/b").len, 0);
    ao_value_unref(encoded);
    ao_message_unref(decoded);
    assert_round_trip(message);
    assert_round_trip(MESSAGE("m", NESTED("content-disposition", text("inline"))));
    /* Either alone ends no line of a part. */
    assert_round_trip(MESSAGE("m", NESTED("x", text("a\nb\rc\n"), "body", text("\r\n\r\n"))));
    assert_round_trip(
        MESSAGE("m", NESTED("x", text("\r\n\r\n--B--"), "n", NESTED("y", text("\r\n")))));
}

static void names_that_would_end_a_line_are_refused(void **state)
{
    (void)state;
    assert_refused(MESSAGE("a\r\nb", text("c")), "CR, LF or NUL");
    assert_refused(MESSAGE("a\n", NESTED("b", text("c"))), "CR, LF or NUL");
    assert_refused(MESSAGE("m", NESTED("a\r", text("c"))), "CR, LF or NUL");
    assert_refused(MESSAGE("m", NESTED("a: b", text("c"))), "colon and a space");
}

static void slashes_in_names_of_parts_are_refused(void **state)
{
    (void)state;
    assert_refused(MESSAGE("a/b", NESTED("c", text("d"))), "separates keys");
    assert_refused(MESSAGE("a/b", text("c"), "m", NESTED("x", text("y"))), "separates keys");
    assert_refused(MESSAGE("m", NESTED("a/b", NESTED("c", text("d")))), "separates keys");
    assert_round_trip(MESSAGE("a/b", text("c"))); /* no reader splits it without parts */
    assert_round_trip(MESSAGE("m", NESTED("a/b", text("c"))));
}

static void names_of_parts_can_have_quotes(void **state)
{
    (void)state;
    assert_round_trip(MESSAGE("a\"b", NESTED("c", text("d"))));
    assert_round_trip(MESSAGE("a\\", NESTED("c", text("d"), "e\"\\", NESTED("f", text("g")))));
}

static void keys_that_are_ids_keep_their_case(void **state)
{
    static const char upper[] = "-TOyROnm2xtcKsvjdjvRqYQNcPRPBYYlbK3VnKmYWtk";

    (void)state;
    assert_round_trip(MESSAGE(upper, text("a \"b\" \\"), "k", text("v")));
    assert_round_trip(MESSAGE(upper, text("two\nlines")));
    assert_round_trip(MESSAGE(upper, ao_integer(5), "m", NESTED(upper, text("x"))));
    assert_round_trip(MESSAGE(upper, NESTED("a", text("b"))));
    assert_refused(MESSAGE("a key of exactly thirty-two byte", text("v")), "look like an id");
}

static void binaries_that_would_be_read_as_parts_are_refused(void **state)
{
    (void)state;
    assert_refused(MESSAGE("content-type", text("multipart/form-data; boundary=\"B\""), "body",
                           text("--B\r\n\r\n--B--")),
                   "boundary");
    assert_round_trip(MESSAGE("content-type", text("multipart/mixed; boundary=B")));
}

static void odd_messages_go_round(void **state)
{
    (void)state;
    assert_round_trip(MESSAGE("a", text("")));
    assert_round_trip(MESSAGE("body", text("")));
    assert_round_trip(MESSAGE("body", NESTED("body", NESTED("body", text("x")))));
    assert_round_trip(MESSAGE("data", NESTED("body", text("x"), "y", text("z"))));
    assert_round_trip(MESSAGE("inline-body-key", text("k"), "k", text("v"), "body", text("b")));
    assert_round_trip(MESSAGE("inline-body-key", text("k"), "k", NESTED("a", text("v"))));
    assert_round_trip(MESSAGE("m", NESTED("n", NESTED("o", NESTED("p", text("q"))))));
    assert_round_trip(MESSAGE("k", text(": --B\t"), "m", NESTED("x", text(" spaces "))));
}

/* Of every length, so that memory behind a part's head is not touched. */
static void heads_of_parts_fit_exactly(void **state)
{
    char value[64], name[64];

    (void)state;
    for (size_t len = 1; len < 40; len++) {
        memset(value, 'v', len);
        value[len] = '\0';
        assert_round_trip(MESSAGE("m", NESTED("a", text("b"), "z", text(value))));
        memset(name, '\"', len);
        name[len] = '\0';
        if (len != 32)
            assert_round_trip(MESSAGE(name, NESTED("z", text(value))));
    }
}

static void deep_messages_are_a_limit_not_a_crash(void **state)
{
    ao_message *inner = MESSAGE("k", text("v"));

    (void)state;
    for (int i = 0; i < 100; i++)
        inner = MESSAGE("m", ao_message_value(inner));
    assert_round_trip(inner);
}

/* ---- Digests ---- */

static void digests_are_compared(void **state)
{
    static const char hello[] = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";
    static const char hello512[] = "sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/"
                                   "3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==:";
    ao_message *fields =
        MESSAGE("content-digest", text(hello), "body", text("hello"), "a", text("b"));
    ao_message *decoded = decode(fields);

    (void)state;
    assert_at(decoded, "body", "hello");
    assert_int_equal(ao_message_find_text(decoded, "content-digest").kind, AO_NONE);
    ao_message_unref(decoded);
    ao_message_unref(fields);
    fields = MESSAGE("content-digest", text(hello512), "body", text("hello"));
    ao_message_unref(decode(fields));
    ao_message_unref(fields);
    fields = MESSAGE("content-digest", text("md5=:AAAA:, crc=1"), "body", text("hello"));
    ao_message_unref(decode(fields));
    ao_message_unref(fields);

    assert_malformed(MESSAGE("content-digest", text(hello), "body", text("hellO")),
                     BEAMR_MESSAGE, "content-digest");
    assert_malformed(MESSAGE("content-digest", text(hello512), "body", text("hellO")),
                     BEAMR_MESSAGE, "content-digest");
    assert_malformed(MESSAGE("content-digest", text(hello)), BEAMR_MESSAGE, "content-digest");
    assert_malformed(MESSAGE("content-digest", text("sha-256=:LPJN:"), "body", text("hello")),
                     BEAMR_MESSAGE, "content-digest");
    assert_malformed(MESSAGE("content-digest", text("sha-256=1"), "body", text("hello")),
                     BEAMR_MESSAGE, "something else");
    assert_malformed(MESSAGE("content-digest", text("sha-256=:*:"), "body", text("hello")),
                     BEAMR_MESSAGE, "");
}

/* ---- Multipart bodies ---- */

static void parts_become_messages_and_binaries(void **state)
{
    ao_message *fields =
        multipart("preamble\r\n" PART("Content-Disposition: form-data; name=\"m/big\"", "large")
                      PART("x: 1\r\nno colon\r\n" NAMED("m") "\r\nY: 2",
                           "inner") "--B\r\n"
                                    "content-disposition: inline\r\nz: 3\r\n--B--\r\nepilogue");
    ao_message *decoded = decode(fields);

    (void)state;
    assert_at(decoded, "m/big", "large");
    assert_at(decoded, "m/x", "1");
    assert_at(decoded, "m/y", "2");
    assert_at(decoded, "m/body", "inner");
    assert_at(decoded, "body/z", "3");
    ao_message_unref(decoded);
    ao_message_unref(fields);
}

static void the_last_boundary_ends_the_body(void **state)
{
    /* Upstream readers stop at the first one, and the rest is lost. */
    ao_message *fields = multipart(PART(NAMED("a"), "x--B--y") "--B--");
    ao_message *decoded = decode(fields);

    (void)state;
    assert_at(decoded, "a", "x--B--y");
    ao_message_unref(decoded);
    ao_message_unref(fields);
}

static void other_content_types_are_no_parts(void **state)
{
    static const char *const types[] = {"text/plain",
                                        "text/html; charset=utf-8",
                                        "no (item",
                                        "multipart/form-data",
                                        "multipart/form-data; boundary=1",
                                        "multipart/form-data; boundary=\"\"",
                                        "multipart/form-data; boundary=\"a\r\n\""};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        ao_message *fields = MESSAGE("content-type", text(types[i]), "body", text("--\r\n"));
        ao_message *decoded = decode(fields);

        assert_at(decoded, "body", "--\r\n");
        assert_at(decoded, "content-type", types[i]);
        ao_message_unref(decoded);
        ao_message_unref(fields);
    }
}

static void broken_multipart_bodies_are_refused(void **state)
{
    static const struct {
        const char *body, *why;
    } cases[] = {
        {"nothing", "boundary"},
        {"--B", "boundary"},
        {"--B\r\n", "cut off"},
        {"--B\r\n--B--", "cut off"},
        {"--B\r\n" NAMED("a") "\r\n\r\nx", "cut off"},
        {"--B\r\n\r\n--B--", "without content-disposition"},
        {"--B\r\nx: y\r\n--B--", "without content-disposition"},
        {"--B\r\n\r\nx: y\r\n\r\n--B--", "without content-disposition"},
        {"--B\r\ncontent-disposition: form-data\r\n--B--", "without a name"},
        {"--B\r\ncontent-disposition: form-data;name=\"\"\r\n--B--", "without a name"},
        {"--B\r\ncontent-disposition: form-data;name=1\r\n--B--", "without a name"},
        {"--B\r\ncontent-disposition: form-data;name=\"a\r\n--B--", "cannot be read"},
        {"--B\r\n" NAMED("a") "\r\n" NAMED("b") "\r\n--B--", "two names"},
        {PART(NAMED("a"), "1") PART(NAMED("a"), "2") "--B--", "twice"},
        {PART(NAMED("a") "\r\nx: 1", "") PART(NAMED("a") "\r\nx: 2", "") "--B--", ""},
        {PART(NAMED("a") "\r\nx: 1\r\nX: 2", "") "--B--", ""},
        {PART(NAMED("a") "\r\nbody: 1", "2") "--B--", ""},
        {PART(NAMED("a"), "1") PART(NAMED("a/b"), "2") "--B--", ""},
        {PART(NAMED("a"), "1") PART(NAMED("a") "\r\nx: y", "") "--B--", ""},
        {PART(NAMED("/"), "1") "--B--", ""},
        {PART(NAMED("content-type"), "1") "--B--", "twice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_malformed(multipart(cases[i].body), BEAMR_MESSAGE, cases[i].why);
}

static void parts_of_one_name_are_one_message(void **state)
{
    ao_message *fields = multipart(PART(NAMED("a") "\r\nx: 1", "") PART(
        NAMED("A") "\r\ny: 2", "") PART(NAMED("a/z"), "3") "--B--");
    ao_message *decoded = decode(fields);

    (void)state;
    assert_at(decoded, "a/x", "1");
    assert_at(decoded, "a/y", "2");
    assert_at(decoded, "a/z", "3");
    ao_message_unref(decoded);
    ao_message_unref(fields);
}

static void private_keys_and_commitments_are_not_believed(void **state)
{
    ao_message *fields = multipart(
        PART(NAMED("priv/hashpath"), "x") PART(NAMED("m") "\r\nprivate: y\r\nok: 1", "")
            PART(NAMED("commitments/x") "\r\nalg: z", "") PART(NAMED("Private"), "p")
                PART(NAMED("content-digest"), "q") PART(NAMED("signature"), "r") "--B--");
    ao_message *decoded = decode(fields);

    (void)state;
    assert_at(decoded, "m/ok", "1");
    assert_int_equal(ao_message_find_text(decoded, "commitments").kind, AO_NONE);
    assert_int_equal(ao_message_find_text(decoded, "signature").kind, AO_NONE);
    assert_int_equal(ao_message_find_text(decoded, "content-digest").kind, AO_NONE);
    assert_int_equal(ao_private_find(decoded, "hashpath").kind, AO_NONE);
    ao_message_unref(decoded);
    ao_message_unref(fields);
    assert_malformed(MESSAGE("inline-body-key", text("priv"), "body", text("x")), BEAMR_MESSAGE,
                     "inline-body-key");
    assert_malformed(MESSAGE("inline-body-key", text("Commitments"), "body", text("x")),
                     BEAMR_MESSAGE, "inline-body-key");
    assert_malformed(MESSAGE("inline-body-key", text("a"), "a", text("b"), "body", text("x")),
                     BEAMR_MESSAGE, "");
}

static void ids_are_read_strictly(void **state)
{
    static const char id[] = "tAcRqIxwOXVvuKc4J-q-LA_loDRsp-ChBK3A_HZPUo0";
    char twice[128];

    (void)state;
    snprintf(twice, sizeof twice, "%s=\"v\"", id);
    assert_malformed(MESSAGE("ao-ids", text("path=\"x\"")), BEAMR_MESSAGE, "ao-ids");
    assert_malformed(MESSAGE("ao-ids", text("priv=\"x\"")), BEAMR_MESSAGE, "ao-ids");
    assert_malformed(MESSAGE("ao-ids", text("\"")), BEAMR_MESSAGE, "");
    assert_malformed(MESSAGE("ao-ids", text(twice), id, text("w")), BEAMR_MESSAGE, "");
    snprintf(twice, sizeof twice, "%s=:AAAA:", id);
    assert_malformed(MESSAGE("ao-ids", text(twice)), BEAMR_MESSAGE, "ao-ids");
}

static void other_values_than_binaries_are_no_fields(void **state)
{
    ao_message *out = NULL;
    beamr_error err = {0};

    (void)state;
    assert_malformed(MESSAGE("a", ao_integer(1)), BEAMR_MESSAGE, "`a`");
    assert_malformed(MESSAGE("a", NESTED("b", text("c"))), BEAMR_MESSAGE, "`a`");
    assert_int_equal(codec_httpsig.decode(NULL, ao_integer(1), &out, &err), BEAMR_MESSAGE);
}

/* ---- Sizes ---- */

/* `count` times `piece`, between two texts. */
static ao_message *repeated(const char *begin, const char *piece, size_t count, const char *end)
{
    size_t len = strlen(begin) + strlen(piece) * count + strlen(end);
    char *body = malloc(len + 1), *p = body;
    ao_message *fields;

    p += sprintf(p, "%s", begin);
    for (size_t i = 0; i < count; i++)
        p += sprintf(p, "%s", piece);
    sprintf(p, "%s", end);
    fields = multipart(body);
    free(body);
    return fields;
}

static void parts_have_a_limit(void **state)
{
    (void)state;
    assert_malformed(
        repeated("", PART(NAMED("a") "\r\nx: 1", ""), HTTPSIG_PARTS_MAX + 1, "--B--"),
        BEAMR_LIMIT, "parts");
}

static void names_have_a_depth(void **state)
{
    (void)state;
    assert_malformed(repeated("--B\r\ncontent-disposition: form-data;name=\"", "a/", 200,
                              "a\"\r\n\r\nx\r\n--B--"),
                     BEAMR_LIMIT, "");
}

/* The thread sanitizer looks at all that is left for each search: fewer there. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HOSTILE_PIECES 3000
#endif
#endif
#ifndef HOSTILE_PIECES
#define HOSTILE_PIECES 300000
#endif

static void hostile_bodies_end_soon(void **state)
{
    static const char *const pieces[] = {"\r\n--",   "\r\n--B", "--B\r\n",   "\r",   "\r\n",
                                         "a: b\r\n", ": ",      "\r\n--B\r", "--B--"};

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        ao_value fields = ao_message_value(repeated("--B\r\n", pieces[i], HOSTILE_PIECES, ""));
        ao_message *out = NULL;
        beamr_error err = {0};

        assert_int_not_equal(codec_httpsig.decode(NULL, fields, &out, &err), BEAMR_OK);
        ao_value_unref(fields);
        fields = ao_message_value(repeated("--B\r\n", pieces[i], HOSTILE_PIECES, "\r\n--B--"));
        beamr_error_clear(&err);
        if (codec_httpsig.decode(NULL, fields, &out, &err) == BEAMR_OK)
            ao_message_unref(out);
        ao_value_unref(fields);
    }
}

/* ---- Signatures that cannot be read ---- */

static void broken_signatures_are_refused(void **state)
{
    (void)state;
    assert_malformed(MESSAGE("signature", text("a=:AAAA:")), BEAMR_MESSAGE, "signature-input");
    assert_malformed(MESSAGE("signature-input", text("a=()")), BEAMR_MESSAGE, "signature");
    assert_malformed(MESSAGE("signature", text("a=:AAAA:"), "signature-input", text("b=()")),
                     BEAMR_MESSAGE, "signature-input");
    assert_malformed(MESSAGE("signature", text("a=:AAAA:"), "signature-input", text("a=1")),
                     BEAMR_MESSAGE, "signature-input");
    assert_malformed(MESSAGE("signature", text("a=1"), "signature-input", text("a=()")),
                     BEAMR_MESSAGE, "no bytes");
    assert_malformed(MESSAGE("signature", text("a=:*:"), "signature-input", text("a=()")),
                     BEAMR_MESSAGE, "");
}

/* They are components of signatures, and no keys of the message; its own keys stay. */
static void hashpaths_of_commitments_become_fields(void **state)
{
    static const char *const wanted[][2] = {{"a", "1"},         {"hashpath", "own"},
                                            {"hashpath1", "w"}, {"hashpath2", "x"},
                                            {"hashpath3", "y"}, {"z", "2"}};
    ao_message *message = MESSAGE("a", text("1"), "hashpath", text("own"), "z", text("2"));
    ao_message *all = MESSAGE(
        "c1", NESTED("hashpath1", text("v"), "hashpath3", text("y"), "b", text("no")), "c2",
        NESTED("hashpath", text("no"), "hashpath1", text("w"), "hashpath2", text("x")));
    httpsig_message encoded;
    arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    assert_int_equal(httpsig_encode_message(&a, message, HTTPSIG_ID, NULL, &encoded, NULL),
                     BEAMR_OK);
    assert_int_equal(httpsig_add_hashpaths(&a, message, all, &encoded, NULL), BEAMR_OK);
    assert_int_equal(encoded.count, sizeof wanted / sizeof wanted[0]);
    for (size_t i = 0; i < encoded.count; i++) {
        assert_true(text_is(encoded.fields[i].name, wanted[i][0]));
        assert_true(text_is(encoded.fields[i].value, wanted[i][1]));
    }
    arena_clear(&a);
    ao_message_unref(message);
    ao_message_unref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashpaths_of_commitments_become_fields),
        cmocka_unit_test(large_values_are_shared_both_ways),
        cmocka_unit_test(values_that_would_end_a_line_become_parts),
        cmocka_unit_test(a_content_type_is_not_lost_for_parts),
        cmocka_unit_test(lines_cannot_be_smuggled_into_parts),
        cmocka_unit_test(names_that_would_end_a_line_are_refused),
        cmocka_unit_test(slashes_in_names_of_parts_are_refused),
        cmocka_unit_test(names_of_parts_can_have_quotes),
        cmocka_unit_test(keys_that_are_ids_keep_their_case),
        cmocka_unit_test(binaries_that_would_be_read_as_parts_are_refused),
        cmocka_unit_test(odd_messages_go_round),
        cmocka_unit_test(heads_of_parts_fit_exactly),
        cmocka_unit_test(deep_messages_are_a_limit_not_a_crash),
        cmocka_unit_test(digests_are_compared),
        cmocka_unit_test(parts_become_messages_and_binaries),
        cmocka_unit_test(the_last_boundary_ends_the_body),
        cmocka_unit_test(other_content_types_are_no_parts),
        cmocka_unit_test(broken_multipart_bodies_are_refused),
        cmocka_unit_test(parts_of_one_name_are_one_message),
        cmocka_unit_test(private_keys_and_commitments_are_not_believed),
        cmocka_unit_test(ids_are_read_strictly),
        cmocka_unit_test(other_values_than_binaries_are_no_fields),
        cmocka_unit_test(parts_have_a_limit),
        cmocka_unit_test(names_have_a_depth),
        cmocka_unit_test(hostile_bodies_end_soon),
        cmocka_unit_test(broken_signatures_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
