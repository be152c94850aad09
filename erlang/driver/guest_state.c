/* Snapshots: the engine's, with the system's state as a section of them.
 * The engine restores all or nothing. The system's state is exchanged before the engine changes
 * anything, and the one of before is put back if the engine then fails. */
#include <stdlib.h>

#include "driver/guest_parts.h"

static beamr_status check_idle(const drv_guest *guest, beamr_error *err)
{
    beamr_status st = drv_guest_check(guest, err);

    if (st != BEAMR_OK || beamr_store_waiting(guest->store) == 0)
        return st;
    return beamr_fail(err, BEAMR_BUSY, 0,
                      "a call waits for its import or goes on later: a state without it would "
                      "not be whole");
}

beamr_status drv_guest_snapshot(drv_guest *guest, beamr_snapshot_sink sink, void *user,
                                beamr_error *err)
{
    beamr_snapshot_section section = {.id = DRV_SECTION_SYSTEM};
    beamr_snapshot_options options = {.sections = &section, .section_count = 1};
    uint8_t *system = NULL;
    beamr_status st = check_idle(guest, err);

    if (st == BEAMR_OK)
        st = beamr_wasi_save(guest->wasi, &system, &section.bytes.len, err);
    if (st == BEAMR_OK) {
        section.bytes.data = system;
        st = beamr_snapshot_write(guest->instance, &options, sink, user, err);
    }
    free(system);
    return st;
}

static beamr_status load_section(void *user, uint32_t id, beamr_bytes bytes, beamr_error *err)
{
    drv_guest *guest = user;

    if (id != DRV_SECTION_SYSTEM)
        return beamr_fail(err, BEAMR_SNAPSHOT, 0, "the snapshot has a section %u of others",
                          id);
    return beamr_wasi_load(guest->wasi, bytes, err);
}

/* The system as it was at first, for a snapshot that says nothing of it. */
static beamr_status load_first(drv_guest *guest, beamr_error *err)
{
    beamr_wasi *wasi = NULL;
    beamr_bytes bytes = {0};
    uint8_t *first = NULL;
    beamr_status st = beamr_wasi_new(NULL, &wasi, err);

    if (st == BEAMR_OK)
        st = beamr_wasi_save(wasi, &first, &bytes.len, err);
    if (st == BEAMR_OK) {
        bytes.data = first;
        st = beamr_wasi_load(guest->wasi, bytes, err);
    }
    free(first);
    beamr_wasi_unref(wasi);
    return st;
}

static beamr_status restore(drv_guest *guest, beamr_bytes bytes, beamr_error *err)
{
    beamr_snapshot_options options = {.user = guest, .section_load = load_section};
    beamr_status st = load_first(guest, err);

    return st == BEAMR_OK ? beamr_snapshot_restore(guest->instance, bytes, &options, err) : st;
}

beamr_status drv_guest_restore(drv_guest *guest, beamr_bytes bytes, beamr_error *err)
{
    beamr_bytes before = {0};
    uint8_t *system = NULL;
    beamr_status st = check_idle(guest, err);

    if (st == BEAMR_OK)
        st = beamr_wasi_save(guest->wasi, &system, &before.len, err);
    if (st != BEAMR_OK)
        return st;
    before.data = system;
    st = restore(guest, bytes, err);
    if (st != BEAMR_OK && beamr_wasi_load(guest->wasi, before, NULL) != BEAMR_OK)
        guest->stage = DRV_STAGE_FAILED;
    free(system);
    return st;
}
