/* What a message declares about its guest: `mode`, `memory-limit`, `compute-limit`. */
#include <stdio.h>

#include "device/wasm.h"

#define PAGE 65536

static bool same_text(beamr_bytes text, const char *name)
{
    size_t len = strlen(name);

    if (text.len != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = text.data[i];

        if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != (uint8_t)name[i])
            return false;
    }
    return true;
}

/* A key below the input prefix, or else the base's own. */
static beamr_status find(const wasm_job *job, const char *key, ao_value *out, beamr_error *err)
{
    beamr_status st = dev_prefixed(job->moment.base, job->in, key, out, err);

    if (st == BEAMR_OK && out->kind == AO_NONE && job->in.len > 0)
        st = ao_message_get(job->moment.base, beamr_bytes_of(key), out, err);
    return st;
}

/* `AOT` means native code where the node allows it, else `WASM`. A base of stack@1.0 may have
 * `mode` for that: `Fold` and `Map` say nothing of us. */
static beamr_status read_mode(const ao_call *call, wasm_job *job, char text[WASM_TEXT_SIZE],
                              beamr_error *err)
{
    enum { AOT };
    static const char *const modes[] = {[AOT] = "aot", "wasm", "fold", "map"};
    ao_value mode;
    beamr_status st = dev_prefixed(job->moment.base, job->in, "mode", &mode, err);
    size_t i = 0, count = sizeof modes / sizeof modes[0];

    if (st == BEAMR_OK && mode.kind == AO_NONE && job->is_start)
        st = dev_prefixed(job->moment.request, job->in, "mode", &mode, err);
    if (st != BEAMR_OK || mode.kind == AO_NONE)
        return st;
    while (i < count && !same_text(ao_text(mode), modes[i]))
        i++;
    if (i == count)
        (void)snprintf(text, WASM_TEXT_SIZE,
                       "the mode `%.*s` is unknown; there are `WASM` and `AOT`",
                       (int)(ao_text(mode).len < 40 ? ao_text(mode).len : 40),
                       (const char *)ao_text(mode).data);
    job->limits.is_native = i == AOT && ao_to_boolean(ao_call_option(call, "wasm_allow_aot"));
    return BEAMR_OK;
}

/* `512-mb`, `64kb`, `65536`; false: it can't be read. */
static bool read_size(beamr_bytes text, uint64_t *out)
{
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = {{"", 0},     {"b", 0},    {"bytes", 0}, {"k", 10},   {"kb", 10},
                 {"kib", 10}, {"m", 20},   {"mb", 20},   {"mib", 20}, {"g", 30},
                 {"gb", 30},  {"gib", 30}, {"tb", 40},   {"tib", 40}};
    uint64_t n = 0;
    size_t i = 0;

    for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        if (__builtin_mul_overflow(n, UINT64_C(10), &n) ||
            __builtin_add_overflow(n, (uint64_t)(text.data[i] - '0'), &n))
            return false;
    }
    if (i == 0)
        return false;
    while (i < text.len && (text.data[i] == '-' || text.data[i] == ' '))
        i++;
    text = (beamr_bytes){text.data + i, text.len - i};
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        if (same_text(text, units[u].name)) {
            *out = n << units[u].shift;
            return *out >> units[u].shift == n;
        }
    }
    return false;
}

static beamr_status read_memory(wasm_job *job, char text[WASM_TEXT_SIZE], beamr_error *err)
{
    ao_value value;
    int64_t number;
    uint64_t bytes = 0;
    beamr_status st = find(job, "memory-limit", &value, err);

    if (st != BEAMR_OK || value.kind == AO_NONE)
        return st;
    if (value.kind == AO_INTEGER && ao_to_integer(value, &number) && number > 0)
        bytes = (uint64_t)number;
    else if (value.kind == AO_INTEGER || !read_size(ao_text(value), &bytes))
        bytes = 0;
    if (bytes < PAGE)
        (void)snprintf(text, WASM_TEXT_SIZE,
                       "`memory-limit` is no size of at least %d bytes, as 67108864 or `64-mb`",
                       PAGE);
    job->limits.max_pages = bytes / PAGE;
    return BEAMR_OK;
}

static beamr_status read_compute(wasm_job *job, char text[WASM_TEXT_SIZE], beamr_error *err)
{
    ao_value value;
    int64_t number = 0;
    beamr_status st = find(job, "compute-limit", &value, err);

    if (st != BEAMR_OK || value.kind == AO_NONE)
        return st;
    if (!ao_to_integer(value, &number) || number <= 0)
        (void)snprintf(text, WASM_TEXT_SIZE, "`compute-limit` is no number from 1 to %lld",
                       (long long)INT64_MAX);
    job->limits.max_fuel = (uint64_t)number;
    return BEAMR_OK;
}

beamr_status wasm_limits_read(ao_call *call, wasm_job *job, char text[WASM_TEXT_SIZE],
                              beamr_error *err)
{
    beamr_status st;

    text[0] = '\0';
    job->limits = (dev_image_limits){.is_metered = job->host_fuel > 0};
    if ((st = read_mode(call, job, text, err)) == BEAMR_OK)
        st = read_memory(job, text, err);
    return st == BEAMR_OK ? read_compute(job, text, err) : st;
}
