#include "tools/rules_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/values.h"
#include "tools/text.h"

/* A sentence that grows in a buffer. */
struct words {
    char *buf;
    size_t length;
};

static void say(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct words *w, const char *format, ...)
{
    va_list args;
    if (w->length >= RULES_TEXT_MAX)
        return;
    va_start(args, format);
    int n = vsnprintf(w->buf + w->length, RULES_TEXT_MAX - w->length, format, args);
    va_end(args);
    w->length += n > 0 ? (size_t)n : 0;
}

#define BEGIN                                                                                                          \
    struct words words = {buf, 0}, *w = &words;                                                                        \
    buf[0] = 0
#define NAME(names, value) ((value) < sizeof(names) / sizeof(names)[0] ? (names)[value] : "?")

static const char *duration(int32_t seconds, char *buf)
{
    return value_show_seconds(seconds, buf);
}

/* --- amounts ------------------------------------------------------------------------------------- */

static void say_amount(struct words *w, const struct rules_amount *amount, const char *anchor)
{
    char one[VALUES_TEXT_MAX], two[TEXT_MAX];
    switch ((enum rules_amount_kind)amount->kind) {
    case RULES_ABS:
        say(w, "%s", text_decimal(amount->value, two));
        break;
    case RULES_FRAC_INITIAL:
        say(w, "%s of the initial balance", value_show_fraction(amount->value, one));
        break;
    case RULES_FRAC_ANCHOR:
        say(w, "%s of %s", value_show_fraction(amount->value, one), anchor);
        break;
    case RULES_FRAC_SOD_PROFIT:
        say(w, "%s of the profit at the day's beginning (at least of %s)", value_show_fraction(amount->value, one),
            text_decimal(amount->floor_of, two));
        break;
    case RULES_FRAC_DAILY:
        say(w, "%s of the daily allowance", value_show_fraction(amount->value, one));
        break;
    case RULES_TIERED:
        for (uint32_t i = 0; i < amount->tier_count; i++) {
            say(w, "%s%s", i > 0 ? ", " : "", text_decimal(amount->tiers[i].value, two));
            if (i > 0)
                say(w, " from %s%s", text_decimal(amount->tiers[i].from, two),
                    i > 1 ? "" : amount->basis == RULES_LIVE_EQUITY ? " of equity" : " of profit at the end of a day");
        }
        break;
    }
}

/* As it is at the beginning of the phase; DEC_NONE: not said in money. */
static dec_t amount_at_start(const struct rules_amount *amount, dec_t initial)
{
    dec_t value = DEC_NONE;
    if (amount->kind == RULES_ABS || amount->kind == RULES_TIERED)
        return amount->value;
    if (amount->kind == RULES_FRAC_INITIAL || amount->kind == RULES_FRAC_ANCHOR)
        if (dec_mul(initial, amount->value, DEC_ROUND_FLOOR, &value) != 0)
            return DEC_NONE;
    return value;
}

static void say_instruments(struct words *w, const struct rules_scope *scope, uint32_t mask)
{
    uint32_t all = (uint32_t)((UINT64_C(1) << scope->config->instrument_count) - 1);
    bool first = true;
    if (mask == all)
        return;
    say(w, mask == 0 ? ", for instruments that the fleet does not know" : ", for");
    for (uint32_t i = 0; i < scope->config->instrument_count; i++)
        if (mask >> i & 1) {
            say(w, "%s%s", first ? " " : ", ", scope->config->instruments[i].symbol);
            first = false;
        }
}

/* --- P1 ------------------------------------------------------------------------------------------- */

static const char *const anchors[] = {
    "the initial balance", "the balance at the day's beginning", "the equity at the day's beginning",
    "the higher of balance and equity at the day's beginning", "the highest closed balance", "the highest end-of-day balance",
    "the highest end-of-day balance or equity", "the highest equity ever", "the day's highest equity"};
static const char *const measures[] = {"equity", "balance", "the lower of balance and equity"};

