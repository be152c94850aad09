/* Engine and module as the runtime knows them: counted, shared between threads. */
#ifndef RUNTIME_ENGINE_H
#define RUNTIME_ENGINE_H

#include "abi/instance.h"
#include "runtime/deadline.h"

typedef struct rt_engine {
    _Atomic(uint32_t) refs;
    wb_registry *registry;
    wb_features features;
    bool metering;
    bool compiles; /* modules when they are loaded; see beamr/native.h */
    size_t max_module_size;
    rt_timer timer;        /* of its stores' deadlines */
    uint64_t max_reserved; /* bytes of address space for guarded memories */
    uint64_t max_bytes;    /* of memories, tables and element segments of all stores */
    uint64_t max_mappings; /* ranges of address space of all stores */
    _Atomic(uint64_t) reserved;
    _Atomic(uint64_t) mappings;
    _Atomic(uint64_t) bytes;
    abi_entry guest_entry; /* the executor's entry for all guest functions */
    /* The executor's record of a module, made when it is loaded, and its release. */
    beamr_status (*code_new)(abi_module *m, void **out, beamr_error *err);
    void (*code_free)(void *code);
    /* The executor's record of function `index`, defined (not imported) in the module. */
    void *(*code_func)(void *code, uint32_t index);
    /* Native code, where there is such: each may be NULL. */
    _Atomic(bool) has_native; /* some module has or had native code */
    /* The objects of an instance are made: give it its context, if it can have one.
     * Errors: BEAMR_NO_MEMORY. */
    beamr_status (*instance_init)(abi_instance *inst, beamr_error *err);
    /* A new function of an instance with a context. */
    void (*func_init)(abi_func *f);
    void (*native_free)(void *native); /* a module goes; never NULL's */
    /* Function `index`, defined in the module, has native code. */
    bool (*native_has)(const void *native, uint32_t index);
} rt_engine;

/* Make an engine with all supported features, no metering, the engine's own limit on modules,
 * no limits on its stores together, and one reference. The executor's functions are for the
 * caller to fill in. Errors: BEAMR_NO_MEMORY. */
beamr_status rt_engine_new(BEAMR_OWN rt_engine **out, beamr_error *err);
void rt_engine_ref(rt_engine *e);
void rt_engine_unref(rt_engine *e); /* accepts NULL */

#define RT_MODULE_ID_SIZE 32

/* A loaded module. Immutable but for the executor's record, which guards itself, and the
 * identity, which is made when first asked for. */
struct abi_module {
    _Atomic(uint32_t) refs;
    rt_engine *engine; /* a counted reference */
    wb_module wasm;
    void *code;
    _Atomic(void *) native; /* its native code, or NULL; set once */
    _Atomic(bool) has_id; /* `id` is there, and changes no more */
    uint8_t id[RT_MODULE_ID_SIZE];
    /* Why it is interpreted although the engine compiles; set before others see the module. */
    beamr_status native_status;
    char *native_error; /* owned; may be NULL */
};

/* Decode, validate and prepare a module. As beamr_module_load. */
beamr_status rt_module_new(rt_engine *e, beamr_bytes wasm, BEAMR_OWN abi_module **out,
                           beamr_error *err);
/* The SHA-256 of the module's bytes. Any thread may ask.  Errors: BEAMR_NO_MEMORY. */
beamr_status rt_module_id(abi_module *m, uint8_t id[RT_MODULE_ID_SIZE], beamr_error *err);
void rt_module_ref(abi_module *m);
void rt_module_unref(abi_module *m); /* accepts NULL */

#endif
