/* ioctl: what programs ask of a terminal, and how much can be read.
 * A terminal has 24 lines of 80 columns and ordinary settings, which stay as they are.
 * Source: Linux, ioctl_tty(2); numbers of musl's generic headers. */
#include "guest/env_calls.h"

enum {
    GET_SETTINGS = 0x5401,
    SET_SETTINGS = 0x5402, /* to 0x5404: at once, drained, flushed */
    SET_OLD_LAST = 0x5408, /* the older structure from 0x5405 on */
    FLUSH = 0x540b,
    GET_GROUP = 0x540f,
    SET_GROUP = 0x5410,
    GET_SIZE = 0x5413,
    SET_SIZE = 0x5414,
    BYTES_TO_READ = 0x541b,
    SET_NO_BLOCK = 0x5421,
};

enum { SETTINGS_SIZE = 60, LINES = 24, COLUMNS = 80, PROCESS_GROUP = 42 };

/* struct termios: four words of flags, a line number, control characters. */
static guest_errno put_settings(const guest_call *call, uint64_t addr)
{
    static const uint32_t flags[4] = {
        0x4500, /* input: carriage return to newline, flow control, UTF-8 */
        0x0005, /* output: newline to carriage return and newline */
        0x00bf, /* 8 bits, receiver on, 38,400 baud */
        0x803b, /* signals, lines, echo with erasing */
    };
    static const uint8_t characters[] = {3,  28, 127, 21, 4,  0,  1,  0,
                                         17, 19, 26,  0,  18, 15, 23, 22};
    uint8_t bytes[SETTINGS_SIZE] = {0};

    memcpy(bytes, flags, sizeof flags);
    memcpy(bytes + 17, characters, sizeof characters);
    return guest_put(call, addr, bytes, sizeof bytes);
}

static guest_errno put_size(const guest_call *call, uint64_t addr)
{
    uint16_t size[4] = {LINES, COLUMNS, 0, 0};

    return guest_put(call, addr, size, sizeof size);
}

static guest_errno terminal(const guest_call *call, uint32_t op, uint64_t addr)
{
    if (op == GET_SETTINGS)
        return put_settings(call, addr);
    if ((op >= SET_SETTINGS && op <= SET_OLD_LAST) || op == FLUSH || op == SET_SIZE)
        return GUEST_ESUCCESS;
    if (op == GET_GROUP)
        return guest_put_u32(call, addr, PROCESS_GROUP);
    if (op == GET_SIZE)
        return put_size(call, addr);
    return GUEST_EINVAL;
}

/* Of a file, what lies between its position and its end; of a stream nothing is known. */
static guest_errno put_readable(const guest_call *call, uint32_t fd, const guest_fdstat *stat,
                                uint64_t addr)
{
    guest_filestat file;
    uint64_t position, left = 0;
    guest_errno e;

    if (stat->type == GUEST_FILETYPE_DIRECTORY)
        return GUEST_ENOTTY;
    if (stat->type == GUEST_FILETYPE_REGULAR_FILE) {
        if ((e = guest_fd_filestat(call->wasi, fd, &file)) != GUEST_ESUCCESS ||
            (e = guest_fd_seek(call->wasi, fd, 0, 1, &position)) != GUEST_ESUCCESS)
            return e;
        left = file.size > position ? file.size - position : 0;
    }
    return guest_put_u32(call, addr, left > INT32_MAX ? INT32_MAX : (uint32_t)left);
}

static guest_errno set_no_block(const guest_call *call, uint32_t fd, const guest_fdstat *stat,
                                uint64_t addr)
{
    uint32_t on;
    guest_errno e = guest_get_u32(call, addr, &on);
    uint16_t flags = stat->flags & (uint16_t)~GUEST_FDFLAG_NONBLOCK;

    if (e == GUEST_ESUCCESS)
        e = guest_fd_set_flags(call->wasi, fd, on ? flags | GUEST_FDFLAG_NONBLOCK : flags);
    return e;
}

/* Operations that pass an address; other operations are not refused for a bad one. */
static bool takes_address(uint32_t op)
{
    return op == GET_SETTINGS || op == GET_GROUP || op == GET_SIZE || op == BYTES_TO_READ ||
           op == SET_NO_BLOCK;
}

ENV_CALL(env_ioctl)
{
    uint32_t fd = guest_u32(&args[0]), op = guest_u32(&args[1]);
    uint64_t addr = 0;
    guest_fdstat stat;
    guest_errno e = guest_fd_fdstat(call->wasi, fd, &stat);

    if (e == GUEST_ESUCCESS && op != BYTES_TO_READ && op != SET_NO_BLOCK &&
        !guest_fd_is_terminal(call->wasi, fd))
        e = GUEST_ENOTTY;
    if (e == GUEST_ESUCCESS && takes_address(op))
        e = guest_get_word(call, guest_pointer(&args[2]), &addr);
    if (e != GUEST_ESUCCESS)
        return env_done(results, e, err);
    if (op == BYTES_TO_READ)
        e = put_readable(call, fd, &stat, addr);
    else if (op == SET_NO_BLOCK)
        e = set_no_block(call, fd, &stat, addr);
    else
        e = terminal(call, op, addr);
    return env_done(results, e, err);
}
