/* A unit: the LLVM module in which some functions are compiled, with all that they have in
 * common, and its way through LLVM's passes to an object file in memory. What is in the
 * functions: func.c, emit_*.c. See docs/internals/native.md. */
#include <llvm-c/Analysis.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/unit.h"

#define BEAMR_VERSION_TEXT "0.1.0"

/* The numbers of LLVM's calling conventions, which its C interface does not name in full. */
#define CONVENTION_C 0u
#define CONVENTION_TAIL 18u

/* Locals become SSA values; then NaNs that nobody sees are left as they are (nan.c); then the
 * rest. No pass may merge calls or accesses that may trap: each has its own place in the
 * module. Hence simplifycfg neither hoists nor sinks common instructions. */
#define PASSES_SSA "function(mem2reg)"
#define PASSES_QUICK "function(mem2reg)"

/* Chosen by measurement: docs/internals/native.md, "Passes". */
static const char *const passes_full =
    "function(early-cse<memssa>,"
    "simplifycfg<no-hoist-common-insts;no-sink-common-insts>,"
    "instcombine<no-verify-fixpoint>,loop-mssa(licm<allowspeculation>))";

/* ---- Once in a process ---- */

static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;
static bool has_options, has_x86_64, has_aarch64;

static void start_options(void)
{
    /* Equal ends of blocks stay apart, since each call and trap has its own place; and a load is
     * not extended anew by an instruction without one (places.c). There are no variables to be
     * followed. Reducing loops' strength makes some faster and as many slower. */
    static const char *const options[] = {
        "beamr-compile", "-enable-tail-merge=false", "-disable-cgp-ext-ld-promotion",
        "-experimental-debug-variable-locations=false", "-disable-lsr"};

    if (!has_options)
        LLVMParseCommandLineOptions(sizeof options / sizeof *options, options, NULL);
    has_options = true;
}

static void start_x86_64(void)
{
    if (has_x86_64)
        return;
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser(); /* of inline assembly, even if it is empty */
    has_x86_64 = true;
}

static void start_aarch64(void)
{
    if (has_aarch64)
        return;
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeAArch64AsmParser();
    has_aarch64 = true;
}

beamr_status compile_llvm_start(uint32_t arch, beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    pthread_mutex_lock(&start_lock);
    start_options();
    if (arch == ABI_ARCH_X86_64)
        start_x86_64();
    else if (arch == ABI_ARCH_AARCH64)
        start_aarch64();
    else
        st = beamr_fail(err, BEAMR_UNSUPPORTED, 0, "no code can be made for architecture %u",
                        arch);
    pthread_mutex_unlock(&start_lock);
    return st;
}

void compile_version(char *out, size_t size)
{
    unsigned major, minor, patch;

    LLVMGetVersion(&major, &minor, &patch);
    memset(out, 0, size);
    (void)snprintf(out, size, "beamr " BEAMR_VERSION_TEXT ", LLVM %u.%u.%u", major, minor,
                   patch);
}

/* ---- The target ---- */

static const char *triple_of(uint32_t arch)
{
    return arch == ABI_ARCH_X86_64 ? "x86_64-unknown-linux-gnu" : "aarch64-unknown-linux-gnu";
}

static const char *cpu_of(const compile_options *options)
{
    if (options->arch != ABI_ARCH_X86_64)
        return "generic";
    return options->cpu & ABI_CPU_X86_64_V3 ? "x86-64-v3" : "x86-64-v2";
}

static LLVMCodeGenOptLevel level_of(const compile_unit *u, compile_effort effort)
{
    static const LLVMCodeGenOptLevel levels[] = {LLVMCodeGenLevelDefault, LLVMCodeGenLevelNone,
                                                 LLVMCodeGenLevelLess, LLVMCodeGenLevelDefault,
                                                 LLVMCodeGenLevelAggressive};
    uint32_t asked = u->job->options->level;

    if (effort == COMPILE_QUICK)
        return LLVMCodeGenLevelNone;
    return levels[asked < sizeof levels / sizeof *levels ? asked : 0];
}

