#include "workers/strategy/signals/reliability.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "workers/strategy/signals/interval.h"

#define BASIS_POINTS 10000.0
#define BASIS_POINTS_PER_BIN 1000u

uint32_t signals_bin(double p)
{
    assert(p >= 0.0 && p <= 1.0);
    uint32_t bin = (uint32_t)lround(p * BASIS_POINTS) / BASIS_POINTS_PER_BIN;
    return bin < SIGNALS_BINS ? bin : SIGNALS_BINS - 1;
}

static bool pairs_valid(const double *p, const uint8_t *y, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!(p[i] >= 0.0 && p[i] <= 1.0) || y[i] > 1)
            return false;
    return n > 0;
}

/* Turns the sums of p that stand in mean_p into means. */
static void bins_finish(struct signals_reliability_bin *bins, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++) {
        double n = bins[k].n;
        bins[k].mean_p = bins[k].n ? bins[k].mean_p / n : NAN;
        bins[k].rate = bins[k].n ? bins[k].wins / n : NAN;
    }
}

static void bins_add(struct signals_reliability_bin *bin, double p, uint8_t y)
{
    bin->n++;
    bin->wins += y;
    bin->mean_p += p;
}

static void reliability_sums(const double *p, const uint8_t *y, uint32_t n, struct signals_reliability *out)
{
    double brier = 0.0, log_loss = 0.0, z_top = 0.0, z_bottom = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        double miss = p[i] - y[i], clipped = fmin(fmax(p[i], SIGNALS_P_CLIP), 1.0 - SIGNALS_P_CLIP);
        brier += miss * miss;
        log_loss -= y[i] ? log(clipped) : log1p(-clipped);
        z_top -= miss * (1.0 - 2.0 * p[i]);
        z_bottom += (1.0 - 2.0 * p[i]) * (1.0 - 2.0 * p[i]) * p[i] * (1.0 - p[i]);
        out->wins += y[i];
        bins_add(&out->bins[signals_bin(p[i])], p[i], y[i]);
    }
    out->n = n;
    out->base_rate = (double)out->wins / n;
    out->brier = brier / n;
    out->log_loss = log_loss / n;
    out->spiegelhalter_z = z_bottom > 0.0 ? z_top / sqrt(z_bottom) : NAN;
    out->spiegelhalter_p = z_bottom > 0.0 ? signals_normal_two_sided(out->spiegelhalter_z) : NAN;
}

static void reliability_murphy(const double *p, const uint8_t *y, struct signals_reliability *out)
{
    double n = out->n, within = 0.0;
    for (uint32_t k = 0; k < SIGNALS_BINS; k++) {
        const struct signals_reliability_bin *bin = &out->bins[k];
        if (bin->n == 0)
            continue;
        double gap = bin->rate - bin->mean_p, apart = bin->rate - out->base_rate, share = bin->n / n;
        out->reliability += share * gap * gap;
        out->resolution += share * apart * apart;
        out->ece += share * fabs(gap);
        out->mce = fmax(out->mce, fabs(gap));
    }
    for (uint32_t i = 0; i < out->n; i++) {
        const struct signals_reliability_bin *bin = &out->bins[signals_bin(p[i])];
        double off = p[i] - bin->mean_p;
        within += off * off - 2.0 * off * (y[i] - bin->rate);
    }
    out->within_bin = within / n;
    out->uncertainty = out->climatology = out->base_rate * (1.0 - out->base_rate);
    out->skill = out->climatology > 0.0 ? 1.0 - out->brier / out->climatology : NAN;
}

int signals_reliability_measure(const double *p, const uint8_t *y, uint32_t n, struct signals_reliability *out)
{
    if (!pairs_valid(p, y, n))
        return -EINVAL;
    memset(out, 0, sizeof *out);
    reliability_sums(p, y, n, out);
    bins_finish(out->bins, SIGNALS_BINS);
    reliability_murphy(p, y, out);
    return 0;
}

int signals_reliability_curve(const double *p, const uint8_t *y, uint32_t n, const double *edges, uint32_t bin_count,
                              struct signals_reliability_bin *out)
{
    if (bin_count == 0 || !pairs_valid(p, y, n))
        return -EINVAL;
    for (uint32_t k = 0; k < bin_count; k++)
        if (!(edges[k] <= edges[k + 1]))
            return -EINVAL;
    memset(out, 0, bin_count * sizeof *out);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t lo = 0, hi = bin_count - 1; /* inner edges below p */
        while (lo < hi) {
            uint32_t middle = lo + (hi - lo) / 2;
            if (edges[middle + 1] < p[i])
                lo = middle + 1;
            else
                hi = middle;
        }
        bins_add(&out[lo], p[i], y[i]);
    }
    bins_finish(out, bin_count);
    return 0;
}

void signals_reliability_edges(const double *p, uint32_t n, uint32_t bin_count, double *scratch, double *edges)
{
    assert(n > 0 && bin_count > 0);
    memcpy(scratch, p, n * sizeof *scratch);
    signals_order_values(scratch, n);
    for (uint32_t k = 0; k <= bin_count; k++)
        edges[k] = signals_quantile(scratch, n, (double)k / bin_count);
}
