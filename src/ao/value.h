/* Values, as far as higher layers need more than beamr/ao/value.h has. */
#ifndef AO_VALUE_H
#define AO_VALUE_H

#include "beamr/ao/value.h"

/* Report why a value is AO_NONE.  Returns BEAMR_NO_MEMORY, BEAMR_LIMIT or BEAMR_ARGUMENT. */
beamr_status value_fail(ao_value none, beamr_error *err);

#endif
