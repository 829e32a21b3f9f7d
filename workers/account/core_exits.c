/* What ends positions: limits, time, a missing stop, a person. */
#include "workers/account/core_parts.h"

#include <assert.h>
#include <string.h>

/* Ask the venue to close what is open of a position. One request at a time; a refused one is asked again at
 * each END that finds a newer quote of the instrument (not every minute of a weekend), until it is flat. */
static void core_close(struct core *core, struct core_position *position, enum core_exit why)
{
    if (position->exit == EXIT_NONE) {
        position->exit = why;
        struct journal_writer writer;
        core_record_begin(core, &writer, "exit");
        core_record_instrument(core, &writer, position->instrument);
        journal_u64(&writer, "position", position->id);
        journal_text(&writer, "why", core_exit_name(why));
        core_record_end(core, &writer);
    }
    if (position->qty == 0 || position->close_intent != 0 ||
        core->market.quotes[position->instrument].time_ns < position->close_asked_ns)
        return;
    uint32_t side = position->side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;
    struct order *order = core_order_new(core, ROLE_CLOSE, position, side, ORDER_MARKET, position->qty, 0);
    position->close_intent = order->intent;
    position->close_asked_ns = core->account.cursor_ns + 1;
    struct journal_writer writer;
    core_record_begin(core, &writer, "close");
    core_record_instrument(core, &writer, position->instrument);
    journal_u64(&writer, "position", position->id);
    journal_u64(&writer, "intent", order->intent);
    journal_dec(&writer, "qty", order->qty);
    core_record_end(core, &writer);
    core_action_add(core, ACTION_BROKER)->u.request = (struct broker_request){
        .kind = BROKER_CLOSE, .instrument = order->instrument, .side = side, .type = ORDER_MARKET, .intent = order->intent,
        .position = position->id, .qty = order->qty, .time_ns = order->created_ns, .seq = core->account.cursor_seq,
    };
}

/* An entry that has not been filled is cancelled first; its fill may win the race, then it is closed. */
static void core_cancel_entry(struct core *core, struct core_position *position)
{
    struct order *entry = core_order_find(core, position->id);
    if (!entry || entry->pend != PEND_NONE || order_state_final(entry->state))
        return;
    entry->pending_intent = core->account.next_intent++;
    struct order_outcome outcome;
    order_on_event(entry, ORDER_EVENT_CANCEL_SENT, core->account.cursor_ns, &outcome);
    struct journal_writer writer;
    core_record_begin(core, &writer, "cancel");
    core_record_instrument(core, &writer, position->instrument);
    journal_u64(&writer, "intent", entry->pending_intent);
    journal_u64(&writer, "order", entry->intent);
    core_record_end(core, &writer);
    core_action_add(core, ACTION_BROKER)->u.request = (struct broker_request){
        .kind = BROKER_CANCEL, .instrument = entry->instrument, .side = entry->side, .type = entry->type,
        .intent = entry->pending_intent, .target_intent = entry->intent, .position = position->id, .qty = entry->qty,
        .time_ns = core->account.cursor_ns, .seq = core->account.cursor_seq,
    };
}

/* Money lost per lot now, for the order in which positions are closed: the fastest loser first. */
static dec_t core_floating_loss(const struct core *core, const struct core_position *position)
{
    const struct core_quote *quote = &core->market.quotes[position->instrument];
    dec_t now = position->side == SIDE_BUY ? quote->bid : quote->ask, rate, money;
    dec_t move = position->side == SIDE_BUY ? position->avg_price - now : now - position->avg_price;
    if (!core_rate(core, position->instrument, &rate) ||
        sizing_money(&core->config->instruments[position->instrument], move, position->qty, rate, DEC_ROUND_CEIL, &money) != 0)
        return 0;
    return money;
}

void core_close_all(struct core *core, enum core_exit why)
{
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        if (core->positions[i].id != 0 && core->positions[i].qty == 0)
            core_cancel_entry(core, &core->positions[i]);
    bool done[CORE_POSITIONS_MAX] = {false};
    for (uint32_t round = 0; round < CORE_POSITIONS_MAX; round++) {
        uint32_t worst = CORE_POSITIONS_MAX;
        dec_t worst_loss = 0;
        for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++) {
            if (core->positions[i].id == 0 || done[i])
                continue;
            dec_t loss = core_floating_loss(core, &core->positions[i]);
            if (worst == CORE_POSITIONS_MAX || loss > worst_loss) {
                worst = i;
                worst_loss = loss;
            }
        }
        if (worst == CORE_POSITIONS_MAX)
            return;
        done[worst] = true;
        core_close(core, &core->positions[worst], why);
    }
}

/* --- at each END --------------------------------------------------------------------------------- */

