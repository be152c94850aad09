/* Instantiation: import matching, initial values, segments, limits. Guest code does not run. */
#include "fixture.h"

static void import_section(wasm_builder *w, const char *name, const uint8_t *type, size_t len)
{
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, 1);
    wasm_import(w, "env", name);
    wasm_bytes(w, type, len);
    wasm_end(w);
}

/* A module that imports one thing. */
#define IMPORTER(w, name, ...)                                                                 \
    do {                                                                                       \
        wasm_begin(w);                                                                         \
        wasm_section(w, WASM_TYPE);                                                            \
        wasm_u32(w, 2);                                                                        \
        wasm_functype(w, "i", "");                                                             \
        wasm_functype(w, "", "");                                                              \
        wasm_end(w);                                                                           \
        import_section(w, name, (const uint8_t[]){__VA_ARGS__},                                \
                       sizeof((const uint8_t[]){__VA_ARGS__}));                                \
    } while (0)

#define assert_links(s, w, item, status, text_part)                                            \
    do {                                                                                       \
        beamr_error link_err = {0};                                                            \
        abi_instance *link_inst = NULL;                                                        \
        assert_int_equal(fixture_instance(s, w, item, 1, &link_inst, &link_err), status);      \
        if (!strstr(link_err.text, text_part))                                                 \
            fail_msg("\"%s\" does not say \"%s\"", link_err.text, text_part);                  \
    } while (0)

static abi_func *host_func(abi_store *s, const wb_valtype *params, uint32_t count)
{
    wb_subtype sub = {.super = WB_NO_TYPE, .final = true};
    abi_func *f = NULL;
    uint32_t canon = 0;

    sub.func.params = params;
    sub.func.param_count = sub.func.param_slots = count;
    assert_int_equal(wb_registry_add(s->engine->registry, &sub, 1, &canon, NULL), BEAMR_OK);
    assert_int_equal(rt_host_func_new(s, canon, fixture_entry, NULL, NULL, NULL, &f, NULL),
                     BEAMR_OK);
    return f;
}

static void function_imports_match_by_type(void **state)
{
    static const wb_valtype i32[] = {WB_I32};
    abi_store *s = fixture_store();
    rt_extern right = {WB_EXTERN_FUNC, {host_func(s, i32, 1)}};
    rt_extern wrong = {WB_EXTERN_FUNC, {host_func(s, NULL, 0)}};
    rt_extern none = {WB_EXTERN_FUNC, {NULL}};
    wasm_builder w = {0};

    (void)state;
    IMPORTER(&w, "f", 0x00, 0);
    assert_links(s, &w, &right, BEAMR_OK, "");
    IMPORTER(&w, "f", 0x00, 0);
    assert_links(s, &w, &wrong, BEAMR_UNLINKABLE,
                 "incompatible import type for \"env\".\"f\": func [i32] -> [] expected, "
                 "func [] -> [] given");
    IMPORTER(&w, "f", 0x00, 0);
    assert_links(s, &w, &none, BEAMR_ARGUMENT, "\"env\".\"f\" is missing");
    rt_store_free(s);
}

static void kinds_and_counts_must_match(void **state)
{
    abi_store *s = fixture_store();
    rt_extern f = {WB_EXTERN_FUNC, {host_func(s, NULL, 0)}};
    abi_instance *inst = NULL;
    beamr_error err = {0};
    wasm_builder w = {0};

    (void)state;
    IMPORTER(&w, "m", 0x02, 0x00, 1);
    assert_links(s, &w, &f, BEAMR_UNLINKABLE, "memory 1 expected, func [] -> [] given");
    IMPORTER(&w, "m", 0x02, 0x00, 1);
    assert_int_equal(fixture_instance(s, &w, NULL, 0, &inst, &err), BEAMR_UNLINKABLE);
    f.kind = (wb_extern_kind)17;
    IMPORTER(&w, "m", 0x02, 0x00, 1);
    assert_links(s, &w, &f, BEAMR_ARGUMENT, "no known kind");
    rt_store_free(s);
}

