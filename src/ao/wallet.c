/* Wallets: JWKs of RSA keys, read strictly and written as one line.
 * What is refused is refused with the reason, since users bring such files from many programs.
 * Private numbers are overwritten here before their memory goes; jansson's buffers, in which
 * the text of the file stands for a moment, are its own. Making keys and signing are
 * crypto/rsa.h's. Source: RFC 7517; RFC 7518, "Parameters for RSA Keys". */
#include "ao/wallet.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "crypto/base64.h"
#include "crypto/sha256.h"

#define MODULUS_SIZE (AO_WALLET_BITS / 8)
#define JWK_MAX ((size_t)64 * 1024) /* one of 4096 bits takes about 3 KiB */

struct ao_wallet {
    atomic_size_t count;
    crypto_rsa *key;
    uint8_t modulus[MODULUS_SIZE];
    char address[AO_ADDRESS_TEXT + 1];
};

/* The members of a JWK that hold numbers, in the order in which they are written. */
static const struct {
    const char *name;
    size_t offset; /* in crypto_rsa_parts */
    bool is_public;
} members[] = {
    {"n", offsetof(crypto_rsa_parts, n), true},
    {"e", offsetof(crypto_rsa_parts, e), true},
    {"d", offsetof(crypto_rsa_parts, d), false},
    {"p", offsetof(crypto_rsa_parts, p), false},
    {"q", offsetof(crypto_rsa_parts, q), false},
    {"dp", offsetof(crypto_rsa_parts, dp), false},
    {"dq", offsetof(crypto_rsa_parts, dq), false},
    {"qi", offsetof(crypto_rsa_parts, qi), false},
};

#define MEMBER_COUNT (sizeof members / sizeof members[0])

static beamr_bytes *member_part(const crypto_rsa_parts *parts, size_t i)
{
    return (beamr_bytes *)((const char *)parts + members[i].offset);
}

/* Overwrite in a way that the compiler does not leave out, although the memory goes next. */
static void overwrite(void *memory, size_t len)
{
    memset(memory, 0, len);
    __asm__ volatile("" : : "r"(memory) : "memory");
}

/* ---- Wallets ---- */

/* A wallet of a key, which is taken over in any case. */
static beamr_status wallet_wrap(BEAMR_OWN crypto_rsa *key, BEAMR_OWN ao_wallet **out,
                                beamr_error *err)
{
    crypto_rsa_parts parts = {.n = {NULL, 0}};
    ao_wallet *wallet = calloc(1, sizeof *wallet);
    uint8_t address[CRYPTO_SHA256_SIZE];
    beamr_status st;

    if (!wallet) {
        crypto_rsa_unref(key);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a wallet");
    }
    atomic_init(&wallet->count, 1);
    wallet->key = key;
    if ((st = crypto_rsa_parts_of(key, &parts, err)) != BEAMR_OK)
        goto out;
    memcpy(wallet->modulus, parts.n.data, MODULUS_SIZE);
    if ((st = crypto_sha256(parts.n, address, err)) != BEAMR_OK)
        goto out;
    crypto_id_text(address, wallet->address);
    *out = wallet;
    wallet = NULL;
out:
    crypto_rsa_parts_clear(&parts);
    ao_wallet_unref(wallet);
    return st;
}

beamr_status ao_wallet_new(BEAMR_OWN ao_wallet **out, beamr_error *err)
{
    crypto_rsa *key = NULL;
    beamr_status st = crypto_rsa_new(AO_WALLET_BITS, &key, err);

    return st == BEAMR_OK ? wallet_wrap(key, out, err) : st;
}

ao_wallet *ao_wallet_ref(const ao_wallet *wallet)
{
    ao_wallet *w = (ao_wallet *)wallet; /* the count alone changes */

    atomic_fetch_add_explicit(&w->count, 1, memory_order_relaxed);
    return w;
}

void ao_wallet_unref(const ao_wallet *wallet)
{
    ao_wallet *w = (ao_wallet *)wallet;

    if (!w || atomic_fetch_sub_explicit(&w->count, 1, memory_order_acq_rel) != 1)
        return;
    crypto_rsa_unref(w->key);
    free(w);
}

const char *ao_wallet_address(const ao_wallet *wallet)
{
    return wallet->address;
}

beamr_bytes ao_wallet_modulus(const ao_wallet *wallet)
{
    return (beamr_bytes){wallet->modulus, MODULUS_SIZE};
}

const crypto_rsa *wallet_key(const ao_wallet *wallet)
{
    return wallet->key;
}

/* ---- Reading ---- */

/* Decode a member that must be there.
 *   block  room for what the text encodes; moved on behind it */
static beamr_status read_number(const json_t *jwk, size_t i, uint8_t **block, beamr_bytes *out,
                                beamr_error *err)
{
    const char *name = members[i].name;
    const json_t *member = json_object_get(jwk, name);
    beamr_error why = {0};
    beamr_bytes text;
    size_t len;

    if (!member && i > 1 && !json_object_get(jwk, "d"))
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the JWK holds a public key only: it has no \"d\"");
    if (!member)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the JWK has no \"%s\"", name);
    if (!json_is_string(member))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the JWK's \"%s\" is not a string", name);
    text =
        (beamr_bytes){(const uint8_t *)json_string_value(member), json_string_length(member)};
    if (crypto_base64_decode(CRYPTO_BASE64URL, text, *block, &len, &why) != BEAMR_OK)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the JWK's \"%s\": %s", name, why.text);
    *out = (beamr_bytes){*block, len};
    *block += len;
    /* Some programs write numbers in a fixed width. */
    for (; i > 0 && out->len > 1 && out->data[0] == 0; out->len--)
        out->data++;
    return BEAMR_OK;
}

