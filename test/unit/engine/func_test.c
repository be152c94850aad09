/* Host functions, called from C: values, errors, exceptions. No guest code runs. */
#include "fixture.h"

#include <pthread.h>

/* Results are the arguments. */
static beamr_status echo(const beamr_call *call, const beamr_value *args, beamr_value *results,
                         beamr_error *err)
{
    size_t count = *(size_t *)call->user;

    (void)err;
    assert_null(call->caller);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(results[i].kind, args[i].kind);
        results[i] = args[i];
    }
    return BEAMR_OK;
}

static void values_of_every_kind_pass_unchanged(void **state)
{
    fixture f = fixture_open();
    size_t count = 8;
    beamr_func *func = fixture_func(&f, "ilfdvFXE", "ilfdvFXE", echo, &count);
    uint32_t nan = 0x7fa00001;
    beamr_value args[8] = {
        beamr_i32(-1),
        beamr_i64(INT64_MIN),
        {.kind = BEAMR_F32},
        beamr_f64(-0.0),
        {.kind = BEAMR_V128,
         .of.v128 = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
        {.kind = BEAMR_FUNCREF, .of.func = func},
        {.kind = BEAMR_EXTERNREF, .of.external = &count},
        {.kind = BEAMR_EXNREF},
    };
    beamr_value results[8];

    (void)state;
    memcpy(&args[2].of, &nan, sizeof nan);
    assert_int_equal(beamr_func_call(func, args, 8, results, 8, NULL), BEAMR_OK);
    assert_int_equal(results[0].of.i32, -1);
    assert_true(results[1].of.i64 == INT64_MIN);
    assert_memory_equal(&results[2].of, &nan, 4);
    assert_memory_equal(&results[3].of, &args[3].of, 8);
    assert_memory_equal(results[4].of.v128, args[4].of.v128, 16);
    assert_ptr_equal(results[5].of.func, func);
    assert_ptr_equal(results[6].of.external, &count);
    assert_null(results[7].of.exception);
    fixture_close(&f);
}

static void a_thousand_values_pass(void **state)
{
    fixture f = fixture_open();
    static char letters[1002];
    static beamr_value args[1000], results[1000];
    size_t count = 1000;
    beamr_func *func;

    (void)state;
    memset(letters, 'v', 1000);
    func = fixture_func(&f, letters, letters, echo, &count);
    for (size_t i = 0; i < 1000; i++) {
        args[i].kind = BEAMR_V128;
        args[i].of.v128[i % 16] = (uint8_t)i;
    }
    assert_int_equal(beamr_func_call(func, args, 1000, results, 1000, NULL), BEAMR_OK);
    for (size_t i = 0; i < 1000; i++)
        assert_memory_equal(results[i].of.v128, args[i].of.v128, 16);
    letters[1000] = 'v';
    assert_int_equal(
        beamr_func_new(f.store, fixture_type(letters, ""), echo, NULL, NULL, &func, NULL),
        BEAMR_LIMIT);
    fixture_close(&f);
}

static void wrong_arguments_are_named(void **state)
{
    fixture f = fixture_open();
    size_t count = 0;
    beamr_func *func = fixture_func(&f, "il", "", echo, &count);
    beamr_value args[2] = {beamr_i32(1), beamr_f32(2)};
    beamr_error err = {0};

    (void)state;
    assert_int_equal(beamr_func_call(func, args, 2, NULL, 0, &err), BEAMR_ARGUMENT);
    assert_text(err, "argument 2: i64 expected, f32 given");
    beamr_error_clear(&err);
    assert_int_equal(beamr_func_call(func, args, 1, NULL, 0, &err), BEAMR_ARGUMENT);
    assert_text(err, "2 arguments expected, 1 given");
    beamr_error_clear(&err);
    assert_int_equal(beamr_func_call(func, args, 2, args, 1, &err), BEAMR_ARGUMENT);
    assert_text(err, "0 results");
    fixture_close(&f);
}

typedef struct misbehaviour {
    beamr_status st;
    const char *text;
    beamr_kind kind;
} misbehaviour;

static beamr_status misbehave(const beamr_call *call, const beamr_value *args,
                              beamr_value *results, beamr_error *err)
{
    const misbehaviour *m = call->user;

    (void)args;
    results[0].kind = m->kind;
    return m->text ? beamr_fail(err, m->st, 0, "%s", m->text) : m->st;
}

static void errors_of_callbacks_become_traps(void **state)
{
    static const struct {
        misbehaviour how;
        beamr_trap trap;
        const char *text;
    } cases[] = {
        {{BEAMR_IO, "disk on fire", BEAMR_I32}, BEAMR_TRAP_HOST, "disk on fire"},
        {{BEAMR_NOT_FOUND, NULL, BEAMR_I32}, BEAMR_TRAP_HOST, "not found"},
        {{BEAMR_NO_MEMORY, "no room", BEAMR_I32}, BEAMR_TRAP_OUT_OF_MEMORY, "no room"},
        {{BEAMR_TRAP, NULL, BEAMR_I32}, BEAMR_TRAP_HOST, "host function failed"},
        {{BEAMR_EXCEPTION, NULL, BEAMR_I32}, BEAMR_TRAP_HOST, "set no exception"},
        {{BEAMR_OK, NULL, BEAMR_F64}, BEAMR_TRAP_HOST, "result 1: i32 expected, f64 given"},
    };
    fixture f = fixture_open();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        misbehaviour how = cases[i].how;
        beamr_func *func = fixture_func(&f, "", "i", misbehave, &how);
        beamr_value result = beamr_i64(9);
        beamr_error err = {0};

        assert_int_equal(beamr_func_call(func, NULL, 0, &result, 1, &err), BEAMR_TRAP);
        assert_int_equal(err.status, BEAMR_TRAP);
        assert_int_equal(err.trap, cases[i].trap);
        assert_text(err, cases[i].text);
        assert_int_equal(result.kind, BEAMR_I64);
        assert_int_equal(beamr_func_call(func, NULL, 0, &result, 1, NULL), BEAMR_TRAP);
    }
    fixture_close(&f);
}

