/* Runs a function of aarch64.wat out of a code object for AArch64, under an emulator: loading
 * such objects comes with the platform, but their code can be tried. It stands in for the
 * runtime: a store, an instance and a context with just what that module's code looks at.
 *
 * usage: aarch64 OBJECT FUNCTION ARGUMENT
 *   FUNCTION  index, of type [i64] -> [i64]
 * Prints the result, or "trap N" (beamr_trap), or "exhausted". */
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/context.h"
#include "abi/object.h"

enum { TYPE_UNARY, TYPE_RESULTS, TYPES, FUNCS = 10, ELEMENTS = 3, UNITS = 100000 };

static jmp_buf left;
static char why[64];

/* ---- What the code calls ---- */

static void on_trap(abi_context *c, uint32_t id, uint32_t offset)
{
    (void)c;
    (void)offset;
    (void)snprintf(why, sizeof why, "trap %u", (unsigned)id);
    longjmp(left, 1);
}

static void on_enter(abi_context *c, uint32_t units)
{
    (void)c;
    (void)snprintf(why, sizeof why, "%s", (int32_t)units < 0 ? "exhausted" : "entered");
    longjmp(left, 1);
}

static void on_other(void)
{
    (void)snprintf(why, sizeof why, "a builtin that this program does not have");
    longjmp(left, 1);
}

static const void *builtins[ABI_BUILTIN_COUNT];

/* ---- The module's state ---- */

static abi_store store = {.fuel = UINT64_MAX};
static abi_instance instance = {.store = &store};
static abi_memory memory = {.store = &store};
static abi_table table = {.store = &store, .size = 4, .max_size = 4, .capacity = 4};
static abi_global global = {.slots = {5}};
static abi_func funcs[ELEMENTS];
static uint64_t elements[4], slots[64];

static void *reserve(uint64_t size, uint64_t open)
{
    void *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED || mprotect(p, open, PROT_READ | PROT_WRITE) != 0) {
        perror("a memory");
        exit(2);
    }
    return p;
}

/* A module of these counts, for the context's layout. */
static abi_context *make_context(void)
{
    static wb_module counts = {
        .memory_count = 1, .table_count = 1, .global_count = 1, .type_count = TYPES};
    abi_context_layout l = abi_context_layout_of(&counts);
    uint8_t *c = calloc(1, l.size);
    abi_context *context = (abi_context *)(void *)c;
    const void *pointers[] = {&memory, &table, global.slots};

    if (!c)
        exit(2);
    memory.reserved = (UINT64_C(4) << 30) + ABI_GUARD_BYTES;
    memory.size = 65536;
    memory.base = reserve(memory.reserved, memory.size);
    *context = (abi_context){.store = &store,
                             .instance = &instance,
                             .builtins = builtins,
                             .memory_base = memory.base,
                             .memory_limit = memory.reserved - ABI_GUARD_BYTES,
                             .memory0 = &memory};
    memcpy(c + l.memories, &pointers[0], 8);
    memcpy(c + l.tables, &pointers[1], 8);
    memcpy(c + l.globals, &pointers[2], 8);
    for (uint32_t i = 0; i < TYPES; i++) {
        uint64_t key = abi_func_key(&instance, i);

        memcpy(c + l.keys + 8 * i, &key, 8);
    }
    return context;
}

static void fill_table(const uint8_t *code, const abi_object_func *of)
{
    table.elems = elements;
    for (uint32_t i = 0; i < ELEMENTS; i++) {
        funcs[i] = (abi_func){.store = &store,
                              .instance = &instance,
                              .index = i,
                              .direct = code + of[i].code,
                              .key = abi_func_key(&instance, TYPE_UNARY)};
        elements[i] = (uintptr_t)&funcs[i];
    }
}

/* ---- Running ---- */

static uint8_t *read_file(const char *path)
{
    uint8_t *bytes = malloc(1u << 20);
    FILE *f = fopen(path, "rb");

    if (!bytes || !f || fread(bytes, 1, 1u << 20, f) < sizeof(abi_object)) {
        perror(path);
        exit(2);
    }
    (void)fclose(f);
    return bytes;
}

static uint8_t *map_code(const uint8_t *object, const abi_object *h)
{
    uint8_t *code = reserve(h->code.size, h->code.size);

    memcpy(code, object + h->code.offset, h->code.size);
    if (mprotect(code, h->code.size, PROT_READ | PROT_EXEC) != 0)
        exit(2);
    __builtin___clear_cache((char *)code, (char *)code + h->code.size);
    return code;
}

typedef uint32_t thunk_func(abi_context *context, uint32_t units, uint64_t *slots,
                            const void *code);

int main(int argc, char **argv)
{
    uint8_t *object = argc == 4 ? read_file(argv[1]) : NULL, *code;
    abi_object_func of[FUNCS];
    uint32_t index = argc == 4 ? (uint32_t)atoi(argv[2]) : FUNCS, thunk_at;
    abi_context *context;
    abi_object h;
    thunk_func *thunk;

    if (!object || index >= FUNCS)
        return 2;
    memcpy(&h, object, sizeof h);
    if (h.arch != ABI_ARCH_AARCH64 || h.functions.size != sizeof of)
        return 2;
    memcpy(of, object + h.functions.offset, sizeof of);
    memcpy(&thunk_at, object + h.thunks.offset, sizeof thunk_at);
    code = map_code(object, &h);
    for (int i = 0; i < ABI_BUILTIN_COUNT; i++)
        builtins[i] = (const void *)(uintptr_t)on_other;
    builtins[ABI_BUILTIN_TRAP] = (const void *)(uintptr_t)on_trap;
    builtins[ABI_BUILTIN_ENTER] = (const void *)(uintptr_t)on_enter;
    context = make_context();
    fill_table(code, of);
    store.stack_top = slots;
    slots[0] = strtoull(argv[3], NULL, 0);
    thunk = (thunk_func *)(uintptr_t)(code + thunk_at);
    if (setjmp(left) != 0)
        puts(why);
    else if (thunk(context, UNITS, slots, code + of[index].code) != ABI_RETURNED)
        puts("thrown");
    else
        printf("%" PRId64 "\n", (int64_t)slots[0]);
    return 0;
}
