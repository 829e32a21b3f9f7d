/* The Wyckoff machine: features against a naive recomputation, drawn schematics of both directions, what events promise,
 * mirrored prices, parameters, what init refuses. Restarts: test_wyckoff_restart.c. */
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

#include "tests/unit/wyckoff_schematic.h"

#define BARS_MAX 20000u
#define EVENTS_MAX 4000u

static struct wyckoff_bar bars[BARS_MAX];
static struct wyckoff_event events[EVENTS_MAX];
static struct wyckoff_end ends[EVENTS_MAX];
static uint32_t event_count, end_count;

static const struct wyckoff_params *set(void)
{
    return wyckoff_params_set(1);
}

static void begin(struct wyckoff *w, const struct wyckoff_params *params)
{
    struct error err = {0};
    memset(w, 0xa5, sizeof *w); /* memory that was never zero */
    if (wyckoff_init(w, params, VOLUME_TICK, &err) != 0)
        fail_msg("%s", err.text);
}

/* All of bars[0..count) into events and ends. */
static void run(struct wyckoff *w, const struct wyckoff_params *params, uint32_t count)
{
    static struct wyckoff_output out;
    begin(w, params);
    event_count = end_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t said = wyckoff_on_bar(w, params, &bars[i], NULL, &out);
        assert_int_equal(said, out.event_count);
        for (uint32_t k = 0; k < out.event_count && event_count < EVENTS_MAX; k++)
            events[event_count++] = out.events[k];
        for (uint32_t k = 0; k < out.end_count && end_count < EVENTS_MAX; k++)
            ends[end_count++] = out.ends[k];
    }
    assert_int_equal(wyckoff_bar_count(w), count);
}

static uint32_t long_series(uint64_t seed, double noise)
{
    struct schematic s;
    schematic_begin(&s, bars, BARS_MAX, seed, noise);
    schematic_fill(&s);
    return s.bar_count;
}

/* --- features -------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double naive_median(uint32_t t, uint32_t n)
{
    double window[64];
    uint32_t count = t < n ? t : n;
    for (uint32_t i = 0; i < count; i++)
        window[i] = dec_to_double(bars[t - count + i].volume);
    qsort(window, count, sizeof window[0], by_value);
    return count % 2 ? window[count / 2] : (window[count / 2 - 1] + window[count / 2]) / 2.0;
}

static double naive_tr(uint32_t i)
{
    double before = dec_to_double(bars[i - 1].close);
    return fmax(dec_to_double(bars[i].high), before) - fmin(dec_to_double(bars[i].low), before);
}

static void expect_near(double got, double want, const char *what, uint32_t bar)
{
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= 1e-10 * fmax(1.0, fabs(want))))
        fail_msg("%s at bar %u: %.17g is not %.17g", what, bar, got, want);
}

static void test_features_against_naive(void **unused)
{
    (void)unused;
    static struct wyckoff w;
    static struct wyckoff_output out;
    static const uint32_t n_atrs[] = {2, 14, 60}, n_vols[] = {20, 50, 60};
    for (uint32_t pass = 0; pass < 3; pass++) {
        struct wyckoff_params params = *set();
        params.n_atr = n_atrs[pass];
        params.n_vol = n_vols[pass];
        uint32_t count = long_series(900 + pass, 1.0);
        uint64_t seed = pass + 1;
        for (uint32_t i = 0; i < count; i++) /* ties and bars without volume */
            if (schematic_draw(&seed, 4) == 0)
                bars[i].volume = (dec_t)schematic_draw(&seed, 3) * 1000 * DEC_ONE;
        begin(&w, &params);
        double atr = NAN, sum = 0.0;
        for (uint32_t i = 0; i < count; i++) {
            (void)wyckoff_on_bar(&w, &params, &bars[i], NULL, &out);
            struct wyckoff_features f = wyckoff_features_last(&w);
            double range = dec_to_double(bars[i].high) - dec_to_double(bars[i].low);
            double median = i >= 20 ? naive_median(i, params.n_vol) : NAN;
            expect_near(f.atr, atr, "ATR", i);
            expect_near(f.relative_volume, median > 0.0 ? dec_to_double(bars[i].volume) / median : NAN, "RV", i);
            expect_near(f.spread_ratio, range / atr, "SR", i);
            expect_near(f.clv01,
                        range > 0.0 ? (dec_to_double(bars[i].close) - dec_to_double(bars[i].low)) / range : 0.5,
                        "clv01", i);
            if (i > 0)
                sum += naive_tr(i);
            if (i == params.n_atr)
                atr = sum / params.n_atr;
            else if (i > params.n_atr)
                atr = (atr * (params.n_atr - 1) + naive_tr(i)) / params.n_atr;
        }
    }
}

