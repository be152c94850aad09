/* Structured fields for HTTP, as AO uses them: reading and writing of items, lists and
 * dictionaries. Wider than RFC 9651 where AO needs it: keys of dictionaries may have upper
 * case, `%` and a digit in front. What is read lives in an arena; strings without escapes are
 * borrowed from the text. Source: RFC 9651; AO-Core codecs, "Structured-field details". */
#ifndef CODEC_FIELD_H
#define CODEC_FIELD_H

#include "base/arena.h"
#include "beamr/bytes.h"

typedef enum field_kind {
    FIELD_INTEGER,
    FIELD_DECIMAL,
    FIELD_STRING,
    FIELD_TOKEN,
    FIELD_BYTES,
    FIELD_BOOLEAN,
    FIELD_INNER_LIST,
} field_kind;

typedef struct field_param field_param;

typedef struct field_item {
    field_kind kind;
    int64_t integer;          /* INTEGER; DECIMAL in thousandths; BOOLEAN: 0 or 1 */
    beamr_bytes bytes;        /* STRING, TOKEN, BYTES: decoded; INTEGER, DECIMAL: as written */
    struct field_item *items; /* INNER_LIST */
    size_t count;
    field_param *params; /* in the order written; of equal keys the last */
    size_t param_count;
} field_item;

struct field_param {
    beamr_bytes key;
    field_item item; /* without params of its own */
};

typedef struct field_list {
    field_item *items;
    size_t count;
} field_list;

typedef struct field_dictionary {
    field_param *members; /* with params; in the order written; of equal keys the last */
    size_t count;
} field_dictionary;

/* How strings are read. */
enum {
    FIELD_STRICT = 0,
    /* Any bytes within strings, any number of digits, and `/ ? & +` in keys too: what encoders
     * of AO write. A number beyond 64 bits is then the nearest; its text is exact. */
    FIELD_LENIENT = 1,
    /* `(ao-type-T) text` without quotes is a string up to the next comma outside of quotes;
     * only with FIELD_LENIENT. */
    FIELD_ANNOTATED = 2,
};

#define FIELD_ANNOTATION "(ao-type-" /* how strings begin that stand for other values */

/* Errors: BEAMR_MESSAGE (offset: where in `text`, and what was expected), BEAMR_LIMIT (the
 * arena is full), BEAMR_NO_MEMORY. */
beamr_status field_read_item(arena *a, beamr_bytes text, unsigned flags, field_item *out,
                             beamr_error *err);
beamr_status field_read_list(arena *a, beamr_bytes text, unsigned flags, field_list *out,
                             beamr_error *err);
beamr_status field_read_dictionary(arena *a, beamr_bytes text, unsigned flags,
                                   field_dictionary *out, beamr_error *err);
/* The first of these; NULL when there is none. Time grows with the number of members. */
const field_item *field_dictionary_find(const field_dictionary *dictionary, beamr_bytes key);
const field_item *field_param_find(const field_item *item, const char *key);

/* Reading one member after the other, where a whole list would take too much memory.
 * `err` as above; `text` is borrowed until the end. */
typedef struct field_cursor {
    arena *a;
    beamr_bytes text;
    size_t at; /* behind the last member */
    unsigned flags;
    bool is_started;
    beamr_error *err;
} field_cursor;

void field_begin(field_cursor *cursor, arena *a, beamr_bytes text, unsigned flags,
                 beamr_error *err);
/* The next item of a list, or member of a dictionary, in which equal keys can repeat.
 *   is_there  false at the end; `out` is then undefined */
beamr_status field_next_item(field_cursor *cursor, field_item *out, bool *is_there);
beamr_status field_next_member(field_cursor *cursor, field_param *out, bool *is_there);

/* A text that grows in an arena. A failure is kept: `is_full`. */
typedef struct field_text {
    arena *a;
    char *data;
    size_t len, capacity;
    bool is_full;
} field_text;

void field_text_add(field_text *text, beamr_bytes bytes);
/* Here, so that the length of a literal is known. */
static inline void field_text_add_text(field_text *text, const char *chars)
{
    field_text_add(text, beamr_bytes_of(chars));
}
/* A string with quotes, `"` and `\` escaped, other bytes unchanged. */
void field_text_add_string(field_text *text, beamr_bytes bytes);
/* What stands between its quotes. */
void field_text_add_escaped(field_text *text, beamr_bytes bytes);
/* `:BASE64:` */
void field_text_add_bytes(field_text *text, beamr_bytes bytes);
/* Any item, with its parameters, in the order given. */
void field_text_add_item(field_text *text, const field_item *item);
/* A member of a dictionary, behind those that the text holds already. */
void field_text_add_member(field_text *text, const field_param *member);
/* Borrowed until more is added. */
beamr_bytes field_text_bytes(const field_text *text);

#endif
