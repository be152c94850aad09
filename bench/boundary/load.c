/* Loading a large module, beside copying and hashing the same bytes. */
#include "boundary.h"

#include <openssl/sha.h>

double load_module(bench *b, const char *what, uint64_t n)
{
    double start = now_ns();

    (void)what;
    for (uint64_t i = 0; i < n; i++) {
        beamr_module *m = NULL;
        beamr_error err = {0};

        check(beamr_module_load(b->engine, (beamr_bytes){b->code, b->code_len}, &m, &err),
              &err);
        beamr_module_unref(m);
    }
    return now_ns() - start;
}

double copy_bytes(bench *b, const char *what, uint64_t n)
{
    double start = now_ns();

    (void)what;
    for (uint64_t i = 0; i < n; i++) {
        memcpy(b->copy, b->code, b->code_len);
        __asm__ volatile("" : : "r"(b->copy) : "memory");
    }
    return now_ns() - start;
}

double hash_bytes(bench *b, const char *what, uint64_t n)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    double start = now_ns();

    (void)what;
    for (uint64_t i = 0; i < n; i++) {
        (void)SHA256(b->code, b->code_len, hash);
        __asm__ volatile("" : : "r"(hash) : "memory");
    }
    return now_ns() - start;
}
