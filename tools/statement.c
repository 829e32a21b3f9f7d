/* propfleet statement: a real account's closed trades, reckoned anew and held against a firm's rules. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/load.h"
#include "tools/statement.h"
#include "tools/text.h"

#define RATES_MAX 4u
#define ROWS_SHOWN_MAX 50u

struct audit {
    const char *file, *programme, *phase, *size, *rates_text, *contracts_text;
    bool each_day;
    struct tz_table new_york;
    struct statement_contract contracts[STATEMENT_CONTRACTS_MAX];
    uint32_t contract_count, rate_count;
    struct statement_rates rates[RATES_MAX];
    struct statement statement;
    struct load *load;
    const struct config_programme *found;
    dec_t initial;
    struct rules_set set;
    uint32_t instruments[STATEMENT_SYMBOLS_MAX], strangers;
    struct statement_days days;
    struct statement_judged judged;
};

static const char *date(int32_t day, char buf[TEXT_MAX])
{
    int year, month, of_month;
    tz_civil_from_days(day, &year, &month, &of_month);
    (void)snprintf(buf, TEXT_MAX, "%04d-%02d-%02d", year, month, of_month);
    return buf;
}

/* --- what was given ----------------------------------------------------------------------------------------------- */

/* Calls `one` for each part between commas. */
static int each_part(struct audit *a, const char *text, int (*one)(struct audit *, const char *, size_t, struct error *), struct error *err)
{
    int rc = 0;
    while (rc == 0 && text) {
        size_t length = strcspn(text, ",");
        rc = one(a, text, length, err);
        text = text[length] ? text + length + 1 : NULL;
    }
    return rc;
}

static int add_contract(struct audit *a, const char *text, size_t length, struct error *err)
{
    if (a->contract_count == STATEMENT_CONTRACTS_MAX)
        return error_set(err, E2BIG, "more than %u contracts", STATEMENT_CONTRACTS_MAX);
    return statement_contract_parse(text, length, &a->contracts[a->contract_count++], err);
}

static int add_rates(struct audit *a, const char *text, size_t length, struct error *err)
{
    char pair[8], path[CONFIG_PATH_MAX];
    const char *equals = memchr(text, '=', length);
    if (!equals || equals - text != 6 || length - 7 == 0 || length - 7 >= sizeof path)
        return error_set(err, EINVAL, "--rates %.*s: write PAIR=FILE, as USDJPY=USDJPY_M15.csv", (int)length, text);
    if (a->rate_count == RATES_MAX)
        return error_set(err, E2BIG, "more than %u pairs of rates", RATES_MAX);
    (void)snprintf(pair, sizeof pair, "%.6s", text);
    (void)snprintf(path, sizeof path, "%.*s", (int)(length - 7), equals + 1);
    FILE *in = fopen(path, "re");
    if (!in)
        return error_errno(err, errno, "open %s", path);
    int rc = statement_rates_read(in, path, pair, &a->rates[a->rate_count], err);
    (void)fclose(in);
    a->rate_count += rc == 0;
    return rc;
}

static int read_statement(struct audit *a, struct error *err)
{
    FILE *in = fopen(a->file, "re");
    if (!in)
        return error_errno(err, errno, "open %s", a->file);
    struct statement_options options = {&a->new_york, a->contracts, a->contract_count};
    int rc = statement_read(in, a->file, &options, &a->statement, err);
    (void)fclose(in);
    for (uint32_t i = 0; i < a->statement.problem_count && i < STATEMENT_PROBLEMS_MAX; i++) {
        char clean[STATEMENT_PROBLEM_MAX];
        text_clean(a->statement.problems[i], strlen(a->statement.problems[i]), clean, sizeof clean);
        fprintf(stderr, "%s\n", clean);
    }
    return rc;
}

