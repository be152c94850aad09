/* strftime: a date as text, in the C locale and in UTC.
 *
 * The modifiers E and O change nothing. Flags are `_`, `-` and `0`, which say how a number is
 * filled up, and `+`; a width is looked at for years and what begins with one (C F G Y), as
 * musl does. A format that has another conversion gives 0, as one that does not fit does.
 * Fields out of their ranges give the number that they are, or `-` for a name.
 * Source: C11, "The strftime function"; POSIX strftime. */
#include <stdio.h>

#include "guest/calendar.h"
#include "guest/env_calls.h"

enum {
    FIELD_MAX = 256,
    WIDTH_MAX = 200,
    ZONE_MAX = 64,
    CONVERSION_WORK = 4096, /* see work_of */
    REPORTED_WORK = 64 * 1024,
};

/* A date, and what else the guest's struct tm says. */
typedef struct date_text {
    guest_date date;
    int64_t offset; /* seconds east of UTC */
    char zone[ZONE_MAX];
} date_text;

/* One conversion: what stands between '%' and the letter, and the letter. */
typedef struct conversion {
    char pad;  /* '_', '-', '0' or 0 */
    bool plus; /* a sign before years of more than four digits */
    int width; /* 0: none */
    char letter;
} conversion;

static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

/* ---- Pieces: each writes at most FIELD_MAX bytes and returns how many ---- */

static size_t put_text(char *out, const char *text)
{
    int n = snprintf(out, FIELD_MAX, "%s", text);

    return n < 0 ? 0 : n < FIELD_MAX ? (size_t)n : FIELD_MAX - 1;
}

static size_t put_number(char *out, const conversion *c, int64_t value, int digits, char pad)
{
    long long v = value;
    int n;

    if (c->pad)
        pad = c->pad;
    if (pad == '-')
        n = snprintf(out, FIELD_MAX, "%lld", v);
    else if (pad == '_')
        n = snprintf(out, FIELD_MAX, "%*lld", digits, v);
    else
        n = snprintf(out, FIELD_MAX, "%0*lld", digits, v);
    return (size_t)n;
}

static size_t put_name(char *out, const char *const *names, int count, int32_t i, bool whole)
{
    size_t len;

    if (i < 0 || i >= count)
        return put_text(out, "-");
    len = put_text(out, names[i]);
    return whole || len < 3 ? len : 3;
}

/* A year, or what begins with one, to its width: filled up with zeros behind the sign.
 *   text   digits, with '-' in front if it is before the year 0
 *   usual  digits that need no sign */
static size_t put_year(char *out, const conversion *c, const char *text, int usual)
{
    bool negative = text[0] == '-';
    const char *digits = text + negative;
    int len = (int)strlen(digits), width = c->width;
    char sign = negative ? '-' : 0;
    int fill;

    if (!sign && c->plus && (width > len ? width : len) > usual)
        sign = '+';
    if (width > WIDTH_MAX)
        width = WIDTH_MAX;
    fill = width - len - (sign != 0);
    if (fill < 0)
        fill = 0;
    if (sign)
        *out++ = sign;
    memset(out, '0', (size_t)fill);
    memcpy(out + fill, digits, (size_t)len);
    return (size_t)(fill + len + (sign != 0));
}

static size_t put_full_year(char *out, const conversion *c, int64_t year)
{
    conversion with_sign = *c;
    char text[32];

    /* Years of five digits carry a sign, so that the date can be read back. */
    with_sign.plus |= year > 9999;
    if (c->pad == '-' || c->pad == '_')
        (void)snprintf(text, sizeof text, c->pad == '-' ? "%lld" : "%4lld", (long long)year);
    else
        (void)snprintf(text, sizeof text, year < 0 ? "%05lld" : "%04lld", (long long)year);
    return put_year(out, &with_sign, text, 4);
}

static size_t put_date(char *out, const conversion *c, const guest_date *d)
{
    long long year = (long long)d->year + 1900;
    char text[64];

    (void)snprintf(text, sizeof text, year < 0 ? "%05lld-%02lld-%02d" : "%04lld-%02lld-%02d",
                   year, (long long)d->month + 1, d->day);
    return put_year(out, c, text, 10);
}

