/* The vectors of P2 to P12: each is built into a set of rules, a state, a book and a request, and asked of the module:
 * of the gate wherever the vector says what is admitted. Nothing is reckoned here. Where a vector names a firm's rule
 * without its parameters (they stand in its text), they are constants beside the handler. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/golden/golden.h"
#include "workers/risk/rules/rules.h"

#define NS INT64_C(1000000000)
#define NOON (INT64_C(1780056000) * NS) /* 2026-05-29T12:00:00Z: when nothing is said */
#define HUNDREDTH (DEC_ONE / 100)
#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define LEGS_MAX 16u

/* One account as a vector describes it. */
struct world {
    struct rules_set set;
    struct rules_state state;
    struct rules_leg legs[LEGS_MAX];
    struct rules_book book;
    struct tz_table zone;
    struct rules_event event;
    struct rules_calendar calendar;
    struct rules_context context;
    struct rules_request request;
    struct rules_answer answer;
};
static struct world world; /* too large for a stack; each vector begins a new one */

static struct world *begin(dec_t initial)
{
    struct world *w = &world;
    memset(w, 0, sizeof *w);
    snprintf(w->zone.name, sizeof w->zone.name, "Etc/UTC");
    w->set.day_count = 1;
    w->set.max_age_days = 1;
    rules_init(&w->state, &w->set, initial);
    struct rules_marked marked;
    rules_mark(&w->state, &w->set, &w->zone, NOON, initial, initial, initial, &marked);
    w->book = (struct rules_book){.legs = w->legs, .balance = initial, .equity = initial};
    w->context =
        (struct rules_context){.now_ns = NOON, .zones = &w->zone, .host = RULES_HOST_OWN_DEVICE, .mode = RULES_MANUAL};
    w->request = (struct rules_request){.purpose = RULES_ENTRY,
                                        .side = 1,
                                        .lots = DEC_ONE,
                                        .lot_step = HUNDREDTH,
                                        .lot_min = HUNDREDTH,
                                        .has_stop = true,
                                        .latest_fill_ns = NOON};
    w->request.unit = (struct rules_terms){.leaves = DEC_ONE, .value = DEC_ONE, .rate = DEC_ONE};
    return w;
}

static struct rules_leg *leg(struct world *w, uint32_t kind, uint32_t instrument, uint32_t side, dec_t lots)
{
    struct rules_leg *out = &w->legs[w->book.count];
    if (w->book.count + 1 < LEGS_MAX)
        w->book.count++;
    *out = (struct rules_leg){.kind = kind, .instrument = instrument, .side = side, .lots = lots, .opened_ns = NOON};
    return out;
}

static bool ask(struct world *w)
{
    rules_gate(&w->set, &w->state, &w->book, &w->context, &w->request, &w->answer);
    return w->answer.admitted;
}

/* The answer's first verdict of a primitive and condition. */
static const struct rules_verdict *verdict_of(struct golden_vector *v, const struct world *w, unsigned primitive,
                                              unsigned condition)
{
    static const struct rules_verdict none;
    for (uint32_t i = 0; i < w->answer.count; i++)
        if (w->answer.verdicts[i].primitive == primitive && w->answer.verdicts[i].condition == condition)
            return &w->answer.verdicts[i];
    golden_fail(v, "the gate has not spoken about %s, condition %u", rules_primitive_name(primitive), condition);
    return &none;
}

/* Shares are shown in per cent with two places, cut. */
static void expect_percent(struct golden_vector *v, const char *key, dec_t share)
{
    dec_t percent = 0;
    if (dec_mul(share, 100 * DEC_ONE, DEC_ROUND_DOWN, &percent) != 0 ||
        dec_round_step(percent, HUNDREDTH, DEC_ROUND_DOWN, &percent) != 0)
        golden_fail(v, "%s does not fit", key);
    golden_expect_dec(v, key, percent);
}

static uint32_t operator_of(struct golden_vector *v, const char *key)
{
    if (golden_has(v, key) && !golden_is(v, key, "gt") && !golden_is(v, key, "ge"))
        golden_fail(v, "%s is neither gt nor ge", key);
    return golden_has(v, key) && golden_is(v, key, "ge") ? RULES_GE : RULES_GT;
}

/* The day began with this balance. */
static void day_began_with(struct world *w, dec_t balance)
{
    struct rules_marked marked;
    rules_mark(&w->state, &w->set, &w->zone, NOON, balance, balance, balance, &marked);
    rules_mark(&w->state, &w->set, &w->zone, NOON + 86400 * NS, balance, balance, balance, &marked);
}

static void sod_profit(struct golden_vector *v, struct world *w, dec_t profit)
{
    dec_t balance = 0;
    if (dec_add(w->state.initial, profit, &balance) != 0)
        golden_fail(v, "a profit that does not fit");
    day_began_with(w, balance);
}

/* --- P2 --------------------------------------------------------------------------------------------------------- */

static struct rules_loss *loss_rule(struct world *w, uint32_t group, uint32_t kind, dec_t value)
{
    w->set.loss_count = 1;
    w->set.losses[0] = (struct rules_loss){.group = group, .limit = {.kind = kind, .value = value}};
    return &w->set.losses[0];
}

static void p2_reentry(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    struct rules_loss *rule = loss_rule(w, RULES_GROUP_IDEA, RULES_ABS, golden_dec(v, "limit"));
    rule->window_s = (int32_t)golden_int(v, "window_min") * 60;
    w->state.ideas[0] =
        (struct rules_idea){.loss = golden_dec(v, "closed_loss"), .closed_ns = golden_time(v, "closed_at")};
    dec_t carried = rules_idea_carried(&w->state, rule, 0, 1, golden_time(v, "new_at"));
    golden_expect_bool(v, "same_idea", carried != 0);
    golden_expect_dec(v, "remaining", rules_loss_room(rule, rules_loss_limit(&w->set, &w->state, rule), carried));
}

static void p2_at_stop(struct golden_vector *v)
{
    struct world *w = begin(golden_dec(v, "initial"));
    loss_rule(w, RULES_GROUP_POSITION, RULES_FRAC_INITIAL, golden_dec(v, "fraction"));
    w->request.lots = golden_dec(v, "q");
    w->request.unit.value = golden_dec(v, "pv");
    w->request.unit.stop_distance = golden_dec(v, "stop_dist");
    golden_expect_bool(v, "admit", ask(w));
    golden_expect_dec(v, "risk", verdict_of(v, w, RULES_P2_OPEN_LOSS, 0)->left);
    golden_expect_dec(v, "q_max", w->answer.q_max);
}

