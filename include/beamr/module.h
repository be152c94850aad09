/* Module: checked WebAssembly, ready to be instantiated.
 * Immutable and counted; any number of threads and stores may share one. */
#ifndef BEAMR_MODULE_H
#define BEAMR_MODULE_H

#include "beamr/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct beamr_module beamr_module;

/* Decode and validate a binary module, in time linear in its size.
 *   wasm  borrowed during the call; copied
 *   out   to be released with beamr_module_unref
 * Errors: BEAMR_MALFORMED, BEAMR_INVALID, BEAMR_UNSUPPORTED, BEAMR_LIMIT, with the byte offset;
 * BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_module_load(beamr_engine *engine, beamr_bytes wasm,
                                         BEAMR_OWN beamr_module **out, beamr_error *err);

BEAMR_API beamr_module *beamr_module_ref(beamr_module *module); /* returns its argument */
BEAMR_API void beamr_module_unref(beamr_module *module);        /* accepts NULL */

/* The module's identity: the SHA-256 of the bytes that it was loaded from. Computed when first
 * asked for.  Errors: BEAMR_NO_MEMORY. */
#define BEAMR_MODULE_ID_SIZE 32
BEAMR_API beamr_status beamr_module_id(const beamr_module *module,
                                       uint8_t id[BEAMR_MODULE_ID_SIZE], beamr_error *err);

/* What follows borrows from the module. */

typedef struct beamr_import {
    beamr_bytes module;
    beamr_bytes name;
    beamr_externtype type;
} beamr_import;

typedef struct beamr_export {
    beamr_bytes name;
    beamr_externtype type;
} beamr_export;

BEAMR_API size_t beamr_module_import_count(const beamr_module *module);
BEAMR_API beamr_import beamr_module_import(const beamr_module *module, size_t i);
BEAMR_API size_t beamr_module_export_count(const beamr_module *module);
BEAMR_API beamr_export beamr_module_export(const beamr_module *module, size_t i);

/* Find an export by name.  Returns false when there is none. */
BEAMR_API bool beamr_module_find_export(const beamr_module *module, beamr_bytes name,
                                        beamr_export *out);

/* Memories and functions, imported ones included and first. */
BEAMR_API size_t beamr_module_memory_count(const beamr_module *module);
BEAMR_API beamr_limits beamr_module_memory(const beamr_module *module, size_t i);
BEAMR_API size_t beamr_module_func_count(const beamr_module *module);
BEAMR_API beamr_bytes beamr_module_func_name(const beamr_module *module, size_t i);

/* The module uses feature i of beamr_feature_name. */
BEAMR_API bool beamr_module_uses_feature(const beamr_module *module, size_t i);

/* A section as it stands in the file. */
typedef struct beamr_section {
    uint8_t id; /* 0 for custom */
    const char *kind; /* "type", "import", ..., "custom" */
    beamr_bytes name; /* of a custom section */
    size_t offset;    /* of its contents, bytes */
    size_t size;      /* of its contents, bytes */
} beamr_section;

BEAMR_API size_t beamr_module_section_count(const beamr_module *module);
BEAMR_API beamr_section beamr_module_section(const beamr_module *module, size_t i);

#ifdef __cplusplus
}
#endif
#endif
