/* Cache control: which results are looked up instead of computed, and which are stored. A
 * result is stored by content, and found by a name: the hashpath that it has. A result that is
 * found is linked as if it had been computed, so that the next request of the path is looked up
 * under the same name either way. Source: AO-Core paths, "Caching". */
#include <string.h>

#include "ao/hashpath.h"
#include "ao/internal.h"
#include "ao/path.h"
#include "ao/store.h"
#include "ao/task.h"

/* ---- Directives ---- */

static const struct {
    const char *text;
    unsigned bit;
} directives[] = {
    {"always", AO_CACHE_ALWAYS},      {"store", AO_CACHE_STORE},
    {"no-store", AO_CACHE_NO_STORE},  {"cache", AO_CACHE_LOOKUP},
    {"no-cache", AO_CACHE_NO_LOOKUP}, {"only-if-cached", AO_CACHE_ONLY},
};

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static unsigned bit_of(beamr_bytes text)
{
    while (text.len && is_space(text.data[0]))
        text = (beamr_bytes){text.data + 1, text.len - 1};
    while (text.len && is_space(text.data[text.len - 1]))
        text.len--;
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++)
        if (text_is(text, directives[i].text))
            return directives[i].bit;
    return 0;
}

/* Directives between commas. */
static unsigned bits_of_text(beamr_bytes text)
{
    unsigned bits = 0;

    while (text.len) {
        const uint8_t *comma = memchr(text.data, ',', text.len);
        size_t len = comma ? (size_t)(comma - text.data) : text.len;

        bits |= bit_of((beamr_bytes){text.data, len});
        len += comma != NULL;
        text = (beamr_bytes){text.data + len, text.len - len};
    }
    return bits;
}

static unsigned bits_of(const ao_message *message)
{
    ao_value value = message ? message_key(message, "cache-control") : AO_NO_VALUE;
    unsigned bits = 0;

    if (value.kind != AO_LIST)
        return bits_of_text(ao_text(value));
    for (size_t i = 0; i < ao_list_count(value); i++)
        bits |= bits_of_text(ao_text(ao_list_at(value, i)));
    return bits;
}

/* What a source wants: 1, 0, or -1 when it does not say. */
static int wants_store(unsigned bits)
{
    if (bits & AO_CACHE_ALWAYS)
        return 1;
    if (bits & AO_CACHE_NO_STORE)
        return 0;
    return bits & AO_CACHE_STORE ? 1 : -1;
}

static int wants_lookup(unsigned bits)
{
    if (bits & AO_CACHE_ALWAYS)
        return 1;
    if (bits & AO_CACHE_NO_LOOKUP)
        return 0;
    return bits & (AO_CACHE_LOOKUP | AO_CACHE_ONLY) ? 1 : -1;
}

/* The first of three sources that says something. */
static bool decide(int (*wants)(unsigned bits), unsigned a, unsigned b, unsigned c)
{
    int wish = wants(a);

    if (wish < 0)
        wish = wants(b);
    if (wish < 0)
        wish = wants(c);
    return wish == 1;
}

/* ---- Names ---- */

#define NAME_MAX_BYTES 256 /* stores have limits for keys; a longer one is hashed */

static beamr_status name_of_result(ao_call *call, ao_value *out, beamr_error *err)
{
    ao_context *context = call->task->context;
    ao_value key, name, hash;
    beamr_status st;

    if (call->base.kind == AO_MESSAGE) {
        st = hashpath_of_call(context, call->base.of.message, call->request, call->text, &name,
                              err);
    } else {
        key = call->request ? ao_message_value(ao_message_ref(call->request))
                            : ao_binary_copy(call->text);
        if (key.kind == AO_NONE)
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a name");
        st = ao_hashpath_next(context, call->base, key, &name, err);
        ao_value_unref(key);
    }
    if (st == BEAMR_OK && ao_bytes(name).len > NAME_MAX_BYTES) {
        st = ao_hashpath_of(context, name, &hash, err);
        ao_value_unref(name);
        name = hash;
    }
    if (st == BEAMR_OK)
        *out = name;
    return st;
}

/* ---- Looking up ---- */

beamr_status recall_load(ao_call *call, beamr_bytes id, ao_value *out, beamr_error *err)
{
    ao_context *context = call->task->context;

    if (!context->kv)
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "there is no store to load `%.*s` from",
                          (int)id.len, (const char *)id.data);
    return ao_store_read(context, id, out, err);
}

static beamr_status miss(ao_call *call, beamr_error *err)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "status", ao_integer(504));
    ao_builder_put(&b, "cache-status", ao_binary_text("miss"));
    ao_builder_put(&b, "body", ao_binary_text("Computed result not available in cache."));
    return call_end(call, AO_OUTCOME_ERROR, ao_builder_value(&b), err);
}