static size_t put_offset(char *out, const date_text *t)
{
    int64_t offset = t->offset, minutes;
    bool negative = offset < 0;

    if (t->date.is_summer < 0)
        return 0;
    minutes = offset / 60;
    if (negative)
        minutes = -minutes;
    return (size_t)snprintf(out, FIELD_MAX, "%c%02lld%02lld", negative ? '-' : '+',
                            (long long)(minutes / 60), (long long)(minutes % 60));
}

static int64_t twelve_hours(int32_t hour)
{
    int64_t h = hour;

    return h == 0 ? 12 : h > 12 ? h - 12 : h;
}

/* The week of the year, with the first `first_day` (0 for Sunday) beginning week 1. */
static int64_t week_from(const guest_date *d, int first_day)
{
    int64_t since = ((int64_t)d->weekday + 7 - first_day) % 7;

    return ((int64_t)d->year_day + 7 - since) / 7;
}

static int64_t of_century(int64_t year)
{
    int64_t rest = year % 100;

    return rest < 0 ? -rest : rest;
}

/* What a conversion that consists of others stands for; NULL for the rest. */
static const char *expansion(char letter)
{
    switch (letter) {
    case 'c':
        return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x':
        return "%m/%d/%y";
    case 'r':
        return "%I:%M:%S %p";
    case 'R':
        return "%H:%M";
    case 'T':
    case 'X':
        return "%H:%M:%S";
    default:
        return NULL;
    }
}

static size_t put_century(char *out, const conversion *c, int64_t year)
{
    char text[32];

    (void)snprintf(text, sizeof text, year <= -100 ? "%03lld" : "%02lld",
                   (long long)(year / 100));
    return put_year(out, c, text, 2);
}

/* Conversions of weeks and their years. */
static bool put_week(char *out, const conversion *c, const guest_date *d, size_t *len)
{
    int64_t year, week = guest_date_iso_week(d, &year);

    switch (c->letter) {
    case 'g':
        *len = put_number(out, c, of_century(year), 2, '0');
        return true;
    case 'G':
        *len = put_full_year(out, c, year);
        return true;
    case 'U':
        *len = put_number(out, c, week_from(d, 0), 2, '0');
        return true;
    case 'V':
        *len = put_number(out, c, week, 2, '0');
        return true;
    case 'W':
        *len = put_number(out, c, week_from(d, 1), 2, '0');
        return true;
    case 'u':
        *len = put_number(out, c, d->weekday == 0 ? 7 : d->weekday, 1, '0');
        return true;
    case 'w':
        *len = put_number(out, c, d->weekday, 1, '0');
        return true;
    default:
        return false;
    }
}

/* Conversions of the time of day. */
static bool put_clock(char *out, const conversion *c, const date_text *t, size_t *len)
{
    const guest_date *d = &t->date;

    switch (c->letter) {
    case 'H':
        *len = put_number(out, c, d->hour, 2, '0');
        return true;
    case 'I':
        *len = put_number(out, c, twelve_hours(d->hour), 2, '0');
        return true;
    case 'M':
        *len = put_number(out, c, d->minute, 2, '0');
        return true;
    case 'p':
        *len = put_text(out, d->hour >= 12 ? "PM" : "AM");
        return true;
    case 'P':
        *len = put_text(out, d->hour >= 12 ? "pm" : "am");
        return true;
    case 's':
        *len = put_number(out, c, guest_date_seconds(d) - t->offset, 1, '0');
        return true;
    case 'S':
        *len = put_number(out, c, d->second, 2, '0');
        return true;
    case 'z':
        *len = put_offset(out, t);
        return true;
    case 'Z':
        *len = d->is_summer < 0 ? 0 : put_text(out, t->zone);
        return true;
    default:
        return false;
    }
}

