/* Commitments when memory is gone: the Nth allocation fails, for N = 1, 2, ... until none is
 * hit; once only that one, and once all that follow too. An operation then fails with
 * BEAMR_NO_MEMORY, or gives the same answer; nothing is left over. The linker leads what is
 * counted here to the functions with __wrap_ (test/CMakeLists.txt). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ao/commit.h"
#include "refuse.h"

/* ---- A message with three commitments, of a codec that is played ---- */

#define ALICE "AliceAliceAliceAliceAliceAliceAliceAliceAlA"
#define BOB "BobBobBobBobBobBobBobBobBobBobBobBobBobBobA"

static ao_context *context;
static ao_message *message;
static ao_value committers;

static beamr_status play_verify(ao_context *c, const ao_message *m, beamr_bytes id,
                                const ao_message *commitment, bool *is_valid, const char **why,
                                beamr_error *err)
{
    (void)c, (void)m, (void)id, (void)commitment, (void)why, (void)err;
    *is_valid = true;
    return BEAMR_OK;
}

static beamr_status play_committed(ao_context *c, const ao_message *m, beamr_bytes id,
                                   const ao_message *commitment, ao_value *out,
                                   beamr_error *err)
{
    (void)c, (void)m, (void)id, (void)err;
    *out = ao_value_ref(ao_message_find_text(commitment, "covers"));
    return BEAMR_OK;
}

static const ao_codec httpsig = {
    .name = "httpsig@1.0", .verify = play_verify, .committed = play_committed};

static ao_value list_of(const char *first, const char *second)
{
    const ao_value items[] = {ao_binary_text(first), ao_binary_text(second)};

    return ao_list_new(items, 2);
}

static ao_value commitment_of(const char *committer)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    if (committer)
        ao_builder_put(&b, "committer", ao_binary_text(committer));
    ao_builder_put(&b, "covers", list_of("a", "b"));
    return ao_builder_value(&b);
}

static int set_up(void **state)
{
    ao_builder b, all;

    (void)state;
    ao_builder_begin(&all, NULL, NULL, NULL);
    ao_builder_put(&all, "1111111111111111111111111111111111111111110", commitment_of(ALICE));
    ao_builder_put(&all, "2222222222222222222222222222222222222222220", commitment_of(BOB));
    ao_builder_put(&all, "3333333333333333333333333333333333333333330", commitment_of(NULL));
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "a", ao_integer(1));
    ao_builder_put(&b, "b", ao_integer(2));
    ao_builder_put(&b, "commitments", ao_builder_value(&all));
    committers = list_of(BOB, ALICE);
    return ao_builder_end(&b, &message) == BEAMR_OK &&
                   ao_context_make(NULL, &context, NULL) == BEAMR_OK &&
                   ao_context_add_codec(context, &httpsig, NULL) == BEAMR_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ao_value_unref(committers);
    ao_message_unref(message);
    ao_context_free(context);
    return 0;
}

/* ---- Operations; each gives a value, or fails ---- */

static beamr_status give(beamr_status st, BEAMR_OWN ao_message *made, ao_value *out)
{
    *out = ao_message_value(made);
    return st;
}

static beamr_status select_listed(ao_value *out, beamr_error *err)
{
    const ao_selection selection = {.committers = committers};
    ao_message *made = NULL;
    beamr_status st = ao_commitments_select(message, &selection, &made, err);

    return give(st, made, out);
}

static beamr_status join_ids(ao_value *out, beamr_error *err)
{
    char id[AO_ID_TEXT + 1] = "";
    beamr_status st = ao_id_of(context, message, &AO_SELECT_ALL, id, err);

    /* as an atom, whose name stands already: nothing of the check's own fails */
    *out = st == BEAMR_OK ? ao_boolean(strlen(id) == AO_ID_TEXT) : AO_NO_VALUE;
    return st;
}

static beamr_status list_committed(ao_value *out, beamr_error *err)
{
    return ao_committed(context, message, &AO_SELECT_ALL, out, err);
}

static beamr_status keep_committed(ao_value *out, beamr_error *err)
{
    ao_message *made = NULL;
    beamr_status st = ao_only_committed(context, message, &made, err);

    return give(st, made, out);
}

static beamr_status list_committers(ao_value *out, beamr_error *err)
{
    return ao_committers(message, out, err);
}

static beamr_status keep_matching(ao_value *out, beamr_error *err)
{
    ao_message *made = NULL;
    beamr_status st = ao_with_commitments(message, ao_list_at(committers, 0), &made, err);

    return give(st, made, out);
}

static beamr_status keep_committers(ao_value *out, beamr_error *err)
{
    ao_message *made = NULL;
    beamr_status st = ao_with_only_committers(message, committers, &made, err);

    return give(st, made, out);
}

static beamr_status find_one(ao_value *out, beamr_error *err)
{
    ao_value id = AO_NO_VALUE;
    ao_message *found = NULL;
    beamr_status st = ao_find_commitment(message, ao_list_at(committers, 0), &id, &found, err);

    ao_message_unref(found);
    *out = id;
    return st;
}

/* ---- Failing ---- */

static bool try_one(beamr_status (*run)(ao_value *out, beamr_error *err), unsigned after,
                    bool is_lasting, ao_value wanted)
{
    ao_value out = AO_NO_VALUE;
    beamr_error err = {0};
    beamr_status st;

    refuse_begin(after, is_lasting);
    st = run(&out, &err);
    (void)refuse_end();
    if (st != BEAMR_OK ? st != BEAMR_NO_MEMORY || err.status != st
                       : !ao_value_equal(out, wanted))
        fail_msg("after %u allocations: status %d, %s", after, st, err.text);
    if (st == BEAMR_OK)
        ao_value_unref(out);
    return refusal.hits > 0;
}

static void every_operation_fails_cleanly_or_is_right(void **state)
{
    static beamr_status (*const operations[])(ao_value *, beamr_error *) = {
        select_listed,   join_ids,      list_committed,  keep_committed,
        list_committers, keep_matching, keep_committers, find_one};

    (void)state;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        ao_value wanted = AO_NO_VALUE;

        assert_int_equal(operations[i](&wanted, NULL), BEAMR_OK);
        for (int is_lasting = 0; is_lasting < 2; is_lasting++) {
            unsigned after = 0;

            while (try_one(operations[i], after, is_lasting, wanted))
                after++;
            assert_true(after > 0);
        }
        ao_value_unref(wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_fails_cleanly_or_is_right),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
