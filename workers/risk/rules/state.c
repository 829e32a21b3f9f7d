#include "workers/risk/rules/rules.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "workers/risk/rules/money.h"

#define FLAG_OPENED 1u
#define FLAG_TRADED 2u
#define FLAG_PROFIT 4u

static_assert(sizeof(struct rules_day_marks) == 7 * 8, "no padding: part of a row of the store");
static_assert(sizeof(struct rules_latched) == 24 && sizeof(struct rules_idea) == 24, "no padding");
static_assert(sizeof(struct rules_rate_count) == 8 + RULES_RATE_BUCKETS * 4, "no padding");
static_assert(sizeof(struct rules_profit) == 4 * 8 + 6 * 4 + 8 + 8 * RULES_HOLDS_MAX + 8 + 8 * RULES_HOLDS_MAX + 8,
              "no padding");
static_assert(sizeof(struct rules_state) ==
                  8 + 4 * 8 + 2 * 8 + RULES_DAYS_MAX * sizeof(struct rules_day_marks) + 2 * 8 * RULES_FLOORS_MAX +
                      RULES_FLOORS_MAX * sizeof(struct rules_latched) + 8 + 2 * 8 +
                      2 * RULES_INSTRUMENTS_MAX * sizeof(struct rules_idea) + 8 * RULES_INSTRUMENTS_MAX + 3 * 8 +
                      RULES_RATES_MAX * sizeof(struct rules_rate_count) + sizeof(struct rules_profit) + 8 + 8,
              "no padding: a row of the store");

/* --- begin ------------------------------------------------------------------------------------------------------- */

void rules_init(struct rules_state *state, const struct rules_set *set, dec_t initial)
{
    assert(state && set && initial >= 0 && set->floor_count <= RULES_FLOORS_MAX);
    memset(state, 0, sizeof *state);
    state->version = RULES_STATE_VERSION;
    state->bytes = (uint32_t)sizeof *state;
    state->initial = state->balance = state->equity = initial;
    state->high_balance = state->high_equity = initial;
    for (uint32_t i = 0; i < RULES_DAYS_MAX; i++)
        state->days[i] = (struct rules_day_marks){
            .balance = initial, .equity = initial, .peak_equity = initial, .run_balance = initial, .run_max = initial};
    for (uint32_t i = 0; i < RULES_FLOORS_MAX; i++)
        state->raised[i] = state->firm_floor[i] = DEC_NONE;
    state->guard_floor = set->floor_count;
}

int rules_state_check(const struct rules_state *state, const struct rules_set *set)
{
    assert(state && set);
    if (state->version != RULES_STATE_VERSION || state->bytes != sizeof *state)
        return -EPROTO;
    if (state->initial < 0 || state->guard > RULES_GUARD_LOCKED || state->guard_floor > set->floor_count)
        return -EPROTO;
    for (uint32_t i = 0; i < RULES_FLOORS_MAX; i++)
        if (state->latches[i].latch > RULES_LATCH_TERMINATE)
            return -EPROTO;
    return 0;
}

/* --- days ----------------------------------------------------------------------------------------------------------
 */

static uint32_t day_count(const struct rules_set *set)
{
    return set->day_count < RULES_DAYS_MAX ? set->day_count : RULES_DAYS_MAX;
}

void rules_day_bounds(const struct rules_set *set, const struct tz_table *zones, uint32_t day, int64_t now_ns,
                      int64_t *start_ns, int64_t *end_ns)
{
    assert(set && zones && day < day_count(set) && start_ns && end_ns);
    const struct rules_day *clock = &set->days[day];
    *start_ns = tz_boundary_at_or_before(&zones[clock->zone], clock->at_s, now_ns);
    *end_ns = tz_boundary_after(&zones[clock->zone], clock->at_s, now_ns);
}

