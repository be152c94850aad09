/* What the files of Emscripten's imports share: the object behind beamr_emscripten, and what is
 * done with it. emscripten.c links and looks up, invoke.c makes `invoke_*`, throw.c and cxx*.c
 * have the functions that throw and catch; the other functions of `env` are in env_*.c, for
 * which `door` of a guest_call is a beamr_emscripten too. */
#ifndef GUEST_EMSCRIPTEN_H
#define GUEST_EMSCRIPTEN_H

#include "base/arena.h" /* BEAMR_TRY: what was made before a failure belongs to the store */
#include "guest/bind.h"
#include "guest/cxx.h"

/* An import `invoke_*`. */
typedef struct emscripten_invoke {
    size_t import; /* index in the module */
    beamr_func *func;
} emscripten_invoke;

/* Functions of the guest that its imports need; NULL where it has none. */
typedef struct emscripten_exports {
    beamr_func *malloc, *free;
    beamr_func *set_threw;
    beamr_func *set_temp_ret;
    beamr_func *can_catch;
    beamr_func *is_pointer_type;
    beamr_func *get_exception_ptr;
    beamr_func *increment_refcount, *decrement_refcount;
    beamr_func *free_exception;
} emscripten_exports;

struct beamr_emscripten {
    size_t refs;
    beamr_wasi *wasi;       /* counted */
    beamr_emscripten *next; /* of the system's doors */
    beamr_store *store;
    beamr_tag *tag; /* of all that is thrown here: the C++ object's address, or 0 */
    bool is64;
    unsigned dialect;         /* as guest_env_dialect tells */
    beamr_module *module;     /* counted */
    beamr_instance *instance; /* NULL until attached */
    emscripten_exports exports;
    beamr_table *table; /* of C's function pointers; NULL: none, or not attached */

    beamr_instance *front; /* see adapter.h; NULL without invokes */
    emscripten_invoke *invokes;
    size_t invoke_count;
};

/* The import is one of `invoke_*`, by its name. */
bool emscripten_is_invoke(const beamr_import *import);

/* Make the front for all imports of `invoke_*`, and define them in the linker.
 * Errors: BEAMR_UNLINKABLE (a type that is no such function's), BEAMR_UNSUPPORTED,
 * BEAMR_NO_MEMORY. */
beamr_status emscripten_invokes_link(beamr_emscripten *e, beamr_linker *linker,
                                     beamr_error *err);
/* Make the back, and put it behind the front.
 * Errors: as beamr_emscripten_attach. */
beamr_status emscripten_invokes_attach(beamr_emscripten *e, beamr_error *err);
/* The function for import i of the module, if it is one of `invoke_*`; several of one name may
 * differ in type, while a linker holds one of them. */
beamr_func *emscripten_invoke_find(const beamr_emscripten *e, size_t import);

/* Find an exported function of one of the names, of a type in letters as in bind.h.
 *   names  each with its NUL, and an empty one behind the last
 *   *out   NULL when there is none
 * Errors: BEAMR_NO_MEMORY. */
beamr_status emscripten_export(const beamr_emscripten *e, const char *names, const char *type,
                               beamr_func **out, beamr_error *err);

/* Functions that throw, and those of C++ exceptions; sorted by name. */
extern const guest_import guest_throw_rows[];
extern const size_t guest_throw_row_count;
extern const guest_import guest_cxx_rows[];
extern const size_t guest_cxx_row_count;

/* `__cxa_find_matching_catch_N`, whose number of parameters is that of the import. */
bool emscripten_is_matching_catch(const beamr_import *import);
beamr_status emscripten_matching_catch_link(beamr_emscripten *e, beamr_linker *linker,
                                            beamr_error *err);

/* Throw the tag. Returns as beamr_throw.  object  address of the C++ object; 0: a longjmp */
beamr_status emscripten_throw(const beamr_emscripten *e, uint64_t object, beamr_error *err);
/* Where, from a C++ object's address, the pointer to its type lies in memory: before it. */
uint64_t emscripten_header_type(const beamr_emscripten *e);

/* As beamr_emscripten_link, without those imports that are taken (guest/bind.h). */
beamr_status emscripten_link(beamr_wasi *wasi, beamr_linker *linker, beamr_module *module,
                             const beamr_extern *taken, beamr_emscripten **out,
                             beamr_error *err);

/* Does Emscripten's side know the import?  *fits  its type is a possible one */
bool emscripten_provides(const beamr_import *import, bool *fits, bool is64);

#define EMSCRIPTEN_SET_THREW "setThrew\0_setThrew\0"

#endif
