/* Features by name, and the implementation limits: the tables feature.def and limits.def made
 * into functions. Who needs which feature is known to the decoder (reader.c, decode_*.c) and,
 * for instructions, to opcode.c and validate.c. */
#include <inttypes.h>
#include <string.h>

#include "wasm/internal.h"

enum feature_status { FEATURE_ON, FEATURE_NEVER };

static const struct {
    const char *text;
    enum feature_status status;
} features[WB_FEATURE_COUNT] = {
#define WB_FEATURE(id, text, status) [WB_FEATURE_##id] = {text, FEATURE_##status},
#include "wasm/feature.def"
#undef WB_FEATURE
};

wb_features wb_features_default(void)
{
    wb_features set = 0;

    for (unsigned i = 0; i < WB_FEATURE_COUNT; i++)
        if (features[i].status == FEATURE_ON)
            set |= 1u << i;
    return set;
}

const char *wb_feature_text(wb_feature f)
{
    return (unsigned)f < WB_FEATURE_COUNT ? features[f].text : "unknown";
}

wb_feature wb_feature_find(beamr_bytes name)
{
    for (unsigned i = 0; i < WB_FEATURE_COUNT; i++) {
        const char *text = features[i].text;

        if (strlen(text) == name.len && memcmp(text, name.data, name.len) == 0)
            return (wb_feature)i;
    }
    return WB_FEATURE_COUNT;
}

bool wb_feature_is_refused(wb_feature f)
{
    return (unsigned)f < WB_FEATURE_COUNT && features[f].status == FEATURE_NEVER;
}

/* What a refused feature is about, for those who know it by no name. */
static const char *refused_subject(wb_feature f)
{
    if (f == WB_FEATURE_GC)
        return "garbage-collected objects";
    if (f == WB_FEATURE_THREADS)
        return "shared memories and atomic instructions";
    return "components instead of core modules";
}

beamr_status wb_fail_feature(wb_feature f, uint64_t offset, beamr_error *err)
{
    if (wb_feature_is_refused(f))
        return beamr_fail(err, BEAMR_UNSUPPORTED, offset,
                          "the module needs the feature %s (%s), which this engine does not "
                          "support",
                          wb_feature_text(f), refused_subject(f));
    return beamr_fail(err, BEAMR_UNSUPPORTED, offset,
                      "the module needs the feature %s, which is switched off",
                      wb_feature_text(f));
}

beamr_status wb_features_need(const wb_module *m, wb_features need, wb_features *used,
                              uint64_t offset, beamr_error *err)
{
    wb_features missing = need & ~m->features;

    if (missing)
        return wb_fail_feature((wb_feature)__builtin_ctz(missing), offset, err);
    if (used)
        *used |= need;
    return BEAMR_OK;
}

static const struct {
    uint32_t value;
    const char *text;
} limits[] = {
#define WB_LIMIT(id, value, text) [WB_LIMIT_ROW_##id] = {value, text},
#include "wasm/limits.def"
#undef WB_LIMIT
};

beamr_status wb_limit_check(wb_limit limit, uint64_t n, uint64_t offset, beamr_error *err)
{
    if (n <= limits[limit].value)
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_LIMIT, offset, "%" PRIu64 " %s, the limit is %" PRIu32, n,
                      limits[limit].text, limits[limit].value);
}
