/* What the parts of the conversion of arguments share. */
#ifndef DRIVER_CONVERT_INTERNAL_H
#define DRIVER_CONVERT_INTERNAL_H

#include "driver/convert.h"

/* Terms are gone through twice by the same code: first to measure, with nothing to write to;
 * then to write into one block of that size. */
typedef struct drv_builder {
    beamr_json *nodes; /* NULL while measuring; likewise the others */
    beamr_bytes *keys;
    uint8_t *text;
    size_t node_count, key_count, text_len; /* taken so far */
    bool has_text;                          /* some argument is text, perhaps empty */
    size_t arg;                             /* argument it is about, from 0; for errors */
} drv_builder;

/* BEAMR_ARGUMENT: "argument 2: ...". */
beamr_status drv_arg_fail(const drv_builder *b, beamr_error *err, const char *what);

/* Take text, which is copied.
 *   out  may be NULL while measuring */
void drv_take_text(drv_builder *b, beamr_bytes text, beamr_bytes *out);

/* Read a map, whose head was read, as JSON.
 *   root  written when building */
beamr_status drv_tree_read(drv_builder *b, drv_reader *reader, const drv_item *head,
                           beamr_json *root, beamr_error *err);

#endif
