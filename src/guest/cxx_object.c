/* C++ objects that are thrown: headers, references, and memory. Throwing and catching them is
 * cxx.c's.
 * Source: the C++ ABI, "Exception Handling"; Emscripten's documentation, "C++ exceptions". */
#include "guest/cxx_object.h"

/* Objects that are larger are no exceptions, and their size might wrap around. */
#define OBJECT_MAX (UINT64_C(1) << 30)

uint64_t emscripten_header_type(const beamr_emscripten *e)
{
    return (uint64_t)(CXX_TYPE - CXX_HEADER_WORDS) * (e->is64 ? 8u : 4u);
}

/* ---- Headers ---- */

uint64_t cxx_field_at(const guest_call *call, uint64_t object, unsigned word)
{
    uint64_t at = object - (uint64_t)(CXX_HEADER_WORDS - word) * guest_word(call);

    return call->is64 ? at : (uint32_t)at;
}

static beamr_status fail_address(uint64_t object, beamr_error *err)
{
    return beamr_fail_trap(err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS,
                           "no C++ exception can be at %llu", (unsigned long long)object);
}

beamr_status cxx_get(const guest_call *call, uint64_t object, unsigned word, uint64_t *out,
                     beamr_error *err)
{
    return guest_get_word(call, cxx_field_at(call, object, word), out) == GUEST_ESUCCESS
               ? BEAMR_OK
               : fail_address(object, err);
}

beamr_status cxx_put(const guest_call *call, uint64_t object, unsigned word, uint64_t v,
                     beamr_error *err)
{
    return guest_put(call, cxx_field_at(call, object, word), &v, guest_word(call)) ==
                   GUEST_ESUCCESS
               ? BEAMR_OK
               : fail_address(object, err);
}

beamr_status cxx_get_flag(const guest_call *call, uint64_t object, unsigned flag, bool *out,
                          beamr_error *err)
{
    uint8_t byte;

    if (guest_get(call, cxx_field_at(call, object, CXX_FLAGS) + flag, &byte, 1) !=
        GUEST_ESUCCESS)
        return fail_address(object, err);
    *out = byte != 0;
    return BEAMR_OK;
}

beamr_status cxx_put_flag(const guest_call *call, uint64_t object, unsigned flag, bool v,
                          beamr_error *err)
{
    uint8_t byte = v;

    return guest_put(call, cxx_field_at(call, object, CXX_FLAGS) + flag, &byte, 1) ==
                   GUEST_ESUCCESS
               ? BEAMR_OK
               : fail_address(object, err);
}

/* ---- The guest's functions ---- */

beamr_status cxx_call(const guest_call *call, beamr_func *func, const uint64_t *pointers,
                      size_t count, beamr_value *result, beamr_error *err)
{
    beamr_value args[3];

    for (size_t i = 0; i < count; i++)
        args[i] = guest_pointer_value(call, pointers[i]);
    return beamr_func_call(func, args, count, result, result ? 1 : 0, err);
}

/* Of an object that is a pointer: `__cxa_can_catch` notes the pointer itself, as the handler's
 * type; handlers of the very type, and those of anything, are chosen without it. */
static beamr_status pointer_for_handler(const guest_call *call, uint64_t object,
                                        uint64_t adjusted, uint64_t *out, beamr_error *err)
{
    *out = adjusted;
    if (adjusted != 0 && adjusted != object)
        return BEAMR_OK;
    return guest_get_word(call, object, out) == GUEST_ESUCCESS ? BEAMR_OK
                                                               : fail_address(object, err);
}

beamr_status cxx_for_handler(const guest_call *call, uint64_t object, uint64_t *out,
                             beamr_error *err)
{
    const emscripten_exports *x = cxx_exports(call);
    beamr_value result = beamr_i32(0);
    uint64_t type, adjusted;

    *out = object;
    if (object == 0)
        return BEAMR_OK;
    if (x->get_exception_ptr) {
        BEAMR_TRY(cxx_call(call, x->get_exception_ptr, &object, 1, &result, err));
        *out = guest_pointer(&result);
        return BEAMR_OK;
    }
    BEAMR_TRY(cxx_get(call, object, CXX_TYPE, &type, err));
    if (x->is_pointer_type)
        BEAMR_TRY(cxx_call(call, x->is_pointer_type, &type, 1, &result, err));
    BEAMR_TRY(cxx_get(call, object, CXX_ADJUSTED, &adjusted, err));
    if (result.of.i32 != 0)
        return pointer_for_handler(call, object, adjusted, out, err);
    *out = adjusted ? adjusted : object;
    return BEAMR_OK;
}

