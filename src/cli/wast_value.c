/* Constants of the suite's text form: numbers, vectors and references, and the patterns that
 * results are compared with.
 * Numbers are checked against the grammar here and converted by libc, which rounds correctly;
 * the program keeps the "C" locale, so a point is a point. Source: WebAssembly 3.0, "Integers"
 * and "Floating-Point" of the text format. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/wast.h"

/* Longest number, without underscores. The longest that tells two doubles apart has fewer than
 * 800 digits. */
#define NUMBER_MAX 1024

/* ---- Numbers ---- */

/* Copy a number's text, as NUL-terminated characters without underscores. */
static beamr_status number_text(const wast_node *node, char buf[NUMBER_MAX], beamr_error *err)
{
    size_t len = 0;

    if (node->kind != WAST_ATOM)
        return WAST_FAIL(err, node, "a number expected");
    for (size_t i = 0; i < node->text.len; i++) {
        uint8_t c = node->text.data[i];

        if (c == '_') {
            bool is_between = i > 0 && i + 1 < node->text.len &&
                              isxdigit(node->text.data[i - 1]) &&
                              isxdigit(node->text.data[i + 1]);
            if (!is_between)
                return WAST_FAIL(err, node, "'_' must stand between digits");
        } else if (len + 1 == NUMBER_MAX) {
            return WAST_FAIL(err, node, "number of more than %d characters", NUMBER_MAX - 1);
        } else {
            buf[len++] = (char)c;
        }
    }
    buf[len] = '\0';
    return BEAMR_OK;
}

static bool is_digit(char c, bool is_hex)
{
    return is_hex ? isxdigit((unsigned char)c) != 0 : c >= '0' && c <= '9';
}

/* Pass over "0x".  Returns whether it was there. */
static bool skip_hex_prefix(const char **p)
{
    bool is_hex = (*p)[0] == '0' && (*p)[1] == 'x';

    *p += is_hex ? 2 : 0;
    return is_hex;
}

static size_t skip_digits(const char **p, bool is_hex)
{
    const char *from = *p;

    while (is_digit(**p, is_hex))
        ++*p;
    return (size_t)(*p - from);
}

/* Read an integer of `bits` bits, signed or unsigned, as its two's complement. */
static beamr_status read_integer(const wast_node *node, unsigned bits, uint64_t *out,
                                 beamr_error *err)
{
    char buf[NUMBER_MAX];
    const char *p = buf, *digits;
    uint64_t max = UINT64_MAX >> (64 - bits), value;
    bool is_negative, is_hex;

    BEAMR_TRY(number_text(node, buf, err));
    is_negative = *p == '-';
    p += *p == '-' || *p == '+';
    is_hex = skip_hex_prefix(&p);
    digits = p;
    if (skip_digits(&p, is_hex) == 0 || *p)
        return WAST_FAIL(err, node, "'%.40s' is not an integer", buf);
    errno = 0;
    value = strtoull(digits, NULL, is_hex ? 16 : 10);
    if (errno || value > (is_negative ? max / 2 + 1 : max))
        return WAST_FAIL(err, node, "'%.40s' does not fit in %u bits", buf, bits);
    *out = (is_negative ? 0 - value : value) & max;
    return BEAMR_OK;
}

/* The text is a decimal or hexadecimal number with optional fraction and exponent. strtod takes
 * more than that. */
static bool is_float_text(const char *p)
{
    bool is_hex = skip_hex_prefix(&p);

    if (skip_digits(&p, is_hex) == 0)
        return false;
    if (*p == '.') {
        p++;
        skip_digits(&p, is_hex);
    }
    if ((*p | 0x20) == (is_hex ? 'p' : 'e')) {
        p++;
        p += *p == '-' || *p == '+';
        if (skip_digits(&p, false) == 0)
            return false;
    }
    return *p == '\0';
}

/* Read what follows "nan:".
 *   quiet   the format's quiet bit; its fraction has the bits up to this one
 *   nan     NULL where only a value may stand */