/* --- drawn schematics ------------------------------------------------------------------------------------------ */

static bool found_near(uint32_t direction, uint32_t kind, uint32_t bar, uint32_t within)
{
    for (uint32_t i = 0; i < event_count; i++)
        if (events[i].direction == direction && events[i].kind == kind &&
            (events[i].bar > bar ? events[i].bar - bar : bar - events[i].bar) <= within)
            return true;
    return false;
}

static bool has_event(uint32_t direction, uint32_t kind)
{
    return found_near(direction, kind, 0, UINT32_MAX);
}

/* Own generator, little noise: what is meant is found, in both directions; what breaks is not taken for strength. These
 * bounds say that the software works, nothing of markets. */
static void test_drawn_schematics(void **unused)
{
    (void)unused;
    static struct wyckoff w;
    unsigned meant[WYCKOFF_KINDS] = {0}, found[WYCKOFF_KINDS] = {0}, wrong_way = 0, broken = 0, false_strength = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        enum schematic_kind kind = (enum schematic_kind)(seed % 4);
        struct schematic s;
        schematic_begin(&s, bars, BARS_MAX, seed, 0.75);
        assert_true(schematic_append(&s, kind));
        run(&w, set(), s.bar_count);
        uint32_t direction = kind == SCHEMATIC_DISTRIBUTION || kind == SCHEMATIC_BREAKUP;
        wrong_way += has_event(!direction, WYCKOFF_SOS);
        if (kind == SCHEMATIC_BREAKDOWN || kind == SCHEMATIC_BREAKUP) {
            broken++;
            false_strength += has_event(direction, WYCKOFF_SOS);
        }
        for (uint32_t k = 0; k < WYCKOFF_KINDS; k++)
            if (s.labels[k] != WYCKOFF_NONE) {
                meant[k]++;
                found[k] += found_near(direction, k, s.labels[k], k == WYCKOFF_SC ? 3 : 6);
            }
    }
    for (uint32_t k = 0; k < WYCKOFF_KINDS; k++)
        if (meant[k] > 0)
            print_message("%s %u of %u  ", wyckoff_event_name(k, 0), found[k], meant[k]);
    print_message("\nSOS after a break %u of %u, in the other direction %u of 400\n", false_strength, broken,
                  wrong_way);
    assert_true(found[WYCKOFF_SC] >= meant[WYCKOFF_SC] * 9 / 10);
    assert_true(found[WYCKOFF_AR] >= meant[WYCKOFF_AR] * 8 / 10);
    assert_true(found[WYCKOFF_ST] >= meant[WYCKOFF_ST] * 8 / 10);
    assert_true(found[WYCKOFF_SPRING] >= meant[WYCKOFF_SPRING] * 7 / 10);
    assert_true(found[WYCKOFF_SOS] >= meant[WYCKOFF_SOS] * 7 / 10);
    assert_true(found[WYCKOFF_LPS] >= meant[WYCKOFF_LPS] * 5 / 10);
    assert_true(found[WYCKOFF_TEST] * 3 >= meant[WYCKOFF_TEST]);
    assert_true(false_strength * 20 <= broken && wrong_way * 20 <= 400);
}

