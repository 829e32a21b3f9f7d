/* What is reckoned from the events of the Wyckoff machine: probability of completion, confluence of timeframes (with a test
 * that nothing of the future gets in), strength of a volume profile. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/wyckoff_schematic.h"
#include "workers/strategy/wyckoff/confluence.h"
#include "workers/strategy/wyckoff/profile.h"
#include "workers/strategy/wyckoff/score.h"

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.17g is not %.17g", got, want);
}

/* --- score ----------------------------------------------------------------------------------------------------- */

static struct score_model model;

static struct score_stage *model_of(uint32_t kind, uint32_t events, uint32_t complete)
{
    memset(&model, 0, sizeof model);
    struct score_stage *stage = &model.stages[kind];
    stage->event_count = events;
    stage->complete_count = complete;
    for (uint32_t i = 0; i < WYCKOFF_EVIDENCE_COUNT; i++)
        stage->scale[i] = 1.0;
    return stage;
}

static struct wyckoff_event event_of(uint32_t kind)
{
    struct wyckoff_event event = {.kind = kind, .has_evidence = 1};
    for (uint32_t i = 0; i < WYCKOFF_EVIDENCE_COUNT; i++)
        event.evidence[i] = NAN;
    return event;
}

/* Quantiles of Beta(k + 1/2, n - k + 1/2), from an independent source (statsmodels 0.13.5). */
static void test_jeffreys(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t k, n;
        double low, high;
    } cases[] = {
        {0, 1, 0.0003855809807559016, 0.8532536836904248},   {1, 1, 0.1467463163095752, 0.9996144190192441},
        {0, 10, 4.789043315758196e-05, 0.21719626750921053}, {10, 10, 0.7828037324907895, 0.9999521095668424},
        {5, 10, 0.22352867025270523, 0.7764713297472947},    {27, 50, 0.40286643124820665, 0.672649462496135},
        {28, 50, 0.42227533934984907, 0.6909987080208274},   {55, 100, 0.45222899204003536, 0.6449230581056687},
        {110, 200, 0.48074694274407626, 0.6178175522352836}, {550, 1000, 0.5190581796416301, 0.5806528575827758},
        {8, 15, 0.2938864148804001, 0.761213152040942},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double low, high;
        score_jeffreys(cases[i].k, cases[i].n, 0.95, &low, &high);
        near(low, cases[i].low, 1e-10);
        near(high, cases[i].high, 1e-10);
    }
}

static void test_base_rate(void **unused)
{
    (void)unused;
    struct wyckoff_event event = event_of(WYCKOFF_SPRING);
    (void)model_of(WYCKOFF_SPRING, 0, 0);
    struct score_answer answer = score_complete(&model, &event);
    assert_int_equal(answer.status, SCORE_UNKNOWN);
    assert_true(isnan(answer.p) && answer.low < 0.002 && answer.high > 0.998); /* Beta(1/2, 1/2) */
    struct score_stage *stage = model_of(WYCKOFF_SPRING, 199, 50);
    stage->intercept = NAN; /* not looked at yet */
    assert_int_equal(score_model_check(&model, NULL), 0);
    answer = score_complete(&model, &event);
    assert_int_equal(answer.status, SCORE_PROVISIONAL);
    near(answer.p, 50.0 / 199.0, 1e-15);
    assert_true(answer.low < answer.p && answer.p < answer.high && answer.event_count == 199);
    (void)model_of(WYCKOFF_SPRING, 200, 50);
    assert_int_equal(score_complete(&model, &event).status, SCORE_MODEL);
}

