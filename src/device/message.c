/* message@1.0: what any message can do, and what other devices leave to it.
 *
 *   key         reads of the request                     answers
 *   any other                                            ok: the value of that key of the base;
 *                                                        error not_found; a link is loaded
 *   keys                                                 ok: the public keys, in order
 *   id          committers, commitments                  ok: the id of the selection
 *   set         every key, set-mode                      ok: the base with them
 *   set-path    value                                    ok: the base with this `path`;
 *                                                        `unset` removes it
 *   remove      item or items                            ok: the base without them
 *   committers                                           ok: who committed to the base
 *   committed   committers, commitments, target          ok: the keys that all of them cover
 *   verify      committers, commitments, target          ok: `true` or `false`
 *   commit      commitment-device, target                ok: the target, signed with the
 *                                                        context's wallet
 *
 * These names shadow keys of the base; all other names are ordinary keys. Private keys are as
 * if they were not there. Nothing else is changed.
 * `set` with paths is in message_set.c, the rules of setting in ao/set.h, commitments in
 * ao/commit.h. Source: AO-Core messages, "message@1.0 keys". */
#include <stdlib.h>

#include "ao/set.h"
#include "device/devices.h"
#include "device/internal.h"

/* Every name that is not an operation. The hot path of resolution. */
static beamr_status get(ao_call *call, beamr_error *err)
{
    ao_value value;
    beamr_status st = ao_message_get(ao_call_base(call), ao_call_key(call), &value, err);

    if (st != BEAMR_OK)
        return st;
    return value.kind == AO_NONE ? ao_call_not_found(call)
                                 : ao_call_ok(call, ao_value_ref(value));
}

static beamr_status keys(ao_call *call, beamr_error *err)
{
    const ao_message *base = ao_call_base(call);
    size_t count = ao_message_count(base), n = 0;
    ao_value *items = calloc(count ? count : 1, sizeof *items);
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value list;

    if (!items)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a list of %zu keys", count);
    while (n < count && ao_message_next(base, &cursor, &key, NULL))
        items[n++] = ao_binary_copy(ao_name_text(key));
    list = ao_list_new(items, n);
    free(items);
    return ao_call_ok(call, list);
}

static beamr_status remove_keys(ao_call *call, beamr_error *err)
{
    ao_value items = AO_NO_VALUE;
    ao_message *message = NULL;
    beamr_status st = dev_argument_list(call, "item", &items, err);

    if (st == BEAMR_OK && items.kind == AO_NONE)
        st = dev_argument_list(call, "items", &items, err);
    if (st == BEAMR_OK && items.kind == AO_NONE)
        return ao_call_error(call, 400, "remove: the request has neither `item` nor `items`");
    if (st == BEAMR_OK)
        st = ao_remove(ao_call_base(call), items, &message, err);
    ao_value_unref(items);
    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(message)) : st;
}

static beamr_status set_path(ao_call *call, beamr_error *err)
{
    ao_message *message = NULL;
    ao_value value;
    beamr_status st = dev_argument(call, "value", &value, err);

    if (st != BEAMR_OK)
        return st;
    if (value.kind == AO_NONE)
        return ao_call_error(call, 400, "set-path: the request has no `value`");
    st = ao_set_path(ao_call_context(call), ao_call_base(call), beamr_bytes_of("path"), value,
                     &message, err);
    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(message)) : st;
}

/* ---- Ids and commitments ---- */

/* A committer without a commitment was asked for: an answer, not a failure. */
static beamr_status answer_commitments(ao_call *call, beamr_status st, ao_value value,
                                       beamr_error *err)
{
    char text[BEAMR_ERROR_TEXT_SIZE];

    if (st != BEAMR_NOT_FOUND)
        return st == BEAMR_OK ? ao_call_ok(call, value) : st;
    memcpy(text, err->text, sizeof text);
    beamr_error_clear(err);
    return ao_call_error(call, 404, "%s", text);
}

static beamr_status id(ao_call *call, beamr_error *err)
{
    ao_selection selection;
    ao_value value = AO_NO_VALUE;
    char text[AO_ID_TEXT + 1];
    beamr_status st = dev_selection(call, &selection, err);

    if (st == BEAMR_OK)
        st = ao_id_of(ao_call_context(call), ao_call_base(call), &selection, text, err);
    if (st == BEAMR_OK)
        value = ao_binary_text(text);
    dev_selection_clear(&selection);
    return answer_commitments(call, st, value, err);
}

static beamr_status committers(ao_call *call, beamr_error *err)
{
    ao_value list;
    beamr_status st = ao_committers(ao_call_base(call), &list, err);

    return st == BEAMR_OK ? ao_call_ok(call, list) : st;
}

static beamr_status no_target(ao_call *call)
{
    return ao_call_error(call, 400, "%.*s: the target is not a message",
                         (int)ao_call_key(call).len, (const char *)ao_call_key(call).data);
}

static beamr_status committed(ao_call *call, beamr_error *err)
{
    ao_selection selection;
    ao_value list = AO_NO_VALUE;
    const ao_message *target;
    beamr_status st = dev_target(call, &target, err);

    if (st != BEAMR_OK || !target)
        return st == BEAMR_OK ? no_target(call) : st;
    st = dev_selection(call, &selection, err);
    if (st == BEAMR_OK)
        st = ao_committed(ao_call_context(call), target, &selection, &list, err);
    dev_selection_clear(&selection);
    return answer_commitments(call, st, list, err);
}

static beamr_status verify(ao_call *call, beamr_error *err)
{
    ao_selection selection;
    const ao_message *target;
    bool is_valid = false;
    beamr_status st = dev_target(call, &target, err);

    if (st != BEAMR_OK || !target)
        return st == BEAMR_OK ? no_target(call) : st;
    st = dev_selection(call, &selection, err);
    if (st == BEAMR_OK)
        st = ao_verify(ao_call_context(call), target, &selection, &is_valid, NULL, err);
    dev_selection_clear(&selection);
    return answer_commitments(call, st, ao_boolean(is_valid), err);
}

static beamr_status commit(ao_call *call, beamr_error *err)
{
    char device[64] = "httpsig@1.0";
    const ao_message *target;
    ao_message *message = NULL;
    ao_value name;
    beamr_bytes text;
    beamr_status st = dev_target(call, &target, err);

    if (st != BEAMR_OK || !target)
        return st == BEAMR_OK ? no_target(call) : st;
    if ((st = dev_argument(call, "commitment-device", &name, err)) != BEAMR_OK)
        return st;
    text = ao_text(name.kind == AO_NONE ? ao_call_option(call, "commitment_device") : name);
    if (text.len >= sizeof device)
        return ao_call_error(call, 400, "commit: no codec has a name of %zu bytes", text.len);
    if (text.len > 0) {
        memcpy(device, text.data, text.len);
        device[text.len] = 0;
    }
    st = ao_message_commit(ao_call_context(call), target, device, NULL, &message, err);
    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(message)) : st;
}

static const ao_key table[] = {
    {"commit", commit},
    {"committed", committed},
    {"committers", committers},
    {"id", id},
    {"keys", keys},
    {"remove", remove_keys},
    {"set", dev_message_set},
    {"set-path", set_path},
    {"verify", verify},
    AO_KEYS_END,
};

const ao_device dev_message = {.name = "message@1.0", .keys = table, .default_key = get};
