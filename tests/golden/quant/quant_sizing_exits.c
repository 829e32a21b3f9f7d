/* sizing_exits: sizes (workers/risk/sizing.h), the Kelly bound (workers/risk/kelly.h), exits over bars (workers/strategy/exits),
 * bracket trades of another engine. */
#include "tests/golden/quant/quant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workers/risk/kelly.h"
#include "workers/risk/sizing.h"
#include "workers/strategy/exits/ohlc.h"

#define BAR_NS INT64_C(3600000000000)
#define BARS_MAX 512u

static double cell(const struct table *table, uint32_t row, const char *column)
{
    return table_number(table, row, table_column(table, column));
}

static int64_t integer(const struct table *table, uint32_t row, const char *column)
{
    return table_integer(table, row, table_column(table, column));
}

/* Columns that a file must have; a missing one is a failure. */
static bool has_columns(struct quant_folder *folder, const char *file, const struct table *table, const char *const *names, size_t count)
{
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        if (table_column(table, names[i]) == TABLE_NONE) {
            quant_fail(folder, file, "has no column %s", names[i]);
            all = false;
        }
    }
    return all;
}
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* --- sizes ------------------------------------------------------------------------------------------------------------- */

static dec_t dec_of(double value)
{
    dec_t out;
    return dec_from_double(value, &out) == 0 ? out : DEC_NONE;
}

/* A tick of 1 and a contract of 1 make the tick value the rate. */
static void sizing_row(struct quant_folder *folder, const char *file, const struct table *t, uint32_t row)
{
    double equity = cell(t, row, "equity"), rate = cell(t, row, "tick_value");
    struct config_instrument instrument = {
        .tick = DEC_ONE, .contract_size = DEC_ONE, .margin_rate = DEC_ONE, .catastrophic_move = DEC_ONE,
        .commission_per_lot = dec_of(cell(t, row, "comm_rt") / 2.0), .lot_step = dec_of(cell(t, row, "step")),
        .lot_min = dec_of(cell(t, row, "min_lot")), .lot_max = dec_of(cell(t, row, "max_lot")),
    };
    struct sizing_input in = {
        .instrument = &instrument, .balance = dec_of(equity), .equity = dec_of(equity), .margin_free = dec_of(equity),
        .risk_fraction = dec_of(cell(t, row, "r_base")), .risk_cap = dec_of(cell(t, row, "r_cap")), .confidence_mode = CONFIDENCE_PLAN,
        .confidence = cell(t, row, "conf"), .structural_stop = cell(t, row, "vol_mode") != 0.0, .atr_reference = cell(t, row, "atr_ref"),
        .atr_now = cell(t, row, "atr_now"), .losses = (uint32_t)cell(t, row, "consec_losses"), .drawdown = dec_of(cell(t, row, "dd") * equity),
        .drawdown_max = dec_of(cell(t, row, "dd_limit") * equity), .correlation = cell(t, row, "m_corr"),
        .stop_distance = dec_of(cell(t, row, "stop_ticks")), .slippage = dec_of(cell(t, row, "slip_ticks")), .rate = dec_of(rate),
        .room = DEC_MAX, .gate_max = DEC_MAX, .price = dec_of(cell(t, row, "margin_per_lot") / rate), .margin_cap = dec_of(cell(t, row, "margin_cap")),
    };
    struct sizing_result out;
    if (sizing_decide(&in, &out) != 0) {
        quant_fail(folder, file, "row %u cannot be sized", row);
        return;
    }
    /* Lots exact; the factors are doubles; money and shares have eight digits (a rate of 2/3 too), rounded against the trader. */
    quant_check_integer(folder, file, row, "lots", dec_of(cell(t, row, "lots")), out.lots);
    const struct { const char *column; double value; double relative, digits; } checked[] = {
        {"m_conf", out.m_conf, 1e-14, 0.0}, {"m_vol", out.m_vol, 1e-14, 0.0}, {"m_perf", out.m_perf, 1e-14, 0.0},
        {"m_dd", out.m_dd, 1e-14, 0.0}, {"risk_frac", dec_to_double(out.risk_fraction), 0.0, 0.51},
        {"loss_per_lot", dec_to_double(out.loss_per_lot), 1e-8, 1.0}, {"lots_risk", dec_to_double(out.lots_by_risk), 1e-8, 1.0},
        {"lots_margin", dec_to_double(out.lots_by_margin), 2e-8, 1.0}, {"realised_risk_frac", dec_to_double(out.risk) / equity, 1e-8, 1.0},
    };
    for (size_t i = 0; i < COUNT(checked); i++) {
        double expected = cell(t, row, checked[i].column);
        quant_check(folder, file, row, checked[i].column, expected, checked[i].value, QUANT_ABSOLUTE,
                    checked[i].relative * fabs(expected) + checked[i].digits * 1e-8);
    }
}

