/* Part of libc/: see README.md there. The one locale is C's. */
#ifndef GUEST_LOCALE_H
#define GUEST_LOCALE_H

struct lconv {
    const char *decimal_point;
};
struct lconv *localeconv(void);

#endif
