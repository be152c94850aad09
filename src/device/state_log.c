/* What imports did while a call waited for them, as bytes: requests, what their handlers wrote
 * and allocated, answers. A repetition goes through them in order. The bytes are our own and
 * never leave the process; they are written and read nowhere else.
 * An entry: its size (u32), op, status (u8 each), number (u64), three lengths (u32), and the
 * bytes that these are of, each padded to 8. */
#include <stdlib.h>

#include "device/state_internal.h"

typedef struct head {
    uint32_t size; /* of the whole entry */
    uint8_t op, status, zeros[2];
    uint64_t number;
    uint32_t lens[3];
    uint32_t zero;
} head;

static size_t padded(size_t len)
{
    return (len + 7) & ~(size_t)7;
}

void state_log_clear(state_log *log)
{
    free(log->data);
    *log = (state_log){0};
}

void state_log_lose(state_log *log)
{
    free(log->data);
    *log = (state_log){.is_lost = true};
}

static bool make_room(state_log *log, size_t size)
{
    size_t capacity;
    uint8_t *data;

    if (size > STATE_RECORD_BYTES - log->len)
        return false;
    if (log->capacity - log->len >= size)
        return true;
    capacity = log->len + size + log->capacity + 64;
    if (!(data = realloc(log->data, capacity)))
        return false;
    log->data = data;
    log->capacity = capacity;
    return true;
}

void state_log_add(state_log *log, const state_entry *entry)
{
    const beamr_bytes parts[3] = {entry->bytes, entry->name, entry->values};
    size_t size = sizeof(head);
    head h = {
        .op = (uint8_t)entry->op, .status = (uint8_t)entry->status, .number = entry->number};

    if (log->is_lost)
        return;
    for (size_t i = 0; i < 3; i++) {
        if (parts[i].len > STATE_RECORD_BYTES) {
            state_log_lose(log);
            return;
        }
        h.lens[i] = (uint32_t)parts[i].len;
        size += padded(parts[i].len);
    }
    h.size = (uint32_t)size;
    if (!make_room(log, size)) {
        state_log_lose(log);
        return;
    }
    memcpy(log->data + log->len, &h, sizeof h);
    log->len += sizeof h;
    for (size_t i = 0; i < 3; i++) {
        if (parts[i].len > 0)
            memcpy(log->data + log->len, parts[i].data, parts[i].len);
        log->len += padded(parts[i].len);
    }
}

bool state_log_next(const state_log *log, size_t *at, state_entry *out)
{
    beamr_bytes *parts[3] = {&out->bytes, &out->name, &out->values};
    const uint8_t *from;
    head h;

    if (*at >= log->len)
        return false;
    memcpy(&h, log->data + *at, sizeof h);
    from = log->data + *at + sizeof h;
    *out = (state_entry){
        .op = (state_op)h.op, .number = h.number, .status = (beamr_status)h.status};
    for (size_t i = 0; i < 3; i++) {
        *parts[i] = (beamr_bytes){from, h.lens[i]};
        from += padded(h.lens[i]);
    }
    *at += h.size;
    return true;
}

/* ---- Values: as they are ---- */

beamr_bytes state_values_bytes(const beamr_value *values, size_t count)
{
    return (beamr_bytes){(const uint8_t *)values, count * sizeof *values};
}

size_t state_values_count(beamr_bytes bytes)
{
    return bytes.len / sizeof(beamr_value);
}

const beamr_value *state_values_of(beamr_bytes bytes)
{
    return (const beamr_value *)(const void *)bytes.data;
}

/* ---- Digests: against our own mistakes, not against enemies ---- */

uint64_t state_digest(uint64_t digest, const void *data, size_t len)
{
    const uint8_t *at = data;

    for (size_t i = 0; i < len; i++)
        digest = (digest ^ at[i]) * UINT64_C(0x100000001b3);
    return (digest ^ len) * UINT64_C(0x100000001b3);
}

uint64_t state_digest_values(uint64_t digest, const beamr_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        switch (values[i].kind) {
        case BEAMR_I32:
        case BEAMR_F32:
            digest = state_digest(digest, &values[i].of, 4);
            break;
        case BEAMR_I64:
        case BEAMR_F64:
            digest = state_digest(digest, &values[i].of, 8);
            break;
        case BEAMR_V128:
            digest = state_digest(digest, &values[i].of, 16);
            break;
        default: /* addresses differ from instance to instance */
            digest = state_digest(digest, &values[i].kind, sizeof values[i].kind);
        }
    }
    return digest;
}