static beamr_status read_nan(const wast_node *node, const char *kind, uint64_t quiet,
                             uint64_t *fraction, wast_nan *nan, beamr_error *err)
{
    const char *p = kind;

    *fraction = quiet;
    if (nan && strcmp(kind, "canonical") == 0) {
        *nan = WAST_NAN_CANONICAL;
        return BEAMR_OK;
    }
    if (nan && strcmp(kind, "arithmetic") == 0) {
        *nan = WAST_NAN_ARITHMETIC;
        return BEAMR_OK;
    }
    if (!skip_hex_prefix(&p) || skip_digits(&p, true) == 0 || *p)
        return WAST_FAIL(err, node, "'nan:%.40s' is not known", kind);
    errno = 0;
    *fraction = strtoull(kind, NULL, 16);
    if (errno || *fraction == 0 || *fraction >= quiet * 2)
        return WAST_FAIL(err, node, "'nan:%.40s' is out of range", kind);
    return BEAMR_OK;
}

/* Convert a finite number; straight to its own format, since rounding twice is not the same. */
static beamr_status read_finite(const wast_node *node, const char *text, unsigned bits,
                                uint64_t *out, beamr_error *err)
{
    if (!is_float_text(text))
        return WAST_FAIL(err, node, "'%.40s' is not a number", text);
    if (bits == 32) {
        float f = strtof(text, NULL);
        uint32_t word;

        if (isinf(f))
            return WAST_FAIL(err, node, "'%.40s' is too large for f32", text);
        memcpy(&word, &f, sizeof word);
        *out = word;
    } else {
        double d = strtod(text, NULL);

        if (isinf(d))
            return WAST_FAIL(err, node, "'%.40s' is too large for f64", text);
        memcpy(out, &d, sizeof *out);
    }
    return BEAMR_OK;
}

/* Read a float of 32 or 64 bits as its bits.
 *   nan  out: the pattern; NULL where only a value may stand */
static beamr_status read_float(const wast_node *node, unsigned bits, uint64_t *out,
                               wast_nan *nan, beamr_error *err)
{
    uint64_t infinity = bits == 32 ? 0x7f800000u : 0x7ff0000000000000u;
    uint64_t quiet = bits == 32 ? 0x400000u : 0x8000000000000u;
    uint64_t value = 0, sign;
    char buf[NUMBER_MAX];
    const char *p = buf;

    BEAMR_TRY(number_text(node, buf, err));
    sign = (uint64_t)(*p == '-') << (bits - 1);
    p += *p == '-' || *p == '+';
    if (strcmp(p, "inf") == 0) {
        value = infinity;
    } else if (strcmp(p, "nan") == 0) {
        value = infinity | quiet;
    } else if (strncmp(p, "nan:", 4) == 0) {
        BEAMR_TRY(read_nan(node, p + 4, quiet, &value, nan, err));
        value |= infinity;
    } else {
        BEAMR_TRY(read_finite(node, p, bits, &value, err));
    }
    *out = sign | value;
    return BEAMR_OK;
}

static bool float_matches(uint64_t want, uint64_t bits, unsigned width, wast_nan nan)
{
    uint64_t magnitude = width == 32 ? 0x7fffffffu : 0x7fffffffffffffffu;
    uint64_t quiet_nan = width == 32 ? 0x7fc00000u : 0x7ff8000000000000u;

    switch (nan) {
    case WAST_NAN_CANONICAL:
        return (bits & magnitude) == quiet_nan;
    case WAST_NAN_ARITHMETIC:
        return (bits & quiet_nan) == quiet_nan;
    default:
        return bits == want;
    }
}

/* ---- Constants ---- */

/* The shapes of a vector. */
static const struct shape {
    const char *name;
    uint8_t bits; /* of a lane */
    bool is_float;
} shapes[] = {
    {"i8x16", 8, false},  {"i16x8", 16, false}, {"i32x4", 32, false},
    {"i64x2", 64, false}, {"f32x4", 32, true},  {"f64x2", 64, true},
};

