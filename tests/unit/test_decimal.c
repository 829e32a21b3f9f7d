/* Fixed-point numbers: both ends of the range, every rounding mode with both signs, hostile text. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "base/hash.h"

#define UNTOUCHED INT64_C(0x5a5a5a5a5a5a5a5a)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DEC_MIN_VALID (-DEC_MAX)

typedef __int128 wide;

static const enum dec_round modes[] = {DEC_ROUND_DOWN, DEC_ROUND_FLOOR, DEC_ROUND_CEIL, DEC_ROUND_NEAREST};

static void test_add_and_sub_at_both_ends(void **state)
{
    (void)state;
    static const struct {
        dec_t a, b;
        int rc;
        dec_t sum;
    } cases[] = {
        {DEC_MAX, 0, 0, DEC_MAX},
        {DEC_MAX, 1, -ERANGE, 0},
        {DEC_MAX, DEC_MAX, -ERANGE, 0},
        {DEC_MAX - 1, 1, 0, DEC_MAX},
        {DEC_MIN_VALID, 0, 0, DEC_MIN_VALID},
        {DEC_MIN_VALID, -1, -ERANGE, 0}, /* INT64_MIN is reserved */
        {DEC_MIN_VALID, DEC_MIN_VALID, -ERANGE, 0},
        {DEC_MIN_VALID + 1, -1, 0, DEC_MIN_VALID},
        {DEC_MAX, DEC_MIN_VALID, 0, 0},
        {DEC_NONE, 1, -ERANGE, 0},
        {1, DEC_NONE, -ERANGE, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        dec_t out = UNTOUCHED;
        assert_int_equal(dec_add(cases[i].a, cases[i].b, &out), cases[i].rc);
        assert_true(out == (cases[i].rc ? UNTOUCHED : cases[i].sum));
        if (cases[i].b == DEC_NONE)
            continue;
        out = UNTOUCHED;
        assert_int_equal(dec_sub(cases[i].a, -cases[i].b, &out), cases[i].rc);
        assert_true(out == (cases[i].rc ? UNTOUCHED : cases[i].sum));
    }
    dec_t out = UNTOUCHED;
    assert_int_equal(dec_sub(0, DEC_NONE, &out), -ERANGE);
    assert_true(out == UNTOUCHED);
}

/* Quotients in units of the last digit: a / b for all signs and modes, written by hand. */
static void test_rounding_modes_with_both_signs(void **state)
{
    (void)state;
    static const struct {
        dec_t a, c;
        dec_t want[4]; /* DOWN, FLOOR, CEIL, NEAREST */
    } cases[] = {
        {7, 2, {3, 3, 4, 4}},    {-7, 2, {-3, -4, -3, -4}},  {7, -2, {-3, -4, -3, -4}}, {-7, -2, {3, 3, 4, 4}},
        {10, 4, {2, 2, 3, 3}},   {-10, 4, {-2, -3, -2, -3}}, {1, 3, {0, 0, 1, 0}},      {-1, 3, {0, -1, 0, 0}},
        {2, 3, {0, 0, 1, 1}},    {-2, 3, {0, -1, 0, -1}},    {6, 3, {2, 2, 2, 2}},      {-6, 3, {-2, -2, -2, -2}},
        {0, 3, {0, 0, 0, 0}},    {0, -3, {0, 0, 0, 0}},      {1, 2, {0, 0, 1, 1}},      {-1, 2, {0, -1, 0, -1}},
        {5, 1000, {0, 0, 1, 0}}, {-5, 1000, {0, -1, 0, 0}},  {499, 1000, {0, 0, 1, 0}}, {500, 1000, {0, 0, 1, 1}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t m = 0; m < COUNT(modes); m++) {
            dec_t out = UNTOUCHED;
            assert_int_equal(dec_muldiv(cases[i].a, 1, cases[i].c, modes[m], &out), 0);
            assert_int_equal(out, cases[i].want[m]);
        }
    }
}

