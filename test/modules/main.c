/* Tests with modules that others wrote: `modules_test NAME PACKAGE WORK` runs one of them.
 * run.sh calls it, and README.md says what each one checks. */
#include "guest.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    void (*run)(const test_folders *folders);
} tests[] = {
#define X(name) {#name, test_##name},
    TESTS(X)
#undef X
};

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s NAME PACKAGE WORK\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        if (strcmp(argv[1], tests[i].name) == 0) {
            tests[i].run(&(test_folders){argv[2], argv[3]});
            return 0;
        }
    }
    fprintf(stderr, "no test is called %s\n", argv[1]);
    return 2;
}
