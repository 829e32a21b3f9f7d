#include "supervisor/status.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/process.h"
#include "supervisor/supervisor.h"

static json_t *number(uint64_t value) { return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value); }

/* To the millisecond. */
static double seconds(int64_t ns)
{
    int64_t ms = ns / 1000000;
    return (double)ms / 1000.0;
}

static json_t *money(dec_t value)
{
    char text[DEC_STR_MAX];
    if (value == DEC_NONE)
        return json_null();
    dec_format(value, 2, text);
    return json_string(text);
}

/* A child's text is outside data: what is not UTF-8 is no JSON. */
static json_t *text(const char *value)
{
    json_t *string = json_string(value);
    if (string)
        return string;
    char plain[PROCESS_WHY_MAX];
    size_t n = 0;
    for (; value[n] && n + 1 < sizeof plain; n++)
        plain[n] = (unsigned char)value[n] < 0x80 ? value[n] : '?';
    plain[n] = 0;
    return json_string(plain);
}

/* Memory that is the process's own: anonymous and shared pages, each shared page counted by its part. */
static json_t *memory_kib(pid_t pid)
{
    char path[64], line[160];
    uint64_t value = 0, total = 0, resident = 0;
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Pss_Anon: %" SCNu64, &value) == 1 || sscanf(line, "Pss_Shmem: %" SCNu64, &value) == 1) {
            total += value;
            found = true;
        }
    if (file)
        fclose(file);
    if (found)
        return number(total);
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    file = fopen(path, "re");
    if (file && fscanf(file, "%*u %" SCNu64, &resident) == 1)
        found = true;
    if (file)
        fclose(file);
    return found ? number(resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024) : json_null();
}

static json_t *process_object(struct process *process, int64_t mono_ns)
{
    static const char *const kinds[] = {
        [PROCESS_COORDINATOR] = "coordinator", [PROCESS_FEED] = "feed", [PROCESS_ACCOUNT] = "account"};
    const struct machine *machine = &process->machine;
    bool alive = machine_alive(machine);
    int64_t heartbeat = process->cell ? cell_heartbeat(process->cell) : 0;
    bool beats = heartbeat > 0 && heartbeat <= mono_ns;
    bool account = process->kind == PROCESS_ACCOUNT;
    return json_pack(
        "{s:s,s:s,s:o,s:o,s:o,s:s,s:i,s:i,s:o,s:o,s:o,s:b,s:s,s:o,s:o,s:o}", "name", process->name, "kind",
        kinds[process->kind], "account", account ? text(process->name + strlen("account:")) : json_null(), "pid",
        alive ? json_integer(process->pid) : json_null(), "generation", number(process->generation), "state",
        machine_state_name(machine->state), "restarts", (int)machine->restarts, "deaths",
        (int)(machine->death_count < INT32_MAX ? machine->death_count : INT32_MAX), "heartbeat_age_ms",
        beats ? json_integer((mono_ns - heartbeat) / 1000000) : json_null(), "uptime_s",
        alive ? json_real(seconds(mono_ns - process->started_mono_ns)) : json_null(), "memory_kib",
        alive ? memory_kib(process->pid) : json_null(), "done", (int)process->done, "last_exit", process->last_exit, "why",
        text(process->why), "log_bytes_dropped", number(process->log.dropped_bytes), "ready_ms",
        process->ready_after_ns ? json_real(seconds(process->ready_after_ns * 1000)) : json_null());
}

static json_t *refusals_object(const struct cell_payload *status)
{
    json_t *object = json_object();
    static_assert(REFUSAL_COUNT <= sizeof status->refusals_by_code / sizeof status->refusals_by_code[0], "a counter each");
    for (unsigned code = 1; code < REFUSAL_COUNT; code++)
        if (status->refusals_by_code[code] > 0)
            json_object_set_new(object, refusal_name(code), number(status->refusals_by_code[code]));
    return object;
}

static const char *account_state_name(uint32_t state)
{
    static const char *const names[] = {"ACTIVE", "REDUCING", "HALTED"};
    return state < sizeof names / sizeof names[0] ? names[state] : "?";
}

