/* `beamr wast`: runs files of the official test suite and counts.
 * Here are the options and the totals; what a file says is carried out by wast_script.c. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>

#include "cli/cli.h"
#include "cli/wast.h"

static const char help[] =
    "Run files of the official WebAssembly test suite, and count.\n"
    "\n"
    "Usage: beamr wast [OPTIONS] FILE.bin.wast...\n"
    "\n"
    "The files hold modules in binary form and assertions about them. Each runs in a store of "
    "its\n"
    "own, where the module \"spectest\" can be imported. One line tells how each file went, "
    "and a\n"
    "last one the sums:\n"
    "\n"
    "  N passed, N failed, N skipped\n"
    "\n"
    "Assertions are counted. A module, a registration or an action outside of assertions "
    "counts\n"
    "only when it fails. Assertions on modules that need the garbage collector's objects, "
    "which\n"
    "this engine refuses by name, are skipped; nothing else is.\n"
    "\n"
    "Options:\n"
    "  -v, --verbose            show each failure: where, what was expected, and what came\n"
    "      --features LIST      switch language features, as in \"-simd,+memory64\"\n"
    "      --tier TIER          interpret the modules (interpret), or compile each (native);\n"
    "                           one that cannot be compiled is a failure\n"
    "      --unsupported FILE   the modules that are refused for the garbage collector, one\n"
    "                           \"file-name:line\" on a line, \"#\" begins a comment; one "
    "refused\n"
    "                           and not listed is a failure, and so is one listed and not "
    "refused\n"
    "      --write-unsupported FILE\n"
    "                           write that list\n"
    "  -h, --help               show this\n"
    "\n"
    "Exit codes:\n"
    "  0  no assertion failed\n"
    "  1  some did\n"
    "  2  wrong usage, or a file that cannot be read or understood\n"
    "\n"
    "Examples:\n"
    "  beamr wast core/i32.bin.wast\n"
    "  beamr wast -v --unsupported gc-modules.txt core/*.bin.wast legacy/*.bin.wast\n";

typedef struct options {
    const char *features;
    const char *list_path;
    const char *refused_path;
    const char *tier;
    bool is_verbose;
    bool is_help;
} options;

/* Everything that a run holds, released at one place. */
typedef struct run {
    const char *command;
    wast_suite suite;
    arena arena; /* the list */
    wast_list list;
    wast_counts total;
    bool is_unusable; /* some input could not be used */
} run;

/* Returns false when the usage is wrong; getopt_long has said how. */
static bool options_read(int argc, char **argv, options *out)
{
    enum { FEATURES = 256, UNSUPPORTED, WRITE_UNSUPPORTED, TIER };
    static const struct option long_options[] = {
        {"features", required_argument, NULL, FEATURES},
        {"unsupported", required_argument, NULL, UNSUPPORTED},
        {"tier", required_argument, NULL, TIER},
        {"write-unsupported", required_argument, NULL, WRITE_UNSUPPORTED},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "vh", long_options, NULL)) != -1) {
        switch (option) {
        case FEATURES:
            out->features = optarg;
            break;
        case UNSUPPORTED:
            out->list_path = optarg;
            break;
        case TIER:
            out->tier = optarg;
            break;
        case WRITE_UNSUPPORTED:
            out->refused_path = optarg;
            break;
        case 'v':
            out->is_verbose = true;
            break;
        case 'h':
            out->is_help = true;
            break;
        default:
            return false;
        }
    }
    return true;
}

static void print_counts(const wast_counts *counts)
{
    (void)printf("%zu passed, %zu failed, %zu skipped\n", counts->passed, counts->failed,
                 counts->skipped);
}

/* Say why an input cannot be used.
 *   path  put before the text, which begins with a line and column or with words; NULL when the
 *         text names the file itself */
static void unusable(run *r, const char *path, const beamr_error *err)
{
    bool has_place = err->text[0] >= '0' && err->text[0] <= '9';

    (void)fflush(stdout);
    (void)fprintf(stderr, "%s: %s%s%s\n", r->command, path ? path : "",
                  !path       ? ""
                  : has_place ? ":"
                              : ": ",
                  err->text);
    r->is_unusable = true;
}

