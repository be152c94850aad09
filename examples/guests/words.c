/* Count the words of standard input, and write the counts to the file that is named, or to
 * standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char text[64];
    int count;
} word;

static int compare(const void *a, const void *b)
{
    return strcmp(((const word *)a)->text, ((const word *)b)->text);
}

int main(int argc, char **argv)
{
    static word words[1000];
    char text[64];
    size_t n = 0, i;
    FILE *out = argc > 1 ? fopen(argv[1], "w") : stdout;

    if (!out) {
        perror(argv[1]);
        return 1;
    }
    while (scanf("%63s", text) == 1) {
        for (i = 0; i < n && strcmp(words[i].text, text) != 0; i++)
            ;
        if (i == n && n < sizeof words / sizeof *words)
            strcpy(words[n++].text, text);
        if (i < n)
            words[i].count++;
    }
    qsort(words, n, sizeof *words, compare);
    for (i = 0; i < n; i++)
        fprintf(out, "%d %s\n", words[i].count, words[i].text);
    return fclose(out) ? 1 : 0;
}
