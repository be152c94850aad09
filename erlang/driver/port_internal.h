/* What the files of a port share.
 *
 *   port.c         commands as they come, the queue, whose turn it is
 *   port_call.c    calls: steps, imports, responses, the stack of those that wait
 *   port_memory.c  everything else that is asked of a guest: making it, memory, state, info
 *   port_watch.c   what ends a call from outside: monitors, time limits, interrupts, closing
 *   reply.c        answers
 *
 * A command lives in a job, and is in one of these states:
 *
 * | state   | where it is             | next                                                  |
 * |---------|-------------------------|-------------------------------------------------------|
 * | taken   | in drv_port_take        | owner, if the guest is free and nobody is before it;  |
 * |         |                         | queued; or answered at once (info, interrupt, errors) |
 * | queued  | port->inner or ->outer  | owner, when it is first and may go; answered, when    |
 * |         |                         | its time is up; freed, when its caller dies: by the   |
 * |         |                         | pool, since many may stand there                      |
 * | owner   | port->current           | paused, waits, answered                               |
 * | paused  | port->current, its task | owner, when the pool comes to it; answered (with the  |
 * |         | in the pool's queue     | job left behind for the task) when it is doomed       |
 * | waits   | port->top, or ->below   | its handler's response takes its place as the owner,  |
 * |         | of one that is          | and with it its call; doomed: ended                   |
 * | ended   | port->ended             | freed when the late response comes, which is answered |
 * |         |                         | with the reason; or when the caller dies              |
 * | answered| nowhere                 | freed                                                 |
 *
 * `waits` has answered the command (with the import), and owes nothing until a response comes,
 * but for the plain form, where the call's end is owed to the port's owner.
 *
 * All frames that wait are of one process, since only the innermost one's may call on top of
 * it; it holds the port. Its commands go to `inner`, all others to `outer`, which rests while
 * frames wait. In the plain form the holder cannot be told from others: what comes while a call
 * waits is taken for the handler's, what comes while a call runs is not.
 *
 * Doom: the reason why a call is to end is noted in its job, and its owner ends it. What a
 * frame's doom takes with it is all that is on top. When the port closes all are freed, without
 * answers: the emulator delivers none then, and whoever waits monitors the port. */
#ifndef DRIVER_PORT_INTERNAL_H
#define DRIVER_PORT_INTERNAL_H

#include <pthread.h>

#include "driver/clock.h"
#include "driver/port.h"
#include "driver/reply.h"

typedef enum drv_doom {
    DRV_DOOM_NONE,
    DRV_DOOM_STOPPED,
    DRV_DOOM_INTERRUPTED,
    DRV_DOOM_TIME,
    DRV_DOOM_CALLER,
} drv_doom;

typedef struct drv_job {
    drv_command command; /* the first member: see job_of */
    drv_task task;       /* of an info, with its port */
    struct drv_port *port;
    struct drv_job *next, *below;
    drv_writer *value; /* in the callback that brought it: the way back. NULL: by message */
    drv_call *call;    /* from its first step on */
    uint64_t id;       /* of the import that it waits for */
    uint64_t deadline; /* as drv_now tells time; 0: none */
    _Atomic(drv_doom) doom;      /* written with the mutex held */
    uint8_t pace;                /* which of port->slow, for calls */
    size_t bytes;                /* in the queue: allocated for what it carries */
    struct drv_watched *watched; /* it was queued: its caller; NULL: nobody looks after that */
    bool is_begun;               /* its step, after which it goes on as one that was paused */
    bool is_queued;              /* it stands, or stood, in the queue */
    bool is_responded;           /* waits, and the response stands in the queue */
    bool is_answered;            /* while it was paused */
} drv_job;

typedef struct drv_list {
    drv_job *first, *last;
    size_t count, bytes; /* bytes: that its jobs hold beside themselves */
} drv_list;

/* Some in the queue have lost their caller, or their time is up. */
typedef enum drv_sweep { DRV_SWEEP_NONE, DRV_SWEEP_BEGUN, DRV_SWEEP_WANTED } drv_sweep;

struct drv_monitors;
#define DRV_MEMORIES 16u /* that info tells of */
#define DRV_PACES 256u   /* a power of two; half of them for what follows an import */
#define DRV_PACE_NEW 1u

struct drv_port {
    drv_task task; /* the first member: see port_run */
    drv_pool *pool;
    drv_world *world;
    ErlDrvTermData ok_atom, result_atom; /* only callbacks may make atoms */
    ErlDrvTermData term;                 /* the port, for sending */
    atomic_size_t owner;                 /* to whom plain answers go */

    /* Used by callbacks alone, one at a time. */
    ErlDrvPort handle;
    drv_job *spare;
    drv_job reserve; /* to refuse a command with when memory is gone */
    struct drv_monitors *monitors;
    uint64_t timer; /* when it fires; 0: it is not set */

