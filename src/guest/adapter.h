/* The WebAssembly of `invoke_*`: two small modules, written in memory for each guest.
 *
 * The *front* exists before the guest does, and gives it the functions that it imports. All
 * that these do is to jump through a table of the front's own, a place of it for each.
 *
 *     (func (export "invoke_vi") (param i32 i32)
 *       local.get 0  local.get 1  i32.const 0  return_call_indirect)
 *
 * The *back* is made when the guest is there, imports what it needs of it - table, functions of
 * the stack, memory 0 - and is put into the front's table.
 *
 *     (func (param i32 i32) (local i32)
 *       call $stack_save  local.set 2
 *       try  local.get 1  local.get 0  call_indirect $guest_table
 *       catch $tag  drop
 *         local.get 2  call $stack_restore  i32.const 1  i32.const 0  call $set_threw
 *       end)
 *
 * So whatever is called through `invoke_*` stands on the guest's own stack, with nothing of the
 * host between. Both encodings of exceptions can be written, and the front without tail calls,
 * since an engine may leave any of these out.
 * Source: Core, "Binary Format"; "Exception Handling" (legacy). */
#ifndef GUEST_ADAPTER_H
#define GUEST_ADAPTER_H

#include "beamr/module.h"

/* One function of `invoke_*`. */
typedef struct adapter_invoke {
    beamr_bytes name;           /* of the import, for backtraces */
    const beamr_functype *type; /* as imported: the index in the table, then the arguments */
    bool is_dyncall; /* calls the guest's export `dynCall_*`, of the same type, and no table */
} adapter_invoke;

typedef struct adapter_plan {
    const adapter_invoke *invokes;
    size_t count;
    bool is64;       /* pointers; so is invoke_*'s first parameter */
    bool has_table;  /* the guest's table is imported */
    bool is_table64; /* and its indices are 64 bits wide */
    bool has_memory; /* the guest's memory 0 is imported, so that host functions that are
                        called find it with their caller */
    bool use_tail;   /* the front: tail calls */
    bool use_legacy; /* the back: try and catch, instead of try_table */
} adapter_plan;

/* The front imports nothing. It exports its table as "table", of plan->count elements, and its
 * functions under the decimal numbers of their places.
 * The back imports, all from "", in this order: "tag" (i64), "save", "restore", "threw";
 * "table" if there is one, "memory" if there is one, and "N" for the dynCall function of place
 * N, for each that has one. It exports its functions like the front.
 *   plan  its types are such that adapter_type_is_plain
 *   out   `len` bytes, to be released with free()
 * Errors: BEAMR_NO_MEMORY. */
beamr_status adapter_write_front(const adapter_plan *plan, BEAMR_OWN uint8_t **out, size_t *len,
                                 beamr_error *err);
beamr_status adapter_write_back(const adapter_plan *plan, BEAMR_OWN uint8_t **out, size_t *len,
                                beamr_error *err);

/* The type can be written: numbers, vectors, and nullable references of the general types. */
bool adapter_type_is_plain(const beamr_functype *type);

#endif
