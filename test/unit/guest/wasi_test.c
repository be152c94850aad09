/* Linking a module with WASI: which imports it provides, and how long what it needs lives. */
#include "wasi_fixture.h"

typedef struct imported {
    const char *module, *name, *params, *results;
} imported;

/* A module that imports functions and forwards calls to them, with memory of 32 bits, or 64, or
 * none: bits is 0 then. */
static beamr_module *module_of(world *w, const imported *imports, uint32_t count, unsigned bits)
{
    wasm_builder b = {0};
    beamr_module *module = NULL;

    wasm_begin(&b);
    wasm_section(&b, WASM_TYPE);
    wasm_u32(&b, count);
    for (uint32_t i = 0; i < count; i++)
        wasm_functype(&b, imports[i].params, imports[i].results);
    wasm_end(&b);
    wasm_section(&b, WASM_IMPORT);
    wasm_u32(&b, count);
    for (uint32_t i = 0; i < count; i++) {
        wasm_import(&b, imports[i].module, imports[i].name);
        WASM(&b, 0);
        wasm_u32(&b, i);
    }
    wasm_end(&b);
    wasm_section(&b, WASM_FUNCTION);
    wasm_u32(&b, count);
    for (uint32_t i = 0; i < count; i++)
        wasm_u32(&b, i);
    wasm_end(&b);
    if (bits) {
        wasm_section(&b, WASM_MEMORY);
        WASM(&b, 1, bits == 64 ? 4 : 0, 4);
        wasm_end(&b);
    }
    wasm_section(&b, WASM_EXPORT);
    wasm_u32(&b, count + (bits ? 1 : 0));
    for (uint32_t i = 0; i < count; i++)
        wasm_export(&b, imports[i].name, 0, count + i);
    if (bits)
        wasm_export(&b, "memory", 2, 0);
    wasm_end(&b);
    wasm_section(&b, WASM_CODE);
    wasm_u32(&b, count);
    for (uint32_t i = 0; i < count; i++) {
        wasm_sized(&b);
        WASM(&b, 0);
        for (size_t k = 0; imports[i].params[k]; k++)
            WASM(&b, 0x20, (uint8_t)k);
        WASM(&b, 0x10, (uint8_t)i, 0x0b);
        wasm_end(&b);
    }
    wasm_end(&b);
    assert_int_equal(beamr_module_load(w->engine, wasm_bytes_of(&b), &module, NULL), BEAMR_OK);
    wasm_free(&b);
    return module;
}

static beamr_status link_with(world *w, const imported *import, unsigned bits, beamr_error *err)
{
    beamr_module *module = module_of(w, import, 1, bits);
    beamr_linker *linker = NULL;
    beamr_extern item;
    beamr_status st;

    assert_int_equal(beamr_linker_new(w->store, &linker, NULL), BEAMR_OK);
    st = beamr_wasi_link(w->wasi, linker, module, err);
    if (st == BEAMR_OK && !beamr_linker_find(linker, beamr_bytes_of(import->module),
                                             beamr_bytes_of(import->name), &item))
        st = BEAMR_NOT_FOUND;
    beamr_linker_free(linker);
    beamr_module_unref(module);
    return st;
}

static void the_table_is_sorted(void **state)
{
    static const char *const versions[] = {"wasi_snapshot_preview1", "wasi_unstable"};

    (void)state;
    for (size_t v = 0; v < 2; v++) {
        size_t count;
        const guest_import *rows = guest_wasi_rows(beamr_bytes_of(versions[v]), &count);

        assert_true(count >= 45);
        for (size_t i = 1; i < count; i++)
            assert_true(strcmp(rows[i - 1].name, rows[i].name) <= 0);
    }
}

static void names_of_others_are_left_alone(void **state)
{
    world *w = *state;
    static const imported others[] = {
        {"wasi_snapshot_preview1", "fd_none", "i", "i"},
        {"wasi_snapshot_preview1", "", "i", "i"},
        {"wasi_snapshot_preview", "fd_close", "i", "i"},
        {"wasi_snapshot_preview11", "fd_close", "i", "i"},
        {"env", "fd_close", "i", "i"},
        {"wasi_unstable", "sock_accept", "iii", "i"},
    };
    static const imported ours[] = {{"wasi_snapshot_preview1", "fd_close", "i", "i"},
                                    {"wasi_unstable", "fd_close", "i", "i"},
                                    {"wasi_snapshot_preview1", "sock_accept", "iii", "i"}};
    beamr_error err = {0};
    size_t count;

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(link_with(w, &others[i], 32, &err), BEAMR_NOT_FOUND);
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        assert_int_equal(link_with(w, &ours[i], 32, &err), BEAMR_OK);
    assert_null(guest_wasi_rows(beamr_bytes_of("env"), &count));
    assert_int_equal(count, 0);
}

