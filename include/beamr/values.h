/* Calling a guest with numbers, text, bytes and JSON: arguments and results as people write
 * them. What has no place in a number is copied into the guest with its own allocator, by the
 * convention of the language that it was written in, and freed after the call.
 *
 * | convention     | recognised by exports | an argument of text    | bytes       |
 * |----------------|-----------------------|------------------------|-------------|
 * | C              | malloc (and free)     | pointer, NUL behind it | pointer     |
 * | canonical      | cabi_realloc          | as C                   | as C        |
 * | wasm-bindgen   | __wbindgen_malloc     | pointer and length     | likewise    |
 * | AssemblyScript | __new, __pin, __unpin | a String, pinned       | ArrayBuffer |
 *
 * By the first two the parameters decide: with as many arguments as parameters, each text is
 * one pointer; otherwise each takes two, pointer and length in bytes (without the NUL). A guest
 * with wasm-bindgen frees what it is given by itself. */
#ifndef BEAMR_VALUES_H
#define BEAMR_VALUES_H

#include "beamr/entry.h"
#include "beamr/instance.h"
#include "beamr/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Arguments ---- */

typedef enum beamr_arg_kind {
    BEAMR_ARG_INTEGER, /* for a float parameter: converted */
    BEAMR_ARG_FLOAT,   /* for an integer parameter: only if integral and in range */
    BEAMR_ARG_TEXT,    /* by wasm-bindgen and AssemblyScript: UTF-8 */
    BEAMR_ARG_VALUE,   /* exactly this value */
    BEAMR_ARG_BYTES,   /* nothing is put behind them */
    BEAMR_ARG_HEX,     /* bytes, written in hexadecimal: two digits for each */
    BEAMR_ARG_JSON,    /* text which is checked to be JSON, as beamr_json_read does */
    BEAMR_ARG_TREE,    /* a tree, passed as JSON text */
} beamr_arg_kind;

typedef struct beamr_arg {
    beamr_arg_kind kind;
    bool is_negative; /* INTEGER: the number is -magnitude */
    uint64_t magnitude;
    uint32_t shift;    /* INTEGER: 0, or, beyond 64 bits, how far magnitude is to be shifted to
                          the left; only floats take these. Magnitude's lowest bit is set if any
                          of those that were cut off is */
    double number;     /* FLOAT */
    beamr_bytes text;  /* TEXT, BYTES, HEX, JSON; borrowed; TEXT may hold NULs */
    beamr_value value; /* VALUE */
    const beamr_json *tree; /* TREE; borrowed */
    const char *name; /* for the text of errors, beside the argument's number; NULL: none */
} beamr_arg;

/* The argument is copied into the guest's memory, so that it may take two parameters. */
BEAMR_API bool beamr_arg_is_copied(const beamr_arg *arg);

/* A number, or an exact value, as a value of a type: for a parameter, or for a result that an
 * import is answered with.
 *   index      its place among them, from 0, and
 *   is_result  what it is: the text of an error begins with "argument 1" or "result 1"
 *   out        written on success
 * Integers are taken in the signed or unsigned range of the type. A float for an integer must
 * be integral and in that range. A finite number stays finite: beyond what rounds to the
 * largest f32 it does not fit; infinities and NaN do. Nothing is rounded twice.
 * Errors: BEAMR_ARGUMENT (it does not fit, a value of another type, or what is copied). */
BEAMR_API beamr_status beamr_arg_value(const beamr_arg *arg, size_t index, bool is_result,
                                       beamr_valtype type, beamr_value *out, beamr_error *err);

/* Read an argument as a command line writes it.
 * "text:..." is text, "json:..." JSON, and "hex:..." or "bytes:..." bytes in hexadecimal;
 * whether these are well-formed is told by the call. Otherwise what parses whole as a number
 * of `type`'s kind is that number: integers in decimal or 0x hexadecimal, negative or not, in
 * the signed or unsigned range of the type; floats in decimal or hexadecimal, "nan", "inf",
 * "-inf"; vectors and null references as beamr_value_text writes them. Anything else is text,
 * also a number out of range, and what would be JSON: nothing is guessed from a bracket.
 *   type  of the parameter; NULL when there is none for it: numbers of any kind
 *   out   text in it borrows from `word` */
BEAMR_API void beamr_arg_parse(const char *word, const beamr_valtype *type, beamr_arg *out);

/* ---- Conventions ---- */

typedef enum beamr_convention {
    BEAMR_CONVENTION_NONE, /* no allocator: only numbers can be passed */
    BEAMR_CONVENTION_C,
    BEAMR_CONVENTION_CANONICAL,
    BEAMR_CONVENTION_BINDGEN,
    BEAMR_CONVENTION_ASSEMBLYSCRIPT,
} beamr_convention;

/* What the names of a module's exports say. The last two go before the others, since what they
 * export is never there by chance; C goes before canonical. wasm-bindgen is also recognised
 * where its functions are called __wbindgen_export_0 and so on: by their types, if just one can
 * be the allocator. AssemblyScript before 0.19, which counts references, is not. */
BEAMR_API beamr_convention beamr_module_convention(const beamr_module *module);
/* "none", "C", "canonical ABI", "wasm-bindgen", "AssemblyScript". */
BEAMR_API const char *beamr_convention_text(beamr_convention convention);

