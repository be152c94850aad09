/* How a program ends, and what it says to the console meanwhile. */
#include "guest/env_calls.h"

/* ---- Texts ---- */

enum { QUOTE_MAX = 128 };

/* Copy a text of the guest's for an error: one line, ASCII, cut. */
static const char *quote(const guest_call *call, uint64_t addr, char out[QUOTE_MAX])
{
    size_t i = 0;

    for (; addr && i < QUOTE_MAX - 1; i++) {
        char c;

        if (guest_get(call, addr + i, &c, 1) != GUEST_ESUCCESS || c == '\0')
            break;
        out[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    out[i] = '\0';
    return i ? out : "unknown";
}

/* The same of a String of AssemblyScript: UTF-16, with its size in the 4 bytes before it. */
static const char *quote_string(const guest_call *call, uint64_t addr, char out[QUOTE_MAX])
{
    uint32_t size = 0;
    size_t i = 0;

    if (addr < sizeof size || guest_get_u32(call, addr - sizeof size, &size) != GUEST_ESUCCESS)
        size = 0;
    for (; i < size / 2 && i < QUOTE_MAX - 1; i++) {
        uint16_t c;

        if (guest_get(call, addr + 2 * i, &c, sizeof c) != GUEST_ESUCCESS)
            break;
        out[i] = c >= ' ' && c <= '~' ? (char)c : '?';
    }
    out[i] = '\0';
    return i ? out : "unknown";
}

/* Write a text and a newline to descriptor 1 or 2. What cannot be written is dropped. */
static beamr_status print(const guest_call *call, uint32_t fd, uint64_t addr, uint64_t len,
                          beamr_error *err)
{
    static uint8_t newline[1] = {'\n'};
    guest_iovec iov[2] = {{NULL, (size_t)len}, {newline, 1}};
    uint64_t total;
    beamr_status st;

    if (guest_bytes_at(call, addr, len, &iov[0].data) != GUEST_ESUCCESS)
        return BEAMR_OK;
    if ((st = beamr_store_work(call->store, len, err)) != BEAMR_OK)
        return st;
    if (guest_fd_write(call->wasi, fd, iov, 2, NULL, &total, err) == GUEST_EABORT)
        return err->status;
    return BEAMR_OK;
}

static beamr_status print_string(const guest_call *call, uint32_t fd, uint64_t addr,
                                 beamr_error *err)
{
    uint64_t len;
    guest_errno e = env_string_len(call, addr, &len, err);

    if (e != GUEST_ESUCCESS)
        return e == GUEST_EABORT ? err->status : BEAMR_OK;
    return print(call, fd, addr, len, err);
}

ENV_CALL(env_out)
{
    (void)results;
    return print_string(call, 1, guest_pointer(&args[0]), err);
}

ENV_CALL(env_err)
{
    (void)results;
    return print_string(call, 2, guest_pointer(&args[0]), err);
}

ENV_CALL(env_outn)
{
    (void)results;
    return print(call, 1, guest_pointer(&args[0]), guest_pointer(&args[1]), err);
}

ENV_CALL(env_errn)
{
    (void)results;
    return print(call, 2, guest_pointer(&args[0]), guest_pointer(&args[1]), err);
}

/* ---- Ends ---- */

ENV_CALL(env_abort)
{
    (void)call, (void)args, (void)results;
    return beamr_fail_trap(err, BEAMR_TRAP_ABORT, NULL);
}

ENV_CALL(env_trap)
{
    (void)call, (void)args, (void)results;
    return beamr_fail_trap(err, BEAMR_TRAP_UNREACHABLE, "__trap was called");
}

/* (condition, file, line, function) */
ENV_CALL(env_assert_fail)
{
    char condition[QUOTE_MAX], file[QUOTE_MAX], function[QUOTE_MAX];

    (void)results;
    return beamr_fail_trap(err, BEAMR_TRAP_ABORT, "assertion failed: %s, at %s:%d in %s",
                           quote(call, guest_pointer(&args[0]), condition),
                           quote(call, guest_pointer(&args[1]), file), args[2].of.i32,
                           quote(call, guest_pointer(&args[3]), function));
}

/* (message, file, line, column) */
ENV_CALL(env_abort_assembly)
{
    char message[QUOTE_MAX], file[QUOTE_MAX];

    (void)results;
    return beamr_fail_trap(err, BEAMR_TRAP_ABORT, "%s, at %s:%d:%d",
                           quote_string(call, guest_pointer(&args[0]), message),
                           quote_string(call, guest_pointer(&args[1]), file), args[2].of.i32,
                           args[3].of.i32);
}

ENV_CALL(env_stack_overflow)
{
    (void)call, (void)args, (void)results;
    return beamr_fail_trap(err, BEAMR_TRAP_ABORT, "the guest's own stack overflowed");
}

ENV_CALL(env_bad_access) /* found by checks that the module was compiled with */
{
    (void)call, (void)args, (void)results;
    return beamr_fail_trap(err, BEAMR_TRAP_ABORT, "an access of memory failed its check");
}

ENV_CALL(env_throw_string)
{
    char text[QUOTE_MAX];

    (void)results;
    return beamr_fail_trap(err, BEAMR_TRAP_ABORT, "thrown: %s",
                           quote(call, guest_pointer(&args[0]), text));
}

ENV_CALL(env_throw_number)
{
    (void)call, (void)results;
    return beamr_fail_trap(err, BEAMR_TRAP_ABORT, "thrown: %g", args[0].of.f64);
}

/* What C's exit does before the program ends is the importer's task: handlers, and streams. */
ENV_CALL(env_exit)
{
    beamr_value all = guest_pointer_value(call, 0);
    beamr_status st;

    (void)results;
    if ((st = env_call_export(call, "__funcs_on_exit", NULL, 0, err)) != BEAMR_OK ||
        (st = env_call_export(call, "fflush", &all, 1, err)) != BEAMR_OK)
        return st;
    return guest_exit(call->wasi, guest_u32(&args[0]), err);
}

ENV_CALL(env_exit_now)
{
    (void)results;
    return guest_exit(call->wasi, guest_u32(&args[0]), err);
}

/* The rest of the program would be called by events, which there are none of. */
ENV_CALL(env_exit_alive)
{
    (void)args, (void)results;
    return guest_exit(call->wasi, 0, err);
}