static beamr_status trap_plainly(const beamr_call *call, const beamr_value *args,
                                 beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)results;
    return beamr_fail_trap(err, BEAMR_TRAP_INTEGER_OVERFLOW, "by choice");
}

static beamr_status swallow(const beamr_call *call, const beamr_value *args,
                            beamr_value *results, beamr_error *err)
{
    (void)args;
    (void)results;
    assert_int_not_equal(beamr_func_call(call->user, NULL, 0, NULL, 0, err), BEAMR_OK);
    return BEAMR_OK;
}

static beamr_status pass_on(const beamr_call *call, const beamr_value *args,
                            beamr_value *results, beamr_error *err)
{
    (void)args;
    (void)results;
    return beamr_func_call(call->user, NULL, 0, NULL, 0, err);
}

static void traps_pass_as_they_are_and_can_be_swallowed(void **state)
{
    fixture f = fixture_open();
    beamr_func *trap = fixture_func(&f, "", "", trap_plainly, NULL);
    beamr_error err = {0};

    (void)state;
    assert_int_equal(
        beamr_func_call(fixture_func(&f, "", "", swallow, trap), NULL, 0, NULL, 0, &err),
        BEAMR_OK);
    assert_int_equal(err.status, BEAMR_OK);
    assert_int_equal(
        beamr_func_call(fixture_func(&f, "", "", pass_on, trap), NULL, 0, NULL, 0, &err),
        BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTEGER_OVERFLOW);
    assert_string_equal(err.text, "integer overflow: by choice");
    fixture_close(&f);
}

static beamr_status throw_tag(const beamr_call *call, const beamr_value *args,
                              beamr_value *results, beamr_error *err)
{
    beamr_value values[3] = {beamr_i32(3), {.kind = BEAMR_V128, .of.v128 = {4}}, beamr_f64(5)};

    (void)args;
    (void)results;
    return beamr_throw(call->store, call->user, values, 3, err);
}

