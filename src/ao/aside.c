/* Threads for what goes on aside: aside.h. They touch nothing but tasks, so nobody has to wait
 * for them once these have ended. */
#include "ao/aside.h"

#include "base/signals.h"

bool aside_start(void *(*run)(void *arg), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t old;
    int code;

    if (pthread_attr_init(&attr) != 0)
        return false;
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    signals_block(&old);
    code = pthread_create(&thread, &attr, run, arg);
    signals_restore(&old);
    (void)pthread_attr_destroy(&attr);
    return code == 0;
}

static void *run_list(void *list)
{
    task_run_list(list);
    return NULL;
}

bool aside_enter(void)
{
    return task_enter_here();
}

void aside_leave(bool was_here)
{
    ao_task *list = was_here ? NULL : task_take_here();

    if (list && !aside_start(run_list, list))
        task_put_here(list);
    task_leave_here(was_here);
}
