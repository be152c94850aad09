/* The system's state as bytes: what comes back, that equal states are equal bytes, and that bad
 * bytes change nothing. */
#include "system_fixture.h"

typedef struct saved {
    uint8_t *data;
    size_t len;
} saved;

static saved save(const beamr_wasi *w)
{
    saved s = {0};
    beamr_error err = {0};

    if (beamr_wasi_save(w, &s.data, &s.len, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return s;
}

static beamr_status load(beamr_wasi *w, saved s)
{
    return beamr_wasi_load(w, (beamr_bytes){s.data, s.len}, NULL);
}

static void assert_same(const beamr_wasi *w, saved s)
{
    saved now = save(w);

    assert_int_equal(now.len, s.len);
    assert_memory_equal(now.data, s.data, s.len);
    free(now.data);
}

/* A system in which something of everything has happened; its bytes are left too. */
static beamr_wasi *used_system(saved *s)
{
    beamr_wasi *w = new_system(NULL);
    guest_place d = posix("/d"), f = at("gone");
    uint32_t fd, copy;
    uint8_t random[100];
    bool has_input;

    make_directory(w, "d");
    make_file(w, "d/f", "0123456789");
    assert_int_equal(symlink_at(w, "d/f", at("l")), OK);
    fd = opened(w, followed(at("l")), 0, READ | GUEST_RIGHT_FD_SEEK); /* 4 */
    seek(w, fd, 3, 0);
    assert_int_equal(guest_fd_dup(w, fd, 10, &copy), OK);
    fd = open_file_at(w, "gone"); /* 5 */
    write_text(w, fd, "no name");
    assert_int_equal(guest_path_unlink(w, &f), OK);
    fd = opened(w, posix("/d"), GUEST_OFLAG_DIRECTORY, READ); /* 6 */
    seek(w, fd, 3, 0);
    assert_int_equal(open_as(w, at("log"), GUEST_OFLAG_CREAT, WRITE, GUEST_FDFLAG_APPEND, &fd),
                     OK); /* 7 */
    assert_int_equal(guest_fd_dup3(w, 1, 2), OK);
    assert_int_equal(guest_fd_close(w, 0), OK);
    assert_int_equal(guest_path_chdir(w, &d), OK);
    assert_int_equal(guest_wait(w, 12345, false, &has_input, NULL), OK);
    assert_int_equal(guest_random(w, random, sizeof random, NULL), OK);
    assert_int_equal(guest_exit(w, 42, NULL), BEAMR_TRAP);
    *s = save(w);
    return w;
}

static void all_of_the_state_comes_back(void **state)
{
    saved s;
    beamr_wasi *w = used_system(&s), *other = new_system(NULL);
    uint8_t a[16], b[16];
    char cwd[8];
    size_t len;
    uint32_t code;
    guest_fdstat stat;

    (void)state;
    assert_int_equal(load(other, s), BEAMR_OK);
    assert_same(other, s);
    assert_reads(other, 4, "3456789");
    assert_reads(other, 10, ""); /* they share a position */
    assert_int_equal(seek(other, 5, 0, 0), 0);
    assert_reads(other, 5, "no name");
    assert_int_equal(seek(other, 6, 0, 1), 3);
    assert_int_equal(read_error(other, 6), GUEST_EISDIR);
    assert_int_equal(write_error(other, 4, "x"), GUEST_ENOTCAPABLE);
    assert_int_equal(guest_fd_fdstat(other, 7, &stat), OK);
    assert_int_equal(stat.flags, GUEST_FDFLAG_APPEND);
    assert_int_equal(guest_fd_fdstat(other, 0, &stat), GUEST_EBADF);
    assert_int_equal(guest_cwd(other, cwd, sizeof cwd, &len), OK);
    assert_string_equal(cwd, "/d");
    assert_int_equal(guest_clock(other, BEAMR_CLOCK_REALTIME), 12345);
    assert_int_equal(guest_random(w, a, sizeof a, NULL), OK);
    assert_int_equal(guest_random(other, b, sizeof b, NULL), OK);
    assert_memory_equal(a, b, sizeof a);
    assert_true(beamr_wasi_exited(other, &code));
    assert_int_equal(code, 42);
    free(s.data);
    beamr_wasi_unref(w);
    beamr_wasi_unref(other);
}

static void a_loaded_system_goes_on_as_the_saved_one(void **state)
{
    saved s, later;
    beamr_wasi *w = used_system(&s), *other = new_system(NULL);

    (void)state;
    assert_int_equal(load(other, s), BEAMR_OK);
    for (unsigned i = 0; i < 2; i++) {
        beamr_wasi *x = i ? other : w;
        guest_place f = at("d/f"), g = at("g");

        write_text(x, 7, "more");
        write_text(x, 5, "!");
        assert_int_equal(guest_path_rename(x, &f, &g), OK);
        make_file(x, "new", "new");
        assert_int_equal(guest_fd_close(x, 5), OK);
        assert_int_equal(open_file_at(x, "new"), 0);
    }
    later = save(w);
    assert_same(other, later);
    assert_int_equal(stat_of(other, at("new")).ino, stat_of(w, at("new")).ino);
    free(s.data);
    free(later.data);
    beamr_wasi_unref(w);
    beamr_wasi_unref(other);
}

static void loading_replaces_what_was_open(void **state)
{
    saved s, fresh;
    beamr_wasi *w = used_system(&s), *empty = new_system(NULL);
    beamr_vfs *vfs = beamr_wasi_vfs(w);

    (void)state;
    fresh = save(empty);
    open_file_at(w, "another");
    assert_int_equal(load(w, fresh), BEAMR_OK);
    assert_same(w, fresh);
    assert_int_equal(guest_fd_close(w, 10), GUEST_EBADF);
    assert_ptr_equal(beamr_wasi_vfs(w), vfs); /* who holds it sees the new content */
    assert_int_equal(beamr_vfs_nodes(vfs), 1);
    assert_int_equal(stat_error(w, posix("d")), GUEST_ENOENT);
    assert_int_equal(load(w, s), BEAMR_OK);
    assert_same(w, s);
    free(s.data);
    free(fresh.data);
    beamr_wasi_unref(w);
    beamr_wasi_unref(empty);
}

static void preopens_are_found_again(void **state)
{
    beamr_preopen preopens[] = {{.path = "/"}, {.path = "/ro", .is_read_only = true}};
    beamr_wasi_options o = {.preopens = preopens, .preopen_count = 2};
    beamr_wasi *w, *other;
    beamr_bytes name;
    saved s;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(beamr_vfs_new(NULL, &o.vfs, NULL), BEAMR_OK);
        assert_int_equal(beamr_vfs_mkdir(o.vfs, beamr_bytes_of("ro"), false, NULL), BEAMR_OK);
        other = i ? w : NULL;
        w = new_system(&o);
        beamr_vfs_unref(o.vfs);
    }
    assert_int_equal(beamr_vfs_rename(beamr_wasi_vfs(w), beamr_bytes_of("ro"),
                                      beamr_bytes_of("elsewhere"), NULL),
                     BEAMR_OK); /* which a guest may not */
    assert_int_equal(guest_fd_renumber(w, 4, 0), OK);
    s = save(w);
    assert_int_equal(load(other, s), BEAMR_OK);
    assert_int_equal(guest_fd_prestat(other, 0, &name), OK);
    assert_memory_equal(name.data, "/ro", 3);
    assert_int_equal(open_error(other, at_fd(0, "x"), GUEST_OFLAG_CREAT, 0), GUEST_EROFS);
    assert_int_equal(open_error(other, posix("elsewhere/x"), GUEST_OFLAG_CREAT, 0),
                     GUEST_EROFS);
    assert_int_equal(open_error(other, posix("x"), GUEST_OFLAG_CREAT, 0), OK);
    free(s.data);
    beamr_wasi_unref(w);
    beamr_wasi_unref(other);
}

static void options_that_do_not_fit_are_refused(void **state)
{
    saved s;
    beamr_wasi *w = used_system(&s), *other;
    beamr_preopen two[] = {{.path = "/"}, {.path = "/"}};
    beamr_wasi_options o = {.preopens = two, .preopen_count = 2};
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    beamr_error err = {0};

    (void)state;
    other = new_system(&o);
    assert_int_equal(load(other, s), BEAMR_MALFORMED);
    beamr_wasi_unref(other);
    o = (beamr_wasi_options){.max_open = 8};
    other = new_system(&o);
    assert_int_equal(beamr_wasi_load(other, (beamr_bytes){s.data, s.len}, &err),
                     BEAMR_MALFORMED); /* descriptor 10 */
    beamr_wasi_unref(other);
    o.max_open = 6;
    other = new_system(&o);
    assert_int_equal(load(other, s), BEAMR_LIMIT);
    beamr_wasi_unref(other);
    limits.max_nodes = 3;
    o = (beamr_wasi_options){0};
    assert_int_equal(beamr_vfs_new(&limits, &o.vfs, NULL), BEAMR_OK);
    other = new_system(&o);
    beamr_vfs_unref(o.vfs);
    assert_int_equal(load(other, s), BEAMR_LIMIT);
    beamr_wasi_unref(other);
    free(s.data);
    beamr_wasi_unref(w);
}

/* ---- Bad bytes ---- */

static void cut_bytes_are_refused_and_change_nothing(void **state)
{
    saved s, before;
    beamr_wasi *w = used_system(&s), *other = new_system(NULL);

    (void)state;
    before = save(other);
    for (size_t len = 0; len < s.len; len++) {
        uint8_t *cut = malloc(len ? len : 1); /* of its own, so that reading on is seen */
        beamr_error err = {0};

        assert_non_null(cut);
        memcpy(cut, s.data, len);
        assert_int_equal(beamr_wasi_load(other, (beamr_bytes){cut, len}, &err),
                         BEAMR_MALFORMED);
        assert_true(err.offset <= len);
        free(cut);
    }
    assert_same(other, before);
    free(before.data);
    free(s.data);
    beamr_wasi_unref(w);
    beamr_wasi_unref(other);
}

/* Each byte changed in several ways is refused, or is another state that is told as exactly
 * these bytes. */
static void changed_bytes_are_refused_or_canonical(void **state)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff, 0x10};
    saved s;
    beamr_wasi *w = used_system(&s), *other = new_system(NULL);
    unsigned refused = 0, taken = 0;

    (void)state;
    for (size_t i = 0; i < s.len * 4; i++) {
        s.data[i / 4] ^= changes[i % 4];
        if (load(other, s) == BEAMR_OK) {
            taken++;
            assert_same(other, s);
            (void)read_error(other, 4);
            (void)write_error(other, 5, "x");
        } else {
            refused++;
        }
        s.data[i / 4] ^= changes[i % 4];
    }
    assert_true(refused > s.len && taken > s.len / 8);
    assert_int_equal(load(other, s), BEAMR_OK);
    free(s.data);
    beamr_wasi_unref(w);
    beamr_wasi_unref(other);
}

