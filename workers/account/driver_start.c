/* From a state folder to READY: open, claim, attach, replay, reconcile with the venue. */
#include "workers/account/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crashpoint.h"
#include "base/error.h"
#include "base/log.h"
#include "shm/segment.h"
#include "workers/broker/paper.h"

#define SNAPSHOT_RECORDS_MAX 4096u
#define REBUILD_BARS_MAX 1024u

/* --- open ------------------------------------------------------------------------------------------ */

static void driver_fail_open(struct driver *driver, int rc, const struct error *err)
{
    /* A folder that another process holds, a full disk: later. Rows of another version: never. */
    bool never = rc == -EPROTO || rc == -EINVAL || rc == -ENAMETOOLONG;
    child_fatal(&driver->child, never ? CHILD_EXIT_NEVER : CHILD_EXIT_TRY_LATER, "%s", err->text);
}

static void driver_open_store(struct driver *driver, const char *folder, const char *name, const char *kind,
                              const char *const *tables, uint32_t table_count, bool journal, struct store **out)
{
    char path[CONFIG_PATH_MAX * 2];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const struct config_store *settings = &driver->child.config->store;
    struct store_options options = {
        .folder = path, .kind = kind, .tables = tables, .table_count = table_count, .journal = journal,
        .journal_months = settings->journal_months, .map_bytes = settings->map_bytes, .reserve_bytes = settings->reserve_bytes,
    };
    struct error err = {0};
    int rc = store_open(&options, out, &err);
    if (rc != 0)
        driver_fail_open(driver, rc, &err);
}

static int driver_last_run(void *context, uint64_t generation, const void *data, size_t size)
{
    (void)generation;
    if (size == sizeof(struct account_run))
        memcpy(context, data, size);
    return 0;
}

static void driver_begin_run(struct driver *driver)
{
    struct account_run last = {.clean = 1};
    uint64_t from = driver->child.generation > 64 ? driver->child.generation - 64 : 0;
    (void)store_scan(driver->store, TABLE_RUNS, from, 128, driver_last_run, &last);
    driver->run = (struct account_run){.started_wall_ns = driver->clock.wall_ns(&driver->clock),
                                       .cursor_seq = driver->core.account.cursor_seq, .after_crash = !last.clean};
    memcpy(driver->run.tzdata, driver->child.config->tzdata_version, sizeof driver->run.tzdata);
}

static void driver_save_run(struct driver *driver)
{
    store_put(driver->store, TABLE_RUNS, driver->child.generation, &driver->run, sizeof driver->run);
}

/* A venue with a history and a store without one: what the firm's rules count from (highest balance, the day's start) is lost.
 * The account does not trade until a person has typed it; what the venue holds of it is found when the books are compared. */
