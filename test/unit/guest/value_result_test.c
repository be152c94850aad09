/* Tests of what guests give, by each convention: src/guest/value_result.c; and of calls that
 * wait before they give it: src/guest/values.c. */
#include "played_guest.h"

/* ---- Results ---- */

static void c_gives_text_up_to_a_nul(void **state)
{
    beamr_arg text = text_arg("echo");
    GUEST({"malloc", "i", "i", TAKE}, {"free", "i", "", GIVE}, {"f", "i", "i", CALLED});

    (void)state;
    f.results[0] = FIRST; /* what it was given, which must be read before it is freed */
    assert_reads(&text, 1, BEAMR_READ_TEXT, "echo");
    assert_string_equal(f.log, "malloc(5) f(4096) free(4096)");
    f.results[0] = 0;
    assert_reads(&text, 1, BEAMR_READ_TEXT, NULL);
    f.results[0] = 2 * 65536 - 3;
    memset(beamr_memory_data(f.memory) + f.results[0], 'x', 3);
    assert_fails(&text, 1, BEAMR_READ_TEXT, BEAMR_TRAP, "out of bounds memory access: text at");
    f.results[0] = 2 * 65536;
    assert_fails(&text, 1, BEAMR_READ_TEXT, BEAMR_TRAP, "out of bounds memory access");
    f.results[0] = 100;
    memset(beamr_memory_data(f.memory) + 100, 'x', 17);
    assert_fails(&text, 1, BEAMR_READ_TEXT, BEAMR_LIMIT,
                 "the result has more bytes than the limit of 16");
    assert_string_equal(strrchr(f.log, ' '), " free(5120)"); /* also after a failure */
    beamr_memory_data(f.memory)[116] = 0;
    assert_reads(&text, 1, BEAMR_READ_TEXT, "xxxxxxxxxxxxxxxx");
    assert_fails(&text, 1, BEAMR_READ_BYTES, BEAMR_ARGUMENT, "one result does not say how");
}

static void pointer_and_length_are_read(void **state)
{
    (void)state;
    {
        GUEST({"f", "", "ii", CALLED});
        f.put = "abc";
        f.put_len = 3;
        f.put_at = f.results[0] = 100;
        f.results[1] = 2;
        assert_reads(NULL, 0, BEAMR_READ_TEXT, "ab");
        assert_reads(NULL, 0, BEAMR_READ_BYTES, "ab");
        f.results[1] = 0;
        assert_reads(NULL, 0, BEAMR_READ_BYTES, "");
        f.results[1] = 17;
        assert_fails(NULL, 0, BEAMR_READ_BYTES, BEAMR_LIMIT,
                     "the result has 17 bytes, and the limit is 16");
        f.results[1] = UINT32_MAX;
        assert_fails(NULL, 0, BEAMR_READ_BYTES, BEAMR_TRAP,
                     "out of bounds memory access: the result is 4294967295 bytes at 0x64");
    }
    {
        GUEST({"f", "", "ll", CALLED});
        assert_fails(NULL, 0, BEAMR_READ_BYTES, BEAMR_TRAP, "out of bounds");
    }
    {
        GUEST({"cabi_realloc", "iiii", "i", TAKE}, {"f", "", "i", CALLED});
        f.put = "\x6c\0\0\0\3\0\0\0xyz";
        f.put_len = 11;
        f.results[0] = 100;
        assert_reads(NULL, 0, BEAMR_READ_TEXT, "xyz");
        f.results[0] = 2 * 65536 - 7;
        assert_fails(NULL, 0, BEAMR_READ_TEXT, BEAMR_TRAP, "out of bounds memory access");
    }
}

