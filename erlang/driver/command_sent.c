/* What is sent to a port: pieces of memory, some of which lie in binaries of the emulator's.
 * What must be in one piece usually is; if not, it is copied together up to DRV_CALL_BYTES,
 * since this is done in a callback. */
#include <stdlib.h>

#include "driver/command_internal.h"

enum { PREFIX_SIZE = 8 }; /* "BMR", the operation, and the size of the header */

/* A part of what was sent, in one piece. */
typedef struct span {
    beamr_bytes bytes;
    ErlDrvBinary *binary; /* that they lie in, borrowed; NULL: none */
    uint8_t *own;         /* allocated; or NULL */
} span;

static size_t total_of(const ErlIOVec *sent)
{
    size_t total = 0;

    for (int i = 0; i < sent->vsize; i++)
        total += sent->iov[i].iov_len;
    return total;
}

/* Copy `len` bytes from `from` on, which are there. */
static void copy(const ErlIOVec *sent, size_t from, size_t len, uint8_t *out)
{
    for (int i = 0; i < sent->vsize && len > 0; i++) {
        size_t here = sent->iov[i].iov_len, n;

        if (from >= here) {
            from -= here;
            continue;
        }
        n = here - from < len ? here - from : len;
        memcpy(out, (const uint8_t *)sent->iov[i].iov_base + from, n);
        out += n;
        len -= n;
        from = 0;
    }
}

/* Where they lie, if that is one piece. */
static bool find(const ErlIOVec *sent, size_t from, size_t len, span *out)
{
    for (int i = 0; i < sent->vsize; i++) {
        size_t here = sent->iov[i].iov_len;

        if (from < here && len <= here - from) {
            out->bytes = (beamr_bytes){(const uint8_t *)sent->iov[i].iov_base + from, len};
            out->binary = sent->binv ? sent->binv[i] : NULL;
            return true;
        }
        if (from < here)
            return false;
        from -= here;
    }
    return false;
}

static beamr_status gather(const ErlIOVec *sent, size_t from, size_t len, span *out,
                           beamr_error *err)
{
    *out = (span){{NULL, 0}, NULL, NULL};
    if (len == 0 || find(sent, from, len, out))
        return BEAMR_OK;
    if (len > DRV_CALL_BYTES)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "%zu bytes in several pieces; more than %d are to be one binary", len,
                          DRV_CALL_BYTES);
    if (!(out->own = malloc(len)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for a command");
    copy(sent, from, len, out->own);
    out->bytes = (beamr_bytes){out->own, len};
    return BEAMR_OK;
}

static beamr_status read_with_ref(const ErlIOVec *sent, size_t total, const uint8_t *prefix,
                                  drv_reading *r)
{
    size_t size =
        (size_t)prefix[4] << 24 | (size_t)prefix[5] << 16 | (size_t)prefix[6] << 8 | prefix[7];
    span header = {{NULL, 0}, NULL, NULL}, behind = header;
    beamr_status st;

    if (size > total - PREFIX_SIZE)
        return beamr_fail(r->err, BEAMR_MALFORMED, 0,
                          "Failed to decode message header (size): %zu bytes of %zu", size,
                          total - PREFIX_SIZE);
    if ((st = gather(sent, PREFIX_SIZE, size, &header, r->err)) != BEAMR_OK ||
        (st = gather(sent, PREFIX_SIZE + size, total - PREFIX_SIZE - size, &behind, r->err)) !=
            BEAMR_OK)
        goto out;
    r->binary = header.binary;
    r->has_behind = true;
    r->behind = behind.bytes;
    r->behind_binary = behind.binary;
    st = drv_read_own(r, prefix[3], header.bytes);
out:
    free(header.own);
    free(behind.own);
    return st;
}

static beamr_status read_plain(const ErlIOVec *sent, size_t total, drv_reading *r)
{
    span term;
    beamr_status st;

    r->out->is_plain = true;
    if ((st = gather(sent, 0, total, &term, r->err)) != BEAMR_OK)
        return st;
    r->binary = term.binary;
    st = drv_read_plain(r, term.bytes);
    free(term.own);
    return st;
}

beamr_status drv_command_read_sent(ErlIOVec *sent, drv_command *out, beamr_error *err)
{
    size_t total = total_of(sent);
    uint8_t prefix[PREFIX_SIZE] = {0};
    drv_reading r;
    beamr_status st;

    drv_command_init(out);
    drv_reading_init(&r, out, err);
    copy(sent, 0, total < PREFIX_SIZE ? total : PREFIX_SIZE, prefix);
    if (total < PREFIX_SIZE || memcmp(prefix, "BMR", 3) != 0)
        return read_plain(sent, total, &r);
    st = read_with_ref(sent, total, prefix, &r);
    if (st == BEAMR_MALFORMED && out->ref.len == 0)
        out->is_plain = true; /* so that somebody is told */
    return st;
}
