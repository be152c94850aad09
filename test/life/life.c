/* A process whose life is cut into pieces, each in a program of its own: for life_test.sh,
 * which compares what comes out with an uninterrupted one.
 *
 *   life [--body-only | --twice] SPAWN FROM TO FOLDER < expressions
 *
 *   SPAWN     module.wasm: a new process; or a folder: the one that was kept there
 *   FROM, TO  the lines of the input that it evaluates, from 1; the slots of its messages
 *   FOLDER    keeps the process, for another program; `-` for nowhere
 *   --body-only   restore from the memory's bytes alone, as old snapshots have it
 *   --twice       send each message twice to the same state, and go on with the second answer:
 *                 that state is then no more the newest, and has to be computed anew
 *
 * A line that begins with `!` gets 200 ms, and only its outcome is printed.
 * Prints what each evaluation gave (`ok`, `error` or `failure`, and the text), the messages
 * that it sent, and at the end the snapshot: each key with its value's length and SHA-256. A
 * process is kept by the id of its message in a store; the folder's file `id` has it. */
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "beamr/ao.h"

enum { LINE_SIZE = 65536 };

static ao_context *context;
static ao_message *in_haste; /* options of a resolution that may not take long */

static _Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("life: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static void check(beamr_status st, const beamr_error *err)
{
    if (st != BEAMR_OK)
        fail("%s: %s", beamr_status_text(st), err->text);
}

/* ---- Resolving ---- */

static void put_text(ao_builder *b, const char *key, const char *text)
{
    ao_builder_put(b, key, ao_binary_text(text));
}

static ao_message *end(ao_builder *b)
{
    ao_message *made = NULL;

    if (ao_builder_end(b, &made) != BEAMR_OK)
        fail("a message cannot be made");
    return made;
}

/* The result of a request, which is given back, on the process. */
static ao_result resolve(const ao_message *state, ao_value request,
                         const ao_message *option_values)
{
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_value base = ao_message_value(ao_message_ref(state));
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};

    options.values = option_values;
    options.hashpath = AO_HASHPATH_IGNORE;
    options.cache_control = AO_CACHE_NO_STORE | AO_CACHE_NO_LOOKUP;
    check(ao_resolve_on(context, base, request, &options, &result, &err), &err);
    ao_value_unref(base);
    ao_value_unref(request);
    return result;
}

/* The same where the result is the next state, in place of the old one. */
static void advance(ao_message **state, const char *key)
{
    ao_result result = resolve(*state, ao_binary_text(key), NULL);
    ao_message *next = ao_to_message(result.value);
    beamr_bytes text =
        next ? ao_text(ao_message_find_text(next, "body")) : ao_text(result.value);

    if (result.outcome != AO_OUTCOME_OK || !next)
        fail("%s: %s: %.*s", key, ao_outcome_text(result.outcome), (int)text.len,
             (const char *)text.data);
    ao_message_unref(*state);
    *state = next;
}

/* ---- Making, keeping, finding ---- */

static ao_value read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    long len;
    char *bytes;
    ao_value value;

    if (!file || fseek(file, 0, SEEK_END) != 0 || (len = ftell(file)) < 0 ||
        fseek(file, 0, SEEK_SET) != 0 || !(bytes = malloc((size_t)len + 1)) ||
        fread(bytes, 1, (size_t)len, file) != (size_t)len)
        fail("%s cannot be read", path);
    (void)fclose(file);
    value = ao_binary_copy((beamr_bytes){(const uint8_t *)bytes, (size_t)len});
    free(bytes);
    return value;
}

static ao_message *spawn(const char *module)
{
    static const char *const devices[] = {"WASI@1.0", "JSON-Iface@1.0", "WASM-64@1.0",
                                          "Multipass@1.0"};
    ao_value stack[4], prefixes[4];
    ao_builder process, base;
    ao_message *state;

    for (size_t i = 0; i < 4; i++) {
        stack[i] = ao_binary_text(devices[i]);
        prefixes[i] = ao_binary_text("wasm");
    }
    ao_builder_begin(&process, NULL, NULL, NULL);
    put_text(&process, "type", "Process");
    put_text(&process, "name", "test");
    put_text(&process, "authority", "me");
    put_text(&process, "from-process", "me"); /* owns it, since nobody has signed it */
    ao_builder_begin(&base, NULL, NULL, NULL);
    put_text(&base, "device", "stack@1.0");
    ao_builder_put(&base, "device-stack", ao_list_new(stack, 4));
    ao_builder_put(&base, "output-prefixes", ao_list_new(prefixes, 4));
    ao_builder_put(&base, "passes", ao_integer(2));
    ao_builder_put(&base, "image", read_file(module));
    ao_builder_put(&base, "process", ao_builder_value(&process));
    state = end(&base);
    advance(&state, "init");
    return state;
}

