/* Entering functions from C: nesting, owners, interrupts, what is put back. */
#include "fixture.h"

#include <pthread.h>

#include "runtime/entry.h"

static abi_func *func_of(abi_store *s, abi_entry entry, uint32_t param_slots)
{
    wb_subtype sub = {.super = WB_NO_TYPE, .final = true};
    wb_valtype i64[1000];
    abi_func *f = NULL;
    uint32_t canon = 0;

    for (unsigned i = 0; i < 1000; i++)
        i64[i] = WB_I64;
    sub.func.params = i64;
    sub.func.param_count = sub.func.param_slots = param_slots;
    assert_int_equal(wb_registry_add(s->engine->registry, &sub, 1, &canon, NULL), BEAMR_OK);
    assert_int_equal(rt_host_func_new(s, canon, entry, NULL, NULL, NULL, &f, NULL), BEAMR_OK);
    return f;
}

/* As beamr_func_call, of arguments that are slots already. */
static beamr_status call_plain(abi_func *f, uint64_t *slots, beamr_error *err)
{
    bool outermost;
    beamr_status st = rt_store_enter(f->store, &outermost, err);

    if (st != BEAMR_OK)
        return st;
    st = rt_entry_begin(f, slots, false, NULL, err);
    rt_store_leave(f->store, outermost);
    return st;
}

static uint32_t deepest;

static beamr_status recurse(abi_func *f, abi_instance *caller, uint64_t *slots,
                            beamr_error *err)
{
    abi_store *s = f->store;

    (void)caller;
    deepest = s->nesting > deepest ? s->nesting : deepest;
    s->stack_top = slots + 1;
    s->frame_top++;
    s->units--;
    return call_plain(f, s->stack_top, err);
}

static void nesting_is_limited_and_everything_is_put_back(void **state)
{
    abi_store *s = fixture_store();
    abi_func *f = func_of(s, recurse, 0);
    beamr_error err = {0};

    (void)state;
    deepest = 0;
    assert_trap(call_plain(f, s->stack_top, &err), STACK_EXHAUSTED, err);
    assert_int_equal(deepest, fixture_limits.max_nesting);
    assert_int_equal(s->nesting, 0);
    assert_ptr_equal(s->stack_top, s->stack);
    assert_ptr_equal(s->frame_top, s->frames);
    assert_int_equal(s->units, s->max_units);
    assert_int_equal(atomic_load(&s->owner), 0);
    rt_store_free(s);
}

static void arguments_of_host_functions_need_units(void **state)
{
    abi_store *s = fixture_store();
    abi_func *f = func_of(s, recurse, 1000);
    beamr_error err = {0};

    (void)state;
    s->units = 999;
    deepest = 0;
    assert_trap(call_plain(f, s->stack_top, &err), STACK_EXHAUSTED, err);
    assert_int_equal(deepest, 0);
    rt_store_free(s);
}

static beamr_status answer(abi_func *f, abi_instance *caller, uint64_t *slots, beamr_error *err)
{
    (void)caller;
    (void)slots;
    return rt_store_poll(f->store, err);
}

static void interrupt_ends_one_outermost_call(void **state)
{
    abi_store *s = fixture_store();
    abi_func *f = func_of(s, answer, 0);
    beamr_error err = {0};

    (void)state;
    atomic_store(&s->interrupt, ABI_INTERRUPT);
    assert_trap(call_plain(f, s->stack_top, &err), INTERRUPTED, err);
    assert_int_equal(call_plain(f, s->stack_top, NULL), BEAMR_OK);
    atomic_store(&s->interrupt, ABI_INTERRUPT);
    assert_int_equal(call_plain(f, s->stack_top, NULL), BEAMR_TRAP);
    assert_int_equal(call_plain(f, s->stack_top, NULL), BEAMR_OK);
    rt_store_free(s);
}

static uint32_t asked_after_inner;

static beamr_status call_inner(abi_func *f, abi_instance *caller, uint64_t *slots,
                               beamr_error *err)
{
    abi_func *inner = func_of(f->store, answer, 0);

    (void)caller;
    (void)err;
    atomic_store(&f->store->interrupt, ABI_INTERRUPT);
    assert_int_equal(call_plain(inner, slots, NULL), BEAMR_TRAP);
    asked_after_inner = atomic_load(&f->store->interrupt);
    return BEAMR_OK;
}

static void interrupt_of_an_inner_call_is_for_the_outer_too(void **state)
{
    abi_store *s = fixture_store();
    abi_func *f = func_of(s, call_inner, 0);

    (void)state;
    assert_int_equal(call_plain(f, s->stack_top, NULL), BEAMR_OK);
    assert_int_equal(asked_after_inner, ABI_INTERRUPT);
    assert_int_equal(atomic_load(&s->interrupt), 0);
    rt_store_free(s);
}

typedef struct guest_of_thread {
    abi_func *f;
    beamr_status st;
} guest_of_thread;

static void *call_in_thread(void *arg)
{
    guest_of_thread *g = arg;

    g->st = call_plain(g->f, g->f->store->stack_top, NULL);
    return NULL;
}

static beamr_status call_from_elsewhere(guest_of_thread *g)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, call_in_thread, g), 0);
    pthread_join(thread, NULL);
    return g->st;
}

static beamr_status spawn(abi_func *f, abi_instance *caller, uint64_t *slots, beamr_error *err)
{
    guest_of_thread g = {func_of(f->store, answer, 0), BEAMR_OK};

    (void)caller;
    (void)err;
    assert_int_equal(call_from_elsewhere(&g), BEAMR_BUSY);
    return call_plain(g.f, slots, NULL); /* this thread may */
}

static void another_thread_is_turned_away_while_a_call_runs(void **state)
{
    abi_store *s = fixture_store();
    guest_of_thread g = {func_of(s, answer, 0), BEAMR_OK};

    (void)state;
    assert_int_equal(call_from_elsewhere(&g), BEAMR_OK);
    assert_int_equal(call_plain(func_of(s, spawn, 0), s->stack_top, NULL), BEAMR_OK);
    assert_int_equal(call_from_elsewhere(&g), BEAMR_OK);
    rt_store_free(s);
}

static void stack_can_be_used_to_its_end(void **state)
{
    abi_store *s = fixture_store();
    uint64_t slots = (uint64_t)s->max_units + RT_STACK_SLACK;

    (void)state;
    s->stack[0] = s->stack[slots - 1] = 1;
    assert_ptr_equal(s->frames, s->stack + slots);
    s->frames[s->max_units / WB_UNITS_FRAME + s->max_nesting + 15].units = 1;
    rt_store_free(s);
}

static unsigned finalized;

static void finalize(void *user)
{
    finalized += *(unsigned *)user;
}

static void freeing_the_store_finalizes_host_functions(void **state)
{
    abi_store *s = fixture_store();
    abi_func *f = func_of(s, answer, 0);
    unsigned weight = 5;

    (void)state;
    f->user = &weight;
    f->finalize = finalize;
    rt_store_free(s);
    assert_int_equal(finalized, 5);
    rt_store_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesting_is_limited_and_everything_is_put_back),
        cmocka_unit_test(arguments_of_host_functions_need_units),
        cmocka_unit_test(interrupt_ends_one_outermost_call),
        cmocka_unit_test(interrupt_of_an_inner_call_is_for_the_outer_too),
        cmocka_unit_test(another_thread_is_turned_away_while_a_call_runs),
        cmocka_unit_test(stack_can_be_used_to_its_end),
        cmocka_unit_test(freeing_the_store_finalizes_host_functions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
