/* What an evaluation can do besides computing: functions of the language.
 *
 *   error(text)       fail                       send(target, data)  a message into the outbox
 *   trap() loop()     what no guest should do    ask(a, b)           the host's import env.ask
 *   nest(n)           n calls within each other  print(text)         to standard output
 *   exit(code)        end by proc_exit           write(name, text)   a file, anew
 *   allocate(bytes)   keeps it; bytes kept       read(name)          its content, or nil
 *   release()         gives all of it back       remove(name)        nil if there is none
 *   grow(pages)       memory.grow                clock() random()    milliseconds; 32 bits
 *   pages()           memory.size                count()             evaluations until now
 *   step()            a mutable global + 1       extend(n)           table.grow by a function
 *   slots()           table.size                 through(i)          call what slot i has */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handle.h"
#include "wasi.h"

text outbox;

/* ---- Failing, ending, asking ---- */

int64_t ask(int64_t a, int64_t b) __attribute__((import_module("env"), import_name("ask")));

static double number(const value *args, int i)
{
    return args[i].kind == NUMBER ? args[i].number : 0;
}

static value do_error(const value *args)
{
    fail("%s", as_text(args[0]).bytes);
}

static value do_trap(const value *args)
{
    (void)args;
    __builtin_trap();
}

static value do_loop(const value *args)
{
    static volatile int64_t turns;

    (void)args;
    for (;;)
        turns = turns + 1;
}

__attribute__((noinline)) static double nest(double n)
{
    volatile char room[64] = {1};

    return n <= 0 ? 0 : nest(n - 1) + room[0];
}

static value do_nest(const value *args)
{
    return number_value(nest(number(args, 0)));
}

static value do_exit(const value *args)
{
    wasi_exit((int)number(args, 0));
}

static value do_ask(const value *args)
{
    return number_value((double)ask((int64_t)number(args, 0), (int64_t)number(args, 1)));
}

static value do_count(const value *args)
{
    (void)args;
    return number_value((double)evaluations);
}

static value do_send(const value *args)
{
    value target = as_text(args[0]), data = as_text(args[1]);

    text_put(&outbox, outbox.len ? ",{\"Target\":" : "{\"Target\":");
    text_put_json(&outbox, target.bytes, target.len);
    text_put(&outbox, ",\"Data\":");
    text_put_json(&outbox, data.bytes, data.len);
    text_put(&outbox, ",\"Anchor\":\"0\",\"Tags\":[{\"name\":\"Action\",\"value\":\"Sent\"}]}");
    return (value){0};
}

/* ---- Memory, a global, a table ---- */

typedef struct kept {
    struct kept *next;
    size_t size;
} kept;
static kept *all_kept;

static value do_allocate(const value *args)
{
    size_t size = (size_t)number(args, 0), total = 0;
    kept *k = malloc(sizeof *k + size);

    if (!k)
        fail("not enough memory", "");
    memset(k + 1, 'k', size);
    *k = (kept){all_kept, size};
    all_kept = k;
    for (; k; k = k->next)
        total += k->size;
    return number_value((double)total);
}

static value do_release(const value *args)
{
    (void)args;
    while (all_kept) {
        kept *k = all_kept;

        all_kept = k->next;
        free(k);
    }
    return number_value(0);
}

static value do_pages(const value *args)
{
    (void)args;
    return number_value((double)__builtin_wasm_memory_size(0));
}

static value do_grow(const value *args)
{
    return number_value(
        (double)(int64_t)__builtin_wasm_memory_grow(0, (size_t)number(args, 0)));
}

__asm__(".globaltype steps, i64\n"
        ".tabletype chosen, funcref\n");

static value do_step(const value *args)
{
    int64_t n;

    (void)args;
    __asm__ volatile("global.get steps\ni64.const 1\ni64.add\nglobal.set steps\n"
                     "global.get steps\nlocal.set %0"
                     : "=r"(n));
    return number_value((double)n);
}

