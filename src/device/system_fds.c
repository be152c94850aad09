/* Descriptors of the system and of the message:
 *
 *     file-descriptors: {
 *         0: {filename: "/dev/stdin", offset: 0},         0 to 2 are streams
 *         4: {filename: "/a/b", offset: 12,               how far it was read or written
 *             flags: 1,                                   append 1, dsync 2, nonblock 4, ...
 *             rights: N, rights-inheriting: N,            absent: all
 *             posix: true},                               opened by Emscripten's imports
 *         5: {same-as: 4, filename: "/a/b", ...},         shares offset and flags with 4
 *         6: {deleted: true, offset: 3}}                  a file that has no name any more
 *
 * `stream` (0 to 2) and `preopen` (0) stand where the number does not say so. Number 3, the
 * root as WASI's programs find it open, is not written while it is nothing else. What is in the
 * message is compared with what was shown of what is open, and only what differs is opened or
 * closed: a descriptor stays as it is when the message takes its file away and says nothing
 * about the descriptor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "device/system_internal.h"

enum { ROOT = 3 };

static const char *const stream_names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};

void system_fds_clear(system_fds *fds)
{
    for (size_t i = 0; i < fds->count; i++)
        free(fds->items[i].path);
    free(fds->items);
    *fds = (system_fds){0};
}

/* Takes over the path.  False: no memory. */
static bool add(system_fds *fds, const beamr_descriptor *as, char *path)
{
    if (fds->count == fds->room) {
        size_t room = fds->room ? 2 * fds->room : 8;
        system_fd *items = realloc(fds->items, room * sizeof *items);

        if (!items) {
            free(path);
            return false;
        }
        fds->items = items;
        fds->room = room;
    }
    fds->items[fds->count++] = (system_fd){*as, path};
    return true;
}

/* ---- What is open ---- */

/* As the message has it. */
static void simplify(const dev_system *s, beamr_descriptor *d)
{
    if (d->kind == BEAMR_DESCRIPTOR_DIRECTORY)
        d->kind = BEAMR_DESCRIPTOR_FILE;
    if (d->kind == BEAMR_DESCRIPTOR_STREAM && d->index == 0)
        d->offset = s->in_at;
    if (d->has_default_rights)
        d->rights = d->inheriting = BEAMR_RIGHTS_DEFAULT;
    d->has_default_rights = false;
}

static bool is_root(const beamr_descriptor *d)
{
    return d->number == ROOT && d->kind == BEAMR_DESCRIPTOR_PREOPEN && d->index == 0 &&
           d->same_as == ROOT && d->offset == 0 && d->flags == 0 &&
           d->rights == BEAMR_RIGHTS_DEFAULT;
}

static beamr_status path_of(const dev_system *s, const beamr_descriptor *d, char **out,
                            beamr_error *err)
{
    beamr_bytes path = {NULL, 0};
    beamr_status st;

    *out = NULL;
    if (d->kind != BEAMR_DESCRIPTOR_FILE)
        return BEAMR_OK;
    st = beamr_wasi_descriptor_path(s->wasi, d->number, &path, err);
    if (st == BEAMR_NOT_FOUND)
        return BEAMR_OK;
    if (st == BEAMR_OK && !(*out = strndup((const char *)path.data, path.len)))
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for descriptors");
    return st;
}

static beamr_status list(const dev_system *s, system_fds *out, beamr_error *err)
{
    beamr_descriptor d;
    uint32_t cursor = 0;
    char *path;
    beamr_status st = BEAMR_OK;

    *out = (system_fds){0};
    while (st == BEAMR_OK && beamr_wasi_next_descriptor(s->wasi, &cursor, &d)) {
        simplify(s, &d);
        if (is_root(&d))
            continue;
        st = path_of(s, &d, &path, err);
        if (st == BEAMR_OK && !add(out, &d, path))
            st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for descriptors");
    }
    if (st != BEAMR_OK)
        system_fds_clear(out);
    return st;
}

