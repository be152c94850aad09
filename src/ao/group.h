/* Groups: equal computations that run at the same time are done once. The first call of a group
 * leads it; the others wait, without a thread, and get what it gets. A call that would wait for
 * itself, through however many others, is found out when it begins to wait.
 * Threads: any; one lock, taken by calls that have a group only.
 * Source: AO-Core paths, "Concurrency". */
#ifndef AO_GROUP_H
#define AO_GROUP_H

#include "ao/task.h"

beamr_status groups_new(BEAMR_OWN ao_groups **out, beamr_error *err);
void groups_free(ao_groups *groups); /* accepts NULL */

typedef enum group_role {
    GROUP_LEADS, /* the call computes; group_end, or group_raise, or group_abandon comes next */
    GROUP_WAITS, /* it must return CALL_LATER, and is finished or continued with `again` */
    GROUP_CIRCLE, /* it would wait for itself */
    GROUP_NO_MEMORY,
} group_role;

/* Join the computation that `name` names.
 *   may_circle  wait, even for itself
 *   again       what a call that waits goes on with when the leader was given up */
group_role group_join(ao_call *call, beamr_bytes name, bool may_circle, ao_function again);
/* Give all who wait the result, or the failure, and end the group of the call, if it leads one.
 * If its task is cancelled, that is group_abandon. */
void group_end(ao_call *call, const ao_result *result);
void group_raise(ao_call *call, beamr_status status, const char *text);
/* What the call on top of a task resolves apart; NULL: nothing any more. */
void group_set_above(ao_task *task, ao_task *above);
/* The leader was cancelled: one of those who wait takes its place. */
void group_abandon(ao_call *call);

#endif