static void test_mul_and_div_at_both_ends(void **state)
{
    (void)state;
    dec_t out = UNTOUCHED;
    assert_int_equal(dec_mul(DEC_MAX, DEC_ONE, DEC_ROUND_NEAREST, &out), 0);
    assert_true(out == DEC_MAX);
    assert_int_equal(dec_mul(DEC_MIN_VALID, DEC_ONE, DEC_ROUND_NEAREST, &out), 0);
    assert_true(out == DEC_MIN_VALID);
    assert_int_equal(dec_div(DEC_MAX, -DEC_ONE, DEC_ROUND_NEAREST, &out), 0);
    assert_true(out == DEC_MIN_VALID);

    out = UNTOUCHED;
    assert_int_equal(dec_mul(DEC_MAX, DEC_ONE + 1, DEC_ROUND_DOWN, &out), -ERANGE);
    assert_int_equal(dec_mul(DEC_MAX, -DEC_ONE - 1, DEC_ROUND_DOWN, &out), -ERANGE);
    assert_int_equal(dec_mul(DEC_MAX, DEC_MAX, DEC_ROUND_DOWN, &out), -ERANGE);
    assert_int_equal(dec_mul(DEC_MIN_VALID, DEC_MIN_VALID, DEC_ROUND_DOWN, &out), -ERANGE);
    assert_int_equal(dec_mul(DEC_NONE, 0, DEC_ROUND_DOWN, &out), -ERANGE);
    assert_int_equal(dec_div(DEC_MAX, DEC_ONE - 1, DEC_ROUND_DOWN, &out), -ERANGE);
    assert_int_equal(dec_div(DEC_MAX, 1, DEC_ROUND_DOWN, &out), -ERANGE);
    assert_int_equal(dec_div(1, 0, DEC_ROUND_DOWN, &out), -EDOM);
    assert_int_equal(dec_muldiv(1, 1, 0, DEC_ROUND_DOWN, &out), -EDOM);
    assert_int_equal(dec_muldiv(1, 1, DEC_NONE, DEC_ROUND_DOWN, &out), -ERANGE);
    assert_true(out == UNTOUCHED);
}

/* The rounded result decides: DEC_MAX and a half fits downward and not upward. */
static void test_range_is_that_of_the_rounded_result(void **state)
{
    (void)state;
    dec_t out = UNTOUCHED;
    /* Both factors fit, their product is a half over DEC_MAX in units of two. */
    dec_t p = INT64_C(4294967297), q = INT64_C(4294967295);
    assert_true((wide)p * q == (wide)DEC_MAX * 2 + 1);
    assert_int_equal(dec_muldiv(p, q, 2, DEC_ROUND_CEIL, &out), -ERANGE);
    assert_int_equal(dec_muldiv(p, q, 2, DEC_ROUND_NEAREST, &out), -ERANGE);
    assert_int_equal(dec_muldiv(-p, q, 2, DEC_ROUND_FLOOR, &out), -ERANGE);
    assert_true(out == UNTOUCHED);
    assert_int_equal(dec_muldiv(p, q, 2, DEC_ROUND_FLOOR, &out), 0);
    assert_true(out == DEC_MAX);
    assert_int_equal(dec_muldiv(-p, q, 2, DEC_ROUND_CEIL, &out), 0);
    assert_true(out == DEC_MIN_VALID);
}

static dec_t random_dec(uint64_t *seed)
{
    *seed = hash_mix64(*seed);
    int shift = (int)(hash_mix64(*seed) % 64);
    dec_t value = (dec_t)*seed >> shift; /* of every magnitude */
    return value == DEC_NONE ? 0 : value;
}

/* The definitions of the modes, without dividing: what is checked is not how it is computed. */
static void expect_quotient(wide product, dec_t c, enum dec_round mode, wide q)
{
    wide rest = product - q * c, c_abs = c < 0 ? -(wide)c : c, rest_abs = rest < 0 ? -rest : rest;
    bool rest_negative = (rest < 0) != (c < 0) && rest != 0; /* sign of rest / c: exact - q */
    assert_true(rest_abs < c_abs);
    if (mode == DEC_ROUND_FLOOR)
        assert_true(!rest_negative);
    if (mode == DEC_ROUND_CEIL)
        assert_true(rest == 0 || rest_negative);
    if (mode == DEC_ROUND_DOWN)
        assert_true(rest == 0 || rest_negative == ((product < 0) != (c < 0)));
    if (mode == DEC_ROUND_NEAREST) {
        assert_true(rest_abs * 2 <= c_abs);
        if (rest_abs * 2 == c_abs) /* a half: away from zero, so that the exact one is nearer to it */
            assert_true(rest_negative == ((product < 0) == (c < 0)));
    }
}

