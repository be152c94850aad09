/* `beamr inspect`: what a module holds, for people or as JSON.
 * It reads the module with the engine, so what it shows is what `beamr run` would see. Of a
 * module that the engine refuses it shows the reason, and the sections as far as they can be
 * followed. Of each import it says who would provide it to a program that is run. A code object
 * is shown by inspect_object.c.
 * Source: Core, "Modules" of the binary format. */
#include "cli/inspect.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#include "cli/outline.h"

enum {
    TYPE_TEXT_SIZE = 4096, /* longer types are cut in the text */
};

static const char help_text[] =
    "Show what a WebAssembly module holds: the language features that it uses, memories,\n"
    "imports and exports with their types, functions and sections; or what a code object\n"
    "(beamr compile) was made of, with what, and for which processor.\n"
    "\n"
    "Usage: beamr inspect [OPTIONS] FILE\n"
    "\n"
    "FILE may be - for standard input. Of a module that the engine refuses, the reason is\n"
    "shown and what can be told nevertheless.\n"
    "\n"
    "Behind each import stands who provides it when the module is run: WASI; Emscripten; a\n"
    "stub, which traps when it is called (with beamr run --stub-imports it gives zeros); or\n"
    "nothing, and then the module cannot be run.\n"
    "\n"
    "Options:\n"
    "      --json              print one JSON object\n"
    "  -h, --help              show this\n"
    "\n"
    "Exit codes: 0 fine; 2 wrong usage, or the module is refused.\n"
    "\n"
    "Example:\n"
    "  beamr inspect calculator.wasm\n";

/* ---- For people ---- */

static void show_features(const beamr_module *m)
{
    const char *separator = "";

    (void)fputs("Features used: ", stdout);
    for (size_t i = 0; beamr_feature_name(i); i++) {
        if (!beamr_module_uses_feature(m, i))
            continue;
        (void)printf("%s%s", separator, beamr_feature_name(i));
        separator = ", ";
    }
    (void)puts("");
}

static void show_memories(const beamr_module *m)
{
    size_t count = beamr_module_memory_count(m);

    (void)printf("Memories: %zu\n", count);
    for (size_t i = 0; i < count; i++) {
        beamr_limits limits = beamr_module_memory(m, i);

        (void)printf("  %zu: %d bit, minimum %" PRIu64 " pages", i, limits.is64 ? 64 : 32,
                     limits.min);
        if (limits.max != UINT64_MAX)
            (void)printf(", maximum %" PRIu64 " pages\n", limits.max);
        else
            (void)puts(", no maximum");
    }
}

/* What becomes of an import when the module is run. */
typedef enum fate {
    FATE_WASI,
    FATE_EMSCRIPTEN,
    FATE_STUB,
    FATE_MISFIT,
    FATE_NOTHING,
    FATE_COUNT,
} fate;

static const struct {
    const char *text; /* for people */
    const char *json;
} fates[FATE_COUNT] = {
    [FATE_WASI] = {"WASI", "wasi"},
    [FATE_EMSCRIPTEN] = {"Emscripten", "emscripten"},
    [FATE_STUB] = {"stub", "stub"},
    [FATE_MISFIT] = {"not linkable: known with another type", "misfit"},
    [FATE_NOTHING] = {"not linkable: nothing provides it", "nothing"},
};

static fate fate_of(const beamr_module *m, size_t import)
{
    switch (beamr_guest_provider(m, import, NULL)) {
    case BEAMR_PROVIDER_WASI:
        return FATE_WASI;
    case BEAMR_PROVIDER_EMSCRIPTEN:
        return FATE_EMSCRIPTEN;
    case BEAMR_PROVIDER_MISFIT:
        return FATE_MISFIT;
    case BEAMR_PROVIDER_NONE:
    case BEAMR_PROVIDER_LINKER:
    default:
        return beamr_module_import(m, import).type.kind == BEAMR_EXTERN_FUNC ? FATE_STUB
                                                                             : FATE_NOTHING;
    }
}

