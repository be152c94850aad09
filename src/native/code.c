/* Code objects: checking one, mapping its code, and looking things up in its tables. What an
 * object says is believed only as far as it cannot lead outside of it: the checks find damage
 * and mistaken use, since code from somebody malicious could do anything anyway. The format is
 * in abi/object.h, entering the code in entry.c. */
#define _GNU_SOURCE
#include "native/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/checksum.h"

#define ALL_FLAGS                                                                              \
    (ABI_OBJECT_METERING | ABI_OBJECT_CHECKS | ABI_OBJECT_CATCHES | ABI_OBJECT_NO_POLLS |      \
     ABI_OBJECT_ANY_NAN)

/* ---- The header ---- */

static beamr_status malformed(const char *what, beamr_error *err)
{
    return beamr_fail(err, BEAMR_OBJECT, 0, "the code object is damaged: %s", what);
}

static beamr_status check_sum(beamr_bytes object, const abi_object *head, beamr_error *err)
{
    static const uint8_t zeros[sizeof head->checksum];
    size_t at = offsetof(abi_object, checksum);
    uint8_t sum[CRYPTO_CHECKSUM_SIZE];
    crypto_checksum *c = crypto_checksum_new();

    _Static_assert(sizeof sum == sizeof head->checksum, "one size");
    if (!c)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a checksum");
    crypto_checksum_add(c, object.data, at);
    crypto_checksum_add(c, zeros, sizeof zeros);
    crypto_checksum_add(c, object.data + at + sizeof zeros, object.len - at - sizeof zeros);
    crypto_checksum_end(c, sum);
    crypto_checksum_free(c);
    if (memcmp(sum, head->checksum, sizeof sum) != 0)
        return malformed("its checksum is of other bytes", err);
    return BEAMR_OK;
}

/* Magic, format, length: what can be told of any bytes. */
static beamr_status read_head(beamr_bytes object, abi_object *head, beamr_error *err)
{
    if (object.len < sizeof *head)
        return beamr_fail(err, BEAMR_OBJECT, 0,
                          "a code object has a header of %zu bytes; %zu were given",
                          sizeof *head, object.len);
    memcpy(head, object.data, sizeof *head);
    if (memcmp(head->magic, ABI_OBJECT_MAGIC, sizeof head->magic) != 0)
        return beamr_fail(err, BEAMR_OBJECT, 0,
                          "no code object: it does not begin with "
                          "\"" ABI_OBJECT_MAGIC "\"");
    if (head->format != ABI_OBJECT_FORMAT)
        return beamr_fail(err, BEAMR_UNSUPPORTED, 0,
                          "a code object of format %" PRIu32 "; format %u is supported",
                          head->format, ABI_OBJECT_FORMAT);
    if (head->size != object.len)
        return beamr_fail(err, BEAMR_OBJECT, 0,
                          "a code object of %" PRIu32 " bytes; %zu were given", head->size,
                          object.len);
    return check_sum(object, head, err);
}

static uint32_t host_arch(void)
{
#if defined(__x86_64__)
    return ABI_ARCH_X86_64;
#else
    return 0; /* native code runs on x86-64 only so far */
#endif
}

static const char *arch_name(uint32_t arch)
{
    return arch == ABI_ARCH_X86_64    ? "x86-64"
           : arch == ABI_ARCH_AARCH64 ? "AArch64"
                                      : "an unknown architecture";
}

/* What this processor has of what code can need; `base` is what all code needs. */
static uint32_t host_cpu(bool *base)
{
#if defined(__x86_64__)
    *base = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                   __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma") &&
                   __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("movbe") &&
                   __builtin_cpu_supports("f16c")
               ? ABI_CPU_X86_64_V3
               : 0;
#else
    *base = true;
    return 0;
#endif
}

static beamr_status check_compiler(const abi_object *head, beamr_error *err)
{
    static const char wanted[] = ABI_OBJECT_COMPILER;
    const char *end = memchr(head->compiler, 0, sizeof head->compiler);

    if (!end || end == head->compiler)
        return malformed("the compiler's name does not end, or is missing", err);
    for (const char *at = end; at < head->compiler + sizeof head->compiler; at++)
        if (*at)
            return malformed("something follows the compiler's name", err);
    if (strncmp(head->compiler, wanted, sizeof wanted - 1) != 0) {
        char name[RT_NAME_SIZE];

        return beamr_fail(err, BEAMR_UNSUPPORTED, 0,
                          "the code object was made by %s; this library runs code of \"%s...\"",
                          rt_name_text((beamr_bytes){(const uint8_t *)head->compiler,
                                                     (size_t)(end - head->compiler)},
                                       name, sizeof name),
                          wanted);
    }
    return BEAMR_OK;
}

