/* From the message to the file system: the differences between the picture and the message's
 * `vfs` are made in the file system, by path, directory by directory and without recursion.
 *
 * Both messages have their keys in the same order, so one pass finds what only one of them has.
 * What is the very same object on both sides is equal, and not looked into; contents are
 * compared before they are copied, so a file keeps its times when it only came back from a
 * store. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "device/system_internal.h"

/* A directory on the way. */
typedef struct take_frame {
    const ao_message *old, *new; /* either may be NULL: none there */
    ao_cursor old_cursor, new_cursor;
    const ao_name *old_key, *new_key; /* what is next on each side; NULL: no more */
    ao_value old_value, new_value;
    size_t path_len;
} take_frame;

typedef struct taking {
    dev_system *system;
    beamr_error *err;
    size_t depth; /* frames in use */
    bool is_loose;
    char path[SYSTEM_MAX_PATH + SYSTEM_MAX_NAME + 2]; /* of files: names */
    take_frame frames[SYSTEM_MAX_DEPTH + 1];
} taking;

static beamr_bytes path_of(const taking *t, size_t len)
{
    return (beamr_bytes){(const uint8_t *)t->path, len};
}

/* "vfs/a/b: why". What is longer is cut. */
static beamr_status fail_at(const taking *t, size_t path_len, beamr_bytes key,
                            beamr_status status, const char *why)
{
    int dir = (int)(path_len < 160 ? path_len : 160), name = (int)(key.len < 80 ? key.len : 80);

    return beamr_fail(t->err, status, 0, "vfs%.*s%s%.*s: %s", dir, t->path, name ? "/" : "",
                      name, name ? (const char *)key.data : "", why);
}

/* What the file system says about a path of ours. */
static beamr_status failed(const taking *t, size_t path_len, beamr_status st)
{
    if (st == BEAMR_NO_MEMORY)
        return fail_at(t, path_len, (beamr_bytes){0}, st, "no memory");
    return fail_at(t, path_len, (beamr_bytes){0},
                   st == BEAMR_LIMIT ? BEAMR_LIMIT : BEAMR_MESSAGE,
                   st == BEAMR_LIMIT ? "more than a file system holds: bytes, files or depth"
                                     : "cannot be made");
}

/* ---- Values ---- */

/* A symbolic link's target.  False: the message is a directory. */
static bool link_target(const ao_message *message, beamr_bytes *target)
{
    ao_value value = ao_message_find_text(message, SYSTEM_LINK_KEY), loaded;

    if (value.kind == AO_NONE || ao_value_load(value, &loaded, NULL) != BEAMR_OK ||
        loaded.kind != AO_BINARY)
        return false;
    *target = ao_bytes(loaded);
    return true;
}

system_kind system_value_kind(ao_value value, beamr_bytes *bytes)
{
    ao_message *message = ao_to_message(value);

    *bytes = (beamr_bytes){NULL, 0};
    if (message)
        return link_target(message, bytes) ? SYSTEM_LINK : SYSTEM_DIRECTORY;
    if (value.kind != AO_BINARY && value.kind != AO_ATOM)
        return SYSTEM_OTHER;
    *bytes = ao_text(value);
    return SYSTEM_FILE;
}

/* The very same object, or the same atom. */
static bool is_same(ao_value a, ao_value b)
{
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case AO_BINARY:
        return a.of.binary == b.of.binary;
    case AO_MESSAGE:
        return a.of.message == b.of.message;
    case AO_LINK:
        return a.of.link == b.of.link;
    case AO_ATOM:
        return a.of.atom == b.of.atom;
    default:
        return false;
    }
}

/* ---- Changes ---- */

static beamr_status remove_at(taking *t, size_t len)
{
    beamr_status st = beamr_vfs_remove(t->system->vfs, path_of(t, len), true, NULL);

    return st == BEAMR_OK || st == BEAMR_NOT_FOUND ? BEAMR_OK : failed(t, len, st);
}

