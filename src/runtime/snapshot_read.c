/* Reading a snapshot: all of it is checked and decoded beside the instance's state, then what
 * the host may refuse is taken (memory, address space), and only then something changes, by
 * steps that cannot fail.
 * A snapshot is checked for being canonical too: what is accepted would be written again as
 * the same bytes. Writing is in snapshot_write.c. */
#include "runtime/internal.h"
#include "runtime/snapshot_format.h"

#include <inttypes.h>
#include <stdlib.h>

#define PAGE_BLOCKS (ABI_PAGE_SIZE / SNAPSHOT_BLOCK)

/* What is to become of an object. */
typedef struct global_part {
    abi_global *global;
    uint64_t slots[2];
} global_part;

typedef struct table_part {
    abi_table *table;
    uint64_t *elems; /* NULL when size is 0 */
    uint64_t size;
} table_part;

typedef struct memory_part {
    abi_memory *memory;
    uint64_t pages;
    uint64_t size_before; /* bytes */
    uint64_t run_count;
    const uint8_t *runs;  /* in the snapshot, checked */
    const uint8_t *apart; /* all of its bytes, when they are not in the snapshot; else NULL */
} memory_part;

typedef struct reader {
    abi_instance *inst;
    const rt_snapshot_options *options;
    beamr_bytes bytes;
    const uint8_t *at, *end; /* what is left of the part being read */
    rt_object_map funcs, tables, memories, globals;

    global_part *globals_to;
    table_part *tables_to;
    memory_part *memories_to;
    uint32_t global_count, table_count, memory_count;
    const uint8_t *data_bits, *elem_bits;
    uint64_t **elems_to;    /* of each element segment that is to come back, else NULL */
    const uint8_t *foreign; /* the embedder's sections, checked */
    uint32_t foreign_count;
} reader;

static beamr_status no_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to restore a snapshot");
}

/* ---- Bytes ---- */

static uint64_t offset(const reader *r)
{
    return (uint64_t)(r->at - r->bytes.data);
}

#define REFUSE(r, ...) beamr_fail(err, BEAMR_SNAPSHOT, offset(r), __VA_ARGS__)

static uint64_t left(const reader *r)
{
    return (uint64_t)(r->end - r->at);
}

static uint64_t get_le(const uint8_t *from, unsigned len)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < len; i++)
        v |= (uint64_t)from[i] << (8 * i);
    return v;
}

/* Pass over `len` bytes. */
static beamr_status take(reader *r, uint64_t len, const uint8_t **out, beamr_error *err)
{
    if (len > left(r))
        return REFUSE(r, "%" PRIu64 " bytes expected, %" PRIu64 " are left", len, left(r));
    *out = r->at;
    r->at += len;
    return BEAMR_OK;
}

static beamr_status get(reader *r, unsigned len, uint64_t *out, beamr_error *err)
{
    const uint8_t *from = NULL;

    BEAMR_TRY(take(r, len, &from, err));
    *out = get_le(from, len);
    return BEAMR_OK;
}

/* ---- References and values ---- */

static beamr_status get_null(reader *r, wb_valtype type, uint64_t *slot, beamr_error *err)
{
    char text[64];

    if (!wb_valtype_is_nullable(type))
        return REFUSE(r, "null, where %s is expected",
                      wb_valtype_text(type, text, sizeof text));
    *slot = 0;
    return BEAMR_OK;
}

