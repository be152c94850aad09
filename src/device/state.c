/* States of guests: counted objects, and which instance is whose. state.h says what they are
 * for, docs/internals/states.md how they work.
 * Locks: a state's own; within it the world's, and no other. Guest code never runs with a lock
 * held. */
#include <stdlib.h>
#include <time.h>

#include "device/state_internal.h"

/* What took longer to be made anew than this gets a snapshot: it was computed on twice. */
#define REPEAT_WORTH_NS UINT64_C(2000000)

/* ---- Counts ---- */

dev_state *dev_state_ref(dev_state *state)
{
    (void)atomic_fetch_add_explicit(&state->count, 1, memory_order_relaxed);
    return state;
}

/* The last count is gone.  Returns the parent, whose count passes to the caller. */
static dev_state *state_free(dev_state *state)
{
    dev_state *parent = state->parent;

    if (state->guest)
        dev_world_wake(state->image->world, &state->idle);
    state_guest_free(state->guest);
    ao_message_unref(state->saved);
    state_record_clear(&state->record);
    (void)pthread_mutex_destroy(&state->lock);
    dev_image_unref(state->image);
    free(state->buffers);
    free(state);
    return parent;
}

/* A long line of states goes one after the other. */
void dev_state_unref(dev_state *state)
{
    while (state && atomic_fetch_sub_explicit(&state->count, 1, memory_order_acq_rel) == 1)
        state = state_free(state);
}

dev_image *dev_state_image(const dev_state *state)
{
    return state->image;
}

/* ---- Making ---- */

static bool hold(dev_idle *idle)
{
    dev_state *state = (dev_state *)(void *)((char *)idle - offsetof(dev_state, idle));
    size_t count = atomic_load_explicit(&state->count, memory_order_relaxed);

    do {
        if (count == 0)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(
        &state->count, &count, count + 1, memory_order_acquire, memory_order_relaxed));
    return true;
}

static void expire(dev_idle *idle)
{
    dev_state *state = (dev_state *)(void *)((char *)idle - offsetof(dev_state, idle));

    dev_state_rest(state);
    dev_state_unref(state); /* of hold */
}

static bool copy_buffers(dev_state *state, const dev_state *from)
{
    size_t size = STATE_BUFFERS * sizeof(state_buffer);

    if (!from || !from->buffers)
        return true;
    if (!(state->buffers = malloc(size)))
        return false;
    memcpy(state->buffers, from->buffers, size);
    return true;
}

beamr_status state_new(dev_image *image, dev_state *from, state_origin origin,
                       BEAMR_OWN dev_state **out, beamr_error *err)
{
    dev_state *state = malloc(sizeof *state);

    if (!state)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the state of a guest");
    *state = (dev_state){.count = 1, .record = {.origin = origin}};
    if (!copy_buffers(state, from)) {
        free(state);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the state of a guest");
    }
    state->image = dev_image_ref(image);
    (void)pthread_mutex_init(&state->lock, NULL);
    state->parent = from ? dev_state_ref(from) : NULL;
    state->idle.hold = hold;
    state->idle.expire = expire;
    *out = state;
    return BEAMR_OK;
}

/* ---- Whose instance it is ---- */

static beamr_status fail_phase(const dev_state *state, beamr_error *err)
{
    if (state->phase == STATE_DEAD)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "there is no such state: the call that was to make it was given up");
    return beamr_fail(err, BEAMR_BUSY, 0, "the guest is in a call that has not ended");
}

