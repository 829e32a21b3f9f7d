#include "workers/performance/experiment/sequence.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define PRIOR_MEAN 0.5
#define PRIOR_VARIANCE 0.25
#define BERNSTEIN_BET_MAX 0.5
#define HOEFFDING_BET_MAX 1.0
#define CAPITAL_AT_STAKE_MAX 0.5 /* of what would be lost in the worst case */

static void check_level(double alpha)
{
    assert(alpha > 0.0 && alpha < 1.0);
}

/* --- mean and deviation ---------------------------------------------------------------------------------------------
 */

void sequence_mean_add(struct sequence_mean *s, double x)
{
    assert(s && isfinite(x));
    s->count++;
    double before = x - s->mean;
    s->mean += before / (double)s->count;
    s->squares += before * (x - s->mean);
}

double sequence_mean_sd(const struct sequence_mean *s, uint32_t ddof)
{
    assert(s && ddof <= 1);
    return s->count <= ddof ? (double)NAN : sqrt(s->squares / (double)(s->count - ddof));
}

/* --- mSPRT
 * ------------------------------------------------------------------------------------------------------------ */

void sequence_msprt_init(struct sequence_msprt *s, double variance, double prior_variance)
{
    assert(s && variance > 0.0 && prior_variance > 0.0);
    *s = (struct sequence_msprt){.variance = variance, .prior_variance = prior_variance, .p = 1.0};
}

double sequence_msprt_log_ratio(const struct sequence_msprt *s)
{
    assert(s && s->variance > 0.0);
    double total = s->variance + (double)s->count * s->prior_variance;
    return 0.5 * log(s->variance / total) + s->sum * s->sum * s->prior_variance / (2.0 * s->variance * total);
}

void sequence_msprt_add(struct sequence_msprt *s, double x)
{
    assert(s && isfinite(x));
    s->count++;
    s->sum += x;
    s->p = fmin(s->p, exp(-sequence_msprt_log_ratio(s)));
}

double sequence_msprt_half_width(const struct sequence_msprt *s, double alpha)
{
    assert(s && s->variance > 0.0);
    check_level(alpha);
    if (s->count == 0)
        return (double)INFINITY;
    double n = (double)s->count, total = s->variance + n * s->prior_variance;
    return sqrt(s->variance * total / (n * n * s->prior_variance) *
                (2.0 * log(1.0 / alpha) + log(total / s->variance)));
}

/* --- asymptotic
 * -------------------------------------------------------------------------------------------------------- */

double sequence_asymptotic_half_width(uint64_t n, double sd, double n_opt, double alpha)
{
    assert(n_opt > 0.0);
    check_level(alpha);
    if (n == 0)
        return (double)NAN;
    double twice = -2.0 * log(alpha), r2 = (twice + log(twice) + 1.0) / n_opt, count = (double)n;
    double grown = count * r2 + 1.0;
    return sd * sqrt(2.0 * grown / (count * count * r2) * log(sqrt(grown) / alpha));
}

/* --- bounded: what bets are made from
 * ----------------------------------------------------------------------------------- */

static void prior_init(struct sequence_prior *p)
{
    *p = (struct sequence_prior){.variance = PRIOR_VARIANCE};
}

/* The bet on the next observation, made before it is seen: sqrt(2 ln(1/alpha) / (t ln(1 + t) variance)). */
static double prior_bet(const struct sequence_prior *p, double alpha)
{
    double t = (double)p->count + 1.0;
    return sqrt(2.0 * log(1.0 / alpha) / (t * log(1.0 + t) * p->variance));
}

static void prior_add(struct sequence_prior *p, double x)
{
    p->count++;
    p->sum += x;
    double n = (double)p->count + 1.0;
    double mean = fmin(1.0, (PRIOR_MEAN + p->sum) / n);
    p->squares += (x - mean) * (x - mean);
    p->variance = (PRIOR_VARIANCE + p->squares) / n;
}

static double to_unit(double x, double bound)
{
    assert(fabs(x) <= bound);
    return (x + bound) / (2.0 * bound);
}

static struct sequence_interval from_unit(double lower, double upper, double bound)
{
    lower = fmin(1.0, fmax(0.0, lower));
    upper = fmin(1.0, fmax(0.0, upper));
    return (struct sequence_interval){-bound + 2.0 * bound * lower, -bound + 2.0 * bound * upper};
}

/* --- empirical Bernstein and Hoeffding
 * ---------------------------------------------------------------------------------- */

