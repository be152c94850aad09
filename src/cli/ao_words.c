/* Words of the command line as keys of messages, and as options of the node: cli/ao.h. */
#include "cli/ao.h"

#include <stdlib.h>

/* ---- Keys ---- */

/* The value of `key:=JSON`: the only member of an object that is decoded. */
static beamr_status json_value(ao_context *context, const char *json, ao_value *out,
                               beamr_error *err)
{
    static const char head[] = "{\"value\":", tail[] = "}";
    size_t size = strlen(json) + sizeof head + sizeof tail;
    char *text = malloc(size);
    ao_message *message = NULL;
    ao_value found = AO_NO_VALUE;
    beamr_status st;

    if (!text)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu bytes", size);
    (void)snprintf(text, size, "%s%s%s", head, json, tail);
    st = cli_form_read(context, FORM_JSON, beamr_bytes_of(text), &message, err);
    free(text);
    if (st == BEAMR_OK) {
        found = ao_message_find_text(message, "value");
        if (ao_message_count(message) != 1 || found.kind == AO_NONE)
            st = beamr_fail(err, BEAMR_MESSAGE, 0, "not one JSON value: %s", json);
    }
    if (err->offset >= sizeof head - 1)
        err->offset -= sizeof head - 1; /* as the user sees it */
    *out = ao_value_ref(found);
    ao_message_unref(message);
    return st;
}

static beamr_status file_value(const char *path, ao_value *out, beamr_error *err)
{
    cli_file file = {0};
    beamr_status st = cli_file_read(path, CLI_FILE_MAX, &file, err);

    if (st == BEAMR_OK)
        *out = ao_binary_copy(cli_file_bytes(&file));
    cli_file_clear(&file);
    return st;
}

bool cli_is_word(const char *text)
{
    const char *sign = strchr(text, '=');

    return sign && sign != text && !(sign == text + 1 && text[0] == ':');
}

beamr_status cli_word_read(ao_context *context, const char *word, ao_builder *into,
                           beamr_error *err)
{
    const char *sign = strchr(word, '=');
    bool is_json;
    beamr_bytes key;
    ao_value value = AO_NO_VALUE;
    beamr_status st = BEAMR_OK;

    if (!cli_is_word(word))
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "'%s' is not KEY=VALUE, KEY=@FILE or KEY:=JSON", word);
    is_json = sign[-1] == ':';
    key = (beamr_bytes){(const uint8_t *)word, (size_t)(sign - word) - (is_json ? 1 : 0)};
    if (is_json)
        st = json_value(context, sign + 1, &value, err);
    else if (sign[1] == '@')
        st = file_value(sign + 2, &value, err);
    else
        value = ao_binary_text(sign + 1);
    if (st == BEAMR_OK)
        ao_builder_put_key(into, key, value);
    return st;
}

/* ---- Options of the node ---- */

typedef enum option_kind {
    OPTION_NUMBER,
    OPTION_BOOLEAN,
    OPTION_TEXT,
    OPTION_CHOICE, /* one of two texts */
    OPTION_LIST,   /* of texts, separated by commas */
} option_kind;

/* Those that the devices of this library ask for. */
static const struct node_option {
    const char *name;
    option_kind kind;
    const char *choices[2];
} node_options[] = {
    {"cache_writers", OPTION_LIST, {NULL}},
    {"commitment_device", OPTION_TEXT, {NULL}},
    {"dedup_subject", OPTION_TEXT, {NULL}},
    {"error_strategy", OPTION_CHOICE, {"throw", "stop"}},
    {"resolve_max_steps", OPTION_NUMBER, {NULL}},
    {"wasi_max_output", OPTION_NUMBER, {NULL}},
    {"wasm_allow_aot", OPTION_BOOLEAN, {NULL}},
    {"wasm_aot_memory", OPTION_NUMBER, {NULL}},
    {"wasm_aot_time", OPTION_NUMBER, {NULL}},
    {"wasm_cache", OPTION_NUMBER, {NULL}},
    {"wasm_idle_time", OPTION_NUMBER, {NULL}},
    {"wasm_image_source", OPTION_TEXT, {NULL}},
    {"wasm_imports", OPTION_CHOICE, {"stub", "trap"}},
    {"wasm_max_fuel", OPTION_NUMBER, {NULL}},
    {"wasm_max_guest_memory", OPTION_NUMBER, {NULL}},
    {"wasm_max_memory", OPTION_NUMBER, {NULL}},
    {"wasm_max_module_size", OPTION_NUMBER, {NULL}},
    {"wasm_timeout", OPTION_NUMBER, {NULL}},
};

