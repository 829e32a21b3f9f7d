/* What the supervisor and, through it, a person ask of the account; and what its cell shows. */
#include "workers/account/driver.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/tz.h"

/* --- status cell ------------------------------------------------------------------------------------ */

void driver_publish(struct driver *driver)
{
    const struct core *core = &driver->core;
    const struct core_account *account = &core->account;
    struct cell_payload *status = &driver->child.status;
    status->market_time_ns = account->cursor_ns;
    status->account_state = core_state(core);
    status->balance = account->balance;
    status->equity = account->equity;
    status->day_pnl = account->rules.days[0].end_ns != 0 ? account->equity - account->rules.days[0].equity : 0;
    status->open_risk = account->open_risk;
    status->positions = core_open_positions(core);
    status->orders_working = core_working_orders(core);
    status->signals = account->signals;
    status->entries_filled = account->entries_filled;
    status->trades = account->trades;
    status->proposals = account->proposals;
    status->granted = account->granted;
    status->refused = account->refused;
    status->journal_seq = account->jseq;
    status->last_refusal_code = account->last_refusal;
    int64_t now = driver->clock.mono_ns(&driver->clock);
    status->record_late_ns = peak_read(&driver->record_late, now);
    status->permit_wait_ns = peak_read(&driver->permit_wait, now);
    static_assert(sizeof status->refusals_by_code >= sizeof account->refusals, "every refusal has its counter");
    memcpy(status->refusals_by_code, account->refusals, sizeof account->refusals);
    uint32_t refusal = core_refusal(core);
    snprintf(status->text, sizeof status->text, "%s", refusal == REFUSAL_NONE ? "" : refusal_text(refusal));
    child_publish(&driver->child);
}

/* --- operator's commands ------------------------------------------------------------------------------ */

static void driver_result(struct driver *driver, uint64_t id, int64_t value, const char *text)
{
    child_say_text(&driver->child, CONTROL_RESULT, id, value, text);
}

static void driver_command(struct driver *driver, enum core_command command, const char *user)
{
    struct core_event event = {.kind = CORE_COMMAND, .u.command = {.command = command, .user = user}};
    core_step(&driver->core, &event);
    driver_flush(driver);
    driver_publish(driver);
}

struct text_buffer {
    char text[CONTROL_PAYLOAD_MAX];
    size_t used;
};
static void __attribute__((format(printf, 2, 3))) text_add(struct text_buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(buffer->text + buffer->used, sizeof buffer->text - buffer->used, format, args);
    va_end(args);
    if (n > 0)
        buffer->used += (size_t)n < sizeof buffer->text - buffer->used ? (size_t)n : sizeof buffer->text - buffer->used - 1;
}

static void text_add_time(struct text_buffer *buffer, int64_t time_ns)
{
    int year, month, day;
    int64_t seconds = time_ns / CLOCK_NS_PER_S;
    tz_civil_from_days(seconds / 86400, &year, &month, &day);
    text_add(buffer, "%04d-%02d-%02d %02d:%02d:%02d UTC", year, month, day, (int)(seconds % 86400 / 3600),
             (int)(seconds % 3600 / 60), (int)(seconds % 60));
}

static void why_floors(const struct core *core, struct text_buffer *out)
{
    const struct rules_state *rules = &core->account.rules;
    const struct rules_set *set = &core->programme->rules;
    text_add(out, "guard: %s, flatten buffer ", rules_guard_name(rules->guard));
    char text[DEC_STR_MAX];
    dec_format(core->account.flat_buffer, 2, text);
    text_add(out, "%s\n", text);
    for (uint32_t i = 0; i < set->floor_count; i++) {
        dec_t level = rules_floor_level(rules, set, i);
        char floor[DEC_STR_MAX], room[DEC_STR_MAX];
        dec_t cents = 0;
        (void)dec_round_step(level, DEC_ONE / 100, DEC_ROUND_CEIL, &cents);
        dec_format(cents, 2, floor);
        (void)dec_round_step(core->account.equity - level, DEC_ONE / 100, DEC_ROUND_FLOOR, &cents);
        dec_format(cents, 2, room);
        text_add(out, "floor %s: %s, room %s%s\n", set->floors[i].head.id, floor, room,
                 rules->latches[i].latch != RULES_LATCH_NONE ? ", BREACHED" : "");
    }
}

