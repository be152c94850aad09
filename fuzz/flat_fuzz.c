/* Fuzz target: any bytes as a message in flat@1.0. What is read is written, unless a key or a
 * value has what a text of lines cannot hold, and reads as an equal message.
 * Seeds: seeds/flat/; they are their own source. */
#include "codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ao_value text = ao_binary_copy((beamr_bytes){data, size});

    fuzz_codec(&codec_flat, text, false);
    ao_value_unref(text);
    return 0;
}
