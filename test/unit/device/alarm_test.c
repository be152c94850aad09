/* The heap of alarms: the one that is due first stands in front, whatever is added and removed
 * between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "device/alarm.h"

#define COUNT 500

static uint64_t first_of(const dev_alarm *alarms)
{
    uint64_t due = UINT64_MAX;

    for (size_t i = 0; i < COUNT; i++)
        if (alarms[i].is_set && alarms[i].due < due)
            due = alarms[i].due;
    return due;
}

static void the_first_is_in_front(void **state)
{
    static dev_alarm alarms[COUNT];
    dev_alarm *root = NULL;
    unsigned seed = 1;

    (void)state;
    for (int i = 0; i < 50000; i++) {
        dev_alarm *alarm = &alarms[(size_t)rand_r(&seed) % COUNT];

        if (alarm->is_set) {
            alarm_remove(&root, alarm);
        } else {
            alarm->due = (uint64_t)rand_r(&seed) % 1000;
            alarm_add(&root, alarm);
        }
        if (i % 7 == 0 && root)
            alarm_remove(&root, root);
        assert_int_equal(root ? root->due : UINT64_MAX, first_of(alarms));
    }
    for (uint64_t last = 0; root; alarm_remove(&root, root)) {
        assert_true(root->due >= last);
        last = root->due;
    }
    assert_int_equal(first_of(alarms), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_is_in_front)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
