/* Resolutions apart: what a call waits for, and can give up while it runs or waits itself.
 * ao_call_resolve puts frames on the call's own task, which so must end before the call goes
 * on. What is resolved apart is a task of its own; whoever gives it up cancels that task, and
 * the call goes on at once, also when the device that was to answer never does. Its answer goes
 * nowhere then.
 * A device that is in its function at that time is waited for: only what is parked is left
 * behind, as that alone needs nothing of the context any more. */
#ifndef AO_APART_H
#define AO_APART_H

#include "ao/task.h"

#define APART_WAITS CALL_LATER

/* As ao_call_resolve, with `then` when it has ended, or `late` when it was given up.
 *   options  copied
 * Returns what the function must return: APART_WAITS, after having arranged for it to be given
 * up, or a failure. */
beamr_status apart_resolve(ao_call *call, BEAMR_OWN ao_value base, BEAMR_OWN ao_value request,
                           const ao_options *options, ao_function then, ao_function late,
                           beamr_error *err);
/* Stop a call from going on with what it resolves apart. On any thread, while the caller sees
 * to it that the call has not gone on, by a lock that `then` takes too. Returns what must be
 * given to apart_give_up; NULL: it has ended, or was given up already. */
ao_task *apart_hold(ao_call *call);
/* Cancel it, and let the call go on: on the context's executor, or a thread of its own, so that
 * nothing of either runs on this one. */
void apart_give_up(BEAMR_OWN ao_task *held);

#endif
