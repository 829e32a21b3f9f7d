/* fake_config: stands for propfleet-config in tests of the supervisor. No YAML: --config DIR holds
 *   accounts   a line "NAME" or "NAME SALT" for each account; the salt goes into its digest
 *   settings   lines "KEY NUMBER", times in ms (table below); none: the defaults there
 *   errors     when it is there, its text goes to stderr and the exit status is 3
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/vocabulary.h"
#include "config/config.h"
#include "config/digest.h"

#define MS INT64_C(1000000)

static struct fleet_config config;

static struct setting {
    const char *key;
    int64_t value;
} settings[] = {
    {"start_deadline", 2000}, {"ready_deadline", 4000}, {"stop_deadline", 2000},   {"abort_grace", 100},
    {"heartbeat", 1000},      {"sync", 2000},           {"ping_interval", 100},    {"ping_timeout", 1000},
    {"backoff_first", 20},    {"backoff_max", 200},     {"deaths_max", 5},         {"death_window", 60000},
    {"storm_deaths_max", 30}, {"storm_window", 5000},   {"storm_hold", 500},       {"log_per_turn", 16384},
    {"log_queue", 65536},     {"alerts_per_minute", 60}, {"alert_repeat", 600000}, {"exit_at_end", 0},
    {"live", 0},              {"ring_slots", 1024},
};

static int64_t setting(const char *key)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (strcmp(settings[i].key, key) == 0)
            return settings[i].value;
    fprintf(stderr, "fake_config: no setting %s\n", key);
    exit(EXIT_USAGE);
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, "re");
}

static void read_settings(const char *folder)
{
    char key[64];
    int64_t value;
    FILE *file = open_in(folder, "settings");
    while (file && fscanf(file, "%63s %ld", key, &value) == 2)
        for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
            if (strcmp(settings[i].key, key) == 0)
                settings[i].value = value;
    if (file)
        fclose(file);
}

static void fill_supervisor(const char *folder)
{
    config.supervisor = (struct config_supervisor){
        .start_deadline_ns = setting("start_deadline") * MS, .ready_deadline_ns = setting("ready_deadline") * MS,
        .stop_deadline_ns = setting("stop_deadline") * MS, .abort_grace_ns = setting("abort_grace") * MS,
        .heartbeat_timeout_ns = setting("heartbeat") * MS, .sync_timeout_ns = setting("sync") * MS,
        .ping_interval_ns = setting("ping_interval") * MS, .ping_timeout_ns = setting("ping_timeout") * MS,
        .backoff_first_ns = setting("backoff_first") * MS, .backoff_max_ns = setting("backoff_max") * MS,
        .deaths_max = (uint32_t)setting("deaths_max"), .death_window_ns = setting("death_window") * MS,
        .storm_deaths_max = (uint32_t)setting("storm_deaths_max"), .storm_window_ns = setting("storm_window") * MS,
        .storm_hold_ns = setting("storm_hold") * MS, .log_bytes_per_turn = (uint32_t)setting("log_per_turn"),
        .log_queue_bytes = (uint32_t)setting("log_queue"), .alerts_per_minute = (uint32_t)setting("alerts_per_minute"),
        .alert_repeat_ns = setting("alert_repeat") * MS,
    };
    FILE *file = open_in(folder, "alert_command"); /* a script of the test */
    if (file) {
        fclose(file);
        snprintf(config.supervisor.alert_command, sizeof config.supervisor.alert_command, "%s/alert_command", folder);
    }
}

