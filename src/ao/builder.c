/* Making messages: builders, and single changes.
 * A builder that began with a message shares its contents until the first change. Limits are
 * checked before each change, so that what a builder holds is always within them. */
#include <stdlib.h>

#include "ao/contents.h"

/* The fields of a builder, by their types. */
static inline tree *keys_of(const ao_builder *b)
{
    return b->contents ? ((contents *)b->contents)->keys : b->keys;
}

static const ao_limits default_limits = AO_LIMITS_DEFAULT;

void ao_builder_begin(ao_builder *builder, const ao_message *from, const ao_limits *limits,
                      beamr_error *err)
{
    *builder = (ao_builder){.limits = limits ? limits : &default_limits, .err = err};
    if (from) {
        builder->contents = contents_ref(from->contents);
        builder->private_keys = ao_message_ref(from->secrets);
        builder->chain = chain_ref(from->chain);
    }
}

void builder_take(ao_builder *builder, BEAMR_OWN ao_message *from, const ao_limits *limits,
                  beamr_error *err)
{
    ao_builder_begin(builder, from, limits, err);
    ao_message_unref(from);
}

void ao_builder_drop(ao_builder *builder)
{
    contents_unref(builder->contents);
    tree_unref(builder->keys);
    ao_message_unref(builder->private_keys);
    chain_unref(builder->chain);
    builder->contents = builder->keys = builder->private_keys = builder->chain = NULL;
}

static void note(ao_builder *builder, beamr_status status)
{
    if (builder->status == BEAMR_OK)
        builder->status = status;
}

void ao_builder_fail(ao_builder *builder, beamr_status status, const char *text)
{
    if (builder->status == BEAMR_OK)
        note(builder, beamr_fail(builder->err, status, 0, "%s", text));
}

static void fail_memory(ao_builder *builder)
{
    ao_builder_fail(builder, BEAMR_NO_MEMORY, "out of memory for a message");
}

/* ---- Limits ---- */

/* The limits given, but what no message may exceed. */
static ao_limits effective(const ao_limits *given)
{
    ao_limits limits = *given;

    if (limits.max_depth == 0 && limits.max_keys == 0 && limits.max_bytes == 0)
        limits = default_limits;
    if (limits.max_depth > AO_DEPTH_MAX)
        limits.max_depth = AO_DEPTH_MAX;
    if (limits.max_keys > VALUE_SIZE_MAX - 1)
        limits.max_keys = VALUE_SIZE_MAX - 1;
    if (limits.max_bytes > VALUE_SIZE_MAX - 1)
        limits.max_bytes = VALUE_SIZE_MAX - 1;
    return limits;
}

/* How many bytes of a key are shown. */
static int shown(beamr_bytes key)
{
    return key.len < 64 ? (int)key.len : 64;
}

static beamr_status check_size(value_size size, const ao_limits *given, beamr_bytes key,
                               beamr_error *err)
{
    ao_limits limits = effective(given);

    if (size.depth > limits.max_depth)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "a message with the key `%.*s` nests deeper than %zu levels",
                          shown(key), (const char *)key.data, limits.max_depth);
    if (size.keys > limits.max_keys)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "a message with the key `%.*s` has more than %zu keys", shown(key),
                          (const char *)key.data, limits.max_keys);
    if (size.bytes > limits.max_bytes)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "a message with the key `%.*s` has more than %zu bytes", shown(key),
                          (const char *)key.data, limits.max_bytes);
    return BEAMR_OK;
}

/* The size of the message once the key has the value.
 *   old  the key's entry; NULL: it is new */
static value_size size_with(const ao_builder *builder, const tree_entry *old, beamr_bytes key,
                            ao_value value)
{
    value_size size = message_size_of(keys_of(builder), builder->private_keys);
    value_size more = value_size_of(value);

    if (old) {
        value_size less = value_size_of(old->value);

        size.keys -= less.keys;
        size.bytes -= less.bytes;
    } else {
        more.keys++;
        more.bytes += key.len;
    }
    more.depth++;
    value_size_add(&size, more);
    return size;
}

static beamr_status check(const ao_builder *builder, const tree_entry *old, beamr_bytes key,
                          ao_value value)
{
    beamr_error *err = builder->err;

    if (value.kind == AO_NONE)
        return value_fail(value, err);
    if (key.len == 0 || key.len > AO_NAME_MAX)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a key has %zu bytes, not 1 to %d", key.len,
                          AO_NAME_MAX);
    return check_size(size_with(builder, old, key, value), builder->limits, key, err);
}

/* ---- Changes ---- */

/* The tree of the builder, no longer shared with the message it began with. */
static tree **change(ao_builder *builder)
{
    contents *c = builder->contents;

    if (c) { /* if nobody else holds it, the tree is ours alone when it has gone */
        builder->keys = tree_ref(c->keys);
        builder->contents = NULL;
        contents_unref(c);
    }
    return (tree **)&builder->keys;
}

/* A message of private keys alone. */
static bool set_secrets(ao_builder *builder, tree *keys)
{
    ao_message *secrets = NULL;

    if (keys && !(secrets = message_of(contents_of(keys), NULL, NULL))) {
        fail_memory(builder);
        return false;
    }
    ao_message_unref(builder->private_keys);
    builder->private_keys = secrets;
    return true;
}

static tree *secret_keys(const ao_builder *builder)
{
    const ao_message *secrets = builder->private_keys;

    return secrets ? secrets->contents->keys : NULL;
}

static bool put_secret(ao_builder *builder, const tree_entry *old, beamr_bytes key,
                       ao_value value)
{
    tree *keys = tree_ref(secret_keys(builder));

    if (!tree_put(&keys, old, key, NULL, value)) {
        tree_unref(keys);
        return false;
    }
    (void)set_secrets(builder, keys); /* the value is the tree's in any case */
    return true;
}