static void test_random_products_and_quotients_obey_their_mode(void **state)
{
    (void)state;
    uint64_t seed = 20260101;
    int fitted = 0, refused = 0;
    for (int i = 0; i < 200000; i++) {
        dec_t a = random_dec(&seed), b = random_dec(&seed), c = random_dec(&seed);
        enum dec_round mode = modes[i % 4];
        dec_t out = UNTOUCHED;
        if (c == 0)
            c = 2;
        int rc = dec_muldiv(a, b, c, mode, &out);
        wide product = (wide)a * b;
        if (rc == 0) {
            expect_quotient(product, c, mode, out);
            fitted++;
        } else {
            assert_int_equal(rc, -ERANGE);
            wide magnitude = product / c < 0 ? -(product / c) : product / c;
            assert_true(magnitude >= DEC_MAX);
            refused++;
        }
        if (dec_mul(a, b, mode, &out) == 0)
            expect_quotient(product, DEC_ONE, mode, out);
        if (dec_div(a, c, mode, &out) == 0)
            expect_quotient((wide)a * DEC_ONE, c, mode, out);
    }
    assert_true(fitted > 10000 && refused > 10000);
}

static void test_round_step(void **state)
{
    (void)state;
    const dec_t lot = DEC_ONE / 100;
    static const struct {
        dec_t value;
        dec_t want[4];
    } cases[] = {
        {1999999, {1000000, 1000000, 2000000, 2000000}},
        {-1999999, {-1000000, -2000000, -1000000, -2000000}},
        {1500000, {1000000, 1000000, 2000000, 2000000}},
        {-1500000, {-1000000, -2000000, -1000000, -2000000}},
        {1499999, {1000000, 1000000, 2000000, 1000000}},
        {-1499999, {-1000000, -2000000, -1000000, -1000000}},
        {2000000, {2000000, 2000000, 2000000, 2000000}},
        {0, {0, 0, 0, 0}},
        {1, {0, 0, 1000000, 0}},
        {-1, {0, -1000000, 0, 0}},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t m = 0; m < COUNT(modes); m++) {
            dec_t out = UNTOUCHED;
            assert_int_equal(dec_round_step(cases[i].value, lot, modes[m], &out), 0);
            assert_int_equal(out, cases[i].want[m]);
        }

    dec_t out = UNTOUCHED;
    assert_int_equal(dec_round_step(DEC_MAX, DEC_ONE, DEC_ROUND_CEIL, &out), -ERANGE);
    assert_int_equal(dec_round_step(DEC_MIN_VALID, DEC_ONE, DEC_ROUND_FLOOR, &out), -ERANGE);
    assert_int_equal(dec_round_step(DEC_NONE, 1, DEC_ROUND_FLOOR, &out), -ERANGE);
    assert_true(out == UNTOUCHED);
    assert_int_equal(dec_round_step(DEC_MAX, DEC_MAX, DEC_ROUND_CEIL, &out), 0);
    assert_true(out == DEC_MAX);
    assert_int_equal(dec_round_step(DEC_MIN_VALID, 1, DEC_ROUND_FLOOR, &out), 0);
    assert_true(out == DEC_MIN_VALID);
}

static void test_steps_are_floored(void **state)
{
    (void)state;
    assert_int_equal(dec_steps(0, DEC_ONE), 0);
    assert_int_equal(dec_steps(DEC_ONE - 1, DEC_ONE), 0);
    assert_int_equal(dec_steps(DEC_ONE, DEC_ONE), 1);
    assert_int_equal(dec_steps(-1, DEC_ONE), -1);
    assert_int_equal(dec_steps(-DEC_ONE, DEC_ONE), -1);
    assert_int_equal(dec_steps(-DEC_ONE - 1, DEC_ONE), -2);
    assert_true(dec_steps(DEC_MAX, 1) == INT64_MAX);
    assert_true(dec_steps(DEC_NONE, 1) == INT64_MIN);
}

static void test_parse_what_is_a_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        dec_t want;
    } cases[] = {
        {"0", 0},
        {"-0", 0},
        {"+0.0", 0},
        {"1", DEC_ONE},
        {"+1", DEC_ONE},
        {"-1.5", -DEC_ONE * 3 / 2},
        {"1.08512", 108512000},
        {"0.00000001", 1},
        {"-0.00000001", -1},
        {"0.123456780000000000000000000000", 12345678}, /* zeros beyond the eighth */
        {"000000000000000000000000000000001", DEC_ONE}, /* leading zeros do not count */
        {"92233720368.54775807", DEC_MAX},
        {"-92233720368.54775807", DEC_MIN_VALID},
        {"92233720368.547758070", DEC_MAX},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        dec_t out = UNTOUCHED;
        assert_int_equal(dec_parse(cases[i].text, strlen(cases[i].text), &out), 0);
        assert_true(out == cases[i].want);
    }
}

