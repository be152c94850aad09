/* ao_context_new: a context with the codecs and devices of this library. */
#include "codec/codecs.h"
#include "device/devices.h"
#include "device/world.h"

static void close_world(void *world)
{
    dev_world_close(world);
}

beamr_status ao_context_new(const ao_settings *settings, BEAMR_OWN ao_context **out,
                            beamr_error *err)
{
    static const ao_device *const all[] = {
        &dev_message,   &dev_cache, &dev_test,   &dev_structured, &dev_httpsig,
        &dev_flat,      &dev_json,  &dev_ans104, &dev_stack,      &dev_stack_transform,
        &dev_multipass, &dev_dedup, &dev_patch,  &dev_json_iface, &dev_wasm_64,
        &dev_wasm64,    &dev_wasm,  &dev_wasi,   &dev_emscripten};
    ao_context *context = NULL;
    dev_world *world = NULL;
    beamr_status st;

    if ((st = ao_context_make(settings, &context, err)) != BEAMR_OK)
        goto out;
    if ((st = dev_world_new(settings, &world, err)) != BEAMR_OK)
        goto out;
    context->world = world;
    context->world_free = close_world;
    if ((st = codec_add_all(context, err)) != BEAMR_OK)
        goto out;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if ((st = ao_context_add_device(context, all[i], err)) != BEAMR_OK)
            goto out;
    }
    *out = context;
    context = NULL;
out:
    ao_context_free(context);
    return st;
}
