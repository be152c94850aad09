/* Reading structured fields: a walk from left to right that looks at each byte a bounded number
 * of times. What the fields mean is left to others; field_write.c writes them. Nothing is
 * recursive: an inner list holds no lists.
 * Source: RFC 9651, "Parsing Structured Fields". */
#include "codec/field.h"

#include <stdlib.h>

#include "crypto/base64.h"

enum { INTEGER_DIGITS = 15, DECIMAL_DIGITS = 12, FRACTION_DIGITS = 3 };

/* ---- Characters ---- */

enum { IS_DIGIT = 1, IS_ALPHA = 2, IS_TOKEN = 4, IS_KEY = 8, IS_WIDE_KEY = 16 };

static const uint8_t classes[256] = {
    ['0' ... '9'] = IS_DIGIT | IS_TOKEN | IS_KEY | IS_WIDE_KEY,
    ['A' ... 'Z'] = IS_ALPHA | IS_TOKEN | IS_KEY | IS_WIDE_KEY,
    ['a' ... 'z'] = IS_ALPHA | IS_TOKEN | IS_KEY | IS_WIDE_KEY,
    ['_'] = IS_TOKEN | IS_KEY | IS_WIDE_KEY,
    ['-'] = IS_TOKEN | IS_KEY | IS_WIDE_KEY,
    ['.'] = IS_TOKEN | IS_KEY | IS_WIDE_KEY,
    ['*'] = IS_TOKEN | IS_KEY | IS_WIDE_KEY,
    ['%'] = IS_TOKEN | IS_KEY | IS_WIDE_KEY,
    ['&'] = IS_TOKEN | IS_WIDE_KEY,
    ['+'] = IS_TOKEN | IS_WIDE_KEY,
    ['/'] = IS_TOKEN | IS_WIDE_KEY,
    ['?'] = IS_WIDE_KEY,
    ['!'] = IS_TOKEN,
    ['#'] = IS_TOKEN,
    ['$'] = IS_TOKEN,
    ['\''] = IS_TOKEN,
    ['^'] = IS_TOKEN,
    ['`'] = IS_TOKEN,
    ['|'] = IS_TOKEN,
    ['~'] = IS_TOKEN,
    [':'] = IS_TOKEN,
};

static uint8_t peek(const field_cursor *r) /* 0 at the end */
{
    return r->at < r->text.len ? r->text.data[r->at] : 0;
}

static bool is_end(const field_cursor *r)
{
    return r->at == r->text.len;
}

static beamr_status fail_at(const field_cursor *r, size_t at, const char *why)
{
    return beamr_fail(r->err, BEAMR_MESSAGE, at, "structured field, byte %zu: %s", at,
                      at < r->text.len ? why : "it ends too early");
}

static beamr_status fail_full(const field_cursor *r)
{
    return r->a->is_full
               ? beamr_fail(r->err, BEAMR_LIMIT, r->at,
                            "structured field, byte %zu: reading it takes more than %zu bytes",
                            r->at, r->a->limit)
               : beamr_fail(r->err, BEAMR_NO_MEMORY, r->at, "no memory to read a field");
}

static void skip_spaces(field_cursor *r)
{
    while (peek(r) == ' ')
        r->at++;
}

static void skip_white(field_cursor *r)
{
    while (peek(r) == ' ' || peek(r) == '\t')
        r->at++;
}

static beamr_bytes bytes_from(const field_cursor *r, size_t from)
{
    return (beamr_bytes){r->text.data + from, r->at - from};
}

static size_t skip_class(field_cursor *r, unsigned class)
{
    size_t from = r->at;

    while (!is_end(r) && (classes[peek(r)] & class))
        r->at++;
    return r->at - from;
}

/* ---- Bare items ---- */

/* A number of at most 64 bits; the nearest one if there are too many digits. */
static int64_t number_of(beamr_bytes digits, bool is_negative)
{
    int64_t n = 0;

    for (size_t i = 0; i < digits.len; i++) {
        int64_t digit = digits.data[i] - '0';

        if (__builtin_mul_overflow(n, (int64_t)10, &n) || __builtin_sub_overflow(n, digit, &n))
            return is_negative ? INT64_MIN : INT64_MAX;
    }
    if (is_negative)
        return n;
    return n == INT64_MIN ? INT64_MAX : -n;
}

static int64_t thousandths(beamr_bytes whole, beamr_bytes fraction, bool is_negative)
{
    int64_t n = number_of(whole, is_negative), sign = is_negative ? -1 : 1, part = 0;

    for (size_t i = 0; i < FRACTION_DIGITS; i++)
        part = part * 10 + (i < fraction.len ? fraction.data[i] - '0' : 0);
    if (__builtin_mul_overflow(n, (int64_t)1000, &n) ||
        __builtin_add_overflow(n, sign * part, &n))
        return is_negative ? INT64_MIN : INT64_MAX;
    return n;
}