/* --programme FIRM/NAME, --phase: an entry of the configuration; its first phase when none is given. */
static int find_programme(struct audit *a, struct error *err)
{
    const struct fleet_config *config = &a->load->config;
    char firm[CONFIG_NAME_MAX];
    const char *slash = strchr(a->programme, '/');
    size_t length = slash ? (size_t)(slash - a->programme) : 0;
    uint32_t index = CONFIG_NONE;
    if (length > 0 && length < sizeof firm) {
        (void)snprintf(firm, sizeof firm, "%.*s", (int)length, a->programme);
        index = load_programme(config, firm, slash + 1, a->phase);
    }
    if (index == CONFIG_NONE)
        return error_set(err, ENOENT, "no programme %.60s%s%.30s; they are FIRM/NAME with a phase of their file, in firms/", a->programme,
                         a->phase ? ", phase " : "", a->phase ? a->phase : "");
    a->found = &config->programmes[index];
    a->set = a->found->rules;
    a->initial = a->found->has_initial ? a->found->initial : a->initial;
    return 0;
}

static int map_symbols(struct audit *a, struct error *err)
{
    const struct fleet_config *config = &a->load->config;
    char names[RULES_INSTRUMENTS_MAX][RULES_NAME_MAX];
    uint32_t fx = UINT32_MAX;
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        memcpy(names[i], config->instruments[i].symbol, RULES_NAME_MAX);
        if (fx == UINT32_MAX && config->instruments[i].asset_class == ASSET_FX)
            fx = i;
    }
    if (statement_map(&a->statement, names, config->instrument_count, fx, &a->set, a->instruments, &a->strangers) != 0)
        return error_set(err, ENOSPC, "more symbols than the %u that a set of rules can tell apart", RULES_INSTRUMENTS_MAX);
    return 0;
}

/* --- what is said ---------------------------------------------------------------------------------------------------- */

static void print_row(const struct audit *a, const struct statement_trade *t)
{
    char gross[TEXT_MAX], stated[TEXT_MAX], low[TEXT_MAX], high[TEXT_MAX], from[TEXT_MAX], to[TEXT_MAX];
    const struct statement_symbol *s = &a->statement.symbols[t->symbol];
    printf("  %s:%" PRIu32 " %s: ", a->file, t->line, s->name);
    if (t->rate_low == 0)
        printf("reckoned %s, the statement has %s\n", text_signed(t->gross, gross), text_signed(t->stated, stated));
    else
        printf("%s needs %s from %s to %s, but it was %s to %s\n", text_signed(t->stated, stated), s->pair, text_decimal(t->rate_low, low),
               text_decimal(t->rate_high, high), text_decimal(t->seen_low, from), text_decimal(t->seen_high, to));
}

/* How many implied rates stand beside a fill of the account's own, and the largest difference. */
static uint32_t beside_fills(const struct statement *s, double *share)
{
    uint32_t count = 0;
    *share = 0;
    for (uint32_t i = 0; i < s->trade_count; i++) {
        const struct statement_trade *t = &s->trades[i];
        if (t->check != STATEMENT_IMPLIED || t->seen_low == 0)
            continue;
        double away = dec_to_double(t->rate_low) / dec_to_double(t->seen_low) - 1;
        *share = away < 0 ? (-away > *share ? -away : *share) : (away > *share ? away : *share);
        count++;
    }
    return count;
}

/* By how much the bars leave the amount of a row open, at most: from the rate at one end of its bar to that at the other. */
static double left_open(const struct statement *s)
{
    double most = 0;
    for (uint32_t i = 0; i < s->trade_count; i++) {
        const struct statement_trade *t = &s->trades[i];
        if (t->check != STATEMENT_AT_RATE)
            continue;
        double open = dec_to_double(dec_abs(t->stated)) * (dec_to_double(t->seen_high) / dec_to_double(t->seen_low) - 1);
        most = open > most ? open : most;
    }
    return most;
}

