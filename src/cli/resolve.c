/* `beamr resolve`: resolve a path on a message and print the result.
 * The words of the command line make the request, whose path has the whole grammar of
 * ao_request_parse; a base that is given stands in the place of the one that the path begins
 * with. Reading and printing messages is cli/ao.h's business. */
#include <getopt.h>
#include <stdlib.h>

#include "ao/set.h"
#include "ao/task.h"
#include "cli/ao.h"
#include "cli/escape.h"

static const char help_text[] =
    "Resolve a path on a message, and print what it leads to.\n"
    "\n"
    "Usage: beamr resolve [OPTIONS] PATH [KEY=VALUE | KEY=@FILE | KEY:=JSON]...\n"
    "       beamr resolve [OPTIONS] --request FILE [PATH [KEY...]]\n"
    "\n"
    "PATH is one or more keys separated by /, each with inline keys behind & and a device\n"
    "behind ~, and a query behind ?. It may begin with an id, which needs --kv. The words\n"
    "behind it are keys of the request: text, the bytes of a file (- is standard input), or\n"
    "JSON. Without --base the path begins at a message of these keys; with it, keys that\n"
    "begin with 0. are put into the base, as in 0.image=@module.wasm or 0.user/name=Ada.\n"
    "\n"
    "A message is printed one key a line, with types shown and long values shortened; a\n"
    "binary as the bytes it is, without a line end, or escaped and with one on a terminal.\n"
    "Links to stored messages are named.\n"
    "\n"
    "Options:\n"
    "      --base FILE|ID      resolve on this message: a file as JSON, flat text, HTTP "
    "fields\n"
    "                          with a body, or ANS-104, which is recognised; - is standard\n"
    "                          input; or an id in the store\n"
    "      --request FILE      take keys of the request from a file too, and its `path` if\n"
    "                          none is given\n"
    "      --format FORM       of these files: json, flat, http or ans104\n"
    "      --kv DIR            the store: a folder of LMDB, made if it is not there; "
    "files:DIR;\n"
    "                          memory\n"
    "      --wallet FILE       a JWK, for `commit`\n"
    "      --option NAME=VALUE an option of the node, as wasm_timeout=1000 (ms); a wrong name\n"
    "                          shows all of them\n"
    "      --json              print the result as JSON, every nested message included\n"
    "      --headers           print the result as HTTP fields, an empty line and the body\n"
    "  -h, --help              show this\n"
    "\n"
    "Exit codes: 0 ok; 1 the answer is an error, or nothing is there; 2 wrong usage or an\n"
    "input that cannot be used; 3 the host or a device failed.\n"
    "\n"
    "Examples:\n"
    "  beamr resolve /user/name --base message.json\n"
    "  beamr resolve '~wasm64@1.0/init/compute/results/output/1' image=@calculator.wasm \\\n"
    "    function=evaluate_expression parameters:='[\"sqrt(9) * (10 / 2)\"]'\n"
    "  beamr resolve '~test-device@1.0/mul/results' state=x args:='[6, 7]'\n"
    "  beamr resolve '~json@1.0/serialize/body' --base message.flat\n";

typedef struct resolve_options {
    const char *base, *request, *kv, *wallet;
    const char *path; /* NULL: that of `request` */
    char *const *words;
    ao_builder *values; /* options of the node */
    cli_form form, output;
} resolve_options;

/* ---- The request ---- */

/* `0.KEY=VALUE` with a base that is given: a key of that. */
static bool is_of_base(const resolve_options *opt, const char *word)
{
    return opt->base && strncmp(word, "0.", 2) == 0;
}

static beamr_status words_read(ao_context *context, const resolve_options *opt,
                               ao_builder *into, beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    for (char *const *word = opt->words; *word && st == BEAMR_OK; word++) {
        if (!is_of_base(opt, *word))
            st = cli_word_read(context, *word, into, err);
    }
    return st;
}

static beamr_status request_make(ao_context *context, const resolve_options *opt,
                                 const char **what, BEAMR_OWN ao_message **out,
                                 beamr_error *err)
{
    ao_message *file = NULL;
    ao_builder request;
    beamr_status st = BEAMR_OK;

    *what = opt->request;
    if (opt->request)
        st = cli_message_read(context, opt->form, opt->request, &file, err);
    if (st == BEAMR_OK && !opt->path && ao_message_find_text(file, "path").kind != AO_BINARY)
        st = beamr_fail(err, BEAMR_ARGUMENT, 0, "it has no key `path`, and no path is given");
    if (st != BEAMR_OK)
        goto out;
    *what = NULL;
    ao_builder_begin(&request, file, NULL, err);
    if ((st = words_read(context, opt, &request, err)) != BEAMR_OK) {
        ao_builder_drop(&request);
        goto out;
    }
    if (opt->path)
        ao_builder_put(&request, "path", ao_binary_text(opt->path));
    st = ao_builder_end(&request, out);
out:
    ao_message_unref(file);
    return st;
}

