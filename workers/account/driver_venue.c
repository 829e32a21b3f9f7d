/* The book against what the venue holds (orders.md 3, steps 4, 5 and 8), and a person's word on what differs.
 *
 * Nothing is traded to repair a difference: the account ends, says what differs, in alerts and in the file `differences`
 * beside its store, and names the commands. Their requests are done all together, and only when the books agree with
 * them: then they are committed with the records that say who wanted it, then released, then their files are removed.
 */
#include "workers/account/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crashpoint.h"
#include "base/error.h"
#include "base/log.h"
#include "workers/account/differences.h"

#define ALERTS_OF_DIFFERENCES_MAX 16u

void driver_ask_venue(struct driver *driver, struct core_venue *out)
{
    struct broker *broker = driver->broker;
    memset(out, 0, sizeof *out);
    int positions = broker->ops->positions(broker, out->positions, BROKER_POSITIONS_MAX);
    int orders = broker->ops->orders(broker, out->orders, BROKER_ORDERS_MAX);
    if (positions < 0 || orders < 0 || broker->ops->account(broker, &out->account) != 0)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "the venue does not say what it holds");
    out->position_count = (uint32_t)positions;
    out->order_count = (uint32_t)orders;
}

/* Reports in between are gone: a later life has passed them. What that life decided up to where the venue stands is not decided
 * again: the account goes on from there, with a market part out of the bar history. */
void driver_look_behind(struct driver *driver)
{
    struct broker_account_view venue;
    if (driver->broker->ops->account(driver->broker, &venue) != 0)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "the venue does not say how its account stands");
    driver->behind = venue.first_report > driver->core.account.venue_report + 1;
    if (!driver->behind)
        return;
    log_warning("this store knows the venue's reports up to %llu, the venue has forgotten those before %llu: an older copy",
                (unsigned long long)driver->core.account.venue_report, (unsigned long long)venue.first_report);
    if (venue.last_seq > driver->core.account.cursor_seq) {
        driver->catch_up_seq = venue.last_seq;
        driver->rebuild = true;
    }
}

/* --- what differs, in words --------------------------------------------------------------------------------- */

