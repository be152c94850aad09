/* `beamr id`: the ids of a message.  What they are made of is ao/commit.h's business. */
#include <getopt.h>

#include "ao/commit.h"
#include "cli/ao.h"
#include "cli/escape.h"

static const char help_text[] =
    "Print the id of a message.\n"
    "\n"
    "Usage: beamr id [OPTIONS] FILE\n"
    "\n"
    "FILE is JSON, flat text, HTTP fields with a body, or ANS-104, which is recognised; - is\n"
    "standard input. The id is that of its signatures, or the unsigned one when it has none.\n"
    "Nothing is verified: see beamr message verify.\n"
    "\n"
    "Options:\n"
    "      --unsigned          the unsigned id\n"
    "      --all               every id, one a line: unsigned, signed, all commitments\n"
    "                          together, and each of them\n"
    "      --format FORM       of the file: json, flat, http or ans104\n"
    "  -h, --help              show this\n"
    "\n"
    "Exit codes: 0 ok; 1 the message has no id; 2 wrong usage or an input that cannot be "
    "used;\n"
    "3 the host failed.\n"
    "\n"
    "Example:\n"
    "  beamr id --all message.json\n";

typedef struct id_options {
    cli_form form;
    bool is_unsigned, is_all;
} id_options;

/* Each commitment: its id, device, algorithm, committer. */
static void print_commitments(const ao_message *message)
{
    ao_message *all = ao_to_message(ao_message_find_text(message, "commitments"));
    ao_cursor cursor = {0};
    const ao_name *id;
    ao_value value;

    while (all && ao_message_next(all, &cursor, &id, &value)) {
        (void)fputs("commitment ", stdout);
        cli_print_commitment(stdout, ao_name_text(id), value);
        (void)fputc('\n', stdout);
    }
}

static beamr_status print_all(ao_context *context, const ao_message *message, beamr_error *err)
{
    char id[AO_ID_TEXT + 1];
    beamr_status st;

    if ((st = ao_message_unsigned_id(context, message, id, err)) != BEAMR_OK)
        return st;
    (void)printf("unsigned %s\n", id);
    if (ao_message_find_text(message, "commitments").kind == AO_NONE)
        return BEAMR_OK;
    if ((st = ao_message_id(context, message, id, err)) != BEAMR_OK)
        return st;
    (void)printf("signed %s\n", id);
    if ((st = ao_id_of(context, message, &AO_SELECT_ALL, id, err)) != BEAMR_OK)
        return st;
    (void)printf("all %s\n", id);
    print_commitments(message);
    return BEAMR_OK;
}

static beamr_status print_id(ao_context *context, const id_options *opt,
                             const ao_message *message, beamr_error *err)
{
    char id[AO_ID_TEXT + 1];
    beamr_status st;

    if (opt->is_all)
        return print_all(context, message, err);
    st = opt->is_unsigned ? ao_message_unsigned_id(context, message, id, err)
                          : ao_message_id(context, message, id, err);
    if (st == BEAMR_OK)
        (void)printf("%s\n", id);
    return st;
}

int cli_id(int argc, char **argv)
{
    static const struct option options[] = {
        {"unsigned", no_argument, NULL, 'u'},
        {"all", no_argument, NULL, 'a'},
        {"format", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    id_options opt = {0};
    cli_session session = {0};
    ao_message *message = NULL;
    beamr_error err = {0};
    const char *what;
    int code = CLI_OK, c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h')
            return cli_help(help_text);
        else if (c == 'u')
            opt.is_unsigned = true;
        else if (c == 'a')
            opt.is_all = true;
        else if (c != 'f')
            return cli_usage(argv[0], NULL);
        else if (!cli_form_find(optarg, false, &opt.form))
            return cli_usage(argv[0], "no form is called '%s': json, flat, http or ans104",
                             optarg);
    }
    if (optind + 1 != argc)
        return cli_usage(argv[0], optind == argc ? "no file is given" : "one file at a time");
    if (cli_session_open(NULL, &session, &what, &err) != BEAMR_OK ||
        cli_message_read(session.context, opt.form, argv[optind], &message, &err) != BEAMR_OK)
        code = cli_refuse(argv[0], argv[optind], &err);
    else if (print_id(session.context, &opt, message, &err) != BEAMR_OK)
        code = cli_report(argv[0], argv[optind], &err);
    ao_message_unref(message);
    cli_session_close(&session);
    return code;
}