static void names_in_errors_stay_on_one_line(void **state)
{
    char buf[RT_NAME_SIZE];
    char name[300];

    (void)state;
    assert_string_equal(rt_name_text(beamr_bytes_of("a\n\"\\\x7f"), buf, sizeof buf),
                        "\"a\\0a\\22\\5c\\7f\"");
    assert_string_equal(rt_name_text(beamr_bytes_of("h\xc3\xa9"), buf, sizeof buf),
                        "\"h\xc3\xa9\"");
    assert_string_equal(rt_name_text(beamr_bytes_of("\xff"), buf, sizeof buf), "\"\\ff\"");
    assert_string_equal(rt_name_text((beamr_bytes){NULL, 0}, buf, sizeof buf), "\"\"");
    memset(name, 'x', sizeof name);
    rt_name_text((beamr_bytes){(uint8_t *)name, sizeof name}, buf, sizeof buf);
    assert_int_equal(strlen(buf), sizeof buf - 1);
    assert_string_equal(buf + sizeof buf - 5, "...\"");
}

static abi_memory *memory_of(abi_store *s, uint64_t min, uint64_t max)
{
    wb_memtype type = {{min, max, max != UINT64_MAX, false}};
    abi_memory *m = NULL;

    assert_int_equal(rt_memory_new(s, &type, &m, NULL), BEAMR_OK);
    return m;
}

static void memory_imports_match_by_present_size(void **state)
{
    abi_store *s = fixture_store();
    rt_extern item = {.kind = WB_EXTERN_MEMORY, .of.memory = memory_of(s, 1, 5)};
    wasm_builder w = {0};

    (void)state;
    IMPORTER(&w, "m", 0x02, 0x00, 2);
    assert_links(s, &w, &item, BEAMR_UNLINKABLE, "memory 2 expected, memory 1 5 given");
    assert_int_equal(fixture_memory_grow(item.of.memory, 1), 1);
    IMPORTER(&w, "m", 0x02, 0x00, 2);
    assert_links(s, &w, &item, BEAMR_OK, "");
    IMPORTER(&w, "m", 0x02, 0x01, 2, 4);
    assert_links(s, &w, &item, BEAMR_UNLINKABLE, "memory 2 4 expected, memory 2 5 given");
    IMPORTER(&w, "m", 0x02, 0x01, 2, 5);
    assert_links(s, &w, &item, BEAMR_OK, "");
    IMPORTER(&w, "m", 0x02, 0x04, 1);
    assert_links(s, &w, &item, BEAMR_UNLINKABLE, "memory i64 1 expected");
    item.of.memory = memory_of(s, 1, UINT64_MAX);
    IMPORTER(&w, "m", 0x02, 0x01, 1, 5);
    assert_links(s, &w, &item, BEAMR_UNLINKABLE, "memory 1 given");
    rt_store_free(s);
}

static void table_imports_match_by_element_type_and_size(void **state)
{
    abi_store *s = fixture_store();
    wb_tabletype type = {{2, 4, true, false}, WB_FUNCREF};
    rt_extern item = {.kind = WB_EXTERN_TABLE};
    wasm_builder w = {0};

    (void)state;
    assert_int_equal(rt_table_new(s, &type, 0, &item.of.table, NULL), BEAMR_OK);
    IMPORTER(&w, "t", 0x01, 0x70, 0x01, 2, 4);
    assert_links(s, &w, &item, BEAMR_OK, "");
    IMPORTER(&w, "t", 0x01, 0x6f, 0x01, 2, 4);
    assert_links(s, &w, &item, BEAMR_UNLINKABLE, "table 2 4 externref expected");
    IMPORTER(&w, "t", 0x01, 0x70, 0x01, 3, 4);
    assert_links(s, &w, &item, BEAMR_UNLINKABLE, "incompatible import type");
    rt_store_free(s);
}

static rt_extern global_of(abi_store *s, wb_valtype type, bool is_mutable, uint64_t value)
{
    rt_extern item = {.kind = WB_EXTERN_GLOBAL};
    uint64_t slots[2] = {value, 0};

    assert_int_equal(
        rt_global_new(s, (wb_globaltype){type, is_mutable}, slots, &item.of.global, NULL),
        BEAMR_OK);
    return item;
}

