/* The guest of the soak test. */
#ifndef TEST_SOAK_GUEST_H
#define TEST_SOAK_GUEST_H

#include "beamr/bytes.h"

/* fac(f64), count(), and of an i64: mul (so many imports), clock, hang, fail, trap, spin, grow.
 */
beamr_bytes soak_guest(void);

#endif
