/* Signature bases: the text over which messages are signed and from which ids come.
 * One line for each component, and a last one that lists them. It departs from RFC 9421 in
 * that derived components have no `@` in their own lines, only in the list.
 * Source: AO-Core ids, "Unsigned id"; RFC 9421, "Creating the Signature Base". */
#include <pthread.h>
#include <stdlib.h>

#include "codec/httpsig.h"
#include "crypto/sha256.h"

bool httpsig_is_derived(beamr_bytes name)
{
    switch (name.len) { /* few names have one of these lengths */
    case 4:
        return text_is(name, "path");
    case 5:
        return text_is(name, "query");
    case 6:
        return text_is(name, "method") || text_is(name, "scheme") || text_is(name, "status");
    case 9:
        return text_is(name, "authority");
    case 10:
        return text_is(name, "target-uri");
    case 11:
        return text_is(name, "query-param");
    case 14:
        return text_is(name, "request-target");
    default:
        return false;
    }
}

/* ---- Writing ---- */

/* Upper bound of the base's length. */
static bool base_size(const httpsig_component *components, size_t count, beamr_bytes params,
                      size_t *out)
{
    size_t size = params.len + 32;

    for (size_t i = 0; i < count; i++) {
        size_t line = components[i].value.len;

        if (__builtin_add_overflow(line, 3 * components[i].name.len + 16, &line) ||
            __builtin_add_overflow(size, line, &size))
            return false;
    }
    *out = size;
    return true;
}

static uint8_t *put(uint8_t *p, const void *data, size_t len)
{
    if (len)
        memcpy(p, data, len);
    return p + len;
}

/* The value without spaces around it, and with spaces for line feeds. */
static uint8_t *put_value(uint8_t *p, beamr_bytes value)
{
    const uint8_t *end = value.data + value.len, *from = value.data;

    while (from < end && *from == ' ')
        from++;
    while (end > from && end[-1] == ' ')
        end--;
    while (from < end) {
        const uint8_t *feed = memchr(from, '\n', (size_t)(end - from));
        size_t len = (size_t)((feed ? feed : end) - from);

        p = put(p, from, len);
        from += len;
        if (feed) {
            *p++ = ' ';
            from++;
        }
    }
    return p;
}

/* The name as the list has it: lower-cased as Latin-1, whatever it is. */
static uint8_t *put_listed(uint8_t *p, const httpsig_component *component)
{
    beamr_bytes name = component->name;

    *p++ = '"';
    if (component->is_derived)
        *p++ = '@';
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];

        if ((c >= 'a' && c <= 'z') || c == '-') { /* nearly always */
            *p++ = c;
            continue;
        }
        if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7))
            c = (uint8_t)(c + 0x20);
        if (c == '"' || c == '\\')
            *p++ = '\\';
        *p++ = c;
    }
    *p++ = '"';
    return p;
}

beamr_status httpsig_base(arena *a, const httpsig_component *components, size_t count,
                          beamr_bytes params, beamr_bytes *out, beamr_error *err)
{
    size_t size;
    uint8_t *text, *p;

    if (!base_size(components, count, params, &size) || !(text = arena_alloc(a, size, 1)))
        return codec_fail_full(a, err);
    p = text;
    for (size_t i = 0; i < count; i++) {
        *p++ = '"';
        p = put(p, components[i].name.data, components[i].name.len);
        p = put(p, "\": ", 3);
        p = put_value(p, components[i].value);
        *p++ = '\n';
    }
    if (!count)
        *p++ = '\n';
    p = put(p, "\"@signature-params\": (", 22);
    for (size_t i = 0; i < count; i++) {
        if (i)
            *p++ = ' ';
        p = put_listed(p, &components[i]);
    }
    *p++ = ')';
    p = put(p, params.data, params.len);
    *out = (beamr_bytes){text, (size_t)(p - text)};
    return BEAMR_OK;
}

/* ---- Components ---- */

/* By name with its `@`. */
static int compare_listed(const void *left, const void *right)
{
    const httpsig_component *a = left, *b = right;
    beamr_bytes at = {(const uint8_t *)"@", 1};
    int order;

    if (a->is_derived == b->is_derived)
        return codec_key_compare(a->name, b->name);
    if (a->is_derived)
        return -compare_listed(right, left);
    /* `a` stands as it is, `b` has the `@` in front. */
    if (a->name.len == 0 || a->name.data[0] != '@')
        return codec_key_compare(a->name, at);
    order = codec_key_compare((beamr_bytes){a->name.data + 1, a->name.len - 1}, b->name);
    return order;
}

