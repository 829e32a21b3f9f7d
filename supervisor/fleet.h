/* fleet: what concerns all children at once: start, the ordered stop, the end of a replay, time. */
#ifndef PROPFLEET_SUPERVISOR_FLEET_H
#define PROPFLEET_SUPERVISOR_FLEET_H

#include <stdint.h>

struct error;
struct supervisor;

/* Take a slot for every child of the configuration and start it. */
int fleet_start(struct supervisor *supervisor, struct error *err);
/* Begin the ordered stop: accounts (entries off, then out), coordinator, feed. A second call changes nothing. */
void fleet_stop(struct supervisor *supervisor, int exit_status, const char *why);
/* Everything that time brings. elapsed_ns: served time since the turn before. */
void fleet_due(struct supervisor *supervisor, int64_t elapsed_ns);
/* What follows from the states that the children have now: GO, slots that became free, the end of a replay, the
 * next step of a stop. */
void fleet_progress(struct supervisor *supervisor);
/* Served time of the next fleet_due that has something to do, INT64_MAX: none. */
int64_t fleet_next_ns(const struct supervisor *supervisor);

#endif
