#include "workers/feed/feed.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/error.h"
#include "base/log.h"
#include "shm/cell.h"
#include "shm/history.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "workers/child/child.h"
#include "workers/feed/archive.h"
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
    struct archive archive;
    uint64_t problems;        /* of the archive that were told */
    int64_t archived_ns;      /* when it was committed last */
    struct feed_item held;    /* the record that comes next, when it was taken too early */
    bool has_held;
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
    bool saving;              /* READY: what happens from now on is stored */
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

/* What the archive could not do is no reason to stop the market: people are told, once. */
static void tell_problem(struct feed *f)
{
    const char *problem = archive_problem(&f->archive);
    snprintf(f->child.status.text, sizeof f->child.status.text, "%.*s", CELL_TEXT_MAX - 1, problem);
    if (f->problems == f->archive.problems)
        return;
    f->problems = f->archive.problems;
    log_error("%s", problem);
    child_say_text(&f->child, CONTROL_ALERT, 0, 1, problem);
}

/* Live its sync may take some ms, by which the instant that falls due then is late. */
static void save_archive(struct feed *f)
{
    cell_set_syncing(f->child.cell, 1);
    archive_commit(&f->archive);
    cell_set_syncing(f->child.cell, 0);
    f->archived_ns = f->clock.mono_ns(&f->clock);
    tell_problem(f);
}