static void p2_of_profit(struct golden_vector *v)
{
    struct world *w = begin(50000 * DEC_ONE);
    struct rules_loss *rule = loss_rule(w, RULES_GROUP_POSITION, RULES_FRAC_SOD_PROFIT, golden_dec(v, "fraction"));
    rule->limit.floor_of = golden_dec(v, "threshold");
    sod_profit(v, w, golden_dec(v, "sod_profit"));
    golden_expect_dec(v, "limit", rules_loss_limit(&w->set, &w->state, rule));
}

/* FundedElite: half the daily limit. */
static void p2_of_daily(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    loss_rule(w, RULES_GROUP_SYMBOL, RULES_FRAC_DAILY, DEC_ONE / 2);
    w->set.floor_count = 1;
    w->set.floors[0] = (struct rules_floor){.kind = RULES_DAILY,
                                            .anchor = RULES_SNAP_BALANCE,
                                            .days = 1,
                                            .allowance = {.kind = RULES_ABS, .value = golden_dec(v, "daily_limit")}};
    struct rules_leg *open = leg(w, RULES_LEG_POSITION, 0, 1, DEC_ONE);
    open->risk = open->give_up = golden_dec(v, "idea_risk_open");
    w->request.unit.stop_distance = golden_dec(v, "new_risk");
    golden_expect_bool(v, "admit", ask(w));
    golden_expect_dec(v, "limit", verdict_of(v, w, RULES_P2_OPEN_LOSS, 0)->right);
    golden_expect_dec(v, "total", verdict_of(v, w, RULES_P2_OPEN_LOSS, 0)->left);
}

static void p2_breach(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    if (golden_has(v, "snap_balance"))
        day_began_with(w, golden_dec(v, "snap_balance"));
    uint32_t group = golden_is(v, "group", "idea") ? RULES_GROUP_IDEA : RULES_GROUP_SYMBOL;
    struct rules_loss *rule = golden_has(v, "limit")
                                  ? loss_rule(w, group, RULES_ABS, golden_dec(v, "limit"))
                                  : loss_rule(w, group, RULES_FRAC_ANCHOR, golden_dec(v, "fraction"));
    rule->over = operator_of(v, "breach_op");
    leg(w, RULES_LEG_POSITION, 0, 1, DEC_ONE)->floating = golden_dec(v, "loss");
    dec_t limit = rules_loss_limit(&w->set, &w->state, rule),
          loss = rules_loss_now(&w->state, rule, &w->book, 0, 1, NOON);
    golden_expect_dec(v, "limit", limit);
    golden_expect_bool(v, "breach", rules_loss_breached(rule, limit, loss));
}

/* --- P3 --------------------------------------------------------------------------------------------------------- */

static struct rules_exposure *exposure_rule(struct world *w, uint32_t counted, dec_t limit)
{
    struct rules_exposure *rule = &w->set.exposures[w->set.exposure_count++];
    *rule = (struct rules_exposure){
        .counted = counted, .instruments = 0xffff, .limit = {.kind = RULES_ABS, .value = limit}};
    for (uint32_t i = 0; i < RULES_INSTRUMENTS_MAX; i++)
        rule->weight[i] = DEC_ONE;
    return rule;
}

static void p3_tell(struct golden_vector *v, struct world *w)
{
    golden_expect_bool(v, "admit", ask(w));
    golden_expect_dec(v, "total", verdict_of(v, w, RULES_P3_EXPOSURE, 0)->left);
    golden_expect_dec(v, "ratio", verdict_of(v, w, RULES_P3_EXPOSURE, 0)->left);
    golden_expect_dec(v, "q_max", w->answer.q_max);
}

static void p3_open(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    exposure_rule(w, RULES_LOTS_OPEN, golden_dec(v, "limit"));
    leg(w, RULES_LEG_POSITION, 0, 1, golden_dec(v, "open"));
    w->request.lots = golden_dec(v, "new");
    p3_tell(v, w);
}

/* Minis are instrument 0, micros 1. A firm that counts micros in full has no mini equivalent to add. */
static void p3_minis(struct golden_vector *v)
{
    struct world *w = begin(50000 * DEC_ONE);
    struct rules_exposure *rule = exposure_rule(w, RULES_LOTS_OPEN, golden_dec(v, "limit"));
    rule->weight[1] = golden_has(v, "new_minis") ? DEC_ONE / 10 : DEC_ONE;
    leg(w, RULES_LEG_POSITION, 0, 1, golden_dec(v, "minis"));
    leg(w, RULES_LEG_POSITION, 1, 1, golden_dec(v, "micros"));
    bool micro = golden_dec(v, "new_micros") > 0;
    w->request.instrument = micro;
    w->request.lots = golden_dec(v, micro ? "new_micros" : "new_minis");
    p3_tell(v, w);
}

static void p3_side(struct golden_vector *v)
{
    struct world *w = begin(50000 * DEC_ONE);
    exposure_rule(w, RULES_LOTS_PER_SIDE, golden_dec(v, "limit"));
    leg(w, RULES_LEG_POSITION, 0, 1, golden_dec(v, "open_buy"));
    leg(w, RULES_LEG_ORDER, 0, 1, golden_dec(v, "working_buy"));
    leg(w, RULES_LEG_POSITION, 0, 2, DEC_ONE); /* the other side does not count */
    w->request.lots = golden_dec(v, "new_buy");
    p3_tell(v, w);
}

static void p3_day(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    exposure_rule(w, RULES_LOTS_PER_DAY, golden_dec(v, "limit"));
    struct rules_marked marked;
    rules_on_opened(&w->state, &w->set, 0, 1, golden_dec(v, "carried"), NOON);
    rules_mark(&w->state, &w->set, &w->zone, NOON + 86400 * NS, w->state.balance, w->state.equity, w->state.equity,
               &marked);
    rules_on_opened(&w->state, &w->set, 0, 1, golden_dec(v, "opened_today"), NOON + 86400 * NS);
    w->context.now_ns = NOON + 86400 * NS;
    w->request.lots = golden_dec(v, "new");
    p3_tell(v, w);
}

static void p3_margin(struct golden_vector *v)
{
    struct world *w = begin(golden_dec(v, "equity"));
    exposure_rule(w, RULES_MARGIN_SHARE, golden_dec(v, "limit"));
    leg(w, RULES_LEG_POSITION, 1, 1, DEC_ONE)->margin = golden_dec(v, "used_margin");
    w->request.margin_per_lot = golden_dec(v, "new_margin");
    p3_tell(v, w);
}

static void p3_positions(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    exposure_rule(w, RULES_POSITIONS_SYMBOL, golden_dec(v, "limit_symbol"));
    exposure_rule(w, RULES_POSITIONS_TOTAL, golden_dec(v, "limit_total"));
    int64_t symbol = golden_int(v, "open_symbol"), total = golden_int(v, "open_total");
    for (int64_t i = 0; i < total; i++)
        leg(w, RULES_LEG_POSITION, i < symbol ? 0 : 1, 1, DEC_ONE);
    w->request.lots = golden_dec(v, "new");
    golden_expect_bool(v, "admit", ask(w));
}

