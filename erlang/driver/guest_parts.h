/* What the files of a guest share: guest.c makes it and brings it up, guest_link.c provides its
 * imports, guest_names.c finds its exports, guest_call.c calls it, guest_memory.c reads and
 * writes, guest_state.c saves and restores, guest_error.c tells what went wrong. */
#ifndef DRIVER_GUEST_PARTS_H
#define DRIVER_GUEST_PARTS_H

#include "driver/guest.h"

typedef enum drv_stage {
    DRV_STAGE_NEW,
    DRV_STAGE_STARTING,     /* in the start function */
    DRV_STAGE_INITIALIZING, /* in _initialize or __wasm_call_ctors */
    DRV_STAGE_UP,
    DRV_STAGE_FAILED, /* could not be brought up, or lost its state */
} drv_stage;

/* Exported functions by name: numbers of exports, in a table with free places between them. */
typedef struct drv_names {
    uint32_t *slots; /* one more than the export's number; 0: free */
    size_t mask;
    uint64_t seed; /* nobody can prepare a module whose names all meet */
} drv_names;

struct drv_guest {
    drv_options options;
    drv_stage stage;
    bool is_slow; /* see drv_guest_is_quick */
    beamr_module *module;
    beamr_store *store;
    beamr_wasi *wasi;
    beamr_instance *instance; /* NULL before it starts */
    beamr_memory *memory;     /* its memory 0, or NULL */
    beamr_entry entry;        /* of bringing up; 0: none waits */
    beamr_error *link_error;  /* while it is linked: why an import cannot be */
    drv_names names;

    size_t asked_max;     /* the most parameters of an imported function */
    drv_call *free_calls; /* to be used again */
    size_t free_count;
};

/* Errors unless the guest is up: BEAMR_NOT_FOUND, with a text. */
beamr_status drv_guest_check(const drv_guest *guest, beamr_error *err);

/* ---- guest_error.c ---- */

/* How many bytes of a name to show, at most `max`: whole characters. As an int, for printf. */
int drv_name_shown(beamr_bytes name, size_t max);
/* The guest's code has ended so: add to the text what was thrown, and where the guest was. */
void drv_guest_explain(const drv_guest *guest, beamr_error *err);

/* ---- guest_link.c ---- */

/* Look at the imports: what calls of them take, and whether they may be slow. */
void drv_guest_survey(drv_guest *guest);
/* Begin to instantiate; guest->entry is set when it returns BEAMR_SUSPENDED. */
beamr_status drv_guest_link(drv_guest *guest, beamr_error *err);

/* ---- guest_names.c ---- */

/* Errors: BEAMR_NO_MEMORY. */
beamr_status drv_names_init(drv_names *names, const beamr_module *module, beamr_error *err);
void drv_names_clear(drv_names *names);
/* Find an exported function.  Returns false when there is none.  export  its number */
bool drv_names_find(const drv_names *names, const beamr_module *module, beamr_bytes name,
                    size_t *export);

/* ---- guest_call.c ---- */

/* Free the objects that are kept to be used again. */
void drv_guest_drop_calls(drv_guest *guest);

#endif
