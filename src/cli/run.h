/* What the files of `beamr run` share: run.c has the command, run_options.c reads its words,
 * run_world.c makes the system that the guest finds around it, run_call.c and run_main.c call
 * into the guest and tell how that failed. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/cli.h"
#include "cli/host_tree.h"

/* A tree of --dir or --dir-rw. */
typedef struct run_dir {
    const char *host;
    char *name;  /* what the guest calls it; owned */
    char *place; /* its path in the guest's file system, absolute; owned */
    bool is_writable;
} run_dir;

/* The command line. */
typedef struct run_options {
    const char *command;
    const char *file;
    const char *invoke;  /* NULL: the program is run */
    bool result_is_text; /* of the invoked function */
    char **args;         /* of the program, or of the invoked function */
    size_t arg_count;
    char **env; /* "NAME=VALUE", owned; each name once */
    size_t env_count;
    run_dir *dirs; /* owned */
    size_t dir_count;
    const char *features;
    beamr_tier tier;
    const char *object;  /* file with its native code; or NULL */
    const char *timeout; /* as written */
    uint64_t timeout_ms; /* 0: none */
    const char *max_memory;
    uint64_t max_pages;
    uint64_t max_files; /* bytes; 0: the default */
    const char *fuel;   /* as written; NULL: not counted */
    uint64_t fuel_units;
    bool is_deterministic;
    bool stubs_give_zeros;
} run_options;

/* Read the words of a command line.
 *   out   begins as zeros, but for `command`; to be cleared with run_options_clear in any case
 *   done  set when there is nothing to run
 * Returns CLI_OK, or the exit code, when it has told why. */
int run_options_parse(run_options *out, int argc, char **argv, bool *done);
void run_options_clear(run_options *options);

/* The system around the guest: the terminal's streams, the host's clocks and random numbers,
 * and a file system of its own. Set up by run_world_open. */
typedef struct run_world {
    const run_options *options;
    bool has_root; /* without --dir the guest finds an empty folder as "/"; set by the caller */
    uint64_t deadline; /* ns of the monotonic clock; UINT64_MAX: none */
    beamr_vfs *vfs;
    beamr_vfs *before; /* the file system before the guest ran; NULL: nothing is written back */
    host_tree **trees; /* one for each of options->dirs */
    const char **places; /* of the trees */
    const char *opening; /* the option whose folder is being copied in, for messages; or NULL */
    beamr_wasi *wasi;
} run_world;

/* Copy the trees in and make the system.
 *   world  begins as zeros, but for `options` and `has_root`; to be cleared with
 * run_world_clear in any case Errors: BEAMR_IO and BEAMR_LIMIT (the text names the file),
 * BEAMR_NO_MEMORY. */
beamr_status run_world_open(run_world *world, beamr_error *err);
void run_world_clear(run_world *world);

/* The guest's time begins: set the deadline for waiting on streams and on the clock.
 *   ns  from now; 0: none */
void run_world_start(run_world *world, uint64_t ns);

/* Write the changes back into the trees of --dir-rw, and tell what could not be written.
 * Returns CLI_OK or CLI_FAILED. */
int run_world_write_back(const run_world *world);

/* One run. All of it goes with run_clear, in run.c. */
typedef struct run {
    const run_options *options;
    beamr_engine *engine;
    beamr_module *module;
    beamr_store *store;
    beamr_instance *instance;
    run_world world;
} run;

/* How the module is to be started. */
typedef enum run_start {
    RUN_START,  /* `_start` */
    RUN_MAIN,   /* `main` or `__main_argc_argv`, as Emscripten leaves it to its own loader */
    RUN_INVOKE, /* the function of --invoke */
} run_start;

/* Find out how, before any guest code runs.
 * Returns CLI_OK; CLI_USAGE, when it has told what is missing. */
int run_find_start(const run *r, run_start *out);

/* Start the guest, as run_find_start said, and print what an invoked function gives.
 * Returns the exit code: the guest's own, or that of its failure, which was told. */
int run_guest(run *r, run_start start);

enum { RUN_CODE_MASK = 0xff }; /* of an exit code: what a shell sees */

/* The name of the module's main function - it takes nothing, or a count and a pointer, and
 * gives a number or nothing - or NULL. */
const char *run_main_name(const beamr_module *module);

/* Call it with the words of the command line. As run_guest. */
int run_main(run *r);

/* Tell how guest code failed.
 *   name  the function or file
 * Returns the exit code; the guest's own if it ended itself. */
int run_guest_failed(run *r, const char *name, const beamr_error *err);

#endif
