/* The keys of a rule file, config/firms/NAME.yaml. */
#include "config/rule_draft.h"

#include "base/clock.h"

#define PERCENT (DEC_ONE / 100)
#define LARGEST (90000000 * DEC_ONE)
#define HOUR_S 3600
#define DAY_S 86400

/* --- what every rule has --------------------------------------------------------------------------- */

static const char *const confidences[] = {
#define X(name, text) text,
    RULES_CONFIDENCE_LIST(X)
#undef X
        NULL};
static const char *const severities[] = {"void", "pause", "terminate", NULL};
static const char *const resolves[] = {"strictest", "official", NULL};

#define HEAD_SOURCES                                                                                                   \
    {"src",                                                                                                            \
     SCHEMA_REFERENCES,                                                                                                \
     SCHEMA_AT(struct draft_head, sources),                                                                            \
     1,                                                                                                                \
     DRAFT_SRC_MAX,                                                                                                    \
     .fallback = "",                                                                                                   \
     .unit = "keys of sources",                                                                                        \
     .count_offset = offsetof(struct draft_head, source_count),                                                        \
     .help = "where it was read; without it, confidence must be unverified or ours"},                                  \
        {"confidence",                                                                                                 \
         SCHEMA_CHOICE,                                                                                                \
         SCHEMA_AT(struct draft_head, confidence),                                                                     \
         .choices = confidences,                                                                                       \
         .fallback = "",                                                                                               \
         .given_offset = offsetof(struct draft_head, has_confidence),                                                  \
         .help = "how sure it is; else as the best kind among its sources"},                                           \
    {                                                                                                                  \
        "severity", SCHEMA_CHOICE, SCHEMA_AT(struct draft_head, severity),                                             \
            .choices = severities, .fallback = "", .given_offset = offsetof(struct draft_head, has_severity),          \
            .help = "what breaking it costs: profit that does not count, a pause, the account (as a rule)"             \
    }
#define HEAD_SECTION(word)                                                                                             \
    {"id", SCHEMA_LABEL, SCHEMA_AT(struct draft_head, id), .fallback = (word), .help = "what the journal calls it"},   \
        HEAD_SOURCES
#define HEAD_LIST                                                                                                      \
    {"id", SCHEMA_LABEL, SCHEMA_AT(struct draft_head, id),                                                             \
     .help = "what the journal calls it; in a phase, a rule of the base with the same id is replaced"},                \
        HEAD_SOURCES,                                                                                                  \
        {"optional", SCHEMA_FLAG, SCHEMA_AT(struct draft_head, optional), .fallback = "false",                         \
         .help = "the firm offers it as a switch: it holds for accounts that name it under options"},                  \
        {"disputed",                                                                                                   \
         SCHEMA_VARIANTS,                                                                                              \
         SCHEMA_AT(struct draft_head, reading),                                                                        \
         1,                                                                                                            \
         DRAFT_READINGS_MAX,                                                                                           \
         .fallback = "",                                                                                               \
         .unit = "readings",                                                                                           \
         .help = "other readings of the text: each the keys that differ, and its own src"},                            \
    {                                                                                                                  \
        "resolve", SCHEMA_CHOICE, SCHEMA_AT(struct draft_head, resolve),                                               \
            .choices = resolves, .fallback = "strictest",                                                              \
            .help = "strictest: every reading is kept, the strictest rules. official: only the first"                  \
    }

/* --- amounts ------------------------------------------------------------------------------------------ */

static const char *const bases[] = {"eod_profit", "live_equity", NULL};

static const struct schema_field fields_tier[] = {
    {"from", SCHEMA_DECIMAL, SCHEMA_AT(struct rules_tier, from), -LARGEST, LARGEST,
     .help = "value of the basis from which it holds"},
    {"value", SCHEMA_DECIMAL, SCHEMA_AT(struct rules_tier, value), 0, LARGEST, .help = "the amount or number"},
};
static const struct schema_table table_tier = SCHEMA_TABLE(fields_tier);

