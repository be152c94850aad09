/* Reading .debug_line: from an address on, code belongs to a "line", which the compiler made
 * the byte offset of an instruction in the module. Files, columns and the like are stepped
 * over. Also the cursor with which tables are read. Source: DWARF 5, "Line Number Information";
 * version 4 differs in its header alone. */
#include <stdlib.h>

#include "compile/link.h"

/* Opcodes of line programs that matter here. */
enum {
    DW_LNS_copy = 1,
    DW_LNS_advance_pc = 2,
    DW_LNS_advance_line = 3,
    DW_LNS_const_add_pc = 8,
    DW_LNS_fixed_advance_pc = 9,
    DW_LNE_end_sequence = 1,
    DW_LNE_set_address = 2,
};

/* ---- Reading numbers ---- */

compile_cursor compile_cursor_of(beamr_bytes bytes)
{
    static const uint8_t nothing[1];
    const uint8_t *data = bytes.len > 0 ? bytes.data : nothing;

    return (compile_cursor){data, data, data + bytes.len, false};
}

uint64_t compile_read(compile_cursor *c, unsigned bytes)
{
    uint64_t value = 0;

    if ((size_t)(c->end - c->next) < bytes) {
        c->failed = true;
        c->next = c->end;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)*c->next++ << (8 * i);
    return value;
}