static void say_example(struct words *w, const struct rules_scope *scope, const struct rules_floor *rule)
{
    char size[TEXT_MAX], level[TEXT_MAX];
    dec_t allowance = amount_at_start(&rule->allowance, scope->initial), floor, cap;
    if (allowance == DEC_NONE || dec_sub(scope->initial, allowance, &floor) != 0)
        return;
    if (rule->has_cap && dec_add(scope->initial, rule->cap, &cap) == 0)
        floor = dec_min(floor, cap);
    say(w, "; of %s at the beginning: %s", text_money(scope->initial, size), text_money(floor, level));
}

const char *rules_text_floor(const struct rules_scope *scope, const struct rules_floor *rule, char buf[RULES_TEXT_MAX])
{
    static const char *const payouts[] = {"", "; a payout lifts it to the initial balance", "; a payout lifts it to 0",
                                          "; a payout sets the mark anew"};
    char money[TEXT_MAX], at[TEXT_MAX];
    BEGIN;
    say(w, "floor = %s - ", NAME(anchors, rule->anchor));
    say_amount(w, &rule->allowance, "it");
    if (rule->has_cap)
        say(w, ", at most %s%s", rule->cap >= 0 ? "the initial balance + " : "the initial balance ", text_decimal(rule->cap, money));
    if (rule->has_lock)
        say(w, ", at least the initial balance + %s once the mark is at + %s", text_decimal(rule->lock_at, at),
            text_decimal(rule->lock_when, money));
    say(w, "; %s when %s %s it", rule->effect == RULES_EFFECT_PAUSE ? "paused to the next day" : "the account ends",
        NAME(measures, rule->measure), rule->breach == RULES_LE ? "reaches" : "is below");
    if (rule->check == RULES_AT_BOUNDARY)
        say(w, ", looked at when the day ends");
    say(w, "%s", NAME(payouts, rule->payout));
    say_example(w, scope, rule);
    return buf;
}

/* --- P2, P3 --------------------------------------------------------------------------------------- */

const char *rules_text_loss(const struct rules_scope *scope, const struct rules_loss *rule, char buf[RULES_TEXT_MAX])
{
    static const char *const groups[] = {"one position", "one idea (symbol and side)", "one symbol", "the account"};
    char text[VALUES_TEXT_MAX], money[TEXT_MAX];
    BEGIN;
    say(w, "%s of %s %s ", rule->floating_only ? "open losses" : "losses", NAME(groups, rule->group),
        rule->over == RULES_GE ? "must stay below" : "must not exceed");
    say_amount(w, &rule->limit, "the balance at the day's beginning");
    if (rule->group == RULES_GROUP_IDEA && rule->window_s > 0)
        say(w, "; a re-entry within %s of a losing close is the same idea", duration(rule->window_s, text));
    if (rule->highest_stop)
        say(w, "; the widest stop counts");
    if (rule->limit.kind == RULES_FRAC_INITIAL)
        say(w, "; of %s: %s", text_money(scope->initial, text), text_money(amount_at_start(&rule->limit, scope->initial), money));
    return buf;
}

const char *rules_text_exposure(const struct rules_scope *scope, const struct rules_exposure *rule, char buf[RULES_TEXT_MAX])
{
    static const char *const counted[] = {"lots of one order", "lots open", "lots open and working on one side",
                                          "lots opened in a day, with those carried over", "positions of one symbol", "positions",
                                          "margin as a share of equity"};
    char text[TEXT_MAX];
    bool first = true;
    BEGIN;
    say(w, "%s: at most ", NAME(counted, rule->counted));
    say_amount(w, &rule->limit, "?");
    say_instruments(w, scope, rule->instruments);
    for (uint32_t i = 0; i < scope->config->instrument_count; i++)
        if (rule->instruments >> i & 1 && rule->weight[i] != DEC_ONE) {
            say(w, "%s%s counts %s", first ? "; one lot of " : ", ", scope->config->instruments[i].symbol,
                text_decimal(rule->weight[i], text));
            first = false;
        }
    return buf;
}

/* --- P4, P5, P6 -------------------------------------------------------------------------------------- */

static void say_actions(struct words *w, uint32_t actions)
{
    static const char *const names[] = {"open", "increase", "close", "fill of a stop or target", "hold", "cancel"};
    bool first = true;
    for (uint32_t i = 0; i < 6; i++)
        if (actions >> i & 1) {
            say(w, "%s%s", first ? "" : ", ", names[i]);
            first = false;
        }
}

