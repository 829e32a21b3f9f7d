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
void core_close(struct core *core, struct core_position *position, enum core_exit why)
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
void core_cancel_entry(struct core *core, struct core_position *position)
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

/* A stop that was placed by itself, for a position that was taken in, can be there no sooner than the venue sees a quote. */
static bool core_unprotected(struct core *core, const struct core_position *position)
{
    const struct order *stop = core_order_find(core, position->stop_intent);
    int64_t since = position->opened_ns;
    if (stop && (stop->state == ORDER_WORKING || stop->state == ORDER_PARTIAL))
        return false;
    if (stop && stop->created_ns > since) {
        since = stop->created_ns;
        if (core->market.quotes[position->instrument].time_ns <= since)
            return false;
    }
    return core->account.cursor_ns - since > CORE_PROTECT_NS;
}

void core_exits(struct core *core)
{
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++) {
        struct core_position *position = &core->positions[i];
        if (position->id == 0 || position->qty == 0)
            continue;
        if (position->exit != EXIT_NONE) {
            core_close(core, position, (enum core_exit)position->exit);
        } else if (core->account.passed) {
            core_close(core, position, EXIT_TARGET_REACHED);
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

/* --- a person ------------------------------------------------------------------------------------- */

const char *core_command_refused(const struct core *core, const struct core_event *event)
{
    const struct rules_set *set = &core->programme->rules;
    const struct rules_state *rules = &core->account.rules;
    dec_t amount = event->u.command.amount, balance;
    switch (event->u.command.command) {
    case COMMAND_UNLOCK:
        for (uint32_t i = 0; i < set->floor_count; i++)
            if (rules->latches[i].latch == RULES_LATCH_TERMINATE)
                return "a floor that ends the account was breached: the firm closed it, nothing unlocks it";
        if (rules->guard != RULES_GUARD_LOCKED)
            return "it is not locked";
        return event->u.command.text && event->u.command.text[0] ? NULL : "a reason is needed";
    case COMMAND_PAYOUT:
    case COMMAND_DEPOSIT:
        if (amount <= 0)
            return "an amount above zero is needed";
        if (event->u.command.command == COMMAND_PAYOUT && core_open_positions(core) > 0)
            return "a payout is booked when the account is flat; flatten it first";
        return dec_add(core->account.balance, amount, &balance) == 0 ? NULL : "an amount that no account has";
    case COMMAND_FLOOR:
        return event->u.command.number < set->floor_count ? NULL : "the programme has no such floor";
    case COMMAND_CLOSE:
        for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
            if (core->positions[i].id != 0 && core->positions[i].id == event->u.command.number)
                return NULL;
        return "it has no such position";
    case COMMAND_MARKS:
        return event->u.command.marks ? NULL : "marks are needed";
    case COMMAND_ADOPT:
    case COMMAND_CLOSE_FOREIGN:
    case COMMAND_BALANCE:
        return core_venue_refused(core, event);
    case COMMAND_PHASE:
        return core_open_positions(core) > 0 || core_working_orders(core) > 0 ? "it is not flat" : NULL;
    default:
        return NULL;
    }
}

static void core_transfer(struct core *core, dec_t amount)
{
    struct core_account *a = &core->account;
    a->balance += amount;
    a->equity += amount;
    a->transfers_total += amount;
    if (amount < 0)
        rules_payout(&a->rules, &core->programme->rules, a->cursor_ns, a->balance, a->equity);
    else
        rules_deposit(&a->rules, &core->programme->rules, a->cursor_ns, a->balance, a->equity);
}

dec_t core_floor_after(const struct core *core, uint32_t floor, dec_t amount)
{
    struct rules_state state = core->account.rules;
    const struct rules_set *set = &core->programme->rules;
    dec_t balance = core->account.balance + amount, equity = core->account.equity + amount;
    if (amount < 0)
        rules_payout(&state, set, core->account.cursor_ns, balance, equity);
    else
        rules_deposit(&state, set, core->account.cursor_ns, balance, equity);
    return rules_floor_level(&state, set, floor);
}

/* What a person knows from the firm: higher marks only make floors higher, lower ones are taken as they are typed. */
static void core_set_marks(struct core *core, const struct core_marks *marks)
{
    struct rules_state *rules = &core->account.rules;
    if (marks->high_balance != DEC_NONE)
        rules->high_balance = marks->high_balance;
    if (marks->high_equity != DEC_NONE)
        rules->high_equity = marks->high_equity;
    for (uint32_t i = 0; i < core->programme->rules.day_count; i++) {
        struct rules_day_marks *day = &rules->days[i];
        if (marks->day_balance != DEC_NONE)
            day->balance = marks->day_balance;
        if (marks->day_equity != DEC_NONE)
            day->equity = day->peak_equity = marks->day_equity;
        if (marks->eod_balance != DEC_NONE)
            day->run_balance = day->run_max = marks->eod_balance;
    }
}

/* What the firm's dashboard shows: the higher rules from now on, a difference of more than a cent is an alarm. */
static void core_firm_floor(struct core *core, uint32_t floor, dec_t amount)
{
    struct rules_state *rules = &core->account.rules;
    const struct rules_set *set = &core->programme->rules;
    char ours[DEC_STR_MAX], theirs[DEC_STR_MAX];
    rules->firm_floor[floor] = DEC_NONE;
    dec_t level = rules_floor_level(rules, set, floor), effective;
    rules->firm_floor[floor] = amount;
    if (amount == DEC_NONE || !rules_reconcile_floor(level, amount, DEC_ONE / 100, &effective))
        return;
    dec_format(level, 2, ours);
    dec_format(amount, 2, theirs);
    core_alert(core, "floor %s: the firm shows %s, we reckon %s; the higher rules", set->floors[floor].head.id, theirs, ours);
}

/* The firm gives a new account, of the size that the configuration says; what was earned stays with the old one. */
static void core_begin_phase(struct core *core)
{
    struct core_account *a = &core->account;
    dec_t initial = core->settings->initial_balance;
    a->transfers_total += initial - a->balance;
    a->balance = a->equity = initial;
    a->halted = a->passed = a->losing_streak = 0;
    core_phase_name(core, a->phase);
    rules_init(&a->rules, &core->programme->rules, initial);
}

static void core_apply_command(struct core *core, const struct core_event *event)
{
    struct core_account *a = &core->account;
    switch (event->u.command.command) {
    case COMMAND_PAUSE:
        a->paused = 1;
        break;
    case COMMAND_RESUME:
        a->paused = 0;
        break;
    case COMMAND_FLATTEN:
        a->paused = 1;
        a->flatten = EXIT_OPERATOR;
        core_close_all(core, EXIT_OPERATOR);
        break;
    case COMMAND_AFTER_CRASH:
        a->flatten = EXIT_AFTER_CRASH;
        core_close_all(core, EXIT_AFTER_CRASH);
        break;
    case COMMAND_UNLOCK:
        rules_unlock(&a->rules, a->cursor_ns);
        a->halted = 0;
        break;
    case COMMAND_PAYOUT:
        core_transfer(core, -event->u.command.amount);
        break;
    case COMMAND_DEPOSIT:
        core_transfer(core, event->u.command.amount);
        break;
    case COMMAND_FLOOR:
        core_firm_floor(core, (uint32_t)event->u.command.number, event->u.command.amount);
        break;
    case COMMAND_MARKS:
        core_set_marks(core, event->u.command.marks);
        break;
    case COMMAND_PHASE:
        core_begin_phase(core);
        break;
    case COMMAND_CLOSE:
        core_close(core, core_position_find(core, event->u.command.number), EXIT_OPERATOR);
        break;
    case COMMAND_ADOPT:
    case COMMAND_CLOSE_FOREIGN:
    case COMMAND_BALANCE:
        core_venue_apply(core, event);
        break;
    case COMMAND_COUNT:
        break;
    }
}

static void core_record_command(struct core *core, const struct core_event *event, const char *refused)
{
    static const char *const names[COMMAND_COUNT] = {
        [COMMAND_PAUSE] = "pause",   [COMMAND_RESUME] = "resume",   [COMMAND_FLATTEN] = "flatten", [COMMAND_AFTER_CRASH] = "after_crash",
        [COMMAND_UNLOCK] = "unlock", [COMMAND_PAYOUT] = "payout",   [COMMAND_DEPOSIT] = "deposit", [COMMAND_FLOOR] = "floor",
        [COMMAND_MARKS] = "marks",   [COMMAND_CLOSE] = "close", [COMMAND_PHASE] = "phase",
        [COMMAND_ADOPT] = "adopt",   [COMMAND_CLOSE_FOREIGN] = "close", [COMMAND_BALANCE] = "balance",
    };
    enum core_command command = event->u.command.command;
    const struct rules_set *set = &core->programme->rules;
    struct journal_writer writer;
    core_record_begin(core, &writer, "command");
    journal_text(&writer, "command", names[command]);
    journal_text(&writer, "user", event->u.command.user ? event->u.command.user : "");
    if (event->u.command.text)
        journal_text(&writer, "reason", event->u.command.text);
    if (command == COMMAND_PAYOUT || command == COMMAND_DEPOSIT)
        journal_dec(&writer, "amount", event->u.command.amount);
    if (command == COMMAND_CLOSE)
        journal_u64(&writer, "position", event->u.command.number);
    if (command == COMMAND_ADOPT || command == COMMAND_CLOSE_FOREIGN || command == COMMAND_BALANCE)
        core_venue_record(core, event, &writer);
    if (command == COMMAND_PHASE) {
        char phase[3 * CONFIG_NAME_MAX];
        core_phase_name(core, phase);
        journal_text(&writer, "from", core->account.phase);
        journal_text(&writer, "to", phase);
        journal_dec(&writer, "balance", core->account.balance);
    }
    if (command == COMMAND_FLOOR && event->u.command.number < set->floor_count) {
        journal_text(&writer, "floor", set->floors[event->u.command.number].head.id);
        journal_dec(&writer, "amount", event->u.command.amount);
    }
    if (command == COMMAND_MARKS && event->u.command.marks) {
        const struct core_marks *marks = event->u.command.marks;
        journal_dec(&writer, "high_balance", marks->high_balance);
        journal_dec(&writer, "high_equity", marks->high_equity);
        journal_dec(&writer, "day_balance", marks->day_balance);
        journal_dec(&writer, "day_equity", marks->day_equity);
        journal_dec(&writer, "eod_balance", marks->eod_balance);
    }
    if (refused)
        journal_text(&writer, "refused", refused);
    core_record_end(core, &writer);
}

void core_on_command(struct core *core, const struct core_event *event)
{
    assert((unsigned)event->u.command.command < COMMAND_COUNT);
    const char *refused = core_command_refused(core, event);
    core_record_command(core, event, refused);
    if (!refused)
        core_apply_command(core, event);
}
