/* Applying relocations. Those that LLVM uses for code of this kind (PIC, small, all hidden)
 * refer to places in the code from places in the code, so that nothing is left to be done when
 * it is mapped. Source: System V ABI, "Relocation" (AMD64); ELF for the Arm 64-bit
 * Architecture, "Relocation". */
#include "compile/link.h"

static uint32_t read32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void write32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static bool fits(int64_t value, unsigned bits)
{
    return value >= -(INT64_C(1) << (bits - 1)) && value < INT64_C(1) << (bits - 1);
}

static beamr_status fail_far(int64_t distance, beamr_error *err)
{
    return beamr_fail(err, BEAMR_LIMIT, 0, "code is too large: a reference of %lld bytes",
                      (long long)distance);
}

static beamr_status fail_type(uint32_t type, beamr_error *err)
{
    return beamr_fail(err, BEAMR_UNSUPPORTED, 0, "relocation %u is not known", type);
}

static beamr_status fail_aligned(uint32_t type, int64_t target, beamr_error *err)
{
    return beamr_fail(err, BEAMR_COMPILER, 0,
                      "relocation %u: %#llx is not aligned as its instruction demands", type,
                      (unsigned long long)target);
}

static beamr_status relocate_x86_64(uint32_t type, uint8_t *place, int64_t distance,
                                    beamr_error *err)
{
    if (type != R_X86_64_PC32 && type != R_X86_64_PLT32)
        return fail_type(type, err);
    if (!fits(distance, 32))
        return fail_far(distance, err);
    write32(place, (uint32_t)distance);
    return BEAMR_OK;
}

/* Put `bits` bits of a value into an instruction, from bit `at` on. */
static void insert(uint8_t *place, uint64_t value, unsigned bits, unsigned at)
{
    uint32_t mask = (uint32_t)((UINT64_C(1) << bits) - 1);

    write32(place, (read32(place) & ~(mask << at)) | ((uint32_t)value & mask) << at);
}

/* A branch: the distance in instructions, `bits` wide. */
static beamr_status branch(uint32_t type, uint8_t *place, int64_t distance, unsigned bits,
                           unsigned at, beamr_error *err)
{
    if (distance & 3)
        return fail_aligned(type, distance, err);
    if (!fits(distance, bits + 2))
        return fail_far(distance, err);
    insert(place, (uint64_t)distance >> 2, bits, at);
    return BEAMR_OK;
}

/* ADR, ADRP: 21 bits, the two lowest ones apart. */
static beamr_status address(uint8_t *place, int64_t value, beamr_error *err)
{
    if (!fits(value, 21))
        return fail_far(value, err);
    insert(place, (uint64_t)value, 2, 29);
    insert(place, (uint64_t)value >> 2, 19, 5);
    return BEAMR_OK;
}

/* The lowest 12 bits of an address, counted in accesses of 1 << scale bytes. */
static beamr_status low12(uint32_t type, uint8_t *place, int64_t target, unsigned scale,
                          beamr_error *err)
{
    uint64_t low = (uint64_t)target & 0xfff;

    if (low & ((1u << scale) - 1))
        return fail_aligned(type, target, err);
    insert(place, low >> scale, 12, 10);
    return BEAMR_OK;
}

static beamr_status relocate_aarch64(uint32_t type, uint8_t *place, int64_t at, int64_t target,
                                     beamr_error *err)
{
    int64_t distance = target - at;

    switch (type) {
    case R_AARCH64_PREL32:
        if (!fits(distance, 32))
            return fail_far(distance, err);
        write32(place, (uint32_t)distance);
        return BEAMR_OK;
    case R_AARCH64_CALL26:
    case R_AARCH64_JUMP26:
        return branch(type, place, distance, 26, 0, err);
    case R_AARCH64_CONDBR19:
    case R_AARCH64_LD_PREL_LO19:
        return branch(type, place, distance, 19, 5, err);
    case R_AARCH64_TSTBR14:
        return branch(type, place, distance, 14, 5, err);
    case R_AARCH64_ADR_PREL_LO21:
        return address(place, distance, err);
    case R_AARCH64_ADR_PREL_PG_HI21: /* code begins at a page's boundary */
        return address(place, (target >> 12) - (at >> 12), err);
    case R_AARCH64_ADD_ABS_LO12_NC:
    case R_AARCH64_LDST8_ABS_LO12_NC:
        return low12(type, place, target, 0, err);
    case R_AARCH64_LDST16_ABS_LO12_NC:
        return low12(type, place, target, 1, err);
    case R_AARCH64_LDST32_ABS_LO12_NC:
        return low12(type, place, target, 2, err);
    case R_AARCH64_LDST64_ABS_LO12_NC:
        return low12(type, place, target, 3, err);
    case R_AARCH64_LDST128_ABS_LO12_NC:
        return low12(type, place, target, 4, err);
    default:
        return fail_type(type, err);
    }
}

beamr_status compile_relocate(uint32_t arch, uint32_t type, uint8_t *place, uint64_t at,
                              int64_t target, beamr_error *err)
{
    if (arch == ABI_ARCH_X86_64)
        return relocate_x86_64(type, place, target - (int64_t)at, err);
    return relocate_aarch64(type, place, (int64_t)at, target, err);
}