/* How many imports have each fate. */
static void show_fates(const beamr_module *m)
{
    static const char *const texts[FATE_COUNT] = {"from WASI", "from Emscripten", "stubbed",
                                                  "of another type", "not linkable"};
    size_t counts[FATE_COUNT] = {0};
    const char *separator = " (";

    for (size_t i = 0; i < beamr_module_import_count(m); i++)
        counts[fate_of(m, i)]++;
    for (size_t i = 0; i < FATE_COUNT; i++) {
        if (counts[i] == 0)
            continue;
        (void)printf("%s%zu %s", separator, counts[i], texts[i]);
        separator = ", ";
    }
    (void)puts(separator[0] == ',' ? ")" : "");
}

static void show_links(const beamr_module *m)
{
    size_t imports = beamr_module_import_count(m);
    size_t exports = beamr_module_export_count(m);
    char type[TYPE_TEXT_SIZE];

    (void)printf("Imports: %zu", imports);
    show_fates(m);
    for (size_t i = 0; i < imports; i++) {
        beamr_import import = beamr_module_import(m, i);

        (void)fputs("  ", stdout);
        cli_print_quoted(stdout, import.module);
        (void)fputc(' ', stdout);
        cli_print_quoted(stdout, import.name);
        (void)printf(": %s; %s\n", beamr_externtype_text(&import.type, type, sizeof type),
                     fates[fate_of(m, i)].text);
    }
    (void)printf("Exports: %zu\n", exports);
    for (size_t i = 0; i < exports; i++) {
        beamr_export e = beamr_module_export(m, i);

        (void)fputs("  ", stdout);
        cli_print_quoted(stdout, e.name);
        (void)printf(": %s\n", beamr_externtype_text(&e.type, type, sizeof type));
    }
}

static void show_section(const beamr_section *s)
{
    (void)printf("  %-9s at 0x%08zx, %zu bytes", s->kind, s->offset, s->size);
    if (s->id == 0) {
        (void)fputs(": ", stdout);
        cli_print_quoted(stdout, s->name);
    }
    (void)puts("");
}

/* Functions that the module imports: they come first in its index space. */
static size_t imported_functions(const beamr_module *m)
{
    size_t count = 0;

    for (size_t i = 0; i < beamr_module_import_count(m); i++)
        count += beamr_module_import(m, i).type.kind == BEAMR_EXTERN_FUNC;
    return count;
}

static void show_module(const char *path, size_t size, const beamr_module *m)
{
    (void)printf("%s: %zu bytes\n", path, size);
    show_features(m);
    (void)printf("Functions: %zu, of which %zu imported\n", beamr_module_func_count(m),
                 imported_functions(m));
    show_memories(m);
    show_links(m);
    (void)printf("Sections: %zu\n", beamr_module_section_count(m));
    for (size_t i = 0; i < beamr_module_section_count(m); i++) {
        beamr_section s = beamr_module_section(m, i);
        show_section(&s);
    }
}

/* ---- JSON ---- */

/* A number, or null for UINT64_MAX. */
static void json_max(uint64_t max)
{
    if (max == UINT64_MAX)
        (void)fputs("null", stdout);
    else
        (void)printf("%" PRIu64, max);
}

static void json_limits(const beamr_limits *l)
{
    (void)printf("\"bits\":%d,\"minimum\":%" PRIu64 ",\"maximum\":", l->is64 ? 64 : 32, l->min);
    json_max(l->max);
}

static void json_valtype(beamr_valtype type)
{
    char text[64];

    cli_print_quoted(stdout, beamr_bytes_of(beamr_valtype_text(type, text, sizeof text)));
}

static void json_valtypes(const char *key, const beamr_valtype *types, size_t count)
{
    (void)printf("\"%s\":[", key);
    for (size_t i = 0; i < count; i++) {
        (void)fputs(i ? "," : "", stdout);
        json_valtype(types[i]);
    }
    (void)fputc(']', stdout);
}

