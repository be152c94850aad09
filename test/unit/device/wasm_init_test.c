/* wasm-64@1.0, `init`: where images come from, what messages declare, and what is refused. */
#include "abi/object.h"
#include "crypto/base64.h"
#include "crypto/sha256.h"
#include "wasm_modules.h"

/* A guest that works: 5! = 120. */
static void expect_guest(ao_context *context, ao_message *state, const char *results)
{
    state = resolve_next(context, state,
                         "{\"path\": \"compute\", \"function\": \"fac\", \"parameters\": [5]}");
    expect_float(state, results, 120);
    ao_message_unref(state);
}

static ao_message *plain_base(ao_context *context, const char *key)
{
    return message_with_key(context, "{\"device\": \"wasm-64@1.0\"}", key,
                            module_value(module_plain));
}

/* ---- Sources ---- */

static void bytes_are_taken_under_every_name(void **state)
{
    static const char *const names[] = {"image", "Wasm-Image-ID", "wasm-image", "module",
                                        "body"};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ao_message *base = plain_base(context, names[i]);

        base = resolve_next(context, base, "{\"path\": \"init\"}");
        expect_guest(context, base, "results");
    }
    ao_context_free(context);
}

static void all_names_of_the_device_are_one(void **state)
{
    static const char *const bases[] = {"{\"device\": \"WASM-64@1.0\"}",
                                        "{\"device\": \"wasm64@1.0\"}",
                                        "{\"device\": \"wasm@1.0\"}"};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        ao_message *base =
            message_with_key(context, bases[i], "image", module_value(module_plain));

        expect_guest(context, resolve_next(context, base, "{\"path\": \"init\"}"), "results");
    }
    ao_context_free(context);
}

static void prefixes_say_where_to_read_and_write(void **state)
{
    static const char base_json[] = "{\"device\": \"wasm-64@1.0\", \"input-prefix\": \"a/in\", "
                                    "\"output-prefix\": \"/out/b/\"}";
    static const char *const names[] = {"image", "wasm-image-id", "wasm-image", "module"};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ao_message *in = message_with_key(context, "{}", names[i], module_value(module_plain));
        ao_message *a = message_with_key(context, "{}", "in", ao_message_value(in));
        ao_message *base = message_with_key(context, base_json, "a", ao_message_value(a));

        base = resolve_next(context, base, "{\"path\": \"init\"}");
        assert_int_equal(ao_private_find(base, "out/b/instance").kind, AO_NATIVE);
        assert_int_equal(ao_private_find(base, "instance").kind, AO_NONE);
        expect_guest(context, base, "results/out/b");
    }
    ao_context_free(context);
}

static void bad_prefixes_are_refused(void **state)
{
    static const char *const bases[] = {
        "{\"device\": \"wasm-64@1.0\", \"output-prefix\": \"a/Private\"}",
        "{\"device\": \"wasm-64@1.0\", \"output-prefix\": \"a/Commitments\"}",
        "{\"device\": \"wasm-64@1.0\", \"input-prefix\": [1]}",
        "{\"device\": \"wasm-64@1.0\", \"output-prefix\": \"1/2/3/4/5/6/7/8/9\"}"};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        ao_message *base =
            message_with_key(context, bases[i], "image", module_value(module_plain));
        ao_result result;
        beamr_error err = {0};

        assert_int_equal(
            resolve_json(context, base, "{\"path\": \"init\"}", NULL, &result, &err),
            BEAMR_ARGUMENT);
        assert_non_null(strstr(err.text, "put-prefix"));
        ao_message_unref(base);
    }
    ao_context_free(context);
}

