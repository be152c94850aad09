/* patch@1.0: moves what other devices left in one place of a message to where it belongs.
 *
 *   key                        reads                     answers
 *   init, normalize, snapshot                            ok: base
 *   compute, patches           the source, the target    ok: base with the patches applied
 *   all                        the same                  ok: base with the source moved
 *
 * The source is a path: the first of request `patch-from`, base `patch-from`, request `from`,
 * base `from`; else `/`. It leads through the base, or, when it begins with `req:`, through the
 * request (`base:` says the former). The target is likewise the first of `patch-to` and `to`;
 * it always leads through the base. Both are read as messages: no device of what lies on the
 * way, which a guest may have written, is asked. A list counts as the message of its numbered
 * items.
 *
 * `patches`: those children of the source that are messages with `method` = `PATCH`, or with
 * the device patch@1.0, are patches. They are taken out of the source, merged into one message,
 * numbered ones in the order of their numbers and others behind them, and that is set at the
 * target, as message@1.0's `set-path` would; `/` is the base itself. What a patch says about
 * itself is left out: `method`, `commitments`, `set-mode`, and its device patch@1.0. `all` sets
 * the whole source at the target, and removes it where it was. The request is never changed,
 * nor is it the result: the result is always the base.
 *
 * Errors: `not_found` when nothing is at the source; 400 for a path that is no text, a source
 * of patches that is no message, the base moved into itself, a target below a literal or at
 * private or reserved keys, a literal at `/`; 413 for more than AO_DEPTH_MAX parts, or a
 * message beyond its limits. Source: AO-Core devices, "patch@1.0". */
#include <stdlib.h>

#include "ao/key.h"
#include "ao/path.h"
#include "ao/set.h"
#include "device/devices.h"
#include "device/internal.h"

typedef struct patching {
    ao_value from_text, to_text; /* hold the bytes of the paths; counted */
    beamr_bytes from, to;        /* without `base:` and `req:` */
    bool is_of_request;
    const ao_message *holder; /* what the source lies in; borrowed */
    ao_value source;          /* counted; a list is a message already */
} patching;

static void patching_clear(patching *p)
{
    ao_value_unref(p->from_text);
    ao_value_unref(p->to_text);
    ao_value_unref(p->source);
}

/* ---- Paths ---- */

/* The first of four places that has the path, as text; AO_NONE when none has.
 *   err  BEAMR_ARGUMENT: it is no path */
static beamr_status find_path(ao_call *call, const char *const names[2], ao_value *out,
                              beamr_error *err)
{
    ao_value value = AO_NO_VALUE, parts;
    beamr_status st = BEAMR_OK;

    for (int i = 0; i < 2 && st == BEAMR_OK && value.kind == AO_NONE; i++) {
        st = dev_argument(call, names[i], &value, err);
        if (st == BEAMR_OK && value.kind == AO_NONE)
            st = dev_base_value(call, names[i], &value, err);
    }
    if (st != BEAMR_OK)
        return st;
    if (value.kind == AO_LIST) {
        if ((st = ao_path_parts(value, &parts, err)) != BEAMR_OK)
            return st;
        st = ao_path_join(parts, out, err);
        ao_value_unref(parts);
        return st;
    }
    if (value.kind != AO_NONE && value.kind != AO_BINARY && value.kind != AO_ATOM)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "`%s` is no path", names[0]);
    *out = ao_value_ref(value);
    return BEAMR_OK;
}

static beamr_bytes without_slashes(beamr_bytes path)
{
    while (path.len > 0 && path.data[0] == '/')
        path = (beamr_bytes){path.data + 1, path.len - 1};
    return path;
}

static beamr_bytes behind(beamr_bytes path, const char *prefix)
{
    size_t len = strlen(prefix);

    return without_slashes((beamr_bytes){path.data + len, path.len - len});
}

static beamr_status find_paths(ao_call *call, patching *p, beamr_error *err)
{
    static const char *const from[2] = {"patch-from", "from"}, *const to[2] = {"patch-to",
                                                                               "to"};
    beamr_status st = find_path(call, from, &p->from_text, err);

    if (st == BEAMR_OK)
        st = find_path(call, to, &p->to_text, err);
    if (st != BEAMR_OK)
        return st;
    p->to = without_slashes(ao_text(p->to_text));
    p->from = without_slashes(ao_text(p->from_text));
    if (text_begins(p->from, "base:")) {
        p->from = behind(p->from, "base:");
    } else if (text_begins(p->from, "req:")) {
        p->from = behind(p->from, "req:");
        p->is_of_request = true;
    }
    return BEAMR_OK;
}

/* The value at the source; `source` stays AO_NONE when there is none. */
static beamr_status find_source(ao_call *call, patching *p, beamr_error *err)
{
    ao_message *numbered = NULL;
    ao_value value;
    beamr_status st;

    p->holder = p->is_of_request ? ao_call_request(call) : ao_call_base(call);
    if (!p->holder)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the request");
    if (p->from.len == 0) {
        p->source = ao_message_value(ao_message_ref(p->holder));
        return BEAMR_OK;
    }
    if ((st = ao_message_get_path(p->holder, p->from, &value, err)) != BEAMR_OK)
        return st;
    if (value.kind != AO_LIST) {
        p->source = ao_value_ref(value);
        return BEAMR_OK;
    }
    if ((st = ao_list_to_message(value, &numbered, err)) == BEAMR_OK)
        p->source = ao_message_value(numbered);
    return st;
}

