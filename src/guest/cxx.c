/* C++ exceptions as modules import them that are built for `invoke_*`: allocating, throwing,
 * choosing a handler, catching and ending.
 *
 * In front of a thrown object lies a header, in words of pointer size:
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
 * Source: the C++ ABI, "Exception Handling"; Emscripten's documentation, "C++ exceptions". */
#include <stdio.h>
#include <stdlib.h>

#include "guest/emscripten.h"

enum { TYPE = 1, DESTRUCTOR = 2, FLAGS = 3, ADJUSTED = 4, HEADER_WORDS = 6 };
enum { FLAG_CAUGHT, FLAG_RETHROWN };

/* Objects that are larger are no exceptions, and their size might wrap around. */
#define OBJECT_MAX (UINT64_C(1) << 30)

#define CXX(function)                                                                          \
    static beamr_status function(const guest_call *call, const beamr_value *args,              \
                                 beamr_value *results, beamr_error *err)

uint64_t emscripten_header_type(const beamr_emscripten *e)
{
    return (uint64_t)(TYPE - HEADER_WORDS) * (e->is64 ? 8u : 4u);
}

/* ---- Headers ---- */

static uint64_t field_at(const guest_call *call, uint64_t object, unsigned word)
{
    uint64_t at = object - (uint64_t)(HEADER_WORDS - word) * guest_word(call);

    return call->is64 ? at : (uint32_t)at;
}

static beamr_status fail_address(uint64_t object, beamr_error *err)
{
    return beamr_fail_trap(err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS,
                           "no C++ exception can be at %llu", (unsigned long long)object);
}

static beamr_status get_field(const guest_call *call, uint64_t object, unsigned word,
                              uint64_t *out, beamr_error *err)
{
    return guest_get_word(call, field_at(call, object, word), out) == GUEST_ESUCCESS
               ? BEAMR_OK
               : fail_address(object, err);
}

static beamr_status put_field(const guest_call *call, uint64_t object, unsigned word,
                              uint64_t v, beamr_error *err)
{
    return guest_put(call, field_at(call, object, word), &v, guest_word(call)) == GUEST_ESUCCESS
               ? BEAMR_OK
               : fail_address(object, err);
}

static beamr_status get_flag(const guest_call *call, uint64_t object, unsigned flag, bool *out,
                             beamr_error *err)
{
    uint8_t byte;

    if (guest_get(call, field_at(call, object, FLAGS) + flag, &byte, 1) != GUEST_ESUCCESS)
        return fail_address(object, err);
    *out = byte != 0;
    return BEAMR_OK;
}

static beamr_status put_flag(const guest_call *call, uint64_t object, unsigned flag, bool v,
                             beamr_error *err)
{
    uint8_t byte = v;

    return guest_put(call, field_at(call, object, FLAGS) + flag, &byte, 1) == GUEST_ESUCCESS
               ? BEAMR_OK
               : fail_address(object, err);
}

/* ---- The guest's functions ---- */

static const emscripten_exports *exports_of(const guest_call *call)
{
    return &((const beamr_emscripten *)call->door)->exports;
}

static guest_cxx *state_of(const guest_call *call)
{
    return guest_wasi_cxx(call->wasi);
}

/* Call a function that takes pointers, and gives nothing or what `result` is for. */
static beamr_status call_pointers(const guest_call *call, beamr_func *func,
                                  const uint64_t *pointers, size_t count, beamr_value *result,
                                  beamr_error *err)
{
    beamr_value args[3];

    for (size_t i = 0; i < count; i++)
        args[i] = guest_pointer_value(call, pointers[i]);
    return beamr_func_call(func, args, count, result, result ? 1 : 0, err);
}

static beamr_status set_temp_ret(const guest_call *call, uint64_t v, beamr_error *err)
{
    beamr_func *func = exports_of(call)->set_temp_ret;
    beamr_value value = beamr_i32((int32_t)(uint32_t)v);

    state_of(call)->temp_ret = (uint32_t)v;
    return func ? beamr_func_call(func, &value, 1, NULL, 0, err) : BEAMR_OK;
}

