/* Programs that use the driver. */
#include "client.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SLICE_MS = 20 };

uint64_t new_ref(void)
{
    static atomic_uint_fast64_t last;

    return atomic_fetch_add(&last, 1) + 1;
}

/* {Ref, Args...} */
static term command_of(uint64_t ref, const char *args, va_list list)
{
    term head = {0}, rest = {0}, t = {0};
    char notation[1024];

    term_ref(&head, ref);
    if (args) {
        snprintf(notation, sizeof notation, "{%s}", args);
        rest = term_of_list(notation, list);
    }
    term_bytes(&t, "\x83h", 2);
    term_number(&t, args ? rest.data[2] + 1u : 1, 1);
    term_bytes(&t, head.data, head.len);
    if (args)
        term_bytes(&t, rest.data + 3, rest.len - 3);
    term_free(&head);
    term_free(&rest);
    return t;
}

static char *text_of(term *t)
{
    char *text = t->len > 1 ? term_text(t->data + 1, t->len - 1, NULL) : NULL;

    term_free(t);
    return text ? text : strdup("no term");
}

/* ---- With references ---- */

static char *begin_term(pid from, port *p, unsigned op, const term *command)
{
    term out;
    char *text;

    if (!port_call(from, p, op, command, &out))
        return strdup("badarg");
    text = text_of(&out);
    if (strcmp(text, "wait") != 0)
        return text;
    free(text);
    return NULL;
}

char *begin(pid from, port *p, uint64_t *ref, unsigned op, const char *args, ...)
{
    va_list list;
    term command;
    char *text;

    *ref = new_ref();
    va_start(list, args);
    command = command_of(*ref, args, list);
    va_end(list);
    text = begin_term(from, p, op, &command);
    term_free(&command);
    return text;
}

/* The text of a message {Ref, Answer}, of which `begins` is "{Ref,". */
static char *answer_of(term *message, const char *begins)
{
    char *text = text_of(message), *answer;

    answer = strndup(text + strlen(begins), strlen(text) - strlen(begins) - 1);
    free(text);
    return answer;
}

/* In slices, since a port that closes wakes nobody. */
char *await_within(pid from, port *p, uint64_t ref, unsigned ms)
{
    bool is_open = true;
    char begins[40];
    term out;

    snprintf(begins, sizeof begins, "{#Ref<%" PRIu64 ">,", ref);
    for (unsigned slept = 0; slept <= ms && is_open; slept += SLICE_MS) {
        is_open = port_is_open(p);
        if (process_receive(from, begins, is_open ? SLICE_MS : 0, &out))
            return answer_of(&out, begins);
        if (!process_is_alive(from))
            return strdup("badarg");
    }
    return strdup(is_open ? "nothing" : "gone");
}

char *await(pid from, port *p, uint64_t ref)
{
    return await_within(from, p, ref, PATIENCE_MS);
}

char *ask(pid from, port *p, unsigned op, const char *args, ...)
{
    uint64_t ref = new_ref();
    va_list list;
    term command;
    char *text;

    va_start(list, args);
    command = command_of(ref, args, list);
    va_end(list);
    text = begin_term(from, p, op, &command);
    term_free(&command);
    return text ? text : await(from, p, ref);
}

static bool send_command(pid from, port *p, unsigned op, piece bytes, const term *command)
{
    term head = {0};
    piece pieces[3] = {{0}};
    bool is_sent;

    term_bytes(&head, "BMR", 3);
    term_number(&head, op, 1);
    term_number(&head, command->len, 4);
    pieces[0] = (piece){.data = head.data, .len = head.len};
    pieces[1] = (piece){.data = command->data, .len = command->len};
    pieces[2] = bytes;
    is_sent = port_command(from, p, pieces, 3);
    term_free(&head);
    return is_sent;
}

bool send_bytes(pid from, port *p, uint64_t *ref, unsigned op, piece bytes, const char *args,
                ...)
{
    va_list list;
    term command;
    bool is_sent;

    *ref = new_ref();
    va_start(list, args);
    command = command_of(*ref, args, list);
    va_end(list);
    is_sent = send_command(from, p, op, bytes, &command);
    term_free(&command);
    return is_sent;
}

