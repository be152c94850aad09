/* Runs a fuzz target on files, without libFuzzer: for any compiler, and under a debugger.
 * Arguments are files, or folders whose files are taken (not those below them).
 * Linked with one <entry>_fuzz.c. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static size_t run_count;

/* Read a whole file.  Returns its bytes, to be freed; NULL with errno set. */
static uint8_t *file_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *data = NULL;
    size_t room = 0, n = 0;

    if (!file)
        return NULL;
    while (!feof(file) && !ferror(file)) {
        if (n == room) {
            uint8_t *more = realloc(data, room = 2 * room + 4096);

            if (!more)
                break;
            data = more;
        }
        n += fread(data + n, 1, room - n, file);
    }
    if (!feof(file)) {
        free(data);
        data = NULL;
    }
    (void)fclose(file);
    *size = n;
    return data;
}

static bool file_run(const char *path)
{
    size_t size = 0;
    uint8_t *data = file_read(path, &size);

    if (!data) {
        (void)fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
        return false;
    }
    (void)LLVMFuzzerTestOneInput(data, size);
    run_count++;
    free(data);
    return true;
}

static bool folder_run(const char *path, DIR *folder)
{
    struct dirent *entry;
    bool is_ok = true;

    while ((entry = readdir(folder))) {
        char file[4096];
        int len = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);

        if (entry->d_name[0] == '.')
            continue;
        is_ok &= len < (int)sizeof file && file_run(file);
    }
    return is_ok;
}

int main(int argc, char **argv)
{
    bool is_ok = true;

    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);

        is_ok &= folder ? folder_run(argv[i], folder) : file_run(argv[i]);
        if (folder)
            (void)closedir(folder);
    }
    (void)printf("%zu inputs replayed\n", run_count);
    return is_ok && run_count ? 0 : 1;
}
