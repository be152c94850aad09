/* `invoke_*`: what it calls, what it catches and what it lets pass, and that calls below it can
 * do all that calls can. The guests are in sources/. */
#include "emscripten_fixture.h"
#include "invoke_guest.h"
#include "start_guest.h"

/* ---- A guest in text form ---- */

static guest text_guest_with(const char *features)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_error err = {0};
    guest g = {0};

    config.features = features;
    g.f = fixture_open_with(&config, NULL);
    assert_int_equal(beamr_wasi_new(NULL, &g.wasi, &err), BEAMR_OK);
    assert_int_equal(beamr_linker_new(g.f.store, &g.linker, &err), BEAMR_OK);
    if (beamr_module_load(g.f.engine, (beamr_bytes){invoke_guest, sizeof invoke_guest},
                          &g.module, &err) != BEAMR_OK ||
        beamr_guest_instantiate(g.wasi, g.linker, g.module, BEAMR_STUBS_NONE, &g.instance,
                                &err) != BEAMR_OK)
        fail_msg("the guest cannot be made: %s", err.text);
    return g;
}

static beamr_status call_values(guest *g, const char *name, const beamr_value *args,
                                size_t count, beamr_value *results, size_t result_count,
                                beamr_error *err)
{
    beamr_error_clear(err);
    return beamr_func_call(guest_func(g, name), args, count, results, result_count, err);
}

static int64_t last(guest *g)
{
    beamr_value v = {0};
    beamr_error err = {0};

    assert_int_equal(call_values(g, "last", NULL, 0, &v, 1, &err), BEAMR_OK);
    return v.of.i64;
}

static int32_t number(guest *g, const char *name)
{
    beamr_value v = {0};
    beamr_error err = {0};

    assert_int_equal(call_values(g, name, NULL, 0, &v, 1, &err), BEAMR_OK);
    return v.of.i32;
}

/* Call an export of no results with i32s. */
static beamr_status call_ints(guest *g, const char *name, int32_t a, int32_t b,
                              beamr_error *err)
{
    beamr_value args[2] = {beamr_i32(a), beamr_i32(b)};
    size_t count = beamr_func_type(guest_func(g, name)).param_count;

    return call_values(g, name, args, count, NULL, 0, err);
}

enum {
    AT_NULL,
    AT_SINK,
    AT_SINK_WIDE,
    AT_SINK_THROW,
    AT_VECTOR,
    AT_VECTOR_THROW,
    AT_TWO,
    AT_TWO_THROW,
    AT_REF,
    AT_REF_THROW,
    AT_INVOKE,
    AT_THROW,
    AT_WIDE
};

static const char *const feature_sets[] = {"", "-legacy-exceptions", "-exceptions",
                                           "-tail-call"};

#define FOR_FEATURES(g)                                                                        \
    for (size_t s_ = 0; s_ < sizeof feature_sets / sizeof feature_sets[0]; s_++)               \
        for (guest g = text_guest_with(feature_sets[s_]); g.wasi;                              \
             guest_close(&g), g.wasi = NULL)

static void arguments_and_results_of_all_types_pass(void **state)
{
    (void)state;
    FOR_FEATURES(g)
    {
        beamr_value args[2] = {beamr_i32(AT_VECTOR), {.kind = BEAMR_V128}};
        beamr_value results[2];
        beamr_error err = {0};

        memset(args[1].of.v128, 3, sizeof args[1].of.v128);
        assert_int_equal(call_values(&g, "vector", args, 2, results, 1, &err), BEAMR_OK);
        assert_int_equal(results[0].of.v128[15], 6);
        args[0] = beamr_i32(AT_TWO);
        assert_int_equal(call_values(&g, "two", args, 1, results, 2, &err), BEAMR_OK);
        assert_int_equal(results[0].of.i32, 3);
        assert_true(results[1].of.f32 == 1.5f);
        args[0] = beamr_i32(AT_REF);
        args[1] = (beamr_value){.kind = BEAMR_EXTERNREF};
        assert_int_equal(call_values(&g, "ref", args, 2, results, 1, &err), BEAMR_OK);
        assert_non_null(results[0].of.func);
        assert_int_equal(number(&g, "threw"), 0);
    }
}

