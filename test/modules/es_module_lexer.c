/* Package es-module-lexer: finds the imports and exports of JavaScript; in C.
 * The package holds the same lexer written in JavaScript. peer.mjs runs that one over files of
 * the package and of its own, and writes down what it finds; the module must find the same. */
#include "guest.h"

#include <stdio.h>
#include <stdlib.h>

/* The text in UTF-16, as the module wants it, with a NUL behind; all of it is ASCII. */
static void put_source(guest *g, blob source)
{
    uint8_t *wide = calloc(source.len + 1, 2);
    beamr_extern heap_base;
    beamr_value base;
    int64_t at;

    CHECK(wide, "no memory");
    CHECK(beamr_instance_find(g->instance, beamr_bytes_of("__heap_base"), &heap_base) &&
              heap_base.kind == BEAMR_EXTERN_GLOBAL,
          "no __heap_base");
    base = beamr_global_get(heap_base.of.global);
    guest_grow_to(g, (uint64_t)base.of.i32 + 4 * (source.len + 1));
    at = CALL(g, "sa", (int64_t)source.len);
    for (size_t i = 0; i < source.len; i++)
        wide[2 * i] = source.data[i];
    guest_put(g, at, wide, 2 * (source.len + 1));
    free(wide);
}

/* Parse one file; write what was found, a line each, as peer.mjs writes it. */
static void lex(guest *g, blob source, FILE *out)
{
    put_source(g, source);
    if (CALL(g, "parse") == 0) {
        fprintf(out, "error at %d\n", (int)CALL(g, "e"));
        return;
    }
#define GET(name) ((int)(int32_t)CALL(g, name))
    while (CALL(g, "ri"))
        fprintf(out, "import %d %d %d %d %d\n", GET("is"), GET("ie"), GET("ss"), GET("se"),
                GET("id"));
    while (CALL(g, "re"))
        fprintf(out, "export %d %d %d %d\n", GET("es"), GET("ee"), GET("els"), GET("ele"));
    fprintf(out, "facade %d, syntax %d\n", GET("f"), GET("ms"));
#undef GET
}

void test_es_module_lexer(const test_folders *folders)
{
    blob list = blob_read(folders->work, "files"), expected, got;
    char *path, *rest = NULL, *text = NULL;
    FILE *out = open_memstream(&text, &got.len);
    guest g;

    CHECK(out, "no memory");
    guest_open(&g, blob_read_embedded(folders->package, "dist/lexer.js"), NULL, NULL);
    for (path = strtok_r((char *)list.data, "\n", &rest); path;
         path = strtok_r(NULL, "\n", &rest)) {
        blob source = blob_read(folders->work, path);

        fprintf(out, "%s\n", path);
        lex(&g, source, out);
        free(source.data);
    }
    fclose(out);
    expected = blob_read(folders->work, "expected");
    blob_write(folders->work, "found", text, got.len);
    CHECK(strcmp((char *)expected.data, text) == 0,
          "it found:\n%s\nand the one in JavaScript:\n%s", text, (char *)expected.data);
    guest_close(&g);
    free(expected.data);
    free(list.data);
    free(text);
}