static void run_file(run *r, const char *path)
{
    beamr_error err = {0};
    wast_counts counts = {0};
    cli_file file = {0};
    beamr_status st;

    if (cli_file_read(path, CLI_FILE_MAX, &file, &err) != BEAMR_OK) {
        unusable(r, NULL, &err);
        return;
    }
    st = wast_script_run(&r->suite, path, cli_file_bytes(&file), &counts, &err);
    cli_file_clear(&file);
    if (st != BEAMR_OK) {
        unusable(r, path, &err);
    } else {
        (void)printf("%s: ", path);
        print_counts(&counts);
    }
    r->total.passed += counts.passed;
    r->total.failed += counts.failed;
    r->total.skipped += counts.skipped;
    r->total.functions += counts.functions;
    r->total.compiled += counts.compiled;
}

/* Read the list of modules known to be refused.  Returns false when it cannot be used. */
static bool list_open(run *r, const char *path)
{
    beamr_error err = {0};
    cli_file file = {0};
    beamr_status st;

    if (cli_file_read(path, CLI_FILE_MAX, &file, &err) != BEAMR_OK) {
        unusable(r, NULL, &err);
        return false;
    }
    st = wast_list_read(&r->arena, cli_file_bytes(&file), &r->list, &err);
    cli_file_clear(&file);
    if (st != BEAMR_OK)
        unusable(r, path, &err);
    r->suite.list = &r->list;
    return st == BEAMR_OK;
}

/* Entries of the list for files that were run, but where no module stood. */
static void list_check_rest(run *r, const char *path, char **files)
{
    for (size_t i = 0; i < r->list.count; i++) {
        const wast_listed *entry = &r->list.items[i];
        char **file = files;

        while (*file && strcmp(cli_basename(*file), entry->name) != 0)
            file++;
        if (entry->is_seen || !*file)
            continue;
        r->total.failed++;
        if (r->suite.is_verbose)
            (void)printf("%s:%" PRIu32 ": no module begins at %s:%" PRIu32 "\n", path,
                         entry->list_line, *file, entry->line);
    }
}

static bool refused_open(run *r, const char *path)
{
    beamr_error err = {0};

    r->suite.refused = fopen(path, "we");
    if (!r->suite.refused) {
        (void)beamr_fail(&err, BEAMR_IO, 0, "%s: %s", path, strerror(errno));
        unusable(r, NULL, &err);
        return false;
    }
    (void)fputs("# Modules of the official test suite that are refused because they need the\n"
                "# garbage collector's objects: file-name:line, written by\n"
                "# `beamr wast --write-unsupported` and checked by `--unsupported`.\n",
                r->suite.refused);
    return true;
}

static void refused_close(run *r, const char *path)
{
    beamr_error err = {0};
    bool is_bad = ferror(r->suite.refused) != 0;

    if (fclose(r->suite.refused) != 0 || is_bad) {
        (void)beamr_fail(&err, BEAMR_IO, 0, "%s: writing failed", path);
        unusable(r, NULL, &err);
    }
}

static int run_exit(const run *r)
{
    if (r->is_unusable)
        return CLI_USAGE;
    return r->total.failed ? CLI_FAILED : CLI_OK;
}

/* Run all files; the engine is there. */
static int run_files(run *r, const options *opt, char **files)
{
    if (opt->list_path && !list_open(r, opt->list_path))
        return CLI_USAGE;
    if (opt->refused_path && !refused_open(r, opt->refused_path))
        return CLI_USAGE;
    for (char **file = files; *file; file++)
        run_file(r, *file);
    if (opt->list_path)
        list_check_rest(r, opt->list_path, files);
    if (opt->refused_path)
        refused_close(r, opt->refused_path);
    if (r->total.compiled)
        (void)printf("%zu of %zu functions compiled\n", r->total.compiled, r->total.functions);
    print_counts(&r->total);
    return run_exit(r);
}

int cli_wast(int argc, char **argv)
{
    run r = {.command = argv[0]};
    options opt = {0};
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_error err = {0};
    int code;

    if (!options_read(argc, argv, &opt))
        return cli_usage(argv[0], NULL);
    if (opt.is_help)
        return cli_help(help);
    if (optind == argc)
        return cli_usage(argv[0], "no file is given");
    if (opt.features)
        config.features = opt.features;
    if (opt.tier && (code = cli_tier(argv[0], opt.tier, &config.tier)) != CLI_OK)
        return code;
    if (beamr_engine_new(&config, &r.suite.engine, &err) != BEAMR_OK)
        return cli_error(argv[0], NULL, &err);
    r.suite.is_verbose = opt.is_verbose;
    arena_init(&r.arena, CLI_FILE_MAX);
    code = run_files(&r, &opt, argv + optind);
    arena_clear(&r.arena);
    beamr_engine_free(r.suite.engine);
    return code;
}
