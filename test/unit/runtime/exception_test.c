/* Exceptions: the unreachable ones go, all others stay. */
#include "fixture.h"

typedef struct thrower {
    abi_store *s;
    abi_tag *plain; /* [] */
    abi_tag *chain; /* [exnref i64] */
    abi_tag *large; /* 1000 vectors */
} thrower;

static abi_tag *tag_of(abi_store *s, const wb_valtype *params, uint32_t count)
{
    wb_subtype sub = {.super = WB_NO_TYPE, .final = true};
    abi_tag *tag = NULL;
    uint32_t canon = 0;

    sub.func.params = params;
    sub.func.param_count = count;
    for (uint32_t i = 0; i < count; i++)
        sub.func.param_slots += wb_valtype_slots(params[i]);
    assert_int_equal(wb_registry_add(s->engine->registry, &sub, 1, &canon, NULL), BEAMR_OK);
    assert_int_equal(rt_store_own_type(s, canon, NULL), BEAMR_OK);
    assert_int_equal(rt_tag_new(s, canon, &tag, NULL), BEAMR_OK);
    return tag;
}

static thrower thrower_new(void)
{
    static const wb_valtype chain[] = {WB_EXNREF, WB_I64};
    wb_valtype large[1000];
    thrower t = {.s = fixture_store()};

    for (unsigned i = 0; i < 1000; i++)
        large[i] = WB_V128;
    t.plain = tag_of(t.s, NULL, 0);
    t.chain = tag_of(t.s, chain, 2);
    t.large = tag_of(t.s, large, 1000);
    return t;
}

static abi_exception *throw_plain(thrower *t)
{
    abi_exception *e = rt_exception_new(t->s, t->plain, t->s->stack_top, t->s->stack_top);

    assert_non_null(e);
    return e;
}

static abi_exception *throw_chain(thrower *t, abi_exception *inner, uint64_t number)
{
    uint64_t slots[2] = {(uintptr_t)inner, number};
    abi_exception *e = rt_exception_new(t->s, t->chain, slots, t->s->stack_top);

    assert_non_null(e);
    return e;
}

static void throw_many(thrower *t, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        throw_plain(t);
}

/* One with arguments: throw_many may get the memory of those that went. */
static bool is_live(const thrower *t, const abi_exception *wanted)
{
    for (const abi_exception *e = t->s->exceptions; e; e = e->next)
        if (e == wanted && e->slot_count == 2)
            return true;
    return false;
}

static void many_throws_take_constant_memory(void **state)
{
    thrower t = thrower_new();

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        throw_many(&t, 1000);
        assert_in_range(t.s->exception_count, 0, 2 * 256);
    }
    rt_store_free(t.s);
}

static void slots_below_the_live_end_keep_their_exceptions(void **state)
{
    thrower t = thrower_new();
    abi_exception *held = throw_chain(&t, NULL, 1);
    abi_exception *lost = throw_chain(&t, NULL, 2);

    (void)state;
    t.s->stack[10] = (uintptr_t)held;
    t.s->stack[20] = (uintptr_t)lost;
    t.s->stack[11] = (uintptr_t)held + 1; /* looks like one */
    t.s->stack_top = t.s->stack + 20;
    throw_many(&t, 1000);
    assert_true(is_live(&t, held));
    assert_false(is_live(&t, lost));
    t.s->stack[10] = 0;
    throw_many(&t, 1000);
    assert_false(is_live(&t, held));
    rt_store_free(t.s);
}

static void globals_tables_pins_and_pending_keep_theirs(void **state)
{
    thrower t = thrower_new();
    wb_tabletype type = {{3, 3, true, false}, WB_REFTYPE(true, WB_HEAP_EXN)};
    uint64_t zero[2] = {0};
    abi_exception *held[4];
    abi_global *global = NULL;
    abi_table *table = NULL;

    (void)state;
    assert_int_equal(rt_global_new(t.s, (wb_globaltype){WB_EXNREF, true}, zero, &global, NULL),
                     BEAMR_OK);
    assert_int_equal(rt_table_new(t.s, &type, 0, &table, NULL), BEAMR_OK);
    for (unsigned i = 0; i < 4; i++)
        held[i] = throw_chain(&t, NULL, i);
    global->slots[0] = (uintptr_t)held[0];
    table->elems[2] = (uintptr_t)held[1];
    held[2]->pins = 1;
    t.s->pending = held[3];
    throw_many(&t, 1000);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(is_live(&t, held[i]));
        assert_int_equal(held[i]->slots[1], i);
    }
    global->slots[0] = table->elems[2] = 0;
    held[2]->pins = 0;
    t.s->pending = NULL;
    throw_many(&t, 1000);
    for (unsigned i = 0; i < 4; i++)
        assert_false(is_live(&t, held[i]));
    rt_store_free(t.s);
}

