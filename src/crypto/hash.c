/* Hashes by OpenSSL's libcrypto.
 * A method that is looked up for every hash costs more than the hash of a short text, so each
 * is looked up once. HMAC is written out here for the same reason: a key that fits into a block
 * is two more blocks to hash, while OpenSSL's own takes several allocations and look-ups. */
#include "crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>

#include "crypto/internal.h"

#define KIND_COUNT 3

static const struct {
    const char *name;
    const EVP_MD *(*plain)(void);
} kinds[KIND_COUNT] = {
    [CRYPTO_SHA256] = {"SHA2-256", EVP_sha256},
    [CRYPTO_SHA384] = {"SHA2-384", EVP_sha384},
    [CRYPTO_SHA512] = {"SHA2-512", EVP_sha512},
};

static const EVP_MD *methods[KIND_COUNT];

static void find_methods(void)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        methods[i] = EVP_MD_fetch(NULL, kinds[i].name, NULL);
        if (!methods[i])
            methods[i] = kinds[i].plain(); /* looked up at each use: slower, but it works */
    }
}

const EVP_MD *hash_method(crypto_hash_kind kind)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, find_methods);
    return methods[kind];
}

static beamr_status fail_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to compute a hash");
}

static bool hash_all(EVP_MD_CTX *c, crypto_hash_kind kind, const beamr_bytes *pieces,
                     size_t count, uint8_t *out)
{
    if (!EVP_DigestInit_ex2(c, hash_method(kind), NULL))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].len && !EVP_DigestUpdate(c, pieces[i].data, pieces[i].len))
            return false;
    }
    return EVP_DigestFinal_ex(c, out, NULL);
}

beamr_status crypto_hash_pieces(crypto_hash_kind kind, const beamr_bytes *pieces, size_t count,
                                uint8_t *out, beamr_error *err)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool is_done = c && hash_all(c, kind, pieces, count, out);

    EVP_MD_CTX_free(c);
    return is_done ? BEAMR_OK : fail_memory(err);
}

/* ---- HMAC ---- */

enum { BLOCK = 64, DIGEST = 32 };

/* hash(outer block, hash(inner block, pieces)), where a block is the key and padding. */
static bool hmac(EVP_MD_CTX *c, const uint8_t key[BLOCK], const beamr_bytes *pieces,
                 size_t count, uint8_t out[DIGEST])
{
    uint8_t inner[BLOCK], outer[BLOCK], digest[DIGEST];
    const beamr_bytes last[] = {{outer, BLOCK}, {digest, DIGEST}};
    bool is_done;

    for (size_t i = 0; i < BLOCK; i++) {
        inner[i] = key[i] ^ 0x36;
        outer[i] = key[i] ^ 0x5c;
    }
    is_done = EVP_DigestInit_ex2(c, hash_method(CRYPTO_SHA256), NULL) &&
              EVP_DigestUpdate(c, inner, BLOCK);
    for (size_t i = 0; i < count && is_done; i++)
        is_done = !pieces[i].len || EVP_DigestUpdate(c, pieces[i].data, pieces[i].len);
    is_done = is_done && EVP_DigestFinal_ex(c, digest, NULL) &&
              hash_all(c, CRYPTO_SHA256, last, 2, out);
    OPENSSL_cleanse(inner, sizeof inner);
    OPENSSL_cleanse(outer, sizeof outer);
    return is_done;
}

beamr_status crypto_hmac_sha256(beamr_bytes key, const beamr_bytes *pieces, size_t count,
                                uint8_t out[32], beamr_error *err)
{
    uint8_t block[BLOCK] = {0};
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool is_done = c;

    if (is_done && key.len > BLOCK)
        is_done = hash_all(c, CRYPTO_SHA256, &key, 1, block);
    else if (key.len)
        memcpy(block, key.data, key.len <= BLOCK ? key.len : 0);
    is_done = is_done && hmac(c, block, pieces, count, out);
    OPENSSL_cleanse(block, sizeof block);
    EVP_MD_CTX_free(c);
    return is_done ? BEAMR_OK : fail_memory(err);
}

/* ---- Deep hash ---- */

/* The hash of "blob" or "list" and a number, in decimal. */
static bool hash_tag(EVP_MD_CTX *c, const char *what, size_t number, uint8_t *out)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%s%zu", what, number);
    beamr_bytes piece = {(const uint8_t *)text, (size_t)len};

    return hash_all(c, CRYPTO_SHA384, &piece, 1, out);
}

static bool hash_pair(EVP_MD_CTX *c, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    const beamr_bytes pair[] = {{a, CRYPTO_SHA384_SIZE}, {b, CRYPTO_SHA384_SIZE}};

    return hash_all(c, CRYPTO_SHA384, pair, 2, out);
}

static bool hash_blob(EVP_MD_CTX *c, beamr_bytes bytes, uint8_t *out)
{
    uint8_t tag[CRYPTO_SHA384_SIZE], content[CRYPTO_SHA384_SIZE];

    return hash_tag(c, "blob", bytes.len, tag) &&
           hash_all(c, CRYPTO_SHA384, &bytes, 1, content) && hash_pair(c, tag, content, out);
}

/* Goes as deep as the lists do, which is limited. */
static beamr_status deep_hash(EVP_MD_CTX *c, const crypto_tree *tree, unsigned depth,
                              uint8_t *out, beamr_error *err)
{
    uint8_t sum[CRYPTO_SHA384_SIZE], item[CRYPTO_SHA384_SIZE];

    if (!tree->is_list)
        return hash_blob(c, tree->bytes, out) ? BEAMR_OK : fail_memory(err);
    if (depth == CRYPTO_TREE_DEPTH_MAX)
        return beamr_fail(err, BEAMR_LIMIT, 0, "deep hash of more than %d lists in each other",
                          CRYPTO_TREE_DEPTH_MAX);
    if (!hash_tag(c, "list", tree->count, sum))
        return fail_memory(err);
    for (size_t i = 0; i < tree->count; i++) {
        beamr_status st = deep_hash(c, &tree->items[i], depth + 1, item, err);

        if (st != BEAMR_OK)
            return st;
        if (!hash_pair(c, sum, item, sum))
            return fail_memory(err);
    }
    memcpy(out, sum, sizeof sum);
    return BEAMR_OK;
}

beamr_status crypto_deep_hash(const crypto_tree *tree, uint8_t out[CRYPTO_SHA384_SIZE],
                              beamr_error *err)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    beamr_status st;

    if (!c)
        return fail_memory(err);
    st = deep_hash(c, tree, 0, out, err);
    EVP_MD_CTX_free(c);
    return st;
}
