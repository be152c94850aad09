/* Functions that the embedder answers, by performing them: as if it had not. */
#include "wasi_fixture.h"

#include "beamr/guest.h"

/* Call fd_write of a text to stdout so that it can wait. */
static beamr_status begin_write(world *w, beamr_value *result, beamr_entry *entry)
{
    beamr_func *func = beamr_instance_find_func(w->instance, "fd_write");
    beamr_value args[4] = {beamr_i32(1)};

    world_iovec(w, 0, DATA, world_text(w, DATA, "text"));
    for (size_t i = 1; i < 4; i++) {
        uint64_t v = i == 1 ? IOVS : i == 2 ? 1 : OUT;

        args[i] = w->is64 ? beamr_i64((int64_t)v) : beamr_i32((int32_t)v);
    }
    beamr_error_clear(&w->err);
    return beamr_entry_begin(func, args, 4, result, 1, entry, &w->err);
}

static void a_deferred_function_waits_and_can_be_performed(void **state)
{
    world *w = *state;
    beamr_value result = beamr_i32(-1), args[4], given;
    beamr_answer answer = {.results = &given, .result_count = 1};
    beamr_request request;
    beamr_entry entry;
    beamr_error err = {0};

    assert_int_equal(beamr_wasi_set_deferred(w->wasi, "wasi_snapshot_preview1", true, &err),
                     BEAMR_OK);
    assert_int_equal(begin_write(w, &result, &entry), BEAMR_SUSPENDED);
    assert_int_equal(beamr_entry_request(w->store, entry, &request, args, 4, &err), BEAMR_OK);
    assert_memory_equal(request.module.data, "wasi_snapshot_preview1", request.module.len);
    assert_memory_equal(request.name.data, "fd_write", request.name.len);
    assert_int_equal(w->output_len, 0);
    assert_int_equal(beamr_guest_perform(w->wasi, w->instance, request.module, request.name,
                                         args, 4, &given, 1, &err),
                     BEAMR_OK);
    assert_int_equal(beamr_entry_resume(w->store, entry, &answer, &result, 1, &err), BEAMR_OK);
    assert_int_equal(result.of.i32, 0);
    assert_string_equal(w->output, "text");
    assert_int_equal(world_get_word(w, OUT), 4);

    assert_int_equal(beamr_wasi_set_deferred(w->wasi, "wasi_snapshot_preview1", false, &err),
                     BEAMR_OK);
    assert_int_equal(begin_write(w, &result, &entry), BEAMR_OK);
    assert_string_equal(w->output, "texttext");
}

static void one_library_is_deferred_without_the_others(void **state)
{
    world *w = *state;
    beamr_value result;
    beamr_entry entry;

    assert_int_equal(beamr_wasi_set_deferred(w->wasi, "env", true, NULL), BEAMR_OK);
    assert_int_equal(beamr_wasi_set_deferred(w->wasi, "wasi_unstable", true, NULL), BEAMR_OK);
    assert_int_equal(beamr_wasi_set_deferred(w->wasi, "elsewhere", true, NULL), BEAMR_ARGUMENT);
    assert_int_equal(begin_write(w, &result, &entry), BEAMR_OK);
    assert_string_equal(w->output, "text");
}

static void an_exit_is_a_trap_for_who_performs_it(void **state)
{
    world *w = *state;
    beamr_value code = beamr_i32(3);
    beamr_error err = {0};
    uint32_t exited = 0;

    assert_int_equal(beamr_guest_perform(w->wasi, w->instance,
                                         beamr_bytes_of("wasi_snapshot_preview1"),
                                         beamr_bytes_of("proc_exit"), &code, 1, NULL, 0, &err),
                     BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_EXIT);
    assert_string_equal(err.text, "exit: 3");
    assert_true(beamr_wasi_exited(w->wasi, &exited));
    assert_int_equal(exited, 3);
}

static void what_does_not_fit_is_refused(void **state)
{
    world *w = *state;
    beamr_value args[4] = {beamr_i32(1), beamr_f32(0), beamr_i32(0), beamr_i32(0)}, result;
    const beamr_bytes wasi = beamr_bytes_of("wasi_snapshot_preview1"),
                      env = beamr_bytes_of("env"), fd_write = beamr_bytes_of("fd_write");

    assert_int_equal(
        beamr_guest_perform(w->wasi, w->instance, wasi, fd_write, args, 4, &result, 1, NULL),
        BEAMR_ARGUMENT);
    assert_int_equal(
        beamr_guest_perform(w->wasi, w->instance, wasi, fd_write, args, 1, &result, 1, NULL),
        BEAMR_ARGUMENT);
    assert_int_equal(beamr_guest_perform(w->wasi, w->instance, wasi, beamr_bytes_of("fd_close"),
                                         args, 1, NULL, 0, NULL),
                     BEAMR_ARGUMENT);
    assert_int_equal(
        beamr_guest_perform(w->wasi, w->instance, env, fd_write, args, 4, &result, 1, NULL),
        BEAMR_NOT_FOUND);
    assert_false(beamr_guest_performs(env, beamr_bytes_of("__cxa_throw")));
    assert_false(beamr_guest_performs(env, beamr_bytes_of("invoke_v")));
    assert_false(beamr_guest_performs(beamr_bytes_of("x"), fd_write));
    assert_false(beamr_guest_performs(env, (beamr_bytes){NULL, 0}));
    assert_true(beamr_guest_performs(env, beamr_bytes_of("__syscall_openat")));
    assert_true(beamr_guest_performs(wasi, fd_write));
}

static void functions_of_env_are_performed(void **state)
{
    world *w = *state;
    beamr_value args[2] = {beamr_i32(99), beamr_i32(100)}, result = beamr_i32(0);

    assert_int_equal(beamr_guest_perform(w->wasi, w->instance, beamr_bytes_of("env"),
                                         beamr_bytes_of("__syscall_dup3"),
                                         (beamr_value[]){args[0], args[1], beamr_i32(0)}, 3,
                                         &result, 1, NULL),
                     BEAMR_OK);
    assert_int_equal(result.of.i32, -GUEST_EBADF);
    assert_int_equal(beamr_guest_perform(w->wasi, w->instance, beamr_bytes_of("env"),
                                         beamr_bytes_of("emscripten_date_now"), NULL, 0,
                                         &result, 1, NULL),
                     BEAMR_OK);
    assert_int_equal(result.kind, BEAMR_F64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TESTS(a_deferred_function_waits_and_can_be_performed),
        WORLD_TESTS(one_library_is_deferred_without_the_others),
        WORLD_TESTS(an_exit_is_a_trap_for_who_performs_it),
        WORLD_TESTS(what_does_not_fit_is_refused),
        WORLD_TESTS(functions_of_env_are_performed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