static void print_money(const struct audit *a)
{
    const struct statement *s = &a->statement;
    char gross[TEXT_MAX], charges[TEXT_MAX], swap[TEXT_MAX], net[TEXT_MAX], from[TEXT_MAX], to[TEXT_MAX];
    printf("%s: %s, %" PRIu32 " trades in %" PRIu32 " symbols, closed %s to %s UTC\n", a->file,
           s->format == STATEMENT_MT4 ? "MT4 statement" : "TopstepX export", s->trade_count, s->symbol_count,
           text_time(s->trades[0].closed_ns, false, from), text_time(s->trades[s->trade_count - 1].closed_ns, false, to));
    printf("P/L       %" PRIu32 " of %" PRIu32 " rows equal the statement to the cent from the row alone\n", s->checked[STATEMENT_EXACT],
           s->trade_count);
    if (s->checked[STATEMENT_AT_RATE] > 0)
        printf("          %" PRIu32 " need a rate that no row shows; the cent is right at one inside the bar of their close\n"
               "          (a bar leaves the amount open by %.2f at most)\n",
               s->checked[STATEMENT_AT_RATE], left_open(s));
    double share;
    uint32_t beside = beside_fills(s, &share);
    if (s->checked[STATEMENT_IMPLIED] > 0)
        printf("          %" PRIu32 " NOT RECKONED: they need a rate that nobody gave (--rates); the statement's amount is taken,\n"
               "          its rate is beside the account's own fills for %" PRIu32 " of them (at most %.2f %% away)\n",
               s->checked[STATEMENT_IMPLIED], beside, share * 100);
    printf("          %" PRIu32 " differ\n", s->checked[STATEMENT_DIFFERS]);
    for (uint32_t i = 0, shown = 0; i < s->trade_count && shown < ROWS_SHOWN_MAX; i++)
        if (s->trades[i].check == STATEMENT_DIFFERS) {
            print_row(a, &s->trades[i]);
            shown++;
        }
    printf("sums      gross %s, charges %s, swap %s, net %s %s\n", text_signed(s->gross, gross), text_signed(s->charges, charges),
           text_signed(s->swap, swap), text_signed(s->net, net), STATEMENT_CURRENCY);
}

static void print_days(const struct audit *a)
{
    const struct statement_days *d = &a->days;
    const struct rules_day *clock = &a->set.days[0];
    char best[TEXT_MAX], worst[TEXT_MAX], day[TEXT_MAX], balance[TEXT_MAX];
    printf("days      %" PRIu32 " with a close, from %02d:%02d %s", d->count, clock->at_s / 3600, clock->at_s / 60 % 60,
           a->load->config.zones[clock->zone].name);
    printf("; best %s %s", date(d->days[d->best].day, day), text_signed(d->days[d->best].net, best));
    printf(", worst %s %s\n", date(d->days[d->worst].day, day), text_signed(d->days[d->worst].net, worst));
    if (d->moved > 0)
        printf("          %" PRIu32 " trades are of another day by the statement's own column\n", d->moved);
    for (uint32_t i = 0; a->each_day && i < d->count; i++)
        printf("  %s %4" PRIu32 " %12s  balance %s\n", date(d->days[i].day, day), d->days[i].trades, text_signed(d->days[i].net, best),
               text_money(d->days[i].balance, balance));
}

static void print_floors(const struct audit *a)
{
    const struct statement_judged *j = &a->judged;
    char level[TEXT_MAX], margin[TEXT_MAX], when[TEXT_MAX], now[TEXT_MAX];
    for (uint32_t i = 0; i < j->set.floor_count; i++) {
        const struct statement_floor *floor = &j->floors[i];
        printf("floor     %s: nearest by %s (level %s, %s), at the end %s", j->set.floors[i].head.id, text_money(floor->margin, margin),
               text_money(floor->level, level), text_time(floor->margin_ns, false, when),
               text_money(rules_floor_level(&j->state, &j->set, i), now));
        if (floor->breached)
            printf("; BREACHED %s: balance %s, level %s", text_time(floor->breached_ns, true, when),
                   text_money(floor->breached_balance, margin), text_money(floor->breached_level, level));
        else
            printf("; not broken by a closed balance");
        putchar('\n');
    }
}

