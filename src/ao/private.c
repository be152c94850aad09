/* Private keys: finding, setting, merging.
 * Source: AO-Core messages, "Private keys". */
#include <stdlib.h>

#include "ao/contents.h"
#include "ao/merge.h"

/* The path without a leading `priv` or `private`, which it goes without saying. */
static beamr_bytes below_priv(const char *path)
{
    beamr_bytes rest = beamr_bytes_of(path), part;

    if (key_next(&rest, &part) && (text_is(part, "priv") || text_is(part, "private")))
        return rest;
    return beamr_bytes_of(path);
}

ao_value ao_private_find(const ao_message *message, const char *path)
{
    beamr_bytes rest = below_priv(path), part;
    ao_value at = message->secrets ? message_key(message->secrets, "priv") : AO_NO_VALUE;

    while (key_next(&rest, &part)) {
        int64_t index;

        if (at.kind == AO_MESSAGE)
            at = message_find_any(at.of.message, part);
        else if (at.kind == AO_LIST && key_integer(part, &index) && index > 0)
            at = ao_list_at(at, (size_t)index - 1);
        else
            return AO_NO_VALUE;
    }
    return at;
}

beamr_status ao_private_with(const ao_message *message, const char *path,
                             BEAMR_OWN ao_value value, BEAMR_OWN ao_message **out,
                             beamr_error *err)
{
    ao_value old = message_find_any(message, beamr_bytes_of("priv"));
    ao_message *state = NULL;
    beamr_status st;

    st =
        message_with_path(ao_to_message(old), below_priv(path), value, NULL, NULL, &state, err);
    if (st != BEAMR_OK)
        return st;
    return ao_message_with(message, "priv", ao_message_value(state), out, err);
}

beamr_status ao_message_reset(const ao_message *message, BEAMR_OWN ao_message **out,
                              beamr_error *err)
{
    ao_builder builder;

    ao_builder_begin(&builder, message, NULL, err);
    ao_builder_reset(&builder);
    return ao_builder_end(&builder, out);
}

beamr_status ao_private_merge(const ao_message *message, const ao_message *from,
                              BEAMR_OWN ao_message **out, beamr_error *err)
{
    ao_builder builder;
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value, merged;

    ao_builder_begin(&builder, message, NULL, err);
    if (from->chain) {
        chain_unref(builder.chain);
        builder.chain = chain_ref(from->chain);
    }
    while (from->secrets && builder.status == BEAMR_OK &&
           ao_message_next(from->secrets, &cursor, &key, &value)) {
        ao_value old = message_find_any(message, ao_name_text(key));

        builder.status = merge_value(old, value, &merged, err);
        if (builder.status == BEAMR_OK)
            ao_builder_put_name(&builder, key, merged);
    }
    return ao_builder_end(&builder, out);
}
