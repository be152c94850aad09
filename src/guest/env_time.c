/* Time functions of env: clocks, and dates in UTC, which is the only time zone.
 * Clocks are the system's. The formatting of dates is env_strftime.c's.
 * Source: C11, "Date and time"; POSIX clock_gettime. Types and layouts: Emscripten, see env.h.
 */
#include "guest/calendar.h"
#include "guest/env_calls.h"

enum { SECOND_NS = 1000000000, MILLISECOND_NS = 1000000 };

/* ---- Times in memory ---- */

unsigned env_time_size(const guest_call *call)
{
    return call->dialect == GUEST_ENV_OLD && !call->is64 ? 8 : 16;
}

guest_errno env_get_time(const guest_call *call, uint64_t addr, bool micro, int64_t *sec,
                         int64_t *fraction)
{
    unsigned size = env_time_size(call), wide = call->is64 && !micro ? 8 : 4;
    uint8_t bytes[16] = {0};
    guest_errno e = guest_get(call, addr, bytes, size);
    int32_t narrow;

    if (e != GUEST_ESUCCESS)
        return e;
    memcpy(&narrow, bytes, 4);
    memcpy(sec, bytes, 8);
    if (size == 8)
        *sec = narrow;
    memcpy(&narrow, bytes + size / 2, 4);
    memcpy(fraction, bytes + size / 2 * (size == 16), 8);
    if (wide == 4)
        *fraction = narrow;
    return GUEST_ESUCCESS;
}

static guest_errno put_time(const guest_call *call, uint64_t addr, bool micro, int64_t sec,
                            int64_t fraction)
{
    unsigned size = env_time_size(call);
    uint8_t bytes[16] = {0};

    memcpy(bytes, &sec, size / 2);
    memcpy(bytes + size / 2, &fraction, call->is64 && !micro ? 8 : 4);
    return guest_put(call, addr, bytes, size);
}

/* ---- Clocks ---- */

static double milliseconds(uint64_t ns)
{
    return (double)(ns / MILLISECOND_NS) + (double)(ns % MILLISECOND_NS) / 1e6;
}

ENV_CALL(env_date_now)
{
    (void)args, (void)err;
    results[0] =
        beamr_f64((double)(guest_clock(call->wasi, BEAMR_CLOCK_REALTIME) / MILLISECOND_NS));
    return BEAMR_OK;
}

/* Emscripten's library sleeps by reading this clock until the time has come. Where time passes
 * only by waiting, each look at it is such a wait, of the least that can be told. */
ENV_CALL(env_get_now)
{
    bool has_input;

    (void)args;
    if (guest_clock_stands(call->wasi) &&
        guest_wait(call->wasi, guest_clock_resolution(call->wasi), false, &has_input, err) ==
            GUEST_EABORT)
        return err->status;
    results[0] = beamr_f64(milliseconds(guest_clock(call->wasi, BEAMR_CLOCK_MONOTONIC)));
    return BEAMR_OK;
}

/* (milliseconds) */
ENV_CALL(env_sleep)
{
    double ms = args[0].of.f64;
    bool has_input;

    (void)results;
    if (!(ms > 0))
        return BEAMR_OK;
    if (guest_wait(call->wasi, ms < 1e12 ? (uint64_t)(ms * 1e6) : UINT64_MAX, false, &has_input,
                   err) == GUEST_EABORT)
        return err->status;
    return BEAMR_OK;
}

ENV_CALL(env_get_now_res) /* ns */
{
    (void)args, (void)err;
    results[0] = beamr_f64((double)guest_clock_resolution(call->wasi));
    return BEAMR_OK;
}

ENV_CALL(env_is_monotonic)
{
    (void)call, (void)args, (void)err;
    return env_value(results, 1);
}

static guest_errno find_clock(uint32_t id, beamr_clock *out)
{
    static const beamr_clock clocks[] = {BEAMR_CLOCK_REALTIME,    BEAMR_CLOCK_MONOTONIC,
                                         BEAMR_CLOCK_PROCESS_CPU, BEAMR_CLOCK_THREAD_CPU,
                                         BEAMR_CLOCK_MONOTONIC,   BEAMR_CLOCK_REALTIME,
                                         BEAMR_CLOCK_MONOTONIC,   BEAMR_CLOCK_MONOTONIC};

    if (id >= sizeof clocks / sizeof clocks[0])
        return GUEST_EINVAL;
    *out = clocks[id]; /* 4 to 7: raw, coarse and boot time */
    return GUEST_ESUCCESS;
}

/* These functions of C are imported by old modules only; they return -1 and set errno, which is
 * not reached from here. */
