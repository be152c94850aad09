/* Loading a large module, beside copying and hashing the same bytes. */
#include "boundary.h"

#include <openssl/sha.h>

size_t code_len(const bench *b, const bench_row *row)
{
    (void)row;
    return b->code_len;
}

double load_module(bench *b, const bench_row *row, uint64_t n)
{
    double start = wall_ns();

    (void)row;
    for (uint64_t i = 0; i < n; i++) {
        beamr_module *m = NULL;
        beamr_error err = {0};

        check(beamr_module_load(b->engine, (beamr_bytes){b->code, b->code_len}, &m, &err),
              &err);
        beamr_module_unref(m);
    }
    return wall_ns() - start;
}

double copy_bytes(bench *b, const bench_row *row, uint64_t n)
{
    double start = wall_ns();

    (void)row;
    for (uint64_t i = 0; i < n; i++) {
        memcpy(b->copy, b->code, b->code_len);
        __asm__ volatile("" : : "r"(b->copy) : "memory");
    }
    return wall_ns() - start;
}

double hash_bytes(bench *b, const bench_row *row, uint64_t n)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    double start = wall_ns();

    (void)row;
    for (uint64_t i = 0; i < n; i++) {
        (void)SHA256(b->code, b->code_len, hash);
        __asm__ volatile("" : : "r"(hash) : "memory");
    }
    return wall_ns() - start;
}
