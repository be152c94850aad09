/* Line tables made by hand: what each opcode does, and what is refused. */
#include "unit/compile/elf_file.h"

/* Read a table whose sequences begin at code offset `target`, set at `places`. */
static beamr_status lines_of(const uint8_t *table, size_t size, const uint64_t *places,
                             uint32_t count, compile_places *out, beamr_error *err)
{
    static const int64_t targets[16] = {0x10, 0x80};
    elf_image *e = malloc(sizeof *e);
    compile_elf_file file;
    beamr_status st;

    elf_make(e, EM_X86_64, ".debug_line", table, size, places, targets, count, R_X86_64_64);
    file = elf_open(e, EM_X86_64);
    *out = (compile_places){0};
    st = compile_lines_read(&file, out, err);
    free(e);
    return st;
}

/* Version 4: line_base -3, line_range 12, opcode_base 13; no files. 30 bytes up to the program.
 */
#define HEADER4(program_size)                                                                  \
    26 + (program_size), 0, 0, 0, 4, 0, 20, 0, 0, 0, 1, 1, 1, 0xfd, 12, 13, 0, 1, 1, 1, 1, 0,  \
        0, 0, 1, 0, 0, 1, 0, 0
#define SET_ADDRESS 0, 9, 2, 0, 0, 0, 0, 0, 0, 0, 0
#define END 0, 1, 1

static void opcodes_make_rows(void **state)
{
    /* 3 lines on at +2: 13 + (3 + 3) + 12 * 2 = 43 */
    static const uint8_t table[] = {
        HEADER4(31), SET_ADDRESS, 3,    0xe4, 0,    1, /* line 101 */
        43,          2,           0x85, 0x01, 8,       /* +133, +20 */
        9,           5,           0,    3,    0x7f, 1, 2, 3, END};
    const uint64_t at = 33;
    compile_places rows;
    beamr_error err = {0};

    (void)state;
    if (lines_of(table, sizeof table, &at, 1, &rows, &err))
        fail_msg("%s", err.text);
    EXPECT_PLACES(rows, {ELF_TEXT, 0x10, 101}, {ELF_TEXT, 0x12, 104},
                  {ELF_TEXT, 0x12 + 133 + 20 + 5, 103}, {ELF_TEXT, 0x12 + 133 + 20 + 5 + 3, 0});
    free(rows.list);
}

static void version_5_has_two_bytes_more(void **state)
{
    static const uint8_t table[] = {45, 0, 0,    0,  5,  0, 8,           0, 20, 0, 0,  0, 1,
                                    1,  1, 0xfd, 12, 13, 0, 1,           1, 1,  1, 0,  0, 0,
                                    1,  0, 0,    1,  0,  0, SET_ADDRESS, 1, 2,  4, END};
    const uint64_t at = 35;
    compile_places rows;
    beamr_error err = {0};

    (void)state;
    if (lines_of(table, sizeof table, &at, 1, &rows, &err))
        fail_msg("%s", err.text);
    EXPECT_PLACES(rows, {ELF_TEXT, 0x10, 1}, {ELF_TEXT, 0x14, 0});
    free(rows.list);
}

static void refuse(const uint8_t *table, size_t size, bool is_relocated, const char *text)
{
    const uint64_t at = 33;
    compile_places rows;
    beamr_error err = {0};

    assert_int_equal(lines_of(table, size, &at, is_relocated, &rows, &err), BEAMR_COMPILER);
    if (!strstr(err.text, text))
        fail_msg("%s", err.text);
    free(rows.list);
}

static void damaged_tables_are_refused(void **state)
{
    static const uint8_t good[] = {HEADER4(15), SET_ADDRESS, 1, END};
    static const uint8_t no_end[] = {HEADER4(12), SET_ADDRESS, 1};
    static const uint8_t no_address[] = {HEADER4(4), 1, END};
    static const uint8_t far[] = {HEADER4(21), SET_ADDRESS, 2,    0xff, 0xff,
                                  0xff,        0xff,        0x7f, END,  0};
    static const uint8_t back[] = {HEADER4(17), SET_ADDRESS, 3, 0x40, 1, END};
    static const uint8_t version[] = {20, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0,
                                      0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    (void)state;
    refuse(no_end, sizeof no_end, true, "without an end");
    refuse(no_address, sizeof no_address, false, "without an address");
    refuse(good, sizeof good, false, "not relocated");
    refuse(far, sizeof far, true, "4 GiB");
    refuse(back, sizeof back, true, "32 bits");
    refuse(version, sizeof version, false, "version");
    for (size_t size = 1; size < sizeof good; size++)
        refuse(good, size, true, "");
}

/* A header whose range is 0 would be a division by it. */
static void a_range_of_no_lines_is_refused(void **state)
{
    uint8_t table[] = {HEADER4(15), SET_ADDRESS, 1, END};

    (void)state;
    table[14] = 0;
    refuse(table, sizeof table, true, "header");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opcodes_make_rows),
        cmocka_unit_test(version_5_has_two_bytes_more),
        cmocka_unit_test(damaged_tables_are_refused),
        cmocka_unit_test(a_range_of_no_lines_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
