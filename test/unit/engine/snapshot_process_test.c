/* Snapshots in another process: after every kind of change, a snapshot is restored in a process
 * of its own - other addresses, functions made in another order - which goes on. What it says
 * and its last snapshot are those of the guest that went on undisturbed.
 *
 * The program runs itself again as `... continue FOLDER`: it reads FOLDER/first and writes
 * FOLDER/again (the same state, saved at once), FOLDER/last and FOLDER/said. The guest is
 * snapshot_process.wat. */
#include "fixture.h"

#include "snapshot_process_guest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define IMPORTS 10

/* What the import "wait" does when it is called. */
typedef enum wait_mode { ANSWER, SUSPEND, INTERRUPT, FAIL } wait_mode;

typedef struct guest {
    fixture f;
    beamr_instance *instance;
    wait_mode mode;
} guest;

/* ---- References of the embedder ---- */

static char things[3];

static bool thing_save(void *user, void *ref, uint64_t *number)
{
    (void)user;
    for (uint64_t i = 0; i < 3; i++)
        if (ref == &things[i]) {
            *number = 70 + i;
            return true;
        }
    return false;
}

static bool thing_load(void *user, uint64_t number, void **ref)
{
    (void)user;
    if (number < 70 || number > 72)
        return false;
    *ref = &things[number - 70];
    return true;
}

static const beamr_snapshot_options options = {.ref_save = thing_save, .ref_load = thing_load};

static beamr_value thing(unsigned i)
{
    return (beamr_value){.kind = BEAMR_EXTERNREF, .of.external = &things[i]};
}

/* ---- The guest ---- */

static beamr_status one(const beamr_call *c, const beamr_value *args, beamr_value *results,
                        beamr_error *err)
{
    (void)c, (void)err;
    results[0] = beamr_i32(args[0].of.i32 + 1);
    return BEAMR_OK;
}

static beamr_status wait_import(const beamr_call *c, const beamr_value *args,
                                beamr_value *results, beamr_error *err)
{
    const guest *g = c->user;

    results[0] = beamr_i32(args[0].of.i32 * 9);
    if (g->mode == SUSPEND)
        return BEAMR_SUSPENDED;
    if (g->mode == INTERRUPT)
        beamr_store_interrupt(c->store);
    return g->mode == FAIL ? beamr_fail(err, BEAMR_IO, 0, "no answer") : BEAMR_OK;
}

static beamr_extern global_of(guest *g, beamr_kind kind)
{
    beamr_extern e = {.kind = BEAMR_EXTERN_GLOBAL};

    assert_int_equal(
        beamr_global_new(g->f.store, beamr_valtype_of(kind), true, NULL, &e.of.global, NULL),
        BEAMR_OK);
    return e;
}

static void make_imports(guest *g, beamr_extern imports[IMPORTS])
{
    const beamr_limits pages = {1, 8, false}, elements = {3, 30, false};
    beamr_func *add = fixture_func(&g->f, "i", "i", one, NULL);
    beamr_func *wait = fixture_func(&g->f, "i", "i", wait_import, g);
    beamr_memory *memory = NULL;
    beamr_table *table = NULL;

    assert_int_equal(beamr_memory_new(g->f.store, &pages, &memory, NULL), BEAMR_OK);
    assert_int_equal(beamr_table_new(g->f.store, &elements, beamr_valtype_of(BEAMR_FUNCREF),
                                     NULL, &table, NULL),
                     BEAMR_OK);
    imports[0] = imports[1] = (beamr_extern){BEAMR_EXTERN_FUNC, {.func = add}};
    imports[2] = (beamr_extern){BEAMR_EXTERN_FUNC, {.func = wait}};
    imports[3] = (beamr_extern){BEAMR_EXTERN_MEMORY, {.memory = memory}};
    imports[4] = (beamr_extern){BEAMR_EXTERN_TABLE, {.table = table}};
    imports[5] = global_of(g, BEAMR_I32);
    imports[6] = global_of(g, BEAMR_I64);
    imports[7] = global_of(g, BEAMR_V128);
    imports[8] = global_of(g, BEAMR_FUNCREF);
    imports[9] = global_of(g, BEAMR_EXTERNREF);
}

