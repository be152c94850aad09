/* A file system as bytes: the layout that vfs_save.c writes and vfs_load.c reads.
 *
 *     header      magic 8, version u32, flags u32
 *     [state      next id u64, version u64, time u64]
 *     node        of the root, a directory
 *     names       of the root
 *     [orphans    kind u8, node; ids rising; then a 0]
 *
 *     names       (kind u8, length u32, name, [cookie u64], what is there)...; then a 0; in the
 *                 order of cookies
 *     what is there
 *         by kind: a directory's node and its names; the node of a file or link; or another
 *         name of a file or link that came earlier: its number u32, counted from 0 in the
 *         order in which they come
 *     node        accessed u64, modified u64, changed u64, [id u64, version u64]
 *         of a directory    [next cookie u64]
 *         of a file         length u64, content
 *         of a link         length u32, target
 *     content     less than a block: as it is. Otherwise runs, until all is there: blocks of
 *                 zeros u64, other blocks u64, and those. The last block may be short. A run
 *                 is as long as it can be: none of both numbers is 0, but the first zeros and
 *                 the last others
 *
 * Numbers are little-endian. What stands in brackets is there if the flag says so. What is
 * accepted is written again as the same bytes. */
#ifndef GUEST_VFS_FORMAT_H
#define GUEST_VFS_FORMAT_H

#define VFS_MAGIC "beamrvfs"
#define VFS_MAGIC_SIZE 8u
#define VFS_VERSION 1u
#define VFS_FLAG_STATE 1u /* of guest_vfs_save */
#define VFS_BLOCK 4096u   /* bytes */

/* Kinds, before a name. */
enum {
    VFS_TAG_END = 0,
    VFS_TAG_DIRECTORY = 1,
    VFS_TAG_FILE = 2,
    VFS_TAG_LINK = 3,
    VFS_TAG_AGAIN = 4, /* another name */
};

#endif
