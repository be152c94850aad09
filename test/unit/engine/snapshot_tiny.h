/* A small guest for tests of snapshots, with one of everything that a snapshot holds, and what
 * they do with it:
 *
 *     (module
 *       (import "m" "f" (func $f (result i32)))
 *       (func $seven (export "seven") (result i32) (i32.const 7))
 *       (table (export "t") 2 6 funcref)
 *       (memory (export "m") 1 3)
 *       (global (export "i") (mut i32) (i32.const -1))
 *       (global (mut v128) (v128.const i64x2 1 2))
 *       (global (export "x") (mut externref) (ref.null extern))
 *       (global i64 (i64.const 5))
 *       (elem (i32.const 0) func $seven)
 *       (elem $more func $seven $f)
 *       (data (i32.const 5) "hi")
 *       (data $rest "xyz")
 *       (func (export "change")
 *         (table.init $more (i32.const 0) (i32.const 0) (i32.const 2))
 *         (drop (table.grow 0 (ref.func $f) (i32.const 1)))
 *         (elem.drop $more)
 *         (memory.init $rest (i32.const 69632) (i32.const 0) (memory.grow (i32.const 1)))
 *         (global.set 0 (i32.const 1000)))
 *       (func (export "ask") (result i32)
 *         (i32.store (i32.const 0) (i32.const 9))
 *         (call $f))
 *       (func (export "work")
 *         (local $n i32)
 *         (loop $again
 *           (i32.store (i32.const 0) (local.get $n))
 *           (local.set $n (i32.add (local.get $n) (i32.const 1)))
 *           (br_if $again (i32.lt_u (local.get $n) (i32.const 500))))))
 */
#ifndef TEST_ENGINE_SNAPSHOT_TINY_H
#define TEST_ENGINE_SNAPSHOT_TINY_H

#include "fixture.h"

/* clang-format off */
static const uint8_t tiny_wasm[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x60, 0x00, 0x01,
    0x7f, 0x60, 0x00, 0x00, 0x02, 0x07, 0x01, 0x01, 0x6d, 0x01, 0x66, 0x00, 0x00, 0x03,
    0x05, 0x04, 0x00, 0x01, 0x00, 0x01, 0x04, 0x05, 0x01, 0x70, 0x01, 0x02, 0x06, 0x05,
    0x04, 0x01, 0x01, 0x01, 0x03, 0x06, 0x25, 0x04, 0x7f, 0x01, 0x41, 0x7f, 0x0b, 0x7b,
    0x01, 0xfd, 0x0c, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x0b, 0x6f, 0x01, 0xd0, 0x6f, 0x0b, 0x7e, 0x00, 0x42,
    0x05, 0x0b, 0x07, 0x2f, 0x08, 0x05, 0x73, 0x65, 0x76, 0x65, 0x6e, 0x00, 0x01, 0x01,
    0x74, 0x01, 0x00, 0x01, 0x6d, 0x02, 0x00, 0x01, 0x69, 0x03, 0x00, 0x01, 0x78, 0x03,
    0x02, 0x06, 0x63, 0x68, 0x61, 0x6e, 0x67, 0x65, 0x00, 0x02, 0x03, 0x61, 0x73, 0x6b,
    0x00, 0x03, 0x04, 0x77, 0x6f, 0x72, 0x6b, 0x00, 0x04, 0x09, 0x0c, 0x02, 0x00, 0x41,
    0x00, 0x0b, 0x01, 0x01, 0x01, 0x00, 0x02, 0x01, 0x00, 0x0c, 0x01, 0x02, 0x0a, 0x5b,
    0x04, 0x04, 0x00, 0x41, 0x07, 0x0b, 0x2a, 0x00, 0x41, 0x00, 0x41, 0x00, 0x41, 0x02,
    0xfc, 0x0c, 0x01, 0x00, 0xd2, 0x00, 0x41, 0x01, 0xfc, 0x0f, 0x00, 0x1a, 0xfc, 0x0d,
    0x01, 0x41, 0x80, 0xa0, 0x04, 0x41, 0x00, 0x41, 0x01, 0x40, 0x00, 0xfc, 0x08, 0x01,
    0x00, 0x41, 0xe8, 0x07, 0x24, 0x00, 0x0b, 0x0b, 0x00, 0x41, 0x00, 0x41, 0x09, 0x36,
    0x02, 0x00, 0x10, 0x00, 0x0b, 0x1d, 0x01, 0x01, 0x7f, 0x03, 0x40, 0x41, 0x00, 0x20,
    0x00, 0x36, 0x02, 0x00, 0x20, 0x00, 0x41, 0x01, 0x6a, 0x21, 0x00, 0x20, 0x00, 0x41,
    0xf4, 0x03, 0x49, 0x0d, 0x00, 0x0b, 0x0b, 0x0b, 0x0d, 0x02, 0x00, 0x41, 0x05, 0x0b,
    0x02, 0x68, 0x69, 0x01, 0x03, 0x78, 0x79, 0x7a,
};
/* clang-format on */

