/* Commands, in both forms: what stands in them, read and kept; nothing is done here.
 *
 * With references, by erlang:port_call(Port, Op, Term); what carries much is sent to the port
 * by erlang:port_command(Port, [<<"BMR", Op, HeaderSize:32>>, Header | Binary]), Header being
 * an encoded term:
 *
 * | Op | name     | term                       | Answer                                       |
 * |----|----------|----------------------------|----------------------------------------------|
 * | 1  | init     | {Ref, Options} | module    | {ok, Imports, Exports}                       |
 * | 2  | call     | {Ref, Function, Args}      | {ok, Results}, or {import, Id, Module, Func, |
 * |    |          |                            | Args, Signature}, or invalid_args            |
 * | 3  | respond  | {Ref, Id, Response}        | of the call, as that of `call`               |
 * | 4  | read     | {Ref, Offset, Size}        | {ok, Binary}                                 |
 * | 5  | write    | {Ref, Offset, Binary}, or  | ok                                           |
 * |    |          | {Ref, Offset} | bytes      |                                              |
 * | 6  | size     | {Ref}                      | {ok, Bytes}                                  |
 * | 7  | string   | {Ref, Offset, Max}         | {ok, Binary}, the text before the NUL        |
 * | 8  | memory   | {Ref} | bytes              | ok; they become the whole memory             |
 * | 9  | snapshot | {Ref}                      | {ok, Binary}                                 |
 * | 10 | restore  | {Ref} | bytes              | ok                                           |
 * | 11 | info     | {Ref}                      | {ok, Map}                                    |
 * | 12 | interrupt| {Ref}                      | ok; never queued                             |
 *
 * Every answer may also be {error, Text}, Text a list of characters. `| bytes` are behind the
 * header, so that a port_command is the only way. Function is a binary, a string or an integer
 * (an element of the table). Response is {ok, List}, {error, Text} (the guest traps with it) or
 * cancel (the call ends, no code of the guest runs, and is answered by {error, Text}); Text is
 * a binary or a string. Options is a map: max_memory, fuel, time (ms), stubs (host, zeros,
 * trap), system (true, false), mode (wasm, aot); fuel and time may also be infinity.
 *
 * A port_call carries at most DRV_CALL_BYTES; what is more, a call with long arguments for
 * one, goes by port_command with nothing behind the header: any Op may be sent so.
 *
 * The plain form, by Port ! {Owner, {command, term_to_binary(Command)}}; answers are messages
 * to the port's owner, without reference:
 *
 * | Command                      | answer                                                    |
 * |------------------------------|-----------------------------------------------------------|
 * | {init, Binary, Mode}         | {execution_result, Imports, Exports}                      |
 * | {call, Name, Args}           | {execution_result, Results}, perhaps after some {import,  |
 * | {indirect_call, Index, Args} | Module, Func, Args, Signature}                            |
 * | {import_response, Results}   | that of the call                                          |
 * | {write, Offset, Binary}      | ok                                                        |
 * | {read, Offset, Size}         | {execution_result, Binary}                                |
 * | {size}                       | {execution_result, Bytes}                                 |
 *
 * or {error, Text}. While a call in this form waits for an import, further calls in this form
 * nest, since only the handler can be sending them. */
#ifndef DRIVER_COMMAND_H
#define DRIVER_COMMAND_H

#include <erl_driver.h>

#include "driver/convert.h"
#include "driver/guest.h"
#include "driver/image.h"

typedef enum drv_op {
    DRV_OP_NONE,
    DRV_OP_INIT,
    DRV_OP_CALL,
    DRV_OP_RESPOND,
    DRV_OP_READ,
    DRV_OP_WRITE,
    DRV_OP_SIZE,
    DRV_OP_STRING,
    DRV_OP_MEMORY,
    DRV_OP_SNAPSHOT,
    DRV_OP_RESTORE,
    DRV_OP_INFO,
    DRV_OP_INTERRUPT,
    DRV_OP_COUNT
} drv_op;

typedef enum drv_response {
    DRV_RESPONSE_OK,
    DRV_RESPONSE_ERROR,
    DRV_RESPONSE_CANCEL
} drv_response;

enum {
    DRV_CALL_BYTES = 65536, /* of a port_call without its reference; and copied at once */
    DRV_SHORT_ARGS = 8192,  /* encoded arguments beyond that are read by drv_command_finish */
    DRV_KEEP_BYTES = 512,   /* bytes in a binary of the emulator's beyond that are not copied */
};

/* Offsets and sizes are integers of any size in Erlang; what is negative, or beyond 64 bits, is
 * UINT64_MAX here, and out of bounds everywhere (is_odd tells, for the text).
 * To be moved with drv_command_move, not copied: it points into itself. */
typedef struct drv_command {
    drv_op op;
    bool is_plain;
    bool is_odd;  /* offset or size is not in 64 bits */
    bool is_long; /* CALL: the arguments are in `rest`; drv_command_finish is still to be called
                   */
    ErlDrvTermData caller;
    uint8_t *own;    /* allocated, or NULL: the encoded strings below borrow from `few` */
    beamr_bytes ref; /* encoded, without version byte; from `own` or `few`, as all below */

    drv_options options; /* INIT */
    drv_image image;     /* INIT, WRITE, MEMORY, RESTORE: bytes; short ones borrow from above */
    drv_target target;   /* CALL; the name from `own` */
    drv_args args;       /* CALL */
    drv_image rest;      /* CALL, is_long: the encoded arguments */
    uint64_t id;         /* RESPOND; 0 in the plain form */
    drv_response response;
    beamr_bytes list;      /* RESPOND: the encoded results, without version byte, unchecked */
    beamr_bytes text;      /* RESPOND: of the error, as UTF-8 if it was a string */
    uint64_t offset, size; /* READ, WRITE, STRING (size: max) */
    size_t few_len;
    uint8_t few[192]; /* so that short commands allocate nothing */
} drv_command;

/* Read a command of a port_call.
 *   out  to be cleared with drv_command_clear, also after a failure; `caller` is left 0
 * Errors: BEAMR_ARGUMENT for arguments that cannot be (`out` has op and ref; answered with
 * invalid_args); BEAMR_MALFORMED, BEAMR_LIMIT, BEAMR_NO_MEMORY (`out` has the ref if it could
 * be read), "Unknown command" among them. */
beamr_status drv_command_read_call(unsigned op, beamr_bytes term, drv_command *out,
                                   beamr_error *err);
/* Read what was sent to the port, in either form. Large binaries are held, not copied. Errors:
 * as above; is_plain tells the form, and is also set where no reference can be read. In the
 * plain form arguments that cannot be are an error
 * like others, BEAMR_MALFORMED: "Failed to convert terms to wasm vals". */
beamr_status drv_command_read_sent(ErlIOVec *sent, drv_command *out, beamr_error *err);

/* Read the rest of a command that is_long: takes time by its length, so not to be done in
 * a callback. Afterwards, and for other commands, does nothing.
 * Errors: as drv_command_read_call, for arguments. */
beamr_status drv_command_finish(drv_command *command, beamr_error *err);

void drv_command_init(drv_command *command);               /* nothing in it */
void drv_command_move(drv_command *to, drv_command *from); /* `to` is overwritten */
void drv_command_clear(drv_command *command);

#endif
