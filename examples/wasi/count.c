/* A program as its author wrote it, who knows nothing of beamr: counts lines and words of
 * files, on standard output, and in a file report.txt in the current directory.
 *
 *   clang --target=wasm32-wasi -O2 count.c -o count.wasm */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static int count(const char *path, FILE *report)
{
    FILE *file = fopen(path, "r");
    long lines = 0, words = 0;
    int c, last = ' ';

    if (!file) {
        perror(path);
        return 1;
    }
    for (; (c = getc(file)) != EOF; last = c) {
        lines += c == '\n';
        words += isspace(last) && !isspace(c);
    }
    fclose(file);
    printf("%s: %ld lines, %ld words\n", path, lines, words);
    fprintf(report, "%s %ld %ld\n", path, lines, words);
    return 0;
}

int main(int argc, char **argv)
{
    FILE *report = fopen("report.txt", "w");
    int failed = 0;

    if (!report) {
        perror("report.txt");
        return 2;
    }
    if (getenv("GREETING"))
        printf("%s\n", getenv("GREETING"));
    for (int i = 1; i < argc; i++)
        failed |= count(argv[i], report);
    return fclose(report) == 0 ? failed : 2;
}