/* Heartbeat, control channel, status, archive. Never waits for anybody. */
static void turn(struct feed *f)
{
    struct control_message message;
    f->now_ns = f->clock.mono_ns(&f->clock);
    f->turn_ns = f->now_ns;
    (void)child_turn(&f->child);
    for (int i = 0; i < MESSAGES_A_TURN && child_handle(&f->child, &message) == 1; i++)
        act_on(f, &message);
    if (f->saving && f->now_ns - f->archived_ns >= ARCHIVE_INTERVAL_NS)
        save_archive(f);
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

/* The next record of the sequence, which will have number f->seq + 1. False: the end. */
static bool next_record(struct feed *f, struct feed_item *item)
{
    struct error err = {0};
    if (f->has_held) {
        f->has_held = false;
        *item = f->held;
    } else {
        int result = merge_next(f->merge, item, &err);
        if (result < 0)
            child_fatal(&f->child, CHILD_EXIT_NEVER, "%s", err.text);
        if (result == 0)
            return false;
    }
    f->market_ns = item->record.time_ns;
    return true;
}

/* A bar is in the history before its record is in the ring: whoever has read the record finds it. */
static void take(struct feed *f, const struct feed_item *item)
{
    archive_take(&f->archive, item);
    f->seq = f->archive.position.seq;
    if (!archive_check(&f->archive))
        child_fatal(&f->child, CHILD_EXIT_NEVER,
                    "source \"%s\" is not what it was when its records up to %" PRIu64
                    " were published: bring its data back, or begin with a fresh state folder",
                    f->config->source_name, f->seq);
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

/* --- live: the position that is due by the clock ---------------------------------------------------------------- */

/* At another speed the market has no clock, and goes on where it was. */
static bool by_the_clock(const struct feed *f)
{
    return f->config->live && f->config->speed == 1;
}

/* Does the source have records on both sides of the present moment? Reads it up to there. */
static bool source_holds_now(struct feed *f)
{
    struct feed_item item;
    int64_t now_ns = f->clock.wall_ns(&f->clock);
    bool began = false, holds = false;
    for (uint64_t n = 1; !f->stop && !holds && next_record(f, &item); n++) {
        if (item.record.time_ns > now_ns) {
            holds = began;
            break;
        }
        began |= !(item.record.flags & MARKET_WARMUP);
        if (n % FORWARD_RECORDS == 0)
            turn(f);
    }
    merge_close(&f->merge);
    open_sources(f);
    return holds;
}

/* Whatever fell due in the past goes into the history only, by whole instants. False: stopped. */
static bool run_to_the_clock(struct feed *f)
{
    const struct archive_position *p = &f->archive.position;
    struct feed_item item;
    uint64_t before = f->seq;
    int64_t due_ns = INT64_MIN;
    while (!f->stop && next_record(f, &item)) {
        if (item.record.time_ns > due_ns)
            due_ns = p->anchor_market_ns + (f->clock.wall_ns(&f->clock) - p->anchor_wall_ns);
        if (item.record.time_ns > due_ns) {
            f->held = item;
            f->has_held = true;
            break;
        }
        take(f, &item);
        if (f->seq % FORWARD_RECORDS == 0)
            turn(f);
    }
    if (f->seq > before)
        log_info("by the clock %" PRIu64 " records are past, the market goes on behind record %" PRIu64, f->seq - before,
                 f->seq);
    f->now_ns = f->clock.mono_ns(&f->clock);
    f->pace.started = true;
    f->pace.anchor_market_ns = p->anchor_market_ns;
    f->pace.anchor_mono_ns = f->now_ns - (f->clock.wall_ns(&f->clock) - p->anchor_wall_ns);
    return !f->stop;
}

/* The market of a source that holds the present moment is bound to the wall clock, once for all. Another one, recorded
 * earlier, begins when it is played first (wait_for_instant), and goes on from then on, a feed or none. */
static bool find_clock(struct feed *f)
{
    if (!by_the_clock(f))
        return true;
    if (f->archive.position.anchor_wall_ns == 0 && f->seq == f->archive.position.base && source_holds_now(f)) {
        int64_t now_ns = f->clock.wall_ns(&f->clock);
        archive_anchor(&f->archive, now_ns, now_ns);
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

static void open_archive(struct feed *f)
{
    struct error err = {0};
    int result = archive_open(&f->archive, f->child.config, &err);
    bool later = result == -EWOULDBLOCK;
    if (result != 0)
        child_fatal(&f->child, later ? CHILD_EXIT_TRY_LATER : CHILD_EXIT_NEVER, "%s", err.text);
    tell_problem(f);
}

/* GO: every wanted account is announced. Replay: and has claimed. False: stopped. */
static bool wait_for_readers(struct feed *f)
{
    while (!f->stop && !(f->go && (f->config->live || readers_claimed(&f->readers, false))))
        wait_turn(f, f->go ? CLAIM_WAIT_NS : WAIT_MAX_NS);
    return !f->stop;
}

/* Live: no number that anybody has seen is given out again. */
static uint64_t greatest_known(struct feed *f)
{
    uint64_t claim = 0, greatest = readers_greatest_consumed(&f->readers);
    if (readers_greatest_claim(&f->readers, &claim) && claim > greatest)
        greatest = claim;
    return f->archive.stored.seq > greatest ? f->archive.stored.seq : greatest;
}

/* The record after which the market goes on, 0: none. */
static uint64_t last_record(struct feed *f)
{
    uint64_t claim = 0;
    if (f->config->live)
        return greatest_known(f);
    return readers_least_claim(&f->readers, &claim) ? claim : 0;
}

/* The stored history is of another source. Live, a new one begins behind the numbers of the old. Accounts of a replay
 * would go on in another market. */
static void begin_anew(struct feed *f)
{
    uint64_t claim;
    if (!f->config->live && readers_greatest_claim(&f->readers, &claim))
        child_fatal(&f->child, CHILD_EXIT_NEVER,
                    "the state folder is of source \"%s\" with other settings (seed, data, span, instruments, timeframes) "
                    "than \"%s\" has now: bring them back, or begin with a fresh state folder",
                    f->archive.source_name, f->config->source_name);
    log_warning("the stored history is of source \"%s\" with other settings: it begins anew", f->archive.source_name);
    archive_begin(&f->archive, f->history, f->config->live ? greatest_known(f) : 0);
}

/* History and numbers as they were, as far as they are of use. A replay that begins again far behind what is stored
 * (its accounts are new) has no use for bars that lie in its future: they would have pushed out its past. */
static void resume_archive(struct feed *f)
{
    const struct archive *a = &f->archive;
    if (a->match == ARCHIVE_OTHER)
        begin_anew(f);
    else if (a->match == ARCHIVE_NEW || (!f->config->live && a->stored.seq > last_record(f) + f->ring_slots))
        archive_begin(&f->archive, f->history, 0);
    else
        archive_resume(&f->archive, f->history);
    f->seq = a->position.seq;
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
    resume_archive(f);
    if (!find_clock(f) || !run_forward(f, last_record(f)))
        return false;
    if (by_the_clock(f) && f->archive.position.anchor_wall_ns != 0 && !run_to_the_clock(f))
        return false;
    uint64_t first = f->seq + 1;
    ring_writer_init(&f->ring, f->ring_memory, f->ring_slots, f->child.generation, first);
    CRASHPOINT("feed_mapped");
    child_say(&f->child, CONTROL_MAPPED, 1, 0);
    log_info("source \"%s\", first record %" PRIu64 ", ring of %u", f->config->source_name, first, f->ring_slots);
    if (!wait_to_publish(f))
        return false;
    child_say(&f->child, CONTROL_READY, 0, 0);
    f->saving = true;
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
    if (by_the_clock(f) && f->archive.position.anchor_wall_ns == 0)
        archive_anchor(&f->archive, r->time_ns, f->clock.wall_ns(&f->clock) + (due_ns - f->now_ns));
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
    save_archive(f);
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
    open_archive(&f);
    open_sources(&f);
    turn(&f);
    if (start(&f) && publish_all(&f))
        finish(&f);
    publish_status(&f, true);
    archive_close(&f.archive);
    merge_close(&f.merge);
    readers_fini(&f.readers);
    return CHILD_EXIT_OK;
}
