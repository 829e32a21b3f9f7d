#include "workers/account/driver.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/crashpoint.h"
#include "base/error.h"
#include "base/log.h"

/* Records handled between two looks at the control channel. */
#define DRIVER_BATCH 128
#define DRIVER_SLEEP_MS 200
#define DRIVER_PUBLISH_NS (50 * CLOCK_NS_PER_MS)
#define DRIVER_GUARD_NS (250 * CLOCK_NS_PER_MS)

static void driver_watch(struct driver *driver, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(driver->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0 && errno != EEXIST)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "epoll: descriptor %d: %s", fd, strerror(errno));
}

void driver_init(struct driver *driver, int argc, char **argv)
{
    child_init(&driver->child, PROCESS_ACCOUNT, argc, argv);
    clock_init_real(&driver->clock);
    driver->live = driver->child.config->feed.live;
    driver->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    driver->client_fd_watched = -1;
    driver_watch(driver, CONTROL_FD);
    driver_watch(driver, WAKE_FD);
    core_init(&driver->core, driver->child.config, driver->child.account);
    driver_open(driver);
}

/* --- one record ------------------------------------------------------------------------------------ */

void driver_reports(struct driver *driver)
{
    struct core_account *account = &driver->core.account;
    struct broker_report report;
    while (driver->broker->ops->next_report(driver->broker, account->venue_report, account->cursor_seq,
                                            account->cursor_ns, &report) == 1) {
        struct core_event event = {.kind = CORE_REPORT, .u.report = &report};
        core_step(&driver->core, &event);
        CRASHPOINT("account.report_before_commit");
        driver_flush(driver);
        CRASHPOINT("account.report_after_commit");
    }
}

static void driver_broker_record(struct driver *driver, const struct market_record *record)
{
    struct error err = {0};
    int rc = driver->broker->ops->on_record(driver->broker, record, &err);
    if (rc != 0)
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "paper venue at record %llu: %s", (unsigned long long)record->seq,
                    err.text);
}

static bool driver_proposals_open(const struct driver *driver)
{
    for (uint32_t i = 0; i < CORE_PROPOSALS_MAX; i++)
        if (driver->core.proposals[i].jseq != 0)
            return true;
    return false;
}

/* The END is done with: everything that belongs to it is decided. */
static void driver_instant_over(struct driver *driver)
{
    uint64_t since = driver->core.account.cursor_seq - driver->persist.snapshot_seq;
    if (since >= driver->snapshot_every)
        driver_snapshot(driver);
    if (driver->flatten_command != 0)
        driver_flatten_check(driver);
    if (driver->compare_due)
        driver_compare_again(driver);
    if (driver->closing_count > 0)
        driver_closing_check(driver);
    if (driver->live)
        driver_commit_due(driver);
}

/* Replay: nothing past this END is taken before the answers are here. Returns false while they are not. */
static bool driver_answered(struct driver *driver)
{
    driver_answers(driver);
    if (!driver->live && driver_proposals_open(driver)) {
        driver->phase = PHASE_ANSWERS;
        return false;
    }
    driver->phase = PHASE_RUN;
    driver_instant_over(driver);
    return true;
}

void driver_at_end(struct driver *driver)
{
    cell_set_watermark(driver->child.cell, driver->core.account.end_ns, driver->core.account.sent_jseq);
    (void)driver_answered(driver);
}

/* Live: an END says when it was published. What comes from shared memory is believed within reason only. */
static void driver_end_taken(struct driver *driver, const struct market_record *end)
{
    int64_t published_ns = end->u.end.published_ns;
    driver->end_taken_ns = driver->clock.mono_ns(&driver->clock);
    bool known = !(end->flags & MARKET_WARMUP) && published_ns > 0 && published_ns <= driver->end_taken_ns;
    driver->end_published_ns = known ? published_ns : 0;
}

static void driver_end_handled(struct driver *driver)
{
    int64_t now = driver->clock.mono_ns(&driver->clock);
    if (driver->end_published_ns != 0)
        peak_add(&driver->record_late, now, now - driver->end_published_ns);
}

static void driver_record(struct driver *driver, const struct market_record *record)
{
    bool live_end = driver->live && record->kind == MARKET_END;
    if (live_end)
        driver_end_taken(driver, record);
    driver_broker_record(driver, record);
    if (driver->phase == PHASE_CATCH_UP) {
        /* The market part stands at its snapshot, the account's rows further on: only the market moves. */
        core_observe(&driver->core, record);
        driver->run.replayed++;
        if (record->seq >= driver->catch_up_seq)
            driver_reconcile(driver);
    } else {
        struct core_event event = {.kind = CORE_MARKET, .u.market = record};
        core_step(&driver->core, &event);
        driver_flush(driver);
        driver_reports(driver);
        if (record->kind == MARKET_END)
            driver_at_end(driver);
        if (live_end)
            driver_end_handled(driver);
    }
    driver->records++;
    if (driver->live)
        driver->record_mono_ns = driver->clock.mono_ns(&driver->clock);
    cell_set_consumed(driver->child.cell, record->seq);
}

/* --- reading ---------------------------------------------------------------------------------------- */

