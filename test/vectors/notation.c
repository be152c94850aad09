/* Reading the vectors with jansson. Recursive, since our own files are not hostile. */
#include "vectors/notation.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "crypto/base64.h"

/* ---- Files and members ---- */

json_t *notation_file(const char *name)
{
    char path[1024];
    json_error_t why;
    json_t *file;

    snprintf(path, sizeof path, "%s/%s", VECTOR_FOLDER, name);
    file = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (!file)
        fail_msg("%s:%d: %s", path, why.line, why.text);
    return file;
}

const json_t *notation_member(const json_t *object, const char *key)
{
    const json_t *member = json_object_get(object, key);

    if (!member)
        fail_msg("a vector without `%s`", key);
    return member;
}

static const char *text_of(const json_t *json, const char *what)
{
    const char *text = json_string_value(json);

    if (!text)
        fail_msg("%s is not a text", what);
    return text;
}

const char *notation_text(const json_t *object, const char *key)
{
    return text_of(notation_member(object, key), key);
}

bool notation_is_error(const json_t *json)
{
    return json_object_get(json, "error") != NULL;
}

/* ---- Values ---- */

static ao_value read_binary(const json_t *json)
{
    return ao_binary_copy(
        (beamr_bytes){(const uint8_t *)text_of(json, "bin"), json_string_length(json)});
}

static ao_value read_base64(const json_t *json)
{
    beamr_bytes text = beamr_bytes_of(text_of(json, "bin-b64url"));
    uint8_t *data = malloc(crypto_base64_size(text.len) + 1);
    size_t len = 0;
    ao_value value;

    assert_non_null(data);
    assert_int_equal(crypto_base64_decode(CRYPTO_BASE64URL, text, data, &len, NULL), BEAMR_OK);
    value = ao_binary_copy((beamr_bytes){data, len});
    free(data);
    return value;
}

static ao_value read_integer(const json_t *json)
{
    ao_value value = AO_NO_VALUE;

    assert_int_equal(ao_integer_read(beamr_bytes_of(text_of(json, "int")), &value, NULL),
                     BEAMR_OK);
    return value;
}

/* The bits are exact; the text beside them is for readers. */
static ao_value read_float(const json_t *object)
{
    const char *text = notation_text(object, "float-bits-hex");
    uint64_t bits = strtoull(text, NULL, 16);
    double number;

    assert_int_equal(strlen(text), 16);
    memcpy(&number, &bits, sizeof number);
    return ao_float(number);
}

static ao_value read_list(const json_t *json)
{
    size_t count = json_array_size(json);
    ao_value *items = calloc(count + 1, sizeof *items);
    ao_value list;

    assert_true(json_is_array(json));
    assert_non_null(items);
    for (size_t i = 0; i < count; i++)
        items[i] = notation_value(json_array_get(json, i));
    list = ao_list_new(items, count);
    free(items);
    return list;
}

static ao_value read_message(const json_t *json)
{
    ao_builder builder;

    assert_true(json_is_array(json));
    ao_builder_begin(&builder, NULL, NULL, NULL);
    for (size_t i = 0; i < json_array_size(json); i++) {
        const json_t *pair = json_array_get(json, i), *key = json_array_get(pair, 0);

        assert_int_equal(json_array_size(pair), 2);
        ao_builder_put_key(
            &builder,
            (beamr_bytes){(const uint8_t *)text_of(key, "a key"), json_string_length(key)},
            notation_value(json_array_get(pair, 1)));
    }
    return ao_builder_value(&builder);
}

static ao_value read_as(const json_t *json)
{
    assert_int_equal(json_array_size(json), 2);
    return ao_as(read_binary(json_array_get(json, 0)), notation_value(json_array_get(json, 1)));
}

/* What a member's name makes of the member; `float` reads the object instead. */
static ao_value read_kind(const json_t *object, const char *kind, const json_t *json)
{
    if (strcmp(kind, "bin") == 0)
        return read_binary(json);
    if (strcmp(kind, "bin-b64url") == 0)
        return read_base64(json);
    if (strcmp(kind, "int") == 0)
        return read_integer(json);
    if (strcmp(kind, "float") == 0 || strcmp(kind, "float-bits-hex") == 0)
        return read_float(object);
    if (strcmp(kind, "atom") == 0)
        return ao_atom(text_of(json, kind));
    if (strcmp(kind, "list") == 0)
        return read_list(json);
    if (strcmp(kind, "msg") == 0)
        return read_message(json);
    if (strcmp(kind, "as") == 0)
        return read_as(json);
    if (strcmp(kind, "resolve") == 0)
        return ao_resolve_form(read_list(json));
    return AO_NO_VALUE;
}