static void json_type(const beamr_externtype *t)
{
    (void)printf("\"kind\":\"%s\",", beamr_extern_kind_text(t->kind));
    switch (t->kind) {
    case BEAMR_EXTERN_FUNC:
        json_valtypes("parameters", t->func.params, t->func.param_count);
        (void)fputc(',', stdout);
        json_valtypes("results", t->func.results, t->func.result_count);
        break;
    case BEAMR_EXTERN_TAG:
        json_valtypes("parameters", t->func.params, t->func.param_count);
        break;
    case BEAMR_EXTERN_TABLE:
        (void)fputs("\"element\":", stdout);
        json_valtype(t->value);
        (void)fputc(',', stdout);
        json_limits(&t->limits);
        break;
    case BEAMR_EXTERN_MEMORY:
        json_limits(&t->limits);
        break;
    case BEAMR_EXTERN_GLOBAL:
        (void)fputs("\"type\":", stdout);
        json_valtype(t->value);
        (void)printf(",\"mutable\":%s", t->is_mutable ? "true" : "false");
        break;
    }
}

static void json_links(const beamr_module *m)
{
    (void)fputs(",\"imports\":[", stdout);
    for (size_t i = 0; i < beamr_module_import_count(m); i++) {
        beamr_import import = beamr_module_import(m, i);

        (void)fputs(i ? ",{\"module\":" : "{\"module\":", stdout);
        cli_print_quoted(stdout, import.module);
        (void)fputs(",\"name\":", stdout);
        cli_print_quoted(stdout, import.name);
        (void)fputc(',', stdout);
        json_type(&import.type);
        (void)printf(",\"provider\":\"%s\"}", fates[fate_of(m, i)].json);
    }
    (void)fputs("],\"exports\":[", stdout);
    for (size_t i = 0; i < beamr_module_export_count(m); i++) {
        beamr_export e = beamr_module_export(m, i);

        (void)fputs(i ? ",{\"name\":" : "{\"name\":", stdout);
        cli_print_quoted(stdout, e.name);
        (void)fputc(',', stdout);
        json_type(&e.type);
        (void)fputc('}', stdout);
    }
    (void)fputc(']', stdout);
}

static void json_section(const beamr_section *s, bool is_first)
{
    (void)printf("%s{\"kind\":\"%s\",\"offset\":%zu,\"size\":%zu", is_first ? "" : ",", s->kind,
                 s->offset, s->size);
    if (s->id == 0) {
        (void)fputs(",\"name\":", stdout);
        cli_print_quoted(stdout, s->name);
    }
    (void)fputc('}', stdout);
}

static void json_open(const char *path, size_t size, bool is_supported)
{
    (void)fputs("{\"file\":", stdout);
    cli_print_quoted(stdout, beamr_bytes_of(path));
    (void)printf(",\"size\":%zu,\"supported\":%s", size, is_supported ? "true" : "false");
}

static void json_features(const beamr_module *m)
{
    const char *separator = "";

    (void)fputs(",\"features\":[", stdout);
    for (size_t i = 0; beamr_feature_name(i); i++) {
        if (!beamr_module_uses_feature(m, i))
            continue;
        (void)printf("%s\"%s\"", separator, beamr_feature_name(i));
        separator = ",";
    }
    (void)fputc(']', stdout);
}

static void json_module(const char *path, size_t size, const beamr_module *m)
{
    json_open(path, size, true);
    json_features(m);
    (void)printf(",\"functions\":%zu,\"imported_functions\":%zu,\"memories\":[",
                 beamr_module_func_count(m), imported_functions(m));
    for (size_t i = 0; i < beamr_module_memory_count(m); i++) {
        beamr_limits limits = beamr_module_memory(m, i);

        (void)fputs(i ? ",{" : "{", stdout);
        json_limits(&limits);
        (void)fputc('}', stdout);
    }
    (void)fputc(']', stdout);
    json_links(m);
    (void)fputs(",\"sections\":[", stdout);
    for (size_t i = 0; i < beamr_module_section_count(m); i++) {
        beamr_section s = beamr_module_section(m, i);
        json_section(&s, i == 0);
    }
    (void)puts("]}");
}

/* ---- A module that is refused: what can be told of it without understanding it ---- */

static void show_outline(const outline_link *l)
{
    (void)fputs("  ", stdout);
    if (l->module.data) {
        cli_print_quoted(stdout, l->module);
        (void)fputc(' ', stdout);
    }
    cli_print_quoted(stdout, l->name);
    (void)printf(": %s\n", l->kind);
}