static void tiers(struct rules_amount *amount, uint32_t basis, const struct rules_tier *from, uint32_t count)
{
    *amount = (struct rules_amount){.kind = RULES_TIERED, .basis = basis, .tier_count = count};
    memcpy(amount->tiers, from, count * sizeof *from);
}

static void p3_scaling(struct golden_vector *v)
{
    struct world *w = begin(50000 * DEC_ONE);
    struct rules_exposure *rule = exposure_rule(w, RULES_LOTS_OPEN, 0);
    char parts[GOLDEN_LIST_MAX][96], pair[GOLDEN_LIST_MAX][96];
    struct rules_tier list[RULES_TIERS_MAX];
    uint32_t count = golden_split(v, golden_text(v, "tiers"), ',', parts);
    for (uint32_t i = 0; i < count && i < RULES_TIERS_MAX; i++)
        if (golden_split(v, parts[i], ':', pair) != 2 || !golden_parse_dec(pair[0], &list[i].from) ||
            !golden_parse_dec(pair[1], &list[i].value))
            golden_fail(v, "no tier: %s", parts[i]);
    tiers(&rule->limit, RULES_EOD_PROFIT, list, count < RULES_TIERS_MAX ? count : RULES_TIERS_MAX);
    sod_profit(v, w, golden_dec(v, "eod_profit"));
    dec_t live = 0;
    if (dec_add(w->state.initial, golden_dec(v, "live_profit"), &live) != 0)
        golden_fail(v, "a profit that does not fit");
    golden_expect_dec(v, "limit", rules_exposure_limit(&w->state, rule, live));
}

/* Apex 4.0, 50K PA (section 6.4). */
static void p3_apex_tier(struct golden_vector *v)
{
    static const struct rules_tier contracts[] = {
        {0, 2 * DEC_ONE}, {1500 * DEC_ONE, 3 * DEC_ONE}, {3000 * DEC_ONE, 4 * DEC_ONE}, {6000 * DEC_ONE, 4 * DEC_ONE}};
    static const struct rules_tier daily[] = {{0, 1000 * DEC_ONE},
                                              {1500 * DEC_ONE, 1000 * DEC_ONE},
                                              {3000 * DEC_ONE, 2000 * DEC_ONE},
                                              {6000 * DEC_ONE, 3000 * DEC_ONE}};
    struct world *w = begin(50000 * DEC_ONE);
    struct rules_exposure *rule = exposure_rule(w, RULES_LOTS_OPEN, 0);
    tiers(&rule->limit, RULES_EOD_PROFIT, contracts, COUNT(contracts));
    w->set.floor_count = 1;
    w->set.floors[0] = (struct rules_floor){.kind = RULES_DAILY, .anchor = RULES_SNAP_BALANCE, .days = 1};
    tiers(&w->set.floors[0].allowance, RULES_EOD_PROFIT, daily, COUNT(daily));
    sod_profit(v, w, golden_dec(v, "eod_profit"));
    golden_expect_dec(v, "max_contracts", rules_exposure_limit(&w->state, rule, w->state.equity));
    golden_expect_dec(v, "daily_loss_limit", rules_allowance(&w->state, &w->set.floors[0], 0));
}

/* The size is held at need_equity and above only. The worst equity is the left side of R1 of a floor that is far away.
 */
static void p3_ladder(struct golden_vector *v)
{
    struct world *w = begin(golden_dec(v, "equity"));
    struct rules_exposure *rule = exposure_rule(w, RULES_LOTS_OPEN, 0);
    struct rules_tier ladder[] = {{0, 0}, {golden_dec(v, "need_equity"), golden_dec(v, "contracts")}};
    tiers(&rule->limit, RULES_LIVE_EQUITY, ladder, COUNT(ladder));
    w->set.floor_count = 1;
    w->set.floors[0] = (struct rules_floor){
        .kind = RULES_TOTAL, .anchor = RULES_INITIAL, .allowance = {.kind = RULES_ABS, .value = w->state.initial}};
    w->request.lots = golden_dec(v, "contracts");
    w->request.lot_step = w->request.lot_min = DEC_ONE;
    w->request.unit.value = golden_dec(v, "point_value");
    w->request.unit.stop_distance = golden_dec(v, "stop_pts");
    golden_expect_bool(v, "admit", ask(w));
    golden_expect_dec(v, "worst_equity", verdict_of(v, w, RULES_P1_LOSS_FLOOR, 1)->left);
}

/* --- P4 --------------------------------------------------------------------------------------------------------- */

static struct rules_window *window_rule(struct world *w, uint32_t kind, uint32_t forbids)
{
    w->set.window_count = 1;
    w->set.windows[0] = (struct rules_window){.kind = kind, .forbids = forbids, .instruments = 0xffff};
    return &w->set.windows[0];
}

/* A calendar of one event that names instrument 0, or another. */
static void one_event(struct world *w, int64_t time_ns, bool targeted)
{
    w->event = (struct rules_event){.time_ns = time_ns, .instruments = targeted ? 1u : 2u, .importance = 3};
    w->calendar = (struct rules_calendar){.events = &w->event,
                                          .count = 1,
                                          .valid_from_ns = time_ns - 7 * 86400 * NS,
                                          .valid_to_ns = time_ns + 7 * 86400 * NS};
    w->context.calendar = &w->calendar;
}

static bool forbidden(struct world *w, uint32_t actions, int64_t t_ns)
{
    struct rules_span span;
    return rules_window_forbids(&w->set.windows[0], &w->context, 0, actions, t_ns, &span);
}

/* FTMO funded standard: 2 minutes on both sides. */
static void p4_news(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    struct rules_window *rule = window_rule(w, RULES_NEWS, RULES_OPEN | RULES_CLOSE | RULES_FILL);
    rule->before_s = golden_has(v, "before_s") ? (int32_t)golden_int(v, "before_s") : 120;
    rule->after_s = golden_has(v, "after_s") ? (int32_t)golden_int(v, "after_s") : 120;
    one_event(w, golden_time(v, "event"), golden_bool(v, "targeted"));
    int64_t t_ns = golden_time(v, "t");
    bool open = !forbidden(w, RULES_OPEN, t_ns), close = !forbidden(w, RULES_CLOSE, t_ns),
         fill = !forbidden(w, RULES_FILL, t_ns);
    w->context.now_ns = t_ns;
    bool admitted = ask(w);
    if (open != close || open != fill || open != admitted)
        golden_fail(v, "open %d, close %d, fill %d, gate %d", open, close, fill, admitted);
    golden_expect_bool(v, "allowed", open);
}

