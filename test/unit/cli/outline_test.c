/* The outline of modules that the engine does not understand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/outline.h"

/* (import "env" "mem" (memory 1 2 shared)) (import "env" "t" (table 1 (ref null 5)))
 * (import "env" "g" (global mut (ref struct))) (import "a" "f" (func (type 0)))
 * (import "a" "e" (tag (type 0))) (export "hi" (func 0)) */
static const uint8_t module[] = {
    0, 'a', 's', 'm', 1,   0,    0,    0,                   /* header */
    2, 57,  5,                                              /* imports */
    3, 'e', 'n', 'v', 3,   'm',  'e',  'm',  2,    3, 1, 2, /* memory */
    3, 'e', 'n', 'v', 1,   't',  1,    0x63, 5,    0, 1,    /* table */
    3, 'e', 'n', 'v', 1,   'g',  3,    0x64, 0x6b, 1,       /* global */
    1, 'a', 1,   'f', 0,   0x80, 0x01,                      /* func */
    1, 'a', 3,   'e', 'e', 'e',  4,    0,    0x00,          /* tag */
    1, 'b', 1,   'm', 2,   0,    1,                         /* beyond the count */
    7, 6,   1,   2,   'h', 'i',  0,    0,                   /* exports */
};

#define BYTES(n) ((beamr_bytes){module, (n)})

static void names_are_told_without_types(void **state)
{
    static const char *const kinds[] = {"memory", "table", "global", "func", "tag"};
    outline_links links;
    outline_link l;
    size_t count = 0;

    (void)state;
    assert_true(outline_is_module(BYTES(sizeof module)));
    assert_true(outline_links_open(BYTES(sizeof module), true, &links));
    while (outline_links_next(&links, &l)) {
        assert_true(count < 5);
        assert_string_equal(l.kind, kinds[count++]);
        assert_true(l.module.len > 0 && l.name.len > 0);
    }
    assert_int_equal(count, 5);
    assert_true(outline_links_open(BYTES(sizeof module), false, &links));
    assert_true(outline_links_next(&links, &l));
    assert_int_equal(l.name.len, 2);
    assert_memory_equal(l.name.data, "hi", 2);
    assert_false(outline_links_next(&links, &l));
}

/* Each truncation in memory of its own, so that a sanitizer sees a read beyond it. */
static void any_bytes_may_be_given(void **state)
{
    (void)state;
    for (size_t n = OUTLINE_START; n < sizeof module; n++) {
        uint8_t *copy = malloc(n);
        beamr_bytes bytes = {copy, n};
        outline_links links;
        outline_link l;

        assert_non_null(copy);
        memcpy(copy, module, n);
        for (int import = 0; import < 2; import++)
            if (outline_links_open(bytes, import == 1, &links))
                while (outline_links_next(&links, &l))
                    assert_true(l.name.data + l.name.len <= copy + n);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_told_without_types),
        cmocka_unit_test(any_bytes_may_be_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
