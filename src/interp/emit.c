/* The translator's ground: code words, operands that stay where they are until they must move,
 * and labels. What each instruction of WebAssembly becomes is in translate_control.c and
 * translate_plain.c. */
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "interp/translate.h"

bool tr_poll(tr *t)
{
    if (t->status == BEAMR_OK &&
        atomic_load_explicit(&t->store->interrupt, memory_order_relaxed) != 0)
        t->status = rt_store_poll(t->store, t->err);
    if (t->status != BEAMR_OK)
        t->failed = true;
    return t->status == BEAMR_OK;
}

bool tr_push(tr *t, tr_vector *v, size_t size)
{
    if (!tr_step(t))
        return false;
    if (v->count == v->room) {
        uint32_t room = v->room ? v->room * 2 : 64;
        void *data;

        /* About one for each byte is the most. Memory that is not touched costs nothing, and to
         * move what is large takes long. */
        if (room >= TR_LARGE_ROOM && room < t->func->body_len)
            room = t->func->body_len;
        data = room > v->room ? realloc(v->data, room * size) : NULL;
        if (!data) {
            t->failed = true;
            return false;
        }
        pages_prefer_large(data, room * size);
        v->data = data;
        v->room = room;
    }
    v->count++;
    return true;
}

/* ---- Code ---- */

static void emit_word(tr *t, uint32_t word)
{
    if (tr_push(t, &t->words, sizeof word))
        tr_words(t)[t->words.count - 1] = word;
}

void tr_emit(tr *t, interp_op op, bool d, const uint32_t *operands, uint32_t count)
{
    t->last_op = op;
    t->last_at = t->words.count;
    t->last_d = d ? t->words.count + 1 : 0;
    emit_word(t, (uint32_t)t->handlers[op]);
    for (uint32_t i = 0; i < count; i++)
        emit_word(t, operands[i]);
    t->last_valid = !t->failed; /* else its words are not all there */
}

void tr_rewind(tr *t)
{
    interp_mark *marks = t->offsets.data;

    t->words.count = t->last_at;
    while (t->offsets.count && marks[t->offsets.count - 1].pc >= t->last_at)
        t->offsets.count--;
    t->last_valid = false;
}

void tr_mark(tr *t)
{
    if (tr_push(t, &t->offsets, sizeof(interp_mark)))
        ((interp_mark *)t->offsets.data)[t->offsets.count - 1] =
            (interp_mark){t->words.count, t->offset};
}

void tr_barrier(tr *t)
{
    t->last_valid = false;
}

/* ---- Comparisons ---- */

bool tr_compare_family(interp_op op, interp_op *first, uint32_t *size)
{
    static const struct {
        interp_op first;
        uint32_t size;
    } families[] = {{IOP_I32_EQ, 10},   {IOP_I32_EQ_I, 10}, {IOP_I64_EQ, 10},
                    {IOP_I64_EQ_I, 10}, {IOP_F32_EQ, 10},   {IOP_F64_EQ, 10}};

    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (op >= families[i].first && op < families[i].first + families[i].size) {
            *first = families[i].first;
            *size =
                families[i].first == IOP_F32_EQ || families[i].first == IOP_F64_EQ ? 10 : 20;
            return true;
        }
    }
    return false;
}

interp_op tr_compare_opposite(interp_op op, interp_op first)
{
    return (interp_op)(first + ((op - first) ^ 1u));
}

bool tr_is_last_result(const tr *t, const tr_operand *o)
{
    return t->last_valid && t->last_d && o->place == TR_STACK &&
           tr_words(t)[t->last_d] == o->slot;
}

/* ---- Operands ---- */

uint32_t tr_next_slot(const tr *t)
{
    return t->stack.count ? tr_top(t, 0)->slot + tr_top(t, 0)->width : t->func->local_slots;
}

static void push_operand(tr *t, tr_operand o)
{
    o.slot = tr_next_slot(t);
    if (tr_push(t, &t->stack, sizeof o))
        *tr_top(t, 0) = o;
}

void tr_push_stack(tr *t, uint32_t width)
{
    push_operand(t, (tr_operand){.place = TR_STACK, .width = (uint8_t)width});
}

void tr_push_const(tr *t, uint64_t value)
{
    push_operand(t, (tr_operand){.place = TR_CONST, .width = 1, .value = value});
}

void tr_push_local(tr *t, uint32_t local)
{
    push_operand(t, (tr_operand){.place = TR_LOCAL,
                                 .width = t->local_widths[local],
                                 .local = t->local_slots[local]});
    if (!t->failed)
        t->local_uses[t->local_slots[local]]++;
}

