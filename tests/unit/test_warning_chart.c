/* Control charts: run lengths against simulation, limits, charts against naive sums, snapshots and hostile bytes. */
#include "tests/unit/warning_support.h"

#include <errno.h>

#include "workers/performance/warning/monitor.h"

static struct warning_workspace work;

/* --- run lengths
 * --------------------------------------------------------------------------------------------------------- */

#define RUNS 4000
struct sample {
    double mean, error;
};
static struct sample sample_of(const double *runs)
{
    double sum = 0.0, square = 0.0;
    for (int i = 0; i < RUNS; i++)
        sum += runs[i];
    for (int i = 0; i < RUNS; i++)
        square += (runs[i] - sum / RUNS) * (runs[i] - sum / RUNS);
    return (struct sample){sum / RUNS, sqrt(square / (RUNS - 1.0) / RUNS)};
}

static void cusum_run_lengths_are_simulated(void **state)
{
    (void)state;
    static double runs[RUNS];
    uint64_t seed = 31;
    printf("# seed %llu\n", (unsigned long long)seed);
    const double cases[][4] = {
        {0.25, 3.0, 0.0, 0.0}, {0.5, 4.0, 0.5, 2.0}, {0.25, 5.0, 1.0, 0.0}, {0.0, 6.0, 0.0, 0.0}};
    for (size_t c = 0; c < 4; c++) {
        const struct warning_cusum_design design = {
            .mean = 3.0, .deviation = 2.0, .k = cases[c][0], .h = cases[c][1], .start = cases[c][3], .side = -1};
        for (int i = 0; i < RUNS; i++) {
            struct warning_cusum cusum;
            assert_int_equal(warning_cusum_init(&cusum, &design), 0);
            while (!warning_cusum_observe(&cusum, 3.0 - 2.0 * (cases[c][2] + support_normal(&seed))))
                ;
            runs[i] = (double)cusum.count;
        }
        struct sample s = sample_of(runs);
        double arl = warning_cusum_arl(&work, design.k, design.h, cases[c][2], design.start);
        if (!(fabs(s.mean - arl) < 3.5 * s.error))
            fail_msg("case %zu: simulated %g +- %g, computed %g", c, s.mean, s.error, arl);
    }
}

static void ewma_run_lengths_are_simulated(void **state)
{
    (void)state;
    static double runs[RUNS];
    uint64_t seed = 41;
    for (int i = 0; i < RUNS; i++) {
        struct warning_ewma ewma;
        assert_int_equal(warning_ewma_init(&ewma, 1.0, 0.5, 0.1, 2.0), 0);
        while (!warning_ewma_observe(&ewma, 1.0 + 0.5 * (0.2 + support_normal(&seed))))
            ;
        runs[i] = (double)ewma.count;
    }
    struct sample s = sample_of(runs);
    double arl = warning_ewma_arl(&work, 0.1, 2.0, 0.2);
    if (!(fabs(s.mean - arl) < 3.5 * s.error))
        fail_msg("simulated %g +- %g, computed %g", s.mean, s.error, arl);
    support_near(warning_ewma_arl(&work, 1.0, 3.0, 0.0), 1.0 / 0.0026997960632601866, 1e-9); /* Shewhart's chart */
}

