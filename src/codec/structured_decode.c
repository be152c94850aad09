/* structured@1.0, the way back: annotated messages to messages of typed values.
 * Reads more than is written: types as tokens, in any case, `int` for `integer`, integers of
 * any size, lists of bare items, and `(ao-type-T) text` without quotes. What equals the default
 * of a transaction's field is dropped. Recursive to AO_DEPTH_MAX levels. Source: AO-Core
 * codecs, "structured@1.0"; AO-Core messages, "Matching and minimising". */
#define _GNU_SOURCE /* strtod_l */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "ao/key.h"
#include "ao/match.h"
#include "codec/codecs.h"
#include "codec/structured.h"

typedef enum type_id {
    TYPE_UNKNOWN,
    TYPE_INTEGER,
    TYPE_FLOAT,
    TYPE_ATOM,
    TYPE_LIST,
    TYPE_MAP,
    TYPE_EMPTY_BINARY,
    TYPE_EMPTY_LIST,
    TYPE_EMPTY_MESSAGE,
} type_id;

static const char *const type_names[] = {
    [TYPE_INTEGER] = "integer",
    [TYPE_FLOAT] = "float",
    [TYPE_ATOM] = "atom",
    [TYPE_LIST] = "list",
    [TYPE_MAP] = "map",
    [TYPE_EMPTY_BINARY] = "empty-binary",
    [TYPE_EMPTY_LIST] = "empty-list",
    [TYPE_EMPTY_MESSAGE] = "empty-message",
};

enum { TYPES = sizeof type_names / sizeof type_names[0] };

typedef struct reader {
    arena a;
    const ao_limits *limits;
    beamr_error *err;
} reader;

static void reader_init(reader *r, const ao_limits *limits, beamr_error *err)
{
    *r = (reader){.limits = limits ? limits : codec_limits(NULL), .err = err};
    arena_init(&r->a, codec_memory(r->limits));
}

static type_id type_of(beamr_bytes text)
{
    for (type_id id = TYPE_INTEGER; (int)id < (int)TYPES; id++)
        if (text.len == strlen(type_names[id]) &&
            strncasecmp((const char *)text.data, type_names[id], text.len) == 0)
            return id;
    if (text.len == 3 && strncasecmp((const char *)text.data, "int", 3) == 0)
        return TYPE_INTEGER;
    return TYPE_UNKNOWN;
}

static bool is_empty_type(type_id type)
{
    return type >= TYPE_EMPTY_BINARY;
}

static beamr_status fail_value(const reader *r, size_t offset, const char *why)
{
    return beamr_fail(r->err, BEAMR_MESSAGE, offset, "%s", why);
}

static beamr_status fail_deep(const reader *r)
{
    return beamr_fail(r->err, BEAMR_LIMIT, 0,
                      "more than %d messages and lists within each other", AO_DEPTH_MAX);
}

static beamr_status fail_memory(const reader *r)
{
    return beamr_fail(r->err, BEAMR_NO_MEMORY, 0, "no memory for the values of a message");
}

/* Pass a value on, or say why there is none. */
static beamr_status give(const reader *r, ao_value value, ao_value *out)
{
    if (value.kind == AO_NONE)
        return value_fail(value, r->err);
    *out = value;
    return BEAMR_OK;
}

/* Say which key a failure belongs to. */
static beamr_status name_key(const reader *r, beamr_status st, beamr_bytes key)
{
    char show[CODEC_SHOW_SIZE], text[BEAMR_ERROR_TEXT_SIZE];

    if (st != BEAMR_MESSAGE || !r->err || r->err->status != st)
        return st;
    memcpy(text, r->err->text, sizeof text);
    r->err->text[0] = 0;
    snprintf(r->err->text, sizeof r->err->text, "key `%s`: %.400s", codec_show_key(key, show),
             text);
    return st;
}

/* ---- Single values ---- */