static void p4_before_window(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    struct rules_window *rule = window_rule(w, RULES_NEWS, RULES_OPEN | RULES_CLOSE | RULES_FILL);
    struct rules_span span;
    rule->before_s = rule->after_s = (int32_t)golden_int(v, "before_s");
    one_event(w, golden_time(v, "event"), true);
    bool ahead = rules_window_next(rule, &w->context, 0, RULES_FILL, golden_time(v, "now"), &span);
    bool close = rules_close_before_window(golden_dec(v, "stop_dist_ticks"), golden_dec(v, "expected_move_ticks"));
    golden_expect_text(v, "action", ahead && close ? "close_before_window" : "hold");
}

static void p4_flat_by(struct golden_vector *v)
{
    struct world *w = begin(50000 * DEC_ONE);
    const struct tz_table *zone = golden_zone(v, golden_text(v, "tz"));
    if (!zone)
        return;
    w->context.zones = zone;
    struct rules_window *rule = window_rule(w, RULES_DAILY_SPAN, RULES_HOLD | RULES_OPEN);
    rule->from_s = golden_clock(v, "flat_by");
    rule->to_s = rule->from_s + 3600;
    rule->lead_s = (int32_t)golden_int(v, "lead_s");
    struct rules_span span;
    int64_t midnight_ns = tz_local_to_utc(zone, golden_date(v, "local_date"), 0);
    if (!rules_window_next(rule, &w->context, 0, RULES_HOLD, midnight_ns, &span))
        golden_fail(v, "no window");
    golden_expect_time(v, "flat_by_utc", span.from_ns);
    golden_expect_time(v, "start_flatten_utc", rules_window_flatten_ns(rule, &span));
}

/* FundingPips funded: 5 hours, 5 minutes. */
static void p4_profit(struct golden_vector *v)
{
    struct rules_window rule = {
        .kind = RULES_NEWS, .before_s = 300, .after_s = 300, .hold_if_opened_before_s = 5 * 3600};
    golden_expect_bool(
        v, "profit_counts",
        rules_news_profit_counts(&rule, golden_int(v, "opened_min") * 60, golden_int(v, "closed_min") * 60));
}

/* FTMO: no gap trading in the last two hours before a close of two hours or more. */
static void p4_gap(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    struct rules_window *rule = window_rule(w, RULES_MARKET_CLOSE, RULES_OPEN);
    rule->before_s = (int32_t)golden_int(v, "window_min") * 60;
    rule->closed_s = 7200;
    w->context.close_ns = golden_time(v, "close");
    w->context.closed_for_s = golden_int(v, "closed_for_h") * 3600;
    w->context.now_ns = golden_time(v, "t");
    bool allowed = !forbidden(w, RULES_OPEN, w->context.now_ns), admitted = ask(w);
    if (allowed != admitted)
        golden_fail(v, "window %d, gate %d", allowed, admitted);
    golden_expect_bool(v, "allowed", allowed);
}

/* Swing accounts do not have the rule. */
static void p4_weekend(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    window_rule(w, RULES_MARKET_CLOSE, golden_bool(v, "swing") ? 0 : RULES_HOLD)->closed_s = 7200;
    w->context.close_ns = golden_time(v, "close");
    w->context.closed_for_s = 48 * 3600;
    golden_expect_bool(v, "allowed", !golden_bool(v, "holds") || !forbidden(w, RULES_HOLD, w->context.close_ns));
}

/* --- P5 --------------------------------------------------------------------------------------------------------- */

static struct rules_hold *hold_rule(struct world *w, uint32_t kind, uint32_t over, int32_t tau_s, dec_t share,
                                    bool at_least)
{
    struct rules_hold *rule = &w->set.holds[w->set.hold_count++];
    *rule = (struct rules_hold){.kind = kind, .over = over, .tau_s = tau_s, .max_share = share, .at_least = at_least};
    return rule;
}

/* Alpha Capital: the mean, and half of the profit, above 120 s. */
static void p5_durations(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    struct rules_hold *mean = hold_rule(w, RULES_MEAN_DURATION, RULES_GT, 120, 0, false);
    struct rules_hold *profit = hold_rule(w, RULES_SHARE_OF_PROFIT, RULES_GT, 120, DEC_ONE / 2, true);
    char durations[GOLDEN_LIST_MAX][96], profits[GOLDEN_LIST_MAX][96];
    uint32_t count = golden_split(v, golden_text(v, "durations_s"), ',', durations);
    if (golden_split(v, golden_text(v, "profits"), ',', profits) != count)
        golden_fail(v, "not as many profits as durations");
    for (uint32_t i = 0; i < count; i++) {
        dec_t amount = 0;
        if (!golden_parse_dec(profits[i], &amount))
            golden_fail(v, "no profit: %s", profits[i]);
        int64_t closed_ns = NOON + strtoll(durations[i], NULL, 10) * NS;
        rules_on_opened(&w->state, &w->set, 0, 1, DEC_ONE, NOON);
        rules_on_closed(&w->state, &w->set, 0, 1, DEC_ONE, amount, NOON, closed_ns);
    }
    dec_t mean_s, share;
    bool mean_ok = rules_hold_kept(mean, &w->state.profit, 0, &mean_s);
    bool profit_ok = rules_hold_kept(profit, &w->state.profit, 1, &share);
    golden_expect_dec(v, "mean_s", mean_s);
    expect_percent(v, "profit_share_long", share);
    golden_expect_bool(v, "ok", mean_ok && profit_ok);
}

/* Goat: 120 s. */
static void p5_min_hold(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    hold_rule(w, RULES_MIN_HOLD, RULES_GT, 120, 0, false);
    w->request.purpose = golden_bool(v, "protective") ? RULES_CLOSE_PROTECTIVE : RULES_CLOSE_VOLUNTARY;
    w->request.opened_ns = NOON + golden_int(v, "opened_s") * NS;
    w->context.now_ns = NOON + golden_int(v, "now_s") * NS;
    golden_expect_bool(v, "close_allowed", ask(w));
}

/* Tradeify: more than half of trades and of profit above 10 s. */
static void p5_long_shares(struct golden_vector *v)
{
    struct world *w = begin(50000 * DEC_ONE);
    struct rules_hold *trades = hold_rule(w, RULES_SHARE_OF_TRADES, RULES_GT, 10, DEC_ONE / 2, true);
    struct rules_hold *profit = hold_rule(w, RULES_SHARE_OF_PROFIT, RULES_GT, 10, DEC_ONE / 2, true);
    struct rules_profit *p = &w->state.profit;
    p->trades = (uint64_t)golden_int(v, "trades");
    p->short_trades[0] = p->short_trades[1] = p->trades - (uint64_t)golden_int(v, "long");
    p->trade_profit = golden_dec(v, "profit");
    p->long_profit[1] = golden_dec(v, "profit_long");
    dec_t of_trades, of_profit;
    bool trades_ok = rules_hold_kept(trades, p, 0, &of_trades), profit_ok = rules_hold_kept(profit, p, 1, &of_profit);
    expect_percent(v, "trade_share", of_trades);
    expect_percent(v, "profit_share", of_profit);
    golden_expect_bool(v, "ok", trades_ok && profit_ok);
}