    pthread_mutex_t mutex; /* of all that follows; not held while a guest runs */
    bool is_busy;          /* somebody owns the guest, or is about to: the task is submitted */
    bool is_stepping;      /* the task is in the guest: an interrupt would reach it */
    atomic_bool is_closed; /* written with the mutex held, read by anybody */
    bool was_initialised;  /* an init has come, and has not failed */
    drv_job *current;      /* the owner; NULL while the task does what is in between */
    drv_job *top;          /* the innermost call that waits */
    drv_list inner, outer, ended;
    drv_sweep sweep;
    size_t depth;     /* calls that wait */
    uint64_t time_ms; /* limit of each call; 0: none */
    uint64_t last_id;
    uint8_t slow[DRV_PACES];               /* port_call.c: used by the owner */
    uint64_t calls, imports;               /* counted for info: calls begun, imports answered */
    uint64_t memories[DRV_MEMORIES], fuel; /* likewise, as the guest last left them */
    uint32_t memory_count;

    drv_guest *guest; /* set when it is up; used by the owner */
    drv_guest *young; /* being brought up */
    unsigned users;   /* the emulator with the task; tasks of info */
    unsigned infos;   /* of these */
    size_t told;      /* characters of what the guest's module imports and exports */
};

typedef enum drv_outcome {
    DRV_DONE,   /* the answer is written */
    DRV_WAITS,  /* likewise, and it is an import */
    DRV_PAUSED, /* it has not ended: again, in the pool */
} drv_outcome;

static inline drv_job *job_of(drv_command *command)
{
    return (drv_job *)command;
}
static inline void port_lock(drv_port *port)
{
    pthread_mutex_lock(&port->mutex);
}
static inline void port_unlock(drv_port *port)
{
    pthread_mutex_unlock(&port->mutex);
}

/* ---- port.c ---- */

void drv_list_push(drv_list *list, drv_job *job);
drv_job *drv_list_pop(drv_list *list); /* NULL when it is empty */
void drv_job_free(drv_job *job);       /* its call has been freed */
/* With the mutex held: let the pool see to the port soon, if it does not yet. */
void drv_port_wake(drv_port *port);
/* Free the port if this was its last user. In the pool. */
void drv_port_release(drv_port *port);

/* ---- port_call.c ---- */

static inline bool drv_job_is_call(const drv_job *job)
{
    return job->command.op == DRV_OP_CALL || job->command.op == DRV_OP_RESPOND;
}
/* Was this function too long for a callback lately? With that the command learns its pace. */
bool drv_call_is_slow(const drv_port *port, drv_job *job);
/* Let the owner run for a turn.
 *   is_pool  in a thread of the pool, with its longer turns */
drv_outcome drv_step_call(drv_port *port, drv_job *job, drv_answer *answer, bool is_pool);
/* The same for an init, and everything that takes a turn. */
bool drv_port_turn_begin(drv_port *port, drv_guest *guest, bool is_pool);

/* With the mutex held. */
void drv_frames_push(drv_port *port, drv_job *job);
/* Does a call wait, and nothing run on top of it? */
bool drv_frames_wait(const drv_port *port);
/* May this command go on top of the frames that wait? */
bool drv_frames_admit(const drv_port *port, const drv_job *job);
/* Is this response what the innermost frame waits for? If not, `answer` gets an error. */
bool drv_frames_expect(drv_port *port, drv_job *response, drv_answer *answer);
/* The response has left the queue: the frame that it was meant for can get another one, if it
 * is not answered by this. */
void drv_frames_unqueue(drv_port *port, const drv_job *response);
/* The response becomes what the innermost frame was. Returns that, to be freed. */
drv_job *drv_frames_respond(drv_port *port, drv_job *response);
/* End all doomed frames. By the owner; releases the mutex meanwhile. */
void drv_frames_end(drv_port *port);

/* ---- port_memory.c ---- */

/* Must this go to the pool from the start? */
bool drv_job_is_heavy(const drv_port *port, drv_job *job);
drv_outcome drv_step_memory(drv_port *port, drv_job *job, drv_answer *answer, bool is_pool);
/* By the owner: the init has failed. */
void drv_init_undo(drv_port *port);
/* [port] Answer an info. Returns false when a task of its own took it over. */
bool drv_info(drv_port *port, drv_job *job);

/* ---- port_watch.c ---- */

/* [port] A command will be answered later: see to its caller's end, and to its deadline. The
 * mutex is not held. */
void drv_watch_caller(drv_port *port, ErlDrvTermData caller);
/* [port] The same for a command that stands in the queue; the mutex may be held. Returns what
 * tells whether the caller has ended, to be given back; NULL: memory is gone. */
struct drv_watched *drv_watch_hold(drv_port *port, ErlDrvTermData caller);
void drv_watched_drop(struct drv_watched *watched); /* accepts NULL */
/* By the task, which has no owner: take out of the queue what lost its caller or its time. With
 * the mutex held, which is released now and then. */
void drv_queue_sweep(drv_port *port);
void drv_watch_time(drv_port *port, uint64_t deadline);
void drv_watch_free(drv_port *port);
/* With the mutex held: see to it that the owner, and all frames from `frame` upwards, end.
 *   frame  NULL: the owner alone */
void drv_doom_from(drv_port *port, drv_job *frame, drv_doom doom);
/* [port] Answer an interrupt. */
void drv_interrupt(drv_port *port, drv_job *job);
/* By the owner, after a turn or before one: end its call. */
void drv_end_doomed(drv_port *port, drv_job *job);
/* By the task of a closed port: end and free everything. Nobody is answered: the emulator would
 * not deliver it. */
void drv_port_drain(drv_port *port);
const char *drv_doom_text(drv_doom doom);

#endif
