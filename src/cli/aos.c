/* `beamr aos`: a process around a module with aos's `handle` interface, and messages to it.
 * The process is a message like any other, whose stack of devices the library has; what belongs
 * to this command alone is how expressions are read and answers printed: cli/aos.h. */
#include <getopt.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "cli/aos.h"

static const char help_text[] =
    "Run a process around a module with aos's `handle` interface, and evaluate expressions.\n"
    "\n"
    "Usage: beamr aos [OPTIONS] MODULE.wasm [EXPRESSION...]\n"
    "       beamr aos [OPTIONS] --load DIR [EXPRESSION...]\n"
    "\n"
    "Each expression is sent as a message of the process's owner, and its answer printed; the\n"
    "process keeps its state from one to the next. Without expressions they are read from a\n"
    "prompt, or, when standard input is no terminal, from its lines: an expression ends with\n"
    "its line unless a bracket, a block (do ... end) or a long string is open, or the line\n"
    "ends in a backslash.\n"
    "\n"
    "Options:\n"
    "      --save DIR          keep the process in this folder at the end\n"
    "      --load DIR          go on with the process that is kept there\n"
    "      --wallet FILE       a JWK, with which the process and its messages are signed: its\n"
    "                          owner. Without one they are unsigned, and so is the owner\n"
    "      --action ACTION     of the messages (Eval)\n"
    "      --tag NAME=VALUE    another tag of the messages; as often as needed\n"
    "      --process-tag NAME=VALUE\n"
    "                          a tag of the process\n"
    "      --data TEXT|@FILE   send this too, before the expressions; @- is standard\n"
    "                          input\n"
    "      --timestamp MS      of the messages, since 1970 (now)\n"
    "      --block-height N    of the messages (0)\n"
    "      --show-outbox       print what each message sends out\n"
    "      --tier TIER         compile the module first (native): the `mode` of the process\n"
    "                          is AOT then; one that cannot be compiled is interpreted. Or\n"
    "                          interpret it, whatever its `mode` (interpret)\n"
    "      --option NAME=VALUE an option of the node, as wasm_timeout=1000 (ms); a wrong name\n"
    "                          shows all of them\n"
    "  -h, --help              show this\n"
    "\n"
    "Answers and what the program writes to its standard output go to standard output, errors\n"
    "to standard error.\n"
    "\n"
    "Exit codes: 0 ok; 1 an expression failed; 2 wrong usage or an input that cannot be used;\n"
    "3 the host failed.\n"
    "\n"
    "Examples:\n"
    "  beamr aos process.wasm '1 + 1'\n"
    "  beamr aos process.wasm --save counter 'x = 5'\n"
    "  beamr aos --load counter --save counter 'x + 1'\n";

enum {
    OPTION_SAVE = 1000,
    OPTION_LOAD,
    OPTION_WALLET,
    OPTION_ACTION,
    OPTION_TAG,
    OPTION_PROCESS_TAG,
    OPTION_DATA,
    OPTION_TIME,
    OPTION_HEIGHT,
    OPTION_OUTBOX,
    OPTION_TIER,
    OPTION_VALUE,
};

/* What the command line says. */
typedef struct words {
    aos_options opt;
    char **tags, **process_tags; /* owned lists; room for all words */
    const char *data;
    char *const *expressions;
} words;

static int read_number(const char *command, const char *name, const char *text, uint64_t *out)
{
    if (cli_number(text, INT64_MAX, out))
        return CLI_OK;
    return cli_usage(command, "%s: '%s' is not a number", name, text);
}

static int read_tag(const char *command, char *text, char **list, size_t *count)
{
    if (!cli_is_word(text))
        return cli_usage(command, "'%s' is not NAME=VALUE", text);
    list[(*count)++] = text;
    return CLI_OK;
}

/* Data that a tag gave would stand in place of every expression. */
static int read_message_tag(words *w, char *text)
{
    static const char name[] = "data";
    size_t len = sizeof name - 1;

    if (strncasecmp(text, name, len) == 0 && (text[len] == '=' || text[len] == ':'))
        return cli_usage(w->opt.command,
                         "--tag %s: the data of a message is its expression; --data sends more",
                         text);
    return read_tag(w->opt.command, text, w->tags, &w->opt.tag_count);
}

/* One option.  Returns CLI_OK, or what the command ends with. */
static int read_option(int c, words *w)
{
    aos_options *opt = &w->opt;
    beamr_error err = {0};

    switch (c) {
    case OPTION_SAVE:
        opt->save = optarg;
        return CLI_OK;
    case OPTION_LOAD:
        opt->load = optarg;
        return CLI_OK;
    case OPTION_WALLET:
        opt->wallet = optarg;
        return CLI_OK;
    case OPTION_ACTION:
        opt->action = optarg;
        return CLI_OK;
    case OPTION_TAG:
        return read_message_tag(w, optarg);
    case OPTION_PROCESS_TAG:
        return read_tag(opt->command, optarg, w->process_tags, &opt->process_tag_count);
    case OPTION_DATA:
        w->data = optarg;
        return CLI_OK;
    case OPTION_TIME:
        opt->has_time = true;
        return read_number(opt->command, "--timestamp", optarg, &opt->time_ms);
    case OPTION_HEIGHT:
        return read_number(opt->command, "--block-height", optarg, &opt->height);
    case OPTION_OUTBOX:
        opt->shows_outbox = true;
        return CLI_OK;
    case OPTION_TIER:
        return cli_tier(opt->command, optarg, &opt->tier);
    case OPTION_VALUE:
        if (cli_option_read(optarg, opt->values, &err) == BEAMR_OK)
            return CLI_OK;
        return cli_usage(opt->command, "%s", err.text);
    default:
        return cli_usage(opt->command, NULL);
    }
}

