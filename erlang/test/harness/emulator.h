/* The emulator's side of the driver interface, played by a program: for the sanitizers, for
 * faults that the emulator would not survive, and for moments that it hits once in a million.
 *
 * Ports, processes and schedulers as Erlang has them: the signals to a port are done one after
 * the other, in the order they came, by the thread that sends them if the port is free, or else
 * by a scheduler; each process has a mailbox; a process that ends closes the ports it owns and
 * fires its monitors. Whoever misuses the interface is told with a fault, printed and counted;
 * so is what the driver leaves behind.
 *
 * As the emulator of OTP 25 does (tried there): a message sent while the port closes, or later,
 * is not delivered; one to a process that has ended neither; a monitor that fired is known
 * during process_exit and must not be given back there.
 *
 * Threads: all functions may be called from any thread that has called emulator_join_thread
 * (emulator_start does it), where nothing else is said.
 * Source: Erlang, "erl_driver", "driver_entry". */
#ifndef HARNESS_EMULATOR_H
#define HARNESS_EMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <erl_driver.h>

#include "terms.h"

typedef ErlDrvTermData pid;
typedef struct port port;

/* ---- The whole ---- */

/* Begin, with so many threads that do what the senders don't do themselves. One at a time. */
void emulator_start(unsigned schedulers);
/* Join the threads, and count what is left: ports that are open, a driver that is loaded,
 * binaries, memory of driver_alloc. Returns the number of faults since emulator_start. */
unsigned emulator_end(void);
/* This thread is one of the test's: what it allocates itself is never refused. */
void emulator_join_thread(void);

/* Take in a driver, as erl_ddll:load does; false: its `init` failed. */
bool emulator_load(ErlDrvEntry *entry);
/* Let it go: all ports must be closed. Afterwards no thread of the driver's may be left. */
void emulator_unload(void);

/* Something is wrong: printed, and counted. */
void emulator_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
unsigned emulator_faults(void);

/* Asked before the driver's allocations through the emulator: true refuses. NULL: none. */
extern bool (*emulator_refuse)(size_t size);
/* Does this thread run code of the test or of the emulator, and none of the driver's? */
bool emulator_is_inside(void);

/* Print how long callbacks took, and how many messages were sent to nobody. */
void emulator_print_times(void);

/* Binaries of the driver interface that are alive, and threads of this program. */
long emulator_binaries(void);
unsigned emulator_threads(void);

/* ---- Processes ---- */

pid process_new(void);
bool process_is_alive(pid id);
/* End it: its mailbox goes, the ports it owns are closed, its monitors fire. */
void process_kill(pid id);
/* How many messages wait. */
size_t process_messages(pid id);
/* Take the first message whose notation begins with this text (NULL: any), and is not taken
 * by another thread.
 *   timeout_ms  how long to wait
 *   out         the encoded message with its version byte, to be freed with term_free
 * Returns false if none came or the process ended. */
bool process_receive(pid id, const char *begins, unsigned timeout_ms, term *out);

/* ---- Ports ---- */

/* NULL: the start callback failed. A port's memory stays until emulator_end. */
port *port_open(pid owner);
/* Ask for it to be closed; it is done in turn. */
void port_close(port *p);
/* Wait until it is closed: false if it isn't within 10 s. */
bool port_await_closed(port *p);
bool port_is_open(port *p);
void port_connect(port *p, pid owner);

/* port_call(Port, Op, Term).
 *   out  the term returned, with version byte; to be freed
 * Returns false, and nothing in out, where Erlang raises badarg: the port is closed, or its
 * callback refuses; and if the process has ended. */
bool port_call(pid from, port *p, unsigned op, const term *input, term *out);
bool port_control(pid from, port *p, unsigned op, const void *data, size_t len);

/* A piece of what is sent to a port: all of a binary, or bytes to be copied into a new one. */
typedef struct piece {
    ErlDrvBinary *binary; /* or NULL; its count goes up meanwhile */
    const void *data;
    size_t len;
} piece;

/* port_command(Port, Pieces); false: the port is closed. */
bool port_command(pid from, port *p, const piece *pieces, size_t count);

/* A binary that the test holds, to be freed with driver_free_binary. */
ErlDrvBinary *binary_of(const void *data, size_t len);

#endif
