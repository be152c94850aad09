/* WASI's functions besides files: arguments, environment, clocks, random numbers, the process,
 * and sockets, of which there are none.
 * Source: WASI preview 1, "args_*", "environ_*", "clock_*", "random_get", "proc_*", "sock_*",
 * "signal". */
#include "guest/wasi.h"

/* ---- Arguments and environment ---- */

/* A list of texts: arguments or environment. */
typedef struct texts {
    size_t count;
    beamr_bytes (*get)(const beamr_wasi *w, size_t i);
} texts;

static texts texts_of_args(const beamr_wasi *w)
{
    return (texts){guest_arg_count(w), guest_arg};
}

static texts texts_of_environ(const beamr_wasi *w)
{
    return (texts){guest_env_count(w), guest_env};
}

/* Bytes of all, with their NULs. */
static uint64_t texts_size(const beamr_wasi *w, const texts *t)
{
    uint64_t size = 0;

    for (size_t i = 0; i < t->count; i++)
        size += t->get(w, i).len + 1;
    return size;
}

static guest_errno sizes_get(const guest_call *call, const texts *t, const beamr_value *args)
{
    uint64_t count_out = guest_pointer(&args[0]), size_out = guest_pointer(&args[1]);
    guest_errno e;

    if ((e = wasi_room(call, count_out, guest_word(call))) != GUEST_ESUCCESS ||
        (e = wasi_room(call, size_out, guest_word(call))) != GUEST_ESUCCESS ||
        (e = guest_put_word(call, count_out, t->count)) != GUEST_ESUCCESS)
        return e;
    return guest_put_word(call, size_out, texts_size(call->wasi, t));
}

/* Pointers at args[0], and the texts that they point to at args[1]. */
static guest_errno texts_get(const guest_call *call, const texts *t, const beamr_value *args,
                             beamr_error *err)
{
    uint64_t pointers = guest_pointer(&args[0]), bytes = guest_pointer(&args[1]);
    uint64_t size = texts_size(call->wasi, t);
    guest_errno e;

    if ((e = wasi_room(call, pointers, t->count * guest_word(call))) != GUEST_ESUCCESS ||
        (e = wasi_room(call, bytes, size)) != GUEST_ESUCCESS ||
        (e = wasi_some_work(call, size, err)) != GUEST_ESUCCESS)
        return e;
    for (size_t i = 0; i < t->count; i++) {
        beamr_bytes text = t->get(call->wasi, i);

        (void)guest_put_word(call, pointers, bytes);
        (void)guest_put(call, bytes, text.data, text.len + 1);
        pointers += guest_word(call);
        bytes += text.len + 1;
    }
    return GUEST_ESUCCESS;
}

guest_errno wasi_args_get(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    texts t = texts_of_args(call->wasi);

    return texts_get(call, &t, args, err);
}

guest_errno wasi_args_sizes_get(const guest_call *call, const beamr_value *args,
                                beamr_error *err)
{
    texts t = texts_of_args(call->wasi);

    (void)err;
    return sizes_get(call, &t, args);
}

guest_errno wasi_environ_get(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    texts t = texts_of_environ(call->wasi);

    return texts_get(call, &t, args, err);
}

guest_errno wasi_environ_sizes_get(const guest_call *call, const beamr_value *args,
                                   beamr_error *err)
{
    texts t = texts_of_environ(call->wasi);

    (void)err;
    return sizes_get(call, &t, args);
}

/* ---- Clocks: 0 real time, 1 monotonic, 2 and 3 CPU time; numbered as beamr_clock ---- */

guest_errno wasi_clock_res_get(const guest_call *call, const beamr_value *args,
                               beamr_error *err)
{
    (void)err;
    if (guest_u32(&args[0]) > BEAMR_CLOCK_THREAD_CPU)
        return GUEST_EINVAL;
    return guest_put_u64(call, guest_pointer(&args[1]), guest_clock_resolution(call->wasi));
}

guest_errno wasi_clock_time_get(const guest_call *call, const beamr_value *args,
                                beamr_error *err)
{
    uint64_t out = guest_pointer(&args[2]);
    guest_errno e = wasi_room(call, out, sizeof(uint64_t));

    (void)err;
    if (guest_u32(&args[0]) > BEAMR_CLOCK_THREAD_CPU)
        return GUEST_EINVAL;
    if (e != GUEST_ESUCCESS)
        return e;
    return guest_put_u64(call, out, guest_clock(call->wasi, (beamr_clock)guest_u32(&args[0])));
}

/* ---- Random numbers ---- */

guest_errno wasi_random_get(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    uint64_t len = guest_pointer(&args[1]);
    uint8_t *data;
    guest_errno e = guest_bytes_at(call, guest_pointer(&args[0]), len, &data);

    while (len > 0 && e == GUEST_ESUCCESS) {
        uint64_t piece = len < WASI_PIECE ? len : WASI_PIECE;

        if ((e = wasi_some_work(call, piece * GUEST_RANDOM_WORK, err)) == GUEST_ESUCCESS)
            e = guest_random(call->wasi, data, (size_t)piece, err);
        data += piece;
        len -= piece;
    }
    return e;
}

/* ---- The process ---- */

guest_errno wasi_proc_exit(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    (void)guest_exit(call->wasi, guest_u32(&args[0]), err);
    return GUEST_EABORT;
}

/* A signal to itself does what its default is, since there are no handlers: most end the
 * guest's call in the trap ABORT; none, PIPE, CHLD, CONT, URG and WINCH do nothing; there is
 * nobody who could wake what STOP, TSTP, TTIN and TTOU had stopped, so these are ENOSYS. */
guest_errno wasi_proc_raise(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    enum { NONE = 0, PIPE = 13, CHLD = 16, CONT, STOP, TSTP, TTIN, TTOU, URG, WINCH = 27 };
    enum { SIGNAL_COUNT = 31 };
    uint32_t signal = guest_u32(&args[0]);

    (void)call;
    switch (signal) {
    case NONE:
    case PIPE:
    case CHLD:
    case CONT:
    case URG:
    case WINCH:
        return GUEST_ESUCCESS;
    case STOP:
    case TSTP:
    case TTIN:
    case TTOU:
        return GUEST_ENOSYS;
    default:
        if (signal >= SIGNAL_COUNT)
            return GUEST_EINVAL;
        (void)beamr_fail_trap(err, BEAMR_TRAP_ABORT, "the guest raised signal %u", signal);
        return GUEST_EABORT;
    }
}

guest_errno wasi_sched_yield(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    (void)call, (void)args, (void)err;
    return GUEST_ESUCCESS;
}

/* ---- Sockets: no descriptor is one ---- */

static guest_errno not_a_socket(const guest_call *call, const beamr_value *args)
{
    guest_fdstat stat;
    guest_errno e = guest_fd_fdstat(call->wasi, guest_u32(&args[0]), &stat);

    return e == GUEST_ESUCCESS ? GUEST_ENOTSOCK : e;
}

guest_errno wasi_sock_accept(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    (void)err;
    return not_a_socket(call, args);
}

guest_errno wasi_sock_recv(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    (void)err;
    return not_a_socket(call, args);
}

guest_errno wasi_sock_send(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    (void)err;
    return not_a_socket(call, args);
}

guest_errno wasi_sock_shutdown(const guest_call *call, const beamr_value *args,
                               beamr_error *err)
{
    (void)err;
    return not_a_socket(call, args);
}
