/* Calling a guest with numbers and text: the one place where call arguments are marshalled.
 * Numbers take the parameter's type; text is copied into the guest's memory with the guest's
 * own allocator, and given back after the call. Reading and writing values as text is in
 * value_text.c.
 *
 * Nothing that the guest's allocator says is believed: the address that it gives is checked
 * against the memory each time.
 * Source: the C names `malloc` and `free`; Component Model, "Canonical ABI" for `cabi_realloc`.
 * Read next: beamr/values.h, and examples/embed for a use of it. */
#include "beamr/values.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* The guest's allocator. */
typedef struct guest_heap {
    beamr_memory *memory;
    beamr_func *take; /* malloc or cabi_realloc; NULL until it was looked for */
    beamr_func
        *give; /* free or cabi_realloc; NULL when there is only malloc: text then stays */
    bool is_realloc;
    beamr_kind width; /* of its addresses: BEAMR_I32 or BEAMR_I64 */
} guest_heap;

/* Something taken from the heap. */
typedef struct guest_block {
    uint64_t addr;
    uint64_t size;
} guest_block;

/* One call on its way. The three arrays are one allocation, which begins at `params`. */
typedef struct guest_call {
    beamr_instance *instance;
    beamr_func *func;
    beamr_functype type;
    beamr_value *params;
    beamr_value *results;
    guest_block *blocks; /* room for one for each argument */
    size_t block_count;
    guest_heap heap;
} guest_call;

static const char *kind_text(beamr_kind kind)
{
    static const char *const texts[] = {
        [BEAMR_I32] = "i32",
        [BEAMR_I64] = "i64",
        [BEAMR_F32] = "f32",
        [BEAMR_F64] = "f64",
        [BEAMR_V128] = "v128",
        [BEAMR_FUNCREF] = "a function reference",
        [BEAMR_EXTERNREF] = "an external reference",
        [BEAMR_EXNREF] = "an exception reference",
    };

    return texts[kind];
}

/* ---- Numbers ---- */

/* The integer as the parameter's bits, in the signed or unsigned range of `bits` of them. */
static bool integer_fits(bool is_negative, uint64_t magnitude, unsigned bits, uint64_t *out)
{
    uint64_t max = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

    if (magnitude > (is_negative ? (max >> 1) + 1 : max))
        return false;
    *out = is_negative ? -magnitude : magnitude;
    return true;
}

static bool float_fits(double number, unsigned bits, uint64_t *out)
{
    /* Also false for NaN; the powers of two are exact, so nothing beyond them is converted. */
    if (!(fabs(number) < ldexp(1.0, (int)bits)) || trunc(number) != number)
        return false;
    return integer_fits(number < 0, (uint64_t)fabs(number), bits, out);
}

static bool integer_param(const beamr_arg *arg, beamr_kind kind, beamr_value *out)
{
    unsigned bits = kind == BEAMR_I32 ? 32 : 64;
    uint64_t n;

    if (!(arg->kind == BEAMR_ARG_INTEGER
              ? integer_fits(arg->is_negative, arg->magnitude, bits, &n)
              : float_fits(arg->number, bits, &n)))
        return false;
    *out = kind == BEAMR_I32 ? beamr_i32((int32_t)(uint32_t)n) : beamr_i64((int64_t)n);
    return true;
}

static void float_param(const beamr_arg *arg, beamr_kind kind, beamr_value *out)
{
    if (kind == BEAMR_F64) {
        double n = arg->kind == BEAMR_ARG_FLOAT ? arg->number : (double)arg->magnitude;
        *out = beamr_f64(arg->kind == BEAMR_ARG_INTEGER && arg->is_negative ? -n : n);
    } else { /* not by way of a double, which would round an integer twice */
        float n = arg->kind == BEAMR_ARG_FLOAT ? (float)arg->number : (float)arg->magnitude;
        *out = beamr_f32(arg->kind == BEAMR_ARG_INTEGER && arg->is_negative ? -n : n);
    }
}