#define AMOUNT_FRACTION(word, text)                                                                                    \
    {                                                                                                                  \
#word, SCHEMA_FRACTION, SCHEMA_AT(struct draft_amount, word), PERCENT / 1000, 100 * PERCENT,                   \
            .fallback = "", .given_offset = offsetof(struct draft_amount, has_##word), .help = (text)                  \
    }

static const struct schema_field fields_amount[] = {
    {"abs", SCHEMA_DECIMAL, SCHEMA_AT(struct draft_amount, abs), 0, LARGEST, .fallback = "",
     .given_offset = offsetof(struct draft_amount, has_abs),
     .help = "an amount in the account's currency, or a number of lots; exactly one of these keys"},
    AMOUNT_FRACTION(frac_initial, "of the initial balance"),
    AMOUNT_FRACTION(frac_anchor, "of the floor's anchor; elsewhere of the balance at the day's beginning"),
    AMOUNT_FRACTION(frac_sod_profit, "of the profit at the day's beginning, which counts as at least floor_of"),
    AMOUNT_FRACTION(frac_daily, "of the allowance of the daily floor"),
    {"floor_of", SCHEMA_DECIMAL, SCHEMA_AT(struct draft_amount, floor_of), 0, LARGEST, .fallback = "0",
     .unit = "of the account's currency", .help = "with frac_sod_profit: the least profit that is counted"},
    {"tiers", SCHEMA_LIST, SCHEMA_AT(struct draft_amount, tiers), 1, RULES_TIERS_MAX, .fallback = "", .unit = "tiers",
     .table = &table_tier, .element_size = sizeof(struct rules_tier),
     .count_offset = offsetof(struct draft_amount, tier_count),
     .help = "by the basis, ascending; the first also below it"},
    {"basis", SCHEMA_CHOICE, SCHEMA_AT(struct draft_amount, basis), .choices = bases, .fallback = "eod_profit",
     .help = "of tiers: profit at the last end of day, or equity as it stands"},
};
static const struct schema_table table_amount = SCHEMA_TABLE(fields_amount);

#define AMOUNT(key, type, member, ...)                                                                                 \
    {                                                                                                                  \
        key, SCHEMA_SECTION, SCHEMA_AT(type, member), .table = &table_amount, __VA_ARGS__                              \
    }

/* --- P1 --------------------------------------------------------------------------------------------- */

static const char *const floor_kinds[] = {"daily", "total", NULL};
const char *const rule_anchor_names[] = {"initial",         "snap_balance", "snap_equity", "snap_max", "run_closed",
                                         "run_eod_balance", "run_eod_max",  "run_equity",  "day_peak", NULL};
static const char *const breaches[] = {"lt", "le", NULL};
static const char *const measures[] = {"equity", "balance", "min_balance_equity", NULL};
static const char *const effects[] = {"terminate", "pause_until_boundary", NULL};
static const char *const checks[] = {"continuous", "at_boundary", NULL};
static const char *const payouts[] = {"none", "floor_to_initial", "floor_to_zero", "anchor_reset", NULL};

static const struct schema_field fields_lock[] = {
    {"when", SCHEMA_DECIMAL, SCHEMA_AT(struct draft_lock, when), -LARGEST, LARGEST,
     .help = "once the anchor is at the initial balance plus this ..."},
    {"at", SCHEMA_DECIMAL, SCHEMA_AT(struct draft_lock, at), -LARGEST, LARGEST,
     .help = "... the floor is at least the initial balance plus this"},
};
static const struct schema_table table_lock = SCHEMA_TABLE(fields_lock);

static const struct schema_field fields_floor[] = {
    HEAD_LIST,
    {"kind", SCHEMA_CHOICE, SCHEMA_AT(struct draft_floor, c.kind), .choices = floor_kinds, .fallback = "",
     .given_offset = offsetof(struct draft_floor, has_kind),
     .help = "what a refusal calls it; else daily for anchors of the day, total for the others"},
    {"anchor", SCHEMA_CHOICE, SCHEMA_AT(struct draft_floor, c.anchor), .choices = rule_anchor_names,
     .help = "the floor is this less the allowance: the initial balance; balance, equity or the higher of both at the "
             "day's beginning; the highest closed balance, end-of-day balance, end-of-day maximum or equity ever; "
             "the day's highest equity"},
    AMOUNT("allowance", struct draft_floor, allowance, .help = "what may be lost"),
    {"cap", SCHEMA_DECIMAL, SCHEMA_AT(struct draft_floor, c.cap), -LARGEST, LARGEST, .fallback = "",
     .unit = "of the account's currency", .given_offset = offsetof(struct draft_floor, c.has_cap),
     .help = "the floor never rises above the initial balance plus this; without it there is no cap"},
    {"lock", SCHEMA_SECTION, SCHEMA_AT(struct draft_floor, lock), .table = &table_lock, .fallback = "",
     .given_offset = offsetof(struct draft_floor, c.has_lock), .help = "a jump of the floor"},
    {"measure", SCHEMA_CHOICE, SCHEMA_AT(struct draft_floor, c.measure), .choices = measures, .fallback = "equity",
     .help = "what is compared with the floor"},
    {"breach_if", SCHEMA_CHOICE, SCHEMA_AT(struct draft_floor, c.breach), .choices = breaches,
     .help = "lt: out below the floor. le: out on reaching it"},
    {"check", SCHEMA_CHOICE, SCHEMA_AT(struct draft_floor, c.check), .choices = checks, .fallback = "continuous",
     .help = "when the firm looks"},
    {"on_breach", SCHEMA_CHOICE, SCHEMA_AT(struct draft_floor, c.effect), .choices = effects, .fallback = "terminate",
     .help = "what the firm does: end the account, or pause it to the next day"},
    {"payout_effect", SCHEMA_CHOICE, SCHEMA_AT(struct draft_floor, c.payout), .choices = payouts, .fallback = "none",
     .help = "what a payout does to the floor"},
};
static const struct schema_table table_floor = SCHEMA_TABLE(fields_floor);

/* --- P2, P3 ------------------------------------------------------------------------------------------- */

static const char *const groups[] = {"position", "idea", "symbol", "account", NULL};
static const char *const overs[] = {"gt", "ge", NULL};

static const struct schema_field fields_loss[] = {
    HEAD_LIST,
    {"group", SCHEMA_CHOICE, SCHEMA_AT(struct draft_loss, c.group), .choices = groups,
     .help = "whose losses are added up; idea: one symbol and side, with re-entries within window after a loss"},
    AMOUNT("limit", struct draft_loss, limit, .help = "the most that may be lost"),
    {"breach_if", SCHEMA_CHOICE, SCHEMA_AT(struct draft_loss, c.over), .choices = overs,
     .help = "gt: losing more is a breach. ge: losing as much is"},
    {"window", SCHEMA_SECONDS, SCHEMA_AT(struct draft_loss, c.window_s), 0, DAY_S, .fallback = "0s",
     .help = "idea: a re-entry so soon (inclusive) after a losing close belongs to it"},
    {"floating_only", SCHEMA_FLAG, SCHEMA_AT(struct draft_loss, c.floating_only), .fallback = "false",
     .help = "only open losses count"},
    {"highest_stop", SCHEMA_FLAG, SCHEMA_AT(struct draft_loss, c.highest_stop), .fallback = "false",
     .help = "the widest stop that was ever set counts"},
};
static const struct schema_table table_loss = SCHEMA_TABLE(fields_loss);

static const char *const counted[] = {"lots_per_order",   "lots_open",       "lots_per_side", "lots_per_day",
                                      "positions_symbol", "positions_total", "margin_share",  NULL};
static const char *const asset_classes[] = {"fx", "metal", "index", "crypto", "future", NULL};

#define WHICH(type)                                                                                                    \
    {"symbols",                                                                                                        \
     SCHEMA_SYMBOLS,                                                                                                   \
     SCHEMA_AT(type, symbols),                                                                                         \
     1,                                                                                                                \
     24,                                                                                                               \
     .fallback = "",                                                                                                   \
     .unit = "symbols",                                                                                                \
     .help = "instruments that it is about; with classes, both together; neither: all"},                               \
    {                                                                                                                  \
        "classes", SCHEMA_BITS, SCHEMA_AT(type, classes), 1, 5,                                                        \
            .fallback = "", .unit = "classes", .choices = asset_classes, .help = "instruments of these classes"        \
    }

static const struct schema_field fields_weight[] = {
    {"symbols", SCHEMA_SYMBOLS, SCHEMA_AT(struct draft_weight, symbols), 1, 24, .unit = "symbols",
     .help = "instruments"},
    {"weight", SCHEMA_DECIMAL, SCHEMA_AT(struct draft_weight, weight), 1, 1000 * DEC_ONE,
     .help = "what one lot of them counts: a mini 1, a micro 0.1"},
};
static const struct schema_table table_weight = SCHEMA_TABLE(fields_weight);

static const struct schema_field fields_exposure[] = {
    HEAD_LIST,
    {"counts", SCHEMA_CHOICE, SCHEMA_AT(struct draft_exposure, c.counted), .choices = counted,
     .help = "what is counted; lots_per_side: open and working; lots_per_day: opened today and carried over"},
    AMOUNT("limit", struct draft_exposure, limit, .help = "the most: abs or tiers; margin_share: abs, 0.4 is 40 %"),
    WHICH(struct draft_exposure),
    {"weights", SCHEMA_LIST, SCHEMA_AT(struct draft_exposure, weights), 1, DRAFT_WEIGHTS_MAX, .fallback = "",
     .unit = "groups", .table = &table_weight, .element_size = sizeof(struct draft_weight),
     .count_offset = offsetof(struct draft_exposure, weight_count),
     .place_offset = offsetof(struct draft_weight, place),
     .help = "lots that count other than 1; without symbols and classes it is about these alone"},
};
static const struct schema_table table_exposure = SCHEMA_TABLE(fields_exposure);

/* --- P4, P5, P6 ------------------------------------------------------------------------------------- */

static const char *const actions[] = {"open", "increase", "close", "fill", "hold", "cancel", NULL};
static const char *const window_kinds[] = {"news", "daily_span", "market_close", "payout_pending", NULL};

/* As the calendar's files write it (calendar_parse_importance); compile_window makes numbers of the numerals. */
static const char *const importances[] = {"all", "low", "medium", "high", "1", "2", "3", NULL};

static const struct schema_field fields_window[] = {
    HEAD_LIST,
    {"kind", SCHEMA_CHOICE, SCHEMA_AT(struct draft_window, c.kind), .choices = window_kinds,
     .help = "around news of the instrument; from..to of each day; before a market close; while a payout is processed"},
    {"forbid", SCHEMA_BITS, SCHEMA_AT(struct draft_window, c.forbids), 1, 6, .choices = actions, .unit = "actions",
     .help = "what may not happen in it; fill: of a stop or target; hold: over it"},
    WHICH(struct draft_window),
    {"zone", SCHEMA_ZONE, SCHEMA_AT(struct draft_window, c.zone), .fallback = "",
     .given_offset = offsetof(struct draft_window, has_zone), .help = "daily_span: zone of from and to"},
    {"from", SCHEMA_TIME, SCHEMA_AT(struct draft_window, c.from_s), 0, DAY_S - 1, .fallback = "",
     .given_offset = offsetof(struct draft_window, has_from), .help = "daily_span: begins at this time"},
    {"to", SCHEMA_TIME, SCHEMA_AT(struct draft_window, c.to_s), 0, DAY_S - 1, .fallback = "",
     .given_offset = offsetof(struct draft_window, has_to),
     .help = "daily_span: ends before it; over midnight when from is later"},
    {"before", SCHEMA_SECONDS, SCHEMA_AT(struct draft_window, c.before_s), 0, 7 * DAY_S, .fallback = "0s",
     .help = "news, market_close: begins so long before it (inclusive)"},
    {"after", SCHEMA_SECONDS, SCHEMA_AT(struct draft_window, c.after_s), 0, 7 * DAY_S, .fallback = "0s",
     .help = "news: ends so long after it (inclusive)"},
    {"importance", SCHEMA_CHOICE, SCHEMA_AT(struct draft_window, c.importance), .choices = importances, .fallback = "all",
     .help = "news: of the calendar's releases those of at least this (1 low, 2 medium, 3 high)"},
    {"closed_for", SCHEMA_SECONDS, SCHEMA_AT(struct draft_window, c.closed_s), 0, 7 * DAY_S, .fallback = "0s",
     .help = "market_close: only closes that last at least this"},
    {"hold_if_opened_before", SCHEMA_SECONDS, SCHEMA_AT(struct draft_window, c.hold_if_opened_before_s), 0, 7 * DAY_S,
     .fallback = "0s", .help = "news: positions at least this old may be closed inside; 0s: none may"},
    {"lead", SCHEMA_SECONDS, SCHEMA_AT(struct draft_window, c.lead_s), 0, DAY_S, .fallback = "2m",
     .help = "ours: flattening begins so long before a window that forbids hold"},
    {"cancel_pendings", SCHEMA_FLAG, SCHEMA_AT(struct draft_window, c.cancel_pendings), .fallback = "false",
     .help = "working orders are cancelled before it"},
};
static const struct schema_table table_window = SCHEMA_TABLE(fields_window);

static const char *const hold_kinds[] = {"min_hold", "share_of_trades", "share_of_profit", "mean_duration", NULL};

static const struct schema_field fields_hold[] = {
    HEAD_LIST,
    {"kind", SCHEMA_CHOICE, SCHEMA_AT(struct draft_hold, c.kind), .choices = hold_kinds,
     .help = "each position held so long; the share of trades or of profit by duration; the mean duration"},
    {"duration", SCHEMA_SECONDS, SCHEMA_AT(struct draft_hold, c.tau_s), 1, 7 * DAY_S,
     .help = "the duration it is about"},
    {"breach_if", SCHEMA_CHOICE, SCHEMA_AT(struct draft_hold, c.over), .choices = overs, .fallback = "ge",
     .help = "shares: gt: more than the share is a breach. ge: as much is"},
    {"share", SCHEMA_FRACTION, SCHEMA_AT(struct draft_hold, c.max_share), 0, 100 * PERCENT, .fallback = "0%",
     .help = "shares: of trades or profit"},
    {"at_least", SCHEMA_FLAG, SCHEMA_AT(struct draft_hold, c.at_least), .fallback = "false",
     .help = "true: what lasted longer must make up more than share; false: what lasted less must stay below it"},
};
static const struct schema_table table_hold = SCHEMA_TABLE(fields_hold);

static const char *const messages[] = {"messages", "orders", "changes", "executions", "working_orders", NULL};

static const struct schema_field fields_rate[] = {
    HEAD_LIST,
    {"counts", SCHEMA_CHOICE, SCHEMA_AT(struct draft_rate, c.counted), .choices = messages, .help = "what is counted"},
    {"window", SCHEMA_SECONDS, SCHEMA_AT(struct draft_rate, c.window_s), 0, DAY_S, .fallback = "0s",
     .help = "rolling; 0s: the firm's day (working_orders: at once)"},
    {"max", SCHEMA_COUNT, SCHEMA_AT(struct draft_rate, c.max), 1, 10000000, .help = "the most"},
};
static const struct schema_table table_rate = SCHEMA_TABLE(fields_rate);

/* --- P7 to P12 ------------------------------------------------------------------------------------------ */

static const char *const days_counted[] = {"opened", "traded", "profit", NULL};
static const char *const denominators[] = {"net", "positive_days", NULL};

static const struct schema_field fields_best_day[] = {
    {"max", SCHEMA_FRACTION, SCHEMA_AT(struct draft_best_day, max), PERCENT, 100 * PERCENT,
     .help = "the most that the best day may have made"},
    {"strict", SCHEMA_FLAG, SCHEMA_AT(struct draft_best_day, strict), .fallback = "true",
     .help = "exactly as much is too much"},
    {"denominator", SCHEMA_CHOICE, SCHEMA_AT(struct draft_best_day, denominator), .choices = denominators,
     .fallback = "net", .help = "of what: the net profit, or the sum of the days with a profit"},
};
static const struct schema_table table_best_day = SCHEMA_TABLE(fields_best_day);

static const struct schema_field fields_shape[] = {
    HEAD_SECTION("shape"),
    AMOUNT("target", struct draft_shape, target, .fallback = "",
           .given_offset = offsetof(struct draft_shape, has_target),
           .help = "profit that passes, on balance: abs or frac_initial"),
    {"target_flat", SCHEMA_FLAG, SCHEMA_AT(struct draft_shape, c.target_flat), .fallback = "true",
     .help = "with nothing open"},
    {"min_days", SCHEMA_COUNT, SCHEMA_AT(struct draft_shape, c.min_days), 0, 365, .fallback = "0", .unit = "days",
     .help = "at least so many"},
    {"days_counted", SCHEMA_CHOICE, SCHEMA_AT(struct draft_shape, c.days_counted), .choices = days_counted,
     .fallback = "traded", .help = "a day counts when something is opened, traded, or earns day_profit"},
    AMOUNT("day_profit", struct draft_shape, day_profit, .fallback = "",
           .given_offset = offsetof(struct draft_shape, has_day_profit), .help = "days of profit: abs or frac_initial"),
    {"best_day", SCHEMA_SECTION, SCHEMA_AT(struct draft_shape, best_day), .table = &table_best_day, .fallback = "",
     .given_offset = offsetof(struct draft_shape, has_best_day), .help = "consistency"},
    {"daily_profit_cap", SCHEMA_DECIMAL, SCHEMA_AT(struct draft_shape, c.daily_profit_cap), 0, LARGEST, .fallback = "0",
     .unit = "of the account's currency", .help = "more in a day is deducted; 0: none"},
};
static const struct schema_table table_shape = SCHEMA_TABLE(fields_shape);

static const struct schema_field fields_stop[] = {
    HEAD_SECTION("stop"),
    {"required", SCHEMA_FLAG, SCHEMA_AT(struct draft_stop, c.required), .fallback = "false",
     .help = "the firm wants one"},
    {"within", SCHEMA_SECONDS, SCHEMA_AT(struct draft_stop, c.within_s), 0, HOUR_S, .fallback = "0s",
     .help = "after the fill; 0s: at once"},
    {"max_stop_to_target", SCHEMA_DECIMAL, SCHEMA_AT(struct draft_stop, c.max_stop_to_target), 0, 1000 * DEC_ONE,
     .fallback = "0", .help = "stop distance over target distance; 0: any"},
};
static const struct schema_table table_stop = SCHEMA_TABLE(fields_stop);

static const char *const hedges[] = {"allowed", "refused", "unknown", NULL};

static const struct schema_field fields_group[] = {
    {"symbols", SCHEMA_SYMBOLS, SCHEMA_AT(struct draft_group, symbols), 1, 24, .unit = "symbols",
     .help = "instruments that count as one"},
};
static const struct schema_table table_group = SCHEMA_TABLE(fields_group);

static const struct schema_field fields_direction[] = {
    HEAD_SECTION("direction"),
    {"same_account_hedge", SCHEMA_CHOICE, SCHEMA_AT(struct draft_direction, hedge), .choices = hedges,
     .fallback = "unknown", .help = "both sides in one account; unknown is taken for refused"},
    {"groups", SCHEMA_LIST, SCHEMA_AT(struct draft_direction, groups), 1, RULES_GROUPS_MAX, .fallback = "",
     .unit = "groups", .table = &table_group, .element_size = sizeof(struct draft_group),
     .count_offset = offsetof(struct draft_direction, group_count), .place_offset = offsetof(struct draft_group, place),
     .help = "instruments that the firm takes for one market"},
    {"adds_to_loser_max", SCHEMA_COUNT, SCHEMA_AT(struct draft_direction, c.adds_to_loser_max), 0, 1000,
     .fallback = "0", .unit = "positions", .help = "on one side of an instrument that loses; 0: any"},
    {"no_larger_after_loss", SCHEMA_FLAG, SCHEMA_AT(struct draft_direction, c.no_larger_after_loss),
     .fallback = "false", .help = "no larger size after a losing trade"},
};
static const struct schema_table table_direction = SCHEMA_TABLE(fields_direction);

static const char *const copies[] = {
    "own", "own_challenge_only", "own_not_eval_to_eval", "exclusive_symbol", "spaced", "independent", NULL};

static const struct schema_field fields_cross[] = {
    HEAD_SECTION("cross"),
    {"opposite_firm", SCHEMA_FLAG, SCHEMA_AT(struct draft_cross, c.opposite_firm), .fallback = "true",
     .help = "no account against another of this firm on one instrument"},
    {"opposite_all", SCHEMA_FLAG, SCHEMA_AT(struct draft_cross, c.opposite_all), .fallback = "false",
     .help = "nor against one at another firm"},
    {"copy", SCHEMA_CHOICE, SCHEMA_AT(struct draft_cross, c.copy), .choices = copies, .fallback = "independent",
     .help = "the same trade on own accounts: allowed; between challenges only; not between two evaluations; no "
             "instrument on two accounts; only within spacing; not at all"},
    {"spacing", SCHEMA_SECONDS, SCHEMA_AT(struct draft_cross, c.spacing_s), 0, DAY_S, .fallback = "0s",
     .help = "spaced: the second account at most so long (inclusive) after the first"},
    {"capital_cap", SCHEMA_DECIMAL, SCHEMA_AT(struct draft_cross, c.capital_cap), 0, LARGEST, .fallback = "0",
     .unit = "of the account's currency",
     .help = "initial balances of the owner's accounts here of this stage; 0: none"},
    {"identical_cap", SCHEMA_DECIMAL, SCHEMA_AT(struct draft_cross, c.identical_cap), 0, LARGEST, .fallback = "0",
     .unit = "of the account's currency", .help = "above it no identical trades; 0: none"},
    {"strategy_exclusive", SCHEMA_FLAG, SCHEMA_AT(struct draft_cross, c.strategy_exclusive), .fallback = "false",
     .help = "the personality is used at no other firm"},
    {"accounts_max", SCHEMA_COUNT, SCHEMA_AT(struct draft_cross, c.accounts_max), 0, 1000, .fallback = "0",
     .unit = "accounts", .help = "of this stage at this firm; 0: any"},
};
static const struct schema_table table_cross = SCHEMA_TABLE(fields_cross);

static const char *const automation[] = {"allowed",  "own",          "own_with_proof", "own_source_shared",
                                         "approval", "own_attended", "manual_only",    NULL};
static const char *const hosts[] = {"own_device", "server", "vps", "vpn", "remote", NULL};

static const struct schema_field fields_conduct[] = {
    HEAD_SECTION("conduct"),
    {"automation", SCHEMA_CHOICE, SCHEMA_AT(struct draft_conduct, c.automation), .choices = automation,
     .help = "what the firm says about programs that trade; manual_only leaves only observing"},
    {"hosts_refused", SCHEMA_BITS, SCHEMA_AT(struct draft_conduct, c.hosts_refused), 1, 5, .fallback = "",
     .choices = hosts, .unit = "hosts", .help = "from where it may not be traded; the fleet's is host in fleet.yaml"},
    {"automated_flag", SCHEMA_FLAG, SCHEMA_AT(struct draft_conduct, c.automated_flag), .fallback = "false",
     .help = "orders must say that a program sent them"},
};
static const struct schema_table table_conduct = SCHEMA_TABLE(fields_conduct);

static const struct schema_field fields_life[] = {
    HEAD_SECTION("life"),
    {"inactivity_days", SCHEMA_COUNT, SCHEMA_AT(struct draft_life, c.inactivity_days), 0, 3650, .fallback = "0",
     .unit = "days", .help = "without an order end the account; 0: none known"},
    {"inactivity_warn_days", SCHEMA_COUNT, SCHEMA_AT(struct draft_life, c.inactivity_warn_days), 0, 3650,
     .fallback = "0", .unit = "days", .help = "a warning from here on; 0: four fifths of inactivity_days"},
    {"payout_freeze", SCHEMA_FLAG, SCHEMA_AT(struct draft_life, c.payout_freeze), .fallback = "false",
     .help = "no order while a payout is processed"},
};
static const struct schema_table table_life = SCHEMA_TABLE(fields_life);

/* --- ours ----------------------------------------------------------------------------------------------- */

#define TICKS(word, member, usual, text)                                                                               \
    {                                                                                                                  \
        word, SCHEMA_COUNT, SCHEMA_AT(struct draft_guard, c.member), 0, 1000000, .fallback = (usual), .unit = "ticks", \
                                                                                 .help = (text)                        \
    }
#define SECONDS(word, member, high, usual, text)                                                                       \
    {                                                                                                                  \
        word, SCHEMA_SECONDS, SCHEMA_AT(struct draft_guard, c.member), 0, (high), .fallback = (usual), .help = (text)  \
    }

static const struct schema_field fields_guard[] = {
    {"fixed", SCHEMA_DECIMAL, SCHEMA_AT(struct draft_guard, c.fixed_abs), 0, LARGEST, .fallback = "0",
     .unit = "of the account's currency", .help = "kept above every floor, beside what leaving would cost"},
    {"fixed_frac", SCHEMA_FRACTION, SCHEMA_AT(struct draft_guard, c.fixed_fraction), 0, 10 * PERCENT,
     .fallback = "0.1%", .help = "the same as a share of the initial balance; both are added"},
    {"warn", SCHEMA_FRACTION, SCHEMA_AT(struct draft_guard, c.warn_fraction), 0, 100 * PERCENT, .fallback = "30%",
     .help = "of the nearest floor's allowance: nearer than this, nothing new is opened"},
    TICKS("slip", slip_ticks, "3", "slippage when we leave"),
    TICKS("slip_news", slip_ticks_news, "20", "the same around news"),
    TICKS("slip_rollover", slip_ticks_rollover, "15", "the same around the rollover"),
    {"gap", SCHEMA_FRACTION, SCHEMA_AT(struct draft_guard, c.gap_fraction), 0, 50 * PERCENT, .fallback = "1.5%",
     .help = "of the price: the distance charged for what is held over a market close"},
    {"velocity", SCHEMA_DECIMAL, SCHEMA_AT(struct draft_guard, c.velocity_ticks_s), 0, 1000000 * DEC_ONE,
     .fallback = "8", .unit = "ticks a second", .help = "how fast the market runs away while we close"},
    {"latency", SCHEMA_DURATION, SCHEMA_AT(struct draft_guard, latency_ns), CLOCK_NS_PER_MS, 60 * CLOCK_NS_PER_S,
     .fallback = "250ms", .help = "until a close is at the venue"},
    SECONDS("lookahead", lookahead_s, 6 * HOUR_S, "10m", "before a boundary the next day's floor counts too"),
    SECONDS("block", block_s, HOUR_S, "2s", "age of the last confirmed equity from which nothing is opened"),
    SECONDS("blind", blind_s, HOUR_S, "15s", "age of it from which everything is closed by any way there is"),
    {"require_stop", SCHEMA_FLAG, SCHEMA_AT(struct draft_guard, c.require_stop), .fallback = "true",
     .help = "no order without a stop"},
    {"haircut", SCHEMA_FRACTION, SCHEMA_AT(struct draft_guard, c.haircut), 0, 50 * PERCENT, .fallback = "2%",
     .help = "on conversion into the account's currency"},
};
static const struct schema_table table_guard = SCHEMA_TABLE(fields_guard);

/* --- the file --------------------------------------------------------------------------------------------- */

#define RULE_LIST(word, type, base, member, counter, text)                                                             \
    {                                                                                                                  \
        word, SCHEMA_LIST, SCHEMA_AT(base, member), 0, DRAFT_RULES_MAX,                                                \
            .fallback = "", .unit = "rules", .table = &table_##type, .element_size = sizeof(struct draft_##type),      \
            .count_offset = offsetof(base, counter), .place_offset = offsetof(struct draft_head, place),               \
            .help = (text)                                                                                             \
    }
#define RULE_SECTION(word, type, base, member, flag, text)                                                             \
    {                                                                                                                  \
        word, SCHEMA_SECTION, SCHEMA_AT(base, member),                                                                 \
            .table = &table_##type, .fallback = "", .given_offset = offsetof(base, flag),                              \
            .place_offset = offsetof(struct draft_head, place), .help = (text)                                         \
    }
/* prefix: "" in base, "rules." in a phase. */
#define RULES(base, prefix)                                                                                            \
    RULE_LIST("loss_floors", floor, base, prefix floors, prefix floor_count, "P1: what equity may not fall to"),       \
        RULE_LIST("open_loss_caps", loss, base, prefix losses, prefix loss_count, "P2: what open trades may lose"),    \
        RULE_LIST("exposure_caps", exposure, base, prefix exposures, prefix exposure_count, "P3: sizes and numbers"),  \
        RULE_LIST("time_windows", window, base, prefix windows, prefix window_count,                                   \
                  "P4: when something is forbidden"),                                                                  \
        RULE_LIST("hold_time", hold, base, prefix holds, prefix hold_count, "P5: how long trades last"),               \
        RULE_LIST("rate_caps", rate, base, prefix rates, prefix rate_count, "P6: numbers of messages"),                \
        RULE_SECTION("profit_shape", shape, base, prefix shape, prefix has_shape, "P7: what passes, what is paid"),    \
        RULE_SECTION("stop_policy", stop, base, prefix stop, prefix has_stop, "P8: stops"),                            \
        RULE_SECTION("direction", direction, base, prefix direction, prefix has_direction, "P9: sides and adding"),    \
        RULE_SECTION("cross_account", cross, base, prefix cross, prefix has_cross, "P10: all accounts of the owner"),  \
        RULE_SECTION("conduct", conduct, base, prefix conduct, prefix has_conduct, "P11: who trades, from where"),     \
        RULE_SECTION("lifecycle", life, base, prefix life, prefix has_life, "P12: inactivity, payouts"),               \
    {                                                                                                                  \
        "guard", SCHEMA_SECTION, SCHEMA_AT(base, prefix guard), .table = &table_guard, .fallback = "",                 \
                                                                .given_offset = offsetof(base, prefix has_guard),      \
                                                                .help = "ours, never the firm's"                       \
    }

static const struct schema_field fields_base[] = {RULES(struct draft_rules, )};
static const struct schema_table table_base = SCHEMA_TABLE(fields_base);

static const char *const stages[] = {"eval", "funded", NULL};

static const struct schema_field fields_phase[] = {
    {"stage", SCHEMA_CHOICE, SCHEMA_AT(struct draft_phase, stage), .choices = stages, .help = "evaluation or funded"},
    {"inherits", SCHEMA_REFERENCE, SCHEMA_AT(struct draft_phase, inherits), .fallback = "",
     .help = "another phase of this file, which takes the place of base"},
    {"drop", SCHEMA_REFERENCES, SCHEMA_AT(struct draft_phase, drop), 1, DRAFT_DROP_MAX, .fallback = "", .unit = "ids",
     .count_offset = offsetof(struct draft_phase, drop_count), .help = "rules of base that do not hold here"},
    {"initial", SCHEMA_DECIMAL, SCHEMA_AT(struct draft_phase, initial), 0, LARGEST, .fallback = "",
     .unit = "of the account's currency", .given_offset = offsetof(struct draft_phase, has_initial),
     .help = "balance at the beginning, where it is not the account's size; such accounts only observe"},
    RULES(struct draft_phase, rules.),
};
static const struct schema_table table_phase = SCHEMA_TABLE(fields_phase);

const char *const rule_source_kinds[] = {"official", "official_old", "support_ticket", "dataset", "aggregator", NULL};

static const struct schema_field fields_source[] = {
    {"url", SCHEMA_TEXT, SCHEMA_AT(struct draft_source, url), .help = "where"},
    {"kind", SCHEMA_CHOICE, SCHEMA_AT(struct draft_source, kind), .choices = rule_source_kinds,
     .help = "the firm's page, an old copy of it, its support, a public data set, a review"},
    {"date", SCHEMA_DATE, SCHEMA_AT(struct draft_source, date), .fallback = "",
     .help = "the page's own, where it shows one"},
    {"note", SCHEMA_TEXT, SCHEMA_AT(struct draft_source, note), .fallback = "",
     .help = "read through whom, about what"},
};
static const struct schema_table table_source = SCHEMA_TABLE(fields_source);

static const struct schema_field fields_day[] = {
    {"zone", SCHEMA_ZONE, SCHEMA_AT(struct draft_day, zone), .help = "zone of the firm's trading day"},
    {"at", SCHEMA_TIME, SCHEMA_AT(struct draft_day, at_s), 0, DAY_S - 1, .help = "local time at which it begins"},
};
static const struct schema_table table_day = SCHEMA_TABLE(fields_day);

static const struct schema_field fields_programme[] = {
    {"config_version", SCHEMA_COUNT, SCHEMA_AT(struct draft_programme, config_version), 2, 2,
     .help = "the form of this file; this program reads 2 (1 had one phase, and floors alone)"},
    {"firm", SCHEMA_LABEL, SCHEMA_AT(struct draft_programme, firm), .help = "the firm"},
    {"programme", SCHEMA_LABEL, SCHEMA_AT(struct draft_programme, name),
     .help = "the programme; accounts name it as firm/programme"},
    {"verified", SCHEMA_DATE, SCHEMA_AT(struct draft_programme, verified),
     .help = "day on which the rules were last compared with the firm's text"},
    {"max_age_days", SCHEMA_COUNT, SCHEMA_AT(struct draft_programme, max_age_days), 1, 3650, .fallback = "90",
     .unit = "days", .help = "older than this, every load warns, and live accounts only reduce"},
    {"how", SCHEMA_TEXT, SCHEMA_AT(struct draft_programme, how), .fallback = "", .help = "how they were compared"},
    {"sizes", SCHEMA_DECIMALS, SCHEMA_AT(struct draft_programme, sizes), 1, CONFIG_SIZES_MAX, .fallback = "",
     .count_offset = offsetof(struct draft_programme, size_count),
     .help = "initial balances that the firm offers; without it, any"},
    {"sources", SCHEMA_MAP, SCHEMA_AT(struct draft_programme, sources), 1, RULES_SOURCES_MAX, .unit = "sources",
     .table = &table_source, .element_size = sizeof(struct draft_source),
     .count_offset = offsetof(struct draft_programme, source_count),
     .place_offset = offsetof(struct draft_source, place),
     .help = "each key (at most seven capitals and digits) with where it leads"},
    {"day", SCHEMA_SECTION, SCHEMA_AT(struct draft_programme, day), .table = &table_day,
     .help = "the firm's trading day"},
    {"alt_days", SCHEMA_LIST, SCHEMA_AT(struct draft_programme, alt_days), 1, RULES_DAYS_MAX - 1, .fallback = "",
     .unit = "days", .table = &table_day, .element_size = sizeof(struct draft_day),
     .count_offset = offsetof(struct draft_programme, alt_day_count), .place_offset = offsetof(struct draft_day, place),
     .help = "other days that the text may mean: floors are kept for each, the highest rules"},
    {"base", SCHEMA_SECTION, SCHEMA_AT(struct draft_programme, base), .table = &table_base, .fallback = "",
     .help = "what all phases have in common"},
    {"phases", SCHEMA_MAP, SCHEMA_AT(struct draft_programme, phases), 1, DRAFT_PHASES_MAX, .unit = "phases",
     .table = &table_phase, .element_size = sizeof(struct draft_phase),
     .count_offset = offsetof(struct draft_programme, phase_count), .place_offset = offsetof(struct draft_phase, place),
     .names = SCHEMA_LABEL,
     .help = "each with its stage, and rules that replace those of base with the same id, or are added"},
    {"unknown", SCHEMA_LINES, SCHEMA_AT(struct draft_programme, unknown), 1, 16, .fallback = "", .unit = "texts",
     .help = "what the firm's text leaves open; shown, never guessed"},
};
const struct schema_table table_programme = SCHEMA_TABLE(fields_programme);