static ao_value empty_value(type_id type)
{
    if (type == TYPE_EMPTY_BINARY)
        return ao_binary_text("");
    if (type == TYPE_EMPTY_LIST)
        return ao_list_new(NULL, 0);
    return ao_message_value(ao_message_empty());
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_digits(beamr_bytes text, size_t from)
{
    while (from < text.len && is_digit(text.data[from]))
        from++;
    return from;
}

/* The text is a decimal: digits on both sides of the point, and an exponent if one likes.
 *   end  gets where it stops being one */
static bool is_float(beamr_bytes text, size_t *end)
{
    size_t from = text.len && (text.data[0] == '-' || text.data[0] == '+');

    *end = skip_digits(text, from);
    if (*end == from || *end == text.len || text.data[*end] != '.')
        return false;
    from = ++*end;
    *end = skip_digits(text, from);
    if (*end == from)
        return false;
    if (*end < text.len && (text.data[*end] | 0x20) == 'e') {
        from = ++*end;
        if (from < text.len && (text.data[from] == '-' || text.data[from] == '+'))
            from++;
        *end = skip_digits(text, from);
        if (*end == from)
            return false;
    }
    return *end == text.len;
}

/* strtod with a point, whatever the locale. */
static double number_of(const char *text)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double number = c ? strtod_l(text, NULL, c) : (double)NAN;

    if (c)
        freelocale(c);
    return number;
}

static beamr_status read_float(reader *r, beamr_bytes text, ao_value *out)
{
    enum { LENGTH_MAX = 1100 }; /* the longest exact decimal of a double has 1077 digits */
    char buffer[LENGTH_MAX + 1];
    double number;
    size_t end;

    if (!is_float(text, &end))
        return fail_value(r, end, "a float has digits on both sides of its point");
    if (text.len > LENGTH_MAX)
        return fail_value(r, LENGTH_MAX, "a float of too many digits");
    memcpy(buffer, text.data, text.len);
    buffer[text.len] = 0;
    number = number_of(buffer);
    if (!isfinite(number))
        return fail_value(r, 0, "a float that is too large");
    return give(r, ao_float(number), out);
}

static beamr_status give_atom(reader *r, beamr_bytes text, ao_value *out)
{
    return give(r, ao_atom_of(text), out);
}

static beamr_status read_integer(reader *r, beamr_bytes text, ao_value *out)
{
    size_t sign = text.len && text.data[0] == '-', end = skip_digits(text, sign);

    if (end != text.len || end == sign)
        return fail_value(r, end, "an integer consists of `-` and digits");
    return ao_integer_read(text, out, r->err);
}

static beamr_status read_atom(reader *r, beamr_bytes text, ao_value *out)
{
    field_item item;

    BEAMR_TRY(field_read_item(&r->a, text, FIELD_LENIENT, &item, r->err));
    if (item.kind != FIELD_STRING && item.kind != FIELD_TOKEN)
        return fail_value(r, 0, "an atom is a string or a token");
    return give_atom(r, item.bytes, out);
}

/* Put a value, unless it is a transaction's default. Private state does not come from outside.
 */
static void put_public(ao_builder *builder, beamr_bytes key, ao_value value)
{
    if (!key.len || key.len > AO_NAME_MAX)
        ao_builder_fail(builder, BEAMR_MESSAGE,
                        key.len ? "a key of more than 65535 bytes" : "an empty key");
    if (value.kind != AO_NONE && (key_is_private(key) || ao_is_transaction_default(key, value)))
        ao_value_unref(value);
    else
        ao_builder_put_key(builder, key, value);
}

/* The message, or the first failure: the builder's, or else the one that ended its use. */
static beamr_status end_builder(ao_builder *builder, beamr_status st, ao_message **out)
{
    if (st != BEAMR_OK)
        ao_builder_fail(builder, st, beamr_status_text(st));
    return ao_builder_end(builder, out);
}

/* ---- Lists and maps ---- */

static beamr_status read_list(reader *r, beamr_bytes text, unsigned depth, ao_value *out);
static beamr_status read_map(reader *r, beamr_bytes text, unsigned depth, ao_value *out);
static beamr_status read_inner(reader *r, const field_item *list, unsigned depth,
                               ao_value *out);

static beamr_status read_typed(reader *r, type_id type, beamr_bytes text, unsigned depth,
                               ao_value *out)
{
    switch (type) {
    case TYPE_INTEGER:
        return read_integer(r, text, out);
    case TYPE_FLOAT:
        return read_float(r, text, out);
    case TYPE_ATOM:
        return read_atom(r, text, out);
    case TYPE_LIST:
        return read_list(r, text, depth, out);
    case TYPE_MAP:
        return read_map(r, text, depth, out);
    case TYPE_EMPTY_BINARY:
    case TYPE_EMPTY_LIST:
    case TYPE_EMPTY_MESSAGE:
        if (text.len)
            return fail_value(r, 0, "typed as empty, and is not");
        return give(r, empty_value(type), out);
    case TYPE_UNKNOWN:
        break;
    }
    return fail_value(r, 0, "there is no such type");
}

