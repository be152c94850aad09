/* WASI when the host has no memory: the Nth request of a call fails, for N = 1, 2, ... until
 * none is hit. The call ends, and nothing has happened.
 * The linker leads requests to the functions with __wrap_ (test/CMakeLists.txt). */
#include "refuse.h"
#include "wasi_fixture.h"

/* What a call changes can be seen in these. */
typedef struct state_of {
    uint64_t bytes, nodes, position;
} state_of;

static state_of look(world *w)
{
    state_of s = {beamr_vfs_bytes(w->vfs), beamr_vfs_nodes(w->vfs), 0};

    assert_success(CALL(w, fd_tell, 4, OUT));
    s.position = world_get(w, OUT, 8);
    return s;
}

/* Make a call until it gets all memory that it asks for.  Returns how often it did not. */
static unsigned with_faults(world *w, const char *name, const uint64_t *args)
{
    for (unsigned n = 0;; n++) {
        state_of before = look(w), after;
        int got;

        refuse_begin(n, false);
        got = world_call(w, name, args);
        (void)refuse_end();
        if (got == 0)
            return n; /* or it can do without */
        assert_true(refusal.hits > 0);
        assert_int_equal(got, -1);
        assert_true(w->err.status == BEAMR_NO_MEMORY ||
                    w->err.trap == BEAMR_TRAP_OUT_OF_MEMORY);
        after = look(w);
        assert_memory_equal(&before, &after, sizeof before);
    }
}

static void calls_without_memory_do_nothing(void **state)
{
    world *w = *state;
    uint64_t len = world_text(w, PATH, "new"), len2 = world_text(w, PATH2, "dir");

    assert_int_equal(world_file(w, "file", GUEST_OFLAG_CREAT, 0), 4);
    len = world_text(w, PATH, "new");
    for (size_t i = 0; i < 100; i++) /* subscriptions, too: output that is ready */
        world_iovec(w, i, DATA, 100);
    assert_true(with_faults(w, "fd_write", (const uint64_t[]){4, IOVS, 100, OUT}) > 0);
    assert_true(with_faults(w, "fd_read", (const uint64_t[]){4, IOVS, 100, OUT}) > 0);
    assert_true(
        with_faults(w, "path_open", (const uint64_t[]){3, 0, PATH, len, 1, 0, 0, 0, OUT}) > 0);
    assert_true(with_faults(w, "path_create_directory", (const uint64_t[]){3, PATH2, len2}) >
                0);
    memset(world_at(w, IOVS), 0, 4096);
    for (size_t i = 0; i < 50; i++)
        world_put(w, IOVS + 48 * i + 16, BEAMR_CLOCK_MONOTONIC, 4);
    assert_true(with_faults(w, "poll_oneoff", (const uint64_t[]){IOVS, DATA, 50, OUT}) > 0);
}

static void linking_without_memory_can_be_done_again(void **state)
{
    world *w = *state;
    wasm_builder b = {0};
    beamr_module *module = NULL;

    wasi_guest_module(&b, w->is64, false, 1);
    assert_int_equal(beamr_module_load(w->engine, wasm_bytes_of(&b), &module, NULL), BEAMR_OK);
    wasm_free(&b);
    for (unsigned n = 0;; n++) {
        beamr_linker *linker = NULL;
        beamr_error err = {0};
        beamr_status st;

        assert_int_equal(beamr_linker_new(w->store, &linker, NULL), BEAMR_OK);
        refuse_begin(n, false);
        st = beamr_wasi_link(w->wasi, linker, module, &err);
        (void)refuse_end();
        beamr_linker_free(linker);
        if (refusal.hits == 0) {
            assert_int_equal(st, BEAMR_OK);
            break;
        }
        assert_true(st == BEAMR_NO_MEMORY || st == BEAMR_OK); /* tables may stay small */
    }
    beamr_module_unref(module);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TESTS(calls_without_memory_do_nothing),
        WORLD_TESTS(linking_without_memory_can_be_done_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
