/* Series of bars against R's TTR, TA-Lib and Tulip: every column of their files that is a number of ours, in the tables
 * below. Not ours, so not compared: runmad, emv, vwap (TTR); natr, adosc, macd and its signal and histogram,
 * linreg_slope, roc, stochastics (TA-Lib); volatility (of simple returns, annualised), linregslope, vwma (Tulip). Nor
 * Tulip's ADX: where up and down moves are equal it counts both, the others and we neither.
 *
 * The libraries reckon in doubles of prices, and where two quantities are equal they see a move in the noise of the
 * last digit (quant.md 0.9). Such bars are found here, and the cells that they reach are not compared: of the MFI the n
 * bars after a tie of the typical price; of the directional movement, where doubles compare up and down moves otherwise
 * than whole points do, the bars until Wilder's average has forgotten it. */
#include "tests/golden/quant/quant_indicators.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workers/strategy/indicators/averages.h"
#include "workers/strategy/indicators/momentum.h"
#include "workers/strategy/indicators/volatility.h"
#include "workers/strategy/indicators/volume.h"
#include "workers/strategy/indicators/window.h"

/* What is computed at one bar. */
struct row {
    double tr, atr14, sma20, ema12, ema20, ema200, wilder20, wilder14, rsi14, mfi14, clv, adl, cmf20, obv, obv_from_0;
    double deviation20, variance20, population20, upper20, lower20, median20, rank20;
    double close20, parkinson20, garman_klass20, rogers_satchell20, garman_klass_yang_zhang20, yang_zhang20;
    double adx14, plus14, minus14, dx14;
    double highest20, lowest20;
};
struct machines {
    struct volatility_atr atr;
    struct average_sma sma;
    struct average_ema ema12, ema20, ema200, wilder20, wilder14;
    struct momentum_rsi rsi;
    struct momentum_adx adx;
    struct volume_mfi mfi;
    struct volume_adl adl;
    struct volume_obv obv;
    struct volume_cmf cmf;
    struct average_deviation deviation;
    struct window_order order, before;
    struct window_extreme highest, lowest;
    struct volatility_close close;
    struct volatility_range ranges[VOLATILITY_KIND_COUNT];
    struct volatility_yang_zhang yang_zhang;
    int64_t close_before, volume_0;
    uint32_t seen;
};

static void machines_init(struct machines *m)
{
    memset(m, 0, sizeof *m);
    volatility_atr_init(&m->atr, 14);
    average_sma_init(&m->sma, 20);
    average_ema_init(&m->ema12, 12);
    average_ema_init(&m->ema20, 20);
    average_ema_init(&m->ema200, 200);
    average_wilder_init(&m->wilder20, 20);
    average_wilder_init(&m->wilder14, 14);
    momentum_rsi_init(&m->rsi, 14);
    momentum_adx_init(&m->adx, 14);
    volume_mfi_init(&m->mfi, 14);
    volume_adl_init(&m->adl);
    volume_obv_init(&m->obv);
    volume_cmf_init(&m->cmf, 20);
    average_deviation_init(&m->deviation, 20);
    window_order_init(&m->order, 20);
    window_order_init(&m->before, 19);
    window_extreme_init(&m->highest, 20, WINDOW_HIGHEST);
    window_extreme_init(&m->lowest, 20, WINDOW_LOWEST);
    volatility_close_init(&m->close, 20);
    for (unsigned kind = 0; kind < VOLATILITY_KIND_COUNT; kind++)
        volatility_range_init(&m->ranges[kind], (enum volatility_kind)kind, 20);
    volatility_yang_zhang_init(&m->yang_zhang, 20);
}

static double extreme(struct window_extreme *window, int64_t price)
{
    int64_t out;
    window_extreme_push(window, price);
    return window_extreme_value(window, &out, NULL) ? (double)out : NAN;
}

