/* A storm: several threads give random commands to a few ports, end processes, close ports and
 * open others. Everything is answered exactly once, or its receiver is dead; and when it is
 * over nothing is left. Prints how long callbacks took. */
#include "client.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { THREADS = 5, SLOTS = 6, PENDING = 4, TRIES = 500 };

static struct {
    pthread_mutex_t lock;
    port *ports[SLOTS];
    pid pids[THREADS]; /* of the threads, to be killed by others */
    wasm_builder tool;
    uint8_t *large;
    pid owner;
    unsigned rounds;
    atomic_uint answers, imports, deaths, closings;
} storm = {.lock = PTHREAD_MUTEX_INITIALIZER};

enum { LARGE = 300000 };

typedef struct pending {
    uint64_t ref;
    port *p;
} pending;

/* One thread's. */
typedef struct caller {
    unsigned index;
    uint64_t seed;
    pid id;
    pending waiting[PENDING];
    unsigned count;
} caller;

static port *pick_port(caller *c)
{
    port *p;

    pthread_mutex_lock(&storm.lock);
    p = storm.ports[dice(&c->seed) % SLOTS];
    pthread_mutex_unlock(&storm.lock);
    return p;
}

static void set_pid(caller *c, pid id)
{
    pthread_mutex_lock(&storm.lock);
    c->id = storm.pids[c->index] = id;
    pthread_mutex_unlock(&storm.lock);
}

/* ---- Answers ---- */

/* The answer of a call that may ask. Returns whether it is to be awaited again. */
static bool take_answer(caller *c, pending *w, char *answer)
{
    uint64_t id;
    bool is_import = import_id(answer, &id);
    char *now = NULL;

    free(answer);
    atomic_fetch_add(is_import ? &storm.imports : &storm.answers, 1);
    if (!is_import)
        return false;
    switch (dice(&c->seed) % 8) {
    case 0: /* left waiting */
        return false;
    case 1:
        now = begin(c->id, w->p, &w->ref, DRV_OP_RESPOND, "%u,cancel", id);
        break;
    case 2:
        now = begin(c->id, w->p, &w->ref, DRV_OP_RESPOND, "%u,{ok,[1.5,x]}", id);
        break;
    case 3:
        now = begin(c->id, w->p, &w->ref, DRV_OP_RESPOND, "%u,{ok,[1]}", id + 1);
        break;
    default:
        now = begin(c->id, w->p, &w->ref, DRV_OP_RESPOND, "%u,{ok,[1]}", id);
    }
    return !now || take_answer(c, w, now);
}

/* Wait for one; whoever stands in its way is interrupted. */
static void await_one(caller *c, pending *w)
{
    for (unsigned i = 0; i < TRIES; i++) {
        char *answer = await_within(c->id, w->p, w->ref, 20);

        if (strcmp(answer, "nothing") != 0) {
            if (!take_answer(c, w, answer))
                return;
            continue;
        }
        free(answer);
        free(ask(c->id, w->p, DRV_OP_INTERRUPT, NULL));
    }
    emulator_fault("thread %u: a command is not answered", c->index);
}

static void await_all(caller *c)
{
    while (c->count > 0) {
        pending w = c->waiting[--c->count];

        await_one(c, &w);
    }
    if (process_messages(c->id) > 0) {
        char *extra = await_plain(c->id);

        emulator_fault("thread %u: answered twice: %.100s", c->index, extra);
        free(extra);
    }
}

static void add(caller *c, port *p, uint64_t ref, char *now)
{
    pending w = {.ref = ref, .p = p};

    if (!now || take_answer(c, &w, now))
        c->waiting[c->count++] = w;
}

/* ---- Commands ---- */