static void say_when(struct words *w, const struct rules_scope *scope, const struct rules_window *rule)
{
    char one[VALUES_TEXT_MAX], two[VALUES_TEXT_MAX];
    switch ((enum rules_window_kind)rule->kind) {
    case RULES_NEWS:
        say(w, "from %s before to %s after news of the instrument", duration(rule->before_s, one), duration(rule->after_s, two));
        if (rule->importance > 0)
            say(w, " of %s importance", rule->importance == 1 ? "any" : rule->importance == 2 ? "at least medium" : "high");
        if (rule->hold_if_opened_before_s > 0)
            say(w, " (but what was opened %s before may be closed)", duration(rule->hold_if_opened_before_s, one));
        break;
    case RULES_DAILY_SPAN:
        say(w, "from %s to %s %s", value_show_time(rule->from_s, one), value_show_time(rule->to_s, two),
            scope->config->zones[rule->zone].name);
        break;
    case RULES_MARKET_CLOSE:
        if (rule->before_s > 0)
            say(w, "in the last %s before", duration(rule->before_s, one));
        else
            say(w, "over");
        say(w, " a market close of %s or more", duration(rule->closed_s, one));
        break;
    case RULES_PAYOUT_PENDING:
        say(w, "while a payout is processed");
        break;
    }
}

const char *rules_text_window(const struct rules_scope *scope, const struct rules_window *rule, char buf[RULES_TEXT_MAX])
{
    char text[VALUES_TEXT_MAX];
    BEGIN;
    say(w, "no ");
    say_actions(w, rule->forbids);
    say(w, " ");
    say_when(w, scope, rule);
    say_instruments(w, scope, rule->instruments);
    if (rule->forbids & RULES_HOLD)
        say(w, "; we begin to close %s before", duration(rule->lead_s, text));
    if (rule->cancel_pendings)
        say(w, "; orders are cancelled");
    return buf;
}

const char *rules_text_hold(const struct rules_scope *scope, const struct rules_hold *rule, char buf[RULES_TEXT_MAX])
{
    char share[VALUES_TEXT_MAX], tau[VALUES_TEXT_MAX];
    const char *of = rule->kind == RULES_SHARE_OF_TRADES ? "trades" : "profit";
    (void)scope;
    BEGIN;
    duration(rule->tau_s, tau);
    value_show_fraction(rule->max_share, share);
    if (rule->kind == RULES_MIN_HOLD)
        say(w, "positions are held for at least %s", tau);
    else if (rule->kind == RULES_MEAN_DURATION)
        say(w, "the mean duration of trades is more than %s", tau);
    else if (rule->at_least)
        say(w, "more than %s of %s is from what lasted longer than %s", share, of, tau);
    else
        say(w, "%s of %s is from what lasted less than %s", rule->over == RULES_GE ? "less than" : "at most", of, tau);
    if (!rule->at_least && (rule->kind == RULES_SHARE_OF_TRADES || rule->kind == RULES_SHARE_OF_PROFIT))
        say(w, " (%s)", share);
    return buf;
}

const char *rules_text_rate(const struct rules_scope *scope, const struct rules_rate *rule, char buf[RULES_TEXT_MAX])
{
    static const char *const counted[] = {"messages", "orders", "changes of orders", "executions", "working orders at once"};
    char text[VALUES_TEXT_MAX], number[TEXT_MAX];
    (void)scope;
    BEGIN;
    say(w, "at most %s %s", text_count(rule->max, number), NAME(counted, rule->counted));
    if (rule->window_s > 0)
        say(w, " in any %s", duration(rule->window_s, text));
    else if (rule->counted != RULES_WORKING_ORDERS)
        say(w, " in a day");
    return buf;
}

/* --- P7 to P12 ----------------------------------------------------------------------------------------- */