static beamr_instance *instance_new(guest *g)
{
    beamr_bytes wasm = {process_guest_wasm, sizeof process_guest_wasm};
    beamr_extern imports[IMPORTS];
    beamr_instance *instance = NULL;
    beamr_module *m = NULL;
    beamr_error err = {0};

    make_imports(g, imports);
    if (beamr_module_load(g->f.engine, wasm, &m, &err) != BEAMR_OK ||
        beamr_instance_new(g->f.store, m, imports, IMPORTS, &instance, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    beamr_module_unref(m);
    return instance;
}

static void guest_open(guest *g)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;

    config.metering = true;
    *g = (guest){.f = fixture_open_with(&config, NULL)};
    g->instance = instance_new(g);
}

static beamr_func *func(const guest *g, const char *name)
{
    beamr_func *f = beamr_instance_find_func(g->instance, name);

    if (!f)
        fail_msg("the guest has no function %s", name);
    return f;
}

static beamr_status run(guest *g, const char *name, beamr_error *err)
{
    return beamr_func_call(func(g, name), NULL, 0, NULL, 0, err);
}

static void assert_run_traps(guest *g, const char *name, beamr_trap trap)
{
    beamr_error err = {0};

    if (run(g, name, &err) != BEAMR_TRAP || err.trap != trap)
        fail_msg("%s does not trap as it should: %s", name, err.text);
}

/* ---- Changes that need the host ---- */

static beamr_extern exported(const guest *g, const char *name)
{
    beamr_extern e = {0};

    assert_true(beamr_instance_find(g->instance, beamr_bytes_of(name), &e));
    return e;
}

static void set_extern_global(guest *g)
{
    beamr_value v = thing(2);

    assert_int_equal(beamr_global_set(exported(g, "gx").of.global, &v, NULL), BEAMR_OK);
}

static void change_extern_table(guest *g)
{
    beamr_value a = thing(0), b = thing(1);
    beamr_table *t = exported(g, "x").of.table;

    assert_int_equal(beamr_table_grow(t, 3, &a, NULL, NULL), BEAMR_OK);
    assert_int_equal(beamr_table_set(t, 1, &b, NULL), BEAMR_OK);
}

static void trap_in_the_middle(guest *g)
{
    assert_run_traps(g, "trap", BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
}

static void exhaust_the_stack(guest *g)
{
    assert_run_traps(g, "deep", BEAMR_TRAP_STACK_EXHAUSTED);
}

static void run_out_of_fuel(guest *g)
{
    beamr_store_set_fuel(g->f.store, 12345);
    assert_run_traps(g, "spin", BEAMR_TRAP_OUT_OF_FUEL);
    assert_int_equal(beamr_store_fuel(g->f.store), 0);
    beamr_store_set_fuel(g->f.store, UINT64_MAX);
}

static void interrupt_a_loop(guest *g)
{
    beamr_store_interrupt(g->f.store);
    assert_run_traps(g, "spin", BEAMR_TRAP_INTERRUPTED);
}

static void interrupt_from_the_host(guest *g)
{
    g->mode = INTERRUPT;
    assert_run_traps(g, "ask", BEAMR_TRAP_INTERRUPTED);
    g->mode = ANSWER;
}

static void fail_in_the_host(guest *g)
{
    g->mode = FAIL;
    assert_run_traps(g, "ask", BEAMR_TRAP_HOST);
    g->mode = ANSWER;
}

static beamr_entry suspend(guest *g)
{
    beamr_entry entry = 0;

    g->mode = SUSPEND;
    assert_int_equal(beamr_entry_begin(func(g, "ask"), NULL, 0, NULL, 0, &entry, NULL),
                     BEAMR_SUSPENDED);
    g->mode = ANSWER;
    return entry;
}

static void suspend_and_answer(guest *g)
{
    beamr_value result = beamr_i32(123);
    beamr_answer answer = {.results = &result, .result_count = 1};

    assert_int_equal(beamr_entry_resume(g->f.store, suspend(g), &answer, NULL, 0, NULL),
                     BEAMR_OK);
}

static void suspend_and_fail(guest *g)
{
    beamr_error why = {.status = BEAMR_IO};
    beamr_answer answer = {.error = &why};

    assert_int_equal(beamr_entry_resume(g->f.store, suspend(g), &answer, NULL, 0, NULL),
                     BEAMR_TRAP);
}

static void suspend_and_cancel(guest *g)
{
    assert_int_equal(beamr_entry_cancel(g->f.store, suspend(g), NULL), BEAMR_OK);
}

/* Two calls wait, one above the other; the inner one ends. */
static void suspend_twice(guest *g)
{
    beamr_entry outer = suspend(g);

    suspend_and_answer(g);
    assert_int_equal(beamr_entry_cancel(g->f.store, outer, NULL), BEAMR_OK);
}

/* Begin the long work and pause it some times.  Returns the entry, which waits. */
static beamr_entry pause_work(guest *g)
{
    beamr_entry entry = 0;

    beamr_store_pause(g->f.store);
    assert_int_equal(beamr_entry_begin(func(g, "work"), NULL, 0, NULL, 0, &entry, NULL),
                     BEAMR_SUSPENDED);
    for (int i = 0; i < 10; i++) {
        beamr_store_pause(g->f.store);
        assert_int_equal(beamr_entry_resume(g->f.store, entry, NULL, NULL, 0, NULL),
                         BEAMR_SUSPENDED);
    }
    return entry;
}

static void pause_and_finish(guest *g)
{
    assert_int_equal(beamr_entry_resume(g->f.store, pause_work(g), NULL, NULL, 0, NULL),
                     BEAMR_OK);
}

static void pause_and_cancel(guest *g)
{
    assert_int_equal(beamr_entry_cancel(g->f.store, pause_work(g), NULL), BEAMR_OK);
}

/* Everything in turn but what fills memory with zeros. */
static void change_all(guest *g);

typedef struct change {
    const char *name; /* also of the guest's function, if `make` is NULL */
    void (*make)(guest *g);
} change;

static const change changes[] = {
    {"store", NULL},
    {"grow", NULL},
    {"grow_none", NULL},
    {"grow_unused", NULL},
    {"grow_refused", NULL},
    {"fill", NULL},
    {"copy", NULL},
    {"copy_between", NULL},
    {"init", NULL},
    {"data_drop", NULL},
    {"store_wide", NULL},
    {"store_imported", NULL},
    {"grow_imported", NULL},
    {"set_i", NULL},
    {"set_l", NULL},
    {"set_f", NULL},
    {"set_d", NULL},
    {"set_v", NULL},
    {"set_r", NULL},
    {"set_r_null", NULL},
    {"set_imported_numbers", NULL},
    {"set_imported_r", NULL},
    {"table_set", NULL},
    {"table_clear", NULL},
    {"table_grow", NULL},
    {"table_grow_null", NULL},
    {"table_fill", NULL},
    {"table_copy", NULL},
    {"table_init", NULL},
    {"elem_drop", NULL},
    {"elem_drop_nulls", NULL},
    {"table_imported", NULL},
    {"set_extern_global", set_extern_global},
    {"change_extern_table", change_extern_table},
    {"trap_in_the_middle", trap_in_the_middle},
    {"exhaust_the_stack", exhaust_the_stack},
    {"run_out_of_fuel", run_out_of_fuel},
    {"interrupt_a_loop", interrupt_a_loop},
    {"interrupt_from_the_host", interrupt_from_the_host},
    {"fail_in_the_host", fail_in_the_host},
    {"suspend_and_answer", suspend_and_answer},
    {"suspend_and_fail", suspend_and_fail},
    {"suspend_and_cancel", suspend_and_cancel},
    {"suspend_twice", suspend_twice},
    {"pause_and_finish", pause_and_finish},
    {"pause_and_cancel", pause_and_cancel},
    {"change_all", change_all},
    {"fill_zero", NULL},
};
#define CHANGES (sizeof changes / sizeof changes[0])

static void make(guest *g, const change *c)
{
    beamr_error err = {0};

    if (c->make)
        c->make(g);
    else if (run(g, c->name, &err) != BEAMR_OK)
        fail_msg("%s: %s", c->name, err.text);
}

static void change_all(guest *g)
{
    for (size_t i = 0; changes[i].make != change_all; i++)
        if (strcmp(changes[i].name, "data_drop") != 0 &&
            strcmp(changes[i].name, "elem_drop") != 0) /* others need what they drop */
            make(g, &changes[i]);
}

/* ---- Going on ---- */

typedef struct said {
    char text[16384];
    size_t len;
} said;

/* Call, and note how it ended. */
static void say(guest *g, said *s, const char *name, int32_t arg)
{
    beamr_func *f = func(g, name);
    beamr_functype type = beamr_func_type(f);
    beamr_value in = beamr_i32(arg), out = {0};
    beamr_error err = {0};
    beamr_status st = beamr_func_call(f, &in, type.param_count, &out, type.result_count, &err);
    uint64_t bits = 0;

    if (st == BEAMR_OK && type.result_count == 1)
        bits = out.kind == BEAMR_I64 ? (uint64_t)out.of.i64 : (uint32_t)out.of.i32;
    s->len += (size_t)snprintf(s->text + s->len, sizeof s->text - s->len,
                               "%s %d: %d %d %016" PRIx64 "\n", name, (int)arg, (int)st,
                               st == BEAMR_TRAP ? (int)err.trap : 0, bits);
    assert_true(s->len < sizeof s->text);
}

/* The same calls in whatever state, some of which trap. */
static void go_on(guest *g, said *s)
{
    say(g, s, "sizes", 0);
    for (int32_t i = 0; i < 16; i++)
        say(g, s, "call_t", i);
    for (int32_t i = 0; i < 6; i++)
        say(g, s, "call_ht", i);
    say(g, s, "call_u", 0);
    say(g, s, "call_u", 1);
    say(g, s, "call_r", 0);
    say(g, s, "call_hr", 0);
    say(g, s, "load", 65533);
    say(g, s, "load", 196604);
    for (int32_t i = 1; i < 20; i++)
        say(g, s, "step", i * 977);
    say(g, s, "more_init", 0);
    say(g, s, "init", 0);
    say(g, s, "table_init", 0);
    say(g, s, "nulls_init", 0);
    say(g, s, "table_grow_more", 0);
    say(g, s, "grow_more", 0);
    say(g, s, "grow_wide_more", 0);
    say(g, s, "grow_imported_more", 0);
    say(g, s, "ask", 0);
    say(g, s, "sizes", 0);
}

/* ---- Files ---- */

static void write_file(const char *folder, const char *name, const void *data, size_t len)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_non_null(file = fopen(path, "wb"));
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Reads a file and removes it. To be freed. */
static uint8_t *take_file(const char *folder, const char *name, size_t *len)
{
    char path[256];
    struct stat about;
    uint8_t *data;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!(file = fopen(path, "rb")))
        fail_msg("%s: %s", path, strerror(errno));
    assert_int_equal(fstat(fileno(file), &about), 0);
    *len = (size_t)about.st_size;
    assert_non_null(data = malloc(*len + 1));
    assert_int_equal(fread(data, 1, *len, file), *len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(unlink(path), 0);
    return data;
}

static uint8_t *save(guest *g, size_t *len)
{
    beamr_error err = {0};
    uint8_t *data = NULL;

    if (beamr_snapshot_save(g->instance, &options, &data, len, &err) != BEAMR_OK)
        fail_msg("not saved: %s", err.text);
    return data;
}

static void save_file(guest *g, const char *folder, const char *name)
{
    size_t len = 0;
    uint8_t *data = save(g, &len);

    write_file(folder, name, data, len);
    beamr_snapshot_free(data);
}

static void assert_file(const char *folder, const char *name, const void *data, size_t len,
                        const char *of)
{
    size_t got_len;
    uint8_t *got = take_file(folder, name, &got_len);

    if (got_len != len || memcmp(got, data, len) != 0)
        fail_msg("after %s, %s is another: %zu bytes, not %zu", of, name, got_len, len);
    free(got);
}

/* ---- The other process ---- */

/* Functions that are made in another order, and memories elsewhere. */
static void stir(guest *g)
{
    static const char *const names[] = {"grow_more", "table_copy", "set_imported_r",
                                        "table_set", "store",      "set_r"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_non_null(func(g, names[i]));
    assert_int_equal(run(g, "table_init", NULL), BEAMR_OK);
    assert_int_equal(run(g, "fill", NULL), BEAMR_OK);
}

/* Runs as a program of its own: a failed assertion ends it. */
static int continue_in(const char *folder)
{
    size_t len = 0;
    uint8_t *first = take_file(folder, "first", &len);
    beamr_error err = {0};
    static said s;
    guest g;

    guest_open(&g);
    (void)instance_new(&g);
    g.instance = instance_new(&g);
    stir(&g);
    if (beamr_snapshot_restore(g.instance, (beamr_bytes){first, len}, &options, &err) !=
        BEAMR_OK) {
        (void)fprintf(stderr, "not restored: %s at %u\n", err.text, (unsigned)err.offset);
        return 1;
    }
    free(first);
    save_file(&g, folder, "again");
    go_on(&g, &s);
    save_file(&g, folder, "last");
    write_file(folder, "said", s.text, s.len);
    fixture_close(&g.f);
    return 0;
}

static void run_other_process(const char *folder, const char *of)
{
    pid_t child = fork();
    int status = -1;

    assert_true(child >= 0);
    if (child == 0) {
        char self[] = "snapshot_process", role[] = "continue", where[64];
        char *const args[] = {self, role, where, NULL};

        (void)snprintf(where, sizeof where, "%s", folder);
        (void)execv("/proc/self/exe", args);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0)
        fail_msg("after %s, the other process ends with %#x", of, (unsigned)status);
}

/* ---- Tests ---- */

static void check_change(const char *folder, const change *c)
{
    size_t first_len = 0, last_len = 0;
    uint8_t *first, *last;
    said s = {0};
    guest g;

    guest_open(&g);
    make(&g, c);
    first = save(&g, &first_len);
    write_file(folder, "first", first, first_len);
    run_other_process(folder, c->name);
    go_on(&g, &s);
    last = save(&g, &last_len);
    assert_file(folder, "again", first, first_len, c->name);
    assert_file(folder, "said", s.text, s.len, c->name);
    assert_file(folder, "last", last, last_len, c->name);
    beamr_snapshot_free(first);
    beamr_snapshot_free(last);
    fixture_close(&g.f);
}

static void another_process_goes_on_equally_after_every_change(void **state)
{
    char folder[] = "/tmp/beamr_snapshot_XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < CHANGES; i++)
        check_change(folder, &changes[i]);
    assert_int_equal(rmdir(folder), 0);
}

/* Otherwise the test above would compare nothing. */
static void every_change_is_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < CHANGES; i++) {
        size_t before_len = 0, after_len = 0;
        uint8_t *before, *after;
        guest g;

        guest_open(&g);
        before = save(&g, &before_len);
        make(&g, &changes[i]);
        after = save(&g, &after_len);
        if (before_len == after_len && memcmp(before, after, before_len) == 0)
            fail_msg("%s changes nothing", changes[i].name);
        beamr_snapshot_free(before);
        beamr_snapshot_free(after);
        fixture_close(&g.f);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_is_one),
        cmocka_unit_test(another_process_goes_on_equally_after_every_change),
    };

    if (argc == 3 && strcmp(argv[1], "continue") == 0)
        return continue_in(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