static void do_call(caller *c, port *p)
{
    static const char *const calls[] = {"<<\"fac\">>,[5.0]",
                                        "<<\"fac\">>,[1,2]",
                                        "<<\"count\">>,[1000]",
                                        "<<\"count\">>,[200000]",
                                        "<<\"spin\">>,[]",
                                        "<<\"ask\">>,[3]",
                                        "<<\"asks\">>,[4]",
                                        "<<\"div\">>,[1,0]",
                                        "<<\"length\">>,[<<\"a text\">>]",
                                        "<<\"length\">>,[#{a=>1}]",
                                        "<<\"grow\">>,[1]",
                                        "<<\"deep\">>,[]",
                                        "1,[2,3]",
                                        "<<\"none\">>,[]",
                                        "<<\"mix\">>,[1,2.0,3.0]",
                                        "<<\"add\">>,[x]",
                                        "<<\"note\">>,[1]",
                                        "<<\"poke\">>,[0,1]"};
    uint64_t ref;
    char *now = begin(c->id, p, &ref, DRV_OP_CALL,
                      calls[dice(&c->seed) % (sizeof calls / sizeof calls[0])]);

    add(c, p, ref, now);
}

static void do_memory(caller *c, port *p)
{
    static const unsigned sizes[] = {1, 100, 4096, 5000, 65536, 65535};
    unsigned size = sizes[dice(&c->seed) % 6];
    uint64_t ref;
    char *now;

    switch (dice(&c->seed) % 6) {
    case 0:
        now = begin(c->id, p, &ref, DRV_OP_READ, "%d,%d", (int)(dice(&c->seed) % 70000),
                    (int)size);
        break;
    case 1:
        now = begin(c->id, p, &ref, DRV_OP_WRITE, "0,%b", storm.large, (size_t)size / 2);
        break;
    case 2:
        now = begin(c->id, p, &ref, DRV_OP_SIZE, NULL);
        break;
    case 3:
        now = begin(c->id, p, &ref, DRV_OP_STRING, "0,%d", (int)size);
        break;
    case 4:
        now = begin(c->id, p, &ref, DRV_OP_SNAPSHOT, NULL);
        break;
    default:
        now = begin(c->id, p, &ref, DRV_OP_INFO, NULL);
    }
    add(c, p, ref, now);
}

static void do_bytes(caller *c, port *p)
{
    piece large = {.data = storm.large, .len = dice(&c->seed) % LARGE};
    uint64_t ref;
    bool is_sent;

    switch (dice(&c->seed) % 4) {
    case 0:
        is_sent = send_bytes(c->id, p, &ref, DRV_OP_WRITE, large, "10");
        break;
    case 1:
        is_sent = send_bytes(c->id, p, &ref, DRV_OP_MEMORY, large, NULL);
        break;
    case 2:
        is_sent = send_bytes(c->id, p, &ref, DRV_OP_RESTORE, large, NULL);
        break;
    default:
        large = (piece){.data = storm.tool.data, .len = storm.tool.len};
        is_sent = send_bytes(c->id, p, &ref, DRV_OP_INIT, large, "#{}");
    }
    if (is_sent)
        add(c, p, ref, NULL);
}

/* ---- Ends ---- */

static void replace_port(caller *c)
{
    port *opened = port_open(storm.owner), *old;
    unsigned slot = dice(&c->seed) % SLOTS;
    piece sent = {.data = storm.tool.data, .len = storm.tool.len};
    uint64_t ref;

    if (!opened) {
        emulator_fault("a port can't be opened");
        return;
    }
    if (send_bytes(c->id, opened, &ref, DRV_OP_INIT, sent, "#{}"))
        add(c, opened, ref, NULL);
    pthread_mutex_lock(&storm.lock);
    old = storm.ports[slot];
    storm.ports[slot] = opened;
    pthread_mutex_unlock(&storm.lock);
    port_close(old);
    atomic_fetch_add(&storm.closings, 1);
}

static void kill_somebody(caller *c)
{
    pid victim;

    pthread_mutex_lock(&storm.lock);
    victim = storm.pids[dice(&c->seed) % THREADS];
    pthread_mutex_unlock(&storm.lock);
    process_kill(victim);
    atomic_fetch_add(&storm.deaths, 1);
}

static void do_something(caller *c)
{
    port *p = pick_port(c);
    unsigned what = dice(&c->seed) % 100;

    if (what < 55)
        do_call(c, p);
    else if (what < 75)
        do_memory(c, p);
    else if (what < 85)
        do_bytes(c, p);
    else if (what < 93)
        free(ask(c->id, p, DRV_OP_INTERRUPT, NULL));
    else if (what < 96)
        replace_port(c);
    else if (what < 98)
        kill_somebody(c);
    else
        free(ask(c->id, p, DRV_OP_RESPOND, "%d,{ok,[1]}", (int)(dice(&c->seed) % 10)));
}

