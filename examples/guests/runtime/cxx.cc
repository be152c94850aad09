/* Exceptions of C++ for guests whose C++ library was built without them: what clang calls to
 * throw, to choose a handler, and to enter and leave one. Types are compared by the virtual
 * functions of their type_info (of libc++abi, or of types.cc).
 * Two ways to unwind: by an exception with the tag __cpp_exception (tags.S), or, with
 * GUEST_INVOKE, by Emscripten's imports, which then choose handlers too, and of which this file
 * is the guest's half.
 * Not there: exceptions of other languages; one exception under way twice at the same time, as
 * std::rethrow_exception can have it; threads.
 * Source: "Itanium C++ ABI: Exception Handling" for the functions' meaning. */
#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))

extern "C" {
void *malloc(size_t size);
void free(void *at);
}

namespace
{

using destructor = void *(*)(void *object);

/* In front of each thrown object. The layout is the one that Emscripten's imports write; what
 * they do not know stands behind. */
struct header {
    size_t references;
    const void *type;
    destructor destroy;
    uint8_t is_caught; /* for the imports */
    uint8_t is_rethrown;
    void *adjusted; /* the object as the handler's type sees it */
    header *next;   /* below it on the stack of caught ones */
#ifndef GUEST_INVOKE
    alignas(8) size_t handlers; /* that have been entered and not left */
#endif
};

header *header_of(void *object)
{
    return static_cast<header *>(object) - 1;
}

/* Whether a handler for `catching` takes a `thrown`; *adjusted is then what it gets. The test
 * is the fifth virtual function of a type_info. */
bool can_catch(const void *catching, const void *thrown, void **adjusted)
{
    using test = bool (*)(const void *catching, const void *thrown, void **adjusted);
    void *object = *adjusted;

    if (!(*static_cast<test *const *>(catching))[4](catching, thrown, &object))
        return false;
    *adjusted = object;
    return true;
}

void release(header *h)
{
    if (--h->references)
        return;
    if (h->destroy)
        h->destroy(h + 1);
    free(h);
}

} // namespace