static void core_record_limits(struct core *core, const char *kind, const struct limits_verdict *verdict)
{
    struct journal_writer writer;
    core_record_begin(core, &writer, kind);
    journal_text(&writer, "refusal", refusal_name(verdict->refusal));
    if (verdict->floor < core->programme->floor_count)
        journal_text(&writer, "floor", core->programme->floors[verdict->floor].id);
    journal_dec(&writer, "level", verdict->floor_level);
    journal_dec(&writer, "equity", verdict->equity);
    journal_dec(&writer, "balance", core->account.balance);
    core_record_end(core, &writer);
}

static void core_new_day(struct core *core)
{
    struct core_account *a = &core->account;
    memset(a->refusals_today, 0, sizeof a->refusals_today);
    struct journal_writer writer;
    core_record_begin(core, &writer, "day");
    journal_time(&writer, "start", a->limits.day_start_ns);
    journal_time(&writer, "end", a->limits.day_end_ns);
    journal_dec(&writer, "balance", a->balance);
    journal_dec(&writer, "equity", a->equity);
    journal_dec(&writer, "high_water_equity", a->limits.high_water_equity);
    for (uint32_t i = 0; i < core->programme->floor_count; i++)
        journal_dec(&writer, core->programme->floors[i].id, limits_floor_level(&a->limits, core->programme, i));
    core_record_end(core, &writer);
}

void core_mark(struct core *core)
{
    struct core_account *a = &core->account;
    dec_t high;
    core_equity(core, &a->equity, &high);
    a->open_risk = 0;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        if (core->positions[i].id != 0)
            a->open_risk += core_position_risk(core, &core->positions[i]);
    struct limits_verdict verdict;
    uint32_t before = limits_refusal(&a->limits);
    limits_mark(&a->limits, core->programme, &core->config->zones[core->programme->zone], a->cursor_ns, a->balance,
                a->equity, high, &verdict);
    if (verdict.new_day)
        core_new_day(core);
    if (verdict.breached) {
        core_record_limits(core, "breach", &verdict);
        core_alert(core, "floor %s of %s breached: closing everything",
                   verdict.floor < core->programme->floor_count ? core->programme->floors[verdict.floor].id : "?",
                   core->programme->firm);
    } else if (verdict.refusal != REFUSAL_NONE && before == REFUSAL_NONE) {
        core_record_limits(core, "guard", &verdict);
        core_alert(core, "%s near: entries off, closing everything", refusal_text(verdict.refusal));
    }
    if (verdict.terminated)
        a->halted = 1;
    if (verdict.flatten)
        core_close_all(core, EXIT_LIMITS);
}

static bool core_unprotected(struct core *core, const struct core_position *position)
{
    const struct order *stop = core_order_find(core, position->stop_intent);
    bool working = stop && (stop->state == ORDER_WORKING || stop->state == ORDER_PARTIAL);
    return !working && core->account.cursor_ns - position->opened_ns > CORE_PROTECT_NS;
}

void core_exits(struct core *core)
{
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++) {
        struct core_position *position = &core->positions[i];
        if (position->id == 0 || position->qty == 0)
            continue;
        if (position->exit != EXIT_NONE) {
            core_close(core, position, (enum core_exit)position->exit);
        } else if (core->personality->time_stop_ns > 0 &&
                   core->account.cursor_ns - position->opened_ns >= core->personality->time_stop_ns) {
            core_close(core, position, EXIT_TIME);
        } else if (core_unprotected(core, position)) {
            core_alert(core, "position %llu has no working stop: closing it", (unsigned long long)position->id);
            core_close(core, position, EXIT_UNPROTECTED);
        }
    }
    if (core->account.flatten != EXIT_NONE)
        core_close_all(core, (enum core_exit)core->account.flatten);
    if (core->account.flatten != EXIT_NONE && core_working_orders(core) == 0) {
        bool any = false;
        for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
            any |= core->positions[i].id != 0;
        if (!any)
            core->account.flatten = EXIT_NONE;
    }
}

void core_on_command(struct core *core, enum core_command command, const char *user)
{
    static const char *const names[] = {[COMMAND_PAUSE] = "pause", [COMMAND_RESUME] = "resume",
                                        [COMMAND_FLATTEN] = "flatten", [COMMAND_AFTER_CRASH] = "after_crash"};
    assert((unsigned)command < sizeof names / sizeof names[0]);
    struct journal_writer writer;
    core_record_begin(core, &writer, "command");
    journal_text(&writer, "command", names[command]);
    journal_text(&writer, "user", user ? user : "");
    core_record_end(core, &writer);
    if (command == COMMAND_RESUME) {
        core->account.paused = 0;
        return;
    }
    if (command != COMMAND_AFTER_CRASH)
        core->account.paused = 1;
    if (command == COMMAND_PAUSE)
        return;
    enum core_exit why = command == COMMAND_FLATTEN ? EXIT_OPERATOR : EXIT_AFTER_CRASH;
    core->account.flatten = why;
    core_close_all(core, why);
}