#define NODE_OPTION_COUNT (sizeof node_options / sizeof node_options[0])

static beamr_status unknown_option(beamr_bytes name, beamr_error *err)
{
    char all[512];
    size_t len = 0;

    for (size_t i = 0; i < NODE_OPTION_COUNT && len < sizeof all; i++)
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", i ? ", " : "",
                                node_options[i].name);
    return beamr_fail(err, BEAMR_ARGUMENT, 0,
                      "no option of the node is called '%.*s'; these are: %s",
                      (int)(name.len < 64 ? name.len : 64), (const char *)name.data, all);
}

static beamr_status list_value(const char *text, ao_value *out, beamr_error *err)
{
    size_t count = 1, n = 0;
    ao_value *items;

    for (const char *p = text; *p; p++)
        count += *p == ',';
    if (!(items = calloc(count, sizeof *items)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu values", count);
    for (const char *p = text; n < count; n++) {
        size_t len = strcspn(p, ",");

        items[n] = ao_binary_copy((beamr_bytes){(const uint8_t *)p, len});
        p += len + 1;
    }
    *out = ao_list_new(items, count);
    free(items);
    return BEAMR_OK;
}

static beamr_status fail_value(const char *name, const char *what, const char *text,
                               beamr_error *err)
{
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "the option %s is %s, not '%s'", name, what,
                      text);
}

static beamr_status choice_value(const struct node_option *option, const char *text,
                                 ao_value *out, beamr_error *err)
{
    char what[64];

    for (size_t i = 0; i < 2; i++) {
        if (strcmp(text, option->choices[i]) == 0) {
            *out = ao_binary_text(text);
            return BEAMR_OK;
        }
    }
    (void)snprintf(what, sizeof what, "%s or %s", option->choices[0], option->choices[1]);
    return fail_value(option->name, what, text, err);
}

static beamr_status option_value(const struct node_option *option, const char *text,
                                 ao_value *out, beamr_error *err)
{
    uint64_t number;

    switch (option->kind) {
    case OPTION_NUMBER:
        if (!cli_number(text, INT64_MAX, &number))
            return fail_value(option->name, "a number", text, err);
        *out = ao_integer((int64_t)number);
        return BEAMR_OK;
    case OPTION_BOOLEAN:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return fail_value(option->name, "true or false", text, err);
        *out = ao_boolean(text[0] == 't');
        return BEAMR_OK;
    case OPTION_CHOICE:
        return choice_value(option, text, out, err);
    case OPTION_LIST:
        return list_value(text, out, err);
    case OPTION_TEXT:
        break;
    }
    *out = ao_binary_text(text);
    return BEAMR_OK;
}

beamr_status cli_option_read(const char *word, ao_builder *into, beamr_error *err)
{
    const char *sign = strchr(word, '=');
    size_t len = sign ? (size_t)(sign - word) : strlen(word);
    ao_value value = AO_NO_VALUE;
    beamr_status st;

    if (!sign)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "'%s' is not NAME=VALUE", word);
    for (size_t i = 0; i < NODE_OPTION_COUNT; i++) {
        const char *name = node_options[i].name;

        if (strlen(name) != len || memcmp(name, word, len) != 0)
            continue;
        st = option_value(&node_options[i], sign + 1, &value, err);
        if (st == BEAMR_OK)
            ao_builder_put(into, name, value);
        return st;
    }
    return unknown_option((beamr_bytes){(const uint8_t *)word, len}, err);
}