static beamr_status get_func(reader *r, wb_valtype type, uint64_t *slot, beamr_error *err)
{
    const wb_registry *registry = r->inst->store->engine->registry;
    uint64_t index;
    char text[64];
    abi_func *f;

    BEAMR_TRY(get(r, 4, &index, err));
    if (index == 0)
        return get_null(r, type, slot, err);
    if (index > r->inst->wasm->func_count)
        return REFUSE(r, "function %" PRIu64 "; the module has %" PRIu32, index - 1,
                      r->inst->wasm->func_count);
    if (!(f = rt_instance_func(r->inst, (uint32_t)index - 1)))
        return no_memory(err);
    if (rt_object_map_find(&r->funcs, f, (uint32_t)index - 1) != index - 1)
        return REFUSE(r,
                      "function %" PRIu64 " is not under the lowest of its indices: "
                      "the instance is linked in another way",
                      index - 1);
    if (!wb_valtype_matches(registry, WB_REFTYPE(false, WB_HEAP_DEFINED + f->canon), type))
        return REFUSE(r, "function %" PRIu64 " is not of type %s", index - 1,
                      wb_valtype_text(type, text, sizeof text));
    *slot = (uintptr_t)f;
    return BEAMR_OK;
}

static beamr_status get_extern(reader *r, wb_valtype type, uint64_t *slot, beamr_error *err)
{
    const rt_snapshot_options *o = r->options;
    uint64_t is_there, number;
    void *ref = NULL;

    BEAMR_TRY(get(r, 1, &is_there, err));
    if (is_there == 0)
        return get_null(r, type, slot, err);
    if (is_there != 1)
        return REFUSE(r, "no reference begins with %" PRIu64, is_there);
    BEAMR_TRY(get(r, 8, &number, err));
    if (!o->ref_load || !o->ref_load(o->user, number, &ref) || !ref)
        return REFUSE(r, "external reference %" PRIu64 ", which the embedder does not know",
                      number);
    *slot = (uintptr_t)ref;
    return BEAMR_OK;
}

static beamr_status get_ref(reader *r, wb_valtype type, uint64_t *slot, beamr_error *err)
{
    uint64_t v;

    switch (rt_snapshot_ref_kind(type)) {
    case SNAPSHOT_REF_FUNC:
        return get_func(r, type, slot, err);
    case SNAPSHOT_REF_EXTERN:
        return get_extern(r, type, slot, err);
    default:
        BEAMR_TRY(get(r, 1, &v, err));
        if (v != 0)
            return REFUSE(r, "a reference of a kind that no snapshot holds");
        return get_null(r, type, slot, err);
    }
}

static beamr_status get_value(reader *r, wb_valtype type, uint64_t slots[2], beamr_error *err)
{
    slots[1] = 0;
    if (wb_valtype_is_ref(type))
        return get_ref(r, type, slots, err);
    if (type == WB_I32 || type == WB_F32)
        return get(r, 4, slots, err);
    BEAMR_TRY(get(r, 8, slots, err));
    return type == WB_V128 ? get(r, 8, slots + 1, err) : BEAMR_OK;
}

/* The entry of object `index` begins with the lowest index under which the same object stands.
 *   is_first  the entry has more */
static beamr_status get_first(reader *r, const char *kind, const rt_object_map *map,
                              const void *object, uint32_t index, bool *is_first,
                              beamr_error *err)
{
    uint32_t wanted = rt_object_map_find(map, object, index);
    uint64_t first;

    BEAMR_TRY(get(r, 4, &first, err));
    if (first != wanted)
        return REFUSE(r,
                      "%s %" PRIu32 " is the same as %" PRIu64 " there and as %" PRIu32
                      " here: linked in another way",
                      kind, index, first, wanted);
    *is_first = first == index;
    return BEAMR_OK;
}

/* ---- Globals ---- */

static beamr_status read_globals(reader *r, beamr_error *err)
{
    uint32_t count = r->inst->wasm->global_count;

    if (count > 0 && !(r->globals_to = calloc(count, sizeof *r->globals_to)))
        return no_memory(err);
    for (uint32_t i = 0; i < count; i++) {
        abi_global *g = r->inst->globals[i];
        global_part *part = &r->globals_to[r->global_count];
        bool is_first;

        if (!g->is_mutable)
            continue;
        BEAMR_TRY(get_first(r, "global", &r->globals, g, i, &is_first, err));
        if (!is_first)
            continue;
        part->global = g;
        BEAMR_TRY(get_value(r, g->type, part->slots, err));
        r->global_count++;
    }
    return BEAMR_OK;
}

