/* What a system takes from a message and a request: files, descriptors, who provides its
 * functions, the time and the seed.
 *
 * Nothing of it is the host's: the time is the assignment's, random numbers follow from the
 * process and the slot, or else from the id of the message. */
#include <stdlib.h>

#include "ao/context.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "device/devices.h"
#include "device/internal.h"
#include "device/system_internal.h"

#define DEFAULT_MAX_OUTPUT (UINT64_C(1) << 20)
#define MILLISECOND_NS UINT64_C(1000000)

/* ---- Who provides ---- */

/* The device that a value names; NULL for none. */
static const ao_device *named(const ao_context *context, ao_value value)
{
    beamr_bytes name = ao_text(value);

    return name.len > 0 ? ao_context_find_device(context, name) : NULL;
}

/* A message whose own keys alone answer for it: NULL when the value is none, or has a device.
 */
static const ao_message *plain(ao_value value)
{
    const ao_message *message = ao_to_message(value);

    if (message && message_key(message, "device").kind != AO_NONE)
        return NULL;
    return message;
}

static beamr_status stands_at(const ao_context *context, const ao_message *stdlib,
                              const char *module, const ao_device *ours, bool *out,
                              beamr_error *err)
{
    ao_value place = AO_NO_VALUE, device = AO_NO_VALUE;
    beamr_status st = ao_message_get(stdlib, beamr_bytes_of(module), &place, err);

    if (st == BEAMR_OK && place.kind == AO_MESSAGE)
        st = message_load_key(ao_to_message(place), "device", &device, err);
    *out = st == BEAMR_OK && named(context, device) == ours;
    return st;
}

/* Imports are resolved by our own `import`, unless a host has put another resolver there. */
static bool resolver_is_ours(const ao_context *context, const ao_message *base,
                             beamr_bytes prefix)
{
    char path[DEV_PATH_SIZE];
    const ao_device *device;
    ao_value value;

    dev_private_path(prefix, "import-resolver", path);
    value = ao_private_find(base, path);
    device = named(context, value);
    return value.kind == AO_NONE || device == &dev_wasm_64 || device == &dev_wasm64 ||
           device == &dev_wasm;
}

/* The message below another, by one key; NULL as plain(). */
static beamr_status step(const ao_message **at, beamr_bytes key, beamr_error *err)
{
    ao_value value = AO_NO_VALUE;
    beamr_status st = ao_message_get(*at, key, &value, err);

    *at = st == BEAMR_OK ? plain(value) : NULL;
    return st;
}

static beamr_status find_stdlib(const ao_message *base, beamr_bytes prefix,
                                const ao_message **out, beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    *out = base;
    while (prefix.len > 0 && *out && st == BEAMR_OK) {
        const uint8_t *slash = memchr(prefix.data, '/', prefix.len);
        size_t len = slash ? (size_t)(slash - prefix.data) : prefix.len;

        if (len > 0)
            st = step(out, (beamr_bytes){prefix.data, len}, err);
        prefix.data += len + (slash != NULL);
        prefix.len -= len + (slash != NULL);
    }
    if (st == BEAMR_OK && *out)
        st = step(out, beamr_bytes_of("stdlib"), err);
    return st;
}

static beamr_status read_doors(const ao_context *context, const ao_message *base,
                               beamr_bytes prefix, dev_inputs *out, beamr_error *err)
{
    const ao_message *stdlib;
    beamr_status st = find_stdlib(base, prefix, &stdlib, err);

    if (st != BEAMR_OK || !stdlib)
        return st;
    if ((st = stands_at(context, stdlib, "wasi_snapshot_preview1", &dev_wasi, &out->wasi_direct,
                        err)) != BEAMR_OK ||
        (st = stands_at(context, stdlib, "wasi_unstable", &dev_wasi, &out->unstable_direct,
                        err)) != BEAMR_OK ||
        (st = stands_at(context, stdlib, "env", &dev_emscripten, &out->env_direct, err)) !=
            BEAMR_OK)
        return st;
    if ((out->wasi_direct || out->unstable_direct || out->env_direct) &&
        !resolver_is_ours(context, base, prefix))
        out->wasi_direct = out->unstable_direct = out->env_direct = false;
    return BEAMR_OK;
}

/* ---- Time ---- */

/* Milliseconds at a key, in nanoseconds.  False: there is no such number. */
static bool get_time(ao_value value, uint64_t *out)
{
    int64_t ms;

    if (value.kind == AO_NONE || ao_value_load(value, &value, NULL) != BEAMR_OK ||
        !ao_to_integer(value, &ms) || ms < 0)
        return false;
    *out =
        (uint64_t)ms > INT64_MAX / MILLISECOND_NS ? INT64_MAX : (uint64_t)ms * MILLISECOND_NS;
    return true;
}

