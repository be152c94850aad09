/* Calling into the guest of `beamr run`, and telling how that failed: run.h.
 * How arguments become parameters is beamr/values.h, and how programs are started
 * beamr/guest.h; beside `_start` there is the `main` that Emscripten leaves to its own loader,
 * and which is called here as that would: with the words in the guest's memory. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/escape.h"
#include "cli/run.h"

enum {
    LIST_MAX = 12,          /* exported functions shown with an error */
    LAST_ERROR_SIZE = 1024, /* bytes shown of the guest's last_error */
};

/* ---- Finding what to start ---- */

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
    if (total)
        (void)fputc('\n', stderr);
}

static bool has_functions(const beamr_module *module)
{
    for (size_t i = 0; i < beamr_module_export_count(module); i++) {
        if (beamr_module_export(module, i).type.kind == BEAMR_EXTERN_FUNC)
            return true;
    }
    return false;
}

/* What a compiler makes of one file, before the linker has put exports into it. */
static bool is_object_file(const beamr_module *module)
{
    static const char linking[] = "linking";

    for (size_t i = 0; i < beamr_module_section_count(module); i++) {
        beamr_bytes name = beamr_module_section(module, i).name;

        if (name.len == sizeof linking - 1 && memcmp(name.data, linking, name.len) == 0)
            return true;
    }
    return false;
}

static bool find_func(const run *r, const char *name, beamr_functype *type)
{
    beamr_export e;
    bool found = beamr_module_find_export(r->module, beamr_bytes_of(name), &e) &&
                 e.type.kind == BEAMR_EXTERN_FUNC;

    if (found)
        *type = e.type.func;
    return found;
}

/* Say that an export is not what it must be. */
static int missing(const run *r, const char *name)
{
    const run_options *o = r->options;
    beamr_export e;
    bool found = beamr_module_find_export(r->module, beamr_bytes_of(name), &e);

    (void)fprintf(stderr, "%s: %s: ", o->command, o->file);
    if (found && e.type.kind != BEAMR_EXTERN_FUNC)
        (void)fprintf(stderr, "export '%s' is a %s, not a function\n", name,
                      beamr_extern_kind_text(e.type.kind));
    else if (found)
        (void)fputs("its _start takes parameters or has results\n", stderr);
    else if (!has_functions(r->module))
        (void)fprintf(stderr, "no %s: it exports no functions%s\n", name,
                      is_object_file(r->module) ? "; it is an object file, to be linked first"
                                                : "");
    else if (o->invoke)
        (void)fprintf(stderr, "no export '%s'\n", name);
    else
        (void)fputs("no _start to run; name a function with --invoke\n", stderr);
    list_functions(r->module);
    return CLI_USAGE;
}

int run_find_start(const run *r, run_start *out)
{
    const char *name = r->options->invoke;
    beamr_functype type;
    beamr_export e;

    *out = RUN_INVOKE;
    if (name)
        return find_func(r, name, &type) ? CLI_OK : missing(r, name);
    name = "_start";
    *out = RUN_START;
    if (find_func(r, name, &type) && type.param_count == 0 && type.result_count == 0)
        return CLI_OK;
    *out = RUN_MAIN;
    if (!beamr_module_find_export(r->module, beamr_bytes_of(name), &e) &&
        run_main_name(r->module))
        return CLI_OK;
    return missing(r, name);
}

/* ---- Failures ---- */

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

/* The values of an exception whose meaning is not known. */
static void show_exception(const beamr_exception *exception)
{
    size_t count = beamr_exception_arg_count(exception);
    char text[64];

    for (size_t i = 0; i < count; i++) {
        beamr_value value = beamr_exception_arg(exception, i);

        (void)fprintf(stderr, "%s%s",
                      i ? " " : "exception: ", beamr_value_text(&value, text, sizeof text));
    }
    if (count)
        (void)fputc('\n', stderr);
}

/* Report an exception that nobody caught, with what is known of it. */
static int exception_failed(const run *r, const char *name, const beamr_error *err)
{
    beamr_exception *exception = beamr_exception_take(r->store); /* NULL: told in err already */
    beamr_error told = *err;
    char text[BEAMR_ERROR_TEXT_SIZE];
    bool is_known =
        exception && beamr_emscripten_describe(r->world.wasi, exception, text, sizeof text);

    if (is_known)
        memcpy(told.text, text, sizeof text);
    (void)cli_error(r->options->command, name, &told);
    if (exception && !is_known)
        show_exception(exception);
    if (exception)
        beamr_exception_release(r->store, exception);
    return CLI_FAILED;
}

