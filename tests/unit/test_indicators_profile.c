/* Volume profiles against exact fractions, sliding against built anew, their ties by hand; pivots against their
 * definition. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/indicator_support.h"
#include "workers/strategy/indicators/pivots.h"
#include "workers/strategy/indicators/profile.h"

#define BARS 1200u

static struct indicator_bar bars[BARS];
static struct profile profile, other;
static uint64_t seed_base;

/* --- volume profile
 * --------------------------------------------------------------------------------------------------- */

static struct indicator_bar at(int64_t low, int64_t high, int64_t volume)
{
    return (struct indicator_bar){low, high, low, low, volume};
}

/* Point by point. */
static void naive_rows(uint32_t from, uint32_t to, int64_t row_points, int64_t first, long double *rows, uint32_t count)
{
    memset(rows, 0, count * sizeof *rows);
    for (uint32_t i = from; i < to; i++)
        for (int64_t point = bars[i].low; point <= bars[i].high; point++)
            rows[point / row_points - first] += (long double)bars[i].volume / (bars[i].high - bars[i].low + 1);
}

static void check_against_naive(uint32_t from, uint32_t to, int64_t row_points)
{
    static long double rows[4096];
    int64_t lowest = INT64_MAX, highest = 0;
    long double total = 0;
    for (uint32_t i = from; i < to; i++) {
        lowest = bars[i].low < lowest ? bars[i].low : lowest;
        highest = bars[i].high > highest ? bars[i].high : highest;
        total += bars[i].volume;
    }
    int64_t first = lowest / row_points;
    uint32_t count = (uint32_t)(highest / row_points - first + 1);
    assert_true(count <= 4096);
    naive_rows(from, to, row_points, first, rows, count);
    for (uint32_t k = 0; k < count; k++)
        assert_true(fabsl(rows[k] - profile_row_volume(&profile, first + k)) <= 1e-8L);
    assert_true(fabsl(total - profile_total_volume(&profile)) <= 1e-7L);
    assert_true(profile_row_volume(&profile, first - 1) == 0.0 && profile_row_volume(&profile, first + count) == 0.0);
}

/* Whatever came and went in between: the bytes of a profile of the bars that are in it. */
static void test_sliding_is_built_anew(void **unused)
{
    (void)unused;
    static const int64_t rows[] = {1, 7, 20};
    for (unsigned r = 0; r < 3; r++)
        for (unsigned run = 0; run < 4; run++) {
            const uint32_t window = 1 + 40 * run;
            walk(bars, BARS, seed_base + run, 0);
            profile_init(&profile, rows[r]);
            for (uint32_t i = 0; i < BARS; i++) {
                assert_true(profile_add(&profile, &bars[i]));
                if (i >= window)
                    assert_true(profile_remove(&profile, &bars[i - window]));
                if (i % 97 != 96)
                    continue;
                uint32_t from = i + 1 > window ? i + 1 - window : 0;
                profile_init(&other, rows[r]);
                for (uint32_t k = i + 1; k-- > from;) /* in the other order, too */
                    assert_true(profile_add(&other, &bars[k]));
                assert_memory_equal(&profile, &other, sizeof other);
                check_against_naive(from, i + 1, rows[r]);
                assert_true(profile_restorable(&profile, rows[r]));
            }
            for (uint32_t i = BARS - window; i < BARS; i++)
                assert_true(profile_remove(&profile, &bars[i]));
            profile_init(&other, rows[r]);
            assert_memory_equal(&profile, &other, sizeof other);
        }
}

static void test_limits(void **unused)
{
    (void)unused;
    struct indicator_bar low = at(1000, 1000, 5), high = at(1000 + PROFILE_ROWS_MAX, 1000 + PROFILE_ROWS_MAX, 5);
    struct indicator_bar last = at(999 + PROFILE_ROWS_MAX, 999 + PROFILE_ROWS_MAX, 5), none = at(1, 9000, 0);
    struct profile_area area;
    profile_init(&profile, 1);
    assert_false(profile_value_area(&profile, PROFILE_SINGLE, 70, &area));
    assert_true(profile_add(&profile, &none) && profile.bar_count == 0); /* without volume */
    assert_true(profile_add(&profile, &low) && profile_add(&profile, &last));
    other = profile;
    assert_false(profile_add(&profile, &high));
    assert_false(profile_remove(&profile, &high)); /* was never in it */
    struct indicator_bar more = at(1000, 1000, 6);
    assert_false(profile_remove(&profile, &more));
    assert_memory_equal(&profile, &other, sizeof other);
    profile_init(&profile, 1);
    for (uint32_t i = 0; i < PROFILE_BARS_MAX; i++) {
        struct indicator_bar big = at(1000, 1000, INDICATOR_VOLUME_MAX);
        assert_true(profile_add(&profile, &big));
    }
    assert_false(profile_add(&profile, &low));
    assert_true(profile_total_volume(&profile) == (double)PROFILE_BARS_MAX * (double)INDICATOR_VOLUME_MAX);
    assert_true(profile_value_area(&profile, PROFILE_PAIR, 100, &area) && area.poc_row == 1000);
    assert_true(profile_restorable(&profile, 1));
}

