/* Paths: from the text of a request to a list of messages.
 * Limits: PATH_SEGMENT_MAX bytes a segment, PATH_PARTS_MAX parts and inline keys in all,
 * PATH_NESTING_MAX parentheses within each other, PATH_TEXT_MAX bytes of text. Time is linear
 * in the text. ao_request_parse of beamr/ao/context.h is the whole of it. Source: AO-Core
 * paths, "From request to message list". */
#ifndef AO_PATH_H
#define AO_PATH_H

#include "ao/context.h"

#define PATH_SEGMENT_MAX 512
#define PATH_PARTS_MAX 1024
#define PATH_NESTING_MAX 32
#define PATH_TEXT_MAX 65536

/* The parts of a `path` value: text split at `/` with empty parts dropped, or a list of texts,
 * atoms, integers and forms. out  a list of binaries and forms */
beamr_status ao_path_parts(ao_value path, ao_value *out, beamr_error *err);
/* The parts joined with `/`: a binary. */
beamr_status ao_path_join(ao_value parts, ao_value *out, beamr_error *err);
/* 32, 42 or 43 bytes: what stands for an id. */
bool ao_is_id(beamr_bytes text);

#endif
