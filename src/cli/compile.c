/* `beamr compile`: a module's native code as a file, for `beamr run --object`, or for embedders
 * (beamr_module_load_object). What is in one is shown by `beamr inspect`. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static const char help_text[] =
    "Compile a WebAssembly module to native code.\n"
    "\n"
    "Usage: beamr compile [OPTIONS] FILE.wasm -o OBJ\n"
    "\n"
    "Writes a code object: machine code for that module, which beamr run --object takes. It\n"
    "fits this version of beamr, one kind of processor, and the options it was made with.\n"
    "Functions that are too large to compile, or that there is no time for, are left out and\n"
    "stay interpreted. FILE may be - for standard input.\n"
    "\n"
    "Compiling is done by the program beamr-compile, in a process of its own: beside this\n"
    "program, or where BEAMR_COMPILE says.\n"
    "\n"
    "Options:\n"
    "  -o, --output OBJ        the file to write\n"
    "      --target NAME       kind of processor: x86_64 or aarch64; this machine's\n"
    "                          unless given\n"
    "      --cpu NAME          what it has: x86-64-v2, or x86-64-v3 (AVX2); the best of\n"
    "                          this machine's unless given\n"
    "      --metering          count fuel, for beamr run --fuel\n"
    "      --checks            check each access to memory, instead of leaving that to guard\n"
    "                          pages; for engines without them\n"
    "      --features LIST     switch language features: -simd,+memory64 or -all\n"
    "      --threads N         processors to use; all unless given\n"
    "      --time-limit TIME   leave out what is not done by then: 500ms, 2s, 5m; 1m\n"
    "                          unless given\n"
    "      --max-memory SIZE   of the compiler: 512MiB, 8GiB; 4GiB unless given\n"
    "      --max-output SIZE   of the code object; 1GiB unless given\n"
    "  -h, --help              show this\n"
    "\n"
    "Exit codes: 0 the object is written; 2 wrong usage, an unusable module, or the compiler\n"
    "failed.\n"
    "\n"
    "Examples:\n"
    "  beamr compile hello.wasm -o hello.obj\n"
    "  beamr run --object hello.obj hello.wasm\n";

typedef struct options {
    const char *command;
    const char *file, *output, *features;
    bool metering;
    beamr_compile_options compile;
} options;

static int set_number(const options *o, const char *option, const char *word,
                      const cli_unit *units, uint64_t most, uint64_t *out)
{
    if (!cli_number_with_unit(word, units, out))
        return cli_usage(o->command, "%s %s: not a %s such as %s", option, word,
                         units == cli_size_units ? "size" : "time",
                         units == cli_size_units ? "512MiB" : "500ms, 2s or 1m");
    if (*out > most)
        return cli_usage(o->command, "%s %s: too large", option, word);
    return CLI_OK;
}

static int set_threads(options *o, const char *word)
{
    uint64_t n;

    if (!cli_number(word, UINT32_MAX, &n) || n == 0)
        return cli_usage(o->command, "--threads %s: not a number above 0", word);
    o->compile.threads = (uint32_t)n;
    return CLI_OK;
}

enum {
    OPT_TARGET = 256,
    OPT_CPU,
    OPT_METERING,
    OPT_CHECKS,
    OPT_FEATURES,
    OPT_THREADS,
    OPT_TIME,
    OPT_MEMORY,
    OPT_SIZE,
};

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"target", required_argument, NULL, OPT_TARGET},
    {"cpu", required_argument, NULL, OPT_CPU},
    {"metering", no_argument, NULL, OPT_METERING},
    {"checks", no_argument, NULL, OPT_CHECKS},
    {"features", required_argument, NULL, OPT_FEATURES},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"time-limit", required_argument, NULL, OPT_TIME},
    {"max-memory", required_argument, NULL, OPT_MEMORY},
    {"max-output", required_argument, NULL, OPT_SIZE},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int set_option(options *o, int option, const char *word)
{
    switch (option) {
    case 'o':
        o->output = word;
        return CLI_OK;
    case OPT_TARGET:
        o->compile.target = word;
        return CLI_OK;
    case OPT_CPU:
        o->compile.cpu = word;
        return CLI_OK;
    case OPT_METERING:
        o->metering = true;
        return CLI_OK;
    case OPT_CHECKS:
        o->compile.checks = true;
        return CLI_OK;
    case OPT_FEATURES:
        o->features = word;
        return CLI_OK;
    case OPT_THREADS:
        return set_threads(o, word);
    case OPT_TIME:
        return set_number(o, "--time-limit", word, cli_time_units, CLI_TIME_MAX_MS,
                          &o->compile.time_ms);
    case OPT_MEMORY:
        return set_number(o, "--max-memory", word, cli_size_units, UINT64_MAX,
                          &o->compile.max_memory);
    case OPT_SIZE:
        return set_number(o, "--max-output", word, cli_size_units, UINT32_MAX,
                          &o->compile.max_output);
    default:
        return cli_usage(o->command, NULL);
    }
}

/* ---- Writing ---- */

