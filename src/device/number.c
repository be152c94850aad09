/* Numbers of messages as values of guests, and back: device/internal.h. Nothing is rounded to
 * fit an integer; decimal text is text, not a number. Source: the engine binding of AO-Core,
 * "Value conversion". */
#include <math.h>

#include "beamr/values.h"
#include "device/internal.h"

/* An integer of at most 64 bits with its sign. */
static bool integer_parts(ao_value value, bool *is_negative, uint64_t *magnitude)
{
    char buffer[AO_INTEGER_TEXT_SIZE];
    beamr_bytes text;
    uint64_t n = 0;

    if (!value.is_big) {
        *is_negative = value.of.integer < 0;
        *magnitude = *is_negative ? -(uint64_t)value.of.integer : (uint64_t)value.of.integer;
        return true;
    }
    text = ao_integer_text(value, buffer);
    *is_negative = text.len > 0 && text.data[0] == '-';
    for (size_t i = *is_negative; i < text.len; i++) {
        unsigned digit = (unsigned)(text.data[i] - '0');

        if (n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *magnitude = n;
    return true;
}

static bool float_parts(double number, bool *is_negative, uint64_t *magnitude)
{
    if (!(fabs(number) < 0x1p64) || trunc(number) != number)
        return false;
    *is_negative = number < 0;
    *magnitude = (uint64_t)fabs(number);
    return true;
}

static bool to_integer(ao_value value, unsigned bits, uint64_t *out)
{
    uint64_t max = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1, magnitude;
    bool is_negative;

    if (!(value.kind == AO_INTEGER ? integer_parts(value, &is_negative, &magnitude)
                                   : float_parts(value.of.number, &is_negative, &magnitude)) ||
        magnitude > (is_negative ? (max >> 1) + 1 : max))
        return false;
    *out = is_negative ? -magnitude : magnitude;
    return true;
}

bool dev_special_float(ao_value value, double *out)
{
    if (value.kind != AO_ATOM)
        return false;
    if (ao_is_atom(value, "nan"))
        *out = (double)NAN;
    else if (ao_is_atom(value, "inf") || ao_is_atom(value, "infinity"))
        *out = (double)INFINITY;
    else if (ao_is_atom(value, "-inf") || ao_is_atom(value, "neg_infinity"))
        *out = -(double)INFINITY;
    else
        return false;
    return true;
}

static bool to_f32(ao_value value, float *out)
{
    uint64_t magnitude;
    bool is_negative;
    double number;

    if (value.kind == AO_INTEGER) { /* not by way of a double, which would round twice */
        if (!integer_parts(value, &is_negative, &magnitude))
            return false;
        *out = is_negative ? -(float)magnitude : (float)magnitude;
        return true;
    }
    if (dev_special_float(value, &number)) {
        *out = (float)number;
        return true;
    }
    if (value.kind != AO_FLOAT || isinf((float)value.of.number))
        return false;
    *out = (float)value.of.number;
    return true;
}

static bool to_f64(ao_value value, double *out)
{
    uint64_t magnitude;
    bool is_negative;

    if (dev_special_float(value, out))
        return true;
    if (value.kind == AO_FLOAT) {
        *out = value.of.number;
        return true;
    }
    if (value.kind != AO_INTEGER || !integer_parts(value, &is_negative, &magnitude))
        return false;
    *out = is_negative ? -(double)magnitude : (double)magnitude;
    return true;
}

static bool is_number(ao_value value)
{
    return value.kind == AO_INTEGER || value.kind == AO_FLOAT;
}

bool dev_number(ao_value value, beamr_kind kind, beamr_value *out)
{
    uint64_t bits;

    out->kind = kind;
    switch (kind) {
    case BEAMR_I32:
        if (!is_number(value) || !to_integer(value, 32, &bits))
            return false;
        out->of.i32 = (int32_t)(uint32_t)bits;
        return true;
    case BEAMR_I64:
        if (!is_number(value) || !to_integer(value, 64, &bits))
            return false;
        out->of.i64 = (int64_t)bits;
        return true;
    case BEAMR_F32:
        return to_f32(value, &out->of.f32);
    case BEAMR_F64:
        return to_f64(value, &out->of.f64);
    default:
        return false;
    }
}

ao_value dev_value(const beamr_value *value)
{
    double number;
    char text[48];

    switch (value->kind) {
    case BEAMR_I32:
        return ao_integer(value->of.i32);
    case BEAMR_I64:
        return ao_integer(value->of.i64);
    case BEAMR_F32:
    case BEAMR_F64:
        number = value->kind == BEAMR_F32 ? (double)value->of.f32 : value->of.f64;
        if (isfinite(number))
            return ao_float(number);
        return ao_atom(isnan(number) ? "nan" : number > 0 ? "infinity" : "neg_infinity");
    default:
        return ao_binary_text(beamr_value_text(value, text, sizeof text));
    }
}