/* ---- Setting ---- */

/* Put a value where the source was; AO_NONE removes it. `state` is replaced. */
static beamr_status set_source(ao_call *call, const patching *p, ao_value value,
                               ao_message **state, beamr_error *err)
{
    ao_context *context = ao_call_context(call);
    ao_value unset = ao_atom("unset");
    ao_message *without = NULL, *with = NULL;
    beamr_status st;

    if (unset.kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for removing the source");
    /* Removed first: what is set is merged with what is there. */
    st = ao_set_path(context, *state, p->from, unset, &without, err);
    ao_value_unref(unset);
    if (st == BEAMR_OK && value.kind != AO_NONE) {
        st = ao_set_path(context, without, p->from, value, &with, err);
        ao_message_unref(without);
        without = with;
    }
    if (st != BEAMR_OK)
        return st;
    ao_message_unref(*state);
    *state = without;
    return BEAMR_OK;
}

/* Set at the target. `state` is replaced. */
static beamr_status set_target(ao_call *call, const patching *p, ao_value value,
                               ao_message **state, beamr_error *err)
{
    ao_message *made = NULL;
    beamr_status st = ao_set_path(ao_call_context(call), *state, p->to, value, &made, err);

    if (st != BEAMR_OK)
        return st;
    if (made == *state) { /* the path was passed over */
        ao_message_unref(made);
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "nothing can be set at `%.*s`, a private or reserved key",
                          (int)(p->to.len < 100 ? p->to.len : 100), (const char *)p->to.data);
    }
    ao_message_unref(*state);
    *state = made;
    return BEAMR_OK;
}

/* ---- all ---- */

static beamr_status move_all(ao_call *call, patching *p, ao_message **state, beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    if (p->from.len == 0 && !p->is_of_request) {
        if (p->to.len == 0)
            return BEAMR_OK;
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the base cannot be moved into itself");
    }
    if (!p->is_of_request)
        st = set_source(call, p, AO_NO_VALUE, state, err);
    return st == BEAMR_OK ? set_target(call, p, p->source, state, err) : st;
}

/* ---- patches ---- */

/* A child of the source that is a patch. */
typedef struct patch {
    const ao_name *key;
    const ao_message *message;
    int64_t number;
    bool is_numbered;
    size_t place; /* among the others */
} patch;

typedef struct patches {
    patch *items;
    size_t count, size;
} patches;

static bool is_patch_device(ao_value device)
{
    beamr_bytes name = ao_text(device);
    static const char own[] = "patch@1.0";

    for (size_t i = 0; i < name.len && i < sizeof own - 1; i++)
        if ((name.data[i] | (name.data[i] >= 'A' && name.data[i] <= 'Z' ? 32 : 0)) != own[i])
            return false;
    return name.len == sizeof own - 1;
}

static bool is_patch(const ao_message *message)
{
    return text_is(ao_text(message_key(message, "method")), "PATCH") ||
           is_patch_device(message_key(message, "device"));
}

static beamr_status patches_add(patches *list, const ao_name *key, const ao_message *message,
                                beamr_error *err)
{
    patch *item;

    if (list->count == list->size) {
        size_t size = list->size ? 2 * list->size : 8;
        patch *items = realloc(list->items, size * sizeof *items);

        if (!items)
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu patches", size);
        list->items = items;
        list->size = size;
    }
    item = &list->items[list->count];
    *item = (patch){.key = key, .message = message, .place = list->count++};
    item->is_numbered = key_integer(ao_name_text(key), &item->number);
    return BEAMR_OK;
}

