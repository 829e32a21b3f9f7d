#include "workers/performance/overfit/pbo.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include <gsl/gsl_fit.h>
#include <gsl/gsl_statistics_double.h>

#define FLAT_SHARE 1e-12 /* of the largest return of a half: a smaller standard deviation is rounding */

/* Of each block and series: mean, sum of squared deviations, largest size. Halves are put together from them exactly as
 * Chan, Golub and LeVeque do, so that a combination costs O(S N) and not O(T N). */
struct blocks {
    uint32_t count, strategies;
    uint32_t length;                  /* periods of one block */
    double *mean, *squares, *largest; /* [block * strategies + n] */
    double *inside, *outside;         /* Sharpe ratios of the two halves */
};

uint32_t pbo_combination_count(uint32_t block_count)
{
    if (block_count < PBO_BLOCKS_MIN || block_count > PBO_BLOCKS_MAX || block_count % 2 != 0)
        return 0;
    uint32_t half = block_count / 2, count = 1;
    for (uint32_t i = 1; i <= half; i++)
        count = count * (half + i) / i; /* C(half + i, i): whole at every step */
    return count;
}

size_t pbo_scratch_count(const struct pbo_input *in)
{
    assert(in);
    return (size_t)in->strategy_count * (3u * (size_t)in->block_count + 2u);
}

static void blocks_place(struct blocks *b, const struct pbo_input *in, double *scratch)
{
    size_t cells = (size_t)in->block_count * in->strategy_count;
    *b = (struct blocks){.count = in->block_count, .strategies = in->strategy_count};
    b->length = in->period_count / in->block_count;
    b->mean = scratch;
    b->squares = scratch + cells;
    b->largest = scratch + 2 * cells;
    b->inside = scratch + 3 * cells;
    b->outside = b->inside + in->strategy_count;
}

static bool block_measure(struct blocks *b, const double *rows, uint32_t block, uint32_t n)
{
    size_t cell = (size_t)block * b->strategies + n;
    double sum = 0.0, squares = 0.0, largest = 0.0;
    for (uint32_t t = 0; t < b->length; t++) {
        double r = rows[(size_t)t * b->strategies + n];
        if (!isfinite(r))
            return false;
        sum += r;
        largest = fmax(largest, fabs(r));
    }
    double mean = sum / b->length;
    for (uint32_t t = 0; t < b->length; t++) {
        double d = rows[(size_t)t * b->strategies + n] - mean;
        squares += d * d;
    }
    b->mean[cell] = mean;
    b->squares[cell] = squares;
    b->largest[cell] = largest;
    return true;
}

static bool blocks_measure(struct blocks *b, const struct pbo_input *in)
{
    const double *rows = in->returns + (size_t)(in->period_count % in->block_count) * in->strategy_count;
    for (uint32_t block = 0; block < b->count; block++)
        for (uint32_t n = 0; n < b->strategies; n++)
            if (!block_measure(b, rows + (size_t)block * b->length * b->strategies, block, n))
                return false;
    return true;
}

/* The Sharpe ratio of series n in the blocks whose bit is set; NaN when it does not vary there. */
static double half_sharpe(const struct blocks *b, uint32_t set, uint32_t n)
{
    double sum = 0.0, squares = 0.0, largest = 0.0;
    uint32_t half = b->count / 2;
    for (uint32_t i = 0; i < b->count; i++)
        if (set >> i & 1u)
            sum += b->mean[(size_t)i * b->strategies + n];
    double mean = sum / half, periods = (double)b->length * half;
    for (uint32_t i = 0; i < b->count; i++) {
        if (!(set >> i & 1u))
            continue;
        size_t cell = (size_t)i * b->strategies + n;
        double d = b->mean[cell] - mean;
        squares += b->squares[cell] + b->length * d * d;
        largest = fmax(largest, b->largest[cell]);
    }
    double sd = sqrt(squares / (periods - 1.0));
    return sd > FLAT_SHARE * largest ? mean / sd : (double)NAN;
}

/* Index of the largest defined value, the first on ties; count when none is defined. */
static uint32_t first_best(const double *values, uint32_t count)
{
    uint32_t best = count;
    for (uint32_t n = 0; n < count; n++)
        if (!isnan(values[n]) && (best == count || values[n] > values[best]))
            best = n;
    return best;
}

static double relative_rank(const double *values, uint32_t count, uint32_t of)
{
    uint32_t below = 0, equal = 0, defined = 0;
    for (uint32_t n = 0; n < count; n++) {
        below += values[n] < values[of];
        equal += values[n] == values[of];
        defined += !isnan(values[n]);
    }
    return (below + 0.5 * (equal + 1.0)) / (defined + 1.0);
}

