#include "workers/account/core_parts.h"
#include "workers/risk/rules/sessions.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stddef.h>
#include <string.h>

const char *core_exit_name(unsigned exit)
{
    static const char *const names[] = {
        [EXIT_NONE] = "none",         [EXIT_STOP] = "stop",         [EXIT_TARGET] = "target",
        [EXIT_TIME] = "time",         [EXIT_LIMITS] = "limits",     [EXIT_OPERATOR] = "operator",
        [EXIT_UNPROTECTED] = "unprotected", [EXIT_AFTER_CRASH] = "after_crash", [EXIT_VENUE] = "venue",
        [EXIT_WINDOW] = "window",     [EXIT_OPEN_LOSS] = "open_loss", [EXIT_TARGET_REACHED] = "passed",
    };
    return exit < sizeof names / sizeof names[0] ? names[exit] : "?";
}

/* --- life ------------------------------------------------------------------------------------ */

/* How far apart the source's base records are: the shortest timeframe that is built. */
static int64_t core_cadence_ns(const struct fleet_config *config)
{
    uint32_t timeframes = 0;
    for (uint32_t i = 0; i < config->instrument_count; i++)
        if (config->instruments[i].active)
            timeframes |= config->instruments[i].timeframes;
    return timeframes ? timeframe_ns((enum market_timeframe)__builtin_ctz(timeframes)) : 0;
}

void core_configure(struct core *core, const struct fleet_config *config)
{
    assert(core->index < config->account_count);
    core->config = config;
    core->settings = &config->accounts[core->index];
    core->programme = &config->programmes[core->settings->programme];
    core->personality = &config->personalities[core->settings->personality];
    core->has_news = sessions_calendar(config, &core->news);
    memset(core->closes, 0, sizeof core->closes);
    core->cadence_ns = core_cadence_ns(config);
    core->detector = &breakout_detector;
    assert(core->detector->state_bytes <= DETECTOR_STATE_BYTES_MAX);
}

void core_phase_name(const struct core *core, char out[3 * CONFIG_NAME_MAX])
{
    memset(out, 0, 3 * CONFIG_NAME_MAX); /* a row's bytes are compared */
    snprintf(out, 3 * CONFIG_NAME_MAX, "%s/%s/%s", core->programme->firm, core->programme->name, core->programme->phase);
}

bool core_phase_is(const struct core *core)
{
    char name[3 * CONFIG_NAME_MAX];
    core_phase_name(core, name);
    return strcmp(name, core->account.phase) == 0;
}

void core_market_reset(struct core *core)
{
    struct core_market *market = &core->market;
    memset(market, 0, offsetof(struct core_market, detectors)); /* of the detectors those that are used: fresh pages cost */
    market->version = core->detector->version;
    market->bytes = sizeof *market;
    market->config_digest = core->settings->digest;
    for (uint32_t i = 0; i < core->config->instrument_count; i++)
        core->detector->init(market->detectors[i], core->personality);
}

void core_init(struct core *core, const struct fleet_config *config, uint32_t account)
{
    /* All but the market part, which is begun below, and the output's bytes, of which none are used: they are most of the
     * struct, and a start would touch (and so fault in) every page of them. */
    memset(core, 0, offsetof(struct core, market));
    memset(&core->record_count, 0, offsetof(struct core, bytes) - offsetof(struct core, record_count));
    core->index = account;
    core_configure(core, config);
    struct core_account *a = &core->account;
    a->version = CORE_VERSION;
    a->bytes = sizeof *a;
    a->next_intent = 1;
    a->balance = a->equity = core->settings->initial_balance;
    core_phase_name(core, a->phase);
    rules_init(&a->rules, &core->programme->rules, core->settings->initial_balance);
    core_market_reset(core);
}