/* The code is for this library and this machine. */
static beamr_status check_host(const abi_object *head, beamr_error *err)
{
    bool base;
    uint32_t cpu = host_cpu(&base);

    if (head->version != ABI_NATIVE_VERSION)
        return beamr_fail(err, BEAMR_UNSUPPORTED, 0,
                          "the code object is for version %" PRIu32
                          " of the runtime; this is version %u",
                          head->version, ABI_NATIVE_VERSION);
    BEAMR_TRY(check_compiler(head, err));
    if (head->arch != host_arch())
        return beamr_fail(err, BEAMR_UNSUPPORTED, 0,
                          "the code object is for %s; native code runs here for %s",
                          arch_name(head->arch),
                          host_arch() ? arch_name(host_arch()) : "no architecture yet");
    if (!base || (head->cpu & ~cpu) != 0)
        return beamr_fail(err, BEAMR_UNSUPPORTED, 0,
                          "the code object needs features that this processor lacks (%#" PRIx32
                          " of %#" PRIx32 ")",
                          head->cpu & ~cpu, head->cpu);
    if (head->flags & ~(uint32_t)ALL_FLAGS)
        return beamr_fail(err, BEAMR_UNSUPPORTED, 0,
                          "the code object has unknown options (%#" PRIx32 ")",
                          head->flags & ~(uint32_t)ALL_FLAGS);
    return BEAMR_OK;
}

/* The code is of this module, and means what its engine means. */
static beamr_status check_module(abi_module *m, const abi_object *head, beamr_error *err)
{
    const rt_engine *e = m->engine;
    uint8_t id[RT_MODULE_ID_SIZE];
    bool metering = head->flags & ABI_OBJECT_METERING;
    bool catches = head->flags & ABI_OBJECT_CATCHES;

    BEAMR_TRY(rt_module_id(m, id, err));
    if (memcmp(id, head->module_id, sizeof id) != 0)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the code object is of another module");
    if (metering != e->metering)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the code object %s fuel and the engine %s",
                          metering ? "counts" : "does not count",
                          e->metering ? "does" : "does not");
    if (!(head->flags & ABI_OBJECT_CHECKS) && m->wasm.memory_count > 0 && e->max_reserved == 0)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the code object leaves checks to guards, which the engine's "
                          "memories do not have");
    if (catches != abi_module_catches(&m->wasm))
        return malformed("it has another convention for exceptions than its module", err);
    if (head->compiled > m->wasm.func_count - m->wasm.func_imports || head->zero != 0)
        return malformed("its count of functions", err);
    return BEAMR_OK;
}

/* ---- Sections ---- */

static beamr_status check_section(const abi_object *head, const abi_object_section *section,
                                  uint32_t each, uint32_t least, const char *name,
                                  beamr_error *err)
{
    if (section->offset % 16 != 0 || section->offset < sizeof *head ||
        section->offset > head->size || section->size > head->size - section->offset ||
        section->size % each != 0 || section->size / each < least)
        return beamr_fail(err, BEAMR_OBJECT, 0,
                          "the code object is damaged: section %s has %" PRIu32
                          " bytes at %" PRIu32,
                          name, section->size, section->offset);
    return BEAMR_OK;
}

static beamr_status check_sections(const abi_object *head, const wb_module *w, beamr_error *err)
{
    uint32_t funcs = w->func_count - w->func_imports;

    BEAMR_TRY(check_section(head, &head->code, 1, 0, "code", err));
    BEAMR_TRY(check_section(head, &head->functions, sizeof(abi_object_func), funcs, "functions",
                            err));
    BEAMR_TRY(check_section(head, &head->thunks, 4, w->type_count, "thunks", err));
    BEAMR_TRY(check_section(head, &head->ranges, sizeof(abi_object_range), 0, "ranges", err));
    BEAMR_TRY(check_section(head, &head->unwind, sizeof(abi_object_row), 0, "unwind", err));
    BEAMR_TRY(check_section(head, &head->sites, sizeof(abi_object_row), 0, "sites", err));
    if (head->functions.size / sizeof(abi_object_func) != funcs ||
        head->thunks.size / 4 != w->type_count)
        return malformed("its functions or types are not as many as the module's", err);
    return BEAMR_OK;
}

