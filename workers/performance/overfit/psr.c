#include "workers/performance/overfit/psr.h"

#include <assert.h>
#include <math.h>

#include <gsl/gsl_cdf.h>

#define FLAT_SHARE 1e-12 /* of the largest return: a smaller standard deviation is rounding */

static double square(double x)
{
    return x * x;
}

/* --- moments ------------------------------------------------------------------------------------------------------ */

struct sums {
    double m2, m3, m4, lagged; /* of deviations from the mean */
};

static struct sums central_sums(const double *returns, uint32_t count, double mean)
{
    struct sums s = {0.0, 0.0, 0.0, 0.0};
    for (uint32_t i = 0; i < count; i++) {
        double d = returns[i] - mean;
        s.m2 += d * d;
        s.m3 += d * d * d;
        s.m4 += d * d * d * d;
        if (i > 0)
            s.lagged += d * (returns[i - 1] - mean);
    }
    return s;
}

void psr_moments(const double *returns, uint32_t count, struct psr_moments *out)
{
    assert(out && (returns || count == 0));
    const double undefined = (double)NAN;
    *out = (struct psr_moments){count, undefined, undefined, undefined, undefined, undefined, undefined};
    double sum = 0.0, largest = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        if (!isfinite(returns[i]))
            return;
        sum += returns[i];
        largest = fmax(largest, fabs(returns[i]));
    }
    if (count == 0)
        return;
    double n = count;
    out->mean = sum / n;
    if (count < 2)
        return;
    struct sums s = central_sums(returns, count, out->mean);
    out->sd = sqrt(s.m2 / (n - 1.0));
    if (out->sd <= FLAT_SHARE * largest)
        return;
    out->sharpe = out->mean / out->sd;
    double population_sd = sqrt(s.m2 / n);
    out->skew = s.m3 / n / (population_sd * square(population_sd));
    out->kurtosis = s.m4 / n / square(square(population_sd));
    out->autocorrelation = s.lagged / s.m2;
}

/* --- standard errors ------------------------------------------------------------------------------------------------
 */

static double positive(double variance)
{
    return variance > 0.0 ? variance : (double)NAN;
}

double psr_variance(double sharpe, double skew, double kurtosis)
{
    return positive(1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * square(sharpe));
}

double psr_variance_null(double sharpe, double skew, double kurtosis, double rho)
{
    if (!(rho > -1.0 && rho < 1.0))
        return (double)NAN;
    double once = rho / (1.0 - rho), twice = square(rho) / (1.0 - square(rho));
    double a = 1.0 + 2.0 * once, b = 1.0 + once + twice, c = 1.0 + 2.0 * twice;
    return positive(a - b * skew * sharpe + c * (kurtosis - 1.0) / 4.0 * square(sharpe));
}

double psr_se(const struct psr_moments *m)
{
    assert(m);
    if (m->count < 2)
        return (double)NAN;
    return sqrt(psr_variance(m->sharpe, m->skew, m->kurtosis) / (m->count - 1.0));
}

double psr_se_null(const struct psr_moments *m, double sharpe_null, double rho)
{
    assert(m);
    if (m->count < 2)
        return (double)NAN;
    return sqrt(psr_variance_null(sharpe_null, m->skew, m->kurtosis, rho) / (double)m->count);
}

/* --- probability and record ------------------------------------------------------------------------------------------
 */

static double normal_probability(double z)
{
    return isnan(z) ? z : gsl_cdf_ugaussian_P(z);
}

double psr_probability(const struct psr_moments *m, double benchmark)
{
    return normal_probability((m->sharpe - benchmark) / psr_se(m));
}

double psr_probability_null(const struct psr_moments *m, double benchmark, double rho)
{
    return normal_probability((m->sharpe - benchmark) / psr_se_null(m, benchmark, rho));
}

static double periods(const struct psr_moments *m, double benchmark, double variance, double confidence)
{
    if (!(m->sharpe > benchmark) || !(confidence > 0.5 && confidence < 1.0))
        return (double)NAN;
    return variance * square(gsl_cdf_ugaussian_Pinv(confidence) / (m->sharpe - benchmark));
}

double psr_track_min(const struct psr_moments *m, double benchmark, double confidence)
{
    assert(m);
    return 1.0 + periods(m, benchmark, psr_variance(m->sharpe, m->skew, m->kurtosis), confidence);
}

double psr_track_min_null(const struct psr_moments *m, double benchmark, double rho, double confidence)
{
    assert(m);
    return periods(m, benchmark, psr_variance_null(benchmark, m->skew, m->kurtosis, rho), confidence);
}
