/* What the commands share: cli.h. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/escape.h"

/* ---- Messages ---- */

int cli_help(const char *text)
{
    (void)fputs(text, stdout);
    return CLI_OK;
}

int cli_usage(const char *command, const char *format, ...)
{
    va_list args;

    if (format) {
        (void)fprintf(stderr, "%s: ", command);
        va_start(args, format);
        (void)vfprintf(stderr, format, args);
        va_end(args);
        (void)fputc('\n', stderr);
    }
    (void)fprintf(stderr, "Try '%s --help'.\n", command);
    return CLI_USAGE;
}

int cli_error(const char *command, const char *what, const beamr_error *err)
{
    (void)fprintf(stderr, "%s: ", command);
    if (what)
        (void)fprintf(stderr, "%s: ", what);
    if (err->status != BEAMR_IO) { /* whose text names the file and the reason */
        (void)fputs(beamr_status_text(err->status), stderr);
        if (err->offset)
            (void)fprintf(stderr, " at byte %" PRIu64 " (0x%" PRIx64 ")", err->offset,
                          err->offset);
        (void)fputs(": ", stderr);
    }
    cli_print_escaped(stderr, beamr_bytes_of(err->text), ""); /* it may name what others made */
    (void)fputc('\n', stderr);
    cli_backtrace(stderr, err);
    return cli_exit_of(err->status);
}

void cli_backtrace(FILE *out, const beamr_error *err)
{
    for (uint32_t i = 0; i < err->frame_count; i++) {
        const beamr_frame *frame = &err->frames[i];

        (void)fprintf(out, "  #%-2" PRIu32 " function %" PRIu32, i, frame->func);
        if (frame->name[0]) {
            (void)fputs(" <", out);
            cli_print_escaped(out, beamr_bytes_of(frame->name), "");
            (void)fputc('>', out);
        }
        (void)fprintf(out, " at 0x%" PRIx32 "\n", frame->offset);
    }
    if (err->frame_total > err->frame_count)
        (void)fprintf(out, "  ... %" PRIu32 " more\n", err->frame_total - err->frame_count);
}

int cli_exit_of(beamr_status status)
{
    switch (status) {
    case BEAMR_OK:
        return CLI_OK;
    case BEAMR_TRAP:
    case BEAMR_EXCEPTION:
    case BEAMR_NO_MEMORY:
    case BEAMR_BUSY:
        return CLI_FAILED;
    default:
        return CLI_USAGE;
    }
}

int cli_finish(const char *command, int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    (void)fprintf(stderr, "%s: writing to stdout failed: %s\n", command, strerror(errno));
    return code == CLI_OK ? CLI_FAILED : code;
}

void cli_hold_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) /* the smallest free number is this one */
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}

/* ---- Input ---- */

/* Read a stream to its end into a buffer that doubles; no further than one byte beyond the
 * limit. */
static beamr_status read_stream(FILE *stream, const char *path, size_t limit, cli_file *out,
                                beamr_error *err)
{
    size_t room = 64 * 1024;
    cli_file file = {0};

    for (;;) {
        uint8_t *data = realloc(file.data, room + 1);

        if (!data) {
            free(file.data);
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu bytes of it", room);
        }
        file.data = data;
        file.len += fread(file.data + file.len, 1, room - file.len, stream);
        if (file.len < room || file.len > limit)
            break;
        room = room * 2 <= limit ? room * 2 : limit + 1;
    }
    if (ferror(stream)) {
        free(file.data);
        return beamr_fail(err, BEAMR_IO, 0, "%s: %s", path, strerror(errno));
    }
    if (file.len > limit) {
        free(file.data);
        return beamr_fail(err, BEAMR_LIMIT, 0, "the file is larger than %zu bytes", limit);
    }
    file.data[file.len] = 0;
    *out = file;
    return BEAMR_OK;
}

beamr_status cli_file_read(const char *path, size_t limit, BEAMR_OWN cli_file *out,
                           beamr_error *err)
{
    beamr_status st;
    FILE *stream;

    if (strcmp(path, "-") == 0)
        return read_stream(stdin, "standard input", limit, out, err);
    stream = fopen(path, "rbe");
    if (!stream)
        return beamr_fail(err, BEAMR_IO, 0, "%s: %s", path, strerror(errno));
    st = read_stream(stream, path, limit, out, err);
    (void)fclose(stream);
    return st;
}

void cli_file_clear(cli_file *file)
{
    free(file->data);
    *file = (cli_file){0};
}

beamr_bytes cli_file_bytes(const cli_file *file)
{
    return (beamr_bytes){file->data, file->len};
}

beamr_status cli_module_read(beamr_engine *engine, const char *path,
                             BEAMR_OWN beamr_module **out, beamr_error *err)
{
    cli_file file = {0};
    beamr_status st = cli_file_read(path, CLI_FILE_MAX, &file, err);

    if (st == BEAMR_OK)
        st = beamr_module_load(engine, cli_file_bytes(&file), out, err);
    cli_file_clear(&file);
    return st;
}

/* ---- Words of the command line ---- */

int cli_tier(const char *command, const char *word, beamr_tier *out)
{
    if (strcmp(word, "native") == 0)
        *out = BEAMR_TIER_NATIVE;
    else if (strcmp(word, "interpret") == 0)
        *out = BEAMR_TIER_INTERPRET;
    else
        return cli_usage(command, "--tier %s: neither interpret nor native", word);
    return CLI_OK;
}

void cli_tell_interpreted(const char *command, const char *what, const beamr_module *module)
{
    beamr_error err = {0};

    if (beamr_module_native_failure(module, &err) == BEAMR_OK)
        return;
    (void)fprintf(stderr, "%s: %s: interpreted, as it could not be compiled: ", command, what);
    cli_print_escaped(stderr, beamr_bytes_of(err.text), "");
    (void)fputc('\n', stderr);
}

bool cli_number(const char *word, uint64_t max, uint64_t *out)
{
    bool is_hex = word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
    const char *digits = is_hex ? word + 2 : word;
    unsigned base = is_hex ? 16 : 10;
    uint64_t value = 0;

    if (!*digits)
        return false;
    for (const char *p = digits; *p; p++) {
        char lower = (char)(*p | 0x20);
        unsigned digit = base;

        if (*p >= '0' && *p <= '9')
            digit = (unsigned)(*p - '0');
        else if (lower >= 'a' && lower <= 'f')
            digit = (unsigned)(lower - 'a') + 10;
        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value) || value > max)
            return false;
    }
    *out = value;
    return true;
}

const cli_unit cli_time_units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {NULL, 0}};
const cli_unit cli_size_units[] = {
    {"", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}, {NULL, 0}};

bool cli_number_with_unit(const char *word, const cli_unit *units, uint64_t *out)
{
    size_t digits = strspn(word, "0123456789");
    char number[24];
    uint64_t n;

    if (digits >= sizeof number)
        return false;
    memcpy(number, word, digits);
    number[digits] = '\0';
    for (; units->text; units++) {
        if (strcmp(word + digits, units->text) != 0)
            continue;
        if (!cli_number(number, UINT64_MAX / units->factor, &n) || n == 0)
            return false;
        *out = n * units->factor;
        return true;
    }
    return false;
}

const char *cli_basename(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}
