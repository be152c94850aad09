/* What the files of this program share: the guests that are called, and where rows come from
 * (rows.h). */
#ifndef BENCH_BOUNDARY_H
#define BENCH_BOUNDARY_H

#include <stdint.h>

#include "beamr/beamr.h"
#include "report.h"
#include "rows.h"

struct bench {
    beamr_engine *engine;
    beamr_store *store;       /* of the calls; those of instantiation make their own */
    beamr_instance *instance; /* of the module with the loops */
    beamr_func *inner;        /* what the host function `nest` calls */
    beamr_module *plain;      /* three functions, a table and a global */
    beamr_module *imports;    /* the same with five imports */
    beamr_module *memory64;   /* the same with one 64-bit memory of a page, exported */
    uint8_t *code;            /* a large module, generated */
    size_t code_len;
    uint8_t *copy; /* room for it */
};

/* How often a turn of a guest's loop does what is measured: often enough that the loop itself,
 * which is subtracted, hardly counts. */
enum { LOOP_TIMES = 8 };

/* guests.c: the modules, and what they need around them; run by guests_open, freed by
 * guests_close. */
void guests_open(bench *b, size_t code_size);
void guests_close(bench *b);
/* Make the five host functions that the module `imports` asks for. */
void guests_define(bench *b, beamr_linker *linker);

/* generate.c: a module of about `size` bytes that looks like compiled code, to be freed. */
uint8_t *generate_module(size_t size, size_t *len);

/* calls.c */
double call_c(bench *b, const bench_row *row, uint64_t n);
double call_export(bench *b, const bench_row *row, uint64_t n);
double call_four(bench *b, const bench_row *row, uint64_t n);
double call_vector(bench *b, const bench_row *row, uint64_t n);
double call_trap(bench *b, const bench_row *row, uint64_t n);
double call_resume(bench *b, const bench_row *row, uint64_t n);
double run_loop(bench *b, const bench_row *row, uint64_t n); /* n turns */
/* n times in n / LOOP_TIMES turns */
double run_in_loop(bench *b, const bench_row *row, uint64_t n);

/* instances.c */
double store_only(bench *b, const bench_row *row, uint64_t n);
double instance_only(bench *b, const bench_row *row, uint64_t n);
double instance_memory(bench *b, const bench_row *row, uint64_t n);
double instance_linked(bench *b, const bench_row *row, uint64_t n);
double store_instance(bench *b, const bench_row *row, uint64_t n);
double store_memory(bench *b, const bench_row *row, uint64_t n);
double store_linker(bench *b, const bench_row *row, uint64_t n);

/* load.c */
size_t code_len(const bench *b, const bench_row *row);
double load_module(bench *b, const bench_row *row, uint64_t n);
double copy_bytes(bench *b, const bench_row *row, uint64_t n);
double hash_bytes(bench *b, const bench_row *row, uint64_t n);

#endif