/* A prefix has up to 200 bytes and 8 parts. */
static void the_longest_prefixes_are_prefixes(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    char prefix[202], json[512];

    (void)state;
    for (size_t len = 200; len < 202; len++) {
        ao_message *base;
        ao_result result;
        beamr_error err = {0};

        memset(prefix, 'p', len);
        prefix[len] = '\0';
        snprintf(json, sizeof json, "{\"device\": \"wasm-64@1.0\", \"output-prefix\": \"%s\"}",
                 prefix);
        base = message_with_key(context, json, "image", module_value(module_plain));
        assert_int_equal(
            resolve_json(context, base, "{\"path\": \"init\"}", NULL, &result, &err),
            len == 200 ? BEAMR_OK : BEAMR_ARGUMENT);
        ao_value_unref(result.value);
        ao_message_unref(base);
    }
    {
        ao_message *base = message_with_key(
            context, "{\"device\": \"wasm-64@1.0\", \"output-prefix\": \"1/2/3/4/5/6/7/8\"}",
            "image", module_value(module_plain));

        base = resolve_next(context, base, "{\"path\": \"init\"}");
        expect_guest(context, base, "results/1/2/3/4/5/6/7/8");
    }
    ao_context_free(context);
}

static void messages_have_it_in_their_body_or_data(void **state)
{
    static const char *const keys[] = {"body", "data"};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ao_message *image =
            message_with_key(context, "{}", keys[i], module_value(module_plain));
        ao_message *base = message_with_key(context, "{\"device\": \"wasm-64@1.0\"}", "image",
                                            ao_message_value(image));

        expect_guest(context, resolve_next(context, base, "{\"path\": \"init\"}"), "results");
    }
    ao_context_free(context);
}

/* Padded with a custom section, so that it is stored apart. */
static void module_large(wasm_builder *w)
{
    static const char zeros[4096];

    module_plain(w);
    wasm_section(w, WASM_CUSTOM);
    wasm_name(w, "padding");
    wasm_bytes(w, zeros, sizeof zeros);
    wasm_end(w);
}

static void expect_id(ao_context *context, ao_value id)
{
    ao_message *base = message_with_key(context, "{\"device\": \"wasm-64@1.0\"}", "image", id);

    expect_guest(context, resolve_next(context, base, "{\"path\": \"init\"}"), "results");
}

static void ids_are_read_from_the_store(void **state)
{
    static void (*const makes[])(wasm_builder *) = {module_plain, module_large};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ao_value bytes = module_value(makes[i]);
        ao_message *image =
            message_with_key(context, "{\"type\": \"Module\"}", "body", ao_value_ref(bytes));
        char id[AO_ID_TEXT + 1];
        uint8_t raw[32];
        ao_message *stored = NULL;
        beamr_error err = {0};

        assert_int_equal(ao_store_message(context, image, id, &err), BEAMR_OK);
        expect_id(context, ao_binary_text(id));
        assert_true(crypto_id_bytes(beamr_bytes_of(id), raw));
        expect_id(context, ao_binary_copy((beamr_bytes){raw, 32}));
        /* A stored message as the value, its body a link if it is large. */
        assert_int_equal(ao_load_message(context, beamr_bytes_of(id), &stored, &err), BEAMR_OK);
        expect_id(context, ao_message_value(stored));
        /* And the bytes by their hash: stored as a binary of their own if they are large; known
         * in any case, since they were loaded. */
        assert_int_equal(crypto_sha256(ao_bytes(bytes), raw, &err), BEAMR_OK);
        expect_id(context, ao_binary_copy((beamr_bytes){raw, 32}));
        ao_message_unref(image);
        ao_value_unref(bytes);
    }
    ao_context_free(context);
}

static void an_id_that_is_not_stored_is_an_error(void **state)
{
    static const char base_json[] = "{\"device\": \"wasm-64@1.0\", \"image\": "
                                    "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}";
    ao_context *context = world_open(NULL, NULL), *without_store = NULL;
    ao_message *base = world_message(context, base_json);
    beamr_error err = {0};

    (void)state;
    resolve_fails(context, base, "{\"path\": \"init\"}", NULL, AO_OUTCOME_ERROR, 404,
                  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA is not stored");
    assert_int_equal(ao_context_new(NULL, &without_store, &err), BEAMR_OK);
    resolve_fails(without_store, base, "{\"path\": \"init\"}", NULL, AO_OUTCOME_ERROR, 404,
                  "is not stored");
    ao_message_unref(base);
    /* 42 bytes are an id too. */
    base = world_message(context, "{\"device\": \"wasm-64@1.0\", \"image\": "
                                  "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}");
    resolve_fails(context, base, "{\"path\": \"init\"}", NULL, AO_OUTCOME_ERROR, 404,
                  "is not stored");
    ao_message_unref(base);
    ao_context_free(without_store);
    ao_context_free(context);
}

/* ---- What is no image ---- */

static void no_image_is_raised(void **state)
{
    static const char *const bases[] = {
        "{\"device\": \"wasm-64@1.0\"}",
        "{\"device\": \"wasm-64@1.0\", \"input-prefix\": \"in\"}"};
    static const char *const texts[] = {"wasm_init_error: No viable image found in image.",
                                        "wasm_init_error: No viable image found in in/image."};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ao_message *base = world_message(context, bases[i]);
        ao_result result;
        beamr_error err = {0};

        assert_int_equal(
            resolve_json(context, base, "{\"path\": \"init\"}", NULL, &result, &err),
            BEAMR_ARGUMENT);
        assert_string_equal(err.text, texts[i]);
        ao_message_unref(base);
    }
    ao_context_free(context);
}

