/* Names of files as keys of messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "device/system_internal.h"

static void names_have_one_key_and_keys_one_name(void **state)
{
    static const struct {
        const char *name, *key;
    } cases[] = {
        {"a", "a"},
        {"file-1_b.txt", "file-1_b.txt"},
        {"Read Me", "%52ead%20%4de"},
        {"50%", "50%25"},
        {"\xc3\xa4", "%c3%a4"},
        {"device", "%64evice"},
        {"priv", "%70riv"},
        {"private.key", "%70rivate.key"},
        {"a+link", "a%2blink"},
        {"%link", "%25link"},
        {"abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmnopqrstuvwxyz012345%%"},
        {"abcdefghijklmnopqrstuvwxyz0123456789abcdefg",
         "abcdefghijklmnopqrstuvwxyz0123456789abcdefg%%"},
        {"ABCDEFGHIJKLMN", "%41%42%43%44%45%46%47%48%49%4a%4b%4c%4d%4e%%"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char key[SYSTEM_KEY_MAX], name[SYSTEM_MAX_NAME];
        size_t len = system_name_encode(beamr_bytes_of(cases[i].name), key), name_len = 0;

        assert_int_equal(len, strlen(cases[i].key));
        assert_memory_equal(key, cases[i].key, len);
        assert_int_equal(
            system_name_decode((beamr_bytes){(const uint8_t *)key, len}, name, &name_len),
            SYSTEM_KEY_NAME);
        assert_int_equal(name_len, strlen(cases[i].name));
        assert_memory_equal(name, cases[i].name, name_len);
    }
}

static void every_byte_survives(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 256; c++) {
        uint8_t name[3] = {'x', (uint8_t)c, 'y'};
        char key[SYSTEM_KEY_MAX], back[SYSTEM_MAX_NAME];
        size_t len = system_name_encode((beamr_bytes){name, 3}, key), back_len = 0;

        if (c == '/')
            continue;
        assert_int_equal(
            system_name_decode((beamr_bytes){(const uint8_t *)key, len}, back, &back_len),
            SYSTEM_KEY_NAME);
        assert_int_equal(back_len, 3);
        assert_memory_equal(back, name, 3);
    }
}

static void other_keys_are_loose_nothing_or_bad(void **state)
{
    static const struct {
        const char *key;
        system_key kind;
    } cases[] = {
        {"read me", SYSTEM_KEY_LOOSE},  {"abcdefghijklmnopqrstuvwxyz012345", SYSTEM_KEY_LOOSE},
        {"device", SYSTEM_KEY_NOTHING}, {"commitments", SYSTEM_KEY_NOTHING},
        {"", SYSTEM_KEY_BAD},           {".", SYSTEM_KEY_BAD},
        {"..", SYSTEM_KEY_BAD},         {"a/b", SYSTEM_KEY_BAD},
        {"%", SYSTEM_KEY_BAD},          {"%%", SYSTEM_KEY_BAD},
        {"%4", SYSTEM_KEY_BAD},         {"%zz", SYSTEM_KEY_BAD},
        {"%61", SYSTEM_KEY_BAD},        {"%4D", SYSTEM_KEY_BAD},
        {"a%%", SYSTEM_KEY_BAD},        {"%2f", SYSTEM_KEY_BAD},
        {"%00", SYSTEM_KEY_BAD},        {"%2e%2e", SYSTEM_KEY_BAD},
        {"%link", SYSTEM_KEY_BAD},
    };
    char name[SYSTEM_MAX_NAME], longest[SYSTEM_MAX_NAME + 2];
    size_t len = 77;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(system_name_decode(beamr_bytes_of(cases[i].key), name, &len),
                         cases[i].kind);
    memset(longest, 'a', sizeof longest);
    longest[SYSTEM_MAX_NAME + 1] = '\0';
    assert_int_equal(system_name_decode(beamr_bytes_of(longest), name, &len), SYSTEM_KEY_BAD);
    longest[SYSTEM_MAX_NAME] = '\0';
    assert_int_equal(system_name_decode(beamr_bytes_of(longest), name, &len), SYSTEM_KEY_NAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_one_key_and_keys_one_name),
        cmocka_unit_test(every_byte_survives),
        cmocka_unit_test(other_keys_are_loose_nothing_or_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