static void a_throw_gives_zeros_and_restores_the_stack(void **state)
{
    (void)state;
    FOR_FEATURES(g)
    {
        beamr_value args[2] = {beamr_i32(AT_VECTOR_THROW), {.kind = BEAMR_V128}};
        beamr_value results[2];
        beamr_error err = {0};

        assert_int_equal(call_ints(&g, "vi", AT_SINK_THROW, 9, &err), BEAMR_OK);
        assert_int_equal(number(&g, "threw"), 10); /* setThrew(1, 0) */
        assert_int_equal(number(&g, "sp"), 1000);
        memset(args[1].of.v128, 3, sizeof args[1].of.v128);
        memset(results, 0xff, sizeof results);
        assert_int_equal(call_values(&g, "vector", args, 2, results, 1, &err), BEAMR_OK);
        assert_int_equal(results[0].of.v128[15], 0);
        args[0] = beamr_i32(AT_TWO_THROW);
        assert_int_equal(call_values(&g, "two", args, 1, results, 2, &err), BEAMR_OK);
        assert_int_equal(results[0].of.i32, 0);
        assert_true(results[1].of.f32 == 0);
        args[0] = beamr_i32(AT_REF_THROW);
        args[1] = (beamr_value){.kind = BEAMR_EXTERNREF};
        assert_int_equal(call_values(&g, "ref", args, 2, results, 1, &err), BEAMR_OK);
        assert_null(results[0].of.func);
        assert_int_equal(call_ints(&g, "v", AT_THROW, 0, &err), BEAMR_OK);
        assert_int_equal(number(&g, "threw"), 10);
    }
}

static void wrong_places_of_the_table_trap(void **state)
{
    static const struct {
        int32_t place;
        beamr_trap trap;
    } cases[] = {{AT_NULL, BEAMR_TRAP_UNINITIALIZED_ELEMENT},
                 {AT_SINK_WIDE, BEAMR_TRAP_INDIRECT_CALL_MISMATCH},
                 {14, BEAMR_TRAP_UNDEFINED_ELEMENT},
                 {-1, BEAMR_TRAP_UNDEFINED_ELEMENT}};

    (void)state;
    FOR_FEATURES(g)
    {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            beamr_error err = {0};

            assert_int_equal(call_ints(&g, "vi", cases[i].place, 0, &err), BEAMR_TRAP);
            assert_int_equal(err.trap, cases[i].trap);
            assert_int_equal(number(&g, "threw"), 0);
        }
    }
}

static void one_name_may_have_several_types(void **state)
{
    guest g = text_guest_with("");
    beamr_value args[2] = {beamr_i32(AT_SINK_WIDE), beamr_i64(INT64_C(1) << 40)};
    beamr_error err = {0};

    (void)state;
    assert_int_equal(call_ints(&g, "vi", AT_SINK, 77, &err), BEAMR_OK);
    assert_int_equal(last(&g), 77);
    assert_int_equal(call_values(&g, "vl", args, 2, NULL, 0, &err), BEAMR_OK);
    assert_int_equal(last(&g), INT64_C(1) << 40);
    guest_close(&g);
}

/* Without 64-bit integers at the boundary the table's functions have them all the same. */
static void numbers_in_halves_go_through_dyncall(void **state)
{
    guest g = text_guest_with("");
    beamr_value args[4] = {beamr_i32(AT_WIDE), beamr_i32(1), beamr_i32(2), beamr_i32(3)};
    beamr_error err = {0};

    (void)state;
    assert_int_equal(call_values(&g, "halves", args, 4, NULL, 0, &err), BEAMR_OK);
    assert_int_equal(last(&g), (INT64_C(3) << 32) + 3);
    args[1] = beamr_i32(0);
    assert_int_equal(call_values(&g, "halves", args, 4, NULL, 0, &err), BEAMR_OK);
    assert_int_equal(number(&g, "threw"), 10);
    guest_close(&g);
}

