/* The guest's own allocator: found by its convention, used to take room for what is copied in,
 * and to give it back.
 * Nothing that it says is believed: the address that it gives is checked against the memory
 * each time, whose size and place may have changed meanwhile.
 * Which names belong to which convention is in value_convention.c.
 * Source: Component Model, "Canonical ABI"; wasm-bindgen's intrinsics; AssemblyScript,
 * "Runtime" and "Memory layout". */
#include "guest/value.h"

#include <inttypes.h>

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

static bool takes_i32(const beamr_func *func, size_t params, size_t results)
{
    beamr_kind width;

    return takes_addresses(func, params, results, &width) && width == BEAMR_I32;
}

/* Find a function that the module exports.
 * Errors: BEAMR_NO_MEMORY, for its record. */
static beamr_status find_func(beamr_instance *instance, beamr_bytes name, beamr_func **out,
                              beamr_error *err)
{
    beamr_extern item;

    if (!beamr_instance_find(instance, name, &item))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the guest's %.*s",
                          (int)name.len, (const char *)name.data);
    *out = item.of.func;
    return BEAMR_OK;
}

static beamr_status fail_type(beamr_bytes name, const char *types, beamr_error *err)
{
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "the guest's %.*s is %s", (int)name.len,
                      (const char *)name.data, types);
}

/* ---- Each convention ---- */

static beamr_status open_c(guest_heap *heap, const guest_names *names, beamr_error *err)
{
    beamr_kind width;
    beamr_status st;

    if (names->give.data &&
        (st = find_func(heap->instance, names->give, &heap->give, err)) != BEAMR_OK)
        return st;
    if (!takes_addresses(heap->take, 1, 1, &heap->width))
        return fail_type(names->take, "neither [i32] -> [i32] nor [i64] -> [i64]", err);
    if (heap->give && (!takes_addresses(heap->give, 1, 0, &width) || width != heap->width))
        return fail_type(names->give,
                         heap->width == BEAMR_I32 ? "not [i32] -> []" : "not [i64] -> []", err);
    return BEAMR_OK;
}

static beamr_status open_canonical(guest_heap *heap, beamr_error *err)
{
    if (!takes_addresses(heap->take, 4, 1, &heap->width))
        return beamr_fail(
            err, BEAMR_ARGUMENT, 0,
            "the guest's cabi_realloc does not take four and give one i32, or i64");
    heap->give = heap->take;
    return BEAMR_OK;
}

/* Before it was told the alignment too, its allocator had one parameter less. */
static beamr_status open_bindgen(guest_heap *heap, const guest_names *names, beamr_error *err)
{
    static const char mover[] = "__wbindgen_add_to_stack_pointer";
    beamr_export export;
    beamr_status st;

    heap->width = BEAMR_I32;
    heap->take_params = beamr_func_type(heap->take).param_count;
    if (!takes_i32(heap->take, 1, 1) && !takes_i32(heap->take, 2, 1))
        return fail_type(names->take, "neither [i32] -> [i32] nor [i32 i32] -> [i32]", err);
    if (names->give.data) {
        if ((st = find_func(heap->instance, names->give, &heap->give, err)) != BEAMR_OK)
            return st;
        heap->give_params = beamr_func_type(heap->give).param_count;
        if (!takes_i32(heap->give, 2, 0) && !takes_i32(heap->give, 3, 0))
            return fail_type(names->give, "neither [i32 i32] -> [] nor [i32 i32 i32] -> []",
                             err);
    }
    if (!beamr_module_find_export(beamr_instance_module(heap->instance), beamr_bytes_of(mover),
                                  &export) ||
        export.type.kind != BEAMR_EXTERN_FUNC)
        return BEAMR_OK;
    if ((st = find_func(heap->instance, export.name, &heap->stack, err)) != BEAMR_OK)
        return st;
    if (!takes_i32(heap->stack, 1, 1))
        return fail_type(beamr_bytes_of(mover), "not [i32] -> [i32]", err);
    return BEAMR_OK;
}

