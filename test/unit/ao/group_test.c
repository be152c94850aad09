/* ao/group.c: equal computations run once, and every one who waits gets the same result. */
#include "world.h"

#include <stdatomic.h>
#include <stdio.h>

#define WAITERS 1000

static atomic_size_t computed, ended, failed, told;
static ao_call *leader;

static ao_value name_of_x(ao_call *call)
{
    ao_value x = ao_message_find_text(ao_call_base(call), "x");

    return ao_value_ref(x);
}

static void tell(ao_call *call, void *arg)
{
    (void)arg;
    atomic_fetch_add(&told, 1);
    ao_call_finish(call, AO_OUTCOME_OK, ao_integer(0));
}

static beamr_status compute(ao_call *call, beamr_error *err)
{
    (void)err;
    atomic_fetch_add(&computed, 1);
    leader = call;
    return ao_call_later(call, tell, NULL);
}

static beamr_status give_child(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_return(call, ao_call_result(call)->outcome,
                          ao_value_ref(ao_call_result(call)->value));
}

static beamr_status itself(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_resolve(call, ao_message_value(ao_message_ref(ao_call_base(call))),
                           ao_binary_text("itself"), NULL, give_child);
}

/* Waits for what `other` names, once somebody says so. */
static beamr_status cross_on(ao_call *call, beamr_error *err)
{
    ao_builder b;

    ao_builder_begin(&b, ao_call_base(call), NULL, err);
    ao_builder_put(&b, "x", ao_value_ref(ao_message_find_text(ao_call_base(call), "other")));
    return ao_call_resolve(call, ao_builder_value(&b), ao_binary_text("cross"), NULL,
                           give_child);
}

static ao_call *crossing[2];
static size_t crossing_count;

static beamr_status cross(ao_call *call, beamr_error *err)
{
    (void)err;
    crossing[crossing_count++] = call;
    return ao_call_later(call, NULL, NULL);
}

static void *start_another(void *context);
static ao_task *toiling;

/* Another comes to wait for it meanwhile, and it is cancelled, so that it comes to
 * nothing. The other one does so in peace. */
static beamr_status toil(ao_call *call, beamr_error *err)
{
    bool raises = ao_call_key(call).len == strlen("toil-raising");
    pthread_t thread;

    if (atomic_fetch_add(&computed, 1) > 0)
        return ao_call_ok(call, ao_integer(7));
    assert_int_equal(pthread_create(&thread, NULL, start_another, call), 0);
    (void)pthread_join(thread, NULL);
    ao_task_cancel(toiling);
    if (raises)
        return beamr_fail(err, BEAMR_TRAP, 0, "interrupted");
    return ao_call_return(call, AO_OUTCOME_FAILURE, ao_binary_text("interrupted"));
}

/* The base, after eight requests. */
static beamr_status spend(ao_call *call, beamr_error *err)
{
    int *count = ao_call_memory(call, sizeof *count, NULL);

    (void)err;
    if (++*count > 8)
        return ao_call_ok(call, ao_message_value(ao_message_ref(ao_call_base(call))));
    return ao_call_resolve(call, world_message_of("y", ao_integer(1)), ao_binary_text("y"),
                           NULL, spend);
}

static const ao_key keys[] = {{"compute", compute}, {"itself", itself}, {"cross", cross},
                              {"toil", toil},       {"spend", spend},   {"toil-raising", toil},
                              AO_KEYS_END};
static const ao_device dev_group = {.name = "group@1.0", .keys = keys, .group = name_of_x};

static ao_value make_list(const char *x, const char *other, const char *path)
{
    ao_value items[2];
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "device", ao_binary_text("group@1.0"));
    ao_builder_put(&b, "x", ao_binary_text(x));
    ao_builder_put(&b, "other", ao_binary_text(other));
    items[0] = ao_builder_value(&b);
    items[1] = world_message_of("path", ao_binary_text(path));
    return ao_list_new(items, 2);
}

static ao_context *group_world(void)
{
    ao_context *context = world_new(NULL);

    world_add(context, &dev_group);
    atomic_store(&computed, 0);
    atomic_store(&ended, 0);
    atomic_store(&failed, 0);
    atomic_store(&told, 0);
    crossing_count = 0;
    return context;
}

static void see_seven(void *user, const ao_result *result, const beamr_error *err)
{
    int64_t n = 0;

    (void)user;
    if (err || result->outcome != AO_OUTCOME_OK || !ao_to_integer(result->value, &n) || n != 7)
        atomic_fetch_add(&failed, 1);
    atomic_fetch_add(&ended, 1);
}