int core_check(const struct core *core)
{
    const struct core_account *a = &core->account;
    uint32_t instruments = core->config->instrument_count;
    if (a->version != CORE_VERSION || a->bytes != sizeof *a || a->next_intent == 0 ||
        a->pending_report_count > CORE_PENDING_REPORTS_MAX || a->flatten >= EXIT_COUNT || rules_state_check(&a->rules, &core->programme->rules) != 0)
        return -EPROTO;
    for (uint32_t i = 0; i < a->pending_report_count; i++)
        if (a->pending_reports[i].instrument >= instruments)
            return -EPROTO;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        if (core->positions[i].id != 0 && (core->positions[i].instrument >= instruments || core->positions[i].side < SIDE_BUY ||
                                           core->positions[i].side > SIDE_SELL))
            return -EPROTO;
    for (uint32_t i = 0; i < CORE_ORDERS_MAX; i++)
        if (core->orders[i].intent != 0 &&
            (core->orders[i].instrument >= instruments || core->orders[i].state >= ORDER_STATE_COUNT))
            return -EPROTO;
    for (uint32_t i = 0; i < CORE_PROPOSALS_MAX; i++)
        if (core->proposals[i].jseq != 0 && core->proposals[i].wire.instrument >= instruments)
            return -EPROTO;
    return 0;
}

void core_clear(struct core *core)
{
    core->record_count = core->action_count = core->trade_count = core->signal_row_count = 0;
    core->bytes_used = 0;
}

/* --- output ------------------------------------------------------------------------------------ */

uint64_t core_record_begin(struct core *core, struct journal_writer *writer, const char *kind)
{
    assert(core->record_count < CORE_RECORDS_MAX);
    assert(core->bytes_used + JOURNAL_RECORD_BYTES_MAX <= CORE_OUTPUT_BYTES);
    uint64_t jseq = ++core->account.jseq;
    journal_begin(writer, core->bytes + core->bytes_used, JOURNAL_RECORD_BYTES_MAX, kind, jseq, core->account.cursor_ns);
    return jseq;
}

void core_record_end(struct core *core, struct journal_writer *writer)
{
    size_t size = journal_end(writer);
    core->records[core->record_count++] = (struct core_record){
        .jseq = core->account.jseq, .time_ns = core->account.cursor_ns,
        .offset = core->bytes_used, .size = (uint32_t)size,
    };
    core->bytes_used += (uint32_t)size;
}

void core_record_instrument(const struct core *core, struct journal_writer *writer, uint32_t instrument)
{
    assert(instrument < core->config->instrument_count);
    journal_text(writer, "instrument", core->config->instruments[instrument].symbol);
    journal_u64(writer, "i", instrument);
}

struct core_action *core_action_add(struct core *core, enum core_action_kind kind)
{
    assert(core->action_count < CORE_ACTIONS_MAX);
    struct core_action *action = &core->actions[core->action_count++];
    memset(action, 0, sizeof *action);
    action->kind = kind;
    return action;
}

void core_alert(struct core *core, const char *format, ...)
{
    struct core_action *action = core_action_add(core, ACTION_ALERT);
    va_list args;
    va_start(args, format);
    vsnprintf(action->u.alert, sizeof action->u.alert, format, args);
    va_end(args);
}

/* --- lookups ----------------------------------------------------------------------------------- */

struct core_position *core_position_find(struct core *core, uint64_t id)
{
    for (uint32_t i = 0; id != 0 && i < CORE_POSITIONS_MAX; i++)
        if (core->positions[i].id == id)
            return &core->positions[i];
    return NULL;
}

struct core_position *core_position_slot(struct core *core)
{
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        if (core->positions[i].id == 0)
            return &core->positions[i];
    return NULL;
}

struct order *core_order_find(struct core *core, uint64_t intent)
{
    for (uint32_t i = 0; intent != 0 && i < CORE_ORDERS_MAX; i++)
        if (core->orders[i].intent == intent)
            return &core->orders[i];
    return NULL;
}