static void print_rules(const struct audit *a)
{
    const struct statement_judged *j = &a->judged;
    char initial[TEXT_MAX], balance[TEXT_MAX], lowest[TEXT_MAX], when[TEXT_MAX];
    printf("rules     %s/%s, phase %s, read %s: balance %s to %s, lowest %s\n", a->found->firm, a->found->name, a->found->phase,
           j->set.verified, text_money(a->initial, initial), text_money(j->state.balance, balance), text_money(j->lowest, lowest));
    print_floors(a);
    const struct rules_shape *shape = &j->set.shape;
    if (shape->target.value > 0)
        printf("target    %s: %s\n", text_money(rules_target_balance(shape, a->initial), balance),
               j->target_ns ? text_time(j->target_ns, false, when) : "not reached");
    if (shape->min_days > 0)
        printf("days      %" PRIu32 " count, %" PRIu32 " are needed\n", j->days, shape->min_days);
    if (shape->has_best_day && j->best_day.share == DEC_MAX)
        printf("best day  no profit to be a share of\n");
    else if (shape->has_best_day)
        printf("best day  %.2f %% of the profit, %.2f %% are allowed: %s\n", dec_to_double(j->best_day.share) * 100,
               dec_to_double(shape->best_day_max) * 100, j->best_day.kept ? "kept" : "not kept");
    if (shape->target.value > 0)
        printf("passing   %s\n", j->passed_ns ? text_time(j->passed_ns, false, when) : "not yet: target, days and best day never together");
}

static void print_refusal(const struct audit *a, const struct statement_refusal *refusal)
{
    const struct statement_trade *t = &a->statement.trades[refusal->trade];
    const struct rules_verdict *v = &refusal->verdict;
    const struct rules_head *head = rules_head_of(&a->judged.set, v);
    char left[TEXT_MAX], right[TEXT_MAX], lots[TEXT_MAX], most[TEXT_MAX];
    printf("  %s:%" PRIu32 " %s %s lots: %s %s", a->file, t->line, a->statement.symbols[t->symbol].name, text_decimal(t->lots, lots),
           rules_primitive_name(v->primitive), head ? head->id : "");
    if (v->primitive == RULES_P1_LOSS_FLOOR && v->condition > 0)
        printf(" R%u", v->condition);
    if (v->op != RULES_OP_NONE)
        printf(", %s %s %s does not hold", text_decimal(v->left, left), rules_op_text(v->op), text_decimal(v->right, right));
    printf("; at most %s\n", refusal->q_max == DEC_MAX ? "any" : text_decimal(refusal->q_max, most));
}

static void print_gate(const struct audit *a)
{
    const struct statement_gate *g = &a->judged.gate;
    printf("gate      %" PRIu32 " entries judged by the stop that the statement shows: %" PRIu32 " admitted, %" PRIu32 " refused\n", g->judged,
           g->admitted, g->judged - g->admitted);
    for (unsigned i = 0; i < sizeof g->refused / sizeof g->refused[0]; i++)
        if (g->refused[i] > 0)
            printf("          %" PRIu32 " by %s\n", g->refused[i], rules_primitive_name(i));
    for (uint32_t i = 0; i < g->refusal_count && i < STATEMENT_REFUSALS_MAX; i++)
        print_refusal(a, &g->refusals[i]);
    static const char *const why[STATEMENT_UNJUDGED_COUNT] = {"no stop is known", "the stop is at the entry or beyond: moved since",
                                                              "a position open then has no known stop", "no rate for the profit currency"};
    uint32_t sum = 0;
    for (unsigned i = 0; i < STATEMENT_UNJUDGED_COUNT; i++)
        sum += g->unjudged[i];
    printf("          %" PRIu32 " NOT JUDGED\n", sum);
    for (unsigned i = 0; i < STATEMENT_UNJUDGED_COUNT; i++)
        if (g->unjudged[i] > 0)
            printf("          %" PRIu32 " %s\n", g->unjudged[i], why[i]);
}

