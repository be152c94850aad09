/* Rows of snapshots: of a state whose memory has no zero block, and back, beside memcpy into
 * new memory. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "devices.h"

static const size_t sizes[SIZES] = {(size_t)12 << 20, (size_t)256 << 20};

const char *state_missing(const bench *b, const bench_row *row)
{
    return b->is_quick && row->which == LARGE ? "--quick" : NULL;
}

static void open_state(bench *b, int which)
{
    if (b->large[which])
        return;
    b->large[which] = json_message(b, "{\"device\": \"wasm-64@1.0\"}", guest_memory());
    advance(b, &b->large[which], ao_binary_text("init"));
    advance(b, &b->large[which], call_of("fill", ao_integer((int64_t)(sizes[which] >> 16))));
    expect(b->large[which], (double)(sizes[which] >> 16));
}

double run_memcpy(bench *b, const bench_row *row, uint64_t n)
{
    size_t size = sizes[row->which];
    uint8_t *from = malloc(size);
    double sum = 0;

    (void)b;
    need(from != NULL, "no memory to be copied");
    memset(from, 1, size);
    for (uint64_t i = 0; i < n; i++) {
        double start = processor_ns();
        void *to = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        need(to != MAP_FAILED, "no memory to copy to");
        memcpy(to, from, size);
        sum += processor_ns() - start;
        need(((volatile uint8_t *)to)[size - 1] == 1, "memcpy copied nothing");
        (void)munmap(to, size);
    }
    free(from);
    return sum;
}

/* Of a state that has just been changed: a state keeps its snapshot. */
double run_snapshot(bench *b, const bench_row *row, uint64_t n)
{
    double sum = 0;

    open_state(b, row->which);
    for (uint64_t i = 0; i < n; i++) {
        ao_value snapshot;
        double start;

        advance(b, &b->large[row->which], call_of("touch", ao_integer(64)));
        start = processor_ns();
        snapshot = resolve(b, b->large[row->which], ao_binary_text("snapshot"));
        sum += processor_ns() - start;
        need(ao_bytes(ao_message_find_text(ao_to_message(snapshot), "body")).len ==
                 sizes[row->which],
             "a snapshot has another size");
        ao_value_unref(snapshot);
    }
    return sum;
}

double run_restore(bench *b, const bench_row *row, uint64_t n)
{
    ao_message *bare = NULL, *stored = NULL;
    ao_value snapshot;
    beamr_error err = {0};
    double sum = 0;

    open_state(b, row->which);
    snapshot = resolve(b, b->large[row->which], ao_binary_text("snapshot"));
    check(ao_message_reset(b->large[row->which], &bare, &err), &err);
    check(ao_message_with(bare, "snapshot", snapshot, &stored, &err), &err);
    for (uint64_t i = 0; i < n; i++) {
        double start = processor_ns();
        ao_value state = resolve(b, stored, ao_binary_text("normalize"));

        sum += processor_ns() - start;
        ao_value_unref(state);
    }
    ao_message_unref(bare);
    ao_message_unref(stored);
    return sum;
}
