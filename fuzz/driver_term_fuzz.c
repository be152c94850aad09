/* Fuzz target: any bytes as terms of Erlang's. What is stepped over can be read step by step,
 * is written again, and then reads the same; as arguments of a call, as results of an import
 * and as text the bytes are taken or refused with a text. Whatever happens, nothing behind them
 * is read. The first byte chooses the type that results are read for. Seeds:
 * seeds/driver_term/; written by Erlang's term_to_binary, a byte in front. */
#include "fuzz.h"

#include <math.h>

#include "../erlang/test/unit/played_binary.h"
#include "driver/convert.h"

/* ---- Round trip ---- */

static void put_item(drv_writer *w, const drv_item *item)
{
    switch (item->kind) {
    case DRV_INTEGER:
        if (!item->is_negative)
            drv_put_uint(w, item->magnitude);
        else if (item->magnitude <= UINT64_C(1) << 63)
            drv_put_int(w, (int64_t)-item->magnitude);
        else
            drv_put_term(w, (beamr_bytes){(const uint8_t *)"n\1\1\1", 4}); /* beyond: -1 */
        break;
    case DRV_FLOAT:
        FUZZ_CHECK(isfinite(item->number));
        drv_put_float(w, item->number);
        break;
    case DRV_BINARY:
    case DRV_STRING:
    case DRV_ATOM:
        drv_put_binary(w, item->bytes);
        break;
    case DRV_NIL:
        drv_put_nil(w);
        break;
    case DRV_LIST: /* improper, or of no elements: as a tuple, so that its tail has a place */
        drv_put_tuple(w, item->count + 1);
        break;
    case DRV_TUPLE:
        drv_put_tuple(w, item->count);
        break;
    case DRV_MAP:
        drv_put_map(w, item->count);
        break;
    case DRV_BIG:
    case DRV_REF:
    case DRV_OTHER:
        drv_put_term(w, item->bytes);
        break;
    }
}

static bool is_text(drv_kind kind)
{
    return kind == DRV_BINARY || kind == DRV_STRING || kind == DRV_ATOM;
}

/* Both are at items that were written of each other. */
static void check_item(const drv_item *a, const drv_item *b)
{
    if (is_text(a->kind)) {
        FUZZ_CHECK(b->kind == DRV_BINARY && a->bytes.len == b->bytes.len);
        FUZZ_CHECK(memcmp(a->bytes.data, b->bytes.data, a->bytes.len) == 0);
        return;
    }
    if (a->kind == DRV_LIST) {
        FUZZ_CHECK(b->kind == DRV_TUPLE && b->count == a->count + 1);
        return;
    }
    FUZZ_CHECK(a->kind == b->kind);
    if (a->kind == DRV_INTEGER && !(a->is_negative && a->magnitude > UINT64_C(1) << 63))
        FUZZ_CHECK(a->is_negative == b->is_negative && a->magnitude == b->magnitude);
    if (a->kind == DRV_FLOAT)
        FUZZ_CHECK(memcmp(&a->number, &b->number, sizeof a->number) == 0);
    if (a->kind == DRV_TUPLE || a->kind == DRV_MAP)
        FUZZ_CHECK(a->count == b->count);
}

static void check_round_trip(beamr_bytes term)
{
    drv_reader in = {term.data, term.data + term.len}, again = in, back;
    drv_writer w;
    drv_item a, b;

    drv_writer_begin(&w);
    while (in.at < in.end) {
        FUZZ_CHECK(drv_read(&in, &a, NULL) == BEAMR_OK);
        put_item(&w, &a);
    }
    FUZZ_CHECK(!w.is_failed);
    FUZZ_CHECK(drv_reader_begin(&back, (beamr_bytes){w.data, w.len}, NULL) == BEAMR_OK);
    while (again.at < again.end) {
        FUZZ_CHECK(drv_read(&again, &a, NULL) == BEAMR_OK);
        FUZZ_CHECK(drv_read(&back, &b, NULL) == BEAMR_OK);
        check_item(&a, &b);
    }
    FUZZ_CHECK(back.at == back.end);
    drv_writer_clear(&w);
}

