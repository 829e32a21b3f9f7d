#include "base/decimal.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

/* Wide enough for a product of two dec_t and for its remainder doubled. */
typedef __int128 wide;

static_assert(sizeof(double) == 8, "dec_from_double takes a binary64 apart");

static int store(wide value, dec_t *out)
{
    if (value > DEC_MAX || value < -(wide)DEC_MAX)
        return -ERANGE;
    *out = (dec_t)value;
    return 0;
}

/* a / b, rounded. C divides toward zero, so every mode is a correction by one away from zero. */
static wide divide(wide a, wide b, enum dec_round mode)
{
    assert(b != 0);
    wide quotient = a / b, rest = a % b;
    if (rest == 0)
        return quotient;
    bool negative = (a < 0) != (b < 0);
    wide away = negative ? -1 : 1;
    wide rest_abs = rest < 0 ? -rest : rest, b_abs = b < 0 ? -b : b;
    switch (mode) {
    case DEC_ROUND_DOWN:
        return quotient;
    case DEC_ROUND_FLOOR:
        return negative ? quotient - 1 : quotient;
    case DEC_ROUND_CEIL:
        return negative ? quotient : quotient + 1;
    case DEC_ROUND_NEAREST:
        return rest_abs >= b_abs - rest_abs ? quotient + away : quotient;
    }
    assert(!"unknown rounding mode");
    return quotient;
}

int dec_add(dec_t a, dec_t b, dec_t *out)
{
    assert(out);
    if (a == DEC_NONE || b == DEC_NONE)
        return -ERANGE;
    return store((wide)a + b, out);
}

int dec_sub(dec_t a, dec_t b, dec_t *out)
{
    assert(out);
    if (a == DEC_NONE || b == DEC_NONE)
        return -ERANGE;
    return store((wide)a - b, out);
}

int dec_mul(dec_t a, dec_t b, enum dec_round mode, dec_t *out)
{
    return dec_muldiv(a, b, DEC_ONE, mode, out);
}

int dec_div(dec_t a, dec_t b, enum dec_round mode, dec_t *out)
{
    return dec_muldiv(a, DEC_ONE, b, mode, out);
}

int dec_muldiv(dec_t a, dec_t b, dec_t c, enum dec_round mode, dec_t *out)
{
    assert(out);
    if (c == 0)
        return -EDOM;
    if (a == DEC_NONE || b == DEC_NONE || c == DEC_NONE)
        return -ERANGE;
    return store(divide((wide)a * b, c, mode), out);
}

int dec_round_step(dec_t value, dec_t step, enum dec_round mode, dec_t *out)
{
    assert(step > 0 && out);
    if (value == DEC_NONE)
        return -ERANGE;
    return store(divide(value, step, mode) * step, out);
}

int64_t dec_steps(dec_t value, dec_t step)
{
    assert(step > 0);
    return (int64_t)divide(value, step, DEC_ROUND_FLOOR);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digit_run(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && is_digit(text[n]))
        n++;
    return n;
}

/* Append `count` digits, 0 where `text` has fewer. False: over DEC_MAX. */
static bool append_digits(wide *value, const char *text, size_t length, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        *value = *value * 10 + (i < length ? text[i] - '0' : 0);
        if (*value > DEC_MAX)
            return false;
    }
    return true;
}

int dec_parse(const char *text, size_t length, dec_t *out)
{
    assert(out && (text || length == 0));
    size_t at = 0;
    bool negative = false;
    if (length > 0 && (text[0] == '-' || text[0] == '+'))
        negative = text[at++] == '-';

    size_t whole = at, whole_length = digit_run(text + at, length - at);
    at += whole_length;
    size_t fraction = at, fraction_length = 0;
    if (at < length && text[at] == '.') {
        fraction = ++at;
        fraction_length = digit_run(text + at, length - at);
        if (fraction_length == 0)
            return -EINVAL;
        at += fraction_length;
    }
    if (whole_length == 0 || at != length)
        return -EINVAL;
    for (size_t i = DEC_DIGITS; i < fraction_length; i++)
        if (text[fraction + i] != '0')
            return -EINVAL;

    /* Only now the range: garbage is -EINVAL also where its digits do not fit. */
    wide value = 0;
    if (!append_digits(&value, text + whole, whole_length, whole_length) ||
        !append_digits(&value, text + fraction, fraction_length, DEC_DIGITS))
        return -ERANGE;
    return store(negative ? -value : value, out);
}

int dec_format(dec_t value, int min_fraction, char *buf)
{
    assert(buf && min_fraction >= 0 && min_fraction <= DEC_DIGITS);
    /* Unsigned: DEC_NONE has no positive counterpart. */
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t whole = magnitude / (uint64_t)DEC_ONE, fraction = magnitude % (uint64_t)DEC_ONE;
    int digits = DEC_DIGITS;
    while (digits > min_fraction && fraction % 10 == 0) {
        fraction /= 10;
        digits--;
    }

    char reversed[DEC_STR_MAX];
    int n = 0;
    for (int i = 0; i < digits; i++, fraction /= 10)
        reversed[n++] = (char)('0' + fraction % 10);
    if (digits > 0)
        reversed[n++] = '.';
    do
        reversed[n++] = (char)('0' + whole % 10);
    while ((whole /= 10) != 0);
    if (value < 0)
        reversed[n++] = '-';
    assert(n < DEC_STR_MAX);
    for (int i = 0; i < n; i++)
        buf[i] = reversed[n - 1 - i];
    buf[n] = '\0';
    return n;
}

double dec_to_double(dec_t value)
{
    return (double)value / (double)DEC_ONE;
}

/* In integers, so that the result is exactly the nearest on every platform: binary64 is
 * significand * 2^exponent, and significand * DEC_ONE has at most 80 bits. */
int dec_from_double(double value, dec_t *out)
{
    assert(out);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int biased = (int)(bits >> 52 & 0x7ff);
    if (biased == 0x7ff)
        return -EDOM; /* NaN, infinity */
    uint64_t significand = bits & ((UINT64_C(1) << 52) - 1);
    if (biased == 0)
        biased = 1; /* subnormal: no hidden bit */
    else
        significand |= UINT64_C(1) << 52;
    int exponent = biased - 1075;

    wide scaled = (wide)significand * DEC_ONE;
    if (exponent >= 11)
        return -ERANGE; /* at least 2^63 units without the factor */
    if (exponent >= 0)
        scaled <<= exponent; /* below 2^91 */
    else if (exponent >= -81)
        scaled = (scaled + ((wide)1 << (-exponent - 1))) >> -exponent;
    else
        scaled = 0; /* 80 bits shifted by 82 or more are below a half */
    return store(bits >> 63 ? -scaled : scaled, out);
}