struct order *core_order_new(struct core *core, uint32_t role, const struct core_position *position, uint32_t side,
                             uint32_t type, dec_t qty, dec_t price)
{
    /* A position holds at most four orders that are not final (entry, stop, take, close): there is always room. */
    static_assert(CORE_ORDERS_MAX >= 4 * CORE_POSITIONS_MAX, "four orders a position");
    uint32_t i = 0;
    while (i < CORE_ORDERS_MAX && core->orders[i].intent != 0)
        i++;
    assert(i < CORE_ORDERS_MAX);
    struct order *order = &core->orders[i];
    memset(order, 0, sizeof *order);
    order->intent = core->account.next_intent++;
    order->position = position->id != 0 ? position->id : order->intent;
    order->role = role;
    order->state = ORDER_CREATED;
    order->instrument = position->instrument;
    order->side = side;
    order->type = type;
    order->qty = qty;
    order->price = price;
    order->created_ns = core->account.cursor_ns;
    /* The commit that makes the order durable comes before the send: from then on it may have been sent. */
    struct order_outcome outcome;
    order_on_event(order, ORDER_EVENT_SENT, order->created_ns, &outcome);
    return order;
}

void core_report_due(struct core *core, uint32_t instrument, uint64_t proposal, dec_t reserved_qty)
{
    struct core_account *a = &core->account;
    for (uint32_t i = 0; i < a->pending_report_count; i++) {
        struct core_pending_report *pending = &a->pending_reports[i];
        if (pending->instrument != instrument || (pending->proposal != proposal && pending->proposal != 0 && proposal != 0))
            continue;
        if (proposal != 0) {
            pending->proposal = proposal;
            pending->reserved_qty = reserved_qty;
        }
        return;
    }
    assert(a->pending_report_count < CORE_PENDING_REPORTS_MAX);
    a->pending_reports[a->pending_report_count++] =
        (struct core_pending_report){.instrument = instrument, .proposal = proposal, .reserved_qty = reserved_qty};
}

uint32_t core_open_positions(const struct core *core)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        count += core->positions[i].id != 0 && core->positions[i].qty > 0;
    return count;
}

uint32_t core_working_orders(const struct core *core)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < CORE_ORDERS_MAX; i++)
        count += core->orders[i].intent != 0;
    return count;
}

/* --- money -------------------------------------------------------------------------------------- */

bool core_rate(const struct core *core, uint32_t instrument, dec_t *out)
{
    const struct config_instrument *settings = &core->config->instruments[instrument];
    if (settings->conversion_instrument == CONFIG_NONE) {
        *out = DEC_ONE;
        return true;
    }
    const struct core_quote *quote = &core->market.quotes[settings->conversion_instrument];
    if (quote->bid <= 0)
        return false;
    if (!settings->conversion_inverse) {
        *out = quote->ask;
        return true;
    }
    return dec_div(DEC_ONE, quote->bid, DEC_ROUND_CEIL, out) == 0;
}

/* Floating result of a position at a price, account currency; a position whose rate is unknown counts 0
 * (it cannot have been opened without one). */
dec_t core_floating(const struct core *core, const struct core_position *position, dec_t price)
{
    dec_t rate, move, money;
    if (price <= 0 || !core_rate(core, position->instrument, &rate))
        return 0;
    move = position->side == SIDE_BUY ? price - position->avg_price : position->avg_price - price;
    if (sizing_money(&core->config->instruments[position->instrument], move, position->qty, rate, DEC_ROUND_FLOOR, &money) != 0)
        return 0;
    return money;
}

void core_equity(const struct core *core, dec_t *equity, dec_t *high)
{
    *equity = *high = core->account.balance;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++) {
        const struct core_position *position = &core->positions[i];
        if (position->id == 0 || position->qty == 0)
            continue;
        const struct core_quote *quote = &core->market.quotes[position->instrument];
        dec_t spread = quote->ask - quote->bid;
        dec_t now = position->side == SIDE_BUY ? quote->bid : quote->ask;
        dec_t best = now;
        if (quote->instant_high > 0)
            best = position->side == SIDE_BUY ? quote->instant_high : quote->instant_low + spread;
        dec_t floating = core_floating(core, position, now);
        *equity += floating;
        *high += dec_max(floating, core_floating(core, position, best));
    }
}

