/* `beamr run`: call a function of a module with arguments from the command line, or run its
 * _start.
 * How arguments become parameters is beamr/values.h; imports other than those of the module's
 * own making are not provided here. Start-up follows what linkers produce: a module to be
 * called has `_initialize`, or `__wasm_call_ctors`; a program has `_start`. */
#include "cli/cli.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#include "cli/escape.h"

#define NS_PER_MS UINT64_C(1000000)

enum {
    PAGE_SIZE = 65536,
    LIST_MAX = 12,          /* exported functions shown with an error */
    LAST_ERROR_SIZE = 1024, /* bytes shown of the guest's last_error */
};

typedef struct run_options {
    const char *command;
    const char *file;
    const char *invoke; /* NULL: _start */
    char **args;        /* of the invoked function */
    size_t arg_count;
    const char *features;
    const char *timeout; /* as written */
    uint64_t timeout_ms; /* 0: none */
    const char *max_memory;
    uint64_t max_pages;
} run_options;

/* One run. All of it goes with run_clear. */
typedef struct run {
    const run_options *options;
    beamr_engine *engine;
    beamr_module *module;
    beamr_store *store;
    beamr_instance *instance;
} run;

static const char help_text[] =
    "Call a function of a WebAssembly module, or run its _start.\n"
    "\n"
    "Usage: beamr run [OPTIONS] FILE.wasm\n"
    "       beamr run [OPTIONS] FILE.wasm --invoke NAME [ARG...]\n"
    "\n"
    "FILE may be - for standard input. All words behind NAME are arguments, also those that "
    "begin\n"
    "with a dash. A word that reads as a number of its parameter's type is that number (-5,\n"
    "0xff, 1.5e3, nan, inf); any other is text, and text:WORD always is. Text is copied in "
    "with\n"
    "the module's malloc or cabi_realloc. With as many arguments as parameters each text is "
    "one\n"
    "pointer, else each takes two parameters: pointer and length. Results are printed one a "
    "line.\n"
    "_initialize, or else __wasm_call_ctors, is called first if the module exports it.\n"
    "\n"
    "Options:\n"
    "      --invoke NAME       call this exported function\n"
    "      --timeout TIME      end the guest after this time: 500ms, 2s, 1m\n"
    "      --max-memory SIZE   limit of each memory: 1000000, 64KiB, 16MiB, 2GiB;\n"
    "                          memory.grow beyond it gives -1\n"
    "      --features LIST     switch language features: -simd,+memory64 or -all\n"
    "  -h, --help              show this\n"
    "\n"
    "Exit codes: 0 fine; 1 the guest failed (its trap and backtrace are on standard error);\n"
    "2 wrong usage or an unusable input.\n"
    "\n"
    "Examples:\n"
    "  beamr run add.wasm --invoke add 2 -3\n"
    "  beamr run calculator.wasm --invoke evaluate_expression 'sqrt(9) * (10 / 2)'\n"
    "  beamr run calculator.wasm --invoke evaluate_expression text:42\n";

/* ---- Options ---- */

typedef struct unit {
    const char *text;
    uint64_t factor;
} unit;

/* Read a number with one of `units` behind it.  Returns false for anything else, and 0. */
static bool parse_with_unit(const char *word, const unit *units, uint64_t *out)
{
    size_t digits = strspn(word, "0123456789");
    char number[24];
    uint64_t n;

    if (digits >= sizeof number)
        return false;
    memcpy(number, word, digits);
    number[digits] = '\0';
    for (; units->text; units++) {
        if (strcmp(word + digits, units->text) != 0)
            continue;
        if (!cli_number(number, UINT64_MAX / units->factor, &n) || n == 0)
            return false;
        *out = n * units->factor;
        return true;
    }
    return false;
}

static int set_timeout(run_options *o, const char *word)
{
    static const unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {NULL, 0}};
    static const uint64_t most_ms = UINT64_C(1000) * 60 * 60 * 24 * 365;

    if (!parse_with_unit(word, units, &o->timeout_ms) || o->timeout_ms > most_ms)
        return cli_usage(o->command, "--timeout %s: not a time such as 500ms, 2s or 1m", word);
    o->timeout = word;
    return CLI_OK;
}