static uint64_t time_of(ao_call *call, const ao_message *base)
{
    const ao_message *request = ao_call_request(call);
    uint64_t ns = 0;

    if ((request && (get_time(message_key(request, "timestamp"), &ns) ||
                     get_time(message_key(request, "block-timestamp"), &ns))) ||
        get_time(message_key(base, "timestamp"), &ns) ||
        get_time(message_key(base, "block-timestamp"), &ns))
        return ns;
    return 0;
}

/* ---- All of it ---- */

static beamr_status get(const ao_message *base, const char *key, ao_value *out,
                        beamr_error *err)
{
    ao_value value = AO_NO_VALUE;
    beamr_status st = message_load_key(base, key, &value, err);

    if (st == BEAMR_OK && value.kind != AO_NONE && value.kind != AO_MESSAGE)
        return beamr_fail(err, BEAMR_MESSAGE, 0, "%s: no message", key);
    if (st == BEAMR_OK)
        *out = ao_value_ref(value);
    return st;
}

beamr_status dev_inputs_read(ao_call *call, const ao_message *base, beamr_bytes prefix,
                             dev_inputs *out, beamr_error *err)
{
    dev_inputs inputs = {0};
    beamr_status st;

    if ((st = dev_option_number(call, "wasi_max_output", DEFAULT_MAX_OUTPUT, &inputs.max_output,
                                err)) == BEAMR_OK &&
        (st = get(base, "vfs", &inputs.vfs, err)) == BEAMR_OK &&
        (st = get(base, "file-descriptors", &inputs.descriptors, err)) == BEAMR_OK)
        st = read_doors(ao_call_context(call), base, prefix, &inputs, err);
    if (st != BEAMR_OK) {
        dev_inputs_clear(&inputs);
        return st;
    }
    inputs.time_ns = time_of(call, base);
    *out = inputs;
    return BEAMR_OK;
}

void dev_inputs_clear(dev_inputs *inputs)
{
    if (!inputs)
        return;
    ao_value_unref(inputs->vfs);
    ao_value_unref(inputs->descriptors);
    *inputs = (dev_inputs){0};
}

/* ---- The seed ---- */

/* The text of a number or a text; none for another kind. */
static beamr_bytes short_text(ao_value value, char buffer[AO_INTEGER_TEXT_SIZE])
{
    return value.kind == AO_INTEGER ? ao_integer_text(value, buffer) : ao_text(value);
}

/* The id of a message, if it can have one. */
static beamr_status id_of(ao_context *context, ao_value value, char id[AO_ID_TEXT + 1],
                          bool *has, beamr_error *err)
{
    const ao_message *message = ao_to_message(value);
    beamr_error why = {0};
    beamr_status st;

    *has = false;
    if (!message)
        return BEAMR_OK;
    st = ao_message_id(context, message, id, &why);
    *has = st == BEAMR_OK;
    return st == BEAMR_NO_MEMORY ? beamr_fail(err, st, 0, "%s", why.text) : BEAMR_OK;
}

static ao_value key_of(const ao_message *message, const char *key)
{
    ao_value value = AO_NO_VALUE;

    if (!message || message_load_key(message, key, &value, NULL) != BEAMR_OK)
        return AO_NO_VALUE;
    return value;
}

beamr_status system_seed(const dev_moment *moment, uint8_t seed[32], beamr_error *err)
{
    static const char label[] = "beamr random numbers 1";
    char id[AO_ID_TEXT + 1] = "", buffer[AO_INTEGER_TEXT_SIZE];
    beamr_bytes pieces[3] = {{(const uint8_t *)label, sizeof label}};
    bool has_id = false;
    ao_value slot = AO_NO_VALUE;
    beamr_status st = BEAMR_OK;

    if (moment) {
        slot = key_of(moment->request, "slot");
        st = id_of(moment->context, key_of(moment->base, "process"), id, &has_id, err);
    }
    if (has_id && slot.kind != AO_NONE) {
        pieces[2] = short_text(slot, buffer);
    } else if (moment && st == BEAMR_OK) {
        ao_value body = key_of(moment->request, "body");

        if (body.kind != AO_MESSAGE && moment->request) {
            body = ao_message_value(ao_message_ref(moment->request));
            st = id_of(moment->context, body, id, &has_id, err);
            ao_value_unref(body);
        } else {
            st = id_of(moment->context, body, id, &has_id, err);
        }
    }
    if (st != BEAMR_OK)
        return st;
    pieces[1] = beamr_bytes_of(has_id ? id : "");
    return crypto_hash_pieces(CRYPTO_SHA256, pieces, 3, seed, err);
}
