/* Parameters and results: values of messages as those of guests and back, and signatures.
 *
 *   parameter      takes
 *   i32, i64       an integer in the signed or unsigned range; a float that is one
 *   f32, f64       a float or an integer; the atoms of dev_special_float
 *   an address     a binary or an atom, copied as text; a message or a list, copied as JSON
 *
 * What takes two parameters, address and length, is decided by the number of parameters, as
 * beamr/values.h says. Decimal text is text, not a number.
 * Source: the engine binding of AO-Core, "Value conversion". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "device/state_internal.h"

ao_value run_list(const beamr_value *values, size_t count)
{
    ao_value few[STATE_VALUES] = {AO_NO_VALUE}, *items = few, list;

    if (count > STATE_VALUES && !(items = malloc(count * sizeof *items)))
        return AO_NO_VALUE;
    for (size_t i = 0; i < count; i++)
        items[i] = dev_value(&values[i]);
    list = ao_list_new(items, count);
    if (items != few)
        free(items);
    return list;
}

/* ---- Parameters ---- */

/* A special float stands for a number only where a float is wanted. */
static bool is_text(ao_value value, const beamr_valtype *type)
{
    beamr_kind kind = type ? beamr_valtype_kind(*type) : BEAMR_I32;
    double number;

    if (value.kind == AO_ATOM)
        return (kind != BEAMR_F32 && kind != BEAMR_F64) || !dev_special_float(value, &number);
    return value.kind == AO_BINARY;
}

bool run_are_numbers(ao_value parameters, const beamr_functype *type)
{
    size_t count = ao_list_count(parameters);

    if (count != type->param_count)
        return false; /* some take two */
    for (size_t i = 0; i < count; i++)
        if (is_text(ao_list_at(parameters, i), &type->params[i]))
            return false;
    return true;
}

static const char *kind_text(beamr_kind kind)
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

static beamr_status fail_parameter(ao_value value, size_t i, beamr_kind kind, beamr_error *err)
{
    char buffer[AO_INTEGER_TEXT_SIZE];
    beamr_value number = beamr_f64(value.kind == AO_FLOAT ? value.of.number : 0);
    beamr_bytes text;
    char shown[48];

    if (value.kind == AO_FLOAT)
        text = beamr_bytes_of(beamr_value_text(&number, shown, sizeof shown));
    else if (value.kind == AO_INTEGER)
        text = ao_integer_text(value, buffer);
    else
        text = beamr_bytes_of("this value");
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "parameter %zu: %.*s is no %s", i + 1,
                      (int)(text.len < 40 ? text.len : 40), (const char *)text.data,
                      kind_text(kind));
}

/* Messages and lists as JSON; the rest as it is. */
static beamr_status plain_list(ao_value list, BEAMR_OWN ao_value *out, beamr_error *err)
{
    size_t count = ao_list_count(list), i;
    ao_value *items = calloc(count ? count : 1, sizeof *items);
    beamr_status st =
        items ? BEAMR_OK
              : beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu parameters", count);

    for (i = 0; st == BEAMR_OK && i < count; i++) {
        ao_value item = AO_NO_VALUE;

        if ((st = ao_value_load(ao_list_at(list, i), &item, err)) != BEAMR_OK)
            break;
        if (item.kind == AO_MESSAGE || item.kind == AO_LIST)
            st = run_json(item, &items[i], err);
        else
            items[i] = ao_value_ref(item);
        if (st != BEAMR_OK)
            break;
    }
    if (st == BEAMR_OK) {
        *out = ao_list_new(items, count);
        if (out->kind == AO_NONE)
            st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu parameters", count);
    } else {
        while (i-- > 0)
            ao_value_unref(items[i]);
    }
    free(items);
    return st;
}

static bool is_plain(ao_value list)
{
    size_t count = ao_list_count(list);

    for (size_t i = 0; i < count; i++) {
        ao_kind kind = ao_list_at(list, i).kind;

        if (kind == AO_MESSAGE || kind == AO_LIST || kind == AO_LINK)
            return false;
    }
    return true;
}

static size_t count_texts(ao_value list, const beamr_functype *type)
{
    size_t count = ao_list_count(list), texts = 0;
    bool is_aligned = count == type->param_count;

    for (size_t i = 0; i < count; i++)
        texts += is_text(ao_list_at(list, i), is_aligned ? &type->params[i] : NULL);
    return texts;
}

static beamr_status check_counts(const beamr_module *module, const beamr_functype *type,
                                 size_t count, size_t texts, beamr_error *err)
{
    if (count != type->param_count && count + texts != type->param_count)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the function takes %zu parameter%s, and %zu %s given%s",
                          type->param_count, type->param_count == 1 ? "" : "s", count,
                          count == 1 ? "was" : "were",
                          texts > 0 ? " (text may take two: address and length)" : "");
    if (texts > 0 && beamr_module_convention(module) == BEAMR_CONVENTION_NONE)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "a parameter is text, and the module exports no allocator to copy it "
                          "with (malloc)");
    return BEAMR_OK;
}

