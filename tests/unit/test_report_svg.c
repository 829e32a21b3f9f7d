/* Charts: a thinned series keeps its ends and every extreme, whatever its length; what is drawn is well-formed and inside
 * its frame; nothing to draw is said. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/report/svg.h"

static uint64_t random_state = 20261125;
static double draw(void) /* 0..1 */
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(random_state >> 11) / 9007199254740992.0;
}

static void test_series_keeps_extremes(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {1, 2, 599, 600, 601, 1200, 1201, 5000, 77777};
    for (unsigned l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        static struct svg_curve curve;
        memset(&curve, 0, sizeof curve);
        double low = INFINITY, high = -INFINITY, value = 100;
        for (uint32_t i = 0; i < lengths[l]; i++) {
            value += draw() - 0.5 + (i == lengths[l] / 2 ? 40 : i == lengths[l] / 2 + 1 ? -80 : 0); /* a spike of one sample */
            low = fmin(low, value);
            high = fmax(high, value);
            svg_curve_add(&curve, (int64_t)i, value);
        }
        double seen_low = INFINITY, seen_high = -INFINITY;
        uint64_t samples = 0;
        for (uint32_t i = 0; i < curve.count; i++) {
            seen_low = fmin(seen_low, curve.points[i].low);
            seen_high = fmax(seen_high, curve.points[i].high);
            samples += i + 1 < curve.count ? curve.stride : curve.held;
            assert_true(i == 0 || curve.points[i].time_ns > curve.points[i - 1].time_ns);
            assert_true(curve.points[i].low <= curve.points[i].last && curve.points[i].last <= curve.points[i].high);
        }
        assert_true(curve.count <= SVG_POINTS_MAX);
        assert_true(seen_low == low && seen_high == high);
        assert_int_equal(samples, lengths[l]);
        assert_true(curve.points[curve.count - 1].last == value);
        assert_int_equal(curve.points[curve.count - 1].time_ns, lengths[l] - 1);
    }
}

/* What a chart printed; the caller frees it. */
static char *drawn;
static size_t drawn_size;
static FILE *begin(void)
{
    free(drawn);
    FILE *out = open_memstream(&drawn, &drawn_size);
    assert_non_null(out);
    return out;
}
/* As many tags are opened as closed, and no number is one that SVG does not know. */
static void check_well_formed(FILE *out)
{
    int depth = 0;
    fclose(out);
    for (const char *p = drawn; (p = strchr(p, '<')); p++) {
        const char *end = strchr(p, '>');
        assert_non_null(end);
        depth += p[1] == '/' ? -1 : end[-1] == '/' ? 0 : 1;
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    assert_null(strstr(drawn, "nan"));
    assert_null(strstr(drawn, "inf"));
}

static void test_line(void **state)
{
    (void)state;
    struct svg_point points[3] = {{0, 90, 110, 100}, {INT64_C(86400) * 1000000000, 80, 105, 90}, {INT64_C(2) * 86400 * 1000000000, 85, 120, 119}};
    struct svg_line line = {.points = points, .count = 3, .title = "Equity", .unit = "", .reference = 100};
    FILE *out = begin();
    svg_line(out, &line);
    check_well_formed(out);
    assert_non_null(strstr(drawn, "1970-01-03"));
    assert_non_null(strstr(drawn, "class=\"r\"")); /* the reference */
    line.area = true;
    line.reference = NAN;
    out = begin();
    svg_line(out, &line);
    check_well_formed(out);
    assert_non_null(strstr(drawn, "Z\"")); /* closed */
    line.count = 1;
    out = begin();
    svg_line(out, &line);
    check_well_formed(out);
    assert_non_null(strstr(drawn, "fewer than two points"));
}

/* A series that never moves has a frame all the same. */
static void test_flat_line(void **state)
{
    (void)state;
    struct svg_point points[2] = {{0, 5, 5, 5}, {1000000000, 5, 5, 5}};
    FILE *out = begin();
    svg_line(out, &(struct svg_line){.points = points, .count = 2, .title = "flat", .unit = "", .reference = NAN});
    check_well_formed(out);
    points[0] = points[1] = (struct svg_point){7, 0, 0, 0}; /* of one instant, too */
    out = begin();
    svg_line(out, &(struct svg_line){.points = points, .count = 2, .title = "flat", .unit = "", .area = true, .reference = NAN});
    check_well_formed(out);
}

static void test_bars(void **state)
{
    (void)state;
    struct svg_bar bars[3] = {{"-1.0", 4, true}, {"0.0", 0, false}, {"1.0", 9, false}};
    FILE *out = begin();
    svg_bars(out, "R", bars, 3);
    check_well_formed(out);
    assert_non_null(strstr(drawn, "class=\"n\""));
    bars[0].value = bars[2].value = 0;
    out = begin();
    svg_bars(out, "R", bars, 3);
    check_well_formed(out);
    assert_non_null(strstr(drawn, "nothing to show"));
}

static void test_calibration(void **state)
{
    (void)state;
    struct svg_dot dots[2] = {{0.2, 0.3, 0.1, 0.5, 12}, {0.8, 1.0, 0.7, 1.0, 9}};
    FILE *out = begin();
    svg_calibration(out, "Calibration", dots, 2);
    check_well_formed(out);
    assert_non_null(strstr(drawn, "n 12"));
    out = begin();
    svg_calibration(out, "Calibration", dots, 0);
    check_well_formed(out);
    assert_non_null(strstr(drawn, "no signal"));
}

static int clean_up(void **state)
{
    (void)state;
    free(drawn);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_series_keeps_extremes), cmocka_unit_test(test_line), cmocka_unit_test(test_flat_line),
        cmocka_unit_test(test_bars), cmocka_unit_test(test_calibration),
    };
    return cmocka_run_group_tests(tests, NULL, clean_up);
}
