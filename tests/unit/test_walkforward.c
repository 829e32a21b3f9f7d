/* Walk-forward: folds against what they must be by definition, the purge against a point-by-point intersection. */
#include <errno.h>
#include <string.h>

#include "tests/unit/draws.h"
#include "workers/performance/overfit/walkforward.h"

static void test_folds_hold_together(void **unused)
{
    (void)unused;
    uint64_t seed = draws_seed("folds", 41);
    unsigned refused = 0;
    for (unsigned run = 0; run < 20000; run++) {
        struct walkforward_plan plan = {
            .observation_count = (uint32_t)draws_integer(&seed, 400),
            .fold_count = (uint32_t)draws_integer(&seed, 9),
            .test_size = (uint32_t)draws_integer(&seed, 40),
            .gap = (uint32_t)draws_integer(&seed, 30),
            .train_max = draws_integer(&seed, 2) ? (uint32_t)draws_integer(&seed, 100) : 0,
        };
        struct walkforward_fold f, before = {0};
        if (walkforward_fold(&plan, 0, &f) != 0) {
            refused++;
            uint32_t size = plan.test_size ? plan.test_size : plan.observation_count / (plan.fold_count + 1);
            assert_true(plan.fold_count < 2 || size == 0 ||
                        size * plan.fold_count + plan.gap >= plan.observation_count);
            continue;
        }
        for (uint32_t k = 0; k < plan.fold_count; k++) {
            assert_int_equal(walkforward_fold(&plan, k, &f), 0);
            assert_true(f.train_count > 0 && f.test_count > 0);
            assert_int_equal(f.train_first + f.train_count + plan.gap, f.test_first);
            if (plan.train_max == 0)
                assert_int_equal(f.train_first, 0);
            else
                assert_true(f.train_count <= plan.train_max);
            if (plan.train_max > 0 && f.train_count < plan.train_max)
                assert_int_equal(f.train_first, 0); /* shorter only where the past is */
            if (k > 0)
                assert_int_equal(f.test_first, before.test_first + before.test_count);
            before = f;
        }
        assert_int_equal(f.test_first + f.test_count, plan.observation_count);
    }
    assert_true(refused > 1000 && refused < 19000);
}

static void test_folds_refused(void **unused)
{
    (void)unused;
    struct walkforward_fold f, untouched;
    memset(&f, 0x5a, sizeof f);
    untouched = f;
    struct walkforward_plan plan = {100, 4, 25, 0, 0};
    assert_int_equal(walkforward_fold(&plan, 0, &f), -EINVAL); /* nothing to train on */
    plan = (struct walkforward_plan){101, 4, 25, 1, 0};
    assert_int_equal(walkforward_fold(&plan, 0, &f), -EINVAL); /* the gap takes it */
    plan = (struct walkforward_plan){101, 4, 25, 0, 0};
    assert_int_equal(walkforward_fold(&plan, 4, &f), -EINVAL);
    plan = (struct walkforward_plan){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0};
    assert_int_equal(walkforward_fold(&plan, 0, &f), -EINVAL); /* products beyond 32 bits */
    plan = (struct walkforward_plan){3, UINT32_MAX, 0, 0, 0};
    assert_int_equal(walkforward_fold(&plan, 0, &f), -EINVAL); /* fold_count + 1 would wrap */
    assert_memory_equal(&f, &untouched, sizeof f);
    plan = (struct walkforward_plan){101, 4, 25, 0, 0};
    assert_int_equal(walkforward_fold(&plan, 0, &f), 0);
    assert_int_equal(f.train_count, 1);
}

/* Point by point on a small line of whole times. */
static bool shares_a_point(struct walkforward_event a, struct walkforward_event b, int64_t embargo)
{
    for (int64_t t = a.from; t <= a.to; t++)
        if (t >= b.from && t <= b.to + embargo)
            return true;
    return false;
}

static void test_purge_is_an_intersection(void **unused)
{
    (void)unused;
    unsigned purged = 0, kept = 0;
    const struct walkforward_event test = {10, 14};
    for (int64_t embargo = 0; embargo < 4; embargo++)
        for (int64_t from = 0; from < 25; from++)
            for (int64_t to = from; to < 25; to++) {
                struct walkforward_event event = {from, to};
                bool expected = shares_a_point(event, test, embargo);
                assert_int_equal(walkforward_purged(&event, &test, embargo), expected);
                purged += expected;
                kept += !expected;
            }
    assert_true(purged > 100 && kept > 100);
    struct walkforward_event last = {INT64_MAX, INT64_MAX}, late = {5, INT64_MAX - 1};
    assert_true(walkforward_purged(&last, &late, 10)); /* the end of the embargo does not wrap */
    assert_true(walkforward_purged(&last, &late, INT64_MAX));
    assert_false(walkforward_purged(&last, &late, 0));
}

