/* Calling a guest with numbers, text, bytes and JSON: the one place where call arguments are
 * marshalled. A call is prepared, so that what is wrong by itself is refused before guest code
 * runs; then the guest's allocator makes room, the bytes are copied, the function runs, its
 * result is read, and the room is given back.
 * The parts are in the files that value.h names; reading and writing values as text is in
 * value_text.c.
 * Read next: beamr/values.h, and examples/embed for a use of it. */
#include <stdlib.h>

#include "guest/value.h"

enum { PLACE_SIZE = 16, MAX_BYTES_DEFAULT = 16 << 20 };

/* One call on its way. The four arrays are one allocation, which begins at `params`. */
struct beamr_args_call {
    beamr_instance *instance;
    beamr_func *func;
    beamr_functype type;
    beamr_args_options options;
    beamr_value *params;
    beamr_value *results;
    guest_payload *payloads; /* one for each argument */
    guest_block *blocks;     /* room for one for each argument */
    size_t arg_count;
    size_t block_count;
    bool has_pairs; /* what is copied takes two parameters */
    bool has_place; /* the first parameter says where the result is to be put */
    uint64_t place; /* where that is; 0: the guest's stack has not been moved for it */
    guest_names names;
    guest_heap heap;
    guest_result result;
    beamr_entry entry; /* that waits, or 0 */
};

bool beamr_arg_is_copied(const beamr_arg *arg)
{
    switch (arg->kind) {
    case BEAMR_ARG_TEXT:
    case BEAMR_ARG_BYTES:
    case BEAMR_ARG_HEX:
    case BEAMR_ARG_JSON:
    case BEAMR_ARG_TREE:
        return true;
    default:
        return false;
    }
}

/* ---- Before anything of the guest runs ---- */

static const char *pairs_hint(beamr_convention convention, size_t copied)
{
    if (copied == 0)
        return "";
    if (convention == BEAMR_CONVENTION_ASSEMBLYSCRIPT)
        return " (text takes one in AssemblyScript)";
    if (convention == BEAMR_CONVENTION_BINDGEN)
        return " (text takes two by wasm-bindgen: pointer and length)";
    return " (text may take two: pointer and length)";
}

/* Whether what is copied takes one parameter or two. */
static bool choose_pairs(beamr_args_call *call, size_t arg_count, size_t copied)
{
    size_t wanted = call->type.param_count - (call->has_place ? 1 : 0);
    bool may_be_one = call->names.convention != BEAMR_CONVENTION_BINDGEN || copied == 0;
    bool may_be_two = call->names.convention != BEAMR_CONVENTION_ASSEMBLYSCRIPT;

    call->has_pairs = arg_count != wanted || !may_be_one;
    return call->has_pairs ? may_be_two && arg_count + copied == wanted : may_be_one;
}

static beamr_status check_counts(beamr_args_call *call, const beamr_arg *args, size_t arg_count,
                                 beamr_error *err)
{
    size_t wanted = call->type.param_count;
    size_t copied = 0;
    beamr_status st;

    for (size_t i = 0; i < arg_count; i++)
        copied += beamr_arg_is_copied(&args[i]);
    if (copied > 0 || call->options.reading != BEAMR_READ_VALUES)
        call->names = guest_names_find(beamr_instance_module(call->instance));
    if ((st = guest_result_check(call->names.convention, &call->type, call->options.reading,
                                 &call->has_place, err)) != BEAMR_OK)
        return st;
    if (call->has_place &&
        (wanted == 0 || beamr_valtype_kind(call->type.params[0]) != BEAMR_I32))
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the function has neither results nor a first parameter for where "
                          "to put one");
    if (!choose_pairs(call, arg_count, copied))
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the function takes %zu parameters, and %zu arguments were given%s",
                          wanted - (call->has_place ? 1 : 0), arg_count,
                          pairs_hint(call->names.convention, copied));
    return BEAMR_OK;
}

static beamr_status call_init(beamr_args_call *call, size_t arg_count, beamr_error *err)
{
    size_t params = call->type.param_count;
    size_t results = call->type.result_count;

    /* The counts are bounded by the function's type, which is checked before. */
    call->params = calloc(1, (params + results) * sizeof(beamr_value) +
                                 arg_count * (sizeof(guest_payload) + sizeof(guest_block)) + 1);
    if (!call->params)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a call's %zu arguments",
                          arg_count);
    call->results = call->params + params;
    call->payloads = (guest_payload *)(void *)(call->results + results);
    call->blocks = (guest_block *)(void *)(call->payloads + arg_count);
    call->arg_count = arg_count;
    return BEAMR_OK;
}

