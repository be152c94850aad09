/* Writing a snapshot: everything but the memories is encoded into a buffer first, and the
 * memories are looked through for blocks that are not zero; then the length is known, and all
 * of it goes to the sink in order. Pieces of memory go there from where they stand, each right
 * after the checksum has read it.
 * Reading is in snapshot_read.c. */
#include "runtime/snapshot_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Bytes of memory that the checksum reads before the sink does, while they are in the cache. */
#define PIECE ((size_t)65536)

typedef struct buffer {
    uint8_t *data;
    size_t len;
    size_t capacity;
    bool failed; /* memory is gone: what was added since is lost */
} buffer;

/* Blocks that follow each other, none of them zero. */
typedef struct run {
    uint64_t first;
    uint64_t count;
} run;

typedef struct run_list {
    run *runs;
    size_t count;
    size_t capacity;
} run_list;

typedef struct writer {
    abi_instance *inst;
    const rt_snapshot_options *options;
    rt_object_map funcs, tables, memories, globals;
    buffer small;        /* the sections of globals, tables and segments */
    run_list *runs;      /* of each memory */
    uint64_t memory_len; /* bytes of the memories' section */
    uint64_t total;
    uint64_t done; /* bytes that the sink has */
    rt_snapshot_sink sink;
    void *sink_user;
    crypto_checksum *sum;
} writer;

/* Where a reference stands, for errors. */
typedef struct place {
    const char *kind; /* "global", "table" */
    uint32_t index;
    uint64_t element; /* of a table */
} place;

static beamr_status no_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a snapshot");
}

/* ---- Numbers ---- */

static void put_le(uint8_t *to, uint64_t v, unsigned len)
{
    for (unsigned i = 0; i < len; i++)
        to[i] = (uint8_t)(v >> (8 * i));
}

/* Room for `len` bytes at the end, which count as added; NULL when memory is gone. */
static uint8_t *extend(buffer *b, size_t len)
{
    if (b->failed)
        return NULL;
    if (b->capacity - b->len < len) {
        size_t capacity = 2 * b->capacity + len + 256;
        uint8_t *data = realloc(b->data, capacity);

        if (!data) {
            b->failed = true;
            return NULL;
        }
        b->data = data;
        b->capacity = capacity;
    }
    b->len += len;
    return b->data + b->len - len;
}

static void put(buffer *b, uint64_t v, unsigned len)
{
    uint8_t *to = extend(b, len);

    if (to)
        put_le(to, v, len);
}

static void section_header(uint8_t to[SNAPSHOT_SECTION_HEADER], uint32_t id, uint64_t len)
{
    put_le(to, id, 4);
    put_le(to + 4, 0, 4);
    put_le(to + 8, len, 8);
}

/* Begin a section in the buffer.  Returns where it begins; section_end completes it. */
static size_t section_begin(buffer *b)
{
    size_t at = b->len;

    (void)extend(b, SNAPSHOT_SECTION_HEADER);
    return at;
}

static void section_end(buffer *b, size_t at, uint32_t id)
{
    if (!b->failed)
        section_header(b->data + at, id, b->len - at - SNAPSHOT_SECTION_HEADER);
}

/* ---- Values ---- */

static const char *place_text(const place *at, char *buf, size_t size)
{
    if (at->kind[0] == 't')
        (void)snprintf(buf, size, "element %" PRIu64 " of table %" PRIu32, at->element,
                       at->index);
    else
        (void)snprintf(buf, size, "%s %" PRIu32, at->kind, at->index);
    return buf;
}

static beamr_status refuse(const place *at, const char *what, beamr_error *err)
{
    char text[64];

    return beamr_fail(err, BEAMR_SNAPSHOT, 0, "%s holds %s", place_text(at, text, sizeof text),
                      what);
}

static beamr_status put_func(writer *w, uint64_t slot, const place *at, beamr_error *err)
{
    const abi_func *f = (const abi_func *)(uintptr_t)slot;
    uint32_t index = UINT32_MAX;

    if (f && f->instance == w->inst)
        index = f->index;
    else if (f && (index = rt_object_map_find(&w->funcs, f, UINT32_MAX)) == UINT32_MAX)
        return refuse(at, "a function that the instance neither defines nor imports", err);
    put(&w->small, f ? index + 1 : 0, 4);
    return BEAMR_OK;
}

static beamr_status put_extern(writer *w, uint64_t slot, const place *at, beamr_error *err)
{
    const rt_snapshot_options *o = w->options;
    uint64_t number;

    put(&w->small, slot != 0, 1);
    if (!slot)
        return BEAMR_OK;
    if (!o->ref_save || !o->ref_save(o->user, (void *)(uintptr_t)slot, &number))
        return refuse(at, "an external reference to which the embedder gives no number", err);
    put(&w->small, number, 8);
    return BEAMR_OK;
}

