/* Instances anew: from the nearest state that has a snapshot, or from a fresh instance, the
 * calls since are repeated, with what their imports did and gave. Nobody is asked: no message
 * is resolved, no clock is read, and there is neither a deadline nor the node's fuel, since
 * each of these calls has ended before. That it goes as it went is checked at every import and
 * at every end; if it does not, it is a failure, and never a wrong answer. */
#include <stdlib.h>

#include "device/state_internal.h"

/* The states from one to the nearest that can be begun with. */
typedef struct line {
    dev_state **states; /* counted; the newest first */
    size_t count, room;
    ao_message *saved; /* counted: the snapshot of the last one; NULL: it begins by itself */
} line;

static beamr_status line_add(line *l, BEAMR_OWN dev_state *state, beamr_error *err)
{
    if (l->count == l->room) {
        size_t room = 2 * l->room + 16;
        dev_state **states = realloc(l->states, room * sizeof(dev_state *));

        if (!states) {
            dev_state_unref(state);
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to repeat %zu calls",
                              l->count);
        }
        l->states = states;
        l->room = room;
    }
    l->states[l->count++] = state;
    return BEAMR_OK;
}

static beamr_status line_find(line *l, dev_state *state, beamr_error *err)
{
    dev_state *next = dev_state_ref(state);

    while (next) {
        dev_state *at = next;
        beamr_status st = line_add(l, at, err);

        if (st != BEAMR_OK)
            return st;
        (void)pthread_mutex_lock(&at->lock);
        l->saved = ao_message_ref(at->saved);
        next = !at->saved && at->parent ? dev_state_ref(at->parent) : NULL;
        (void)pthread_mutex_unlock(&at->lock);
    }
    return BEAMR_OK;
}

static void line_clear(line *l)
{
    for (size_t i = 0; i < l->count; i++)
        dev_state_unref(l->states[i]);
    free(l->states);
    ao_message_unref(l->saved);
}

/* ---- One call ---- */

/* A call that is repeated. What the system is given stays until the call has ended. */
typedef struct repetition {
    state_guest *guest;
    const state_record *record;
    dev_inputs inputs;   /* as recorded, but of our own: the system may write to it */
    dev_inputs *updates; /* likewise */
    size_t at;           /* in the log */
    ao_message *shown;   /* what the system shows, which nobody looks at */
    state_call call;
    beamr_error *trap; /* that a performed function ended in; NULL: none */
} repetition;

static beamr_status fail_other(const char *what, beamr_error *err)
{
    beamr_error_clear(err);
    return beamr_fail(err, BEAMR_CONFLICT, 0,
                      "a call of the guest could not be repeated as it went: %s", what);
}

/* It must end as it did: the host may fail now, and all else can't be explained. */
static beamr_status check_end(beamr_status st, const state_entry *e, const char *what,
                              beamr_error *err)
{
    bool is_trap = st == BEAMR_TRAP;

    if (st == e->status && !(is_trap && state_is_host_failure(st, err)))
        return BEAMR_OK;
    return state_is_host_failure(st, err) ? st : fail_other(what, err);
}

static dev_inputs copy_inputs(const dev_inputs *inputs)
{
    dev_inputs copy = *inputs;

    (void)ao_value_ref(copy.vfs);
    (void)ao_value_ref(copy.descriptors);
    return copy;
}