static void bindgen_gives_text_through_a_place_on_its_stack(void **state)
{
    static const char words[] = "\0\x10\0\0\2\0\0"; /* 4096, 2 */
    static const char failed[] = "\0\0\0\0\0\0\0\0\x21\0\0\0\1\0\0";
    beamr_arg text = text_arg("hello");
    GUEST(BINDGEN, {"f", "iii", "", CALLED}, {"g", "", "", CALLED}, {"h", "", "i", CALLED});

    (void)state;
    memset(beamr_memory_data(f.memory) + STACK_TOP - 16, 0x55, 16);
    f.is_place = true;
    f.put = words;
    f.put_len = 8;
    assert_reads(&text, 1, BEAMR_READ_TEXT, "he");
    assert_string_equal(f.log, "__wbindgen_add_to_stack_pointer(-16) __wbindgen_malloc(5,1) "
                               "f(2032,4096,5) __wbindgen_free(4096,2,1) "
                               "__wbindgen_add_to_stack_pointer(16)");
    assert_int_equal(f.stack, STACK_TOP);
    f.put = failed;
    f.put_len = 16;
    assert_fails(&text, 1, BEAMR_READ_TEXT, BEAMR_NOT_FOUND,
                 "the function gave an error in place of a result: the host's object 33");
    f.put_len = 8; /* no pointer */
    assert_reads(&text, 1, BEAMR_READ_BYTES, NULL);
    assert_int_equal(f.stack, STACK_TOP);
    f.faulty = "f";
    f.fault = TRAPS;
    assert_fails(&text, 1, BEAMR_READ_TEXT, BEAMR_TRAP, "unreachable");
    assert_int_equal(f.stack, STACK_TOP);
}