static void test_logistic(void **unused)
{
    (void)unused;
    struct score_stage *stage = model_of(WYCKOFF_SOS, 500, 200);
    struct wyckoff_event event = event_of(WYCKOFF_SOS);
    stage->intercept = -0.5;
    stage->weight[0] = 0.8;
    stage->mean[0] = 2.0;
    stage->scale[0] = 4.0;
    stage->missing[0] = 0.25;
    stage->weight[17] = -1.5;
    near(score_complete(&model, &event).p, 1.0 / (1.0 + exp(0.25)), 1e-15); /* both missing: -0.5 + 0.25 */
    event.evidence[0] = 4.0;                                                /* z 0.5 */
    event.evidence[17] = 0.2;
    double f = -0.5 + 0.8 * 0.5 - 1.5 * 0.2;
    near(score_complete(&model, &event).p, 1.0 / (1.0 + exp(-f)), 1e-15);
    event.evidence[0] = 1e9; /* z 5 */
    event.evidence[17] = -INFINITY;
    near(score_complete(&model, &event).p, 1.0 / (1.0 + exp(-(-0.5 + 0.8 * 5 + 1.5 * 5))), 1e-15);
    event.evidence[0] = event.evidence[17] = NAN;
    stage->calibration = SCORE_PLATT;
    stage->platt_a = -2.0;
    stage->platt_b = 0.1;
    near(score_complete(&model, &event).p, 1.0 / (1.0 + exp(-2.0 * -0.25 + 0.1)), 1e-15);
    stage->calibration = SCORE_ISOTONIC;
    stage->knot_count = 3;
    memcpy(stage->knot_x, (double[]){0.2, 0.4, 0.8}, 3 * sizeof(double));
    memcpy(stage->knot_y, (double[]){0.1, 0.3, 0.7}, 3 * sizeof(double));
    double p = 1.0 / (1.0 + exp(0.25)); /* 0.4378 */
    near(score_complete(&model, &event).p, 0.3 + 0.4 * (p - 0.4) / 0.4, 1e-15);
    stage->intercept = -9.0;
    near(score_complete(&model, &event).p, 0.1, 1e-15);
    stage->intercept = 9.0;
    near(score_complete(&model, &event).p, 0.7, 1e-15);
}

#define MODEL_REFUSED(change)                                                                                          \
    do {                                                                                                               \
        stage = model_of(WYCKOFF_LPS, 300, 100);                                                                       \
        stage->calibration = SCORE_ISOTONIC;                                                                           \
        stage->knot_count = 2;                                                                                         \
        stage->knot_x[1] = stage->knot_y[1] = 1.0;                                                                     \
        assert_int_equal(score_model_check(&model, NULL), 0);                                                          \
        change;                                                                                                        \
        struct error err = {0};                                                                                        \
        assert_int_equal(score_model_check(&model, &err), -EINVAL);                                                    \
        assert_non_null(strstr(err.text, "LPS"));                                                                      \
    } while (0)

static void test_hostile_models(void **unused)
{
    (void)unused;
    struct score_stage *stage;
    MODEL_REFUSED(stage->complete_count = 301);
    MODEL_REFUSED(stage->calibration = 3);
    MODEL_REFUSED(stage->intercept = NAN);
    MODEL_REFUSED(stage->platt_b = INFINITY);
    MODEL_REFUSED(stage->weight[4] = NAN);
    MODEL_REFUSED(stage->missing[4] = -INFINITY);
    MODEL_REFUSED(stage->mean[4] = NAN);
    MODEL_REFUSED(stage->scale[4] = 0.0);
    MODEL_REFUSED(stage->scale[4] = -1.0);
    MODEL_REFUSED(stage->knot_count = 1);
    MODEL_REFUSED(stage->knot_count = SCORE_KNOTS_MAX + 1);
    MODEL_REFUSED(stage->knot_x[1] = 0.0);
    MODEL_REFUSED(stage->knot_y[0] = 1.5);
    MODEL_REFUSED((stage->knot_y[0] = 0.9, stage->knot_y[1] = 0.8));
}

/* --- confluence ------------------------------------------------------------------------------------------------ */

static void views_unknown(struct confluence_view views[CONFLUENCE_COUNT])
{
    for (int j = 0; j < CONFLUENCE_COUNT; j++)
        views[j] = (struct confluence_view){.close_ns = 100, .ema_slope = NAN};
}