/* Numbers, and whether there are places for what is copied. */
static beamr_status fill_numbers(beamr_args_call *call, const beamr_arg *args, beamr_error *err)
{
    const beamr_valtype *types = call->type.params;
    size_t p = call->has_place;
    beamr_status st = BEAMR_OK;

    for (size_t i = 0; i < call->arg_count && st == BEAMR_OK; i++, p++) {
        guest_arg at = {&args[i], i, false};

        if (!beamr_arg_is_copied(&args[i])) {
            st = beamr_arg_value(&args[i], i, false, types[p], &call->params[p], err);
            continue;
        }
        st = guest_address_param(&at, 0, types[p], &call->params[p], err);
        if (st == BEAMR_OK && call->has_pairs) {
            p++;
            st = guest_address_param(&at, 0, types[p], &call->params[p], err);
        }
    }
    return st;
}

/* The allocator, and all that is to be copied. */
static beamr_status make_payloads(beamr_args_call *call, const beamr_arg *args,
                                  beamr_error *err)
{
    beamr_status st;

    for (size_t i = 0; i < call->arg_count; i++) {
        guest_arg at = {&args[i], i, false};

        if (!beamr_arg_is_copied(&args[i]))
            continue;
        if ((st = guest_heap_open(&call->heap, call->instance, &call->names, &at, err)) !=
            BEAMR_OK)
            return st;
        if ((st = guest_payload_make(&call->payloads[i], &at, call->names.convention, err)) !=
            BEAMR_OK)
            return st;
    }
    if (call->options.reading == BEAMR_READ_VALUES)
        return BEAMR_OK;
    if ((st = guest_heap_open(&call->heap, call->instance, &call->names, NULL, err)) !=
        BEAMR_OK)
        return st;
    if (call->has_place && !call->heap.stack)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the guest exports no __wbindgen_add_to_stack_pointer to make room "
                          "for the result");
    return BEAMR_OK;
}

static beamr_status prepare(beamr_args_call *call, const beamr_arg *args, size_t arg_count,
                            beamr_error *err)
{
    beamr_status st;

    if ((st = check_counts(call, args, arg_count, err)) != BEAMR_OK)
        return st;
    if ((st = call_init(call, arg_count, err)) != BEAMR_OK)
        return st;
    if ((st = fill_numbers(call, args, err)) != BEAMR_OK)
        return st;
    return make_payloads(call, args, err);
}

/* ---- Into the guest ---- */

/* Room on the guest's stack for pointer, length and error. It is cleared: a function that
 * cannot fail does not write the error. */
static beamr_status take_place(beamr_args_call *call, beamr_error *err)
{
    static const uint8_t zeros[PLACE_SIZE];
    beamr_status st;

    if (!call->has_place)
        return BEAMR_OK;
    st = guest_heap_move_stack(&call->heap, -PLACE_SIZE, &call->place, err);
    if (st != BEAMR_OK)
        return st;
    if (call->place == 0)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the guest's stack has no room");
    call->params[0] = beamr_i32((int32_t)(uint32_t)call->place);
    return beamr_memory_write(call->heap.memory, call->place, zeros, sizeof zeros, err);
}

/* Put what was made of an argument into the guest, and note the block. */
static beamr_status copy_in(beamr_args_call *call, const guest_arg *at, guest_block *block,
                            beamr_error *err)
{
    const guest_payload *payload = &call->payloads[at->index];
    bool is_c = call->names.convention == BEAMR_CONVENTION_C ||
                call->names.convention == BEAMR_CONVENTION_CANONICAL;
    uint64_t size = (uint64_t)payload->len + (is_c && payload->is_text);
    beamr_status st;

    if (is_c && size == 0)
        size = 1; /* of no bytes malloc may say NULL */
    if ((st = guest_heap_take(&call->heap, size, payload->is_text, at, block, err)) != BEAMR_OK)
        return st;
    call->blocks[call->block_count++] = *block;
    if ((st = beamr_memory_write(call->heap.memory, block->addr, payload->data, payload->len,
                                 err)) != BEAMR_OK)
        return st;
    if (!is_c || !payload->is_text)
        return BEAMR_OK;
    return beamr_memory_write(call->heap.memory, block->addr + payload->len, "", 1, err);
}

