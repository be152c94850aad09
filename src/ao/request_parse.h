/* What request_parse.c finds in a request, and request_merge.c makes messages of. */
#ifndef AO_REQUEST_PARSE_H
#define AO_REQUEST_PARSE_H

#include "ao/path_text.h"

typedef struct parser {
    ao_context *context;
    beamr_error *err;
    size_t parts;     /* and keys, so far */
    unsigned nesting; /* of parentheses */
} parser;

#define SCOPE_ALL SIZE_MAX

typedef struct parsed_key {
    const ao_name *name; /* counted; normalised */
    size_t scope;        /* the one step that gets it, or SCOPE_ALL */
    ao_value value;
    size_t next; /* of the same scope: index + 1 */
} parsed_key;

typedef struct key_list {
    parsed_key *items;
    size_t count, capacity;
} key_list;

typedef enum step_kind { STEP_KEY, STEP_AS, STEP_ID, STEP_GROUP } step_kind;

typedef struct step {
    step_kind kind;
    ao_value value;      /* the text of the key, the id, or the form */
    ao_value device;     /* AS: a text, or a form */
    size_t first, count; /* its own keys, in target.inlines */
} step;

typedef struct target {
    step *steps;
    size_t step_count, step_capacity;
    key_list inlines, keys;
} target;

/* ---- request_parse.c ---- */

beamr_status parse_fail(const parser *p, const path_source *source, size_t index,
                        const char *text);
/* Pass on what is wrong with a key of the request: it has no place in the path. */
beamr_status parse_fail_key(const parser *p, beamr_status status, beamr_bytes key,
                            const beamr_error *why);
/* A key of the request, with scope and type in its name. */
beamr_status parse_header(parser *p, beamr_bytes name, ao_value value, key_list *list);

/* ---- request_merge.c ---- */

/* The keys of the request, but its path and what is private. */
beamr_status parse_headers(parser *p, const ao_message *request, key_list *list);
/* The list of messages. */
beamr_status target_messages(const parser *p, target *t, ao_value *out);

#endif