static int compare(const void *a, const void *b)
{
    const patch *x = a, *y = b;

    if (x->is_numbered != y->is_numbered)
        return y->is_numbered ? 1 : -1;
    if (x->is_numbered && x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

/* The patches among the children of the source, in the order in which they are merged. */
static beamr_status find_patches(const ao_message *source, patches *list, beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;

    while (ao_message_next(source, &cursor, &key, &value)) {
        beamr_status st = ao_value_load(value, &value, err);

        if (st == BEAMR_OK && value.kind == AO_MESSAGE && is_patch(ao_to_message(value)))
            st = patches_add(list, key, ao_to_message(value), err);
        if (st != BEAMR_OK)
            return st;
    }
    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, compare);
    return BEAMR_OK;
}

/* What a patch changes: without what it says about itself. */
static beamr_status content_of(const ao_message *message, ao_message **out, beamr_error *err)
{
    ao_builder builder;

    ao_builder_begin(&builder, message, NULL, err);
    ao_builder_remove(&builder, beamr_bytes_of("method"));
    ao_builder_remove(&builder, beamr_bytes_of("commitments"));
    ao_builder_remove(&builder, beamr_bytes_of("set-mode"));
    if (is_patch_device(message_key(message, "device")))
        ao_builder_remove(&builder, beamr_bytes_of("device"));
    return ao_builder_end(&builder, out);
}

static beamr_status merge_patches(const patches *list, ao_message **out, beamr_error *err)
{
    ao_message *merged = ao_message_empty();
    beamr_status st = BEAMR_OK;

    for (size_t i = 0; i < list->count && st == BEAMR_OK; i++) {
        ao_message *content = NULL, *both = NULL;

        st = content_of(list->items[i].message, &content, err);
        if (st == BEAMR_OK)
            st = ao_merge(merged, content, &both, err);
        ao_message_unref(content);
        if (st == BEAMR_OK) {
            ao_message_unref(merged);
            merged = both;
        }
    }
    if (st == BEAMR_OK)
        *out = merged;
    else
        ao_message_unref(merged);
    return st;
}

/* The source without the patches: where it was; in the base itself, one key after the other. */
static beamr_status take_out(ao_call *call, const patching *p, const patches *list,
                             ao_message **state, beamr_error *err)
{
    bool is_root = p->from.len == 0;
    ao_message *rest = NULL;
    ao_builder builder;
    ao_value value;
    beamr_status st;

    if (p->is_of_request)
        return BEAMR_OK;
    ao_builder_begin(&builder, is_root ? NULL : ao_to_message(p->source), NULL, err);
    for (size_t i = 0; i < list->count; i++) {
        if (is_root)
            ao_builder_put_name(&builder, list->items[i].key, ao_atom("unset"));
        else
            ao_builder_remove(&builder, ao_name_text(list->items[i].key));
    }
    if ((st = ao_builder_end(&builder, &rest)) != BEAMR_OK)
        return st;
    value = ao_message_value(rest);
    if (!is_root) {
        st = set_source(call, p, value, state, err);
    } else {
        ao_message *made = NULL;

        st = ao_set(ao_call_context(call), *state, rest, &made, err);
        if (st == BEAMR_OK) {
            ao_message_unref(*state);
            *state = made;
        }
    }
    ao_value_unref(value);
    return st;
}

static beamr_status apply_patches(ao_call *call, patching *p, ao_message **state,
                                  beamr_error *err)
{
    patches list = {NULL, 0, 0};
    ao_message *merged = NULL;
    ao_value value;
    beamr_status st;

    if (p->source.kind != AO_MESSAGE)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the source `%.*s` is no message",
                          (int)(p->from.len < 100 ? p->from.len : 100),
                          (const char *)p->from.data);
    st = find_patches(ao_to_message(p->source), &list, err);
    if (st == BEAMR_OK && list.count > 0) {
        st = merge_patches(&list, &merged, err);
        value = ao_message_value(merged);
        if (st == BEAMR_OK)
            st = take_out(call, p, &list, state, err);
        if (st == BEAMR_OK)
            st = set_target(call, p, value, state, err);
        ao_value_unref(value);
    }
    free(list.items);
    return st;
}

/* ---- Keys ---- */

typedef beamr_status (*change)(ao_call *call, patching *p, ao_message **state,
                               beamr_error *err);

/* What is wrong with a message is an answer; the rest is raised. */
static beamr_status answer_failure(ao_call *call, beamr_status st, const beamr_error *why,
                                   beamr_error *err)
{
    if (st == BEAMR_ARGUMENT || st == BEAMR_MESSAGE)
        return ao_call_error(call, 400, "patch: %s", why->text);
    if (st == BEAMR_LIMIT)
        return ao_call_error(call, 413, "patch: %s", why->text);
    return beamr_fail(err, st, why->offset, "%s", why->text);
}

static beamr_status run(ao_call *call, change how, beamr_error *err)
{
    patching p = {.is_of_request = false};
    ao_message *state = ao_message_ref(ao_call_base(call));
    beamr_error why;
    beamr_status st;

    beamr_error_clear(&why);
    if ((st = find_paths(call, &p, &why)) == BEAMR_OK)
        st = find_source(call, &p, &why);
    if (st == BEAMR_OK && p.source.kind != AO_NONE)
        st = how(call, &p, &state, &why);
    if (st != BEAMR_OK)
        st = answer_failure(call, st, &why, err);
    else if (p.source.kind == AO_NONE)
        st = ao_call_not_found(call);
    else
        st = ao_call_ok(call, ao_message_value(ao_message_ref(state)));
    patching_clear(&p);
    ao_message_unref(state);
    return st;
}

static beamr_status patches_key(ao_call *call, beamr_error *err)
{
    return run(call, apply_patches, err);
}

static beamr_status all_key(ao_call *call, beamr_error *err)
{
    return run(call, move_all, err);
}

static beamr_status base_key(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_message_value(ao_message_ref(ao_call_base(call))));
}

static const ao_key keys[] = {
    {"init", base_key},
    {"normalize", base_key},
    {"snapshot", base_key},
    {"compute", patches_key},
    {"patches", patches_key},
    {"all", all_key},
    AO_KEYS_END,
};

const ao_device dev_patch = {.name = "patch@1.0", .keys = keys};
