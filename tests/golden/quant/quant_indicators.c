/* indicators: *_input.csv against what TTR, TA-Lib and Tulip say of it (quant_indicators_bars.c compares series; here
 * the files of one thing each: the exact MFI, profiles, pivots, smart-money flow, edges).
 *
 * Prices go in as whole points, the point being the smallest power of ten that all prices of the file are whole
 * multiples of; results in price units are scaled back. */
#include "tests/golden/quant/quant_indicators.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workers/strategy/indicators/flow.h"
#include "workers/strategy/indicators/momentum.h"
#include "workers/strategy/indicators/pivots.h"
#include "workers/strategy/indicators/profile.h"

/* --- series --------------------------------------------------------------------------------------------------------
 */

static double scale_of(const struct table *t, const char *name, double scale)
{
    uint32_t column = table_column(t, name);
    for (uint32_t i = 0; column != TABLE_NONE && i < t->row_count; i++)
        while (scale < 1e8 &&
               fabs(table_number(t, i, column) * scale - round(table_number(t, i, column) * scale)) > 1e-6)
            scale *= 10.0;
    return scale;
}

static int64_t points(const struct table *t, uint32_t row, const char *name, const char *otherwise, double scale)
{
    uint32_t column = table_column(t, name);
    return llround(table_number(t, row, column == TABLE_NONE ? table_column(t, otherwise) : column) * scale);
}

bool series_read(struct quant_folder *folder, const char *name, const struct series_columns *names, struct series *out)
{
    struct table t;
    *out = (struct series){0};
    if (!quant_open(folder, name, false, &t))
        return false;
    out->scale = scale_of(&t, names->high, scale_of(&t, names->low, scale_of(&t, names->close, 1.0)));
    out->scale = scale_of(&t, names->open, out->scale);
    out->bars = calloc(t.row_count + 1u, sizeof *out->bars);
    out->count = t.row_count;
    for (uint32_t i = 0; out->bars && i < t.row_count; i++) {
        out->bars[i] = (struct indicator_bar){.open = points(&t, i, names->open, names->close, out->scale),
                                              .high = points(&t, i, names->high, "", out->scale),
                                              .low = points(&t, i, names->low, "", out->scale),
                                              .close = points(&t, i, names->close, "", out->scale),
                                              .volume = points(&t, i, names->volume, "", 1.0)};
        if (!indicator_bar_valid(&out->bars[i]))
            quant_fail(folder, name, "row %u is no bar", i);
    }
    table_fini(&t);
    return out->bars != NULL;
}

void series_fini(struct series *series)
{
    free(series->bars);
    *series = (struct series){0};
}

static const struct series_columns input_columns = {"open", "high", "low", "close", "volume"};

bool series_of(struct quant_folder *folder, const char *stem, struct series *out)
{
    char name[160];
    (void)snprintf(name, sizeof name, "%s_input.csv", stem);
    return series_read(folder, name, &input_columns, out);
}

/* --- exact MFI -----------------------------------------------------------------------------------------------------
 */

static void check_mfi(struct quant_folder *folder, const char *stem)
{
    char name[160];
    struct series series;
    struct table t;
    struct volume_mfi mfi;
    (void)snprintf(name, sizeof name, "%s_mfi14_exact.csv", stem);
    if (!series_of(folder, stem, &series))
        return;
    if (quant_open(folder, name, false, &t)) {
        uint32_t column = table_column(&t, "mfi14");
        volume_mfi_init(&mfi, 14);
        for (uint32_t i = 0; i < t.row_count && i < series.count; i++)
            quant_check(folder, name, i, "mfi14", table_number(&t, i, column), volume_mfi_next(&mfi, &series.bars[i]),
                        QUANT_RELATIVE, 1e-14);
        table_fini(&t);
    }
    series_fini(&series);
}

/* --- volume profile ------------------------------------------------------------------------------------------------
 */

static struct profile profile;

static bool build_profile(struct quant_folder *folder, const char *name, const struct series *series, uint32_t first,
                          uint32_t last, int64_t row_points)
{
    profile_init(&profile, row_points);
    for (uint32_t i = first; i <= last; i++)
        if (i >= series->count || !profile_add(&profile, &series->bars[i])) {
            quant_fail(folder, name, "bar %u does not go into the profile", i);
            return false;
        }
    return true;
}