static beamr_status init_target(compile_unit *u, compile_effort effort, beamr_error *err)
{
    const compile_options *options = u->job->options;
    const char *triple = triple_of(options->arch);
    LLVMTargetDataRef layout;
    LLVMTargetRef target;
    char *text = NULL;
    beamr_status st;

    if (LLVMGetTargetFromTriple(triple, &target, &text)) {
        st = beamr_fail(err, BEAMR_UNSUPPORTED, 0, "no code can be made for %s: %s", triple,
                        text);
        LLVMDisposeMessage(text);
        return st;
    }
    u->machine = LLVMCreateTargetMachine(target, triple, cpu_of(options), "",
                                         level_of(u, effort), LLVMRelocPIC, LLVMCodeModelSmall);
    if (!u->machine)
        return beamr_fail(err, BEAMR_UNSUPPORTED, 0, "no code can be made for %s", triple);
    LLVMSetTarget(u->module, triple);
    layout = LLVMCreateTargetDataLayout(u->machine);
    LLVMSetModuleDataLayout(u->module, layout);
    LLVMDisposeTargetData(layout);
    return BEAMR_OK;
}

/* ---- Types, metadata ---- */

static void init_types(compile_unit *u)
{
    LLVMContextRef c = u->llvm;

    u->i1 = LLVMInt1TypeInContext(c);
    u->i8 = LLVMInt8TypeInContext(c);
    u->i16 = LLVMInt16TypeInContext(c);
    u->i32 = LLVMInt32TypeInContext(c);
    u->i64 = LLVMInt64TypeInContext(c);
    u->f32 = LLVMFloatTypeInContext(c);
    u->f64 = LLVMDoubleTypeInContext(c);
    u->v128 = LLVMVectorType(u->i64, 2);
    u->ptr = LLVMPointerTypeInContext(c, 0);
    u->void_ = LLVMVoidTypeInContext(c);
}

/* A letter of builtin.def. */
static LLVMTypeRef letter_type(const compile_unit *u, char letter)
{
    switch (letter) {
    case 'i':
        return u->i32;
    case 'l':
        return u->i64;
    case 'p':
        return u->ptr;
    default:
        return u->void_;
    }
}

static LLVMTypeRef builtin_type(const compile_unit *u, char result, const char *params)
{
    LLVMTypeRef types[8] = {u->ptr};
    unsigned count = 1;

    for (; *params; params++)
        types[count++] = letter_type(u, *params);
    return LLVMFunctionType(letter_type(u, result), types, count, false);
}

static void init_builtins(compile_unit *u)
{
    static const struct {
        char result;
        const char *params;
    } rows[] = {
#define ABI_BUILTIN(id, result, params, flags) {#result[0], #params},
#include "abi/builtin.def"
#undef ABI_BUILTIN
    };

    for (uint32_t i = 0; i < ABI_BUILTIN_COUNT; i++)
        u->builtin_types[i] = builtin_type(u, rows[i].result, rows[i].params);
}

static LLVMMetadataRef node_of(compile_unit *u, LLVMMetadataRef *parts, size_t count)
{
    return LLVMMDNodeInContext2(u->llvm, parts, count);
}

static LLVMMetadataRef string_of(compile_unit *u, const char *text)
{
    return LLVMMDStringInContext2(u->llvm, text, strlen(text));
}

static LLVMMetadataRef number_of(LLVMTypeRef type, uint64_t value)
{
    return LLVMValueAsMetadata(LLVMConstInt(type, value, false));
}

/* The tag of accesses to one kind of memory, which is none of the other kinds. */
static LLVMValueRef tbaa_tag(compile_unit *u, LLVMMetadataRef root, const char *name)
{
    LLVMMetadataRef zero = number_of(u->i64, 0);
    LLVMMetadataRef type[] = {string_of(u, name), root, zero};
    LLVMMetadataRef type_node = node_of(u, type, 3);
    LLVMMetadataRef tag[] = {type_node, type_node, zero};

    return LLVMMetadataAsValue(u->llvm, node_of(u, tag, 3));
}

static unsigned kind_of(const compile_unit *u, const char *name)
{
    return LLVMGetMDKindIDInContext(u->llvm, name, (unsigned)strlen(name));
}