static void row_averages(struct machines *m, const struct indicator_bar *bar, struct row *out)
{
    double close = (double)bar->close;
    out->tr = m->seen ? (double)volatility_true_range(bar, m->close_before) : NAN;
    out->atr14 = volatility_atr_next(&m->atr, bar);
    out->sma20 = average_sma_next(&m->sma, bar->close);
    out->ema12 = average_ema_next(&m->ema12, close);
    out->ema20 = average_ema_next(&m->ema20, close);
    out->ema200 = average_ema_next(&m->ema200, close);
    out->wilder20 = average_ema_next(&m->wilder20, close);
    out->wilder14 = average_ema_next(&m->wilder14, close);
    struct average_bands bands = average_bands_next(&m->deviation, bar->close, 2.0);
    out->upper20 = bands.upper;
    out->lower20 = bands.lower;
    out->population20 = average_deviation_population(&m->deviation);
    out->deviation20 = average_deviation_sample(&m->deviation);
    out->variance20 = out->deviation20 * out->deviation20;
    window_order_push(&m->order, close);
    out->median20 = window_order_median(&m->order, 20);
    /* TTR's window holds the value itself, which ties with itself by half: (19 r + .5) / 20 for a rank r among 19 */
    out->rank20 = (19.0 * window_order_next(&m->before, close, 19) + 0.5) / 20.0;
    out->highest20 = extreme(&m->highest, bar->high);
    out->lowest20 = extreme(&m->lowest, bar->low);
}

static void row_others(struct machines *m, const struct indicator_bar *bar, struct row *out)
{
    out->rsi14 = momentum_rsi_next(&m->rsi, bar->close);
    struct momentum_direction direction = momentum_adx_next(&m->adx, bar);
    out->adx14 = direction.adx;
    out->plus14 = direction.plus;
    out->minus14 = direction.minus;
    out->dx14 = direction.dx;
    out->mfi14 = volume_mfi_next(&m->mfi, bar);
    out->clv = volume_clv(bar);
    out->adl = volume_adl_next(&m->adl, bar);
    out->cmf20 = volume_cmf_next(&m->cmf, bar);
    out->obv = (double)volume_obv_next(&m->obv, bar);
    out->obv_from_0 = out->obv - (double)m->volume_0;
    out->close20 = volatility_close_next(&m->close, bar->close);
    out->parkinson20 = volatility_range_next(&m->ranges[VOLATILITY_PARKINSON], bar);
    out->garman_klass20 = volatility_range_next(&m->ranges[VOLATILITY_GARMAN_KLASS], bar);
    out->rogers_satchell20 = volatility_range_next(&m->ranges[VOLATILITY_ROGERS_SATCHELL], bar);
    out->garman_klass_yang_zhang20 = volatility_range_next(&m->ranges[VOLATILITY_GARMAN_KLASS_YANG_ZHANG], bar);
    out->yang_zhang20 = volatility_yang_zhang_next(&m->yang_zhang, bar);
}

/* --- columns -------------------------------------------------------------------------------------------------------
 */

/* What keeps a cell from being compared. */
enum reach { REACHED_BY_NONE, REACHED_BY_TYPICAL, REACHED_BY_MOVE };
#define TYPICAL_BARS 14u
#define MOVE_BARS 480u /* (13/14)^480 is 4e-16 */

/* scale: how often the value carries the price unit. level: the tolerance is of the largest value so far, which is what
 * a running total's rounding goes by. */
struct column {
    const char *name;
    size_t offset;
    int scale;
    enum reach reach;
    bool level;
    enum quant_tolerance kind;
    double tolerance;
};
#define OF(member) offsetof(struct row, member)
#define REL QUANT_RELATIVE
#define MIX QUANT_MIXED
#define NONE REACHED_BY_NONE
#define TYPICAL REACHED_BY_TYPICAL
#define MOVE REACHED_BY_MOVE

