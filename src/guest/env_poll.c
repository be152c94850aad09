/* poll and select. Files and output are always ready; input may have to be waited for.
 * Source: Linux, poll(2), select(2). */
#include "guest/env_calls.h"

enum {
    POLL_IN = 1,
    POLL_OUT = 4,
    POLL_INVALID = 0x20,
    POLL_IN_NORMAL = 0x40,
    POLL_OUT_NORMAL = 0x100
};
enum { POLLFD_SIZE = 8, POLLFD_WORK = 64, POLL_MAX = 4096, SELECT_MAX = 1024 };

/* What is asked of all descriptors together. */
typedef struct poll_state {
    uint32_t ready;
    bool wants_input; /* of a stream on which one may have to wait */
    bool has_input;
} poll_state;

/* What of `events` a descriptor is ready for now. */
static uint16_t ready_events(const guest_call *call, int32_t fd, uint16_t events,
                             poll_state *state)
{
    const uint16_t in = POLL_IN | POLL_IN_NORMAL;
    guest_fdstat stat;

    if (fd < 0)
        return 0;
    if (guest_fd_fdstat(call->wasi, (uint32_t)fd, &stat) != GUEST_ESUCCESS)
        return POLL_INVALID;
    if (!state->has_input && (events & in) && guest_fd_is_input(call->wasi, (uint32_t)fd)) {
        state->wants_input = true;
        events &= (uint16_t)~in;
    }
    return events & (in | POLL_OUT | POLL_OUT_NORMAL);
}

/* Wait, if nothing is ready yet.  *again: input has come, look again. */
static guest_errno wait_for(const guest_call *call, poll_state *state, uint64_t ns, bool *again,
                            beamr_error *err)
{
    bool has_input = false;
    guest_errno e = GUEST_ESUCCESS;

    *again = false;
    if (state->ready > 0)
        ns = 0;
    if (state->wants_input || ns > 0)
        e = guest_wait(call->wasi, ns, state->wants_input, &has_input, err);
    if (e == GUEST_ESUCCESS && state->wants_input && has_input)
        *again = state->has_input = true;
    return e;
}

static void poll_all(const guest_call *call, uint8_t *fds, uint32_t count, poll_state *state)
{
    state->ready = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *entry = fds + (size_t)i * POLLFD_SIZE;
        int32_t fd;
        uint16_t events, ready;

        memcpy(&fd, entry, 4);
        memcpy(&events, entry + 4, 2);
        ready = ready_events(call, fd, events, state);
        memcpy(entry + 6, &ready, 2);
        state->ready += ready != 0;
    }
}

static beamr_status poll_fds(const guest_call *call, uint64_t addr, uint32_t count,
                             int32_t timeout_ms, beamr_value *results, beamr_error *err)
{
    uint64_t ns = timeout_ms < 0 ? UINT64_MAX : (uint64_t)timeout_ms * 1000000;
    poll_state state = {0};
    bool again = false;
    uint8_t *fds;
    guest_errno e = count > POLL_MAX
                        ? GUEST_EINVAL
                        : guest_bytes_at(call, addr, (uint64_t)count * POLLFD_SIZE, &fds);

    if (e == GUEST_ESUCCESS && (uint64_t)count * POLLFD_WORK > GUEST_FREE_WORK &&
        beamr_store_work(call->store, (uint64_t)count * POLLFD_WORK, err) != BEAMR_OK)
        e = GUEST_EABORT;
    if (e == GUEST_ESUCCESS) {
        poll_all(call, fds, count, &state);
        e = wait_for(call, &state, ns, &again, err);
    }
    if (e == GUEST_ESUCCESS && again)
        poll_all(call, fds, count, &state);
    return e == GUEST_ESUCCESS ? env_value(results, state.ready) : env_done(results, e, err);
}

ENV_CALL(env_poll)
{
    return poll_fds(call, guest_pointer(&args[0]), guest_u32(&args[1]),
                    (int32_t)guest_u32(&args[2]), results, err);
}

