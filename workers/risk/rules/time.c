#include "workers/risk/rules/rules.h"

#include <assert.h>

#include "workers/risk/rules/reckon.h"

#define DAY_S 86400

/* --- P4: the windows of each kind ------------------------------------------------------------------------ */

static struct rules_span time_news_span(const struct rules_window *rule, int64_t event_ns)
{
    return (struct rules_span){rules_later(event_ns, -(int64_t)rule->before_s) + RULES_PLANT(59),
                               rules_later(event_ns, rule->after_s)};
}

/* Whether every event is known whose window could hold t. The end of validity is not valid itself. */
static bool time_calendar_knows(const struct rules_window *rule, const struct rules_calendar *calendar, int64_t t_ns)
{
    return calendar && rules_later(t_ns, -(int64_t)rule->after_s) >= calendar->valid_from_ns &&
           rules_later(t_ns, rule->before_s) < calendar->valid_to_ns;
}

static bool time_event_counts(const struct rules_window *rule, const struct rules_event *event, uint32_t instrument)
{
    return (event->instruments >> instrument & 1 || RULES_PLANT(60)) && event->importance >= rule->importance;
}

/* The first event at or after t. */
static uint32_t time_event_from(const struct rules_calendar *calendar, int64_t t_ns)
{
    uint32_t low = 0, high = calendar->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (calendar->events[middle].time_ns < t_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The windows of events from index i on, those that touch as one. False: no event counts (before `until`). */
static bool time_news_join(const struct rules_window *rule, const struct rules_calendar *calendar, uint32_t instrument,
                           uint32_t i, int64_t until_ns, struct rules_span *span)
{
    bool found = false;
    for (; i < calendar->count; i++) {
        const struct rules_event *event = &calendar->events[i];
        if (!time_event_counts(rule, event, instrument))
            continue;
        struct rules_span own = time_news_span(rule, event->time_ns);
        if (own.from_ns > (found ? span->to_ns : until_ns))
            break;
        if (!found)
            *span = own;
        else if (own.to_ns > span->to_ns)
            span->to_ns = own.to_ns;
        found = true;
    }
    return found;
}

static bool time_news_at(const struct rules_window *rule, const struct rules_calendar *calendar, uint32_t instrument,
                         int64_t t_ns, struct rules_span *span)
{
    uint32_t first = time_event_from(calendar, rules_later(t_ns, -(int64_t)rule->after_s) + RULES_PLANT(58));
    return time_news_join(rule, calendar, instrument, first, t_ns, span);
}

/* The last instant with this wall time: clocks that go back show some twice. */
static int64_t time_local_last(const struct tz_table *zone, int64_t day, int32_t second)
{
    int64_t first = tz_local_to_utc(zone, day, second);
    int64_t later =
        rules_later(first, (int64_t)tz_offset_at(zone, first) - tz_offset_at(zone, rules_later(first, 4 * 3600)));
    bool same = later > first && tz_offset_at(zone, later) == tz_offset_at(zone, rules_later(first, 4 * 3600));
    return same ? later : first;
}

/* Of a local day. [from, to): from the first instant with that wall time to the last with that; the same: all day. */
static struct rules_span time_daily_span(const struct rules_window *rule, const struct tz_table *zone, int64_t day)
{
    int64_t to_day = day + (rule->to_s <= rule->from_s || rule->to_s >= DAY_S);
    if (RULES_PLANT(62)) /* one offset for all the year */
        return (struct rules_span){(day * DAY_S + rule->from_s - zone->first_offset_s) * RULES_SECOND, INT64_MAX};
    return (struct rules_span){tz_local_to_utc(zone, day, rule->from_s),
                               time_local_last(zone, to_day, rule->to_s % DAY_S)};
}

static int64_t time_local_day(const struct tz_table *zone, int64_t t_ns)
{
    int64_t local_s = t_ns / RULES_SECOND - (t_ns % RULES_SECOND < 0) + tz_offset_at(zone, t_ns);
    return local_s / DAY_S - (local_s % DAY_S < 0);
}

static bool time_daily_at(const struct rules_window *rule, const struct tz_table *zone, int64_t t_ns,
                          struct rules_span *span)
{
    int64_t day = time_local_day(zone, t_ns);
    for (int64_t d = day - 2; d <= day + 1; d++) {
        *span = time_daily_span(rule, zone, d);
        if (t_ns >= span->from_ns && t_ns < span->to_ns)
            return true;
    }
    return false;
}

static bool time_daily_next(const struct rules_window *rule, const struct tz_table *zone, int64_t now_ns,
                            struct rules_span *span)
{
    int64_t day = time_local_day(zone, now_ns);
    for (int64_t d = day - 2; d <= day + 2; d++) {
        *span = time_daily_span(rule, zone, d);
        if (span->from_ns > now_ns && span->to_ns > span->from_ns)
            return true;
    }
    return false;
}

/* Opening is forbidden from before_s before the close, holding from the close; both until the market is open again. */
static bool time_close_span(const struct rules_window *rule, const struct rules_context *context, uint32_t actions,
                            struct rules_span *span)
{
    if (context->closed_for_s <= 0 || context->closed_for_s < rule->closed_s)
        return false;
    bool only_hold = (rule->forbids & actions) == RULES_HOLD;
    if (only_hold && RULES_PLANT(65))
        return false;
    span->from_ns = only_hold ? context->close_ns : rules_later(context->close_ns, -(int64_t)rule->before_s);
    span->to_ns = rules_later(context->close_ns, context->closed_for_s);
    return true;
}

/* --- P4: what is asked of them ---------------------------------------------------------------------------- */

static bool time_concerns(const struct rules_window *rule, uint32_t instrument, uint32_t actions)
{
    assert(instrument < RULES_INSTRUMENTS_MAX);
    return (rule->forbids & actions) != 0 && (rule->instruments >> instrument & 1);
}

static bool time_opens(const struct rules_window *rule, uint32_t actions)
{
    return (rule->forbids & actions & (RULES_OPEN | RULES_INCREASE)) != 0;
}

bool rules_window_forbids(const struct rules_window *rule, const struct rules_context *context, uint32_t instrument,
                          uint32_t actions, int64_t t_ns, struct rules_span *span)
{
    assert(rule && context && span);
    *span = (struct rules_span){t_ns, INT64_MAX};
    if (!time_concerns(rule, instrument, actions))
        return false;
    switch ((enum rules_window_kind)rule->kind) {
    case RULES_NEWS:
        if (context->calendar && time_news_at(rule, context->calendar, instrument, t_ns, span))
            return true;
        *span = (struct rules_span){t_ns, INT64_MAX};
        return time_opens(rule, actions) && !time_calendar_knows(rule, context->calendar, t_ns);
    case RULES_DAILY_SPAN:
        return time_daily_at(rule, &context->zones[rule->zone], t_ns, span);
    case RULES_MARKET_CLOSE:
        return time_close_span(rule, context, actions, span) && t_ns >= span->from_ns && t_ns <= span->to_ns;
    case RULES_PAYOUT_PENDING:
        return context->payout_pending;
    }
    return true;
}

/* The next news window, or where the calendar ends: unknown is closed for openings. */
static bool time_news_next(const struct rules_window *rule, const struct rules_calendar *calendar, uint32_t instrument,
                           uint32_t actions, int64_t now_ns, struct rules_span *span)
{
    if (!calendar)
        return false;
    int64_t first_event = rules_later(now_ns, rule->before_s);
    uint32_t i = time_event_from(calendar, first_event);
    while (i < calendar->count && calendar->events[i].time_ns == first_event)
        i++; /* it has begun now */
    bool found = time_news_join(rule, calendar, instrument, i, INT64_MAX, span);
    int64_t end_ns = rules_later(calendar->valid_to_ns, -(int64_t)rule->before_s);
    if (!time_opens(rule, actions) || end_ns <= now_ns || (found && span->from_ns <= end_ns))
        return found;
    *span = (struct rules_span){end_ns, INT64_MAX};
    return true;
}

bool rules_window_next(const struct rules_window *rule, const struct rules_context *context, uint32_t instrument,
                       uint32_t actions, int64_t now_ns, struct rules_span *span)
{
    assert(rule && context && span);
    *span = (struct rules_span){INT64_MAX, INT64_MAX};
    if (!time_concerns(rule, instrument, actions))
        return false;
    switch ((enum rules_window_kind)rule->kind) {
    case RULES_NEWS:
        return time_news_next(rule, context->calendar, instrument, actions, now_ns, span);
    case RULES_DAILY_SPAN:
        return time_daily_next(rule, &context->zones[rule->zone], now_ns, span);
    case RULES_MARKET_CLOSE:
        return time_close_span(rule, context, actions, span) && span->from_ns > now_ns;
    case RULES_PAYOUT_PENDING:
        break;
    }
    return false;
}

int64_t rules_window_flatten_ns(const struct rules_window *rule, const struct rules_span *span)
{
    assert(rule && span);
    return rules_later(span->from_ns, RULES_PLANT(63) ? 0 : -(int64_t)rule->lead_s);
}

bool rules_window_exempts(const struct rules_window *rule, const struct rules_span *span, int64_t opened_ns)
{
    assert(rule && span);
    if (rule->kind != RULES_NEWS || rule->head.severity != RULES_VOID || rule->hold_if_opened_before_s <= 0 ||
        opened_ns == 0)
        return false;
    int64_t event_ns = rules_later(span->from_ns, rule->before_s);
    return opened_ns < rules_later(event_ns, -(int64_t)rule->hold_if_opened_before_s);
}

bool rules_close_before_window(dec_t nearest_distance, dec_t expected_move)
{
    return nearest_distance < expected_move; /* also DEC_NONE: not known */
}

bool rules_news_profit_counts(const struct rules_window *rule, int64_t opened_from_event_s, int64_t closed_from_event_s)
{
    assert(rule);
    bool young = opened_from_event_s >= -(int64_t)rule->hold_if_opened_before_s;
    bool inside =
        (closed_from_event_s >= -(int64_t)rule->before_s || RULES_PLANT(64)) && closed_from_event_s <= rule->after_s;
    return !(young && inside);
}

/* --- P5 --------------------------------------------------------------------------------------------------- */

/* 0 of nothing. */
static dec_t time_share(rules_wide part, rules_wide whole, bool up)
{
    return whole > 0 ? rules_share(part, whole, up) : 0;
}

/* A share that must stay below (breached by `over`), or one that must be reached (`over`: GT exceeded, GE met). */
static bool time_share_kept(const struct rules_hold *rule, rules_wide part, rules_wide whole)
{
    if (whole <= 0)
        return true;
    int against = rules_against(part, whole, rule->max_share);
    if (rule->at_least)
        return rule->over == RULES_GT ? against > 0 : against >= 0;
    return rule->over == RULES_GT || RULES_PLANT(66) ? against <= 0 : against < 0;
}

/* sum_s / count against tau. */
static bool time_mean_kept(const struct rules_hold *rule, rules_wide sum_s, rules_wide count)
{
    if (count <= 0)
        return true;
    rules_wide floor_s = count * rule->tau_s;
    return rule->over == RULES_GT ? sum_s > floor_s : sum_s >= floor_s;
}

static bool time_trades_kept(const struct rules_hold *rule, uint64_t trades, uint64_t short_trades, dec_t *share)
{
    rules_wide part = short_trades;
    if (rule->at_least)
        part = trades > short_trades ? trades - short_trades : 0;
    *share = time_share(part, trades, !rule->at_least);
    return time_share_kept(rule, part, trades);
}

static bool time_profit_kept(const struct rules_hold *rule, const struct rules_profit *profit, uint32_t index,
                             dec_t *share)
{
    if (RULES_PLANT(69))
        return time_trades_kept(rule, profit->trades, profit->short_trades[index], share);
    rules_wide part =
        rule->at_least ? profit->long_profit[index] : (rules_wide)profit->trade_profit - profit->long_profit[index];
    *share = time_share(part, profit->trade_profit, !rule->at_least);
    return time_share_kept(rule, part, profit->trade_profit);
}

/* Long enough for this rule: the very second counts as short where the share of the long ones is asked for. */
static bool time_is_long(const struct rules_hold *rule, int64_t held_s)
{
    bool past = RULES_PLANT(68) || rule->at_least || (rule->kind == RULES_MEAN_DURATION && rule->over == RULES_GT);
    return past ? held_s > rule->tau_s : held_s >= rule->tau_s;
}

bool rules_hold_allows(const struct rules_hold *rule, const struct rules_profit *profit, uint32_t index, int64_t held_s,
                       dec_t *share)
{
    assert(rule && profit && share && index < RULES_HOLDS_MAX);
    bool long_enough = time_is_long(rule, held_s);
    *share = 0;
    switch ((enum rules_hold_kind)rule->kind) {
    case RULES_MIN_HOLD:
        return long_enough;
    case RULES_SHARE_OF_TRADES:
        return time_trades_kept(rule, profit->trades + !RULES_PLANT(67),
                                profit->short_trades[index] + (!long_enough && !RULES_PLANT(67)), share) ||
               long_enough;
    case RULES_SHARE_OF_PROFIT: /* what it will bring is not known before it is closed */
        time_profit_kept(rule, profit, index, share);
        return long_enough;
    case RULES_MEAN_DURATION: {
        rules_wide sum_s = (rules_wide)profit->duration_sum_s + held_s, count = (rules_wide)profit->trades + 1;
        *share = time_share(sum_s, count, false);
        return time_mean_kept(rule, sum_s, count) || long_enough;
    }
    }
    return false;
}

bool rules_hold_kept(const struct rules_hold *rule, const struct rules_profit *profit, uint32_t index, dec_t *share)
{
    assert(rule && profit && share && index < RULES_HOLDS_MAX);
    switch ((enum rules_hold_kind)rule->kind) {
    case RULES_MIN_HOLD:
        *share = time_share(profit->short_trades[index], profit->trades, true);
        return profit->short_trades[index] == 0;
    case RULES_SHARE_OF_TRADES:
        return time_trades_kept(rule, profit->trades, profit->short_trades[index], share);
    case RULES_SHARE_OF_PROFIT:
        return time_profit_kept(rule, profit, index, share);
    case RULES_MEAN_DURATION:
        *share = time_share(profit->duration_sum_s, profit->trades, false);
        return time_mean_kept(rule, profit->duration_sum_s, profit->trades);
    }
    *share = 0;
    return false;
}

/* --- P6 ---------------------------------------------------------------------------------------------------- */

uint32_t rules_rate_used(const struct rules_state *state, const struct rules_rate *rule, uint32_t index, int64_t now_ns)
{
    assert(state && rule && index < RULES_RATES_MAX);
    const struct rules_rate_count *rate = &state->rates[index];
    if (rule->counted == RULES_WORKING_ORDERS)
        return 0;
    if (rule->window_s <= 0)
        return rate->counts[0];
    if (rate->first_ns == 0)
        return 0;
    int64_t width_ns = rules_rate_width_ns(rule), begin_ns = rules_later(now_ns, -(int64_t)rule->window_s);
    uint64_t used = 0;
    for (uint32_t i = 0; i < RULES_RATE_BUCKETS; i++)
        if ((rules_wide)rate->first_ns + (rules_wide)(i + 1) * width_ns > begin_ns)
            used += rate->counts[i];
    return used < UINT32_MAX ? (uint32_t)used : UINT32_MAX;
}

uint32_t rules_rate_reserve(uint32_t positions, uint32_t working)
{
    uint64_t reserve = RULES_PLANT(70) ? 0 : 2 * ((uint64_t)positions + working) + 20;
    return reserve < UINT32_MAX ? (uint32_t)reserve : UINT32_MAX;
}

int64_t rules_rate_left(const struct rules_rate *rule, uint32_t used, uint32_t reserve)
{
    assert(rule);
    return (int64_t)rule->max - reserve - used;
}

bool rules_rate_allows(const struct rules_rate *rule, uint32_t used, uint32_t cost, uint32_t reserve)
{
    return rules_rate_left(rule, used, reserve) + RULES_PLANT(71) >= cost;
}
