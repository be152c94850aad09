/* Tests of the calculator on the host, where the C library knows the right answers.
 * The guest's sources are compiled in; what only exists in a guest (heap.c, traps) is tested
 * through the command, in test/cli. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CALC_TRAP() (trapped = true)

static _Bool trapped;

#include "calculator.c"

enum { ROUNDS = 20000 };

static uint64_t seed = 88172645463325252u;

static uint64_t random_bits(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Between low and high. */
static double random_between(double low, double high)
{
    return low + (high - low) * ((double)(random_bits() >> 11) * 0x1p-53);
}

/* Any bits that are a finite number. */
static double random_finite(void)
{
    for (;;) {
        uint64_t bits = random_bits();
        double x;

        memcpy(&x, &bits, sizeof x);
        if (isfinite(x))
            return x;
    }
}

static double evaluate(const char *text)
{
    trapped = false;
    return evaluate_expression(text);
}

/* Distance from the true value in units of the last place of a double near it. */
static double error_in_ulps(double got, long double want)
{
    double near = (double)want;
    double unit;

    if (got == near)
        return 0.5;
    if (isnan(got) || isnan(near) || isinf(got) || isinf(near))
        return isnan(got) && isnan(near) ? 0 : INFINITY;
    unit = fabs(nextafter(near, INFINITY) - near);
    return (double)(fabsl((long double)got - want) / (long double)unit);
}

/* The host's long double functions are within one unit of 64 bits themselves. */
static void assert_close(double x, double got, long double want, double limit)
{
    double error = error_in_ulps(got, want);

    if (error > limit)
        fail_msg("f(%.17g) is %.17g, want %.17Lg: off by %g units", x, got, want, error);
}

static void functions_are_within_a_unit_of_the_hosts(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        double angle = random_between(-50, 50), far = random_between(-1e9, 1e9);
        double power = random_between(-740, 709), size = fabs(random_finite());
        double near_one = 1 + random_between(-1e-3, 1e-3);

        assert_close(angle, calc_sin(angle), sinl(angle), 0.51);
        assert_close(angle, calc_cos(angle), cosl(angle), 0.51);
        assert_close(angle, calc_tan(angle), tanl(angle), 0.51);
        assert_close(far, calc_sin(far), sinl(far), 0.51);
        assert_close(far, calc_tan(far), tanl(far), 0.51);
        assert_close(power, calc_exp(power), expl(power), power < -708 ? 1.1 : 0.51);
        assert_close(size, calc_log(size), logl(size), 0.51);
        assert_close(near_one, calc_log(near_one), logl(near_one), 0.51);
    }
}

static void powers_are_within_a_unit_of_the_hosts(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        double x = exp(random_between(-20, 20)), y = random_between(-30, 30);

        assert_close(x, calc_pow(x, y), powl(x, y), 0.52);
    }
}

static void powers_of_integers_are_exact(void **state)
{
    (void)state;
    for (int x = 2; x <= 30; x++) {
        double want = 1;

        for (int y = 0; want <= 0x1p53; y++, want *= x) {
            assert_true(calc_pow(x, y) == want);
            assert_true(calc_pow(-x, y) == (y % 2 ? -want : want));
        }
    }
}

static void special_cases_are_those_of_the_host(void **state)
{
    static const double values[] = {0.0,     -0.0,       1,        -1,        2,     -2,
                                    0.5,     -0.5,       3,        -3,        1e300, -1e300,
                                    1e-300,  5e-324,     INFINITY, -INFINITY, NAN,   0x1p53,
                                    -0x1p53, 0x1p53 - 1, 709.9,    -746};
    enum { COUNT = sizeof values / sizeof values[0] };

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        double x = values[i];

        assert_close(x, calc_exp(x), expl(x), 0.51);
        assert_close(x, calc_log(x), logl(x), 0.51);
        if (!(fabs(x) > CALC_ANGLE_MAX)) {
            assert_close(x, calc_sin(x), sinl(x), 0.51);
            assert_close(x, calc_cos(x), cosl(x), 0.51);
            assert_close(x, calc_tan(x), tanl(x), 0.51);
            assert_true(isnan(x) || !!signbit(calc_sin(x)) == !!signbit(sin(x)));
        }
        for (size_t j = 0; j < COUNT; j++) {
            double got = calc_pow(x, values[j]), want = pow(x, values[j]);

            assert_close(x, got, powl(x, values[j]), 0.51);
            assert_true(isnan(want) || !!signbit(got) == !!signbit(want));
        }
    }
}

