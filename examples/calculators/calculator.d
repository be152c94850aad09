/* The calculator in D, in its subset without a run-time library (-betterC). Memory and functions
 * are those of the calculator in C; its grammar is described there. What cannot be read is
 * noted, and the parser then finds nothing more. */
module calculator;

import ldc.attributes : llvmAttr;
import ldc.intrinsics : llvm_fabs, llvm_sqrt, llvm_trap;

extern (C):

double calc_sin(double x);
double calc_cos(double x);
double calc_tan(double x);
double calc_exp(double x);
double calc_log(double x);
double calc_pow(double x, double y);
double calc_read_number(const(char)* text, const(char)** end);

private:

enum depthMax = 200;

double root(double x)
{
    return llvm_sqrt(x);
}

double magnitude(double x)
{
    return llvm_fabs(x);
}

struct Function
{
    string name;
    extern (C) double function(double) apply;
}

immutable Function[7] functions = [
    Function("sqrt", &root), Function("sin", &calc_sin), Function("cos", &calc_cos),
    Function("tan", &calc_tan), Function("log", &calc_log), Function("exp", &calc_exp),
    Function("abs", &magnitude)
];

__gshared char[120] message = 0;

void put(ref size_t len, const(char)[] text)
{
    foreach (c; text)
        if (len < message.length - 1)
            message[len++] = c;
    message[len] = 0;
}

bool isLetter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct Parser
{
    const(char)* text, next;
    int depth;

    void refuse(const(char)* place, string reason)
    {
        char[20] digits;
        size_t first = digits.length, len = 0;

        if (message[0])
            return;
        for (size_t n = place - text + 1; n; n /= 10)
            digits[--first] = cast(char)('0' + n % 10);
        put(len, "at ");
        put(len, digits[first .. $]);
        put(len, ": ");
        put(len, reason);
        next = "".ptr;
    }

    void skipSpace()
    {
        while (*next == ' ' || (*next >= '\t' && *next <= '\r'))
            next++;
    }

    bool accept(char c)
    {
        skipSpace();
        if (*next != c)
            return false;
        next++;
        return true;
    }

    void expect(char c, string reason)
    {
        if (!accept(c))
            refuse(next, reason);
    }

    double call()
    {
        foreach (ref f; functions)
        {
            size_t len = 0;

            while (len < f.name.length && f.name[len] == next[len])
                len++;
            if (len < f.name.length || isLetter(next[len]))
                continue;
            next += len;
            expect('(', "expected '(' behind a function's name");
            immutable x = sum();
            expect(')', "expected an operator or ')'");
            return f.apply(x);
        }
        refuse(next, "unknown function");
        return 0;
    }

    double primary()
    {
        const(char)* end;

        skipSpace();
        if (isLetter(*next))
            return call();
        if (accept('('))
        {
            immutable x = sum();
            expect(')', "expected an operator or ')'");
            return x;
        }
        immutable x = calc_read_number(next, &end);
        if (end == next)
            refuse(next, "expected a number");
        else
            next = end;
        return x;
    }

    double withSign()
    {
        bool isNegative;

        while (accept('-'))
            isNegative = !isNegative;
        if (depth == depthMax)
            refuse(next, "brackets or powers nested too deeply");
        depth++;
        double x = primary();
        if (accept('^'))
            x = calc_pow(x, withSign());
        depth--;
        return isNegative ? -x : x;
    }

    double product()
    {
        double x = withSign();

        for (;;)
        {
            if (accept('*'))
                x *= withSign();
            else if (accept('/'))
                x /= withSign();
            else
                return x;
        }
    }

    double sum()
    {
        double x = product();

        for (;;)
        {
            if (accept('+'))
                x += product();
            else if (accept('-'))
                x -= product();
            else
                return x;
        }
    }
}

__gshared Parser parser; // so that nothing is on the stack when evaluate_expression traps

public:

/// What the compiler calls beyond the bounds of an array.
void __assert(const(char)*, const(char)*, int)
{
    llvm_trap();
}

@llvmAttr("wasm-export-name", "evaluate_expression")
double evaluate_expression(const(char)* text)
{
    parser = Parser(text, text);
    message[0] = 0;
    immutable x = parser.sum();
    parser.skipSpace();
    if (*parser.next)
        parser.refuse(parser.next, "expected an operator or the end");
    if (message[0])
        llvm_trap();
    return x;
}

@llvmAttr("wasm-export-name", "last_error")
const(char)* last_error()
{
    return message.ptr;
}
