/* The context: what a resolution can reach. The public side is beamr/ao/context.h, of which
 * ao_context_new is made above, in src/device/, where all codecs and devices are known.
 * Threads: written only while it is made. */
#ifndef AO_CONTEXT_H
#define AO_CONTEXT_H

#include <stdatomic.h>

#include "ao/codec.h"
#include "ao/device_table.h"
#include "kv/kv.h"

typedef struct ao_groups ao_groups; /* computations that run: ao/group.c */

struct ao_context {
    ao_registered **devices; /* sorted by name */
    size_t device_count;
    const ao_codec **codecs;
    size_t codec_count;
    const ao_registered *message;    /* message@1.0; NULL until it is added */
    const ao_device *message_device; /* its device */
    const ao_codec *structured;      /* for typed values */
    const ao_codec *httpsig;         /* for unsigned ids */
    kv *kv;                          /* owned; NULL for none */
    const ao_wallet *wallet;         /* borrowed; NULL for none */
    ao_message *values;              /* counted; NULL for none */
    ao_limits limits;
    uint64_t max_steps; /* requests of one task */
    void (*execute)(void *user, void (*run)(void *arg), void *arg);
    void *user;
    ao_groups *groups;
    void *world; /* what the devices share: src/device/world.h; NULL until it is made */
    void (*world_free)(void *world);
    _Atomic bool has_resolved; /* devices can no longer be added */
};

/* A context without devices and codecs; with a store if settings name one. */
beamr_status ao_context_make(const ao_settings *settings, BEAMR_OWN ao_context **out,
                             beamr_error *err);
/* NULL when there is none; `name` need not be normalised. */
const ao_device *ao_context_find_device(const ao_context *context, beamr_bytes name);
const ao_registered *context_find(const ao_context *context, beamr_bytes name);

#endif