static void angles_are_reduced_at_the_limit(void **state)
{
    double worst = 6381956970095103.0 * 0x1p-10; /* very near to a multiple of pi / 2 */

    (void)state;
    assert_close(worst, calc_cos(worst), cosl(worst), 0.51);
    assert_close(1e15, calc_sin(1e15), sinl(1e15), 0.51);
    assert_close(-1e15, calc_cos(-1e15), cosl(-1e15), 0.51);
    assert_true(isnan(calc_sin(1e16)));
}

/* ---- Numbers ---- */

static void assert_reads(const char *text, double want)
{
    const char *end;
    double got = calc_read_number(text, &end);

    if (!(got == want) || *end)
        fail_msg("%s is read as %.17g, want %.17g", text, got, want);
}

static void numbers_read_as_the_host_reads_them(void **state)
{
    char text[64];

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        double x = fabs(random_finite());

        if (x < 0x1p-1022)
            continue;
        snprintf(text, sizeof text, "%.*e", (int)(random_bits() % 25), x);
        if (strtod(text, NULL) < 0x1p-1022)
            continue;
        assert_reads(text, strtod(text, NULL));
        snprintf(text, sizeof text, "%.*f", (int)(random_bits() % 12), random_between(0, 1e9));
        assert_reads(text, strtod(text, NULL));
    }
}

static void number_forms_are_known(void **state)
{
    const char *end;

    (void)state;
    assert_reads("0", 0);
    assert_reads("5.", 5);
    assert_reads(".5", 0.5);
    assert_reads("1E+2", 100);
    assert_reads("000000000000000000000000000000000000000000001.5", 1.5);
    assert_reads("0.0000000000000000000000000000000000000000015", 1.5e-42);
    assert_reads("9007199254740993", 9007199254740992); /* halfway: to even */
    assert_reads("9007199254740993.000000001", 9007199254740994);
    assert_reads("1.7976931348623157e308", 1.7976931348623157e308);
    assert_reads("2.2250738585072014e-308", 2.2250738585072014e-308);
    assert_reads("1e309", INFINITY);
    assert_reads("1e-400", 0);
    assert_reads("1e99999999999999999999", INFINITY);
    assert_reads("0e99999999999999999999", 0);
    assert_true(calc_read_number("2exp", &end) == 2);
    assert_string_equal(end, "exp");
    calc_read_number(".", &end);
    assert_string_equal(end, ".");
}

/* ---- Expressions ---- */

static void assert_value(const char *text, double want)
{
    double got = evaluate(text);

    if (trapped)
        fail_msg("%s: %s", text, last_error());
    if (!(got == want || (isnan(got) && isnan(want))))
        fail_msg("%s is %.17g, want %.17g", text, got, want);
    assert_string_equal(last_error(), "");
}

static void expressions_have_the_usual_values(void **state)
{
    (void)state;
    assert_value("sqrt(9) * (10 / 2)", 15);
    assert_value("42", 42);
    assert_value(" \t1 + 2 * 3 - 4 / 8\n", 6.5);
    assert_value("10 - 3 - 2", 5);
    assert_value("100 / 10 / 5", 2);
    assert_value("2 ^ 3 ^ 2", 512);
    assert_value("-2^2", -4);
    assert_value("(-2)^2", 4);
    assert_value("2^-3", 0.125);
    assert_value("2^-1^2", 0.5);
    assert_value("--5", 5);
    assert_value("2*-3", -6);
    assert_value("4 - -1", 5);
    assert_value("abs(-3.5e1)", 35);
    assert_value("sqrt ( 2 ) ^ 2", sqrt(2) * sqrt(2));
    assert_value("sin(0) + cos(0) + tan(0) + log(1) + exp(0)", 2);
    assert_value("log(exp(1))", 1);
    assert_value("1 / 0", INFINITY);
    assert_value("-1 / 0", -INFINITY);
    assert_value("0 / 0", NAN);
    assert_value("log(0)", -INFINITY);
    assert_value("sqrt(-1)", NAN);
    assert_value("sin(1/0)", NAN);
}