/* Read the lanes of "(v128.const shape lanes...)" from the shape on. */
static beamr_status read_vector(const wast_node *list, const wast_node *node, wast_pattern *out,
                                bool is_pattern, beamr_error *err)
{
    const struct shape *shape = NULL;
    uint8_t *bytes = out->value.of.v128;
    unsigned lane, lanes;

    for (size_t i = 0; node && i < sizeof shapes / sizeof shapes[0]; i++) {
        if (wast_is(node, shapes[i].name))
            shape = &shapes[i];
    }
    if (!shape)
        return WAST_FAIL(err, node ? node : list, "a shape of v128 expected");
    out->value.kind = BEAMR_V128;
    out->lane_bits = shape->bits == 64 ? 64 : 32; /* narrower ones are integers */
    lanes = 128u / shape->bits;
    node = node->next;
    for (lane = 0; node && lane < lanes; lane++, node = node->next) {
        uint64_t bits = 0;

        if (shape->is_float)
            BEAMR_TRY(
                read_float(node, shape->bits, &bits, is_pattern ? &out->nan[lane] : NULL, err));
        else
            BEAMR_TRY(read_integer(node, shape->bits, &bits, err));
        for (unsigned i = 0; i < shape->bits / 8u; i++)
            *bytes++ = (uint8_t)(bits >> 8 * i);
    }
    if (lane < lanes || node)
        return WAST_FAIL(err, node ? node : list, "%s has %u lanes", shape->name, lanes);
    return BEAMR_OK;
}

/* Read "(t.const x)" of the number types. */
static beamr_status read_number(const wast_node *list, const wast_node *node, beamr_kind kind,
                                wast_pattern *out, bool is_pattern, beamr_error *err)
{
    unsigned width = kind == BEAMR_I32 || kind == BEAMR_F32 ? 32 : 64;
    uint64_t bits = 0;

    if (!node || node->next)
        return WAST_FAIL(err, list, "one number expected");
    if (kind == BEAMR_F32 || kind == BEAMR_F64)
        BEAMR_TRY(read_float(node, width, &bits, is_pattern ? &out->nan[0] : NULL, err));
    else
        BEAMR_TRY(read_integer(node, width, &bits, err));
    out->value.kind = kind;
    if (width == 32) {
        uint32_t word = (uint32_t)bits;
        memcpy(&out->value.of, &word, sizeof word);
    } else {
        memcpy(&out->value.of, &bits, sizeof bits);
    }
    return BEAMR_OK;
}

/* What references are called: after "ref." and after "ref.null ". */
static const struct ref_type {
    const char *name;
    beamr_kind kind;
    bool is_gc;
} ref_types[] = {
    {"func", BEAMR_FUNCREF, false},     {"nofunc", BEAMR_FUNCREF, false},
    {"extern", BEAMR_EXTERNREF, false}, {"noextern", BEAMR_EXTERNREF, false},
    {"exn", BEAMR_EXNREF, false},       {"noexn", BEAMR_EXNREF, false},
    {"any", BEAMR_EXTERNREF, true},     {"none", BEAMR_EXTERNREF, true},
    {"eq", BEAMR_EXTERNREF, true},      {"i31", BEAMR_EXTERNREF, true},
    {"struct", BEAMR_EXTERNREF, true},  {"array", BEAMR_EXTERNREF, true},
};

static const struct ref_type *ref_type_find(beamr_bytes name)
{
    for (size_t i = 0; i < sizeof ref_types / sizeof ref_types[0]; i++) {
        if (strlen(ref_types[i].name) == name.len &&
            memcmp(ref_types[i].name, name.data, name.len) == 0)
            return &ref_types[i];
    }
    return NULL;
}

/* "(ref.null t)", or "(ref.null)" for any. */
static beamr_status read_null(const wast_node *list, const wast_node *node, wast_pattern *out,
                              beamr_error *err)
{
    const struct ref_type *type;

    if (!node) {
        out->kind = WAST_NULL;
        return BEAMR_OK;
    }
    type = node->kind == WAST_ATOM ? ref_type_find(node->text) : NULL;
    if (!type || node->next)
        return WAST_FAIL(err, list, "(ref.null TYPE) expected");
    out->kind = type->is_gc ? WAST_GC : WAST_EXACT;
    out->value.kind = type->kind;
    return BEAMR_OK;
}

/* "(ref.t)", and "(ref.extern n)" and "(ref.host n)". */
static beamr_status read_reference(const wast_node *list, const wast_node *head,
                                   wast_pattern *out, beamr_error *err)
{
    beamr_bytes name = {head->text.data + 4, head->text.len - 4}; /* behind "ref." */
    const struct ref_type *type = ref_type_find(name);
    uint64_t n = 0;

    if (head->next && (wast_is(head, "ref.extern") || wast_is(head, "ref.host"))) {
        if (head->next->next)
            return WAST_FAIL(err, list, "one number expected");
        BEAMR_TRY(read_integer(head->next, 32, &n, err));
        out->value.kind = BEAMR_EXTERNREF;
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): the number is all there is to it */
        out->value.of.external = (void *)(uintptr_t)(n + 1);
        return BEAMR_OK;
    }
    if (!type || head->next)
        return WAST_FAIL(err, list, "unknown reference");
    out->kind = type->is_gc ? WAST_GC : WAST_REF;
    out->value.kind = type->kind;
    return BEAMR_OK;
}