/* What nobody could see a difference by has one form. */
static void idle_bytes_are_refused(void **state)
{
    enum { HAS_EXITED = 4, FIRST_FILE = 64 + 8, POSITION = 8 };
    saved s;
    beamr_wasi *w = used_system(&s);

    (void)state;
    s.data[HAS_EXITED] = 0; /* and a code */
    assert_int_equal(load(w, s), BEAMR_MALFORMED);
    s.data[HAS_EXITED] = 1;
    s.data[FIRST_FILE + POSITION] = 1; /* of a stream */
    assert_int_equal(load(w, s), BEAMR_MALFORMED);
    s.data[FIRST_FILE + POSITION] = 0;
    assert_int_equal(load(w, s), BEAMR_OK);
    free(s.data);
    beamr_wasi_unref(w);
}

/* Whatever file an open file is said to be: what is accepted is saved as the same bytes. */
static void files_that_nobody_has_are_refused(void **state)
{
    enum { FIRST_FILE = 64 + 8, FILE_SIZE = 24, IS_STREAM = 20, FILES = 16 };
    saved s;
    beamr_wasi *w = used_system(&s), *other = new_system(NULL);
    uint32_t files = s.data[FILES]; /* few */
    size_t refused = 0;

    (void)state;
    for (uint32_t i = 0; i < files * files; i++) {
        uint8_t *to = s.data + FIRST_FILE + i / files * FILE_SIZE, kept[8];
        const uint8_t *from = s.data + FIRST_FILE + i % files * FILE_SIZE;

        if (to[IS_STREAM] || from[IS_STREAM])
            continue;
        memcpy(kept, to, sizeof kept);
        memmove(to, from, sizeof kept);
        if (load(other, s) == BEAMR_OK)
            assert_same(other, s);
        else
            refused++;
        memcpy(to, kept, sizeof kept);
    }
    assert_true(refused > 0);
    free(s.data);
    beamr_wasi_unref(w);
    beamr_wasi_unref(other);
}

