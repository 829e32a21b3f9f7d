#include "workers/performance/experiment/experiment.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

static const char *const reason_texts[] = {
#define X(name, text) text,
    EXPERIMENT_REASONS(X)
#undef X
};
static const char *const decision_texts[] = {
#define X(name, text) text,
    EXPERIMENT_DECISIONS(X)
#undef X
};
static const char *const method_texts[] = {
#define X(name, text) text,
    EXPERIMENT_METHODS(X)
#undef X
};
static_assert(EXPERIMENT_REASON_COUNT <= 32, "bits of a mask");

const char *experiment_reason_text(unsigned reason)
{
    return reason < EXPERIMENT_REASON_COUNT ? reason_texts[reason] : "?";
}

const char *experiment_decision_text(unsigned decision)
{
    return decision < EXPERIMENT_DECISION_COUNT ? decision_texts[decision] : "?";
}

const char *experiment_method_text(unsigned method)
{
    return method < EXPERIMENT_METHOD_COUNT ? method_texts[method] : "?";
}

/* --- design
 * ----------------------------------------------------------------------------------------------------------- */

static bool positive(double x)
{
    return x > 0.0 && isfinite(x);
}

static bool method_is_sane(const struct experiment_design *d)
{
    switch (d->method) {
    case EXPERIMENT_BETTING:
    case EXPERIMENT_BERNSTEIN:
        return positive(d->bound_r);
    case EXPERIMENT_ASYMPTOTIC:
        return positive(d->optimal_units) && d->unit_min >= SEQUENCE_ASYMPTOTIC_MIN;
    case EXPERIMENT_MSPRT:
        return positive(d->variance) && positive(d->prior_variance);
    default:
        return false;
    }
}

static bool design_is_sane(const struct experiment_design *d)
{
    return method_is_sane(d) && d->unit <= EXPERIMENT_SIGNAL && (d->direction == 1 || d->direction == -1) &&
           d->variant_count >= 1 && d->alpha > 0.0 && d->alpha < 0.5 && positive(d->useful_r) && d->unit_max >= 1 &&
           d->unit_min <= d->unit_max && d->drawdown_max_r >= 0.0 && d->cost_max_r >= 0.0;
}

int experiment_init(struct experiment *e, const struct experiment_design *design)
{
    assert(e && design);
    if (!design_is_sane(design))
        return -EINVAL;
    memset(e, 0, sizeof *e);
    e->design = *design;
    e->alpha = design->alpha / design->variant_count;
    e->decision = EXPERIMENT_CONTINUE;
    if (design->method == EXPERIMENT_BETTING)
        sequence_betting_init(&e->sequence.betting, design->bound_r, e->alpha);
    else if (design->method == EXPERIMENT_BERNSTEIN)
        sequence_bernstein_init(&e->sequence.bernstein, design->bound_r, e->alpha);
    else if (design->method == EXPERIMENT_MSPRT)
        sequence_msprt_init(&e->sequence.msprt, design->variance, design->prior_variance);
    return 0;
}

/* --- units
 * -------------------------------------------------------------------------------------------------------------- */

/* One complete unit: R of both arms. */
static void unit_add(struct experiment *e, double control_r, double variant_r)
{
    double d = e->design.direction * (variant_r - control_r);
    if (e->design.method == EXPERIMENT_BETTING || e->design.method == EXPERIMENT_BERNSTEIN) {
        double clipped = fmax(-e->design.bound_r, fmin(e->design.bound_r, d));
        e->clipped_count += clipped != d;
        d = clipped;
    }
    double control_before = control_r - e->control.mean;
    sequence_mean_add(&e->difference, d);
    sequence_mean_add(&e->control, control_r);
    sequence_mean_add(&e->variant, variant_r);
    e->comoment += control_before * (variant_r - e->variant.mean);
    switch (e->design.method) {
    case EXPERIMENT_BETTING:
        sequence_betting_add(&e->sequence.betting, d);
        break;
    case EXPERIMENT_BERNSTEIN:
        sequence_bernstein_add(&e->sequence.bernstein, d);
        break;
    case EXPERIMENT_MSPRT:
        sequence_msprt_add(&e->sequence.msprt, d);
        break;
    default:
        break; /* asymptotic: mean and deviation are all it needs */
    }
}

static void day_end(struct experiment *e)
{
    if (e->day_open && e->day_pairs > 0 && e->design.unit == EXPERIMENT_DAY)
        unit_add(e, e->day_control, e->day_variant);
    e->day_open = false;
    e->day_pairs = e->day_trades = 0;
    e->day_control = e->day_variant = 0.0;
}

void experiment_close_day(struct experiment *e, int32_t day)
{
    assert(e);
    if (e->day_open && e->day == day && e->decision == EXPERIMENT_CONTINUE)
        day_end(e);
}