static beamr_status repetition_begin(repetition *r, beamr_error *err)
{
    size_t count = r->record->update_count;

    r->shown = ao_message_ref(ao_message_empty());
    r->inputs = copy_inputs(&r->record->inputs);
    if (count > 0 && !(r->updates = calloc(count, sizeof *r->updates)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to repeat a call");
    for (size_t i = 0; i < count; i++)
        r->updates[i] = copy_inputs(&r->record->updates[i]->inputs);
    return BEAMR_OK;
}

static void repetition_clear(repetition *r)
{
    if (!r->call.args && r->call.entry != 0)
        (void)beamr_entry_cancel(r->guest->store, r->call.entry, NULL);
    state_call_clear(&r->call);
    dev_inputs_clear(&r->inputs);
    for (size_t i = 0; r->updates && i < r->record->update_count; i++)
        dev_inputs_clear(&r->updates[i]);
    free(r->updates);
    free(r->trap);
    ao_message_unref(r->shown);
}

/* ---- What imports did ---- */

static beamr_status repeat_write(repetition *r, const state_entry *e, beamr_error *err)
{
    beamr_memory *memory = state_guest_memory(r->guest);

    if (!memory)
        return fail_other("there is no memory to be written to", err);
    return beamr_memory_write(memory, e->number, e->bytes.data, e->bytes.len, err);
}

static beamr_status repeat_allocate(repetition *r, const state_entry *e, beamr_error *err)
{
    uint64_t addr = 0;
    beamr_status st = state_guest_put_text(r->guest, e->bytes, &addr, err);
    beamr_status end = check_end(st, e, "malloc ended in another way", err);

    if (end != BEAMR_OK)
        return end;
    if (st == BEAMR_OK && addr != e->number)
        return fail_other("malloc gave something else", err);
    beamr_error_clear(err);
    return BEAMR_OK;
}

/* What the message said then is taken in; before that the system shows itself, as it did. */
static beamr_status take_in(repetition *r, uint64_t number, beamr_error *err)
{
    beamr_status st = dev_system_show(r->guest->system, &r->shown, err);

    return st == BEAMR_OK ? dev_system_update(r->guest->system, &r->updates[number], err) : st;
}

static beamr_status repeat_update(repetition *r, const state_entry *e, beamr_error *err)
{
    beamr_status st =
        check_end(take_in(r, e->number, err), e, "the system took in something else", err);

    if (st == BEAMR_OK)
        beamr_error_clear(err);
    return st;
}

static beamr_status repeat_perform(repetition *r, const state_entry *e, beamr_error *err)
{
    ao_value results = AO_NO_VALUE;
    beamr_status st = take_in(r, e->number, err), end;

    if (st == BEAMR_OK)
        st = dev_system_perform(r->guest->system, r->guest->instance, e->bytes, e->name,
                                r->record->updates[e->number]->args, &results, err);
    ao_value_unref(results);
    end = check_end(st, e, "a function of the system ended in another way", err);
    if (end != BEAMR_OK)
        return end;
    if (st == BEAMR_TRAP && !r->trap && (r->trap = malloc(sizeof *r->trap)))
        *r->trap = *err;
    else if (st == BEAMR_TRAP && !r->trap)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to repeat a call");
    beamr_error_clear(err);
    return BEAMR_OK;
}

static beamr_status repeat_effect(repetition *r, const state_entry *e, beamr_error *err)
{
    switch (e->op) {
    case STATE_OP_WRITE:
        return repeat_write(r, e, err);
    case STATE_OP_ALLOCATE:
        return repeat_allocate(r, e, err);
    case STATE_OP_UPDATE:
        return repeat_update(r, e, err);
    case STATE_OP_PERFORM:
        return repeat_perform(r, e, err);
    default:
        return fail_other("an import was answered twice", err);
    }
}

/* ---- Imports ---- */

static beamr_status check_request(const repetition *r, const state_entry *e, beamr_error *err)
{
    beamr_value few[STATE_VALUES], *args = few;
    beamr_request request = {0};
    beamr_status st = state_call_request(&r->call, &request, few, STATE_VALUES, err);
    size_t count = request.type.param_count;

    if (st == BEAMR_OK && count > STATE_VALUES) {
        if (!(args = malloc(count * sizeof *args)))
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to repeat a call");
        st = state_call_request(&r->call, &request, args, count, err);
    }
    if (st == BEAMR_OK &&
        (e->op != STATE_OP_REQUEST || state_request_digest(&request, args) != e->number))
        st = fail_other("it called another import", err);
    if (args != few)
        free(args);
    return st;
}

/* The answer, or the failure, that ended the import.
 *   on  how the call goes on */
static beamr_status repeat_answer(repetition *r, const state_entry *e, beamr_status *on,
                                  beamr_error *err)
{
    beamr_error reason = {.status = BEAMR_ARGUMENT};
    beamr_answer answer = {.results = state_values_of(e->values),
                           .result_count = state_values_count(e->values)};

    if (r->trap) {
        answer = (beamr_answer){.error = r->trap};
    } else if (e->op == STATE_OP_REFUSE) {
        memcpy(reason.text, e->bytes.data, e->bytes.len);
        answer = (beamr_answer){.error = &reason};
    }
    *on = state_call_resume(&r->call, &answer, err);
    free(r->trap);
    r->trap = NULL;
    return BEAMR_OK;
}

static beamr_status repeat_import(repetition *r, beamr_status *on, beamr_error *err)
{
    state_entry e;
    beamr_status st;

    if (!state_log_next(&r->record->log, &r->at, &e))
        return fail_other("it called an import more", err);
    if ((st = check_request(r, &e, err)) != BEAMR_OK)
        return st;
    while (st == BEAMR_OK && state_log_next(&r->record->log, &r->at, &e)) {
        if (e.op == STATE_OP_ANSWER || e.op == STATE_OP_REFUSE)
            return repeat_answer(r, &e, on, err);
        st = repeat_effect(r, &e, err);
    }
    return st == BEAMR_OK ? fail_other("an import has no answer", err) : st;
}

static beamr_status run_again(repetition *r, dev_image *image, const dev_state *before,
                              beamr_error *err)
{
    beamr_status st = dev_system_enter(r->guest->system, &r->inputs, NULL, err), on;

    if (st != BEAMR_OK)
        return st;
    if ((st = state_guest_limit(r->guest, image, before, 0, 0, err)) != BEAMR_OK)
        return st;
    on = state_call_begin(&r->call, r->guest, image, r->record, err);
    while (on == BEAMR_SUSPENDED)
        if ((st = repeat_import(r, &on, err)) != BEAMR_OK)
            return st;
    if (state_is_host_failure(on, err))
        return on;
    if (state_call_digest(&r->call, on, err) != r->record->end || r->at != r->record->log.len)
        return fail_other("it ended in another way", err);
    beamr_error_clear(err);
    state_call_clear(&r->call);
    return dev_system_leave(r->guest->system, &r->shown, err);
}

static beamr_status repeat_call(const dev_state *state, const dev_state *before,
                                state_guest *guest, beamr_error *err)
{
    repetition r = {.guest = guest, .record = &state->record};
    beamr_status st = repetition_begin(&r, err);

    if (st == BEAMR_OK)
        st = run_again(&r, state->image, before, err);
    repetition_clear(&r);
    return st;
}

/* ---- The line ---- */

/* The buffers as they were before are those of the state before it. */
static beamr_status repeat_write_texts(const dev_state *state, const dev_state *before,
                                       state_guest *guest, beamr_error *err)
{
    state_buffer buffers[STATE_BUFFERS] = {{0, 0}};
    beamr_status st;

    if (before && before->buffers)
        memcpy(buffers, before->buffers, sizeof buffers);
    st = state_write_texts(state, guest, buffers, NULL, err);
    if (st == BEAMR_OK && memcmp(buffers, state->buffers, sizeof buffers) != 0)
        return fail_other("malloc gave something else", err);
    return st;
}

static beamr_status repeat(const line *l, state_guest *guest, beamr_error *err)
{
    beamr_status st = BEAMR_OK;
    size_t i = l->count - (l->saved ? 1 : 0);

    while (st == BEAMR_OK && i-- > 0) {
        const dev_state *state = l->states[i];
        const dev_state *before = i + 1 < l->count ? l->states[i + 1] : NULL;

        if (!state->is_whole)
            st = beamr_fail(err, BEAMR_LIMIT, 0,
                            "a call can't be repeated: the record of its imports became "
                            "longer than %zu bytes",
                            STATE_RECORD_BYTES);
        else if (state->record.origin == STATE_WRITTEN)
            st = repeat_write_texts(state, before, guest, err);
        else
            st = repeat_call(state, before, guest, err);
    }
    return st;
}

/* Whoever waits for it can cancel it. */
static beamr_status repeat_watched(const line *l, dev_image *image, state_guest *guest,
                                   beamr_error *err)
{
    ao_stop stop;
    beamr_status st;

    state_watch_begin(&stop, guest);
    dev_world_running(image->world, guest->store);
    st = repeat(l, guest, err);
    dev_world_rests(image->world, guest->store);
    state_watch_end(&stop, guest);
    return st;
}

static beamr_status rebuild(line *l, dev_state *state, state_guest **guest, beamr_error *err)
{
    beamr_status st = line_find(l, state, err);

    if (st != BEAMR_OK)
        return st;
    st = l->saved ? state_load(state->image, l->saved, guest, err)
                  : state_guest_new(state->image, guest, err);
    return st == BEAMR_OK ? repeat_watched(l, state->image, *guest, err) : st;
}

beamr_status state_rebuild(dev_state *state, BEAMR_OWN state_guest **out, beamr_error *err)
{
    beamr_error *own = calloc(1, sizeof *own); /* what ends a repeated call is no failure */
    state_guest *guest = NULL;
    line l = {0};
    beamr_status st;

    if (!own)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to repeat a call");
    if ((st = rebuild(&l, state, &guest, own)) == BEAMR_OK) {
        *out = guest;
        guest = NULL;
    } else if (err && err->status == BEAMR_OK) {
        *err = *own;
    }
    state_guest_free(guest);
    line_clear(&l);
    free(own);
    return st;
}
