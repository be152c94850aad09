/* strptime: a date out of a text, in the C locale. Older modules import it.
 *
 * Fields that the format names are written, and no others, except that the days of the week and
 * of the year follow when year, month and day are known. Numbers of weeks are read and have no
 * effect; so has a zone's name.
 * Source: POSIX strptime. */
#include "guest/calendar.h"
#include "guest/env_calls.h"

enum { CHARACTER_WORK = 16 }; /* what reading one is worth, in bytes that are only touched */

/* What was read so far. */
typedef struct parse {
    const char *at, *end; /* of the text */
    guest_date date;
    int32_t century, year_of_century; /* -1: not read */
    bool has_year, has_month, has_day, is_afternoon, is_morning;
} parse;

static const char *const days[] = {"sunday",   "monday", "tuesday", "wednesday",
                                   "thursday", "friday", "saturday"};
static const char *const months[] = {"january",   "february", "march",    "april",
                                     "may",       "june",     "july",     "august",
                                     "september", "october",  "november", "december"};

/* Of characters, whatever the host's locale is. */
static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}
static bool is_letter(char c)
{
    return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}

static void skip_spaces(parse *p)
{
    while (p->at < p->end && is_space(*p->at))
        p->at++;
}

/* Does the text go on with these letters, in any case?  Then they are passed over. */
static bool read_word(parse *p, const char *word, size_t len)
{
    if ((size_t)(p->end - p->at) < len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (to_lower(p->at[i]) != word[i])
            return false;
    p->at += len;
    return true;
}

/* A name, whole or its first three letters. */
static bool read_name(parse *p, const char *const *names, int32_t count, int32_t *out)
{
    for (int32_t i = 0; i < count; i++)
        if (read_word(p, names[i], strlen(names[i])) || read_word(p, names[i], 3)) {
            *out = i;
            return true;
        }
    return false;
}

/* A number of at most so many digits, in a range. */
static bool read_number(parse *p, int digits, int32_t least, int32_t most, int32_t *out)
{
    int32_t v = 0;
    int n = 0;

    skip_spaces(p);
    for (; n < digits && p->at < p->end && is_digit(*p->at); n++)
        v = v * 10 + (*p->at++ - '0');
    if (n == 0 || v < least || v > most)
        return false;
    *out = v;
    return true;
}

static bool read_year(parse *p)
{
    bool negative = p->at < p->end && *p->at == '-';
    int32_t year;

    if (negative || (p->at < p->end && *p->at == '+'))
        p->at++;
    if (!read_number(p, 4, 0, 9999, &year))
        return false;
    p->date.year = (negative ? -year : year) - 1900;
    p->has_year = true;
    p->century = p->year_of_century = -1;
    return true;
}

static bool read_half(parse *p)
{
    p->is_morning = read_word(p, "am", 2);
    p->is_afternoon = !p->is_morning && read_word(p, "pm", 2);
    return p->is_morning || p->is_afternoon;
}

/* "+hh", "+hhmm", "+hh:mm" or "Z"; the guest's field for it is left alone. */
static bool read_offset(parse *p)
{
    int32_t hours, minutes;

    skip_spaces(p);
    if (read_word(p, "z", 1))
        return true;
    if (p->at == p->end || (*p->at != '+' && *p->at != '-'))
        return false;
    p->at++;
    if (!read_number(p, 2, 0, 24, &hours))
        return false;
    if (p->at < p->end && *p->at == ':')
        p->at++;
    if (p->at < p->end && is_digit(*p->at))
        return read_number(p, 2, 0, 59, &minutes);
    return true;
}

static bool read_zone(parse *p)
{
    while (p->at < p->end && is_letter(*p->at))
        p->at++;
    return true;
}

/* Numbers that have a field of their own. */
static bool read_plain(parse *p, char letter, bool *is_known)
{
    guest_date *d = &p->date;
    int32_t unused;

    *is_known = true;
    switch (letter) {
    case 'H':
        return read_number(p, 2, 0, 23, &d->hour);
    case 'I':
        return read_number(p, 2, 1, 12, &d->hour);
    case 'j':
        return read_number(p, 3, 1, 366, &d->year_day) && d->year_day-- > 0;
    case 'M':
        return read_number(p, 2, 0, 59, &d->minute);
    case 'S':
        return read_number(p, 2, 0, 60, &d->second);
    case 'u':
        return read_number(p, 1, 1, 7, &d->weekday) && (d->weekday %= 7) >= 0;
    case 'w':
        return read_number(p, 1, 0, 6, &d->weekday);
    case 'g':
        return read_number(p, 2, 0, 99, &unused);
    case 'G':
        return read_number(p, 4, 0, 9999, &unused);
    case 'U':
    case 'W':
    case 'V':
        return read_number(p, 2, 0, 53, &unused);
    default:
        *is_known = false;
        return false;
    }
}

/* One conversion that does not consist of others. */
static bool read_field(parse *p, char letter)
{
    bool is_known, ok = read_plain(p, letter, &is_known);

    if (is_known)
        return ok;
    switch (letter) {
    case 'a':
    case 'A':
        return read_name(p, days, 7, &p->date.weekday);
    case 'b':
    case 'B':
    case 'h':
        return p->has_month = read_name(p, months, 12, &p->date.month);
    case 'C':
        return read_number(p, 2, 0, 99, &p->century);
    case 'd':
    case 'e':
        return p->has_day = read_number(p, 2, 1, 31, &p->date.day);
    case 'm':
        return p->has_month = read_number(p, 2, 1, 12, &p->date.month) && p->date.month-- > 0;
    case 'n':
    case 't':
        skip_spaces(p);
        return true;
    case 'p':
        return read_half(p);
    case 'y':
        return read_number(p, 2, 0, 99, &p->year_of_century);
    case 'Y':
        return read_year(p);
    case 'z':
        return read_offset(p);
    case 'Z':
        return read_zone(p);
    default:
        return read_word(p, &letter, letter == '%');
    }
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
    case 'F':
        return "%Y-%m-%d";
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

/* Read what the format says. An expansion has no expansions in it: this goes one level deep. */
static bool read_all(parse *p, const char *format, const char *end, bool is_inner)
{
    static const char known[] = "aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%";

    while (format < end) {
        const char *inner;

        if (is_space(*format)) {
            skip_spaces(p);
            format++;
            continue;
        }
        if (*format != '%') {
            if (p->at == p->end || *p->at++ != *format++)
                return false;
            continue;
        }
        if (++format < end && (*format == 'E' || *format == 'O'))
            format++;
        if (format == end || *format == '\0' || !strchr(known, *format))
            return false;
        inner = is_inner ? NULL : expansion(*format);
        if (inner ? !read_all(p, inner, inner + strlen(inner), true) : !read_field(p, *format))
            return false;
        format++;
    }
    return true;
}

/* What follows from several fields together. */
static void finish(parse *p)
{
    guest_date whole;

    if (p->is_morning || p->is_afternoon)
        p->date.hour = p->date.hour % 12 + (p->is_afternoon ? 12 : 0);
    if (p->century >= 0 || p->year_of_century >= 0) {
        int32_t of = p->year_of_century >= 0 ? p->year_of_century : 0;

        p->date.year = p->century >= 0 ? p->century * 100 + of - 1900 : of + (of < 69) * 100;
        p->has_year = true;
    }
    if (!p->has_year || !p->has_month || !p->has_day)
        return;
    whole = (guest_date){.year = p->date.year, .month = p->date.month, .day = p->date.day};
    if (guest_date_of(guest_date_seconds(&whole), &whole)) {
        p->date.weekday = whole.weekday;
        p->date.year_day = whole.year_day;
    }
}

/* A text of the guest's, where it lies. */
static guest_errno get_text(const guest_call *call, uint64_t addr, const char **begin,
                            const char **end, beamr_error *err)
{
    uint64_t len;
    uint8_t *data;
    guest_errno e = env_string_len(call, addr, &len, err);

    if (e == GUEST_ESUCCESS)
        e = guest_bytes_at(call, addr, len, &data);
    if (e != GUEST_ESUCCESS)
        return e;
    *begin = (const char *)data;
    *end = *begin + len;
    return e;
}

/* (text, format, tm): where the text was read up to, or 0 */
ENV_CALL(env_strptime)
{
    uint64_t text = guest_pointer(&args[0]), to = guest_pointer(&args[2]);
    const char *format = NULL, *format_end = NULL, *begin;
    parse p = {.century = -1, .year_of_century = -1};
    beamr_status st;
    guest_errno e = get_text(call, text, &p.at, &p.end, err);

    begin = p.at;
    results[0] = guest_pointer_value(call, 0);
    if (e == GUEST_ESUCCESS)
        e = get_text(call, guest_pointer(&args[1]), &format, &format_end, err);
    if (e == GUEST_EABORT)
        return err->status;
    if (e != GUEST_ESUCCESS || guest_get(call, to, &p.date, sizeof p.date) != GUEST_ESUCCESS)
        return BEAMR_OK;
    st = beamr_store_work(
        call->store,
        ((uint64_t)(p.end - p.at) + (uint64_t)(format_end - format)) * CHARACTER_WORK, err);
    if (st != BEAMR_OK || !read_all(&p, format, format_end, false))
        return st;
    finish(&p);
    if (guest_put(call, to, &p.date, sizeof p.date) == GUEST_ESUCCESS)
        results[0] = guest_pointer_value(call, text + (uint64_t)(p.at - begin));
    return BEAMR_OK;
}
