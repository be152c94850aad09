/* The process that is killed: does batch after batch, and tells each that was committed on its
 * standard output, as the number of batches in eight bytes.
 * Those that it finds it acknowledges too, after a batch of nothing.
 * Usage: kv_writer STORE */
#include <stdio.h>
#include <unistd.h>

#include "work.h"

static int acknowledge(int64_t n)
{
    return write(STDOUT_FILENO, &n, sizeof n) == (ssize_t)sizeof n;
}

/* What is there is so for good. */
static int acknowledge_found(kv *store, int64_t n, beamr_error *err)
{
    kv_batch *batch;

    return !n || (kv_batch_new(store, &batch, err) == BEAMR_OK &&
                  kv_batch_commit(batch, NULL, err) == BEAMR_OK && acknowledge(n));
}

int main(int argc, char **argv)
{
    beamr_error err = {0};
    kv *store;
    int64_t n;

    if (argc != 2)
        return 2;
    if (kv_open(argv[1], &store, &err) != BEAMR_OK || (n = work_head(store)) < 0 ||
        !acknowledge_found(store, n, &err)) {
        fprintf(stderr, "writer: %s\n", err.text);
        return 1;
    }
    for (;;) {
        if (work_batch(store, n, &err) != BEAMR_OK) {
            fprintf(stderr, "writer: batch %lld: %s\n", (long long)n, err.text);
            return 1;
        }
        n++;
        if (!acknowledge(n))
            return 0;
    }
}