/* Find the result.  BEAMR_NOT_FOUND: it is not there. */
static beamr_status find_result(ao_call *call, beamr_error *err)
{
    ao_value name, value;
    beamr_status st = name_of_result(call, &name, NULL);

    if (st == BEAMR_NO_MEMORY)
        return beamr_fail(err, st, 0, "no memory for a name");
    if (st != BEAMR_OK)
        return BEAMR_NOT_FOUND; /* no id, so no name */
    st = recall_load(call, ao_bytes(name), &value, NULL);
    ao_value_unref(name);
    if (st == BEAMR_NO_MEMORY)
        return beamr_fail(err, st, 0, "no memory for a stored result");
    if (st != BEAMR_OK)
        return BEAMR_NOT_FOUND; /* damaged, or not readable: it can still be computed */
    st = call_end(call, AO_OUTCOME_OK, value, err);
    if (st == CALL_END &&
        (result_link(call, err) != BEAMR_OK || result_force(call, err) != BEAMR_OK))
        return BEAMR_NO_MEMORY;
    return st;
}

static bool holds_key(const ao_call *call)
{
    const ao_message *base = ao_to_message(call->base);

    return base && ao_message_find(base, call->key).kind != AO_NONE;
}

/* An id as base is loaded, whatever the settings: nothing can be resolved on it otherwise. */
static beamr_status load_base(ao_call *call, beamr_error *err)
{
    ao_value base = call->base;
    beamr_status st = recall_load(call, ao_bytes(base), &call->base, NULL);

    if (st == BEAMR_OK) {
        ao_value_unref(base);
        return BEAMR_OK;
    }
    call->base = base;
    if (st == BEAMR_NOT_FOUND)
        return call_end_error(call, 404, "Necessary messages not found in cache.", err);
    return beamr_fail(err, st, 0, "the message `%.*s` cannot be read", (int)ao_bytes(base).len,
                      (const char *)ao_bytes(base).data);
}

beamr_status recall_lookup(ao_call *call, beamr_error *err)
{
    const ao_options *options = call->options;
    unsigned own = options->cache_control, base, request;
    beamr_status st;

    if (own || call->task->context->kv || call->request) {
        base = own ? 0 : bits_of(ao_to_message(call->base));
        request = own && wants_lookup(own) >= 0 ? 0 : bits_of(call->request);
        if (options->lookup_heuristics && holds_key(call))
            return BEAMR_OK; /* quicker than any lookup, and never a miss */
        if (decide(wants_lookup, own, base, request)) {
            st = find_result(call, err);
            if (st != BEAMR_NOT_FOUND)
                return st;
        }
        if ((own | base | request) & AO_CACHE_ONLY)
            return miss(call, err);
    }
    if (call->base.kind == AO_BINARY && ao_is_id(ao_bytes(call->base)))
        return load_base(call, err);
    return BEAMR_OK;
}

/* ---- Storing ---- */

static beamr_status write_all(ao_call *call, ao_value name, beamr_error *err)
{
    ao_context *context = call->task->context;
    const ao_message *request = ao_call_request(call);
    char id[AO_ID_TEXT + 1];
    kv_batch *batch;
    beamr_status st;
    ao_value asked;

    if (!request)
        return BEAMR_NO_MEMORY;
    if ((st = kv_batch_new(context->kv, &batch, err)) != BEAMR_OK)
        return st;
    asked = ao_message_value(ao_message_ref(request));
    st = ao_store_add(context, batch, call->base, id, err);
    if (st == BEAMR_OK)
        st = ao_store_add(context, batch, asked, id, err);
    if (st == BEAMR_OK)
        st = ao_store_add(context, batch, call->result.value, id, err);
    ao_value_unref(asked);
    if (st != BEAMR_OK) {
        kv_batch_free(batch);
        return st;
    }
    ao_store_add_name(batch, ao_bytes(name), beamr_bytes_of(id));
    return kv_batch_commit(batch, NULL, err);
}

/* The result stands, whether it can be stored or not: a message may hold what cannot be
 * encoded, and a full disk makes the next one slower, not wrong. */
beamr_status recall_store(ao_call *call, beamr_error *err)
{
    ao_value value = call->result.value, name;
    unsigned own = call->options->cache_control;
    beamr_status st;

    if (!call->task->context->kv || call->result.outcome != AO_OUTCOME_OK ||
        call->options->hashpath == AO_HASHPATH_IGNORE ||
        (value.kind != AO_MESSAGE && value.kind != AO_BINARY))
        return BEAMR_OK;
    if (!decide(wants_store, own, wants_store(own) < 0 ? bits_of(ao_to_message(value)) : 0,
                wants_store(own) < 0 ? bits_of(call->request) : 0))
        return BEAMR_OK;
    st = name_of_result(call, &name, NULL);
    if (st == BEAMR_OK) {
        st = write_all(call, name, NULL);
        ao_value_unref(name);
    }
    return st == BEAMR_NO_MEMORY ? beamr_fail(err, st, 0, "no memory to store a result")
                                 : BEAMR_OK;
}
