/* The names and numbers of outcomes. */
#include "beamr/ao/device.h"

static const char *const texts[] = {
#define X(id, text, http) [AO_OUTCOME_##id] = text,
    AO_OUTCOME_MAP(X)
#undef X
};

static const int https[] = {
#define X(id, text, http) [AO_OUTCOME_##id] = http,
    AO_OUTCOME_MAP(X)
#undef X
};

const char *ao_outcome_text(ao_outcome outcome)
{
    return (unsigned)outcome < AO_OUTCOME_COUNT ? texts[outcome] : "unknown";
}

int ao_outcome_http(ao_outcome outcome)
{
    return (unsigned)outcome < AO_OUTCOME_COUNT ? https[outcome] : 500;
}