static void exceptions_reach_the_embedder(void **state)
{
    fixture f = fixture_open();
    beamr_tag *tag = NULL;
    beamr_func *thrower, *outer;
    beamr_exception *e;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(beamr_tag_new(f.store, fixture_type("ivd", ""), &tag, NULL), BEAMR_OK);
    assert_int_equal(beamr_tag_new(f.store, fixture_type("", "i"), &tag, NULL), BEAMR_ARGUMENT);
    assert_int_equal(beamr_tag_type(tag).param_count, 3);
    thrower = fixture_func(&f, "", "", throw_tag, tag);
    outer = fixture_func(&f, "", "", pass_on, thrower);
    assert_int_equal(beamr_func_call(outer, NULL, 0, NULL, 0, &err), BEAMR_EXCEPTION);
    assert_int_equal(err.status, BEAMR_EXCEPTION);
    assert_text(err, "uncaught exception");
    e = beamr_exception_take(f.store);
    assert_non_null(e);
    assert_null(beamr_exception_take(f.store));
    for (unsigned i = 0; i < 5000; i++) /* collections run */
        assert_int_equal(beamr_func_call(outer, NULL, 0, NULL, 0, NULL), BEAMR_EXCEPTION);
    assert_ptr_equal(beamr_exception_tag(e), tag);
    assert_int_equal(beamr_exception_arg_count(e), 3);
    assert_int_equal(beamr_exception_arg(e, 0).of.i32, 3);
    assert_int_equal(beamr_exception_arg(e, 1).of.v128[0], 4);
    assert_true(beamr_exception_arg(e, 2).of.f64 == 5);
    assert_int_equal(beamr_exception_arg(e, 3).of.i64, 0);
    beamr_exception_retain(f.store, e);
    beamr_exception_release(f.store, e);
    beamr_exception_release(f.store, e);
    beamr_exception_release(f.store, NULL);
    outer = fixture_func(&f, "", "", swallow, thrower);
    beamr_error_clear(&err);
    assert_int_equal(beamr_func_call(outer, NULL, 0, NULL, 0, &err), BEAMR_OK);
    assert_null(beamr_exception_take(f.store));
    fixture_close(&f);
}

static void throw_checks_its_arguments(void **state)
{
    fixture f = fixture_open();
    fixture other = fixture_open();
    beamr_tag *tag = NULL;
    beamr_value v = beamr_i64(1);
    beamr_error err = {0};

    (void)state;
    assert_int_equal(beamr_tag_new(f.store, fixture_type("i", ""), &tag, NULL), BEAMR_OK);
    assert_int_equal(beamr_throw(f.store, tag, &v, 1, &err), BEAMR_ARGUMENT);
    assert_text(err, "i32 expected, i64 given");
    assert_int_equal(beamr_throw(f.store, tag, &v, 0, NULL), BEAMR_ARGUMENT);
    v = beamr_i32(1);
    assert_int_equal(beamr_throw(other.store, tag, &v, 1, NULL), BEAMR_ARGUMENT);
    assert_int_equal(beamr_throw(f.store, tag, &v, 1, NULL), BEAMR_EXCEPTION);
    beamr_exception_release(f.store, beamr_exception_take(f.store));
    fixture_close(&other);
    fixture_close(&f);
}

/* An exception among the arguments stays, though throws go on. */
static beamr_status throw_much(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    beamr_tag *tag = call->user;
    beamr_value none = {.kind = BEAMR_I32};

    (void)results;
    for (int i = 0; i < 3000; i++)
        assert_int_equal(beamr_throw(call->store, tag, &none, 1, err), BEAMR_EXCEPTION);
    assert_int_equal(beamr_exception_arg(args[0].of.exception, 0).of.i32, 77);
    return BEAMR_OK;
}

