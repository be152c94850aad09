/* Native code: loading an object, instances that have it, and calls of it. What is compiled is
 * guest_build's module, once for all; the scenarios are left out where there is no compiler. */
#include "scenario.h"

#include "beamr/native.h"

static beamr_bytes object; /* kept until the program ends */

static void open_module(world *w)
{
    beamr_error err = {0};
    beamr_status st;

    world_module(w);
    if (object.data)
        return;
    st = beamr_compile(w->module, NULL, &object, &err);
    if (st == BEAMR_UNSUPPORTED) {
        print_message("no compiler: %s\n", err.text);
        skip();
    }
    if (st != BEAMR_OK)
        fail_msg("the module is not compiled: %s", err.text);
}

static void open_compiled(world *w)
{
    beamr_error err = {0};

    open_module(w);
    if (beamr_module_load_object(w->module, object, &err) != BEAMR_OK)
        fail_msg("the object is not loaded: %s", err.text);
    assert_true(beamr_module_native_count(w->module) > 0);
    assert_int_equal(guest_imports(w->store, w->imports, NULL), BEAMR_OK);
}

static void open_instance(world *w)
{
    beamr_error err = {0};

    open_compiled(w);
    if (beamr_instance_new(w->store, w->module, w->imports, GUEST_IMPORTS, &w->instance,
                           &err) != BEAMR_OK)
        fail_msg("no instance: %s", err.text);
}

static beamr_status run_load(world *w, answer *a, beamr_error *err)
{
    beamr_status st = beamr_module_load_object(w->module, object, err);

    answer_number(a, beamr_module_native_count(w->module));
    return st;
}

static void check_load(world *w)
{
    assert_int_equal(beamr_module_native_count(w->module), 0);
}

/* An instance, and the first call of it, which makes what is made when it is needed. */
static beamr_status run_instance(world *w, answer *a, beamr_error *err)
{
    beamr_status st =
        beamr_instance_new(w->store, w->module, w->imports, GUEST_IMPORTS, &w->instance, err);

    if (st != BEAMR_OK)
        return st;
    return world_call(w, "deep", 5, a, err);
}

static beamr_status run_call(world *w, answer *a, beamr_error *err)
{
    return world_call(w, w->is->text, w->is->number, a, err);
}

/* clang-format off */
#define CALL(name, n) \
    {"native_" name, .open = open_instance, .run = run_call, .text = name, .number = n}
/* clang-format on */

const scenario native_scenarios[] = {
    {"native_load", .open = open_module, .run = run_load, .check = check_load, .is_once = true},
    {"native_instance", .open = open_compiled, .run = run_instance,
     .without = FAULT_MMAP | FAULT_MADVISE},
    CALL("add", 5),
    CALL("busy", 9),
    CALL("deep", 50),
    {"native_call_too_deep", .open = open_instance, .run = run_call, .text = "deep",
     .number = -1},
    CALL("indirect", 1),
    CALL("many", 0),
    CALL("bulk", 3),
    CALL("refs", 4),
    CALL("catch", 5),
    CALL("legacy", 6),
    {"native_host", .open = open_instance, .run = run_call, .text = "host", .number = 77,
     .without = FAULT_MADVISE},
    CALL("host_catch", 88),
    {"native_storm", .open = open_instance, .run = run_call, .text = "storm", .number = 300,
     .without = FAULT_CALLOC},
    {0},
};