static void another_type_is_unlinkable_and_named(void **state)
{
    world *w = *state;
    static const imported narrow = {"wasi_snapshot_preview1", "fd_write", "iiii", "i"};
    static const imported wide = {"wasi_snapshot_preview1", "fd_write", "illl", "i"};
    static const imported odd = {"wasi_snapshot_preview1", "fd_close", "l", "i"};
    beamr_error err = {0};

    assert_int_equal(link_with(w, &narrow, 32, &err), BEAMR_OK);
    assert_int_equal(link_with(w, &wide, 64, &err), BEAMR_OK);
    assert_int_equal(link_with(w, &narrow, 0, &err), BEAMR_OK);
    assert_int_equal(link_with(w, &narrow, 64, &err), BEAMR_UNLINKABLE);
    assert_non_null(strstr(err.text, "fd_write"));
    assert_non_null(strstr(err.text, "i32 i64 i64 i64"));
    beamr_error_clear(&err);
    assert_int_equal(link_with(w, &wide, 32, &err), BEAMR_UNLINKABLE);
    beamr_error_clear(&err);
    assert_int_equal(link_with(w, &odd, 32, &err), BEAMR_UNLINKABLE);
    assert_non_null(strstr(err.text, "fd_close"));
}

/* As Emscripten declares it for a host without 64-bit integers. */
static void halves_of_a_64_bit_number_are_joined(void **state)
{
    world *w = *state;
    static const imported imports[] = {
        {"wasi_snapshot_preview1", "fd_seek", "iiiii", "i"},
        {"wasi_snapshot_preview1", "clock_time_get", "iiii", "i"},
        {"wasi_snapshot_preview1", "fd_pread", "iiiiii", "i"},
        {"wasi_snapshot_preview1", "fd_pwrite", "iiiiii", "i"},
    };
    beamr_module *module = module_of(w, imports, 4, 32);
    beamr_linker *linker = NULL;
    beamr_error err = {0};
    uint32_t fd;

    world_make(w, "file", "0123456789");
    fd = world_file(w, "file", 0, 0);
    assert_int_equal(beamr_linker_new(w->store, &linker, NULL), BEAMR_OK);
    assert_int_equal(beamr_wasi_link(w->wasi, linker, module, &err), BEAMR_OK);
    assert_int_equal(beamr_linker_instantiate(linker, module, &w->instance, &err), BEAMR_OK);
    w->memory = beamr_instance_find_memory(w->instance, "memory");
    w->is64 = false;
    assert_success(CALL(w, fd_seek, fd, 5, 3, 0, OUT));
    assert_int_equal(world_get(w, OUT, 8), 5 + (UINT64_C(3) << 32));
    assert_success(CALL(w, fd_seek, fd, (uint64_t)-4, UINT32_MAX, 2, OUT));
    assert_int_equal(world_get(w, OUT, 8), 6);
    world_iovec(w, 0, DATA, 3);
    assert_success(CALL(w, fd_pread, fd, IOVS, 1, 2, 0, OUT));
    assert_memory(w, DATA, "234");
    assert_success(CALL(w, fd_pwrite, fd, IOVS, 1, 7, 0, OUT));
    world_expect(w, "file", "0123456234");
    w->clocks[0] = 99;
    assert_success(CALL(w, clock_time_get, 0, 1, 0, OUT));
    assert_int_equal(world_get(w, OUT, 8), 99);
    beamr_linker_free(linker);
    beamr_module_unref(module);
}

static void without_memory_pointers_are_bad(void **state)
{
    world *w = *state;
    static const imported imports[] = {
        {"wasi_snapshot_preview1", "fd_write", "iiii", "i"},
        {"wasi_snapshot_preview1", "random_get", "ii", "i"},
        {"wasi_snapshot_preview1", "sched_yield", "", "i"},
    };
    beamr_module *module = module_of(w, imports, 3, 0);
    beamr_linker *linker = NULL;
    beamr_error err = {0};

    assert_int_equal(beamr_linker_new(w->store, &linker, NULL), BEAMR_OK);
    assert_int_equal(beamr_wasi_link(w->wasi, linker, module, &err), BEAMR_OK);
    assert_int_equal(beamr_linker_instantiate(linker, module, &w->instance, &err), BEAMR_OK);
    assert_errno(CALL(w, fd_write, 1, 0, 0, 0), GUEST_EFAULT);
    assert_errno(CALL(w, random_get, 0, 1), GUEST_EFAULT);
    assert_success(CALL(w, random_get, 0, 0));
    assert_success(CALL(w, sched_yield, 0));
    beamr_linker_free(linker);
    beamr_module_unref(module);
}

/* The system stays as long as a store has functions of it. */
static void the_system_outlives_its_embedder(void **state)
{
    world *w = *state;

    beamr_wasi_unref(w->wasi);
    world_write_text(w, 1, "still here");
    assert_string_equal(w->output, "still here");
    w->wasi = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sorted),
        WORLD_TESTS(names_of_others_are_left_alone),
        WORLD_TESTS(another_type_is_unlinkable_and_named),
        WORLD_TESTS(halves_of_a_64_bit_number_are_joined),
        WORLD_TESTS(without_memory_pointers_are_bad),
        WORLD_TESTS(the_system_outlives_its_embedder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