static void run_caller(unsigned index, void *unused)
{
    caller c = {.index = index, .seed = 1000 + index};

    (void)unused;
    c.id = storm.pids[index];
    for (unsigned i = 0; i < storm.rounds; i++) {
        do_something(&c);
        if (c.count == PENDING || dice(&c.seed) % 4 == 0)
            await_all(&c);
        if (!process_is_alive(c.id)) {
            c.count = 0;
            set_pid(&c, process_new());
        }
    }
    await_all(&c);
}

static void everything_is_answered_once_and_nothing_is_left(void **state)
{
    (void)state;
    emulator_start(3);
    load();
    storm.tool = module_tool(false);
    storm.large = calloc(1, LARGE);
    storm.owner = process_new();
    storm.rounds = by_patience(1000, 30000);
    for (unsigned i = 0; i < THREADS; i++)
        storm.pids[i] = process_new();
    for (unsigned i = 0; i < SLOTS; i++)
        storm.ports[i] = open_module(storm.owner, &storm.tool, "#{}");
    together(THREADS, run_caller, NULL);
    process_kill(storm.owner); /* closes the ports */
    for (unsigned i = 0; i < SLOTS; i++)
        assert_true(port_await_closed(storm.ports[i]));
    printf("%u answers, %u imports, %u deaths, %u ports closed\n", storm.answers, storm.imports,
           storm.deaths, storm.closings);
    emulator_print_times();
    free(storm.large);
    wasm_free(&storm.tool);
    assert_int_equal(finish(), 0);
}

/* ---- In the plain form ---- */

/* One command, or the answer to the innermost import. */
static void send_something(pid owner, port *p, uint64_t *seed, unsigned depth)
{
    static const char *const commands[] = {"{call,\"fac\",[5.0]}",
                                           "{call,\"ask\",[200]}",
                                           "{call,\"asks\",[3]}",
                                           "{call,\"div\",[1,0]}",
                                           "{call,\"count\",[3000]}",
                                           "{call,\"count\",[100000]}",
                                           "{read,0,10}",
                                           "{read,0,60000}",
                                           "{write,0,<<\"text\">>}",
                                           "{size}",
                                           "{indirect_call,1,[1,2]}",
                                           "{call,\"fac\",[x]}",
                                           "nothing",
                                           "{read,-1,1}",
                                           "{call,\"mix\",[1,2,3]}"};

    if (depth > 4 || (depth > 0 && dice(seed) % 2))
        send_plain(owner, p,
                   dice(seed) % 8 ? "{import_response,[7]}" : "{import_response,[x]}");
    else
        send_plain(owner, p, commands[dice(seed) % (sizeof commands / sizeof commands[0])]);
}

/* Each command has one answer. `depth` counts imports that were asked: no fewer than wait. */
static void run_plain(unsigned index, void *unused)
{
    uint64_t seed = 77 + index;
    pid owner = process_new();
    port *p = open_module(owner, &storm.tool, "#{}");
    unsigned depth = 0;

    (void)unused;
    for (unsigned i = 0; i < by_patience(1500, 60000); i++) {
        char *answer;

        send_something(owner, p, &seed, depth);
        answer = await_plain(owner);
        if (matches(answer, "nothing"))
            emulator_fault("port %u: command %u is not answered", index, i);
        else if (matches(answer, "{import,*"))
            depth++;
        free(answer);
        if (depth > 20) {
            for (; depth > 0; depth--) {
                send_plain(owner, p, "{import_response,[0]}");
                free(await_plain(owner));
            }
        }
    }
    check(process_messages(owner) == 0);
    close_port(p);
}

static void plain_commands_have_one_answer_each(void **state)
{
    (void)state;
    emulator_start(3);
    load();
    storm.tool = module_tool(false);
    together(4, run_plain, NULL);
    wasm_free(&storm.tool);
    assert_int_equal(finish(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_answered_once_and_nothing_is_left),
        cmocka_unit_test(plain_commands_have_one_answer_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
