/* Bytes as a set of rules, a history and an order: any values that the enumerations allow, decimals up to the last. The gate is
 * asked twice, at its own q_max, and a step beyond; the guard must know a state; nothing may overflow. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "base/error.h"
#include "workers/risk/rules/rules.h"

#define NS INT64_C(1000000000)
#define T0 (INT64_C(1770000000) * NS)
#define LEGS_MAX 6u
#define EVENTS_MAX 4u
#define CENT (DEC_ONE / 100)

const char fuzz_name[] = "fuzz_rules";
const unsigned fuzz_runs = 20000;

static struct tz_table zones[2];
static struct rules_set set;
static struct rules_state state;
static struct rules_leg legs[LEGS_MAX];
static struct rules_book book;
static struct rules_event events[EVENTS_MAX];
static struct rules_calendar calendar;
static struct rules_context context;
static struct rules_request request;

/* Nothing but the loop's mutations of random bytes: the input has no form of its own. */
size_t fuzz_seed(unsigned n, uint8_t *buf)
{
    if (n >= 16)
        return 0;
    for (unsigned i = 0; i < 6000; i++)
        buf[i] = (uint8_t)((n * 2654435761u + i * 40503u) >> (i % 13));
    return 6000;
}

/* Of n that may be there: in tame inputs few. */
static uint32_t few(struct fuzz *f, uint32_t n)
{
    uint32_t count = fuzz_below(f, n + 1);
    return f->tame && fuzz_bool(f) ? count / 3 : count;
}

static struct rules_amount amount_of(struct fuzz *f)
{
    struct rules_amount a = {.kind = fuzz_below(f, RULES_FRAC_DAILY + 1), .basis = fuzz_below(f, 2)};
    a.value = a.kind == RULES_ABS ? fuzz_positive(f) : (dec_t)fuzz_u64(f, 4) % DEC_ONE;
    a.floor_of = fuzz_positive(f);
    a.tier_count = fuzz_below(f, RULES_TIERS_MAX + 1);
    dec_t from = 0;
    for (uint32_t i = 0; i < a.tier_count; i++) {
        a.tiers[i] = (struct rules_tier){from, fuzz_positive(f)};
        from += (dec_t)(fuzz_u64(f, 3) + 1) * DEC_ONE;
    }
    return a;
}

/* As check_rules.c lets a floor pass: of the amounts the first four. */
static void floors_of(struct fuzz *f)
{
    set.floor_count = few(f, RULES_FLOORS_MAX);
    for (uint32_t i = 0; i < set.floor_count; i++) {
        struct rules_floor *r = &set.floors[i];
        *r = (struct rules_floor){.kind = fuzz_below(f, 2), .anchor = fuzz_below(f, RULES_ANCHOR_COUNT), .breach = fuzz_below(f, 2),
                                  .measure = fuzz_below(f, 3), .effect = fuzz_below(f, 2), .check = fuzz_below(f, 2),
                                  .payout = fuzz_below(f, 4), .days = fuzz_below(f, 1u << set.day_count)};
        r->allowance = amount_of(f);
        r->allowance.kind %= RULES_TIERED + 1u;
        r->has_cap = fuzz_bool(f);
        r->cap = fuzz_dec(f) / 16;
        r->has_lock = fuzz_below(f, 4) == 0;
        r->lock_when = fuzz_positive(f) / 16;
        r->lock_at = dec_min(r->lock_when, fuzz_positive(f) / 16);
    }
}

static void sizes_of(struct fuzz *f)
{
    set.loss_count = few(f, RULES_LOSSES_MAX);
    for (uint32_t i = 0; i < set.loss_count; i++)
        set.losses[i] = (struct rules_loss){.group = fuzz_below(f, 4), .over = fuzz_below(f, 2), .limit = amount_of(f),
                                            .window_s = (int32_t)fuzz_below(f, 3600), .floating_only = fuzz_bool(f)};
    set.exposure_count = f->tame && fuzz_below(f, 3) ? 0 : few(f, RULES_EXPOSURES_MAX);
    for (uint32_t i = 0; i < set.exposure_count; i++) {
        struct rules_exposure *r = &set.exposures[i];
        *r = (struct rules_exposure){.counted = fuzz_below(f, RULES_MARGIN_SHARE + 1), .instruments = (uint32_t)fuzz_u64(f, 2),
                                     .limit = amount_of(f)};
        r->limit.kind = r->limit.kind % 2 ? RULES_TIERED : RULES_ABS;
        for (uint32_t k = 0; k < 4; k++)
            r->weight[k] = (dec_t)(fuzz_u64(f, 4) % (10 * DEC_ONE));
    }
}