/* Conversions of days and months. */
static bool put_day(char *out, const conversion *c, const guest_date *d, size_t *len)
{
    switch (c->letter) {
    case 'a':
    case 'A':
        *len = put_name(out, days, 7, d->weekday, c->letter == 'A');
        return true;
    case 'b':
    case 'h':
    case 'B':
        *len = put_name(out, months, 12, d->month, c->letter == 'B');
        return true;
    case 'd':
        *len = put_number(out, c, d->day, 2, '0');
        return true;
    case 'e':
        *len = put_number(out, c, d->day, 2, '_');
        return true;
    case 'j':
        *len = put_number(out, c, (int64_t)d->year_day + 1, 3, '0');
        return true;
    case 'm':
        *len = put_number(out, c, (int64_t)d->month + 1, 2, '0');
        return true;
    default:
        return false;
    }
}

/* Conversions of years, and the characters that need one. */
static bool put_other(char *out, const conversion *c, const guest_date *d, size_t *len)
{
    int64_t year = (int64_t)d->year + 1900;

    switch (c->letter) {
    case 'C':
        *len = put_century(out, c, year);
        return true;
    case 'F':
        *len = put_date(out, c, d);
        return true;
    case 'y':
        *len = put_number(out, c, of_century(year), 2, '0');
        return true;
    case 'Y':
        *len = put_full_year(out, c, year);
        return true;
    case 'n':
        *len = put_text(out, "\n");
        return true;
    case 't':
        *len = put_text(out, "\t");
        return true;
    case '%':
        *len = put_text(out, "%");
        return true;
    default:
        return false;
    }
}

/* Returns false for a letter that is no conversion. */
static bool put_field(char *out, const conversion *c, const date_text *t, size_t *len)
{
    return put_day(out, c, &t->date, len) || put_clock(out, c, t, len) ||
           put_week(out, c, &t->date, len) || put_other(out, c, &t->date, len);
}

/* ---- Formats ---- */

/* Read what follows a '%'.  Returns what is behind it, or NULL at the format's end. */
static const uint8_t *read_conversion(const uint8_t *at, const uint8_t *end, conversion *c)
{
    *c = (conversion){0};
    if (at < end && (*at == '_' || *at == '-' || *at == '0'))
        c->pad = (char)*at++;
    if (at < end && *at == '+') {
        c->plus = true;
        at++;
    }
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        if (c->width <= WIDTH_MAX)
            c->width = c->width * 10 + (*at - '0');
    if (at < end && (*at == 'E' || *at == 'O'))
        at++;
    if (at == end)
        return NULL;
    c->letter = (char)*at;
    return at + 1;
}

/* Where the text goes. */
typedef struct output {
    uint8_t *data;
    uint64_t len, room; /* room for a NUL is not counted */
} output;

static bool add(output *out, const void *text, size_t len)
{
    if (len > out->room - out->len)
        return false;
    memmove(out->data + out->len, text, len); /* a format may lie where the text goes */
    out->len += len;
    return true;
}

/* The format of a conversion that consists of others; those don't. */
static bool add_expansion(output *out, const char *format, const date_text *t)
{
    const uint8_t *at = (const uint8_t *)format, *end = at + strlen(format);
    char field[FIELD_MAX];
    conversion c;
    size_t len;

    while (at < end) {
        if (*at != '%') {
            if (!add(out, at++, 1))
                return false;
            continue;
        }
        at = read_conversion(at + 1, end, &c);
        if (!put_field(field, &c, t, &len) || !add(out, field, len))
            return false;
    }
    return true;
}

static bool add_conversion(output *out, const conversion *c, const date_text *t)
{
    const char *format = expansion(c->letter);
    char field[FIELD_MAX];
    size_t len;

    if (format)
        return add_expansion(out, format, t);
    return put_field(field, c, t, &len) && add(out, field, len);
}

/* What a conversion costs, in bytes that are only touched. */
static uint64_t work_of(const conversion *c)
{
    const char *format = expansion(c->letter);

    return CONVERSION_WORK * (format ? strlen(format) / 2 : 1);
}

/* Format, reporting work now and then.
 *   *fits  false: it does not fit, or the format is wrong */