static bool is_same(const beamr_descriptor *a, const beamr_descriptor *b)
{
    return a->number == b->number && a->kind == b->kind && a->index == b->index &&
           a->same_as == b->same_as && a->offset == b->offset && a->flags == b->flags &&
           a->rights == b->rights && a->inheriting == b->inheriting &&
           a->is_posix == b->is_posix;
}

static bool is_equal(const system_fd *a, const system_fd *b)
{
    return is_same(&a->as, &b->as) && !a->path == !b->path &&
           (!a->path || strcmp(a->path, b->path) == 0);
}

/* What every system begins with. */
static bool is_untouched(const beamr_descriptor *d, size_t i)
{
    return d->number == i && d->kind == BEAMR_DESCRIPTOR_STREAM && d->index == i &&
           !d->offset && !d->flags && d->same_as == i && d->rights == BEAMR_RIGHTS_DEFAULT;
}

static bool has_path(const dev_system *s, const system_fd *fd)
{
    beamr_bytes path;
    beamr_status st;

    if (fd->as.kind != BEAMR_DESCRIPTOR_FILE)
        return true;
    st = beamr_wasi_descriptor_path(s->wasi, fd->as.number, &path, NULL);
    return fd->path ? st == BEAMR_OK && text_is(path, fd->path) : st == BEAMR_NOT_FOUND;
}

/* Is what is open what the message says, or, when it says nothing, untouched? Every call asks
 * this, and mostly it is so. */
static bool is_current(const dev_system *s)
{
    bool is_shown = s->fds_value.kind != AO_NONE;
    size_t i = 0, count = is_shown ? s->fds.count : 3;
    beamr_descriptor d;
    uint32_t cursor = 0;

    while (beamr_wasi_next_descriptor(s->wasi, &cursor, &d)) {
        simplify(s, &d);
        if (is_root(&d))
            continue;
        if (i == count ||
            !(is_shown ? is_same(&d, &s->fds.items[i].as) && has_path(s, &s->fds.items[i])
                       : is_untouched(&d, i)))
            return false;
        i++;
    }
    return i == count;
}

/* ---- To the message ---- */

static void put_number(ao_builder *b, const char *key, uint64_t number)
{
    ao_builder_put(b, key, ao_integer((int64_t)number));
}

static ao_value entry_value(const system_fd *fd)
{
    const beamr_descriptor *d = &fd->as;
    bool is_stream = d->kind == BEAMR_DESCRIPTOR_STREAM;
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    if (is_stream)
        ao_builder_put(&b, "filename", ao_binary_text(stream_names[d->index]));
    else if (d->kind == BEAMR_DESCRIPTOR_PREOPEN)
        ao_builder_put(&b, "filename", ao_binary_text("/"));
    else if (fd->path)
        ao_builder_put(&b, "filename", ao_binary_text(fd->path));
    else
        ao_builder_put(&b, "deleted", ao_boolean(true));
    put_number(&b, "offset", d->offset);
    if (d->flags)
        put_number(&b, "flags", d->flags);
    /* Of a file in the place of a stream always: it tells them apart. */
    if (d->rights != BEAMR_RIGHTS_DEFAULT || (!is_stream && d->number < 3))
        put_number(&b, "rights", d->rights & INT64_MAX);
    if (d->rights != BEAMR_RIGHTS_DEFAULT && d->inheriting)
        put_number(&b, "rights-inheriting", d->inheriting);
    if (is_stream && (d->index != d->number || d->rights != BEAMR_RIGHTS_DEFAULT))
        put_number(&b, "stream", d->index);
    if (d->kind == BEAMR_DESCRIPTOR_PREOPEN)
        put_number(&b, "preopen", d->index);
    if (d->same_as != d->number)
        put_number(&b, "same-as", d->same_as);
    if (d->is_posix)
        ao_builder_put(&b, "posix", ao_boolean(true));
    return ao_builder_value(&b);
}