static void times_of(struct fuzz *f)
{
    set.window_count = f->tame && fuzz_below(f, 8) ? 0 : few(f, RULES_WINDOWS_MAX);
    for (uint32_t i = 0; i < set.window_count; i++)
        set.windows[i] = (struct rules_window){.head.severity = (uint8_t)fuzz_below(f, 3), .kind = fuzz_below(f, 4),
                                               .forbids = fuzz_below(f, 64), .instruments = (uint32_t)fuzz_u64(f, 2),
                                               .zone = fuzz_below(f, 2), .from_s = (int32_t)fuzz_below(f, 86400),
                                               .to_s = (int32_t)fuzz_below(f, 86401), .before_s = (int32_t)fuzz_below(f, 100000),
                                               .after_s = (int32_t)fuzz_below(f, 100000), .closed_s = (int32_t)fuzz_below(f, 100000),
                                               .hold_if_opened_before_s = (int32_t)fuzz_below(f, 100000),
                                               .lead_s = (int32_t)fuzz_below(f, 3600), .importance = fuzz_below(f, 4)};
    set.hold_count = few(f, RULES_HOLDS_MAX);
    for (uint32_t i = 0; i < set.hold_count; i++)
        set.holds[i] = (struct rules_hold){.kind = fuzz_below(f, 4), .over = fuzz_below(f, 2), .tau_s = (int32_t)fuzz_below(f, 1000),
                                           .at_least = fuzz_bool(f), .max_share = (dec_t)(fuzz_u64(f, 4) % DEC_ONE)};
    set.rate_count = f->tame && fuzz_below(f, 4) ? 0 : few(f, RULES_RATES_MAX);
    for (uint32_t i = 0; i < set.rate_count; i++)
        set.rates[i] = (struct rules_rate){.counted = fuzz_below(f, RULES_MESSAGE_KINDS),
                                           .window_s = fuzz_bool(f) ? (int32_t)fuzz_below(f, 100000) : 0, .max = (uint32_t)fuzz_u64(f, 2)};
}

static void others_of(struct fuzz *f)
{
    set.shape.target = amount_of(f);
    set.shape.day_profit = amount_of(f);
    set.shape.has_best_day = fuzz_bool(f);
    set.shape.best_day_strict = fuzz_bool(f);
    set.shape.best_day_denominator = fuzz_below(f, 2);
    set.shape.best_day_max = (dec_t)(fuzz_u64(f, 4) % (2 * DEC_ONE));
    set.stop = (struct rules_stop){.required = fuzz_bool(f), .max_stop_to_target = fuzz_bool(f) ? fuzz_positive(f) : 0};
    set.direction = (struct rules_direction){.opposite_refused = fuzz_below(f, 8) == 0, .group_count = fuzz_below(f, RULES_GROUPS_MAX + 1),
                                             .adds_to_loser_max = fuzz_below(f, 4), .no_larger_after_loss = fuzz_below(f, 4) == 0};
    for (uint32_t i = 0; i < set.direction.group_count; i++)
        set.direction.groups[i] = (uint32_t)fuzz_u64(f, 2);
    set.conduct.automation = fuzz_below(f, RULES_MANUAL_ONLY + 1);
    set.life.payout_freeze = fuzz_bool(f);
    set.guard = (struct rules_guard){.fixed_abs = fuzz_positive(f) / 1024, .fixed_fraction = (dec_t)(fuzz_u64(f, 3) % DEC_ONE),
                                     .warn_fraction = (dec_t)(fuzz_u64(f, 4) % DEC_ONE), .lookahead_s = (int32_t)fuzz_below(f, 3600),
                                     .block_s = 2, .blind_s = 15, .require_stop = fuzz_bool(f)};
}

static dec_t near(struct fuzz *f, dec_t value) { return value + ((dec_t)fuzz_below(f, 500000) - 250000) * CENT; }

