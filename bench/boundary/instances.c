/* Stores and instances: making them, and freeing them where the name says so. Instances in an
 * existing store are made in batches, each in a new store that is not measured. */
#include "boundary.h"

enum { BATCH = 200 };

static beamr_store *store_new(bench *b)
{
    beamr_store *store = NULL;
    beamr_error err = {0};

    check(beamr_store_new(b->engine, NULL, &store, &err), &err);
    return store;
}

static void instance_new(beamr_store *store, beamr_module *module)
{
    beamr_instance *instance;
    beamr_error err = {0};

    check(beamr_instance_new(store, module, NULL, 0, &instance, &err), &err);
}

double store_only(bench *b, const bench_row *row, uint64_t n)
{
    double start = wall_ns();

    (void)row;
    for (uint64_t i = 0; i < n; i++)
        beamr_store_free(store_new(b));
    return wall_ns() - start;
}

static double batches(bench *b, beamr_module *module, uint64_t n)
{
    double ns = 0;

    while (n > 0) {
        uint64_t count = n < BATCH ? n : BATCH;
        beamr_store *store = store_new(b);
        double start = wall_ns();

        for (uint64_t i = 0; i < count; i++)
            instance_new(store, module);
        ns += wall_ns() - start;
        beamr_store_free(store);
        n -= count;
    }
    return ns;
}

double instance_only(bench *b, const bench_row *row, uint64_t n)
{
    (void)row;
    return batches(b, b->plain, n);
}

double instance_memory(bench *b, const bench_row *row, uint64_t n)
{
    (void)row;
    return batches(b, b->memory64, n);
}

static beamr_linker *linker_new(bench *b, beamr_store *store)
{
    beamr_linker *linker = NULL;
    beamr_error err = {0};

    check(beamr_linker_new(store, &linker, &err), &err);
    guests_define(b, linker);
    return linker;
}

double instance_linked(bench *b, const bench_row *row, uint64_t n)
{
    double ns = 0;

    (void)row;
    while (n > 0) {
        uint64_t count = n < BATCH ? n : BATCH;
        beamr_store *store = store_new(b);
        beamr_linker *linker = linker_new(b, store);
        beamr_instance *instance;
        beamr_error err = {0};
        double start = wall_ns();

        for (uint64_t i = 0; i < count; i++)
            check(beamr_linker_instantiate(linker, b->imports, &instance, &err), &err);
        ns += wall_ns() - start;
        beamr_linker_free(linker);
        beamr_store_free(store);
        n -= count;
    }
    return ns;
}

static double stores(bench *b, beamr_module *module, uint64_t n)
{
    double start = wall_ns();

    for (uint64_t i = 0; i < n; i++) {
        beamr_store *store = store_new(b);

        instance_new(store, module);
        beamr_store_free(store);
    }
    return wall_ns() - start;
}

double store_instance(bench *b, const bench_row *row, uint64_t n)
{
    (void)row;
    return stores(b, b->plain, n);
}

double store_memory(bench *b, const bench_row *row, uint64_t n)
{
    (void)row;
    return stores(b, b->memory64, n);
}

double store_linker(bench *b, const bench_row *row, uint64_t n)
{
    double start = wall_ns();

    (void)row;
    for (uint64_t i = 0; i < n; i++) {
        beamr_store *store = store_new(b);
        beamr_linker *linker = linker_new(b, store);
        beamr_instance *instance;
        beamr_error err = {0};

        check(beamr_linker_instantiate(linker, b->imports, &instance, &err), &err);
        beamr_linker_free(linker);
        beamr_store_free(store);
    }
    return wall_ns() - start;
}
