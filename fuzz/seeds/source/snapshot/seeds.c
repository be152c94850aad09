/* Writes the seeds of snapshot_fuzz: the states of the guest after a few steps each. Each
 * function called here is one of guest.wat.
 *
 *     cc -I include -I fuzz fuzz/seeds/source/snapshot/seeds.c build/release/libbeamr.a \
 *         -lcrypto -lm -lpthread -o seeds && ./seeds fuzz/seeds/snapshot */
#include "snapshot_guest.h"

#include <stdio.h>
#include <stdlib.h>

static snapshot_guest guest;

static void check(beamr_status st, const beamr_error *err)
{
    if (st == BEAMR_OK)
        return;
    (void)fprintf(stderr, "seeds: %s\n", err->text);
    exit(1);
}

static void call(const char *name, size_t arg_count, beamr_value a, beamr_value b)
{
    beamr_func *f = beamr_instance_find_func(guest.instance, name);
    beamr_value args[2] = {a, b}, result;
    beamr_error err = {0};

    check(beamr_func_call(f, args, arg_count, &result, beamr_func_type(f).result_count, &err),
          &err);
}

static void save(const char *folder, const char *name, const beamr_snapshot_section *section)
{
    beamr_snapshot_options options = {.ref_save = snapshot_guest_ref_save,
                                      .sections = section,
                                      .section_count = section != NULL};
    beamr_error err = {0};
    uint8_t *data;
    size_t len;
    char path[4096];
    FILE *file;

    check(beamr_snapshot_save(guest.instance, &options, &data, &len, &err), &err);
    (void)snprintf(path, sizeof path, "%s/%s.snapshot", folder, name);
    if (!(file = fopen(path, "wb")) || fwrite(data, 1, len, file) != len || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
    beamr_snapshot_free(data);
}

static void open_guest(void)
{
    beamr_bytes wasm = {snapshot_guest_wasm, sizeof snapshot_guest_wasm};
    beamr_engine *engine = NULL;
    beamr_module *module = NULL;
    beamr_error err = {0};

    check(beamr_engine_new(NULL, &engine, &err), &err);
    check(beamr_store_new(engine, NULL, &guest.store, &err), &err);
    check(beamr_module_load(engine, wasm, &module, &err), &err);
    check(snapshot_guest_imports(&guest, NULL, &err), &err);
    check(beamr_instance_new(guest.store, module, guest.imports, 5, &guest.instance, &err),
          &err);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    const beamr_snapshot_section section = {BEAMR_SNAPSHOT_EMBEDDER, beamr_bytes_of("wasi")};
    beamr_value none = beamr_i32(0);
    beamr_extern x, xr;
    beamr_value thing = {.kind = BEAMR_EXTERNREF,
                         .of.external = (void *)(uintptr_t)&snapshot_guest_things[1]};

    open_guest();
    save(folder, "fresh", NULL);
    save(folder, "section", &section);
    call("memory_init", 0, none, none);
    call("data_drop", 0, none, none);
    call("elem_drop", 0, none, none);
    save(folder, "dropped", NULL);
    call("table_grow", 1, beamr_i32(3), none);
    call("table_fill", 2, beamr_i32(2), beamr_i32(2));
    call("global_b", 0, none, none);
    (void)beamr_instance_find(guest.instance, beamr_bytes_of("x"), &x);
    (void)beamr_instance_find(guest.instance, beamr_bytes_of("xr"), &xr);
    (void)beamr_table_set(x.of.table, 1, &thing, NULL);
    (void)beamr_global_set(xr.of.global, &thing, NULL);
    save(folder, "references", NULL);
    call("grow", 1, beamr_i32(1), none);
    call("grow_wide", 1, beamr_i64(2), none);
    call("store", 2, beamr_i32(70000), beamr_i32(1));
    call("store_wide", 2, beamr_i64(130000), beamr_i32(1));
    call("step", 1, beamr_i32(12345), none);
    save(folder, "memories", NULL);
    return 0;
}