static void history_of(struct fuzz *f)
{
    struct rules_marked marked;
    int64_t t = T0;
    dec_t initial = fuzz_positive(f);
    rules_init(&state, &set, initial);
    for (uint32_t n = fuzz_below(f, 24); n > 0; n--) {
        dec_t balance = f->tame ? near(f, initial) : fuzz_dec(f), equity = f->tame ? near(f, balance) : fuzz_dec(f);
        uint32_t instrument = fuzz_below(f, 4), side = 1 + fuzz_below(f, 2);
        dec_t lots = f->tame ? (dec_t)fuzz_below(f, 500) * CENT : fuzz_positive(f);
        t += (int64_t)(fuzz_u64(f, 3) % 200000) * NS;
        rules_mark(&state, &set, zones, t, balance, equity, f->tame || fuzz_bool(f) ? equity : dec_max(equity, fuzz_dec(f)), &marked);
        switch (fuzz_below(f, 6)) {
        case 0:
            if (lots > 0)
                rules_on_opened(&state, &set, instrument, side, lots, t);
            break;
        case 1:
            if (lots > 0)
                rules_on_closed(&state, &set, instrument, side, lots, fuzz_dec(f), t - (int64_t)fuzz_below(f, 10000) * NS, t);
            break;
        case 2:
            rules_on_message(&state, &set, fuzz_below(f, RULES_MESSAGE_KINDS), t);
            break;
        case 3:
            rules_payout(&state, &set, t, balance, equity);
            break;
        case 4:
            rules_deposit(&state, &set, t, balance, equity);
            break;
        default:
            break;
        }
    }
    FUZZ_HOLDS(rules_state_check(&state, &set) == 0);
}

/* Distances and values of something like a price in dollars. */
static struct rules_terms tame_terms(struct fuzz *f)
{
    return (struct rules_terms){.filled = (dec_t)fuzz_below(f, 300) * CENT, .covered = (dec_t)fuzz_below(f, 300) * CENT,
                                .leaves = (dec_t)fuzz_below(f, 300) * CENT, .value = (dec_t)(1 + fuzz_below(f, 50)) * DEC_ONE,
                                .rate = fuzz_bool(f) ? DEC_ONE : (dec_t)(1 + fuzz_below(f, 200)) * CENT,
                                .haircut = fuzz_bool(f) ? CENT : 0, .stop_distance = (dec_t)fuzz_below(f, 4000) * CENT,
                                .no_stop_distance = (dec_t)fuzz_below(f, 20000) * CENT, .gap_distance = (dec_t)fuzz_below(f, 5000) * CENT,
                                .target_distance = fuzz_below(f, 4) ? (dec_t)fuzz_below(f, 5000) * CENT : RULES_UNBOUNDED,
                                .slip_entry = (dec_t)fuzz_below(f, 20) * CENT, .slip_exit = (dec_t)fuzz_below(f, 50) * CENT,
                                .cost = (dec_t)fuzz_below(f, 700) * CENT, .floating = ((dec_t)fuzz_below(f, 100000) - 50000) * CENT};
}

static struct rules_terms terms_of(struct fuzz *f)
{
    if (f->tame)
        return tame_terms(f);
    return (struct rules_terms){.filled = fuzz_positive(f), .covered = fuzz_positive(f), .leaves = fuzz_positive(f),
                                .value = fuzz_positive(f), .rate = DEC_ONE, .haircut = fuzz_bool(f) ? DEC_ONE / 50 : 0,
                                .stop_distance = fuzz_dec(f), .no_stop_distance = fuzz_positive(f), .gap_distance = fuzz_positive(f),
                                .target_distance = fuzz_bool(f) ? RULES_UNBOUNDED : fuzz_positive(f), .slip_entry = fuzz_positive(f) / 1024,
                                .slip_exit = fuzz_positive(f) / 1024, .cost = fuzz_positive(f) / 1024, .floating = fuzz_dec(f)};
}