static void limits_give_their_run_length(void **state)
{
    (void)state;
    for (double k = 0.25; k < 1.3; k += 0.25)
        for (double arl0 = 12.0; arl0 < 1e6; arl0 *= 7.0)
            for (int two = 0; two < 2; two++) {
                double h = warning_cusum_critical(&work, k, arl0, two);
                double arl =
                    two ? warning_cusum_arl_two_sided(&work, k, h, 0.0) : warning_cusum_arl(&work, k, h, 0.0, 0.0);
                support_near(arl, arl0, 1e-7);
            }
    support_near(warning_ewma_arl(&work, 0.1, warning_ewma_critical(&work, 0.1, 500.0), 0.0), 500.0, 1e-7);
    assert_true(warning_cusum_critical(&work, 1.0, 2.0, false) == 0.0); /* every excess over k already runs longer */
    assert_true(isnan(warning_cusum_critical(&work, 0.0, 1e9, false))); /* k 0 needs more than 40 deviations */
    assert_true(isnan(warning_cusum_critical(&work, 0.5, 1.0, false)) &&
                isnan(warning_cusum_critical(&work, NAN, 9.0, true)));
    assert_true(
        isnan(warning_cusum_arl(&work, 0.5, 41.0, 0.0, 0.0)) && isnan(warning_cusum_arl(&work, 0.5, 4.0, 0.0, 5.0)) &&
        isnan(warning_cusum_arl(&work, -0.5, 4.0, 0.0, 0.0)) && isnan(warning_cusum_arl(&work, 0.5, 4.0, NAN, 0.0)));
    assert_true(isnan(warning_ewma_arl(&work, 0.0, 3.0, 0.0)) && isnan(warning_ewma_arl(&work, 0.1, -1.0, 0.0)) &&
                isnan(warning_ewma_critical(&work, 0.1, 0.5)));
    support_near(warning_cusum_arl(&work, 0.5, 40.0, 2.0, 0.0), 27.4, 0.01); /* the widest: about h / (shift - k) */
    support_near(warning_cusum_delay(0.2, 1000.0), 345.4, 1e-3);
    assert_true(warning_cusum_reference(0.5) == 0.25 && isnan(warning_cusum_reference(0.0)) &&
                isnan(warning_cusum_delay(1, 1)));
}

static void counts_are_exact(void **state)
{
    (void)state;
    static double runs[RUNS];
    uint64_t seed = 51;
    const struct {
        enum warning_count_kind kind;
        double usual, changed;
    } cases[] = {{WARNING_POISSON, 2.0, 1.0},
                 {WARNING_POISSON, 0.4, 0.8},
                 {WARNING_BERNOULLI, 0.1, 0.2},
                 {WARNING_BERNOULLI, 0.5, 0.25}};
    for (size_t c = 0; c < 4; c++) {
        struct warning_count_design design;
        assert_int_equal(warning_count_find(&work, cases[c].kind, cases[c].usual, cases[c].changed, 60.0, &design), 0);
        double k = (double)design.k / design.per_unit;
        assert_true((k - cases[c].usual) * (k - cases[c].changed) < 0.0); /* between the means */
        double arl = warning_count_arl(&work, &design, cases[c].usual, 0);
        assert_true(arl >= 60.0);
        struct warning_count_design less = design;
        less.h--;
        assert_true(less.h == 0 || warning_count_arl(&work, &less, cases[c].usual, 0) < 60.0);
        assert_true(warning_count_arl(&work, &design, cases[c].changed, 0) < arl / 2.0);
        for (int i = 0; i < RUNS; i++) {
            struct warning_count count;
            assert_int_equal(warning_count_init(&count, &design), 0);
            for (bool alarmed = false; !alarmed;)
                alarmed = warning_count_observe(&count, cases[c].kind == WARNING_POISSON
                                                            ? support_poisson(&seed, cases[c].usual)
                                                            : support_uniform(&seed) < cases[c].usual);
            runs[i] = (double)count.count;
        }
        struct sample s = sample_of(runs);
        if (!(fabs(s.mean - arl) < 3.5 * s.error))
            fail_msg("case %zu: simulated %g +- %g, computed %g", c, s.mean, s.error, arl);
    }
}

static void counts_refuse(void **state)
{
    (void)state;
    struct warning_count_design d;
    assert_int_equal(warning_count_find(&work, WARNING_POISSON, 2.0, 2.0, 60.0, &d), -EINVAL);
    assert_int_equal(warning_count_find(&work, WARNING_POISSON, 0.0, 2.0, 60.0, &d), -EINVAL);
    assert_int_equal(warning_count_find(&work, WARNING_POISSON, 2.0, NAN, 60.0, &d), -EINVAL);
    assert_int_equal(warning_count_find(&work, WARNING_BERNOULLI, 0.5, 1.0, 60.0, &d), -EINVAL);
    assert_int_equal(warning_count_find(&work, WARNING_POISSON, 2.0, 1.0, 1.0, &d), -EINVAL);
    assert_int_equal(warning_count_find(&work, WARNING_POISSON, 100.0, 99.0, 1e9, &d), -ERANGE);
    d = (struct warning_count_design){.kind = WARNING_POISSON, .side = 1, .per_unit = 1, .k = 1, .h = 3};
    assert_true(isnan(warning_count_arl(&work, &d, 1.0, 3)) && isnan(warning_count_arl(&work, &d, -1.0, 0)));
    d.side = 2;
    struct warning_count state_of;
    assert_int_equal(warning_count_init(&state_of, &d), -EINVAL);
    d.side = 1;
    d.h = WARNING_STATES_MAX;
    assert_int_equal(warning_count_init(&state_of, &d), -EINVAL);
    assert_false(warning_count_restorable(&state_of, &d));
}

