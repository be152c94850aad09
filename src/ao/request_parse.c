/* From a client's request to the list of messages to be resolved: ao_request_parse.
 * A target is cut into steps and keys here; request_merge.c makes messages of them. Paths in
 * parentheses are parsed by the same function, at most PATH_NESTING_MAX deep.
 * Percent-encoding is undone once, not twice as in the reference, and a name with a dot whose
 * left side is no number is a plain key.
 * Source: AO-Core paths, "From request to message list". */
#include "ao/request_parse.h"

#include <stdlib.h>
#include <string.h>

#include "ao/internal.h"

static beamr_status parse_target(parser *p, const path_source *source, path_range range,
                                 const ao_message *request, ao_value *out);

beamr_status parse_fail(const parser *p, const path_source *source, size_t index,
                        const char *text)
{
    return beamr_fail(p->err, BEAMR_MESSAGE, path_position(source, index), "%s", text);
}

beamr_status parse_fail_key(const parser *p, beamr_status status, beamr_bytes key,
                            const beamr_error *why)
{
    if (status != BEAMR_NO_MEMORY && status != BEAMR_LIMIT)
        status = BEAMR_MESSAGE;
    return beamr_fail(p->err, status, 0, "the key `%.*s`: %s",
                      (int)(key.len < 64 ? key.len : 64), (const char *)key.data, why->text);
}

static beamr_status no_memory(const parser *p)
{
    return beamr_fail(p->err, BEAMR_NO_MEMORY, 0, "no memory for a path");
}

static beamr_status count_part(parser *p, const path_source *source, size_t index)
{
    if (++p->parts <= PATH_PARTS_MAX)
        return BEAMR_OK;
    return beamr_fail(p->err, BEAMR_LIMIT, path_position(source, index),
                      "a path with more than %d parts and keys", PATH_PARTS_MAX);
}

/* Room for one more; the new one is zeroed. */
static void *grow(void **items, size_t *count, size_t *capacity, size_t size)
{
    if (*count == *capacity) {
        size_t more = *capacity ? 2 * *capacity : 8;
        void *bigger = realloc(*items, more * size);

        if (!bigger)
            return NULL;
        *items = bigger;
        *capacity = more;
    }
    return memset((char *)*items + (*count)++ * size, 0, size);
}

static parsed_key *add_key(key_list *list)
{
    return grow((void **)&list->items, &list->count, &list->capacity, sizeof *list->items);
}

static void keys_clear(key_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        name_unref(list->items[i].name);
        ao_value_unref(list->items[i].value);
    }
    free(list->items);
}

static void target_clear(target *t)
{
    for (size_t i = 0; i < t->step_count; i++) {
        ao_value_unref(t->steps[i].value);
        ao_value_unref(t->steps[i].device);
    }
    free(t->steps);
    keys_clear(&t->inlines);
    keys_clear(&t->keys);
}

/* ---- Values ---- */

static beamr_status parse_group(parser *p, const path_source *source, path_range range,
                                ao_value *out)
{
    ao_value list;
    beamr_status st;

    if (p->nesting == PATH_NESTING_MAX)
        return beamr_fail(p->err, BEAMR_LIMIT, path_position(source, range.begin),
                          "more than %d paths within each other", PATH_NESTING_MAX);
    p->nesting++;
    st = parse_target(p, source, range, NULL, &list);
    p->nesting--;
    if (st != BEAMR_OK)
        return st;
    *out = ao_resolve_form(list);
    return out->kind == AO_NONE ? value_fail(*out, p->err) : BEAMR_OK;
}

