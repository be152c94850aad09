/* A guest of Emscripten's: making it with all that it imports, and C++ exceptions in it. */
#include "scenario.h"

#include "../unit/guest/emscripten_guest32.h"

static void build_emscripten(wasm_builder *w)
{
    wasm_bytes(w, emscripten_guest32, sizeof emscripten_guest32);
}

static void open_guest(world *w)
{
    world_module(w);
    assert_int_equal(beamr_wasi_new(NULL, &w->wasi, NULL), BEAMR_OK);
    assert_int_equal(beamr_linker_new(w->store, &w->linker, NULL), BEAMR_OK);
}

static beamr_status make(world *w, beamr_error *err)
{
    return beamr_guest_instantiate(w->wasi, w->linker, w->module, BEAMR_STUBS_TRAP,
                                   &w->instance, err);
}

static beamr_status run_make(world *w, answer *a, beamr_error *err)
{
    beamr_status st = make(w, err);

    if (st == BEAMR_OK)
        answer_number(a, beamr_memory_pages(beamr_instance_memory(w->instance, 0)));
    return st;
}

static void open_instance(world *w)
{
    beamr_error err = {0};

    open_guest(w);
    if (make(w, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
}

static beamr_status run_call(world *w, answer *a, beamr_error *err)
{
    return world_call(w, w->is->text, w->is->number, a, err);
}

const scenario guest_scenarios[] = {
    {.name = "emscripten_make",
     .open = open_guest,
     .run = run_make,
     .build = build_emscripten,
     .without = FAULT_RANDOM | FAULT_MMAP},
    {.name = "emscripten_throw",
     .open = open_instance,
     .run = run_call,
     .build = build_emscripten,
     .text = "handler",
     .number = 3,
     .is_once = true},
    {.name = "emscripten_throw_again",
     .open = open_instance,
     .run = run_call,
     .build = build_emscripten,
     .text = "again",
     .number = 2,
     .is_once = true},
    {.name = "emscripten_longjmp",
     .open = open_instance,
     .run = run_call,
     .build = build_emscripten,
     .text = "jumps",
     .number = 3,
     .is_once = true},
    {0},
};
