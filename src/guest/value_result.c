/* Text and bytes that a guest gives, by the convention of its language.
 * Each address and length is the guest's word only: both are checked against the memory, and
 * the length against the caller's limit, before anything is allocated.
 * Source: Component Model, "Canonical ABI"; wasm-bindgen's return pointers; AssemblyScript,
 * "Memory layout" (before each object stand its class, 8 bytes before it, and its size, 4). */
#include <inttypes.h>
#include <stdlib.h>

#include "guest/value.h"

enum { CLASS_BEFORE = 8, SIZE_BEFORE = 4 };

/* Pointer and length, and, by wasm-bindgen, an error: the object of the host that it is, and
 * whether there is one. */
typedef struct pair {
    uint64_t addr;
    uint64_t len;
    uint64_t error;
    bool is_error;
} pair;

/* ---- By the type ---- */

static bool is_address(beamr_valtype type)
{
    beamr_kind kind = beamr_valtype_kind(type);

    return kind == BEAMR_I32 || kind == BEAMR_I64;
}

beamr_status guest_result_check(beamr_convention convention, const beamr_functype *type,
                                beamr_reading reading, bool *has_place, beamr_error *err)
{
    const char *what = reading == BEAMR_READ_TEXT ? "text" : "bytes";
    bool is_bindgen = convention == BEAMR_CONVENTION_BINDGEN;
    size_t count = type->result_count;

    *has_place = false;
    if (reading == BEAMR_READ_VALUES)
        return BEAMR_OK;
    for (size_t i = 0; i < count; i++)
        if (!is_address(type->results[i]))
            return beamr_fail(err, BEAMR_ARGUMENT, 0, "result %zu is %s, and no part of %s",
                              i + 1, guest_kind_text(beamr_valtype_kind(type->results[i])),
                              what);
    *has_place = is_bindgen && count == 0;
    if (*has_place || count == 2 || (is_bindgen && count == 4))
        return BEAMR_OK;
    if (count != 1 || is_bindgen)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the function has %zu results, which is not how %s gives %s", count,
                          is_bindgen ? "wasm-bindgen" : "a guest", what);
    if (reading == BEAMR_READ_BYTES && convention != BEAMR_CONVENTION_ASSEMBLYSCRIPT &&
        convention != BEAMR_CONVENTION_CANONICAL)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "one result does not say how many bytes there are");
    return BEAMR_OK;
}

/* ---- Copying ---- */

static beamr_status copy(const guest_heap *heap, uint64_t addr, uint64_t len, size_t max,
                         guest_result *out, beamr_error *err)
{
    uint64_t end = beamr_memory_size(heap->memory);
    uint8_t *data;
    beamr_status st;

    if (addr > end || len > end - addr)
        return beamr_fail_trap(err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS,
                               "the result is %" PRIu64 " bytes at 0x%" PRIx64
                               " in a memory of %" PRIu64,
                               len, addr, end);
    if (len > max)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "the result has %" PRIu64 " bytes, and the limit is %zu", len, max);
    if (!(data = malloc((size_t)len + 1)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                          "no memory for a result of %" PRIu64 " bytes", len);
    if ((st = beamr_memory_read(heap->memory, addr, data, (size_t)len, err)) != BEAMR_OK) {
        free(data);
        return st;
    }
    data[len] = 0;
    out->data = data;
    out->len = (size_t)len;
    return BEAMR_OK;
}

/* ---- C ---- */

static beamr_status read_terminated(const guest_heap *heap, uint64_t addr, size_t max,
                                    guest_result *out, beamr_error *err)
{
    uint64_t end = beamr_memory_size(heap->memory);
    uint64_t left = addr < end ? end - addr : 0;
    uint64_t look = left <= max ? left : (uint64_t)max + 1;
    const uint8_t *text = beamr_memory_data(heap->memory);
    const uint8_t *nul = look > 0 ? memchr(text + addr, 0, (size_t)look) : NULL;

    if (nul)
        return copy(heap, addr, (uint64_t)(nul - text) - addr, max, out, err);
    if (look == left)
        return beamr_fail_trap(
            err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS,
            "text at 0x%" PRIx64 " has no end in a memory of %" PRIu64 " bytes", addr, end);
    return beamr_fail(err, BEAMR_LIMIT, 0, "the result has more bytes than the limit of %zu",
                      max);
}

/* ---- AssemblyScript ---- */

static uint32_t word_at(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Turn what was copied into UTF-8. */
static beamr_status decode_units(guest_result *out, size_t max, beamr_error *err)
{
    size_t units = out->len / 2;
    uint8_t *text = malloc(3 * units + 1);

    if (!text)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a result of %zu characters",
                          units);
    out->len = guest_utf8_from_utf16(out->data, units, text);
    text[out->len] = 0;
    free(out->data);
    out->data = text;
    if (out->len > max)
        return beamr_fail(err, BEAMR_LIMIT, 0, "the result has %zu bytes, and the limit is %zu",
                          out->len, max);
    return BEAMR_OK;
}

