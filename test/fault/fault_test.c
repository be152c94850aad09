/* Runs each scenario with its 1st, 2nd, 3rd ... allocation, mapping or other request to the
 * host refused, until a run has none left to refuse; once so that only that one fails, and once
 * so that all behind it fail too. Each disturbed run
 *   - either ends with BEAMR_NO_MEMORY or the trap OUT_OF_MEMORY, and a text, or gives the same
 *     answer as the undisturbed run, which is allowed only after calls that the scenario lists;
 *   - leaves engine and store in a state in which the operation then succeeds, with that
 * answer;
 *   - leaks nothing: what is held at the end is what was held in the beginning.
 * fault.h says what can fail here, scenario.h how a scenario is written. */
#include "scenario.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CALLS 20000u /* of a scenario; one more means that it does not end */

/* ---- Answers ---- */

void answer_bytes(answer *a, const void *data, size_t len)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len; i++)
        a->hash = (a->hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    a->hash = (a->hash ^ len) * UINT64_C(0x100000001b3);
}

void answer_number(answer *a, uint64_t n)
{
    answer_bytes(a, &n, sizeof n);
}

void answer_text(answer *a, const char *text)
{
    answer_bytes(a, text, strlen(text));
}

void answer_values(answer *a, const beamr_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[64];

        answer_text(a, beamr_value_text(&values[i], text, sizeof text));
    }
}

/* ---- Worlds ---- */

void world_engine(world *w)
{
    assert_int_equal(beamr_engine_new(NULL, &w->engine, NULL), BEAMR_OK);
}

void world_store(world *w)
{
    world_engine(w);
    assert_int_equal(beamr_store_new(w->engine, NULL, &w->store, NULL), BEAMR_OK);
}

void world_module(world *w)
{
    beamr_error err = {0};

    world_store(w);
    (w->is->build ? w->is->build : guest_build)(&w->wasm);
    if (beamr_module_load(w->engine, wasm_bytes_of(&w->wasm), &w->module, &err) != BEAMR_OK)
        fail_msg("the module does not load: %s at %" PRIu64, err.text, err.offset);
}

void world_instance(world *w)
{
    beamr_error err = {0};

    world_module(w);
    assert_int_equal(guest_imports(w->store, w->imports, NULL), BEAMR_OK);
    if (beamr_instance_new(w->store, w->module, w->imports, GUEST_IMPORTS, &w->instance,
                           &err) != BEAMR_OK)
        fail_msg("no instance: %s", err.text);
}

beamr_status world_call(world *w, const char *name, int32_t number, answer *a, beamr_error *err)
{
    beamr_func *func = beamr_instance_find_func(w->instance, name);
    beamr_value args[4], results[4];
    beamr_functype type;
    beamr_status st;

    if (!func)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a function's record");
    type = beamr_func_type(func);
    for (size_t i = 0; i < 4; i++)
        args[i] = beamr_i32(number);
    st = beamr_func_call(func, args, type.param_count, results, type.result_count, err);
    if (st == BEAMR_OK)
        answer_values(a, results, type.result_count);
    return st;
}

static void world_clear(world *w)
{
    beamr_linker_free(w->linker);
    beamr_module_unref(w->module);
    beamr_store_free(w->store);
    beamr_store_free(w->other_store);
    beamr_engine_free(w->engine);
    beamr_snapshot_free(w->snapshot.data);
    beamr_snapshot_free(w->before.data);
    beamr_wasi_unref(w->wasi);
    beamr_vfs_unref(w->vfs);
    beamr_vfs_unref(w->other_vfs);
    wasm_free(&w->wasm);
}

/* ---- Runs ---- */

/* What a run came to. */
typedef struct outcome {
    beamr_status st;
    beamr_error err;
    answer answer;
    fault_hit hit;
} outcome;

typedef struct trial {
    const scenario *is;
    fault_mode mode;
    uint64_t n;        /* the call that fails */
    outcome reference; /* undisturbed */
    unsigned went_on;  /* kinds of calls that the operation did without */
} trial;

static void operate(world *w, uint64_t n, fault_mode mode, outcome *out)
{
    *out = (outcome){.st = BEAMR_OK};
    fault_arm(n, mode);
    out->st = w->is->run(w, &out->answer, &out->err);
    out->hit = fault_disarm();
}

static bool is_same(const outcome *a, const outcome *b)
{
    if (a->st != b->st)
        return false;
    return a->st == BEAMR_OK ? a->answer.hash == b->answer.hash
                             : a->err.trap == b->err.trap && a->err.offset == b->err.offset &&
                                   a->err.frame_total == b->err.frame_total &&
                                   strcmp(a->err.text, b->err.text) == 0;
}