/* What its classes are called has changed: an ArrayBuffer and a String were the classes 0 and
 * 1, then an Object came before them. The table at __rtti_base begins with the number of
 * classes. Each then had its flags, the same for these three, and the number of its base class,
 * 0; now there are only the flags. */
static void find_classes(guest_heap *heap)
{
    beamr_extern item;
    beamr_value base;
    uint8_t words[16];
    bool is_old;

    heap->bytes_class = 1;
    heap->text_class = 2;
    if (!beamr_instance_find(heap->instance, beamr_bytes_of("__rtti_base"), &item) ||
        item.kind != BEAMR_EXTERN_GLOBAL)
        return;
    base = beamr_global_get(item.of.global);
    if (base.kind != BEAMR_I32 || beamr_memory_read(heap->memory, (uint32_t)base.of.i32, words,
                                                    sizeof words, NULL) != BEAMR_OK)
        return;
    is_old = memcmp(words + 4, words + 12, 4) == 0 && memcmp(words + 8, "\0\0\0\0", 4) == 0 &&
             memcmp(words + 4, "\0\0\0\0", 4) != 0;
    heap->bytes_class -= is_old;
    heap->text_class -= is_old;
}

static beamr_status open_script(guest_heap *heap, const guest_names *names, beamr_error *err)
{
    static const char pin[] = "__pin";
    beamr_status st;

    if ((st = find_func(heap->instance, names->give, &heap->give, err)) != BEAMR_OK ||
        (st = find_func(heap->instance, beamr_bytes_of(pin), &heap->pin, err)) != BEAMR_OK)
        return st;
    heap->width = BEAMR_I32;
    if (!takes_i32(heap->take, 2, 1))
        return fail_type(names->take, "not [i32 i32] -> [i32]", err);
    if (!takes_i32(heap->pin, 1, 1))
        return fail_type(beamr_bytes_of(pin), "not [i32] -> [i32]", err);
    if (!takes_i32(heap->give, 1, 0))
        return fail_type(names->give, "not [i32] -> []", err);
    find_classes(heap);
    return BEAMR_OK;
}

/* ---- Opening ---- */

static beamr_status fail_without(const guest_arg *at, const char *what, const char *remedy,
                                 beamr_error *err)
{
    if (!at)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the result is to be read, and the guest %s",
                          what);
    return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0, " is %s, and the guest %s%s",
                          guest_copied_text(at->arg->kind), what, remedy);
}

static beamr_status open_functions(guest_heap *heap, const guest_names *names,
                                   const guest_arg *at, beamr_error *err)
{
    beamr_status st;

    heap->width = BEAMR_I32;
    if (names->convention == BEAMR_CONVENTION_NONE)
        return at ? fail_without(at, "exports neither malloc nor cabi_realloc",
                                 ", nor what wasm-bindgen or AssemblyScript do, to make room "
                                 "for it",
                                 err)
                  : BEAMR_OK;
    if (!at && (names->convention == BEAMR_CONVENTION_C ||
                names->convention == BEAMR_CONVENTION_CANONICAL))
        return BEAMR_OK; /* nothing is taken for a result */
    if ((st = find_func(heap->instance, names->take, &heap->take, err)) != BEAMR_OK)
        return st;
    switch (names->convention) {
    case BEAMR_CONVENTION_C:
        return open_c(heap, names, err);
    case BEAMR_CONVENTION_CANONICAL:
        return open_canonical(heap, err);
    case BEAMR_CONVENTION_BINDGEN:
        return open_bindgen(heap, names, err);
    default:
        return open_script(heap, names, err);
    }
}

beamr_status guest_heap_open(guest_heap *heap, beamr_instance *instance,
                             const guest_names *names, const guest_arg *at, beamr_error *err)
{
    guest_heap opened = {.convention = names->convention, .instance = instance};
    beamr_status st;

    if (heap->instance)
        return BEAMR_OK;
    opened.memory = beamr_instance_find_memory(instance, "memory");
    if (!opened.memory)
        opened.memory = beamr_instance_memory(instance, 0);
    if (!opened.memory)
        return fail_without(at, "has no memory", "", err);
    if ((st = open_functions(&opened, names, at, err)) == BEAMR_OK)
        *heap = opened;
    return st;
}

