/* Undoing what was not synced, after a process died under the shim. */
#ifndef TEST_KV_UNDO_H
#define TEST_KV_UNDO_H

#include <stdbool.h>

/* Take back what the log in `log` says was done and not synced, and empty the folder `log`.
 *   is_random  of the contents that were not synced a random part, and of the names the newest
 *              ones, as a journaling file system might; otherwise all
 * Returns how much was taken back. */
long undo(const char *log, bool is_random);

#endif
