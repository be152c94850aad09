/* Bytes in a binary of the emulator's. */
#include "driver/image.h"

#include <stdlib.h>

void drv_image_clear(drv_image *image)
{
    if (image->binary)
        driver_free_binary(image->binary); /* gives one reference back */
    free(image->own);
    *image = (drv_image){0};
}
