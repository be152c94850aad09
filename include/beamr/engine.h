/* Engine: what all modules and stores of a process share: options and types.
 * Immutable once made, and safe to use from any thread. Outlives its modules and stores. */
#ifndef BEAMR_ENGINE_H
#define BEAMR_ENGINE_H

#include "beamr/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct beamr_engine beamr_engine;

/* How guest code runs; either way it means the same. See beamr/native.h. */
typedef enum beamr_tier {
    /* What the environment's BEAMR_TIER says, "interpret" or "native"; else interpret. */
    BEAMR_TIER_DEFAULT,
    /* Interpreted, but for modules that are given native code (beamr_module_compile). */
    BEAMR_TIER_INTERPRET,
    /* beamr_module_load compiles each module before it returns. One that cannot be compiled is
     * interpreted: beamr_module_native_failure tells. */
    BEAMR_TIER_NATIVE,
} beamr_tier;

/* Options of an engine; begin with `beamr_config config = BEAMR_CONFIG_DEFAULT`. */
typedef struct beamr_config {
    /* Language features as text: "" for all that are supported; else a list, separated by
     * commas, applied from left to right: "-simd" switches one off, "+simd" or "simd" on,
     * "-all" all but WebAssembly 1.0 off, "all" on. Names: beamr_feature_name. */
    const char *features;
    /* Count instructions against each store's fuel (wasm/cost.def); slower. */
    bool metering;
    /* Largest module in bytes that beamr_module_load takes; 0 for the engine's own limit. */
    size_t max_module_size;
    /* Bytes that memories, tables and element segments of all stores may take together, counted
     * as in beamr_store_limits; 0 for no limit. This is the host's own limit: beyond it guests
     * trap with OUT_OF_MEMORY, as if the host had no more, and new objects are
     * BEAMR_NO_MEMORY. */
    uint64_t max_bytes;
    /* Bytes of address space that the memories of all stores may reserve; 0 for as much as the
     * host gives. A memory whose reservation does not fit any more does without a guard. */
    uint64_t max_reserved;
    /* All memories do without a guard (see beamr_memory_is_guarded). */
    bool unguarded;
    /* Ranges of address space that stores, memories and suspended calls of all stores may take
     * (two each); 0 for as many as the host gives. A host that has no more to give, Linux
     * beyond vm.max_map_count, fails in all that the process does, not in the engine alone.
     * Beyond it is BEAMR_NO_MEMORY. */
    uint64_t max_mappings;
    beamr_tier tier;
} beamr_config;

#define BEAMR_CONFIG_DEFAULT                                                                   \
    {                                                                                          \
        "", false, 0, 0, 0, false, 0, BEAMR_TIER_DEFAULT                                       \
    }

/* Make an engine.
 *   config  borrowed during the call; NULL for the default
 *   out     to be freed with beamr_engine_free
 * Errors: BEAMR_ARGUMENT (an unknown or refused feature, named; a BEAMR_TIER that is no tier),
 * BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_engine_new(const beamr_config *config,
                                        BEAMR_OWN beamr_engine **out, beamr_error *err);

/* Give the engine back. It goes when the last module and store of it have gone too.
 * Accepts NULL. */
BEAMR_API void beamr_engine_free(beamr_engine *engine);

/* Names of features, in order; NULL behind the last. */
BEAMR_API const char *beamr_feature_name(size_t i);
/* Feature i can be executed; otherwise modules that need it are refused. */
BEAMR_API bool beamr_feature_is_supported(size_t i);

/* Version of the library, as "1.2.3". */
BEAMR_API const char *beamr_version(void);

#ifdef __cplusplus
}
#endif
#endif
