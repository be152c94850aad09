/* emscripten@1.0: the functions that modules made with Emscripten import from `env`, over the
 * same files and streams as WASI@1.0.
 *
 *   key        reads                                  answers
 *   init       base output-prefix <p>, vfs,           ok: base with <p>/stdlib/env =
 *              file-descriptors                       {device: emscripten@1.0}, and with
 *                                                     vfs/dev/stdin, stdout, stderr and
 *                                                     file-descriptors, where they are missing
 *   compute                                           ok: base
 *   a function request args, func; base state, a      ok: {state, results: [result]}
 *   of env     message with a guest whose call        error {status, body}: the guest traps
 *              waits for this import
 *
 * All other keys are those of message@1.0. invoke_*, what throws, and C++ exceptions are not
 * among the functions: they belong to the language, and the engine has them always.
 * Source: AO-Core, "Host imports for AO modules". */
#include "device/devices.h"
#include "device/system_call.h"

static beamr_status init(ao_call *call, beamr_error *err)
{
    ao_message *state = ao_message_ref(ao_call_base(call));
    beamr_status st;

    if ((st = dev_system_place(call, &state, "env", "emscripten@1.0", false, err)) ==
            BEAMR_OK &&
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
    return dev_system_call(call, "env", NULL, err);
}

static const ao_key keys[] = {{"init", init}, {"compute", compute}, AO_KEYS_END};

const ao_device dev_emscripten = {
    .name = "emscripten@1.0", .keys = keys, .default_key = function};
