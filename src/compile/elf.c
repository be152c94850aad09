/* Reading a relocatable ELF file: sections, symbols, relocations, each looked up only after it
 * was found to lie inside the file. What they mean is for lines.c, unwind.c and link.c. Source:
 * System V ABI, "Object Files". */
#include <string.h>

#include "compile/link.h"

/* A table of `count` entries of `size` bytes lies inside the file. */
static bool is_inside(const compile_elf_file *e, uint64_t offset, uint64_t count, uint64_t size)
{
    return offset <= e->bytes.len && count <= (e->bytes.len - offset) / size;
}

Elf64_Shdr compile_elf_section(const compile_elf_file *e, uint32_t index)
{
    Elf64_Shdr section;

    memcpy(&section, e->bytes.data + e->sections + (uint64_t)index * sizeof section,
           sizeof section);
    return section;
}

beamr_bytes compile_elf_contents(const compile_elf_file *e, const Elf64_Shdr *section)
{
    if (section->sh_type == SHT_NOBITS || section->sh_type == SHT_NULL)
        return (beamr_bytes){NULL, 0};
    return (beamr_bytes){e->bytes.data + section->sh_offset, section->sh_size};
}

/* A string of a table of strings, which ends in NUL. */
static const char *string_at(const compile_elf_file *e, const Elf64_Shdr *table, uint64_t at)
{
    return (const char *)e->bytes.data + table->sh_offset + at;
}

const char *compile_elf_section_name(const compile_elf_file *e, const Elf64_Shdr *section)
{
    return string_at(e, &e->section_names, section->sh_name);
}

uint32_t compile_elf_find(const compile_elf_file *e, const char *name)
{
    for (uint32_t i = 1; i < e->section_count; i++) {
        Elf64_Shdr section = compile_elf_section(e, i);

        if (strcmp(compile_elf_section_name(e, &section), name) == 0)
            return i;
    }
    return 0;
}

uint32_t compile_elf_relocations(const compile_elf_file *e, uint32_t index)
{
    for (uint32_t i = 1; i < e->section_count; i++) {
        Elf64_Shdr section = compile_elf_section(e, i);

        if (section.sh_type == SHT_RELA && section.sh_info == index)
            return i;
    }
    return 0;
}

uint64_t compile_elf_rela_count(const Elf64_Shdr *section)
{
    return section->sh_size / sizeof(Elf64_Rela);
}

Elf64_Rela compile_elf_rela(const compile_elf_file *e, const Elf64_Shdr *section, uint64_t i)
{
    Elf64_Rela rela;

    memcpy(&rela, e->bytes.data + section->sh_offset + i * sizeof rela, sizeof rela);
    return rela;
}

beamr_status compile_elf_symbol(const compile_elf_file *e, uint64_t index, Elf64_Sym *out,
                                const char **name, beamr_error *err)
{
    if (index >= e->symbol_count)
        return beamr_fail(err, BEAMR_COMPILER, 0, "object file: symbol %llu of %u",
                          (unsigned long long)index, e->symbol_count);
    memcpy(out, e->bytes.data + e->symbols.sh_offset + index * sizeof *out, sizeof *out);
    if (out->st_name >= e->names.sh_size)
        return beamr_fail(err, BEAMR_COMPILER, 0, "object file: a symbol's name is outside");
    if (out->st_shndx >= e->section_count && out->st_shndx < SHN_LORESERVE)
        return beamr_fail(err, BEAMR_COMPILER, 0, "object file: a symbol's section is outside");
    *name = string_at(e, &e->names, out->st_name);
    return BEAMR_OK;
}

static beamr_status check_header(compile_elf_file *e, uint16_t machine, Elf64_Ehdr *header,
                                 beamr_error *err)
{
    if (e->bytes.len < sizeof *header)
        return beamr_fail(err, BEAMR_COMPILER, 0, "object file: %zu bytes are too few",
                          e->bytes.len);
    memcpy(header, e->bytes.data, sizeof *header);
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_type != ET_REL || header->e_machine != machine)
        return beamr_fail(err, BEAMR_COMPILER, 0,
                          "object file: not a relocatable one for this machine");
    if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum == 0 ||
        !is_inside(e, header->e_shoff, header->e_shnum, sizeof(Elf64_Shdr)))
        return beamr_fail(err, BEAMR_COMPILER, 0, "object file: its sections are outside");
    e->sections = header->e_shoff;
    e->section_count = header->e_shnum;
    return BEAMR_OK;
}

