/* archive: what the feed remembers over its own death: bar history, hours of the week, position. One LMDB environment,
 * state_dir/feed, under the folder's lock.
 *
 * The shared-memory history is filled from it when a feed starts, and written to it in batches (ARCHIVE_INTERVAL_NS):
 * STORE_CRASH in a replay, STORE_POWER live. A series stands on its own in it: what is stored of one may be ahead of
 * another's by a part of a batch, and of the readers' position by all that they had not made durable. So whoever plays
 * the sequence again hands over every bar, and those that a series has already are passed over: nothing is there twice.
 * What was not stored yet comes again with the sequence: nothing is missing.
 *
 * The position is a record's number, with a digest of all records up to it: a sequence that is played again must pass
 * it with the same digest (archive_check), or the data are not those that the accounts have seen.
 *
 * The store never holds the market up. What it cannot take now (disk full) it takes later; when it fails for good the feed
 * goes on with the history in memory alone. archive_problem says so.
 *
 * Tables: meta (1: identity; 2: position) · series (instrument * TIMEFRAME_COUNT + timeframe -> count) ·
 * bars (series << 32 | block of the ring -> its bars) · hours (instrument * 168 + hour -> count and slots).
 */
#ifndef PROPFLEET_WORKERS_FEED_ARCHIVE_H
#define PROPFLEET_WORKERS_FEED_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "shm/history.h"
#include "workers/feed/builder.h"
#include "workers/feed/season.h"

struct error;
struct store;

#define ARCHIVE_VERSION 1u
#define ARCHIVE_FOLDER_NAME "feed" /* in the state folder */
#define ARCHIVE_INTERVAL_NS (INT64_C(1000) * 1000000)

struct archive_position {
    uint64_t seq;      /* of the last record; 0: none */
    int64_t time_ns;
    uint64_t digest;   /* of the records base + 1 .. seq */
    uint64_t base;     /* record n of the source's sequence has number base + n */
    /* Live at speed 1: market time = anchor_market + (wall - anchor_wall). 0: not anchored. */
    int64_t anchor_market_ns, anchor_wall_ns;
};

/* What the stored history is of, compared with the configuration. */
enum archive_match {
    ARCHIVE_NEW,   /* nothing is stored */
    ARCHIVE_SAME,
    ARCHIVE_OTHER, /* of another source, seed, span, set of instruments or timeframes */
};

struct archive {
    struct archive_position position; /* of the records handed over */
    struct archive_position stored;   /* what the store holds; seq 0: none */
    enum archive_match match;
    char source_name[CONFIG_NAME_MAX]; /* that what is stored is of */
    uint64_t commits, problems;
    /* private: */
    const struct fleet_config *config;
    struct store *store; /* NULL: closed, or failed for good */
    int lock_fd;
    bool power;
    uint64_t fingerprint;
    struct history *history;
    struct season season;
    uint64_t newest[CONFIG_INSTRUMENTS_MAX][TIMEFRAME_COUNT];    /* seq of the newest bar */
    uint64_t saved[CONFIG_INSTRUMENTS_MAX][TIMEFRAME_COUNT];     /* bars that the store has */
    uint64_t newest_hour[CONFIG_INSTRUMENTS_MAX][HISTORY_WEEK_HOURS];
    uint64_t saved_hour[CONFIG_INSTRUMENTS_MAX][HISTORY_WEEK_HOURS];
    bool stored_shape; /* the store's identity is written and fits */
    char problem[256];
};

/* Takes the lock and opens the store; nothing is loaded yet. 0, or a negative code with err set:
 *   -EWOULDBLOCK       another process holds the folder: try later
 *   -EPROTO, -EINVAL   written by a newer program, or no store of a feed: never
 * A damaged store is set aside (data.mdb.damaged) and a new one begun; one that cannot be opened for another reason (disk
 * full, device) is gone without, with archive_problem set. `config` is borrowed. */
int archive_open(struct archive *archive, const struct fleet_config *config, struct error *err);
/* Commits what is left, and closes. */
void archive_close(struct archive *archive);

/* Begin with nothing, numbers from base + 1 on: what is stored is of no use. */
void archive_begin(struct archive *archive, struct history *history, uint64_t base);
/* Fill the empty history from the store (match is ARCHIVE_SAME) and go on with its numbers. A series that is damaged is
 * left empty. */
void archive_resume(struct archive *archive, struct history *history);

/* Record number `seq`, the next one (position.seq + 1): into history and seasons unless they have it, into the digest. */
void archive_take(struct archive *archive, const struct feed_item *item);
/* False when the record just taken has the stored position's number and the digest is another one. */
bool archive_check(const struct archive *archive);

/* Market time is bound to the wall clock; stored with the next commit. */
void archive_anchor(struct archive *archive, int64_t market_ns, int64_t wall_ns);

/* Store what is new since the last time, if the position is beyond the stored one (it never goes back). */
void archive_commit(struct archive *archive);
/* Empty: all is well. Set when something is wrong; the text stays until it is well again. */
const char *archive_problem(const struct archive *archive);

/* Of all that decides what the records are. Folders are left out: data may be moved. */
uint64_t archive_fingerprint(const struct fleet_config *config);

#endif
