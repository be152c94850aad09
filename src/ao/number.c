/* Integers of any size, and numbers by value.
 * An integer beyond 64 bits is kept as its canonical decimal text, as nobody computes with it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ao/internal.h"

struct ao_digits {
    ao_object object;
    size_t len;
    char text[]; /* `-` and digits, the first of which is no zero */
};

ao_value ao_integer(int64_t n)
{
    return (ao_value){.kind = AO_INTEGER, .of.integer = n};
}

ao_value ao_float(double number)
{
    if (!isfinite(number))
        return VALUE_NONE(REASON_NOT_FINITE);
    return (ao_value){.kind = AO_FLOAT, .of.number = number};
}

beamr_bytes digits_text(const ao_digits *digits)
{
    return (beamr_bytes){(const uint8_t *)digits->text, digits->len};
}

static void destroy_digits(ao_object *object)
{
    free(object);
}

/* Digits without leading zeros, too many for 64 bits. */
static ao_value new_digits(bool is_negative, beamr_bytes digits)
{
    ao_digits *big = malloc(sizeof *big + digits.len + 1);

    if (!big)
        return AO_NO_VALUE;
    object_init(&big->object, destroy_digits);
    big->text[0] = '-';
    memcpy(big->text + is_negative, digits.data, digits.len);
    big->len = digits.len + is_negative;
    return (ao_value){.kind = AO_INTEGER, .is_big = true, .of.digits = big};
}

beamr_status ao_integer_read(beamr_bytes text, ao_value *out, beamr_error *err)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';
    size_t first = is_negative;
    ao_value value;
    int64_t small;

    if (first == text.len)
        return beamr_fail(err, BEAMR_ARGUMENT, first, "an integer has no digits");
    for (size_t i = first; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return beamr_fail(err, BEAMR_ARGUMENT, i, "byte 0x%02x in an integer is no digit",
                              text.data[i]);
    if (key_integer(text, &small)) {
        *out = ao_integer(small);
        return BEAMR_OK;
    }
    while (text.data[first] == '0')
        first++;
    if (text.len - first > AO_INTEGER_DIGITS_MAX)
        return beamr_fail(err, BEAMR_LIMIT, first + AO_INTEGER_DIGITS_MAX,
                          "an integer has %zu digits, and %d are allowed", text.len - first,
                          AO_INTEGER_DIGITS_MAX);
    value = new_digits(is_negative, (beamr_bytes){text.data + first, text.len - first});
    if (value.kind == AO_NONE)
        return value_fail(value, err);
    *out = value;
    return BEAMR_OK;
}

beamr_bytes ao_integer_text(ao_value value, char buffer[AO_INTEGER_TEXT_SIZE])
{
    uint64_t rest;
    size_t at = AO_INTEGER_TEXT_SIZE;

    if (value.kind != AO_INTEGER)
        return (beamr_bytes){NULL, 0};
    if (value.is_big)
        return digits_text(value.of.digits);
    rest = value.of.integer < 0 ? 0 - (uint64_t)value.of.integer : (uint64_t)value.of.integer;
    do
        buffer[--at] = (char)('0' + rest % 10);
    while ((rest /= 10));
    if (value.of.integer < 0)
        buffer[--at] = '-';
    return (beamr_bytes){(const uint8_t *)buffer + at, AO_INTEGER_TEXT_SIZE - at};
}

bool ao_to_integer(ao_value value, int64_t *out)
{
    beamr_bytes text = ao_bytes(value);

    if (value.kind == AO_INTEGER && !value.is_big) {
        *out = value.of.integer;
        return true;
    }
    return value.kind == AO_BINARY && text.len > 0 && text.data[0] != '+' &&
           key_integer(text, out);
}

/* The float is an integer, and this one. Its decimal text has at most 309 digits. */
static bool is_number(ao_value integer, double number)
{
    char text[320];
    int len;

    if (number != trunc(number))
        return false;
    if (!integer.is_big)
        return number >= -0x1p63 && number < 0x1p63 && (int64_t)number == integer.of.integer;
    len = snprintf(text, sizeof text, "%.0f", number); /* every digit, exactly */
    return len > 0 && text_equal(digits_text(integer.of.digits),
                                 (beamr_bytes){(const uint8_t *)text, (size_t)len});
}

bool number_equal(ao_value a, ao_value b)
{
    if (a.kind == AO_FLOAT && b.kind == AO_FLOAT)
        return a.of.number == b.of.number;
    if (a.kind == AO_FLOAT)
        return b.kind == AO_INTEGER && is_number(b, a.of.number);
    if (a.kind != AO_INTEGER)
        return false;
    if (b.kind == AO_FLOAT)
        return is_number(a, b.of.number);
    if (b.kind != AO_INTEGER || a.is_big != b.is_big)
        return false;
    return a.is_big ? text_equal(digits_text(a.of.digits), digits_text(b.of.digits))
                    : a.of.integer == b.of.integer;
}