static void test_confluence_by_hand(void **unused)
{
    (void)unused;
    struct confluence_view views[CONFLUENCE_COUNT];
    struct confluence c;
    views_unknown(views);
    assert_int_equal(confluence_reckon(views, 100, &c), 0);
    assert_true(c.m == 0.0 && c.up == 0.0 && c.down == 0.0 && !confluence_admits(&c, 1) && !confluence_admits(&c, -1));
    views[CONFLUENCE_H1] =
        (struct confluence_view){.close_ns = 90, .side = 1, .kind = WYCKOFF_SOS, .age_bars = 20, .ema_slope = -1.0};
    views[CONFLUENCE_H4] =
        (struct confluence_view){.close_ns = 80, .side = 1, .kind = WYCKOFF_SPRING, .ema_slope = NAN};
    views[CONFLUENCE_D1].ema_slope = -0.0001;
    assert_int_equal(confluence_reckon(views, 100, &c), 0);
    near(c.score[CONFLUENCE_H1], 0.4, 1e-15); /* a pattern: its slope does not count */
    near(c.score[CONFLUENCE_H4], 0.5, 1e-15);
    near(c.score[CONFLUENCE_D1], -0.3, 1e-15);
    near(c.m, 0.25 * 0.4 + 0.30 * 0.5 - 0.30 * 0.3, 1e-15);
    near(c.up, 0.55, 1e-15);
    near(c.down, 0.30, 1e-15);
    assert_true(confluence_admits(&c, 1) && !confluence_admits(&c, -1));
    views[CONFLUENCE_H4].kind = WYCKOFF_ST; /* .2 for .5: M falls, the sides stay */
    views[CONFLUENCE_H4].age_bars = 40;
    assert_int_equal(confluence_reckon(views, 100, &c), 0);
    near(c.score[CONFLUENCE_H4], 0.05, 1e-15);
    views[CONFLUENCE_D1].close_ns = INT64_MIN; /* no bar yet */
    assert_int_equal(confluence_reckon(views, 100, &c), 0);
    assert_true(c.score[CONFLUENCE_D1] == 0.0);
}

static void test_confluence_refuses_the_future(void **unused)
{
    (void)unused;
    struct confluence_view views[CONFLUENCE_COUNT];
    struct confluence c;
    views_unknown(views);
    views[2].close_ns = 101;
    assert_int_equal(confluence_reckon(views, 100, &c), -EINVAL);
    views[2].close_ns = 100;
    views[1].side = 2;
    assert_int_equal(confluence_reckon(views, 100, &c), -EINVAL);
    views[1].side = 1;
    views[1].kind = WYCKOFF_AR;
    assert_int_equal(confluence_reckon(views, 100, &c), -EINVAL);
    views[1].kind = WYCKOFF_KINDS;
    assert_int_equal(confluence_reckon(views, 100, &c), -EINVAL);
    assert_true(c.m == 0.0 && c.up == 0.0);
}

/* Which of two patterns speaks, and for how long a complete one does. */
static void test_view(void **unused)
{
    (void)unused;
    static struct wyckoff w;
    assert_int_equal(wyckoff_init(&w, wyckoff_params_set(1), VOLUME_TICK, NULL), 0);
    struct confluence_view view = confluence_view(&w, 0.5);
    assert_true(view.close_ns == INT64_MIN && view.side == 0);
    w.series.bar_count = 500;
    w.series.bars[499 % WYCKOFF_RING].time_ns = 77;
    struct wyckoff_pattern *up = &w.patterns[0], *down = &w.patterns[1];
    view = confluence_view(&w, 0.5);
    assert_true(view.close_ns == 77 && view.side == 0 && view.ema_slope == 0.5);
    up->last_kind = WYCKOFF_ST;
    up->last_bar = 450;
    view = confluence_view(&w, NAN);
    assert_true(view.side == 1 && view.kind == WYCKOFF_ST && view.age_bars == 49);
    down->last_kind = WYCKOFF_TEST;
    down->last_bar = 449;
    assert_int_equal(confluence_view(&w, NAN).side, 1);
    down->last_bar = 450;
    assert_int_equal(confluence_view(&w, NAN).side, -1);
    up->last_kind = WYCKOFF_TEST;
    assert_int_equal(confluence_view(&w, NAN).side, 0);
    up->last_kind = WYCKOFF_NONE;
    down->last_kind = WYCKOFF_E;
    down->last_bar = 499 - CONFLUENCE_FADE_BARS;
    assert_int_equal(confluence_view(&w, NAN).side, -1);
    down->last_bar--;
    assert_int_equal(confluence_view(&w, NAN).side, 0);
}

