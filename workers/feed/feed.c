#include "workers/feed/feed.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/error.h"
#include "base/log.h"
#include "shm/history.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "workers/child/child.h"
#include "workers/feed/merge.h"
#include "workers/feed/pace.h"
#include "workers/feed/readers.h"

#define BATCH_RECORDS 256u                           /* published between two looks at sleepers */
#define FORWARD_RECORDS 4096u                        /* run without publishing between two looks at the channel */
#define TURN_NS (2 * CLOCK_NS_PER_MS)                /* the channel is looked at so often while records flow */
#define WAIT_MAX_NS (50 * CLOCK_NS_PER_MS)           /* one wait: the heartbeat goes on */
#define HOLD_WAIT_NS (200 * INT64_C(1000))           /* between two looks at the claims that hold a replay */
#define CLAIM_WAIT_NS (1 * CLOCK_NS_PER_MS)          /* before the first record */
#define STATUS_NS (100 * CLOCK_NS_PER_MS)
#define MESSAGES_A_TURN 64

struct feed {
    struct child child;
    const struct config_feed *config;
    struct readers readers;
    struct merge *merge;
    struct pace pace;
    struct clock clock;
    struct history *history;
    void *ring_memory;
    struct ring_writer ring;
    uint32_t ring_slots;
    uint64_t seq;             /* of the last record of the sequence that was run */
    uint64_t wake_seq;        /* the head, as far as sleepers are concerned */
    uint64_t limit;           /* a replay publishes no record beyond */
    int64_t market_ns;
    int64_t now_ns, turn_ns, status_ns;
    uint64_t status_seq;
    bool go, stop;
};

/* --- turns ------------------------------------------------------------------------------------------------ */

static void publish_status(struct feed *f, bool now)
{
    int64_t since = f->now_ns - f->status_ns;
    if (!now && since < STATUS_NS)
        return;
    struct cell_payload *status = &f->child.status;
    if (f->merge)
        merge_rows(f->merge, &status->rows_read, &status->rows_bad);
    status->head_seq = f->seq;
    status->market_time_ns = f->market_ns;
    if (since > 0 && f->status_ns != 0)
        status->records_per_s = (uint64_t)((double)(f->seq - f->status_seq) * 1e9 / (double)since);
    f->status_ns = f->now_ns;
    f->status_seq = f->seq;
    child_publish(&f->child);
}

static void act_on(struct feed *f, struct control_message *message)
{
    switch (message->type) {
    case CONTROL_PEER:
        readers_peer(&f->readers, message);
        break;
    case CONTROL_GO:
        f->go = true;
        break;
    case CONTROL_STOP:
        f->stop = true;
        break;
    case CONTROL_CONFIG: /* only who reads may differ, and that comes with PEER */
        break;
    default:
        log_warning("control message %u is not for a feed", message->type);
    }
    control_close_fds(message);
}

/* Heartbeat, control channel, status. Never waits. */
static void turn(struct feed *f)
{
    struct control_message message;
    f->now_ns = f->clock.mono_ns(&f->clock);
    f->turn_ns = f->now_ns;
    (void)child_turn(&f->child);
    for (int i = 0; i < MESSAGES_A_TURN && child_handle(&f->child, &message) == 1; i++)
        act_on(f, &message);
    publish_status(f, false);
}

/* Sleep for at most `ns`, or until the supervisor says something; then a turn. Whoever sleeps was woken first. */
static void wait_turn(struct feed *f, int64_t ns)
{
    struct pollfd channel = {.fd = CONTROL_FD, .events = POLLIN};
    if (ns > WAIT_MAX_NS)
        ns = WAIT_MAX_NS;
    if (ns > 0) {
        struct timespec timeout = {.tv_sec = 0, .tv_nsec = (long)ns};
        readers_wake(&f->readers, f->wake_seq, f->now_ns, true);
        (void)ppoll(&channel, 1, &timeout, NULL); /* an error or a signal is a turn too early, no more */
    }
    turn(f);
}

/* --- the sequence ------------------------------------------------------------------------------------------- */