/* ---- Tables ---- */

static beamr_status get_elements(reader *r, table_part *part, uint32_t index, beamr_error *err)
{
    const abi_table *t = part->table;
    bool is_func = rt_snapshot_ref_kind(t->elem) == SNAPSHOT_REF_FUNC;
    uint64_t size, capacity;

    BEAMR_TRY(get(r, 8, &size, err));
    if (size > left(r) / (is_func ? 4 : 1))
        return REFUSE(r, "table %" PRIu32 " cannot have %" PRIu64 " elements", index, size);
    if (size < t->least_size)
        return REFUSE(r,
                      "table %" PRIu32 " has %" PRIu64
                      " elements; it is linked as one of %" PRIu64 " or more",
                      index, size, t->least_size);
    if (size > t->max_size)
        return beamr_fail(err, BEAMR_LIMIT, offset(r),
                          "table %" PRIu32 " has %" PRIu64 " elements; at most %" PRIu64
                          " are allowed",
                          index, size, t->max_size);
    capacity = rt_table_capacity(t, size);
    if (size > 0 && !(part->elems = malloc((size_t)capacity * sizeof *part->elems)))
        return no_memory(err);
    part->size = size;
    for (uint64_t i = 0; i < size; i++)
        BEAMR_TRY(get_ref(r, t->elem, &part->elems[i], err));
    return BEAMR_OK;
}

static beamr_status read_tables(reader *r, beamr_error *err)
{
    uint32_t count = r->inst->wasm->table_count;

    if (count > 0 && !(r->tables_to = calloc(count, sizeof *r->tables_to)))
        return no_memory(err);
    for (uint32_t i = 0; i < count; i++) {
        abi_table *t = r->inst->tables[i];
        bool is_first;

        BEAMR_TRY(get_first(r, "table", &r->tables, t, i, &is_first, err));
        if (!is_first)
            continue;
        r->tables_to[r->table_count].table = t;
        BEAMR_TRY(get_elements(r, &r->tables_to[r->table_count++], i, err));
    }
    return BEAMR_OK;
}

/* ---- Segments ---- */

static bool bit(const uint8_t *bits, uint32_t i)
{
    return bits[i / 8] >> i % 8 & 1;
}

/* `count` bits, zeros behind them. */
static beamr_status get_bits(reader *r, uint32_t count, const uint8_t **bits, beamr_error *err)
{
    BEAMR_TRY(take(r, ((uint64_t)count + 7) / 8, bits, err));
    if (count % 8 != 0 && (*bits)[count / 8] >> count % 8 != 0)
        return REFUSE(r, "more segments than the module has");
    return BEAMR_OK;
}

static beamr_status check_bit(const reader *r, const uint8_t *bits, uint32_t i,
                              wb_segment_mode mode, uint64_t len, const char *kind,
                              beamr_error *err)
{
    if ((mode != WB_SEGMENT_PASSIVE || len == 0) && !bit(bits, i))
        return REFUSE(r, "%s segment %" PRIu32 " gives nothing, and is marked as if it did",
                      kind, i);
    return BEAMR_OK;
}

static beamr_status read_segments(reader *r, beamr_error *err)
{
    const wb_module *w = r->inst->wasm;

    BEAMR_TRY(get_bits(r, w->data_count, &r->data_bits, err));
    BEAMR_TRY(get_bits(r, w->elem_count, &r->elem_bits, err));
    for (uint32_t i = 0; i < w->data_count; i++)
        BEAMR_TRY(check_bit(r, r->data_bits, i, w->datas[i].mode, w->datas[i].bytes.len, "data",
                            err));
    for (uint32_t i = 0; i < w->elem_count; i++)
        BEAMR_TRY(
            check_bit(r, r->elem_bits, i, w->elems[i].mode, w->elems[i].count, "element", err));
    return BEAMR_OK;
}

