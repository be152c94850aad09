/* What the compiler's files share.
 *
 * A *unit* is a run of functions that one thread compiles in an LLVM context of its own: unit.c
 * makes it, func.c goes through each body once and asks the families of instructions (emit_*.c)
 * for code, nan.c takes out what cannot be seen, unit.c runs LLVM's passes and emits an ELF
 * object. elf.c, lines.c and unwind.c read that, link.c puts the units together, object.c
 * writes the result. */
#ifndef COMPILE_INTERNAL_H
#define COMPILE_INTERNAL_H

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

#include "abi/context.h"
#include "compile/compile.h"

/* ---- A unit ---- */

/* What all units have in common; immutable while they are compiled. */
typedef struct compile_job {
    const wb_module *m;
    const compile_options *options;
    abi_context_layout layout;
    bool guarded; /* memory 0 has a guard, its accesses may fault: no ABI_OBJECT_CHECKS */
    bool catches; /* abi_module_catches: functions return a status */
    bool tails;   /* the module uses tail calls: convention tailcc */
    /* Then: words of stack that the arguments of every function take (signature.c), or
     * COMPILE_TOO_MANY_WORDS: nothing can be compiled. */
    uint32_t tail_words;
    bool *throws; /* by function index: a call of it may come back with ABI_THROWN */
} compile_job;

#define COMPILE_TAIL_WORDS_MAX 256u
#define COMPILE_TOO_MANY_WORDS UINT32_MAX

typedef struct compile_unit {
    const compile_job *job;
    LLVMContextRef llvm;
    LLVMModuleRef module;
    LLVMBuilderRef b;
    LLVMTargetMachineRef machine;
    LLVMTypeRef i1, i8, i16, i32, i64, f32, f64, v128 /* <2 x i64> */, ptr, void_;
    LLVMTypeRef builtin_types[ABI_BUILTIN_COUNT];
    unsigned convention; /* LLVM's number of the guest functions' calling convention */
    unsigned kind_tbaa, kind_invariant, kind_canon, kind_prof; /* metadata kinds */
    LLVMValueRef tbaa_guest;                                   /* accesses of linear memory */
    LLVMValueRef tbaa_context;                                 /* everything of the host's */
    LLVMValueRef empty_node;                                   /* !{} */
    LLVMValueRef unlikely;                                     /* branch weights */
    LLVMTypeRef *func_types;                   /* by type index, made when needed */
    LLVMValueRef *funcs;                       /* by function index, declared when needed */
    LLVMMetadataRef di_file, di_unit, di_type; /* di_type: of all functions */
    struct LLVMOpaqueDIBuilder *di;
    bool failed; /* memory is gone */
} compile_unit;

/* ---- A function ---- */

/* An operand. */
typedef struct compile_value {
    LLVMValueRef v; /* i32, i64, float, double, <2 x i64>; references are i64 */
    wb_valtype type;
} compile_value;

/* A block that is open. */
typedef struct compile_block {
    wb_op kind;      /* BLOCK, LOOP, IF, ELSE, TRY, CATCH, TRY_TABLE; BLOCK for the body */
    bool dead;       /* the code at hand cannot be reached */
    uint32_t height; /* operands below its parameters */
    const wb_valtype *params, *results;
    wb_valtype result; /* when `results` points here */
    uint32_t param_count, result_count;
    LLVMBasicBlockRef start;     /* LOOP: its header */
    LLVMBasicBlockRef end;       /* where branches to it go (not of a LOOP); NULL: none yet */
    LLVMBasicBlockRef otherwise; /* IF: the other arm */
    LLVMBasicBlockRef edge;      /* of the br_table with the number `edge_table` */
    uint32_t edge_table;
    LLVMValueRef *phis;    /* at `end`, or `start` of a LOOP: what branches carry */
    LLVMValueRef *saved;   /* IF: its parameters, for the other arm */
    LLVMBasicBlockRef pad; /* where an exception in it goes; NULL: asks the block outside, or
                              leaves the function */
    LLVMBasicBlockRef own_pad;  /* TRY, TRY_TABLE: of its own body; pads inherit */
    LLVMBasicBlockRef dispatch; /* TRY, CATCH: end of the pad's tests so far; NULL: finished */
    LLVMValueRef caught;        /* TRY, CATCH: the exception at its pad, a pointer */
} compile_block;

