/* The decoder: from a module's bytes to the model of wasm/module.h.
 * Here are the frame (magic, version, order and size of sections, custom sections) and the ends
 * that belong together; the sections themselves are in decode_types.c, decode_spaces.c,
 * decode_segments.c and decode_names.c. What is well-formed but makes no sense is found by
 * validate.c.
 * Source: Core, "Binary Format", "Modules". */
#include <inttypes.h>
#include <string.h>

#include "wasm/internal.h"

/* Memory that a module may take: so much for each byte of input, and a basis. The largest
 * demands are those of functions, imports and segments, below 30 bytes for each of input. */
#define ARENA_FACTOR 64u
#define ARENA_BASIS ((size_t)1024 * 1024)

#define HEADER_SIZE 8

/* Sections by id. */
typedef struct section_rule {
    const char *name;
    uint8_t rank; /* place in the order that sections must have */
    beamr_status (*decode)(wb_decoder *d, beamr_error *err);
} section_rule;

static const section_rule section_rules[] = {
    [1] = {"type", 1, wb_decode_types},
    [2] = {"import", 2, wb_decode_imports},
    [3] = {"function", 3, wb_decode_functions},
    [4] = {"table", 4, wb_decode_tables},
    [5] = {"memory", 5, wb_decode_memories},
    [13] = {"tag", 6, wb_decode_tags},
    [6] = {"global", 7, wb_decode_globals},
    [7] = {"export", 8, wb_decode_exports},
    [8] = {"start", 9, wb_decode_start},
    [9] = {"element", 10, wb_decode_elements},
    [12] = {"data count", 11, wb_decode_data_count},
    [10] = {"code", 12, wb_decode_code},
    [11] = {"data", 13, wb_decode_datas},
};

#define SECTION_IDS (sizeof section_rules / sizeof section_rules[0])

/* ---- Header ---- */

static beamr_status check_header(beamr_bytes bytes, beamr_error *err)
{
    const uint8_t *p = bytes.data;
    unsigned version, layer;

    if (bytes.len > 0 && memcmp(p, "\0asm", bytes.len < 4 ? bytes.len : 4) != 0)
        return beamr_fail(err, BEAMR_MALFORMED, 0,
                          "magic header not detected: a module begins with 00 61 73 6d");
    if (bytes.len < HEADER_SIZE)
        return beamr_fail(err, BEAMR_MALFORMED, bytes.len,
                          "unexpected end: %zu bytes are less than magic and version",
                          bytes.len);
    version = p[4] | (unsigned)p[5] << 8;
    layer = p[6] | (unsigned)p[7] << 8;
    if (layer == 1 && version != 0)
        return wb_fail_feature(WB_FEATURE_COMPONENTS, 4, err);
    if (layer != 0 || version != 1)
        return beamr_fail(
            err, BEAMR_MALFORMED, 4,
            "unknown binary version %02x %02x %02x %02x, only 01 00 00 00 is known", p[4], p[5],
            p[6], p[7]);
    return BEAMR_OK;
}

/* ---- Sections ---- */

/* Number of sections, up to where the module ends or breaks. */
static uint32_t count_sections(wb_reader r)
{
    uint32_t count = 0, size = 0;
    beamr_bytes contents;
    uint8_t id = 0;

    while (wb_reader_left(&r) > 0) {
        if (wb_read_byte(&r, &id, NULL) != BEAMR_OK ||
            wb_read_u32(&r, &size, NULL) != BEAMR_OK ||
            wb_read_bytes(&r, size, &contents, NULL) != BEAMR_OK)
            break;
        count++;
    }
    return count;
}

/* A section's id, and its contents as d->in. */
static beamr_status begin_section(wb_decoder *d, wb_reader *all, wb_section *out,
                                  beamr_error *err)
{
    uint32_t offset = wb_reader_offset(all);
    beamr_bytes contents;
    uint32_t size;
    uint8_t id = 0;

    BEAMR_TRY(wb_read_byte(all, &id, err));
    if (id >= SECTION_IDS)
        return beamr_fail(err, BEAMR_MALFORMED, offset, "malformed section id %u", id);
    BEAMR_TRY(wb_read_u32(all, &size, err));
    out->id = id;
    out->offset = wb_reader_offset(all);
    out->size = size;
    BEAMR_TRY(wb_read_bytes(all, size, &contents, err));
    d->in = *all;
    d->in.next = contents.data;
    d->in.end = contents.data + contents.len;
    return BEAMR_OK;
}

/* Anything may follow the name of a custom section. The first one called `name` is kept for the
 * end, when the functions are known. */