static void print_limits(const struct audit *a)
{
    const struct statement_judged *j = &a->judged;
    fputs("not known equity between the rows: only the closed balance met the floors, the account may have been through one;\n"
          "          charges and swap are booked with the close; stops are the last ones, not those of the order; messages, how\n"
          "          it was traded (taken as by hand), payouts; market closes other than the weekend\n", stdout);
    if (j->windows_left_out + j->exposures_left_out > 0)
        printf("          left out: %" PRIu32 " news windows (no calendar), %" PRIu32 " margin limits\n", j->windows_left_out,
               j->exposures_left_out);
    if (a->strangers > 0)
        printf("          %" PRIu32 " symbols are not in instruments.yaml: rules of single instruments do not reach them\n", a->strangers);
}

/* --- the command ------------------------------------------------------------------------------------------------------ */

static int audit_statement(struct audit *a, struct error *err)
{
    int rc = read_statement(a, err);
    if (rc != 0)
        return rc;
    statement_check(&a->statement, a->rates, a->rate_count);
    const struct tz_table *zones = a->load->config.zones;
    rc = map_symbols(a, err);
    if (rc == 0 && (statement_days(&a->statement, &a->set, zones, a->initial, &a->days) != 0 ||
                    statement_judge(&a->statement, &a->set, a->instruments, zones, &a->new_york, a->initial, &a->judged) != 0))
        rc = error_set(err, ENOMEM, "no memory");
    if (rc != 0)
        return rc;
    print_money(a);
    print_days(a);
    print_rules(a);
    print_gate(a);
    print_limits(a);
    return 0;
}

static int answer(const struct audit *a)
{
    bool good = a->statement.checked[STATEMENT_DIFFERS] == 0;
    for (uint32_t i = 0; i < a->judged.set.floor_count; i++)
        good = good && !a->judged.floors[i].breached;
    return good ? EXIT_DONE : EXIT_NO;
}

static int prepare(struct audit *a, const struct find *find, struct error *err)
{
    char config_dir[CONFIG_PATH_MAX];
    if (tz_load("America/New_York", &a->new_york, err) != 0 || find_config_dir(find, config_dir, err) != 0)
        return command_fail(EXIT_CONFIG, "%s", err->text);
    a->load = load_new(&(struct loader_options){.config_dir = config_dir});
    if (!a->load)
        return command_fail(EXIT_NO, "no memory");
    if (a->load->report.error_count > 0) {
        load_print_report(a->load, stderr);
        return EXIT_CONFIG;
    }
    if (find_programme(a, err) != 0 || each_part(a, a->contracts_text, add_contract, err) != 0)
        return command_usage("statement", "%s", err->text);
    if (each_part(a, a->rates_text, add_rates, err) != 0)
        return command_fail(EXIT_NO, "%s", err->text);
    return EXIT_DONE;
}

static void release(struct audit *a)
{
    for (uint32_t i = 0; i < a->rate_count; i++)
        statement_rates_free(&a->rates[i]);
    statement_free(&a->statement);
    free(a->days.days);
    load_free(&a->load);
}

int command_statement(int argc, char **argv)
{
    static struct audit a; /* large */
    struct find find = {0};
    struct args_operands operands = {.list = &a.file, .min = 1, .max = 1, .what = "FILE"};
    struct args_option known[] = {
        {"--programme", ARGS_TEXT, &a.programme}, {"--phase", ARGS_TEXT, &a.phase},         {"--size", ARGS_TEXT, &a.size},
        {"--rates", ARGS_TEXT, &a.rates_text},    {"--contracts", ARGS_TEXT, &a.contracts_text}, {"--days", ARGS_FLAG, &a.each_day},
        {"--config", ARGS_TEXT, &find.config},
    };
    struct error err = {0};
    if (args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err) != 0)
        return command_usage("statement", "%s", err.text);
    if (!a.programme || !a.size)
        return command_usage("statement", "--programme and --size are needed");
    if (dec_parse(a.size, strlen(a.size), &a.initial) != 0 || a.initial <= 0 || a.initial > 100 * STATEMENT_MONEY_MAX)
        return command_usage("statement", "--size %.40s: write an amount above 0, as 50000", a.size);
    int status = prepare(&a, &find, &err);
    if (status == EXIT_DONE) {
        status = audit_statement(&a, &err) != 0 ? command_fail(EXIT_NO, "%s", err.text) : answer(&a);
    }
    release(&a);
    return status;
}
