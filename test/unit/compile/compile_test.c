/* Whole modules: code objects, what does not depend on threads, limits, and modules that were
 * built to be slow to compile. */
#include <unistd.h>

#include "crypto/checksum.h"
#include "unit/compile/modules.h"

/* LLVM is not compiled for it. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "ignore_noninstrumented_modules=1";
}

static const uint8_t module_id[32] = {1, 2, 3};

static abi_object header_of(const uint8_t *object, size_t size)
{
    abi_object h;

    assert_true(size >= sizeof h);
    memcpy(&h, object, sizeof h);
    return h;
}

/* Compile, and look at what every object has. */
static abi_object compiled(const wb_module *m, const compile_options *options, uint8_t **object)
{
    uint8_t checksum[16];
    beamr_error err = {0};
    abi_object h, zero;
    size_t size;

    if (compile_module(m, module_id, options, object, &size, &err))
        fail_msg("%s", err.text);
    h = zero = header_of(*object, size);
    assert_memory_equal(h.magic, ABI_OBJECT_MAGIC, sizeof h.magic);
    assert_int_equal(h.size, size);
    assert_int_equal(h.arch, options->arch);
    assert_memory_equal(h.module_id, module_id, sizeof module_id);
    assert_int_equal(h.functions.size, m->func_count * sizeof(abi_object_func));
    memset(zero.checksum, 0, sizeof zero.checksum);
    memcpy(*object, &zero, sizeof zero);
    crypto_checksum_of(*object, size, checksum);
    assert_memory_equal(checksum, h.checksum, sizeof checksum);
    return h;
}

static void objects_are_the_same_with_any_number_of_threads(void **state)
{
    compile_options options = options_of(ABI_ARCH_X86_64);
    uint8_t *first, *again;
    abi_object h;
    wb_module m;

    (void)state;
    module_of_all(&m, 1200);
    h = compiled(&m, &options, &first);
    assert_int_equal(h.compiled, 1200);
    for (options.threads = 2; options.threads <= 5; options.threads += 3) {
        assert_int_equal(compiled(&m, &options, &again).size, h.size);
        assert_memory_equal(first, again, h.size);
        free(again);
    }
    free(first);
    wb_module_clear(&m);
}

static void objects_for_another_architecture(void **state)
{
    compile_options options = options_of(ABI_ARCH_AARCH64);
    uint8_t *object;
    wb_module m;

    (void)state;
    module_of_all(&m, 20);
    assert_int_equal(compiled(&m, &options, &object).compiled, 20);
    free(object);
    wb_module_clear(&m);
}

static void a_module_without_functions(void **state)
{
    compile_options options = options_of(ABI_ARCH_X86_64);
    wasm_builder w = {0};
    uint8_t *object;
    wb_module m;
    abi_object h;

    (void)state;
    wasm_begin(&w);
    module_decode(&m, &w);
    h = compiled(&m, &options, &object);
    assert_int_equal(h.compiled, 0);
    assert_int_equal(h.code.size, 0);
    free(object);
    wasm_free(&w);
    wb_module_clear(&m);
}

static void limits_are_kept(void **state)
{
    compile_options options = options_of(ABI_ARCH_X86_64);
    beamr_error err = {0};
    uint8_t *object = NULL;
    size_t size;
    wb_module m;

    (void)state;
    module_of_all(&m, 10);
    options.max_size = 1000;
    assert_int_equal(compile_module(&m, module_id, &options, &object, &size, &err),
                     BEAMR_LIMIT);
    assert_null(object);
    beamr_error_clear(&err);
    options.arch = 77;
    assert_int_equal(compile_module(&m, module_id, &options, &object, &size, &err),
                     BEAMR_UNSUPPORTED);
    wb_module_clear(&m);
}

/* Few functions are done in this time; the others are left out, and what is done leads to them.
 * The module stays, since threads may still look at it. */