static void see_failure(void *user, const ao_result *result, const beamr_error *err)
{
    (void)user;
    (void)result;
    if (!err || err->status != BEAMR_IO || strcmp(err->text, "the engine broke") != 0)
        atomic_fetch_add(&failed, 1);
    atomic_fetch_add(&ended, 1);
}

static void start(ao_context *context, ao_value list, ao_done done, ao_task **out)
{
    assert_int_equal(ao_task_start(context, list, NULL, done, NULL, out, NULL), BEAMR_OK);
}

static void a_thousand_equal_requests_are_computed_once(void **state)
{
    ao_context *context = group_world();
    ao_value list = make_list("same", "", "compute");

    (void)state;
    for (size_t i = 0; i < WAITERS; i++)
        start(context, list, see_seven, NULL);
    assert_int_equal(atomic_load(&computed), 1);
    assert_int_equal(atomic_load(&ended), 0);
    ao_call_finish(leader, AO_OUTCOME_OK, ao_integer(7));
    assert_int_equal(atomic_load(&ended), WAITERS);
    assert_int_equal(atomic_load(&failed), 0);
    ao_value_unref(list);
    ao_context_free(context);
}

static void a_failure_reaches_all(void **state)
{
    ao_context *context = group_world();
    ao_value list = make_list("same", "", "compute");

    (void)state;
    for (size_t i = 0; i < WAITERS; i++)
        start(context, list, see_failure, NULL);
    ao_call_raise(leader, BEAMR_IO, "the engine broke");
    assert_int_equal(atomic_load(&ended), WAITERS);
    assert_int_equal(atomic_load(&failed), 0);
    ao_value_unref(list);
    ao_context_free(context);
}

static void other_names_are_computed_apart(void **state)
{
    ao_context *context = group_world();
    ao_value one = make_list("one", "", "compute"), two = make_list("two", "", "compute");
    ao_call *first;

    (void)state;
    start(context, one, see_seven, NULL);
    first = leader;
    start(context, two, see_seven, NULL);
    assert_int_equal(atomic_load(&computed), 2);
    ao_call_finish(first, AO_OUTCOME_OK, ao_integer(7));
    ao_call_finish(leader, AO_OUTCOME_OK, ao_integer(7));
    assert_int_equal(atomic_load(&ended), 2);
    ao_value_unref(one);
    ao_value_unref(two);
    ao_context_free(context);
}

static void assert_recursion(ao_value value)
{
    const char *text = "Request creates infinite recursion.";
    int64_t status = 0;

    assert_true(ao_to_integer(ao_message_find_text(ao_to_message(value), "status"), &status));
    assert_int_equal(status, 508);
    assert_memory_equal(ao_bytes(ao_message_find_text(ao_to_message(value), "body")).data, text,
                        strlen(text));
}

static void a_request_for_itself_is_refused(void **state)
{
    ao_context *context = group_world();
    ao_value list = make_list("me", "", "itself");
    ao_result result;

    (void)state;
    assert_int_equal(ao_resolve(context, list, NULL, &result, NULL), BEAMR_OK);
    assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
    assert_recursion(result.value);
    ao_value_unref(result.value);
    ao_value_unref(list);
    ao_context_free(context);
}

static void see_recursion(void *user, const ao_result *result, const beamr_error *err)
{
    (void)user;
    assert_null(err);
    assert_int_equal(result->outcome, AO_OUTCOME_ERROR);
    assert_recursion(result->value);
    atomic_fetch_add(&ended, 1);
}

static void two_that_wait_for_each_other_are_refused(void **state)
{
    ao_context *context = group_world();
    ao_value ab = make_list("a", "b", "cross"), ba = make_list("b", "a", "cross");

    (void)state;
    start(context, ab, see_recursion, NULL);
    start(context, ba, see_recursion, NULL);
    assert_int_equal(crossing_count, 2);
    ao_call_continue(crossing[0], cross_on); /* waits for b */
    assert_int_equal(atomic_load(&ended), 0);
    ao_call_continue(crossing[1], cross_on); /* would wait for a, which waits for b */
    assert_int_equal(atomic_load(&ended), 2);
    ao_value_unref(ab);
    ao_value_unref(ba);
    ao_context_free(context);
}

static void see_anything(void *user, const ao_result *result, const beamr_error *err)
{
    (void)user;
    (void)err;
    if (!result || result->outcome != AO_OUTCOME_OK)
        atomic_fetch_add(&failed, 1);
    atomic_fetch_add(&ended, 1);
}