/* ---- Memories ---- */

/* A run lies in the memory, with zeros between it and the run before.
 *   next  the first block that it may begin with; afterwards, that of the next run */
static beamr_status get_run(reader *r, uint64_t blocks, uint64_t *next, beamr_error *err)
{
    const uint8_t *data = NULL;
    uint64_t first, count;

    BEAMR_TRY(get(r, 8, &first, err));
    BEAMR_TRY(get(r, 8, &count, err));
    if (first < *next || first >= blocks || count == 0 || count > blocks - first)
        return REFUSE(r, "%" PRIu64 " blocks from block %" PRIu64 " on: out of place", count,
                      first);
    if (count > left(r) / SNAPSHOT_BLOCK)
        return REFUSE(r, "%" PRIu64 " blocks of memory; %" PRIu64 " bytes are left", count,
                      left(r));
    BEAMR_TRY(take(r, count * SNAPSHOT_BLOCK, &data, err));
    for (uint64_t i = 0; i < count; i++)
        if (rt_snapshot_block_is_zero(data + i * SNAPSHOT_BLOCK))
            return REFUSE(r, "block %" PRIu64 " is zero, and should not be there", first + i);
    *next = first + count + 1;
    return BEAMR_OK;
}

/* The contents are the embedder's affair; here they are only long enough. */
static beamr_status get_apart(reader *r, memory_part *part, beamr_error *err)
{
    beamr_bytes contents = r->options->memory;

    if (part->run_count != 0)
        return REFUSE(r, "blocks of memory 0, whose contents stand apart");
    if (contents.len % ABI_PAGE_SIZE != 0 || contents.len / ABI_PAGE_SIZE != part->pages)
        return REFUSE(r,
                      "memory 0 has %" PRIu64 " pages; %zu bytes of contents are given for it",
                      part->pages, contents.len);
    part->apart = contents.data;
    return BEAMR_OK;
}

static beamr_status get_memory(reader *r, memory_part *part, uint32_t index, beamr_error *err)
{
    const abi_memory *m = part->memory;
    uint64_t next = 0;

    BEAMR_TRY(get(r, 8, &part->pages, err));
    BEAMR_TRY(get(r, 8, &part->run_count, err));
    if (part->pages < m->least_pages)
        return REFUSE(r,
                      "memory %" PRIu32 " has %" PRIu64
                      " pages; it is linked as one of %" PRIu64 " or more",
                      index, part->pages, m->least_pages);
    if (part->pages > m->max_pages)
        return beamr_fail(err, BEAMR_LIMIT, offset(r),
                          "memory %" PRIu32 " has %" PRIu64 " pages; at most %" PRIu64
                          " are allowed",
                          index, part->pages, m->max_pages);
    part->runs = r->at;
    if (index == 0 && rt_snapshot_is_apart(r->inst, r->options))
        return get_apart(r, part, err);
    for (uint64_t i = 0; i < part->run_count; i++)
        BEAMR_TRY(get_run(r, part->pages * PAGE_BLOCKS, &next, err));
    return BEAMR_OK;
}

static beamr_status read_memories(reader *r, beamr_error *err)
{
    uint32_t count = r->inst->wasm->memory_count;

    if (count > 0 && !(r->memories_to = calloc(count, sizeof *r->memories_to)))
        return no_memory(err);
    for (uint32_t i = 0; i < count; i++) {
        abi_memory *m = r->inst->memories[i];
        bool is_first;

        BEAMR_TRY(get_first(r, "memory", &r->memories, m, i, &is_first, err));
        if (!is_first)
            continue;
        r->memories_to[r->memory_count] = (memory_part){.memory = m, .size_before = m->size};
        BEAMR_TRY(get_memory(r, &r->memories_to[r->memory_count++], i, err));
    }
    return BEAMR_OK;
}

/* ---- Header and sections ---- */

