/* What both doors share: binding a module's imports to functions of tables, and reading and
 * writing guest memory of either pointer width.
 *
 * A table's row gives a function's name and its type in letters: i l f d for i32 i64 f32 f64, P
 * for a pointer or size, which is i32 or i64 as memory 0 of the module says; a colon before the
 * results. The import's declared type must fit that of a row; a function that has been declared
 * in several ways has as many rows, next to each other. */
#ifndef GUEST_BIND_H
#define GUEST_BIND_H

#include <string.h>

#include "beamr/wasi.h"
#include "guest/errno.h"

/* One call of a guest's. */
typedef struct guest_call {
    beamr_store *store;
    beamr_instance *caller; /* NULL when C called */
    beamr_memory
        *memory; /* the caller's memory 0, or NULL: all accesses are then out of bounds */
    bool is64;   /* pointers and sizes are 8 bytes, otherwise 4 */
    beamr_wasi *wasi;
    void *door;       /* as given to guest_bind */
    unsigned dialect; /* likewise */
} guest_call;

/* Bytes that a call may touch without being charged for it (beamr_store_work). */
#define GUEST_FREE_WORK ((uint64_t)4096)
/* What a random byte is worth, in bytes that are only touched. */
#define GUEST_RANDOM_WORK ((uint64_t)16)

/* A function for guests. Returns as a beamr_host_func; err is never NULL. */
typedef beamr_status (*guest_function)(const guest_call *call, const beamr_value *args,
                                       beamr_value *results, beamr_error *err);

typedef struct guest_import {
    const char *name;
    const char *type; /* as "iPPP:i" */
    guest_function function;
} guest_import;

/* Whether a function type is what a row says.  *is64 is read, not written. */
bool guest_type_fits(const beamr_functype *type, const char *letters, bool is64);
/* Pointers of this module are 64 bits wide. */
bool guest_module_is64(const beamr_module *module);

/* Define, in the linker, each import of `module` from `from` that one of the rows provides.
 *   rows   static, sorted by name in strcmp's order. Of those with one name the first that fits
 *          is taken
 *   door   passed to each call; `door_ref` and `door_unref` count it (NULL if nothing is to be
 *          counted)
 * Errors: BEAMR_UNLINKABLE (an import of another type), BEAMR_NO_MEMORY. */
typedef struct guest_door {
    beamr_wasi *wasi; /* counted by what is bound */
    void *door;
    void (*door_ref)(void *door);
    void (*door_unref)(void *door);
    unsigned dialect; /* passed to each call: which of a library's layouts the module knows */
    /* Unless NULL: where the instance that is served will be noted, which is then taken for the
     * caller. Calls through `invoke_*` come from an instance of ours. */
    beamr_instance *const *instance;
    unsigned deferrable; /* a bit of guest_deferred; 0: never answered later */
    /* Unless NULL: for each import of the module what the embedder gives for it; those that it
     * does not leave empty are its own, whatever their types. */
    const beamr_extern *taken;
} guest_door;
beamr_status guest_bind(beamr_linker *linker, const beamr_module *module, const char *from,
                        const guest_import *rows, size_t row_count, const guest_door *door,
                        beamr_error *err);
/* Call a function as what was bound does, and charge for what it did. */
beamr_status guest_call_function(const guest_call *call, guest_function function,
                                 const beamr_value *args, beamr_value *results,
                                 beamr_error *err);
/* The kind that a letter of a type means. */
beamr_kind guest_letter_kind(char letter, bool is64);
/* The first row for a name, or NULL. */
const guest_import *guest_import_find(const guest_import *rows, size_t row_count,
                                      beamr_bytes name);
/* The row for an imported function of that name and type, or NULL. */
const guest_import *guest_import_fit(const guest_import *rows, size_t row_count,
                                     beamr_bytes name, const beamr_functype *type, bool is64);

/* The host has no memory for what a guest asked for: its call ends. An errno would make what
 * the guest computes depend on the host; where a guest's own limits are in the way it gets
 * another (ENOSPC, EMFILE).  Returns BEAMR_TRAP. */
beamr_status guest_fail_memory(beamr_error *err);

/* ---- Arguments ---- */

static inline uint32_t guest_u32(const beamr_value *v)
{
    return (uint32_t)v->of.i32;
}
static inline uint64_t guest_u64(const beamr_value *v)
{
    return (uint64_t)v->of.i64;
}
/* A pointer or size of either width. */
static inline uint64_t guest_pointer(const beamr_value *v)
{
    return v->kind == BEAMR_I32 ? (uint32_t)v->of.i32 : (uint64_t)v->of.i64;
}
static inline beamr_value guest_pointer_value(const guest_call *call, uint64_t p)
{
    return call->is64 ? beamr_i64((int64_t)p) : beamr_i32((int32_t)(uint32_t)p);
}

/* ---- Memory: little-endian, any alignment. Errors: EFAULT, and nothing is written. ---- */

/* The bytes at an address; valid until guest code runs. len 0 is valid anywhere up to the end.
 */
static inline guest_errno guest_bytes_at(const guest_call *call, uint64_t addr, uint64_t len,
                                         uint8_t **out)
{
    uint64_t size = call->memory ? beamr_memory_size(call->memory) : 0;

    if (addr > size || len > size - addr)
        return GUEST_EFAULT;
    *out = size ? beamr_memory_data(call->memory) + addr : NULL;
    return GUEST_ESUCCESS;
}

static inline guest_errno guest_get(const guest_call *call, uint64_t addr, void *out,
                                    size_t len)
{
    uint8_t *p;
    guest_errno e = guest_bytes_at(call, addr, len, &p);

    if (e == GUEST_ESUCCESS && len)
        memcpy(out, p, len);
    return e;
}
static inline guest_errno guest_put(const guest_call *call, uint64_t addr, const void *in,
                                    size_t len)
{
    uint8_t *p;
    guest_errno e = guest_bytes_at(call, addr, len, &p);

    if (e == GUEST_ESUCCESS && len)
        memcpy(p, in, len);
    return e;
}

static inline guest_errno guest_put_u32(const guest_call *call, uint64_t addr, uint32_t v)
{
    return guest_put(call, addr, &v, sizeof v);
}
static inline guest_errno guest_put_u64(const guest_call *call, uint64_t addr, uint64_t v)
{
    return guest_put(call, addr, &v, sizeof v);
}
static inline guest_errno guest_get_u32(const guest_call *call, uint64_t addr, uint32_t *out)
{
    return guest_get(call, addr, out, sizeof *out);
}
static inline guest_errno guest_get_u64(const guest_call *call, uint64_t addr, uint64_t *out)
{
    return guest_get(call, addr, out, sizeof *out);
}

/* A pointer or size in memory, of the call's width. */
static inline unsigned guest_word(const guest_call *call)
{
    return call->is64 ? 8 : 4;
}
static inline guest_errno guest_get_word(const guest_call *call, uint64_t addr, uint64_t *out)
{
    *out = 0;
    return guest_get(call, addr, out, guest_word(call));
}
/* Errors: EOVERFLOW when v does not fit, too. */
static inline guest_errno guest_put_word(const guest_call *call, uint64_t addr, uint64_t v)
{
    if (!call->is64 && v > UINT32_MAX)
        return GUEST_EOVERFLOW;
    return guest_put(call, addr, &v, guest_word(call));
}

#endif
