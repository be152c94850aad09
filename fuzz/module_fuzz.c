/* Fuzz target: decode and validate any bytes through the public interface, and read everything
 * that a loaded module shows of itself. Nothing is run.
 * Seeds: seeds/module/; what they hold is in seeds/source/module/. */
#include "fuzz.h"

#include "beamr/beamr.h"

static beamr_engine *engine;

static void engine_open(void)
{
    beamr_error err = {0};

    if (engine)
        return;
    FUZZ_CHECK(beamr_engine_new(NULL, &engine, &err) == BEAMR_OK);
}

/* A refusal says what and where. */
static void check_refusal(beamr_status st, const beamr_error *err, size_t size)
{
    FUZZ_CHECK(st == BEAMR_MALFORMED || st == BEAMR_INVALID || st == BEAMR_UNSUPPORTED ||
               st == BEAMR_LIMIT || st == BEAMR_NO_MEMORY);
    FUZZ_CHECK(err->status == st);
    FUZZ_CHECK(err->text[0] && strlen(err->text) < sizeof err->text);
    FUZZ_CHECK(!strchr(err->text, '\n'));
    FUZZ_CHECK(err->offset <= size);
}

/* The bytes lie within the module's copy of its input or in a static string; reading them lets
 * the sanitizer judge. */
static size_t touch(beamr_bytes bytes)
{
    size_t sum = 0;

    for (size_t i = 0; i < bytes.len; i++)
        sum += bytes.data[i];
    return sum;
}

static void touch_type(const beamr_externtype *type)
{
    char text[160];

    FUZZ_CHECK(beamr_externtype_text(type, text, sizeof text) == text);
    FUZZ_CHECK(strlen(text) < sizeof text);
}

static void touch_exports(const beamr_module *m)
{
    size_t count = beamr_module_export_count(m);

    /* Each is looked up again, and that may be a search: bound the work. */
    for (size_t i = 0; i < count && i < 256; i++) {
        beamr_export e = beamr_module_export(m, i), found;

        touch_type(&e.type);
        FUZZ_CHECK(beamr_module_find_export(m, e.name, &found));
        FUZZ_CHECK(found.type.kind == e.type.kind && found.name.len == e.name.len);
    }
}

static void touch_sections(const beamr_module *m, size_t size)
{
    size_t end = 0;

    for (size_t i = 0; i < beamr_module_section_count(m); i++) {
        beamr_section s = beamr_module_section(m, i);

        (void)touch(s.name);
        FUZZ_CHECK(s.kind[0]);
        FUZZ_CHECK(s.offset >= end && s.size <= size && s.offset <= size - s.size);
        end = s.offset + s.size;
    }
}

static void touch_module(const beamr_module *m, size_t size)
{
    size_t sum = 0;

    for (size_t i = 0; i < beamr_module_import_count(m); i++) {
        beamr_import import = beamr_module_import(m, i);

        sum += touch(import.module) + touch(import.name);
        touch_type(&import.type);
    }
    touch_exports(m);
    touch_sections(m, size);
    for (size_t i = 0; i < beamr_module_func_count(m) && i < 4096; i++)
        sum += touch(beamr_module_func_name(m, i));
    for (size_t i = 0; i < beamr_module_memory_count(m); i++)
        FUZZ_CHECK(beamr_module_memory(m, i).min <= beamr_module_memory(m, i).max);
    for (size_t i = 0; beamr_feature_name(i); i++)
        sum += beamr_module_uses_feature(m, i);
    FUZZ_CHECK(sum < SIZE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    beamr_module *m = NULL;
    beamr_error err = {0};
    beamr_status st;

    engine_open();
    st = beamr_module_load(engine, (beamr_bytes){data, size}, &m, &err);
    if (st != BEAMR_OK) {
        FUZZ_CHECK(!m);
        check_refusal(st, &err, size);
        return 0;
    }
    touch_module(m, size);
    beamr_module_unref(m);
    return 0;
}