static ao_value snapshot_of(const ao_message *state)
{
    ao_builder request;
    ao_result result;

    ao_builder_begin(&request, NULL, NULL, NULL);
    put_text(&request, "path", "snapshot");
    put_text(&request, "mode", "Map");
    result = resolve(state, ao_builder_value(&request), NULL);
    if (result.outcome != AO_OUTCOME_OK || !ao_to_message(result.value))
        fail("there is no snapshot");
    return result.value;
}

static void keep(const ao_message *state, ao_value snapshot, const char *folder)
{
    char kv[4096], id[AO_ID_TEXT + 1];
    ao_settings settings = {.kv = kv};
    ao_context *store = NULL;
    beamr_error err = {0};
    ao_builder b;
    ao_message *kept;
    FILE *file;

    (void)mkdir(folder, 0700);
    (void)snprintf(kv, sizeof kv, "lmdb:%s/store", folder);
    ao_builder_begin(&b, state, NULL, NULL);
    ao_builder_reset(&b);
    ao_builder_put(&b, "snapshot", ao_value_ref(snapshot));
    kept = end(&b);
    check(ao_context_new(&settings, &store, &err), &err);
    check(ao_store_message(store, kept, id, &err), &err);
    ao_message_unref(kept);
    ao_context_free(store);
    (void)snprintf(kv, sizeof kv, "%s/id", folder);
    if (!(file = fopen(kv, "w")) || fprintf(file, "%s", id) < 0 || fclose(file) != 0)
        fail("%s cannot be written", kv);
}

/* Leave only the bytes of memory in the snapshot of each device. */
static ao_value bodies_of(ao_value snapshot)
{
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_builder all, one;
    beamr_error err = {0};
    ao_value part, body;

    ao_builder_begin(&all, NULL, NULL, NULL);
    while (ao_message_next(ao_to_message(snapshot), &cursor, &key, &part)) {
        check(ao_value_load(part, &part, &err), &err);
        if (!ao_to_message(part) || ao_message_get(ao_to_message(part), beamr_bytes_of("body"),
                                                   &body, &err) != BEAMR_OK)
            continue;
        ao_builder_begin(&one, NULL, NULL, NULL);
        ao_builder_put(&one, "body", ao_value_ref(body));
        ao_builder_put_name(&all, key, ao_builder_value(&one));
    }
    return ao_builder_value(&all);
}

static ao_message *find(const char *folder, bool is_body_only)
{
    char path[4096];
    ao_message *state = NULL, *with = NULL;
    beamr_error err = {0};
    ao_value id, snapshot;

    (void)snprintf(path, sizeof path, "%s/id", folder);
    id = read_file(path);
    check(ao_load_message(context, ao_bytes(id), &state, &err), &err);
    ao_value_unref(id);
    if (is_body_only) {
        check(ao_message_get(state, beamr_bytes_of("snapshot"), &snapshot, &err), &err);
        check(ao_message_with(state, "snapshot", bodies_of(snapshot), &with, &err), &err);
        ao_message_unref(state);
        state = with;
    }
    advance(&state, "normalize");
    return state;
}

/* ---- Evaluating ---- */

/* Print a value; messages and lists as JSON-like text that shows all of it. */
static void print_value(ao_value value, bool is_digested)
{
    ao_cursor cursor = {0};
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char text[AO_INTEGER_TEXT_SIZE];
    const ao_name *key;
    beamr_error err = {0};
    ao_value inner;
    beamr_bytes bytes;

    check(ao_value_load(value, &value, &err), &err);
    bytes = value.kind == AO_INTEGER ? ao_integer_text(value, text) : ao_text(value);
    if (value.kind == AO_MESSAGE) {
        (void)putchar('{');
        while (ao_message_next(value.of.message, &cursor, &key, &inner)) {
            (void)printf("%s%.*s: ", is_digested ? "\n  " : " ", (int)ao_name_text(key).len,
                         (const char *)ao_name_text(key).data);
            print_value(inner, is_digested);
        }
        (void)fputs(" }", stdout);
    } else if (value.kind == AO_LIST) {
        for (size_t i = 0; i < ao_list_count(value); i++) {
            (void)fputs(i ? ", " : "[", stdout);
            print_value(ao_list_at(value, i), is_digested);
        }
        (void)putchar(']');
    } else if (is_digested) {
        SHA256(bytes.data, bytes.len, digest);
        (void)printf("%zu ", bytes.len);
        for (size_t i = 0; i < sizeof digest; i++)
            (void)printf("%02x", digest[i]);
    } else {
        (void)printf("%.*s", (int)bytes.len, (const char *)bytes.data);
    }
}

static void print_result(const ao_message *state, const char *name)
{
    ao_value value = AO_NO_VALUE;
    beamr_error err = {0};
    char path[64];

    (void)snprintf(path, sizeof path, "results/%s", name);
    if (ao_message_get_path(state, beamr_bytes_of(path), &value, &err) != BEAMR_OK)
        return;
    (void)printf(" %s: ", name);
    print_value(value, false);
}