void rules_cross_boundary(struct rules_state *state, const struct rules_set *set, uint32_t day, int64_t start_ns,
                          int64_t end_ns)
{
    assert(state && set && day < RULES_DAYS_MAX && start_ns < end_ns);
    struct rules_day_marks *marks = &state->days[day];
    bool begun = marks->end_ns != 0;
    marks->start_ns = start_ns;
    marks->end_ns = end_ns;
    marks->balance = state->balance;
    marks->equity = state->equity;
    marks->peak_equity = state->equity;
    marks->run_balance = dec_max(marks->run_balance, state->balance);
    marks->run_max = dec_max(marks->run_max, RULES_PLANT(2) ? state->balance : dec_max(state->balance, state->equity));
    if (day != 0 || !begun)
        return;
    rules_profit_day(set, state, &state->profit);
    for (uint32_t i = 0; i < set->rate_count && i < RULES_RATES_MAX; i++)
        if (set->rates[i].window_s <= 0)
            state->rates[i] = (struct rules_rate_count){.first_ns = start_ns};
    state->lots_carried = state->lots_open;
    state->lots_today = 0;
}

/* --- latches -------------------------------------------------------------------------------------------------------
 */

static bool kept_for(const struct rules_floor *floor, uint32_t day)
{
    return floor->days >> day & 1u || (floor->days == 0 && day == 0);
}

static int64_t latest_end(const struct rules_state *s, const struct rules_set *set, const struct rules_floor *floor)
{
    int64_t latest = 0;
    for (uint32_t day = 0; day < day_count(set); day++)
        if (kept_for(floor, day) && s->days[day].end_ns > latest)
            latest = s->days[day].end_ns;
    return latest;
}

/* Nothing when it is latched so already; a pause may turn to the end. */
static void latch(struct rules_state *s, const struct rules_set *set, uint32_t floor, struct rules_marked *out)
{
    const struct rules_floor *rule = &set->floors[floor];
    struct rules_latched *latched = &s->latches[floor];
    uint32_t kind = rule->effect == RULES_EFFECT_PAUSE ? RULES_LATCH_PAUSE : RULES_LATCH_TERMINATE;
    if (latched->latch >= kind)
        return;
    latched->latch = kind;
    latched->since_ns = s->time_ns;
    latched->until_ns = kind == RULES_LATCH_PAUSE ? latest_end(s, set, rule) : 0;
    out->breached |= 1u << floor;
    out->durable = true;
}

static bool is_crossed(const struct rules_state *s, const struct rules_set *set, uint32_t floor)
{
    return rules_floor_breached(&set->floors[floor], rules_floor_level(s, set, floor), s->balance, s->equity);
}

static void check_floors(struct rules_state *s, const struct rules_set *set, struct rules_marked *out)
{
    for (uint32_t i = 0; i < set->floor_count; i++)
        if (set->floors[i].check == RULES_CONTINUOUS && s->latches[i].latch != RULES_LATCH_TERMINATE &&
            is_crossed(s, set, i))
            latch(s, set, i, out);
}

/* What is looked at only when the day ends. Bit i: floor i is crossed by the last mark. */
static uint32_t crossed_at_boundary(const struct rules_state *s, const struct rules_set *set, uint32_t day,
                                    bool runs_only)
{
    uint32_t crossed = 0;
    for (uint32_t i = 0; i < set->floor_count; i++) {
        const struct rules_floor *rule = &set->floors[i];
        bool runs = rule->anchor >= RULES_RUN_CLOSED && rule->anchor <= RULES_RUN_EQUITY;
        if (rule->check == RULES_AT_BOUNDARY && kept_for(rule, day) && (runs || !runs_only) && is_crossed(s, set, i))
            crossed |= 1u << i;
    }
    return crossed;
}

static void end_pauses(struct rules_state *s, const struct rules_set *set, int64_t now_ns, struct rules_marked *out)
{
    for (uint32_t i = 0; i < set->floor_count; i++)
        if (s->latches[i].latch == RULES_LATCH_PAUSE && now_ns >= s->latches[i].until_ns) {
            s->latches[i] = (struct rules_latched){0};
            out->durable = true;
        }
}

/* --- marks -----------------------------------------------------------------------------------------------------------
 */

