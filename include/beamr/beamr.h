/* beamr: WebAssembly for programs in C.
 * This header brings all the others: engine, module, store, instance, values,
 * snapshots, WASI and its file system. Start with
 * examples/embed/. */
#ifndef BEAMR_H
#define BEAMR_H

#include "beamr/bytes.h"
#include "beamr/emscripten.h"
#include "beamr/engine.h"
#include "beamr/entry.h"
#include "beamr/error.h"
#include "beamr/guest.h"
#include "beamr/instance.h"
#include "beamr/json.h"
#include "beamr/module.h"
#include "beamr/native.h"
#include "beamr/snapshot.h"
#include "beamr/store.h"
#include "beamr/trap.h"
#include "beamr/types.h"
#include "beamr/values.h"
#include "beamr/vfs.h"
#include "beamr/wasi.h"

#endif