static void assert_refused(const char *text, const char *reason)
{
    (void)evaluate(text);
    if (!trapped)
        fail_msg("%s is taken", text);
    assert_string_equal(last_error(), reason);
}

static void bad_expressions_are_refused_with_place_and_reason(void **state)
{
    (void)state;
    assert_refused("", "at 1: expected a number, found the end");
    assert_refused("(1 + )", "at 6: expected a number, found ')'");
    assert_refused("1 2", "at 3: expected an operator or the end, found '2'");
    assert_refused("(1", "at 3: expected an operator or ')', found the end");
    assert_refused("1)", "at 2: expected an operator or the end, found ')'");
    assert_refused("2 * foo(1)", "at 5: unknown function; known are sqrt, sin, cos, tan, log, "
                                 "exp, abs");
    assert_refused("si(1)", "at 1: unknown function; known are sqrt, sin, cos, tan, log, exp, "
                            "abs");
    assert_refused("sqrt 4", "at 6: expected '(' behind a function's name, found '4'");
    assert_refused("1 + \xe2\x82\xac", "at 5: expected a number, found byte 0xe2");
    assert_refused("sin(1e16)", "at 5: an angle beyond 2^50");
    assert_refused("1.2.3", "at 4: expected an operator or the end, found '.'");
    assert_refused("2e", "at 2: expected an operator or the end, found 'e'");
    assert_value("1", 1); /* and all is well again */
}

static void nesting_is_bounded(void **state)
{
    enum { DEEP = 100000 };
    char *text = malloc(2 * DEEP + 1);

    (void)state;
    assert_non_null(text);
    memset(text, '(', DEEP);
    text[DEEP] = '\0';
    assert_refused(text, "at 201: brackets or powers nested too deeply");
    for (size_t i = 0; i < DEEP; i++)
        memcpy(text + 2 * i, "1^", 2);
    text[2 * DEEP] = '\0';
    assert_refused(text, "at 401: brackets or powers nested too deeply");
    memset(text, '-', 2 * DEEP);
    text[2 * DEEP - 1] = '1'; /* an odd number of signs */
    assert_value(text, -1);
    free(text);
}

/* ---- Random expressions, against the host's arithmetic ---- */

typedef struct generator {
    char text[4096];
    size_t len;
} generator;

static void put(generator *g, const char *text)
{
    size_t len = strlen(text);

    assert_true(g->len + len < sizeof g->text);
    memcpy(g->text + g->len, text, len + 1);
    g->len += len;
}

/* Write an expression in brackets, and return its value. */
static double generate(generator *g, int depth)
{
    char number[32];
    double x, y;

    if (depth == 0 || random_bits() % 5 == 0) {
        snprintf(number, sizeof number, "%.*g", (int)(random_bits() % 17) + 1,
                 random_between(0, 100));
        put(g, number);
        return strtod(number, NULL);
    }
    put(g, "(");
    if (random_bits() % 4 == 0) {
        put(g, "-");
        x = -generate(g, depth - 1);
        put(g, ")");
        return x;
    }
    x = generate(g, depth - 1);
    switch (random_bits() % 4) {
    case 0:
        put(g, " + ");
        x += y = generate(g, depth - 1);
        break;
    case 1:
        put(g, "-");
        x -= y = generate(g, depth - 1);
        break;
    case 2:
        put(g, " *");
        x *= y = generate(g, depth - 1);
        break;
    default:
        put(g, "/ ");
        x /= y = generate(g, depth - 1);
        break;
    }
    put(g, ")");
    return x;
}

static void random_expressions_have_the_hosts_values(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS / 5; i++) {
        generator g = {.len = 0};
        double want = generate(&g, 5);

        assert_value(g.text, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_within_a_unit_of_the_hosts),
        cmocka_unit_test(powers_are_within_a_unit_of_the_hosts),
        cmocka_unit_test(powers_of_integers_are_exact),
        cmocka_unit_test(special_cases_are_those_of_the_host),
        cmocka_unit_test(angles_are_reduced_at_the_limit),
        cmocka_unit_test(numbers_read_as_the_host_reads_them),
        cmocka_unit_test(number_forms_are_known),
        cmocka_unit_test(expressions_have_the_usual_values),
        cmocka_unit_test(bad_expressions_are_refused_with_place_and_reason),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(random_expressions_have_the_hosts_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