/* A string: `(ao-type-T) text`, split at the first `) `, or the binary that it is. */
static beamr_status read_string(reader *r, beamr_bytes text, unsigned depth, ao_value *out)
{
    static const char start[] = FIELD_ANNOTATION;
    size_t from = sizeof start - 1;
    const uint8_t *end;
    beamr_bytes type, rest;
    char show[CODEC_SHOW_SIZE];

    if (text.len < from || memcmp(text.data, start, from) != 0)
        return give(r, ao_binary_copy(text), out);
    end = memchr(text.data + from, ')', text.len - from);
    if (!end)
        return fail_value(r, text.len, "`(ao-type-` without `)`");
    type = (beamr_bytes){text.data + from, (size_t)(end - text.data) - from};
    /* Of an empty text the space may have been taken for white space behind it. */
    rest.data = end + 1;
    rest.len = (size_t)(text.data + text.len - rest.data);
    if (rest.len && rest.data[0] != ' ')
        return fail_value(r, (size_t)(rest.data - text.data), "no space behind `(ao-type-T)`");
    if (rest.len) {
        rest.data++;
        rest.len--;
    }
    if (type_of(type) == TYPE_UNKNOWN)
        return beamr_fail(r->err, BEAMR_MESSAGE, from, "there is no type `%s`",
                          codec_show_key(type, show));
    return read_typed(r, type_of(type), rest, depth, out);
}

static beamr_status read_item(reader *r, const field_item *item, unsigned depth, ao_value *out)
{
    switch (item->kind) {
    case FIELD_INTEGER:
        return read_integer(r, item->bytes, out);
    case FIELD_DECIMAL:
        return read_float(r, item->bytes, out);
    case FIELD_STRING:
        return read_string(r, item->bytes, depth, out);
    case FIELD_TOKEN:
        return give_atom(r, item->bytes, out);
    case FIELD_BYTES:
        return give(r, ao_binary_copy(item->bytes), out);
    case FIELD_BOOLEAN:
        return give(r, ao_boolean(item->integer != 0), out);
    case FIELD_INNER_LIST:
        return read_inner(r, item, depth + 1, out);
    }
    return fail_value(r, 0, "an item of no kind");
}

/* Values that become a list. */
typedef struct values {
    ao_value *items;
    size_t count, capacity;
} values;

static void values_drop(values *v)
{
    for (size_t i = 0; i < v->count; i++)
        ao_value_unref(v->items[i]);
    free(v->items);
}

/* Room for one more. */
static beamr_status values_reserve(reader *r, values *v)
{
    size_t capacity = v->capacity ? v->capacity * 2 : 8;
    ao_value *items;

    if (v->count == r->limits->max_keys)
        return beamr_fail(r->err, BEAMR_LIMIT, 0, "a list of more than %zu items", v->count);
    if (v->count < v->capacity)
        return BEAMR_OK;
    if (!(items = realloc(v->items, capacity * sizeof *items)))
        return fail_memory(r);
    v->items = items;
    v->capacity = capacity;
    return BEAMR_OK;
}

static beamr_status values_end(reader *r, beamr_status st, values *v, ao_value *out)
{
    if (st == BEAMR_OK) {
        st = give(r, ao_list_new(v->items, v->count), out);
        v->count = 0;
    }
    values_drop(v);
    return st;
}

static beamr_status add_item(reader *r, values *v, const field_item *item, unsigned depth)
{
    BEAMR_TRY(values_reserve(r, v));
    BEAMR_TRY(read_item(r, item, depth, &v->items[v->count]));
    v->count++;
    return BEAMR_OK;
}

static beamr_status read_inner(reader *r, const field_item *list, unsigned depth, ao_value *out)
{
    beamr_status st = BEAMR_OK;
    values v = {0};

    for (size_t i = 0; i < list->count && st == BEAMR_OK; i++)
        st = add_item(r, &v, &list->items[i], depth);
    return values_end(r, st, &v, out);
}

static beamr_status read_list(reader *r, beamr_bytes text, unsigned depth, ao_value *out)
{
    beamr_status st;
    values v = {0};
    field_item item;
    field_cursor cursor;
    bool is_there = true;

    if (depth >= AO_DEPTH_MAX)
        return fail_deep(r);
    field_begin(&cursor, &r->a, text, FIELD_LENIENT | FIELD_ANNOTATED, r->err);
    for (;;) {
        if ((st = field_next_item(&cursor, &item, &is_there)) != BEAMR_OK || !is_there)
            break;
        if ((st = add_item(r, &v, &item, depth + 1)) != BEAMR_OK)
            break;
    }
    return values_end(r, st, &v, out);
}

