/* Reading .eh_frame: how far the caller's stack pointer lies above the present one, at each
 * place of a function. Where registers are saved is stepped over, since nothing is unwound with
 * it. Source: DWARF 5, "Call Frame Information"; Linux Standard Base, "Exception Frames". */
#include <string.h>

#include "compile/link.h"

enum {
    DW_CFA_nop = 0x00,
    DW_CFA_advance_loc1 = 0x02,
    DW_CFA_advance_loc2 = 0x03,
    DW_CFA_advance_loc4 = 0x04,
    DW_CFA_offset_extended = 0x05,
    DW_CFA_restore_extended = 0x06,
    DW_CFA_undefined = 0x07,
    DW_CFA_same_value = 0x08,
    DW_CFA_register = 0x09,
    DW_CFA_remember_state = 0x0a,
    DW_CFA_restore_state = 0x0b,
    DW_CFA_def_cfa = 0x0c,
    DW_CFA_def_cfa_register = 0x0d,
    DW_CFA_def_cfa_offset = 0x0e,
    DW_CFA_GNU_args_size = 0x2e,
    DW_CFA_advance_loc = 0x40, /* the two topmost bits; the operand is below them */
    DW_CFA_offset = 0x80,
    DW_CFA_restore = 0xc0,
    DW_EH_PE_pcrel_sdata4 = 0x1b,
};

#define REMEMBERED_MAX 16u
#define CIE_SIZE_MAX 256u /* those of LLVM have 20 */

/* How the caller's stack pointer is found. */
typedef struct cfa {
    uint64_t reg;
    uint64_t offset;
} cfa;

typedef struct unwind_reader {
    const compile_elf_file *e;
    compile_relocations relocations;
    compile_cursor section;
    uint64_t sp; /* number of the stack pointer's register */
    uint64_t code_align;
    compile_cursor initial; /* instructions of the entry that others share */
    compile_places *rows, *frames;
    beamr_error *err;
    /* The function at hand. */
    compile_place at;
    uint32_t end, largest;
    cfa now, remembered[REMEMBERED_MAX];
    uint32_t remembered_count;
} unwind_reader;

static beamr_status damaged(unwind_reader *r, const char *what)
{
    return beamr_fail(r->err, BEAMR_COMPILER, 0, "frame table: %s", what);
}

static beamr_status unknown(unwind_reader *r, const char *what, uint64_t value)
{
    return beamr_fail(r->err, BEAMR_UNSUPPORTED, 0, "frame table: %s %#llx is not known", what,
                      (unsigned long long)value);
}

/* ---- Instructions ---- */

/* What holds from the present place on. */
static beamr_status add_row(unwind_reader *r)
{
    if (r->now.reg != r->sp || r->now.offset == COMPILE_FRAME_UNKNOWN ||
        r->now.offset > UINT32_MAX)
        r->largest = COMPILE_FRAME_UNKNOWN;
    else if (r->now.offset > r->largest)
        r->largest = (uint32_t)r->now.offset;
    r->at.value = r->largest == COMPILE_FRAME_UNKNOWN ? 0 : (uint32_t)r->now.offset;
    return compile_places_add(r->rows, r->at, r->err);
}

static beamr_status advance(unwind_reader *r, uint64_t steps)
{
    uint64_t bytes;

    if (__builtin_mul_overflow(steps, r->code_align, &bytes) || bytes > r->end - r->at.offset)
        return damaged(r, "a row behind its function's end");
    BEAMR_TRY(add_row(r));
    r->at.offset += (uint32_t)bytes;
    return BEAMR_OK;
}

static beamr_status remember(unwind_reader *r)
{
    if (r->remembered_count == REMEMBERED_MAX)
        return damaged(r, "too many states are remembered");
    r->remembered[r->remembered_count++] = r->now;
    return BEAMR_OK;
}

static beamr_status restore(unwind_reader *r)
{
    if (r->remembered_count == 0)
        return damaged(r, "no state is remembered");
    r->now = r->remembered[--r->remembered_count];
    return BEAMR_OK;
}

static beamr_status run_plain(unwind_reader *r, uint8_t op, compile_cursor *c)
{
    switch (op) {
    case DW_CFA_nop:
        return BEAMR_OK;
    case DW_CFA_advance_loc1:
        return advance(r, compile_read(c, 1));
    case DW_CFA_advance_loc2:
        return advance(r, compile_read(c, 2));
    case DW_CFA_advance_loc4:
        return advance(r, compile_read(c, 4));
    case DW_CFA_offset_extended:
    case DW_CFA_register:
        (void)compile_read_uleb(c);
        (void)compile_read_uleb(c);
        return BEAMR_OK;
    case DW_CFA_restore_extended:
    case DW_CFA_undefined:
    case DW_CFA_same_value:
    case DW_CFA_GNU_args_size:
        (void)compile_read_uleb(c);
        return BEAMR_OK;
    case DW_CFA_remember_state:
        return remember(r);
    case DW_CFA_restore_state:
        return restore(r);
    case DW_CFA_def_cfa:
        r->now.reg = compile_read_uleb(c);
        r->now.offset = compile_read_uleb(c);
        return BEAMR_OK;
    case DW_CFA_def_cfa_register:
        r->now.reg = compile_read_uleb(c);
        return BEAMR_OK;
    case DW_CFA_def_cfa_offset:
        r->now.offset = compile_read_uleb(c);
        return BEAMR_OK;
    default:
        return unknown(r, "instruction", op);
    }
}

