/* The image of wasm-64@1.0: where it is named, where it comes from, and whether it is one.
 *
 * The first that is there of `image`, `wasm-image-id`, `wasm-image` and `module` below the
 * input prefix, of the last three in the base itself, and of the base's `body`; for `init` then
 * those of the request, and the base has it as its `image` from then on. Its value is the id of
 * a message (whose `body` or `data` is meant) or of a binary, a message itself, or bytes. What
 * begins with the magic number of WebAssembly is an image at any length.
 *
 * An id that is not stored is asked of the device that the option wasm_image_source names. What
 * comes back must be what the id stands for, and is stored then. A binary is known by its hash
 * before it is read, so that an image that was loaded before need not be.
 *
 * Code objects are refused in every mode: one is a program of this machine, which no check
 * makes safe, and nobody vouches for those in messages. Native code is made here, of
 * WebAssembly.
 * Source: AO-Core devices, "wasm-64@1.0", `init`. */
#include <stdio.h>

#include "ao/link.h"
#include "ao/set.h"
#include "ao/store.h"
#include "crypto/base64.h"
#include "crypto/sha256.h"
#include "device/wasm.h"

/* ---- Where it is named ---- */

static beamr_status find_in(const ao_message *message, beamr_bytes prefix, ao_value *out,
                            beamr_error *err)
{
    static const char *const names[] = {"image", "wasm-image-id", "wasm-image", "module"};
    const size_t count = sizeof names / sizeof names[0];
    beamr_status st = BEAMR_OK;

    *out = AO_NO_VALUE;
    for (size_t i = 0; st == BEAMR_OK && out->kind == AO_NONE && i < count; i++) {
        ao_value below = AO_NO_VALUE;

        /* The link is wanted as it is: its id may tell enough. */
        if (prefix.len > 0)
            st = ao_message_get_path(message, prefix, &below, err);
        else
            below.of.message = (ao_message *)(uintptr_t)message;
        if (prefix.len == 0 || below.kind == AO_MESSAGE)
            *out = ao_message_find_text(below.of.message, names[i]);
    }
    for (size_t i = 1; st == BEAMR_OK && out->kind == AO_NONE && i < count; i++)
        *out = ao_message_find_text(message, names[i]);
    return st;
}

/* It stands in the state then, for whoever makes an instance out of a snapshot. */
static beamr_status find_in_request(wasm_job *job, ao_value *out, beamr_error *err)
{
    char path[DEV_PATH_SIZE];
    ao_message *state;
    beamr_status st = find_in(job->moment.request, job->in, out, err);

    if (st != BEAMR_OK || out->kind == AO_NONE)
        return st;
    dev_private_path(job->in, "image", path);
    st = ao_set_path(job->moment.context, job->state, beamr_bytes_of(path), *out, &state, err);
    if (st == BEAMR_OK)
        wasm_set_state(job, state);
    return st;
}

static beamr_status find_named(wasm_job *job, ao_value *out, beamr_error *err)
{
    beamr_status st = find_in(job->moment.base, job->in, out, err);

    if (st == BEAMR_OK && out->kind == AO_NONE)
        *out = ao_message_find_text(job->moment.base, "body");
    if (st == BEAMR_OK && out->kind == AO_NONE && job->is_start)
        st = find_in_request(job, out, err);
    return st;
}

static beamr_status none_found(const wasm_job *job, beamr_error *err)
{
    return beamr_fail(err, BEAMR_ARGUMENT, 0,
                      "wasm_init_error: No viable image found in %.*s%simage.",
                      (int)job->in.len, job->in.len ? (const char *)job->in.data : "",
                      job->in.len ? "/" : "");
}

/* ---- Whether it is one ---- */

static bool is_wasm(beamr_bytes bytes)
{
    return bytes.len >= 4 && memcmp(bytes.data, "\0asm", 4) == 0;
}

/* What kind of code object the bytes are; NULL for none. */
static const char *code_object(beamr_bytes bytes)
{
    static const struct {
        const char magic[8], *text;
        size_t len;
    } kinds[] = {{"\0aot", "a code object of WAMR", 4},
                 {"\x7f"
                  "ELF",
                  "an ELF object", 4},
                 {"beamrobj", "a code object of beamr", 8},
                 {"\xcf\xfa\xed\xfe", "a Mach-O object", 4},
                 {"!<arch", "an archive of objects", 6}};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (bytes.len >= kinds[i].len && memcmp(bytes.data, kinds[i].magic, kinds[i].len) == 0)
            return kinds[i].text;
    }
    return NULL;
}

