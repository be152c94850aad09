/* What a signature covers, and messages that came in another form than their own encoding.
 * A client may order parts and their lines as it likes; its signature is then over that form
 * alone. So it is kept beside the message. Nothing protects it from being left with a message
 * that has changed meanwhile: it counts only where it holds, under every key that a signature
 * covers in it, what the message holds. What is covered in one form need not be in the other.
 * Source: AO-Core ids, "Recommended superset"; messages, "`committed`". */
#include "codec/httpsig.h"

/* ---- The form in which a message came ---- */

static bool has_slash(const httpsig_message *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        if (fields->fields[i].name.len &&
            memchr(fields->fields[i].name.data, '/', fields->fields[i].name.len))
            return true;
    return false;
}

/* NULL: there is none, or what is stored as one is damaged, which no signature can be over. */
static beamr_status find_encoded(const ao_message *message, const ao_message **out,
                                 beamr_error *err)
{
    ao_value value = ao_private_find(message, HTTPSIG_RECEIVED);
    beamr_status st = ao_value_load(value, &value, NULL);

    *out = st == BEAMR_OK ? ao_to_message(value) : NULL;
    if (st == BEAMR_OK || st == BEAMR_MESSAGE || st == BEAMR_NOT_FOUND || st == BEAMR_LIMIT)
        return BEAMR_OK;
    return beamr_fail(err, st, 0, "cannot load a message as it came");
}

beamr_status httpsig_open_received(arena *a, const ao_message *message, httpsig_received *out,
                                   beamr_error *err)
{
    const ao_message *encoded;
    beamr_status st;

    *out = (httpsig_received){.encoded = NULL};
    BEAMR_TRY(find_encoded(message, &encoded, err));
    if (!encoded)
        return BEAMR_OK;
    BEAMR_TRY(httpsig_of_fields(a, encoded, &out->fields, err));
    if (has_slash(&out->fields)) /* what came from the body cannot be told then */
        return BEAMR_OK;
    st = httpsig_decode(a, encoded, &out->node, &out->is_digest_known, NULL);
    if (st == BEAMR_OK)
        st = codec_message(out->node, NULL, &out->message, NULL);
    if (st == BEAMR_NO_MEMORY)
        return beamr_fail(err, st, 0, "no memory to read a message as it came");
    if (st == BEAMR_OK)
        out->encoded = encoded;
    return BEAMR_OK;
}

void httpsig_close_received(httpsig_received *received)
{
    ao_message_unref(received->message);
    *received = (httpsig_received){.encoded = NULL};
}

/* ---- Comparing ---- */

static bool nodes_equal(const codec_node *a, const codec_node *b);

static bool entries_equal(const codec_entry *a, const codec_entry *b)
{
    if (a->kind != b->kind || !text_equal(a->key, b->key))
        return false;
    if (a->kind == CODEC_NODE)
        return nodes_equal(a->node, b->node);
    return a->kind == CODEC_BYTES && text_equal(a->bytes, b->bytes);
}

/* To the byte, types included; as deep as messages can be. */
static bool nodes_equal(const codec_node *a, const codec_node *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!entries_equal(&a->entries[i], &b->entries[i]))
            return false;
    return true;
}

/* The annotated form of some keys of a message; `part` holds what it borrows. */
static beamr_status annotate_keys(arena *a, const ao_message *message, const httpsig_keys *keys,
                                  codec_node **out, BEAMR_OWN ao_message **part,
                                  beamr_error *err)
{
    const codec_annotate_options options = {.without_commitments = true};
    ao_builder builder;

    if (!keys) {
        *part = ao_message_ref(message);
        return codec_annotate(a, message, &options, out, err);
    }
    ao_builder_begin(&builder, NULL, NULL, err);
    for (size_t i = 0; i < keys->count; i++) {
        ao_value value = ao_message_find(message, keys->items[i]);

        if (value.kind != AO_NONE)
            ao_builder_put_key(&builder, keys->items[i], ao_value_ref(value));
    }
    BEAMR_TRY(ao_builder_end(&builder, part));
    return codec_annotate(a, *part, &options, out, err);
}

beamr_status httpsig_received_matches(arena *a, const ao_message *message,
                                      const httpsig_received *received,
                                      const httpsig_keys *keys, bool *matches, beamr_error *err)
{
    ao_message *ours = NULL, *theirs = NULL;
    codec_node *our_node, *their_node;
    beamr_status st;

    if ((st = annotate_keys(a, message, keys, &our_node, &ours, err)) == BEAMR_OK &&
        (st = annotate_keys(a, received->message, keys, &their_node, &theirs, err)) == BEAMR_OK)
        *matches = nodes_equal(our_node, their_node);
    ao_message_unref(ours);
    ao_message_unref(theirs);
    return st;
}

