/* Package libflacjs: the reference codec for audio in C, by an old Emscripten, whose modules
 * import their memory and their table. It must decode the files of RFC 9639 ("Examples"), each
 * with an MD5 of its samples, which OpenSSL computes again; and make a file of other samples
 * that it decodes to the same, with the MD5 in it. Its callbacks are functions of this program
 * in the module's table. */
#include "guest.h"

#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES = 5000, CHANNELS = 2, TABLE = 22 }; /* the module's own functions in its table */
/* Where the module keeps the end of its heap, and what its JavaScript puts there at first. */
enum { HEAP_POINTER = 14176, HEAP_START = 5257216 };
enum { READ = TABLE, WRITE, FAIL, ENCODED }; /* ours */

/* "FLAC__STREAM_DECODER_READ_STATUS_..." */
enum { READ_CONTINUE = 0, READ_END = 1 };

typedef struct coder {
    blob flac;      /* read from, or written to */
    size_t at;      /* how much of it was read */
    EVP_MD_CTX *md; /* of the samples decoded */
    size_t samples; /* of them; in all channels */
    int bits;       /* of a sample */
    int channels;
    bool has_failed;
} coder;

/* ---- Callbacks ---- */

/* (decoder, buffer, size, user): fill the buffer, and set how much is in it. */
static beamr_status on_read(const beamr_call *call, const beamr_value *args,
                            beamr_value *results, beamr_error *err)
{
    guest *g = call->user;
    coder *c = g->user;
    size_t room = guest_get_u32(g, args[2].of.i32), n = c->flac.len - c->at;

    (void)err;
    n = n < room ? n : room;
    guest_put(g, args[1].of.i32, c->flac.data + c->at, n);
    guest_put_u32(g, args[2].of.i32, (uint32_t)n);
    c->at += n;
    results[0] = beamr_i32(n ? READ_CONTINUE : READ_END);
    return BEAMR_OK;
}

/* (decoder, frame, channels, user): one block; the frame begins with the number of samples,
 * each channel is an array of i32. The MD5 is of the samples as they alternate, little-endian.
 */
static beamr_status on_write(const beamr_call *call, const beamr_value *args,
                             beamr_value *results, beamr_error *err)
{
    guest *g = call->user;
    coder *c = g->user;
    uint32_t count = guest_get_u32(g, args[1].of.i32);

    (void)results; /* 0: go on */
    (void)err;
    for (uint32_t i = 0; i < count; i++) {
        for (int channel = 0; channel < c->channels; channel++) {
            uint32_t samples = guest_get_u32(g, args[2].of.i32 + 4 * channel);
            uint8_t bytes[4];

            guest_get(g, samples + 4 * (int64_t)i, bytes, sizeof bytes);
            EVP_DigestUpdate(c->md, bytes, (size_t)c->bits / 8);
            c->samples++;
        }
    }
    return BEAMR_OK;
}

/* (decoder, status, user) */
static beamr_status on_fail(const beamr_call *call, const beamr_value *args,
                            beamr_value *results, beamr_error *err)
{
    guest *g = call->user;
    coder *c = g->user;

    (void)args;
    (void)results;
    (void)err;
    c->has_failed = true;
    return BEAMR_OK;
}

/* (encoder, buffer, bytes, samples, frame, user): a piece of the file. */
static beamr_status on_encoded(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    guest *g = call->user;
    coder *c = g->user;
    size_t n = (size_t)(uint32_t)args[2].of.i32;

    (void)results;
    (void)err;
    c->flac.data = realloc(c->flac.data, c->flac.len + n + 1);
    CHECK(c->flac.data, "no memory");
    guest_get(g, args[1].of.i32, c->flac.data + c->flac.len, n);
    c->flac.len += n;
    return BEAMR_OK;
}

static beamr_status host_round(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)err;
    results[0] = beamr_f64(round(args[0].of.f64));
    return BEAMR_OK;
}

/* (to, from, bytes) */
static beamr_status host_memcpy(const beamr_call *call, const beamr_value *args,
                                beamr_value *results, beamr_error *err)
{
    guest *g = call->user;
    uint32_t to = (uint32_t)args[0].of.i32, from = (uint32_t)args[1].of.i32,
             n = (uint32_t)args[2].of.i32;

    (void)err;
    CHECK((uint64_t)from + n <= beamr_memory_size(g->memory), "%u bytes at %u", n, from);
    guest_put(g, to, beamr_memory_data(g->memory) + from, n);
    results[0] = args[0];
    return BEAMR_OK;
}

/* ---- The module ---- */

