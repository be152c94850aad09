/* Texts in guest memory, as states of their own: what json-iface@1.0 puts there for a call.
 * Text i has a buffer of its own that stays for the next text i: guests without `free` would
 * otherwise lose as much with each call. A buffer that is too small is freed, if the guest can,
 * and gets half as much more as it needs. */
#include <stdlib.h>
#include <time.h>

#include "device/state_internal.h"

#define ROOM_MULTIPLE 64u

static uint64_t room_for(size_t len)
{
    uint64_t need = (uint64_t)len + 1;

    return (need + need / 2 + ROOM_MULTIPLE - 1) / ROOM_MULTIPLE * ROOM_MULTIPLE;
}

static beamr_status make_buffer(state_guest *guest, state_buffer *buffer, size_t len,
                                beamr_error *err)
{
    uint64_t room = room_for(len), addr = 1;
    beamr_status st;

    if (buffer->room > 0 && (st = state_guest_release(guest, buffer->addr, err)) != BEAMR_OK)
        return st;
    *buffer = (state_buffer){0, 0};
    st = state_guest_malloc(guest, room, &addr, err);
    if (st == BEAMR_NO_MEMORY && addr == 0) { /* the guest has none, and not the host */
        beamr_error_clear(err);
        return beamr_fail(err, BEAMR_LIMIT, 0, "the guest's malloc has no %llu bytes",
                          (unsigned long long)room);
    }
    if (st != BEAMR_OK)
        return st;
    *buffer = (state_buffer){addr, room};
    return BEAMR_OK;
}

static beamr_status write_text(state_guest *guest, beamr_memory *memory, state_buffer *buffer,
                               beamr_bytes text, beamr_error *err)
{
    beamr_status st;

    if (text.len >= buffer->room &&
        (st = make_buffer(guest, buffer, text.len, err)) != BEAMR_OK)
        return st;
    if ((st = beamr_memory_write(memory, buffer->addr, text.data, text.len, err)) != BEAMR_OK)
        return st;
    return beamr_memory_write(memory, buffer->addr + text.len, "", 1, err);
}

static beamr_status write_all(const dev_state *state, state_guest *guest, state_buffer *buffers,
                              beamr_error *err)
{
    beamr_memory *memory = state_guest_memory(guest);
    ao_value texts = state->record.parameters;
    beamr_status st = BEAMR_OK;

    if (!memory)
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "the module has no memory");
    for (size_t i = 0; st == BEAMR_OK && i < ao_list_count(texts); i++)
        st = write_text(guest, memory, &buffers[i], ao_bytes(ao_list_at(texts, i)), err);
    return st;
}

/* An allocator may ask the system for memory; nothing of it is shown to anybody. */
beamr_status state_write_texts(const dev_state *state, state_guest *guest,
                               state_buffer *buffers, const dev_run_options *options,
                               beamr_error *err)
{
    dev_inputs inputs = state->record.inputs; /* lent */
    ao_message *shown = ao_message_ref(ao_message_empty());
    uint64_t timeout_ns = options ? options->timeout_ns : 0;
    beamr_status st;

    inputs.has_seed = true; /* no random numbers that somebody would have to be asked for */
    st = dev_system_enter(guest->system, &inputs, NULL, err);
    if (st == BEAMR_OK)
        st = state_guest_limit(guest, state->image, NULL, timeout_ns,
                               options ? options->host_fuel : 0, err);
    if (st == BEAMR_OK)
        st = write_all(state, guest, buffers, err);
    if (st == BEAMR_OK)
        st = dev_system_leave(guest->system, &shown, err);
    if (timeout_ns > 0)
        beamr_store_clear_deadline(guest->store);
    ao_message_unref(shown);
    return st;
}

/* ---- A new state ---- */

static ao_value copy_texts(const beamr_bytes *texts, size_t count)
{
    ao_value items[STATE_BUFFERS];

    for (size_t i = 0; i < count; i++)
        items[i] = ao_binary_copy(texts[i]);
    return ao_list_new(items, count);
}

static beamr_status check(const dev_state *from, size_t count, beamr_error *err)
{
    const beamr_module *module = from->image->module;
    beamr_export export;

    if (count > STATE_BUFFERS)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "%zu texts, at most %d can be written", count,
                          STATE_BUFFERS);
    if (beamr_module_memory_count(module) == 0)
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "the module has no memory");
    if (!beamr_module_find_export(module, beamr_bytes_of("malloc"), &export))
        return beamr_fail(err, BEAMR_NOT_FOUND, 0,
                          "the module exports no malloc of one size and one address");
    return BEAMR_OK;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Fill the new state's record; `inputs` goes into it. */
static beamr_status prepare(dev_state *state, const beamr_bytes *texts, size_t count,
                            dev_inputs *inputs, beamr_error *err)
{
    state_record *record = &state->record;

    state->phase = STATE_RUNNING;
    if (inputs) {
        record->inputs = *inputs;
        *inputs = (dev_inputs){0};
    }
    record->parameters = copy_texts(texts, count);
    if (!state->buffers)
        state->buffers = calloc(STATE_BUFFERS, sizeof *state->buffers);
    if (record->parameters.kind == AO_NONE || !state->buffers)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu texts", count);
    return BEAMR_OK;
}

static beamr_status write_new(dev_state *from, dev_state *state, const dev_run_options *options,
                              beamr_error *err)
{
    uint64_t began, used;
    ao_stop stop;
    beamr_status st = state_take_for_call(from, &state->guest, err);

    if (st != BEAMR_OK)
        return st;
    began = now_ns();
    used = beamr_store_fuel_used(state->guest->store);
    state_watch_begin(&stop, state->guest);
    dev_world_running(state->image->world, state->guest->store);
    st = state_write_texts(state, state->guest, state->buffers, options, err);
    dev_world_rests(state->image->world, state->guest->store);
    state_watch_end(&stop, state->guest);
    state->record.fuel = beamr_store_fuel_used(state->guest->store) - used;
    state->record.ns = now_ns() - began;
    return st;
}

beamr_status dev_state_write(dev_state *from, const dev_run_options *options,
                             const beamr_bytes *texts, size_t count, uint64_t *pointers,
                             BEAMR_OWN dev_state **out, beamr_error *err)
{
    dev_state *state = NULL;
    beamr_status st = check(from, count, err);

    if (st == BEAMR_OK &&
        (st = state_new(from->image, from, STATE_WRITTEN, &state, err)) == BEAMR_OK &&
        (st = prepare(state, texts, count, options->inputs, err)) == BEAMR_OK)
        st = write_new(from, state, options, err);
    if (options->inputs)
        dev_inputs_clear(options->inputs);
    if (st != BEAMR_OK) {
        if (state)
            state_kill(state);
        dev_state_unref(state);
        return st;
    }
    for (size_t i = 0; i < count; i++)
        pointers[i] = state->buffers[i].addr;
    state_settle(state);
    *out = state;
    return BEAMR_OK;
}