static void global_imports_match_by_type_and_mutability(void **state)
{
    abi_store *s = fixture_store();
    rt_extern variable = global_of(s, WB_I32, true, 1);
    rt_extern constant = global_of(s, WB_I32, false, 1);
    rt_extern nofunc = global_of(s, WB_REFTYPE(true, WB_HEAP_NOFUNC), false, 0);
    rt_extern nofunc_variable = global_of(s, WB_REFTYPE(true, WB_HEAP_NOFUNC), true, 0);
    wasm_builder w = {0};

    (void)state;
    IMPORTER(&w, "g", 0x03, 0x7f, 1);
    assert_links(s, &w, &variable, BEAMR_OK, "");
    IMPORTER(&w, "g", 0x03, 0x7f, 1);
    assert_links(s, &w, &constant, BEAMR_UNLINKABLE,
                 "global mut i32 expected, global i32 given");
    IMPORTER(&w, "g", 0x03, 0x7f, 0);
    assert_links(s, &w, &variable, BEAMR_UNLINKABLE, "incompatible import type");
    IMPORTER(&w, "g", 0x03, 0x7e, 0);
    assert_links(s, &w, &constant, BEAMR_UNLINKABLE, "global i64 expected");
    IMPORTER(&w, "g", 0x03, 0x70, 0);
    assert_links(s, &w, &nofunc, BEAMR_OK, "");
    IMPORTER(&w, "g", 0x03, 0x70, 1);
    assert_links(s, &w, &nofunc_variable, BEAMR_UNLINKABLE, "incompatible import type");
    rt_store_free(s);
}

static void tag_imports_match_by_type(void **state)
{
    abi_store *s = fixture_store();
    rt_extern item = {.kind = WB_EXTERN_TAG};
    wasm_builder w = {0};

    (void)state;
    assert_int_equal(rt_tag_new(s, host_func(s, NULL, 0)->canon, &item.of.tag, NULL), BEAMR_OK);
    IMPORTER(&w, "e", 0x04, 0x00, 1);
    assert_links(s, &w, &item, BEAMR_OK, "");
    IMPORTER(&w, "e", 0x04, 0x00, 0);
    assert_links(s, &w, &item, BEAMR_UNLINKABLE, "tag [i32] expected, tag [] given");
    rt_store_free(s);
}

static void objects_of_other_stores_and_engines_are_refused(void **state)
{
    abi_store *s = fixture_store();
    abi_store *other = fixture_store();
    rt_extern item = {.kind = WB_EXTERN_MEMORY, .of.memory = memory_of(other, 1, 5)};
    abi_instance *inst = NULL;
    beamr_error err = {0};
    wasm_builder w = {0};
    abi_module *m;

    (void)state;
    IMPORTER(&w, "m", 0x02, 0x00, 1);
    assert_links(s, &w, &item, BEAMR_ARGUMENT, "another store");
    IMPORTER(&w, "m", 0x02, 0x00, 1);
    m = fixture_load(other, &w);
    assert_int_equal(rt_instance_new(s, m, &item, 1, &inst, NULL, &err), BEAMR_ARGUMENT);
    assert_non_null(strstr(err.text, "different engines"));
    rt_module_unref(m);
    rt_store_free(other);
    rt_store_free(s);
}