static void text_append(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void text_append(char *out, size_t size, const char *format, ...)
{
    size_t used = strlen(out);
    va_list args;
    va_start(args, format);
    vsnprintf(out + used, size - used, format, args);
    va_end(args);
}

/* "EURUSD buy 0.53 at 1.1056"; the venue's indices are looked at. */
static void text_append_position(const struct driver *driver, char *out, size_t size, const struct broker_position_view *view)
{
    const struct fleet_config *config = driver->child.config;
    char lots[DEC_STR_MAX], price[DEC_STR_MAX];
    dec_format(view->qty, 0, lots);
    dec_format(view->avg_price, 0, price);
    text_append(out, size, "%s %s %s at %s", view->instrument < config->instrument_count ? config->instruments[view->instrument].symbol : "?",
                view->side == SIDE_BUY ? "buy" : view->side == SIDE_SELL ? "sell" : "?", lots, view->avg_price > 0 ? price : "market");
}

static void text_append_commands(const struct driver *driver, char *out, size_t size, uint64_t position, bool adopt)
{
    const char *name = driver->core.settings->name;
    if (adopt)
        text_append(out, size, "; propfleet account adopt %s %" PRIu64 " --stop PRICE --reason TEXT, or", name, position);
    text_append(out, size, "%s propfleet account close %s %" PRIu64 " --reason TEXT", adopt ? "" : ";", name, position);
}

static void difference_balance(const struct driver *driver, const struct core_venue *venue, char *out, size_t size, bool alone)
{
    char ours[DEC_STR_MAX], theirs[DEC_STR_MAX];
    dec_format(driver->core.account.balance, 2, ours);
    dec_format(venue->account.balance + driver->core.account.transfers_total, 2, theirs);
    snprintf(out, size, "balance: the venue has %s, its book %s; ", theirs, ours);
    if (alone)
        text_append(out, size, "propfleet account adopt %s balance --reason TEXT", driver->core.settings->name);
    else
        text_append(out, size, "the venue's counts with the first adopt or close");
}

/* One line: what is where, and what may be typed. alone: there is no difference but this one. */
static void difference_text(const struct driver *driver, const struct core_venue *venue, const struct core_difference *difference,
                            bool alone, char *out, size_t size)
{
    const struct core_position *ours = &driver->core.positions[difference->ours];
    const struct broker_order_view *order = &venue->orders[difference->theirs % BROKER_ORDERS_MAX];
    const struct broker_position_view *view = &venue->positions[difference->theirs % BROKER_POSITIONS_MAX];
    struct broker_position_view other = {.instrument = ours->instrument, .side = ours->side, .qty = ours->qty, .avg_price = ours->avg_price};
    uint64_t id = difference->position;
    switch (difference->kind) {
    case CORE_FOREIGN_POSITION:
        snprintf(out, size, "the venue holds position %" PRIu64 ", which its book does not have: ", id);
        text_append_position(driver, out, size, view);
        text_append_commands(driver, out, size, id, true);
        break;
    case CORE_FOREIGN_ORDER:
        other = (struct broker_position_view){.instrument = order->instrument, .side = order->side, .qty = order->qty, .avg_price = order->price};
        snprintf(out, size, "the venue works on order %" PRIu64 ", which its book does not have: ", id);
        text_append_position(driver, out, size, &other);
        text_append_commands(driver, out, size, id, false);
        break;
    case CORE_OTHER_POSITION:
        snprintf(out, size, "position %" PRIu64 ": the venue has ", id);
        text_append_position(driver, out, size, view);
        text_append(out, size, ", its book ");
        text_append_position(driver, out, size, &other);
        text_append_commands(driver, out, size, id, true);
        break;
    case CORE_MISSING_POSITION:
        snprintf(out, size, "its book holds position %" PRIu64 ", which the venue does not have: ", id);
        text_append_position(driver, out, size, &other);
        text_append_commands(driver, out, size, id, false);
        break;
    case CORE_OTHER_BALANCE:
        difference_balance(driver, venue, out, size, alone);
        break;
    }
}

/* --- the file `differences` ------------------------------------------------------------------------------------ */

static void differences_path(const struct driver *driver, const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s/%s/%s", driver->child.config->state_dir, driver->core.settings->name, name);
}

/* Whole or not at all. What cannot be written is in the alerts too. */
static void differences_write(const struct driver *driver, const char *text)
{
    char path[CONFIG_PATH_MAX + CONFIG_NAME_MAX + 32], draft[CONFIG_PATH_MAX + CONFIG_NAME_MAX + 32];
    differences_path(driver, DIFFERENCES_FILE, path, sizeof path);
    differences_path(driver, "." DIFFERENCES_FILE, draft, sizeof draft);
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t size = strlen(text);
    bool done = fd >= 0 && write(fd, text, size) == (ssize_t)size && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (!done || rename(draft, path) != 0)
        log_warning("%s: %s", path, strerror(errno));
}

static void differences_remove(const struct driver *driver)
{
    char path[CONFIG_PATH_MAX + CONFIG_NAME_MAX + 32];
    differences_path(driver, DIFFERENCES_FILE, path, sizeof path);
    if (unlink(path) != 0 && errno != ENOENT)
        log_warning("%s: %s", path, strerror(errno));
}

/* --- what ends the account ------------------------------------------------------------------------------------- */

static void driver_tell(struct driver *driver, const char *text)
{
    log_error("%s", text);
    child_say_text(&driver->child, CONTROL_ALERT, 0, 2, text);
}

/* A request that cannot be done is told and gone, so that another may be typed. The others stay for the next start. */
static void driver_tell_refused(struct driver *driver, const struct driver_request *requests, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char name[REQUEST_WORD_MAX], text[384];
        if (!requests[i].refused)
            continue;
        request_file_name(&requests[i].request, name);
        snprintf(text, sizeof text, "what %s typed is not done (%s): %s", requests[i].request.user, name, requests[i].refused);
        driver_tell(driver, text);
        driver_request_remove(driver, &requests[i]);
    }
}

/* What was typed and can be done: when the rest is answered too. */
static void differences_waiting(const struct driver_request *requests, uint32_t count, char *out, size_t size)
{
    for (uint32_t i = 0; i < count; i++) {
        char name[REQUEST_WORD_MAX];
        request_file_name(&requests[i].request, name);
        if (!requests[i].refused)
            text_append(out, size, "what %s typed waits for the rest (%s)\n", requests[i].request.user, name);
    }
}

static _Noreturn void driver_differ(struct driver *driver, const struct core_venue *venue, const struct core_difference *list,
                                    uint32_t count, const char *waiting)
{
    static char all[DIFFERENCES_BYTES_MAX];
    const char *name = driver->core.settings->name;
    all[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        char text[384];
        difference_text(driver, venue, &list[i], count == 1, text, sizeof text);
        text_append(all, sizeof all, "%s\n", text);
        if (i < ALERTS_OF_DIFFERENCES_MAX)
            driver_tell(driver, text);
    }
    text_append(all, sizeof all, "%s", waiting);
    differences_write(driver, all);
    char first[384];
    difference_text(driver, venue, &list[0], count == 1, first, sizeof first);
    child_fatal(&driver->child, CHILD_EXIT_NEVER, "%u differences with its venue (propfleet account show %s lists them; account adopt and "
                "account close answer them): %s", count, name, first);
}

/* --- what a person wanted ---------------------------------------------------------------------------------------- */