static void cross_days(struct rules_state *s, const struct rules_set *set, const struct tz_table *zones, int64_t now_ns,
                       struct rules_marked *out)
{
    for (uint32_t day = 0; day < day_count(set); day++) {
        bool begun = s->days[day].end_ns != 0;
        int64_t start_ns, end_ns;
        if (begun && now_ns < s->days[day].end_ns)
            continue;
        /* by the floor of the day that ends, and where the anchor runs by the one that its snapshot lifts */
        uint32_t crossed = begun ? crossed_at_boundary(s, set, day, false) : 0;
        rules_day_bounds(set, zones, day, now_ns, &start_ns, &end_ns);
        rules_cross_boundary(s, set, day, start_ns, end_ns);
        crossed |= begun ? crossed_at_boundary(s, set, day, true) : 0;
        for (uint32_t i = 0; i < set->floor_count; i++)
            if (crossed >> i & 1u)
                latch(s, set, i, out);
        out->durable = true;
        out->new_day |= begun && day == 0;
    }
}

void rules_mark(struct rules_state *state, const struct rules_set *set, const struct tz_table *zones, int64_t now_ns,
                dec_t balance, dec_t equity, dec_t equity_high, struct rules_marked *out)
{
    assert(state && set && zones && out && set->floor_count <= RULES_FLOORS_MAX);
    *out = (struct rules_marked){0};
    if (now_ns < state->time_ns)
        now_ns = state->time_ns;
    cross_days(state, set, zones, now_ns, out);
    end_pauses(state, set, now_ns, out);
    dec_t high = dec_max(equity, equity_high);
    state->time_ns = now_ns;
    state->balance = balance;
    state->equity = equity;
    state->high_balance = dec_max(state->high_balance, balance);
    state->high_equity = dec_max(state->high_equity, high);
    for (uint32_t day = 0; day < day_count(set); day++)
        state->days[day].peak_equity = dec_max(state->days[day].peak_equity, high);
    check_floors(state, set, out);
}

/* --- what is booked and no profit
 * ----------------------------------------------------------------------------------------- */

static bool anchor_uses(uint32_t anchor, uint32_t mark)
{
    return anchor == mark || (anchor == RULES_SNAP_MAX && (mark == RULES_SNAP_BALANCE || mark == RULES_SNAP_EQUITY));
}

/* Marks are shared: one is set anew only when every floor that stands on it says so. */
static bool mark_is_reset(const struct rules_set *set, uint32_t mark)
{
    bool any = false;
    for (uint32_t i = 0; i < set->floor_count; i++) {
        if (!anchor_uses(set->floors[i].anchor, mark))
            continue;
        if (set->floors[i].payout != RULES_PAYOUT_ANCHOR_RESET)
            return false;
        any = true;
    }
    return any;
}

static void reset_marks(struct rules_state *s, const struct rules_set *set, dec_t balance, dec_t equity)
{
    dec_t run = dec_max(s->initial, balance), run_max = dec_max(s->initial, dec_max(balance, equity));
    if (mark_is_reset(set, RULES_RUN_CLOSED))
        s->high_balance = run;
    if (mark_is_reset(set, RULES_RUN_EQUITY))
        s->high_equity = dec_max(s->initial, equity);
    for (uint32_t day = 0; day < RULES_DAYS_MAX; day++) {
        struct rules_day_marks *marks = &s->days[day];
        if (mark_is_reset(set, RULES_SNAP_BALANCE))
            marks->balance = balance;
        if (mark_is_reset(set, RULES_SNAP_EQUITY))
            marks->equity = equity;
        if (mark_is_reset(set, RULES_RUN_EOD_BALANCE))
            marks->run_balance = run;
        if (mark_is_reset(set, RULES_RUN_EOD_MAX))
            marks->run_max = run_max;
        if (mark_is_reset(set, RULES_DAY_PEAK))
            marks->peak_equity = equity;
    }
}

static void book(struct rules_state *s, int64_t now_ns, dec_t balance, dec_t equity)
{
    s->time_ns = now_ns > s->time_ns ? now_ns : s->time_ns;
    s->balance = balance;
    s->equity = equity;
}

