/* Modules: what can be asked of one. */
#include "fixture.h"

static beamr_module *sample(fixture *f)
{
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 2);
    wasm_functype(&w, "il", "d");
    wasm_functype(&w, "i", "");
    wasm_end(&w);
    wasm_section(&w, WASM_IMPORT);
    wasm_u32(&w, 5);
    wasm_import(&w, "a", "f");
    WASM(&w, 0x00, 0);
    wasm_import(&w, "a", "t");
    WASM(&w, 0x01, 0x70, 0x01, 0, 10);
    wasm_import(&w, "b", "m");
    WASM(&w, 0x02, 0x05, 1, 0x80, 0x80, 1);
    wasm_import(&w, "b", "g");
    WASM(&w, 0x03, 0x7f, 1);
    wasm_import(&w, "", "e");
    WASM(&w, 0x04, 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 1, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, 2);
    wasm_export(&w, "run", 0, 1);
    wasm_export(&w, "memory", 2, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, 1);
    WASM_BODY(&w, 0x01);
    wasm_end(&w);
    wasm_section(&w, WASM_CUSTOM);
    wasm_name(&w, "note");
    WASM(&w, 1, 2, 3);
    wasm_end(&w);
    return fixture_load(f, &w);
}

static void imports_and_exports_have_types(void **state)
{
    static const char *const texts[] = {"func [i32 i64] -> [f64]", "table 0 10 funcref",
                                        "memory i64 1 16384", "global mut i32", "tag [i32]"};
    fixture f = fixture_open();
    beamr_module *m = sample(&f);
    char text[100];
    beamr_export export;

    (void)state;
    assert_int_equal(beamr_module_import_count(m), 5);
    for (size_t i = 0; i < 5; i++) {
        beamr_import import = beamr_module_import(m, i);

        assert_string_equal(beamr_externtype_text(&import.type, text, sizeof text), texts[i]);
    }
    assert_int_equal(beamr_module_import(m, 2).name.len, 1);
    assert_int_equal(beamr_module_import(m, 4).module.len, 0);
    assert_int_equal(beamr_module_import(m, 5).name.len, 0);
    assert_int_equal(beamr_module_export_count(m), 2);
    assert_true(beamr_module_find_export(m, beamr_bytes_of("run"), &export));
    assert_string_equal(beamr_externtype_text(&export.type, text, sizeof text),
                        "func [i32] -> []");
    assert_false(beamr_module_find_export(m, beamr_bytes_of("ru"), &export));
    assert_false(beamr_module_find_export(m, beamr_bytes_of(""), &export));
    assert_string_equal(beamr_extern_kind_text(BEAMR_EXTERN_TAG), "tag");
    beamr_module_unref(m);
    fixture_close(&f);
}

static void index_spaces_and_names_can_be_read(void **state)
{
    fixture f = fixture_open();
    beamr_module *m = sample(&f);
    beamr_limits limits = beamr_module_memory(m, 0);
    beamr_bytes name = beamr_module_func_name(m, 1);

    (void)state;
    assert_int_equal(beamr_module_memory_count(m), 1);
    assert_int_equal(limits.min, 1);
    assert_int_equal(limits.max, 16384);
    assert_true(limits.is64);
    assert_int_equal(beamr_module_func_count(m), 2);
    assert_int_equal(name.len, 3);
    assert_memory_equal(name.data, "run", 3);
    assert_int_equal(beamr_module_func_name(m, 2).len, 0);
    for (size_t i = 0; beamr_feature_name(i); i++)
        if (!strcmp(beamr_feature_name(i), "memory64"))
            assert_true(beamr_module_uses_feature(m, i));
        else if (!strcmp(beamr_feature_name(i), "simd"))
            assert_false(beamr_module_uses_feature(m, i));
    beamr_module_unref(m);
    fixture_close(&f);
}

static void sections_are_listed(void **state)
{
    static const char *const kinds[] = {"type",   "import", "function",
                                        "export", "code",   "custom"};
    fixture f = fixture_open();
    beamr_module *m = sample(&f);
    beamr_section last;

    (void)state;
    assert_int_equal(beamr_module_section_count(m), 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(beamr_module_section(m, i).kind, kinds[i]);
    last = beamr_module_section(m, 5);
    assert_int_equal(last.id, 0);
    assert_int_equal(last.name.len, 4);
    assert_memory_equal(last.name.data, "note", 4);
    assert_int_equal(beamr_module_section(m, 6).size, 0);
    beamr_module_unref(m);
    fixture_close(&f);
}

static void a_module_is_known_by_its_bytes(void **state)
{
    /* The SHA-256 of "\0asm\1\0\0\0", by sha256sum. */
    static const uint8_t empty[BEAMR_MODULE_ID_SIZE] = {
        0x93, 0xa4, 0x4b, 0xbb, 0x96, 0xc7, 0x51, 0x21, 0x8e, 0x4c, 0x00,
        0xd4, 0x79, 0xe4, 0xc1, 0x43, 0x58, 0x12, 0x2a, 0x38, 0x9a, 0xcc,
        0xa1, 0x62, 0x05, 0xb1, 0xe4, 0xd0, 0xdc, 0x5f, 0x94, 0x76,
    };
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_module *m;
    uint8_t id[BEAMR_MODULE_ID_SIZE];

    (void)state;
    wasm_begin(&w);
    m = fixture_load(&f, &w);
    for (int i = 0; i < 2; i++) {
        memset(id, 0, sizeof id);
        assert_int_equal(beamr_module_id(m, id, NULL), BEAMR_OK);
        assert_memory_equal(id, empty, sizeof id);
    }
    beamr_module_unref(m);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imports_and_exports_have_types),
        cmocka_unit_test(index_spaces_and_names_can_be_read),
        cmocka_unit_test(sections_are_listed),
        cmocka_unit_test(a_module_is_known_by_its_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