/* ---- Arguments and results ---- */

static void check_args(beamr_bytes bytes)
{
    drv_reader reader = {bytes.data, bytes.data + bytes.len};
    beamr_error err = {0};
    drv_args args, moved;
    beamr_status st = drv_args_read(&reader, &args, &err);
    size_t copied = 0;

    FUZZ_CHECK((st == BEAMR_OK) == (err.status == BEAMR_OK));
    FUZZ_CHECK(st == BEAMR_OK || st == BEAMR_ARGUMENT || st == BEAMR_MALFORMED ||
               st == BEAMR_LIMIT);
    FUZZ_CHECK(st == BEAMR_OK || err.text[0]);
    drv_args_move(&moved, &args);
    drv_args_clear(&args);
    for (size_t i = 0; st == BEAMR_OK && i < moved.count; i++) {
        const beamr_arg *arg = &moved.args[i];
        char *json;
        size_t len;

        copied += beamr_arg_is_copied(arg);
        FUZZ_CHECK(!arg->name);
        if (arg->kind == BEAMR_ARG_TREE) {
            st = beamr_json_write(arg->tree, NULL, &json, &len, &err);
            FUZZ_CHECK(st == BEAMR_OK || st == BEAMR_LIMIT);
            if (st == BEAMR_OK)
                free(json);
            st = BEAMR_OK;
        }
    }
    FUZZ_CHECK(st != BEAMR_OK || moved.has_copied == (copied > 0));
    drv_args_clear(&moved);
}

static void check_results(unsigned choice, beamr_bytes bytes)
{
    static const beamr_kind kinds[] = {BEAMR_I32, BEAMR_I64, BEAMR_F32, BEAMR_F64};
    drv_reader reader = {bytes.data, bytes.data + bytes.len};
    beamr_valtype types[3];
    beamr_value values[3];
    beamr_functype type = {.results = types, .result_count = choice % 4};
    beamr_error err = {0};
    beamr_status st;
    drv_writer w;

    for (size_t i = 0; i < 3; i++)
        types[i] = beamr_valtype_of(kinds[choice >> (2 + 2 * i) & 3]);
    st = drv_results_read(&reader, &type, values, &err);
    FUZZ_CHECK(st == BEAMR_OK || st == BEAMR_ARGUMENT || st == BEAMR_MALFORMED);
    if (st != BEAMR_OK) {
        FUZZ_CHECK(err.text[0]);
        return;
    }
    drv_writer_begin(&w);
    drv_put_values(&w, values, type.result_count);
    reader = (drv_reader){w.data + 1, w.data + w.len};
    FUZZ_CHECK(drv_results_read(&reader, &type, values, NULL) == BEAMR_OK);
    FUZZ_CHECK(reader.at == reader.end);
    drv_writer_clear(&w);
}

static void check_text(beamr_bytes bytes)
{
    drv_reader reader;
    drv_writer w;

    drv_writer_begin(&w);
    drv_put_string(&w, bytes);
    FUZZ_CHECK(!w.is_failed);
    reader = (drv_reader){w.data + 1, w.data + w.len};
    FUZZ_CHECK(drv_skip(&reader, NULL, NULL) == BEAMR_OK && reader.at == reader.end);
    drv_writer_clear(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    beamr_bytes bytes = {data + 1, size - 1}, term;
    drv_reader reader;

    if (size == 0)
        return 0;
    if (drv_reader_begin(&reader, bytes, NULL) == BEAMR_OK) {
        bytes.data++;
        bytes.len--;
        if (drv_skip(&reader, &term, NULL) == BEAMR_OK)
            check_round_trip(term);
    }
    check_args(bytes);
    check_results(data[0], bytes);
    check_text(bytes);
    return 0;
}
