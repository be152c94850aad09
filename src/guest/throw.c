/* What Emscripten's imports throw, for `invoke_*` to catch: longjmp, and C++ exceptions on
 * their way. All of it is one tag; its argument is the address of the C++ object, or 0 for a
 * longjmp. And saying what it was when nobody caught it. */
#include <stdio.h>

#include "guest/emscripten.h"

beamr_status emscripten_throw(const beamr_emscripten *e, uint64_t object, beamr_error *err)
{
    beamr_value argument = beamr_i64((int64_t)object);

    return beamr_throw(e->store, e->tag, &argument, 1, err);
}

/* ---- Functions ---- */

static beamr_status throw_longjmp(const guest_call *call, const beamr_value *args,
                                  beamr_value *results, beamr_error *err)
{
    (void)args;
    (void)results;
    return emscripten_throw(call->door, 0, err);
}

/* The same as one import, in older modules: it notes the target first. */
static beamr_status longjmp_to(const guest_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    const beamr_emscripten *e = call->door;
    beamr_value what[2] = {args[0], args[1]};

    (void)results;
    what[1].of.i32 = what[1].of.i32 ? what[1].of.i32 : 1;
    if (e->exports.set_threw)
        BEAMR_TRY(beamr_func_call(e->exports.set_threw, what, 2, NULL, 0, err));
    return emscripten_throw(e, 0, err);
}

/* What is thrown is a pointer of the guest's own making. */
static beamr_status throw_pointer(const guest_call *call, const beamr_value *args,
                                  beamr_value *results, beamr_error *err)
{
    (void)results;
    return emscripten_throw(call->door, guest_pointer(&args[0]), err);
}

const guest_import guest_throw_rows[] = {
    {"_Unwind_RaiseException", "P:i", throw_pointer},
    {"_Unwind_Resume", "P:", throw_pointer},
    {"_emscripten_throw_longjmp", ":", throw_longjmp},
    {"_longjmp", "Pi:", longjmp_to},
    {"emscripten_longjmp", "Pi:", longjmp_to},
    {"emscripten_longjmp_jmpbuf", "Pi:", longjmp_to},
    {"longjmp", "Pi:", longjmp_to},
};
const size_t guest_throw_row_count = sizeof guest_throw_rows / sizeof guest_throw_rows[0];

/* ---- Descriptions ---- */

enum { TYPE_NAME_MAX = 128 };

static bool get_word(const beamr_emscripten *e, uint64_t addr, uint64_t *out)
{
    const beamr_memory *memory = beamr_instance_memory(e->instance, 0);

    *out = 0;
    return memory && beamr_memory_read(memory, addr, out, e->is64 ? 8 : 4, NULL) == BEAMR_OK;
}

/* The name in the type of a C++ object, as the compiler writes it; false when it cannot be read
 * or does not look like one. */
static bool get_type_name(const beamr_emscripten *e, uint64_t object, char *name, size_t size)
{
    const beamr_memory *memory;
    uint64_t type, at;

    if (!e->instance || !(memory = beamr_instance_memory(e->instance, 0)) ||
        !get_word(e, object + emscripten_header_type(e), &type) || type == 0 ||
        !get_word(e, type + (e->is64 ? 8 : 4), &at))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (beamr_memory_read(memory, at + i, &name[i], 1, NULL) != BEAMR_OK)
            return false;
        if (name[i] == '\0')
            return i > 0;
        if (name[i] <= ' ' || name[i] > '~')
            return false;
    }
    return false;
}

/* One part of a mangled name - digits, and as many characters.  Returns what follows, or NULL.
 */
static const char *demangle_part(const char *in, char *out, size_t size, size_t *len)
{
    size_t count = 0;
    int written;

    while (*in >= '0' && *in <= '9' && count < TYPE_NAME_MAX)
        count = count * 10 + (size_t)(*in++ - '0');
    if (count == 0 || count > strlen(in))
        return NULL;
    written = snprintf(out + *len, size - *len, "%s%.*s", *len ? "::" : "", (int)count, in);
    if (written < 0 || (size_t)written >= size - *len)
        return NULL;
    *len += (size_t)written;
    return in + count;
}

/* Names without templates, which most exceptions have; false leaves the mangled one. */
static bool demangle(const char *in, char *out, size_t size)
{
    static const struct {
        const char *mangled, *name;
    } simple[] = {{"i", "int"},   {"j", "unsigned int"},  {"c", "char"},      {"b", "bool"},
                  {"l", "long"},  {"m", "unsigned long"}, {"x", "long long"}, {"d", "double"},
                  {"f", "float"}, {"PKc", "char const*"}, {"Pc", "char*"},    {"Pv", "void*"}};
    bool is_nested = *in == 'N';
    size_t len = 0;

    for (size_t i = 0; i < sizeof simple / sizeof simple[0]; i++)
        if (strcmp(in, simple[i].mangled) == 0) {
            (void)snprintf(out, size, "%s", simple[i].name);
            return true;
        }
    in += is_nested;
    if (strncmp(in, "St", 2) == 0) {
        in += 2;
        len = (size_t)snprintf(out, size, "std");
    }
    do {
        if (!(in = demangle_part(in, out, size, &len)))
            return false;
    } while (is_nested && *in != 'E');
    return in[is_nested] == '\0';
}

static const beamr_emscripten *find_door(beamr_wasi *wasi, const beamr_tag *tag)
{
    const beamr_emscripten *e = guest_wasi_cxx(wasi)->doors;

    while (e && e->tag != tag)
        e = e->next;
    return e;
}

bool beamr_emscripten_describe(beamr_wasi *wasi, const beamr_exception *exception, char *text,
                               size_t size)
{
    const beamr_emscripten *e = find_door(wasi, beamr_exception_tag(exception));
    char mangled[TYPE_NAME_MAX], name[2 * TYPE_NAME_MAX];
    uint64_t object;

    if (!e)
        return false;
    object = (uint64_t)beamr_exception_arg(exception, 0).of.i64;
    if (object == 0)
        (void)snprintf(text, size, "longjmp without target");
    else if (!get_type_name(e, object, mangled, sizeof mangled))
        (void)snprintf(text, size, "uncaught C++ exception");
    else
        (void)snprintf(text, size, "uncaught C++ exception of type %s",
                       demangle(mangled, name, sizeof name) ? name : mangled);
    return true;
}
