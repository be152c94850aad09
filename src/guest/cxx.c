/* C++ exceptions as modules import them that are built for `invoke_*`: throwing, catching and
 * ending. What is thrown is described in cxx_object.h; choosing a handler is in cxx_match.c.
 * Source: the C++ ABI, "Exception Handling"; Emscripten's documentation, "C++ exceptions". */
#include <stdlib.h>

#include "guest/cxx_object.h"

#define CXX(function)                                                                          \
    static beamr_status function(const guest_call *call, const beamr_value *args,              \
                                 beamr_value *results, beamr_error *err)

/* ---- Objects ---- */

CXX(increment_refcount)
{
    (void)results;
    return cxx_take_reference(call, guest_pointer(&args[0]), err);
}

CXX(decrement_refcount)
{
    (void)results;
    return cxx_drop_reference(call, guest_pointer(&args[0]), err);
}

CXX(allocate_exception)
{
    uint64_t object;

    BEAMR_TRY(cxx_allocate(call, guest_pointer(&args[0]), &object, err));
    results[0] = guest_pointer_value(call, object);
    return BEAMR_OK;
}

CXX(free_exception)
{
    (void)results;
    return cxx_free(call, guest_pointer(&args[0]), err);
}

/* ---- Throwing ---- */

/* Put it on its way, as the last one thrown. */
static beamr_status throw_object(const guest_call *call, uint64_t object, beamr_error *err)
{
    guest_cxx *cxx = cxx_state(call);

    BEAMR_TRY(cxx_take_reference(call, object, err));
    cxx->last = object;
    cxx->uncaught++;
    return emscripten_throw(call->door, object, err);
}

CXX(throw_new)
{
    uint64_t object = guest_pointer(&args[0]);

    (void)results;
    BEAMR_TRY(cxx_put(call, object, CXX_TYPE, guest_pointer(&args[1]), err));
    BEAMR_TRY(cxx_put(call, object, CXX_DESTRUCTOR, guest_pointer(&args[2]), err));
    BEAMR_TRY(cxx_put(call, object, CXX_ADJUSTED, 0, err));
    return throw_object(call, object, err);
}

/* The handler that it is in will end; it must survive that. */
static beamr_status throw_again(const guest_call *call, uint64_t object, beamr_error *err)
{
    BEAMR_TRY(cxx_put_flag(call, object, CXX_RETHROWN, true, err));
    BEAMR_TRY(cxx_put_flag(call, object, CXX_CAUGHT, false, err));
    return throw_object(call, object, err);
}

CXX(rethrow)
{
    const guest_cxx *cxx = cxx_state(call);

    (void)args;
    (void)results;
    if (cxx->caught_count == 0)
        return beamr_fail_trap(err, BEAMR_TRAP_ABORT, "no C++ exception to throw again");
    return throw_again(call, cxx->caught[cxx->caught_count - 1], err);
}

CXX(rethrow_primary_exception)
{
    uint64_t object = guest_pointer(&args[0]);

    (void)results;
    return object ? throw_again(call, object, err) : BEAMR_OK;
}

/* A function that had something to clean up is done. */
CXX(resume)
{
    guest_cxx *cxx = cxx_state(call);

    (void)results;
    if (cxx->last == 0)
        cxx->last = guest_pointer(&args[0]);
    return emscripten_throw(call->door, cxx->last, err);
}

CXX(call_unexpected)
{
    (void)call;
    (void)args;
    (void)results;
    return beamr_fail_trap(err, BEAMR_TRAP_ABORT, "unexpected C++ exception");
}

/* ---- Catching ---- */

static beamr_status push_caught(guest_cxx *cxx, uint64_t object, beamr_error *err)
{
    if (cxx->caught_count == cxx->caught_room) {
        size_t room = cxx->caught_room ? cxx->caught_room * 2 : 16;
        uint64_t *caught;

        if (cxx->caught_count >= GUEST_CXX_CAUGHT_MAX)
            return beamr_fail_trap(err, BEAMR_TRAP_STACK_EXHAUSTED,
                                   "%zu C++ exceptions are caught at once", cxx->caught_count);
        if (room > GUEST_CXX_CAUGHT_MAX) /* a loaded state has any number of them */
            room = GUEST_CXX_CAUGHT_MAX;
        if (!(caught = realloc(cxx->caught, room * sizeof *caught)))
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a caught C++ exception");
        cxx->caught = caught;
        cxx->caught_room = room;
    }
    cxx->caught[cxx->caught_count++] = object;
    return BEAMR_OK;
}

