/* Memories in both tiers: each load and store at the edges of what is there, with small and
 * large offsets, for 32-bit and 64-bit addresses, first and second memories, guarded and
 * checked; chains of accesses to places near each other; sizes, growth and bulk instructions.
 */
#include "native_pair.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { PAGE = 65536, PAGES = 2, SIZE = PAGES * PAGE };

/* How the module's memories are: all the same. A 64-bit one of two pages at most has its guard
 * just behind. */
typedef struct memories {
    bool is64, checks;
    uint8_t max; /* pages; 0: none */
} memories;

static const memories all_memories[] = {
    {false, false, 0}, {false, true, 3}, {true, false, 0},
    {true, false, 2},  {true, true, 0},  {true, true, 3},
};

static char address_letter(memories m)
{
    return m.is64 ? 'l' : 'i';
}

static void emit_const(wasm_builder *w, bool is64, uint64_t value)
{
    WASM(w, is64 ? 0x42 : 0x41);
    wasm_s64(w, is64 ? (int64_t)value : (int32_t)(uint32_t)value);
}

/* What follows the code of an access. */
static void emit_place(wasm_builder *w, uint8_t memory, uint64_t offset)
{
    if (memory)
        WASM(w, 0x40, memory);
    else
        WASM(w, 0);
    wasm_u64(w, offset);
}

static void emit_memories(wasm_builder *w, memories m)
{
    wasm_section(w, WASM_MEMORY);
    WASM(w, 2);
    for (int i = 0; i < 2; i++) {
        WASM(w, (uint8_t)((m.is64 ? 4 : 0) | (m.max ? 1 : 0)), PAGES);
        if (m.max)
            WASM(w, m.max);
    }
    wasm_end(w);
}

static void emit_exports(wasm_builder *w, uint32_t funcs)
{
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, funcs + 1);
    wasm_export(w, "memory", 2, 0);
    for (uint32_t i = 0; i < funcs; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "%u", (unsigned)i);
        wasm_export(w, name, 0, i);
    }
    wasm_end(w);
}

static pair_func find(const native_pair *p, uint32_t index, char name[16])
{
    (void)snprintf(name, 16, "%u", (unsigned)index);
    return pair_find(p, name);
}

/* ---- One access ---- */

#define FIRST_LOAD 0x28
#define FIRST_STORE 0x36
#define ACCESSES 23

static const char access_types[ACCESSES + 1] = "ilfdiiiillllllilfdiilll";

/* In 64-bit memories all; in others the first OFFSETS_32. */
static const uint64_t offsets[] = {
    0,
    1,
    0x7ff8,
    0x8000,
    0xfff8,
    0xffff,
    0x10000,
    0x1fff8,
    0xfffffff8,
    0xffffffff,
    0x100000000,
    0x3fffffff8,
    0xfffffffffffffff8,
    0xffffffffffffffff,
};
#define OFFSETS_32 10

static size_t offset_count(memories m)
{
    return m.is64 ? COUNT(offsets) : OFFSETS_32;
}

/* Functions in the order of memories, offsets, instructions. */
static native_pair open_accesses(memories m)
{
    uint32_t count = (uint32_t)(2 * offset_count(m) * ACCESSES);
    char params[3] = {address_letter(m)};
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    WASM(&w, ACCESSES);
    for (size_t i = 0; i < ACCESSES; i++) {
        bool is_store = FIRST_LOAD + i >= FIRST_STORE;
        char type[2] = {access_types[i]};

        params[1] = is_store ? type[0] : 0;
        wasm_functype(&w, params, is_store ? "" : type);
    }
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    wasm_u32(&w, count);
    for (uint32_t i = 0; i < count; i++)
        WASM(&w, (uint8_t)(i % ACCESSES));
    wasm_end(&w);
    emit_memories(&w, m);
    emit_exports(&w, count);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, count);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t code = (uint8_t)(FIRST_LOAD + i % ACCESSES);

        wasm_sized(&w);
        WASM(&w, 0, 0x20, 0);
        if (code >= FIRST_STORE)
            WASM(&w, 0x20, 1);
        WASM(&w, code);
        emit_place(&w, (uint8_t)(i / ACCESSES / offset_count(m)),
                   offsets[i / ACCESSES % offset_count(m)]);
        WASM(&w, 0x0b);
        wasm_end(&w);
    }
    wasm_end(&w);
    return pair_open(&w, m.checks);
}

