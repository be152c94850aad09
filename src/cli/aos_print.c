/* Answers of a process: cli/aos.h.
 * What was evaluated goes to stdout, errors to stderr. Texts of processes are often coloured;
 * on a terminal the sequences for colours pass, up to the end of the text, and every other
 * control character is escaped. */
#include <string.h>
#include <unistd.h>

#include "cli/aos.h"
#include "cli/escape.h"

/* ---- Texts ---- */

/* Length of the sequence for colours that begins here: ESC [ digits and ; m.  0: none. */
static size_t colour_length(beamr_bytes text)
{
    enum { LONGEST = 32 };
    size_t i = 2;

    if (text.len < 3 || text.data[0] != 0x1b || text.data[1] != '[')
        return 0;
    while (i < text.len && i < LONGEST &&
           ((text.data[i] >= '0' && text.data[i] <= '9') || text.data[i] == ';'))
        i++;
    return i < text.len && text.data[i] == 'm' ? i + 1 : 0;
}

static void print_text(FILE *out, beamr_bytes text)
{
    bool is_coloured = false;
    size_t from = 0;

    for (size_t i = 0; isatty(fileno(out)) && i < text.len; i++) {
        beamr_bytes rest = {text.data + i, text.len - i};
        size_t len = colour_length(rest);

        if (!len)
            continue;
        cli_print_bytes(out, (beamr_bytes){text.data + from, i - from});
        (void)fwrite(rest.data, 1, len, out);
        is_coloured = true;
        from = i + len;
        i = from - 1;
    }
    if (from < text.len)
        cli_print_bytes(out, (beamr_bytes){text.data + from, text.len - from});
    if (is_coloured) /* what comes next is not the process's */
        (void)fputs("\033[0m", out);
}

static void print_line(FILE *out, beamr_bytes text)
{
    print_text(out, text);
    if (!text.len || text.data[text.len - 1] != '\n')
        (void)fputc('\n', out);
}

static void print_value(FILE *out, ao_value value)
{
    beamr_error err = {0};

    if (value.kind == AO_BINARY)
        print_line(out, ao_bytes(value));
    else if (cli_json_write(NULL, value, out, &err) != BEAMR_OK)
        cli_print_value(out, value);
}

/* ---- Streams ---- */

/* What does not end a line is ended, so that answers begin theirs. */
static void print_stream(aos *p, const char *path, FILE *out, size_t *shown)
{
    beamr_error err = {0};
    beamr_bytes bytes;
    ao_value value;

    if (ao_message_get_path(p->state, beamr_bytes_of(path), &value, &err) != BEAMR_OK)
        return;
    bytes = ao_bytes(value);
    if (bytes.len < *shown) /* the process has begun it anew */
        *shown = 0;
    if (bytes.len > *shown)
        print_line(out, (beamr_bytes){bytes.data + *shown, bytes.len - *shown});
    *shown = bytes.len;
}

void aos_print_streams(aos *process)
{
    print_stream(process, "vfs/dev/stdout", stdout, &process->shown_output);
    (void)fflush(stdout);
    print_stream(process, "vfs/dev/stderr", stderr, &process->shown_error);
}

/* ---- Results ---- */

static ao_value find(const ao_message *message, const char *path)
{
    beamr_error err = {0};
    ao_value value = AO_NO_VALUE;

    if (ao_message_get_path(message, beamr_bytes_of(path), &value, &err) != BEAMR_OK)
        return AO_NO_VALUE;
    return value;
}

/* Older programs answer with {output, prompt, json}. */
static ao_value data_of(const ao_message *state)
{
    ao_value data = find(state, "results/data"), output;

    if (data.kind != AO_MESSAGE)
        return data;
    output = ao_message_find_text(ao_to_message(data), "output");
    return output.kind == AO_NONE ? data : output;
}

/* The guest was not even called. */
static bool lacks_handle(const ao_message *state)
{
    static const char text[] = "Function not found";
    beamr_bytes output = ao_bytes(find(state, "results/wasm/output"));

    return output.len >= sizeof text - 1 && memcmp(output.data, text, sizeof text - 1) == 0;
}

/* The error of results; AO_NONE when there is none.
 *   what  gets what kind of error it is */
static ao_value error_of(const ao_message *state, bool is_error, const char **what)
{
    ao_value error = find(state, "results/error");

    *what = "error";
    if (error.kind != AO_NONE || !is_error)
        return error;
    *what = lacks_handle(state) ? "error: the module is not made for aos" : "trap";
    error = find(state, "results/wasm/output");
    if (ao_text(find(state, "results/wasm/type")).len == 5 && error.kind == AO_BINARY)
        return error;
    *what = "error";
    return find(state, "results/body");
}

/* Programs begin their errors with empty lines. */
static void print_error(const char *what, ao_value error)
{
    beamr_bytes text = ao_bytes(error);

    (void)fflush(stdout);
    (void)fprintf(stderr, "%s: ", what);
    while (text.len && text.data[0] == '\n')
        text.data++, text.len--;
    if (error.kind == AO_BINARY)
        print_line(stderr, text);
    else
        print_value(stderr, error);
}

/* What streams did not take is not among what they hold. */
static void print_lost(const aos *p)
{
    int64_t bytes;

    if (ao_to_integer(find(p->state, "results/wasm/output-lost"), &bytes) && bytes > 0) {
        (void)fflush(stdout);
        (void)fprintf(stderr, "%s: %lld bytes of output are lost (wasi_max_output)\n",
                      p->opt->command, (long long)bytes);
    }
}

/* There is something to print. */
static bool is_answer(ao_value data)
{
    return data.kind != AO_NONE && !(data.kind == AO_BINARY && !ao_bytes(data).len);
}

static void print_messages(const aos *p, const char *path, const char *name)
{
    const ao_message *all = ao_to_message(find(p->state, path));
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;

    while (all && ao_message_next(all, &cursor, &key, &value)) {
        (void)printf("%s ", name);
        cli_print_escaped(stdout, ao_name_text(key), ""); /* who knows whose process it is */
        (void)putchar('\n');
        cli_print_value(stdout, value);
    }
}

void aos_print_outbox(const aos *process)
{
    ao_value assignments = find(process->state, "results/assignments");

    print_messages(process, "results/outbox", "message");
    print_messages(process, "results/spawns", "spawn");
    if (assignments.kind != AO_NONE) {
        (void)puts("assignments");
        cli_print_value(stdout, assignments);
    }
}

int aos_print_results(aos *process, bool is_error)
{
    const char *what;
    ao_value error = error_of(process->state, is_error, &what);
    ao_value data = data_of(process->state);
    bool is_same = ao_value_equal(data, error);

    print_lost(process);
    if (is_answer(data) && !is_same)
        print_value(stdout, data);
    if (process->opt->shows_outbox)
        aos_print_outbox(process);
    if (error.kind != AO_NONE)
        print_error(what, error);
    else if (is_error)
        (void)fprintf(stderr, "error: the process gave no results\n");
    return is_error || error.kind != AO_NONE ? CLI_FAILED : CLI_OK;
}
