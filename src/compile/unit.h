/* A unit's life: an LLVM module, and what becomes of it. See compile/internal.h. */
#ifndef COMPILE_UNIT_H
#define COMPILE_UNIT_H

#include "compile/internal.h"

/* How much is done for the speed of a unit's code. */
typedef enum compile_effort {
    COMPILE_FULL,
    COMPILE_QUICK, /* in time linear in the code, whatever it looks like */
} compile_effort;

/* Options of the process's LLVM, and its target for an architecture. Thread-safe.
 * Errors: BEAMR_UNSUPPORTED. */
beamr_status compile_llvm_start(uint32_t arch, beamr_error *err);

/* An empty unit, to be cleared with compile_unit_clear, also after a failure. */
beamr_status compile_unit_init(compile_unit *u, const compile_job *job, compile_effort effort,
                               beamr_error *err);
void compile_unit_clear(compile_unit *u);

/* Optimise what was built, and make machine code of it. The unit can then only be cleared.
 *   out  bytes and size are set; to be freed with free()
 * Errors: BEAMR_UNSUPPORTED (LLVM does not accept the module, with its words), BEAMR_NO_MEMORY.
 */
beamr_status compile_unit_emit(compile_unit *u, compile_effort effort, compile_elf *out,
                               beamr_error *err);

#endif
