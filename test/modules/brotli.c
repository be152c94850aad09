/* Package brotli-wasm: a compressor in Rust, by wasm-bindgen.
 * peer.mjs compresses a file with the host's own Brotli, which the module must decompress, and
 * decompresses what the module made. */
#include "guest.h"

#include <stdlib.h>

/* Objects of JavaScript are numbers to the module: all options are the one that is undefined.
 */
static beamr_status is_undefined(const beamr_call *call, const beamr_value *args,
                                 beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)err;
    results[0] = beamr_i32(1);
    return BEAMR_OK;
}

/* The text of an error becomes an object. */
static beamr_status new_object(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)err;
    results[0] = beamr_i32(132);
    return BEAMR_OK;
}

static blob compress(guest *g, blob data)
{
    beamr_arg args[] = {{.kind = BEAMR_ARG_BYTES, .text = {data.data, data.len}},
                        {.kind = BEAMR_ARG_INTEGER}};

    return guest_call_bytes(g, "compress", args, 2);
}

static blob decompress(guest *g, blob data)
{
    beamr_arg arg = {.kind = BEAMR_ARG_BYTES, .text = {data.data, data.len}};

    return guest_call_bytes(g, "decompress", &arg, 1);
}

/* What is not compressed is an error, which the module makes for JavaScript. */
static void check_refusal(guest *g)
{
    beamr_arg arg = {.kind = BEAMR_ARG_BYTES, .text = beamr_bytes_of("no such thing")};
    beamr_args_options options = {.reading = BEAMR_READ_BYTES};
    beamr_args_call *call;
    beamr_error err = {0};
    beamr_status st =
        beamr_args_begin(g->instance, beamr_instance_find_func(g->instance, "decompress"), &arg,
                         1, &options, &call, &err);

    CHECK(st == BEAMR_NOT_FOUND, "%s: %s", beamr_status_text(st), err.text);
}

void test_brotli(const test_folders *folders)
{
#define BINDGEN "__wbindgen_placeholder__"
    static const guest_import imports[] = {
        {BINDGEN, "__wbindgen_is_undefined", is_undefined},
        {BINDGEN, "__wbindgen_object_drop_ref", host_nothing},
        {BINDGEN, "__wbindgen_string_new", new_object},
        {BINDGEN, "__wbindgen_error_new", new_object},
        {NULL, NULL, NULL}};
    blob text = blob_read(folders->work, "text"), theirs = blob_read(folders->work, "text.br");
    blob ours, back;
    guest g;

    guest_open(&g, blob_read(folders->package, "pkg.node/brotli_wasm_bg.wasm"), imports, NULL);
    back = decompress(&g, theirs);
    CHECK(back.len == text.len && memcmp(back.data, text.data, text.len) == 0,
          "what the host's Brotli compressed");
    free(back.data);
    ours = compress(&g, text);
    CHECK(ours.len < text.len / 2, "%zu bytes of %zu", ours.len, text.len);
    blob_write(folders->work, "out.br", ours.data, ours.len); /* peer.mjs decompresses it */
    back = decompress(&g, ours);
    CHECK(back.len == text.len && memcmp(back.data, text.data, text.len) == 0, "its own");
    free(back.data);
    check_refusal(&g);
    free(ours.data);
    free(theirs.data);
    free(text.data);
    guest_close(&g);
}
