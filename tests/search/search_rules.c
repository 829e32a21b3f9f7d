/* search_rules: does an account that the gate admits ever breach? Random rules, accounts and books over every anchor;
 * each admitted book is then attacked: every leg moves on its own between its stop (with all that was budgeted for it)
 * and its target, in gaps, whipsaws, peaks that end in stops, winners banked before a day boundary, boundaries in
 * between.
 *
 *   search_rules [-n admitted books] [-s seed] [-q]
 *
 * A breach is one by rules_mark or by the oracle below, which reckons floors by the text of the model and shares no
 * code with floor.c; where the two differ that is a failure too. For each book the largest size is tried: at q_max it
 * is admitted, one step more the inequality that was named refuses. Ends with 0 when nothing was found. Built with
 * PLANT=7, 8 or 9 (R2, R3 or R4 left out of the gate) it must find breaches: tests/search/planted.sh.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/decimal.h"
#include "base/tz.h"
#include "workers/risk/rules/rules.h"

#define S INT64_C(1000000000)
#define CENT (DEC_ONE / 100)
#define BOOKS_DEFAULT 200000u
#define LEGS_MAX 8u
#define RANDOM_PATHS 6u
#define REPORTS_MAX 10u
#define ADMISSION_MIN 30 /* per cent */

/* --- random ---------------------------------------------------------------------------------------------------- */

static uint64_t random_state;

static uint64_t next_random(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}
static uint32_t below(uint32_t n)
{
    return (uint32_t)(next_random() % n);
}
static bool chance(uint32_t per_cent)
{
    return below(100) < per_cent;
}
/* low .. high per mille of a, whole cents. */
static dec_t part(dec_t a, int low, int high)
{
    dec_t value = a / 1000 * (low + (int)below((uint32_t)(high - low + 1)));
    return value - value % CENT;
}

/* --- one trial ---------------------------------------------------------------------------------------------------- */

struct sim_leg {
    dec_t low, high, now; /* profit at the stop (F - Delta), at the target (F + U), now */
    uint32_t oco;
    bool open, pending;
};
/* The floor by the text of the model, for one floor. */
struct oracle {
    dec_t snap_balance[2], snap_equity[2], run_balance[2], run_max[2], peak[2];
    dec_t closed, high;
};
static struct trial {
    struct rules_set set;
    struct rules_state state;
    struct rules_leg legs[LEGS_MAX];
    struct rules_book book;
    struct rules_context context;
    struct rules_request request;
    struct rules_answer answer;
    dec_t initial, allowance;
    uint32_t anchor; /* of floor 0 */
} trial;
static struct tz_table zones[2];

/* A path: the account as it goes on from the trial's. */
static struct path {
    struct rules_state state;
    struct oracle oracles[2];
    struct sim_leg legs[LEGS_MAX];
    uint32_t leg_count;
    dec_t balance;
    int64_t now_ns;
    bool breached, differs;
    dec_t margin; /* the smallest equity - level that was seen */
    char trace[512];
} path;

static void trace(const char *what, dec_t a)
{
    size_t used = strlen(path.trace);
    char number[DEC_STR_MAX];
    if (used + 40 >= sizeof path.trace)
        return;
    (void)dec_format(a, 2, number);
    (void)snprintf(path.trace + used, sizeof path.trace - used, " %s %s", what, number);
}

/* --- the oracle
 * ------------------------------------------------------------------------------------------------------- */

static dec_t highest(dec_t a, dec_t b)
{
    return a > b ? a : b;
}

static dec_t oracle_anchor(const struct oracle *o, uint32_t anchor, uint32_t day)
{
    switch (anchor) {
    case RULES_INITIAL:
        return trial.initial;
    case RULES_SNAP_BALANCE:
        return o->snap_balance[day];
    case RULES_SNAP_EQUITY:
        return o->snap_equity[day];
    case RULES_SNAP_MAX:
        return highest(o->snap_balance[day], o->snap_equity[day]);
    case RULES_RUN_CLOSED:
        return o->closed;
    case RULES_RUN_EOD_BALANCE:
        return o->run_balance[day];
    case RULES_RUN_EOD_MAX:
        return o->run_max[day];
    case RULES_RUN_EQUITY:
        return o->high;
    default:
        return o->peak[day];
    }
}

