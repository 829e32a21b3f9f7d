/* propfleet rules explain ACCOUNT: every guard of an account with today's numbers, from its store and the configuration. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/exercised.h"
#include "tools/find.h"
#include "tools/ledger.h"
#include "tools/load.h"
#include "tools/table.h"
#include "tools/terminal.h"
#include "tools/text.h"
#include "workers/risk/rules/rules.h"
#include "workers/risk/rules/sessions.h"

#define NS_S INT64_C(1000000000)

struct explained {
    const struct fleet_config *config;
    const struct rules_set *set;
    const struct core_account *account;
    struct core_position positions[CORE_POSITIONS_MAX];
    unsigned position_count;
    struct rules_context context;
    struct table *table;
};

static const struct table_column columns[] = {
    {"GUARD", false, 0}, {"RULE", false, 0}, {"STATE", false, 0}, {"ROOM", true, 0}, {"CONFIDENCE", false, 1}, {"NOW", false, 0},
};

static const char *confidence_text(unsigned confidence)
{
    static const char *const texts[] = {
#define X(name, text) [RULES_##name] = text,
        RULES_CONFIDENCE_LIST(X)
#undef X
    };
    return confidence < RULES_CONFIDENCE_COUNT ? texts[confidence] : "?";
}

static void begin_row(struct explained *e, unsigned primitive, const struct rules_head *head, const char *state, const char *room)
{
    table_cell(e->table, "%s", rules_primitive_name(primitive));
    table_cell(e->table, "%s", head->id[0] ? head->id : "-");
    table_cell(e->table, "%s", state);
    table_cell(e->table, "%s", room);
    table_cell(e->table, "%s", confidence_text(head->confidence));
}

static const char *money(dec_t value, char buf[TEXT_MAX]) { return value == DEC_MAX ? "any" : text_money(value, buf); }

/* --- P1 ------------------------------------------------------------------------------------------------ */

static void explain_floor(struct explained *e, uint32_t i)
{
    static const char *const anchors[] = {
        [RULES_INITIAL] = "initial balance",          [RULES_SNAP_BALANCE] = "balance at the day's start",
        [RULES_SNAP_EQUITY] = "equity at the day's start", [RULES_SNAP_MAX] = "higher of balance and equity at the day's start",
        [RULES_RUN_CLOSED] = "highest balance",       [RULES_RUN_EOD_BALANCE] = "highest end-of-day balance",
        [RULES_RUN_EOD_MAX] = "highest end-of-day balance or equity", [RULES_RUN_EQUITY] = "highest equity",
        [RULES_DAY_PEAK] = "highest equity of the day",
    };
    const struct rules_state *state = &e->account->rules;
    const struct rules_floor *rule = &e->set->floors[i];
    uint32_t day = rule->days ? (uint32_t)__builtin_ctz(rule->days) : 0;
    dec_t level = rules_floor_level(state, e->set, i), room;
    char a[TEXT_MAX], b[TEXT_MAX], c[TEXT_MAX], d[TEXT_MAX];
    if (dec_sub(e->account->equity, level, &room) != 0)
        room = 0;
    const char *now = state->latches[i].latch == RULES_LATCH_TERMINATE ? "BREACHED" : state->latches[i].latch == RULES_LATCH_PAUSE ? "PAUSED" : "ARMED";
    begin_row(e, RULES_P1_LOSS_FLOOR, &rule->head, now, money(room, a));
    table_cell(e->table, "floor %s = %s %s - %s%s; equity %s must not be %s it%s", money(level, a), anchors[rule->anchor],
               money(rules_anchor(state, rule, day), b), money(rules_allowance(state, rule, day), c),
               rule->has_cap ? ", capped" : "", money(e->account->equity, d), rule->breach == RULES_LE ? "at or below" : "below",
               state->firm_floor[i] != DEC_NONE ? " (the firm's own figure is known)" : "");
}

/* --- P2, P3 --------------------------------------------------------------------------------------------- */

static void explain_loss(struct explained *e, uint32_t i)
{
    static const char *const groups[] = {"position", "trade idea", "symbol", "account"};
    const struct rules_loss *rule = &e->set->losses[i];
    dec_t limit = rules_loss_limit(e->set, &e->account->rules, rule);
    char text[TEXT_MAX];
    begin_row(e, RULES_P2_OPEN_LOSS, &rule->head, "ARMED", money(limit, text));
    table_cell(e->table, "loss of one %s %s %s%s", groups[rule->group], rule->over == RULES_GE ? "below" : "at most", money(limit, text),
               rule->group == RULES_GROUP_IDEA ? "; a re-entry carries the last loss" : "");
}

