/* The interpreter's loop: one handler for each instruction of the internal code.
 * Dispatch is by computed goto; a code word holds its handler's distance from a base label, so
 * code can be shared by everything that runs it. Guest calls push a frame and stay in the loop;
 * only host functions and the embedder's calls nest C frames. Handlers work on slots: see iop.h
 * for operands, exec_numbers.def for the handlers of numbers.
 *
 * State lives in local variables: ip, the frame's slots fp, the frame, its instance, memory 0.
 * What host code may change (the memory's size) is read again after each call to it.
 * Source: Core, "Execution". */
#include "interp/internal.h"
#include "interp/simd.h"
#include "runtime/entry.h"
#include "wasm/num.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

uint32_t interp_stub[1];

/* Slots and numbers: an i32 or f32 has zeros above it. */
#define SLOT(n) (fp[ip[n]])
#define U32(n) ((uint32_t)fp[ip[n]])
#define S32(n) ((int32_t)(uint32_t)fp[ip[n]])
#define U64(n) (fp[ip[n]])
#define S64(n) ((int64_t)fp[ip[n]])
#define F32(n) wb_num_f32_reinterpret_i32((uint32_t)fp[ip[n]])
#define F64(n) wb_num_f64_reinterpret_i64(fp[ip[n]])
#define PUT_F32(x) (uint64_t) wb_num_i32_reinterpret_f32(x)
#define PUT_F64(x) wb_num_i64_reinterpret_f64(x)
#define WIDE(n) ((uint64_t)ip[n] | (uint64_t)ip[(n) + 1] << 32)

#define GO() goto *(void *)(base + (int32_t)ip[0])
#define NEXT(n)                                                                                \
    do {                                                                                       \
        ip += (n);                                                                             \
        GO();                                                                                  \
    } while (0)
#define JUMP(n)                                                                                \
    do {                                                                                       \
        ip += (int32_t)ip[n];                                                                  \
        GO();                                                                                  \
    } while (0)
#define TRAP(id)                                                                               \
    do {                                                                                       \
        trap = BEAMR_TRAP_##id;                                                                \
        goto trapped;                                                                          \
    } while (0)
/* A tail call that fails has left the function, and its handlers. */
#define LEAVE_FRAME()                                                                          \
    do {                                                                                       \
        frame--;                                                                               \
        ip = frame->ip - 1;                                                                    \
    } while (0)
#define TRAP_LEFT(id)                                                                          \
    do {                                                                                       \
        LEAVE_FRAME();                                                                         \
        TRAP(id);                                                                              \
    } while (0)
#ifdef BEAMR_STRESS_YIELD
#define IS_ASKED(what) 1
#else
#define IS_ASKED(what) (atomic_load_explicit(&store->interrupt, memory_order_relaxed) & (what))
#endif
/* Here the guest can be stopped, or paused. It then goes on with this instruction. */
#define POLL()                                                                                 \
    do {                                                                                       \
        if (UNLIKELY(IS_ASKED(~UINT32_C(0)))) {                                                \
            TRY(poll(store, frame, fp, err));                                                  \
            RELOAD_MEMORY();                                                                   \
        }                                                                                      \
    } while (0)
#define POLL_LEAVING()                                                                         \
    do {                                                                                       \
        if (UNLIKELY(IS_ASKED(~UINT32_C(0)))) {                                                \
            if (UNLIKELY((status = poll(store, frame, fp, err)) != BEAMR_OK)) {                \
                LEAVE_FRAME();                                                                 \
                goto failed;                                                                   \
            }                                                                                  \
            RELOAD_MEMORY();                                                                   \
        }                                                                                      \
    } while (0)
/* Here it can only be stopped: an exception is on its way. */
#define POLL_THROWING()                                                                        \
    do {                                                                                       \
        if (UNLIKELY(IS_ASKED(~ABI_PAUSE)))                                                    \
            TRY(rt_store_poll(store, err));                                                    \
    } while (0)