/* A message that becomes a part of another is no longer a result: what it came from is not kept
 * alive with it. Otherwise results that stand in what later results are made from would hold
 * all that ever was. */
static beamr_status forget_origin(ao_value *value, beamr_error *err)
{
    ao_message *bare;
    beamr_status st;

    if (value->kind != AO_MESSAGE || !value->of.message->chain)
        return BEAMR_OK;
    st = message_take_chain(value->of.message, NULL, &bare, err);
    *value = st == BEAMR_OK ? ao_message_value(bare) : AO_NO_VALUE;
    return st;
}

/* Put under a key that is normalised.
 *   name  of the key, or NULL */
static void put(ao_builder *builder, beamr_bytes key, const ao_name *name, ao_value value)
{
    bool is_private = key_is_private(key), is_put;
    const tree_entry *old =
        tree_find(is_private ? secret_keys(builder) : keys_of(builder), key);

    note(builder, check(builder, old, key, value));
    if (builder->status == BEAMR_OK)
        note(builder, forget_origin(&value, builder->err));
    if (builder->status != BEAMR_OK) {
        ao_value_unref(value);
        return;
    }
    is_put = is_private ? put_secret(builder, old, key, value)
                        : tree_put(change(builder), old, key, name, value);
    if (!is_put) {
        fail_memory(builder);
        ao_value_unref(value);
    }
}

void ao_builder_put_key(ao_builder *builder, beamr_bytes key, BEAMR_OWN ao_value value)
{
    char buffer[KEY_BUFFER_SIZE], *owned = NULL;

    if (builder->status != BEAMR_OK || key.len > AO_NAME_MAX) {
        if (builder->status == BEAMR_OK)
            note(builder, check(builder, NULL, key, ao_integer(0)));
        ao_value_unref(value);
        return;
    }
    if (!key_normalise(key, buffer, &key, &owned)) {
        fail_memory(builder);
        ao_value_unref(value);
        return;
    }
    put(builder, key, NULL, value);
    free(owned);
}

void ao_builder_put(ao_builder *builder, const char *key, BEAMR_OWN ao_value value)
{
    ao_builder_put_key(builder, beamr_bytes_of(key), value);
}

void ao_builder_put_name(ao_builder *builder, const ao_name *key, BEAMR_OWN ao_value value)
{
    beamr_bytes text = ao_name_text(key);

    if (builder->status == BEAMR_OK && key_is_normal(text))
        put(builder, text, key, value);
    else
        ao_builder_put_key(builder, text, value);
}

static void remove_normal(ao_builder *builder, beamr_bytes key)
{
    bool is_private = key_is_private(key);
    tree *keys = is_private ? secret_keys(builder) : keys_of(builder);

    if (!tree_find(keys, key))
        return;
    if (!is_private) {
        if (!tree_remove(change(builder), key))
            fail_memory(builder);
        return;
    }
    (void)tree_ref(keys);
    if (tree_remove(&keys, key)) {
        (void)set_secrets(builder, keys);
    } else {
        tree_unref(keys);
        fail_memory(builder);
    }
}

void ao_builder_remove(ao_builder *builder, beamr_bytes key)
{
    char buffer[KEY_BUFFER_SIZE], *owned = NULL;

    if (builder->status != BEAMR_OK)
        return;
    if (!key_normalise(key, buffer, &key, &owned)) {
        fail_memory(builder);
        return;
    }
    remove_normal(builder, key);
    free(owned);
}

void ao_builder_reset(ao_builder *builder)
{
    ao_message_unref(builder->private_keys);
    chain_unref(builder->chain);
    builder->private_keys = builder->chain = NULL;
}

/* ---- The end ---- */

/* The parts become a message; NULL after a failure, which is then noted. */
static ao_message *finish(ao_builder *builder)
{
    bool is_bare = !builder->private_keys && !builder->chain;
    contents *c = builder->contents;
    ao_message *message;

    if (builder->status == BEAMR_OK && !c && !builder->keys && is_bare)
        return ao_message_empty();
    if (builder->status != BEAMR_OK) {
        ao_builder_drop(builder);
        return NULL;
    }
    if (!c)
        c = contents_of(builder->keys);
    message = message_of(c, builder->private_keys, builder->chain);
    builder->contents = builder->keys = builder->private_keys = builder->chain = NULL;
    if (!message)
        fail_memory(builder);
    return message;
}

beamr_status ao_builder_end(ao_builder *builder, BEAMR_OWN ao_message **out)
{
    ao_message *message;

    if (builder->status == BEAMR_OK) /* the message it began with may be beyond these limits */
        note(builder, check_size(message_size_of(keys_of(builder), builder->private_keys),
                                 builder->limits, (beamr_bytes){NULL, 0}, builder->err));
    if (!(message = finish(builder)))
        return builder->status;
    *out = message;
    return BEAMR_OK;
}

ao_value ao_builder_value(ao_builder *builder)
{
    ao_message *message = NULL;

    (void)ao_builder_end(builder, &message);
    return ao_message_value(message);
}

beamr_status ao_message_with(const ao_message *message, const char *key,
                             BEAMR_OWN ao_value value, BEAMR_OWN ao_message **out,
                             beamr_error *err)
{
    ao_builder builder;

    ao_builder_begin(&builder, message, NULL, err);
    ao_builder_put(&builder, key, value);
    return ao_builder_end(&builder, out);
}

beamr_status ao_message_without(const ao_message *message, const char *key,
                                BEAMR_OWN ao_message **out, beamr_error *err)
{
    ao_builder builder;

    ao_builder_begin(&builder, message, NULL, err);
    ao_builder_remove(&builder, beamr_bytes_of(key));
    return ao_builder_end(&builder, out);
}
