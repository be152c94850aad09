/* States as messages, and back.
 *
 *   key       what
 *   body      the bytes of memory 0; absent without a memory
 *   format    "beamr-1"
 *   state     the engine's snapshot with memory 0 apart (beamr/snapshot.h)
 *   system    dev_system_save, if there is something to be saved
 *   buffers   address and room of each buffer of dev_state_write, 8 bytes each, little-endian,
 *             up to the last that there is; absent without any
 *
 * All of it is canonical: what is accepted would be written again as the same bytes. A message
 * with `body` alone has the memory, and nothing else, of a guest that begins.
 * The start function does not run again in a restored instance: what it did is in the snapshot,
 * and nobody would limit it or answer it. */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/copy.h"
#include "base/text.h"
#include "device/state_internal.h"

#define FORMAT "beamr-1"
#define HUGE_PAGE ((size_t)2 << 20)
#define LARGE ((size_t)4 << 20) /* from here on it doesn't stay in the cache */

enum { BUFFER_BYTES = 16 };

static beamr_status fail_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a snapshot");
}

/* ---- Saving ---- */

static void release_bytes(void *data, void *user)
{
    (void)user;
    free(data);
}

static void release_state(void *data, void *user)
{
    (void)user;
    beamr_snapshot_free(data);
}

static uint8_t *new_bytes(size_t len)
{
    uint8_t *data;

    if (len < LARGE)
        return malloc(len ? len : 1);
    len = (len + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    if ((data = aligned_alloc(HUGE_PAGE, len)))
        (void)madvise(data, len, MADV_HUGEPAGE); /* a host without them refuses: no harm */
    return data;
}

static beamr_status save_body(const state_guest *guest, ao_value *out, beamr_error *err)
{
    beamr_memory *memory = state_guest_memory(guest);
    size_t len;
    uint8_t *data;

    *out = AO_NO_VALUE;
    if (!memory)
        return BEAMR_OK;
    len = (size_t)beamr_memory_size(memory);
    if (!(data = new_bytes(len)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a snapshot of %zu bytes",
                          len);
    if (len >= LARGE) {
        base_copy_past_cache(data, beamr_memory_data(memory), len);
        base_copy_settle();
    } else if (len > 0) {
        memcpy(data, beamr_memory_data(memory), len);
    }
    *out = ao_binary_adopt(data, len, release_bytes, NULL);
    return out->kind == AO_NONE ? fail_memory(err) : BEAMR_OK;
}

static beamr_status save_state(const state_guest *guest, ao_value *out, beamr_error *err)
{
    static const beamr_snapshot_options options = {.memory_apart = true};
    uint8_t *data = NULL;
    size_t len = 0;
    beamr_status st = beamr_snapshot_save(guest->instance, &options, &data, &len, err);

    if (st != BEAMR_OK)
        return st;
    *out = ao_binary_adopt(data, len, release_state, NULL);
    return out->kind == AO_NONE ? fail_memory(err) : BEAMR_OK;
}

static beamr_status save_system(const state_guest *guest, ao_value *out, beamr_error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    beamr_status st = dev_system_save(guest->system, &data, &len, err);

    *out = AO_NO_VALUE;
    if (st != BEAMR_OK)
        return st;
    if (len == 0) {
        free(data);
        return BEAMR_OK;
    }
    *out = ao_binary_adopt(data, len, release_bytes, NULL);
    return out->kind == AO_NONE ? fail_memory(err) : BEAMR_OK;
}

static void put_le(uint8_t *to, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_le(const uint8_t *from)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)from[i] << (8 * i);
    return v;
}

static size_t buffer_count(const state_buffer *buffers)
{
    size_t count = buffers ? STATE_BUFFERS : 0;

    while (count > 0 && buffers[count - 1].room == 0)
        count--;
    return count;
}

static ao_value save_buffers(const state_buffer *buffers, size_t count)
{
    uint8_t bytes[STATE_BUFFERS * BUFFER_BYTES];

    for (size_t i = 0; i < count; i++) {
        put_le(bytes + i * BUFFER_BYTES, buffers[i].addr);
        put_le(bytes + i * BUFFER_BYTES + 8, buffers[i].room);
    }
    return ao_binary_copy((beamr_bytes){bytes, count * BUFFER_BYTES});
}

static void put_value(ao_builder *builder, const char *key, ao_value value)
{
    if (value.kind != AO_NONE)
        ao_builder_put(builder, key, value);
}

beamr_status state_save(const dev_state *state, state_guest *guest, BEAMR_OWN ao_message **out,
                        beamr_error *err)
{
    size_t buffers = buffer_count(state->buffers);
    ao_value value = AO_NO_VALUE;
    ao_builder builder;
    beamr_status st;

    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "format", ao_binary_text(FORMAT));
    if (buffers > 0)
        ao_builder_put(&builder, "buffers", save_buffers(state->buffers, buffers));
    if ((st = save_body(guest, &value, err)) == BEAMR_OK) {
        put_value(&builder, "body", value);
        st = save_state(guest, &value, err);
    }
    if (st == BEAMR_OK) {
        put_value(&builder, "state", value);
        st = save_system(guest, &value, err);
    }
    if (st == BEAMR_OK) {
        put_value(&builder, "system", value);
        return ao_builder_end(&builder, out);
    }
    ao_builder_drop(&builder);
    return st;
}

