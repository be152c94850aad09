/* Arguments of calls: a list of terms becomes an array of the engine's arguments. Numbers, at
 * most DRV_ARGS_FEW, take no memory; otherwise a second pass writes everything into one block.
 * Maps are read in convert_tree.c. */
#include <math.h>
#include <stdlib.h>

#include "driver/convert_internal.h"
#include "driver/text.h"

beamr_status drv_arg_fail(const drv_builder *b, beamr_error *err, const char *what)
{
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "argument %zu: %s", b->arg + 1, what);
}

void drv_take_text(drv_builder *b, beamr_bytes text, beamr_bytes *out)
{
    uint8_t *at = b->text ? b->text + b->text_len : NULL;

    b->text_len += text.len;
    if (!at || !out)
        return;
    if (text.len)
        memcpy(at, text.data, text.len);
    *out = (beamr_bytes){at, text.len};
}

/* ---- Character lists ---- */

static void take_code(drv_builder *b, uint32_t code)
{
    if (b->text)
        drv_code_write(code, b->text + b->text_len);
    b->text_len += drv_code_size(code);
}

/* The characters of a list whose head was read. */
static beamr_status take_codes(drv_builder *b, drv_reader *reader, uint32_t count,
                               beamr_error *err)
{
    drv_item item;
    beamr_status st;

    for (uint32_t i = 0; i < count; i++) {
        if ((st = drv_read(reader, &item, err)) != BEAMR_OK)
            return st;
        if (item.kind != DRV_INTEGER || item.is_negative || !drv_code_is_valid(item.magnitude))
            return drv_arg_fail(b, err, "a list that holds more than characters");
        take_code(b, (uint32_t)item.magnitude);
    }
    if ((st = drv_read(reader, &item, err)) != BEAMR_OK)
        return st;
    return item.kind == DRV_NIL ? BEAMR_OK : drv_arg_fail(b, err, "an improper list");
}

static beamr_status read_characters(drv_builder *b, drv_reader *reader, const drv_item *item,
                                    beamr_arg *out, beamr_error *err)
{
    size_t start = b->text_len;
    beamr_status st = BEAMR_OK;

    if (item->kind == DRV_STRING)
        for (size_t i = 0; i < item->bytes.len; i++)
            take_code(b, item->bytes.data[i]);
    else
        st = take_codes(b, reader, item->count, err);
    if (st == BEAMR_OK && b->text_len == start)
        return drv_arg_fail(b, err, "an empty list");
    if (out && b->text) {
        out->kind = BEAMR_ARG_TEXT;
        out->text = (beamr_bytes){b->text + start, b->text_len - start};
    }
    return st;
}

/* ---- One argument ---- */

static bool special_float(const drv_item *item, double *out)
{
    if (drv_item_is_atom(item, "nan"))
        *out = (double)NAN;
    else if (drv_item_is_atom(item, "infinity"))
        *out = (double)INFINITY;
    else if (drv_item_is_atom(item, "neg_infinity"))
        *out = -(double)INFINITY;
    else
        return false;
    return true;
}

static void set_integer(beamr_arg *out, bool is_negative, uint64_t magnitude, uint32_t shift)
{
    if (!out)
        return;
    out->kind = BEAMR_ARG_INTEGER;
    out->is_negative = is_negative;
    out->magnitude = magnitude;
    out->shift = shift;
}

static void set_float(beamr_arg *out, double number)
{
    if (!out)
        return;
    out->kind = BEAMR_ARG_FLOAT;
    out->number = number;
}

static beamr_status read_map(drv_builder *b, drv_reader *reader, const drv_item *head,
                             beamr_arg *out, beamr_error *err)
{
    beamr_json *root = b->nodes ? b->nodes + b->node_count : NULL;

    b->node_count++;
    if (out && root) {
        out->kind = BEAMR_ARG_TREE;
        out->tree = root;
    }
    return drv_tree_read(b, reader, head, root, err);
}

/* Read one.
 *   out  NULL: there is no room yet; only filled as far as the builder has memory */
static beamr_status read_arg(drv_builder *b, drv_reader *reader, beamr_arg *out,
                             beamr_error *err)
{
    drv_item item;
    double number;
    beamr_status st;

    if ((st = drv_read(reader, &item, err)) != BEAMR_OK)
        return st;
    if (out)
        out->name = NULL;
    switch (item.kind) {
    case DRV_INTEGER:
    case DRV_BIG:
        set_integer(out, item.is_negative, item.magnitude,
                    item.kind == DRV_BIG ? item.shift : 0);
        return BEAMR_OK;
    case DRV_FLOAT:
        set_float(out, item.number);
        return BEAMR_OK;
    case DRV_ATOM:
        if (!special_float(&item, &number))
            return drv_arg_fail(b, err, "an atom that is no number");
        set_float(out, number);
        return BEAMR_OK;
    case DRV_BINARY:
        b->has_text = true;
        if (out)
            out->kind = BEAMR_ARG_TEXT;
        drv_take_text(b, item.bytes, out ? &out->text : NULL);
        return BEAMR_OK;
    case DRV_STRING:
    case DRV_LIST:
        return read_characters(b, reader, &item, out, err);
    case DRV_MAP:
        return read_map(b, reader, &item, out, err);
    case DRV_NIL:
        return drv_arg_fail(b, err, "an empty list");
    default:
        return drv_arg_fail(b, err, "neither a number, text nor a map");
    }
}

