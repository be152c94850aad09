/* Numbers and other values as people write them: reading an argument, and printing a result.
 * Floats are printed with as few digits as read back equal. Neither way depends on the locale.
 * Calls with such arguments are in values.c.
 * Source: IEEE 754, "Details of conversion between floating-point data and external character
 * sequences". */
#include "beamr/values.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Reading ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

static bool is_hex(const char *word)
{
    return word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
}

/* Read an integer of at most `bits` bits, signed or unsigned.  Returns false if `word` is none.
 */
static bool parse_integer(const char *word, unsigned bits, beamr_arg *out)
{
    bool is_negative = *word == '-';
    uint64_t max = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    unsigned base;
    uint64_t n = 0;

    word += is_negative;
    base = is_hex(word) ? 16 : 10;
    word += base == 16 ? 2 : 0;
    if (is_negative)
        max = (max >> 1) + 1;
    if (!*word)
        return false;
    for (; *word; word++) {
        unsigned digit = (unsigned)hex_digit(*word);
        if (digit >= base || n > (max - digit) / base)
            return false;
        n = n * base + digit;
    }
    *out = (beamr_arg){.kind = BEAMR_ARG_INTEGER, .is_negative = is_negative, .magnitude = n};
    return true;
}

/* Step over digits, and add their number to *count. */
static const char *skip_digits(const char *p, int base, int *count)
{
    for (; hex_digit(*p) < base; p++)
        *count += 1;
    return p;
}

/* The whole word is a number with digits, perhaps a fraction, perhaps an exponent. What the C
 * library takes beyond that (spaces, words) is not a number here. */
static bool is_float(const char *p)
{
    int base, digits = 0, exponent_digits = 0;

    p += *p == '-';
    base = is_hex(p) ? 16 : 10;
    p += base == 16 ? 2 : 0;
    p = skip_digits(p, base, &digits);
    if (*p == '.')
        p = skip_digits(p + 1, base, &digits);
    if (digits == 0)
        return false;
    if (base == 16 ? *p == 'p' || *p == 'P' : *p == 'e' || *p == 'E') {
        p++;
        p = skip_digits(p + (*p == '-' || *p == '+'), 10, &exponent_digits);
        if (exponent_digits == 0)
            return false;
    }
    return *p == '\0';
}

/* What the C library makes of the text, rounded once to the format wanted. */
static double read_float(const char *text, bool is_single)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* takes no memory */
    locale_t before = uselocale(plain);
    double n = is_single ? (double)strtof(text, NULL) : strtod(text, NULL);

    uselocale(before);
    freelocale(plain);
    return n;
}

static bool parse_float(const char *word, bool is_single, beamr_arg *out)
{
    double n;

    if (strcmp(word, "nan") == 0)
        n = (double)NAN;
    else if (strcmp(word, "inf") == 0)
        n = (double)INFINITY;
    else if (strcmp(word, "-inf") == 0)
        n = (double)-INFINITY;
    else if (!is_float(word) || isinf(n = read_float(word, is_single)))
        return false; /* digits never mean infinity */
    *out = (beamr_arg){.kind = BEAMR_ARG_FLOAT, .number = n};
    return true;
}

/* A vector as beamr_value_text writes it. */
static bool parse_vector(const char *word, beamr_arg *out)
{
    beamr_arg arg = {.kind = BEAMR_ARG_VALUE, .value.kind = BEAMR_V128};

    if (!is_hex(word) || strlen(word) != 34)
        return false;
    for (size_t i = 0; i < 16; i++) {
        int high = hex_digit(word[2 + 2 * i]), low = hex_digit(word[3 + 2 * i]);
        if (high > 15 || low > 15)
            return false;
        arg.value.of.v128[15 - i] = (uint8_t)(high << 4 | low);
    }
    *out = arg;
    return true;
}

static bool parse_null(const char *word, beamr_kind kind, beamr_arg *out)
{
    if (strcmp(word, "null") != 0)
        return false;
    *out = (beamr_arg){.kind = BEAMR_ARG_VALUE, .value.kind = kind};
    return true;
}

static bool parse_kind(const char *word, beamr_kind kind, beamr_arg *out)
{
    switch (kind) {
    case BEAMR_I32:
    case BEAMR_I64:
        return parse_integer(word, kind == BEAMR_I32 ? 32 : 64, out);
    case BEAMR_F32:
    case BEAMR_F64:
        return parse_float(word, kind == BEAMR_F32, out);
    case BEAMR_V128:
        return parse_vector(word, out);
    default:
        return parse_null(word, kind, out);
    }
}

/* A word that says itself what it is. */
static bool parse_marked(const char *word, beamr_arg *out)
{
    static const struct {
        const char *mark;
        beamr_arg_kind kind;
    } marks[] = {
        {"text:", BEAMR_ARG_TEXT},
        {"json:", BEAMR_ARG_JSON},
        {"hex:", BEAMR_ARG_HEX},
        {"bytes:", BEAMR_ARG_HEX},
    };

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        size_t len = strlen(marks[i].mark);

        if (strncmp(word, marks[i].mark, len) == 0) {
            *out = (beamr_arg){.kind = marks[i].kind, .text = beamr_bytes_of(word + len)};
            return true;
        }
    }
    return false;
}

