/* Names of files as keys of messages, and back.
 *
 * A key is lower-cased, may look like an id, or mean something to message@1.0 or a codec. So a
 * name is its own key only as far as it cannot be taken for anything else:
 *
 *     a-z 0-9 . _ -           themselves
 *     all other bytes         %XX, two lower-case hexadecimal digits
 *     reserved names, priv*   the first byte is written so too
 *     keys of 32, 42 or 43    get %% behind them, which means nothing
 *     bytes
 *
 * A key without `%` that is not what its name would be written as - `My File`, made by hand -
 * is understood too. */
#include "base/text.h"
#include "device/system_internal.h"

static bool is_reserved(beamr_bytes name)
{
    static const char *const reserved[] = {
        "ao-body-key",     "ao-ids",
        "ao-result",       "ao-types",
        "body-keys",       "cache-control",
        "commit",          "commitments",
        "committed",       "committers",
        "content-digest",  "content-disposition",
        "content-length",  "content-type",
        "device",          "get",
        "hashpath",        "id",
        "inline-body-key", "keys",
        "method",          "path",
        "remove",          "set",
        "set-mode",        "set-path",
        "signature",       "signature-input",
        "unsigned_id",     "verify",
    };

    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (text_is(name, reserved[i]))
            return true;
    return text_begins(name, "priv");
}

static bool is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static bool is_id_length(size_t len)
{
    return len == 32 || len == 42 || len == 43;
}

size_t system_name_encode(beamr_bytes name, char key[SYSTEM_KEY_MAX])
{
    static const char digits[] = "0123456789abcdef";
    bool escapes_first = is_reserved(name);
    size_t len = 0;

    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];

        if (is_plain(c) && !(i == 0 && escapes_first)) {
            key[len++] = (char)c;
            continue;
        }
        key[len++] = '%';
        key[len++] = digits[c >> 4];
        key[len++] = digits[c & 15];
    }
    if (is_id_length(len)) {
        key[len++] = '%';
        key[len++] = '%';
    }
    return len;
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Take the escapes away.  False: there are bad ones, or it is too long. */
static bool unescape(beamr_bytes key, char *name, size_t *len)
{
    *len = 0;
    if (key.len >= 2 && memcmp(key.data + key.len - 2, "%%", 2) == 0)
        key.len -= 2;
    for (size_t i = 0; i < key.len; i++) {
        uint8_t c = key.data[i];

        if (*len == SYSTEM_MAX_NAME)
            return false;
        if (c == '%') {
            int high = key.len - i > 2 ? digit(key.data[i + 1]) : -1,
                low = key.len - i > 2 ? digit(key.data[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        name[(*len)++] = (char)c;
    }
    return true;
}

system_key system_name_decode(beamr_bytes key, char name[SYSTEM_MAX_NAME], size_t *len)
{
    char text[SYSTEM_MAX_NAME], again[SYSTEM_KEY_MAX];
    bool is_escaped = key.len > 0 && memchr(key.data, '%', key.len);
    beamr_bytes found = {(const uint8_t *)text, 0};
    beamr_bytes own = {(const uint8_t *)again, 0};

    if (!is_escaped && is_reserved(key))
        return SYSTEM_KEY_NOTHING;
    if (!unescape(key, text, &found.len) || found.len == 0 || text_is(found, ".") ||
        text_is(found, "..") || memchr(text, '/', found.len) || memchr(text, 0, found.len))
        return SYSTEM_KEY_BAD;
    own.len = system_name_encode(found, again);
    if (is_escaped && !text_equal(own, key))
        return SYSTEM_KEY_BAD; /* two keys would mean one name */
    memcpy(name, text, found.len);
    *len = found.len;
    return text_equal(own, key) ? SYSTEM_KEY_NAME : SYSTEM_KEY_LOOSE;
}