static dec_t oracle_allowance(const struct oracle *o, const struct rules_floor *f, uint32_t day)
{
    const struct rules_amount *amount = &f->allowance;
    if (amount->kind == RULES_ABS)
        return amount->value;
    if (amount->kind == RULES_TIERED) {
        dec_t value = amount->tiers[0].value;
        for (uint32_t i = 0; i < amount->tier_count; i++)
            if (o->snap_balance[day] - trial.initial >= amount->tiers[i].from)
                value = amount->tiers[i].value;
        return value;
    }
    dec_t of = amount->kind == RULES_FRAC_INITIAL ? trial.initial : oracle_anchor(o, f->anchor, day);
    return (dec_t)((__int128)of * amount->value / DEC_ONE); /* all of them positive here */
}

static dec_t oracle_level(const struct oracle *o, uint32_t floor)
{
    const struct rules_floor *f = &trial.set.floors[floor];
    dec_t level = -DEC_MAX;
    for (uint32_t day = 0; day < trial.set.day_count; day++) {
        dec_t a = oracle_anchor(o, f->anchor, day), own = a - oracle_allowance(o, f, day);
        if (f->has_cap && own > trial.initial + f->cap)
            own = trial.initial + f->cap;
        if (f->has_lock && a >= trial.initial + f->lock_when)
            own = highest(own, trial.initial + f->lock_at);
        level = highest(level, highest(own, trial.state.raised[floor]));
    }
    return level % CENT > 0 ? level - level % CENT + CENT : level;
}

static void oracle_begin(struct oracle *o)
{
    for (uint32_t day = 0; day < 2; day++) {
        const struct rules_day_marks *marks = &trial.state.days[day];
        o->snap_balance[day] = marks->balance;
        o->snap_equity[day] = marks->equity;
        o->run_balance[day] = marks->run_balance;
        o->run_max[day] = marks->run_max;
        o->peak[day] = marks->peak_equity;
    }
    o->closed = trial.state.high_balance;
    o->high = trial.state.high_equity;
}

static void oracle_mark(struct oracle *o, dec_t balance, dec_t equity)
{
    o->closed = highest(o->closed, balance);
    o->high = highest(o->high, equity);
    for (uint32_t day = 0; day < 2; day++)
        o->peak[day] = highest(o->peak[day], equity);
}

static void oracle_boundary(struct oracle *o, uint32_t day, dec_t balance, dec_t equity)
{
    o->snap_balance[day] = balance;
    o->snap_equity[day] = o->peak[day] = equity;
    o->run_balance[day] = highest(o->run_balance[day], balance);
    o->run_max[day] = highest(o->run_max[day], highest(balance, equity));
}

/* --- steps of a path
 * ----------------------------------------------------------------------------------------------------- */

static dec_t path_equity(void)
{
    dec_t equity = path.balance;
    for (uint32_t i = 0; i < path.leg_count; i++)
        if (path.legs[i].open)
            equity += path.legs[i].now;
    return equity;
}

static void look(void)
{
    dec_t equity = path_equity();
    struct rules_marked marked;
    rules_mark(&path.state, &trial.set, zones, path.now_ns, path.balance, equity, equity, &marked);
    path.breached |= marked.breached != 0;
    for (uint32_t i = 0; i < trial.set.floor_count; i++) {
        const struct rules_floor *f = &trial.set.floors[i];
        dec_t measured = f->measure == RULES_EQUITY    ? equity
                         : f->measure == RULES_BALANCE ? path.balance
                         : path.balance < equity       ? path.balance
                                                       : equity;
        oracle_mark(&path.oracles[i], path.balance, equity);
        dec_t level = oracle_level(&path.oracles[i], i);
        bool breached = f->breach == RULES_LE ? measured <= level : measured < level;
        path.breached |= breached;
        path.differs |= level != rules_floor_level(&path.state, &trial.set, i);
        if (measured - level < path.margin)
            path.margin = measured - level;
    }
    path.now_ns += S;
}

