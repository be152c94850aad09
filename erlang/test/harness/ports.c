/* Ports: signals in their order, and the driver's callbacks for them. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define PORT_TAG 0x7u
#define PORT_SHIFT 4
#define RETURN_ROOM 255 /* what the emulator offers a call for its answer */
#define CLOSE_NS 10000000000u

port *port_of(ErlDrvTermData name)
{
    size_t index = (size_t)(name >> PORT_SHIFT);
    port *p = NULL;

    if ((name & ((1u << PORT_SHIFT) - 1)) != PORT_TAG)
        return NULL;
    pthread_mutex_lock(&emu.lock);
    if (index < emu.port_count)
        p = emu.ports[index];
    pthread_mutex_unlock(&emu.lock);
    return p;
}

/* ---- Callbacks ---- */

static void free_sent(signal *s)
{
    for (int i = 0; i < s->sent.vsize; i++)
        if (s->sent.binv[i])
            binary_unref(s->sent.binv[i]);
    free(s->sent.iov);
    free(s->sent.binv);
}

/* What a call or control returned in its buffer, or in memory of driver_alloc. */
static void take_returned(signal *s, char *buffer, char *own, ErlDrvSSizeT len, unsigned flags)
{
    s->is_good = len >= 0;
    if (s->is_good && s->out) {
        char *text;

        *s->out = (term){0};
        term_bytes(s->out, buffer, (size_t)len);
        text = len > 0 && (uint8_t)buffer[0] == 131
                   ? term_text(s->out->data + 1, (size_t)len - 1, NULL)
                   : NULL;
        if (!text && s->kind == CALLBACK_CALL)
            emulator_fault("a call returned %zd bytes that are no term", len);
        free(text);
    }
    if (buffer != own && buffer && !(flags & DRIVER_CALL_KEEP_BUFFER))
        driver_free(buffer);
}

static void do_call(port *p, signal *s)
{
    char own[RETURN_ROOM], *buffer = own;
    unsigned flags = 0;
    ErlDrvSSizeT len;
    visit v = visit_begin(s->kind, p, s->from);

    here.op = s->op;
    if (s->kind == CALLBACK_CALL)
        len = emu.entry->call(p->data, s->op, (char *)(uintptr_t)s->data, s->len, &buffer,
                              sizeof own, &flags);
    else
        len = emu.entry->control(p->data, s->op, (char *)(uintptr_t)s->data, s->len, &buffer,
                                 sizeof own);
    visit_end(&v);
    take_returned(s, buffer, own, len, flags);
}

static void do_output(port *p, signal *s)
{
    visit v = visit_begin(CALLBACK_OUTPUT, p, s->from);

    emu.entry->outputv(p->data, &s->sent);
    visit_end(&v);
}

/* The monitor is known during the callback, and forgotten after it. */
static void do_exit(port *p, signal *s)
{
    uint64_t number;
    watch **at, *w = NULL;

    memcpy(&number, s->monitor.data, sizeof number);
    pthread_mutex_lock(&emu.lock);
    for (at = &emu.watches; *at && (*at)->number != number; at = &(*at)->next)
        ;
    w = *at;
    pthread_mutex_unlock(&emu.lock);
    if (!w)
        return; /* given back meanwhile */
    visit v = visit_begin(CALLBACK_EXIT, p, NIL_TERM);

    emu.entry->process_exit(p->data, &s->monitor);
    visit_end(&v);
    pthread_mutex_lock(&emu.lock);
    for (at = &emu.watches; *at && *at != w; at = &(*at)->next)
        ;
    w = *at; /* NULL: the driver gave it back, which was a fault */
    if (w)
        *at = w->next;
    pthread_mutex_unlock(&emu.lock);
    free(w);
}

static void do_timeout(port *p, signal *s)
{
    bool is_due;

    pthread_mutex_lock(&emu.lock);
    is_due = p->timer_generation == s->generation;
    pthread_mutex_unlock(&emu.lock);
    if (!is_due)
        return;
    visit v = visit_begin(CALLBACK_TIMEOUT, p, NIL_TERM);

    emu.entry->timeout(p->data);
    visit_end(&v);
}

