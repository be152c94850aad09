/* The tree of tree.h.
 * Ways down: a change first makes its own every node from the root to the leaf, splitting full
 * ones on the way when an entry will be added. Nothing that can fail comes after that, so that
 * a failure leaves a tree with the old entries. A way has at most HEIGHT_MAX nodes: full nodes
 * are split into halves, so that a tree of that height would need more entries than there is
 * memory. */
#include "ao/tree.h"

#include <assert.h>
#include <stdlib.h>

enum {
    NODE_MAX = 16,  /* entries of a leaf, children of an inner node */
    NODE_FEW = 4,   /* a node with fewer looks for a neighbour to be joined with */
    NODE_JOIN = 12, /* joined nodes have at most so many, to have room for what comes */
    HEIGHT_MAX = 24,
};

struct tree {
    ao_object object;
    uint16_t used, capacity;
    uint32_t height; /* 0: a leaf */
    size_t count;    /* entries below */
    value_size size;
    /* Behind it stand `capacity` entries or children. */
};

typedef struct tree_child {
    uint64_t prefix;
    const ao_name *least; /* the first key below; borrowed from there */
    tree *node;
} tree_child;

/* The nodes from the root to a leaf, and where in each of them the way goes on. */
typedef struct tree_way {
    tree *nodes[HEIGHT_MAX];
    size_t at[HEIGHT_MAX];
    size_t count;
} tree_way;

static inline tree_entry *entries(const tree *n)
{
    return (tree_entry *)(uintptr_t)(n + 1);
}

static inline tree_child *children(const tree *n)
{
    return (tree_child *)(uintptr_t)(n + 1);
}

/* ---- Nodes ---- */

static void destroy_node(ao_object *object)
{
    tree *n = (tree *)object;

    for (size_t i = 0; i < n->used; i++) {
        if (n->height > 0) {
            object_unref(&children(n)[i].node->object);
        } else {
            name_unref(entries(n)[i].key);
            ao_value_unref(entries(n)[i].value);
        }
    }
    free(n);
}

static size_t slot_size(uint32_t height)
{
    return height > 0 ? sizeof(tree_child) : sizeof(tree_entry);
}

static tree *new_node(uint32_t height, size_t room)
{
    size_t capacity = height > 0 || room > 8 ? NODE_MAX : room > 4 ? 8 : 4;
    tree *n = malloc(sizeof *n + capacity * slot_size(height));

    if (!n)
        return NULL;
    object_init(&n->object, destroy_node);
    n->used = 0;
    n->capacity = (uint16_t)capacity;
    n->height = height;
    n->count = 0;
    n->size = (value_size){0};
    return n;
}

static value_size entry_size(const tree_entry *e)
{
    value_size size = value_size_of(e->value);

    size.keys++;
    size.bytes += ao_name_text(e->key).len;
    return size;
}

/* Count anew what is below a node. */
static void measure(tree *n)
{
    n->size = (value_size){0};
    n->count = n->height > 0 ? 0 : n->used;
    for (size_t i = 0; i < n->used; i++) {
        if (n->height > 0) {
            value_size_add(&n->size, children(n)[i].node->size);
            n->count += children(n)[i].node->count;
        } else {
            value_size_add(&n->size, entry_size(&entries(n)[i]));
        }
    }
}

/* Copy or move slots behind those that `to` has; moved ones need no more counts. */
static void append(tree *to, const tree *from, size_t first, size_t count, bool is_moved)
{
    size_t size = slot_size(to->height);

    memcpy((char *)(to + 1) + to->used * size, (const char *)(from + 1) + first * size,
           count * size);
    for (size_t i = first; !is_moved && i < first + count; i++) {
        if (to->height > 0) {
            object_ref(&children(from)[i].node->object);
        } else {
            (void)name_ref(entries(from)[i].key);
            (void)ao_value_ref(entries(from)[i].value);
        }
    }
    to->used = (uint16_t)(to->used + count);
}

/* Make a node one that nobody else holds, with room for so many slots.
 *   slot  where it hangs; nobody else holds that node either */
