/* Commitments: selections, their ids, what they cover, verifying, filters. The codecs are
 * played here: each commitment says itself what it covers and whether it is valid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ao/commit.h"

/* Addresses and ids. Their order as texts is that of their letters. */
#define ALICE "AliceAliceAliceAliceAliceAliceAliceAliceAlA"
#define BOB "BobBobBobBobBobBobBobBobBobBobBobBobBobBobA"
#define ID_1 "1111111111111111111111111111111111111111110"
#define ID_2 "2222222222222222222222222222222222222222220"
#define ID_3 "3333333333333333333333333333333333333333330"
#define UNSIGNED "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE" /* 32 bytes of 1 */

/* ---- The codec that is played ---- */

static unsigned id_count; /* how often an unsigned id was computed */

static beamr_status play_unsigned_id(ao_context *context, const ao_message *message,
                                     uint8_t id[AO_ID_SIZE], beamr_error *err)
{
    (void)context, (void)message, (void)err;
    id_count++;
    memset(id, 1, AO_ID_SIZE);
    return BEAMR_OK;
}

static beamr_status play_verify(ao_context *context, const ao_message *message, beamr_bytes id,
                                const ao_message *commitment, bool *is_valid, const char **why,
                                beamr_error *err)
{
    (void)context, (void)message, (void)id, (void)err;
    *is_valid = ao_to_boolean(ao_message_find_text(commitment, "valid"));
    *why = "played";
    return BEAMR_OK;
}

static beamr_status play_committed(ao_context *context, const ao_message *message,
                                   beamr_bytes id, const ao_message *commitment, ao_value *out,
                                   beamr_error *err)
{
    (void)context, (void)message, (void)id, (void)err;
    *out = ao_value_ref(ao_message_find_text(commitment, "covers"));
    return BEAMR_OK;
}

static beamr_status play_commit(ao_context *context, const ao_message *message,
                                const ao_wallet *wallet, BEAMR_OWN ao_message **out,
                                beamr_error *err)
{
    (void)context, (void)wallet;
    return ao_message_with(message, "signed", ao_boolean(true), out, err);
}

static const ao_codec httpsig = {.name = "httpsig@1.0",
                                 .unsigned_id = play_unsigned_id,
                                 .commit = play_commit,
                                 .verify = play_verify,
                                 .committed = play_committed};
static const ao_codec json = {.name = "json@1.0"};

static ao_context *context;

static int open_context(void **state)
{
    (void)state;
    return ao_context_make(NULL, &context, NULL) == BEAMR_OK &&
                   ao_context_add_codec(context, &httpsig, NULL) == BEAMR_OK &&
                   ao_context_add_codec(context, &json, NULL) == BEAMR_OK
               ? 0
               : -1;
}

static int close_context(void **state)
{
    (void)state;
    ao_context_free(context);
    return 0;
}

/* ---- Messages ---- */

/* The list of the words of a text. */
static ao_value words(const char *text)
{
    ao_value items[16];
    size_t count = 0;

    while (*text) {
        size_t len = strcspn(text, " ");

        items[count++] = ao_binary_copy((beamr_bytes){(const uint8_t *)text, len});
        text += len + (text[len] == ' ');
    }
    return ao_list_new(items, count);
}

/* A commitment.
 *   committer, device  NULL for none */
static ao_value commitment(const char *committer, const char *device, const char *covers,
                           bool is_valid)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    if (committer)
        ao_builder_put(&b, "committer", ao_binary_text(committer));
    if (device)
        ao_builder_put(&b, "commitment-device", ao_binary_text(device));
    ao_builder_put(&b, "covers", words(covers));
    ao_builder_put(&b, "valid", ao_boolean(is_valid));
    return ao_builder_value(&b);
}

