/* The generator of ao_generator.h. */
#include "ao_generator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEPTH_MAX = 5, KEYS_MAX = 6, LARGE_MAX = 6000, DIGITS_MAX = 300 };

typedef struct generator {
    uint64_t state;
    unsigned flags;
    size_t large_left; /* how many large values may follow */
} generator;

/* splitmix64 */
static uint64_t next(generator *g)
{
    uint64_t z = g->state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static size_t below(generator *g, size_t bound)
{
    return (size_t)(next(g) % bound);
}

static bool chance(generator *g, unsigned flag, size_t one_in)
{
    return (g->flags & flag) && below(g, one_in) == 0;
}

unsigned generate_flags(uint64_t seed)
{
    generator g = {.state = seed ^ 0x5eed};
    unsigned flags = (unsigned)below(&g, GENERATE_ALL + 1);

    flags &= (unsigned)below(&g, GENERATE_ALL + 1);
    return below(&g, 3) ? flags : flags & (unsigned)below(&g, GENERATE_ALL + 1);
}

/* ---- Texts ---- */

static size_t add(char *out, const char *text)
{
    size_t len = strlen(text);

    memcpy(out, text, len);
    return len;
}

/* Some text of at most 64 bytes; returns its length. */
static size_t make_text(generator *g, char out[64])
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789 -_.!?*~";
    static const char *const hard[] = {
        "\"",   "\\",    ", ",     ": ", "=",   "(ao-type-integer) 1",
        "\\\"", "%41",   "{",      "}",  "[1]", "null",
        "--",   "; q=1", ":YQ==:", "'",  "?1",  "/a/b"};
    static const char *const lines[] = {"\r\n",  "\n",   "\r",       "\t",
                                        "\0011", "\x7f", "\r\n\r\n", "\n--"};
    static const char *const beyond[] = {"\u00e9", "\u00c9", "\u20ac", "\U0001f600",
                                         "\u0130", "\u03a3", "\u00df"};
    size_t parts = 1 + below(g, 6), len = 0;

    for (size_t i = 0; i < parts && len < 40; i++) {
        if (chance(g, GENERATE_LINES, 3))
            len += add(out + len, lines[below(g, sizeof lines / sizeof lines[0])]);
        else if (chance(g, GENERATE_UNICODE, 3))
            len += add(out + len, beyond[below(g, sizeof beyond / sizeof beyond[0])]);
        else if (below(g, 4) == 0)
            len += add(out + len, hard[below(g, sizeof hard / sizeof hard[0])]);
        else
            out[len++] = plain[below(g, sizeof plain - 1)];
    }
    if (chance(g, GENERATE_LINES, 8))
        out[len++] = 0;
    return len;
}

static void fill(generator *g, uint8_t *out, size_t len, bool any)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(any ? next(g) : 'a' + below(g, 26));
}

static ao_value make_large(generator *g)
{
    static const size_t sizes[] = {127,  128,  129,  1023, 1024, 1025,
                                   3072, 4095, 4096, 4097, 5000};
    uint8_t bytes[LARGE_MAX];
    size_t len = sizes[below(g, sizeof sizes / sizeof sizes[0])];

    g->large_left--;
    fill(g, bytes, len, chance(g, GENERATE_BYTES, 3));
    return ao_binary_copy((beamr_bytes){bytes, len});
}

static ao_value make_binary(generator *g)
{
    char text[64];
    uint8_t bytes[300];
    size_t len;

    if (below(g, 12) == 0)
        return ao_binary_text("");
    if (g->large_left && chance(g, GENERATE_LARGE, 3))
        return make_large(g);
    if (chance(g, GENERATE_BYTES, 3)) {
        len = 1 + below(g, below(g, 8) ? 40 : sizeof bytes - 1);
        fill(g, bytes, len, true);
        return ao_binary_copy((beamr_bytes){bytes, len});
    }
    len = make_text(g, text);
    return ao_binary_copy((beamr_bytes){(const uint8_t *)text, len});
}

/* ---- Other values ---- */

static ao_value make_big(generator *g)
{
    char text[DIGITS_MAX + 1];
    size_t len = 19 + below(g, DIGITS_MAX - 20), at = below(g, 2);
    ao_value value = AO_NO_VALUE;

    text[0] = '-';
    text[at] = (char)('1' + below(g, 9));
    for (size_t i = at + 1; i < len; i++)
        text[i] = (char)('0' + below(g, 10));
    if (ao_integer_read((beamr_bytes){(const uint8_t *)text, len}, &value, NULL) != BEAMR_OK)
        abort();
    return value;
}

static ao_value make_integer(generator *g)
{
    static const int64_t edges[] = {
        INT64_MIN, INT64_MAX, 999999999999999, 1000000000000000, -1000000000000000, -1,
        0,         1,         (int64_t)1 << 53};

    if (chance(g, GENERATE_NUMBERS, 3))
        return make_big(g);
    if (chance(g, GENERATE_NUMBERS, 2))
        return ao_integer(edges[below(g, sizeof edges / sizeof edges[0])]);
    return ao_integer((int64_t)below(g, 2000000) - 1000000);
}

static ao_value make_float(generator *g)
{
    static const double edges[] = {0.0,
                                   -0.0,
                                   0.1,
                                   4.9406564584124654e-324,
                                   1.7976931348623157e308,
                                   2.2250738585072014e-308,
                                   2.225073858507201e-308,
                                   -1.5,
                                   1e21,
                                   3.0};
    double number;
    uint64_t bits;

    if (!(g->flags & GENERATE_NUMBERS))
        return ao_float((double)below(g, 4000) / 4 - 500);
    if (below(g, 2))
        return ao_float(edges[below(g, sizeof edges / sizeof edges[0])]);
    bits = next(g);
    if (below(g, 3) == 0)
        bits &= ~((uint64_t)0x7ff << 52); /* below the normal ones */
    memcpy(&number, &bits, sizeof number);
    return ao_float(isfinite(number) ? number : 0.5);
}