static bool own(tree **slot, size_t room)
{
    tree *n = *slot, *copy;
    bool is_single = object_is_single(&n->object);

    if (is_single && n->capacity >= room)
        return true;
    copy = new_node(n->height, room > n->used ? room : n->used);
    if (!copy)
        return false;
    append(copy, n, 0, n->used, is_single);
    copy->count = n->count;
    copy->size = n->size;
    if (is_single)
        free(n);
    else
        object_unref(&n->object);
    *slot = copy;
    return true;
}

static void set_child(tree *n, size_t at, tree *child)
{
    tree_child *c = &children(n)[at];

    c->node = child;
    if (child->height > 0) {
        c->prefix = children(child)[0].prefix;
        c->least = children(child)[0].least;
    } else {
        c->prefix = entries(child)[0].prefix;
        c->least = entries(child)[0].key;
    }
}

static void open_slot(tree *n, size_t at)
{
    size_t size = slot_size(n->height);
    char *place = (char *)(n + 1) + at * size;

    memmove(place + size, place, (n->used - at) * size);
    n->used++;
}

static void close_slot(tree *n, size_t at)
{
    size_t size = slot_size(n->height);
    char *place = (char *)(n + 1) + at * size;

    n->used--;
    memmove(place, place + size, (n->used - at) * size);
}

/* ---- Finding ---- */

/* Order of two texts with the same prefix: their first bytes need not be compared again. */
static inline int compare_rest(const ao_name *name, beamr_bytes key)
{
    beamr_bytes text = ao_name_text(name);

    if (text.len <= sizeof(uint64_t) ||
        key.len <= sizeof(uint64_t)) /* bytes of zero may be missing */
        return (text.len > key.len) - (text.len < key.len);
    return text_compare(
        (beamr_bytes){text.data + sizeof(uint64_t), text.len - sizeof(uint64_t)},
        (beamr_bytes){key.data + sizeof(uint64_t), key.len - sizeof(uint64_t)});
}

/* Order of a key in the tree and one that is looked for. */
static inline int compare(uint64_t prefix, const ao_name *name, uint64_t key_prefix,
                          beamr_bytes key)
{
    if (prefix != key_prefix)
        return prefix < key_prefix ? -1 : 1;
    return compare_rest(name, key);
}

