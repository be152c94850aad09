/* `beamr validate`: check modules without running them.
 * What is checked is wasm/validate.h's business; this prints one line for each file. */
#include "cli/cli.h"

#include <getopt.h>
#include <inttypes.h>

static const char help_text[] =
    "Check that WebAssembly modules are well-formed and valid.\n"
    "\n"
    "Usage: beamr validate [OPTIONS] FILE.wasm...\n"
    "\n"
    "Prints \"FILE: ok\" on standard output for each valid module, and on standard error for "
    "each\n"
    "other one where (in bytes from its start) and why it is refused. FILE may be - for "
    "standard\n"
    "input.\n"
    "\n"
    "Options:\n"
    "      --features LIST     switch language features: -simd,+memory64 or -all\n"
    "  -h, --help              show this\n"
    "\n"
    "Exit codes: 0 all are valid; 2 at least one is not, or wrong usage.\n"
    "\n"
    "Example:\n"
    "  beamr validate a.wasm b.wasm\n";

/* Check one file.  Returns its exit code. */
static int validate_file(const char *command, beamr_engine *engine, const char *path)
{
    beamr_module *module = NULL;
    beamr_error err = {0};
    beamr_status st = cli_module_read(engine, path, &module, &err);

    beamr_module_unref(module);
    if (st == BEAMR_OK) {
        (void)printf("%s: ok\n", path);
        return CLI_OK;
    }
    if (st == BEAMR_IO || st == BEAMR_NO_MEMORY)
        return cli_error(command, st == BEAMR_IO ? NULL : path, &err); /* IO's text names it */
    (void)fprintf(stderr, "%s: offset 0x%" PRIx64 ": %s: %s\n", path, err.offset,
                  beamr_status_text(st), err.text);
    return CLI_USAGE;
}

int cli_validate(int argc, char **argv)
{
    static const struct option options[] = {
        {"features", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_engine *engine = NULL;
    beamr_error err = {0};
    int code = CLI_OK, c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h')
            return cli_help(help_text);
        if (c != 'f')
            return cli_usage(argv[0], NULL);
        config.features = optarg;
    }
    if (optind == argc)
        return cli_usage(argv[0], "no file is given");
    if (beamr_engine_new(&config, &engine, &err) != BEAMR_OK)
        return cli_error(argv[0], NULL, &err);
    for (int i = optind; i < argc; i++) {
        int file_code = validate_file(argv[0], engine, argv[i]);

        code = file_code != CLI_OK ? file_code : code;
    }
    beamr_engine_free(engine);
    return code;
}