static const struct column ttr_columns[] = {
    {"tr", OF(tr), 1, NONE, false, REL, 1e-11},
    {"atr14", OF(atr14), 1, NONE, false, REL, 1e-11},
    {"ema20", OF(ema20), 1, NONE, false, REL, 1e-11},
    {"ema20_wilder", OF(wilder20), 1, NONE, false, REL, 1e-11},
    {"sma20", OF(sma20), 1, NONE, false, REL, 1e-11},
    {"rsi14", OF(rsi14), 0, NONE, false, REL, 1e-11},
    {"mfi14", OF(mfi14), 0, TYPICAL, false, MIX, 1e-11},
    {"clv", OF(clv), 0, NONE, false, MIX, 1e-11},
    {"ad", OF(adl), 0, NONE, true, MIX, 1e-11},
    {"cmf20", OF(cmf20), 0, NONE, false, MIX, 1e-11},
    {"obv", OF(obv), 0, NONE, false, REL, 0.0},
    {"runsd20", OF(deviation20), 1, NONE, false, REL, 1e-11},
    {"runvar20", OF(variance20), 2, NONE, false, REL, 1e-11},
    {"runmean20", OF(sma20), 1, NONE, false, REL, 1e-11},
    {"runmed20", OF(median20), 1, NONE, false, REL, 1e-11},
    {"vol_close20", OF(close20), 0, NONE, false, REL, 1e-11},
    {"vol_park20", OF(parkinson20), 0, NONE, false, REL, 1e-11},
    {"vol_gk20", OF(garman_klass20), 0, NONE, false, REL, 1e-11},
    {"vol_rs20", OF(rogers_satchell20), 0, NONE, false, REL, 1e-11},
    {"vol_gkyz20", OF(garman_klass_yang_zhang20), 0, NONE, false, REL, 1e-11},
    {"vol_yz20", OF(yang_zhang20), 0, NONE, false, REL, 1e-11},
    {"adx14", OF(adx14), 0, MOVE, false, REL, 1e-11},
    {"dip14", OF(plus14), 0, MOVE, false, REL, 1e-11},
    {"din14", OF(minus14), 0, MOVE, false, REL, 1e-11},
    {"dx14", OF(dx14), 0, MOVE, false, MIX, 1e-11},
    {"pctrank20", OF(rank20), 0, NONE, false, REL, 1e-11},
};

/* mfi14: TA-Lib calls a flow below 1 none, so the exact file alone is compared. */
static const struct column talib_columns[] = {
    {"trange", OF(tr), 1, NONE, false, REL, 1e-11},
    {"atr14", OF(atr14), 1, NONE, false, REL, 1e-11},
    {"sma20", OF(sma20), 1, NONE, false, REL, 1e-11},
    {"ema12", OF(ema12), 1, NONE, false, REL, 1e-11},
    {"ema20", OF(ema20), 1, NONE, false, REL, 1e-11},
    {"ema200", OF(ema200), 1, NONE, false, REL, 1e-11},
    {"rsi14", OF(rsi14), 0, NONE, false, REL, 1e-11},
    {"ad", OF(adl), 0, NONE, true, MIX, 1e-11},
    {"obv", OF(obv), 0, NONE, false, REL, 0.0},
    {"stddev20_pop", OF(population20), 1, NONE, false, REL, 2e-8},
    {"bb20_2_up", OF(upper20), 1, NONE, false, REL, 2e-8},
    {"bb20_2_mid", OF(sma20), 1, NONE, false, REL, 1e-11},
    {"bb20_2_lo", OF(lower20), 1, NONE, false, REL, 2e-8},
    {"adx14", OF(adx14), 0, MOVE, false, REL, 1e-11},
    {"pdi14", OF(plus14), 0, MOVE, false, REL, 1e-11},
    {"mdi14", OF(minus14), 0, MOVE, false, REL, 1e-11},
    {"max20", OF(highest20), 1, NONE, false, REL, 1e-11},
    {"min20", OF(lowest20), 1, NONE, false, REL, 1e-11},
};

/* Seeds itself otherwise, so from bar 400 on. */
static const struct column tulip_columns[] = {
    {"tr", OF(tr), 1, NONE, false, REL, 1e-9},
    {"atr14", OF(atr14), 1, NONE, false, REL, 1e-9},
    {"ema20", OF(ema20), 1, NONE, false, REL, 1e-9},
    {"wilders14", OF(wilder14), 1, NONE, false, REL, 1e-9},
    {"rsi14", OF(rsi14), 0, NONE, false, REL, 1e-9},
    {"mfi14", OF(mfi14), 0, TYPICAL, false, REL, 1e-9},
    {"ad", OF(adl), 0, NONE, true, REL, 1e-9},
    {"obv", OF(obv_from_0), 0, NONE, false, REL, 0.0},
    {"stddev20", OF(population20), 1, NONE, false, REL, 2e-8},
};

