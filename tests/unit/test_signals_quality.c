/* A window of records: which are in it, what they say, and what follows. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "workers/broker/broker.h"
#include "workers/strategy/signals/quality.h"

#define N_MAX 2000u
#define DAY INT64_C(86400000000000)

static uint64_t seed;
static struct signals_record records[N_MAX];
static struct signals_scratch scratch;
static uint64_t memory[N_MAX * 16];

static double uniform(void)
{
    seed = hash_mix64(seed);
    return (double)(seed >> 11) / 9007199254740992.0;
}

static int begin(void **state)
{
    (void)state;
    seed = 31337;
    assert_true(sizeof memory >= signals_scratch_bytes(N_MAX));
    memset(memory, 0xa5, sizeof memory);
    signals_scratch_init(&scratch, memory, sizeof memory, N_MAX);
    return 0;
}

/* Born at time, decided as asked, with an outcome a day later. */
static struct signals_record a_record(int64_t time, uint32_t status, double p, double r)
{
    struct signals_record out;
    struct signal s = {.instrument = 1, .timeframe = TIMEFRAME_H1, .side = SIDE_SELL, .bar_seq = (uint64_t)time, .time_ns = time,
                       .price = 2000 * DEC_ONE, .stop_distance = 5 * DEC_ONE, .strength = 0.2};
    assert_true(signals_record_open(&s, 0, SIGNALS_KIND_BREAKOUT, &out));
    if (!isnan(p))
        assert_int_equal(signals_record_calibrate(&out, p), 0);
    if (status == SIGNALS_EXECUTED)
        assert_int_equal(signals_record_execute(&out, time), 0);
    if (status == SIGNALS_SKIPPED)
        assert_int_equal(signals_record_skip(&out, SIGNALS_SKIP_SESSION, REFUSAL_NONE, time), 0);
    if (status == SIGNALS_EXPIRED)
        assert_int_equal(signals_record_expire(&out, time), 0);
    if (status != SIGNALS_OFFERED && !isnan(r))
        assert_int_equal(signals_record_settle(&out, r, time + DAY), 0);
    assert_true(signals_record_sane(&out));
    return out;
}

static struct signals_window a_window(int64_t now)
{
    return (struct signals_window){.now_ns = now, .length_ns = SIGNALS_WINDOW_NS, .source = SIGNALS_LIVE_AND_SHADOW,
                                   .instrument = UINT32_MAX};
}

static void test_the_window_goes_by_the_time_of_the_outcome(void **state)
{
    (void)state;
    struct signals_window w = a_window(100 * DAY);
    int64_t outcome[5] = {70 * DAY, 70 * DAY + 1, 100 * DAY, 100 * DAY + 1, 85 * DAY};
    for (int i = 0; i < 5; i++)
        records[i] = a_record(outcome[i] - DAY, SIGNALS_EXECUTED, NAN, 0.1);
    records[5] = a_record(90 * DAY, SIGNALS_EXECUTED, NAN, NAN); /* open */
    records[6] = a_record(90 * DAY, SIGNALS_OFFERED, NAN, NAN);
    assert_int_equal(signals_quality_select(records, 7, &w, &scratch), 3);
    assert_int_equal(scratch.rows[0], 1);
    assert_int_equal(scratch.rows[1], 2);
    assert_int_equal(scratch.rows[2], 4);
    w.length_ns = INT64_MAX; /* more than the range of time: everything up to now */
    w.now_ns = -5;
    records[0].outcome_ns = -6;
    assert_int_equal(signals_quality_select(records, 7, &w, &scratch), 1);
}