dec_t core_position_risk(const struct core *core, const struct core_position *position)
{
    const struct core_quote *quote = &core->market.quotes[position->instrument];
    dec_t rate, risk, price = position->side == SIDE_BUY ? quote->bid : quote->ask;
    if (position->qty == 0)
        return 0;
    if (price <= 0)
        price = position->avg_price;
    if (!core_rate(core, position->instrument, &rate) ||
        sizing_risk_at_stop(&core->config->instruments[position->instrument], position->side, position->qty, price,
                            position->stop_price, quote->ask - quote->bid, rate, &risk) != 0)
        return position->risk;
    return risk;
}

dec_t core_margin_used(const struct core *core)
{
    dec_t sum = 0;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++) {
        const struct core_position *position = &core->positions[i];
        const struct config_instrument *settings = &core->config->instruments[position->instrument];
        dec_t rate, notional, margin;
        if (position->id == 0 || !core_rate(core, position->instrument, &rate))
            continue;
        dec_t qty = position->opened_ns == 0 ? position->entry_qty : position->qty;
        dec_t price = position->avg_price > 0 ? position->avg_price : core->market.quotes[position->instrument].ask;
        if (sizing_money(settings, price, qty, rate, DEC_ROUND_CEIL, &notional) == 0 &&
            dec_mul(notional, settings->margin_rate, DEC_ROUND_CEIL, &margin) == 0)
            sum += margin;
    }
    return sum;
}

/* --- what others ask ---------------------------------------------------------------------------- */

uint32_t core_refusal(const struct core *core)
{
    const struct core_account *a = &core->account;
    if (core->store_failed)
        return REFUSAL_STORE_FAILED;
    if (core->reconciling)
        return REFUSAL_RECONCILING;
    uint32_t rules = core_rules_refusal(core);
    if (rules != REFUSAL_NONE)
        return rules;
    if (a->halted || core->settings->observe_only)
        return REFUSAL_ACCOUNT_STATE;
    dec_t today, cap;
    if (a->passed || core_day_capped(core, &today, &cap))
        return REFUSAL_PROFIT_SHAPE;
    if (a->paused || a->flatten != EXIT_NONE)
        return REFUSAL_PAUSED;
    return REFUSAL_NONE;
}

enum account_state core_state(const struct core *core)
{
    if (core->account.halted)
        return ACCOUNT_HALTED;
    return core_refusal(core) == REFUSAL_NONE ? ACCOUNT_ACTIVE : ACCOUNT_REDUCING;
}

/* One position in an instrument is the rule. There are more when one of the venue's was taken in to be closed: then the side of
 * the largest is told, its lots, and the risk of all. */
static struct wire_position core_wire_position(const struct core *core, uint32_t instrument)
{
    struct wire_position out = {.instrument = instrument};
    dec_t lots[SIDE_SELL + 1] = {0};
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++) {
        const struct core_position *position = &core->positions[i];
        if (position->id == 0 || position->qty <= 0 || position->instrument != instrument)
            continue;
        lots[position->side] += position->qty;
        out.risk += core_position_risk(core, position);
        if (lots[position->side] > out.qty) {
            out.side = position->side;
            out.qty = lots[position->side];
        }
    }
    return out;
}

uint32_t core_wire_positions(const struct core *core, struct wire_position *out, uint32_t max)
{
    uint32_t count = 0, seen = 0;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX && count < max; i++) {
        const struct core_position *position = &core->positions[i];
        if (position->id == 0 || position->qty <= 0 || (seen >> position->instrument & 1))
            continue;
        seen |= UINT32_C(1) << position->instrument;
        out[count++] = core_wire_position(core, position->instrument);
    }
    return count;
}

/* --- the market --------------------------------------------------------------------------------- */