/* What it would do now, which rule stops it, what it refused today, and when that ends. */
static void driver_why(struct driver *driver, uint64_t id)
{
    static const char *const states[] = {[ACCOUNT_ACTIVE] = "ACTIVE", [ACCOUNT_REDUCING] = "REDUCING", [ACCOUNT_HALTED] = "HALTED"};
    static const char *const phases[] = {"waiting for market data", "catching up", "following the market", "waiting for permits",
                                         "at the end of the data"};
    const struct core *core = &driver->core;
    const struct core_account *account = &core->account;
    struct text_buffer out = {.used = 0};
    uint32_t refusal = core_refusal(core);
    text_add(&out, "%s: %s, %s; SIMULATED fills (paper); market time ", core->settings->name, states[core_state(core)], phases[driver->phase]);
    text_add_time(&out, account->cursor_ns);
    text_add(&out, "\n");
    char windows[1024];
    uint32_t shut = core_windows_text(core, windows, sizeof windows);
    if (refusal == REFUSAL_NONE && shut > 0 && shut == (uint32_t)__builtin_popcount(core->personality->instruments))
        text_add(&out, "it takes no new risk now: %s\n", refusal_text(REFUSAL_TIME_WINDOW));
    else if (refusal == REFUSAL_NONE)
        text_add(&out, "it would take the next signal of %s on %s that has a permit\n", core->personality->name,
                 timeframe_name((enum market_timeframe)core->personality->timeframe));
    else
        text_add(&out, "it takes no new risk: %s\n", refusal_text(refusal));
    bool until_boundary = refusal == REFUSAL_DAILY_LOSS;
    if (refusal != REFUSAL_NONE && account->halted)
        text_add(&out, "this does not end: the firm's floor was breached\n");
    else if (refusal != REFUSAL_NONE && until_boundary) {
        text_add(&out, "this ends with the firm's day at ");
        text_add_time(&out, account->rules.days[0].end_ns);
        text_add(&out, "\n");
    } else if (refusal == REFUSAL_PAUSED)
        text_add(&out, "this ends with: propfleet account resume %s\n", core->settings->name);
    text_add(&out, "%s", windows);
    why_floors(core, &out);
    text_add(&out, "open: %u positions, %u orders\n", core_open_positions(core), core_working_orders(core));
    for (uint32_t i = 1; i < REFUSAL_COUNT; i++)
        if (account->refusals_today[i] != 0)
            text_add(&out, "refused today: %llu x %s\n", (unsigned long long)account->refusals_today[i], refusal_text(i));
    driver_result(driver, id, 0, out.text);
}

void driver_flatten_check(struct driver *driver)
{
    struct broker_position_view views[BROKER_POSITIONS_MAX];
    bool pending = driver->core.account.flatten != EXIT_NONE;
    int at_venue = driver->broker->ops->positions(driver->broker, views, BROKER_POSITIONS_MAX);
    if (!pending && at_venue == 0) {
        driver_result(driver, driver->flatten_command, 0, "flat: the venue confirms it\n");
        driver->flatten_command = 0;
    } else if (driver->phase == PHASE_ENDED) {
        driver_result(driver, driver->flatten_command, EAGAIN,
                      "not flat: the market data have ended, nothing can be closed any more\n");
        driver->flatten_command = 0;
    }
}

static void driver_flatten(struct driver *driver, uint64_t id, const char *user)
{
    if (driver->flatten_command != 0) {
        driver_result(driver, id, EBUSY, "a flatten is under way\n");
        return;
    }
    driver_command(driver, COMMAND_FLATTEN, user);
    driver->flatten_command = id;
    if (core_open_positions(&driver->core) == 0 && core_working_orders(&driver->core) == 0)
        driver->core.account.flatten = EXIT_NONE; /* there was nothing to close */
    driver_flatten_check(driver);
}

/* --- acts of a person that change what the rules see ----------------------------------------------------- */