static void combination_judge(struct blocks *b, uint32_t set, struct pbo_combination *out)
{
    uint32_t all = (1u << b->count) - 1u;
    for (uint32_t n = 0; n < b->strategies; n++) {
        b->inside[n] = half_sharpe(b, set, n);
        b->outside[n] = half_sharpe(b, all & ~set, n);
    }
    const double undefined = (double)NAN;
    *out = (struct pbo_combination){0, undefined, undefined, undefined};
    uint32_t chosen = first_best(b->inside, b->strategies);
    if (chosen == b->strategies)
        return;
    out->chosen = chosen;
    out->in_sample = b->inside[chosen];
    out->out_of_sample = b->outside[chosen];
    if (isnan(out->out_of_sample))
        return;
    double w = relative_rank(b->outside, b->strategies, chosen);
    out->logit = log(w / (1.0 - w));
}

/* The next choice of `half` of the blocks in lexicographic order of their numbers; bit i is block i. */
static uint32_t combination_next(uint32_t set, uint32_t block_count)
{
    uint32_t free_above = block_count; /* blocks from here up are all taken */
    uint32_t taken = 0;
    while (free_above > 0 && set >> (free_above - 1) & 1u) {
        free_above--;
        taken++;
    }
    uint32_t move = free_above;
    while (move > 0 && !(set >> (move - 1) & 1u))
        move--;
    if (move == 0)
        return 0; /* it was the last one */
    move--;
    set &= (1u << move) - 1u;
    for (uint32_t i = 0; i <= taken; i++)
        set |= 1u << (move + 1 + i);
    return set;
}

struct pbo_line pbo_fit(const double *x, const double *y, size_t stride, uint32_t count)
{
    const double undefined = (double)NAN;
    struct pbo_line line = {undefined, undefined, undefined};
    if (count < 2)
        return line;
    double cov00, cov01, cov11, residual;
    (void)gsl_fit_linear(x, stride, y, stride, count, &line.intercept, &line.slope, &cov00, &cov01, &cov11, &residual);
    if (!isfinite(line.slope))
        return (struct pbo_line){undefined, undefined, undefined};
    double r =
        gsl_stats_correlation(x, stride, y, stride, count); /* 1 - residual / total would cancel where r is small */
    line.r2 = r * r;
    return line;
}

/* Puts combinations that were left out at the end, so that what is defined is one run of memory, in its order. */
static uint32_t combinations_sift(struct pbo_combination *c, uint32_t count)
{
    uint32_t defined = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!isnan(c[i].logit)) {
            struct pbo_combination kept = c[i];
            c[i] = c[defined];
            c[defined++] = kept;
        }
    return defined;
}

static void combinations_sum(const struct pbo_combination *c, uint32_t defined, struct pbo_result *out)
{
    uint32_t overfit = 0, losses = 0;
    double mean = 0.0, squares = 0.0, n = defined;
    for (uint32_t i = 0; i < defined; i++) {
        overfit += c[i].logit <= 0.0;
        losses += c[i].out_of_sample < 0.0;
        mean += c[i].logit;
    }
    mean /= n;
    for (uint32_t i = 0; i < defined; i++)
        squares += (c[i].logit - mean) * (c[i].logit - mean);
    out->pbo = overfit / n;
    out->loss = losses / n;
    out->logit_mean = mean; /* 0 / 0: NaN when none is defined */
    out->logit_sd = defined < 2 ? (double)NAN : sqrt(squares / (n - 1.0));
    out->degradation = pbo_fit(&c[0].in_sample, &c[0].out_of_sample, sizeof *c / sizeof(double), defined);
}

int pbo_run(const struct pbo_input *in, double *scratch, struct pbo_combination *combinations, struct pbo_result *out)
{
    static_assert(sizeof(struct pbo_combination) % sizeof(double) == 0, "a whole stride of doubles");
    assert(in && in->returns && scratch && combinations && out);
    uint32_t count = pbo_combination_count(in->block_count);
    if (count == 0 || in->strategy_count < 2 || in->period_count / in->block_count < 2)
        return -EINVAL;
    struct blocks b;
    blocks_place(&b, in, scratch);
    if (!blocks_measure(&b, in))
        return -EINVAL;
    uint32_t set = (1u << (in->block_count / 2)) - 1u, done = 0;
    for (; set != 0; set = combination_next(set, in->block_count))
        combination_judge(&b, set, &combinations[done++]);
    assert(done == count);
    uint32_t defined = combinations_sift(combinations, count);
    out->combination_count = count;
    out->undefined_count = count - defined;
    combinations_sum(combinations, defined, out);
    return 0;
}