static beamr_status read_object(const guest_heap *heap, beamr_reading reading, uint64_t addr,
                                size_t max, guest_result *out, beamr_error *err)
{
    bool is_text = reading == BEAMR_READ_TEXT;
    uint32_t wanted = is_text ? heap->text_class : heap->bytes_class;
    size_t most = is_text && max < SIZE_MAX / 4 ? 2 * max : max; /* two bytes a character */
    uint8_t header[CLASS_BEFORE];
    uint32_t class, size;
    beamr_status st;

    if (addr < CLASS_BEFORE || beamr_memory_read(heap->memory, addr - CLASS_BEFORE, header,
                                                 sizeof header, NULL) != BEAMR_OK)
        return beamr_fail_trap(err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS,
                               "the result is an object at 0x%" PRIx64, addr);
    class = word_at(header);
    size = word_at(header + CLASS_BEFORE - SIZE_BEFORE);
    if (class != wanted)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the result is an object of class %" PRIu32
                          ", and a%s is of class %" PRIu32,
                          class, is_text ? " String" : "n ArrayBuffer", wanted);
    if ((st = copy(heap, addr, size, most, out, err)) != BEAMR_OK || !is_text)
        return st;
    return decode_units(out, max, err);
}

/* ---- Pointer and length ---- */

static beamr_status read_place(const guest_heap *heap, uint64_t place, bool has_error,
                               beamr_kind width, pair *out, beamr_error *err)
{
    uint8_t words[16];
    bool is_wide = width == BEAMR_I64;
    beamr_status st =
        beamr_memory_read(heap->memory, place, words, has_error || is_wide ? 16 : 8, err);

    if (st != BEAMR_OK)
        return st;
    *out = (pair){.addr = word_at(words), .len = word_at(words + 4)};
    if (is_wide) {
        out->addr |= (uint64_t)word_at(words + 4) << 32;
        out->len = word_at(words + 8) | (uint64_t)word_at(words + 12) << 32;
    } else if (has_error) {
        out->error = word_at(words + 8);
        out->is_error = word_at(words + 12) != 0;
    }
    return BEAMR_OK;
}

static beamr_status read_pair(const guest_heap *heap, const pair *from, size_t max,
                              guest_result *out, beamr_error *err)
{
    if (from->is_error)
        return beamr_fail(err, BEAMR_NOT_FOUND, 0,
                          "the function gave an error in place of a result: the host's object "
                          "%" PRIu64,
                          from->error);
    if (from->addr == 0 && from->len == 0)
        return BEAMR_OK;
    if (heap->convention == BEAMR_CONVENTION_BINDGEN)
        out->block = (guest_block){from->addr, from->len};
    return copy(heap, from->addr, from->len, max, out, err);
}

static beamr_status read_one(const guest_heap *heap, beamr_reading reading, size_t max,
                             const beamr_value *value, guest_result *out, beamr_error *err)
{
    uint64_t addr = guest_address_of(value);
    pair found;
    beamr_status st;

    if (addr == 0)
        return BEAMR_OK;
    if (heap->convention == BEAMR_CONVENTION_ASSEMBLYSCRIPT)
        return read_object(heap, reading, addr, max, out, err);
    if (heap->convention != BEAMR_CONVENTION_CANONICAL)
        return read_terminated(heap, addr, max, out, err);
    if ((st = read_place(heap, addr, false, value->kind, &found, err)) != BEAMR_OK)
        return st;
    return read_pair(heap, &found, max, out, err);
}

beamr_status guest_result_read(const guest_heap *heap, beamr_reading reading, size_t max,
                               const beamr_value *values, size_t count, uint64_t place,
                               guest_result *out, beamr_error *err)
{
    pair found = {0};
    beamr_status st;

    if (place == 0 && count == 1)
        return read_one(heap, reading, max, &values[0], out, err);
    if (place != 0) {
        if ((st = read_place(heap, place, true, BEAMR_I32, &found, err)) != BEAMR_OK)
            return st;
    } else {
        found.addr = guest_address_of(&values[0]);
        found.len = guest_address_of(&values[1]);
        if (count == 4) {
            found.error = guest_address_of(&values[2]);
            found.is_error = guest_address_of(&values[3]) != 0;
        }
    }
    return read_pair(heap, &found, max, out, err);
}

/* ---- Plain text ---- */

beamr_status beamr_memory_read_text(const beamr_memory *memory, uint64_t addr, char *out,
                                    size_t size, beamr_error *err)
{
    uint64_t end = beamr_memory_size(memory);
    uint64_t left = addr < end ? end - addr : 0;
    size_t len = size > 0 ? size - 1 : 0;
    const char *text;

    if (size == 0)
        return BEAMR_OK;
    if (left < len)
        len = (size_t)left;
    text = left > 0 ? (const char *)beamr_memory_data(memory) + addr : "";
    len = strnlen(text, len);
    if (left == 0 || (len == left && len < size - 1))
        return beamr_fail_trap(
            err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS,
            "text at 0x%" PRIx64 " has no end in a memory of %" PRIu64 " bytes", addr, end);
    memcpy(out, text, len);
    out[len] = '\0';
    return BEAMR_OK;
}