static beamr_status fill_copied(beamr_args_call *call, const beamr_arg *args, beamr_error *err)
{
    const beamr_valtype *types = call->type.params;
    size_t p = call->has_place;
    beamr_status st;

    for (size_t i = 0; i < call->arg_count; i++, p++) {
        guest_arg at = {&args[i], i, false};
        guest_block block = {0, 0};

        if (!beamr_arg_is_copied(&args[i]))
            continue;
        if ((st = copy_in(call, &at, &block, err)) != BEAMR_OK ||
            (st = guest_address_param(&at, block.addr, types[p], &call->params[p], err)) !=
                BEAMR_OK)
            return st;
        if (call->has_pairs) {
            p++;
            st = guest_address_param(&at, call->payloads[i].len, types[p], &call->params[p],
                                     err);
            if (st != BEAMR_OK)
                return st;
        }
        guest_payload_clear(&call->payloads[i]);
    }
    return BEAMR_OK;
}

/* ---- Giving back ---- */

/* Whoever interrupts wants the thread back, and an interrupt works once: run no more. After a
 * deadline, what frees would only be cut off half-way. */
static bool is_interrupt(beamr_status st, const beamr_error *err)
{
    return st == BEAMR_TRAP &&
           (err->trap == BEAMR_TRAP_INTERRUPTED || err->trap == BEAMR_TRAP_DEADLINE);
}

static bool holds_anything(const beamr_args_call *call)
{
    return call->block_count > 0 || call->place != 0 || call->result.block.size > 0;
}

/* Give back one thing: the result, then the blocks, the newest first, then the stack. */
static beamr_status give_one(beamr_args_call *call, beamr_error *err)
{
    guest_block block = call->result.block;

    if (block.size > 0) {
        call->result.block.size = 0;
        return guest_heap_give(&call->heap, &block, err);
    }
    if (call->block_count > 0)
        return guest_heap_give(&call->heap, &call->blocks[--call->block_count], err);
    call->place = 0;
    return guest_heap_move_stack(&call->heap, PLACE_SIZE, &block.addr, err);
}

/* Give everything back after a call that failed, which is what counts. */
static void give_back_quietly(beamr_args_call *call)
{
    beamr_status st = BEAMR_OK;
    beamr_error err = {0};

    while (holds_anything(call) && !is_interrupt(st, &err)) {
        beamr_error_clear(&err);
        st = give_one(call, &err);
    }
}

/* Give everything back, up to the first failure: what is left then depends on which it is. */
static beamr_status give_back(beamr_args_call *call, beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    while (holds_anything(call) && st == BEAMR_OK)
        st = give_one(call, err);
    return st;
}

/* As give_back_quietly, but for an exception that the call ended in: the calls that free would
 * have the store forget it.  Returns BEAMR_EXCEPTION, or BEAMR_NO_MEMORY when it could not be
 * kept.
 */
static beamr_status give_back_under_exception(beamr_args_call *call, beamr_error *err)
{
    beamr_store *store = beamr_instance_store(call->instance);
    beamr_exception *exception = beamr_exception_take(store);
    size_t count = exception ? beamr_exception_arg_count(exception) : 0;
    beamr_value *args = calloc(count + 1, sizeof *args);
    beamr_status st = args ? BEAMR_EXCEPTION : BEAMR_NO_MEMORY;

    give_back_quietly(call);
    if (exception && args) {
        for (size_t i = 0; i < count; i++)
            args[i] = beamr_exception_arg(exception, i);
        st = beamr_throw(store, beamr_exception_tag(exception), args, count, NULL);
    }
    if (exception)
        beamr_exception_release(store, exception);
    free(args);
    if (st == BEAMR_EXCEPTION)
        return st;
    beamr_error_clear(err); /* of what it says of the exception */
    return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                      "no memory to keep the exception that the call ended in");
}

/* The call has ended as *st says, or never began: read its result, and give back what it took.
 * A failure before that stays. */
static void finish(beamr_args_call *call, beamr_status *st, beamr_error *err)
{
    call->entry = 0;
    if (*st == BEAMR_OK && call->options.reading != BEAMR_READ_VALUES)
        *st = guest_result_read(&call->heap, call->options.reading, call->options.max_bytes,
                                call->results, call->type.result_count, call->place,
                                &call->result, err);
    if (*st == BEAMR_OK)
        *st = give_back(call, err);
    if (!holds_anything(call))
        return;
    if (*st == BEAMR_EXCEPTION)
        *st = give_back_under_exception(call, err);
    else if (!is_interrupt(*st, err))
        give_back_quietly(call);
}

