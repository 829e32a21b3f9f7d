/* Bayesian change points against a recomputation from all the data, pruning, a full table, snapshots, hostile bytes. */
#include "tests/unit/warning_support.h"

#include <errno.h>

#include "workers/performance/warning/bocpd.h"

#define T 120u
static const struct warning_bocpd_design plain = {
    .m0 = 0.2, .k0 = 0.5, .a0 = 1.5, .b0 = 0.7, .hazard = 1.0 / 80.0, .probability = 0.8, .window = 20};

/* ln of the density of x[from .. to) under one Normal-Gamma, in closed form. */
static double naive_evidence(const double *x, uint32_t from, uint32_t to)
{
    double n = to - from, mean = 0.0, square = 0.0;
    for (uint32_t i = from; i < to; i++)
        mean += x[i] / n;
    for (uint32_t i = from; i < to; i++)
        square += (x[i] - mean) * (x[i] - mean);
    if (to == from)
        return 0.0;
    double k = plain.k0 + n, a = plain.a0 + n / 2.0;
    double b = plain.b0 + square / 2.0 + plain.k0 * n * (mean - plain.m0) * (mean - plain.m0) / (2.0 * k);
    return lgamma(a) - lgamma(plain.a0) + plain.a0 * log(plain.b0) - a * log(b) + 0.5 * log(plain.k0 / k) -
           n / 2.0 * log(2.0 * M_PI);
}

/* P(data up to t, last change before observation s), by the recursion over segments: e[s] = evidence of everything
 * before. */
static void naive_posterior(const double *x, uint32_t t, double *run, double *log_evidence)
{
    double head[T + 1]; /* ln P(x[0..s), a change right after) */
    head[0] = 0.0;
    double joint[T + 1];
    for (uint32_t end = 1; end <= t; end++) {
        double largest = -INFINITY, sum = 0.0;
        for (uint32_t s = 0; s < end; s++) {
            joint[s] = head[s] + naive_evidence(x, s, end) + (end - s - 1) * log1p(-plain.hazard);
            largest = fmax(largest, joint[s]);
        }
        for (uint32_t s = 0; s < end; s++)
            sum += exp(joint[s] - largest);
        *log_evidence = largest + log(sum);
        head[end] = *log_evidence + log(plain.hazard);
    }
    for (uint32_t s = 0; s < t; s++)
        run[t - s] = exp(joint[s] + log1p(-plain.hazard) - *log_evidence);
    run[0] = plain.hazard;
}

static void posterior_is_the_whole_sum(void **state)
{
    (void)state;
    static struct warning_bocpd b;
    uint64_t seed = 17;
    double x[T], run[T + 1];
    printf("# seed %llu\n", (unsigned long long)seed);
    assert_int_equal(warning_bocpd_init(&b, &plain), 0);
    for (uint32_t t = 0; t < T; t++) {
        x[t] = support_normal(&seed) * (t < 70 ? 1.0 : 2.0) + (t < 70 ? 0.0 : 3.0);
        (void)warning_bocpd_observe(&b, x[t]);
        if (t % 7 != 0 && t != T - 1)
            continue;
        double evidence = NAN, mean = 0.0, within = 0.0;
        naive_posterior(x, t + 1, run, &evidence);
        support_near(b.log_evidence, evidence, 1e-10);
        for (uint32_t r = 0; r <= t + 1; r++) {
            assert_true(b.runs[r].length == r && fabs(exp(b.runs[r].log_probability) - run[r]) < 1e-11);
            mean += r * run[r];
            within += r <= 20 ? run[r] : 0.0;
        }
        support_near(warning_bocpd_mean(&b), mean, 1e-10);
        support_near(warning_bocpd_within(&b, 20), within, 1e-10);
    }
    double p;
    assert_in_range(warning_bocpd_likeliest(&b, &p), 48, 52); /* the change at 70 */
}

static void alarms_on_a_change(void **state)
{
    (void)state;
    static struct warning_bocpd b;
    uint64_t seed = 23;
    struct warning_bocpd_design design = plain;
    design.prune = 1e-10;
    assert_int_equal(warning_bocpd_init(&b, &design), 0);
    for (int t = 0; t < 300; t++)
        assert_false(warning_bocpd_observe(&b, support_normal(&seed)));
    int delay = 0;
    while (!warning_bocpd_observe(&b, support_normal(&seed) - 3.0) && delay < 20)
        delay++;
    assert_in_range(delay, 0, 10);
    for (int t = 0; t < 60; t++)
        (void)warning_bocpd_observe(&b, support_normal(&seed) - 3.0);
    assert_false(warning_bocpd_alarmed(&b)); /* the change is old */
}

