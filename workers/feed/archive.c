#include "workers/feed/archive.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crashpoint.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "workers/store/store.h"

enum { TABLE_META, TABLE_SERIES, TABLE_BARS, TABLE_HOURS, TABLE_COUNT };
static const char *const tables[TABLE_COUNT] = {"meta", "series", "bars", "hours"};
#define KEY_IDENTITY 1u
#define KEY_POSITION 2u
#define KIND "feed"
#define BLOCK_BARS 56u /* a row fills a page of LMDB's own */
#define BATCH_ROOM_LEAST 8192u /* a batch with less room than this is committed before more is put */

struct identity_row {
    uint32_t version, instrument_count, capacity, hour_slots;
    uint64_t fingerprint;
    char source_name[CONFIG_NAME_MAX];
};

/* Bars first .. first + BLOCK_BARS - 1 of a series; those over its count are zero. */
struct block_row {
    uint64_t first;
    struct history_bar bars[BLOCK_BARS];
};

struct hours_row {
    uint64_t count;
    struct history_hour hours[HISTORY_HOUR_SLOTS]; /* number n in slot n % HISTORY_HOUR_SLOTS */
};
static_assert(sizeof(struct block_row) <= BATCH_ROOM_LEAST / 2 && sizeof(struct hours_row) <= BATCH_ROOM_LEAST / 2,
              "a row and its head fit");
static_assert(BLOCK_BARS >= HISTORY_CAPACITY_MIN, "a ring of blocks holds the capacity");

/* --- what the records depend on ------------------------------------------------------------------------------- */

static uint64_t hash_zone(const struct fleet_config *config, uint32_t zone, uint64_t h)
{
    return hash_bytes(&config->zones[zone], sizeof config->zones[zone], h);
}

static uint64_t hash_name(const char *path, uint64_t h)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return hash_bytes(name, strlen(name) + 1, h);
}

#define HASH(field) h = hash_bytes(&(field), sizeof(field), h)

static uint64_t hash_instrument(const struct fleet_config *config, const struct config_instrument *c, uint64_t h)
{
    HASH(c->symbol);
    HASH(c->active);
    if (!c->active)
        return h;
    HASH(c->tick);
    HASH(c->spread_ticks);
    HASH(c->timeframes);
    if (config->feed.source != SOURCE_SIMULATOR) {
        HASH(c->file_kind);
        HASH(c->file_timeframe);
        HASH(c->price_kind);
        HASH(c->file_from_ns);
        HASH(c->file_to_ns);
        return hash_name(c->spread_path, hash_name(c->file_path, h));
    }
    HASH(c->asset_class);
    HASH(c->session_open_s);
    HASH(c->session_close_s);
    HASH(c->closed_weekend);
    HASH(c->sim_start_price);
    HASH(c->sim_volatility_year);
    HASH(c->sim_loading);
    HASH(c->sim_jumps_year);
    return hash_zone(config, c->session_zone, h);
}

uint64_t archive_fingerprint(const struct fleet_config *config)
{
    const struct config_feed *f = &config->feed;
    uint64_t h = hash_bytes(f->source_name, strlen(f->source_name) + 1, 0);
    HASH(f->source);
    HASH(f->from_ns);
    HASH(f->to_ns);
    HASH(f->warmup_bars);
    HASH(f->day_start_s);
    h = hash_zone(config, f->day_zone, h);
    if (f->source == SOURCE_SIMULATOR) {
        HASH(f->sim_seed);
        HASH(f->sim_timeframe);
        HASH(f->sim_start_ns);
        HASH(f->sim_days);
        HASH(f->sim_quotes);
    }
    for (uint32_t i = 0; i < config->instrument_count; i++)
        h = hash_instrument(config, &config->instruments[i], h);
    return h;
}