static void core_observe_bar(struct core *core, const struct market_record *record)
{
    struct core_market *market = &core->market;
    const struct config_instrument *settings = &core->config->instruments[record->instrument];
    struct core_quote *quote = &market->quotes[record->instrument];
    if (record->flags & MARKET_BASE) {
        quote->bid = record->u.bar.close;
        quote->ask = quote->bid + (dec_t)record->spread_ticks * settings->tick;
        quote->time_ns = record->time_ns;
        quote->instant_high = dec_max(quote->instant_high, record->u.bar.high);
        quote->instant_low = quote->instant_low == 0 ? record->u.bar.low : dec_min(quote->instant_low, record->u.bar.low);
    }
    if (record->timeframe != core->personality->timeframe || !(core->personality->instruments >> record->instrument & 1))
        return;
    struct signal *signal = &market->signals[market->signal_count];
    if (market->signal_count < CORE_SIGNALS_MAX &&
        core->detector->on_bar(market->detectors[record->instrument], core->personality, record, settings->tick, signal))
        market->signal_count++;
}

static void core_observe_quote(struct core *core, const struct market_record *record)
{
    struct core_quote *quote = &core->market.quotes[record->instrument];
    quote->bid = record->u.quote.bid;
    quote->ask = record->u.quote.ask;
    quote->time_ns = record->time_ns;
    quote->instant_high = dec_max(quote->instant_high, quote->bid);
    quote->instant_low = quote->instant_low == 0 ? quote->bid : dec_min(quote->instant_low, quote->bid);
}

/* Everything of the market side but the forgetting at an END, which comes after the decisions. */
static void core_market_record(struct core *core, const struct market_record *record)
{
    struct core_market *market = &core->market;
    market->seq = record->seq;
    market->time_ns = record->time_ns;
    if (record->kind == MARKET_END)
        return;
    market->warmup = record->flags & MARKET_WARMUP;
    if (record->instrument >= core->config->instrument_count)
        return;
    if (record->kind == MARKET_BAR)
        core_observe_bar(core, record);
    else
        core_observe_quote(core, record);
}

static void core_market_end(struct core *core)
{
    struct core_market *market = &core->market;
    memset(market->signals, 0, market->signal_count * sizeof market->signals[0]);
    market->signal_count = 0;
    for (uint32_t i = 0; i < core->config->instrument_count; i++)
        market->quotes[i].instant_high = market->quotes[i].instant_low = 0;
}

void core_observe(struct core *core, const struct market_record *record)
{
    core_market_record(core, record);
    if (record->kind == MARKET_END)
        core_market_end(core);
}

/* --- one step ----------------------------------------------------------------------------------- */

/* What the coordinator has to know before it looks at the proposals of this instant. */
static void core_send_reports(struct core *core)
{
    struct core_account *a = &core->account;
    for (uint32_t i = 0; i < a->pending_report_count; i++) {
        const struct core_pending_report *pending = &a->pending_reports[i];
        struct wire_report report = {
            .instant_ns = a->cursor_ns, .proposal = pending->proposal, .reserved_qty = pending->reserved_qty,
            .position = core_wire_position(core, pending->instrument),
        };
        struct journal_writer writer;
        report.jseq = a->sent_jseq = core_record_begin(core, &writer, "report");
        core_record_instrument(core, &writer, pending->instrument);
        journal_u64(&writer, "side", report.position.side);
        journal_dec(&writer, "qty", report.position.qty);
        journal_dec(&writer, "risk", report.position.risk);
        journal_u64(&writer, "proposal", report.proposal);
        journal_dec(&writer, "reserved", report.reserved_qty);
        core_record_end(core, &writer);
        core_action_add(core, ACTION_REPORT)->u.report = report;
    }
    memset(a->pending_reports, 0, sizeof a->pending_reports);
    a->pending_report_count = 0;
}

