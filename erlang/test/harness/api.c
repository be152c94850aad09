/* The functions of the driver interface, but for messages (messages.c). They check who calls
 * them, and where. */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define ATOM_TAG 0xbu
#define ATOM_SHIFT 4
#define ALIVE 0x5ec0ded1u
#define BLOCK 0xb10c0001u
#define FREED 0xdeadf4eeu

const ErlDrvTermData driver_term_nil = NIL_TERM;
ErlDrvTermData driver_mk_term_nil(void);

ErlDrvTermData driver_mk_term_nil(void)
{
    return NIL_TERM;
}

/* ---- Places ---- */

#define BIT(id) (1u << CALLBACK_##id)
#define IN_PORT                                                                                \
    (BIT(START) | BIT(CALL) | BIT(CONTROL) | BIT(OUTPUT) | BIT(EXIT) | BIT(TIMEOUT) | BIT(STOP))

/* Is this thread in one of these callbacks of this port? A fault otherwise. */
static bool check_place(ErlDrvPort handle, unsigned callbacks, const char *function)
{
    const port *p = (const port *)handle;

    if (!(callbacks >> here.callback & 1) || here.port != p) {
        emulator_fault("%s outside of the port's callbacks", function);
        return false;
    }
    return true;
}

ErlDrvTermData driver_mk_port(ErlDrvPort handle)
{
    return check_place(handle, IN_PORT, "driver_mk_port") ? ((port *)handle)->term : NIL_TERM;
}

ErlDrvTermData driver_caller(ErlDrvPort handle)
{
    if (!check_place(handle, BIT(START) | BIT(CALL) | BIT(CONTROL) | BIT(OUTPUT),
                     "driver_caller"))
        return NIL_TERM;
    return here.caller;
}

ErlDrvTermData driver_connected(ErlDrvPort handle)
{
    if (!check_place(handle, IN_PORT, "driver_connected"))
        return NIL_TERM;
    return atomic_load(&((port *)handle)->owner);
}

int erl_drv_consume_timeslice(ErlDrvPort handle, int percent)
{
    check_place(handle, IN_PORT, "erl_drv_consume_timeslice");
    if (percent < 1 || percent > 100)
        emulator_fault("erl_drv_consume_timeslice of %d %%", percent);
    return 0;
}

/* ---- Atoms ---- */

ErlDrvTermData driver_mk_atom(char *name)
{
    bool was_inside = enter();
    unsigned i;

    if (here.callback == CALLBACK_NONE)
        emulator_fault("driver_mk_atom outside of callbacks");
    pthread_mutex_lock(&emu.lock);
    for (i = 0; i < emu.atom_count && strcmp(emu.atoms[i], name) != 0; i++)
        ;
    assert(i < MAX_ATOMS);
    if (i == emu.atom_count)
        emu.atoms[emu.atom_count++] = strdup(name);
    pthread_mutex_unlock(&emu.lock);
    leave(was_inside);
    return (ErlDrvTermData)i << ATOM_SHIFT | ATOM_TAG;
}

const char *atom_name(ErlDrvTermData atom)
{
    size_t index = (size_t)(atom >> ATOM_SHIFT);
    const char *name = NULL;

    if ((atom & ((1u << ATOM_SHIFT) - 1)) != ATOM_TAG)
        return NULL;
    pthread_mutex_lock(&emu.lock);
    if (index < emu.atom_count)
        name = emu.atoms[index];
    pthread_mutex_unlock(&emu.lock);
    return name;
}

/* ---- Memory ---- */

/* In front of memory of driver_alloc. */
typedef struct block {
    _Alignas(16) uint32_t mark;
} block;

static bool is_refused(size_t size)
{
    return emulator_refuse && emulator_refuse(size);
}

void *driver_alloc(ErlDrvSizeT size)
{
    bool was_inside;
    block *b;

    if (is_refused(size))
        return NULL;
    was_inside = enter();
    b = malloc(sizeof *b + size);
    assert(b);
    b->mark = BLOCK;
    atomic_fetch_add(&emu.blocks, 1);
    leave(was_inside);
    return b + 1;
}

void driver_free(void *at)
{
    block *b = (block *)at - 1;
    bool was_inside = enter();

    if (at && b->mark != BLOCK) {
        emulator_fault("driver_free of what is not driver_alloc's");
    } else if (at) {
        b->mark = FREED;
        atomic_fetch_sub(&emu.blocks, 1);
        free(b);
    }
    leave(was_inside);
}

/* ---- Binaries ---- */

/* A binary with what the emulator knows of it. */
typedef struct held {
    _Atomic uint32_t mark;
    atomic_long refs;
    _Alignas(16) ErlDrvBinary binary;
} held;

static held *held_of(const ErlDrvBinary *binary)
{
    return (held *)((uintptr_t)binary - offsetof(held, binary));
}

bool binary_check(const ErlDrvBinary *binary, const char *where)
{
    if (binary && atomic_load(&held_of(binary)->mark) == ALIVE)
        return true;
    emulator_fault("%s of a binary that is not alive", where);
    return false;
}

ErlDrvBinary *binary_new(size_t size)
{
    held *h = malloc(sizeof *h + size);

    assert(h);
    atomic_init(&h->mark, ALIVE);
    atomic_init(&h->refs, 1);
    h->binary.orig_size = (ErlDrvSInt)size;
    atomic_fetch_add(&emu.binaries, 1);
    return &h->binary;
}

ErlDrvBinary *binary_of(const void *data, size_t len)
{
    ErlDrvBinary *binary = binary_new(len);

    if (len > 0)
        memcpy(binary->orig_bytes, data, len);
    return binary;
}

