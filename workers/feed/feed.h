/* feed: the program: plays the merged sequence (merge.h) into the market ring and the bar history.
 *
 * Start order: base/control.h, "How a child starts". Bar history, numbers and position come out of the archive
 * (archive.h); then the sequence is run up to the record before its first without publishing: so a fresh segment starts
 * warm, and nothing is there twice or missing. Replay: head - least durable claim never exceeds the ring. Live: nobody is
 * waited for; at speed 1 the market goes on with the instant that is due by the wall clock, at others behind the greatest
 * record that was ever given out.
 */
#ifndef PROPFLEET_WORKERS_FEED_FEED_H
#define PROPFLEET_WORKERS_FEED_FEED_H

#define FEED_RING_MARGIN 64u      /* slots that stay between the head and the slowest reader's claim */

/* Returns the exit status. */
int feed_main(int argc, char **argv);

#endif