static void an_invoke_in_the_table_is_called_through_it(void **state)
{
    guest g = text_guest_with("");
    beamr_error err = {0};

    (void)state;
    assert_int_equal(call_ints(&g, "call", AT_INVOKE, AT_THROW, &err), BEAMR_OK);
    assert_int_equal(number(&g, "threw"), 10);
    /* invoke_vi(invoke_v, throw) */
    assert_int_equal(call_ints(&g, "vi", AT_INVOKE, AT_THROW, &err), BEAMR_OK);
    assert_int_equal(number(&g, "threw"), 10);
    guest_close(&g);
}

static beamr_status host_notes_memory(const beamr_call *call, const beamr_value *args,
                                      beamr_value *results, beamr_error *err)
{
    (void)args;
    (void)results;
    (void)err;
    *(beamr_memory **)call->user = beamr_instance_memory(call->caller, 0);
    return BEAMR_OK;
}

static void a_host_function_in_the_table_finds_the_guests_memory(void **state)
{
    guest g = text_guest_with("");
    beamr_memory *found = NULL;
    beamr_value func = {.kind = BEAMR_FUNCREF};
    beamr_error err = {0};

    (void)state;
    func.of.func = fixture_func(&g.f, "i", "", host_notes_memory, &found);
    assert_int_equal(beamr_table_set(beamr_instance_table(g.instance, 0), AT_NULL, &func, &err),
                     BEAMR_OK);
    assert_int_equal(call_ints(&g, "vi", AT_NULL, 5, &err), BEAMR_OK);
    assert_non_null(found);
    assert_ptr_equal(found, beamr_instance_memory(g.instance, 0));
    guest_close(&g);
}

static void snapshots_hold_an_invoke_in_the_table(void **state)
{
    guest g = text_guest_with(""), fresh = text_guest_with("");
    uint8_t *bytes = NULL, *again = NULL;
    size_t len = 0, again_len = 0;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(call_ints(&g, "put_invoke", AT_NULL, 0, &err), BEAMR_OK);
    assert_int_equal(call_ints(&g, "vi", AT_SINK_THROW, 0, &err), BEAMR_OK);
    assert_int_equal(call_ints(&g, "vi", AT_SINK, 5, &err), BEAMR_OK);
    if (beamr_snapshot_save(g.instance, NULL, &bytes, &len, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    if (beamr_snapshot_restore(fresh.instance, (beamr_bytes){bytes, len}, NULL, &err) !=
        BEAMR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(beamr_snapshot_save(fresh.instance, NULL, &again, &again_len, &err),
                     BEAMR_OK);
    assert_int_equal(again_len, len);
    assert_memory_equal(again, bytes, len);
    guest_close(&g);
    assert_int_equal(last(&fresh), 5);
    assert_int_equal(number(&fresh, "threw"), 10);
    assert_int_equal(call_ints(&fresh, "call", AT_NULL, AT_THROW, &err), BEAMR_OK);
    assert_int_equal(number(&fresh, "threw"), 10);
    guest_close(&fresh);
    beamr_snapshot_free(bytes);
    beamr_snapshot_free(again);
}

/* ---- clang's own code ---- */

static void throws_and_longjmps_work_in_every_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof feature_sets / sizeof feature_sets[0]; i++) {
        beamr_config config = BEAMR_CONFIG_DEFAULT;
        guest g;

        config.features = feature_sets[i / 2];
        g = guest_open_with(i % 2, &config, NULL, NULL);
        assert_int_equal(guest_call1(&g, "handler", 1), 1007);
        assert_int_equal(guest_call1(&g, "handler", 3), 2006);
        /* setjmp gives 1 (from 0), then 2, 3, 4, 5 */
        assert_int_equal(guest_call1(&g, "jumps", 10), 510);
        guest_close(&g);
    }
}

static void other_signatures_of_clang(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        guest g = guest_open_with(i, NULL, NULL, NULL);
        beamr_value arg = beamr_i32(4), result = {0};
        beamr_error err = {0};

        assert_int_equal(call_values(&g, "mixed_call", &arg, 1, &result, 1, &err), BEAMR_OK);
        assert_true(result.of.f64 == 1099511627776.0 + 4.75);
        arg = beamr_i32(-3);
        assert_int_equal(call_values(&g, "mixed_call", &arg, 1, &result, 1, &err), BEAMR_OK);
        assert_true(result.of.f64 == -3);
        guest_close(&g);
    }
}