/* Take section `index` as a table of strings: not empty, and the last one ends. */
static beamr_status open_strings(const compile_elf_file *e, uint32_t index, Elf64_Shdr *out,
                                 beamr_error *err)
{
    if (index < e->section_count) {
        *out = compile_elf_section(e, index);
        if (out->sh_type == SHT_STRTAB && out->sh_size > 0 &&
            is_inside(e, out->sh_offset, out->sh_size, 1) &&
            e->bytes.data[out->sh_offset + out->sh_size - 1] == 0)
            return BEAMR_OK;
    }
    return beamr_fail(err, BEAMR_COMPILER, 0, "object file: section %u holds no strings",
                      index);
}

static beamr_status check_section(compile_elf_file *e, uint32_t index, beamr_error *err)
{
    Elf64_Shdr s = compile_elf_section(e, index);
    uint64_t entry = s.sh_type == SHT_SYMTAB ? sizeof(Elf64_Sym)
                     : s.sh_type == SHT_RELA ? sizeof(Elf64_Rela)
                                             : 1;
    bool has_contents = s.sh_type != SHT_NOBITS && s.sh_type != SHT_NULL;

    if (s.sh_name >= e->section_names.sh_size ||
        (has_contents && !is_inside(e, s.sh_offset, s.sh_size, 1)) || s.sh_size % entry != 0 ||
        s.sh_size / entry > UINT32_MAX || (s.sh_addralign & (s.sh_addralign - 1)) != 0)
        return beamr_fail(err, BEAMR_COMPILER, 0, "object file: section %u is damaged", index);
    if (s.sh_type == SHT_REL)
        return beamr_fail(err, BEAMR_COMPILER, 0,
                          "object file: section %u holds relocations without addends", index);
    if (s.sh_type != SHT_SYMTAB)
        return BEAMR_OK;
    if (e->symbols.sh_type == SHT_SYMTAB)
        return beamr_fail(err, BEAMR_COMPILER, 0, "object file: two tables of symbols");
    e->symbols = s;
    e->symbol_count = (uint32_t)(s.sh_size / entry);
    return open_strings(e, s.sh_link, &e->names, err);
}

beamr_status compile_elf_open(compile_elf_file *e, beamr_bytes bytes, uint16_t machine,
                              beamr_error *err)
{
    Elf64_Ehdr header;

    *e = (compile_elf_file){.bytes = bytes, .machine = machine};
    BEAMR_TRY(check_header(e, machine, &header, err));
    BEAMR_TRY(open_strings(e, header.e_shstrndx, &e->section_names, err));
    for (uint32_t i = 1; i < e->section_count; i++)
        BEAMR_TRY(check_section(e, i, err));
    if (e->symbols.sh_type != SHT_SYMTAB)
        return beamr_fail(err, BEAMR_COMPILER, 0, "object file: no table of symbols");
    return BEAMR_OK;
}

/* ---- Relocations of numbers in tables ---- */

void compile_relocations_open(compile_relocations *r, const compile_elf_file *e,
                              uint32_t section)
{
    uint32_t index = compile_elf_relocations(e, section);

    *r = (compile_relocations){.e = e};
    if (index > 0) {
        r->section = compile_elf_section(e, index);
        r->count = compile_elf_rela_count(&r->section);
    }
}

beamr_status compile_relocations_find(compile_relocations *r, uint64_t offset, uint32_t type,
                                      compile_place *out, beamr_error *err)
{
    Elf64_Rela rela = {0};
    Elf64_Sym symbol;
    const char *name;
    uint64_t place;

    while (r->next < r->count) {
        rela = compile_elf_rela(r->e, &r->section, r->next);
        if (rela.r_offset >= offset)
            break;
        r->next++;
    }
    if (r->next == r->count || rela.r_offset != offset || ELF64_R_TYPE(rela.r_info) != type)
        return beamr_fail(
            err, BEAMR_COMPILER, offset,
            "object file: an address in a table is not relocated as it should be");
    BEAMR_TRY(compile_elf_symbol(r->e, ELF64_R_SYM(rela.r_info), &symbol, &name, err));
    place = symbol.st_value + (uint64_t)rela.r_addend;
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE ||
        place > compile_elf_section(r->e, symbol.st_shndx).sh_size || place > UINT32_MAX)
        return beamr_fail(err, BEAMR_COMPILER, offset,
                          "object file: an address in a table leads outside");
    *out = (compile_place){symbol.st_shndx, (uint32_t)place, 0};
    return BEAMR_OK;
}
