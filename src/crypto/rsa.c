/* RSA by OpenSSL's libcrypto.
 * What is private lies in OpenSSL's big numbers, which it overwrites when they go, and for
 * short times in blocks of our own, which we overwrite. OpenSSL reports failures in a queue of
 * the thread that belongs to the whole program; every call here leaves it as it was. */
#include "crypto/rsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdatomic.h>
#include <stdlib.h>

struct crypto_rsa {
    atomic_size_t count;
    EVP_PKEY *key;
    size_t size; /* bytes of the modulus */
    bool is_private;
};

enum { MODULUS_MIN = 256, MODULUS_MAX = 1024 };

/* ---- Failures ---- */

/* Empty OpenSSL's queue, and make sure that it has one: without it, no failure could be told
 * from another. false: memory is gone. */
static bool queue_open(void)
{
    bool is_there;

    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
    is_there = ERR_peek_error() != 0;
    ERR_clear_error();
    return is_there;
}

/* What the queue says of a failure. */
typedef struct reason {
    const char *text; /* of the oldest entry, a static string; NULL: none says why */
    bool is_rsa;      /* that entry comes from the arithmetic, not from what surrounds it */
    bool is_memory;
} reason;

/* Take it out of the queue. An entry that OpenSSL calls fatal says that resources are gone; so
 * does a failure without any, since not all allocations that fail are reported. */
static reason queue_take(void)
{
    reason r = {NULL, false, false};
    unsigned long code;

    while ((code = ERR_get_error()) != 0) {
        if (!r.text) {
            r.text = ERR_reason_error_string(code);
            r.is_rsa = ERR_GET_LIB(code) == ERR_LIB_RSA;
        }
        r.is_memory = r.is_memory || ERR_FATAL_ERROR(code);
    }
    r.is_memory = r.is_memory || !r.text;
    return r;
}

/* Say why OpenSSL failed.
 *   st  unless memory is gone */
static beamr_status fail(beamr_error *err, beamr_status st, const char *what)
{
    reason r = queue_take();

    if (r.is_memory)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory: %s", what);
    return beamr_fail(err, st, 0, "%s: %s", what, r.text);
}

static beamr_status fail_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an RSA key");
}

/* ---- Keys ---- */

/* Take over OpenSSL's key in any case. */
static beamr_status key_wrap(BEAMR_OWN EVP_PKEY *pkey, bool is_private,
                             BEAMR_OWN crypto_rsa **out, beamr_error *err)
{
    crypto_rsa *key = malloc(sizeof *key);

    if (!key) {
        EVP_PKEY_free(pkey);
        return fail_memory(err);
    }
    atomic_init(&key->count, 1);
    key->key = pkey;
    key->size = (size_t)EVP_PKEY_get_size(pkey);
    key->is_private = is_private;
    *out = key;
    return BEAMR_OK;
}

crypto_rsa *crypto_rsa_ref(const crypto_rsa *key)
{
    crypto_rsa *k = (crypto_rsa *)key; /* the count alone changes */

    atomic_fetch_add_explicit(&k->count, 1, memory_order_relaxed);
    return k;
}

void crypto_rsa_unref(const crypto_rsa *key)
{
    crypto_rsa *k = (crypto_rsa *)key;

    if (!k || atomic_fetch_sub_explicit(&k->count, 1, memory_order_acq_rel) != 1)
        return;
    EVP_PKEY_free(k->key);
    free(k);
}

size_t crypto_rsa_size(const crypto_rsa *key)
{
    return key->size;
}

beamr_status crypto_rsa_new(unsigned bits, BEAMR_OWN crypto_rsa **out, beamr_error *err)
{
    EVP_PKEY *pkey;
    beamr_status st;

    if (!queue_open())
        return fail_memory(err);
    pkey = EVP_RSA_gen(bits);
    st = pkey ? key_wrap(pkey, true, out, err) : fail(err, BEAMR_IO, "making an RSA key");
    return st;
}

/* ---- Keys from numbers ---- */

enum { N, E, D, P, Q, DP, DQ, QI, PART_COUNT };

static const struct {
    const char *name; /* in a JWK, and in our texts */
    const char *param;
    size_t offset;
} part_rows[PART_COUNT] = {
    [N] = {"n", OSSL_PKEY_PARAM_RSA_N, offsetof(crypto_rsa_parts, n)},
    [E] = {"e", OSSL_PKEY_PARAM_RSA_E, offsetof(crypto_rsa_parts, e)},
    [D] = {"d", OSSL_PKEY_PARAM_RSA_D, offsetof(crypto_rsa_parts, d)},
    [P] = {"p", OSSL_PKEY_PARAM_RSA_FACTOR1, offsetof(crypto_rsa_parts, p)},
    [Q] = {"q", OSSL_PKEY_PARAM_RSA_FACTOR2, offsetof(crypto_rsa_parts, q)},
    [DP] = {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1, offsetof(crypto_rsa_parts, dp)},
    [DQ] = {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2, offsetof(crypto_rsa_parts, dq)},
    [QI] = {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1, offsetof(crypto_rsa_parts, qi)},
};