static beamr_status to_message(const system_fds *fds, ao_value *out, beamr_error *err)
{
    ao_builder b;
    ao_message *message = NULL;
    beamr_status st;

    ao_builder_begin(&b, NULL, NULL, err);
    for (size_t i = 0; i < fds->count; i++) {
        char key[16];

        (void)snprintf(key, sizeof key, "%u", fds->items[i].as.number);
        ao_builder_put(&b, key, entry_value(&fds->items[i]));
    }
    if ((st = ao_builder_end(&b, &message)) == BEAMR_OK)
        *out = ao_message_value(message);
    return st;
}

/* Let the picture be what is open.
 *   said  what the message says; it is kept if it says the same in the same words */
static beamr_status picture(dev_system *s, ao_value said, beamr_error *err)
{
    system_fds now;
    ao_value value = AO_NO_VALUE;
    beamr_status st;

    if ((st = list(s, &now, err)) != BEAMR_OK)
        return st;
    if ((st = to_message(&now, &value, err)) != BEAMR_OK) {
        system_fds_clear(&now);
        return st;
    }
    if (said.kind != AO_NONE && ao_value_equal(said, value)) {
        ao_value_unref(value);
        value = ao_value_ref(said);
    }
    ao_value_unref(s->fds_value);
    s->fds_value = value;
    system_fds_clear(&s->fds);
    s->fds = now;
    return BEAMR_OK;
}

beamr_status system_show_fds(dev_system *s, beamr_error *err)
{
    return is_current(s) ? BEAMR_OK : picture(s, AO_NO_VALUE, err);
}

bool system_fds_are_untouched(const dev_system *s)
{
    for (size_t i = 0; i < s->fds.count; i++)
        if (!is_untouched(&s->fds.items[i].as, i))
            return false;
    return s->fds.count == 3;
}

/* ---- From the message ---- */

static beamr_status fail_at(beamr_bytes key, const char *field, const char *why,
                            beamr_error *err)
{
    return beamr_fail(err, BEAMR_MESSAGE, 0, "file-descriptors/%.*s%s%s: %s",
                      (int)(key.len < 32 ? key.len : 32), (const char *)key.data,
                      *field ? "/" : "", field, why);
}

/* A whole number of a descriptor's message, within limits; untouched when absent. */
static beamr_status get_number(const ao_message *message, beamr_bytes key, const char *field,
                               uint64_t most, bool *is_there, uint64_t *out, beamr_error *err)
{
    ao_value value;
    int64_t n;
    beamr_status st = ao_message_get(message, beamr_bytes_of(field), &value, err);

    if (st != BEAMR_OK)
        return st;
    *is_there = value.kind != AO_NONE;
    if (!*is_there)
        return BEAMR_OK;
    if (!ao_to_integer(value, &n))
        return fail_at(key, field, "no whole number", err);
    if (n < 0 || (uint64_t)n > most)
        return fail_at(key, field, n < 0 ? "a negative number" : "too large a number", err);
    *out = (uint64_t)n;
    return BEAMR_OK;
}

static beamr_status get_numbers(const ao_message *message, beamr_bytes key, beamr_descriptor *d,
                                bool *has_rights, bool *is_stream, bool *is_preopen,
                                beamr_error *err)
{
    uint64_t flags = 0, same_as = d->number, index = 0;
    bool is_there;
    beamr_status st;

    if ((st = get_number(message, key, "offset", INT64_MAX, &is_there, &d->offset, err)) ||
        (st = get_number(message, key, "flags", 31, &is_there, &flags, err)) ||
        (st = get_number(message, key, "rights", INT64_MAX, has_rights, &d->rights, err)) ||
        (st = get_number(message, key, "rights-inheriting", INT64_MAX, &is_there,
                         &d->inheriting, err)) ||
        (st = get_number(message, key, "same-as", d->number, &is_there, &same_as, err)) ||
        (st = get_number(message, key, "preopen", 0, is_preopen, &index, err)) ||
        (st = get_number(message, key, "stream", 2, is_stream, &index, err)))
        return st;
    if (*has_rights && d->rights == INT64_MAX)
        d->rights = BEAMR_RIGHTS_DEFAULT; /* as entry_value writes it */
    if (!*has_rights || d->rights == BEAMR_RIGHTS_DEFAULT)
        d->rights = d->inheriting = BEAMR_RIGHTS_DEFAULT;
    d->flags = (uint16_t)flags;
    d->same_as = (uint32_t)same_as;
    d->index = (uint32_t)index;
    return BEAMR_OK;
}

