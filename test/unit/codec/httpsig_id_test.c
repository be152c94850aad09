/* Ids of messages at random are what their definition gives, computed here a second time by
 * other means: the base text from the encoded fields, sorted by qsort, its HMAC by OpenSSL's
 * own, and floats by printf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "ao_generator.h"
#include "codec/codecs.h"
#include "codec/httpsig.h"

enum { MESSAGES = 6000, FLOATS = 500000, MANY = 200 };

/* ---- The definition ---- */

/* A name as the list of components has it, without quotes. */
typedef struct line {
    beamr_bytes name, value;
    char *listed;
    size_t listed_len;
} line;

static bool is_one_of(beamr_bytes name, const char *names)
{
    char wanted[32];

    if (name.len > 20)
        return false;
    (void)snprintf(wanted, sizeof wanted, " %.*s ", (int)name.len, (const char *)name.data);
    return strlen(wanted) == name.len + 2 && strstr(names, wanted) && name.len;
}

static int compare_lines(const void *a, const void *b)
{
    const line *x = a, *y = b;
    size_t len = x->listed_len < y->listed_len ? x->listed_len : y->listed_len;
    int order = memcmp(x->listed, y->listed, len);

    return order ? order : (x->listed_len > y->listed_len) - (x->listed_len < y->listed_len);
}

static line line_of(const httpsig_field *field)
{
    line l = {.name = field->name, .value = field->value};
    bool is_derived = is_one_of(field->name, " method target-uri authority scheme path "
                                             "request-target query status query-param ");

    l.listed = malloc(field->name.len + 2);
    assert_non_null(l.listed);
    if (is_derived)
        l.listed[l.listed_len++] = '@';
    if (field->name.len)
        memcpy(l.listed + l.listed_len, field->name.data, field->name.len);
    l.listed_len += field->name.len;
    return l;
}

static void write_value(FILE *out, beamr_bytes value)
{
    size_t from = 0, to = value.len;

    while (from < to && value.data[from] == ' ')
        from++;
    while (to > from && value.data[to - 1] == ' ')
        to--;
    for (; from < to; from++)
        (void)fputc(value.data[from] == '\n' ? ' ' : value.data[from], out);
}

static void write_listed(FILE *out, const line *l)
{
    for (size_t i = 0; i < l->listed_len; i++) {
        uint8_t c = (uint8_t)l->listed[i];

        if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7))
            c = (uint8_t)(c + 0x20);
        if (c == '"' || c == '\\')
            (void)fputc('\\', out);
        (void)fputc(c, out);
    }
}

static void write_base(FILE *out, line *lines, size_t count)
{
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count; i++) {
        (void)fputc('"', out);
        (void)fwrite(lines[i].name.data, 1, lines[i].name.len, out);
        (void)fputs("\": ", out);
        write_value(out, lines[i].value);
        (void)fputc('\n', out);
    }
    (void)fputs(count ? "\"@signature-params\": (" : "\n\"@signature-params\": (", out);
    for (size_t i = 0; i < count; i++) {
        (void)fputs(i ? " \"" : "\"", out);
        write_listed(out, &lines[i]);
        (void)fputc('"', out);
    }
    (void)fputs(");alg=\"hmac-sha256\";keyid=\"ao\"", out);
}

