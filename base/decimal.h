/* decimal: signed 64-bit fixed-point numbers with eight fractional digits.
 *
 * Prices, quantities and money are dec_t: the value times DEC_ONE. The range is
 * +-92,233,720,368.54775807. Nothing here wraps: whatever does not fit returns
 * -ERANGE and leaves *out untouched. Products and quotients go through 128 bits.
 * Functions are pure and thread-safe; none allocates.
 *
 * Caveat: DEC_MIN (INT64_MIN) is never produced by parsing or arithmetic; it is
 * reserved as "undefined" (DEC_NONE) in records that need such a mark. As an operand
 * it gives -ERANGE; dec_abs, dec_min, dec_max, dec_steps and dec_to_double, which cannot
 * say so, take it as the number that its bits are (dec_abs leaves it as it is), so look first.
 */
#ifndef PROPFLEET_BASE_DECIMAL_H
#define PROPFLEET_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t dec_t;

#define DEC_DIGITS 8
#define DEC_ONE INT64_C(100000000)
#define DEC_MAX INT64_MAX
#define DEC_NONE INT64_MIN
#define DEC_STR_MAX 24 /* bytes that dec_format ever writes, NUL included */

enum dec_round {
    DEC_ROUND_DOWN,    /* toward zero */
    DEC_ROUND_FLOOR,   /* toward minus infinity: sizes and room */
    DEC_ROUND_CEIL,    /* toward plus infinity: loss floors */
    DEC_ROUND_NEAREST, /* half away from zero: money that is booked */
};

/* All return 0, or -ERANGE when the result, exact and then rounded once, does not fit. */
int dec_add(dec_t a, dec_t b, dec_t *out);
int dec_sub(dec_t a, dec_t b, dec_t *out);
int dec_mul(dec_t a, dec_t b, enum dec_round mode, dec_t *out);
/* b == 0 returns -EDOM. */
int dec_div(dec_t a, dec_t b, enum dec_round mode, dec_t *out);
/* a * b / c, exact in between. c == 0 returns -EDOM. */
int dec_muldiv(dec_t a, dec_t b, dec_t c, enum dec_round mode, dec_t *out);

/* Round to a whole number of steps (step > 0, asserted). DEC_ROUND_FLOOR for sizes. */
int dec_round_step(dec_t value, dec_t step, enum dec_round mode, dec_t *out);
/* Whole steps in value, floored. step > 0 is asserted. */
int64_t dec_steps(dec_t value, dec_t step);

/* Parse exactly [+-]digits[.digits]; fractional digits beyond the eighth must be zeros; no
 * blanks, no exponent. -EINVAL for anything else, -ERANGE when it does not fit. `text` needs
 * no NUL. */
int dec_parse(const char *text, size_t length, dec_t *out);
/* Write with at least `min_fraction` (0..8) and at most eight fractional digits, no
 * needless trailing zeros. Returns the length; buf holds DEC_STR_MAX bytes. DEC_NONE is
 * written as a number that dec_parse refuses. */
int dec_format(dec_t value, int min_fraction, char *buf);

/* For statistics only. dec_from_double rounds to nearest, -EDOM for NaN or infinity. */
double dec_to_double(dec_t value);
int dec_from_double(double value, dec_t *out);

static inline dec_t dec_abs(dec_t value) { return value < 0 && value != DEC_NONE ? -value : value; }
static inline dec_t dec_min(dec_t a, dec_t b) { return a < b ? a : b; }
static inline dec_t dec_max(dec_t a, dec_t b) { return a > b ? a : b; }

#endif