ao_value notation_value(const json_t *json)
{
    void *member = json_object_iter((json_t *)json);
    ao_value value = AO_NO_VALUE;

    if (member)
        value = read_kind(json, json_object_iter_key(member), json_object_iter_value(member));
    if (value.kind == AO_NONE)
        fail_msg("not a value: %s", json_dumps(json, JSON_ENCODE_ANY));
    return value;
}

ao_message *notation_message(const json_t *json)
{
    ao_value value = notation_value(json);

    assert_int_equal(value.kind, AO_MESSAGE);
    return ao_to_message(value);
}

/* ---- Showing ---- */

static json_t *show_value(ao_value value);

static json_t *show_text(beamr_bytes text)
{
    return json_stringn((const char *)text.data, text.len);
}

static json_t *show_binary(ao_value value)
{
    beamr_bytes bytes = ao_bytes(value);
    size_t len = crypto_base64_length(CRYPTO_BASE64URL, bytes.len);
    char *text;
    json_t *json;

    if (utf8_is_valid(bytes))
        return json_pack("{s:o}", "bin", bytes.len ? show_text(bytes) : json_string(""));
    text = malloc(len + 1);
    assert_non_null(text);
    crypto_base64_encode(CRYPTO_BASE64URL, bytes, text);
    json = json_pack("{s:s%}", "bin-b64url", text, len);
    free(text);
    return json;
}

static json_t *show_integer(ao_value value)
{
    char buffer[AO_INTEGER_TEXT_SIZE];

    return json_pack("{s:o}", "int", show_text(ao_integer_text(value, buffer)));
}

static json_t *show_float(double number)
{
    char text[64], hex[32];
    uint64_t bits;

    memcpy(&bits, &number, sizeof bits);
    snprintf(text, sizeof text, "%.20e", number);
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)bits);
    return json_pack("{s:s,s:s}", "float", text, "float-bits-hex", hex);
}

static json_t *show_list(ao_value list)
{
    json_t *items = json_array();

    for (size_t i = 0; i < ao_list_count(list); i++)
        json_array_append_new(items, show_value(ao_list_at(list, i)));
    return items;
}

static json_t *show_message(const ao_message *message)
{
    json_t *pairs = json_array();
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;

    while (ao_message_next(message, &cursor, &key, &value)) {
        json_t *name = show_text(ao_name_text(key));

        json_array_append_new(pairs,
                              json_pack("[oo]", name ? name : json_null(), show_value(value)));
    }
    return pairs;
}

static json_t *show_value(ao_value value)
{
    switch (value.kind) {
    case AO_BINARY:
        return show_binary(value);
    case AO_INTEGER:
        return show_integer(value);
    case AO_FLOAT:
        return show_float(value.of.number);
    case AO_ATOM:
        return json_pack("{s:o}", "atom", show_text(ao_text(value)));
    case AO_LIST:
        return json_pack("{s:o}", "list", show_list(value));
    case AO_MESSAGE:
        return json_pack("{s:o}", "msg", show_message(ao_to_message(value)));
    case AO_AS:
        return json_pack("{s:[oo]}", "as", show_value(ao_as_device(value)),
                         show_value(ao_as_inner(value)));
    case AO_RESOLVE:
        return json_pack("{s:o}", "resolve", show_list(ao_resolve_list(value)));
    case AO_LINK:
        return json_pack("{s:s}", "link", "");
    case AO_NATIVE:
        return json_pack("{s:s}", "native", "");
    case AO_NONE:
        break;
    }
    return json_pack("{s:s}", "none", "");
}

char *notation_show(ao_value value)
{
    json_t *json = show_value(value);
    char *text = json_dumps(json, JSON_COMPACT);

    json_decref(json);
    assert_non_null(text);
    return text;
}

void notation_assert_equal(ao_value actual, ao_value expected, const char *what)
{
    char *is, *should;

    if (ao_value_equal(actual, expected))
        return;
    is = notation_show(actual);
    should = notation_show(expected);
    fail_msg("%s\n  is        %s\n  should be %s", what, is, should);
}

void notation_each(const char *name, size_t count,
                   void (*check)(const char *name, const json_t *vector))
{
    json_t *file = notation_file(name);
    const json_t *vectors = notation_member(file, "vectors"), *vector;
    size_t i;

    assert_int_equal(json_array_size(vectors), count);
    json_array_foreach(vectors, i, vector) check(notation_text(vector, "name"), vector);
    json_decref(file);
}

/* ---- A context ---- */

ao_context *notation_context;

int notation_open(void **state)
{
    (void)state;
    return ao_context_new(NULL, &notation_context, NULL) == BEAMR_OK ? 0 : -1;
}

int notation_close(void **state)
{
    (void)state;
    ao_context_free(notation_context);
    notation_context = NULL;
    return 0;
}
