/* P1 (levels, series, days), PT (before an order), CT (after a record). */
#include "tests/golden/golden.h"

#include <stdio.h>
#include <string.h>

#include "workers/risk/rules/rules.h"

#define NS INT64_C(1000000000)
#define LEGS_MAX 16u
#define T0 (INT64_C(1700000000) * NS)

/* A set of rules that asks for nothing, an account of it and an empty book. */
struct rig {
    struct rules_set set;
    struct rules_state state;
    struct rules_leg legs[LEGS_MAX];
    struct rules_book book;
    struct rules_context context;
    struct rules_request request;
    struct rules_answer answer;
    struct tz_table zones[RULES_DAYS_MAX];
};
static struct rig rig;

static const struct tz_table *zone(struct golden_vector *v, const char *name)
{
    static const struct tz_table utc = {.name = "none"};
    const struct tz_table *table = golden_zone(v, name);
    return table ? table : &utc;
}

static struct rules_floor *rig_begin(struct golden_vector *v, dec_t initial, dec_t equity)
{
    memset(&rig, 0, sizeof rig);
    rig.set.day_count = 1;
    rig.set.floor_count = 1;
    rig.set.floors[0] = (struct rules_floor){.anchor = RULES_INITIAL, .days = 1};
    rig.set.guard.haircut = 0;
    rig.zones[0] = *zone(v, "UTC");
    rules_init(&rig.state, &rig.set, initial);
    rig.state.balance = rig.state.equity = equity;
    rig.book = (struct rules_book){.legs = rig.legs, .balance = equity, .equity = equity};
    rig.context = (struct rules_context){.now_ns = T0, .zones = rig.zones};
    rig.request = (struct rules_request){.purpose = RULES_ENTRY,
                                         .side = 1,
                                         .lots = DEC_ONE,
                                         .lot_step = DEC_ONE / 100,
                                         .lot_min = DEC_ONE / 100,
                                         .has_stop = true};
    /* of no risk: asks whether the book as it is would be admitted */
    rig.request.unit = (struct rules_terms){.leaves = DEC_ONE, .rate = DEC_ONE};
    return &rig.set.floors[0];
}

static void ask(struct golden_vector *v)
{
    if (golden_has(v, "buffer"))
        rig.set.guard.fixed_abs = golden_dec(v, "buffer");
    if (golden_is(v, "breach_op", "le"))
        rig.set.floors[0].breach = RULES_LE;
    rules_gate(&rig.set, &rig.state, &rig.book, &rig.context, &rig.request, &rig.answer);
    golden_expect_bool(v, "admit", rig.answer.admitted);
}

static const struct rules_verdict *verdict(uint32_t primitive, uint32_t condition, uint32_t rule)
{
    static const struct rules_verdict none = {.q_max = -1, .left = -1, .right = -1};
    for (uint32_t i = 0; i < rig.answer.count; i++) {
        const struct rules_verdict *one = &rig.answer.verdicts[i];
        if (one->primitive == primitive && one->condition == condition && one->rule == rule)
            return one;
    }
    return &none;
}

/* --- P1 --------------------------------------------------------------------------------------------------------------
 */