beamr_status dev_state_snapshot(dev_state *state, BEAMR_OWN ao_message **out, beamr_error *err)
{
    ao_message *saved = ao_message_ref(state_saved(state));
    state_guest *guest = NULL;
    beamr_status st = BEAMR_OK;

    if (saved) {
        *out = saved;
        return BEAMR_OK;
    }
    if ((st = state_take(state, &guest, err)) != BEAMR_OK)
        return st;
    saved = ao_message_ref(state_saved(state)); /* it may have got one on the way */
    if (!saved && (st = state_save(state, guest, &saved, err)) == BEAMR_OK)
        state_keep(state, ao_message_ref(saved));
    if (saved)
        *out = saved;
    state_give(state, guest);
    return st;
}

/* ---- Restoring ---- */

/* What a snapshot consists of; borrowed from the message. */
typedef struct parts {
    ao_value body, state, system, buffers;
} parts;

static beamr_status get_part(const ao_message *snapshot, const char *key, ao_value *out,
                             beamr_error *err)
{
    beamr_status st = ao_message_get(snapshot, beamr_bytes_of(key), out, err);

    if (st == BEAMR_OK && out->kind != AO_NONE && out->kind != AO_BINARY)
        return beamr_fail(err, BEAMR_SNAPSHOT, 0, "the snapshot's `%s` is no binary", key);
    return st;
}

static beamr_status get_parts(const ao_message *snapshot, parts *p, beamr_error *err)
{
    ao_value format = AO_NO_VALUE;
    beamr_status st;

    *p = (parts){AO_NO_VALUE, AO_NO_VALUE, AO_NO_VALUE, AO_NO_VALUE};
    if ((st = get_part(snapshot, "body", &p->body, err)) != BEAMR_OK ||
        (st = get_part(snapshot, "state", &p->state, err)) != BEAMR_OK ||
        (st = get_part(snapshot, "system", &p->system, err)) != BEAMR_OK ||
        (st = get_part(snapshot, "buffers", &p->buffers, err)) != BEAMR_OK ||
        (st = get_part(snapshot, "format", &format, err)) != BEAMR_OK)
        return st;
    if (p->body.kind == AO_NONE && p->state.kind == AO_NONE)
        return beamr_fail(err, BEAMR_SNAPSHOT, 0,
                          "the snapshot has neither a `body` nor a `state`");
    if (p->state.kind != AO_NONE && !text_is(ao_bytes(format), FORMAT))
        return beamr_fail(err, BEAMR_SNAPSHOT, 0,
                          "the snapshot has a `state`, and its `format` is not \"%s\"", FORMAT);
    return BEAMR_OK;
}