static beamr_status check_checksum(reader *r, beamr_error *err)
{
    uint8_t sum[CRYPTO_CHECKSUM_SIZE];
    size_t len = r->bytes.len - sizeof sum;

    if (r->options->is_verified)
        return BEAMR_OK;
    crypto_checksum_of(r->bytes.data, len, sum);
    if (memcmp(sum, r->bytes.data + len, sizeof sum) != 0)
        return beamr_fail(err, BEAMR_SNAPSHOT, len,
                          "the snapshot is damaged: its checksum is "
                          "another");
    return BEAMR_OK;
}

static beamr_status check_module(reader *r, beamr_error *err)
{
    uint8_t id[RT_MODULE_ID_SIZE];
    const uint8_t *given = NULL;

    BEAMR_TRY(rt_module_id(r->inst->module, id, err));
    BEAMR_TRY(take(r, sizeof id, &given, err));
    if (memcmp(given, id, sizeof id) == 0)
        return BEAMR_OK;
    return REFUSE(r,
                  "the snapshot is of another module: %02x%02x%02x%02x..., not "
                  "%02x%02x%02x%02x...",
                  given[0], given[1], given[2], given[3], id[0], id[1], id[2], id[3]);
}

static beamr_status read_header(reader *r, uint64_t *section_count, beamr_error *err)
{
    uint64_t version, flags, total, zero;
    const uint8_t *magic = NULL;

    BEAMR_TRY(take(r, 8, &magic, err));
    if (memcmp(magic, SNAPSHOT_MAGIC, 8) != 0)
        return REFUSE(r, "no snapshot begins like this");
    BEAMR_TRY(get(r, 4, &version, err));
    if (version != SNAPSHOT_VERSION)
        return REFUSE(r, "a snapshot of version %" PRIu64 "; version %u is known", version,
                      SNAPSHOT_VERSION);
    BEAMR_TRY(get(r, 4, &flags, err));
    BEAMR_TRY(get(r, 8, &total, err));
    if (total != r->bytes.len)
        return REFUSE(r, "a snapshot of %" PRIu64 " bytes; %zu are given", total, r->bytes.len);
    BEAMR_TRY(check_checksum(r, err));
    if (flags & ~(uint64_t)SNAPSHOT_APART)
        return REFUSE(r, "flags %#" PRIx64 ", which are not known", flags);
    BEAMR_TRY(check_module(r, err));
    if ((flags & SNAPSHOT_APART) !=
        (rt_snapshot_is_apart(r->inst, r->options) ? SNAPSHOT_APART : 0))
        return REFUSE(r, "the contents of memory 0 %s",
                      flags ? "stand apart, and are not given"
                            : "are in the snapshot, and should stand apart");
    BEAMR_TRY(get(r, 4, section_count, err));
    BEAMR_TRY(get(r, 4, &zero, err));
    if (*section_count < SNAPSHOT_OWN_SECTIONS || zero != 0)
        return REFUSE(r, "%" PRIu64 " sections and %" PRIu64 ", which should be 0",
                      *section_count, zero);
    return BEAMR_OK;
}

static beamr_status section_header(reader *r, uint64_t *id, uint64_t *len, beamr_error *err)
{
    uint64_t zero;

    BEAMR_TRY(get(r, 4, id, err));
    BEAMR_TRY(get(r, 4, &zero, err));
    BEAMR_TRY(get(r, 8, len, err));
    if (zero != 0 || *len > left(r))
        return REFUSE(r, "section %" PRIu64 " of %" PRIu64 " bytes; %" PRIu64 " are left", *id,
                      *len, left(r));
    return BEAMR_OK;
}