static void move(uint32_t i, dec_t to)
{
    if (path.legs[i].open)
        path.legs[i].now = to;
}

static void close_leg(uint32_t i, dec_t at)
{
    struct sim_leg *leg = &path.legs[i];
    if (!leg->open)
        return;
    leg->open = false;
    path.balance += at;
    trace("close", at);
}

/* An order fills; its brothers are cancelled. */
static void fill(uint32_t i)
{
    struct sim_leg *leg = &path.legs[i];
    if (!leg->pending)
        return;
    leg->pending = false;
    leg->open = true;
    leg->now = 0;
    for (uint32_t j = 0; j < path.leg_count; j++)
        if (j != i && leg->oco && path.legs[j].oco == leg->oco)
            path.legs[j].pending = false;
}

static void fill_all(void)
{
    uint32_t first = below(path.leg_count);
    for (uint32_t i = 0; i < path.leg_count; i++)
        fill((first + i) % path.leg_count);
}

static void move_all(bool high)
{
    for (uint32_t i = 0; i < path.leg_count; i++)
        move(i, high ? path.legs[i].high : path.legs[i].low);
    trace(high ? "peak" : "fall", path_equity());
    look();
}

/* One after the other, in a random direction round. */
static void stop_all(void)
{
    uint32_t first = below(path.leg_count), step = chance(50) ? 1 : path.leg_count - 1;
    for (uint32_t i = 0, at = first; i < path.leg_count; i++, at = (at + step) % path.leg_count) {
        close_leg(at, path.legs[at].low);
        look();
    }
}

/* Each candidate's boundary in its turn; what is held is held over it. */
static void boundary(void)
{
    if (!trial.request.may_cross_boundary)
        return;
    look();
    for (uint32_t day = 0; day < trial.set.day_count; day++) {
        dec_t equity = path_equity();
        path.now_ns = path.state.days[day].end_ns;
        for (uint32_t i = 0; i < trial.set.floor_count; i++)
            oracle_boundary(&path.oracles[i], day, path.balance, equity);
        trace("boundary", equity);
        look();
    }
}

static void bank(bool winners_only)
{
    for (uint32_t i = 0; i < path.leg_count; i++)
        if (winners_only ? path.legs[i].low >= 0 : chance(50)) {
            close_leg(i, path.legs[i].high);
            look();
        }
}

/* --- paths
 * ----------------------------------------------------------------------------------------------------------------- */

static void gap_down(void)
{
    fill_all();
    move_all(false);
    stop_all();
}
static void stops_in_turn(void)
{
    fill_all();
    look();
    stop_all();
}
static void peak_then_stops(void)
{
    fill_all();
    move_all(true);
    move_all(false);
    stop_all();
}
static void peak_then_stops_in_turn(void)
{
    fill_all();
    move_all(true);
    stop_all();
}
static void peak_at_the_boundary(void)
{
    fill_all();
    move_all(true);
    boundary();
    move_all(false);
    stop_all();
}
static void held_over_the_boundary(void)
{
    fill_all();
    boundary();
    move_all(false);
    boundary();
    stop_all();
}
static void winners_banked_before_the_boundary(void)
{
    fill_all();
    bank(true);
    boundary();
    move_all(false);
    stop_all();
}
static void some_banked_before_the_boundary(void)
{
    fill_all();
    bank(false);
    boundary();
    move_all(false);
    stop_all();
}
static void banked_at_the_peak(void)
{
    fill_all();
    move_all(true);
    bank(false);
    boundary();
    move_all(false);
    stop_all();
}
static void banked_at_the_peak_without_boundary(void)
{
    fill_all();
    move_all(true);
    bank(true);
    bank(false);
    move_all(false);
    stop_all();
}

/* The worst rest: whoever has more to lose from its entry than it has won is kept, all others are banked. */
static void only_risk_is_kept(void)
{
    fill_all();
    for (uint32_t i = 0; i < path.leg_count; i++)
        if (path.legs[i].low >= 0) {
            move(i, path.legs[i].high);
            look();
            close_leg(i, path.legs[i].high);
            look();
        }
    boundary();
    stop_all();
}