typedef struct compile_func {
    compile_unit *u;
    LLVMBuilderRef b; /* the unit's */
    const wb_module *m;
    const wb_func *func;
    const wb_functype *type;
    uint32_t index; /* in the module's index space */
    wb_reader reader;
    wb_instr in; /* the instruction at hand */
    LLVMValueRef fn, context;
    LLVMValueRef caller_units;              /* as passed */
    LLVMValueRef units;                     /* what this function leaves for its callees, i32 */
    LLVMBasicBlockRef entry;                /* allocas are here */
    LLVMValueRef memory_base, memory_limit; /* as loaded there; NULL until needed */
    LLVMValueRef *locals;                   /* allocas */
    LLVMTypeRef *local_types;
    wb_valtype *local_valtypes;
    compile_value *stack;
    uint32_t height, stack_room;
    compile_block *blocks; /* the innermost is the last */
    uint32_t depth, block_room;
    uint32_t skip_depth; /* blocks opened in code that cannot be reached */
    /* The present block of instructions that is charged as one: that is done where charge_block
     * ends, which waits until the cost is known. */
    LLVMBasicBlockRef charge_block; /* NULL: nothing is charged at present */
    LLVMBasicBlockRef charge_next;
    uint32_t charge_offset;
    uint64_t charge_units;
    LLVMBasicBlockRef traps[BEAMR_TRAP_COUNT];   /* where each kind ends; NULL until needed */
    LLVMValueRef trap_offsets[BEAMR_TRAP_COUNT]; /* phis there */
    uint32_t br_tables;                          /* so far */
    uint64_t work;                               /* see compile_work */
    LLVMBasicBlockRef leave; /* where exceptions leave the function; NULL until one may */
    LLVMMetadataRef di_scope;
    bool failed; /* memory is gone, or the function is too much: it stays interpreted */
} compile_func;

/* ---- func.c: operands, places, small pieces of code ---- */

/* Compile function `index` into its unit. Returns false when it has to stay interpreted; what
 * was made of it is then an empty declaration again. */
bool compile_func_build(compile_unit *u, uint32_t index);

void compile_push(compile_func *f, LLVMValueRef v, wb_valtype type);
LLVMValueRef compile_pop(compile_func *f);
/* The operand `down` below the topmost, which is 0. */
compile_value *compile_top(compile_func *f, uint32_t down);

LLVMTypeRef compile_type(const compile_unit *u, wb_valtype type);
LLVMValueRef compile_i32(const compile_unit *u, uint32_t value);
LLVMValueRef compile_i64(const compile_unit *u, uint64_t value);
/* Zero of any type that a local can have. */
LLVMValueRef compile_zero(const compile_unit *u, wb_valtype type);

/* Pop an i32: whether it is other than 0, as an i1. Sees through a comparison's widening. */
LLVMValueRef compile_condition(compile_func *f);
/* Count what may grow faster than the body does (values at joins); a function that needs too
 * much of it stays interpreted. Returns false then, as f->failed says. */
bool compile_work(compile_func *f, uint64_t count);

/* A new block of LLVM's, the function's last; the builder stays where it is. */
LLVMBasicBlockRef compile_block_new(compile_func *f, const char *name);
void compile_at(compile_func *f, LLVMBasicBlockRef block);

/* Trap here, at the present instruction; the builder is then in a block out of reach. */
void compile_trap(compile_func *f, beamr_trap trap);
/* Trap if the i1 holds, which it seldom does; the builder goes on where it does not. */
void compile_trap_if(compile_func *f, LLVMValueRef condition, beamr_trap trap);
/* Mark a branch on a condition that seldom holds. */
void compile_unlikely(compile_func *f, LLVMValueRef branch);

/* Let an instruction that can trap by itself, or a call, carry the byte offset of the present
 * instruction: the site table has it from there. */
void compile_site(compile_func *f, LLVMValueRef instruction);

/* Call a builtin; args without the context. Carries its site. Its result, if it has one. */
LLVMValueRef compile_builtin(compile_func *f, abi_builtin id, LLVMValueRef *args,
                             uint32_t count);

/* Read a field of the context that does not change; `offset` in bytes. */
LLVMValueRef compile_context_load(compile_func *f, LLVMTypeRef type, uint32_t offset);
/* Read, write what lies at pointer + offset and belongs to the host. */
LLVMValueRef compile_host_load(compile_func *f, LLVMTypeRef type, LLVMValueRef pointer,
                               uint64_t offset);
void compile_host_store(compile_func *f, LLVMValueRef value, LLVMValueRef pointer,
                        uint64_t offset);