static beamr_status read_own_section(reader *r, uint64_t wanted, beamr_error *err)
{
    static beamr_status (*const readers[])(reader *, beamr_error *) = {
        [SNAPSHOT_GLOBALS] = read_globals,
        [SNAPSHOT_TABLES] = read_tables,
        [SNAPSHOT_SEGMENTS] = read_segments,
        [SNAPSHOT_MEMORIES] = read_memories,
    };
    const uint8_t *end = r->end;
    uint64_t id, len;

    BEAMR_TRY(section_header(r, &id, &len, err));
    if (id != wanted)
        return REFUSE(r, "section %" PRIu64 ", where %" PRIu64 " is expected", id, wanted);
    r->end = r->at + len;
    BEAMR_TRY(readers[id](r, err));
    if (r->at != r->end)
        return REFUSE(r, "%" PRIu64 " bytes too many in section %" PRIu64, left(r), id);
    r->end = end;
    return BEAMR_OK;
}

/* Sections of the embedder: that they are there in order, up to the checksum. */
static beamr_status check_foreign(reader *r, beamr_error *err)
{
    uint64_t least = RT_SNAPSHOT_EMBEDDER;

    r->foreign = r->at;
    for (uint32_t i = 0; i < r->foreign_count; i++) {
        const uint8_t *contents;
        uint64_t id, len;

        BEAMR_TRY(section_header(r, &id, &len, err));
        if (id < least || id == UINT32_MAX)
            return REFUSE(r, "section %" PRIu64 " is not known, or out of order", id);
        if (!r->options->section_load)
            return REFUSE(r, "section %" PRIu64 " of the embedder, which nobody takes", id);
        least = id + 1;
        BEAMR_TRY(take(r, len, &contents, err));
    }
    if (r->at != r->end)
        return REFUSE(r, "%" PRIu64 " bytes too many", left(r));
    return BEAMR_OK;
}

static beamr_status read_all(reader *r, beamr_error *err)
{
    uint64_t section_count = 0;

    if (r->bytes.len < SNAPSHOT_HEADER + CRYPTO_CHECKSUM_SIZE)
        return beamr_fail(err, BEAMR_SNAPSHOT, 0, "%zu bytes are no snapshot", r->bytes.len);
    r->at = r->bytes.data;
    r->end = r->bytes.data + r->bytes.len;
    BEAMR_TRY(read_header(r, &section_count, err));
    r->end -= CRYPTO_CHECKSUM_SIZE;
    for (uint64_t id = 1; id <= SNAPSHOT_OWN_SECTIONS; id++)
        BEAMR_TRY(read_own_section(r, id, err));
    r->foreign_count = (uint32_t)section_count - SNAPSHOT_OWN_SECTIONS;
    return check_foreign(r, err);
}

/* ---- What may fail, without a trace ---- */

static beamr_status offer_foreign(const reader *r, beamr_error *err)
{
    const uint8_t *at = r->foreign;

    for (uint32_t i = 0; i < r->foreign_count; i++) {
        uint32_t id = (uint32_t)get_le(at, 4);
        size_t len = (size_t)get_le(at + 8, 8);
        beamr_bytes contents = {at + SNAPSHOT_SECTION_HEADER, len};

        BEAMR_TRY(r->options->section_load(r->options->user, id, contents, err));
        at += SNAPSHOT_SECTION_HEADER + len;
    }
    return BEAMR_OK;
}

/* Element segments that are dropped here and not there. */
static beamr_status revive_elems(reader *r, beamr_error *err)
{
    uint32_t count = r->inst->wasm->elem_count;

    if (count > 0 && !(r->elems_to = calloc(count, sizeof *r->elems_to)))
        return no_memory(err);
    for (uint32_t i = 0; i < count; i++)
        if (r->inst->dropped_elems[i] && !bit(r->elem_bits, i))
            BEAMR_TRY(rt_elem_eval(r->inst, i, &r->elems_to[i], err));
    return BEAMR_OK;
}

/* What the budgets count for all that the snapshot brings.
 *   before, after  of the restore */
