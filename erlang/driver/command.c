/* Commands with references, and plain ones: which terms each is made of. How they reach the
 * port is in command_sent.c, what they are made of in command_parts.c. */
#include <stdlib.h>

#include "driver/command_internal.h"

enum { REF_MAX = 512 }; /* of a reference's bytes: a name, and words */

/* ---- Life ---- */

void drv_command_init(drv_command *command)
{
    static const drv_image none;
    static const drv_options defaults;
    static const drv_target no_target;
    static const beamr_bytes nothing;

    command->op = DRV_OP_NONE;
    command->is_plain = command->is_odd = command->is_long = false;
    command->caller = 0;
    command->own = NULL;
    command->ref = command->list = command->text = nothing;
    command->options = defaults;
    command->image = command->rest = none;
    command->target = no_target;
    drv_args_init(&command->args);
    command->id = command->offset = command->size = 0;
    command->response = DRV_RESPONSE_OK;
    command->few_len = 0;
}

/* What lay in `from`'s own bytes lies in those of `to`. */
static void follow(drv_command *to, const drv_command *from, beamr_bytes *bytes)
{
    uintptr_t at = (uintptr_t)bytes->data, start = (uintptr_t)from->few;

    if (bytes->data && at >= start && at - start <= sizeof from->few)
        bytes->data = to->few + (at - start);
}

void drv_command_move(drv_command *to, drv_command *from)
{
    to->op = from->op;
    to->is_plain = from->is_plain;
    to->is_odd = from->is_odd;
    to->is_long = from->is_long;
    to->caller = from->caller;
    to->own = from->own;
    to->ref = from->ref;
    to->options = from->options;
    to->image = from->image;
    to->target = from->target;
    drv_args_move(&to->args, &from->args);
    to->rest = from->rest;
    to->id = from->id;
    to->response = from->response;
    to->list = from->list;
    to->text = from->text;
    to->offset = from->offset;
    to->size = from->size;
    to->few_len = from->few_len;
    memcpy(to->few, from->few, from->few_len);
    follow(to, from, &to->ref);
    follow(to, from, &to->image.bytes);
    follow(to, from, &to->target.name);
    follow(to, from, &to->list);
    follow(to, from, &to->text);
    drv_command_init(from);
}

void drv_command_clear(drv_command *command)
{
    free(command->own);
    drv_image_clear(&command->image);
    drv_image_clear(&command->rest);
    drv_args_clear(&command->args);
    drv_command_init(command);
}

beamr_status drv_command_finish(drv_command *command, beamr_error *err)
{
    const beamr_bytes *rest = &command->rest.bytes;
    drv_reader reader;
    beamr_error why = {0};
    beamr_status st;

    if (!command->is_long)
        return BEAMR_OK;
    command->is_long = false;
    reader = (drv_reader){rest->data, rest->data + rest->len};
    st = drv_args_read(&reader, &command->args, &why);
    if (st == BEAMR_OK && reader.at != reader.end)
        st = beamr_fail(&why, BEAMR_MALFORMED, 0, "bytes follow the command");
    drv_image_clear(&command->rest);
    if (st == BEAMR_OK)
        return st;
    if (!command->is_plain || st == BEAMR_NO_MEMORY)
        return beamr_fail(err, st, 0, "%s", why.text);
    return drv_args_refused(&why, err);
}

/* ---- With references ---- */

/* What a command is made of, behind the reference. */
typedef struct form {
    uint8_t min, max; /* elements of the tuple */
    bool has_behind;  /* with `min` elements, bytes stand behind the term */
    beamr_status (*read)(drv_reading *r, uint32_t count);
} form;

static beamr_status read_nothing(drv_reading *r, uint32_t count)
{
    (void)r;
    (void)count;
    return BEAMR_OK;
}

static beamr_status read_init(drv_reading *r, uint32_t count)
{
    (void)count;
    return drv_take_options(r);
}

static beamr_status read_call(drv_reading *r, uint32_t count)
{
    beamr_status st;

    (void)count;
    if ((st = drv_take_target(r)) != BEAMR_OK)
        return st;
    return drv_take_args(r);
}

static beamr_status read_respond(drv_reading *r, uint32_t count)
{
    drv_command *out = r->out;
    drv_item item, tag;
    beamr_status st;

    (void)count;
    if ((st = drv_take_number(r, "an id is to be an integer, not negative", &out->id)) !=
            BEAMR_OK ||
        (st = drv_read(&r->at, &item, r->err)) != BEAMR_OK)
        return st;
    if (drv_item_is_atom(&item, "cancel")) {
        out->response = DRV_RESPONSE_CANCEL;
        return BEAMR_OK;
    }
    if (item.kind != DRV_TUPLE || item.count != 2)
        return drv_unknown_command(r->err);
    if ((st = drv_read(&r->at, &tag, r->err)) != BEAMR_OK)
        return st;
    if (drv_item_is_atom(&tag, "ok"))
        return drv_take_list(r);
    if (!drv_item_is_atom(&tag, "error"))
        return drv_unknown_command(r->err);
    out->response = DRV_RESPONSE_ERROR;
    return drv_take_text_term(r, &out->text);
}

