/* Messages at random, through every codec and back, and from every codec through every other.
 * A codec gives the same message back or refuses it as BEAMR_ENCODING (or BEAMR_LIMIT); which
 * differences are none is written at same_message(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ao_generator.h"
#include "codec/codecs.h"
#include "unit/ao/wallet_key.h"

enum { MESSAGES = 4000, PLAIN_MESSAGES = 500, SIGNED_MESSAGES = 60, CODECS = 5 };

typedef struct subject {
    const ao_codec *codec;
    unsigned refused_max; /* per cent of messages with something hard in them */
} subject;

/* json and ans104 must refuse keys, json all bytes too, that are no UTF-8; flat and httpsig
 * what would be read as another line or path. */
static const subject subjects[CODECS] = {
    {&codec_structured, 0}, {&codec_httpsig, 20}, {&codec_flat, 40},
    {&codec_json, 35},      {&codec_ans104, 10},
};

/* What httpsig tells of the form of an HTTP message, and which matching leaves out. */
static const char *const of_http[] = {"content-type", "body-keys", "inline-body-key"};

/* A message without the keys that httpsig added. */
static ao_message *without_http(const ao_message *message, const ao_message *before)
{
    ao_message *out = NULL;
    ao_builder builder;

    ao_builder_begin(&builder, message, NULL, NULL);
    for (size_t i = 0; i < sizeof of_http / sizeof of_http[0]; i++)
        if (ao_message_find_text(before, of_http[i]).kind == AO_NONE)
            ao_builder_remove(&builder, beamr_bytes_of(of_http[i]));
    assert_int_equal(ao_builder_end(&builder, &out), BEAMR_OK);
    return out;
}

static bool same_message(const ao_message *actual, const ao_message *expected)
{
    ao_message *stripped = without_http(actual, expected);
    bool is_same =
        ao_value_equal((ao_value){.kind = AO_MESSAGE, .of.message = stripped},
                       (ao_value){.kind = AO_MESSAGE, .of.message = (ao_message *)expected});

    ao_message_unref(stripped);
    return is_same;
}

/* Through a codec and back.  NULL: refused */
static ao_message *pass(const ao_codec *codec, const ao_message *message, uint64_t seed)
{
    ao_value encoded = AO_NO_VALUE;
    ao_message *out = NULL;
    beamr_error err = {0};
    beamr_status st = codec->encode(NULL, message, &encoded, &err);

    if (st == BEAMR_ENCODING || st == BEAMR_LIMIT) {
        assert_true(err.status == st && err.text[0]);
        return NULL;
    }
    if (st != BEAMR_OK)
        fail_msg("seed %llu: %s does not encode: %s", (unsigned long long)seed, codec->name,
                 err.text);
    if (codec->decode(NULL, encoded, &out, &err) != BEAMR_OK)
        fail_msg("seed %llu: %s does not read what it wrote: %s", (unsigned long long)seed,
                 codec->name, err.text);
    ao_value_unref(encoded);
    return out;
}

static void assert_same(const ao_message *actual, const ao_message *expected, uint64_t seed,
                        const char *codec)
{
    char path[AO_MATCH_PATH_SIZE] = "";

    if (same_message(actual, expected))
        return;
    (void)ao_message_match(actual, expected, AO_MATCH_STRICT, path);
    fail_msg("seed %llu: %s changed the message at `%s`", (unsigned long long)seed, codec,
             path);
}

static void assert_same_id(const ao_message *a, const ao_message *b, uint64_t seed,
                           const char *codec)
{
    uint8_t id[AO_ID_SIZE], other[AO_ID_SIZE];
    beamr_error err = {0}, other_err = {0};
    ao_message *stripped = without_http(b, a);
    beamr_status st = codec_httpsig.unsigned_id(NULL, a, id, &err);

    assert_int_equal(st, codec_httpsig.unsigned_id(NULL, stripped, other, &other_err));
    if (st == BEAMR_OK && memcmp(id, other, sizeof id) != 0)
        fail_msg("seed %llu: %s changed the id", (unsigned long long)seed, codec);
    ao_message_unref(stripped);
}

static void every_codec_gives_a_message_back_or_refuses_it(void **state)
{
    unsigned refused[CODECS] = {0};

    (void)state;
    for (uint64_t seed = 0; seed < MESSAGES; seed++) {
        ao_message *message = generate_message(seed, GENERATE_SOME);

        for (size_t i = 0; i < CODECS; i++) {
            const char *name = subjects[i].codec->name;
            ao_message *back = pass(subjects[i].codec, message, seed);

            refused[i] += !back;
            if (!back)
                continue;
            assert_same(back, message, seed, name);
            assert_same_id(message, back, seed, name);
            ao_message_unref(back);
        }
        ao_message_unref(message);
    }
    for (size_t i = 0; i < CODECS; i++) {
        print_message("%s refused %u of %d\n", subjects[i].codec->name, refused[i], MESSAGES);
        assert_true(refused[i] * 100 <= subjects[i].refused_max * MESSAGES);
    }
}

static void messages_of_plain_texts_are_never_refused(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < PLAIN_MESSAGES; seed++) {
        ao_message *message = generate_message(seed, GENERATE_NUMBERS | GENERATE_UNICODE);

        for (size_t i = 0; i < CODECS; i++) {
            ao_message *back = pass(subjects[i].codec, message, seed);

            if (!back)
                fail_msg("seed %llu: %s refused", (unsigned long long)seed,
                         subjects[i].codec->name);
            ao_message_unref(back);
        }
        ao_message_unref(message);
    }
}