static bool is_no_memory(const outcome *o)
{
    return o->err.text[0] && o->err.status == o->st &&
           (o->st == BEAMR_NO_MEMORY ||
            (o->st == BEAMR_TRAP && o->err.trap == BEAMR_TRAP_OUT_OF_MEMORY));
}

#define FAIL(t, o, what)                                                                       \
    fail_msg("call %" PRIu64 ", %s of %zu bytes at 0x%zx: %s (%s; \"%s\")", (t)->n,            \
             fault_name((o)->hit.kind), (o)->hit.size, (o)->hit.caller, what,                  \
             beamr_status_text((o)->st), (o)->err.text)

static void check_disturbed(trial *t, world *w, const outcome *o)
{
    if (is_same(o, &t->reference)) {
        if (t->mode == FAULT_ONE)
            t->went_on |= 1u << o->hit.kind;
        if (!((t->is->without | FAULT_CHUNK) & 1u << o->hit.kind))
            FAIL(t, o, "the failure goes unnoticed");
    } else if (!is_no_memory(o)) {
        FAIL(t, o, "the failure is not reported as one");
    } else if (t->is->check) {
        t->is->check(w);
    }
}

/* The same without failures. */
static void check_again(const trial *t, world *w, const outcome *disturbed)
{
    outcome o;

    if (disturbed->st == BEAMR_OK && t->is->is_once)
        return;
    operate(w, 0, FAULT_ONE, &o);
    if (is_same(&o, &t->reference))
        return;
    o.hit = disturbed->hit;
    FAIL(t, &o, "afterwards the operation gives another answer");
}

static void check_held(const trial *t, const fault_held *before, const outcome *o)
{
    fault_held now = fault_held_now();

    if (now.blocks != before->blocks)
        FAIL(t, o, now.blocks > before->blocks ? "blocks are lost" : "blocks are freed twice");
    if (now.mapped != before->mapped)
        FAIL(t, o, now.mapped > before->mapped ? "mappings are lost" : "too much is unmapped");
}

/* One run in a world of its own.  Returns whether there was a call n to fail. */
static bool run_one(trial *t)
{
    fault_held before = fault_held_now();
    world w = {.is = t->is};
    outcome o;

    (t->is->open ? t->is->open : world_engine)(&w);
    operate(&w, t->n, t->mode, &o);
    if (t->n == 0)
        t->reference = o;
    if (o.hit.is_hit)
        check_disturbed(t, &w, &o);
    else if (!is_same(&o, &t->reference))
        FAIL(t, &o, "two undisturbed runs differ");
    check_again(t, &w, &o);
    world_clear(&w);
    assert_int_equal(w.finalizers, 0);
    check_held(t, &before, &o);
    return o.hit.is_hit;
}

static uint64_t run_mode(const scenario *is, fault_mode mode, unsigned *went_on)
{
    trial t = {.is = is, .mode = mode};

    (void)run_one(&t);
    do {
        t.n++;
        assert_true(t.n < MOST_CALLS);
    } while (run_one(&t));
    *went_on |= t.went_on;
    return t.n - 1;
}

/* Once without looking at what is held: the process may keep something from then on, such as
 * what was done about signals before native code came. */
static void run_first(const scenario *is)
{
    world w = {.is = is};
    outcome o;

    (is->open ? is->open : world_engine)(&w);
    operate(&w, 0, FAULT_ONE, &o);
    world_clear(&w);
}

static void survives(void **state)
{
    const scenario *is = *state;
    unsigned went_on = 0;
    uint64_t count;

    run_first(is);
    count = run_mode(is, FAULT_ONE, &went_on);
    assert_int_equal(run_mode(is, FAULT_REST, &went_on), count);
    printf("%s: %" PRIu64 " calls failed\n", is->name, count);
    for (unsigned i = 0; i < FAULT_KIND_COUNT; i++)
        if (is->without & ~went_on & 1u << i)
            fail_msg("%s: listed in `without`, but never done without", fault_name(i));
}

int main(int argc, char **argv)
{
    static const scenario *const tables[] = {
        load_scenarios,   object_scenarios, call_scenarios,  snapshot_scenarios, vfs_scenarios,
        system_scenarios, guest_scenarios,  value_scenarios, native_scenarios};
    static struct CMUnitTest tests[200];
    size_t count = 0;

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const scenario *s = tables[i]; s->name; s++, count++) {
            if (count == sizeof tests / sizeof tests[0])
                return 2;
            tests[count] =
                (struct CMUnitTest){s->name, survives, NULL, NULL, (void *)(uintptr_t)s};
        }
    if (argc > 1) /* which scenarios; with * and ? */
        cmocka_set_test_filter(argv[1]);
    return _cmocka_run_group_tests("fault", tests, count, NULL, NULL);
}