static void initial_values_are_evaluated(void **state)
{
    abi_store *s = fixture_store();
    rt_extern base = global_of(s, WB_I32, false, 40);
    abi_instance *inst = NULL;
    beamr_error err = {0};
    wasm_builder w = {0};

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_functype(&w, "", "");
    wasm_end(&w);
    import_section(&w, "base", (const uint8_t[]){0x03, 0x7f, 0}, 3);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 1, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_TABLE); /* with an initial element */
    WASM(&w, 1, 0x40, 0x00, 0x70, 0x00, 2, 0xd2, 0, 0x0b);
    wasm_end(&w);
    wasm_section(&w, WASM_GLOBAL);
    wasm_u32(&w, 7);
    WASM(&w, 0x7f, 0, 0x23, 0, 0x41, 2, 0x6a, 0x0b);                /* base + 2 */
    WASM(&w, 0x7e, 0, 0x42, 3, 0x42, 5, 0x42, 6, 0x7d, 0x7e, 0x0b); /* 3 * (5 - 6) */
    WASM(&w, 0x7f, 0, 0x41, 0, 0x41, 1, 0x6b, 0x0b);                /* 0 - 1: 32 bits */
    WASM(&w, 0x70, 0, 0xd2, 0, 0x0b);
    WASM(&w, 0x6f, 0, 0xd0, 0x6f, 0x0b);
    WASM(&w, 0x7b, 0, 0xfd, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x0b);
    WASM(&w, 0x7d, 0, 0x43, 0, 0, 0xc0, 0x7f, 0x0b);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, 1);
    WASM_BODY(&w, 0x01);
    wasm_end(&w);
    if (fixture_instance(s, &w, &base, 1, &inst, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(inst->globals[1]->slots[0], 42);
    assert_int_equal(inst->globals[2]->slots[0], (uint64_t)-3);
    assert_int_equal(inst->globals[3]->slots[0], UINT32_MAX);
    assert_ptr_equal(inst->globals[4]->slots[0], rt_instance_func(inst, 0));
    assert_int_equal(inst->globals[5]->slots[0], 0);
    assert_int_equal(inst->globals[6]->slots[0], UINT64_C(0x0807060504030201));
    assert_int_equal(inst->globals[6]->slots[1], UINT64_C(0x100f0e0d0c0b0a09));
    assert_int_equal(inst->globals[7]->slots[0], 0x7fc00000);
    assert_ptr_equal(inst->tables[0]->elems[1], rt_instance_func(inst, 0));
    assert_ptr_equal(inst->memory0, s->no_memory);
    assert_int_equal(inst->memory0->size, 0);
    rt_store_free(s);
}

/* All operands before all operators: deeper than the evaluator's own stack. */
static void constant_expressions_may_be_deep(void **state)
{
    abi_store *s = fixture_store();
    abi_instance *inst = NULL;
    beamr_error err = {0};
    wasm_builder w = {0};

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_GLOBAL);
    wasm_u32(&w, 1);
    WASM(&w, 0x7f, 0);
    for (unsigned i = 0; i < 5000; i++)
        WASM(&w, 0x41, 1);
    for (unsigned i = 0; i < 4999; i++)
        WASM(&w, 0x6a);
    WASM(&w, 0x0b);
    wasm_end(&w);
    assert_int_equal(fixture_instance(s, &w, NULL, 0, &inst, &err), BEAMR_OK);
    assert_int_equal(inst->globals[0]->slots[0], 5000);
    rt_store_free(s);
}

/* Imports memory and table, writes "ab" at 0 and then two bytes at `second`. */
static void build_segments(wasm_builder *w, int64_t elem_at, int64_t second)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 1);
    wasm_functype(w, "", "");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, 2);
    wasm_import(w, "env", "m");
    WASM(w, 0x02, 0x00, 1);
    wasm_import(w, "env", "t");
    WASM(w, 0x01, 0x70, 0x00, 4);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 0);
    wasm_end(w);
    wasm_section(w, WASM_ELEMENT);
    WASM(w, 3);
    WASM(w, 0x00, 0x41); /* active, functions */
    wasm_s64(w, elem_at);
    WASM(w, 0x0b, 2, 0, 0);
    WASM(w, 0x05, 0x70, 2, 0xd0, 0x70, 0x0b, 0xd2, 0, 0x0b); /* passive: null, function */
    WASM(w, 0x03, 0x00, 1, 0);                               /* declared */
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, 1);
    WASM_BODY(w, 0x01);
    wasm_end(w);
    wasm_section(w, WASM_DATA);
    WASM(w, 3);
    WASM(w, 0x00, 0x41, 0, 0x0b, 2, 'a', 'b');
    WASM(w, 0x00, 0x41);
    wasm_s64(w, second);
    WASM(w, 0x0b, 2, 'c', 'd');
    WASM(w, 0x01, 3, 'x', 'y', 'z');
    wasm_end(w);
}

