/* The translator's state, shared by emit.c (code, operands, labels), translate_control.c and
 * translate_plain.c (one rule for each instruction of WebAssembly), and translate.c. */
#ifndef INTERP_TRANSLATE_H
#define INTERP_TRANSLATE_H

#include "interp/internal.h"

/* A growing array; `data` is reallocated. */
typedef struct tr_vector {
    void *data;
    uint32_t count;
    uint32_t room;
} tr_vector;

/* Where an operand's value is. Every operand owns the slot that its position on the stack gives
 * it; a local that was read and a constant stay where they are until that slot is needed. */
typedef enum tr_place {
    TR_STACK,
    TR_LOCAL,
    TR_CONST, /* one slot wide */
} tr_place;

typedef struct tr_operand {
    uint32_t slot;  /* its own */
    uint32_t local; /* TR_LOCAL: first slot of the local */
    uint64_t value; /* TR_CONST */
    uint8_t place;
    uint8_t width; /* slots: 1 or 2 */
} tr_operand;

/* A block that is open. */
typedef struct tr_block {
    wb_op kind;          /* BLOCK, LOOP, IF, ELSE, TRY, CATCH, TRY_TABLE; BLOCK for the body */
    bool dead;           /* the code at hand cannot be reached */
    uint32_t height;     /* operands below its parameters */
    uint32_t base;       /* slot of the first operand above those */
    uint32_t start;      /* LOOP: word of its first instruction */
    uint32_t fixups;     /* forward branches to its end; index + 1 of the newest */
    uint32_t else_fixup; /* IF: the branch to the other arm; likewise */
    uint32_t stub;       /* entries of the br_table at hand that move values first; likewise */
    uint32_t region;     /* that code in it belongs to */
    uint32_t own_region; /* TRY: the one of its body */
    const wb_valtype *params;
    const wb_valtype *results; /* NULL: the one in `result`, if it is one */
    wb_valtype result;
    uint32_t param_count;
    uint32_t result_count;
} tr_block;

/* A forward branch: a word of code, or a clause's target, to be filled in. */
typedef struct tr_fixup {
    uint32_t next; /* index + 1 */
    uint32_t at;   /* word that takes the distance, or index of the clause */
    uint32_t from; /* word that the distance counts from */
    bool is_clause;
} tr_fixup;

/* A catch clause on its way into the side table; belongs to a region. */
typedef struct tr_clause {
    uint32_t region;
    interp_clause clause;
} tr_clause;

typedef struct tr {
    const wb_module *m;
    interp_code *code;
    const wb_func *func;
    const wb_functype *type;
    const int32_t *handlers;
    wb_reader reader;
    bool metering;
    bool failed;      /* memory is gone, or `status` says why */
    abi_store *store; /* polled: its call waits for the translation */
    uint32_t steps;   /* counts what takes time, for polls */
    beamr_status status;
    beamr_error *err;

    tr_vector words;       /* uint32_t */
    tr_vector stack;       /* tr_operand */
    tr_vector blocks;      /* tr_block */
    tr_vector fixups;      /* tr_fixup */
    tr_vector offsets;     /* interp_mark */
    tr_vector spans;       /* interp_mark */
    tr_vector regions;     /* interp_region; clause fields are filled in at the end */
    tr_vector clauses;     /* tr_clause */
    uint32_t *local_slots; /* first slot of each local */
    uint8_t *local_widths; /* by local */
    uint32_t *local_uses;  /* by slot: operands with that place TR_LOCAL */
    uint32_t settled;      /* operands below this height read no locals */

    /* The newest instruction, when nothing may have jumped behind it. */
    bool last_valid;
    interp_op last_op;
    uint32_t last_at; /* its first word */
    uint32_t last_d;  /* word that names its result's slot; 0 when it has none */

    uint32_t offset;     /* of the instruction being translated, in the module */
    uint32_t charge_at;  /* the open block's IOP_CHARGE; UINT32_MAX when there is none */
    uint32_t skip_depth; /* blocks opened in code that cannot be reached */
} tr;

/* ---- emit.c ---- */

/* Call once for each step of what can take long: polls every now and then. False (and
 * t->failed) when the store's call is to end. */