static json_t *account_object(const struct supervisor *supervisor, struct process *process)
{
    const struct fleet_config *config = supervisor->config;
    const struct config_account *account = &config->accounts[process->account];
    const struct config_programme *programme = &config->programmes[account->programme];
    process_status_read(process);
    const struct cell_payload *status = &process->status;
    uint64_t refusal = status->last_refusal_code;
    json_t *object = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "name", account->name, "firm", programme->firm, "programme",
                               programme->name, "phase", programme->phase, "currency", account->currency, "personality",
                               config->personalities[account->personality].name);
    if (!object || !process->has_status) {
        if (object)
            json_object_set_new(object, "state", json_null());
        return object;
    }
    json_t *values = json_pack(
        "{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s}", "state",
        account_state_name(status->account_state), "balance", money(status->balance), "equity", money(status->equity),
        "day_pnl", money(status->day_pnl), "open_risk", money(status->open_risk), "positions", number(status->positions),
        "orders_working", number(status->orders_working), "signals", number(status->signals), "trades",
        number(status->trades), "entries_filled", number(status->entries_filled), "last_refusal",
        refusal < REFUSAL_COUNT ? refusal_name((unsigned)refusal) : "?", "refusals", refusals_object(status), "proposals",
        number(status->proposals), "granted", number(status->granted), "refused", number(status->refused), "journal_seq",
        number(status->journal_seq), "market_time", json_integer(status->market_time_ns), "lapped", number(status->lapped),
        "snapshots", number(status->snapshots), "flat",
        process_flat(process));
    if (values) {
        json_object_set_new(values, "text", text(status->text));
        json_object_set_new(values, "record_late_us", json_integer(status->record_late_ns / 1000));
        json_object_set_new(values, "permit_wait_us", json_integer(status->permit_wait_ns / 1000));
        json_object_update(object, values);
    }
    json_decref(values);
    return object;
}

static json_t *ring_object(struct supervisor *supervisor)
{
    struct process *feed = &supervisor->processes[PROCESS_SLOT_FEED];
    uint64_t lapped = 0;
    process_status_read(feed);
    for (uint32_t i = PROCESS_SLOT_ACCOUNTS; i < PROCESS_COUNT_MAX; i++)
        lapped += supervisor->processes[i].used ? supervisor->processes[i].status.lapped : 0;
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "head", number(feed->status.head_seq), "rate",
                     number(feed->status.records_per_s), "lapped", number(lapped), "market_time",
                     json_integer(feed->status.market_time_ns), "rows_read", number(feed->status.rows_read), "rows_bad",
                     number(feed->status.rows_bad));
}

static json_t *coordinator_object(struct supervisor *supervisor)
{
    struct process *coordinator = &supervisor->processes[PROCESS_SLOT_COORDINATOR];
    process_status_read(coordinator);
    const struct cell_payload *status = &coordinator->status;
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "rounds", number(status->rounds), "grants", number(status->grants), "refusals",
                     number(status->refusals), "reservations", number(status->reservations), "joint_risk",
                     money(status->joint_risk));
}

static json_t *fleet_object(const struct supervisor *supervisor, int64_t mono_ns)
{
    static const char *const stops[] = {"no", "accounts", "coordinator", "feed", "finished"};
    const struct fleet_config *config = supervisor->config;
    return json_pack("{s:s,s:s,s:s,s:s,s:b,s:f,s:b,s:s,s:i,s:i,s:i,s:f,s:s,s:b,s:b,s:o}", "state_dir", config->state_dir,
                     "runtime_dir", config->runtime_dir, "config_dir", config->config_dir, "source",
                     config->feed.source_name, "simulated", config->feed.source == SOURCE_SIMULATOR, "speed",
                     config->feed.speed, "live", (int)config->feed.live, "owner", config->owner, "unacknowledged",
                     (int)supervisor->alerts.count, "pid", (int)getpid(), "accounts_max", CONFIG_ACCOUNTS_MAX, "uptime_s",
                     seconds(mono_ns - supervisor->started_mono_ns), "stopping",
                     stops[supervisor->stop], "restarts_held", (int)storm_holds(&supervisor->storm, supervisor->served.now_ns),
                     "ready", (int)supervisor->ready_said, "unserved_ms", number((uint64_t)supervisor->served.lost_ns / 1000000));
}

char *status_json(struct supervisor *supervisor)
{
    int64_t mono_ns = supervisor_mono_ns();
    json_t *processes = json_array(), *accounts = json_array();
    for (uint32_t i = 0; i < PROCESS_COUNT_MAX; i++) {
        struct process *process = &supervisor->processes[i];
        if (!process->used)
            continue;
        json_array_append_new(processes, process_object(process, mono_ns));
        if (process->kind == PROCESS_ACCOUNT && !process->removing)
            json_array_append_new(accounts, account_object(supervisor, process));
    }
    json_t *root = json_pack("{s:o,s:o,s:o,s:o,s:o}", "processes", processes, "accounts", accounts, "ring",
                             ring_object(supervisor), "coordinator", coordinator_object(supervisor), "fleet",
                             fleet_object(supervisor, mono_ns));
    char *json = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(root);
    size_t n = json ? strlen(json) : 0;
    char *line = json ? realloc(json, n + 2) : NULL;
    if (!line) {
        free(json);
        return NULL;
    }
    line[n] = '\n';
    line[n + 1] = 0;
    return line;
}