static void segments_are_written_and_dropped(void **state)
{
    abi_store *s = fixture_store();
    wb_tabletype type = {{4, 4, true, false}, WB_FUNCREF};
    rt_extern items[2] = {{.kind = WB_EXTERN_MEMORY, .of.memory = memory_of(s, 1, 1)},
                          {.kind = WB_EXTERN_TABLE}};
    abi_instance *inst = NULL;
    beamr_error err = {0};
    wasm_builder w = {0};
    abi_table *t;

    (void)state;
    assert_int_equal(rt_table_new(s, &type, 0, &items[1].of.table, NULL), BEAMR_OK);
    t = items[1].of.table;
    build_segments(&w, 2, 65534);
    assert_int_equal(fixture_instance(s, &w, items, 2, &inst, &err), BEAMR_OK);
    assert_memory_equal(items[0].of.memory->base, "ab", 2);
    assert_memory_equal(items[0].of.memory->base + 65534, "cd", 2);
    assert_int_equal(t->elems[1], 0);
    assert_ptr_equal(t->elems[2], rt_instance_func(inst, 0));
    assert_ptr_equal(t->elems[3], rt_instance_func(inst, 0));

    assert_int_equal(rt_memory_init(inst, 0, 2, 10, 1, 2, &err), BEAMR_OK);
    assert_memory_equal(items[0].of.memory->base + 10, "yz", 2);
    assert_int_equal(rt_memory_init(inst, 0, 2, 65536, 3, 0, &err), BEAMR_OK);
    assert_trap(rt_memory_init(inst, 0, 2, 0, 2, 2, &err), MEMORY_OUT_OF_BOUNDS, err);
    assert_trap(rt_memory_init(inst, 0, 2, 65535, 0, 2, &err), MEMORY_OUT_OF_BOUNDS, err);
    assert_trap(rt_memory_init(inst, 0, 0, 0, 0, 1, &err), MEMORY_OUT_OF_BOUNDS, err);
    rt_data_drop(inst, 2);
    assert_trap(rt_memory_init(inst, 0, 2, 0, 0, 1, &err), MEMORY_OUT_OF_BOUNDS, err);
    assert_int_equal(rt_memory_init(inst, 0, 2, 0, 0, 0, &err), BEAMR_OK);

    assert_int_equal(rt_table_init(inst, 0, 1, 1, 0, 2, &err), BEAMR_OK);
    assert_int_equal(t->elems[1], 0);
    assert_ptr_equal(t->elems[2], rt_instance_func(inst, 0));
    assert_trap(rt_table_init(inst, 0, 1, 0, 1, 2, &err), TABLE_OUT_OF_BOUNDS, err);
    assert_trap(rt_table_init(inst, 0, 1, 3, 0, 2, &err), TABLE_OUT_OF_BOUNDS, err);
    assert_trap(rt_table_init(inst, 0, 2, 0, 0, 1, &err), TABLE_OUT_OF_BOUNDS, err);
    rt_elem_drop(inst, 1);
    rt_elem_drop(inst, 1);
    assert_trap(rt_table_init(inst, 0, 1, 0, 0, 1, &err), TABLE_OUT_OF_BOUNDS, err);
    assert_int_equal(rt_table_init(inst, 0, 1, 4, 0, 0, &err), BEAMR_OK);
    rt_store_free(s);
}

static void what_segments_wrote_before_a_trap_stays(void **state)
{
    abi_store *s = fixture_store();
    wb_tabletype type = {{4, 4, true, false}, WB_FUNCREF};
    rt_extern items[2] = {{.kind = WB_EXTERN_MEMORY, .of.memory = memory_of(s, 1, 1)},
                          {.kind = WB_EXTERN_TABLE}};
    abi_instance *inst = NULL;
    beamr_error err = {0};
    wasm_builder w = {0};

    (void)state;
    assert_int_equal(rt_table_new(s, &type, 0, &items[1].of.table, NULL), BEAMR_OK);
    build_segments(&w, 3, 0);
    assert_trap(fixture_instance(s, &w, items, 2, &inst, &err), TABLE_OUT_OF_BOUNDS, err);
    assert_int_equal(items[0].of.memory->base[0], 0);
    assert_int_equal(items[1].of.table->elems[3], 0);
    build_segments(&w, 0, 65535);
    assert_trap(fixture_instance(s, &w, items, 2, &inst, &err), MEMORY_OUT_OF_BOUNDS, err);
    assert_null(inst);
    assert_memory_equal(items[0].of.memory->base, "ab", 2);
    assert_int_not_equal(items[1].of.table->elems[0], 0);
    build_segments(&w, -1, 0);
    assert_trap(fixture_instance(s, &w, items, 2, &inst, &err), TABLE_OUT_OF_BOUNDS, err);
    rt_store_free(s);
}

