/* printf into memory. A double is written out exactly, as an integer of many digits with a
 * decimal point somewhere, and then rounded to the digits asked for, halves to even.
 * Flags, width and precision; d i u x X o c s p f e g a and %; hh h l ll z j. No %n, no L.
 * Source: C11, "The fprintf function". */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    WORDS = 90, /* of nine digits: 2^53 * 5^1074 has 767 digits */
    DIGITS = WORDS * 9,
    BASE = 1000000000,
    PRECISION_MAX = 1100,     /* more digits than any double has */
    TEXT = 2 * PRECISION_MAX, /* room for one number */
};

/* 0.DIGITS * 10^point; no digits for zero, and no zero in front. */
typedef struct decimal {
    char digits[DIGITS];
    int count, point;
} decimal;

typedef struct spec {
    bool is_left, has_plus, has_space, has_zero, is_alternate;
    int width, precision; /* -1: none */
    char length, kind;    /* 'H' for hh, 'L' for ll */
} spec;

typedef struct sink {
    char *to;
    size_t size, len; /* len goes on beyond size */
} sink;

/* ---- Digits of a double ---- */

static int multiply(uint32_t *words, int count, uint32_t by)
{
    uint64_t carry = 0;

    for (int i = 0; i < count; i++) {
        carry += (uint64_t)words[i] * by;
        words[i] = (uint32_t)(carry % BASE);
        carry /= BASE;
    }
    if (carry)
        words[count++] = (uint32_t)carry;
    return count;
}

/* mantissa * 2^exponent, exactly. */
static void decimal_of(uint64_t mantissa, int exponent, decimal *out)
{
    uint32_t words[WORDS] = {(uint32_t)(mantissa % BASE), (uint32_t)(mantissa / BASE % BASE)};
    int count = 2, decimals = 0, first = 0;

    for (; exponent < 0 && mantissa % 2 == 0 && mantissa; exponent++) {
        mantissa /= 2;
        words[0] = (uint32_t)(mantissa % BASE);
        words[1] = (uint32_t)(mantissa / BASE % BASE);
    }
    for (; exponent > 0; exponent -= exponent < 29 ? exponent : 29)
        count = multiply(words, count, UINT32_C(1) << (exponent < 29 ? exponent : 29));
    for (; mantissa && exponent < 0; exponent++, decimals++) /* n / 2 is n * 5 / 10 */
        count = multiply(words, count, 5);
    out->count = 0;
    for (int i = count - 1; i >= 0; i--)
        for (uint32_t unit = BASE / 10; unit; unit /= 10)
            out->digits[out->count++] = (char)('0' + words[i] / unit % 10);
    while (first < out->count && out->digits[first] == '0')
        first++;
    out->point = out->count - first - decimals;
    out->count -= first;
    memmove(out->digits, out->digits + first, (size_t)out->count);
    while (out->count && out->digits[out->count - 1] == '0')
        out->count--;
}

/* Keep so many digits; may be negative. */
static void decimal_round(decimal *d, int keep)
{
    bool is_up;

    if (keep >= d->count)
        return;
    if (keep < 0) {
        d->count = 0;
        return;
    }
    is_up = d->digits[keep] > '5' ||
            (d->digits[keep] == '5' &&
             (keep + 1 < d->count || (keep > 0 && (d->digits[keep - 1] - '0') % 2 == 1)));
    d->count = keep;
    while (is_up && d->count && d->digits[d->count - 1] == '9')
        d->count--;
    if (is_up && d->count) {
        d->digits[d->count - 1]++;
    } else if (is_up) {
        d->digits[d->count++] = '1';
        d->point++;
    }
}

static char digit_at(const decimal *d, int i)
{
    return i >= 0 && i < d->count ? d->digits[i] : '0';
}

/* ---- Numbers as text; each returns the end ---- */

static char *put_fixed(char *at, const decimal *d, int precision, bool has_point)
{
    int first = d->point > 0 && d->count ? 0 : d->point - 1;

    if (!d->count)
        first = -1;
    for (int i = first; i < (d->count ? d->point : 0); i++)
        *at++ = digit_at(d, i);
    if (!d->count || d->point <= 0)
        at[-1] = '0';
    if (precision || has_point)
        *at++ = '.';
    for (int i = 0; i < precision; i++)
        *at++ = d->count ? digit_at(d, d->point + i) : '0';
    return at;
}

static char *put_exponent(char *at, char letter, int exponent, int least)
{
    unsigned n = (unsigned)(exponent < 0 ? -exponent : exponent);

    *at++ = letter;
    *at++ = exponent < 0 ? '-' : '+';
    if (n >= 1000)
        *at++ = (char)('0' + n / 1000);
    if (n >= 100)
        *at++ = (char)('0' + n / 100 % 10);
    if (n >= 10 || least > 1)
        *at++ = (char)('0' + n / 10 % 10);
    *at++ = (char)('0' + n % 10);
    return at;
}