void binary_ref(ErlDrvBinary *binary)
{
    if (binary_check(binary, "driver_binary_inc_refc"))
        atomic_fetch_add(&held_of(binary)->refs, 1);
}

void binary_unref(ErlDrvBinary *binary)
{
    held *h = held_of(binary);

    if (!binary_check(binary, "driver_free_binary"))
        return;
    if (atomic_fetch_sub(&h->refs, 1) > 1)
        return;
    atomic_store(&h->mark, FREED);
    atomic_fetch_sub(&emu.binaries, 1);
    free(h);
}

/* Of its beginning and its end: enough to see that it was written to. */
uint64_t binary_sum(const ErlDrvBinary *binary)
{
    const uint8_t *at = (const uint8_t *)binary->orig_bytes;
    size_t len = (size_t)binary->orig_size;
    uint64_t sum = len;

    for (size_t i = 0; i < len; i = i == 1000 && len > 3000 ? len - 1000 : i + 1)
        sum = (sum ^ at[i]) * 0x100000001b3u;
    return sum;
}

ErlDrvBinary *driver_alloc_binary(ErlDrvSizeT size)
{
    ErlDrvBinary *binary;
    bool was_inside;

    if (is_refused(size))
        return NULL;
    was_inside = enter();
    binary = binary_new(size);
    leave(was_inside);
    return binary;
}

void driver_free_binary(ErlDrvBinary *binary)
{
    bool was_inside = enter();

    binary_unref(binary);
    leave(was_inside);
}

ErlDrvSInt driver_binary_inc_refc(ErlDrvBinary *binary)
{
    bool was_inside = enter();

    binary_ref(binary);
    leave(was_inside);
    return (ErlDrvSInt)atomic_load(&held_of(binary)->refs);
}

/* ---- Monitors ---- */

static uint64_t number_of(const ErlDrvMonitor *monitor)
{
    uint64_t number;

    memcpy(&number, monitor->data, sizeof number);
    return number;
}

static watch **find_watch(const port *p, uint64_t number)
{
    watch **at = &emu.watches;

    while (*at && ((*at)->number != number || (*at)->port != p))
        at = &(*at)->next;
    return at;
}

/* Put it into the list, if the process lives.  The locks are taken in their order. */
static bool add_watch(watch *w)
{
    process *target = process_of(w->process);
    bool is_alive;

    if (!target) {
        emulator_fault("driver_monitor_process of what is no process");
        return false;
    }
    pthread_mutex_lock(&emu.lock);
    pthread_mutex_lock(&target->lock);
    is_alive = target->is_alive;
    if (is_alive) {
        w->number = ++emu.watch_number;
        w->next = emu.watches;
        emu.watches = w;
    }
    pthread_mutex_unlock(&target->lock);
    pthread_mutex_unlock(&emu.lock);
    return is_alive;
}

int driver_monitor_process(ErlDrvPort handle, ErlDrvTermData target, ErlDrvMonitor *monitor)
{
    bool was_inside = enter();
    watch *w;

    if (!check_place(handle, IN_PORT & ~BIT(STOP), "driver_monitor_process"))
        return 1;
    w = calloc(1, sizeof *w);
    assert(w);
    w->port = (port *)handle;
    w->process = target;
    if (!add_watch(w)) {
        free(w);
        leave(was_inside);
        return 1;
    }
    memset(monitor, 0x5a, sizeof *monitor);
    memcpy(monitor->data, &w->number, sizeof w->number);
    leave(was_inside);
    return 0;
}

int driver_demonitor_process(ErlDrvPort handle, const ErlDrvMonitor *monitor)
{
    bool was_inside = enter();
    watch **at, *w = NULL;

    if (check_place(handle, IN_PORT, "driver_demonitor_process")) {
        pthread_mutex_lock(&emu.lock);
        at = find_watch((port *)handle, number_of(monitor));
        w = *at;
        if (w && w->has_fired && here.callback == CALLBACK_EXIT)
            emulator_fault("driver_demonitor_process of a monitor that fired");
        if (w)
            *at = w->next;
        pthread_mutex_unlock(&emu.lock);
        free(w);
    }
    leave(was_inside);
    return w ? 0 : 1;
}

ErlDrvTermData driver_get_monitored_process(ErlDrvPort handle, const ErlDrvMonitor *monitor)
{
    bool was_inside = enter();
    ErlDrvTermData id = NIL_TERM;
    watch *w;

    if (check_place(handle, IN_PORT, "driver_get_monitored_process")) {
        pthread_mutex_lock(&emu.lock);
        w = *find_watch((port *)handle, number_of(monitor));
        id = w ? w->process : NIL_TERM;
        pthread_mutex_unlock(&emu.lock);
    }
    leave(was_inside);
    return id;
}

int driver_compare_monitors(const ErlDrvMonitor *one, const ErlDrvMonitor *other)
{
    uint64_t a = number_of(one), b = number_of(other);

    return a < b ? -1 : a > b;
}

/* ---- The timer ---- */

static int set_timer(ErlDrvPort handle, uint64_t at, const char *function)
{
    port *p = (port *)handle;
    bool was_inside = enter();

    if (check_place(handle, IN_PORT, function)) {
        pthread_mutex_lock(&emu.lock);
        p->timer_at = here.callback == CALLBACK_STOP ? 0 : at;
        p->timer_generation++;
        pthread_cond_signal(&emu.clock);
        pthread_mutex_unlock(&emu.lock);
    }
    leave(was_inside);
    return 0;
}

int driver_set_timer(ErlDrvPort handle, unsigned long ms)
{
    return set_timer(handle, now_ns() + ms * 1000000u + 1, "driver_set_timer");
}

int driver_cancel_timer(ErlDrvPort handle)
{
    return set_timer(handle, 0, "driver_cancel_timer");
}
