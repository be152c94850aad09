/* `beamr message`: sign, verify, convert, show and store messages.
 * Signing and checking are the codecs' (ao/codec.h); this reads and writes files. */
#include <getopt.h>

#include "ao/commit.h"
#include "cli/ao.h"
#include "cli/escape.h"

static const char help_text[] =
    "Sign, verify, convert, show and store messages.\n"
    "\n"
    "Usage: beamr message sign FILE --wallet JWK [--codec CODEC] [--to FORM] [-o OUT]\n"
    "       beamr message verify FILE\n"
    "       beamr message convert FILE --to FORM [-o OUT]\n"
    "       beamr message show FILE\n"
    "       beamr message store FILE --kv DIR\n"
    "\n"
    "FILE is JSON, flat text, HTTP fields with a body, or ANS-104, which is recognised; - is\n"
    "standard input. Output goes to standard output, or to OUT.\n"
    "\n"
    "  sign      adds a signature, and writes the message as HTTP fields, or as the bytes of\n"
    "            ANS-104 when that is the codec\n"
    "  verify    prints a line for each commitment: its id, codec, algorithm and committer,\n"
    "            and whether it is valid or why not; a message without a signature is not\n"
    "  convert   writes the message in another form\n"
    "  show      prints it for people\n"
    "  store     puts it into a store, and prints the id by which beamr resolve finds it\n"
    "\n"
    "Options:\n"
    "      --wallet FILE       the key that signs, a JWK: see beamr wallet\n"
    "      --codec CODEC       httpsig@1.0 (default) or ans104@1.0\n"
    "      --format FORM       of the file: json, flat, http or ans104\n"
    "      --to FORM           of the output: json, flat, http, ans104 or text\n"
    "  -o, --output FILE       where to write\n"
    "      --kv DIR            the store: a folder of LMDB; files:DIR\n"
    "  -h, --help              show this\n"
    "\n"
    "Exit codes: 0 ok; 1 a commitment is not valid, there is no signature, or the message "
    "does\n"
    "not fit the form; 2 wrong usage or an input that cannot be used; 3 the host failed.\n"
    "\n"
    "Example:\n"
    "  beamr message sign message.json --wallet key.json -o signed.http\n"
    "  beamr message verify signed.http\n";

typedef struct message_options {
    const char *command; /* as getopt_long shows it */
    const char *wallet, *codec, *output, *kv, *path;
    cli_form form, to;
} message_options;

/* ---- verify ---- */

/* Check one commitment and print its line.
 *   is_valid  also false for one that cannot be checked */