/* The instance of a state at rest; NULL when it has none. The lock is held. */
static state_guest *lift(dev_state *state)
{
    state_guest *guest = state->guest;

    if (guest) {
        dev_world_wake(state->image->world, &state->idle);
        state->guest = NULL;
    }
    return guest;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Without a snapshot the next one who computes on it would have to repeat as much. */
static beamr_status make_anew(dev_state *state, BEAMR_OWN state_guest **out, beamr_error *err)
{
    uint64_t began = now_ns();
    ao_message *saved = NULL;
    beamr_error ignored = {0};
    beamr_status st = state_rebuild(state, out, err);

    if (st == BEAMR_OK && !state_saved(state) && now_ns() - began > REPEAT_WORTH_NS &&
        state_save(state, *out, &saved, &ignored) == BEAMR_OK)
        state_keep(state, saved);
    return st;
}

/* A state whose call can't be repeated has its instance until it has a snapshot: whoever comes
 * while that is taken waits for the lock, as nothing could be made anew. The lock is held.
 *   parent  what is needless with the snapshot, to be let go without the lock */
static beamr_status save_first(dev_state *state, dev_state **parent, beamr_error *err)
{
    beamr_status st;

    if (state->is_whole || state->saved || !state->guest)
        return BEAMR_OK;
    if ((st = state_save(state, state->guest, &state->saved, err)) != BEAMR_OK)
        return st;
    *parent = state->parent;
    state->parent = NULL;
    return BEAMR_OK;
}

beamr_status state_take(dev_state *state, BEAMR_OWN state_guest **out, beamr_error *err)
{
    state_guest *guest = NULL;
    dev_state *parent = NULL;
    beamr_status st;

    (void)pthread_mutex_lock(&state->lock);
    st = state->phase == STATE_AT_REST ? save_first(state, &parent, err)
                                       : fail_phase(state, err);
    if (st == BEAMR_OK)
        guest = lift(state);
    (void)pthread_mutex_unlock(&state->lock);
    dev_state_unref(parent);
    if (st != BEAMR_OK)
        return st;
    if (!guest)
        return make_anew(state, out, err);
    *out = guest;
    return BEAMR_OK;
}

void state_give(dev_state *state, BEAMR_OWN state_guest *guest)
{
    (void)pthread_mutex_lock(&state->lock);
    if (!state->guest) {
        state->guest = guest;
        guest = NULL;
        dev_world_rest(state->image->world, &state->idle);
    }
    (void)pthread_mutex_unlock(&state->lock);
    state_guest_free(guest);
}

/* What would have to be repeated has become too much. */
static bool wants_snapshot(const dev_state *state)
{
    return state->calls >= STATE_RECORDS || state->bytes >= STATE_RECORD_BYTES ||
           state->ns >= STATE_REPEAT_NS;
}

static beamr_status cut(dev_state *state, state_guest *guest, beamr_error *err)
{
    ao_message *saved = NULL;
    beamr_status st;

    if (!wants_snapshot(state) || state_saved(state))
        return BEAMR_OK;
    if ((st = state_save(state, guest, &saved, err)) == BEAMR_OK)
        state_keep(state, saved);
    return st;
}

beamr_status state_take_for_call(dev_state *state, BEAMR_OWN state_guest **out,
                                 beamr_error *err)
{
    state_guest *guest = NULL;
    beamr_status st = state_take(state, &guest, err);

    if (st != BEAMR_OK)
        return st;
    if ((st = cut(state, guest, err)) != BEAMR_OK) {
        state_give(state, guest);
        return st;
    }
    *out = guest;
    return BEAMR_OK;
}

/* What is too much to be repeated gets a snapshot before; a state whose calls can't be repeated
 * keeps its instance if there is no memory for one. */
void dev_state_rest(dev_state *state)
{
    state_guest *guest = NULL;
    dev_state *parent = NULL;
    beamr_error ignored = {0};

    (void)pthread_mutex_lock(&state->lock);
    if (state->phase == STATE_AT_REST && save_first(state, &parent, &ignored) == BEAMR_OK)
        guest = lift(state);
    else if (state->phase == STATE_AT_REST && state->guest) /* it is tried again later */
        dev_world_rest(state->image->world, &state->idle);
    (void)pthread_mutex_unlock(&state->lock);
    dev_state_unref(parent);
    if (guest)
        (void)cut(state, guest, &ignored);
    state_guest_free(guest);
}

/* What is to be repeated is counted from the nearest snapshot. */
void state_settle(dev_state *state)
{
    dev_state *parent = state->parent;
    const dev_state *base = parent && !state_saved(parent) ? parent : NULL;

    state->is_whole = !state->record.log.is_lost;
    state->calls = (base ? base->calls : 0) + 1;
    state->bytes = (base ? base->bytes : 0) +
                   state_record_bytes(&state->record, parent ? &parent->record : NULL);
    state->ns = (base ? base->ns : 0) + state->record.ns;
    (void)pthread_mutex_lock(&state->lock);
    state->phase = STATE_AT_REST;
    state->run = NULL;
    if (state->guest)
        dev_world_rest(state->image->world, &state->idle);
    (void)pthread_mutex_unlock(&state->lock);
}

void state_kill(dev_state *state)
{
    state_guest *guest;
    dev_state *parent;

    (void)pthread_mutex_lock(&state->lock);
    state->phase = STATE_DEAD;
    state->run = NULL;
    guest = state->guest;
    state->guest = NULL;
    parent = state->parent;
    state->parent = NULL;
    (void)pthread_mutex_unlock(&state->lock);
    state_guest_free(guest);
    dev_state_unref(parent);
}

ao_message *state_saved(dev_state *state)
{
    ao_message *saved;

    (void)pthread_mutex_lock(&state->lock);
    saved = state->saved;
    (void)pthread_mutex_unlock(&state->lock);
    return saved;
}

void state_keep(dev_state *state, BEAMR_OWN ao_message *saved)
{
    dev_state *parent = NULL;

    (void)pthread_mutex_lock(&state->lock);
    if (!state->saved) {
        state->saved = saved;
        saved = NULL;
        parent = state->parent;
        state->parent = NULL;
    }
    (void)pthread_mutex_unlock(&state->lock);
    ao_message_unref(saved);
    dev_state_unref(parent);
}

/* ---- In messages ---- */

static void release(void *pointer)
{
    dev_state_unref(pointer);
}

ao_value dev_state_value(BEAMR_OWN dev_state *state)
{
    return ao_native_new(state, release);
}

enum { PATH_SIZE = 128 };

/* "PREFIX/KEY"; `few` when it is large enough, else new memory; NULL: no memory. */
static char *private_path(beamr_bytes prefix, const char *key, char few[PATH_SIZE])
{
    size_t key_len = strlen(key) + 1, at = prefix.len > 0 ? prefix.len + 1 : 0;
    char *path = at + key_len <= PATH_SIZE ? few : malloc(at + key_len);

    if (!path)
        return NULL;
    if (at > 0) {
        memcpy(path, prefix.data, prefix.len);
        path[at - 1] = '/';
    }
    memcpy(path + at, key, key_len);
    return path;
}

dev_state *dev_state_of(const ao_message *message, beamr_bytes prefix)
{
    char few[PATH_SIZE], *path = private_path(prefix, "instance", few);
    dev_state *state = path ? ao_to_native(ao_private_find(message, path)) : NULL;

    if (path != few)
        free(path);
    return state;
}

/* With a private key.
 *   is_kept  one that is there stays
 *   message  replaced */
static beamr_status put_private(ao_message **message, beamr_bytes prefix, const char *key,
                                bool is_kept, BEAMR_OWN ao_value value, beamr_error *err)
{
    char few[PATH_SIZE], *path = private_path(prefix, key, few);
    ao_message *next = NULL;
    beamr_status st = BEAMR_OK;

    if (!path) {
        ao_value_unref(value);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a path");
    }
    if (is_kept && ao_private_find(*message, path).kind != AO_NONE)
        ao_value_unref(value);
    else
        st = ao_private_with(*message, path, value, &next, err);
    if (path != few)
        free(path);
    if (next) {
        ao_message_unref(*message);
        *message = next;
    }
    return st;
}

/* Where a state stands already, the others do too, unless the host took them away. */
beamr_status dev_state_put(const ao_message *message, beamr_bytes prefix, dev_state *state,
                           BEAMR_OWN ao_message **out, beamr_error *err)
{
    static const char *const names[] = {"write", "read", "import-resolver"};
    const dev_state *old = dev_state_of(message, prefix);
    ao_message *with = ao_message_ref(message);
    beamr_status st = BEAMR_OK;

    if (old != state)
        st = put_private(&with, prefix, "instance", false,
                         dev_state_value(dev_state_ref(state)), err);
    for (size_t i = 0; st == BEAMR_OK && !old && i < sizeof names / sizeof names[0]; i++)
        st = put_private(&with, prefix, names[i], true, ao_binary_text("wasm-64@1.0"), err);
    if (st == BEAMR_OK)
        *out = with;
    else
        ao_message_unref(with);
    return st;
}
