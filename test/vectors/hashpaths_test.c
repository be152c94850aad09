/* hashpaths.json: hashpaths of bases, of what requests lead to, of binaries; one link each. */
#include "vectors/notation.h"

#include <stdio.h>
#include <string.h>

#include "ao/hashpath.h"
#include "crypto/base64.h"

static void assert_text(ao_value actual, const char *expected)
{
    assert_int_equal(ao_bytes(actual).len, strlen(expected));
    assert_memory_equal(ao_bytes(actual).data, expected, strlen(expected));
}

static void check_step(const json_t *vector)
{
    ao_value base = notation_value(notation_member(vector, "base"));
    ao_value request = notation_value(notation_member(vector, "request"));
    beamr_error err = {0};
    ao_value hashpath;

    if (ao_hashpath_of(notation_context, base, &hashpath, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_text(hashpath, notation_text(vector, "base-hashpath"));
    ao_value_unref(hashpath);
    if (ao_hashpath_next(notation_context, base, request, &hashpath, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_text(hashpath, notation_text(vector, "hashpath"));
    ao_value_unref(hashpath);
    ao_value_unref(base);
    ao_value_unref(request);
}

static void assert_mixed(const char *algorithm, const uint8_t first[32], ao_value second,
                         const char *expected)
{
    uint8_t out[32];
    char text[44];

    assert_int_equal(
        ao_hashpath_mix(beamr_bytes_of(algorithm), first, ao_bytes(second), out, NULL),
        BEAMR_OK);
    crypto_id_text(out, text);
    assert_string_equal(text, expected);
}

static void check_link(const json_t *vector)
{
    const char *hex = notation_text(vector, "id1-hex");
    ao_value second = notation_value(notation_member(vector, "value2"));
    uint8_t first[32];

    for (int i = 0; i < 32; i++) {
        unsigned byte;

        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        first[i] = (uint8_t)byte;
    }
    assert_mixed("sha-256-chain", first, second, notation_text(vector, "out-b64url"));
    assert_mixed("accumulate-256", first, second,
                 notation_text(vector, "accumulate-out-b64url"));
    ao_value_unref(second);
}

static void check_binary(const json_t *vector)
{
    ao_value value = notation_value(notation_member(vector, "value")), hashpath;

    assert_int_equal(ao_hashpath_of(notation_context, value, &hashpath, NULL), BEAMR_OK);
    assert_text(hashpath, notation_text(vector, "hashpath"));
    ao_value_unref(hashpath);
    ao_value_unref(value);
}

static void every_vector_has_the_hashpath_of_the_reference(void **state)
{
    json_t *file = notation_file("hashpaths.json");
    const json_t *vectors = notation_member(file, "vectors");

    (void)state;
    assert_int_equal(json_array_size(vectors), 20);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);

        print_message("%s\n", notation_text(vector, "name"));
        if (json_object_get(vector, "id1-hex"))
            check_link(vector);
        else if (json_object_get(vector, "value"))
            check_binary(vector);
        else
            check_step(vector);
    }
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_has_the_hashpath_of_the_reference),
    };

    return cmocka_run_group_tests(tests, notation_open, notation_close);
}
