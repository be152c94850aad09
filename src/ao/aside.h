/* Going on aside: threads of this library that serve all who ask - those that compile, ring
 * alarms, end delays - tell calls to go on and run nothing of them. Where there is no executor,
 * or one that runs at once what it is given, that would be run there, for as long as it takes,
 * and if it waited for another compilation or alarm, that would never come. It gets a thread
 * for this alone instead. */
#ifndef AO_ASIDE_H
#define AO_ASIDE_H

#include "ao/task.h"

/* What is resumed on this thread from now on waits until aside_leave, and then goes on upon a
 * thread of its own; on this one if there is none to be had. On a thread that runs a task
 * already it comes when that ends or waits.
 * Returns what must be given to aside_leave. */
bool aside_enter(void);
void aside_leave(bool was_here);

/* Start a thread that nobody joins, and to which no signals of the program go.
 * false: there is none to be had. */
bool aside_start(void *(*run)(void *arg), void *arg);

#endif
