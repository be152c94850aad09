/* Large pages: pages.h. */
#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Whole pages, with what stands beside the data in the first and the last: a mapping of which
 * only a part were so would be two, and could not be moved when it grows. */
void pages_prefer_large(void *data, size_t bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = (uintptr_t)data / page * page;
    uintptr_t to = ((uintptr_t)data + bytes + page - 1) / page * page;

    if (bytes >= PAGES_LARGE_BYTES)
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}
