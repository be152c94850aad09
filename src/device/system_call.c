/* Functions of the system as keys of devices, and what `init` puts into a message:
 * system_call.h. What is performed is what the engine would have called, on the same system, so
 * a guest cannot tell which way its call went. */
#include "device/system_call.h"

#include <stdio.h>
#include <string.h>

#include "ao/set.h"
#include "base/text.h"
#include "device/internal.h"
#include "device/state.h"

/* ---- Functions ---- */

/* What the request calls the function, as the import has it. */
static beamr_status name_of(ao_call *call, beamr_bytes *out, beamr_error *err)
{
    ao_value func;
    beamr_status st = dev_argument(call, "func", &func, err);

    if (st == BEAMR_OK)
        *out = func.kind == AO_BINARY ? ao_bytes(func) : ao_call_key_text(call);
    return st;
}

static beamr_status module_of(ao_call *call, const char *module, const char *const *others,
                              beamr_bytes *out, beamr_error *err)
{
    ao_value said;
    beamr_status st = dev_argument(call, "module", &said, err);

    *out = beamr_bytes_of(module);
    for (; st == BEAMR_OK && others && *others; others++)
        if (text_is(ao_text(said), *others))
            *out = beamr_bytes_of(*others);
    return st;
}

/* {state, results} */
static beamr_status answer(ao_call *call, BEAMR_OWN ao_message *state,
                           BEAMR_OWN ao_value results, beamr_error *err)
{
    ao_builder b;
    ao_message *message = NULL;
    beamr_status st;

    ao_builder_begin(&b, NULL, NULL, err);
    ao_builder_put(&b, "state", ao_message_value(state));
    ao_builder_put(&b, "results", results);
    st = ao_builder_end(&b, &message);
    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(message)) : st;
}

static beamr_status perform(ao_call *call, const ao_message *message, beamr_bytes module,
                            beamr_bytes name, ao_value args, beamr_error *err)
{
    ao_message *state = NULL;
    ao_value results = AO_NO_VALUE;
    dev_inputs inputs = {0};
    dev_state *guest;
    beamr_bytes prefix;
    beamr_error why = {0};
    beamr_status st;

    if ((st = dev_prefix(message, "output-prefix", &prefix, err)) != BEAMR_OK)
        return st;
    if (!(guest = dev_state_of(message, prefix)))
        return ao_call_error(call, 400, "%.*s: there is no guest in `state`", (int)name.len,
                             (const char *)name.data);
    state = ao_message_ref(message);
    if ((st = dev_inputs_read(call, message, prefix, &inputs, &why)) == BEAMR_OK)
        st = dev_state_perform(guest, &inputs, module, name, args, &results, &state, &why);
    if (st == BEAMR_OK)
        return answer(call, state, results, err);
    ao_message_unref(state);
    if (st == BEAMR_NO_MEMORY)
        return beamr_fail(err, st, 0, "%s", why.text);
    return ao_call_error(call, beamr_status_http(st), "%s", why.text);
}

beamr_status dev_system_call(ao_call *call, const char *module, const char *const *others,
                             beamr_error *err)
{
    ao_value args = AO_NO_VALUE, state;
    beamr_bytes from, name;
    beamr_status st;

    if ((st = name_of(call, &name, err)) != BEAMR_OK ||
        (st = module_of(call, module, others, &from, err)) != BEAMR_OK ||
        (st = dev_argument_list(call, "args", &args, err)) != BEAMR_OK)
        return st;
    if (args.kind != AO_LIST || !beamr_guest_performs(from, name)) {
        ao_value_unref(args);
        return ao_call_as_message(call);
    }
    st = dev_base_value(call, "state", &state, err);
    if (st == BEAMR_OK && state.kind != AO_MESSAGE)
        st = ao_call_error(call, 400, "%.*s: the base has no `state`", (int)name.len,
                           (const char *)name.data);
    else if (st == BEAMR_OK)
        st = perform(call, ao_to_message(state), from, name, args, err);
    ao_value_unref(args);
    return st;
}