/* The child below which the key stands, if it is there. */
static size_t find_child(const tree *n, uint64_t prefix, beamr_bytes key)
{
    size_t low = 1, high = n->used;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const tree_child *c = &children(n)[middle];

        if (compare(c->prefix, c->least, prefix, key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

/* Where the key stands in a leaf, or would. The search by halves has no branches that depend on
 * keys, which would be guessed wrong every other time. */
static inline size_t find_entry(const tree *n, uint64_t prefix, beamr_bytes key, bool *is_there)
{
    const tree_entry *e = entries(n);
    size_t at = 0;

    for (size_t left = n->used, half; left > 0; left -= half) {
        half = (left + 1) / 2;
        at += half & -(size_t)(e[at + half - 1].prefix < prefix);
    }
    for (; at < n->used && e[at].prefix == prefix; at++) {
        int order = compare_rest(e[at].key, key);

        if (order >= 0) {
            *is_there = order == 0;
            return at;
        }
    }
    *is_there = false;
    return at;
}

const tree_entry *tree_find(const tree *t, beamr_bytes key)
{
    uint64_t prefix = text_prefix(key);
    bool is_there;
    size_t at;

    if (!t)
        return NULL;
    while (t->height > 0)
        t = children(t)[find_child(t, prefix, key)].node;
    at = find_entry(t, prefix, key, &is_there);
    return is_there ? &entries(t)[at] : NULL;
}

const tree_entry *tree_at(const tree *t, size_t index, const tree_entry **end)
{
    if (!t || index >= t->count)
        return NULL;
    while (t->height > 0) {
        const tree_child *c = children(t);

        for (; index >= c->node->count; c++)
            index -= c->node->count;
        t = c->node;
    }
    *end = entries(t) + t->used;
    return entries(t) + index;
}

/* ---- Changing ---- */

/* Split the full child `at` in two: in halves, or, when what comes goes behind all there is, so
 * that keys that come in order leave full nodes behind. */
static bool split_child(tree *n, size_t at, bool is_append)
{
    tree *left = children(n)[at].node;
    size_t keep = is_append ? NODE_MAX - 1 : NODE_MAX / 2;
    tree *right = new_node(left->height, NODE_MAX);

    if (!right)
        return false;
    append(right, left, keep, left->used - keep, true);
    left->used = (uint16_t)keep;
    measure(left);
    measure(right);
    open_slot(n, at + 1);
    set_child(n, at + 1, right);
    return true;
}

static bool grow_root(tree **t)
{
    tree *root = new_node((*t)->height + 1, 1);

    if (!root)
        return false;
    root->used = 1;
    set_child(root, 0, *t);
    root->size = (*t)->size;
    root->count = (*t)->count;
    *t = root;
    return true;
}

/* The slot in `n` where the key's way goes on. */
static size_t step(const tree *n, uint64_t prefix, beamr_bytes key)
{
    bool is_there;

    return n->height > 0 ? find_child(n, prefix, key) : find_entry(n, prefix, key, &is_there);
}

/* Make a child our own; when the way of a new key leads there and it is full, split it.
 *   is_last  nothing stands behind `n` */
static bool own_child(tree *n, size_t at, uint64_t prefix, beamr_bytes key, bool is_new,
                      bool is_last)
{
    tree **child = &children(n)[at].node;
    bool is_full = (*child)->used == NODE_MAX;
    size_t next;

    if (!own(child, (size_t)(*child)->used + (is_new && !is_full)))
        return false;
    set_child(n, at, *child);
    if (!is_new || !is_full)
        return true;
    next = step(*child, prefix, key) + ((*child)->height > 0);
    return split_child(n, at, is_last && at + 1u == n->used && next == NODE_MAX);
}

/* Go down to the leaf of a key, making all nodes our own.
 *   is_new  the leaf will have room for one more entry */
static bool descend(tree **t, uint64_t prefix, beamr_bytes key, bool is_new, tree_way *way)
{
    bool is_last = true, is_full;
    tree *n;

    way->count = 0;
    is_full = is_new && (*t)->used == NODE_MAX;
    if (!own(t, (size_t)(*t)->used + (is_new && !is_full)) || (is_full && !grow_root(t)))
        return false;
    for (n = *t;; n = children(n)[way->at[way->count - 1]].node) {
        size_t at = step(n, prefix, key);

        assert(way->count < HEIGHT_MAX);
        if (n->height > 0) {
            if (!own_child(n, at, prefix, key, is_new, is_last))
                return false;
            at = find_child(n, prefix, key); /* the child may have been split */
            is_last = is_last && at + 1u == n->used;
        }
        way->nodes[way->count] = n;
        way->at[way->count++] = at;
        if (n->height == 0)
            return true;
    }
}

/* Bring the least keys up to date along a way. */
static void refresh(const tree_way *way)
{
    for (size_t i = way->count - 1; i-- > 0;)
        set_child(way->nodes[i], way->at[i], children(way->nodes[i])[way->at[i]].node);
}

static bool insert(tree **t, uint64_t prefix, beamr_bytes key, const ao_name *name,
                   ao_value value)
{
    tree_entry entry = {prefix, NULL, value};
    tree_way way;
    tree *leaf;
    value_size size;

    if (!*t && !(*t = new_node(0, 1)))
        return false;
    entry.key = name ? name_ref(name) : name_of(key);
    if (!entry.key || !descend(t, prefix, key, true, &way)) {
        name_unref(entry.key);
        if ((*t)->count == 0) {
            tree_unref(*t);
            *t = NULL;
        }
        return false;
    }
    leaf = way.nodes[way.count - 1];
    open_slot(leaf, way.at[way.count - 1]);
    entries(leaf)[way.at[way.count - 1]] = entry;
    size = entry_size(&entry);
    for (size_t i = 0; i < way.count; i++) {
        value_size_add(&way.nodes[i]->size, size);
        way.nodes[i]->count++;
    }
    refresh(&way);
    return true;
}

/* Take the size of an old value out of a node on the way; from the leaf upwards. */
static void shrink(tree *n, value_size old)
{
    if (old.depth > 0 && old.depth == n->size.depth) {
        measure(n);
        return;
    }
    n->size.keys -= old.keys;
    n->size.bytes -= old.bytes;
}

/* The way to an entry; where it stands in a leaf is known. */
static bool descend_to(tree **t, const tree_entry *old, uint64_t prefix, beamr_bytes key,
                       tree_way *way)
{
    if ((*t)->height > 0)
        return descend(t, prefix, key, false, way);
    way->count = 1;
    way->at[0] = (size_t)(old - entries(*t));
    if (!own(t, (*t)->used))
        return false;
    way->nodes[0] = *t;
    return true;
}

static bool replace(tree **t, const tree_entry *found, uint64_t prefix, beamr_bytes key,
                    ao_value value)
{
    tree_way way;
    tree_entry *entry;
    ao_value old;
    value_size old_size, size;

    if (!descend_to(t, found, prefix, key, &way))
        return false;
    entry = &entries(way.nodes[way.count - 1])[way.at[way.count - 1]];
    old = entry->value;
    old_size = value_size_of(old);
    size = value_size_of(value);
    entry->value = value;
    for (size_t i = way.count; i-- > 0;) {
        tree *n = way.nodes[i];

        if (old_size.depth > size.depth && old_size.depth == n->size.depth) {
            measure(n);
            continue;
        }
        n->size.keys -= old_size.keys;
        n->size.bytes -= old_size.bytes;
        value_size_add(&n->size, size);
    }
    ao_value_unref(old);
    return true;
}

bool tree_put(tree **t, const tree_entry *old, beamr_bytes key, const ao_name *name,
              ao_value value)
{
    uint64_t prefix = text_prefix(key);

    return old ? replace(t, old, prefix, key, value) : insert(t, prefix, key, name, value);
}

/* Join a child that has become small with a neighbour, if both fit into one node. That may fail
 * for want of memory, and then nothing changes. */
static void join(tree *n, size_t at)
{
    size_t left = at > 0 ? at - 1 : at;
    tree **to = &children(n)[left].node, *from;
    size_t used;
    bool is_single;

    if (left + 1u >= n->used)
        return;
    from = children(n)[left + 1].node;
    used = (size_t)(*to)->used + from->used;
    if (used > NODE_JOIN || !own(to, used))
        return;
    is_single = object_is_single(&from->object);
    append(*to, from, 0, from->used, is_single);
    (*to)->count += from->count;
    value_size_add(&(*to)->size, from->size);
    if (is_single)
        free(from);
    else
        object_unref(&from->object);
    close_slot(n, left + 1);
    set_child(n, left, *to);
}

/* After an entry was taken out of the leaf: no node is empty, and small ones are joined. */
static void tidy(tree **t, const tree_way *way)
{
    for (size_t i = way->count - 1; i-- > 0;) {
        tree *n = way->nodes[i], *child = children(n)[way->at[i]].node;

        if (child->used == 0) {
            object_unref(&child->object);
            close_slot(n, way->at[i]);
            continue;
        }
        set_child(n, way->at[i], child);
        if (child->used < NODE_FEW)
            join(n, way->at[i]);
    }
    while (*t && (*t)->used <= ((*t)->height > 0)) {
        tree *root = *t;

        *t = root->used ? children(root)[0].node : NULL;
        root->used = 0;
        object_unref(&root->object);
    }
}

bool tree_remove(tree **t, beamr_bytes key)
{
    tree_way way;
    tree_entry gone;
    value_size size;

    if (!tree_find(*t, key))
        return true;
    if (!descend(t, text_prefix(key), key, false, &way))
        return false;
    gone = entries(way.nodes[way.count - 1])[way.at[way.count - 1]];
    size = entry_size(&gone);
    close_slot(way.nodes[way.count - 1], way.at[way.count - 1]);
    for (size_t i = way.count; i-- > 0;) {
        way.nodes[i]->count--;
        shrink(way.nodes[i], size);
    }
    tidy(t, &way);
    name_unref(gone.key);
    ao_value_unref(gone.value);
    return true;
}

/* ---- Counts ---- */

tree *tree_ref(tree *t)
{
    if (t)
        object_ref(&t->object);
    return t;
}

void tree_unref(tree *t)
{
    if (t)
        object_unref(&t->object);
}

size_t tree_count(const tree *t)
{
    return t ? t->count : 0;
}

value_size tree_size(const tree *t)
{
    return t ? t->size : (value_size){0};
}
