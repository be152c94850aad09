/* Entries: calls into a store from C. Each runs on a fiber of its own, so it can wait: for the
 * answer to an import, or because it was asked to pause. Entries of a store are last in, first
 * out, since they share the stack of guest frames and usually the guest's own one in memory.
 * Threads: the caller holds the store; a suspended entry may go on in any thread. */
#ifndef RUNTIME_ENTRY_H
#define RUNTIME_ENTRY_H

#include "runtime/fiber.h"
#include "runtime/runtime.h"

/* Bytes of stack that a host function finds below it. */
#define RT_HOST_STACK ((size_t)256 << 10)

typedef enum rt_entry_state {
    RT_ENTRY_RUNNING, /* or below others that are */
    RT_ENTRY_SUSPENDED,
    RT_ENTRY_YIELDED, /* in a stress build: to go on at once */
    RT_ENTRY_ENDED
} rt_entry_state;

/* An entry; it stands at the upper end of its fiber's stack. */
typedef struct rt_entry rt_entry;
struct rt_entry {
    beamr_error own; /* of a call that can wait, whose callers come and go */
    abi_store *store;
    rt_entry *outer; /* the entry before it; of one that is not in use, the next such */
    uint64_t id;     /* counts from 1 in its store */
    abi_func *func;
    uint64_t *slots; /* arguments, then results */
    beamr_error *err;
    beamr_status status; /* once it has ended */
    rt_entry_state state;
    bool can_wait;
    bool is_cancelled;
    bool is_large; /* its stack has room for native code */
    /* What is put back when it ends. */
    uint64_t *stack_top;
    abi_frame *frame_top;
    uint32_t units;
    /* The function whose answer it waits for, who called it, and its arguments, which results
     * replace; NULL when it was paused. */
    abi_func *request;
    abi_instance *request_caller;
    uint64_t *request_slots;
    beamr_status answer;
    rt_fiber fiber;
};

/* Bytes of a fiber's mapping, with the guard below; and the entry that is made in one. They are
 * many once the store has native code, whose frames are there: for all of the store's units, and
 * for the runtime's own frames between guests. What is not used takes no memory. */
size_t rt_entry_bytes(const abi_store *s);
/*   at  rt_entry_bytes, all accessible yet, aligned to host pages
 * Returns NULL when the guard cannot be made. */
rt_entry *rt_entry_init(abi_store *s, void *at);
/* From now on entries have room for native code. Those that are active stay as they are. */
void rt_store_enlarge_stacks(abi_store *s);
/* The innermost entry, which must be there, has it. */
static inline bool rt_entry_is_large(const abi_store *s)
{
    return s->entry->is_large;
}
/* Release what the entries of a store that is about to go hold; none is active. */
void rt_entries_clear(abi_store *s);

/* Call a function whose arguments are already in the slots at store->stack_top, as abi_entry;
 * for calls from C. Results replace the arguments.
 *   can_wait  suspend at imports that are answered later, and pause when asked to
 *   id        of the entry, when it was suspended; may be NULL if it cannot wait
 * Errors: BEAMR_TRAP, STACK_EXHAUSTED beyond the store's limit on nesting; BEAMR_EXCEPTION,
 * with store->pending set and a text; BEAMR_SUSPENDED, without a text. */
beamr_status rt_entry_begin(abi_func *f, uint64_t *slots, bool can_wait, uint64_t *id,
                            beamr_error *err);

/* The innermost entry, which must be this one and suspended.
 * Errors: BEAMR_ARGUMENT (no such entry, or it is running), BEAMR_BUSY (others, begun after it,
 * have not ended). */
beamr_status rt_entry_find(abi_store *s, uint64_t id, rt_entry **out, beamr_error *err);

/* Likewise, but others may have been begun after it.  Errors: BEAMR_ARGUMENT. */
beamr_status rt_entry_waiting(abi_store *s, uint64_t id, rt_entry **out, beamr_error *err);

/* Go on with a suspended entry, as rt_entry_begin.
 *   answer  what the import ended in: BEAMR_OK, with the results in request_slots; or
 *           BEAMR_TRAP, with e->own filled; or BEAMR_EXCEPTION, with store->pending set */
beamr_status rt_entry_resume(rt_entry *e, beamr_status answer, beamr_error *err);

/* End an entry, and all suspended ones after it, without running guest code.
 * Errors: BEAMR_ARGUMENT (no such entry, or it is running), BEAMR_BUSY (one after it is
 * running); nothing is ended then. */
beamr_status rt_entry_cancel(abi_store *s, uint64_t id, beamr_error *err);
/* End the suspended entries after `e`; NULL: all. Returns how many. */
uint32_t rt_entries_cancel_after(abi_store *s, const rt_entry *e);

/* In a host function: wait for the answer to its call.
 *   slots  its arguments
 * Returns the answer. Errors: BEAMR_TRAP also when the entry cannot wait, or is cancelled. */
beamr_status rt_entry_wait(abi_func *f, abi_instance *caller, uint64_t *slots,
                           beamr_error *err);

/* Slots of a function's arguments or results, whichever are more. */
static inline uint32_t rt_func_room(const abi_func *f)
{
    return f->type->param_slots > f->type->result_slots ? f->type->param_slots
                                                        : f->type->result_slots;
}

#endif
