/* AO-Core: messages, devices, paths. All of what libbeamr-ao offers. */
#ifndef BEAMR_AO_H
#define BEAMR_AO_H

#include "beamr/ao/context.h"
#include "beamr/ao/device.h"
#include "beamr/ao/guest.h"
#include "beamr/ao/message.h"
#include "beamr/ao/value.h"
#include "beamr/ao/wallet.h"

#endif
