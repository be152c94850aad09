/* The functions behind the builtins, native_do_<ID>, by the table; and what a fault of guest
 * code becomes. Called by stubs alone. */
#ifndef NATIVE_DO_H
#define NATIVE_DO_H

#include "native/internal.h"

native_answer native_do_TRAP(abi_context *c, uint32_t id, uint32_t offset);
native_answer native_do_ENTER(abi_context *c, uint32_t left);
native_answer native_do_POLL(abi_context *c, uint32_t units);
native_answer native_do_CALL(abi_context *c, abi_func *f, uint32_t units, uint32_t tail);
/* A call that is no tail call has ended, but not in BEAMR_OK.  status  what its entry returned */
native_answer native_do_CALLED(abi_context *c, abi_func *f, uint32_t status);
native_answer native_do_FIND_INDIRECT(abi_context *c, uint32_t table, uint32_t type,
                                      uint64_t element);
native_answer native_do_FIND_FUNC(abi_context *c, uint32_t index);
native_answer native_do_MEMORY_GROW(abi_context *c, uint32_t index, uint64_t delta);
native_answer native_do_MEMORY_FILL(abi_context *c, uint32_t index, uint64_t to, uint32_t value,
                                    uint64_t len, uint32_t units);
native_answer native_do_MEMORY_COPY(abi_context *c, uint64_t indices, uint64_t to,
                                    uint64_t from, uint64_t len, uint32_t units);
native_answer native_do_MEMORY_INIT(abi_context *c, uint64_t indices, uint64_t to,
                                    uint64_t from, uint64_t len, uint32_t units);
native_answer native_do_DATA_DROP(abi_context *c, uint32_t segment);
native_answer native_do_TABLE_GROW(abi_context *c, uint32_t index, uint64_t delta,
                                   uint64_t value, uint32_t units);
native_answer native_do_TABLE_FILL(abi_context *c, uint32_t index, uint64_t to, uint64_t value,
                                   uint64_t len, uint32_t units);
native_answer native_do_TABLE_COPY(abi_context *c, uint64_t indices, uint64_t to, uint64_t from,
                                   uint64_t len, uint32_t units);
native_answer native_do_TABLE_INIT(abi_context *c, uint64_t indices, uint64_t to, uint64_t from,
                                   uint64_t len, uint32_t units);
native_answer native_do_ELEM_DROP(abi_context *c, uint32_t segment);
native_answer native_do_THROW(abi_context *c, uint32_t tag);
native_answer native_do_THROW_REF(abi_context *c, uint64_t exception);
native_answer native_do_PASS(abi_context *c, const void *where);
native_answer native_do_FAULT(abi_native_call *call);

#endif
