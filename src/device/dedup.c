/* dedup@1.0: lets a message through once.
 *
 *   key         reads                        answers
 *   set, keys                                those of message@1.0
 *   any other   base pass (1), dedup,        skip: base, when the subject's id is in `dedup`;
 *               dedup-subject; the request   else ok: base with the id in front of `dedup`. On
 *                                            passes other than the first, ok: base
 *
 * The subject is the request, or, when base `dedup-subject` or else the option dedup_subject
 * names one of its keys (`body`, for a process: what was assigned, whatever its slot), the
 * message under that key. A request without such a message is its own subject. The id is the
 * one of all commitments with a committer. `dedup` is a list of ids, the newest first; it is
 * read as a numbered message too. A `pass` that is no whole number, or a subject that has no id
 * since no codec can carry it, is an error 400. The list grows with each message, and is gone
 * through for each.
 * Source: AO-Core devices, "dedup@1.0". */
#include <stdlib.h>

#include "device/devices.h"
#include "device/internal.h"

static beamr_status answer_base(ao_call *call, ao_outcome outcome)
{
    return ao_call_return(call, outcome, ao_message_value(ao_message_ref(ao_call_base(call))));
}

/* The message that must not come twice; borrowed. */
static beamr_status find_subject(ao_call *call, const ao_message **out, beamr_error *err)
{
    const ao_message *request = ao_call_request(call);
    ao_value name, value = AO_NO_VALUE;
    beamr_status st;

    if (!request)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the request");
    if ((st = dev_base_value(call, "dedup-subject", &name, err)) != BEAMR_OK)
        return st;
    if (name.kind == AO_NONE)
        name = ao_call_option(call, "dedup_subject");
    if (ao_text(name).len > 0 &&
        (st = ao_message_get(request, ao_text(name), &value, err)) != BEAMR_OK)
        return st;
    *out = value.kind == AO_MESSAGE ? ao_to_message(value) : request;
    return BEAMR_OK;
}

/* The ids that were let through, as a list; counted. */
static beamr_status find_seen(ao_call *call, ao_value *out, beamr_error *err)
{
    ao_value value;
    beamr_status st = dev_base_value(call, "dedup", &value, err);

    if (st == BEAMR_OK && value.kind == AO_MESSAGE)
        return ao_message_to_list(ao_to_message(value), out, err);
    if (st == BEAMR_OK)
        *out = ao_value_ref(value);
    return st;
}

/* `id`, taken over, in front of what was there, which is a list or one value or none. */
static ao_value list_with(ao_value id, ao_value seen)
{
    size_t count = seen.kind == AO_LIST ? ao_list_count(seen) : seen.kind != AO_NONE;
    ao_value *items = malloc((count + 1) * sizeof *items);
    ao_value list;

    if (!items) {
        ao_value_unref(id);
        return AO_NO_VALUE;
    }
    items[0] = id;
    for (size_t i = 0; i < count; i++)
        items[i + 1] = ao_value_ref(seen.kind == AO_LIST ? ao_list_at(seen, i) : seen);
    list = ao_list_new(items, count + 1);
    free(items);
    return list;
}

static beamr_status let_through_once(ao_call *call, beamr_error *err)
{
    char id[AO_ID_TEXT + 1];
    const ao_message *subject = NULL;
    ao_message *state = NULL;
    beamr_error why;
    ao_value seen;
    beamr_status st = find_subject(call, &subject, err);

    if (st != BEAMR_OK)
        return st;
    beamr_error_clear(&why);
    st = ao_message_id(ao_call_context(call), subject, id, &why);
    if (st == BEAMR_ENCODING)
        return ao_call_error(call, 400, "dedup: the message has no id: %s", why.text);
    if (st != BEAMR_OK)
        return beamr_fail(err, st, why.offset, "%s", why.text);
    if ((st = find_seen(call, &seen, err)) != BEAMR_OK)
        return st;
    if (dev_list_has(seen, beamr_bytes_of(id))) {
        ao_value_unref(seen);
        return answer_base(call, AO_OUTCOME_SKIP);
    }
    st = ao_message_with(ao_call_base(call), "dedup", list_with(ao_binary_text(id), seen),
                         &state, err);
    ao_value_unref(seen);
    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(state)) : st;
}

static beamr_status handle(ao_call *call, beamr_error *err)
{
    ao_value pass;
    int64_t n = 1;
    beamr_status st = dev_base_value(call, "pass", &pass, err);

    if (st != BEAMR_OK)
        return st;
    if (pass.kind != AO_NONE && !ao_to_integer(pass, &n))
        return ao_call_error(call, 400, "dedup: `pass` is no whole number");
    return n == 1 ? let_through_once(call, err) : answer_base(call, AO_OUTCOME_OK);
}

static const char *const as_message[] = {"set", "keys", NULL};

const ao_device dev_dedup = {.name = "dedup@1.0", .excludes = as_message, .handler = handle};
