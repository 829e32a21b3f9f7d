/* Write, then act. */
#include "workers/account/driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/crashpoint.h"
#include "base/error.h"
#include "base/log.h"
#include "workers/account/journal.h"

#define DRIVER_RETRY_NS (100 * CLOCK_NS_PER_MS)
#define DRIVER_DIRTY_NS CLOCK_NS_PER_S

static bool driver_acts_at_broker(const struct core *core)
{
    for (uint32_t i = 0; i < core->action_count; i++)
        if (core->actions[i].kind == ACTION_BROKER)
            return true;
    return false;
}

static void driver_store_alert(struct driver *driver, const char *why)
{
    char text[256];
    snprintf(text, sizeof text, "store: %.120s: entries are off, exits go on; free disk space", why);
    log_error("%s", text);
    child_say_text(&driver->child, CONTROL_ALERT, 0, 2, text);
    driver->store_alarmed = true;
}

/* Entries are off while commits fail, and while there is room left for exits only. */
static void driver_store_state(struct driver *driver, const struct error *err)
{
    bool low = driver->store_failing || store_low(driver->store) || store_low(driver->paper_store);
    if (low && !driver->store_alarmed)
        driver_store_alert(driver, driver->store_failing ? err->text : "room is below the reserve");
    if (!low && driver->store_alarmed) {
        driver->store_alarmed = false;
        log_info("the store has room again");
        child_say_text(&driver->child, CONTROL_ALERT, 0, 0, "the store has room again: entries are on");
    }
    driver->core.store_failed = low;
}

/* The venue may forget what it reported once this is in the tables: a power cut takes what stands beside them. */
static void driver_settled(struct driver *driver)
{
    if (store_unsettled(driver->store))
        return;
    driver->settled_ns = driver->last_commit_ns;
    driver->broker->ops->acknowledge(driver->broker, driver->core.account.venue_report);
}

static int driver_commit(struct driver *driver, enum store_sync sync)
{
    struct error err = {0};
    cell_set_syncing(driver->child.cell, sync == STORE_POWER);
    int rc = store_commit(driver->store, sync, &err);
    cell_set_syncing(driver->child.cell, 0);
    driver->last_commit_ns = driver->clock.mono_ns(&driver->clock);
    driver->store_failing = rc != 0;
    driver_store_state(driver, &err);
    if (rc == 0)
        driver_settled(driver);
    else
        driver->retry_commit_ns = driver->last_commit_ns + DRIVER_RETRY_NS;
    return rc;
}

/* The way of an entry: since its END was published, in microseconds. */
static void driver_log_way(const struct driver *driver, uint64_t intent, int64_t now)
{
    int64_t from = driver->asked_published_ns;
    log_debug("order %llu handed over %lld us after its record: taken %lld, proposed %lld, answered %lld",
              (unsigned long long)intent, (long long)(now - from) / 1000, (long long)(driver->asked_taken_ns - from) / 1000,
              (long long)(driver->asked_ns - from) / 1000, (long long)(driver->answered_ns - from) / 1000);
}

static void driver_release_broker(struct driver *driver, const struct broker_request *request)
{
    struct error err = {0};
    if (driver->live && request->kind == BROKER_PLACE && driver->asked_ns != 0 && driver->asked_published_ns != 0)
        driver_log_way(driver, request->intent, driver->clock.mono_ns(&driver->clock));
    CRASHPOINT("account.before_send");
    int rc = driver->broker->ops->send(driver->broker, request, &err);
    CRASHPOINT("account.after_send");
    if (rc != 0) /* it stays PENDING_NEW and is asked after at the next start or END */
        child_fatal(&driver->child, CHILD_EXIT_TRY_LATER, "order %llu could not be handed over: %s",
                    (unsigned long long)request->intent, err.text);
}

static void driver_release(struct driver *driver, const struct core_action *action)
{
    struct wire_message message = {.generation = driver->child.generation};
    switch (action->kind) {
    case ACTION_PROPOSE:
        message.type = WIRE_PROPOSE;
        message.u.proposal = action->u.proposal;
        if (driver->asked_ns == 0) {
            driver->asked_ns = driver->clock.mono_ns(&driver->clock);
            driver->asked_published_ns = driver->end_published_ns;
            driver->asked_taken_ns = driver->end_taken_ns;
        }
        driver_send(driver, &message);
        break;
    case ACTION_REPORT:
        message.type = WIRE_REPORT;
        message.u.report = action->u.report;
        driver_send(driver, &message);
        break;
    case ACTION_BROKER:
        driver_release_broker(driver, &action->u.request);
        break;
    case ACTION_ALERT:
        log_warning("%s", action->u.alert);
        child_say_text(&driver->child, CONTROL_ALERT, 0, 1, action->u.alert);
        break;
    }
}

/* The records could not be stored: nothing that adds risk leaves; exits do, and are recorded with the next
 * commit that succeeds (the batch is kept). */
