/* evidence: what an event says beside its bar: the vector of quant.md 2.4, the quality of the range, Pruden's tests. Nothing
 * here decides a stage. */
#include <math.h>

#include "workers/strategy/wyckoff/machine.h"

#define TEST_BAND 0.25 /* W from an edge that a test of it comes within */
#define LOWER_THIRD 3.0
#define SLOPE_BARS_MIN 3u
#define TESTS_MIN 2u
#define REWARD_MIN 3.0 /* quant.md 2.4: Pruden's ninth test */
#define STOP_ATR 0.5
enum { SIDE_NONE, SIDE_LOW, SIDE_HIGH };

uint32_t evidence_grade(double rv, double penetration_atr)
{
    if (rv >= 2.0 || penetration_atr > 1.0)
        return WYCKOFF_GRADE_SHAKEOUT;
    return rv < 1.2 && penetration_atr <= 0.5 ? WYCKOFF_GRADE_QUIET : WYCKOFF_GRADE_MODERATE;
}

/* --- gathered bar by bar --------------------------------------------------------------------------------------- */

/* The AR tested the upper edge, the ST the lower one. */
void evidence_begin_b(struct machine *m)
{
    struct wyckoff_pattern *x = m->x;
    x->sums = (struct wyckoff_sums){0};
    x->tests_low = x->tests_high = 1;
    x->side = SIDE_LOW;
    x->low_min = x->low.price;
    x->high_max = m->high;
}

/* A test of one side counts when the last one was of the other: what lingers at an edge is one test. */
static void count_tests(struct machine *m)
{
    struct wyckoff_pattern *x = m->x;
    double width = x->r - x->s;
    bool low = m->low <= x->s + TEST_BAND * width, high = m->high >= x->r - TEST_BAND * width;
    if (low && high)
        (m->close - x->s < width / 2.0) ? (high = false) : (low = false);
    if (low && x->side != SIDE_LOW) {
        x->tests_low++;
        x->side = SIDE_LOW;
    } else if (high && x->side != SIDE_HIGH) {
        x->tests_high++;
        x->side = SIDE_HIGH;
    }
}

static void gather_sums(struct machine *m)
{
    struct wyckoff_pattern *x = m->x;
    struct wyckoff_sums *sums = &x->sums;
    double volume = series_bar(m->series, m->t)->volume;
    if (volume > 0.0) {
        double at = m->t - x->b_bar, y = log(volume);
        sums->n += 1.0;
        sums->x += at;
        sums->xx += at * at;
        sums->y += y;
        sums->xy += at * y;
    }
    if (m->close >= machine_close(m, m->t - 1)) {
        sums->up += m->rv;
        sums->up_count += 1.0;
        return;
    }
    sums->down += m->rv;
    sums->down_count += 1.0;
    if (!isnan(m->context->evr) && m->low <= x->s + (x->r - x->s) / LOWER_THIRD) {
        sums->evr += m->context->evr;
        sums->evr_count += 1.0;
    }
}

void evidence_bar(struct machine *m)
{
    struct wyckoff_pattern *x = m->x;
    x->low_min = fold_min(x->low_min, m->low);
    x->high_max = fold_max(x->high_max, m->high);
    if (x->stage == WYCKOFF_IN_B)
        gather_sums(m);
    if (x->stage == WYCKOFF_IN_B || x->stage == WYCKOFF_IN_C)
        count_tests(m);
}

/* --- said at an event ------------------------------------------------------------------------------------------ */

static double volume_slope(const struct wyckoff_sums *sums)
{
    double spread = sums->n * sums->xx - sums->x * sums->x;
    if (sums->n < SLOPE_BARS_MIN || !(spread > 0.0))
        return NAN;
    return (sums->n * sums->xy - sums->x * sums->y) / spread;
}

/* Bars of phase B, as far as it has come. */
static uint32_t bars_in_b(const struct machine *m)
{
    return m->x->stage == WYCKOFF_IN_B || m->x->stage == WYCKOFF_IN_AR ? m->t - m->x->b_bar : m->x->b_bars;
}

static uint32_t range_quality(const struct machine *m)
{
    const struct wyckoff_pattern *x = m->x;
    double width = (x->r - x->s) / x->a;
    uint32_t quality = 0;
    if (width >= m->p->w_min && width <= m->p->w_max)
        quality |= WYCKOFF_QUALITY_WIDTH;
    if (x->tests_low >= TESTS_MIN && x->tests_high >= TESTS_MIN)
        quality |= WYCKOFF_QUALITY_TESTS;
    if (volume_slope(&x->sums) <= 0.0)
        quality |= WYCKOFF_QUALITY_VOLUME;
    if (bars_in_b(m) >= m->p->b_min)
        quality |= WYCKOFF_QUALITY_BARS;
    return quality;
}

