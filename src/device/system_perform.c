/* A function of the system, performed for a device that answers an import through messages. */
#include "device/internal.h"
#include "device/system_internal.h"

static beamr_status read_args(ao_value args, const beamr_kind *kinds, beamr_value *out,
                              beamr_error *err)
{
    for (size_t i = 0; i < ao_list_count(args); i++) {
        ao_value value;
        beamr_status st = ao_value_load(ao_list_at(args, i), &value, err);

        if (st != BEAMR_OK)
            return st;
        if (!dev_number(value, kinds[i], &out[i]))
            return beamr_fail(err, BEAMR_ARGUMENT, 0, "argument %zu is no number that fits",
                              i + 1);
    }
    return BEAMR_OK;
}

beamr_status dev_system_perform(dev_system *s, beamr_instance *instance, beamr_bytes module,
                                beamr_bytes name, ao_value args, BEAMR_OWN ao_value *results,
                                beamr_error *err)
{
    beamr_kind kinds[BEAMR_PERFORM_PARAMS], kind = BEAMR_I32;
    beamr_value values[BEAMR_PERFORM_PARAMS], result = {.kind = BEAMR_I32};
    size_t count = ao_list_count(args);
    ao_value item = AO_NO_VALUE, list;
    int given;
    beamr_status st;

    if (!beamr_guest_performs(module, name))
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "there is no such function");
    given = beamr_guest_signature(instance, module, name, count, kinds, &kind);
    if (given < 0)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "%.*s does not take %zu arguments",
                          (int)(name.len < 64 ? name.len : 64), (const char *)name.data, count);
    if ((st = read_args(args, kinds, values, err)) != BEAMR_OK ||
        (st = beamr_guest_perform(s->wasi, instance, module, name, values, count, &result,
                                  (size_t)given, err)) != BEAMR_OK)
        return st;
    if (given > 0)
        item = dev_value(&result);
    list = ao_list_new(&item, (size_t)given);
    if (list.kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a result");
    *results = list;
    return BEAMR_OK;
}
