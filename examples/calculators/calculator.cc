/* The calculator in C++: what cannot be read is thrown from where it stands, and caught where
 * the host called. Memory and functions are those of the calculator in C; its grammar is
 * described there. */
#include <stddef.h>

extern "C" {
#include "functions.h"

__attribute__((export_name("evaluate_expression"))) double evaluate_expression(const char *);
__attribute__((export_name("last_error"))) const char *last_error();
}

namespace
{

struct refusal {
    size_t place;
    const char *reason;
};

double root(double x)
{
    return __builtin_sqrt(x);
}

double magnitude(double x)
{
    return __builtin_fabs(x);
}

struct function {
    const char *name;
    double (*apply)(double);
};

const function functions[] = {
    {"sqrt", root},    {"sin", calc_sin}, {"cos", calc_cos}, {"tan", calc_tan},
    {"log", calc_log}, {"exp", calc_exp}, {"abs", magnitude},
};

/* Counts the brackets and powers within each other, however they are left. */
class level
{
    int &depth;

  public:
    explicit level(int &counter) : depth(counter)
    {
        depth++;
    }
    ~level()
    {
        depth--;
    }
};

class parser
{
    const char *const text;
    const char *next;
    int depth = 0;

    [[noreturn]] void refuse(const char *place, const char *reason) const
    {
        throw refusal{static_cast<size_t>(place - text) + 1, reason};
    }

    void skip_space()
    {
        while (*next == ' ' || (*next >= '\t' && *next <= '\r'))
            next++;
    }

    bool accept(char c)
    {
        skip_space();
        if (*next != c)
            return false;
        next++;
        return true;
    }

    void expect(char c, const char *reason)
    {
        if (!accept(c))
            refuse(next, reason);
    }

    static bool is_letter(char c)
    {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }

    double call()
    {
        for (const function &f : functions) {
            size_t len = 0;

            while (f.name[len] && f.name[len] == next[len])
                len++;
            if (f.name[len] || is_letter(next[len]))
                continue;
            next += len;
            expect('(', "expected '(' behind a function's name");
            const double x = sum();
            expect(')', "expected an operator or ')'");
            return f.apply(x);
        }
        refuse(next, "unknown function");
    }

    double primary()
    {
        const char *end;

        skip_space();
        if (is_letter(*next))
            return call();
        if (accept('(')) {
            const double x = sum();

            expect(')', "expected an operator or ')'");
            return x;
        }
        const double x = calc_read_number(next, &end);

        if (end == next)
            refuse(next, "expected a number");
        next = end;
        return x;
    }

    double with_sign()
    {
        bool is_negative = false;

        while (accept('-'))
            is_negative = !is_negative;
        if (depth == 200)
            refuse(next, "brackets or powers nested too deeply");
        const level inner(depth);
        double x = primary();

        if (accept('^'))
            x = calc_pow(x, with_sign());
        return is_negative ? -x : x;
    }

    double product()
    {
        double x = with_sign();

        for (;;) {
            if (accept('*'))
                x *= with_sign();
            else if (accept('/'))
                x /= with_sign();
            else
                return x;
        }
    }

    double sum()
    {
        double x = product();

        for (;;) {
            if (accept('+'))
                x += product();
            else if (accept('-'))
                x -= product();
            else
                return x;
        }
    }

  public:
    explicit parser(const char *input) : text(input), next(input)
    {
    }

    double value()
    {
        const double x = sum();

        skip_space();
        if (*next)
            refuse(next, "expected an operator or the end");
        return x;
    }
};

char message[120];

char *put(char *at, const char *s)
{
    while (*s)
        *at++ = *s++;
    *at = '\0';
    return at;
}

void describe(const refusal &r)
{
    char digits[24], *first = digits + sizeof digits - 1;

    *first = '\0';
    for (size_t n = r.place; n; n /= 10)
        *--first = static_cast<char>('0' + n % 10);
    put(put(put(put(message, "at "), first), ": "), r.reason);
}

/* Apart from evaluate_expression, which so has nothing on the stack when it traps. */
[[gnu::noinline]] double value_of(const char *text)
{
    message[0] = '\0';
    try {
        return parser(text).value();
    } catch (const refusal &r) {
        describe(r);
        return 0;
    }
}

} // namespace

double evaluate_expression(const char *text)
{
    const double x = value_of(text);

    if (message[0])
        __builtin_trap();
    return x;
}

const char *last_error()
{
    return message;
}