static void show_refused_links(beamr_bytes wasm, bool is_import)
{
    outline_links links;
    outline_link l;

    if (!outline_links_open(wasm, is_import, &links))
        return;
    (void)printf("%s, unchecked:\n", is_import ? "Imports" : "Exports");
    while (outline_links_next(&links, &l))
        show_outline(&l);
}

static void show_refused(beamr_bytes wasm)
{
    size_t at = OUTLINE_START;
    beamr_section s;

    if (!outline_is_module(wasm))
        return;
    show_refused_links(wasm, true);
    show_refused_links(wasm, false);
    (void)puts("Sections, unchecked:");
    while (outline_section_next(wasm, &at, &s))
        show_section(&s);
}

static void json_refused_links(beamr_bytes wasm, bool is_import)
{
    outline_links links;
    outline_link l;
    const char *separator = "";

    (void)printf(",\"%s\":[", is_import ? "imports" : "exports");
    if (outline_is_module(wasm) && outline_links_open(wasm, is_import, &links)) {
        while (outline_links_next(&links, &l)) {
            (void)printf("%s{", separator);
            if (is_import) {
                (void)fputs("\"module\":", stdout);
                cli_print_quoted(stdout, l.module);
                (void)fputc(',', stdout);
            }
            (void)fputs("\"name\":", stdout);
            cli_print_quoted(stdout, l.name);
            (void)printf(",\"kind\":\"%s\"}", l.kind);
            separator = ",";
        }
    }
    (void)fputc(']', stdout);
}

static void json_refused(const char *path, beamr_bytes wasm, const beamr_error *err)
{
    size_t at = OUTLINE_START;
    bool is_first = true;
    beamr_section s;

    json_open(path, wasm.len, false);
    (void)fputs(",\"error\":{\"status\":", stdout);
    cli_print_quoted(stdout, beamr_bytes_of(beamr_status_text(err->status)));
    (void)printf(",\"offset\":%" PRIu64 ",\"text\":", err->offset);
    cli_print_quoted(stdout, beamr_bytes_of(err->text));
    (void)fputc('}', stdout);
    json_refused_links(wasm, true);
    json_refused_links(wasm, false);
    (void)fputs(",\"sections\":[", stdout);
    while (outline_is_module(wasm) && outline_section_next(wasm, &at, &s)) {
        json_section(&s, is_first);
        is_first = false;
    }
    (void)puts("]}");
}

/* ---- The whole ---- */

static int inspect_bytes(const char *command, const char *path, beamr_bytes wasm, bool is_json)
{
    beamr_engine *engine = NULL;
    beamr_module *module = NULL;
    beamr_error err = {0};
    int code;

    if (beamr_engine_new(NULL, &engine, &err) != BEAMR_OK)
        return cli_error(command, NULL, &err);
    code = cli_exit_of(beamr_module_load(engine, wasm, &module, &err));
    if (module && is_json)
        json_module(path, wasm.len, module);
    else if (module)
        show_module(path, wasm.len, module);
    else
        (void)cli_error(command, path, &err);
    if (!module && is_json)
        json_refused(path, wasm, &err);
    else if (!module)
        show_refused(wasm);
    beamr_module_unref(module);
    beamr_engine_free(engine);
    return code;
}

int cli_inspect(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    cli_file file = {0};
    beamr_error err = {0};
    bool is_json = false;
    int code, c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h')
            return cli_help(help_text);
        if (c != 'j')
            return cli_usage(argv[0], NULL);
        is_json = true;
    }
    if (argc - optind != 1)
        return cli_usage(argv[0], "%s",
                         optind == argc ? "no file is given" : "one file at a time");
    if (cli_file_read(argv[optind], CLI_FILE_MAX, &file, &err) != BEAMR_OK)
        return cli_error(argv[0], err.status == BEAMR_IO ? NULL : argv[optind], &err);
    if (inspect_is_object(cli_file_bytes(&file))) {
        inspect_object(argv[optind], cli_file_bytes(&file), is_json);
        code = CLI_OK;
    } else {
        code = inspect_bytes(argv[0], argv[optind], cli_file_bytes(&file), is_json);
    }
    cli_file_clear(&file);
    return code;
}