static int64_t one(void)
{
    return 1;
}

static int64_t two(void)
{
    return 2;
}

/* What slots get in turn; a pointer is a slot of the module's own table. */
static int64_t (*volatile const functions[])(void) = {one, two};

static int64_t slots(void)
{
    int64_t n;

    __asm__ volatile("table.size chosen\nlocal.set %0" : "=r"(n));
    return n;
}

static value do_extend(const value *args)
{
    int64_t was, more = (int64_t)number(args, 0);
    int64_t (*function)(void) = functions[slots() % 2];

    __asm__ volatile("local.get %1\ntable.get __indirect_function_table\nlocal.get %2\n"
                     "table.grow chosen\nlocal.set %0"
                     : "=r"(was)
                     : "r"(function), "r"(more));
    return number_value((double)was);
}

static value do_slots(const value *args)
{
    (void)args;
    return number_value((double)slots());
}

static value do_through(const value *args)
{
    int64_t i = (int64_t)number(args, 0), result;

    __asm__ volatile("local.get %1\ncall_indirect chosen, () -> (i64)\nlocal.set %0"
                     : "=r"(result)
                     : "r"(i));
    return number_value((double)result);
}

/* ---- The host's system ---- */

static value do_clock(const value *args)
{
    uint64_t ns = 0;

    (void)args;
    wasi_time(0, 1, &ns);
    return number_value((double)(ns / 1000000));
}

static value do_random(const value *args)
{
    uint32_t bits = 0;

    (void)args;
    wasi_random(&bits, sizeof bits);
    return number_value(bits);
}

static value do_print(const value *args)
{
    value v = as_text(args[0]);

    fwrite(v.bytes, 1, v.len, stdout);
    fputs("\n", stdout);
    return (value){0};
}

static value do_write(const value *args)
{
    value name = as_text(args[0]), data = as_text(args[1]);
    FILE *f = fopen(name.bytes, "w");

    if (!f)
        fail("cannot write '%s'", name.bytes);
    fwrite(data.bytes, 1, data.len, f);
    if (fclose(f))
        fail("cannot write '%s'", name.bytes);
    return number_value((double)data.len);
}

static value do_read(const value *args)
{
    FILE *f = fopen(as_text(args[0]).bytes, "r");
    text t = {0};
    char piece[256];
    size_t len;
    value v;

    if (!f)
        return (value){0};
    text_add(&t, "", 0);
    while ((len = fread(piece, 1, sizeof piece, f)))
        text_add(&t, piece, len);
    fclose(f);
    v = text_value(t.bytes, t.len);
    free(t.bytes);
    return v;
}

static value do_remove(const value *args)
{
    return remove(as_text(args[0]).bytes) ? (value){0} : number_value(1);
}

/* ---- All of them ---- */

static const struct {
    const char *name;
    int count;
    value (*call)(const value *args);
} table[] = {
    {"allocate", 1, do_allocate}, {"ask", 2, do_ask},         {"clock", 0, do_clock},
    {"count", 0, do_count},       {"error", 1, do_error},     {"exit", 1, do_exit},
    {"extend", 1, do_extend},     {"grow", 1, do_grow},       {"loop", 0, do_loop},
    {"nest", 1, do_nest},         {"pages", 0, do_pages},     {"print", 1, do_print},
    {"random", 0, do_random},     {"read", 1, do_read},       {"release", 0, do_release},
    {"remove", 1, do_remove},     {"send", 2, do_send},       {"slots", 0, do_slots},
    {"step", 0, do_step},         {"through", 1, do_through}, {"trap", 0, do_trap},
    {"write", 2, do_write},
};

bool call_function(const char *name, const value *args, int count, value *result)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(table[i].name, name) != 0)
            continue;
        if (count != table[i].count)
            fail("wrong number of arguments of '%s'", name);
        *result = table[i].call(args);
        return true;
    }
    return false;
}
