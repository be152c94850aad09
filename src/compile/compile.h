/* The compiler: a validated module to a code object, with LLVM. Sees the module model and the
 * ABI alone; linked into beamr-compile only, since hostile modules may crash or stall LLVM. See
 * docs/internals/native.md. */
#ifndef COMPILE_COMPILE_H
#define COMPILE_COMPILE_H

#include <stddef.h>

#include "abi/object.h"
#include "wasm/module.h"

typedef struct compile_options {
    uint32_t arch;      /* abi_arch */
    uint32_t cpu;       /* ABI_CPU_*, that the code may use */
    uint32_t flags;     /* ABI_OBJECT_METERING, _CHECKS, _NO_POLLS, _ANY_NAN */
    uint32_t threads;   /* at least 1 */
    uint64_t time_ms;   /* what is not compiled by then stays interpreted; 0: no limit */
    size_t max_size;    /* bytes of the object; 0: 4 GiB less one */
    const char *passes; /* LLVM's pipeline, for measuring; NULL: the compiler's own */
    uint32_t level;     /* of code generation, for measuring: 1 none, 2 less, 3 default, 4
                           aggressive; 0:     the compiler's own */
    bool verify; /* let LLVM check what it is given; wrong code fails with BEAMR_UNSUPPORTED */
} compile_options;

/* What this processor has, for abi_object.arch and .cpu. */
uint32_t compile_host_arch(void);
uint32_t compile_host_cpu(void);

/* "beamr 0.1.0, LLVM 19.1.7", cut to `size` and filled with zeros. */
void compile_version(char *out, size_t size);

/* Compile. Functions that are too costly or take too much time are left out, to stay
 * interpreted; an object of which nothing is compiled is an object too. When the time is over,
 * threads may still be inside LLVM and look at the module: let it live, and end the process by
 * _exit.
 *   m    decoded and validated
 *   id   SHA-256 of its bytes
 *   out  the object, to be freed with free()
 * Errors: BEAMR_NO_MEMORY, BEAMR_LIMIT (max_size), BEAMR_UNSUPPORTED (an architecture that this
 * LLVM lacks), BEAMR_COMPILER (LLVM made what link.c does not take). LLVM may also end the
 * process. */
beamr_status compile_module(const wb_module *m, const uint8_t id[32],
                            const compile_options *options, uint8_t **out, size_t *size,
                            beamr_error *err);

#endif
