#include "workers/performance/warning/bocpd.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#define RUNS_MAX WARNING_BOCPD_RUNS_MAX
#define LENGTH_MAX (UINT64_C(1) << 52) /* a double counts so far */
#define SUM_ERROR 1e-9                 /* of a snapshot's probabilities */

static_assert(sizeof(struct warning_bocpd_design) == 64, "no padding");
static_assert(sizeof(struct warning_bocpd) == 8 + 64 + 16 + 32 * RUNS_MAX, "no padding: states compare by bytes");

static bool bocpd_design_valid(const struct warning_bocpd_design *d)
{
    bool prior = isfinite(d->m0) && d->k0 > 0.0 && isfinite(d->k0) && d->a0 > 0.0 && isfinite(d->a0) && d->b0 > 0.0 &&
                 isfinite(d->b0);
    return prior && d->hazard > 0.0 && d->hazard < 1.0 && d->prune >= 0.0 && d->prune < 1e-3 && d->probability > 0.0 &&
           d->probability <= 1.0 && d->reserved == 0;
}

static bool bocpd_design_same(const struct warning_bocpd_design *a, const struct warning_bocpd_design *b)
{
    return a->m0 == b->m0 && a->k0 == b->k0 && a->a0 == b->a0 && a->b0 == b->b0 && a->hazard == b->hazard &&
           a->prune == b->prune && a->probability == b->probability && a->window == b->window &&
           a->reserved == b->reserved;
}

int warning_bocpd_init(struct warning_bocpd *out, const struct warning_bocpd_design *design)
{
    memset(out, 0, sizeof *out);
    if (!bocpd_design_valid(design))
        return -EINVAL;
    out->version = WARNING_BOCPD_VERSION;
    out->design = *design;
    out->run_count = 1;
    out->runs[0] = (struct warning_bocpd_run){.mean = design->m0, .b = design->b0};
    return 0;
}

/* ln of the Student t density of the next observation after this run. */
static double bocpd_predictive(const struct warning_bocpd_design *d, const struct warning_bocpd_run *run, double x)
{
    double k = d->k0 + (double)run->length, a = d->a0 + (double)run->length / 2.0;
    double scale2 = run->b * (k + 1.0) / (a * k), miss = x - run->mean;
    int sign;
    return lgamma_r(a + 0.5, &sign) - lgamma_r(a, &sign) - 0.5 * log(2.0 * a * M_PI * scale2) -
           (a + 0.5) * log1p(miss * miss / (2.0 * a * scale2));
}

static void bocpd_learn(const struct warning_bocpd_design *d, struct warning_bocpd_run *run, double x)
{
    double k = d->k0 + (double)run->length, miss = x - run->mean;
    run->b += k * miss * miss / (2.0 * (k + 1.0));
    run->mean = (k * run->mean + x) / (k + 1.0);
    run->length++;
}

static void bocpd_remove(struct warning_bocpd *state, uint32_t at)
{
    state->run_count--;
    memmove(&state->runs[at], &state->runs[at + 1], (state->run_count - at) * sizeof state->runs[0]);
    memset(&state->runs[state->run_count], 0, sizeof state->runs[0]);
}

static void bocpd_normalise(struct warning_bocpd *state)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < state->run_count; i++)
        sum += exp(state->runs[i].log_probability);
    for (uint32_t i = 0; i < state->run_count; i++)
        state->runs[i].log_probability -= log(sum);
}

/* Drop what is too improbable; the run of length 0 stays, as it is always as probable as the hazard. */
static void bocpd_prune(struct warning_bocpd *state)
{
    double least = log(state->design.prune); /* prune 0: -inf */
    uint32_t before = state->run_count;
    for (uint32_t i = state->run_count; i-- > 1;)
        if (state->runs[i].log_probability < least)
            bocpd_remove(state, i);
    if (state->run_count < before)
        bocpd_normalise(state);
}

/* Room for one more. */
static void bocpd_make_room(struct warning_bocpd *state)
{
    if (state->run_count < RUNS_MAX)
        return;
    uint32_t least = 1;
    for (uint32_t i = 2; i < state->run_count; i++)
        if (state->runs[i].log_probability < state->runs[least].log_probability)
            least = i;
    bocpd_remove(state, least);
    bocpd_normalise(state);
}