static beamr_status verify_one(ao_context *context, const ao_message *message, beamr_bytes id,
                               ao_value commitment, bool *is_valid, beamr_error *err)
{
    ao_value item = ao_binary_copy(id);
    ao_selection selection = {.commitments = ao_list_new(&item, 1)};
    const char *why = NULL;
    beamr_error own = {0};
    beamr_status st;

    *is_valid = false;
    if (selection.commitments.kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for checking a commitment");
    st = ao_verify(context, message, &selection, is_valid, &why, &own);
    ao_value_unref(selection.commitments);
    if (st == BEAMR_NO_MEMORY)
        return beamr_fail(err, st, 0, "%s", own.text);
    cli_print_commitment(stdout, id, commitment);
    if (*is_valid) {
        (void)fputs(": valid\n", stdout);
        return BEAMR_OK;
    }
    (void)fputs(": not valid: ", stdout);
    cli_print_escaped(stdout, beamr_bytes_of(st != BEAMR_OK ? own.text : why ? why : "?"), "");
    (void)fputc('\n', stdout);
    return BEAMR_OK;
}

static beamr_status verify_all(ao_context *context, const ao_message *message, bool *is_valid,
                               size_t *signatures, beamr_error *err)
{
    ao_value value;
    ao_cursor cursor = {0};
    const ao_name *id;
    beamr_status st;

    *is_valid = true;
    *signatures = 0;
    st = ao_message_get(message, beamr_bytes_of("commitments"), &value, err);
    while (st == BEAMR_OK && value.kind == AO_MESSAGE) {
        ao_value commitment;
        bool is_one_valid;

        if (!ao_message_next(ao_to_message(value), &cursor, &id, &commitment))
            break;
        st = verify_one(context, message, ao_name_text(id), commitment, &is_one_valid, err);
        *is_valid = *is_valid && is_one_valid;
        if (ao_to_message(commitment) &&
            ao_message_find_text(ao_to_message(commitment), "committer").kind != AO_NONE)
            ++*signatures;
    }
    return st;
}

static int verify(cli_session *session, const message_options *opt, const ao_message *message,
                  beamr_error *err)
{
    size_t signatures;
    bool is_valid;

    if (verify_all(session->context, message, &is_valid, &signatures, err) != BEAMR_OK)
        return cli_report(opt->command, opt->path, err);
    if (signatures == 0)
        (void)fprintf(stderr, "%s: %s: there is no signature\n", opt->command, opt->path);
    return is_valid && signatures > 0 ? CLI_OK : CLI_FAILED;
}

/* ---- sign, convert, show ---- */

static int write_as(cli_session *session, const message_options *opt, cli_form form,
                    const ao_message *message, beamr_error *err)
{
    if (cli_message_write(session->context, form, message, opt->output, err) != BEAMR_OK)
        return cli_report(opt->command, NULL, err);
    return CLI_OK;
}

static int sign(cli_session *session, const message_options *opt, const ao_message *message,
                beamr_error *err)
{
    const char *codec = opt->codec ? opt->codec : "httpsig@1.0";
    ao_message *with = NULL;
    int code;

    if (ao_message_commit(session->context, message, codec, NULL, &with, err) != BEAMR_OK)
        return cli_report(opt->command, opt->path, err);
    code = write_as(session, opt, opt->to != FORM_ANY ? opt->to : cli_form_of_codec(codec),
                    with, err);
    ao_message_unref(with);
    return code;
}

static int convert(cli_session *session, const message_options *opt, const ao_message *message,
                   beamr_error *err)
{
    return write_as(session, opt, opt->to, message, err);
}

static int show(cli_session *session, const message_options *opt, const ao_message *message,
                beamr_error *err)
{
    return write_as(session, opt, FORM_TEXT, message, err);
}

/* The message's id leads to what was stored: it is stored under the unsigned one, and those of
 * its commitments. */
static int store(cli_session *session, const message_options *opt, const ao_message *message,
                 beamr_error *err)
{
    char stored[AO_ID_TEXT + 1], id[AO_ID_TEXT + 1];

    if (ao_store_message(session->context, message, stored, err) != BEAMR_OK ||
        ao_message_id(session->context, message, id, err) != BEAMR_OK)
        return cli_report(opt->command, opt->path, err);
    (void)printf("%s\n", id);
    return CLI_OK;
}

typedef int message_verb(cli_session *session, const message_options *opt,
                         const ao_message *message, beamr_error *err);

static const struct {
    const char *name, *full_name;
    message_verb *run;
    const char *options; /* those that mean something to it, by their letters below */
} verbs[] = {
    {"sign", "beamr message sign", sign, "wcfto"},
    {"verify", "beamr message verify", verify, "f"},
    {"convert", "beamr message convert", convert, "fto"},
    {"show", "beamr message show", show, "f"},
    {"store", "beamr message store", store, "fk"},
};

static int run(message_verb *verb, const message_options *opt)
{
    cli_setup setup = {.kv = opt->kv, .wallet = opt->wallet};
    cli_session session = {0};
    ao_message *message = NULL;
    beamr_error err = {0};
    const char *what;
    int code;

    if (cli_session_open(&setup, &session, &what, &err) != BEAMR_OK)
        code = cli_refuse(opt->command, what, &err);
    else if (cli_message_read(session.context, opt->form, opt->path, &message, &err) !=
             BEAMR_OK)
        code = cli_refuse(opt->command, opt->path, &err);
    else
        code = verb(&session, opt, message, &err);
    ao_message_unref(message);
    cli_session_close(&session);
    return code;
}

/* What is missing or too much on the command line; CLI_OK if nothing is. */
static int options_check(const message_options *opt, message_verb *verb, int files)
{
    if (files != 1)
        return cli_usage(opt->command, files ? "one file at a time" : "no file is given");
    if (verb == sign && !opt->wallet)
        return cli_usage(opt->command, "no wallet is given: --wallet FILE");
    if (verb == convert && opt->to == FORM_ANY)
        return cli_usage(opt->command, "no form is given: --to FORM");
    if (verb == store && !opt->kv)
        return cli_usage(opt->command, "no store is given: --kv DIR");
    return CLI_OK;
}

/* allowed  letters of the options that the verb has */
static int options_read(int argc, char **argv, const char *allowed, message_options *opt)
{
    static const struct option options[] = {
        {"wallet", required_argument, NULL, 'w'},
        {"codec", required_argument, NULL, 'c'},
        {"format", required_argument, NULL, 'f'},
        {"to", required_argument, NULL, 't'},
        {"output", required_argument, NULL, 'o'},
        {"kv", required_argument, NULL, 'k'},
        {0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
        bool is_known = true;

        for (size_t i = 0; options[i].name; i++) {
            if (options[i].val == c && !strchr(allowed, c))
                return cli_usage(opt->command, "--%s means nothing here", options[i].name);
        }
        if (c == 'w')
            opt->wallet = optarg;
        else if (c == 'c')
            opt->codec = optarg;
        else if (c == 'o')
            opt->output = optarg;
        else if (c == 'k')
            opt->kv = optarg;
        else if (c == 'f' || c == 't')
            is_known = cli_form_find(optarg, c == 't', c == 't' ? &opt->to : &opt->form);
        else
            return cli_usage("beamr message", NULL);
        if (!is_known)
            return cli_usage("beamr message", "no form is called '%s': json, flat, http%s",
                             optarg, c == 't' ? ", ans104 or text" : " or ans104");
    }
    return CLI_OK;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

int cli_message(int argc, char **argv)
{
    message_options opt = {0};
    int code;

    if (asks_for_help(argc, argv))
        return cli_help(help_text);
    if (argc < 2)
        return cli_usage(argv[0], "what to do is missing: sign, verify, convert, show, store");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(argv[1], verbs[i].name) != 0)
            continue;
        argv[1] = (char *)verbs[i].full_name;
        opt.command = verbs[i].full_name;
        optind = 0;
        if ((code = options_read(argc - 1, argv + 1, verbs[i].options, &opt)) != CLI_OK)
            return code;
        opt.path = argv[1 + optind];
        if ((code = options_check(&opt, verbs[i].run, argc - 1 - optind)) != CLI_OK)
            return code;
        return run(verbs[i].run, &opt);
    }
    return cli_usage(argv[0], "'%s' is not one of sign, verify, convert, show, store", argv[1]);
}