static beamr_status put_clock(const guest_call *call, uint64_t ns, uint64_t addr, guest_errno e,
                              beamr_value *results)
{
    if (e == GUEST_ESUCCESS)
        e = put_time(call, addr, false, (int64_t)(ns / SECOND_NS), (int64_t)(ns % SECOND_NS));
    return env_value(results, e == GUEST_ESUCCESS ? 0 : -1);
}

ENV_CALL(env_clock_gettime)
{
    beamr_clock clock = BEAMR_CLOCK_REALTIME;
    guest_errno e = find_clock(guest_u32(&args[0]), &clock);

    (void)err;
    return put_clock(call, e == GUEST_ESUCCESS ? guest_clock(call->wasi, clock) : 0,
                     guest_pointer(&args[1]), e, results);
}

ENV_CALL(env_clock_getres)
{
    beamr_clock clock;
    guest_errno e = find_clock(guest_u32(&args[0]), &clock);

    (void)err;
    if (e == GUEST_ESUCCESS && guest_pointer(&args[1]) == 0)
        return env_value(results, 0);
    return put_clock(call, guest_clock_resolution(call->wasi), guest_pointer(&args[1]), e,
                     results);
}

ENV_CALL(env_gettimeofday)
{
    uint64_t ns = guest_clock(call->wasi, BEAMR_CLOCK_REALTIME);
    guest_errno e = put_time(call, guest_pointer(&args[0]), true, (int64_t)(ns / SECOND_NS),
                             (int64_t)(ns % SECOND_NS / 1000));

    (void)err;
    return env_value(results, e == GUEST_ESUCCESS ? 0 : -1);
}

ENV_CALL(env_time)
{
    uint64_t addr = guest_pointer(&args[0]);
    int64_t now = (int64_t)(guest_clock(call->wasi, BEAMR_CLOCK_REALTIME) / SECOND_NS);

    (void)err;
    if (addr && guest_put(call, addr, &now, env_time_size(call) / 2) != GUEST_ESUCCESS)
        now = -1;
    return env_value(results, now);
}

ENV_CALL(env_clock) /* a million to a second */
{
    (void)args, (void)err;
    return env_value(results,
                     (int64_t)(guest_clock(call->wasi, BEAMR_CLOCK_PROCESS_CPU) / 1000));
}

ENV_CALL(env_difftime)
{
    (void)call, (void)err;
    results[0] = beamr_f64((double)((int64_t)args[0].of.i32 - args[1].of.i32));
    return BEAMR_OK;
}

/* ---- Dates ---- */

enum { DATE_SIZE = 36 };

static guest_errno get_date(const guest_call *call, uint64_t addr, guest_date *out)
{
    return guest_get(call, addr, out, DATE_SIZE);
}

/* The fields that are numbers, and 0 for the distance from UTC; the zone's name is set by the
 * library. All of it or nothing. */
static guest_errno put_date(const guest_call *call, uint64_t addr, const guest_date *date)
{
    size_t size = call->is64 ? 48 : 40;
    uint8_t bytes[48] = {0};

    memcpy(bytes, date, DATE_SIZE);
    return guest_put(call, addr, bytes, size);
}

/* Returns 0, or 1 for a time whose year is beyond an int, or memory that is not there. */
static int32_t break_down(const guest_call *call, int64_t seconds, uint64_t addr)
{
    guest_date date;

    if (!guest_date_of(seconds, &date))
        return 1;
    return put_date(call, addr, &date) != GUEST_ESUCCESS;
}

/* (time, tm), the time as an i64 or as its halves */
ENV_CALL(env_gmtime)
{
    size_t at = 0;
    int64_t seconds = (int64_t)env_wide(args, &at);

    (void)results, (void)err;
    (void)break_down(call, seconds, guest_pointer(&args[at]));
    return BEAMR_OK;
}

ENV_CALL(env_gmtime_result)
{
    size_t at = 0;
    int64_t seconds = (int64_t)env_wide(args, &at);

    (void)err;
    return env_value(results, break_down(call, seconds, guest_pointer(&args[at])));
}

/* (address of the time, tm). Where a module does not tell how wide its times are, they are
 * taken as 64 bits wide, unless that gives no date: then what follows was something else. */
static int32_t break_down_at(const guest_call *call, const beamr_value *args)
{
    uint64_t from = guest_pointer(&args[0]), to = guest_pointer(&args[1]);
    int32_t narrow;
    int64_t wide;

    if (guest_get(call, from, &narrow, 4) != GUEST_ESUCCESS)
        return 1;
    if (call->dialect != GUEST_ENV_OLD && guest_get(call, from, &wide, 8) == GUEST_ESUCCESS &&
        break_down(call, wide, to) == 0)
        return 0;
    return break_down(call, narrow, to);
}

