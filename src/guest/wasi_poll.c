/* WASI's poll_oneoff: waiting for clocks and descriptors.
 * Only a stream of input is ever waited for; files can always be read and written, and so can
 * output. Subscriptions are copied first, since the events may be written over them.
 *
 * A subscription: userdata u64 at 0, tag u8 at 8, and at 16 either a descriptor u32, or a
 * clock: id u32, timeout u64 at 24, precision u64 at 32, flags u16 at 40; 48 bytes. In
 * wasi_unstable the clock begins with an identifier u64, so that all of it is 8 bytes further
 * on; 56 bytes. An event: userdata u64 at 0, errno u16 at 8, type u8 at 10, bytes u64 at 16,
 * flags u16 at 24; 32 bytes. No pointers are in them: the layouts are those of both pointer
 * widths. Source: WASI preview 1, "poll_oneoff", "subscription", "event"; preview 0,
 * "subscription". */
#include <stdlib.h>

#include "guest/wasi.h"

enum {
    FEW = 8, /* subscriptions that are kept on the stack */
    MOST = 4096,
    EVENT_SIZE = 32,
    SUBSCRIPTION_SIZE = 48,
    UNSTABLE_SUBSCRIPTION_SIZE = 56,
    OUTPUT_ROOM = 65536, /* bytes that output can take, as of a pipe */
};

typedef enum event_type { EVENT_CLOCK, EVENT_FD_READ, EVENT_FD_WRITE, EVENT_COUNT } event_type;

typedef struct subscription {
    uint64_t userdata;
    event_type type;
    bool is_ready; /* there is an event */
    bool is_input; /* what guest_wait waits for */
    guest_errno error;
    uint64_t value; /* clock: ns until it is due; otherwise bytes available */
} subscription;

/* ---- Judging one subscription ---- */

static void fail(subscription *s, guest_errno e)
{
    s->error = e;
    s->is_ready = true;
}

/* record: as a clock stands in a subscription, from the id on */
static void clock_begin(const guest_call *call, const uint8_t *record, subscription *s)
{
    enum { ABSOLUTE = 1 };
    uint32_t id;
    uint64_t timeout;
    uint16_t flags;

    memcpy(&id, record, sizeof id);
    memcpy(&timeout, record + 8, sizeof timeout);
    memcpy(&flags, record + 24, sizeof flags);
    if (id > BEAMR_CLOCK_THREAD_CPU || flags & ~ABSOLUTE) {
        fail(s, GUEST_EINVAL);
        return;
    }
    if (id > BEAMR_CLOCK_MONOTONIC) { /* it would not advance while the guest waits */
        fail(s, GUEST_ENOTSUP);
        return;
    }
    if (flags & ABSOLUTE) {
        uint64_t now = guest_clock(call->wasi, (beamr_clock)id);

        timeout = timeout > now ? timeout - now : 0;
    }
    s->value = timeout;
    s->is_ready = timeout == 0;
}

/* Bytes between the position and the end of a file; 0 if that can't be told. */
static uint64_t file_rest(beamr_wasi *w, uint32_t fd)
{
    guest_filestat stat;
    uint64_t position;

    if (guest_fd_filestat(w, fd, &stat) != GUEST_ESUCCESS ||
        guest_fd_seek(w, fd, 0, 1, &position) != GUEST_ESUCCESS || position > stat.size)
        return 0;
    return stat.size - position;
}

static void fd_begin(const guest_call *call, const uint8_t *record, subscription *s)
{
    guest_rights needed = GUEST_RIGHT_POLL_FD_READWRITE;
    guest_fdstat stat;
    guest_errno e;
    uint32_t fd;

    memcpy(&fd, record, sizeof fd);
    needed |= s->type == EVENT_FD_READ ? GUEST_RIGHT_FD_READ : GUEST_RIGHT_FD_WRITE;
    if ((e = guest_fd_fdstat(call->wasi, fd, &stat)) != GUEST_ESUCCESS) {
        fail(s, e);
    } else if ((stat.rights & needed) != needed) {
        fail(s, GUEST_ENOTCAPABLE);
    } else if (s->type == EVENT_FD_WRITE) {
        s->is_ready = true;
        s->value = OUTPUT_ROOM;
    } else if (guest_fd_is_input(call->wasi, fd)) {
        s->is_input = true;
        s->value = 1;
    } else {
        s->is_ready = true;
        s->value = file_rest(call->wasi, fd);
    }
}