/* Often they are in order already, or a few; qsort takes much for those. */
static void sort_components(httpsig_component *components, size_t count)
{
    enum { FEW = 16 };
    size_t i = 1;

    while (i < count && compare_listed(&components[i - 1], &components[i]) <= 0)
        i++;
    if (i < count && count > FEW) {
        qsort(components, count, sizeof *components, compare_listed);
        return;
    }
    for (; i < count; i++) {
        httpsig_component moved = components[i];
        size_t to = i;

        for (; to && compare_listed(&components[to - 1], &moved) > 0; to--)
            components[to] = components[to - 1];
        components[to] = moved;
    }
}

beamr_status httpsig_all_components(arena *a, const httpsig_message *message, bool is_hmac,
                                    httpsig_component **out, size_t *count, beamr_error *err)
{
    httpsig_component *components = ARENA_NEW(a, httpsig_component, message->count);

    if (!components)
        return codec_fail_full(a, err);
    for (size_t i = 0; i < message->count; i++) {
        const httpsig_field *field = &message->fields[i];

        components[i] =
            (httpsig_component){field->name, httpsig_is_derived(field->name), field->value};
    }
    if (is_hmac)
        sort_components(components, message->count);
    *out = components;
    *count = message->count;
    return BEAMR_OK;
}

static beamr_status find_twice(arena *a, const httpsig_component *components, size_t count,
                               bool *is_twice, beamr_error *err)
{
    httpsig_component *sorted = ARENA_NEW(a, httpsig_component, count);

    *is_twice = false;
    if (!sorted)
        return codec_fail_full(a, err);
    if (count)
        memcpy(sorted, components, count * sizeof *sorted);
    sort_components(sorted, count);
    for (size_t i = 1; i < count; i++)
        *is_twice |= text_equal(sorted[i - 1].name, sorted[i].name);
    return BEAMR_OK;
}

beamr_status httpsig_listed_components(arena *a, const httpsig_message *message,
                                       const field_item *list, httpsig_component **out,
                                       size_t *count, bool *is_complete, beamr_error *err)
{
    httpsig_component *components = ARENA_NEW(a, httpsig_component, list->count);
    bool is_twice;

    *is_complete = false;
    *count = 0;
    if (!(*out = components))
        return codec_fail_full(a, err);
    for (size_t i = 0; i < list->count; i++) {
        const field_item *item = &list->items[i];
        beamr_bytes name = item->bytes;
        const httpsig_field *field;

        if (item->kind != FIELD_STRING || item->param_count)
            return BEAMR_OK;
        if (name.len && name.data[0] == '@')
            name = (beamr_bytes){name.data + 1, name.len - 1};
        if (!(field = httpsig_find_field(message, name)))
            return BEAMR_OK;
        components[i] =
            (httpsig_component){field->name, name.data != item->bytes.data, field->value};
    }
    *count = list->count;
    BEAMR_TRY(find_twice(a, components, list->count, &is_twice, err));
    *is_complete = !is_twice;
    return BEAMR_OK;
}

/* ---- Hmacs ---- */

beamr_status httpsig_hmac_base(arena *a, const httpsig_message *message, const field_item *list,
                               beamr_bytes *out, bool *is_complete, beamr_error *err)
{
    httpsig_component *components;
    size_t count;

    *is_complete = true;
    if (list) {
        BEAMR_TRY(
            httpsig_listed_components(a, message, list, &components, &count, is_complete, err));
        if (!*is_complete)
            return BEAMR_OK;
        for (size_t i = 0; i < count; i++) /* whatever the signer made of it */
            components[i].is_derived = httpsig_is_derived(components[i].name);
        sort_components(components, count);
    } else {
        BEAMR_TRY(httpsig_all_components(a, message, true, &components, &count, err));
    }
    return httpsig_base(a, components, count,
                        beamr_bytes_of(";alg=\"" HTTPSIG_HMAC "\";keyid=\"ao\""), out, err);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static crypto_hmac_key hmac_key; /* that of all ids */
static bool has_hmac_key;

static void prepare_hmac_key(void)
{
    has_hmac_key = crypto_hmac_prepare(beamr_bytes_of("ao"), &hmac_key, NULL) == BEAMR_OK;
}

beamr_status httpsig_hmac(arena *a, const httpsig_message *message, const field_item *list,
                          uint8_t id[AO_ID_SIZE], bool *is_complete, beamr_error *err)
{
    beamr_bytes base;

    BEAMR_TRY(httpsig_hmac_base(a, message, list, &base, is_complete, err));
    if (!*is_complete)
        return BEAMR_OK;
    (void)pthread_once(&once, prepare_hmac_key);
    if (!has_hmac_key)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "OpenSSL did not compute SHA-256");
    return crypto_hmac_sha256(&hmac_key, &base, 1, id, err);
}
