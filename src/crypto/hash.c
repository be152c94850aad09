/* Hashes by OpenSSL's libcrypto.
 * A method that is looked up for every hash costs more than the hash of a short text, so each
 * is looked up once, and so does a context that is made for it: each thread keeps one of each
 * kind. SHA-256 needs neither: sha256.c computes it. */
#include "crypto/hash.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>

#include "crypto/sha256.h"

#define KIND_FIRST CRYPTO_SHA384
#define KIND_COUNT 3

static const struct {
    const char *name;
    const EVP_MD *(*plain)(void);
} kinds[KIND_COUNT] = {
    [CRYPTO_SHA384] = {"SHA2-384", EVP_sha384},
    [CRYPTO_SHA512] = {"SHA2-512", EVP_sha512},
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const EVP_MD *methods[KIND_COUNT];
static pthread_key_t kept[KIND_COUNT]; /* a thread's context that is not in use */
static bool can_keep[KIND_COUNT];

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

/* A library that is unloaded takes free_context away, while threads that used it may go on.
 * What they kept is lost. */
static void __attribute__((destructor)) forget_keys(void)
{
    for (size_t i = KIND_FIRST; i < KIND_COUNT; i++)
        if (can_keep[i])
            (void)pthread_key_delete(kept[i]);
}

static void begin(void)
{
    for (size_t i = KIND_FIRST; i < KIND_COUNT; i++) {
        methods[i] = EVP_MD_fetch(NULL, kinds[i].name, NULL);
        if (!methods[i])
            methods[i] = kinds[i].plain(); /* looked up at each use: slower, but it works */
        can_keep[i] = pthread_key_create(&kept[i], free_context) == 0;
    }
}

/* OpenSSL's method of a hash, looked up once and kept as long as the process lives. */
static const EVP_MD *hash_method(crypto_hash_kind kind)
{
    (void)pthread_once(&once, begin);
    return methods[kind];
}

/* A context for hashes of a kind, to be given back.  NULL: no memory. */
static EVP_MD_CTX *take_context(crypto_hash_kind kind)
{
    EVP_MD_CTX *c = NULL;

    (void)pthread_once(&once, begin);
    if (can_keep[kind])
        c = pthread_getspecific(kept[kind]);
    if (!c)
        return EVP_MD_CTX_new();
    (void)pthread_setspecific(kept[kind], NULL);
    return c;
}

static void give_context(crypto_hash_kind kind, EVP_MD_CTX *c)
{
    if (!c || !can_keep[kind] || pthread_setspecific(kept[kind], c) != 0)
        EVP_MD_CTX_free(c);
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
    EVP_MD_CTX *c;
    bool is_done;

    if (kind == CRYPTO_SHA256)
        return crypto_sha256_pieces(pieces, count, out, err);
    c = take_context(kind);
    is_done = c && hash_all(c, kind, pieces, count, out);
    give_context(kind, c);
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
    EVP_MD_CTX *c = take_context(CRYPTO_SHA384);
    beamr_status st;

    if (!c)
        return fail_memory(err);
    st = deep_hash(c, tree, 0, out, err);
    give_context(CRYPTO_SHA384, c);
    return st;
}
