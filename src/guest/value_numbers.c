/* Arguments that become parameters as they are: numbers, converted to the parameter's type,
 * values of exactly that type, and addresses. What fits is decided here; nothing is rounded
 * twice, and no integer wraps.
 * Read next: values.c, which goes through the arguments. */
#include "guest/value.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

beamr_status guest_arg_fail(beamr_error *err, beamr_status status, const guest_arg *at,
                            uint64_t offset, const char *format, ...)
{
    enum { NAME_MAX_SHOWN = 64 };
    const char *name = at->arg->name;
    const char *what = at->is_result ? "result" : "argument";
    char text[BEAMR_ERROR_TEXT_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (name)
        return beamr_fail(err, status, offset, "%s %zu (%.*s)%s", what, at->index + 1,
                          NAME_MAX_SHOWN, name, text);
    return beamr_fail(err, status, offset, "%s %zu%s", what, at->index + 1, text);
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
              ? arg->shift == 0 && integer_fits(arg->is_negative, arg->magnitude, bits, &n)
              : float_fits(arg->number, bits, &n)))
        return false;
    *out = kind == BEAMR_I32 ? beamr_i32((int32_t)(uint32_t)n) : beamr_i64((int64_t)n);
    return true;
}

/* A finite number stays finite: one beyond the type's range is refused. */
static bool float_param(const beamr_arg *arg, beamr_kind kind, beamr_value *out)
{
    bool is_integer = arg->kind == BEAMR_ARG_INTEGER;
    int shift = (int)(arg->shift < INT_MAX ? arg->shift : INT_MAX);
    double d;
    float f;

    if (kind == BEAMR_F64) {
        d = is_integer ? ldexp((double)arg->magnitude, shift) : arg->number;
        *out = beamr_f64(is_integer && arg->is_negative ? -d : d);
        return !is_integer || !isinf(d);
    }
    /* not by way of a double, which would round an integer twice */
    f = is_integer ? ldexpf((float)arg->magnitude, shift) : (float)arg->number;
    *out = beamr_f32(is_integer && arg->is_negative ? -f : f);
    return !isinf(f) || (!is_integer && isinf(arg->number));
}

static beamr_status fail_range(const guest_arg *at, beamr_kind kind, beamr_error *err)
{
    const beamr_arg *arg = at->arg;
    beamr_value number = beamr_f64(arg->number);
    char text[48];

    if (arg->kind == BEAMR_ARG_INTEGER && arg->shift > 0)
        return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0,
                              ": an integer beyond 64 bits is no %s", guest_kind_text(kind));
    if (arg->kind == BEAMR_ARG_INTEGER)
        return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0, ": %s%" PRIu64 " is no %s",
                              arg->is_negative ? "-" : "", arg->magnitude,
                              guest_kind_text(kind));
    beamr_value_text(&number, text, sizeof text);
    return kind == BEAMR_F32
               ? guest_arg_fail(err, BEAMR_ARGUMENT, at, 0, ": %s is beyond the range of f32",
                                text)
               : guest_arg_fail(err, BEAMR_ARGUMENT, at, 0, ": %s is no integer of type %s",
                                text, guest_kind_text(kind));
}

/* "the function takes i64". */
static beamr_status fail_kind(const guest_arg *at, const char *given, beamr_kind kind,
                              beamr_error *err)
{
    return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0, " is %s, and the function %s %s", given,
                          at->is_result ? "gives" : "takes", guest_kind_text(kind));
}

beamr_status guest_number_param(const guest_arg *at, beamr_valtype type, beamr_value *out,
                                beamr_error *err)
{
    const beamr_arg *arg = at->arg;
    beamr_kind kind = beamr_valtype_kind(type);
    bool fits;

    if (beamr_arg_is_copied(arg))
        return fail_kind(at, guest_copied_text(arg->kind), kind, err);
    if (arg->kind == BEAMR_ARG_VALUE) {
        if (arg->value.kind != kind)
            return fail_kind(at, guest_kind_text(arg->value.kind), kind, err);
        *out = arg->value;
        return BEAMR_OK;
    }
    if (kind == BEAMR_I32 || kind == BEAMR_I64)
        fits = integer_param(arg, kind, out);
    else if (kind == BEAMR_F32 || kind == BEAMR_F64)
        fits = float_param(arg, kind, out);
    else
        return fail_kind(at, "a number", kind, err);
    return fits ? BEAMR_OK : fail_range(at, kind, err);
}

beamr_status beamr_arg_value(const beamr_arg *arg, size_t index, bool is_result,
                             beamr_valtype type, beamr_value *out, beamr_error *err)
{
    guest_arg at = {arg, index, is_result};

    return guest_number_param(&at, type, out, err);
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
