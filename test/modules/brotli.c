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

/* Read what a call left at `ret`: address, length, error, whether there is one. */
static blob take_result(guest *g, int64_t ret, const char *what)
{
    uint32_t at = guest_get_u32(g, ret), len = guest_get_u32(g, ret + 4);
    blob out = {malloc((size_t)len + 1), len};

    CHECK(guest_get_u32(g, ret + 12) == 0, "%s fails", what);
    CHECK(out.data, "no memory");
    guest_get(g, at, out.data, len);
    CALL(g, "__wbindgen_free", at, len);
    CALL(g, "__wbindgen_add_to_stack_pointer", 16);
    return out;
}

static blob compress(guest *g, blob data)
{
    int64_t ret = CALL(g, "__wbindgen_add_to_stack_pointer", -16);
    int64_t at = CALL(g, "__wbindgen_malloc", (int64_t)data.len);

    guest_put(g, at, data.data, data.len);
    CALL(g, "compress", ret, at, (int64_t)data.len, 0);
    return take_result(g, ret, "compress");
}

static blob decompress(guest *g, blob data)
{
    int64_t ret = CALL(g, "__wbindgen_add_to_stack_pointer", -16);
    int64_t at = CALL(g, "__wbindgen_malloc", (int64_t)data.len);

    guest_put(g, at, data.data, data.len);
    CALL(g, "decompress", ret, at, (int64_t)data.len);
    return take_result(g, ret, "decompress");
}

void test_brotli(const test_folders *folders)
{
#define BINDGEN "__wbindgen_placeholder__"
    static const guest_import imports[] = {
        {BINDGEN, "__wbindgen_is_undefined", is_undefined},
        {BINDGEN, "__wbindgen_object_drop_ref", host_nothing},
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
    free(ours.data);
    free(theirs.data);
    free(text.data);
    guest_close(&g);
}
