/* Hashpaths, computed when somebody asks: hashpath.h.
 * Each linked result holds one ao_chain: its request and the chain of its base, or the text
 * once the way back has become too long. The base itself is not needed, unless the way begins
 * with it: what a line of results leaves behind can go at once. The text is kept when it has
 * been computed. Reading goes back to the first message, or to a chain with a text, and
 * computes forward from there: at most AO_CHAIN_MAX links and one id. A 43-byte key is decoded
 * like an id wherever it stands second: the reference does so, and hashpaths must agree. */
#include "ao/hashpath.h"

#include <stdlib.h>
#include <string.h>

#include "ao/commit.h"
#include "ao/internal.h"
#include "crypto/base64.h"
#include "crypto/hash.h"
#include "crypto/sha256.h"

typedef struct path_text {
    size_t len;
    char data[];
} path_text;

struct ao_chain {
    ao_object object;
    uint32_t length;           /* chains that this one keeps alive, itself included */
    ao_chain *before;          /* of the base; counted; NULL: `root`, or cut */
    ao_message *root;          /* the base, if it has no chain; counted */
    ao_value algorithm;        /* `hashpath-alg` of the base; counted */
    ao_message *request;       /* counted; NULL: `key` is all of it */
    _Atomic(path_text *) text; /* NULL until it is computed; alone if the chain is cut */
    size_t key_len;
    uint8_t key[];
};

/* The hashpath of a chain that was cut could not be computed. */
static path_text unknown;

/* ---- Algorithms ---- */

static void add_256(uint8_t sum[32], const uint8_t more[32])
{
    unsigned carry = 0;

    for (int i = 31; i >= 0; i--) {
        carry += (unsigned)sum[i] + more[i];
        sum[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

beamr_status ao_hashpath_mix(beamr_bytes name, const uint8_t first[AO_ID_SIZE],
                             beamr_bytes second, uint8_t out[AO_ID_SIZE], beamr_error *err)
{
    const beamr_bytes pieces[] = {{first, AO_ID_SIZE}, second};
    bool is_sum = text_is(name, "accumulate-256");
    uint8_t hash[AO_ID_SIZE];
    beamr_status st;

    if (!is_sum && !text_is(name, "sha-256-chain"))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "there is no hashpath-alg `%.*s`",
                          (int)(name.len < 64 ? name.len : 64), (const char *)name.data);
    if ((st = crypto_hash_pieces(CRYPTO_SHA256, pieces, 2, hash, err)) != BEAMR_OK)
        return st;
    if (is_sum)
        add_256(hash, first);
    memcpy(out, hash, sizeof hash);
    return BEAMR_OK;
}

static ao_value algorithm_of(const ao_message *base)
{
    return message_key(base, "hashpath-alg");
}

static beamr_bytes algorithm_name(ao_value algorithm)
{
    return algorithm.kind == AO_NONE ? beamr_bytes_of("sha-256-chain") : ao_text(algorithm);
}

/* Decode the second part if it is as long as an id. Its last character may have bits that mean
 * nothing: a key is no id, and is decoded all the same. false: it stands for itself. */
static bool decode_second(beamr_bytes part, uint8_t out[AO_ID_SIZE])
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t text[AO_ID_TEXT];
    const char *last;

    if (part.len != AO_ID_TEXT)
        return false;
    memcpy(text, part.data, AO_ID_TEXT);
    last = text[AO_ID_TEXT - 1] ? strchr(alphabet, text[AO_ID_TEXT - 1]) : NULL;
    if (!last)
        return false;
    text[AO_ID_TEXT - 1] = (uint8_t)alphabet[(last - alphabet) & 0x3c];
    return crypto_id_bytes((beamr_bytes){text, AO_ID_TEXT}, out);
}

/* ---- Texts ---- */

static beamr_status join(beamr_bytes left, beamr_bytes right, path_text **out, beamr_error *err)
{
    path_text *text = malloc(sizeof *text + left.len + right.len + 1);

    if (!text)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a hashpath");
    text->len = left.len;
    if (left.len)
        memcpy(text->data, left.data, left.len);
    if (right.len) {
        text->data[text->len++] = '/';
        memcpy(text->data + text->len, right.data, right.len);
        text->len += right.len;
    }
    *out = text;
    return BEAMR_OK;
}

static beamr_bytes bytes_of(const path_text *text)
{
    return (beamr_bytes){(const uint8_t *)text->data, text->len};
}

static bool has_slash(beamr_bytes text)
{
    return text.len > 0 && memchr(text.data, '/', text.len);
}

/* ---- Pairs ---- */

/* A hashpath `ID/PART`, to be mixed or written. */
typedef struct pair {
    uint8_t id[AO_ID_SIZE];
    bool has_part_id; /* PART is an id: `part_id` */
    beamr_bytes part; /* else as it is written; borrowed */
    uint8_t part_id[AO_ID_SIZE];
} pair;

static beamr_status fail_pair(beamr_bytes hashpath, beamr_error *err)
{
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "a hashpath is not `ID/PART`: `%.*s`",
                      (int)(hashpath.len < 100 ? hashpath.len : 100),
                      (const char *)hashpath.data);
}