/* ---- The base ---- */

/* `--base`: a file, or an id when there is no such file and it looks like one. */
static beamr_status base_read(ao_context *context, const resolve_options *opt, ao_value *out,
                              beamr_error *err)
{
    size_t len = strlen(opt->base);
    FILE *file = len == AO_ID_TEXT && !strchr(opt->base, '/') ? fopen(opt->base, "rbe") : NULL;
    ao_message *message = NULL;
    beamr_status st;

    if (len == AO_ID_TEXT && !strchr(opt->base, '/') && !file) {
        *out = ao_binary_text(opt->base);
        return BEAMR_OK;
    }
    if (file)
        (void)fclose(file);
    if ((st = cli_message_read(context, opt->form, opt->base, &message, err)) == BEAMR_OK)
        *out = ao_message_value(message);
    return st;
}

/* `0.KEY=VALUE`: the key, which may be a path, in the base. */
static beamr_status base_with_word(ao_context *context, const char *word, ao_value *base,
                                   beamr_error *err)
{
    ao_message *parsed = NULL, *changed = NULL;
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_builder one;
    ao_value value;
    beamr_status st;

    ao_builder_begin(&one, NULL, NULL, err);
    if ((st = cli_word_read(context, word, &one, err)) != BEAMR_OK) {
        ao_builder_drop(&one);
        return st;
    }
    if ((st = ao_builder_end(&one, &parsed)) != BEAMR_OK)
        return st;
    if (ao_message_next(parsed, &cursor, &key, &value))
        st =
            ao_set_path(context, ao_to_message(*base), ao_name_text(key), value, &changed, err);
    ao_message_unref(parsed);
    if (changed) {
        ao_value_unref(*base);
        *base = ao_message_value(changed);
    }
    return st;
}

static beamr_status base_with_words(ao_context *context, const resolve_options *opt,
                                    ao_value *base, beamr_error *err)
{
    ao_message *stored = NULL;
    beamr_status st = BEAMR_OK;

    for (char *const *word = opt->words; *word && st == BEAMR_OK; word++) {
        if (!is_of_base(opt, *word))
            continue;
        if (base->kind == AO_BINARY) { /* an id */
            if ((st = ao_load_message(context, ao_bytes(*base), &stored, err)) != BEAMR_OK)
                return st;
            ao_value_unref(*base);
            *base = ao_message_value(stored);
        }
        st = base_with_word(context, *word + 2, base, err);
    }
    return st;
}

/* The first step is a mere device, `~name`: it becomes the base's. */
static beamr_status base_with_device(ao_value base, ao_value as, ao_value *out,
                                     beamr_error *err)
{
    ao_message *message = NULL;
    beamr_status st;

    if (base.kind != AO_MESSAGE) {
        *out = ao_as(ao_value_ref(ao_as_device(as)), ao_value_ref(base));
        return BEAMR_OK;
    }
    st = ao_message_with(ao_to_message(base), "device", ao_value_ref(ao_as_device(as)),
                         &message, err);
    if (st == BEAMR_OK)
        *out = ao_message_value(message);
    return st;
}

static bool is_mere_device(ao_value step)
{
    ao_message *inner = step.kind == AO_AS ? ao_to_message(ao_as_inner(step)) : NULL;
    ao_value path = inner ? ao_message_find_text(inner, "path") : AO_NO_VALUE;

    return inner && (path.kind == AO_NONE || (path.kind == AO_BINARY && !ao_bytes(path).len));
}

/* Put the base that was given in the place of the one that the path begins with. */
static beamr_status base_put(ao_value base, ao_value *list, beamr_error *err)
{
    size_t count = ao_list_count(*list), n = 0, from = 1;
    ao_value first = ao_list_at(*list, 0), begin = AO_NO_VALUE;
    ao_value *items = calloc(count + 1, sizeof *items);
    beamr_status st = BEAMR_OK;

    if (!items)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the path");
    if (first.kind == AO_BINARY)
        st = beamr_fail(err, BEAMR_ARGUMENT, 0,
                        "the path begins with an id: there is no place "
                        "for --base");
    else if (is_mere_device(first))
        st = base_with_device(base, first, &begin, err);
    else
        begin = ao_value_ref(base);
    if (first.kind == AO_AS && !is_mere_device(first))
        from = 0; /* the base comes before it */
    if (st == BEAMR_OK) {
        items[n++] = begin;
        for (size_t i = from; i < count; i++)
            items[n++] = ao_value_ref(ao_list_at(*list, i));
        ao_value_unref(*list);
        *list = ao_list_new(items, n);
    }
    free(items);
    return st;
}

