/* What most of the harness's tests begin with: an emulator with the driver loaded, two
 * processes, and an instance of the tool; at the end nothing is left and nothing went wrong. */
#ifndef HARNESS_FIXTURE_H
#define HARNESS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "client.h"

static pid me, other; /* me: the owner of `tool` */
static port *tool;

static int begin_all(void **state)
{
    (void)state;
    emulator_start(3);
    load();
    me = process_new();
    other = process_new();
    tool = open_tool(me);
    return tool ? 0 : -1;
}

static int end_all(void **state)
{
    (void)state;
    close_port(tool);
    return finish() == 0 ? 0 : -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_all, end_all)

#endif
