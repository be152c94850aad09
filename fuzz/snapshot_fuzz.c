/* Fuzz target: restore any bytes into an instance, and go on from there. What would keep
 * nearly all inputs at the door is put right first: length, module id; the checksum is not
 * looked at.
 * An input that is refused changes nothing. One that is taken is written again as the same
 * bytes. Seeds: seeds/snapshot/; the module is seeds/source/snapshot/guest.wat. */
#include "fuzz.h"

#include "snapshot_guest.h"

#define CHECKSUM 16u

static snapshot_guest guest;
static uint8_t module_id[BEAMR_MODULE_ID_SIZE];
static beamr_bytes initial; /* the state after instantiation */
static beamr_bytes memory;  /* and the contents of memory 0 */

static beamr_status take_section(void *user, uint32_t id, beamr_bytes bytes, beamr_error *err)
{
    size_t *sum = user;

    for (size_t i = 0; i < bytes.len; i++)
        *sum += bytes.data[i];
    if (id == BEAMR_SNAPSHOT_EMBEDDER && bytes.len == 0)
        return beamr_fail(err, BEAMR_SNAPSHOT, 0, "an empty section");
    return BEAMR_OK;
}

static size_t section_sum;
static const beamr_snapshot_options options = {
    .user = &section_sum,
    .ref_save = snapshot_guest_ref_save,
    .ref_load = snapshot_guest_ref_load,
    .section_load = take_section,
    .is_verified = true,
};

static beamr_bytes save_with(bool is_apart)
{
    beamr_snapshot_options with = options;
    uint8_t *data = NULL;
    size_t len = 0;

    with.memory_apart = is_apart;
    FUZZ_CHECK(beamr_snapshot_save(guest.instance, &with, &data, &len, NULL) == BEAMR_OK);
    return (beamr_bytes){data, len};
}

static beamr_bytes save(void)
{
    return save_with(false);
}

static void release(beamr_bytes bytes)
{
    beamr_snapshot_free((uint8_t *)(uintptr_t)bytes.data);
}

static void memory_keep(void)
{
    const beamr_memory *m = beamr_instance_memory(guest.instance, 0);
    uint8_t *copy = malloc((size_t)beamr_memory_size(m) + 1);

    FUZZ_CHECK(copy);
    memory = (beamr_bytes){copy, (size_t)beamr_memory_size(m)};
    FUZZ_CHECK(beamr_memory_read(m, 0, copy, memory.len, NULL) == BEAMR_OK);
}

static void guest_open(void)
{
    beamr_bytes wasm = {snapshot_guest_wasm, sizeof snapshot_guest_wasm};
    beamr_engine *engine = NULL;
    beamr_module *module = NULL;

    if (guest.instance)
        return;
    FUZZ_CHECK(beamr_engine_new(NULL, &engine, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_store_new(engine, NULL, &guest.store, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_module_load(engine, wasm, &module, NULL) == BEAMR_OK);
    FUZZ_CHECK(snapshot_guest_imports(&guest, NULL, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_instance_new(guest.store, module, guest.imports, 5, &guest.instance,
                                  NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_module_id(module, module_id, NULL) == BEAMR_OK);
    initial = save();
    memory_keep();
}

/* Length and module id as they should be.  Returns a copy, to be freed. */
static uint8_t *put_right(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1); /* of no bytes too */

    FUZZ_CHECK(copy);
    if (size > 0)
        memcpy(copy, data, size);
    if (size >= 56) {
        for (unsigned i = 0; i < 8; i++)
            copy[16 + i] = (uint8_t)((uint64_t)size >> (8 * i));
        memcpy(copy + 24, module_id, sizeof module_id);
    }
    return copy;
}

/* All but the checksum; sections of the embedder come back in section_load, and are not
 * written again here. */
static void check_same(beamr_bytes a, beamr_bytes b)
{
    FUZZ_CHECK(a.len == b.len);
    FUZZ_CHECK(memcmp(a.data, b.data, a.len - CHECKSUM) == 0);
}

static void run_guest(void)
{
    beamr_value args[1] = {beamr_i32(24)}, result;

    /* It may trap: the table is whatever the snapshot says. */
    (void)beamr_func_call(beamr_instance_find_func(guest.instance, "step"), args, 1, &result, 1,
                          NULL);
}

static void check_refused(beamr_status st, const beamr_error *err)
{
    beamr_bytes after = save();

    FUZZ_CHECK(st == BEAMR_SNAPSHOT || st == BEAMR_LIMIT || st == BEAMR_NO_MEMORY);
    FUZZ_CHECK(err->status == st && err->text[0] && !strchr(err->text, '\n'));
    check_same(initial, after);
    release(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    beamr_snapshot_options with = options;
    beamr_error err = {0};
    uint8_t *copy;
    beamr_status st;

    guest_open();
    copy = put_right(data, size);
    with.memory_apart = size > 12 && copy[12] == 1; /* the flag */
    with.memory = memory;
    st = beamr_snapshot_restore(guest.instance, (beamr_bytes){copy, size}, &with, &err);
    if (st != BEAMR_OK) {
        check_refused(st, &err);
    } else {
        beamr_bytes after = save_with(with.memory_apart);

        if (copy[56] == 4 && copy[57] == 0 && copy[58] == 0 && copy[59] == 0)
            check_same((beamr_bytes){copy, size}, after); /* no section of the embedder */
        release(after);
        run_guest();
        FUZZ_CHECK(beamr_snapshot_restore(guest.instance, initial, &options, NULL) == BEAMR_OK);
    }
    free(copy);
    return 0;
}