/* The list of messages that is to be resolved.
 *   what  gets the file that a failure is about, if it is one */
static beamr_status list_make(ao_context *context, const resolve_options *opt, ao_value *out,
                              const char **what, beamr_error *err)
{
    ao_message *request = NULL;
    ao_value base = AO_NO_VALUE;
    beamr_status st = request_make(context, opt, what, &request, err);

    if (st == BEAMR_OK)
        st = ao_request_parse(context, request, out, err);
    ao_message_unref(request);
    if (st != BEAMR_OK || !opt->base)
        return st;
    *what = opt->base;
    if ((st = base_read(context, opt, &base, err)) == BEAMR_OK) {
        *what = NULL;
        st = base_with_words(context, opt, &base, err);
    }
    if (st == BEAMR_OK)
        st = base_put(base, out, err);
    ao_value_unref(base);
    return st;
}

/* An id without a store is a mistake on the command line, not an answer of AO's. */
static beamr_status check_store(const resolve_options *opt, ao_value list, beamr_error *err)
{
    if (opt->kv || ao_list_at(list, 0).kind != AO_BINARY)
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "an id needs a store: --kv DIR");
}

/* ---- The answer ---- */

static beamr_status value_print(ao_context *context, cli_form output, ao_value value,
                                beamr_error *err)
{
    ao_value loaded;
    beamr_status st = ao_value_load(value, &loaded, err);

    if (st != BEAMR_OK)
        return st;
    if (output == FORM_JSON)
        return cli_json_write(context, loaded, stdout, err);
    if (loaded.kind == AO_MESSAGE)
        return cli_form_write(context, output, ao_to_message(loaded), stdout, err);
    if (loaded.kind == AO_BINARY)
        cli_print_last(stdout, ao_bytes(loaded));
    else
        cli_print_value(stdout, loaded);
    return BEAMR_OK;
}

static int exit_of_outcome(ao_outcome outcome)
{
    switch (outcome) {
    case AO_OUTCOME_OK:
    case AO_OUTCOME_CREATED:
        return CLI_OK;
    case AO_OUTCOME_ERROR:
    case AO_OUTCOME_NOT_FOUND:
        return CLI_FAILED;
    default:
        return CLI_HOST_FAILED;
    }
}

/* One line about what is no success: the outcome, the status if there is one, the text, or what
 * was not found. */
static void outcome_tell(const char *command, ao_value list, const task_end *end,
                         const ao_result *result)
{
    ao_message *message = ao_to_message(result->value);
    ao_value text = message ? ao_message_find_text(message, "body") : result->value;
    int64_t status;

    (void)fprintf(stderr, "%s: %s", command, ao_outcome_text(result->outcome));
    if (message && ao_to_integer(ao_message_find_text(message, "status"), &status))
        (void)fprintf(stderr, " %lld", (long long)status);
    if (ao_text(text).len > 0) {
        (void)fputs(": ", stderr);
        cli_print_escaped(stderr, ao_text(text), "");
    }
    if (ao_is_atom(result->value, "not_found"))
        cli_end_tell(stderr, list, end);
    (void)fputc('\n', stderr);
}

/* Nothing but what outcome_tell has printed. */
static bool is_all_told(ao_value value)
{
    ao_message *message = ao_to_message(value);
    size_t told = 0;

    if (!message)
        return true;
    told += ao_message_find_text(message, "status").kind == AO_INTEGER;
    told += ao_text(ao_message_find_text(message, "body")).len > 0;
    return told == ao_message_count(message);
}

static int answer(const char *command, ao_context *context, const resolve_options *opt,
                  ao_value list, const task_end *end, const ao_result *result)
{
    int code = exit_of_outcome(result->outcome);
    bool is_told = code != CLI_OK;
    beamr_error err = {0};

    if (is_told)
        outcome_tell(command, list, end, result);
    /* What an error has besides its text, and forms for programs, go to stdout. */
    if (is_told && opt->output == FORM_TEXT && is_all_told(result->value))
        return code;
    if (value_print(context, opt->output, result->value, &err) != BEAMR_OK)
        return cli_report(command, NULL, &err);
    return code;
}

