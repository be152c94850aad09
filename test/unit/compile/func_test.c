/* What becomes of bodies: that LLVM accepts it whatever its shape, and that polls, charges and
 * calls are where they belong and nowhere else. What the code does is compared with the
 * interpreter elsewhere (test/diff, unit/native). */
#include <llvm-c/Analysis.h>
#include <llvm-c/DebugInfo.h>

#include "unit/compile/modules.h"

typedef struct built {
    wb_module m;
    compile_options options;
    compile_job job;
    compile_unit u;
    bool compiled; /* the last function */
    char *text;    /* all functions, once somebody looks */
} built;

/* Compile a module's functions, each of which LLVM must accept. Takes the builder. */
static void build(built *b, wasm_builder *w, uint32_t flags)
{
    beamr_error err = {0};
    char *text = NULL;

    *b = (built){.options = options_of(ABI_ARCH_X86_64)};
    b->options.flags = flags;
    module_decode(&b->m, w);
    wasm_free(w);
    b->job = job_of(&b->m, &b->options);
    b->job.catches = abi_module_catches(&b->m);
    b->job.tails = (b->m.used & WB_FEATURE_BIT(TAIL_CALL)) != 0;
    b->job.tail_words = compile_tail_words(&b->job);
    assert_int_equal(compile_llvm_start(ABI_ARCH_X86_64, &err), BEAMR_OK);
    assert_int_equal(compile_unit_init(&b->u, &b->job, COMPILE_FULL, &err), BEAMR_OK);
    for (uint32_t i = b->m.func_imports; i < b->m.func_count; i++)
        b->compiled = compile_func_build(&b->u, i);
    LLVMDIBuilderFinalize(b->u.di);
    if (LLVMVerifyModule(b->u.module, LLVMReturnStatusAction, &text))
        fail_msg("%s", text);
    LLVMDisposeMessage(text);
}

static void done(built *b)
{
    if (b->text)
        LLVMDisposeMessage(b->text);
    compile_unit_clear(&b->u);
    free(b->job.throws);
    wb_module_clear(&b->m);
}

static unsigned count_of(built *b, const char *what)
{
    unsigned count = 0;

    if (!b->text)
        b->text = LLVMPrintModuleToString(b->u.module);
    for (const char *at = b->text; (at = strstr(at, what)); at += strlen(what))
        count++;
    return count;
}

/* Begin a module with one function [i32] -> [i32], up to its body, which is sized and has two
 * more locals; finish it and compile. */
static void one_begin(wasm_builder *w)
{
    *w = (wasm_builder){0};
    module_begin(w, 1);
    wasm_sized(w);
    WASM(w, 1, 2, 0x7f);
}

static void one_build(built *b, wasm_builder *w, uint32_t flags)
{
    WASM(w, 0x0b);
    wasm_end(w);
    wasm_end(w);
    build(b, w, flags);
}

/* Count one function's `what`, given its body's bytes. */
#define CHECK_COUNT(flags, what, expected, ...)                                                \
    do {                                                                                       \
        wasm_builder w_;                                                                       \
        built b_;                                                                              \
                                                                                               \
        one_begin(&w_);                                                                        \
        WASM(&w_, __VA_ARGS__);                                                                \
        one_build(&b_, &w_, (flags));                                                          \
        assert_true(b_.compiled);                                                              \
        assert_int_equal(count_of(&b_, (what)), (expected));                                   \
        done(&b_);                                                                             \
    } while (0)

/* A call of the runtime that saves all registers: ENTER, POLL. */
#define ASKS "call preserve_allcc void"
#define LOOP 0x03, 0x40
#define BLOCK 0x02, 0x40
#define IF 0x04, 0x40
#define ELSE 0x05
#define END 0x0b
#define BR(n) 0x0c, (n)
#define BR_IF(n) 0x0d, (n)
#define GET(n) 0x20, (n)
#define SET(n) 0x21, (n)
#define ADD 0x6a

