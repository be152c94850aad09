/* Package @jitl/quickjs-wasmfile-release-sync: an engine for JavaScript in C, by Emscripten.
 * peer.mjs runs the same programs in node's engine and writes down what each gives; the module
 * must give the same texts. */
#include "guest.h"

#include <stdio.h>
#include <stdlib.h>

/* The exports' short names, from the package's emscripten-module.cjs. */
#define CONSTRUCTORS "u"
#define MALLOC "v"
#define FREE "M"
#define NEW_RUNTIME "K"
#define NEW_CONTEXT "N"
#define EVAL "pa"
#define GET_STRING "$"
#define RESOLVE_EXCEPTION "na"

static const guest_import imports[] = {{"a", "k", host_resize_heap},
                                       {"a", "i", host_nothing}, /* whether to interrupt: no */
                                       {"a", "p", host_nothing}, /* milliseconds since 1970 */
                                       {"a", "c", host_fd_write},
                                       {"a", "f", host_environ_sizes},
                                       {"a", "e", host_nothing}, /* environ_get */
                                       {NULL, NULL, NULL}};

/* Copy a text into the guest, with a NUL. */
static int64_t put_text(guest *g, const char *text)
{
    int64_t at = CALL(g, MALLOC, (int64_t)strlen(text) + 1);

    CHECK(at, "the guest's memory");
    guest_put(g, at, text, strlen(text) + 1);
    return at;
}

/* Evaluate a program in a context of its own; print its value as text, or what it throws, as a
 * line. */
static void evaluate(guest *g, int64_t runtime, const char *program, FILE *out)
{
    int64_t context = CALL(g, NEW_CONTEXT, runtime, 0);
    int64_t code = put_text(g, program), file = put_text(g, "test.js"), value, thrown;
    static char text[65536];
    beamr_error err = {0};

    value = CALL(g, EVAL, context, code, (int64_t)strlen(program), file, 0, 0);
    thrown = CALL(g, RESOLVE_EXCEPTION, context, value);
    CHECK(beamr_memory_read_text(
              g->memory, (uint64_t)CALL(g, GET_STRING, context, thrown ? thrown : value), text,
              sizeof text, &err) == BEAMR_OK,
          "%s", err.text);
    fprintf(out, "%s%s\n", thrown ? "throws " : "", text);
    CALL(g, FREE, code);
    CALL(g, FREE, file);
}

static void open_engine(guest *g, const test_folders *folders)
{
    beamr_limits pages = {256, 32768, false};
    beamr_extern memory = {.kind = BEAMR_EXTERN_MEMORY};
    beamr_error err = {0};

    guest_load(g, blob_read(folders->package, "dist/emscripten-module.wasm"), imports, NULL);
    CHECK(beamr_memory_new(g->store, &pages, &memory.of.memory, &err) == BEAMR_OK &&
              beamr_linker_define(g->linker, beamr_bytes_of("a"), beamr_bytes_of("a"), memory,
                                  &err) == BEAMR_OK,
          "%s", err.text);
    guest_link(g);
    CALL(g, CONSTRUCTORS);
}

void test_quickjs(const test_folders *folders)
{
    blob programs = blob_read(folders->work, "programs"); /* each ends in a NUL */
    blob expected = blob_read(folders->work, "expected");
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    int64_t runtime;
    guest g;

    CHECK(out, "no memory");
    open_engine(&g, folders);
    runtime = CALL(&g, NEW_RUNTIME);
    for (const char *p = (char *)programs.data; p < (char *)programs.data + programs.len;
         p += strlen(p) + 1)
        evaluate(&g, runtime, p, out);
    fclose(out);
    CHECK(strcmp(text, (char *)expected.data) == 0, "it gives:\n%s\nand node:\n%s", text,
          (char *)expected.data);
    guest_close(&g);
    free(text);
    free(expected.data);
    free(programs.data);
}
