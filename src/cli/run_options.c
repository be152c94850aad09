/* The words of `beamr run`: its help, options, and where the guest's own words begin.
 * Options stand before FILE; all behind it is the program's, except that --invoke directly
 * behind FILE is ours. */
#include "cli/run.h"

#include <getopt.h>
#include <stdlib.h>

enum { PAGE_SIZE = 65536 };

static const char help_text[] =
    "Run a WebAssembly program, or call a function of a module.\n"
    "\n"
    "Usage: beamr run [OPTIONS] FILE.wasm [ARG...]\n"
    "       beamr run [OPTIONS] FILE.wasm --invoke NAME [ARG...]\n"
    "\n"
    "The first runs a program made for WASI or with Emscripten: its _start, or its main. All\n"
    "words behind FILE are its arguments, also those that begin with a dash; only --invoke\n"
    "directly behind FILE is not, unless -- stands between them. The program's exit code, "
    "modulo\n"
    "256, is that of the command. Imports that nothing provides trap when they are called\n"
    "(beamr inspect lists them). FILE may be - for standard input.\n"
    "\n"
    "The second calls an exported function. A word that reads as a number of its parameter's\n"
    "type is that number (-5, 0xff, 1.5e3, nan, inf); any other is text, and text:WORD always\n"
    "is. json:TEXT is JSON, which is checked, and hex:DIGITS are bytes. All that is copied in\n"
    "with the module's own allocator, in the way of C, of the canonical ABI, of wasm-bindgen "
    "or\n"
    "of AssemblyScript. With as many arguments as parameters each text is one pointer, else "
    "each\n"
    "takes two parameters: pointer and length.\n"
    "Results are printed one a line. _initialize, or else __wasm_call_ctors, is called first "
    "if\n"
    "the module exports it.\n"
    "\n"
    "The guest sees the terminal's standard streams, and of the host's files and environment\n"
    "only what options give it.\n"
    "\n"
    "Options:\n"
    "      --invoke NAME       call this exported function\n"
    "      --text              its result is text; print that instead of where it lies\n"
    "      --env NAME=VALUE    give it an environment variable; --env NAME passes the value "
    "on\n"
    "                          that it has here\n"
    "      --dir HOST[::GUEST] give it a copy of a folder, which it finds as GUEST, or under\n"
    "                          the same name; without any, a program that uses paths finds an\n"
    "                          empty one as /\n"
    "      --dir-rw HOST[::GUEST]\n"
    "                          the same, and write what it changes there back when it ends "
    "with\n"
    "                          exit code 0: each file as a whole; files that were changed\n"
    "                          here meanwhile are not overwritten, which is a failure\n"
    "      --max-files SIZE    limit of its file system; 1GiB unless given\n"
    "      --deterministic     clocks that begin at 0 and advance only while it sleeps, and "
    "the\n"
    "                          same random numbers in each run\n"
    "      --stub-imports      imports that nothing provides give zeros instead of trapping\n"
    "      --fuel UNITS        end it after so many units of work (slower)\n"
    "      --timeout TIME      end it after this time: 500ms, 2s, 1m\n"
    "      --max-memory SIZE   limit of each memory: 1000000, 64KiB, 16MiB, 2GiB;\n"
    "                          memory.grow beyond it gives -1\n"
    "      --features LIST     switch language features: -simd,+memory64 or -all\n"
    "      --tier TIER         interpret it (interpret, the default unless BEAMR_TIER says\n"
    "                          otherwise), or compile it first (native); one that cannot be\n"
    "                          compiled is interpreted, and standard error says why\n"
    "      --object OBJ        run its code object, made by beamr compile; only one that you\n"
    "                          made yourself, or trust: it is a program of this machine\n"
    "  -h, --help              show this\n"
    "\n"
    "Exit codes: the program's own; 1 the guest failed (its trap and backtrace are on "
    "standard\n"
    "error) or changes could not be written back; 2 wrong usage or an unusable input.\n"
    "\n"
    "Examples:\n"
    "  beamr run hello.wasm --greeting Hi\n"
    "  beamr run --dir-rw site --env LANG=C build.wasm site/index.md\n"
    "  beamr run add.wasm --invoke add 2 -3\n"
    "  beamr run calculator.wasm --invoke evaluate_expression 'sqrt(9) * (10 / 2)'\n"
    "  beamr run calculator.wasm --invoke evaluate_expression text:42\n";

/* ---- Numbers with units ---- */

static int set_timeout(run_options *o, const char *word)
{
    if (!cli_number_with_unit(word, cli_time_units, &o->timeout_ms) ||
        o->timeout_ms > CLI_TIME_MAX_MS)
        return cli_usage(o->command, "--timeout %s: not a time such as 500ms, 2s or 1m", word);
    o->timeout = word;
    return CLI_OK;
}