/* Only the message that inits may name it. */
static void what_makes_an_instance_of_a_snapshot_does_not_take_the_request_s(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_value base = ao_message_value(world_message(
                 context, "{\"device\": \"wasm-64@1.0\", \"snapshot\": {\"body\": \"x\"}}")),
             request = ao_message_value(message_with_key(context, "{\"path\": \"normalize\"}",
                                                         "image", module_value(module_plain)));
    ao_result result;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(ao_resolve_on(context, base, request, NULL, &result, &err),
                     BEAMR_ARGUMENT);
    assert_string_equal(err.text, "wasm_init_error: No viable image found in image.");
    ao_value_unref(base);
    ao_value_unref(request);
    ao_context_free(context);
}

/* The message that inits may name it, and the process has it from then on. */
static void the_request_of_init_may_name_the_image(void **state)
{
    static const char base_json[] = "{\"device\": \"wasm-64@1.0\", \"input-prefix\": \"in\"}";
    ao_context *context = world_open(NULL, NULL);
    ao_value base = ao_message_value(world_message(context, base_json)), request;
    ao_result result;
    beamr_error err = {0};

    (void)state;
    request = ao_message_value(message_with_key(context, "{\"path\": \"init\"}", "WASM-Image",
                                                module_value(module_plain)));
    assert_int_equal(ao_resolve_on(context, base, request, NULL, &result, &err), BEAMR_OK);
    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    assert_int_equal(value_at(ao_to_message(result.value), "in/image").kind, AO_BINARY);
    expect_guest(context, ao_to_message(result.value), "results");
    ao_value_unref(request);
    /* `compute` has no say in it. */
    request = ao_message_value(message_with_key(context, "{\"path\": \"normalize\"}", "image",
                                                module_value(module_plain)));
    ao_value_unref(base);
    base = ao_message_value(world_message(
        context, "{\"device\": \"wasm-64@1.0\", \"snapshot\": {\"body\": \"x\"}}"));
    assert_int_equal(ao_resolve_on(context, base, request, NULL, &result, &err),
                     BEAMR_ARGUMENT);
    assert_non_null(strstr(err.text, "No viable image"));
    ao_value_unref(request);
    ao_value_unref(base);
    ao_context_free(context);
}

static void what_is_no_module_is_an_error(void **state)
{
    static const struct {
        const char *bytes, *text;
        size_t len;
    } cases[] = {
        {"\0aot\1\0\0\0", "code object of WAMR", 8},
        {"\177ELF\2\1\1\0", "ELF object", 8},
        {ABI_OBJECT_MAGIC "\1\0\0\0", "code object of beamr", sizeof ABI_OBJECT_MAGIC + 3},
        {"hello", "no module that can be run: malformed", 5},
        {"", "no module that can be run: malformed", 0},
        {"\0asm\1\0\0\0\1\5", "(at ", 10},
        {"\0asm\1\0\0\0\1\1\0\1\1\0\1\1\0\1\1\0\1\1\0\1\1\0\1\1\0\1\1\0", "no module", 32},
    };
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ao_message *base = message_with_key(
            context, "{\"device\": \"wasm-64@1.0\"}", "image",
            ao_binary_copy((beamr_bytes){(const uint8_t *)cases[i].bytes, cases[i].len}));

        resolve_fails(context, base, "{\"path\": \"init\"}", NULL, AO_OUTCOME_ERROR, 400,
                      cases[i].text);
        ao_message_unref(base);
    }
    ao_context_free(context);
}