/* ---- Memory ---- */

beamr_status cxx_allocate(const guest_call *call, uint64_t size, uint64_t *object,
                          beamr_error *err)
{
    beamr_func *func = cxx_exports(call)->malloc;
    uint64_t header = (uint64_t)CXX_HEADER_WORDS * guest_word(call);
    beamr_value block;
    uint8_t *bytes;

    if (size > OBJECT_MAX || !func)
        return beamr_fail_trap(err, BEAMR_TRAP_ABORT,
                               func ? "a C++ exception of %llu bytes"
                                    : "__cxa_allocate_exception needs the export malloc",
                               (unsigned long long)size);
    size += header;
    BEAMR_TRY(cxx_call(call, func, &size, 1, &block, err));
    if (guest_pointer(&block) == 0)
        return beamr_fail_trap(err, BEAMR_TRAP_ABORT, "no memory for a C++ exception");
    if (guest_bytes_at(call, guest_pointer(&block), size, &bytes) != GUEST_ESUCCESS)
        return fail_address(guest_pointer(&block), err);
    BEAMR_TRY(beamr_store_work(call->store, size, err));
    memset(bytes, 0, (size_t)size);
    *object = guest_pointer(&block) + header;
    return BEAMR_OK;
}

/* ---- References ---- */

beamr_status cxx_take_reference(const guest_call *call, uint64_t object, beamr_error *err)
{
    beamr_func *func = cxx_exports(call)->increment_refcount;
    uint64_t count;

    if (object == 0)
        return BEAMR_OK;
    if (func)
        return cxx_call(call, func, &object, 1, NULL, err);
    BEAMR_TRY(cxx_get(call, object, 0, &count, err));
    return cxx_put(call, object, 0, count + 1, err);
}

/* Give the memory back, if there is a way: a module that imports the allocator has its own
 * malloc behind it. */
beamr_status cxx_free(const guest_call *call, uint64_t object, beamr_error *err)
{
    const emscripten_exports *x = cxx_exports(call);
    uint64_t block = cxx_field_at(call, object, 0);

    if (object == 0)
        return BEAMR_OK;
    if (x->free_exception)
        return cxx_call(call, x->free_exception, &object, 1, NULL, err);
    return x->free ? cxx_call(call, x->free, &block, 1, NULL, err) : BEAMR_OK;
}

/* Destructors return nothing, or their argument. */
static beamr_status destroy(const guest_call *call, uint64_t object, beamr_error *err)
{
    beamr_table *table = ((const beamr_emscripten *)call->door)->table;
    beamr_value func = {0}, result;
    beamr_functype type;
    uint64_t destructor;

    BEAMR_TRY(cxx_get(call, object, CXX_DESTRUCTOR, &destructor, err));
    if (destructor == 0)
        return BEAMR_OK;
    if (!table || beamr_table_get(table, destructor, &func, NULL) != BEAMR_OK)
        return beamr_fail_trap(err, BEAMR_TRAP_UNDEFINED_ELEMENT, "a destructor");
    if (!func.of.func)
        return beamr_fail_trap(err, BEAMR_TRAP_UNINITIALIZED_ELEMENT, "a destructor");
    type = beamr_func_type(func.of.func);
    if (guest_type_fits(&type, "P:", call->is64))
        return cxx_call(call, func.of.func, &object, 1, NULL, err);
    if (guest_type_fits(&type, "P:P", call->is64))
        return cxx_call(call, func.of.func, &object, 1, &result, err);
    return beamr_fail_trap(err, BEAMR_TRAP_INDIRECT_CALL_MISMATCH, "a destructor");
}

beamr_status cxx_drop_reference(const guest_call *call, uint64_t object, beamr_error *err)
{
    beamr_func *func = cxx_exports(call)->decrement_refcount;
    bool is_rethrown;
    uint64_t count;

    if (object == 0)
        return BEAMR_OK;
    if (func)
        return cxx_call(call, func, &object, 1, NULL, err);
    BEAMR_TRY(cxx_get(call, object, 0, &count, err));
    BEAMR_TRY(cxx_get_flag(call, object, CXX_RETHROWN, &is_rethrown, err));
    BEAMR_TRY(cxx_put(call, object, 0, count - (count > 0), err));
    if (count > 1 || is_rethrown)
        return BEAMR_OK;
    BEAMR_TRY(destroy(call, object, err));
    return cxx_free(call, object, err);
}
