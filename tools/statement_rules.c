#include "tools/statement.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
#define DAY_NS (86400 * SECOND)
#define CLOSE_S (17 * 3600) /* Friday, New York: the end of the week of FX and of the futures */
#define LOT_STEP (DEC_ONE / 100)

/* --- days ------------------------------------------------------------------------------------------------------- */

/* The date that a firm's day has: that of its last instant, local. */
static int32_t date_of(const struct rules_set *set, const struct tz_table *zones, int64_t time_ns)
{
    int64_t start_ns, end_ns;
    rules_day_bounds(set, zones, 0, time_ns, &start_ns, &end_ns);
    int64_t local_ns = end_ns - 1 + tz_offset_at(&zones[set->days[0].zone], end_ns - 1) * SECOND;
    return (int32_t)(local_ns / DAY_NS);
}

int statement_days(const struct statement *statement, const struct rules_set *set, const struct tz_table *zones, dec_t initial,
                   struct statement_days *out)
{
    assert(statement && set && zones && out && set->day_count > 0);
    *out = (struct statement_days){.days = calloc(statement->trade_count + 1, sizeof *out->days)};
    if (!out->days)
        return -ENOMEM;
    dec_t balance = initial;
    for (uint32_t i = 0; i < statement->trade_count; i++) {
        const struct statement_trade *t = &statement->trades[i];
        int32_t date = date_of(set, zones, t->closed_ns);
        if (out->count == 0 || out->days[out->count - 1].day != date)
            out->days[out->count++].day = date;
        struct statement_day *day = &out->days[out->count - 1];
        balance += t->net;
        day->net += t->net;
        day->balance = balance;
        day->trades++;
        out->moved += t->trade_day != INT32_MIN && t->trade_day != date;
    }
    for (uint32_t i = 1; i < out->count; i++) {
        if (out->days[i].net > out->days[out->best].net)
            out->best = i;
        if (out->days[i].net < out->days[out->worst].net)
            out->worst = i;
    }
    return 0;
}

/* --- instruments ------------------------------------------------------------------------------------------------ */

static uint32_t index_of(const char (*names)[RULES_NAME_MAX], uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return UINT32_MAX;
}

/* Bit `to` as bit `fx`, or set where all the named ones are. */
static void set_bit(uint32_t *mask, uint32_t to, uint32_t fx, uint32_t named)
{
    bool reached = fx != UINT32_MAX ? (*mask >> fx & 1u) != 0 : (*mask & named) == named;
    *mask = (*mask & ~(UINT32_C(1) << to)) | (uint32_t)reached << to;
}

static void reach(struct rules_set *set, uint32_t to, uint32_t fx, uint32_t named)
{
    for (uint32_t i = 0; i < set->exposure_count; i++) {
        set->exposures[i].weight[to] = fx != UINT32_MAX ? set->exposures[i].weight[fx] : DEC_ONE;
        set_bit(&set->exposures[i].instruments, to, fx, named);
    }
    for (uint32_t i = 0; i < set->window_count; i++)
        set_bit(&set->windows[i].instruments, to, fx, named);
    for (uint32_t i = 0; i < set->direction.group_count; i++)
        set->direction.groups[i] &= ~(UINT32_C(1) << to);
}

int statement_map(const struct statement *statement, const char (*names)[RULES_NAME_MAX], uint32_t name_count, uint32_t fx,
                  struct rules_set *set, uint32_t instruments[STATEMENT_SYMBOLS_MAX], uint32_t *strangers)
{
    assert(statement && set && instruments && strangers && name_count <= RULES_INSTRUMENTS_MAX);
    uint32_t used = 0, named = (UINT32_C(1) << name_count) - 1, symbol;
    *strangers = 0;
    for (symbol = 0; symbol < statement->symbol_count; symbol++) {
        instruments[symbol] = index_of(names, name_count, statement->symbols[symbol].name);
        if (instruments[symbol] != UINT32_MAX)
            used |= UINT32_C(1) << instruments[symbol];
    }
    for (symbol = 0; symbol < statement->symbol_count; symbol++) {
        if (instruments[symbol] != UINT32_MAX)
            continue;
        uint32_t to = RULES_INSTRUMENTS_MAX; /* from the end: an index that no instrument has, then one that is not traded here */
        while (to > 0 && used >> (to - 1) & 1u)
            to--;
        if (to == 0)
            return -ENOSPC;
        instruments[symbol] = --to;
        used |= UINT32_C(1) << to;
        reach(set, to, statement->symbols[symbol].fx && fx != to ? fx : UINT32_MAX, named & ~(UINT32_C(1) << to));
        (*strangers)++;
    }
    return 0;
}

