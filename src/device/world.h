/* What the devices that run guests share in one context: engines, modules by their hash, the
 * node's options, and the instances that stand idle.
 * It is made with the context (context.c) and goes with it; by then no message of the context
 * holds a guest any more, or what it holds can only be released. Threads: any. */
#ifndef DEVICE_WORLD_H
#define DEVICE_WORLD_H

#include "device/compile.h"

typedef struct dev_world dev_world; /* counted: states of guests hold it */

/* The node's options about guests, read once, from the context's values. Each may also be given
 * with a resolution (ao_options.values), which ao_call_option sees first; those marked * are
 * read of the context alone.
 *
 *   name                      default  meaning
 *   wasm_allow_aot            false    a process whose `mode` is `AOT` runs in native code,
 *                                      compiled before its first instance is made; otherwise
 *                                      `AOT` means `WASM`. What could not be compiled is
 *                                      interpreted, and ao_settings.report says so
 *   wasm_aot_time *           60000    ms that compiling a module may take, and that it may
 *                                      wait for its turn; from 1 to a day
 *   wasm_aot_memory *         4 GiB    bytes that the compiler may use
 *   wasm_imports              stub     what becomes of imports that nobody answers: `stub` or
 *                                      `trap`
 *   wasm_timeout              0        ms that a call may take, imports included; 0: no limit
 *   wasm_max_fuel             0        units that a call may use; 0: no limit. What an instance
 *                                      is made by must count them: the option is set when the
 *                                      image is loaded, or the message has a `compute-limit`
 *   wasm_max_memory *         0        bytes of all guests of the node; 0: no limit. All guests
 *                                      then share one engine, which counts fuel
 *   wasm_max_guest_memory *   0        bytes of one guest, of its memory and of its files,
 *                                      beyond which the computation fails; 0: no limit.
 *                                      Guests do not see it, as they see what a message
 *                                      declares
 *   wasm_max_module_size *    0        bytes of a module; 0: no limit but the engine's. Loading one
 *                                      takes up to 3 s for each MiB, and cannot be ended
 *   wasm_idle_time *          300000   ms after which an instance that nobody uses is given up;
 *                                      its state stays; 0: never
 *   wasm_image_source         none     the device that is asked for images that are not stored:
 *                                      its key `read` with `target`, as cache@1.0's
 *   wasm_cache *              64       modules that are remembered, those used last
 *   wasi_max_output           1048576  bytes that a call may write to its streams
 *
 * Errors: BEAMR_ARGUMENT (one of the numbers is none), BEAMR_NO_MEMORY. */
beamr_status dev_world_new(const ao_settings *settings, BEAMR_OWN dev_world **out,
                           beamr_error *err);
dev_world *dev_world_ref(dev_world *world);
void dev_world_unref(dev_world *world); /* accepts NULL */
/* Its context goes, and so does what the settings lend: the host is told nothing from now on.
 * Gives the context's count back. */
void dev_world_close(BEAMR_OWN dev_world *world);
/* The world of a context. */
dev_world *dev_world_of(const ao_context *context);

/* ---- Modules ---- */

/* A module with what its instances are made by. Counted, immutable. */
typedef struct dev_image {
    _Atomic size_t count;
    dev_world *world;     /* counted */
    beamr_engine *engine; /* the world's; one that meters if is_metered */
    beamr_module *module; /* counted */
    dev_code *code;       /* counted: its native code; NULL: it is interpreted */
    bool is_metered;      /* fuel is counted */
    /* As the message declares, and the guest sees it; 0: no limit. */
    uint64_t max_pages;  /* of each memory */
    uint64_t max_fuel;   /* of each call */
    uint64_t host_bytes; /* wasm_max_guest_memory */
} dev_image;

typedef struct dev_image_limits {
    uint64_t max_pages, max_fuel; /* of the message; 0: none */
    bool is_metered;              /* also without max_fuel */
    bool is_native;               /* mode AOT, where that is allowed */
} dev_image_limits;

/* The image of bytes, from the cache if they were loaded before: found by their SHA-256.
 * Errors: as beamr_module_load. */