static beamr_status run(unwind_reader *r, compile_cursor c)
{
    while (c.next < c.end) {
        uint8_t op = (uint8_t)compile_read(&c, 1);

        switch (op & 0xc0) {
        case DW_CFA_advance_loc:
            BEAMR_TRY(advance(r, op & 0x3f));
            break;
        case DW_CFA_offset:
            (void)compile_read_uleb(&c);
            break;
        case DW_CFA_restore:
            break;
        default:
            BEAMR_TRY(run_plain(r, op, &c));
        }
    }
    return c.failed ? damaged(r, "an instruction is cut off") : BEAMR_OK;
}

/* ---- Entries ---- */

/* The entry that others share, at `offset`. Most follow one another with the same. */
static beamr_status read_shared(unwind_reader *r, uint64_t offset)
{
    compile_cursor c = r->section;
    uint64_t size;

    (void)compile_read_part(&c, offset);
    size = compile_read(&c, 4);
    if (c.failed || size > CIE_SIZE_MAX)
        return damaged(r, "a shared entry is outside, or too large");
    c = compile_read_part(&c, size);
    if (compile_read(&c, 4) != 0)
        return damaged(r, "an entry refers to one that is not shared");
    if (compile_read(&c, 1) != 1)
        return damaged(r, "not version 1");
    if (compile_read(&c, 1) != 'z' || compile_read(&c, 1) != 'R' || compile_read(&c, 1) != 0)
        return unknown(r, "augmentation", 0);
    r->code_align = compile_read_uleb(&c);
    (void)compile_read_sleb(&c); /* factor of data */
    (void)compile_read(&c, 1);   /* register of the return address */
    size = compile_read_uleb(&c);
    if (size != 1 || compile_read(&c, 1) != DW_EH_PE_pcrel_sdata4)
        return unknown(r, "encoding of addresses", size);
    if (c.failed)
        return damaged(r, "a shared entry is cut off");
    r->initial = c;
    return BEAMR_OK;
}

/* The function's place and size; the cursor goes on at its instructions. */
static beamr_status read_range(unwind_reader *r, compile_cursor *c)
{
    uint32_t type = r->e->machine == EM_X86_64 ? R_X86_64_PC32 : R_AARCH64_PREL32;
    uint64_t size;

    BEAMR_TRY(compile_relocations_find(&r->relocations, (uint64_t)(c->next - r->section.start),
                                       type, &r->at, r->err));
    (void)compile_read(c, 4);
    size = compile_read(c, 4);
    (void)compile_read_part(c, compile_read_uleb(c)); /* augmentation */
    if (c->failed || size > UINT32_MAX - (uint64_t)r->at.offset ||
        r->at.offset + size > compile_elf_section(r->e, r->at.section).sh_size)
        return damaged(r, "a function's end is outside");
    r->end = r->at.offset + (uint32_t)size;
    return BEAMR_OK;
}

static beamr_status read_function(unwind_reader *r, compile_cursor c)
{
    compile_place start;

    BEAMR_TRY(read_range(r, &c));
    start = r->at;
    r->now = (cfa){UINT64_MAX, 0};
    r->remembered_count = 0;
    r->largest = 0;
    BEAMR_TRY(run(r, r->initial));
    BEAMR_TRY(run(r, c));
    BEAMR_TRY(add_row(r));
    r->at.offset = r->end;
    r->at.value = 0;
    BEAMR_TRY(compile_places_add(r->rows, r->at, r->err));
    start.value = r->largest;
    return compile_places_add(r->frames, start, r->err);
}

beamr_status compile_unwind_read(const compile_elf_file *e, compile_places *rows,
                                 compile_places *frames, beamr_error *err)
{
    unwind_reader r = {.e = e, .rows = rows, .frames = frames, .err = err};
    uint32_t index = compile_elf_find(e, ".eh_frame");
    compile_cursor all, entry;
    Elf64_Shdr section;
    uint64_t shared = UINT64_MAX;

    if (index == 0)
        return BEAMR_OK;
    section = compile_elf_section(e, index);
    all = r.section = compile_cursor_of(compile_elf_contents(e, &section));
    r.sp = e->machine == EM_X86_64 ? 7 : 31;
    compile_relocations_open(&r.relocations, e, index);
    while (all.next < all.end) {
        uint64_t at, back;

        entry = compile_read_part(&all, compile_read(&all, 4));
        if (all.failed)
            return damaged(&r, "cut off");
        if (entry.next == entry.end)
            continue; /* the end, or padding */
        at = (uint64_t)(entry.next - all.start);
        back = compile_read(&entry, 4);
        if (back == 0)
            continue;
        if (back > at)
            return damaged(&r, "an entry refers to one before the beginning");
        if (at - back != shared)
            BEAMR_TRY(read_shared(&r, at - back));
        shared = at - back;
        BEAMR_TRY(read_function(&r, entry));
    }
    return BEAMR_OK;
}
