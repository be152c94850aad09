/* Large pages for memory that is large. */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>

#define PAGES_LARGE_BYTES ((size_t)4 << 20)

/* Ask for large pages for newly allocated memory, if it is PAGES_LARGE_BYTES or more: to fault
 * in and to free 100 MB in small ones takes as long as an interrupt may. The host may not care.
 */
void pages_prefer_large(void *data, size_t bytes);

#endif
