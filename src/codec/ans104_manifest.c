/* Manifests of bundles: a JSON object from the keys of the members to their unsigned ids.
 * Failures point at its beginning, or at the place where it is no JSON.
 * Source: AO-Core codecs, "Bundles". */
#include "codec/ans104.h"
#include "codec/json_text.h"
#include "crypto/base64.h"

/* ---- Reading ---- */

/* One member; `json` goes before the names do. */
static beamr_status read_name(ans104_reader *r, beamr_bytes key, const json_t *id,
                              ans104_name *out)
{
    char *copy;

    if (!key.len || key.len > AO_NAME_MAX)
        return ANS104_FAIL(r, out->place, "manifest: a name of %zu bytes", key.len);
    if (!json_is_string(id) ||
        !crypto_id_bytes(
            (beamr_bytes){(const uint8_t *)json_string_value(id), json_string_length(id)},
            out->id))
        return ANS104_FAIL(r, out->place, "manifest: a member without an id");
    if (!(copy = arena_alloc(r->a, key.len, 1)))
        return codec_fail_full(r->a, r->err);
    memcpy(copy, key.data, key.len);
    key.data = (const uint8_t *)copy;
    return ans104_key(r->a, key, &out->key) ? BEAMR_OK : codec_fail_full(r->a, r->err);
}

static beamr_status read_names(ans104_reader *r, json_t *json, const uint8_t *place,
                               ans104_name **out, size_t *count)
{
    size_t all = json_object_size(json), n = 0;
    ans104_name *names;

    if (all > r->keys_left)
        return beamr_fail(r->err, BEAMR_LIMIT, (uint64_t)(place - r->origin),
                          "manifest: too many members");
    r->keys_left -= all;
    if (!(names = ARENA_NEW(r->a, ans104_name, all + 1)))
        return codec_fail_full(r->a, r->err);
    for (void *at = json_object_iter(json); at; at = json_object_iter_next(json, at)) {
        beamr_bytes key = {(const uint8_t *)json_object_iter_key(at),
                           json_object_iter_key_len(at)};

        names[n].place = place;
        BEAMR_TRY(read_name(r, key, json_object_iter_value(at), &names[n]));
        n++;
    }
    *out = names;
    *count = n;
    return BEAMR_OK;
}

/* The text's failures, said of the whole input. */
static beamr_status load(ans104_reader *r, beamr_bytes text, codec_json_doc *out)
{
    beamr_error own = {0};
    beamr_status st = codec_json_load(text, r->limits, out, &own);

    if (st == BEAMR_OK)
        return st;
    return beamr_fail(r->err, st, (uint64_t)(text.data - r->origin) + own.offset,
                      "manifest: %s", own.text);
}

beamr_status ans104_manifest_read(ans104_reader *r, beamr_bytes text, ans104_name **out,
                                  size_t *count)
{
    codec_json_doc json;
    beamr_status st = load(r, text, &json);

    if (st != BEAMR_OK)
        return st;
    st = read_names(r, json.object, text.data, out, count);
    codec_json_clear(&json);
    return st;
}

/* ---- Writing ---- */

/* ids  NULL while only the size is of interest: all are of one size */
static void put_manifest(codec_json_writer *w, const ans104_member *members, size_t count,
                         const uint8_t (*ids)[ANS104_ID_SIZE])
{
    static const uint8_t any[ANS104_ID_SIZE];
    char id[AO_ID_TEXT + 1];

    codec_json_put(w, "{", 1);
    for (size_t i = 0; i < count; i++) {
        codec_json_put(w, ",", i > 0);
        codec_json_put_string(w, members[i].key);
        codec_json_put(w, ":", 1);
        crypto_id_text(ids ? ids[i] : any, id);
        codec_json_put_string(w, (beamr_bytes){(const uint8_t *)id, AO_ID_TEXT});
    }
    codec_json_put(w, "}", 1);
}

size_t ans104_manifest_size(const ans104_member *members, size_t count)
{
    codec_json_writer w = {0};

    put_manifest(&w, members, count, NULL);
    return w.len;
}

void ans104_manifest_write(const ans104_member *members, size_t count,
                           const uint8_t (*ids)[ANS104_ID_SIZE], uint8_t *out)
{
    codec_json_writer w = {out, 0};

    put_manifest(&w, members, count, ids);
}
