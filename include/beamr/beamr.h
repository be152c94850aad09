/* beamr: WebAssembly for programs in C.
 * This header brings all the others: engine, module, store, instance, values,
 * snapshots. Start with
 * examples/embed/. */
#ifndef BEAMR_H
#define BEAMR_H

#include "beamr/bytes.h"
#include "beamr/engine.h"
#include "beamr/entry.h"
#include "beamr/error.h"
#include "beamr/instance.h"
#include "beamr/module.h"
#include "beamr/snapshot.h"
#include "beamr/store.h"
#include "beamr/trap.h"
#include "beamr/types.h"
#include "beamr/values.h"

#endif