static beamr_status check(const beamr_module *module, const beamr_functype *type, ao_value list,
                          beamr_error *err)
{
    size_t count = ao_list_count(list), texts = count_texts(list, type), p = 0;
    bool has_pairs = count != type->param_count;
    beamr_status st = check_counts(module, type, count, texts, err);

    for (size_t i = 0; st == BEAMR_OK && i < count; i++, p++) {
        ao_value item = ao_list_at(list, i);
        beamr_kind kind = beamr_valtype_kind(type->params[p]);
        beamr_value value;

        if (!is_text(item, &type->params[p])) {
            if (!dev_number(item, beamr_valtype_kind(type->params[p]), &value))
                st = fail_parameter(item, i, kind, err);
            continue;
        }
        if (kind != BEAMR_I32 && kind != BEAMR_I64)
            st = beamr_fail(err, BEAMR_ARGUMENT, 0, "parameter %zu is text, and no %s", i + 1,
                            kind_text(kind));
        p += has_pairs;
        if (p >= type->param_count)
            st = beamr_fail(err, BEAMR_ARGUMENT, 0, "parameter %zu: too many", i + 1);
    }
    return st;
}

beamr_status run_parameters(const beamr_module *module, const beamr_functype *type,
                            ao_value parameters, BEAMR_OWN ao_value *out, beamr_error *err)
{
    ao_value list = AO_NO_VALUE;
    beamr_status st;

    if (parameters.kind != AO_LIST && parameters.kind != AO_NONE)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the parameters are no list");
    if (is_plain(parameters))
        list = ao_value_ref(parameters);
    else if ((st = plain_list(parameters, &list, err)) != BEAMR_OK)
        return st;
    if ((st = check(module, type, list, err)) != BEAMR_OK) {
        ao_value_unref(list);
        return st;
    }
    *out = list;
    return BEAMR_OK;
}

/* Checked before. */
void run_args(ao_value parameters, const beamr_functype *type, beamr_arg *args)
{
    size_t count = ao_list_count(parameters), p = 0;
    bool has_pairs = count != type->param_count;

    for (size_t i = 0; i < count; i++, p++) {
        ao_value item = ao_list_at(parameters, i);

        args[i] = (beamr_arg){.kind = BEAMR_ARG_VALUE};
        if (is_text(item, &type->params[p])) {
            args[i].kind = BEAMR_ARG_TEXT;
            args[i].text = ao_text(item);
            p += has_pairs;
        } else {
            (void)dev_number(item, beamr_valtype_kind(type->params[p]), &args[i].value);
        }
    }
}

/* ---- Texts ---- */

static char letter(beamr_valtype type)
{
    static const char letters[] = {
        [BEAMR_I32] = 'i',       [BEAMR_I64] = 'I',    [BEAMR_F32] = 'f',
        [BEAMR_F64] = 'F',       [BEAMR_V128] = 'v',   [BEAMR_FUNCREF] = 'r',
        [BEAMR_EXTERNREF] = 'e', [BEAMR_EXNREF] = 'u',
    };

    return letters[beamr_valtype_kind(type)];
}

void run_signature(const beamr_functype *type, char *out, size_t size)
{
    char *at = out;

    if (type->param_count + type->result_count + 3 > size) {
        (void)snprintf(out, size, "(...)");
        return;
    }
    *at++ = '(';
    for (size_t i = 0; i < type->param_count; i++)
        *at++ = letter(type->params[i]);
    *at++ = ')';
    for (size_t i = 0; i < type->result_count; i++)
        *at++ = letter(type->results[i]);
    *at = '\0';
}

ao_value run_failure(const beamr_error *err, const char *words)
{
    enum { FRAMES = 8 };
    char text[BEAMR_ERROR_TEXT_SIZE + STATE_WORDS + FRAMES * 96 + 64];
    size_t len = (size_t)snprintf(text, sizeof text, "%s%s%s", err->text, words ? ": " : "",
                                  words ? words : "");
    bool is_exit = err->status == BEAMR_TRAP && err->trap == BEAMR_TRAP_EXIT;
    uint32_t shown = err->frame_count < FRAMES ? err->frame_count : FRAMES;

    if (is_exit) /* where it ended itself is no fault to be found */
        shown = 0;
    for (uint32_t i = 0; i < shown; i++) {
        const beamr_frame *f = &err->frames[i];

        len += (size_t)snprintf(text + len, sizeof text - len,
                                f->name[0] ? "%s%s (function %" PRIu32 ")"
                                           : "%s%sfunction %" PRIu32,
                                i == 0 ? "; in " : " < ", f->name, f->func);
    }
    if (err->frame_total > shown && shown > 0)
        len += (size_t)snprintf(text + len, sizeof text - len, " < %" PRIu32 " more",
                                err->frame_total - shown);
    return ao_binary_copy((beamr_bytes){(const uint8_t *)text, len});
}
