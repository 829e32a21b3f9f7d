/* paper: the venue of paper trading. A deterministic fill model with a durable book (orders.md 5).
 *
 * The book lies in a store of its own (kind "paper"), committed on its own, before any report that
 * depends on it can be delivered: a restarted account finds its orders and positions here and
 * reconciles. Random draws are a hash of (seed, account, intent, draw number), never a stream: another
 * account or a restart does not change a fill.
 *
 * Memory of one venue is bounded: BROKER_ORDERS_MAX orders and BROKER_POSITIONS_MAX positions that are
 * not final; final orders are kept in the book for status questions and for repeats.
 *
 * Crash and replay. Records without effect do not commit: after a restart the venue is fed again from the
 * account's snapshot, before which checkpoint was called. Requests whose fate is unknown may be sent again before
 * or while it is fed, in the order of their intents and with their original time and sequence; the outcome is that
 * of a venue that never died. A failed commit in on_record (-ENOSPC) holds all reports back; calling on_record
 * again, with the same record or the next, tries the commit first. A failed commit in send leaves no trace.
 *
 * The fill model and its limits: docs/paper.md. SIMULATED: nothing here reaches a market.
 */
#ifndef PROPFLEET_WORKERS_BROKER_PAPER_H
#define PROPFLEET_WORKERS_BROKER_PAPER_H

#include "config/config.h"
#include "workers/broker/broker.h"
#include "workers/store/store.h"

#define PAPER_MODEL_VERSION 1u

/* The options for store_open: the caller opens the store (LMDB or in memory) and lends it for the
 * venue's life. */
extern const char *const paper_tables[];
extern const uint32_t paper_table_count;

/* `account` is the index in config. Loads the book, or starts one with the account's initial balance.
 * -EPROTO: the book is of another model or account. The venue is closed by ops->close. */
int paper_open(const struct fleet_config *config, uint32_t account, struct store *store, enum store_sync sync,
               struct broker **out, struct error *err);

/* Test of lazy against eager: expand synthetic quotes inside every bar, not only where they matter. */
void paper_set_eager(struct broker *broker, bool eager);

#endif
