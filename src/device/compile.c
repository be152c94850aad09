/* Native code of modules that processes ask for: compile.h.
 *
 * A compilation takes seconds, and the process that does it is another one, so that a thread
 * which waits for it does nothing. Where the context has an executor no thread of that waits: a
 * thread of the world, made when it is first needed, compiles one module after the other, and
 * the calls that want one answer later and go on in the executor.
 *
 * Without an executor a call that is continued goes on upon the thread that continues it, which
 * would be this one: guests would run on a thread that the program does not know, beside those
 * on which it expects them (dev_world_running is for programs with one), they would run one
 * after the other, and keep other modules from being compiled. So the thread that resolves
 * waits itself, as it does for all else that it resolves. When its task is cancelled it waits
 * no more, and ends the process if that is its own; the next one that waits starts another.
 *
 * Either way a module whose turn has not come within the time limit is interpreted this time,
 * so that nobody waits much longer than twice that long, however many modules there are. What
 * the compiler fails at is not tried again as long as the module is remembered.
 *
 * Locks: a task's, then the compiler's; nothing is called with the latter. */
#include "device/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ao/aside.h"
#include "base/thread.h"
#include "crypto/base64.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define THREAD_STACK ((size_t)512 << 10) /* of the thread, on which objects are loaded */

struct dev_code {
    _Atomic size_t count;
    beamr_module *module; /* counted */
    /* With the compiler's lock: */
    enum {
        CODE_NONE,
        CODE_QUEUED,
        CODE_RUNS, /* the process does */
        CODE_DONE  /* there is native code, or there will be none */
    } state;
    uint64_t since;     /* when it was queued: ns of CLOCK_MONOTONIC */
    dev_waiting *waits; /* calls that wait for it */
    dev_code *next;     /* of the queue */
};

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* ---- Codes ---- */

dev_code *dev_code_new(beamr_module *module)
{
    dev_code *code = calloc(1, sizeof *code);

    if (!code)
        return NULL;
    code->count = 1;
    code->module = beamr_module_ref(module);
    return code;
}

dev_code *dev_code_ref(dev_code *code)
{
    if (code)
        code->count++;
    return code;
}

void dev_code_unref(dev_code *code)
{
    if (!code || --code->count > 0)
        return;
    beamr_module_unref(code->module);
    free(code);
}

/* ---- What the host is told ---- */

static void tell(const dev_compiler *c, const beamr_module *module, const char *what)
{
    char text[BEAMR_ERROR_TEXT_SIZE + 128], name[AO_ID_TEXT + 1] = "";
    uint8_t id[BEAMR_MODULE_ID_SIZE];

    if (!c->report || c->is_stopping)
        return;
    if (beamr_module_id(module, id, NULL) == BEAMR_OK)
        crypto_id_text(id, name);
    (void)snprintf(text, sizeof text, "module %s: %s", name, what);
    c->report(c->report_user, text);
}

static void tell_failure(const dev_compiler *c, const beamr_module *module,
                         const beamr_error *err)
{
    char text[BEAMR_ERROR_TEXT_SIZE + 64];

    (void)snprintf(text, sizeof text, "interpreted, as it could not be compiled: %s",
                   err->text[0] ? err->text : beamr_status_text(err->status));
    tell(c, module, text);
}

static void tell_busy(const dev_compiler *c, const beamr_module *module)
{
    char text[128];

    (void)snprintf(text, sizeof text,
                   "interpreted this time: the compiler was not free within %llu ms",
                   (unsigned long long)c->time_ms);
    tell(c, module, text);
}

static void tell_threadless(const dev_compiler *c, const beamr_module *module)
{
    tell(c, module, "interpreted this time: no thread could be started");
}

static size_t defined_functions(const beamr_module *module)
{
    size_t count = beamr_module_func_count(module);

    for (size_t i = 0; i < beamr_module_import_count(module); i++)
        count -= beamr_module_import(module, i).type.kind == BEAMR_EXTERN_FUNC;
    return count;
}

