/* cache@1.0: reading and writing the store of the context.
 *
 *   key    reads of the request            answers                          also
 *   read   target, accept                  ok: the message or binary of     reads the store
 *                                          an id, a name, or a path below
 *                                          one; error not_found
 *   write  body, type (single or batch)    ok: {status: 200, path}; of a    stores binaries
 *                                          batch {status: 200, paths: {key:
 *                                          path}}
 *   link   source, destination             ok: {status: 200}                a name that leads
 *                                                                           to the source
 *
 * `write` and `link` are for requests that one of the addresses in the option `cache_writers`
 * has signed: the signature must hold and cover what is used of the request. Others get error
 * {status: 403}. An id never becomes a name of something else. Not made yet: `read` with
 * `accept` = application/aos-2, which answers error {status: 406}.
 * All other keys are those of message@1.0. The layout of the store is ao/store.h's business.
 * Source: AO-Core devices, "cache@1.0". */
#include "ao/path.h"
#include "ao/store.h"
#include "device/devices.h"
#include "device/internal.h"

static beamr_status no_store(ao_call *call)
{
    return ao_call_error(call, 404, "This node has no store.");
}

/* A text as it stands, or what is percent-encoded in it: `application%2Faos-2`. */
static bool accepts_aos2(beamr_bytes text)
{
    static const char name[] = "application/aos-2";
    size_t n = 0;

    for (size_t i = 0; i < text.len && n < sizeof name - 1; n++) {
        if (text.len - i >= 3 && memcmp(text.data + i, "%2", 2) == 0 && name[n] == '/' &&
            (text.data[i + 2] | 0x20) == 'f') {
            i += 3;
        } else if (text.data[i++] != (uint8_t)name[n]) {
            return false;
        }
    }
    return n == sizeof name - 1;
}

static beamr_status read_key(ao_call *call, beamr_error *err)
{
    ao_context *context = ao_call_context(call);
    ao_value target, accept, value = AO_NO_VALUE;
    beamr_status st = dev_argument(call, "target", &target, err);

    if (st == BEAMR_OK)
        st = dev_argument(call, "accept", &accept, err);
    if (st != BEAMR_OK)
        return st;
    if (!context->kv)
        return no_store(call);
    if (ao_text(target).len == 0)
        return ao_call_error(call, 400, "read: the request has no `target`");
    if (accepts_aos2(ao_text(accept)))
        return ao_call_error(call, 406, "read: application/aos-2 is not offered");
    st = ao_store_read_path(context, ao_text(target), &value, err);
    if (st == BEAMR_NOT_FOUND) {
        beamr_error_clear(err);
        return ao_call_not_found(call);
    }
    return st == BEAMR_OK ? ao_call_ok(call, value) : st;
}

/* ---- Who may write ---- */

/* The signature of one address holds and covers `used`, a list of keys up to NULL; those that
 * the request does not have count as covered.  Errors: those of memory and of the store. */
static beamr_status is_signed_by(ao_call *call, const ao_message *request, ao_value address,
                                 const char *const *used, bool *out, beamr_error *err)
{
    ao_context *context = ao_call_context(call);
    ao_value item = ao_value_ref(address), covered = AO_NO_VALUE;
    ao_selection selection = {.committers = ao_list_new(&item, 1)};
    beamr_status st;

    *out = false;
    if (selection.committers.kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for checking a signature");
    st = ao_verify(context, request, &selection, out, NULL, err);
    if (st == BEAMR_OK && *out)
        st = ao_committed(context, request, &selection, &covered, err);
    for (; st == BEAMR_OK && *out && *used; used++)
        *out = ao_message_find_text(request, *used).kind == AO_NONE ||
               dev_list_has(covered, beamr_bytes_of(*used));
    ao_value_unref(covered);
    ao_value_unref(selection.committers);
    return st;
}

static beamr_status is_writer(ao_call *call, const char *const *used, bool *out,
                              beamr_error *err)
{
    const ao_message *request = ao_call_request(call);
    ao_value writers, committers = AO_NO_VALUE, list = AO_NO_VALUE;
    beamr_status st;

    *out = false;
    if (!request)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the request");
    st = ao_value_load(ao_call_option(call, "cache_writers"), &writers, err);
    if (st == BEAMR_OK && writers.kind == AO_MESSAGE)
        st = ao_message_to_list(ao_to_message(writers), &list, err);
    else if (st == BEAMR_OK)
        list = ao_value_ref(writers);
    if (st == BEAMR_OK)
        st = ao_committers(request, &committers, err);
    for (size_t i = 0; st == BEAMR_OK && !*out && i < ao_list_count(committers); i++) {
        ao_value address = ao_list_at(committers, i);

        if (dev_list_has(list, ao_text(address)))
            st = is_signed_by(call, request, address, used, out, err);
    }
    ao_value_unref(committers);
    ao_value_unref(list);
    return st;
}

static beamr_status not_authorised(ao_call *call)
{
    return ao_call_error(call, 403, "Not authorized to write to the cache.");
}

/* ---- Writing ---- */

static beamr_status write_single(ao_call *call, ao_value body, beamr_error *err)
{
    char id[AO_ID_TEXT + 1];
    ao_builder builder;
    beamr_status st;

    if (body.kind == AO_NONE)
        return ao_call_error(call, 400, "No body to write.");
    if (body.kind != AO_BINARY)
        return ao_call_error(call, 400, "Invalid write type.");
    if ((st = ao_store_write(ao_call_context(call), body, id, err)) != BEAMR_OK)
        return st;
    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "status", ao_integer(200));
    ao_builder_put(&builder, "path", ao_binary_text(id));
    return ao_call_ok(call, ao_builder_value(&builder));
}

