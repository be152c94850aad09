/* Shrinking: the generator's tape is cut and set to zero in pieces, ever smaller ones; what
 * keeps the difference, and makes the module no larger, is kept. Each try runs in a process of
 * its own. */
#include "shrink.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fuzz.h"
#include "workers.h"

#define SECONDS 90

typedef struct shrinker {
    diff_tape best, candidate;
    diff_setup setup;
    bool native;
    size_t size; /* of the best's module */
    uint8_t module[GENERATE_ROOM];
    size_t module_len;
    worker_plan plan;
    time_t until;
} shrinker;

static bool job(void *user, uint64_t number, pair_stats *stats)
{
    shrinker *s = user;

    (void)number;
    return pair_run((beamr_bytes){s->module, s->module_len}, &s->setup, s->native, stats, NULL,
                    0) != PAIR_DIFFERENT;
}

/* Keep the candidate if it still differs. */
static bool try(shrinker *s)
{
    s->module_len = generate_module(s->candidate.bytes, s->candidate.len, s->module);
    if (s->module_len == 0 || s->module_len > s->size || worker_once(&s->plan, 0) == 0)
        return false;
    s->best = s->candidate;
    s->size = s->module_len;
    return true;
}

static bool cut(shrinker *s, size_t at, size_t len)
{
    s->candidate = s->best;
    memmove(s->candidate.bytes + at, s->candidate.bytes + at + len, s->best.len - at - len);
    s->candidate.len -= len;
    return try(s);
}

static bool blank(shrinker *s, size_t at, size_t len)
{
    s->candidate = s->best;
    memset(s->candidate.bytes + at, 0, len);
    return memcmp(s->candidate.bytes, s->best.bytes, s->best.len) != 0 && try(s);
}

static void pass(shrinker *s, size_t piece)
{
    for (size_t at = 6; at + piece <= s->best.len && time(NULL) < s->until;)
        if (!cut(s, at, piece) && !blank(s, at, piece))
            at += piece;
        else if (s->best.bytes[at] == 0)
            at += piece;
}

size_t shrink(uint64_t seed, bool native, uint8_t *out)
{
    static shrinker s;

    s = (shrinker){.native = native, .size = GENERATE_ROOM, .until = time(NULL) + SECONDS};
    s.plan = (worker_plan){.job = job, .user = &s, .seconds = 10};
    tape_fill(seed, &s.candidate);
    tape_setup(seed, &s.setup);
    if (!try(&s))
        return 0;
    for (size_t len = s.best.len / 2; len > 6; len = len / 4 * 3) {
        s.candidate = s.best;
        if (len < s.best.len) {
            s.candidate.len = len;
            (void)try(&s);
        }
    }
    for (size_t piece = 1024; piece > 0 && time(NULL) < s.until; piece /= 4)
        pass(&s, piece);
    s.module_len = generate_module(s.best.bytes, s.best.len, out);
    return s.module_len;
}