/* E8: more than half under a minute; Blueberry: half or more. */
static void p5_short_share(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    int32_t tau_s = golden_has(v, "tau_s") ? (int32_t)golden_int(v, "tau_s") : 60;
    dec_t limit = golden_has(v, "max_share") ? golden_dec(v, "max_share") : DEC_ONE / 2, share, projected;
    struct rules_hold *own = hold_rule(w, RULES_SHARE_OF_TRADES, operator_of(v, "op"), tau_s, limit, false);
    struct rules_hold *e8 = hold_rule(w, RULES_SHARE_OF_TRADES, RULES_GT, tau_s, limit, false);
    struct rules_hold *blueberry = hold_rule(w, RULES_SHARE_OF_TRADES, RULES_GE, tau_s, limit, false);
    struct rules_profit *p = &w->state.profit;
    p->trades = (uint64_t)golden_int(v, "trades");
    for (uint32_t i = 0; i < 3; i++)
        p->short_trades[i] = (uint64_t)golden_int(v, "short");
    golden_expect_bool(v, "breach", !rules_hold_kept(own, p, 0, &share));
    golden_expect_bool(v, "breach_e8", !rules_hold_kept(e8, p, 1, &share));
    golden_expect_bool(v, "breach_blueberry", !rules_hold_kept(blueberry, p, 2, &share));
    golden_expect_bool(v, "allowed", rules_hold_allows(e8, p, 1, tau_s - 1, &projected));
    expect_percent(v, "share", share);
}

/* --- P6 --------------------------------------------------------------------------------------------------------- */

static struct rules_rate *rate_rule(struct golden_vector *v, struct world *w, uint32_t counted, int32_t window_s)
{
    w->set.rate_count = 1;
    w->set.rates[0] =
        (struct rules_rate){.counted = counted, .window_s = window_s, .max = (uint32_t)golden_int(v, "limit")};
    return &w->set.rates[0];
}

static void happen(struct world *w, enum rules_message kind, int64_t times)
{
    for (int64_t i = 0; i < times; i++)
        rules_on_message(&w->state, &w->set, kind, NOON);
}

static void p6_reserve(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    struct rules_rate *rule = rate_rule(v, w, RULES_MESSAGES, 0);
    w->context.positions = (uint32_t)golden_int(v, "positions");
    w->context.working = (uint32_t)golden_int(v, "pendings");
    happen(w, RULES_MESSAGES, golden_int(v, "used"));
    uint32_t reserve = rules_rate_reserve(w->context.positions, w->context.working);
    golden_expect_int(v, "reserve", reserve);
    golden_expect_int(v, "usable", rules_rate_left(rule, rules_rate_used(&w->state, rule, 0, NOON), reserve));
    golden_expect_bool(v, "new_risk_allowed", ask(w));
}

static void p6_executions(struct golden_vector *v)
{
    struct world *w = begin(50000 * DEC_ONE);
    struct rules_rate *rule = rate_rule(v, w, RULES_EXECUTIONS, 0);
    char fills[GOLDEN_LIST_MAX][96];
    happen(w, RULES_EXECUTIONS, golden_split(v, golden_text(v, "fills"), ',', fills));
    happen(w, RULES_ORDERS, 1); /* does not count */
    golden_expect_int(v, "executions", rules_rate_used(&w->state, rule, 0, NOON));
}

static void p6_working(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    rate_rule(v, w, RULES_WORKING_ORDERS, 0);
    w->context.working = (uint32_t)golden_int(v, "working");
    golden_expect_bool(v, "admit", ask(w));
}

static void p6_rolling(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    struct rules_rate *rule = rate_rule(v, w, RULES_CHANGES, (int32_t)golden_int(v, "window_s"));
    happen(w, RULES_CHANGES, golden_int(v, "in_window"));
    golden_expect_bool(v, "allowed", rules_rate_allows(rule, rules_rate_used(&w->state, rule, 0, NOON), 1, 0));
}

static void p6_requests(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    struct rules_rate *rule = rate_rule(v, w, RULES_MESSAGES, 0);
    happen(w, RULES_ORDERS, golden_int(v, "orders"));
    happen(w, RULES_MESSAGES, golden_int(v, "cancels"));
    happen(w, RULES_CHANGES, golden_int(v, "modifies"));
    golden_expect_bool(
        v, "admit",
        rules_rate_allows(rule, rules_rate_used(&w->state, rule, 0, NOON), (uint32_t)golden_int(v, "new"), 0));
    happen(w, RULES_ORDERS, golden_int(v, "new"));
    golden_expect_int(v, "total", rules_rate_used(&w->state, rule, 0, NOON));
}

/* --- P7 --------------------------------------------------------------------------------------------------------- */

static uint32_t days_of(struct golden_vector *v, struct world *w, const char *key)
{
    char parts[GOLDEN_LIST_MAX][96];
    uint32_t count = golden_split(v, golden_text(v, key), ',', parts);
    for (uint32_t i = 0; i < count; i++) {
        if (!golden_parse_dec(parts[i], &w->state.profit.today))
            golden_fail(v, "no profit: %s", parts[i]);
        rules_profit_day(&w->set, &w->state, &w->state.profit);
    }
    return count;
}

static void p7_best_day(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    struct rules_shape *shape = &w->set.shape;
    shape->has_best_day = true;
    shape->best_day_max = golden_dec(v, "limit");
    shape->best_day_strict = golden_bool(v, "strict");
    shape->best_day_denominator = golden_is(v, "denominator", "net") ? RULES_NET : RULES_POSITIVE_DAYS;
    days_of(v, w, "days");
    struct rules_best_day best;
    rules_best_day(shape, &w->state.profit, &best);
    expect_percent(v, "share_pct", best.share);
    golden_expect_bool(v, "ok", best.kept);
    golden_expect_dec(v, "extra_profit_needed", best.extra);
}

static void p7_cap(struct golden_vector *v)
{
    struct rules_shape shape = {.has_best_day = true, .best_day_max = golden_dec(v, "limit")};
    golden_expect_dec(v, "cap_today", rules_profit_cap_today(&shape, golden_dec(v, "other_days")));
}

static void expect_days(struct golden_vector *v, const struct world *w)
{
    uint32_t days;
    golden_expect_bool(v, "ok", rules_days_reached(&w->set.shape, &w->state.profit, &days));
    golden_expect_int(v, "days", days);
}

static void p7_profit_days(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    struct rules_shape *shape = &w->set.shape;
    shape->days_counted = RULES_DAYS_PROFIT;
    shape->min_days = (uint32_t)golden_int(v, "need");
    shape->day_profit = (struct rules_amount){.kind = RULES_ABS, .value = golden_dec(v, "threshold")};
    days_of(v, w, "day_profits");
    expect_days(v, w);
}

