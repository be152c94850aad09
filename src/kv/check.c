/* What all kinds of stores do alike: full keys, comparing a batch with what is there, folders.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kv/internal.h"

/* ---- Full keys ---- */

void kv_full_of_value(kv_full *full, beamr_bytes key)
{
    full->bytes[0] = KV_FULL_VALUE;
    if (key.len)
        memcpy(full->bytes + 1, key.data, key.len);
    full->len = 1 + key.len;
}

void kv_full_of_entry(kv_full *full, beamr_bytes log, uint64_t index)
{
    uint8_t *at = full->bytes;

    *at++ = KV_FULL_LOG;
    *at++ = (uint8_t)(log.len >> 8);
    *at++ = (uint8_t)log.len;
    memcpy(at, log.data, log.len);
    at += log.len;
    for (int shift = 56; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(index >> shift);
    full->len = (size_t)(at - full->bytes);
}

bool kv_full_is_same_log(const kv_full *entry, beamr_bytes other)
{
    return other.len == entry->len && !memcmp(other.data, entry->bytes, entry->len - 8);
}

uint64_t kv_full_index(beamr_bytes entry)
{
    uint64_t index = 0;

    for (size_t i = entry.len - 8; i < entry.len; i++)
        index = index << 8 | entry.data[i];
    return index;
}

int kv_compare(beamr_bytes a, beamr_bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.data, b.data, common) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool kv_begins_with(beamr_bytes bytes, beamr_bytes prefix)
{
    return bytes.len >= prefix.len &&
           (!prefix.len || !memcmp(bytes.data, prefix.data, prefix.len));
}

const char *kv_text(beamr_bytes key, char buffer[KV_TEXT_SIZE])
{
    size_t used = 0;

    for (size_t i = 0; i < key.len; i++) {
        uint8_t c = key.data[i];

        if (used + 8 > KV_TEXT_SIZE) {
            memcpy(buffer + used, "...", 4);
            return buffer;
        }
        if (c >= 0x20 && c < 0x7f)
            buffer[used++] = (char)c;
        else
            used += (size_t)snprintf(buffer + used, KV_TEXT_SIZE - used, "\\x%02x", c);
    }
    buffer[used] = '\0';
    return buffer;
}

/* ---- Expectations ---- */

static beamr_status check_value(const kv_view *view, const kv_op *op, beamr_error *err)
{
    beamr_bytes value;
    beamr_status st = view->find(view->arg, op->key, &value, err);
    char text[KV_TEXT_SIZE];

    if (st != BEAMR_OK && st != BEAMR_NOT_FOUND)
        return st;
    if ((st == BEAMR_NOT_FOUND) != op->is_absent)
        return beamr_fail(err, BEAMR_CONFLICT, 0, "key `%s` is %s", kv_text(op->key, text),
                          op->is_absent ? "there already" : "not there");
    if (!op->is_absent && kv_compare(value, op->value))
        return beamr_fail(err, BEAMR_CONFLICT, 0, "key `%s` has another value",
                          kv_text(op->key, text));
    return BEAMR_OK;
}

static beamr_status check_append(const kv_view *view, const kv_op *op, beamr_error *err)
{
    uint64_t count;
    beamr_status st = view->count(view->arg, op->key, &count, err);
    char text[KV_TEXT_SIZE];

    if (st != BEAMR_OK)
        return st;
    count += op->prior;
    if (count == op->index)
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_CONFLICT, 0, "log `%s` has %llu entries, not %llu",
                      kv_text(op->key, text), (unsigned long long)count,
                      (unsigned long long)op->index);
}

beamr_status kv_check(const kv_view *view, const kv_batch *batch, beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    for (size_t i = 0; i < batch->count && st == BEAMR_OK; i++) {
        const kv_op *op = &batch->ops[i];

        if (op->kind == KV_OP_EXPECT)
            st = check_value(view, op, err);
        else if (op->kind == KV_OP_APPEND && op->index != UINT64_MAX)
            st = check_append(view, op, err);
    }
    return st;
}

/* ---- Folders ---- */

beamr_status kv_folder_sync(const char *folder, beamr_error *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failure = 0;

    if (fd < 0 || fsync(fd))
        failure = errno;
    if (fd >= 0)
        close(fd);
    if (failure)
        return beamr_fail(err, BEAMR_IO, 0, "cannot sync folder %.300s: %s", folder,
                          strerror(failure));
    return BEAMR_OK;
}

beamr_status kv_folder_make(const char *folder, beamr_error *err)
{
    size_t len = strlen(folder);
    char *parent;
    char *slash;
    bool is_new = !mkdir(folder, 0700);
    beamr_status st;

    if (!is_new && errno != EEXIST)
        return beamr_fail(err, BEAMR_IO, 0, "cannot make folder %.300s: %s", folder,
                          strerror(errno));
    /* Also one that is there already: whoever made it may not have come so far. */
    parent = (char *)malloc(len + 4);
    if (!parent)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to open folder %.300s", folder);
    memcpy(parent, folder, len + 1);
    while (len > 1 && parent[len - 1] == '/')
        parent[--len] = '\0';
    slash = strrchr(parent, '/');
    if (!slash)
        memcpy(parent, ".", 2);
    else
        slash[slash == parent] = '\0';
    st = kv_folder_sync(parent, is_new ? err : NULL);
    free(parent);
    return is_new ? st : BEAMR_OK; /* an old one may lie where we may not look */
}
