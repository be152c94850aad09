/* Putting units together: what they define and need, the layout of code and read-only data,
 * references between them, and the tables of the code object. Machine code of all units comes
 * first, then their data; both in the order of the units, so that the result does not depend on
 * which thread was done first. */
#include <stdlib.h>
#include <string.h>

#include "compile/link.h"

#define NOT_KEPT UINT32_MAX
#define ALIGN_MAX 4096u

/* A function's code, or a thunk's or stub's. */
typedef struct code_span {
    uint32_t code, size;
    uint32_t func; /* as in abi_object_range */
} code_span;

typedef struct linker {
    const compile_job *job;
    const compile_elf *units;
    const uint8_t *state;
    compile_elf_file *files;
    uint32_t *bases;       /* offset in the code of each section of each unit, or NOT_KEPT */
    uint32_t *first_bases; /* where each unit's begin */
    uint32_t unit_count;
    code_span *spans;
    uint32_t span_count, span_room;
    uint32_t *entries; /* by defined function: its code or its stub's, or ABI_NO_CODE */
    compile_image *out;
    beamr_error *err;
} linker;

/* ---- Names ---- */

static uint16_t machine_of(const compile_job *job)
{
    return job->options->arch == ABI_ARCH_X86_64 ? EM_X86_64 : EM_AARCH64;
}

/* Read a name: 'f' or 't' and a number below `limit`, written without zeros in front. */
static bool read_name(const char *name, char kind, uint32_t limit, uint32_t *index)
{
    uint64_t value = 0;

    if (name[0] != kind || name[1] == 0 || (name[1] == '0' && name[2] != 0))
        return false;
    for (name++; *name; name++) {
        if (*name < '0' || *name > '9' || value >= limit)
            return false;
        value = value * 10 + (uint64_t)(*name - '0');
    }
    *index = (uint32_t)value;
    return value < limit;
}

/* Is it a defined function's name? `index` counts those. */
static bool read_func(const wb_module *m, const char *name, uint32_t *index)
{
    if (!read_name(name, 'f', m->func_count, index) || *index < m->func_imports)
        return false;
    *index -= m->func_imports;
    return true;
}

/* ---- Survey ---- */

