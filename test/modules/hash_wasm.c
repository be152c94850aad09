/* Package hash-wasm: a module for each hash, in base64 inside a file of JavaScript.
 * Compared with OpenSSL and the C library of xxHash over lengths around the block sizes, and
 * with published vectors where neither has the hash: BLAKE3      its test vectors (input byte i
 * is i % 251) Keccak-256  the hash of nothing, as Ethereum's yellow paper has it MD4 RFC 1320,
 * "Test suite" Whirlpool   ISO/IEC 10118-3, test vectors CRC-32      the check value of
 * "123456789" Adler-32    of "Wikipedia", the worked example of the article there bcrypt the
 * vectors of OpenBSD's implementation */
#include "guest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <xxhash.h>
#pragma GCC diagnostic pop

enum { PIECE = 16384 }; /* what the modules' buffers hold */

/* A hash: the file it is in, and what its Hash_Init and Hash_Final are given. */
typedef struct hash {
    const char *file; /* in dist/, without ".umd.min.js" */
    int64_t init;
    int64_t final;
    size_t size; /* of the digest, bytes */
} hash;

static void open_hash(guest *g, const test_folders *folders, const char *file)
{
    char path[64];

    snprintf(path, sizeof path, "dist/%s.umd.min.js", file);
    guest_open(g, blob_read_embedded(folders->package, path), NULL, NULL);
}

/* Call an export that takes one argument or none. */
static void call_with(guest *g, const char *name, int64_t arg)
{
    beamr_functype type = beamr_func_type(beamr_instance_find_func(g->instance, name));

    if (type.param_count == 1)
        CALL(g, name, arg);
    else
        CALL(g, name);
}

static void digest_of(guest *g, const hash *h, const void *data, size_t len, uint8_t *out)
{
    int64_t buffer = CALL(g, "Hash_GetBuffer");

    call_with(g, "Hash_Init", h->init);
    for (size_t at = 0; at < len; at += PIECE) {
        size_t left = len - at, n = left < PIECE ? left : PIECE;

        guest_put(g, buffer, (const uint8_t *)data + at, n);
        CALL(g, "Hash_Update", (int64_t)n);
    }
    call_with(g, "Hash_Final", h->final);
    guest_get(g, buffer, out, h->size);
}

/* ---- Against OpenSSL ---- */

static const struct {
    hash hash;
    const char *name; /* OpenSSL's */
} known[] = {
    {{"md5", 0, 0, 16}, "MD5"},
    {{"sha1", 0, 0, 20}, "SHA1"},
    {{"sha224", 224, 0, 28}, "SHA224"},
    {{"sha256", 256, 0, 32}, "SHA256"},
    {{"sha384", 384, 0, 48}, "SHA384"},
    {{"sha512", 512, 0, 64}, "SHA512"},
    {{"sha3", 224, 6, 28}, "SHA3-224"},
    {{"sha3", 256, 6, 32}, "SHA3-256"},
    {{"sha3", 512, 6, 64}, "SHA3-512"},
    {{"blake2b", 512, 0, 64}, "BLAKE2B-512"},
    {{"blake2s", 256, 0, 32}, "BLAKE2S-256"},
    {{"ripemd160", 0, 0, 20}, "RIPEMD160"},
    {{"sm3", 0, 0, 32}, "SM3"},
};

/* Returns false when this OpenSSL does not have the hash. */
static bool openssl_digest(const char *name, const void *data, size_t len, uint8_t *out)
{
    EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);
    bool ok = md && EVP_Digest(data, len, out, NULL, md, NULL) == 1;

    EVP_MD_free(md);
    return ok;
}

static void compare_with_openssl(const test_folders *folders, blob data, size_t i)
{
    static const size_t lengths[] = {0,   1,   55,  56,  63,  64,  65,  111,   112,   127,  128,
                                     129, 135, 136, 137, 143, 144, 999, 16384, 16385, 20001};
    const hash *h = &known[i].hash;
    uint8_t theirs[EVP_MAX_MD_SIZE], ours[EVP_MAX_MD_SIZE];
    guest g;

    open_hash(&g, folders, h->file);
    for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++) {
        if (!openssl_digest(known[i].name, data.data, lengths[n], theirs)) {
            printf("note: hash_wasm: OpenSSL has no %s\n", known[i].name);
            break;
        }
        digest_of(&g, h, data.data, lengths[n], ours);
        CHECK(memcmp(ours, theirs, h->size) == 0, "%s of %zu bytes", known[i].name, lengths[n]);
    }
    guest_close(&g);
}

