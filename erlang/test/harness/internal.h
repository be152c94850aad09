/* What the files of the emulator share. Locks, taken in this order: a port's, the emulator's,
 * a process's. None is held during a callback: a port that is busy is nobody else's. */
#ifndef HARNESS_INTERNAL_H
#define HARNESS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "emulator.h"

enum { MAX_PROCESSES = 1 << 16, MAX_PORTS = 1 << 14, MAX_ATOMS = 256 };
#define NIL_TERM ((ErlDrvTermData)0x3b)

typedef enum callback {
    CALLBACK_NONE,
    CALLBACK_INIT,
    CALLBACK_START,
    CALLBACK_CALL,
    CALLBACK_CONTROL,
    CALLBACK_OUTPUT,
    CALLBACK_EXIT,
    CALLBACK_TIMEOUT,
    CALLBACK_STOP,
    CALLBACK_FINISH,
    CALLBACK_COUNT
} callback;

/* What a thread is in the midst of. */
typedef struct place {
    bool is_inside; /* code of ours */
    callback callback;
    port *port;
    pid caller;
    unsigned op; /* of a call or control */
} place;
extern _Thread_local place here;

/* Into the emulator, and back to the driver. */
static inline bool enter(void)
{
    bool was_inside = here.is_inside;

    here.is_inside = true;
    return was_inside;
}

static inline void leave(bool was_inside)
{
    here.is_inside = was_inside;
}

typedef enum port_state { PORT_OPEN, PORT_CLOSING, PORT_CLOSED } port_state;

typedef struct signal {
    struct signal *next;
    callback kind; /* CALL, CONTROL, OUTPUT, EXIT, TIMEOUT, STOP */
    pid from;
    unsigned op;
    const void *data; /* of a call or control: the sender's, who waits */
    size_t len;
    ErlIOVec sent;         /* OUTPUT: allocated, with the binaries held */
    ErlDrvMonitor monitor; /* EXIT */
    uint64_t generation;   /* TIMEOUT */
    bool is_awaited, is_done, is_good;
    term *out;
} signal;

typedef struct watch {
    struct watch *next;
    uint64_t number;
    port *port;
    pid process;
    bool has_fired;
} watch;

struct port {
    ErlDrvTermData term;
    pthread_mutex_t lock;
    pthread_cond_t change;
    signal *first, *last;
    bool is_busy, is_scheduled;
    _Atomic port_state state;
    _Atomic pid owner;
    ErlDrvData data;
    port *next_to_run;
    uint64_t timer_at; /* ns; 0: none. Under the emulator's lock */
    uint64_t timer_generation;
};

typedef struct message {
    struct message *next;
    term encoded; /* without version byte */
    char *text;   /* its notation */
    ErlDrvBinary *held[4];
    uint64_t sums[4];
    unsigned held_count;
} message;

typedef struct process {
    pthread_mutex_t lock;
    pthread_cond_t arrival;
    bool is_alive;
    message *first, *last;
    size_t count;
} process;

typedef struct emulator {
    pthread_mutex_t lock;
    pthread_cond_t work, clock; /* for schedulers; for the timer */
    bool is_ending;
    unsigned scheduler_count;
    pthread_t schedulers[16], timer;
    port *run_first, *run_last;

    ErlDrvEntry *entry;
    unsigned threads_before; /* when the driver was loaded */
    port *ports[MAX_PORTS];
    unsigned port_count;
    process *processes[MAX_PROCESSES];
    unsigned process_count;
    watch *watches;
    uint64_t watch_number;
    char *atoms[MAX_ATOMS];
    unsigned atom_count;

    atomic_uint faults;
    atomic_long binaries, blocks, lost;
    atomic_uint_fast64_t longest[CALLBACK_COUNT], longest_cpu[CALLBACK_COUNT];
    atomic_uint longest_op[CALLBACK_COUNT]; /* about; of the longest of a core */
    atomic_uint_fast64_t runs[CALLBACK_COUNT], beyond[CALLBACK_COUNT];
} emulator;
extern emulator emu;

uint64_t now_ns(void);
void deadline_after(struct timespec *out, uint64_t ns);
void init_condition(pthread_cond_t *cond);

process *process_of(pid id); /* NULL: no such */
port *port_of(ErlDrvTermData term);
const char *atom_name(ErlDrvTermData atom);
/* Takes over the message. Returns whether it was alive. */
bool process_deliver(pid id, message *m);
void message_free(message *m);

/* Send a signal; takes it over, unless it is awaited. */
void port_signal(port *p, signal *s);
/* Do what waits for a port (schedulers). */
void port_run(port *p);
void port_schedule(port *p);

/* A callback of the driver's begins and ends. Returns what the thread was in. */
typedef struct visit {
    place before;
    uint64_t wall, cpu;
} visit;
visit visit_begin(callback kind, port *p, pid caller);
void visit_end(const visit *v);

ErlDrvBinary *binary_new(size_t size);
void binary_ref(ErlDrvBinary *binary);
void binary_unref(ErlDrvBinary *binary);
uint64_t binary_sum(const ErlDrvBinary *binary);
/* Is this one that is alive? A fault otherwise. */
bool binary_check(const ErlDrvBinary *binary, const char *where);

#endif