tr_operand tr_pop(tr *t)
{
    tr_operand o = {.place = TR_STACK, .width = 1};

    if (t->stack.count == 0)
        return o; /* only after a failure */
    o = *tr_top(t, 0);
    if (o.place == TR_LOCAL)
        t->local_uses[o.local]--;
    t->stack.count--;
    if (t->settled > t->stack.count)
        t->settled = t->stack.count;
    return o;
}

void tr_drop_to(tr *t, uint32_t height)
{
    while (t->stack.count > height)
        (void)tr_pop(t);
}

static void emit_const(tr *t, uint32_t slot, uint64_t value)
{
    if (value <= UINT32_MAX)
        TR_EMIT_D(t, IOP_CONST32, slot, (uint32_t)value);
    else
        TR_EMIT_D(t, IOP_CONST64, slot, (uint32_t)value, (uint32_t)(value >> 32));
}

static void emit_move(tr *t, uint32_t to, uint32_t from, uint32_t width)
{
    if (width == 2) {
        TR_EMIT_D(t, IOP_MOVE128, to, from);
    } else if (t->last_valid && t->last_op == IOP_MOVE) {
        uint32_t d = tr_words(t)[t->last_at + 1];
        uint32_t a = tr_words(t)[t->last_at + 2];

        tr_rewind(t);
        TR_EMIT(t, IOP_MOVE_2, d, a, to, from);
    } else {
        TR_EMIT_D(t, IOP_MOVE, to, from);
    }
}

void tr_settle(tr *t, tr_operand *o)
{
    if (o->place == TR_LOCAL) {
        t->local_uses[o->local]--;
        emit_move(t, o->slot, o->local, o->width);
    } else if (o->place == TR_CONST) {
        emit_const(t, o->slot, o->value);
    }
    o->place = TR_STACK;
}

uint32_t tr_read(tr *t, const tr_operand *o)
{
    if (o->place == TR_LOCAL)
        return o->local;
    if (o->place == TR_CONST)
        emit_const(t, o->slot, o->value);
    return o->slot;
}

void tr_settle_top(tr *t, uint32_t n)
{
    for (uint32_t i = n; i-- > 0 && !t->failed;)
        tr_settle(t, tr_top(t, i));
}

void tr_settle_locals(tr *t)
{
    for (uint32_t i = t->settled; i < t->stack.count && !t->failed; i++) {
        tr_operand *o = (tr_operand *)t->stack.data + i;

        if (o->place == TR_LOCAL)
            tr_settle(t, o);
    }
    t->settled = t->stack.count;
}

void tr_settle_local(tr *t, uint32_t slot)
{
    /* Uses are near the top as a rule. Looking far down each time would be quadratic, so settle
     * everything once instead. */
    for (uint32_t i = t->stack.count, n = 0;
         t->local_uses[slot] && i > t->settled && !t->failed; n++) {
        tr_operand *o = (tr_operand *)t->stack.data + --i;

        if (n == 64) {
            tr_settle_locals(t);
            return;
        }
        if (o->place == TR_LOCAL && o->local == slot)
            tr_settle(t, o);
    }
}

void tr_move(tr *t, uint32_t slot, const tr_operand *o)
{
    if (o->place == TR_CONST) {
        emit_const(t, slot, o->value);
    } else if (o->place == TR_LOCAL) {
        if (o->local != slot)
            emit_move(t, slot, o->local, o->width);
    } else if (t->last_valid && t->last_d && tr_words(t)[t->last_d] == o->slot) {
        tr_words(t)[t->last_d] = slot;
    } else if (o->slot != slot) {
        emit_move(t, slot, o->slot, o->width);
    }
}

/* ---- Labels ---- */

static void fixup_push(tr *t, uint32_t *list, tr_fixup f)
{
    f.next = *list;
    if (tr_push(t, &t->fixups, sizeof f)) {
        ((tr_fixup *)t->fixups.data)[t->fixups.count - 1] = f;
        *list = t->fixups.count;
    }
}

void tr_fixup_add(tr *t, uint32_t *list, uint32_t at, uint32_t from)
{
    fixup_push(t, list, (tr_fixup){.at = at, .from = from});
}

void tr_fixup_clause(tr *t, uint32_t *list, uint32_t clause)
{
    fixup_push(t, list, (tr_fixup){.at = clause, .is_clause = true});
}

void tr_bind(tr *t, uint32_t *list)
{
    while (*list && !t->failed && tr_step(t)) {
        const tr_fixup *f = (const tr_fixup *)t->fixups.data + (*list - 1);

        if (f->is_clause)
            ((tr_clause *)t->clauses.data)[f->at].clause.target = t->words.count;
        else
            tr_words(t)[f->at] = t->words.count - f->from;
        *list = f->next;
    }
    *list = 0;
    tr_barrier(t);
}
