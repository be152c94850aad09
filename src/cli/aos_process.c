/* Processes of `beamr aos`: cli/aos.h.
 * A process is a message whose device is a stack, as process@1.0 would have it run:
 *
 *   device            stack@1.0
 *   device-stack      WASI@1.0, JSON-Iface@1.0, WASM-64@1.0, Multipass@1.0
 *   output-prefixes   `wasm` for all, so that they agree where the guest is
 *   passes            2
 *   image             the module
 *   mode              AOT with --tier native
 *   process           the definition: type, image (its id) and what was given on the command
 *                     line; signed, or not
 *   at-slot           of the last message
 *
 * A message goes to the key `compute` as the body of an assignment with slot, timestamp and
 * block-height, and the answer is the process after it, with `results`. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/aos.h"
#include "cli/escape.h"
#include "device/world.h"

enum { LOCK_SECONDS = 5, OPEN_TRIES = 20 };

/* Of the process that is open: a signal handler is given nothing. */
static dev_world *_Atomic world;

/* ---- Resolving ---- */

static ao_options inner_options(void)
{
    ao_options options = AO_OPTIONS_DEFAULT;

    options.hashpath = AO_HASHPATH_IGNORE;
    options.cache_control = AO_CACHE_NO_STORE | AO_CACHE_NO_LOOKUP;
    return options;
}

/* Resolve a request, which is taken over, on the state. */
static beamr_status resolve(aos *p, BEAMR_OWN ao_value request, ao_result *out,
                            beamr_error *err)
{
    ao_options options = inner_options();
    ao_value base = ao_message_value(ao_message_ref(p->state));
    beamr_status st;

    if (request.kind == AO_NONE) {
        ao_value_unref(base);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a request");
    }
    st = ao_resolve_on(p->session.context, base, request, &options, out, err);
    ao_value_unref(request);
    ao_value_unref(base);
    return st;
}

static void take_state(aos *p, ao_message *state)
{
    ao_message_ref(state);
    ao_message_unref(p->state);
    p->state = state;
}

void aos_note(aos *process, int code)
{
    if (code > process->code)
        process->code = code;
}

/* One line about an outcome that is no state: {status, body}, or a text.
 *   what  NULL: a message */
static int tell_outcome(aos *p, const char *what, const ao_result *result)
{
    ao_message *message = ao_to_message(result->value);
    ao_value text = message ? ao_message_find_text(message, "body") : result->value;

    (void)fflush(stdout);
    (void)fprintf(stderr, "%s: ", p->opt->command);
    if (what)
        (void)fprintf(stderr, "%s: ", what);
    (void)fprintf(stderr, "%s: ", ao_outcome_text(result->outcome));
    cli_print_escaped(stderr, ao_text(text), "");
    (void)fputc('\n', stderr);
    return result->outcome == AO_OUTCOME_ERROR ? CLI_FAILED : CLI_HOST_FAILED;
}

/* ---- Making one ---- */

static beamr_status put_tags(ao_context *context, char *const *tags, size_t count,
                             ao_builder *into, beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    for (size_t i = 0; i < count && st == BEAMR_OK; i++)
        st = cli_word_read(context, tags[i], into, err);
    return st;
}

/* End a message, signed if there is a wallet. */
static beamr_status end_message(aos *p, ao_builder *builder, ao_message **out, beamr_error *err)
{
    ao_message *message = NULL;
    beamr_status st = ao_builder_end(builder, &message);

    if (st != BEAMR_OK || !p->session.wallet) {
        if (st == BEAMR_OK)
            *out = message;
        return st;
    }
    st = ao_message_commit(p->session.context, message, NULL, NULL, out, err);
    ao_message_unref(message);
    return st;
}

/* {body: module}, whose id is the image's. */
static beamr_status make_image(aos *p, ao_message **out, char id[AO_ID_TEXT + 1],
                               beamr_error *err)
{
    cli_file file = {0};
    ao_builder builder;
    beamr_status st = cli_file_read(p->opt->module, CLI_FILE_MAX, &file, err);

    if (st != BEAMR_OK)
        return st;
    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "content-type", ao_binary_text("application/wasm"));
    ao_builder_put(&builder, "body", ao_binary_copy(cli_file_bytes(&file)));
    cli_file_clear(&file);
    if ((st = ao_builder_end(&builder, out)) != BEAMR_OK)
        return st;
    return ao_message_unsigned_id(p->session.context, *out, id, err);
}