static void test_live_shadow_and_instrument(void **state)
{
    (void)state;
    struct signals_window w = a_window(100 * DAY);
    for (int i = 0; i < 9; i++) {
        records[i] = a_record(90 * DAY + i, i % 3 == 0 ? SIGNALS_EXECUTED : i % 3 == 1 ? SIGNALS_SKIPPED : SIGNALS_EXPIRED, NAN, 0.5);
        records[i].instrument = (uint32_t)i / 3;
    }
    assert_int_equal(signals_quality_select(records, 9, &w, &scratch), 9);
    w.source = SIGNALS_LIVE;
    assert_int_equal(signals_quality_select(records, 9, &w, &scratch), 3);
    w.source = SIGNALS_SHADOW;
    assert_int_equal(signals_quality_select(records, 9, &w, &scratch), 6);
    w.instrument = 2;
    assert_int_equal(signals_quality_select(records, 9, &w, &scratch), 2);
    scratch.capacity = 1;
    assert_int_equal(signals_quality_select(records, 9, &w, &scratch), -ENOSPC);
}

static void test_forty_nine_are_not_fifty(void **state)
{
    (void)state;
    struct signals_window w = a_window(100 * DAY);
    struct signals_quality q;
    for (uint32_t n = 49; n <= 50; n++) {
        for (uint32_t i = 0; i < n; i++)
            records[i] = a_record(80 * DAY + i, SIGNALS_EXECUTED, i % 2 ? 0.6 : NAN, i % 3 ? 1.0 : -1.0);
        assert_int_equal(signals_quality_select(records, n, &w, &scratch), n);
        assert_int_equal(signals_quality_measure(records, n, &scratch, &q), 0);
        assert_int_equal(q.sufficient, n == 50);
        assert_int_equal(q.n, n);
        assert_int_equal(q.with_p, n / 2);
        assert_int_equal(q.wins, n - (n + 2) / 3);
        assert_true(q.win_rate.lo > 0.4 && q.win_rate.hi < 0.9);
        assert_true(isnan(q.cox.slope)); /* p is constant: no line; ranks nothing */
        assert_true(q.auc.auc == 0.5);
        struct signals_advice advice[8];
        uint32_t count = signals_quality_advise(&q, NULL, 0, NULL, advice, 8);
        assert_int_equal(count, n == 49);
        if (count)
            assert_int_equal(advice[0].kind, SIGNALS_ADVICE_INSUFFICIENT);
    }
    assert_int_equal(signals_quality_measure(records, 0, &scratch, &q), 0);
    assert_true(q.n == 0 && isnan(q.r.mean) && isnan(q.win_rate.lo) && q.with_p == 0 && isnan(q.auc.auc));
    scratch.rows[0] = 0;
    records[0] = a_record(1, SIGNALS_OFFERED, NAN, NAN);
    assert_int_equal(signals_quality_measure(records, 1, &scratch, &q), -EINVAL);
}

/* n outcomes of a pattern around a mean. */
static void a_pattern(uint32_t from, uint32_t n, uint32_t stage, uint32_t kind, double mean, double p)
{
    for (uint32_t i = from; i < from + n; i++) {
        records[i] = a_record(80 * DAY + i, SIGNALS_EXECUTED, p, mean + (i % 2 ? 1.0 : -1.0) * (0.9 + 0.2 * uniform()));
        records[i].stage = stage;
        records[i].kind = kind;
    }
}