/* Address number `i` for an access with this offset: around the beginning, the end, what 32
 * bits can say, the ends of reservations and of all numbers; with and without the offset taken
 * off. */
static bool address(size_t i, uint64_t offset, uint64_t *out)
{
    static const uint64_t places[] = {
        0,           SIZE,        0x40000,
        0x50000,     0x80000000,  0x100000000,
        0x400000000, 0x400010000, 0x8000000000000000,
    };
    static const int64_t around[] = {0, -1, -2, -4, -7, -8, 1, 64};

    if (i >= 2 * COUNT(places) * COUNT(around))
        return false;
    *out = places[i / 2 / COUNT(around)] + (uint64_t)around[i / 2 % COUNT(around)];
    *out -= i % 2 ? offset : 0;
    return true;
}

static void accesses_agree(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(all_memories); k++) {
        memories m = all_memories[k];
        native_pair p = open_accesses(m);
        uint8_t bytes[256];

        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(i * 7 + 0x81);
        pair_write(&p, 0, bytes, sizeof bytes);
        pair_write(&p, SIZE - sizeof bytes, bytes, sizeof bytes);
        for (uint32_t i = 0; i < 2 * offset_count(m) * ACCESSES; i++) {
            uint64_t offset = offsets[i / ACCESSES % offset_count(m)];
            uint64_t args[2] = {0, 0x8182838485868788 + i};
            char type = access_types[i % ACCESSES];
            bool is_store = FIRST_LOAD + i % ACCESSES >= FIRST_STORE;
            char letters[4] = {address_letter(m), is_store ? type : '_', is_store ? '_' : type};
            char name[16];
            pair_func f = find(&p, i, name);

            for (size_t a = i % 5; address(a, offset, &args[0]); a += 5)
                (void)pair_call(&f, letters, args);
            if (i % ACCESSES == ACCESSES - 1)
                pair_check_memories(&p, name);
        }
        pair_close(&p);
    }
}

/* ---- Memories beyond 4 GiB ---- */

static void addresses_beyond_4_gib_agree(void **state)
{
    const uint64_t pages = 65540, size = pages * PAGE;
    const uint64_t places[] = {0,           8,           0xfffffff8,  0xfffffffc,
                               0x100000000, size - 8,    size - 7,    size,
                               0x1ffffffff, 0x200000000, 0x3fffffff8, 0x400000000};

    (void)state;
    for (int checks = 0; checks < 2; checks++) {
        wasm_builder w = {0};
        native_pair p;
        pair_func store, load;

        wasm_begin(&w);
        wasm_section(&w, WASM_TYPE);
        WASM(&w, 2);
        wasm_functype(&w, "ll", "");
        wasm_functype(&w, "l", "l");
        wasm_end(&w);
        wasm_section(&w, WASM_FUNCTION);
        WASM(&w, 2, 0, 1);
        wasm_end(&w);
        wasm_section(&w, WASM_MEMORY);
        WASM(&w, 1, 4);
        wasm_u64(&w, pages);
        wasm_end(&w);
        emit_exports(&w, 2);
        wasm_section(&w, WASM_CODE);
        WASM(&w, 2);
        WASM_BODY(&w, 0x20, 0, 0x20, 1, 0x37, 0, 0);
        WASM_BODY(&w, 0x20, 0, 0x29, 0, 0);
        wasm_end(&w);
        p = pair_open(&w, checks);
        store = pair_find(&p, "0");
        load = pair_find(&p, "1");
        for (size_t i = 0; i < COUNT(places); i++) {
            uint64_t args[2] = {places[i], 0x0102030405060708 * (i + 1)};

            (void)pair_call(&store, "ll_", args);
        }
        for (size_t i = 0; i < COUNT(places); i++) {
            uint64_t v = pair_call(&load, "l_l", &places[i]);

            if (places[i] == 0x100000000)
                assert_int_equal(v, 0x0102030405060708 * 5);
        }
        pair_close(&p);
    }
}

/* ---- Pairs: whether the second address is compared depends on how far it is ---- */