/* Add every value to a batch and its path to `paths`. `is_fit`: all are binaries. */
static beamr_status add_all(ao_call *call, const ao_message *body, kv_batch *batch,
                            ao_builder *paths, bool *is_fit, beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *key;

    *is_fit = true;
    while (ao_message_next(body, &cursor, &key, NULL)) {
        char id[AO_ID_TEXT + 1];
        ao_value value;
        beamr_status st = ao_message_get(body, ao_name_text(key), &value, err);

        if (st != BEAMR_OK)
            return st;
        if (value.kind != AO_BINARY) {
            *is_fit = false;
            return BEAMR_OK;
        }
        if ((st = ao_store_add(ao_call_context(call), batch, value, id, err)) != BEAMR_OK)
            return st;
        ao_builder_put_name(paths, key, ao_binary_text(id));
    }
    return BEAMR_OK;
}

/* All of a batch is written, or nothing. */
static beamr_status write_batch(ao_call *call, const ao_message *body, beamr_error *err)
{
    kv_batch *batch = NULL;
    ao_builder paths, builder;
    bool is_fit = false;
    beamr_status st = kv_batch_new(ao_call_context(call)->kv, &batch, err);

    if (st != BEAMR_OK)
        return st;
    ao_builder_begin(&paths, NULL, NULL, err);
    st = add_all(call, body, batch, &paths, &is_fit, err);
    if (st != BEAMR_OK || !is_fit) {
        kv_batch_free(batch);
        ao_builder_drop(&paths);
        return st == BEAMR_OK ? ao_call_error(call, 400, "Invalid write type.") : st;
    }
    if ((st = kv_batch_commit(batch, NULL, err)) != BEAMR_OK) {
        ao_builder_drop(&paths);
        return st;
    }
    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "status", ao_integer(200));
    ao_builder_put(&builder, "paths", ao_builder_value(&paths));
    return ao_call_ok(call, ao_builder_value(&builder));
}

/* Those who may: `write` gets the two arguments that their signature covers. */
static beamr_status as_writer(ao_call *call, const char *const used[3],
                              beamr_status (*write)(ao_call *call, ao_value first,
                                                    ao_value second, beamr_error *err),
                              beamr_error *err)
{
    ao_value first, second;
    bool is_allowed;
    beamr_status st = is_writer(call, used, &is_allowed, err);

    if (st != BEAMR_OK)
        return st;
    if (!is_allowed)
        return not_authorised(call);
    if (!ao_call_context(call)->kv)
        return no_store(call);
    if ((st = dev_argument(call, used[0], &first, err)) != BEAMR_OK ||
        (st = dev_argument(call, used[1], &second, err)) != BEAMR_OK)
        return st;
    return write(call, first, second, err);
}

static beamr_status write_body(ao_call *call, ao_value body, ao_value type, beamr_error *err)
{
    if (type.kind == AO_NONE || text_is(ao_text(type), "single"))
        return write_single(call, body, err);
    if (text_is(ao_text(type), "batch") && ao_to_message(body))
        return write_batch(call, ao_to_message(body), err);
    return ao_call_error(call, 400, "Invalid write type.");
}

static beamr_status write_link(ao_call *call, ao_value source, ao_value destination,
                               beamr_error *err)
{
    kv_batch *batch = NULL;
    ao_builder builder;
    beamr_status st;

    if (ao_text(source).len == 0 || ao_text(destination).len == 0)
        return ao_call_error(call, 400, "link: `source` or `destination` is missing");
    if (ao_is_id(ao_text(destination)))
        return ao_call_error(call, 400, "link: the destination is an id, not a name");
    if ((st = kv_batch_new(ao_call_context(call)->kv, &batch, err)) != BEAMR_OK)
        return st;
    ao_store_add_name(batch, ao_text(destination), ao_text(source));
    if ((st = kv_batch_commit(batch, NULL, err)) != BEAMR_OK)
        return st;
    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "status", ao_integer(200));
    return ao_call_ok(call, ao_builder_value(&builder));
}

static beamr_status write_key(ao_call *call, beamr_error *err)
{
    static const char *const used[] = {"body", "type", NULL};

    return as_writer(call, used, write_body, err);
}

static beamr_status link_key(ao_call *call, beamr_error *err)
{
    static const char *const used[] = {"source", "destination", NULL};

    return as_writer(call, used, write_link, err);
}

static const ao_key keys[] = {
    {"read", read_key}, {"write", write_key}, {"link", link_key}, AO_KEYS_END};

const ao_device dev_cache = {.name = "cache@1.0", .keys = keys};
