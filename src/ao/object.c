/* Counted objects: counting, and destroying without deep recursion.
 * An object that is destroyed gives back what it holds, which may destroy that too, and so on:
 * messages within messages, what links have loaded, histories. A thread goes down a few levels
 * of that on its stack and puts the rest on a list of its own, which its outermost call works
 * off. */
#include "ao/internal.h"

#include <stdatomic.h>

enum { NESTED_MAX = 64 };

static _Thread_local struct {
    unsigned nested;
    ao_object *waiting;
} destroying;

void object_init(ao_object *object, void (*destroy)(ao_object *object))
{
    atomic_init(&object->is.count, 1);
    object->destroy = destroy;
}

static void destroy(ao_object *object)
{
    if (destroying.nested >= NESTED_MAX) {
        object->is.next = destroying.waiting;
        destroying.waiting = object;
        return;
    }
    destroying.nested++;
    object->destroy(object);
    destroying.nested--;
    if (destroying.nested > 0)
        return;
    while ((object = destroying.waiting)) {
        destroying.waiting = object->is.next;
        destroying.nested = 1;
        object->destroy(object);
        destroying.nested = 0;
    }
}

void object_unref(ao_object *object)
{
    if (atomic_fetch_sub_explicit(&object->is.count, 1, memory_order_release) != 1)
        return;
    /* What other threads did with the object comes before its end. */
    (void)atomic_load_explicit(&object->is.count, memory_order_acquire);
    destroy(object);
}

ao_chain *chain_ref(const ao_chain *chain)
{
    if (chain)
        object_ref((ao_object *)(uintptr_t)chain);
    return (ao_chain *)(uintptr_t)chain;
}

void chain_unref(const ao_chain *chain)
{
    if (chain)
        object_unref((ao_object *)(uintptr_t)chain);
}