static beamr_status put_ref(writer *w, wb_valtype type, uint64_t slot, const place *at,
                            beamr_error *err)
{
    switch (rt_snapshot_ref_kind(type)) {
    case SNAPSHOT_REF_FUNC:
        return put_func(w, slot, at, err);
    case SNAPSHOT_REF_EXTERN:
        return put_extern(w, slot, at, err);
    default:
        if (slot)
            return refuse(at, "an exception", err);
        put(&w->small, 0, 1);
        return BEAMR_OK;
    }
}

static beamr_status put_value(writer *w, const abi_global *g, const place *at, beamr_error *err)
{
    if (wb_valtype_is_ref(g->type))
        return put_ref(w, g->type, g->slots[0], at, err);
    if (g->type == WB_I32 || g->type == WB_F32) {
        put(&w->small, g->slots[0], 4);
        return BEAMR_OK;
    }
    put(&w->small, g->slots[0], 8);
    if (g->type == WB_V128)
        put(&w->small, g->slots[1], 8);
    return BEAMR_OK;
}

/* ---- Globals, tables, segments ---- */

static beamr_status put_globals(writer *w, beamr_error *err)
{
    size_t section = section_begin(&w->small);

    for (uint32_t i = 0; i < w->inst->wasm->global_count; i++) {
        const abi_global *g = w->inst->globals[i];
        uint32_t first = rt_object_map_find(&w->globals, g, i);
        place at = {"global", i, 0};

        if (!g->is_mutable)
            continue;
        put(&w->small, first, 4);
        if (first == i)
            BEAMR_TRY(put_value(w, g, &at, err));
    }
    section_end(&w->small, section, SNAPSHOT_GLOBALS);
    return BEAMR_OK;
}

static beamr_status put_tables(writer *w, beamr_error *err)
{
    size_t section = section_begin(&w->small);

    for (uint32_t i = 0; i < w->inst->wasm->table_count; i++) {
        const abi_table *t = w->inst->tables[i];
        uint32_t first = rt_object_map_find(&w->tables, t, i);
        place at = {"table", i, 0};

        put(&w->small, first, 4);
        if (first != i)
            continue;
        put(&w->small, t->size, 8);
        for (; at.element < t->size; at.element++)
            BEAMR_TRY(put_ref(w, t->elem, t->elems[at.element], &at, err));
    }
    section_end(&w->small, section, SNAPSHOT_TABLES);
    return BEAMR_OK;
}

/* An active segment that still has something to give is one that instantiation did not reach.
 * Such an instance is known from its functions in a shared table; no snapshot says how far it
 * came. */
static beamr_status check_complete(const abi_instance *inst, beamr_error *err)
{
    const wb_module *m = inst->wasm;
    bool is_complete = true;

    for (uint32_t i = 0; i < m->data_count; i++)
        if (m->datas[i].mode == WB_SEGMENT_ACTIVE && !inst->dropped_datas[i])
            is_complete = false;
    for (uint32_t i = 0; i < m->elem_count; i++)
        if (m->elems[i].mode == WB_SEGMENT_ACTIVE && !inst->dropped_elems[i])
            is_complete = false;
    return is_complete ? BEAMR_OK
                       : beamr_fail(err, BEAMR_SNAPSHOT, 0,
                                    "the instance was refused when it was made: some of its "
                                    "segments were never written");
}

/* One bit for each segment that can give nothing any more; an empty one never could. */
static void put_segments(writer *w)
{
    const wb_module *m = w->inst->wasm;
    size_t section = section_begin(&w->small);
    size_t data_len = ((size_t)m->data_count + 7) / 8,
           elem_len = ((size_t)m->elem_count + 7) / 8;
    uint8_t *bits = extend(&w->small, data_len + elem_len);

    if (!bits)
        return;
    memset(bits, 0, data_len + elem_len);
    for (uint32_t i = 0; i < m->data_count; i++)
        if (m->datas[i].mode != WB_SEGMENT_PASSIVE || w->inst->dropped_datas[i] ||
            m->datas[i].bytes.len == 0)
            bits[i / 8] |= (uint8_t)(1u << i % 8);
    for (uint32_t i = 0; i < m->elem_count; i++)
        if (m->elems[i].mode != WB_SEGMENT_PASSIVE || w->inst->dropped_elems[i] ||
            m->elems[i].count == 0)
            bits[data_len + i / 8] |= (uint8_t)(1u << i % 8);
    section_end(&w->small, section, SNAPSHOT_SEGMENTS);
}

