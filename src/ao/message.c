/* Messages: handles, contents, reading.
 * Trees of keys are in tree.c, making in builder.c, private keys in private.c. */
#include <assert.h>
#include <stdlib.h>

#include "ao/contents.h"

enum id_state { ID_NONE, ID_BEING_WRITTEN, ID_THERE };

/* ---- Counts ---- */

static void destroy_nothing(ao_object *object)
{
    (void)object; /* the empty message's own count is never given back */
}

static contents empty_contents = {.object = {.is.count = 1, .destroy = destroy_nothing}};
static ao_message empty = {.object = {.is.count = 1, .destroy = destroy_nothing},
                           .contents = &empty_contents};

static void destroy_contents(ao_object *object)
{
    contents *c = (contents *)object;

    tree_unref(c->keys);
    free(c);
}

contents *contents_of(BEAMR_OWN tree *keys)
{
    contents *c;

    if (!keys)
        return contents_ref(&empty_contents);
    if (!(c = malloc(sizeof *c))) {
        tree_unref(keys);
        return NULL;
    }
    object_init(&c->object, destroy_contents);
    c->keys = keys;
    atomic_init(&c->id_state, ID_NONE);
    return c;
}

contents *contents_ref(contents *c)
{
    object_ref(&c->object);
    return c;
}

void contents_unref(contents *c)
{
    if (c)
        object_unref(&c->object);
}

static void destroy_message(ao_object *object)
{
    ao_message *m = (ao_message *)object;

    contents_unref(m->contents);
    ao_message_unref(m->secrets);
    chain_unref(m->chain);
    free(m);
}

ao_message *message_of(BEAMR_OWN contents *c, BEAMR_OWN ao_message *secrets,
                       BEAMR_OWN ao_chain *chain)
{
    ao_message *m = c ? malloc(sizeof *m) : NULL;

    if (!m) {
        contents_unref(c);
        ao_message_unref(secrets);
        chain_unref(chain);
        return NULL;
    }
    object_init(&m->object, destroy_message);
    m->contents = c;
    m->secrets = secrets;
    m->chain = chain;
    return m;
}

ao_message *ao_message_ref(const ao_message *message)
{
    ao_message *m = (ao_message *)(uintptr_t)message;

    if (m)
        object_ref(&m->object);
    return m;
}

void ao_message_unref(const ao_message *message)
{
    if (message)
        object_unref(&((ao_message *)(uintptr_t)message)->object);
}

ao_message *ao_message_empty(void)
{
    return ao_message_ref(&empty);
}

/* ---- Parts ---- */

const ao_chain *message_chain(const ao_message *message)
{
    return message->chain;
}

const ao_message *message_private(const ao_message *message)
{
    return message->secrets;
}

bool message_is_same(const ao_message *a, const ao_message *b)
{
    return a->contents == b->contents;
}

beamr_status message_take_chain(BEAMR_OWN ao_message *message, BEAMR_OWN ao_chain *chain,
                                BEAMR_OWN ao_message **out, beamr_error *err)
{
    beamr_status st;

    if (object_is_single(&message->object)) {
        chain_unref(message->chain);
        message->chain = chain;
        *out = message;
        return BEAMR_OK;
    }
    st = message_with_chain(message, chain, out, err);
    ao_message_unref(message);
    return st;
}

beamr_status message_with_chain(const ao_message *message, BEAMR_OWN ao_chain *chain,
                                BEAMR_OWN ao_message **out, beamr_error *err)
{
    ao_message *m =
        message_of(contents_ref(message->contents), ao_message_ref(message->secrets), chain);

    if (!m)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for a message");
    *out = m;
    return BEAMR_OK;
}

bool message_cached_id(const ao_message *message, uint8_t id[AO_ID_SIZE])
{
    const contents *c = message->contents;

    if (atomic_load_explicit(&c->id_state, memory_order_acquire) != ID_THERE)
        return false;
    memcpy(id, c->id, AO_ID_SIZE);
    return true;
}

