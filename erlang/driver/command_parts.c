/* Parts of commands, as both forms use them; and keeping what must outlive the callback: first
 * everything is read, then all that is to be kept is copied at once. */
#include <stdlib.h>

#include "driver/command_internal.h"
#include "driver/text.h"

static beamr_status malformed(const drv_reading *r, const char *what)
{
    return beamr_fail(r->err, BEAMR_MALFORMED, 0, "%s", what);
}

void drv_reading_init(drv_reading *r, drv_command *out, beamr_error *err)
{
    r->out = out;
    r->err = err;
    r->binary = r->behind_binary = NULL;
    r->has_behind = false;
    r->behind = (beamr_bytes){NULL, 0};
    r->keep_count = 0;
}

/* ---- Keeping ---- */

void drv_keep_bytes(drv_reading *r, beamr_bytes bytes, beamr_bytes *to)
{
    drv_keep *keep = &r->keeps[r->keep_count++];

    keep->to = to;
    keep->item.kind = DRV_BINARY;
    keep->item.bytes = bytes;
    keep->size = bytes.len;
}

/* Read the next character of a list. */
static beamr_status read_code(drv_reading *r, drv_reader *list, uint32_t *out)
{
    drv_item item;
    beamr_status st;

    if ((st = drv_read(list, &item, r->err)) != BEAMR_OK)
        return st;
    if (item.kind != DRV_INTEGER || item.is_negative || !drv_code_is_valid(item.magnitude))
        return malformed(r, "text is to be a binary or a list of characters");
    *out = (uint32_t)item.magnitude;
    return BEAMR_OK;
}

static beamr_status too_long(const drv_reading *r, size_t size)
{
    return beamr_fail(r->err, BEAMR_LIMIT, 0, "a name or text of %zu characters", size);
}

/* How long a list of characters is as UTF-8; steps behind it. */
static beamr_status measure_list(drv_reading *r, uint32_t count, size_t *out)
{
    drv_item tail;
    uint32_t code = 0;
    beamr_status st;

    *out = 0;
    if (count > DRV_CALL_BYTES) /* this is done in a callback */
        return too_long(r, count);
    for (uint32_t i = 0; i < count; i++) {
        if ((st = read_code(r, &r->at, &code)) != BEAMR_OK)
            return st;
        *out += drv_code_size(code);
    }
    if ((st = drv_read(&r->at, &tail, r->err)) != BEAMR_OK)
        return st;
    return tail.kind == DRV_NIL ? BEAMR_OK : malformed(r, "text is an improper list");
}

static size_t measure_string(beamr_bytes string)
{
    size_t size = 0;

    for (size_t i = 0; i < string.len; i++)
        size += drv_code_size(string.data[i]);
    return size;
}

beamr_status drv_take_text_term(drv_reading *r, beamr_bytes *out)
{
    drv_keep *keep = &r->keeps[r->keep_count];
    beamr_status st;

    keep->to = out;
    if ((st = drv_read(&r->at, &keep->item, r->err)) != BEAMR_OK)
        return st;
    keep->list = r->at;
    switch (keep->item.kind) {
    case DRV_BINARY:
        keep->size = keep->item.bytes.len;
        break;
    case DRV_STRING:
        keep->size = measure_string(keep->item.bytes);
        break;
    case DRV_LIST:
        if ((st = measure_list(r, keep->item.count, &keep->size)) != BEAMR_OK)
            return st;
        break;
    case DRV_NIL:
        keep->size = 0;
        break;
    default:
        return malformed(r, "text is to be a binary or a list of characters");
    }
    if (keep->size > DRV_CALL_BYTES)
        return too_long(r, keep->size);
    r->keep_count++;
    return BEAMR_OK;
}

/* The list was measured, so that all in it is well. */
static void write_list(const drv_keep *keep, uint8_t *at)
{
    drv_reader list = keep->list;
    drv_item item;

    for (uint32_t i = 0; i < keep->item.count && !drv_read(&list, &item, NULL); i++)
        at += drv_code_write((uint32_t)item.magnitude, at);
}

static void write_keep(const drv_keep *keep, uint8_t *at)
{
    const beamr_bytes *bytes = &keep->item.bytes;

    *keep->to = (beamr_bytes){at, keep->size};
    if (keep->item.kind == DRV_BINARY && bytes->len)
        memcpy(at, bytes->data, bytes->len);
    if (keep->item.kind == DRV_STRING)
        for (size_t i = 0; i < bytes->len; i++)
            at += drv_code_write(bytes->data[i], at);
    if (keep->item.kind == DRV_LIST)
        write_list(keep, at);
}

beamr_status drv_keep_all(drv_reading *r)
{
    drv_command *out = r->out;
    uint8_t *at = out->few;
    size_t size = 0;

    for (size_t i = 0; i < r->keep_count; i++)
        size += r->keeps[i].size;
    if (size > sizeof out->few) {
        if (!(out->own = malloc(size)))
            return beamr_fail(r->err, BEAMR_NO_MEMORY, 0, "out of memory for a command");
        at = out->own;
    } else {
        out->few_len = size;
    }
    for (size_t i = 0; i < r->keep_count; at += r->keeps[i++].size)
        write_keep(&r->keeps[i], at);
    return BEAMR_OK;
}

/* ---- Parts ---- */

beamr_status drv_unknown_command(beamr_error *err)
{
    return beamr_fail(err, BEAMR_MALFORMED, 0, "Unknown command");
}