/* A file's content. A second name of the file keeps what it had: here it is another file. */
static beamr_status write_at(taking *t, size_t len, bool is_there, beamr_bytes content)
{
    beamr_vfs_stat stat;
    beamr_status st;

    if (is_there &&
        beamr_vfs_stat_at(t->system->vfs, path_of(t, len), false, &stat, NULL) == BEAMR_OK &&
        stat.links > 1 && (st = remove_at(t, len)) != BEAMR_OK)
        return st;
    st = beamr_vfs_write(t->system->vfs, path_of(t, len), content, NULL);
    return st == BEAMR_OK ? BEAMR_OK : failed(t, len, st);
}

static beamr_status descend(taking *t, const ao_message *old, const ao_message *new, size_t len)
{
    take_frame *f = &t->frames[t->depth];

    if (t->depth > SYSTEM_MAX_DEPTH)
        return failed(t, len, BEAMR_LIMIT);
    *f = (take_frame){.old = old, .new = new, .path_len = len};
    t->depth++;
    return BEAMR_OK;
}

/* What is at a path becomes a value, which is loaded.
 *   old  what the picture has there, loaded; AO_NONE: nothing */
static beamr_status put_at(taking *t, size_t len, ao_value old, ao_value new)
{
    beamr_bytes was, is;
    system_kind old_kind = system_value_kind(old, &was), kind = system_value_kind(new, &is);
    beamr_status st;

    if (kind == SYSTEM_OTHER)
        return fail_at(t, len, (beamr_bytes){0}, BEAMR_MESSAGE,
                       "neither a file (a binary), nor a directory or link (a message)");
    if (old_kind == kind && kind == SYSTEM_DIRECTORY)
        return descend(t, ao_to_message(old), ao_to_message(new), len);
    if (old_kind == kind && text_equal(was, is))
        return BEAMR_OK;
    if (old_kind == kind && kind == SYSTEM_FILE)
        return write_at(t, len, true, is);
    if (old.kind != AO_NONE && (st = remove_at(t, len)) != BEAMR_OK)
        return st;
    if (kind == SYSTEM_FILE)
        return write_at(t, len, false, is);
    if (kind == SYSTEM_LINK)
        st = beamr_vfs_symlink(t->system->vfs, is, path_of(t, len), NULL);
    else
        st = beamr_vfs_mkdir(t->system->vfs, path_of(t, len), false, NULL);
    if (st != BEAMR_OK)
        return failed(t, len, st);
    return kind == SYSTEM_LINK ? BEAMR_OK : descend(t, NULL, ao_to_message(new), len);
}

/* ---- Names ---- */

/* Put the name that a key means behind the frame's path.  *len 0: the key means none. */
static beamr_status enter_name(taking *t, const take_frame *f, beamr_bytes key, bool is_new,
                               size_t *len)
{
    char name[SYSTEM_MAX_NAME], again[SYSTEM_KEY_MAX];
    size_t name_len = 0;
    system_key kind = system_name_decode(key, name, &name_len);

    *len = 0;
    if (kind == SYSTEM_KEY_NOTHING)
        return BEAMR_OK;
    if (kind == SYSTEM_KEY_BAD)
        return fail_at(t, f->path_len, key, BEAMR_MESSAGE, "a key that is no name of a file");
    if (kind == SYSTEM_KEY_LOOSE && is_new) {
        beamr_bytes name_bytes = {(const uint8_t *)name, name_len};
        beamr_bytes own = {(const uint8_t *)again, system_name_encode(name_bytes, again)};

        if (ao_message_find(f->new, own).kind != AO_NONE)
            return fail_at(t, f->path_len, key, BEAMR_MESSAGE, "two keys for one name");
        t->is_loose = true;
    }
    t->path[f->path_len] = '/';
    memcpy(t->path + f->path_len + 1, name, name_len);
    *len = f->path_len + 1 + name_len;
    return BEAMR_OK;
}