static void without_exceptions_a_module_is_unsupported(void **state)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_instance *instance = NULL;
    beamr_linker *linker = NULL;
    beamr_module *module = NULL;
    beamr_wasi *wasi = NULL;
    beamr_error err = {0};
    fixture f;

    (void)state;
    config.features = "-exceptions,-legacy-exceptions";
    f = fixture_open_with(&config, NULL);
    assert_int_equal(beamr_wasi_new(NULL, &wasi, &err), BEAMR_OK);
    assert_int_equal(beamr_linker_new(f.store, &linker, &err), BEAMR_OK);
    assert_int_equal(beamr_module_load(f.engine, guest_image(false), &module, &err), BEAMR_OK);
    assert_int_equal(
        beamr_guest_instantiate(wasi, linker, module, BEAMR_STUBS_TRAP, &instance, &err),
        BEAMR_UNSUPPORTED);
    assert_text(err, "invoke_*");
    beamr_module_unref(module);
    beamr_linker_free(linker);
    fixture_close(&f);
    beamr_wasi_unref(wasi);
}

static void protected_calls_nest_10000_deep(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        guest g = guest_open_with(i, NULL, NULL, NULL);

        assert_int_equal(guest_call2(&g, "nest", 10000, 0), 10000);
        assert_int_equal(guest_call2(&g, "nest", 10000, 5), 9999);
        guest_close(&g);
    }
}

/* An int is not what the handlers of `nest` are for: it passes them all. */
static void a_throw_passes_10000_protected_calls(void **state)
{
    guest g = guest_open_with(false, NULL, NULL, NULL);
    beamr_error err = {0};
    int32_t out;

    (void)state;
    assert_int_equal(guest_try(&g, "nest", (int32_t[]){10000, 1}, 2, &out, &err),
                     BEAMR_EXCEPTION);
    beamr_guest_explain(g.wasi, g.f.store, &err);
    assert_text(err, "of type int");
    guest_close(&g);
}

static void a_longjmp_without_target_is_named(void **state)
{
    guest g = guest_open_with(false, NULL, NULL, NULL);
    beamr_error err = {0};
    int32_t out;

    (void)state;
    assert_int_equal(guest_try(&g, "stray", NULL, 0, &out, &err), BEAMR_EXCEPTION);
    beamr_guest_explain(g.wasi, g.f.store, &err);
    assert_text(err, "longjmp without target");
    guest_close(&g);
}

static void a_million_throws_in_one_call(void **state)
{
    guest g = guest_open_with(false, NULL, NULL, NULL);

    (void)state;
    assert_int_equal(guest_call1(&g, "many_jumps", 1000000), 0);
    assert_int_equal(guest_call1(&g, "many", 30000), 30000);
    assert_int_equal(guest_left(&g), 0);
    guest_close(&g);
}

/* ---- What is not caught ---- */

typedef struct ending {
    const char *name;
    beamr_status status;
    beamr_trap trap;
} ending;

enum {
    END_TRAP,
    END_EXIT,
    END_ABORT,
    END_HOST,
    END_MEMORY,
    END_INTERRUPT,
    END_DEADLINE,
    END_FUEL
};

