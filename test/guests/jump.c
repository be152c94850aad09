/* setjmp and longjmp: out of nested calls, more than once to the same place, between two places
 * of one function, out of a function that has a place of its own, and often. */
#include "setjmp.h"
#include "tiny.h"

static jmp_buf outer;

__attribute__((noinline)) static void dive(int depth, int value)
{
    volatile char room[256]; /* so that the stack pointer moves */

    room[depth & 255] = 1;
    if (depth == 0)
        longjmp(outer, value);
    dive(depth - 1, value + room[depth & 255] - 1);
    print("not reached\n");
}

/* Has a place, but the jump goes past it. */
__attribute__((noinline)) static int bystander(int value)
{
    jmp_buf own;
    int got = setjmp(own);

    if (got)
        return -1;
    dive(3, value);
    return -2;
}

static volatile uintptr_t reached;

/* Note the address that the stack has reached: from one place always the same, unless some is
 * lost. */
__attribute__((noinline)) static void note_stack(void)
{
    volatile char here = 0;

    reached = (uintptr_t)&here;
}

__attribute__((noinline)) static int two_places(void)
{
    jmp_buf first, second;
    volatile int steps = 0;
    int got = setjmp(first);

    steps += 1;
    if (got == 2)
        return steps;
    got = setjmp(second);
    steps += 10;
    if (got < 3)
        longjmp(second, got + 1);
    longjmp(first, 2);
}

__attribute__((noinline)) static int once(int i)
{
    int got = setjmp(outer);

    if (got == 0)
        dive(i % 4, i + 1);
    return got;
}

int program(void)
{
    uintptr_t before;
    int64_t sum = 0;
    volatile int count = 0;
    int got;

    note_stack();
    before = reached;
    got = setjmp(outer);
    count++;
    show("back with", got);
    if (got < 3)
        dive(10, got + 1);
    show("times", count);

    got = setjmp(outer);
    if (got == 0)
        show("not reached", bystander(77));
    show("past a bystander", got);

    got = setjmp(outer);
    if (got == 0)
        dive(1, 0); /* 0 becomes 1 */
    show("zero arrives as", got);

    show("two places", two_places());
    for (int i = 0; i < 50000; i++)
        sum += once(i);
    show("sum", sum);
    note_stack();
    show("stack moved", (int64_t)(reached - before));
    return 0;
}
