/* Writing parts as a multipart body.
 * The body is a row of pieces: the head of each part is made in the arena, large values stay
 * where they are. Its boundary is the hash of the parts, so the pieces are hashed twice and
 * copied, if ever, once.
 * Source: AO-Core codecs, "Multipart form". */
#include "codec/httpsig.h"

#define DISPOSITION "content-disposition"
#define FORM_DATA "form-data;name=\""
#define BOUNDARY_SIZE 43

static beamr_bytes text_bytes(const char *text)
{
    return beamr_bytes_of(text);
}

beamr_bytes httpsig_part_name(arena *a, const httpsig_part *part)
{
    char *name;

    if (!part->has_only_body)
        return part->name;
    if (!(name = arena_alloc(a, part->name.len + 5, 1)))
        return (beamr_bytes){NULL, 0};
    memcpy(name, part->name.data, part->name.len);
    memcpy(name + part->name.len, "/body", 5);
    return (beamr_bytes){(const uint8_t *)name, part->name.len + 5};
}

/* ---- Heads ---- */

static size_t escaped_length(beamr_bytes name)
{
    size_t len = name.len;

    for (size_t i = 0; i < name.len; i++)
        len += name.data[i] == '"' || name.data[i] == '\\';
    return len;
}

/* Room that is known to suffice. */
typedef struct writer {
    uint8_t *next;
} writer;

static void put(writer *w, beamr_bytes bytes)
{
    if (bytes.len)
        memcpy(w->next, bytes.data, bytes.len);
    w->next += bytes.len;
}

static void put_text(writer *w, const char *text)
{
    put(w, text_bytes(text));
}

static void put_disposition(writer *w, beamr_bytes name, bool is_inline)
{
    put_text(w, DISPOSITION ": ");
    if (is_inline) {
        put_text(w, "inline");
        return;
    }
    put_text(w, FORM_DATA);
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '"' || name.data[i] == '\\')
            *w->next++ = '\\';
        *w->next++ = name.data[i];
    }
    *w->next++ = '"';
}

/* A line of the part's head; not its body, what is elsewhere, or the part's own line. */
static bool is_line(const codec_entry *entry, httpsig_purpose purpose)
{
    return httpsig_is_short(entry, purpose, true) && !text_is(entry->key, "body") &&
           !text_is(entry->key, DISPOSITION);
}

static size_t head_size(const httpsig_part *part, beamr_bytes name, httpsig_purpose purpose)
{
    size_t size = sizeof DISPOSITION ": " FORM_DATA "\"\r\n" + escaped_length(name);

    for (size_t i = 0; part->node && i < part->node->count; i++) {
        const codec_entry *entry = &part->node->entries[i];

        if (is_line(entry, purpose))
            size += entry->key.len + entry->bytes.len + 4;
    }
    return size;
}

/* The header lines of a part, sorted, without the end of the last one. */
static beamr_status write_head(arena *a, const httpsig_part *part, beamr_bytes inline_key,
                               httpsig_purpose purpose, beamr_bytes *out, beamr_error *err)
{
    beamr_bytes name = httpsig_part_name(a, part);
    uint8_t *text = name.data ? arena_alloc(a, head_size(part, name, purpose), 1) : NULL;
    bool is_inline = text_equal(name, inline_key), has_disposition = false;
    writer w = {text};

    if (!text)
        return codec_fail_full(a, err);
    for (size_t i = 0; part->node && i < part->node->count; i++) {
        const codec_entry *entry = &part->node->entries[i];

        if (!is_line(entry, purpose))
            continue;
        if (!has_disposition && codec_key_compare(entry->key, text_bytes(DISPOSITION)) > 0) {
            put_disposition(&w, name, is_inline);
            put_text(&w, "\r\n");
            has_disposition = true;
        }
        put(&w, entry->key);
        put_text(&w, ": ");
        put(&w, entry->bytes);
        put_text(&w, "\r\n");
    }
    if (!has_disposition)
        put_disposition(&w, name, is_inline);
    else
        w.next -= 2;
    *out = (beamr_bytes){text, (size_t)(w.next - text)};
    return BEAMR_OK;
}

/* ---- Bodies ---- */

