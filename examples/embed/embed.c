/* A small, complete embedder: all that a C program needs to run WebAssembly with beamr.
 * It does two things: it calls the calculator (examples/calculator) with text, also with one
 * that makes it trap; and it gives a module of its own a function of the host, and reads what
 * the module keeps in memory. It exits with 1 if anything is not as expected.
 *
 *   cc embed.c -lbeamr && ./a.out calculator.wasm
 *
 * Read next: beamr/beamr.h and the headers that it brings. */
#include <beamr/beamr.h>

#include <stdio.h>
#include <stdlib.h>

/* The module that main() links, in the text format:
 *
 *   (module
 *     (import "host" "half" (func (param i32) (result i32)))
 *     (memory (export "memory") 1)
 *     (func (export "greet") (param i32) (result i32) local.get 0 call 0)
 *     (func (export "trap") (result i32) i32.const 1 i32.const 0 i32.div_s)
 *     (data (i32.const 16) "hello from the guest\00")) */
static const uint8_t greeter[] =
    "\0asm\x01\0\0\0"
    "\x01\x0a\x02\x60\x01\x7f\x01\x7f\x60\0\x01\x7f"                 /* types */
    "\x02\x0d\x01\x04host\x04half\0\0"                               /* import */
    "\x03\x03\x02\0\x01"                                             /* functions */
    "\x05\x03\x01\0\x01"                                             /* memory */
    "\x07\x19\x03\x06memory\x02\0\x05greet\0\x01\x04trap\0\x02"      /* exports */
    "\x0a\x10\x02\x06\0\x20\0\x10\0\x0b\x07\0\x41\x01\x41\0\x6d\x0b" /* code */
    "\x0b\x1b\x01\0\x41\x10\x0b\x15hello from the guest";            /* data; C adds its NUL */

/* Print a failure with its backtrace, innermost function first. */
static void print_error(const char *what, const beamr_error *err)
{
    printf("%s: %s: %s\n", what, beamr_status_text(err->status), err->text);
    for (uint32_t i = 0; i < err->frame_count; i++)
        printf("  in %s at 0x%x\n", err->frames[i].name, (unsigned)err->frames[i].offset);
}

/* Read a whole file. Returns false after saying why not. */
static bool read_file(const char *path, uint8_t **data, size_t *len)
{
    FILE *file = fopen(path, "rb");
    long size;

    if (!file) {
        perror(path);
        return false;
    }
    (void)fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    *data = size > 0 ? malloc((size_t)size) : NULL;
    *len = *data ? fread(*data, 1, (size_t)size, file) : 0;
    (void)fclose(file);
    if (*data && *len == (size_t)size)
        return true;
    fprintf(stderr, "%s: cannot be read\n", path);
    free(*data);
    return false;
}

/* ---- Calling a guest with text ---- */

/* Evaluate one expression and print its value.
 * Returns BEAMR_TRAP for what the calculator cannot read. */
static beamr_status evaluate(beamr_instance *calculator, const char *expression)
{
    beamr_func *func = beamr_instance_find_func(calculator, "evaluate_expression");
    beamr_arg arg = {.kind = BEAMR_ARG_TEXT, .text = beamr_bytes_of(expression)};
    beamr_value result;
    size_t result_count = 1; /* room in `result` */
    beamr_error err = {0};
    char text[48];

    if (!func) {
        printf("the module has no evaluate_expression\n");
        return BEAMR_NOT_FOUND;
    }
    /* Copies the text in with the guest's malloc, calls, and frees it again. */
    if (beamr_call_args(calculator, func, &arg, 1, &result, &result_count, &err) != BEAMR_OK)
        print_error(expression, &err);
    else
        printf("%s = %s\n", expression, beamr_value_text(&result, text, sizeof text));
    return err.status;
}

/* The calculator tells why it trapped: its last_error gives the address of a text. */
static void print_last_error(beamr_instance *calculator)
{
    beamr_func *func = beamr_instance_find_func(calculator, "last_error");
    beamr_memory *memory = beamr_instance_find_memory(calculator, "memory");
    beamr_value address;
    beamr_error err = {0};
    char text[160];

    if (func && memory && beamr_func_call(func, NULL, 0, &address, 1, &err) == BEAMR_OK &&
        beamr_memory_read_text(memory, (uint32_t)address.of.i32, text, sizeof text, &err) ==
            BEAMR_OK)
        printf("  it says: %s\n", text);
}

