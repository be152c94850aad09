/* C++ objects that are thrown, in guest memory: their headers, and counting them.
 *
 * In front of an object lies a header, in words of pointer size:
 *
 *     0 references   1 type   2 destructor   3 bytes: caught, rethrown   4 adjusted   5 -
 *
 * It is counted: one reference for each time it is on its way or in a handler that is active,
 * and one for each std::exception_ptr. Where the module has functions for the count of its own
 * they are used; older ones import them, together with the allocator, and know less of the
 * header.
 *
 * `adjusted` is the object as the type that a handler names: another address where a base class
 * does not stand first.
 * Errors of all: BEAMR_TRAP (an address that is none; and what the guest's functions end in),
 * BEAMR_EXCEPTION (a destructor throws). */
#ifndef GUEST_CXX_OBJECT_H
#define GUEST_CXX_OBJECT_H

#include "guest/emscripten.h"

enum {
    CXX_TYPE = 1,
    CXX_DESTRUCTOR = 2,
    CXX_FLAGS = 3,
    CXX_ADJUSTED = 4,
    CXX_HEADER_WORDS = 6
};
enum { CXX_CAUGHT, CXX_RETHROWN };

static inline guest_cxx *cxx_state(const guest_call *call)
{
    return guest_wasi_cxx(call->wasi);
}

static inline const emscripten_exports *cxx_exports(const guest_call *call)
{
    return &((const beamr_emscripten *)call->door)->exports;
}

/* Where a word of an object's header lies. */
uint64_t cxx_field_at(const guest_call *call, uint64_t object, unsigned word);
beamr_status cxx_get(const guest_call *call, uint64_t object, unsigned word, uint64_t *out,
                     beamr_error *err);
beamr_status cxx_put(const guest_call *call, uint64_t object, unsigned word, uint64_t v,
                     beamr_error *err);
beamr_status cxx_get_flag(const guest_call *call, uint64_t object, unsigned flag, bool *out,
                          beamr_error *err);
beamr_status cxx_put_flag(const guest_call *call, uint64_t object, unsigned flag, bool v,
                          beamr_error *err);

/* Call a function that takes at most three pointers, and gives nothing or what `result` is for.
 */
beamr_status cxx_call(const guest_call *call, beamr_func *func, const uint64_t *pointers,
                      size_t count, beamr_value *result, beamr_error *err);

/* An object of so many bytes behind a header, both zero.  Errors: a trap when there is no
 * memory. */
beamr_status cxx_allocate(const guest_call *call, uint64_t size, uint64_t *object,
                          beamr_error *err);
beamr_status cxx_free(const guest_call *call, uint64_t object, beamr_error *err);
/* Count; the last reference destroys. Of 0: nothing. */
beamr_status cxx_take_reference(const guest_call *call, uint64_t object, beamr_error *err);
beamr_status cxx_drop_reference(const guest_call *call, uint64_t object, beamr_error *err);

/* The object as its handler gets it: what was thrown itself if that is a pointer. */
beamr_status cxx_for_handler(const guest_call *call, uint64_t object, uint64_t *out,
                             beamr_error *err);

/* Give the guest the second half of a result.  Defined in cxx_match.c. */
beamr_status cxx_set_temp_ret(const guest_call *call, uint64_t v, beamr_error *err);

#endif