/* The pattern's events in order, each known no earlier than it happened and now; prices inside the bar they name. */
static void expect_event(const struct wyckoff_event *e, const struct wyckoff_params *p)
{
    assert_true(e->bar <= e->known_bar && e->kind < WYCKOFF_KINDS && e->direction < WYCKOFF_DIRECTIONS);
    assert_int_equal(e->time_ns, bars[e->bar].time_ns);
    assert_int_equal(e->known_ns, bars[e->known_bar].time_ns);
    bool up = e->direction == WYCKOFF_ACCUMULATION, high = (e->kind == WYCKOFF_AR) == up;
    dec_t extreme = e->kind == WYCKOFF_SOS || e->kind == WYCKOFF_E ? bars[e->bar].close
                    : high                                         ? bars[e->bar].high
                                                                   : bars[e->bar].low;
    assert_true(e->price == dec_to_double(extreme));
    if (e->kind >= WYCKOFF_AR) {
        assert_true(e->support < e->resistance);
        assert_true((e->resistance - e->support) / e->atr >= p->ar_min_atr * 0.999);
    }
    assert_true(up ? e->invalid < dec_to_double(bars[e->known_bar].high)
                   : e->invalid > dec_to_double(bars[e->known_bar].low));
    assert_int_equal(e->has_evidence, e->kind >= WYCKOFF_ST && e->kind != WYCKOFF_E);
    assert_int_equal(e->grade != WYCKOFF_GRADE_NONE, !isnan(e->evidence[WYCKOFF_EVIDENCE_penetration]) ||
                                                         (e->kind == WYCKOFF_E && e->grade != WYCKOFF_GRADE_NONE));
}

static void test_what_events_promise(void **unused)
{
    (void)unused;
    static struct wyckoff w;
    unsigned seen[WYCKOFF_KINDS] = {0}, results[WYCKOFF_RESULTS] = {0};
    for (uint64_t seed = 0; seed < 6; seed++) {
        uint32_t count = long_series(seed, 0.7 + 0.1 * (double)seed);
        run(&w, set(), count);
        uint32_t last[WYCKOFF_DIRECTIONS] = {0}, serial[WYCKOFF_DIRECTIONS] = {0};
        for (uint32_t i = 0; i < event_count; i++) {
            const struct wyckoff_event *e = &events[i];
            expect_event(e, set());
            if (e->serial == serial[e->direction])
                assert_true(e->kind > last[e->direction] ||
                            (e->kind == WYCKOFF_SC && last[e->direction] == WYCKOFF_PS));
            else
                assert_true(e->serial > serial[e->direction] && e->kind <= WYCKOFF_SC);
            serial[e->direction] = e->serial;
            last[e->direction] = e->kind;
            seen[e->kind]++;
        }
        for (uint32_t i = 0; i < end_count; i++) {
            results[ends[i].result]++;
            assert_int_equal(ends[i].result == WYCKOFF_COMPLETE, ends[i].marks[WYCKOFF_E].bar == ends[i].bar);
            assert_true(ends[i].result != WYCKOFF_TIMEOUT || ends[i].stage >= WYCKOFF_IN_D);
            assert_true(ends[i].stage != WYCKOFF_IN_IDLE && ends[i].marks[WYCKOFF_SC].bar != WYCKOFF_NONE);
        }
    }
    for (uint32_t k = 0; k < WYCKOFF_KINDS; k++)
        assert_true(seen[k] > 20);
    assert_true(results[WYCKOFF_FAIL] > 20 && results[WYCKOFF_COMPLETE] > 20);
}

/* --- evidence -------------------------------------------------------------------------------------------------- */

static double naive_slope(uint32_t from, uint32_t to)
{
    double n = to - from + 1, mean_x = 0.0, mean_y = 0.0, xy = 0.0, xx = 0.0;
    for (uint32_t i = from; i <= to; i++) {
        mean_x += i / n;
        mean_y += log(dec_to_double(bars[i].volume)) / n;
    }
    for (uint32_t i = from; i <= to; i++) {
        xy += (i - mean_x) * (log(dec_to_double(bars[i].volume)) - mean_y);
        xx += (i - mean_x) * (i - mean_x);
    }
    return xy / xx;
}

