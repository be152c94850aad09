/* What is told of a failure: the engine's text, what was thrown, and where the guest was. */
#include <inttypes.h>
#include <stdio.h>

#include "driver/guest_parts.h"

int drv_name_shown(beamr_bytes name, size_t max)
{
    size_t len = name.len < max ? name.len : max;

    while (len > 0 && len < name.len && (name.data[len] & 0xc0) == 0x80)
        len--; /* not in the middle of a character */
    return (int)len;
}

/* Append text to an error's, all of it or nothing.  Returns whether there was room. */
static bool append(beamr_error *err, size_t *len, const char *text)
{
    size_t more = strlen(text);

    if (more >= sizeof err->text - *len)
        return false;
    memcpy(err->text + *len, text, more + 1);
    *len += more;
    return true;
}

/* "; in name (function 3 at 0x4a) < name (function 7 at 0x91) < 5 more", as far as there is
 * room. */
static void append_frames(beamr_error *err)
{
    enum { FRAMES = 8 };
    size_t len = strlen(err->text);
    char text[BEAMR_FRAME_NAME_SIZE + 64];
    uint32_t shown = 0;

    for (; shown < err->frame_count && shown < FRAMES; shown++) {
        const beamr_frame *f = &err->frames[shown];

        (void)snprintf(text, sizeof text, "%s%s%s(function %" PRIu32 " at 0x%" PRIx32 ")",
                       shown == 0 ? "; in " : " < ", f->name, f->name[0] ? " " : "", f->func,
                       f->offset);
        if (!append(err, &len, text))
            return;
    }
    if (shown > 0 && err->frame_total > shown) {
        (void)snprintf(text, sizeof text, " < %" PRIu32 " more", err->frame_total - shown);
        (void)append(err, &len, text);
    }
}

void drv_guest_explain(const drv_guest *guest, beamr_error *err)
{
    if (err->status == BEAMR_EXCEPTION)
        beamr_guest_explain(guest->wasi, guest->store, err);
    else if (err->status != BEAMR_TRAP || err->trap == BEAMR_TRAP_EXIT)
        return; /* a guest that ends itself tells by its code */
    append_frames(err);
}
