/* Imports, exports and signatures as terms. */
#include "term_fixture.h"

#include "driver/convert.h"
#include "unit/wasm_builder.h"

/* Imports env.f (i32 i64 f32 f64 v128 funcref externref) -> i32 i64, and one of each other
 * kind; exports all of them but the tag, and f under a name that is no ASCII. */
static beamr_module *load(beamr_engine **engine)
{
    wasm_builder w = {0};
    beamr_module *module;
    beamr_error err = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 2);
    wasm_functype(&w, "ilfdvFX", "il");
    wasm_functype(&w, "", "");
    wasm_end(&w);
    wasm_section(&w, WASM_IMPORT);
    wasm_u32(&w, 5);
    wasm_import(&w, "env", "f");
    WASM(&w, 0, 0);
    wasm_import(&w, "env", "t");
    WASM(&w, 1, 0x70, 0, 1);
    wasm_import(&w, "env", "m");
    WASM(&w, 2, 0, 1);
    wasm_import(&w, "env", "g");
    WASM(&w, 3, 0x7f, 0);
    wasm_import(&w, "env", "e");
    WASM(&w, 4, 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, 2);
    wasm_export(&w, "\xce\xbb", 0, 0);
    wasm_export(&w, "m", 2, 0);
    wasm_end(&w);
    assert_int_equal(beamr_engine_new(NULL, engine, NULL), BEAMR_OK);
    if (beamr_module_load(*engine, wasm_bytes_of(&w), &module, &err) != BEAMR_OK)
        fail_msg("the module is refused: %s", err.text);
    wasm_free(&w);
    return module;
}

#define ENV "6b0003656e76"
#define SIGNATURE "6b000b 2869496646767265 296949"

static void imports_and_exports_are_tuples_with_strings(void **state)
{
    beamr_engine *engine;
    beamr_module *module = load(&engine);
    drv_writer w;

    (void)state;
    drv_writer_begin(&w);
    drv_put_imports(&w, module);
    assert_written(&w, "6c00000005"
                       " 6804 770466756e63 " ENV " 6b000166 " SIGNATURE
                       " 6804 77057461626c65 " ENV " 6b000174 6a"
                       " 6804 77066d656d6f7279 " ENV " 6b00016d 6a"
                       " 6804 7706676c6f62616c " ENV " 6b000167 6a"
                       " 6804 7707756e6b6e6f776e " ENV " 6b000165 6a 6a");
    drv_writer_clear(&w);
    drv_writer_begin(&w);
    drv_put_exports(&w, module);
    assert_written(&w, "6c00000002"
                       " 6803 770466756e63 6c00000001 62000003bb 6a " SIGNATURE
                       " 6803 77066d656d6f7279 6b00016d 6a 6a");
    drv_writer_clear(&w);
    beamr_module_unref(module);
    beamr_engine_free(engine);
}

static void as_maps_they_have_binaries(void **state)
{
    beamr_engine *engine;
    beamr_module *module = load(&engine);
    drv_writer w;
    drv_reader r;
    drv_item item;

    (void)state;
    drv_writer_begin(&w);
    drv_put_export_maps(&w, module);
    assert_written(&w, "6c00000002"
                       " 7400000003 77046b696e64 770466756e63 77046e616d65 6d00000002cebb"
                       " 77097369676e6174757265 6d0000000b 2869496646767265 296949"
                       " 7400000003 77046b696e64 77066d656d6f7279 77046e616d65 6d000000016d"
                       " 77097369676e6174757265 6d00000000 6a");
    drv_writer_clear(&w);
    drv_writer_begin(&w);
    drv_put_import_maps(&w, module);
    r = reader_of(written(&w));
    assert_int_equal(drv_skip(&r, NULL, NULL), BEAMR_OK);
    assert_ptr_equal(r.at, r.end);
    r = reader_of(written(&w));
    assert_int_equal(drv_read(&r, &item, NULL), BEAMR_OK);
    assert_int_equal(item.count, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(drv_read(&r, &item, NULL), BEAMR_OK);
        assert_true(item.kind == DRV_MAP && item.count == 4);
        for (int j = 0; j < 8; j++)
            assert_int_equal(drv_skip(&r, NULL, NULL), BEAMR_OK);
    }
    drv_writer_clear(&w);
    beamr_module_unref(module);
    beamr_engine_free(engine);
}

static void signatures_are_whole(void **state)
{
    enum { COUNT = 1000 };
    static beamr_valtype types[COUNT];
    beamr_functype type = {types, COUNT, types, COUNT};
    drv_writer w;

    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        types[i] = beamr_valtype_of(i == 0 ? BEAMR_EXNREF : BEAMR_I64);
    drv_writer_begin(&w);
    drv_put_func_signature(&w, &type);
    assert_int_equal(written(&w).len, 3 + 2 * COUNT + 2);
    assert_memory_equal(written(&w).data + 3, "(uII", 4);
    assert_int_equal(written(&w).data[3 + 2 * COUNT + 1], 'I');
    drv_writer_clear(&w);
    type = (beamr_functype){NULL, 0, NULL, 0};
    drv_writer_begin(&w);
    drv_put_func_signature(&w, &type);
    assert_written(&w, "6b0002 2829");
    drv_writer_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imports_and_exports_are_tuples_with_strings),
        cmocka_unit_test(as_maps_they_have_binaries),
        cmocka_unit_test(signatures_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