static beamr_status format_date(const guest_call *call, beamr_bytes format, const date_text *t,
                                output *out, bool *fits, beamr_error *err)
{
    const uint8_t *at = format.data, *end = at + format.len;
    uint64_t work = 0;

    *fits = true;
    while (at && at < end && *fits) {
        const uint8_t *percent = memchr(at, '%', (size_t)(end - at));
        const uint8_t *stop = percent ? percent : end;
        conversion c;
        beamr_status st;

        work += (uint64_t)(stop - at);
        if (work >= REPORTED_WORK) {
            if ((st = beamr_store_work(call->store, work, err)) != BEAMR_OK)
                return st;
            work = 0;
        }
        *fits = add(out, at, (size_t)(stop - at));
        at = stop;
        if (!percent || !*fits)
            continue;
        at = read_conversion(percent + 1, end, &c);
        *fits = at && add_conversion(out, &c, t);
        work += work_of(&c);
    }
    return BEAMR_OK;
}

/* ---- The guest's arguments ---- */

/* The zone's name is the guest's own text, up to what a name can be; without one it is empty.
 */
static void get_zone(const guest_call *call, uint64_t addr, char zone[ZONE_MAX])
{
    zone[0] = '\0';
    for (size_t i = 0; addr && i < ZONE_MAX - 1; i++) {
        if (guest_get(call, addr + i, &zone[i], 1) != GUEST_ESUCCESS)
            zone[i] = '\0';
        if (zone[i] == '\0')
            return;
    }
    zone[ZONE_MAX - 1] = '\0';
}

static guest_errno get_date(const guest_call *call, uint64_t addr, date_text *t)
{
    unsigned word = guest_word(call);
    uint64_t at = addr + (call->is64 ? 40 : 36), offset, zone;
    guest_errno e = guest_get(call, addr, &t->date, 36);

    if (e == GUEST_ESUCCESS)
        e = guest_get_word(call, at, &offset);
    if (e == GUEST_ESUCCESS)
        e = guest_get_word(call, at + word, &zone);
    if (e != GUEST_ESUCCESS)
        return e;
    t->offset = call->is64 ? (int64_t)offset : (int32_t)offset;
    /* No zone is further away than this; sums with it don't overflow. */
    if (t->offset > INT32_MAX || t->offset < INT32_MIN)
        t->offset = 0;
    get_zone(call, zone, t->zone);
    return GUEST_ESUCCESS;
}

/* Room for the text: what the guest says, and what there is of memory; less the NUL. */
static guest_errno find_room(const guest_call *call, uint64_t addr, uint64_t max, output *out)
{
    uint64_t size = call->memory ? beamr_memory_size(call->memory) : 0;

    if (max == 0)
        return GUEST_EINVAL;
    if (addr >= size)
        return GUEST_EFAULT;
    *out = (output){.data = beamr_memory_data(call->memory) + addr,
                    .room = (max < size - addr ? max : size - addr) - 1};
    return GUEST_ESUCCESS;
}

ENV_CALL(env_strftime)
{
    uint64_t format = guest_pointer(&args[2]), format_len = 0;
    uint8_t *text = NULL;
    output out = {0};
    date_text t;
    bool fits = false;
    guest_errno e = GUEST_ESUCCESS;
    beamr_status st = BEAMR_OK;

    if (find_room(call, guest_pointer(&args[0]), guest_pointer(&args[1]), &out) ==
            GUEST_ESUCCESS &&
        get_date(call, guest_pointer(&args[3]), &t) == GUEST_ESUCCESS &&
        (e = env_string_len(call, format, &format_len, err)) == GUEST_ESUCCESS &&
        guest_bytes_at(call, format, format_len, &text) == GUEST_ESUCCESS)
        st = format_date(call, (beamr_bytes){text, format_len}, &t, &out, &fits, err);
    if (e == GUEST_EABORT)
        return err->status;
    if (st != BEAMR_OK)
        return st;
    if (fits)
        out.data[out.len] = '\0';
    return env_value(results, fits ? (int64_t)out.len : 0);
}