/* One timeframe out of the M15 bars: `ratio` of them to a bar, closed ones alone. */
#define BARS_MAX 24000u
static struct wyckoff_bar bars[BARS_MAX];

struct frame {
    struct wyckoff machine;
    struct wyckoff_bar open_bar;
    uint32_t ratio, filled;
    double ema, slope;
    uint32_t closed;
};

static void frame_feed(struct frame *frame, const struct wyckoff_bar *bar)
{
    static struct wyckoff_output out;
    if (frame->filled == 0)
        frame->open_bar = *bar;
    frame->open_bar.high = dec_max(frame->open_bar.high, bar->high);
    frame->open_bar.low = dec_min(frame->open_bar.low, bar->low);
    frame->open_bar.close = bar->close;
    frame->open_bar.time_ns = bar->time_ns;
    frame->open_bar.volume += frame->filled > 0 ? bar->volume : 0;
    if (++frame->filled < frame->ratio)
        return;
    frame->filled = 0;
    (void)wyckoff_on_bar(&frame->machine, wyckoff_params_set(1), &frame->open_bar, NULL, &out);
    double close = dec_to_double(frame->open_bar.close);
    frame->slope = frame->closed++ == 0 ? NAN : 2.0 / 51.0 * (close - frame->ema);
    frame->ema = frame->closed == 1 ? close : frame->ema + frame->slope;
}

/* M from a machine of each timeframe that has seen bars[first..last). */
static struct confluence confluence_at(struct frame frames[CONFLUENCE_COUNT], int64_t now_ns)
{
    struct confluence_view views[CONFLUENCE_COUNT];
    struct confluence c;
    for (int j = 0; j < CONFLUENCE_COUNT; j++)
        views[j] = confluence_view(&frames[j].machine, frames[j].slope);
    assert_int_equal(confluence_reckon(views, now_ns, &c), 0);
    return c;
}

static void frames_begin(struct frame frames[CONFLUENCE_COUNT])
{
    static const uint32_t ratios[CONFLUENCE_COUNT] = {1, 4, 16, 96};
    memset(frames, 0, CONFLUENCE_COUNT * sizeof *frames);
    for (int j = 0; j < CONFLUENCE_COUNT; j++) {
        frames[j].ratio = ratios[j];
        frames[j].slope = NAN;
        assert_int_equal(wyckoff_init(&frames[j].machine, wyckoff_params_set(1), VOLUME_TICK, NULL), 0);
    }
}

