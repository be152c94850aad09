/* `beamr wallet`: make the key that messages are signed with, and show its address.
 * The file appears whole or not at all, readable by its owner alone, and never in place of
 * another: it is written under a name of its own beside it, and then given the name that was
 * asked for, which fails if that is taken. Keys are beamr/ao/wallet.h's. */
#define _GNU_SOURCE /* renameat2, asprintf, mkostemp */

#include "beamr/ao/wallet.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static const char help_text[] =
    "Make the wallet that messages are signed with, or show the address of one.\n"
    "\n"
    "Usage: beamr wallet new FILE\n"
    "       beamr wallet address FILE\n"
    "\n"
    "`new` makes an RSA key of 4096 bits, which takes some seconds, writes it to FILE as a "
    "JWK\n"
    "that only you can read, and prints its address. A FILE that exists is left alone.\n"
    "`address` prints the address of the wallet in FILE; - is standard input.\n"
    "\n"
    "Whoever has the file can sign in your name; nothing brings it back when it is lost.\n"
    "\n"
    "Options:\n"
    "  -h, --help              show this\n"
    "\n"
    "Exit codes: 0 done; 2 wrong usage, no wallet in FILE, or FILE cannot be written.\n"
    "\n"
    "Example:\n"
    "  beamr wallet new wallet.json\n";

enum { WALLET_FILE_MAX = 1 << 20 };

static beamr_status fail_io(const char *path, beamr_error *err)
{
    return beamr_fail(err, BEAMR_IO, 0, "%s: %s", path, strerror(errno));
}

/* Overwrite and free. */
static void forget(void *memory, size_t len)
{
    if (memory)
        explicit_bzero(memory, len);
    free(memory);
}

/* ---- Writing ---- */

/* The folder of a path, for free(); NULL when memory is gone. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* Make what was done in a folder survive a crash. Folders that can't be synced are left alone:
 * some file systems have none. */
static void folder_sync(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    (void)fsync(fd);
    (void)close(fd);
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t done = write(fd, text, len);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        text += done;
        len -= (size_t)done;
    }
    return fsync(fd) == 0;
}

/* Give a file another name unless that is taken. */
static bool name_file(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS) /* the file system does not know the flag */
        return false;
    if (link(from, to) != 0)
        return false;
    (void)unlink(from);
    return true;
}

/* Write a text to a file that does not exist yet.
 *   folder  of `path`
 *   errno   says what failed */
static bool file_create(const char *path, const char *folder, const char *text, size_t len)
{
    char *temporary = NULL;
    bool is_done;
    int fd, why;

    if (asprintf(&temporary, "%s/.beamr-wallet-XXXXXX", folder) < 0)
        return false;
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        free(temporary);
        return false;
    }
    is_done = fchmod(fd, 0600) == 0 && write_all(fd, text, len);
    is_done = close(fd) == 0 && is_done;
    is_done = is_done && name_file(temporary, path);
    why = errno;
    if (is_done)
        folder_sync(folder);
    else
        (void)unlink(temporary);
    free(temporary);
    errno = why;
    return is_done;
}

static beamr_status wallet_write(const ao_wallet *wallet, const char *path, beamr_error *err)
{
    char *folder = folder_of(path);
    char *text = NULL;
    size_t len = 0;
    beamr_status st;

    if (!folder) {
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory");
        goto out;
    }
    if ((st = ao_wallet_write(wallet, &text, &len, err)) != BEAMR_OK)
        goto out;
    text[len] = '\n'; /* in place of the NUL */
    if (!file_create(path, folder, text, len + 1))
        st = fail_io(path, err);
out:
    forget(text, len);
    free(folder);
    return st;
}

/* ---- The commands ---- */

static int wallet_new(const char *command, const char *path)
{
    ao_wallet *wallet = NULL;
    beamr_error err = {0};
    struct stat there;
    int code = CLI_OK;

    if (strcmp(path, "-") == 0)
        return cli_usage(command, "a new wallet is written to a file, not to standard output");
    if (lstat(path, &there) == 0) { /* said before the key is made, which takes time */
        errno = EEXIST;
        (void)fail_io(path, &err);
        return cli_error(command, NULL, &err);
    }
    if (ao_wallet_new(&wallet, &err) != BEAMR_OK ||
        wallet_write(wallet, path, &err) != BEAMR_OK)
        code = cli_error(command, NULL, &err);
    else
        (void)puts(ao_wallet_address(wallet));
    ao_wallet_unref(wallet);
    return code;
}

static int wallet_address(const char *command, const char *path)
{
    ao_wallet *wallet = NULL;
    cli_file file = {0};
    beamr_error err = {0};
    beamr_status st = cli_file_read(path, WALLET_FILE_MAX, &file, &err);
    int code = CLI_OK;

    if (st == BEAMR_OK)
        st = ao_wallet_read(cli_file_bytes(&file), &wallet, &err);
    if (st == BEAMR_OK)
        (void)puts(ao_wallet_address(wallet));
    else
        code = cli_error(command, st == BEAMR_IO ? NULL : path, &err);
    ao_wallet_unref(wallet);
    forget(file.data, file.len);
    return code;
}

int cli_wallet(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    const char *action;
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
        return c == 'h' ? cli_help(help_text) : cli_usage(argv[0], NULL);
    if (optind == argc)
        return cli_usage(argv[0], "neither `new` nor `address` is given");
    action = argv[optind++];
    if (strcmp(action, "new") != 0 && strcmp(action, "address") != 0)
        return cli_usage(argv[0], "'%s' is neither `new` nor `address`", action);
    if (argc - optind != 1)
        return cli_usage(argv[0], "%s",
                         optind == argc ? "no file is given" : "one file at a time");
    return strcmp(action, "new") == 0 ? wallet_new(argv[0], argv[optind])
                                      : wallet_address(argv[0], argv[optind]);
}
