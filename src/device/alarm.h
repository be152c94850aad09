/* Alarms: what is to happen at a point in time, unless it is taken back. They stand in a heap
 * whose parts are the alarms themselves, so that setting one takes no memory and cannot fail.
 * What an alarm is for: world.h. Threads: the caller holds a lock. */
#ifndef DEVICE_ALARM_H
#define DEVICE_ALARM_H

#include "device/world.h"

/* The root is the one that is due first; NULL: there is none. */
void alarm_add(dev_alarm **root, dev_alarm *alarm);
/* One that is in the heap. */
void alarm_remove(dev_alarm **root, dev_alarm *alarm);

#endif