/* Put a function of this program into the module's table. */
static void add_callback(guest *g, beamr_table *table, uint64_t index, size_t param_count,
                         bool has_result, beamr_host_func callback)
{
    beamr_valtype i32 = beamr_valtype_of(BEAMR_I32);
    beamr_valtype params[6] = {i32, i32, i32, i32, i32, i32};
    beamr_functype type = {params, param_count, &i32, has_result ? 1 : 0};
    beamr_value value = {.kind = BEAMR_FUNCREF};
    beamr_error err = {0};

    CHECK(beamr_func_new(g->store, &type, callback, g, NULL, &value.of.func, &err) ==
                  BEAMR_OK &&
              beamr_table_set(table, index, &value, &err) == BEAMR_OK,
          "%s", err.text);
}

static void define(guest *g, const char *name, beamr_extern item)
{
    beamr_error err = {0};

    CHECK(beamr_linker_define(g->linker, beamr_bytes_of("env"), beamr_bytes_of(name), item,
                              &err) == BEAMR_OK,
          "%s", err.text);
}

static void open_codec(guest *g, const test_folders *folders, coder *c)
{
    static const guest_import imports[] = {{"env", "round", host_round},
                                           {"env", "emscripten_memcpy_big", host_memcpy},
                                           {"env", "emscripten_resize_heap", host_resize_heap},
                                           {"env", "setTempRet0", host_nothing},
                                           {NULL, NULL, NULL}};
    beamr_limits pages = {256, 32768, false}, elements = {TABLE + 4, TABLE + 4, false};
    beamr_extern memory = {.kind = BEAMR_EXTERN_MEMORY}, table = {.kind = BEAMR_EXTERN_TABLE};
    beamr_error err = {0};

    guest_load(g, blob_read(folders->package, "dist/libflac.wasm.wasm"), imports, c);
    CHECK(beamr_memory_new(g->store, &pages, &memory.of.memory, &err) == BEAMR_OK &&
              beamr_table_new(g->store, &elements, beamr_valtype_of(BEAMR_FUNCREF), NULL,
                              &table.of.table, &err) == BEAMR_OK,
          "%s", err.text);
    define(g, "memory", memory);
    define(g, "table", table);
    add_callback(g, table.of.table, READ, 4, true, on_read);
    add_callback(g, table.of.table, WRITE, 4, true, on_write);
    add_callback(g, table.of.table, FAIL, 3, false, on_fail);
    add_callback(g, table.of.table, ENCODED, 6, true, on_encoded);
    guest_link(g);
    guest_put_u32(g, HEAP_POINTER, HEAP_START);
    CALL(g, "__wasm_call_ctors");
}

/* Decode c->flac, whose first block describes it; compare its MD5 with that of the samples.
 *   samples  how many there must be, in all channels */
static void decode(guest *g, coder *c, size_t samples)
{
    const uint8_t *info = c->flac.data + 8; /* "streaminfo" */
    int64_t decoder = CALL(g, "FLAC__stream_decoder_new");
    uint8_t digest[EVP_MAX_MD_SIZE];

    CHECK(c->flac.len > 42 && memcmp(c->flac.data, "fLaC", 4) == 0, "no file");
    c->channels = (info[12] >> 1 & 7) + 1;
    c->bits = ((info[12] & 1) << 4 | info[13] >> 4) + 1;
    c->at = c->samples = 0;
    c->has_failed = false;
    c->md = EVP_MD_CTX_new();
    CHECK(EVP_DigestInit_ex(c->md, EVP_md5(), NULL) == 1, "no MD5");
    CHECK(CALL(g, "FLAC__stream_decoder_init_stream", decoder, READ, 0, 0, 0, 0, WRITE, 0, FAIL,
               0) == 0,
          "the decoder does not begin");
    CHECK(CALL(g, "FLAC__stream_decoder_process_until_end_of_stream", decoder) != 0 &&
              !c->has_failed,
          "the decoder fails");
    CALL(g, "FLAC__stream_decoder_delete", decoder);
    EVP_DigestFinal_ex(c->md, digest, NULL);
    EVP_MD_CTX_free(c->md);
    CHECK(c->samples == samples, "%zu samples of %zu", c->samples, samples);
    CHECK(memcmp(digest, info + 18, 16) == 0, "the samples are not those of the file");
}

