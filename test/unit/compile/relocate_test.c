/* Applying relocations: what the instructions hold afterwards, and what is refused. */
#include "unit/compile/modules.h"

/* Apply to an instruction, and give what it is then. */
static uint32_t applied(uint32_t arch, uint32_t type, uint32_t before, uint64_t at,
                        int64_t target)
{
    uint8_t bytes[4];
    beamr_error err = {0};

    memcpy(bytes, &before, 4);
    if (compile_relocate(arch, type, bytes, at, target, &err))
        fail_msg("%s", err.text);
    memcpy(&before, bytes, 4);
    return before;
}

static beamr_status refused(uint32_t arch, uint32_t type, uint64_t at, int64_t target)
{
    uint8_t bytes[4] = {0};
    beamr_error err = {0};
    beamr_status st = compile_relocate(arch, type, bytes, at, target, &err);

    assert_int_not_equal(st, BEAMR_OK);
    assert_int_equal(*(uint32_t *)bytes, 0);
    return st;
}

static void x86_64_distances_are_32_bits(void **state)
{
    (void)state;
    assert_int_equal(applied(ABI_ARCH_X86_64, R_X86_64_PLT32, 0, 0x1000, 0xffc), 0xfffffffc);
    assert_int_equal(applied(ABI_ARCH_X86_64, R_X86_64_PC32, 7, 0x10, 0x7fffffff), 0x7fffffef);
    assert_int_equal(applied(ABI_ARCH_X86_64, R_X86_64_PC32, 0, 0, -4), 0xfffffffc);
    assert_int_equal(refused(ABI_ARCH_X86_64, R_X86_64_PC32, 0, INT64_C(1) << 31), BEAMR_LIMIT);
}

static void absolute_addresses_are_refused(void **state)
{
    (void)state;
    assert_int_equal(refused(ABI_ARCH_X86_64, R_X86_64_64, 0, 8), BEAMR_UNSUPPORTED);
    assert_int_equal(refused(ABI_ARCH_X86_64, R_X86_64_32, 0, 8), BEAMR_UNSUPPORTED);
    assert_int_equal(refused(ABI_ARCH_X86_64, R_X86_64_GOTPCREL, 0, 8), BEAMR_UNSUPPORTED);
    assert_int_equal(refused(ABI_ARCH_AARCH64, R_AARCH64_ABS64, 0, 8), BEAMR_UNSUPPORTED);
    assert_int_equal(refused(ABI_ARCH_AARCH64, R_AARCH64_ABS32, 0, 8), BEAMR_UNSUPPORTED);
}

/* Instructions before and after, as the assembler makes them. */
static void aarch64_branches(void **state)
{
    uint32_t arch = ABI_ARCH_AARCH64;

    (void)state;
    /* bl .+0x100; b .-4; b.eq .+8; tbz x0, #0, .-8; ldr x0, .+16; adr x1, .+5 */
    assert_int_equal(applied(arch, R_AARCH64_CALL26, 0x94000000, 0x40, 0x140), 0x94000040);
    assert_int_equal(applied(arch, R_AARCH64_JUMP26, 0x14000000, 0x40, 0x3c), 0x17ffffff);
    assert_int_equal(applied(arch, R_AARCH64_CONDBR19, 0x54000000, 0x40, 0x48), 0x54000040);
    assert_int_equal(applied(arch, R_AARCH64_TSTBR14, 0x36000000, 0x40, 0x38), 0x3607ffc0);
    assert_int_equal(applied(arch, R_AARCH64_LD_PREL_LO19, 0x58000000, 0, 16), 0x58000080);
    assert_int_equal(applied(arch, R_AARCH64_ADR_PREL_LO21, 0x10000001, 0, 5), 0x30000021);
    assert_int_equal(refused(arch, R_AARCH64_CALL26, 0, INT64_C(1) << 27), BEAMR_LIMIT);
    assert_int_equal(refused(arch, R_AARCH64_TSTBR14, 0, 1 << 15), BEAMR_LIMIT);
    assert_int_equal(refused(arch, R_AARCH64_CALL26, 0, 2), BEAMR_COMPILER);
}

static void aarch64_pages_and_what_is_in_them(void **state)
{
    uint32_t arch = ABI_ARCH_AARCH64;

    (void)state;
    /* adrp x0, page + 0x3000; adrp one page back; then each access in the page */
    assert_int_equal(applied(arch, R_AARCH64_ADR_PREL_PG_HI21, 0x90000000, 0x1ffc, 0x4010),
                     0xf0000000);
    assert_int_equal(applied(arch, R_AARCH64_ADR_PREL_PG_HI21, 0x90000000, 0x2000, 0x1fff),
                     0xf0ffffe0);
    assert_int_equal(applied(arch, R_AARCH64_ADD_ABS_LO12_NC, 0x91000000, 0, 0x4011),
                     0x91004400);
    assert_int_equal(applied(arch, R_AARCH64_LDST8_ABS_LO12_NC, 0x39400000, 0, 0x4011),
                     0x39404400);
    assert_int_equal(applied(arch, R_AARCH64_LDST16_ABS_LO12_NC, 0x79400000, 0, 0x4012),
                     0x79402400);
    assert_int_equal(applied(arch, R_AARCH64_LDST32_ABS_LO12_NC, 0xb9400000, 0, 0x4014),
                     0xb9401400);
    assert_int_equal(applied(arch, R_AARCH64_LDST64_ABS_LO12_NC, 0xf9400000, 0, 0x4018),
                     0xf9400c00);
    assert_int_equal(applied(arch, R_AARCH64_LDST128_ABS_LO12_NC, 0x3dc00000, 0, 0x4020),
                     0x3dc00800);
    assert_int_equal(applied(arch, R_AARCH64_PREL32, 0, 0x10, 0x8), 0xfffffff8);
    assert_int_equal(refused(arch, R_AARCH64_LDST64_ABS_LO12_NC, 0, 0x4014), BEAMR_COMPILER);
    assert_int_equal(refused(arch, R_AARCH64_LDST128_ABS_LO12_NC, 0, 0x4018), BEAMR_COMPILER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x86_64_distances_are_32_bits),
        cmocka_unit_test(absolute_addresses_are_refused),
        cmocka_unit_test(aarch64_branches),
        cmocka_unit_test(aarch64_pages_and_what_is_in_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