/* The date on which a candidate's day began, as the calendar on the wall has it. */
static void date_text(const struct tz_table *zone, int64_t start_ns, char *buf, size_t size)
{
    int64_t local_s = start_ns / NS + tz_offset_at(zone, start_ns);
    int year, month, day;
    tz_civil_from_days(local_s / 86400, &year, &month, &day);
    snprintf(buf, size, "%04d-%02d-%02d", year, month, day);
}

static void p7_opened_days(struct golden_vector *v)
{
    const struct tz_table *zone = golden_zone(v, golden_text(v, "tz"));
    if (!zone)
        return;
    struct world *w = begin(100000 * DEC_ONE);
    w->set.shape.days_counted = RULES_DAYS_OPENED;
    w->set.shape.min_days = (uint32_t)golden_int(v, "need");
    rules_init(&w->state, &w->set, 100000 * DEC_ONE);
    char parts[GOLDEN_LIST_MAX][96], dates[1024] = "", date[48];
    uint32_t count = golden_split(v, golden_text(v, "opens_utc"), ',', parts);
    for (uint32_t i = 0; i < count; i++) {
        int64_t t_ns = 0, start_ns, end_ns;
        struct rules_marked marked;
        if (!golden_parse_time(parts[i], &t_ns))
            golden_fail(v, "no time: %s", parts[i]);
        rules_mark(&w->state, &w->set, zone, t_ns, w->state.balance, w->state.equity, w->state.equity, &marked);
        uint32_t before = w->state.profit.days_opened;
        rules_on_opened(&w->state, &w->set, 0, 1, DEC_ONE, t_ns);
        rules_day_bounds(&w->set, zone, 0, t_ns, &start_ns, &end_ns);
        date_text(zone, start_ns, date, sizeof date);
        if (w->state.profit.days_opened > before && strlen(dates) + strlen(date) + 2 < sizeof dates)
            strcat(strcat(dates, *dates ? "," : ""), date);
    }
    expect_days(v, w);
    golden_expect_text(v, "dates", dates);
}

/* The target as a balance: as a profit of an account that begins at 0. */
static void p7_target(struct golden_vector *v)
{
    struct rules_shape shape = {.target = {.kind = RULES_ABS, .value = golden_dec(v, "target")}, .target_flat = true};
    golden_expect_bool(
        v, "reached",
        rules_target_reached(&shape, 0, golden_dec(v, "balance"), (uint32_t)golden_int(v, "open_positions")));
}

/* --- P8, P9 ------------------------------------------------------------------------------------------------------ */

static void p8_ratio(struct golden_vector *v)
{
    struct world *w = begin(50000 * DEC_ONE);
    w->set.stop.max_stop_to_target = golden_dec(v, "max_ratio");
    w->request.unit.stop_distance = golden_dec(v, "stop");
    w->request.unit.target_distance = golden_dec(v, "target");
    golden_expect_bool(v, "admit", ask(w));
    golden_expect_dec(v, "ratio", verdict_of(v, w, RULES_P8_STOP, 2)->left);
}

static void p8_moved(struct golden_vector *v)
{
    golden_expect_bool(v, "recheck_as_new_risk", rules_is_wider(golden_dec(v, "old_dist"), golden_dec(v, "new_dist")));
}

/* Apex: the US indices move together, minis and micros. */
static uint32_t index_of(struct golden_vector *v, const char *symbol)
{
    static const char *const symbols[] = {"ES", "MES", "NQ", "MNQ", "YM", "MYM", "RTY", "M2K"};
    for (uint32_t i = 0; i < COUNT(symbols); i++)
        if (strcmp(symbols[i], symbol) == 0)
            return i;
    golden_fail(v, "no index: %s", symbol);
    return 0;
}

/* "ES:+2" */
static void exposure_of(struct golden_vector *v, const char *key, uint32_t *instrument, uint32_t *side, dec_t *lots)
{
    char parts[GOLDEN_LIST_MAX][96];
    *instrument = 0;
    *side = 1;
    *lots = DEC_ONE;
    if (golden_split(v, golden_text(v, key), ':', parts) != 2 || strspn(parts[1], "+-") != 1 ||
        !golden_parse_dec(parts[1] + 1, lots)) {
        golden_fail(v, "no exposure: %s", key);
        return;
    }
    *instrument = index_of(v, parts[0]);
    *side = parts[1][0] == '-' ? 2 : 1;
}

static void p9_opposite(struct golden_vector *v)
{
    static const char *const texts[] = {
        [RULES_ADMIT] = "admit", [RULES_REFUSE] = "refuse", [RULES_REFUSE_EXCESS] = "refuse_excess"};
    struct world *w = begin(50000 * DEC_ONE);
    w->set.direction = (struct rules_direction){.opposite_refused = true, .group_count = 1, .groups = {0xff}};
    struct rules_request *r = &w->request;
    uint32_t instrument, side;
    dec_t lots;
    exposure_of(v, "held", &instrument, &side, &lots);
    leg(w, RULES_LEG_POSITION, instrument, side, lots);
    exposure_of(v, "new", &r->instrument, &r->side, &r->lots);
    r->lot_step = r->lot_min = DEC_ONE;
    enum rules_direction_verdict verdict =
        rules_direction_of(&w->set.direction, &w->book, r->instrument, r->side, r->lots);
    bool admitted = ask(w);
    if (admitted != (verdict == RULES_ADMIT))
        golden_fail(v, "direction %s, gate %d", texts[verdict], admitted);
    golden_expect_text(v, "verdict", texts[verdict]);
    golden_expect_bool(v, "admit", admitted);
}

/* E8: five positions on a losing trade. */
static void p9_adds(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    w->set.direction.adds_to_loser_max = 5;
    int64_t open = golden_int(v, "open_same_side");
    for (int64_t i = 0; i < open; i++)
        leg(w, RULES_LEG_POSITION, 0, 1, DEC_ONE)->floating = golden_bool(v, "in_loss") ? -DEC_ONE : DEC_ONE;
    w->request.purpose = RULES_ADD;
    golden_expect_bool(v, "admit", ask(w));
}

static void p9_after_loss(struct golden_vector *v)
{
    struct world *w = begin(100000 * DEC_ONE);
    w->set.direction = (struct rules_direction){.no_larger_after_loss = true, .group_count = 1, .groups = {3}};
    rules_on_opened(&w->state, &w->set, 0, 1, golden_dec(v, "last_loss_size"), NOON);
    rules_on_closed(&w->state, &w->set, 0, 1, golden_dec(v, "last_loss_size"), -DEC_ONE, NOON, NOON);
    w->request.instrument = golden_bool(v, "correlated_asset");
    w->request.lots = golden_dec(v, "q");
    golden_expect_bool(v, "admit", ask(w));
}

