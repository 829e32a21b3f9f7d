#include "workers/performance/warning/drift.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

#define BINS_MAX WARNING_DRIFT_BINS_MAX
#define COUNT_MAX (UINT64_C(1) << 48) /* of a bin: sums of them stay exact in a double */

static_assert(sizeof(struct warning_drift) == 8 + 24 * BINS_MAX + 8, "no padding: states compare by bytes");

static uint64_t drift_total(const uint64_t *counts, uint32_t bin_count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < bin_count; i++)
        sum += counts[i];
    return sum;
}

static double drift_share(uint64_t count, double total)
{
    return (count > 0 ? (double)count : 0.5) / total;
}

double warning_psi(const uint64_t *reference, const uint64_t *live, uint32_t bin_count)
{
    double n = (double)drift_total(reference, bin_count), m = (double)drift_total(live, bin_count), psi = 0.0;
    if (bin_count < 2 || n == 0.0 || m == 0.0)
        return NAN;
    for (uint32_t i = 0; i < bin_count; i++) {
        if (reference[i] == 0 && live[i] == 0)
            continue; /* a bin of nobody */
        double p = drift_share(reference[i], n), q = drift_share(live[i], m);
        psi += (q - p) * log(q / p);
    }
    return psi;
}

double warning_psi_chance(uint32_t bin_count, uint64_t reference, uint64_t live, double alpha)
{
    if (bin_count < 2 || reference == 0 || live == 0 || !(alpha > 0.0 && alpha < 1.0))
        return NAN;
    return (1.0 / (double)reference + 1.0 / (double)live) * gsl_cdf_chisq_Qinv(alpha, bin_count - 1.0);
}

static uint32_t drift_bin(const struct warning_drift *drift, double value)
{
    uint32_t bin = 0;
    while (bin + 1 < drift->bin_count && value >= drift->edges[bin])
        bin++;
    return bin;
}

int warning_drift_init(struct warning_drift *out, const double *sorted, uint32_t count, uint32_t bin_count)
{
    memset(out, 0, sizeof *out);
    if (bin_count < 2 || bin_count > BINS_MAX || count < bin_count)
        return -EINVAL;
    for (uint32_t i = 0; i < count; i++)
        if (!isfinite(sorted[i]) || (i > 0 && sorted[i] < sorted[i - 1]))
            return -EINVAL;
    struct warning_drift drift = {.version = WARNING_DRIFT_VERSION, .bin_count = 1};
    for (uint32_t k = 1; k < bin_count; k++) {
        double edge = sorted[(uint64_t)count * k / bin_count];
        bool fresh = edge > sorted[0] && (drift.bin_count == 1 || edge > drift.edges[drift.bin_count - 2]);
        if (fresh)
            drift.edges[drift.bin_count++ - 1] = edge;
    }
    if (drift.bin_count < 2)
        return -EINVAL;
    for (uint32_t i = 0; i < count; i++)
        drift.reference[drift_bin(&drift, sorted[i])]++;
    *out = drift;
    return 0;
}

void warning_drift_observe(struct warning_drift *drift, double value)
{
    uint64_t *counter = isfinite(value) ? &drift->live[drift_bin(drift, value)] : &drift->missing;
    *counter += *counter < COUNT_MAX;
}

void warning_drift_restart(struct warning_drift *drift)
{
    memset(drift->live, 0, sizeof drift->live);
    drift->missing = 0;
}

bool warning_drift_alarmed(const struct warning_drift *drift, double alpha, double *psi)
{
    double value = warning_psi(drift->reference, drift->live, drift->bin_count);
    double chance = warning_psi_chance(drift->bin_count, drift_total(drift->reference, drift->bin_count),
                                       drift_total(drift->live, drift->bin_count), alpha);
    if (psi)
        *psi = value;
    return value > WARNING_PSI_ALARM && value > chance;
}

bool warning_drift_restorable(const struct warning_drift *drift)
{
    if (drift->version != WARNING_DRIFT_VERSION || drift->bin_count < 2 || drift->bin_count > BINS_MAX ||
        drift->missing > COUNT_MAX)
        return false;
    for (uint32_t i = 0; i + 1 < drift->bin_count; i++)
        if (!isfinite(drift->edges[i]) || (i > 0 && drift->edges[i] <= drift->edges[i - 1]))
            return false;
    for (uint32_t i = 0; i < BINS_MAX; i++) {
        if (drift->reference[i] > COUNT_MAX || drift->live[i] > COUNT_MAX)
            return false;
        if (i >= drift->bin_count && (drift->reference[i] != 0 || drift->live[i] != 0))
            return false;
    }
    return drift_total(drift->reference, drift->bin_count) > 0;
}
