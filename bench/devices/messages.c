/* Making messages and resolving on them. */
#include "devices.h"

#include <stdio.h>

/* Native code that is missing would not show in the figures. */
static void tell(void *user, const char *text)
{
    (void)user;
    (void)fprintf(stderr, "devices: %s\n", text);
}

void context_open(bench *b)
{
    ao_settings settings = {.report = tell};
    ao_message *values = NULL;
    beamr_error err = {0};

    check(
        ao_message_with(ao_message_empty(), "wasm_allow_aot", ao_boolean(true), &values, &err),
        &err);
    settings.values = values;
    check(ao_context_new(&settings, &b->context, &err), &err);
    ao_message_unref(values);
}

ao_message *json_message(bench *b, const char *json, beamr_bytes image)
{
    ao_value text = ao_binary_text(json);
    ao_message *message = NULL, *with = NULL;
    beamr_error err = {0};

    check(ao_decode(b->context, "json@1.0", text, &message, &err), &err);
    ao_value_unref(text);
    if (image.len == 0)
        return message;
    check(ao_message_with(message, "image", ao_binary_copy(image), &with, &err), &err);
    ao_message_unref(message);
    return with;
}

ao_value resolve(bench *b, const ao_message *base, ao_value request)
{
    ao_value on = ao_message_value(ao_message_ref(base));
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    ao_options options = AO_OPTIONS_DEFAULT;
    static beamr_error err;

    if (b->has_no_hashpaths)
        options.hashpath = AO_HASHPATH_IGNORE;
    check(ao_resolve_on(b->context, on, request, &options, &result, &err), &err);
    if (result.outcome != AO_OUTCOME_OK) {
        ao_message *said = ao_to_message(result.value);
        ao_value body = said ? ao_message_find_text(said, "body") : result.value;

        (void)fprintf(stderr, "devices: %s: %.*s\n", ao_outcome_text(result.outcome),
                      (int)ao_text(body).len, (const char *)ao_text(body).data);
        need(false, "a result is not ok");
    }
    ao_value_unref(on);
    ao_value_unref(request);
    return result.value;
}

void advance(bench *b, ao_message **state, ao_value request)
{
    ao_value next = resolve(b, *state, request);

    need(next.kind == AO_MESSAGE, "a state is no message");
    ao_message_unref(*state);
    *state = ao_to_message(next);
}

ao_value call_of(const char *function, ao_value parameter)
{
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, NULL);
    ao_builder_put(&builder, "path", ao_binary_text("compute"));
    ao_builder_put(&builder, "function", ao_binary_text(function));
    ao_builder_put(&builder, "parameters", ao_list_new(&parameter, 1));
    return ao_builder_value(&builder);
}

void expect(const ao_message *state, double number)
{
    ao_value value = AO_NO_VALUE;
    beamr_error err = {0};

    check(ao_message_get_path(state, beamr_bytes_of("results/output"), &value, &err), &err);
    if (value.kind == AO_BINARY)
        (void)fprintf(stderr, "devices: %.*s\n", (int)ao_text(value).len,
                      (const char *)ao_text(value).data);
    value = ao_list_at(value, 0);
    need(value.kind == AO_FLOAT
             ? value.of.number == number
             : value.kind == AO_INTEGER && value.of.integer == (int64_t)number,
         "a guest gave another result");
}
