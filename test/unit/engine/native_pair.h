/* One module in both tiers: what is called in the one is called in the other, and must come to
 * the same, bit for bit: results, and traps with their texts and places. Values are their bits.
 */
#ifndef TEST_ENGINE_NATIVE_PAIR_H
#define TEST_ENGINE_NATIVE_PAIR_H

#include "native.h"

#include <inttypes.h>
#include <stdio.h>

#include "beamr/native.h"

#define PAIR_ARGS 8

typedef struct native_pair {
    fixture tiers[2]; /* interpreted, native */
    beamr_instance *instances[2];
} native_pair;

static inline beamr_value pair_value(char letter, uint64_t bits)
{
    beamr_value v;

    memset(&v, 0, sizeof v);
    v.kind = letter == 'i'   ? BEAMR_I32
             : letter == 'l' ? BEAMR_I64
             : letter == 'f' ? BEAMR_F32
                             : BEAMR_F64;
    memcpy(&v.of, &bits, letter == 'i' || letter == 'f' ? 4 : 8);
    return v;
}

static inline uint64_t pair_bits(const beamr_value *v)
{
    uint64_t bits = 0;

    memcpy(&bits, &v->of, v->kind == BEAMR_I32 || v->kind == BEAMR_F32 ? 4 : 8);
    return bits;
}

static inline void pair_compile(beamr_module *m, bool checks)
{
    beamr_compile_options options = native_options();
    beamr_error err = {0};

    options.checks = checks;
    options.threads = 1;
    if (beamr_module_compile(m, &options, &err) != BEAMR_OK)
        fail_msg("the module is not compiled: %s", err.text);
    assert_true(beamr_module_native_count(m) > 0);
}

/* Takes the builder's bytes.
 *   checks  native code checks each access, guard or not */
static inline native_pair pair_open(wasm_builder *w, bool checks)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    native_pair p = {0};

    config.tier = BEAMR_TIER_INTERPRET;
    for (unsigned i = 0; i < 2; i++) {
        beamr_module *m = NULL;
        beamr_error err = {0};

        p.tiers[i] = fixture_open_with(&config, NULL);
        if (beamr_module_load(p.tiers[i].engine, wasm_bytes_of(w), &m, &err) != BEAMR_OK)
            fail_msg("the module does not load: %s at %u", err.text, (unsigned)err.offset);
        if (i == 1)
            pair_compile(m, checks);
        if (beamr_instance_new(p.tiers[i].store, m, NULL, 0, &p.instances[i], &err) != BEAMR_OK)
            fail_msg("the module cannot be instantiated: %s", err.text);
        beamr_module_unref(m);
    }
    wasm_free(w);
    return p;
}

static inline void pair_close(native_pair *p)
{
    fixture_close(&p->tiers[0]);
    fixture_close(&p->tiers[1]);
}

static inline void pair_fail(const char *name, const char *letters, const uint64_t *args,
                             const char *what)
{
    char text[400];
    size_t at = 0;

    text[0] = 0;
    for (size_t i = 0; letters[i] != '_' && at < sizeof text - 20; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, " %c:0x%" PRIx64, letters[i],
                               args[i]);
    fail_msg("%s%s: %s", name, text, what);
}

static inline void pair_check_errors(const char *name, const char *letters,
                                     const uint64_t *args, const beamr_error *a,
                                     const beamr_error *b)
{
    bool same = a->status == b->status && a->trap == b->trap && !strcmp(a->text, b->text) &&
                a->frame_total == b->frame_total && a->frame_count == b->frame_count;
    char what[300];

    for (uint32_t i = 0; same && i < a->frame_count; i++)
        same = a->frames[i].func == b->frames[i].func &&
               a->frames[i].offset == b->frames[i].offset;
    if (same)
        return;
    (void)snprintf(what, sizeof what,
                   "\"%.100s\" at 0x%x interpreted, \"%.100s\" at 0x%x native", a->text,
                   (unsigned)a->frames[0].offset, b->text, (unsigned)b->frames[0].offset);
    pair_fail(name, letters, args, what);
}

/* An export of both tiers. */
typedef struct pair_func {
    const char *name; /* borrowed */
    beamr_func *of[2];
} pair_func;

static inline pair_func pair_find(const native_pair *p, const char *name)
{
    pair_func f = {.name = name};

    for (unsigned i = 0; i < 2; i++) {
        f.of[i] = beamr_instance_find_func(p->instances[i], name);
        assert_non_null(f.of[i]);
    }
    return f;
}

/* Call it in both tiers.
 *   letters  types of the arguments, underscore, type of the result if there is one
 * Returns the result's bits, 0 after a trap. */
static inline uint64_t pair_call(const pair_func *f, const char *letters, const uint64_t *bits)
{
    const char *underscore = strchr(letters, '_');
    size_t count = (size_t)(underscore - letters), results = strlen(underscore + 1);
    beamr_value args[PAIR_ARGS], out[2] = {{0}, {0}};
    beamr_error errors[2] = {{0}, {0}};

    for (size_t i = 0; i < count; i++)
        args[i] = pair_value(letters[i], bits[i]);
    for (unsigned i = 0; i < 2; i++)
        (void)beamr_func_call(f->of[i], args, count, &out[i], results, &errors[i]);
    if (errors[0].status || errors[1].status) {
        pair_check_errors(f->name, letters, bits, &errors[0], &errors[1]);
        return 0;
    }
    if (results && pair_bits(&out[0]) != pair_bits(&out[1])) {
        char what[100];

        (void)snprintf(what, sizeof what, "0x%" PRIx64 " interpreted, 0x%" PRIx64 " native",
                       pair_bits(&out[0]), pair_bits(&out[1]));
        pair_fail(f->name, letters, bits, what);
    }
    return results ? pair_bits(&out[0]) : 0;
}

/* The exported memories are the same. */
static inline void pair_check_memories(const native_pair *p, const char *name)
{
    beamr_memory *a = beamr_instance_find_memory(p->instances[0], "memory");
    beamr_memory *b = beamr_instance_find_memory(p->instances[1], "memory");
    const uint8_t *x = beamr_memory_data(a), *y = beamr_memory_data(b);
    uint64_t size = beamr_memory_size(a), i = 0;

    assert_int_equal(size, beamr_memory_size(b));
    if (!memcmp(x, y, size))
        return;
    while (x[i] == y[i])
        i++;
    fail_msg("%s: byte %" PRIu64 " is 0x%02x interpreted, 0x%02x native", name, i, x[i], y[i]);
}

/* Put the same bytes into the exported memories. */
static inline void pair_write(const native_pair *p, uint64_t addr, const void *bytes,
                              size_t len)
{
    for (unsigned i = 0; i < 2; i++) {
        beamr_memory *m = beamr_instance_find_memory(p->instances[i], "memory");

        assert_int_equal(beamr_memory_write(m, addr, bytes, len, NULL), BEAMR_OK);
    }
}

#endif
