#include "tests/unit/feed_support.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

#include "base/error.h"
#include "base/hash.h"

static char folder[64];
static pid_t owner;

static void die(const char *what)
{
    fprintf(stderr, "feed_support: %s\n", what);
    abort();
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void remove_folder(void)
{
    if (folder[0] && getpid() == owner)
        (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *support_path(const char *name)
{
    static char paths[16][128];
    static unsigned at;
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/tmp/propfleet-feed-XXXXXX");
        if (!mkdtemp(folder))
            die("mkdtemp");
        owner = getpid();
        atexit(remove_folder);
    }
    char *path = paths[at++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

const char *support_write(const char *name, const char *text)
{
    const char *path = support_path(name);
    FILE *out = fopen(path, "w");
    if (!out || fputs(text, out) < 0 || fclose(out) != 0)
        die(path);
    return path;
}

const char *support_write_gz(const char *name, const char *text)
{
    const char *path = support_path(name);
    gzFile out = gzopen(path, "wb");
    if (!out || gzwrite(out, text, (unsigned)strlen(text)) != (int)strlen(text) || gzclose(out) != Z_OK)
        die(path);
    return path;
}

/* What a feed does not look at, but config_map does. */
static void fill_the_rest(struct fleet_config *config)
{
    snprintf(config->config_dir, sizeof config->config_dir, "/");
    snprintf(config->state_dir, sizeof config->state_dir, "%s", support_path("state"));
    snprintf(config->runtime_dir, sizeof config->runtime_dir, "/");
    config->coordination = (struct config_coordination){
        .permit_validity_ns = SUPPORT_S, .round_timeout_ns = SUPPORT_S, .request_timeout_ns = SUPPORT_S};
    config->store = (struct config_store){.map_bytes = 1 << 20};
    config->supervisor = (struct config_supervisor){
        .start_deadline_ns = SUPPORT_S, .ready_deadline_ns = SUPPORT_S, .stop_deadline_ns = SUPPORT_S,
        .abort_grace_ns = SUPPORT_S, .heartbeat_timeout_ns = SUPPORT_S, .sync_timeout_ns = SUPPORT_S,
        .ping_interval_ns = SUPPORT_S, .ping_timeout_ns = SUPPORT_S, .backoff_max_ns = SUPPORT_S, .deaths_max = 1,
        .death_window_ns = SUPPORT_S, .storm_deaths_max = 1, .storm_window_ns = SUPPORT_S, .log_bytes_per_turn = 1,
        .log_queue_bytes = 1, .alert_repeat_ns = SUPPORT_S};
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        struct config_instrument *c = &config->instruments[i];
        snprintf(c->profit_currency, sizeof c->profit_currency, "USD");
        c->contract_size = c->lot_min = c->lot_step = c->lot_max = c->level_size_lots = DEC_ONE;
        c->margin_rate = c->catastrophic_move = DEC_ONE / 10;
    }
}

struct fleet_config *support_config(uint32_t instruments)
{
    static const char *const zones[SUPPORT_ZONES] = {"UTC", "America/New_York", "Europe/Prague"};
    static struct fleet_config config;
    memset(&config, 0, sizeof config);
    config.zone_count = SUPPORT_ZONES;
    for (unsigned i = 0; i < SUPPORT_ZONES; i++)
        if (tz_load(zones[i], &config.zones[i], NULL) != 0)
            die(zones[i]);
    config.instrument_count = instruments;
    config.log_level = 1;
    config.feed = (struct config_feed){
        .source = SOURCE_DATASET,
        .source_name = "test",
        .ring_slots = 1024,
        .history_bars = 512,
        .sim_timeframe = TIMEFRAME_M1,
        .sim_start_ns = SUPPORT_MONDAY_S * SUPPORT_S,
        .day_zone = SUPPORT_NEW_YORK,
        .day_start_s = 17 * 3600,
    };
    for (uint32_t i = 0; i < instruments; i++) {
        struct config_instrument *c = &config.instruments[i];
        snprintf(c->symbol, sizeof c->symbol, "I%u", i);
        c->active = true;
        c->timeframes = (1u << TIMEFRAME_COUNT) - 1;
        c->tick = 1000;
        c->spread_ticks = 10 * DEC_ONE;
        c->session_zone = SUPPORT_NEW_YORK;
        c->session_open_s = c->session_close_s = 17 * 3600;
        c->closed_weekend = true;
        c->conversion_instrument = CONFIG_NONE;
    }
    fill_the_rest(&config);
    return &config;
}

struct fleet_config *support_simulator(uint64_t seed, uint32_t days)
{
    static const struct {
        uint32_t class;
        dec_t tick, price;
        double volatility, loading[3];
    } markets[6] = {
        {ASSET_FX, 1000, 110000000, 0.08, {0.8, 0.1, 0.1}},
        {ASSET_FX, 1000, 127000000, 0.09, {0.75, 0.2, 0.1}},
        {ASSET_FX, 100000, 14500000000, 0.09, {-0.6, 0.3, -0.3}},
        {ASSET_METAL, 1000000, 205000000000, 0.15, {0.4, -0.1, 0.5}},
        {ASSET_INDEX, 1000000, 470000000000, 0.16, {0.1, 0.85, 0.0}},
        {ASSET_CRYPTO, 1000000, 4300000000000, 0.55, {0.05, 0.4, 0.1}},
    };
    struct fleet_config *config = support_config(6);
    config->feed.source = SOURCE_SIMULATOR;
    config->feed.sim_seed = seed;
    config->feed.sim_days = days;
    for (unsigned i = 0; i < 6; i++) {
        struct config_instrument *c = &config->instruments[i];
        c->asset_class = markets[i].class;
        c->tick = markets[i].tick;
        c->sim_start_price = markets[i].price;
        c->sim_volatility_year = markets[i].volatility;
        c->sim_jumps_year = 10;
        memcpy(c->sim_loading, markets[i].loading, sizeof c->sim_loading);
        if (i >= 3)
            c->session_open_s = 18 * 3600; /* an hour's break */
    }
    config->instruments[5].closed_weekend = false;
    config->instruments[5].session_open_s = config->instruments[5].session_close_s = 0;
    return config;
}

void support_bars(struct fleet_config *config, uint32_t index, const char *name, int64_t start_s, int64_t step_s,
                  uint32_t rows, uint64_t seed)
{
    struct config_instrument *c = &config->instruments[index];
    const char *path = support_path(name);
    FILE *out = fopen(path, "w");
    int price = 110000;
    if (!out)
        die(path);
    fputs("epoch_s,open,high,low,close,volume\n", out);
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t h = hash_combine(seed, i);
        int close = price + (int)(h % 21) - 10, top = (close > price ? close : price) + (int)(h >> 8 & 7);
        int bottom = (close < price ? close : price) - (int)(h >> 16 & 7);
        fprintf(out, "%" PRId64 ",%d.%05d,%d.%05d,%d.%05d,%d.%05d,%u\n", start_s + (int64_t)i * step_s, price / 100000,
                price % 100000, top / 100000, top % 100000, bottom / 100000, bottom % 100000, close / 100000,
                close % 100000, (unsigned)(h >> 32) % 1000 + 1);
        price = close < 80000 ? 110000 : close;
    }
    if (fclose(out) != 0)
        die(path);
    c->file_kind = FILE_BARS;
    c->file_timeframe = step_s == 60 ? TIMEFRAME_M1 : step_s == 300 ? TIMEFRAME_M5 : step_s == 900 ? TIMEFRAME_M15 : TIMEFRAME_H1;
    snprintf(c->file_path, sizeof c->file_path, "%s", path);
}

int64_t support_now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SUPPORT_S + t.tv_nsec;
}
