/* JSON texts as codecs read and write them: an object read by jansson, with its failures made
 * ours, and strings written. What they mean is json.c's and ans104_manifest.c's. */
#ifndef CODEC_JSON_TEXT_H
#define CODEC_JSON_TEXT_H

#include <jansson.h>

#include "codec/json_large.h"

/* An object that was read. Large texts are not in it, but marks (codec/json_large.h):
 * json_large_value tells what a text stands for. */
typedef struct codec_json_doc {
    json_t *object;
    json_texts texts;
} codec_json_doc;

/* Read an object.
 *   text    borrowed as long as the object
 *   limits  of depth and of the number of values, checked before anything is made of the text
 *   out     to be given to codec_json_clear
 * Errors: BEAMR_MESSAGE (no JSON, no object, a name that is there twice, a number too large),
 * BEAMR_LIMIT, both with the offset in the text; BEAMR_NO_MEMORY.  Threads: any. */
beamr_status codec_json_load(beamr_bytes text, const ao_limits *limits,
                             BEAMR_OWN codec_json_doc *out, beamr_error *err);
void codec_json_clear(codec_json_doc *json);

/* Writes, or only counts, so that what is written twice says first how much memory it takes. */
typedef struct codec_json_writer {
    uint8_t *data; /* NULL while counting */
    size_t len;
} codec_json_writer;

/* Bytes as they are: punctuation. */
void codec_json_put(codec_json_writer *writer, const void *data, size_t len);
/* A string: quoted, and escaped as far as RFC 8259 demands.
 *   text  as codec_json_is_text */
void codec_json_put_string(codec_json_writer *writer, beamr_bytes text);
/* Can JSON hold these bytes as a string: are they UTF-8? */
bool codec_json_is_text(beamr_bytes bytes);

#endif
