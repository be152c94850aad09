/* A folder of the host's that a guest is given as a copy, and what it changes there written
 * back: host_tree.c copies in, host_write.c writes back.
 *
 * The folder is opened once, by the path that the user gave. From there on everything is
 * reached from its descriptor, component by component, and a symbolic link is never followed:
 * whatever becomes of the host's tree meanwhile, and whatever names the guest makes, nothing
 * outside is read or written. */
#ifndef CLI_HOST_TREE_H
#define CLI_HOST_TREE_H

#include "beamr/vfs.h"

typedef struct host_tree host_tree;

/* Open a folder.
 *   command      for messages; borrowed, like the two others, until host_tree_close
 *   host         path of the folder
 *   place        absolute path in the guest's file system
 *   is_writable  changes will be written back
 *   out          to be closed with host_tree_close
 * Errors: BEAMR_IO (the text names the folder), BEAMR_NO_MEMORY. */
beamr_status host_tree_open(const char *command, const char *host, const char *place,
                            bool is_writable, BEAMR_OWN host_tree **out, beamr_error *err);
void host_tree_close(host_tree *tree); /* accepts NULL */
bool host_tree_is_writable(const host_tree *tree);

/* Copy all of it to its place, which is a directory already: files, directories and symbolic
 * links as they are, in the order of their names. Of others - sockets, devices - it is told
 * that they are left out. Hard links become copies.
 *   others      places of all trees: what lies there is left out, being another tree's
 *   with_times  files get the host's times; otherwise those of the file system
 * Errors: BEAMR_IO and BEAMR_LIMIT (the text names the file), BEAMR_NO_MEMORY. */
beamr_status host_tree_copy_in(host_tree *tree, beamr_vfs *vfs, const char *const *others,
                               size_t other_count, bool with_times, beamr_error *err);

/* Make the folder what the guest made of its copy. Only what differs from the copy is touched:
 * files are written beside their old version, which they then replace at once, so that nobody
 * ever sees, and no crash leaves, a half-written one; they keep permissions and, where
 * the host allows it, the owner. Times, and what else an existing file has, are not kept.
 * What is not as it was when it was copied (by its kind, size and time) is left alone, and so
 * is what the user may not write. First everything new is written; only if all of that went
 * well, what the guest removed is removed.
 *   before, now  the file system before the guest ran, and as it is
 *   others       as for host_tree_copy_in
 * Returns true when all went well; otherwise, when it has told on stderr what was written, what
 * was not, and why. */
bool host_tree_write_back(const host_tree *tree, const beamr_vfs *before, const beamr_vfs *now,
                          const char *const *others, size_t other_count);

#endif