static char *put_scientific(char *at, const decimal *d, const spec *s, int precision)
{
    *at++ = digit_at(d, 0);
    if (precision || s->is_alternate)
        *at++ = '.';
    for (int i = 1; i <= precision; i++)
        *at++ = digit_at(d, i);
    return put_exponent(at, s->kind < 'a' ? 'E' : 'e', d->count ? d->point - 1 : 0, 2);
}

/* As %e or %f, whichever suits, without zeros at the end. */
static char *put_general(char *at, decimal *d, const spec *s, int precision)
{
    int exponent, digits;

    precision += precision == 0;
    decimal_round(d, precision);
    while (d->count && d->digits[d->count - 1] == '0')
        d->count--;
    exponent = d->count ? d->point - 1 : 0;
    digits = s->is_alternate ? precision : d->count;
    if (exponent < -4 || exponent >= precision)
        return put_scientific(at, d, s, digits > 1 ? digits - 1 : 0);
    return put_fixed(at, d, digits - 1 > exponent ? digits - 1 - exponent : 0, s->is_alternate);
}

static char *put_hexadecimal(char *at, uint64_t mantissa, int exponent, const spec *s)
{
    const char *letters = s->kind < 'a' ? "0123456789ABCDEF" : "0123456789abcdef";
    int digits = 13;

    while (mantissa && !(mantissa >> 52)) {
        mantissa <<= 1;
        exponent--;
    }
    exponent = mantissa ? exponent + 52 : 0;
    if (s->precision >= 0 && s->precision < 13) {
        uint64_t unit = UINT64_C(1) << 4 * (13 - s->precision), rest = mantissa % unit;

        mantissa -= rest;
        mantissa += rest > unit / 2 || (rest == unit / 2 && mantissa / unit % 2) ? unit : 0;
    }
    if (s->precision >= 0)
        digits = s->precision;
    else
        while (digits && !(mantissa >> 4 * (13 - digits) & 15))
            digits--;
    *at++ = '0';
    *at++ = s->kind < 'a' ? 'X' : 'x';
    *at++ = (char)('0' + (mantissa >> 52));
    if (digits || s->is_alternate)
        *at++ = '.';
    for (int i = 1; i <= digits; i++)
        *at++ = i <= 13 ? letters[mantissa >> (52 - 4 * i) & 15] : '0';
    return put_exponent(at, s->kind < 'a' ? 'P' : 'p', exponent, 1);
}

/* A finite, positive number. */
static char *put_finite(char *at, uint64_t bits, const spec *s)
{
    static decimal d;
    uint64_t mantissa = bits & (UINT64_MAX >> 12);
    int field = (int)(bits >> 52), precision = s->precision < 0 ? 6 : s->precision;
    int exponent = field ? field - 1075 : -1074;

    mantissa |= field ? UINT64_C(1) << 52 : 0;
    if ((s->kind | 32) == 'a')
        return put_hexadecimal(at, mantissa, exponent, s);
    decimal_of(mantissa, exponent, &d);
    if ((s->kind | 32) == 'g')
        return put_general(at, &d, s, precision);
    if ((s->kind | 32) == 'e') {
        decimal_round(&d, precision + 1);
        return put_scientific(at, &d, s, precision);
    }
    decimal_round(&d, d.point + precision);
    return put_fixed(at, &d, precision, s->is_alternate);
}

static char *put_integer(char *at, uint64_t n, unsigned base, const spec *s)
{
    const char *letters = s->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[24], *first = digits + sizeof digits;
    int count;

    for (; n; n /= base)
        *--first = letters[n % base];
    count = (int)(digits + sizeof digits - first);
    for (int i = count; i < (s->precision < 0 ? 1 : s->precision); i++)
        *at++ = '0';
    memcpy(at, first, (size_t)count);
    return at + count;
}

/* ---- Fields ---- */

static void put(sink *out, const char *text, size_t len)
{
    if (out->len < out->size)
        memcpy(out->to + out->len, text,
               len < out->size - out->len ? len : out->size - out->len);
    out->len += len;
}

static void pad(sink *out, char with, size_t len, const spec *s)
{
    for (size_t i = len; s->width > 0 && i < (size_t)s->width; i++)
        put(out, &with, 1);
}

/* A field: the sign or the like, zeros, and the rest. */
static void put_field(sink *out, const char *sign, const char *text, size_t len, const spec *s)
{
    size_t sign_len = strlen(sign);

    if (!s->is_left && !s->has_zero)
        pad(out, ' ', sign_len + len, s);
    put(out, sign, sign_len);
    if (!s->is_left && s->has_zero)
        pad(out, '0', sign_len + len, s);
    put(out, text, len);
    if (s->is_left)
        pad(out, ' ', sign_len + len, s);
}

static const char *sign_of(bool is_negative, const spec *s)
{
    return is_negative ? "-" : s->has_plus ? "+" : s->has_space ? " " : "";
}

