/* Calls: their steps, the imports that they wait for, and the stack of those that wait. See
 * port_internal.h. */
#include <stdlib.h>
#include <time.h>

#include "driver/port_internal.h"

#define STRAY "No pending import response waiting"
#define ENDED_MAX 1024u /* calls whose end their handlers have not heard of */
#define RESULTS_FEW 16u

/* ---- Turns ---- */

static void guest_pause(void *guest)
{
    drv_guest_pause(guest);
}

bool drv_port_turn_begin(drv_port *port, drv_guest *guest, bool is_pool)
{
    return drv_turn_begin(port->pool, is_pool ? DRV_TURN_NS : DRV_CALLBACK_NS, is_pool,
                          guest_pause, guest);
}

/* ---- Pace ---- */

/* The clock that ends a turn in a callback can come late when more threads than cores run, so a
 * function begins in the pool until it has been quick there: once if it is new, which also is
 * when the engine translates it, and some times in a row if its turn had to be ended. Likewise
 * with what follows its imports. Functions share places of a table, which does no harm. */
#define PACE_SLOW 3u
#define PACE_QUICK_NS 100000u

bool drv_call_is_slow(const drv_port *port, drv_job *job)
{
    const drv_target *target = &job->command.target;
    uint32_t hash = (uint32_t)target->index;

    if (job->command.op == DRV_OP_CALL) {
        for (size_t i = 0; !target->is_index && i < target->name.len; i++)
            hash = hash * 31 + target->name.data[i];
        job->pace = (uint8_t)(hash % (DRV_PACES / 2));
    }
    return port->slow[job->pace] > 0;
}

static uint64_t thread_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What a step tells.
 *   since  when it began, by thread_now; 0: in a callback, or it began before */
static void pace_learn(drv_port *port, const drv_job *job, uint64_t since, bool is_paused)
{
    uint8_t *slow = &port->slow[job->pace];

    if (is_paused)
        *slow = PACE_SLOW;
    else if (*slow > 0 && since != 0)
        *slow = thread_now() - since < PACE_QUICK_NS ? (uint8_t)(*slow - 1) : PACE_SLOW;
}

/* ---- What an import is answered with ---- */

/* As much of it as `%.*s` should write. */
static int text_len(size_t len)
{
    return len < 400 ? (int)len : 400;
}

/* The guest traps, with a text that begins with the import's name. */
static beamr_status resume_error(drv_job *job, const beamr_request *request, const char *text,
                                 size_t len, beamr_error *err)
{
    beamr_error why;
    beamr_answer given = {.error = &why};

    beamr_error_clear(&why);
    beamr_fail(&why, BEAMR_ARGUMENT, 0, "%.*s.%.*s: %.*s", text_len(request->module.len),
               (const char *)request->module.data, text_len(request->name.len),
               (const char *)request->name.data, text_len(len), text);
    return drv_call_resume(job->call, &given, err);
}

static beamr_status resume_results(drv_job *job, const beamr_request *request, beamr_error *err)
{
    beamr_bytes list = job->command.list;
    drv_reader reader = {list.data, list.data + list.len};
    size_t count = request->type.result_count;
    beamr_value few[RESULTS_FEW], *values = few;
    beamr_status st;
    beamr_error why;

    if (count > RESULTS_FEW && (values = malloc(count * sizeof *values)) == NULL)
        return resume_error(job, request, "out of memory", 13, err);
    beamr_error_clear(&why);
    if (drv_results_read(&reader, &request->type, values, &why) != BEAMR_OK) {
        st = resume_error(job, request, why.text, strlen(why.text), err);
    } else {
        beamr_answer given = {.results = values, .result_count = count};

        st = drv_call_resume(job->call, &given, err);
    }
    if (values != few)
        free(values);
    return st;
}

static beamr_status resume_response(drv_job *job, beamr_error *err)
{
    const drv_command *command = &job->command;
    const beamr_value *args;
    beamr_request request;

    if (!drv_call_request(job->call, &request, &args))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, STRAY);
    if (command->response == DRV_RESPONSE_ERROR)
        return resume_error(job, &request, (const char *)command->text.data, command->text.len,
                            err);
    return resume_results(job, &request, err);
}

/* ---- Steps ---- */