static void check_profile_row(struct quant_folder *folder, const char *name, const struct table *t, uint32_t row,
                              double scale)
{
    struct profile_area single, pair;
    (void)profile_value_area(&profile, PROFILE_SINGLE, 70, &single);
    (void)profile_value_area(&profile, PROFILE_PAIR, 70, &pair);
    const struct {
        const char *column;
        int64_t actual;
    } whole[] = {{"first_row", profile.first},        {"n_rows", profile.last - profile.first + 1},
                 {"poc_row", single.poc_row},         {"val_row_single", single.low_row},
                 {"vah_row_single", single.high_row}, {"val_row_pair", pair.low_row},
                 {"vah_row_pair", pair.high_row}};
    const struct {
        const char *column;
        double actual;
    } real[] = {{"total_volume", profile_total_volume(&profile)},
                {"poc_price_mid", single.poc / scale},
                {"va_vol_single", single.volume},
                {"va_vol_pair", pair.volume}};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        quant_check_integer(folder, name, row, whole[i].column, table_integer(t, row, table_column(t, whole[i].column)),
                            whole[i].actual);
    for (size_t i = 0; i < sizeof real / sizeof *real; i++)
        quant_check(folder, name, row, real[i].column, table_number(t, row, table_column(t, real[i].column)),
                    real[i].actual, QUANT_MIXED, 1e-9);
}

/* The histogram of one window: STEM_volprofile_hist_FROM_TO.csv, rows of 20 points as the windows of the other file. */
static void check_histogram(struct quant_folder *folder, const char *name, const char *window,
                            const struct series *series, int64_t row_points)
{
    struct table t;
    char *end;
    uint32_t first = (uint32_t)strtoul(window, &end, 10), last = *end == '_' ? (uint32_t)strtoul(end + 1, NULL, 10) : 0;
    if (!quant_open(folder, name, false, &t))
        return;
    if (build_profile(folder, name, series, first, last, row_points))
        for (uint32_t i = 0; i < t.row_count; i++) {
            int64_t row = table_integer(&t, i, table_column(&t, "row"));
            quant_check_integer(folder, name, i, "row", row, profile.first + i);
            quant_check(folder, name, i, "price_low", table_number(&t, i, table_column(&t, "price_low")),
                        (double)(row * row_points) / series->scale, QUANT_MIXED, 1e-9);
            quant_check(folder, name, i, "volume", table_number(&t, i, table_column(&t, "volume")),
                        profile_row_volume(&profile, row), QUANT_MIXED, 1e-9);
        }
    table_fini(&t);
}

static void check_profiles(struct quant_folder *folder, const char *stem)
{
    char name[160], window[128], prefix[160];
    struct series series;
    struct table t;
    int64_t row_points = 20;
    (void)snprintf(name, sizeof name, "%s_volprofile_exact.csv", stem);
    (void)snprintf(prefix, sizeof prefix, "%s_volprofile_hist_", stem);
    if (!series_of(folder, stem, &series))
        return;
    if (quant_open(folder, name, false, &t)) {
        for (uint32_t i = 0; i < t.row_count; i++) {
            int64_t end = table_integer(&t, i, table_column(&t, "end_i"));
            row_points = table_integer(&t, i, table_column(&t, "row_points"));
            int64_t first = end + 1 - table_integer(&t, i, table_column(&t, "window"));
            if (build_profile(folder, name, &series, (uint32_t)first, (uint32_t)end, row_points))
                check_profile_row(folder, name, &t, i, series.scale);
        }
        table_fini(&t);
    }
    for (uint32_t i = 0; quant_each(folder, ".csv", &i, window);) {
        if (strncmp(window, prefix, strlen(prefix)) != 0)
            continue;
        (void)snprintf(name, sizeof name, "%.150s.csv", window);
        check_histogram(folder, name, window + strlen(prefix), &series, row_points);
    }
    series_fini(&series);
}

/* py-market-profile: a histogram in whole numbers, here as bars of one point each. */
static void check_market_profile(struct quant_folder *folder, const char *name)
{
    struct table t;
    if (!quant_open(folder, name, false, &t))
        return;
    for (uint32_t i = 0; i < t.row_count; i++) {
        const char *text = table_text(&t, i, table_column(&t, "hist"));
        char *end;
        profile_init(&profile, 1);
        int64_t first = 1000, row = first;
        for (int64_t volume = strtoll(text, &end, 10); end != text; volume = strtoll(text, &end, 10)) {
            struct indicator_bar bar = {row, row, row, row, volume};
            if (!profile_add(&profile, &bar))
                quant_fail(folder, name, "row %u has too many rows", i);
            row++;
            text = end;
        }
        struct profile_area area;
        (void)profile_value_area(&profile, PROFILE_SINGLE, 70, &area);
        quant_check_integer(folder, name, i, "poc_idx", table_integer(&t, i, table_column(&t, "poc_idx")),
                            area.poc_row - first);
        quant_check_integer(folder, name, i, "val_idx", table_integer(&t, i, table_column(&t, "val_idx")),
                            area.low_row - first);
        quant_check_integer(folder, name, i, "vah_idx", table_integer(&t, i, table_column(&t, "vah_idx")),
                            area.high_row - first);
    }
    table_fini(&t);
}

