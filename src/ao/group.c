/* Equal computations run once: group.h. */
#include "ao/group.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct ao_group {
    ao_group *next; /* in its bucket */
    ao_call *leader;
    ao_call *first, *last; /* those who wait */
    ao_function again;
    const ao_device *device;
    unsigned variant; /* options that change the result */
    uint64_t hash;
    size_t len;
    uint8_t name[];
};

struct ao_groups {
    pthread_mutex_t lock;
    ao_group **buckets;
    size_t mask, count;
};

#define BUCKETS_MIN 16

beamr_status groups_new(ao_groups **out, beamr_error *err)
{
    ao_groups *g = calloc(1, sizeof *g);

    if (g)
        g->buckets = calloc(BUCKETS_MIN, sizeof(ao_group *));
    if (!g || !g->buckets) {
        free(g);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a context");
    }
    g->mask = BUCKETS_MIN - 1;
    pthread_mutex_init(&g->lock, NULL);
    *out = g;
    return BEAMR_OK;
}

void groups_free(ao_groups *g)
{
    if (!g)
        return;
    pthread_mutex_destroy(&g->lock);
    free(g->buckets);
    free(g);
}

static uint64_t hash_of(beamr_bytes name)
{
    uint64_t hash = 14695981039346656037U; /* FNV-1a */

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ name.data[i]) * 1099511628211U;
    return hash ^ hash >> 32;
}

/* Results under one name differ if they are forced to be messages, or are not linked. */
static unsigned variant_of(const ao_call *call)
{
    return (unsigned)call->options->hashpath << 1 |
           (call->options->force_message && !call->no_force);
}

static ao_group **place_of(ao_groups *g, const ao_call *call, beamr_bytes name, uint64_t hash)
{
    ao_group **at = &g->buckets[hash & g->mask];

    for (; *at; at = &(*at)->next)
        if ((*at)->hash == hash && (*at)->device == call->registered->device &&
            (*at)->variant == variant_of(call) && (*at)->len == name.len &&
            memcmp((*at)->name, name.data, name.len) == 0)
            break;
    return at;
}

/* Without memory the chains of the buckets grow instead. */
static void grow(ao_groups *g)
{
    size_t size = 2 * (g->mask + 1);
    ao_group **more = calloc(size, sizeof(ao_group *));

    if (!more)
        return;
    for (size_t i = 0; i <= g->mask; i++)
        for (ao_group *one = g->buckets[i], *next; one; one = next) {
            next = one->next;
            one->next = more[one->hash & (size - 1)];
            more[one->hash & (size - 1)] = one;
        }
    free(g->buckets);
    g->buckets = more;
    g->mask = size - 1;
}

/* ---- Joining ---- */

/* The task that one waits for, by what is resolved apart. */
static const ao_task *top_of(const ao_task *task)
{
    while (task->above)
        task = task->above;
    return task;
}

/* Who leads waits for a group in turn, and so on: does that end at the call's own task? Circles
 * that are allowed can exist, so the way is bounded. */
static bool is_circle(const ao_groups *g, const ao_group *group, const ao_task *task)
{
    for (size_t i = 0; group && i <= g->count; i++) {
        const ao_task *top = top_of(group->leader->task);

        if (top == task)
            return true;
        group = top->waits_for;
    }
    return false;
}

void group_set_above(ao_task *task, ao_task *above)
{
    ao_groups *g = task->context->groups;

    pthread_mutex_lock(&g->lock);
    task->above = above;
    pthread_mutex_unlock(&g->lock);
}

static group_role lead(ao_groups *g, ao_group **at, ao_call *call, beamr_bytes name,
                       uint64_t hash, ao_function again)
{
    ao_group *group = malloc(sizeof *group + name.len);

    if (!group)
        return GROUP_NO_MEMORY;
    *group = (ao_group){.next = *at,
                        .leader = call,
                        .again = again,
                        .device = call->registered->device,
                        .variant = variant_of(call),
                        .hash = hash,
                        .len = name.len};
    memcpy(group->name, name.data, name.len);
    *at = group;
    call->group = group;
    if (++g->count > g->mask)
        grow(g);
    return GROUP_LEADS;
}