void sequence_bernstein_init(struct sequence_bernstein *s, double bound, double alpha)
{
    assert(s && bound > 0.0 && isfinite(bound));
    check_level(alpha);
    *s = (struct sequence_bernstein){.bound = bound, .alpha = alpha};
    prior_init(&s->below.prior);
    prior_init(&s->above.prior);
}

static void side_add(struct sequence_side *side, double x, double bet, double penalty)
{
    side->weights += bet;
    side->weighted += bet * x;
    side->penalty += penalty;
    side->sum += x;
    prior_add(&side->prior, x);
}

static void side_bernstein(struct sequence_side *side, double x, double alpha)
{
    double bet = fmin(BERNSTEIN_BET_MAX, prior_bet(&side->prior, alpha));
    double seen = (double)side->prior.count, mean = seen > 0.0 ? side->sum / seen : 0.0;
    side_add(side, x, bet, (x - mean) * (x - mean) * (-log1p(-bet) - bet));
}

static void side_hoeffding(struct sequence_side *side, double x, double alpha)
{
    double t = (double)side->prior.count + 1.0;
    double bet = fmin(HOEFFDING_BET_MAX, sqrt(8.0 * log(1.0 / alpha) / (t * log(1.0 + t))));
    side_add(side, x, bet, bet * bet / 8.0);
}

void sequence_bernstein_add(struct sequence_bernstein *s, double x)
{
    assert(s);
    double unit = to_unit(x, s->bound);
    side_bernstein(&s->below, unit, s->alpha / 2.0);
    side_bernstein(&s->above, 1.0 - unit, s->alpha / 2.0);
}

void sequence_hoeffding_add(struct sequence_bernstein *s, double x)
{
    assert(s);
    double unit = to_unit(x, s->bound);
    side_hoeffding(&s->below, unit, s->alpha / 2.0);
    side_hoeffding(&s->above, 1.0 - unit, s->alpha / 2.0);
}

static double side_lower(const struct sequence_side *side, double alpha)
{
    if (side->prior.count == 0)
        return 0.0;
    return (side->weighted - log(1.0 / alpha) - side->penalty) / side->weights;
}

struct sequence_interval sequence_bernstein_interval(const struct sequence_bernstein *s)
{
    assert(s && s->bound > 0.0);
    return from_unit(side_lower(&s->below, s->alpha / 2.0), 1.0 - side_lower(&s->above, s->alpha / 2.0), s->bound);
}

/* --- betting
 * -------------------------------------------------------------------------------------------------------------- */

void sequence_betting_init(struct sequence_betting *s, double bound, double alpha)
{
    assert(s && bound > 0.0 && isfinite(bound));
    check_level(alpha);
    memset(s, 0, sizeof *s);
    s->bound = bound;
    s->alpha = alpha;
    prior_init(&s->prior);
}

/* Logarithms, so that thousands of observations neither overflow nor lose what could still be won back. A stake never
 * exceeds half of what the worst outcome would take, so the factors stay in [1/2, ...). */
void sequence_betting_add(struct sequence_betting *s, double x)
{
    assert(s);
    double unit = to_unit(x, s->bound), bet = prior_bet(&s->prior, s->alpha / 2.0);
    for (uint32_t i = 0; i <= SEQUENCE_GRID; i++) {
        double mean = (double)i / SEQUENCE_GRID;
        double up = i > 0 ? fmin(bet, CAPITAL_AT_STAKE_MAX / mean) : bet;
        double down = i < SEQUENCE_GRID ? fmin(bet, CAPITAL_AT_STAKE_MAX / (1.0 - mean)) : bet;
        s->log_up[i] += log1p(up * (unit - mean));
        s->log_down[i] += log1p(-down * (unit - mean));
    }
    prior_add(&s->prior, unit);
}

struct sequence_interval sequence_betting_interval(const struct sequence_betting *s)
{
    assert(s && s->bound > 0.0);
    double refuted = log(2.0 / s->alpha); /* each side has half of the capital */
    uint32_t first = SEQUENCE_GRID + 1, last = 0;
    for (uint32_t i = 0; i <= SEQUENCE_GRID; i++) {
        if (fmax(s->log_up[i], s->log_down[i]) > refuted)
            continue;
        if (first > i)
            first = i;
        last = i;
    }
    if (first > SEQUENCE_GRID)
        return from_unit(0.0, 1.0, s->bound);
    return from_unit(((double)first - 1.0) / SEQUENCE_GRID, ((double)last + 1.0) / SEQUENCE_GRID, s->bound);
}