static ao_value make_atom(generator *g)
{
    static const char *const atoms[] = {"true", "false",     "null",      "undefined",
                                        "ok",   "not_found", "Mixed-Case"};
    char text[64];

    if (below(g, 3))
        return ao_atom(atoms[below(g, sizeof atoms / sizeof atoms[0])]);
    return ao_atom_of((beamr_bytes){(const uint8_t *)text, make_text(g, text)});
}

static ao_value make_value(generator *g, unsigned depth);
static ao_message *make_message(generator *g, unsigned depth);

static ao_value make_list(generator *g, unsigned depth)
{
    ao_value items[KEYS_MAX];
    size_t count = below(g, KEYS_MAX);

    for (size_t i = 0; i < count; i++)
        items[i] = make_value(g, depth + 1);
    return ao_list_new(items, count);
}

/* ---- Messages ---- */

static size_t make_odd_key(generator *g, char out[64])
{
    static const char *const parts[] = {" ", "\"",  "%", "%41", ": ", "=", ",", ";", "(",  "\\",
                                        "'", "a b", "@", ":",   "?",  "&", "+", "*", "..", "-"};
    size_t len = 0;

    out[len++] = (char)('a' + below(g, 26));
    for (size_t i = 1 + below(g, 3); i > 0; i--)
        len += add(out + len, parts[below(g, sizeof parts / sizeof parts[0])]);
    if (below(g, 2))
        out[len++] = 'z';
    return len;
}

static size_t make_id(generator *g, char out[64])
{
    static const char set[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static const size_t sizes[] = {43, 43, 42, 32};
    size_t len = sizes[below(g, 4)];

    for (size_t i = 0; i < len; i++)
        out[i] = set[below(g, 64)];
    if (len == 43)
        out[42] = "AEIMQUYcgkosw048"[below(g, 16)]; /* no bits behind the 32 bytes */
    return len;
}

/* A key; `k` and a letter keep it from all that is private or has a meaning. */
static size_t make_key(generator *g, char out[64])
{
    static const char *const beyond[] = {"\u00e9", "\u20ac", "\u0130", "\u00c9", "\u03a3"};
    size_t len = 0;

    if (chance(g, GENERATE_KEYS, 3))
        return make_odd_key(g, out);
    if (chance(g, GENERATE_IDS, 4))
        return make_id(g, out);
    if (below(g, 8) == 0)
        return (size_t)sprintf(out, "%zu", 1 + below(g, 12));
    out[len++] = "kK"[below(g, 2)];
    if (chance(g, GENERATE_SLASHES, 3))
        len += add(out + len, "/x");
    if (chance(g, GENERATE_UNICODE, 3))
        len += add(out + len, beyond[below(g, sizeof beyond / sizeof beyond[0])]);
    if (chance(g, GENERATE_KEY_BYTES, 6))
        out[len++] = (char)(0x80 + below(g, 0x40));
    for (size_t i = below(g, 4); i > 0; i--)
        out[len++] = "abcXYZ-_019."[below(g, 12)];
    return len;
}

/* Keys that some encoding has a place for; their values are such that none is dropped. */
static void put_field(generator *g, ao_builder *builder)
{
    static const char *const texts[] = {"body",           "data",   "path",      "method",
                                        "device",         "status", "alg",       "anchor",
                                        "Content-Length", "reward", "authority", "map-format"};
    uint8_t id[32];
    ao_value value;

    if (below(g, 4) == 0) {
        fill(g, id, sizeof id, true);
        ao_builder_put(builder, below(g, 2) ? "target" : "last_tx",
                       ao_binary_copy((beamr_bytes){id, sizeof id}));
        return;
    }
    value = below(g, 2)   ? ao_binary_text("x y")
            : below(g, 2) ? ao_integer(1 + (int64_t)below(g, 500))
                          : ao_message_value(make_message(g, DEPTH_MAX - 1));
    ao_builder_put(builder, texts[below(g, sizeof texts / sizeof texts[0])], value);
}

static ao_message *make_message(generator *g, unsigned depth)
{
    size_t count = depth ? below(g, KEYS_MAX) : 1 + below(g, KEYS_MAX + 2);
    ao_message *out = NULL;
    ao_builder builder;
    char key[64];

    ao_builder_begin(&builder, NULL, NULL, NULL);
    for (size_t i = 0; i < count; i++) {
        size_t len = make_key(g, key);

        ao_builder_put_key(&builder, (beamr_bytes){(const uint8_t *)key, len},
                           make_value(g, depth + 1));
    }
    for (size_t i = 0; depth == 0 && i < 2; i++)
        if (chance(g, GENERATE_FIELDS, 2))
            put_field(g, &builder);
    if (ao_builder_end(&builder, &out) != BEAMR_OK)
        abort();
    return out;
}

static ao_value make_value(generator *g, unsigned depth)
{
    switch (below(g, depth < DEPTH_MAX ? 9 : 6)) {
    case 0:
    case 1:
    case 2:
        return make_binary(g);
    case 3:
        return make_integer(g);
    case 4:
        return make_float(g);
    case 5:
        return make_atom(g);
    case 6:
        return make_list(g, depth);
    default:
        return ao_message_value(make_message(g, depth));
    }
}

ao_message *generate_message(uint64_t seed, unsigned flags)
{
    generator g = {.state = seed,
                   .flags = flags & GENERATE_SOME ? generate_flags(seed) : flags,
                   .large_left = 4};

    return make_message(&g, 0);
}