static beamr_status make_definition(aos *p, const char *image, ao_message **out,
                                    beamr_error *err)
{
    const aos_options *opt = p->opt;
    ao_builder builder;
    beamr_status st;

    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "type", ao_binary_text("Process"));
    ao_builder_put(&builder, "data-protocol", ao_binary_text("ao"));
    ao_builder_put(&builder, "variant", ao_binary_text("ao.N.1"));
    ao_builder_put(&builder, "image", ao_binary_text(image));
    st = put_tags(p->session.context, opt->process_tags, opt->process_tag_count, &builder, err);
    if (st == BEAMR_OK)
        return end_message(p, &builder, out, err);
    ao_builder_drop(&builder);
    return st;
}

/* A list of `count` texts; the same one if there is only one. */
static ao_value texts(const char *const *items, size_t item_count, size_t count)
{
    ao_value values[8];

    for (size_t i = 0; i < count; i++)
        values[i] = ao_binary_text(items[i % item_count]);
    return ao_list_new(values, count);
}

static beamr_status make_state(aos *p, BEAMR_OWN ao_message *image,
                               BEAMR_OWN ao_message *definition, beamr_error *err)
{
    static const char *const devices[] = {"WASI@1.0", "JSON-Iface@1.0", "WASM-64@1.0",
                                          "Multipass@1.0"};
    static const char *const prefix[] = {"wasm"};
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "device", ao_binary_text("stack@1.0"));
    ao_builder_put(&builder, "device-stack", texts(devices, 4, 4));
    ao_builder_put(&builder, "output-prefixes", texts(prefix, 1, 4));
    ao_builder_put(&builder, "passes", ao_integer(2));
    ao_builder_put(&builder, "at-slot", ao_integer(0));
    ao_builder_put(&builder, "image", ao_message_value(image));
    if (p->opt->tier == BEAMR_TIER_NATIVE)
        ao_builder_put(&builder, "mode", ao_binary_text("AOT"));
    ao_builder_put(&builder, "process", ao_message_value(definition));
    return ao_builder_end(&builder, &p->state);
}

static beamr_status make_process(aos *p, const char **what, beamr_error *err)
{
    ao_message *image = NULL, *definition = NULL;
    char id[AO_ID_TEXT + 1];
    beamr_status st;

    *what = p->opt->module;
    if ((st = make_image(p, &image, id, err)) != BEAMR_OK)
        goto out;
    *what = NULL;
    if ((st = make_definition(p, id, &definition, err)) != BEAMR_OK ||
        (st = ao_message_id(p->session.context, definition, p->id, err)) != BEAMR_OK)
        goto out;
    st = make_state(p, image, definition, err);
    image = definition = NULL;
out:
    ao_message_unref(image);
    ao_message_unref(definition);
    return st;
}

/* Take the state that `key` gives. */
static int step(aos *p, const char *key)
{
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};
    int code = CLI_OK;

    if (resolve(p, ao_binary_text(key), &result, &err) != BEAMR_OK)
        return cli_report(p->opt->command, p->opt->module, &err);
    if (result.outcome != AO_OUTCOME_OK || !ao_to_message(result.value))
        code = tell_outcome(p, p->opt->module ? p->opt->module : p->opt->load, &result) ==
                       CLI_FAILED
                   ? CLI_USAGE
                   : CLI_HOST_FAILED;
    else
        take_state(p, ao_to_message(result.value));
    ao_value_unref(result.value);
    return code;
}

static int make(aos *p)
{
    const char *what = NULL;
    beamr_error err = {0};

    if (make_process(p, &what, &err) != BEAMR_OK)
        return cli_refuse(p->opt->command, what, &err);
    return step(p, "init");
}

/* ---- Loading one ---- */

static beamr_status read_loaded(aos *p, const char *id, beamr_error *err)
{
    ao_value process, slot;
    beamr_status st = ao_load_message(p->session.context, beamr_bytes_of(id), &p->state, err);

    if (st != BEAMR_OK ||
        (st = ao_message_get(p->state, beamr_bytes_of("process"), &process, err)) != BEAMR_OK ||
        (st = ao_message_get(p->state, beamr_bytes_of("at-slot"), &slot, err)) != BEAMR_OK)
        return st;
    if (!ao_to_message(process) || !ao_to_integer(slot, &p->slot))
        return beamr_fail(err, BEAMR_MESSAGE, 0, "what is kept there is no process");
    return ao_message_id(p->session.context, ao_to_message(process), p->id, err);
}

/* What --tier says of a process that was kept. */
static beamr_status set_mode(aos *p, beamr_error *err)
{
    ao_message *state = NULL;
    beamr_status st;

    if (p->opt->tier != BEAMR_TIER_NATIVE)
        return BEAMR_OK;
    st = ao_message_with(p->state, "mode", ao_binary_text("AOT"), &state, err);
    if (st == BEAMR_OK)
        take_state(p, state);
    ao_message_unref(state);
    return st;
}

