/* What a call is given: arguments, selections of commitments, the target.
 * Source: AO-Core messages, "Selecting commitments" and "Target rule". */
#include "device/internal.h"

beamr_status dev_argument(ao_call *call, const char *key, ao_value *out, beamr_error *err)
{
    return ao_value_load(ao_call_argument(call, key), out, err);
}

beamr_status dev_argument_list(ao_call *call, const char *key, BEAMR_OWN ao_value *out,
                               beamr_error *err)
{
    ao_value value;
    beamr_status st = dev_argument(call, key, &value, err);

    if (st != BEAMR_OK)
        return st;
    if (value.kind == AO_MESSAGE)
        return ao_message_to_list(ao_to_message(value), out, err);
    *out = ao_value_ref(value);
    return BEAMR_OK;
}

beamr_status dev_base_value(const ao_call *call, const char *key, ao_value *out,
                            beamr_error *err)
{
    return ao_message_get(ao_call_base(call), beamr_bytes_of(key), out, err);
}

static bool same_text(ao_value value, beamr_bytes text)
{
    beamr_bytes own = ao_text(value);

    return own.len == text.len && text.len > 0 && memcmp(own.data, text.data, text.len) == 0;
}

bool dev_list_has(ao_value list, beamr_bytes text)
{
    size_t count = ao_list_count(list);

    for (size_t i = 0; i < count; i++) {
        if (same_text(ao_list_at(list, i), text))
            return true;
    }
    return list.kind != AO_LIST && same_text(list, text);
}

beamr_status dev_selection(ao_call *call, ao_selection *out, beamr_error *err)
{
    beamr_status st;

    *out = (ao_selection){0};
    if ((st = dev_argument_list(call, "committers", &out->committers, err)) != BEAMR_OK)
        return st;
    return dev_argument_list(call, "commitments", &out->commitments, err);
}

void dev_selection_clear(ao_selection *selection)
{
    ao_value_unref(selection->committers);
    ao_value_unref(selection->commitments);
    *selection = (ao_selection){0};
}

beamr_status dev_target(ao_call *call, const ao_message **out, beamr_error *err)
{
    ao_value name, value = AO_NO_VALUE;
    beamr_bytes text;
    beamr_status st = dev_argument(call, "target", &name, err);

    if (st != BEAMR_OK)
        return st;
    text = ao_text(name);
    if (name.kind == AO_NONE || text_is(text, "self")) {
        *out = ao_call_base(call);
        return BEAMR_OK;
    }
    if (text.len > 0) {
        const ao_message *request = ao_call_request(call);

        if (!request)
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the request");
        if ((st = ao_message_get(request, text, &value, err)) != BEAMR_OK)
            return st;
    }
    if (value.kind == AO_NONE && (st = dev_argument(call, "body", &value, err)) != BEAMR_OK)
        return st;
    *out = ao_to_message(value);
    return BEAMR_OK;
}

ao_options dev_inner_options(const ao_call *call)
{
    ao_options options = *ao_call_options(call);

    options.hashpath = AO_HASHPATH_IGNORE;
    options.cache_control = AO_CACHE_NO_STORE | AO_CACHE_NO_LOOKUP;
    options.force_message = false;
    options.raises_as_error = false;
    return options;
}
