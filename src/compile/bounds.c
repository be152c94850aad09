/* Checks of 64-bit addresses that others have made already.
 *
 * An access to a guarded 64-bit memory compares its address with the end of the reservation,
 * and leaves the rest to the guard behind. Where x + c has been found to be less than that end,
 * x + d for a d between c and c + ABI_NEAR_BYTES cannot be beyond the guard, nor wrap around:
 * its comparison, which emit_memory.c has marked, always fails, and LLVM takes out the branch.
 *
 * What has been found holds in the blocks that the passed check dominates. Dominators are found
 * by going through the blocks once: loops have one way in, so all ways into a block but those
 * backwards are known by then. Where a block has many ways in, or the search for what they have
 * in common takes long, it counts as dominated by the entry alone, so that time stays linear.
 */
#include <stdlib.h>

#include "compile/internal.h"
#include "compile/map.h"

enum {
    MOST_STEPS = 64, /* in a search for a common dominator, or down a sum */
    MOST_FACTS = 16, /* that are looked at for one check */
};

/* `offset` beyond some base is less than the reservation's end, in what `block` dominates. */
typedef struct bounds_fact {
    uint32_t block;
    uint32_t next; /* of the same base: 1 + its index, or 0 */
    uint64_t offset;
} bounds_fact;

typedef struct bounds_scan {
    const compile_unit *u;
    compile_map numbers;       /* of blocks: 1 + place in the order */
    LLVMBasicBlockRef *order;  /* blocks that can be reached, each behind what dominates it */
    uint32_t count;            /* of those */
    uint32_t *parent;          /* a dominator, at a lower place; the entry's is itself */
    uint32_t *before, *within; /* place in the tree of dominators, and size of the part below */
    uint32_t *ways;            /* into the block */
    bool *many;                /* `parent` is no longer to be made more exact */
    compile_map bases;         /* of sums: 1 + index of the newest fact */
    bounds_fact *facts;
    uint32_t fact_count;
} bounds_scan;

static bool is_marked(const bounds_scan *s, LLVMValueRef v)
{
    return LLVMIsAICmpInst(v) && LLVMHasMetadata(v) && LLVMGetMetadata(v, s->u->kind_canon);
}

/* ---- Order and dominators ---- */

typedef struct visit {
    LLVMBasicBlockRef block;
    uint32_t next; /* successor to go to */
} visit;

/* Number the blocks from the entry on, each before what it leads to, loops apart. */
static void order_blocks(bounds_scan *s, LLVMValueRef fn, visit *stack, uint32_t blocks)
{
    uint32_t depth = 1, at = blocks;

    stack[0] = (visit){LLVMGetEntryBasicBlock(fn), 0};
    compile_map_set(&s->numbers, stack[0].block, 1);
    while (depth > 0) {
        visit *v = &stack[depth - 1];
        LLVMValueRef end = LLVMGetBasicBlockTerminator(v->block);

        if (v->next < LLVMGetNumSuccessors(end)) {
            LLVMBasicBlockRef to = LLVMGetSuccessor(end, v->next++);

            if (compile_map_get(&s->numbers, to) == 0) {
                compile_map_set(&s->numbers, to, 1);
                stack[depth++] = (visit){to, 0};
            }
        } else {
            s->order[--at] = v->block;
            depth--;
        }
    }
    s->count = blocks - at;
    s->order += at;
    for (uint32_t i = 0; i < s->count; i++)
        compile_map_set(&s->numbers, s->order[i], i + 1);
}

static uint32_t number_of(const bounds_scan *s, LLVMBasicBlockRef block)
{
    return compile_map_get(&s->numbers, block) - 1;
}

/* Block `from` leads to block `to`, which is behind it. */
static void meet(bounds_scan *s, uint32_t from, uint32_t to)
{
    uint32_t a = from, b = s->parent[to], steps = 0;

    if (b == UINT32_MAX) {
        s->parent[to] = from;
        return;
    }
    while (a != b && !s->many[to]) {
        if (a > b)
            a = s->parent[a];
        else
            b = s->parent[b];
        s->many[to] = ++steps > MOST_STEPS;
    }
    s->parent[to] = s->many[to] ? 0 : a;
}

static void find_dominators(bounds_scan *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        s->parent[i] = UINT32_MAX;
    s->parent[0] = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        LLVMValueRef end = LLVMGetBasicBlockTerminator(s->order[i]);

        for (unsigned k = 0; k < LLVMGetNumSuccessors(end); k++) {
            uint32_t to = number_of(s, LLVMGetSuccessor(end, k));

            s->ways[to]++;
            if (to > i)
                meet(s, i, to);
        }
    }
}

/* Places in the tree, so that one comparison tells whether a block dominates another. */
static void number_tree(bounds_scan *s, uint32_t *next)
{
    for (uint32_t i = 0; i < s->count; i++)
        s->within[i] = 1;
    for (uint32_t i = s->count - 1; i > 0; i--)
        s->within[s->parent[i]] += s->within[i];
    s->before[0] = 0;
    next[0] = 1;
    for (uint32_t i = 1; i < s->count; i++) {
        s->before[i] = next[s->parent[i]];
        next[s->parent[i]] += s->within[i];
        next[i] = s->before[i] + 1;
    }
}