/* ---- References ---- */

static beamr_status take_reference(const guest_call *call, uint64_t object, beamr_error *err)
{
    beamr_func *func = exports_of(call)->increment_refcount;
    uint64_t count;

    if (object == 0)
        return BEAMR_OK;
    if (func)
        return call_pointers(call, func, &object, 1, NULL, err);
    BEAMR_TRY(get_field(call, object, 0, &count, err));
    return put_field(call, object, 0, count + 1, err);
}

/* Give the memory back, if there is a way: a module that imports the allocator has its own
 * malloc behind it. */
static beamr_status free_object(const guest_call *call, uint64_t object, beamr_error *err)
{
    const emscripten_exports *x = exports_of(call);
    uint64_t block = field_at(call, object, 0);

    if (object == 0)
        return BEAMR_OK;
    if (x->free_exception)
        return call_pointers(call, x->free_exception, &object, 1, NULL, err);
    return x->free ? call_pointers(call, x->free, &block, 1, NULL, err) : BEAMR_OK;
}

/* Destructors return nothing, or their argument. */
static beamr_status destroy(const guest_call *call, uint64_t object, beamr_error *err)
{
    const beamr_emscripten *e = call->door;
    beamr_table *table = emscripten_table(e);
    beamr_value func = {0}, result;
    beamr_functype type;
    uint64_t destructor;

    BEAMR_TRY(get_field(call, object, DESTRUCTOR, &destructor, err));
    if (destructor == 0)
        return BEAMR_OK;
    if (!table || beamr_table_get(table, destructor, &func, NULL) != BEAMR_OK)
        return beamr_fail_trap(err, BEAMR_TRAP_UNDEFINED_ELEMENT, "a destructor");
    if (!func.of.func)
        return beamr_fail_trap(err, BEAMR_TRAP_UNINITIALIZED_ELEMENT, "a destructor");
    type = beamr_func_type(func.of.func);
    if (guest_type_fits(&type, "P:", call->is64))
        return call_pointers(call, func.of.func, &object, 1, NULL, err);
    if (guest_type_fits(&type, "P:P", call->is64))
        return call_pointers(call, func.of.func, &object, 1, &result, err);
    return beamr_fail_trap(err, BEAMR_TRAP_INDIRECT_CALL_MISMATCH, "a destructor");
}

static beamr_status drop_reference(const guest_call *call, uint64_t object, beamr_error *err)
{
    beamr_func *func = exports_of(call)->decrement_refcount;
    bool is_rethrown;
    uint64_t count;

    if (object == 0)
        return BEAMR_OK;
    if (func)
        return call_pointers(call, func, &object, 1, NULL, err);
    BEAMR_TRY(get_field(call, object, 0, &count, err));
    BEAMR_TRY(get_flag(call, object, FLAG_RETHROWN, &is_rethrown, err));
    BEAMR_TRY(put_field(call, object, 0, count - (count > 0), err));
    if (count > 1 || is_rethrown)
        return BEAMR_OK;
    BEAMR_TRY(destroy(call, object, err));
    return free_object(call, object, err);
}

CXX(increment_refcount)
{
    (void)results;
    return take_reference(call, guest_pointer(&args[0]), err);
}

CXX(decrement_refcount)
{
    (void)results;
    return drop_reference(call, guest_pointer(&args[0]), err);
}

/* ---- Memory ---- */