static void count_bytes(const reader *r, uint64_t *before, uint64_t *after)
{
    const abi_instance *inst = r->inst;

    *before = *after = 0;
    for (uint32_t i = 0; i < r->memory_count; i++) {
        *before += r->memories_to[i].size_before;
        *after += r->memories_to[i].pages * ABI_PAGE_SIZE;
    }
    for (uint32_t i = 0; i < r->table_count; i++) {
        const abi_table *t = r->tables_to[i].table;

        *before += rt_table_capacity(t, t->size) * RT_ELEMENT_BYTES;
        *after += rt_table_capacity(t, r->tables_to[i].size) * RT_ELEMENT_BYTES;
    }
    for (uint32_t i = 0; i < inst->wasm->elem_count; i++) {
        uint64_t bytes = rt_elem_bytes(&inst->wasm->elems[i]);

        *before += inst->elems[i] ? bytes : 0;
        *after += bit(r->elem_bits, i) ? 0 : bytes;
    }
}

/* Memories that grow: to undo that is nothing but to close pages. Those that get smaller wait
 * until nothing can fail any more, since what they lose could not be brought back. */
static beamr_status grow_memories(reader *r, beamr_error *err)
{
    for (uint32_t i = 0; i < r->memory_count; i++) {
        const memory_part *part = &r->memories_to[i];

        if (part->pages > part->memory->pages && !rt_memory_resize(part->memory, part->pages))
            return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                              "the host has no room for a memory of %" PRIu64 " pages",
                              part->pages);
    }
    return BEAMR_OK;
}

static void shrink_back(reader *r)
{
    for (uint32_t i = 0; i < r->memory_count; i++) {
        const memory_part *part = &r->memories_to[i];

        if (part->memory->size > part->size_before)
            (void)rt_memory_resize(part->memory, part->size_before / ABI_PAGE_SIZE);
    }
}

/* ---- What cannot fail ---- */

/* Blocks that are zero are made so without being touched, if they are many. */
static void apply_apart(const memory_part *part)
{
    abi_memory *m = part->memory;
    uint64_t at = 0, from;

    while (at < m->size) {
        for (from = at; at < m->size && rt_snapshot_block_is_zero(part->apart + at);)
            at += SNAPSHOT_BLOCK;
        rt_memory_zero(m, from, at);
        for (from = at; at < m->size && !rt_snapshot_block_is_zero(part->apart + at);)
            at += SNAPSHOT_BLOCK;
        if (at > from)
            memcpy(m->base + from, part->apart + from, (size_t)(at - from));
    }
}

static void apply_memory(const memory_part *part)
{
    abi_memory *m = part->memory;
    const uint8_t *at = part->runs;
    uint64_t done = 0; /* bytes */

    if (part->pages < m->pages) {
        rt_memory_zero(m, part->pages * ABI_PAGE_SIZE, m->size);
        (void)rt_memory_resize(m, part->pages);
    }
    if (part->apart) {
        apply_apart(part);
        return;
    }
    for (uint64_t i = 0; i < part->run_count; i++) {
        uint64_t from = get_le(at, 8) * SNAPSHOT_BLOCK;
        uint64_t len = get_le(at + 8, 8) * SNAPSHOT_BLOCK;

        rt_memory_zero(m, done, from);
        memcpy(m->base + from, at + SNAPSHOT_RUN_HEADER, (size_t)len);
        done = from + len;
        at += SNAPSHOT_RUN_HEADER + len;
    }
    rt_memory_zero(m, done, m->size);
}

static void apply_table(table_part *part)
{
    abi_table *t = part->table;

    free(t->elems);
    t->elems = part->elems;
    t->size = part->size;
    t->capacity = rt_table_capacity(t, part->size);
    part->elems = NULL; /* the table owns them now */
}