static beamr_status fail_range(const beamr_arg *arg, size_t index, beamr_kind kind,
                               beamr_error *err)
{
    beamr_value number = beamr_f64(arg->number);
    char text[48];

    if (arg->kind == BEAMR_ARG_FLOAT)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "argument %zu: %s is no integer of type %s",
                          index + 1, beamr_value_text(&number, text, sizeof text),
                          kind_text(kind));
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "argument %zu: %s%" PRIu64 " is no %s", index + 1,
                      arg->is_negative ? "-" : "", arg->magnitude, kind_text(kind));
}

/* Fill one parameter with an argument that is not text.
 *   index  of the argument, for the error's text */
static beamr_status number_param(const beamr_arg *arg, size_t index, beamr_valtype type,
                                 beamr_value *out, beamr_error *err)
{
    beamr_kind kind = beamr_valtype_kind(type);

    if (arg->kind == BEAMR_ARG_VALUE) {
        if (arg->value.kind != kind)
            return beamr_fail(err, BEAMR_ARGUMENT, 0,
                              "argument %zu is %s, and the function takes %s", index + 1,
                              kind_text(arg->value.kind), kind_text(kind));
        *out = arg->value;
        return BEAMR_OK;
    }
    if (kind == BEAMR_I32 || kind == BEAMR_I64)
        return integer_param(arg, kind, out) ? BEAMR_OK : fail_range(arg, index, kind, err);
    if (kind == BEAMR_F32 || kind == BEAMR_F64) {
        float_param(arg, kind, out);
        return BEAMR_OK;
    }
    return beamr_fail(err, BEAMR_ARGUMENT, 0,
                      "argument %zu is a number, and the function takes %s", index + 1,
                      kind_text(kind));
}

/* ---- The guest's allocator ---- */

/* The function has `params` parameters and `results` results, all of one width, which is i32 or
 * i64.  *width is BEAMR_I32 or BEAMR_I64. */
static bool takes_addresses(const beamr_func *func, size_t params, size_t results,
                            beamr_kind *width)
{
    beamr_functype type = beamr_func_type(func);

    if (type.param_count != params || type.result_count != results)
        return false;
    *width = beamr_valtype_kind(type.params[0]);
    for (size_t i = 0; i < params; i++)
        if (beamr_valtype_kind(type.params[i]) != *width)
            return false;
    for (size_t i = 0; i < results; i++)
        if (beamr_valtype_kind(type.results[i]) != *width)
            return false;
    return *width == BEAMR_I32 || *width == BEAMR_I64;
}

/* Find an exported function.
 *   out  NULL when the guest has none of that name
 * Errors: BEAMR_NO_MEMORY, which must not pass for that. */
static beamr_status find_func(beamr_instance *instance, const char *name, beamr_func **out,
                              beamr_error *err)
{
    beamr_export export;

    *out = beamr_instance_find_func(instance, name);
    if (!*out &&
        beamr_module_find_export(beamr_instance_module(instance), beamr_bytes_of(name),
                                 &export) &&
        export.type.kind == BEAMR_EXTERN_FUNC)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the guest's %s", name);
    return BEAMR_OK;
}

static beamr_status heap_use_malloc(guest_heap *heap, beamr_instance *instance,
                                    beamr_func *function, beamr_error *err)
{
    beamr_kind give_width;
    beamr_func *give;
    beamr_status st;

    if ((st = find_func(instance, "free", &give, err)) != BEAMR_OK)
        return st;
    if (!takes_addresses(function, 1, 1, &heap->width))
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the guest's malloc is neither [i32] -> [i32] nor [i64] -> [i64]");
    if (give && (!takes_addresses(give, 1, 0, &give_width) || give_width != heap->width))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the guest's free is not [%s] -> []",
                          kind_text(heap->width));
    heap->take = function;
    heap->give = give;
    return BEAMR_OK;
}

static beamr_status heap_use_realloc(guest_heap *heap, beamr_func *function, beamr_error *err)
{
    if (!takes_addresses(function, 4, 1, &heap->width))
        return beamr_fail(
            err, BEAMR_ARGUMENT, 0,
            "the guest's cabi_realloc does not take four and give one i32, or i64");
    heap->take = function;
    heap->give = function;
    heap->is_realloc = true;
    return BEAMR_OK;
}

