/* `beamr resolve`: resolve a path on a message and print the result.
 * The words of the command line make the request, whose path has the whole grammar of
 * ao_request_parse; a base that is given stands in the place of the one that the path begins
 * with. Reading and printing messages is cli/ao.h's business. */
#include <getopt.h>
#include <stdlib.h>

#include "cli/ao.h"
#include "cli/escape.h"

static const char help_text[] =
    "Resolve a path on a message, and print what it leads to.\n"
    "\n"
    "Usage: beamr resolve [OPTIONS] PATH [KEY=VALUE | KEY=@FILE | KEY:=JSON]...\n"
    "\n"
    "PATH is one or more keys separated by /, each with inline keys behind & and a device\n"
    "behind ~, and a query behind ?. It may begin with an id, which needs --kv. The words\n"
    "behind it are keys of the request: text, the bytes of a file (- is standard input), or\n"
    "JSON. Without --base the path begins at a message of these keys.\n"
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
    "      --format FORM       of that file: json, flat, http or ans104\n"
    "      --kv DIR            the store: a folder of LMDB, made if it is not there; "
    "files:DIR;\n"
    "                          memory\n"
    "      --wallet FILE       a JWK, for `commit`\n"
    "      --json              print the result as JSON, every nested message included\n"
    "      --headers           print the result as HTTP fields, an empty line and the body\n"
    "  -h, --help              show this\n"
    "\n"
    "Exit codes: 0 ok; 1 the answer is an error, or nothing is there; 2 wrong usage or an\n"
    "input that cannot be used; 3 the host or a device failed.\n"
    "\n"
    "Examples:\n"
    "  beamr resolve /user/name --base message.json\n"
    "  beamr resolve '~test-device@1.0/mul/results' state=x args:='[6, 7]'\n"
    "  beamr resolve '~json@1.0/serialize/body' --base message.flat\n";

typedef struct resolve_options {
    const char *base, *kv, *wallet, *path;
    cli_form form, output;
} resolve_options;

/* ---- Words to a request ---- */

/* The value of `key:=JSON`: the only member of an object that is decoded. */
static beamr_status json_value(ao_context *context, const char *json, ao_value *out,
                               beamr_error *err)
{
    static const char head[] = "{\"value\":", tail[] = "}";
    size_t size = strlen(json) + sizeof head + sizeof tail;
    char *text = malloc(size);
    ao_message *message = NULL;
    ao_value found = AO_NO_VALUE;
    beamr_status st;

    if (!text)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu bytes", size);
    (void)snprintf(text, size, "%s%s%s", head, json, tail);
    st = cli_form_read(context, FORM_JSON, beamr_bytes_of(text), &message, err);
    free(text);
    if (st == BEAMR_OK) {
        found = ao_message_find_text(message, "value");
        if (ao_message_count(message) != 1 || found.kind == AO_NONE)
            st = beamr_fail(err, BEAMR_MESSAGE, 0, "not one JSON value: %s", json);
    }
    if (err->offset >= sizeof head - 1)
        err->offset -= sizeof head - 1; /* as the user sees it */
    *out = ao_value_ref(found);
    ao_message_unref(message);
    return st;
}

static beamr_status file_value(const char *path, ao_value *out, beamr_error *err)
{
    cli_file file = {0};
    beamr_status st = cli_file_read(path, CLI_FILE_MAX, &file, err);

    if (st == BEAMR_OK)
        *out = ao_binary_copy(cli_file_bytes(&file));
    cli_file_clear(&file);
    return st;
}

/* One word into the request. */
static beamr_status word_read(ao_context *context, const char *word, ao_builder *request,
                              beamr_error *err)
{
    const char *sign = strchr(word, '=');
    bool is_json;
    beamr_bytes key;
    ao_value value = AO_NO_VALUE;
    beamr_status st = BEAMR_OK;

    if (!sign || sign == word || (sign == word + 1 && word[0] == ':'))
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "'%s' is not KEY=VALUE, KEY=@FILE or KEY:=JSON", word);
    is_json = sign[-1] == ':';
    key = (beamr_bytes){(const uint8_t *)word, (size_t)(sign - word) - (is_json ? 1 : 0)};
    if (is_json)
        st = json_value(context, sign + 1, &value, err);
    else if (sign[1] == '@')
        st = file_value(sign + 2, &value, err);
    else
        value = ao_binary_text(sign + 1);
    if (st == BEAMR_OK)
        ao_builder_put_key(request, key, value);
    return st;
}

