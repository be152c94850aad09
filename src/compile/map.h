/* A number for each of some pointers: what our own passes know of LLVM's values and blocks. */
#ifndef COMPILE_MAP_H
#define COMPILE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An open hash table. One thread at a time. */
typedef struct compile_map {
    const void **keys;
    uint32_t *values;
    size_t mask;
} compile_map;

/* Room for `count` keys. Returns false when memory is gone; clear it in any case. */
bool compile_map_init(compile_map *m, size_t count);
void compile_map_clear(compile_map *m);
/* The key's number; 0 if it has none. */
uint32_t compile_map_get(const compile_map *m, const void *key);
void compile_map_set(compile_map *m, const void *key, uint32_t value);

#endif