/* What the streams hold was printed when it was written. */
static void skip_streams(aos *p)
{
    static const char *const paths[] = {"vfs/dev/stdout", "vfs/dev/stderr"};
    size_t *const shown[] = {&p->shown_output, &p->shown_error};
    beamr_error err = {0};

    for (size_t i = 0; i < 2; i++) {
        ao_value value = AO_NO_VALUE;

        if (ao_message_get_path(p->state, beamr_bytes_of(paths[i]), &value, &err) == BEAMR_OK)
            *shown[i] = ao_bytes(value).len;
        beamr_error_clear(&err);
    }
}

static int load(aos *p, const char *id)
{
    beamr_error err = {0};
    int code;

    if (read_loaded(p, id, &err) != BEAMR_OK || set_mode(p, &err) != BEAMR_OK)
        return cli_refuse(p->opt->command, p->opt->load, &err);
    if ((code = step(p, "normalize")) == CLI_OK)
        skip_streams(p);
    return code;
}

/* ---- Opening and closing ---- */

/* What --tier says to the node. */
static void put_tier(beamr_tier tier, ao_builder *values)
{
    if (tier == BEAMR_TIER_DEFAULT)
        return;
    ao_builder_put(values, "wasm_allow_aot", ao_boolean(tier == BEAMR_TIER_NATIVE));
    if (tier == BEAMR_TIER_INTERPRET)
        (void)setenv("BEAMR_TIER", "interpret", 1); /* it overrides the environment */
}

static beamr_status make_values(aos *p)
{
    ao_builder_put(p->opt->values, "error_strategy", ao_binary_text("stop"));
    put_tier(p->opt->tier, p->opt->values);
    return ao_builder_end(p->opt->values, &p->values);
}

/* store  NULL: none is loaded from */
static beamr_status open_session(aos *p, const char *store, const char **what, beamr_error *err)
{
    cli_setup setup = {
        .kv = store, .wallet = p->opt->wallet, .command = p->opt->command, .values = p->values};

    return cli_session_open(&setup, &p->session, what, err);
}

/* ---- Opening what a folder keeps ---- */

/* The folder keeps another store by now.
 *   store  NULL: there was none */
static bool is_replaced(const char *folder, const char *store)
{
    char id[AO_ID_TEXT + 1], *now = NULL;
    beamr_error ignored = {0};
    bool is_other;

    if (aos_saved(folder, &now, id, &ignored) != BEAMR_OK)
        return false;
    is_other = !store || strcmp(store, now) != 0;
    free(now);
    return is_other;
}

/* Open the store that a folder keeps. Whoever saves meanwhile takes it away, once another one
 * has its place: then that is opened. */
static beamr_status open_kept(aos *p, char id[AO_ID_TEXT + 1], const char **what,
                              beamr_error *err)
{
    const char *folder = p->opt->load;
    beamr_status st = BEAMR_OK;

    for (int i = 0; i < OPEN_TRIES; i++) {
        char *store = NULL;
        bool is_late;

        *what = folder;
        if ((st = aos_saved(folder, &store, id, err)) == BEAMR_OK)
            st = open_session(p, store, what, err);
        is_late = is_replaced(folder, store);
        free(store);
        if (!is_late || i + 1 == OPEN_TRIES)
            break;
        cli_session_close(&p->session);
        beamr_error_clear(err);
    }
    return st;
}

/* What is loaded and saved again is nobody else's between. A folder that is not there yet is
 * made when it is saved into. */
static beamr_status lock_folder(aos *p, beamr_error *err)
{
    const aos_options *opt = p->opt;

    if (!opt->save || access(opt->save, F_OK) != 0)
        return BEAMR_OK;
    return aos_lock(opt->command, opt->save, LOCK_SECONDS, &p->folder, err);
}

int aos_open(const aos_options *opt, aos *out)
{
    char id[AO_ID_TEXT + 1];
    const char *what = NULL;
    beamr_error err = {0};
    beamr_status st;

    *out = (aos){.opt = opt, .folder = -1};
    if (lock_folder(out, &err) != BEAMR_OK) {
        ao_builder_drop(opt->values);
        return cli_refuse(opt->command, err.status == BEAMR_IO ? NULL : opt->save, &err);
    }
    if ((st = make_values(out)) == BEAMR_OK)
        st = opt->load ? open_kept(out, id, &what, &err) : open_session(out, NULL, &what, &err);
    if (st != BEAMR_OK)
        return cli_refuse(opt->command, what, &err);
    world = dev_world_of(out->session.context);
    return opt->load ? load(out, id) : make(out);
}