/* ---- Memories ---- */

/* Room for one more.  NULL when memory is gone. */
static run *run_add(run_list *list)
{
    if (list->count == list->capacity) {
        size_t capacity = 2 * list->capacity + 16;
        run *runs = realloc(list->runs, capacity * sizeof *runs);

        if (!runs)
            return NULL;
        list->runs = runs;
        list->capacity = capacity;
    }
    return &list->runs[list->count++];
}

/* Most blocks are decided by their first byte: it is fetched some blocks ahead. */
static bool is_zero(const abi_memory *m, uint64_t block)
{
    uint64_t ahead = (block + 16) * SNAPSHOT_BLOCK;

    if (ahead < m->size)
        __builtin_prefetch(m->base + ahead);
    return rt_snapshot_block_is_zero(m->base + block * SNAPSHOT_BLOCK);
}

static bool find_runs(const abi_memory *m, run_list *list)
{
    uint64_t blocks = m->size / SNAPSHOT_BLOCK;
    uint64_t i = 0;

    while (i < blocks) {
        uint64_t first;
        run *r;

        while (i < blocks && is_zero(m, i))
            i++;
        if (i == blocks)
            break;
        first = i++;
        while (i < blocks && !is_zero(m, i))
            i++;
        if (!(r = run_add(list)))
            return false;
        *r = (run){first, i - first};
    }
    return true;
}

static beamr_status measure_memories(writer *w, beamr_error *err)
{
    uint32_t count = w->inst->wasm->memory_count;

    if (count > 0 && !(w->runs = calloc(count, sizeof *w->runs)))
        return no_memory(err);
    for (uint32_t i = 0; i < count; i++) {
        const abi_memory *m = w->inst->memories[i];

        w->memory_len += 4;
        if (rt_object_map_find(&w->memories, m, i) != i)
            continue;
        if ((i > 0 || !rt_snapshot_is_apart(w->inst, w->options)) && !find_runs(m, &w->runs[i]))
            return no_memory(err);
        w->memory_len += 16;
        for (size_t k = 0; k < w->runs[i].count; k++)
            w->memory_len += SNAPSHOT_RUN_HEADER + w->runs[i].runs[k].count * SNAPSHOT_BLOCK;
    }
    return BEAMR_OK;
}

/* ---- To the sink ---- */

static beamr_status emit(writer *w, const uint8_t *data, uint64_t len, beamr_error *err)
{
    size_t most = w->options->piece ? w->options->piece : PIECE;

    while (len > 0) {
        size_t room = most - (size_t)(w->done % most); /* so that pieces end on whole lines */
        size_t n = len < room ? (size_t)len : room;

        crypto_checksum_add(w->sum, data, n);
        BEAMR_TRY(w->sink(w->sink_user, w->total, (beamr_bytes){data, n}, err));
        data += n;
        len -= n;
        w->done += n;
    }
    return BEAMR_OK;
}

static beamr_status emit_section(writer *w, uint32_t id, uint64_t len, beamr_error *err)
{
    uint8_t head[SNAPSHOT_SECTION_HEADER];

    section_header(head, id, len);
    return emit(w, head, sizeof head, err);
}

static beamr_status emit_header(writer *w, beamr_error *err)
{
    uint8_t head[SNAPSHOT_HEADER] = {0};

    memcpy(head, SNAPSHOT_MAGIC, 8);
    put_le(head + 8, SNAPSHOT_VERSION, 4);
    put_le(head + 12, rt_snapshot_is_apart(w->inst, w->options) ? SNAPSHOT_APART : 0, 4);
    put_le(head + 16, w->total, 8);
    BEAMR_TRY(rt_module_id(w->inst->module, head + 24, err));
    put_le(head + 56, SNAPSHOT_OWN_SECTIONS + w->options->section_count, 4);
    return emit(w, head, sizeof head, err);
}

static beamr_status emit_memory(writer *w, uint32_t index, beamr_error *err)
{
    const abi_memory *m = w->inst->memories[index];
    const run_list *list = &w->runs[index];
    uint32_t first = rt_object_map_find(&w->memories, m, index);
    uint8_t head[20];

    put_le(head, first, 4);
    put_le(head + 4, m->pages, 8);
    put_le(head + 12, list->count, 8);
    BEAMR_TRY(emit(w, head, first == index ? sizeof head : 4, err));
    for (size_t i = 0; i < list->count; i++) {
        const run *r = &list->runs[i];
        uint8_t run_head[SNAPSHOT_RUN_HEADER];

        put_le(run_head, r->first, 8);
        put_le(run_head + 8, r->count, 8);
        BEAMR_TRY(emit(w, run_head, sizeof run_head, err));
        BEAMR_TRY(emit(w, m->base + r->first * SNAPSHOT_BLOCK, r->count * SNAPSHOT_BLOCK, err));
    }
    return BEAMR_OK;
}

