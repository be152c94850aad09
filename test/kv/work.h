/* What the writer writes, and how it is checked: a sequence of batches, each of which follows
 * from its number. Batch N
 *   - expects `head` to be N - 1, and makes it N,
 *   - puts one to four keys, some small, some of many pages,
 *   - deletes those of batch N - WORK_KEPT,
 *   - appends an entry to a log, which it expects to have so many entries.
 * One of five does the first of these alone, which a store may do in another way than several.
 * So the state after N batches is known, and anything else is a loss or half a batch. */
#ifndef TEST_KV_WORK_H
#define TEST_KV_WORK_H

#include "kv/kv.h"

#define WORK_KEPT 20

/* The number of batches that `head` says were made; -1 if there is none that can be read. */
int64_t work_head(kv *store);
/* Do batch `n`, counted from 0. */
beamr_status work_batch(kv *store, int64_t n, beamr_error *err);
/* The store holds exactly what `count` batches leave.  Prints what it does not. */
bool work_check(kv *store, int64_t count);

#endif