static ao_value message_of(const ao_message *state, const char *text, int slot)
{
    char id[AO_ID_TEXT + 1];
    ao_value process = AO_NO_VALUE;
    beamr_error err = {0};
    ao_builder body, request;

    check(ao_message_get(state, beamr_bytes_of("process"), &process, &err), &err);
    check(ao_message_id(context, ao_to_message(process), id, &err), &err);
    ao_builder_begin(&body, NULL, NULL, NULL);
    put_text(&body, "target", id);
    put_text(&body, "action", "Eval");
    put_text(&body, "from-process", "me");
    put_text(&body, "data", text);
    ao_builder_begin(&request, NULL, NULL, NULL);
    put_text(&request, "path", "compute");
    ao_builder_put(&request, "slot", ao_integer(slot));
    ao_builder_put(&request, "block-height", ao_integer(1));
    ao_builder_put(&request, "timestamp", ao_integer(1700000000000 + slot));
    ao_builder_put(&request, "body", ao_builder_value(&body));
    return ao_builder_value(&request);
}

/* The process is what the answer says, also that of one that went wrong within the guest. */
static void evaluate(ao_message **state, const char *text, int slot)
{
    bool has_limit = *text == '!';
    ao_result result = resolve(*state, message_of(*state, text + has_limit, slot),
                               has_limit ? in_haste : NULL);
    ao_message *next = ao_to_message(result.value);

    (void)printf("%d %s", slot, ao_outcome_text(result.outcome));
    if (has_limit && result.outcome == AO_OUTCOME_FAILURE) {
        (void)putchar('\n');
        ao_value_unref(result.value);
        return;
    }
    if (!next || ao_message_find_text(next, "process").kind == AO_NONE) {
        beamr_bytes body = ao_text(next ? ao_message_find_text(next, "body") : result.value);

        (void)printf(" %.*s\n", (int)body.len, (const char *)body.data);
        ao_value_unref(result.value);
        return;
    }
    print_result(next, "data");
    print_result(next, "error");
    print_result(next, "body");
    print_result(next, "outbox");
    (void)putchar('\n');
    ao_message_unref(*state);
    *state = next;
}

/* Send it, and forget the answer. */
static void try_out(const ao_message *state, const char *text, int slot)
{
    if (*text != '!')
        ao_value_unref(resolve(state, message_of(state, text, slot), NULL).value);
}

static void evaluate_lines(ao_message **state, int from, int to, bool is_twice)
{
    static char line[LINE_SIZE];

    for (int slot = 1; slot <= to && fgets(line, sizeof line, stdin); slot++) {
        line[strcspn(line, "\n")] = '\0';
        if (slot >= from && is_twice)
            try_out(*state, line, slot);
        if (slot >= from)
            evaluate(state, line, slot);
    }
}

static ao_message *options_of(const char *name, ao_value value)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, name, value);
    return end(&b);
}

/* A context with the store of a folder, if it is one. */
static void open_context(const char *from, bool is_folder)
{
    char kv[4096];
    ao_message *values = options_of("error_strategy", ao_binary_text("stop"));
    ao_settings settings = {.kv = is_folder ? kv : NULL, .values = values};
    beamr_error err = {0};

    (void)snprintf(kv, sizeof kv, "lmdb:%s/store", from);
    check(ao_context_new(&settings, &context, &err), &err);
    ao_message_unref(values);
    in_haste = options_of("wasm_timeout", ao_integer(200));
}

int main(int argc, char **argv)
{
    bool is_body_only = argc > 1 && strcmp(argv[1], "--body-only") == 0;
    bool is_twice = argc > 1 && strcmp(argv[1], "--twice") == 0;
    ao_message *state;
    ao_value snapshot;
    struct stat st;

    argv += is_body_only || is_twice;
    argc -= is_body_only || is_twice;
    if (argc != 5 || stat(argv[1], &st) != 0)
        fail(
            "usage: life [--body-only | --twice] MODULE|FOLDER FROM TO FOLDER|- < expressions");
    open_context(argv[1], S_ISDIR(st.st_mode));
    state = S_ISDIR(st.st_mode) ? find(argv[1], is_body_only) : spawn(argv[1]);
    evaluate_lines(&state, atoi(argv[2]), atoi(argv[3]), is_twice);
    snapshot = snapshot_of(state);
    if (strcmp(argv[4], "-") != 0)
        keep(state, snapshot, argv[4]);
    (void)fputs("snapshot ", stdout);
    print_value(snapshot, true);
    (void)putchar('\n');
    ao_value_unref(snapshot);
    ao_message_unref(state);
    ao_message_unref(in_haste);
    ao_context_free(context);
    return 0;
}
