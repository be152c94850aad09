/* From the file system to the message: the picture is made anew where the file system has
 * changed since it was made, and shares the rest.
 *
 * The version of the whole file system says whether there is anything to do. If there is,
 * directories in which something has changed are gone through: the version of a directory tells
 * whether its list of names is still that of the picture, the version of a file whether its
 * content is. */
#include <stdlib.h>

#include "base/text.h"
#include "device/system_internal.h"

/* A directory on the way. */
typedef struct show_frame {
    const ao_message *old; /* what the picture has; NULL: nothing to share */
    bool is_new;           /* the list of names may be another: every key is put */
    bool is_building;
    bool is_changed; /* of is_new: something is not as in `old`, or may not be */
    ao_builder builder;
    uint64_t cursor;
    size_t path_len, put;
    size_t key_len; /* of its own, in the directory above */
    char key[SYSTEM_KEY_MAX];
} show_frame;

typedef struct showing {
    dev_system *system;
    beamr_error *err;
    uint64_t version; /* of the picture; 0 when it is to be made anew */
    size_t depth;     /* frames in use */
    char path[SYSTEM_MAX_PATH + SYSTEM_MAX_NAME + 2];
    show_frame frames[SYSTEM_MAX_DEPTH + 1];
} showing;

static beamr_bytes path_of(const showing *s, size_t len)
{
    return len ? (beamr_bytes){(const uint8_t *)s->path, len} : beamr_bytes_of("/");
}

/* ---- Directories ---- */

static beamr_status descend(showing *s, const ao_message *old, const beamr_vfs_stat *stat,
                            size_t path_len, const char *key, size_t key_len)
{
    show_frame *f = &s->frames[s->depth];

    if (s->depth > SYSTEM_MAX_DEPTH)
        return beamr_fail(s->err, BEAMR_LIMIT, 0, "vfs: more than %u directories deep",
                          SYSTEM_MAX_DEPTH);
    f->old = old;
    f->is_new = !old || stat->version > s->version;
    f->is_building = false;
    f->is_changed = !old;
    f->cursor = 0;
    f->path_len = path_len;
    f->put = 0;
    f->key_len = key_len;
    memcpy(f->key, key, key_len);
    s->depth++;
    return BEAMR_OK;
}

/* A key of the directory's has this value now; taken over.
 *   is_shared  it is what the picture had */
static void put(showing *s, show_frame *f, const char *key, size_t key_len, ao_value value,
                bool is_shared)
{
    if (!is_shared)
        f->is_changed = true;
    if (is_shared && !f->is_new) {
        ao_value_unref(value);
        return;
    }
    if (!f->is_building) {
        ao_builder_begin(&f->builder, f->is_new ? NULL : f->old, NULL, s->err);
        f->is_building = true;
    }
    f->put++;
    ao_builder_put_key(&f->builder, (beamr_bytes){(const uint8_t *)key, key_len}, value);
}

/* The message of a directory that has been gone through.
 *   is_shared  it is what the picture had */
static beamr_status end_directory(showing *s, ao_message **out, bool *is_shared)
{
    show_frame *f = &s->frames[s->depth - 1];

    s->depth--;
    /* The same keys with the same values: only the order, or something else, was another. */
    *is_shared = f->old && !f->is_changed && (!f->is_new || f->put == ao_message_count(f->old));
    if (*is_shared) {
        if (f->is_building)
            ao_builder_drop(&f->builder);
        *out = ao_message_ref(f->old);
        return BEAMR_OK;
    }
    if (!f->is_building)
        ao_builder_begin(&f->builder, NULL, NULL, s->err);
    return ao_builder_end(&f->builder, out);
}

/* ---- Entries ---- */

/* A file or a link.
 *   old  what the picture has there, loaded; AO_NONE: nothing */
static ao_value make_value(beamr_vfs_kind kind, beamr_bytes bytes, ao_value old,
                           bool *is_shared)
{
    system_kind wanted = kind == BEAMR_VFS_FILE ? SYSTEM_FILE : SYSTEM_LINK;
    beamr_bytes was;
    ao_builder builder;

    *is_shared =
        old.kind != AO_ATOM && system_value_kind(old, &was) == wanted && text_equal(was, bytes);
    if (*is_shared)
        return ao_value_ref(old);
    if (wanted == SYSTEM_FILE)
        return ao_binary_copy(bytes);
    ao_builder_begin(&builder, NULL, NULL, NULL);
    ao_builder_put(&builder, SYSTEM_LINK_KEY, ao_binary_copy(bytes));
    return ao_builder_value(&builder);
}

