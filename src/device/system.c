/* The system around a guest of a message: it is made here, calls begin and end here, and its
 * streams are here. Its contents: system_take.c and system_show.c have files, system_fds.c
 * descriptors, system_inputs.c what a message and a request say, system_perform.c functions
 * that are called through messages.
 *
 * Streams: 0 reads the file /dev/stdin from where it stopped, 1 and 2 append to /dev/stdout
 * and /dev/stderr. What a call writes beyond its limit, or beyond what the file system holds,
 * goes nowhere and is counted; the guest sees success, so that what it computes does not depend
 * on the node. Saved bytes: version (1 byte), how far stdin was read (8), beamr_wasi_save. */
#include "device/system.h"

#include <stdlib.h>
#include <string.h>

#include "device/system_internal.h"

enum { SAVED_VERSION = 1, SAVED_HEADER = 9 };

/* ---- Streams ---- */

static beamr_status stream_read(void *user, uint8_t *buf, size_t len, size_t *got,
                                beamr_error *err)
{
    const system_stream *stream = user;
    dev_system *s = stream->system;
    beamr_bytes content = {NULL, 0};
    beamr_status st =
        beamr_vfs_read(s->vfs, beamr_bytes_of(stream->path), true, &content, NULL);

    *got = 0;
    if (st == BEAMR_ARGUMENT)
        return beamr_fail(err, BEAMR_IO, 0, "%s is no file", stream->path);
    if (st != BEAMR_OK || s->in_at >= content.len)
        return BEAMR_OK;
    *got = len < content.len - s->in_at ? len : (size_t)(content.len - s->in_at);
    memcpy(buf, content.data + s->in_at, *got);
    s->in_at += *got;
    return BEAMR_OK;
}

static beamr_status append(dev_system *s, const char *path, beamr_bytes bytes)
{
    beamr_status st = beamr_vfs_append(s->vfs, beamr_bytes_of(path), bytes, NULL);

    if (st != BEAMR_NOT_FOUND)
        return st;
    st = beamr_vfs_mkdir(s->vfs, beamr_bytes_of("/dev"), true, NULL);
    return st == BEAMR_OK ? beamr_vfs_append(s->vfs, beamr_bytes_of(path), bytes, NULL) : st;
}

static beamr_status stream_write(void *user, beamr_bytes bytes, beamr_error *err)
{
    const system_stream *stream = user;
    dev_system *s = stream->system;
    beamr_bytes kept = bytes;
    beamr_status st = BEAMR_OK;

    if (kept.len > s->out_left)
        kept.len = (size_t)s->out_left;
    s->out_left -= kept.len;
    beamr_vfs_set_time(s->vfs, s->inputs ? s->inputs->time_ns : 0);
    if (kept.len > 0)
        st = append(s, stream->path, kept);
    if (st == BEAMR_NO_MEMORY)
        return beamr_fail(err, st, 0, "no memory for what goes to %s", stream->path);
    s->lost += st == BEAMR_OK ? bytes.len - kept.len : bytes.len;
    return BEAMR_OK;
}

static beamr_status seed_of(void *user, uint8_t seed[32], beamr_error *err)
{
    dev_system *s = user;
    dev_inputs *inputs = s->inputs;
    beamr_status st = BEAMR_OK;

    if (!inputs || !inputs->has_seed)
        st = system_seed(s->moment, seed, err);
    else
        memcpy(seed, inputs->seed, 32);
    if (st == BEAMR_OK && inputs) {
        memcpy(inputs->seed, seed, 32);
        inputs->has_seed = true;
    }
    return st;
}

/* ---- Making ---- */

/* A system of ours.  user  NULL: one that is only looked at */
static beamr_status make_wasi(dev_system *s, beamr_wasi **out, beamr_error *err)
{
    static const beamr_vfs_limits limits = {.max_bytes = SYSTEM_MAX_BYTES,
                                            .max_file_size = SYSTEM_MAX_BYTES,
                                            .max_nodes = SYSTEM_MAX_NODES,
                                            .max_name = SYSTEM_MAX_NAME,
                                            .max_path = SYSTEM_MAX_PATH,
                                            .max_depth = SYSTEM_MAX_DEPTH};
    beamr_wasi_options o = {.max_open = SYSTEM_MAX_OPEN,
                            .user = s,
                            .clock_resolution = 1000000, /* what an assignment says: ms */
                            .seed_of = seed_of};
    beamr_status st = beamr_vfs_new(&limits, &o.vfs, err);

    if (st != BEAMR_OK)
        return st;
    o.in = (beamr_stream){.read = stream_read, .user = &s->streams[0]};
    o.out = (beamr_stream){.write = stream_write, .user = &s->streams[1]};
    o.err = (beamr_stream){.write = stream_write, .user = &s->streams[2]};
    st = beamr_wasi_new(&o, out, err);
    beamr_vfs_unref(o.vfs);
    return st;
}