bool warning_bocpd_observe(struct warning_bocpd *state, double x)
{
    const struct warning_bocpd_design *d = &state->design;
    if (!(fabs(x) <= 1e100) || state->run_count == 0 || state->count >= LENGTH_MAX)
        return warning_bocpd_alarmed(state);
    bocpd_make_room(state);
    double joint[RUNS_MAX] = {0}, largest = -INFINITY, sum = 0.0;
    for (uint32_t i = 0; i < state->run_count; i++) {
        joint[i] = state->runs[i].log_probability + bocpd_predictive(d, &state->runs[i], x);
        largest = fmax(largest, joint[i]);
    }
    for (uint32_t i = 0; i < state->run_count; i++)
        sum += exp(joint[i] - largest);
    if (!(sum > 0.0)) /* impossible under every run: nothing to learn from */
        return warning_bocpd_alarmed(state);
    double evidence = largest + log(sum), grows = log1p(-d->hazard);
    for (uint32_t i = state->run_count; i-- > 0;) { /* each run grows by one, from the last: into the next slot */
        struct warning_bocpd_run run = state->runs[i];
        run.log_probability = joint[i] + grows - evidence;
        bocpd_learn(d, &run, x);
        state->runs[i + 1] = run;
    }
    state->runs[0] = (struct warning_bocpd_run){.log_probability = log(d->hazard), .mean = d->m0, .b = d->b0};
    state->run_count++;
    state->count++;
    state->log_evidence += evidence;
    bocpd_prune(state);
    return warning_bocpd_alarmed(state);
}

double warning_bocpd_within(const struct warning_bocpd *state, uint64_t length)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < state->run_count && state->runs[i].length <= length; i++)
        sum += exp(state->runs[i].log_probability);
    return sum;
}

bool warning_bocpd_alarmed(const struct warning_bocpd *state)
{
    return state->count > state->design.window &&
           warning_bocpd_within(state, state->design.window) > state->design.probability;
}

double warning_bocpd_mean(const struct warning_bocpd *state)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < state->run_count; i++)
        sum += (double)state->runs[i].length * exp(state->runs[i].log_probability);
    return sum;
}

uint64_t warning_bocpd_likeliest(const struct warning_bocpd *state, double *probability)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < state->run_count; i++)
        if (state->runs[i].log_probability > state->runs[best].log_probability)
            best = i;
    *probability = exp(state->runs[best].log_probability);
    return state->runs[best].length;
}

static bool bocpd_run_valid(const struct warning_bocpd *state, uint32_t i)
{
    const struct warning_bocpd_run *run = &state->runs[i];
    return run->log_probability <= 1e-9 && (isfinite(run->log_probability) || state->design.prune == 0.0) &&
           isfinite(run->mean) && run->b >= state->design.b0 && isfinite(run->b) && run->length <= state->count &&
           (i == 0 ? run->length == 0 : run->length > state->runs[i - 1].length);
}

bool warning_bocpd_restorable(const struct warning_bocpd *state, const struct warning_bocpd_design *design)
{
    if (state->version != WARNING_BOCPD_VERSION || !bocpd_design_valid(design) ||
        !bocpd_design_same(&state->design, design) || state->run_count == 0 || state->run_count > RUNS_MAX ||
        state->count > LENGTH_MAX || !isfinite(state->log_evidence))
        return false;
    double sum = 0.0;
    for (uint32_t i = 0; i < state->run_count; i++) {
        if (!bocpd_run_valid(state, i))
            return false;
        sum += exp(state->runs[i].log_probability);
    }
    for (uint32_t i = state->run_count; i < RUNS_MAX; i++) {
        const struct warning_bocpd_run *run = &state->runs[i];
        if (run->log_probability != 0.0 || run->mean != 0.0 || run->b != 0.0 || run->length != 0)
            return false;
    }
    return fabs(sum - 1.0) <= SUM_ERROR;
}
