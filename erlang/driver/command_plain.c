/* Commands without references: tuples that begin with their name. */
#include "driver/command_internal.h"

typedef struct row {
    const char *name;
    uint32_t count; /* elements of the tuple, the name among them */
    drv_op op;
    beamr_status (*read)(drv_reading *r);
} row;

static beamr_status read_init(drv_reading *r)
{
    beamr_status st;

    if ((st = drv_take_image(r)) != BEAMR_OK)
        return st;
    return drv_take_mode(r);
}

/* Whatever is wrong with arguments has one text in this form. */
static beamr_status read_args(drv_reading *r)
{
    beamr_error *err = r->err, why = {0};
    beamr_status st;

    r->err = &why;
    st = drv_take_args(r);
    r->err = err;
    if (st == BEAMR_OK)
        return st;
    if (st == BEAMR_NO_MEMORY)
        return beamr_fail(err, st, 0, "%s", why.text);
    return drv_args_refused(&why, err);
}

static beamr_status read_call(drv_reading *r)
{
    beamr_status st;

    if ((st = drv_take_target(r)) != BEAMR_OK)
        return st;
    return read_args(r);
}

static beamr_status read_indirect_call(drv_reading *r)
{
    beamr_status st;

    if ((st = drv_take_index(r)) != BEAMR_OK)
        return st;
    return read_args(r);
}

static beamr_status read_write(drv_reading *r)
{
    beamr_status st;

    if ((st = drv_take_offset(r, &r->out->offset)) != BEAMR_OK)
        return st;
    return drv_take_image(r);
}

static beamr_status read_read(drv_reading *r)
{
    beamr_status st;

    if ((st = drv_take_offset(r, &r->out->offset)) != BEAMR_OK)
        return st;
    return drv_take_offset(r, &r->out->size);
}

static beamr_status read_nothing(drv_reading *r)
{
    (void)r;
    return BEAMR_OK;
}

static const row rows[] = {
    {"call", 3, DRV_OP_CALL, read_call},
    {"indirect_call", 3, DRV_OP_CALL, read_indirect_call},
    {"import_response", 2, DRV_OP_RESPOND, drv_take_list},
    {"read", 3, DRV_OP_READ, read_read},
    {"write", 3, DRV_OP_WRITE, read_write},
    {"size", 1, DRV_OP_SIZE, read_nothing},
    {"init", 3, DRV_OP_INIT, read_init},
};

static const row *find(const drv_item *name, uint32_t count)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].count == count && drv_item_is_atom(name, rows[i].name))
            return &rows[i];
    return NULL;
}

beamr_status drv_read_plain(drv_reading *r, beamr_bytes term)
{
    drv_item head, name;
    const row *is;
    beamr_status st;

    if ((st = drv_reader_begin(&r->at, term, r->err)) != BEAMR_OK ||
        (st = drv_read(&r->at, &head, r->err)) != BEAMR_OK)
        return st;
    if (head.kind != DRV_TUPLE || head.count == 0)
        return drv_unknown_command(r->err);
    if ((st = drv_read(&r->at, &name, r->err)) != BEAMR_OK)
        return st;
    if (!(is = find(&name, head.count)))
        return drv_unknown_command(r->err);
    r->out->op = is->op;
    if ((st = is->read(r)) != BEAMR_OK)
        return st;
    if (r->at.at != r->at.end)
        return beamr_fail(r->err, BEAMR_MALFORMED, 0, "bytes follow the command");
    return drv_keep_all(r);
}
