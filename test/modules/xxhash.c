/* Package xxhash-wasm: XXH32 and XXH64, at once and in pieces, compared with the C library.
 * The module has no allocator: all memory is the caller's, state first, then data. A state must
 * be zero before it is initialised. */
#include "guest.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <xxhash.h>
#pragma GCC diagnostic pop

enum { STATE = 0, DATA = 1024, PIECE = 1000 };

static void compare_at_once(guest *g, blob data, size_t len, uint32_t seed)
{
    uint64_t seed64 = seed * UINT64_C(0x9e3779b97f4a7c15), hash;

    hash = (uint64_t)CALL(g, "xxh32", DATA, (int64_t)len, seed);
    CHECK(hash == XXH32(data.data, len, seed), "%zu bytes, seed %u", len, seed);
    hash = (uint64_t)CALL(g, "xxh64", DATA, (int64_t)len, (int64_t)seed64);
    CHECK(hash == XXH64(data.data, len, seed64), "%zu bytes, seed %u", len, seed);
}

static void compare_in_pieces(guest *g, blob data)
{
    static const uint8_t zero[DATA - STATE];

    guest_put(g, STATE, zero, sizeof zero);
    CALL(g, "init64", STATE, 7);
    for (size_t at = 0; at < data.len; at += PIECE) {
        size_t left = data.len - at;

        CALL(g, "update64", STATE, (int64_t)(DATA + at),
             (int64_t)(left < PIECE ? left : PIECE));
    }
    CHECK((uint64_t)CALL(g, "digest64", STATE) == XXH64(data.data, data.len, 7), "in pieces");
    guest_put(g, STATE, zero, sizeof zero);
    CALL(g, "init32", STATE, 7);
    CALL(g, "update32", STATE, DATA, (int64_t)data.len);
    CHECK((uint64_t)CALL(g, "digest32", STATE) == XXH32(data.data, data.len, 7), "in pieces");
}

void test_xxhash(const test_folders *folders)
{
    blob data = blob_noise(300007, 1);
    guest g;

    guest_open(&g, blob_read(folders->package, "workerd/xxhash.wasm"), NULL, NULL);
    guest_grow_to(&g, DATA + data.len);
    guest_put(&g, DATA, data.data, data.len);
    for (size_t len = 0; len <= 300; len++)
        compare_at_once(&g, data, len, (uint32_t)len * 77);
    compare_at_once(&g, data, data.len, 0);
    compare_in_pieces(&g, data);
    guest_close(&g);
    free(data.data);
}