/* ---- Calls ---- */

/* Call a function with such arguments.
 * Numbers are converted to the parameter's type. The rest is copied as said above, and given
 * back also when the call fails, unless an interrupt or a deadline ended it: then no more guest
 * code runs. A guest that exports no function to free keeps it. A call that traps is reported
 * with its own trap. Nothing of the guest runs when an argument is wrong by itself.
 *   instance      whose allocator and memory are used
 *   result_count  in: room in `results`; out: the function's number of results
 * Errors: BEAMR_ARGUMENT (count, range, no allocator, no memory, bytes that are not what they
 * are said to be, a result too many; the text says which argument, counted from 1, and its
 * name), BEAMR_LIMIT (JSON beyond its limits); and as beamr_func_call. */
BEAMR_API beamr_status beamr_call_args(beamr_instance *instance, beamr_func *func,
                                       const beamr_arg *args, size_t arg_count,
                                       beamr_value *results, size_t *result_count,
                                       beamr_error *err);

/* A call with such arguments that can wait (beamr/entry.h), or whose result is text:
 *
 *     st = beamr_args_begin(instance, func, args, 2, &options, &call, &err);
 *     while (st == BEAMR_SUSPENDED) {
 *         ... beamr_entry_request(store, beamr_args_entry(call), ...) ...
 *         st = beamr_args_resume(call, given, &err);
 *     }
 *     if (st == BEAMR_OK)
 *         ... beamr_args_text(call) ...
 *     beamr_args_free(call); */
typedef struct beamr_args_call beamr_args_call;

/* What to make of the results. */
typedef enum beamr_reading {
    BEAMR_READ_VALUES, /* nothing: they are values */
    BEAMR_READ_TEXT,   /* one text, by the guest's convention */
    BEAMR_READ_BYTES,  /* bytes likewise */
} beamr_reading;

typedef struct beamr_args_options {
    bool can_wait;         /* the called function may; allocators may not */
    beamr_reading reading; /* copies text and bytes out before anything is given back */
    size_t max_bytes;      /* of what is read; 0: 16 MiB */
} beamr_args_options;

/* Call a function with such arguments. As beamr_call_args, with room for all results.
 * Reading: two results are always pointer and length. One result is by C the pointer to a text
 * with a NUL behind it (there is no such thing for bytes), in AssemblyScript a String or an
 * ArrayBuffer, and in the canonical ABI the place of pointer and length. By wasm-bindgen a
 * function without results gets as its first parameter, beside `args`, the place for pointer
 * and length, and perhaps an error; four results are the same; the text is then freed in the
 * guest. Text of AssemblyScript becomes UTF-8, halves of surrogate pairs U+FFFD; all other
 * text is as the guest wrote it. A guest's cabi_post_ function is not called.
 *   options  NULL: no waiting, values
 *   out      written when it returns BEAMR_OK or BEAMR_SUSPENDED; to be freed with
 *            beamr_args_free before the store
 * Arguments are borrowed during this call only.
 * Errors: as beamr_call_args; BEAMR_ARGUMENT (results that cannot be read so), BEAMR_NOT_FOUND
 * (by wasm-bindgen: an error in place of a result), BEAMR_LIMIT (longer than max_bytes),
 * BEAMR_TRAP with MEMORY_OUT_OF_BOUNDS (they leave memory); BEAMR_SUSPENDED. */
BEAMR_API beamr_status beamr_args_begin(beamr_instance *instance, beamr_func *func,
                                        const beamr_arg *args, size_t arg_count,
                                        const beamr_args_options *options,
                                        BEAMR_OWN beamr_args_call **out, beamr_error *err);

/* Go on with a call that waits: beamr_entry_resume, and then what the end of a call takes.
 * Errors: as beamr_entry_resume, and as beamr_args_begin. While beamr_args_entry is not 0, it
 * still waits. */
BEAMR_API beamr_status beamr_args_resume(beamr_args_call *call, const beamr_answer *answer,
                                         beamr_error *err);

/* The entry that waits; 0 when the call has ended. */
BEAMR_API beamr_entry beamr_args_entry(const beamr_args_call *call);

/* What a call that ended in BEAMR_OK gave; borrowed until beamr_args_free. */
BEAMR_API const beamr_value *beamr_args_results(const beamr_args_call *call, size_t *count);
/* The text or bytes, with a NUL behind them; data is NULL when none was asked for, or when the
 * guest gave a null pointer. beamr_json_read makes a tree of it. */
BEAMR_API beamr_bytes beamr_args_text(const beamr_args_call *call);

/* Free the object. A call that waits is cancelled, as beamr_entry_cancel: no code of the guest
 * runs, and what was copied stays there. Accepts NULL. */
BEAMR_API void beamr_args_free(beamr_args_call *call);

/* ---- Values as text ---- */

/* Write a value as people read it: integers signed decimal; floats the shortest text that reads
 * back equal, always with a fraction or an exponent, or "nan", "inf", "-inf"; vectors as "0x"
 * and 32 hexadecimal digits, most significant first; references as "null", "func", "extern",
 * "exn". Cut to fit `size`; returns buf. 48 bytes suffice. */
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