static void init_metadata(compile_unit *u)
{
    LLVMMetadataRef name = string_of(u, "beamr");
    LLVMMetadataRef root = node_of(u, &name, 1);
    LLVMMetadataRef weights[] = {string_of(u, "branch_weights"), number_of(u->i32, 1),
                                 number_of(u->i32, 2000)};

    u->kind_tbaa = kind_of(u, "tbaa");
    u->kind_invariant = kind_of(u, "invariant.load");
    u->kind_canon = kind_of(u, "beamr.canon");
    u->kind_prof = kind_of(u, "prof");
    u->tbaa_guest = tbaa_tag(u, root, "guest");
    u->tbaa_context = tbaa_tag(u, root, "host");
    u->empty_node = LLVMMetadataAsValue(u->llvm, node_of(u, NULL, 0));
    u->unlikely = LLVMMetadataAsValue(u->llvm, node_of(u, weights, 3));
}

/* Debug information: nothing but lines, which are byte offsets in the module. */
static void init_lines(compile_unit *u)
{
    LLVMAddModuleFlag(u->module, LLVMModuleFlagBehaviorWarning, "Debug Info Version", 18,
                      number_of(u->i32, LLVMDebugMetadataVersion()));
    LLVMAddModuleFlag(u->module, LLVMModuleFlagBehaviorWarning, "Dwarf Version", 13,
                      number_of(u->i32, 4));
    u->di = LLVMCreateDIBuilder(u->module);
    u->di_file = LLVMDIBuilderCreateFile(u->di, "wasm", 4, "/", 1);
    u->di_unit = LLVMDIBuilderCreateCompileUnit(
        u->di, LLVMDWARFSourceLanguageC, u->di_file, "", 0, true, "", 0, 0, "", 0,
        LLVMDWARFEmissionLineTablesOnly, 0, false, false, "", 0, "", 0);
    u->di_type = LLVMDIBuilderCreateSubroutineType(u->di, u->di_file, NULL, 0, LLVMDIFlagZero);
}

/* ---- Attributes ---- */

static void add_attribute(compile_unit *u, LLVMValueRef fn, const char *name, uint64_t value)
{
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));

    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateEnumAttribute(u->llvm, kind, value));
}

static void add_text(compile_unit *u, LLVMValueRef fn, const char *name, const char *value)
{
    LLVMAttributeRef attribute = LLVMCreateStringAttribute(
        u->llvm, name, (unsigned)strlen(name), value, (unsigned)strlen(value));

    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, attribute);
}

void compile_attributes(compile_unit *u, LLVMValueRef fn)
{
    add_attribute(u, fn, "nounwind", 0);
    add_attribute(u, fn, "uwtable", 2);      /* of each instruction, not only of calls */
    add_text(u, fn, "no-builtins", "");      /* loops do not become calls of memset */
    add_text(u, fn, "no-realign-stack", ""); /* frames are counted from the stack pointer */
    add_text(u, fn, "target-cpu", cpu_of(u->job->options));
}

/* ---- A unit's life ---- */

beamr_status compile_unit_init(compile_unit *u, const compile_job *job, compile_effort effort,
                               beamr_error *err)
{
    const wb_module *m = job->m;
    beamr_status st;

    *u = (compile_unit){.job = job};
    u->func_types = calloc((size_t)m->type_count + 1, sizeof(LLVMTypeRef));
    u->funcs = calloc((size_t)m->func_count + 1, sizeof(LLVMValueRef));
    if (!u->func_types || !u->funcs)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for a unit of the compiler");
    u->llvm = LLVMContextCreate();
    LLVMContextSetDiscardValueNames(u->llvm, true);
    u->module = LLVMModuleCreateWithNameInContext("wasm", u->llvm);
    u->b = LLVMCreateBuilderInContext(u->llvm);
    u->convention = job->tails ? CONVENTION_TAIL : CONVENTION_C;
    if ((st = init_target(u, effort, err)) != BEAMR_OK)
        return st;
    init_types(u);
    init_builtins(u);
    init_metadata(u);
    init_lines(u);
    return BEAMR_OK;
}