/* {a, b, c} with these commitments, taken over. */
static ao_message *message_of(ao_value commitments)
{
    ao_message *message = NULL;
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "a", ao_integer(1));
    ao_builder_put(&b, "b", ao_integer(2));
    ao_builder_put(&b, "c", ao_integer(3));
    ao_builder_put(&b, "priv", ao_message_value(ao_message_empty()));
    if (commitments.kind != AO_NONE)
        ao_builder_put(&b, "commitments", commitments);
    assert_int_equal(ao_builder_end(&b, &message), BEAMR_OK);
    return message;
}

/* Signed by Alice and by Bob, with an HMAC. Bob's is not valid if `is_bad`. */
static ao_message *message_signed(bool is_bad)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, ID_2, commitment(ALICE, "httpsig@1.0", "c a b", true));
    ao_builder_put(&b, ID_1, commitment(BOB, "json@1.0", "b c d c", !is_bad));
    ao_builder_put(&b, ID_3, commitment(NULL, NULL, "c b a d b", true));
    return message_of(ao_builder_value(&b));
}

/* ---- Checks ---- */

/* The keys of the commitments selected, with spaces between; consumes the selection's values.
 */
static void assert_selects(const ao_message *message, ao_value committers, ao_value commitments,
                           const char *wanted)
{
    ao_selection selection = {.committers = committers, .commitments = commitments};
    ao_message *selected = NULL;
    ao_cursor cursor = {0};
    const ao_name *name;
    char text[512] = "";

    assert_int_equal(ao_commitments_select(message, &selection, &selected, NULL), BEAMR_OK);
    while (ao_message_next(selected, &cursor, &name, NULL)) {
        (void)strcat(text, text[0] ? " " : "");
        (void)strcat(text, (const char *)ao_name_text(name).data);
    }
    assert_string_equal(text, wanted);
    ao_message_unref(selected);
    ao_value_unref(committers);
    ao_value_unref(commitments);
}

static void assert_select_fails(const ao_message *message, ao_value committers,
                                ao_value commitments, beamr_status wanted, const char *reason)
{
    ao_selection selection = {.committers = committers, .commitments = commitments};
    ao_message *selected = NULL;
    beamr_error err = {0};

    assert_int_equal(ao_commitments_select(message, &selection, &selected, &err), wanted);
    assert_null(selected);
    assert_non_null(strstr(err.text, reason));
    ao_value_unref(committers);
    ao_value_unref(commitments);
}

static void assert_words(ao_value list, const char *wanted)
{
    ao_value other = words(wanted);

    assert_true(ao_value_equal(list, other));
    ao_value_unref(other);
    ao_value_unref(list);
}

static ao_message *filtered(const ao_message *message, ao_value spec,
                            beamr_status (*filter)(const ao_message *, ao_value, ao_message **,
                                                   beamr_error *))
{
    ao_message *out = NULL;

    assert_int_equal(filter(message, spec, &out, NULL), BEAMR_OK);
    ao_value_unref(spec);
    return out;
}

static ao_value text(const char *chars)
{
    return ao_binary_text(chars);
}

/* ---- Selecting ---- */

static void without_a_wish_all_are_selected(void **state)
{
    ao_message *m = message_signed(false);

    (void)state;
    assert_selects(m, AO_NO_VALUE, AO_NO_VALUE, ID_1 " " ID_2 " " ID_3);
    assert_selects(m, text("none"), AO_NO_VALUE, ID_1 " " ID_2 " " ID_3);
    assert_selects(m, ao_atom("none"), AO_NO_VALUE, ID_1 " " ID_2 " " ID_3);
    assert_selects(m, AO_NO_VALUE, text("all"), ID_1 " " ID_2 " " ID_3);
    assert_selects(m, AO_NO_VALUE, text("none"), "");
    ao_message_unref(m);
}

static void all_committers_leave_out_the_hmac(void **state)
{
    ao_message *m = message_signed(false);

    (void)state;
    assert_selects(m, text("all"), AO_NO_VALUE, ID_1 " " ID_2);
    assert_selects(m, ao_atom("all"), AO_NO_VALUE, ID_1 " " ID_2);
    assert_selects(m, text("all"), text("all"), ID_1 " " ID_2 " " ID_3);
    ao_message_unref(m);
}