/* The object behind a header, both zero. */
CXX(allocate_exception)
{
    beamr_func *func = exports_of(call)->malloc;
    uint64_t header = (uint64_t)HEADER_WORDS * guest_word(call);
    uint64_t size = guest_pointer(&args[0]);
    beamr_value block;
    uint8_t *bytes;

    if (size > OBJECT_MAX || !func)
        return beamr_fail_trap(err, BEAMR_TRAP_ABORT,
                               func ? "a C++ exception of %llu bytes"
                                    : "__cxa_allocate_exception needs the export malloc",
                               (unsigned long long)size);
    size += header;
    BEAMR_TRY(call_pointers(call, func, &size, 1, &block, err));
    if (guest_pointer(&block) == 0)
        return beamr_fail_trap(err, BEAMR_TRAP_ABORT, "no memory for a C++ exception");
    if (guest_bytes_at(call, guest_pointer(&block), size, &bytes) != GUEST_ESUCCESS)
        return fail_address(guest_pointer(&block), err);
    BEAMR_TRY(beamr_store_work(call->store, size, err));
    memset(bytes, 0, (size_t)size);
    results[0] = guest_pointer_value(call, guest_pointer(&block) + header);
    return BEAMR_OK;
}

CXX(free_exception)
{
    (void)results;
    return free_object(call, guest_pointer(&args[0]), err);
}

/* ---- Throwing ---- */

/* Put it on its way, as the last one thrown. */
static beamr_status throw_object(const guest_call *call, uint64_t object, beamr_error *err)
{
    guest_cxx *cxx = state_of(call);

    BEAMR_TRY(take_reference(call, object, err));
    cxx->last = object;
    cxx->uncaught++;
    return emscripten_throw(call->door, object, err);
}

CXX(throw_new)
{
    uint64_t object = guest_pointer(&args[0]);

    (void)results;
    BEAMR_TRY(put_field(call, object, TYPE, guest_pointer(&args[1]), err));
    BEAMR_TRY(put_field(call, object, DESTRUCTOR, guest_pointer(&args[2]), err));
    BEAMR_TRY(put_field(call, object, ADJUSTED, 0, err));
    return throw_object(call, object, err);
}

/* The handler that it is in will end; it must survive that. */
static beamr_status throw_again(const guest_call *call, uint64_t object, beamr_error *err)
{
    BEAMR_TRY(put_flag(call, object, FLAG_RETHROWN, true, err));
    BEAMR_TRY(put_flag(call, object, FLAG_CAUGHT, false, err));
    return throw_object(call, object, err);
}

