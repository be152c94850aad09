/* Part of libc/: see README.md there. Numbers are those of WASI. */
#ifndef GUEST_ERRNO_H
#define GUEST_ERRNO_H

extern int errno;

#define EDOM 18
#define EINVAL 28
#define ENOENT 44
#define ENOMEM 48
#define ENOSYS 52
#define ERANGE 68

#endif