LLVMValueRef compile_offset(compile_func *f, LLVMValueRef pointer, uint64_t offset);
/* store->interrupt, as it is now */
LLVMValueRef compile_interrupt(compile_func *f);
/* store->stack_top */
LLVMValueRef compile_slots(compile_func *f);
/* Values to slots and back, as the interpreter has them (i32 and f32 with zeros above). `slot`
 * counts from `slots`. */
void compile_slot_store(compile_func *f, LLVMValueRef slots, uint32_t slot, LLVMValueRef v,
                        wb_valtype type);
LLVMValueRef compile_slot_load(compile_func *f, LLVMValueRef slots, uint32_t slot,
                               wb_valtype type);

/* An intrinsic of LLVM by name, overloaded for `types`. */
LLVMValueRef compile_intrinsic(compile_func *f, const char *name, LLVMTypeRef *types,
                               uint32_t type_count, LLVMValueRef *args, uint32_t arg_count);

/* ---- Exceptions: emit_exception.c ---- */

/* After a call that may throw: if its status (i32) is not ABI_RETURNED go to the innermost
 * handler, or leave the function. Nothing in a module without handlers. */
void compile_propagate(compile_func *f, LLVMValueRef status);
/* Likewise after a call that stands for a tail call: handlers of this function do not count. */
void compile_propagate_tail(compile_func *f, LLVMValueRef status);
/* At `end` of a TRY, CATCH or TRY_TABLE, before anything else is done there. */
void compile_exception_end(compile_func *f);
/* At the end of the function. */
void compile_exception_finish(compile_func *f);

/* ---- Tables: emit_table.c ---- */

/* The abi_table; how many elements it has now, an i64; where one of them is (an i64 index below
 * that). */
LLVMValueRef compile_table(compile_func *f, uint32_t table);
LLVMValueRef compile_table_size(compile_func *f, uint32_t table, LLVMValueRef at);
LLVMValueRef compile_table_element(compile_func *f, LLVMValueRef at, LLVMValueRef index);
/* An index or length of any table as an i64. */
LLVMValueRef compile_table_index(compile_func *f, LLVMValueRef index);

/* ---- Blocks: emit_control.c ---- */

/* The block `depth` outside the innermost, which is 0. */
compile_block *compile_block_at(compile_func *f, uint32_t depth);
/* Open a block of the type in f->in.block: its parameters are the topmost operands. Inherits
 * the pad of the block outside. */
compile_block *compile_block_open(compile_func *f, wb_op kind);
/* Forget the innermost block, of a function that fails. */
void compile_block_drop(compile_func *f);
/* The end of an arm: the results go to the block's end, unless this place cannot be reached. */
void compile_fall_through(compile_func *f);
/* Close the innermost block, after compile_fall_through. */
void compile_block_close(compile_func *f);
/* Branch to a label, the function's own too, with these values. Says nothing of what follows;
 * does not poll. */
void compile_branch_values(compile_func *f, uint32_t depth, LLVMValueRef *values);
/* Return with these values. */
void compile_return_values(compile_func *f, LLVMValueRef *values);
/* What follows cannot be reached. */
void compile_dead(compile_func *f);
/* Begin a block of instructions that is charged as one (wasm/cost.def), at the present place.
 */
void compile_charge_begin(compile_func *f);
/* End it: nothing that follows is charged until the next one begins. */
void compile_charge_end(compile_func *f);
/* Take in the present instruction's cost. */
void compile_charge(compile_func *f);

/* ---- unit.c, signature.c ---- */

/* What every function needs: attributes of its code. (Name, visibility, convention are set.) */
void compile_attributes(compile_unit *u, LLVMValueRef fn);
LLVMTypeRef compile_func_type(compile_unit *u, uint32_t type_index); /* of guest functions */
LLVMValueRef compile_func_decl(compile_unit *u, uint32_t index);     /* named "f<index>" */
LLVMTypeRef compile_result_type(compile_unit *u, uint32_t type_index);
/* Build `ret`: the status (NULL: ABI_RETURNED; of no use in a module without handlers) and the
 * first result, NULL if there is none. */
void compile_return(compile_unit *u, uint32_t type_index, LLVMValueRef status,
                    LLVMValueRef first);
/* Room for a guest function's arguments, context and units in front, and what may be added. */
#define COMPILE_ARGUMENTS_MAX (2 + WB_LIMIT_PARAMS + 1 + 8 + COMPILE_TAIL_WORDS_MAX)
/* compile_job.tail_words. */
uint32_t compile_tail_words(const compile_job *job);
/* Call a guest function; args with context and units in front, COMPILE_ARGUMENTS_MAX of them. */
LLVMValueRef compile_guest_call(compile_unit *u, uint32_t type_index, LLVMValueRef code,
                                LLVMValueRef *args);