static void forget_watches(port *p)
{
    pthread_mutex_lock(&emu.lock);
    p->timer_at = 0;
    p->timer_generation++;
    for (watch **at = &emu.watches; *at;) {
        watch *w = *at;

        if (w->port == p) {
            *at = w->next;
            free(w);
        } else {
            at = &w->next;
        }
    }
    pthread_mutex_unlock(&emu.lock);
}

static void do_stop(port *p)
{
    visit v;

    pthread_mutex_lock(&p->lock);
    atomic_store(&p->state, PORT_CLOSING);
    pthread_mutex_unlock(&p->lock);
    forget_watches(p);
    v = visit_begin(CALLBACK_STOP, p, NIL_TERM);
    emu.entry->stop(p->data);
    visit_end(&v);
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->state, PORT_CLOSED);
    pthread_cond_broadcast(&p->change);
    pthread_mutex_unlock(&p->lock);
}

static void do_signal(port *p, signal *s)
{
    if (atomic_load(&p->state) != PORT_OPEN)
        return;
    switch (s->kind) {
    case CALLBACK_CALL:
    case CALLBACK_CONTROL:
        do_call(p, s);
        break;
    case CALLBACK_OUTPUT:
        do_output(p, s);
        break;
    case CALLBACK_EXIT:
        do_exit(p, s);
        break;
    case CALLBACK_TIMEOUT:
        do_timeout(p, s);
        break;
    default:
        do_stop(p);
    }
}

/* ---- Signals ---- */

static void free_signal(signal *s)
{
    free_sent(s);
    free(s);
}

/* Do the first signal of a port that this thread has; its lock is held before and after. */
static void do_first(port *p)
{
    signal *s = p->first;
    bool is_awaited = s->is_awaited;

    p->first = s->next;
    if (!p->first)
        p->last = NULL;
    pthread_mutex_unlock(&p->lock);
    do_signal(p, s);
    if (!is_awaited)
        free_signal(s);
    pthread_mutex_lock(&p->lock);
    if (is_awaited) {
        s->is_done = true;
        pthread_cond_broadcast(&p->change);
    }
}

/* This thread has had its turn; what is left is for a scheduler. The lock is given back. */
static void leave_port(port *p)
{
    bool is_left = p->first != NULL;

    p->is_busy = false;
    p->is_scheduled = is_left;
    pthread_mutex_unlock(&p->lock);
    if (is_left)
        port_schedule(p);
}

void port_run(port *p)
{
    pthread_mutex_lock(&p->lock);
    if (p->is_busy) { /* who has it will see to the rest */
        pthread_mutex_unlock(&p->lock);
        return;
    }
    p->is_busy = true;
    for (unsigned i = 0; p->first && i < 8; i++)
        do_first(p);
    leave_port(p);
}