/* The files of RFC 9639, "Examples", with the number of samples in all channels. */
static const struct {
    size_t samples;
    const char *hex;
} examples[] = {
    {2, "664c61438000002210001000"
        "00000f00000f0ac442f00000"
        "00013e84b41807dc69030758"
        "6a3dad1a2e0ffff869180000"
        "bf0358fd03128baa9a"},
    {38, "664c61430000002200100010"
         "0000170000440ac442f00000"
         "0013d5b0564975e98b8d8b93"
         "0422757b8103030000120000"
         "000000000000000000000000"
         "000000100400003a20000000"
         "7265666572656e6365206c69"
         "62464c414320312e332e3320"
         "323031393038303401000000"
         "0e0000005449544c453dd7a9"
         "d79cd795d79d810000060000"
         "00000000fff86998000f9912"
         "086701623d1442998f5df70d"
         "6fe00c17caeb21000ee7a77a"
         "24a1590c1217b603097b784f"
         "aa9a33d285e070ad5b1b4851"
         "b4010d99d2cd1a68f1e6b810"
         "fff869180102a402c382c40b"
         "c14a03ee48dd03b67c1330"},
    {24, "664c61438000002210001000"
         "00001f00001f07d000700000"
         "0018f8f9e396f5cbcfc6dc80"
         "7f9977906b32fff868020017"
         "e944004f6f313d1047d227cb"
         "6d090831452bdc2822228057"
         "a3"},
};

static void decode_example(guest *g, coder *c, size_t i)
{
    const char *hex = examples[i].hex;
    unsigned byte;

    c->flac.len = strlen(hex) / 2;
    c->flac.data = malloc(c->flac.len);
    CHECK(c->flac.data, "no memory");
    for (size_t n = 0; n < c->flac.len; n++) {
        sscanf(hex + 2 * n, "%2x", &byte);
        c->flac.data[n] = (uint8_t)byte;
    }
    decode(g, c, examples[i].samples);
    free(c->flac.data);
}

/* Two tones, one of them with noise: 16 bits, stereo. */
static void put_samples(guest *g, int64_t at)
{
    blob noise = blob_noise(SAMPLES, 4);

    for (int i = 0; i < SAMPLES; i++) {
        int left = (int)(9000 * sin(i * 0.031)), right = left / 2 + noise.data[i];

        guest_put_u32(g, at + 8 * i, (uint32_t)left);
        guest_put_u32(g, at + 8 * i + 4, (uint32_t)right);
    }
    free(noise.data);
}

static void encode(guest *g, coder *c, int level)
{
    int64_t encoder = CALL(g, "FLAC__stream_encoder_new"), at;

    c->flac = (blob){NULL, 0};
    at = CALL(g, "malloc", SAMPLES * 8);
    put_samples(g, at);
    CALL(g, "FLAC__stream_encoder_set_channels", encoder, CHANNELS);
    CALL(g, "FLAC__stream_encoder_set_bits_per_sample", encoder, 16);
    CALL(g, "FLAC__stream_encoder_set_sample_rate", encoder, 44100);
    CALL(g, "FLAC__stream_encoder_set_compression_level", encoder, level);
    CHECK(CALL(g, "FLAC__stream_encoder_init_stream", encoder, ENCODED, 0, 0, 0, 0) == 0,
          "the encoder does not begin");
    CHECK(CALL(g, "FLAC__stream_encoder_process_interleaved", encoder, at, SAMPLES) != 0 &&
              CALL(g, "FLAC__stream_encoder_finish", encoder) != 0,
          "the encoder fails");
    CALL(g, "FLAC__stream_encoder_delete", encoder);
    CALL(g, "free", at);
    CHECK(c->flac.len < SAMPLES * 3, "%zu bytes", c->flac.len);
}

/* The encoder cannot go back to write the MD5 into the first block: it is computed here. */
static void fill_in_md5(blob flac)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    blob noise = blob_noise(SAMPLES, 4);

    CHECK(EVP_DigestInit_ex(md, EVP_md5(), NULL) == 1, "no MD5");
    for (int i = 0; i < SAMPLES; i++) {
        int left = (int)(9000 * sin(i * 0.031)), right = left / 2 + noise.data[i];
        uint8_t bytes[4] = {(uint8_t)left, (uint8_t)(left >> 8), (uint8_t)right,
                            (uint8_t)(right >> 8)};

        EVP_DigestUpdate(md, bytes, sizeof bytes);
    }
    EVP_DigestFinal_ex(md, flac.data + 8 + 18, NULL);
    EVP_MD_CTX_free(md);
    free(noise.data);
}

void test_flac(const test_folders *folders)
{
    coder c = {0};
    guest g;

    open_codec(&g, folders, &c);
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        decode_example(&g, &c, i);
    for (int level = 0; level <= 8; level += 4) {
        encode(&g, &c, level);
        fill_in_md5(c.flac);
        decode(&g, &c, SAMPLES * CHANNELS);
        free(c.flac.data);
    }
    guest_close(&g);
}
