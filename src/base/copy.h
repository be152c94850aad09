/* Copying much memory that will not be read again soon. */
#ifndef BASE_COPY_H
#define BASE_COPY_H

#include <stddef.h>

/* Copy like memcpy, where the host can past its caches: `to` is not fetched before it is
 * written, and does not push other things out. For pieces of some KiB that follow each other:
 * as many bytes behind `from` as are copied are prefetched for the next (they need not exist).
 */
void base_copy_past_cache(void *to, const void *from, size_t len);

/* Wait for such copies: afterwards other threads that are told of the bytes see them. */
void base_copy_settle(void);

#endif
