/* process: the life of one child: start, what the state machine asks for, watching, the end. */
#ifndef PROPFLEET_SUPERVISOR_PROCESS_H
#define PROPFLEET_SUPERVISOR_PROCESS_H

#include "supervisor/machine.h"

struct supervisor;
struct process;

/* An empty slot. */
void process_init(struct process *process);
/* Take the slot for a child of the current configuration. account: CONFIG_NONE for others. */
void process_configure(struct process *process, unsigned kind, unsigned account, const char *account_name);
/* Program of a kind, "propfleet-account". */
const char *process_program(unsigned kind);

/* One event into its state machine, and everything that this asks for. */
void process_event(struct supervisor *supervisor, struct process *process, enum machine_event event);
/* Why it is about to end, or was ended; shown until the next end. */
void process_remember(struct process *process, const char *why);
/* Its channel closed: its exit is about to be reported; if not, the channel is broken. */
void process_channel_closed(struct supervisor *supervisor, struct process *process);
/* Its channel is unusable now: why is remembered, and it is ended. */
void process_broken(struct supervisor *supervisor, struct process *process, const char *why);
/* Its pidfd is readable, or might be. */
void process_reap(struct supervisor *supervisor, struct process *process);
/* Its log pipe is readable. */
void process_log(struct supervisor *supervisor, struct process *process);
/* Everything of it that time brings: deadline, heartbeat, ping. elapsed_ns: since the turn before. */
void process_due(struct supervisor *supervisor, struct process *process, int64_t elapsed_ns);
/* Served time at which process_due next has something to do; INT64_MAX: nothing. */
int64_t process_next_ns(const struct supervisor *supervisor, const struct process *process);
/* Copy its cell into process->status. */
void process_status_read(struct process *process);
/* "flat", "not flat" or "unknown", as far as its last cell says; "" for what is no account. */
const char *process_flat(struct process *process);
/* Runs, sealed and attached: others may have its cell. */
bool process_announced_alive(const struct process *process);

#endif