static uint32_t anchor_named(struct golden_vector *v)
{
    static const char *const names[RULES_ANCHOR_COUNT] = {"initial",     "snap_balance", "snap_equity",
                                                          "snap_max",    "run_closed",   "run_eod_balance",
                                                          "run_eod_max", "run_equity",   "day_peak"};
    const char *name = golden_text(v, "anchor");
    for (uint32_t i = 0; i < RULES_ANCHOR_COUNT; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    golden_fail(v, "no anchor %s", name);
    return RULES_INITIAL;
}

static void read_tiers(struct golden_vector *v, struct rules_amount *amount)
{
    static char parts[GOLDEN_LIST_MAX][96];
    uint32_t count = golden_split(v, golden_text(v, "tiers"), ',', parts);
    amount->kind = RULES_TIERED;
    for (uint32_t i = 0; i < count && i < RULES_TIERS_MAX; i++) {
        char *colon = strchr(parts[i], ':');
        struct rules_tier *tier = &amount->tiers[amount->tier_count++];
        if (colon)
            *colon = '\0';
        if (!colon || !golden_parse_dec(parts[i], &tier->from) || !golden_parse_dec(colon + 1, &tier->value))
            golden_fail(v, "tiers: %s", parts[i]);
    }
}

static void read_floor(struct golden_vector *v, struct rules_floor *floor)
{
    floor->anchor = anchor_named(v);
    if (golden_has(v, "tiers")) {
        read_tiers(v, &floor->allowance);
    } else {
        const char *kind = golden_text(v, "allowance_kind");
        floor->allowance.value = golden_dec(v, "allowance");
        if (strcmp(kind, "abs") == 0)
            floor->allowance.kind = RULES_ABS;
        else if (strcmp(kind, "frac_initial") == 0)
            floor->allowance.kind = RULES_FRAC_INITIAL;
        else if (strcmp(kind, "frac_anchor") == 0)
            floor->allowance.kind = RULES_FRAC_ANCHOR;
        else
            golden_fail(v, "no kind of allowance: %s", kind);
    }
    if (golden_is(v, "breach_op", "le"))
        floor->breach = RULES_LE;
    if (golden_is(v, "measure", "balance"))
        floor->measure = RULES_BALANCE;
    else if (golden_is(v, "measure", "min_balance_equity"))
        floor->measure = RULES_MIN_BALANCE_EQUITY;
    if (golden_has(v, "cap") && !golden_is(v, "cap", "none")) {
        floor->has_cap = true;
        floor->cap = golden_dec(v, "cap") - rig.state.initial;
    }
    if (golden_has(v, "lock_when")) {
        floor->has_lock = true;
        floor->lock_when = golden_dec(v, "lock_when") - rig.state.initial;
        floor->lock_at = golden_dec(v, "lock_floor") - rig.state.initial;
    }
}

/* hwm: the highest of whatever the anchor follows. */
static void read_marks(struct golden_vector *v)
{
    struct rules_day_marks *day = &rig.state.days[0];
    day->balance = golden_dec_or(v, "snap_balance", day->balance);
    day->equity = golden_dec_or(v, "snap_equity", day->equity);
    if (golden_has(v, "hwm")) {
        dec_t high = golden_dec(v, "hwm");
        rig.state.high_balance = rig.state.high_equity = high;
        day->run_balance = day->run_max = day->peak_equity = high;
    }
    rig.state.firm_floor[0] = golden_dec_or(v, "firm_floor", DEC_NONE);
}

static int level(struct golden_vector *v)
{
    dec_t equity = golden_dec(v, "equity"), balance = golden_dec_or(v, "balance", equity);
    struct rules_floor *floor = rig_begin(v, golden_dec(v, "initial"), equity);
    read_floor(v, floor);
    read_marks(v);
    dec_t at = rules_floor_level(&rig.state, &rig.set, 0);
    dec_t measured = floor->measure == RULES_EQUITY    ? equity
                     : floor->measure == RULES_BALANCE ? balance
                                                       : dec_min(balance, equity);
    golden_expect_dec(v, "floor", at);
    golden_expect_dec(v, "room", measured - at);
    golden_expect_bool(v, "breach", rules_floor_breached(floor, at, balance, equity));
    return 1;
}

static void one_event(struct golden_vector *v, const char *text, uint32_t index)
{
    char kind[16] = "", balance_text[32] = "", equity_text[32] = "", effect[32] = "";
    struct rules_marked marked;
    dec_t balance, equity;
    int64_t now = T0 + (int64_t)(index + 1) * 60 * NS;
    if (sscanf(text, "%15[a-z]:%31[-0-9.]:%31[-0-9.]:%31s", kind, balance_text, equity_text, effect) < 3 ||
        !golden_parse_dec(balance_text, &balance) || !golden_parse_dec(equity_text, &equity)) {
        golden_fail(v, "event %s", text);
        return;
    }
    if (rig.state.time_ns > now)
        now = rig.state.time_ns + NS;
    if (strcmp(kind, "payout") == 0) {
        struct rules_floor *floor = &rig.set.floors[0];
        floor->payout = strcmp(effect, "floor_to_zero") == 0      ? RULES_PAYOUT_FLOOR_TO_ZERO
                        : strcmp(effect, "floor_to_initial") == 0 ? RULES_PAYOUT_FLOOR_TO_INITIAL
                        : strcmp(effect, "anchor_reset") == 0     ? RULES_PAYOUT_ANCHOR_RESET
                                                                  : RULES_PAYOUT_NONE;
        rules_payout(&rig.state, &rig.set, now, balance, equity);
        return;
    }
    rules_mark(&rig.state, &rig.set, rig.zones, now, balance, equity, equity, &marked);
    if (strcmp(kind, "boundary") == 0)
        rules_mark(&rig.state, &rig.set, rig.zones, rig.state.days[0].end_ns, balance, equity, equity, &marked);
    else if (strcmp(kind, "tick") != 0 && strcmp(kind, "close") != 0)
        golden_fail(v, "event %s", text);
}

/* A series of marks: the floor after each, and whether it is crossed then. */
static int series(struct golden_vector *v)
{
    static char parts[GOLDEN_LIST_MAX][96];
    char floors[1024] = "", breaches[512] = "", number[DEC_STR_MAX];
    struct rules_floor *floor = rig_begin(v, golden_dec(v, "initial"), golden_dec(v, "initial"));
    struct rules_marked marked;
    read_floor(v, floor);
    uint32_t count = golden_split(v, golden_text(v, "events"), ',', parts);
    rules_mark(&rig.state, &rig.set, rig.zones, T0, rig.state.initial, rig.state.initial, rig.state.initial, &marked);
    for (uint32_t i = 0; i < count; i++) {
        one_event(v, parts[i], i);
        dec_t at = rules_floor_level(&rig.state, &rig.set, 0);
        (void)dec_format(at, 2, number);
        (void)snprintf(floors + strlen(floors), sizeof floors - strlen(floors), "%s%s", i ? "," : "", number);
        (void)snprintf(breaches + strlen(breaches), sizeof breaches - strlen(breaches), "%s%s", i ? "," : "",
                       rules_floor_breached(floor, at, rig.state.balance, rig.state.equity) ? "true" : "false");
    }
    golden_expect_text(v, "floors", floors);
    golden_expect_text(v, "breach", breaches);
    return 1;
}

/* --- P1D
 * -------------------------------------------------------------------------------------------------------------- */

/* Start and end of the day that begins at `at` on a local date. */
static void day_of(struct golden_vector *v, const char *name, int32_t at_s, int64_t local_day, int64_t *start,
                   int64_t *end)
{
    struct rules_set set = {.day_count = 1, .days = {{.zone = 0, .at_s = at_s}}};
    const struct tz_table *table = zone(v, name);
    /* any instant of that day will do: noon UTC of the date, moved by the time of day and half a day */
    int64_t probe = (local_day * 86400 + at_s) * NS -
                    (int64_t)tz_offset_at(table, (local_day * 86400 + at_s) * NS) * NS + 6 * 3600 * NS;
    rules_day_bounds(&set, table, 0, probe, start, end);
}

static int day_bounds(struct golden_vector *v)
{
    int64_t start, end;
    day_of(v, golden_text(v, "tz"), golden_clock(v, "at"), golden_date(v, "local_date"), &start, &end);
    golden_expect_time(v, "utc", start);
    golden_expect_dec(v, "day_hours", (end - start) / 36000);
    return 1;
}

/* The platform's midnight is New York 17:00 of the evening before. */
static int day_gap(struct golden_vector *v)
{
    int64_t date = golden_date(v, "local_date"), platform, prague, end;
    day_of(v, "America/New_York", 17 * 3600, date - 1, &platform, &end);
    day_of(v, "Europe/Prague", 0, date, &prague, &end);
    golden_expect_time(v, "platform_utc", platform);
    golden_expect_time(v, "prague_utc", prague);
    golden_expect_dec(v, "gap_hours", (prague - platform) / 36000);
    return 1;
}

static void local_date(char out[64], const struct tz_table *table, int64_t utc_ns)
{
    int year, month, day;
    int64_t local = utc_ns / NS + tz_offset_at(table, utc_ns);
    tz_civil_from_days(local / 86400, &year, &month, &day);
    (void)snprintf(out, 64, "%04d-%02d-%02d", year, month, day);
}

/* Candidates of the day: each its own snapshot; the highest floor rules. */
static int day_candidates(struct golden_vector *v)
{
    struct rules_floor *floor = rig_begin(v, 100000 * DEC_ONE, 100000 * DEC_ONE);
    int64_t t = golden_time(v, "t");
    rig.set.day_count = 0;
    floor->anchor = RULES_SNAP_BALANCE;
    floor->days = 0;
    for (uint32_t i = 0; i < RULES_DAYS_MAX; i++) {
        char key[24], name[48] = "", clock[16] = "", date[64];
        (void)snprintf(key, sizeof key, "cand%u", i + 1);
        if (!golden_has(v, key))
            break;
        if (sscanf(golden_text(v, key), "%47s %15s", name, clock) != 2 ||
            !golden_parse_clock(clock, &rig.set.days[i].at_s))
            golden_fail(v, "%s", key);
        rig.zones[i] = *zone(v, name);
        rig.set.days[i].zone = i;
        rig.set.day_count++;
        floor->days |= 1u << i;
        (void)snprintf(key, sizeof key, "floor_cand%u", i + 1);
        rig.state.days[i].balance = golden_dec(v, key); /* the allowance is 0 here: the snapshot is the floor */
        int64_t start, end;
        rules_day_bounds(&rig.set, rig.zones, i, t, &start, &end);
        local_date(date, &rig.zones[i], start);
        (void)snprintf(key, sizeof key, "day%u", i + 1);
        golden_expect_text(v, key, date);
    }
    golden_expect_dec(v, "floor", rules_floor_level(&rig.state, &rig.set, 0));
    return 1;
}

/* --- PT
 * ----------------------------------------------------------------------------------------------------------------- */

/* An initial balance of 100000 and an allowance that puts the floor where the vector has it. */
static struct rules_floor *static_floor(struct golden_vector *v, dec_t equity, dec_t at)
{
    struct rules_floor *floor = rig_begin(v, 100000 * DEC_ONE, equity);
    floor->allowance = (struct rules_amount){.kind = RULES_ABS, .value = 100000 * DEC_ONE - at};
    return floor;
}

/* The order of `terms` as the request, by its cost a lot; where that does not come out even, as a leg of the book. */
static void request_of(struct golden_vector *v, const struct rules_terms *terms, const struct rules_leg *leg)
{
    dec_t lots = terms->filled + terms->leaves, per_lot = 0, back = 0;
    if (lots <= 0 || dec_div(terms->cost, lots, DEC_ROUND_CEIL, &per_lot) != 0 ||
        dec_mul(per_lot, lots, DEC_ROUND_CEIL, &back) != 0) {
        golden_fail(v, "lots");
        return;
    }
    if (back != terms->cost && rig.book.count < LEGS_MAX) {
        rig.legs[rig.book.count++] = *leg;
        return;
    }
    rig.request.lots = lots;
    rig.request.unit = *terms;
    rig.request.unit.leaves = DEC_ONE;
    rig.request.unit.filled = rig.request.unit.covered = 0;
    rig.request.unit.cost = per_lot;
}

/* What one lot moves for a price of 1, where the vector does not say. */
static dec_t value_of(struct golden_vector *v)
{
    static const struct {
        const char *symbol;
        int value;
    } known[] = {{"XAUUSD", 100}, {"ES", 50}, {"MES", 5}, {"NQ", 20}, {"MNQ", 2}};
    if (golden_has(v, "pv_jpy") || golden_has(v, "pv"))
        return golden_dec(v, golden_has(v, "pv") ? "pv" : "pv_jpy");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (golden_is(v, "symbol", known[i].symbol))
            return known[i].value * DEC_ONE;
    return 100000 * DEC_ONE;
}

static struct rules_terms order_terms(struct golden_vector *v)
{
    struct rules_terms terms = {
        .value = value_of(v),
        .rate = golden_dec_or(v, "jpyusd", DEC_ONE),
        .haircut = golden_dec_or(v, "haircut", 0),
        .no_stop_distance = golden_dec_or(v, "no_stop_dist", 0),
        .target_distance = RULES_UNBOUNDED,
        .slip_entry = golden_dec_or(v, "slip_entry", 0),
        .slip_exit = golden_dec_or(v, "slip_exit", 0),
        .cost = golden_dec_or(v, "commission", 0),
    };
    terms.stop_distance = golden_dec_or(v, "dist", terms.no_stop_distance); /* none: the catastrophe */
    if (golden_has(v, "filled")) {
        terms.filled = golden_dec(v, "filled");
        terms.leaves = golden_dec(v, "leaves");
        terms.covered = golden_dec(v, "stop_qty");
    } else {
        terms.leaves = golden_dec(v, "q");
    }
    return terms;
}

static int one_order(struct golden_vector *v)
{
    struct rules_leg leg = {.side = 1, .kind = RULES_LEG_ORDER};
    struct rules_terms terms = order_terms(v);
    bool held = golden_has(v, "held_over_close") && golden_bool(v, "held_over_close");
    if (held)
        terms.gap_distance = golden_dec_or(v, "weekend_gap", 0);
    rules_price(&terms, &leg);
    golden_expect_dec(v, "delta", leg.give_up);
    if (!golden_has(v, "floor"))
        return 1;
    (void)static_floor(v, golden_dec(v, "equity"), golden_dec(v, "floor"));
    terms.gap_distance = golden_dec_or(v, "weekend_gap", 0); /* whether it counts is the gate's to say */
    request_of(v, &terms, &leg);
    rig.request.may_cross_close = held;
    ask(v);
    golden_expect_dec(v, "wce", verdict(RULES_P1_LOSS_FLOOR, 1, 0)->left);
    golden_expect_dec(v, "q_max", rig.answer.q_max);
    return 1;
}

/* EURUSD:3:pv100000:d0.0025:se0.00005:sx0.0003:c7.5 */
static struct rules_terms terms_of(struct golden_vector *v, const char *text, bool position)
{
    static char parts[GOLDEN_LIST_MAX][96];
    struct rules_terms terms = {.rate = DEC_ONE};
    uint32_t count = golden_split(v, text, ':', parts);
    dec_t lots = 0, *to[] = {&terms.value,     &terms.stop_distance, &terms.slip_entry,
                             &terms.slip_exit, &terms.cost,          &terms.target_distance};
    static const char *const marks[] = {"pv", "d", "se", "sx", "c", "t"};
    if (count < 2 || !golden_parse_dec(parts[1], &lots))
        golden_fail(v, "leg %s", text);
    for (uint32_t i = 2; i < count; i++) {
        uint32_t known = 0;
        for (; known < sizeof marks / sizeof *marks; known++) {
            size_t length = strlen(marks[known]);
            if (strncmp(parts[i], marks[known], length) == 0 && golden_parse_dec(parts[i] + length, to[known]))
                break;
        }
        if (known == sizeof marks / sizeof *marks)
            golden_fail(v, "leg %s: %s", text, parts[i]);
    }
    *(position ? &terms.filled : &terms.leaves) = lots;
    terms.covered = terms.filled;
    return terms;
}

static bool begins(const char *key, const char *with)
{
    return strncmp(key, with, strlen(with)) == 0;
}

static bool has_legs(const struct golden_vector *v)
{
    for (uint32_t i = 0; i < v->inputs.count; i++)
        if (begins(v->inputs.pairs[i].key, "pos") && strchr(v->inputs.pairs[i].value, ':'))
            return true;
    return false;
}

/* pos*: positions, oco*: one set of orders, pend*: free orders, new: the request. linked=false: the set is none. A
 * vector with `linked` and no legs speaks of the nearest above it that has some. */
static int whole_book(struct golden_vector *v)
{
    const struct golden_vector *from = v;
    bool linked = !golden_has(v, "linked") || golden_bool(v, "linked");
    dec_t oco = 0;
    while (from && !has_legs(from))
        from = from->before;
    if (!from) {
        golden_fail(v, "no book");
        return 1;
    }
    (void)static_floor(v, golden_dec(v, "equity"), golden_dec(v, "floor"));
    rig.book.count = 0;
    for (uint32_t i = 0; i < from->inputs.count; i++) {
        const char *key = from->inputs.pairs[i].key, *value = from->inputs.pairs[i].value;
        bool position = begins(key, "pos"), new = strcmp(key, "new") == 0;
        char name[32];
        if (!position && !new && !begins(key, "oco") && !begins(key, "pend"))
            continue;
        struct rules_terms terms = terms_of(v, value, position);
        struct rules_leg leg = {.kind = position ? RULES_LEG_POSITION : RULES_LEG_ORDER, .side = 1};
        rules_price(&terms, &leg);
        if (begins(key, "oco")) {
            leg.oco = linked ? 7 : 0;
            oco = dec_max(oco, leg.give_up);
        }
        (void)snprintf(name, sizeof name, "d_%.20s", key);
        golden_expect_dec(v, name, leg.give_up);
        if (new) {
            request_of(v, &terms, &leg);
        } else if (rig.book.count < LEGS_MAX) {
            rig.legs[rig.book.count++] = leg;
        }
    }
    golden_expect_dec(v, "d_oco", oco);
    ask(v);
    golden_expect_dec(v, "wce", verdict(RULES_P1_LOSS_FLOOR, 1, 0)->left);
    golden_expect_dec(v, "q_max", rig.answer.q_max);
    return 1;
}

static void add_position(dec_t floating, dec_t give_up, dec_t excursion)
{
    if (rig.book.count == LEGS_MAX)
        return;
    rig.legs[rig.book.count++] = (struct rules_leg){.kind = RULES_LEG_POSITION,
                                                    .side = 1,
                                                    .lots = DEC_ONE,
                                                    .floating = floating,
                                                    .give_up = give_up,
                                                    .excursion = excursion,
                                                    .risk = dec_max(0, give_up - floating)};
}

/* balance, equity, floor_today, allowance, worst_loss [, max_favourable: anchor max(B, E)] [, may_cross_boundary]. */
static int over_boundary(struct golden_vector *v)
{
    dec_t balance = golden_dec(v, "balance"), equity = golden_dec(v, "equity"), today = golden_dec(v, "floor_today");
    dec_t allowance = golden_dec(v, "allowance"), best = golden_dec_or(v, "max_favourable", 0);
    bool crosses = !golden_has(v, "may_cross_boundary") || golden_bool(v, "may_cross_boundary");
    struct rules_floor *floor = rig_begin(v, today + allowance, equity);
    floor->anchor = golden_has(v, "max_favourable") ? RULES_SNAP_MAX : RULES_SNAP_BALANCE;
    floor->allowance = (struct rules_amount){.kind = RULES_ABS, .value = allowance};
    rig.book.balance = rig.state.balance = balance;
    add_position(equity - balance, golden_dec(v, "worst_loss"), best);
    rig.request.may_cross_boundary = crosses;
    ask(v);
    dec_t now = rules_floor_level(&rig.state, &rig.set, 0),
          next = rules_floor_next(&rig.state, &rig.set, 0, balance, equity, best);
    golden_expect_dec(v, "floor_next", next);
    golden_expect_dec(v, "floor_eff", crosses ? dec_max(now, next) : now);
    golden_expect_dec(v, "wce", verdict(RULES_P1_LOSS_FLOOR, 1, 0)->left);
    return 1;
}

/* positions=F3000:D2000:U1500,...: floating, give-up, excursion; the anchor is the balance of the boundary. */
static int entry_to_stop(struct golden_vector *v)
{
    static char parts[GOLDEN_LIST_MAX][96];
    dec_t balance = golden_dec(v, "balance"), allowance = golden_dec(v, "allowance"), buffer = golden_dec(v, "buffer");
    struct rules_floor *floor = rig_begin(v, balance, golden_dec(v, "equity"));
    uint32_t count = golden_split(v, golden_text(v, "positions"), ',', parts);
    floor->anchor = RULES_SNAP_BALANCE;
    floor->allowance = (struct rules_amount){.kind = RULES_ABS, .value = allowance};
    rig.book.balance = rig.state.balance = balance;
    rig.request.may_cross_boundary = true;
    for (uint32_t i = 0; i < count; i++) {
        char texts[3][32];
        dec_t f = 0, d = 0, u = 0;
        if (sscanf(parts[i], "F%31[^:]:D%31[^:]:U%31s", texts[0], texts[1], texts[2]) != 3 ||
            !golden_parse_dec(texts[0], &f) || !golden_parse_dec(texts[1], &d) || !golden_parse_dec(texts[2], &u))
            golden_fail(v, "position %s", parts[i]);
        add_position(f, d, u);
    }
    ask(v);
    const struct rules_verdict *r1 = verdict(RULES_P1_LOSS_FLOOR, 1, 0), *r2 = verdict(RULES_P1_LOSS_FLOOR, 2, 0);
    golden_expect_dec(v, "margin", r2->right + buffer - r2->left);
    golden_expect_dec(v, "naive_margin", r1->left + buffer - r1->right);
    return 1;
}

static struct rules_floor *trailing_floor(struct golden_vector *v)
{
    dec_t high = golden_dec(v, "hwm"), equity = golden_dec(v, "equity");
    struct rules_floor *floor = rig_begin(v, dec_min(50000 * DEC_ONE, dec_min(high, equity)), equity);
    floor->anchor = RULES_RUN_EQUITY;
    floor->allowance = (struct rules_amount){.kind = RULES_ABS, .value = golden_dec(v, "trail")};
    rig.state.high_equity = high;
    if (golden_has(v, "cap") && !golden_is(v, "cap", "none")) {
        floor->has_cap = true;
        floor->cap = golden_dec(v, "cap") - rig.state.initial;
    }
    return floor;
}

static int trail(struct golden_vector *v)
{
    (void)trailing_floor(v);
    add_position(0, golden_dec(v, "worst_loss"), golden_dec(v, "max_favourable"));
    ask(v);
    const struct rules_verdict *r3 = verdict(RULES_P1_LOSS_FLOOR, 3, 0);
    golden_expect_dec(v, "floor_after", r3->right - golden_dec(v, "buffer"));
    golden_expect_dec(v, "wce", r3->left);
    return 1;
}

static int trail_size(struct golden_vector *v)
{
    struct rules_leg leg = {0};
    (void)trailing_floor(v);
    rig.request.lot_step = rig.request.lot_min = DEC_ONE;
    rig.request.unit = (struct rules_terms){.leaves = DEC_ONE,
                                            .value = golden_dec(v, "point"),
                                            .rate = DEC_ONE,
                                            .stop_distance = golden_dec(v, "stop_pts"),
                                            .target_distance = golden_dec(v, "target_pts"),
                                            .slip_exit = golden_dec(v, "slip_pts"),
                                            .cost = golden_dec(v, "commission_rt")};
    rules_price(&rig.request.unit, &leg);
    ask(v);
    golden_expect_dec(v, "l_per_contract", leg.give_up);
    golden_expect_dec(v, "u_per_contract", leg.excursion);
    golden_expect_dec(v, "q_max", rig.answer.q_max);
    return 1;
}

static int both_sides(struct golden_vector *v)
{
    (void)static_floor(v, golden_dec(v, "equity"), 0);
    add_position(0, golden_dec(v, "long_delta"), 0);
    add_position(0, golden_dec(v, "short_delta"), 0);
    rig.legs[1].side = 2;
    ask(v);
    golden_expect_dec(v, "wce", verdict(RULES_P1_LOSS_FLOOR, 1, 0)->left);
    return 1;
}

/* The smallest of several limits; margin_budget as a share of an equity of 100000. */
static int smallest(struct golden_vector *v)
{
    dec_t equity = 100000 * DEC_ONE, share = 0;
    (void)static_floor(v, equity, equity - golden_dec(v, "daily_room"));
    rig.request.unit.value = golden_dec(v, "unit_loss");
    rig.request.unit.stop_distance = DEC_ONE;
    rig.request.margin_per_lot = golden_dec(v, "margin_per_lot");
    rig.request.lots = rig.request.lot_step;
    rig.set.loss_count = 1;
    rig.set.losses[0] = (struct rules_loss){.group = RULES_GROUP_IDEA,
                                            .over = golden_is(v, "idea_op", "ge") ? RULES_GE : RULES_GT,
                                            .limit = {.kind = RULES_ABS, .value = golden_dec(v, "idea_room")}};
    rig.set.exposure_count = 2;
    if (dec_div(golden_dec(v, "margin_budget"), equity, DEC_ROUND_FLOOR, &share) != 0)
        golden_fail(v, "margin_budget");
    rig.set.exposures[0] = (struct rules_exposure){.counted = RULES_LOTS_OPEN,
                                                   .instruments = 1,
                                                   .weight = {DEC_ONE},
                                                   .limit = {.kind = RULES_ABS, .value = golden_dec(v, "lots_left")}};
    rig.set.exposures[1] = (struct rules_exposure){.counted = RULES_MARGIN_SHARE,
                                                   .instruments = 1,
                                                   .weight = {DEC_ONE},
                                                   .limit = {.kind = RULES_ABS, .value = share}};
    ask(v);
    golden_expect_dec(v, "q_daily", verdict(RULES_P1_LOSS_FLOOR, 1, 0)->q_max);
    golden_expect_dec(v, "q_idea", verdict(RULES_P2_OPEN_LOSS, 0, 0)->q_max);
    golden_expect_dec(v, "q_lots", verdict(RULES_P3_EXPOSURE, 0, 0)->q_max);
    golden_expect_dec(v, "q_margin", verdict(RULES_P3_EXPOSURE, 0, 1)->q_max);
    golden_expect_dec(v, "q_max", rig.answer.q_max);
    return 1;
}

/* --- CT
 * ------------------------------------------------------------------------------------------------------------------ */

static int buffer_of_one(struct golden_vector *v)
{
    struct rules_guard_leg leg = {.lots = golden_dec(v, "q"),
                                  .tick_value = golden_dec(v, "tick_value"),
                                  .slip_ticks = golden_dec(v, "slip_ticks"),
                                  .velocity_ticks_s = golden_dec(v, "velocity_ticks_s"),
                                  .latency_s = golden_dec(v, "latency_s"),
                                  .commission = golden_dec(v, "commission")};
    golden_expect_dec(v, "buffer", rules_flat_buffer(&leg, 1, golden_dec(v, "fixed")));
    return 1;
}

/* leg1=EURUSD:q3:tv10:s3:v2:l0.4:c7.5 */
static int buffer_of_book(struct golden_vector *v)
{
    static char parts[GOLDEN_LIST_MAX][96];
    struct rules_guard_leg legs[LEGS_MAX];
    uint32_t count = 0;
    for (; count < LEGS_MAX; count++) {
        char key[16];
        (void)snprintf(key, sizeof key, "leg%u", count + 1);
        if (!golden_has(v, key))
            break;
        struct rules_guard_leg *leg = &legs[count];
        *leg = (struct rules_guard_leg){0};
        dec_t *to[] = {&leg->lots,      &leg->tick_value, &leg->slip_ticks, &leg->velocity_ticks_s,
                       &leg->latency_s, &leg->commission};
        static const char *const marks[] = {"q", "tv", "s", "v", "l", "c"};
        uint32_t n = golden_split(v, golden_text(v, key), ':', parts);
        for (uint32_t i = 0; i < sizeof marks / sizeof *marks; i++)
            if (n != 7 || strncmp(parts[i + 1], marks[i], strlen(marks[i])) != 0 ||
                !golden_parse_dec(parts[i + 1] + strlen(marks[i]), to[i]))
                golden_fail(v, "%s", key);
    }
    golden_expect_dec(v, "buffer", rules_flat_buffer(legs, count, golden_dec(v, "fixed")));
    return 1;
}

static int margin_state(struct golden_vector *v)
{
    dec_t equity = golden_dec(v, "equity"), floor = golden_dec(v, "floor");
    golden_expect_text(v, "state",
                       rules_guard_name(rules_guard_margin(equity, floor, golden_dec(v, "buffer_flat"),
                                                           golden_dec(v, "buffer_warn"))));
    golden_expect_dec(v, "margin", equity - floor);
    return 1;
}

/* lead_s before the boundary, by the guard itself. */
static int lookahead(struct golden_vector *v)
{
    dec_t balance = golden_dec(v, "balance"), equity = golden_dec(v, "equity"), allowance = golden_dec(v, "allowance");
    struct rules_floor *floor = rig_begin(v, golden_dec(v, "floor_today") + allowance, equity);
    struct rules_guarded guarded;
    int64_t lead = golden_int(v, "lead_s");
    floor->anchor = RULES_SNAP_BALANCE;
    floor->allowance = (struct rules_amount){.kind = RULES_ABS, .value = allowance};
    rig.set.guard = (struct rules_guard){.lookahead_s = (int32_t)lead, .block_s = 2, .blind_s = 15};
    if (dec_div(golden_dec(v, "buffer_warn"), allowance, DEC_ROUND_CEIL, &rig.set.guard.warn_fraction) != 0)
        golden_fail(v, "allowance");
    rig.state.days[0].end_ns = T0 + lead * NS;
    rig.state.balance = balance;
    rules_guard(&rig.state, &rig.set, T0, balance, equity, golden_dec(v, "buffer_flat"), 0, &guarded);
    golden_expect_dec(v, "floor_next", rules_floor_next(&rig.state, &rig.set, 0, balance, equity, 0));
    golden_expect_dec(v, "floor_eff", guarded.level);
    golden_expect_text(v, "state", rules_guard_name(guarded.state));
    golden_expect_dec(v, "margin", guarded.margin);
    return 1;
}

static int reconcile(struct golden_vector *v)
{
    dec_t effective;
    golden_expect_bool(v, "alarm",
                       rules_reconcile_floor(golden_dec(v, "floor_ours"), golden_dec(v, "floor_firm"),
                                             golden_dec(v, "tolerance"), &effective));
    golden_expect_dec(v, "floor_eff", effective);
    return 1;
}

static int age(struct golden_vector *v)
{
    int64_t age_ns = golden_dec(v, "age_s") * (NS / DEC_ONE);
    golden_expect_text(
        v, "state",
        rules_guard_name(rules_guard_age(age_ns, golden_int(v, "t_block") * NS, golden_int(v, "t_blind") * NS)));
    return 1;
}

/* --- dispatch: the first whose primitive fits and whose keys are there
 * ---------------------------------------------------------- */

static const struct {
    const char *primitive, *keys[3];
    int (*handler)(struct golden_vector *);
} handlers[] = {
    {"P1S", {"events", "anchor"}, series},
    {"P1", {"anchor", "equity"}, level},
    {"P1D", {"cand1", "t"}, day_candidates},
    {"P1D", {"tz", "at", "local_date"}, day_bounds},
    {"P1D", {"local_date"}, day_gap},
    {"PT", {"linked"}, whole_book},
    {"PT", {"pos1", "new"}, whole_book},
    {"PT", {"positions", "allowance"}, entry_to_stop},
    {"PT", {"floor_today", "allowance", "worst_loss"}, over_boundary},
    {"PT", {"trail", "worst_loss"}, trail},
    {"PT", {"trail", "stop_pts", "target_pts"}, trail_size},
    {"PT", {"long_delta", "short_delta"}, both_sides},
    {"PT", {"unit_loss", "daily_room"}, smallest},
    {"PT", {"dist"}, one_order},
    {"PT", {"no_stop_dist"}, one_order},
    {"CT", {"leg1"}, buffer_of_book},
    {"CT", {"q", "tick_value"}, buffer_of_one},
    {"CT", {"floor_today", "lead_s"}, lookahead},
    {"CT", {"equity", "floor"}, margin_state},
    {"CT", {"floor_ours"}, reconcile},
    {"CT", {"age_s"}, age},
};

int golden_floor(struct golden_vector *v)
{
    for (uint32_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        bool fits = strcmp(v->primitive, handlers[i].primitive) == 0;
        for (uint32_t k = 0; k < 3 && fits && handlers[i].keys[k]; k++)
            fits = golden_has(v, handlers[i].keys[k]);
        if (fits)
            return handlers[i].handler(v);
    }
    return 0;
}