#define TR_POLL_STEPS 4096u
bool tr_poll(tr *t);
static inline bool tr_step(tr *t)
{
    return ++t->steps % TR_POLL_STEPS != 0 || tr_poll(t);
}

#define TR_LARGE_ROOM 65536u
/* Make room for one more; false (and t->failed) when memory is gone. A step. */
bool tr_push(tr *t, tr_vector *v, size_t size);

static inline uint32_t *tr_words(const tr *t)
{
    return t->words.data;
}
static inline tr_operand *tr_top(const tr *t, uint32_t from_top)
{
    return (tr_operand *)t->stack.data + (t->stack.count - 1 - from_top);
}
static inline tr_block *tr_block_at(const tr *t, uint32_t depth)
{
    return (tr_block *)t->blocks.data + (t->blocks.count - 1 - depth);
}
/* The slot that the next operand would own. */
uint32_t tr_next_slot(const tr *t);

/* Append an instruction with its operands. `d`: operand 0 is the slot of the result. */
void tr_emit(tr *t, interp_op op, bool d, const uint32_t *operands, uint32_t count);
#define TR_EMIT(t, op, ...)                                                                    \
    tr_emit((t), (op), false, (const uint32_t[]){__VA_ARGS__},                                 \
            (uint32_t)(sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)))
#define TR_EMIT_D(t, op, ...)                                                                  \
    tr_emit((t), (op), true, (const uint32_t[]){__VA_ARGS__},                                  \
            (uint32_t)(sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)))
/* Take back the newest instruction. */
void tr_rewind(tr *t);
/* Note that the next instruction can trap or call. */
void tr_mark(tr *t);
/* Nothing before this point may be changed any more: something can jump here. */
void tr_barrier(tr *t);

/* If `op` compares: its family's first member, and how far its branching form is behind it. */
bool tr_compare_family(interp_op op, interp_op *first, uint32_t *size);
/* The opposite of a comparison, or of a branch made from one: pairs are neighbours. */
interp_op tr_compare_opposite(interp_op op, interp_op first);
/* The newest instruction computed this operand, and only that. */
bool tr_is_last_result(const tr *t, const tr_operand *o);

/* Operands. */
void tr_push_stack(tr *t, uint32_t width);
void tr_push_const(tr *t, uint64_t value);
void tr_push_local(tr *t, uint32_t local);
tr_operand tr_pop(tr *t); /* a popped TR_LOCAL no longer counts as a use */
void tr_drop_to(tr *t, uint32_t height);
/* Put the operand's value in its own slot. */
void tr_settle(tr *t, tr_operand *o);
/* Slot where a popped operand's value can be read; a constant is put into its own slot. */
uint32_t tr_read(tr *t, const tr_operand *o);
/* Settle the topmost n operands. */
void tr_settle_top(tr *t, uint32_t n);
/* Settle all that read locals; nothing above the open blocks' operands does so afterwards. */
void tr_settle_locals(tr *t);
/* Settle what reads the local at this slot, which is about to be written. */
void tr_settle_local(tr *t, uint32_t slot);
/* Copy a popped operand's value to a slot, in the instruction that computed it if possible. */
void tr_move(tr *t, uint32_t slot, const tr_operand *o);

/* Labels. `at` is a word that takes a distance counted from the word `from`. */
void tr_fixup_add(tr *t, uint32_t *list, uint32_t at, uint32_t from);
void tr_fixup_clause(tr *t, uint32_t *list, uint32_t clause);
void tr_bind(tr *t, uint32_t *list);

/* ---- translate_control.c ---- */

/* Open a block; its parameters are on the stack, and go to their own slots. */
void tr_block_open(tr *t, wb_op kind, const wb_blocktype *type);
/* Begin a block of instructions that is charged as one (wasm/cost.def); add to its cost. */
void tr_charge_begin(tr *t);
void tr_charge(tr *t, wb_op op);
/* Translate a control instruction. Returns true at the end of the body. */
bool tr_control(tr *t, const wb_instr *in);
/* In code that cannot be reached, only blocks matter. Returns true if the instruction is to be
 * translated after all: it ends or continues the block that is dead. */
bool tr_wake(tr *t, wb_op op);

/* ---- translate_plain.c ---- */

/* Translate any other instruction. Returns false, having done nothing, for one of control. */
bool tr_plain(tr *t, const wb_instr *in);

#endif
