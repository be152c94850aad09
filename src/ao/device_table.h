/* What a context knows about a device: for each key that the device names, which function
 * answers it. Worked out once, when the device is added, so that choosing a function is one
 * look into a hash table. In the names of keys `-` and `_` are the same.
 * Source: AO-Core paths, "Device lookup". */
#ifndef AO_DEVICE_TABLE_H
#define AO_DEVICE_TABLE_H

#include "beamr/ao/device.h"

typedef struct device_slot {
    const char *name; /* of the device's; NULL: free */
    ao_function function;
} device_slot;

typedef struct ao_registered {
    const ao_device *device;
    beamr_bytes name; /* of the device, with its prefix: text_prefix */
    uint64_t prefix;
    ao_function other; /* for keys that have no slot; NULL: message@1.0 answers them */
    uint64_t lengths;  /* bit n: there is a name of n bytes; bit 63: one of 63 or more */
    uint32_t mask;     /* slots - 1 */
    device_slot slots[];
} ao_registered;

/* Errors: BEAMR_NO_MEMORY. */
beamr_status device_table_new(const ao_device *device, BEAMR_OWN ao_registered **out,
                              beamr_error *err);
/* The device's function for a normalised key; NULL: that of message@1.0. */
ao_function device_table_find(const ao_registered *registered, beamr_bytes key);

#endif
