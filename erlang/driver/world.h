/* What all ports of the driver share: engines, and modules that are known.
 * Everything here may be called from any thread. */
#ifndef DRIVER_WORLD_H
#define DRIVER_WORLD_H

#include "beamr/module.h"
#include "driver/image.h"

typedef struct drv_world drv_world;

beamr_status drv_world_new(BEAMR_OWN drv_world **out, beamr_error *err);
void drv_world_free(drv_world *world); /* accepts NULL */

/* What is kept of modules that were asked for, those of longest ago being forgotten first: at
 * most so many, and so many bytes of binaries in all. A module larger than a quarter of that
 * is not kept. What the engine makes of a module, a few times its size, comes on top. */
#define DRV_WORLD_MODULES 64
#define DRV_WORLD_BYTES ((size_t)128 << 20)

/* The module of these bytes. One that is known is not loaded again: it is recognised by the
 * very same binary of the emulator's in no time, and otherwise by a hash and then all of its
 * bytes. Loading takes milliseconds, and nobody else waits for it.
 *   image       borrowed during the call
 *   is_metered  fuel is counted
 *   out         to be released with beamr_module_unref
 * Errors: as beamr_module_load; BEAMR_UNSUPPORTED for a code object in place of a module. */
beamr_status drv_world_module(drv_world *world, const drv_image *image, bool is_metered,
                              BEAMR_OWN beamr_module **out, beamr_error *err);

/* The engine of such modules, which has explicit bounds checks and installs no handlers.
 * Borrowed from the world; NULL before the first module of the kind. */
beamr_engine *drv_world_engine(drv_world *world, bool is_metered);

/* Before and after a module is loaded that is not known and not small, these are called with
 * `user`: it can take very long. Before the world is used. */
void drv_world_set_long(drv_world *world, void (*begin)(void *user), void (*end)(void *user),
                        void *user);

/* Bytes of the largest function of a module that was asked for, as much more as types with many
 * results can make of them; SIZE_MAX if the module is not kept. See drv_guest_expect. */
size_t drv_world_largest(drv_world *world, const beamr_module *module);

/* Modules kept now, and bytes of their binaries: for tests and info. */
size_t drv_world_module_count(drv_world *world);
size_t drv_world_module_bytes(drv_world *world);

#endif