static void driver_ended(struct driver *driver)
{
    driver_snapshot(driver);
    driver->phase = PHASE_ENDED;
    driver_publish(driver);
    if (driver->flatten_command != 0)
        driver_flatten_check(driver);
    child_say(&driver->child, CONTROL_DONE, driver->core.account.cursor_seq, 0);
}

/* Returns the number of records handled; stops early when there is nothing or when it must wait. */
static int driver_read(struct driver *driver)
{
    int handled = 0;
    while (handled < DRIVER_BATCH && (driver->phase == PHASE_RUN || driver->phase == PHASE_CATCH_UP)) {
        struct market_record record;
        uint64_t lost = 0;
        enum shm_result result = ring_read(&driver->reader, &record, &lost);
        if (result == SHM_OK) {
            driver_record(driver, &record);
            handled++;
        } else if (result == SHM_LAPPED) {
            driver_gap(driver, lost);
        } else if (result == SHM_CLOSED) {
            driver_ended(driver);
        } else if (result == SHM_EMPTY || result == SHM_STALE) {
            break;
        } else {
            child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "market ring at %llu: %s",
                        (unsigned long long)driver->reader.next_seq, shm_result_name(result));
        }
    }
    return handled;
}

static bool driver_ring_has_news(const struct driver *driver)
{
    if (driver->phase != PHASE_RUN && driver->phase != PHASE_CATCH_UP)
        return false;
    return ring_head(driver->reader.ring) >= driver->reader.next_seq || ring_closed(driver->reader.ring);
}

/* Sleep until the feed, the coordinator or the supervisor has something. */
static void driver_wait(struct driver *driver, int timeout_ms)
{
    struct epoll_event events[4];
    bool reading = driver->phase == PHASE_RUN || driver->phase == PHASE_CATCH_UP;
    if (timeout_ms != 0 && reading) {
        cell_set_sleeping(driver->child.cell, 1);
        if (driver_ring_has_news(driver))
            timeout_ms = 0; /* published between the last read and the mark */
    }
    int count = epoll_wait(driver->epoll_fd, events, 4, timeout_ms);
    if (reading)
        cell_set_sleeping(driver->child.cell, 0);
    for (int i = 0; i < count; i++) {
        uint64_t drained;
        if (events[i].data.fd == WAKE_FD && read(WAKE_FD, &drained, sizeof drained) < 0 && errno != EAGAIN)
            child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "wake descriptor: %s", strerror(errno));
        if (events[i].data.fd == CONTROL_FD)
            driver_control(driver);
    }
}

/* A worker whose own loop was not served, or a wall clock that jumped: no new risk until it is cleared. */
static void driver_fence(struct driver *driver, int64_t gap_ns)
{
    if (!driver->live)
        return;
    if (gap_ns > CHILD_FENCE_NS && !driver->fenced) {
        log_warning("not served for %lld ms: no new risk until the permit channel is renewed", (long long)(gap_ns / 1000000));
        driver->fenced = true;
        driver_client_reset(driver);
    }
    int64_t step = clock_watch_check(&driver->clock_watch, &driver->clock);
    if (step != 0 && !driver->clock_alarmed) {
        driver->clock_alarmed = true;
        child_say_text(&driver->child, CONTROL_ALERT, 0, 1,
                       "the wall clock jumped by more than a second: entries are off until `account resume`");
    }
}

/* Live: the guard looks also when no record comes, and at the age of what came. A replay has no clock but its records. */
static void driver_guard(struct driver *driver, int64_t now_ns)
{
    if (!driver->live || driver->phase != PHASE_RUN || now_ns - driver->guarded_ns < DRIVER_GUARD_NS)
        return;
    driver->guarded_ns = now_ns;
    double speed = driver->child.config->feed.speed; /* market seconds in one of ours */
    int64_t since = driver->record_mono_ns != 0 ? now_ns - driver->record_mono_ns : 0;
    driver->core.live_now_ns = driver->core.account.cursor_ns + (int64_t)((double)since * speed);
    driver->core.today = (int32_t)(driver->clock.wall_ns(&driver->clock) / (86400 * CLOCK_NS_PER_S));
    struct core_event event = {.kind = CORE_CLOCK};
    core_step(&driver->core, &event);
    driver_flush(driver);
}

int driver_run(struct driver *driver)
{
    while (!driver->stopping) {
        driver_fence(driver, child_turn(&driver->child));
        driver->core.reconciling = driver->phase <= PHASE_CATCH_UP || driver->fenced || driver->clock_alarmed;
        int handled = driver_read(driver);
        driver_client_poll(driver);
        bool answered = driver->phase == PHASE_ANSWERS && driver_answered(driver);
        int64_t now = driver->clock.mono_ns(&driver->clock);
        if (handled == 0 || now - driver->published_ns > DRIVER_PUBLISH_NS) {
            driver->published_ns = now;
            driver_publish(driver);
        }
        driver_guard(driver, now);
        if (driver->live || driver->store_failing)
            driver_commit_due(driver);
        bool busy = answered || (handled > 0 && driver->phase != PHASE_ANSWERS);
        driver_wait(driver, busy ? 0 : DRIVER_SLEEP_MS);
    }
    return CHILD_EXIT_OK;
}