static void explain_exposure(struct explained *e, uint32_t i)
{
    static const char *const counted[] = {"lots of one order", "lots open", "lots open and working on one side", "lots opened today",
                                          "positions of one instrument", "positions", "margin, share of equity"};
    const struct rules_exposure *rule = &e->set->exposures[i];
    dec_t limit = rules_exposure_limit(&e->account->rules, rule, e->account->equity);
    char text[TEXT_MAX];
    begin_row(e, RULES_P3_EXPOSURE, &rule->head, "ARMED", text_decimal(limit, text));
    table_cell(e->table, "%s at most %s; open now %u positions, opened today %s", counted[rule->counted], text_decimal(limit, text),
               e->position_count, text_decimal(e->account->rules.lots_today, (char[TEXT_MAX]){0}));
}

/* --- P4, P5, P6 ------------------------------------------------------------------------------------------- */

static void explain_window(struct explained *e, uint32_t i)
{
    static const struct { uint32_t action; const char *name; } names[] = {
        {RULES_OPEN, "open"}, {RULES_INCREASE, "add"}, {RULES_CLOSE, "close"}, {RULES_FILL, "fill"}, {RULES_HOLD, "hold"}, {RULES_CANCEL, "cancel"}};
    const struct rules_window *rule = &e->set->windows[i];
    char forbids[64] = "", a[TEXT_MAX], b[TEXT_MAX];
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        if (rule->forbids & names[n].action)
            snprintf(forbids + strlen(forbids), sizeof forbids - strlen(forbids), "%s%s", forbids[0] ? ", " : "", names[n].name);
    struct rules_span span;
    uint32_t instrument = rule->instruments ? (uint32_t)__builtin_ctz(rule->instruments) : 0;
    bool inside = rules_window_forbids(rule, &e->context, instrument, rule->forbids, e->context.now_ns, &span);
    bool known = inside || rules_window_next(rule, &e->context, instrument, rule->forbids, e->context.now_ns, &span);
    begin_row(e, RULES_P4_WINDOW, &rule->head, inside ? "CLOSED" : "ARMED",
              known && !inside ? text_duration((double)(span.from_ns - e->context.now_ns) / 1e9, a) : "-");
    if (known)
        table_cell(e->table, "no %s from %s to %s", forbids, text_time(span.from_ns, true, a),
                   span.to_ns == INT64_MAX ? "there is a calendar" : text_time(span.to_ns, true, b));
    else
        table_cell(e->table, "no %s; none is known to come", forbids);
}

static void explain_hold(struct explained *e, uint32_t i)
{
    const struct rules_hold *rule = &e->set->holds[i];
    dec_t share = 0;
    bool kept = rules_hold_kept(rule, &e->account->rules.profit, i, &share);
    char text[TEXT_MAX];
    begin_row(e, RULES_P5_HOLD, &rule->head, "ARMED", "-");
    table_cell(e->table, "%d s; %" PRIu64 " trades closed, figure now %s: %s", rule->tau_s, e->account->rules.profit.trades,
               text_decimal(share, text), kept ? "kept" : "NOT KEPT");
}

static void explain_rate(struct explained *e, uint32_t i)
{
    static const char *const counted[] = {"messages", "orders", "changes", "executions", "working orders"};
    const struct rules_rate *rule = &e->set->rates[i];
    uint32_t used = rules_rate_used(&e->account->rules, rule, i, e->context.now_ns);
    char room[TEXT_MAX];
    snprintf(room, sizeof room, "%u", rule->max > used ? rule->max - used : 0);
    begin_row(e, RULES_P6_RATE, &rule->head, "ARMED", room);
    if (rule->window_s > 0)
        table_cell(e->table, "%s: %u of %u in %d s", counted[rule->counted], used, rule->max, rule->window_s);
    else
        table_cell(e->table, "%s: %u of %u %s", counted[rule->counted], used, rule->max,
                   rule->counted == RULES_WORKING_ORDERS ? "at once" : "in the firm's day");
}

/* --- P7 to P12 ----------------------------------------------------------------------------------------------- */

