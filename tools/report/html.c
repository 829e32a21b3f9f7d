/* The page. It stands alone: style and charts are in it, nothing is fetched. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/report/report.h"
#include "tools/text.h"

#define R_FROM (-3)
#define R_BINS 14u /* halves of R from R_FROM on; the ends hold what is beyond */

static const char style[] =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1140px;margin:2em auto;padding:0 1em;color:#1c2330;background:#fff}"
    "h1{font-size:1.5em}h2{margin-top:2.2em;border-bottom:1px solid #c9d1dc;padding-bottom:.2em;font-size:1.2em}"
    ".sim{background:#fff3cd;border-left:5px solid #b58100;padding:.7em 1em}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:1em 0;font-size:.93em;display:block;overflow-x:auto}"
    "td,th{padding:.25em .55em;text-align:right;border-bottom:1px solid #e4e8ee;white-space:nowrap}"
    "th{font-weight:600;color:#465066}td:first-child,th:first-child{text-align:left}.neg{color:#b3261e}.pos{color:#0a6b3d}"
    "svg{width:100%;height:auto;margin:.4em 0}.t{font-size:13px;font-weight:600;fill:#1c2330}.a{font-size:11px;fill:#5b6577}"
    ".g{stroke:#e4e8ee}.r{stroke:#8892a6;stroke-dasharray:5 4}.l{fill:none;stroke:#1f5fbf;stroke-width:1.4}"
    ".d{fill:#d9534f;fill-opacity:.35;stroke:#b3261e;stroke-width:1}.p{fill:#2d8a5f}.n{fill:#c2453e}.i{stroke:#1f5fbf}.c{fill:#1f5fbf}"
    ".none{color:#5b6577}small,.small{color:#5b6577;font-size:.87em}code{background:#f1f3f6;padding:.1em .3em}";

static void escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fputc(*text, out);
        }
}

static void cell(FILE *out, const char *text) { fprintf(out, "<td>%s</td>", text); }

static void signed_cell(FILE *out, double value, const char *text)
{
    fprintf(out, "<td class=\"%s\">%s</td>", value < 0 ? "neg" : value > 0 ? "pos" : "", text);
}

/* "0.12 [-1.30, 1.55]" */
static const char *interval(double value, double low, double high, int digits, char out[96])
{
    char a[32], b[32], c[32];
    snprintf(out, 96, "%s [%s, %s]", report_number(value, digits, a), report_number(low, digits, b), report_number(high, digits, c));
    return out;
}

/* --- all accounts ----------------------------------------------------------------------------------------------------- */

static void summary_row(FILE *out, const struct report *report, const struct replay *replay, uint32_t index)
{
    const struct core *core = replay_core(replay, index);
    struct performance_report r;
    char text[96], buffer[TEXT_MAX], number[32];
    performance_read(&report->accounts[index].performance, &r);
    struct signals_interval won = report_won(&r.trades), mean = report_mean_r(&r.trades);
    fprintf(out, "<tr><td><a href=\"#%s\">%s</a></td><td>%s</td>", core->settings->name, core->settings->name, core->personality->name);
    signed_cell(out, r.days.total_return, report_percent(r.days.total_return, 2, number));
    cell(out, report_percent(r.fall_equity.share, 2, number));
    cell(out, interval(r.days.sharpe, r.days.sharpe_low, r.days.sharpe_high, 2, text));
    fprintf(out, "<td>%" PRIu64 "</td>", r.days.n);
    cell(out, text_count(r.trades.n, buffer));
    cell(out, interval(100 * r.trades.win_rate, 100 * won.lo, 100 * won.hi, 1, text));
    signed_cell(out, r.trades.expectancy_r, interval(r.trades.expectancy_r, mean.lo, mean.hi, 3, text));
    if (isinf(r.trades.profit_factor))
        fprintf(out, "<td>inf (no losses, n=%" PRIu64 ")</td>", r.trades.n);
    else
        cell(out, report_number(r.trades.profit_factor, 2, number));
    fprintf(out, "</tr>\n");
}

static void summary(FILE *out, const struct report *report, const struct replay *replay)
{
    fputs("<h2>All accounts</h2>\n<table><tr><th>Account</th><th>Personality</th><th>Return</th><th>Max. drawdown</th>"
          "<th>Sharpe, a year [95 %]</th><th>Days</th><th>Trades</th><th>Won, % [95 %]</th><th>Mean R [95 %]</th><th>PF</th></tr>\n", out);
    for (uint32_t a = 0; a < report->config->account_count; a++)
        if (report->accounts[a].used)
            summary_row(out, report, replay, a);
    fputs("</table>\n<p class=\"small\">Return: growth of equity over the days shown, deposits and payouts left out. Drawdown: with what floats, at each "
          "market instant, of the peak. Sharpe: of daily returns, arithmetic, exact t interval under independent normal returns. Won: flats apart, "
          "Wilson interval. R: net result over the money at the first stop, t interval. PF: gross profit over gross loss. An interval that holds 0 says: no edge was shown.</p>\n", out);
}