/* Find allocator and memory, unless they are known already.
 *   index  of the argument that needs them */
static beamr_status heap_find(guest_heap *heap, beamr_instance *instance, size_t index,
                              beamr_error *err)
{
    beamr_func *function;
    beamr_status st;

    if (heap->take)
        return BEAMR_OK;
    heap->memory = beamr_instance_find_memory(instance, "memory");
    if (!heap->memory)
        heap->memory = beamr_instance_memory(instance, 0);
    if (!heap->memory)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "argument %zu is text, and the guest has no memory", index + 1);
    if ((st = find_func(instance, "malloc", &function, err)) != BEAMR_OK)
        return st;
    if (function)
        return heap_use_malloc(heap, instance, function, err);
    if ((st = find_func(instance, "cabi_realloc", &function, err)) != BEAMR_OK)
        return st;
    if (function)
        return heap_use_realloc(heap, function, err);
    return beamr_fail(err, BEAMR_ARGUMENT, 0,
                      "argument %zu is text, and the guest exports neither malloc nor "
                      "cabi_realloc to make room for it",
                      index + 1);
}

static beamr_value heap_number(const guest_heap *heap, uint64_t n)
{
    return heap->width == BEAMR_I32 ? beamr_i32((int32_t)(uint32_t)n) : beamr_i64((int64_t)n);
}

static uint64_t heap_address(const beamr_value *value)
{
    return value->kind == BEAMR_I32 ? (uint32_t)value->of.i32 : (uint64_t)value->of.i64;
}

/* Take `size` bytes, at least 1; what is returned lies in memory. */
static beamr_status heap_take(const guest_heap *heap, uint64_t size, size_t index,
                              uint64_t *addr, beamr_error *err)
{
    beamr_value args[4] = {heap_number(heap, 0), heap_number(heap, 0), heap_number(heap, 1),
                           heap_number(heap, size)};
    size_t count = heap->is_realloc ? 4 : 1;
    beamr_value result;
    uint64_t end;
    beamr_status st;

    if (heap->width == BEAMR_I32 && size > UINT32_MAX)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "argument %zu: text of %" PRIu64 " bytes in a memory of 32 bits",
                          index + 1, size - 1);
    st = beamr_func_call(heap->take, args + 4 - count, count, &result, 1, err);
    if (st != BEAMR_OK)
        return st;
    *addr = heap_address(&result);
    if (*addr == 0)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "argument %zu: the guest's allocator has no room for %" PRIu64
                          " bytes",
                          index + 1, size);
    end = beamr_memory_size(heap->memory);
    if (*addr > end || size > end - *addr)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "argument %zu: the guest's allocator gave address 0x%" PRIx64
                          " for %" PRIu64 " bytes, in a memory of %" PRIu64,
                          index + 1, *addr, size, end);
    return BEAMR_OK;
}

static beamr_status heap_give(const guest_heap *heap, const guest_block *block,
                              beamr_error *err)
{
    beamr_value args[4] = {heap_number(heap, block->addr), heap_number(heap, block->size),
                           heap_number(heap, 1), heap_number(heap, 0)};
    beamr_value result;

    return beamr_func_call(heap->give, args, heap->is_realloc ? 4 : 1, &result,
                           heap->is_realloc ? 1 : 0, err);
}

/* ---- Text ---- */

/* Fill a parameter with an address or a length. */
static beamr_status address_param(uint64_t n, size_t index, beamr_valtype type,
                                  beamr_value *out, beamr_error *err)
{
    beamr_kind kind = beamr_valtype_kind(type);

    if (kind != BEAMR_I32 && kind != BEAMR_I64)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "argument %zu is text, and the function takes %s", index + 1,
                          kind_text(kind));
    if (kind == BEAMR_I32 && n > UINT32_MAX)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "argument %zu: 0x%" PRIx64 " does not fit the function's i32",
                          index + 1, n);
    *out = kind == BEAMR_I32 ? beamr_i32((int32_t)(uint32_t)n) : beamr_i64((int64_t)n);
    return BEAMR_OK;
}