/* The record for a checked header, its tables copied, its code not yet mapped. */
static beamr_status take_tables(const wb_module *w, const abi_object *head,
                                const uint8_t *object, native_code **out, beamr_error *err)
{
    native_code *c = calloc(1, sizeof *c);
    uint32_t funcs = head->functions.size, thunks = head->thunks.size;
    uint32_t ranges = head->ranges.size, rows = head->unwind.size, sites = head->sites.size;
    size_t total = (size_t)funcs + thunks + ranges + rows + sites;
    uint8_t *at;

    if (!c || !(c->tables = malloc(total ? total : 1))) {
        free(c);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the tables of native code");
    }
    c->wasm = w;
    c->size = head->code.size;
    c->flags = head->flags;
    c->cpu = head->cpu;
    c->compiled = head->compiled;
    c->range_count = ranges / (uint32_t)sizeof(abi_object_range);
    c->row_count = rows / (uint32_t)sizeof(abi_object_row);
    c->site_count = sites / (uint32_t)sizeof(abi_object_row);
    at = c->tables;
    c->funcs = (const abi_object_func *)memcpy(at, object + head->functions.offset, funcs);
    at += funcs;
    c->ranges = (const abi_object_range *)memcpy(at, object + head->ranges.offset, ranges);
    at += ranges;
    c->rows = (const abi_object_row *)memcpy(at, object + head->unwind.offset, rows);
    at += rows;
    c->sites = (const abi_object_row *)memcpy(at, object + head->sites.offset, sites);
    at += sites;
    c->thunks = (const uint32_t *)memcpy(at, object + head->thunks.offset, thunks);
    *out = c;
    return BEAMR_OK;
}

/* ---- What the tables say ---- */

static bool is_special(uint32_t func)
{
    return func >= ABI_RANGE_STUB;
}

static beamr_status check_ranges(const native_code *c, beamr_error *err)
{
    const wb_module *w = c->wasm;

    if (c->size > 0 && (c->range_count == 0 || c->ranges[0].code != 0))
        return malformed("its ranges do not begin with its code", err);
    for (uint32_t i = 0; i < c->range_count; i++) {
        const abi_object_range *r = &c->ranges[i];

        if (r->code >= c->size || (i > 0 && r->code <= r[-1].code))
            return malformed("its ranges are out of order", err);
        if (!is_special(r->func) && (r->func < w->func_imports || r->func >= w->func_count))
            return malformed("a range is of no function of the module", err);
    }
    return BEAMR_OK;
}

/* Ascending, within the code or at its end, and no value beyond `most`. */
static beamr_status check_rows(const native_code *c, const abi_object_row *rows, uint32_t count,
                               uint64_t most, uint32_t multiple, const char *what,
                               beamr_error *err)
{
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].code > c->size || (i > 0 && rows[i].code <= rows[i - 1].code) ||
            rows[i].value > most || rows[i].value % multiple != 0)
            return malformed(what, err);
    return BEAMR_OK;
}

/* A range of this kind begins there. */
static bool begins(const native_code *c, uint32_t code, uint32_t func)
{
    return code < c->size && native_code_range(c, code) == func &&
           (code == 0 || native_code_range(c, code - 1) != func || is_special(func));
}

static beamr_status check_func(const native_code *c, uint32_t index, uint32_t *compiled,
                               beamr_error *err)
{
    const wb_module *w = c->wasm;
    const abi_object_func *f = &c->funcs[index - w->func_imports];

    if (f->code == ABI_NO_CODE)
        return BEAMR_OK;
    (*compiled)++;
    if (!begins(c, f->code, index))
        return malformed("a function does not begin where its range does", err);
    if (!begins(c, c->thunks[w->funcs[index].type], ABI_RANGE_THUNK))
        return malformed("a function has no thunk", err);
    if (f->frame > abi_native_frame_most(wb_func_units(w, index)))
        return malformed("a function's frame is larger than may be", err);
    return BEAMR_OK;
}