static void a_module_can_be_too_large_for_the_node(void **state)
{
    static const char *const options[] = {"{\"wasm_max_module_size\": 100}",
                                          "{\"wasm_max_module_size\": 100000}"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ao_context *plain = world_open(NULL, NULL);
        ao_message *values = world_message(plain, options[i]);
        ao_context *context = world_open(NULL, values);
        ao_message *base = message_with_key(context, "{\"device\": \"wasm-64@1.0\"}", "image",
                                            module_value(module_plain));

        ao_message_unref(values);
        ao_context_free(plain);
        if (i == 0) {
            resolve_fails(context, base, "{\"path\": \"init\"}", NULL, AO_OUTCOME_ERROR, 400,
                          "at most 100 are taken");
            ao_message_unref(base);
        } else {
            ao_message_unref(resolve_next(context, base, "{\"path\": \"init\"}"));
        }
        ao_context_free(context);
    }
}

static void other_values_are_errors(void **state)
{
    static const char *const bases[] = {
        "{\"device\": \"wasm-64@1.0\", \"image\": 5}",
        "{\"device\": \"wasm-64@1.0\", \"image\": {\"a\": 1}}",
        "{\"device\": \"wasm-64@1.0\", \"image\": [1]}",
        "{\"device\": \"wasm-64@1.0\", \"image\": {\"body\": {\"body\": \"x\"}}}"};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        ao_message *base = world_message(context, bases[i]);

        resolve_fails(context, base, "{\"path\": \"init\"}", NULL, AO_OUTCOME_ERROR, 400,
                      "init: the image is");
        ao_message_unref(base);
    }
    ao_context_free(context);
}

/* ---- What the message declares ---- */

static void modes(void **state)
{
    static const char *const good[] = {"WASM", "AOT", "wasm", "Fold"};
    ao_context *context = world_open(NULL, NULL);
    char json[128];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        (void)snprintf(json, sizeof json, "{\"device\": \"wasm-64@1.0\", \"Mode\": \"%s\"}",
                       good[i]);
        expect_guest(
            context,
            resolve_next(context,
                         message_with_key(context, json, "image", module_value(module_plain)),
                         "{\"path\": \"init\"}"),
            "results");
    }
    {
        ao_message *base =
            message_with_key(context, "{\"device\": \"wasm-64@1.0\", \"mode\": \"JIT\"}",
                             "image", module_value(module_plain));

        resolve_fails(context, base, "{\"path\": \"init\"}", NULL, AO_OUTCOME_ERROR, 400,
                      "mode `JIT` is unknown");
        ao_message_unref(base);
        base = plain_base(context, "image");
        resolve_fails(context, base, "{\"path\": \"init\", \"Mode\": \"JIT\"}", NULL,
                      AO_OUTCOME_ERROR, 400, "mode `JIT` is unknown");
        ao_message_unref(base);
    }
    ao_context_free(context);
}

static void limits_that_cannot_be_read_are_errors(void **state)
{
    static const char *const bases[] = {
        "{\"device\": \"wasm-64@1.0\", \"memory-limit\": \"much\"}",
        "{\"device\": \"wasm-64@1.0\", \"memory-limit\": 65535}",
        "{\"device\": \"wasm-64@1.0\", \"memory-limit\": -1}",
        "{\"device\": \"wasm-64@1.0\", \"memory-limit\": \"99999999999999999999-gb\"}",
        "{\"device\": \"wasm-64@1.0\", \"memory-limit\": \"17179869185-gb\"}",
        "{\"device\": \"wasm-64@1.0\", \"compute-limit\": 0}",
        "{\"device\": \"wasm-64@1.0\", \"compute-limit\": \"many\"}"};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        ao_message *base =
            message_with_key(context, bases[i], "image", module_value(module_plain));

        resolve_fails(context, base, "{\"path\": \"init\"}", NULL, AO_OUTCOME_ERROR, 400,
                      "-limit` is no");
        ao_message_unref(base);
    }
    ao_context_free(context);
}