static beamr_status show_leaf(showing *s, show_frame *f, const beamr_vfs_stat *stat, size_t len,
                              const char *key, size_t key_len, ao_value old)
{
    beamr_bytes bytes;
    bool is_shared;
    ao_value value;
    beamr_status st = beamr_vfs_read(s->system->vfs, path_of(s, len), false, &bytes, s->err);

    if (st != BEAMR_OK)
        return st;
    value = make_value(stat->kind, bytes, old, &is_shared);
    if (value.kind == AO_NONE)
        return beamr_fail(s->err, BEAMR_NO_MEMORY, 0, "no memory for a file of %zu bytes",
                          bytes.len);
    put(s, f, key, key_len, value, is_shared);
    return BEAMR_OK;
}

static beamr_status show_entry(showing *s, show_frame *f, beamr_bytes name,
                               const beamr_vfs_stat *stat)
{
    size_t len = f->path_len + 1 + name.len, key_len;
    char key[SYSTEM_KEY_MAX];
    ao_value old = AO_NO_VALUE;
    beamr_bytes unused;

    if (!f->is_new && stat->below <= s->version)
        return BEAMR_OK;
    if (len > SYSTEM_MAX_PATH)
        return beamr_fail(s->err, BEAMR_LIMIT, 0, "vfs: a path of %zu bytes", len);
    key_len = system_name_encode(name, key);
    s->path[f->path_len] = '/';
    memcpy(s->path + f->path_len + 1, name.data, name.len);
    if (f->old)
        old = ao_message_find(f->old, (beamr_bytes){(const uint8_t *)key, key_len});
    if (old.kind != AO_NONE && ao_value_load(old, &old, NULL) != BEAMR_OK)
        old = AO_NO_VALUE;
    if (stat->kind != BEAMR_VFS_DIRECTORY)
        return show_leaf(s, f, stat, len, key, key_len, old);
    return descend(
        s, system_value_kind(old, &unused) == SYSTEM_DIRECTORY ? ao_to_message(old) : NULL,
        stat, len, key, key_len);
}

/* The next entry of the innermost directory; its end, if there is none.
 *   out  gets the root's message at the very end */
static beamr_status step(showing *s, ao_message **out)
{
    show_frame *f = &s->frames[s->depth - 1];
    beamr_bytes name;
    beamr_vfs_stat stat;
    ao_message *message = NULL;
    bool is_shared;
    beamr_status st = beamr_vfs_next(s->system->vfs, path_of(s, f->path_len), &f->cursor, &name,
                                     &stat, s->err);

    if (st == BEAMR_OK)
        return show_entry(s, f, name, &stat);
    if (st != BEAMR_NOT_FOUND)
        return st;
    if ((st = end_directory(s, &message, &is_shared)) != BEAMR_OK)
        return st;
    if (s->depth == 0)
        *out = message;
    else
        put(s, &s->frames[s->depth - 1], f->key, f->key_len, ao_message_value(message),
            is_shared);
    return BEAMR_OK;
}

static beamr_status show(showing *s, ao_message **out)
{
    dev_system *system = s->system;
    const ao_message *old = system->is_stale ? NULL : ao_to_message(system->files);
    beamr_vfs_stat stat;
    beamr_status st = beamr_vfs_stat_at(system->vfs, beamr_bytes_of("/"), false, &stat, s->err);

    if (st == BEAMR_OK)
        st = descend(s, old, &stat, 0, "", 0);
    while (st == BEAMR_OK && s->depth > 0)
        st = step(s, out);
    for (size_t i = 0; i < s->depth; i++)
        if (s->frames[i].is_building)
            ao_builder_drop(&s->frames[i].builder);
    return st;
}

beamr_status system_show_files(dev_system *system, beamr_error *err)
{
    uint64_t version = beamr_vfs_version(system->vfs);
    ao_message *root = NULL;
    showing *s;
    beamr_status st;

    if (version == system->files_version && !system->is_stale)
        return BEAMR_OK;
    if (!(s = malloc(sizeof *s)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to show a file system");
    s->system = system;
    s->err = err;
    s->version = system->is_stale ? 0 : system->files_version;
    s->depth = 0;
    st = show(s, &root);
    free(s);
    if (st != BEAMR_OK)
        return st;
    if (ao_message_count(root) == 0 && system->files.kind == AO_NONE) {
        ao_message_unref(root);
    } else {
        ao_value_unref(system->files);
        system->files = ao_message_value(root);
    }
    system->files_version = version;
    system->is_stale = false;
    return BEAMR_OK;
}