static void test_groups_rank_and_discoveries(void **state)
{
    (void)state;
    struct signals_window w = a_window(100 * DAY);
    struct signals_group g[SIGNALS_GROUPS_MAX];
    uint32_t order[SIGNALS_GROUPS_MAX];
    a_pattern(0, 200, 7, SIGNALS_KIND_BREAKOUT, 0.5, 0.65);
    a_pattern(200, 60, 2, SIGNALS_KIND_REVERSAL, 0.55, 0.65); /* a higher mean, less sure */
    a_pattern(260, 100, 4, SIGNALS_KIND_BREAKOUT, -0.5, NAN);
    a_pattern(360, 20, 1, SIGNALS_KIND_REVERSAL, 3.0, 0.9); /* splendid and too few */
    a_pattern(380, 100, 9, SIGNALS_KIND_REVERSAL, 0.0, 0.45);
    a_pattern(480, 1, 30, SIGNALS_KIND_OTHER, 1.0, 0.45);
    assert_int_equal(signals_quality_select(records, 481, &w, &scratch), 481);
    assert_int_equal(signals_quality_groups(records, 481, SIGNALS_BY_STAGE, &scratch, g), 6);
    static const uint32_t keys[6] = {1, 2, 4, 7, 9, 30}, sizes[6] = {20, 60, 100, 200, 100, 1};
    for (int i = 0; i < 6; i++) {
        assert_int_equal(g[i].key, keys[i]);
        assert_int_equal(g[i].n, sizes[i]);
        assert_int_equal(g[i].sufficient, sizes[i] >= 50);
        assert_int_equal(isnan(g[i].q), sizes[i] < 50);
        assert_true(g[i].shrunk_rate > 0.0 && g[i].shrunk_rate < 1.0);
    }
    assert_true(g[1].discovered && g[2].discovered && g[3].discovered && !g[4].discovered && !g[0].discovered);
    assert_true(isnan(g[2].mean_p) && fabs(g[3].mean_p - 0.65) < 1e-12 && isnan(g[5].lower));
    assert_true(g[1].r.mean > g[3].r.mean && g[1].lower < g[3].lower);
    signals_quality_rank(g, 6, order);
    static const uint32_t expected[6] = {7, 2, 9, 4, 1, 30};
    for (int i = 0; i < 6; i++)
        assert_int_equal(g[order[i]].key, expected[i]);
    struct signals_quality q;
    struct signals_advice advice[16], few[2];
    assert_int_equal(signals_quality_measure(records, 481, &scratch, &q), 0);
    uint32_t count = signals_quality_advise(&q, g, 6, NULL, advice, 16), enabled = 0, disabled = 0, insufficient = 0;
    for (uint32_t i = 0; i < count; i++) {
        enabled += advice[i].kind == SIGNALS_ADVICE_ENABLE && (advice[i].key == 7 || advice[i].key == 2);
        disabled += advice[i].kind == SIGNALS_ADVICE_DISABLE && advice[i].key == 4 && advice[i].value < 0.0;
        insufficient += advice[i].kind == SIGNALS_ADVICE_INSUFFICIENT;
    }
    assert_true(enabled == 2 && disabled == 1 && insufficient == 2);
    memset(few, 0xa5, sizeof few);
    assert_int_equal(signals_quality_advise(&q, g, 6, NULL, few, 1), count); /* says how many there are */
    assert_memory_equal(&few[0], &advice[0], sizeof few[0]);
    unsigned char untouched[sizeof few[1]];
    memset(untouched, 0xa5, sizeof untouched);
    assert_memory_equal(&few[1], untouched, sizeof untouched);
}

static void test_breakout_against_reversal(void **state)
{
    (void)state;
    struct signals_window w = a_window(100 * DAY);
    struct signals_group g[SIGNALS_GROUPS_MAX];
    struct signals_versus v, mirror;
    a_pattern(0, 150, 0, SIGNALS_KIND_BREAKOUT, 0.6, 0.6);
    a_pattern(150, 120, 0, SIGNALS_KIND_REVERSAL, -0.2, 0.4);
    assert_int_equal(signals_quality_select(records, 270, &w, &scratch), 270);
    assert_int_equal(signals_quality_groups(records, 270, SIGNALS_BY_KIND, &scratch, g), 2);
    signals_quality_versus(&g[0], &g[1], &v);
    signals_quality_versus(&g[1], &g[0], &mirror);
    assert_true(v.sufficient && v.mean_r_ci.lo > 0.0 && fabs(v.mean_r - 0.8) < 0.1);
    assert_true(fabs(v.mean_r_ci.lo + mirror.mean_r_ci.hi) < 1e-12 && fabs(v.win_rate + mirror.win_rate) < 1e-12);
    assert_true(fabs(v.win_rate_ci.hi + mirror.win_rate_ci.lo) < 1e-12);
    assert_int_equal(signals_quality_groups(records, 270, SIGNALS_BY_BUCKET, &scratch, g), 2);
    assert_int_equal(g[0].key, 4);
    assert_int_equal(g[1].key, 6);
}