/* --- events ------------------------------------------------------------------------------------------------------- */

enum event_kind { CLOSE, OPEN, CLOSE_AT_ONCE }; /* of one second: what is older closes first */
struct event {
    int64_t time_ns;
    uint32_t kind, trade;
};

static int by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->trade < y->trade ? -1 : x->trade > y->trade;
}

static struct event *events_of(const struct statement *statement)
{
    struct event *events = calloc(2 * (size_t)statement->trade_count + 1, sizeof *events);
    if (!events)
        return NULL;
    for (uint32_t i = 0; i < statement->trade_count; i++) {
        const struct statement_trade *t = &statement->trades[i];
        events[2 * i] = (struct event){t->opened_ns, OPEN, i};
        events[2 * i + 1] = (struct event){t->closed_ns, t->closed_ns == t->opened_ns ? CLOSE_AT_ONCE : CLOSE, i};
    }
    qsort(events, 2 * (size_t)statement->trade_count, sizeof *events, by_time);
    return events;
}

/* --- the gate ------------------------------------------------------------------------------------------------------ */

struct judging {
    const struct statement *statement;
    const uint32_t *instruments;
    const struct tz_table *zones, *new_york;
    struct statement_judged *out;
    dec_t balance;
    uint32_t *open;              /* trades that are open */
    uint32_t open_count;
    struct rules_leg *legs;      /* as many */
};

/* Money is in USD for one unit of the profit currency, up; 0: not known. */
static dec_t rate_of(const struct statement_trade *t, const struct statement_symbol *s)
{
    dec_t rate = DEC_ONE, price = 0;
    if (s->own_rate) /* at the entry or the stop, whichever loses more */
        price = t->stop > 0 ? dec_min(t->stop, t->open_price) : t->open_price;
    else if (s->pair[0] != '\0' && (t->check == STATEMENT_DIFFERS || t->rate_low == 0 || t->rate_high == DEC_MAX))
        return 0;
    else if (s->pair[0] != '\0' && s->multiply)
        return t->rate_high;
    else if (s->pair[0] != '\0')
        price = t->rate_low;
    if (price > 0 && dec_div(DEC_ONE, price, DEC_ROUND_CEIL, &rate) != 0)
        return 0;
    return rate;
}

static dec_t distance(const struct statement_trade *t, dec_t price)
{
    return t->side == 1 ? t->open_price - price : price - t->open_price;
}

/* Why a position's risk is not known; STATEMENT_UNJUDGED_COUNT: it is. */
static enum statement_unjudged unknown(const struct judging *j, const struct statement_trade *t)
{
    if (t->stop == 0)
        return STATEMENT_NO_STOP;
    if (distance(t, t->stop) <= 0)
        return STATEMENT_STOP_MOVED;
    return rate_of(t, &j->statement->symbols[t->symbol]) == 0 ? STATEMENT_NO_RATE : STATEMENT_UNJUDGED_COUNT;
}

static dec_t times(dec_t a, dec_t b)
{
    dec_t out = DEC_MAX;
    (void)dec_mul(a, b, DEC_ROUND_CEIL, &out);
    return out;
}

/* Of all the lots. Stop distances are from the entry: where the price has been since is not known. */
static struct rules_terms terms_of(const struct judging *j, const struct statement_trade *t)
{
    const struct statement_symbol *s = &j->statement->symbols[t->symbol];
    const struct rules_guard *guard = &j->out->set.guard;
    bool converted = s->own_rate || s->pair[0] != '\0';
    dec_t target = t->target > 0 ? -distance(t, t->target) : 0;
    return (struct rules_terms){
        .filled = t->lots, .covered = t->lots, .value = s->contract.size, .rate = rate_of(t, s),
        .haircut = converted ? guard->haircut : 0, .stop_distance = distance(t, t->stop), .no_stop_distance = t->open_price,
        .gap_distance = times(t->open_price, guard->gap_fraction), .target_distance = target > 0 ? target : RULES_UNBOUNDED,
        .slip_exit = (dec_t)guard->slip_ticks * s->contract.tick, .cost = dec_max(0, -t->charges)};
}