static void apply_segments(reader *r)
{
    abi_instance *inst = r->inst;

    for (uint32_t i = 0; i < inst->wasm->data_count; i++)
        inst->dropped_datas[i] = bit(r->data_bits, i);
    for (uint32_t i = 0; i < inst->wasm->elem_count; i++) {
        if (bit(r->elem_bits, i)) {
            free(inst->elems[i]); /* rt_elem_drop would count it */
            inst->elems[i] = NULL;
            inst->dropped_elems[i] = true;
        } else if (inst->dropped_elems[i]) {
            inst->dropped_elems[i] = false;
            inst->elems[i] = r->elems_to[i];
            r->elems_to[i] = NULL;
        }
    }
}

static void apply(reader *r)
{
    for (uint32_t i = 0; i < r->memory_count; i++)
        apply_memory(&r->memories_to[i]);
    for (uint32_t i = 0; i < r->table_count; i++)
        apply_table(&r->tables_to[i]);
    for (uint32_t i = 0; i < r->global_count; i++)
        memcpy(r->globals_to[i].global->slots, r->globals_to[i].slots,
               sizeof r->globals_to[i].slots);
    apply_segments(r);
}

/* ---- The whole ---- */

/* Sizes, and with them the budgets; then nothing can fail any more. */
static beamr_status take_room(reader *r, beamr_error *err)
{
    abi_store *s = r->inst->store;
    uint64_t before, after, more;
    beamr_status st;

    count_bytes(r, &before, &after);
    more = after > before ? after - before : 0;
    BEAMR_TRY(rt_budget_need(s, "the growth of what the snapshot holds", more, err));
    if ((st = grow_memories(r, err)) != BEAMR_OK) {
        shrink_back(r);
        rt_budget_give(s, more);
        return st;
    }
    if (before > after)
        rt_budget_give(s, before - after);
    return BEAMR_OK;
}

/* What memories lost must trap again in native code, which leaves checks out. Where the host
 * refuses to close it (it only moves the border of two ranges), guests would read zeros there.
 */
static beamr_status close_memories(const reader *r, beamr_error *err)
{
    for (uint32_t i = 0; i < r->memory_count; i++)
        if (r->memories_to[i].memory->unchecked && !rt_memory_close(r->memories_to[i].memory))
            return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                              "the state is restored, but the host refuses to close what lies "
                              "behind a memory: native code must not run with it");
    return BEAMR_OK;
}

static beamr_status restore(reader *r, beamr_error *err)
{
    if (!rt_object_map_init(&r->funcs, r->inst, WB_EXTERN_FUNC) ||
        !rt_object_map_init(&r->tables, r->inst, WB_EXTERN_TABLE) ||
        !rt_object_map_init(&r->memories, r->inst, WB_EXTERN_MEMORY) ||
        !rt_object_map_init(&r->globals, r->inst, WB_EXTERN_GLOBAL))
        return no_memory(err);
    BEAMR_TRY(read_all(r, err));
    BEAMR_TRY(revive_elems(r, err));
    BEAMR_TRY(offer_foreign(r, err));
    BEAMR_TRY(take_room(r, err));
    apply(r);
    return close_memories(r, err);
}

static void reader_clear(reader *r)
{
    for (uint32_t i = 0; i < r->table_count; i++)
        free(r->tables_to[i].elems);
    for (uint32_t i = 0; r->elems_to && i < r->inst->wasm->elem_count; i++)
        free(r->elems_to[i]);
    free(r->globals_to);
    free(r->tables_to);
    free(r->memories_to);
    free(r->elems_to);
    rt_object_map_clear(&r->funcs);
    rt_object_map_clear(&r->tables);
    rt_object_map_clear(&r->memories);
    rt_object_map_clear(&r->globals);
}

beamr_status rt_snapshot_read(abi_instance *inst, beamr_bytes snapshot,
                              const rt_snapshot_options *options, beamr_error *err)
{
    reader r = {.inst = inst, .options = options, .bytes = snapshot};
    bool outermost;
    beamr_status st;

    BEAMR_TRY(rt_snapshot_enter(inst->store, &outermost, err));
    st = restore(&r, err);
    rt_store_leave(inst->store, outermost);
    reader_clear(&r);
    return st;
}
