/* Give up a computation from deep inside with longjmp. */
#include <setjmp.h>
#include <stdio.h>

static jmp_buf give_up;

static int depth_of(const char *text)
{
    int depth = 0, most = 0;

    for (; *text; text++) {
        depth += *text == '(' ? 1 : *text == ')' ? -1 : 0;
        if (depth < 0)
            longjmp(give_up, 1);
        most = depth > most ? depth : most;
    }
    if (depth)
        longjmp(give_up, 2);
    return most;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int wrong = setjmp(give_up);

        if (wrong)
            printf("%s: %s\n", argv[i], wrong == 1 ? "closed too often" : "left open");
        else
            printf("%s: %d deep\n", argv[i], depth_of(argv[i]));
    }
    return 0;
}
