/* Trees of keys: the persistent B+ tree in which a message keeps its keys.
 * A tree is a counted node, or NULL when it is empty. Leaves hold entries in ascending byte
 * order of their keys, inner nodes hold their children with the least key of each; every node
 * knows the size of what is below it. A change copies the nodes on the way to one leaf, and
 * none that only the caller's tree can reach. Leaves may be less than half full after removals.
 * Threads: a tree may be read by any; a change belongs to one thread, of whose tree no other
 * thread holds the pointer. */
#ifndef AO_TREE_H
#define AO_TREE_H

#include "ao/internal.h"

typedef struct tree tree;

typedef struct tree_entry {
    uint64_t prefix; /* of the key: text_prefix */
    const ao_name *key;
    ao_value value;
} tree_entry;

tree *tree_ref(tree *t); /* accepts NULL */
void tree_unref(tree *t);

size_t tree_count(const tree *t);
/* Of all keys and values: `keys` counts the entries too, `depth` is that of the values. */
value_size tree_size(const tree *t);

/* NULL when there is none. Takes no lock. */
const tree_entry *tree_find(const tree *t, beamr_bytes key);
/* Entry `index`, in order, and the end of those that stand behind it; NULL beyond the last. */
const tree_entry *tree_at(const tree *t, size_t index, const tree_entry **end);

/* Set a key. The sums of sizes must not go beyond VALUE_SIZE_MAX: whoever calls checks that.
 *   t      stays valid and unchanged in content on failure
 *   old    what tree_find gives for the key
 *   name   of `key`; a count is taken when the key is new; NULL: it is interned
 *   value  taken over on success only
 * Returns false when memory is gone. */
bool tree_put(tree **t, const tree_entry *old, beamr_bytes key, const ao_name *name,
              ao_value value);
/* Remove a key, if it is there.  Returns false when memory is gone. */
bool tree_remove(tree **t, beamr_bytes key);

#endif