/* --- charts
 * ---------------------------------------------------------------------------------------------------------------- */

static void cusum_is_the_largest_sum_since(void **state)
{
    (void)state;
    uint64_t seed = 61;
    static double z[400];
    const struct warning_cusum_design design = {
        .mean = 0.1, .deviation = 0.5, .k = 0.3, .h = 4.0, .clip = 2.0, .side = 1};
    struct warning_cusum cusum;
    assert_int_equal(warning_cusum_init(&cusum, &design), 0);
    for (int t = 0; t < 400; t++) {
        double x = 0.1 + support_normal(&seed);
        z[t] = fmax(-2.0, fmin(2.0, (x - 0.1) / 0.5)) - 0.3;
        bool alarmed = warning_cusum_observe(&cusum, x);
        double largest = 0.0, sum = 0.0;
        for (int s = t; s >= 0; s--)
            largest = fmax(largest, sum += z[s]);
        support_near(cusum.sum + 1.0, largest + 1.0, 1e-11);
        assert_int_equal(alarmed, cusum.sum > 4.0);
    }
}

static void cusum_prewhitens(void **state)
{
    (void)state;
    uint64_t seed = 71;
    struct warning_cusum_design design = {.deviation = 1.0,
                                          .k = 0.25,
                                          .h = warning_cusum_critical(&work, 0.25, 200.0, false),
                                          .autocorrelation = 0.4,
                                          .side = -1};
    double total[2] = {0};
    for (int plain = 0; plain < 2; plain++) {
        design.autocorrelation = plain ? 0.0 : 0.4;
        for (int i = 0; i < 1500; i++) {
            struct warning_cusum cusum;
            assert_int_equal(warning_cusum_init(&cusum, &design), 0);
            double x = support_normal(&seed);
            while (!warning_cusum_observe(&cusum, x))
                x = 0.4 * x + sqrt(1.0 - 0.16) * support_normal(&seed);
            total[plain] += (double)cusum.count / 1500.0;
        }
    }
    assert_true(fabs(total[0] - 200.0) < 20.0); /* what was designed */
    assert_true(total[1] < 100.0);              /* what it would be without */
}

static void paths_find_the_same_limit(void **state)
{
    (void)state;
    enum { VALUES = 4000, PATHS = 200, LENGTH = 3000 };
    static double values[VALUES];
    static uint32_t indices[PATHS * LENGTH];
    uint64_t seed = 81;
    for (int i = 0; i < VALUES; i++)
        values[i] = support_normal(&seed);
    for (int i = 0; i < PATHS * LENGTH; i++)
        indices[i] = (uint32_t)(support_uniform(&seed) * VALUES);
    struct warning_cusum_design design = {.deviation = 1.0, .k = 0.25, .side = -1};
    design.h = warning_cusum_critical_paths(&design, values, VALUES, indices, PATHS, LENGTH, 200.0);
    assert_true(fabs(design.h - 5.597) < 0.5); /* quant.md: 5.597 for 200 */
    assert_true(warning_cusum_arl_paths(&design, values, VALUES, indices, PATHS, LENGTH) >= 200.0);
    design.h -= 2e-3;
    assert_true(warning_cusum_arl_paths(&design, values, VALUES, indices, PATHS, LENGTH) < 200.0);
    assert_true(isnan(warning_cusum_critical_paths(&design, values, VALUES, indices, PATHS, LENGTH, 1e6)));
    indices[5] = VALUES;
    assert_true(isnan(warning_cusum_arl_paths(&design, values, VALUES, indices, PATHS, LENGTH)));
    assert_true(isnan(warning_cusum_arl_paths(&design, values, VALUES, indices, 0, LENGTH)));
}