static void fill_market(void)
{
    snprintf(config.zones[0].name, sizeof config.zones[0].name, "UTC");
    config.zone_count = 1;
    struct config_instrument *instrument = &config.instruments[0];
    snprintf(instrument->symbol, sizeof instrument->symbol, "EURUSD");
    snprintf(instrument->profit_currency, sizeof instrument->profit_currency, "USD");
    instrument->tick = instrument->contract_size = instrument->lot_min = instrument->lot_step = DEC_ONE;
    instrument->lot_max = 100 * DEC_ONE;
    instrument->margin_rate = instrument->level_size_lots = instrument->catastrophic_move = DEC_ONE;
    instrument->active = true;
    instrument->timeframes = 1;
    instrument->conversion_instrument = CONFIG_NONE;
    instrument->sim_start_price = DEC_ONE;
    config.instrument_count = 1;
    config.feed.source = SOURCE_SIMULATOR;
    snprintf(config.feed.source_name, sizeof config.feed.source_name, "simulator");
    config.feed.live = setting("live") != 0;
    config.feed.exit_at_end = setting("exit_at_end") != 0;
    config.feed.ring_slots = (uint32_t)setting("ring_slots");
    config.feed.history_bars = 4;
    config.coordination = (struct config_coordination){
        .joint_risk_fraction = DEC_ONE / 10, .permit_validity_ns = 1, .round_timeout_ns = 1, .request_timeout_ns = 1};
    config.store.map_bytes = 1 << 20;
}

static void fill_rules(void)
{
    struct config_programme *programme = &config.programmes[0];
    snprintf(programme->firm, sizeof programme->firm, "firm");
    snprintf(programme->name, sizeof programme->name, "programme");
    snprintf(programme->phase, sizeof programme->phase, "evaluation");
    programme->rules.day_count = 1;
    config.programme_count = 1;
    struct config_personality *personality = &config.personalities[0];
    snprintf(personality->name, sizeof personality->name, "calm");
    *personality = (struct config_personality){.name = "calm", .lookback = 20, .atr_period = 14, .stop_atr = 1,
                                               .target_r = 2, .time_stop_ns = 1, .risk_fraction = DEC_ONE / 100, .risk_cap = DEC_ONE / 100, .margin_per_position = DEC_ONE, .margin_total = DEC_ONE,
                                                           .open_risk_max = DEC_ONE / 10, .day_risk_share = DEC_ONE,
                                               .positions_max = 1, .instruments = 1};
    config.personality_count = 1;
}

static void fill_accounts(const char *folder)
{
    char line[128], name[CONFIG_NAME_MAX];
    FILE *file = open_in(folder, "accounts");
    while (file && fgets(line, sizeof line, file) && config.account_count < CONFIG_ACCOUNTS_MAX) {
        unsigned salt = 0;
        if (sscanf(line, "%31s %u", name, &salt) < 1)
            continue;
        struct config_account *account = &config.accounts[config.account_count++];
        snprintf(account->name, sizeof account->name, "%s", name);
        snprintf(account->currency, sizeof account->currency, "USD");
        account->initial_balance = 1000 * DEC_ONE;
        account->paper.stale_ns = 1;
        account->digest = hash_combine(hash_bytes(name, strlen(name), 0), salt);
    }
    if (file)
        fclose(file);
}

static int print_errors(const char *folder)
{
    char line[256];
    FILE *file = open_in(folder, "errors");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        fputs(line, stderr);
    fclose(file);
    return EXIT_CONFIG;
}

int main(int argc, char **argv)
{
    const char *folder = NULL, *state = "/nowhere", *runtime = "/nowhere";
    int out_fd = -1;
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--config") == 0)
            folder = argv[i + 1];
        else if (strcmp(argv[i], "--state") == 0)
            state = argv[i + 1];
        else if (strcmp(argv[i], "--runtime") == 0)
            runtime = argv[i + 1];
        else if (strcmp(argv[i], "--out-fd") == 0)
            out_fd = atoi(argv[i + 1]);
    }
    if (!folder || out_fd < 0)
        return EXIT_USAGE;
    if (print_errors(folder) != 0)
        return EXIT_CONFIG;
    read_settings(folder);
    snprintf(config.owner, sizeof config.owner, "nobody");
    snprintf(config.config_dir, sizeof config.config_dir, "%s", folder);
    snprintf(config.state_dir, sizeof config.state_dir, "%s", state);
    snprintf(config.runtime_dir, sizeof config.runtime_dir, "%s", runtime);
    config.log_level = 3;
    fill_supervisor(folder);
    fill_market();
    fill_rules();
    fill_accounts(folder);
    config_stamp(&config);
    return write(out_fd, &config, sizeof config) == (ssize_t)sizeof config ? EXIT_DONE : EXIT_NO;
}
