/* Exceptions of C++: handlers by type and by base, what is destroyed on the way, throwing
 * again, throwing from a handler, and often. Its types are simple enough for types.cc. */
#include "tiny.h"

namespace
{

int alive; /* objects that were made and not destroyed */

struct counted {
    counted()
    {
        alive++;
    }
    counted(const counted &)
    {
        alive++;
    }
    ~counted()
    {
        alive--;
    }
};

struct base {
    explicit base(int v) : value(v)
    {
    }
    virtual ~base()
    {
    }
    virtual int kind() const
    {
        return 1;
    }
    int value;
};

struct derived : base {
    explicit derived(int v) : base(v)
    {
    }
    int kind() const override
    {
        return 2;
    }
    counted part;
};

struct stranger {
    int value;
};

[[gnu::noinline]] void give(int what)
{
    counted guard;

    switch (what) {
    case 0:
        throw 7;
    case 1:
        throw base(10);
    case 2:
        throw derived(20);
    case 3:
        throw stranger{30};
    case 4:
        throw 2.5;
    case 5:
        throw "text";
    default:
        return;
    }
}

[[gnu::noinline]] int64_t inner(int what)
{
    counted guard;

    try {
        give(what);
    } catch (const derived &d) {
        return 1000 + d.value + d.kind();
    } catch (double) {
        throw;
    }
    return -1;
}

[[gnu::noinline]] int64_t outer(int what)
{
    try {
        return inner(what);
    } catch (int i) {
        return i;
    } catch (base &b) {
        return 2000 + b.value + b.kind();
    } catch (double) {
        return 3000;
    } catch (const char *text) {
        return text[0];
    } catch (...) {
        return 4000;
    }
}

/* A handler throws; the exception that it was for is gone when the new one arrives. */
[[gnu::noinline]] int64_t replaced()
{
    try {
        try {
            throw derived(1);
        } catch (base &) {
            throw stranger{5};
        }
    } catch (stranger &s) {
        return s.value;
    }
}

/* Thrown again within its handler, and caught there; then it goes on. */
[[gnu::noinline]] int64_t again()
{
    int64_t steps = 0;

    try {
        try {
            throw derived(3);
        } catch (derived &) {
            try {
                throw;
            } catch (base &b) {
                steps += b.value;
            }
            throw;
        }
    } catch (base &b) {
        steps += 10 * b.value;
    }
    return steps;
}

struct early {
    early()
    {
        print("constructor\n");
    }
} before_main;

} // namespace

int program()
{
    int64_t sum = 0;

    (void)before_main;
    for (int what = 0; what < 7; what++)
        show("outcome", outer(what));
    show("replaced", replaced());
    show("again", again());
    for (int i = 0; i < 20000; i++)
        sum += outer(i % 7);
    show("sum", sum);
    show("alive", alive);
    return 0;
}