const char *rules_text_shape(const struct rules_scope *scope, char buf[RULES_TEXT_MAX])
{
    static const char *const days[] = {"on which something is opened", "on which something is traded", "with a profit of "};
    const struct rules_shape *rule = &scope->programme->rules.shape;
    char text[VALUES_TEXT_MAX], money[TEXT_MAX];
    BEGIN;
    if (rule->target.value > 0) {
        say(w, "target: ");
        say_amount(w, &rule->target, "?");
        say(w, "%s", rule->target_flat ? ", flat" : "");
        if (rule->target.kind == RULES_FRAC_INITIAL)
            say(w, " (%s of %s)", text_money(amount_at_start(&rule->target, scope->initial), text), text_money(scope->initial, money));
    } else {
        say(w, "no target");
    }
    if (rule->min_days > 0) {
        say(w, "; %u days %s", rule->min_days, NAME(days, rule->days_counted));
        if (rule->days_counted == RULES_DAYS_PROFIT)
            say_amount(w, &rule->day_profit, "?");
    }
    if (rule->has_best_day)
        say(w, "; the best day makes %s %s of %s", rule->best_day_strict ? "less than" : "at most",
            value_show_fraction(rule->best_day_max, text),
            rule->best_day_denominator == RULES_POSITIVE_DAYS ? "the days with a profit" : "the net profit");
    if (rule->daily_profit_cap > 0)
        say(w, "; a day's profit above %s is deducted", text_money(rule->daily_profit_cap, money));
    return buf;
}

const char *rules_text_stop(const struct rules_scope *scope, char buf[RULES_TEXT_MAX])
{
    const struct rules_stop *rule = &scope->programme->rules.stop;
    char text[VALUES_TEXT_MAX];
    BEGIN;
    say(w, "%s", rule->required ? "a stop on every position" : "no stop is wanted");
    if (rule->required && rule->within_s > 0)
        say(w, " within %s", duration(rule->within_s, text));
    if (rule->max_stop_to_target > 0)
        say(w, "; the stop at most %s times as far as the target", text_decimal(rule->max_stop_to_target, text));
    return buf;
}

const char *rules_text_direction(const struct rules_scope *scope, char buf[RULES_TEXT_MAX])
{
    const struct rules_direction *rule = &scope->programme->rules.direction;
    BEGIN;
    say(w, "both sides in one account are %s", rule->opposite_refused ? "refused" : "allowed");
    for (uint32_t g = 0; g < rule->group_count; g++) {
        say(w, "; one market");
        say_instruments(w, scope, rule->groups[g]);
    }
    if (rule->adds_to_loser_max > 0)
        say(w, "; at most %u positions on a side that loses", rule->adds_to_loser_max);
    if (rule->no_larger_after_loss)
        say(w, "; no larger size after a losing trade");
    return buf;
}

const char *rules_text_cross(const struct rules_scope *scope, char buf[RULES_TEXT_MAX])
{
    static const char *const copies[] = {
        "may copy each other", "may copy each other as challenges only", "may copy each other, but not two evaluations",
        "never hold one instrument at once", "may copy each other within", "never make the same trades"};
    const struct rules_cross *rule = &scope->programme->rules.cross;
    char text[VALUES_TEXT_MAX];
    BEGIN;
    say(w, "accounts against each other are %s", rule->opposite_all    ? "refused, at other firms too"
                                                 : rule->opposite_firm ? "refused within the firm"
                                                                       : "allowed");
    say(w, "; own accounts %s", NAME(copies, rule->copy));
    if (rule->copy == RULES_COPY_SPACED)
        say(w, " %s", duration(rule->spacing_s, text));
    if (rule->capital_cap > 0)
        say(w, "; all of them at most %s", text_money(rule->capital_cap, text));
    if (rule->identical_cap > 0)
        say(w, "; no identical trades above %s", text_money(rule->identical_cap, text));
    if (rule->strategy_exclusive)
        say(w, "; the strategy is used at no other firm");
    if (rule->accounts_max > 0)
        say(w, "; at most %u accounts", rule->accounts_max);
    return buf;
}

const char *rules_text_automation(uint32_t automation)
{
    static const char *const names[] = {"allowed", "own", "own, with proof", "own, source shared", "on approval",
                                        "own, attended", "manual only"};
    return NAME(names, automation);
}

const char *rules_text_confidence(uint32_t confidence)
{
    static const char *const names[] = {
#define X(name, text) text,
        RULES_CONFIDENCE_LIST(X)
#undef X
    };
    return NAME(names, confidence);
}