static void driver_lost_marks(struct driver *driver, const char *folder)
{
    static struct core_venue venue;
    const char *name = driver->core.settings->name;
    driver_ask_venue(driver, &venue);
    if (venue.account.last_report == 0)
        return;
    char path[CONFIG_PATH_MAX + CONFIG_NAME_MAX + 16], text[512] = "";
    snprintf(path, sizeof path, "%s/marks", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    struct core_marks marks;
    if (size <= 0 || !driver_marks(text, &marks))
        child_fatal(&driver->child, CHILD_EXIT_NEVER, "its store is new but its venue has a history: the marks that the firm's rules count "
                    "from are lost; put the store back, or give them: propfleet account marks %s --initialise --set ...", name);
    struct core_account *account = &driver->core.account;
    account->balance = account->equity = venue.account.balance;
    account->venue_report = venue.account.last_report;
    account->next_intent = core_intent_beyond(&venue);
    struct core_event event = {.kind = CORE_COMMAND, .u.command = {.command = COMMAND_MARKS, .user = "marks-file", .marks = &marks}};
    core_step(&driver->core, &event);
    log_warning("marks taken from %s: balance %lld", path, (long long)(venue.account.balance / DEC_ONE));
    driver->marks_path_used = true;
}

void driver_open(struct driver *driver)
{
    const struct fleet_config *config = driver->child.config;
    const struct config_account *settings = driver->core.settings;
    struct error err = {0};
    char folder[CONFIG_PATH_MAX + CONFIG_NAME_MAX + 2];
    snprintf(folder, sizeof folder, "%s/%s", config->state_dir, settings->name);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "%s: %s", folder, strerror(errno));
    int rc = store_lock(folder, &err);
    if (rc < 0)
        driver_fail_open(driver, rc, &err);
    driver_open_store(driver, folder, ACCOUNT_STORE_FOLDER, ACCOUNT_STORE_KIND, account_tables, TABLE_COUNT, true, &driver->store);
    driver_open_store(driver, folder, ACCOUNT_PAPER_FOLDER, ACCOUNT_PAPER_KIND, paper_tables, paper_table_count, false,
                      &driver->paper_store);

    bool market_good;
    rc = persist_load(&driver->persist, driver->store, &driver->core, &driver->fresh, &market_good, &err);
    if (rc != 0)
        driver_fail_open(driver, rc, &err);
    enum store_sync sync = settings->durability == DURABILITY_POWER ? STORE_POWER : STORE_CRASH;
    rc = paper_open(config, driver->child.account, driver->paper_store, sync, &driver->broker, &err);
    if (rc != 0)
        driver_fail_open(driver, rc, &err);
    if (driver->fresh)
        driver_lost_marks(driver, folder);
    rc = client_open(config->runtime_dir, driver->child.account, driver->child.generation, &driver->client, &err);
    if (rc != 0)
        driver_fail_open(driver, rc, &err);
    driver_begin_run(driver);
    driver->rebuild = !driver->fresh && !market_good;
    driver->catch_up_seq = driver->core.account.cursor_seq;
    driver_look_behind(driver);
    driver->run.rebuilt = driver->rebuild;
    driver->snapshot_every = SNAPSHOT_RECORDS_MAX < config->feed.ring_slots / 4 ? SNAPSHOT_RECORDS_MAX : config->feed.ring_slots / 4;
    /* The claim: from where on the ring must be kept. */
    uint64_t claim = driver->fresh ? CELL_DURABLE_JOIN : driver->rebuild ? driver->catch_up_seq : driver->persist.snapshot_seq;
    cell_set_durable(driver->child.cell, claim);
    driver_publish(driver);
}

/* --- segment --------------------------------------------------------------------------------------- */

static void driver_observe_history(struct driver *driver, uint32_t instrument, enum market_timeframe timeframe,
                                   uint64_t up_to_seq, bool quotes)
{
    static struct history_bar bars[REBUILD_BARS_MAX];
    uint32_t count = 0;
    if (history_read(driver->history, instrument, timeframe, up_to_seq, REBUILD_BARS_MAX, bars, &count) != SHM_OK)
        return;
    for (uint32_t i = quotes && count > 0 ? count - 1 : 0; i < count; i++) {
        struct market_record record = {
            .seq = bars[i].seq, .time_ns = bars[i].close_ns, .kind = MARKET_BAR, .timeframe = (uint8_t)timeframe,
            .instrument = (uint8_t)instrument, .flags = MARKET_WARMUP | (quotes ? MARKET_BASE : 0),
            .spread_ticks = bars[i].spread_ticks,
            .u.bar = {bars[i].open, bars[i].high, bars[i].low, bars[i].close, bars[i].volume},
        };
        core_observe(&driver->core, &record);
    }
}