static void walk(void)
{
    uint32_t moves = 3 + below(12);
    for (uint32_t m = 0; m < moves; m++) {
        uint32_t i = below(path.leg_count);
        struct sim_leg *leg = &path.legs[i];
        uint32_t what = below(10);
        if (what == 0)
            boundary();
        else if (leg->pending && what < 6)
            fill(i);
        else if (what < 4)
            move(i, leg->low + (dec_t)((__int128)(leg->high - leg->low) * below(1001) / 1000));
        else if (what == 4)
            close_leg(i, leg->high);
        else if (what == 5)
            close_leg(i, leg->low);
        else if (what == 6)
            close_leg(i, leg->now);
        else
            move(i, what & 1 ? leg->high : leg->low);
        look();
    }
    if (chance(50))
        boundary();
    move_all(false);
    stop_all();
}

static const struct {
    const char *name;
    void (*run)(void);
} paths[] = {
    {"gap down", gap_down},
    {"stops in turn", stops_in_turn},
    {"peak, then stops", peak_then_stops},
    {"peak, then stops in turn", peak_then_stops_in_turn},
    {"peak at the boundary", peak_at_the_boundary},
    {"held over the boundary", held_over_the_boundary},
    {"winners banked before the boundary", winners_banked_before_the_boundary},
    {"some banked before the boundary", some_banked_before_the_boundary},
    {"banked at the peak", banked_at_the_peak},
    {"banked at the peak, no boundary", banked_at_the_peak_without_boundary},
    {"only risk is kept", only_risk_is_kept},
    {"walk", walk},
};
#define PATHS (sizeof paths / sizeof *paths)

static void path_begin(void)
{
    memset(&path, 0, sizeof path);
    path.state = trial.state;
    path.balance = trial.book.balance;
    path.now_ns = trial.context.now_ns;
    path.leg_count = trial.book.count;
    path.margin = DEC_MAX;
    for (uint32_t i = 0; i < trial.set.floor_count; i++)
        oracle_begin(&path.oracles[i]);
    for (uint32_t i = 0; i < trial.book.count; i++) {
        const struct rules_leg *leg = &trial.legs[i];
        bool position = leg->kind == RULES_LEG_POSITION;
        /* without a target: as far as it takes */
        dec_t excursion = leg->excursion == RULES_UNBOUNDED ? 20 * trial.allowance : leg->excursion;
        path.legs[i] = (struct sim_leg){.low = leg->floating - leg->give_up,
                                        .high = leg->floating + excursion,
                                        .now = leg->floating,
                                        .oco = leg->oco,
                                        .open = position,
                                        .pending = !position};
    }
}

/* --- random rules, accounts, books
 * -------------------------------------------------------------------------------------------- */

static void random_amount(struct rules_amount *amount)
{
    dec_t a = trial.allowance;
    uint32_t kind = below(10);
    *amount = (struct rules_amount){.kind = RULES_ABS, .value = a};
    if (kind == 0 || kind == 1) {
        amount->kind = RULES_FRAC_INITIAL;
        (void)dec_div(a, trial.initial, DEC_ROUND_FLOOR, &amount->value);
    } else if (kind == 2 || kind == 3) {
        amount->kind = RULES_FRAC_ANCHOR;
        (void)dec_div(a, trial.initial, DEC_ROUND_FLOOR, &amount->value);
    } else if (kind == 4) {
        *amount = (struct rules_amount){.kind = RULES_TIERED,
                                        .tier_count = 3,
                                        .tiers = {{0, a}, {a / 2, part(a, 600, 1600)}, {2 * a, part(a, 600, 2500)}}};
    }
}

static void random_floor(struct rules_floor *f, uint32_t anchor)
{
    *f = (struct rules_floor){
        .anchor = anchor, .days = (1u << trial.set.day_count) - 1, .breach = chance(40) ? RULES_LE : RULES_LT};
    random_amount(&f->allowance);
    if (chance(15))
        f->measure = chance(50) ? RULES_BALANCE : RULES_MIN_BALANCE_EQUITY;
    if (anchor != RULES_INITIAL && chance(30)) {
        f->has_cap = true;
        f->cap = chance(50) ? 0 : part(trial.allowance, 0, 800);
    }
    if (anchor != RULES_INITIAL && chance(12)) {
        f->has_lock = true;
        f->lock_when = part(trial.allowance, 300, 1500);
        f->lock_at = f->lock_when - part(trial.allowance, 100, 900);
    }
}