/* A call that waits is cancelled: it is taken off, unless it is being finished anyway. */
static void stop_waiting(ao_call *call, void *arg)
{
    ao_groups *g = arg;
    ao_group *group;

    pthread_mutex_lock(&g->lock);
    group = call->task->waits_for;
    if (group) {
        ao_call *previous = call->previous_waiter, *next = call->next_waiter;

        *(previous ? &previous->next_waiter : &group->first) = next;
        *(next ? &next->previous_waiter : &group->last) = previous;
        call->task->waits_for = NULL;
    }
    pthread_mutex_unlock(&g->lock);
    if (group)
        ao_call_finish(call, AO_OUTCOME_FAILURE, ao_atom("cancelled"));
}

static group_role wait_for(ao_groups *g, ao_group *group, ao_call *call)
{
    call->next_waiter = NULL;
    call->previous_waiter = group->last;
    call->cancel = stop_waiting;
    call->cancel_arg = g;
    call->task->waits_for = group;
    if (group->last)
        group->last->next_waiter = call;
    else
        group->first = call;
    group->last = call;
    return GROUP_WAITS;
}

group_role group_join(ao_call *call, beamr_bytes name, bool may_circle, ao_function again)
{
    ao_groups *g = call->task->context->groups;
    uint64_t hash = hash_of(name);
    group_role role;
    ao_group **at;

    pthread_mutex_lock(&g->lock);
    at = place_of(g, call, name, hash);
    if (!*at)
        role = lead(g, at, call, name, hash, again);
    else if (!may_circle && is_circle(g, *at, call->task))
        role = GROUP_CIRCLE;
    else
        role = wait_for(g, *at, call);
    pthread_mutex_unlock(&g->lock);
    return role;
}

/* ---- Ending ---- */

/* Take the group out.  Returns the first of those who wait; none of them is cancelled by way of
 * the group any more. */
static ao_call *take_out(ao_call *call, ao_function *again)
{
    ao_groups *g = call->task->context->groups;
    ao_group *group = call->group;
    ao_call *first;
    ao_group **at;

    pthread_mutex_lock(&g->lock);
    at = &g->buckets[group->hash & g->mask];
    while (*at != group)
        at = &(*at)->next;
    *at = group->next;
    g->count--;
    first = group->first;
    for (ao_call *c = first; c; c = c->next_waiter)
        c->task->waits_for = NULL;
    pthread_mutex_unlock(&g->lock);
    *again = group->again;
    call->group = NULL;
    free(group);
    return first;
}

/* What a cancelled call gives may be due to that, as work that was ended (ao_stop) is. It is
 * nobody else's.  Returns whether it was, or there is no group. */
static bool is_nobodys(ao_call *call)
{
    if (call->group && atomic_load(&call->task->is_cancelled))
        group_abandon(call);
    return !call->group;
}

void group_end(ao_call *call, const ao_result *result)
{
    ao_function again;

    if (is_nobodys(call))
        return;
    for (ao_call *c = take_out(call, &again), *next; c; c = next) {
        next = c->next_waiter; /* before it goes on, and away */
        ao_call_finish(c, result->outcome, ao_value_ref(result->value));
    }
}

void group_raise(ao_call *call, beamr_status status, const char *text)
{
    ao_function again;

    if (is_nobodys(call))
        return;
    for (ao_call *c = take_out(call, &again), *next; c; c = next) {
        next = c->next_waiter;
        ao_call_raise(c, status, text);
    }
}

void group_abandon(ao_call *call)
{
    ao_function again;

    if (!call->group)
        return;
    for (ao_call *c = take_out(call, &again), *next; c; c = next) {
        next = c->next_waiter;
        ao_call_continue(c, again);
    }
}