static beamr_status read_map(reader *r, beamr_bytes text, unsigned depth, ao_value *out)
{
    beamr_status st;
    field_param member;
    field_cursor cursor;
    ao_builder builder;
    ao_message *message = NULL;
    bool is_there = true;

    if (depth >= AO_DEPTH_MAX)
        return fail_deep(r);
    ao_builder_begin(&builder, NULL, r->limits, r->err);
    field_begin(&cursor, &r->a, text, FIELD_LENIENT | FIELD_ANNOTATED, r->err);
    for (;;) {
        ao_value value = AO_NO_VALUE;

        if ((st = field_next_member(&cursor, &member, &is_there)) != BEAMR_OK || !is_there)
            break;
        if ((st = codec_normalise(&r->a, &member.key, r->err)) != BEAMR_OK ||
            (st = read_item(r, &member.item, depth + 1, &value)) != BEAMR_OK)
            break;
        put_public(&builder, member.key, value);
    }
    BEAMR_TRY(end_builder(&builder, st, &message));
    return give(r, ao_message_value(message), out);
}

/* ---- Types of a level ---- */

typedef struct typed_key {
    beamr_bytes key; /* unescaped and normalised */
    type_id type;
    uint32_t order;
    beamr_bytes name; /* of the type */
} typed_key;

typedef struct types {
    typed_key *keys; /* sorted */
    size_t count;
} types;

