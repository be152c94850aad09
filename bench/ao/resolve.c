/* Rows of resolving, changing and naming messages. */
#include "ao.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

static ao_message *message_of(ao_builder *builder)
{
    ao_message *message = NULL;
    beamr_error err = {0};

    check(ao_builder_end(builder, &message), &err);
    return message;
}

/* ---- Messages ---- */

static ao_message *numbered(int count)
{
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, NULL);
    for (int i = 0; i < count; i++) {
        char key[32], value[64];

        (void)snprintf(key, sizeof key, "key-%d", i);
        (void)snprintf(value, sizeof value, "the value of key number %d", i);
        ao_builder_put(&builder, key, ao_binary_text(value));
    }
    return message_of(&builder);
}

static ao_message *nested(void)
{
    static const char *const keys[] = {"d", "c", "b", "a"};
    ao_value value = ao_binary_text("deep");

    for (size_t i = 0; i < 4; i++) {
        ao_builder builder;

        ao_builder_begin(&builder, NULL, NULL, NULL);
        ao_builder_put(&builder, "other", ao_binary_text("something"));
        ao_builder_put(&builder, keys[i], value);
        value = ao_builder_value(&builder);
    }
    return ao_to_message(value);
}

static ao_message *small(int64_t slot)
{
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, NULL);
    ao_builder_put(&builder, "type", ao_binary_text("Message"));
    ao_builder_put(&builder, "variant", ao_binary_text("ao.N.1"));
    ao_builder_put(&builder, "action", ao_binary_text("Transfer"));
    ao_builder_put(&builder, "quantity", ao_binary_text("1000000"));
    ao_builder_put(&builder, "slot", ao_integer(slot));
    return message_of(&builder);
}

static ao_message *typical(void)
{
    ao_builder builder, inner;
    ao_value items[] = {ao_integer(1), ao_binary_text("two"), ao_float(3.5), ao_boolean(true)};

    ao_builder_begin(&inner, NULL, NULL, NULL);
    ao_builder_put(&inner, "name", ao_binary_text("a nested message"));
    ao_builder_put(&inner, "size", ao_integer(12));
    ao_builder_begin(&builder, NULL, NULL, NULL);
    for (int i = 0; i < 14; i++) {
        char key[32];

        (void)snprintf(key, sizeof key, "header-%d", i);
        ao_builder_put(&builder, key, ao_binary_text("a value as long as most of them are"));
    }
    ao_builder_put(&builder, "slot", ao_integer(42));
    ao_builder_put(&builder, "ratio", ao_float(0.25));
    ao_builder_put(&builder, "is-final", ao_boolean(true));
    ao_builder_put(&builder, "list", ao_list_new(items, 4));
    ao_builder_put(&builder, "inner", ao_builder_value(&inner));
    ao_builder_put(&builder, "data", ao_binary_text("some data that is sent along"));
    return message_of(&builder);
}

void messages_make(bench *b)
{
    ao_builder builder;
    ao_value encoded;
    beamr_error err = {0};

    b->bytes = malloc(LARGE_VALUE + 4096);
    b->copy = malloc(LARGE_VALUE + LARGE_VALUE / 2);
    need(b->bytes && b->copy, "no memory");
    for (size_t i = 0; i < LARGE_VALUE + 4096; i++)
        b->bytes[i] = (uint8_t)('a' + i % 23);
    b->small = small(7);
    b->ten = numbered(10);
    b->many = numbered(1000);
    b->nested = nested();
    b->typical = typical();
    ao_builder_begin(&builder, b->typical, NULL, NULL);
    ao_builder_put(&builder, "data", ao_binary_copy((beamr_bytes){b->bytes, LARGE_VALUE}));
    b->large = message_of(&builder);
    /* The text that is hashed holds each field once, and each name twice. */
    check(ao_encode(b->context, "flat@1.0", b->small, &encoded, &err), &err);
    b->small_len = ao_bytes(encoded).len + 100;
    ao_value_unref(encoded);
    for (int which = 0; which < CODECS * SIZES; which++) {
        ao_value *out = &b->encoded[which / SIZES][which % SIZES];
        const bench_row row = {.which = which};

        check(ao_encode(b->context, codec_names[which / SIZES],
                        which % SIZES == LARGE ? b->large : b->typical, out, &err),
              &err);
        b->encoded_len[which / SIZES][which % SIZES] = codec_len(b, &row);
    }
}

void messages_clear(bench *b)
{
    ao_message *const all[] = {b->small, b->ten, b->many, b->nested, b->typical, b->large};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ao_message_unref(all[i]);
    for (int which = 0; which < CODECS * SIZES; which++)
        ao_value_unref(b->encoded[which / SIZES][which % SIZES]);
    free(b->bytes);
    free(b->copy);
}

/* ---- Resolving ---- */

double run_find(bench *b, const bench_row *row, uint64_t n)
{
    double begin = processor_ns();

    (void)row;
    for (uint64_t i = 0; i < n; i++) {
        ao_value value = ao_value_ref(ao_message_find_text(b->ten, "key-5"));

        need(value.kind == AO_BINARY, "key-5 is missing");
        ao_value_unref(value);
    }
    return processor_ns() - begin;
}