/* ---- Polls ---- */

static void only_jumps_back_poll(void **state)
{
    (void)state;
    CHECK_COUNT(0, ASKS, 1, GET(0));
    CHECK_COUNT(0, ASKS, 1, LOOP, END, GET(0));
    CHECK_COUNT(0, ASKS, 1, BLOCK, GET(0), BR_IF(0), END, GET(0));
    CHECK_COUNT(0, ASKS, 2, LOOP, GET(0), BR_IF(0), END, GET(0));
    CHECK_COUNT(0, ASKS, 3, LOOP, GET(0), BR_IF(0), BR(0), END, 0x00);
    CHECK_COUNT(ABI_OBJECT_NO_POLLS, ASKS, 1, LOOP, GET(0), BR_IF(0), END, GET(0));
}

static void a_br_table_polls_if_a_label_is_a_loop(void **state)
{
    (void)state;
    CHECK_COUNT(0, ASKS, 1, BLOCK, BLOCK, GET(0), 0x0e, 2, 0, 1, 0, END, END, GET(0));
    CHECK_COUNT(0, ASKS, 2, LOOP, BLOCK, GET(0), 0x0e, 2, 0, 1, 0, END, END, GET(0));
}

/* ---- Fuel ---- */

static void a_block_is_charged_once(void **state)
{
    (void)state;
    CHECK_COUNT(0, "icmp ult", 0, GET(0), GET(0), ADD);
    CHECK_COUNT(ABI_OBJECT_METERING, "icmp ult i64", 1, GET(0), GET(0), ADD);
    CHECK_COUNT(ABI_OBJECT_METERING, ", 3\n", 2, GET(0), GET(0), ADD); /* compared, taken */
    /* before the loop, each round, behind br_if, behind the loop */
    CHECK_COUNT(ABI_OBJECT_METERING, "icmp ult i64", 4, GET(0), SET(1), LOOP, GET(0), BR_IF(0),
                GET(1), SET(0), END, GET(0));
}

static void what_costs_nothing_is_not_charged(void **state)
{
    (void)state;
    CHECK_COUNT(ABI_OBJECT_METERING, "icmp ult i64", 1, BLOCK, BLOCK, END, LOOP, END, END,
                GET(0));
    CHECK_COUNT(ABI_OBJECT_METERING, "icmp ult i64", 1, GET(0), 0x0f, BLOCK, GET(0), 0x1a, END);
}

/* ---- Shapes ---- */

static void code_that_cannot_be_reached_is_skipped(void **state)
{
    (void)state;
    CHECK_COUNT(0, " add ", 0, GET(0), 0x0f, ADD, LOOP, GET(0), BR_IF(0), END, IF, ELSE, END);
    CHECK_COUNT(0, " add ", 0, 0x00, ADD, ADD, 0x1b);
    CHECK_COUNT(0, " add ", 0, LOOP, BR(0), END, GET(0), GET(0), ADD);
    CHECK_COUNT(0, " add ", 0, GET(0), IF, 0x00, ELSE, 0x00, END, GET(0), GET(0), ADD);
    CHECK_COUNT(0, " add ", 1, GET(0), IF, 0x00, END, GET(0), GET(0), ADD);
    CHECK_COUNT(0, " add ", 1, BLOCK, BLOCK, BR(1), END, 0x00, END, GET(0), GET(0), ADD);
}

static void values_travel_with_branches(void **state)
{
    (void)state;
    /* block (result i32): 1, or the parameter */
    CHECK_COUNT(0, "phi i32", 1, 0x02, 0x7f, GET(0), GET(0), BR_IF(0), 0x1a, 0x41, 1, END);
    /* if (param i32) (result i32) without else */
    CHECK_COUNT(0, "phi i32", 1, GET(0), GET(0), 0x04, 0, GET(0), ADD, END);
    /* loop (param i32) (result i32) */
    CHECK_COUNT(0, "phi i32", 1, GET(0), 0x03, 0, GET(0), BR_IF(0), END);
    /* br_table whose labels take a value, the function's own among them */
    CHECK_COUNT(0, "switch i32", 1, 0x02, 0x7f, GET(0), GET(0), 0x0e, 3, 0, 1, 0, 1, END);
}

