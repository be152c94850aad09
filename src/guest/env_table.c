/* The table of env's functions, and how a module's version of Emscripten is found out. */
#include "guest/env_calls.h"

const guest_import guest_env_rows[] = {
#define ENV(name, type, function) {name, type, function},
#include "guest/env.def"
#undef ENV
};

const size_t guest_env_row_count = sizeof guest_env_rows / sizeof guest_env_rows[0];

/* Functions that only old libraries import: later ones have other names or are in C. */
static const char *const old_only[] = {
    "__syscall_fadvise64_64", "__syscall_fstatat64",
    "__syscall_mkdir",        "__syscall_open",
    "__syscall_rename",       "__syscall_unlink",
    "clock_gettime",          "emscripten_get_now_is_monotonic",
    "gettimeofday",           "time",
};

static bool is_name(const beamr_import *import, const char *name)
{
    return import->name.len == strlen(name) &&
           memcmp(import->name.data, name, import->name.len) == 0;
}

static bool is_old(const beamr_import *import)
{
    static const char prefix[] = "__sys_"; /* of system calls before 2.0.32 */

    if (import->name.len > sizeof prefix - 1 &&
        memcmp(import->name.data, prefix, sizeof prefix - 1) == 0)
        return true;
    for (size_t i = 0; i < sizeof old_only / sizeof old_only[0]; i++)
        if (is_name(import, old_only[i]))
            return true;
    return false;
}

/* Times are passed by address until 3.1.42, and as an i64 or its halves since. */
static bool takes_time_by_address(const beamr_import *import)
{
    return (is_name(import, "_gmtime_js") || is_name(import, "_localtime_js")) &&
           (guest_type_fits(&import->type.func, "ii:", false) ||
            guest_type_fits(&import->type.func, "ii:i", false));
}

unsigned guest_env_dialect(const beamr_module *module)
{
    bool by_address = false, by_value = false, big_copy = false;

    for (size_t i = 0; i < beamr_module_import_count(module); i++) {
        beamr_import import = beamr_module_import(module, i);

        if (import.type.kind != BEAMR_EXTERN_FUNC || import.module.len != 3 ||
            memcmp(import.module.data, "env", 3) != 0)
            continue;
        if (is_old(&import))
            return GUEST_ENV_OLD;
        if (is_name(&import, "_gmtime_js") || is_name(&import, "_localtime_js"))
            *(takes_time_by_address(&import) ? &by_address : &by_value) = true;
        big_copy |= is_name(&import, "emscripten_memcpy_big");
    }
    if (by_address || (big_copy && !by_value))
        return GUEST_ENV_MIDDLE;
    return GUEST_ENV_CURRENT;
}
