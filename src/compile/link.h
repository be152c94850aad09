/* Reading what LLVM emits, and putting it together. Each reader trusts nothing in the file: it
 * refuses what it does not know, since a mistake here would be one in machine code.
 *   elf.c     sections, symbols, relocations of a relocatable file
 *   lines.c   .debug_line: which instruction of the module code belongs to
 *   unwind.c  .eh_frame: how large the frame is, and where
 *   link.c    survey of units, layout, relocation
 *   object.c  the code object's bytes */
#ifndef COMPILE_LINK_H
#define COMPILE_LINK_H

#include <elf.h>

#include "compile/internal.h"

/* ---- elf.c ---- */

/* An ELF file for one machine, its tables found and inside its bytes. */
typedef struct compile_elf_file {
    beamr_bytes bytes; /* borrowed */
    uint16_t machine;
    uint64_t sections; /* offset of the section headers */
    uint32_t section_count;
    uint32_t symbol_count;
    Elf64_Shdr symbols, names, section_names; /* .symtab, its strings, the sections' names */
} compile_elf_file;

/*   machine  EM_X86_64 or EM_AARCH64
 * Errors: BEAMR_COMPILER. */
beamr_status compile_elf_open(compile_elf_file *e, beamr_bytes bytes, uint16_t machine,
                              beamr_error *err);
/* Section `index`, below section_count. Its contents lie inside the file (unless it has none:
 * SHT_NOBITS), its name is a string in it. */
Elf64_Shdr compile_elf_section(const compile_elf_file *e, uint32_t index);
const char *compile_elf_section_name(const compile_elf_file *e, const Elf64_Shdr *section);
/* Contents of a section; nothing for SHT_NOBITS. */
beamr_bytes compile_elf_contents(const compile_elf_file *e, const Elf64_Shdr *section);
/* Find a section by name: its index, or 0. */
uint32_t compile_elf_find(const compile_elf_file *e, const char *name);
/* Find the relocations of section `index`: the index of their section, or 0. */
uint32_t compile_elf_relocations(const compile_elf_file *e, uint32_t index);
/* Entries of a section of relocations; entry `i`. */
uint64_t compile_elf_rela_count(const Elf64_Shdr *section);
Elf64_Rela compile_elf_rela(const compile_elf_file *e, const Elf64_Shdr *section, uint64_t i);
/* Symbol `index`.  Errors: BEAMR_COMPILER (there is no such symbol; its name or section is
 * outside). A place in a section need not lie inside it. */
beamr_status compile_elf_symbol(const compile_elf_file *e, uint64_t index, Elf64_Sym *out,
                                const char **name, beamr_error *err);

/* ---- lines.c, unwind.c ---- */

/* A number that holds from a place in a section on. */
typedef struct compile_place {
    uint32_t section;
    uint32_t offset;
    uint32_t value;
} compile_place;

typedef struct compile_places {
    compile_place *list; /* freed by the caller, also after a failure */
    size_t count, room;
} compile_places;

beamr_status compile_places_add(compile_places *p, compile_place place, beamr_error *err);

/* Append the rows of .debug_line, in the order in which they stand there; the value is the
 * line, 0 where a sequence ends. Errors: BEAMR_COMPILER, BEAMR_NO_MEMORY.  Source: DWARF 5,
 * "Line Number Information". */
beamr_status compile_lines_read(const compile_elf_file *e, compile_places *out,
                                beamr_error *err);

#define COMPILE_FRAME_UNKNOWN UINT32_MAX

/* Append the rows of .eh_frame; the value is what the caller's stack pointer lies above the
 * present one, 0 where code ends. `frames` gets one entry for each function: where it begins,
 * and its largest value, or COMPILE_FRAME_UNKNOWN if its frame is not counted from the stack
 * pointer; its rows are then of no use. Errors: BEAMR_COMPILER, BEAMR_UNSUPPORTED (a form LLVM
 * does not use today), BEAMR_NO_MEMORY. Source: DWARF 5, "Call Frame Information"; Linux
 * Standard Base, "Exception Frames". */