static beamr_status emit_all(writer *w, beamr_error *err)
{
    const rt_snapshot_options *o = w->options;
    uint8_t sum[CRYPTO_CHECKSUM_SIZE];

    BEAMR_TRY(emit_header(w, err));
    BEAMR_TRY(emit(w, w->small.data, w->small.len, err));
    BEAMR_TRY(emit_section(w, SNAPSHOT_MEMORIES, w->memory_len, err));
    for (uint32_t i = 0; i < w->inst->wasm->memory_count; i++)
        BEAMR_TRY(emit_memory(w, i, err));
    for (size_t i = 0; i < o->section_count; i++) {
        BEAMR_TRY(emit_section(w, o->sections[i].id, o->sections[i].bytes.len, err));
        BEAMR_TRY(emit(w, o->sections[i].bytes.data, o->sections[i].bytes.len, err));
    }
    crypto_checksum_end(w->sum, sum);
    return w->sink(w->sink_user, w->total, (beamr_bytes){sum, sizeof sum}, err);
}

/* ---- The whole ---- */

static beamr_status check_sections(const rt_snapshot_options *o, beamr_error *err)
{
    uint32_t least = RT_SNAPSHOT_EMBEDDER;

    for (size_t i = 0; i < o->section_count; i++) {
        uint32_t id = o->sections[i].id;

        if (id < least || id == UINT32_MAX)
            return beamr_fail(err, BEAMR_ARGUMENT, 0,
                              "section %" PRIu32 " of the embedder: ids rise and begin at %u",
                              id, RT_SNAPSHOT_EMBEDDER);
        least = id + 1;
    }
    return BEAMR_OK;
}

static beamr_status open_maps(writer *w, beamr_error *err)
{
    if (!rt_object_map_init(&w->funcs, w->inst, WB_EXTERN_FUNC) ||
        !rt_object_map_init(&w->tables, w->inst, WB_EXTERN_TABLE) ||
        !rt_object_map_init(&w->memories, w->inst, WB_EXTERN_MEMORY) ||
        !rt_object_map_init(&w->globals, w->inst, WB_EXTERN_GLOBAL) ||
        !(w->sum = crypto_checksum_new()))
        return no_memory(err);
    return BEAMR_OK;
}

static uint64_t total_of(const writer *w)
{
    const rt_snapshot_options *o = w->options;
    uint64_t total = SNAPSHOT_HEADER + w->small.len + SNAPSHOT_SECTION_HEADER + w->memory_len +
                     CRYPTO_CHECKSUM_SIZE;

    for (size_t i = 0; i < o->section_count; i++)
        total += SNAPSHOT_SECTION_HEADER + o->sections[i].bytes.len;
    return total;
}

static beamr_status write_all(writer *w, beamr_error *err)
{
    BEAMR_TRY(check_sections(w->options, err));
    BEAMR_TRY(check_complete(w->inst, err));
    BEAMR_TRY(open_maps(w, err));
    BEAMR_TRY(put_globals(w, err));
    BEAMR_TRY(put_tables(w, err));
    put_segments(w);
    if (w->small.failed)
        return no_memory(err);
    BEAMR_TRY(measure_memories(w, err));
    w->total = total_of(w);
    return emit_all(w, err);
}

static void writer_clear(writer *w)
{
    for (uint32_t i = 0; w->runs && i < w->inst->wasm->memory_count; i++)
        free(w->runs[i].runs);
    free(w->runs);
    free(w->small.data);
    rt_object_map_clear(&w->funcs);
    rt_object_map_clear(&w->tables);
    rt_object_map_clear(&w->memories);
    rt_object_map_clear(&w->globals);
    crypto_checksum_free(w->sum);
}

beamr_status rt_snapshot_write(abi_instance *inst, const rt_snapshot_options *options,
                               rt_snapshot_sink sink, void *sink_user, beamr_error *err)
{
    writer w = {.inst = inst, .options = options, .sink = sink, .sink_user = sink_user};
    bool outermost;
    beamr_status st;

    BEAMR_TRY(rt_snapshot_enter(inst->store, &outermost, err));
    st = write_all(&w, err);
    rt_store_leave(inst->store, outermost);
    writer_clear(&w);
    return st;
}