static void results_that_are_no_text_are_told_before_the_call(void **state)
{
    static const struct {
        export exports[2];
        const char *text;
    } guests[] = {
        {{{"f", "", "", CALLED}}, "the function has 0 results, which is not how a guest gives"},
        {{{"f", "", "iii", CALLED}}, "the function has 3 results"},
        {{{"f", "", "", CALLED}, {"__wbindgen_malloc", "i", "i", TAKE}},
         "the function has neither results nor a first parameter"},
        {{{"f", "i", "", CALLED}, {"__wbindgen_malloc", "i", "i", TAKE}},
         "the guest exports no __wbindgen_add_to_stack_pointer"},
        {{{"f", "", "i", CALLED}, {"__wbindgen_malloc", "i", "i", TAKE}},
         "the function has 1 results, which is not how wasm-bindgen gives text"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof guests / sizeof guests[0]; i++) {
        make(guests[i].exports, guests[i].exports[1].name ? 2 : 1);
        assert_fails(NULL, 0, BEAMR_READ_TEXT, BEAMR_ARGUMENT, guests[i].text);
        assert_string_equal(f.log, "");
    }
}

static void assemblyscript_gives_objects(void **state)
{
    GUEST(SCRIPT, {"f", "", "i", CALLED});

    (void)state;
    f.put_at = 92;
    f.results[0] = 100;
    f.put = "\2\0\0\0\x0a\0\0\0h\0\xe9\0\xac\x20\x3d\xd8\x00\xde";
    f.put_len = 18;
    assert_reads(NULL, 0, BEAMR_READ_TEXT, "h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    f.put = "\2\0\0\0\6\0\0\0\x00\xde\x3d\xd8!\0"; /* the halves the other way round */
    f.put_len = 14;
    assert_reads(NULL, 0, BEAMR_READ_TEXT, "\xef\xbf\xbd\xef\xbf\xbd!");
    assert_fails(NULL, 0, BEAMR_READ_BYTES, BEAMR_ARGUMENT,
                 "the result is an object of class 2, and an ArrayBuffer is of class 1");
    f.put = "\1\0\0\0\3\0\0\0xyz";
    f.put_len = 11;
    assert_reads(NULL, 0, BEAMR_READ_BYTES, "xyz");
    assert_fails(NULL, 0, BEAMR_READ_TEXT, BEAMR_ARGUMENT,
                 "the result is an object of class 1, and a String is of class 2");
    f.put = "\2\0\0\0\xff\xff\xff\xff";
    f.put_len = 8;
    assert_fails(NULL, 0, BEAMR_READ_TEXT, BEAMR_TRAP, "out of bounds memory access");
    f.put = "\2\0\0\0\x22\0\0\0";
    assert_fails(NULL, 0, BEAMR_READ_TEXT, BEAMR_LIMIT, "the result has 34 bytes");
    f.put = "\2\0\0\0\x20\0\0\0\xac\x20\xac\x20\xac\x20\xac\x20\xac\x20\xac\x20";
    f.put_len = 20;
    assert_fails(NULL, 0, BEAMR_READ_TEXT, BEAMR_LIMIT, "the result has 28 bytes");
    f.results[0] = 0;
    assert_reads(NULL, 0, BEAMR_READ_TEXT, NULL);
    f.results[0] = 7; /* its header would begin before the memory */
    assert_fails(NULL, 0, BEAMR_READ_TEXT, BEAMR_TRAP, "out of bounds memory access");
    f.results[0] = UINT32_MAX;
    assert_fails(NULL, 0, BEAMR_READ_TEXT, BEAMR_TRAP, "out of bounds memory access");
}

/* ---- Waiting ---- */

static void a_call_can_wait_in_the_middle(void **state)
{
    beamr_arg args[] = {text_arg("ab"), {.kind = BEAMR_ARG_INTEGER, .magnitude = 3}};
    beamr_value address = beamr_i32(FIRST), seen[2];
    beamr_answer answer = {.results = &address, .result_count = 1};
    beamr_args_call *call;
    beamr_request request;
    beamr_error err = {0};

    (void)state;
    f.is_deferred = true;
    GUEST({"malloc", "i", "i", TAKE}, {"free", "i", "", GIVE}, {"f", "ii", "i", CALLED});
    assert_int_equal(begin(args, 2, BEAMR_READ_TEXT, &call, &err), BEAMR_SUSPENDED);
    args[0].text.data = NULL; /* borrowed during the beginning only */
    assert_int_not_equal(beamr_args_entry(call), 0);
    assert_int_equal(
        beamr_entry_request(f.store, beamr_args_entry(call), &request, seen, 2, &err),
        BEAMR_OK);
    assert_int_equal(seen[0].of.i32, FIRST);
    assert_int_equal(seen[1].of.i32, 3);
    answer.result_count = 0; /* which is no answer: it still waits */
    assert_int_equal(beamr_args_resume(call, &answer, &err), BEAMR_ARGUMENT);
    assert_int_not_equal(beamr_args_entry(call), 0);
    assert_string_equal(f.log, "malloc(3)");
    beamr_error_clear(&err);
    answer.result_count = 1;
    assert_int_equal(beamr_args_resume(call, &answer, &err), BEAMR_OK);
    assert_int_equal(beamr_args_entry(call), 0);
    assert_string_equal((const char *)beamr_args_text(call).data, "ab");
    assert_string_equal(f.log, "malloc(3) free(4096)");
    assert_int_equal(beamr_args_resume(call, &answer, &err), BEAMR_ARGUMENT);
    beamr_args_free(call);
}

static void a_call_that_fails_after_waiting_gives_back(void **state)
{
    beamr_arg arg = text_arg("ab");
    beamr_error failure = {0}, err = {0};
    beamr_answer answer = {.error = &failure};
    beamr_args_call *call;

    (void)state;
    f.is_deferred = true;
    GUEST(SCRIPT, {"f", "i", "", CALLED});
    beamr_fail_trap(&failure, BEAMR_TRAP_UNREACHABLE, NULL);
    assert_int_equal(begin(&arg, 1, BEAMR_READ_VALUES, &call, &err), BEAMR_SUSPENDED);
    assert_int_equal(beamr_args_resume(call, &answer, &err), BEAMR_TRAP);
    assert_int_equal(beamr_args_entry(call), 0);
    assert_string_equal(f.log, "__new(4,2) __pin(4096) __unpin(4096)");
    beamr_args_free(call);
}

static void freeing_a_call_that_waits_runs_nothing(void **state)
{
    beamr_arg arg = text_arg("ab");
    beamr_args_call *call;
    beamr_error err = {0};

    (void)state;
    f.is_deferred = true;
    GUEST(SCRIPT, {"f", "i", "", CALLED});
    assert_int_equal(begin(&arg, 1, BEAMR_READ_VALUES, &call, &err), BEAMR_SUSPENDED);
    beamr_args_free(call);
    assert_int_equal(beamr_store_waiting(f.store), 0);
    assert_string_equal(f.log, "__new(4,2) __pin(4096)");
    beamr_args_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(c_gives_text_up_to_a_nul),
        TEST(pointer_and_length_are_read),
        TEST(bindgen_gives_text_through_a_place_on_its_stack),
        TEST(results_that_are_no_text_are_told_before_the_call),
        TEST(assemblyscript_gives_objects),
        TEST(a_call_can_wait_in_the_middle),
        TEST(a_call_that_fails_after_waiting_gives_back),
        TEST(freeing_a_call_that_waits_runs_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