static void listed_committers_and_ids_are_united(void **state)
{
    ao_message *m = message_signed(false), *numbered = NULL;
    ao_value list = words(ALICE " " ALICE " " BOB);

    (void)state;
    assert_selects(m, words(ALICE), AO_NO_VALUE, ID_2);
    assert_selects(m, text(BOB), AO_NO_VALUE, ID_1);
    assert_selects(m, words(""), AO_NO_VALUE, "");
    assert_selects(m, words(""), text("all"), ID_1 " " ID_2 " " ID_3);
    assert_selects(m, words(ALICE), words(ID_3), ID_2 " " ID_3);
    assert_selects(m, AO_NO_VALUE, words(ID_3 " " UNSIGNED " " ID_1), ID_1 " " ID_3);
    assert_int_equal(ao_list_to_message(list, &numbered, NULL), BEAMR_OK);
    assert_selects(m, list, AO_NO_VALUE, ID_1 " " ID_2);
    assert_selects(m, ao_message_value(numbered), AO_NO_VALUE, ID_1 " " ID_2);
    ao_message_unref(m);
}

static void a_short_id_is_found_too(void **state)
{
    ao_builder b;
    ao_message *m;
    uint8_t id[AO_ID_SIZE];

    (void)state;
    memset(id, 1, sizeof id);
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, UNSIGNED, commitment(UNSIGNED, NULL, "a", true));
    m = message_of(ao_builder_value(&b));
    assert_selects(m, AO_NO_VALUE, ao_binary_copy((beamr_bytes){id, sizeof id}), UNSIGNED);
    assert_selects(m, ao_binary_copy((beamr_bytes){id, sizeof id}), AO_NO_VALUE, UNSIGNED);
    ao_message_unref(m);
}

static void a_committer_without_commitment_is_an_error(void **state)
{
    ao_message *m = message_signed(false), *plain = message_of(AO_NO_VALUE);

    (void)state;
    assert_select_fails(m, words(ALICE " Carol"), AO_NO_VALUE, BEAMR_NOT_FOUND,
                        "requested_committers_not_found: `Carol`");
    assert_select_fails(plain, words(ALICE), AO_NO_VALUE, BEAMR_NOT_FOUND, ALICE);
    assert_select_fails(plain, words("a\nb"), AO_NO_VALUE, BEAMR_NOT_FOUND, "`a?b`");
    ao_message_unref(m);
    ao_message_unref(plain);
}

static void a_wish_of_another_kind_is_an_error(void **state)
{
    ao_message *m = message_signed(false);
    ao_value number = ao_integer(1);

    (void)state;
    assert_select_fails(m, ao_integer(1), AO_NO_VALUE, BEAMR_ARGUMENT, "`committers`");
    assert_select_fails(m, AO_NO_VALUE, ao_list_new(&number, 1), BEAMR_ARGUMENT,
                        "`commitments`");
    ao_message_unref(m);
}

static void what_is_no_commitment_is_passed_over(void **state)
{
    ao_message *m = message_of(text("none of it")), *list = message_of(words("a b"));
    ao_message *mixed;
    ao_builder b;

    (void)state;
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, ID_1, text("text"));
    ao_builder_put(&b, ID_2, commitment(ALICE, NULL, "a", true));
    mixed = message_of(ao_builder_value(&b));
    assert_selects(m, AO_NO_VALUE, AO_NO_VALUE, "");
    assert_selects(list, text("all"), text("all"), "");
    assert_selects(mixed, text("all"), text("all"), ID_2);
    ao_message_unref(m);
    ao_message_unref(list);
    ao_message_unref(mixed);
}

/* ---- Ids ---- */

static void assert_id(const ao_message *message, const ao_selection *selection,
                      const char *wanted)
{
    char id[AO_ID_TEXT + 1];

    assert_int_equal(ao_id_of(context, message, selection, id, NULL), BEAMR_OK);
    assert_string_equal(id, wanted);
}

