/* A scientific calculator as a WebAssembly guest: text in, number out.
 * It shows what a guest offers a host that knows nothing of it: a function that takes a pointer
 * to text, malloc and free to make room for that text (heap.c), and last_error, which tells why
 * a call trapped. The functions and the reading of numbers are in functions.h.
 *
 *   sum      = product { ("+" | "-") product }
 *   product  = signed { ("*" | "/") signed }
 *   signed   = "-" signed | power
 *   power    = primary [ "^" signed ]
 *   primary  = number | "(" sum ")" | name "(" sum ")"
 *   name     = "sqrt" | "sin" | "cos" | "tan" | "log" | "exp" | "abs"
 *
 * So ^ groups from the right and binds tighter than a minus in front: -2^2 is -4. Space may
 * stand between all of these. Division by zero and arguments outside of a function's domain
 * give infinities and NaN, as in IEEE 754; what cannot be read traps. */
#include <stdbool.h>
#include <stddef.h>

#include "functions.h"

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(name)))
#else
#define EXPORT(name)
#endif

/* How a call ends that cannot go on; in the tests on the host it returns. */
#ifndef CALC_TRAP
#define CALC_TRAP() __builtin_trap()
#endif

enum {
    DEPTH_MAX = 200, /* of brackets and powers within each other */
    NAME_MAX = 4,
    MESSAGE_SIZE = 160,
};

typedef struct parser {
    const char *text;
    const char *next;
    int depth;
} parser;

typedef struct function {
    char name[NAME_MAX + 1];
    double (*apply)(double x);
} function;

static char message[MESSAGE_SIZE];

double evaluate_expression(const char *text) EXPORT("evaluate_expression");
const char *last_error(void) EXPORT("last_error");

static double parse_sum(parser *p);

/* ---- Refusing ---- */

static char *put_text(char *at, const char *text)
{
    while (*text && at < message + MESSAGE_SIZE - 1)
        *at++ = *text++;
    *at = '\0';
    return at;
}

static char *put_number(char *at, size_t n)
{
    char digits[24];
    char *first = digits + sizeof digits - 1;

    *first = '\0';
    do {
        *--first = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return put_text(at, first);
}

/* Name the character at a place of the input. */
static char *put_found(char *at, const char *place)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)*place;
    char quoted[] = {'\'', (char)c, '\'', '\0'};
    char byte[] = {'b', 'y', 't', 'e', ' ', '0', 'x', hex[c >> 4], hex[c & 15], '\0'};

    if (c == '\0')
        return put_text(at, "the end");
    return put_text(at, c > ' ' && c < 0x7f ? quoted : byte);
}

/* Note why the input cannot be read, and let the parser find nothing more. It returns as it
 * does at the end of an input, and evaluate_expression traps: a trap in its midst would leave
 * its frames on the guest's stack for good.
 *   place        the message counts it from 1
 *   shows_found  add what stands there */
static void refuse(parser *p, const char *place, const char *reason, bool shows_found)
{
    char *at;

    if (message[0])
        return;
    at = put_text(message, "at ");
    at = put_number(at, (size_t)(place - p->text) + 1);
    at = put_text(at, ": ");
    at = put_text(at, reason);
    if (shows_found) {
        at = put_text(at, ", found ");
        put_found(at, place);
    }
    p->next = "";
}

/* ---- Parsing, which computes as it goes ---- */

static void skip_space(parser *p)
{
    while (*p->next == ' ' || (*p->next >= '\t' && *p->next <= '\r'))
        p->next++;
}

/* Step over a character, if it is the next one. */
static bool accept(parser *p, char c)
{
    skip_space(p);
    if (*p->next != c)
        return false;
    p->next++;
    return true;
}

static void expect(parser *p, char c, const char *reason)
{
    if (!accept(p, c))
        refuse(p, p->next, reason, true);
}

static double apply_sqrt(double x)
{
    return __builtin_sqrt(x);
}

static double apply_abs(double x)
{
    return __builtin_fabs(x);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static const function *find_function(const char *name, size_t len)
{
    static const function functions[] = {
        {"sqrt", apply_sqrt}, {"sin", calc_sin}, {"cos", calc_cos},  {"tan", calc_tan},
        {"log", calc_log},    {"exp", calc_exp}, {"abs", apply_abs},
    };

    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        size_t same = 0;

        while (same < len && same < NAME_MAX && functions[i].name[same] == name[same])
            same++;
        if (same == len && functions[i].name[same] == '\0')
            return &functions[i];
    }
    return NULL;
}

static double parse_call(parser *p)
{
    const char *name = p->next, *inside;
    const function *f;
    bool is_angle;
    double x;

    while (is_letter(*p->next))
        p->next++;
    f = find_function(name, (size_t)(p->next - name));
    if (!f) {
        refuse(p, name, "unknown function; known are sqrt, sin, cos, tan, log, exp, abs",
               false);
        return 0;
    }
    expect(p, '(', "expected '(' behind a function's name");
    skip_space(p);
    inside = p->next;
    x = parse_sum(p);
    expect(p, ')', "expected an operator or ')'");
    is_angle = f->apply == calc_sin || f->apply == calc_cos || f->apply == calc_tan;
    if (is_angle && __builtin_fabs(x) > CALC_ANGLE_MAX && !__builtin_isinf(x))
        refuse(p, inside, "an angle beyond 2^50", false);
    return f->apply(x);
}

static double parse_primary(parser *p)
{
    const char *end;
    double x;

    skip_space(p);
    if (is_letter(*p->next))
        return parse_call(p);
    if (accept(p, '(')) {
        x = parse_sum(p);
        expect(p, ')', "expected an operator or ')'");
        return x;
    }
    x = calc_read_number(p->next, &end);
    if (end == p->next)
        refuse(p, p->next, "expected a number", true);
    else
        p->next = end;
    return x;
}

/* Everything that recurses passes here, and is bounded here. */
static double parse_signed(parser *p)
{
    bool is_negative = false;
    double x;

    while (accept(p, '-'))
        is_negative = !is_negative;
    if (p->depth == DEPTH_MAX)
        refuse(p, p->next, "brackets or powers nested too deeply", false);
    p->depth++;
    x = parse_primary(p);
    if (accept(p, '^'))
        x = calc_pow(x, parse_signed(p));
    p->depth--;
    return is_negative ? -x : x;
}

static double parse_product(parser *p)
{
    double x = parse_signed(p);

    for (;;) {
        if (accept(p, '*'))
            x *= parse_signed(p);
        else if (accept(p, '/'))
            x /= parse_signed(p);
        else
            return x;
    }
}

static double parse_sum(parser *p)
{
    double x = parse_product(p);

    for (;;) {
        if (accept(p, '+'))
            x += parse_product(p);
        else if (accept(p, '-'))
            x -= parse_product(p);
        else
            return x;
    }
}

/* ---- What the host calls ---- */

/* Compute an expression.
 *   text  NUL-terminated
 * Traps when it cannot be read; last_error then tells the place and the reason. */
double evaluate_expression(const char *text)
{
    static parser p; /* so that nothing of this function is on the guest's stack */
    double x;

    p = (parser){.text = text ? text : "", .next = text ? text : ""};
    message[0] = '\0';
    x = parse_sum(&p);
    skip_space(&p);
    if (*p.next)
        refuse(&p, p.next, "expected an operator or the end", true);
    if (message[0])
        CALC_TRAP();
    return x;
}

/* Why the last call trapped; empty if it did not. NUL-terminated, and valid until the next
 * call. */
const char *last_error(void)
{
    return message;
}