/* --- pivots --------------------------------------------------------------------------------------------------------
 */

/* Rows of one kind and span are ours one by one; of the strict kinds (scipy) each must be among ours. */
struct pivot_kind_rows {
    const char *kind;
    uint32_t left, right;
};

static bool pivot_row_is(const struct table *t, uint32_t row, const struct pivot_kind_rows *wanted)
{
    return strcmp(table_text(t, row, table_column(t, "kind")), wanted->kind) == 0 &&
           table_integer(t, row, table_column(t, "L")) == wanted->left &&
           table_integer(t, row, table_column(t, "R")) == wanted->right;
}

static void check_pivot_rows(struct quant_folder *folder, const char *name, const struct table *t,
                             const struct series *series, const struct pivot_kind_rows *wanted)
{
    bool high = strncmp(wanted->kind, "high", 4) == 0, strict = strstr(wanted->kind, "strict") != NULL;
    uint32_t row = 0;
    struct pivots pivots;
    pivots_init(&pivots, wanted->left, wanted->right);
    for (uint32_t i = 0; i < series->count; i++) {
        struct pivot found[2];
        uint32_t count = pivots_next(&pivots, series->bars[i].high, series->bars[i].low, found);
        for (uint32_t n = 0; n < count; n++) {
            if ((found[n].kind == PIVOT_HIGH) != high)
                continue;
            while (row < t->row_count && !pivot_row_is(t, row, wanted))
                row++;
            if (row == t->row_count) {
                if (!strict)
                    quant_fail(folder, name, "%s %u,%u: bar %u is no pivot there", wanted->kind, wanted->left,
                               wanted->right, (unsigned)found[n].bar);
                continue;
            }
            int64_t bar = table_integer(t, row, table_column(t, "i"));
            if (strict && bar != (int64_t)found[n].bar)
                continue; /* a plateau */
            quant_check_integer(folder, name, row, "i", bar, (int64_t)found[n].bar);
            quant_check_integer(folder, name, row, "price",
                                llround(table_number(t, row, table_column(t, "price")) * series->scale),
                                found[n].price);
            if (table_defined(t, row, table_column(t, "confirmed_at")))
                quant_check_integer(folder, name, row, "confirmed_at",
                                    table_integer(t, row, table_column(t, "confirmed_at")),
                                    (int64_t)found[n].confirmed_at);
            row++;
        }
    }
    for (; row < t->row_count; row++)
        if (pivot_row_is(t, row, wanted))
            quant_fail(folder, name, "row %u: not found", row);
}

static void check_pivots(struct quant_folder *folder, const char *stem)
{
    char name[160];
    struct series series;
    struct table t;
    (void)snprintf(name, sizeof name, "%s_pivots.csv", stem);
    if (!series_of(folder, stem, &series))
        return;
    if (quant_open(folder, name, false, &t)) {
        for (uint32_t row = 0; row < t.row_count; row++) {
            struct pivot_kind_rows kind = {.kind = table_text(&t, row, table_column(&t, "kind")),
                                           .left = (uint32_t)table_integer(&t, row, table_column(&t, "L")),
                                           .right = (uint32_t)table_integer(&t, row, table_column(&t, "R"))};
            uint32_t before = 0;
            while (before < row && !pivot_row_is(&t, before, &kind))
                before++;
            if (before == row) /* the first of its kind stands for all */
                check_pivot_rows(folder, name, &t, &series, &kind);
        }
        table_fini(&t);
    }
    series_fini(&series);
}

/* --- smart-money flow ----------------------------------------------------------------------------------------------
 */