static void book_of(struct fuzz *f)
{
    book = (struct rules_book){.legs = legs, .count = fuzz_below(f, LEGS_MAX + 1), .balance = state.balance, .equity = state.equity};
    for (uint32_t i = 0; i < book.count; i++) {
        struct rules_terms terms = terms_of(f);
        legs[i] = (struct rules_leg){.kind = fuzz_below(f, 2), .instrument = fuzz_below(f, 4), .side = 1 + fuzz_below(f, 2),
                                     .oco = fuzz_below(f, 3), .margin = f->tame ? (dec_t)fuzz_below(f, 5000) * DEC_ONE : fuzz_positive(f), .opened_ns = T0};
        terms.leaves = legs[i].kind == RULES_LEG_POSITION ? 0 : terms.leaves;
        terms.filled = legs[i].kind == RULES_LEG_ORDER ? 0 : terms.filled;
        rules_price(&terms, &legs[i]);
        FUZZ_HOLDS(legs[i].give_up >= 0 && legs[i].risk >= 0 && legs[i].excursion >= 0);
    }
}

static void question_of(struct fuzz *f)
{
    uint32_t count = fuzz_below(f, EVENTS_MAX + 1);
    int64_t t = state.time_ns;
    for (uint32_t i = 0; i < count; i++) {
        t += (int64_t)fuzz_below(f, 200000) * NS;
        events[i] = (struct rules_event){.time_ns = t, .instruments = (uint32_t)fuzz_u64(f, 2), .importance = 1 + fuzz_below(f, 3)};
    }
    calendar = (struct rules_calendar){.events = events, .count = count, .valid_from_ns = T0 - (int64_t)fuzz_below(f, 200000) * NS,
                                       .valid_to_ns = t + (int64_t)fuzz_below(f, 200000) * NS};
    context = (struct rules_context){.now_ns = state.time_ns, .zones = zones, .calendar = fuzz_bool(f) ? &calendar : NULL,
                                     .close_ns = state.time_ns + (int64_t)fuzz_below(f, 200000) * NS, .closed_for_s = fuzz_below(f, 200000),
                                     .mode = fuzz_below(f, 4), .host = fuzz_below(f, 5), .live = fuzz_bool(f), .today = (int32_t)fuzz_below(f, 60000),
                                     .positions = fuzz_below(f, 100), .working = fuzz_below(f, 100), .b_flat = fuzz_positive(f) / 1024};
    request = (struct rules_request){.purpose = fuzz_below(f, RULES_CLOSE_PROTECTIVE + 1), .instrument = fuzz_below(f, 4),
                                     .side = 1 + fuzz_below(f, 2), .lot_step = fuzz_bool(f) ? DEC_ONE / 100 : DEC_ONE, .unit = terms_of(f),
                                     .margin_per_lot = fuzz_positive(f), .has_stop = fuzz_bool(f),
                                     .latest_fill_ns = state.time_ns + (int64_t)fuzz_below(f, 200000) * NS,
                                     .may_cross_boundary = fuzz_bool(f), .may_cross_close = fuzz_bool(f),
                                     .opened_ns = state.time_ns - (int64_t)fuzz_below(f, 10000) * NS, .oco = fuzz_below(f, 3)};
    if (f->tame) { /* what refuses every size is seldom */
        context.mode = RULES_MANUAL;
        context.live &= fuzz_below(f, 16) == 0;
        request.has_stop |= fuzz_below(f, 8) != 0;
        request.margin_per_lot = (dec_t)fuzz_below(f, 5000) * DEC_ONE;
        context.b_flat /= 16;
        state.guard = fuzz_below(f, 16) ? RULES_GUARD_NORMAL : fuzz_below(f, RULES_GUARD_LOCKED + 1);
    }
    request.lot_min = request.lot_step;
    request.lots = request.lot_step * (1 + (dec_t)(fuzz_u64(f, 2) >> fuzz_below(f, 16)));
    bool widens = request.purpose == RULES_WIDEN;
    request.unit.filled = request.unit.covered = widens ? DEC_ONE : 0;
    request.unit.leaves = widens ? 0 : DEC_ONE;
}

/* --- what must hold ------------------------------------------------------------------------------------------------ */

static void check_answer(const struct rules_answer *a)
{
    FUZZ_HOLDS(a->count <= RULES_VERDICTS_MAX && a->refused <= a->count && a->admitted == (a->refused == a->count));
    for (uint32_t i = 0; i < a->count; i++) {
        FUZZ_HOLDS(i >= a->refused || a->verdicts[i].admitted);
        FUZZ_HOLDS(i != a->refused || !a->verdicts[i].admitted);
        FUZZ_HOLDS(rules_head_of(&set, &a->verdicts[i]) != NULL);
        FUZZ_HOLDS(rules_op_text(a->verdicts[i].op)[0] != '?');
    }
}