static void driver_release_exits(struct driver *driver, struct core_action *actions, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!actions[i].adds_risk) {
            driver_release(driver, &actions[i]);
        } else if (actions[i].kind == ACTION_BROKER) {
            core_deny(&driver->core, &actions[i].u.request);
        } else {
            struct wire_answer answer = {.jseq = actions[i].u.proposal.jseq, .instant_ns = actions[i].u.proposal.instant_ns,
                                         .refusal = REFUSAL_STORE_FAILED};
            struct core_event event = {.kind = CORE_ANSWER, .u.answer = &answer};
            core_step(&driver->core, &event);
        }
    }
}

/* Fault builds: a crash point before and after the commit of each kind of record, "account.guard.before". */
#ifdef PROPFLEET_FAULTS
static void driver_pass_kinds(const struct core *core, const char *when)
{
    static char kinds[CORE_RECORDS_MAX][24];
    static uint32_t count;
    if (core) { /* NULL: those of the call before */
        count = core->record_count;
        for (uint32_t i = 0; i < count; i++)
            if (journal_get_text(core->bytes + core->records[i].offset, core->records[i].size, "k", kinds[i], sizeof kinds[i]) != 0)
                kinds[i][0] = '\0';
    }
    for (uint32_t i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "account.%s.%s", kinds[i], when);
        CRASHPOINT(name);
    }
}
#else
#define driver_pass_kinds(core, when) ((void)0)
#endif

/* durably: with a sync where `durability` is power, also when nothing goes to the broker. */
static int driver_flush_as(struct driver *driver, bool durably)
{
    struct core *core = &driver->core;
    if (core->record_count == 0 && core->action_count == 0)
        return 0;
    bool power = (durably || driver_acts_at_broker(core)) && core->settings->durability == DURABILITY_POWER;
    persist_collect(&driver->persist, core);
    static struct core_action actions[CORE_ACTIONS_MAX]; /* a release may step the core again */
    uint32_t count = core->action_count;
    memcpy(actions, core->actions, count * sizeof actions[0]);
    driver_pass_kinds(core, "before");
    core_clear(core);
    CRASHPOINT("account.before_commit");
    bool hold = driver->store_failing && driver->clock.mono_ns(&driver->clock) < driver->retry_commit_ns;
    int rc = hold ? -ENOSPC : driver_commit(driver, power ? STORE_POWER : STORE_CRASH);
    CRASHPOINT("account.after_commit");
    driver_pass_kinds(NULL, "after");
    if (rc != 0) {
        driver_release_exits(driver, actions, count);
        if (core->record_count > 0)
            persist_collect(&driver->persist, core);
        core_clear(core);
        return rc;
    }
    for (uint32_t i = 0; i < count; i++)
        driver_release(driver, &actions[i]);
    return 0;
}

void driver_flush(struct driver *driver) { (void)driver_flush_as(driver, false); }
int driver_flush_durably(struct driver *driver) { return driver_flush_as(driver, true); }

/* What crash commits left beside the tables goes into them once a second: tools see it then. */
static void driver_settle_due(struct driver *driver, int64_t now)
{
    struct error err = {0};
    if (driver->store_failing || !store_unsettled(driver->store) || now - driver->settled_ns < DRIVER_DIRTY_NS)
        return;
    cell_set_syncing(driver->child.cell, 1);
    int rc = store_settle(driver->store, &err);
    cell_set_syncing(driver->child.cell, 0);
    driver->last_commit_ns = driver->settled_ns = driver->clock.mono_ns(&driver->clock);
    driver->store_failing = rc != 0;
    driver_store_state(driver, &err);
    if (rc == 0)
        driver_settled(driver);
    else
        driver->retry_commit_ns = driver->last_commit_ns + DRIVER_RETRY_NS;
}

void driver_commit_due(struct driver *driver)
{
    int64_t now = driver->clock.mono_ns(&driver->clock);
    driver_settle_due(driver, now);
    if (driver->store_failing && now < driver->retry_commit_ns)
        return;
    if (!driver->store_failing && (now - driver->last_commit_ns < DRIVER_DIRTY_NS || !persist_dirty(&driver->persist, &driver->core)))
        return;
    persist_collect(&driver->persist, &driver->core);
    (void)driver_commit(driver, STORE_CRASH);
}

void driver_snapshot(struct driver *driver)
{
    struct error err = {0};
    if (driver->store_failing)
        return;
    /* The venue first: its book is never behind the snapshot that lets the feed forget records. */
    int rc = driver->broker->ops->checkpoint(driver->broker, &err);
    if (rc != 0) {
        if (!driver->store_alarmed)
            driver_store_alert(driver, err.text);
        driver->core.store_failed = true;
        return;
    }
    CRASHPOINT("account.before_snapshot");
    persist_collect(&driver->persist, &driver->core);
    core_clear(&driver->core);
    persist_snapshot(&driver->persist, &driver->core);
    if (driver_commit(driver, STORE_CRASH) != 0)
        return;
    CRASHPOINT("account.after_snapshot");
    driver->child.status.snapshots++;
    cell_set_durable(driver->child.cell, driver->persist.snapshot_seq);
    store_trim(driver->store);
}