static void put_double(sink *out, double x, spec *s)
{
    static char text[TEXT];
    uint64_t bits;
    bool is_negative;
    char *end = text;

    memcpy(&bits, &x, sizeof bits);
    is_negative = bits >> 63;
    bits &= UINT64_MAX >> 1;
    if (bits >> 52 == 0x7ff) {
        const char *name = bits << 12 ? "nan" : "inf", *upper = bits << 12 ? "NAN" : "INF";

        s->has_zero = false;
        put_field(out, sign_of(is_negative, s), s->kind < 'a' ? upper : name, 3, s);
        return;
    }
    end = put_finite(text, bits, s);
    put_field(out, sign_of(is_negative, s), text, (size_t)(end - text), s);
}

static void put_number(sink *out, uint64_t n, bool is_signed, spec *s)
{
    static char text[TEXT];
    bool is_negative = is_signed && n >> 63;
    unsigned base = s->kind == 'o'                                       ? 8
                    : s->kind == 'x' || s->kind == 'X' || s->kind == 'p' ? 16
                                                                         : 10;
    const char *sign = is_signed ? sign_of(is_negative, s) : "";
    char *end;

    s->has_zero = s->has_zero && s->precision < 0;
    end = put_integer(text, is_negative ? 0 - n : n, base, s);
    if (s->kind == 'p' || (s->is_alternate && base == 16 && n))
        sign = s->kind == 'X' ? "0X" : "0x";
    else if (s->is_alternate && base == 8 && *text != '0')
        sign = "0";
    put_field(out, sign, text, (size_t)(end - text), s);
}

/* ---- The format ---- */

static const char *read_count(const char *at, int *out, va_list *args)
{
    *out = 0;
    if (*at == '*') {
        *out = va_arg(*args, int);
        return at + 1;
    }
    for (; *at >= '0' && *at <= '9'; at++)
        *out = *out < PRECISION_MAX ? *out * 10 + (*at - '0') : *out;
    return at;
}

static const char *read_spec(const char *at, spec *s, va_list *args)
{
    *s = (spec){.precision = -1};
    for (;; at++) {
        if (*at == '-')
            s->is_left = true;
        else if (*at == '+')
            s->has_plus = true;
        else if (*at == ' ')
            s->has_space = true;
        else if (*at == '0')
            s->has_zero = true;
        else if (*at == '#')
            s->is_alternate = true;
        else
            break;
    }
    at = read_count(at, &s->width, args);
    if (s->width < 0) {
        s->is_left = true;
        s->width = -s->width;
    }
    if (*at == '.')
        at = read_count(at + 1, &s->precision, args);
    s->precision = s->precision > PRECISION_MAX ? PRECISION_MAX : s->precision;
    for (; *at && strchr("hlzj", *at); at++)
        s->length = s->length == 'h' && *at == 'h' ? 'H' : *at;
    s->kind = *at;
    return *at ? at + 1 : at;
}

static uint64_t integer_argument(const spec *s, bool is_signed, va_list *args)
{
    if (s->length == 'l' || s->length == 'z' || s->length == 'j')
        return va_arg(*args, uint64_t);
    if (s->length == 'H')
        return is_signed ? (uint64_t)(signed char)va_arg(*args, int)
                         : (unsigned char)va_arg(*args, unsigned);
    if (s->length == 'h')
        return is_signed ? (uint64_t)(short)va_arg(*args, int)
                         : (unsigned short)va_arg(*args, unsigned);
    return is_signed ? (uint64_t)va_arg(*args, int) : va_arg(*args, unsigned);
}

static void put_text(sink *out, const char *text, spec *s)
{
    size_t len = 0;

    text = text ? text : "(null)";
    while ((s->precision < 0 || len < (size_t)s->precision) && text[len])
        len++;
    s->has_zero = false;
    put_field(out, "", text, len, s);
}

static void put_argument(sink *out, spec *s, va_list *args)
{
    char c;

    switch (s->kind) {
    case 'd':
    case 'i':
        put_number(out, integer_argument(s, true, args), true, s);
        break;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        put_number(out, integer_argument(s, false, args), false, s);
        break;
    case 'p':
        put_number(out, (uintptr_t)va_arg(*args, void *), false, s);
        break;
    case 'c':
        c = (char)va_arg(*args, int);
        s->has_zero = false;
        put_field(out, "", &c, 1, s);
        break;
    case 's':
        put_text(out, va_arg(*args, const char *), s);
        break;
    case '\0':
        break;
    case '%':
        put(out, "%", 1);
        break;
    default:
        put_double(out, va_arg(*args, double), s);
    }
}

int vsnprintf(char *restrict to, size_t size, const char *restrict format, va_list args)
{
    sink out = {to, size ? size - 1 : 0, 0};
    va_list copy;
    spec s;

    va_copy(copy, args);
    while (*format) {
        size_t plain = strcspn(format, "%");

        put(&out, format, plain);
        format += plain;
        if (*format) {
            format = read_spec(format + 1, &s, &copy);
            put_argument(&out, &s, &copy);
        }
    }
    va_end(copy);
    if (size)
        to[out.len < size ? out.len : size - 1] = '\0';
    return (int)out.len;
}

int snprintf(char *restrict to, size_t size, const char *restrict format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(to, size, format, args);
    va_end(args);
    return len;
}