/* Marks that an account with this balance and equity may have. */
static void random_marks(dec_t balance, dec_t equity)
{
    struct rules_state *s = &trial.state;
    dec_t a = trial.allowance, initial = trial.initial;
    s->balance = balance;
    s->equity = equity;
    s->high_balance = highest(highest(initial, balance), balance + part(a, -300, 250));
    s->high_equity = highest(highest(initial, equity), equity + part(a, -300, 250));
    for (uint32_t day = 0; day < trial.set.day_count; day++) {
        struct rules_day_marks *marks = &s->days[day];
        marks->balance = balance + part(a, -400, 250);
        marks->equity = marks->balance + part(a, -250, 200);
        marks->peak_equity = highest(highest(marks->equity, equity), equity + part(a, -200, 200));
        marks->run_balance = highest(highest(initial, marks->balance), marks->balance + part(a, -200, 150));
        marks->run_max = highest(highest(marks->run_balance, marks->equity), marks->balance + part(a, -200, 150));
        s->high_balance = highest(s->high_balance, marks->run_balance);
        s->high_equity = highest(s->high_equity, highest(marks->peak_equity, marks->equity));
        rules_day_bounds(&trial.set, zones, day, trial.context.now_ns, &marks->start_ns, &marks->end_ns);
    }
    s->time_ns = trial.context.now_ns;
    if (chance(5))
        s->raised[0] = initial - part(a, 0, 1500);
}

/* Terms whose stop costs about `give_up`, with slippage, conversion and cents that do not come out even. */
static struct rules_terms random_terms(dec_t lots, dec_t give_up, dec_t excursion)
{
    static const dec_t values[] = {DEC_ONE, 5 * DEC_ONE, 50 * DEC_ONE, 1000 * DEC_ONE};
    struct rules_terms t = {.value = values[below(4)], .rate = DEC_ONE};
    if (chance(25)) {
        t.rate = DEC_ONE / 1000 * (300 + (dec_t)below(1200)) + (dec_t)below(100000);
        t.haircut = DEC_ONE / 1000 * (dec_t)below(30);
    }
    dec_t money = 0, unit = 0;
    (void)dec_mul(t.value, t.rate, DEC_ROUND_CEIL, &unit);
    (void)dec_mul(unit, lots, DEC_ROUND_CEIL, &money);
    if (money < 1)
        money = 1;
    (void)dec_div(give_up, money, DEC_ROUND_FLOOR, &t.stop_distance);
    (void)dec_div(excursion, money, DEC_ROUND_FLOOR, &t.target_distance);
    t.slip_exit = t.stop_distance / 100 * (dec_t)below(10);
    t.slip_entry = t.stop_distance / 100 * (dec_t)below(4);
    t.no_stop_distance = t.stop_distance * 3;
    return t;
}

static void random_leg(struct rules_leg *leg, uint32_t oco)
{
    dec_t a = trial.allowance, lots = (1 + (dec_t)below(500)) * CENT;
    bool order = oco != 0 || chance(25);
    dec_t floating = order ? 0 : part(a, -120, 250);
    struct rules_terms t = random_terms(lots, part(a, 5, chance(20) ? 300 : 120), chance(4) ? 0 : part(a, 5, 120));
    *(order ? &t.leaves : &t.filled) = lots;
    t.covered = chance(90) ? t.filled : 0;
    t.floating = floating;
    t.cost = (dec_t)below(800) * CENT;
    if (!order && chance(2))
        t.target_distance = RULES_UNBOUNDED;
    *leg = (struct rules_leg){
        .kind = order ? RULES_LEG_ORDER : RULES_LEG_POSITION, .instrument = below(4), .side = 1 + below(2), .oco = oco};
    rules_price(&t, leg);
}