void aos_close(aos *process)
{
    world = NULL;
    ao_message_unref(process->state);
    cli_session_close(&process->session);
    if (process->folder >= 0)
        (void)close(process->folder);
    ao_message_unref(process->values);
}

/* ---- Messages ---- */

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The anchor makes each message another one, even if it says the same. */
static beamr_status make_message(aos *p, beamr_bytes data, ao_message **out, beamr_error *err)
{
    const aos_options *opt = p->opt;
    char anchor[24];
    ao_builder builder;
    beamr_status st;

    (void)snprintf(anchor, sizeof anchor, "%016llu", (unsigned long long)p->slot + 1);
    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "type", ao_binary_text("Message"));
    ao_builder_put(&builder, "data-protocol", ao_binary_text("ao"));
    ao_builder_put(&builder, "variant", ao_binary_text("ao.N.1"));
    ao_builder_put(&builder, "target", ao_binary_text(p->id));
    ao_builder_put(&builder, "anchor", ao_binary_text(anchor));
    ao_builder_put(&builder, "action", ao_binary_text(opt->action));
    ao_builder_put(&builder, "data", ao_binary_copy(data));
    st = put_tags(p->session.context, opt->tags, opt->tag_count, &builder, err);
    if (st == BEAMR_OK)
        return end_message(p, &builder, out, err);
    ao_builder_drop(&builder);
    return st;
}

/* {path: compute, slot, block-height, timestamp, body} */
static beamr_status make_request(aos *p, beamr_bytes data, ao_value *out, beamr_error *err)
{
    ao_message *message = NULL, *request = NULL;
    ao_builder builder;
    beamr_status st = make_message(p, data, &message, err);

    if (st != BEAMR_OK)
        return st;
    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "path", ao_binary_text("compute"));
    ao_builder_put(&builder, "slot", ao_integer(p->slot + 1));
    ao_builder_put(&builder, "block-height", ao_integer((int64_t)p->opt->height));
    ao_builder_put(&builder, "timestamp",
                   ao_integer((int64_t)(p->opt->has_time ? p->opt->time_ms : now_ms())));
    ao_builder_put(&builder, "body", ao_message_value(message));
    if ((st = ao_builder_end(&builder, &request)) == BEAMR_OK)
        *out = ao_message_value(request);
    return st;
}

/* The process as the message left it; false: the answer is no such thing. */
static bool take_answer(aos *p, ao_value answer, beamr_error *err)
{
    const ao_message *message = ao_to_message(answer);
    ao_message *state = NULL;

    if (!message || ao_message_find_text(message, "process").kind == AO_NONE)
        return false;
    if (ao_message_with(message, "at-slot", ao_integer(p->slot + 1), &state, err) != BEAMR_OK)
        return false;
    take_state(p, state);
    ao_message_unref(state);
    p->slot++;
    return true;
}

static int answer(aos *p, const ao_result *result)
{
    bool is_error = result->outcome == AO_OUTCOME_ERROR;
    beamr_error err = {0};

    if ((result->outcome != AO_OUTCOME_OK && !is_error) ||
        !take_answer(p, result->value, &err)) {
        if (err.status != BEAMR_OK)
            return cli_report(p->opt->command, NULL, &err);
        return tell_outcome(p, NULL, result);
    }
    aos_print_streams(p);
    return aos_print_results(p, is_error);
}

/* What a module evaluates is text. Other bytes reach it as base64url, and it may take that for
 * the text. */
static void tell_encoding(const aos *p, beamr_bytes data)
{
    if (strcmp(p->opt->action, "Eval") == 0 && !utf8_is_valid(data))
        (void)fprintf(stderr,
                      "%s: this is not UTF-8: the module gets it as base64url, with "
                      "`Data-Encoding`\n",
                      p->opt->command);
}

void aos_send(aos *process, beamr_bytes data)
{
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    ao_value request = AO_NO_VALUE;
    beamr_error err = {0};

    tell_encoding(process, data);
    if (make_request(process, data, &request, &err) != BEAMR_OK) {
        aos_note(process, cli_refuse(process->opt->command, NULL, &err));
        return;
    }
    if (resolve(process, request, &result, &err) != BEAMR_OK)
        aos_note(process, cli_report(process->opt->command, NULL, &err));
    else
        aos_note(process, answer(process, &result));
    ao_value_unref(result.value);
    (void)fflush(stdout);
}

void aos_interrupt(void)
{
    dev_world *open = world;

    if (open)
        dev_world_interrupt(open);
}

void aos_forget_interrupt(void)
{
    if (world)
        dev_world_forget_interrupt(world);
}