static void memory_that_is_declared_is_seen_by_the_guest(void **state)
{
    static const char *const limits[] = {"196608", "\"196608\"", "\"192-kb\"", "\"192KiB\""};
    static const char grow[] =
        "{\"path\": \"compute\", \"function\": \"grow\", \"parameters\": [%d]}";
    ao_context *context = world_open(NULL, NULL);
    char json[128];

    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        ao_message *base;

        (void)snprintf(json, sizeof json, "{\"device\": \"wasm-64@1.0\", \"memory-limit\": %s}",
                       limits[i]);
        base = message_with_key(context, json, "image", module_value(module_plain));
        base = resolve_next(context, base, "{\"path\": \"init\"}");
        (void)snprintf(json, sizeof json, grow, 3);
        base = resolve_next(context, base, json);
        expect_integer(base, "results", -1);
        (void)snprintf(json, sizeof json, grow, 2);
        base = resolve_next(context, base, json);
        expect_integer(base, "results", 1);
        ao_message_unref(base);
    }
    ao_context_free(context);
}

/* Below the input prefix, or else of the process itself. */
static void limits_stand_at_the_prefix_or_in_the_process(void **state)
{
    static const char *const bases[] = {
        "{\"device\": \"wasm-64@1.0\", \"input-prefix\": \"in\", \"memory-limit\": 131072}",
        "{\"device\": \"wasm-64@1.0\", \"input-prefix\": \"in\", \"memory-limit\": 262144,"
        " \"in\": {\"memory-limit\": 131072}}"};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ao_message *base =
            message_with_key(context, bases[i], "module", module_value(module_plain));

        base = resolve_next(context, base, "{\"path\": \"init\"}");
        base = resolve_next(
            context, base,
            "{\"path\": \"compute\", \"function\": \"grow\", \"parameters\": [2]}");
        expect_integer(base, "results", -1);
        base = resolve_next(
            context, base,
            "{\"path\": \"compute\", \"function\": \"grow\", \"parameters\": [1]}");
        expect_integer(base, "results", 1);
        ao_message_unref(base);
    }
    ao_context_free(context);
}

static void a_module_larger_than_declared_is_an_error(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    wasm_builder w = {0};
    ao_message *base;

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, 0, 3);
    wasm_end(&w);
    base =
        message_with_key(context, "{\"device\": \"wasm-64@1.0\", \"memory-limit\": \"64-kb\"}",
                         "image", ao_binary_copy(wasm_bytes_of(&w)));
    resolve_fails(context, base, "{\"path\": \"init\"}", NULL, AO_OUTCOME_ERROR, 400, "init: ");
    ao_message_unref(base);
    wasm_free(&w);
    ao_context_free(context);
}

static void a_start_function_that_traps_is_an_error(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    wasm_builder w = {0};
    ao_message *base;

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_functype(&w, "", "");
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 1, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_START);
    WASM(&w, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 1);
    WASM_BODY(&w, 0x00);
    wasm_end(&w);
    base = message_with_key(context, "{\"device\": \"wasm-64@1.0\"}", "image",
                            ao_binary_copy(wasm_bytes_of(&w)));
    resolve_fails(context, base, "{\"path\": \"init\"}", NULL, AO_OUTCOME_ERROR, 400,
                  "unreachable");
    ao_message_unref(base);
    wasm_free(&w);
    ao_context_free(context);
}

static void what_cannot_be_linked_is_an_error(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    wasm_builder w = {0};
    ao_message *base;

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_IMPORT);
    WASM(&w, 1);
    wasm_import(&w, "strange", "thing");
    WASM(&w, 3, 0x7f, 0); /* a global i32 */
    wasm_end(&w);
    base = message_with_key(context, "{\"device\": \"wasm-64@1.0\"}", "image",
                            ao_binary_copy(wasm_bytes_of(&w)));
    resolve_fails(context, base, "{\"path\": \"init\"}", NULL, AO_OUTCOME_ERROR, 400,
                  "strange");
    ao_message_unref(base);
    wasm_free(&w);
    ao_context_free(context);
}