static void pruning_changes_nothing_that_matters(void **state)
{
    (void)state;
    static struct warning_bocpd whole, pruned;
    uint64_t seed = 29;
    struct warning_bocpd_design design = plain;
    design.prune = 1e-10;
    assert_int_equal(warning_bocpd_init(&whole, &plain) | warning_bocpd_init(&pruned, &design), 0);
    for (int t = 0; t < 600; t++) {
        double x = support_normal(&seed) + (t / 150 % 2 ? 3.0 : 0.0);
        (void)warning_bocpd_observe(&whole, x);
        (void)warning_bocpd_observe(&pruned, x);
        assert_true(fabs(warning_bocpd_within(&whole, 20) - warning_bocpd_within(&pruned, 20)) < 1e-6);
        assert_true(fabs(warning_bocpd_within(&pruned, UINT64_MAX) - 1.0) < 1e-9);
    }
    assert_int_equal(whole.run_count, 601);
    assert_true(pruned.run_count < 400);
}

/* More observations than the table has places: the least probable run goes, the sum stays one, nothing is overrun. */
static void full_table(void **state)
{
    (void)state;
    static struct {
        struct warning_bocpd b;
        uint64_t guard;
    } slot;
    uint64_t seed = 37;
    slot.guard = 42;
    assert_int_equal(warning_bocpd_init(&slot.b, &plain), 0);
    for (uint32_t t = 0; t < WARNING_BOCPD_RUNS_MAX + 200; t++) {
        (void)warning_bocpd_observe(&slot.b, support_normal(&seed));
        assert_true(fabs(warning_bocpd_within(&slot.b, UINT64_MAX) - 1.0) < 1e-9);
    }
    assert_int_equal(slot.b.run_count, WARNING_BOCPD_RUNS_MAX);
    assert_true(slot.guard == 42 && warning_bocpd_restorable(&slot.b, &plain));
    double p;
    assert_int_equal(warning_bocpd_likeliest(&slot.b, &p), slot.b.count); /* the run from the start is kept */
}

static void odd_observations(void **state)
{
    (void)state;
    static struct warning_bocpd b, before;
    struct warning_bocpd_design bad[6];
    for (int i = 0; i < 6; i++)
        bad[i] = plain;
    bad[0].k0 = 0.0, bad[1].hazard = 1.0, bad[2].b0 = NAN, bad[3].prune = 0.1, bad[4].probability = 0.0,
    bad[5].reserved = 1;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(warning_bocpd_init(&b, &bad[i]), -EINVAL);
        assert_false(warning_bocpd_restorable(&b, &bad[i]) || warning_bocpd_observe(&b, 1.0));
    }
    assert_int_equal(warning_bocpd_init(&b, &plain), 0);
    assert_true(warning_bocpd_within(&b, 0) == 1.0 && warning_bocpd_mean(&b) == 0.0);
    before = b;
    (void)warning_bocpd_observe(&b, NAN);
    (void)warning_bocpd_observe(&b, INFINITY);
    (void)warning_bocpd_observe(&b, -1e200);
    assert_memory_equal(&b, &before, sizeof b);
    for (int i = 0; i < 50; i++) /* wild, but numbers */
        (void)warning_bocpd_observe(&b, i % 2 ? 1e90 : -1e-90);
    assert_true(warning_bocpd_restorable(&b, &plain) && isfinite(b.log_evidence));
    for (int i = 0; i < 50; i++)
        (void)warning_bocpd_observe(&b, 0.2); /* no variance at all */
    assert_true(warning_bocpd_restorable(&b, &plain));
}

static void snapshots(void **state)
{
    (void)state;
    static struct warning_bocpd b, copy;
    uint64_t seed = 43;
    struct warning_bocpd_design design = plain;
    design.prune = 1e-10;
    memset(&b, 0xa5, sizeof b);
    assert_int_equal(warning_bocpd_init(&b, &design), 0);
    for (int t = 0; t < 200; t++) {
        double x = support_normal(&seed);
        copy = b;
        assert_true(warning_bocpd_restorable(&copy, &design));
        assert_int_equal(warning_bocpd_observe(&b, x), warning_bocpd_observe(&copy, x));
        assert_memory_equal(&b, &copy, sizeof b);
    }
    uint32_t refused = 0;
    for (int round = 0; round < 3000; round++) {
        copy = b;
        support_spoil(&copy, round % 2 ? 120 : sizeof copy, &seed);
        if (warning_bocpd_restorable(&copy, &design))
            (void)warning_bocpd_observe(&copy, 1.0);
        else
            refused++;
    }
    assert_true(refused > 2500);
    copy = b;
    copy.version++;
    assert_false(warning_bocpd_restorable(&copy, &design) || warning_bocpd_restorable(&b, &plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posterior_is_the_whole_sum),
        cmocka_unit_test(alarms_on_a_change),
        cmocka_unit_test(pruning_changes_nothing_that_matters),
        cmocka_unit_test(full_table),
        cmocka_unit_test(odd_observations),
        cmocka_unit_test(snapshots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