static void another_takes_the_place_of_a_cancelled_leader(void **state)
{
    ao_context *context = group_world();
    ao_value list = make_list("same", "", "compute");
    ao_task *first, *second;

    (void)state;
    start(context, list, see_anything, &first);
    start(context, list, see_anything, &second);
    start(context, list, see_anything, NULL);
    ao_task_cancel(second); /* waits: is taken off */
    assert_int_equal(atomic_load(&ended), 1);
    ao_task_cancel(first); /* leads */
    assert_int_equal(atomic_load(&told), 1);
    assert_int_equal(atomic_load(&ended), 2);
    assert_int_equal(atomic_load(&computed), 2);
    ao_call_finish(leader, AO_OUTCOME_OK, ao_integer(7));
    assert_int_equal(atomic_load(&ended), 3);
    assert_int_equal(atomic_load(&failed), 2);
    ao_task_unref(first);
    ao_task_unref(second);
    ao_value_unref(list);
    ao_context_free(context);
}

static void *start_another(void *arg)
{
    ao_call *call = arg;
    char key[16];
    ao_value list;

    (void)snprintf(key, sizeof key, "%.*s", (int)ao_call_key(call).len,
                   (const char *)ao_call_key(call).data);
    list = make_list("same", "", key);
    start(ao_call_context(call), list, see_seven, NULL);
    ao_value_unref(list);
    return NULL;
}

/* What a leader gives that was cancelled while it worked is nobody's result. */
static void those_who_wait_do_not_get_what_was_interrupted(void **state)
{
    static const char *const paths[] = {"toil", "toil-raising"};

    (void)state;
    for (int i = 0; i < 4; i++) {
        ao_options options = {.raises_as_error = i >= 2};
        ao_context *context = group_world();
        ao_value list = make_list("same", "", paths[i % 2]);

        assert_int_equal(
            ao_task_start(context, list, &options, see_anything, NULL, &toiling, NULL),
            BEAMR_OK);
        assert_int_equal(atomic_load(&computed), 2);
        assert_int_equal(atomic_load(&ended), 2);
        assert_int_equal(atomic_load(&failed), 1);
        ao_task_unref(toiling);
        ao_value_unref(list);
        ao_context_free(context);
    }
}

static void see_answered_failure(void *user, const ao_result *result, const beamr_error *err)
{
    (void)user;
    if (err || result->outcome != AO_OUTCOME_FAILURE)
        atomic_fetch_add(&failed, 1);
    atomic_fetch_add(&ended, 1);
}

static void each_decides_what_becomes_of_a_failure(void **state)
{
    ao_context *context = group_world();
    ao_value list = make_list("same", "", "compute");
    ao_options answers = AO_OPTIONS_DEFAULT;

    (void)state;
    answers.raises_as_error = true;
    assert_int_equal(
        ao_task_start(context, list, &answers, see_answered_failure, NULL, NULL, NULL),
        BEAMR_OK);
    start(context, list, see_failure, NULL);
    assert_int_equal(
        ao_task_start(context, list, &answers, see_answered_failure, NULL, NULL, NULL),
        BEAMR_OK);
    assert_int_equal(atomic_load(&computed), 1);
    ao_call_raise(leader, BEAMR_IO, "the engine broke");
    assert_int_equal(atomic_load(&ended), 3);
    assert_int_equal(atomic_load(&failed), 0);
    ao_value_unref(list);
    ao_context_free(context);
}

/* A leader without requests left has spent them on something else: who waits has its own. */
static void each_has_its_own_number_of_requests(void **state)
{
    ao_value values = world_message_of("resolve_max_steps", ao_integer(12));
    ao_settings settings = {.values = ao_to_message(values)};

    (void)state;
    for (int i = 0; i < 2; i++) {
        ao_context *context = world_new(&settings);
        ao_options options = {.raises_as_error = i == 1};
        ao_value list = make_list("same", "", "compute");
        ao_value both = world_list(ao_value_ref(ao_list_at(list, 0)), world_path("spend"),
                                   world_path("compute"));

        world_add(context, &dev_group);
        computed = ended = failed = 0;
        assert_int_equal(ao_task_start(context, both, &options, see_anything, NULL, NULL, NULL),
                         BEAMR_OK);
        start(context, list, see_anything, NULL);
        assert_int_equal(atomic_load(&computed), 1);
        ao_call_continue(leader, spend);
        assert_int_equal(atomic_load(&ended), 1);
        assert_int_equal(atomic_load(&failed), 1);
        assert_int_equal(atomic_load(&computed), 2);
        ao_call_continue(leader, spend);
        assert_int_equal(atomic_load(&ended), 2);
        assert_int_equal(atomic_load(&failed), 1);
        ao_value_unref(list);
        ao_value_unref(both);
        ao_context_free(context);
    }
    ao_value_unref(values);
}