static beamr_status read_number(field_cursor *r, field_item *out)
{
    bool is_strict = !(r->flags & FIELD_LENIENT), is_negative = peek(r) == '-';
    size_t from = r->at, digits;
    beamr_bytes whole, fraction;

    r->at += is_negative;
    if (!(digits = skip_class(r, IS_DIGIT)))
        return fail_at(r, r->at, "a digit is missing");
    whole = bytes_from(r, from + is_negative);
    out->kind = FIELD_INTEGER;
    if (peek(r) != '.') {
        if (is_strict && digits > INTEGER_DIGITS)
            return beamr_fail(r->err, BEAMR_MESSAGE, from,
                              "structured field, byte %zu: an integer of more than %d digits",
                              from, INTEGER_DIGITS);
        out->integer = number_of(whole, is_negative);
        out->bytes = bytes_from(r, from);
        return BEAMR_OK;
    }
    r->at++;
    fraction.data = r->text.data + r->at;
    if (!(fraction.len = skip_class(r, IS_DIGIT)))
        return fail_at(r, r->at, "a digit behind the point is missing");
    if (is_strict && (digits > DECIMAL_DIGITS || fraction.len > FRACTION_DIGITS))
        return beamr_fail(r->err, BEAMR_MESSAGE, from,
                          "structured field, byte %zu: a decimal of more than %d and %d digits",
                          from, DECIMAL_DIGITS, FRACTION_DIGITS);
    out->kind = FIELD_DECIMAL;
    out->integer = thousandths(whole, fraction, is_negative);
    out->bytes = bytes_from(r, from);
    return BEAMR_OK;
}

/* The text between two places with its escapes resolved; they were checked before. */
static beamr_status unescape(field_cursor *r, size_t from, size_t end, beamr_bytes *out)
{
    uint8_t *data = arena_alloc(r->a, end - from, 1);
    size_t len = 0;

    if (!data)
        return fail_full(r);
    for (size_t i = from; i < end; i++) {
        i += r->text.data[i] == '\\';
        data[len++] = r->text.data[i];
    }
    *out = (beamr_bytes){data, len};
    return BEAMR_OK;
}

static beamr_status read_string(field_cursor *r, field_item *out)
{
    bool is_strict = !(r->flags & FIELD_LENIENT), has_escapes = false;
    size_t from = ++r->at;

    for (; !is_end(r) && peek(r) != '"'; r->at++) {
        uint8_t c = peek(r);

        if (c == '\\') {
            has_escapes = true;
            r->at++;
            if (peek(r) != '"' && peek(r) != '\\')
                return fail_at(r, r->at, "neither a quote nor a backslash is escaped");
        } else if (is_strict && (c < 0x20 || c > 0x7e)) {
            return fail_at(r, r->at, "a byte that is not printable ASCII in a string");
        }
    }
    if (is_end(r))
        return fail_at(r, r->at, "");
    out->kind = FIELD_STRING;
    out->bytes = bytes_from(r, from);
    r->at++;
    return has_escapes ? unescape(r, from, r->at - 1, &out->bytes) : BEAMR_OK;
}

static beamr_status read_token(field_cursor *r, field_item *out)
{
    size_t from = r->at;

    skip_class(r, IS_TOKEN);
    out->kind = FIELD_TOKEN;
    out->bytes = bytes_from(r, from);
    return BEAMR_OK;
}

static beamr_status read_base64(field_cursor *r, field_item *out)
{
    size_t from = ++r->at, len = 0;
    const uint8_t *end =
        is_end(r) ? NULL : memchr(r->text.data + from, ':', r->text.len - from);
    beamr_bytes text;
    uint8_t *data;
    beamr_error *no_detail = NULL;

    if (!end)
        return fail_at(r, r->text.len, "");
    r->at = (size_t)(end - r->text.data);
    text = bytes_from(r, from);
    r->at++;
    if (!(data = arena_alloc(r->a, crypto_base64_size(text.len), 1)))
        return fail_full(r);
    if (crypto_base64_decode(CRYPTO_BASE64, text, data, &len, no_detail) != BEAMR_OK)
        return fail_at(r, from, "what stands between colons is not base64");
    out->kind = FIELD_BYTES;
    out->bytes = (beamr_bytes){data, len};
    return BEAMR_OK;
}

static beamr_status read_boolean(field_cursor *r, field_item *out)
{
    r->at++;
    if (peek(r) != '0' && peek(r) != '1')
        return fail_at(r, r->at, "neither ?0 nor ?1");
    out->kind = FIELD_BOOLEAN;
    out->integer = peek(r) == '1';
    r->at++;
    return BEAMR_OK;
}