static void build_memory(wasm_builder *w, uint32_t pages)
{
    wasm_begin(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0x00);
    wasm_u32(w, pages);
    wasm_end(w);
}

static void limits_of_the_store_hold(void **state)
{
    rt_limits limits = fixture_limits;
    abi_instance *inst = NULL;
    beamr_error err = {0};
    wasm_builder w = {0};
    abi_store *s;

    (void)state;
    limits.max_instances = 2;
    limits.max_memory_pages = 3;
    s = fixture_store_with(&limits, false);
    build_memory(&w, 4);
    assert_int_equal(fixture_instance(s, &w, NULL, 0, &inst, &err), BEAMR_LIMIT);
    assert_non_null(strstr(err.text, "4 pages"));
    for (unsigned i = 0; i < 2; i++) {
        build_memory(&w, 3);
        assert_int_equal(fixture_instance(s, &w, NULL, 0, &inst, NULL), BEAMR_OK);
        assert_int_equal(inst->id, i);
        assert_ptr_equal(inst->memory0, inst->memories[0]);
    }
    build_memory(&w, 0);
    beamr_error_clear(&err);
    assert_int_equal(fixture_instance(s, &w, NULL, 0, &inst, &err), BEAMR_LIMIT);
    assert_non_null(strstr(err.text, "2 instances"));
    rt_store_free(s);
}

static unsigned starts;

static beamr_status start_body(abi_func *f, abi_instance *caller, uint64_t *slots,
                               beamr_error *err)
{
    starts++;
    assert_null(caller);
    assert_ptr_equal(slots, f->store->stack_top);
    assert_int_equal(f->index, 0);
    assert_int_equal(f->store->nesting, 1);
    return starts > 1 ? beamr_fail_trap(err, BEAMR_TRAP_UNREACHABLE, NULL) : BEAMR_OK;
}

static void start_function_runs(void **state)
{
    abi_store *s = fixture_store();
    abi_instance *inst = NULL;
    beamr_error err = {0};
    wasm_builder w = {0};

    (void)state;
    guest_body = start_body;
    for (unsigned i = 0; i < 2; i++) {
        wasm_begin(&w);
        wasm_section(&w, WASM_TYPE);
        wasm_u32(&w, 1);
        wasm_functype(&w, "", "");
        wasm_end(&w);
        wasm_section(&w, WASM_FUNCTION);
        WASM(&w, 1, 0);
        wasm_end(&w);
        wasm_section(&w, WASM_START);
        WASM(&w, 0);
        wasm_end(&w);
        wasm_section(&w, WASM_CODE);
        wasm_u32(&w, 1);
        WASM_BODY(&w, 0x01);
        wasm_end(&w);
        assert_int_equal(fixture_instance(s, &w, NULL, 0, &inst, &err),
                         i == 0 ? BEAMR_OK : BEAMR_TRAP);
    }
    assert_int_equal(starts, 2);
    assert_int_equal(s->nesting, 0);
    guest_body = NULL;
    rt_store_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(function_imports_match_by_type),
        cmocka_unit_test(kinds_and_counts_must_match),
        cmocka_unit_test(names_in_errors_stay_on_one_line),
        cmocka_unit_test(memory_imports_match_by_present_size),
        cmocka_unit_test(table_imports_match_by_element_type_and_size),
        cmocka_unit_test(global_imports_match_by_type_and_mutability),
        cmocka_unit_test(tag_imports_match_by_type),
        cmocka_unit_test(objects_of_other_stores_and_engines_are_refused),
        cmocka_unit_test(initial_values_are_evaluated),
        cmocka_unit_test(constant_expressions_may_be_deep),
        cmocka_unit_test(segments_are_written_and_dropped),
        cmocka_unit_test(what_segments_wrote_before_a_trap_stays),
        cmocka_unit_test(limits_of_the_store_hold),
        cmocka_unit_test(start_function_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