static beamr_status load(taking *t, size_t len, ao_value value, ao_value *out)
{
    beamr_status st = ao_value_load(value, out, NULL);

    return st == BEAMR_OK ? BEAMR_OK : fail_at(t, len, (beamr_bytes){0}, st, "cannot be read");
}

/* A key that both sides have, or one of them. */
static beamr_status take_key(taking *t, take_frame *f, beamr_bytes key, ao_value old,
                             ao_value new)
{
    size_t len;
    beamr_status st = enter_name(t, f, key, new.kind != AO_NONE, &len);

    if (st != BEAMR_OK || !len || is_same(old, new))
        return st;
    if (new.kind == AO_NONE)
        return remove_at(t, len);
    if ((st = load(t, len, new, &new)) != BEAMR_OK)
        return st;
    if (old.kind != AO_NONE && (st = load(t, len, old, &old)) != BEAMR_OK)
        return st;
    return put_at(t, len, old, new);
}

static int compare_keys(const ao_name *a, const ao_name *b)
{
    beamr_bytes x, y;
    int order;

    if (a == b || !a || !b)
        return !a - !b; /* what has no more is behind */
    x = ao_name_text(a);
    y = ao_name_text(b);
    order = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

static void advance(const ao_message *message, ao_cursor *cursor, const ao_name **key,
                    ao_value *value)
{
    if (!message || !ao_message_next(message, cursor, key, value)) {
        *key = NULL;
        *value = AO_NO_VALUE;
    }
}

/* The next key of the innermost directory; its end, if there is none. */
static beamr_status step(taking *t)
{
    take_frame *f = &t->frames[t->depth - 1];
    int order;

    if (!f->old_key)
        advance(f->old, &f->old_cursor, &f->old_key, &f->old_value);
    if (!f->new_key)
        advance(f->new, &f->new_cursor, &f->new_key, &f->new_value);
    if (!f->old_key && !f->new_key) {
        t->depth--;
        return BEAMR_OK;
    }
    order = compare_keys(f->old_key, f->new_key);
    {
        const ao_name *key = order <= 0 ? f->old_key : f->new_key;
        ao_value old = order <= 0 ? f->old_value : AO_NO_VALUE,
                 new = order >= 0 ? f->new_value : AO_NO_VALUE;

        if (order <= 0)
            f->old_key = NULL;
        if (order >= 0)
            f->new_key = NULL;
        return take_key(t, f, ao_name_text(key), old, new);
    }
}

static beamr_status take(dev_system *s, ao_value value, beamr_error *err)
{
    taking *t = calloc(1, sizeof *t);
    beamr_bytes unused;
    beamr_status st = BEAMR_OK;

    if (!t)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to read a file system");
    t->system = s;
    t->err = err;
    if (value.kind != AO_NONE && system_value_kind(value, &unused) != SYSTEM_DIRECTORY)
        st = fail_at(t, 0, (beamr_bytes){0}, BEAMR_MESSAGE, "no message");
    else
        st = descend(t, ao_to_message(s->files), ao_to_message(value), 0);
    while (st == BEAMR_OK && t->depth > 0)
        st = step(t);
    s->is_stale = st != BEAMR_OK || t->is_loose;
    free(t);
    return st;
}

beamr_status system_take_files(dev_system *s, ao_value value, beamr_error *err)
{
    beamr_status st;

    if ((st = system_show_files(s, err)) != BEAMR_OK)
        return st;
    if (is_same(s->files, value) || (s->files.kind == AO_NONE && value.kind == AO_NONE))
        return BEAMR_OK;
    st = take(s, value, err);
    s->files_version = beamr_vfs_version(s->vfs);
    if (st == BEAMR_OK) {
        ao_value_unref(s->files);
        s->files = ao_value_ref(value);
    }
    return st;
}