static void random_trial(uint32_t anchor)
{
    static const dec_t initials[] = {25000, 50000, 100000, 200000};
    memset(&trial, 0, sizeof trial);
    trial.anchor = anchor;
    trial.initial = initials[below(4)] * DEC_ONE + (chance(20) ? (dec_t)below(100) * CENT : 0);
    trial.allowance = part(trial.initial, 20, 100);
    trial.set.day_count = chance(25) ? 2 : 1;
    trial.set.days[1] = (struct rules_day){.zone = 1, .at_s = 7200};
    trial.set.floor_count = chance(15) ? 2 : 1;
    random_floor(&trial.set.floors[0], anchor);
    if (trial.set.floor_count == 2)
        random_floor(&trial.set.floors[1], RULES_INITIAL);
    trial.set.guard.fixed_abs = chance(40) ? 0 : part(trial.allowance, 0, 60);
    trial.context = (struct rules_context){
        .now_ns = (tz_days_from_civil(2026, 6, 1) * 86400 + 36000 + (int64_t)below(36000)) * S, .zones = zones};
    rules_init(&trial.state, &trial.set, trial.initial);
    uint32_t count = below(LEGS_MAX - 1);
    dec_t balance = trial.initial + part(trial.allowance, -300, 1300), equity = balance;
    for (uint32_t i = 0; i < count; i++) {
        random_leg(&trial.legs[i], i > 0 && trial.legs[i - 1].kind == RULES_LEG_ORDER && trial.legs[i - 1].oco
                                       ? trial.legs[i - 1].oco
                                   : chance(12) ? i + 1
                                                : 0);
        if (i > 1 && trial.legs[i].oco && trial.legs[i - 2].oco == trial.legs[i].oco && chance(60))
            random_leg(&trial.legs[i], 0);
        equity += trial.legs[i].kind == RULES_LEG_POSITION ? trial.legs[i].floating : 0;
    }
    trial.book = (struct rules_book){.legs = trial.legs, .count = count, .balance = balance, .equity = equity};
    random_marks(balance, equity);
    trial.request = (struct rules_request){.purpose = RULES_ENTRY,
                                           .instrument = below(4),
                                           .side = 1 + below(2),
                                           .lots = (1 + (dec_t)below(300)) * CENT,
                                           .lot_step = CENT,
                                           .lot_min = CENT,
                                           .has_stop = true,
                                           .may_cross_boundary = chance(60)};
    if (count > 0 && trial.legs[count - 1].oco && chance(50))
        trial.request.oco = trial.legs[count - 1].oco;
    trial.request.unit = random_terms(trial.request.lots, part(trial.allowance, 5, 200), part(trial.allowance, 2, 200));
    trial.request.unit.leaves = DEC_ONE;
    trial.request.unit.cost = (dec_t)below(700) * CENT;
    if (chance(2))
        trial.request.unit.target_distance = RULES_UNBOUNDED;
}

static bool alive(void)
{
    for (uint32_t i = 0; i < trial.set.floor_count; i++)
        if (rules_floor_breached(&trial.set.floors[i], rules_floor_level(&trial.state, &trial.set, i),
                                 trial.book.balance, trial.book.equity))
            return false;
    return true;
}

/* --- the search
 * -------------------------------------------------------------------------------------------------------------------
 */

static struct tally {
    uint64_t tried, admitted, attacked, breaches, edges;
    dec_t margin;
} tallies[RULES_ANCHOR_COUNT];
static uint64_t attacked, breaches, differences, wrong_edges, wrong_prices, with_lock, path_breaches[PATHS];
static uint32_t reports;
static bool quiet;

static const char *const anchor_names[RULES_ANCHOR_COUNT] = {"initial",     "snap_balance", "snap_equity",
                                                             "snap_max",    "run_closed",   "run_eod_balance",
                                                             "run_eod_max", "run_equity",   "day_peak"};

static void print_dec(const char *name, dec_t value)
{
    char number[DEC_STR_MAX];
    (void)dec_format(value, 2, number);
    printf(" %s=%s", name, number);
}

