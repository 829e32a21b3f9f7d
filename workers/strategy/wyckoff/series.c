#include "workers/strategy/wyckoff/machine.h"

#include <math.h>
#include <string.h>

#define VOLUME_UNKNOWN NAN

const struct wyckoff_kept *series_bar(const struct wyckoff_series *series, uint32_t i)
{
    assert(i < series->bar_count && series->bar_count - i <= WYCKOFF_RING);
    return &series->bars[i % WYCKOFF_RING];
}

/* --- the sliding median: the window's volumes, sorted ---------------------------------------------------------- */

/* The first place whose volume is not below `volume`. */
static uint32_t sorted_place(const struct wyckoff_series *series, double volume)
{
    uint32_t from = 0, to = series->sorted_count;
    while (from < to) {
        uint32_t middle = (from + to) / 2;
        if (series->sorted[middle] < volume)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void sorted_insert(struct wyckoff_series *series, double volume)
{
    assert(series->sorted_count < WYCKOFF_RING);
    uint32_t place = sorted_place(series, volume);
    memmove(&series->sorted[place + 1], &series->sorted[place], (series->sorted_count - place) * sizeof(double));
    series->sorted[place] = volume;
    series->sorted_count++;
}

static void sorted_remove(struct wyckoff_series *series, double volume)
{
    uint32_t place = sorted_place(series, volume);
    assert(place < series->sorted_count && series->sorted[place] == volume);
    series->sorted_count--;
    memmove(&series->sorted[place], &series->sorted[place + 1], (series->sorted_count - place) * sizeof(double));
    series->sorted[series->sorted_count] = 0.0; /* equal histories give equal bytes */
}

static double sorted_median(const struct wyckoff_series *series)
{
    uint32_t n = series->sorted_count;
    return n % 2 ? series->sorted[n / 2] : (series->sorted[n / 2 - 1] + series->sorted[n / 2]) / 2.0;
}

/* --- features -------------------------------------------------------------------------------------------------- */

void series_push(struct wyckoff_series *series, const struct wyckoff_params *p, const struct wyckoff_bar *bar)
{
    struct wyckoff_kept *kept = &series->bars[series->bar_count % WYCKOFF_RING];
    double median = series->sorted_count >= p->n_vol_min ? sorted_median(series) : 0.0;
    *kept = (struct wyckoff_kept){.time_ns = bar->time_ns,
                                  .high = dec_to_double(bar->high),
                                  .low = dec_to_double(bar->low),
                                  .close = dec_to_double(bar->close),
                                  .volume = dec_to_double(bar->volume),
                                  .atr = series->bar_count > p->n_atr ? series->atr : NAN};
    kept->relative_volume = median > 0.0 ? kept->volume / median : VOLUME_UNKNOWN;
    kept->spread_ratio = (kept->high - kept->low) / kept->atr;
    if (isnan(kept->spread_ratio))
        kept->spread_ratio = NAN; /* 0 / 0 has a sign of its own: one NaN, so that states compare by bytes */
    series->bar_count++;
}

/* Wilder: the mean of the first n_atr true ranges, then (ATR (n - 1) + TR) / n. */
static void settle_atr(struct wyckoff_series *series, const struct wyckoff_params *p)
{
    uint32_t t = series->bar_count - 1;
    if (t == 0)
        return; /* no close before it */
    const struct wyckoff_kept *bar = series_bar(series, t);
    double before = series_bar(series, t - 1)->close, n = p->n_atr;
    double range = fold_max(bar->high, before) - fold_min(bar->low, before);
    if (t > p->n_atr) {
        series->atr = (series->atr * (n - 1.0) + range) / n;
        return;
    }
    series->tr_sum += range;
    if (t == p->n_atr)
        series->atr = series->tr_sum / n;
}

void series_settle(struct wyckoff_series *series, const struct wyckoff_params *p)
{
    settle_atr(series, p);
    uint32_t t = series->bar_count - 1;
    if (series->sorted_count == p->n_vol)
        sorted_remove(series, series_bar(series, t - p->n_vol)->volume);
    sorted_insert(series, series_bar(series, t)->volume);
}

/* --- bytes of a snapshot --------------------------------------------------------------------------------------- */

static bool number_in(double value, double least, double most)
{
    return value >= least && value <= most; /* NaN is not */
}

#define PRICE_MAX 9.3e10 /* dec_t's greatest */

static bool kept_restorable(const struct wyckoff_kept *bar, uint32_t i, const struct wyckoff_params *p)
{
    bool atr_known = i > p->n_atr;
    return number_in(bar->low, 1e-8, bar->close) && number_in(bar->high, bar->close, PRICE_MAX) &&
           number_in(bar->volume, 0.0, PRICE_MAX) &&
           (atr_known ? number_in(bar->atr, 0.0, PRICE_MAX) : isnan(bar->atr)) && !(bar->relative_volume < 0.0) &&
           !(bar->spread_ratio < 0.0) && (atr_known || isnan(bar->spread_ratio));
}

/* The sorted volumes are those of the window, no more and no less. */
static bool sorted_restorable(const struct wyckoff_series *series, const struct wyckoff_params *p)
{
    uint32_t count = series->bar_count < p->n_vol ? series->bar_count : p->n_vol;
    if (series->sorted_count != count)
        return false;
    struct wyckoff_series again = {0};
    for (uint32_t i = series->bar_count - count; i < series->bar_count; i++)
        sorted_insert(&again, series->bars[i % WYCKOFF_RING].volume);
    for (uint32_t i = 0; i < count; i++)
        if (again.sorted[i] != series->sorted[i])
            return false;
    return true;
}

bool series_restorable(const struct wyckoff_series *series, const struct wyckoff_params *p)
{
    uint32_t count = series->bar_count < WYCKOFF_RING ? series->bar_count : WYCKOFF_RING;
    for (uint32_t i = series->bar_count - count; i < series->bar_count; i++)
        if (!kept_restorable(&series->bars[i % WYCKOFF_RING], i, p))
            return false;
    bool atr_known = series->bar_count > p->n_atr;
    return (atr_known ? number_in(series->atr, 0.0, PRICE_MAX) : series->atr == 0.0) &&
           number_in(series->tr_sum, 0.0, PRICE_MAX * WYCKOFF_RING) && sorted_restorable(series, p);
}
