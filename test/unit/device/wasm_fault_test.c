/* wasm-64@1.0 when memory is gone: the Nth request fails, for every N. It is reported, the
 * message that was computed on is as good as before, and nothing leaks (the sanitizer's to
 * see).
 */
#include <stdlib.h>

#include "refuse.h"
#include "wasm_modules.h"

#define FAC "{\"path\": \"compute\", \"function\": \"fac\", \"parameters\": [5]}"
#define FIRST "{\"path\": \"compute\", \"function\": \"first\", \"parameters\": [\"text\"]}"
#define POW "{\"path\": \"compute\", \"function\": \"pow\", \"parameters\": [2, 3]}"
#define MANY "{\"path\": \"compute\", \"function\": \"many\", \"parameters\": [2]}"

/* Resolve with one request refused; what comes must be good, or say that memory is gone:
 * raised, as a failure, or as the text of a trap.  Returns false when none was refused. */
static bool try_once(ao_context *context, ao_value base, ao_value request, size_t fails_at)
{
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};
    beamr_status st;
    bool is_hit;

    refuse_begin(fails_at, false);
    st = ao_resolve_on(context, base, request, NULL, &result, &err);
    is_hit = refuse_end();
    if (st != BEAMR_OK && (st != BEAMR_NO_MEMORY || !is_hit))
        fail_msg("at %zu: %s: %s", fails_at, beamr_status_text(st), err.text);
    if (st == BEAMR_OK && result.outcome != AO_OUTCOME_OK) {
        const ao_message *said = ao_to_message(result.value);
        int64_t status = 0;

        (void)ao_to_integer(said ? ao_message_find_text(said, "status") : AO_NO_VALUE, &status);
        if (!is_hit || result.outcome != AO_OUTCOME_FAILURE || status != 503)
            fail_msg("at %zu: %s %d", fails_at, ao_outcome_text(result.outcome), (int)status);
    }
    if (st == BEAMR_OK)
        ao_value_unref(result.value);
    return is_hit;
}

/* With a deadline or without. */
static ao_context *open_with(int64_t timeout_ms)
{
    ao_message *values = NULL;
    ao_context *context;

    assert_int_equal(ao_message_with(ao_message_empty(), "wasm_timeout", ao_integer(timeout_ms),
                                     &values, NULL),
                     BEAMR_OK);
    context = world_open(NULL, timeout_ms > 0 ? values : NULL);
    ao_message_unref(values);
    return context;
}

static void every_refusal_in_time(int64_t timeout_ms, const char *base_json,
                                  void (*make)(wasm_builder *), bool is_init,
                                  const char *request_json, size_t least)
{
    ao_context *context = open_with(timeout_ms);
    ao_message *base = message_with_key(context, base_json, "image", module_value(make));
    ao_value request = ao_message_value(world_message(context, request_json));
    size_t n = 0;

    if (!is_init) {
        base = resolve_next(context, base, "{\"path\": \"init\"}");
        base = resolve_next(context, base, request_json); /* what is made once */
    }
    while (try_once(context, ao_message_value(base), request, n))
        n++;
    if (n < least)
        fail_msg("only %zu requests of memory", n);
    ao_value_unref(request);
    base = resolve_next(context, base, request_json);
    if (!is_init)
        assert_true(ao_is_atom(value_at(base, "results/type"), "ok"));
    ao_message_unref(base);
    ao_context_free(context);
}

static void every_refusal_is_survived(const char *base_json, void (*make)(wasm_builder *),
                                      bool is_init, const char *request_json, size_t least)
{
    every_refusal_in_time(0, base_json, make, is_init, request_json, least);
}

static void init_when_memory_is_gone(void **state)
{
    (void)state;
    every_refusal_is_survived("{\"device\": \"wasm-64@1.0\"}", module_plain, true,
                              "{\"path\": \"init\"}", 10);
}

/* There is no compiler, so the module is interpreted; which is tried again until it is clear.
 */
static void native_code_when_memory_is_gone(void **state)
{
    ao_message *values = NULL;
    ao_context *context;
    ao_message *base;
    ao_value request = ao_binary_text("init");
    size_t n = 0;

    (void)state;
    if (getenv("BEAMR_TIER"))
        skip();
    assert_int_equal(setenv("BEAMR_COMPILE", "/nowhere", 1), 0);
    assert_int_equal(
        ao_message_with(ao_message_empty(), "wasm_allow_aot", ao_boolean(true), &values, NULL),
        BEAMR_OK);
    context = world_open(NULL, values);
    base = message_with_key(context, "{\"device\": \"wasm-64@1.0\", \"mode\": \"AOT\"}",
                            "image", module_value(module_plain));
    while (try_once(context, ao_message_value(base), request, n))
        n++;
    assert_true(n > 10);
    base = resolve_next(context, base, "{\"path\": \"init\"}");
    base = resolve_next(context, base, FAC);
    expect_float(base, "results", 120);
    ao_value_unref(request);
    ao_message_unref(base);
    ao_message_unref(values);
    ao_context_free(context);
}

static void compute_when_memory_is_gone(void **state)
{
    (void)state;
    every_refusal_is_survived("{\"device\": \"wasm-64@1.0\", \"output-prefix\": \"a/b\"}",
                              module_plain, true, "{\"path\": \"init\"}", 10);
    every_refusal_is_survived("{\"device\": \"wasm-64@1.0\"}", module_plain, false, FAC, 10);
    every_refusal_is_survived("{\"device\": \"wasm-64@1.0\"}", module_plain, false, FIRST, 10);
}

static void imports_when_memory_is_gone(void **state)
{
    static const char with_library[] =
        "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"my_lib\": {\"device\": "
        "\"test-device@1.0\"}}}";

    (void)state;
    every_refusal_is_survived(with_library, module_importing, false, POW, 20);
    every_refusal_in_time(3600000, with_library, module_importing, false, POW, 20);
    every_refusal_is_survived("{\"device\": \"wasm-64@1.0\"}", module_importing, false, MANY,
                              20);
}

static void snapshots_when_memory_is_gone(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = message_with_key(context, "{\"device\": \"wasm-64@1.0\"}", "image",
                                        module_value(module_plain));
    ao_message *snapshot, *restored = NULL;
    ao_value request = ao_binary_text("normalize");
    beamr_error err = {0};
    size_t n = 0;

    (void)state;
    base = resolve_next(context, base, "{\"path\": \"init\"}");
    snapshot = resolve_ok(context, base, "{\"path\": \"snapshot\"}");
    ao_message_unref(base);
    base = message_with_key(context, "{\"device\": \"wasm-64@1.0\"}", "image",
                            module_value(module_plain));
    assert_int_equal(
        ao_message_with(base, "snapshot", ao_message_value(snapshot), &restored, &err),
        BEAMR_OK);
    while (try_once(context, ao_message_value(restored), request, n))
        n++;
    assert_true(n > 20);
    ao_value_unref(request);
    restored = resolve_next(context, restored, FAC);
    expect_float(restored, "results", 120);
    ao_message_unref(restored);
    ao_message_unref(base);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_when_memory_is_gone),
        cmocka_unit_test(native_code_when_memory_is_gone),
        cmocka_unit_test(compute_when_memory_is_gone),
        cmocka_unit_test(imports_when_memory_is_gone),
        cmocka_unit_test(snapshots_when_memory_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