/* Volume's slope over phase B, spread and close of the climax, penetration and recovery, from the bars themselves. */
static void test_evidence_against_naive(void **unused)
{
    (void)unused;
    static struct wyckoff w;
    unsigned compared = 0, springs = 0;
    for (uint64_t seed = 20; seed < 24; seed++) {
        run(&w, set(), long_series(seed, 0.6));
        const struct wyckoff_event *of[WYCKOFF_DIRECTIONS][WYCKOFF_KINDS] = {{0}};
        for (uint32_t i = 0; i < event_count; i++) {
            const struct wyckoff_event *e = &events[i], **mine = of[e->direction];
            if (e->kind <= WYCKOFF_SC)
                memset(mine, 0, sizeof of[0]);
            mine[e->kind] = e;
            if (!e->has_evidence || e->kind == WYCKOFF_ST)
                continue;
            const double *v = e->evidence;
            uint32_t b = mine[WYCKOFF_ST]->known_bar;
            uint32_t to = mine[WYCKOFF_SPRING] ? mine[WYCKOFF_SPRING]->known_bar
                          : mine[WYCKOFF_SOS]  ? mine[WYCKOFF_SOS]->known_bar
                                               : e->known_bar;
            assert_true(v[WYCKOFF_EVIDENCE_b_bars] == to - b);
            expect_near(v[WYCKOFF_EVIDENCE_b_volume_slope], to - b >= 3 ? naive_slope(b + 1, to) : NAN, "slope",
                        e->known_bar);
            const struct wyckoff_bar *sc = &bars[mine[WYCKOFF_SC]->bar];
            expect_near(v[WYCKOFF_EVIDENCE_sr_sc], dec_to_double(sc->high - sc->low) / e->atr, "sr_sc", e->known_bar);
            expect_near(v[WYCKOFF_EVIDENCE_width_atr], (e->resistance - e->support) / e->atr, "width", e->known_bar);
            if (e->kind == WYCKOFF_SPRING) {
                double depth = e->direction == WYCKOFF_ACCUMULATION ? e->support - e->price : e->price - e->resistance;
                expect_near(v[WYCKOFF_EVIDENCE_penetration], depth / e->atr, "penetration", e->known_bar);
                assert_true(v[WYCKOFF_EVIDENCE_recovery_bars] <= set()->sp_rec && depth > 0.0);
                springs++;
            }
            compared++;
        }
    }
    print_message("%u events, %u springs\n", compared, springs);
    assert_true(compared > 100 && springs > 20);
}

/* What the context says comes out at the side it speaks for. */
static void test_context(void **unused)
{
    (void)unused;
    static struct wyckoff w;
    static struct wyckoff_output out;
    uint32_t count = long_series(31, 0.6), low_means = 0, checked[2] = {0};
    const struct wyckoff_context context = {.evr = 1.25, .smf = 0.8, .higher = 0.4, .session = 1.0, .strength = 0.1};
    begin(&w, set());
    for (uint32_t i = 0; i < count; i++) {
        (void)wyckoff_on_bar(&w, set(), &bars[i], &context, &out);
        for (uint32_t k = 0; k < out.event_count; k++) {
            const struct wyckoff_event *e = &out.events[k];
            if (!e->has_evidence)
                continue;
            bool up = e->direction == WYCKOFF_ACCUMULATION;
            expect_near(e->evidence[WYCKOFF_EVIDENCE_smf], up ? 0.8 : 0.2, "smf", i);
            expect_near(e->evidence[WYCKOFF_EVIDENCE_higher], up ? 0.4 : -0.4, "higher", i);
            expect_near(e->evidence[WYCKOFF_EVIDENCE_session], 1.0, "session", i);
            assert_true(isnan(e->evidence[WYCKOFF_EVIDENCE_profile]));
            assert_int_equal((e->nine >> 6) & 1u, up); /* stronger than its market */
            assert_true(e->evidence[WYCKOFF_EVIDENCE_nine] == __builtin_popcount(e->nine));
            double mean = e->evidence[WYCKOFF_EVIDENCE_evr_low];
            if (!isnan(mean)) {
                expect_near(mean, 1.25, "evr_low", i);
                low_means++;
            }
            checked[e->direction]++;
        }
    }
    assert_true(low_means > 20 && checked[0] > 20 && checked[1] > 20);
}

