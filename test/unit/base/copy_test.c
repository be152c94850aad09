/* Copying past the caches: exactly the bytes that were asked for, wherever they stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/copy.h"

enum { ROOM = 1024 };

static void copies_what_memcpy_copies(void **state)
{
    static _Alignas(64) uint8_t from[ROOM], to[ROOM], want[ROOM];

    (void)state;
    for (size_t i = 0; i < ROOM; i++)
        from[i] = (uint8_t)(i * 7 + 1);
    for (size_t at = 0; at <= 64; at++)
        for (size_t len = 0; len < 400; len++) {
            size_t begin = 3 * at % 67;

            memset(to, 0xee, ROOM);
            memset(want, 0xee, ROOM);
            memcpy(want + at, from + begin, len);
            base_copy_past_cache(to + at, from + begin, len);
            base_copy_settle();
            assert_memory_equal(to, want, ROOM);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_what_memcpy_copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
