/* Rows of encoding and decoding. */
#include "ao.h"

const char *const codec_names[CODECS] = {"structured@1.0", "httpsig@1.0", "flat@1.0",
                                         "json@1.0", "ans104@1.0"};

/* Of keys and values, for codecs whose form is a message. */
static size_t message_len(const ao_message *message)
{
    return ao_message_size(message).max_bytes;
}

size_t codec_len(const bench *b, const bench_row *row)
{
    ao_value encoded = b->encoded[row->which / SIZES][row->which % SIZES];

    return encoded.kind == AO_MESSAGE ? message_len(ao_to_message(encoded))
                                      : ao_bytes(encoded).len;
}

double run_memcpy(bench *b, const bench_row *row, uint64_t n)
{
    size_t len = b->encoded_len[row->which / SIZES][row->which % SIZES];
    double begin;

    if (len > LARGE_VALUE + 2048)
        len = LARGE_VALUE + 2048;
    begin = processor_ns();
    for (uint64_t i = 0; i < n; i++) {
        memcpy(b->copy, b->bytes + i % 8, len);
        __asm__ volatile("" : : "r"(b->copy) : "memory");
    }
    return processor_ns() - begin;
}

double run_encode(bench *b, const bench_row *row, uint64_t n)
{
    const ao_message *message = row->which % SIZES == LARGE ? b->large : b->typical;
    beamr_error err = {0};
    double begin = processor_ns();

    for (uint64_t i = 0; i < n; i++) {
        ao_value out;

        check(ao_encode(b->context, codec_names[row->which / SIZES], message, &out, &err),
              &err);
        ao_value_unref(out);
    }
    return processor_ns() - begin;
}

double run_decode(bench *b, const bench_row *row, uint64_t n)
{
    ao_value encoded = b->encoded[row->which / SIZES][row->which % SIZES];
    beamr_error err = {0};
    double begin = processor_ns();

    for (uint64_t i = 0; i < n; i++) {
        ao_message *message = NULL;

        check(ao_decode(b->context, codec_names[row->which / SIZES], encoded, &message, &err),
              &err);
        ao_message_unref(message);
    }
    return processor_ns() - begin;
}