/* ---- Taking and giving back ---- */

/* Whether `size` bytes at `addr` are memory.  A size of 0 may lie anywhere up to the end. */
static bool is_memory(const guest_heap *heap, uint64_t addr, uint64_t size)
{
    uint64_t end = beamr_memory_size(heap->memory);

    return addr <= end && size <= end - addr;
}

/* Call the allocator. */
static beamr_status call_take(const guest_heap *heap, uint64_t size, bool is_text,
                              uint64_t *addr, beamr_error *err)
{
    beamr_value number = guest_address_value(heap->width, size), result;
    beamr_value zero = guest_address_value(heap->width, 0);
    beamr_value one = guest_address_value(heap->width, 1);
    beamr_value args[4] = {number, one, zero, zero};
    size_t count = 1;
    beamr_status st;

    switch (heap->convention) {
    case BEAMR_CONVENTION_CANONICAL: /* old address, old size, alignment, size */
        args[0] = args[1] = zero;
        args[2] = one;
        args[3] = number;
        count = 4;
        break;
    case BEAMR_CONVENTION_BINDGEN: /* size, alignment */
        count = heap->take_params;
        break;
    case BEAMR_CONVENTION_ASSEMBLYSCRIPT: /* size, class */
        args[1] = beamr_i32((int32_t)(is_text ? heap->text_class : heap->bytes_class));
        count = 2;
        break;
    default:
        break;
    }
    st = beamr_func_call(heap->take, args, count, &result, 1, err);
    if (st == BEAMR_OK)
        *addr = guest_address_of(&result);
    return st;
}

beamr_status guest_heap_take(const guest_heap *heap, uint64_t size, bool is_text,
                             const guest_arg *at, guest_block *block, beamr_error *err)
{
    beamr_value pinned;
    uint64_t addr = 0;
    beamr_status st;

    if (heap->width == BEAMR_I32 && size > UINT32_MAX)
        return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0,
                              ": %" PRIu64 " bytes in a memory of 32 bits", size);
    if ((st = call_take(heap, size, is_text, &addr, err)) != BEAMR_OK)
        return st;
    if (addr == 0)
        return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0,
                              ": the guest's allocator has no room for %" PRIu64 " bytes",
                              size);
    if (!is_memory(heap, addr, size))
        return guest_arg_fail(err, BEAMR_ARGUMENT, at, 0,
                              ": the guest's allocator gave address 0x%" PRIx64 " for %" PRIu64
                              " bytes, in a memory of %" PRIu64,
                              addr, size, beamr_memory_size(heap->memory));
    if (heap->pin) {
        beamr_value object = beamr_i32((int32_t)(uint32_t)addr);

        if ((st = beamr_func_call(heap->pin, &object, 1, &pinned, 1, err)) != BEAMR_OK)
            return st;
    }
    *block = (guest_block){addr, size};
    return BEAMR_OK;
}

beamr_status guest_heap_give(const guest_heap *heap, const guest_block *block, beamr_error *err)
{
    beamr_value args[4] = {guest_address_value(heap->width, block->addr),
                           guest_address_value(heap->width, block->size),
                           guest_address_value(heap->width, 1),
                           guest_address_value(heap->width, 0)};
    bool is_realloc = heap->convention == BEAMR_CONVENTION_CANONICAL;
    size_t count = is_realloc                                     ? 4
                   : heap->convention == BEAMR_CONVENTION_BINDGEN ? heap->give_params
                                                                  : 1;
    beamr_value result;

    if (!heap->give)
        return BEAMR_OK;
    return beamr_func_call(heap->give, args, count, &result, is_realloc ? 1 : 0, err);
}

beamr_status guest_heap_move_stack(const guest_heap *heap, int32_t delta, uint64_t *addr,
                                   beamr_error *err)
{
    beamr_value arg = beamr_i32(delta), result;
    beamr_status st = beamr_func_call(heap->stack, &arg, 1, &result, 1, err);

    if (st == BEAMR_OK)
        *addr = guest_address_of(&result);
    return st;
}
