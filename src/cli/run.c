/* `beamr run`: run a program, or call a function of a module with arguments from the command
 * line. run.h tells which file does what; here is the order of the steps: everything that can
 * be known before guest code runs is checked first. */
#include "cli/run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/escape.h"

#define NS_PER_MS UINT64_C(1000000)

static int fail(const run *r, const char *what, const beamr_error *err)
{
    return cli_error(r->options->command, what, err);
}

/* ---- Checks before anything runs ---- */

/* The import cannot be provided, not even by a stub. */
static bool is_missing(const beamr_module *module, size_t i)
{
    switch (beamr_guest_provider(module, i, NULL)) {
    case BEAMR_PROVIDER_NONE:
        return beamr_module_import(module, i).type.kind != BEAMR_EXTERN_FUNC;
    case BEAMR_PROVIDER_MISFIT:
        return true;
    case BEAMR_PROVIDER_WASI:
    case BEAMR_PROVIDER_EMSCRIPTEN:
    case BEAMR_PROVIDER_LINKER:
    default:
        return false;
    }
}

static void show_import(const run *r, size_t i)
{
    beamr_import import = beamr_module_import(r->module, i);
    bool is_misfit = beamr_guest_provider(r->module, i, NULL) == BEAMR_PROVIDER_MISFIT;
    char type[256];

    (void)fputs("  ", stderr);
    cli_print_quoted(stderr, import.module);
    (void)fputc(' ', stderr);
    cli_print_quoted(stderr, import.name);
    (void)fprintf(stderr, ": %s%s\n", beamr_externtype_text(&import.type, type, sizeof type),
                  is_misfit ? ", which is known with another type" : "");
}

/* All imports that cannot be provided are told at once. */
static int check_imports(const run *r)
{
    size_t count = beamr_module_import_count(r->module), missing = 0;

    for (size_t i = 0; i < count; i++)
        missing += is_missing(r->module, i);
    if (missing == 0)
        return CLI_OK;
    (void)fprintf(stderr, "%s: %s: %zu import%s that nothing provides:\n", r->options->command,
                  r->options->file, missing, missing == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++) {
        if (is_missing(r->module, i))
            show_import(r, i);
    }
    return CLI_USAGE;
}

static int check_memories(const run *r)
{
    const run_options *o = r->options;

    for (size_t i = 0; o->max_memory && i < beamr_module_memory_count(r->module); i++) {
        uint64_t pages = beamr_module_memory(r->module, i).min;

        if (pages <= o->max_pages)
            continue;
        (void)fprintf(stderr,
                      "%s: %s: memory %zu begins with %" PRIu64
                      " pages of 64 KiB, and --max-memory %s allows %" PRIu64 "\n",
                      o->command, o->file, i, pages, o->max_memory, o->max_pages);
        return CLI_USAGE;
    }
    return CLI_OK;
}

/* ---- The steps ---- */

static int load_object(const run *r)
{
    const run_options *o = r->options;
    cli_file file = {0};
    beamr_error err = {0};
    beamr_status st = cli_file_read(o->object, CLI_FILE_MAX, &file, &err);

    if (st == BEAMR_OK)
        st = beamr_module_load_object(r->module, cli_file_bytes(&file), &err);
    cli_file_clear(&file);
    return st == BEAMR_OK ? CLI_OK : fail(r, st == BEAMR_IO ? NULL : o->object, &err);
}

/* Native code, if any: it was made when the module was loaded, or is in a file. */
static int load_native(const run *r)
{
    if (r->options->object)
        return load_object(r);
    cli_tell_interpreted(r->options->command, r->options->file, r->module);
    return CLI_OK;
}

