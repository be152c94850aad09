/* Code objects: native code of a module as one block of bytes, in a file or in memory. Made by
 * src/compile, loaded by src/native.
 *
 *     header       abi_object, then sections at the offsets that it names, each aligned to 16;
 *     code         machine code and read-only data, to be mapped as one at a page's boundary;
 *                  needs no relocation
 *     functions    abi_object_func for each defined function
 *     thunks       uint32_t for each type of the module: offset in code, ABI_NO_CODE for none
 *     ranges       abi_object_range, ascending, without gaps: whose code an address is
 *     unwind       abi_object_row, ascending: from this offset on the caller's stack pointer is
 *                  so many bytes above the present one
 *     sites        abi_object_row, ascending: from this offset on code belongs to the
 * instruction at this byte offset of the module (0: to none in particular)
 *
 * Numbers are little-endian; offsets in code count from its beginning. */
#ifndef ABI_OBJECT_H
#define ABI_OBJECT_H

#include <stdint.h>

#define ABI_OBJECT_MAGIC "beamrobj"
#define ABI_OBJECT_FORMAT 1u
#define ABI_OBJECT_COMPILER "beamr 0.1.0, LLVM 19." /* begins abi_object.compiler */
#define ABI_NO_CODE UINT32_MAX
#define ABI_CODE_ALIGN 65536u /* no host has larger pages */

typedef enum abi_arch {
    ABI_ARCH_X86_64 = 1,
    ABI_ARCH_AARCH64 = 2,
} abi_arch;

/* What code was compiled for: bits of abi_object.flags. The last two are for measuring. */
enum {
    ABI_OBJECT_METERING = 1, /* counts fuel */
    ABI_OBJECT_CHECKS = 2,   /* checks every access; otherwise memory 0 must be guarded */
    ABI_OBJECT_CATCHES = 4,  /* returns a status: abi_module_catches */
    ABI_OBJECT_NO_POLLS = 8,
    ABI_OBJECT_ANY_NAN = 16,
};

/* What the compiler's process ends with: 0 when the object is written; else one line of text on
 * its standard error says why. */
enum {
    ABI_EXIT_USAGE = 2,
    ABI_EXIT_LIMIT = 3,
    ABI_EXIT_UNSUPPORTED = 4,
    ABI_EXIT_NO_MEMORY = 5,
    ABI_EXIT_FAILED = 6,
};

/* Features of the processor, beyond x86-64-v2 or ARMv8-A, that code uses. */
enum {
    ABI_CPU_X86_64_V3 = 1, /* AVX2, BMI1, BMI2, FMA, LZCNT, MOVBE */
};

typedef struct abi_object_section {
    uint32_t offset; /* in the object */
    uint32_t size;   /* bytes */
} abi_object_section;

typedef struct abi_object {
    char magic[8];
    uint32_t format;  /* ABI_OBJECT_FORMAT */
    uint32_t version; /* ABI_NATIVE_VERSION */
    uint32_t arch;    /* abi_arch */
    uint32_t flags;
    uint32_t cpu;
    uint32_t size;         /* of the whole object, the header included */
    uint8_t module_id[32]; /* SHA-256 of the module */
    char compiler[32];     /* "beamr 0.1.0, LLVM 19.1.7", ended by zeros */
    uint32_t compiled;     /* functions that have code */
    uint32_t zero;
    abi_object_section code, functions, thunks, ranges, unwind, sites;
    uint8_t checksum[16]; /* crypto_checksum of the whole object, these bytes being zero */
} abi_object;

typedef struct abi_object_func {
    uint32_t code;  /* offset of its entry, or ABI_NO_CODE: it stays interpreted */
    uint32_t frame; /* largest size of its native frame, the return address included */
} abi_object_func;

/* What a range of code is, besides a function's index in the module. */
#define ABI_RANGE_NONE UINT32_MAX        /* data, padding */
#define ABI_RANGE_THUNK (UINT32_MAX - 1) /* ends a backtrace: below is the entry from C */
#define ABI_RANGE_STUB                                                                         \
    (UINT32_MAX - 2) /* leads to an interpreted function: no frame of its own */

typedef struct abi_object_range {
    uint32_t code;
    uint32_t func; /* index in the module, or ABI_RANGE_* */
} abi_object_range;

typedef struct abi_object_row {
    uint32_t code;
    uint32_t value;
} abi_object_row;

#endif