/* Copy a text with a NUL behind it into the guest, and note the block in `call`. */
static beamr_status text_copy(guest_call *call, beamr_bytes text, size_t index, uint64_t *addr,
                              beamr_error *err)
{
    uint64_t size = (uint64_t)text.len + 1;
    beamr_status st;

    if ((st = heap_find(&call->heap, call->instance, index, err)) != BEAMR_OK)
        return st;
    if ((st = heap_take(&call->heap, size, index, addr, err)) != BEAMR_OK)
        return st;
    call->blocks[call->block_count++] = (guest_block){*addr, size};
    if ((st = beamr_memory_write(call->heap.memory, *addr, text.data, text.len, err)) !=
        BEAMR_OK)
        return st;
    return beamr_memory_write(call->heap.memory, *addr + text.len, "", 1, err);
}

/* Whoever interrupts wants the thread back, and an interrupt works once: run no more. After a
 * deadline, what frees would only be cut off half-way. */
static bool is_interrupt(beamr_status st, const beamr_error *err)
{
    return st == BEAMR_TRAP &&
           (err->trap == BEAMR_TRAP_INTERRUPTED || err->trap == BEAMR_TRAP_DEADLINE);
}

/* Give all blocks back, the newest first. All are tried, unless interrupted; the first
 * failure counts. */
static beamr_status give_back(guest_call *call, beamr_error *err)
{
    beamr_status first = BEAMR_OK;

    while (call->block_count > 0) {
        const guest_block *block = &call->blocks[--call->block_count];
        beamr_status st = call->heap.give ? heap_give(&call->heap, block, err) : BEAMR_OK;

        if (first == BEAMR_OK)
            first = st;
        if (is_interrupt(st, err))
            break;
    }
    return first;
}

/* As give_back, but for an exception that the call ended in: the calls that free would have
 * the store forget it.  Returns BEAMR_EXCEPTION, or BEAMR_NO_MEMORY when it could not be kept.
 */
static beamr_status give_back_under_exception(guest_call *call, beamr_error *err)
{
    beamr_store *store = beamr_instance_store(call->instance);
    beamr_exception *exception = beamr_exception_take(store);
    size_t count = exception ? beamr_exception_arg_count(exception) : 0;
    beamr_value *args = calloc(count + 1, sizeof *args);
    beamr_status st = args ? BEAMR_EXCEPTION : BEAMR_NO_MEMORY;
    beamr_error ignored = {0};

    (void)give_back(call, &ignored);
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

/* Give back what the call took; *st is how it went so far, and stays if it failed. */
static void finish(guest_call *call, beamr_status *st, beamr_error *err)
{
    beamr_error ignored = {0};

    if (call->block_count == 0)
        return;
    if (*st == BEAMR_OK)
        *st = give_back(call, err);
    else if (*st == BEAMR_EXCEPTION)
        *st = give_back_under_exception(call, err);
    else if (!is_interrupt(*st, err))
        (void)give_back(call, &ignored);
}

/* ---- The call ---- */

static beamr_status check_counts(const guest_call *call, const beamr_arg *args,
                                 size_t arg_count, size_t room, beamr_error *err)
{
    size_t wanted = call->type.param_count;
    size_t texts = 0;

    for (size_t i = 0; i < arg_count; i++)
        texts += args[i].kind == BEAMR_ARG_TEXT;
    if (arg_count != wanted && arg_count + texts != wanted)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the function takes %zu parameters, and %zu arguments were given%s",
                          wanted, arg_count,
                          texts ? " (text may take two: pointer and length)" : "");
    if (call->type.result_count > room)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the function has %zu results, and there is room for %zu",
                          call->type.result_count, room);
    return BEAMR_OK;
}

