/* Fuzz target: any bytes as a message in json@1.0. What is read is written as JSON that reads
 * as an equal message. A binary from a list may be no UTF-8, which JSON cannot hold. Seeds:
 * seeds/json_message/; they are their own source. */
#include "codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ao_value text = ao_binary_copy((beamr_bytes){data, size});

    fuzz_codec(&codec_json, text, false);
    ao_value_unref(text);
    return 0;
}