/* A bulk operation over `count` bytes or elements, which polls on its way. */
#define BULK(count, call)                                                                      \
    do {                                                                                       \
        if (UNLIKELY((count) >= RT_POLL_BYTES / sizeof(uint64_t)))                             \
            begin_bulk(store, frame, fp);                                                      \
        status = (call);                                                                       \
        store->can_pause = false;                                                              \
        if (UNLIKELY(status != BEAMR_OK))                                                      \
            goto failed;                                                                       \
        RELOAD_MEMORY();                                                                       \
    } while (0)
/* The status of a runtime function that has filled err. */
#define TRY(call)                                                                              \
    do {                                                                                       \
        if (UNLIKELY((status = (call)) != BEAMR_OK))                                           \
            goto failed;                                                                       \
    } while (0)
#define ENTER_INSTANCE(i)                                                                      \
    do {                                                                                       \
        inst = (i);                                                                            \
        RELOAD_MEMORY();                                                                       \
    } while (0)
#define RELOAD_MEMORY()                                                                        \
    do {                                                                                       \
        mem = inst->memory0->base;                                                             \
        mem_size = inst->memory0->size;                                                        \
    } while (0)

/* The function that a call_indirect (base type table a) calls. */
#define FIND_INDIRECT()                                                                        \
    do {                                                                                       \
        const abi_table *table_ = inst->tables[ip[3]];                                         \
                                                                                               \
        element = U64(4);                                                                      \
        if (UNLIKELY(element >= table_->size))                                                 \
            TRAP(UNDEFINED_ELEMENT);                                                           \
        callee = (abi_func *)(uintptr_t)table_->elems[element];                                \
        if (UNLIKELY(!callee))                                                                 \
            TRAP(UNINITIALIZED_ELEMENT);                                                       \
        if (UNLIKELY(callee->canon != ip[2]) &&                                                \
            !wb_type_is_subtype(inst->wasm->registry, callee->canon, ip[2]))                   \
            TRAP(INDIRECT_CALL_MISMATCH);                                                      \
    } while (0)
/* The label of a handler. */
#define OP(name) L_##name:

static void zero_slots(uint64_t *slots, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        slots[i] = 0;
}

/* A function runs here: also one with native code, where the stack has no room for that. It
 * must not be called through its entry then, which would come back here on a C frame more. */
static inline bool is_interpreted(const abi_func *f, const abi_store *store)
{
    return LIKELY(f->entry == interp_entry) ||
           UNLIKELY(f->instance && !rt_entry_is_large(store));
}

/* Other code may run above this frame. */
static void save(abi_store *store, abi_frame *frame, uint64_t *fp)
{
    store->stack_top = fp + ((const interp_func *)frame->func)->frame_slots;
    store->frame_top = frame + 1;
    store->units = frame->units;
}

__attribute__((cold, noinline)) static beamr_status poll(abi_store *store, abi_frame *frame,
                                                         uint64_t *fp, beamr_error *err)
{
    save(store, frame, fp);
    return rt_store_poll_guest(store, err);
}

__attribute__((cold, noinline)) static void begin_bulk(abi_store *store, abi_frame *frame,
                                                       uint64_t *fp)
{
    save(store, frame, fp);
    store->can_pause = true;
}

/* What the loop is asked for besides running: its handlers. */
static int32_t handler_table[IOP_COUNT];

/* Run from the topmost frame until the frame `bottom` is reached.
 * With store NULL: fill handler_table. */
