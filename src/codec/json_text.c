/* JSON texts: codec/json_text.h.
 * Reading is jansson's, between two checks. json_large.c bounds depth and number of values
 * before anything is allocated for them, and sets large texts aside, which jansson would take
 * byte by byte and copy twice; and since jansson 2.14 passes over characters for which it finds
 * no memory, its allocation functions are replaced by ones that note a failure per thread and
 * call those that were set before. Whoever sets others later, without calling on to these,
 * loses that check.
 * Writing is our own: the tree that a library writes from would first have to be copied.
 *
 * Why jansson, of the two that Debian has: it refuses a name that is there twice, and integers
 * beyond 64 bits, where json-c 0.16 keeps the last and the nearest without a word; and it reads
 * only UTF-8. It is slower, but for the large texts that it does not see here. Microseconds on
 * one core, for a message with two signatures (4 KB), and with 1 MB of text with escapes beside
 * them:
 *
 *             jansson 2.14    json-c 0.16     json@1.0
 *   decode    57   16,000     23    3,100     80    1,400   (jansson, and the message)
 *   encode    29    8,000      9    2,800      5    1,400   (the annotated message made first)
 *
 * Source: RFC 8259. */
#include "codec/json_text.h"

#include <pthread.h>
#include <string.h>

#include "base/utf8.h"
#include "codec/structured.h"

/* ---- Failures of allocation ---- */

static _Thread_local bool allocation_failed;
static json_malloc_t next_malloc;

static void *noting_malloc(size_t size)
{
    void *p = next_malloc(size);

    if (!p)
        allocation_failed = true;
    return p;
}

/* What was allocated before is freed by the same function as ever. */
static void set_functions(void)
{
    json_free_t next_free;

    json_get_alloc_funcs(&next_malloc, &next_free);
    json_set_alloc_funcs(noting_malloc, next_free);
}

static beamr_status fail_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a JSON text");
}

/* ---- Reading ---- */

static beamr_status fail_load(const json_error_t *why, const json_texts *texts,
                              beamr_error *err)
{
    size_t at = why->position < 0 ? 0 : (size_t)why->position;
    char show[CODEC_SHOW_SIZE];

    if (at > texts->text.len)
        at = texts->text.len;
    at = json_large_place(texts, at);
    switch (json_error_code(why)) {
    case json_error_out_of_memory:
        return fail_memory(err);
    case json_error_numeric_overflow:
        return beamr_fail(err, BEAMR_MESSAGE, at,
                          "JSON: a number too large for 64 bits; as a text with its type in "
                          "`" CODEC_TYPES "` an integer can have any size");
    case json_error_duplicate_key:
        return beamr_fail(err, BEAMR_MESSAGE, at, "JSON: a name is there twice");
    default:
        return beamr_fail(err, BEAMR_MESSAGE, at, "JSON: %s",
                          codec_show_key(beamr_bytes_of(why->text), show));
    }
}

static beamr_status load(const json_texts *texts, json_t **out, beamr_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    beamr_bytes text = texts->text;
    json_error_t why;

    pthread_once(&once, set_functions);
    allocation_failed = false;
    *out = json_loadb(text.len ? (const char *)text.data : "", text.len,
                      JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (allocation_failed)
        return fail_memory(err);
    if (!*out)
        return fail_load(&why, texts, err);
    if (!json_is_object(*out))
        return beamr_fail(err, BEAMR_MESSAGE, 0,
                          "JSON: an object is wanted, not another value");
    return BEAMR_OK;
}

beamr_status codec_json_load(beamr_bytes text, const ao_limits *limits, codec_json_doc *out,
                             beamr_error *err)
{
    codec_json_doc json = {0};
    beamr_status st = json_large_find(text, limits, &json.texts, err);

    if (st == BEAMR_OK && (st = load(&json.texts, &json.object, err)) == BEAMR_OK)
        *out = json;
    else
        codec_json_clear(&json);
    return st;
}

void codec_json_clear(codec_json_doc *json)
{
    json_decref(json->object);
    json_large_clear(&json->texts);
    *json = (codec_json_doc){0};
}

/* ---- Writing ---- */

/* Bytes that are not written as they are: the letter of their short form, or 'u'. */
static const char escapes[256] = {
    [0x00 ... 0x07] = 'u', ['\b'] = 'b', ['\t'] = 't',          ['\n'] = 'n', [0x0b] = 'u',
    ['\f'] = 'f',          ['\r'] = 'r', [0x0e ... 0x1f] = 'u', ['"'] = '"',  ['\\'] = '\\',
};

void codec_json_put(codec_json_writer *w, const void *data, size_t len)
{
    if (w->data && len)
        memcpy(w->data + w->len, data, len);
    w->len += len;
}

static void put_escape(codec_json_writer *w, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', escapes[c], '0', '0', hex[c >> 4], hex[c & 15]};

    codec_json_put(w, text, escapes[c] == 'u' ? 6 : 2);
}

#define EACH(byte) (UINT64_MAX / 255 * (byte))

/* Where the first byte is from `from` on that is escaped or not ASCII, looking at eight at a
 * time. A byte's highest bit ends up set in `odd` if it is such a one; that a borrow may also
 * set it for a byte behind it does no harm. */
static size_t skip_plain(beamr_bytes text, size_t from)
{
    for (; text.len - from >= 8; from += 8) {
        uint64_t word, quote, slash, odd;

        memcpy(&word, text.data + from, sizeof word);
        quote = word ^ EACH('"');
        slash = word ^ EACH('\\');
        odd = word | ((word - EACH(0x20)) & ~word) | ((quote - EACH(1)) & ~quote) |
              ((slash - EACH(1)) & ~slash);
        if (odd & EACH(0x80))
            break;
    }
    while (from < text.len && text.data[from] < 0x80 && !escapes[text.data[from]])
        from++;
    return from;
}

void codec_json_put_string(codec_json_writer *w, beamr_bytes text)
{
    size_t plain = 0;

    codec_json_put(w, "\"", 1);
    for (size_t i = skip_plain(text, 0); i < text.len; i = skip_plain(text, i + 1)) {
        if (!escapes[text.data[i]])
            continue;
        codec_json_put(w, text.data + plain, i - plain);
        put_escape(w, text.data[i]);
        plain = i + 1;
    }
    if (text.len)
        codec_json_put(w, text.data + plain, text.len - plain);
    codec_json_put(w, "\"", 1);
}

/* Most texts are ASCII, and show it quickly. */
bool codec_json_is_text(beamr_bytes bytes)
{
    return skip_plain(bytes, 0) == bytes.len || utf8_is_valid(bytes);
}