static void driver_floors_after(struct driver *driver, uint64_t id, dec_t amount)
{
    const struct core *core = &driver->core;
    const struct rules_set *set = &core->programme->rules;
    struct text_buffer out = {.used = 0};
    char text[DEC_STR_MAX], room[DEC_STR_MAX];
    dec_format(core->account.balance + amount, 2, text);
    text_add(&out, "balance after it: %s\n", text);
    for (uint32_t i = 0; i < set->floor_count; i++) {
        dec_t level = core_floor_after(core, i, amount);
        dec_format(level, 2, text);
        dec_format(core->account.equity + amount - level, 2, room);
        text_add(&out, "floor %s: %s, room %s\n", set->floors[i].head.id, text, room);
    }
    driver_result(driver, id, 0, out.text);
}

static bool driver_floor_index(const struct driver *driver, const char *id, uint64_t *out)
{
    const struct rules_set *set = &driver->core.programme->rules;
    for (uint32_t i = 0; i < set->floor_count; i++)
        if (strcmp(set->floors[i].head.id, id) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static bool driver_amount(const char *text, dec_t *out) { return text[0] != '\0' && dec_parse(text, strlen(text), out) == 0; }

bool driver_marks(const char *text, struct core_marks *out)
{
    static const struct { const char *name; size_t offset; } fields[] = {
        {"high_balance", offsetof(struct core_marks, high_balance)}, {"high_equity", offsetof(struct core_marks, high_equity)},
        {"day_balance", offsetof(struct core_marks, day_balance)},   {"day_equity", offsetof(struct core_marks, day_equity)},
        {"eod_balance", offsetof(struct core_marks, eod_balance)},
    };
    *out = (struct core_marks){DEC_NONE, DEC_NONE, DEC_NONE, DEC_NONE, DEC_NONE};
    while (*text) {
        size_t length = strcspn(text, ","), name = strcspn(text, "="), i = 0;
        dec_t value;
        if (name >= length || dec_parse(text + name + 1, length - name - 1, &value) != 0)
            return false;
        while (i < sizeof fields / sizeof fields[0] &&
               (strlen(fields[i].name) != name || strncmp(fields[i].name, text, name) != 0))
            i++;
        if (i == sizeof fields / sizeof fields[0])
            return false;
        memcpy((char *)out + fields[i].offset, &value, sizeof value);
        text += length + (text[length] == ',');
    }
    return true;
}

/* 0: done or refused, and answered. `rest` is what follows the user. */
static void driver_act(struct driver *driver, uint64_t id, const char *verb, const char *user, char *rest)
{
    char word[256] = "", second[64] = "";
    (void)sscanf(rest, "%255s %63s", word, second);
    struct core_marks marks;
    struct core_event event = {.kind = CORE_COMMAND, .u.command = {.user = user}};
    bool good = true, preview = strcmp(second, "preview") == 0;
    if (strcmp(verb, "unlock") == 0) {
        event.u.command.command = COMMAND_UNLOCK;
        event.u.command.text = rest;
    } else if (strcmp(verb, "payout") == 0 || strcmp(verb, "deposit") == 0) {
        event.u.command.command = verb[0] == 'p' ? COMMAND_PAYOUT : COMMAND_DEPOSIT;
        good = driver_amount(word, &event.u.command.amount);
    } else if (strcmp(verb, "floor") == 0) {
        event.u.command.command = COMMAND_FLOOR;
        event.u.command.amount = DEC_NONE;
        good = driver_floor_index(driver, word, &event.u.command.number) &&
               (strcmp(second, "none") == 0 || driver_amount(second, &event.u.command.amount));
    } else if (strcmp(verb, "marks") == 0) {
        event.u.command.command = COMMAND_MARKS;
        event.u.command.marks = &marks;
        good = word[0] != '\0' && driver_marks(word, &marks);
    } else {
        event.u.command.command = COMMAND_CLOSE;
        char *end = word;
        event.u.command.number = strtoull(word, &end, 10);
        good = end != word && *end == '\0';
        rest += strcspn(rest, " ");
        event.u.command.text = *rest ? rest + 1 : NULL;
        preview = false;
    }
    const char *refused = good ? core_command_refused(&driver->core, &event) : "what follows is not as the command wants it";
    if (refused) {
        char text[160];
        snprintf(text, sizeof text, "%s\n", refused);
        driver_result(driver, id, EINVAL, text);
        return;
    }
    dec_t amount = event.u.command.command == COMMAND_PAYOUT ? -event.u.command.amount : event.u.command.amount;
    if (!preview) {
        core_step(&driver->core, &event);
        driver_flush(driver);
        driver_publish(driver);
        amount = 0;
    }
    if (event.u.command.command == COMMAND_CLOSE)
        driver_result(driver, id, 0, "asked to close\n");
    else
        driver_floors_after(driver, id, event.u.command.command == COMMAND_PAYOUT || event.u.command.command == COMMAND_DEPOSIT ? amount : 0);
}

/* payload: "verb user arguments" */
static void driver_operator(struct driver *driver, const struct control_message *message)
{
    static const char *const acts[] = {"unlock", "payout", "deposit", "floor", "marks", "close"};
    char verb[32] = "", user[64] = "operator";
    char text[CONTROL_PAYLOAD_MAX + 1];
    int rest = 0;
    memcpy(text, message->payload, message->payload_size);
    text[message->payload_size] = '\0';
    if (sscanf(text, "%31s %63s %n", verb, user, &rest) < 2)
        rest = (int)message->payload_size;
    bool act = false;
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        act |= strcmp(verb, acts[i]) == 0;
    if (driver->phase <= PHASE_CATCH_UP && strcmp(verb, "why") != 0) {
        driver_result(driver, message->argument, EAGAIN, "not ready: it is reconciling\n");
    } else if (act) {
        driver_act(driver, message->argument, verb, user, text + rest);
    } else if (strcmp(verb, "pause") == 0) {
        driver_command(driver, COMMAND_PAUSE, user);
        driver_result(driver, message->argument, 0, "paused: no entries; exits and stops go on\n");
    } else if (strcmp(verb, "resume") == 0) {
        clock_watch_confirm(&driver->clock_watch, &driver->clock);
        driver->clock_alarmed = false;
        driver_command(driver, COMMAND_RESUME, user);
        driver_result(driver, message->argument, 0, "resumed\n");
    } else if (strcmp(verb, "flatten") == 0) {
        driver_flatten(driver, message->argument, user);
    } else if (strcmp(verb, "why") == 0) {
        driver_why(driver, message->argument);
    } else {
        driver_result(driver, message->argument, EINVAL, "unknown command; pause, resume, flatten, why, unlock, payout, deposit, floor, marks, close\n");
    }
}

/* --- control channel ------------------------------------------------------------------------------------ */

static void driver_peer(struct driver *driver, const struct control_message *message)
{
    struct control_peer peer;
    if (message->payload_size != sizeof peer)
        return;
    memcpy(&peer, message->payload, sizeof peer);
    if (peer.kind != PROCESS_COORDINATOR)
        return;
    driver->coordinator_gone = !peer.wanted;
    if (driver->coordinator_gone)
        log_warning("there is no coordinator any more: no entries");
    else if (peer.alive && driver->phase > PHASE_CATCH_UP)
        driver_client_reset(driver);
}

/* Positions keep their stops at the venue; what was proposed and not answered is asked again after the next start. */
static void driver_stop(struct driver *driver)
{
    driver->run.clean = 1;
    driver->run.ended_wall_ns = driver->clock.wall_ns(&driver->clock);
    store_put(driver->store, TABLE_RUNS, driver->child.generation, &driver->run, sizeof driver->run);
    if (driver->phase > PHASE_CATCH_UP)
        driver_snapshot(driver);
    driver_publish(driver);
    driver->stopping = true;
}

void driver_control(struct driver *driver)
{
    struct control_message message;
    while (child_handle(&driver->child, &message) == 1) {
        switch (message.type) {
        case CONTROL_SEGMENT:
            driver_attach(driver, &message);
            break;
        case CONTROL_PEER:
            driver_peer(driver, &message);
            break;
        case CONTROL_COMMAND:
            driver_operator(driver, &message);
            break;
        case CONTROL_STOP:
            driver_stop(driver);
            break;
        default:
            break; /* CONFIG: a change that concerns this account restarts it */
        }
        control_close_fds(&message);
    }
}