/* One descriptor.
 *   path  owned by the caller; NULL of a stream, of a preopen and of what has no name */
static beamr_status read_entry(const ao_message *message, beamr_bytes key, beamr_descriptor *d,
                               char **path, beamr_error *err)
{
    bool has_rights, is_stream, is_preopen;
    ao_value name, posix;
    beamr_bytes text;
    beamr_status st;

    *path = NULL;
    if ((st = get_numbers(message, key, d, &has_rights, &is_stream, &is_preopen, err)) ||
        (st = ao_message_get(message, beamr_bytes_of("posix"), &posix, err)) ||
        (st = ao_message_get(message, beamr_bytes_of("filename"), &name, err)))
        return st;
    d->is_posix = ao_to_boolean(posix);
    text = ao_text(name);
    if (!is_stream && !is_preopen && !has_rights && d->number < 3 &&
        text_is(text, stream_names[d->number])) {
        is_stream = true;
        d->index = d->number;
    }
    d->kind = is_stream    ? BEAMR_DESCRIPTOR_STREAM
              : is_preopen ? BEAMR_DESCRIPTOR_PREOPEN
                           : BEAMR_DESCRIPTOR_FILE;
    if (d->kind != BEAMR_DESCRIPTOR_FILE)
        return BEAMR_OK;
    if (name.kind == AO_NONE && ao_to_boolean(ao_message_find_text(message, "deleted")))
        return BEAMR_OK;
    if (name.kind != AO_BINARY || text.len == 0 || memchr(text.data, 0, text.len))
        return fail_at(key, "filename", "no path of a file", err);
    if (text.len > SYSTEM_MAX_PATH)
        return fail_at(key, "filename", "too long a path", err);
    if (!(*path = strndup((const char *)text.data, text.len)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for descriptors");
    return BEAMR_OK;
}

static bool key_number(beamr_bytes key, uint32_t *out)
{
    uint32_t n = 0;

    if (key.len == 0 || key.len > 6 || (key.len > 1 && key.data[0] == '0'))
        return false;
    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] < '0' || key.data[i] > '9')
            return false;
        n = n * 10 + (uint32_t)(key.data[i] - '0');
    }
    *out = n;
    return true;
}

static beamr_status read_one(const ao_name *name, ao_value value, system_fds *out,
                             beamr_error *err)
{
    beamr_bytes key = ao_name_text(name);
    beamr_descriptor d = {0};
    char unused[SYSTEM_MAX_NAME], *path;
    size_t len;
    beamr_status st;

    if (!key_number(key, &d.number))
        return system_name_decode(key, unused, &len) == SYSTEM_KEY_NOTHING
                   ? BEAMR_OK
                   : fail_at(key, "", "a descriptor is a whole number", err);
    if (d.number >= SYSTEM_MAX_OPEN)
        return beamr_fail(err, BEAMR_LIMIT, 0, "file-descriptors/%u: they are numbers below %u",
                          d.number, SYSTEM_MAX_OPEN);
    if ((st = ao_value_load(value, &value, err)) != BEAMR_OK)
        return st;
    if (value.kind != AO_MESSAGE)
        return fail_at(key, "", "no message", err);
    if ((st = read_entry(ao_to_message(value), key, &d, &path, err)) != BEAMR_OK)
        return st;
    return add(out, &d, path)
               ? BEAMR_OK
               : beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for descriptors");
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = ((const system_fd *)a)->as.number, y = ((const system_fd *)b)->as.number;

    return (x > y) - (x < y);
}

