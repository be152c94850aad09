/* Processes: a mailbox and whether it lives. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* A pid's low bits tell it from other terms. */
#define PID_TAG 0x3u
#define PID_SHIFT 4

process *process_of(pid id)
{
    size_t index = (size_t)(id >> PID_SHIFT);
    process *p = NULL;

    if ((id & ((1u << PID_SHIFT) - 1)) != PID_TAG)
        return NULL;
    pthread_mutex_lock(&emu.lock);
    if (index < emu.process_count)
        p = emu.processes[index];
    pthread_mutex_unlock(&emu.lock);
    return p;
}

pid process_new(void)
{
    process *p = calloc(1, sizeof *p);
    pid id;

    assert(p);
    pthread_mutex_init(&p->lock, NULL);
    init_condition(&p->arrival);
    p->is_alive = true;
    pthread_mutex_lock(&emu.lock);
    assert(emu.process_count < MAX_PROCESSES);
    id = (pid)emu.process_count << PID_SHIFT | PID_TAG;
    emu.processes[emu.process_count++] = p;
    pthread_mutex_unlock(&emu.lock);
    return id;
}

bool process_is_alive(pid id)
{
    process *p = process_of(id);
    bool is_alive;

    assert(p);
    pthread_mutex_lock(&p->lock);
    is_alive = p->is_alive;
    pthread_mutex_unlock(&p->lock);
    return is_alive;
}

/* ---- Ending ---- */

/* Mark it dead and take its messages.  Returns whether it lived. */
static bool end_process(process *p)
{
    message *first;
    bool was_alive;

    pthread_mutex_lock(&p->lock);
    was_alive = p->is_alive;
    p->is_alive = false;
    first = p->first;
    p->first = p->last = NULL;
    p->count = 0;
    pthread_cond_broadcast(&p->arrival);
    pthread_mutex_unlock(&p->lock);
    while (first) {
        message *m = first;

        first = m->next;
        message_free(m);
    }
    return was_alive;
}

static void fire_watch(port *p, uint64_t number)
{
    signal *s = calloc(1, sizeof *s);

    assert(s);
    s->kind = CALLBACK_EXIT;
    s->from = NIL_TERM;
    memcpy(s->monitor.data, &number, sizeof number);
    port_signal(p, s);
}

/* The next monitor of a process that has not fired. */
static bool next_watch(pid id, port **p, uint64_t *number)
{
    watch *w;

    pthread_mutex_lock(&emu.lock);
    for (w = emu.watches; w && (w->has_fired || w->process != id); w = w->next)
        ;
    if (w) {
        w->has_fired = true;
        *p = w->port;
        *number = w->number;
    }
    pthread_mutex_unlock(&emu.lock);
    return w != NULL;
}

void process_kill(pid id)
{
    process *p = process_of(id);
    uint64_t number;
    unsigned count;
    port *at;

    assert(p);
    if (!end_process(p))
        return;
    while (next_watch(id, &at, &number))
        fire_watch(at, number);
    pthread_mutex_lock(&emu.lock);
    count = emu.port_count;
    pthread_mutex_unlock(&emu.lock);
    for (unsigned i = 0; i < count; i++)
        if (atomic_load(&emu.ports[i]->owner) == id)
            port_close(emu.ports[i]);
}

/* ---- Messages ---- */

void message_free(message *m)
{
    for (unsigned i = 0; i < m->held_count; i++) {
        if (binary_sum(m->held[i]) != m->sums[i])
            emulator_fault("a binary was written to after it was sent: %.60s", m->text);
        binary_unref(m->held[i]);
    }
    term_free(&m->encoded);
    free(m->text);
    free(m);
}

bool process_deliver(pid id, message *m)
{
    process *p = process_of(id);
    bool is_alive;

    if (!p) {
        emulator_fault("a message to %lx, which is no process", (unsigned long)id);
        message_free(m);
        return false;
    }
    pthread_mutex_lock(&p->lock);
    is_alive = p->is_alive;
    if (is_alive) {
        if (p->last)
            p->last->next = m;
        else
            p->first = m;
        p->last = m;
        p->count++;
        pthread_cond_broadcast(&p->arrival);
    }
    pthread_mutex_unlock(&p->lock);
    if (!is_alive)
        message_free(m);
    return is_alive;
}

size_t process_messages(pid id)
{
    process *p = process_of(id);
    size_t count;

    assert(p);
    pthread_mutex_lock(&p->lock);
    count = p->count;
    pthread_mutex_unlock(&p->lock);
    return count;
}

static message *take_message(process *p, const char *begins)
{
    message *before = NULL, *m = p->first;

    while (m && begins && strncmp(m->text, begins, strlen(begins)) != 0) {
        before = m;
        m = m->next;
    }
    if (!m)
        return NULL;
    if (before)
        before->next = m->next;
    else
        p->first = m->next;
    if (p->last == m)
        p->last = before;
    p->count--;
    return m;
}

bool process_receive(pid id, const char *begins, unsigned timeout_ms, term *out)
{
    process *p = process_of(id);
    struct timespec until;
    message *m = NULL;
    int failure = 0;

    assert(p);
    deadline_after(&until, (uint64_t)timeout_ms * 1000000u);
    pthread_mutex_lock(&p->lock);
    while (p->is_alive && !(m = take_message(p, begins)) && failure == 0)
        failure = pthread_cond_timedwait(&p->arrival, &p->lock, &until);
    pthread_mutex_unlock(&p->lock);
    if (!m)
        return false;
    *out = (term){0};
    term_bytes(out, "\x83", 1);
    term_bytes(out, m->encoded.data, m->encoded.len);
    message_free(m);
    return true;
}
