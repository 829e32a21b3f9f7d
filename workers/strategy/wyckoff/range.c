#include "workers/strategy/wyckoff/machine.h"

#include <math.h>

/* --- the spring ------------------------------------------------------------------------------------------------ */

/* Whether bar t goes below the range, as a first spring or (respring) below the low of the last one. */
static bool range_undercuts(const struct machine *m)
{
    const struct wyckoff_params *p = m->p;
    const struct wyckoff_pattern *x = m->x;
    if (x->stage == WYCKOFF_IN_B)
        return m->low < x->s - p->sp_min * x->a && m->t - x->b_bar >= p->b_min;
    return m->close < x->invalid && x->springs <= p->respring;
}

/* Below the range: true while it is, whatever happens to it. */
static bool range_below(struct machine *m, double width)
{
    const struct wyckoff_params *p = m->p;
    struct wyckoff_pattern *x = m->x;
    if (x->below_bar == WYCKOFF_NONE) {
        if (!range_undercuts(m))
            return false;
        x->below_bar = m->t;
        x->low = (struct wyckoff_low){0};
    }
    machine_lower(m);
    double penetration = x->s - x->low.price;
    if (penetration > fold_max(p->sp_max_atr * x->a, p->sp_max_w * width) || m->t - x->below_bar > p->sp_rec) {
        machine_end(m, WYCKOFF_FAIL);
        return true;
    }
    if (!(m->close > x->s))
        return true;
    x->penetration = penetration / x->a;
    x->rv_spring = x->low.rv;
    x->grade = evidence_grade(x->rv_spring, x->penetration);
    x->recovery_bars = m->t - x->below_bar;
    if (x->stage == WYCKOFF_IN_B)
        x->b_bars = m->t - x->b_bar;
    x->springs++;
    x->tested = 0;
    x->invalid = x->low.price;
    machine_mark(m, WYCKOFF_SPRING, machine_lowest(m));
    x->stage = WYCKOFF_IN_C;
    x->stage_bar = m->t;
    x->below_bar = WYCKOFF_NONE;
    x->high = m->high;
    x->low = (struct wyckoff_low){0};
    return true;
}

/* --- the test of the spring ------------------------------------------------------------------------------------ */

static bool is_test(const struct machine *m, double width)
{
    const struct wyckoff_params *p = m->p;
    const struct wyckoff_pattern *x = m->x;
    const struct wyckoff_low *low = &x->low;
    return m->t > low->bar && x->high - low->price >= p->pull * x->a && low->price > x->invalid &&
           low->price <= x->s + p->test_zone * width && fold_min(low->rv_before, low->rv) <= p->test_rv &&
           m->close > low->high;
}

static void range_test(struct machine *m, double width)
{
    struct wyckoff_pattern *x = m->x;
    if (x->tested || m->t - x->stage_bar > m->p->test_max)
        return;
    if (m->high > x->high) { /* a new high of the rally: its pullback is to come */
        x->high = m->high;
        x->low = (struct wyckoff_low){0};
        return;
    }
    if (!(x->high - x->invalid >= m->p->bounce * x->a))
        return;
    machine_lower(m);
    if (!is_test(m, width))
        return;
    x->tested = 1;
    x->rv_test = x->low.rv;
    x->low_last = x->low.price;
    machine_mark(m, WYCKOFF_TEST, machine_lowest(m));
}

/* --- the sign of strength -------------------------------------------------------------------------------------- */

struct leg {
    uint32_t bar; /* its lowest low, the first of equal ones */
    double low, rv_max, up, down;
};

/* Mean RV over first..last of the bars that close up (or level), or down; `none` without any. Oldest to newest. */
static double mean_rv(const struct machine *m, uint32_t first, uint32_t last, bool up, double none)
{
    double sum = 0.0;
    uint32_t count = 0;
    for (uint32_t i = first > 0 ? first : 1; i <= last; i++)
        if (up == (machine_close(m, i) >= machine_close(m, i - 1))) {
            sum += machine_rv(m, i);
            count++;
        }
    return count > 0 ? sum / count : none;
}