/* Its start function calls my_lib.mul. */
static void module_starting(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    WASM(w, 2);
    wasm_functype(w, "ii", "i");
    wasm_functype(w, "", "");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    WASM(w, 1);
    wasm_import(w, "my_lib", "mul");
    WASM(w, 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 1);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 1);
    wasm_export(w, "memory", 2, 0);
    wasm_end(w);
    wasm_section(w, WASM_START);
    WASM(w, 1);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 1);
    WASM_BODY(w, 0x41, 0, 0x41, 6, 0x41, 7, 0x10, 0, 0x36, 2, 0); /* stores it at 0 */
    wasm_end(w);
}

/* fd_write takes one i32 and gives one. */
static void module_misfit(wasm_builder *w)
{
    static const module_func imports[] = {{"wasi_snapshot_preview1.fd_write", "i", "i"}};
    static const module_func funcs[] = {{"write", "i", "i"}};

    module_begin(w, imports, 1, funcs, 1);
    wasm_section(w, WASM_CODE);
    WASM(w, 1);
    WASM_BODY(w, 0x20, 0, 0x10, 0);
    wasm_end(w);
}

#define STDLIB(name)                                                                           \
    "{\"device\": \"wasm-64@1.0\","                                                            \
    " \"stdlib\": {\"wasi_snapshot_preview1\": {\"device\": \"" name "\"}}}"

/* ... by WASI itself; another device may take it. */
static void functions_of_wasi_have_their_types(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_value image = module_value(module_misfit);
    ao_message *base =
        message_with_key(context, STDLIB("WASI@1.0"), "image", ao_value_ref(image));

    (void)state;
    resolve_fails(context, base, "{\"path\": \"init\"}", NULL, AO_OUTCOME_ERROR, 400,
                  "wasi_snapshot_preview1.fd_write");
    ao_message_unref(base);
    base = message_with_key(context, STDLIB("test-device@1.0"), "image", image);
    base = resolve_next(context, base, "{\"path\": \"init\"}");
    ao_message_unref(base);
    ao_context_free(context);
}

static void start_functions_may_import(void **state)
{
    static const char *const bases[] = {
        "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"my_lib\": {\"device\": "
        "\"test-device@1.0\"}}}",
        "{\"device\": \"wasm-64@1.0\"}"};
    static const uint8_t expected[] = {42, 0};
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ao_message *base =
            message_with_key(context, bases[i], "image", module_value(module_starting));

        base = resolve_next(context, base, "{\"path\": \"init\"}");
        assert_int_equal(ao_list_count(value_at(base, "results/undefined-calls")), i);
        base = resolve_next(context, base, "{\"path\": \"snapshot\"}");
        assert_int_equal(ao_bytes(value_at(base, "body")).data[0], expected[i]);
        ao_message_unref(base);
    }
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_taken_under_every_name),
        cmocka_unit_test(all_names_of_the_device_are_one),
        cmocka_unit_test(prefixes_say_where_to_read_and_write),
        cmocka_unit_test(bad_prefixes_are_refused),
        cmocka_unit_test(the_longest_prefixes_are_prefixes),
        cmocka_unit_test(messages_have_it_in_their_body_or_data),
        cmocka_unit_test(ids_are_read_from_the_store),
        cmocka_unit_test(an_id_that_is_not_stored_is_an_error),
        cmocka_unit_test(no_image_is_raised),
        cmocka_unit_test(what_makes_an_instance_of_a_snapshot_does_not_take_the_request_s),
        cmocka_unit_test(the_request_of_init_may_name_the_image),
        cmocka_unit_test(a_module_can_be_too_large_for_the_node),
        cmocka_unit_test(what_is_no_module_is_an_error),
        cmocka_unit_test(other_values_are_errors),
        cmocka_unit_test(modes),
        cmocka_unit_test(limits_that_cannot_be_read_are_errors),
        cmocka_unit_test(memory_that_is_declared_is_seen_by_the_guest),
        cmocka_unit_test(limits_stand_at_the_prefix_or_in_the_process),
        cmocka_unit_test(a_module_larger_than_declared_is_an_error),
        cmocka_unit_test(a_start_function_that_traps_is_an_error),
        cmocka_unit_test(what_cannot_be_linked_is_an_error),
        cmocka_unit_test(functions_of_wasi_have_their_types),
        cmocka_unit_test(start_functions_may_import),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