static void explain_shape(struct explained *e)
{
    const struct rules_shape *shape = &e->set->shape;
    const struct rules_state *state = &e->account->rules;
    char a[TEXT_MAX], b[TEXT_MAX], c[TEXT_MAX], room[TEXT_MAX] = "-";
    if (shape->head.id[0] == 0 && shape->target.value == 0 && shape->min_days == 0 && !shape->has_best_day)
        return;
    struct rules_best_day best = {.kept = true};
    if (shape->has_best_day)
        rules_best_day(shape, &state->profit, &best);
    uint32_t days = shape->days_counted == RULES_DAYS_OPENED   ? state->profit.days_opened
                    : shape->days_counted == RULES_DAYS_TRADED ? state->profit.days_traded
                                                               : state->profit.days_profit;
    dec_t cap = rules_day_closes_at(shape, &state->profit, state->initial);
    bool closed = state->profit.today >= cap;
    if (cap != DEC_MAX)
        money(dec_max(0, cap - dec_max(0, state->profit.today)), room);
    begin_row(e, RULES_P7_SHAPE, &shape->head, closed ? "CLOSED" : cap != DEC_MAX ? "ARMED" : "WATCHED", room);
    table_cell(e->table, "profit %s%s; %u of %u days; best day %s%s%s%s", text_signed(e->account->balance - state->initial, a),
               rules_target_reached(shape, state->initial, e->account->balance, e->position_count) ? ", target reached" : "",
               days, shape->min_days, shape->has_best_day ? text_decimal(best.share, b) : "free",
               best.kept ? "" : " is too large a share: other days must follow",
               cap != DEC_MAX ? "; no entry today from a day's profit of " : "", cap != DEC_MAX ? money(cap, c) : "");
}

static void explain_rest(struct explained *e)
{
    static const char *const automations[] = {"allowed", "own programs", "own programs with proof", "own programs, source shared",
                                              "with approval", "own and attended", "manual only"};
    const struct rules_set *set = e->set;
    const struct rules_state *state = &e->account->rules;
    char text[TEXT_MAX];
    begin_row(e, RULES_P8_STOP, &set->stop.head, set->stop.required || set->guard.require_stop ? "ARMED" : "OFF", "-");
    table_cell(e->table, "a stop with every entry%s", set->stop.required ? "" : " (ours; the firm does not ask for it)");
    bool direction = set->direction.opposite_refused || set->direction.adds_to_loser_max || set->direction.no_larger_after_loss;
    begin_row(e, RULES_P9_DIRECTION, &set->direction.head, direction ? "ARMED" : "OFF", "-");
    table_cell(e->table, "%s%s%s", set->direction.opposite_refused ? "no opposite sides; " : "opposite sides allowed in one account; ",
               set->direction.adds_to_loser_max ? "additions to losers are counted; " : "",
               set->direction.no_larger_after_loss ? "no larger size after a loss" : "");
    bool cross = set->cross.opposite_firm || set->cross.opposite_all;
    begin_row(e, RULES_P10_CROSS, &set->cross.head, cross ? "ARMED" : "OFF", set->cross.capital_cap ? money(set->cross.capital_cap, text) : "-");
    table_cell(e->table, "the coordinator's: opposite sides over accounts%s refused", set->cross.opposite_all ? " of all firms" : " of the firm");
    begin_row(e, RULES_P11_CONDUCT, &set->conduct.head,
              rules_conduct_allows(&set->conduct, e->config->mode, e->config->host) ? "ARMED" : "REFUSED", "-");
    table_cell(e->table, "automation: %s", set->conduct.automation <= RULES_MANUAL_ONLY ? automations[set->conduct.automation] : "?");
    int32_t age = 0;
    bool expired = rules_file_expired(set, (int32_t)(time(NULL) / 86400), &age);
    snprintf(text, sizeof text, "%d d", (int)set->max_age_days - age);
    begin_row(e, RULES_P12_LIFECYCLE, &set->life.head, expired ? "REDUCE ONLY" : "ARMED", text);
    table_cell(e->table, "rule file verified %s, %d days ago, good for %u%s; guard %s", set->verified, age, set->max_age_days,
               state->payout_pending ? "; a payout is pending" : "", rules_guard_name(state->guard));
}

