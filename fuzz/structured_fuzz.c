/* Fuzz target: typed texts. The input is one text per line; `KEY=TEXT` puts a binary under a
 * key of an annotated message, `ao-types=...` among them, and `KEY/` opens a message within,
 * which a line `/` closes. What is read as a message is annotated again, and reads as an equal
 * one. Seeds: seeds/structured/; they are their own source. */
#include "codec.h"

enum { DEPTH_MAX = AO_DEPTH_MAX + 2 };

typedef struct tree {
    ao_builder builders[DEPTH_MAX];
    beamr_bytes keys[DEPTH_MAX];
    size_t depth;
} tree;

static void close_message(tree *t)
{
    ao_value inner = ao_builder_value(&t->builders[--t->depth]);

    if (inner.kind != AO_NONE)
        ao_builder_put_key(&t->builders[t->depth - 1], t->keys[t->depth], inner);
}

static void read_line(tree *t, beamr_bytes line)
{
    const uint8_t *equals = line.len ? memchr(line.data, '=', line.len) : NULL;

    if (line.len == 1 && line.data[0] == '/') {
        if (t->depth > 1)
            close_message(t);
    } else if (equals && equals > line.data) {
        beamr_bytes key = {line.data, (size_t)(equals - line.data)};

        ao_builder_put_key(&t->builders[t->depth - 1], key,
                           ao_binary_copy((beamr_bytes){equals + 1, line.len - key.len - 1}));
    } else if (line.len > 1 && line.data[line.len - 1] == '/' && t->depth < DEPTH_MAX) {
        t->keys[t->depth] = (beamr_bytes){line.data, line.len - 1};
        ao_builder_begin(&t->builders[t->depth++], NULL, NULL, NULL);
    }
}

static ao_value read_tree(const uint8_t *data, size_t size)
{
    static tree t;

    t.depth = 1;
    ao_builder_begin(&t.builders[0], NULL, NULL, NULL);
    for (size_t from = 0; from < size;) {
        const uint8_t *end = memchr(data + from, '\n', size - from);
        size_t len = end ? (size_t)(end - (data + from)) : size - from;

        read_line(&t, (beamr_bytes){data + from, len});
        from += len + 1;
    }
    while (t.depth > 1)
        close_message(&t);
    return ao_builder_value(&t.builders[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    ao_value annotated;

    if (!copy)
        return 0;
    memcpy(copy, data, size);
    annotated = read_tree(copy, size);
    if (annotated.kind != AO_NONE)
        fuzz_codec(&codec_structured, annotated, true);
    ao_value_unref(annotated);
    free(copy);
    return 0;
}