static beamr_status call_step(drv_port *port, drv_job *job, beamr_error *err)
{
    const drv_command *command = &job->command;
    bool is_begun = job->is_begun;

    job->is_begun = true;
    if (is_begun)
        return drv_call_resume(job->call, NULL, err);
    if (command->op == DRV_OP_RESPOND)
        return resume_response(job, err);
    return drv_call_begin(port->guest, &command->target, &command->args, &job->call, err);
}

/* {import, Id, Module, Func, Args, Signature}, in the plain form without Id. */
static void write_import(drv_answer *answer, drv_job *job, const beamr_request *request,
                         const beamr_value *args)
{
    drv_writer *w = answer->term;
    bool is_plain = job->command.is_plain;

    drv_put_tuple(w, is_plain ? 5 : 6);
    drv_put_atom(w, "import");
    if (!is_plain)
        drv_put_uint(w, job->id);
    drv_put_string(w, request->module);
    drv_put_string(w, request->name);
    drv_put_values(w, args, request->type.param_count);
    drv_put_func_signature(w, &request->type);
}

static drv_outcome call_done(drv_job *job, drv_answer *answer, beamr_status st,
                             const beamr_error *err)
{
    if (st == BEAMR_OK) {
        size_t count;
        const beamr_value *results = drv_call_results(job->call, &count);

        drv_answer_ok(answer, job);
        drv_put_values(answer->term, results, count);
    } else {
        bool is_doomed = err->trap == BEAMR_TRAP_INTERRUPTED && job->doom != DRV_DOOM_NONE;

        if (is_doomed)
            drv_answer_error(answer, drv_doom_text(job->doom));
        else
            drv_answer_error(answer, err->text);
    }
    if (job->call != NULL)
        drv_call_free(job->call);
    job->call = NULL;
    return DRV_DONE;
}

/* The handler raised: the call ends, and no code of the guest runs. */
static drv_outcome call_cancel(drv_job *job, drv_answer *answer)
{
    drv_call_free(job->call);
    job->call = NULL;
    drv_answer_error(answer, "the call was cancelled by its import's handler");
    return DRV_DONE;
}

/* Many arguments, which the callback did not read. */
static bool call_finish(drv_job *job, drv_answer *answer)
{
    beamr_status st;
    beamr_error err;

    beamr_error_clear(&err);
    if ((st = drv_command_finish(&job->command, &err)) == BEAMR_OK)
        return true;
    if (st == BEAMR_ARGUMENT && !job->command.is_plain)
        drv_answer_atom(answer, "invalid_args");
    else
        drv_answer_error(answer, err.text);
    return false;
}

/* A turn takes memory when it is the thread's first, and it is gone. In the pool it may be
 * there; to ask for it there again and again would keep the thread. */
