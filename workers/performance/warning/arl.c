#include "workers/performance/warning/arl.h"

#include <assert.h>
#include <errno.h>
#include <math.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_randist.h>

#include "workers/performance/warning/quadrature.h"

#define ROOT_STEPS_MAX 200
#define NODES_MIN 24u
#define NODES_MAX 160u
#define NODES_PER_DEVIATION 4.0

/* Solve (I - Q) L = 1 in place: matrix holds Q, value gets L. */
static void arl_solve(struct warning_workspace *work, uint32_t count)
{
    assert(count > 0 && count <= WARNING_STATES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < count; j++)
            work->matrix[i * count + j] = (i == j ? 1.0 : 0.0) - work->matrix[i * count + j];
        work->value[i] = 1.0;
    }
    gsl_matrix_view matrix = gsl_matrix_view_array(work->matrix, count, count);
    gsl_vector_view value = gsl_vector_view_array(work->value, count), tau = gsl_vector_view_array(work->tau, count);
    (void)gsl_linalg_QR_decomp(&matrix.matrix, &tau.vector);
    (void)gsl_linalg_QR_svx(&matrix.matrix, &tau.vector, &value.vector);
}

static uint32_t arl_nodes(double width)
{
    return (uint32_t)fmin(NODES_MAX, NODES_MIN + NODES_PER_DEVIATION * width);
}

/* --- CUSUM -----------------------------------------------------------------------------------------------------------
 */

/* L(s) = 1 + L(0) Phi(k - s - shift) + integral over (0, h) of L(x) phi(x + k - s - shift) dx. State 0 is L(0). */
static double cusum_kernel(const struct warning_workspace *work, double k, double shift, double s, uint32_t j)
{
    if (j == 0)
        return gsl_cdf_ugaussian_P(k - s - shift);
    return work->weight[j] * gsl_ran_ugaussian_pdf(work->node[j] + k - s - shift);
}

double warning_cusum_arl(struct warning_workspace *work, double k, double h, double shift, double start)
{
    if (!(k >= 0.0 && h >= 0.0 && h <= WARNING_LIMIT_MAX && start >= 0.0 && start <= h && isfinite(k) &&
          isfinite(shift)))
        return NAN;
    uint32_t count = arl_nodes(h) + 1;
    work->node[0] = 0.0;
    quadrature_legendre(count - 1, 0.0, h, work->node + 1, work->weight + 1);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++)
            work->matrix[i * count + j] = cusum_kernel(work, k, shift, work->node[i], j);
    arl_solve(work, count);
    double arl = 1.0;
    for (uint32_t j = 0; j < count; j++)
        arl += work->value[j] * cusum_kernel(work, k, shift, start, j);
    return arl;
}

double warning_cusum_arl_two_sided(struct warning_workspace *work, double k, double h, double shift)
{
    double up = warning_cusum_arl(work, k, h, shift, 0.0), down = warning_cusum_arl(work, k, h, -shift, 0.0);
    return 1.0 / (1.0 / up + 1.0 / down);
}

/* Where an increasing function reaches `target`, between low and high, by bisection on ln. */
struct arl_search {
    struct warning_workspace *work;
    double parameter; /* k, or lambda */
    double (*arl)(struct warning_workspace *work, double parameter, double limit);
};
static double arl_root(const struct arl_search *search, double target, double low, double high)
{
    double f_low = log(search->arl(search->work, search->parameter, low) / target);
    double f_high = log(search->arl(search->work, search->parameter, high) / target);
    if (!(f_low < 0.0 && f_high > 0.0))
        return f_low == 0.0 ? low : f_high == 0.0 ? high : NAN;
    for (int step = 0; step < ROOT_STEPS_MAX && high - low > 1e-11 * high; step++) {
        /* Regula falsi (Illinois): ln ARL is nearly straight in the limit; bisection every third step keeps it honest.
         */
        double x = step % 3 == 2 ? (low + high) / 2.0 : low - f_low * (high - low) / (f_high - f_low);
        double f = log(search->arl(search->work, search->parameter, x) / target);
        if (f == 0.0)
            return x;
        if (f < 0.0) {
            low = x;
            f_low = f;
        } else {
            high = x;
            f_high = f;
        }
    }
    return (low + high) / 2.0;
}

static double cusum_arl0(struct warning_workspace *work, double k, double h)
{
    return warning_cusum_arl(work, k, h, 0.0, 0.0);
}

double warning_cusum_critical(struct warning_workspace *work, double k, double arl0, bool two_sided)
{
    if (!(arl0 > 1.0 && k >= 0.0 && isfinite(arl0) && isfinite(k)))
        return NAN;
    double target = two_sided ? 2.0 * arl0 : arl0; /* each side alone */
    const struct arl_search search = {.work = work, .parameter = k, .arl = cusum_arl0};
    if (cusum_arl0(work, k, 0.0) >= target)
        return 0.0;
    double high = 1.0;
    while (high < WARNING_LIMIT_MAX && !(cusum_arl0(work, k, high) >= target))
        high = fmin(WARNING_LIMIT_MAX, high * 1.5);
    return arl_root(&search, target, 0.0, high);
}

double warning_cusum_reference(double delta)
{
    return delta > 0.0 ? delta / 2.0 : NAN;
}

double warning_cusum_delay(double delta, double arl0)
{
    return delta > 0.0 && arl0 > 1.0 ? log(arl0) / (delta * delta / 2.0) : NAN;
}

/* --- EWMA
 * -------------------------------------------------------------------------------------------------------------- */