static void test_more_groups_than_there_is_room_for(void **state)
{
    (void)state;
    struct signals_window w = a_window(100 * DAY);
    struct signals_group g[SIGNALS_GROUPS_MAX];
    for (uint32_t i = 0; i <= SIGNALS_GROUPS_MAX; i++) {
        records[i] = a_record(80 * DAY + i, SIGNALS_EXECUTED, NAN, 1.0);
        records[i].instrument = 1000 - 7 * i; /* falling: each goes in front */
    }
    assert_int_equal(signals_quality_select(records, SIGNALS_GROUPS_MAX + 1, &w, &scratch), SIGNALS_GROUPS_MAX + 1);
    assert_int_equal(signals_quality_groups(records, SIGNALS_GROUPS_MAX + 1, SIGNALS_BY_INSTRUMENT, &scratch, g), -ENOSPC);
    assert_int_equal(signals_quality_groups(records, SIGNALS_GROUPS_MAX, SIGNALS_BY_INSTRUMENT, &scratch, g), SIGNALS_GROUPS_MAX);
    for (uint32_t i = 1; i < SIGNALS_GROUPS_MAX; i++)
        assert_true(g[i].key > g[i - 1].key);
    assert_int_equal(signals_quality_groups(records, SIGNALS_GROUPS_MAX, SIGNALS_BY_BUCKET, &scratch, g), 0);
    assert_int_equal(signals_quality_groups(records, 0, SIGNALS_BY_PATTERN, &scratch, g), 0);
}

static void test_conversion_counts_what_could_be_traded(void **state)
{
    (void)state;
    struct signals_window w = a_window(100 * DAY);
    struct signals_conversion c;
    uint32_t n = 0;
    for (int i = 0; i < 12; i++)
        records[n++] = a_record(90 * DAY, SIGNALS_EXECUTED, NAN, 0.1);
    for (int i = 0; i < 60; i++)
        records[n++] = a_record(90 * DAY, SIGNALS_SKIPPED, NAN, NAN);
    for (int i = 0; i < 5; i++) {
        records[n] = a_record(90 * DAY, SIGNALS_OFFERED, NAN, NAN);
        assert_int_equal(signals_record_skip(&records[n++], SIGNALS_SKIP_REFUSED, REFUSAL_DAILY_LOSS, 90 * DAY), 0);
    }
    for (int i = 0; i < 20; i++)
        records[n++] = a_record(90 * DAY, SIGNALS_EXPIRED, NAN, NAN); /* never eligible */
    records[n] = a_record(90 * DAY, SIGNALS_OFFERED, NAN, NAN);
    assert_int_equal(signals_record_eligible(&records[n]), 0);
    assert_int_equal(signals_record_expire(&records[n++], 91 * DAY), 0);
    records[n++] = a_record(90 * DAY, SIGNALS_OFFERED, NAN, NAN);
    records[n++] = a_record(60 * DAY, SIGNALS_EXECUTED, NAN, 0.1); /* before the window */
    signals_quality_conversion(records, n, &w, &c);
    assert_int_equal(c.emitted, 99);
    assert_int_equal(c.executed, 12);
    assert_int_equal(c.skipped, 65);
    assert_int_equal(c.expired, 21);
    assert_int_equal(c.expired_early, 20);
    assert_int_equal(c.pending, 1);
    assert_int_equal(c.reasons[SIGNALS_SKIP_SESSION], 60);
    assert_int_equal(c.reasons[SIGNALS_SKIP_REFUSED], 5);
    assert_int_equal(c.reasons[SIGNALS_SKIP_NONE], 0);
    assert_int_equal(c.refusals[REFUSAL_DAILY_LOSS], 5);
    assert_true(fabs(c.rate - 12.0 / 79.0) < 1e-15);
    struct signals_interval ci = signals_interval_wilson(12, 79, 0.95);
    assert_true(c.ci.lo == ci.lo && c.ci.hi == ci.hi);
    signals_quality_conversion(records, 0, &w, &c);
    assert_true(isnan(c.rate) && isnan(c.ci.lo));
}