static void histogram(const int64_t *volumes, uint32_t count)
{
    profile_init(&profile, 1);
    for (uint32_t k = 0; k < count; k++) {
        struct indicator_bar bar = at(100 + k, 100 + k, volumes[k]);
        assert_true(profile_add(&profile, &bar));
    }
}

static void check_area(enum profile_walk walk_by, uint32_t pct, int64_t poc, int64_t low, int64_t high)
{
    struct profile_area area;
    assert_true(profile_value_area(&profile, walk_by, pct, &area));
    assert_int_equal(area.poc_row, 100 + poc);
    assert_int_equal(area.low_row, 100 + low);
    assert_int_equal(area.high_row, 100 + high);
    assert_true(area.low == area.low_row && area.high == area.high_row + 1 && area.poc == (double)area.poc_row + 0.5);
}

static void test_ties_by_hand(void **unused)
{
    (void)unused;
    const int64_t two_peaks[] = {1, 9, 1, 1, 1, 9, 1, 1}; /* middle 3.5: the one at 5 is nearer */
    histogram(two_peaks, 8);
    check_area(PROFILE_SINGLE, 30, 5, 5, 5);
    const int64_t even_peaks[] = {1, 9, 1, 1, 9, 1}; /* middle 2.5, as far: the lower */
    histogram(even_peaks, 6);
    check_area(PROFILE_SINGLE, 30, 1, 1, 1);
    const int64_t even[] = {2, 5, 10, 5, 2}; /* 24: a tie goes above */
    histogram(even, 5);
    check_area(PROFILE_SINGLE, 50, 2, 2, 3);
    check_area(PROFILE_SINGLE, 70, 2, 1, 3);
    check_area(PROFILE_PAIR, 70, 2, 2, 4); /* 17 of 24 = 70.8 % */
    check_area(PROFILE_PAIR, 71, 2, 0, 4);
    const int64_t pairs[] = {1, 1, 8, 9, 6, 0, 0, 1}; /* single sees the 8, pair 9 below against 6 above */
    histogram(pairs, 8);
    check_area(PROFILE_PAIR, 60, 3, 1, 3);
    check_area(PROFILE_SINGLE, 80, 3, 2, 4);
    const int64_t exact[] = {3, 7}; /* 70 % of 10 is reached by the peak */
    histogram(exact, 2);
    check_area(PROFILE_SINGLE, 70, 1, 1, 1);
    check_area(PROFILE_SINGLE, 71, 1, 0, 1);
    const int64_t top[] = {5, 1, 1, 1, 20}; /* nothing above: only down is left */
    histogram(top, 5);
    check_area(PROFILE_SINGLE, 100, 4, 0, 4);
    check_area(PROFILE_PAIR, 75, 4, 2, 4);
}

/* Thirds do not fall on the grid of 2^-40: rows that are equal as fractions are equal here. */
static void test_ties_that_rounding_hides(void **unused)
{
    (void)unused;
    struct indicator_bar third = at(100, 102, 1), whole = at(105, 105, 1), thirds = at(100, 102, 2);
    struct profile_area area;
    profile_init(&profile, 1);
    assert_true(profile_add(&profile, &third) && profile_add(&profile, &thirds)); /* 1/3 + 2/3 in 100..102 */
    assert_true(profile_add(&profile, &whole));
    assert_true(profile_value_area(&profile, PROFILE_SINGLE, 75, &area)); /* 4 in all, middle 102.5 */
    assert_int_equal(area.poc_row, 102);
    assert_int_equal(area.low_row, 100); /* three of the four rows are 75 %, to the last digit */
    assert_int_equal(area.high_row, 102);
}