void beamr_arg_parse(const char *word, const beamr_valtype *type, beamr_arg *out)
{
    if (parse_marked(word, out))
        return;
    if (type ? parse_kind(word, beamr_valtype_kind(*type), out)
             : parse_integer(word, 64, out) || parse_float(word, false, out))
        return;
    *out = (beamr_arg){.kind = BEAMR_ARG_TEXT, .text = beamr_bytes_of(word)};
}

/* ---- Writing ---- */

enum {
    DIGITS_MAX = 17,     /* decimal digits that tell any two doubles apart */
    POSITIONAL_MAX = 16, /* digits before the point; beyond, an exponent is used */
    POSITIONAL_MIN = -4, /* least power of ten of a first digit without an exponent */
};

/* A positive finite number as digits: 0.DIGITS times ten to the power of `point`. */
typedef struct decimal {
    char digits[DIGITS_MAX + 2];
    int count;
    int point;
} decimal;

static bool reads_back(const decimal *d, double n, bool is_single)
{
    char text[48];
    double back;

    snprintf(text, sizeof text, "0.%se%d", d->digits, d->point);
    back = is_single ? (double)strtof(text, NULL) : strtod(text, NULL);
    return back == n;
}

/* Set to the `count` digits nearest to n. */
static void decimal_set(decimal *d, double n, int count)
{
    char text[40];
    char *e;

    snprintf(text, sizeof text, "%.*e", count - 1, n);
    e = strchr(text, 'e');
    d->digits[0] = text[0];
    if (count > 1)
        memcpy(d->digits + 1, text + 2, (size_t)count - 1);
    d->digits[count] = '\0';
    d->count = count;
    d->point = (int)strtol(e + 1, NULL, 10) + 1;
}

/* Add one to the last digit. */
static void decimal_step(decimal *d)
{
    int i = d->count - 1;

    while (i >= 0 && d->digits[i] == '9')
        d->digits[i--] = '0';
    if (i >= 0) {
        d->digits[i]++;
    } else {
        d->digits[0] = '1';
        d->point++;
    }
}

/* The fewest digits that read back as n. The nearest ones of a length may miss where those
 * above hit: below a power of two its neighbour is only half as far away. */
static void decimal_shortest(decimal *d, double n, bool is_single)
{
    for (int count = 1; count <= DIGITS_MAX; count++) {
        decimal_set(d, n, count);
        if (reads_back(d, n, is_single))
            break;
        decimal_step(d);
        if (reads_back(d, n, is_single))
            break;
    }
    while (d->count > 1 && d->digits[d->count - 1] == '0')
        d->digits[--d->count] = '\0';
}

/* Lay the digits out: 15.0, 0.001, 1.5e300. */
static void decimal_text(const decimal *d, const char *sign, char *buf, size_t size)
{
    int whole = d->point; /* digits before the point */

    if (whole - 1 < POSITIONAL_MIN || whole > POSITIONAL_MAX)
        snprintf(buf, size, "%s%c%s%se%d", sign, d->digits[0], d->count > 1 ? "." : "",
                 d->digits + 1, whole - 1);
    else if (whole <= 0)
        snprintf(buf, size, "%s0.%.*s%s", sign, -whole, "0000", d->digits);
    else if (whole >= d->count)
        snprintf(buf, size, "%s%s%.*s.0", sign, d->digits, whole - d->count,
                 "0000000000000000");
    else
        snprintf(buf, size, "%s%.*s.%s", sign, whole, d->digits, d->digits + whole);
}

static void float_text(double n, bool is_single, char *buf, size_t size)
{
    const char *sign = signbit(n) ? "-" : "";
    locale_t plain, before;
    decimal d;

    if (isnan(n)) {
        snprintf(buf, size, "nan");
    } else if (isinf(n)) {
        snprintf(buf, size, "%sinf", sign);
    } else if (n == 0) {
        snprintf(buf, size, "%s0.0", sign);
    } else {
        plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        before = uselocale(plain);
        decimal_shortest(&d, fabs(n), is_single);
        uselocale(before);
        freelocale(plain);
        decimal_text(&d, sign, buf, size);
    }
}

static void vector_text(const uint8_t bytes[16], char *buf, size_t size)
{
    char text[2 + 32 + 1] = "0x";

    for (size_t i = 0; i < 16; i++)
        snprintf(text + 2 + 2 * i, 3, "%02x", bytes[15 - i]);
    snprintf(buf, size, "%s", text);
}

const char *beamr_value_text(const beamr_value *value, char *buf, size_t size)
{
    switch (value->kind) {
    case BEAMR_I32:
        snprintf(buf, size, "%" PRId32, value->of.i32);
        break;
    case BEAMR_I64:
        snprintf(buf, size, "%" PRId64, value->of.i64);
        break;
    case BEAMR_F32:
        float_text((double)value->of.f32, true, buf, size);
        break;
    case BEAMR_F64:
        float_text(value->of.f64, false, buf, size);
        break;
    case BEAMR_V128:
        vector_text(value->of.v128, buf, size);
        break;
    case BEAMR_FUNCREF:
        snprintf(buf, size, "%s", value->of.func ? "func" : "null");
        break;
    case BEAMR_EXTERNREF:
        snprintf(buf, size, "%s", value->of.external ? "extern" : "null");
        break;
    case BEAMR_EXNREF:
        snprintf(buf, size, "%s", value->of.exception ? "exn" : "null");
        break;
    }
    return buf;
}