static beamr_status read_read(drv_reading *r, uint32_t count)
{
    beamr_status st;

    (void)count;
    if ((st = drv_take_offset(r, &r->out->offset)) != BEAMR_OK)
        return st;
    return drv_take_offset(r, &r->out->size);
}

static beamr_status read_string(drv_reading *r, uint32_t count)
{
    beamr_status st;

    (void)count;
    if ((st = drv_take_offset(r, &r->out->offset)) != BEAMR_OK)
        return st;
    return drv_take_number(r, "the limit is to be an integer, not negative", &r->out->size);
}

static beamr_status read_write(drv_reading *r, uint32_t count)
{
    beamr_status st;

    if ((st = drv_take_offset(r, &r->out->offset)) != BEAMR_OK || count == 2)
        return st;
    return drv_take_image(r);
}

static const form forms[DRV_OP_COUNT] = {
    [DRV_OP_INIT] = {2, 2, true, read_init},
    [DRV_OP_CALL] = {3, 3, false, read_call},
    [DRV_OP_RESPOND] = {3, 3, false, read_respond},
    [DRV_OP_READ] = {3, 3, false, read_read},
    [DRV_OP_WRITE] = {2, 3, true, read_write},
    [DRV_OP_SIZE] = {1, 1, false, read_nothing},
    [DRV_OP_STRING] = {3, 3, false, read_string},
    [DRV_OP_MEMORY] = {1, 1, true, read_nothing},
    [DRV_OP_SNAPSHOT] = {1, 1, false, read_nothing},
    [DRV_OP_RESTORE] = {1, 1, true, read_nothing},
    [DRV_OP_INFO] = {1, 1, false, read_nothing},
    [DRV_OP_INTERRUPT] = {1, 1, false, read_nothing},
};

/* The tuple's head, and the reference, which is kept: it goes back to the emulator, so that
 * nothing else is taken. */
static beamr_status read_ref(drv_reading *r, uint32_t *count)
{
    drv_item head, ref;
    beamr_status st;

    if ((st = drv_read(&r->at, &head, r->err)) != BEAMR_OK)
        return st;
    if (head.kind != DRV_TUPLE || head.count == 0)
        return drv_unknown_command(r->err);
    if ((st = drv_read(&r->at, &ref, r->err)) != BEAMR_OK)
        return st;
    if (ref.kind != DRV_REF)
        return beamr_fail(r->err, BEAMR_MALFORMED, 0, "a command begins with a reference");
    drv_keep_bytes(r, ref.bytes, &r->out->ref);
    *count = head.count;
    return BEAMR_OK;
}

static beamr_status read_form(drv_reading *r, const form *f, uint32_t count)
{
    bool has_behind = f->has_behind && count == f->min;
    beamr_status st;

    if (count < f->min || count > f->max)
        return drv_unknown_command(r->err);
    if (has_behind && !r->has_behind)
        return beamr_fail(r->err, BEAMR_MALFORMED, 0,
                          "the command's bytes are to be sent behind it");
    if (!has_behind && r->behind.len)
        return beamr_fail(r->err, BEAMR_MALFORMED, 0, "bytes follow the command");
    if ((st = f->read(r, count)) != BEAMR_OK)
        return st;
    if (r->at.at != r->at.end)
        return beamr_fail(r->err, BEAMR_MALFORMED, 0, "bytes follow the command");
    if (has_behind)
        drv_take_behind(r);
    return BEAMR_OK;
}

beamr_status drv_read_own(drv_reading *r, unsigned op, beamr_bytes term)
{
    drv_command *out = r->out;
    uint32_t count = 0;
    beamr_status st;

    if ((st = drv_reader_begin(&r->at, term, r->err)) != BEAMR_OK ||
        (st = read_ref(r, &count)) != BEAMR_OK)
        return st;
    if (op == DRV_OP_NONE || op >= DRV_OP_COUNT) {
        st = drv_unknown_command(r->err);
    } else {
        out->op = (drv_op)op;
        st = read_form(r, &forms[op], count);
    }
    if (st != BEAMR_OK)
        r->keep_count = 1; /* the reference, for the answer */
    if (drv_keep_all(r) != BEAMR_OK)
        return BEAMR_NO_MEMORY;
    return st;
}

beamr_status drv_command_read_call(unsigned op, beamr_bytes term, drv_command *out,
                                   beamr_error *err)
{
    drv_reading r;

    drv_command_init(out);
    drv_reading_init(&r, out, err);
    if (term.len > DRV_CALL_BYTES + REF_MAX)
        return beamr_fail(
            err, BEAMR_LIMIT, 0,
            "a call of the port with %zu bytes; more than %d are to be sent to it", term.len,
            DRV_CALL_BYTES);
    return drv_read_own(&r, op, term);
}