static int hex_digit(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static beamr_status unescape_key(reader *r, beamr_bytes *key)
{
    size_t len = 0;
    uint8_t *data;

    if (memchr(key->data, '%', key->len)) {
        if (!(data = arena_alloc(&r->a, key->len, 1)))
            return codec_fail_full(&r->a, r->err);
        for (size_t i = 0; i < key->len; i++) {
            int high = i + 2 < key->len ? hex_digit(key->data[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(key->data[i + 2]) : -1;

            if (key->data[i] == '%' && low >= 0) {
                data[len++] = (uint8_t)(high << 4 | low);
                i += 2;
            } else {
                data[len++] = key->data[i];
            }
        }
        *key = (beamr_bytes){data, len};
    }
    return codec_normalise(&r->a, key, r->err);
}

static beamr_status read_type(reader *r, field_param *member, typed_key *out)
{
    const field_item *item = &member->item;

    if (item->kind != FIELD_STRING && item->kind != FIELD_TOKEN)
        return beamr_fail(r->err, BEAMR_MESSAGE, 0, "a type that is no string");
    out->type = type_of(item->bytes);
    out->name = item->bytes;
    out->key = member->key;
    return unescape_key(r, &out->key);
}

static int compare_types(const void *a, const void *b)
{
    const typed_key *x = a, *y = b;
    int order = codec_key_compare(x->key, y->key);

    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

/* Sort the types, and keep the last of those with equal keys. */
static void types_sort(types *t)
{
    bool is_sorted = true;
    size_t kept = 0;

    for (size_t i = 1; i < t->count && is_sorted; i++)
        is_sorted = codec_key_compare(t->keys[i - 1].key, t->keys[i].key) < 0;
    if (is_sorted)
        return;
    qsort(t->keys, t->count, sizeof *t->keys, compare_types);
    for (size_t i = 0; i < t->count; i++) {
        kept += !(kept > 0 && codec_key_compare(t->keys[kept - 1].key, t->keys[i].key) == 0);
        t->keys[kept - 1] = t->keys[i];
    }
    t->count = kept;
}

static beamr_status types_read(reader *r, beamr_bytes text, types *out)
{
    size_t capacity = 0;
    field_param member;
    field_cursor cursor;
    bool is_there;

    field_begin(&cursor, &r->a, text, FIELD_LENIENT, r->err);
    for (;;) {
        BEAMR_TRY(field_next_member(&cursor, &member, &is_there));
        if (!is_there)
            break;
        if (out->count == capacity) {
            typed_key *keys;

            capacity = capacity ? capacity * 2 : 8;
            if (!(keys = ARENA_NEW(&r->a, typed_key, capacity)))
                return codec_fail_full(&r->a, r->err);
            if (out->count)
                memcpy(keys, out->keys, out->count * sizeof *keys);
            out->keys = keys;
        }
        out->keys[out->count].order = (uint32_t)out->count;
        BEAMR_TRY(read_type(r, &member, &out->keys[out->count]));
        out->count++;
    }
    types_sort(out);
    return BEAMR_OK;
}

static const typed_key *types_find(const types *t, beamr_bytes key)
{
    size_t low = 0, high = t->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = codec_key_compare(t->keys[middle].key, key);

        if (order == 0)
            return &t->keys[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- Messages ---- */

static beamr_status read_message(reader *r, const codec_node *node, unsigned depth,
                                 ao_message **out);

static beamr_status read_node(reader *r, const codec_entry *entry, const typed_key *type,
                              unsigned depth, ao_value *out)
{
    ao_message *message = NULL;
    beamr_status st;

    BEAMR_TRY(read_message(r, entry->node, depth + 1, &message));
    if (!type || type->type != TYPE_LIST)
        return give(r, ao_message_value(message), out);
    st = ao_message_to_list(message, out, r->err);
    ao_message_unref(message);
    if (st == BEAMR_ARGUMENT) {
        if (r->err)
            r->err->status = BEAMR_MESSAGE;
        st = BEAMR_MESSAGE;
    }
    return st;
}

static beamr_status read_entry(reader *r, const codec_entry *entry, const typed_key *type,
                               unsigned depth, ao_value *out)
{
    char show[CODEC_SHOW_SIZE];

    switch (entry->kind) {
    case CODEC_NODE:
        return read_node(r, entry, type, depth, out);
    case CODEC_VALUE:
        return give(r, ao_value_ref(entry->value), out);
    case CODEC_BYTES:
        break;
    }
    if (!type)
        return give(r, codec_entry_binary(entry), out);
    if (type->type == TYPE_UNKNOWN)
        return beamr_fail(r->err, BEAMR_MESSAGE, 0, "there is no type `%s`",
                          codec_show_key(type->name, show));
    return read_typed(r, type->type, entry->bytes, depth, out);
}

static beamr_status put_entries(reader *r, ao_builder *builder, const codec_node *node,
                                unsigned depth)
{
    const codec_entry *annotation = codec_node_find(node, CODEC_TYPES);
    types t = {0};

    if (annotation && annotation->kind != CODEC_BYTES)
        return beamr_fail(r->err, BEAMR_MESSAGE, 0, "key `" CODEC_TYPES "`: it is no text");
    if (annotation)
        BEAMR_TRY(name_key(r, types_read(r, annotation->bytes, &t), annotation->key));
    for (size_t i = 0; i < t.count; i++)
        if (is_empty_type(t.keys[i].type))
            put_public(builder, t.keys[i].key, empty_value(t.keys[i].type));
    for (size_t i = 0; i < node->count; i++) {
        const codec_entry *entry = &node->entries[i];
        beamr_bytes key = entry->key;
        ao_value value = AO_NO_VALUE;

        if (entry == annotation)
            continue;
        BEAMR_TRY(codec_normalise(&r->a, &key, r->err));
        BEAMR_TRY(name_key(r, read_entry(r, entry, types_find(&t, key), depth, &value), key));
        put_public(builder, key, value);
    }
    return BEAMR_OK;
}

static beamr_status read_message(reader *r, const codec_node *node, unsigned depth,
                                 ao_message **out)
{
    ao_builder builder;
    beamr_status st;

    if (depth >= AO_DEPTH_MAX)
        return fail_deep(r);
    ao_builder_begin(&builder, NULL, r->limits, r->err);
    st = put_entries(r, &builder, node, depth);
    return end_builder(&builder, st, out);
}

beamr_status codec_message(const codec_node *node, const ao_limits *limits, ao_message **out,
                           beamr_error *err)
{
    beamr_status st;
    reader r;

    reader_init(&r, limits, err);
    st = read_message(&r, node, 0, out);
    arena_clear(&r.a);
    return st;
}

beamr_status codec_value(beamr_bytes type, beamr_bytes text, const ao_limits *limits,
                         ao_value *out, beamr_error *err)
{
    char show[CODEC_SHOW_SIZE];
    beamr_status st;
    reader r;

    if (type_of(type) == TYPE_UNKNOWN)
        return beamr_fail(err, BEAMR_MESSAGE, 0, "there is no type `%s`",
                          codec_show_key(type, show));
    reader_init(&r, limits, err);
    st = read_typed(&r, type_of(type), text, 0, out);
    arena_clear(&r.a);
    return st;
}
