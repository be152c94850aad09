/* Snapshots when the host has no memory: the Nth request fails, for N = 1, 2, ... until none is
 * hit. A restore that fails has changed nothing, whatever it had begun.
 * The linker leads what is counted here to the functions with __wrap_ (test/CMakeLists.txt). */
#include "fixture.h"

#include <errno.h>
#include <sys/mman.h>

/* ---- Failing ---- */

typedef enum fault { NO_FAULT, FAULT_MALLOC, FAULT_MPROTECT, FAULT_MADVISE } fault;

static struct {
    fault what;
    unsigned after; /* this many are still granted */
    bool always;    /* all that follow fail too */
    unsigned hits;
} plan;

static bool fails(fault what)
{
    if (plan.what != what)
        return false;
    if (plan.after > 0) {
        plan.after--;
        return false;
    }
    if (plan.hits > 0 && !plan.always)
        return false;
    plan.hits++;
    errno = ENOMEM;
    return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
int __real_mprotect(void *at, size_t len, int prot);
int __real_madvise(void *at, size_t len, int advice);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
int __wrap_mprotect(void *at, size_t len, int prot);
int __wrap_madvise(void *at, size_t len, int advice);

void *__wrap_malloc(size_t size)
{
    return fails(FAULT_MALLOC) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails(FAULT_MALLOC) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size)
{
    return fails(FAULT_MALLOC) ? NULL : __real_realloc(at, size);
}

int __wrap_mprotect(void *at, size_t len, int prot)
{
    return fails(FAULT_MPROTECT) ? -1 : __real_mprotect(at, len, prot);
}

int __wrap_madvise(void *at, size_t len, int advice)
{
    return fails(FAULT_MADVISE) ? -1 : __real_madvise(at, len, advice);
}

/* ---- A guest of five memories ----
 * With two tables, two passive element segments, and functions for both to hold. */

#define MEMORIES 5
#define FUNCS 60

static beamr_module *guest_module(fixture *f)
{
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_functype(&w, "", "");
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    wasm_u32(&w, FUNCS);
    for (int i = 0; i < FUNCS; i++)
        WASM(&w, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_TABLE);
    WASM(&w, 2, 0x70, 0, 4, 0x6f, 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_MEMORY);
    wasm_u32(&w, MEMORIES);
    for (int i = 0; i < MEMORIES; i++)
        WASM(&w, 1, 0, 9);
    wasm_end(&w);
    wasm_section(&w, WASM_GLOBAL);
    WASM(&w, 1, 0x7f, 1, 0x41, 5, 0x0b);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, FUNCS + 1);
    for (uint8_t i = 0; i < FUNCS; i++)
        wasm_export(&w, (const char[]){'f', (char)('0' + i), 0}, 0, i);
    wasm_export(&w, "g", 3, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_ELEMENT);
    WASM(&w, 2, 1, 0, 3, 7, 8, 9, 1, 0, 2, 10, 11);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, FUNCS);
    for (int i = 0; i < FUNCS; i++) /* the first two drop the segments */
        WASM_BODY(&w, 0xfc, 0x0d, (uint8_t)(i % 2));
    wasm_end(&w);
    return fixture_load(f, &w);
}

static beamr_instance *guest_new(fixture *f)
{
    beamr_module *m = guest_module(f);
    beamr_instance *inst = NULL;

    assert_int_equal(beamr_instance_new(f->store, m, NULL, 0, &inst, NULL), BEAMR_OK);
    beamr_module_unref(m);
    return inst;
}

static beamr_func *func(beamr_instance *inst, int i)
{
    return beamr_instance_find_func(inst, (const char[]){'f', (char)('0' + i), 0});
}

/* Sizes and contents that depend on `seed` in each object; segments are dropped if it is odd.
 */
static void change(beamr_instance *inst, unsigned seed)
{
    beamr_table *t = beamr_instance_table(inst, 0);
    beamr_value v = beamr_i32((int32_t)seed);
    beamr_extern g;

    for (unsigned i = 0; i < MEMORIES; i++) {
        beamr_memory *m = beamr_instance_memory(inst, i);
        uint64_t pages = (seed * (i + 3)) % 5;

        assert_int_equal(beamr_memory_grow(m, pages, NULL, NULL), BEAMR_OK);
        for (uint64_t p = 0; p < pages; p++)
            assert_int_equal(beamr_memory_write(m, p * 65536 + i, &seed, sizeof seed, NULL),
                             BEAMR_OK);
    }
    assert_true(beamr_instance_find(inst, beamr_bytes_of("g"), &g));
    assert_int_equal(beamr_global_set(g.of.global, &v, NULL), BEAMR_OK);
    v = (beamr_value){.kind = BEAMR_FUNCREF};
    assert_int_equal(beamr_table_grow(t, seed * 7, NULL, NULL, NULL), BEAMR_OK);
    for (unsigned i = 0; i < 4 + seed * 7; i++) {
        v.of.func = func(inst, (int)(i * seed % FUNCS));
        assert_int_equal(beamr_table_set(t, i, &v, NULL), BEAMR_OK);
    }
    for (int i = 0; i < 2 && seed % 2 == 1; i++)
        assert_int_equal(beamr_func_call(func(inst, i), NULL, 0, NULL, 0, NULL), BEAMR_OK);
}