beamr_status dev_system_new(BEAMR_OWN dev_system **out, beamr_error *err)
{
    static const char *const paths[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    dev_system *s = calloc(1, sizeof *s);
    beamr_status st;

    if (!s)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a system");
    for (size_t i = 0; i < 3; i++)
        s->streams[i] = (system_stream){s, paths[i]};
    if ((st = make_wasi(s, &s->wasi, err)) != BEAMR_OK) {
        free(s);
        return st;
    }
    s->vfs = beamr_wasi_vfs(s->wasi);
    s->files_version = beamr_vfs_version(s->vfs);
    *out = s;
    return BEAMR_OK;
}

void dev_system_free(dev_system *s)
{
    if (!s)
        return;
    ao_value_unref(s->files);
    ao_value_unref(s->fds_value);
    system_fds_clear(&s->fds);
    beamr_wasi_unref(s->wasi);
    free(s);
}

beamr_wasi *dev_system_wasi(dev_system *system)
{
    return system->wasi;
}

uint64_t dev_system_lost(const dev_system *system)
{
    return system->lost;
}

/* ---- Calls ---- */

static void set_doors(dev_system *s, const dev_inputs *inputs)
{
    unsigned doors =
        1u + inputs->wasi_direct * 2u + inputs->unstable_direct * 4u + inputs->env_direct * 8u;

    if (doors == s->doors)
        return;
    s->doors = doors;
    (void)beamr_wasi_set_deferred(s->wasi, "wasi_snapshot_preview1", !inputs->wasi_direct,
                                  NULL);
    (void)beamr_wasi_set_deferred(s->wasi, "wasi_unstable", !inputs->unstable_direct, NULL);
    (void)beamr_wasi_set_deferred(s->wasi, "env", !inputs->env_direct, NULL);
}

static bool is_object(ao_value value, ao_value known)
{
    return value.kind == known.kind &&
           (value.kind == AO_NONE || value.of.message == known.of.message);
}

/* The message holds the very objects that were shown, as it mostly does. */
static bool is_as_shown(const dev_system *s, const dev_inputs *inputs)
{
    return !s->is_stale && s->files_version == beamr_vfs_version(s->vfs) &&
           is_object(inputs->vfs, s->files) &&
           (inputs->descriptors.kind == AO_NONE ||
            is_object(inputs->descriptors, s->fds_value));
}

beamr_status dev_system_update(dev_system *s, const dev_inputs *inputs, beamr_error *err)
{
    beamr_status st;

    set_doors(s, inputs);
    beamr_vfs_set_time(s->vfs, s->inputs ? s->inputs->time_ns : 0);
    if (is_as_shown(s, inputs))
        return BEAMR_OK;
    /* Before files are taken away that are open: it is what the message was told. */
    if ((st = system_show_fds(s, err)) != BEAMR_OK ||
        (st = system_take_files(s, inputs->vfs, err)) != BEAMR_OK)
        return st;
    return system_take_fds(s, inputs->descriptors, err);
}

beamr_status dev_system_enter(dev_system *s, dev_inputs *inputs, const dev_moment *moment,
                              beamr_error *err)
{
    s->inputs = inputs;
    s->moment = moment;
    s->out_left = inputs->max_output;
    s->lost = 0;
    beamr_wasi_renew(s->wasi, inputs->time_ns);
    return dev_system_update(s, inputs, err);
}

/* Put a value into a message unless it has it.
 *   value  AO_NONE: nothing to be put */
static beamr_status put(ao_message **state, const char *key, ao_value value, beamr_error *err)
{
    ao_value now = AO_NO_VALUE;
    ao_message *changed = NULL;
    beamr_status st;

    if (value.kind == AO_NONE)
        return BEAMR_OK;
    if (ao_message_get(*state, beamr_bytes_of(key), &now, NULL) == BEAMR_OK &&
        now.kind == AO_MESSAGE && now.of.message == value.of.message)
        return BEAMR_OK;
    st = ao_message_with(*state, key, ao_value_ref(value), &changed, err);
    if (st != BEAMR_OK)
        return st;
    ao_message_unref(*state);
    *state = changed;
    return BEAMR_OK;
}

beamr_status dev_system_show(dev_system *s, BEAMR_OWN ao_message **state, beamr_error *err)
{
    beamr_status st;

    if ((st = system_show_files(s, err)) != BEAMR_OK ||
        (st = system_show_fds(s, err)) != BEAMR_OK ||
        (st = put(state, "vfs", s->files, err)) != BEAMR_OK)
        return st;
    /* As in a system that was never told of any. */
    if (ao_message_find_text(*state, "file-descriptors").kind == AO_NONE &&
        system_fds_are_untouched(s))
        return BEAMR_OK;
    return put(state, "file-descriptors", s->fds_value, err);
}

beamr_status dev_system_leave(dev_system *s, BEAMR_OWN ao_message **state, beamr_error *err)
{
    beamr_status st = state ? dev_system_show(s, state, err) : BEAMR_OK;

    beamr_wasi_renew(s->wasi, 0);
    s->inputs = NULL;
    s->moment = NULL;
    return st;
}

/* ---- State as bytes ---- */

/* Is this what a new system gives? */
static beamr_status is_as_new(const uint8_t *bytes, size_t len, bool *out, beamr_error *err)
{
    dev_system *fresh = NULL;
    uint8_t *other = NULL;
    size_t other_len = 0;
    beamr_status st = dev_system_new(&fresh, err);

    if (st == BEAMR_OK)
        st = beamr_wasi_save(fresh->wasi, &other, &other_len, err);
    *out = st == BEAMR_OK && len == other_len && memcmp(bytes, other, len) == 0;
    free(other);
    dev_system_free(fresh);
    return st;
}

beamr_status dev_system_save(const dev_system *s, BEAMR_OWN uint8_t **out, size_t *len,
                             beamr_error *err)
{
    uint8_t *bytes = NULL, *all = NULL;
    size_t size = 0;
    bool is_new = false;
    beamr_status st = beamr_wasi_save(s->wasi, &bytes, &size, err);

    if (st == BEAMR_OK && s->in_at == 0 && size < 4096)
        st = is_as_new(bytes, size, &is_new, err);
    if (st != BEAMR_OK)
        goto out;
    if (!(all = malloc(SAVED_HEADER + size))) {
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu bytes of a system", size);
        goto out;
    }
    all[0] = SAVED_VERSION;
    for (unsigned i = 0; i < 8; i++)
        all[1 + i] = (uint8_t)(s->in_at >> 8 * i);
    memcpy(all + SAVED_HEADER, bytes, size);
    *out = all;
    *len = is_new ? 0 : SAVED_HEADER + size;
out:
    free(bytes);
    return st;
}

beamr_status dev_system_load(dev_system *s, beamr_bytes bytes, beamr_error *err)
{
    uint64_t in_at = 0;
    beamr_status st;

    if (bytes.len == 0)
        return BEAMR_OK;
    if (bytes.len < SAVED_HEADER || bytes.data[0] != SAVED_VERSION)
        return beamr_fail(err, BEAMR_MALFORMED, 0,
                          "state of a system: cut off, or of another version");
    for (unsigned i = 0; i < 8; i++)
        in_at |= (uint64_t)bytes.data[1 + i] << 8 * i;
    if (in_at > INT64_MAX)
        return beamr_fail(err, BEAMR_MALFORMED, 1, "state of a system: a bad offset of stdin");
    st = beamr_wasi_load(
        s->wasi, (beamr_bytes){bytes.data + SAVED_HEADER, bytes.len - SAVED_HEADER}, err);
    if (st != BEAMR_OK)
        return st;
    s->in_at = in_at;
    s->is_stale = true; /* what there is has never been shown */
    ao_value_unref(s->fds_value);
    s->fds_value = AO_NO_VALUE;
    system_fds_clear(&s->fds);
    return BEAMR_OK;
}
