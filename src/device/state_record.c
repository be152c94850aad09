/* Records of calls: what they hold, and how much that is.
 * A file system in a message shares with the one before it whatever did not change, and so it
 * is counted: by what differs, which is looked for among a bounded number of names. */
#include <stdlib.h>

#include "device/state_internal.h"

enum { NAMES_MAX = 4000 }; /* that are compared for one record */

static void drop_updates(state_record *record)
{
    for (size_t i = 0; i < record->update_count; i++) {
        dev_inputs_clear(&record->updates[i]->inputs);
        ao_value_unref(record->updates[i]->args);
        free(record->updates[i]);
    }
    record->update_count = record->update_bytes = 0;
}

void state_record_clear(state_record *record)
{
    ao_value_unref(record->parameters);
    dev_inputs_clear(&record->inputs);
    drop_updates(record);
    free(record->updates);
    state_log_clear(&record->log);
    *record = (state_record){0};
}

/* ---- Size ---- */

static bool is_same(ao_value a, ao_value b)
{
    return a.kind == b.kind && a.of.message == b.of.message;
}

static size_t difference(ao_value now, ao_value before, size_t *names);

static bool is_before(const ao_name *a, const ao_name *b)
{
    beamr_bytes x = ao_name_text(a), y = ao_name_text(b);
    int order = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);

    return order ? order < 0 : x.len < y.len;
}

/* Both have their keys in the same order; equal keys are one name. */
static size_t message_difference(const ao_message *now, const ao_message *before, size_t *names)
{
    ao_cursor cursor = {0}, old_cursor = {0};
    const ao_name *key, *old_key;
    ao_value value, old;
    bool has_old = ao_message_next(before, &old_cursor, &old_key, &old);
    size_t size = 0;

    while (ao_message_next(now, &cursor, &key, &value)) {
        while (has_old && old_key != key && is_before(old_key, key))
            has_old = ao_message_next(before, &old_cursor, &old_key, &old);
        size += difference(value, has_old && old_key == key ? old : AO_NO_VALUE, names);
    }
    return size;
}

/* What `now` holds that `before` does not. */
static size_t difference(ao_value now, ao_value before, size_t *names)
{
    const ao_message *message = ao_to_message(now), *old = ao_to_message(before);
    size_t size = 64;

    if (is_same(now, before))
        return 0;
    if (!message)
        return size + ao_bytes(now).len;
    if (!old || *names < ao_message_count(message) + ao_message_count(old))
        return size + ao_message_size(message).max_bytes;
    *names -= ao_message_count(message) + ao_message_count(old);
    return size + message_difference(message, old, names);
}

static size_t inputs_bytes(const dev_inputs *now, const dev_inputs *before)
{
    static const dev_inputs none;
    size_t names = NAMES_MAX;

    if (!before)
        before = &none;
    return difference(now->vfs, before->vfs, &names) +
           difference(now->descriptors, before->descriptors, &names);
}

static const dev_inputs *last_inputs(const state_record *record)
{
    return record->update_count > 0 ? &record->updates[record->update_count - 1]->inputs
                                    : &record->inputs;
}

size_t state_record_bytes(const state_record *record, const state_record *before)
{
    size_t size = sizeof(dev_state) + record->log.capacity + record->update_bytes;

    for (size_t i = 0; i < ao_list_count(record->parameters); i++)
        size += sizeof(ao_value) + ao_bytes(ao_list_at(record->parameters, i)).len;
    return size + inputs_bytes(&record->inputs, before ? last_inputs(before) : NULL);
}

/* ---- What systems take in ---- */

static void count_update(state_record *record, const dev_inputs *now)
{
    if (record->log.is_lost)
        return;
    record->update_bytes += sizeof(state_update) + inputs_bytes(now, last_inputs(record));
    if (record->update_bytes > STATE_RECORD_BYTES)
        state_log_lose(&record->log);
}

state_update *state_record_update(state_record *record, dev_inputs *inputs)
{
    state_update *kept = calloc(1, sizeof *kept);

    if (record->log.is_lost)
        drop_updates(record);
    if (record->update_count == record->update_room) {
        size_t room = 2 * record->update_room + 4;
        state_update **updates = realloc(record->updates, room * sizeof(state_update *));

        if (updates) {
            record->updates = updates;
            record->update_room = room;
        }
    }
    if (!kept || record->update_count == record->update_room) {
        free(kept);
        dev_inputs_clear(inputs);
        return NULL;
    }
    kept->inputs = *inputs;
    *inputs = (dev_inputs){0};
    count_update(record, &kept->inputs);
    return record->updates[record->update_count++] = kept;
}