uint64_t compile_read_uleb(compile_cursor *c)
{
    uint64_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        uint64_t byte = compile_read(c, 1);

        if (shift < 64)
            value |= (byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
}

int64_t compile_read_sleb(compile_cursor *c)
{
    uint64_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        uint64_t byte = compile_read(c, 1);

        if (shift < 64)
            value |= (byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if ((byte & 0x40) && shift + 7 < 64)
            value |= ~UINT64_C(0) << (shift + 7);
        return (int64_t)value;
    }
}

compile_cursor compile_read_part(compile_cursor *c, uint64_t length)
{
    compile_cursor part = {c->next, c->next, c->next, false};

    if (length > (uint64_t)(c->end - c->next)) {
        c->failed = part.failed = true;
        c->next = c->end;
        return part;
    }
    c->next += length;
    part.end = c->next;
    return part;
}

beamr_status compile_places_add(compile_places *p, compile_place place, beamr_error *err)
{
    if (p->count == p->room) {
        size_t room = p->room ? p->room * 2 : 256;
        compile_place *list = realloc(p->list, room * sizeof *list);

        if (!list)
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for %zu rows", room);
        p->list = list;
        p->room = room;
    }
    p->list[p->count++] = place;
    return BEAMR_OK;
}

/* ---- The program of line numbers ---- */

typedef struct line_program {
    compile_relocations relocations;
    const uint8_t *section; /* its first byte */
    compile_cursor code;
    uint8_t step; /* minimum_instruction_length */
    int8_t line_base;
    uint8_t line_range, opcode_base;
    uint8_t lengths[256]; /* of standard opcodes: how many operands */
    /* Registers. */
    compile_place at;
    uint64_t line; /* wraps as the machine of the specification may not; checked when used */
    bool has_address;
    compile_places *out;
    beamr_error *err;
} line_program;

static beamr_status damaged(line_program *p, const char *what)
{
    return beamr_fail(p->err, BEAMR_COMPILER, (uint64_t)(p->code.next - p->section),
                      "line table: %s", what);
}

static void start_sequence(line_program *p)
{
    p->at = (compile_place){0};
    p->line = 1;
    p->has_address = false;
}

static beamr_status advance(line_program *p, uint64_t steps)
{
    uint64_t bytes;

    if (__builtin_mul_overflow(steps, (uint64_t)p->step, &bytes) ||
        bytes > UINT32_MAX - (uint64_t)p->at.offset)
        return damaged(p, "an address beyond 4 GiB");
    p->at.offset += (uint32_t)bytes;
    return BEAMR_OK;
}

static beamr_status add_row(line_program *p, bool is_end)
{
    compile_place row = p->at;

    if (!p->has_address)
        return damaged(p, "a row without an address");
    if (p->line > UINT32_MAX)
        return damaged(p, "a line beyond 32 bits");
    row.value = is_end ? 0 : (uint32_t)p->line;
    return compile_places_add(p->out, row, p->err);
}

static beamr_status run_special(line_program *p, uint8_t opcode)
{
    uint8_t adjusted = (uint8_t)(opcode - p->opcode_base);

    BEAMR_TRY(advance(p, adjusted / p->line_range));
    p->line += (uint64_t)(int64_t)(p->line_base + adjusted % p->line_range);
    return add_row(p, false);
}

static beamr_status run_extended(line_program *p)
{
    compile_cursor body = compile_read_part(&p->code, compile_read_uleb(&p->code));

    switch (compile_read(&body, 1)) {
    case DW_LNE_end_sequence:
        BEAMR_TRY(add_row(p, true));
        start_sequence(p);
        break;
    case DW_LNE_set_address:
        BEAMR_TRY(compile_relocations_find(
            &p->relocations, (uint64_t)(body.next - p->section),
            p->relocations.e->machine == EM_X86_64 ? R_X86_64_64 : R_AARCH64_ABS64, &p->at,
            p->err));
        (void)compile_read(&body, 8);
        p->has_address = true;
        break;
    default: /* discriminators and the like, or damage: then `failed` is set */
        break;
    }
    return body.failed ? damaged(p, "an extended opcode is cut off") : BEAMR_OK;
}

static beamr_status run_standard(line_program *p, uint8_t opcode)
{
    switch (opcode) {
    case DW_LNS_copy:
        return add_row(p, false);
    case DW_LNS_advance_pc:
        return advance(p, compile_read_uleb(&p->code));
    case DW_LNS_advance_line:
        p->line += (uint64_t)compile_read_sleb(&p->code);
        return BEAMR_OK;
    case DW_LNS_const_add_pc:
        return advance(p, (uint64_t)(255 - p->opcode_base) / p->line_range);
    case DW_LNS_fixed_advance_pc:
        if (p->step != 1)
            return damaged(p, "an address in other units than instructions");
        return advance(p, compile_read(&p->code, 2));
    default: /* file, column, flags */
        for (uint8_t i = 0; i < p->lengths[opcode]; i++)
            (void)compile_read_uleb(&p->code);
        return BEAMR_OK;
    }
}

static beamr_status run_program(line_program *p)
{
    start_sequence(p);
    while (p->code.next < p->code.end) {
        uint8_t opcode = (uint8_t)compile_read(&p->code, 1);

        if (opcode >= p->opcode_base)
            BEAMR_TRY(run_special(p, opcode));
        else if (opcode == 0)
            BEAMR_TRY(run_extended(p));
        else
            BEAMR_TRY(run_standard(p, opcode));
        if (p->code.failed)
            return damaged(p, "an opcode is cut off");
    }
    return p->has_address ? damaged(p, "a sequence without an end") : BEAMR_OK;
}

/* Read a header up to its first opcode: files and folders are stepped over. */
static beamr_status read_header(line_program *p, compile_cursor *unit)
{
    uint64_t version = compile_read(unit, 2);
    compile_cursor header;

    if (version != 4 && version != 5)
        return damaged(p, "neither version 4 nor 5");
    if (version == 5 && compile_read(unit, 2) != 8) /* address size, segment selector size */
        return damaged(p, "addresses are not of 8 bytes");
    header = compile_read_part(unit, compile_read(unit, 4));
    p->step = (uint8_t)compile_read(&header, 1);
    (void)compile_read(&header, 2); /* operations per instruction, default_is_stmt */
    p->line_base = (int8_t)compile_read(&header, 1);
    p->line_range = (uint8_t)compile_read(&header, 1);
    p->opcode_base = (uint8_t)compile_read(&header, 1);
    for (unsigned i = 1; i < p->opcode_base; i++)
        p->lengths[i] = (uint8_t)compile_read(&header, 1);
    if (header.failed || unit->failed || p->line_range == 0 || p->opcode_base < 10 ||
        p->step == 0)
        return damaged(p, "a header is cut off, or not what it should be");
    p->code = *unit;
    return BEAMR_OK;
}

beamr_status compile_lines_read(const compile_elf_file *e, compile_places *out,
                                beamr_error *err)
{
    line_program p = {.out = out, .err = err};
    uint32_t index = compile_elf_find(e, ".debug_line");
    Elf64_Shdr section;
    compile_cursor all, unit;

    if (index == 0)
        return BEAMR_OK;
    section = compile_elf_section(e, index);
    all = compile_cursor_of(compile_elf_contents(e, &section));
    p.section = all.start;
    compile_relocations_open(&p.relocations, e, index);
    while (all.next < all.end) {
        unit = compile_read_part(&all, compile_read(&all, 4));
        p.code = unit;
        if (all.failed)
            return damaged(&p, "cut off");
        BEAMR_TRY(read_header(&p, &unit));
        BEAMR_TRY(run_program(&p));
    }
    return BEAMR_OK;
}
