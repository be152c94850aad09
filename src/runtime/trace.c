/* Where failures come from: the frames of a backtrace, and those that an exception on its way
 * has left, which become one when nobody catches it. The executors know their frames; what is
 * said of each is said here. */
#include "runtime/runtime.h"

#include <stdio.h>
#include <string.h>

static void frame_fill(beamr_frame *out, const wb_module *m, uint32_t func, uint32_t offset)
{
    beamr_bytes name = wb_func_name(m, func);

    out->func = func;
    out->offset = offset;
    if (name.len >= sizeof out->name) {
        name.len = sizeof out->name - 1;
        while (name.len > 0 && (name.data[name.len] & 0xc0) == 0x80)
            name.len--; /* cut between characters */
    }
    if (name.len)
        memcpy(out->name, name.data, name.len);
    out->name[name.len] = '\0';
}

void rt_frame_add(beamr_error *err, const wb_module *m, uint32_t func, uint32_t offset)
{
    err->frame_total++;
    if (err->frame_count < BEAMR_BACKTRACE_MAX)
        frame_fill(&err->frames[err->frame_count++], m, func, offset);
}

void rt_trace_add(abi_store *s, const wb_module *m, uint32_t func, uint32_t offset)
{
    if (s->trace_total < BEAMR_BACKTRACE_MAX)
        s->trace[s->trace_total] = (abi_place){m, func, offset};
    s->trace_total++;
}

beamr_status rt_fail_uncaught(const abi_store *s, beamr_error *err)
{
    if (err->status != BEAMR_OK)
        return BEAMR_EXCEPTION;
    (void)beamr_fail(err, BEAMR_EXCEPTION, 0, "uncaught exception");
    for (uint32_t i = 0; i < s->trace_total && i < BEAMR_BACKTRACE_MAX; i++)
        rt_frame_add(err, s->trace[i].wasm, s->trace[i].func, s->trace[i].offset);
    err->frame_total = s->trace_total;
    return BEAMR_EXCEPTION;
}

beamr_status rt_fail_element(beamr_trap trap, uint64_t element, beamr_error *err)
{
    bool is_first = err && err->status == BEAMR_OK;
    size_t len;

    (void)beamr_fail_trap(err, trap, NULL);
    if (is_first) {
        len = strlen(err->text);
        (void)snprintf(err->text + len, sizeof err->text - len, " %llu",
                       (unsigned long long)element);
    }
    return BEAMR_TRAP;
}