static int set_max_memory(run_options *o, const char *word)
{
    static const unit units[] = {
        {"", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}, {NULL, 0}};
    uint64_t bytes;

    if (!parse_with_unit(word, units, &bytes))
        return cli_usage(o->command,
                         "--max-memory %s: not a size such as 1000000, 64KiB or 2GiB", word);
    o->max_memory = word;
    o->max_pages = bytes / PAGE_SIZE;
    return CLI_OK;
}

/* A word that is no option and stands before --invoke. */
static int set_file(run_options *o, const char *word)
{
    if (o->file)
        return cli_usage(o->command,
                         "unexpected '%s': arguments need --invoke NAME before them", word);
    o->file = word;
    return CLI_OK;
}

/* Take the words behind --invoke NAME: a `--` that ends the options, FILE if it did not come
 * before, and the arguments. */
static void set_args(run_options *o, int argc, char **argv)
{
    int next = optind;

    if (next < argc && strcmp(argv[next], "--") == 0)
        next++;
    if (!o->file && next < argc)
        o->file = argv[next++];
    o->args = argv + next;
    o->arg_count = (size_t)(argc - next);
}

/* Returns CLI_OK, or the exit code; *done when there is nothing to run. */
static int parse_options(run_options *o, int argc, char **argv, bool *done)
{
    enum { OPT_WORD = 1, OPT_INVOKE = 256, OPT_TIMEOUT, OPT_MEMORY, OPT_FEATURES };
    static const struct option options[] = {
        {"invoke", required_argument, NULL, OPT_INVOKE},
        {"timeout", required_argument, NULL, OPT_TIMEOUT},
        {"max-memory", required_argument, NULL, OPT_MEMORY},
        {"features", required_argument, NULL, OPT_FEATURES},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int code = CLI_OK, c;

    /* "-" hands over words that are no options in their place. */
    while (code == CLI_OK && !o->invoke &&
           (c = getopt_long(argc, argv, "-h", options, NULL)) != -1) {
        if (c == 'h') {
            *done = true;
            return cli_help(help_text);
        }
        if (c == OPT_WORD)
            code = set_file(o, optarg);
        else if (c == OPT_INVOKE)
            o->invoke = optarg;
        else if (c == OPT_TIMEOUT)
            code = set_timeout(o, optarg);
        else if (c == OPT_MEMORY)
            code = set_max_memory(o, optarg);
        else if (c == OPT_FEATURES)
            o->features = optarg;
        else
            code = cli_usage(o->command, NULL);
    }
    if (o->invoke)
        set_args(o, argc, argv);
    while (code == CLI_OK && !o->invoke && optind < argc) /* behind `--` */
        code = set_file(o, argv[optind++]);
    if (code == CLI_OK && !o->file)
        code = cli_usage(o->command, "the module's file is missing");
    return code;
}

/* ---- Checks before anything runs ---- */

static int fail(const run *r, const char *what, const beamr_error *err)
{
    return cli_error(r->options->command, what, err);
}

static void list_functions(const beamr_module *module)
{
    size_t shown = 0, total = 0;

    for (size_t i = 0; i < beamr_module_export_count(module); i++) {
        beamr_export e = beamr_module_export(module, i);

        if (e.type.kind != BEAMR_EXTERN_FUNC)
            continue;
        if (total++ >= LIST_MAX)
            continue;
        (void)fputs(shown++ ? ", " : "Exported functions: ", stderr);
        cli_print_quoted(stderr, e.name);
    }
    if (total > shown)
        (void)fprintf(stderr, ", and %zu more", total - shown);
    (void)fputs(total ? "\n" : "It exports no functions.\n", stderr);
}

/* Make sure that the function to be called is there, before any guest code runs. */
static int check_function(const run *r)
{
    const run_options *o = r->options;
    const char *name = o->invoke ? o->invoke : "_start";
    beamr_export e;
    bool found = beamr_module_find_export(r->module, beamr_bytes_of(name), &e);

    if (found && e.type.kind == BEAMR_EXTERN_FUNC) {
        if (o->invoke || (e.type.func.param_count == 0 && e.type.func.result_count == 0))
            return CLI_OK;
        (void)fprintf(stderr, "%s: %s: its _start takes parameters or has results\n",
                      o->command, o->file);
    } else if (found) {
        (void)fprintf(stderr, "%s: %s: export '%s' is a %s, not a function\n", o->command,
                      o->file, name, beamr_extern_kind_text(e.type.kind));
    } else if (o->invoke) {
        (void)fprintf(stderr, "%s: %s: no export '%s'\n", o->command, o->file, name);
    } else {
        (void)fprintf(stderr, "%s: %s: no _start to run; name a function with --invoke\n",
                      o->command, o->file);
    }
    list_functions(r->module);
    return CLI_USAGE;
}

/* Nothing is provided to modules yet, so each import is missing; all are told at once. */
static int check_imports(const run *r)
{
    size_t count = beamr_module_import_count(r->module);
    char type[256];

    if (count == 0)
        return CLI_OK;
    (void)fprintf(stderr, "%s: %s: %zu import%s that nothing provides:\n", r->options->command,
                  r->options->file, count, count == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++) {
        beamr_import import = beamr_module_import(r->module, i);

        (void)fputs("  ", stderr);
        cli_print_quoted(stderr, import.module);
        (void)fputc(' ', stderr);
        cli_print_quoted(stderr, import.name);
        (void)fprintf(stderr, ": %s\n", beamr_externtype_text(&import.type, type, sizeof type));
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

/* ---- Running ---- */

/* What the guest says about its failure: its export last_error, a pointer to text. */
static void show_last_error(const run *r)
{
    beamr_func *func;
    beamr_memory *memory;
    beamr_functype type;
    beamr_value result;
    beamr_error ignored = {0};
    char text[LAST_ERROR_SIZE];

    if (!r->instance || !(func = beamr_instance_find_func(r->instance, "last_error")))
        return;
    memory = beamr_instance_find_memory(r->instance, "memory");
    if (!memory)
        memory = beamr_instance_memory(r->instance, 0);
    type = beamr_func_type(func);
    if (!memory || type.param_count != 0 || type.result_count != 1)
        return;
    if (beamr_func_call(func, NULL, 0, &result, 1, &ignored) != BEAMR_OK ||
        (result.kind != BEAMR_I32 && result.kind != BEAMR_I64))
        return;
    if (beamr_memory_read_text(memory,
                               result.kind == BEAMR_I32 ? (uint32_t)result.of.i32
                                                        : (uint64_t)result.of.i64,
                               text, sizeof text, NULL) != BEAMR_OK ||
        !text[0])
        return;
    (void)fputs("last_error: ", stderr);
    cli_print_escaped(stderr, beamr_bytes_of(text), "");
    (void)fputc('\n', stderr);
}

/* Report how guest code failed. */
static int guest_failed(run *r, const char *name, const beamr_error *err)
{
    if (err->status == BEAMR_TRAP && err->trap == BEAMR_TRAP_DEADLINE) {
        (void)fprintf(stderr, "%s: %s: the time limit of %s was reached\n", r->options->command,
                      name, r->options->timeout);
        cli_backtrace(stderr, err);
        return CLI_FAILED;
    }
    (void)fail(r, name, err);
    if (err->status == BEAMR_TRAP)
        show_last_error(r);
    return cli_exit_of(err->status);
}

/* Call a function that takes and gives nothing. */
static int call_plain(run *r, const char *name)
{
    beamr_error err = {0};
    beamr_func *func = beamr_instance_find_func(r->instance, name);

    if (beamr_func_call(func, NULL, 0, NULL, 0, &err) != BEAMR_OK)
        return guest_failed(r, name, &err);
    return CLI_OK;
}

static bool is_plain_export(const run *r, const char *name)
{
    beamr_export e;

    return beamr_module_find_export(r->module, beamr_bytes_of(name), &e) &&
           e.type.kind == BEAMR_EXTERN_FUNC && e.type.func.param_count == 0 &&
           e.type.func.result_count == 0;
}

/* Bring the guest's language up, as its linker left it to us. A program's _start does that
 * itself, and a function that is asked for by name runs once. */
static int initialize(run *r)
{
    static const char *const names[] = {"_initialize", "__wasm_call_ctors"};

    if (!r->options->invoke || strcmp(r->options->invoke, "_start") == 0)
        return CLI_OK;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(r->options->invoke, names[i]) == 0)
            return CLI_OK;
        if (is_plain_export(r, names[i]))
            return call_plain(r, names[i]);
    }
    return CLI_OK;
}

/* Read the words, each by the type of the parameter that it would fill. */
static void parse_args(const run_options *o, const beamr_functype *type, beamr_arg *args)
{
    bool pairs = o->arg_count != type->param_count;
    size_t p = 0;

    for (size_t i = 0; i < o->arg_count; i++) {
        beamr_arg_parse(o->args[i], p < type->param_count ? &type->params[p] : NULL, &args[i]);
        p += pairs && args[i].kind == BEAMR_ARG_TEXT ? 2 : 1;
    }
}

static int invoke(run *r)
{
    const run_options *o = r->options;
    beamr_func *func = beamr_instance_find_func(r->instance, o->invoke);
    beamr_functype type = beamr_func_type(func);
    beamr_arg *args = calloc(o->arg_count + 1, sizeof *args);
    beamr_value *results = calloc(type.result_count + 1, sizeof *results);
    size_t count = type.result_count;
    beamr_error err = {0};
    char text[64];
    int code = CLI_OK;

    if (!args || !results) {
        (void)beamr_fail(&err, BEAMR_NO_MEMORY, 0, "no memory for the arguments");
        code = fail(r, o->invoke, &err);
        goto out;
    }
    parse_args(o, &type, args);
    if (beamr_call_args(r->instance, func, args, o->arg_count, results, &count, &err) !=
        BEAMR_OK) {
        code = guest_failed(r, o->invoke, &err);
        goto out;
    }
    for (size_t i = 0; i < count; i++)
        (void)puts(beamr_value_text(&results[i], text, sizeof text));
out:
    free(args);
    free(results);
    return code;
}

/* ---- The whole ---- */

static int load(run *r)
{
    const run_options *o = r->options;
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_error err = {0};

    if (o->features)
        config.features = o->features;
    if (beamr_engine_new(&config, &r->engine, &err) != BEAMR_OK)
        return fail(r, NULL, &err);
    if (cli_module_read(r->engine, o->file, &r->module, &err) != BEAMR_OK)
        return fail(r, err.status == BEAMR_IO ? NULL : o->file, &err); /* IO's text names it */
    if (o->max_memory && o->max_pages < limits.max_memory_pages)
        limits.max_memory_pages = o->max_pages;
    if (beamr_store_new(r->engine, &limits, &r->store, &err) != BEAMR_OK)
        return fail(r, NULL, &err);
    return CLI_OK;
}

static int instantiate(run *r)
{
    const run_options *o = r->options;
    beamr_error err = {0};

    if (o->timeout_ms &&
        beamr_store_set_deadline(r->store, o->timeout_ms * NS_PER_MS, &err) != BEAMR_OK)
        return fail(r, NULL, &err);
    if (beamr_instance_new(r->store, r->module, NULL, 0, &r->instance, &err) != BEAMR_OK)
        return guest_failed(r, o->file, &err); /* perhaps its start function */
    return CLI_OK;
}

static void run_clear(run *r)
{
    beamr_store_free(r->store);
    beamr_module_unref(r->module);
    beamr_engine_free(r->engine);
}

int cli_run(int argc, char **argv)
{
    run_options options = {.command = argv[0]};
    run r = {.options = &options};
    bool done = false;
    int code;

    if ((code = parse_options(&options, argc, argv, &done)) != CLI_OK || done)
        return code;
    if ((code = load(&r)) != CLI_OK)
        goto out;
    if ((code = check_function(&r)) != CLI_OK || (code = check_imports(&r)) != CLI_OK ||
        (code = check_memories(&r)) != CLI_OK)
        goto out;
    if ((code = instantiate(&r)) != CLI_OK)
        goto out;
    if ((code = initialize(&r)) != CLI_OK)
        goto out;
    code = options.invoke ? invoke(&r) : call_plain(&r, "_start");
out:
    run_clear(&r);
    return code;
}
