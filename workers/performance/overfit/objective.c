#include "workers/performance/overfit/objective.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "workers/performance/overfit/psr.h"

#define GRID_STEP_PERCENT 5u
#define TIE 1e-12 /* relative: J~ that differ by rounding alone are equal */
#define WEIGHT_SELF 0.5
#define WEIGHT_NEIGHBOUR 0.25

static const char *const refusal_texts[] = {
#define X(name, text) text,
    OBJECTIVE_REFUSALS(X)
#undef X
};
static const char *const outcome_texts[] = {
#define X(name, text) text,
    OBJECTIVE_OUTCOMES(X)
#undef X
};

const char *objective_refusal_text(unsigned refusal)
{
    return refusal < OBJECTIVE_REFUSAL_COUNT ? refusal_texts[refusal] : "?";
}

const char *objective_outcome_text(unsigned outcome)
{
    return outcome < OBJECTIVE_OUTCOME_COUNT ? outcome_texts[outcome] : "?";
}

double objective_tau(uint32_t i)
{
    assert(i < OBJECTIVE_GRID_COUNT);
    return i * GRID_STEP_PERCENT / 100.0; /* the double nearest to the decimal: 3 * .05 would not be .15 */
}

double objective_edge(double p, double win, double loss)
{
    if (!(p >= 0.0 && p <= 1.0 && win >= 0.0 && loss >= 0.0))
        return (double)NAN;
    return p * win - (1.0 - p) * loss;
}

/* --- one threshold --------------------------------------------------------------------------------------------------
 */

struct objective_sample objective_daily(const struct objective_event *events, uint32_t event_count, double tau,
                                        double *daily, uint32_t day_count)
{
    assert(daily && (events || event_count == 0));
    struct objective_sample sample = {0, 0};
    for (uint32_t d = 0; d < day_count; d++)
        daily[d] = (double)NAN; /* for now: no trade that day */
    for (uint32_t i = 0; i < event_count; i++) {
        assert(events[i].day < day_count);
        if (!(events[i].edge >= tau))
            continue;
        double *day = &daily[events[i].day];
        if (isnan(*day)) {
            *day = 0.0;
            sample.active_day_count++;
        }
        *day += events[i].net_r;
        sample.trade_count++;
    }
    for (uint32_t d = 0; d < day_count; d++)
        if (isnan(daily[d]))
            daily[d] = 0.0;
    return sample;
}

void objective_score(const double *daily, uint32_t day_count, const struct objective_sample *sample,
                     struct objective_score *out)
{
    assert(daily && sample && out);
    struct psr_moments moments;
    psr_moments(daily, day_count, &moments);
    out->sharpe = moments.sharpe;
    out->se = psr_se(&moments);
    out->j = out->sharpe - OBJECTIVE_ERROR_WEIGHT * out->se;
    const bool refused[OBJECTIVE_REFUSAL_COUNT] = {
        [OBJECTIVE_REFUSAL_TRADES] = sample->trade_count < OBJECTIVE_TRADES_MIN,
        [OBJECTIVE_REFUSAL_DAYS] = day_count < OBJECTIVE_DAYS_MIN,
        [OBJECTIVE_REFUSAL_ACTIVE_DAYS] = sample->active_day_count < OBJECTIVE_ACTIVE_DAYS_MIN,
        [OBJECTIVE_REFUSAL_UNDEFINED] = isnan(out->j),
    };
    out->refusals = 0;
    for (unsigned i = 0; i < OBJECTIVE_REFUSAL_COUNT; i++)
        out->refusals |= (uint32_t)refused[i] << i;
}

/* --- the whole grid --------------------------------------------------------------------------------------------------
 */

static double smoothed_at(const struct objective_score *scores, uint32_t count, uint32_t i)
{
    if (scores[i].refusals)
        return (double)NAN;
    double sum = WEIGHT_SELF * scores[i].j, weight = WEIGHT_SELF;
    if (i > 0 && !scores[i - 1].refusals) {
        sum += WEIGHT_NEIGHBOUR * scores[i - 1].j;
        weight += WEIGHT_NEIGHBOUR;
    }
    if (i + 1 < count && !scores[i + 1].refusals) {
        sum += WEIGHT_NEIGHBOUR * scores[i + 1].j;
        weight += WEIGHT_NEIGHBOUR;
    }
    return sum / weight;
}

static bool on_plateau(const struct objective_score *scores, uint32_t count, uint32_t i)
{
    if (scores[i].refusals)
        return false;
    uint32_t first = i > OBJECTIVE_PLATEAU_REACH ? i - OBJECTIVE_PLATEAU_REACH : 0;
    uint32_t positive = 0, neighbours = 0;
    for (uint32_t k = first; k < count && k <= i + OBJECTIVE_PLATEAU_REACH; k++) {
        neighbours++;
        positive += scores[k].refusals == 0 && scores[k].j > 0.0;
    }
    return positive >= OBJECTIVE_PLATEAU_SHARE * neighbours;
}

/* The highest threshold of those on a plateau whose J~ is the largest; OBJECTIVE_NO_INCUMBENT when there is none. */
static uint32_t best_of(const struct objective_score *scores, uint32_t count, const double *smoothed)
{
    double largest = -(double)INFINITY;
    for (uint32_t i = 0; i < count; i++)
        if (on_plateau(scores, count, i))
            largest = fmax(largest, smoothed[i]);
    uint32_t best = OBJECTIVE_NO_INCUMBENT;
    for (uint32_t i = 0; i < count; i++)
        if (on_plateau(scores, count, i) && smoothed[i] >= largest - TIE * fmax(1.0, fabs(largest)))
            best = i;
    return best;
}

static enum objective_outcome decide(const struct objective_score *scores, uint32_t count, uint32_t incumbent,
                                     const struct objective_choice *c)
{
    bool admitted = false;
    for (uint32_t i = 0; i < count; i++)
        admitted |= scores[i].refusals == 0;
    if (!admitted)
        return OBJECTIVE_NONE_ADMITTED;
    if (c->best == OBJECTIVE_NO_INCUMBENT)
        return OBJECTIVE_NO_PLATEAU;
    if (c->best == incumbent)
        return OBJECTIVE_SAME;
    if (incumbent == OBJECTIVE_NO_INCUMBENT || scores[incumbent].refusals)
        return c->smoothed[c->best] > 0.0 ? OBJECTIVE_CHANGE : OBJECTIVE_NOT_POSITIVE;
    double margin = OBJECTIVE_HYSTERESIS_SE * fmax(scores[c->best].se, scores[incumbent].se);
    return c->smoothed[c->best] > c->smoothed[incumbent] + margin ? OBJECTIVE_CHANGE : OBJECTIVE_HYSTERESIS;
}

void objective_choose(const struct objective_score *scores, uint32_t count, uint32_t incumbent, uint32_t event_count,
                      struct objective_choice *out)
{
    assert(scores && out && count > 0 && count <= OBJECTIVE_GRID_MAX);
    assert(incumbent < count || incumbent == OBJECTIVE_NO_INCUMBENT);
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < OBJECTIVE_GRID_MAX; i++)
        out->smoothed[i] = i < count ? smoothed_at(scores, count, i) : (double)NAN;
    out->best = best_of(scores, count, out->smoothed);
    out->outcome = event_count < OBJECTIVE_EVENTS_MIN ? OBJECTIVE_INSUFFICIENT : decide(scores, count, incumbent, out);
    out->chosen = out->outcome == OBJECTIVE_CHANGE ? out->best : incumbent;
    out->plateau = out->chosen != OBJECTIVE_NO_INCUMBENT && on_plateau(scores, count, out->chosen);
}
