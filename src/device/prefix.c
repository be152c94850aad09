/* Where devices of guests read and write: below prefixes, and in `results`.
 * Source: AO-Core devices, "Prefixes". */
#include <stdio.h>
#include <strings.h>

#include "ao/set.h"
#include "device/internal.h"

/* ---- Prefixes ---- */

static beamr_bytes without_slashes(beamr_bytes text)
{
    while (text.len > 0 && text.data[0] == '/') {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && text.data[text.len - 1] == '/')
        text.len--;
    return text;
}

/* Cut the first part off; false when there is none. */
static bool next_part(beamr_bytes *rest, beamr_bytes *part)
{
    const uint8_t *slash;

    *rest = without_slashes(*rest);
    if (rest->len == 0)
        return false;
    slash = memchr(rest->data, '/', rest->len);
    *part = (beamr_bytes){rest->data, slash ? (size_t)(slash - rest->data) : rest->len};
    rest->data += part->len;
    rest->len -= part->len;
    return true;
}

/* What no guest's keys may stand below: private state, and who vouches for a message. */
static bool is_reserved(beamr_bytes part)
{
    static const char commitments[] = "commitments";
    const char *text = (const char *)part.data;

    return (part.len >= 4 && strncasecmp(text, "priv", 4) == 0) ||
           (part.len == sizeof commitments - 1 &&
            strncasecmp(text, commitments, part.len) == 0);
}

static bool is_prefix(beamr_bytes text)
{
    beamr_bytes rest = text, part;
    unsigned parts = 0;

    if (text.len > DEV_PREFIX_MAX || memchr(text.data, '\0', text.len))
        return false;
    while (next_part(&rest, &part)) {
        if (++parts > DEV_PREFIX_PARTS || is_reserved(part))
            return false;
    }
    return true;
}

beamr_status dev_prefix(const ao_message *base, const char *key, beamr_bytes *out,
                        beamr_error *err)
{
    ao_value value;
    beamr_status st = message_load_key(base, key, &value, err);

    if (st != BEAMR_OK)
        return st;
    *out = (beamr_bytes){NULL, 0};
    if (value.kind == AO_NONE)
        return BEAMR_OK;
    *out = without_slashes(ao_text(value));
    if ((value.kind == AO_BINARY || value.kind == AO_ATOM) &&
        (out->len == 0 || is_prefix(*out)))
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_ARGUMENT, 0,
                      "`%s` is no text of up to %d bytes and %d parts that are not private",
                      key, DEV_PREFIX_MAX, DEV_PREFIX_PARTS);
}

beamr_status dev_prefixed(const ao_message *message, beamr_bytes prefix, const char *key,
                          ao_value *out, beamr_error *err)
{
    ao_value below;
    beamr_status st;

    if (prefix.len == 0)
        return message_load_key(message, key, out, err);
    if ((st = ao_message_get_path(message, prefix, &below, err)) != BEAMR_OK)
        return st;
    *out = AO_NO_VALUE;
    if (below.kind != AO_MESSAGE)
        return BEAMR_OK;
    return message_load_key(ao_to_message(below), key, out, err);
}

/* Of each call of a guest: without printf. */
void dev_private_path(beamr_bytes prefix, const char *key, char out[DEV_PATH_SIZE])
{
    size_t len = strlen(key), at = prefix.len;

    if (at > DEV_PREFIX_MAX) /* dev_prefix refused it */
        at = DEV_PREFIX_MAX;
    if (at > 0) {
        memcpy(out, prefix.data, at);
        out[at++] = '/';
    }
    if (len > DEV_PATH_SIZE - at - 1)
        len = DEV_PATH_SIZE - at - 1;
    memcpy(out + at, key, len);
    out[at + len] = '\0';
}

/* ---- Results ---- */

/* The messages from the top down to those at a path; NULL where there is none. */
typedef struct way {
    beamr_bytes keys[DEV_PREFIX_PARTS + 1]; /* key i leads from messages[i] on */
    const ao_message *messages[DEV_PREFIX_PARTS + 2];
    size_t length; /* of `keys` */
    bool is_committed;
} way;

static beamr_status step(way *w, beamr_bytes key, beamr_error *err)
{
    const ao_message *at = w->messages[w->length];
    ao_value value = AO_NO_VALUE;
    beamr_status st = at ? ao_message_get(at, key, &value, err) : BEAMR_OK;

    w->keys[w->length++] = key;
    w->messages[w->length] = at = ao_to_message(value);
    if (at && message_key(at, "commitments").kind != AO_NONE)
        w->is_committed = true;
    return st;
}

static beamr_status walk(way *w, beamr_bytes prefix, beamr_error *err)
{
    beamr_bytes part;
    beamr_status st = BEAMR_OK;

    while (st == BEAMR_OK && w->length <= DEV_PREFIX_PARTS && next_part(&prefix, &part))
        st = step(w, part, err);
    return st;
}

/* It is there already: an atom, which can be told at a glance. */
static bool is_there(const ao_message *message, const dev_pair *pair)
{
    ao_value old;

    if (!message || pair->value.kind != AO_ATOM)
        return false;
    old = message_key(message, pair->key);
    return old.kind == AO_ATOM && old.of.atom == pair->value.of.atom;
}

/* From the innermost message outwards.
 *   priv  the private message of the outermost; taken over; AO_NONE: as it was */