static beamr_status listed_base(arena *a, const httpsig_message *fields, const field_item *list,
                                beamr_bytes *out, bool *is_complete, beamr_error *err)
{
    httpsig_component *components;
    size_t count;

    BEAMR_TRY(
        httpsig_listed_components(a, fields, list, &components, &count, is_complete, err));
    if (!*is_complete)
        return BEAMR_OK;
    return httpsig_base(a, components, count, (beamr_bytes){NULL, 0}, out, err);
}

beamr_status httpsig_is_canonical(arena *a, const ao_message *message,
                                  const ao_message *commitments, const ao_message *encoded,
                                  bool *is_canonical, beamr_error *err)
{
    httpsig_message own, received;
    httpsig_pairs pairs;

    *is_canonical = false;
    BEAMR_TRY(httpsig_read_pairs(a, encoded, &pairs, err));
    BEAMR_TRY(httpsig_of_fields(a, encoded, &received, err));
    BEAMR_TRY(httpsig_encode_message(a, message, HTTPSIG_ID, NULL, &own, err));
    BEAMR_TRY(httpsig_add_hashpaths(a, message, commitments, &own, err));
    for (size_t i = 0; i < pairs.count; i++) {
        const field_item *list = &pairs.items[i].input;
        beamr_bytes own_base, received_base;
        bool is_complete;

        BEAMR_TRY(listed_base(a, &own, list, &own_base, &is_complete, err));
        if (is_complete)
            BEAMR_TRY(listed_base(a, &received, list, &received_base, &is_complete, err));
        if (!is_complete || !text_equal(own_base, received_base))
            return BEAMR_OK;
    }
    *is_canonical = true;
    return BEAMR_OK;
}

/* ---- What is covered ---- */

static beamr_status add_key(arena *a, httpsig_keys *keys, beamr_bytes key, beamr_error *err)
{
    if (keys->count == keys->capacity) {
        size_t capacity = keys->capacity * 2 + 16;
        beamr_bytes *items = ARENA_NEW(a, beamr_bytes, capacity);

        if (!items)
            return codec_fail_full(a, err);
        if (keys->count)
            memcpy(items, keys->items, keys->count * sizeof *items);
        keys->items = items;
        keys->capacity = capacity;
    }
    keys->items[keys->count++] = key;
    return BEAMR_OK;
}

/* Which fields are components of special meaning. */
typedef struct components {
    bool has_types, has_ids, has_digest;
} components;

static void note_component(components *c, beamr_bytes name)
{
    c->has_types |= text_is(name, "ao-types");
    c->has_ids |= text_is(name, "ao-ids");
    c->has_digest |= text_is(name, "content-digest");
}

/* A form of a message, in which components are looked for. */
typedef struct form {
    const ao_message *message;
    const codec_node *node; /* the message, annotated */
    const httpsig_message *fields;
} form;

/* The field `name` is what the message has under this key, or it has nothing there: a field can
 * also be made for the encoding, and a key of that name is then not in it. */
static bool stands_for_key(const form *f, beamr_bytes name)
{
    const codec_entry *entry;
    const httpsig_field *field;

    if (ao_message_find(f->message, name).kind == AO_NONE)
        return true;
    entry = codec_node_find_key(f->node, name);
    field = httpsig_find_field(f->fields, name);
    return entry && field && entry->kind == CODEC_BYTES &&
           text_equal(entry->bytes, field->value);
}

static beamr_status add_component(arena *a, const form *f, beamr_bytes name, httpsig_keys *keys,
                                  components *c, beamr_error *err)
{
    note_component(c, name);
    return name.len && stands_for_key(f, name) ? add_key(a, keys, name, err) : BEAMR_OK;
}

static beamr_status add_listed(arena *a, const form *f, const field_item *list,
                               httpsig_keys *keys, components *c, beamr_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        beamr_bytes name = list->items[i].bytes;

        if (list->items[i].kind != FIELD_STRING)
            continue;
        if (name.len && name.data[0] == '@')
            name = (beamr_bytes){name.data + 1, name.len - 1};
        BEAMR_TRY(add_component(a, f, name, keys, c, err));
    }
    return BEAMR_OK;
}

static beamr_status add_fields(arena *a, const form *f, httpsig_keys *keys, components *c,
                               beamr_error *err)
{
    for (size_t i = 0; i < f->fields->count; i++)
        BEAMR_TRY(add_component(a, f, f->fields->fields[i].name, keys, c, err));
    return BEAMR_OK;
}

