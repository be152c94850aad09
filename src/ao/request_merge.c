/* The keys of a request go into its steps: those without a scope into all of them, in front of
 * the keys that a step has itself. The messages share them.
 * Source: AO-Core paths, "Algorithm", "Scopes". */
#include <stdlib.h>

#include "ao/internal.h"
#include "ao/request_parse.h"

/* ---- The keys of the request ---- */

/* Binaries may have types in `ao-types`; what is typed already stays as it is. */
static beamr_status decode_types(const parser *p, const ao_message *request, ao_message **out)
{
    const ao_codec *codec = p->context->structured;
    ao_message *typed = NULL, *decoded = NULL;
    ao_cursor cursor = {0};
    ao_builder texts, all;
    const ao_name *key;
    beamr_error why;
    ao_value value;
    beamr_status st;

    if (!codec)
        return beamr_fail(p->err, BEAMR_MESSAGE, 0, "this context knows no types");
    ao_builder_begin(&texts, NULL, NULL, p->err);
    while (ao_message_next(request, &cursor, &key, &value))
        if (value.kind == AO_BINARY && !text_is(ao_name_text(key), "path"))
            ao_builder_put_name(&texts, key, ao_value_ref(value));
    if ((st = ao_builder_end(&texts, &typed)) != BEAMR_OK)
        return st;
    value = ao_message_value(typed);
    beamr_error_clear(&why);
    st = codec->decode(p->context, value, &decoded, &why);
    ao_value_unref(value);
    if (st != BEAMR_OK)
        return parse_fail_key(p, st, beamr_bytes_of("ao-types"), &why);
    ao_builder_begin(&all, decoded, NULL, p->err);
    ao_message_unref(decoded);
    cursor = (ao_cursor){0};
    while (ao_message_next(request, &cursor, &key, &value))
        if (value.kind != AO_BINARY)
            ao_builder_put_name(&all, key, ao_value_ref(value));
    return ao_builder_end(&all, out);
}

beamr_status parse_headers(parser *p, const ao_message *request, key_list *list)
{
    ao_message *decoded = NULL;
    ao_cursor cursor = {0};
    beamr_status st = BEAMR_OK;
    const ao_name *key;
    ao_value value;

    if (ao_message_find_text(request, "ao-types").kind == AO_BINARY) {
        if ((st = decode_types(p, request, &decoded)) != BEAMR_OK)
            return st;
        request = decoded;
    }
    while (st == BEAMR_OK && ao_message_next(request, &cursor, &key, &value))
        if (!text_is(ao_name_text(key), "path"))
            st = parse_header(p, ao_name_text(key), value, list);
    ao_message_unref(decoded);
    return st;
}

/* ---- Messages ---- */

typedef struct merger {
    const parser *p;
    const target *t;
    const ao_message *globals;
    size_t *scopes; /* of each message of the list: its first key, as index + 1 */
} merger;

static void put(ao_builder *b, const parsed_key *key)
{
    if (!key_is_private(ao_name_text(key->name)))
        ao_builder_put_name(b, key->name, ao_value_ref(key->value));
}

/* A message of the list.
 *   s  the step that it is made of; NULL for the empty base */
static beamr_status make_message(const merger *m, const step *s, size_t index, bool gets_keys,
                                 ao_value *out)
{
    const ao_message *globals = gets_keys ? m->globals : NULL;
    ao_message *message;
    ao_builder b;
    beamr_status st;

    ao_builder_begin(&b, globals, &m->p->context->limits, m->p->err);
    if (s && !(globals && ao_message_find_text(globals, "path").kind != AO_NONE))
        ao_builder_put(&b, "path", ao_value_ref(s->value));
    for (size_t i = 0; s && i < s->count; i++) {
        const parsed_key *key = &m->t->inlines.items[s->first + i];

        if (!globals || ao_message_find(globals, ao_name_text(key->name)).kind == AO_NONE)
            put(&b, key);
    }
    for (size_t i = gets_keys ? m->scopes[index] : 0; i; i = m->t->keys.items[i - 1].next)
        put(&b, &m->t->keys.items[i - 1]);
    if ((st = ao_builder_end(&b, &message)) == BEAMR_OK)
        *out = ao_message_value(message);
    return st;
}

static beamr_status make_item(const merger *m, const step *s, size_t index, ao_value *out)
{
    ao_value inner;
    beamr_status st;

    switch (s->kind) {
    case STEP_ID:
    case STEP_GROUP:
        *out = ao_value_ref(s->value);
        return BEAMR_OK;
    case STEP_KEY:
        return make_message(m, s, index, true, out);
    case STEP_AS:
        break;
    }
    /* A device alone stands for the base of what follows, and gets its keys. */
    st = make_message(m, s, index, ao_bytes(s->value).len == 0, &inner);
    if (st != BEAMR_OK)
        return st;
    *out = ao_as(ao_value_ref(s->device), inner);
    return out->kind == AO_NONE ? value_fail(*out, m->p->err) : BEAMR_OK;
}

static beamr_status make_globals(const merger *m, ao_message **out)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, &m->p->context->limits, m->p->err);
    for (size_t i = 0; i < m->t->keys.count; i++)
        if (m->t->keys.items[i].scope == SCOPE_ALL)
            put(&b, &m->t->keys.items[i]);
    return ao_builder_end(&b, out);
}

/* From the last to the first, so that each scope keeps its keys in their order. */
static void chain_scopes(target *t, size_t *scopes, size_t count)
{
    for (size_t i = t->keys.count; i-- > 0;) {
        parsed_key *key = &t->keys.items[i];

        if (key->scope < count) {
            key->next = scopes[key->scope];
            scopes[key->scope] = i + 1;
        }
    }
}

static beamr_status make_items(const merger *m, ao_value *items, size_t count)
{
    size_t base = count - m->t->step_count; /* 1: an empty message stands in front */
    beamr_status st = BEAMR_OK;

    if (base)
        st = make_message(m, NULL, 0, true, &items[0]);
    for (size_t i = base; i < count && st == BEAMR_OK; i++)
        st = make_item(m, &m->t->steps[i - base], i, &items[i]);
    return st;
}

beamr_status target_messages(const parser *p, target *t, ao_value *out)
{
    size_t count = t->step_count + (t->step_count && t->steps[0].kind == STEP_KEY);
    merger m = {.p = p, .t = t};
    ao_message *globals = NULL;
    ao_value *items = calloc(count + 1, sizeof *items);
    beamr_status st = BEAMR_OK;

    m.scopes = calloc(count + 1, sizeof *m.scopes);
    if (!items || !m.scopes) {
        st = beamr_fail(p->err, BEAMR_NO_MEMORY, 0, "no memory for a path");
        goto out;
    }
    chain_scopes(t, m.scopes, count);
    if ((st = make_globals(&m, &globals)) != BEAMR_OK)
        goto out;
    m.globals = globals;
    if ((st = make_items(&m, items, count)) != BEAMR_OK) {
        for (size_t i = 0; i < count; i++)
            ao_value_unref(items[i]);
        goto out;
    }
    *out = ao_list_new(items, count);
    if (out->kind == AO_NONE)
        st = value_fail(*out, p->err);
out:
    ao_message_unref(globals);
    free(items);
    free(m.scopes);
    return st;
}