/* Whatever the context, the events are the same. */
static void test_context_decides_nothing(void **unused)
{
    (void)unused;
    static struct wyckoff w, other;
    static struct wyckoff_output a, b;
    uint32_t count = long_series(32, 1.0);
    begin(&w, set());
    begin(&other, set());
    const struct wyckoff_context context = {.evr = -3.0, .smf = 0.1, .higher = -1.0, .session = 0.0, .strength = -9.0};
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(wyckoff_on_bar(&w, set(), &bars[i], NULL, &a),
                         wyckoff_on_bar(&other, set(), &bars[i], &context, &b));
        for (uint32_t k = 0; k < a.event_count; k++)
            assert_true(a.events[k].kind == b.events[k].kind && a.events[k].bar == b.events[k].bar);
    }
}

static uint32_t spring_grade(double rv, double penetration)
{
    extern uint32_t evidence_grade(double, double);
    return evidence_grade(rv, penetration);
}

static void test_grades(void **unused)
{
    (void)unused;
    assert_int_equal(spring_grade(2.0, 0.1), WYCKOFF_GRADE_SHAKEOUT);
    assert_int_equal(spring_grade(0.5, 1.01), WYCKOFF_GRADE_SHAKEOUT);
    assert_int_equal(spring_grade(1.99, 1.0), WYCKOFF_GRADE_MODERATE);
    assert_int_equal(spring_grade(1.2, 0.5), WYCKOFF_GRADE_MODERATE);
    assert_int_equal(spring_grade(1.19, 0.51), WYCKOFF_GRADE_MODERATE);
    assert_int_equal(spring_grade(1.19, 0.5), WYCKOFF_GRADE_QUIET);
}

/* --- symmetry -------------------------------------------------------------------------------------------------- */

/* Prices mirrored about 10: each direction says what the other one said. The doubles of mirrored prices are not the mirrored
 * doubles, so this holds but for edges that are met to the last digit; none is here. */
static void test_mirror(void **unused)
{
    (void)unused;
    static struct wyckoff w;
    static struct wyckoff_event before[EVENTS_MAX];
    uint32_t count = long_series(41, 1.0);
    run(&w, set(), count);
    uint32_t events_before = event_count;
    memcpy(before, events, sizeof before);
    for (uint32_t i = 0; i < count; i++) {
        struct wyckoff_bar bar = bars[i];
        const dec_t twice = 20 * DEC_ONE;
        bars[i].open = twice - bar.open;
        bars[i].high = twice - bar.low;
        bars[i].low = twice - bar.high;
        bars[i].close = twice - bar.close;
    }
    run(&w, set(), count);
    assert_int_equal(event_count, events_before);
    for (uint32_t direction = 0; direction < 2; direction++) {
        uint32_t i = 0, k = 0;
        for (;; i++, k++) {
            while (i < event_count && events[i].direction != direction)
                i++;
            while (k < event_count && before[k].direction == direction)
                k++;
            if (i == event_count || k == event_count)
                break;
            assert_int_equal(events[i].kind, before[k].kind);
            assert_int_equal(events[i].bar, before[k].bar);
            assert_int_equal(events[i].known_bar, before[k].known_bar);
        }
        assert_int_equal(i, event_count);
        assert_int_equal(k, event_count);
    }
    assert_true(event_count > 100);
}

/* --- edges ----------------------------------------------------------------------------------------------------- */

