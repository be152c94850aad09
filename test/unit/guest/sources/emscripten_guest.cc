// Cases for emscripten_test.c and cxx_test.c. clang lowers them to Emscripten's `invoke_*` form.
// emscripten_guest32.h and emscripten_guest64.h hold the module; make.sh makes them.
#include "guest.h"

static int alive;
struct Base {
    int v;
    Base(int x) : v(x) { alive++; }
    Base(const Base &b) : v(b.v) { alive++; }
    ~Base() { alive--; }
};
struct Derived : Base {
    Derived(int x) : Base(x) {}
};

extern "C" {
void host(int); // an import: may trap, exit, wait
__attribute__((noinline)) void thrower(int k)
{
    switch (k) {
    case 1:
        throw 7;
    case 2:
        throw Base(5);
    case 3:
        throw Derived(6);
    case 4:
        throw "text";
    case 5:
        throw 2.5;
    default:
        if (k >= 100)
            host(k);
        // Interrupts are seen at loops and calls.
        for (volatile int i = 0; i < 3; i = i + 1)
            ;
    }
}
EXPORT int left(void) { return alive * 1000 + blocks; }
EXPORT int raise(int k)
{
    thrower(k);
    return 0;
}

// Which handler takes it.
EXPORT __attribute__((noinline)) int handler(int k)
{
    try {
        thrower(k);
        return 0;
    } catch (int i) {
        return 1000 + i;
    } catch (Base &a) {
        return 2000 + a.v;
    } catch (const char *s) {
        return 3000 + s[0];
    }
}
// With objects that are destroyed on the way, and a handler for all.
EXPORT int cleanup(int k)
{
    Base outer(1);
    try {
        Base inner(2);
        return handler(k) + inner.v * 10000;
    } catch (...) {
        return alive * 100000 + __cxa_uncaught_exceptions();
    }
}
// A handler that throws again, another thing, or catches within itself.
EXPORT int again(int k)
{
    try {
        try {
            thrower(k);
        } catch (Base &b) {
            b.v++;
            if (handler(1) != 1007)
                return -1;
            throw;
        } catch (int) {
            throw Derived(40);
        }
    } catch (Base &b) {
        return b.v;
    }
    return 0;
}

// longjmp, through frames.
__attribute__((noinline)) static void jump(buffer *b, int depth, int value)
{
    Base object(depth);
    if (depth == 0)
        longjmp(b, value);
    jump(b, depth - 1, value);
    host(depth);
}
EXPORT int jumps(int depth)
{
    buffer b;
    volatile int round = 0;
    int value = setjmp(&b);
    if (value == 0)
        jump(&b, depth, 0);
    if (value < 5) {
        round = round + value;
        jump(&b, 1, value + 1);
    }
    return value * 100 + round;
}
EXPORT int stray(void)
{
    static buffer b;
    longjmp(&b, 1);
}

// Protected calls within protected calls, then what `k` asks for at the bottom.
EXPORT int nest(int depth, int k)
{
    try {
        if (depth > 0)
            return nest(depth - 1, k) + 1;
        thrower(k);
        return 0;
    } catch (double) {
        return -1;
    }
}
// Many throws in one call.
EXPORT int many(int count)
{
    int caught = 0;
    for (int i = 0; i < count; i++)
        if (handler(1 + i % 3) >= 1000)
            caught++;
    return caught;
}
EXPORT int many_jumps(int count)
{
    buffer b;
    volatile int left_to_do = count;
    if (setjmp(&b) == 0 || --left_to_do > 0)
        longjmp(&b, 1);
    return left_to_do;
}
// Other signatures.
typedef double (*mixed)(float, long long, double, int);
__attribute__((noinline)) static double mix(float f, long long l, double d, int i)
{
    if (i < 0)
        throw i;
    return f + (double)l + d + i;
}
static mixed volatile mix_pointer = mix;
EXPORT double mixed_call(int i)
{
    try {
        return mix_pointer(0.5f, 1ll << 40, 0.25, i);
    } catch (int e) {
        return e;
    }
}
// A function of the table by its index, protected.
EXPORT int by_index(uptr index)
{
    try {
        ((void (*)(int))index)(5);
        return 1;
    } catch (...) {
        return 2;
    }
}
}
