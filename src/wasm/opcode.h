/* Instructions of WebAssembly: their table, and reading one from a function body.
 * The table is wasm/opcode.def. What an instruction means is elsewhere: typing in validate.c,
 * execution in src/interp. */
#ifndef WASM_OPCODE_H
#define WASM_OPCODE_H

#include "beamr/error.h"
#include "wasm/types.h"

typedef enum wb_op {
#define WB_OP(id, prefix, code, text, imm, sig, feature) WB_OP_##id,
#include "wasm/opcode.def"
#undef WB_OP
    WB_OP_COUNT
} wb_op;

/* What follows the code of an instruction. */
typedef enum wb_imm {
    WB_IMM_NONE,
    WB_IMM_BLOCK,       /* block type */
    WB_IMM_LABEL,       /* label index */
    WB_IMM_LABELS,      /* vector of label indices, default label */
    WB_IMM_FUNC,        /* function index; likewise the following */
    WB_IMM_TYPE,
    WB_IMM_LOCAL,
    WB_IMM_GLOBAL,
    WB_IMM_TABLE,
    WB_IMM_TAG,
    WB_IMM_DATA,
    WB_IMM_ELEM,
    WB_IMM_MEM,         /* memory index */
    WB_IMM_TYPE_TABLE,  /* two indices, in this order; likewise the following */
    WB_IMM_DATA_MEM,
    WB_IMM_ELEM_TABLE,
    WB_IMM_MEM_MEM,     /* target, source */
    WB_IMM_TABLE_TABLE, /* target, source */
    WB_IMM_MEM1,        /* alignment, memory index if flagged, offset; the number is the access */
    WB_IMM_MEM2,
    WB_IMM_MEM4,
    WB_IMM_MEM8,
    WB_IMM_MEM16,
    WB_IMM_MEM1_LANE,   /* likewise, followed by a lane index */
    WB_IMM_MEM2_LANE,
    WB_IMM_MEM4_LANE,
    WB_IMM_MEM8_LANE,
    WB_IMM_LANE2,       /* lane index below the number */
    WB_IMM_LANE4,
    WB_IMM_LANE8,
    WB_IMM_LANE16,
    WB_IMM_LANES16,     /* sixteen lane indices below 32 */
    WB_IMM_I32,
    WB_IMM_I64,
    WB_IMM_F32,
    WB_IMM_F64,
    WB_IMM_V128,
    WB_IMM_VALTYPES,    /* vector of value types */
    WB_IMM_HEAPTYPE,
    WB_IMM_TRY_TABLE,   /* block type, vector of catch clauses */
} wb_imm;

typedef struct wb_op_info {
    const char *text; /* as in the text format */
    uint8_t prefix;
    uint16_t code;
    uint8_t imm;     /* wb_imm */
    uint8_t feature; /* wb_feature */
    const char *sig; /* as in opcode.def; "SPECIAL" when validate.c has the rule */
} wb_op_info;

extern const wb_op_info wb_op_table[WB_OP_COUNT];

/* Units of fuel that an instruction costs, bulk sizes apart (wasm/cost.def). */
extern const uint16_t wb_op_cost[WB_OP_COUNT];
#define WB_COST_BULK_BYTES 64u
#define WB_COST_BULK_ITEMS 8u

/* A block type: either a type index, or no parameters and at most one result. */
typedef struct wb_blocktype {
    bool is_index;
    uint32_t index;    /* into the module's types, when is_index; not yet checked */
    wb_valtype result; /* when not is_index; WB_VALTYPE_NONE for no result */
} wb_blocktype;

typedef enum wb_catch_kind {
    WB_CATCH = 0,
    WB_CATCH_REF = 1,
    WB_CATCH_ALL = 2,
    WB_CATCH_ALL_REF = 3,
} wb_catch_kind;

/* One decoded instruction. Vectors in it are borrowed from the input and read with the
 * wb_*_next functions below. */
typedef struct wb_instr {
    wb_op op;
    uint32_t offset; /* of its first byte in the module */
    union {
        struct {
            uint32_t index;  /* the one index, or the first of two */
            uint32_t index2; /* the second of two */
        };
        struct {
            uint64_t offset; /* 64 bits wide in the encoding; the validator checks its range */
            uint32_t memory;
            uint8_t align; /* log2 of the declared alignment; 0 to 63 */
            uint8_t lane;
        } mem;
        uint8_t lane;
        uint32_t i32;
        uint64_t i64;
        uint32_t f32; /* bits */
        uint64_t f64; /* bits */
        uint8_t v128[16]; /* bytes of the constant, or sixteen lane indices */
        wb_valtype type;  /* HEAPTYPE (as the nullable reference type); VALTYPES, when count is 1 */
        wb_blocktype block; /* BLOCK, TRY_TABLE */
    };
    uint32_t count;      /* LABELS (default not counted), VALTYPES, TRY_TABLE: entries */
    const uint8_t *list; /* encoded entries of LABELS (with the default behind) or TRY_TABLE */
} wb_instr;

/* A catch clause of a try_table. */
typedef struct wb_catch_clause {
    wb_catch_kind kind;
    uint32_t tag; /* not for the _ALL kinds */
    uint32_t label;
} wb_catch_clause;

struct wb_module;

/* A place in a function body or constant expression. */
typedef struct wb_reader {
    const struct wb_module *module; /* for heap types; may still lack later sections */
    const uint8_t *base;            /* first byte of the module: offsets count from here */
    const uint8_t *next;
    const uint8_t *end;
} wb_reader;

/* Read one instruction and step over it.
 * Checks what the binary format demands (encodings, reserved bytes, alignment exponents below
 * 64, a data count section where one is needed), and features. Of indices only lanes and the
 * types in heap types are looked up.
 *   out  of no use after a failure
 * Errors: BEAMR_MALFORMED, BEAMR_INVALID (invalid lane index, unknown type), BEAMR_UNSUPPORTED
 * (the text names the feature), BEAMR_LIMIT. */
beamr_status wb_instr_read(wb_reader *r, wb_instr *out, beamr_error *err);

/* Entry `i` (in order, stepping *cursor, which begins at instr->list) of a list that
 * wb_instr_read accepted. */
uint32_t wb_label_next(const uint8_t **cursor);
wb_catch_clause wb_catch_next(const uint8_t **cursor);

#endif