/* Read a text with a slash. */
static beamr_status pair_read(beamr_bytes hashpath, pair *out, beamr_error *err)
{
    const uint8_t *slash = memchr(hashpath.data, '/', hashpath.len);
    beamr_bytes id = {hashpath.data, (size_t)(slash - hashpath.data)};

    out->has_part_id = false;
    out->part = (beamr_bytes){slash + 1, hashpath.len - id.len - 1};
    return crypto_id_bytes(id, out->id) ? BEAMR_OK : fail_pair(hashpath, err);
}

/* PART as text; `buffer` gets that of an id. */
static beamr_bytes pair_part(const pair *p, char buffer[AO_ID_TEXT + 1])
{
    if (!p->has_part_id)
        return p->part;
    crypto_id_text(p->part_id, buffer);
    return (beamr_bytes){(const uint8_t *)buffer, AO_ID_TEXT};
}

static beamr_status pair_text(const pair *p, path_text **out, beamr_error *err)
{
    char id[AO_ID_TEXT + 1], buffer[AO_ID_TEXT + 1];

    crypto_id_text(p->id, id);
    return join((beamr_bytes){(const uint8_t *)id, AO_ID_TEXT}, pair_part(p, buffer), out, err);
}

/* Mix both into the next ID. */
static beamr_status pair_mix(pair *p, ao_value algorithm, beamr_error *err)
{
    beamr_bytes part = p->part;
    path_text *text;
    beamr_status st;

    if (p->has_part_id || decode_second(part, p->part_id)) {
        part = (beamr_bytes){p->part_id, AO_ID_SIZE};
    } else if (has_slash(part)) {
        if ((st = pair_text(p, &text, err)) != BEAMR_OK)
            return st;
        st = fail_pair(bytes_of(text), err);
        free(text);
        return st;
    }
    return ao_hashpath_mix(algorithm_name(algorithm), p->id, part, p->id, err);
}

/* ---- Requests ---- */

/* The request says more than its path. */
static bool has_content(const ao_message *request)
{
    size_t count = ao_message_count(request);

    if (count > 2)
        return true;
    count -= message_key(request, "path").kind != AO_NONE;
    count -= message_key(request, "hashpath").kind != AO_NONE;
    return count > 0;
}

/* What stands for a request, its key or its id, becomes PART. */
static beamr_status take_request(ao_context *context, const ao_message *request,
                                 beamr_bytes key, pair *p, beamr_error *err)
{
    p->has_part_id = request && (key.len == 0 || has_content(request));
    p->part = key;
    return p->has_part_id ? ao_id_bytes_of(context, request, &AO_SELECT_ALL, p->part_id, err)
                          : BEAMR_OK;
}

/* The hashpath behind `hashpath` and a request. */
static beamr_status next(ao_context *context, beamr_bytes hashpath, ao_value algorithm,
                         const ao_message *request, beamr_bytes key, path_text **out,
                         beamr_error *err)
{
    char buffer[AO_ID_TEXT + 1];
    beamr_status st;
    pair p;

    if (!has_slash(hashpath)) {
        if ((st = take_request(context, request, key, &p, err)) != BEAMR_OK)
            return st;
        return join(hashpath, pair_part(&p, buffer), out, err);
    }
    if ((st = pair_read(hashpath, &p, err)) != BEAMR_OK ||
        (st = pair_mix(&p, algorithm, err)) != BEAMR_OK ||
        (st = take_request(context, request, key, &p, err)) != BEAMR_OK)
        return st;
    return pair_text(&p, out, err);
}

/* ---- Chains ---- */