static beamr_status check_tables(const native_code *c, beamr_error *err)
{
    const wb_module *w = c->wasm;
    uint32_t compiled = 0;

    BEAMR_TRY(check_ranges(c, err));
    BEAMR_TRY(check_rows(c, c->rows, c->row_count, (uint64_t)1 << 30, 8,
                         "its table of frames is out of order", err));
    BEAMR_TRY(check_rows(c, c->sites, c->site_count, w->bytes.len, 1,
                         "its table of places is out of order", err));
    for (uint32_t i = w->func_imports; i < w->func_count; i++)
        BEAMR_TRY(check_func(c, i, &compiled, err));
    for (uint32_t i = 0; i < w->type_count; i++)
        if (c->thunks[i] != ABI_NO_CODE && !begins(c, c->thunks[i], ABI_RANGE_THUNK))
            return malformed("a thunk does not begin where its range does", err);
    if (compiled != c->compiled)
        return malformed("its count of functions", err);
    return BEAMR_OK;
}

/* ---- Lookups ---- */

/* The last row at or before; rows begin with their offset in the code. */
static uint32_t find(const abi_object_row *rows, uint32_t count, uint32_t at, uint32_t none)
{
    uint32_t low = 0;
    uint32_t high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (rows[middle].code <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? rows[low - 1].value : none;
}

uint32_t native_code_range(const native_code *c, uint32_t at)
{
    _Static_assert(sizeof(abi_object_range) == sizeof(abi_object_row), "one search for both");
    return find((const abi_object_row *)(const void *)c->ranges, c->range_count, at,
                ABI_RANGE_NONE);
}

uint32_t native_code_frame(const native_code *c, uint32_t at)
{
    return find(c->rows, c->row_count, at, 0);
}

uint32_t native_code_site(const native_code *c, uint32_t at)
{
    return find(c->sites, c->site_count, at, 0);
}

/* ---- Loading ---- */

/* Never writable and executable at once. */
static beamr_status map_code(native_code *c, const uint8_t *code, beamr_error *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t bytes = ((size_t)c->size + page - 1) / page * page;
    void *at;

    if (bytes == 0)
        return BEAMR_OK;
    at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu bytes of native code",
                          bytes);
    c->base = at;
    c->mapped = bytes;
    memcpy(at, code, c->size);
    if (mprotect(at, bytes, PROT_READ | PROT_EXEC) != 0)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                          "the host refuses to make native code executable");
    if (!native_registry_add(c))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a range of native code");
    return BEAMR_OK;
}

/* Make it the module's, if it is the first. */
static beamr_status publish(abi_module *m, native_code *c, beamr_error *err)
{
    void *none = NULL;

    if (!atomic_compare_exchange_strong_explicit(&m->native, &none, c, memory_order_acq_rel,
                                                 memory_order_acquire))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the module has native code already");
    atomic_store_explicit(&m->engine->has_native, true, memory_order_relaxed);
    return BEAMR_OK;
}

beamr_status native_code_load(abi_module *m, beamr_bytes object, beamr_error *err)
{
    native_code *c = NULL;
    abi_object head;
    beamr_status st;

    BEAMR_TRY(read_head(object, &head, err));
    BEAMR_TRY(check_host(&head, err));
    BEAMR_TRY(check_module(m, &head, err));
    BEAMR_TRY(check_sections(&head, &m->wasm, err));
    BEAMR_TRY(take_tables(&m->wasm, &head, object.data, &c, err));
    if ((st = check_tables(c, err)) != BEAMR_OK)
        goto out;
    if ((st = map_code(c, object.data + head.code.offset, err)) != BEAMR_OK)
        goto out;
    if ((st = publish(m, c, err)) != BEAMR_OK)
        goto out;
    c = NULL; /* the module owns it now */
out:
    native_code_free(c);
    return st;
}

void native_code_free(void *native)
{
    native_code *c = native;

    if (!c)
        return;
    if (c->base) {
        native_registry_remove(c);
        munmap((void *)(uintptr_t)c->base, c->mapped);
    }
    free(c->tables);
    free(c);
}

bool native_code_has(const void *code, uint32_t index)
{
    return native_code_entry(code, index) != ABI_NO_CODE;
}

uint32_t native_code_count(const native_code *code)
{
    return code ? code->compiled : 0;
}
