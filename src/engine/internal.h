/* What the files of src/engine share: the runtime's objects behind the public handles, and
 * values in both forms.
 * A handle is the runtime's object under another name; a value type is the same number in both.
 * A value of the embedder's is checked before it becomes slots; slots are trusted. */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include <string.h>

#include "beamr/instance.h"
#include "runtime/entry.h"

/* ---- Handles ---- */

#define ENGINE_HANDLE(public, own, name)                                                       \
    static inline own *engine_##name(const public *handle)                                     \
    {                                                                                          \
        return (own *)(uintptr_t)handle;                                                       \
    }                                                                                          \
    static inline public *engine_public_##name(const own *object)                              \
    {                                                                                          \
        return (public *)(uintptr_t)object;                                                    \
    }

ENGINE_HANDLE(beamr_engine, rt_engine, engine)
ENGINE_HANDLE(beamr_module, abi_module, module)
ENGINE_HANDLE(beamr_store, abi_store, store)
ENGINE_HANDLE(beamr_instance, abi_instance, instance)
ENGINE_HANDLE(beamr_func, abi_func, func)
ENGINE_HANDLE(beamr_memory, abi_memory, memory)
ENGINE_HANDLE(beamr_table, abi_table, table)
ENGINE_HANDLE(beamr_global, abi_global, global)
ENGINE_HANDLE(beamr_tag, abi_tag, tag)
ENGINE_HANDLE(beamr_exception, abi_exception, exception)

/* ---- Types ---- */

/* The kind that values of a type have; not for the empty and the unknown type. */
static inline beamr_kind engine_kind(wb_valtype type)
{
    _Static_assert(BEAMR_I32 + 1 == WB_KIND_I32 && BEAMR_V128 + 1 == WB_KIND_V128,
                   "kinds of numbers are in the same order");
    if (!wb_valtype_is_ref(type))
        return (beamr_kind)(wb_valtype_kind(type) - 1);
    switch (wb_valtype_heap(type)) {
    case WB_HEAP_EXTERN:
    case WB_HEAP_NOEXTERN:
        return BEAMR_EXTERNREF;
    case WB_HEAP_EXN:
    case WB_HEAP_NOEXN:
        return BEAMR_EXNREF;
    default:
        return BEAMR_FUNCREF;
    }
}

/* The type is one that values can have. */
bool engine_valtype_is_valid(beamr_valtype type);
wb_limits engine_limits(const beamr_limits *limits);
beamr_limits engine_public_limits(uint64_t min, uint64_t max, bool is64);
beamr_functype engine_public_functype(const wb_functype *type);
beamr_externtype engine_public_externtype(const rt_externtype *type);
beamr_extern engine_public_extern(const rt_extern *e);
rt_extern engine_extern(const beamr_extern *e);

/* Register a function type.
 *   canon  its id, with one reference to be released
 * Errors: BEAMR_LIMIT, BEAMR_ARGUMENT (no value type), BEAMR_NO_MEMORY. */
beamr_status engine_functype_add(rt_engine *e, const beamr_functype *type, uint32_t *canon,
                                 beamr_error *err);

/* ---- Host functions ---- */

/* A host function failed with this status, and err if it filled it: make err the guest's trap.
 * Returns BEAMR_TRAP. */
beamr_status engine_host_failure(beamr_status st, beamr_error *err);
/* The names that a host function was made with. */
void engine_host_names(const abi_func *f, beamr_bytes *module, beamr_bytes *name);

/* ---- Native code ---- */

/* Compile a module that was just loaded, which nobody else knows yet; if that fails it remembers
 * why. */
void engine_compile_loaded(abi_module *m);

/* ---- Values ---- */

bool engine_ref_fits(const abi_store *s, const beamr_value *v, wb_valtype type);

/* The value is of the type, and of the store if that can be told. */
static inline bool engine_value_fits(const abi_store *s, const beamr_value *v, wb_valtype type)
{
    if (!wb_valtype_is_ref(type))
        return v->kind == engine_kind(type);
    return engine_ref_fits(s, v, type);
}

/* What is wrong with a value that does not fit: "i64 expected, f32 given". */
#define ENGINE_MISFIT_SIZE 160
const char *engine_misfit_text(const abi_store *s, const beamr_value *v, wb_valtype type,
                               char *buf, size_t size);

/* A value that must be of a type, as slots; NULL is the null reference.
 *   what  names it in the error's text
 * Errors: BEAMR_ARGUMENT. */
beamr_status engine_value_slots(const abi_store *s, const beamr_value *v, wb_valtype type,
                                const char *what, uint64_t slots[2], beamr_error *err);

/* Write a value that fits.  Returns the slot behind it. */
static inline uint64_t *engine_value_put(const beamr_value *v, uint64_t *slot)
{
    uint32_t word;

    switch (v->kind) {
    case BEAMR_I32:
    case BEAMR_F32:
        memcpy(&word, &v->of, sizeof word);
        *slot = word;
        return slot + 1;
    case BEAMR_V128:
        memcpy(slot, v->of.v128, sizeof v->of.v128);
        return slot + 2;
    default:
        memcpy(slot, &v->of, sizeof *slot);
        return slot + 1;
    }
}

/* Read a value; bytes of the union that its kind leaves unused become 0.
 * Returns the slot behind it. */
static inline const uint64_t *engine_value_get(wb_valtype type, const uint64_t *slot,
                                               beamr_value *v)
{
    memset(&v->of, 0, sizeof v->of);
    v->kind = engine_kind(type);
    switch (v->kind) {
    case BEAMR_I32:
        v->of.i32 = (int32_t)(uint32_t)*slot;
        return slot + 1;
    case BEAMR_F32:
        memcpy(&v->of.f32, &(uint32_t){(uint32_t)*slot}, sizeof v->of.f32);
        return slot + 1;
    case BEAMR_V128:
        memcpy(v->of.v128, slot, sizeof v->of.v128);
        return slot + 2;
    default:
        memcpy(&v->of, slot, sizeof *slot);
        return slot + 1;
    }
}

static inline bool engine_bytes_equal(beamr_bytes a, beamr_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif
