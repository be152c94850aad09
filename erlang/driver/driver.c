/* The driver as the emulator sees it: its callbacks, and what lives as long as it is loaded.
 * Commands are read here (command.h) and given to their port (port.h).
 * Source: Erlang, "erl_driver", "driver_entry". */
#include <erl_driver.h>
#include <string.h>

#include "driver/port.h"

static drv_pool *pool;
static drv_world *world;

static void leave(void *user)
{
    (void)user;
    drv_pool_leave(pool);
}

static void come_back(void *user)
{
    (void)user;
    drv_pool_return(pool);
}

static int driver_begin(void)
{
    beamr_error err = {0};

    if (drv_world_new(&world, &err) != BEAMR_OK)
        return -1;
    drv_world_set_long(world, leave, come_back, NULL);
    if (drv_pool_new(&pool, &err) == BEAMR_OK)
        return 0;
    drv_world_free(world);
    world = NULL;
    return -1;
}

/* All ports are closed; what they left to be done is done by the pool as it ends. */
static void driver_end(void)
{
    drv_pool_free(pool);
    drv_world_free(world);
    pool = NULL;
    world = NULL;
}

static ErlDrvData port_start(ErlDrvPort handle, char *command)
{
    beamr_error err = {0};
    drv_port *port;

    (void)command;
    if (drv_port_new(handle, pool, world, &port, &err) != BEAMR_OK)
        return ERL_DRV_ERROR_GENERAL;
    return (ErlDrvData)port;
}

static void port_stop(ErlDrvData data)
{
    drv_port_close((drv_port *)data);
}

/* ---- Commands ---- */

/* Beyond the room that the emulator offers the value is in memory of its own. */
static ErlDrvSSizeT value_return(drv_writer *answer, char **out, ErlDrvSizeT room)
{
    char *own;

    if (answer->len > room) {
        if ((own = driver_alloc(answer->len)) != NULL) {
            *out = own;
        } else {
            drv_writer_clear(answer);
            drv_writer_begin(answer);
            drv_put_tuple(answer, 2);
            drv_put_atom(answer, "error");
            drv_put_string(answer, beamr_bytes_of("out of memory for the answer"));
        }
    }
    memcpy(*out, answer->data, answer->len);
    return (ErlDrvSSizeT)answer->len;
}

static ErlDrvSSizeT port_call(ErlDrvData data, unsigned op, char *bytes, ErlDrvSizeT len,
                              char **out, ErlDrvSizeT room, unsigned *flags)
{
    drv_port *port = (drv_port *)data;
    drv_command *command = drv_port_command(port);
    drv_writer answer;
    ErlDrvSSizeT n;
    beamr_error err;

    (void)flags;
    beamr_error_clear(&err);
    drv_writer_begin(&answer);
    if (drv_command_read_call(op, (beamr_bytes){(const uint8_t *)bytes, len}, command, &err) ==
        BEAMR_OK)
        drv_port_take(port, command, &answer);
    else
        drv_port_refuse(port, command, &err, &answer);
    n = value_return(&answer, out, room);
    drv_writer_clear(&answer);
    return n;
}

static void port_sent(ErlDrvData data, ErlIOVec *sent)
{
    drv_port *port = (drv_port *)data;
    drv_command *command = drv_port_command(port);
    beamr_error err;

    beamr_error_clear(&err);
    if (drv_command_read_sent(sent, command, &err) == BEAMR_OK)
        drv_port_take(port, command, NULL);
    else
        drv_port_refuse(port, command, &err, NULL);
}

/* Nothing, at once: what a call of the driver costs by itself. */
static ErlDrvSSizeT port_control(ErlDrvData data, unsigned op, char *bytes, ErlDrvSizeT len,
                                 char **out, ErlDrvSizeT room)
{
    (void)data, (void)op, (void)bytes, (void)len, (void)out, (void)room;
    return 0;
}

static void port_exit(ErlDrvData data, ErlDrvMonitor *monitor)
{
    drv_port_down((drv_port *)data, monitor);
}

static void port_timeout(ErlDrvData data)
{
    drv_port_tick((drv_port *)data);
}

static char driver_name[] = "hb_beamr";

static ErlDrvEntry entry = {
    .init = driver_begin,
    .start = port_start,
    .stop = port_stop,
    .driver_name = driver_name,
    .finish = driver_end,
    .control = port_control,
    .timeout = port_timeout,
    .outputv = port_sent,
    .call = port_call,
    .extended_marker = (int)ERL_DRV_EXTENDED_MARKER,
    .major_version = ERL_DRV_EXTENDED_MAJOR_VERSION,
    .minor_version = ERL_DRV_EXTENDED_MINOR_VERSION,
    .driver_flags = ERL_DRV_FLAG_USE_PORT_LOCKING,
    .process_exit = port_exit,
};

DRIVER_INIT(hb_beamr)
{
    return &entry;
}
