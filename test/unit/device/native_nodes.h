/* Nodes that compile processes, for tests: compilers are scripts that note that they were
 * started: one passes on to beamr-compile, which BEAMR_COMPILE names, one fails, one never
 * ends, one does not the first time. What a node reports is kept. */
#ifndef TEST_UNIT_DEVICE_NATIVE_NODES_H
#define TEST_UNIT_DEVICE_NATIVE_NODES_H

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/state.h"
#include "wasm_modules.h"

#define ALLOWED "\"wasm_allow_aot\": true"
#define AOT "\"device\": \"wasm-64@1.0\", \"mode\": \"AOT\""
#define INIT "{\"path\": \"init\"}"
#define CALL(function, parameters)                                                             \
    "{\"path\": \"compute\", \"function\": \"" function "\", \"parameters\": [" parameters "]" \
    "}"

/* ---- Compilers ---- */

static struct {
    char folder[64], started[96], counting[96], failing[96], hanging[96], once[96];
    bool has_real;
} compilers;

static inline void write_script(char path[96], const char *name, const char *end)
{
    FILE *file;

    (void)snprintf(path, 96, "%s/%s", compilers.folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\necho >>'%s'\n%s\n", compilers.started, end);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
}

static inline int make_compilers(void **state)
{
    const char *real = getenv("BEAMR_COMPILE");
    char end[4200];

    (void)state;
    (void)unsetenv("BEAMR_TIER");
    (void)snprintf(compilers.folder, sizeof compilers.folder, "/tmp/beamr_native_XXXXXX");
    if (!mkdtemp(compilers.folder))
        return -1;
    (void)snprintf(compilers.started, sizeof compilers.started, "%s/started", compilers.folder);
    compilers.has_real = real && access(real, X_OK) == 0;
    (void)snprintf(end, sizeof end, "exec '%s' \"$@\"", real ? real : "");
    write_script(compilers.counting, "counting", end);
    write_script(compilers.failing, "failing", "echo no luck: \"$@\" >&2; exit 1");
    write_script(compilers.hanging, "hanging", "exec sleep 100");
    (void)snprintf(end, sizeof end, "[ $(wc -l <'%s') = 1 ] && exec sleep 100\nexit 1",
                   compilers.started);
    write_script(compilers.once, "once", end);
    return 0;
}

static inline int remove_compilers(void **state)
{
    (void)state;
    (void)unlink(compilers.started);
    (void)unlink(compilers.counting);
    (void)unlink(compilers.failing);
    (void)unlink(compilers.hanging);
    (void)unlink(compilers.once);
    return rmdir(compilers.folder);
}

/* Compilers are started from here on. */
static inline void use(const char *compiler)
{
    (void)unlink(compilers.started);
    assert_int_equal(setenv("BEAMR_COMPILE", compiler, 1), 0);
}

/* The real one, or the test is skipped. */
static inline void use_real(void)
{
    if (!compilers.has_real) {
        (void)puts("skipped: native code of processes (no beamr-compile)");
        skip();
    }
    use(compilers.counting);
}

static inline int started(void)
{
    struct stat st;

    return stat(compilers.started, &st) == 0 ? (int)st.st_size : 0; /* a line end for each */
}

/* Within ten seconds. */
static inline bool comes_to(int n)
{
    for (int i = 0; i < 10000 && started() != n; i++)
        (void)usleep(1000);
    return started() == n;
}

/* ---- Nodes ---- */

static struct {
    pthread_mutex_t lock;
    int count;
    char text[1024]; /* all of them */
} told = {PTHREAD_MUTEX_INITIALIZER, 0, ""};

static inline void report(void *user, const char *text)
{
    size_t len;

    (void)user;
    (void)pthread_mutex_lock(&told.lock);
    len = strlen(told.text);
    (void)snprintf(told.text + len, sizeof told.text - len, "%s\n", text);
    told.count++;
    (void)pthread_mutex_unlock(&told.lock);
}

static inline void expect_told(int count, const char *text)
{
    (void)pthread_mutex_lock(&told.lock);
    if (told.count != count || (text && !strstr(told.text, text)))
        fail_msg("%d times, without `%s`: %s", told.count, text, told.text);
    (void)pthread_mutex_unlock(&told.lock);
}

/* A context whose options are JSON without its braces. */
static inline ao_context *node(const char *options, const ao_settings *more)
{
    ao_settings settings = more ? *more : (ao_settings){0};
    ao_context *plain = world_open(NULL, NULL), *context = NULL;
    char json[256];
    ao_message *values;
    beamr_error err = {0};

    (void)snprintf(json, sizeof json, "{%s}", options);
    values = world_message(plain, json);
    settings.values = values;
    settings.report = report;
    told.count = 0;
    told.text[0] = '\0';
    if (ao_context_new(&settings, &context, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_message_unref(values);
    ao_context_free(plain);
    return context;
}

/* A process before `init`; JSON without its braces. */
static inline ao_message *process(ao_context *context, const char *keys,
                                  void (*make)(wasm_builder *w))
{
    char json[256];

    (void)snprintf(json, sizeof json, "{%s}", keys);
    return message_with_key(context, json, "image", module_value(make));
}

static inline ao_message *started_process(ao_context *context, const char *keys)
{
    return resolve_next(context, process(context, keys, module_plain), INIT);
}

static inline bool is_native(const ao_message *message)
{
    dev_state *state = dev_state_of(message, (beamr_bytes){NULL, 0});

    return beamr_module_native_count(dev_state_image(state)->module) > 0;
}

/* It computes, one way or the other. */
static inline void expect_works(ao_context *context, BEAMR_OWN ao_message *message)
{
    message = resolve_next(context, message, CALL("add", "7"));
    expect_integer(message, "results", 7);
    ao_message_unref(message);
}

#endif
