/* Reading multipart bodies.
 * The body is cut into parts, each part is read as a binary or a message of its header lines,
 * and names with `/` become nested messages. All of it comes from outside: every step is linear
 * in the body, and what is told apart badly is refused.
 * Source: AO-Core codecs, "Decoding" of httpsig@1.0; RFC 2046, "Common Syntax" of multipart. */
#define _GNU_SOURCE /* memmem, memrchr */
#include "codec/httpsig.h"

/* A part: its name, and what it is. */
typedef struct part {
    beamr_bytes name;
    codec_node *node; /* NULL: a binary */
    beamr_bytes bytes;
} part;

typedef struct reader {
    arena *a;
    ao_value owner;
    beamr_bytes body, inline_key;
    beamr_bytes mark; /* CR LF -- B */
    codec_node *out;
    size_t count;
    beamr_error *err;
} reader;

static const uint8_t *find(beamr_bytes in, beamr_bytes what)
{
    return in.len ? memmem(in.data, in.len, what.data, what.len) : NULL;
}

static beamr_bytes from_to(const uint8_t *from, const uint8_t *to)
{
    return (beamr_bytes){from, (size_t)(to - from)};
}

static beamr_status malformed(const reader *r, const uint8_t *at, const char *what)
{
    return beamr_fail(r->err, BEAMR_MESSAGE, (uint64_t)(at - r->body.data),
                      "a multipart body %s", what);
}

/* Add a part under its name, which may be a path. */
static beamr_status add_part(reader *r, const part *new)
{
    if (r->count++ == HTTPSIG_PARTS_MAX)
        return beamr_fail(r->err, BEAMR_LIMIT, 0, "a multipart body has more than %d parts",
                          HTTPSIG_PARTS_MAX);
    if (new->node)
        return codec_node_add_node(r->a, r->out, new->name, new->node, r->err);
    return codec_node_add_bytes(r->a, r->out, new->name, new->bytes, r->owner, r->err);
}

/* ---- Parts ---- */

static beamr_status read_disposition(reader *r, beamr_bytes text, beamr_bytes *name)
{
    const field_item *param;
    field_item item;

    if (field_read_item(r->a, text, FIELD_LENIENT, &item, NULL) != BEAMR_OK)
        return malformed(r, text.data, "has a content-disposition that cannot be read");
    if (item.kind == FIELD_TOKEN && text_is(item.bytes, "inline")) {
        *name = r->inline_key;
        return BEAMR_OK;
    }
    param = field_param_find(&item, "name");
    if (!param || (param->kind != FIELD_STRING && param->kind != FIELD_TOKEN) ||
        !param->bytes.len)
        return malformed(r, text.data, "has a part without a name");
    *name = param->bytes;
    return BEAMR_OK;
}

/* One line: into the part's message, or its name. A line without `: ` counts for nothing. */
static beamr_status read_line(reader *r, beamr_bytes line, part *out)
{
    const uint8_t *colon = find(line, beamr_bytes_of(": "));
    beamr_bytes name, value;

    if (!colon || colon == line.data)
        return BEAMR_OK;
    value = from_to(colon + 2, line.data + line.len);
    name = from_to(line.data, colon);
    BEAMR_TRY(codec_normalise(r->a, &name, r->err));
    if (text_is(name, "content-disposition")) {
        if (out->name.data)
            return malformed(r, line.data, "has a part with two names");
        return read_disposition(r, value, &out->name);
    }
    if (!out->node && !(out->node = codec_node_new(r->a)))
        return codec_fail_full(r->a, r->err);
    return codec_node_add_bytes(r->a, out->node, name, value, r->owner, r->err);
}

static beamr_status read_lines(reader *r, beamr_bytes head, part *out)
{
    const uint8_t *end = head.data + head.len;

    while (head.len) {
        const uint8_t *stop = find(head, beamr_bytes_of("\r\n"));

        BEAMR_TRY(read_line(r, from_to(head.data, stop ? stop : end), out));
        head = from_to(stop ? stop + 2 : end, end);
    }
    return BEAMR_OK;
}

static beamr_status read_part(reader *r, beamr_bytes text)
{
    part new = {.node = NULL};
    const uint8_t *end = text.data + text.len, *gap;

    if (text.len >= 2 && memcmp(text.data, "\r\n", 2) == 0)
        text = from_to(text.data + 2, end);
    gap = find(text, beamr_bytes_of("\r\n\r\n"));
    BEAMR_TRY(read_lines(r, from_to(text.data, gap ? gap : end), &new));
    if (!new.name.data)
        return malformed(r, text.data, "has a part without content-disposition");
    new.bytes = from_to(gap ? gap + 4 : end, end);
    if (new.node &&new.bytes.len)
        BEAMR_TRY(codec_node_add_bytes(r->a, new.node, beamr_bytes_of("body"), new.bytes,
                                       r->owner, r->err));
    return add_part(r, &new);
}

/* The last occurrence. The mark has one CR, its first byte, so that no byte is compared twice.
 */
static const uint8_t *find_last(beamr_bytes in, beamr_bytes mark, const char *behind)
{
    size_t len = strlen(behind), left = in.len;

    while (left) {
        const uint8_t *at = memrchr(in.data, '\r', left);

        if (!at)
            return NULL;
        left = (size_t)(at - in.data);
        if (in.len - left >= mark.len + len && memcmp(at, mark.data, mark.len) == 0 &&
            memcmp(at + mark.len, behind, len) == 0)
            return at;
    }
    return NULL;
}

static beamr_status cut_parts(reader *r)
{
    beamr_bytes body = r->body, rest;
    const uint8_t *begin, *end;
    beamr_bytes first = {r->mark.data + 2, r->mark.len}; /* -- B CR LF, for it ends so */

    if (!(begin = find(body, first)))
        return malformed(r, body.data, "does not have the boundary of its content-type");
    begin += first.len;
    end = find_last(body, r->mark, "--");
    if (!end || end < begin)
        return malformed(r, body.data + body.len, "is cut off: its last boundary is missing");
    rest = from_to(begin, end);
    for (;;) {
        const uint8_t *stop = find(rest, r->mark);

        BEAMR_TRY(read_part(r, from_to(rest.data, stop ? stop : end)));
        if (!stop)
            return BEAMR_OK;
        rest = from_to(stop + r->mark.len, end);
    }
}

beamr_status httpsig_read_parts(arena *a, ao_value body, beamr_bytes boundary,
                                beamr_bytes inline_key, codec_node **node, beamr_error *err)
{
    reader r = {.a = a,
                .owner = body,
                .body = ao_bytes(body),
                .inline_key = inline_key,
                .out = *node,
                .err = err};
    char *mark = arena_alloc(a, boundary.len + 6, 1);

    if (!mark)
        return codec_fail_full(a, err);
    memcpy(mark, "\r\n--", 4);
    memcpy(mark + 4, boundary.data, boundary.len);
    memcpy(mark + 4 + boundary.len, "\r\n", 2);
    r.mark = (beamr_bytes){(const uint8_t *)mark, boundary.len + 4};
    BEAMR_TRY(cut_parts(&r));
    return codec_unflatten(a, *node, r.body.data, node, err);
}