ENV_CALL(env_gmtime_at)
{
    (void)results, (void)err;
    (void)break_down_at(call, args);
    return BEAMR_OK;
}

ENV_CALL(env_gmtime_at_result)
{
    (void)err;
    return env_value(results, break_down_at(call, args));
}

/* Seconds of a date, whose fields are then brought into their ranges; -1 if that cannot be. */
static int64_t put_together(const guest_call *call, uint64_t addr, beamr_value *results)
{
    guest_date date;
    int64_t seconds;

    if (get_date(call, addr, &date) != GUEST_ESUCCESS)
        return -1;
    seconds = guest_date_seconds(&date);
    if (results[0].kind == BEAMR_I32 && call->dialect != GUEST_ENV_CURRENT &&
        (seconds < INT32_MIN || seconds > INT32_MAX))
        return -1;
    if (!guest_date_of(seconds, &date) || put_date(call, addr, &date) != GUEST_ESUCCESS)
        return -1;
    return seconds;
}

/* Where an i64 is passed in halves, the result's upper one goes through the library. */
static beamr_status put_upper_half(const guest_call *call, int64_t value, beamr_error *err)
{
    beamr_value upper = beamr_i32((int32_t)(value >> 32));
    beamr_status st = env_charge_looks(call, 1, err);
    bool has =
        call->caller && beamr_instance_find_func(call->caller, "_emscripten_tempret_set");

    if (st != BEAMR_OK)
        return st;
    return env_call_export(call, has ? "_emscripten_tempret_set" : "setTempRet0", &upper, 1,
                           err);
}

ENV_CALL(env_mktime)
{
    int64_t seconds = put_together(call, guest_pointer(&args[0]), results);

    if (results[0].kind == BEAMR_I32 && call->dialect == GUEST_ENV_CURRENT) {
        beamr_status st = put_upper_half(call, seconds, err);

        if (st != BEAMR_OK)
            return st;
    }
    return env_value(results, seconds);
}

/* C's own functions, which the oldest modules import: (address of the time, tm), and tm back.
 */
ENV_CALL(env_gmtime_r)
{
    (void)err;
    results[0] =
        guest_pointer_value(call, break_down_at(call, args) == 0 ? guest_pointer(&args[1]) : 0);
    return BEAMR_OK;
}

/* ---- The time zone ---- */

static guest_errno put_zone(const guest_call *call, uint64_t timezone, uint64_t daylight)
{
    guest_errno e = guest_put_word(call, timezone, 0);

    return e == GUEST_ESUCCESS ? guest_put_u32(call, daylight, 0) : e;
}

/* (timezone, daylight, standard name, summer name): buffers for the names */
ENV_CALL(env_tzset)
{
    (void)results, (void)err;
    if (put_zone(call, guest_pointer(&args[0]), guest_pointer(&args[1])) == GUEST_ESUCCESS &&
        guest_put(call, guest_pointer(&args[2]), "UTC", 4) == GUEST_ESUCCESS)
        (void)guest_put(call, guest_pointer(&args[3]), "UTC", 4);
    return BEAMR_OK;
}

static bool is_named(const guest_call *call, uint64_t names)
{
    uint64_t name;
    char text[4];

    return guest_get_word(call, names, &name) == GUEST_ESUCCESS && name != 0 &&
           guest_get(call, name, text, 4) == GUEST_ESUCCESS && memcmp(text, "UTC", 4) == 0;
}

/* (timezone, daylight, two pointers to names): older modules expect allocated names. They are
 * allocated once. */
ENV_CALL(env_tzset_names)
{
    uint64_t names = guest_pointer(&args[2]), name;
    beamr_status st;

    (void)results;
    if (put_zone(call, guest_pointer(&args[0]), guest_pointer(&args[1])) != GUEST_ESUCCESS ||
        is_named(call, names))
        return BEAMR_OK;
    if ((st = env_allocate(call, 4, &name, err)) != BEAMR_OK || name == 0)
        return st;
    if (guest_put(call, name, "UTC", 4) == GUEST_ESUCCESS &&
        guest_put_word(call, names, name) == GUEST_ESUCCESS)
        (void)guest_put_word(call, names + guest_word(call), name);
    return BEAMR_OK;
}

/* There are no signals: no timer ever runs out. */
ENV_CALL(env_setitimer)
{
    (void)call, (void)args, (void)err;
    return env_value(results, 0);
}
