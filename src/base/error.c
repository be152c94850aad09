/* The error object: beamr/error.h.
 * Writes into the caller's struct only, so it works without memory. */
#include "beamr/error.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const status_texts[] = {
#define X(id, http, text) [BEAMR_##id] = text,
    BEAMR_STATUS_MAP(X)
#undef X
};

static const int status_https[] = {
#define X(id, http, text) [BEAMR_##id] = http,
    BEAMR_STATUS_MAP(X)
#undef X
};

static const char *const trap_texts[] = {
#define X(id, text) [BEAMR_TRAP_##id] = text,
    BEAMR_TRAP_MAP(X)
#undef X
};

void beamr_error_clear(beamr_error *err)
{
    err->status = BEAMR_OK;
    err->trap = BEAMR_TRAP_NONE;
    err->offset = 0;
    err->frame_count = 0;
    err->frame_total = 0;
    err->text[0] = '\0';
}

beamr_status beamr_fail(beamr_error *err, beamr_status status, uint64_t offset,
                        const char *format, ...)
{
    va_list args;

    if (!err || err->status != BEAMR_OK)
        return status;
    beamr_error_clear(err);
    err->status = status;
    err->offset = offset;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

beamr_status beamr_fail_trap(beamr_error *err, beamr_trap trap, const char *format, ...)
{
    va_list args;
    int used;

    if (!err || err->status != BEAMR_OK)
        return BEAMR_TRAP;
    beamr_error_clear(err);
    err->status = BEAMR_TRAP;
    err->trap = trap;
    used = snprintf(err->text, sizeof err->text, "%s", beamr_trap_text(trap));
    if (format && used >= 0 && (size_t)used + 2 < sizeof err->text) {
        err->text[used++] = ':';
        err->text[used++] = ' ';
        va_start(args, format);
        (void)vsnprintf(err->text + used, sizeof err->text - (size_t)used, format, args);
        va_end(args);
    }
    return BEAMR_TRAP;
}

const char *beamr_status_text(beamr_status status)
{
    return (unsigned)status < BEAMR_STATUS_COUNT ? status_texts[status] : "unknown";
}

int beamr_status_http(beamr_status status)
{
    return (unsigned)status < BEAMR_STATUS_COUNT ? status_https[status] : 500;
}

const char *beamr_trap_text(beamr_trap trap)
{
    return (unsigned)trap < BEAMR_TRAP_COUNT ? trap_texts[trap] : "unknown";
}
