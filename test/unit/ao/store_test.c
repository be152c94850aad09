/* Messages come back from a store as they were, over each kind of store. Ids and signatures are
 * the codecs'; here a codec of the test's own makes ids of what a message holds, and takes a
 * commitment for valid if it says so. */
#define _GNU_SOURCE /* nftw */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "ao/internal.h"
#include "ao/link.h"
#include "ao/store.h"
#include "ao/store_keys.h"
#include "crypto/base64.h"
#include "crypto/sha256.h"

/* ---- A codec that makes ids ---- */

static void hash_message(const ao_message *message, uint8_t id[AO_ID_SIZE]);

static void hash_value(ao_value value, uint8_t id[AO_ID_SIZE])
{
    char text[AO_INTEGER_TEXT_SIZE];
    beamr_bytes bytes = ao_text(value);

    if (ao_value_load(value, &value, NULL) != BEAMR_OK)
        bytes = beamr_bytes_of("broken link");
    else if (value.kind == AO_MESSAGE) {
        hash_message(ao_to_message(value), id);
        return;
    } else if (value.kind == AO_INTEGER)
        bytes = ao_integer_text(value, text);
    else
        bytes = ao_text(value);
    assert_int_equal(crypto_sha256(bytes, id, NULL), BEAMR_OK);
}

/* The hash of the hashes of keys and values, without `commitments`. */
static void hash_message(const ao_message *message, uint8_t id[AO_ID_SIZE])
{
    uint8_t sum[3 * AO_ID_SIZE] = {0};
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;

    while (ao_message_next(message, &cursor, &key, &value)) {
        if (text_is(ao_name_text(key), "commitments"))
            continue;
        assert_int_equal(crypto_sha256(ao_name_text(key), sum + AO_ID_SIZE, NULL), BEAMR_OK);
        hash_value(value, sum + 2 * AO_ID_SIZE);
        assert_int_equal(crypto_sha256((beamr_bytes){sum, sizeof sum}, sum, NULL), BEAMR_OK);
    }
    memcpy(id, sum, AO_ID_SIZE);
}

static beamr_status test_id(ao_context *context, const ao_message *message,
                            uint8_t id[AO_ID_SIZE], beamr_error *err)
{
    (void)context;
    (void)err;
    hash_message(message, id);
    return BEAMR_OK;
}

static beamr_status test_verify(ao_context *context, const ao_message *message, beamr_bytes id,
                                const ao_message *commitment, bool *is_valid, const char **why,
                                beamr_error *err)
{
    (void)context;
    (void)message;
    (void)id;
    (void)err;
    *is_valid = ao_to_boolean(ao_message_find_text(commitment, "valid"));
    if (why)
        *why = "it does not say so";
    return BEAMR_OK;
}

static const ao_codec test_codec = {
    .name = "httpsig@1.0", .unsigned_id = test_id, .verify = test_verify};

/* ---- Contexts ---- */

typedef struct world {
    const char *kind;
    char folder[64];
    char name[128];
    ao_context *context;
} world;

static int remove_entry(const char *path, const struct stat *at, int type, struct FTW *where)
{
    (void)at;
    (void)type;
    (void)where;
    return remove(path);
}