void port_signal(port *p, signal *s)
{
    bool is_mine, is_awaited = s->is_awaited;

    pthread_mutex_lock(&p->lock);
    s->next = NULL;
    is_mine = !p->is_busy && !p->first;
    if (p->last)
        p->last->next = s;
    else
        p->first = s;
    p->last = s;
    if (is_mine) {
        p->is_busy = true;
        do_first(p);
        leave_port(p);
        return;
    }
    while (is_awaited && !s->is_done)
        pthread_cond_wait(&p->change, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

/* ---- Opening and closing ---- */

static port *new_port(pid owner)
{
    port *p = calloc(1, sizeof *p);

    assert(p);
    pthread_mutex_init(&p->lock, NULL);
    init_condition(&p->change);
    atomic_store(&p->owner, owner);
    pthread_mutex_lock(&emu.lock);
    assert(emu.port_count < MAX_PORTS);
    p->term = (ErlDrvTermData)emu.port_count << PORT_SHIFT | PORT_TAG;
    p->is_busy = true;
    emu.ports[emu.port_count++] = p;
    pthread_mutex_unlock(&emu.lock);
    return p;
}

port *port_open(pid owner)
{
    char name[32];
    port *p = new_port(owner);
    visit v;

    snprintf(name, sizeof name, "%s", emu.entry->driver_name);
    v = visit_begin(CALLBACK_START, p, owner);
    p->data = emu.entry->start((ErlDrvPort)p, name);
    visit_end(&v);
    pthread_mutex_lock(&p->lock);
    if (p->data == ERL_DRV_ERROR_GENERAL || p->data == ERL_DRV_ERROR_ERRNO ||
        p->data == ERL_DRV_ERROR_BADARG) {
        forget_watches(p);
        atomic_store(&p->state, PORT_CLOSED);
        pthread_mutex_unlock(&p->lock);
        return NULL;
    }
    leave_port(p);
    if (!process_is_alive(owner))
        port_close(p);
    return p;
}

void port_close(port *p)
{
    signal *s = calloc(1, sizeof *s);

    assert(s);
    s->kind = CALLBACK_STOP;
    s->from = NIL_TERM;
    port_signal(p, s);
}

bool port_is_open(port *p)
{
    return atomic_load(&p->state) == PORT_OPEN;
}

bool port_await_closed(port *p)
{
    struct timespec until;
    int failure = 0;
    bool is_closed;

    deadline_after(&until, CLOSE_NS);
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->state) != PORT_CLOSED && failure == 0)
        failure = pthread_cond_timedwait(&p->change, &p->lock, &until);
    is_closed = atomic_load(&p->state) == PORT_CLOSED;
    pthread_mutex_unlock(&p->lock);
    return is_closed;
}

void port_connect(port *p, pid owner)
{
    atomic_store(&p->owner, owner);
}

/* ---- Commands ---- */

bool port_call(pid from, port *p, unsigned op, const term *input, term *out)
{
    signal s = {.kind = CALLBACK_CALL,
                .from = from,
                .op = op,
                .data = input->data,
                .len = input->len,
                .is_awaited = true,
                .out = out};

    if (!process_is_alive(from) || !port_is_open(p))
        return false;
    port_signal(p, &s);
    if (s.is_good && !process_is_alive(from)) {
        term_free(out);
        return false;
    }
    return s.is_good;
}

bool port_control(pid from, port *p, unsigned op, const void *data, size_t len)
{
    signal s = {.kind = CALLBACK_CONTROL,
                .from = from,
                .op = op,
                .data = data,
                .len = len,
                .is_awaited = true};

    if (!emu.entry->control || !process_is_alive(from) || !port_is_open(p))
        return false;
    port_signal(p, &s);
    return s.is_good;
}

/* The first entry is empty, as the emulator has it where it puts its headers. */
static void fill_sent(ErlIOVec *sent, const piece *pieces, size_t count)
{
    sent->vsize = (int)count + 1;
    sent->iov = calloc(count + 1, sizeof *sent->iov);
    sent->binv = calloc(count + 1, sizeof(ErlDrvBinary *));
    assert(sent->iov && sent->binv);
    for (size_t i = 0; i < count; i++) {
        ErlDrvBinary *binary = pieces[i].binary;

        if (binary)
            binary_ref(binary);
        else
            binary = binary_of(pieces[i].data, pieces[i].len);
        sent->binv[i + 1] = binary;
        sent->iov[i + 1].iov_base = binary->orig_bytes;
        sent->iov[i + 1].iov_len = (size_t)binary->orig_size;
        sent->size += (size_t)binary->orig_size;
    }
}

bool port_command(pid from, port *p, const piece *pieces, size_t count)
{
    signal *s;

    if (!process_is_alive(from) || !port_is_open(p))
        return false;
    s = calloc(1, sizeof *s);
    assert(s);
    s->kind = CALLBACK_OUTPUT;
    s->from = from;
    fill_sent(&s->sent, pieces, count);
    port_signal(p, s);
    return true;
}