static beamr_status compiled(ao_call *call, beamr_error *err)
{
    wasm_job *job = wasm_job_of(call);

    return job->with_image(call, job, err);
}

/* There is an image, which may have to be compiled first. */
static beamr_status have_image(ao_call *call, wasm_job *job, beamr_error *err)
{
    return dev_image_compile(job->image, call, &job->waiting, compiled, err);
}

static beamr_status with_binary(ao_call *call, wasm_job *job, ao_value binary, beamr_error *err)
{
    beamr_bytes bytes = ao_bytes(binary);
    const char *kind = code_object(bytes);
    unsigned long long offset;
    beamr_status st;

    if (kind)
        return ao_call_error(call, 400,
                             "init: the image is %s; native code is not taken from messages, "
                             "but made here of WebAssembly",
                             kind);
    st = dev_image_load_binary(dev_world_of(ao_call_context(call)), binary, &job->limits,
                               &job->image, err);
    if (st == BEAMR_OK)
        return have_image(call, job, err);
    if (st == BEAMR_NO_MEMORY)
        return wasm_answer_failure(call, "init", st, err);
    offset = err->offset;
    st = ao_call_error(call, 400,
                       "init: the image is no module that can be run: %s: %s (at %llu)",
                       beamr_status_text(st), err->text, offset);
    beamr_error_clear(err);
    return st;
}

/* ---- Where it comes from ---- */

/* The image of a hash, if it was loaded before.  `is_found` says so. */
static beamr_status try_hash(ao_call *call, wasm_job *job, beamr_bytes id, bool *is_found,
                             beamr_error *err)
{
    uint8_t hash[AO_ID_SIZE];
    beamr_status st;

    *is_found = false;
    if (id.len == AO_ID_SIZE)
        memcpy(hash, id.data, sizeof hash);
    else if (id.len != AO_ID_TEXT || !crypto_id_bytes(id, hash))
        return BEAMR_OK;
    st = dev_image_find(dev_world_of(ao_call_context(call)), hash, &job->limits, &job->image,
                        err);
    *is_found = st == BEAMR_OK && job->image;
    return st;
}

/* Bytes, or a link to them, that stand in a message under `body` or `data`. */
static ao_value body_of(const ao_message *message)
{
    ao_value body = ao_message_find_text(message, "body");

    return body.kind == AO_NONE ? ao_message_find_text(message, "data") : body;
}

/* A binary that may still be a link. */
static beamr_status with_bytes(ao_call *call, wasm_job *job, ao_value value, beamr_error *err)
{
    bool is_found = false;
    beamr_status st = BEAMR_OK;

    if (value.kind == AO_LINK && ao_link_kind(value) == AO_BINARY)
        st = try_hash(call, job, ao_link_id(value), &is_found, err);
    if (st == BEAMR_OK && is_found)
        return have_image(call, job, err);
    if (st == BEAMR_OK)
        st = ao_value_load(value, &value, err);
    if (st != BEAMR_OK)
        return st;
    if (value.kind != AO_BINARY)
        return ao_call_error(call, 400, "init: the image is a message without bytes in its %s",
                             "`body`");
    return with_binary(call, job, value, err);
}

/* What an id stands for: a message or a binary. */
static beamr_status with_stored(ao_call *call, wasm_job *job, ao_value value, beamr_error *err)
{
    const ao_message *message = ao_to_message(value);

    return with_bytes(call, job, message ? body_of(message) : value, err);
}

/* ---- Asking a source ---- */

/* The signatures behind an id hold, and cover the bytes. */
static beamr_status is_signed(ao_context *context, const ao_message *message, beamr_bytes id,
                              bool *out, beamr_error *err)
{
    const char *key = ao_message_find_text(message, "body").kind == AO_NONE ? "data" : "body";
    ao_value item = ao_binary_copy(id), covered = AO_NO_VALUE;
    ao_selection one = {.commitments = ao_list_new(&item, 1)};
    const ao_selection *selection = &one;
    char text[AO_ID_TEXT + 1];
    beamr_status st = one.commitments.kind == AO_NONE
                          ? beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an id")
                          : ao_message_id(context, message, text, err);

    *out = false;
    if (st == BEAMR_OK && text_is(id, text))
        selection = &AO_SELECT_SIGNED; /* the id of all signatures together */
    if (st == BEAMR_OK)
        st = ao_verify(context, message, selection, out, NULL, err);
    if (st == BEAMR_OK && *out)
        st = ao_committed(context, message, selection, &covered, err);
    *out = *out && dev_list_has(covered, beamr_bytes_of(key));
    ao_value_unref(covered);
    ao_value_unref(one.commitments);
    return st;
}