static void element_segments_keep_theirs(void **state)
{
    thrower t = thrower_new();
    abi_exception *held = throw_chain(&t, NULL, 8);
    rt_extern item = {.kind = WB_EXTERN_GLOBAL};
    uint64_t slots[2] = {(uintptr_t)held, 0};
    abi_instance *inst = NULL;
    wasm_builder w = {0};

    (void)state;
    assert_int_equal(
        rt_global_new(t.s, (wb_globaltype){WB_EXNREF, false}, slots, &item.of.global, NULL),
        BEAMR_OK);
    wasm_begin(&w);
    wasm_section(&w, WASM_IMPORT);
    WASM(&w, 1, 1, 'e', 1, 'g', 0x03, 0x69, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_ELEMENT);
    WASM(&w, 1, 0x05, 0x69, 1, 0x23, 0, 0x0b); /* passive: the global */
    wasm_end(&w);
    assert_int_equal(fixture_instance(t.s, &w, &item, 1, &inst, NULL), BEAMR_OK);
    item.of.global->slots[0] = 0;
    throw_many(&t, 1000);
    assert_true(is_live(&t, held));
    rt_elem_drop(inst, 0);
    throw_many(&t, 1000);
    assert_false(is_live(&t, held));
    rt_store_free(t.s);
}

/* Deep enough to overflow the C stack if marking recursed. */
static void long_chains_are_kept_whole_and_freed_whole(void **state)
{
    thrower t = thrower_new();
    abi_exception *top = NULL;
    unsigned depth = 0;

    (void)state;
    for (unsigned i = 0; i < 300000; i++) {
        top = throw_chain(&t, top, i);
        t.s->stack[0] = (uintptr_t)top;
        t.s->stack_top = t.s->stack + 1;
    }
    throw_many(&t, 300000);
    for (abi_exception *e = top; e; e = (abi_exception *)(uintptr_t)e->slots[0])
        assert_int_equal(e->slots[1], 300000 - ++depth);
    assert_int_equal(depth, 300000);
    t.s->stack_top = t.s->stack;
    throw_many(&t, 1000000);
    assert_in_range(t.s->exception_count, 0, 2000);
    rt_store_free(t.s);
}

static void arguments_of_the_new_one_are_kept(void **state)
{
    thrower t = thrower_new();

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        abi_exception *inner = throw_chain(&t, NULL, 5);
        abi_exception *outer = throw_chain(&t, inner, 6);

        assert_true(is_live(&t, inner));
        assert_int_equal(((abi_exception *)(uintptr_t)outer->slots[0])->slots[1], 5);
    }
    rt_store_free(t.s);
}

static void exceptions_in_use_have_a_limit(void **state)
{
    thrower t = thrower_new();
    uint64_t made = 0;
    abi_exception *e;

    (void)state;
    while ((e = rt_exception_new(t.s, t.large, t.s->stack, t.s->stack))) {
        e->pins = 1;
        made++;
        assert_true(t.s->exception_bytes <= RT_EXCEPTION_BYTES);
    }
    assert_true(made > RT_EXCEPTION_BYTES / 16100);
    for (e = t.s->exceptions; e; e = e->next)
        e->pins = 0;
    assert_non_null(rt_exception_new(t.s, t.large, t.s->stack, t.s->stack));
    assert_int_equal(t.s->exception_count, 1);
    rt_store_free(t.s);
}

enum { LINKS = 20000 };

static void assert_chain(const abi_exception *e)
{
    for (unsigned i = LINKS; i-- > 0; e = (const abi_exception *)(uintptr_t)e->slots[0])
        assert_int_equal(e->slots[1], i);
}

static void a_collection_that_an_interrupt_stops_loses_nothing(void **state)
{
    thrower t = thrower_new();
    abi_exception *e = NULL;
    uint64_t before;

    (void)state;
    for (unsigned i = 0; i < LINKS; i++)
        e = throw_chain(&t, e, i);
    e->pins = 1;
    throw_many(&t, 100);
    before = t.s->exception_count;
    atomic_store(&t.s->interrupt, ABI_INTERRUPT);
    for (int i = 0; i < 3; i++) {
        t.s->exceptions_until_collect = 0;
        throw_plain(&t);
    }
    assert_int_equal(t.s->exception_count, before + 3);
    assert_chain(e);
    atomic_store(&t.s->interrupt, 0);
    t.s->exceptions_until_collect = 0;
    throw_plain(&t);
    assert_int_equal(t.s->exception_count, LINKS + 1);
    assert_chain(e);
    rt_store_free(t.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_throws_take_constant_memory),
        cmocka_unit_test(slots_below_the_live_end_keep_their_exceptions),
        cmocka_unit_test(globals_tables_pins_and_pending_keep_theirs),
        cmocka_unit_test(element_segments_keep_theirs),
        cmocka_unit_test(long_chains_are_kept_whole_and_freed_whole),
        cmocka_unit_test(arguments_of_the_new_one_are_kept),
        cmocka_unit_test(exceptions_in_use_have_a_limit),
        cmocka_unit_test(a_collection_that_an_interrupt_stops_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
