/* Arguments that become parameters as they are: numbers, converted to the parameter's type,
 * values of exactly that type, and addresses. What fits is decided here; nothing is rounded
 * twice, and no integer wraps.
 * Read next: values.c, which goes through the arguments. */
#include "guest/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

beamr_status guest_arg_fail(beamr_error *err, beamr_status status, const guest_arg *at,
                            uint64_t offset, const char *format, ...)
{
    enum { NAME_MAX_SHOWN = 64 };
    const char *name = at->arg->name;
    char text[BEAMR_ERROR_TEXT_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (name)
        return beamr_fail(err, status, offset, "argument %zu (%.*s)%s", at->index + 1,
                          NAME_MAX_SHOWN, name, text);
    return beamr_fail(err, status, offset, "argument %zu%s", at->index + 1, text);
}

const char *guest_kind_text(beamr_kind kind)
{
    static const char *const texts[] = {
        [BEAMR_I32] = "i32",
        [BEAMR_I64] = "i64",
        [BEAMR_F32] = "f32",
        [BEAMR_F64] = "f64",
        [BEAMR_V128] = "v128",
        [BEAMR_FUNCREF] = "a function reference",
        [BEAMR_EXTERNREF] = "an external reference",
        [BEAMR_EXNREF] = "an exception reference",
    };

    return texts[kind];
}

/* The integer as the parameter's bits, in the signed or unsigned range of `bits` of them. */
static bool integer_fits(bool is_negative, uint64_t magnitude, unsigned bits, uint64_t *out)
{
    uint64_t max = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

    if (magnitude > (is_negative ? (max >> 1) + 1 : max))
        return false;
    *out = is_negative ? -magnitude : magnitude;
    return true;
}

static bool float_fits(double number, unsigned bits, uint64_t *out)
{
    /* Also false for NaN; the powers of two are exact, so nothing beyond them is converted. */
    if (!(fabs(number) < ldexp(1.0, (int)bits)) || trunc(number) != number)
        return false;
    return integer_fits(number < 0, (uint64_t)fabs(number), bits, out);
}

static bool integer_param(const beamr_arg *arg, beamr_kind kind, beamr_value *out)
{
    unsigned bits = kind == BEAMR_I32 ? 32 : 64;
    uint64_t n;

    if (!(arg->kind == BEAMR_ARG_INTEGER
              ? integer_fits(arg->is_negative, arg->magnitude, bits, &n)
              : float_fits(arg->number, bits, &n)))
        return false;
    *out = kind == BEAMR_I32 ? beamr_i32((int32_t)(uint32_t)n) : beamr_i64((int64_t)n);
    return true;
}

static void float_param(const beamr_arg *arg, beamr_kind kind, beamr_value *out)
{
    if (kind == BEAMR_F64) {
        double n = arg->kind == BEAMR_ARG_FLOAT ? arg->number : (double)arg->magnitude;
        *out = beamr_f64(arg->kind == BEAMR_ARG_INTEGER && arg->is_negative ? -n : n);
    } else { /* not by way of a double, which would round an integer twice */
        float n = arg->kind == BEAMR_ARG_FLOAT ? (float)arg->number : (float)arg->magnitude;
        *out = beamr_f32(arg->kind == BEAMR_ARG_INTEGER && arg->is_negative ? -n : n);
    }
}

static beamr_status fail_range(const guest_arg *at, beamr_kind kind, beamr_error *err)
{
    const beamr_arg *arg = at->arg;
    beamr_value number = beamr_f64(arg->number);
    char text[48];

    if (arg->kind == BEAMR_ARG_FLOAT)
        return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0, ": %s is no integer of type %s",
                              beamr_value_text(&number, text, sizeof text),
                              guest_kind_text(kind));
    return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0, ": %s%" PRIu64 " is no %s",
                          arg->is_negative ? "-" : "", arg->magnitude, guest_kind_text(kind));
}

beamr_status guest_number_param(const guest_arg *at, beamr_valtype type, beamr_value *out,
                                beamr_error *err)
{
    const beamr_arg *arg = at->arg;
    beamr_kind kind = beamr_valtype_kind(type);

    if (arg->kind == BEAMR_ARG_VALUE) {
        if (arg->value.kind != kind)
            return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0,
                                  " is %s, and the function takes %s",
                                  guest_kind_text(arg->value.kind), guest_kind_text(kind));
        *out = arg->value;
        return BEAMR_OK;
    }
    if (kind == BEAMR_I32 || kind == BEAMR_I64)
        return integer_param(arg, kind, out) ? BEAMR_OK : fail_range(at, kind, err);
    if (kind == BEAMR_F32 || kind == BEAMR_F64) {
        float_param(arg, kind, out);
        return BEAMR_OK;
    }
    return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0, " is a number, and the function takes %s",
                          guest_kind_text(kind));
}

/* ---- Addresses ---- */

const char *guest_copied_text(beamr_arg_kind kind)
{
    return kind == BEAMR_ARG_TEXT                             ? "text"
           : kind == BEAMR_ARG_JSON || kind == BEAMR_ARG_TREE ? "JSON"
                                                              : "bytes";
}

beamr_status guest_address_param(const guest_arg *at, uint64_t n, beamr_valtype type,
                                 beamr_value *out, beamr_error *err)
{
    beamr_kind kind = beamr_valtype_kind(type);

    if (kind != BEAMR_I32 && kind != BEAMR_I64)
        return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0, " is %s, and the function takes %s",
                              guest_copied_text(at->arg->kind), guest_kind_text(kind));
    if (kind == BEAMR_I32 && n > UINT32_MAX)
        return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0,
                              ": 0x%" PRIx64 " does not fit the function's i32", n);
    *out = guest_address_value(kind, n);
    return BEAMR_OK;
}
