/* C++ exceptions in Emscripten's form: throwing, choosing, catching, throwing again, and what
 * is left afterwards. The guest is sources/emscripten_guest.cc. */
#include "emscripten_fixture.h"
#include "guest/cxx.h"

static const bool widths[] = {false, true};

#define FOR_BOTH(g)                                                                            \
    for (size_t w_ = 0; w_ < 2; w_++)                                                          \
        for (guest g = guest_open_with(widths[w_], NULL, NULL, NULL); g.wasi;                  \
             guest_close(&g), g.wasi = NULL)

static void the_handler_is_chosen_by_type(void **state)
{
    (void)state;
    FOR_BOTH(g)
    {
        assert_int_equal(guest_call1(&g, "handler", 0), 0);
        assert_int_equal(guest_call1(&g, "handler", 1), 1007);
        assert_int_equal(guest_call1(&g, "handler", 2), 2005);
        assert_int_equal(guest_call1(&g, "handler", 3), 2006);
        assert_int_equal(guest_call1(&g, "handler", 4), 3000 + 't');
        assert_int_equal(guest_left(&g), 0);
    }
}

static void objects_on_the_way_are_destroyed(void **state)
{
    (void)state;
    FOR_BOTH(g)
    {
        assert_int_equal(guest_call1(&g, "cleanup", 2), 22005);
        assert_int_equal(guest_call1(&g, "cleanup", 5), 100000);
        assert_int_equal(guest_left(&g), 0);
    }
}

static void a_handler_throws_again(void **state)
{
    (void)state;
    FOR_BOTH(g)
    {
        assert_int_equal(guest_call1(&g, "again", 2), 6);
        assert_int_equal(guest_call1(&g, "again", 3), 7);
        assert_int_equal(guest_call1(&g, "again", 1), 40);
        assert_int_equal(guest_call1(&g, "again", 0), 0);
        assert_int_equal(guest_left(&g), 0);
    }
}

static void uncaught_exceptions_are_named(void **state)
{
    static const struct {
        int32_t what;
        const char *text;
    } cases[] = {{1, "of type int"},
                 {2, "of type Base"},
                 {3, "of type Derived"},
                 {4, "of type char const*"},
                 {5, "of type double"}};

    (void)state;
    FOR_BOTH(g)
    {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            beamr_error err = {0};
            int32_t out;

            assert_int_equal(guest_try(&g, "raise", &cases[i].what, 1, &out, &err),
                             BEAMR_EXCEPTION);
            beamr_guest_explain(g.wasi, g.f.store, &err);
            assert_text(err, cases[i].text);
        }
        assert_int_equal(guest_call1(&g, "handler", 1), 1007);
    }
}

/* ---- State ---- */

static void save(guest *g, uint8_t **bytes, size_t *len)
{
    beamr_error err = {0};

    if (beamr_wasi_save(g->wasi, bytes, len, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
}

static void the_state_is_part_of_the_systems(void **state)
{
    (void)state;
    FOR_BOTH(g)
    {
        guest fresh = guest_open_with(g.is64, NULL, NULL, NULL);
        uint8_t *first, *thrown, *again;
        size_t first_len, thrown_len, again_len;
        beamr_error err = {0};
        int32_t out;

        save(&g, &first, &first_len);
        assert_int_equal(guest_try(&g, "raise", (int32_t[]){2}, 1, &out, &err),
                         BEAMR_EXCEPTION);
        save(&g, &thrown, &thrown_len);
        assert_true(thrown_len > first_len);
        if (beamr_wasi_load(fresh.wasi, (beamr_bytes){thrown, thrown_len}, &err) != BEAMR_OK)
            fail_msg("%s", err.text);
        assert_int_equal(guest_wasi_cxx(fresh.wasi)->uncaught, 1);
        assert_true(guest_wasi_cxx(fresh.wasi)->last != 0);
        save(&fresh, &again, &again_len);
        assert_int_equal(again_len, thrown_len);
        assert_memory_equal(again, thrown, thrown_len);
        free(again);
        beamr_error_clear(&err);
        assert_int_equal(beamr_wasi_load(fresh.wasi, (beamr_bytes){first, first_len}, &err),
                         BEAMR_OK);
        assert_int_equal(guest_wasi_cxx(fresh.wasi)->uncaught, 0);
        free(first);
        free(thrown);
        guest_close(&fresh);
    }
}

static void caught_exceptions_are_saved_in_order(void **state)
{
    uint64_t caught[3] = {16, UINT64_MAX, 48};
    guest_cxx cxx = {
        .last = 5, .uncaught = 2, .temp_ret = UINT32_MAX, .caught = caught, .caught_count = 3};
    guest_cxx loaded = {0};
    uint8_t *bytes;
    size_t len;

    (void)state;
    assert_int_equal(guest_cxx_save(&cxx, &bytes, &len, NULL), BEAMR_OK);
    assert_int_equal(guest_cxx_load(&loaded, (beamr_bytes){bytes, len}, NULL), BEAMR_OK);
    assert_int_equal(loaded.last, 5);
    assert_int_equal(loaded.uncaught, 2);
    assert_int_equal(loaded.temp_ret, UINT32_MAX);
    assert_int_equal(loaded.caught_count, 3);
    assert_memory_equal(loaded.caught, caught, sizeof caught);
    guest_cxx_clear(&loaded);
    free(bytes);
}

static void damaged_states_change_nothing(void **state)
{
    uint8_t bytes[24] = {[20] = 1};
    guest_cxx cxx = {.last = 5};
    beamr_error err = {0};

    (void)state;
    for (size_t len = 1; len < sizeof bytes; len++)
        assert_int_equal(guest_cxx_load(&cxx, (beamr_bytes){bytes, len}, NULL),
                         BEAMR_MALFORMED);
    assert_int_equal(guest_cxx_load(&cxx, (beamr_bytes){bytes, sizeof bytes}, &err),
                     BEAMR_MALFORMED);
    assert_int_equal(err.offset, 16);
    assert_int_equal(cxx.last, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handler_is_chosen_by_type),
        cmocka_unit_test(objects_on_the_way_are_destroyed),
        cmocka_unit_test(a_handler_throws_again),
        cmocka_unit_test(uncaught_exceptions_are_named),
        cmocka_unit_test(the_state_is_part_of_the_systems),
        cmocka_unit_test(caught_exceptions_are_saved_in_order),
        cmocka_unit_test(damaged_states_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