beamr_status dev_image_load(dev_world *world, beamr_bytes wasm, const dev_image_limits *limits,
                            BEAMR_OWN dev_image **out, beamr_error *err);
/* Likewise of a binary, which is remembered with its module: the same one again is found
 * without a hash. */
beamr_status dev_image_load_binary(dev_world *world, ao_value binary,
                                   const dev_image_limits *limits, BEAMR_OWN dev_image **out,
                                   beamr_error *err);
/* The image of bytes with this SHA-256, if they were loaded before.
 *   out  NULL when they were not
 * Errors: BEAMR_NO_MEMORY. */
beamr_status dev_image_find(dev_world *world, const uint8_t hash[BEAMR_MODULE_ID_SIZE],
                            const dev_image_limits *limits, BEAMR_OWN dev_image **out,
                            beamr_error *err);
/* Go on with `then` once an image that is to be native has its native code, or it is known that
 * it gets none; at once with another one. Ends as a device's function does. compile.h
 *   wait  of the call's memory, which holds the image as long as the call */
beamr_status dev_image_compile(dev_image *image, ao_call *call, dev_waiting *wait,
                               ao_function then, beamr_error *err);
dev_image *dev_image_ref(dev_image *image);
void dev_image_unref(dev_image *image); /* accepts NULL */

/* ---- Interrupts, for a program whose guests all run on one thread ---- */

/* The store's guest runs on this thread from now on; no more, and what interrupted it too late
 * is forgotten. */
void dev_world_running(dev_world *world, beamr_store *store);
void dev_world_rests(dev_world *world, beamr_store *store);
/* End the running call as a deadline would, or the next one if none runs. For a signal handler
 * on the thread that runs it. */
void dev_world_interrupt(dev_world *world);
/* What came while no guest ran is not for the next one. */
void dev_world_forget_interrupt(dev_world *world);

/* ---- Idle instances ---- */

/* An entry of the list of those that stand idle; lies in what it is about. */
typedef struct dev_idle {
    struct dev_idle *next, *previous;
    uint64_t since; /* ns of CLOCK_MONOTONIC */
    /* Give the instance up, and then the count that `hold` took; called without a lock of the
     * world's, on a thread of it. The entry is no longer in the list. */
    void (*expire)(struct dev_idle *idle);
    /* Take a count of what it lies in, if it is not about to go; with the world's lock, so this
     * must wait for nothing that rests or wakes. */
    bool (*hold)(struct dev_idle *idle);
} dev_idle;

/* An instance came to rest; it is used, or gone. Each is about one entry, and cheap. An entry
 * begins as zeros, and is woken before what it lies in goes; one that is not in the list may be
 * woken too. */
void dev_world_rest(dev_world *world, dev_idle *idle);
void dev_world_wake(dev_world *world, dev_idle *idle);

/* ---- Alarms ---- */

/* Something that is to happen at a point in time; lies in what it is about, and begins as zeros
 * but for `hold` and `ring`. */
typedef struct dev_alarm {
    struct dev_alarm *child, *next, *previous;
    uint64_t due; /* ns of CLOCK_MONOTONIC */
    bool is_set;
    /* It is due: what `ring` is to get; NULL: nothing has to be done. With the world's lock, so
     * this must wait for nothing that sets or clears alarms, rests or wakes. */
    void *(*hold)(struct dev_alarm *alarm);
    /* Called without a lock, on a thread of the world's; the alarm may be gone by then. To be
     * short: others wait. */
    void (*ring)(void *held);
} dev_alarm;

/* Set an alarm, in place of what it was set to. One thread looks after all, and after what is
 * idle; it is made when it is first needed.  Errors: BEAMR_NO_MEMORY (there can be no thread). */
beamr_status dev_world_set_alarm(dev_world *world, dev_alarm *alarm, uint64_t due,
                                 beamr_error *err);
/* Take it back; `hold` is not called from now on, nor running. Cheap, also if it is not set. */
void dev_world_clear_alarm(dev_world *world, dev_alarm *alarm);

#endif