static int compare_places(const void *a, const void *b)
{
    const compile_place *x = a, *y = b;

    if (x->section != y->section)
        return x->section < y->section ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static uint32_t find_frame(const compile_places *frames, const Elf64_Sym *symbol)
{
    compile_place key = {symbol->st_shndx, (uint32_t)symbol->st_value, 0};
    const compile_place *found = NULL;

    if (frames->count > 0)
        found = bsearch(&key, frames->list, frames->count, sizeof key, compare_places);
    return found ? found->value : COMPILE_FRAME_UNKNOWN;
}

/* Largest frames of a file's functions, ready for find_frame. `rows` are what is read beside.
 */
static beamr_status read_frames(const compile_elf_file *e, compile_places *rows,
                                compile_places *frames, beamr_error *err)
{
    BEAMR_TRY(compile_unwind_read(e, rows, frames, err));
    if (frames->count > 0)
        qsort(frames->list, frames->count, sizeof *frames->list, compare_places);
    return BEAMR_OK;
}

static uint8_t survey_symbol(const compile_job *job, const Elf64_Sym *symbol, uint32_t index,
                             const compile_places *frames)
{
    uint64_t most = abi_native_frame_most(wb_func_units(job->m, job->m->func_imports + index));

    if (symbol->st_shndx == SHN_UNDEF)
        return COMPILE_NEEDED;
    return find_frame(frames, symbol) <= most ? COMPILE_FOUND : COMPILE_FOUND | COMPILE_UNFIT;
}

static beamr_status survey(const compile_job *job, const compile_elf_file *e,
                           const compile_places *frames, uint8_t *state, beamr_error *err)
{
    Elf64_Sym symbol;
    const char *name;
    uint32_t index;

    for (uint32_t i = 1; i < e->symbol_count; i++) {
        BEAMR_TRY(compile_elf_symbol(e, i, &symbol, &name, err));
        if (read_func(job->m, name, &index))
            state[index] |= survey_symbol(job, &symbol, index, frames);
    }
    return BEAMR_OK;
}

beamr_status compile_survey(const compile_job *job, const compile_elf *unit, uint8_t *state,
                            beamr_error *err)
{
    compile_places rows = {0}, frames = {0};
    compile_elf_file e;
    beamr_status st;

    BEAMR_TRY(
        compile_elf_open(&e, (beamr_bytes){unit->bytes, unit->size}, machine_of(job), err));
    st = read_frames(&e, &rows, &frames, err);
    if (st == BEAMR_OK)
        st = survey(job, &e, &frames, state, err);
    free(rows.list);
    free(frames.list);
    return st;
}

/* ---- Layout ---- */

static beamr_status open_units(linker *l)
{
    uint32_t total = 0;

    for (uint32_t i = 0; i < l->unit_count; i++) {
        beamr_bytes bytes = {l->units[i].bytes, l->units[i].size};

        BEAMR_TRY(compile_elf_open(&l->files[i], bytes, machine_of(l->job), l->err));
        l->first_bases[i] = total;
        if (__builtin_add_overflow(total, l->files[i].section_count, &total))
            return beamr_fail(l->err, BEAMR_LIMIT, 0, "too many sections of code");
    }
    l->bases = malloc(((size_t)total + 1) * sizeof *l->bases);
    if (!l->bases)
        return beamr_fail(l->err, BEAMR_NO_MEMORY, 0, "out of memory for linking");
    for (uint32_t i = 0; i < total; i++)
        l->bases[i] = NOT_KEPT;
    return BEAMR_OK;
}

/* What a section becomes: 1 code, 2 data, 0 neither. */
static beamr_status classify(linker *l, const compile_elf_file *e, const Elf64_Shdr *s,
                             int *out)
{
    const char *name = compile_elf_section_name(e, s);

    *out = 0;
    if (!(s->sh_flags & SHF_ALLOC) || s->sh_size == 0 || strcmp(name, ".eh_frame") == 0)
        return BEAMR_OK;
    if (s->sh_type != SHT_PROGBITS || (s->sh_flags & (SHF_WRITE | SHF_TLS)) ||
        s->sh_addralign > ALIGN_MAX)
        return beamr_fail(l->err, BEAMR_UNSUPPORTED, 0,
                          "section %.40s is neither code nor read-only data", name);
    *out = s->sh_flags & SHF_EXECINSTR ? 1 : 2;
    return BEAMR_OK;
}

static beamr_status lay_out(linker *l, int wanted, uint64_t *at)
{
    for (uint32_t i = 0; i < l->unit_count; i++) {
        for (uint32_t j = 1; j < l->files[i].section_count; j++) {
            Elf64_Shdr s = compile_elf_section(&l->files[i], j);
            uint64_t align = s.sh_addralign > 0 ? s.sh_addralign : 1;
            int kind;

            BEAMR_TRY(classify(l, &l->files[i], &s, &kind));
            if (kind != wanted)
                continue;
            *at = (*at + align - 1) & ~(align - 1);
            l->bases[l->first_bases[i] + j] = (uint32_t)*at;
            *at += s.sh_size;
            if (*at > INT32_MAX)
                return beamr_fail(l->err, BEAMR_LIMIT, 0, "more than 2 GiB of machine code");
        }
    }
    return BEAMR_OK;
}

static uint32_t base_of(const linker *l, uint32_t unit, uint32_t section)
{
    return l->bases[l->first_bases[unit] + section];
}

/* What lies between sections traps when it is run. */
static beamr_status copy_sections(linker *l, uint64_t size)
{
    l->out->size = (uint32_t)size;
    if (!(l->out->code = malloc(size + 1)))
        return beamr_fail(l->err, BEAMR_NO_MEMORY, 0, "out of memory for machine code");
    memset(l->out->code, l->job->options->arch == ABI_ARCH_X86_64 ? 0xcc : 0, size);
    for (uint32_t i = 0; i < l->unit_count; i++) {
        for (uint32_t j = 1; j < l->files[i].section_count; j++) {
            Elf64_Shdr s = compile_elf_section(&l->files[i], j);
            beamr_bytes bytes = compile_elf_contents(&l->files[i], &s);

            if (base_of(l, i, j) != NOT_KEPT)
                memcpy(l->out->code + base_of(l, i, j), bytes.data, bytes.len);
        }
    }
    return BEAMR_OK;
}

/* ---- Symbols ---- */

static beamr_status add_span(linker *l, code_span span)
{
    if (l->span_count == l->span_room) {
        uint32_t room = l->span_room ? l->span_room * 2 : 256;
        code_span *spans = realloc(l->spans, room * sizeof *spans);

        if (!spans)
            return beamr_fail(l->err, BEAMR_NO_MEMORY, 0, "out of memory for linking");
        l->spans = spans;
        l->span_room = room;
    }
    l->spans[l->span_count++] = span;
    return BEAMR_OK;
}

static beamr_status fail_twice(linker *l, const char *name)
{
    return beamr_fail(l->err, BEAMR_COMPILER, 0, "object file: %.20s is there twice", name);
}

/* A function's own code, or a stub. The code of a function that does not fit is left unused. */
static beamr_status define_func(linker *l, uint32_t unit, uint32_t index, const char *name,
                                const compile_places *frames, const Elf64_Sym *symbol,
                                code_span *span)
{
    const compile_elf *u = &l->units[unit];
    bool fits = (l->state[index] & (COMPILE_FOUND | COMPILE_UNFIT)) == COMPILE_FOUND;
    bool is_stub = u->func_count == 0;

    if (!is_stub && (index < u->first_func || index - u->first_func >= u->func_count))
        return beamr_fail(l->err, BEAMR_COMPILER, 0, "object file: %.20s is another unit's",
                          name);
    if (is_stub == fits) {
        span->func = ABI_RANGE_NONE;
        return BEAMR_OK;
    }
    if (l->entries[index] != ABI_NO_CODE)
        return fail_twice(l, name);
    l->entries[index] = span->code;
    span->func = is_stub ? ABI_RANGE_STUB : l->job->m->func_imports + index;
    if (is_stub)
        return BEAMR_OK;
    l->out->functions[index] = (abi_object_func){span->code, find_frame(frames, symbol)};
    l->out->compiled++;
    return BEAMR_OK;
}

static beamr_status define(linker *l, uint32_t unit, const Elf64_Sym *symbol, const char *name,
                           const compile_places *frames)
{
    code_span span = {.func = ABI_RANGE_THUNK, .size = (uint32_t)symbol->st_size};
    Elf64_Shdr section = compile_elf_section(&l->files[unit], symbol->st_shndx);
    uint32_t base = base_of(l, unit, symbol->st_shndx);
    uint32_t index;

    if (base == NOT_KEPT || symbol->st_value > section.sh_size ||
        symbol->st_size > section.sh_size - symbol->st_value || symbol->st_size == 0)
        return beamr_fail(l->err, BEAMR_COMPILER, 0, "object file: %.20s is not in its code",
                          name);
    span.code = base + (uint32_t)symbol->st_value;
    if (read_func(l->job->m, name, &index)) {
        BEAMR_TRY(define_func(l, unit, index, name, frames, symbol, &span));
    } else if (read_name(name, 't', l->job->m->type_count, &index)) {
        if (l->out->thunks[index] != ABI_NO_CODE)
            return fail_twice(l, name);
        l->out->thunks[index] = span.code;
    } else if (read_name(name, 's', l->job->m->type_count, &index)) {
        span.func = ABI_RANGE_STUB; /* a unit's own, of calls that leave the native code */
    } else {
        return beamr_fail(l->err, BEAMR_COMPILER, 0, "object file: unknown function %.40s",
                          name);
    }
    return add_span(l, span);
}

static beamr_status define_all(linker *l, uint32_t unit, const compile_places *frames)
{
    const compile_elf_file *e = &l->files[unit];
    Elf64_Sym symbol;
    const char *name;

    for (uint32_t i = 1; i < e->symbol_count; i++) {
        BEAMR_TRY(compile_elf_symbol(e, i, &symbol, &name, l->err));
        if (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx != SHN_UNDEF &&
            symbol.st_shndx < SHN_LORESERVE)
            BEAMR_TRY(define(l, unit, &symbol, name, frames));
    }
    return BEAMR_OK;
}

/* ---- References ---- */

/* Where a symbol is in the code. Functions and thunks may be in any unit, the rest is in this
 * one. */
static beamr_status resolve(linker *l, uint32_t unit, uint64_t symbol_index, uint64_t *out)
{
    const wb_module *m = l->job->m;
    uint32_t index, at = ABI_NO_CODE;
    Elf64_Sym symbol;
    const char *name;

    BEAMR_TRY(compile_elf_symbol(&l->files[unit], symbol_index, &symbol, &name, l->err));
    if (read_func(m, name, &index))
        at = l->entries[index];
    else if (read_name(name, 't', m->type_count, &index))
        at = l->out->thunks[index];
    else if (symbol.st_shndx != SHN_UNDEF && symbol.st_shndx < SHN_LORESERVE)
        at = base_of(l, unit, symbol.st_shndx);
    else
        return beamr_fail(l->err, BEAMR_UNSUPPORTED, 0,
                          "code refers to %.40s, which is nowhere", name);
    if (at == ABI_NO_CODE)
        return beamr_fail(l->err, BEAMR_COMPILER, 0, "code refers to %.40s, which was left out",
                          name);
    *out = at;
    if (!read_func(m, name, &index) && !read_name(name, 't', m->type_count, &index))
        *out += symbol.st_value;
    return BEAMR_OK;
}

static beamr_status relocate_section(linker *l, uint32_t unit, uint32_t section,
                                     const Elf64_Shdr *relocations)
{
    const compile_elf_file *e = &l->files[unit];
    uint64_t count = compile_elf_rela_count(relocations);
    uint64_t size = compile_elf_section(e, section).sh_size;
    uint32_t base = base_of(l, unit, section);

    for (uint64_t i = 0; i < count; i++) {
        Elf64_Rela rela = compile_elf_rela(e, relocations, i);
        uint64_t symbol = 0, at;
        int64_t target;

        if (size < 4 || rela.r_offset > size - 4)
            return beamr_fail(l->err, BEAMR_COMPILER, 0,
                              "object file: a relocation is outside its section");
        BEAMR_TRY(resolve(l, unit, ELF64_R_SYM(rela.r_info), &symbol));
        if (__builtin_add_overflow((int64_t)symbol, rela.r_addend, &target) ||
            target > (int64_t)l->out->size || target < -(int64_t)l->out->size)
            return beamr_fail(l->err, BEAMR_COMPILER, 0,
                              "object file: a relocation leads outside the code");
        at = base + rela.r_offset;
        BEAMR_TRY(compile_relocate(l->job->options->arch, (uint32_t)ELF64_R_TYPE(rela.r_info),
                                   l->out->code + at, at, target, l->err));
    }
    return BEAMR_OK;
}

static beamr_status relocate_all(linker *l)
{
    for (uint32_t i = 0; i < l->unit_count; i++) {
        for (uint32_t j = 1; j < l->files[i].section_count; j++) {
            Elf64_Shdr s = compile_elf_section(&l->files[i], j);

            if (s.sh_type == SHT_RELA && s.sh_info < l->files[i].section_count &&
                base_of(l, i, s.sh_info) != NOT_KEPT)
                BEAMR_TRY(relocate_section(l, i, s.sh_info, &s));
        }
    }
    return BEAMR_OK;
}

/* ---- Tables ---- */

static int compare_spans(const void *a, const void *b)
{
    const code_span *x = a, *y = b;

    return x->code < y->code ? -1 : x->code > y->code;
}

static void add_range(compile_image *out, uint32_t code, uint32_t func)
{
    if (out->range_count > 0 && out->ranges[out->range_count - 1].func == func)
        return;
    out->ranges[out->range_count++] = (abi_object_range){code, func};
}

static beamr_status make_ranges(linker *l)
{
    uint32_t at = 0;

    l->out->ranges = malloc(((size_t)l->span_count * 2 + 1) * sizeof *l->out->ranges);
    if (!l->out->ranges)
        return beamr_fail(l->err, BEAMR_NO_MEMORY, 0, "out of memory for tables of code");
    if (l->span_count > 0)
        qsort(l->spans, l->span_count, sizeof *l->spans, compare_spans);
    for (uint32_t i = 0; i < l->span_count; i++) {
        code_span span = l->spans[i];

        if (span.code < at)
            return beamr_fail(l->err, BEAMR_COMPILER, 0, "object file: functions overlap");
        if (span.code > at)
            add_range(l->out, at, ABI_RANGE_NONE);
        add_range(l->out, span.code, span.func);
        at = span.code + span.size;
    }
    if (at < l->out->size)
        add_range(l->out, at, ABI_RANGE_NONE);
    return BEAMR_OK;
}

/* Places of one unit to places in the code; those beside the code are no use. */
static beamr_status append(linker *l, uint32_t unit, const compile_places *from,
                           compile_places *to)
{
    for (size_t i = 0; i < from->count; i++) {
        compile_place p = from->list[i];

        if (base_of(l, unit, p.section) == NOT_KEPT)
            return beamr_fail(l->err, BEAMR_COMPILER, 0,
                              "object file: a table describes what is not code");
        p.offset += base_of(l, unit, p.section); /* below 2 GiB, and a section's offset */
        p.section = (uint32_t)to->count;         /* from here on: their order */
        BEAMR_TRY(compile_places_add(to, p, l->err));
    }
    return BEAMR_OK;
}

static int compare_rows(const void *a, const void *b)
{
    const compile_place *x = a, *y = b;

    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return x->section < y->section ? -1 : x->section > y->section;
}

/* Rows in the order of the code; of several at one place the last one holds, and none repeats
 * the one before it. */
static beamr_status make_rows(linker *l, compile_places *p, abi_object_row **out,
                              uint32_t *out_count)
{
    abi_object_row *rows = malloc((p->count + 1) * sizeof *rows);
    uint32_t count = 0;

    if (!rows)
        return beamr_fail(l->err, BEAMR_NO_MEMORY, 0, "out of memory for tables of code");
    if (p->count > 0)
        qsort(p->list, p->count, sizeof *p->list, compare_rows);
    for (size_t i = 0; i < p->count; i++) {
        if (i + 1 < p->count && p->list[i + 1].offset == p->list[i].offset)
            continue;
        if (count == 0 || rows[count - 1].value != p->list[i].value)
            rows[count++] = (abi_object_row){p->list[i].offset, p->list[i].value};
    }
    *out = rows;
    *out_count = count;
    return BEAMR_OK;
}

/* ---- The whole ---- */

/* One unit's part of everything but relocation. */
static beamr_status read_unit(linker *l, uint32_t unit, compile_places *unwind,
                              compile_places *sites)
{
    compile_places rows = {0}, frames = {0}, lines = {0};
    beamr_status st;

    if ((st = read_frames(&l->files[unit], &rows, &frames, l->err)) != BEAMR_OK)
        goto out;
    if ((st = compile_lines_read(&l->files[unit], &lines, l->err)) != BEAMR_OK)
        goto out;
    if ((st = define_all(l, unit, &frames)) != BEAMR_OK)
        goto out;
    if ((st = append(l, unit, &rows, unwind)) != BEAMR_OK)
        goto out;
    st = append(l, unit, &lines, sites);
out:
    free(rows.list);
    free(frames.list);
    free(lines.list);
    return st;
}

static beamr_status allocate(linker *l)
{
    const wb_module *m = l->job->m;
    uint32_t functions = m->func_count - m->func_imports;
    uint32_t units = l->unit_count + 1;

    l->files = calloc(units, sizeof *l->files);
    l->first_bases = calloc(units, sizeof *l->first_bases);
    l->entries = malloc(((size_t)functions + 1) * sizeof *l->entries);
    l->out->functions = malloc(((size_t)functions + 1) * sizeof *l->out->functions);
    l->out->thunks = malloc(((size_t)m->type_count + 1) * sizeof *l->out->thunks);
    if (!l->files || !l->first_bases || !l->entries || !l->out->functions || !l->out->thunks)
        return beamr_fail(l->err, BEAMR_NO_MEMORY, 0, "out of memory for linking");
    for (uint32_t i = 0; i < functions; i++) {
        l->entries[i] = ABI_NO_CODE;
        l->out->functions[i] = (abi_object_func){ABI_NO_CODE, 0};
    }
    for (uint32_t i = 0; i < m->type_count; i++)
        l->out->thunks[i] = ABI_NO_CODE;
    return BEAMR_OK;
}

static beamr_status link_units(linker *l, compile_places *unwind, compile_places *sites)
{
    compile_image *out = l->out;
    uint64_t size = 0;

    BEAMR_TRY(allocate(l));
    BEAMR_TRY(open_units(l));
    BEAMR_TRY(lay_out(l, 1, &size));
    BEAMR_TRY(lay_out(l, 2, &size));
    BEAMR_TRY(copy_sections(l, size));
    for (uint32_t i = 0; i < l->unit_count; i++)
        BEAMR_TRY(read_unit(l, i, unwind, sites));
    BEAMR_TRY(relocate_all(l));
    BEAMR_TRY(make_ranges(l));
    BEAMR_TRY(make_rows(l, unwind, &out->unwind, &out->unwind_count));
    return make_rows(l, sites, &out->sites, &out->site_count);
}

beamr_status compile_link(const compile_job *job, const compile_elf *units, uint32_t unit_count,
                          const uint8_t *state, compile_image *out, beamr_error *err)
{
    compile_image image = {0};
    compile_places unwind = {0}, sites = {0};
    linker l = {.job = job,
                .units = units,
                .unit_count = unit_count,
                .state = state,
                .out = &image,
                .err = err};
    beamr_status st = link_units(&l, &unwind, &sites);

    free(unwind.list);
    free(sites.list);
    free(l.files);
    free(l.bases);
    free(l.first_bases);
    free(l.spans);
    free(l.entries);
    if (st == BEAMR_OK)
        *out = image;
    else
        compile_image_clear(&image);
    return st;
}

void compile_image_clear(compile_image *image)
{
    free(image->code);
    free(image->functions);
    free(image->thunks);
    free(image->ranges);
    free(image->unwind);
    free(image->sites);
    *image = (compile_image){0};
}