/* --- one account --------------------------------------------------------------------------------------------------------- */

static void key_figures(FILE *out, const struct report_account *account, const struct core *core)
{
    struct performance_report r;
    char a[TEXT_MAX], b[TEXT_MAX], n[32], m[32];
    performance_read(&account->performance, &r);
    fprintf(out, "<table><tr><th>Equity</th><th>Result</th><th>Drawdown</th><th>Sortino</th><th>Payoff</th><th>R: mean (sd, n)</th><th>Exposure</th>"
            "<th>Signals</th><th>Entries</th><th>Conversion</th><th>Costs</th><th>Loss run</th></tr><tr><td>%s</td>", text_money(r.equity, a));
    signed_cell(out, (double)(r.equity - core->settings->initial_balance - r.flows), text_signed(r.equity - core->settings->initial_balance - r.flows, b));
    fprintf(out, "<td>%s</td>", text_money(r.fall_equity.money, a));
    cell(out, report_number(r.days.sortino, 2, n));
    cell(out, report_number(r.trades.payoff, 2, n));
    fprintf(out, "<td>%s (%s, %" PRIu64 ")</td>", report_number(r.trades.expectancy_r, 3, n), report_number(r.trades.sd_r, 2, m), r.trades.r_n);
    cell(out, report_percent(r.exposure, 1, n));
    fprintf(out, "<td>%" PRIu64 "</td><td>%" PRIu64 "</td>", r.signals.emitted, r.signals.executed);
    cell(out, report_percent(r.conversion, 1, n));
    fprintf(out, "<td>%s</td><td>%u</td></tr></table>\n", text_money(r.trades.cost, a), r.trades.losses_in_row);
}

/* A row for each year. */
static void monthly(FILE *out, const struct report_account *account)
{
    uint32_t at = 0;
    if (account->month_count == 0)
        return;
    fputs("<table><tr><th>Monthly return, %</th>", out);
    for (int m = 1; m <= 12; m++)
        fprintf(out, "<th>%d</th>", m);
    fputs("</tr>\n", out);
    int32_t last = account->months[account->month_count - 1].month;
    for (int32_t year = account->months[0].month / 12; year <= last / 12; year++) {
        fprintf(out, "<tr><td>%d</td>", year);
        for (int32_t m = year * 12; m < year * 12 + 12; m++) {
            char text[32];
            if (at == account->month_count || account->months[at].month != m) {
                fputs("<td></td>", out);
                continue;
            }
            double growth = account->months[at].last / account->months[at].first - 1.0;
            at++;
            signed_cell(out, growth, report_number(100 * growth, 2, text));
        }
        fputs("</tr>\n", out);
    }
    fputs("</table>\n", out);
}

static void distribution(FILE *out, const struct report_account *account)
{
    struct svg_bar bars[R_BINS];
    char labels[R_BINS][16];
    for (uint32_t i = 0; i < R_BINS; i++) {
        double from = R_FROM + i / 2.0;
        snprintf(labels[i], sizeof labels[i], i == 0 ? "< %.1f" : i == R_BINS - 1 ? "%.1f +" : "%.1f", i == 0 ? from + 0.5 : from);
        bars[i] = (struct svg_bar){.label = labels[i], .negative = from < 0};
    }
    uint32_t known = 0;
    char title[96];
    for (uint32_t i = 0; i < account->trade_count; i++) {
        double at = (account->trades[i].r - R_FROM) * 2.0;
        if (isnan(at))
            continue;
        known++;
        bars[at < 0 ? 0 : at >= R_BINS ? R_BINS - 1 : (uint32_t)at].value++;
    }
    snprintf(title, sizeof title, "Trades by R, each bar from its label half an R up (n = %u)", known);
    svg_bars(out, title, bars, R_BINS);
}