/* Source: SHA-256 by Python's hashlib. */
static void the_id_of_several_is_the_hash_of_their_ids(void **state)
{
    ao_message *m = message_signed(false);

    (void)state;
    assert_id(m, &AO_SELECT_SIGNED, "9L2DjNN4SijfxfR48wOOGO3EjQaPQLqmJWAwTy0Jn4I");
    assert_id(m, &AO_SELECT_ALL, "gMRP2d473glcMNlHDTYWc5Kdm6bYx8ijsHWL2jY2uLc");
    assert_id(m, &(ao_selection){.fixed = AO_SELECT_BY_VALUES},
              "gMRP2d473glcMNlHDTYWc5Kdm6bYx8ijsHWL2jY2uLc");
    ao_message_unref(m);
}

static void the_id_of_one_is_its_own(void **state)
{
    ao_message *m = message_signed(false);
    ao_selection by_alice = {.committers = words(ALICE)};
    char id[AO_ID_TEXT + 1];

    (void)state;
    assert_id(m, &by_alice, ID_2);
    ao_value_unref(by_alice.committers);
    ao_message_unref(m);
    m = message_of(AO_NO_VALUE);
    assert_int_equal(ao_message_id(context, m, id, NULL), BEAMR_OK);
    assert_string_equal(id, UNSIGNED);
    ao_message_unref(m);
}

static void the_id_of_none_is_unsigned_and_computed_once(void **state)
{
    ao_message *m = message_signed(false);
    ao_selection nobody = {.committers = words("")};
    char id[AO_ID_TEXT + 1];
    unsigned before = id_count;

    (void)state;
    assert_id(m, &nobody, UNSIGNED);
    assert_id(m, &nobody, UNSIGNED);
    assert_int_equal(ao_message_unsigned_id(context, m, id, NULL), BEAMR_OK);
    assert_string_equal(id, UNSIGNED);
    assert_int_equal(id_count, before + 1);
    ao_value_unref(nobody.committers);
    ao_message_unref(m);
}

static void ids_that_are_none_are_refused(void **state)
{
    static const char *const keys[] = {
        "short", "44444444444444444444444444444444444444444*4",
        "5555555555555555555555555555555555555555555" /* bits behind the last byte */};
    char id[AO_ID_TEXT + 1];

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        beamr_error err = {0};
        ao_builder b;
        ao_message *m;

        ao_builder_begin(&b, NULL, NULL, NULL);
        ao_builder_put(&b, keys[i], commitment(ALICE, NULL, "a", true));
        m = message_of(ao_builder_value(&b));
        assert_int_equal(ao_message_id(context, m, id, &err), BEAMR_MESSAGE);
        ao_message_unref(m);
    }
}

static void a_short_id_is_written_out(void **state)
{
    uint8_t id[AO_ID_SIZE];
    ao_builder b;
    ao_message *m;

    (void)state;
    memset(id, 1, sizeof id);
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put_key(&b, (beamr_bytes){id, sizeof id}, commitment(ALICE, NULL, "a", true));
    m = message_of(ao_builder_value(&b));
    assert_id(m, &AO_SELECT_SIGNED, UNSIGNED);
    ao_message_unref(m);
}

/* ---- What is covered ---- */

static ao_value committed(const ao_message *m, const ao_selection *selection)
{
    ao_value list = AO_NO_VALUE;

    assert_int_equal(ao_committed(context, m, selection, &list, NULL), BEAMR_OK);
    return list;
}

static void keys_that_all_cover_are_listed_once_in_order(void **state)
{
    ao_message *m = message_signed(false), *plain = message_of(AO_NO_VALUE);
    ao_selection by_bob = {.committers = words(BOB)};

    (void)state;
    assert_words(committed(m, &AO_SELECT_ALL), "b c");
    assert_words(committed(m, &AO_SELECT_SIGNED), "b c");
    assert_words(committed(m, &by_bob), "b c d");
    assert_words(committed(plain, &AO_SELECT_ALL), "");
    ao_value_unref(by_bob.committers);
    ao_message_unref(m);
    ao_message_unref(plain);
}

