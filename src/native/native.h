/* Code objects at run time: loading, entering and leaving native code, its traps and
 * backtraces. What it offers goes into rt_engine's function pointers. See
 * docs/internals/native.md. */
#ifndef NATIVE_NATIVE_H
#define NATIVE_NATIVE_H

#include "abi/object.h"
#include "runtime/engine.h"

typedef struct native_code native_code;

/* Check an object, map its code, and make it the module's: instances made from now on use it.
 * A module takes one object.
 *   object  borrowed during the call
 * Errors: BEAMR_OBJECT (cut, damaged), BEAMR_UNSUPPORTED (another compiler, architecture,
 * processor, format), BEAMR_ARGUMENT (of another module; other options than the engine's; the
 * module has code already), BEAMR_NO_MEMORY. The text says which. */
beamr_status native_code_load(abi_module *m, beamr_bytes object, beamr_error *err);
/* When the module goes; accepts NULL. */
void native_code_free(void *code);
/* Function `index` of the module's index space, which is not imported, has native code. */
bool native_code_has(const void *code, uint32_t index);
/* Functions that have native code. */
uint32_t native_code_count(const native_code *code);

/* Give a new instance its context if its module's code fits it: code without checks needs a
 * guarded memory 0. Without a context its functions are interpreted.
 * Errors: BEAMR_NO_MEMORY. */
beamr_status native_instance_init(abi_instance *inst, beamr_error *err);
/* Of a function of an instance with a context: set entry, direct and key if it has code. */
void native_func_init(abi_func *f);

/* Run a function with native code; see abi_entry. */
beamr_status native_entry(abi_func *f, abi_instance *caller, uint64_t *slots, beamr_error *err);

/* What beamr_compile_options says, resolved; see beamr/native.h. */
typedef struct native_process {
    const char *path;
    uint64_t time_ms;
    uint64_t memory;
    uint64_t max_output;
    uint32_t threads;
    uint32_t arch;   /* abi_arch */
    uint32_t flags;  /* ABI_OBJECT_* */
    const char *cpu; /* NULL: this processor's */
    bool (*is_stopped)(void *user); /* asked while it runs; NULL: never */
    void *user;
} native_process;

#define NATIVE_PATH_SIZE 4096

/* Find the compiler's program: the one that is wanted; else the environment's BEAMR_COMPILE;
 * else beamr-compile beside the running program, beside this library, or in libexec or bin next
 * to the library's folder. Never by a path that depends on the current folder.
 *   wanted  may be NULL
 *   path    of NATIVE_PATH_SIZE bytes
 * Errors: BEAMR_UNSUPPORTED (the text says where it was looked for). */
beamr_status native_process_find(const char *wanted, char *path, beamr_error *err);

/* Compile in a process of its own, and wait for it.
 *   out  the object, to be freed with free(); not checked
 * Errors: BEAMR_UNSUPPORTED (there is no such program), BEAMR_LIMIT (time, memory, output),
 * BEAMR_NO_MEMORY, BEAMR_COMPILER (it crashed, failed and said why, or was stopped). */
beamr_status native_process_compile(const native_process *p, beamr_bytes wasm, uint8_t **out,
                                    size_t *size, beamr_error *err);

#endif