static void report(const char *what, const char *by)
{
    if (quiet || reports++ >= REPORTS_MAX)
        return;
    const struct rules_floor *f = &trial.set.floors[0];
    printf("# %s: %s, %s%s", what, anchor_names[trial.anchor], by,
           trial.request.may_cross_boundary ? ", over the boundary" : "");
    print_dec("I", trial.initial);
    print_dec("A", trial.allowance);
    print_dec("B", trial.book.balance);
    print_dec("E", trial.book.equity);
    printf(" kind=%u measure=%u op=%s cap=%d lock=%d days=%u floors=%u", f->allowance.kind, f->measure,
           f->breach == RULES_LE ? "le" : "lt", f->has_cap, f->has_lock, trial.set.day_count, trial.set.floor_count);
    print_dec("lots", trial.request.lots);
    print_dec("margin", path.margin);
    printf("\n#   ");
    for (uint32_t i = 0; i < trial.answer.count; i++) {
        const struct rules_verdict *v = &trial.answer.verdicts[i];
        if (v->primitive != RULES_P1_LOSS_FLOOR)
            continue;
        printf(" R%u.%u", v->condition, v->rule);
        print_dec("", v->left);
        printf(" %s", rules_op_text(v->op));
        print_dec("", v->right);
    }
    printf("\n#   ");
    for (uint32_t i = 0; i < trial.book.count; i++) {
        printf(" [%u", trial.legs[i].oco);
        print_dec("F", trial.legs[i].floating);
        print_dec("D", trial.legs[i].give_up);
        print_dec("U", trial.legs[i].excursion);
        printf("]");
    }
    printf("\n#   %s\n", path.trace);
}

static void ask(dec_t lots)
{
    trial.request.lots = lots;
    rules_gate(&trial.set, &trial.state, &trial.book, &trial.context, &trial.request, &trial.answer);
}

/* At q_max all hold; one step more, the inequality that gave q_max does not. Leaves the answer for q_max. */
static void try_edge(struct tally *tally)
{
    dec_t q_max = trial.answer.q_max;
    uint32_t named = 0;
    for (uint32_t i = 0; i < trial.answer.count; i++)
        if (trial.answer.verdicts[i].q_max < trial.answer.verdicts[named].q_max)
            named = i;
    ask(q_max + trial.request.lot_step);
    bool refused = !trial.answer.admitted && !trial.answer.verdicts[named].admitted;
    ask(q_max);
    tally->edges++;
    if (refused && trial.answer.admitted && trial.answer.q_max == q_max)
        return;
    wrong_edges++;
    report("q_max is wrong", "-");
}

/* What was admitted is a leg from then on, priced as it was admitted. */
static bool add_leg(void)
{
    struct rules_leg *leg = &trial.legs[trial.book.count];
    struct rules_terms t = trial.request.unit;
    t.leaves = trial.request.lots;
    (void)dec_mul(t.cost, t.leaves, DEC_ROUND_CEIL, &t.cost);
    *leg = (struct rules_leg){.kind = RULES_LEG_ORDER,
                              .instrument = trial.request.instrument,
                              .side = trial.request.side,
                              .oco = trial.request.oco};
    rules_price(&t, leg);
    trial.book.count++;
    struct rules_sums sums;
    rules_sum(&trial.book, &sums);
    for (uint32_t i = 0; i < trial.answer.count; i++) {
        const struct rules_verdict *v = &trial.answer.verdicts[i];
        if (v->primitive == RULES_P1_LOSS_FLOOR && v->condition == 1 &&
            trial.set.floors[v->rule].measure == RULES_EQUITY && v->left != trial.book.equity - sums.give_up)
            return false;
    }
    return true;
}

static void attack(struct tally *tally)
{
    bool broken = false;
    for (uint32_t i = 0; i < PATHS + RANDOM_PATHS - 1; i++) {
        uint32_t kind = i < PATHS ? i : PATHS - 1;
        path_begin();
        paths[kind].run();
        if (path.margin < tally->margin)
            tally->margin = path.margin;
        if (path.differs && differences++ == 0)
            report("the oracle and the floor differ", paths[kind].name);
        if (path.breached) {
            path_breaches[kind]++;
            if (!broken)
                report("breach", paths[kind].name);
            broken = true;
        }
    }
    tally->attacked++;
    tally->breaches += broken;
    breaches += broken;
    attacked++;
    with_lock += trial.set.floors[0].has_lock;
}