static int parse_size(const run_options *o, const char *option, const char *word,
                      uint64_t *bytes)
{
    if (!cli_number_with_unit(word, cli_size_units, bytes))
        return cli_usage(o->command, "%s %s: not a size such as 1000000, 64KiB or 2GiB", option,
                         word);
    return CLI_OK;
}

static int set_max_memory(run_options *o, const char *word)
{
    uint64_t bytes = 0;
    int code = parse_size(o, "--max-memory", word, &bytes);

    o->max_memory = word;
    o->max_pages = bytes / PAGE_SIZE;
    return code;
}

static int set_fuel(run_options *o, const char *word)
{
    if (!cli_number(word, UINT64_MAX - 1, &o->fuel_units))
        return cli_usage(o->command, "--fuel %s: not a number of units", word);
    o->fuel = word;
    return CLI_OK;
}

static int no_memory(const run_options *o)
{
    (void)fprintf(stderr, "%s: no memory for the options\n", o->command);
    return CLI_FAILED;
}

/* ---- Environment ---- */

/* Put "NAME=VALUE" in, in place of what has the same name.
 *   entry  owned from now on; NULL for no memory */
static int put_env(run_options *o, char *entry)
{
    size_t len;

    if (!entry)
        return no_memory(o);
    len = strcspn(entry, "=") + 1;
    for (size_t i = 0; i < o->env_count; i++) {
        if (strncmp(o->env[i], entry, len) != 0)
            continue;
        free(o->env[i]);
        o->env[i] = entry;
        return CLI_OK;
    }
    o->env[o->env_count++] = entry;
    return CLI_OK;
}

static int add_env(run_options *o, const char *word)
{
    const char *value;
    char *entry;
    size_t size;

    if (word[0] == '=' || word[0] == '\0')
        return cli_usage(o->command, "--env %s: a name is missing", word);
    if (strchr(word, '='))
        return put_env(o, strdup(word));
    value = getenv(word);
    if (!value)
        return cli_usage(o->command,
                         "--env %s: it has no value here to be passed on; give one as %s=VALUE",
                         word, word);
    size = strlen(word) + strlen(value) + 2;
    entry = malloc(size);
    if (entry)
        (void)snprintf(entry, size, "%s=%s", word, value);
    return put_env(o, entry);
}

/* ---- Folders ---- */

/* The absolute path that a guest's name stands for: "data/", "./data" and "../data" are
 * "/data". Returns new memory, or NULL. */
static char *place_of(const char *name)
{
    char *place = malloc(strlen(name) + 2);
    size_t len = 0;

    if (!place)
        return NULL;
    while (*name) {
        size_t part = strcspn(name, "/");

        if (part == 2 && name[0] == '.' && name[1] == '.') {
            while (len && place[len - 1] != '/') /* up; the root's is the root */
                len--;
            len -= len > 0;
        } else if (part && !(part == 1 && name[0] == '.')) {
            place[len++] = '/';
            memcpy(place + len, name, part);
            len += part;
        }
        name += part + (name[part] == '/');
    }
    if (len == 0)
        place[len++] = '/';
    place[len] = '\0';
    return place;
}

static int check_place(const run_options *o, const char *option, const char *word,
                       const run_dir *dir)
{
    for (size_t i = 0; i < o->dir_count; i++) {
        if (strcmp(o->dirs[i].place, dir->place) == 0)
            return cli_usage(o->command, "%s %s: the guest has %s as %s already", option, word,
                             o->dirs[i].host, dir->place);
    }
    return CLI_OK;
}

/* Cut HOST::GUEST in two; the last pair of colons counts, so that HOST may hold some too.
 * Returns GUEST, or NULL when there are no colons. */
static char *split_dir(char *word)
{
    char *colons = NULL;

    for (char *p = word; (p = strstr(p, "::")) != NULL; p++)
        colons = p;
    if (!colons)
        return NULL;
    *colons = '\0';
    return colons + 2;
}

static void dir_clear(run_dir *dir)
{
    free(dir->name);
    free(dir->place);
}

static int add_dir(run_options *o, char *word, bool is_writable)
{
    const char *option = is_writable ? "--dir-rw" : "--dir";
    const char *guest = split_dir(word);
    run_dir dir = {.host = word, .is_writable = is_writable};
    int code;

    if (!*word || (guest && !*guest))
        return cli_usage(o->command, "%s '%s%s%s': not a folder, or HOST::GUEST", option, word,
                         guest ? "::" : "", guest ? guest : "");
    dir.name = strdup(guest ? guest : word);
    dir.place = place_of(guest ? guest : word);
    code = dir.name && dir.place ? check_place(o, option, word, &dir) : no_memory(o);
    if (code != CLI_OK) {
        dir_clear(&dir);
        return code;
    }
    for (size_t len = strlen(dir.name); len > 1 && dir.name[len - 1] == '/'; len--)
        dir.name[len - 1] = '\0';
    o->dirs[o->dir_count++] = dir;
    return CLI_OK;
}

