/* The command `beamr`: finds the subcommand and hands over.
 * What a subcommand does, and its help, is in the file of its name; what they share in cli.h.
 */
#include "cli/cli.h"

#include <getopt.h>

typedef struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *full_name;
    const char *summary;
} command;

static const command commands[] = {
    {"run", cli_run, "beamr run", "run a program, or call a function of a module"},
    {"inspect", cli_inspect, "beamr inspect", "show what a module holds"},
    {"validate", cli_validate, "beamr validate", "check modules without running them"},
    {"compile", cli_compile, "beamr compile", "compile a module to native code"},
    {"wast", cli_wast, "beamr wast", "run files of the official test suite"},
    {"wallet", cli_wallet, "beamr wallet",
     "make or show the key that messages are signed with"},
    {"resolve", cli_resolve, "beamr resolve", "resolve a path on an AO message"},
    {"aos", cli_aos, "beamr aos", "run an AO process around a module, with a prompt"},
    {"id", cli_id, "beamr id", "print the ids of an AO message"},
    {"message", cli_message, "beamr message",
     "sign, verify, convert, show and store AO messages"},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static const command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    }
    return NULL;
}

static void commands_print(FILE *out)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        (void)fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
}

static int help(void)
{
    (void)fputs("Run WebAssembly, and look into it; resolve AO messages.\n"
                "\n"
                "Usage: beamr COMMAND [OPTIONS] [ARGUMENTS]\n"
                "       beamr help COMMAND\n"
                "       beamr --help | --version\n"
                "\n"
                "Commands:\n",
                stdout);
    commands_print(stdout);
    (void)fputs(
        "\n"
        "Each command explains itself: beamr COMMAND --help\n"
        "\n"
        "Exit codes:\n"
        "  0          all went well\n"
        "             (beamr run passes on what its program ends with)\n"
        "  1          the guest failed: it trapped, ended in an exception nobody caught,\n"
        "             or an assertion about it did not hold; of a message: what was asked for\n"
        "             is not there, or is not valid\n"
        "  2          wrong usage, or an input that cannot be used\n"
        "  3          the host failed while a path was resolved\n"
        "\n"
        "Examples:\n"
        "  beamr run hello.wasm\n"
        "  beamr run add.wasm --invoke add 2 -3\n"
        "  beamr inspect add.wasm\n"
        "  beamr validate *.wasm\n"
        "  beamr resolve '/greeting?greeting=hello'\n",
        stdout);
    return CLI_OK;
}

/* How many insertions, removals and replacements lead from `a` to `b`. Long words count as far
 * from everything. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { WORD_MAX = 31 };
    size_t row[WORD_MAX + 1];
    size_t len = strlen(b);

    if (len > WORD_MAX || strlen(a) > WORD_MAX)
        return SIZE_MAX;
    for (size_t i = 0; i <= len; i++)
        row[i] = i;
    for (; *a; a++) {
        size_t corner = row[0]++;

        for (size_t i = 1; i <= len; i++) {
            size_t best = corner + (*a != b[i - 1]);

            best = row[i] + 1 < best ? row[i] + 1 : best;
            best = row[i - 1] + 1 < best ? row[i - 1] + 1 : best;
            corner = row[i];
            row[i] = best;
        }
    }
    return row[len];
}

static int unknown_command(const char *word)
{
    (void)fprintf(stderr, "beamr: unknown %s '%s'\n", word[0] == '-' ? "option" : "command",
                  word);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (edit_distance(word, commands[i].name) <= 2)
            (void)fprintf(stderr, "Did you mean '%s'?\n", commands[i].full_name);
    }
    if (strstr(word, ".wasm"))
        (void)fprintf(stderr, "To run a file: beamr run %s\n", word);
    (void)fputs("Commands:\n", stderr);
    commands_print(stderr);
    return cli_usage("beamr", NULL);
}

/* Run a command with its full name in argv[0], which getopt_long begins its messages with. */
static int command_run(const command *cmd, int argc, char **argv)
{
    argv[0] = (char *)cmd->full_name;
    optind = 0;
    return cmd->run(argc, argv);
}

/* `beamr help [COMMAND]`. */
static int help_command(int argc, char **argv)
{
    char option[] = "--help";
    char *args[] = {NULL, option, NULL};
    const command *cmd;

    if (argc < 2)
        return help();
    cmd = command_find(argv[1]);
    return cmd ? command_run(cmd, 2, args) : unknown_command(argv[1]);
}

static int dispatch(int argc, char **argv)
{
    const command *cmd;

    if (argc < 2) {
        (void)fputs("beamr: a command is missing\n", stderr);
        return cli_usage("beamr", NULL);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help();
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        (void)printf("beamr %s\n", beamr_version());
        return CLI_OK;
    }
    if (strcmp(argv[1], "help") == 0)
        return help_command(argc - 1, argv + 1);
    cmd = command_find(argv[1]);
    return cmd ? command_run(cmd, argc - 1, argv + 1) : unknown_command(argv[1]);
}

int main(int argc, char **argv)
{
    cli_hold_streams();
    return cli_finish("beamr", dispatch(argc, argv));
}