/* Too large, or too late. */
static void tell_missing(const dev_compiler *c, const beamr_module *module, size_t functions)
{
    size_t count = beamr_module_native_count(module);
    char text[128];

    if (count >= functions)
        return;
    (void)snprintf(text, sizeof text,
                   "%zu of %zu functions have native code, the others are interpreted", count,
                   functions);
    tell(c, module, text);
}

/* ---- Compiling ---- */

/* A thread that compiles, or waits until it may. */
typedef struct worker {
    dev_compiler *compiler;
    _Atomic bool is_cancelled; /* nobody needs what it waits for */
} worker;

static bool is_stopped(void *user)
{
    const worker *w = user;

    return w->compiler->is_stopping || w->is_cancelled;
}

/* Without the lock. A module may have been compiled when it was loaded: BEAMR_TIER. */
static beamr_status make(worker *w, beamr_module *module)
{
    dev_compiler *c = w->compiler;
    beamr_compile_options options = BEAMR_COMPILE_OPTIONS_DEFAULT;
    size_t functions = defined_functions(module);
    beamr_error err = {0};
    beamr_status st = beamr_module_native_failure(module, &err);

    options.time_ms = c->time_ms;
    options.max_memory = c->max_memory;
    options.is_stopped = is_stopped;
    options.user = w;
    if (functions == 0)
        return BEAMR_OK;
    if (st == BEAMR_OK && beamr_module_native_count(module) == 0)
        st = beamr_module_compile(module, &options, &err);
    if (st == BEAMR_OK)
        tell_missing(c, module, functions);
    else if (!w->is_cancelled)
        tell_failure(c, module, &err);
    return st;
}

/* It is this thread's turn. The lock is held, but not while the process runs. What fails when
 * it is cancelled may fail for that reason: whoever comes next tries again. */
static void compile(worker *w, dev_code *code)
{
    dev_compiler *c = w->compiler;
    beamr_status st;

    code->state = CODE_RUNS;
    c->is_busy = true;
    (void)pthread_mutex_unlock(&c->lock);
    st = make(w, code->module);
    (void)pthread_mutex_lock(&c->lock);
    if (st == BEAMR_NO_MEMORY || (st != BEAMR_OK && w->is_cancelled))
        code->state = CODE_NONE;
    else
        code->state = CODE_DONE;
    c->is_busy = false;
    (void)pthread_cond_broadcast(&c->changed);
}

/* ---- Calls that wait ---- */

/* The lock is held. */
static void enqueue(dev_compiler *c, dev_code *code)
{
    code->state = CODE_QUEUED;
    code->since = now_ns();
    (void)dev_code_ref(code);
    if (c->last)
        c->last->next = code;
    else
        c->first = code;
    c->last = code;
    (void)pthread_cond_broadcast(&c->changed);
}

static dev_code *take_first(dev_compiler *c)
{
    dev_code *code = c->first;

    c->first = code->next;
    if (!c->first)
        c->last = NULL;
    code->next = NULL;
    code->state = CODE_NONE;
    return code;
}

/* Take those that wait for a code out of its list. From then on they cannot be cancelled here
 * any more. The lock is held. */
static dev_waiting *take_waits(dev_code *code)
{
    dev_waiting *waits = code->waits;

    code->waits = NULL;
    return waits;
}

/* Let all go on that waited. Each is gone as soon as it goes on. */
static void go_on(dev_waiting *waits)
{
    bool was_here = aside_enter();

    while (waits) {
        dev_waiting *wait = waits;

        waits = wait->next;
        ao_call_continue(wait->call, wait->then);
    }
    aside_leave(was_here);
}

/* ---- On the thread that resolves ---- */