static void world_open(world *w)
{
    ao_settings settings = {.kv = w->name};
    beamr_error err = {0};

    if (ao_context_make(&settings, &w->context, &err) != BEAMR_OK ||
        ao_context_add_codec(w->context, &test_codec, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    w->context->httpsig = &test_codec;
}

static void world_reopen(world *w)
{
    if (!strcmp(w->kind, "memory"))
        return;
    ao_context_free(w->context);
    world_open(w);
}

static int setup(void **state)
{
    static unsigned serial;
    world *w = (world *)calloc(1, sizeof *w);

    if (!w)
        return -1;
    w->kind = (const char *)*state;
    snprintf(w->folder, sizeof w->folder, "store_test.%d.%u", (int)getpid(), serial++);
    if (!strcmp(w->kind, "memory"))
        snprintf(w->name, sizeof w->name, "memory");
    else
        snprintf(w->name, sizeof w->name, "%s:%s", w->kind, w->folder);
    world_open(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = (world *)*state;

    ao_context_free(w->context);
    nftw(w->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(w);
    return 0;
}

/* ---- Messages ---- */

static beamr_bytes text(const char *chars)
{
    return beamr_bytes_of(chars);
}

static ao_value large_binary(char fill)
{
    char *bytes = (char *)malloc(5000);
    ao_value value;

    assert_non_null(bytes);
    memset(bytes, fill, 5000);
    value = ao_binary_copy((beamr_bytes){(uint8_t *)bytes, 5000});
    free(bytes);
    return value;
}

static ao_message *end(ao_builder *b)
{
    ao_message *message;

    assert_int_equal(ao_builder_end(b, &message), BEAMR_OK);
    return message;
}

static ao_value small(const char *key, const char *value)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, key, ao_binary_text(value));
    return ao_builder_value(&b);
}

static ao_value integer_of(const char *digits)
{
    ao_value value;

    assert_int_equal(ao_integer_read(text(digits), &value, NULL), BEAMR_OK);
    return value;
}

/* One of everything that is stored. */
static ao_message *sample(void)
{
    const uint8_t zero[] = {'a', 0, 0xff};
    ao_builder b, inner;
    ao_value items[6] = {ao_integer(-1),      ao_binary_text(""), ao_atom("true"),
                         small("in", "list"), large_binary('l'),  ao_list_new(NULL, 0)};

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "binary", ao_binary_copy((beamr_bytes){zero, 3}));
    ao_builder_put(&b, "empty", ao_binary_text(""));
    ao_builder_put(&b, "integer", ao_integer(INT64_MIN));
    ao_builder_put(&b, "largest", ao_integer(INT64_MAX));
    ao_builder_put(&b, "big", integer_of("-123456789012345678901234567890"));
    ao_builder_put(&b, "float", ao_float(-0.5e-300));
    ao_builder_put(&b, "zero", ao_float(-0.0));
    ao_builder_put(&b, "atom", ao_atom("Some Atom"));
    ao_builder_put(&b, "text", ao_binary_text("true"));
    ao_builder_put(&b, "list", ao_list_new(items, 6));
    ao_builder_put(&b, "large", large_binary('x'));
    ao_builder_put(&b, "nothing", ao_message_value(ao_message_ref(ao_message_empty())));
    ao_builder_begin(&inner, NULL, NULL, NULL);
    ao_builder_put(&inner, "deeper", small("key", "value"));
    ao_builder_put(&inner, "large", large_binary('y'));
    ao_builder_put(&b, "inner", ao_builder_value(&inner));
    ao_builder_put(&b, "priv", small("secret", "state"));
    return end(&b);
}

/* Equal, with links loaded. */
static void assert_same(ao_value a, ao_value b);

static void assert_same_keys(const ao_message *a, const ao_message *b)
{
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;

    assert_int_equal(ao_message_count(a), ao_message_count(b));
    while (ao_message_next(a, &cursor, &key, &value))
        assert_same(value, ao_message_find(b, ao_name_text(key)));
}

static void assert_same(ao_value a, ao_value b)
{
    beamr_error err = {0};

    if (ao_value_load(a, &a, &err) != BEAMR_OK || ao_value_load(b, &b, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(a.kind, b.kind);
    if (a.kind == AO_MESSAGE)
        assert_same_keys(ao_to_message(a), ao_to_message(b));
    else if (a.kind == AO_LIST) {
        assert_int_equal(ao_list_count(a), ao_list_count(b));
        for (size_t i = 0; i < ao_list_count(a); i++)
            assert_same(ao_list_at(a, i), ao_list_at(b, i));
    } else if (a.kind == AO_FLOAT)
        assert_memory_equal(&a.of.number, &b.of.number, sizeof a.of.number);
    else
        assert_true(ao_value_equal(a, b));
}

static void write_message(world *w, const ao_message *message, char id[AO_ID_TEXT + 1])
{
    beamr_error err = {0};

    if (ao_store_message(w->context, message, id, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
}

static ao_message *load(world *w, const char *id)
{
    beamr_error err = {0};
    ao_message *message;

    if (ao_load_message(w->context, text(id), &message, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return message;
}

static void message_comes_back(void **state)
{
    world *w = (world *)*state;
    ao_message *message = sample(), *back, *again;
    char id[AO_ID_TEXT + 1], wanted[AO_ID_TEXT + 1], second[AO_ID_TEXT + 1];
    uint8_t bytes[AO_ID_SIZE];

    write_message(w, message, id);
    assert_int_equal(ao_message_unsigned_id(w->context, message, wanted, NULL), BEAMR_OK);
    assert_string_equal(id, wanted);
    world_reopen(w);
    back = load(w, id);
    assert_same_keys(message, back);
    assert_int_equal(ao_message_find_text(back, "priv").kind, AO_NONE);
    assert_int_equal(ao_private_find(back, "secret").kind, AO_NONE);
    assert_int_equal(ao_message_find_text(back, "inner").kind, AO_LINK);
    assert_int_equal(ao_message_find_text(back, "large").kind, AO_LINK);
    assert_true(crypto_id_bytes(text(id), bytes)); /* the other form of an id */
    assert_int_equal(
        ao_load_message(w->context, (beamr_bytes){bytes, sizeof bytes}, &again, NULL),
        BEAMR_OK);
    write_message(w, again, second); /* with links that nobody has loaded */
    assert_string_equal(id, second);
    assert_same_keys(message, again);
    ao_message_unref(again);
    ao_message_unref(back);
    ao_message_unref(message);
}

static void parts_have_ids_of_their_own(void **state)
{
    world *w = (world *)*state;
    ao_value inner = small("key", "value"), value;
    ao_message *message = sample();
    char id[AO_ID_TEXT + 1], part[AO_ID_TEXT + 1];
    uint8_t digest[AO_ID_SIZE], bytes[100];
    ao_value large = large_binary('y');
    size_t len;
    uint64_t total;

    write_message(w, message, id);
    assert_int_equal(ao_message_unsigned_id(w->context, ao_to_message(inner), part, NULL),
                     BEAMR_OK);
    assert_int_equal(ao_store_read(w->context, text(part), &value, NULL), BEAMR_OK);
    assert_same(value, inner);
    ao_value_unref(value);
    assert_int_equal(crypto_sha256(ao_bytes(large), digest, NULL), BEAMR_OK);
    crypto_id_text(digest, part);
    assert_int_equal(ao_store_read(w->context, text(part), &value, NULL), BEAMR_OK);
    assert_true(ao_value_equal(value, large));
    assert_int_equal(
        ao_store_read_part(w->context, text(part), 4990, bytes, 100, &len, &total, NULL),
        BEAMR_OK);
    assert_int_equal(len, 10);
    assert_int_equal(total, 5000);
    ao_value_unref(value);
    ao_value_unref(large);
    ao_value_unref(inner);
    ao_message_unref(message);
}

static void what_is_not_there_is_not_found(void **state)
{
    world *w = (world *)*state;
    ao_value value;
    beamr_error err = {0};
    char id[AO_ID_TEXT + 1];
    ao_message *message;

    memset(id, 'A', AO_ID_TEXT);
    id[AO_ID_TEXT] = '\0';
    assert_int_equal(ao_store_read(w->context, text(id), &value, &err), BEAMR_NOT_FOUND);
    assert_non_null(strstr(err.text, id));
    assert_int_equal(ao_store_read(w->context, text(""), &value, NULL), BEAMR_NOT_FOUND);
    assert_int_equal(ao_store_read_path(w->context, text("//"), &value, NULL), BEAMR_NOT_FOUND);
    assert_int_equal(ao_load_message(w->context, text("no such name"), &message, NULL),
                     BEAMR_NOT_FOUND);
    assert_int_equal(ao_store_list(w->context, text("no"), &value, NULL), BEAMR_NOT_FOUND);
    assert_int_equal(ao_store_list(w->context, text(""), &value, NULL), BEAMR_NOT_FOUND);
}

/* ---- Paths and names ---- */

static void assert_path(world *w, const char *path, const char *wanted)
{
    ao_value value;
    beamr_error err = {0};

    if (ao_store_read_path(w->context, text(path), &value, &err) != BEAMR_OK)
        fail_msg("%s: %s", path, err.text);
    assert_true(text_is(ao_bytes(value), wanted));
    ao_value_unref(value);
}

static void add_name(world *w, const char *name, const char *target)
{
    kv_batch *batch;
    beamr_error err = {0};

    assert_int_equal(kv_batch_new(w->context->kv, &batch, &err), BEAMR_OK);
    ao_store_add_name(batch, text(name), text(target));
    if (kv_batch_commit(batch, NULL, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
}

static void paths_lead_into_messages(void **state)
{
    world *w = (world *)*state;
    ao_message *message = sample();
    char id[AO_ID_TEXT + 1], path[200];
    ao_value value;

    write_message(w, message, id);
    snprintf(path, sizeof path, "/%s/inner/deeper/key/", id);
    assert_path(w, path, "value");
    snprintf(path, sizeof path, "%s/INNER//deeper/key", id);
    assert_path(w, path, "value");
    snprintf(path, sizeof path, "%s/list/4/in", id);
    assert_path(w, path, "list");
    snprintf(path, sizeof path, "%s/inner/none", id);
    assert_int_equal(ao_store_read_path(w->context, text(path), &value, NULL), BEAMR_NOT_FOUND);
    snprintf(path, sizeof path, "%s/text/x", id);
    assert_int_not_equal(ao_store_read_path(w->context, text(path), &value, NULL), BEAMR_OK);
    add_name(w, "latest", id);
    add_name(w, "a/b/c", "latest/inner");
    add_name(w, "a/b", "latest");
    add_name(w, "long", "a/b/c/deeper");
    assert_path(w, "latest/text", "true");
    assert_path(w, "a/b/text", "true");
    assert_path(w, "a/b/c/deeper/key", "value");
    assert_path(w, "long/key", "value");
    assert_int_equal(ao_store_read(w->context, text("long"), &value, NULL), BEAMR_OK);
    assert_int_equal(value.kind, AO_MESSAGE);
    ao_value_unref(value);
    ao_message_unref(message);
}

static void circles_of_names_end(void **state)
{
    world *w = (world *)*state;
    ao_value value;
    beamr_error err = {0};

    add_name(w, "a", "b");
    add_name(w, "b", "c");
    add_name(w, "c", "a");
    add_name(w, "grows", "grows/more");
    assert_int_equal(ao_store_read(w->context, text("a"), &value, &err), BEAMR_MESSAGE);
    assert_non_null(strstr(err.text, "names lead to each other"));
    assert_int_equal(ao_store_read_path(w->context, text("b/x/y"), &value, NULL),
                     BEAMR_MESSAGE);
    assert_int_equal(ao_store_read(w->context, text("grows"), &value, NULL), BEAMR_MESSAGE);
    add_name(w, "c", "nowhere");
    assert_int_equal(ao_store_read(w->context, text("a"), &value, NULL), BEAMR_NOT_FOUND);
}

static void assert_listed(world *w, const char *path, const char *wanted)
{
    char found[256] = "";
    ao_value list;

    assert_int_equal(ao_store_list(w->context, text(path), &list, NULL), BEAMR_OK);
    for (size_t i = 0; i < ao_list_count(list); i++) {
        beamr_bytes item = ao_bytes(ao_list_at(list, i));

        snprintf(found + strlen(found), sizeof found - strlen(found), "%.*s ", (int)item.len,
                 (const char *)item.data);
    }
    assert_string_equal(found, wanted);
    ao_value_unref(list);
}

static void keys_and_names_are_listed(void **state)
{
    world *w = (world *)*state;
    ao_message *message = ao_to_message(small("key", "value"));
    char id[AO_ID_TEXT + 1];

    write_message(w, message, id);
    assert_listed(w, id, "key ");
    add_name(w, "slots/1", id);
    add_name(w, "slots/2/x", id);
    add_name(w, "slots/2-", id);
    add_name(w, "slots/2", id);
    add_name(w, "slot", id);
    assert_listed(w, "", "slot slots ");
    assert_listed(w, "slots", "1 2 2- ");
    assert_listed(w, "/slots/1", "key ");
    ao_message_unref(message);
}

/* ---- Commitments ---- */

static ao_value commitment(const char *committer, bool is_valid)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "commitment-device", ao_binary_text("httpsig@1.0"));
    if (committer)
        ao_builder_put(&b, "committer", ao_binary_text(committer));
    ao_builder_put(&b, "valid", ao_boolean(is_valid));
    ao_builder_put(&b, "signature", large_binary('s'));
    ao_builder_put(&b, "more", small("nested", "in it"));
    return ao_builder_value(&b);
}

static void id_of(char fill, char id[AO_ID_TEXT + 1])
{
    memset(id, fill, AO_ID_TEXT - 1);
    id[AO_ID_TEXT - 1] = 'A'; /* bits that are no part of the id are zero */
    id[AO_ID_TEXT] = '\0';
}

/* {key: value, commitments: {id: commitment}} */
static ao_message *signed_message(const char *value, const char *id, bool is_valid)
{
    ao_value inner = small("key", value);
    ao_builder b, commitments;

    ao_builder_begin(&commitments, NULL, NULL, NULL);
    ao_builder_put(&commitments, id, commitment("somebody", is_valid));
    ao_builder_begin(&b, ao_to_message(inner), NULL, NULL);
    ao_builder_put(&b, "commitments", ao_builder_value(&commitments));
    ao_value_unref(inner);
    return end(&b);
}

static void signed_message_comes_back(void **state)
{
    world *w = (world *)*state;
    char signed_id[AO_ID_TEXT + 1], id[AO_ID_TEXT + 1];
    ao_message *message, *back;

    id_of('s', signed_id);
    message = signed_message("value", signed_id, true);
    write_message(w, message, id);
    world_reopen(w);
    back = load(w, id);
    assert_same_keys(message, back);
    assert_int_equal(ao_message_find_text(back, "commitments").kind, AO_MESSAGE);
    ao_message_unref(back);
    back = load(w, signed_id);
    assert_same_keys(message, back);
    ao_message_unref(back);
    ao_message_unref(message);
}

static void nested_signature_comes_back(void **state)
{
    world *w = (world *)*state;
    char signed_id[AO_ID_TEXT + 1], id[AO_ID_TEXT + 1], path[128];
    ao_message *message, *back;
    ao_builder b;

    id_of('s', signed_id);
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "body", ao_message_value(signed_message("value", signed_id, true)));
    message = end(&b);
    write_message(w, message, id);
    world_reopen(w);
    back = load(w, id);
    assert_same_keys(message, back);
    ao_message_unref(back);
    back = load(w, signed_id);
    assert_int_equal(ao_message_count(back), 2);
    ao_message_unref(back);
    snprintf(path, sizeof path, "%s/body/commitments/%s/committer", id, signed_id);
    assert_path(w, path, "somebody");
    ao_message_unref(message);
}

static void several_commitments_have_a_joined_id(void **state)
{
    world *w = (world *)*state;
    char first[AO_ID_TEXT + 1], second[AO_ID_TEXT + 1], id[AO_ID_TEXT + 1];
    ao_builder b, commitments;
    ao_message *message, *back;

    id_of('f', first);
    id_of('g', second);
    ao_builder_begin(&commitments, NULL, NULL, NULL);
    ao_builder_put(&commitments, first, commitment("one", true));
    ao_builder_put(&commitments, second, commitment("two", true));
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "commitments", ao_builder_value(&commitments));
    message = end(&b);
    write_message(w, message, id);
    assert_int_equal(ao_message_id(w->context, message, id, NULL), BEAMR_OK);
    back = load(w, id);
    assert_same_keys(message, back);
    ao_message_unref(back);
    ao_message_unref(message);
}

/* Somebody stores another message that claims the same commitment. */
static void forged_commitment_takes_over_nothing(void **state)
{
    world *w = (world *)*state;
    char signed_id[AO_ID_TEXT + 1], id[AO_ID_TEXT + 1], unsigned_id[AO_ID_TEXT + 1];
    ao_message *real, *forged, *back;

    id_of('s', signed_id);
    forged = signed_message("forged", signed_id, false);
    write_message(w, forged, id);
    assert_int_equal(ao_load_message(w->context, text(signed_id), &back, NULL),
                     BEAMR_NOT_FOUND);
    back = load(w, id); /* it is stored, under its own id */
    assert_same_keys(forged, back);
    ao_message_unref(back);
    real = signed_message("value", signed_id, true);
    write_message(w, real, unsigned_id);
    write_message(w, forged, id);
    back = load(w, signed_id);
    assert_same_keys(real, back);
    ao_message_unref(back);
    ao_message_unref(forged);
    forged = signed_message("value", signed_id, false); /* the same contents */
    write_message(w, forged, id);
    assert_string_equal(id, unsigned_id);
    back = load(w, unsigned_id);
    assert_same_keys(real, back);
    ao_message_unref(back);
    ao_message_unref(forged);
    ao_message_unref(real);
}

static void commitments_that_are_none_are_a_value(void **state)
{
    world *w = (world *)*state;
    ao_message *message = ao_to_message(small("commitments", "some text")), *back;
    char id[AO_ID_TEXT + 1];

    write_message(w, message, id);
    back = load(w, id);
    assert_same_keys(message, back);
    ao_message_unref(back);
    ao_message_unref(message);
}

/* ---- Results ---- */

static void result_is_found_by_its_hashpath(void **state)
{
    world *w = (world *)*state;
    ao_value base = small("base", "1"), request = small("path", "x"), value;
    ao_value result = small("result", "2"), binary = large_binary('r');
    char id[AO_ID_TEXT + 1];
    beamr_error err = {0};

    assert_int_equal(ao_store_find_result(w->context, text("base/x"), &value, NULL),
                     BEAMR_NOT_FOUND);
    if (ao_store_write_result(w->context, base, request, text("base/x"), result, &err) ||
        ao_store_write_result(w->context, AO_NO_VALUE, ao_list_at(base, 0), text("base/y"),
                              binary, &err))
        fail_msg("%s", err.text);
    assert_int_equal(ao_store_find_result(w->context, text("base/x"), &value, NULL), BEAMR_OK);
    assert_same(value, result);
    ao_value_unref(value);
    assert_int_equal(ao_store_find_result(w->context, text("base/y"), &value, NULL), BEAMR_OK);
    assert_same(value, binary);
    ao_value_unref(value);
    assert_int_equal(ao_message_unsigned_id(w->context, ao_to_message(base), id, NULL),
                     BEAMR_OK);
    assert_int_equal(ao_store_read(w->context, text(id), &value, NULL), BEAMR_OK);
    ao_value_unref(value);
    ao_value_unref(base);
    ao_value_unref(request);
    ao_value_unref(result);
    ao_value_unref(binary);
}

/* ---- Failures ---- */

static void forms_are_refused_by_name(void **state)
{
    world *w = (world *)*state;
    char id[AO_ID_TEXT + 1];
    beamr_error err = {0};
    ao_value number = ao_integer(1);
    ao_message *message;
    ao_builder b;

    assert_int_equal(ao_store_write(w->context, number, id, &err), BEAMR_ARGUMENT);
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "fine", ao_integer(1));
    ao_builder_put(&b, "odd", ao_resolve_form(ao_list_new(NULL, 0)));
    message = end(&b);
    beamr_error_clear(&err);
    assert_int_equal(ao_store_message(w->context, message, id, &err), BEAMR_ENCODING);
    assert_non_null(strstr(err.text, "`odd`"));
    ao_message_unref(message);
}

static void context_without_store_says_so(void **state)
{
    ao_context *context;
    beamr_error err = {0};
    ao_value value;
    char id[AO_ID_TEXT + 1];

    (void)state;
    assert_int_equal(ao_context_make(NULL, &context, NULL), BEAMR_OK);
    assert_int_equal(ao_store_message(context, ao_message_empty(), id, &err), BEAMR_ARGUMENT);
    assert_int_equal(ao_store_read(context, text("x"), &value, NULL), BEAMR_ARGUMENT);
    ao_context_free(context);
}

static bool see_first_record(void *user, beamr_bytes key)
{
    store_key *out = (store_key *)user;

    out->len = key.len;
    memcpy(out->bytes, key.data, key.len);
    return false;
}

static beamr_status see_bytes(void *user, beamr_bytes value, beamr_error *err)
{
    uint8_t *copy = (uint8_t *)user;

    (void)err;
    memcpy(copy, value.data, value.len);
    copy[4]++;
    copy[255] = (uint8_t)value.len;
    return BEAMR_OK;
}

static void damaged_record_is_refused(void **state)
{
    world *w = (world *)*state;
    ao_message *message = ao_to_message(small("key", "value")), *back;
    char id[AO_ID_TEXT + 1];
    beamr_error err = {0};
    uint8_t copy[256];
    store_key key;

    write_message(w, message, id);
    assert_int_equal(
        kv_list(w->context->kv, text("r/"), text(""), 1, see_first_record, &key, NULL),
        BEAMR_OK);
    assert_int_equal(kv_get(w->context->kv, store_key_bytes(&key), see_bytes, copy, NULL),
                     BEAMR_OK);
    assert_int_equal(
        kv_put(w->context->kv, store_key_bytes(&key), (beamr_bytes){copy, copy[255]}, NULL),
        BEAMR_OK);
    assert_int_equal(ao_load_message(w->context, text(id), &back, &err), BEAMR_MESSAGE);
    assert_non_null(strstr(err.text, "damaged"));
    ao_message_unref(message);
}

static beamr_status keep_bytes(void *user, beamr_bytes value, beamr_error *err)
{
    (void)err;
    *(ao_value *)user = ao_binary_copy(value);
    return BEAMR_OK;
}

/* The hash of both is the same, but not what stands there. */
static void the_bytes_of_a_record_are_a_binary(void **state)
{
    enum { MANY = 200 }; /* so that the record is stored apart when it is a value */
    world *w = (world *)*state;
    char first[AO_ID_TEXT + 1], second[AO_ID_TEXT + 1], name[16];
    ao_message *many, *holder, *back;
    ao_value bytes = AO_NO_VALUE, value;
    ao_builder builder;
    store_key key;

    ao_builder_begin(&builder, NULL, NULL, NULL);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "key-%d", i);
        ao_builder_put(&builder, name, ao_integer(i));
    }
    assert_int_equal(ao_builder_end(&builder, &many), BEAMR_OK);
    write_message(w, many, first);
    assert_int_equal(
        kv_list(w->context->kv, text("r/"), text(""), 1, see_first_record, &key, NULL),
        BEAMR_OK);
    assert_int_equal(kv_get(w->context->kv, store_key_bytes(&key), keep_bytes, &bytes, NULL),
                     BEAMR_OK);
    assert_true(ao_bytes(bytes).len > AO_STORE_INLINE_MAX);
    assert_int_equal(ao_message_with(many, "copy", ao_value_ref(bytes), &holder, NULL),
                     BEAMR_OK);
    write_message(w, holder, second);
    back = load(w, second);
    assert_int_equal(ao_message_get(back, text("copy"), &value, NULL), BEAMR_OK);
    assert_true(ao_value_equal(value, bytes));
    ao_message_unref(back);
    ao_message_unref(holder);
    ao_message_unref(many);
    ao_value_unref(bytes);
}

/* ---- All of them ---- */

#define EACH(X)                                                                                \
    X(message_comes_back)                                                                      \
    X(parts_have_ids_of_their_own)                                                             \
    X(what_is_not_there_is_not_found)                                                          \
    X(paths_lead_into_messages)                                                                \
    X(circles_of_names_end)                                                                    \
    X(keys_and_names_are_listed)                                                               \
    X(signed_message_comes_back)                                                               \
    X(nested_signature_comes_back)                                                             \
    X(several_commitments_have_a_joined_id)                                                    \
    X(forged_commitment_takes_over_nothing)                                                    \
    X(commitments_that_are_none_are_a_value)                                                   \
    X(result_is_found_by_its_hashpath)                                                         \
    X(forms_are_refused_by_name)                                                               \
    X(the_bytes_of_a_record_are_a_binary)                                                      \
    X(damaged_record_is_refused)

#define LMDB_TEST(name) {"lmdb: " #name, name, setup, teardown, (void *)"lmdb"},
#define FILES_TEST(name) {"files: " #name, name, setup, teardown, (void *)"files"},
#define MEMORY_TEST(name) {"memory: " #name, name, setup, teardown, (void *)"memory"},

int main(void)
{
    static const struct CMUnitTest tests[] = {EACH(LMDB_TEST) EACH(FILES_TEST) EACH(
        MEMORY_TEST) cmocka_unit_test(context_without_store_says_so)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