static const ending endings[] = {
    [END_TRAP] = {"trap", BEAMR_TRAP, BEAMR_TRAP_UNREACHABLE},
    [END_EXIT] = {"exit", BEAMR_TRAP, BEAMR_TRAP_EXIT},
    [END_ABORT] = {"abort", BEAMR_TRAP, BEAMR_TRAP_ABORT},
    [END_HOST] = {"host error", BEAMR_TRAP, BEAMR_TRAP_HOST},
    [END_MEMORY] = {"no memory", BEAMR_TRAP, BEAMR_TRAP_OUT_OF_MEMORY},
    [END_INTERRUPT] = {"interrupt", BEAMR_TRAP, BEAMR_TRAP_INTERRUPTED},
    [END_DEADLINE] = {"deadline", BEAMR_TRAP, BEAMR_TRAP_DEADLINE},
    [END_FUEL] = {"fuel", BEAMR_TRAP, BEAMR_TRAP_OUT_OF_FUEL},
};

static beamr_status host_ends(const beamr_call *call, const beamr_value *args,
                              beamr_value *results, beamr_error *err)
{
    (void)results;
    switch (args[0].of.i32 - 100) {
    case END_TRAP:
    case END_EXIT:
    case END_ABORT:
        return beamr_fail_trap(err, endings[args[0].of.i32 - 100].trap, NULL);
    case END_HOST:
        return beamr_fail(err, BEAMR_IO, 0, "broken");
    case END_MEMORY:
        return BEAMR_NO_MEMORY;
    case END_INTERRUPT:
        beamr_store_interrupt(call->store);
        return BEAMR_OK;
    case END_DEADLINE:
        return beamr_store_set_deadline(call->store, 0, err);
    default:
        beamr_store_set_fuel(call->store, 0);
        return BEAMR_OK;
    }
}

static void traps_and_ends_are_never_caught(void **state)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;

    (void)state;
    config.metering = true;
    for (int32_t i = 0; i < (int32_t)(sizeof endings / sizeof endings[0]); i++) {
        guest g = guest_open_with(false, &config, host_ends, NULL);
        beamr_error err = {0};
        int32_t out;

        if (guest_try(&g, "nest", (int32_t[]){3, 100 + i}, 2, &out, &err) !=
                endings[i].status ||
            err.trap != endings[i].trap)
            fail_msg("%s: %s", endings[i].name, err.text);
        beamr_store_clear_deadline(g.f.store);
        beamr_store_set_fuel(g.f.store, UINT64_MAX);
        assert_int_equal(guest_call1(&g, "handler", 2), 2005);
        guest_close(&g);
    }
}

static beamr_status host_throws(const beamr_call *call, const beamr_value *args,
                                beamr_value *results, beamr_error *err)
{
    (void)args;
    (void)results;
    return beamr_throw(call->store, *(beamr_tag **)call->user, NULL, 0, err);
}

static void exceptions_of_other_tags_pass(void **state)
{
    beamr_tag *tag = NULL;
    guest g = guest_open_with(false, NULL, host_throws, &tag);
    beamr_exception *exception;
    beamr_error err = {0};
    char text[64];
    int32_t out;

    (void)state;
    assert_int_equal(beamr_tag_new(g.f.store, fixture_type("", ""), &tag, &err), BEAMR_OK);
    assert_int_equal(guest_try(&g, "nest", (int32_t[]){3, 100}, 2, &out, &err),
                     BEAMR_EXCEPTION);
    exception = beamr_exception_take(g.f.store);
    assert_ptr_equal(beamr_exception_tag(exception), tag);
    assert_false(beamr_emscripten_describe(g.wasi, exception, text, sizeof text));
    beamr_exception_release(g.f.store, exception);
    guest_close(&g);
}

/* ---- What waits ---- */

