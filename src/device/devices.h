/* The devices of this library, and the context that has them all (ao_context_new). */
#ifndef DEVICE_DEVICES_H
#define DEVICE_DEVICES_H

#include "ao/context.h"

extern const ao_device dev_message;    /* message@1.0: message.c */
extern const ao_device dev_cache;      /* cache@1.0: cache.c */
extern const ao_device dev_test;       /* test-device@1.0: test_device.c */
extern const ao_device dev_structured; /* the codecs as devices: codec.c */
extern const ao_device dev_httpsig;
extern const ao_device dev_flat;
extern const ao_device dev_json;
extern const ao_device dev_ans104;
extern const ao_device dev_stack;      /* stack@1.0: stack.c */
extern const ao_device dev_stack_transform; /* what its `transform` gives: stack_map.c */
extern const ao_device dev_multipass;  /* multipass@1.0: multipass.c */
extern const ao_device dev_dedup;      /* dedup@1.0: dedup.c */
extern const ao_device dev_patch;      /* patch@1.0: patch.c */
extern const ao_device dev_json_iface; /* json-iface@1.0: json_iface.c */
extern const ao_device dev_wasm_64;    /* wasm-64@1.0, and its other names: wasm.c */
extern const ao_device dev_wasm64, dev_wasm;
extern const ao_device dev_wasi;       /* wasi@1.0: wasi.c */
extern const ao_device dev_emscripten; /* emscripten@1.0: emscripten.c */

#endif