static void id_by_definition(const ao_message *message, uint8_t id[AO_ID_SIZE])
{
    httpsig_message encoded;
    beamr_error err = {0};
    char *base = NULL;
    size_t len = 0;
    unsigned id_len = 0;
    line *lines;
    FILE *out = open_memstream(&base, &len);
    arena a;

    arena_init(&a, SIZE_MAX);
    if (httpsig_encode_message(&a, message, HTTPSIG_ID, NULL, &encoded, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    lines = calloc(encoded.count + 1, sizeof *lines);
    assert_true(out && lines);
    for (size_t i = 0; i < encoded.count; i++) { /* any order will do: from the last one */
        lines[i] = line_of(&encoded.fields[encoded.count - 1 - i]);
        if (i)
            assert_true(codec_key_compare(lines[i].name, lines[i - 1].name) < 0);
    }
    write_base(out, lines, encoded.count);
    assert_int_equal(fclose(out), 0);
    assert_non_null(HMAC(EVP_sha256(), "ao", 2, (const unsigned char *)base, len, id, &id_len));
    for (size_t i = 0; i < encoded.count; i++)
        free(lines[i].listed);
    free(lines);
    free(base);
    arena_clear(&a);
}

static void assert_id(const ao_message *message, uint64_t seed)
{
    uint8_t id[AO_ID_SIZE], wanted[AO_ID_SIZE];
    beamr_error err = {0};

    if (codec_httpsig.unsigned_id(NULL, message, id, &err) != BEAMR_OK)
        fail_msg("seed %llu: %s", (unsigned long long)seed, err.text);
    id_by_definition(message, wanted);
    if (memcmp(id, wanted, sizeof id) != 0)
        fail_msg("seed %llu: another id", (unsigned long long)seed);
}

/* ---- Tests ---- */

static void ids_are_what_the_definition_gives(void **state)
{
    static const unsigned kinds[] = {GENERATE_SOME, GENERATE_ALL & ~(unsigned)GENERATE_LARGE,
                                     GENERATE_NUMBERS | GENERATE_FIELDS};

    (void)state;
    for (uint64_t seed = 0; seed < MESSAGES; seed++) {
        ao_message *message = generate_message(seed, kinds[seed % 3]);

        assert_id(message, seed);
        ao_message_unref(message);
    }
}

/* With any number of keys, some of which are derived components. */
static void ids_of_many_keys(void **state)
{
    static const char *const derived[] = {"path", "method", "query", "status", "authority"};

    (void)state;
    for (size_t count = 0; count < MANY; count++) {
        ao_message *message = NULL;
        ao_builder builder;

        ao_builder_begin(&builder, NULL, NULL, NULL);
        for (size_t i = 0; i < count; i++) {
            char key[24];

            (void)snprintf(key, sizeof key, "%ck%zu", "-0@_az~"[i % 7], i);
            ao_builder_put(&builder, i % 8 == 3 && i < 40 ? derived[i / 8] : key,
                           ao_integer((int64_t)i));
        }
        assert_int_equal(ao_builder_end(&builder, &message), BEAMR_OK);
        assert_id(message, count);
        ao_message_unref(message);
    }
}

/* ---- Floats ---- */

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Of any bits, integers of all lengths, binary fractions of all lengths, decimal ones. */
static double random_float(uint64_t *state, unsigned kind)
{
    uint64_t bits = next_random(state);
    unsigned length = (unsigned)(next_random(state) % 64);
    double number, sign = bits & 1 ? -1 : 1;

    switch (kind) {
    case 0:
        memcpy(&number, &bits, sizeof number);
        return number;
    case 1:
        return sign * (double)(bits >> length);
    case 2:
        for (number = (double)(bits >> length); length; length--)
            number /= 2;
        return sign * number;
    case 3:
        return sign * (double)(bits >> 44) / 1000;
    default: /* beside the powers of 2, where lengths change */
        number = 1;
        for (unsigned i = 0; i < length; i++)
            number *= 2;
        memcpy(&bits, &number, sizeof bits);
        bits += next_random(state) % 5 - 2;
        memcpy(&number, &bits, sizeof number);
        return number;
    }
}

/* The text of a float in an annotated message. */
static beamr_bytes float_text(arena *a, double number)
{
    ao_message *message = NULL, *empty = ao_message_empty();
    codec_node *node = NULL;
    beamr_bytes text;

    assert_int_equal(ao_message_with(empty, "v", ao_float(number), &message, NULL), BEAMR_OK);
    assert_int_equal(codec_annotate(a, message, NULL, &node, NULL), BEAMR_OK);
    text = codec_node_find(node, "v")->bytes; /* keys are the message's, the text is not */
    ao_message_unref(message);
    ao_message_unref(empty);
    return text;
}

static void assert_float(double number)
{
    char wanted[64];
    beamr_bytes text;
    uint8_t memory[2048] __attribute__((aligned(16)));
    arena a;

    if (ao_float(number).kind != AO_FLOAT)
        return; /* infinite, or no number */
    arena_init(&a, SIZE_MAX);
    arena_lend(&a, memory, sizeof memory);
    text = float_text(&a, number);
    (void)snprintf(wanted, sizeof wanted, "%.20e", number);
    if (!text_is(text, wanted))
        fail_msg("%.*s, and not %s", (int)text.len, (const char *)text.data, wanted);
    arena_clear(&a);
}

static void floats_are_printed_as_printf_does(void **state)
{
    static const double some[] = {0.0,
                                  -0.0,
                                  1,
                                  -1,
                                  10,
                                  9.5,
                                  0.5,
                                  0x1p63,
                                  0x1p64,
                                  0x1p-27,
                                  0x1p-28,
                                  0x1p-1022,
                                  0x1p-1074,
                                  0x1.fffffffffffffp63,
                                  0x1.fffffffffffffp1023,
                                  1e19,
                                  1e20,
                                  1e21,
                                  1e22,
                                  1e23,
                                  0.1,
                                  123456.789,
                                  99999999999999999999.0};
    uint64_t seed = 1;

    (void)state;
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
        assert_float(some[i]);
    for (unsigned i = 0; i < FLOATS; i++)
        assert_float(random_float(&seed, i % 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_what_the_definition_gives),
        cmocka_unit_test(ids_of_many_keys),
        cmocka_unit_test(floats_are_printed_as_printf_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