const char *rules_text_conduct(const struct rules_scope *scope, char buf[RULES_TEXT_MAX])
{
    static const char *const hosts[] = {"own device", "server", "VPS", "VPN", "remote machine"};
    const struct rules_conduct *rule = &scope->programme->rules.conduct;
    bool first = true;
    BEGIN;
    say(w, "programs that trade: %s", rules_text_automation(rule->automation));
    for (uint32_t i = 0; i < 5; i++)
        if (rule->hosts_refused >> i & 1) {
            say(w, "%s%s", first ? "; not from a " : ", ", hosts[i]);
            first = false;
        }
    if (rule->automated_flag)
        say(w, "; orders say that a program sent them");
    return buf;
}

const char *rules_text_life(const struct rules_scope *scope, char buf[RULES_TEXT_MAX])
{
    const struct rules_life *rule = &scope->programme->rules.life;
    BEGIN;
    if (rule->inactivity_days > 0)
        say(w, "%u days without an order end it (a warning from day %u)", rule->inactivity_days, rule->inactivity_warn_days);
    else
        say(w, "no limit on inactivity is known");
    if (rule->payout_freeze)
        say(w, "; no order while a payout is processed");
    return buf;
}

const char *rules_text_guard(const struct rules_scope *scope, char buf[RULES_TEXT_MAX])
{
    const struct rules_guard *rule = &scope->programme->rules.guard;
    char one[VALUES_TEXT_MAX], two[TEXT_MAX], three[VALUES_TEXT_MAX];
    BEGIN;
    say(w, "kept above every floor: cost of leaving + %s + %s of the initial balance", text_money(rule->fixed_abs, two),
        value_show_fraction(rule->fixed_fraction, one));
    say(w, "; nothing new within %s of the allowance", value_show_fraction(rule->warn_fraction, one));
    say(w, "; slippage %u, %u at news, %u at rollover ticks, gap %s", rule->slip_ticks, rule->slip_ticks_news,
        rule->slip_ticks_rollover, value_show_fraction(rule->gap_fraction, one));
    say(w, "; the next day's floor counts %s before it", duration(rule->lookahead_s, three));
    say(w, "; blind after %s%s", duration(rule->blind_s, three), rule->require_stop ? "; a stop on every order" : "");
    return buf;
}

/* --- all of them ------------------------------------------------------------------------------------------ */

void rules_text_each(const struct rules_scope *scope, rules_visit visit, void *context)
{
    const struct rules_set *set = &scope->programme->rules;
    char text[RULES_TEXT_MAX];
#define EACH(primitive, member, count, words)                                                                          \
    for (uint32_t i = 0; i < set->count; i++)                                                                          \
    visit(context, primitive, &set->member[i].head, words(scope, &set->member[i], text))
    EACH(RULES_P1_LOSS_FLOOR, floors, floor_count, rules_text_floor);
    EACH(RULES_P2_OPEN_LOSS, losses, loss_count, rules_text_loss);
    EACH(RULES_P3_EXPOSURE, exposures, exposure_count, rules_text_exposure);
    EACH(RULES_P4_WINDOW, windows, window_count, rules_text_window);
    EACH(RULES_P5_HOLD, holds, hold_count, rules_text_hold);
    EACH(RULES_P6_RATE, rates, rate_count, rules_text_rate);
#undef EACH
    const struct {
        unsigned primitive;
        const struct rules_head *head;
        const char *(*words)(const struct rules_scope *, char *);
        bool always;
    } sections[] = {
        {RULES_P7_SHAPE, &set->shape.head, rules_text_shape, false},
        {RULES_P8_STOP, &set->stop.head, rules_text_stop, false},
        {RULES_P9_DIRECTION, &set->direction.head, rules_text_direction, true},
        {RULES_P10_CROSS, &set->cross.head, rules_text_cross, true},
        {RULES_P11_CONDUCT, &set->conduct.head, rules_text_conduct, true},
        {RULES_P12_LIFECYCLE, &set->life.head, rules_text_life, false},
    };
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        struct rules_head head = *sections[i].head;
        if (!sections[i].always && head.id[0] == 0)
            continue;
        if (head.id[0] == 0)
            head.confidence = RULES_OURS;
        visit(context, sections[i].primitive, &head, sections[i].words(scope, text));
    }
}