/* L(z) = 1 + 1 / lambda * integral over (-h, h) of L(y) phi((y - (1 - lambda) z) / lambda - shift) dy. */
double warning_ewma_arl(struct warning_workspace *work, double lambda, double c, double shift)
{
    if (!(lambda > 0.0 && lambda <= 1.0 && c > 0.0 && isfinite(c) && isfinite(shift)))
        return NAN;
    double h = c * sqrt(lambda / (2.0 - lambda));
    uint32_t count = arl_nodes(2.0 * h / lambda);
    quadrature_legendre(count, -h, h, work->node, work->weight);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++)
            work->matrix[i * count + j] =
                work->weight[j] / lambda *
                gsl_ran_ugaussian_pdf((work->node[j] - (1.0 - lambda) * work->node[i]) / lambda - shift);
    arl_solve(work, count);
    double arl = 1.0;
    for (uint32_t j = 0; j < count; j++)
        arl += work->value[j] * work->weight[j] / lambda * gsl_ran_ugaussian_pdf(work->node[j] / lambda - shift);
    return arl;
}

static double ewma_arl0(struct warning_workspace *work, double lambda, double c)
{
    return warning_ewma_arl(work, lambda, c, 0.0);
}

double warning_ewma_critical(struct warning_workspace *work, double lambda, double arl0)
{
    if (!(arl0 > 1.0 && isfinite(arl0) && lambda > 0.0 && lambda <= 1.0))
        return NAN;
    const struct arl_search search = {.work = work, .parameter = lambda, .arl = ewma_arl0};
    return arl_root(&search, arl0, 1e-6, 6.0);
}

/* --- counts
 * ------------------------------------------------------------------------------------------------------------ */

static double count_probability(uint32_t kind, double mean, uint32_t x)
{
    if (kind == WARNING_BERNOULLI)
        return x == 0 ? 1.0 - mean : x == 1 ? mean : 0.0;
    return gsl_ran_poisson_pdf(x, mean);
}

/* From state i: where each count leads. Upwards it leaves the chain at h; downwards what is enough lands on 0. */
static void count_row(const struct warning_count_design *d, double mean, uint32_t i, double *row)
{
    double used = 0.0;
    for (uint32_t j = 0; j < d->h; j++)
        row[j] = 0.0;
    for (uint32_t x = 0;; x++) {
        int64_t to = (int64_t)i + d->side * ((int64_t)d->per_unit * x - d->k);
        if (d->side < 0 ? to <= 0 : to >= (int64_t)d->h)
            break;
        double p = count_probability(d->kind, mean, x);
        if (to < (int64_t)d->h)
            row[to > 0 ? to : 0] += p;
        used += p;
    }
    if (d->side < 0)
        row[0] += fmax(0.0, 1.0 - used);
}

static bool count_valid(const struct warning_count_design *d, double mean)
{
    bool kind = d->kind == WARNING_POISSON ? mean > 0.0 && mean < 1e6
                                           : d->kind == WARNING_BERNOULLI && mean > 0.0 && mean < 1.0;
    return kind && (d->side == 1 || d->side == -1) && d->per_unit >= 1 && d->h >= 1 && d->h < WARNING_STATES_MAX;
}

double warning_count_arl(struct warning_workspace *work, const struct warning_count_design *design, double mean,
                         uint32_t start)
{
    if (!count_valid(design, mean) || start >= design->h)
        return NAN;
    for (uint32_t i = 0; i < design->h; i++)
        count_row(design, mean, i, &work->matrix[i * design->h]);
    arl_solve(work, design->h);
    return work->value[start];
}

/* Both means are equally likely at k events. */
static double count_reference(enum warning_count_kind kind, double a, double b)
{
    if (kind == WARNING_POISSON)
        return (b - a) / log(b / a);
    return log((1.0 - a) / (1.0 - b)) / log(b * (1.0 - a) / (a * (1.0 - b)));
}

/* The smallest h; 0: none within the states. ARL0 grows with h. */
static uint32_t count_limit(struct warning_workspace *work, struct warning_count_design *design, double usual,
                            double arl0)
{
    uint32_t low = 0, high = WARNING_STATES_MAX - 1;
    design->h = high;
    if (!(warning_count_arl(work, design, usual, 0) >= arl0))
        return 0;
    while (high - low > 1) {
        design->h = low + (high - low) / 2;
        if (warning_count_arl(work, design, usual, 0) >= arl0)
            high = design->h;
        else
            low = design->h;
    }
    return high;
}

int warning_count_find(struct warning_workspace *work, enum warning_count_kind kind, double usual, double changed,
                       double arl0, struct warning_count_design *out)
{
    *out = (struct warning_count_design){.kind = kind, .side = changed > usual ? 1 : -1, .per_unit = 1, .h = 1};
    if (!count_valid(out, usual) || !count_valid(out, changed) || usual == changed || !(arl0 > 1.0 && isfinite(arl0)))
        return -EINVAL;
    double k = count_reference(kind, usual, changed);
    for (uint32_t per_unit = 1; per_unit < WARNING_STATES_MAX; per_unit++) {
        double whole = round(k * per_unit);
        if (whole < 1.0 || fabs(whole / per_unit - k) > fabs(changed - usual) / 20.0)
            continue;
        out->per_unit = per_unit;
        out->k = (uint32_t)whole;
        out->h = count_limit(work, out, usual, arl0);
        return out->h > 0 ? 0 : -ERANGE; /* a finer lattice needs more states still */
    }
    return -ERANGE;
}
