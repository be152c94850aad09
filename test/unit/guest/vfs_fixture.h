/* File systems for tests, and what is done to their nodes in short. */
#ifndef TEST_GUEST_VFS_FIXTURE_H
#define TEST_GUEST_VFS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "guest/vfs.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static inline beamr_vfs *open_with(beamr_vfs_limits limits)
{
    beamr_vfs *vfs = NULL;

    assert_int_equal(beamr_vfs_new(&limits, &vfs, NULL), BEAMR_OK);
    return vfs;
}

static inline beamr_vfs *open_default(void)
{
    beamr_vfs *vfs = NULL;

    assert_int_equal(beamr_vfs_new(NULL, &vfs, NULL), BEAMR_OK);
    return vfs;
}

static inline beamr_bytes b(const char *text)
{
    return beamr_bytes_of(text);
}

static inline vfs_node *find(const vfs_node *dir, const char *name)
{
    vfs_node *node = NULL;

    return guest_dir_find(dir, b(name), &node) == GUEST_ESUCCESS ? node : NULL;
}

static inline vfs_node *make(beamr_vfs *vfs, vfs_node *dir, const char *name,
                             beamr_vfs_kind kind)
{
    vfs_node *node = NULL;

    assert_int_equal(guest_dir_make(vfs, dir, b(name), kind, &node), GUEST_ESUCCESS);
    return node;
}

static inline vfs_node *file(beamr_vfs *vfs, const char *name)
{
    return make(vfs, guest_vfs_root(vfs), name, BEAMR_VFS_FILE);
}

static inline vfs_node *dir(beamr_vfs *vfs, vfs_node *parent, const char *name)
{
    return make(vfs, parent, name, BEAMR_VFS_DIRECTORY);
}

static inline guest_errno put(beamr_vfs *vfs, vfs_node *node, uint64_t offset, const char *text)
{
    size_t done = 0;
    guest_errno e = guest_file_write(vfs, node, offset, text, strlen(text), &done);

    if (e == GUEST_ESUCCESS)
        assert_int_equal(done, strlen(text));
    return e;
}

static inline void assert_content(const vfs_node *node, const void *want, size_t len)
{
    char *got = malloc(len + 1);
    size_t count = 0;

    assert_non_null(got);
    guest_file_read(node, 0, got, len + 1, &count);
    assert_int_equal(count, len);
    assert_memory_equal(got, want, len);
    free(got);
}

static inline uint64_t size_of(const vfs_node *node)
{
    return guest_node_stat(node).size;
}

/* All bytes between are zero. */
static inline void assert_zero(const vfs_node *node, uint64_t from, uint64_t to)
{
    uint8_t part[4096];

    while (from < to) {
        size_t want = to - from < sizeof part ? (size_t)(to - from) : sizeof part, got = 0;

        guest_file_read(node, from, part, want, &got);
        assert_int_equal(got, want);
        for (size_t i = 0; i < want; i++)
            assert_int_equal(part[i], 0);
        from += want;
    }
}

static inline guest_errno rename_in(beamr_vfs *vfs, vfs_node *from, const char *name,
                                    vfs_node *to, const char *new_name)
{
    return guest_dir_rename(vfs, from, b(name), to, b(new_name));
}

#endif