static void test_span_and_embargo(void **unused)
{
    (void)unused;
    const struct walkforward_event events[] = {{5, 9}, {-3, 2}, {7, 30}, {6, 8}};
    const uint32_t members[] = {3, 0, 2};
    struct walkforward_event span = walkforward_span(events, members, 3);
    assert_int_equal(span.from, 5);
    assert_int_equal(span.to, 30);
    span = walkforward_span(events, members, 1);
    assert_int_equal(span.from, 6);
    assert_int_equal(span.to, 8);
    assert_int_equal(walkforward_embargo(24, 2400), 24);
    assert_int_equal(walkforward_embargo(24, 2401), 25); /* 1 %, rounded up */
    assert_int_equal(walkforward_embargo(0, 0), 0);
    assert_int_equal(walkforward_embargo(0, INT64_MAX), INT64_MAX / 100 + 1);
}

static void test_assign(void **unused)
{
    (void)unused;
    uint64_t seed = draws_seed("assign", 7);
    for (unsigned run = 0; run < 500; run++) {
        struct walkforward_event events[60];
        enum walkforward_role roles[60];
        struct walkforward_window w = {.train_from = 10, .train_to = 60, .test_from = 65, .test_to = 90};
        w.embargo = (int64_t)draws_integer(&seed, 10);
        if (run % 2) /* training after the test, as in cross-validation */
            w = (struct walkforward_window){60, 100, 20, 50, w.embargo};
        for (uint32_t i = 0; i < 60; i++) {
            events[i].from = (int64_t)draws_integer(&seed, 110);
            events[i].to = events[i].from + (int64_t)draws_integer(&seed, 15);
        }
        struct walkforward_counts counts = walkforward_assign(&w, events, 60, roles), seen = {0, 0, 0};
        uint32_t members[60];
        for (uint32_t i = 0; i < 60; i++)
            if (roles[i] == WALKFORWARD_TEST)
                members[seen.test++] = i;
        struct walkforward_event span = walkforward_span(events, members, seen.test);
        for (uint32_t i = 0; i < 60; i++) {
            bool train = events[i].from >= w.train_from && events[i].from < w.train_to;
            bool test = events[i].from >= w.test_from && events[i].from < w.test_to;
            bool touches = shares_a_point(events[i], span, w.embargo);
            enum walkforward_role expected = test      ? WALKFORWARD_TEST
                                             : !train  ? WALKFORWARD_OUTSIDE
                                             : touches ? WALKFORWARD_PURGED
                                                       : WALKFORWARD_TRAIN;
            assert_int_equal(roles[i], expected);
            seen.train += expected == WALKFORWARD_TRAIN;
            seen.purged += expected == WALKFORWARD_PURGED;
        }
        assert_memory_equal(&counts, &seen, sizeof seen);
    }
    /* nothing tests: nothing is purged */
    struct walkforward_event event = {5, 500};
    enum walkforward_role role;
    struct walkforward_window w = {0, 10, 20, 30, 100};
    struct walkforward_counts counts = walkforward_assign(&w, &event, 1, &role);
    assert_int_equal(counts.train, 1);
    assert_int_equal(role, WALKFORWARD_TRAIN);
    counts = walkforward_assign(&w, NULL, 0, NULL);
    assert_int_equal(counts.train + counts.test + counts.purged, 0);
}

static void test_efficiency(void **unused)
{
    (void)unused;
    assert_near(walkforward_efficiency(0.2, 0.1), 0.5, 1e-15);
    assert_near(walkforward_efficiency(0.2, -0.1), -0.5, 1e-15);
    assert_true(isnan(walkforward_efficiency(0.0, 0.1)));
    assert_true(isnan(walkforward_efficiency(-0.1, 0.1)));
    assert_true(isnan(walkforward_efficiency((double)NAN, 0.1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folds_hold_together),
        cmocka_unit_test(test_folds_refused),
        cmocka_unit_test(test_purge_is_an_intersection),
        cmocka_unit_test(test_span_and_embargo),
        cmocka_unit_test(test_assign),
        cmocka_unit_test(test_efficiency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
