/* The outline of a refused module: cli/outline.h. */
#include "cli/outline.h"

#include <string.h>

/* Read an unsigned LEB128 of at most 32 bits.  Returns false when there is none. */
static bool read_size(beamr_bytes b, size_t *at, size_t *out)
{
    uint64_t n = 0;

    for (unsigned shift = 0; shift < 35 && *at < b.len; shift += 7) {
        uint8_t byte = b.data[(*at)++];

        n |= (uint64_t)(byte & 0x7fu) << shift;
        if (byte < 0x80) {
            *out = (size_t)n;
            return n <= UINT32_MAX;
        }
    }
    return false;
}

bool outline_section_next(beamr_bytes wasm, size_t *at, beamr_section *out)
{
    static const char *const kinds[] = {"custom", "type",   "import",     "function", "table",
                                        "memory", "global", "export",     "start",    "element",
                                        "code",   "data",   "data count", "tag"};
    beamr_section s = {0};
    size_t end, name_len, name_at;

    if (*at >= wasm.len || wasm.data[*at] >= sizeof kinds / sizeof kinds[0])
        return false;
    s.id = wasm.data[(*at)++];
    s.kind = kinds[s.id];
    if (!read_size(wasm, at, &s.size) || s.size > wasm.len - *at)
        return false;
    s.offset = name_at = *at;
    end = s.offset + s.size;
    if (s.id == 0 && read_size(wasm, &name_at, &name_len) && name_at <= end &&
        name_len <= end - name_at)
        s.name = (beamr_bytes){wasm.data + name_at, name_len};
    *at = end;
    *out = s;
    return true;
}

bool outline_is_module(beamr_bytes wasm)
{
    static const uint8_t header[OUTLINE_START] = {0, 'a', 's', 'm', 1, 0, 0, 0};

    return wasm.len >= sizeof header && memcmp(wasm.data, header, sizeof header) == 0;
}

/* ---- Imports and exports ---- */

static bool read_byte(beamr_bytes b, size_t *at, uint8_t *out)
{
    if (*at >= b.len)
        return false;
    *out = b.data[(*at)++];
    return true;
}

/* Step over a LEB128 of any size and sign. */
static bool skip_number(beamr_bytes b, size_t *at)
{
    uint8_t byte;

    for (int i = 0; i < 10; i++) {
        if (!read_byte(b, at, &byte))
            return false;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool read_name(beamr_bytes b, size_t *at, beamr_bytes *out)
{
    size_t len;

    if (!read_size(b, at, &len) || len > b.len - *at)
        return false;
    *out = (beamr_bytes){b.data + *at, len};
    *at += len;
    return true;
}

/* A value type: one byte, or a reference to a heap type. */
static bool skip_valtype(beamr_bytes b, size_t *at)
{
    uint8_t byte;

    if (!read_byte(b, at, &byte))
        return false;
    return (byte != 0x63 && byte != 0x64) || skip_number(b, at);
}

/* Flags, minimum, maximum if there is one, page size if it is stated. */
static bool skip_limits(beamr_bytes b, size_t *at)
{
    uint8_t flags;

    return read_byte(b, at, &flags) && skip_number(b, at) &&
           (!(flags & 1) || skip_number(b, at)) && (!(flags & 8) || skip_number(b, at));
}

/* Step over the type of an import. */
static bool skip_type(beamr_bytes b, size_t *at, beamr_extern_kind kind)
{
    switch (kind) {
    case BEAMR_EXTERN_FUNC:
        return skip_number(b, at);
    case BEAMR_EXTERN_TABLE:
        return skip_valtype(b, at) && skip_limits(b, at);
    case BEAMR_EXTERN_MEMORY:
        return skip_limits(b, at);
    case BEAMR_EXTERN_GLOBAL:
        return skip_valtype(b, at) && skip_number(b, at);
    case BEAMR_EXTERN_TAG:
        return skip_number(b, at) && skip_number(b, at);
    }
    return false;
}

bool outline_links_open(beamr_bytes wasm, bool is_import, outline_links *out)
{
    size_t at = OUTLINE_START;
    beamr_section s;

    while (outline_section_next(wasm, &at, &s)) {
        if (s.id != (is_import ? 2 : 7))
            continue;
        *out =
            (outline_links){.contents = {wasm.data + s.offset, s.size}, .is_import = is_import};
        return read_size(out->contents, &out->at, &out->left);
    }
    return false;
}

bool outline_links_next(outline_links *links, outline_link *out)
{
    outline_link l = {0};
    uint8_t kind;

    if (links->left == 0 ||
        (links->is_import && !read_name(links->contents, &links->at, &l.module)) ||
        !read_name(links->contents, &links->at, &l.name) ||
        !read_byte(links->contents, &links->at, &kind) || kind > BEAMR_EXTERN_TAG)
        return false;
    l.kind = beamr_extern_kind_text((beamr_extern_kind)kind);
    if (links->is_import ? !skip_type(links->contents, &links->at, (beamr_extern_kind)kind)
                         : !skip_number(links->contents, &links->at))
        return false;
    links->left--;
    *out = l;
    return true;
}
