/* Tests of the conventions of other languages' allocators: src/guest/value_convention.c,
 * value_heap.c and value_payload.c. */
#include "played_guest.h"

/* ---- Recognising ---- */

static void exports_tell_the_convention(void **state)
{
    (void)state;
    {
        GUEST(SCRIPT, {"malloc", "i", "i", TAKE});
        assert_int_equal(convention(), BEAMR_CONVENTION_ASSEMBLYSCRIPT);
    }
    {
        GUEST(OLD_BINDGEN, {"malloc", "i", "i", TAKE}, {"cabi_realloc", "iiii", "i", TAKE});
        assert_int_equal(convention(), BEAMR_CONVENTION_BINDGEN);
    }
    {
        GUEST({"cabi_realloc", "iiii", "i", TAKE}, {"malloc", "i", "i", TAKE});
        assert_int_equal(convention(), BEAMR_CONVENTION_C);
    }
    {
        GUEST({"cabi_realloc", "iiii", "i", TAKE}, {"__new", "ii", "i", TAKE});
        assert_int_equal(convention(), BEAMR_CONVENTION_CANONICAL);
    }
    {
        GUEST({"f", "", "", CALLED});
        assert_int_equal(convention(), BEAMR_CONVENTION_NONE);
    }
    assert_string_equal(beamr_convention_text(BEAMR_CONVENTION_BINDGEN), "wasm-bindgen");
    assert_string_equal(beamr_convention_text((beamr_convention)99), "unknown");
}

static void numbered_functions_of_bindgen_are_told_apart_by_type(void **state)
{
    beamr_arg text = text_arg("hello");

    (void)state;
    {
        GUEST({"__wbindgen_export_0", "ii", "i", TAKE},
              {"__wbindgen_export_1", "iiii", "i", TAKE},
              {"__wbindgen_export_2", "iii", "", GIVE}, {"f", "ii", "ii", CALLED});
        f.results[0] = 100;
        f.results[1] = 2;
        assert_int_equal(convention(), BEAMR_CONVENTION_BINDGEN);
        assert_int_equal(beamr_memory_write(f.memory, 100, "hi", 2, NULL), BEAMR_OK);
        assert_reads(&text, 1, BEAMR_READ_TEXT, "hi");
        assert_string_equal(f.log, "__wbindgen_export_0(5,1) f(4096,5) "
                                   "__wbindgen_export_2(100,2,1)");
    }
    { /* two that could be it: none is */
        GUEST({"__wbindgen_export", "ii", "i", TAKE}, {"__wbindgen_export2", "ii", "i", TAKE});
        assert_int_equal(convention(), BEAMR_CONVENTION_NONE);
    }
    { /* two that could free: neither does */
        GUEST({"__wbindgen_export", "ii", "i", TAKE}, {"__wbindgen_export2", "iii", "", GIVE},
              {"__wbindgen_export3", "iii", "", GIVE}, {"f", "", "ii", CALLED});
        assert_int_equal(convention(), BEAMR_CONVENTION_BINDGEN);
        assert_int_equal(beamr_memory_write(f.memory, 100, "hi", 2, NULL), BEAMR_OK);
        assert_reads(NULL, 0, BEAMR_READ_TEXT, "hi");
        assert_string_equal(f.log, "f()");
    }
    {
        GUEST({"__wbindgen_exports", "ii", "i", TAKE},
              {"__wbindgen_export_x", "ii", "i", TAKE});
        assert_int_equal(convention(), BEAMR_CONVENTION_NONE);
    }
}