static void an_import_below_an_invoke_is_answered_later(void **state)
{
    guest g = guest_open_with(false, NULL, NULL, NULL);
    beamr_value args[2] = {beamr_i32(3), beamr_i32(123)}, result = {0}, asked;
    beamr_error failure = {0}, err = {0};
    beamr_answer answer = {.error = &failure};
    beamr_request request;
    beamr_entry entry;

    (void)state;
    assert_int_equal(
        beamr_entry_begin(guest_func(&g, "nest"), args, 2, &result, 1, &entry, &err),
        BEAMR_SUSPENDED);
    assert_int_equal(beamr_entry_request(g.f.store, entry, &request, &asked, 1, &err),
                     BEAMR_OK);
    assert_int_equal(asked.of.i32, 123);
    assert_int_equal(beamr_entry_resume(g.f.store, entry, NULL, &result, 1, &err), BEAMR_OK);
    assert_int_equal(result.of.i32, 3);

    assert_int_equal(
        beamr_entry_begin(guest_func(&g, "nest"), args, 2, &result, 1, &entry, &err),
        BEAMR_SUSPENDED);
    (void)beamr_fail(&failure, BEAMR_IO, 0, "gone");
    assert_int_equal(beamr_entry_resume(g.f.store, entry, &answer, &result, 1, &err),
                     BEAMR_TRAP);
    assert_text(err, "gone");
    guest_close(&g);
}

/* The same entry twice: the inner call ends below a protected call of the outer. */
static void a_waiting_call_can_be_cancelled(void **state)
{
    guest g = guest_open_with(true, NULL, NULL, NULL);
    beamr_value args[2] = {beamr_i32(3), beamr_i32(123)}, result;
    beamr_error err = {0};
    beamr_entry entry;

    (void)state;
    assert_int_equal(
        beamr_entry_begin(guest_func(&g, "nest"), args, 2, &result, 1, &entry, &err),
        BEAMR_SUSPENDED);
    assert_int_equal(guest_call1(&g, "handler", 3), 2006);
    assert_int_equal(beamr_entry_cancel(g.f.store, entry, &err), BEAMR_OK);
    assert_int_equal(guest_call1(&g, "handler", 1), 1007);
    guest_close(&g);
}

static beamr_status host_pauses(const beamr_call *call, const beamr_value *args,
                                beamr_value *results, beamr_error *err)
{
    (void)args;
    (void)results;
    (void)err;
    beamr_store_pause(call->store);
    return BEAMR_OK;
}

static void a_call_pauses_below_an_invoke(void **state)
{
    guest g = guest_open_with(false, NULL, host_pauses, NULL);
    beamr_value args[2] = {beamr_i32(5), beamr_i32(100)}, result = {0};
    beamr_error err = {0};
    beamr_entry entry;
    beamr_status st;
    int pauses = 0;

    (void)state;
    st = beamr_entry_begin(guest_func(&g, "nest"), args, 2, &result, 1, &entry, &err);
    for (; st == BEAMR_SUSPENDED; pauses++)
        st = beamr_entry_resume(g.f.store, entry, NULL, &result, 1, &err);
    assert_int_equal(st, BEAMR_OK);
    assert_int_equal(result.of.i32, 5);
    assert_true(pauses > 0);
    guest_close(&g);
}

/* ---- Attaching ---- */

/* Instantiate an image in which a name is spelled otherwise. */
static beamr_status make_without(const char *name, beamr_error *err)
{
    static uint8_t copy[sizeof emscripten_guest32];
    size_t len = strlen(name);
    beamr_instance *instance = NULL;
    beamr_linker *linker = NULL;
    beamr_module *module = NULL;
    beamr_wasi *wasi = NULL;
    fixture f = fixture_open();
    beamr_status st;

    memcpy(copy, emscripten_guest32, sizeof copy);
    for (size_t i = 0; i + len <= sizeof copy; i++)
        if (memcmp(copy + i, name, len) == 0)
            copy[i] = '?';
    assert_int_equal(beamr_wasi_new(NULL, &wasi, err), BEAMR_OK);
    assert_int_equal(beamr_linker_new(f.store, &linker, err), BEAMR_OK);
    assert_int_equal(
        beamr_module_load(f.engine, (beamr_bytes){copy, sizeof copy}, &module, err), BEAMR_OK);
    st = beamr_guest_instantiate(wasi, linker, module, BEAMR_STUBS_TRAP, &instance, err);
    beamr_module_unref(module);
    beamr_linker_free(linker);
    fixture_close(&f);
    beamr_wasi_unref(wasi);
    return st;
}