static void charts_refuse_and_pass_over(void **state)
{
    (void)state;
    const struct warning_cusum_design good = {.deviation = 1.0, .k = 0.25, .h = 4.0, .start = 2.0, .side = -1};
    struct warning_cusum_design bad[7];
    for (int i = 0; i < 7; i++)
        bad[i] = good;
    bad[0].deviation = 0.0, bad[1].k = -1.0, bad[2].h = NAN, bad[3].start = 5.0, bad[4].side = 0,
    bad[5].autocorrelation = 1.0;
    bad[6].mean = INFINITY;
    struct warning_cusum cusum;
    for (int i = 0; i < 7; i++) {
        assert_int_equal(warning_cusum_init(&cusum, &bad[i]), -EINVAL);
        assert_false(warning_cusum_restorable(&cusum, &bad[i]));
    }
    assert_int_equal(warning_cusum_init(&cusum, &good), 0);
    assert_true(cusum.sum == 2.0); /* the fast start */
    struct warning_cusum before = cusum;
    assert_false(warning_cusum_observe(&cusum, NAN) || warning_cusum_observe(&cusum, -INFINITY));
    assert_memory_equal(&cusum, &before, sizeof cusum);
    for (int i = 0; i < 20; i++)
        (void)warning_cusum_observe(&cusum, -5.0);
    assert_true(cusum.alarmed && warning_cusum_observe(&cusum, NAN)); /* stands */
    warning_cusum_reset(&cusum);
    assert_true(!cusum.alarmed && cusum.sum == 2.0);
    struct warning_ewma ewma;
    assert_int_equal(warning_ewma_init(&ewma, 0.0, 0.0, 0.1, 3.0), -EINVAL);
    assert_int_equal(warning_ewma_init(&ewma, 0.0, 1.0, 1.5, 3.0), -EINVAL);
    struct warning_page_hinkley ph;
    assert_int_equal(warning_page_hinkley_init(&ph, 0.05, 0.0, 1.0, 30), -EINVAL);
    assert_int_equal(warning_page_hinkley_init(&ph, 0.05, 5.0, 1.0, 3), 0);
    assert_false(warning_page_hinkley_observe(&ph, NAN));
    assert_int_equal(ph.count, 0);
    while (!warning_page_hinkley_observe(&ph, ph.count < 3 ? 0.0 : 4.0))
        ;
    assert_true(ph.count > 3);
    assert_false(warning_page_hinkley_observe(&ph, 4.0)); /* starts again by itself */
    assert_true(ph.count == 1 && ph.sum == 0.0);
}

/* Half of it before a copy as bytes, half after, is the whole; bytes that were turned around are either refused or
 * harmless. */