static void test_refusals(void **unused)
{
    (void)unused;
    static struct wyckoff w;
    struct error err = {0};
    struct wyckoff_params params = *set();
    assert_int_equal(wyckoff_init(&w, &params, VOLUME_NONE, &err), -ENOTSUP);
    assert_non_null(strstr(err.text, "volume"));
    assert_int_equal(w.version, 0);
    assert_int_equal(wyckoff_init(&w, &params, (enum config_volume_kind)7, NULL), -ENOTSUP);
    assert_int_equal(wyckoff_init(&w, &params, VOLUME_EXCHANGE, &err), 0);
    params.sc_rv = NAN;
    assert_int_equal(wyckoff_init(&w, &params, VOLUME_TICK, &err), -EINVAL);
    assert_non_null(strstr(err.text, "sc_rv"));
    params = *set();
    params.n_tr = 61; /* beyond the ring */
    assert_int_equal(wyckoff_init(&w, &params, VOLUME_TICK, &err), -EINVAL);
    assert_non_null(strstr(err.text, "n_tr"));
    params = *set();
    params.n_vol = 30;
    params.n_vol_min = 31;
    assert_int_equal(wyckoff_init(&w, &params, VOLUME_TICK, &err), -EINVAL);
}

static void test_params(void **unused)
{
    (void)unused;
    assert_null(wyckoff_params_set(0));
    assert_null(wyckoff_params_set(WYCKOFF_SETS + 1));
    for (uint32_t number = 1; number <= WYCKOFF_SETS; number++)
        assert_int_equal(wyckoff_params_check(wyckoff_params_set(number), NULL), 0);
    struct wyckoff_params params = *set();
    assert_true(wyckoff_params_put(&params, "n_atr", 20.0) && params.n_atr == 20);
    assert_true(wyckoff_params_put(&params, "drop", 3.25) && params.drop == 3.25);
    assert_true(wyckoff_params_get(&params, "drop") == 3.25 && wyckoff_params_get(&params, "n_atr") == 20.0);
    assert_false(wyckoff_params_put(&params, "n_atr", 1.5));
    assert_false(wyckoff_params_put(&params, "n_atr", -1.0));
    assert_false(wyckoff_params_put(&params, "n_atr", NAN));
    assert_false(wyckoff_params_put(&params, "lps_max", 20.0));
    assert_true(isnan(wyckoff_params_get(&params, "lps_max")));
    assert_true(wyckoff_params_digest(&params) != wyckoff_params_digest(set()));
}

static void test_names(void **unused)
{
    (void)unused;
    assert_string_equal(wyckoff_event_name(WYCKOFF_SPRING, WYCKOFF_ACCUMULATION), "SPRING");
    assert_string_equal(wyckoff_event_name(WYCKOFF_SPRING, WYCKOFF_DISTRIBUTION), "UTAD");
    assert_string_equal(wyckoff_event_name(WYCKOFF_KINDS, 0), "?");
    assert_string_equal(wyckoff_event_name(0, 2), "?");
    assert_string_equal(wyckoff_stage_name(WYCKOFF_IN_D2), "D2");
    assert_string_equal(wyckoff_stage_name(WYCKOFF_STAGES), "?");
    assert_string_equal(wyckoff_result_name(WYCKOFF_TIMEOUT), "timeout");
    assert_string_equal(wyckoff_result_name(9), "?");
    assert_string_equal(wyckoff_evidence_name(WYCKOFF_EVIDENCE_nine), "nine");
    assert_string_equal(wyckoff_evidence_name(WYCKOFF_EVIDENCE_COUNT), "?");
}

static void test_impossible_bars(void **unused)
{
    (void)unused;
    static struct wyckoff w, before;
    static struct wyckoff_output out;
    uint32_t count = long_series(51, 1.0);
    run(&w, set(), count / 2);
    memcpy(&before, &w, sizeof w);
    struct wyckoff_bar good = bars[count / 2], bad[6];
    for (int i = 0; i < 6; i++)
        bad[i] = good;
    bad[0].low = 0;
    bad[1].open = good.high + 1;
    bad[2].close = good.low - 1;
    bad[3].volume = -1;
    bad[4].high = good.low - 1;
    bad[5].open = DEC_NONE;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(wyckoff_on_bar(&w, set(), &bad[i], NULL, &out), 0);
        assert_memory_equal(&w, &before, sizeof w);
    }
}