/* Forget what the text is computed from. */
static void chain_bare(ao_chain *chain)
{
    chain_unref(chain->before);
    ao_message_unref(chain->root);
    ao_value_unref(chain->algorithm);
    ao_message_unref(chain->request);
    chain->before = NULL;
    chain->root = chain->request = NULL;
    chain->algorithm = AO_NO_VALUE;
}

static void chain_destroy(ao_object *object)
{
    ao_chain *chain = (ao_chain *)object;
    path_text *text = atomic_load_explicit(&chain->text, memory_order_acquire);

    chain_bare(chain);
    if (text != &unknown)
        free(text);
    free(chain);
}

static path_text *text_of(const ao_chain *chain)
{
    return atomic_load_explicit(&((ao_chain *)(uintptr_t)chain)->text, memory_order_acquire);
}

static beamr_bytes key_in(const ao_chain *chain)
{
    return (beamr_bytes){chain->key, chain->key_len};
}

/* The text at the end of a way of `count` chains, the last of which comes first. Between its
 * ends nothing is written: pairs are mixed as bytes.
 *   hashpath  that the way begins with */
static beamr_status walk(ao_context *context, const ao_chain *const *way, size_t count,
                         beamr_bytes hashpath, path_text **out, beamr_error *err)
{
    const ao_chain *at = way[--count];
    path_text *begin = NULL;
    beamr_status st;
    pair p;

    st = next(context, hashpath, at->algorithm, at->request, key_in(at), &begin, err);
    if (st != BEAMR_OK || count == 0) {
        *out = begin;
        return st;
    }
    st = has_slash(bytes_of(begin)) ? pair_read(bytes_of(begin), &p, err)
                                    : fail_pair(bytes_of(begin), err);
    while (st == BEAMR_OK && count > 0) {
        at = way[--count];
        if ((st = pair_mix(&p, at->algorithm, err)) == BEAMR_OK)
            st = take_request(context, at->request, key_in(at), &p, err);
    }
    free(begin);
    return st == BEAMR_OK ? pair_text(&p, out, err) : st;
}

/* The chain keeps its text. Another thread may have been faster.  Returns what it has. */
static path_text *keep_text(const ao_chain *chain, BEAMR_OWN path_text *text)
{
    path_text *none = NULL;

    if (atomic_compare_exchange_strong(&((ao_chain *)(uintptr_t)chain)->text, &none, text))
        return text;
    free(text);
    return none;
}

/* The hashpath of a message without a chain: what was set as one, or its id. */
static beamr_status root_text(ao_context *context, const ao_message *message, path_text **out,
                              beamr_error *err)
{
    ao_value set = ao_private_find(message, "hashpath");
    char id[AO_ID_TEXT + 1];
    beamr_status st;

    if (set.kind == AO_BINARY)
        return join(ao_bytes(set), (beamr_bytes){NULL, 0}, out, err);
    if ((st = ao_id_of(context, message, &AO_SELECT_ALL, id, err)) != BEAMR_OK)
        return st;
    return join(beamr_bytes_of(id), (beamr_bytes){NULL, 0}, out, err);
}

/* The hashpath at the end of a chain. `owned` gets memory to be freed, or NULL when the text is
 * the chain's.
 *   first  what the way begins with, if there is no chain */
static beamr_status way_text(ao_context *context, const ao_chain *chain,
                             const ao_message *first, path_text **out, path_text **owned,
                             beamr_error *err)
{
    const ao_chain *way[AO_CHAIN_MAX + 1];
    path_text *text = NULL, *root = NULL;
    beamr_status st = BEAMR_OK;
    size_t count = 0;

    *owned = NULL;
    for (; chain && !(text = text_of(chain)); chain = chain->before) {
        way[count++] = chain;
        first = chain->root;
    }
    if (text == &unknown)
        return beamr_fail(err, BEAMR_ENCODING, 0,
                          "a message that this one came from has no id, so it has no hashpath");
    if (!text) {
        if ((st = root_text(context, first, &root, err)) != BEAMR_OK)
            return st;
        text = root;
    }
    if (count == 0) {
        *owned = root;
        *out = text;
        return BEAMR_OK;
    }
    st = walk(context, way, count, bytes_of(text), &text, err);
    free(root);
    if (st == BEAMR_OK)
        *out = keep_text(way[0], text);
    return st;
}

static beamr_status message_text(ao_context *context, const ao_message *message,
                                 path_text **out, path_text **owned, beamr_error *err)
{
    return way_text(context, message_chain(message), message, out, owned, err);
}