/* What came of such a call: its status, NULL in a module without handlers, and the first
 * result, NULL if there is none. */
void compile_returned(compile_unit *u, uint32_t type_index, LLVMValueRef call,
                      LLVMValueRef *status, LLVMValueRef *first);
/* Return what BUILTIN(CALL) has put into slots. */
void compile_return_slots(compile_func *f, uint32_t type_index);
/* "s<type index>", a function of the unit's own: like a guest function of that type, with the
 * abi_func to call as its last argument, which it calls through slots in place of its caller.
 * For tail calls out of native code: the frame of the function that ends with one is gone. */
LLVMValueRef compile_tail_stub(compile_unit *u, uint32_t type_index);
/* args  as compile_guest_call */
LLVMValueRef compile_tail_stub_call(compile_unit *u, uint32_t type_index, LLVMValueRef stub,
                                    LLVMValueRef *args, LLVMValueRef callee);
/* "t<type index>"; see abi/context.h. */
void compile_thunk_build(compile_unit *u, uint32_t type_index);
/* In place of a function that stays interpreted: the same name and type, and calls it. */
void compile_stub_build(compile_unit *u, uint32_t index);
/* The function's name, type and attributes once more, for one that failed to compile. */
void compile_func_undo(compile_unit *u, uint32_t index);

/* ---- Families of instructions ----
 * Each emits f->in if it belongs to the family, and returns whether it did. Code at hand can be
 * reached. */
bool compile_emit_control(compile_func *f); /* emit_control.c: blocks, branches, select, drop */
bool compile_emit_call(compile_func *f);    /* emit_call.c */
bool compile_emit_exception(compile_func *f); /* emit_exception.c */
bool compile_emit_variable(compile_func *f);  /* emit_variable.c: locals, globals */
bool compile_emit_table(compile_func *f);     /* emit_table.c: references, tables */
bool compile_emit_int(compile_func *f);       /* emit_int.c */
bool compile_emit_float(compile_func *f);     /* emit_float.c, conversions too */
bool compile_emit_memory(compile_func *f);    /* emit_memory.c: loads, stores, bulk */
bool compile_emit_simd(compile_func *f); /* emit_simd*.c, loads and stores of vectors too */

/* emit_memory.c: the host address of an access at the popped operand, for `size` bytes;
 * f->in.mem has offset and memory. Checks what the guard does not.
 *   may_fault  set to true when the access itself is what checks: it must then be volatile,
 * with a site, and a load's value go through compile_loaded */
LLVMValueRef compile_address(compile_func *f, LLVMValueRef address, uint32_t size,
                             bool *may_fault);
/* A load or store at such an address, unaligned, with all that it needs to trap exactly. */
LLVMValueRef compile_guest_load(compile_func *f, LLVMTypeRef type, LLVMValueRef pointer,
                                bool may_fault);
void compile_guest_store(compile_func *f, LLVMValueRef v, LLVMValueRef pointer, bool may_fault);
/* The value that a load that may fault gave, extended as it will be used: keeps LLVM from
 * leaving the load out, and from folding it into an instruction with another place. */
void compile_loaded(compile_func *f, LLVMValueRef v, bool may_fault);

/* ---- nan.c ---- */

/* The result of arithmetic, float, double or a vector of them, with each NaN made canonical: a
 * select marked with metadata, which compile_nans_remove takes out where nobody can see the
 * bits. */
LLVMValueRef compile_canonical(compile_func *f, LLVMValueRef v);
/* After LLVM has made SSA of the function's locals. */
void compile_nans_remove(compile_unit *u, LLVMValueRef fn);

/* ---- bounds.c ---- */

/* An access that leaves the rest to the guard after its address has been compared reaches no
 * further beyond it than this; nor is an address further from one that was compared. */
#define COMPILE_NEAR_BYTES (ABI_GUARD_BYTES / 2)

/* Take out comparisons of addresses that always fail, having been made before. Likewise after.
 */
void compile_bounds_remove(compile_unit *u, LLVMValueRef fn);

/* places.c: after all passes, let what code generation may join with a load have its place. */
void compile_places_restore(LLVMValueRef fn);

/* ---- Objects ---- */

/* A compiled unit: bytes of an ELF file, and what belongs to it. */
typedef struct compile_elf {
    uint8_t *bytes;
    size_t size;
    uint32_t first_func, func_count; /* of the module's defined functions; or the thunks' and
                                        stubs' unit, with func_count 0 */
} compile_elf;

#endif