/* ---- The whole ---- */

enum {
    OPT_INVOKE = 256,
    OPT_ENV,
    OPT_DIR,
    OPT_DIR_RW,
    OPT_TEXT,
    OPT_FILES,
    OPT_DETERMINISTIC,
    OPT_STUBS,
    OPT_FUEL,
    OPT_TIMEOUT,
    OPT_MEMORY,
    OPT_FEATURES,
    OPT_TIER,
    OPT_OBJECT,
};

static const struct option long_options[] = {
    {"invoke", required_argument, NULL, OPT_INVOKE},
    {"text", no_argument, NULL, OPT_TEXT},
    {"env", required_argument, NULL, OPT_ENV},
    {"dir", required_argument, NULL, OPT_DIR},
    {"dir-rw", required_argument, NULL, OPT_DIR_RW},
    {"max-files", required_argument, NULL, OPT_FILES},
    {"deterministic", no_argument, NULL, OPT_DETERMINISTIC},
    {"stub-imports", no_argument, NULL, OPT_STUBS},
    {"fuel", required_argument, NULL, OPT_FUEL},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"max-memory", required_argument, NULL, OPT_MEMORY},
    {"features", required_argument, NULL, OPT_FEATURES},
    {"tier", required_argument, NULL, OPT_TIER},
    {"object", required_argument, NULL, OPT_OBJECT},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int set_option(run_options *o, int option, char *word)
{
    switch (option) {
    case OPT_INVOKE:
        o->invoke = word;
        return CLI_OK;
    case OPT_TEXT:
        o->result_is_text = true;
        return CLI_OK;
    case OPT_ENV:
        return add_env(o, word);
    case OPT_DIR:
    case OPT_DIR_RW:
        return add_dir(o, word, option == OPT_DIR_RW);
    case OPT_FILES:
        return parse_size(o, "--max-files", word, &o->max_files);
    case OPT_DETERMINISTIC:
        o->is_deterministic = true;
        return CLI_OK;
    case OPT_STUBS:
        o->stubs_give_zeros = true;
        return CLI_OK;
    case OPT_FUEL:
        return set_fuel(o, word);
    case OPT_TIMEOUT:
        return set_timeout(o, word);
    case OPT_MEMORY:
        return set_max_memory(o, word);
    case OPT_FEATURES:
        o->features = word;
        return CLI_OK;
    case OPT_TIER:
        return cli_tier(o->command, word, &o->tier);
    case OPT_OBJECT:
        o->object = word;
        return CLI_OK;
    default:
        return cli_usage(o->command, NULL);
    }
}

/* Take FILE, an --invoke directly behind it, a `--`, and the guest's own words. */
static int take_words(run_options *o, int argc, char **argv)
{
    static const char invoke[] = "--invoke";
    int next = optind;

    if (next == argc)
        return cli_usage(o->command, "the module's file is missing");
    o->file = argv[next++];
    if (next < argc && !o->invoke && strcmp(argv[next], invoke) == 0) {
        if (next + 1 == argc)
            return cli_usage(o->command, "--invoke: the function's name is missing");
        o->invoke = argv[next + 1];
        next += 2;
    } else if (next < argc && !o->invoke &&
               strncmp(argv[next], "--invoke=", sizeof invoke) == 0) {
        o->invoke = argv[next++] + sizeof invoke;
    }
    if (o->result_is_text && !o->invoke)
        return cli_usage(o->command, "--text tells what --invoke NAME gives, which is missing");
    if (o->object && o->tier != BEAMR_TIER_DEFAULT)
        return cli_usage(o->command, "--object is native code already; leave out --tier");
    if (next < argc && strcmp(argv[next], "--") == 0)
        next++;
    o->args = argv + next;
    o->arg_count = (size_t)(argc - next);
    return CLI_OK;
}

int run_options_parse(run_options *o, int argc, char **argv, bool *done)
{
    int code = CLI_OK, c;

    o->env = calloc((size_t)argc, sizeof *o->env);
    o->dirs = calloc((size_t)argc, sizeof *o->dirs);
    if (!o->env || !o->dirs)
        return no_memory(o);
    /* "+" ends the options at the first word that is none. */
    while (code == CLI_OK && (c = getopt_long(argc, argv, "+h", long_options, NULL)) != -1) {
        if (c == 'h') {
            *done = true;
            return cli_help(help_text);
        }
        code = set_option(o, c, optarg);
    }
    return code == CLI_OK ? take_words(o, argc, argv) : code;
}

void run_options_clear(run_options *o)
{
    for (size_t i = 0; i < o->env_count; i++)
        free(o->env[i]);
    for (size_t i = 0; i < o->dir_count; i++)
        dir_clear(&o->dirs[i]);
    free(o->env);
    free(o->dirs);
}
