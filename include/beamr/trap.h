/* The one list of traps, shared by everything that can raise or report one.
 * The texts of the traps that the specification knows begin as its test suite writes them, so
 * that a reader of the standard recognises them. */
#ifndef BEAMR_TRAP_H
#define BEAMR_TRAP_H

/*       id                          text */
#define BEAMR_TRAP_MAP(X)                                                                      \
    X(NONE, "no trap")                                                                         \
    X(UNREACHABLE, "unreachable")                                                              \
    X(MEMORY_OUT_OF_BOUNDS, "out of bounds memory access")                                     \
    X(TABLE_OUT_OF_BOUNDS, "out of bounds table access")                                       \
    X(UNDEFINED_ELEMENT, "undefined element")                                                  \
    X(UNINITIALIZED_ELEMENT, "uninitialized element")                                          \
    X(INDIRECT_CALL_MISMATCH, "indirect call type mismatch")                                   \
    X(INTEGER_DIVIDE_BY_ZERO, "integer divide by zero")                                        \
    X(INTEGER_OVERFLOW, "integer overflow")                                                    \
    X(INVALID_CONVERSION, "invalid conversion to integer")                                     \
    X(NULL_REFERENCE, "null reference")                                                        \
    X(NULL_FUNCTION, "null function reference")                                                \
    X(NULL_EXCEPTION, "null exception reference")                                              \
    X(STACK_EXHAUSTED, "call stack exhausted")                                                 \
    X(INTERRUPTED, "interrupted")                                                              \
    X(DEADLINE, "deadline exceeded")                                                           \
    X(OUT_OF_FUEL, "out of fuel")                                                              \
    X(OUT_OF_MEMORY, "out of host memory")                                                     \
    X(HOST, "host function failed")                                                            \
    X(EXIT, "exit")                                                                            \
    X(ABORT, "aborted")                                                                        \
    X(MISSING_IMPORT, "call of an import that nothing provides")

typedef enum beamr_trap {
#define X(id, text) BEAMR_TRAP_##id,
    BEAMR_TRAP_MAP(X)
#undef X
        BEAMR_TRAP_COUNT
} beamr_trap;

#endif