static beamr_status read_bare(field_cursor *r, field_item *out)
{
    uint8_t c = peek(r);

    if (c == '"')
        return read_string(r, out);
    if (c == '-' || (classes[c] & IS_DIGIT))
        return read_number(r, out);
    if (c == '*' || (classes[c] & IS_ALPHA))
        return read_token(r, out);
    if (c == ':')
        return read_base64(r, out);
    if (c == '?')
        return read_boolean(r, out);
    return fail_at(r, r->at, "no item begins like this");
}

/* ---- Keys and parameters ---- */

static beamr_status read_key(field_cursor *r, beamr_bytes *out)
{
    size_t from = r->at;

    if (!skip_class(r, r->flags & FIELD_LENIENT ? IS_WIDE_KEY : IS_KEY))
        return fail_at(r, r->at, "no key begins like this");
    *out = bytes_from(r, from);
    return BEAMR_OK;
}

/* An array in the arena with room for one more. */
static void *make_room(field_cursor *r, void *items, size_t count, size_t *capacity,
                       size_t size)
{
    void *more;

    if (count < *capacity)
        return items;
    if (!(more = arena_alloc(r->a, count ? count * 2 : 2, size)))
        return NULL;
    if (count)
        memcpy(more, items, count * size);
    *capacity = count ? count * 2 : 2;
    return more;
}

static int compare_keys(beamr_bytes a, beamr_bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.data, b.data, len) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Equal keys: the one written last comes last. */
static int compare_members(const void *a, const void *b)
{
    const field_param *x = *(field_param *const *)a, *y = *(field_param *const *)b;
    int order = compare_keys(x->key, y->key);

    return order != 0 ? order : (x > y) - (x < y);
}

/* Drop all but the last of members with equal keys; `key.data` is set to NULL in between, which
 * no key has. */
static beamr_status drop_repeated(field_cursor *r, field_param *members, size_t *count)
{
    field_param **sorted;
    size_t kept = 0;

    if (*count < 2)
        return BEAMR_OK;
    if (!(sorted = ARENA_NEW(r->a, field_param *, *count)))
        return fail_full(r);
    for (size_t i = 0; i < *count; i++)
        sorted[i] = &members[i];
    qsort(sorted, *count, sizeof *sorted, compare_members);
    for (size_t i = 0; i + 1 < *count; i++)
        if (compare_keys(sorted[i]->key, sorted[i + 1]->key) == 0)
            sorted[i]->key.data = NULL;
    for (size_t i = 0; i < *count; i++)
        if (members[i].key.data)
            members[kept++] = members[i];
    *count = kept;
    return BEAMR_OK;
}

static beamr_status read_params(field_cursor *r, field_item *out)
{
    size_t capacity = 0;

    while (peek(r) == ';') {
        field_param *param;

        out->params = make_room(r, out->params, out->param_count, &capacity, sizeof *param);
        if (!out->params)
            return fail_full(r);
        param = &out->params[out->param_count];
        r->at++;
        skip_spaces(r);
        BEAMR_TRY(read_key(r, &param->key));
        param->item = (field_item){.kind = FIELD_BOOLEAN, .integer = 1};
        if (peek(r) == '=') {
            r->at++;
            BEAMR_TRY(read_bare(r, &param->item));
        }
        out->param_count++;
    }
    return drop_repeated(r, out->params, &out->param_count);
}

/* ---- Items and inner lists ---- */

static beamr_status read_plain(field_cursor *r, field_item *out)
{
    *out = (field_item){0};
    BEAMR_TRY(read_bare(r, out));
    return read_params(r, out);
}

static beamr_status read_inner(field_cursor *r, field_item *out)
{
    size_t capacity = 0;

    *out = (field_item){.kind = FIELD_INNER_LIST};
    r->at++;
    for (;;) {
        skip_spaces(r);
        if (peek(r) == ')')
            break;
        out->items = make_room(r, out->items, out->count, &capacity, sizeof *out->items);
        if (!out->items)
            return fail_full(r);
        BEAMR_TRY(read_plain(r, &out->items[out->count++]));
        if (peek(r) != ' ' && peek(r) != ')')
            return fail_at(r, r->at, "neither a space nor `)` behind an item");
    }
    r->at++;
    return read_params(r, out);
}

static bool is_annotated(const field_cursor *r)
{
    static const char start[] = FIELD_ANNOTATION;
    size_t len = sizeof start - 1;

    return (r->flags & FIELD_ANNOTATED) && r->text.len - r->at >= len &&
           memcmp(r->text.data + r->at, start, len) == 0;
}

