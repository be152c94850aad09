/* The calendar behind time functions: seconds since 1970 to a date in UTC and back, for any
 * numbers that a guest may pass. Source: Gregorian calendar, carried on in both directions;
 * ISO 8601 for weeks. */
#ifndef GUEST_CALENDAR_H
#define GUEST_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

/* As C's struct tm. What a guest fills in may be any number. */
typedef struct guest_date {
    int32_t second, minute, hour;
    int32_t day;      /* of the month, from 1 */
    int32_t month;    /* from 0 */
    int32_t year;     /* from 1900 */
    int32_t weekday;  /* from Sunday, 0 */
    int32_t year_day; /* from 0 */
    int32_t is_summer;
} guest_date;

/* Returns false, with nothing written, when the year is beyond an i32. */
bool guest_date_of(int64_t seconds, guest_date *out);
/* Seconds since 1970 of a date in UTC, whose fields need not be in their ranges; the day of the
 * week and of the year are not looked at. All sums of i32 fields fit. */
int64_t guest_date_seconds(const guest_date *date);

/* The week of ISO 8601, 1 to 53, and the year (the full one) that it belongs to, from year,
 * year_day and weekday; these may be out of range, and then so is the result. */
int64_t guest_date_iso_week(const guest_date *date, int64_t *year);

#endif
