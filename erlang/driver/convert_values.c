/* Values of the guest as terms, and terms that answer an import as values. What number fits
 * which type is the library's to say (beamr_arg_value). */
#include <math.h>

#include "driver/convert.h"

/* ---- Results of imports ---- */

static beamr_status fail_result(beamr_error *err, size_t index, const char *what)
{
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "result %zu: %s", index + 1, what);
}

static bool read_number(const drv_item *item, beamr_arg *out)
{
    *out = (beamr_arg){.kind = BEAMR_ARG_FLOAT, .number = item->number};
    if (item->kind == DRV_FLOAT)
        return true;
    if (drv_item_is_atom(item, "nan"))
        out->number = (double)NAN;
    else if (drv_item_is_atom(item, "infinity"))
        out->number = (double)INFINITY;
    else if (drv_item_is_atom(item, "neg_infinity"))
        out->number = -(double)INFINITY;
    else if (item->kind != DRV_INTEGER && item->kind != DRV_BIG)
        return false;
    if (item->kind == DRV_INTEGER || item->kind == DRV_BIG)
        *out = (beamr_arg){.kind = BEAMR_ARG_INTEGER,
                           .is_negative = item->is_negative,
                           .magnitude = item->magnitude,
                           .shift = item->kind == DRV_BIG ? item->shift : 0};
    return true;
}

static beamr_status convert(const drv_item *item, size_t index, beamr_valtype type,
                            beamr_value *out, beamr_error *err)
{
    beamr_arg number;

    if (!read_number(item, &number))
        return fail_result(err, index, "no number");
    return beamr_arg_value(&number, index, true, type, out, err);
}

/* Element i of a list whose head was read. */
static beamr_status read_element(drv_reader *reader, const drv_item *head, size_t i,
                                 drv_item *out, beamr_error *err)
{
    if (head->kind != DRV_STRING)
        return drv_read(reader, out, err);
    *out = (drv_item){.kind = DRV_INTEGER, .magnitude = head->bytes.data[i]};
    return BEAMR_OK;
}

/* A function without results may be answered with one number. */
static beamr_status read_ignored(drv_reader *reader, const drv_item *head, beamr_error *err)
{
    drv_item item;
    beamr_arg number;
    beamr_status st;

    if ((st = read_element(reader, head, 0, &item, err)) != BEAMR_OK)
        return st;
    if (!read_number(&item, &number))
        return fail_result(err, 0, "no number");
    return BEAMR_OK;
}

static beamr_status read_tail(drv_reader *reader, const drv_item *head, beamr_error *err)
{
    drv_item tail;
    beamr_status st;

    if (head->kind != DRV_LIST)
        return BEAMR_OK;
    if ((st = drv_read(reader, &tail, err)) != BEAMR_OK)
        return st;
    if (tail.kind != DRV_NIL)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the import's results are an improper list");
    return BEAMR_OK;
}

beamr_status drv_results_read(drv_reader *reader, const beamr_functype *type,
                              beamr_value *values, beamr_error *err)
{
    drv_item head, item;
    size_t count;
    beamr_status st;

    if ((st = drv_read(reader, &head, err)) != BEAMR_OK)
        return st;
    if (head.kind != DRV_LIST && head.kind != DRV_STRING && head.kind != DRV_NIL)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the import's results are no list");
    count = head.kind == DRV_LIST ? head.count : head.kind == DRV_STRING ? head.bytes.len : 0;
    if (count != type->result_count && !(count == 1 && type->result_count == 0))
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "wrong number of results of an import: %zu, not %zu", count,
                          type->result_count);
    if (type->result_count == 0 && count == 1 &&
        (st = read_ignored(reader, &head, err)) != BEAMR_OK)
        return st;
    for (size_t i = 0; i < type->result_count; i++) {
        if ((st = read_element(reader, &head, i, &item, err)) != BEAMR_OK ||
            (st = convert(&item, i, type->results[i], &values[i], err)) != BEAMR_OK)
            return st;
    }
    return read_tail(reader, &head, err);
}

/* ---- Values ---- */

static void put_float(drv_writer *w, double n)
{
    if (isfinite(n))
        drv_put_float(w, n);
    else
        drv_put_atom(w, isnan(n) ? "nan" : n > 0 ? "infinity" : "neg_infinity");
}

static void put_value(drv_writer *w, const beamr_value *value)
{
    bool is_null = true;

    switch (value->kind) {
    case BEAMR_I32:
        drv_put_int(w, value->of.i32);
        return;
    case BEAMR_I64:
        drv_put_int(w, value->of.i64);
        return;
    case BEAMR_F32:
        put_float(w, (double)value->of.f32);
        return;
    case BEAMR_F64:
        put_float(w, value->of.f64);
        return;
    case BEAMR_V128:
        drv_put_binary(w, (beamr_bytes){value->of.v128, sizeof value->of.v128});
        return;
    case BEAMR_FUNCREF:
        is_null = value->of.func == NULL;
        break;
    case BEAMR_EXTERNREF:
        is_null = value->of.external == NULL;
        break;
    case BEAMR_EXNREF:
        is_null = value->of.exception == NULL;
        break;
    }
    drv_put_atom(w, is_null ? "null" : "ref");
}

void drv_put_values(drv_writer *w, const beamr_value *values, size_t count)
{
    drv_put_list(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        put_value(w, &values[i]);
    drv_put_nil(w);
}
