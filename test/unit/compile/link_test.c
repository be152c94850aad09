/* Object files of LLVM's, and damaged ones: read, surveyed, linked, or refused; never worse. */
#include "unit/compile/modules.h"

typedef struct linked {
    wb_module m;
    compile_options options;
    compile_job job;
    compile_elf units[2];
    uint8_t *state;
} linked;

static void setup(linked *l, uint32_t arch)
{
    *l = (linked){.options = options_of(arch)};
    module_of_all(&l->m, 6);
    l->job = job_of(&l->m, &l->options);
    l->units[0] = unit_of(&l->job, false);
    l->units[1] = unit_of(&l->job, true);
    l->state = calloc(l->m.func_count, 1);
}

static void teardown(linked *l)
{
    free(l->units[0].bytes);
    free(l->units[1].bytes);
    free(l->job.throws);
    free(l->state);
    wb_module_clear(&l->m);
}

static beamr_status link_all(linked *l, compile_image *image, beamr_error *err)
{
    memset(l->state, 0, l->m.func_count);
    for (unsigned i = 0; i < 2; i++)
        BEAMR_TRY(compile_survey(&l->job, &l->units[i], l->state, err));
    return compile_link(&l->job, l->units, 2, l->state, image, err);
}

static uint32_t range_at(const compile_image *image, uint32_t code)
{
    uint32_t func = ABI_RANGE_NONE;

    for (uint32_t i = 0; i < image->range_count && image->ranges[i].code <= code; i++)
        func = image->ranges[i].func;
    return func;
}

static void check_rows(const abi_object_row *rows, uint32_t count, uint32_t size)
{
    assert_true(count > 0);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(rows[i].code <= size);
        assert_true(i == 0 || rows[i].code > rows[i - 1].code);
        assert_true(i == 0 || rows[i].value != rows[i - 1].value);
    }
}

static void check_image(const linked *l, const compile_image *image)
{
    assert_int_equal(image->compiled, l->m.func_count);
    assert_int_equal(range_at(image, image->thunks[0]), ABI_RANGE_THUNK);
    for (uint32_t i = 0; i < l->m.func_count; i++) {
        assert_int_equal(l->state[i] & COMPILE_FOUND, COMPILE_FOUND);
        assert_int_equal(l->state[i] & COMPILE_UNFIT, 0);
        assert_true(image->functions[i].code < image->size);
        assert_int_equal(range_at(image, image->functions[i].code), i);
    }
    check_rows(image->unwind, image->unwind_count, image->size);
    check_rows(image->sites, image->site_count, image->size);
}

static void units_become_an_image(void **state)
{
    static const uint32_t archs[] = {ABI_ARCH_X86_64, ABI_ARCH_AARCH64};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        compile_image image = {0};
        beamr_error err = {0};
        linked l;

        setup(&l, archs[i]);
        if (link_all(&l, &image, &err))
            fail_msg("%s", err.text);
        check_image(&l, &image);
        compile_image_clear(&image);
        teardown(&l);
    }
}

/* Each instruction that can trap, and each call, is in the table of places. */
static void places_are_those_of_instructions(void **state)
{
    compile_image image = {0};
    beamr_error err = {0};
    linked l;
    unsigned loads = 0, calls = 0;

    (void)state;
    setup(&l, ABI_ARCH_X86_64);
    assert_int_equal(link_all(&l, &image, &err), BEAMR_OK);
    for (uint32_t i = 0; i < image.site_count; i++) {
        uint32_t offset = image.sites[i].value;

        assert_true(offset < l.m.bytes.len);
        loads += l.m.bytes.data[offset] == 0x28;
        calls += l.m.bytes.data[offset] == 0x10;
    }
    assert_true(loads >= 5);
    assert_true(calls >= 5);
    compile_image_clear(&image);
    teardown(&l);
}

/* Link with a damaged first unit: it may go well or not, but has to end. */
static bool link_damaged(linked *l, compile_elf *damaged)
{
    compile_elf whole = l->units[0];
    compile_image image = {0};
    beamr_error err = {0};
    beamr_status st;

    l->units[0] = *damaged;
    st = link_all(l, &image, &err);
    l->units[0] = whole;
    assert_true(st == BEAMR_OK || err.text[0]);
    compile_image_clear(&image);
    return st == BEAMR_OK;
}

static void objects_cut_anywhere_are_refused(void **state)
{
    linked l;

    (void)state;
    setup(&l, ABI_ARCH_X86_64);
    for (size_t size = 0; size < l.units[0].size; size += size < 128 ? 1 : 13) {
        compile_elf cut = l.units[0];

        cut.bytes = malloc(size + 1); /* of exactly this size, for the sanitizer */
        memcpy(cut.bytes, l.units[0].bytes, size);
        cut.size = size;
        assert_false(link_damaged(&l, &cut));
        free(cut.bytes);
    }
    teardown(&l);
}

static void objects_with_any_byte_changed_do_no_harm(void **state)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    linked l;
    size_t refused = 0;

    (void)state;
    setup(&l, ABI_ARCH_X86_64);
    for (size_t at = 0; at < l.units[0].size; at++) {
        compile_elf changed = l.units[0];

        changed.bytes = malloc(changed.size);
        memcpy(changed.bytes, l.units[0].bytes, changed.size);
        changed.bytes[at] ^= changes[at % sizeof changes];
        refused += !link_damaged(&l, &changed);
        free(changed.bytes);
    }
    assert_true(refused > 50); /* most bytes are machine code and text */
    teardown(&l);
}

static void a_function_that_is_left_out_needs_a_stub(void **state)
{
    compile_image image = {0};
    beamr_error err = {0};
    compile_elf units[3];
    compile_unit u;
    linked l;

    (void)state;
    setup(&l, ABI_ARCH_X86_64);
    assert_int_equal(link_all(&l, &image, &err), BEAMR_OK);
    compile_image_clear(&image);
    l.state[0] |= COMPILE_UNFIT;
    assert_int_equal(compile_link(&l.job, l.units, 2, l.state, &image, &err), BEAMR_COMPILER);
    assert_non_null(strstr(err.text, "f0"));
    beamr_error_clear(&err);
    units[0] = l.units[0];
    units[1] = l.units[1];
    units[2] = (compile_elf){0};
    assert_int_equal(compile_unit_init(&u, &l.job, COMPILE_FULL, &err), BEAMR_OK);
    compile_stub_build(&u, 0);
    assert_int_equal(compile_unit_emit(&u, COMPILE_FULL, &units[2], &err), BEAMR_OK);
    compile_unit_clear(&u);
    if (compile_link(&l.job, units, 3, l.state, &image, &err))
        fail_msg("%s", err.text);
    assert_int_equal(image.compiled, l.m.func_count - 1);
    assert_int_equal(image.functions[0].code, ABI_NO_CODE);
    free(units[2].bytes);
    compile_image_clear(&image);
    teardown(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_become_an_image),
        cmocka_unit_test(places_are_those_of_instructions),
        cmocka_unit_test(objects_cut_anywhere_are_refused),
        cmocka_unit_test(objects_with_any_byte_changed_do_no_harm),
        cmocka_unit_test(a_function_that_is_left_out_needs_a_stub),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);

    wb_registry_free(registry);
    return failures;
}
