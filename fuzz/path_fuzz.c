/* Fuzz target: any bytes as the path of a request, with keys behind it. The list of messages
 * that comes out is resolved; what is refused is refused with a place in the path. The first
 * byte chooses options. Then comes the path, up to a line feed; each further line is a key, `=`
 * and a value. Seeds: seeds/path/; they are their own source. */
#include "fuzz.h"

#include <string.h>

#include "beamr/ao.h"

static ao_context *context;

static beamr_bytes line_of(beamr_bytes *rest)
{
    const uint8_t *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
    beamr_bytes line = {rest->data, end ? (size_t)(end - rest->data) : rest->len};
    size_t taken = line.len + (end != NULL);

    *rest = (beamr_bytes){rest->data + taken, rest->len - taken};
    return line;
}

static ao_message *read_request(beamr_bytes rest)
{
    beamr_bytes path = line_of(&rest);
    ao_message *request = NULL;
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "path", ao_binary_copy(path));
    while (rest.len) {
        beamr_bytes line = line_of(&rest);
        const uint8_t *equals = line.len ? memchr(line.data, '=', line.len) : NULL;
        size_t len = equals ? (size_t)(equals - line.data) : 0;

        if (len)
            ao_builder_put_key(&b, (beamr_bytes){line.data, len},
                               ao_binary_copy((beamr_bytes){equals + 1, line.len - len - 1}));
    }
    return ao_builder_end(&b, &request) == BEAMR_OK ? request : NULL;
}

/* Lists and forms within each other; messages hold only what a path put into them. */
static size_t count_items(ao_value value, unsigned depth)
{
    size_t count = 1;

    FUZZ_CHECK(depth <= AO_DEPTH_MAX);
    FUZZ_CHECK(value.kind != AO_NONE);
    if (value.kind == AO_RESOLVE)
        return count_items(ao_resolve_list(value), depth + 1);
    if (value.kind == AO_AS)
        return count_items(ao_as_device(value), depth + 1) +
               count_items(ao_as_inner(value), depth + 1);
    for (size_t i = 0; i < ao_list_count(value); i++)
        count += count_items(ao_list_at(value, i), depth + 1);
    return count;
}

static void resolve(ao_value list, uint8_t choice)
{
    ao_options options = AO_OPTIONS_DEFAULT;
    beamr_error err;
    ao_result result;
    beamr_status st;

    beamr_error_clear(&err);
    options.force_message = choice & 1;
    options.raises_as_error = choice & 2;
    options.hashpath = choice & 4 ? AO_HASHPATH_IGNORE : AO_HASHPATH_UPDATE;
    options.max_depth = 64;
    st = ao_resolve(context, list, &options, &result, &err);
    if (st == BEAMR_OK) {
        FUZZ_CHECK(result.value.kind != AO_NONE);
        ao_value_unref(result.value);
    } else {
        FUZZ_CHECK(err.status == st && err.text[0]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ao_message *request;
    beamr_error err;
    ao_value list;
    beamr_status st;

    if (!context && ao_context_new(NULL, &context, NULL) != BEAMR_OK)
        return 0;
    if (size == 0)
        return 0;
    request = read_request((beamr_bytes){data + 1, size - 1});
    if (!request)
        return 0;
    beamr_error_clear(&err);
    st = ao_request_parse(context, request, &list, &err);
    if (st == BEAMR_OK) {
        FUZZ_CHECK(count_items(list, 0) <= 16 * 1024);
        resolve(list, data[0]);
        ao_value_unref(list);
    } else {
        beamr_bytes path = ao_bytes(ao_message_find_text(request, "path")); /* of any line */

        FUZZ_CHECK(err.status == st && err.text[0] && err.offset <= path.len);
        FUZZ_CHECK(st == BEAMR_MESSAGE || st == BEAMR_LIMIT || st == BEAMR_NO_MEMORY);
    }
    ao_message_unref(request);
    return 0;
}
