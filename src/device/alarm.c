/* Alarms in the order of their times: alarm.h. A pairing heap: `child` is the first of those
 * that are due later, `next` its brother, `previous` the brother before or, of the first, the
 * parent. To add is one step; to remove takes as many as it has children, which are paired, so
 * that on the average these are few (logarithmic). */
#include "device/alarm.h"

static dev_alarm *merge(dev_alarm *a, dev_alarm *b)
{
    dev_alarm *first = b->due < a->due ? b : a, *second = first == a ? b : a;

    second->previous = first;
    second->next = first->child;
    if (first->child)
        first->child->previous = second;
    first->child = second;
    return first;
}

/* Brothers as one heap: in pairs from the left, then all from the right. */
static dev_alarm *merge_all(dev_alarm *first)
{
    dev_alarm *pairs = NULL, *all = NULL;

    while (first) {
        dev_alarm *a = first, *b = a->next;

        first = b ? b->next : NULL;
        a->next = NULL;
        if (b) {
            b->next = NULL;
            a = merge(a, b);
        }
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        dev_alarm *next = pairs->next;

        pairs->next = NULL;
        all = all ? merge(all, pairs) : pairs;
        pairs = next;
    }
    if (all)
        all->previous = NULL;
    return all;
}

void alarm_add(dev_alarm **root, dev_alarm *alarm)
{
    alarm->child = alarm->next = alarm->previous = NULL;
    alarm->is_set = true;
    *root = *root ? merge(*root, alarm) : alarm;
}

void alarm_remove(dev_alarm **root, dev_alarm *alarm)
{
    dev_alarm *below = merge_all(alarm->child);

    alarm->is_set = false;
    if (alarm == *root) {
        *root = below;
        return;
    }
    if (alarm->previous->child == alarm)
        alarm->previous->child = alarm->next;
    else
        alarm->previous->next = alarm->next;
    if (alarm->next)
        alarm->next->previous = alarm->previous;
    if (below)
        *root = merge(*root, below);
}
