/* Marshalling: what the files value*.c share.
 * values.c makes the call, value_numbers.c turns arguments into parameters, value_payload.c
 * into bytes, value_heap.c puts these into the guest, value_result.c takes text out of it, and
 * value_convention.c knows the names that languages use. */
#ifndef GUEST_VALUE_H
#define GUEST_VALUE_H

#include "beamr/values.h"

/* An argument and its place among them, for the text of errors. */
typedef struct guest_arg {
    const beamr_arg *arg;
    size_t index;
    bool is_result; /* it is what an import is answered with */
} guest_arg;

/* Fail because of an argument. The text begins with "argument 2" or "result 2", or "argument 2
 * (name)"; `format` goes on from there. Returns `status`. */
beamr_status guest_arg_fail(beamr_error *err, beamr_status status, const guest_arg *at,
                            uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* ---- value_numbers.c ---- */

/* "i32", ..., "a function reference". */
const char *guest_kind_text(beamr_kind kind);

/* "text", "JSON" or "bytes", for an argument that is copied. */
const char *guest_copied_text(beamr_arg_kind kind);

/* Fill a parameter with an argument that is not copied. */
beamr_status guest_number_param(const guest_arg *at, beamr_valtype type, beamr_value *out,
                                beamr_error *err);

/* Fill a parameter with an address or a length. */
beamr_status guest_address_param(const guest_arg *at, uint64_t n, beamr_valtype type,
                                 beamr_value *out, beamr_error *err);

/* ---- value_payload.c ---- */

/* What is to be put into the guest for one argument. */
typedef struct guest_payload {
    const uint8_t *data; /* borrowed from the argument, or `own` */
    size_t len;
    void *own; /* NULL, or to be freed */
    bool is_text;
} guest_payload;

/* What an argument becomes by a convention: checked, written or decoded. Runs nothing of the
 * guest.  out  to be cleared, also after a failure; must be zero before */
beamr_status guest_payload_make(guest_payload *out, const guest_arg *at,
                                beamr_convention convention, beamr_error *err);
void guest_payload_clear(guest_payload *payload);

/* ---- value_convention.c ---- */

/* The names of a convention's functions, as the module exports them. */
typedef struct guest_names {
    beamr_convention convention;
    beamr_bytes take, give; /* data NULL: there is none */
} guest_names;

guest_names guest_names_find(const beamr_module *module);

/* ---- value_heap.c ---- */

/* The guest's allocator. */
typedef struct guest_heap {
    beamr_convention convention;
    beamr_instance *instance; /* NULL until it is open */
    beamr_memory *memory;
    beamr_func *take;
    beamr_func *give;   /* NULL when the guest cannot free */
    beamr_func *pin;    /* ASSEMBLYSCRIPT */
    beamr_func *stack;  /* BINDGEN: moves the stack pointer; or NULL */
    beamr_kind width;   /* of its addresses: BEAMR_I32 or BEAMR_I64 */
    size_t take_params; /* that `take` and `give` have; BINDGEN has two forms of each */
    size_t give_params;
    uint32_t text_class;  /* ASSEMBLYSCRIPT: of a String */
    uint32_t bytes_class; /* and of an ArrayBuffer */
} guest_heap;

/* Something taken from the heap. */
typedef struct guest_block {
    uint64_t addr;
    uint64_t size;
} guest_block;

/* Find memory and allocator; does nothing when it is open.
 *   at  what needs it; NULL for a result, which needs an allocator only by some conventions */
beamr_status guest_heap_open(guest_heap *heap, beamr_instance *instance,
                             const guest_names *names, const guest_arg *at, beamr_error *err);

/* Take room, which lies in memory.
 *   size   bytes; for text by C, with the NUL
 *   block  written on success: to be given back */
beamr_status guest_heap_take(const guest_heap *heap, uint64_t size, bool is_text,
                             const guest_arg *at, guest_block *block, beamr_error *err);
beamr_status guest_heap_give(const guest_heap *heap, const guest_block *block,
                             beamr_error *err);

/* Move the guest's stack pointer, by wasm-bindgen.  *addr is where it is now. */
beamr_status guest_heap_move_stack(const guest_heap *heap, int32_t delta, uint64_t *addr,
                                   beamr_error *err);

/* ---- value_result.c ---- */

/* A text or bytes taken out of the guest. */
typedef struct guest_result {
    uint8_t *data; /* a NUL stands behind; NULL: the guest gave none */
    size_t len;
    guest_block block; /* BINDGEN: of the guest, to be given back; size 0: none */
} guest_result;

/* Whether a function's results can be read so, as far as its type says.
 *   has_place  written: the results come through memory, at an address that is its first
 *              parameter (BINDGEN) */
beamr_status guest_result_check(beamr_convention convention, const beamr_functype *type,
                                beamr_reading reading, bool *has_place, beamr_error *err);

/* Read what a call gave, of a type that was checked.
 *   place  where pointer, length and error are, or 0
 *   out    data to be freed, and the block to be given back, also after a failure; must be zero
 *          before
 * Errors: as beamr_args_begin. */
beamr_status guest_result_read(const guest_heap *heap, beamr_reading reading, size_t max,
                               const beamr_value *values, size_t count, uint64_t place,
                               guest_result *out, beamr_error *err);

/* ---- value_utf16.c ---- */

/* Put one character, of at most 4 bytes, at `out`.  Returns the place behind it. */
uint8_t *guest_utf8_put(uint8_t *out, uint32_t c);

/* UTF-8 that is well-formed as UTF-16, low byte first.
 *   out  room for twice text.len bytes
 * Returns the number of bytes written. */
size_t guest_utf16_from_utf8(beamr_bytes text, uint8_t *out);

/* UTF-16, low byte first, as UTF-8; halves of pairs become U+FFFD.
 *   data  2 * units bytes
 *   out   room for 3 * units bytes
 * Returns the number of bytes written. */
size_t guest_utf8_from_utf16(const uint8_t *data, size_t units, uint8_t *out);

/* The value of a hexadecimal digit, or -1. */
static inline int guest_hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline beamr_value guest_address_value(beamr_kind width, uint64_t n)
{
    return width == BEAMR_I32 ? beamr_i32((int32_t)(uint32_t)n) : beamr_i64((int64_t)n);
}

static inline uint64_t guest_address_of(const beamr_value *value)
{
    return value->kind == BEAMR_I32 ? (uint32_t)value->of.i32 : (uint64_t)value->of.i64;
}

#endif
