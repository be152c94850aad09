/* C++ exceptions in Emscripten's form: throwing, choosing, catching, throwing again, and what
 * is left afterwards. The guest is sources/emscripten_guest.cc. */
#include "emscripten_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handler_is_chosen_by_type),
        cmocka_unit_test(objects_on_the_way_are_destroyed),
        cmocka_unit_test(a_handler_throws_again),
        cmocka_unit_test(uncaught_exceptions_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