/* The number is left out: a source that is begun anew has others. Words, not bytes: it runs over every record. */
static uint64_t digest_record(uint64_t digest, const struct feed_item *item)
{
    uint64_t words[sizeof item->record / 8];
    memcpy(words, &item->record, sizeof words);
    for (size_t i = 1; i < sizeof words / sizeof words[0]; i++) {
        digest = (digest ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        digest ^= digest >> 32;
    }
    return digest;
}

/* --- problems ---------------------------------------------------------------------------------------------------- */

static void complain(struct archive *a, const char *doing, const struct error *err)
{
    if (!a->problem[0])
        a->problems++;
    snprintf(a->problem, sizeof a->problem, "%s: %.180s", doing, err->text);
}

const char *archive_problem(const struct archive *a)
{
    return a->problem;
}

/* Nothing more is written; the next feed tries again. */
static void give_up(struct archive *a, const struct error *err)
{
    complain(a, "the bar history is kept in memory only until the feed is started anew", err);
    store_close(&a->store);
}

/* --- open and close ------------------------------------------------------------------------------------------------ */

static void folder_of(const struct fleet_config *config, char *out, size_t size)
{
    snprintf(out, size, "%s/" ARCHIVE_FOLDER_NAME, config->state_dir);
}

static int open_store(struct archive *a, const char *folder, struct error *err)
{
    const struct store_options options = {.folder = folder, .kind = KIND, .tables = tables, .table_count = TABLE_COUNT,
                                          .map_bytes = a->config->store.map_bytes};
    return store_open(&options, &a->store, err);
}

/* Damage is kept for whoever wants to look at it. lock.mdb is nobody's: the folder's lock is ours. */
static int set_aside(struct archive *a, const char *folder, struct error *err)
{
    char from[CONFIG_PATH_MAX + 64], to[CONFIG_PATH_MAX + 64];
    log_warning("%s; it is set aside as data.mdb.damaged, the history begins anew", err->text);
    snprintf(from, sizeof from, "%s/data.mdb", folder);
    snprintf(to, sizeof to, "%s/data.mdb.damaged", folder);
    if (rename(from, to) != 0)
        return error_errno(err, errno, "set %s aside", from);
    snprintf(from, sizeof from, "%s/lock.mdb", folder);
    (void)unlink(from);
    return open_store(a, folder, err);
}

static bool row_read(struct archive *a, uint32_t table, uint64_t key, void *row, size_t size)
{
    size_t length = 0;
    return store_get(a->store, table, key, row, size, &length) == 0 && length == size;
}

/* Who wrote it and for what, and where it stands. */
static int look(struct archive *a, const char *folder, struct error *err)
{
    struct identity_row row;
    size_t length = 0;
    int rc = store_get(a->store, TABLE_META, KEY_IDENTITY, &row, sizeof row, &length);
    if (rc == -ENOENT)
        return 0;
    if (rc != 0 || length < sizeof row.version)
        return error_set(err, EBADMSG, "%s: its first row can not be read", folder);
    if (row.version > ARCHIVE_VERSION)
        return error_set(err, EPROTO, "%s: version %u, this program knows up to %u; use the newer program, or remove the folder",
                         folder, row.version, ARCHIVE_VERSION);
    if (length != sizeof row || memchr(row.source_name, 0, sizeof row.source_name) == NULL)
        return error_set(err, EBADMSG, "%s: its first row is none of ours", folder);
    memcpy(a->source_name, row.source_name, sizeof a->source_name);
    bool whole = row_read(a, TABLE_META, KEY_POSITION, &a->stored, sizeof a->stored) && a->stored.seq >= a->stored.base;
    if (!whole)
        a->stored = (struct archive_position){0};
    a->match = row.fingerprint == a->fingerprint ? ARCHIVE_SAME : ARCHIVE_OTHER;
    a->stored_shape = a->match == ARCHIVE_SAME && row.instrument_count == a->config->instrument_count &&
                      row.capacity == a->config->feed.history_bars && row.hour_slots == HISTORY_HOUR_SLOTS;
    return 0;
}

int archive_open(struct archive *a, const struct fleet_config *config, struct error *err)
{
    char folder[CONFIG_PATH_MAX + 16];
    *a = (struct archive){.config = config, .power = config->feed.live, .lock_fd = -1};
    a->fingerprint = archive_fingerprint(config);
    folder_of(config, folder, sizeof folder);
    a->lock_fd = store_lock(folder, err);
    if (a->lock_fd == -EWOULDBLOCK)
        return a->lock_fd;
    int rc = a->lock_fd < 0 ? a->lock_fd : open_store(a, folder, err);
    if (rc == 0)
        rc = look(a, folder, err);
    if (rc == -EBADMSG) {
        store_close(&a->store);
        rc = set_aside(a, folder, err);
    }
    if (rc == 0)
        return 0;
    if (a->store)
        store_close(&a->store);
    if (rc == -EPROTO || rc == -EINVAL || rc == -ENAMETOOLONG)
        return rc;
    complain(a, "the bar history is kept in memory only until the feed is started anew", err);
    return 0;
}

void archive_close(struct archive *a)
{
    if (a->store) {
        archive_commit(a);
        if (a->store)
            store_close(&a->store);
    }
    if (a->lock_fd >= 0)
        (void)close(a->lock_fd);
    a->lock_fd = -1;
}

/* --- begin and resume ---------------------------------------------------------------------------------------------- */

struct clearing {
    struct archive *archive;
    uint32_t table;
};

static int clear_row(void *context, uint64_t key, const void *data, size_t size)
{
    (void)data, (void)size;
    struct clearing *clearing = context;
    if (store_batch_room(clearing->archive->store) < BATCH_ROOM_LEAST) {
        int rc = store_commit(clearing->archive->store, STORE_CRASH, NULL);
        if (rc != 0)
            return rc;
    }
    store_delete(clearing->archive->store, clearing->table, key);
    return 0;
}

/* All rows go, the first one first: what is left of them after a crash in between belongs to nobody. */
static void clear(struct archive *a)
{
    struct error err = {0};
    struct clearing clearing = {a, TABLE_META};
    int rc = 0;
    for (; clearing.table < TABLE_COUNT && rc == 0; clearing.table++)
        rc = store_scan(a->store, clearing.table, 0, UINT32_MAX, clear_row, &clearing);
    if (rc == 0 && !store_batch_empty(a->store))
        rc = store_commit(a->store, STORE_CRASH, &err);
    if (rc != 0) {
        if (!err.text[0])
            (void)error_errno(&err, -rc, "empty the store");
        give_up(a, &err);
    }
}

void archive_begin(struct archive *a, struct history *history, uint64_t base)
{
    a->history = history;
    season_init(&a->season, a->config);
    a->position = (struct archive_position){.seq = base, .base = base};
    if (a->store)
        clear(a);
    a->stored = (struct archive_position){0};
    a->stored_shape = false;
    a->match = ARCHIVE_NEW;
}

static uint32_t series_key(uint32_t instrument, uint32_t timeframe)
{
    return instrument * TIMEFRAME_COUNT + timeframe;
}

/* Blocks are a ring of their own: one more than the capacity fills, as the newest one may be begun only. */
static uint64_t block_key(const struct archive *a, uint32_t series, uint64_t block)
{
    uint64_t ring = (a->config->feed.history_bars + BLOCK_BARS - 1) / BLOCK_BARS + 1;
    return (uint64_t)series << 32 | block % ring;
}

/* Bars come in order: of numbers, and of what closed them. */
static bool bars_sound(const struct block_row *row, uint32_t from, uint32_t end, uint64_t newest)
{
    for (uint32_t i = from; i < end; newest = row->bars[i++].seq)
        if (row->bars[i].seq <= newest || row->bars[i].open_ns >= row->bars[i].close_ns)
            return false;
    return true;
}

/* False: it cannot be believed. What was appended before stays, it is sound. The oldest blocks may be missing: a batch
 * was committed in parts and the feed died in between. */
static bool load_series(struct archive *a, uint32_t instrument, uint32_t timeframe)
{
    uint64_t count = 0, capacity = a->config->feed.history_bars;
    uint32_t series = series_key(instrument, timeframe);
    size_t length = 0;
    int rc = store_get(a->store, TABLE_SERIES, series, &count, sizeof count, &length);
    if (rc == -ENOENT)
        return true;
    if (rc != 0 || length != sizeof count || count == 0 || count > UINT64_MAX / 2)
        return false;
    uint64_t number = count > capacity ? count - capacity + 1 : 1, next = 0;
    struct block_row row;
    bool begun = false;
    for (; number <= count; number = next) {
        uint64_t block = (number - 1) / BLOCK_BARS;
        next = (block + 1) * BLOCK_BARS + 1;
        bool found = row_read(a, TABLE_BARS, block_key(a, series, block), &row, sizeof row) &&
                     row.first == block * BLOCK_BARS + 1;
        if (!found && !begun)
            continue;
        uint32_t from = (uint32_t)(number - row.first);
        uint32_t end = count - row.first >= BLOCK_BARS ? BLOCK_BARS : (uint32_t)(count - row.first) + 1;
        if (!found || !bars_sound(&row, from, end, a->newest[instrument][timeframe]))
            return false;
        if (!begun)
            history_resume(a->history, instrument, (enum market_timeframe)timeframe, number - 1);
        begun = true;
        for (uint32_t i = from; i < end; i++)
            history_append(a->history, instrument, (enum market_timeframe)timeframe, &row.bars[i]);
        a->newest[instrument][timeframe] = row.bars[end - 1].seq;
    }
    a->saved[instrument][timeframe] = count;
    return begun;
}

static bool hours_sound(const struct hours_row *row, uint32_t week_hour, uint64_t first)
{
    uint64_t newest = 0;
    for (uint64_t n = first; n <= row->count; n++) {
        const struct history_hour *hour = &row->hours[n % HISTORY_HOUR_SLOTS];
        if (hour->seq <= newest || hour->open_ns < 0 || hour->open_ns % (INT64_C(3600) * 1000000000) != 0 ||
            history_week_hour(hour->open_ns) != week_hour)
            return false;
        newest = hour->seq;
    }
    return true;
}

static bool load_hours(struct archive *a, uint32_t instrument, uint32_t week_hour)
{
    struct hours_row row;
    size_t length = 0;
    int rc = store_get(a->store, TABLE_HOURS, instrument * HISTORY_WEEK_HOURS + week_hour, &row, sizeof row, &length);
    if (rc == -ENOENT)
        return true;
    if (rc != 0 || length != sizeof row || row.count == 0 || row.count > UINT64_MAX / 2)
        return false;
    uint64_t first = row.count > HISTORY_HOUR_SLOTS ? row.count - HISTORY_HOUR_SLOTS + 1 : 1;
    if (!hours_sound(&row, week_hour, first))
        return false;
    history_hour_resume(a->history, instrument, week_hour, first - 1);
    for (uint64_t n = first; n <= row.count; n++)
        history_hour_append(a->history, instrument, &row.hours[n % HISTORY_HOUR_SLOTS]);
    a->newest_hour[instrument][week_hour] = row.hours[row.count % HISTORY_HOUR_SLOTS].seq;
    a->saved_hour[instrument][week_hour] = row.count;
    return true;
}

void archive_resume(struct archive *a, struct history *history)
{
    assert(a->match == ARCHIVE_SAME && a->store);
    a->history = history;
    season_init(&a->season, a->config);
    a->position = a->stored;
    a->position.seq = a->stored.base;
    a->position.digest = 0;
    a->position.time_ns = 0;
    if (!a->stored_shape) {
        log_info("the stored bar history has another size and is filled anew");
        struct archive_position stored = a->stored;
        clear(a);
        a->stored = stored;
        return;
    }
    for (uint32_t i = 0; i < a->config->instrument_count; i++) {
        for (uint32_t t = 0; t < TIMEFRAME_COUNT; t++)
            if (!load_series(a, i, t))
                log_warning("the stored %s bars of %s are damaged and are filled anew", timeframe_name((enum market_timeframe)t),
                            a->config->instruments[i].symbol);
        for (uint32_t h = 0; h < HISTORY_WEEK_HOURS; h++)
            if (!load_hours(a, i, h))
                log_warning("the stored volumes of %s, hour %u of the week, are damaged and are filled anew",
                            a->config->instruments[i].symbol, h);
    }
}

/* --- records --------------------------------------------------------------------------------------------------------- */

static void take_bar(struct archive *a, const struct feed_item *item)
{
    const struct market_record *r = &item->record;
    uint64_t *newest = &a->newest[r->instrument][r->timeframe];
    if (a->position.seq <= *newest)
        return;
    *newest = a->position.seq;
    const struct history_bar bar = {
        .seq = a->position.seq,
        .open_ns = item->open_ns,
        .close_ns = r->time_ns,
        .open = r->u.bar.open,
        .high = r->u.bar.high,
        .low = r->u.bar.low,
        .close = r->u.bar.close,
        .volume = r->u.bar.volume,
        .spread_ticks = r->spread_ticks,
        .flags = r->flags,
    };
    history_append(a->history, r->instrument, (enum market_timeframe)r->timeframe, &bar);
}

static void take_hour(struct archive *a, uint32_t instrument, struct history_hour *hour)
{
    uint64_t *newest = &a->newest_hour[instrument][history_week_hour(hour->open_ns)];
    if (a->position.seq <= *newest)
        return;
    *newest = hour->seq = a->position.seq;
    history_hour_append(a->history, instrument, hour);
}

void archive_take(struct archive *a, const struct feed_item *item)
{
    struct history_hour hour;
    uint32_t instrument;
    a->position.seq++;
    a->position.time_ns = item->record.time_ns;
    a->position.digest = digest_record(a->position.digest, item);
    while (season_over(&a->season, item, &instrument, &hour)) /* at most one for each instrument */
        take_hour(a, instrument, &hour);
    season_add(&a->season, item);
    if (item->record.kind == MARKET_BAR)
        take_bar(a, item);
}

bool archive_check(const struct archive *a)
{
    return a->position.seq != a->stored.seq || a->position.digest == a->stored.digest;
}

void archive_anchor(struct archive *a, int64_t market_ns, int64_t wall_ns)
{
    a->position.anchor_market_ns = market_ns;
    a->position.anchor_wall_ns = wall_ns;
}

/* --- commit ------------------------------------------------------------------------------------------------------------ */

static int commit_part(struct archive *a, struct error *err)
{
    CRASHPOINT("feed.before_commit");
    int rc = store_commit(a->store, a->power ? STORE_POWER : STORE_CRASH, err);
    CRASHPOINT("feed.after_commit");
    if (rc == 0)
        a->commits++;
    return rc;
}

static int make_room(struct archive *a, struct error *err)
{
    return store_batch_room(a->store) >= BATCH_ROOM_LEAST ? 0 : commit_part(a, err);
}

/* Everything of the ring that the store does not have, whole blocks and the one begun; then the count. Where the batch
 * is committed between two blocks, the count of what went before is committed with it. */
static int put_series(struct archive *a, uint32_t instrument, uint32_t timeframe, struct error *err)
{
    uint64_t capacity = a->config->feed.history_bars, saved = a->saved[instrument][timeframe];
    uint64_t count = history_count(a->history, instrument, (enum market_timeframe)timeframe);
    uint32_t series = series_key(instrument, timeframe);
    if (count == saved)
        return 0;
    uint64_t held = count > capacity ? count - capacity + 1 : 1;
    uint64_t from = saved + 1 > held ? saved + 1 : held;
    for (uint64_t block = (from - 1) / BLOCK_BARS; block <= (count - 1) / BLOCK_BARS; block++) {
        struct block_row row = {.first = block * BLOCK_BARS + 1};
        for (uint32_t i = 0; i < BLOCK_BARS && row.first + i <= count; i++)
            (void)history_get(a->history, instrument, (enum market_timeframe)timeframe, row.first + i, &row.bars[i]);
        if (store_batch_room(a->store) < BATCH_ROOM_LEAST && row.first > saved + 1) {
            uint64_t before = row.first - 1;
            store_put(a->store, TABLE_SERIES, series, &before, sizeof before);
        }
        int rc = make_room(a, err);
        if (rc != 0)
            return rc;
        store_put(a->store, TABLE_BARS, block_key(a, series, block), &row, sizeof row);
    }
    store_put(a->store, TABLE_SERIES, series, &count, sizeof count);
    a->saved[instrument][timeframe] = count;
    return 0;
}

static int put_hours(struct archive *a, uint32_t instrument, uint32_t week_hour, struct error *err)
{
    struct hours_row row = {.count = history_hour_count(a->history, instrument, week_hour)};
    if (row.count == a->saved_hour[instrument][week_hour])
        return 0;
    uint64_t first = row.count > HISTORY_HOUR_SLOTS ? row.count - HISTORY_HOUR_SLOTS + 1 : 1;
    for (uint64_t n = first; n <= row.count; n++)
        (void)history_hour_get(a->history, instrument, week_hour, n, &row.hours[n % HISTORY_HOUR_SLOTS]);
    int rc = make_room(a, err);
    if (rc != 0)
        return rc;
    store_put(a->store, TABLE_HOURS, instrument * HISTORY_WEEK_HOURS + week_hour, &row, sizeof row);
    a->saved_hour[instrument][week_hour] = row.count;
    return 0;
}

static void put_identity(struct archive *a)
{
    struct identity_row row = {
        .version = ARCHIVE_VERSION,
        .instrument_count = a->config->instrument_count,
        .capacity = a->config->feed.history_bars,
        .hour_slots = HISTORY_HOUR_SLOTS,
        .fingerprint = a->fingerprint,
    };
    memcpy(row.source_name, a->config->feed.source_name, sizeof row.source_name);
    store_put(a->store, TABLE_META, KEY_IDENTITY, &row, sizeof row);
}

/* The position comes last: what it stands for is in the same batch or was committed before. */
static int put_all(struct archive *a, struct error *err)
{
    int rc = 0;
    if (!a->stored_shape)
        put_identity(a);
    for (uint32_t i = 0; i < a->config->instrument_count && rc == 0; i++) {
        for (uint32_t t = 0; t < TIMEFRAME_COUNT && rc == 0; t++)
            rc = put_series(a, i, t, err);
        for (uint32_t h = 0; h < HISTORY_WEEK_HOURS && rc == 0; h++)
            rc = put_hours(a, i, h, err);
    }
    if (rc == 0)
        rc = make_room(a, err);
    if (rc != 0)
        return rc;
    store_put(a->store, TABLE_META, KEY_POSITION, &a->position, sizeof a->position);
    return commit_part(a, err);
}

void archive_commit(struct archive *a)
{
    struct error err = {0};
    if (!a->store || !a->history || a->position.seq <= a->stored.seq)
        return;
    int rc = put_all(a, &err);
    if (rc == 0) {
        if (a->problem[0])
            log_info("the bar history is stored again");
        a->problem[0] = 0;
        a->stored = a->position;
        a->stored_shape = true;
        return;
    }
    store_discard(a->store);
    memset(a->saved, 0, sizeof a->saved); /* some parts of it may be stored: all is put again */
    memset(a->saved_hour, 0, sizeof a->saved_hour);
    a->stored_shape = false;
    if (rc == -ENOSPC || rc == -ENOMEM)
        complain(a, "the bar history is not stored until there is room", &err);
    else
        give_up(a, &err);
}