/* Instantiate for what will be overwritten: nothing of the guest's runs. */
static beamr_status instantiate(state_guest *guest, dev_image *image, beamr_error *err)
{
    beamr_entry entry = 0;
    beamr_status st;

    beamr_store_skip_starts(guest->store, true);
    st = state_guest_begin(guest, image, &entry, err);
    beamr_store_skip_starts(guest->store, false);
    return st;
}

static beamr_status load_system(state_guest *guest, beamr_bytes bytes, beamr_error *err)
{
    beamr_error why;
    beamr_status st;

    beamr_error_clear(&why);
    st = dev_system_load(guest->system, bytes, &why);
    if (st == BEAMR_MALFORMED)
        return beamr_fail(err, BEAMR_SNAPSHOT, why.offset, "the snapshot's `system`: %s",
                          why.text);
    return st == BEAMR_OK ? st : beamr_fail(err, st, why.offset, "%s", why.text);
}

static beamr_status load(state_guest *guest, dev_image *image, const parts *p, beamr_error *err)
{
    beamr_snapshot_options options = {.memory_apart = true, .memory = ao_bytes(p->body)};
    beamr_status st = instantiate(guest, image, err);

    if (st == BEAMR_OK && p->body.kind != AO_NONE && !state_guest_memory(guest))
        st = beamr_fail(err, BEAMR_SNAPSHOT, 0,
                        "the snapshot has a `body`, and the module no memory");
    if (st == BEAMR_OK)
        st = beamr_snapshot_restore(guest->instance, ao_bytes(p->state), &options, err);
    if (st == BEAMR_OK && p->system.kind != AO_NONE)
        st = load_system(guest, ao_bytes(p->system), err);
    return st;
}

static beamr_status load_parts(dev_image *image, const parts *p, BEAMR_OWN state_guest **out,
                               beamr_error *err)
{
    state_guest *guest = NULL;
    beamr_status st = state_guest_new(image, &guest, err);

    if (st == BEAMR_OK && (st = load(guest, image, p, err)) == BEAMR_OK)
        *out = guest;
    else
        state_guest_free(guest);
    return st;
}

beamr_status state_load(dev_image *image, const ao_message *saved, BEAMR_OWN state_guest **out,
                        beamr_error *err)
{
    parts p;
    beamr_status st = get_parts(saved, &p, err);

    return st == BEAMR_OK ? load_parts(image, &p, out, err) : st;
}

static beamr_status load_buffers(dev_state *state, ao_value value, beamr_error *err)
{
    beamr_bytes bytes = ao_bytes(value);
    size_t count = bytes.len / BUFFER_BYTES;

    if (value.kind == AO_NONE)
        return BEAMR_OK;
    if (!(state->buffers = calloc(STATE_BUFFERS, sizeof *state->buffers)))
        return fail_memory(err);
    if (bytes.len % BUFFER_BYTES == 0 && count > 0 && count <= STATE_BUFFERS) {
        for (size_t i = 0; i < count; i++)
            state->buffers[i] = (state_buffer){get_le(bytes.data + i * BUFFER_BYTES),
                                               get_le(bytes.data + i * BUFFER_BYTES + 8)};
        if (buffer_count(state->buffers) == count)
            return BEAMR_OK;
    }
    return beamr_fail(err, BEAMR_SNAPSHOT, 0, "the snapshot's `buffers` of %zu bytes are none",
                      bytes.len);
}

/* The message without what else it may hold. */
static beamr_status only_parts(const parts *p, BEAMR_OWN ao_message **out, beamr_error *err)
{
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "format", ao_binary_text(FORMAT));
    put_value(&builder, "body", ao_value_ref(p->body));
    put_value(&builder, "state", ao_value_ref(p->state));
    put_value(&builder, "system", ao_value_ref(p->system));
    put_value(&builder, "buffers", ao_value_ref(p->buffers));
    return ao_builder_end(&builder, out);
}