static void one_trial(uint32_t anchor)
{
    struct tally *tally = &tallies[anchor];
    random_trial(anchor);
    if (!alive())
        return;
    ask(trial.request.lots);
    tally->tried++;
    tally->admitted += trial.answer.admitted;
    bool tight = trial.answer.q_max > 0 && trial.answer.q_max < DEC_MAX && (!trial.answer.admitted || chance(70));
    if (tight)
        try_edge(tally);
    if (!trial.answer.admitted)
        return;
    if (!add_leg()) {
        wrong_prices++;
        report("the leg costs another give-up than was admitted", "-");
    }
    attack(tally);
}

static bool print_result(uint64_t seed, double seconds)
{
    bool good = breaches == 0 && differences == 0 && wrong_edges == 0 && wrong_prices == 0;
    printf("# seed %llu, %.1f s\n", (unsigned long long)seed, seconds);
    printf("# anchor            tried  as asked   attacked  at q_max  breached  tightest\n");
    for (uint32_t i = 0; i < RULES_ANCHOR_COUNT; i++) {
        const struct tally *t = &tallies[i];
        double rate = t->tried ? 100.0 * (double)t->admitted / (double)t->tried : 0;
        char margin[DEC_STR_MAX] = "-";
        if (t->margin != DEC_MAX)
            (void)dec_format(t->margin, 2, margin);
        printf("# %-15s %8llu    %5.1f%%   %8llu  %8llu  %8llu  %s\n", anchor_names[i], (unsigned long long)t->tried,
               rate, (unsigned long long)t->attacked, (unsigned long long)t->edges, (unsigned long long)t->breaches,
               margin);
        if (t->tried > 500 && rate < ADMISSION_MIN) {
            printf("not ok - %s: only %.1f %% admitted\n", anchor_names[i], rate);
            good = false;
        }
    }
    for (uint32_t i = 0; i < PATHS; i++)
        if (path_breaches[i])
            printf("# breached by \"%s\": %llu\n", paths[i].name, (unsigned long long)path_breaches[i]);
    printf("# %llu books attacked (%llu with a lock): %llu breached, %llu times the oracle differs, %llu wrong q_max, "
           "%llu wrong give-ups\n",
           (unsigned long long)attacked, (unsigned long long)with_lock, (unsigned long long)breaches,
           (unsigned long long)differences, (unsigned long long)wrong_edges, (unsigned long long)wrong_prices);
    printf("%s - search of the rules: %llu admitted books, %llu breached\n", good ? "ok" : "not ok",
           (unsigned long long)attacked, (unsigned long long)breaches);
    return good;
}

int main(int argc, char **argv)
{
    struct timespec began, ended;
    (void)clock_gettime(CLOCK_MONOTONIC, &began);
    uint64_t books = BOOKS_DEFAULT, seed = (uint64_t)began.tv_nsec ^ (uint64_t)time(NULL) << 20;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-q") == 0)
            quiet = true;
        else if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
            books = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10);
        else {
            fprintf(stderr, "usage: search_rules [-n admitted books] [-s seed] [-q]\n");
            return 2;
        }
    }
    if (tz_load("UTC", &zones[0], NULL) != 0 || tz_load("UTC", &zones[1], NULL) != 0)
        return 2;
    for (uint32_t i = 0; i < RULES_ANCHOR_COUNT; i++)
        tallies[i].margin = DEC_MAX;
    random_state = seed;
    /* the anchor whose turn it is: each gets as many books */
    for (uint64_t turns = 0; attacked < books && turns < books * 20; turns++) {
        uint32_t least = (uint32_t)(turns % RULES_ANCHOR_COUNT);
        for (uint32_t i = 0; i < RULES_ANCHOR_COUNT; i++)
            if (tallies[i].attacked < tallies[least].attacked)
                least = i;
        one_trial(least);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &ended);
    return print_result(seed, (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9)
               ? 0
               : 1;
}
