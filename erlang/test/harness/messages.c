/* Messages from the driver: built from what erl_drv_send_term is given, checked, delivered. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* A message in the making: the terms built so far, one behind the other. */
typedef struct builder {
    message *m;
    size_t starts[256];
    unsigned count;
    bool is_bad;
} builder;

static term *begin_value(builder *b)
{
    if (b->count == sizeof b->starts / sizeof b->starts[0])
        b->is_bad = true;
    else
        b->starts[b->count++] = b->m->encoded.len;
    return &b->m->encoded;
}

/* Make one of the last `count` terms, with this in front. */
static void wrap_values(builder *b, uint8_t tag, size_t count, size_t number)
{
    term head = {0}, *all = &b->m->encoded;
    size_t start;

    if (b->is_bad || count > b->count) {
        b->is_bad = true;
        return;
    }
    start = count > 0 ? b->starts[b->count - count] : all->len;
    term_bytes(&head, &tag, 1);
    term_number(&head, number, 4);
    term_bytes(all, head.data, head.len);
    memmove(all->data + start + head.len, all->data + start, all->len - start - head.len);
    memcpy(all->data + start, head.data, head.len);
    b->count -= (unsigned)count;
    b->starts[b->count++] = start;
    term_free(&head);
}

static void put_sent_binary(builder *b, const ErlDrvTermData *spec)
{
    ErlDrvBinary *binary = (ErlDrvBinary *)spec[0]; // NOLINT: so the interface passes it
    message *m = b->m;

    if (!binary_check(binary, "sending"))
        return;
    if (spec[1] + spec[2] > (ErlDrvTermData)binary->orig_size)
        emulator_fault("a part of a binary beyond its end is sent");
    assert(m->held_count < sizeof m->held / sizeof m->held[0]);
    binary_ref(binary);
    m->held[m->held_count] = binary;
    m->sums[m->held_count++] = binary_sum(binary);
    term_binary(begin_value(b), binary->orig_bytes + spec[2], spec[1]);
}

static void put_encoded(builder *b, const uint8_t *data, size_t len)
{
    char *text = len > 1 && data[0] == 131 ? term_text(data + 1, len - 1, NULL) : NULL;

    if (!text) {
        char shown[3 * 40 + 1] = "";

        for (size_t i = 0; i < len && i < 40; i++)
            snprintf(shown + 3 * i, 4, " %02x", data[i]);
        emulator_fault("a message with an encoded term of %zu bytes that is none:%s", len,
                       shown);
        b->is_bad = true;
    } else {
        term_bytes(begin_value(b), data + 1, len - 1);
    }
    free(text);
}

/* One step of what is sent.  Returns how many words it takes. */
static int put_step(builder *b, const ErlDrvTermData *spec)
{
    const char *name;

    switch (spec[0]) {
    case ERL_DRV_NIL:
        term_bytes(begin_value(b), "j", 1);
        return 1;
    case ERL_DRV_ATOM:
        name = atom_name(spec[1]);
        if (!name)
            emulator_fault("a message with an atom that is none");
        term_atom(begin_value(b), name ? name : "none");
        return 2;
    case ERL_DRV_INT:
        term_int(begin_value(b), (int64_t)spec[1]);
        return 2;
    case ERL_DRV_UINT:
        term_uint(begin_value(b), (uint64_t)spec[1]);
        return 2;
    case ERL_DRV_BINARY:
        put_sent_binary(b, spec + 1);
        return 4;
    case ERL_DRV_BUF2BINARY:
        term_binary(begin_value(b), (const void *)spec[1], spec[2]); // NOLINT
        return 3;
    case ERL_DRV_EXT2TERM:
        put_encoded(b, (const uint8_t *)spec[1], spec[2]); // NOLINT
        return 3;
    case ERL_DRV_TUPLE:
        wrap_values(b, 105, spec[1], spec[1]);
        return 2;
    case ERL_DRV_LIST: /* the tail is one of them */
        wrap_values(b, 108, spec[1], spec[1] - 1);
        return 2;
    default:
        emulator_fault("a message with a step of kind %lu", (unsigned long)spec[0]);
        b->is_bad = true;
        return 1000000;
    }
}

static message *build_message(const ErlDrvTermData *spec, int len)
{
    builder b = {.m = calloc(1, sizeof(message))};
    int at = 0;

    assert(b.m);
    while (at < len && !b.is_bad)
        at += put_step(&b, spec + at);
    if (!b.is_bad && at == len && b.count == 1)
        b.m->text = term_text(b.m->encoded.data, b.m->encoded.len, NULL);
    if (!b.m->text) {
        message_free(b.m);
        return NULL;
    }
    return b.m;
}

/* Whoever sees the port closed gets no more messages of its: the tests count on it. */
static int deliver(port *p, ErlDrvTermData to, message *m)
{
    int result = -1;

    pthread_mutex_lock(&p->lock);
    switch (atomic_load(&p->state)) {
    case PORT_OPEN:
        result = process_deliver(to, m) ? 1 : 0;
        m = NULL;
        break;
    case PORT_CLOSING:
        result = 0;
        break;
    case PORT_CLOSED:
        break;
    }
    pthread_mutex_unlock(&p->lock);
    if (m)
        message_free(m);
    return result;
}

int erl_drv_send_term(ErlDrvTermData from, ErlDrvTermData to, ErlDrvTermData *spec, int len)
{
    bool was_inside = enter();
    port *p = port_of(from);
    message *m = build_message(spec, len);
    int result = -1;

    if (!m)
        emulator_fault("a message that is none");
    if (!p)
        emulator_fault("a message from what is no port");
    if (m && p)
        result = deliver(p, to, m);
    else if (m)
        message_free(m);
    if (result < 1)
        atomic_fetch_add(&emu.lost, 1);
    leave(was_inside);
    return result;
}