/* --- pairs
 * -------------------------------------------------------------------------------------------------------------- */

static bool arm_is_sane(const struct experiment_arm *arm)
{
    if (!isfinite(arm->net_r) || !isfinite(arm->cost_r) || arm->cost_r < 0.0)
        return false;
    return arm->taken || (arm->net_r == 0.0 && arm->cost_r == 0.0);
}

static uint32_t pair_incomparable(const struct experiment_design *d, const struct experiment_pair *p)
{
    uint32_t reasons = 0;
    if (p->control.signal_hash != p->variant.signal_hash)
        reasons |= EXPERIMENT_BIT(SIGNALS);
    if (p->control.quotes_hash != p->variant.quotes_hash)
        reasons |= EXPERIMENT_BIT(QUOTES);
    if (p->control.costs_hash != p->variant.costs_hash)
        reasons |= EXPERIMENT_BIT(COSTS);
    if (p->control.configuration_hash != d->control_hash || p->variant.configuration_hash != d->variant_hash)
        reasons |= EXPERIMENT_BIT(CONFIGURATION);
    if (p->time_ns <= d->tuned_until_ns)
        reasons |= EXPERIMENT_BIT(REUSED);
    return reasons;
}

/* What the guardrails and the never-ship reasons look at: every pair, at once. */
static void pair_watch(struct experiment *e, const struct experiment_pair *p)
{
    double d = e->design.direction * (p->variant.net_r - p->control.net_r);
    if (p->variant.taken) {
        e->gain_traded += d;
        e->variant_trades++;
        e->cost_r += p->variant.cost_r;
    } else
        e->gain_skipped += d;
    e->cumulated_r += p->variant.net_r;
    e->peak_r = fmax(e->peak_r, e->cumulated_r);
    e->drawdown_r = fmax(e->drawdown_r, e->peak_r - e->cumulated_r);
    e->day_trades += p->variant.taken || p->control.taken;
    if (e->design.unit == EXPERIMENT_SIGNAL && e->day_trades > 1)
        e->reasons |= EXPERIMENT_BIT(CLUSTERED);
}

int experiment_add(struct experiment *e, const struct experiment_pair *p)
{
    assert(e && p);
    if (e->decision != EXPERIMENT_CONTINUE)
        return -EALREADY;
    if (!arm_is_sane(&p->control) || !arm_is_sane(&p->variant))
        return -EINVAL;
    if (e->pair_count > 0 && (p->day < e->day || (p->day == e->day && !e->day_open)))
        return -EINVAL; /* a day that is over takes no more */
    uint32_t incomparable = pair_incomparable(&e->design, p);
    if (incomparable) {
        e->reasons |= incomparable;
        return 0;
    }
    if (e->day_open && p->day != e->day)
        day_end(e);
    if (e->pair_count == 0)
        e->first_day = p->day;
    e->day = p->day;
    e->day_open = true;
    e->pair_count++;
    e->day_pairs++;
    e->day_control += p->control.net_r;
    e->day_variant += p->variant.net_r;
    pair_watch(e, p);
    if (e->design.unit == EXPERIMENT_SIGNAL)
        unit_add(e, p->control.net_r, p->variant.net_r);
    return 0;
}

/* --- decision
 * ------------------------------------------------------------------------------------------------------------ */

static struct sequence_interval interval_of(const struct experiment *e)
{
    const struct experiment_design *d = &e->design;
    uint64_t n = e->difference.count;
    const struct sequence_interval unknown = {(double)NAN, (double)NAN};
    if (n == 0)
        return unknown;
    double half;
    switch (d->method) {
    case EXPERIMENT_BETTING:
        return sequence_betting_interval(&e->sequence.betting);
    case EXPERIMENT_BERNSTEIN:
        return sequence_bernstein_interval(&e->sequence.bernstein);
    case EXPERIMENT_MSPRT:
        half = sequence_msprt_half_width(&e->sequence.msprt, e->alpha);
        break;
    default:
        if (n < SEQUENCE_ASYMPTOTIC_MIN)
            return unknown;
        half = sequence_asymptotic_half_width(n, sequence_mean_sd(&e->difference, 0), d->optimal_units, e->alpha);
    }
    return (struct sequence_interval){e->difference.mean - half, e->difference.mean + half};
}