static void an_unknown_device_covers_nothing_and_is_not_valid(void **state)
{
    ao_message *m;
    ao_builder b;
    bool is_valid = true;
    const char *why = NULL;

    (void)state;
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, ID_1, commitment(ALICE, "stranger@1.0", "a b", true));
    ao_builder_put(&b, ID_2, commitment(BOB, NULL, "a b", true));
    m = message_of(ao_builder_value(&b));
    assert_words(committed(m, &AO_SELECT_ALL), "");
    assert_int_equal(ao_verify(context, m, &AO_SELECT_ALL, &is_valid, &why, NULL), BEAMR_OK);
    assert_false(is_valid);
    assert_string_equal(why, "the device of the commitment is not known");
    ao_message_unref(m);
}

static void only_committed_keys_are_kept(void **state)
{
    ao_message *m = message_signed(false), *plain = message_of(AO_NO_VALUE), *out = NULL;

    (void)state;
    assert_int_equal(ao_only_committed(context, m, &out, NULL), BEAMR_OK);
    assert_int_equal(ao_message_count(out), 3);
    assert_int_equal(ao_message_find_text(out, "a").kind, AO_NONE);
    assert_int_equal(ao_message_find_text(out, "b").of.integer, 2);
    assert_int_equal(ao_message_find_text(out, "c").of.integer, 3);
    assert_int_equal(ao_message_find_text(out, "commitments").kind, AO_MESSAGE);
    ao_message_unref(out);
    assert_int_equal(ao_only_committed(context, plain, &out, NULL), BEAMR_OK);
    assert_ptr_equal(out, plain);
    ao_message_unref(out);
    ao_message_unref(m);
    ao_message_unref(plain);
}

/* ---- Verifying ---- */

static void every_selected_commitment_must_be_valid(void **state)
{
    ao_message *m = message_signed(true), *good = message_signed(false);
    ao_selection by_alice = {.committers = words(ALICE)}, nobody = {.committers = words("")};
    const char *why = NULL;
    bool is_valid = true;

    (void)state;
    assert_int_equal(ao_verify(context, m, &AO_SELECT_ALL, &is_valid, &why, NULL), BEAMR_OK);
    assert_false(is_valid);
    assert_string_equal(why, "played");
    assert_int_equal(ao_verify(context, m, &by_alice, &is_valid, NULL, NULL), BEAMR_OK);
    assert_true(is_valid);
    is_valid = false;
    assert_int_equal(ao_verify(context, m, &nobody, &is_valid, NULL, NULL), BEAMR_OK);
    assert_true(is_valid);
    is_valid = false;
    assert_int_equal(ao_verify(context, good, &AO_SELECT_ALL, &is_valid, NULL, NULL), BEAMR_OK);
    assert_true(is_valid);
    ao_value_unref(by_alice.committers);
    ao_value_unref(nobody.committers);
    ao_message_unref(m);
    ao_message_unref(good);
}

/* Each takes time in proportion to the message. */
static void of_too_many_commitments_none_is_selected(void **state)
{
    ao_message *all = ao_message_empty(), *message = NULL, *selected = NULL;
    beamr_error err = {0};

    (void)state;
    for (int i = 0; i <= AO_COMMITMENTS_MAX; i++) {
        ao_message *next = NULL;
        char id[AO_ID_TEXT + 1];

        snprintf(id, sizeof id, "%043d", i);
        assert_int_equal(
            ao_message_with(all, id, ao_message_value(ao_message_empty()), &next, NULL),
            BEAMR_OK);
        ao_message_unref(all);
        all = next;
    }
    assert_int_equal(ao_message_with(ao_message_empty(), "commitments", ao_message_value(all),
                                     &message, NULL),
                     BEAMR_OK);
    assert_int_equal(ao_commitments_select(message, &AO_SELECT_ALL, &selected, &err),
                     BEAMR_LIMIT);
    assert_null(selected);
    ao_message_unref(message);
}