static uint32_t advised(const struct signals_quality *q, const struct signals_conversion *c, uint32_t kind)
{
    struct signals_advice advice[8];
    uint32_t count = signals_quality_advise(q, NULL, 0, c, advice, 8), found = 0;
    for (uint32_t i = 0; i < count; i++)
        found += advice[i].kind == kind;
    return found;
}

static void test_advice_on_conversion_and_calibration(void **state)
{
    (void)state;
    struct signals_quality q;
    struct signals_conversion c = {.emitted = 400, .executed = 60};
    struct signals_window w = a_window(100 * DAY);
    memset(&q, 0, sizeof q);
    q.sufficient = true;
    for (uint32_t executed = 0; executed <= 400; executed += 20) {
        c.executed = executed;
        c.rate = executed / 400.0;
        c.ci = signals_interval_wilson(executed, 400, 0.95);
        assert_int_equal(advised(&q, &c, SIGNALS_ADVICE_CONVERSION_LOW), executed <= 20);
        assert_int_equal(advised(&q, &c, SIGNALS_ADVICE_CONVERSION_HIGH), executed >= 120);
    }
    for (int honest = 0; honest < 2; honest++) {
        for (uint32_t i = 0; i < N_MAX; i++) {
            double p = 0.05 + 0.9 * uniform(), truth = honest ? p : 0.5 + 0.3 * (p - 0.5);
            records[i] = a_record(80 * DAY + i, SIGNALS_EXECUTED, p, uniform() < truth ? 1.0 : -1.0);
        }
        assert_int_equal(signals_quality_select(records, N_MAX, &w, &scratch), N_MAX);
        assert_int_equal(signals_quality_measure(records, N_MAX, &scratch, &q), 0);
        assert_int_equal(advised(&q, NULL, SIGNALS_ADVICE_RECALIBRATE), !honest);
        assert_int_equal(advised(&q, NULL, SIGNALS_ADVICE_NO_DISCRIMINATION), 0);
    }
    for (uint32_t i = 0; i < 200; i++)
        records[i] = a_record(80 * DAY + i, SIGNALS_EXECUTED, 0.4 + 0.2 * uniform(), i % 2 ? 1.0 : -1.0);
    assert_int_equal(signals_quality_select(records, 200, &w, &scratch), 200);
    assert_int_equal(signals_quality_measure(records, 200, &scratch, &q), 0);
    assert_int_equal(advised(&q, NULL, SIGNALS_ADVICE_NO_DISCRIMINATION), 1);
    for (uint32_t kind = 0; kind < SIGNALS_ADVICE_KIND_COUNT; kind++)
        assert_true(strlen(signals_advice_name(kind)) > 3);
    assert_string_equal(signals_advice_name(SIGNALS_ADVICE_KIND_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_window_goes_by_the_time_of_the_outcome, begin),
        cmocka_unit_test_setup(test_live_shadow_and_instrument, begin),
        cmocka_unit_test_setup(test_forty_nine_are_not_fifty, begin),
        cmocka_unit_test_setup(test_groups_rank_and_discoveries, begin),
        cmocka_unit_test_setup(test_breakout_against_reversal, begin),
        cmocka_unit_test_setup(test_more_groups_than_there_is_room_for, begin),
        cmocka_unit_test_setup(test_conversion_counts_what_could_be_traded, begin),
        cmocka_unit_test_setup(test_advice_on_conversion_and_calibration, begin),
    };
    print_message("seed 31337\n");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