/* size: of the record, which tells its layout.  Errors: EINVAL (an unknown type). */
static guest_errno subscription_get(const guest_call *call, const uint8_t *record, size_t size,
                                    subscription *s)
{
    size_t clock_at = size == SUBSCRIPTION_SIZE ? 16 : 24;

    if (record[8] >= EVENT_COUNT)
        return GUEST_EINVAL;
    *s = (subscription){.type = (event_type)record[8]};
    memcpy(&s->userdata, record, sizeof s->userdata);
    if (s->type == EVENT_CLOCK)
        clock_begin(call, record + clock_at, s);
    else
        fd_begin(call, record + 16, s);
    return GUEST_ESUCCESS;
}

/* ---- Waiting ---- */

/* Wait for the first of them; what is then due is ready. With something ready already, only see
 * whether there is input, too. */
static guest_errno wait_for(const guest_call *call, subscription *list, size_t count,
                            beamr_error *err)
{
    uint64_t ns = UINT64_MAX;
    bool for_input = false, has_input = false, waits = true;

    for (size_t i = 0; i < count; i++) {
        for_input |= list[i].is_input;
        waits &= !list[i].is_ready;
        if (list[i].type == EVENT_CLOCK && !list[i].is_ready && list[i].value < ns)
            ns = list[i].value;
    }
    if (!waits && !for_input)
        return GUEST_ESUCCESS;
    if (guest_wait(call->wasi, waits ? ns : 0, for_input, &has_input, err) == GUEST_EABORT)
        return GUEST_EABORT;
    for (size_t i = 0; i < count; i++)
        if (list[i].is_input)
            list[i].is_ready = has_input;
        else if (waits && !has_input && list[i].value <= ns)
            list[i].is_ready = true;
    return GUEST_ESUCCESS;
}

/* Write the events; there is room.  Returns their number. */
static size_t put_events(const guest_call *call, uint64_t addr, const subscription *list,
                         size_t count)
{
    size_t events = 0;

    for (size_t i = 0; i < count; i++) {
        uint8_t record[EVENT_SIZE] = {0};
        uint16_t error = (uint16_t)list[i].error;

        if (!list[i].is_ready)
            continue;
        memcpy(record, &list[i].userdata, sizeof list[i].userdata);
        memcpy(record + 8, &error, sizeof error);
        record[10] = (uint8_t)list[i].type;
        if (list[i].type != EVENT_CLOCK && !list[i].error)
            memcpy(record + 16, &list[i].value, sizeof list[i].value);
        (void)guest_put(call, addr + EVENT_SIZE * events++, record, sizeof record);
    }
    return events;
}

/* ---- All of it ---- */

/* What a call gave, looked at. */
typedef struct polling {
    uint8_t *in;
    uint64_t out, result;
    size_t count, size;
} polling;

static guest_errno poll_list(const guest_call *call, const polling *p, subscription *list,
                             beamr_error *err)
{
    guest_errno e = GUEST_ESUCCESS;
    size_t events;

    for (size_t i = 0; i < p->count && e == GUEST_ESUCCESS; i++)
        e = subscription_get(call, p->in + i * p->size, p->size, &list[i]);
    if (e == GUEST_ESUCCESS)
        e = wait_for(call, list, p->count, err);
    if (e != GUEST_ESUCCESS)
        return e;
    events = put_events(call, p->out, list, p->count);
    return guest_put_word(call, p->result, events);
}

static guest_errno poll_any(const guest_call *call, const beamr_value *args, size_t size,
                            beamr_error *err)
{
    uint64_t count = guest_pointer(&args[2]);
    polling p = {.out = guest_pointer(&args[1]),
                 .result = guest_pointer(&args[3]),
                 .count = (size_t)count,
                 .size = size};
    subscription few[FEW], *list;
    guest_errno e;

    if (count == 0 || count > MOST)
        return GUEST_EINVAL;
    if ((e = guest_bytes_at(call, guest_pointer(&args[0]), count * size, &p.in)) !=
            GUEST_ESUCCESS ||
        (e = wasi_room(call, p.out, count * EVENT_SIZE)) != GUEST_ESUCCESS ||
        (e = wasi_room(call, p.result, guest_word(call))) != GUEST_ESUCCESS ||
        (e = wasi_some_work(call, count * size, err)) != GUEST_ESUCCESS)
        return e;
    if (count <= FEW)
        return poll_list(call, &p, few, err);
    if (!(list = malloc(p.count * sizeof *list)))
        return GUEST_ENOMEM;
    e = poll_list(call, &p, list, err);
    free(list);
    return e;
}

guest_errno wasi_poll_oneoff(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    return poll_any(call, args, SUBSCRIPTION_SIZE, err);
}

guest_errno wasi_unstable_poll_oneoff(const guest_call *call, const beamr_value *args,
                                      beamr_error *err)
{
    return poll_any(call, args, UNSTABLE_SUBSCRIPTION_SIZE, err);
}
