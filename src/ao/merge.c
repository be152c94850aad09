/* Merging messages, and setting a value at a path.
 * Source: AO-Core messages, "Set, remove, unset". */
#include "ao/merge.h"

#include "ao/link.h"

bool key_next(beamr_bytes *path, beamr_bytes *part)
{
    size_t begin = 0, end;

    if (path->len == 0) { /* perhaps without bytes at all */
        *part = *path;
        return false;
    }
    while (begin < path->len && path->data[begin] == '/')
        begin++;
    for (end = begin; end < path->len && path->data[end] != '/'; end++)
        ;
    *part = (beamr_bytes){path->data + begin, end - begin};
    *path = (beamr_bytes){path->data + end, path->len - end};
    return part->len > 0;
}

static bool leads_to_message(ao_value value)
{
    return value.kind == AO_MESSAGE || ao_link_kind(value) == AO_MESSAGE;
}

static beamr_status merge(const ao_message *base, const ao_message *more, unsigned depth,
                          ao_message **out, beamr_error *err);

/* The value that a key has after both were merged; counted. */
static beamr_status merge_values(ao_value old, ao_value value, unsigned depth, ao_value *out,
                                 beamr_error *err)
{
    ao_value loaded = value;
    ao_message *both;
    beamr_status st;

    if (!leads_to_message(old) || !leads_to_message(value) || depth >= AO_DEPTH_MAX) {
        *out = ao_value_ref(value);
        return BEAMR_OK;
    }
    if ((st = ao_value_load(old, &old, err)) != BEAMR_OK ||
        (st = ao_value_load(value, &loaded, err)) != BEAMR_OK)
        return st;
    if (old.kind != AO_MESSAGE || loaded.kind != AO_MESSAGE) {
        *out = ao_value_ref(value);
        return BEAMR_OK;
    }
    if ((st = merge(old.of.message, loaded.of.message, depth + 1, &both, err)) != BEAMR_OK)
        return st;
    *out = ao_message_value(both);
    return BEAMR_OK;
}

/* Goes down one level for each level of messages within each other, AO_DEPTH_MAX at most. */
static beamr_status merge(const ao_message *base, const ao_message *more, unsigned depth,
                          ao_message **out, beamr_error *err)
{
    ao_builder builder;
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value, merged;

    ao_builder_begin(&builder, base, NULL, err);
    while (builder.status == BEAMR_OK && ao_message_next(more, &cursor, &key, &value)) {
        ao_value old = ao_message_find(base, ao_name_text(key));

        builder.status = merge_values(old, value, depth, &merged, err);
        if (builder.status == BEAMR_OK)
            ao_builder_put_name(&builder, key, merged);
    }
    return ao_builder_end(&builder, out);
}

beamr_status merge_value(ao_value old, ao_value value, ao_value *out, beamr_error *err)
{
    return merge_values(old, value, 1, out, err);
}

beamr_status message_merge(const ao_message *base, const ao_message *more,
                           BEAMR_OWN ao_message **out, beamr_error *err)
{
    return merge(base, more, 1, out, err);
}

/* ---- Paths ---- */

/* The messages on the way to a value, and the keys below each. */
typedef struct steps {
    ao_message *messages[AO_DEPTH_MAX]; /* counted */
    beamr_bytes keys[AO_DEPTH_MAX];
    size_t count;
} steps;

/* The message that a value is on the way, counted. */
static beamr_status as_message(ao_value value, beamr_bytes key, size_t offset, ao_message **out,
                               beamr_error *err)
{
    beamr_status st = ao_value_load(value, &value, err);

    if (st != BEAMR_OK)
        return st;
    if (value.kind == AO_LIST)
        return ao_list_to_message(value, out, err);
    if (value.kind != AO_MESSAGE && value.kind != AO_NONE)
        return beamr_fail(err, BEAMR_ARGUMENT, offset,
                          "nothing can be set below `%.*s`, which is no message",
                          key.len < 64 ? (int)key.len : 64, (const char *)key.data);
    *out = value.kind == AO_NONE ? ao_message_empty() : ao_message_ref(value.of.message);
    return BEAMR_OK;
}

static beamr_status go_down(steps *s, const ao_message *base, beamr_bytes path,
                            beamr_error *err)
{
    beamr_bytes rest = path, part;
    ao_message *at = base ? ao_message_ref(base) : ao_message_empty();

    while (key_next(&rest, &part)) {
        size_t i = s->count;
        ao_value next;
        beamr_status st;

        if (i > 0) {
            next = message_find_any(s->messages[i - 1], s->keys[i - 1]);
            st = as_message(next, s->keys[i - 1], (size_t)(part.data - path.data), &at, err);
            if (st != BEAMR_OK)
                return st;
        }
        if (i == AO_DEPTH_MAX) {
            ao_message_unref(at);
            return beamr_fail(err, BEAMR_LIMIT, (size_t)(part.data - path.data),
                              "a path has more than %d parts", AO_DEPTH_MAX);
        }
        s->messages[i] = at;
        s->keys[i] = part;
        s->count = i + 1;
    }
    if (s->count == 0)
        ao_message_unref(at);
    return BEAMR_OK;
}

static beamr_status put_plainly(void *user, const ao_message *message, beamr_bytes key,
                                BEAMR_OWN ao_value value, bool is_target, ao_message **out,
                                beamr_error *err)
{
    ao_builder builder;

    (void)user;
    (void)is_target;
    ao_builder_begin(&builder, message, NULL, err);
    ao_builder_put_key(&builder, key, value);
    return ao_builder_end(&builder, out);
}

beamr_status message_with_path(const ao_message *base, beamr_bytes path,
                               BEAMR_OWN ao_value value, path_putter put, void *user,
                               BEAMR_OWN ao_message **out, beamr_error *err)
{
    steps s = {.count = 0};
    beamr_status st = go_down(&s, base, path, err);

    for (size_t i = s.count; st == BEAMR_OK && i-- > 0;) {
        ao_message *made = NULL;

        st = (put ? put : put_plainly)(user, s.messages[i], s.keys[i], value, i + 1 == s.count,
                                       &made, err);
        value = ao_message_value(made);
    }
    if (st == BEAMR_OK && s.count == 0)
        st = beamr_fail(err, BEAMR_ARGUMENT, 0, "a path has no parts");
    if (st == BEAMR_OK)
        *out = value.of.message;
    else
        ao_value_unref(value);
    while (s.count > 0)
        ao_message_unref(s.messages[--s.count]);
    return st;
}
