/* Dates and seconds. */
#include "guest/calendar.h"

enum { DAY_SECONDS = 86400, DAYS_400_YEARS = 146097 };

/* Division that rounds down; d > 0. */
static int64_t floor_div(int64_t n, int64_t d)
{
    return n / d - (n % d < 0);
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to the first day of a month. Counted in years that begin in March, so
 * that the leap day is a year's last.
 *   month  0 to 11 */
static int64_t days_to_month(int64_t year, int64_t month)
{
    int64_t from_march = (month + 10) % 12, y = year - (month < 2);
    int64_t era = floor_div(y, 400), of_era = y - era * 400;

    return era * DAYS_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 +
           (from_march * 153 + 2) / 5 - 719468;
}

int64_t guest_date_seconds(const guest_date *date)
{
    int64_t year = (int64_t)date->year + 1900 + floor_div(date->month, 12);
    int64_t month = date->month - floor_div(date->month, 12) * 12;
    int64_t days = days_to_month(year, month) + date->day - 1;

    return days * DAY_SECONDS + (int64_t)date->hour * 3600 + (int64_t)date->minute * 60 +
           date->second;
}

bool guest_date_of(int64_t seconds, guest_date *out)
{
    int64_t days = floor_div(seconds, DAY_SECONDS);
    int32_t rest = (int32_t)((seconds % DAY_SECONDS + DAY_SECONDS) % DAY_SECONDS);
    int64_t from_era = days + 719468, era = floor_div(from_era, DAYS_400_YEARS);
    int64_t day = from_era - era * DAYS_400_YEARS; /* of the 400 years */
    int64_t of_era = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t of_year = day - (of_era * 365 + of_era / 4 - of_era / 100);
    int64_t from_march = (of_year * 5 + 2) / 153, month = (from_march + 2) % 12;
    int64_t year = era * 400 + of_era + (month < 2);

    if (year - 1900 < INT32_MIN || year - 1900 > INT32_MAX)
        return false;
    out->second = rest % 60;
    out->minute = rest / 60 % 60;
    out->hour = rest / 3600;
    out->day = (int32_t)(of_year - (from_march * 153 + 2) / 5 + 1);
    out->month = (int32_t)month;
    out->year = (int32_t)(year - 1900);
    out->weekday = (int32_t)((days % 7 + 11) % 7); /* 1970 began on a Thursday */
    out->year_day = (int32_t)(days - days_to_month(year, 0));
    out->is_summer = 0;
    return true;
}

/* Weeks begin on Monday; the first is the one with the year's first Thursday. */
int64_t guest_date_iso_week(const guest_date *date, int64_t *year)
{
    int64_t y = (int64_t)date->year + 1900;
    int64_t from_monday = ((int64_t)date->weekday + 6) % 7;
    int64_t thursday = (int64_t)date->year_day - from_monday + 3; /* this week's */
    int64_t length = is_leap(y) ? 366 : 365;

    if (thursday < 0)
        thursday += is_leap(--y) ? 366 : 365;
    else if (thursday >= length) {
        thursday -= length;
        y++;
    }
    *year = y;
    return floor_div(thursday, 7) + 1;
}