static void a_message_is_verified_only_when_somebody_signed(void **state)
{
    ao_message *m = message_signed(false), *bad = message_signed(true);
    ao_message *plain = message_of(AO_NO_VALUE), *hmac;
    bool is_valid = false;

    (void)state;
    hmac = filtered(m, words(""), ao_with_only_committers);
    assert_int_equal(ao_message_verify(context, m, &is_valid, NULL), BEAMR_OK);
    assert_true(is_valid);
    assert_int_equal(ao_message_verify(context, bad, &is_valid, NULL), BEAMR_OK);
    assert_false(is_valid);
    is_valid = true;
    assert_int_equal(ao_message_verify(context, plain, &is_valid, NULL), BEAMR_OK);
    assert_false(is_valid);
    is_valid = true;
    assert_int_equal(ao_message_verify(context, hmac, &is_valid, NULL), BEAMR_OK);
    assert_false(is_valid);
    ao_message_unref(m);
    ao_message_unref(bad);
    ao_message_unref(plain);
    ao_message_unref(hmac);
}

static void signing_needs_a_wallet_and_a_codec_that_signs(void **state)
{
    ao_message *m = message_of(AO_NO_VALUE), *out = NULL;
    const ao_wallet *wallet = (const ao_wallet *)m; /* only passed on here */
    beamr_error err = {0};

    (void)state;
    assert_int_equal(ao_message_commit(context, m, NULL, NULL, &out, &err), BEAMR_ARGUMENT);
    assert_non_null(strstr(err.text, "wallet"));
    beamr_error_clear(&err);
    assert_int_equal(ao_message_commit(context, m, "none@1.0", wallet, &out, &err),
                     BEAMR_ARGUMENT);
    assert_non_null(strstr(err.text, "none@1.0"));
    assert_int_equal(ao_message_commit(context, m, NULL, wallet, &out, NULL), BEAMR_OK);
    ao_message_unref(out);
    assert_int_equal(ao_message_commit(context, m, "json@1.0", wallet, &out, NULL), BEAMR_OK);
    assert_true(ao_to_boolean(ao_message_find_text(out, "signed")));
    ao_message_unref(out);
    ao_message_unref(m);
}

/* ---- Filters ---- */

static void committers_are_listed(void **state)
{
    ao_message *m = message_signed(false), *plain = message_of(AO_NO_VALUE);
    ao_value list;

    (void)state;
    assert_int_equal(ao_committers(m, &list, NULL), BEAMR_OK);
    assert_words(list, BOB " " ALICE); /* by the ids of their commitments */
    assert_int_equal(ao_committers(plain, &list, NULL), BEAMR_OK);
    assert_words(list, "");
    ao_message_unref(m);
    ao_message_unref(plain);
}

static ao_value spec_of(const char *key, ao_value value)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, key, value);
    return ao_builder_value(&b);
}

static void assert_filtered(const ao_message *m, ao_value spec,
                            beamr_status (*filter)(const ao_message *, ao_value, ao_message **,
                                                   beamr_error *),
                            const char *ids)
{
    ao_message *out = filtered(m, spec, filter);

    assert_selects(out, AO_NO_VALUE, AO_NO_VALUE, ids);
    assert_int_equal(ao_message_count(out), ids[0] ? 4 : 3);
    ao_message_unref(out);
}

static void filters_keep_what_matches_or_the_rest(void **state)
{
    ao_message *m = message_signed(true), *plain = message_of(AO_NO_VALUE);

    (void)state;
    assert_filtered(m, text(ALICE), ao_with_commitments, ID_2);
    assert_filtered(m, text(ALICE), ao_without_commitments, ID_1 " " ID_3);
    assert_filtered(m, spec_of("valid", ao_boolean(true)), ao_with_commitments, ID_2 " " ID_3);
    assert_filtered(m, spec_of("valid", ao_boolean(true)), ao_without_commitments, ID_1);
    assert_filtered(m, spec_of("nobody", ao_integer(1)), ao_with_commitments, "");
    assert_filtered(m, ao_message_value(ao_message_empty()), ao_without_commitments, "");
    assert_filtered(m, words(ALICE " Carol"), ao_with_only_committers, ID_2);
    assert_filtered(m, text("all"), ao_with_only_committers, ID_1 " " ID_2);
    assert_filtered(plain, text(ALICE), ao_with_commitments, "");
    ao_message_unref(m);
    ao_message_unref(plain);
}