static void result_measure(const struct experiment *e, struct experiment_result *r)
{
    uint64_t n = e->difference.count;
    struct sequence_interval interval = interval_of(e);
    double sd_a = sequence_mean_sd(&e->control, 1), sd_b = sequence_mean_sd(&e->variant, 1);
    double sd = sequence_mean_sd(&e->difference, 1);
    *r = (struct experiment_result){
        .unit_count = n,
        .pair_count = e->pair_count,
        .clipped_count = e->clipped_count,
        .mean = n > 0 ? e->difference.mean : (double)NAN,
        .sd = sd,
        .lower = interval.lower,
        .upper = interval.upper,
        .fixed_half_width = gsl_cdf_ugaussian_Qinv(e->alpha / 2.0) * sd / sqrt((double)n),
        .p = e->design.method == EXPERIMENT_MSPRT ? e->sequence.msprt.p : (double)NAN,
        .detectable = experiment_detectable(sd, n, e->alpha, EXPERIMENT_POWER),
        .correlation = sd_a > 0.0 && sd_b > 0.0 ? e->comoment / (double)(n - 1) / (sd_a * sd_b) : (double)NAN,
        .pairing_gain = sd > 0.0 ? (sd_a * sd_a + sd_b * sd_b) / (sd * sd) : (double)NAN,
        .gain_traded = e->gain_traded,
        .gain_skipped = e->gain_skipped,
        .variant_drawdown_r = e->drawdown_r,
        .variant_cost_r = e->variant_trades > 0 ? e->cost_r / (double)e->variant_trades : (double)NAN,
    };
}

/* Every reason that holds now; which of them decides is the next function's. */
static uint32_t reasons_now(const struct experiment *e, int32_t now_day, const struct experiment_result *r)
{
    const struct experiment_design *d = &e->design;
    uint32_t reasons = e->reasons;
    if (d->drawdown_max_r > 0.0 && r->variant_drawdown_r > d->drawdown_max_r)
        reasons |= EXPERIMENT_BIT(DRAWDOWN);
    if (d->cost_max_r > 0.0 && e->variant_trades >= EXPERIMENT_COST_TRADES_MIN && r->variant_cost_r > d->cost_max_r)
        reasons |= EXPERIMENT_BIT(COST_GUARD);
    if (r->upper < d->useful_r)
        reasons |= EXPERIMENT_BIT(FUTILE);
    if (r->gain_traded <= 0.0 && r->gain_skipped > 0.0)
        reasons |= EXPERIMENT_BIT(FEWER_TRADES);
    if (r->unit_count < d->unit_min)
        reasons |= EXPERIMENT_BIT(UNITS);
    bool days_over = d->day_max > 0 && e->pair_count > 0 && (int64_t)now_day - e->first_day >= d->day_max;
    if (r->unit_count >= d->unit_max || days_over)
        reasons |= EXPERIMENT_BIT(LENGTH);
    return reasons;
}

static enum experiment_decision decision_of(uint32_t reasons, double lower)
{
    if (reasons & EXPERIMENT_INCOMPARABLE)
        return EXPERIMENT_NOT_COMPARABLE;
    if (reasons & (EXPERIMENT_BIT(DRAWDOWN) | EXPERIMENT_BIT(COST_GUARD)))
        return EXPERIMENT_STOP;
    if (!(reasons & EXPERIMENT_BIT(UNITS))) {
        if (lower > 0.0 && !(reasons & EXPERIMENT_NEVER_SHIP))
            return EXPERIMENT_SHIP;
        if (reasons & EXPERIMENT_BIT(FUTILE))
            return EXPERIMENT_STOP;
    }
    return reasons & EXPERIMENT_BIT(LENGTH) ? EXPERIMENT_INCONCLUSIVE : EXPERIMENT_CONTINUE;
}

void experiment_decide(struct experiment *e, int32_t now_day, struct experiment_result *out)
{
    assert(e && out);
    result_measure(e, out);
    if (e->decision == EXPERIMENT_CONTINUE) {
        uint32_t reasons = reasons_now(e, now_day, out);
        e->decision = decision_of(reasons, out->lower);
        if (e->decision != EXPERIMENT_CONTINUE)
            e->reasons = reasons; /* those of the day of the decision stay with it */
        out->reasons = reasons;
    } else
        out->reasons = e->reasons;
    out->decision = e->decision;
}

/* --- planning
 * ------------------------------------------------------------------------------------------------------------ */

static double planning_z(double alpha, double power)
{
    assert(alpha > 0.0 && alpha < 1.0 && power > 0.0 && power < 1.0);
    return gsl_cdf_ugaussian_Qinv(alpha / 2.0) + gsl_cdf_ugaussian_Pinv(power);
}

double experiment_detectable(double sd, uint64_t n, double alpha, double power)
{
    return n > 0 ? planning_z(alpha, power) * sd / sqrt((double)n) : (double)NAN;
}

double experiment_units_needed(double sd, double difference, double alpha, double power)
{
    if (!(difference > 0.0))
        return (double)NAN;
    double root = planning_z(alpha, power) * sd / difference;
    return ceil(root * root);
}

double experiment_paired_sd(double sd_a, double sd_b, double correlation)
{
    return sqrt(fmax(0.0, sd_a * sd_a + sd_b * sd_b - 2.0 * correlation * sd_a * sd_b));
}
