/* The log that the shim writes, and undo.c reads: what was done to files of one folder, each
 * written down before it is done. A file is known by its inode, and kept from being removed by
 * a link of that number in the folder GRAVES. */
#ifndef TEST_KV_SHIM_H
#define TEST_KV_SHIM_H

#include <stdint.h>

/* Environment: the folder that is watched (absolute), the folder of the log and the graves, and
 * whether syncs are only pretended; and before how many steps (writes, syncs, changes of names)
 * the process dies, counted from 1: 5 leaves four done. */
#define SHIM_FOLDER "KV_SHIM_FOLDER"
#define SHIM_LOG "KV_SHIM_LOG"
#define SHIM_LIES "KV_SHIM_LIES"
#define SHIM_STOP "KV_SHIM_STOP"

#define SHIM_PATH 512

typedef enum shim_kind {
    SHIM_WRITE = 1, /* inode, offset, size of the file before; `data_len` bytes before follow */
    SHIM_CREATE,    /* inode, path */
    SHIM_MKDIR,     /* path */
    SHIM_UNLINK,    /* inode, path */
    SHIM_RENAME,    /* inode, path, target, inode of what stood there, or 0 */
    SHIM_SYNC,      /* inode: contents */
    SHIM_SYNC_NAMES, /* path: the names in a folder */
} shim_kind;

typedef struct shim_record {
    uint32_t kind;
    uint32_t data_len;
    uint64_t inode, other;
    uint64_t offset, size;
    char path[SHIM_PATH], target[SHIM_PATH];
} shim_record;

#endif