static bool dominates(const bounds_scan *s, uint32_t a, uint32_t b)
{
    return s->before[b] - s->before[a] < s->within[a]; /* as unsigned numbers */
}

/* ---- Checks ---- */

/* Take constants off a sum; all constants have the same base. */
static LLVMValueRef base_of(const bounds_scan *s, LLVMValueRef v, uint64_t *offset)
{
    *offset = 0;
    for (uint32_t i = 0;
         i < MOST_STEPS && LLVMIsABinaryOperator(v) && LLVMGetInstructionOpcode(v) == LLVMAdd;
         i++) {
        unsigned constant = LLVMIsAConstantInt(LLVMGetOperand(v, 0)) ? 0 : 1;
        LLVMValueRef c = LLVMGetOperand(v, constant);

        if (!LLVMIsAConstantInt(c))
            return v;
        *offset += LLVMConstIntGetZExtValue(c);
        v = LLVMGetOperand(v, 1 - constant);
    }
    if (!LLVMIsAConstantInt(v))
        return v;
    *offset += LLVMConstIntGetZExtValue(v);
    return compile_i64(s->u, 0);
}

static bool is_known(const bounds_scan *s, uint32_t block, LLVMValueRef base, uint64_t offset)
{
    uint32_t at = compile_map_get(&s->bases, base);

    for (uint32_t i = 0; at != 0 && i < MOST_FACTS; i++) {
        const bounds_fact *f = &s->facts[at - 1];

        if (offset - f->offset <= COMPILE_NEAR_BYTES && dominates(s, f->block, block))
            return true;
        at = f->next;
    }
    return false;
}

static void learn(bounds_scan *s, uint32_t block, LLVMValueRef base, uint64_t offset)
{
    s->facts[s->fact_count++] = (bounds_fact){block, compile_map_get(&s->bases, base), offset};
    compile_map_set(&s->bases, base, s->fact_count);
}

/* The block where a check that ends its block has been passed; 0: none. */
static uint32_t passed(const bounds_scan *s, LLVMValueRef check, uint32_t block)
{
    LLVMValueRef end = LLVMGetBasicBlockTerminator(s->order[block]);
    uint32_t to;

    if (!LLVMIsABranchInst(end) || !LLVMIsConditional(end) || LLVMGetCondition(end) != check)
        return 0;
    to = number_of(s, LLVMGetSuccessor(end, 1));
    return s->ways[to] == 1 ? to : 0;
}

/* A marked comparison, in the block number `block`. */
static void look(bounds_scan *s, LLVMValueRef check, uint32_t block)
{
    uint64_t offset;
    LLVMValueRef base = base_of(s, LLVMGetOperand(check, 0), &offset);
    uint32_t to;

    if (is_known(s, block, base, offset))
        LLVMReplaceAllUsesWith(check, LLVMConstInt(s->u->i1, 0, false));
    else if ((to = passed(s, check, block)) != 0)
        learn(s, to, base, offset);
}

static void scan_function(bounds_scan *s, LLVMValueRef fn, visit *stack, uint32_t *next,
                          uint32_t blocks)
{
    order_blocks(s, fn, stack, blocks);
    find_dominators(s);
    number_tree(s, next);
    for (uint32_t i = 0; i < s->count; i++)
        for (LLVMValueRef v = LLVMGetFirstInstruction(s->order[i]); v;
             v = LLVMGetNextInstruction(v))
            if (is_marked(s, v))
                look(s, v, i);
}

static uint32_t count_checks(const bounds_scan *s, LLVMValueRef fn)
{
    uint32_t checks = 0;

    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b))
        for (LLVMValueRef v = LLVMGetFirstInstruction(b); v; v = LLVMGetNextInstruction(v))
            checks += is_marked(s, v);
    return checks;
}

static bool scan_new(bounds_scan *s, uint32_t blocks, uint32_t checks)
{
    s->parent = calloc(blocks, sizeof *s->parent);
    s->before = calloc(blocks, sizeof *s->before);
    s->within = calloc(blocks, sizeof *s->within);
    s->ways = calloc(blocks, sizeof *s->ways);
    s->many = calloc(blocks, sizeof *s->many);
    s->facts = calloc(checks, sizeof *s->facts);
    return s->parent && s->before && s->within && s->ways && s->many && s->facts &&
           compile_map_init(&s->numbers, blocks) && compile_map_init(&s->bases, checks);
}

static void scan_clear(bounds_scan *s)
{
    compile_map_clear(&s->numbers);
    compile_map_clear(&s->bases);
    free(s->parent);
    free(s->before);
    free(s->within);
    free(s->ways);
    free(s->many);
    free(s->facts);
}

void compile_bounds_remove(compile_unit *u, LLVMValueRef fn)
{
    bounds_scan s = {.u = u};
    uint32_t blocks = LLVMCountBasicBlocks(fn);
    uint32_t checks = count_checks(&s, fn);
    LLVMBasicBlockRef *order;
    visit *stack;
    uint32_t *next;

    if (checks < 2)
        return;
    s.order = order = calloc(blocks, sizeof *order);
    stack = calloc(blocks, sizeof *stack);
    next = calloc(blocks, sizeof *next);
    if (order && stack && next && scan_new(&s, blocks, checks))
        scan_function(&s, fn, stack, next, blocks);
    else
        u->failed = true;
    scan_clear(&s);
    free(order);
    free(stack);
    free(next);
}