static beamr_status call_init(guest_call *call, size_t arg_count, beamr_error *err)
{
    size_t params = call->type.param_count;
    size_t results = call->type.result_count;

    /* The counts are bounded by the function's type, which is checked before. */
    call->params = calloc(1, (params + results) * sizeof(beamr_value) +
                                 arg_count * sizeof(guest_block) + 1);
    if (!call->params)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a call's %zu arguments",
                          arg_count);
    call->results = call->params + params;
    call->blocks = (guest_block *)(void *)(call->results + results);
    return BEAMR_OK;
}

/* Everything that can be refused before guest code runs: numbers, and places for text. */
static beamr_status fill_numbers(guest_call *call, const beamr_arg *args, size_t arg_count,
                                 beamr_error *err)
{
    bool pairs = arg_count != call->type.param_count;
    size_t p = 0;
    beamr_status st = BEAMR_OK;

    for (size_t i = 0; i < arg_count && st == BEAMR_OK; i++, p++) {
        if (args[i].kind != BEAMR_ARG_TEXT) {
            st = number_param(&args[i], i, call->type.params[p], &call->params[p], err);
            continue;
        }
        st = address_param(0, i, call->type.params[p], &call->params[p], err);
        if (st == BEAMR_OK && pairs) {
            p++;
            st =
                address_param(args[i].text.len, i, call->type.params[p], &call->params[p], err);
        }
    }
    return st;
}

static beamr_status fill_texts(guest_call *call, const beamr_arg *args, size_t arg_count,
                               beamr_error *err)
{
    bool pairs = arg_count != call->type.param_count;
    size_t p = 0;

    for (size_t i = 0; i < arg_count; i++, p++) {
        uint64_t addr = 0;
        beamr_status st;

        if (args[i].kind != BEAMR_ARG_TEXT)
            continue;
        if ((st = text_copy(call, args[i].text, i, &addr, err)) != BEAMR_OK)
            return st;
        st = address_param(addr, i, call->type.params[p], &call->params[p], err);
        if (st != BEAMR_OK)
            return st;
        p += pairs;
    }
    return BEAMR_OK;
}

beamr_status beamr_call_args(beamr_instance *instance, beamr_func *func, const beamr_arg *args,
                             size_t arg_count, beamr_value *results, size_t *result_count,
                             beamr_error *err)
{
    guest_call call = {.instance = instance, .func = func, .type = beamr_func_type(func)};
    beamr_error own = {0}; /* finish() wants to know which trap it was */
    beamr_status st;

    if (!err)
        err = &own;
    if ((st = check_counts(&call, args, arg_count, *result_count, err)) != BEAMR_OK)
        return st;
    if ((st = call_init(&call, arg_count, err)) != BEAMR_OK)
        return st;
    if ((st = fill_numbers(&call, args, arg_count, err)) != BEAMR_OK)
        goto out;
    if ((st = fill_texts(&call, args, arg_count, err)) == BEAMR_OK)
        st = beamr_func_call(func, call.params, call.type.param_count, call.results,
                             call.type.result_count, err);
    finish(&call, &st, err);
    if (st != BEAMR_OK)
        goto out;
    if (call.type.result_count > 0)
        memcpy(results, call.results, call.type.result_count * sizeof *results);
    *result_count = call.type.result_count;
out:
    free(call.params);
    return st;
}

beamr_status beamr_memory_read_text(const beamr_memory *memory, uint64_t addr, char *out,
                                    size_t size, beamr_error *err)
{
    uint64_t end = beamr_memory_size(memory);
    uint64_t left = addr < end ? end - addr : 0;
    size_t len = size > 0 ? size - 1 : 0;
    const char *text;

    if (size == 0)
        return BEAMR_OK;
    if (left < len)
        len = (size_t)left;
    text = left > 0 ? (const char *)beamr_memory_data(memory) + addr : "";
    len = strnlen(text, len);
    if (left == 0 || (len == left && len < size - 1))
        return beamr_fail_trap(
            err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS,
            "text at 0x%" PRIx64 " has no end in a memory of %" PRIu64 " bytes", addr, end);
    memcpy(out, text, len);
    out[len] = '\0';
    return BEAMR_OK;
}