static bool use_calculator(beamr_engine *engine, beamr_store *store, const char *path)
{
    beamr_module *module = NULL;
    beamr_instance *calculator = NULL;
    beamr_error err = {0};
    uint8_t *data = NULL;
    size_t len = 0;
    bool ok;

    if (!read_file(path, &data, &len))
        return false;
    ok = beamr_module_load(engine, (beamr_bytes){data, len}, &module, &err) == BEAMR_OK &&
         beamr_instance_new(store, module, NULL, 0, &calculator, &err) == BEAMR_OK;
    beamr_module_unref(module); /* the instance keeps what it needs */
    free(data);
    if (!ok) {
        print_error(path, &err);
        return false;
    }
    ok = evaluate(calculator, "sqrt(9) * (10 / 2)") == BEAMR_OK;
    ok = evaluate(calculator, "(1 + )") == BEAMR_TRAP && ok;
    print_last_error(calculator);
    return evaluate(calculator, "2 ^ 0.5") == BEAMR_OK && ok; /* it still works */
}

/* ---- Giving a guest a function of the host ---- */

/* host.half: its parameters and results are described in link_greeter. */
static beamr_status half(const beamr_call *call, const beamr_value *args, beamr_value *results,
                         beamr_error *err)
{
    int *calls = call->user;

    *calls += 1;
    if (args[0].of.i32 % 2 != 0) /* the guest traps with this text */
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "%d is odd", (int)args[0].of.i32);
    results[0] = beamr_i32(args[0].of.i32 / 2);
    return BEAMR_OK;
}

/* Load and link the module above. */
static beamr_status link_greeter(beamr_engine *engine, beamr_store *store, int *calls,
                                 beamr_instance **out, beamr_error *err)
{
    beamr_valtype i32 = beamr_valtype_of(BEAMR_I32);
    beamr_functype type = {&i32, 1, &i32, 1};
    beamr_linker *linker = NULL;
    beamr_module *module = NULL;
    beamr_status st;

    if ((st = beamr_linker_new(store, &linker, err)) != BEAMR_OK)
        goto out;
    st = beamr_linker_define_func(linker, "host", "half", &type, half, calls, err);
    if (st != BEAMR_OK)
        goto out;
    st = beamr_module_load(engine, (beamr_bytes){greeter, sizeof greeter}, &module, err);
    if (st != BEAMR_OK)
        goto out;
    st = beamr_linker_instantiate(linker, module, out, err);
out:
    beamr_module_unref(module);
    beamr_linker_free(linker);
    return st;
}

/* Call an export of i32s. */
static beamr_status call_i32(beamr_instance *instance, const char *name, const int32_t *arg,
                             int32_t *result, beamr_error *err)
{
    beamr_func *func = beamr_instance_find_func(instance, name);
    beamr_value param = beamr_i32(arg ? *arg : 0), value;
    beamr_status st;

    if (!func)
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "no export %s", name);
    st = beamr_func_call(func, &param, arg ? 1 : 0, &value, 1, err);
    if (st == BEAMR_OK)
        *result = value.of.i32;
    return st;
}

static bool use_greeter(beamr_engine *engine, beamr_store *store)
{
    beamr_instance *instance = NULL;
    beamr_error err = {0};
    int32_t even = 32, odd = 33, address = 0;
    int calls = 0;
    char text[64];

    if (link_greeter(engine, store, &calls, &instance, &err) != BEAMR_OK ||
        call_i32(instance, "greet", &even, &address, &err) != BEAMR_OK ||
        beamr_memory_read_text(beamr_instance_find_memory(instance, "memory"),
                               (uint32_t)address, text, sizeof text, &err) != BEAMR_OK) {
        print_error("greet", &err);
        return false;
    }
    printf("greet(32) points to \"%s\"\n", text);
    if (call_i32(instance, "greet", &odd, &address, &err) != BEAMR_TRAP)
        return false;
    print_error("greet(33)", &err);
    beamr_error_clear(&err); /* before it is used again */
    if (call_i32(instance, "trap", NULL, &address, &err) != BEAMR_TRAP ||
        err.trap != BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO)
        return false;
    print_error("trap()", &err);
    return calls == 2 && strcmp(text, "hello from the guest") == 0;
}

int main(int argc, char **argv)
{
    beamr_engine *engine = NULL;
    beamr_store *store = NULL;
    beamr_error err = {0};
    bool ok;

    if (argc != 2) {
        fprintf(stderr, "usage: %s calculator.wasm\n", argv[0]);
        return 2;
    }
    /* One engine for a process; a store for what lives and dies together. */
    if (beamr_engine_new(NULL, &engine, &err) != BEAMR_OK ||
        beamr_store_new(engine, NULL, &store, &err) != BEAMR_OK) {
        print_error("start", &err);
        beamr_engine_free(engine);
        return 1;
    }
    ok = use_calculator(engine, store, argv[1]);
    ok = use_greeter(engine, store) && ok;
    beamr_store_free(store);
    beamr_engine_free(engine);
    puts(ok ? "all as expected" : "something is wrong");
    return ok ? 0 : 1;
}
