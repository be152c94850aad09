/* Resolution and the parsing of paths when memory is refused: every allocation in turn. What
 * fails says so, leaves nothing behind, and the next attempt works. */
#include "ao/apart.h"
#include "refuse.h"
#include "world.h"

/* ---- A device that uses all there is ---- */

static beamr_status second(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_return(call, ao_call_result(call)->outcome,
                          ao_value_ref(ao_call_result(call)->value));
}

static beamr_status first(ao_call *call, beamr_error *err)
{
    ao_message *base;
    beamr_status st;

    if (!ao_call_memory(call, 8, NULL) || !ao_call_request(call))
        return BEAMR_NO_MEMORY;
    st = ao_message_without(ao_call_base(call), "device", &base, err);
    if (st != BEAMR_OK)
        return st;
    return ao_call_resolve(call, ao_message_value(base), ao_binary_text("Inner"), NULL, second);
}

static beamr_status early(ao_call *call, beamr_error *err)
{
    ao_builder b;

    (void)err;
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "x", ao_integer(1));
    ao_call_finish(call, AO_OUTCOME_OK, ao_builder_value(&b));
    return ao_call_later(call, NULL, NULL);
}

static ao_value name(ao_call *call)
{
    (void)call;
    return ao_binary_text("a name");
}

static beamr_status gone(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_integer(0));
}

/* Apart, and given up while it is in its function, `late`. */
static beamr_status apart(ao_call *call, beamr_error *err)
{
    beamr_status st =
        apart_resolve(call, ao_message_value(ao_message_ref(ao_call_base(call))),
                      ao_binary_text("first"), ao_call_options(call), second, gone, err);
    ao_task *held;

    if (st == APART_WAITS && ao_call_key(call).data[0] == 'l' && (held = apart_hold(call)))
        apart_give_up(held);
    return st;
}

static const ao_key keys[] = {{"first", first}, {"apart", apart}, {"late", apart}, AO_KEYS_END};
static const ao_device dev_first = {.name = "first@1.0", .keys = keys, .group = name};

static const ao_key early_keys[] = {{"early", early}, AO_KEYS_END};
static const ao_device dev_early = {.name = "early@1.0", .keys = early_keys};

/* ---- Scenarios ---- */

static ao_context *context;

/* A list of the base and a request, made while memory is there. */
static ao_value make_list(const char *path)
{
    ao_value list;
    ao_message *request;
    beamr_error err = {0};
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "path", ao_binary_text(path));
    ao_builder_put(&b, "inner", world_message_of("k", world_message_of("deep", ao_integer(1))));
    assert_int_equal(ao_builder_end(&b, &request), BEAMR_OK);
    if (ao_request_parse(context, request, &list, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_message_unref(request);
    return list;
}

static beamr_status resolve_list(ao_value list, const ao_options *options, beamr_error *err)
{
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_status st = ao_resolve(context, list, options, &result, err);

    if (st == BEAMR_OK)
        ao_value_unref(result.value);
    return st;
}

static void every_allocation_of(const char *path, ao_options options)
{
    ao_value list = make_list(path);
    size_t n = 0;

    do {
        beamr_error err = {0};
        beamr_status st;

        assert_in_range(n, 0, 10000);
        refuse_begin(n++, false);
        st = resolve_list(list, &options, &err);
        (void)refuse_end();
        if (st != BEAMR_OK && st != BEAMR_NO_MEMORY)
            fail_msg("%s: allocation %zu: %s", path, n, err.text);
        assert_true(refusal.hits > 0 || st == BEAMR_OK);
    } while (refusal.hits > 0);
    ao_value_unref(list);
}

static void resolving_survives_every_refusal(void **state)
{
    static const char *const paths[] = {
        "/inner/k/deep", "/Inner&x=1/K",    "/~first@1.0/first/k", "/inner~message@1.0/k",
        "/x/(inner)/k",  "/(inner/k)/deep", "/~first@1.0/apart/k",
    };
    ao_options plain = AO_OPTIONS_DEFAULT, forced = AO_OPTIONS_DEFAULT;

    (void)state;
    forced.force_message = true;
    forced.hashpath = AO_HASHPATH_RESET;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        every_allocation_of(paths[i], plain);
        every_allocation_of(paths[i], forced);
    }
    every_allocation_of("/~early@1.0&y=1/early/x", plain);
}

static void giving_up_survives_every_refusal(void **state)
{
    ao_options plain = AO_OPTIONS_DEFAULT;

    (void)state;
    every_allocation_of("/~first@1.0/late", plain);
}

static void parsing_survives_every_refusal(void **state)
{
    ao_message *request;
    size_t n = 0;
    ao_builder b;

    (void)state;
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "path", ao_binary_text("/A~(b)&x=(c/d)/e&F=1/(g)?1.h=2&i&KEY=(j?k=l)"));
    ao_builder_put(&b, "header+resolve", ao_binary_text("/m/n"));
    assert_int_equal(ao_builder_end(&b, &request), BEAMR_OK);
    do {
        beamr_error err = {0};
        beamr_status st;
        ao_value list;

        refuse_begin(n++, false);
        st = ao_request_parse(context, request, &list, &err);
        (void)refuse_end();
        if (st == BEAMR_OK)
            ao_value_unref(list);
        else
            assert_int_equal(st, BEAMR_NO_MEMORY);
        assert_true(refusal.hits > 0 || st == BEAMR_OK);
    } while (refusal.hits > 0);
    ao_message_unref(request);
}

static void a_context_survives_every_refusal(void **state)
{
    size_t n = 0;

    (void)state;
    do {
        ao_context *c = NULL;
        beamr_status st;

        refuse_begin(n++, false);
        st = ao_context_make(NULL, &c, NULL);
        if (st == BEAMR_OK)
            st = ao_context_add_device(c, &dev_first, NULL);
        (void)refuse_end();
        assert_true(st == BEAMR_NO_MEMORY || (st == BEAMR_OK && refusal.hits == 0));
        ao_context_free(c);
    } while (refusal.hits > 0);
}

static void execute(void *user, void (*run)(void *arg), void *arg)
{
    (void)user;
    run(arg);
}

static int open_context(void **state)
{
    const ao_settings settings = {.execute = execute};

    (void)state;
    context = world_new(&settings);
    world_add(context, &dev_first);
    world_add(context, &dev_early);
    return 0;
}

static int close_context(void **state)
{
    (void)state;
    ao_context_free(context);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolving_survives_every_refusal),
        cmocka_unit_test(giving_up_survives_every_refusal),
        cmocka_unit_test(parsing_survives_every_refusal),
        cmocka_unit_test(a_context_survives_every_refusal),
    };

    return cmocka_run_group_tests(tests, open_context, close_context);
}
