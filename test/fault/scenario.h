/* Scenarios: operations that must survive a failing allocation.
 * Each is a row of a table in a <topic>_scenarios.c and runs as fault_test.c says. */
#ifndef TEST_FAULT_SCENARIO_H
#define TEST_FAULT_SCENARIO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../unit/wasm_builder.h"
#include "beamr/beamr.h"
#include "fault.h"

/* What an operation gave, as a number: equal answers have equal numbers. */
typedef struct answer {
    uint64_t hash;
} answer;

void answer_bytes(answer *a, const void *data, size_t len);
void answer_number(answer *a, uint64_t n);
void answer_text(answer *a, const char *text);
void answer_values(answer *a, const beamr_value *values, size_t count); /* no references */

typedef struct saved {
    uint8_t *data;
    size_t len;
} saved;

typedef struct scenario scenario;

/* What a scenario works on. Whatever is set here is given back when the run is over. */
typedef struct world {
    const scenario *is;
    beamr_engine *engine;
    beamr_store *store, *other_store;
    beamr_linker *linker;
    beamr_module *module;
    beamr_instance *instance;
    beamr_extern imports[8];
    wasm_builder wasm;
    saved snapshot, before;
    beamr_vfs *vfs, *other_vfs;
    beamr_wasi *wasi;
    int64_t finalizers; /* to run, less those that ran; 0 in the end */
} world;

struct scenario {
    const char *name;
    /* Make what the operation needs; nothing fails. NULL: only an engine is needed, which is
     * made by world_engine. */
    void (*open)(world *w);
    /* The operation. Its answer counts only on success, or when it fails as the undisturbed
     * run does; it may call fault_pause and fault_resume around what is not part of it. It
     * leaves nothing behind that the world does not hold, and can be run again. */
    beamr_status (*run)(world *w, answer *a, beamr_error *err);
    /* The operation failed: nothing has changed. May be NULL. */
    void (*check)(world *w);
    /* Calls whose failure is no failure of the operation, as FAULT_ bits: exactly these. */
    unsigned without;
    bool is_once; /* having succeeded it cannot be repeated with the same answer */
    /* For tables of like scenarios. */
    const char *text;
    int32_t number;
    void (*build)(wasm_builder *w);
};

extern const scenario load_scenarios[], object_scenarios[], call_scenarios[],
    snapshot_scenarios[], vfs_scenarios[], system_scenarios[], guest_scenarios[],
    value_scenarios[], native_scenarios[]; /* each ends with a row of zeros */

/* ---- Helpers; those that open fail the test when they cannot ---- */

void world_engine(world *w);
void world_store(world *w); /* with an engine */
/* Store and module, built by the scenario's `build`, or by guest_build. */
void world_module(world *w);
void world_instance(world *w); /* of guest_build's module, with guest_imports */

/* Call an export with numbers for its parameters, all of them `number`. */
beamr_status world_call(world *w, const char *name, int32_t number, answer *a,
                        beamr_error *err);

/* ---- Guests: guests.c ---- */

void wasm_file(wasm_builder *w, const char *path); /* a whole file, as it is */

enum { GUEST_IMPORTS = 4 };

/* A module with all sections but those of its own making; it imports what guest_imports makes.
 */
void guest_build(wasm_builder *w);
beamr_status guest_imports(beamr_store *store, beamr_extern imports[GUEST_IMPORTS],
                           beamr_error *err);
const char *guest_import_name(size_t i); /* of module "env" */

#endif
