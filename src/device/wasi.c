/* WASI@1.0: files and streams of a guest, held in its message.
 *
 *   key        reads                                answers
 *   init       base output-prefix <p>, vfs,         ok: base with {device: WASI@1.0} at
 *              file-descriptors                     <p>/stdlib/wasi_snapshot_preview1 and
 *                                                   .../wasi_unstable; and, where they are
 *                                                   missing, {device: emscripten@1.0} at
 *                                                   <p>/stdlib/env, vfs/dev/stdin, stdout and
 *                                                   stderr, and file-descriptors
 *   compute                                         ok: base
 *   a function request args, func, module; base     ok: {state, results: [errno]}
 *   of WASI    state, a message with a guest        error {status, body}: the guest traps
 *              whose call waits for this import
 *
 * All other keys are those of message@1.0. While this device stands at <p>/stdlib the engine
 * calls its functions by itself, with the same results: system.c. What they do is in
 * src/guest/, how the message looks in docs/devices.md.
 * Source: AO-Core devices, "WASI@1.0"; WASI preview 1. */
#include "device/devices.h"
#include "device/system_call.h"

static beamr_status init(ao_call *call, beamr_error *err)
{
    ao_message *state = ao_message_ref(ao_call_base(call));
    beamr_status st;

    if ((st = dev_system_place(call, &state, "wasi_snapshot_preview1", "WASI@1.0", false,
                               err)) == BEAMR_OK &&
        (st = dev_system_place(call, &state, "wasi_unstable", "WASI@1.0", false, err)) ==
            BEAMR_OK &&
        (st = dev_system_place(call, &state, "env", "emscripten@1.0", true, err)) == BEAMR_OK &&
        (st = dev_system_begin(call, &state, err)) == BEAMR_OK)
        return ao_call_ok(call, ao_message_value(state));
    ao_message_unref(state);
    return st;
}

static beamr_status compute(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_message_value(ao_message_ref(ao_call_base(call))));
}

static beamr_status function(ao_call *call, beamr_error *err)
{
    static const char *const modules[] = {"wasi_unstable", NULL};

    return dev_system_call(call, "wasi_snapshot_preview1", modules, err);
}

static const ao_key keys[] = {{"init", init}, {"compute", compute}, AO_KEYS_END};

const ao_device dev_wasi = {.name = "wasi@1.0", .keys = keys, .default_key = function};
