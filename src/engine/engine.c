/* Engines: options, and which executor runs guest code. */
#define _GNU_SOURCE /* secure_getenv */
#include "engine/internal.h"
#include "interp/interp.h"
#include "native/native.h"

#include <stdlib.h>

#ifndef BEAMR_VERSION
#define BEAMR_VERSION "0.1.0"
#endif

const char *beamr_version(void)
{
    return BEAMR_VERSION;
}

const char *beamr_feature_name(size_t i)
{
    return i < WB_FEATURE_COUNT ? wb_feature_text((wb_feature)i) : NULL;
}

bool beamr_feature_is_supported(size_t i)
{
    return i < WB_FEATURE_COUNT && !wb_feature_is_refused((wb_feature)i);
}

/* ---- Features as text ---- */

/* Apply one item of the list, its sign taken off. */
static beamr_status feature_apply(wb_features *set, beamr_bytes name, bool on, beamr_error *err)
{
    char text[RT_NAME_SIZE];
    wb_feature f;

    if (engine_bytes_equal(name, beamr_bytes_of("all"))) {
        *set = on ? wb_features_default() : WB_FEATURE_BIT(CORE);
        return BEAMR_OK;
    }
    f = wb_feature_find(name);
    if (f == WB_FEATURE_COUNT)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "unknown feature %s",
                          rt_name_text(name, text, sizeof text));
    if (on && wb_feature_is_refused(f))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "feature \"%s\" is not supported",
                          wb_feature_text(f));
    if (!on && f == WB_FEATURE_CORE)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "feature \"core\" cannot be switched off");
    *set = on ? *set | 1u << f : *set & ~(1u << f);
    return BEAMR_OK;
}

static beamr_status features_parse(const char *list, wb_features *set, beamr_error *err)
{
    while (*list) {
        size_t len = strcspn(list, ",");
        bool on = *list != '-';
        size_t sign = len > 0 && (*list == '-' || *list == '+');
        beamr_bytes name = {(const uint8_t *)list + sign, len - sign};

        if (len > 0)
            BEAMR_TRY(feature_apply(set, name, on, err));
        list += len + (list[len] == ',');
    }
    return BEAMR_OK;
}

/* ---- Engines ---- */

/* Modules are compiled when they are loaded. */
static beamr_status tier_find(beamr_tier tier, bool *compiles, beamr_error *err)
{
    const char *word = tier == BEAMR_TIER_DEFAULT ? secure_getenv("BEAMR_TIER") : NULL;
    char text[RT_NAME_SIZE];

    *compiles = tier == BEAMR_TIER_NATIVE || (word && strcmp(word, "native") == 0);
    if (!word || !*word || *compiles || strcmp(word, "interpret") == 0)
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_ARGUMENT, 0,
                      "BEAMR_TIER is %s in the environment, neither interpret nor native",
                      rt_name_text(beamr_bytes_of(word), text, sizeof text));
}

beamr_status beamr_engine_new(const beamr_config *config, beamr_engine **out, beamr_error *err)
{
    static const beamr_config defaults = BEAMR_CONFIG_DEFAULT;
    wb_features features = wb_features_default();
    rt_engine *e = NULL;
    bool compiles;

    if (!config)
        config = &defaults;
    if (config->features)
        BEAMR_TRY(features_parse(config->features, &features, err));
    BEAMR_TRY(tier_find(config->tier, &compiles, err));
    BEAMR_TRY(rt_engine_new(&e, err));
    e->compiles = compiles;
    e->features = features;
    e->metering = config->metering;
    if (config->max_module_size > 0 && config->max_module_size < e->max_module_size)
        e->max_module_size = config->max_module_size;
    e->max_bytes = config->max_bytes ? config->max_bytes : UINT64_MAX;
    e->max_reserved = config->max_reserved ? config->max_reserved : UINT64_MAX;
    e->max_mappings = config->max_mappings ? config->max_mappings : UINT64_MAX;
    if (config->unguarded)
        e->max_reserved = 0;
    e->guest_entry = interp_entry;
    e->code_new = interp_code_new;
    e->code_free = interp_code_free;
    e->code_func = interp_code_func;
    e->instance_init = native_instance_init;
    e->func_init = native_func_init;
    e->native_free = native_code_free;
    e->native_has = native_code_has;
    *out = engine_public_engine(e);
    return BEAMR_OK;
}

void beamr_engine_free(beamr_engine *engine)
{
    rt_engine_unref(engine_engine(engine));
}
