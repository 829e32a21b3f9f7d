#include "supervisor/fleet.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "supervisor/channels.h"
#include "supervisor/notify.h"
#include "supervisor/process.h"
#include "supervisor/supervisor.h"

int fleet_start(struct supervisor *supervisor, struct error *err)
{
    const char *names[PROCESS_COUNT_MAX];
    uint32_t count = 0;
    const struct fleet_config *config = supervisor->config;
    process_configure(&supervisor->processes[PROCESS_SLOT_COORDINATOR], PROCESS_COORDINATOR, CONFIG_NONE, NULL);
    process_configure(&supervisor->processes[PROCESS_SLOT_FEED], PROCESS_FEED, CONFIG_NONE, NULL);
    for (uint32_t i = 0; i < config->account_count; i++)
        if (config->accounts[i].name[0])
            process_configure(&supervisor->processes[PROCESS_SLOT_ACCOUNTS + i], PROCESS_ACCOUNT, i,
                              config->accounts[i].name);
    for (uint32_t i = 0; i < PROCESS_COUNT_MAX; i++)
        if (supervisor->processes[i].used)
            names[count++] = supervisor->processes[i].name;
    int rc = generations_reserve(&supervisor->generations, names, count, err);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < PROCESS_COUNT_MAX; i++)
        if (supervisor->processes[i].used)
            process_event(supervisor, &supervisor->processes[i], MACHINE_START);
    return 0;
}

/* --- stop -------------------------------------------------------------------------- */

static bool alive_from(const struct supervisor *supervisor, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        if (supervisor->processes[i].used && machine_alive(&supervisor->processes[i].machine))
            return true;
    return false;
}

static void stop_from(struct supervisor *supervisor, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        if (supervisor->processes[i].used)
            process_event(supervisor, &supervisor->processes[i], MACHINE_STOP);
}

void fleet_stop(struct supervisor *supervisor, int exit_status, const char *why)
{
    if (supervisor->stop != STOP_NONE)
        return;
    log_info("stopping: %s", why);
    notify_systemd("STOPPING=1");
    supervisor->stop = STOP_ACCOUNTS;
    supervisor->exit_status = exit_status;
    stop_from(supervisor, PROCESS_SLOT_ACCOUNTS, PROCESS_COUNT_MAX);
    for (uint32_t i = 0; i < PROCESS_SLOT_ACCOUNTS; i++) /* nothing is started any more */
        if (supervisor->processes[i].machine.state == MACHINE_BACKOFF)
            process_event(supervisor, &supervisor->processes[i], MACHINE_STOP);
}

static void stop_progress(struct supervisor *supervisor)
{
    if (supervisor->stop == STOP_ACCOUNTS && !alive_from(supervisor, PROCESS_SLOT_ACCOUNTS, PROCESS_COUNT_MAX)) {
        supervisor->stop = STOP_COORDINATOR;
        stop_from(supervisor, PROCESS_SLOT_COORDINATOR, PROCESS_SLOT_COORDINATOR + 1);
    }
    if (supervisor->stop == STOP_COORDINATOR &&
        !alive_from(supervisor, PROCESS_SLOT_COORDINATOR, PROCESS_SLOT_COORDINATOR + 1)) {
        supervisor->stop = STOP_FEED;
        stop_from(supervisor, PROCESS_SLOT_FEED, PROCESS_SLOT_FEED + 1);
    }
    if (supervisor->stop == STOP_FEED && !alive_from(supervisor, PROCESS_SLOT_FEED, PROCESS_SLOT_FEED + 1))
        supervisor->stop = STOP_FINISHED;
}

/* --- the end of a replay ---------------------------------------------------------------- */

static void end_progress(struct supervisor *supervisor)
{
    const struct process *feed = &supervisor->processes[PROCESS_SLOT_FEED];
    const struct process *coordinator = &supervisor->processes[PROCESS_SLOT_COORDINATOR];
    if (!supervisor->config->feed.exit_at_end || supervisor->stop != STOP_NONE)
        return;
    if (feed->machine.state == MACHINE_FAILED || coordinator->machine.state == MACHINE_FAILED) {
        fleet_stop(supervisor, EXIT_NO, feed->machine.state == MACHINE_FAILED
                                            ? "the feed has failed: this run cannot reach its end"
                                            : "the coordinator has failed: this run cannot reach its end");
        return;
    }
    if (!feed->done && feed->machine.state != MACHINE_DOWN)
        return;
    for (uint32_t i = PROCESS_SLOT_ACCOUNTS; i < PROCESS_COUNT_MAX; i++) {
        const struct process *account = &supervisor->processes[i];
        if (account->used && machine_awaited(&account->machine) && !account->done)
            return;
    }
    fleet_stop(supervisor, EXIT_DONE, "the source is at its end and every account has read all of it");
}

static void ready_progress(struct supervisor *supervisor)
{
    uint32_t ready = 0;
    if (supervisor->ready_said || supervisor->stop != STOP_NONE)
        return;
    for (uint32_t i = 0; i < PROCESS_COUNT_MAX; i++) {
        const struct process *process = &supervisor->processes[i];
        if (process->used && machine_awaited(&process->machine) && process->machine.state != MACHINE_READY)
            return;
        ready += process->used && process->machine.state == MACHINE_READY;
    }
    supervisor->ready_said = true;
    log_info("fleet is ready: %u processes", ready);
    notify_systemd("READY=1");
}

/* A child that a reload took out is down: its slot is free. */
static void remove_progress(struct supervisor *supervisor)
{
    for (uint32_t i = PROCESS_SLOT_ACCOUNTS; i < PROCESS_COUNT_MAX; i++) {
        struct process *process = &supervisor->processes[i];
        if (!process->used || !process->removing || machine_alive(&process->machine))
            continue;
        channels_announce(supervisor, process);
        log_info("%s: removed", process->name);
        process_init(process);
    }
}

void fleet_progress(struct supervisor *supervisor)
{
    remove_progress(supervisor);
    channels_go(supervisor);
    ready_progress(supervisor);
    end_progress(supervisor);
    stop_progress(supervisor);
}

/* --- time ---------------------------------------------------------------------------------- */

void fleet_due(struct supervisor *supervisor, int64_t elapsed_ns)
{
    for (uint32_t i = 0; i < PROCESS_COUNT_MAX; i++)
        if (supervisor->processes[i].used)
            process_due(supervisor, &supervisor->processes[i], elapsed_ns);
    socket_due(supervisor);
    reload_due(supervisor);
}

int64_t fleet_next_ns(const struct supervisor *supervisor)
{
    int64_t next = socket_next_ns(supervisor);
    int64_t reload = reload_next_ns(supervisor);
    next = reload < next ? reload : next;
    for (uint32_t i = 0; i < PROCESS_COUNT_MAX; i++) {
        if (!supervisor->processes[i].used)
            continue;
        int64_t at = process_next_ns(supervisor, &supervisor->processes[i]);
        next = at < next ? at : next;
    }
    return next;
}
