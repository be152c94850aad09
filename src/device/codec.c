/* The codecs as devices: structured@1.0, httpsig@1.0, flat@1.0, json@1.0, ans104@1.0.
 *
 *   key           reads                               answers
 *   to            base                                ok: the base in the codec's form: bytes,
 *                                                     or for structured and httpsig a message
 *   from          base; request `target` (body)       ok: the message that is encoded in the
 *                                                     base, or in the base's key `target`
 *   content-type                                      ok: of the encoded form; error not_found
 *                                                     where it has none
 *   commit        base                                ok: the base, signed as this codec does
 *   serialize     base                                ok: {content-type, body}   (json, flat)
 *   deserialize   base's key that the request's       ok: the message; error 404 when the base
 *                 `target` names (body)               has no such key            (json, flat)
 *
 * All other keys, `verify` and `committed` too, are those of message@1.0: a commitment names
 * the codec that checks it. What cannot be encoded or decoded is raised with the codec's own
 * text. The forms are the business of src/codec/. Source: AO-Core codecs. */
#include "codec/codecs.h"
#include "device/devices.h"
#include "device/internal.h"

static const ao_codec *codec_of(const ao_call *call)
{
    return ao_call_arg(call);
}

static beamr_status encode(ao_call *call, ao_value *out, beamr_error *err)
{
    return ao_encode(ao_call_context(call), codec_of(call)->name, ao_call_base(call), out, err);
}

/* Whether the encoded form is a message. */
static bool is_message_form(const ao_codec *codec)
{
    return codec == &codec_structured || codec == &codec_httpsig;
}

static beamr_status to(ao_call *call, beamr_error *err)
{
    ao_value value;
    beamr_status st = encode(call, &value, err);

    return st == BEAMR_OK ? ao_call_ok(call, value) : st;
}

/* The key of the base that holds what is to be decoded. */
static beamr_status encoded_value(ao_call *call, ao_value *out, beamr_error *err)
{
    ao_value name;
    beamr_bytes key;
    beamr_status st = dev_argument(call, "target", &name, err);

    if (st != BEAMR_OK)
        return st;
    key = ao_text(name);
    return ao_message_get(ao_call_base(call), key.len > 0 ? key : beamr_bytes_of("body"), out,
                          err);
}

static beamr_status decode(ao_call *call, ao_value encoded, beamr_error *err)
{
    ao_message *message = NULL;
    beamr_status st =
        ao_decode(ao_call_context(call), codec_of(call)->name, encoded, &message, err);

    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(message)) : st;
}

static beamr_status deserialize(ao_call *call, beamr_error *err)
{
    ao_value encoded;
    beamr_status st = encoded_value(call, &encoded, err);

    if (st != BEAMR_OK)
        return st;
    if (encoded.kind == AO_NONE)
        return ao_call_error(call, 404, "%s: the base has no such key to be decoded",
                             codec_of(call)->name);
    return decode(call, encoded, err);
}

static beamr_status from(ao_call *call, beamr_error *err)
{
    ao_value base;
    ao_message *encoded = NULL;
    beamr_status st;

    if (!is_message_form(codec_of(call)) || ao_call_argument(call, "target").kind != AO_NONE)
        return deserialize(call, err);
    /* The base is the encoded message; its device is what brought us here. */
    if ((st = ao_message_without(ao_call_base(call), "device", &encoded, err)) != BEAMR_OK)
        return st;
    base = ao_message_value(encoded);
    st = decode(call, base, err);
    ao_value_unref(base);
    return st;
}

static beamr_status content_type(ao_call *call, beamr_error *err)
{
    const char *type = codec_of(call)->content_type;

    (void)err;
    return type ? ao_call_ok(call, ao_binary_text(type)) : ao_call_not_found(call);
}

static beamr_status commit(ao_call *call, beamr_error *err)
{
    ao_message *message = NULL;
    beamr_status st = ao_message_commit(ao_call_context(call), ao_call_base(call),
                                        codec_of(call)->name, NULL, &message, err);

    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(message)) : st;
}

static beamr_status serialize(ao_call *call, beamr_error *err)
{
    const char *type = codec_of(call)->content_type;
    ao_value text;
    ao_builder builder;
    beamr_status st = encode(call, &text, err);

    if (st != BEAMR_OK)
        return st;
    ao_builder_begin(&builder, NULL, NULL, NULL);
    if (type)
        ao_builder_put(&builder, "content-type", ao_binary_text(type));
    ao_builder_put(&builder, "body", text);
    return ao_call_ok(call, ao_builder_value(&builder));
}

/* clang-format off */
static const ao_key keys[] = {
    {"to", to}, {"from", from}, {"content-type", content_type}, {"commit", commit},
    AO_KEYS_END,
};
static const ao_key text_keys[] = {
    {"to", to}, {"from", from}, {"content-type", content_type}, {"commit", commit},
    {"serialize", serialize}, {"deserialize", deserialize},
    AO_KEYS_END,
};
/* clang-format on */

/* `arg` is not const in a device, which may change what it points to; codecs stay as they are.
 */
#define CODEC_DEVICE(text, table, codec)                                                       \
    {                                                                                          \
        .name = text, .keys = table, .arg = (void *)&(codec)                                   \
    }

const ao_device dev_structured = CODEC_DEVICE("structured@1.0", keys, codec_structured);
const ao_device dev_httpsig = CODEC_DEVICE("httpsig@1.0", keys, codec_httpsig);
const ao_device dev_flat = CODEC_DEVICE("flat@1.0", text_keys, codec_flat);
const ao_device dev_json = CODEC_DEVICE("json@1.0", text_keys, codec_json);
const ao_device dev_ans104 = CODEC_DEVICE("ans104@1.0", keys, codec_ans104);