/* --- P10 --------------------------------------------------------------------------------------------------------- */

static void p10_capital(struct golden_vector *v)
{
    struct rules_cross rule = {.capital_cap = golden_dec(v, "cap")};
    char parts[GOLDEN_LIST_MAX][96];
    dec_t active[GOLDEN_LIST_MAX], total;
    uint32_t count = golden_split(v, golden_text(v, "active"), ',', parts);
    for (uint32_t i = 0; i < count; i++)
        if (!golden_parse_dec(parts[i], &active[i]))
            golden_fail(v, "no capital: %s", parts[i]);
    golden_expect_bool(v, "admit", rules_capital_allows(&rule, active, count, golden_dec(v, "new"), &total));
    golden_expect_dec(v, "total", total);
}

/* A name as a number: equal names, equal numbers. */
static uint32_t number_of(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}

/* "E8/1/eval/+EURUSD/open" */
static struct rules_party party_of(struct golden_vector *v, const char *key)
{
    struct rules_party party = {.side = 1, .opened_ns = NOON};
    char parts[GOLDEN_LIST_MAX][96];
    if (golden_split(v, golden_text(v, key), '/', parts) != 5 || strspn(parts[3], "+-") != 1) {
        golden_fail(v, "no party: %s", key);
        return party;
    }
    party.firm = number_of(parts[0]);
    party.account = number_of(parts[1]);
    party.strategy = party.account;
    party.stage = strcmp(parts[2], "funded") == 0 ? RULES_STAGE_FUNDED : RULES_STAGE_EVAL;
    party.instrument = number_of(parts[3] + 1) % RULES_INSTRUMENTS_MAX;
    party.side = parts[3][0] == '-' ? 2 : 1;
    party.open = strcmp(parts[4], "open") == 0;
    return party;
}

/* Every firm whose text is known refuses opposite positions of one owner, at other firms too. */
static void p10_exposure(struct golden_vector *v)
{
    static const char *const policies[] = {
        [RULES_COPY_OWN] = "own",
        [RULES_COPY_OWN_CHALLENGE_ONLY] = "own_challenge_only",
        [RULES_COPY_NOT_EVAL_TO_EVAL] = "own_not_eval_to_eval",
        [RULES_COPY_EXCLUSIVE_SYMBOL] = "exclusive_symbol",
        [RULES_COPY_INDEPENDENT] = "independent",
    };
    struct rules_cross rule = {.opposite_firm = true, .opposite_all = true, .copy = COUNT(policies)};
    for (uint32_t i = 0; i < COUNT(policies); i++)
        if (policies[i] && golden_is(v, "copy_policy", policies[i]))
            rule.copy = i;
    if (rule.copy == COUNT(policies))
        golden_fail(v, "no policy");
    struct rules_party asks = party_of(v, "new"), holds = party_of(v, "existing");
    golden_expect_bool(v, "admit", rules_cross_allows(&rule, NULL, &asks, &rule, &holds));
}

/* Funded Trader Markets: within five minutes of the first, or after it closed. */
static void p10_spaced(struct golden_vector *v)
{
    struct rules_cross rule = {.copy = RULES_COPY_SPACED, .spacing_s = 300};
    struct rules_party holds = {.account = 1,
                                .side = 1,
                                .open = !golden_bool(v, "first_closed"),
                                .opened_ns = NOON + golden_int(v, "first_open_s") * NS};
    struct rules_party asks = {
        .account = 2, .side = 1, .open = true, .opened_ns = NOON + golden_int(v, "second_open_s") * NS};
    golden_expect_bool(v, "admit", rules_cross_allows(&rule, NULL, &asks, &rule, &holds));
}

/* "XAUUSD:+1@FTP/1" */
static struct rules_party holding_of(struct golden_vector *v, const char *key)
{
    struct rules_party party = {.side = 1, .open = true, .opened_ns = NOON};
    char at[GOLDEN_LIST_MAX][96], what[GOLDEN_LIST_MAX][96], where[GOLDEN_LIST_MAX][96];
    if (golden_split(v, golden_text(v, key), '@', at) != 2 || golden_split(v, at[0], ':', what) != 2 ||
        golden_split(v, at[1], '/', where) != 2) {
        golden_fail(v, "no holding: %s", key);
        return party;
    }
    party.instrument = number_of(what[0]) % RULES_INSTRUMENTS_MAX;
    party.side = what[1][0] == '-' ? 2 : 1;
    party.firm = number_of(where[0]);
    party.account = party.strategy = number_of(where[1]);
    return party;
}

/* Funded Trading Plus: a market is held on one account alone. */
static void p10_exclusive(struct golden_vector *v)
{
    struct rules_cross rule = {.copy = RULES_COPY_EXCLUSIVE_SYMBOL};
    struct rules_party asks = holding_of(v, "new"), holds = holding_of(v, "held");
    golden_expect_bool(v, "admit", rules_cross_allows(&rule, NULL, &asks, &rule, &holds));
}

static void p10_strategy(struct golden_vector *v)
{
    struct rules_cross rule = {.strategy_exclusive = true};
    uint32_t firms[] = {number_of(golden_text(v, "used_at")), number_of(golden_text(v, "also_at"))};
    uint32_t count = golden_is(v, "also_at", "none") ? 1 : 2;
    golden_expect_bool(v, "admit", rules_strategy_allows(&rule, firms[0], firms, count));
}

static void p10_identical(struct golden_vector *v)
{
    struct rules_cross rule = {.identical_cap = golden_dec(v, "cap")};
    golden_expect_bool(v, "admit",
                       rules_identical_allows(&rule, golden_dec(v, "under_management"), golden_bool(v, "identical")));
}

/* --- P11, P12 ---------------------------------------------------------------------------------------------------- */

struct name {
    const char *text;
    uint32_t value;
};
static uint32_t named(struct golden_vector *v, const struct name *names, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i].text, text) == 0)
            return names[i].value;
    golden_fail(v, "unknown word: %s", text);
    return UINT32_MAX;
}

