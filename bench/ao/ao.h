/* What the files of this program share: the messages and stores that rows use, and where
 * rows come from (rows.h). */
#ifndef BENCH_AO_H
#define BENCH_AO_H

#include <stdint.h>

#include "beamr/ao.h"
#include "report.h"
#include "rows.h"

enum { CODECS = 5, STORES = 3, SIZES = 2 };

typedef struct stores stores;

struct bench {
    ao_context *context;
    ao_message *small;      /* five keys of text and numbers */
    ao_message *ten, *many; /* of 10 and 1,000 keys */
    ao_message *nested;     /* a/b/c/d */
    ao_message *typical;    /* twenty keys, nested ones among them: for codecs */
    ao_message *large;      /* a body of a mebibyte */
    ao_value encoded[CODECS][SIZES];
    size_t encoded_len[CODECS][SIZES];
    size_t small_len; /* of the bytes that the unsigned id of `small` is a hash of, about */
    stores *stores;   /* store.c */
    uint8_t *bytes, *copy; /* a mebibyte and some each */
};

void messages_make(bench *b);
void messages_clear(bench *b);

/* ---- resolve.c ---- */
double run_find(bench *b, const bench_row *row, uint64_t n);
double run_find_four(bench *b, const bench_row *row, uint64_t n);
double run_key(bench *b, const bench_row *row, uint64_t n);
double run_path(bench *b, const bench_row *row, uint64_t n);
double run_copy_values(bench *b, const bench_row *row, uint64_t n);
double run_with(bench *b, const bench_row *row, uint64_t n);
double run_set(bench *b, const bench_row *row, uint64_t n);
double run_change(bench *b, const bench_row *row, uint64_t n);
double run_id(bench *b, const bench_row *row, uint64_t n);
double run_sha256(bench *b, const bench_row *row, uint64_t n);

/* ---- codecs.c ---- */
enum { TYPICAL = 0, LARGE = 1 }; /* `which` is codec * 2 + one of these */
extern const char *const codec_names[CODECS];
double run_encode(bench *b, const bench_row *row, uint64_t n);
double run_decode(bench *b, const bench_row *row, uint64_t n);
double run_memcpy(bench *b, const bench_row *row, uint64_t n);
size_t codec_len(const bench *b, const bench_row *row);

/* ---- store.c ---- */
enum { STORE_LMDB, STORE_FILES, STORE_MEMORY, SMALL_VALUE = 1024, LARGE_VALUE = 1 << 20 };
void stores_open(bench *b);
void stores_close(bench *b);
/* `which` is store * 2 + 0 for a kibibyte, 1 for a mebibyte */
double run_put(bench *b, const bench_row *row, uint64_t n);
double run_get(bench *b, const bench_row *row, uint64_t n);
double run_raw_put(bench *b, const bench_row *row, uint64_t n); /* LMDB without anything */
double run_raw_get(bench *b, const bench_row *row, uint64_t n);
size_t store_len(const bench *b, const bench_row *row);

#endif