static void exits(FILE *out, const struct report_account *account)
{
    fputs("<table><tr><th>Ended by</th><th>Trades</th><th>Net</th><th>Mean R</th></tr>\n", out);
    for (unsigned exit = 0; exit < EXIT_COUNT; exit++) {
        uint32_t n = 0, known = 0;
        double sum = 0;
        dec_t net = 0;
        for (uint32_t i = 0; i < account->trade_count; i++) {
            const struct report_trade *trade = &account->trades[i];
            if (trade->exit != exit)
                continue;
            n++;
            net += trade->net;
            known += !isnan(trade->r);
            sum += isnan(trade->r) ? 0.0 : trade->r;
        }
        char text[TEXT_MAX], r[32];
        if (n == 0)
            continue;
        fprintf(out, "<tr><td>%s</td><td>%u</td>", core_exit_name(exit), n);
        signed_cell(out, (double)net, text_signed(net, text));
        signed_cell(out, sum, known ? report_number(sum / known, 3, r) : "-");
        fputs("</tr>\n", out);
    }
    fputs("</table>\n", out);
}

static void refusals(FILE *out, const struct core_account *account)
{
    bool any = false;
    fputs("<p class=\"small\">Refused: ", out);
    for (unsigned i = 1; i < REFUSAL_COUNT; i++) {
        if (account->refusals[i] == 0)
            continue;
        fprintf(out, "%s%s %" PRIu64, any ? ", " : "", refusal_name(i), account->refusals[i]);
        any = true;
    }
    fputs(any ? ".</p>\n" : "nothing.</p>\n", out);
}

static void section(FILE *out, const struct report *report, const struct replay *replay, uint32_t index)
{
    const struct report_account *account = &report->accounts[index];
    const struct core *core = replay_core(replay, index);
    unsigned char digest[REPLAY_HASH_BYTES];
    fprintf(out, "<h2 id=\"%s\">%s</h2>\n<p>%s, personality %s, %s. SIMULATED.</p>\n", core->settings->name, core->settings->name,
            core->account.phase, core->personality->name, core->account.halted ? "HALTED at the end" : core->account.passed ? "phase passed" : "active at the end");
    if (account->broken)
        fputs("<p class=\"sim\">Some amounts could not be added up: the figures are incomplete.</p>\n", out);
    key_figures(out, account, core);
    svg_line(out, &(struct svg_line){.points = account->equity.points, .count = account->equity.count, .title = "Equity with what floats",
                                     .unit = "", .reference = dec_to_double(core->settings->initial_balance)});
    svg_line(out, &(struct svg_line){.points = account->drawdown.points, .count = account->drawdown.count, .area = true,
                                     .title = "Below the peak, %", .unit = "", .reference = NAN});
    monthly(out, account);
    distribution(out, account);
    exits(out, account);
    refusals(out, &core->account);
    uint64_t records = replay_hash(replay, index, digest);
    fputs("<p class=\"small\">Journal: ", out);
    for (unsigned i = 0; i < REPLAY_HASH_BYTES; i++)
        fprintf(out, "%02x", digest[i]);
    fprintf(out, ", %" PRIu64 " records.</p>\n", records);
}

static void news(FILE *out, const struct report *report)
{
    static struct exercised exercised;
    char line[EXERCISED_TEXT_MAX];
    report_exercised(report, &exercised);
    fputs("<h2>News rules that this run could exercise</h2>\n<ul class=\"small\">\n", out);
    for (uint32_t i = 0; i < report->config->programme_count; i++) {
        if (!exercised_line(&exercised, i, line))
            continue;
        fputs("<li>", out);
        escaped(out, line);
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

int report_html(const struct report *report, const struct replay *replay, const char *command, FILE *out)
{
    char from[TEXT_MAX], to[TEXT_MAX];
    fprintf(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
            "<title>propfleet backtest (SIMULATED)</title><style>%s</style></head><body>\n<h1>Backtest</h1>\n"
            "<p class=\"sim\"><b>SIMULATED.</b> Past data, paper fills by a model. No account traded this, no result here is a forecast or a promise.</p>\n<p>Source ",
            style);
    escaped(out, report->config->feed.source_name);
    fprintf(out, ", traded from %s to %s UTC. Days end at %02d:%02d in ", text_time(report->first_ns, false, from), text_time(report->last_ns, false, to),
            report->calendar.roll_s / 3600, report->calendar.roll_s / 60 % 60);
    escaped(out, report->calendar.zone->name);
    fprintf(out, "; %.0f of them a year.</p>\n<p><code>", report->days_per_year);
    escaped(out, command);
    fputs("</code></p>\n", out);
    summary(out, report, replay);
    news(out, report);
    for (uint32_t a = 0; a < report->config->account_count; a++)
        if (report->accounts[a].used)
            section(out, report, replay, a);
    fputs("</body></html>\n", out);
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
