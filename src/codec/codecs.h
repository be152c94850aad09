/* The codecs of this library, and what makes a context know them. */
#ifndef CODEC_CODECS_H
#define CODEC_CODECS_H

#include "ao/codec.h"

extern const ao_codec codec_structured; /* structured@1.0: structured.c */
extern const ao_codec codec_httpsig;    /* httpsig@1.0: httpsig.c */
extern const ao_codec codec_flat;       /* flat@1.0: flat.c */
extern const ao_codec codec_json;       /* json@1.0: json.c */
extern const ao_codec codec_ans104;     /* ans104@1.0: ans104.c */

/* Add them all. */
beamr_status codec_add_all(ao_context *context, beamr_error *err);

#endif
