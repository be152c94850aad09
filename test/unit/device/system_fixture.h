/* A system of a message for tests: calls on it, what the guest does within them, and the
 * message as JSON. */
#ifndef TEST_UNIT_DEVICE_SYSTEM_FIXTURE_H
#define TEST_UNIT_DEVICE_SYSTEM_FIXTURE_H

#include "../guest/system_fixture.h"
#include "device/system.h"
#include "world.h"

typedef struct scene {
    ao_context *context;
    dev_system *system;
    ao_message *message;
    dev_inputs inputs;
    beamr_error err;
} scene;

static inline scene *scene_open(const char *json)
{
    scene *s = calloc(1, sizeof *s);

    s->context = world_open(NULL, NULL);
    s->message = world_message(s->context, json);
    assert_int_equal(dev_system_new(&s->system, NULL), BEAMR_OK);
    return s;
}

static inline void scene_close(scene *s)
{
    dev_inputs_clear(&s->inputs);
    dev_system_free(s->system);
    ao_message_unref(s->message);
    ao_context_free(s->context);
    free(s);
}

static inline beamr_wasi *scene_wasi(scene *s)
{
    return dev_system_wasi(s->system);
}

/* Another message instead. */
static inline void scene_message(scene *s, const char *json)
{
    ao_message_unref(s->message);
    s->message = world_message(s->context, json);
}

/* Set a key of the message, whose path is made of plain keys, to a text. */
static inline void scene_set(scene *s, const char *path, ao_value value)
{
    ao_value base = ao_message_value(ao_message_ref(s->message));
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    ao_builder b;
    ao_message *request = NULL;
    beamr_error err = {0};

    ao_builder_begin(&b, NULL, NULL, &err);
    ao_builder_put(&b, "path", ao_binary_text("set"));
    ao_builder_put(&b, path, value);
    assert_int_equal(ao_builder_end(&b, &request), BEAMR_OK);
    if (ao_resolve_on(s->context, base, ao_message_value(request), NULL, &result, &err) !=
        BEAMR_OK)
        fail_msg("%s: %s", path, err.text);
    ao_message_unref(request);
    ao_message_unref(s->message);
    ao_value_unref(base);
    s->message = ao_to_message(result.value);
    assert_non_null(s->message);
}

static inline beamr_status scene_begin(scene *s)
{
    ao_value vfs = AO_NO_VALUE, fds = AO_NO_VALUE;

    beamr_error_clear(&s->err);
    dev_inputs_clear(&s->inputs);
    assert_int_equal(ao_message_get(s->message, beamr_bytes_of("vfs"), &vfs, NULL), BEAMR_OK);
    assert_int_equal(ao_message_get(s->message, beamr_bytes_of("file-descriptors"), &fds, NULL),
                     BEAMR_OK);
    s->inputs = (dev_inputs){.vfs = ao_value_ref(vfs),
                             .descriptors = ao_value_ref(fds),
                             .wasi_direct = true,
                             .env_direct = true,
                             .max_output = 1000};
    return dev_system_enter(s->system, &s->inputs, NULL, &s->err);
}

/* Begin a call; the message must be fine. */
static inline beamr_wasi *scene_enter(scene *s)
{
    if (scene_begin(s) != BEAMR_OK)
        fail_msg("enter: %s", s->err.text);
    return scene_wasi(s);
}

static inline void scene_leave(scene *s)
{
    if (dev_system_leave(s->system, &s->message, &s->err) != BEAMR_OK)
        fail_msg("leave: %s", s->err.text);
}

/* A value of the message; borrowed. */
static inline ao_value scene_get(scene *s, const char *path)
{
    ao_value value = AO_NO_VALUE;

    assert_int_equal(ao_message_get_path(s->message, beamr_bytes_of(path), &value, NULL),
                     BEAMR_OK);
    return value;
}

/* The message's key is what this JSON is. */
static inline void scene_expect(scene *s, const char *key, const char *json)
{
    ao_message *expected = world_message(s->context, json);
    ao_value value = scene_get(s, key), text = AO_NO_VALUE;

    if (value.kind != AO_MESSAGE || !ao_value_equal(value, ao_message_value(expected))) {
        if (value.kind == AO_MESSAGE)
            (void)ao_encode(s->context, "json@1.0", ao_to_message(value), &text, NULL);
        fail_msg("%s is %.*s, not %s", key, (int)ao_bytes(text).len,
                 (const char *)ao_bytes(text).data, json);
    }
    ao_message_unref(expected);
}

static inline void scene_expect_text(scene *s, const char *path, const char *text)
{
    beamr_bytes bytes = ao_bytes(scene_get(s, path));

    if (bytes.len != strlen(text) || (bytes.len && memcmp(bytes.data, text, bytes.len) != 0))
        fail_msg("%s is '%.*s', not '%s'", path, (int)bytes.len, (const char *)bytes.data,
                 text);
}

/* ---- What a guest does ---- */

static inline void guest_writes(beamr_wasi *w, uint32_t fd, const char *text)
{
    guest_iovec v = {(uint8_t *)(uintptr_t)text, strlen(text)};
    uint64_t total = 0;

    assert_int_equal(guest_fd_write(w, fd, &v, 1, NULL, &total, NULL), OK);
    assert_int_equal(total, strlen(text));
}

static inline void guest_reads(beamr_wasi *w, uint32_t fd, size_t most, const char *text)
{
    char buffer[256];
    guest_iovec v = {(uint8_t *)buffer, most < sizeof buffer ? most : sizeof buffer};
    uint64_t total = 0;

    assert_int_equal(guest_fd_read(w, fd, &v, 1, NULL, &total, NULL), OK);
    assert_int_equal(total, strlen(text));
    assert_memory_equal(buffer, text, total);
}

static inline void guest_puts(beamr_wasi *w, const char *path, const char *text)
{
    uint32_t fd = opened(w, posix(path), GUEST_OFLAG_CREAT | GUEST_OFLAG_TRUNC, WRITE);

    guest_writes(w, fd, text);
    assert_int_equal(guest_fd_close(w, fd), OK);
}

#endif
