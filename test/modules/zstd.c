/* Package @bokuweb/zstd-wasm: Zstandard's C library, compiled by Emscripten with short names.
 * The module must decompress a frame that the zstd command made (version 1.5.4, `-19 --check`,
 * so that the frame ends in an XXH64 of its text), and refuse it with a bit changed. What it
 * compresses itself, run.sh decompresses with the zstd command where there is one. */
#include "guest.h"

#include <stdio.h>
#include <stdlib.h>

/* The exports' short names, from the package's zstd.js. */
#define CONSTRUCTORS "g"
#define IS_ERROR "h"
#define COMPRESS_BOUND "i"
#define COMPRESS "m"
#define DECOMPRESS "r"
#define MALLOC "s"
#define FREE "t"

static const char frame_hex[] =
    "28b52ffd046835090016542e14a019daed3f5242fe5f4ef6e6ca9d127dd5b08a07300024002500a3"
    "64dd0d6f94d35df751cc46b751de1a5b8d92d4a251ca278f52c10011581c12a44460081080498240"
    "4c12830241411ab6b5fcdab335b5b5f22563ab5455df4a75dd9aeab6a3cc74dab6d3518a99d31ca5"
    "8ebec464b33215963f4676abea97dd991abbeaf1283de5208db34ce8a22c26fa3e84bd9beff3f516"
    "a3cce4106569689416e61c0e65e1a18b694cdfdd0e7dbfdf73e79b6fb6dff6b39ab9b9d2168086a8"
    "11c0c5ac69ff0cc0a3e65050202ef3e24b33a4df6eb87b11a80970312190496069057b1741992016"
    "9318fc049656b0771194096231099015605505771703991cdc2db67df644b8788d93be28d85497d2"
    "5684a4baa4fb92b012545df4302e825277e46cfceeb52a184f7033";

/* The text in the frame: "1 times 2 is 2, and 1 squared is 1.\n" up to 30. */
static blob frame_text(void)
{
    blob text = {calloc(1, 4096), 0};

    CHECK(text.data, "no memory");
    for (int i = 1; i <= 30; i++)
        text.len += (size_t)snprintf((char *)text.data + text.len, 4096 - text.len,
                                     "%d times %d is %d, and %d squared is %d.\n", i, i + 1,
                                     i * (i + 1), i, i * i);
    return text;
}

static blob frame_bytes(void)
{
    blob frame = {malloc(sizeof frame_hex / 2), sizeof frame_hex / 2};
    unsigned byte;

    for (size_t i = 0; frame.data && i < frame.len; i++) {
        sscanf(frame_hex + 2 * i, "%2x", &byte);
        frame.data[i] = (uint8_t)byte;
    }
    return frame;
}

/* Run COMPRESS or DECOMPRESS.
 *   out  its `data` is new and to be freed, or NULL when the module reports an error */
static blob transform(guest *g, const char *name, blob in, size_t room, int64_t level)
{
    int64_t src = CALL(g, MALLOC, (int64_t)in.len), dst = CALL(g, MALLOC, (int64_t)room), n;
    blob out = {NULL, 0};

    CHECK(src && dst, "the guest's memory");
    guest_put(g, src, in.data, in.len);
    n = level ? CALL(g, name, dst, (int64_t)room, src, (int64_t)in.len, level)
              : CALL(g, name, dst, (int64_t)room, src, (int64_t)in.len);
    if (!CALL(g, IS_ERROR, n)) {
        out.len = (size_t)n;
        out.data = malloc(out.len + 1);
        CHECK(out.data, "no memory");
        guest_get(g, dst, out.data, out.len);
    }
    CALL(g, FREE, src);
    CALL(g, FREE, dst);
    return out;
}

static void check_frame(guest *g)
{
    blob text = frame_text(), frame = frame_bytes(), out;

    out = transform(g, DECOMPRESS, frame, 4096, 0);
    CHECK(out.data && out.len == text.len && memcmp(out.data, text.data, text.len) == 0,
          "%zu bytes of %zu", out.len, text.len);
    free(out.data);
    frame.data[frame.len / 2] ^= 4;
    out = transform(g, DECOMPRESS, frame, 4096, 0);
    CHECK(!out.data, "a damaged frame is refused");
    free(frame.data);
    free(text.data);
}

/* Compress a file of the repository, several times with itself, at a fast and a slow level. */
static void check_levels(guest *g, const test_folders *folders)
{
    blob text = blob_read(folders->work, "text"), packed, back;

    for (int level = 1; level <= 13; level += 6) {
        packed = transform(g, COMPRESS, text,
                           (size_t)CALL(g, COMPRESS_BOUND, (int64_t)text.len), level);
        CHECK(packed.data && packed.len < text.len / 2, "level %d: %zu bytes of %zu", level,
              packed.len, text.len);
        back = transform(g, DECOMPRESS, packed, text.len, 0);
        CHECK(back.len == text.len && memcmp(back.data, text.data, text.len) == 0, "level %d",
              level);
        blob_write(folders->work, "out.zst", packed.data, packed.len);
        free(packed.data);
        free(back.data);
    }
    free(text.data);
}

void test_zstd(const test_folders *folders)
{
    static const guest_import imports[] = {{"a", "e", host_resize_heap}, {NULL, NULL, NULL}};
    guest g;

    guest_open(&g, blob_read(folders->package, "dist/common/zstd.wasm"), imports, NULL);
    CALL(&g, CONSTRUCTORS);
    check_frame(&g);
    check_levels(&g, folders);
    guest_close(&g);
}