static const uint64_t distances[] = {
    8,       0x7ff8,  0x8000,  0x8001,      0xfff8,       0x10000,
    0x10001, 0x18000, 0x40000, 0x100000000, (uint64_t)-8, (uint64_t)-0x8000,
};
static const uint64_t second_offsets[] = {0, 0x7ff8, 0x7ff9, 0xfff8};

static void pairs_agree(void **state)
{
    const memories m = {true, false, PAGES};
    const uint64_t places[] = {0, 8, SIZE - 16, SIZE - 8, SIZE - 0x8000, SIZE};
    uint32_t count = COUNT(distances) * COUNT(second_offsets);
    wasm_builder w = {0};
    native_pair p;

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    WASM(&w, 1);
    wasm_functype(&w, "l", "l");
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    wasm_u32(&w, count);
    for (uint32_t i = 0; i < count; i++)
        WASM(&w, 0);
    wasm_end(&w);
    emit_memories(&w, m);
    emit_exports(&w, count);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, count);
    for (uint32_t i = 0; i < count; i++) {
        wasm_sized(&w);
        WASM(&w, 0, 0x20, 0, 0x29, 0, 0, 0x20, 0); /* i64.load of what is given */
        emit_const(&w, true, distances[i / COUNT(second_offsets)]);
        WASM(&w, 0x7c, 0x29); /* i64.add, i64.load */
        emit_place(&w, 0, second_offsets[i % COUNT(second_offsets)]);
        WASM(&w, 0x7c, 0x0b);
        wasm_end(&w);
    }
    wasm_end(&w);
    p = pair_open(&w, m.checks);
    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        pair_func f = find(&p, i, name);

        for (size_t k = 0; k < COUNT(places); k++)
            (void)pair_call(&f, "l_l", &places[k]);
    }
    pair_close(&p);
}

/* ---- Chains of accesses near each other ---- */

#define CHAINS 40

static uint32_t random_next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* Local 0 is the address given; 1 to 3 are others; 4 a sum of what was loaded; 5 a counter. */
static void one_access(wasm_builder *w, memories m, uint32_t *seed)
{
    static const uint16_t steps[] = {0, 4, 8, 16, 0x7ff0, 0x7fff, 0x8000, 0x8001, 0xfff0};
    static const uint16_t beyond[] = {0, 0, 8, 0x100, 0x7ff8, 0x7ff9, 0xfff8};
    uint8_t from = (uint8_t)(random_next(seed) % 4), to = (uint8_t)(random_next(seed) % 3 + 1);
    uint64_t step = steps[random_next(seed) % COUNT(steps)];

    if (random_next(seed) % 4 == 0)
        step = 0 - step;
    if (random_next(seed) % 2) { /* another address */
        WASM(w, 0x20, from);
        emit_const(w, m.is64, step);
        WASM(w, m.is64 ? 0x7c : 0x6a, 0x21, to);
    }
    from = (uint8_t)(random_next(seed) % 4);
    if (random_next(seed) % 3 == 0) {
        WASM(w, 0x20, from, 0x20, 4, 0x37);
        emit_place(w, 0, beyond[random_next(seed) % COUNT(beyond)]);
    } else {
        WASM(w, 0x20, 4, 0x42, 3, 0x89, 0x20, from, 0x29); /* rotate what there is, and add */
        emit_place(w, 0, beyond[random_next(seed) % COUNT(beyond)]);
        WASM(w, 0x7c, 0x21, 4);
    }
}

static void some_accesses(wasm_builder *w, memories m, uint32_t *seed, uint32_t depth)
{
    for (uint32_t n = random_next(seed) % 6 + 2; n > 0; n--) {
        uint32_t kind = depth < 3 ? random_next(seed) % 6 : 5;

        if (kind == 0) {
            WASM(w, 0x20, 4, 0xa7, 0x41, 1, 0x71, 0x04, 0x40);
            some_accesses(w, m, seed, depth + 1);
            WASM(w, 0x05);
            some_accesses(w, m, seed, depth + 1);
            WASM(w, 0x0b);
        } else if (kind == 1) {
            WASM(w, 0x03, 0x40);
            some_accesses(w, m, seed, depth + 1);
            WASM(w, 0x20, 5, 0x41, 1, 0x6b, 0x22, 5, 0x41, 0, 0x4a, 0x0d, 0, 0x0b);
        } else {
            one_access(w, m, seed);
        }
    }
}

