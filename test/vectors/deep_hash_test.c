/* deep-hash.json: the deep hash of trees of byte strings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base64.h"
#include "crypto/hash.h"
#include "vectors/notation.h"

enum { BLOB_MAX = 64 };

/* A tree and all below it, in one block of the test's own. */
typedef struct grove {
    crypto_tree trees[32];
    uint8_t blobs[32][BLOB_MAX];
    size_t count;
} grove;

static void tree_read(grove *g, const json_t *json, crypto_tree *out)
{
    size_t len;

    if (json_is_array(json)) {
        crypto_tree *items = &g->trees[g->count];

        out->is_list = true;
        out->items = items;
        out->count = json_array_size(json);
        g->count += out->count;
        assert_true(g->count <= 32);
        for (size_t i = 0; i < out->count; i++)
            tree_read(g, json_array_get(json, i), &items[i]);
        return;
    }
    out->bytes.data = g->blobs[out - g->trees];
    assert_true(crypto_base64_size(json_string_length(json)) <= BLOB_MAX);
    assert_int_equal(crypto_base64_decode(CRYPTO_BASE64URL,
                                          beamr_bytes_of(json_string_value(json)),
                                          g->blobs[out - g->trees], &len, NULL),
                     BEAMR_OK);
    out->bytes.len = len;
}

static void every_deep_hash_is_that_of_the_reference(void **state)
{
    json_t *file = notation_file("deep-hash.json");
    const json_t *vectors = notation_member(file, "vectors");

    (void)state;
    assert_int_equal(json_array_size(vectors), 6);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        char hex[2 * CRYPTO_SHA384_SIZE + 1];
        uint8_t out[CRYPTO_SHA384_SIZE];
        grove g = {.count = 1};

        tree_read(&g, notation_member(vector, "input"), &g.trees[0]);
        assert_int_equal(crypto_deep_hash(&g.trees[0], out, NULL), BEAMR_OK);
        for (size_t j = 0; j < sizeof out; j++)
            (void)snprintf(hex + 2 * j, 3, "%02x", out[j]);
        if (strcmp(hex, notation_text(vector, "sha384-hex")) != 0)
            fail_msg("%s: %s", notation_text(vector, "name"), hex);
    }
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_deep_hash_is_that_of_the_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