extern "C" {

void *__cxa_allocate_exception(size_t size)
{
    header *h = static_cast<header *>(malloc(sizeof(header) + size));

    if (!h)
        __builtin_trap();
    *h = header();
    return h + 1;
}

void __cxa_free_exception(void *object)
{
    free(header_of(object));
}

EXPORT(__cxa_increment_exception_refcount) void __cxa_increment_exception_refcount(void *object)
{
    if (object)
        header_of(object)->references++;
}

EXPORT(__cxa_decrement_exception_refcount) void __cxa_decrement_exception_refcount(void *object)
{
    if (object)
        release(header_of(object));
}

#ifdef GUEST_INVOKE

EXPORT(__cxa_can_catch)
int __cxa_can_catch(const void *catching, const void *thrown, void **adjusted)
{
    return can_catch(catching, thrown, adjusted);
}

extern const void *const type_of_void_pointer __asm__("_ZTIPv");

/* What a handler gets. The imports don't ask can_catch when the types are the same; a pointer
 * is then still to be read. */
EXPORT(__cxa_get_exception_ptr) void *__cxa_get_exception_ptr(void *object)
{
    header *h = header_of(object);

    if (h->adjusted && h->adjusted != object)
        return h->adjusted;
    if (*static_cast<const void *const *>(h->type) == type_of_void_pointer)
        return *static_cast<void **>(object);
    return object;
}

unsigned imported_count()
    __attribute__((import_module("env"), import_name("__cxa_uncaught_exceptions")));

unsigned __cxa_uncaught_exceptions()
{
    return imported_count();
}

/* There is no std::exception_ptr here. */
void *__cxa_current_primary_exception()
{
    return nullptr;
}

void __cxa_rethrow_primary_exception(void *object)
{
    if (object)
        __builtin_trap();
}

#else

/* What clang and this file share at a landing pad. */
struct {
    uintptr_t pad;       /* which one of the function */
    const uint8_t *lsda; /* the function's table */
    uintptr_t selector;  /* which of its handlers; 0: none */
} __wasm_lpad_context;

static header *caught; /* the stack of exceptions whose handlers run; the innermost first */
static unsigned uncaught;

static uintptr_t read_unsigned(const uint8_t **at)
{
    uintptr_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;

        value |= static_cast<uintptr_t>(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
}

static intptr_t read_signed(const uint8_t **at)
{
    uintptr_t value = 0;
    unsigned shift = 0;
    uint8_t byte;

    do {
        byte = *(*at)++;
        value |= static_cast<uintptr_t>(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (byte & 0x40 && shift < 8 * sizeof value)
        value |= ~static_cast<uintptr_t>(0) << shift;
    return static_cast<intptr_t>(value);
}

/* Whether a list of types that a function promised to throw leaves the thrown one out. */
static bool is_forbidden(const uint8_t *list, const uint8_t *types, header *h)
{
    for (uintptr_t index; (index = read_unsigned(&list));) {
        void *adjusted = h + 1;

        if (can_catch(
                reinterpret_cast<const void *const *>(types)[-static_cast<intptr_t>(index)],
                h->type, &adjusted))
            return false;
    }
    return true;
}

/* Follow a chain of actions to the first that takes the exception. */
static intptr_t choose(const uint8_t *action, const uint8_t *types, header *h)
{
    for (;;) {
        intptr_t filter = read_signed(&action);
        const uint8_t *from = action;
        intptr_t step = read_signed(&action);

        if (filter > 0) {
            const void *type = reinterpret_cast<const void *const *>(types)[-filter];

            h->adjusted = h + 1;
            if (!type || can_catch(type, h->type, &h->adjusted))
                return filter;
        } else if (filter < 0 && is_forbidden(types + (-filter - 1), types, h)) {
            return filter;
        }
        if (!step)
            return 0;
        action = from + step;
    }
}

/* Called at each landing pad with handlers: sets the selector. The table: encodings and the
 * distance to the types, then for each pad where it is and its first action, then actions. */
int _Unwind_CallPersonality(void *object)
{
    const uint8_t *at = __wasm_lpad_context.lsda, *types = nullptr;
    uintptr_t action = 0, length;

    at++; /* no base of landing pads */
    if (*at++ != 0xff) {
        length = read_unsigned(&at);
        types = at + length;
    }
    at++; /* how sites are encoded: as below */
    length = read_unsigned(&at);
    const uint8_t *actions = at + length;

    for (uintptr_t i = 0; i <= __wasm_lpad_context.pad; i++) {
        read_unsigned(&at);
        action = read_unsigned(&at);
    }
    __wasm_lpad_context.selector =
        action ? static_cast<uintptr_t>(choose(actions + action - 1, types, header_of(object)))
               : 0;
    return 0;
}

[[noreturn]] void __cxa_throw(void *object, const void *type, destructor destroy)
{
    header *h = header_of(object);

    h->type = type;
    h->destroy = destroy;
    h->references = 1;
    uncaught++;
    __builtin_wasm_throw(0, object); /* 0: __cpp_exception */
}

void *__cxa_get_exception_ptr(void *object)
{
    return header_of(object)->adjusted;
}

void *__cxa_begin_catch(void *object)
{
    header *h = header_of(object);

    uncaught--;
    h->is_rethrown = 0;
    if (h->handlers++ == 0) { /* else it is caught again within its own handler */
        h->next = caught;
        caught = h;
    }
    return h->adjusted;
}

void __cxa_end_catch()
{
    header *h = caught;

    if (--h->handlers)
        return;
    caught = h->next;
    if (!h->is_rethrown)
        release(h);
}

[[noreturn]] void __cxa_rethrow()
{
    if (!caught)
        __builtin_trap();
    caught->is_rethrown = 1;
    uncaught++;
    __builtin_wasm_throw(0, caught + 1);
}

unsigned __cxa_uncaught_exceptions()
{
    return uncaught;
}

/* For std::exception_ptr: the exception whose handler runs, with one more reference. */
void *__cxa_current_primary_exception()
{
    if (!caught)
        return nullptr;
    caught->references++;
    return caught + 1;
}

void __cxa_rethrow_primary_exception(void *object)
{
    if (!object)
        return;
    header_of(object)->references++;
    uncaught++;
    __builtin_wasm_throw(0, object);
}

#endif
} // extern "C"