static void one_commitment_is_found_when_it_is_the_only_match(void **state)
{
    ao_message *m = message_signed(true), *found = NULL;
    ao_value spec = text(ALICE), several = spec_of("valid", ao_boolean(true));
    ao_value nobody = text("Carol"), number = ao_integer(1), id = AO_NO_VALUE;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(ao_find_commitment(m, spec, &id, &found, NULL), BEAMR_OK);
    assert_true(ao_bytes(id).len == 43 && memcmp(ao_bytes(id).data, ID_2, 43) == 0);
    assert_int_equal(ao_message_find_text(found, "committer").kind, AO_BINARY);
    ao_value_unref(id);
    ao_message_unref(found);
    assert_int_equal(ao_find_commitment(m, spec, NULL, NULL, NULL), BEAMR_OK);
    assert_int_equal(ao_find_commitment(m, nobody, &id, &found, &err), BEAMR_NOT_FOUND);
    beamr_error_clear(&err);
    assert_int_equal(ao_find_commitment(m, several, &id, &found, &err), BEAMR_CONFLICT);
    assert_non_null(strstr(err.text, "multiple_matches"));
    assert_int_equal(ao_find_commitment(m, number, &id, &found, NULL), BEAMR_ARGUMENT);
    ao_value_unref(spec);
    ao_value_unref(several);
    ao_value_unref(nobody);
    ao_message_unref(m);
}

static void uncommitted_messages_keep_the_rest(void **state)
{
    ao_message *m = message_signed(false), *out = NULL, *plain = message_of(AO_NO_VALUE);

    (void)state;
    assert_int_equal(ao_uncommitted(m, &out, NULL), BEAMR_OK);
    assert_true(ao_message_match(out, plain, AO_MATCH_STRICT, NULL));
    ao_message_unref(out);
    ao_message_unref(m);
    ao_message_unref(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_wish_all_are_selected),
        cmocka_unit_test(all_committers_leave_out_the_hmac),
        cmocka_unit_test(listed_committers_and_ids_are_united),
        cmocka_unit_test(a_short_id_is_found_too),
        cmocka_unit_test(a_committer_without_commitment_is_an_error),
        cmocka_unit_test(a_wish_of_another_kind_is_an_error),
        cmocka_unit_test(what_is_no_commitment_is_passed_over),
        cmocka_unit_test(the_id_of_several_is_the_hash_of_their_ids),
        cmocka_unit_test(the_id_of_one_is_its_own),
        cmocka_unit_test(the_id_of_none_is_unsigned_and_computed_once),
        cmocka_unit_test(ids_that_are_none_are_refused),
        cmocka_unit_test(a_short_id_is_written_out),
        cmocka_unit_test(keys_that_all_cover_are_listed_once_in_order),
        cmocka_unit_test(an_unknown_device_covers_nothing_and_is_not_valid),
        cmocka_unit_test(only_committed_keys_are_kept),
        cmocka_unit_test(every_selected_commitment_must_be_valid),
        cmocka_unit_test(of_too_many_commitments_none_is_selected),
        cmocka_unit_test(a_message_is_verified_only_when_somebody_signed),
        cmocka_unit_test(signing_needs_a_wallet_and_a_codec_that_signs),
        cmocka_unit_test(committers_are_listed),
        cmocka_unit_test(filters_keep_what_matches_or_the_rest),
        cmocka_unit_test(one_commitment_is_found_when_it_is_the_only_match),
        cmocka_unit_test(uncommitted_messages_keep_the_rest),
    };

    return cmocka_run_group_tests(tests, open_context, close_context);
}
