/* Both ways to the system give the same (ways.h), whatever a guest calls, and although
 * instances of one side are terminated, taken snapshots of, or made anew between calls.
 * BEAMR_WAYS_ROUNDS: how many lines of calls there are. */
#include "ways.h"

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

static void put_random_path(ways *w, unsigned *seed, int64_t addr, int64_t *len)
{
    static const char *const paths[] = {"a",      "a/b", "new",        "a/new",
                                        "a/link", "dir", "dir/Deep",   "/a/b",
                                        "../up",  ".",   "dev/stdout", ""};

    *len = put_text(w, addr, paths[next_random(seed) % 12]);
}

/* Any function with values that are likely to mean something to it. */
static void random_step(ways *w, unsigned *seed)
{
    static const int64_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 10, 40, 100, -100, -1};
    static const int64_t places[] = {OUT,  OUT2,  IOVS,       DATA,
                                     PATH, PATH2, DATA + 100, 0x7fffffff};
    size_t which = next_random(seed) % WAYS_IMPORTS;
    const char *type = ways_type(which);
    int64_t args[16] = {0}, len[2];
    size_t count = strcspn(type, ":");

    if (next_random(seed) % 3 == 0)
        which = 0; /* see below */
    put_random_path(w, seed, PATH, &len[0]);
    put_random_path(w, seed, PATH2, &len[1]);
    put_iovec(w, DATA, 1 + next_random(seed) % 20);
    for (size_t i = 0; i < count; i++)
        args[i] = type[i] == 'P' && next_random(seed) % 8 ? places[next_random(seed) % 8]
                                                          : numbers[next_random(seed) % 13];
    w->time += next_random(seed) % 3;
    w->slot += next_random(seed) % 2;
    if (which == 0) { /* files are opened, and written to, more often than by chance */
        const int64_t rights = (1 << 28) - 1;
        int64_t open[9] = {
            3,   1, PATH, len[0], next_random(seed) % 10, rights, rights, next_random(seed) % 2,
            OUT2};
        int64_t put[4] = {next_random(seed) % 7, IOVS, 1, OUT};
        bool opens = next_random(seed) % 2 == 0;

        for (size_t i = 0; i < 2; i++)
            w->sides[i] = resolve(w->context, w->sides[i],
                                  opens ? request_for(w, "path_open", open, 9)
                                        : request_for(w, "fd_write", put, 4));
    } else {
        for (size_t i = 0; i < 2; i++)
            w->sides[i] =
                resolve(w->context, w->sides[i], request_for(w, ways_name(which), args, count));
    }
    same_results(w, ways_name(which));
}

/* What leaves a message as it is, but not its instance. */
static void disturb(ways *w, unsigned *seed)
{
    ao_message *state = w->sides[1];
    int64_t args[4] = {1, IOVS, 1, OUT};

    switch (next_random(seed) % 12) {
    case 0:
        ao_message_unref(
            resolve(w->context, ao_message_ref(state), ao_binary_text("terminate")));
        return;
    case 1:
        ao_message_unref(
            resolve(w->context, ao_message_ref(state), ao_binary_text("snapshot")));
        return;
    case 2:
        w->sides[1] = stranger(w, state);
        ao_message_unref(state);
        return;
    case 3:
    case 4:
        ao_message_unref(
            resolve(w->context, ao_message_ref(state), request_for(w, "fd_write", args, 4)));
        return;
    default:
        return;
    }
}

static void same_snapshot(ways *w)
{
    static const char *const keys[] = {"body", "state", "system"};

    for (size_t i = 0; i < 2; i++)
        w->sides[i] = resolve(w->context, w->sides[i], ao_binary_text("snapshot"));
    for (size_t i = 0; i < 3; i++)
        same_value(w, "snapshot", keys[i]);
}

static void any_line_is_the_same_whatever_disturbs_it(void **state)
{
    const char *rounds = getenv("BEAMR_WAYS_ROUNDS");
    unsigned count = rounds ? (unsigned)atoi(rounds) : 4;

    (void)state;
    for (unsigned round = 0; round < count; round++) {
        ways w = ways_open(round & 1, false, round & 2 ? "wasm" : "", WAYS_FILES);
        unsigned seed = round + 1;

        for (size_t i = 0; i < 120; i++) {
            random_step(&w, &seed);
            disturb(&w, &seed);
            if (i % 20 != 19)
                continue;
            (void)put_text(&w, PATH, "both have an instance");
            same_memory(&w, "a random line");
        }
        (void)put_text(&w, PATH, "the end");
        same_snapshot(&w);
        ways_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_line_is_the_same_whatever_disturbs_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