static beamr_bytes *part_at(const crypto_rsa_parts *parts, size_t i)
{
    return (beamr_bytes *)((const char *)parts + part_rows[i].offset);
}

static size_t parts_size(const crypto_rsa_parts *parts)
{
    size_t size = 0;

    for (size_t i = 0; i < PART_COUNT; i++)
        size += part_at(parts, i)->len;
    return size;
}

/* The numbers while they are compared. */
typedef struct numbers {
    BIGNUM *part[PART_COUNT];
    BIGNUM *p1, *q1, *product;
    BN_CTX *scratch;
} numbers;

static void numbers_clear(numbers *n)
{
    for (size_t i = 0; i < PART_COUNT; i++)
        BN_clear_free(n->part[i]);
    BN_clear_free(n->p1);
    BN_clear_free(n->q1);
    BN_clear_free(n->product);
    BN_CTX_free(n->scratch);
}

static bool numbers_load(numbers *n, const crypto_rsa_parts *parts)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        beamr_bytes bytes = *part_at(parts, i);

        n->part[i] = BN_bin2bn(bytes.data, (int)bytes.len, NULL);
        if (!n->part[i])
            return false;
    }
    n->p1 = BN_dup(n->part[P]);
    n->q1 = BN_dup(n->part[Q]);
    n->product = BN_new();
    n->scratch = BN_CTX_secure_new();
    return n->p1 && n->q1 && n->product && n->scratch && BN_sub_word(n->p1, 1) &&
           BN_sub_word(n->q1, 1);
}

/* a * b is 1 modulo m. */
static bool is_inverse(numbers *n, const BIGNUM *a, const BIGNUM *b, const BIGNUM *m)
{
    return BN_mod_mul(n->product, a, b, m, n->scratch) && BN_is_one(n->product);
}

static bool is_remainder(numbers *n, const BIGNUM *r, const BIGNUM *a, const BIGNUM *m)
{
    return BN_nnmod(n->product, a, m, n->scratch) && BN_cmp(n->product, r) == 0;
}

/* What does not fit, as text; NULL when all does. */
static const char *numbers_fault(numbers *n)
{
    BIGNUM *const *x = n->part;

    if (BN_is_zero(n->p1) || BN_is_zero(n->q1) || BN_is_negative(n->p1) ||
        BN_is_negative(n->q1))
        return "p or q is no prime";
    if (!BN_mul(n->product, x[P], x[Q], n->scratch) || BN_cmp(n->product, x[N]) != 0)
        return "p times q is not n";
    if (BN_cmp(x[D], x[N]) >= 0)
        return "d is not less than n";
    if (!is_inverse(n, x[E], x[D], n->p1) || !is_inverse(n, x[E], x[D], n->q1))
        return "d is not the inverse of e";
    if (!is_remainder(n, x[DP], x[D], n->p1))
        return "dp is not d modulo p - 1";
    if (!is_remainder(n, x[DQ], x[D], n->q1))
        return "dq is not d modulo q - 1";
    if (BN_cmp(x[QI], x[P]) >= 0 || !is_inverse(n, x[QI], x[Q], x[P]))
        return "qi is not the inverse of q modulo p";
    return NULL;
}

/* The numbers of a private key fit each other, so far as arithmetic tells; that p and q are
 * primes is for the trial in key_try. */
static beamr_status check_private(const crypto_rsa_parts *parts, beamr_error *err)
{
    numbers n = {.scratch = NULL};
    beamr_status st = BEAMR_OK;
    const char *fault;

    if (!numbers_load(&n, parts))
        st = fail_memory(err);
    else if ((fault = numbers_fault(&n)) != NULL)
        st = ERR_peek_error() ? fail_memory(err)
                              : beamr_fail(err, BEAMR_ARGUMENT, 0, "RSA key: %s", fault);
    numbers_clear(&n);
    return st;
}