char *ask_bytes(pid from, port *p, unsigned op, piece bytes, const char *args, ...)
{
    uint64_t ref = new_ref();
    va_list list;
    term command;
    bool is_sent;

    va_start(list, args);
    command = command_of(ref, args, list);
    va_end(list);
    is_sent = send_command(from, p, op, bytes, &command);
    term_free(&command);
    return is_sent ? await(from, p, ref) : strdup("badarg");
}

/* ---- Plain ---- */

bool send_plain(pid from, port *p, const char *command, ...)
{
    va_list list;
    term t;
    piece whole;
    bool is_sent;

    va_start(list, command);
    t = term_of_list(command, list);
    va_end(list);
    whole = (piece){.data = t.data, .len = t.len};
    is_sent = port_command(from, p, &whole, 1);
    term_free(&t);
    return is_sent;
}

char *await_plain(pid owner)
{
    term out;

    if (!process_receive(owner, NULL, PATIENCE_MS, &out))
        return strdup("nothing");
    return text_of(&out);
}

/* ---- Imports ---- */

bool import_id(const char *answer, uint64_t *id)
{
    return answer && sscanf(answer, "{import,%" SCNu64, id) == 1;
}

/* The first argument of {import, Id, Module, Func, [A, ...], Sig}. One that is printable is
 * shown as text. */
static long first_argument(const char *answer)
{
    const char *at = strstr(answer, "\",[");

    if (at)
        return strtol(at + 3, NULL, 10);
    at = strstr(answer, "\",\"");
    at = at ? strstr(at + 3, "\",\"") : NULL;
    return at ? at[3] : 0;
}

char *answer_imports(pid from, port *p, char *answer)
{
    uint64_t id;

    while (import_id(answer, &id)) {
        long n = first_argument(answer) + 1;

        free(answer);
        answer = ask(from, p, DRV_OP_RESPOND, "%u,{ok,[%q]}", id, (int64_t)n);
    }
    return answer;
}

/* ---- Instances ---- */

void load(void)
{
    if (!emulator_load(driver_init()))
        emulator_fault("the driver can't be loaded");
}

port *open_module(pid owner, const wasm_builder *module, const char *options)
{
    beamr_bytes bytes = wasm_bytes_of(module);
    port *p = port_open(owner);
    char *answer;

    if (!p) {
        emulator_fault("a port can't be opened");
        return NULL;
    }
    answer = ask_bytes(owner, p, DRV_OP_INIT, (piece){.data = bytes.data, .len = bytes.len},
                       options);
    if (!matches(answer, "{ok,[*")) {
        emulator_fault("init: %s", answer);
        close_port(p);
        p = NULL;
    }
    free(answer);
    return p;
}

port *open_tool(pid owner)
{
    wasm_builder w = module_tool(false);
    port *p = open_module(owner, &w, "#{}");

    wasm_free(&w);
    return p;
}

void close_port(port *p)
{
    port_close(p);
    if (!port_await_closed(p))
        emulator_fault("a port doesn't close");
}

unsigned finish(void)
{
    emulator_unload();
    return emulator_end();
}

/* ---- Expecting ---- */

bool matches(const char *answer, const char *pattern)
{
    size_t len = strlen(pattern);

    if (len > 0 && pattern[len - 1] == '*')
        return strncmp(answer, pattern, len - 1) == 0;
    return strcmp(answer, pattern) == 0;
}

void expect_at(char *answer, const char *pattern, const char *file, int line)
{
    if (!answer || !matches(answer, pattern))
        emulator_fault("%s:%d: %.200s in place of %s", file, line, answer ? answer : "wait",
                       pattern);
    free(answer);
}

typedef struct one_of {
    pthread_t thread;
    unsigned index;
    void (*run)(unsigned index, void *user);
    void *user;
} one_of;

static void *run_one(void *arg)
{
    one_of *one = arg;

    emulator_join_thread();
    one->run(one->index, one->user);
    return NULL;
}

void together(unsigned count, void (*run)(unsigned index, void *user), void *user)
{
    one_of *all = calloc(count, sizeof *all);

    assert(all);
    for (unsigned i = 0; i < count; i++) {
        all[i] = (one_of){.index = i, .run = run, .user = user};
        pthread_create(&all[i].thread, NULL, run_one, &all[i]);
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(all[i].thread, NULL);
    free(all);
}

unsigned by_patience(unsigned few, unsigned many)
{
    const char *value = getenv("BEAMR_LONG");

    return value && strcmp(value, "1") == 0 ? many : few;
}

void sleep_ms(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

uint32_t dice(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}