/* `case` and `symbol` name the row; everything else that is not compared is what the size is made of. */
static const char *const sizing_columns[] = {
    "case", "symbol", "equity", "r_base", "r_cap", "conf", "atr_ref", "atr_now", "vol_mode", "consec_losses", "dd", "dd_limit", "m_corr",
    "stop_ticks", "slip_ticks", "tick_value", "comm_rt", "margin_cap", "margin_per_lot", "step", "min_lot", "max_lot", "m_conf", "m_vol",
    "m_perf", "m_dd", "risk_frac", "loss_per_lot", "lots_risk", "lots_margin", "lots", "realised_risk_frac",
};

static void sizing(struct quant_folder *folder, const char *file)
{
    struct table table;
    if (quant_open(folder, file, false, &table) && has_columns(folder, file, &table, sizing_columns, COUNT(sizing_columns)))
        for (uint32_t row = 0; row < table.row_count; row++)
            sizing_row(folder, file, &table, row);
    table_fini(&table);
}

/* --- the Kelly bound ----------------------------------------------------------------------------------------------------- */

static const char *const rck_columns[] = {"p", "payoff", "floor_alpha", "prob_beta", "lambda", "f_max", "f_kelly", "fraction_of_kelly"};

static void rck(struct quant_folder *folder, const char *file)
{
    struct table t;
    if (quant_open(folder, file, false, &t) && has_columns(folder, file, &t, rck_columns, COUNT(rck_columns))) {
        for (uint32_t row = 0; row < t.row_count; row++) {
            double p = cell(&t, row, "p"), payoff = cell(&t, row, "payoff"), floor = cell(&t, row, "floor_alpha");
            double probability = cell(&t, row, "prob_beta"), full = kelly_full(p, payoff);
            double bound = kelly_constrained(p, payoff, floor, probability);
            quant_check(folder, file, row, "lambda", cell(&t, row, "lambda"), kelly_aversion(floor, probability), QUANT_RELATIVE, 1e-12);
            quant_check(folder, file, row, "f_max", cell(&t, row, "f_max"), bound, QUANT_RELATIVE, 1e-12);
            quant_check(folder, file, row, "f_kelly", cell(&t, row, "f_kelly"), full, QUANT_RELATIVE, 1e-12);
            quant_check(folder, file, row, "fraction_of_kelly", cell(&t, row, "fraction_of_kelly"), bound / full, QUANT_RELATIVE, 1e-12);
        }
    }
    table_fini(&t);
}

/* --- exits over bars ------------------------------------------------------------------------------------------------------- */

/* Four units to a point, so that 1.75 R and 2.5 R are whole; three lots, so that a third is. */
#define UNITS 4
#define LOTS 3

static const char *const input_columns[] = {"case", "side", "entry", "stop0", "i", "open", "high", "low", "close", "atr"};
static const char *const expected_columns[] = {"case", "mode", "seq", "bar", "price", "fraction", "reason", "R_total"};

/* The rows [from, to) of one case: a plan of defaults, its bars. Returns how many, 0: they are none. */
static uint32_t read_case(const struct table *t, uint32_t from, struct exits_plan *plan, struct exits_bar bars[BARS_MAX])
{
    struct exits_parameters parameters;
    exits_parameters_default(&parameters);
    parameters.time_limit_ns = 24 * BAR_NS;
    struct exits_entry entry = {.side = integer(t, from, "side") > 0 ? 1 : 2, .price = integer(t, from, "entry") * UNITS,
                                .stop = integer(t, from, "stop0") * UNITS, .tick = 1, .lots = LOTS, .lot_step = 1, .lot_min = 1};
    uint32_t count = 0;
    if (exits_plan_make(&parameters, &entry, plan) != EXITS_GRANTED)
        return 0;
    for (uint32_t row = from; row < t->row_count && integer(t, row, "case") == integer(t, from, "case") && count < BARS_MAX; row++) {
        if (integer(t, row, "i") != count)
            return 0;
        bars[count] = (struct exits_bar){
            .open = integer(t, row, "open") * UNITS, .high = integer(t, row, "high") * UNITS, .low = integer(t, row, "low") * UNITS,
            .close = integer(t, row, "close") * UNITS, .elapsed_ns = count * BAR_NS, .atr = cell(t, row, "atr") * UNITS,
            .atr_median = NAN, .spread = NAN, .spread_median = NAN,
        };
        count++;
    }
    return count;
}