/* Read anything but alternatives. */
static beamr_status read_constant(const wast_node *list, bool is_pattern, wast_pattern *out,
                                  beamr_error *err)
{
    static const char *const numbers[] = {
        [BEAMR_I32] = "i32.const",
        [BEAMR_I64] = "i64.const",
        [BEAMR_F32] = "f32.const",
        [BEAMR_F64] = "f64.const",
    };
    const wast_node *head = wast_head(list);

    if (!head)
        return WAST_FAIL(err, list, "a constant expected");
    *out = (wast_pattern){.kind = WAST_EXACT};
    for (beamr_kind kind = BEAMR_I32; kind <= BEAMR_F64; kind++) {
        if (wast_is(head, numbers[kind]))
            return read_number(list, head->next, kind, out, is_pattern, err);
    }
    if (wast_is(head, "v128.const"))
        return read_vector(list, head->next, out, is_pattern, err);
    if (wast_is(head, "ref.null"))
        return read_null(list, head->next, out, err);
    if (head->text.len > 4 && memcmp(head->text.data, "ref.", 4) == 0)
        return read_reference(list, head, out, err);
    return WAST_FAIL(err, head, "unknown constant '%.*s'",
                     head->text.len < 40 ? (int)head->text.len : 40,
                     (const char *)head->text.data);
}

beamr_status wast_value_read(const wast_node *node, beamr_value *out, beamr_error *err)
{
    wast_pattern pattern;

    BEAMR_TRY(read_constant(node, false, &pattern, err));
    /* References without a value of their own have none to pass; those of the garbage collector
     * are only ever given to instances that do not exist. */
    if (pattern.kind == WAST_REF || pattern.kind == WAST_NULL)
        return WAST_FAIL(err, node, "a value expected, not a pattern");
    *out = pattern.value;
    return BEAMR_OK;
}

/* ---- Patterns ---- */