/* The end of the week after a moment, and how long it lasts. */
static int64_t week_end(const struct tz_table *new_york, int64_t time_ns, int64_t *lasts_s)
{
    int64_t end_ns = tz_boundary_after(new_york, CLOSE_S, time_ns - 1);
    while (tz_weekday(new_york, end_ns) != 5)
        end_ns = tz_boundary_after(new_york, CLOSE_S, end_ns);
    int64_t saturday_ns = tz_boundary_after(new_york, CLOSE_S, end_ns);
    *lasts_s = (tz_boundary_after(new_york, CLOSE_S, saturday_ns) - end_ns) / SECOND;
    return end_ns;
}

static bool book_of(struct judging *j, int64_t now_ns, struct rules_book *book)
{
    int64_t lasts_s, week_end_ns = week_end(j->new_york, now_ns, &lasts_s);
    *book = (struct rules_book){.legs = j->legs, .count = j->open_count, .balance = j->balance, .equity = j->balance};
    for (uint32_t i = 0; i < j->open_count; i++) {
        const struct statement_trade *t = &j->statement->trades[j->open[i]];
        if (unknown(j, t) != STATEMENT_UNJUDGED_COUNT)
            return false;
        struct rules_terms terms = terms_of(j, t);
        if (t->closed_ns <= week_end_ns) /* the gap is charged for what was held over the next weekend */
            terms.gap_distance = 0;
        j->legs[i] = (struct rules_leg){.kind = RULES_LEG_POSITION, .instrument = j->instruments[t->symbol], .side = t->side,
                                        .opened_ns = t->opened_ns};
        rules_price(&terms, &j->legs[i]);
    }
    return true;
}

static void refuse(struct statement_gate *gate, uint32_t trade, const struct rules_answer *answer)
{
    const struct rules_verdict *verdict = &answer->verdicts[answer->refused];
    gate->refused[verdict->primitive]++;
    if (gate->refusal_count < STATEMENT_REFUSALS_MAX)
        gate->refusals[gate->refusal_count] = (struct statement_refusal){trade, *verdict, answer->q_max};
    gate->refusal_count++;
}

/* The entry as it would have been asked for, with the stop that the statement shows. */
static void ask(struct judging *j, uint32_t trade, int64_t now_ns)
{
    const struct statement_trade *t = &j->statement->trades[trade];
    struct statement_gate *gate = &j->out->gate;
    struct rules_book book;
    enum statement_unjudged why = unknown(j, t);
    if (why == STATEMENT_UNJUDGED_COUNT && !book_of(j, now_ns, &book))
        why = STATEMENT_BOOK_UNKNOWN;
    if (why != STATEMENT_UNJUDGED_COUNT) {
        gate->unjudged[why]++;
        return;
    }
    struct rules_context context = {.now_ns = now_ns, .zones = j->zones, .mode = RULES_MANUAL, .host = RULES_HOST_OWN_DEVICE,
                                    .positions = j->open_count};
    context.close_ns = week_end(j->new_york, now_ns, &context.closed_for_s);
    struct rules_request request = {.purpose = RULES_ENTRY, .instrument = j->instruments[t->symbol], .side = t->side, .lots = t->lots,
                                    .lot_step = j->statement->symbols[t->symbol].future ? DEC_ONE : LOT_STEP,
                                    .unit = terms_of(j, t), .has_stop = true, .latest_fill_ns = now_ns,
                                    .may_cross_boundary = true, .may_cross_close = t->closed_ns > context.close_ns};
    request.lot_min = request.lot_step;
    request.unit.filled = request.unit.covered = 0;
    request.unit.leaves = DEC_ONE;
    (void)dec_div(request.unit.cost, t->lots, DEC_ROUND_CEIL, &request.unit.cost);
    static struct rules_answer answer; /* large */
    rules_gate(&j->out->set, &j->out->state, &book, &context, &request, &answer);
    gate->judged++;
    if (answer.admitted)
        gate->admitted++;
    else
        refuse(gate, trade, &answer);
}

/* --- marks ---------------------------------------------------------------------------------------------------------- */