static beamr_status check_sizes(const crypto_rsa_parts *parts, beamr_error *err)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        beamr_bytes part = *part_at(parts, i);

        if (part.len > MODULUS_MAX)
            return beamr_fail(err, BEAMR_ARGUMENT, 0,
                              "RSA key: %s has %zu bytes; at most %d are supported",
                              part_rows[i].name, part.len, MODULUS_MAX);
        if (part.len == 0 && (i <= E || parts->d.len))
            return beamr_fail(err, BEAMR_ARGUMENT, 0, "RSA key: %s is missing",
                              part_rows[i].name);
    }
    if (parts->n.len < MODULUS_MIN || parts->n.data[0] == 0)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "RSA key: n has %zu bytes; at least %d are needed, the first not 0",
                          parts->n.len, MODULUS_MIN);
    if (!(parts->n.data[parts->n.len - 1] & 1))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "RSA key: n is even");
    return BEAMR_OK;
}

/* Copy a number the way OpenSSL's parameters want it: in the order of the host's bytes. */
static void copy_native(uint8_t *out, beamr_bytes number)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (size_t i = 0; i < number.len; i++)
        out[i] = number.data[number.len - 1 - i];
#else
    memcpy(out, number.data, number.len);
#endif
}

/* Let OpenSSL make the key. The numbers are copied into `block`, as long as all of them. */
static EVP_PKEY *pkey_make(const crypto_rsa_parts *parts, uint8_t *block)
{
    OSSL_PARAM params[PART_COUNT + 1];
    size_t count = parts->d.len ? PART_COUNT : E + 1;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;

    for (size_t i = 0; i < count; i++) {
        beamr_bytes part = *part_at(parts, i);

        copy_native(block, part);
        params[i] = OSSL_PARAM_construct_BN(part_rows[i].param, block, part.len);
        block += part.len;
    }
    params[count] = OSSL_PARAM_construct_end();
    if (!c || EVP_PKEY_fromdata_init(c) <= 0 ||
        EVP_PKEY_fromdata(c, &pkey, parts->d.len ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                          params) <= 0)
        pkey = NULL;
    EVP_PKEY_CTX_free(c);
    return pkey;
}

static beamr_status key_make(const crypto_rsa_parts *parts, BEAMR_OWN crypto_rsa **out,
                             beamr_error *err)
{
    size_t size = parts_size(parts);
    uint8_t *block;
    EVP_PKEY *pkey;

    if (!(block = malloc(size)))
        return fail_memory(err);
    pkey = pkey_make(parts, block);
    OPENSSL_cleanse(block, size);
    free(block);
    if (!pkey)
        return fail_memory(err); /* the numbers were checked */
    return key_wrap(pkey, parts->d.len != 0, out, err);
}

/* A private key undoes what its public part does. */
static beamr_status key_try(const crypto_rsa *key, beamr_error *err)
{
    beamr_bytes text = beamr_bytes_of("a trial");
    uint8_t signature[MODULUS_MAX];
    bool is_valid = false;
    beamr_status st;

    st = crypto_rsa_sign(key, CRYPTO_SHA256, 32, text, signature, err);
    if (st == BEAMR_OK)
        st = crypto_rsa_verify(key, CRYPTO_SHA256, text, (beamr_bytes){signature, key->size},
                               &is_valid, err);
    if (st == BEAMR_OK && !is_valid)
        st = beamr_fail(err, BEAMR_ARGUMENT, 0, "RSA key: p or q is no prime");
    return st;
}

beamr_status crypto_rsa_from_parts(const crypto_rsa_parts *parts, BEAMR_OWN crypto_rsa **out,
                                   beamr_error *err)
{
    crypto_rsa *key = NULL;
    beamr_status st;

    if (!queue_open())
        return fail_memory(err);
    if ((st = check_sizes(parts, err)) != BEAMR_OK)
        goto out;
    if (parts->d.len && (st = check_private(parts, err)) != BEAMR_OK)
        goto out;
    if ((st = key_make(parts, &key, err)) != BEAMR_OK)
        goto out;
    if (parts->d.len && (st = key_try(key, err)) != BEAMR_OK)
        goto out;
    *out = key;
    key = NULL;
out:
    crypto_rsa_unref(key);
    return st;
}

beamr_status crypto_rsa_public(beamr_bytes modulus, BEAMR_OWN crypto_rsa **out,
                               beamr_error *err)
{
    static const uint8_t exponent[] = {1, 0, 1};
    crypto_rsa_parts parts = {.n = modulus, .e = {exponent, sizeof exponent}};

    return crypto_rsa_from_parts(&parts, out, err);
}

/* ---- The numbers of a key ---- */

static bool numbers_of(const crypto_rsa *key, numbers *n)
{
    for (size_t i = 0; i < (key->is_private ? PART_COUNT : E + 1); i++) {
        if (!EVP_PKEY_get_bn_param(key->key, part_rows[i].param, &n->part[i]))
            return false;
    }
    return true;
}