/* ---- All ---- */

void drv_args_init(drv_args *args)
{
    args->args = args->few;
    args->count = 0;
    args->has_copied = false;
    args->blocks = NULL;
    args->size = 0;
}

void drv_args_move(drv_args *to, drv_args *from)
{
    to->args = from->args == from->few ? to->few : from->args;
    to->count = from->count;
    to->has_copied = from->has_copied;
    to->blocks = from->blocks;
    to->size = from->size;
    if (from->args == from->few)
        memcpy(to->few, from->few, from->count * sizeof *from->few);
    drv_args_init(from);
}

void drv_args_clear(drv_args *args)
{
    free(args->blocks);
    drv_args_init(args);
}

/* A string term is a list of small integers. */
static void read_small(beamr_bytes bytes, beamr_arg *args)
{
    for (size_t i = 0; args && i < bytes.len; i++) {
        set_integer(&args[i], false, bytes.data[i], 0);
        args[i].name = NULL;
    }
}

/* Go through the list whose head is `head`, and its tail. */
static beamr_status read_list(drv_builder *b, drv_reader *reader, const drv_item *head,
                              beamr_arg *args, beamr_error *err)
{
    drv_item tail;
    beamr_status st;

    if (head->kind == DRV_STRING)
        read_small(head->bytes, args);
    if (head->kind != DRV_LIST)
        return BEAMR_OK;
    for (uint32_t i = 0; i < head->count; i++) {
        b->arg = i;
        if ((st = read_arg(b, reader, args ? &args[i] : NULL, err)) != BEAMR_OK)
            return st;
    }
    if ((st = drv_read(reader, &tail, err)) != BEAMR_OK)
        return st;
    if (tail.kind != DRV_NIL)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the arguments are an improper list");
    return BEAMR_OK;
}

/* The block for what was measured: arguments, if they are many; nodes, keys and text. */
static beamr_status make_room(const drv_builder *need, drv_args *out, drv_builder *b,
                              beamr_error *err)
{
    size_t args = out->count > DRV_ARGS_FEW ? out->count * sizeof *out->args : 0;
    size_t nodes = need->node_count * sizeof *b->nodes;
    size_t keys = need->key_count * sizeof *b->keys;
    uint8_t *at;

    out->size = args + nodes + keys + need->text_len + 1;
    out->blocks = malloc(out->size);
    if (!out->blocks)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for %zu arguments",
                          out->count);
    at = out->blocks;
    if (args)
        out->args = out->blocks;
    b->nodes = (beamr_json *)(void *)(at += args);
    b->keys = (beamr_bytes *)(void *)(at += nodes);
    b->text = at + keys;
    return BEAMR_OK;
}

/* The list's head, and how many there are. */
static beamr_status read_count(drv_reader *reader, drv_item *head, size_t *count,
                               beamr_error *err)
{
    beamr_status st;

    if ((st = drv_read(reader, head, err)) != BEAMR_OK)
        return st;
    if (head->kind != DRV_LIST && head->kind != DRV_STRING && head->kind != DRV_NIL)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the arguments are no list");
    *count = head->kind == DRV_LIST     ? head->count
             : head->kind == DRV_STRING ? head->bytes.len
                                        : 0;
    if (*count > DRV_ARGS_MAX)
        return beamr_fail(err, BEAMR_LIMIT, 0, "%zu arguments; at most %d can be given", *count,
                          DRV_ARGS_MAX);
    return BEAMR_OK;
}

static beamr_status read_args(drv_reader *reader, drv_args *out, beamr_error *err)
{
    drv_builder need = {0}, b = {0};
    drv_item head;
    drv_reader again;
    beamr_status st;

    if ((st = read_count(reader, &head, &out->count, err)) != BEAMR_OK)
        return st;
    again = *reader;
    if ((st = read_list(&need, reader, &head, out->count > DRV_ARGS_FEW ? NULL : out->few,
                        err)) != BEAMR_OK)
        return st;
    out->has_copied = need.node_count || need.text_len || need.has_text;
    if (out->count <= DRV_ARGS_FEW && !out->has_copied)
        return BEAMR_OK;
    if ((st = make_room(&need, out, &b, err)) != BEAMR_OK)
        return st;
    return read_list(&b, &again, &head, out->args, err);
}

beamr_status drv_args_read(drv_reader *reader, drv_args *out, beamr_error *err)
{
    beamr_status st;

    drv_args_init(out);
    if ((st = read_args(reader, out, err)) != BEAMR_OK)
        drv_args_clear(out); /* half of them is none */
    return st;
}
