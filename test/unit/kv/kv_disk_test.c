/* What a store on the disk promises besides kv_test.c: several processes, folders that are no
 * stores, a full disk, damage. */
#define _GNU_SOURCE /* world.h */
#include "world.h"

/* ---- Processes ---- */

static int wait_for(pid_t child)
{
    int status = -1;

    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* Run `work` on the store in another process, which opens it itself. */
static pid_t in_process(const world *w, int (*work)(kv *store))
{
    pid_t child = fork();

    if (!child) {
        kv *store;
        int code = 100;

        if (kv_open(w->name, &store, NULL) == BEAMR_OK) {
            code = work(store);
            kv_close(store);
        }
        _exit(code);
    }
    return child;
}

static int count_up_alone(kv *store)
{
    return count_up(store) ? 1 : 0;
}

static void processes_share_a_folder(void **state)
{
    world *w = (world *)*state;
    pid_t children[3];

    put(w->store, "n", "0");
    kv_close(w->store); /* children must not inherit it */
    for (int i = 0; i < 3; i++)
        children[i] = in_process(w, count_up_alone);
    world_open(w);
    assert_null(count_up(w->store));
    for (int i = 0; i < 3; i++)
        assert_int_equal(wait_for(children[i]), 0);
    assert_counted(w->store, 4 * ROUNDS);
}

static int fill(kv *store)
{
    size_t size = (size_t)16 << 20;
    uint8_t *data = (uint8_t *)calloc(1, size);
    int code = data ? 0 : 2;

    for (unsigned i = 0; i < 20 && !code; i++) {
        char key[16];

        snprintf(key, sizeof key, "k%u", i);
        code = kv_put(store, text(key), (beamr_bytes){data, size}, NULL) != BEAMR_OK;
    }
    free(data);
    return code;
}

/* The map that one process has made larger is found by the other, for reading and writing. */
static void growth_in_another_process_is_followed(void **state)
{
    world *w = (world *)*state;
    uint64_t total = 0;
    size_t len;
    int fd[2];
    pid_t child;

    kv_close(w->store);
    assert_int_equal(pipe(fd), 0);
    child = fork();
    if (!child) { /* open before the other fills it, look afterwards */
        kv *store;
        int code = 1;

        if (kv_open(w->name, &store, NULL) == BEAMR_OK && !kv_has(store, text("k19")) &&
            write(fd[1], "o", 1) == 1 && usleep(1000) == 0) {
            while (!kv_has(store, text("k19")))
                usleep(1000);
            code = kv_put(store, text("after"), text("x"), NULL) == BEAMR_OK ? 0 : 3;
            kv_close(store);
        }
        _exit(code);
    }
    {
        char opened;

        assert_int_equal(read(fd[0], &opened, 1), 1);
    }
    world_open(w);
    assert_int_equal(fill(w->store), 0);
    assert_int_equal(wait_for(child), 0);
    close(fd[0]);
    close(fd[1]);
    assert_int_equal(kv_read(w->store, text("k19"), 0, NULL, 0, &len, &total, NULL), BEAMR_OK);
    assert_int_equal(total, (size_t)16 << 20);
    assert_value(w->store, text("after"), text("x"));
}

static void folder_can_be_opened_twice(void **state)
{
    world *w = (world *)*state;
    char again[160];
    kv *second;

    snprintf(again, sizeof again, "%s:%s/./", w->kind, w->folder);
    put(w->store, "a", "1");
    assert_int_equal(kv_open(again, &second, NULL), BEAMR_OK);
    assert_value(second, text("a"), text("1"));
    put(second, "a", "2");
    kv_close(second);
    assert_value(w->store, text("a"), text("2"));
    put(w->store, "a", "3");
}

/* ---- Failures ---- */

static void names_must_be_known(void **state)
{
    static const char *const names[] = {"",        "lmdb",    "lmdb:",    "files:",  "files",
                                        "memoryx", "memory:", "memory:x", "redis:x", "LMDB:x"};
    beamr_error err = {0};
    kv *store;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(kv_open(names[i], &store, NULL), BEAMR_ARGUMENT);
    assert_int_equal(kv_open("redis:x", &store, &err), BEAMR_ARGUMENT);
    assert_string_equal(err.text,
                        "store `redis:x`: must be `lmdb:FOLDER`, `files:FOLDER` or `memory`");
}

static void folder_must_be_one_of_ours(void **state)
{
    world *w = (world *)*state;
    char name[200], path[160];
    beamr_error err = {0};
    kv *store;
    FILE *file;

    snprintf(name, sizeof name, "%s:%s/no/such", w->kind, w->folder);
    assert_int_equal(kv_open(name, &store, &err), BEAMR_IO);
    assert_non_null(strstr(err.text, "No such file"));
    snprintf(path, sizeof path, "%s/plain", w->folder);
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    snprintf(name, sizeof name, "%s:%s", w->kind, path);
    beamr_error_clear(&err);
    assert_int_equal(kv_open(name, &store, &err), BEAMR_IO);
    assert_non_null(strstr(err.text, path));
    snprintf(name, sizeof name, "%s:%s", !strcmp(w->kind, "lmdb") ? "files" : "lmdb",
             w->folder);
    if (!strcmp(w->kind, "lmdb")) /* a folder with other things in it */
        assert_int_equal(kv_open(name, &store, NULL), BEAMR_MESSAGE);
}

/* The process is left to itself: what it may write to a file is limited, as on a full disk. */
static int write_until_full(const char *name)
{
    struct rlimit limit = {1 << 20, RLIM_INFINITY};
    beamr_error err = {0};
    size_t size = (size_t)2 << 20;
    uint8_t *data = (uint8_t *)calloc(1, size);
    kv *store;
    int code;

    signal(SIGXFSZ, SIG_IGN);
    if (!data || kv_open(name, &store, NULL) != BEAMR_OK ||
        kv_put(store, text("before"), text("x"), NULL) != BEAMR_OK ||
        setrlimit(RLIMIT_FSIZE, &limit))
        return 1;
    code = kv_put(store, text("large"), (beamr_bytes){data, size}, &err) == BEAMR_IO &&
                   strstr(err.text, name + 6)
               ? 0
               : 2;
    if (!code && (kv_has(store, text("large")) || !kv_has(store, text("before"))))
        code = 3;
    limit.rlim_cur = RLIM_INFINITY; /* there is room again */
    if (!code && (setrlimit(RLIMIT_FSIZE, &limit) ||
                  kv_put(store, text("large"), (beamr_bytes){data, size}, NULL) != BEAMR_OK))
        code = 4;
    kv_close(store);
    free(data);
    return code;
}

static void full_disk_is_a_failure_and_no_loss(void **state)
{
    world *w = (world *)*state;
    pid_t child;
    uint64_t total = 0;
    size_t len;

    kv_close(w->store);
    child = fork();
    if (!child)
        _exit(write_until_full(w->name));
    assert_int_equal(wait_for(child), 0);
    world_open(w);
    assert_value(w->store, text("before"), text("x"));
    assert_int_equal(kv_read(w->store, text("large"), 0, NULL, 0, &len, &total, NULL),
                     BEAMR_OK);
    assert_int_equal(total, (size_t)2 << 20);
}

/* ---- Damage ---- */

static void damage(const char *path, off_t size, const char *bytes)
{
    int fd = open(path, O_WRONLY);

    assert_true(fd >= 0);
    if (bytes)
        assert_int_equal(pwrite(fd, bytes, strlen(bytes), size), strlen(bytes));
    else
        assert_int_equal(ftruncate(fd, size), 0);
    close(fd);
}

static void damaged_file_is_refused(void **state)
{
    world *w = (world *)*state;
    char path[160];
    beamr_error err = {0};
    copy c;

    put(w->store, "a", "0123456789");
    put(w->store, "b", "b");
    snprintf(path, sizeof path, "%s/v/ka", w->folder);
    damage(path, 30, "x");
    assert_int_equal(kv_get(w->store, text("a"), copy_value, &c, &err), BEAMR_MESSAGE);
    assert_non_null(strstr(err.text, "v/ka"));
    damage(path, 30, NULL);
    assert_int_equal(kv_get(w->store, text("a"), copy_value, &c, NULL), BEAMR_MESSAGE);
    damage(path, 8, "\xff\xff\xff\xff\xff\xff\xff\xff");
    assert_int_equal(kv_get(w->store, text("a"), copy_value, &c, NULL), BEAMR_MESSAGE);
    damage(path, 0, NULL);
    assert_int_equal(kv_get(w->store, text("a"), copy_value, &c, NULL), BEAMR_MESSAGE);
    assert_value(w->store, text("b"), text("b"));
    put(w->store, "a", "new");
    assert_value(w->store, text("a"), text("new"));
    snprintf(path, sizeof path, "%s/v/foreign.txt", w->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_list(w->store, "", "", SIZE_MAX, "a b ");
}

static void damaged_journal_is_refused(void **state)
{
    world *w = (world *)*state;
    char path[160];
    beamr_error err = {0};
    FILE *file;
    kv *store;

    snprintf(path, sizeof path, "%s/journal", w->folder);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("beamrkv1 nonsense", file);
    fclose(file);
    assert_int_equal(kv_open(w->name, &store, &err), BEAMR_MESSAGE);
    assert_non_null(strstr(err.text, "journal"));
    assert_int_equal(kv_put(w->store, text("a"), text("b"), NULL), BEAMR_MESSAGE);
    assert_int_equal(remove(path), 0);
    put(w->store, "a", "b");
}

/* Cut off anywhere, LMDB's file gives an error, or all that is asked for; never a signal. */
static void cut_off_file_is_refused(void **state)
{
    world *w = (world *)*state;
    static const unsigned pages[] = {0, 1, 2, 3, 5, 20, 60, 90};
    char path[160];
    uint8_t value[3000];
    unsigned refused = 0;

    snprintf(path, sizeof path, "%s/data.mdb", w->folder);
    for (size_t i = sizeof pages / sizeof pages[0]; i-- > 0;) {
        beamr_error err = {0};
        kv_batch *batch = batch_of(w->store);
        beamr_status st;

        for (unsigned k = 0; k < 100; k++) {
            char key[16];

            snprintf(key, sizeof key, "key%u", k);
            memset(value, (int)k + 1, sizeof value);
            kv_batch_put(batch, text(key), (beamr_bytes){value, sizeof value});
        }
        assert_int_equal(kv_batch_commit(batch, NULL, NULL), BEAMR_OK);
        kv_close(w->store);
        w->store = NULL;
        damage(path, (off_t)pages[i] * 4096 + (i == 1 ? 100 : 0), NULL);
        st = kv_open(w->name, &w->store, &err);
        if (st != BEAMR_OK) {
            assert_int_equal(st, BEAMR_MESSAGE);
            assert_non_null(strstr(err.text, w->folder));
            /* To have looked at it does not make it whole. */
            assert_int_equal(kv_open(w->name, &w->store, NULL), BEAMR_MESSAGE);
            refused++;
        } else
            kv_close(w->store);
        remove_tree(w->folder);
        world_open(w);
    }
    assert_true(refused >= 6); /* without any page it is a new store */
}

static void foreign_database_is_refused(void **state)
{
    world *w = (world *)*state;
    char path[160];
    beamr_error err = {0};
    kv *store;

    kv_close(w->store);
    snprintf(path, sizeof path, "%s/data.mdb", w->folder);
    damage(path, 0, "this is no database but some text that stands where a page header should");
    damage(path, 4096,
           "this is no database but some text that stands where a page header should");
    assert_int_equal(kv_open(w->name, &store, &err), BEAMR_MESSAGE);
    assert_non_null(strstr(err.text, w->folder));
    remove_tree(w->folder);
    world_open(w);
}

/* Large pages taken and given back in one batch leave a file shorter than LMDB counts. */
static void file_may_be_shorter_than_its_map(void **state)
{
    world *w = (world *)*state;
    size_t size = 3 << 20;
    uint8_t *data = (uint8_t *)calloc(1, size);
    kv_batch *batch = batch_of(w->store);

    assert_non_null(data);
    kv_batch_put(batch, text("a"), (beamr_bytes){data, size});
    kv_batch_put(batch, text("b"), text("b"));
    kv_batch_put(batch, text("a"), text("a"));
    assert_int_equal(kv_batch_commit(batch, NULL, NULL), BEAMR_OK);
    world_reopen(w);
    assert_value(w->store, text("a"), text("a"));
    assert_value(w->store, text("b"), text("b"));
    put(w->store, "c", "c");
    free(data);
}

/* ---- All of them ---- */

#define ON_DISK(X)                                                                             \
    X(processes_share_a_folder)                                                                \
    X(growth_in_another_process_is_followed)                                                   \
    X(folder_can_be_opened_twice)                                                              \
    X(names_must_be_known)                                                                     \
    X(folder_must_be_one_of_ours)                                                              \
    X(full_disk_is_a_failure_and_no_loss)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ON_DISK(LMDB_TEST) LMDB_TEST(cut_off_file_is_refused)
            LMDB_TEST(foreign_database_is_refused) LMDB_TEST(file_may_be_shorter_than_its_map)
                ON_DISK(FILES_TEST) FILES_TEST(damaged_file_is_refused)
                    FILES_TEST(damaged_journal_is_refused)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