static void look_at_floors(struct statement_judged *out, const struct rules_marked *marked, int64_t now_ns, dec_t balance)
{
    for (uint32_t i = 0; i < out->set.floor_count; i++) {
        struct statement_floor *floor = &out->floors[i];
        dec_t level = rules_floor_level(&out->state, &out->set, i);
        if (floor->margin_ns == 0 || balance - level < floor->margin) {
            floor->margin = balance - level;
            floor->level = level;
            floor->margin_ns = now_ns;
        }
        if (marked->breached >> i & 1u && !floor->breached) {
            floor->breached = true;
            floor->breached_ns = now_ns;
            floor->breached_balance = balance;
            floor->breached_level = level;
        }
    }
}

/* Closed balance is all that is known: it stands for equity. */
static void mark(struct judging *j, int64_t now_ns)
{
    struct rules_marked marked;
    rules_mark(&j->out->state, &j->out->set, j->zones, now_ns, j->balance, j->balance, j->balance, &marked);
    look_at_floors(j->out, &marked, now_ns, j->balance);
    j->out->lowest = dec_min(j->out->lowest, j->balance);
}

/* The day going on is taken as finished. */
static void look_at_shape(struct judging *j, int64_t now_ns)
{
    struct statement_judged *out = j->out;
    const struct rules_shape *shape = &out->set.shape;
    struct rules_profit profit = out->state.profit;
    bool target = rules_target_reached(shape, out->state.initial, j->balance, j->open_count);
    bool days = rules_days_reached(shape, &profit, &out->days);
    rules_profit_day(&out->set, &out->state, &profit);
    rules_best_day(shape, &profit, &out->best_day);
    if (target && out->target_ns == 0)
        out->target_ns = now_ns;
    if (target && days && out->best_day.kept && out->passed_ns == 0)
        out->passed_ns = now_ns;
}

static void opened(struct judging *j, const struct event *event)
{
    const struct statement_trade *t = &j->statement->trades[event->trade];
    mark(j, event->time_ns);
    ask(j, event->trade, event->time_ns);
    rules_on_message(&j->out->state, &j->out->set, RULES_ORDERS, event->time_ns);
    rules_on_opened(&j->out->state, &j->out->set, j->instruments[t->symbol], t->side, t->lots, event->time_ns);
    j->open[j->open_count++] = event->trade;
}

static void closed(struct judging *j, const struct event *event)
{
    const struct statement_trade *t = &j->statement->trades[event->trade];
    uint32_t i = 0;
    while (i < j->open_count && j->open[i] != event->trade)
        i++;
    assert(i < j->open_count);
    j->open[i] = j->open[--j->open_count];
    j->balance += t->net;
    mark(j, event->time_ns);
    rules_on_closed(&j->out->state, &j->out->set, j->instruments[t->symbol], t->side, t->lots, t->net, t->opened_ns, event->time_ns);
    look_at_shape(j, event->time_ns);
}

/* News without a calendar and margin without the broker's rates cannot be judged. */
static void leave_out(struct statement_judged *out)
{
    struct rules_set *set = &out->set;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->window_count; i++)
        if (set->windows[i].kind != RULES_NEWS)
            set->windows[kept++] = set->windows[i];
    out->windows_left_out = set->window_count - kept;
    set->window_count = kept;
    kept = 0;
    for (uint32_t i = 0; i < set->exposure_count; i++)
        if (set->exposures[i].counted != RULES_MARGIN_SHARE)
            set->exposures[kept++] = set->exposures[i];
    out->exposures_left_out = set->exposure_count - kept;
    set->exposure_count = kept;
}

int statement_judge(const struct statement *statement, const struct rules_set *set, const uint32_t *instruments,
                    const struct tz_table *zones, const struct tz_table *new_york, dec_t initial, struct statement_judged *out)
{
    assert(statement && set && instruments && zones && new_york && out && set->day_count > 0);
    memset(out, 0, sizeof *out);
    out->set = *set;
    out->lowest = initial;
    leave_out(out);
    rules_init(&out->state, &out->set, initial);
    struct event *events = events_of(statement);
    struct judging j = {.statement = statement, .instruments = instruments, .zones = zones, .new_york = new_york, .out = out,
                        .balance = initial, .open = calloc(statement->trade_count + 1, sizeof *j.open),
                        .legs = calloc(statement->trade_count + 1, sizeof *j.legs)};
    bool memory = events && j.open && j.legs;
    for (uint32_t i = 0; memory && i < 2 * statement->trade_count; i++)
        if (events[i].kind == OPEN)
            opened(&j, &events[i]);
        else
            closed(&j, &events[i]);
    free(events);
    free(j.open);
    free(j.legs);
    return memory ? 0 : -ENOMEM;
}