static bool is_type(beamr_bytes type, const char *name)
{
    size_t len = strlen(name);

    if (type.len != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((type.data[i] | 0x20) != (uint8_t)name[i])
            return false;
    return true;
}

static beamr_status decode_typed(const parser *p, size_t position, beamr_bytes type,
                                 beamr_bytes text, ao_value *out)
{
    const ao_codec *codec = p->context->structured;
    beamr_error why;
    beamr_status st;

    if (is_type(type, "int"))
        type = beamr_bytes_of("integer");
    if (!codec)
        return beamr_fail(p->err, BEAMR_MESSAGE, position, "this context knows no types");
    beamr_error_clear(&why);
    st = codec->decode_value(p->context, type, text, out, &why);
    if (st == BEAMR_OK)
        return st;
    if (st != BEAMR_NO_MEMORY && st != BEAMR_LIMIT)
        st = BEAMR_MESSAGE;
    return beamr_fail(p->err, st, position, "a value is not of the type `%.*s`: %s",
                      (int)(type.len < 32 ? type.len : 32), (const char *)type.data, why.text);
}

/* The value of `name+type=text`. */
static beamr_status parse_value(parser *p, const path_source *source, path_range text,
                                beamr_bytes type, ao_value *out)
{
    if (is_type(type, "resolve"))
        return parse_group(p, source, text, out);
    if (type.len)
        return decode_typed(p, path_position(source, text.begin), type,
                            path_bytes(source, text), out);
    if (path_is_group(source, text))
        return parse_group(p, source, (path_range){text.begin + 1, text.end - 1}, out);
    *out = ao_binary_copy(path_bytes(source, text));
    return out->kind == AO_NONE ? value_fail(*out, p->err) : BEAMR_OK;
}

/* ---- Keys ---- */

/* `N.name` belongs to step N alone, if that is the only dot. */
static void take_scope(beamr_bytes *name, size_t *scope)
{
    const uint8_t *dot = memchr(name->data, '.', name->len);
    size_t left = dot ? (size_t)(dot - name->data) : 0, n = 0;

    if (left == 0 || memchr(dot + 1, '.', name->len - left - 1))
        return;
    for (size_t i = 0; i < left; i++) {
        if (name->data[i] < '0' || name->data[i] > '9')
            return;
        n = n > PATH_PARTS_MAX ? n : n * 10 + (size_t)(name->data[i] - '0');
    }
    *scope = n;
    *name = (beamr_bytes){dot + 1, name->len - left - 1};
}

static beamr_status set_name(const parser *p, const path_source *source, size_t index,
                             beamr_bytes name, bool has_scope, parsed_key *key)
{
    char buffer[KEY_BUFFER_SIZE], *owned = NULL;
    beamr_bytes normal;

    key->scope = SCOPE_ALL;
    if (has_scope && name.len)
        take_scope(&name, &key->scope);
    if (name.len == 0)
        return parse_fail(p, source, index, "a key without a name");
    if (name.len > AO_NAME_MAX)
        return beamr_fail(p->err, BEAMR_LIMIT, path_position(source, index),
                          "a key of more than %d bytes", AO_NAME_MAX);
    if (!key_normalise(name, buffer, &normal, &owned))
        return no_memory(p);
    key->name = name_of(normal);
    free(owned);
    return key->name ? BEAMR_OK : no_memory(p);
}

/* One `name+type=value`. */
static beamr_status parse_key(parser *p, const path_source *source, path_range range,
                              bool has_scope, key_list *list)
{
    const uint8_t *data = source->data + range.begin;
    size_t len = range.end - range.begin;
    const uint8_t *equals = memchr(data, '=', len);
    beamr_bytes name = {data, equals ? (size_t)(equals - data) : len}, type = {NULL, 0};
    const uint8_t *plus = name.len ? memchr(name.data, '+', name.len) : NULL;
    parsed_key *key;
    beamr_status st;

    if ((st = count_part(p, source, range.begin)) != BEAMR_OK)
        return st;
    if (plus) {
        type = (beamr_bytes){plus + 1, name.len - (size_t)(plus - data) - 1};
        name.len = (size_t)(plus - data);
        if (type.len == 0 || !equals)
            return parse_fail(p, source, range.begin + name.len,
                              "a type must stand behind +, and a value behind the type");
    }
    if (!(key = add_key(list)))
        return no_memory(p);
    if ((st = set_name(p, source, range.begin, name, has_scope, key)) != BEAMR_OK)
        return st;
    if (equals)
        return parse_value(p, source,
                           (path_range){range.begin + (size_t)(equals - data) + 1, range.end},
                           type, &key->value);
    key->value = ao_boolean(true);
    return key->value.kind == AO_NONE ? no_memory(p) : BEAMR_OK;
}

static beamr_status parse_keys(parser *p, const path_source *source, path_range range,
                               bool has_scope, key_list *list)
{
    beamr_status st = BEAMR_OK;
    path_range piece;

    while (st == BEAMR_OK && path_piece(source, &range, '&', &piece))
        if (piece.begin < piece.end)
            st = parse_key(p, source, piece, has_scope, list);
    return st;
}

/* ---- Steps ---- */

static beamr_status set_text(const parser *p, beamr_bytes text, ao_value *out)
{
    *out = ao_binary_copy(text);
    return out->kind == AO_NONE ? value_fail(*out, p->err) : BEAMR_OK;
}

static beamr_status parse_device(parser *p, const path_source *source, path_range range,
                                 ao_value *out)
{
    if (range.begin == range.end)
        return parse_fail(p, source, range.begin, "a device must stand behind ~");
    if (path_is_group(source, range))
        return parse_group(p, source, (path_range){range.begin + 1, range.end - 1}, out);
    return set_text(p, path_bytes(source, range), out);
}

/* A key, perhaps with a device, and with keys of its own. */
static beamr_status parse_key_step(parser *p, const path_source *source, path_range range,
                                   target *t, step *s)
{
    size_t end = path_find(source, range, "&~+"), device;
    beamr_status st;

    s->kind = STEP_KEY;
    st = set_text(p, path_bytes(source, (path_range){range.begin, end}), &s->value);
    if (st == BEAMR_OK && end < range.end && source->data[end] == '+')
        return parse_fail(p, source, end, "a type stands only behind the name of a key");
    if (st == BEAMR_OK && end < range.end && source->data[end] == '~') {
        device = end + 1;
        end = path_find(source, (path_range){device, range.end}, "&");
        s->kind = STEP_AS;
        st = parse_device(p, source, (path_range){device, end}, &s->device);
    }
    s->first = t->inlines.count;
    if (st == BEAMR_OK)
        st = parse_keys(p, source, (path_range){end, range.end}, false, &t->inlines);
    s->count = t->inlines.count - s->first;
    return st;
}

static beamr_status parse_step(parser *p, const path_source *source, path_range range,
                               target *t)
{
    beamr_bytes text = path_bytes(source, range);
    beamr_status st;
    step *s;

    if (text.len > PATH_SEGMENT_MAX)
        return beamr_fail(p->err, BEAMR_LIMIT, path_position(source, range.begin),
                          "segment_too_long: more than %d bytes", PATH_SEGMENT_MAX);
    if ((st = count_part(p, source, range.begin)) != BEAMR_OK)
        return st;
    s = grow((void **)&t->steps, &t->step_count, &t->step_capacity, sizeof *s);
    if (!s)
        return no_memory(p);
    if (ao_is_id(text)) {
        s->kind = STEP_ID;
        return set_text(p, text, &s->value);
    }
    if (path_is_group(source, range)) {
        s->kind = STEP_GROUP;
        return parse_group(p, source, (path_range){range.begin + 1, range.end - 1}, &s->value);
    }
    return parse_key_step(p, source, range, t, s);
}

static beamr_status parse_steps(parser *p, const path_source *source, path_range range,
                                target *t)
{
    beamr_status st = BEAMR_OK;
    path_range piece;

    while (st == BEAMR_OK && path_piece(source, &range, '/', &piece))
        if (piece.begin < piece.end)
            st = parse_step(p, source, piece, t);
    return st;
}

/* Each segment is decoded, and what that shows cut again. */
static beamr_status parse_segments(parser *p, const path_source *source, path_range range,
                                   target *t)
{
    beamr_status st = BEAMR_OK;
    path_segment segment;
    path_range piece;

    if (source->is_decoded)
        return parse_steps(p, source, range, t);
    while (st == BEAMR_OK && path_piece(source, &range, '/', &piece)) {
        if (piece.begin == piece.end)
            continue;
        st = path_decode(source, piece, &segment, p->err);
        if (st == BEAMR_OK)
            st = parse_steps(p, &segment.source, (path_range){0, segment.source.len}, t);
    }
    return st;
}

/* ---- Targets ---- */

static beamr_status parse_target(parser *p, const path_source *source, path_range range,
                                 const ao_message *request, ao_value *out)
{
    size_t query = path_find(source, range, "?");
    target t = {0};
    beamr_status st;

    st = parse_segments(p, source, (path_range){range.begin, query}, &t);
    if (st == BEAMR_OK && request)
        st = parse_headers(p, request, &t.keys);
    if (st == BEAMR_OK && query < range.end)
        st = parse_keys(p, source, (path_range){query + 1, range.end}, true, &t.keys);
    if (st == BEAMR_OK)
        st = target_messages(p, &t, out);
    target_clear(&t);
    return st;
}

/* A text that has not been decoded, with its parentheses. */
static beamr_status parse_text(parser *p, beamr_bytes text, const ao_message *request,
                               ao_value *out)
{
    path_source source = {text.data, text.len, NULL, NULL, 0, false};
    uint32_t *close;
    beamr_status st;

    if (text.len > PATH_TEXT_MAX)
        return beamr_fail(p->err, BEAMR_LIMIT, PATH_TEXT_MAX, "a path of more than %d bytes",
                          PATH_TEXT_MAX);
    if (!(close = malloc((text.len + 1) * sizeof *close)))
        return no_memory(p);
    path_match(text.data, text.len, close);
    source.close = close;
    st = parse_target(p, &source, (path_range){0, text.len}, request, out);
    free(close);
    return st;
}

/* ---- Keys of the request itself ---- */

static beamr_status header_value(parser *p, beamr_bytes type, ao_value value, ao_value *out)
{
    ao_value list;
    beamr_status st;

    if (type.len == 0 || value.kind != AO_BINARY) {
        *out = ao_value_ref(value);
        return BEAMR_OK;
    }
    if (!is_type(type, "resolve"))
        return decode_typed(p, 0, type, ao_bytes(value), out);
    if ((st = parse_text(p, ao_bytes(value), NULL, &list)) != BEAMR_OK)
        return st;
    *out = ao_resolve_form(list);
    return out->kind == AO_NONE ? value_fail(*out, p->err) : BEAMR_OK;
}

static beamr_status parse_header_key(parser *p, beamr_bytes name, ao_value value,
                                     parsed_key *key)
{
    static const path_source nowhere = {0};
    const uint8_t *plus = name.len ? memchr(name.data, '+', name.len) : NULL;
    beamr_bytes type = {NULL, 0};
    beamr_status st;

    if (plus) {
        type = (beamr_bytes){plus + 1, name.len - (size_t)(plus - name.data) - 1};
        name.len = (size_t)(plus - name.data);
    }
    st = set_name(p, &nowhere, 0, name, true, key);
    return st == BEAMR_OK ? header_value(p, type, value, &key->value) : st;
}

beamr_status parse_header(parser *p, beamr_bytes name, ao_value value, key_list *list)
{
    beamr_error *err = p->err, why;
    parsed_key *key = add_key(list);
    beamr_status st;

    if (!key)
        return no_memory(p);
    beamr_error_clear(&why);
    p->err = &why;
    st = parse_header_key(p, name, value, key);
    p->err = err;
    return st == BEAMR_OK ? st : parse_fail_key(p, st, name, &why);
}

beamr_status ao_request_parse(ao_context *context, const ao_message *request, ao_value *out,
                              beamr_error *err)
{
    ao_value path = ao_message_find_text(request, "path");
    parser p = {.context = context, .err = err};

    if (path.kind != AO_NONE && path.kind != AO_BINARY && path.kind != AO_ATOM)
        return beamr_fail(err, BEAMR_MESSAGE, 0, "the path of a request must be a text");
    return parse_text(&p, ao_text(path), request, out);
}