/* Called with the task's lock. */
static void stop_worker(void *arg)
{
    worker *w = arg;

    (void)pthread_mutex_lock(&w->compiler->lock);
    w->is_cancelled = true;
    (void)pthread_cond_broadcast(&w->compiler->changed);
    (void)pthread_mutex_unlock(&w->compiler->lock);
}

static void sleep_until(dev_compiler *c, uint64_t due)
{
    struct timespec at = {.tv_sec = (time_t)(due / NS_PER_S),
                          .tv_nsec = (long)(due % NS_PER_S)};

    (void)pthread_cond_timedwait(&c->changed, &c->lock, &at);
}

/* Wait until this thread may compile, or need not. The lock is held.
 *   is_late  its turn did not come in time
 * Returns whether it is its turn. */
static bool wait_for_turn(const worker *w, const dev_code *code, bool *is_late)
{
    dev_compiler *c = w->compiler;
    uint64_t due = now_ns() + c->time_ms * NS_PER_MS;

    *is_late = false;
    while (code->state != CODE_DONE && !w->is_cancelled && !*is_late) {
        if (code->state == CODE_NONE && !c->is_busy)
            return true;
        if (code->state == CODE_NONE)
            sleep_until(c, due);
        else
            (void)pthread_cond_wait(&c->changed, &c->lock);
        *is_late = code->state == CODE_NONE && now_ns() >= due;
    }
    return false;
}

/* Compile on this thread, or wait for the one that does.
 * Returns whether the task of this thread was cancelled meanwhile. */
static bool compile_here(dev_compiler *c, dev_code *code)
{
    worker w = {c, false};
    dev_waiting *waits = NULL;
    bool is_late;
    ao_stop stop;

    ao_stop_begin(&stop, stop_worker, &w);
    (void)pthread_mutex_lock(&c->lock);
    if (wait_for_turn(&w, code, &is_late)) {
        compile(&w, code);
        if (code->state == CODE_DONE)
            waits = take_waits(code); /* of calls for which there was a thread again */
        else if (code->waits)
            enqueue(c, code);
    }
    (void)pthread_mutex_unlock(&c->lock);
    go_on(waits);
    if (is_late)
        tell_busy(c, code->module);
    return ao_stop_end(&stop);
}

/* ---- The thread ---- */

/* The lock is held, but not while the process or calls run. */
static void serve_first(dev_compiler *c)
{
    dev_code *code = take_first(c);
    bool is_wanted = code->waits != NULL;
    bool is_late = is_wanted && now_ns() - code->since > c->time_ms * NS_PER_MS;
    worker w = {c, false};
    dev_waiting *waits;

    if (is_wanted && !is_late)
        compile(&w, code);
    else /* a thread that resolves may have its turn now */
        (void)pthread_cond_broadcast(&c->changed);
    waits = take_waits(code);
    (void)pthread_mutex_unlock(&c->lock);
    if (is_late)
        tell_busy(c, code->module);
    go_on(waits);
    dev_code_unref(code);
    (void)pthread_mutex_lock(&c->lock);
}

static void *run(void *arg)
{
    dev_compiler *c = arg;
    void (*stopped)(void *user);

    (void)pthread_mutex_lock(&c->lock);
    while (!c->is_stopping) {
        if (!c->first || c->is_busy)
            (void)pthread_cond_wait(&c->changed, &c->lock);
        else
            serve_first(c);
    }
    stopped = c->stopped;
    (void)pthread_mutex_unlock(&c->lock);
    if (stopped) { /* compiler_stop was called here, by a call that went on */
        (void)pthread_detach(pthread_self());
        stopped(c->stopped_user);
    }
    return NULL;
}

/* This is the thread, and what it told to go on runs here as no other could be started
 * (aside.h). The lock is held. */
static bool is_here(const dev_compiler *c)
{
    return c->has_thread && pthread_equal(c->thread, pthread_self());
}

/* Make the thread unless it is there. The lock is held.  false: there is none to be had */
static bool has_thread(dev_compiler *c)
{
    if (!c->has_thread)
        c->has_thread = thread_start(&c->thread, THREAD_STACK, run, c);
    return c->has_thread;
}

