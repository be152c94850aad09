/* Guests of messages for other devices and for hosts: beamr/ao/guest.h over states.
 * A state at rest is read from its instance; one whose import is being answered may be written
 * to as well, and what is done then is noted in the record of its call. */
#include "beamr/ao/guest.h"

#include <stdlib.h>

#include "device/state_internal.h"

static dev_state *state_of(ao_guest *guest)
{
    return (dev_state *)(void *)guest;
}

ao_guest *ao_guest_of(const ao_message *message, const char *prefix)
{
    return (ao_guest *)(void *)dev_state_of(message, beamr_bytes_of(prefix ? prefix : ""));
}

unsigned ao_guest_pointer_size(const ao_guest *guest)
{
    const dev_state *state = (const dev_state *)(const void *)guest;

    return state_module_is64(state->image->module) ? 8 : 4;
}

/* ---- Reading ---- */

/* What is done with the memory; NULL when the guest has none. */
typedef beamr_status (*reader)(const beamr_memory *memory, void *arg, beamr_error *err);

/* It has no instance. */
static beamr_status read_anew(dev_state *state, reader read, void *arg, beamr_error *err)
{
    state_guest *guest = NULL;
    beamr_status st = state_take(state, &guest, err);

    if (st != BEAMR_OK)
        return st;
    st = read(state_guest_memory(guest), arg, err);
    state_give(state, guest);
    return st;
}

/* Read with the lock held: nobody can take the instance meanwhile. */
static beamr_status with_memory(dev_state *state, reader read, void *arg, beamr_error *err)
{
    beamr_status st = BEAMR_OK;
    bool is_there;

    (void)pthread_mutex_lock(&state->lock);
    is_there = (state->phase == STATE_AT_REST || state->phase == STATE_WAITING) &&
               state->guest && state->guest->instance;
    if (is_there)
        st = read(state_guest_memory(state->guest), arg, err);
    (void)pthread_mutex_unlock(&state->lock);
    return is_there ? st : read_anew(state, read, arg, err);
}

static beamr_status read_size(const beamr_memory *memory, void *arg, beamr_error *err)
{
    uint64_t *out = arg;

    (void)err;
    *out = memory ? beamr_memory_size(memory) : 0;
    return BEAMR_OK;
}

beamr_status ao_guest_memory_size(ao_guest *guest, uint64_t *out, beamr_error *err)
{
    return with_memory(state_of(guest), read_size, out, err);
}

static beamr_status fail_bounds(uint64_t addr, uint64_t size, beamr_error *err)
{
    return beamr_fail_trap(err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS, "address %llu of %llu bytes",
                           (unsigned long long)addr, (unsigned long long)size);
}

typedef struct range {
    uint64_t addr;
    void *dst;
    size_t len;
} range;

static beamr_status read_range(const beamr_memory *memory, void *arg, beamr_error *err)
{
    const range *r = arg;

    if (!memory)
        return r->len == 0 && r->addr == 0 ? BEAMR_OK : fail_bounds(r->addr, 0, err);
    return beamr_memory_read(memory, r->addr, r->dst, r->len, err);
}

beamr_status ao_guest_read(ao_guest *guest, uint64_t addr, void *dst, size_t len,
                           beamr_error *err)
{
    range r = {addr, dst, len};

    return with_memory(state_of(guest), read_range, &r, err);
}

typedef struct text {
    uint64_t addr;
    size_t max;
    ao_value *out;
} text;

static beamr_status read_text(const beamr_memory *memory, void *arg, beamr_error *err)
{
    const text *t = arg;
    uint64_t size = memory ? beamr_memory_size(memory) : 0, left;
    const uint8_t *from, *end;

    if (t->addr >= size)
        return fail_bounds(t->addr, size, err);
    left = size - t->addr;
    from = beamr_memory_data(memory) + t->addr;
    end = memchr(from, 0, t->max < left ? t->max + 1 : (size_t)left);
    if (!end && t->max < left)
        return beamr_fail(err, BEAMR_LIMIT, 0, "a text of the guest is longer than %zu bytes",
                          t->max);
    if (!end)
        return fail_bounds(size, size, err);
    *t->out = ao_binary_copy((beamr_bytes){from, (size_t)(end - from)});
    return t->out->kind == AO_NONE
               ? beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a text of the guest")
               : BEAMR_OK;
}

beamr_status ao_guest_read_text(ao_guest *guest, uint64_t addr, size_t max, ao_value *out,
                                beamr_error *err)
{
    text t = {addr, max, out};

    return with_memory(state_of(guest), read_text, &t, err);
}

/* ---- Writing, while an import is answered ---- */

beamr_status ao_guest_write(ao_guest *guest, uint64_t addr, beamr_bytes bytes, beamr_error *err)
{
    dev_state *state = state_of(guest);
    state_entry entry = {.op = STATE_OP_WRITE, .number = addr, .bytes = bytes};
    state_guest *own = NULL;
    beamr_memory *memory;
    beamr_status st = run_borrow(state, &own, err);

    if (st != BEAMR_OK)
        return st;
    memory = own->instance ? state_guest_memory(own) : NULL;
    st = memory ? beamr_memory_write(memory, addr, bytes.data, bytes.len, err)
                : fail_bounds(addr, 0, err);
    run_return(state, st == BEAMR_OK ? &entry : NULL, false, err);
    return st;
}

beamr_status ao_guest_allocate(ao_guest *guest, beamr_bytes bytes, uint64_t *addr,
                               beamr_error *err)
{
    dev_state *state = state_of(guest);
    state_entry entry = {.op = STATE_OP_ALLOCATE, .bytes = bytes, .number = 1};
    state_guest *own = NULL;
    beamr_error *reason = err ? err : calloc(1, sizeof *reason);
    beamr_status st;

    if (!reason)
        return BEAMR_NO_MEMORY;
    if ((st = run_borrow(state, &own, reason)) == BEAMR_OK) {
        st = own->instance
                 ? state_guest_put_text(own, bytes, &entry.number, reason)
                 : beamr_fail(reason, BEAMR_NOT_FOUND, 0, "the guest is only being made");
        entry.status = st;
        run_return(state, &entry, st == BEAMR_NO_MEMORY && entry.number != 0, reason);
    }
    if (st == BEAMR_OK)
        *addr = entry.number;
    if (reason != err)
        free(reason);
    return st;
}
