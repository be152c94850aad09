/* Tail calls between functions that take more and fewer arguments than the registers hold: what
 * they give, and the frames that are told of behind a fault, which must not shift when the last
 * function takes another stack than the one that was called. */
#include "native_pair.h"

enum { KINDS = 8, LETTERS = 24 };

/* Each type has these parameters and, as the last one, an address. */
static const char *const parameters[KINDS] = {
    "",
    "ll",
    "llll",
    "lllllll",
    "llllllllllllllllllll",
    "dddddddd",
    "vvvvvvvvvvv",
    "lvdfivlllllvfffffff",
};

static void emit_types(wasm_builder *w)
{
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, KINDS + 1);
    for (uint32_t i = 0; i < KINDS; i++) {
        char all[LETTERS];

        (void)snprintf(all, sizeof all, "%si", parameters[i]);
        wasm_functype(w, all, "i");
    }
    wasm_functype(w, "i", "i");
    wasm_end(w);
}

static void emit_zeros(wasm_builder *w, const char *letters)
{
    for (; *letters; letters++) {
        static const uint8_t zeros[16];

        switch (*letters) {
        case 'i':
            WASM(w, 0x41, 0);
            break;
        case 'l':
            WASM(w, 0x42, 0);
            break;
        case 'f':
            WASM(w, 0x43);
            wasm_bytes(w, zeros, 4);
            break;
        case 'd':
            WASM(w, 0x44);
            wasm_bytes(w, zeros, 8);
            break;
        default:
            WASM(w, 0xfd, 12);
            wasm_bytes(w, zeros, 16);
        }
    }
}

/* Calls function `callee`, of type `to`, with zeros and the address that is parameter
 * `address`. */
static void emit_call(wasm_builder *w, uint32_t address, uint32_t to, uint8_t op,
                      uint32_t callee)
{
    emit_zeros(w, parameters[to]);
    WASM(w, 0x20);
    wasm_u32(w, address);
    if (op == 0x13) {
        WASM(w, 0x41);
        wasm_s64(w, callee);
    }
    if (op == 0x15) {
        WASM(w, 0xd2);
        wasm_u32(w, callee);
    }
    WASM(w, op);
    wasm_u32(w, op == 0x13 || op == 0x15 ? to : callee);
    if (op == 0x13)
        WASM(w, 0);
}

/* KINDS functions that load; then for each two kinds, directly and through the table, one that
 * ends in a call of the second kind's, and one that calls that and goes on.
 *   by_ref  all tail calls are by a reference */
static void emit_bodies(wasm_builder *w, bool by_ref)
{
    wasm_section(w, WASM_CODE);
    wasm_u32(w, KINDS + 4 * KINDS * KINDS);
    for (uint32_t i = 0; i < KINDS; i++) {
        wasm_sized(w);
        WASM(w, 0, 0x20, (uint8_t)strlen(parameters[i]), 0x28, 0, 0, 0x0b);
        wasm_end(w);
    }
    for (uint32_t i = 0; i < 2 * KINDS * KINDS; i++) {
        uint32_t from = i / 2 / KINDS, to = i / 2 % KINDS;

        wasm_sized(w);
        WASM(w, 0);
        emit_call(w, (uint32_t)strlen(parameters[from]), to,
                  by_ref  ? 0x15
                  : i % 2 ? 0x13
                          : 0x12,
                  to);
        WASM(w, 0x0b);
        wasm_end(w);
        wasm_sized(w);
        WASM(w, 0);
        emit_call(w, 0, from, 0x10, KINDS + 2 * i);
        WASM(w, 0x20, 0, 0x6a, 0x0b);
        wasm_end(w);
    }
    wasm_end(w);
}

static void emit_functions(wasm_builder *w)
{
    wasm_section(w, WASM_FUNCTION);
    wasm_u32(w, KINDS + 4 * KINDS * KINDS);
    for (uint32_t i = 0; i < KINDS; i++)
        wasm_u32(w, i);
    for (uint32_t i = 0; i < 2 * KINDS * KINDS; i++) {
        wasm_u32(w, i / 2 / KINDS);
        wasm_u32(w, KINDS);
    }
    wasm_end(w);
    wasm_section(w, WASM_TABLE);
    WASM(w, 1, 0x70, 0, KINDS);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0, 1);
    wasm_end(w);
}

static void emit_exports(wasm_builder *w)
{
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 2 * KINDS * KINDS);
    for (uint32_t i = 0; i < 2 * KINDS * KINDS; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "%u", (unsigned)i);
        wasm_export(w, name, 0, KINDS + 2 * i + 1);
    }
    wasm_end(w);
    wasm_section(w, WASM_ELEMENT);
    WASM(w, 1, 0, 0x41, 0, 0x0b);
    wasm_u32(w, KINDS);
    for (uint32_t i = 0; i < KINDS; i++)
        wasm_u32(w, i);
    wasm_end(w);
}

static void compare_all(bool by_ref)
{
    static const uint64_t addresses[] = {0, 8, 65532, 65533, 4000000, 0xffffffff};

    for (int checks = 0; checks < 2; checks++) {
        wasm_builder w = {0};
        native_pair p;

        wasm_begin(&w);
        emit_types(&w);
        emit_functions(&w);
        emit_exports(&w);
        emit_bodies(&w, by_ref);
        p = pair_open(&w, checks);
        for (uint32_t i = 0; i < 2 * KINDS * KINDS; i++) {
            char name[16];
            pair_func f;

            (void)snprintf(name, sizeof name, "%u", (unsigned)i);
            f = pair_find(&p, name);
            for (size_t a = 0; a < sizeof addresses / sizeof addresses[0]; a++)
                (void)pair_call(&f, "i_i", &addresses[a]);
        }
        pair_close(&p);
    }
}

static void frames_are_those_of_the_last_functions(void **state)
{
    (void)state;
    compare_all(false);
}

static void frames_behind_references_are_too(void **state)
{
    (void)state;
    compare_all(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_those_of_the_last_functions),
        cmocka_unit_test(frames_behind_references_are_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