/* Flat bars, no volume, extreme prices: no event, no trap, and the machine still works after them. */
/* --- windows and limits by hand ------------------------------------------------------------------------------------ */

/* A bar in ticks about 100,000. */
static struct wyckoff_bar ticks(int64_t open, int64_t high, int64_t low, int64_t close, int64_t volume)
{
    const dec_t middle = 100000 * SCHEMATIC_TICK;
    return (struct wyckoff_bar){.open = middle + open * SCHEMATIC_TICK,
                                .high = middle + high * SCHEMATIC_TICK,
                                .low = middle + low * SCHEMATIC_TICK,
                                .close = middle + close * SCHEMATIC_TICK,
                                .volume = volume * DEC_ONE};
}

/* The last event of this bar, WYCKOFF_KINDS for none; of accumulation. */
static uint32_t feed(struct wyckoff *w, const struct wyckoff_params *params, struct wyckoff_bar bar)
{
    static struct wyckoff_output out;
    (void)wyckoff_on_bar(w, params, &bar, NULL, &out);
    uint32_t kind = WYCKOFF_KINDS;
    for (uint32_t k = 0; k < out.event_count; k++)
        if (out.events[k].direction == WYCKOFF_ACCUMULATION)
            kind = out.events[k].kind;
    return kind;
}

static void feed_quiet(struct wyckoff *w, const struct wyckoff_params *params, uint32_t count, int64_t at)
{
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(feed(w, params, ticks(at, at + 10, at - 10, at, 1000)), WYCKOFF_KINDS);
}

/* A low of n_tr bars ago is in the window of the climax, one bar older is not; a low that is as low is enough. */
static void test_window_of_the_climax(void **unused)
{
    (void)unused;
    static struct wyckoff w;
    for (uint32_t age = 39; age <= 41; age++)
        for (int64_t low = -202; low <= -200; low++) {
            begin(&w, set());
            feed_quiet(&w, set(), 70, 0);
            assert_int_equal(feed(&w, set(), ticks(0, 10, -201, 0, 1000)), WYCKOFF_KINDS);
            feed_quiet(&w, set(), age - 1, 0);
            uint32_t kind = feed(&w, set(), ticks(0, 0, low, low / 2, 3000));
            assert_int_equal(kind, age == 41 || low <= -201 ? WYCKOFF_SC : WYCKOFF_KINDS);
        }
}

/* After an end at bar t the first climax that counts is at t + cool + 1. */
static void test_cool_down(void **unused)
{
    (void)unused;
    static struct wyckoff w;
    for (uint32_t after = 9; after <= 11; after++) {
        begin(&w, set());
        feed_quiet(&w, set(), 70, 0);
        assert_int_equal(feed(&w, set(), ticks(0, 0, -100, -50, 3000)), WYCKOFF_SC);
        assert_int_equal(feed(&w, set(), ticks(-50, -50, -165, -160, 1000)), WYCKOFF_KINDS); /* below S - A0 / 2 */
        assert_int_equal(w.patterns[0].stage, WYCKOFF_IN_IDLE);
        feed_quiet(&w, set(), after - 1, -160);
        uint32_t kind = feed(&w, set(), ticks(-160, -160, -700, -450, 4000));
        assert_int_equal(kind, after == 11 ? WYCKOFF_SC : WYCKOFF_KINDS);
    }
}

/* Up to the spring: S -100, R 150, spring at -110. */
static void feed_to_spring(struct wyckoff *w, const struct wyckoff_params *params)
{
    begin(w, params);
    feed_quiet(w, params, 70, 0);
    assert_int_equal(feed(w, params, ticks(0, 0, -100, -50, 3000)), WYCKOFF_SC);
    for (int64_t at = -50; at < 130; at += 20)
        assert_int_equal(feed(w, params, ticks(at, at + 20, at, at + 20, 1000)), WYCKOFF_KINDS);
    assert_int_equal(feed(w, params, ticks(130, 130, 90, 90, 1000)), WYCKOFF_AR);
    for (int64_t at = 90; at > -70; at -= 20)
        assert_int_equal(feed(w, params, ticks(at, at, at - 20, at - 20, 1000)), WYCKOFF_KINDS);
    assert_int_equal(feed(w, params, ticks(-70, -40, -70, -40, 1000)), WYCKOFF_ST);
    feed_quiet(w, params, 13, -40);
    assert_int_equal(feed(w, params, ticks(-40, -40, -110, -60, 1000)), WYCKOFF_SPRING);
    assert_int_equal(w->patterns[0].stage, WYCKOFF_IN_C);
}