/* ---- `init` ---- */

/* A value at a path, in place of the message; taken over. */
static beamr_status set(ao_call *call, ao_message **state, const char *path,
                        BEAMR_OWN ao_value value, beamr_error *err)
{
    ao_message *changed = NULL;
    beamr_status st;

    if (value.kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %s", path);
    st = ao_set_path(ao_call_context(call), *state, beamr_bytes_of(path), value, &changed, err);
    ao_value_unref(value);
    if (st != BEAMR_OK)
        return st;
    ao_message_unref(*state);
    *state = changed;
    return BEAMR_OK;
}

beamr_status dev_system_place(ao_call *call, ao_message **state, const char *module,
                              const char *device, bool is_shy, beamr_error *err)
{
    char path[DEV_PREFIX_MAX + 64];
    beamr_bytes prefix;
    ao_value there = AO_NO_VALUE;
    ao_builder b;
    beamr_status st = dev_prefix(*state, "output-prefix", &prefix, err);

    if (st != BEAMR_OK)
        return st;
    (void)snprintf(path, sizeof path, "%.*s%sstdlib/%s", (int)prefix.len,
                   prefix.len ? (const char *)prefix.data : "", prefix.len ? "/" : "", module);
    if (is_shy &&
        ((st = ao_message_get_path(*state, beamr_bytes_of(path), &there, err)) != BEAMR_OK ||
         there.kind != AO_NONE))
        return st;
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "device", ao_binary_text(device));
    return set(call, state, path, ao_builder_value(&b), err);
}

/* A text at a path, if nothing is there and all above it are messages, or missing. */
static beamr_status set_if_absent(ao_call *call, ao_message **state, const char *dir,
                                  const char *path, BEAMR_OWN ao_value value, beamr_error *err)
{
    ao_value above = AO_NO_VALUE, there = AO_NO_VALUE;
    beamr_status st;

    if ((st = ao_message_get_path(*state, beamr_bytes_of(dir), &above, err)) == BEAMR_OK &&
        (above.kind == AO_NONE || above.kind == AO_MESSAGE))
        st = ao_message_get_path(*state, beamr_bytes_of(path), &there, err);
    if (st == BEAMR_OK && there.kind == AO_NONE &&
        (above.kind == AO_NONE || above.kind == AO_MESSAGE))
        return set(call, state, path, value, err);
    ao_value_unref(value);
    return st;
}

static ao_value standard_descriptors(void)
{
    static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    ao_builder all;

    ao_builder_begin(&all, NULL, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        const char key[2] = {(char)('0' + i), '\0'};
        ao_builder one;

        ao_builder_begin(&one, NULL, NULL, NULL);
        ao_builder_put(&one, "filename", ao_binary_text(names[i]));
        ao_builder_put(&one, "offset", ao_integer(0));
        ao_builder_put(&all, key, ao_builder_value(&one));
    }
    return ao_builder_value(&all);
}

beamr_status dev_system_begin(ao_call *call, ao_message **state, beamr_error *err)
{
    static const char *const paths[] = {"vfs/dev/stdin", "vfs/dev/stdout", "vfs/dev/stderr"};
    ao_value vfs = AO_NO_VALUE, fds = AO_NO_VALUE;
    beamr_status st;

    if ((st = ao_message_get(*state, beamr_bytes_of("file-descriptors"), &fds, err)) ==
            BEAMR_OK &&
        fds.kind == AO_NONE)
        st = set(call, state, "file-descriptors", standard_descriptors(), err);
    if (st == BEAMR_OK)
        st = ao_message_get(*state, beamr_bytes_of("vfs"), &vfs, err);
    for (size_t i = 0; i < 3 && st == BEAMR_OK; i++)
        if (vfs.kind == AO_NONE || vfs.kind == AO_MESSAGE)
            st = set_if_absent(call, state, "vfs/dev", paths[i], ao_binary_text(""), err);
    return st;
}
