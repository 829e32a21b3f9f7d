/* What ends positions: limits, time, a missing stop, a person. */
#include "workers/account/core_parts.h"

#include <assert.h>
#include <string.h>

/* No larger than the venue's and the firm's largest order: what is left is asked for when this part is filled. */
static dec_t core_slice(const struct core *core, const struct core_position *position)
{
    const struct rules_set *set = &core->programme->rules;
    dec_t most = core->config->instruments[position->instrument].lot_max;
    for (uint32_t i = 0; i < set->exposure_count; i++) {
        const struct rules_exposure *rule = &set->exposures[i];
        if (rule->counted == RULES_LOTS_PER_ORDER && rule->instruments >> position->instrument & 1)
            most = dec_min(most, rules_exposure_limit(&core->account.rules, rule, core->account.equity));
    }
    return most > 0 ? dec_min(most, position->qty) : position->qty;
}

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
    struct order *order = core_order_new(core, ROLE_CLOSE, position, side, ORDER_MARKET, core_slice(core, position), 0);
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

/* Entries that may still fill are cancelled first; then the fastest loser is closed first. */
void core_close_all(struct core *core, enum core_exit why)
{
    struct rules_leg legs[CORE_POSITIONS_MAX];
    uint32_t slots[CORE_POSITIONS_MAX], order[CORE_POSITIONS_MAX], count = 0;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++) {
        struct core_position *position = &core->positions[i];
        if (position->id == 0)
            continue;
        core_cancel_entry(core, position);
        const struct core_quote *quote = &core->market.quotes[position->instrument];
        legs[count] = (struct rules_leg){
            .kind = RULES_LEG_POSITION, .instrument = position->instrument, .side = position->side, .opened_ns = position->opened_ns,
            .floating = position->qty > 0 ? core_floating(core, position, position->side == SIDE_BUY ? quote->bid : quote->ask) : 0,
        };
        slots[count++] = i;
    }
    struct rules_book book = {.legs = legs, .count = count, .balance = core->account.balance, .equity = core->account.equity};
    uint32_t ordered = rules_flatten_order(&book, core->account.cursor_ns, order, CORE_POSITIONS_MAX);
    for (uint32_t i = 0; i < ordered; i++)
        core_close(core, &core->positions[slots[order[i]]], why);
}

/* --- at each END --------------------------------------------------------------------------------- */

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
        } else if (core_loss_closes(core, position)) {
            core_close(core, position, EXIT_OPEN_LOSS);
        } else if (core_window_closes(core, position)) {
            if (core_gate_close(core, position, RULES_CLOSE_PROTECTIVE))
                core_close(core, position, EXIT_WINDOW);
        } else if (core->personality->time_stop_ns > 0 &&
                   core->account.cursor_ns - position->opened_ns >= core->personality->time_stop_ns) {
            if (core_gate_close(core, position, RULES_CLOSE_VOLUNTARY))
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