typedef struct saved {
    uint8_t *data;
    size_t len;
} saved;

static saved save(beamr_instance *inst)
{
    saved s = {0};

    assert_int_equal(beamr_snapshot_save(inst, NULL, &s.data, &s.len, NULL), BEAMR_OK);
    return s;
}

static void assert_saved(beamr_instance *inst, const saved *s)
{
    saved now = save(inst);

    assert_int_equal(now.len, s->len);
    assert_memory_equal(now.data, s->data, s->len);
    beamr_snapshot_free(now.data);
}

/* ---- Tests ---- */

static beamr_status restore_failing(beamr_instance *inst, const saved *s, beamr_error *err)
{
    beamr_status st = beamr_snapshot_restore(inst, (beamr_bytes){s->data, s->len}, NULL, err);

    plan.what = NO_FAULT;
    return st;
}

/* Restore what one seed gave over what another did, with every failure.  Returns how many
 * restores failed. */
static unsigned restore_with(fault what, bool always, unsigned from_seed, unsigned to_seed)
{
    fixture f = fixture_open();
    beamr_instance *from = guest_new(&f), *to = guest_new(&f);
    unsigned refused = 0;
    saved s, is;

    change(from, from_seed);
    change(to, to_seed);
    s = save(from);
    is = save(to);
    for (unsigned n = 0;; n++) {
        beamr_error err = {0};
        beamr_status st;

        plan.after = n;
        plan.always = always;
        plan.hits = 0;
        plan.what = what;
        st = restore_failing(to, &s, &err);
        if (plan.hits == 0) {
            assert_int_equal(st, BEAMR_OK);
            break;
        }
        if (st == BEAMR_OK) { /* an arena asks again, for less */
            assert_false(always);
            assert_saved(to, &s);
            assert_int_equal(restore_failing(to, &is, NULL), BEAMR_OK);
            continue;
        }
        assert_int_equal(st, BEAMR_NO_MEMORY);
        assert_text(err, "memory");
        assert_saved(to, &is);
        refused++;
    }
    assert_saved(to, &s);
    beamr_snapshot_free(s.data);
    beamr_snapshot_free(is.data);
    fixture_close(&f);
    return refused;
}

static void a_restore_without_memory_changes_nothing(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed < 5; seed++) {
        assert_true(restore_with(FAULT_MALLOC, false, seed, seed + 1) >= 5);
        assert_true(restore_with(FAULT_MALLOC, true, seed + 1, seed) >= 5);
    }
}

static void a_restore_without_address_space_changes_nothing(void **state)
{
    unsigned hits = 0;

    (void)state;
    for (unsigned a = 1; a < 6; a++)
        for (unsigned b = 1; b < 6; b++)
            hits += restore_with(FAULT_MPROTECT, false, a, b);
    assert_true(hits > 20);
}

/* Pages that are locked cannot be given back: they are cleared instead. */
static void a_restore_that_cannot_give_back_pages_clears_them(void **state)
{
    (void)state;
    for (unsigned seed = 2; seed < 5; seed++) {
        fixture f = fixture_open();
        beamr_instance *inst = guest_new(&f), *fresh = guest_new(&f);
        saved s = save(inst), changed;

        change(inst, seed);
        change(fresh, seed);
        changed = save(fresh);
        plan.after = 0;
        plan.always = true;
        plan.hits = 0;
        plan.what = FAULT_MADVISE;
        assert_int_equal(restore_failing(inst, &s, NULL), BEAMR_OK);
        assert_true(plan.hits > 0);
        assert_saved(inst, &s);
        change(inst, seed); /* what it grows by is zero */
        assert_saved(inst, &changed);
        beamr_snapshot_free(s.data);
        beamr_snapshot_free(changed.data);
        fixture_close(&f);
    }
}

static void a_snapshot_without_memory_gives_nothing(void **state)
{
    fixture f = fixture_open();
    beamr_instance *inst = guest_new(&f);
    unsigned n = 0;
    saved s;

    (void)state;
    change(inst, 3);
    s = save(inst);
    for (;; n++) {
        saved out = {0};
        beamr_error err = {0};
        beamr_status st;

        plan.after = n;
        plan.always = false;
        plan.hits = 0;
        plan.what = FAULT_MALLOC;
        st = beamr_snapshot_save(inst, NULL, &out.data, &out.len, &err);
        plan.what = NO_FAULT;
        if (plan.hits == 0) {
            assert_int_equal(st, BEAMR_OK);
            beamr_snapshot_free(out.data);
            break;
        }
        assert_int_equal(st, BEAMR_NO_MEMORY);
        assert_text(err, "no memory for a snapshot");
        assert_null(out.data);
    }
    assert_true(n >= 5);
    assert_saved(inst, &s);
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restore_without_memory_changes_nothing),
        cmocka_unit_test(a_restore_without_address_space_changes_nothing),
        cmocka_unit_test(a_restore_that_cannot_give_back_pages_clears_them),
        cmocka_unit_test(a_snapshot_without_memory_gives_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