/* Below the spring's low: set 1 fails; with respring a second spring of the same pattern, so often and no more. */
static void test_respring(void **unused)
{
    (void)unused;
    static struct wyckoff w;
    for (uint32_t springs = 0; springs <= 2; springs++) {
        struct wyckoff_params params = *set();
        params.respring = springs;
        feed_to_spring(&w, &params);
        const struct wyckoff_pattern *x = &w.patterns[0];
        uint32_t serial = x->serial;
        for (uint32_t n = 1; n <= springs; n++) {
            int64_t low = -110 - 4 * (int64_t)n;
            assert_int_equal(feed(&w, &params, ticks(-60, -60, low, low + 1, 1000)), WYCKOFF_KINDS);
            assert_true(wyckoff_restorable(&w, &params));
            assert_int_equal(feed(&w, &params, ticks(low + 1, -60, low + 1, -60, 1000)), WYCKOFF_SPRING);
            assert_true(x->stage == WYCKOFF_IN_C && x->serial == serial && x->springs == n + 1);
            assert_true(x->invalid == dec_to_double((100000 + low) * SCHEMATIC_TICK));
        }
        assert_int_equal(feed(&w, &params, ticks(-60, -60, -125, -124, 1000)), WYCKOFF_KINDS);
        assert_int_equal(x->stage, WYCKOFF_IN_IDLE);
    }
}

static void test_dull_and_extreme_bars(void **unused)
{
    (void)unused;
    static struct wyckoff w;
    static struct wyckoff_output out;
    const struct wyckoff_bar kinds[] = {
        {0, DEC_ONE, DEC_ONE, DEC_ONE, DEC_ONE, DEC_ONE},
        {0, DEC_ONE, DEC_ONE, DEC_ONE, DEC_ONE, 0},
        {0, 1, DEC_MAX, 1, DEC_MAX, DEC_MAX},
        {0, DEC_MAX, DEC_MAX, 1, 1, 0},
    };
    begin(&w, set());
    uint64_t seed = 5;
    for (uint32_t i = 0; i < 3000; i++) {
        struct wyckoff_bar bar = kinds[i < 400 ? 0 : i < 800 ? 1 : schematic_draw(&seed, 4)];
        bar.time_ns = i;
        (void)wyckoff_on_bar(&w, set(), &bar, NULL, &out);
        if (i < 800)
            assert_int_equal(out.event_count, 0);
        assert_true(wyckoff_restorable(&w, set()));
    }
    struct schematic s;
    schematic_begin(&s, bars, BARS_MAX, 3, 0.4);
    for (int i = 0; i < 4; i++)
        assert_true(schematic_append(&s, SCHEMATIC_ACCUMULATION));
    uint32_t found = 0;
    for (uint32_t i = 0; i < s.bar_count; i++)
        found += wyckoff_on_bar(&w, set(), &bars[i], NULL, &out);
    assert_true(found > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features_against_naive),
        cmocka_unit_test(test_drawn_schematics),
        cmocka_unit_test(test_what_events_promise),
        cmocka_unit_test(test_evidence_against_naive),
        cmocka_unit_test(test_context),
        cmocka_unit_test(test_context_decides_nothing),
        cmocka_unit_test(test_grades),
        cmocka_unit_test(test_mirror),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_impossible_bars),
        cmocka_unit_test(test_window_of_the_climax),
        cmocka_unit_test(test_cool_down),
        cmocka_unit_test(test_respring),
        cmocka_unit_test(test_dull_and_extreme_bars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