void compile_unit_clear(compile_unit *u)
{
    if (u->di)
        LLVMDisposeDIBuilder(u->di);
    if (u->b)
        LLVMDisposeBuilder(u->b);
    if (u->module)
        LLVMDisposeModule(u->module);
    if (u->machine)
        LLVMDisposeTargetMachine(u->machine);
    if (u->llvm)
        LLVMContextDispose(u->llvm);
    free(u->func_types);
    free(u->funcs);
    *u = (compile_unit){0};
}

/* ---- Passes ---- */

static beamr_status verify(compile_unit *u, const char *when, beamr_error *err)
{
    char *text = NULL;
    beamr_status st = BEAMR_OK;

    if (!u->job->options->verify)
        return BEAMR_OK;
    if (LLVMVerifyModule(u->module, LLVMReturnStatusAction, &text)) {
        st = beamr_fail(err, BEAMR_UNSUPPORTED, 0, "the compiler's module is wrong %s: %s",
                        when, text);
        (void)fprintf(stderr, "%s\n", text);
    }
    LLVMDisposeMessage(text);
    return st;
}

static beamr_status run_passes(compile_unit *u, const char *passes, beamr_error *err)
{
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef failure = LLVMRunPasses(u->module, passes, u->machine, options);
    beamr_status st = BEAMR_OK;

    LLVMDisposePassBuilderOptions(options);
    if (failure) {
        char *text = LLVMGetErrorMessage(failure);

        st = beamr_fail(err, BEAMR_UNSUPPORTED, 0, "passes %s: %s", passes, text);
        LLVMDisposeErrorMessage(text);
    }
    return st;
}

static void remove_nans(compile_unit *u)
{
    for (LLVMValueRef fn = LLVMGetFirstFunction(u->module); fn; fn = LLVMGetNextFunction(fn)) {
        if (!LLVMIsDeclaration(fn)) {
            compile_nans_remove(u, fn);
            compile_bounds_remove(u, fn);
        }
    }
}

static void restore_places(compile_unit *u)
{
    if (!u->job->guarded)
        return;
    for (LLVMValueRef fn = LLVMGetFirstFunction(u->module); fn; fn = LLVMGetNextFunction(fn))
        if (!LLVMIsDeclaration(fn))
            compile_places_restore(fn);
}

static beamr_status optimise(compile_unit *u, compile_effort effort, beamr_error *err)
{
    const char *passes = u->job->options->passes;

    BEAMR_TRY(verify(u, "at first", err));
    if (effort == COMPILE_QUICK)
        return BEAMR_OK;
    BEAMR_TRY(run_passes(u, PASSES_SSA, err));
    remove_nans(u);
    if (!passes)
        passes = passes_full;
    if (*passes)
        BEAMR_TRY(run_passes(u, passes, err));
    restore_places(u);
    return verify(u, "after its passes", err);
}

static beamr_status emit(compile_unit *u, compile_elf *out, beamr_error *err)
{
    LLVMMemoryBufferRef buffer = NULL;
    char *text = NULL;
    beamr_status st;

    if (LLVMTargetMachineEmitToMemoryBuffer(u->machine, u->module, LLVMObjectFile, &text,
                                            &buffer)) {
        st = beamr_fail(err, BEAMR_UNSUPPORTED, 0, "LLVM: %s", text);
        LLVMDisposeMessage(text);
        return st;
    }
    out->size = LLVMGetBufferSize(buffer);
    out->bytes = malloc(out->size + 1);
    if (out->bytes)
        memcpy(out->bytes, LLVMGetBufferStart(buffer), out->size);
    LLVMDisposeMemoryBuffer(buffer);
    return out->bytes ? BEAMR_OK
                      : beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for machine code");
}

beamr_status compile_unit_emit(compile_unit *u, compile_effort effort, compile_elf *out,
                               beamr_error *err)
{
    if (u->failed)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for the compiler");
    LLVMDIBuilderFinalize(u->di);
    BEAMR_TRY(optimise(u, effort, err));
    return emit(u, out, err);
}