CXX(rethrow)
{
    const guest_cxx *cxx = state_of(call);

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
    guest_cxx *cxx = state_of(call);

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

/* The object as its handler gets it: what was thrown itself if that is a pointer. */
static beamr_status object_for_handler(const guest_call *call, uint64_t object, uint64_t *out,
                                       beamr_error *err)
{
    const emscripten_exports *x = exports_of(call);
    beamr_value result = beamr_i32(0);
    uint64_t type;

    *out = object;
    if (object == 0)
        return BEAMR_OK;
    if (x->get_exception_ptr) {
        BEAMR_TRY(call_pointers(call, x->get_exception_ptr, &object, 1, &result, err));
        *out = guest_pointer(&result);
        return BEAMR_OK;
    }
    BEAMR_TRY(get_field(call, object, TYPE, &type, err));
    if (x->is_pointer_type)
        BEAMR_TRY(call_pointers(call, x->is_pointer_type, &type, 1, &result, err));
    if (result.of.i32 != 0)
        return guest_get_word(call, object, out) == GUEST_ESUCCESS ? BEAMR_OK
                                                                   : fail_address(object, err);
    BEAMR_TRY(get_field(call, object, ADJUSTED, out, err));
    *out = *out ? *out : object;
    return BEAMR_OK;
}

static beamr_status push_caught(guest_cxx *cxx, uint64_t object, beamr_error *err)
{
    if (cxx->caught_count == cxx->caught_room) {
        size_t room = cxx->caught_room ? cxx->caught_room * 2 : 16;
        uint64_t *caught;

        if (room > GUEST_CXX_CAUGHT_MAX)
            return beamr_fail_trap(err, BEAMR_TRAP_STACK_EXHAUSTED,
                                   "%zu C++ exceptions are caught at once", cxx->caught_count);
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
    guest_cxx *cxx = state_of(call);
    uint64_t object = guest_pointer(&args[0]);
    uint64_t given;
    bool is_caught = true;

    BEAMR_TRY(object_for_handler(call, object, &given, err));
    if (object) {
        BEAMR_TRY(get_flag(call, object, FLAG_CAUGHT, &is_caught, err));
        BEAMR_TRY(put_flag(call, object, FLAG_CAUGHT, true, err));
        BEAMR_TRY(put_flag(call, object, FLAG_RETHROWN, false, err));
    }
    BEAMR_TRY(push_caught(cxx, object, err));
    if (!is_caught && cxx->uncaught > 0)
        cxx->uncaught--;
    results[0] = guest_pointer_value(call, given);
    return BEAMR_OK;
}

CXX(end_catch)
{
    beamr_func *set_threw = exports_of(call)->set_threw;
    beamr_value none[2] = {guest_pointer_value(call, 0), beamr_i32(0)};
    guest_cxx *cxx = state_of(call);

    (void)args;
    (void)results;
    if (set_threw)
        BEAMR_TRY(beamr_func_call(set_threw, none, 2, NULL, 0, err));
    if (cxx->caught_count == 0)
        return beamr_fail_trap(err, BEAMR_TRAP_ABORT,
                               "a handler ends, and no C++ exception is caught");
    cxx->last = 0;
    return drop_reference(call, cxx->caught[--cxx->caught_count], err);
}

CXX(get_exception_ptr)
{
    uint64_t given;

    BEAMR_TRY(object_for_handler(call, guest_pointer(&args[0]), &given, err));
    results[0] = guest_pointer_value(call, given);
    return BEAMR_OK;
}

/* ---- Choosing a handler ---- */

/* Is a handler for `type` one for the exception?  It then notes the adjusted address. */
static beamr_status can_catch(const guest_call *call, uint64_t type, uint64_t thrown,
                              uint64_t object, bool *out, beamr_error *err)
{
    beamr_func *func = exports_of(call)->can_catch;
    uint64_t pointers[3] = {type, thrown, field_at(call, object, ADJUSTED)};
    beamr_value result;

    *out = type == 0 || type == thrown;
    if (*out || !func)
        return BEAMR_OK;
    BEAMR_TRY(call_pointers(call, func, pointers, 3, &result, err));
    *out = result.of.i32 != 0;
    return BEAMR_OK;
}

/* The first of the types whose handler takes the last exception; or its own type, which none of
 * them is, so that the guest goes on to clean up. */
static beamr_status choose(const guest_call *call, uint64_t object, const beamr_value *types,
                           size_t count, uint64_t *out, beamr_error *err)
{
    uint64_t thrown;

    BEAMR_TRY(put_field(call, object, ADJUSTED, object, err));
    BEAMR_TRY(get_field(call, object, TYPE, &thrown, err));
    *out = thrown;
    for (size_t i = 0; i < count && thrown != 0; i++) {
        uint64_t type = guest_pointer(&types[i]);
        bool is_chosen;

        BEAMR_TRY(can_catch(call, type, thrown, object, &is_chosen, err));
        if (is_chosen) {
            *out = type ? type : thrown;
            break;
        }
    }
    return BEAMR_OK;
}

/* ---- `__cxa_find_matching_catch_N` ---- */

typedef struct matcher {
    beamr_emscripten *e; /* counted */
    size_t count;        /* of types */
} matcher;

static void matcher_free(void *user)
{
    matcher *m = user;

    beamr_emscripten_unref(m->e);
    free(m);
}

static beamr_status find_matching_catch(const beamr_call *outer, const beamr_value *args,
                                        beamr_value *results, beamr_error *err)
{
    const matcher *m = outer->user;
    beamr_instance *caller = m->e->instance ? m->e->instance : outer->caller;
    guest_call call = {.store = outer->store,
                       .caller = caller,
                       .memory = caller ? beamr_instance_memory(caller, 0) : NULL,
                       .is64 = m->e->is64,
                       .wasi = m->e->wasi,
                       .door = m->e};
    uint64_t object = state_of(&call)->last;
    uint64_t type = 0;

    if (object)
        BEAMR_TRY(choose(&call, object, args, m->count, &type, err));
    results[0] = guest_pointer_value(&call, object);
    return set_temp_ret(&call, type, err);
}

static bool has_prefix(beamr_bytes name, const char *prefix)
{
    return name.len >= strlen(prefix) && memcmp(name.data, prefix, strlen(prefix)) == 0;
}

bool emscripten_is_matching_catch(const beamr_import *import)
{
    return import->type.kind == BEAMR_EXTERN_FUNC && has_prefix(import->module, "env") &&
           import->module.len == 3 && has_prefix(import->name, "__cxa_find_matching_catch");
}

static bool matching_catch_fits(const beamr_functype *type, bool is64)
{
    beamr_kind pointer = is64 ? BEAMR_I64 : BEAMR_I32;

    for (size_t i = 0; i < type->param_count; i++)
        if (beamr_valtype_kind(type->params[i]) != pointer)
            return false;
    return type->result_count == 1 && beamr_valtype_kind(type->results[0]) == pointer;
}

static beamr_status matching_catch_define(beamr_emscripten *e, beamr_linker *linker,
                                          const beamr_import *import, beamr_error *err)
{
    beamr_extern item = {.kind = BEAMR_EXTERN_FUNC};
    beamr_host host = {.callback = find_matching_catch,
                       .finalize = matcher_free,
                       .module = import->module,
                       .name = import->name};
    matcher *m;

    if (!matching_catch_fits(&import->type.func, e->is64))
        return beamr_fail(err, BEAMR_UNLINKABLE, 0,
                          "import env.%.*s takes and gives pointers only",
                          (int)import->name.len, (const char *)import->name.data);
    if (!(m = malloc(sizeof *m)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an import");
    *m = (matcher){beamr_emscripten_ref(e), import->type.func.param_count};
    host.user = m;
    if (beamr_func_make(e->store, &import->type.func, &host, &item.of.func, err) != BEAMR_OK) {
        matcher_free(m);
        return err ? err->status : BEAMR_NO_MEMORY;
    }
    return beamr_linker_define(linker, import->module, import->name, item, err);
}

beamr_status emscripten_matching_catch_link(beamr_emscripten *e, beamr_linker *linker,
                                            beamr_error *err)
{
    for (size_t i = 0; i < beamr_module_import_count(e->module); i++) {
        beamr_import import = beamr_module_import(e->module, i);

        if (emscripten_is_matching_catch(&import))
            BEAMR_TRY(matching_catch_define(e, linker, &import, err));
    }
    return BEAMR_OK;
}

/* ---- Asking ---- */

/* The caught exception of the innermost handler, or 0. */
static uint64_t innermost(const guest_call *call)
{
    const guest_cxx *cxx = state_of(call);

    return cxx->caught_count ? cxx->caught[cxx->caught_count - 1] : 0;
}

CXX(current_primary_exception)
{
    uint64_t object = innermost(call);

    (void)args;
    results[0] = guest_pointer_value(call, object);
    return take_reference(call, object, err);
}

CXX(current_exception_type)
{
    uint64_t object = innermost(call);
    uint64_t type = 0;

    (void)args;
    if (object)
        BEAMR_TRY(get_field(call, object, TYPE, &type, err));
    results[0] = guest_pointer_value(call, type);
    return BEAMR_OK;
}

CXX(uncaught_exceptions)
{
    (void)args;
    (void)err;
    results[0] = beamr_i32((int32_t)(uint32_t)state_of(call)->uncaught);
    return BEAMR_OK;
}

CXX(uncaught_exception)
{
    (void)args;
    (void)err;
    results[0] = beamr_i32(state_of(call)->uncaught > 0);
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
    results[0] = beamr_i32((int32_t)state_of(call)->temp_ret);
    return BEAMR_OK;
}

CXX(put_temp_ret)
{
    (void)results;
    return set_temp_ret(call, guest_u32(&args[0]), err);
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