static void what_is_not_done_in_time_is_left_out(void **state)
{
    static wb_module m;
    compile_options options = options_of(ABI_ARCH_X86_64);
    uint8_t *object;

    (void)state;
    module_of_all(&m, 20000);
    options.time_ms = 400;
    assert_true(compiled(&m, &options, &object).compiled < 20000);
    free(object);
}

/* ---- Modules built to be slow ---- */

typedef void build_body(wasm_builder *w);

/* Compile a module of one function in at most some seconds, as an object or not. */
static void try_body(build_body *build)
{
    compile_options options = options_of(ABI_ARCH_X86_64);
    wasm_builder w = {0};
    uint8_t *object;
    wb_module m;

    options.verify = false;
    options.threads = 2;
    module_begin(&w, 1);
    wasm_sized(&w);
    build(&w);
    wasm_end(&w);
    module_end(&w, &m);
    assert_true(compiled(&m, &options, &object).compiled <= 1);
    free(object);
    wb_module_clear(&m);
}

static void build_large(wasm_builder *w)
{
    WASM(w, 0);
    for (unsigned i = 0; i < 20000; i++)
        WASM(w, 0x20, 0, 0x41, 1, 0x6a, 0x28, 2, 0, 0x20, 0, 0x73, 0x21, 0);
    WASM(w, 0x20, 0, 0x0b);
}

static void build_locals(wasm_builder *w)
{
    WASM(w, 1);
    wasm_u32(w, 49999);
    WASM(w, 0x7f);
    for (uint32_t i = 0; i < 5000; i++) {
        WASM(w, 0x03, 0x40, 0x20);
        wasm_u32(w, i * 7 % 50000);
        WASM(w, 0x41, 1, 0x6a, 0x22);
        wasm_u32(w, i * 13 % 50000);
        WASM(w, 0x0d, 0, 0x0b);
    }
    WASM(w, 0x20, 0, 0x0b);
}

static void build_labels(wasm_builder *w)
{
    WASM(w, 0);
    for (unsigned i = 0; i < 1000; i++)
        WASM(w, 0x02, 0x40);
    WASM(w, 0x20, 0, 0x0e);
    wasm_u32(w, 50000);
    for (unsigned i = 0; i <= 50000; i++)
        wasm_u32(w, i % 1000);
    for (unsigned i = 0; i < 1000; i++)
        WASM(w, 0x0b, 0x20, 0, 0x41, 3, 0x6a, 0x21, 0);
    WASM(w, 0x20, 0, 0x0b);
}

static void build_loops(wasm_builder *w)
{
    WASM(w, 0);
    for (unsigned i = 0; i < 1000; i++)
        WASM(w, 0x03, 0x40);
    WASM(w, 0x20, 0, 0x41, 1, 0x6a, 0x21, 0);
    for (unsigned i = 0; i < 1000; i++)
        WASM(w, 0x20, 0, 0x0d, 0, 0x0b);
    WASM(w, 0x20, 0, 0x0b);
}

static void build_deep(wasm_builder *w)
{
    WASM(w, 0);
    for (unsigned i = 0; i < 20000; i++)
        WASM(w, 0x20, 0);
    for (unsigned i = 1; i < 20000; i++)
        WASM(w, 0x6a);
    WASM(w, 0x0b);
}

static void modules_that_are_slow_to_compile_end(void **state)
{
    (void)state;
    try_body(build_large);
    try_body(build_locals);
    try_body(build_labels);
    try_body(build_loops);
    try_body(build_deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_the_same_with_any_number_of_threads),
        cmocka_unit_test(objects_for_another_architecture),
        cmocka_unit_test(a_module_without_functions),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(modules_that_are_slow_to_compile_end),
        cmocka_unit_test(what_is_not_done_in_time_is_left_out),
    };

    _exit(cmocka_run_group_tests(tests, NULL, NULL)); /* threads may still be compiling */
}