ENV_CALL(env_poll_nonblocking)
{
    return poll_fds(call, guest_pointer(&args[0]), guest_u32(&args[1]), 0, results, err);
}

/* ---- select ---- */

/* The three sets: asked for, and ready. */
typedef struct select_sets {
    uint64_t addr[3]; /* reading, writing, exceptions; 0 if not given */
    uint8_t asked[3][SELECT_MAX / 8], ready[3][SELECT_MAX / 8];
    size_t bytes; /* of each that are used */
} select_sets;

static bool in_set(const uint8_t *set, uint32_t fd)
{
    return set[fd / 8] >> (fd % 8) & 1;
}

static guest_errno get_sets(const guest_call *call, const beamr_value *args, uint32_t count,
                            select_sets *sets)
{
    unsigned bits = guest_word(call) * 8;
    guest_errno e = GUEST_ESUCCESS;

    memset(sets, 0, sizeof *sets);
    if (count > SELECT_MAX)
        return GUEST_EINVAL;
    sets->bytes = (count + bits - 1) / bits * (bits / 8);
    for (int i = 0; i < 3 && e == GUEST_ESUCCESS; i++) {
        sets->addr[i] = guest_pointer(&args[i]);
        if (sets->addr[i])
            e = guest_get(call, sets->addr[i], sets->asked[i], sets->bytes);
    }
    return e;
}

static guest_errno select_all(const guest_call *call, uint32_t count, select_sets *sets,
                              poll_state *state)
{
    static const uint16_t events[2] = {POLL_IN, POLL_OUT};

    state->ready = 0;
    memset(sets->ready, 0, sizeof sets->ready);
    for (uint32_t fd = 0; fd < count; fd++)
        for (int i = 0; i < 3; i++) {
            uint16_t ready;

            if (!in_set(sets->asked[i], fd))
                continue;
            ready = ready_events(call, (int32_t)fd, i < 2 ? events[i] : 0, state);
            if (ready & POLL_INVALID)
                return GUEST_EBADF;
            if (ready) {
                sets->ready[i][fd / 8] |= (uint8_t)(1u << (fd % 8));
                state->ready++;
            }
        }
    return GUEST_ESUCCESS;
}

static guest_errno get_timeout(const guest_call *call, uint64_t addr, uint64_t *ns)
{
    int64_t sec, us;
    guest_errno e;

    *ns = UINT64_MAX;
    if (addr == 0)
        return GUEST_ESUCCESS;
    if ((e = env_get_time(call, addr, true, &sec, &us)) != GUEST_ESUCCESS)
        return e;
    if (sec < 0 || us < 0)
        return GUEST_EINVAL;
    if (sec < INT64_MAX / 1000000000 - INT32_MAX)
        *ns = (uint64_t)sec * 1000000000 + (uint64_t)us * 1000;
    return GUEST_ESUCCESS;
}

ENV_CALL(env_newselect)
{
    uint32_t count = guest_u32(&args[0]);
    poll_state state = {0};
    bool again = false;
    select_sets sets;
    uint64_t ns = 0;
    guest_errno e = get_sets(call, &args[1], count, &sets);

    if (e == GUEST_ESUCCESS)
        e = get_timeout(call, guest_pointer(&args[4]), &ns);
    if (e == GUEST_ESUCCESS)
        e = select_all(call, count, &sets, &state);
    if (e == GUEST_ESUCCESS)
        e = wait_for(call, &state, ns, &again, err);
    if (e == GUEST_ESUCCESS && again)
        e = select_all(call, count, &sets, &state);
    for (int i = 0; i < 3 && e == GUEST_ESUCCESS; i++)
        if (sets.addr[i])
            e = guest_put(call, sets.addr[i], sets.ready[i], sets.bytes);
    return e == GUEST_ESUCCESS ? env_value(results, state.ready) : env_done(results, e, err);
}