static void driver_do(struct driver *driver, const struct core_venue *venue, struct driver_request *asked)
{
    static const enum core_command commands[] = {
        [REQUEST_ADOPT] = COMMAND_ADOPT, [REQUEST_CLOSE] = COMMAND_CLOSE_FOREIGN, [REQUEST_BALANCE] = COMMAND_BALANCE};
    const struct request *request = &asked->request;
    struct core_event event = {.kind = CORE_COMMAND,
                               .u.command = {.command = commands[request->verb], .user = request->user, .text = request->reason,
                                             .number = request->position, .venue = venue, .stop = request->stop,
                                             .target = request->target, .request = request->id}};
    asked->refused = core_command_refused(&driver->core, &event);
    core_step(&driver->core, &event);
    if (asked->refused || request->verb != REQUEST_CLOSE)
        return;
    for (uint32_t i = 0; i < CORE_POSITIONS_MAX; i++)
        if (driver->core.positions[i].id == request->position && driver->closing_count < CORE_POSITIONS_MAX)
            driver->closing[driver->closing_count++] = request->position;
}

/* Those that are in the journal go first: a life before did them. Returns how many are left. */
static uint32_t driver_drop_done(struct driver *driver, struct driver_request *requests, uint32_t count)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (driver_request_done(driver, requests[i].request.id)) {
            log_info("a request of %s was done already, by record: its file is removed", requests[i].request.user);
            driver_request_remove(driver, &requests[i]);
        } else {
            requests[left++] = requests[i];
        }
    }
    return left;
}

/* The books agree: durable first, then the venue, then the files. */
static void driver_settle_books(struct driver *driver, const struct driver_request *requests, uint32_t count)
{
    if (driver->behind) /* the market part is in the same commit: a restart does not meet an older one */
        persist_snapshot(&driver->persist, &driver->core);
    CRASHPOINT("account.adopt_before_commit");
    if (driver_flush_durably(driver) != 0)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "what was typed about its positions cannot be stored");
    CRASHPOINT("account.adopt_after_commit");
    driver_tell_refused(driver, requests, count);
    for (uint32_t i = 0; i < count; i++)
        if (!requests[i].refused) {
            log_warning("done as %s typed: %s", requests[i].request.user, requests[i].request.reason);
            driver_request_remove(driver, &requests[i]);
        }
    CRASHPOINT("account.adopt_after_remove");
    if (driver->behind)
        cell_set_durable(driver->child.cell, driver->persist.snapshot_seq);
    driver->behind = false;
}

void driver_compare(struct driver *driver)
{
    static struct core_venue venue;
    static struct driver_request requests[DRIVER_REQUESTS_MAX];
    struct core_difference differences[CORE_DIFFERENCES_MAX];
    CRASHPOINT("account.reconcile_positions");
    driver_ask_venue(driver, &venue);
    if (!driver->behind && venue.account.last_report > driver->core.account.venue_report) {
        driver->compare_due = true; /* the venue is ahead by reports that are not due yet: when they have come */
        return;
    }
    driver->compare_due = false;
    uint32_t count = driver_drop_done(driver, requests, driver_requests_read(driver, requests));
    if (driver->behind)
        core_behind(&driver->core, &venue);
    for (uint32_t i = 0; i < count; i++)
        driver_do(driver, &venue, &requests[i]);
    uint32_t differ = core_compare(&driver->core, &venue, differences);
    if (differ > 0) {
        char waiting[DRIVER_REQUESTS_MAX * 128] = "";
        differences_waiting(requests, count, waiting, sizeof waiting);
        driver_tell_refused(driver, requests, count);
        driver_differ(driver, &venue, differences, differ, waiting);
    }
    if (count > 0 || driver->behind)
        driver_settle_books(driver, requests, count);
    differences_remove(driver);
}

void driver_compare_again(struct driver *driver)
{
    struct broker_account_view venue;
    if (driver->store_failing || driver->broker->ops->account(driver->broker, &venue) != 0)
        return;
    if (venue.last_report == driver->core.account.venue_report)
        driver_compare(driver);
}

/* Closed by its reports: is it gone at the venue too? */
void driver_closing_check(struct driver *driver)
{
    static struct core_venue venue;
    uint32_t left = 0;
    driver_ask_venue(driver, &venue);
    for (uint32_t i = 0; i < driver->closing_count; i++) {
        uint64_t id = driver->closing[i];
        bool open = false, there = false;
        for (uint32_t p = 0; p < CORE_POSITIONS_MAX; p++)
            open |= driver->core.positions[p].id == id;
        for (uint32_t p = 0; p < venue.position_count; p++)
            there |= venue.positions[p].position == id;
        if (open) {
            driver->closing[left++] = id;
            continue;
        }
        char text[128];
        snprintf(text, sizeof text, there ? "position %" PRIu64 " was reported closed, and the venue still holds it: look there"
                                          : "position %" PRIu64 " is closed: the venue confirms that it is flat", id);
        log_warning("%s", text);
        child_say_text(&driver->child, CONTROL_ALERT, 0, there ? 2 : 0, text);
    }
    driver->closing_count = left;
}