/* ---- Against xxHash ---- */

static void compare_with_xxh3(const test_folders *folders, blob data)
{
    static const hash xxh3 = {"xxhash3", 0, 0, 8}, xxh128 = {"xxhash128", 0, 0, 16};
    XXH64_canonical_t canonical;
    XXH128_canonical_t canonical128;
    uint8_t digest[16];
    guest g, g128;

    open_hash(&g, folders, "xxhash3");
    open_hash(&g128, folders, "xxhash128");
    for (size_t len = 0; len < 20000; len = len * 3 / 2 + 1) {
        guest_put(&g, CALL(&g, "Hash_GetBuffer"), "\0\0\0\0\0\0\0\0", 8); /* the seed */
        digest_of(&g, &xxh3, data.data, len, digest);
        XXH64_canonicalFromHash(&canonical, XXH3_64bits(data.data, len));
        CHECK(memcmp(digest, &canonical, 8) == 0, "XXH3 of %zu bytes", len);
        guest_put(&g128, CALL(&g128, "Hash_GetBuffer"), "\0\0\0\0\0\0\0\0", 8);
        digest_of(&g128, &xxh128, data.data, len, digest);
        XXH128_canonicalFromHash(&canonical128, XXH3_128bits(data.data, len));
        CHECK(memcmp(digest, &canonical128, 16) == 0, "XXH128 of %zu bytes", len);
    }
    guest_close(&g128);
    guest_close(&g);
}

/* ---- Published vectors ---- */

static const struct {
    hash hash;
    const char *text; /* NULL: `len` bytes that count modulo 251 */
    size_t len;
    const char *digest;
} vectors[] = {
    {{"blake3", 0, 32, 32},
     NULL,
     0,
     "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
    {{"blake3", 0, 32, 32},
     NULL,
     1024,
     "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"},
    {{"keccak", 256, 1, 32},
     "",
     0,
     "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
    {{"md4", 0, 0, 16}, "abc", 3, "a448017aaf21d8525fc10ae87aa6729d"},
    {{"whirlpool", 0, 0, 64},
     "abc",
     3,
     "4e2448a4c6f486bb16b6562c73b4020bf3043e3a731bce721ae1b303d97e6d4c"
     "7181eebdb6c57e277d0e34957114cbd6c797fc9d95d8b582d225292076d4eef5"},
    {{"crc32", INT64_C(0xedb88320), 0, 4}, "123456789", 9, "cbf43926"},
    {{"adler32", 0, 0, 4}, "Wikipedia", 9, "11e60398"},
};

static void compare_with_vector(const test_folders *folders, size_t i)
{
    uint8_t counted[1024], digest[64];
    char hex[129];
    guest g;

    for (size_t n = 0; n < sizeof counted; n++)
        counted[n] = (uint8_t)(n % 251);
    open_hash(&g, folders, vectors[i].hash.file);
    digest_of(&g, &vectors[i].hash, vectors[i].text ? (const void *)vectors[i].text : counted,
              vectors[i].len, digest);
    for (size_t n = 0; n < vectors[i].hash.size; n++)
        snprintf(hex + 2 * n, 3, "%02x", digest[n]);
    CHECK(strcmp(hex, vectors[i].digest) == 0, "%s gives %s", vectors[i].hash.file, hex);
    guest_close(&g);
}

/* A password against a hash that is not this module's; cost 5, so 32 rounds of key setup. */
static void check_bcrypt(const test_folders *folders)
{
    static const char hash_text[] =
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    int64_t buffer;
    guest g;

    open_hash(&g, folders, "bcrypt");
    buffer = CALL(&g, "Hash_GetBuffer");
    guest_put(&g, buffer, hash_text, 60);
    guest_put(&g, buffer + 60, "U*U", 3);
    CHECK(CALL(&g, "bcrypt_verify", 3) != 0, "the right password");
    guest_put(&g, buffer, hash_text, 60);
    guest_put(&g, buffer + 60, "U*V", 3);
    CHECK(CALL(&g, "bcrypt_verify", 3) == 0, "a wrong password");
    guest_close(&g);
}

void test_hash_wasm(const test_folders *folders)
{
    blob data = blob_noise(20001, 2);

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        compare_with_openssl(folders, data, i);
    compare_with_xxh3(folders, data);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        compare_with_vector(folders, i);
    check_bcrypt(folders);
    free(data.data);
}