/* Keys that exist only in `ao-types`: those of empty values. */
static beamr_status add_empty(arena *a, const ao_message *message, const codec_node *node,
                              httpsig_keys *keys, beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *name;

    while (ao_message_next(message, &cursor, &name, NULL)) {
        beamr_bytes key = ao_name_text(name);

        if (!codec_node_find_key(node, key) && !text_is(key, "unsigned_id") &&
            !httpsig_is_reserved(key))
            BEAMR_TRY(add_key(a, keys, key, err));
    }
    return BEAMR_OK;
}

static beamr_status add_ids(arena *a, const codec_node *node, httpsig_keys *keys,
                            beamr_error *err)
{
    for (size_t i = 0; i < node->count; i++)
        if (httpsig_is_id_key(node->entries[i].key) && node->entries[i].kind == CODEC_BYTES)
            BEAMR_TRY(add_key(a, keys, node->entries[i].key, err));
    return BEAMR_OK;
}

/* What the body holds: its key, or the first keys of its parts' names. */
static beamr_status add_body(arena *a, const httpsig_message *encoded, httpsig_keys *keys,
                             beamr_error *err)
{
    BEAMR_TRY(add_key(a, keys, beamr_bytes_of("body"), err));
    BEAMR_TRY(add_key(a, keys, beamr_bytes_of("inline-body-key"), err));
    BEAMR_TRY(add_key(a, keys, encoded->inline_key, err));
    for (size_t i = 0; encoded->is_multipart && i < encoded->part_count; i++) {
        beamr_bytes name = encoded->parts[i].name;
        const uint8_t *slash = name.len ? memchr(name.data, '/', name.len) : NULL;

        if (slash)
            name.len = (size_t)(slash - name.data);
        BEAMR_TRY(add_key(a, keys, name, err));
    }
    return BEAMR_OK;
}

/* What came neither as a field nor as an id came in the body. */
static beamr_status add_received_body(arena *a, const httpsig_received *received,
                                      httpsig_keys *keys, beamr_error *err)
{
    BEAMR_TRY(add_key(a, keys, beamr_bytes_of("body"), err));
    BEAMR_TRY(add_key(a, keys, beamr_bytes_of("inline-body-key"), err));
    for (size_t i = 0; i < received->node->count; i++) {
        const codec_entry *entry = &received->node->entries[i];

        if (!httpsig_find_field(&received->fields, entry->key) &&
            !(httpsig_is_id_key(entry->key) && entry->kind == CODEC_BYTES))
            BEAMR_TRY(add_key(a, keys, entry->key, err));
    }
    return BEAMR_OK;
}

beamr_status httpsig_received_keys(arena *a, const httpsig_received *received,
                                   const field_item *list, httpsig_keys *keys, beamr_error *err)
{
    const form f = {received->message, received->node, &received->fields};
    components c = {false, false, false};

    *keys = (httpsig_keys){NULL, 0, 0};
    BEAMR_TRY(add_component(a, &f, beamr_bytes_of("signature"), keys, &c, err));
    BEAMR_TRY(add_component(a, &f, beamr_bytes_of("signature-input"), keys, &c, err));
    BEAMR_TRY(list ? add_listed(a, &f, list, keys, &c, err) : add_fields(a, &f, keys, &c, err));
    if (c.has_types)
        BEAMR_TRY(add_empty(a, received->message, received->node, keys, err));
    if (c.has_ids)
        BEAMR_TRY(add_ids(a, received->node, keys, err));
    return c.has_digest ? add_received_body(a, received, keys, err) : BEAMR_OK;
}

beamr_status httpsig_own_keys(arena *a, const ao_message *message, const field_item *list,
                              httpsig_keys *keys, beamr_error *err)
{
    components c = {false, false, false};
    httpsig_message encoded;
    codec_node *node;
    form f = {.message = message, .fields = &encoded};

    *keys = (httpsig_keys){NULL, 0, 0};
    BEAMR_TRY(httpsig_encode_message(a, message, HTTPSIG_ID, &node, &encoded, err));
    f.node = node;
    BEAMR_TRY(add_component(a, &f, beamr_bytes_of("signature"), keys, &c, err));
    BEAMR_TRY(add_component(a, &f, beamr_bytes_of("signature-input"), keys, &c, err));
    BEAMR_TRY(list ? add_listed(a, &f, list, keys, &c, err) : add_fields(a, &f, keys, &c, err));
    if (c.has_types)
        BEAMR_TRY(add_empty(a, message, node, keys, err));
    if (c.has_ids)
        BEAMR_TRY(add_ids(a, node, keys, err));
    return c.has_digest ? add_body(a, &encoded, keys, err) : BEAMR_OK;
}