static beamr_status read_all(const ao_message *message, system_fds *out, beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;
    beamr_status st = BEAMR_OK;

    *out = (system_fds){0};
    while (st == BEAMR_OK && ao_message_next(message, &cursor, &key, &value))
        st = read_one(key, value, out, err);
    if (st != BEAMR_OK)
        system_fds_clear(out);
    else if (out->count > 0)
        qsort(out->items, out->count, sizeof *out->items, compare_numbers);
    return st;
}

/* Open what the message has and the system has not, or not so. */
static beamr_status open_one(dev_system *s, const system_fd *fd, beamr_error *err)
{
    beamr_descriptor as = fd->as;
    beamr_error why = {0};
    beamr_status st;

    if (as.kind == BEAMR_DESCRIPTOR_FILE && !fd->path && as.same_as == as.number)
        return BEAMR_OK; /* what it was has gone with its system */
    if (as.kind == BEAMR_DESCRIPTOR_STREAM) {
        s->in_at = as.index == 0 ? as.offset : s->in_at;
        as.offset = 0;
    }
    st =
        beamr_wasi_set_descriptor(s->wasi, &as, beamr_bytes_of(fd->path ? fd->path : ""), &why);
    if (st == BEAMR_OK)
        return st;
    return beamr_fail(err, st == BEAMR_LIMIT || st == BEAMR_NO_MEMORY ? st : BEAMR_MESSAGE, 0,
                      "file-descriptors/%u: %.200s", as.number, why.text);
}

/* Make what is open what the message has. Both lists are in the order of numbers. */
static beamr_status apply(dev_system *s, const system_fds *now, const system_fds *wanted,
                          beamr_error *err)
{
    size_t i = 0;
    beamr_status st = BEAMR_OK;

    for (size_t k = 0; k <= wanted->count && st == BEAMR_OK; k++) {
        uint32_t number = k < wanted->count ? wanted->items[k].as.number : UINT32_MAX;

        for (; i < now->count && now->items[i].as.number < number; i++)
            (void)beamr_wasi_close_descriptor(s->wasi, now->items[i].as.number, NULL);
        if (k == wanted->count)
            break;
        if (i < now->count && now->items[i].as.number == number &&
            is_equal(&now->items[i++], &wanted->items[k]))
            continue;
        st = open_one(s, &wanted->items[k], err);
    }
    return st;
}

/* What was shown; nothing was while all is as it began. */
static beamr_status list_shown(dev_system *s, system_fds *own, const system_fds **out,
                               beamr_error *err)
{
    *out = s->fds_value.kind != AO_NONE ? &s->fds : own;
    return *out == own ? list(s, own, err) : BEAMR_OK;
}

beamr_status system_take_fds(dev_system *s, ao_value value, beamr_error *err)
{
    system_fds own = {0}, wanted = {0};
    const system_fds *now;
    beamr_status st;

    if (value.kind == AO_NONE || (value.kind == AO_MESSAGE && s->fds_value.kind == AO_MESSAGE &&
                                  value.of.message == s->fds_value.of.message))
        return BEAMR_OK;
    if (value.kind != AO_MESSAGE)
        return beamr_fail(err, BEAMR_MESSAGE, 0, "file-descriptors: no message");
    if ((st = read_all(ao_to_message(value), &wanted, err)) != BEAMR_OK ||
        (st = list_shown(s, &own, &now, err)) != BEAMR_OK)
        goto out;
    if ((st = apply(s, now, &wanted, err)) == BEAMR_OK)
        st = picture(s, value, err);
    if (st != BEAMR_OK) {
        ao_value_unref(s->fds_value);
        s->fds_value = AO_NO_VALUE;
        system_fds_clear(&s->fds);
    }
out:
    system_fds_clear(&own);
    system_fds_clear(&wanted);
    return st;
}