static void more_bytes_are_refused(void **state)
{
    saved s;
    beamr_wasi *w = used_system(&s);
    uint8_t *longer = realloc(s.data, s.len + 1);

    (void)state;
    assert_non_null(longer);
    longer[s.len] = 0;
    s = (saved){longer, s.len + 1};
    assert_int_equal(load(w, s), BEAMR_MALFORMED);
    s.len--;
    assert_same(w, s);
    free(s.data);
    beamr_wasi_unref(w);
}

/* ---- Emscripten's part ---- */

typedef struct part {
    uint8_t bytes[8];
    size_t len;
    beamr_status answer;
} part;

static beamr_status part_save(void *user, BEAMR_OWN uint8_t **out, size_t *len,
                              beamr_error *err)
{
    const part *p = user;

    (void)err;
    if (p->answer != BEAMR_OK)
        return p->answer;
    *out = malloc(8);
    assert_non_null(*out);
    memcpy(*out, p->bytes, p->len);
    *len = p->len;
    return BEAMR_OK;
}

static beamr_status part_load(void *user, beamr_bytes bytes, beamr_error *err)
{
    part *p = user;

    (void)err;
    if (p->answer != BEAMR_OK)
        return p->answer;
    assert_true(bytes.len <= sizeof p->bytes);
    p->len = bytes.len;
    if (p->len)
        memcpy(p->bytes, bytes.data, p->len);
    return BEAMR_OK;
}