static void test_parse_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rc;
    } cases[] = {
        {"", -EINVAL},
        {"-", -EINVAL},
        {"+", -EINVAL},
        {".", -EINVAL},
        {"1.", -EINVAL},
        {".5", -EINVAL},
        {"-.5", -EINVAL},
        {"--1", -EINVAL},
        {"+-1", -EINVAL},
        {" 1", -EINVAL},
        {"1 ", -EINVAL},
        {"1\n", -EINVAL},
        {"1e5", -EINVAL},
        {"1,5", -EINVAL},
        {"1.2.3", -EINVAL},
        {"1.5x", -EINVAL},
        {"0x10", -EINVAL},
        {"inf", -EINVAL},
        {"nan", -EINVAL},
        {"1_000", -EINVAL},
        {"\xd9\xa1", -EINVAL}, /* a digit, but not an ASCII one */
        {"0.000000001", -EINVAL},
        {"0.1234567890000001", -EINVAL},
        {"99999999999999999999999999999999999999999x", -EINVAL}, /* garbage before range */
        {"92233720368.54775808", -ERANGE},
        {"-92233720368.54775808", -ERANGE}, /* INT64_MIN is reserved */
        {"92233720369", -ERANGE},
        {"-92233720369", -ERANGE},
        {"99999999999999999999999999999999999999999999999999999999999999999999", -ERANGE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        dec_t out = UNTOUCHED;
        assert_int_equal(dec_parse(cases[i].text, strlen(cases[i].text), &out), cases[i].rc);
        assert_true(out == UNTOUCHED);
    }
    dec_t out = UNTOUCHED;
    assert_int_equal(dec_parse("1\0", 2, &out), -EINVAL);
    assert_int_equal(dec_parse(NULL, 0, &out), -EINVAL);
    assert_true(out == UNTOUCHED);
}

/* No byte beyond the length is looked at: on the heap, so that AddressSanitizer sees a step too far. */
static void test_parse_needs_no_nul(void **state)
{
    (void)state;
    static const char text[] = "-12.5";
    for (size_t length = 0; length < sizeof text - 1; length++) {
        char *exact = malloc(length ? length : 1);
        assert_non_null(exact);
        memcpy(exact, text, length);
        dec_t out = UNTOUCHED;
        bool number = length == 2 || length == 3;
        assert_int_equal(dec_parse(exact, length, &out), number ? 0 : -EINVAL);
        if (number)
            assert_int_equal(out, length == 2 ? -DEC_ONE : -12 * DEC_ONE);
        free(exact);
    }
}

static void test_format(void **state)
{
    (void)state;
    static const struct {
        dec_t value;
        int min_fraction;
        const char *want;
    } cases[] = {
        {0, 0, "0"},
        {0, 2, "0.00"},
        {0, 8, "0.00000000"},
        {DEC_ONE, 0, "1"},
        {-DEC_ONE, 2, "-1.00"},
        {1, 0, "0.00000001"},
        {-1, 0, "-0.00000001"},
        {150000000, 0, "1.5"},
        {150000000, 1, "1.5"},
        {150000000, 5, "1.50000"},
        {108512300, 2, "1.085123"},
        {-50000000, 0, "-0.5"},
        {DEC_MAX, 0, "92233720368.54775807"},
        {DEC_MIN_VALID, 8, "-92233720368.54775807"},
        {DEC_NONE, 0, "-92233720368.54775808"},
        {10 * DEC_ONE, 0, "10"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char buf[DEC_STR_MAX + 1];
        memset(buf, 'x', sizeof buf);
        assert_int_equal(dec_format(cases[i].value, cases[i].min_fraction, buf), (int)strlen(cases[i].want));
        assert_string_equal(buf, cases[i].want);
        assert_int_equal(buf[DEC_STR_MAX], 'x');
    }
}

static void test_what_is_written_is_read_again(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 100000; i++) {
        char buf[DEC_STR_MAX];
        dec_t value = random_dec(&seed), out = UNTOUCHED;
        int length = dec_format(value, i % 9, buf);
        const char *point = strchr(buf, '.');
        size_t fraction = point ? strlen(point + 1) : 0;
        assert_true(fraction >= (size_t)(i % 9) && fraction <= 8);
        assert_true(fraction == (size_t)(i % 9) || buf[length - 1] != '0');
        assert_int_equal(dec_parse(buf, (size_t)length, &out), 0);
        assert_true(out == value);
    }
}