static void a_br_table_has_one_edge_for_each_label(void **state)
{
    wasm_builder w;
    built b;

    (void)state;
    one_begin(&w);
    WASM(&w, 0x02, 0x7f, 0x02, 0x7f, GET(0), GET(0), 0x0e);
    wasm_u32(&w, 50000);
    for (uint32_t i = 0; i <= 50000; i++)
        WASM(&w, i % 2);
    WASM(&w, END, END);
    one_build(&b, &w, 0);
    assert_true(b.compiled);
    /* 25,000 entries go where the default goes */
    assert_int_equal(count_of(&b, "    i32 "), 25000);
    assert_true(LLVMCountBasicBlocks(b.u.funcs[0]) < 10);
    done(&b);
}

static void blocks_nest_deeply(void **state)
{
    static const uint8_t kinds[] = {0x02, 0x03};

    (void)state;
    for (size_t k = 0; k < sizeof kinds; k++) {
        wasm_builder w;
        built b;

        one_begin(&w);
        for (uint32_t i = 0; i < 10000; i++)
            WASM(&w, kinds[k], 0x40);
        for (uint32_t i = 0; i < 10000; i++)
            WASM(&w, GET(0), BR_IF(0), END);
        WASM(&w, GET(0));
        one_build(&b, &w, ABI_OBJECT_METERING);
        assert_true(b.compiled);
        done(&b);
    }
}

/* ---- Too much ---- */

/* Each of many branches would carry a thousand values. */
static void what_grows_too_fast_stays_interpreted(void **state)
{
    wasm_builder w = {0};
    built b;

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    WASM(&w, 2, 0x60, 1, 0x7f, 0, 0x60, 0);
    wasm_u32(&w, 1000);
    for (unsigned i = 0; i < 1000; i++)
        WASM(&w, 0x7f);
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 2, 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 2);
    WASM_BODY(&w, GET(0), 0x10, 1); /* calls the other */
    wasm_sized(&w);
    WASM(&w, 0, 0x02, 1);
    for (unsigned i = 0; i < 1000; i++)
        WASM(&w, 0x41, 1);
    for (unsigned i = 0; i < 50000; i++)
        WASM(&w, GET(0), BR_IF(0));
    WASM(&w, END);
    for (unsigned i = 0; i < 1000; i++)
        WASM(&w, 0x1a);
    WASM(&w, END);
    wasm_end(&w);
    wasm_end(&w);
    build(&b, &w, 0);
    assert_false(b.compiled);
    assert_true(LLVMIsDeclaration(b.u.funcs[1]));
    assert_int_equal(count_of(&b, "call void @f1(ptr swiftself"), 1);
    done(&b);
}

/* ---- Calls ---- */

/* Two imports and three functions of type [i32] -> [i32], a table; the last function's body
 * calls in all ways, by tail calls or others; it is in a try if the module has handlers. */