/* Nor is one that stands too deep within others, or allows less depth, a measure for others. */
static void each_has_its_own_depth(void **state)
{
    ao_options options = AO_OPTIONS_DEFAULT;

    (void)state;
    options.max_depth = 1;
    for (int i = 0; i < 2; i++) {
        ao_context *context = group_world();
        ao_value list = make_list("same", "", "compute");

        options.raises_as_error = i == 1;
        assert_int_equal(ao_task_start(context, list, &options, see_anything, NULL, NULL, NULL),
                         BEAMR_OK);
        start(context, list, see_anything, NULL);
        ao_call_continue(leader, spend);
        assert_int_equal(atomic_load(&ended), 1);
        assert_int_equal(atomic_load(&failed), 1);
        assert_int_equal(atomic_load(&computed), 2);
        ao_call_continue(leader, spend);
        assert_int_equal(atomic_load(&ended), 2);
        assert_int_equal(atomic_load(&failed), 1);
        ao_value_unref(list);
        ao_context_free(context);
    }
}

/* In any order, in time that does not grow with how many wait. */
static void those_who_wait_can_all_be_cancelled(void **state)
{
    static ao_task *tasks[30 * WAITERS];
    ao_context *context = group_world();
    ao_value list = make_list("same", "", "compute");
    size_t count = sizeof tasks / sizeof *tasks;

    (void)state;
    for (size_t i = 0; i < count; i++)
        start(context, list, see_anything, &tasks[i]);
    for (size_t i = 2; i < count; i += 3)
        ao_task_cancel(tasks[i]);
    for (size_t i = count; i-- > 1;)
        ao_task_cancel(tasks[i]); /* some for the second time */
    assert_int_equal(atomic_load(&ended), count - 1);
    assert_int_equal(atomic_load(&computed), 1);
    start(context, list, see_seven, NULL);
    ao_call_finish(leader, AO_OUTCOME_OK, ao_integer(7));
    assert_int_equal(atomic_load(&ended), count + 1);
    for (size_t i = 0; i < count; i++)
        ao_task_unref(tasks[i]);
    ao_value_unref(list);
    ao_context_free(context);
}

/* ---- Several threads ---- */

static beamr_status count_up(ao_call *call, beamr_error *err)
{
    (void)err;
    atomic_fetch_add(&computed, 1);
    return ao_call_ok(call, ao_integer(7));
}

static const ao_key count_keys[] = {{"count", count_up}, AO_KEYS_END};
static const ao_device dev_count = {
    .name = "count@1.0", .keys = count_keys, .group = name_of_x};

typedef struct work {
    ao_context *context;
    ao_value base, path;
} work;

static void *resolve_many(void *arg)
{
    const work *w = arg;

    for (int i = 0; i < 2000; i++) {
        ao_result result;

        if (ao_resolve_on(w->context, w->base, w->path, NULL, &result, NULL) != BEAMR_OK ||
            result_integer(result) != 7)
            atomic_fetch_add(&failed, 1);
    }
    return NULL;
}

static void threads_may_meet_in_a_group(void **state)
{
    ao_context *context = group_world();
    work w = {.context = context, .path = ao_binary_text("count")};
    pthread_t threads[4];
    ao_builder b;

    (void)state;
    world_add(context, &dev_count);
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "device", ao_binary_text("count@1.0"));
    ao_builder_put(&b, "x", ao_binary_text("same"));
    w.base = ao_builder_value(&b);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, resolve_many, &w), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&failed), 0);
    assert_in_range(atomic_load(&computed), 1, 8000);
    ao_value_unref(w.base);
    ao_value_unref(w.path);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_equal_requests_are_computed_once),
        cmocka_unit_test(a_failure_reaches_all),
        cmocka_unit_test(other_names_are_computed_apart),
        cmocka_unit_test(a_request_for_itself_is_refused),
        cmocka_unit_test(two_that_wait_for_each_other_are_refused),
        cmocka_unit_test(another_takes_the_place_of_a_cancelled_leader),
        cmocka_unit_test(those_who_wait_do_not_get_what_was_interrupted),
        cmocka_unit_test(each_decides_what_becomes_of_a_failure),
        cmocka_unit_test(each_has_its_own_number_of_requests),
        cmocka_unit_test(each_has_its_own_depth),
        cmocka_unit_test(those_who_wait_can_all_be_cancelled),
        cmocka_unit_test(threads_may_meet_in_a_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
