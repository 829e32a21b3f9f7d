/* driver: the coordinator's process: ZeroMQ, cells, store and control channel around the pure core.
 *
 * One thread, one loop. What a round decides is committed before it is answered; while a commit fails
 * nothing else is taken in. In a replay no clock decides anything: time here only paces what is repeated.
 */
#ifndef PROPFLEET_WORKERS_COORDINATOR_DRIVER_H
#define PROPFLEET_WORKERS_COORDINATOR_DRIVER_H

/* Runs until the supervisor says STOP, or is gone. Returns the exit status. */
int coordinator_run(int argc, char **argv);

#endif