static void upper(const char *text, char out[32])
{
    size_t n = 0;
    for (; text[n] != '\0' && n < 31; n++)
        out[n] = (char)(text[n] >= 'a' && text[n] <= 'z' ? text[n] - 'a' + 'A' : text[n]);
    out[n] = '\0';
}

/* The fills of a run against the rows from *row on; *row goes behind them. */
static void compare_run(struct quant_folder *folder, const char *file, const struct table *t, int64_t number, const struct exits_run *run,
                        uint32_t *row)
{
    const char *mode = run->optimistic ? "optimistic" : "pessimistic";
    for (uint32_t i = 0; i < run->fill_count; i++, (*row)++) {
        const struct exits_fill *fill = &run->fills[i];
        char reason[32];
        if (*row >= t->row_count) {
            quant_fail(folder, file, "has no row for fill %u of case %lld", i, (long long)number);
            return;
        }
        upper(exits_reason_name(fill->reason), reason);
        quant_check_integer(folder, file, *row, "case", integer(t, *row, "case"), number);
        quant_check_text(folder, file, *row, "mode", table_text(t, *row, table_column(t, "mode")), mode);
        quant_check_integer(folder, file, *row, "seq", integer(t, *row, "seq"), i);
        quant_check_integer(folder, file, *row, "bar", integer(t, *row, "bar"), fill->bar);
        quant_check(folder, file, *row, "price", cell(t, *row, "price"), (double)fill->price / UNITS, QUANT_ABSOLUTE, 0.0);
        quant_check(folder, file, *row, "fraction", cell(t, *row, "fraction"), (double)fill->lots / LOTS, QUANT_ABSOLUTE, 0.0);
        quant_check_text(folder, file, *row, "reason", table_text(t, *row, table_column(t, "reason")), reason);
        quant_check(folder, file, *row, "R_total", cell(t, *row, "R_total"), exits_run_r(run), QUANT_ABSOLUTE, 0.0);
    }
}

static void run_cases(struct quant_folder *folder, const char *file, const struct table *input, const struct table *expected)
{
    static struct exits_bar bars[BARS_MAX];
    uint32_t row = 0, count;
    for (uint32_t from = 0; from < input->row_count; from += count) {
        struct exits_plan plan;
        count = read_case(input, from, &plan, bars);
        if (count == 0) {
            quant_fail(folder, file, "the case of input row %u cannot be played", from);
            return;
        }
        for (int optimistic = 0; optimistic < 2; optimistic++) {
            struct exits_run run;
            exits_run_init(&run, &plan, optimistic != 0);
            for (uint32_t i = 0; i < count && exits_run_bar(&run, &bars[i]); i++)
                ;
            exits_run_end(&run, bars[count - 1].close);
            compare_run(folder, file, expected, integer(input, from, "case"), &run, &row);
        }
    }
    if (row != expected->row_count)
        quant_fail(folder, file, "has %u rows, %u were made", expected->row_count, row);
}

static void exits(struct quant_folder *folder, const char *stem, const char *file)
{
    char name[160];
    struct table input, expected;
    (void)snprintf(name, sizeof name, "%s_input.csv", stem);
    bool have = quant_open(folder, name, false, &input);
    have = quant_open(folder, file, false, &expected) && have;
    if (have && has_columns(folder, name, &input, input_columns, COUNT(input_columns)) &&
        has_columns(folder, file, &expected, expected_columns, COUNT(expected_columns)))
        run_cases(folder, file, &input, &expected);
    table_fini(&input);
    table_fini(&expected);
}

/* --- bracket trades -------------------------------------------------------------------------------------------------------- */

#define POINT 1e-5

static const char *const bracket_columns[] = {"signal_bar", "side", "sl", "tp", "entry_bar", "entry_price", "exit_bar", "exit_price",
                                              "pnl_points", "both_in_exit_bar"};
struct prices {
    uint32_t count;
    int64_t *open, *high, *low, *close;
};

static int64_t points(const struct table *t, uint32_t row, const char *column)
{
    return llround(cell(t, row, column) / POINT);
}

