/* What the files of this program share: the messages and stores that rows use, a row of the
 * table, and where rows come from. Every row's function does one thing `n` times and says how
 * long it took; repeating, medians and printing are in ao.c. */
#ifndef BENCH_AO_H
#define BENCH_AO_H

#include <stdbool.h>
#include <stdint.h>

#include "beamr/ao.h"
#include "report.h"

enum { CODECS = 5, STORES = 3, SIZES = 2 };

typedef struct stores stores;

typedef struct bench {
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
} bench;

/* Which row a row stands beside: one with `bound` in it. */
typedef struct row {
    const char *name;
    double (*run)(bench *b, int which, uint64_t n); /* returns nanoseconds */
    int which;
    const char *beside; /* name of its lower bound; NULL for none */
    const char *minus;  /* name of the row whose time is not meant; NULL for none */
    double goal_ns;     /* 0: none */
    double goal_ratio;  /* to the lower bound, `goal_ns` on top if both are given; 0: none */
    size_t (*len)(const bench *b, int which); /* for MB/s; NULL for none */
    uint64_t at_most;                         /* repetitions; 0: any */
} row;

double now_ns(void);  /* of this thread's processor time */
double wall_ns(void); /* for what waits */

void messages_make(bench *b);
void messages_clear(bench *b);

/* ---- resolve.c ---- */
double run_find(bench *b, int which, uint64_t n);
double run_find_four(bench *b, int which, uint64_t n);
double run_key(bench *b, int which, uint64_t n);
double run_path(bench *b, int which, uint64_t n);
double run_copy_values(bench *b, int count, uint64_t n);
double run_with(bench *b, int count, uint64_t n);
double run_set(bench *b, int count, uint64_t n);
double run_change(bench *b, int which, uint64_t n);
double run_id(bench *b, int which, uint64_t n);
double run_sha256(bench *b, int which, uint64_t n);

/* ---- codecs.c ---- */
enum { TYPICAL = 0, LARGE = 1 }; /* `which` is codec * 2 + one of these */
extern const char *const codec_names[CODECS];
double run_encode(bench *b, int which, uint64_t n);
double run_decode(bench *b, int which, uint64_t n);
double run_memcpy(bench *b, int which, uint64_t n);
size_t codec_len(const bench *b, int which);

/* ---- store.c ---- */
enum { STORE_LMDB, STORE_FILES, STORE_MEMORY, SMALL_VALUE = 1024, LARGE_VALUE = 1 << 20 };
void stores_open(bench *b);
void stores_close(bench *b);
/* `which` is store * 2 + 0 for a kibibyte, 1 for a mebibyte */
double run_put(bench *b, int which, uint64_t n);
double run_get(bench *b, int which, uint64_t n);
double run_raw_put(bench *b, int which, uint64_t n); /* LMDB without anything */
double run_raw_get(bench *b, int which, uint64_t n);
size_t store_len(const bench *b, int which);

#endif