static void core_start(struct core *core)
{
    core->account.started = 1;
    struct journal_writer writer;
    core_record_begin(core, &writer, "account");
    journal_text(&writer, "account", core->settings->name);
    journal_text(&writer, "firm", core->programme->firm);
    journal_text(&writer, "programme", core->programme->name);
    journal_text(&writer, "phase", core->programme->phase);
    journal_u64(&writer, "rules", core->programme->rules.digest);
    journal_text(&writer, "verified", core->programme->rules.verified);
    journal_u64(&writer, "max_age_days", core->programme->rules.max_age_days);
    journal_u64(&writer, "calendar", core->config->calendar.digest);
    journal_text(&writer, "owner", core->config->owner);
    journal_text(&writer, "personality", core->personality->name);
    journal_dec(&writer, "balance", core->account.balance);
    journal_text(&writer, "source", core->config->feed.source_name);
    journal_u64(&writer, "simulated", 1); /* paper fills: SIMULATED, whatever the market data are */
    core_record_end(core, &writer);
}

static void core_on_end(struct core *core, const struct market_record *record)
{
    if (!(record->flags & MARKET_WARMUP) && !core->market.warmup) {
        if (!core->account.started)
            core_start(core);
        core_guard(core);
        core_exits(core);
        core_send_reports(core);
        core_signals(core);
    }
    core->account.end_ns = record->time_ns;
    core_market_end(core);
}

void core_gap(struct core *core, uint64_t lost, uint64_t cursor_seq)
{
    assert(cursor_seq >= core->account.cursor_seq);
    struct journal_writer writer;
    core_record_begin(core, &writer, "gap");
    journal_u64(&writer, "lost", lost);
    journal_u64(&writer, "seq", cursor_seq);
    core_record_end(core, &writer);
    core->account.cursor_seq = cursor_seq;
    core_market_reset(core);
    core->market.seq = cursor_seq;
}

/* Messages to the venue count where the firm caps them: an order with its protection is as many orders. */
static void core_count_messages(struct core *core, uint32_t first)
{
    struct core_account *a = &core->account;
    const struct rules_set *set = &core->programme->rules;
    for (uint32_t i = first; i < core->action_count; i++) {
        const struct broker_request *request = &core->actions[i].u.request;
        if (core->actions[i].kind != ACTION_BROKER)
            continue;
        rules_on_message(&a->rules, set, request->kind == BROKER_CANCEL ? RULES_MESSAGES : request->kind == BROKER_REPLACE ? RULES_CHANGES : RULES_ORDERS,
                         a->cursor_ns);
        for (uint64_t protective = (request->stop_intent != 0) + (request->take_intent != 0); protective > 0; protective--)
            rules_on_message(&a->rules, set, RULES_ORDERS, a->cursor_ns);
    }
}

/* A record that moves what is open: the guard looks at once, not only at the instant's END. */
static bool core_moves_equity(const struct core *core, const struct market_record *record)
{
    if (record->kind == MARKET_END || core->market.warmup || !core->account.started)
        return false;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++) {
        const struct core_position *position = &core->positions[i];
        if (position->id != 0 && position->qty > 0 &&
            (position->instrument == record->instrument ||
             core->config->instruments[position->instrument].conversion_instrument == record->instrument))
            return true;
    }
    return false;
}

void core_step(struct core *core, const struct core_event *event)
{
    struct core_account *a = &core->account;
    uint32_t actions = core->action_count;
    switch (event->kind) {
    case CORE_MARKET:
        assert(event->u.market->seq > a->cursor_seq);
        a->cursor_seq = event->u.market->seq;
        a->cursor_ns = event->u.market->time_ns;
        core_market_record(core, event->u.market);
        if (event->u.market->kind == MARKET_END)
            core_on_end(core, event->u.market);
        else if (core_moves_equity(core, event->u.market))
            core_guard(core);
        break;
    case CORE_REPORT:
        core_on_report(core, event->u.report);
        break;
    case CORE_ANSWER:
        core_on_answer(core, event->u.answer);
        break;
    case CORE_COMMAND:
        core_on_command(core, event);
        break;
    case CORE_CLOCK:
        if (a->started)
            core_guard(core);
        break;
    }
    core_count_messages(core, actions);
}
