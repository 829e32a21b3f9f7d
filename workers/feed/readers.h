/* readers: the accounts that read what the feed publishes: who is wanted, how far each is, who sleeps.
 *
 * Each reader's cell and eventfd come with PEER (base/control.h). What is read from a cell is another process's word:
 * it decides how long the feed waits and whom it wakes, nothing else.
 *
 * A reader holds a replay back by its pin: its last durable claim. The pin outlives the process while the reader is
 * wanted; a new process's cell replaces it only once it has claimed a number (JOIN and NONE are none). A reader
 * that is not wanted any more has no pin, nor has one whose claim was overwritten already: it cannot be helped.
 */
#ifndef PROPFLEET_WORKERS_FEED_READERS_H
#define PROPFLEET_WORKERS_FEED_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/control.h"
#include "config/config.h"
#include "shm/cell.h"

#define READERS_NO_PIN UINT64_MAX
/* While records flow, nobody is written to more often than this. In a replay at full speed a reader that is woken at
 * once reads a few records and sleeps again: with ten readers on two cores 1 ms gives twice the flow of 100 us
 * (tests/bench/bench_feed.c). Live, 100 us is what a reader may be late for it. */
#define READERS_PAUSE_LIVE_NS (INT64_C(100) * 1000)
#define READERS_PAUSE_REPLAY_NS (INT64_C(1000) * 1000)

struct reader {
    bool wanted, alive;
    uint64_t generation;
    const struct cell *cell; /* NULL: no process */
    size_t cell_size;
    int wake_fd;             /* -1: none */
    uint64_t pin;            /* READERS_NO_PIN: none */
    int64_t woken_ns;        /* when its eventfd was written last */
    uint64_t woken_seq;      /* and what the head was then */
};

struct readers {
    struct reader all[CONFIG_ACCOUNTS_MAX];
    int64_t pause_ns;
    uint64_t wakes; /* eventfds written */
};

void readers_init(struct readers *readers, bool live);
void readers_fini(struct readers *readers);
/* Act on a PEER; takes its descriptors. Anything wrong in it is logged, and the peer is as if it had no process. */
void readers_peer(struct readers *readers, struct control_message *message);

/* Has every wanted reader claimed: anything but NONE, or with `numeric` a number? True without readers. */
bool readers_claimed(const struct readers *readers, bool numeric);
/* The least numeric claim of the wanted readers; false when there is none. Looks at the cells. */
bool readers_least_claim(struct readers *readers, uint64_t *seq);
/* The least pin at or after `oldest`; false when nobody holds. */
bool readers_hold(struct readers *readers, uint64_t oldest, uint64_t *seq);
/* The greatest `consumed` of living readers, 0 without. */
uint64_t readers_greatest_consumed(const struct readers *readers);
/* The greatest number that any wanted reader claims or claimed; false when none has state. Looks at the cells. */
bool readers_greatest_claim(struct readers *readers, uint64_t *seq);
/* Write the eventfd of each reader that sleeps and was not written to since `seq` became the head: who sleeps looked
 * at the head after he had said so (shm/cell.h), so he has read what was there then. `all`: without a pause; whoever
 * goes on to wait himself must say so, or a reader could sleep on. */
void readers_wake(struct readers *readers, uint64_t seq, int64_t now_ns, bool all);

#endif