static void exports_that_are_missing_are_named(void **state)
{
    static const char *const names[] = {"setThrew", "emscripten_stack_get_current",
                                        "_emscripten_stack_restore"};
    beamr_error err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        beamr_error_clear(&err);
        assert_int_equal(make_without(names[i], &err), BEAMR_UNLINKABLE);
        assert_text(err, names[i]);
    }
    /* The table is found without its name. */
    beamr_error_clear(&err);
    assert_int_equal(make_without("__indirect_function_table", &err), BEAMR_OK);
}

static beamr_status begin_start_guest(guest *g, host_function host, beamr_entry *entry,
                                      beamr_error *err)
{
    beamr_host made = {.callback = host};

    *g = (guest){.f = fixture_open()};
    assert_int_equal(beamr_wasi_new(NULL, &g->wasi, err), BEAMR_OK);
    assert_int_equal(beamr_linker_new(g->f.store, &g->linker, err), BEAMR_OK);
    assert_int_equal(
        beamr_linker_define_host(g->linker, "env", "host", fixture_type("i", ""), &made, err),
        BEAMR_OK);
    assert_int_equal(beamr_module_load(g->f.engine,
                                       (beamr_bytes){start_guest, sizeof start_guest},
                                       &g->module, err),
                     BEAMR_OK);
    return beamr_guest_begin(g->wasi, g->linker, g->module, BEAMR_STUBS_TRAP, &g->instance,
                             entry, err);
}

static beamr_status host_does_nothing(const beamr_call *call, const beamr_value *args,
                                      beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)results;
    (void)err;
    return BEAMR_OK;
}

static void an_invoke_in_the_start_function_is_explained(void **state)
{
    beamr_error err = {0};
    guest g;

    (void)state;
    assert_int_equal(begin_start_guest(&g, host_does_nothing, NULL, &err), BEAMR_TRAP);
    assert_text(err, "start function");
    guest_close(&g);
}

static void a_start_function_that_waits_finds_what_is_attached(void **state)
{
    beamr_error err = {0};
    beamr_entry entry;
    guest g;

    (void)state;
    assert_int_equal(begin_start_guest(&g, NULL, &entry, &err), BEAMR_SUSPENDED);
    assert_int_equal(beamr_entry_resume(g.f.store, entry, NULL, NULL, 0, &err), BEAMR_OK);
    guest_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_and_results_of_all_types_pass),
        cmocka_unit_test(a_throw_gives_zeros_and_restores_the_stack),
        cmocka_unit_test(wrong_places_of_the_table_trap),
        cmocka_unit_test(one_name_may_have_several_types),
        cmocka_unit_test(numbers_in_halves_go_through_dyncall),
        cmocka_unit_test(an_invoke_in_the_table_is_called_through_it),
        cmocka_unit_test(a_host_function_in_the_table_finds_the_guests_memory),
        cmocka_unit_test(snapshots_hold_an_invoke_in_the_table),
        cmocka_unit_test(throws_and_longjmps_work_in_every_encoding),
        cmocka_unit_test(other_signatures_of_clang),
        cmocka_unit_test(without_exceptions_a_module_is_unsupported),
        cmocka_unit_test(protected_calls_nest_10000_deep),
        cmocka_unit_test(a_throw_passes_10000_protected_calls),
        cmocka_unit_test(a_longjmp_without_target_is_named),
        cmocka_unit_test(a_million_throws_in_one_call),
        cmocka_unit_test(traps_and_ends_are_never_caught),
        cmocka_unit_test(exceptions_of_other_tags_pass),
        cmocka_unit_test(an_import_below_an_invoke_is_answered_later),
        cmocka_unit_test(a_waiting_call_can_be_cancelled),
        cmocka_unit_test(a_call_pauses_below_an_invoke),
        cmocka_unit_test(exports_that_are_missing_are_named),
        cmocka_unit_test(an_invoke_in_the_start_function_is_explained),
        cmocka_unit_test(a_start_function_that_waits_finds_what_is_attached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