/* One thing that references may be to: number 258. */
static char tiny_thing;

static inline bool tiny_ref_save(void *user, void *ref, uint64_t *number)
{
    (void)user;
    *number = 258;
    return ref == &tiny_thing;
}

static inline bool tiny_ref_load(void *user, uint64_t number, void **ref)
{
    (void)user;
    *ref = &tiny_thing;
    return number == 258;
}

static const beamr_snapshot_options tiny_options = {
    .ref_save = tiny_ref_save,
    .ref_load = tiny_ref_load,
};

/* An instance in the fixture's store.
 *   f  its import; NULL for one that is answered later */
static inline beamr_instance *tiny_new(fixture *x, beamr_host_func f, void *user)
{
    const beamr_host host = {.callback = f, .user = user};
    beamr_extern import = {.kind = BEAMR_EXTERN_FUNC};
    beamr_instance *inst = NULL;
    beamr_module *m = NULL;

    assert_int_equal(
        beamr_func_make(x->store, fixture_type("", "i"), &host, &import.of.func, NULL),
        BEAMR_OK);
    assert_int_equal(
        beamr_module_load(x->engine, (beamr_bytes){tiny_wasm, sizeof tiny_wasm}, &m, NULL),
        BEAMR_OK);
    assert_int_equal(beamr_instance_new(x->store, m, &import, 1, &inst, NULL), BEAMR_OK);
    beamr_module_unref(m);
    return inst;
}

static inline void tiny_run(beamr_instance *inst, const char *name)
{
    beamr_error err = {0};

    if (beamr_func_call(beamr_instance_find_func(inst, name), NULL, 0, NULL, 0, &err) !=
        BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
}

static inline beamr_extern tiny_export(beamr_instance *inst, const char *name)
{
    beamr_extern e = {0};

    assert_true(beamr_instance_find(inst, beamr_bytes_of(name), &e));
    return e;
}

/* All that is not as it was in the beginning, when this is done. */
static inline void tiny_change(beamr_instance *inst)
{
    const beamr_value v = {.kind = BEAMR_EXTERNREF, .of.external = &tiny_thing};

    tiny_run(inst, "change");
    assert_int_equal(beamr_global_set(tiny_export(inst, "x").of.global, &v, NULL), BEAMR_OK);
}

typedef struct saved {
    uint8_t *data;
    size_t len;
} saved;

static inline saved tiny_save(beamr_instance *inst)
{
    saved s = {0};
    beamr_error err = {0};

    if (beamr_snapshot_save(inst, &tiny_options, &s.data, &s.len, &err) != BEAMR_OK)
        fail_msg("not saved: %s", err.text);
    return s;
}

static inline beamr_status tiny_restore(beamr_instance *inst, const saved *s, beamr_error *err)
{
    return beamr_snapshot_restore(inst, (beamr_bytes){s->data, s->len}, &tiny_options, err);
}

/* The state is the one that was saved. */
static inline void assert_saved(beamr_instance *inst, const saved *s)
{
    saved now = tiny_save(inst);

    assert_int_equal(now.len, s->len);
    assert_memory_equal(now.data, s->data, s->len);
    beamr_snapshot_free(now.data);
}

/* Two instances have equal states. */
static inline void assert_equal_states(beamr_instance *a, beamr_instance *b)
{
    saved s = tiny_save(a);

    assert_saved(b, &s);
    beamr_snapshot_free(s.data);
}

#endif