static beamr_status put_plainly(const way *w, const dev_pair *pairs, size_t count,
                                ao_value priv, ao_message **out, beamr_error *err)
{
    ao_value inner;
    ao_builder builder;

    ao_builder_begin(&builder, w->messages[w->length], NULL, err);
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].is_removed)
            ao_builder_remove(&builder, beamr_bytes_of(pairs[i].key));
        else if (is_there(w->messages[w->length], &pairs[i]))
            ao_value_unref(pairs[i].value);
        else
            ao_builder_put(&builder, pairs[i].key, pairs[i].value);
    }
    for (size_t i = w->length; i-- > 0;) {
        inner = ao_builder_value(&builder);
        ao_builder_begin(&builder, w->messages[i], NULL, err);
        ao_builder_put_key(&builder, w->keys[i], inner);
    }
    if (priv.kind != AO_NONE)
        ao_builder_put(&builder, "priv", priv);
    return ao_builder_end(&builder, out);
}

/* One pair as message@1.0 sets it.
 *   at  replaced */
static beamr_status set_pair(ao_context *context, ao_message **at, beamr_bytes prefix,
                             const dev_pair *pair, beamr_error *err)
{
    char below[DEV_PATH_SIZE], path[DEV_PATH_SIZE + 16];
    ao_value value = pair->is_removed ? ao_atom("unset") : ao_value_ref(pair->value);
    ao_message *next;
    beamr_status st;

    dev_private_path(prefix, pair->key, below);
    (void)snprintf(path, sizeof path, "results/%s", below);
    if (value.kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a result");
    st = ao_set_path(context, *at, beamr_bytes_of(path), value, &next, err);
    ao_value_unref(value);
    if (st != BEAMR_OK)
        return st;
    ao_message_unref(*at);
    *at = next;
    return BEAMR_OK;
}

/* One after the other. */
static beamr_status put_honestly(ao_context *context, const ao_message *message,
                                 beamr_bytes prefix, const dev_pair *pairs, size_t count,
                                 ao_message **out, beamr_error *err)
{
    ao_message *at = ao_message_ref(message);
    beamr_status st = BEAMR_OK;

    for (size_t i = 0; i < count; i++) {
        if (st == BEAMR_OK)
            st = set_pair(context, &at, prefix, &pairs[i], err);
        ao_value_unref(pairs[i].value);
    }
    if (st == BEAMR_OK)
        *out = at;
    else
        ao_message_unref(at);
    return st;
}

static beamr_status walk_results(way *w, const ao_message *message, beamr_bytes prefix,
                                 beamr_error *err)
{
    beamr_status st;

    *w = (way){.messages = {message}};
    w->is_committed = message_key(message, "commitments").kind != AO_NONE;
    st = step(w, beamr_bytes_of("results"), err);
    return st == BEAMR_OK ? walk(w, prefix, err) : st;
}

static void drop_pairs(const dev_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ao_value_unref(pairs[i].value);
}

beamr_status dev_with_results(ao_context *context, const ao_message *message,
                              beamr_bytes prefix, const dev_pair *pairs, size_t count,
                              BEAMR_OWN ao_message **out, beamr_error *err)
{
    way w;
    beamr_status st = walk_results(&w, message, prefix, err);

    if (st == BEAMR_OK && !w.is_committed)
        return put_plainly(&w, pairs, count, AO_NO_VALUE, out, err);
    if (st == BEAMR_OK)
        return put_honestly(context, message, prefix, pairs, count, out, err);
    drop_pairs(pairs, count);
    return st;
}

beamr_status dev_with_end(ao_context *context, const ao_message *message, beamr_bytes prefix,
                          const dev_pair *instance, const dev_pair *pairs, size_t count,
                          BEAMR_OWN ao_message **out, beamr_error *err)
{
    char path[DEV_PATH_SIZE];
    ao_message *priv, *first;
    way w, p = {.messages = {ao_to_message(ao_private_find(message, ""))}};
    beamr_status st = walk_results(&w, message, prefix, err);

    if (st == BEAMR_OK)
        st = walk(&p, prefix, err);
    if (st == BEAMR_OK && !w.is_committed) {
        st = put_plainly(&p, instance, 1, AO_NO_VALUE, &priv, err);
        if (st == BEAMR_OK)
            return put_plainly(&w, pairs, count, ao_message_value(priv), out, err);
        drop_pairs(pairs, count);
        return st;
    }
    if (st != BEAMR_OK) {
        drop_pairs(instance, 1);
        drop_pairs(pairs, count);
        return st;
    }
    dev_private_path(prefix, instance->key, path);
    if ((st = ao_private_with(message, path, instance->value, &first, err)) != BEAMR_OK) {
        drop_pairs(pairs, count);
        return st;
    }
    st = dev_with_results(context, first, prefix, pairs, count, out, err);
    ao_message_unref(first);
    return st;
}

/* ---- Options ---- */

beamr_status dev_option_number(const ao_call *call, const char *name, uint64_t none,
                               uint64_t *out, beamr_error *err)
{
    ao_value value = ao_call_option(call, name);
    int64_t number;

    *out = none;
    if (value.kind == AO_NONE)
        return BEAMR_OK;
    if (!ao_to_integer(value, &number) || number < 0)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the option %s is no number from 0 on", name);
    *out = (uint64_t)number;
    return BEAMR_OK;
}