static ao_chain *chain_new(const ao_message *base, const ao_message *request, beamr_bytes key)
{
    const ao_chain *before = message_chain(base);
    ao_chain *chain = malloc(sizeof *chain + key.len);

    if (!chain)
        return NULL;
    object_init(&chain->object, chain_destroy);
    chain->length = before ? before->length + 1 : 1;
    chain->before = chain_ref(before);
    chain->root = before ? NULL : ao_message_ref(base);
    chain->algorithm = ao_value_ref(algorithm_of(base));
    chain->request = ao_message_ref(request);
    atomic_init(&chain->text, NULL);
    chain->key_len = key.len;
    if (key.len)
        memcpy(chain->key, key.data, key.len);
    return chain;
}

/* Make the chain independent of what is behind it. It is not shared yet. The base keeps its
 * text too, which further results of it will need. A message that has no id does not fail the
 * resolution, only the question for its hashpath. */
static beamr_status cut(ao_context *context, ao_chain *chain)
{
    const ao_chain *way = chain;
    path_text *base, *owned, *text;
    beamr_status st = way_text(context, chain->before, chain->root, &base, &owned, NULL);

    if (st == BEAMR_OK) {
        st = walk(context, &way, 1, bytes_of(base), &text, NULL);
        free(owned);
    }
    if (st == BEAMR_OK)
        atomic_store(&chain->text, text);
    if (st == BEAMR_NO_MEMORY)
        return st;
    if (st != BEAMR_OK)
        atomic_store(&chain->text, &unknown);
    chain_bare(chain);
    chain->length = 0;
    return BEAMR_OK;
}

beamr_status ao_hashpath_link(ao_context *context, const ao_message *base,
                              const ao_message *request, beamr_bytes key,
                              BEAMR_OWN ao_message *result, ao_message **out, beamr_error *err)
{
    ao_chain *chain;

    if (request && key.len && !has_content(request))
        request = NULL;
    chain = chain_new(base, request, request ? (beamr_bytes){NULL, 0} : key);
    if (chain && chain->length > AO_CHAIN_MAX && cut(context, chain) != BEAMR_OK) {
        chain_unref(chain);
        chain = NULL;
    }
    if (!chain) {
        ao_message_unref(result);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a hashpath");
    }
    return message_take_chain(result, chain, out, err);
}

beamr_status ao_hashpath_reset(const ao_message *message, ao_message **out, beamr_error *err)
{
    ao_value state;
    ao_message *rest, *bare;
    ao_builder b;
    beamr_status st;

    if (ao_private_find(message, "hashpath").kind == AO_NONE) {
        if (message_chain(message))
            return message_with_chain(message, NULL, out, err);
        *out = ao_message_ref(message);
        return BEAMR_OK;
    }
    state = message_find_any(message, beamr_bytes_of("priv"));
    if ((st = ao_message_without(ao_to_message(state), "hashpath", &rest, err)) != BEAMR_OK)
        return st;
    ao_builder_begin(&b, message, NULL, err);
    ao_builder_put(&b, "priv", ao_message_value(rest));
    if ((st = ao_builder_end(&b, &bare)) != BEAMR_OK)
        return st;
    st = message_with_chain(bare, NULL, out, err);
    ao_message_unref(bare);
    return st;
}

/* ---- Asking ---- */

static beamr_status as_value(const path_text *text, ao_value *out, beamr_error *err)
{
    *out = ao_binary_copy(bytes_of(text));
    return out->kind == AO_NONE
               ? beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a hashpath")
               : BEAMR_OK;
}

static beamr_status binary_text(ao_value value, path_text **out, beamr_error *err)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    char text[AO_ID_TEXT + 1];
    beamr_status st;

    if (value.kind != AO_BINARY)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "only messages and binaries have hashpaths");
    if ((st = crypto_sha256(ao_bytes(value), hash, err)) != BEAMR_OK)
        return st;
    crypto_id_text(hash, text);
    return join(beamr_bytes_of(text), (beamr_bytes){NULL, 0}, out, err);
}

static beamr_status any_text(ao_context *context, ao_value value, path_text **out,
                             path_text **owned, beamr_error *err)
{
    beamr_status st;

    if (value.kind == AO_MESSAGE)
        return message_text(context, value.of.message, out, owned, err);
    st = binary_text(value, out, err);
    *owned = st == BEAMR_OK ? *out : NULL;
    return st;
}

