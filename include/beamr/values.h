/* Calling a guest with numbers and text: arguments and results as people write them.
 * Text is copied into the guest with its own allocator, and freed after the call. */
#ifndef BEAMR_VALUES_H
#define BEAMR_VALUES_H

#include "beamr/instance.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One argument: a number, or text. */
typedef enum beamr_arg_kind {
    BEAMR_ARG_INTEGER, /* for a float parameter: converted */
    BEAMR_ARG_FLOAT,   /* for an integer parameter: only if integral and in range */
    BEAMR_ARG_TEXT,
    BEAMR_ARG_VALUE, /* exactly this value */
} beamr_arg_kind;

typedef struct beamr_arg {
    beamr_arg_kind kind;
    bool is_negative;  /* INTEGER: the number is -magnitude */
    uint64_t magnitude;
    double number;     /* FLOAT */
    beamr_bytes text;  /* TEXT; borrowed; may hold NULs */
    beamr_value value; /* VALUE */
} beamr_arg;

/* Read an argument as a command line writes it.
 * "text:..." is text. Otherwise what parses whole as a number of `type`'s kind is that number:
 * integers in decimal or 0x hexadecimal, negative or not, in the signed or unsigned range of the
 * type; floats in decimal or hexadecimal, "nan", "inf", "-inf"; vectors and null references as
 * beamr_value_text writes them. Anything else is text, also an integer out of range.
 *   type  of the parameter; NULL when there is none for it: numbers of any kind
 *   out   text in it borrows from `word` */
BEAMR_API void beamr_arg_parse(const char *word, const beamr_valtype *type, beamr_arg *out);

/* Call a function with such arguments.
 * With as many arguments as parameters each text becomes one pointer; otherwise each text takes
 * two parameters, pointer and length in bytes (without the NUL that is put behind it). Numbers
 * are converted to the parameter's type.
 * The guest's allocator is the instance's export `malloc`, or else `cabi_realloc`; text is given back
 * with `free`, or `cabi_realloc` to size 0, also when the call fails, unless an interrupt or
 * a deadline ended it: then no more guest code runs. A guest without `free` keeps it. A call that traps is reported
 * with its own trap.
 *   instance      whose allocator and memory are used
 *   result_count  in: room in `results`; out: the function's number of results
 * Errors: BEAMR_ARGUMENT (count, range, no allocator, no memory, a result too many; the text says
 * which argument), BEAMR_NOT_FOUND never; and as beamr_func_call. */
BEAMR_API beamr_status beamr_call_args(beamr_instance *instance, beamr_func *func,
                                       const beamr_arg *args, size_t arg_count,
                                       beamr_value *results, size_t *result_count,
                                       beamr_error *err);

/* Write a value as people read it: integers signed decimal; floats the shortest text that reads
 * back equal, always with a fraction or an exponent, or "nan", "inf", "-inf"; vectors as "0x" and
 * 32 hexadecimal digits, most significant first; references as "null", "func", "extern", "exn".
 * Cut to fit `size`; returns buf. 48 bytes suffice. */
BEAMR_API const char *beamr_value_text(const beamr_value *value, char *buf, size_t size);

/* Read the NUL-terminated text at a guest address.
 *   out  at most size - 1 bytes and a NUL; cut at `size`
 * Errors: BEAMR_TRAP with MEMORY_OUT_OF_BOUNDS when memory ends before a NUL. */
BEAMR_API beamr_status beamr_memory_read_text(const beamr_memory *memory, uint64_t addr,
                                              char *out, size_t size, beamr_error *err);

#ifdef __cplusplus
}
#endif
#endif