static void explain(struct explained *e)
{
    for (uint32_t i = 0; i < e->set->floor_count; i++)
        explain_floor(e, i);
    for (uint32_t i = 0; i < e->set->loss_count; i++)
        explain_loss(e, i);
    for (uint32_t i = 0; i < e->set->exposure_count; i++)
        explain_exposure(e, i);
    for (uint32_t i = 0; i < e->set->window_count; i++)
        explain_window(e, i);
    for (uint32_t i = 0; i < e->set->hold_count; i++)
        explain_hold(e, i);
    for (uint32_t i = 0; i < e->set->rate_count; i++)
        explain_rate(e, i);
    explain_shape(e);
    explain_rest(e);
}

static void print_head(const struct explained *e, const char *name)
{
    const struct rules_state *state = &e->account->rules;
    const struct config_programme *programme = &e->config->programmes[e->config->accounts[config_account_index(e->config, name)].programme];
    char a[TEXT_MAX], b[TEXT_MAX], c[TEXT_MAX], d[TEXT_MAX];
    printf("account %s: %s/%s, phase %s; market time %s UTC; SIMULATED fills (paper)\n", name, programme->firm, programme->name,
           programme->phase, text_time(e->account->cursor_ns, true, a));
    printf("balance %s, equity %s, highest balance %s, highest equity %s\n", money(e->account->balance, a), money(e->account->equity, b),
           money(state->high_balance, c), money(state->high_equity, d));
    for (uint32_t i = 0; i < e->set->day_count; i++)
        if (state->days[i].end_ns != 0)
            printf("firm's day%s: from %s, balance %s, equity %s; ends in %s\n", i ? " (another reading)" : "",
                   text_time(state->days[i].start_ns, true, a), money(state->days[i].balance, b), money(state->days[i].equity, c),
                   text_duration((double)(state->days[i].end_ns - e->account->cursor_ns) / 1e9, d));
    printf("guard %s, flatten buffer %s\n\n", rules_guard_name(state->guard), money(e->account->flat_buffer, a));
}

int rules_explain(int argc, char **argv)
{
    struct find find = {0};
    const char *names[1] = {NULL};
    struct args_operands operands = {.list = names, .min = 1, .max = 1, .what = "ACCOUNT"};
    struct args_option known[] = {FIND_OPTIONS(find)};
    struct error err = {0};
    char state_dir[CONFIG_PATH_MAX], config_dir[CONFIG_PATH_MAX];
    if (args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err) != 0)
        return command_usage("rules", "%s", err.text);
    if (find_state_dir(&find, state_dir, &err) != 0 || find_config_dir(&find, config_dir, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    struct loader_options options = {.config_dir = config_dir};
    struct load *load = load_new(&options);
    struct ledger ledger = {.store = NULL};
    static struct core_account account;
    int status = EXIT_DONE;
    uint32_t index = CONFIG_NONE;
    if (!load)
        return command_fail(EXIT_NO, "no memory");
    if (load->report.error_count > 0) {
        load_print_report(load, stderr);
        status = EXIT_CONFIG;
    } else if ((index = config_account_index(&load->config, names[0])) == CONFIG_NONE) {
        status = command_fail(EXIT_NO, "the configuration has no account %s", names[0]);
    } else if (ledger_open(state_dir, names[0], &ledger, &err) != 0 || ledger_account(&ledger, &account, &err) != 0) {
        status = command_fail(EXIT_NO, "%s", err.text);
    } else {
        struct explained e = {.config = &load->config, .account = &account,
                              .set = &load->config.programmes[load->config.accounts[index].programme].rules,
                              .table = table_new(columns, sizeof columns / sizeof columns[0])};
        e.context = (struct rules_context){.now_ns = account.cursor_ns, .zones = load->config.zones};
        struct rules_calendar news;
        if (sessions_calendar(&load->config, &news))
            e.context.calendar = &news;
        if (ledger_positions(&ledger, e.positions, &e.position_count, &err) != 0)
            e.position_count = 0;
        print_head(&e, names[0]);
        if (e.table) {
            explain(&e);
            table_print(e.table, terminal_width(STDOUT_FILENO), stdout);
            static struct exercised exercised;
            exercised_begin(&exercised, &load->config);
            exercised_add(&exercised, index, ledger_begin_ns(&ledger), account.cursor_ns);
            putchar('\n');
            exercised_print(&exercised, "news rules of ", stdout);
        }
        table_free(&e.table);
    }
    if (ledger.store)
        ledger_close(&ledger);
    load_free(&load);
    return status;
}