static void build_calls(built *b, bool tail, bool catches)
{
    static const uint8_t calls[] = {0x10, 0x11, 0x14};
    uint8_t further = tail ? 2 : 0;
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    WASM(&w, 1);
    wasm_functype(&w, "i", "i");
    wasm_end(&w);
    wasm_section(&w, WASM_IMPORT);
    WASM(&w, 1);
    wasm_import(&w, "m", "f");
    WASM(&w, 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 4, 0, 0, 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_TABLE);
    WASM(&w, 1, 0x70, 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    WASM(&w, 1);
    wasm_export(&w, "f", 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 4);
    WASM_BODY(&w, GET(0), (uint8_t)(calls[0] + further), 0);
    WASM_BODY(&w, GET(0), (uint8_t)(calls[0] + further), 1);
    WASM_BODY(&w, GET(0), GET(0), (uint8_t)(calls[1] + further), 0, 0);
    if (catches)
        WASM_BODY(&w, 0x06, 0x7f, GET(0), 0xd2, 1, (uint8_t)(calls[2] + (tail ? 1 : 0)), 0,
                  0x19, 0x41, 7, END);
    else
        WASM_BODY(&w, GET(0), 0xd2, 1, (uint8_t)(calls[2] + (tail ? 1 : 0)), 0);
    wasm_end(&w);
    build(b, &w, 0);
    assert_true(b->compiled);
}

static void calls_give_units_and_context(void **state)
{
    built b;

    (void)state;
    build_calls(&b, false, false);
    assert_int_equal(count_of(&b, "call i32 @f1(ptr swiftself"), 1);
    /* through the table and the reference: straight */
    assert_int_equal(count_of(&b, "call i32 %"), 2 + 3); /* and by slots, like the import */
    done(&b);
}

static void calls_in_a_module_with_handlers_look_at_the_status(void **state)
{
    built b;

    (void)state;
    build_calls(&b, false, true);
    assert_int_equal(count_of(&b, "call { i32, i32 } @f1("), 1);
    assert_int_equal(count_of(&b, "call { i32, i32 } %"), 2);
    done(&b);
}

static void tail_calls_leave_no_frame(void **state)
{
    (void)state;
    for (unsigned catches = 0; catches < 2; catches++) {
        built b;

        build_calls(&b, true, catches != 0);
        /* known; import; and twice straight or by slots */
        assert_int_equal(count_of(&b, "musttail call"), 1 + 1 + 2 * 2);
        assert_int_equal(count_of(&b, "musttail call"), count_of(&b, "musttail call tailcc"));
        assert_non_null(LLVMGetNamedFunction(b.u.module, "s0"));
        done(&b);
    }
}

/* A thousand parameters and results of all types, called in every way. */
static void signatures_may_be_large(void **state)
{
    static const uint8_t types[] = {0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70};
    wasm_builder w = {0};
    built b;

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    WASM(&w, 1, 0x60);
    for (unsigned k = 0; k < 2; k++) {
        wasm_u32(&w, 1000);
        for (unsigned i = 0; i < 1000; i++)
            WASM(&w, types[i % 6]);
    }
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 2, 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_TABLE);
    WASM(&w, 1, 0x70, 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 2);
    for (unsigned k = 0; k < 2; k++) {
        wasm_sized(&w);
        WASM(&w, 0);
        for (uint32_t i = 0; i < 1000; i++) {
            WASM(&w, 0x20);
            wasm_u32(&w, i);
        }
        if (k == 0)
            WASM(&w, 0x10, 1, 0x41, 0, 0x11, 0, 0);
        WASM(&w, END);
        wasm_end(&w);
    }
    wasm_end(&w);
    build(&b, &w, 0);
    assert_true(b.compiled);
    compile_thunk_build(&b.u, 0);
    assert_int_equal(LLVMVerifyModule(b.u.module, LLVMPrintMessageAction, NULL), 0);
    done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_jumps_back_poll),
        cmocka_unit_test(a_br_table_polls_if_a_label_is_a_loop),
        cmocka_unit_test(a_block_is_charged_once),
        cmocka_unit_test(what_costs_nothing_is_not_charged),
        cmocka_unit_test(code_that_cannot_be_reached_is_skipped),
        cmocka_unit_test(values_travel_with_branches),
        cmocka_unit_test(a_br_table_has_one_edge_for_each_label),
        cmocka_unit_test(blocks_nest_deeply),
        cmocka_unit_test(what_grows_too_fast_stays_interpreted),
        cmocka_unit_test(calls_give_units_and_context),
        cmocka_unit_test(calls_in_a_module_with_handlers_look_at_the_status),
        cmocka_unit_test(tail_calls_leave_no_frame),
        cmocka_unit_test(signatures_may_be_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
