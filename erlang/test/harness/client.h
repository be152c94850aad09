/* Programs that use the driver, in both forms of its commands, and what tests expect of it.
 * Answers are texts in Erlang's notation; those that are returned are to be freed. In place of
 * an answer stand "badarg" (the port is closed, or the process has ended), "gone" (the port was
 * closed, and no message had come) and "nothing" (no message came within 10 s).
 *
 *     expect(ask(me, p, OP_CALL, "<<\"fac\">>,[%f]", 5.0), "{ok,[120.0]}");
 *
 * Threads: any. */
#ifndef HARNESS_CLIENT_H
#define HARNESS_CLIENT_H

#include "driver/command.h"
#include "emulator.h"
#include "modules.h"

/* As the emulator's own loader finds it. */
ErlDrvEntry *driver_init(void);

enum { PATIENCE_MS = 10000 };

/* ---- With references ---- */

/* A command by port_call: {Ref, Args...} with a new reference.
 *   args  notation of what follows the reference; NULL: nothing */
char *ask(pid from, port *p, unsigned op, const char *args, ...);
/* The same without waiting.
 *   ref     the reference
 * Returns NULL if the driver said `wait`: then the answer comes by await. */
char *begin(pid from, port *p, uint64_t *ref, unsigned op, const char *args, ...);
char *await(pid from, port *p, uint64_t ref);
char *await_within(pid from, port *p, uint64_t ref, unsigned ms);
/* A command with bytes behind it, by port_command. False: the port is closed. */
bool send_bytes(pid from, port *p, uint64_t *ref, unsigned op, piece bytes, const char *args,
                ...);
char *ask_bytes(pid from, port *p, unsigned op, piece bytes, const char *args, ...);
uint64_t new_ref(void);

/* ---- Plain ---- */

bool send_plain(pid from, port *p, const char *command, ...);
/* The next message to this process. */
char *await_plain(pid owner);

/* ---- Imports ---- */

/* The id of {import, Id, ...}; false: it is something else. */
bool import_id(const char *answer, uint64_t *id);
/* Answer the call's imports with one more than their (first) argument until it is over.
 *   answer  taken over
 * Returns the last answer. */
char *answer_imports(pid from, port *p, char *answer);

/* ---- Instances ---- */

/* Load the driver; a fault if it refuses. */
void load(void);
/* A port with this module, "#{}" or the like as options.  NULL, and a fault, if that fails. */
port *open_module(pid owner, const wasm_builder *module, const char *options);
port *open_tool(pid owner);
/* Close the port and wait until it is. */
void close_port(port *p);
/* Unload, and end the emulator: ports must be closed. Returns the faults. */
unsigned finish(void);

/* ---- Expecting ---- */

/* Is the answer this text? With '*' at the end of `pattern`: does it begin so? Another is a
 * fault. Frees the answer. */
#define expect(answer, pattern) expect_at((answer), (pattern), __FILE__, __LINE__)
void expect_at(char *answer, const char *pattern, const char *file, int line);
bool matches(const char *answer, const char *pattern);
#define check(condition)                                                                       \
    ((condition) ? (void)0                                                                     \
                 : emulator_fault("%s:%d: not so: %s", __FILE__, __LINE__, #condition))

/* Run this in so many threads at once, and wait for them. */
void together(unsigned count, void (*run)(unsigned index, void *user), void *user);

/* With BEAMR_LONG=1 in the environment `many`, otherwise `few`. */
unsigned by_patience(unsigned few, unsigned many);
void sleep_ms(unsigned ms);

/* Numbers that look random and are not. */
uint32_t dice(uint64_t *state);

#endif