beamr_status compile_unwind_read(const compile_elf_file *e, compile_places *rows,
                                 compile_places *frames, beamr_error *err);

/* Bytes that are read from front to back. Reading beyond the end gives zeros, and is noted. */
typedef struct compile_cursor {
    const uint8_t *start, *next, *end;
    bool failed;
} compile_cursor;

compile_cursor compile_cursor_of(beamr_bytes bytes);
uint64_t compile_read(compile_cursor *c, unsigned bytes); /* little-endian */
uint64_t compile_read_uleb(compile_cursor *c);
int64_t compile_read_sleb(compile_cursor *c);
/* The next `length` bytes as a cursor of their own; both fail if they are not there. */
compile_cursor compile_read_part(compile_cursor *c, uint64_t length);

/* The place that a relocation of a number at `offset` of a section leads to. `next` is where
 * the search begins, and is moved on: relocations are asked for in their order. Errors:
 * BEAMR_COMPILER (none is there, or not to a place in a section of the file). */
typedef struct compile_relocations {
    const compile_elf_file *e;
    Elf64_Shdr section; /* of the relocations */
    uint64_t next, count;
} compile_relocations;

void compile_relocations_open(compile_relocations *r, const compile_elf_file *e,
                              uint32_t section);
beamr_status compile_relocations_find(compile_relocations *r, uint64_t offset, uint32_t type,
                                      compile_place *out, beamr_error *err);

/* ---- link.c ---- */

/* What is known of each defined function. */
enum {
    COMPILE_FOUND = 1,  /* a unit has code for it */
    COMPILE_NEEDED = 2, /* other code refers to it */
    COMPILE_UNFIT = 4,  /* its frame is larger than its units allow, or not known */
};

/* Look for functions, and for what they refer to.
 *   state  by defined function; bits are added
 * Errors: BEAMR_COMPILER, BEAMR_UNSUPPORTED, BEAMR_NO_MEMORY. */
beamr_status compile_survey(const compile_job *job, const compile_elf *unit, uint8_t *state,
                            beamr_error *err);

/* Machine code of all units, in their order, and its tables; offsets count from the code's
 * beginning. */
typedef struct compile_image {
    uint8_t *code;
    uint32_t size;
    abi_object_func *functions; /* of each defined function */
    uint32_t *thunks;           /* by type; ABI_NO_CODE: not there */
    abi_object_range *ranges;
    abi_object_row *unwind, *sites;
    uint32_t range_count, unwind_count, site_count;
    uint32_t compiled;
} compile_image;

/* Put units together. Functions are named "f<index>", thunks "t<type>"; those of a unit with
 * func_count 0 are thunks, and stubs in place of functions whose state is not just FOUND.
 * Errors: as compile_survey; BEAMR_LIMIT (more code than relocations reach). */
beamr_status compile_link(const compile_job *job, const compile_elf *units, uint32_t unit_count,
                          const uint8_t *state, compile_image *out, beamr_error *err);
void compile_image_clear(compile_image *image);

/* Apply one relocation.
 *   place   the 4 bytes to be changed
 *   at      their offset in the code
 *   target  offset in the code of what they refer to, addend included
 * Errors: BEAMR_UNSUPPORTED (an unknown type), BEAMR_LIMIT (too far), BEAMR_COMPILER (the
 * target is not aligned as the instruction demands). */
beamr_status compile_relocate(uint32_t arch, uint32_t type, uint8_t *place, uint64_t at,
                              int64_t target, beamr_error *err);

/* ---- object.c ---- */

/* The object's bytes, to be freed with free(). */
beamr_status compile_object_write(const compile_job *job, const uint8_t id[32],
                                  const compile_image *image, uint8_t **out, size_t *size,
                                  beamr_error *err);

#endif
