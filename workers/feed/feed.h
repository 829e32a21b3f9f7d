/* feed: the program: plays the merged sequence (merge.h) into the market ring and the bar history.
 *
 * Start order: base/control.h, "How a child starts". Before it publishes, a feed runs the sequence up to the record
 * before its first without publishing, into the history only: so a fresh segment starts warm, and nothing
 * is there twice or missing. Replay: head - least durable claim never exceeds the ring. Live: nobody is waited
 * for; after a restart it goes on behind the greatest record that any living account consumed.
 */
#ifndef PROPFLEET_WORKERS_FEED_FEED_H
#define PROPFLEET_WORKERS_FEED_FEED_H

#define FEED_RING_MARGIN 64u      /* slots that stay between the head and the slowest reader's claim */

/* Returns the exit status. */
int feed_main(int argc, char **argv);

#endif