/* The bytes below a part's head; none when it has no body. */
static beamr_bytes part_data(const httpsig_part *part, bool *has_data)
{
    const codec_entry *body;

    *has_data = true;
    if (!part->node)
        return part->bytes;
    body = codec_node_find(part->node, "body");
    *has_data = body && httpsig_is_short(body, HTTPSIG_ID, true) && body->bytes.len;
    return *has_data ? body->bytes : (beamr_bytes){NULL, 0};
}

/* Every part as: what separates it from the one before (four pieces apart), head, and data. */
#define PIECES_OF_PART 4

static beamr_status collect_pieces(arena *a, httpsig_message *message, httpsig_purpose purpose,
                                   beamr_error *err)
{
    beamr_bytes *piece = ARENA_NEW(a, beamr_bytes, message->part_count * PIECES_OF_PART + 1);

    if (!piece)
        return codec_fail_full(a, err);
    message->pieces = piece;
    for (size_t i = 0; i < message->part_count; i++, piece += PIECES_OF_PART) {
        bool has_data;
        beamr_bytes data = part_data(&message->parts[i], &has_data);

        piece[0] = i ? text_bytes("\r\n") : (beamr_bytes){NULL, 0};
        BEAMR_TRY(
            write_head(a, &message->parts[i], message->inline_key, purpose, &piece[1], err));
        piece[2] = has_data ? text_bytes("\r\n\r\n") : (beamr_bytes){NULL, 0};
        piece[3] = data;
    }
    message->piece_count = message->part_count * PIECES_OF_PART;
    return BEAMR_OK;
}

/* Put the boundary between the pieces. */
static beamr_status add_boundary(arena *a, httpsig_message *message, const char *boundary,
                                 beamr_error *err)
{
    /* CR LF -- B CR LF, of which the first part lacks the first two; and CR LF -- B -- */
    const size_t size = 2 + 2 + BOUNDARY_SIZE + 2;
    uint8_t *text = arena_alloc(a, 2 * size, 1);
    writer w = {text};

    if (!text)
        return codec_fail_full(a, err);
    put_text(&w, "\r\n--");
    put(&w, (beamr_bytes){(const uint8_t *)boundary, BOUNDARY_SIZE});
    put_text(&w, "\r\n");
    put(&w, (beamr_bytes){text, size - 2});
    put_text(&w, "--");
    for (size_t i = 0; i < message->part_count; i++)
        message->pieces[i * PIECES_OF_PART] =
            i ? (beamr_bytes){text, size} : (beamr_bytes){text + 2, size - 2};
    message->pieces[message->piece_count++] = (beamr_bytes){text + size, size};
    for (size_t i = 0; i < message->piece_count; i++)
        message->body_len += message->pieces[i].len;
    return BEAMR_OK;
}

/* What is found twice would be read as one, or as neither. */
static beamr_status check_parts(arena *a, httpsig_message *message, httpsig_purpose purpose,
                                beamr_error *err)
{
    beamr_bytes last = {NULL, 0};

    for (size_t i = 0; i < message->part_count; i++) {
        beamr_bytes name = httpsig_part_name(a, &message->parts[i]);

        if (!name.data)
            return codec_fail_full(a, err);
        if (i && text_equal(name, last) && purpose == HTTPSIG_CHECK)
            message->is_body_ambiguous = true;
        else if (i && text_equal(name, last))
            return beamr_fail(err, BEAMR_ENCODING, 0,
                              "two parts of httpsig@1.0 would have the name `%.*s`",
                              (int)(name.len < 80 ? name.len : 80), (const char *)name.data);
        last = name;
    }
    return BEAMR_OK;
}

beamr_status httpsig_write_parts(arena *a, httpsig_message *message, httpsig_purpose purpose,
                                 beamr_bytes *boundary, beamr_error *err)
{
    uint8_t digest[32];
    char *text = arena_alloc(a, 1, BOUNDARY_SIZE + 1);

    if (!text)
        return codec_fail_full(a, err);
    if (purpose != HTTPSIG_ID)
        BEAMR_TRY(check_parts(a, message, purpose, err));
    BEAMR_TRY(collect_pieces(a, message, purpose, err));
    BEAMR_TRY(
        crypto_hash_pieces(CRYPTO_SHA256, message->pieces, message->piece_count, digest, err));
    crypto_id_text(digest, text);
    *boundary = (beamr_bytes){(const uint8_t *)text, BOUNDARY_SIZE};
    return add_boundary(a, message, text, err);
}