static int load(run *r)
{
    const run_options *o = r->options;
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_error err = {0};
    int code;

    if (o->features)
        config.features = o->features;
    config.metering = o->fuel != NULL;
    config.tier = o->object ? BEAMR_TIER_INTERPRET : o->tier;
    if (beamr_engine_new(&config, &r->engine, &err) != BEAMR_OK)
        return fail(r, NULL, &err);
    if (cli_module_read(r->engine, o->file, &r->module, &err) != BEAMR_OK)
        return fail(r, err.status == BEAMR_IO ? NULL : o->file, &err); /* IO's text names it */
    if ((code = load_native(r)) != CLI_OK)
        return code;
    if (o->max_memory && o->max_pages < limits.max_memory_pages)
        limits.max_memory_pages = o->max_pages;
    if (beamr_store_new(r->engine, &limits, &r->store, &err) != BEAMR_OK)
        return fail(r, NULL, &err);
    if (o->fuel)
        beamr_store_set_fuel(r->store, o->fuel_units);
    return CLI_OK;
}

static bool begins_with(beamr_bytes text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

/* Can the program name files: does it import a function of WASI's that takes a path, or that
 * tells of folders? One that does not may rely on descriptor 3 being closed. */
static bool names_files(const beamr_module *module)
{
    for (size_t i = 0; i < beamr_module_import_count(module); i++) {
        beamr_bytes name = beamr_module_import(module, i).name;

        if ((begins_with(name, "path_") || begins_with(name, "fd_prestat_")) &&
            beamr_guest_provider(module, i, NULL) == BEAMR_PROVIDER_WASI)
            return true;
    }
    return false;
}

static int open_world(run *r)
{
    beamr_error err = {0};

    r->world.has_root = names_files(r->module);
    if (run_world_open(&r->world, &err) == BEAMR_OK)
        return CLI_OK;
    (void)fail(r, r->world.opening, &err);
    if (r->world.opening && err.status == BEAMR_LIMIT)
        (void)fputs("--max-files SIZE changes the limit of bytes, 1GiB unless given.\n",
                    stderr);
    return cli_exit_of(err.status);
}

/* From here on the guest's time counts. */
static int instantiate(run *r)
{
    const run_options *o = r->options;
    beamr_stubs stubs = o->stubs_give_zeros ? BEAMR_STUBS_ZEROS : BEAMR_STUBS_TRAP;
    beamr_linker *linker = NULL;
    beamr_error err = {0};
    int code = CLI_OK;

    run_world_start(&r->world, o->timeout_ms * NS_PER_MS);
    if (o->timeout_ms &&
        beamr_store_set_deadline(r->store, o->timeout_ms * NS_PER_MS, &err) != BEAMR_OK)
        return fail(r, NULL, &err);
    if (beamr_linker_new(r->store, &linker, &err) != BEAMR_OK)
        return fail(r, NULL, &err);
    if (beamr_guest_instantiate(r->world.wasi, linker, r->module, stubs, &r->instance, &err) !=
        BEAMR_OK)
        code = run_guest_failed(r, o->file, &err); /* perhaps its start function */
    beamr_linker_free(linker);
    return code;
}

static void run_clear(run *r)
{
    beamr_store_free(r->store);
    run_world_clear(&r->world);
    beamr_module_unref(r->module);
    beamr_engine_free(r->engine);
}

static int run_all(run *r)
{
    run_start start;
    int code;

    if ((code = load(r)) != CLI_OK)
        return code;
    if ((code = run_find_start(r, &start)) != CLI_OK || (code = check_imports(r)) != CLI_OK ||
        (code = check_memories(r)) != CLI_OK)
        return code;
    if ((code = open_world(r)) != CLI_OK)
        return code;
    if ((code = instantiate(r)) != CLI_OK)
        return code;
    if (r->instance) /* else its start function ended it, and well */
        code = run_guest(r, start);
    if (code != CLI_OK)
        return code;
    return run_world_write_back(&r->world);
}

int cli_run(int argc, char **argv)
{
    run_options options = {.command = argv[0]};
    run r = {.options = &options, .world = {.options = &options}};
    bool done = false;
    int code = run_options_parse(&options, argc, argv, &done);

    if (code == CLI_OK && !done)
        code = run_all(&r);
    run_clear(&r);
    run_options_clear(&options);
    return code;
}