static beamr_status read_alternatives(const wast_node *list, arena *a, wast_pattern *out,
                                      beamr_error *err)
{
    wast_pattern *items;
    size_t count = 0;

    for (const wast_node *node = list->first->next; node; node = node->next)
        count++;
    if (!(items = ARENA_NEW(a, wast_pattern, count)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu alternatives", count);
    *out = (wast_pattern){WAST_ALTERNATIVE, .alternatives = items, .alternative_count = count};
    for (const wast_node *node = list->first->next; node; node = node->next)
        BEAMR_TRY(read_constant(node, true, items++, err));
    return BEAMR_OK;
}

beamr_status wast_pattern_read(const wast_node *node, arena *a, wast_pattern *out,
                               beamr_error *err)
{
    if (wast_is(wast_head(node), "either"))
        return read_alternatives(node, a, out, err);
    return read_constant(node, true, out, err);
}

static bool is_reference(beamr_kind kind)
{
    return kind == BEAMR_FUNCREF || kind == BEAMR_EXTERNREF || kind == BEAMR_EXNREF;
}

static bool is_null(const beamr_value *value)
{
    switch (value->kind) {
    case BEAMR_FUNCREF:
        return !value->of.func;
    case BEAMR_EXTERNREF:
        return !value->of.external;
    case BEAMR_EXNREF:
        return !value->of.exception;
    default:
        return false;
    }
}

/* The bits of lane `i` of `width` bits. */
static uint64_t lane_bits(const uint8_t v128[16], unsigned width, unsigned i)
{
    uint64_t bits = 0;

    for (unsigned byte = width / 8; byte-- > 0;)
        bits = bits << 8 | v128[i * (width / 8) + byte];
    return bits;
}

static bool vector_matches(const wast_pattern *pattern, const uint8_t v128[16])
{
    const uint8_t *want = pattern->value.of.v128;
    unsigned width = pattern->lane_bits;

    for (unsigned i = 0; i < 128 / width; i++) {
        if (!float_matches(lane_bits(want, width, i), lane_bits(v128, width, i), width,
                           pattern->nan[i]))
            return false;
    }
    return true;
}

static bool exact_matches(const wast_pattern *pattern, const beamr_value *value)
{
    uint32_t word, want_word;
    uint64_t bits, want;

    switch (value->kind) {
    case BEAMR_I32:
    case BEAMR_F32:
        memcpy(&word, &value->of, sizeof word);
        memcpy(&want_word, &pattern->value.of, sizeof want_word);
        return float_matches(want_word, word, 32, pattern->nan[0]);
    case BEAMR_I64:
    case BEAMR_F64:
        memcpy(&bits, &value->of, sizeof bits);
        memcpy(&want, &pattern->value.of, sizeof want);
        return float_matches(want, bits, 64, pattern->nan[0]);
    case BEAMR_V128:
        return vector_matches(pattern, value->of.v128);
    case BEAMR_EXTERNREF:
        return value->of.external == pattern->value.of.external;
    default: /* no other reference is exact but null */
        return is_null(value);
    }
}

/* Match anything but alternatives. */
static bool constant_matches(const wast_pattern *pattern, const beamr_value *value)
{
    switch (pattern->kind) {
    case WAST_EXACT:
        return value->kind == pattern->value.kind && exact_matches(pattern, value);
    case WAST_NULL:
        return is_reference(value->kind) && is_null(value);
    case WAST_REF:
        return value->kind == pattern->value.kind && !is_null(value);
    default:
        return false;
    }
}

bool wast_pattern_matches(const wast_pattern *pattern, const beamr_value *value)
{
    if (pattern->kind != WAST_ALTERNATIVE)
        return constant_matches(pattern, value);
    for (size_t i = 0; i < pattern->alternative_count; i++) {
        if (constant_matches(&pattern->alternatives[i], value))
            return true;
    }
    return false;
}

/* ---- Writing ---- */

static const char *float_text(const char *type, uint64_t bits, double number, unsigned width,
                              char *buf, size_t size)
{
    uint64_t fraction = bits & (width == 32 ? 0x7fffffu : 0xfffffffffffffu);
    const char *sign = bits >> (width - 1) ? "-" : "";

    if (isnan(number))
        (void)snprintf(buf, size, "(%s.const %snan:0x%" PRIx64 ")", type, sign, fraction);
    else
        (void)snprintf(buf, size, "(%s.const %a)", type, number);
    return buf;
}

static const char *reference_text(const beamr_value *value, char *buf, size_t size)
{
    const char *name = value->kind == BEAMR_FUNCREF     ? "func"
                       : value->kind == BEAMR_EXTERNREF ? "extern"
                                                        : "exn";

    if (is_null(value))
        (void)snprintf(buf, size, "(ref.null %s)", name);
    else if (value->kind == BEAMR_EXTERNREF)
        (void)snprintf(buf, size, "(ref.extern %" PRIuPTR ")",
                       (uintptr_t)value->of.external - 1);
    else
        (void)snprintf(buf, size, "(ref.%s)", name);
    return buf;
}

const char *wast_value_text(const beamr_value *value, char *buf, size_t size)
{
    const uint8_t *v128 = value->of.v128;
    uint32_t word;
    uint64_t bits;

    memcpy(&word, &value->of, sizeof word);
    memcpy(&bits, &value->of, sizeof bits);
    switch (value->kind) {
    case BEAMR_I32:
        (void)snprintf(buf, size, "(i32.const 0x%" PRIx32 ")", word);
        return buf;
    case BEAMR_I64:
        (void)snprintf(buf, size, "(i64.const 0x%" PRIx64 ")", bits);
        return buf;
    case BEAMR_F32:
        return float_text("f32", word, (double)value->of.f32, 32, buf, size);
    case BEAMR_F64:
        return float_text("f64", bits, value->of.f64, 64, buf, size);
    case BEAMR_V128:
        (void)snprintf(buf, size,
                       "(v128.const i32x4 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64
                       ")",
                       lane_bits(v128, 32, 0), lane_bits(v128, 32, 1), lane_bits(v128, 32, 2),
                       lane_bits(v128, 32, 3));
        return buf;
    default:
        return reference_text(value, buf, size);
    }
}
