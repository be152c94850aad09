/* What the files of `beamr inspect` share. */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include <string.h>

#include "cli/cli.h"
#include "cli/escape.h"

/* The bytes begin as a code object does, and hold its whole header. */
bool inspect_is_object(beamr_bytes bytes);
/* Print what the header says; nothing of it is checked.
 *   bytes  inspect_is_object */
void inspect_object(const char *path, beamr_bytes bytes, bool is_json);

#endif
