/* In place of enter_x86_64.h where no native code is loaded yet: native_code_load refuses it
 * all, so nothing here is reached. */
#ifndef NATIVE_ENTER_OTHER_H
#define NATIVE_ENTER_OTHER_H

#include "native/do.h"

static inline uint32_t native_enter(abi_native_call *call, const void *thunk, uint64_t *slots,
                                    const void *code, uint32_t units)
{
    (void)thunk, (void)slots, (void)code, (void)units;
    call->status = beamr_fail_trap(call->err, BEAMR_TRAP_UNREACHABLE, NULL);
    return NATIVE_LEFT;
}

const void *const *native_builtins(uint32_t flags, uint32_t cpu)
{
    (void)flags, (void)cpu;
    return NULL;
}

#endif