/* What stands behind the options: the module, unless a process is loaded, and expressions. */
static int take_words(char *const *argv, words *w)
{
    aos_options *opt = &w->opt;

    if (opt->load && opt->process_tag_count)
        return cli_usage(opt->command, "--process-tag is for a new process, not with --load");
    if (opt->load && argv[0] && access(argv[0], F_OK) == 0)
        return cli_usage(opt->command,
                         "'%s' is a file: with --load the process has its module already, and "
                         "words are expressions",
                         argv[0]);
    if (!opt->load) {
        if (!argv[0])
            return cli_usage(opt->command, "no module is given");
        opt->module = *argv++;
    }
    w->expressions = argv;
    opt->tags = w->tags;
    opt->process_tags = w->process_tags;
    return CLI_OK;
}

/* ---- Running ---- */

/* What can be found out before there is a process: the file of --data, the folder of --save. */
static int prepare(const words *w, cli_file *data)
{
    const aos_options *opt = &w->opt;
    beamr_error err = {0};

    if (w->data && w->data[0] == '@' &&
        cli_file_read(w->data + 1, CLI_FILE_MAX, data, &err) != BEAMR_OK)
        return cli_refuse(opt->command, w->data + 1, &err);
    return opt->save ? aos_save_check(opt->command, opt->save) : CLI_OK;
}

static void send_all(const words *w, const cli_file *data, aos *process)
{
    if (w->data)
        aos_send(process, w->data[0] == '@' ? cli_file_bytes(data) : beamr_bytes_of(w->data));
    for (char *const *expression = w->expressions; *expression; expression++)
        aos_send(process, beamr_bytes_of(*expression));
    if (w->data || w->expressions[0])
        return;
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        aos_prompt(process);
    else
        aos_read_all(process);
}

static int run_process(const words *w, const cli_file *data)
{
    aos process;
    int code = aos_open(&w->opt, &process);

    if (code == CLI_OK) {
        send_all(w, data, &process);
        if (w->opt.save)
            aos_note(&process, aos_save(&process, w->opt.save));
        code = process.code;
    }
    aos_close(&process);
    return code;
}

static int run(const words *w)
{
    cli_file data = {0};
    int code = prepare(w, &data);

    if (code == CLI_OK)
        code = run_process(w, &data);
    else
        ao_builder_drop(w->opt.values);
    cli_file_clear(&data);
    return code;
}

static int read_options(int argc, char **argv, words *w, bool *is_help)
{
    static const struct option options[] = {
        {"save", required_argument, NULL, OPTION_SAVE},
        {"load", required_argument, NULL, OPTION_LOAD},
        {"wallet", required_argument, NULL, OPTION_WALLET},
        {"action", required_argument, NULL, OPTION_ACTION},
        {"tag", required_argument, NULL, OPTION_TAG},
        {"process-tag", required_argument, NULL, OPTION_PROCESS_TAG},
        {"data", required_argument, NULL, OPTION_DATA},
        {"timestamp", required_argument, NULL, OPTION_TIME},
        {"block-height", required_argument, NULL, OPTION_HEIGHT},
        {"show-outbox", no_argument, NULL, OPTION_OUTBOX},
        {"tier", required_argument, NULL, OPTION_TIER},
        {"option", required_argument, NULL, OPTION_VALUE},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int c, code = CLI_OK;

    while (code == CLI_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            *is_help = true;
            return CLI_OK;
        }
        code = read_option(c, w);
    }
    return code == CLI_OK ? take_words(argv + optind, w) : code;
}

int cli_aos(int argc, char **argv)
{
    words w = {.opt = {.command = argv[0], .action = "Eval"}};
    beamr_error err = {0};
    bool is_help = false;
    ao_builder values;
    int code = CLI_HOST_FAILED;

    w.tags = calloc((size_t)argc + 1, sizeof *w.tags);
    w.process_tags = calloc((size_t)argc + 1, sizeof *w.process_tags);
    ao_builder_begin(&values, NULL, NULL, &err);
    w.opt.values = &values;
    if (w.tags && w.process_tags)
        code = read_options(argc, argv, &w, &is_help);
    else
        (void)fprintf(stderr, "%s: no memory\n", argv[0]);
    if (code == CLI_OK && !is_help)
        code = run(&w);
    else
        ao_builder_drop(&values);
    free(w.tags);
    free(w.process_tags);
    return is_help ? cli_help(help_text) : code;
}
