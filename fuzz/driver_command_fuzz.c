/* Fuzz target: any bytes as commands to a port, called or sent in pieces, each in memory that
 * is gone when they were read. What is taken is as the table of commands says, and whatever
 * happens, the emulator's binaries are given back. Input: an operation, or 255 for what is
 * sent; how it is cut into pieces, in two bytes; bytes. Seeds: seeds/driver_command/. */
#include "fuzz.h"

#include "../erlang/test/unit/played_binary.h"
#include "driver/command.h"

enum { HEADER = 3, PIECES_MAX = 5 };

static size_t sum_of(beamr_bytes bytes)
{
    size_t sum = bytes.len;

    for (size_t i = 0; i < bytes.len; i++)
        sum += bytes.data[i];
    return sum;
}

static bool takes_bytes(drv_op op)
{
    return op == DRV_OP_INIT || op == DRV_OP_WRITE || op == DRV_OP_MEMORY ||
           op == DRV_OP_RESTORE;
}

static void check_taken(drv_command *command)
{
    drv_reader ref;

    FUZZ_CHECK(command->op > DRV_OP_NONE && command->op < DRV_OP_COUNT);
    FUZZ_CHECK(command->is_plain == (command->ref.len == 0));
    if (!command->is_plain) {
        ref = (drv_reader){command->ref.data, command->ref.data + command->ref.len};
        FUZZ_CHECK(drv_skip(&ref, NULL, NULL) == BEAMR_OK && ref.at == ref.end);
    }
    FUZZ_CHECK(takes_bytes(command->op) || command->image.bytes.len == 0);
    FUZZ_CHECK(command->op == DRV_OP_CALL || (!command->is_long && command->args.count == 0));
    FUZZ_CHECK(!command->is_odd || command->offset == UINT64_MAX ||
               command->size == UINT64_MAX);
}

static size_t touch(const drv_command *command)
{
    return sum_of(command->ref) + sum_of(command->image.bytes) + sum_of(command->target.name) +
           sum_of(command->list) + sum_of(command->text) + sum_of(command->rest.bytes);
}

/* What was read, with an error or not; the bytes that it was read from are gone. */
static void check(beamr_status st, const beamr_error *said, drv_command *command)
{
    static drv_command moved;
    beamr_error err = {0};
    size_t sum = touch(command);

    FUZZ_CHECK((st == BEAMR_OK) == (said->status == BEAMR_OK));
    FUZZ_CHECK(st == BEAMR_OK || (said->text[0] && said->status == st));
    FUZZ_CHECK(st == BEAMR_OK || st == BEAMR_MALFORMED || st == BEAMR_LIMIT ||
               (st == BEAMR_ARGUMENT && !command->is_plain && command->op == DRV_OP_CALL));
    if (st == BEAMR_OK)
        check_taken(command);
    drv_command_move(&moved, command);
    FUZZ_CHECK(touch(&moved) == sum && touch(command) == 0);
    if (st == BEAMR_OK) {
        st = drv_command_finish(&moved, &err);
        FUZZ_CHECK(!moved.is_long && (st == BEAMR_OK) == (err.status == BEAMR_OK));
    }
    drv_command_clear(&moved);
    drv_command_clear(command);
}

static void call(unsigned op, beamr_bytes bytes)
{
    static drv_command command;
    uint8_t *term = malloc(bytes.len + !bytes.len);
    beamr_error err = {0};
    beamr_status st;

    if (bytes.len)
        memcpy(term, bytes.data, bytes.len);
    st = drv_command_read_call(op, (beamr_bytes){term, bytes.len}, &command, &err);
    free(term);
    check(st, &err, &command);
}

static void send_pieces(unsigned cuts, beamr_bytes bytes)
{
    static drv_command command;
    SysIOVec iov[PIECES_MAX];
    ErlDrvBinary *binaries[PIECES_MAX];
    ErlIOVec sent = {0, bytes.len, iov, binaries};
    beamr_error err = {0};
    beamr_status st;

    for (; sent.vsize < PIECES_MAX; cuts >>= 3) {
        size_t len = sent.vsize == PIECES_MAX - 1 || (cuts & 7) == 7 ? bytes.len
                     : (cuts & 7) == 6                               ? bytes.len / 2
                                                                     : (cuts & 7) * 4;

        len = len < bytes.len ? len : bytes.len;
        binaries[sent.vsize] = played_new((beamr_bytes){bytes.data, len});
        iov[sent.vsize].iov_base = binaries[sent.vsize]->orig_bytes;
        iov[sent.vsize++].iov_len = len;
        bytes.data += len;
        bytes.len -= len;
    }
    st = drv_command_read_sent(&sent, &command, &err);
    for (int i = 0; i < sent.vsize; i++)
        driver_free_binary(binaries[i]);
    check(st, &err, &command);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    beamr_bytes bytes = {data + HEADER, size - HEADER};

    if (size < HEADER)
        return 0;
    if (data[0] == 255)
        send_pieces(data[1] | (unsigned)data[2] << 8, bytes);
    else
        call(data[0], bytes);
    FUZZ_CHECK(played_binaries == 0);
    return 0;
}
