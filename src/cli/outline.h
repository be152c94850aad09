/* What can be told of a module that the engine refuses, without understanding it: its sections,
 * and the names of its imports and exports. Any bytes may be given; reading stops where they
 * make no sense.  Source: Core, "Binary Format", "Modules". */
#ifndef CLI_OUTLINE_H
#define CLI_OUTLINE_H

#include "beamr/module.h"

#define OUTLINE_START 8 /* offset of the first section */

/* The bytes begin as a binary module does. What follows is for such bytes only. */
bool outline_is_module(beamr_bytes wasm);

/* Step to the next section; *at begins at OUTLINE_START.  Returns false at the end, and where
 * what follows is no section. */
bool outline_section_next(beamr_bytes wasm, size_t *at, beamr_section *out);

/* One import or export. */
typedef struct outline_link {
    beamr_bytes module; /* of an import */
    beamr_bytes name;
    const char *kind; /* as beamr_extern_kind_text */
} outline_link;

typedef struct outline_links {
    beamr_bytes contents; /* of the section */
    size_t at;
    size_t left;
    bool is_import;
} outline_links;

/* Find the import (or export) section.  Returns false when there is none. */
bool outline_links_open(beamr_bytes wasm, bool is_import, outline_links *out);
bool outline_links_next(outline_links *links, outline_link *out);

#endif
