/* An embedder that runs a program made for WASI (count.c): gives it a file system that holds
 * one file, words and an environment, catches what it writes, and reads a file that it made.
 * Nothing that the program does reaches the host. It exits with 1 if anything is not as
 * expected.
 *
 *   cc wasi.c -lbeamr && ./a.out count.wasm
 *
 * Read next: beamr/guest.h and beamr/wasi.h. */
#include <beamr/beamr.h>

#include <stdio.h>
#include <stdlib.h>

/* What a program wrote: as much as there is room for. */
typedef struct output {
    char text[1024];
    size_t len;
} output;

/* The guest's standard output: keep all that it writes. */
static beamr_status keep(void *user, beamr_bytes bytes, beamr_error *err)
{
    output *out = user;

    if (bytes.len > sizeof out->text - 1 - out->len) /* the guest sees that writing failed */
        return beamr_fail(err, BEAMR_IO, 0, "more than %zu bytes", sizeof out->text - 1);
    memcpy(out->text + out->len, bytes.data, bytes.len);
    out->len += bytes.len;
    out->text[out->len] = '\0';
    return BEAMR_OK;
}

/* A file system with a file in it, and the system over it. */
static beamr_status make_system(output *out, output *errors, beamr_vfs **vfs, beamr_wasi **wasi,
                                beamr_error *err)
{
    static const char *const args[] = {"count", "poem.txt", "missing.txt"};
    static const char *const env[] = {"GREETING=Hello"};
    static const char poem[] = "a line\nand another line\n";
    beamr_wasi_options options = {
        .args = args,
        .arg_count = 3,
        .env = env,
        .env_count = 1,
        .out = {.write = keep, .user = out},
        .err = {.write = keep, .user = errors},
    };
    beamr_status st;

    if ((st = beamr_vfs_new(NULL, vfs, err)) != BEAMR_OK)
        return st;
    st = beamr_vfs_write(*vfs, beamr_bytes_of("/poem.txt"), beamr_bytes_of(poem), err);
    if (st != BEAMR_OK)
        return st;
    options.vfs = *vfs; /* without preopens, its root is the program's "/" */
    return beamr_wasi_new(&options, wasi, err);
}

/* Load the program, give it the system, and run it to its end.
 *   code  what it ended with */
static beamr_status run(beamr_store *store, beamr_module *module, beamr_wasi *wasi,
                        uint32_t *code, beamr_error *err)
{
    beamr_linker *linker = NULL;
    beamr_instance *instance = NULL;
    beamr_status st;

    if ((st = beamr_linker_new(store, &linker, err)) != BEAMR_OK)
        return st;
    st = beamr_guest_instantiate(wasi, linker, module, BEAMR_STUBS_TRAP, &instance, err);
    beamr_linker_free(linker);
    if (st != BEAMR_OK)
        return st;
    return beamr_guest_run(wasi, instance, code, err);
}

/* Read a whole file. Returns false after saying why not. */
static bool read_file(const char *path, uint8_t **data, size_t *len)
{
    FILE *file = fopen(path, "rb");
    long size;

    if (!file) {
        perror(path);
        return false;
    }
    (void)fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    *data = size > 0 ? malloc((size_t)size) : NULL;
    *len = *data ? fread(*data, 1, (size_t)size, file) : 0;
    (void)fclose(file);
    if (*data && *len == (size_t)size)
        return true;
    fprintf(stderr, "%s: cannot be read\n", path);
    free(*data);
    return false;
}

/* Show what came of it, and whether that is right. */
static bool show(const output *out, const output *errors, const beamr_vfs *vfs, uint32_t code)
{
    static const char expected[] = "poem.txt 2 5\n";
    beamr_bytes report = {NULL, 0};
    beamr_error err = {0};

    printf("it wrote:\n%sand as errors:\n%sexit code %u\n", out->text, errors->text,
           (unsigned)code);
    if (beamr_vfs_read(vfs, beamr_bytes_of("/report.txt"), true, &report, &err) != BEAMR_OK) {
        printf("no report: %s\n", err.text);
        return false;
    }
    printf("report.txt: %.*s", (int)report.len, (const char *)report.data);
    return code == 1 && strcmp(out->text, "Hello\npoem.txt: 2 lines, 5 words\n") == 0 &&
           strstr(errors->text, "missing.txt: No such file") &&
           report.len == sizeof expected - 1 && memcmp(report.data, expected, report.len) == 0;
}

int main(int argc, char **argv)
{
    beamr_engine *engine = NULL;
    beamr_store *store = NULL;
    beamr_module *module = NULL;
    beamr_vfs *vfs = NULL;
    beamr_wasi *wasi = NULL;
    output out = {0}, errors = {0};
    beamr_error err = {0};
    uint8_t *wasm = NULL;
    size_t len = 0;
    uint32_t code = 0;
    bool ok = false;

    if (argc != 2) {
        fprintf(stderr, "usage: %s count.wasm\n", argv[0]);
        return 2;
    }
    if (!read_file(argv[1], &wasm, &len))
        return 2;
    if (beamr_engine_new(NULL, &engine, &err) == BEAMR_OK &&
        beamr_store_new(engine, NULL, &store, &err) == BEAMR_OK &&
        beamr_module_load(engine, (beamr_bytes){wasm, len}, &module, &err) == BEAMR_OK &&
        make_system(&out, &errors, &vfs, &wasi, &err) == BEAMR_OK &&
        run(store, module, wasi, &code, &err) == BEAMR_OK)
        ok = show(&out, &errors, vfs, code);
    if (err.status != BEAMR_OK)
        printf("%s: %s: %s\n", argv[1], beamr_status_text(err.status), err.text);
    free(wasm);
    beamr_store_free(store);
    beamr_wasi_unref(wasi);
    beamr_vfs_unref(vfs);
    beamr_module_unref(module);
    beamr_engine_free(engine);
    puts(ok ? "all as expected" : "something is wrong");
    return ok ? 0 : 1;
}