beamr_status drv_args_refused(const beamr_error *why, beamr_error *err)
{
    return beamr_fail(err, BEAMR_MALFORMED, 0, "Failed to convert terms to wasm vals: %s",
                      why->text);
}

static beamr_status take_integer(drv_reading *r, const char *what, drv_item *out)
{
    beamr_status st;

    if ((st = drv_read(&r->at, out, r->err)) != BEAMR_OK)
        return st;
    return out->kind == DRV_INTEGER || out->kind == DRV_BIG ? BEAMR_OK : malformed(r, what);
}

beamr_status drv_take_offset(drv_reading *r, uint64_t *out)
{
    drv_item item;
    beamr_status st;

    if ((st = take_integer(r, "offset and size are to be integers", &item)) != BEAMR_OK)
        return st;
    *out = item.magnitude;
    if (item.kind == DRV_BIG || item.is_negative) {
        *out = UINT64_MAX;
        r->out->is_odd = true;
    }
    return BEAMR_OK;
}

beamr_status drv_take_number(drv_reading *r, const char *what, uint64_t *out)
{
    drv_item item;
    beamr_status st;

    if ((st = take_integer(r, what, &item)) != BEAMR_OK)
        return st;
    if (item.is_negative)
        return malformed(r, what);
    *out = item.kind == DRV_BIG ? UINT64_MAX : item.magnitude;
    return BEAMR_OK;
}

/* An index that no table has is UINT64_MAX. */
beamr_status drv_take_index(drv_reading *r)
{
    drv_target *target = &r->out->target;
    drv_item item;
    beamr_status st;

    if ((st = take_integer(r, "the index of a function is to be an integer", &item)) !=
        BEAMR_OK)
        return st;
    target->is_index = true;
    target->index = item.kind == DRV_BIG || item.is_negative ? UINT64_MAX : item.magnitude;
    return BEAMR_OK;
}

beamr_status drv_take_target(drv_reading *r)
{
    drv_reader ahead = r->at;
    drv_item item;
    beamr_status st;

    if ((st = drv_read(&ahead, &item, r->err)) != BEAMR_OK)
        return st;
    switch (item.kind) {
    case DRV_INTEGER:
    case DRV_BIG:
        return drv_take_index(r);
    case DRV_BINARY:
    case DRV_STRING:
    case DRV_LIST:
    case DRV_NIL:
        return drv_take_text_term(r, &r->out->target.name);
    default:
        return malformed(r, "a function is to be a name, as text, or an element's index");
    }
}

static void hold(ErlDrvBinary *binary, beamr_bytes bytes, drv_image *out)
{
    driver_binary_inc_refc(binary);
    out->binary = binary;
    out->bytes = bytes;
}

static void take_bytes(drv_reading *r, beamr_bytes bytes, ErlDrvBinary *binary)
{
    if (binary && bytes.len > DRV_KEEP_BYTES)
        hold(binary, bytes, &r->out->image);
    else
        drv_keep_bytes(r, bytes, &r->out->image.bytes);
}

beamr_status drv_take_image(drv_reading *r)
{
    drv_item item;
    beamr_status st;

    if ((st = drv_read(&r->at, &item, r->err)) != BEAMR_OK)
        return st;
    if (item.kind != DRV_BINARY)
        return malformed(r, "what is loaded or written is to be a binary");
    take_bytes(r, item.bytes, r->binary);
    return BEAMR_OK;
}

void drv_take_behind(drv_reading *r)
{
    take_bytes(r, r->behind, r->behind_binary);
}

static beamr_bytes rest_of(const drv_reading *r)
{
    return (beamr_bytes){r->at.at, (size_t)(r->at.end - r->at.at)};
}

beamr_status drv_take_list(drv_reading *r)
{
    beamr_bytes rest = rest_of(r);

    if (rest.len > DRV_CALL_BYTES)
        return beamr_fail(r->err, BEAMR_LIMIT, 0, "an import's results of %zu bytes", rest.len);
    drv_keep_bytes(r, rest, &r->out->list);
    r->at.at = r->at.end;
    return BEAMR_OK;
}

static beamr_status copy_rest(drv_reading *r, beamr_bytes bytes, drv_image *out)
{
    uint8_t *own = malloc(bytes.len);

    if (!own)
        return beamr_fail(r->err, BEAMR_NO_MEMORY, 0, "out of memory for arguments");
    memcpy(own, bytes.data, bytes.len);
    out->own = own;
    out->bytes = (beamr_bytes){own, bytes.len};
    return BEAMR_OK;
}

beamr_status drv_take_args(drv_reading *r)
{
    beamr_bytes rest = rest_of(r);

    if (rest.len <= DRV_SHORT_ARGS)
        return drv_args_read(&r->at, &r->out->args, r->err);
    r->out->is_long = true;
    r->at.at = r->at.end;
    if (!r->binary)
        return copy_rest(r, rest, &r->out->rest);
    hold(r->binary, rest, &r->out->rest);
    return BEAMR_OK;
}

beamr_status drv_take_mode(drv_reading *r)
{
    drv_item item;
    beamr_status st;

    if ((st = drv_read(&r->at, &item, r->err)) != BEAMR_OK)
        return st;
    return drv_item_is_atom(&item, "wasm") || drv_item_is_atom(&item, "aot")
               ? BEAMR_OK
               : malformed(r, "the mode is to be wasm or aot");
}
