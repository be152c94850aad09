/* Pointers to numbers: see map.h. */
#include "compile/map.h"

#include <stdlib.h>

bool compile_map_init(compile_map *m, size_t count)
{
    size_t room = 16;

    while (room < 2 * count)
        room *= 2;
    m->mask = room - 1;
    m->keys = calloc(room, sizeof *m->keys);
    m->values = calloc(room, sizeof *m->values);
    return m->keys && m->values;
}

void compile_map_clear(compile_map *m)
{
    free(m->keys);
    free(m->values);
    *m = (compile_map){0};
}

/* Where the key is, or would be. */
static size_t place(const compile_map *m, const void *key)
{
    uint64_t mixed = ((uint64_t)(uintptr_t)key >> 4) * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(mixed >> 24) & m->mask;

    while (m->keys[i] && m->keys[i] != key)
        i = (i + 1) & m->mask;
    return i;
}

uint32_t compile_map_get(const compile_map *m, const void *key)
{
    return m->values[place(m, key)];
}

void compile_map_set(compile_map *m, const void *key, uint32_t value)
{
    size_t i = place(m, key);

    m->keys[i] = key;
    m->values[i] = value;
}