beamr_status crypto_rsa_parts_of(const crypto_rsa *key, BEAMR_OWN crypto_rsa_parts *parts,
                                 beamr_error *err)
{
    crypto_rsa_parts made = {{0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}};
    numbers n = {.scratch = NULL};
    uint8_t *block = NULL, *next;

    if (queue_open() && numbers_of(key, &n)) {
        for (size_t i = 0; i < PART_COUNT && n.part[i]; i++)
            part_at(&made, i)->len = (size_t)BN_num_bytes(n.part[i]);
        block = malloc(parts_size(&made));
    }
    for (size_t i = 0; i < PART_COUNT && n.part[i] && block; i++) {
        next = i ? next + part_at(&made, i - 1)->len : block;
        part_at(&made, i)->data = next;
        (void)BN_bn2bin(n.part[i], next);
    }
    numbers_clear(&n);
    if (!block)
        return fail_memory(err);
    /* With little memory OpenSSL can give less than it has, and call it a success. */
    if (key->is_private && check_private(&made, NULL) != BEAMR_OK) {
        crypto_rsa_parts_clear(&made);
        return fail_memory(err);
    }
    *parts = made;
    return BEAMR_OK;
}

void crypto_rsa_parts_clear(crypto_rsa_parts *parts)
{
    uint8_t *block = (uint8_t *)parts->n.data; /* all of them, n first */

    if (block)
        OPENSSL_cleanse(block, parts_size(parts));
    free(block);
    memset(parts, 0, sizeof *parts);
}

/* ---- Signatures ---- */

/* Begin to sign or verify with PSS, whose mask is made with the same hash.
 *   salt  bytes, or RSA_PSS_SALTLEN_AUTO */
static EVP_MD_CTX *pss_begin(const crypto_rsa *key, crypto_hash_kind hash, int salt,
                             int (*init)(EVP_MD_CTX *, EVP_PKEY_CTX **, const char *,
                                         OSSL_LIB_CTX *, const char *, EVP_PKEY *,
                                         const OSSL_PARAM *))
{
    static const char *const names[] = {"SHA2-256", "SHA2-384", "SHA2-512"};
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pss = NULL;

    if (c && init(c, &pss, names[hash], NULL, NULL, key->key, NULL) > 0 &&
        EVP_PKEY_CTX_set_rsa_padding(pss, RSA_PKCS1_PSS_PADDING) > 0 &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(pss, salt) > 0)
        return c;
    EVP_MD_CTX_free(c);
    return NULL;
}

beamr_status crypto_rsa_sign(const crypto_rsa *key, crypto_hash_kind hash, size_t salt,
                             beamr_bytes message, uint8_t *out, beamr_error *err)
{
    static const size_t sizes[] = {32, CRYPTO_SHA384_SIZE, CRYPTO_SHA512_SIZE};
    size_t len = key->size;
    beamr_status st = BEAMR_OK;
    EVP_MD_CTX *c;

    if (!key->is_private)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "signing with a public key");
    if (salt > key->size || salt + sizes[hash] + 2 > key->size)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "signing with a salt of %zu bytes: a key of %zu has no room for it",
                          salt, key->size);
    if (!queue_open())
        return fail_memory(err);
    c = pss_begin(key, hash, (int)salt, EVP_DigestSignInit_ex);
    if (!c || EVP_DigestSign(c, out, &len, message.data, message.len) <= 0)
        st = fail(err, BEAMR_NO_MEMORY, "signing with RSA"); /* the rest was checked */
    EVP_MD_CTX_free(c);
    return st;
}

beamr_status crypto_rsa_verify(const crypto_rsa *key, crypto_hash_kind hash,
                               beamr_bytes message, beamr_bytes signature, bool *is_valid,
                               beamr_error *err)
{
    beamr_status st = BEAMR_OK;
    reason why = {NULL, false, false};
    int result = 0;
    EVP_MD_CTX *c;

    if (!queue_open())
        return fail_memory(err);
    c = pss_begin(key, hash, RSA_PSS_SALTLEN_AUTO, EVP_DigestVerifyInit_ex);
    if (c)
        result = EVP_DigestVerify(c, signature.data, signature.len, message.data, message.len);
    if (result <= 0)
        why = queue_take();
    /* A wrong signature fails in the arithmetic; whatever else fails tells nothing of it. */
    if (result > 0 || (c && why.is_rsa && !why.is_memory))
        *is_valid = result > 0;
    else
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to check an RSA signature");
    EVP_MD_CTX_free(c);
    return st;
}