static beamr_status restore_all(dev_state *state, const parts *p, beamr_error *err)
{
    beamr_status st;

    if ((st = load_buffers(state, p->buffers, err)) != BEAMR_OK ||
        (st = load_parts(state->image, p, &state->guest, err)) != BEAMR_OK)
        return st;
    return only_parts(p, &state->saved, err);
}

/* ---- `body` alone ---- */

/* Nobody is there who could answer what a beginning guest calls: it gets zeros. */
static beamr_status answer_zeros(dev_run *run, beamr_error *err)
{
    ao_value few[STATE_VALUES], list;
    dev_import import;
    beamr_status st;

    dev_run_import(run, &import);
    if (import.type->result_count > STATE_VALUES)
        return dev_run_refuse(run, "an import is called while a snapshot is restored", err);
    for (size_t i = 0; i < import.type->result_count; i++)
        few[i] = ao_integer(0);
    list = ao_list_new(few, import.type->result_count);
    st = dev_run_answer(run, list, NULL, err);
    ao_value_unref(list);
    return st;
}

static beamr_status run_to_end(dev_run *run, beamr_error *err)
{
    ao_message *shown = ao_message_ref(ao_message_empty());
    dev_end end;
    beamr_bytes text;
    beamr_status st;

    while ((st = dev_run_go(run, err)) == BEAMR_SUSPENDED)
        if ((st = answer_zeros(run, err)) != BEAMR_OK)
            break;
    if (st == BEAMR_OK) {
        dev_run_ended(run, &end);
        text = ao_bytes(end.value);
        if (end.is_trap)
            st = beamr_fail(err, BEAMR_UNLINKABLE, 0, "%.*s",
                            (int)(text.len < 400 ? text.len : 400), (const char *)text.data);
        else
            st = dev_system_leave(dev_run_system(run), &shown, err);
    }
    ao_message_unref(shown);
    return st;
}

/* A guest that begins, at rest in a state that nobody else has. */
static beamr_status begin(dev_image *image, const dev_run_options *options,
                          BEAMR_OWN state_guest **out, beamr_error *err)
{
    dev_run *run = NULL;
    dev_state *state;
    beamr_status st = dev_run_init(image, options, &run, err);

    if (st != BEAMR_OK)
        return st;
    if ((st = run_to_end(run, err)) != BEAMR_OK) {
        dev_run_free(run);
        return st;
    }
    state = dev_state_ref(dev_run_state(run));
    dev_run_free(run);
    st = state_take(state, out, err);
    dev_state_unref(state);
    return st;
}

static beamr_status restore_body(dev_state *state, ao_value body,
                                 const dev_run_options *options, beamr_error *err)
{
    beamr_memory *memory;
    beamr_status st = begin(state->image, options, &state->guest, err);

    if (st != BEAMR_OK)
        return st;
    if (!(memory = state_guest_memory(state->guest)))
        return beamr_fail(err, BEAMR_SNAPSHOT, 0,
                          "the snapshot has a `body`, and the module no memory");
    if ((st = beamr_memory_set(memory, ao_bytes(body), err)) != BEAMR_OK)
        return st;
    return state_save(state, state->guest, &state->saved, err);
}

beamr_status dev_state_restore(dev_image *image, const ao_message *snapshot,
                               const dev_run_options *options, BEAMR_OWN dev_state **out,
                               beamr_error *err)
{
    dev_state *state = NULL;
    parts p;
    beamr_status st = get_parts(snapshot, &p, err);

    if (st == BEAMR_OK)
        st = state_new(image, NULL, STATE_RESTORED, &state, err);
    if (st == BEAMR_OK)
        st = p.state.kind != AO_NONE ? restore_all(state, &p, err)
                                     : restore_body(state, p.body, options, err);
    if (options->inputs)
        dev_inputs_clear(options->inputs);
    if (st != BEAMR_OK) {
        if (state)
            state_kill(state);
        dev_state_unref(state);
        return st;
    }
    state_settle(state);
    *out = state;
    return BEAMR_OK;
}