double run_find_four(bench *b, const bench_row *row, uint64_t n)
{
    static const char *const keys[] = {"a", "b", "c", "d"};
    double begin = processor_ns();

    (void)row;
    for (uint64_t i = 0; i < n; i++) {
        const ao_message *message = b->nested;
        ao_value value = AO_NO_VALUE;

        for (size_t k = 0; k < 4; k++) {
            value = ao_message_find_text(message, keys[k]);
            message = ao_to_message(value);
        }
        need(value.kind == AO_BINARY, "a/b/c/d is missing");
        ao_value_unref(ao_value_ref(value));
    }
    return processor_ns() - begin;
}

static double resolve(bench *b, ao_message *message, const char *path, uint64_t n)
{
    ao_value base = ao_message_value(ao_message_ref(message)), request = ao_binary_text(path);
    beamr_error err = {0};
    double ns, begin = processor_ns();

    for (uint64_t i = 0; i < n; i++) {
        ao_result result;

        check(ao_resolve_on(b->context, base, request, NULL, &result, &err), &err);
        need(result.outcome == AO_OUTCOME_OK, path);
        ao_value_unref(result.value);
    }
    ns = processor_ns() - begin;
    ao_value_unref(request);
    ao_value_unref(base);
    return ns;
}

double run_key(bench *b, const bench_row *row, uint64_t n)
{
    (void)row;
    return resolve(b, b->ten, "key-5", n);
}

double run_path(bench *b, const bench_row *row, uint64_t n)
{
    (void)row;
    return resolve(b, b->nested, "a/b/c/d", n);
}

/* ---- Changing ---- */

/* What a message would do that copied its keys and values. */
double run_copy_values(bench *b, const bench_row *row, uint64_t n)
{
    size_t len = (size_t)row->which * (sizeof(void *) + sizeof(ao_value));
    double begin = processor_ns();

    for (uint64_t i = 0; i < n; i++) {
        memcpy(b->copy, b->bytes + i % 8, len);
        __asm__ volatile("" : : "r"(b->copy) : "memory");
    }
    return processor_ns() - begin;
}

static ao_message *of_count(bench *b, int count)
{
    return count == 10 ? b->ten : b->many;
}

double run_with(bench *b, const bench_row *row, uint64_t n)
{
    beamr_error err = {0};
    double begin = processor_ns();

    for (uint64_t i = 0; i < n; i++) {
        ao_message *next = NULL;

        check(ao_message_with(of_count(b, row->which), "key-5", ao_integer((int64_t)i), &next,
                              &err),
              &err);
        ao_message_unref(next);
    }
    return processor_ns() - begin;
}

double run_set(bench *b, const bench_row *row, uint64_t n)
{
    ao_value base = ao_message_value(ao_message_ref(of_count(b, row->which))), request;
    ao_builder builder;
    beamr_error err = {0};
    double ns, begin;

    ao_builder_begin(&builder, NULL, NULL, NULL);
    ao_builder_put(&builder, "path", ao_binary_text("set"));
    ao_builder_put(&builder, "key-5", ao_integer(5));
    request = ao_builder_value(&builder);
    begin = processor_ns();
    for (uint64_t i = 0; i < n; i++) {
        ao_result result;

        check(ao_resolve_on(b->context, base, request, NULL, &result, &err), &err);
        need(result.outcome == AO_OUTCOME_OK, "set");
        ao_value_unref(result.value);
    }
    ns = processor_ns() - begin;
    ao_value_unref(request);
    ao_value_unref(base);
    return ns;
}

/* ---- Ids ---- */

/* Ids are kept with their messages, so each has to be of a new one. */
double run_change(bench *b, const bench_row *row, uint64_t n)
{
    beamr_error err = {0};
    double begin = processor_ns();

    (void)row;
    for (uint64_t i = 0; i < n; i++) {
        ao_message *next = NULL;

        check(ao_message_with(b->small, "slot", ao_integer((int64_t)i), &next, &err), &err);
        ao_message_unref(next);
    }
    return processor_ns() - begin;
}

double run_id(bench *b, const bench_row *row, uint64_t n)
{
    beamr_error err = {0};
    double begin = processor_ns();

    (void)row;
    for (uint64_t i = 0; i < n; i++) {
        ao_message *next = NULL;
        char id[AO_ID_TEXT + 1];

        check(ao_message_with(b->small, "slot", ao_integer((int64_t)i), &next, &err), &err);
        check(ao_message_unsigned_id(b->context, next, id, &err), &err);
        ao_message_unref(next);
    }
    return processor_ns() - begin;
}

double run_sha256(bench *b, const bench_row *row, uint64_t n)
{
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    double ns, begin;

    (void)row;
    need(md && ctx, "SHA-256 is missing");
    begin = processor_ns();
    for (uint64_t i = 0; i < n; i++) {
        uint8_t digest[32];

        need(EVP_DigestInit_ex2(ctx, md, NULL) &&
                 EVP_DigestUpdate(ctx, b->bytes, b->small_len) &&
                 EVP_DigestFinal_ex(ctx, digest, NULL),
             "SHA-256 failed");
    }
    ns = processor_ns() - begin;
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    return ns;
}