/* Equivalent to what the account would have seen, within the length of the history: REBUILT. */
void driver_rebuild(struct driver *driver, uint64_t up_to_seq)
{
    struct core *core = &driver->core;
    core_market_reset(core);
    for (uint32_t i = 0; driver->history && i < core->config->instrument_count; i++) {
        if (core->personality->instruments >> i & 1)
            driver_observe_history(driver, i, (enum market_timeframe)core->personality->timeframe, up_to_seq, false);
        for (int t = TIMEFRAME_COUNT - 1; t >= 0; t--) /* the finest that there is comes last and stays */
            driver_observe_history(driver, i, (enum market_timeframe)t, up_to_seq, true);
    }
    struct market_record end = {.seq = up_to_seq, .time_ns = core->account.cursor_ns, .kind = MARKET_END};
    core_observe(core, &end);
    core->market.warmup = 0;
    driver->run.rebuilt = 1;
    driver->child.status.rebuilt++;
    log_info("market state REBUILT from the bar history up to record %llu", (unsigned long long)up_to_seq);
}

void driver_gap(struct driver *driver, uint64_t lost)
{
    uint64_t stands = driver->reader.next_seq - 1;
    driver->child.status.lapped += lost;
    log_warning("%llu market records were missed, going on after %llu", (unsigned long long)lost, (unsigned long long)stands);
    if (driver->phase == PHASE_CATCH_UP && stands <= driver->catch_up_seq) {
        driver_rebuild(driver, stands); /* the account's rows are further on: nothing of them is missing */
        return;
    }
    core_gap(&driver->core, lost, stands);
    driver_rebuild(driver, stands);
    driver_flush(driver);
    if (driver->phase == PHASE_CATCH_UP)
        driver_reconcile(driver);
}

static void driver_map_segment(struct driver *driver, struct control_message *message)
{
    struct error err = {0};
    if (driver->ring_memory)
        segment_unmap(driver->ring_memory, driver->ring_size);
    if (driver->history_memory)
        segment_unmap(driver->history_memory, driver->history_size);
    driver->ring_memory = driver->history_memory = NULL;
    for (int i = 0; i < 2; i++)
        if (segment_check_sealed(message->fds[i], &err) != 0)
            child_fatal(&driver->child, CHILD_EXIT_NEVER, "market segment: %s", err.text);
    if (segment_map_reader(message->fds[0], 1, &driver->ring_memory, &driver->ring_size, &err) != 0 ||
        segment_map_reader(message->fds[1], 1, &driver->history_memory, &driver->history_size, &err) != 0)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "market segment: %s", err.text);
    enum shm_result result = history_attach(driver->history_memory, driver->history_size, &driver->history);
    if (result != SHM_OK)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "bar history: %s", shm_result_name(result));
}

static void driver_attach_ring(struct driver *driver, uint64_t from_seq)
{
    uint64_t lapped = driver->reader.lapped_total;
    enum shm_result result = ring_attach(&driver->reader, driver->ring_memory, driver->ring_size, from_seq);
    if (result != SHM_OK)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "market ring: %s", shm_result_name(result));
    driver->reader.lapped_total = lapped;
    uint64_t first = ring_first_seq(driver->reader.ring);
    if (from_seq >= first)
        return;
    /* Left behind: the records from where we stand are gone. */
    if (ring_attach(&driver->reader, driver->ring_memory, driver->ring_size, first) != SHM_OK)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "market ring: the first record is gone");
    driver_gap(driver, first - from_seq);
}

/* A new account begins at the head, and says so durably before it takes a record. */
static void driver_join(struct driver *driver)
{
    if (ring_attach(&driver->reader, driver->ring_memory, driver->ring_size, 0) != SHM_OK)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "market ring: cannot be joined");
    uint64_t head = ring_head(driver->reader.ring);
    if (ring_attach(&driver->reader, driver->ring_memory, driver->ring_size, head + 1) != SHM_OK)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "market ring: cannot be joined at %llu", (unsigned long long)head);
    driver->core.account.cursor_seq = driver->catch_up_seq = head;
    if (head > 0)
        driver_rebuild(driver, head);
    driver->core.market.seq = head;
    driver_snapshot(driver);
    if (driver->persist.snapshot_seq != head || driver->store_failing)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "the account's first state could not be stored");
    cell_set_durable(driver->child.cell, head);
    if (driver->marks_path_used) {
        char path[CONFIG_PATH_MAX + CONFIG_NAME_MAX + 16];
        snprintf(path, sizeof path, "%s/%s/marks", driver->child.config->state_dir, driver->core.settings->name);
        (void)unlink(path);
    }
    driver->fresh = false;
}