static void a_wrong_type_is_told(void **state)
{
    static const struct {
        export exports[5];
        const char *text;
    } guests[] = {
        {{{"__new", "i", "i", TAKE}, {"__pin", "i", "i", PIN}, {"__unpin", "i", "", GIVE}},
         "the guest's __new is not [i32 i32] -> [i32]"},
        {{{"__new", "ii", "i", TAKE}, {"__pin", "i", "", PIN}, {"__unpin", "i", "", GIVE}},
         "the guest's __pin is not [i32] -> [i32]"},
        {{{"__new", "ii", "i", TAKE}, {"__pin", "i", "i", PIN}, {"__unpin", "l", "", GIVE}},
         "the guest's __unpin is not [i32] -> []"},
        {{{"__wbindgen_malloc", "l", "l", TAKE}},
         "the guest's __wbindgen_malloc is neither [i32] -> [i32] nor [i32 i32] -> [i32]"},
        {{{"__wbindgen_malloc", "", "", TAKE}}, "the guest's __wbindgen_malloc is neither"},
        {{{"__wbindgen_malloc", "i", "i", TAKE}, {"__wbindgen_free", "i", "", GIVE}},
         "the guest's __wbindgen_free is neither [i32 i32] -> [] nor [i32 i32 i32] -> []"},
        {{{"__wbindgen_malloc", "i", "i", TAKE},
          {"__wbindgen_add_to_stack_pointer", "", "i", STACK}},
         "the guest's __wbindgen_add_to_stack_pointer is not [i32] -> [i32]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof guests / sizeof guests[0]; i++) {
        export exports[6] = {{"f", "ii", "", CALLED}};
        beamr_arg args[] = {text_arg("a"), text_arg("b")};
        size_t count = 1;

        for (; count < 6 && guests[i].exports[count - 1].name; count++)
            exports[count] = guests[i].exports[count - 1];
        make(exports, count);
        assert_fails(args, convention() == BEAMR_CONVENTION_ASSEMBLYSCRIPT ? 2 : 1,
                     BEAMR_READ_VALUES, BEAMR_ARGUMENT, guests[i].text);
        assert_string_equal(f.log, "");
    }
}

/* ---- Arguments ---- */

static void assemblyscript_gets_pinned_strings_of_utf16(void **state)
{
    /* é, €, and U+1F600, a pair */
    beamr_arg args[] = {text_arg("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
                        bytes_arg("\0\1", 2)};
    GUEST(SCRIPT, {"f", "ii", "", CALLED});

    (void)state;
    assert_values(args, 2);
    assert_string_equal(f.log, "__new(10,2) __pin(4096) __new(2,1) __pin(4352) f(4096,4352) "
                               "__unpin(4352) __unpin(4096)");
    assert_memory_equal(f.seen, "a\0\xe9\0\xac\x20\x3d\xd8\x00\xde", 10);
    assert_memory_equal(beamr_memory_data(f.memory) + 4352, "\0\1", 2);
}

static void assemblyscript_of_old_has_other_classes(void **state)
{
    static const uint8_t old[] = {3, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0};
    static const uint8_t young[] = {4, 0, 0, 0, 0x20, 0, 0, 0, 0x20, 0, 0, 0, 0x20, 0, 0, 0};
    beamr_arg args[] = {text_arg("a"), bytes_arg("", 0)};
    GUEST(SCRIPT, {"f", "ii", "", CALLED});

    (void)state;
    assert_int_equal(beamr_memory_write(f.memory, RTTI, old, sizeof old, NULL), BEAMR_OK);
    assert_values(args, 2);
    assert_string_equal(f.log, "__new(2,1) __pin(4096) __new(0,0) __pin(4352) f(4096,4352) "
                               "__unpin(4352) __unpin(4096)");
    f.next = FIRST;
    assert_int_equal(beamr_memory_write(f.memory, RTTI, young, sizeof young, NULL), BEAMR_OK);
    assert_values(args, 2);
    assert_string_equal(f.log, "__new(2,2) __pin(4096) __new(0,1) __pin(4352) f(4096,4352) "
                               "__unpin(4352) __unpin(4096)");
}

static void bindgen_frees_what_it_is_given(void **state)
{
    beamr_arg args[] = {
        text_arg("abc"), {.kind = BEAMR_ARG_INTEGER, .magnitude = 7}, bytes_arg("", 0)};

    (void)state;
    {
        GUEST(BINDGEN, {"f", "iiiii", "", CALLED});
        assert_values(args, 3);
        assert_string_equal(f.log,
                            "__wbindgen_malloc(3,1) __wbindgen_malloc(0,1) f(4096,3,7,4352,0)");
        assert_memory_equal(f.seen, "abc\0", 4); /* which was there before */
    }
    f.next = FIRST;
    {
        GUEST(OLD_BINDGEN, {"f", "iiiii", "", CALLED});
        assert_values(args, 3);
        assert_string_equal(f.log,
                            "__wbindgen_malloc(3) __wbindgen_malloc(0) f(4096,3,7,4352,0)");
    }
}

static void bindgen_gets_back_what_it_was_not_given(void **state)
{
    beamr_arg args[] = {text_arg("abc"), text_arg("d")};

    (void)state;
    {
        GUEST(BINDGEN, {"f", "iiii", "", CALLED});
        f.next = 2 * 65536 - 8; /* the second is beyond the end */
        assert_fails(args, 2, BEAMR_READ_VALUES, BEAMR_ARGUMENT,
                     "argument 2: the guest's allocator gave address 0x200f8");
        assert_string_equal(f.log, "__wbindgen_malloc(3,1) __wbindgen_malloc(1,1) "
                                   "__wbindgen_free(131064,3,1)");
    }
    {
        GUEST(OLD_BINDGEN, {"f", "iiii", "", CALLED});
        f.next = 2 * 65536 - 8;
        assert_fails(args, 2, BEAMR_READ_VALUES, BEAMR_ARGUMENT, "argument 2");
        assert_string_equal(f.log, "__wbindgen_malloc(3) __wbindgen_malloc(1) "
                                   "__wbindgen_free(131064,3)");
    }
}

static void bytes_go_in_as_they_are(void **state)
{
    beamr_arg two[] = {bytes_arg("\xff\0x", 3), bytes_arg("", 0)};
    beamr_arg hex = {.kind = BEAMR_ARG_HEX, .text = beamr_bytes_of("00fF7a")};
    GUEST({"malloc", "i", "i", TAKE}, {"free", "i", "", GIVE}, {"f", "ii", "", CALLED});

    (void)state;
    memset(beamr_memory_data(f.memory) + FIRST, 0x55, 1024);
    assert_values(two, 2);
    assert_string_equal(f.log, "malloc(3) malloc(1) f(4096,4352) free(4352) free(4096)");
    assert_memory_equal(f.seen, "\xff\0x\x55", 4);
    assert_int_equal(beamr_memory_data(f.memory)[FIRST + 256], 0x55);
    f.next = FIRST;
    assert_values(&hex, 1);
    assert_string_equal(f.log, "malloc(3) f(4096,3) free(4096)");
    assert_memory_equal(f.seen, "\0\xffz\x55", 4);
}

static void json_goes_in_as_text(void **state)
{
    beamr_json items[] = {{.kind = BEAMR_JSON_INTEGER, .integer = -1},
                          {.kind = BEAMR_JSON_TEXT, .text = beamr_bytes_of("x\"")}};
    beamr_json list = {.kind = BEAMR_JSON_LIST, .items = items, .count = 2};
    beamr_arg args[] = {{.kind = BEAMR_ARG_JSON, .text = beamr_bytes_of("{\"a\": [1]}")},
                        {.kind = BEAMR_ARG_TREE, .tree = &list}};
    GUEST({"malloc", "i", "i", TAKE}, {"free", "i", "", GIVE}, {"f", "ii", "", CALLED});

    (void)state;
    assert_values(args, 2);
    assert_string_equal(f.log, "malloc(11) malloc(11) f(4096,4352) free(4352) free(4096)");
    assert_string_equal((char *)f.seen, "{\"a\": [1]}");
    assert_string_equal((char *)beamr_memory_data(f.memory) + 4352, "[-1,\"x\\\"\"]");
}

static void what_is_wrong_by_itself_runs_nothing(void **state)
{
    beamr_json infinite = {.kind = BEAMR_JSON_FLOAT, .number = 1e300 * 1e300};
    beamr_arg args[] = {text_arg("a"), {.kind = BEAMR_ARG_JSON, .name = "message"}};
    GUEST(SCRIPT, {"f", "ii", "", CALLED});

    (void)state;
    args[1].text = beamr_bytes_of("{\"a\":1,\"a\":2}");
    assert_fails(args, 2, BEAMR_READ_VALUES, BEAMR_ARGUMENT,
                 "argument 2 (message): JSON, byte 7: a name is given twice in a map");
    args[1].kind = BEAMR_ARG_TEXT;
    args[1].text = beamr_bytes_of("\xff");
    assert_fails(args, 2, BEAMR_READ_VALUES, BEAMR_ARGUMENT,
                 "argument 2 (message): the text is not UTF-8, which AssemblyScript takes");
    args[1].kind = BEAMR_ARG_HEX;
    args[1].text = beamr_bytes_of("123");
    assert_fails(args, 2, BEAMR_READ_VALUES, BEAMR_ARGUMENT,
                 "argument 2 (message): 3 hexadecimal digits are not whole bytes");
    args[1].text = beamr_bytes_of("12g4");
    assert_fails(args, 2, BEAMR_READ_VALUES, BEAMR_ARGUMENT,
                 "argument 2 (message): no two hexadecimal digits at byte 2");
    args[1] = (beamr_arg){.kind = BEAMR_ARG_TREE, .tree = &infinite};
    assert_fails(args, 2, BEAMR_READ_VALUES, BEAMR_ARGUMENT, "argument 2: JSON has no inf");
    args[1].tree = NULL;
    assert_fails(args, 2, BEAMR_READ_VALUES, BEAMR_ARGUMENT, "argument 2 has no tree");
    assert_fails(args, 1, BEAMR_READ_VALUES, BEAMR_ARGUMENT,
                 "the function takes 2 parameters, and 1 arguments were given (text takes one");
    assert_string_equal(f.log, "");
}

static void bindgen_takes_pairs_only(void **state)
{
    beamr_arg args[] = {text_arg("a"), text_arg("b")};
    GUEST(BINDGEN, {"f", "ii", "", CALLED});

    (void)state;
    assert_fails(args, 2, BEAMR_READ_VALUES, BEAMR_ARGUMENT,
                 "the function takes 2 parameters, and 2 arguments were given (text takes two");
}

/* ---- What guests do wrong ---- */

/* Whatever one function does, the call ends with a status and a text, or well, and the next
 * call of the instance is as good as ever. */
static void try_fault(const char *name, misdeed fault, const beamr_arg *args, size_t count,
                      beamr_reading reading)
{
    beamr_args_call *call;
    beamr_error err = {0};
    beamr_exception *exception;
    beamr_status st;

    f.next = FIRST;
    f.stack = STACK_TOP;
    f.faulty = name;
    f.fault = fault;
    st = begin(args, count, reading, &call, &err);
    assert_int_equal(call != NULL, st == BEAMR_OK);
    if (st == BEAMR_EXCEPTION) {
        exception = beamr_exception_take(f.store);
        assert_non_null(exception);
        assert_ptr_equal(beamr_exception_tag(exception), f.tag);
        beamr_exception_release(f.store, exception);
    } else if (st != BEAMR_OK) {
        assert_int_equal(err.status, st);
        assert_true(err.text[0] != 0);
    }
    if (fault == TRAPS || fault == IS_INTERRUPTED)
        assert_int_equal(strstr(f.log, name) ? BEAMR_TRAP : BEAMR_OK, st);
    if (fault == GROWS)
        assert_int_equal(st, BEAMR_OK);
    if (fault == IS_INTERRUPTED) { /* it was the last to run */
        const char *last = strrchr(f.log, ' ');

        last = last ? last + 1 : f.log;
        assert_true(strstr(f.log, name) == NULL || strncmp(last, name, strlen(name)) == 0);
    }
    beamr_args_free(call);
    f.faulty = NULL;
    f.next = FIRST;
    f.stack = STACK_TOP;
    beamr_error_clear(&err);
    if (begin(args, count, reading, &call, &err) != BEAMR_OK)
        fail_msg("after %s: %s", name, err.text);
    beamr_args_free(call);
}

static void try_faults(const export *exports, size_t export_count, const beamr_arg *args,
                       size_t count, beamr_reading reading)
{
    for (size_t i = 0; i < export_count; i++)
        for (int kind = WELL; kind < FAULT_COUNT; kind++) {
            make(exports, export_count); /* anew: it may have grown */
            try_fault(exports[i].name, (misdeed)kind, args, count, reading);
        }
}

#define FAULTS(args, reading, ...)                                                             \
    do {                                                                                       \
        static const export exports[] = {__VA_ARGS__};                                         \
        try_faults(exports, sizeof exports / sizeof exports[0], args,                          \
                   sizeof(args) / sizeof(args)[0], reading);                                   \
    } while (0)

static void no_allocator_does_harm(void **state)
{
    beamr_arg args[] = {text_arg("hello"), bytes_arg("12345", 5)};

    (void)state;
    f.put_at = FIRST - 8;
    f.put = "\2\0\0\0\4\0\0\0h\0i";
    f.put_len = 12;
    f.results[0] = FIRST;
    f.results[1] = 3;
    FAULTS(args, BEAMR_READ_TEXT, {"malloc", "i", "i", TAKE}, {"free", "i", "", GIVE},
           {"f", "ii", "i", CALLED});
    FAULTS(args, BEAMR_READ_TEXT, {"cabi_realloc", "iiii", "i", TAKE},
           {"f", "iiii", "ii", CALLED});
    FAULTS(args, BEAMR_READ_TEXT, BINDGEN, {"f", "iiii", "ii", CALLED});
    FAULTS(args, BEAMR_READ_TEXT, OLD_BINDGEN, {"f", "iiii", "ii", CALLED});
    FAULTS(args, BEAMR_READ_TEXT, SCRIPT, {"f", "ii", "i", CALLED});
    f.is_place = true;
    f.put = "\0\x10\0\0\3\0\0\0\0\0\0\0\0\0\0";
    f.put_len = 16;
    FAULTS(args, BEAMR_READ_TEXT, BINDGEN, {"f", "iiiii", "", CALLED});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exports_tell_the_convention),
        TEST(numbered_functions_of_bindgen_are_told_apart_by_type),
        TEST(a_wrong_type_is_told),
        TEST(assemblyscript_gets_pinned_strings_of_utf16),
        TEST(assemblyscript_of_old_has_other_classes),
        TEST(bindgen_frees_what_it_is_given),
        TEST(bindgen_gets_back_what_it_was_not_given),
        TEST(bytes_go_in_as_they_are),
        TEST(json_goes_in_as_text),
        TEST(what_is_wrong_by_itself_runs_nothing),
        TEST(bindgen_takes_pairs_only),
        TEST(no_allocator_does_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