/* The value is what the id stands for: a binary by its hash, a message by what it contains or
 * by signatures. */
static beamr_status is_of_id(ao_context *context, ao_value value, beamr_bytes id, bool *out,
                             beamr_error *err)
{
    const ao_message *message = ao_to_message(value);
    char name[AO_ID_TEXT + 1], text[AO_ID_TEXT + 1];
    uint8_t hash[CRYPTO_SHA256_SIZE];
    beamr_status st;

    *out = false;
    if (id.len == AO_ID_SIZE)
        crypto_id_text(id.data, name);
    else if (id.len == AO_ID_TEXT)
        (void)memcpy(name, id.data, AO_ID_TEXT);
    else
        return BEAMR_OK;
    name[AO_ID_TEXT] = '\0';
    id = beamr_bytes_of(name);
    if (!message) {
        if ((st = crypto_sha256(ao_bytes(value), hash, err)) == BEAMR_OK)
            crypto_id_text(hash, text);
        *out = st == BEAMR_OK && value.kind == AO_BINARY && text_is(id, text);
        return st;
    }
    if ((st = ao_message_unsigned_id(context, message, text, err)) != BEAMR_OK)
        return st;
    if (text_is(id, text)) {
        *out = true;
        return BEAMR_OK;
    }
    return is_signed(context, message, id, out, err);
}

/* What a source gave is kept if there is a store; the image is good without it. */
static beamr_status keep(ao_call *call, ao_value value, beamr_error *err)
{
    ao_context *context = ao_call_context(call);
    char id[AO_ID_TEXT + 1];
    beamr_status st = context->kv ? ao_store_write(context, value, id, err) : BEAMR_OK;

    if (st == BEAMR_OK || st == BEAMR_NO_MEMORY)
        return st;
    beamr_error_clear(err);
    return BEAMR_OK;
}

/* An error, 404: nobody has it. A failure, 502: that could not be found out.
 *   detail  what the source said; may be empty */
static beamr_status not_stored(ao_call *call, const wasm_job *job, ao_outcome outcome,
                               const char *why, beamr_bytes detail)
{
    beamr_bytes id = ao_bytes(job->id);
    char name[AO_ID_TEXT + 1], text[512];
    ao_builder builder;

    if (id.len == AO_ID_SIZE) {
        crypto_id_text(id.data, name);
        id = beamr_bytes_of(name);
    }
    (void)snprintf(text, sizeof text, "init: the image %.*s is not stored here%s%s%.*s",
                   (int)id.len, (const char *)id.data, why, detail.len > 0 ? ": " : "",
                   (int)(detail.len < 200 ? detail.len : 200), (const char *)detail.data);
    ao_builder_begin(&builder, NULL, NULL, NULL);
    ao_builder_put(&builder, "status", ao_integer(outcome == AO_OUTCOME_ERROR ? 404 : 502));
    ao_builder_put(&builder, "body", ao_binary_text(text));
    return ao_call_return(call, outcome, ao_builder_value(&builder));
}

/* A source that said no does not have it. One that failed, or is not there, could not tell. */
static beamr_status source_refused(ao_call *call, const wasm_job *job, const ao_result *result)
{
    beamr_bytes source = ao_text(ao_call_option(call, "wasm_image_source"));
    bool is_missing = wasm_is_not_found(result);
    bool is_no = is_missing || result->outcome == AO_OUTCOME_ERROR;
    beamr_bytes detail = is_missing ? (beamr_bytes){NULL, 0} : wasm_text_of(result->value);
    char why[160];

    (void)snprintf(why, sizeof why, ", and its source, `%.*s`, %s",
                   (int)(source.len < 80 ? source.len : 80), (const char *)source.data,
                   is_no ? "does not have it" : "could not be asked");
    return not_stored(call, job, is_no ? AO_OUTCOME_ERROR : AO_OUTCOME_FAILURE, why, detail);
}

