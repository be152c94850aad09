/* A port: the guest, those who call it, and whose turn it is.
 *
 * One thread at a time owns the guest: a callback of the emulator's for at most 200 us, or a
 * thread of the pool. Whoever comes meanwhile is queued, first come, first served; only the
 * process whose import is being answered goes before them, on top of its own call. A call that
 * waits for an import is owned by nobody.
 *
 * Each command gets exactly one answer: as the value of the callback that brought it, or, after
 * the value `wait`, as a message {Ref, Answer}. Commands in the plain form (command.h), which
 * have no reference, are answered by a message to the port's owner, as Answer alone.
 *
 * Threads: functions marked [port] are called by the emulator, with the port's lock of its own
 * held; all others by any thread. */
#ifndef DRIVER_PORT_H
#define DRIVER_PORT_H

#include <erl_driver.h>

#include "driver/command.h"
#include "driver/pool.h"
#include "driver/world.h"

typedef struct drv_port drv_port;

/* [port] Errors: BEAMR_NO_MEMORY. */
beamr_status drv_port_new(ErlDrvPort handle, drv_pool *pool, drv_world *world,
                          BEAMR_OWN drv_port **out, beamr_error *err);
/* [port] The emulator's port goes: whoever waits gets an error, what runs is interrupted, and
 * the rest is done by the pool. Does not wait. */
void drv_port_close(drv_port *port);

/* [port] Where to read the next command to: it begins as zeros, belongs to the port, and is to
 * be given to one of the next two. When memory is gone, the next one refuses it. */
drv_command *drv_port_command(drv_port *port);

/* [port] Take that command.
 *   answer  has begun; gets a term for the caller: its answer, or `wait`. NULL: there is no
 * such way back, and it is answered by a message in any case */
void drv_port_take(drv_port *port, drv_command *command, drv_writer *answer);
/* [port] The same for one that could not be read: it is answered with the error. */
void drv_port_refuse(drv_port *port, drv_command *command, const beamr_error *why,
                     drv_writer *answer);

/* [port] A process that was monitored has ended. */
void drv_port_down(drv_port *port, const ErlDrvMonitor *monitor);
/* [port] The port's timer. */
void drv_port_tick(drv_port *port);

#endif