static void p11_conduct(struct golden_vector *v)
{
    static const struct name policies[] = {{"allowed", RULES_AUTOMATION_ALLOWED},
                                           {"own", RULES_OWN},
                                           {"own_with_proof", RULES_OWN_WITH_PROOF},
                                           {"own_source_shared", RULES_OWN_SOURCE_SHARED},
                                           {"approval", RULES_APPROVAL},
                                           {"own_attended", RULES_OWN_ATTENDED},
                                           {"manual_only", RULES_MANUAL_ONLY}};
    static const struct name modes[] = {{"auto_unattended", RULES_AUTO_UNATTENDED},
                                        {"auto_own_proof", RULES_AUTO_OWN_PROOF},
                                        {"auto_attended", RULES_AUTO_ATTENDED},
                                        {"manual", RULES_MANUAL}};
    static const struct name hosts[] = {{"own_device", RULES_HOST_OWN_DEVICE},
                                        {"server", RULES_HOST_SERVER},
                                        {"vps", RULES_HOST_VPS},
                                        {"vpn", RULES_HOST_VPN},
                                        {"remote", RULES_HOST_REMOTE}};
    struct world *w = begin(50000 * DEC_ONE);
    char refused[GOLDEN_LIST_MAX][96];
    w->set.conduct.automation = named(v, policies, COUNT(policies), golden_text(v, "policy"));
    uint32_t count = golden_split(v, golden_text(v, "hosts_refused"), ',', refused);
    for (uint32_t i = 0; i < count; i++)
        if (refused[i][0] != 0)
            w->set.conduct.hosts_refused |= 1u << named(v, hosts, COUNT(hosts), refused[i]);
    w->context.mode = named(v, modes, COUNT(modes), golden_text(v, "mode"));
    w->context.host = named(v, hosts, COUNT(hosts), golden_text(v, "host"));
    golden_expect_bool(v, "admit", ask(w));
}

static void p12_inactivity(struct golden_vector *v)
{
    static const char *const texts[] = {
        [RULES_ACTIVE] = "ACTIVE", [RULES_INACTIVE_WARN] = "WARN", [RULES_INACTIVE] = "INACTIVE"};
    struct rules_life rule = {.inactivity_days = (uint32_t)golden_int(v, "limit_days"),
                              .inactivity_warn_days = (uint32_t)golden_int(v, "warn_days")};
    golden_expect_text(
        v, "state",
        texts[rules_inactivity(&rule, (int32_t)golden_date(v, "last_order"), (int32_t)golden_date(v, "today"))]);
}

static void p12_payout(struct golden_vector *v)
{
    struct world *w = begin(50000 * DEC_ONE);
    w->set.life.payout_freeze = true;
    w->state.payout_pending = golden_bool(v, "payout_pending");
    golden_expect_bool(v, "admit", ask(w));
}

static void p12_age(struct golden_vector *v)
{
    struct world *w = begin(50000 * DEC_ONE);
    w->set.verified_day = (int32_t)golden_date(v, "verified_at");
    w->set.max_age_days = (uint32_t)golden_int(v, "max_age_days");
    w->context.live = true;
    w->context.today = (int32_t)golden_date(v, "today");
    bool opens = ask(w);
    golden_expect_dec(v, "age_days", verdict_of(v, w, RULES_P12_LIFECYCLE, 1)->left);
    w->request.purpose = RULES_CLOSE_VOLUNTARY;
    w->request.opened_ns = NOON;
    golden_expect_text(v, "trading", opens ? "normal" : ask(w) ? "reduce_only" : "none");
}

/* --- which ----------------------------------------------------------------------------------------------------------
 */

/* The first of its primitive whose keys are all there. */
static const struct handler {
    const char *primitive, *keys[3];
    void (*handle)(struct golden_vector *v);
} handlers[] = {
    {"P2", {"closed_loss", "window_min"}, p2_reentry},
    {"P2", {"stop_dist", "q"}, p2_at_stop},
    {"P2", {"sod_profit", "threshold"}, p2_of_profit},
    {"P2", {"daily_limit", "new_risk"}, p2_of_daily},
    {"P2", {"group", "loss"}, p2_breach},
    {"P3", {"minis", "micros"}, p3_minis},
    {"P3", {"open_buy", "working_buy"}, p3_side},
    {"P3", {"tiers", "eod_profit"}, p3_scaling},
    {"P3", {"eod_profit"}, p3_apex_tier},
    {"P3", {"need_equity", "stop_pts"}, p3_ladder},
    {"P3", {"carried", "opened_today"}, p3_day},
    {"P3", {"used_margin", "new_margin"}, p3_margin},
    {"P3", {"limit_symbol", "limit_total"}, p3_positions},
    {"P3", {"limit", "open", "new"}, p3_open},
    {"P4", {"event", "stop_dist_ticks"}, p4_before_window},
    {"P4", {"event", "opened_min", "closed_min"}, p4_profit},
    {"P4", {"event", "t"}, p4_news},
    {"P4", {"flat_by", "lead_s"}, p4_flat_by},
    {"P4", {"close", "closed_for_h"}, p4_gap},
    {"P4", {"close", "holds"}, p4_weekend},
    {"P5", {"durations_s", "profits"}, p5_durations},
    {"P5", {"opened_s", "now_s"}, p5_min_hold},
    {"P5", {"trades", "long", "profit_long"}, p5_long_shares},
    {"P5", {"trades", "short"}, p5_short_share},
    {"P6", {"reserve_formula", "used"}, p6_reserve},
    {"P6", {"fills"}, p6_executions},
    {"P6", {"working", "new"}, p6_working},
    {"P6", {"window_s", "in_window"}, p6_rolling},
    {"P6", {"orders", "cancels", "modifies"}, p6_requests},
    {"P7", {"days", "denominator"}, p7_best_day},
    {"P7", {"other_days", "limit"}, p7_cap},
    {"P7", {"day_profits", "threshold"}, p7_profit_days},
    {"P7", {"opens_utc", "tz"}, p7_opened_days},
    {"P7", {"target", "balance"}, p7_target},
    {"P8", {"stop", "target"}, p8_ratio},
    {"P8", {"old_dist", "new_dist"}, p8_moved},
    {"P9", {"held", "new"}, p9_opposite},
    {"P9", {"open_same_side", "in_loss"}, p9_adds},
    {"P9", {"last_loss_size", "q"}, p9_after_loss},
    {"P10", {"active", "cap"}, p10_capital},
    {"P10", {"existing", "new", "copy_policy"}, p10_exposure},
    {"P10", {"first_open_s", "second_open_s"}, p10_spaced},
    {"P10", {"held", "new"}, p10_exclusive},
    {"P10", {"strategy", "used_at"}, p10_strategy},
    {"P10", {"under_management", "identical"}, p10_identical},
    {"P11", {"policy", "mode", "host"}, p11_conduct},
    {"P12", {"last_order", "today"}, p12_inactivity},
    {"P12", {"payout_pending"}, p12_payout},
    {"P12", {"verified_at", "max_age_days"}, p12_age},
};

static bool has_all(const struct golden_vector *v, const struct handler *handler)
{
    for (size_t i = 0; i < COUNT(handler->keys); i++)
        if (handler->keys[i] && !golden_has(v, handler->keys[i]))
            return false;
    return true;
}

int golden_primitive(struct golden_vector *v)
{
    for (size_t i = 0; i < COUNT(handlers); i++)
        if (strcmp(handlers[i].primitive, v->primitive) == 0 && has_all(v, &handlers[i])) {
            handlers[i].handle(v);
            return 1;
        }
    return 0;
}
