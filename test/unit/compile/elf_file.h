/* A relocatable ELF file in the making: code, a table of some kind, and relocations of it. */
#ifndef TEST_COMPILE_ELF_FILE_H
#define TEST_COMPILE_ELF_FILE_H

#include "unit/compile/modules.h"

/* Sections: 0 none, 1 .text, 2 the table, 3 its relocations, 4 symbols, 5 strings. */
enum {
    ELF_TEXT = 1,
    ELF_TABLE,
    ELF_RELOCATIONS,
    ELF_SYMBOLS,
    ELF_STRINGS,
    ELF_SECTIONS,
};

#define TEXT_SIZE 256u

typedef struct elf_image {
    uint8_t bytes[8192];
    size_t size;
    Elf64_Shdr sections[ELF_SECTIONS];
} elf_image;

static inline void elf_add(elf_image *e, uint32_t section, uint32_t type, const void *data,
                           size_t size)
{
    assert_true(e->size + size <= sizeof e->bytes);
    e->sections[section].sh_type = type;
    e->sections[section].sh_offset = e->size;
    e->sections[section].sh_size = size;
    memcpy(e->bytes + e->size, data, size);
    e->size += size;
}

/* A file with 256 bytes of code and a table named `name`, in which the numbers at `places` are
 * relocated to `targets` in the code, as `type`. */
static inline void elf_make(elf_image *e, uint16_t machine, const char *name, const void *table,
                            size_t size, const uint64_t *places, const int64_t *targets,
                            uint32_t count, uint32_t type)
{
    static const uint8_t text[TEXT_SIZE];
    Elf64_Ehdr header = {.e_type = ET_REL,
                         .e_machine = machine,
                         .e_shentsize = sizeof(Elf64_Shdr),
                         .e_shnum = ELF_SECTIONS,
                         .e_shstrndx = ELF_STRINGS};
    Elf64_Sym symbols[2] = {{0}, {.st_shndx = ELF_TEXT, .st_info = STT_SECTION}};
    Elf64_Rela relas[16];
    char names[32] = {0};

    assert_true(count <= 16);
    *e = (elf_image){.size = sizeof header};
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    strcpy(names + 1, name);
    elf_add(e, ELF_TEXT, SHT_PROGBITS, text, sizeof text);
    elf_add(e, ELF_TABLE, SHT_PROGBITS, table, size);
    e->sections[ELF_TABLE].sh_name = 1;
    for (uint32_t i = 0; i < count; i++)
        relas[i] = (Elf64_Rela){places[i], ELF64_R_INFO(1, type), targets[i]};
    elf_add(e, ELF_RELOCATIONS, SHT_RELA, relas, count * sizeof *relas);
    e->sections[ELF_RELOCATIONS].sh_info = ELF_TABLE;
    elf_add(e, ELF_SYMBOLS, SHT_SYMTAB, symbols, sizeof symbols);
    e->sections[ELF_SYMBOLS].sh_link = ELF_STRINGS;
    elf_add(e, ELF_STRINGS, SHT_STRTAB, names, sizeof names);
    header.e_shoff = e->size;
    memcpy(e->bytes, &header, sizeof header);
    memcpy(e->bytes + e->size, e->sections, sizeof e->sections);
    e->size += sizeof e->sections;
}

static inline compile_elf_file elf_open(const elf_image *e, uint16_t machine)
{
    compile_elf_file file;
    beamr_error err = {0};

    if (compile_elf_open(&file, (beamr_bytes){e->bytes, e->size}, machine, &err))
        fail_msg("%s", err.text);
    return file;
}

#define EXPECT_PLACES(p, ...)                                                                  \
    do {                                                                                       \
        const compile_place expected_[] = {__VA_ARGS__};                                       \
        assert_int_equal((p).count, sizeof expected_ / sizeof *expected_);                     \
        assert_memory_equal((p).list, expected_, sizeof expected_);                            \
    } while (0)

#endif