/* Stop and target alone: in at the open of the bar after the signal, stop first. */
static void bracket_row(struct quant_folder *folder, const char *file, const struct table *t, uint32_t row, const struct prices *prices)
{
    struct exits_parameters parameters;
    exits_parameters_default(&parameters);
    parameters.min_reward_risk = 0.0;
    parameters.rung_count = parameters.trail = 0;
    parameters.time_limit_ns = 0;
    int64_t first = integer(t, row, "signal_bar") + 1;
    if (first < 1 || first >= prices->count) {
        quant_fail(folder, file, "row %u is of a bar that the input has not", row);
        return;
    }
    struct exits_entry entry = {.side = integer(t, row, "side") > 0 ? 1 : 2, .price = prices->open[first], .stop = points(t, row, "sl"),
                                .target = points(t, row, "tp"), .tick = 1, .lots = 1, .lot_step = 1, .lot_min = 1};
    struct exits_plan plan;
    struct exits_run run;
    if (exits_plan_make(&parameters, &entry, &plan) != EXITS_GRANTED) {
        quant_fail(folder, file, "row %u has no plan", row);
        return;
    }
    exits_run_init(&run, &plan, false);
    bool open = true;
    for (int64_t i = first; i < prices->count && open; i++) {
        struct exits_bar bar = {.open = prices->open[i], .high = prices->high[i], .low = prices->low[i], .close = prices->close[i],
                                .atr = NAN, .atr_median = NAN, .spread = NAN, .spread_median = NAN};
        open = exits_run_bar(&run, &bar);
    }
    exits_run_end(&run, prices->close[prices->count - 1]);
    quant_check_integer(folder, file, row, "entry_bar", integer(t, row, "entry_bar"), first);
    quant_check(folder, file, row, "entry_price", cell(t, row, "entry_price"), (double)entry.price * POINT, QUANT_ABSOLUTE, 1e-9);
    quant_check_integer(folder, file, row, "exit_bar", integer(t, row, "exit_bar"), first + run.fills[0].bar);
    quant_check(folder, file, row, "exit_price", cell(t, row, "exit_price"), (double)run.fills[0].price * POINT, QUANT_ABSOLUTE, 1e-9);
    quant_check_integer(folder, file, row, "pnl_points", llround(cell(t, row, "pnl_points")), exits_gain(&plan, run.fills[0].price));
    quant_check_integer(folder, file, row, "both_in_exit_bar", integer(t, row, "both_in_exit_bar"), run.ambiguous);
}

/* The bars lie in another family's folder, and never in the project: without them the file is only opened. */
static void brackets(struct quant_folder *folder, const char *file)
{
    char path[QUANT_PATH_MAX];
    struct table t, bars = {0};
    struct prices prices = {0};
    (void)snprintf(path, sizeof path, "%.900s/../indicators/eurusd_h1_input.csv", folder->path);
    if (quant_open(folder, file, false, &t) && has_columns(folder, file, &t, bracket_columns, COUNT(bracket_columns)) &&
        table_read(path, &bars) == 0) {
        prices = (struct prices){bars.row_count, table_points(&bars, "open", POINT), table_points(&bars, "high", POINT),
                                 table_points(&bars, "low", POINT), table_points(&bars, "close", POINT)};
        bool whole = prices.open && prices.high && prices.low && prices.close;
        if (!whole)
            quant_fail(folder, file, "%s lacks a column of prices", path);
        for (uint32_t row = 0; whole && row < t.row_count; row++)
            bracket_row(folder, file, &t, row, &prices);
    }
    free(prices.open);
    free(prices.high);
    free(prices.low);
    free(prices.close);
    table_fini(&bars);
    table_fini(&t);
}

/* --- the folder ------------------------------------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* exits_expected.csv, and what is dropped in beside it: exits_more_expected.csv with exits_more_input.csv. */
void quant_sizing_exits(struct quant_folder *folder)
{
    char stem[128], file[160];
    for (uint32_t i = 0; quant_each(folder, "_expected.csv", &i, stem);) {
        (void)snprintf(file, sizeof file, "%s_expected.csv", stem);
        if (begins(stem, "sizing"))
            sizing(folder, file);
        else if (begins(stem, "rck"))
            rck(folder, file);
        else if (begins(stem, "exits"))
            exits(folder, stem, file);
        else if (begins(stem, "brackets"))
            brackets(folder, file);
    }
}