static void snapshots(void **state)
{
    (void)state;
    uint64_t seed = 91;
    const struct warning_cusum_design cd = {.deviation = 1.0, .k = 0.25, .h = 6.0, .autocorrelation = 0.1, .side = -1};
    const struct warning_count_design nd = {.kind = WARNING_POISSON, .side = -1, .per_unit = 2, .k = 3, .h = 20};
    struct warning_cusum cusum, cusum_copy;
    struct warning_ewma ewma, ewma_copy;
    struct warning_page_hinkley ph, ph_copy;
    struct warning_count count, count_copy;
    assert_int_equal(warning_cusum_init(&cusum, &cd) | warning_ewma_init(&ewma, 0, 1, 0.1, 3) |
                         warning_page_hinkley_init(&ph, 0.05, 9.0, 0.999, 30) | warning_count_init(&count, &nd),
                     0);
    for (int round = 0; round < 2000; round++) {
        cusum_copy = cusum, ewma_copy = ewma, ph_copy = ph, count_copy = count;
        assert_true(warning_cusum_restorable(&cusum_copy, &cd) && warning_ewma_restorable(&ewma_copy) &&
                    warning_page_hinkley_restorable(&ph_copy) && warning_count_restorable(&count_copy, &nd));
        double x = support_normal(&seed);
        uint32_t n = support_poisson(&seed, 2.0);
        assert_int_equal(warning_cusum_observe(&cusum, x), warning_cusum_observe(&cusum_copy, x));
        assert_int_equal(warning_ewma_observe(&ewma, x), warning_ewma_observe(&ewma_copy, x));
        assert_int_equal(warning_page_hinkley_observe(&ph, x), warning_page_hinkley_observe(&ph_copy, x));
        assert_int_equal(warning_count_observe(&count, n), warning_count_observe(&count_copy, n));
        assert_memory_equal(&cusum, &cusum_copy, sizeof cusum);
        assert_memory_equal(&ewma, &ewma_copy, sizeof ewma);
        assert_memory_equal(&ph, &ph_copy, sizeof ph);
        assert_memory_equal(&count, &count_copy, sizeof count);
    }
    uint32_t refused = 0;
    for (int round = 0; round < 20000; round++) {
        cusum_copy = cusum, ewma_copy = ewma, ph_copy = ph, count_copy = count;
        support_spoil(&cusum_copy, sizeof cusum_copy, &seed);
        support_spoil(&ewma_copy, sizeof ewma_copy, &seed);
        support_spoil(&ph_copy, sizeof ph_copy, &seed);
        support_spoil(&count_copy, sizeof count_copy, &seed);
        bool ok[] = {warning_cusum_restorable(&cusum_copy, &cd), warning_ewma_restorable(&ewma_copy),
                     warning_page_hinkley_restorable(&ph_copy), warning_count_restorable(&count_copy, &nd)};
        for (int i = 0; i < 4; i++)
            refused += !ok[i];
        if (ok[0]) {
            (void)warning_cusum_observe(&cusum_copy, 1.0);
            assert_true(cusum_copy.sum >= 0.0 && isfinite(cusum_copy.sum));
        }
        if (ok[1])
            (void)warning_ewma_observe(&ewma_copy, 1.0), assert_false(isnan(ewma_copy.level));
        if (ok[2]) {
            (void)warning_page_hinkley_observe(&ph_copy, 1.0);
            assert_true(ph_copy.sum >= 0.0);
        }
        if (ok[3]) {
            (void)warning_count_observe(&count_copy, 1);
            assert_true(count_copy.sum >= 0);
        }
    }
    assert_true(refused > 30000);
    cusum_copy = cusum;
    cusum_copy.version++;
    assert_false(warning_cusum_restorable(&cusum_copy, &cd));
    struct warning_cusum_design other = cd;
    other.h = 7.0;
    assert_false(warning_cusum_restorable(&cusum, &other)); /* another design: rebuild */
}

/* --- calibration
 * ------------------------------------------------------------------------------------------------------------- */

struct fake {
    double sum;
    uint32_t count;
};
static void fake_observe(void *self, double difference)
{
    struct fake *f = self;
    f->sum += difference;
    f->count++;
}
static void fake_bounds(const void *self, double *low, double *high)
{
    const struct fake *f = self;
    *low = f->count < 10 ? NAN : f->sum / f->count - 0.05;
    *high = f->count < 10 ? NAN : f->sum / f->count + 0.05;
}

static void brier_difference(void **state)
{
    (void)state;
    struct fake f = {0};
    const struct warning_sequential test = {.self = &f, .observe = fake_observe, .bounds = fake_bounds};
    assert_false(warning_brier_observe(&test, 0.9, 0.5, false));
    support_near(f.sum, 0.81 - 0.25, 1e-15);
    assert_false(warning_brier_observe(&test, NAN, 0.5, true) || warning_brier_observe(&test, 1.5, 0.5, true));
    assert_int_equal(f.count, 1);
    for (int i = 0; i < 8; i++)
        assert_false(warning_brier_observe(&test, 0.9, 0.5, false)); /* too few */
    assert_true(warning_brier_observe(&test, 0.9, 0.5, false));
    f = (struct fake){0};
    for (int i = 0; i < 20; i++)
        assert_false(warning_brier_observe(&test, 0.9, 0.5, true)); /* better than the reference */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cusum_run_lengths_are_simulated),
        cmocka_unit_test(ewma_run_lengths_are_simulated),
        cmocka_unit_test(limits_give_their_run_length),
        cmocka_unit_test(counts_are_exact),
        cmocka_unit_test(counts_refuse),
        cmocka_unit_test(cusum_is_the_largest_sum_since),
        cmocka_unit_test(cusum_prewhitens),
        cmocka_unit_test(paths_find_the_same_limit),
        cmocka_unit_test(charts_refuse_and_pass_over),
        cmocka_unit_test(snapshots),
        cmocka_unit_test(brier_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
