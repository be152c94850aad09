/* Compiling in tests, with the compiler that BEAMR_COMPILE names. */
#ifndef TEST_ENGINE_NATIVE_H
#define TEST_ENGINE_NATIVE_H

#include "fixture.h"

static inline beamr_compile_options native_options(void)
{
    return (beamr_compile_options)BEAMR_COMPILE_OPTIONS_DEFAULT;
}

/* An engine that compiles only what it is told to, and a store. */
static inline fixture native_fixture(bool metering)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;

    config.tier = BEAMR_TIER_INTERPRET;
    config.metering = metering;
    return fixture_open_with(&config, NULL);
}

#endif