static void check_flow(struct quant_folder *folder, const char *stem)
{
    static struct flow flow;
    char name[160];
    struct series series;
    struct table t;
    (void)snprintf(name, sizeof name, "%s_smf_expected.csv", stem);
    if (!series_of(folder, stem, &series))
        return;
    if (quant_open(folder, name, false, &t)) {
        flow_init(&flow, 1);
        for (uint32_t i = 0; i < t.row_count && i < series.count; i++) {
            struct flow_values v = flow_next(&flow, &series.bars[i], (double)series.bars[i].volume);
            const struct {
                const char *column;
                double actual;
            } columns[] = {{"clv", volume_clv(&series.bars[i])},
                           {"cmf20", v.cmf},
                           {"udv20", v.udv},
                           {"evr50", v.evr},
                           {"abs20", v.absorption},
                           {"rank_cmf", v.rank_cmf},
                           {"rank_udv", v.rank_udv},
                           {"rank_abs", v.rank_absorption},
                           {"smf", v.smf}};
            for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
                quant_check(folder, name, i, columns[c].column,
                            table_number(&t, i, table_column(&t, columns[c].column)), columns[c].actual, QUANT_MIXED,
                            1e-12);
        }
        table_fini(&t);
    }
    series_fini(&series);
}

/* --- edges ---------------------------------------------------------------------------------------------------------
 */

/* Flat bars and bars without volume. The last columns are series of their own, made as their names say: prices that
 * stand still (rsi3_flat: TTR has none there, 50 is decided here: not compared; mfi3_flat), that only rise, that only
 * fall. */
static void check_edges(struct quant_folder *folder, const char *name)
{
    static const struct series_columns columns = {"", "h", "l", "c", "v"};
    struct series series;
    struct table t;
    struct volume_cmf cmf;
    struct volume_adl adl;
    struct volume_obv obv;
    struct volume_mfi mfi, mfi_flat;
    struct momentum_rsi rsi, rsi_up, rsi_down;
    volume_cmf_init(&cmf, 3);
    volume_adl_init(&adl);
    volume_obv_init(&obv);
    volume_mfi_init(&mfi, 3);
    volume_mfi_init(&mfi_flat, 3);
    momentum_rsi_init(&rsi, 3);
    momentum_rsi_init(&rsi_up, 3);
    momentum_rsi_init(&rsi_down, 3);
    if (!series_read(folder, name, &columns, &series))
        return;
    if (quant_open(folder, name, false, &t)) {
        for (uint32_t i = 0; i < t.row_count && i < series.count; i++) {
            const struct indicator_bar *bar = &series.bars[i], flat = {10, 10, 10, 10, 5};
            const struct {
                const char *column;
                double actual;
            } cells[] = {{"clv", volume_clv(bar)},
                         {"ad", volume_adl_next(&adl, bar)},
                         {"cmf3", volume_cmf_next(&cmf, bar)},
                         {"obv", (double)volume_obv_next(&obv, bar)},
                         {"mfi3", volume_mfi_next(&mfi, bar)},
                         {"rsi3", momentum_rsi_next(&rsi, bar->close)},
                         {"rsi3_up", momentum_rsi_next(&rsi_up, 10 + (int64_t)i)},
                         {"rsi3_dn", momentum_rsi_next(&rsi_down, 20 - (int64_t)i)},
                         {"mfi3_flat", volume_mfi_next(&mfi_flat, &flat)}};
            for (size_t c = 0; c < sizeof cells / sizeof *cells; c++) /* the file has fifteen digits */
                quant_check(folder, name, i, cells[c].column, table_number(&t, i, table_column(&t, cells[c].column)),
                            cells[c].actual, QUANT_RELATIVE, 1e-13);
        }
        table_fini(&t);
    }
    series_fini(&series);
}

void quant_indicators(struct quant_folder *folder)
{
    char stem[128];
    for (uint32_t i = 0; quant_each(folder, "_input.csv", &i, stem);)
        indicators_check_libraries(folder, stem);
    for (uint32_t i = 0; quant_each(folder, "_mfi14_exact.csv", &i, stem);)
        check_mfi(folder, stem);
    for (uint32_t i = 0; quant_each(folder, "_volprofile_exact.csv", &i, stem);)
        check_profiles(folder, stem);
    for (uint32_t i = 0; quant_each(folder, "_pivots.csv", &i, stem);)
        check_pivots(folder, stem);
    for (uint32_t i = 0; quant_each(folder, "_smf_expected.csv", &i, stem);)
        check_flow(folder, stem);
    if (quant_has(folder, "value_area_pymarketprofile.csv"))
        check_market_profile(folder, "value_area_pymarketprofile.csv");
    if (quant_has(folder, "edge_ttr.csv"))
        check_edges(folder, "edge_ttr.csv");
}