/* `(ao-type-T) text` without quotes, up to a comma that is not within quotes. */
static void read_annotated(field_cursor *r, field_item *out)
{
    size_t from = r->at, end;
    bool is_quoted = false;

    for (; !is_end(r) && (is_quoted || peek(r) != ','); r->at++) {
        if (is_quoted && peek(r) == '\\' && r->at + 1 < r->text.len)
            r->at++;
        else if (peek(r) == '"')
            is_quoted = !is_quoted;
    }
    for (end = r->at; r->text.data[end - 1] == ' ' || r->text.data[end - 1] == '\t'; end--)
        ;
    *out = (field_item){.kind = FIELD_STRING};
    out->bytes = (beamr_bytes){r->text.data + from, end - from};
}

static beamr_status read_member(field_cursor *r, field_item *out)
{
    if (is_annotated(r)) {
        read_annotated(r, out);
        return BEAMR_OK;
    }
    return peek(r) == '(' ? read_inner(r, out) : read_plain(r, out);
}

/* ---- Lists and dictionaries, one member after the other ---- */

void field_begin(field_cursor *r, arena *a, beamr_bytes text, unsigned flags, beamr_error *err)
{
    *r = (field_cursor){.a = a, .text = text, .flags = flags, .err = err};
    skip_spaces(r);
}

/* Step over the comma before the next member, if any. */
static beamr_status next_member(field_cursor *r, bool *is_there)
{
    *is_there = !is_end(r);
    if (is_end(r) || !r->is_started) {
        r->is_started = true;
        return BEAMR_OK;
    }
    skip_white(r);
    if (is_end(r)) {
        *is_there = false;
        return BEAMR_OK;
    }
    if (peek(r) != ',')
        return fail_at(r, r->at, "no comma behind a member");
    r->at++;
    skip_white(r);
    return is_end(r) ? fail_at(r, r->at, "") : BEAMR_OK;
}

beamr_status field_next_item(field_cursor *r, field_item *out, bool *is_there)
{
    BEAMR_TRY(next_member(r, is_there));
    return *is_there ? read_member(r, out) : BEAMR_OK;
}

beamr_status field_next_member(field_cursor *r, field_param *out, bool *is_there)
{
    BEAMR_TRY(next_member(r, is_there));
    if (!*is_there)
        return BEAMR_OK;
    BEAMR_TRY(read_key(r, &out->key));
    if (peek(r) == '=') {
        r->at++;
        return read_member(r, &out->item);
    }
    out->item = (field_item){.kind = FIELD_BOOLEAN, .integer = 1};
    return read_params(r, &out->item);
}

beamr_status field_read_list(arena *a, beamr_bytes text, unsigned flags, field_list *out,
                             beamr_error *err)
{
    field_list list = {0};
    size_t capacity = 0;
    field_cursor r;

    field_begin(&r, a, text, flags, err);
    for (;;) {
        bool is_there;

        list.items = make_room(&r, list.items, list.count, &capacity, sizeof *list.items);
        if (!list.items)
            return fail_full(&r);
        BEAMR_TRY(field_next_item(&r, &list.items[list.count], &is_there));
        if (!is_there)
            break;
        list.count++;
    }
    *out = list;
    return BEAMR_OK;
}

beamr_status field_read_dictionary(arena *a, beamr_bytes text, unsigned flags,
                                   field_dictionary *out, beamr_error *err)
{
    field_dictionary members = {0};
    size_t capacity = 0;
    field_cursor r;

    field_begin(&r, a, text, flags, err);
    for (;;) {
        bool is_there;

        members.members =
            make_room(&r, members.members, members.count, &capacity, sizeof *members.members);
        if (!members.members)
            return fail_full(&r);
        BEAMR_TRY(field_next_member(&r, &members.members[members.count], &is_there));
        if (!is_there)
            break;
        members.count++;
    }
    BEAMR_TRY(drop_repeated(&r, members.members, &members.count));
    *out = members;
    return BEAMR_OK;
}

beamr_status field_read_item(arena *a, beamr_bytes text, unsigned flags, field_item *out,
                             beamr_error *err)
{
    field_item item;
    field_cursor r;

    field_begin(&r, a, text, flags, err);
    BEAMR_TRY(read_plain(&r, &item));
    skip_spaces(&r);
    if (!is_end(&r))
        return fail_at(&r, r.at, "something stands behind the item");
    *out = item;
    return BEAMR_OK;
}

const field_item *field_dictionary_find(const field_dictionary *dictionary, beamr_bytes key)
{
    for (size_t i = 0; i < dictionary->count; i++)
        if (compare_keys(dictionary->members[i].key, key) == 0)
            return &dictionary->members[i].item;
    return NULL;
}

const field_item *field_param_find(const field_item *item, const char *key)
{
    for (size_t i = 0; i < item->param_count; i++)
        if (compare_keys(item->params[i].key, beamr_bytes_of(key)) == 0)
            return &item->params[i].item;
    return NULL;
}