static beamr_status decode_custom(wb_decoder *d, wb_section *section, beamr_error *err)
{
    BEAMR_TRY(wb_read_name(&d->in, &section->name, err));
    if (!d->name_section.data && section->name.len == 4 &&
        memcmp(section->name.data, "name", 4) == 0)
        d->name_section = (beamr_bytes){d->in.next, wb_reader_left(&d->in)};
    return BEAMR_OK;
}

/* A section that is not custom: behind those that come before it, and used up to its end. */
static beamr_status decode_known(wb_decoder *d, const wb_section *section, uint8_t *rank,
                                 beamr_error *err)
{
    const section_rule *rule = &section_rules[section->id];

    if (rule->rank <= *rank)
        return beamr_fail(
            err, BEAMR_MALFORMED, section->offset,
            "unexpected content after last section: the %s section comes twice or "
            "too late",
            rule->name);
    *rank = rule->rank;
    BEAMR_TRY(rule->decode(d, err));
    if (wb_reader_left(&d->in) > 0)
        return beamr_fail(err, BEAMR_MALFORMED, wb_reader_offset(&d->in),
                          "section size mismatch: the %s section has %zu bytes too many",
                          rule->name, wb_reader_left(&d->in));
    arena_clear(&d->scratch);
    return BEAMR_OK;
}

static beamr_status decode_sections(wb_decoder *d, wb_reader *all, beamr_error *err)
{
    wb_module *m = d->m;
    uint8_t rank = 0;

    if (!(m->sections = ARENA_NEW(&m->arena, wb_section, count_sections(*all))))
        return wb_fail_memory("sections", err);
    while (wb_reader_left(all) > 0) {
        wb_section section = {0};

        BEAMR_TRY(begin_section(d, all, &section, err));
        if (section.id == 0)
            BEAMR_TRY(decode_custom(d, &section, err));
        else
            BEAMR_TRY(decode_known(d, &section, &rank, err));
        m->sections[m->section_count++] = section;
    }
    return BEAMR_OK;
}

/* What one section promised and another had to keep. */
static beamr_status check_promises(const wb_decoder *d, beamr_error *err)
{
    const wb_module *m = d->m;

    if (d->code_count != m->func_count - m->func_imports)
        return beamr_fail(err, BEAMR_MALFORMED, m->bytes.len,
                          "function and code section have inconsistent lengths: %" PRIu32
                          " functions have no code",
                          m->func_count - m->func_imports);
    if (m->has_data_count && m->data_count != d->declared_datas)
        return beamr_fail(err, BEAMR_MALFORMED, m->bytes.len,
                          "data count and data section have inconsistent lengths: %" PRIu32
                          " segments are missing",
                          d->declared_datas);
    return BEAMR_OK;
}

/* ---- The module ---- */

static beamr_status decode_module(wb_decoder *d, beamr_bytes bytes, beamr_error *err)
{
    wb_module *m = d->m;
    char *copy;

    BEAMR_TRY(wb_limit_check(WB_LIMIT_ROW_MODULE_SIZE, bytes.len, 0, err));
    BEAMR_TRY(check_header(bytes, err));
    if (!(copy = arena_text(&m->arena, bytes.data, bytes.len)))
        return wb_fail_memory("a module", err);
    m->bytes = (beamr_bytes){(const uint8_t *)copy, bytes.len};
    d->in = (wb_reader){.module = m,
                        .base = m->bytes.data,
                        .next = m->bytes.data + HEADER_SIZE,
                        .end = m->bytes.data + m->bytes.len};
    wb_reader all = d->in;
    BEAMR_TRY(decode_sections(d, &all, err));
    BEAMR_TRY(check_promises(d, err));
    return wb_decode_names(d, err);
}

/* Bytes that the arena for an input may take. */
static size_t arena_limit(size_t input)
{
    if (input > (SIZE_MAX - ARENA_BASIS) / ARENA_FACTOR)
        return SIZE_MAX;
    return input * ARENA_FACTOR + ARENA_BASIS;
}

beamr_status wb_decode(wb_module *m, beamr_bytes bytes, wb_features features,
                       wb_registry *registry, beamr_error *err)
{
    wb_decoder d = {.m = m};
    beamr_status st;

    memset(m, 0, sizeof *m);
    arena_init(&m->arena, arena_limit(bytes.len));
    arena_init(&d.scratch, arena_limit(bytes.len));
    m->registry = registry;
    m->features = (features & wb_features_default()) | WB_FEATURE_BIT(CORE);
    m->used = WB_FEATURE_BIT(CORE);
    st = decode_module(&d, bytes, err);
    arena_clear(&d.scratch);
    if (st != BEAMR_OK)
        wb_module_clear(m);
    return st;
}

void wb_module_clear(wb_module *m)
{
    for (uint32_t i = 0; i < m->group_count; i++)
        wb_registry_release(m->registry, m->groups[i]);
    arena_clear(&m->arena);
    memset(m, 0, sizeof *m);
}