static native_pair open_chains(memories m)
{
    char params[2] = {address_letter(m)};
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    WASM(&w, 1);
    wasm_functype(&w, params, "l");
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    wasm_u32(&w, CHAINS);
    for (uint32_t i = 0; i < CHAINS; i++)
        WASM(&w, 0);
    wasm_end(&w);
    emit_memories(&w, m);
    emit_exports(&w, CHAINS);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, CHAINS);
    for (uint32_t i = 0; i < CHAINS; i++) {
        uint32_t seed = i + 1;

        wasm_sized(&w);
        WASM(&w, 3, 3, wasm_type_code(address_letter(m)), 1, 0x7e, 1, 0x7f);
        WASM(&w, 0x20, 0, 0x22, 1, 0x22, 2, 0x21, 3, 0x41, 4, 0x21, 5);
        some_accesses(&w, m, &seed, 0);
        WASM(&w, 0x20, 4, 0x0b);
        wasm_end(&w);
    }
    wasm_end(&w);
    return pair_open(&w, m.checks);
}

static void chains_agree(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(all_memories); k++) {
        native_pair p = open_chains(all_memories[k]);
        uint64_t numbers[64];

        for (size_t i = 0; i < COUNT(numbers); i++)
            numbers[i] = 0x9e3779b97f4a7c15 * (i + 1);
        for (uint64_t at = 0; at < SIZE; at += sizeof numbers)
            pair_write(&p, at, numbers, sizeof numbers);
        for (uint32_t i = 0; i < CHAINS; i++) {
            char letters[4] = {address_letter(all_memories[k]), '_', 'l'};
            char name[16];
            pair_func f = find(&p, i, name);
            uint64_t arg;

            for (size_t a = i % 3; address(a, 0x8000, &arg); a += 3)
                (void)pair_call(&f, letters, &arg);
            pair_check_memories(&p, name);
        }
        pair_close(&p);
    }
}

/* ---- Sizes and bulk instructions ---- */

static native_pair open_bulk(memories m)
{
    char a = address_letter(m);
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    WASM(&w, 5);
    wasm_functype(&w, "", (char[]){a, 0});
    wasm_functype(&w, (char[]){a, 0}, (char[]){a, 0});
    wasm_functype(&w, (char[]){a, 'i', a, 0}, "");
    wasm_functype(&w, (char[]){a, a, a, 0}, "");
    wasm_functype(&w, (char[]){a, 'i', 'i', 0}, "");
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 14, 0, 1, 2, 3, 3, 4, 3, 0, 1, 2, 3, 4, 4, 4);
    wasm_end(&w);
    emit_memories(&w, m);
    emit_exports(&w, 14);
    wasm_section(&w, WASM_DATA_COUNT);
    WASM(&w, 2);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 14);
#define THREE 0x20, 0, 0x20, 1, 0x20, 2
    WASM_BODY(&w, 0x3f, 0);
    WASM_BODY(&w, 0x20, 0, 0x40, 0);
    WASM_BODY(&w, THREE, 0xfc, 11, 0);    /* memory.fill */
    WASM_BODY(&w, THREE, 0xfc, 10, 0, 0); /* memory.copy */
    WASM_BODY(&w, THREE, 0xfc, 10, 0, 1); /* from the second */
    WASM_BODY(&w, THREE, 0xfc, 8, 0, 0);  /* memory.init */
    WASM_BODY(&w, THREE, 0xfc, 10, 1, 0); /* to the second */
    WASM_BODY(&w, 0x3f, 1);               /* memory.size, of the second */
    WASM_BODY(&w, 0x20, 0, 0x40, 1);      /* memory.grow */
    WASM_BODY(&w, THREE, 0xfc, 11, 1);    /* memory.fill */
    WASM_BODY(&w, THREE, 0xfc, 10, 1, 1); /* memory.copy, within it */
    WASM_BODY(&w, THREE, 0xfc, 8, 1, 1);  /* memory.init */
    WASM_BODY(&w, 0xfc, 9, 0);            /* data.drop */
    WASM_BODY(&w, THREE, 0xfc, 8, 0, 0);  /* memory.init, of what is gone */
    wasm_end(&w);
    wasm_section(&w, WASM_DATA);
    WASM(&w, 2, 1, 5, 'h', 'e', 'l', 'l', 'o', 1, 3, 1, 2, 3);
    wasm_end(&w);
    return pair_open(&w, m.checks);
}

