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

#endif
