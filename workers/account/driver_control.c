/* What the supervisor and, through it, a person ask of the account; and what its cell shows. */
#include "workers/account/driver.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
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
    status->day_pnl = account->limits.day_end_ns != 0 ? account->equity - account->limits.day_start_equity : 0;
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
    const struct limits_state *limits = &core->account.limits;
    for (uint32_t i = 0; i < core->programme->floor_count; i++) {
        dec_t level = limits_floor_level(limits, core->programme, i);
        char floor[DEC_STR_MAX], room[DEC_STR_MAX];
        dec_format(level, 2, floor);
        dec_format(core->account.equity - level, 2, room);
        text_add(out, "floor %s: %s, room %s%s\n", core->programme->floors[i].id, floor, room,
                 limits->floors[i].latched ? ", BREACHED" : "");
    }
}

/* What it would do now, which rule stops it, what it refused today, and when that ends. */
static void driver_why(struct driver *driver, uint64_t id)
{
    static const char *const states[] = {[ACCOUNT_ACTIVE] = "ACTIVE", [ACCOUNT_REDUCING] = "REDUCING", [ACCOUNT_HALTED] = "HALTED"};
    static const char *const phases[] = {"waiting for market data", "catching up", "trading", "waiting for permits",
                                         "at the end of the data"};
    const struct core *core = &driver->core;
    const struct core_account *account = &core->account;
    struct text_buffer out = {.used = 0};
    uint32_t refusal = core_refusal(core);
    text_add(&out, "%s: %s, %s; market time ", core->settings->name, states[core_state(core)], phases[driver->phase]);
    text_add_time(&out, account->cursor_ns);
    text_add(&out, "\n");
    if (refusal == REFUSAL_NONE)
        text_add(&out, "it would take the next signal of %s on %s that has a permit\n", core->personality->name,
                 timeframe_name((enum market_timeframe)core->personality->timeframe));
    else
        text_add(&out, "it takes no new risk: %s\n", refusal_text(refusal));
    bool until_boundary = account->limits.guard_latched || refusal == REFUSAL_DAILY_LOSS;
    if (refusal != REFUSAL_NONE && account->halted)
        text_add(&out, "this does not end: the firm's floor was breached\n");
    else if (refusal != REFUSAL_NONE && until_boundary) {
        text_add(&out, "this ends with the firm's day at ");
        text_add_time(&out, account->limits.day_end_ns);
        text_add(&out, "\n");
    } else if (refusal == REFUSAL_PAUSED)
        text_add(&out, "this ends with: propfleet account resume %s\n", core->settings->name);
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

/* payload: "verb user" */
static void driver_operator(struct driver *driver, const struct control_message *message)
{
    char verb[32] = "", user[64] = "operator";
    char text[CONTROL_PAYLOAD_MAX + 1];
    memcpy(text, message->payload, message->payload_size);
    text[message->payload_size] = '\0';
    (void)sscanf(text, "%31s %63s", verb, user);
    if (driver->phase <= PHASE_CATCH_UP && strcmp(verb, "why") != 0) {
        driver_result(driver, message->argument, EAGAIN, "not ready: it is reconciling\n");
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
        driver_result(driver, message->argument, EINVAL, "unknown command; pause, resume, flatten, why\n");
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