void message_cache_id(const ao_message *message, const uint8_t id[AO_ID_SIZE])
{
    contents *c = message->contents;
    int none = ID_NONE;

    if (!atomic_compare_exchange_strong(&c->id_state, &none, ID_BEING_WRITTEN))
        return;
    memcpy(c->id, id, AO_ID_SIZE);
    atomic_store_explicit(&c->id_state, ID_THERE, memory_order_release);
}

/* ---- Reading ---- */

size_t ao_message_count(const ao_message *message)
{
    return tree_count(message->contents->keys);
}

value_size message_size_of(const tree *keys, const ao_message *secrets)
{
    value_size size = tree_size(keys);

    for (; secrets; secrets = secrets->secrets) /* they stand on the same level */
        value_size_add(&size, tree_size(secrets->contents->keys));
    size.depth++;
    return size;
}

ao_limits ao_message_size(const ao_message *message)
{
    value_size size = message_size_of(message->contents->keys, message->secrets);

    return (ao_limits){size.depth, size.keys, size.bytes};
}

ao_value message_find_normal(const ao_message *message, beamr_bytes key)
{
    const tree_entry *entry = tree_find(message->contents->keys, key);

    assert(key_is_normal(key));
    return entry ? entry->value : AO_NO_VALUE;
}

/* Of a key that is not there as it is written.
 *   is_any  private keys too */
static ao_value find_written(const ao_message *message, beamr_bytes key, bool is_any)
{
    char buffer[KEY_BUFFER_SIZE], *owned;
    const tree_entry *entry = NULL;

    if (!key_normalise(key, buffer, &key, &owned))
        return AO_NO_VALUE;
    if (!key_is_private(key))
        entry = tree_find(message->contents->keys, key);
    else if (is_any && message->secrets)
        entry = tree_find(message->secrets->contents->keys, key);
    free(owned);
    return entry ? entry->value : AO_NO_VALUE;
}

ao_value message_find_any(const ao_message *message, beamr_bytes key)
{
    const tree_entry *entry = tree_find(message->contents->keys, key);

    return entry ? entry->value : find_written(message, key, true);
}

ao_value ao_message_find(const ao_message *message, beamr_bytes key)
{
    const tree_entry *entry = tree_find(message->contents->keys, key);

    if (entry)
        return entry->value;
    return key_is_normal(key) ? AO_NO_VALUE : find_written(message, key, false);
}

ao_value ao_message_find_text(const ao_message *message, const char *key)
{
    return ao_message_find(message, beamr_bytes_of(key));
}

beamr_status ao_message_get(const ao_message *message, beamr_bytes key, ao_value *out,
                            beamr_error *err)
{
    return ao_value_load(ao_message_find(message, key), out, err);
}

beamr_status ao_message_get_path(const ao_message *message, beamr_bytes path, ao_value *out,
                                 beamr_error *err)
{
    ao_value at = {.kind = AO_MESSAGE, .of.message = (ao_message *)(uintptr_t)message};
    size_t begin = 0;

    for (size_t i = 0; i <= path.len; i++) {
        beamr_bytes key = {path.data + begin, i - begin};
        beamr_status st;
        int64_t index;

        if (i < path.len && path.data[i] != '/')
            continue;
        begin = i + 1;
        if (key.len == 0)
            continue;
        if (at.kind == AO_MESSAGE)
            at = ao_message_find(at.of.message, key);
        else if (at.kind == AO_LIST && key_integer(key, &index) && index > 0)
            at = ao_list_at(at, (size_t)index - 1);
        else
            at = AO_NO_VALUE;
        if ((st = ao_value_load(at, &at, err)) != BEAMR_OK)
            return st;
    }
    *out = at;
    return BEAMR_OK;
}

bool ao_message_next(const ao_message *message, ao_cursor *cursor, const ao_name **key,
                     ao_value *value)
{
    const tree_entry *at = cursor->place[0], *end = cursor->place[1];

    if (at == end && !(at = tree_at(message->contents->keys, cursor->index, &end)))
        return false;
    if (key)
        *key = at->key;
    if (value)
        *value = at->value;
    cursor->index++;
    cursor->place[0] = at + 1;
    cursor->place[1] = end;
    return true;
}