static drv_outcome call_unturned(drv_job *job, drv_answer *answer, bool is_pool,
                                 beamr_error *err)
{
    if (!is_pool)
        return DRV_PAUSED;
    return call_done(job, answer,
                     beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for a call"), err);
}

/* The guest's allocator runs before and after a call with text, and cannot be paused: one that
 * does not end would keep the thread from all others. */
static bool call_may_stay(const drv_job *job)
{
    return job->call != NULL ? drv_call_has_copied(job->call) : job->command.args.has_copied;
}

drv_outcome drv_step_call(drv_port *port, drv_job *job, drv_answer *answer, bool is_pool)
{
    const beamr_value *args;
    uint64_t since;
    beamr_request request;
    bool is_paused, is_away;
    beamr_status st;
    beamr_error err;

    if (port->guest == NULL) {
        drv_answer_error(answer, "Cannot run WASM function as module not initialized.");
        return DRV_DONE;
    }
    if (job->command.op == DRV_OP_RESPOND && job->command.response == DRV_RESPONSE_CANCEL)
        return call_cancel(job, answer);
    if (job->command.is_long && !call_finish(job, answer))
        return DRV_DONE;
    beamr_error_clear(&err);
    if (!drv_port_turn_begin(port, port->guest, is_pool))
        return call_unturned(job, answer, is_pool, &err);
    since = is_pool && !job->is_begun && drv_call_is_slow(port, job) ? thread_now() : 0;
    if ((is_away = is_pool && call_may_stay(job)))
        drv_pool_leave(port->pool);
    st = call_step(port, job, &err);
    if (is_away)
        drv_pool_return(port->pool);
    drv_turn_end(port->pool);
    is_paused = st == BEAMR_SUSPENDED && !drv_call_request(job->call, &request, &args);
    pace_learn(port, job, since, is_paused);
    if (is_paused)
        return DRV_PAUSED;
    if (st != BEAMR_SUSPENDED)
        return call_done(job, answer, st, &err);
    job->id = ++port->last_id;
    write_import(answer, job, &request, args);
    return DRV_WAITS;
}

/* ---- The stack of those that wait ---- */

void drv_frames_push(drv_port *port, drv_job *job)
{
    job->is_responded = false;
    job->below = port->top;
    port->top = job;
    port->depth++;
}

static drv_job *frames_pop(drv_port *port)
{
    drv_job *job = port->top;

    port->top = job->below;
    port->depth--;
    return job;
}

bool drv_frames_wait(const drv_port *port)
{
    return port->top != NULL && (port->current == NULL || !drv_job_is_call(port->current));
}

static bool is_same_caller(const drv_job *a, const drv_job *b)
{
    if (a->command.is_plain || b->command.is_plain)
        return a->command.is_plain && b->command.is_plain;
    return a->command.caller == b->command.caller;
}

bool drv_frames_admit(const drv_port *port, const drv_job *job)
{
    if (port->top == NULL || !is_same_caller(port->top, job))
        return false;
    return !job->command.is_plain || drv_frames_wait(port);
}

/* The call that this response is late for; it is taken out of the list. */
static drv_job *ended_take(drv_port *port, const drv_job *response)
{
    drv_job **at = &port->ended.first, *last = NULL, *job;

    while ((job = *at) != NULL &&
           (job->id != response->command.id || !is_same_caller(job, response))) {
        last = job;
        at = &job->next;
    }
    if (job == NULL)
        return NULL;
    if ((*at = job->next) == NULL)
        port->ended.last = last;
    port->ended.count--;
    return job;
}

bool drv_frames_expect(drv_port *port, drv_job *response, drv_answer *answer)
{
    drv_job *top = port->top, *late;

    /* One that is doomed is expected too: the queue will bring it after the end. */
    if (drv_frames_wait(port) && is_same_caller(top, response) &&
        (response->command.is_plain || response->command.id == top->id) &&
        (!top->is_responded || response->is_queued))
        return true;
    late = response->command.is_plain ? NULL : ended_take(port, response);
    drv_answer_error(answer, late != NULL ? drv_doom_text(late->doom) : STRAY);
    if (late != NULL)
        drv_job_free(late);
    return false;
}

void drv_frames_unqueue(drv_port *port, const drv_job *response)
{
    const drv_command *command = &response->command;

    for (drv_job *job = port->top; job != NULL; job = job->below)
        if (is_same_caller(job, response) && (command->is_plain || command->id == job->id))
            job->is_responded = false;
}

drv_job *drv_frames_respond(drv_port *port, drv_job *response)
{
    drv_job *frame = frames_pop(port);

    response->call = frame->call;
    response->deadline = frame->deadline;
    response->pace = frame->pace | DRV_PACES / 2;
    frame->call = NULL;
    port->imports++;
    return frame;
}

/* One that waited has ended: its handler hears of it when it responds; in the plain form,
 * where a call is answered in any case, the port's owner does now; if he has ended, nobody. */
static void frame_end(drv_port *port, drv_job *job)
{
    if (job->command.is_plain)
        drv_reply_error(port, job, drv_doom_text(job->doom));
    if (job->command.is_plain || job->doom == DRV_DOOM_CALLER) {
        drv_job_free(job);
        return;
    }
    drv_list_push(&port->ended, job);
    if (port->ended.count > ENDED_MAX)
        drv_job_free(drv_list_pop(&port->ended));
}

void drv_frames_end(drv_port *port)
{
    while (port->top != NULL && port->top->doom != DRV_DOOM_NONE) {
        drv_call *call = port->top->call;

        port_unlock(port);
        drv_call_free(call); /* no lock: it may take its time */
        port_lock(port);
        port->top->call = NULL;
        frame_end(port, frames_pop(port));
    }
}