static void what_emscripten_keeps_is_part_of_it(void **state)
{
    part a = {.bytes = "abc", .len = 3}, b = {.len = 5};
    guest_extra of_a = {part_save, part_load, &a}, of_b = {part_save, part_load, &b};
    beamr_wasi *w = new_system(NULL), *other = new_system(NULL);
    saved s, plain = save(w), before;

    (void)state;
    guest_set_extra(w, &of_a);
    s = save(w);
    assert_int_equal(load(other, s), BEAMR_MALFORMED); /* nobody takes it */
    guest_set_extra(other, &of_b);
    assert_int_equal(load(other, s), BEAMR_OK);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.bytes, "abc", 3);
    assert_same(other, s);
    /* Its refusal is that of the whole. */
    open_file_at(other, "f");
    before = save(other);
    b.answer = BEAMR_LIMIT;
    assert_int_equal(load(other, s), BEAMR_LIMIT);
    assert_int_equal(beamr_wasi_save(other, &(uint8_t *){NULL}, &(size_t){0}, NULL),
                     BEAMR_LIMIT);
    b.answer = BEAMR_OK;
    assert_same(other, before);
    assert_int_equal(load(other, plain), BEAMR_OK);
    assert_int_equal(b.len, 0);
    guest_set_extra(other, NULL);
    assert_same(other, plain);
    free(s.data);
    free(plain.data);
    free(before.data);
    beamr_wasi_unref(w);
    beamr_wasi_unref(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_the_state_comes_back),
        cmocka_unit_test(a_loaded_system_goes_on_as_the_saved_one),
        cmocka_unit_test(loading_replaces_what_was_open),
        cmocka_unit_test(preopens_are_found_again),
        cmocka_unit_test(options_that_do_not_fit_are_refused),
        cmocka_unit_test(cut_bytes_are_refused_and_change_nothing),
        cmocka_unit_test(changed_bytes_are_refused_or_canonical),
        cmocka_unit_test(idle_bytes_are_refused),
        cmocka_unit_test(files_that_nobody_has_are_refused),
        cmocka_unit_test(more_bytes_are_refused),
        cmocka_unit_test(what_emscripten_keeps_is_part_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