void rules_payout(struct rules_state *state, const struct rules_set *set, int64_t now_ns, dec_t balance, dec_t equity)
{
    assert(state && set && set->floor_count <= RULES_FLOORS_MAX);
    book(state, now_ns, balance, equity);
    for (uint32_t i = 0; i < set->floor_count; i++) {
        if (set->floors[i].payout == RULES_PAYOUT_FLOOR_TO_INITIAL)
            state->raised[i] = dec_max(state->raised[i], state->initial);
        else if (set->floors[i].payout == RULES_PAYOUT_FLOOR_TO_ZERO)
            state->raised[i] = dec_max(state->raised[i], 0);
    }
    reset_marks(state, set, balance, equity);
    state->payout_pending = 0;
}

void rules_deposit(struct rules_state *state, const struct rules_set *set, int64_t now_ns, dec_t balance, dec_t equity)
{
    assert(state && set);
    book(state, now_ns, balance, equity);
}

/* --- what the account did
 * ------------------------------------------------------------------------------------------------------ */

static struct rules_idea *idea_of(struct rules_state *s, uint32_t instrument, uint32_t side)
{
    assert(instrument < RULES_INSTRUMENTS_MAX && (side == 1 || side == 2));
    return &s->ideas[instrument * 2 + (side == 2)];
}

/* The longest memory of the rules; each looks at its own window when it asks. */
static int64_t idea_window_ns(const struct rules_set *set)
{
    int64_t longest = 0;
    for (uint32_t i = 0; i < set->loss_count; i++)
        if (set->losses[i].group == RULES_GROUP_IDEA && set->losses[i].window_s > longest)
            longest = set->losses[i].window_s;
    return longest * RULES_SECOND;
}

static void forget_idea(struct rules_idea *idea, const struct rules_set *set, int64_t now_ns)
{
    if (idea->lots <= 0 && now_ns - idea->closed_ns > idea_window_ns(set)) {
        idea->loss = 0;
        idea->closed_ns = 0;
    }
}

static void day_flag(struct rules_profit *profit, uint32_t flag, uint32_t *days)
{
    if (profit->today_flags & flag)
        return;
    profit->today_flags |= flag;
    (*days)++;
}

void rules_on_opened(struct rules_state *state, const struct rules_set *set, uint32_t instrument, uint32_t side,
                     dec_t lots, int64_t now_ns)
{
    assert(state && set && lots > 0);
    struct rules_idea *idea = idea_of(state, instrument, side);
    forget_idea(idea, set, now_ns);
    idea->lots = rules_plus(idea->lots, lots);
    state->lots_today = rules_plus(state->lots_today, lots);
    state->lots_open = rules_plus(state->lots_open, lots);
    day_flag(&state->profit, FLAG_OPENED, &state->profit.days_opened);
    day_flag(&state->profit, FLAG_TRADED, &state->profit.days_traded);
    if (now_ns > state->last_order_ns)
        state->last_order_ns = now_ns;
}

/* A day of profit may stop being one before it is over. */
static void count_profit_day(struct rules_state *s, const struct rules_set *set)
{
    struct rules_profit *profit = &s->profit;
    bool counted = profit->today_flags & FLAG_PROFIT;
    bool counts = profit->today > 0 && profit->today >= rules_day_profit(&set->shape, s->initial);
    if (counts && !counted) {
        profit->today_flags |= FLAG_PROFIT;
        profit->days_profit++;
    } else if (counted && !counts) {
        profit->today_flags &= ~FLAG_PROFIT;
        profit->days_profit--;
    }
}

static void count_durations(struct rules_state *s, const struct rules_set *set, dec_t profit, int64_t held_ns)
{
    struct rules_profit *p = &s->profit;
    p->trades++;
    p->duration_sum_s += held_ns / RULES_SECOND;
    if (profit > 0)
        p->trade_profit = rules_plus(p->trade_profit, profit);
    for (uint32_t i = 0; i < set->hold_count && i < RULES_HOLDS_MAX; i++) {
        int64_t tau_ns = set->holds[i].tau_s * RULES_SECOND;
        bool longer = held_ns > tau_ns;
        /* where the long ones must be enough, one of exactly tau is none of them */
        if (set->holds[i].at_least ? !longer : held_ns < tau_ns)
            p->short_trades[i]++;
        if (longer && profit > 0)
            p->long_profit[i] = rules_plus(p->long_profit[i], profit);
    }
}