static void what_one_codec_read_the_others_write(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < MESSAGES / 2; seed++) {
        ao_message *message = generate_message(seed, GENERATE_SOME);
        const subject *first = &subjects[seed % CODECS];
        ao_message *once = pass(first->codec, message, seed), *plain;

        if (!once) {
            ao_message_unref(message);
            continue;
        }
        plain = without_http(once, message);
        for (size_t i = 0; i < CODECS; i++) {
            ao_message *twice = pass(subjects[i].codec, plain, seed);
            ao_message *direct = pass(subjects[i].codec, message, seed);

            assert_int_equal(twice == NULL, direct == NULL);
            if (twice)
                assert_same(twice, message, seed, subjects[i].codec->name);
            ao_message_unref(twice);
            ao_message_unref(direct);
        }
        ao_message_unref(plain);
        ao_message_unref(once);
        ao_message_unref(message);
    }
}

static void defaults_of_transactions_are_dropped(void **state)
{
    ao_message *message = NULL;

    (void)state;
    assert_int_equal(
        ao_message_with(ao_message_empty(), "reward", ao_integer(0), &message, NULL), BEAMR_OK);
    for (size_t i = 0; i < CODECS; i++) {
        ao_message *back = pass(subjects[i].codec, message, 0);

        assert_int_equal(ao_message_count(back), 0);
        ao_message_unref(back);
    }
    ao_message_unref(message);
}

/* ---- Signed messages ---- */

static const char wallet_text[] =
    "{\"kty\":\"RSA\",\"n\":\"" WALLET_N "\",\"e\":\"" WALLET_E "\",\"d\":\"" WALLET_D
    "\",\"p\":\"" WALLET_P "\",\"q\":\"" WALLET_Q "\",\"dp\":\"" WALLET_DP
    "\",\"dq\":\"" WALLET_DQ "\",\"qi\":\"" WALLET_QI "\"}";

static bool verifies(const ao_codec *signer, const ao_message *message)
{
    const ao_message *all = ao_to_message(ao_message_find_text(message, "commitments"));
    bool is_valid = all != NULL;
    ao_cursor cursor = {0};
    const ao_name *id;
    ao_value one;

    while (is_valid && ao_message_next(all, &cursor, &id, &one)) {
        const char *why = NULL;

        assert_int_equal(signer->verify(NULL, message, ao_name_text(id), ao_to_message(one),
                                        &is_valid, &why, NULL),
                         BEAMR_OK);
    }
    return is_valid;
}

/* A codec that carries commitments gives them back as they were, and they still hold. */
static bool keeps_signatures(const ao_codec *codec, const ao_codec *signer,
                             const ao_message *message, uint64_t seed)
{
    ao_message *back = pass(codec, message, seed);

    if (!back)
        return false;
    if (!ao_value_equal(ao_message_find_text(back, "commitments"),
                        ao_message_find_text(message, "commitments")))
        fail_msg("seed %llu: %s changed the commitments", (unsigned long long)seed,
                 codec->name);
    if (!verifies(signer, back))
        fail_msg("seed %llu: after %s the message does not verify", (unsigned long long)seed,
                 codec->name);
    ao_message_unref(back);
    return true;
}

/* Sign messages and pass them through codecs; how many messages each let through is at least
 * `wanted`. */
static void check_signed(const ao_codec *signer, const ao_codec *const *codecs,
                         const unsigned *wanted, size_t count)
{
    unsigned passed[CODECS] = {0};
    ao_wallet *wallet = NULL;

    assert_int_equal(ao_wallet_read(beamr_bytes_of(wallet_text), &wallet, NULL), BEAMR_OK);
    for (uint64_t seed = 0; seed < SIGNED_MESSAGES; seed++) {
        ao_message *message = generate_message(seed, GENERATE_SOME), *signed_message = NULL;
        beamr_status st = signer->commit(NULL, message, wallet, &signed_message, NULL);

        assert_true(st == BEAMR_OK || st == BEAMR_ENCODING);
        if (st == BEAMR_OK && !verifies(signer, signed_message))
            fail_msg("seed %llu: what was signed does not verify", (unsigned long long)seed);
        for (size_t i = 0; st == BEAMR_OK && i < count; i++)
            passed[i] += keeps_signatures(codecs[i], signer, signed_message, seed);
        ao_message_unref(signed_message);
        ao_message_unref(message);
    }
    for (size_t i = 0; i < count; i++) {
        print_message("%s let %u of %d pass\n", codecs[i]->name, passed[i], SIGNED_MESSAGES);
        assert_true(passed[i] >= wanted[i]);
    }
    ao_wallet_unref(wallet);
}

static void httpsig_signatures_pass_through_the_codecs(void **state)
{
    static const ao_codec *const codecs[] = {&codec_httpsig, &codec_structured, &codec_json,
                                             &codec_flat};
    static const unsigned wanted[] = {40, 40, 30, 20};

    (void)state;
    check_signed(&codec_httpsig, codecs, wanted, 4);
}

/* Owner and signature are any bytes, which json and flat cannot carry. */
static void ans104_signatures_pass_through_the_codecs(void **state)
{
    static const ao_codec *const codecs[] = {&codec_ans104, &codec_structured};
    static const unsigned wanted[] = {50, 50};

    (void)state;
    check_signed(&codec_ans104, codecs, wanted, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_gives_a_message_back_or_refuses_it),
        cmocka_unit_test(messages_of_plain_texts_are_never_refused),
        cmocka_unit_test(what_one_codec_read_the_others_write),
        cmocka_unit_test(defaults_of_transactions_are_dropped),
        cmocka_unit_test(httpsig_signatures_pass_through_the_codecs),
        cmocka_unit_test(ans104_signatures_pass_through_the_codecs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