/* ---- The call ---- */

/* Call the function. By wasm-bindgen what it is given is its own from here on. */
static beamr_status enter(beamr_args_call *call, beamr_error *err)
{
    size_t params = call->type.param_count, results = call->type.result_count;

    if (call->names.convention == BEAMR_CONVENTION_BINDGEN)
        call->block_count = 0;
    if (call->options.can_wait)
        return beamr_entry_begin(call->func, call->params, params, call->results, results,
                                 &call->entry, err);
    return beamr_func_call(call->func, call->params, params, call->results, results, err);
}

/* All of it, up to where it ends or waits. */
static beamr_status run(beamr_args_call *call, const beamr_arg *args, size_t arg_count,
                        beamr_error *err)
{
    beamr_status st;

    if ((st = prepare(call, args, arg_count, err)) != BEAMR_OK)
        return st;
    if ((st = take_place(call, err)) == BEAMR_OK &&
        (st = fill_copied(call, args, err)) == BEAMR_OK)
        st = enter(call, err);
    if (st != BEAMR_SUSPENDED)
        finish(call, &st, err);
    return st;
}

static void call_clear(beamr_args_call *call)
{
    for (size_t i = 0; i < call->arg_count; i++)
        guest_payload_clear(&call->payloads[i]);
    free(call->params);
    free(call->result.data);
}

beamr_status beamr_call_args(beamr_instance *instance, beamr_func *func, const beamr_arg *args,
                             size_t arg_count, beamr_value *results, size_t *result_count,
                             beamr_error *err)
{
    beamr_args_call call = {.instance = instance, .func = func, .type = beamr_func_type(func)};
    size_t count = call.type.result_count;
    beamr_error own = {0}; /* finish() wants to know which trap it was */
    beamr_status st;

    if (!err)
        err = &own;
    if (count > *result_count)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the function has %zu results, and there is room for %zu", count,
                          *result_count);
    if ((st = run(&call, args, arg_count, err)) == BEAMR_OK) {
        if (count > 0)
            memcpy(results, call.results, count * sizeof *results);
        *result_count = count;
    }
    call_clear(&call);
    return st;
}

/* ---- Calls as objects ---- */

beamr_status beamr_args_begin(beamr_instance *instance, beamr_func *func, const beamr_arg *args,
                              size_t arg_count, const beamr_args_options *options,
                              BEAMR_OWN beamr_args_call **out, beamr_error *err)
{
    beamr_args_call *call = calloc(1, sizeof *call);
    beamr_error own = {0};
    beamr_status st;

    if (!call)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a call");
    call->instance = instance;
    call->func = func;
    call->type = beamr_func_type(func);
    if (options)
        call->options = *options;
    if (call->options.max_bytes == 0)
        call->options.max_bytes = MAX_BYTES_DEFAULT;
    st = run(call, args, arg_count, err ? err : &own);
    if (st == BEAMR_OK || st == BEAMR_SUSPENDED)
        *out = call;
    else
        beamr_args_free(call);
    return st;
}

beamr_status beamr_args_resume(beamr_args_call *call, const beamr_answer *answer,
                               beamr_error *err)
{
    beamr_error own = {0};
    beamr_status st;

    if (!err)
        err = &own;
    if (call->entry == 0)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the call has ended already");
    st = beamr_entry_resume(beamr_instance_store(call->instance), call->entry, answer,
                            call->results, call->type.result_count, err);
    if (st != BEAMR_SUSPENDED && st != BEAMR_BUSY && st != BEAMR_ARGUMENT)
        finish(call, &st, err);
    return st;
}

beamr_entry beamr_args_entry(const beamr_args_call *call)
{
    return call->entry;
}

const beamr_value *beamr_args_results(const beamr_args_call *call, size_t *count)
{
    *count = call->type.result_count;
    return call->results;
}

beamr_bytes beamr_args_text(const beamr_args_call *call)
{
    return (beamr_bytes){call->result.data, call->result.len};
}

void beamr_args_free(beamr_args_call *call)
{
    if (!call)
        return;
    if (call->entry != 0)
        (void)beamr_entry_cancel(beamr_instance_store(call->instance), call->entry, NULL);
    call_clear(call);
    free(call);
}