/* What is admitted is no larger than q_max; at q_max it is admitted, a step beyond it is not. */
static void check_largest(const struct rules_answer *first)
{
    static struct rules_answer at, beyond;
    dec_t asked = request.lots, q_max = first->q_max;
    FUZZ_HOLDS(!first->admitted || asked <= q_max);
    if (q_max == DEC_MAX || q_max == 0) {
        FUZZ_HOLDS(first->admitted == (q_max == DEC_MAX));
        return;
    }
    FUZZ_HOLDS(q_max % request.lot_step == 0);
    FUZZ_HOLDS(first->admitted == (asked <= q_max));
    request.lots = q_max;
    rules_gate(&set, &state, &book, &context, &request, &at);
    FUZZ_HOLDS(at.admitted && at.q_max == q_max);
    if (q_max < DEC_MAX - request.lot_step) {
        request.lots = q_max + request.lot_step;
        rules_gate(&set, &state, &book, &context, &request, &beyond);
        FUZZ_HOLDS(!beyond.admitted && beyond.q_max == q_max);
    }
    request.lots = asked;
}

static void check_shape(void)
{
    struct rules_best_day best;
    uint32_t days;
    rules_best_day(&set.shape, &state.profit, &best);
    FUZZ_HOLDS(set.shape.has_best_day || set.shape.daily_profit_cap > 0 ||
               rules_day_closes_at(&set.shape, &state.profit, state.initial) == DEC_MAX);
    (void)rules_day_closes_at(&set.shape, &state.profit, state.initial);
    FUZZ_HOLDS(best.extra >= 0 && best.share >= 0 && (!best.kept || best.extra == 0));
    FUZZ_HOLDS(rules_profit_cap_today(&set.shape, state.profit.net) >= 0);
    (void)rules_days_reached(&set.shape, &state.profit, &days);
    (void)rules_target_reached(&set.shape, state.initial, state.balance, 0);
    for (uint32_t i = 0; i < set.hold_count; i++) {
        dec_t share;
        (void)rules_hold_kept(&set.holds[i], &state.profit, i, &share);
    }
    for (uint32_t i = 0; i < set.loss_count; i++)
        FUZZ_HOLDS(rules_loss_limit(&set, &state, &set.losses[i]) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rules_answer first, again;
    struct fuzz f = {data, data + size, false};
    f.tame = fuzz_below(&f, 4) != 0;
    struct error err = {0};
    if (zones[0].name[0] == 0 &&
        (tz_load("Europe/Prague", &zones[0], &err) != 0 || tz_load("America/New_York", &zones[1], &err) != 0))
        abort();
    memset(&set, 0, sizeof set);
    set.day_count = 1 + fuzz_below(&f, RULES_DAYS_MAX);
    for (uint32_t i = 0; i < set.day_count; i++)
        set.days[i] = (struct rules_day){fuzz_below(&f, 2), (int32_t)fuzz_below(&f, 86400)};
    set.max_age_days = fuzz_below(&f, 400);
    floors_of(&f);
    sizes_of(&f);
    times_of(&f);
    others_of(&f);
    history_of(&f);
    book_of(&f);
    question_of(&f);
    memset(&first, 0, sizeof first);
    memset(&again, 0, sizeof again);
    rules_gate(&set, &state, &book, &context, &request, &first);
    rules_gate(&set, &state, &book, &context, &request, &again);
    FUZZ_HOLDS(memcmp(&first, &again, sizeof first) == 0);
    check_answer(&first);
    if (request.purpose <= RULES_WIDEN)
        check_largest(&first);
    check_shape();
    struct rules_guarded guarded;
    rules_guard(&state, &set, state.time_ns, state.balance, state.equity, context.b_flat, (int64_t)fuzz_below(&f, 30) * NS, &guarded);
    FUZZ_HOLDS(guarded.state <= RULES_GUARD_LOCKED && guarded.floor <= set.floor_count);
    return 0;
}
