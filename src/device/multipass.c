/* multipass@1.0: asks a stack for more passes.
 *
 *   key         reads                           answers
 *   set, keys                                   those of message@1.0
 *   any other   base pass, passes; each is 1    pass: base, when `pass` is less than `passes`;
 *               when it is not there            else ok: base
 *
 * Either one that is no whole number of 64 bits is an error 400. How many passes there can be
 * is the stack's matter: stack.c. Source: AO-Core devices, "multipass@1.0". */
#include "device/devices.h"
#include "device/internal.h"

static beamr_status handle(ao_call *call, beamr_error *err)
{
    static const char *const keys[] = {"pass", "passes"};
    int64_t n[] = {1, 1};

    for (int i = 0; i < 2; i++) {
        ao_value value;
        beamr_status st = dev_base_value(call, keys[i], &value, err);

        if (st != BEAMR_OK)
            return st;
        if (value.kind != AO_NONE && !ao_to_integer(value, &n[i]))
            return ao_call_error(call, 400, "multipass: `%s` is no whole number", keys[i]);
    }
    return ao_call_return(call, n[0] < n[1] ? AO_OUTCOME_PASS : AO_OUTCOME_OK,
                          ao_message_value(ao_message_ref(ao_call_base(call))));
}

static const char *const as_message[] = {"set", "keys", NULL};

const ao_device dev_multipass = {
    .name = "multipass@1.0", .excludes = as_message, .handler = handle};