static beamr_status source_answered(ao_call *call, beamr_error *err)
{
    wasm_job *job = wasm_job_of(call);
    const ao_result *result = ao_call_result(call);
    ao_value value = AO_NO_VALUE;
    bool is_right = false;
    beamr_status st = BEAMR_OK;

    if (result->outcome != AO_OUTCOME_OK)
        return source_refused(call, job, result);
    if ((st = ao_value_load(result->value, &value, err)) == BEAMR_OK)
        st = is_of_id(ao_call_context(call), value, ao_bytes(job->id), &is_right, err);
    if (st == BEAMR_NO_MEMORY)
        return st;
    if (st != BEAMR_OK || !is_right) {
        beamr_error_clear(err);
        return ao_call_error(call, 502,
                             "init: the source of images gave what does not have this id");
    }
    if ((st = keep(call, value, err)) != BEAMR_OK)
        return st;
    return with_stored(call, job, value, err);
}

static beamr_status ask_source(ao_call *call, wasm_job *job)
{
    ao_value source = ao_call_option(call, "wasm_image_source");
    ao_options options = dev_inner_options(call);
    ao_builder base, request;

    if (ao_text(source).len == 0)
        return not_stored(call, job, AO_OUTCOME_ERROR,
                          ao_call_context(call)->kv ? "" : ": there is no store",
                          (beamr_bytes){NULL, 0});
    options.raises_as_error = true;
    ao_builder_begin(&base, NULL, NULL, NULL);
    ao_builder_put(&base, "device", ao_value_ref(source));
    ao_builder_begin(&request, NULL, NULL, NULL);
    ao_builder_put(&request, "path", ao_binary_text("read"));
    ao_builder_put(&request, "target", ao_value_ref(job->id));
    return ao_call_resolve(call, ao_builder_value(&base), ao_builder_value(&request), &options,
                           source_answered);
}

/* ---- Ids ---- */

static beamr_status with_id(ao_call *call, wasm_job *job, ao_value id, beamr_error *err)
{
    ao_context *context = ao_call_context(call);
    ao_value value = AO_NO_VALUE;
    bool is_found;
    beamr_status st = try_hash(call, job, ao_bytes(id), &is_found, err);

    if (st != BEAMR_OK)
        return st;
    if (is_found)
        return have_image(call, job, err);
    job->id = ao_value_ref(id);
    st = context->kv ? ao_store_read(context, ao_bytes(id), &value, NULL) : BEAMR_NOT_FOUND;
    if (st == BEAMR_NOT_FOUND)
        return ask_source(call, job);
    if (st != BEAMR_OK) /* again, to hear what is wrong */
        st = ao_store_read(context, ao_bytes(id), &value, err);
    if (st == BEAMR_OK)
        st = with_stored(call, job, value, err);
    ao_value_unref(value);
    return st;
}

static bool is_id(beamr_bytes bytes)
{
    return (bytes.len == AO_ID_SIZE || bytes.len == 42 || bytes.len == AO_ID_TEXT) &&
           !is_wasm(bytes);
}

beamr_status wasm_image_begin(ao_call *call, wasm_job *job, wasm_step then, beamr_error *err)
{
    char text[WASM_TEXT_SIZE];
    ao_value value;
    beamr_status st;

    job->with_image = then;
    if ((st = wasm_limits_read(call, job, text, err)) != BEAMR_OK)
        return st;
    if (text[0])
        return ao_call_error(call, 400, "init: %s", text);
    if ((st = find_named(job, &value, err)) != BEAMR_OK)
        return st;
    if (value.kind == AO_NONE)
        return none_found(job, err);
    if (value.kind == AO_LINK && ao_link_kind(value) == AO_BINARY)
        return with_bytes(call, job, value, err);
    if ((st = ao_value_load(value, &value, err)) != BEAMR_OK)
        return st;
    if (value.kind == AO_MESSAGE)
        return with_bytes(call, job, body_of(ao_to_message(value)), err);
    if (value.kind != AO_BINARY)
        return ao_call_error(call, 400, "init: the image is no id, no message and no bytes");
    return is_id(ao_bytes(value)) ? with_id(call, job, value, err)
                                  : with_binary(call, job, value, err);
}