static void bulk_instructions_agree(void **state)
{
    static const uint64_t numbers[] = {
        0,         1,    3,        5,          6,          100,         SIZE - 5,
        SIZE - 4,  SIZE, SIZE + 1, 0xfffffffb, 0xffffffff, 0x100000000, UINT64_MAX - 4,
        UINT64_MAX};
    static const char *const types[] = {"_a", "a_a", "aia_", "aaa_", "aaa_", "aii_", "aaa_",
                                        "_a", "a_a", "aia_", "aaa_", "aii_", "aii_", "aii_"};

    (void)state;
    for (size_t k = 0; k < COUNT(all_memories); k++) {
        native_pair p = open_bulk(all_memories[k]);

        for (uint32_t i = 0; i < COUNT(types); i++) {
            char letters[6] = {0}, name[16];
            pair_func f = find(&p, i, name);

            for (size_t j = 0; types[i][j]; j++)
                letters[j] = types[i][j] == 'a' ? address_letter(all_memories[k]) : types[i][j];
            if (types[i][0] == '_' ||
                types[i][1] == '_') { /* the size, and growth by one page */
                (void)pair_call(&f, letters, &numbers[1]);
                (void)pair_call(&f, letters, &numbers[COUNT(numbers) - 1]);
                continue;
            }
            for (size_t a = 0; a < COUNT(numbers); a++)
                for (size_t b = a % 2; b < COUNT(numbers); b += 2)
                    for (size_t c = b % 3; c < COUNT(numbers); c += 3) {
                        uint64_t args[] = {numbers[a], numbers[b], numbers[c]};

                        (void)pair_call(&f, letters, args);
                    }
            pair_check_memories(&p, name);
        }
        pair_close(&p);
    }
}

/* The bytes from `at` on, all of them different from their neighbours. */
static void write_pattern(const native_pair *p, uint64_t at, uint8_t first)
{
    uint8_t bytes[256];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(first + 7 * i);
    pair_write(p, at, bytes, sizeof bytes);
}

/* Each length has its own way: apart, overlapping in both directions, and at the memory's end.
 */
static void short_copies_and_fills_agree(memories m)
{
    const char letters[] = {address_letter(m), address_letter(m), address_letter(m), '_', 0};
    const char fill_letters[] = {address_letter(m), 'i', address_letter(m), '_', 0};
    native_pair p = open_bulk(m);
    char name[16], fill_name[16];
    pair_func copy = find(&p, 3, name);
    pair_func fill = find(&p, 2, fill_name);

    for (uint64_t len = 0; len < 70; len++) {
        const uint64_t places[][2] = {
            {100, 400},        {400, 100},        {400, 401},          {401, 400},
            {400, 407},        {407, 400},        {400, 416},          {433, 400},
            {SIZE - len, 400}, {400, SIZE - len}, {SIZE - 69, 400},    {400, SIZE + 1 - len},
            {400, 400},        {SIZE, SIZE},      {SIZE + 1 - len, 1},
        };

        for (size_t i = 0; i < COUNT(places); i++) {
            const uint64_t args[] = {places[i][0], places[i][1], len};
            const uint64_t fill_args[] = {places[i][0], 0x123 + len, len};

            write_pattern(&p, 300, (uint8_t)len);
            write_pattern(&p, SIZE - 256, (uint8_t)i);
            (void)pair_call(&copy, letters, args);
            pair_check_memories(&p, name);
            (void)pair_call(&fill, fill_letters, fill_args);
            pair_check_memories(&p, fill_name);
        }
    }
    pair_close(&p);
}

static void short_bulk_instructions_agree(void **state)
{
    (void)state;
    short_copies_and_fills_agree((memories){false, false, 0});
    short_copies_and_fills_agree((memories){true, false, 0});
    short_copies_and_fills_agree((memories){true, true, 3});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accesses_agree),
        cmocka_unit_test(addresses_beyond_4_gib_agree),
        cmocka_unit_test(pairs_agree),
        cmocka_unit_test(chains_agree),
        cmocka_unit_test(bulk_instructions_agree),
        cmocka_unit_test(short_bulk_instructions_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