static beamr_status write_all(FILE *stream, beamr_bytes bytes)
{
    bool is_good = fwrite(bytes.data, 1, bytes.len, stream) == bytes.len;

    return fclose(stream) == 0 && is_good ? BEAMR_OK : BEAMR_IO;
}

/* Put the object in place as a whole: who reads meanwhile finds the old or the new one. */
static beamr_status replace_file(const char *path, char *temporary, beamr_bytes object)
{
    int fd = mkstemp(temporary);
    mode_t mask = umask(0);
    beamr_status st;
    FILE *stream;

    (void)umask(mask);
    if (fd < 0)
        return BEAMR_IO;
    (void)fchmod(fd, 0666 & ~mask); /* as any new file */
    stream = fdopen(fd, "wb");
    st = stream ? write_all(stream, object) : BEAMR_IO;
    if (!stream)
        (void)close(fd);
    if (st == BEAMR_OK && rename(temporary, path) != 0)
        st = BEAMR_IO;
    if (st != BEAMR_OK)
        (void)unlink(temporary);
    return st;
}

static beamr_status write_object(const char *path, beamr_bytes object, beamr_error *err)
{
    static const char ending[] = ".XXXXXX";
    size_t length = strlen(path);
    char *temporary = malloc(length + sizeof ending);
    struct stat info;
    beamr_status st;
    FILE *stream;

    if (!temporary)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the path %s", path);
    memcpy(temporary, path, length);
    memcpy(temporary + length, ending, sizeof ending);
    if (stat(path, &info) != 0 || S_ISREG(info.st_mode))
        st = replace_file(path, temporary, object);
    else /* a device or pipe is written to, and not replaced */
        st = (stream = fopen(path, "wbe")) ? write_all(stream, object) : BEAMR_IO;
    if (st != BEAMR_OK)
        st = beamr_fail(err, st, 0, "%s: %s", path, strerror(errno));
    free(temporary);
    return st;
}

/* ---- The whole ---- */

static beamr_status compile(const options *o, beamr_engine *engine, beamr_error *err)
{
    beamr_module *module = NULL;
    beamr_bytes object = {0};
    beamr_status st;

    if ((st = cli_module_read(engine, o->file, &module, err)) == BEAMR_OK &&
        (st = beamr_compile(module, &o->compile, &object, err)) == BEAMR_OK)
        st = write_object(o->output, object, err);
    beamr_object_free(object);
    beamr_module_unref(module);
    return st;
}

static int compile_all(const options *o)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_engine *engine = NULL;
    beamr_error err = {0};

    if (o->features)
        config.features = o->features;
    config.metering = o->metering;
    config.tier = BEAMR_TIER_INTERPRET; /* it is compiled here, once */
    if (beamr_engine_new(&config, &engine, &err) != BEAMR_OK)
        return cli_error(o->command, NULL, &err);
    (void)compile(o, engine, &err);
    beamr_engine_free(engine);
    if (err.status == BEAMR_OK)
        return CLI_OK;
    (void)cli_error(o->command, err.status == BEAMR_IO ? NULL : o->file, &err);
    return CLI_USAGE;
}

int cli_compile(int argc, char **argv)
{
    options o = {.command = argv[0], .compile = BEAMR_COMPILE_OPTIONS_DEFAULT};
    int code, c;

    while ((c = getopt_long(argc, argv, "ho:", long_options, NULL)) != -1) {
        if (c == 'h')
            return cli_help(help_text);
        if ((code = set_option(&o, c, optarg)) != CLI_OK)
            return code;
    }
    if (argc - optind != 1)
        return cli_usage(argv[0], "%s",
                         optind == argc ? "no file is given" : "one file at a time");
    if (!o.output)
        return cli_usage(argv[0], "-o OBJ is missing: where the code object goes");
    o.file = argv[optind];
    return compile_all(&o);
}