static beamr_status session_open(const char *command, const resolve_options *opt,
                                 cli_session *out, const char **what, beamr_error *err)
{
    cli_setup setup = {.kv = opt->kv, .wallet = opt->wallet, .command = command};
    ao_message *values = NULL;
    beamr_status st;

    *what = NULL;
    if ((st = ao_builder_end(opt->values, &values)) != BEAMR_OK)
        return st;
    setup.values = ao_message_count(values) ? values : NULL;
    st = cli_session_open(&setup, out, what, err);
    ao_message_unref(values);
    return st;
}

static int resolve(const char *command, const resolve_options *opt)
{
    ao_options options = AO_OPTIONS_DEFAULT;
    cli_session session = {0};
    ao_value list = AO_NO_VALUE;
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};
    task_end end = {0};
    const char *what;
    int code;

    options.force_message = opt->output == FORM_HTTP;
    if (session_open(command, opt, &session, &what, &err) != BEAMR_OK ||
        list_make(session.context, opt, &list, &what, &err) != BEAMR_OK ||
        check_store(opt, list, &err) != BEAMR_OK)
        code = cli_refuse(command, what, &err);
    else if (task_resolve_list(session.context, list, &options, &end, &result, &err) !=
             BEAMR_OK)
        code = cli_report(command, NULL, &err);
    else
        code = answer(command, session.context, opt, list, &end, &result);
    ao_value_unref(end.base);
    ao_value_unref(result.value);
    ao_value_unref(list);
    cli_session_close(&session);
    return code;
}

/* One option.  Returns CLI_OK, or what the command ends with. */
static int option_read(const char *command, int c, resolve_options *opt)
{
    beamr_error err = {0};

    switch (c) {
    case 'b':
        opt->base = optarg;
        return CLI_OK;
    case 'r':
        opt->request = optarg;
        return CLI_OK;
    case 'k':
        opt->kv = optarg;
        return CLI_OK;
    case 'w':
        opt->wallet = optarg;
        return CLI_OK;
    case 'j':
    case 'H':
        if (opt->output != FORM_TEXT && opt->output != (c == 'j' ? FORM_JSON : FORM_HTTP))
            return cli_usage(command, "both --json and --headers are given");
        opt->output = c == 'j' ? FORM_JSON : FORM_HTTP;
        return CLI_OK;
    case 'o':
        if (cli_option_read(optarg, opt->values, &err) != BEAMR_OK)
            return cli_usage(command, "%s", err.text);
        return CLI_OK;
    case 'f':
        if (!cli_form_find(optarg, false, &opt->form))
            return cli_usage(command, "no form is called '%s': json, flat, http or ans104",
                             optarg);
        return CLI_OK;
    default:
        return cli_usage(command, NULL);
    }
}

/* What stands behind the options. */
static int words_take(const char *command, char *const *argv, resolve_options *opt)
{
    if (!argv[0] && !opt->request)
        return cli_usage(command, "no path is given");
    opt->path = argv[0];
    opt->words = argv + (argv[0] ? 1 : 0);
    for (char *const *word = opt->words; *word; word++) {
        if (!cli_is_word(*word))
            return cli_usage(command, "'%s' is not KEY=VALUE, KEY=@FILE or KEY:=JSON", *word);
    }
    return CLI_OK;
}

int cli_resolve(int argc, char **argv)
{
    static const struct option options[] = {
        {"base", required_argument, NULL, 'b'},   {"request", required_argument, NULL, 'r'},
        {"format", required_argument, NULL, 'f'}, {"kv", required_argument, NULL, 'k'},
        {"wallet", required_argument, NULL, 'w'}, {"option", required_argument, NULL, 'o'},
        {"json", no_argument, NULL, 'j'},         {"headers", no_argument, NULL, 'H'},
        {"help", no_argument, NULL, 'h'},         {0},
    };
    beamr_error err = {0};
    ao_builder values;
    resolve_options opt = {.output = FORM_TEXT, .values = &values};
    int c, code = CLI_OK;

    ao_builder_begin(&values, NULL, NULL, &err);
    while (code == CLI_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            ao_builder_drop(&values);
            return cli_help(help_text);
        }
        code = option_read(argv[0], c, &opt);
    }
    if (code == CLI_OK)
        code = words_take(argv[0], argv + optind, &opt);
    if (code == CLI_OK)
        return resolve(argv[0], &opt);
    ao_builder_drop(&values);
    return code;
}