static beamr_status request_make(ao_context *context, const char *path, char *const *words,
                                 BEAMR_OWN ao_message **out, beamr_error *err)
{
    ao_builder request;
    beamr_status st;

    ao_builder_begin(&request, NULL, NULL, err);
    for (; *words; words++) {
        if ((st = word_read(context, *words, &request, err)) != BEAMR_OK) {
            ao_builder_drop(&request);
            return st;
        }
    }
    ao_builder_put(&request, "path", ao_binary_text(path));
    return ao_builder_end(&request, out);
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
static beamr_status list_make(ao_context *context, const resolve_options *opt,
                              char *const *words, ao_value *out, const char **what,
                              beamr_error *err)
{
    ao_message *request = NULL;
    ao_value base = AO_NO_VALUE;
    beamr_status st = request_make(context, opt->path, words, &request, err);

    if (st == BEAMR_OK)
        st = ao_request_parse(context, request, out, err);
    ao_message_unref(request);
    if (st != BEAMR_OK || !opt->base)
        return st;
    *what = opt->base;
    if ((st = base_read(context, opt, &base, err)) == BEAMR_OK) {
        *what = NULL;
        st = base_put(base, out, err);
    }
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

/* A literal as JSON: as the only member of a message, without what is around it. */
static beamr_status json_literal(ao_context *context, ao_value value, beamr_error *err)
{
    char digits[AO_INTEGER_TEXT_SIZE];
    ao_message *message = NULL;
    beamr_status st;
    beamr_bytes text;

    if (value.kind == AO_INTEGER || value.kind == AO_ATOM) {
        text = value.kind == AO_INTEGER ? ao_integer_text(value, digits) : ao_text(value);
        if (value.kind == AO_INTEGER || ao_is_atom(value, "true") ||
            ao_is_atom(value, "false") || ao_is_atom(value, "null"))
            (void)fwrite(text.data, 1, text.len, stdout);
        else
            cli_print_quoted(stdout, text);
        (void)fputc('\n', stdout);
        return BEAMR_OK;
    }
    if (value.kind == AO_FLOAT) {
        (void)printf("%.17g\n", value.of.number);
        return BEAMR_OK;
    }
    if (value.kind == AO_BINARY) {
        cli_print_quoted(stdout, ao_bytes(value));
        (void)fputc('\n', stdout);
        return BEAMR_OK;
    }
    if ((st = ao_list_to_message(value, &message, err)) == BEAMR_OK)
        st = cli_form_write(context, FORM_JSON, message, stdout, err);
    ao_message_unref(message);
    return st;
}

static beamr_status value_print(ao_context *context, cli_form output, ao_value value,
                                beamr_error *err)
{
    ao_value loaded;
    beamr_status st = ao_value_load(value, &loaded, err);

    if (st != BEAMR_OK)
        return st;
    if (loaded.kind == AO_MESSAGE)
        return cli_form_write(context, output, ao_to_message(loaded), stdout, err);
    if (output == FORM_JSON)
        return json_literal(context, loaded, err);
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

/* One line about what is no success: the outcome, the status if there is one, the text. */
static void outcome_tell(const char *command, const ao_result *result)
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
                  const ao_result *result)
{
    int code = exit_of_outcome(result->outcome);
    bool is_told = code != CLI_OK;
    beamr_error err = {0};

    if (is_told)
        outcome_tell(command, result);
    /* What an error has besides its text, and forms for programs, go to stdout. */
    if (is_told && opt->output == FORM_TEXT && is_all_told(result->value))
        return code;
    if (value_print(context, opt->output, result->value, &err) != BEAMR_OK)
        return cli_report(command, NULL, &err);
    return code;
}

static int resolve(const char *command, const resolve_options *opt, char *const *words)
{
    ao_options options = AO_OPTIONS_DEFAULT;
    cli_session session = {0};
    ao_value list = AO_NO_VALUE;
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};
    const char *what;
    int code;

    options.force_message = opt->output == FORM_HTTP;
    if (cli_session_open(opt->kv, opt->wallet, &session, &what, &err) != BEAMR_OK ||
        list_make(session.context, opt, words, &list, &what, &err) != BEAMR_OK ||
        check_store(opt, list, &err) != BEAMR_OK)
        code = cli_refuse(command, what, &err);
    else if (ao_resolve(session.context, list, &options, &result, &err) != BEAMR_OK)
        code = cli_report(command, NULL, &err);
    else
        code = answer(command, session.context, opt, &result);
    ao_value_unref(result.value);
    ao_value_unref(list);
    cli_session_close(&session);
    return code;
}

int cli_resolve(int argc, char **argv)
{
    static const struct option options[] = {
        {"base", required_argument, NULL, 'b'}, {"format", required_argument, NULL, 'f'},
        {"kv", required_argument, NULL, 'k'},   {"wallet", required_argument, NULL, 'w'},
        {"json", no_argument, NULL, 'j'},       {"headers", no_argument, NULL, 'H'},
        {"help", no_argument, NULL, 'h'},       {0},
    };
    resolve_options opt = {0};
    bool is_json = false, is_http = false;
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h')
            return cli_help(help_text);
        else if (c == 'b')
            opt.base = optarg;
        else if (c == 'k')
            opt.kv = optarg;
        else if (c == 'w')
            opt.wallet = optarg;
        else if (c == 'j')
            is_json = true;
        else if (c == 'H')
            is_http = true;
        else if (c != 'f')
            return cli_usage(argv[0], NULL);
        else if (!cli_form_find(optarg, false, &opt.form))
            return cli_usage(argv[0], "no form is called '%s': json, flat, http or ans104",
                             optarg);
    }
    if (optind == argc)
        return cli_usage(argv[0], "no path is given");
    if (is_json && is_http)
        return cli_usage(argv[0], "both --json and --headers are given");
    opt.output = is_json ? FORM_JSON : is_http ? FORM_HTTP : FORM_TEXT;
    opt.path = argv[optind];
    for (int i = optind + 1; i < argc; i++) {
        if (!strchr(argv[i], '='))
            return cli_usage(argv[0], "'%s' is not KEY=VALUE, KEY=@FILE or KEY:=JSON", argv[i]);
    }
    return resolve(argv[0], &opt, argv + optind + 1);
}
