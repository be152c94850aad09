/* Between Erlang's terms and what the engine takes and gives: arguments, results, answers of
 * imports, and the lists of imports and exports. */
#ifndef DRIVER_CONVERT_H
#define DRIVER_CONVERT_H

#include "beamr/module.h"
#include "beamr/values.h"
#include "driver/term.h"

/* ---- Arguments of a call ---- */

enum {
    DRV_ARGS_FEW = 8,
    DRV_ARGS_MAX = 1000, /* no function has more parameters */
};

/* The arguments of one call, with all that they borrow from: they stay good after the command
 * is gone. To be moved with drv_args_move, not copied: `args` may point to `few`. */
typedef struct drv_args {
    beamr_arg *args;
    size_t count;
    bool has_copied; /* text or JSON is among them */
    void *blocks;    /* one block that they borrow from; NULL: none is needed */
    size_t size;     /* of it, bytes */
    beamr_arg few[DRV_ARGS_FEW];
} drv_args;

/* Read a list of arguments:
 *   integer, float            a number
 *   nan, infinity,            a float, exactly that (BEAMR_ARG_FLOAT is not finite)
 *     neg_infinity
 *   binary                    text
 *   non-empty character list  text, as UTF-8
 *   map                       JSON: keys are binaries or atoms; values are maps, lists,
 *                             binaries, numbers, true, false, null. All text in it is UTF-8.
 *                             Names are sorted by their bytes, so that equal maps give equal
 *                             JSON
 * A string term is a list of the integers in it (as Erlang encodes [1, 2]), an argument that
 * is a string term or a list is a character list.
 *   reader  at the list
 *   out     to be cleared with drv_args_clear, also after a failure, when it has none
 * Errors: BEAMR_ARGUMENT (anything else: improper lists, functions;
 * what the caller reports as invalid_args; the text says which, counted from 1),
 * BEAMR_MALFORMED, BEAMR_LIMIT (more than DRV_ARGS_MAX; JSON beyond BEAMR_JSON_LIMITS_DEFAULT),
 * BEAMR_NO_MEMORY. */
beamr_status drv_args_read(drv_reader *reader, drv_args *out, beamr_error *err);
void drv_args_init(drv_args *args); /* none; only this makes drv_args_clear possible */
void drv_args_move(drv_args *to, drv_args *from); /* `to` is overwritten, `from` is none then */
void drv_args_clear(drv_args *args);

/* ---- Numbers ---- */

/* Read the results that an import is answered with, for a function of this type.
 * By section "Value conversion": integers in the signed or unsigned range of the type; floats
 * for integers only if integral; no finite number becomes infinite. A function without results
 * may be answered with one number, which is ignored.
 *   reader  at the list
 *   values  room for type->result_count
 * Errors: BEAMR_ARGUMENT with a text that says which result and why, BEAMR_MALFORMED. */
beamr_status drv_results_read(drv_reader *reader, const beamr_functype *type,
                              beamr_value *values, beamr_error *err);

/* Write values as a list: integers signed; floats as floats, or nan, infinity, neg_infinity;
 * v128 as a binary of 16 bytes; null references as the atom null, others as the atom ref. */
void drv_put_values(drv_writer *w, const beamr_value *values, size_t count);

/* ---- Modules ---- */

/* The signature of a function as a string: "(iI)F"; "" for all but functions. */
void drv_put_signature(drv_writer *w, const beamr_externtype *type);
void drv_put_func_signature(drv_writer *w, const beamr_functype *type);
/* [{Kind, Module, Name, Signature}], [{Kind, Name, Signature}], with strings. */
void drv_put_imports(drv_writer *w, const beamr_module *module);
void drv_put_exports(drv_writer *w, const beamr_module *module);
/* The same as lists of maps, for info: kind, module, name (binaries), signature (a binary). */
void drv_put_import_maps(drv_writer *w, const beamr_module *module);
void drv_put_export_maps(drv_writer *w, const beamr_module *module);
/* How many characters these have, about. */
size_t drv_module_told(const beamr_module *module);

#endif