static beamr_status check_kind(const json_t *jwk, beamr_error *err)
{
    const char *kind;

    if (!json_is_object(jwk))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "no JWK: JSON, but no object");
    if (!(kind = json_string_value(json_object_get(jwk, "kty"))))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "no JWK: it has no text \"kty\"");
    if (strcmp(kind, "RSA") != 0)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the JWK's key is of another kind (\"kty\") than \"RSA\"");
    if (json_object_get(jwk, "oth"))
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the JWK's key has more than two primes (\"oth\")");
    return BEAMR_OK;
}

static beamr_status check_size(const crypto_rsa_parts *parts, beamr_error *err)
{
    static const uint8_t exponent[] = {1, 0, 1};
    beamr_bytes n = parts->n;
    uint8_t top = n.len ? n.data[0] : 0;
    size_t bits = n.len ? n.len * 8 - (top ? (size_t)__builtin_clz(top) - 24 : 8) : 0;

    if (n.len != MODULUS_SIZE || !(n.data[0] & 0x80))
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the JWK's key has %zu bits; a wallet's has %d", bits,
                          AO_WALLET_BITS);
    if (parts->e.len != sizeof exponent ||
        memcmp(parts->e.data, exponent, sizeof exponent) != 0)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the JWK's key has another exponent (\"e\") than 65537");
    return BEAMR_OK;
}

/* Make the key of a parsed JWK.
 *   block  room for all of its numbers */
static beamr_status key_read(const json_t *jwk, uint8_t *block, BEAMR_OWN crypto_rsa **out,
                             beamr_error *err)
{
    crypto_rsa_parts parts;
    beamr_status st;

    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        if ((st = read_number(jwk, i, &block, member_part(&parts, i), err)) != BEAMR_OK)
            return st;
    }
    if ((st = check_size(&parts, err)) != BEAMR_OK)
        return st;
    return crypto_rsa_from_parts(&parts, out, err);
}

/* Overwrite the texts of a JWK, for which jansson has no function. */
static void jwk_clear(json_t *jwk)
{
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        json_t *member = json_object_get(jwk, members[i].name);

        if (json_is_string(member))
            overwrite((char *)json_string_value(member), json_string_length(member));
    }
}

/* jansson shows what stands near a fault, which may be private: its text ends before that. */
static int harmless_length(const char *text)
{
    const char *near = strstr(text, " near ");

    return near ? (int)(near - text) : (int)strlen(text);
}

static beamr_status jwk_parse(beamr_bytes text, BEAMR_OWN json_t **out, beamr_error *err)
{
    json_error_t why;

    if (text.len > JWK_MAX)
        return beamr_fail(err, BEAMR_LIMIT, 0, "JWK of %zu bytes: at most %zu are read",
                          text.len, JWK_MAX);
    *out = json_loadb((const char *)text.data, text.len,
                      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (*out)
        return BEAMR_OK;
    if (json_error_code(&why) == json_error_out_of_memory)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to read a JWK");
    return beamr_fail(err, BEAMR_ARGUMENT, why.position > 0 ? (uint64_t)why.position : 0,
                      "no JWK, since no JSON: line %d, column %d: %.*s", why.line, why.column,
                      harmless_length(why.text), why.text);
}

beamr_status ao_wallet_read(beamr_bytes text, BEAMR_OWN ao_wallet **out, beamr_error *err)
{
    crypto_rsa *key = NULL;
    uint8_t *block = NULL;
    json_t *jwk = NULL;
    beamr_status st;

    if ((st = jwk_parse(text, &jwk, err)) != BEAMR_OK)
        goto out;
    if ((st = check_kind(jwk, err)) != BEAMR_OK)
        goto out;
    if (!(block = malloc(text.len))) {
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to read a JWK");
        goto out;
    }
    st = key_read(jwk, block, &key, err);
    overwrite(block, text.len);
    if (st == BEAMR_OK)
        st = wallet_wrap(key, out, err);
out:
    free(block);
    jwk_clear(jwk);
    json_decref(jwk);
    return st;
}

/* ---- Writing ---- */

static const char jwk_open[] = "{\"kty\":\"RSA\"";

/* Write the JWK into `out`, NULL to measure only.  Returns its length. */
static size_t jwk_write(const crypto_rsa_parts *parts, char *out)
{
    size_t len = sizeof jwk_open - 1;

    if (out)
        memcpy(out, jwk_open, len);
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        beamr_bytes part = *member_part(parts, i);
        size_t name = strlen(members[i].name);
        size_t digits = crypto_base64_length(CRYPTO_BASE64URL, part.len);

        if (out) {
            memcpy(out + len, ",\"", 2);
            memcpy(out + len + 2, members[i].name, name);
            memcpy(out + len + 2 + name, "\":\"", 3);
            crypto_base64_encode(CRYPTO_BASE64URL, part, out + len + 5 + name);
            out[len + 5 + name + digits] = '"';
        }
        len += 6 + name + digits;
    }
    if (out)
        memcpy(out + len, "}", 2);
    return len + 1;
}

beamr_status ao_wallet_write(const ao_wallet *wallet, BEAMR_OWN char **out, size_t *len,
                             beamr_error *err)
{
    crypto_rsa_parts parts = {.n = {NULL, 0}};
    beamr_status st = crypto_rsa_parts_of(wallet->key, &parts, err);
    char *text;

    if (st != BEAMR_OK)
        return st;
    *len = jwk_write(&parts, NULL);
    if ((text = malloc(*len + 1)) != NULL) {
        (void)jwk_write(&parts, text);
        *out = text;
    } else {
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to write a JWK");
    }
    crypto_rsa_parts_clear(&parts);
    return st;
}