static void argument_exceptions_stay_during_the_call(void **state)
{
    fixture f = fixture_open();
    beamr_tag *tag = NULL;
    beamr_value v = beamr_i32(77);
    beamr_value arg = {.kind = BEAMR_EXNREF};

    (void)state;
    assert_int_equal(beamr_tag_new(f.store, fixture_type("i", ""), &tag, NULL), BEAMR_OK);
    assert_int_equal(beamr_throw(f.store, tag, &v, 1, NULL), BEAMR_EXCEPTION);
    arg.of.exception = beamr_exception_take(f.store);
    beamr_exception_release(f.store, arg.of.exception);
    assert_int_equal(
        beamr_func_call(fixture_func(&f, "E", "", throw_much, tag), &arg, 1, NULL, 0, NULL),
        BEAMR_OK);
    fixture_close(&f);
}

static beamr_status recurse(const beamr_call *call, const beamr_value *args,
                            beamr_value *results, beamr_error *err)
{
    beamr_func **self = call->user;

    (void)results;
    return beamr_func_call(*self, args, 1, results, 1, err);
}

static void nesting_and_stack_units_bound_recursion(void **state)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_func *self = NULL;
    beamr_value v = beamr_i32(1);
    beamr_error err = {0};
    fixture f = fixture_open();

    (void)state;
    self = fixture_func(&f, "i", "i", recurse, &self);
    assert_int_equal(beamr_func_call(self, &v, 1, &v, 1, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
    fixture_close(&f);
    limits.max_stack_units = 10;
    f = fixture_open_with(NULL, &limits);
    self = fixture_func(&f, "i", "i", recurse, &self);
    beamr_error_clear(&err);
    assert_int_equal(beamr_func_call(self, &v, 1, &v, 1, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
    fixture_close(&f);
}

typedef struct helper {
    beamr_func *func;
    beamr_status st;
} helper;

static void *run_helper(void *arg)
{
    helper *h = arg;

    h->st = beamr_func_call(h->func, NULL, 0, NULL, 0, NULL);
    return NULL;
}

static beamr_status call_from_thread(const beamr_call *call, const beamr_value *args,
                                     beamr_value *results, beamr_error *err)
{
    pthread_t thread;

    (void)args;
    (void)results;
    (void)err;
    assert_int_equal(pthread_create(&thread, NULL, run_helper, call->user), 0);
    pthread_join(thread, NULL);
    return BEAMR_OK;
}

static void other_threads_are_turned_away(void **state)
{
    fixture f = fixture_open();
    size_t count = 0;
    helper h = {fixture_func(&f, "", "", echo, &count), BEAMR_OK};
    beamr_func *outer = fixture_func(&f, "", "", call_from_thread, &h);

    (void)state;
    assert_int_equal(beamr_func_call(outer, NULL, 0, NULL, 0, NULL), BEAMR_OK);
    assert_int_equal(h.st, BEAMR_BUSY);
    run_helper(&h);
    assert_int_equal(h.st, BEAMR_OK);
    fixture_close(&f);
}

static void count_down(void *user)
{
    --*(int *)user;
}

static void functions_are_finalized_with_the_store(void **state)
{
    fixture f = fixture_open();
    beamr_func *func = NULL;
    int left = 3;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            beamr_func_new(f.store, fixture_type("", ""), echo, &left, count_down, &func, NULL),
            BEAMR_OK);
    assert_int_equal(
        beamr_func_new(f.store, fixture_type("", ""), NULL, &left, count_down, &func, NULL),
        BEAMR_ARGUMENT);
    assert_int_equal(beamr_func_type(func).param_count, 0);
    assert_int_equal(left, 3);
    fixture_close(&f);
    assert_int_equal(left, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_kind_pass_unchanged),
        cmocka_unit_test(a_thousand_values_pass),
        cmocka_unit_test(wrong_arguments_are_named),
        cmocka_unit_test(errors_of_callbacks_become_traps),
        cmocka_unit_test(traps_pass_as_they_are_and_can_be_swallowed),
        cmocka_unit_test(exceptions_reach_the_embedder),
        cmocka_unit_test(throw_checks_its_arguments),
        cmocka_unit_test(argument_exceptions_stay_during_the_call),
        cmocka_unit_test(nesting_and_stack_units_bound_recursion),
        cmocka_unit_test(other_threads_are_turned_away),
        cmocka_unit_test(functions_are_finalized_with_the_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
