/* The pool: see pool.h. The clock that ends turns is clock.c. */
#include "driver/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "driver/clock.h"
#include "driver/thread.h"

#define THREADS_MAX 256
#define AWAY_MAX 32 /* threads that others take the place of */
#define NEW_MAX 4u  /* tasks that are new in a row, while others wait that have had a turn */

typedef struct queue {
    drv_task *first, **last;
} queue;

struct drv_pool {
    drv_clock *clock;
    atomic_uint waiting;   /* tasks in both queues */
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t cond;
    queue fresh, again;
    unsigned in_row; /* that came from `fresh` */
    unsigned idle;   /* threads */
    unsigned active; /* threads that run tasks, without those that are away; at most `places`,
                        but for those that have come back */
    unsigned places;
    bool is_stopping;
    unsigned thread_count;
    pthread_t threads[THREADS_MAX];
};

/* ---- Threads ---- */

/* Put it where *link points: at the beginning, or the end. */
static void queue_put(queue *q, drv_task **link, drv_task *task)
{
    task->link = link;
    if ((task->next = *link) == NULL)
        q->last = &task->next;
    else
        task->next->link = &task->next;
    *link = task;
}

static void queue_take(queue *q, drv_task *task)
{
    if ((*task->link = task->next) == NULL)
        q->last = task->link;
    else
        task->next->link = task->link;
    task->link = NULL;
}

/* NULL when it is empty. */
static drv_task *queue_pop(queue *q)
{
    drv_task *task = q->first;

    if (task != NULL)
        queue_take(q, task);
    return task;
}

/* The next task; NULL when the thread is to end. With the mutex held. */
static drv_task *pool_next(drv_pool *pool)
{
    drv_task *task;
    bool is_new;

    while (!pool->is_stopping && ((pool->fresh.first == NULL && pool->again.first == NULL) ||
                                  pool->active >= pool->places)) {
        pool->idle++;
        pthread_cond_wait(&pool->cond, &pool->mutex);
        pool->idle--;
    }
    is_new = pool->again.first == NULL || (pool->fresh.first != NULL && pool->in_row < NEW_MAX);
    pool->in_row = is_new ? pool->in_row + 1 : 0;
    if ((task = queue_pop(is_new ? &pool->fresh : &pool->again)) == NULL)
        return NULL;
    atomic_fetch_sub(&pool->waiting, 1);
    pool->active++;
    return task;
}

/* Threads that could take a task at once. With the mutex held. */
static unsigned pool_free_places(const drv_pool *pool)
{
    unsigned places = pool->active < pool->places ? pool->places - pool->active : 0;

    return places < pool->idle ? places : pool->idle;
}

/* A task that is submitted by the last running one is done by the same thread, hence a thread
 * that finds nothing when the pool stops can end. */
static void *pool_run(void *arg)
{
    drv_pool *pool = arg;
    drv_task *task;

    drv_thread_defer();
    pthread_mutex_lock(&pool->mutex);
    while ((task = pool_next(pool)) != NULL) {
        pthread_mutex_unlock(&pool->mutex);
        task->run(task);
        pthread_mutex_lock(&pool->mutex);
        pool->active--;
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* With the mutex held. */
static void pool_start(drv_pool *pool)
{
    unsigned count = drv_thread_cores();

    while (pool->thread_count < count && pool->thread_count < THREADS_MAX &&
           drv_thread_start(&pool->threads[pool->thread_count], "beamr", pool_run, pool) == 0)
        pool->thread_count++;
    pool->places = pool->thread_count;
}

void drv_pool_leave(drv_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->active--;
    if (pool->idle > 0)
        pthread_cond_signal(&pool->cond);
    else if (pool->thread_count < pool->places + AWAY_MAX && pool->thread_count < THREADS_MAX &&
             !pool->is_stopping &&
             drv_thread_start(&pool->threads[pool->thread_count], "beamr", pool_run, pool) == 0)
        pool->thread_count++;
    pthread_mutex_unlock(&pool->mutex);
}

void drv_pool_return(drv_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->active++;
    pthread_mutex_unlock(&pool->mutex);
}

/* ---- Life ---- */

beamr_status drv_pool_new(BEAMR_OWN drv_pool **out, beamr_error *err)
{
    drv_pool *pool = calloc(1, sizeof *pool);
    beamr_status st;

    if (pool == NULL)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for the driver's threads");
    if ((st = drv_clock_new(&pool->waiting, &pool->clock, err)) != BEAMR_OK) {
        free(pool);
        return st;
    }
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->cond, NULL);
    pool->fresh.last = &pool->fresh.first;
    pool->again.last = &pool->again.first;
    pthread_mutex_lock(&pool->mutex);
    pool_start(pool);
    pthread_mutex_unlock(&pool->mutex);
    if (pool->thread_count == 0) {
        drv_pool_free(pool);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "the driver's pool got no thread");
    }
    *out = pool;
    return BEAMR_OK;
}

void drv_pool_free(drv_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->is_stopping = true;
    pthread_cond_broadcast(&pool->cond);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    drv_clock_free(pool->clock);
    pthread_cond_destroy(&pool->cond);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

/* A task has come into the queue. With the mutex held, which it releases. */
static void pool_call(drv_pool *pool)
{
    unsigned free_places = pool_free_places(pool);
    bool has_to_wait = atomic_fetch_add(&pool->waiting, 1) >= free_places;

    if (free_places > 0)
        pthread_cond_signal(&pool->cond);
    pthread_mutex_unlock(&pool->mutex);
    if (has_to_wait)
        drv_clock_kick(pool->clock); /* turns that lasted because nobody waited end now */
}

void drv_pool_submit(drv_pool *pool, drv_task *task)
{
    pthread_mutex_lock(&pool->mutex);
    queue_put(&pool->fresh, pool->fresh.last, task);
    pool_call(pool);
}

void drv_pool_submit_again(drv_pool *pool, drv_task *task)
{
    pthread_mutex_lock(&pool->mutex);
    queue_put(&pool->again, pool->again.last, task);
    pool_call(pool);
}

void drv_pool_submit_first(drv_pool *pool, drv_task *task)
{
    pthread_mutex_lock(&pool->mutex);
    queue_put(&pool->fresh, &pool->fresh.first, task);
    pool_call(pool);
}

void drv_pool_hurry(drv_pool *pool, drv_task *task)
{
    pthread_mutex_lock(&pool->mutex);
    if (task->link != NULL) {
        queue_take(pool->fresh.last == &task->next ? &pool->fresh : &pool->again, task);
        queue_put(&pool->fresh, &pool->fresh.first, task);
    }
    pthread_mutex_unlock(&pool->mutex);
}

bool drv_pool_is_wanted(const drv_pool *pool)
{
    return atomic_load_explicit(&pool->waiting, memory_order_relaxed) > 0;
}

/* ---- Turns ---- */

bool drv_turn_begin(drv_pool *pool, uint64_t ns, bool while_wanted, void (*pause)(void *user),
                    void *user)
{
    return drv_clock_begin(pool->clock, ns, while_wanted, pause, user);
}

void drv_turn_end(drv_pool *pool)
{
    drv_clock_end(pool->clock);
}