static struct leg range_leg(const struct machine *m)
{
    const struct wyckoff_params *p = m->p;
    struct leg leg = {.bar = machine_later(m->x->b_bar, machine_back(m->t, p->sos_bars))};
    leg.low = machine_low(m, leg.bar);
    for (uint32_t i = leg.bar + 1; i <= m->t; i++)
        if (machine_low(m, i) < leg.low) {
            leg.low = machine_low(m, i);
            leg.bar = i;
        }
    uint32_t i = machine_later(machine_back(m->t, p->sos_last - 1), leg.bar);
    leg.rv_max = machine_rv(m, i);
    for (i++; i <= m->t; i++)
        leg.rv_max = fold_max(leg.rv_max, machine_rv(m, i));
    leg.up = mean_rv(m, leg.bar, m->t, true, 0.0);
    leg.down = mean_rv(m, machine_later(m->x->b_bar, machine_back(leg.bar, p->sos_bars)), leg.bar, false, 1.0);
    return leg;
}

/* From the schematic without spring: where it is void, and its last low as the TEST of phase C. */
static void range_without_spring(struct machine *m, double width, const struct leg *leg)
{
    const struct wyckoff_params *p = m->p;
    struct wyckoff_pattern *x = m->x;
    x->invalid = fold_min(leg->low, x->s + p->leg_inv * width);
    x->b_bars = m->t - x->b_bar;
    if (!(leg->low <= x->s + p->test_zone * width && machine_rv(m, leg->bar) <= p->test_rv))
        return;
    x->rv_test = machine_rv(m, leg->bar);
    x->low_last = leg->low;
    machine_mark(m, WYCKOFF_TEST, (struct where){leg->bar, series_bar(m->series, leg->bar)->time_ns, leg->low});
}

/* A close above R. True: the bar is done with. */
static bool range_strength(struct machine *m, double width)
{
    const struct wyckoff_params *p = m->p;
    struct wyckoff_pattern *x = m->x;
    bool in_b = x->stage == WYCKOFF_IN_B;
    struct leg leg = range_leg(m);
    bool strong =
        (m->close - leg.low) / width >= p->sos_leg && leg.rv_max >= p->sos_rv && leg.up >= p->sos_updn * leg.down;
    if (!strong || (in_b && m->t - x->b_bar < p->b_min)) {
        if (in_b)
            x->r = fold_max(x->r, m->high);
        return strong;
    }
    if (in_b)
        range_without_spring(m, width, &leg);
    machine_mark(m, WYCKOFF_SOS, machine_here(m, m->close));
    x->stage = WYCKOFF_IN_D;
    x->stage_bar = m->t;
    x->high = m->high;
    x->rv_sos = leg.up;
    x->low = (struct wyckoff_low){0};
    return true;
}

/* --- phases B and C -------------------------------------------------------------------------------------------- */

void machine_range(struct machine *m)
{
    const struct wyckoff_params *p = m->p;
    struct wyckoff_pattern *x = m->x;
    double width = x->r - x->s; /* of the bar before: an undercut below does not widen it for this bar */
    if (range_below(m, width))
        return;
    if (x->stage == WYCKOFF_IN_B && m->low < x->s && m->t - x->b_bar < p->b_min) {
        if (m->close < x->s - p->inv * x->a) {
            machine_end(m, WYCKOFF_FAIL);
            return;
        }
        x->s = fold_min(x->s, m->low);
    }
    if (x->stage == WYCKOFF_IN_C) {
        if (m->close < x->invalid) {
            machine_end(m, WYCKOFF_FAIL);
            return;
        }
        range_test(m, width);
    }
    if (m->close > x->r + p->sos_over * x->a) {
        if (range_strength(m, width))
            return;
    } else if (m->high > x->r && x->stage == WYCKOFF_IN_B) {
        x->r = fold_min(m->high, x->r + p->ua_step * width);
    }
    if (m->t - x->b_bar > p->b_max)
        machine_end(m, WYCKOFF_FAIL); /* the reference's word for it; a timeout is one of phase D */
}
