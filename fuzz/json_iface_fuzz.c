/* Fuzz target: what a guest replies, through json-iface@1.0. The input is the reply.
 * Whatever it is, there are results; messages that it sends are of the process and of nobody
 * else, and can be named, so that they can be signed and stored; and what the reply makes is
 * read and shown to a module again as a message. Seeds: seeds/json_iface/. */
#include "fuzz.h"

#include <string.h>

#include "beamr/ao.h"

static ao_context *context;
static ao_message *process;
static char process_id[AO_ID_TEXT + 1];

static bool open_context(void)
{
    if (context)
        return true;
    return ao_context_new(NULL, &context, NULL) == BEAMR_OK &&
           ao_message_with(ao_message_empty(), "image", ao_binary_text("IMAGE"), &process,
                           NULL) == BEAMR_OK &&
           ao_message_id(context, process, process_id, NULL) == BEAMR_OK;
}

/* {device, pass, process, KEY: value} */
static ao_value base_of(int pass, const char *key, ao_value value)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "device", ao_binary_text("json-iface@1.0"));
    ao_builder_put(&b, "pass", ao_integer(pass));
    ao_builder_put(&b, "process", ao_message_value(ao_message_ref(process)));
    if (key)
        ao_builder_put(&b, key, value);
    return ao_builder_value(&b);
}

static ao_result compute(ao_value base, ao_value body)
{
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    ao_value request;
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "path", ao_binary_text("compute"));
    ao_builder_put(&b, "body", body);
    request = ao_builder_value(&b);
    FUZZ_CHECK(ao_resolve_on(context, base, request, NULL, &result, NULL) == BEAMR_OK);
    FUZZ_CHECK(result.outcome == AO_OUTCOME_OK || result.outcome == AO_OUTCOME_ERROR);
    ao_value_unref(request);
    ao_value_unref(base);
    return result;
}

/* A message that is sent. */
static void check_sent(ao_value value)
{
    static const char *const denied[] = {"tags", "anchor", "commitments", "ao-types"};
    ao_message *message = ao_to_message(value);
    char id[AO_ID_TEXT + 1];
    beamr_bytes from;
    ao_result shown;

    FUZZ_CHECK(message != NULL);
    from = ao_text(ao_message_find_text(message, "from-process"));
    FUZZ_CHECK(from.len == AO_ID_TEXT && memcmp(from.data, process_id, from.len) == 0);
    for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++)
        FUZZ_CHECK(ao_message_find_text(message, denied[i]).kind == AO_NONE);
    FUZZ_CHECK(ao_private_find(message, "").kind == AO_NONE);
    FUZZ_CHECK(ao_message_id(context, message, id, NULL) == BEAMR_OK);
    shown = compute(base_of(1, NULL, AO_NO_VALUE), ao_value_ref(value));
    FUZZ_CHECK(shown.outcome == AO_OUTCOME_OK);
    ao_value_unref(shown.value);
}

static void check_results(const ao_message *state)
{
    const ao_message *results = ao_to_message(ao_message_find_text(state, "results"));
    const ao_message *outbox;
    ao_cursor cursor = {0};
    ao_value value;

    FUZZ_CHECK(results != NULL && ao_message_find_text(results, "output").kind == AO_BINARY);
    outbox = ao_to_message(ao_message_find_text(results, "outbox"));
    while (outbox && ao_message_next(outbox, &cursor, NULL, &value))
        check_sent(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ao_result result;
    ao_builder b;

    if (!open_context())
        return 0;
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "type", ao_binary_text("ok"));
    ao_builder_put(&b, "output", ao_binary_copy((beamr_bytes){data, size}));
    result = compute(base_of(2, "results", ao_builder_value(&b)),
                     ao_message_value(ao_message_empty()));
    check_results(ao_to_message(result.value));
    ao_value_unref(result.value);
    return 0;
}