void driver_attach(struct driver *driver, struct control_message *message)
{
    if (message->fd_count != 2) {
        log_error("SEGMENT with %d descriptors", message->fd_count);
        return;
    }
    bool first = driver->ring_memory == NULL;
    uint64_t from = first ? 0 : driver->reader.next_seq;
    driver_map_segment(driver, message);
    if (!first) {
        driver_attach_ring(driver, from);
        return;
    }
    driver->phase = PHASE_CATCH_UP;
    if (driver->fresh) {
        driver_join(driver);
    } else if (driver->rebuild) {
        driver_rebuild(driver, driver->catch_up_seq);
        if (!driver->behind) /* else when the books agree */
            driver_snapshot(driver);
        driver_attach_ring(driver, driver->catch_up_seq + 1);
    } else {
        driver_attach_ring(driver, driver->persist.snapshot_seq + 1);
    }
    if (driver->phase == PHASE_CATCH_UP && driver->reader.next_seq > driver->catch_up_seq)
        driver_reconcile(driver);
}

/* --- reconcile (orders.md 3; paper is idempotent by client id) ------------------------------------------ */

static void driver_resend_orders(struct driver *driver)
{
    struct broker_request requests[CORE_ORDERS_MAX];
    CRASHPOINT("account.reconcile_orders");
    uint32_t count = core_unconfirmed(&driver->core, requests, CORE_ORDERS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        struct error err = {0};
        if (driver->broker->ops->send(driver->broker, &requests[i], &err) != 0)
            child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "order %llu asked again: %s",
                        (unsigned long long)requests[i].intent, err.text);
        CRASHPOINT("account.reconcile_status");
        driver->run.resent++;
    }
}

/* The configuration names another phase than the one that the marks are about: a new account at the firm. */
static void driver_phase(struct driver *driver)
{
    struct core *core = &driver->core;
    if (core_phase_is(core))
        return;
    struct core_event event = {.kind = CORE_COMMAND, .u.command = {.command = COMMAND_PHASE, .user = "configuration"}};
    const char *refused = core_command_refused(core, &event);
    if (refused)
        child_fatal(&driver->child, CHILD_EXIT_NEVER, "its file names another phase than %s, and %s: put the phase back, flatten it, then "
                    "propfleet account phase %s PHASE", core->account.phase, refused, core->settings->name);
    core_step(core, &event);
}

void driver_reconcile(struct driver *driver)
{
    driver->phase = PHASE_RUN;
    if (!driver->behind) { /* else some of its reports are gone, and it may not know its own orders */
        driver_reports(driver);
        driver_resend_orders(driver);
    }
    driver_compare(driver);
    driver_phase(driver);
    driver->core.reconciling = false;
    driver->run.ready_wall_ns = driver->clock.wall_ns(&driver->clock);
    driver_save_run(driver);
    if (driver->run.after_crash && driver->core.settings->after_crash == AFTER_CRASH_FLATTEN &&
        core_open_positions(&driver->core) > 0) {
        struct core_event event = {.kind = CORE_COMMAND, .u.command = {.command = COMMAND_AFTER_CRASH, .user = "after_crash"}};
        core_step(&driver->core, &event);
    }
    driver_flush(driver);
    driver_commit_due(driver);
    driver_client_reset(driver);
    driver_publish(driver);
    child_say(&driver->child, CONTROL_READY, driver->core.account.cursor_seq, 0);
    log_info("READY at record %llu: %llu replayed, %llu asked again, %u positions, %u orders%s",
             (unsigned long long)driver->core.account.cursor_seq, (unsigned long long)driver->run.replayed,
             (unsigned long long)driver->run.resent, core_open_positions(&driver->core), core_working_orders(&driver->core),
             driver->run.rebuilt ? ", REBUILT" : "");
    driver_at_end(driver);
}
