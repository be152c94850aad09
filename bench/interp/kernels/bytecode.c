/* A small virtual machine with a switch in a loop: jump tables, and branches that are hard to
 * predict; what an interpreter looks like as a guest. The program computes, for each number up
 * to the size, how many steps its Collatz sequence takes. */
#include "kernels.h"

enum op {
    OP_SET,     /* a = b, as a number */
    OP_MOVE,    /* a = register b */
    OP_ADD,     /* a += register b */
    OP_TRIPLE,  /* a = 3 * a + 1 */
    OP_HALVE,   /* a /= 2 */
    OP_IF_ODD,  /* to b if a is odd */
    OP_IF_ONE,  /* to b if a is 1 */
    OP_IF_LESS, /* to the next one's a if a < register b; it is skipped otherwise */
    OP_JUMP,    /* to b */
    OP_MIX,     /* a = a * 31 + register b */
    OP_STOP,
};

typedef struct instruction {
    uint8_t op, a, b;
} instruction;

enum { NUMBER, VALUE, STEPS, SUM, ONE, SIZE, REGISTERS };

static const instruction program[] = {
    [0] = {OP_SET, NUMBER, 1},
    [1] = {OP_SET, SUM, 0},
    [2] = {OP_SET, ONE, 1},
    [3] = {OP_MOVE, VALUE, NUMBER}, /* for each number */
    [4] = {OP_SET, STEPS, 0},
    [5] = {OP_IF_ONE, VALUE, 12}, /* for each step */
    [6] = {OP_ADD, STEPS, ONE},
    [7] = {OP_IF_ODD, VALUE, 10},
    [8] = {OP_HALVE, VALUE, 0},
    [9] = {OP_JUMP, 0, 5},
    [10] = {OP_TRIPLE, VALUE, 0},
    [11] = {OP_JUMP, 0, 5},
    [12] = {OP_MIX, SUM, STEPS},
    [13] = {OP_ADD, NUMBER, ONE},
    [14] = {OP_IF_LESS, NUMBER, SIZE},
    [15] = {OP_JUMP, 3, 0}, /* its a is OP_IF_LESS's target */
    [16] = {OP_STOP, 0, 0},
};

static uint64_t registers[REGISTERS];

static void execute(void)
{
    uint64_t *r = registers;
    uint32_t at = 0;

    for (;;) {
        instruction i = program[at++];

        switch ((enum op)i.op) {
        case OP_SET:
            r[i.a] = i.b;
            break;
        case OP_MOVE:
            r[i.a] = r[i.b];
            break;
        case OP_ADD:
            r[i.a] += r[i.b];
            break;
        case OP_TRIPLE:
            r[i.a] = 3 * r[i.a] + 1;
            break;
        case OP_HALVE:
            r[i.a] >>= 1;
            break;
        case OP_IF_ODD:
            at = r[i.a] & 1 ? i.b : at;
            break;
        case OP_IF_ONE:
            at = r[i.a] == 1 ? i.b : at;
            break;
        case OP_IF_LESS:
            at = r[i.a] < r[i.b] ? program[at].a : at + 1;
            break;
        case OP_JUMP:
            at = i.b;
            break;
        case OP_MIX:
            r[i.a] = r[i.a] * 31 + r[i.b];
            break;
        case OP_STOP:
            return;
        }
    }
}

KERNEL(bytecode, size)
{
    registers[SIZE] = size;
    execute();
    return registers[SUM];
}
