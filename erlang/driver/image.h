/* Bytes that came in a binary of the emulator's, held without copying. */
#ifndef DRIVER_IMAGE_H
#define DRIVER_IMAGE_H

#include <erl_driver.h>

#include "beamr/bytes.h"

typedef struct drv_image {
    ErlDrvBinary *binary; /* held; NULL: the bytes are `own` */
    uint8_t *own;         /* allocated; or NULL */
    beamr_bytes bytes;    /* in one of these */
} drv_image;

/* Give them back, and leave none. Accepts one that is all zero.  Threads: any. */
void drv_image_clear(drv_image *image);

#endif