static void test_strength(void **unused)
{
    (void)unused;
    const int64_t volumes[] = {30, 40, 10, 10, 5, 5}; /* rows 100..105 */
    struct profile_area area;
    histogram(volumes, 6);
    assert_true(profile_value_area(&profile, PROFILE_SINGLE, 70, &area)); /* 100..101 */
    struct profile_strength s = profile_range_strength(&profile, &area, 100, 106, true);
    check_near("location", 0, 1.0 - 1.5 / 6.0, s.location, 1e-15);
    check_near("half", 0, 0.8, s.half, 1e-15);
    check_near("compactness", 0, 1.0 - 2.0 / 6.0, s.compactness, 1e-15);
    check_near("strength", 0, (s.location + s.half + s.compactness) / 3.0, s.strength, 1e-15);
    struct profile_strength d = profile_range_strength(&profile, &area, 100, 106, false);
    check_near("location", 1, 1.5 / 6.0, d.location, 1e-15);
    check_near("half", 1, 0.2, d.half, 1e-15);
    s = profile_range_strength(&profile, &area, 104, 105, true); /* a range that the volume is not in */
    assert_true(s.location == 1.0 && s.compactness == 0.0);
    assert_true(isnan(profile_range_strength(&profile, &area, 106, 106, true).strength));
    struct indicator_bar wide_row = at(100, 119, 20); /* a row of 20 points, cut by the middle at 105 */
    profile_init(&profile, 20);
    assert_true(profile_add(&profile, &wide_row) && profile_value_area(&profile, PROFILE_SINGLE, 70, &area));
    check_near("cut", 0, 0.25, profile_range_strength(&profile, &area, 100, 110, true).half, 1e-15);
}

/* --- pivots
 * ------------------------------------------------------------------------------------------------------------ */

static bool naive_pivot(uint32_t i, uint32_t left, uint32_t right, bool high)
{
    if (i < left || i + right >= BARS)
        return false;
    int64_t sign = high ? 1 : -1, price = high ? bars[i].high : bars[i].low;
    for (uint32_t k = 1; k <= left; k++)
        if (sign * (price - (high ? bars[i - k].high : bars[i - k].low)) <= 0)
            return false;
    for (uint32_t k = 1; k <= right; k++)
        if (sign * (price - (high ? bars[i + k].high : bars[i + k].low)) < 0)
            return false;
    return true;
}

static void test_pivots(void **unused)
{
    (void)unused;
    static const uint32_t spans[] = {1, 2, 5, 20, PIVOT_SPAN_MAX};
    static struct pivots pivots;
    unsigned found_in_all = 0;
    for (unsigned kind = 0; kind < 3; kind++)
        for (unsigned n = 0; n < 25; n++) {
            const uint32_t left = spans[n / 5], right = spans[n % 5];
            walk(bars, BARS, seed_base + n, kind);
            pivots_init(&pivots, left, right);
            for (uint32_t t = 0; t < BARS; t++) {
                struct pivot found[2] = {{0}};
                uint32_t count = pivots_next(&pivots, bars[t].high, bars[t].low, found), at_found = 0;
                for (unsigned low = 0; t >= right && low < 2; low++) {
                    const bool high = low == 0;
                    if (!naive_pivot(t - right, left, right, high))
                        continue;
                    assert_true(at_found < count);
                    const struct pivot *p = &found[at_found++];
                    assert_true(p->kind == (high ? PIVOT_HIGH : PIVOT_LOW) && p->bar == t - right);
                    assert_true(p->confirmed_at == t && p->price == (high ? bars[p->bar].high : bars[p->bar].low));
                }
                assert_int_equal(count, at_found);
                found_in_all += count;
            }
        }
    print_message("%u pivots\n", found_in_all);
    assert_true(found_in_all > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sliding_is_built_anew),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_ties_by_hand),
        cmocka_unit_test(test_ties_that_rounding_hides),
        cmocka_unit_test(test_strength),
        cmocka_unit_test(test_pivots),
    };
    const char *text = getenv("PROPFLEET_TEST_SEED");
    seed_base = text ? strtoull(text, NULL, 10) : 20261125;
    print_message("PROPFLEET_TEST_SEED=%llu\n", (unsigned long long)seed_base);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