static beamr_status run(abi_store *store, abi_frame *frame, abi_frame *bottom, beamr_error *err)
{
    static const void *const labels[] = {
#define IOP(name) &&L_##name,
#include "interp/iop.def"
#undef IOP
    };
    const char *const base = (const char *)&&L_HALT;
    const uint32_t *ip;
    uint64_t *fp;
    abi_instance *inst;
    uint8_t *mem;
    uint64_t mem_size;
    beamr_status status;
    beamr_trap trap;
    uint64_t element = 0;
    /* Of the call being made. */
    abi_func *callee;
    const interp_func *target;
    uint64_t *args;

    if (!store) {
        for (size_t i = 0; i < IOP_COUNT; i++)
            handler_table[i] = (int32_t)((const char *)labels[i] - base);
        return BEAMR_OK;
    }
    ip = frame->ip;
    fp = frame->fp;
    ENTER_INSTANCE(frame->instance);
    GO();

    /* Handlers, laid out by hand: a label, the work, and how to go on. */
    /* clang-format off */

    /* ---- Control ---- */

    OP(TRANSLATE) {
        interp_func *f = (interp_func *)(uintptr_t)frame->func;

        TRY(interp_translate(f, store, err));
        ip = __atomic_load_n(&f->words, __ATOMIC_ACQUIRE);
        GO();
    }
    OP(HALT) return BEAMR_OK;
    OP(UNREACHABLE) TRAP(UNREACHABLE);
    OP(CHARGE) {
        if (UNLIKELY(store->fuel < ip[1])) {
            store->fuel = 0;
            TRAP(OUT_OF_FUEL);
        }
        store->fuel -= ip[1];
        NEXT(2);
    }
    OP(BR) JUMP(1);
    OP(BR_LOOP) POLL(); JUMP(1);
#define BRANCH(name, condition, words)                                                         \
    OP(name)                                                                                   \
        if (condition)                                                                         \
            JUMP((words) - 1);                                                                 \
        NEXT(words);
#define BRANCH_LOOP(name, condition, words)                                                    \
    OP(name)                                                                                   \
        if (condition) {                                                                       \
            POLL();                                                                            \
            JUMP((words) - 1);                                                                 \
        }                                                                                      \
        NEXT(words);
    BRANCH(BR_IF, U32(1) != 0, 3)
    BRANCH_LOOP(BR_IF_LOOP, U32(1) != 0, 3)
    BRANCH(BR_UNLESS, U32(1) == 0, 3)
    BRANCH_LOOP(BR_UNLESS_LOOP, U32(1) == 0, 3)
    BRANCH(BR_IF64, U64(1) != 0, 3)
    BRANCH(BR_UNLESS64, U64(1) == 0, 3)
    OP(BR_TABLE_LOOP) POLL(); goto L_BR_TABLE;
    OP(BR_TABLE) {
        uint32_t i = U32(1);
        uint32_t count = ip[2];

        ip += (int32_t)ip[3 + (i < count ? i : count)];
        GO();
    }
    OP(RETURN_1) fp[0] = SLOT(1);
    OP(RETURN_0) {
        frame--;
        ip = frame->ip;
        fp = frame->fp;
        if (UNLIKELY(frame->instance != inst))
            ENTER_INSTANCE(frame->instance);
        GO();
    }
    OP(RETURN_N) memmove(fp, &SLOT(1), (size_t)ip[2] * 8); goto L_RETURN_0;

    /* ---- Calls ---- */

    OP(CALL) {
        uint32_t units = frame->units;

        target = (const interp_func *)(uintptr_t)WIDE(2);
        if (UNLIKELY(units < target->units))
            TRAP(STACK_EXHAUSTED);
        POLL();
        fp += ip[1];
        frame->ip = ip + 4;
        frame[1].fp = fp;
        frame[1].func = target;
        frame[1].instance = inst;
        frame[1].units = units - target->units;
        frame++;
        zero_slots(fp + target->param_slots, target->zero_slots);
        ip = __atomic_load_n(&target->words, __ATOMIC_ACQUIRE);
        GO();
    }
    OP(CALL_IMPORT)
        callee = inst->funcs[ip[2]];
        args = fp + ip[1];
        frame->ip = ip + 3;
        goto call;
    OP(CALL_FUNC)
        callee = rt_instance_func(inst, ip[2]);
        if (UNLIKELY(!callee)) TRAP(OUT_OF_MEMORY);
        args = fp + ip[1];
        frame->ip = ip + 3;
        goto call;
    OP(CALL_INDIRECT)
        FIND_INDIRECT();
        args = fp + ip[1];
        frame->ip = ip + 5;
        goto call;
    OP(CALL_REF)
        callee = (abi_func *)(uintptr_t)SLOT(2);
        if (UNLIKELY(!callee)) TRAP(NULL_FUNCTION);
        args = fp + ip[1];
        frame->ip = ip + 3;

call:
    if (is_interpreted(callee, store)) {
        target = callee->code;
        if (UNLIKELY(frame->units < target->units))
            TRAP(STACK_EXHAUSTED);
        POLL();
        fp = args;
        frame[1].fp = fp;
        frame[1].func = target;
        frame[1].instance = callee->instance;
        frame[1].units = frame->units - target->units;
        frame++;
        if (callee->instance != inst)
            ENTER_INSTANCE(callee->instance);
        zero_slots(fp + target->param_slots, target->zero_slots);
        ip = __atomic_load_n(&target->words, __ATOMIC_ACQUIRE);
        GO();
    }
    /* A function of the host, which may enter guests in turn, or one with native code: nothing of
     * this frame lives above the arguments, and it reads those first. */
    POLL();

call_other:
    store->stack_top = args;
    store->frame_top = frame + 1;
    store->units = frame->units;
    status = abi_call(callee, inst, args, err);
    if (UNLIKELY(status != BEAMR_OK))
        goto host_failed;
    RELOAD_MEMORY();
    ip = frame->ip;
    GO();

    OP(TAIL_CALL) target = (const interp_func *)(uintptr_t)WIDE(2); args = fp + ip[1];

tail_call_guest: {
    const interp_func *f = frame->func;
    uint32_t units = frame->units + f->units;

    if (UNLIKELY(units < target->units))
        TRAP_LEFT(STACK_EXHAUSTED);
    POLL_LEAVING();
    memmove(fp, args, (size_t)target->param_slots * 8);
    frame->func = target;
    frame->instance = inst;
    frame->units = units - target->units;
    zero_slots(fp + target->param_slots, target->zero_slots);
    ip = __atomic_load_n(&target->words, __ATOMIC_ACQUIRE);
    GO();
}
    OP(TAIL_CALL_IMPORT) callee = inst->funcs[ip[2]]; goto tail_call;
    OP(TAIL_CALL_INDIRECT) FIND_INDIRECT(); goto tail_call;
    OP(TAIL_CALL_REF)
        callee = (abi_func *)(uintptr_t)SLOT(2);
        if (UNLIKELY(!callee)) TRAP(NULL_FUNCTION);

tail_call:
    args = fp + ip[1];
    if (is_interpreted(callee, store)) {
        target = callee->code;
        if (frame->units + ((const interp_func *)frame->func)->units < target->units)
            TRAP_LEFT(STACK_EXHAUSTED);
        if (callee->instance != inst)
            ENTER_INSTANCE(callee->instance);
        goto tail_call_guest;
    }
    if (callee->instance) {
        /* Native code takes this frame's place: the one below calls it, or whoever entered. */
        POLL_LEAVING();
        memmove(fp, args, (size_t)callee->type->param_slots * 8);
        args = fp;
        frame--;
        if (frame == bottom) {
            store->tail = callee;
            store->stack_top = args;
            store->frame_top = frame;
            store->units = frame->units;
            return ABI_TAIL;
        }
        fp = frame->fp;
        ENTER_INSTANCE(frame->instance);
        goto call_other;
    }
    POLL_LEAVING();
    /* This frame is gone when the other begins; its results are this function's own. */
    memmove(fp, args, (size_t)callee->type->param_slots * 8);
    store->units = frame->units + ((const interp_func *)frame->func)->units;
    LEAVE_FRAME();
    store->stack_top = fp;
    store->frame_top = frame + 1;
    status = callee->entry(callee, inst, fp, err);
    if (UNLIKELY(status != BEAMR_OK))
        goto host_failed;
    ip = frame->ip;
    fp = frame->fp;
    if (UNLIKELY(frame->instance != inst))
        ENTER_INSTANCE(frame->instance);
    RELOAD_MEMORY();
    GO();

    /* ---- Exceptions ---- */

    OP(THROW) {
        const interp_func *f = frame->func;

        store->pending = rt_exception_new(store, inst->tags[ip[2]], fp + ip[1],
                                          fp + f->frame_slots);
        if (UNLIKELY(!store->pending)) {
            POLL(); /* perhaps there would be room */
            TRAP(OUT_OF_MEMORY);
        }
        frame->ip = ip + 1;
        rt_trace_begin(store);
        goto throwing;
    }
    OP(THROW_REF)
        store->pending = (abi_exception *)(uintptr_t)SLOT(1);
        if (UNLIKELY(!store->pending)) TRAP(NULL_EXCEPTION);
        frame->ip = ip + 1;
        rt_trace_begin(store);

throwing:
    POLL_THROWING();
    {
        abi_frame *handler;

        TRY(interp_unwind(store, frame, bottom, &handler, err));
        if (!handler) {
            interp_trace(frame, bottom, store);
            return BEAMR_EXCEPTION;
        }
        frame = handler;
    }
    ip = frame->ip;
    fp = frame->fp;
    ENTER_INSTANCE(frame->instance);
    GO();

host_failed:
    if (status == BEAMR_EXCEPTION) {
        if (!callee->instance) {
            rt_trace_begin(store);
            if (err)
                beamr_error_clear(err); /* of a call that the host made */
        }
        goto throwing;
    }
    interp_backtrace(frame, bottom, err);
    return status;

failed:
    store->pending = NULL;
    frame->ip = ip + 1;
    interp_backtrace(frame, bottom, err);
    return status;

trapped:
    store->pending = NULL;
    frame->ip = ip + 1;
    if (trap == BEAMR_TRAP_UNINITIALIZED_ELEMENT || trap == BEAMR_TRAP_UNDEFINED_ELEMENT)
        status = rt_fail_element(trap, element, err);
    else
        status = beamr_fail_trap(err, trap, NULL);
    interp_backtrace(frame, bottom, err);
    return status;

    /* ---- Moves ---- */

    OP(MOVE) SLOT(1) = SLOT(2); NEXT(3);
    OP(MOVE128) {
        uint64_t low = fp[ip[2]];
        uint64_t high = fp[ip[2] + 1];

        fp[ip[1]] = low;
        fp[ip[1] + 1] = high;
        NEXT(3);
    }
    OP(MOVE_N) memmove(&SLOT(1), &SLOT(2), (size_t)ip[3] * 8); NEXT(4);
    OP(MOVE_2) SLOT(1) = SLOT(2); SLOT(3) = SLOT(4); NEXT(5);
    OP(CONST32) SLOT(1) = ip[2]; NEXT(3);
    OP(CONST64) SLOT(1) = WIDE(2); NEXT(4);
    OP(CONST128) {
        uint64_t *d = &SLOT(1);

        d[0] = WIDE(2);
        d[1] = WIDE(4);
        NEXT(6);
    }
    OP(SELECT) {
        uint64_t a = SLOT(2);
        uint64_t b = SLOT(3);

        SLOT(1) = U32(4) ? a : b;
        NEXT(5);
    }
    OP(SELECT128) {
        const uint64_t *from = U32(4) ? &SLOT(2) : &SLOT(3);

        memmove(&SLOT(1), from, 16);
        NEXT(5);
    }
    OP(GLOBAL_GET) SLOT(1) = inst->globals[ip[2]]->slots[0]; NEXT(3);
    OP(GLOBAL_GET128) memcpy(&SLOT(1), inst->globals[ip[2]]->slots, 16); NEXT(3);
    OP(GLOBAL_SET) inst->globals[ip[2]]->slots[0] = SLOT(1); NEXT(3);
    OP(GLOBAL_SET128) memcpy(inst->globals[ip[2]]->slots, &SLOT(1), 16); NEXT(3);

    /* ---- References and tables ---- */

    OP(REF_FUNC) {
        abi_func *f = rt_instance_func(inst, ip[2]);

        if (UNLIKELY(!f))
            TRAP(OUT_OF_MEMORY);
        SLOT(1) = (uint64_t)(uintptr_t)f;
        NEXT(3);
    }
    OP(REF_AS_NON_NULL) if (UNLIKELY(SLOT(1) == 0)) TRAP(NULL_REFERENCE); NEXT(2);
    OP(TABLE_GET) {
        const abi_table *t = inst->tables[ip[2]];
        uint64_t i = SLOT(3);

        if (UNLIKELY(i >= t->size))
            TRAP(TABLE_OUT_OF_BOUNDS);
        SLOT(1) = t->elems[i];
        NEXT(4);
    }
    OP(TABLE_SET) {
        abi_table *t = inst->tables[ip[1]];
        uint64_t i = SLOT(2);

        if (UNLIKELY(i >= t->size))
            TRAP(TABLE_OUT_OF_BOUNDS);
        t->elems[i] = SLOT(3);
        NEXT(4);
    }
    OP(TABLE_SIZE) SLOT(1) = inst->tables[ip[2]]->size; NEXT(3);
    OP(TABLE_GROW) {
        abi_table *t = inst->tables[ip[2]];
        uint64_t delta = SLOT(4);
        int64_t old;

        if (rt_table_can_grow(t, delta)) /* else it only answers -1 */
            TRY(rt_store_charge(store, delta, WB_COST_BULK_ITEMS, err));
        BULK(delta, rt_table_grow(t, delta, SLOT(3), &old, err));
        SLOT(1) = t->is64 ? (uint64_t)old : (uint32_t)old;
        NEXT(5);
    }
    OP(TABLE_FILL)
        BULK(SLOT(4), rt_table_fill(inst->tables[ip[1]], SLOT(2), SLOT(3), SLOT(4), err));
        NEXT(5);
    OP(TABLE_COPY)
        BULK(SLOT(5), rt_table_copy(inst->tables[ip[1]], SLOT(3), inst->tables[ip[2]],
            SLOT(4), SLOT(5), err));
        NEXT(6);
    OP(TABLE_INIT)
        BULK(SLOT(5), rt_table_init(inst, ip[1], ip[2], SLOT(3), SLOT(4), SLOT(5), err));
        NEXT(6);
    OP(ELEM_DROP) rt_elem_drop(inst, ip[1]); NEXT(2);

    /* ---- Memory. `off` counts the access's own bytes, so that one comparison tells whether
     * its end lies in the memory; a carry means that it is beyond 64 bits. ---- */

#define EFFECTIVE(address, off)                                                                \
    uint64_t end = (address) + (uint64_t)(off);                                                \
    if (UNLIKELY(end < (uint64_t)(off)) || UNLIKELY(end > mem_size))                           \
        TRAP(MEMORY_OUT_OF_BOUNDS);
#define DO_LOAD(name, from, to, address, off, words)                                           \
    OP(name) {                                                                                 \
        from v;                                                                                \
        EFFECTIVE(address, ip[off])                                                            \
        memcpy(&v, mem + end - sizeof v, sizeof v);                                            \
        SLOT(1) = (uint64_t)(to)v;                                                             \
        NEXT(words);                                                                           \
    }
#define LOAD(name, from, to)                                                                   \
    DO_LOAD(name, from, to, U64(2), 3, 4)                                                      \
    DO_LOAD(name##_X32, from, to, (uint64_t)(uint32_t)(U32(2) + U32(3)), 4, 5)                 \
    DO_LOAD(name##_X64, from, to, (uint64_t)(U64(2) + U64(3)), 4, 5)
#define DO_STORE(name, type, address, value, off, words)                                       \
    OP(name) {                                                                                 \
        type v = (type)SLOT(value);                                                            \
        EFFECTIVE(address, ip[off])                                                            \
        memcpy(mem + end - sizeof v, &v, sizeof v);                                            \
        NEXT(words);                                                                           \
    }
#define STORE(name, type)                                                                      \
    DO_STORE(name, type, U64(1), 2, 3, 4)                                                      \
    DO_STORE(name##_X32, type, (uint64_t)(uint32_t)(U32(1) + U32(2)), 3, 4, 5)                 \
    DO_STORE(name##_X64, type, (uint64_t)(U64(1) + U64(2)), 3, 4, 5)
    INTERP_LOADS(LOAD)
    INTERP_STORES(STORE)
    OP(V128_LOAD) {
        EFFECTIVE(U64(2), ip[3])
        memcpy(&SLOT(1), mem + end - 16, 16);
        NEXT(4);
    }
    OP(V128_STORE) {
        EFFECTIVE(U64(1), ip[3])
        memcpy(mem + end - 16, &SLOT(2), 16);
        NEXT(4);
    }
    OP(LOAD_FAR)
        if (UNLIKELY(!interp_load_far(inst, fp, ip + 1))) TRAP(MEMORY_OUT_OF_BOUNDS);
        NEXT(7);
    OP(STORE_FAR)
        if (UNLIKELY(!interp_store_far(inst, fp, ip + 1))) TRAP(MEMORY_OUT_OF_BOUNDS);
        NEXT(7);
    OP(SIMD_MEMORY)
        if (UNLIKELY(!interp_simd_memory(inst, fp, ip + 1))) TRAP(MEMORY_OUT_OF_BOUNDS);
        NEXT(9);
    OP(MEMORY_SIZE) SLOT(1) = inst->memories[ip[2]]->pages; NEXT(3);
    OP(MEMORY_GROW) {
        abi_memory *m = inst->memories[ip[2]];
        int64_t old;

        TRY(rt_memory_grow(m, SLOT(3), &old, err));
        SLOT(1) = m->is64 ? (uint64_t)old : (uint32_t)old;
        RELOAD_MEMORY();
        NEXT(4);
    }
    OP(MEMORY_FILL)
        BULK(SLOT(4), rt_memory_fill(inst->memories[ip[1]], SLOT(2), (uint8_t)SLOT(3),
            SLOT(4), err));
        NEXT(5);
    OP(MEMORY_COPY)
        BULK(SLOT(5), rt_memory_copy(inst->memories[ip[1]], SLOT(3), inst->memories[ip[2]],
            SLOT(4), SLOT(5), err));
        NEXT(6);
    OP(MEMORY_INIT)
        BULK(SLOT(5), rt_memory_init(inst, ip[1], ip[2], SLOT(3), SLOT(4), SLOT(5), err));
        NEXT(6);
    OP(DATA_DROP) rt_data_drop(inst, ip[1]); NEXT(2);

    /* ---- Numbers ---- */

#include "interp/exec_numbers.def"

    /* ---- Vectors ---- */

    OP(SIMD)
        interp_simd_table[ip[5]](&SLOT(1), &SLOT(2), &SLOT(3), &SLOT(4), (const uint8_t
            *)(uintptr_t)WIDE(6));
        NEXT(8);
        }

static void make_handlers(void)
{
    (void)run(NULL, NULL, NULL, NULL);
    interp_stub[0] = (uint32_t)handler_table[IOP_TRANSLATE];
}

const int32_t *interp_handlers(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, make_handlers);
    return handler_table;
}

beamr_status interp_entry(abi_func *f, abi_instance *caller, uint64_t *slots, beamr_error *err)
{
    abi_store *store = f->store;
    const interp_func *target = f->code;
    abi_frame *bottom = store->frame_top;
    uint32_t halt = (uint32_t)handler_table[IOP_HALT];

    (void)caller;
    if (store->units < target->units)
        return beamr_fail_trap(err, BEAMR_TRAP_STACK_EXHAUSTED, NULL);
    bottom->ip = &halt;
    bottom->fp = slots;
    bottom->func = NULL;
    bottom->instance = f->instance;
    bottom->units = store->units;
    bottom[1].ip = __atomic_load_n(&target->words, __ATOMIC_ACQUIRE);
    bottom[1].fp = slots;
    bottom[1].func = target;
    bottom[1].instance = f->instance;
    bottom[1].units = store->units - target->units;
    zero_slots(slots + target->param_slots, target->zero_slots);
    return run(store, bottom + 1, bottom, err);
}
