/* Which convention a module follows, by what it exports.
 * A name says what a function is for; whether its type fits is looked at when it is used
 * (value_heap.c), so that a wrong one is told rather than passed over. Only the functions that
 * wasm-bindgen has given a number instead of a name are told apart by their types.
 * Source: the C names `malloc` and `free`; Component Model, "Canonical ABI" for `cabi_realloc`;
 * wasm-bindgen's intrinsics; AssemblyScript, "Runtime". */
#include "guest/value.h"

const char *beamr_convention_text(beamr_convention convention)
{
    static const char *const texts[] = {
        [BEAMR_CONVENTION_NONE] = "none",
        [BEAMR_CONVENTION_C] = "C",
        [BEAMR_CONVENTION_CANONICAL] = "canonical ABI",
        [BEAMR_CONVENTION_BINDGEN] = "wasm-bindgen",
        [BEAMR_CONVENTION_ASSEMBLYSCRIPT] = "AssemblyScript",
    };

    return (size_t)convention < sizeof texts / sizeof texts[0] ? texts[convention] : "unknown";
}

/* The module exports a function of this name.  out  its name, which lives as long as the module
 */
static bool exports_func(const beamr_module *module, const char *name, beamr_bytes *out)
{
    beamr_export export;

    if (!beamr_module_find_export(module, beamr_bytes_of(name), &export) ||
        export.type.kind != BEAMR_EXTERN_FUNC)
        return false;
    *out = export.name;
    return true;
}

/* `params` parameters and `results` results, all i32. */
static bool is_plain(const beamr_functype *type, size_t params, size_t results)
{
    if (type->param_count != params || type->result_count != results)
        return false;
    for (size_t i = 0; i < params; i++)
        if (beamr_valtype_kind(type->params[i]) != BEAMR_I32)
            return false;
    for (size_t i = 0; i < results; i++)
        if (beamr_valtype_kind(type->results[i]) != BEAMR_I32)
            return false;
    return true;
}

/* __wbindgen_export, perhaps an underscore, perhaps digits. */
static bool is_numbered(beamr_bytes name)
{
    static const char prefix[] = "__wbindgen_export";
    size_t i = sizeof prefix - 1;

    if (name.len < i || memcmp(name.data, prefix, i) != 0)
        return false;
    i += i < name.len && name.data[i] == '_';
    while (i < name.len && name.data[i] >= '0' && name.data[i] <= '9')
        i++;
    return i == name.len;
}

/* Keep the first of its type; the second makes both worthless. */
static void keep_only(beamr_bytes *kept, size_t *seen, beamr_bytes name)
{
    *kept = (*seen)++ == 0 ? name : (beamr_bytes){NULL, 0};
}

/* The functions by their types: taking is [size, align] -> [address], giving back
 * [address, size, align] -> []. Closures are exported under such names too. */
static bool find_numbered(const beamr_module *module, guest_names *names)
{
    size_t takes = 0, gives = 0;
    beamr_bytes first;

    if (!exports_func(module, "__wbindgen_export", &first) &&
        !exports_func(module, "__wbindgen_export_0", &first))
        return false; /* counting begins with one of them */
    for (size_t i = 0; i < beamr_module_export_count(module); i++) {
        beamr_export e = beamr_module_export(module, i);

        if (e.type.kind != BEAMR_EXTERN_FUNC || !is_numbered(e.name))
            continue;
        if (is_plain(&e.type.func, 2, 1))
            keep_only(&names->take, &takes, e.name);
        else if (is_plain(&e.type.func, 3, 0))
            keep_only(&names->give, &gives, e.name);
    }
    if (names->take.data)
        return true;
    names->give = (beamr_bytes){NULL, 0};
    return false;
}

guest_names guest_names_find(const beamr_module *module)
{
    guest_names names = {.convention = BEAMR_CONVENTION_NONE};
    beamr_bytes pin;

    if (exports_func(module, "__new", &names.take) && exports_func(module, "__pin", &pin) &&
        exports_func(module, "__unpin", &names.give)) {
        names.convention = BEAMR_CONVENTION_ASSEMBLYSCRIPT;
        return names;
    }
    names.take = names.give = (beamr_bytes){NULL, 0};
    if (exports_func(module, "__wbindgen_malloc", &names.take)) {
        (void)exports_func(module, "__wbindgen_free", &names.give);
        names.convention = BEAMR_CONVENTION_BINDGEN;
    } else if (find_numbered(module, &names)) {
        names.convention = BEAMR_CONVENTION_BINDGEN;
    } else if (exports_func(module, "malloc", &names.take)) {
        (void)exports_func(module, "free", &names.give);
        names.convention = BEAMR_CONVENTION_C;
    } else if (exports_func(module, "cabi_realloc", &names.take)) {
        names.give = names.take;
        names.convention = BEAMR_CONVENTION_CANONICAL;
    }
    return names;
}

beamr_convention beamr_module_convention(const beamr_module *module)
{
    return guest_names_find(module).convention;
}