beamr_status ao_hashpath_of(ao_context *context, ao_value value, ao_value *out,
                            beamr_error *err)
{
    path_text *text, *owned;
    beamr_status st = any_text(context, value, &text, &owned, err);

    if (st != BEAMR_OK)
        return st;
    st = as_value(text, out, err);
    free(owned);
    return st;
}

beamr_status ao_hashpath_find(ao_context *context, const ao_message *message, ao_value *out,
                              beamr_error *err)
{
    ao_value stored = ao_private_find(message, "hashpath");

    if (stored.kind == AO_BINARY) {
        *out = ao_value_ref(stored);
        return BEAMR_OK;
    }
    if (message_chain(message))
        return ao_message_hashpath(context, message, out, err);
    *out = AO_NO_VALUE;
    return BEAMR_OK;
}

beamr_status ao_message_hashpath(ao_context *context, const ao_message *message, ao_value *out,
                                 beamr_error *err)
{
    ao_value value = ao_message_value(ao_message_ref(message));
    beamr_status st = ao_hashpath_of(context, value, out, err);

    ao_message_unref(message);
    return st;
}

static beamr_status step(ao_context *context, beamr_bytes hashpath, ao_value algorithm,
                         const ao_message *request, beamr_bytes key, ao_value *out,
                         beamr_error *err)
{
    path_text *text;
    beamr_status st = next(context, hashpath, algorithm, request, key, &text, err);

    if (st != BEAMR_OK)
        return st;
    st = as_value(text, out, err);
    free(text);
    return st;
}

beamr_status hashpath_of_call(ao_context *context, const ao_message *base,
                              const ao_message *request, beamr_bytes key, ao_value *out,
                              beamr_error *err)
{
    path_text *text, *owned;
    beamr_status st = message_text(context, base, &text, &owned, err);

    if (st != BEAMR_OK)
        return st;
    st = step(context, bytes_of(text), algorithm_of(base), request, key, out, err);
    free(owned);
    return st;
}

/* The first part of a request's path; none when it has no path. */
static beamr_bytes key_of(const ao_message *request)
{
    ao_value path = message_key(request, "path");
    beamr_bytes text = ao_text(path.kind == AO_LIST ? ao_list_at(path, 0) : path);
    const uint8_t *slash;

    while (text.len && text.data[0] == '/')
        text = (beamr_bytes){text.data + 1, text.len - 1};
    slash = text.len ? memchr(text.data, '/', text.len) : NULL;
    return slash ? (beamr_bytes){text.data, (size_t)(slash - text.data)} : text;
}

beamr_status ao_hashpath_next(ao_context *context, ao_value base, ao_value request,
                              ao_value *out, beamr_error *err)
{
    const ao_message *message = ao_to_message(request);
    beamr_bytes key = message ? key_of(message) : ao_text(request);
    path_text *text, *owned;
    beamr_status st;

    if (base.kind == AO_MESSAGE)
        return hashpath_of_call(context, base.of.message, message, key, out, err);
    if (ao_text(base).len == AO_ID_TEXT)
        return step(context, ao_text(base), AO_NO_VALUE, message, key, out, err);
    if ((st = any_text(context, base, &text, &owned, err)) != BEAMR_OK)
        return st;
    st = step(context, bytes_of(text), AO_NO_VALUE, message, key, out, err);
    free(owned);
    return st;
}

static beamr_status follows(ao_context *context, ao_value base, ao_value request,
                            ao_value result, bool *is_valid, beamr_error *err)
{
    ao_value expected, actual;
    beamr_status st = ao_hashpath_next(context, base, request, &expected, err);

    if (st != BEAMR_OK)
        return st;
    if ((st = ao_hashpath_of(context, result, &actual, err)) == BEAMR_OK) {
        *is_valid = text_equal(ao_bytes(expected), ao_bytes(actual));
        ao_value_unref(actual);
    }
    ao_value_unref(expected);
    return st;
}

beamr_status ao_hashpath_verify(ao_context *context, ao_value messages, bool *is_valid,
                                beamr_error *err)
{
    size_t count = ao_list_count(messages);
    bool is_so = true;
    beamr_status st = BEAMR_OK;

    for (size_t i = 2; i < count && is_so && st == BEAMR_OK; i++)
        st = follows(context, ao_list_at(messages, i - 2), ao_list_at(messages, i - 1),
                     ao_list_at(messages, i), &is_so, err);
    if (st == BEAMR_OK)
        *is_valid = is_so;
    return st;
}
