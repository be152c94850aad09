/* What is put into the guest for an argument: the bytes as they are, decoded from hexadecimal,
 * JSON, checked or written from a tree, and text in the encoding of the guest's language.
 * All of it is made before any guest code runs, so that a wrong argument is refused in time.
 * Where the bytes go is up to value_heap.c. */
#include <stdlib.h>

#include "base/utf8.h"
#include "guest/value.h"

static beamr_status fail_memory(const guest_arg *at, beamr_error *err)
{
    return guest_arg_fail(err, BEAMR_NO_MEMORY, at, 0, ": no memory to convert it");
}

static beamr_status decode_hex(guest_payload *out, const guest_arg *at, beamr_error *err)
{
    beamr_bytes text = at->arg->text;
    uint8_t *bytes;

    if (text.len % 2 != 0)
        return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0,
                              ": %zu hexadecimal digits are not whole bytes", text.len);
    if (!(out->own = bytes = malloc(text.len / 2 + 1)))
        return fail_memory(at, err);
    for (size_t i = 0; i < text.len; i += 2) {
        int high = guest_hex_digit(text.data[i]), low = guest_hex_digit(text.data[i + 1]);

        if (high < 0 || low < 0)
            return guest_arg_fail(err, BEAMR_ARGUMENT, at, i,
                                  ": no two hexadecimal digits at byte %zu", i);
        bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    out->data = bytes;
    out->len = text.len / 2;
    return BEAMR_OK;
}

/* Pass on what JSON's own functions said, with the argument before it. */
static beamr_status fail_json(const guest_arg *at, const beamr_error *why, beamr_error *err)
{
    return guest_arg_fail(err, why->status, at, why->offset, ": %s", why->text);
}

static beamr_status check_json(const guest_arg *at, beamr_error *err)
{
    beamr_error why = {0};
    beamr_json *tree;

    if (beamr_json_read(at->arg->text, NULL, &tree, &why) != BEAMR_OK)
        return fail_json(at, &why, err);
    beamr_json_free(tree);
    return BEAMR_OK;
}

static beamr_status write_tree(guest_payload *out, const guest_arg *at, beamr_error *err)
{
    beamr_error why = {0};
    char *text;

    if (!at->arg->tree)
        return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0, " has no tree");
    if (beamr_json_write(at->arg->tree, NULL, &text, &out->len, &why) != BEAMR_OK)
        return fail_json(at, &why, err);
    out->own = text;
    out->data = out->own;
    return BEAMR_OK;
}

/* Text in the guest's encoding. What relies on UTF-8 would misbehave with anything else. */
static beamr_status encode_text(guest_payload *out, const guest_arg *at,
                                beamr_convention convention, beamr_error *err)
{
    beamr_bytes text = {out->data, out->len};
    uint8_t *units;

    if (convention != BEAMR_CONVENTION_BINDGEN && convention != BEAMR_CONVENTION_ASSEMBLYSCRIPT)
        return BEAMR_OK;
    if (!utf8_is_valid(text))
        return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0,
                              ": the text is not UTF-8, which %s takes",
                              beamr_convention_text(convention));
    if (convention == BEAMR_CONVENTION_BINDGEN)
        return BEAMR_OK;
    if (text.len > SIZE_MAX / 2 - 1 || !(units = malloc(2 * text.len + 1)))
        return fail_memory(at, err);
    out->len = guest_utf16_from_utf8(text, units);
    free(out->own);
    out->own = units;
    out->data = units;
    return BEAMR_OK;
}

beamr_status guest_payload_make(guest_payload *out, const guest_arg *at,
                                beamr_convention convention, beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    out->data = at->arg->text.data;
    out->len = at->arg->text.len;
    out->is_text = true;
    switch (at->arg->kind) {
    case BEAMR_ARG_BYTES:
        out->is_text = false;
        return BEAMR_OK;
    case BEAMR_ARG_HEX:
        out->is_text = false;
        return decode_hex(out, at, err);
    case BEAMR_ARG_JSON:
        st = check_json(at, err);
        break;
    case BEAMR_ARG_TREE:
        st = write_tree(out, at, err);
        break;
    default:
        break;
    }
    return st == BEAMR_OK ? encode_text(out, at, convention, err) : st;
}

void guest_payload_clear(guest_payload *payload)
{
    free(payload->own);
    *payload = (guest_payload){0};
}
