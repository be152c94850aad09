/* Where the compiler's program is: native.h. */
#define _GNU_SOURCE /* dladdr, secure_getenv */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "native/native.h"

_Static_assert(NATIVE_PATH_SIZE >= PATH_MAX, "a path that the system can take");

/* Make a path of the folder that `file` is in and a path from there.
 * Returns false if there is no program. */
static bool is_there(const char *file, const char *from_there, char *path)
{
    const char *slash = strrchr(file, '/');
    size_t folder = slash ? (size_t)(slash - file) + 1 : 0;
    int length = snprintf(path, NATIVE_PATH_SIZE, "%.*s%s", (int)folder, file, from_there);

    return length > 0 && length < NATIVE_PATH_SIZE && access(path, X_OK) == 0;
}

static bool find_beside_program(char *path)
{
    char self[NATIVE_PATH_SIZE];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length <= 0)
        return false;
    self[length] = '\0';
    return is_there(self, "beamr-compile", path);
}

static bool find_by_library(char *path)
{
    static const char *const places[] = {"beamr-compile", "../libexec/beamr-compile",
                                         "../bin/beamr-compile", "../../bin/beamr-compile"};
    static const char within; /* this library */
    Dl_info info;

    /* Linked into a program, the library has the name that the program was called by, which may
     * lead anywhere from the current folder; where the program is, has been looked at. */
    if (!dladdr(&within, &info) || !info.dli_fname || info.dli_fname[0] != '/')
        return false;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (is_there(info.dli_fname, places[i], path))
            return true;
    return false;
}

beamr_status native_process_find(const char *wanted, char *path, beamr_error *err)
{
    if (!wanted)
        wanted = secure_getenv("BEAMR_COMPILE");
    if (wanted && *wanted) {
        if (strlen(wanted) >= NATIVE_PATH_SIZE)
            return beamr_fail(err, BEAMR_UNSUPPORTED, 0, "the compiler's path has %zu bytes",
                              strlen(wanted));
        memcpy(path, wanted, strlen(wanted) + 1);
        return BEAMR_OK;
    }
    if (find_beside_program(path) || find_by_library(path))
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_UNSUPPORTED, 0,
                      "no compiler: beamr-compile is neither beside this program nor installed "
                      "with its library, and BEAMR_COMPILE does not name it");
}