static void remember(struct feed *f, const struct feed_item *item)
{
    const struct market_record *r = &item->record;
    const struct history_bar bar = {
        .seq = f->seq,
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
    history_append(f->history, r->instrument, (enum market_timeframe)r->timeframe, &bar);
}

/* The next record of the sequence; it has number f->seq, and the history has its bar. False: the end. */
static bool next_record(struct feed *f, struct feed_item *item)
{
    struct error err = {0};
    int result = merge_next(f->merge, item, &err);
    if (result < 0)
        child_fatal(&f->child, CHILD_EXIT_NEVER, "%s", err.text);
    if (result == 0)
        return false;
    f->market_ns = item->record.time_ns;
    return true;
}

/* A bar is in the history before its record is in the ring: whoever has read the record finds it. */
static void take(struct feed *f, const struct feed_item *item)
{
    f->seq++;
    if (item->record.kind == MARKET_BAR)
        remember(f, item);
}

/* Run up to and including record `last` without publishing. False: stopped. */
static bool run_forward(struct feed *f, uint64_t last)
{
    struct feed_item item;
    while (f->seq < last && !f->stop) {
        if (!next_record(f, &item))
            child_fatal(&f->child, CHILD_EXIT_NEVER,
                        "the accounts stand at record %" PRIu64 ", the source \"%s\" has only %" PRIu64
                        ": their state is of another source",
                        last, f->config->source_name, f->seq);
        take(f, &item);
        if (f->seq % FORWARD_RECORDS == 0)
            turn(f);
    }
    return !f->stop;
}

/* --- start ---------------------------------------------------------------------------------------------------- */

static void map_segments(struct feed *f)
{
    struct error err = {0};
    size_t size = 0;
    void *memory = NULL;
    uint32_t instruments = f->child.config->instrument_count;
    f->ring_slots = f->config->ring_slots;
    if (segment_map_owner(RING_FD, ring_size_bytes(f->ring_slots), &f->ring_memory, &size, &err) != 0)
        child_fatal(&f->child, CHILD_EXIT_NEVER, "market ring: %s", err.text);
    if (segment_map_owner(HISTORY_FD, history_size_bytes(instruments, f->config->history_bars), &memory, &size,
                          &err) != 0)
        child_fatal(&f->child, CHILD_EXIT_NEVER, "bar history: %s", err.text);
    f->history = history_init(memory, instruments, f->config->history_bars, f->child.generation);
}

static void turn_of(void *feed)
{
    turn(feed);
}

static void open_sources(struct feed *f)
{
    struct error err = {0};
    const struct source_progress progress = {turn_of, f};
    f->merge = merge_open(f->child.config, &progress, &err);
    if (!f->merge)
        child_fatal(&f->child, CHILD_EXIT_NEVER, "%s", err.text);
}

/* GO: every wanted account is announced. Replay: and has claimed. False: stopped. */
static bool wait_for_readers(struct feed *f)
{
    while (!f->stop && !(f->go && (f->config->live || readers_claimed(&f->readers, false))))
        wait_turn(f, f->go ? CLAIM_WAIT_NS : WAIT_MAX_NS);
    return !f->stop;
}

static uint64_t first_record(struct feed *f)
{
    uint64_t claim = 0;
    if (f->config->live)
        return readers_greatest_consumed(&f->readers) + 1;
    return readers_least_claim(&f->readers, &claim) ? claim + 1 : 1;
}

/* Replay: until each has a number. False: stopped. */
static bool wait_to_publish(struct feed *f)
{
    while (!f->stop && !f->config->live && !readers_claimed(&f->readers, true))
        wait_turn(f, CLAIM_WAIT_NS);
    return !f->stop;
}

/* False: stopped. */
static bool start(struct feed *f)
{
    if (!wait_for_readers(f))
        return false;
    uint64_t first = first_record(f);
    if (!run_forward(f, first - 1))
        return false;
    ring_writer_init(&f->ring, f->ring_memory, f->ring_slots, f->child.generation, first);
    CRASHPOINT("feed_mapped");
    child_say(&f->child, CONTROL_MAPPED, 1, 0);
    log_info("source \"%s\", first record %" PRIu64 ", ring of %u", f->config->source_name, first, f->ring_slots);
    if (!wait_to_publish(f))
        return false;
    child_say(&f->child, CONTROL_READY, 0, 0);
    return true;
}

/* --- publishing ------------------------------------------------------------------------------------------------- */

static uint64_t find_limit(struct feed *f)
{
    uint64_t claim, oldest = f->seq >= f->ring_slots ? f->seq - f->ring_slots : 0;
    uint64_t room = f->ring_slots - FEED_RING_MARGIN;
    if (f->config->live)
        return UINT64_MAX;
    /* Nobody holds: look again soon, or who claims the head now would be overtaken before he is seen. */
    if (!readers_hold(&f->readers, oldest, &claim))
        return f->seq + room / 4;
    return claim > UINT64_MAX - room ? UINT64_MAX : claim + room;
}

/* Until the next record has room. False: stopped. The limit is looked up again only when it is reached, and at
 * each turn, since a reader that joins or restarts may have lowered it. */
static bool wait_for_room(struct feed *f)
{
    while (f->seq >= f->limit && !f->stop) {
        f->limit = find_limit(f);
        if (f->seq >= f->limit)
            wait_turn(f, HOLD_WAIT_NS);
    }
    return !f->stop;
}

/* Until the instant is due. False: stopped. */
static bool wait_for_instant(struct feed *f, const struct market_record *r)
{
    if (r->flags & MARKET_WARMUP)
        return !f->stop; /* the past is shown at once */
    f->now_ns = f->clock.mono_ns(&f->clock);
    int64_t due_ns = pace_due(&f->pace, r->time_ns, f->now_ns);
    while (f->now_ns < due_ns && !f->stop)
        wait_turn(f, due_ns - f->now_ns);
    return !f->stop;
}

static void after_batch(struct feed *f)
{
    f->now_ns = f->clock.mono_ns(&f->clock);
    readers_wake(&f->readers, f->wake_seq, f->now_ns, false);
    if (f->now_ns - f->turn_ns < TURN_NS)
        return;
    turn(f);
    f->limit = find_limit(f);
}

static void publish(struct feed *f, struct feed_item *item)
{
    take(f, item);
    CRASHPOINT("feed_remembered");
    if (f->config->live && item->record.kind == MARKET_END) /* so that readers can say how late they are */
        item->record.u.end.published_ns = f->clock.mono_ns(&f->clock);
    uint64_t seq = ring_publish(&f->ring, &item->record);
    assert(seq == f->seq);
    f->wake_seq = seq;
    CRASHPOINT("feed_published");
}

/* All records to the end of the source. False: stopped. */
static bool publish_all(struct feed *f)
{
    struct feed_item item;
    int64_t instant_ns = INT64_MIN;
    unsigned batch = 0;
    bool paced = f->pace.speed > 0;
    while (!f->stop && next_record(f, &item)) {
        if (!wait_for_room(f))
            return false;
        if (paced && item.record.time_ns != instant_ns && !wait_for_instant(f, &item.record))
            return false;
        instant_ns = item.record.time_ns;
        publish(f, &item);
        bool instant_over = item.record.kind == MARKET_END;
        if (++batch >= BATCH_RECORDS || (instant_over && f->config->live)) {
            after_batch(f);
            batch = 0;
        }
    }
    return !f->stop;
}

static void finish(struct feed *f)
{
    ring_close(&f->ring);
    f->now_ns = f->clock.mono_ns(&f->clock);
    publish_status(f, true);
    f->wake_seq = f->seq + 1; /* the end is news, too */
    readers_wake(&f->readers, f->wake_seq, f->now_ns, true);
    log_info("the source has ended at record %" PRIu64 "; %" PRIu64 " rows read, %" PRIu64 " bad", f->seq,
             f->child.status.rows_read, f->child.status.rows_bad);
    child_say(&f->child, CONTROL_DONE, 0, 0);
    while (!f->stop)
        wait_turn(f, WAIT_MAX_NS); /* wakes late joiners, too */
}

int feed_main(int argc, char **argv)
{
    static struct feed f;
    child_init(&f.child, PROCESS_FEED, argc, argv);
    (void)prctl(PR_SET_TIMERSLACK, 1UL); /* 50 us by default, as long as the waits here */
    f.config = &f.child.config->feed;
    f.pace = (struct pace){.speed = f.config->speed, .may_slip = !f.config->live};
    clock_init_real(&f.clock);
    readers_init(&f.readers, f.config->live);
    map_segments(&f);
    open_sources(&f);
    turn(&f);
    if (start(&f) && publish_all(&f))
        finish(&f);
    publish_status(&f, true);
    merge_close(&f.merge);
    readers_fini(&f.readers);
    return CHILD_EXIT_OK;
}