/* ---- Waiting ---- */

/* Nobody waits for the answer any more. A call that is not in the list goes on already. */
static void cancel(ao_call *call, void *arg)
{
    dev_waiting *wait = arg, **place = &wait->code->waits;
    bool is_there;

    (void)pthread_mutex_lock(&wait->compiler->lock);
    while (*place && *place != wait)
        place = &(*place)->next;
    if ((is_there = *place != NULL))
        *place = wait->next;
    (void)pthread_mutex_unlock(&wait->compiler->lock);
    if (is_there)
        ao_call_continue(call, wait->then); /* it sees that it is cancelled */
}

beamr_status compiler_wait(dev_compiler *c, dev_code *code, ao_call *call, dev_waiting *wait,
                           ao_function then, beamr_error *err)
{
    beamr_status st;

    (void)pthread_mutex_lock(&c->lock);
    if (code->state == CODE_DONE) {
        (void)pthread_mutex_unlock(&c->lock);
        return then(call, err);
    }
    if (is_here(c)) { /* it may be that somebody waits here for the answer */
        (void)pthread_mutex_unlock(&c->lock);
        tell_threadless(c, code->module);
        return then(call, err);
    }
    if (!c->has_executor || !has_thread(c)) {
        (void)pthread_mutex_unlock(&c->lock);
        if (compile_here(c, code))
            return ao_call_return(call, AO_OUTCOME_FAILURE, ao_atom("cancelled"));
        return then(call, err);
    }
    *wait = (dev_waiting){code->waits, c, code, call, then};
    /* Said before the call can go on: it must not be touched after that. */
    st = ao_call_later(call, cancel, wait);
    code->waits = wait;
    if (code->state == CODE_NONE)
        enqueue(c, code);
    (void)pthread_mutex_unlock(&c->lock);
    return st;
}

/* ---- The compiler of a world ---- */

beamr_status compiler_init(dev_compiler *c, const ao_settings *settings, uint64_t time_ms,
                           uint64_t max_memory, beamr_error *err)
{
    pthread_condattr_t attr;

    *c = (dev_compiler){.time_ms = time_ms, .max_memory = max_memory};
    if (settings) {
        c->has_executor = settings->execute != NULL;
        c->report = settings->report;
        c->report_user = settings->user;
    }
    if (pthread_condattr_init(&attr) != 0)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the compiler's queue");
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&c->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&c->lock, NULL);
    return BEAMR_OK;
}

/* Ask the thread to end.  Returns whether it is to be joined: it is there, and not this one,
 * which is_own tells. */
static bool ask_to_end(dev_compiler *c, void (*stopped)(void *user), void *user, bool *is_own)
{
    bool is_joined;

    (void)pthread_mutex_lock(&c->lock);
    c->is_stopping = true;
    *is_own = is_here(c);
    is_joined = c->has_thread && !*is_own;
    if (is_joined)
        c->has_thread = false;
    if (*is_own) {
        c->stopped = stopped;
        c->stopped_user = user;
    }
    (void)pthread_cond_broadcast(&c->changed);
    (void)pthread_mutex_unlock(&c->lock);
    return is_joined;
}

void compiler_end(dev_compiler *c)
{
    bool is_own;

    if (ask_to_end(c, NULL, NULL, &is_own))
        (void)pthread_join(c->thread, NULL);
}

void compiler_stop(dev_compiler *c, void (*stopped)(void *user), void *user)
{
    bool is_own;

    if (ask_to_end(c, stopped, user, &is_own))
        (void)pthread_join(c->thread, NULL);
    if (!is_own)
        stopped(user);
}

void compiler_clear(dev_compiler *c)
{
    while (c->first)
        dev_code_unref(take_first(c));
    (void)pthread_mutex_destroy(&c->lock);
    (void)pthread_cond_destroy(&c->changed);
}