static void test_from_double(void **state)
{
    (void)state;
    static const struct {
        double value;
        int rc;
        dec_t want;
    } cases[] = {
        {0.0, 0, 0},
        {-0.0, 0, 0},
        {0.1, 0, 10000000},
        {-0.1, 0, -10000000},
        {1.08512, 0, 108512000},
        {0.5e-8, 0, 1}, /* the binary64 is a little over the half */
        {-0.5e-8, 0, -1},
        {0.4999999e-8, 0, 0},
        {0x1p-9, 0, 195313}, /* 195312.5 exactly: away from zero */
        {-0x1p-9, 0, -195313},
        {5e-324, 0, 0},
        {-2.2250738585072014e-308, 0, 0},
        {92233720368.0, 0, INT64_C(9223372036800000000)},
        {-92233720368.0, 0, INT64_C(-9223372036800000000)},
        {92233720369.0, -ERANGE, 0},
        {-92233720369.0, -ERANGE, 0},
        {1e300, -ERANGE, 0},
        {-1.7976931348623157e308, -ERANGE, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        dec_t out = UNTOUCHED;
        assert_int_equal(dec_from_double(cases[i].value, &out), cases[i].rc);
        assert_true(out == (cases[i].rc ? UNTOUCHED : cases[i].want));
    }
    dec_t out = UNTOUCHED;
    assert_int_equal(dec_from_double((double)NAN, &out), -EDOM);
    assert_int_equal(dec_from_double((double)INFINITY, &out), -EDOM);
    assert_int_equal(dec_from_double(-(double)INFINITY, &out), -EDOM);
    assert_true(out == UNTOUCHED);
}

/*
 * Against the 64-bit significand of x87, where there is one; and back, as far as 53 bits go. Valgrind computes x87 with 53 bits
 * (its manual, "Limitations"): there the second half is left out.
 */
static void test_from_double_is_the_nearest(void **state)
{
    (void)state;
    volatile long double one = 1.0L;
    bool extended = one + 0x1p-60L > one;
    uint64_t seed = 99;
    for (int i = 0; i < 100000; i++) {
        dec_t value = random_dec(&seed) >> 11, out = UNTOUCHED;
        assert_int_equal(dec_from_double(dec_to_double(value), &out), 0);
        assert_true(out == value);

        double x = (double)random_dec(&seed) / 3e8;
        assert_int_equal(dec_from_double(x, &out), 0);
        long double error = (long double)x * 1e8L - (long double)out;
        assert_true(!extended || (error >= -0.5L && error <= 0.5L));
    }
}

static void test_abs_min_max(void **state)
{
    (void)state;
    assert_true(dec_abs(DEC_MIN_VALID) == DEC_MAX);
    assert_true(dec_abs(DEC_MAX) == DEC_MAX);
    assert_true(dec_abs(DEC_NONE) == DEC_NONE); /* and no signed overflow */
    assert_true(dec_min(-1, 1) == -1 && dec_max(-1, 1) == 1);
}

static bool aborts(void (*body)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        body();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void step_of_zero(void)
{
    dec_t out;
    dec_round_step(1, 0, DEC_ROUND_FLOOR, &out);
}
static void steps_of_a_negative(void)
{
    dec_steps(1, -1);
}
static void step_of_one(void)
{
    dec_t out;
    dec_round_step(1, 1, DEC_ROUND_FLOOR, &out);
}

static void test_a_step_that_is_not_positive_is_our_mistake(void **state)
{
    (void)state;
    assert_true(aborts(step_of_zero));
    assert_true(aborts(steps_of_a_negative));
    assert_false(aborts(step_of_one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_and_sub_at_both_ends),
        cmocka_unit_test(test_rounding_modes_with_both_signs),
        cmocka_unit_test(test_mul_and_div_at_both_ends),
        cmocka_unit_test(test_range_is_that_of_the_rounded_result),
        cmocka_unit_test(test_random_products_and_quotients_obey_their_mode),
        cmocka_unit_test(test_round_step),
        cmocka_unit_test(test_steps_are_floored),
        cmocka_unit_test(test_parse_what_is_a_number),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_parse_needs_no_nul),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_what_is_written_is_read_again),
        cmocka_unit_test(test_from_double),
        cmocka_unit_test(test_from_double_is_the_nearest),
        cmocka_unit_test(test_abs_min_max),
        cmocka_unit_test(test_a_step_that_is_not_positive_is_our_mistake),
    };
    return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
