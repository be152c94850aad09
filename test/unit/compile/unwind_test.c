/* Frame tables made by hand: what each instruction does, and what is refused. */
#include "unit/compile/elf_file.h"

/* A shared entry of 20 bytes behind its size: the caller's stack pointer is rsp + 8, as LLVM
 * has it. */
#define SHARED                                                                                 \
    20, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0
/* A function of 64 bytes with 7 bytes of instructions: its place is at 32. */
#define FUNCTION(...) 20, 0, 0, 0, 28, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, __VA_ARGS__

static beamr_status read_table(const uint8_t *table, size_t size, bool is_relocated,
                               compile_places *rows, compile_places *frames, beamr_error *err)
{
    static const uint64_t at = 32;
    static const int64_t target = 0x40;
    elf_image *e = malloc(sizeof *e);
    compile_elf_file file;
    beamr_status st;

    elf_make(e, EM_X86_64, ".eh_frame", table, size, &at, &target, is_relocated, R_X86_64_PC32);
    file = elf_open(e, EM_X86_64);
    *rows = *frames = (compile_places){0};
    st = compile_unwind_read(&file, rows, frames, err);
    free(e);
    return st;
}

static void instructions_make_rows(void **state)
{
    /* after 1 byte 16, after 4 more 48; then as it was remembered */
    static const uint8_t table[] = {SHARED, FUNCTION(0x41, 0x0e, 16, 0x0a, 0x44, 0x0e, 48)};
    static const uint8_t second[] = {SHARED, FUNCTION(0x0a, 0x41, 0x0e, 32, 0x02, 9, 0x0b)};
    compile_places rows, frames;
    beamr_error err = {0};

    (void)state;
    if (read_table(table, sizeof table, true, &rows, &frames, &err))
        fail_msg("%s", err.text);
    EXPECT_PLACES(rows, {ELF_TEXT, 0x40, 8}, {ELF_TEXT, 0x41, 16}, {ELF_TEXT, 0x45, 48},
                  {ELF_TEXT, 0x80, 0});
    EXPECT_PLACES(frames, {ELF_TEXT, 0x40, 48});
    free(rows.list);
    free(frames.list);
    if (read_table(second, sizeof second, true, &rows, &frames, &err))
        fail_msg("%s", err.text);
    EXPECT_PLACES(rows, {ELF_TEXT, 0x40, 8}, {ELF_TEXT, 0x41, 32}, {ELF_TEXT, 0x4a, 8},
                  {ELF_TEXT, 0x80, 0});
    EXPECT_PLACES(frames, {ELF_TEXT, 0x40, 32});
    free(rows.list);
    free(frames.list);
}

/* Counted from rbp: the function is no use, which is no reason to refuse the rest. */
static void frames_counted_from_elsewhere_are_unknown(void **state)
{
    static const uint8_t table[] = {SHARED, FUNCTION(0x41, 0x0e, 16, 0x0d, 6, 0, 0)};
    compile_places rows, frames;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(read_table(table, sizeof table, true, &rows, &frames, &err), BEAMR_OK);
    EXPECT_PLACES(frames, {ELF_TEXT, 0x40, COMPILE_FRAME_UNKNOWN});
    free(rows.list);
    free(frames.list);
}

static void refuse(const uint8_t *table, size_t size, bool is_relocated, beamr_status expected,
                   const char *text)
{
    compile_places rows, frames;
    beamr_error err = {0};

    assert_int_equal(read_table(table, size, is_relocated, &rows, &frames, &err), expected);
    if (!strstr(err.text, text))
        fail_msg("%s", err.text);
    free(rows.list);
    free(frames.list);
}

static void what_is_not_known_is_refused(void **state)
{
    static const uint8_t expression[] = {SHARED, FUNCTION(0x0f, 1, 0x30, 0, 0, 0, 0)};
    static const uint8_t behind[] = {SHARED, FUNCTION(0x02, 65, 0, 0, 0, 0, 0)};
    static const uint8_t nothing[] = {SHARED, FUNCTION(0x0b, 0, 0, 0, 0, 0, 0)};
    static const uint8_t cut[] = {SHARED, FUNCTION(0, 0, 0, 0, 0, 0, 0x0e)};
    uint8_t changed[] = {SHARED, FUNCTION(0, 0, 0, 0, 0, 0, 0)};

    (void)state;
    refuse(expression, sizeof expression, true, BEAMR_UNSUPPORTED, "not known");
    refuse(behind, sizeof behind, true, BEAMR_COMPILER, "behind its function");
    refuse(nothing, sizeof nothing, true, BEAMR_COMPILER, "remembered");
    refuse(cut, sizeof cut, true, BEAMR_COMPILER, "cut off");
    refuse(changed, sizeof changed, false, BEAMR_COMPILER, "not relocated");
    changed[10] = 'L'; /* a table of handlers */
    refuse(changed, sizeof changed, true, BEAMR_UNSUPPORTED, "augmentation");
    changed[10] = 'R';
    changed[28] = 24; /* the shared entry would be in the middle of itself */
    refuse(changed, sizeof changed, true, BEAMR_COMPILER, "");
    changed[28] = 200;
    refuse(changed, sizeof changed, true, BEAMR_COMPILER, "before the beginning");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instructions_make_rows),
        cmocka_unit_test(frames_counted_from_elsewhere_are_unknown),
        cmocka_unit_test(what_is_not_known_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