void rules_on_closed(struct rules_state *state, const struct rules_set *set, uint32_t instrument, uint32_t side,
                     dec_t lots, dec_t profit, int64_t opened_ns, int64_t now_ns)
{
    assert(state && set && lots > 0);
    struct rules_idea *idea = idea_of(state, instrument, side);
    forget_idea(idea, set, opened_ns < now_ns ? opened_ns : now_ns);
    idea->lots = dec_max(0, rules_minus(idea->lots, lots));
    if (profit < 0) {
        idea->loss = rules_plus(idea->loss, rules_minus(0, profit));
        idea->closed_ns = now_ns;
    }
    state->last_loss_size[instrument] = profit < 0 ? lots : 0;
    state->lots_open = dec_max(0, rules_minus(state->lots_open, lots));
    state->profit.today = rules_plus(state->profit.today, profit);
    day_flag(&state->profit, FLAG_TRADED, &state->profit.days_traded);
    count_profit_day(state, set);
    count_durations(state, set, profit, now_ns > opened_ns ? now_ns - opened_ns : 0);
}

void rules_corrected(struct rules_state *state, const struct rules_set *set, dec_t difference, dec_t balance, dec_t equity)
{
    assert(state && set);
    state->balance = dec_max(state->balance, balance);
    state->equity = dec_max(state->equity, equity);
    state->high_balance = dec_max(state->high_balance, balance);
    state->high_equity = dec_max(state->high_equity, equity);
    for (uint32_t day = 0; day < day_count(set); day++)
        state->days[day].peak_equity = dec_max(state->days[day].peak_equity, equity);
    state->profit.today = rules_plus(state->profit.today, difference);
    count_profit_day(state, set);
}

static void count_rolling(struct rules_rate_count *rate, int64_t width_ns, int64_t now_ns)
{
    int64_t index = rate->first_ns == 0 ? 0 : (now_ns - rate->first_ns) / width_ns;
    if (rate->first_ns == 0 || index >= 2 * (int64_t)RULES_RATE_BUCKETS) {
        memset(rate->counts, 0, sizeof rate->counts);
        rate->first_ns = now_ns;
        index = 0;
    } else if (index >= (int64_t)RULES_RATE_BUCKETS) {
        uint32_t shift = (uint32_t)(index - RULES_RATE_BUCKETS + 1);
        memmove(rate->counts, rate->counts + shift, (RULES_RATE_BUCKETS - shift) * sizeof rate->counts[0]);
        memset(rate->counts + RULES_RATE_BUCKETS - shift, 0, shift * sizeof rate->counts[0]);
        rate->first_ns += (int64_t)shift * width_ns;
        index = RULES_RATE_BUCKETS - 1;
    }
    rate->counts[index > 0 ? index : 0]++;
}

static bool is_counted(uint32_t counted, uint32_t kind)
{
    return counted == kind || (counted == RULES_MESSAGES && (kind == RULES_ORDERS || kind == RULES_CHANGES));
}

void rules_on_message(struct rules_state *state, const struct rules_set *set, enum rules_message kind, int64_t now_ns)
{
    assert(state && set && kind < RULES_MESSAGE_KINDS);
    for (uint32_t i = 0; i < set->rate_count && i < RULES_RATES_MAX; i++) {
        struct rules_rate_count *rate = &state->rates[i];
        if (!is_counted(set->rates[i].counted, kind))
            continue;
        if (set->rates[i].window_s > 0) {
            count_rolling(rate, rules_rate_width_ns(&set->rates[i]), now_ns);
            continue;
        }
        rate->counts[0]++;
    }
    if (kind == RULES_ORDERS && now_ns > state->last_order_ns)
        state->last_order_ns = now_ns;
}