/* M at a moment is the same when every later bar is deleted, or is another one. */
static void test_no_leak(void **unused)
{
    (void)unused;
    static struct frame frames[CONFLUENCE_COUNT];
    static struct confluence whole[BARS_MAX];
    struct schematic s;
    schematic_begin(&s, bars, BARS_MAX, 12, 0.8);
    schematic_fill(&s);
    frames_begin(frames);
    unsigned admitted = 0;
    for (uint32_t i = 0; i < s.bar_count; i++) {
        for (int j = 0; j < CONFLUENCE_COUNT; j++)
            frame_feed(&frames[j], &bars[i]);
        whole[i] = confluence_at(frames, bars[i].time_ns);
        assert_true(fabs(whole[i].m) <= 1.0 && whole[i].up + whole[i].down <= 1.0 + 1e-12);
        admitted += confluence_admits(&whole[i], 1) || confluence_admits(&whole[i], -1);
    }
    for (uint32_t cut = 3001; cut < s.bar_count; cut += 4999) {
        frames_begin(frames);
        for (uint32_t i = 0; i <= cut; i++)
            for (int j = 0; j < CONFLUENCE_COUNT; j++)
                frame_feed(&frames[j], &bars[i]);
        struct confluence again = confluence_at(frames, bars[cut].time_ns);
        assert_memory_equal(&again, &whole[cut], sizeof again);
    }
    print_message("%u of %u bars admit a side\n", admitted, s.bar_count);
    assert_true(admitted > 100);
}

/* --- profile --------------------------------------------------------------------------------------------------- */

static void test_profile(void **unused)
{
    (void)unused;
    double volumes[10] = {5.0, 20.0, 10.0, 5.0, 0.0, 0.0, 3.0, 3.0, 2.0, 2.0};
    struct wyckoff_profile p = {.first = 100.0,
                                .height = 1.0,
                                .volumes = volumes,
                                .row_count = 10,
                                .poc = 101.5,
                                .value_low = 100.0,
                                .value_high = 104.0};
    /* place 1 - .15, share 40 / 50, compactness 1 - .4 */
    near(wyckoff_profile_strength(&p, WYCKOFF_ACCUMULATION, 100.0, 110.0), (0.85 + 0.8 + 0.6) / 3.0, 1e-15);
    near(wyckoff_profile_strength(&p, WYCKOFF_DISTRIBUTION, 100.0, 110.0), (0.15 + 0.2 + 0.6) / 3.0, 1e-15);
    /* the middle, 102.5, cuts row 2 in two: 30 of 50 below; place (101.5 - 100) / 5 */
    near(wyckoff_profile_strength(&p, WYCKOFF_ACCUMULATION, 100.0, 105.0), (0.7 + 0.6 + 0.2) / 3.0, 1e-15);
    /* all three clipped: POC above the range, value area wider than it */
    near(wyckoff_profile_strength(&p, WYCKOFF_ACCUMULATION, 98.0, 99.0), 0.0, 1e-15);
    assert_true(isnan(wyckoff_profile_strength(&p, WYCKOFF_ACCUMULATION, 105.0, 105.0)));
    assert_true(isnan(wyckoff_profile_strength(&p, WYCKOFF_ACCUMULATION, NAN, 105.0)));
    p.height = 0.0;
    assert_true(isnan(wyckoff_profile_strength(&p, WYCKOFF_ACCUMULATION, 100.0, 105.0)));
    p.height = 1.0;
    p.poc = INFINITY;
    assert_true(isnan(wyckoff_profile_strength(&p, WYCKOFF_ACCUMULATION, 100.0, 105.0)));
    p.poc = 101.5;
    volumes[3] = NAN;
    assert_true(isnan(wyckoff_profile_strength(&p, WYCKOFF_ACCUMULATION, 100.0, 105.0)));
    memset(volumes, 0, sizeof volumes);
    assert_true(isnan(wyckoff_profile_strength(&p, WYCKOFF_ACCUMULATION, 100.0, 105.0)));
    p.row_count = 0;
    assert_true(isnan(wyckoff_profile_strength(&p, WYCKOFF_ACCUMULATION, 100.0, 105.0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jeffreys),
        cmocka_unit_test(test_base_rate),
        cmocka_unit_test(test_logistic),
        cmocka_unit_test(test_hostile_models),
        cmocka_unit_test(test_confluence_by_hand),
        cmocka_unit_test(test_confluence_refuses_the_future),
        cmocka_unit_test(test_view),
        cmocka_unit_test(test_no_leak),
        cmocka_unit_test(test_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