CXX(begin_catch)
{
    guest_cxx *cxx = cxx_state(call);
    uint64_t object = guest_pointer(&args[0]);
    uint64_t given;
    bool is_caught = true;

    BEAMR_TRY(cxx_for_handler(call, object, &given, err));
    if (object) {
        BEAMR_TRY(cxx_get_flag(call, object, CXX_CAUGHT, &is_caught, err));
        BEAMR_TRY(cxx_put_flag(call, object, CXX_CAUGHT, true, err));
        BEAMR_TRY(cxx_put_flag(call, object, CXX_RETHROWN, false, err));
    }
    BEAMR_TRY(push_caught(cxx, object, err));
    if (!is_caught && cxx->uncaught > 0)
        cxx->uncaught--;
    results[0] = guest_pointer_value(call, given);
    return BEAMR_OK;
}

CXX(end_catch)
{
    beamr_func *set_threw = cxx_exports(call)->set_threw;
    beamr_value none[2] = {guest_pointer_value(call, 0), beamr_i32(0)};
    guest_cxx *cxx = cxx_state(call);

    (void)args;
    (void)results;
    if (set_threw)
        BEAMR_TRY(beamr_func_call(set_threw, none, 2, NULL, 0, err));
    if (cxx->caught_count == 0)
        return beamr_fail_trap(err, BEAMR_TRAP_ABORT,
                               "a handler ends, and no C++ exception is caught");
    cxx->last = 0;
    return cxx_drop_reference(call, cxx->caught[--cxx->caught_count], err);
}

CXX(get_exception_ptr)
{
    uint64_t given;

    BEAMR_TRY(cxx_for_handler(call, guest_pointer(&args[0]), &given, err));
    results[0] = guest_pointer_value(call, given);
    return BEAMR_OK;
}

/* ---- Asking ---- */

/* The caught exception of the innermost handler, or 0. */
static uint64_t innermost(const guest_call *call)
{
    const guest_cxx *cxx = cxx_state(call);

    return cxx->caught_count ? cxx->caught[cxx->caught_count - 1] : 0;
}

CXX(current_primary_exception)
{
    uint64_t object = innermost(call);

    (void)args;
    results[0] = guest_pointer_value(call, object);
    return cxx_take_reference(call, object, err);
}

CXX(current_exception_type)
{
    uint64_t object = innermost(call);
    uint64_t type = 0;

    (void)args;
    if (object)
        BEAMR_TRY(cxx_get(call, object, CXX_TYPE, &type, err));
    results[0] = guest_pointer_value(call, type);
    return BEAMR_OK;
}

CXX(uncaught_exceptions)
{
    (void)args;
    (void)err;
    results[0] = beamr_i32((int32_t)(uint32_t)cxx_state(call)->uncaught);
    return BEAMR_OK;
}

CXX(uncaught_exception)
{
    (void)args;
    (void)err;
    results[0] = beamr_i32(cxx_state(call)->uncaught > 0);
    return BEAMR_OK;
}

/* What a type is called when handlers are compared: itself. */
CXX(typeid_for)
{
    (void)call;
    (void)err;
    results[0] = beamr_i32((int32_t)(uint32_t)guest_pointer(&args[0]));
    return BEAMR_OK;
}

CXX(typeid_for_pointer)
{
    (void)err;
    results[0] = guest_pointer_value(call, guest_pointer(&args[0]));
    return BEAMR_OK;
}

CXX(get_temp_ret)
{
    (void)args;
    (void)err;
    results[0] = beamr_i32((int32_t)cxx_state(call)->temp_ret);
    return BEAMR_OK;
}

CXX(put_temp_ret)
{
    (void)results;
    return cxx_set_temp_ret(call, guest_u32(&args[0]), err);
}

const guest_import guest_cxx_rows[] = {
    {"__cxa_allocate_exception", "P:P", allocate_exception},
    {"__cxa_begin_catch", "P:P", begin_catch},
    {"__cxa_call_unexpected", "P:", call_unexpected},
    {"__cxa_current_exception_type", ":P", current_exception_type},
    {"__cxa_current_primary_exception", ":P", current_primary_exception},
    {"__cxa_decrement_exception_refcount", "P:", decrement_refcount},
    {"__cxa_end_catch", ":", end_catch},
    {"__cxa_free_exception", "P:", free_exception},
    {"__cxa_get_exception_ptr", "P:P", get_exception_ptr},
    {"__cxa_increment_exception_refcount", "P:", increment_refcount},
    {"__cxa_rethrow", ":", rethrow},
    {"__cxa_rethrow_primary_exception", "P:", rethrow_primary_exception},
    {"__cxa_throw", "PPP:", throw_new},
    {"__cxa_uncaught_exception", ":i", uncaught_exception},
    {"__cxa_uncaught_exceptions", ":i", uncaught_exceptions},
    {"__resumeException", "P:", resume},
    {"getTempRet0", ":i", get_temp_ret},
    {"llvm_eh_typeid_for", "P:i", typeid_for},
    {"llvm_eh_typeid_for", "P:P", typeid_for_pointer},
    {"setTempRet0", "i:", put_temp_ret},
};
const size_t guest_cxx_row_count = sizeof guest_cxx_rows / sizeof guest_cxx_rows[0];
