/* The kind `files`: a file for each value, for people who want to look at them.
 * Files are never changed, only replaced, so whoever has opened one can read it without a lock.
 * The lock is the kernel's (flock) and goes with the process that holds it; each use opens it
 * anew, so it works between threads too. Whoever takes it finishes first what a process that
 * died has left in the journal. */
#include "kv/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT_TEXT "beamr files 1"

beamr_status files_fail(const files *f, int code, const char *doing, const char *name,
                        beamr_error *err)
{
    return beamr_fail(err, code == ENOMEM ? BEAMR_NO_MEMORY : BEAMR_IO, 0,
                      "store %.150s: %s %.200s: %s", f->folder, doing, name, strerror(code));
}

/* ---- The lock ---- */

static int lock_open(const files *f, const char *name, int how, int *out)
{
    int fd = openat(f->root, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int code = 0;

    if (fd < 0)
        return errno;
    while (flock(fd, how))
        if (errno != EINTR) {
            code = errno;
            close(fd);
            return code;
        }
    *out = fd;
    return 0;
}

/* Who waits for the lock holds the turn, so that a stream of readers cannot keep out a writer.
 */
static beamr_status lock_take(const files *f, int how, int *fd, beamr_error *err)
{
    int turn;
    int code = lock_open(f, "turn", LOCK_EX, &turn);

    if (!code) {
        code = lock_open(f, "lock", how, fd);
        close(turn);
    }
    return code ? files_fail(f, code, "cannot take", "lock", err) : BEAMR_OK;
}

beamr_status files_lock(const files *f, bool is_writer, int *fd, beamr_error *err)
{
    for (;;) {
        beamr_status st = lock_take(f, is_writer ? LOCK_EX : LOCK_SH, fd, err);
        int writer;

        if (st != BEAMR_OK || faccessat(f->root, "journal", F_OK, 0))
            return st;
        if (is_writer) {
            if ((st = files_recover(f, err)) != BEAMR_OK)
                close(*fd);
            return st;
        }
        close(*fd);
        if ((st = files_lock(f, true, &writer, err)) != BEAMR_OK)
            return st;
        close(writer);
    }
}

/* ---- Opening ---- */

static void files_close(kv *store)
{
    files *f = (files *)store;

    if (f->root >= 0)
        close(f->root);
    free(f->folder);
    free(f);
}

static bool folder_is_empty(const files *f)
{
    int fd = openat(f->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    bool is_empty = dir != NULL;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    /* A lock may be there of one who opens at the same time, or died. */
    while (is_empty && (entry = readdir(dir)))
        is_empty = entry->d_name[0] == '.' || !strcmp(entry->d_name, "turn") ||
                   !strcmp(entry->d_name, "lock") || !strcmp(entry->d_name, "format.new") ||
                   !strcmp(entry->d_name, "new") || !strcmp(entry->d_name, "v") ||
                   !strcmp(entry->d_name, "l");
    closedir(dir);
    return is_empty;
}

static int make_folders(const files *f)
{
    static const char *const names[] = {"v", "l", "new"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (mkdirat(f->root, names[i], 0700) && errno != EEXIST)
            return errno;
    return 0;
}

/* The mark comes last, so that a folder with it is complete. */
static beamr_status format_make(const files *f, beamr_error *err)
{
    int code;

    if (!folder_is_empty(f))
        return beamr_fail(err, BEAMR_MESSAGE, 0,
                          "store %.300s: the folder holds something else", f->folder);
    code = make_folders(f);
    if (!code)
        code = files_write_file(f, "format.new", beamr_bytes_of(FORMAT_TEXT));
    if (!code && renameat(f->root, "format.new", f->root, "format"))
        code = errno;
    return code ? files_fail(f, code, "cannot make", "format", err) : BEAMR_OK;
}

static beamr_status format_check(const files *f, beamr_error *err)
{
    uint8_t *text;
    size_t len;
    int fd;
    beamr_status st = files_open_file(f, "format", &fd, &len, err);

    if (st == BEAMR_NOT_FOUND)
        return format_make(f, err);
    if (st == BEAMR_OK)
        st = files_load_file(f, "format", fd, len, &text, err);
    if (st != BEAMR_OK)
        return st;
    if (kv_compare((beamr_bytes){text, len}, beamr_bytes_of(FORMAT_TEXT)))
        st = beamr_fail(err, BEAMR_MESSAGE, 0, "store %.300s: of another version", f->folder);
    free(text);
    return st;
}

static beamr_status files_begin(files *f, beamr_error *err)
{
    beamr_status st;
    int fd;

    f->root = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->root < 0)
        return files_fail(f, errno, "cannot open", "the folder", err);
    if ((st = files_lock(f, true, &fd, err)) != BEAMR_OK)
        return st;
    st = format_check(f, err);
    if (st == BEAMR_OK && fsync(f->root)) /* also what one who died did not come to sync */
        st = files_fail(f, errno, "cannot sync", "the folder", err);
    close(fd);
    return st;
}

static beamr_status files_open(const char *folder, BEAMR_OWN kv **out, beamr_error *err)
{
    beamr_status st = kv_folder_make(folder, err);
    files *f;

    if (st != BEAMR_OK)
        return st;
    f = (files *)calloc(1, sizeof *f);
    if (!f || !(f->folder = strdup(folder))) {
        free(f);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to open store %.300s", folder);
    }
    f->base.kind = &kv_files;
    f->root = -1;
    if ((st = files_begin(f, err)) != BEAMR_OK)
        files_close(&f->base);
    else
        *out = &f->base;
    return st;
}

/* ---- Reading ---- */

/* Open the file of a key; the lock is not needed afterwards. */
static beamr_status open_value(const files *f, beamr_bytes key, char path[FILES_PATH_SIZE],
                               int *fd, size_t *len, beamr_error *err)
{
    kv_full full;
    int lock;
    beamr_status st = files_lock(f, false, &lock, err);

    if (st != BEAMR_OK)
        return st;
    kv_full_of_value(&full, key);
    files_path(kv_full_bytes(&full), path);
    st = files_open_file(f, path, fd, len, err);
    close(lock);
    return st;
}

static beamr_status files_get(kv *store, beamr_bytes key, kv_reader read_value, void *user,
                              beamr_error *err)
{
    const files *f = (const files *)store;
    char path[FILES_PATH_SIZE];
    uint8_t *data;
    size_t len;
    int fd;
    beamr_status st = open_value(f, key, path, &fd, &len, err);

    if (st == BEAMR_OK)
        st = files_load_file(f, path, fd, len, &data, err);
    if (st != BEAMR_OK)
        return st;
    st = read_value(user, (beamr_bytes){data, len}, err);
    free(data);
    return st;
}

static beamr_status files_read(kv *store, beamr_bytes key, uint64_t offset, void *buffer,
                               size_t size, size_t *len, uint64_t *total, beamr_error *err)
{
    const files *f = (const files *)store;
    char path[FILES_PATH_SIZE];
    size_t length;
    int fd;
    beamr_status st = open_value(f, key, path, &fd, &length, err);

    if (st != BEAMR_OK)
        return st;
    *total = length;
    *len = 0;
    if (offset < length) {
        if (size > length - offset)
            size = (size_t)(length - offset);
        if ((st = files_read_file(f, path, fd, offset, buffer, size, err)) == BEAMR_OK)
            *len = size;
    }
    close(fd);
    return st;
}

/* ---- Logs ---- */

static bool has_entry(const files *f, beamr_bytes log, uint64_t index)
{
    char path[FILES_PATH_SIZE];
    kv_full full;

    kv_full_of_entry(&full, log, index);
    files_path(kv_full_bytes(&full), path);
    return !faccessat(f->root, path, F_OK, 0);
}

/* Entries have no gaps, so the first that is missing is found by halving. */
uint64_t files_count(const files *f, beamr_bytes log)
{
    uint64_t low = 0, high = 1; /* all before low are there; high is not */

    while (has_entry(f, log, high - 1)) {
        low = high;
        if (high >> 62)
            return low;
        high *= 2;
    }
    high--;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (has_entry(f, log, middle))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static beamr_status files_log_count(kv *store, beamr_bytes log, uint64_t *count,
                                    beamr_error *err)
{
    const files *f = (const files *)store;
    int lock;
    beamr_status st = files_lock(f, false, &lock, err);

    if (st != BEAMR_OK)
        return st;
    *count = files_count(f, log);
    close(lock);
    return BEAMR_OK;
}

static beamr_status read_entry(const files *f, beamr_bytes log, uint64_t index,
                               beamr_status (*read_value)(void *user, uint64_t index,
                                                          beamr_bytes entry, beamr_error *err),
                               void *user, beamr_error *err)
{
    char path[FILES_PATH_SIZE];
    kv_full full;
    uint8_t *data;
    size_t len;
    int fd;
    beamr_status st;

    kv_full_of_entry(&full, log, index);
    files_path(kv_full_bytes(&full), path);
    if ((st = files_open_file(f, path, &fd, &len, err)) != BEAMR_OK ||
        (st = files_load_file(f, path, fd, len, &data, err)) != BEAMR_OK)
        return st;
    st = read_value(user, index, (beamr_bytes){data, len}, err);
    free(data);
    return st;
}

static beamr_status files_log_read(kv *store, beamr_bytes log, uint64_t from, uint64_t to,
                                   beamr_status (*read_value)(void *user, uint64_t index,
                                                              beamr_bytes entry,
                                                              beamr_error *err),
                                   void *user, beamr_error *err)
{
    const files *f = (const files *)store;
    uint64_t count;
    beamr_status st = files_log_count(store, log, &count, err);

    if (to > count)
        to = count;
    /* Entries stay as they are: no lock. One of those counted that is gone is damage. */
    for (; st == BEAMR_OK && from < to; from++) {
        st = read_entry(f, log, from, read_value, user, err);
        if (st == BEAMR_NOT_FOUND)
            st = beamr_fail(err, BEAMR_MESSAGE, 0, "store %.300s: entry %llu of a log is gone",
                            f->folder, (unsigned long long)from);
    }
    return st;
}

/* ---- Listing ---- */

typedef struct listing {
    const files *f;
    beamr_bytes prefix, after;
    beamr_bytes *keys; /* each allocated */
    size_t count, capacity;
    beamr_error *err;
} listing;

static beamr_status listing_add(listing *l, const kv_full *key)
{
    uint8_t *copy;

    if (!kv_begins_with(kv_full_bytes(key), l->prefix) ||
        (l->after.len && kv_compare(kv_full_bytes(key), l->after) <= 0))
        return BEAMR_OK;
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 64;
        beamr_bytes *keys = (beamr_bytes *)realloc(l->keys, capacity * sizeof *keys);

        if (!keys)
            return beamr_fail(l->err, BEAMR_NO_MEMORY, 0, "no memory for a list of keys");
        l->keys = keys;
        l->capacity = capacity;
    }
    copy = (uint8_t *)malloc(key->len);
    if (!copy)
        return beamr_fail(l->err, BEAMR_NO_MEMORY, 0, "no memory for a list of keys");
    memcpy(copy, key->bytes, key->len);
    l->keys[l->count++] = (beamr_bytes){copy, key->len};
    return BEAMR_OK;
}

static beamr_status listing_folder(listing *l, int parent, const char *name,
                                   const kv_full *key);

static beamr_status listing_entry(listing *l, int folder, const char *name, const kv_full *key)
{
    kv_full longer = *key;
    uint8_t part[FILES_PART];
    size_t len = name[0] == 'd' || name[0] == 'k' ? files_part(name + 1, part) : SIZE_MAX;

    if (len == SIZE_MAX || key->len + len > KV_KEY_MAX)
        return BEAMR_OK; /* not ours */
    memcpy(longer.bytes + key->len, part, len);
    longer.len = key->len + len;
    if (name[0] == 'k')
        return listing_add(l, &longer);
    if (!kv_begins_with(kv_full_bytes(&longer), l->prefix) &&
        !kv_begins_with(l->prefix, kv_full_bytes(&longer)))
        return BEAMR_OK;
    return listing_folder(l, folder, name, &longer);
}

/* As deep as a key has parts. */
static beamr_status listing_folder(listing *l, int parent, const char *name, const kv_full *key)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    beamr_status st = BEAMR_OK;

    if (!dir) {
        st = files_fail(l->f, errno, "cannot list", name, l->err);
        if (fd >= 0)
            close(fd);
        return st;
    }
    while (st == BEAMR_OK && (errno = 0, entry = readdir(dir)))
        st = listing_entry(l, fd, entry->d_name, key);
    if (st == BEAMR_OK && errno)
        st = files_fail(l->f, errno, "cannot list", name, l->err);
    closedir(dir);
    return st;
}

static int compare_keys(const void *a, const void *b)
{
    return kv_compare(*(const beamr_bytes *)a, *(const beamr_bytes *)b);
}

static beamr_status files_list(kv *store, beamr_bytes prefix, beamr_bytes after, size_t limit,
                               bool (*see)(void *user, beamr_bytes key), void *user,
                               beamr_error *err)
{
    listing l = {(const files *)store, prefix, after, NULL, 0, 0, err};
    kv_full key = {.len = 0};
    int lock;
    beamr_status st = files_lock(l.f, false, &lock, err);

    if (st != BEAMR_OK)
        return st;
    st = listing_folder(&l, l.f->root, "v", &key);
    close(lock);
    if (st == BEAMR_OK && l.count)
        qsort(l.keys, l.count, sizeof *l.keys, compare_keys);
    for (size_t i = 0; st == BEAMR_OK && i < l.count && i < limit; i++)
        if (!see(user, l.keys[i]))
            break;
    for (size_t i = 0; i < l.count; i++)
        free((void *)(uintptr_t)l.keys[i].data);
    free(l.keys);
    return st;
}

const kv_kind kv_files = {"files",    files_open,      files_close,    files_get,   files_read,
                          files_list, files_log_count, files_log_read, files_commit};
