/* What the calculator computes with: functions of real numbers, and reading a number. They are
 * written for a guest that has no C library, and also build for the host, to be tested there.
 */
#ifndef CALCULATOR_FUNCTIONS_H
#define CALCULATOR_FUNCTIONS_H

/* Largest magnitude of an angle, 2^50: beyond it, neighbouring doubles are so far apart that a
 * sine means little, and reducing them takes more digits of pi than are kept here. */
#define CALC_ANGLE_MAX 1125899906842624.0

/* Results are the double nearest to the true one, or, in about one case in 2^40, its neighbour;
 * below 2.3e-308 one unit more. NaN, infinities, zeros and what is outside of a function's
 * domain give what IEEE 754 says: log(0) is -inf, log(-1) is NaN.
 *   x  for sin, cos and tan: at most CALC_ANGLE_MAX; beyond, the result is NaN */
double calc_sin(double x);
double calc_cos(double x);
double calc_tan(double x);
double calc_exp(double x);
double calc_log(double x); /* natural */
double calc_pow(double x, double y);

/* x * 2^k, rounded once.
 *   k  at most 1500 in magnitude; x between 2^-400 and 2^400 where that is above 1000 */
double calc_scale(double x, int k);

/* Read a decimal number such as 12, .5 or 1.25e-3, without a sign.
 *   end  behind the number; `text` when there is none
 * Returns the nearest double, or its neighbour where the two differ by less than 2^-90 in how
 * near they are, and perhaps below 2.3e-308; too large a number is infinite. Digits beyond the
 * 36th count as zeros. */
double calc_read_number(const char *text, const char **end);

#endif
