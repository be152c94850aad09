/* A host that refuses the driver memory, mappings and threads: the Nth request fails, once or
 * with all that follow. Counted over all threads of the driver and its callbacks; what the test
 * and the emulator ask for themselves is granted. Threads: any. */
#ifndef HARNESS_REFUSE_H
#define HARNESS_REFUSE_H

#include <stdbool.h>

/* Refuse request n, counted from 1; is_lasting: and all behind it. */
void refuse_begin(unsigned n, bool is_lasting);
/* Grant all again.  Returns whether one was refused. */
bool refuse_end(void);

#endif
