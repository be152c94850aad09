/* What matching leaves out, for those that leave it out too. */
#ifndef AO_MATCH_H
#define AO_MATCH_H

#include "beamr/ao/message.h"

/* The value is the default of this field of a transaction, which carries no information:
 * AO-Core messages, "Matching and minimising".
 *   key  normalised */
bool ao_is_transaction_default(beamr_bytes key, ao_value value);

#endif