struct library {
    const char *ending;
    const struct column *columns;
    size_t column_count;
    uint32_t from_bar;
};
static const struct library libraries[] = {
    {"ttr", ttr_columns, sizeof ttr_columns / sizeof *ttr_columns, 0},
    {"talib", talib_columns, sizeof talib_columns / sizeof *talib_columns, 0},
    {"tulip", tulip_columns, sizeof tulip_columns / sizeof *tulip_columns, 400},
};

/* Bars since the last one at which the libraries may have erred; counted from `reach` bars when there was none. */
struct noise {
    uint32_t typical, move;
};

static int sign(double x)
{
    return (x > 0.0) - (x < 0.0);
}

static void find_noise(const struct series *series, struct noise *noise)
{
    struct noise since = {TYPICAL_BARS, MOVE_BARS};
    for (uint32_t i = 0; i < series->count; i++) {
        const struct indicator_bar *bar = &series->bars[i], *before = &series->bars[i > 0 ? i - 1 : 0];
        since.typical++;
        since.move++;
        double s = series->scale, up = (double)bar->high / s - (double)before->high / s,
               down = (double)before->low / s - (double)bar->low / s;
        if (i > 0 && bar->high + bar->low + bar->close == before->high + before->low + before->close)
            since.typical = 0;
        if (sign(up - down) != sign((double)((bar->high - before->high) - (before->low - bar->low))))
            since.move = 0;
        noise[i] = since;
    }
}

static bool reached(enum reach reach, struct noise noise)
{
    return (reach == REACHED_BY_TYPICAL && noise.typical < TYPICAL_BARS) ||
           (reach == REACHED_BY_MOVE && noise.move < MOVE_BARS);
}

struct computed {
    struct series series;
    struct row *rows;
    struct noise *noise;
};

static void check_column(struct quant_folder *folder, const char *name, const struct table *t,
                         const struct column *column, uint32_t from_bar, const struct computed *computed)
{
    uint32_t at = table_column(t, column->name);
    double level = 1.0;
    if (at == TABLE_NONE) {
        quant_fail(folder, name, "no column %s", column->name);
        return;
    }
    for (uint32_t i = from_bar; i < t->row_count && i < computed->series.count; i++) {
        double expected = table_number(t, i, at), value;
        memcpy(&value, (const char *)&computed->rows[i] + column->offset, sizeof value);
        for (int n = 0; n < column->scale; n++)
            value /= computed->series.scale;
        if (reached(column->reach, computed->noise[i]))
            continue;
        level = fmax(level, fabs(expected));
        quant_check(folder, name, i, column->name, expected, value, column->level ? QUANT_ABSOLUTE : column->kind,
                    column->level ? column->tolerance * level : column->tolerance);
    }
}

static void compute(struct computed *computed)
{
    static struct machines machines;
    const struct series *series = &computed->series;
    machines_init(&machines);
    for (uint32_t i = 0; i < series->count; i++) {
        if (i == 0)
            machines.volume_0 = series->bars[0].volume;
        row_averages(&machines, &series->bars[i], &computed->rows[i]);
        row_others(&machines, &series->bars[i], &computed->rows[i]);
        machines.close_before = series->bars[i].close;
        machines.seen = 1;
    }
    find_noise(series, computed->noise);
}

void indicators_check_libraries(struct quant_folder *folder, const char *stem)
{
    struct computed computed;
    if (!series_of(folder, stem, &computed.series))
        return;
    computed.rows = calloc(computed.series.count + 1u, sizeof *computed.rows);
    computed.noise = calloc(computed.series.count + 1u, sizeof *computed.noise);
    if (computed.rows && computed.noise)
        compute(&computed);
    for (size_t l = 0; computed.rows && computed.noise && l < sizeof libraries / sizeof *libraries; l++) {
        const struct library *library = &libraries[l];
        char name[160];
        struct table t;
        (void)snprintf(name, sizeof name, "%s_%s.csv", stem, library->ending);
        if (!quant_has(folder, name) || !quant_open(folder, name, false, &t))
            continue;
        for (size_t c = 0; c < library->column_count; c++)
            check_column(folder, name, &t, &library->columns[c], library->from_bar, &computed);
        table_fini(&t);
    }
    free(computed.rows);
    free(computed.noise);
    series_fini(&computed.series);
}