/* A limit of the command line's was reached: say so as the user wrote it. */
static int limit_reached(const run *r, const char *name, const char *what, const char *limit,
                         const beamr_error *err)
{
    (void)fprintf(stderr, "%s: %s: the %s limit of %s was reached\n", r->options->command, name,
                  what, limit);
    cli_backtrace(stderr, err);
    return CLI_FAILED;
}

int run_guest_failed(run *r, const char *name, const beamr_error *err)
{
    const run_options *o = r->options;
    uint32_t code = 0;

    if (err->status == BEAMR_TRAP && err->trap == BEAMR_TRAP_EXIT &&
        beamr_wasi_exited(r->world.wasi, &code))
        return (int)(code & RUN_CODE_MASK);
    (void)fflush(stdout);
    if (err->status == BEAMR_TRAP && err->trap == BEAMR_TRAP_DEADLINE && o->timeout)
        return limit_reached(r, name, "time", o->timeout, err);
    if (err->status == BEAMR_TRAP && err->trap == BEAMR_TRAP_OUT_OF_FUEL && o->fuel)
        return limit_reached(r, name, "fuel", o->fuel, err);
    if (err->status == BEAMR_EXCEPTION)
        return exception_failed(r, name, err);
    (void)cli_error(o->command, name, err);
    if (err->status == BEAMR_TRAP)
        show_last_error(r);
    return cli_exit_of(err->status);
}

/* ---- Programs ---- */

static int run_program(run *r)
{
    beamr_error err = {0};
    uint32_t code = 0;

    if (beamr_guest_run(r->world.wasi, r->instance, &code, &err) != BEAMR_OK)
        return run_guest_failed(r, "_start", &err);
    return (int)(code & RUN_CODE_MASK);
}

/* ---- A function by its name ---- */

/* Read the words, each by the type of the parameter that it would fill. A text result by the
 * convention of wasm-bindgen takes the first parameter. */
static void parse_args(const run *r, const beamr_functype *type, beamr_arg *args)
{
    const run_options *o = r->options;
    bool has_place = o->result_is_text && type->result_count == 0 &&
                     beamr_module_convention(r->module) == BEAMR_CONVENTION_BINDGEN;
    size_t p = has_place ? 1 : 0;
    bool pairs = o->arg_count + p != type->param_count;

    for (size_t i = 0; i < o->arg_count; i++) {
        beamr_arg_parse(o->args[i], p < type->param_count ? &type->params[p] : NULL, &args[i]);
        p += pairs && beamr_arg_is_copied(&args[i]) ? 2 : 1;
    }
}

static void print_results(const beamr_args_call *call, bool is_text)
{
    beamr_bytes read = beamr_args_text(call);
    const beamr_value *results;
    size_t count;
    char text[64];

    if (is_text) {
        if (read.data)
            (void)fwrite(read.data, 1, read.len, stdout);
        (void)puts(read.data ? "" : "null");
        return;
    }
    results = beamr_args_results(call, &count);
    for (size_t i = 0; i < count; i++)
        (void)puts(beamr_value_text(&results[i], text, sizeof text));
}

static int run_invoke(run *r)
{
    const run_options *o = r->options;
    beamr_func *func = beamr_instance_find_func(r->instance, o->invoke);
    beamr_functype type = beamr_func_type(func);
    beamr_args_options options = {.reading =
                                      o->result_is_text ? BEAMR_READ_TEXT : BEAMR_READ_VALUES};
    beamr_arg *args = calloc(o->arg_count + 1, sizeof *args);
    beamr_args_call *call = NULL;
    beamr_error err = {0};
    int code = CLI_OK;

    if (!args) {
        (void)beamr_fail(&err, BEAMR_NO_MEMORY, 0, "no memory for the arguments");
        return cli_error(o->command, o->invoke, &err);
    }
    parse_args(r, &type, args);
    if (beamr_args_begin(r->instance, func, args, o->arg_count, &options, &call, &err) ==
        BEAMR_OK)
        print_results(call, o->result_is_text);
    else
        code = run_guest_failed(r, o->invoke, &err);
    beamr_args_free(call);
    free(args);
    return code;
}

/* The function that is asked for brings the guest's language up itself. */
static bool is_start_up(const char *name)
{
    static const char *const names[] = {"_start", "_initialize", "__wasm_call_ctors"};

    for (size_t i = 0; name && i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

int run_guest(run *r, run_start start)
{
    beamr_error err = {0};

    if (start == RUN_START)
        return run_program(r);
    if (!is_start_up(r->options->invoke) &&
        beamr_guest_initialize(r->world.wasi, r->instance, &err) != BEAMR_OK)
        return run_guest_failed(r, "initialization", &err);
    return start == RUN_MAIN ? run_main(r) : run_invoke(r);
}
