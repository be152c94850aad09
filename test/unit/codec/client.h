/* A client of HTTP that signs whatever fields it is given, in whatever order: what it makes
 * need not be the own encoding of any message. For tests of verification and of what follows
 * it. */
#ifndef TEST_UNIT_CODEC_CLIENT_H
#define TEST_UNIT_CODEC_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../ao/wallet_key.h"
#include "ao/wallet.h"
#include "beamr/ao/message.h"
#include "crypto/base64.h"
#include "crypto/hash.h"
#include "crypto/rsa.h"
#include "crypto/sha256.h"

#define KEYID ";keyid=\"" WALLET_N "\""
#define RSA ";alg=\"rsa-pss-sha512\"" KEYID
#define TYPE "multipart/form-data; boundary=\"B\""

typedef struct request {
    const char *fields[8]; /* name, value, ... */
    const char *body;
    const char *list;   /* components with quotes, one space between: without `@` in lines */
    const char *params; /* NULL: RSA */
    const char *signed_params; /* NULL: the same */
} request;

static inline const char *value_of(const ao_message *fields, const char *name, char *out)
{
    beamr_bytes value =
        ao_bytes(ao_message_find_text(fields, name[0] == '@' ? name + 1 : name));

    if (value.len)
        memcpy(out, value.data, value.len);
    out[value.len] = '\0';
    return out;
}

/* The base as a client makes it, from the list alone. */
static inline void write_base(const ao_message *fields, const request *r, char *out)
{
    char list[512], value[4096];
    char *p = out;

    snprintf(list, sizeof list, "%s", r->list);
    for (char *name = strtok(list, "\" "); name; name = strtok(NULL, "\" "))
        p += sprintf(p, "\"%s\": %s\n", name[0] == '@' ? name + 1 : name,
                     value_of(fields, name, value));
    if (p == out)
        *p++ = '\n';
    sprintf(p, "\"@signature-params\": (%s)%s", r->list,
            r->signed_params ? r->signed_params
            : r->params      ? r->params
                             : RSA);
}

static inline void put_digest(ao_builder *builder, const char *body)
{
    uint8_t digest[32];
    char text[64] = "sha-256=:";

    assert_int_equal(crypto_sha256(beamr_bytes_of(body), digest, NULL), BEAMR_OK);
    crypto_base64_encode(CRYPTO_BASE64, (beamr_bytes){digest, 32}, text + 9);
    text[9 + 44] = ':';
    ao_builder_put(builder, "content-digest", ao_binary_text(text));
}

/* Fields, with signature and all. */
static inline ao_message *client_sign(const ao_wallet *wallet, const request *r)
{
    uint8_t raw[AO_WALLET_BITS / 8];
    char base[8192], text[2048], encoded[1024];
    ao_message *fields = NULL, *out = NULL;
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, NULL);
    for (size_t i = 0; i < 8 && r->fields[i]; i += 2)
        ao_builder_put(&builder, r->fields[i], ao_binary_text(r->fields[i + 1]));
    if (r->body) {
        ao_builder_put(&builder, "body", ao_binary_text(r->body));
        if (strstr(r->list, "content-digest") && strcmp(r->fields[0], "content-digest") != 0)
            put_digest(&builder, r->body);
    }
    assert_int_equal(ao_builder_end(&builder, &fields), BEAMR_OK);
    write_base(fields, r, base);
    assert_int_equal(
        crypto_rsa_sign(wallet_key(wallet), CRYPTO_SHA512, 64, beamr_bytes_of(base), raw, NULL),
        BEAMR_OK);
    memset(encoded, 0, sizeof encoded);
    crypto_base64_encode(CRYPTO_BASE64, (beamr_bytes){raw, sizeof raw}, encoded);
    ao_builder_begin(&builder, fields, NULL, NULL);
    snprintf(text, sizeof text, "sig1=:%s:", encoded);
    ao_builder_put(&builder, "signature", ao_binary_text(text));
    snprintf(text, sizeof text, "sig1=(%s)%s", r->list, r->params ? r->params : RSA);
    ao_builder_put(&builder, "signature-input", ao_binary_text(text));
    assert_int_equal(ao_builder_end(&builder, &out), BEAMR_OK);
    ao_message_unref(fields);
    return out;
}

/* Parts in another order than the node's own, their lines too, and a token in `ao-types`. */
static const request foreign_parts = {
    .fields = {"ao-types", "n=integer", "content-type", TYPE, "n", "5"},
    .body =
        "--B\r\ncontent-disposition: form-data;name=\"m\"\r\na: 1\r\nb: 2\r\n\r\nx\r\n--B\r\n"
        "content-disposition: form-data;name=\"l\"\r\n\r\none\ntwo\r\n--B--",
    .list = "\"ao-types\" \"content-digest\" \"content-type\" \"n\""};

#endif
