/* Package @jsquash/png: a codec for images in Rust, by wasm-bindgen.
 * peer.mjs makes an image with every filter type, with the host's own zlib, which the module
 * must decode, and decodes what the module encoded. */
#include "guest.h"

#include <stdlib.h>

enum { WIDTH = 200, HEIGHT = 150, SIZE = WIDTH * HEIGHT * 4 };

/* An image came in: keep its pixels. It is the guest's memory, ours to free. */
static beamr_status new_image(const beamr_call *call, const beamr_value *args,
                              beamr_value *results, beamr_error *err)
{
    guest *g = call->user;
    uint8_t *pixels = g->user;

    (void)err;
    CHECK(args[1].of.i32 == SIZE && args[2].of.i32 == WIDTH && args[3].of.i32 == HEIGHT,
          "%d bytes, %d x %d", args[1].of.i32, args[2].of.i32, args[3].of.i32);
    guest_get(g, (uint32_t)args[0].of.i32, pixels, SIZE);
    CALL(g, "__wbindgen_free", args[0].of.i32, SIZE, 1);
    results[0] = beamr_i32(132); /* the first object */
    return BEAMR_OK;
}

static void decode(guest *g, blob png)
{
    int64_t at = CALL(g, "__wbindgen_malloc", (int64_t)png.len, 1);

    guest_put(g, at, png.data, png.len);
    memset(g->user, 0, SIZE);
    CHECK(CALL(g, "decode", at, (int64_t)png.len) == 132, "the image is an object");
}

static blob encode(guest *g, blob pixels)
{
    beamr_arg args[] = {{.kind = BEAMR_ARG_BYTES, .text = {pixels.data, SIZE}},
                        {.kind = BEAMR_ARG_INTEGER, .magnitude = WIDTH},
                        {.kind = BEAMR_ARG_INTEGER, .magnitude = HEIGHT},
                        {.kind = BEAMR_ARG_INTEGER, .magnitude = 8}};

    return guest_call_bytes(g, "encode", args, 4);
}

void test_png(const test_folders *folders)
{
    static const guest_import imports[] = {
        {"wbg", "__wbg_newwithownedu8clampedarrayandsh_91db5987993a08fb", new_image},
        {NULL, NULL, NULL}};
    blob theirs = blob_read(folders->work, "image.png");
    blob pixels = blob_read(folders->work, "image.rgba"), ours;
    uint8_t *decoded = malloc(SIZE);
    guest g;

    CHECK(decoded && pixels.len == SIZE, "%zu bytes of pixels", pixels.len);
    guest_open(&g, blob_read(folders->package, "codec/pkg/squoosh_png_bg.wasm"), imports,
               decoded);
    decode(&g, theirs);
    CHECK(memcmp(decoded, pixels.data, SIZE) == 0, "the pixels of the image from outside");
    ours = encode(&g, pixels);
    blob_write(folders->work, "out.png", ours.data, ours.len); /* peer.mjs decodes it */
    decode(&g, ours);
    CHECK(memcmp(decoded, pixels.data, SIZE) == 0, "the pixels of its own image");
    guest_close(&g);
    free(ours.data);
    free(decoded);
    free(pixels.data);
    free(theirs.data);
}
