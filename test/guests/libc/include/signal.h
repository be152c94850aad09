/* Part of libc/: see README.md there. There are no signals. */
#ifndef GUEST_SIGNAL_H
#define GUEST_SIGNAL_H

typedef int sig_atomic_t;

#endif