/* The close above the line from the high before the fall to the AR's high, drawn on to this bar. */
static bool stride_broken(const struct machine *m)
{
    const struct wyckoff_pattern *x = m->x;
    if (x->ar_bar <= x->fall_bar)
        return false;
    double slope = (x->ar_high - x->fall_high) / (double)(x->ar_bar - x->fall_bar);
    return m->close > x->ar_high + slope * (double)(m->t - x->ar_bar);
}

static uint32_t nine_tests(const struct machine *m, uint32_t quality)
{
    const struct wyckoff_pattern *x = m->x;
    double width = x->r - x->s, stop = x->low_min - STOP_ATR * x->a;
    const bool met[WYCKOFF_NINE] = {
        x->fall_high - x->s >= width,
        x->marks[WYCKOFF_PS].bar != WYCKOFF_NONE && x->marks[WYCKOFF_ST].bar != WYCKOFF_NONE,
        x->sums.up_count > 0.0 && x->sums.down_count > 0.0 &&
            x->sums.up / x->sums.up_count > x->sums.down / x->sums.down_count,
        stride_broken(m),
        x->low_last > fold_min(x->s, x->low_min),
        x->high_max > x->ar_high,
        (m->direction == WYCKOFF_ACCUMULATION ? m->context->strength : -m->context->strength) > 0.0,
        (quality & WYCKOFF_QUALITY_WIDTH) && (quality & WYCKOFF_QUALITY_BARS),
        m->close > stop && x->r + width - m->close >= REWARD_MIN * (m->close - stop),
    };
    uint32_t bits = 0;
    for (uint32_t i = 0; i < WYCKOFF_NINE; i++)
        bits |= (uint32_t)met[i] << i;
    return bits;
}

static void fill_vector(const struct machine *m, const struct wyckoff_event *event, double *v)
{
    const struct wyckoff_pattern *x = m->x;
    const struct wyckoff_context *c = m->context;
    bool up = m->direction == WYCKOFF_ACCUMULATION;
    bool spring = x->marks[WYCKOFF_SPRING].bar != WYCKOFF_NONE;
    v[WYCKOFF_EVIDENCE_ln_rv_sc] = log(x->rv_sc);
    v[WYCKOFF_EVIDENCE_sr_sc] = x->sr_sc;
    v[WYCKOFF_EVIDENCE_clv_sc] = x->clv_sc;
    v[WYCKOFF_EVIDENCE_rv_st_share] = x->rv_st / x->rv_sc;
    v[WYCKOFF_EVIDENCE_width_atr] = (x->r - x->s) / x->a;
    v[WYCKOFF_EVIDENCE_b_bars] = bars_in_b(m);
    v[WYCKOFF_EVIDENCE_b_volume_slope] = volume_slope(&x->sums);
    v[WYCKOFF_EVIDENCE_tests] = (double)x->tests_low + (double)x->tests_high;
    v[WYCKOFF_EVIDENCE_penetration] = x->penetration;
    v[WYCKOFF_EVIDENCE_rv_spring] = x->rv_spring;
    v[WYCKOFF_EVIDENCE_recovery_bars] = spring ? (double)x->recovery_bars : NAN;
    v[WYCKOFF_EVIDENCE_rv_test] = x->rv_test;
    v[WYCKOFF_EVIDENCE_smf] = up ? c->smf : 1.0 - c->smf;
    v[WYCKOFF_EVIDENCE_evr_low] = x->sums.evr_count > 0.0 ? x->sums.evr / x->sums.evr_count : NAN;
    v[WYCKOFF_EVIDENCE_profile] = NAN;
    v[WYCKOFF_EVIDENCE_higher] = up ? c->higher : -c->higher;
    v[WYCKOFF_EVIDENCE_session] = c->session;
    v[WYCKOFF_EVIDENCE_nine] = __builtin_popcount(event->nine);
}

/* Beyond which the pattern is over, after this event. */
static double invalid_price(const struct machine *m, uint32_t kind)
{
    const struct wyckoff_pattern *x = m->x;
    switch (kind) {
    case WYCKOFF_PS:
    case WYCKOFF_SC:
    case WYCKOFF_AR:
        return x->s - m->p->inv * x->a;
    case WYCKOFF_ST:
        return x->s - fold_max(m->p->sp_max_atr * x->a, m->p->sp_max_w * (x->r - x->s));
    case WYCKOFF_SPRING:
    case WYCKOFF_TEST:
        return x->invalid;
    default:
        return x->s;
    }
}

void evidence_fill(struct machine *m, struct wyckoff_event *event)
{
    bool up = m->direction == WYCKOFF_ACCUMULATION;
    double invalid = invalid_price(m, event->kind);
    event->invalid = up ? invalid : -invalid;
    for (uint32_t i = 0; i < WYCKOFF_EVIDENCE_COUNT; i++)
        event->evidence[i] = NAN;
    if (event->kind < WYCKOFF_ST)
        return;
    event->quality = range_quality(m);
    event->nine = nine_tests(m, event->quality);
    if (event->kind == WYCKOFF_E)
        return;
    event->has_evidence = 1;
    fill_vector(m, event, event->evidence);
}
