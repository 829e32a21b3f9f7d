/* channels: the supervisor's side of base/control.h: what children say, and who is told what. */
#ifndef PROPFLEET_SUPERVISOR_CHANNELS_H
#define PROPFLEET_SUPERVISOR_CHANNELS_H

#include <stdbool.h>
#include <stdint.h>

struct process;
struct supervisor;

/* Messages of one child, at most CHANNELS_PER_TURN; the rest in the next turn. */
#define CHANNELS_PER_TURN 64
void channels_read(struct supervisor *supervisor, struct process *process);
/* All that a dead child left, bounded by what a socket holds. */
void channels_drain(struct supervisor *supervisor, struct process *process);

/* It said MAPPED 0: seal and attach its cell, tell those who read it, tell it of the others. */
void channels_mapped(struct supervisor *supervisor, struct process *process);
/* Tell those who read this child what it is now, when that is not what they were told last. */
void channels_announce(struct supervisor *supervisor, struct process *process);
/* Send GO to a feed that waits for it and may have it. */
void channels_go(struct supervisor *supervisor);
/* It can not become ready before somebody else has done something: its deadline waits. */
bool channels_waits_for_others(const struct supervisor *supervisor, const struct process *process);

void channels_ping(struct supervisor *supervisor, struct process *process);
void channels_send_stop(struct supervisor *supervisor, struct process *process);
/* Live, in a storm: no new risk until a person resumes. (A replay waits, and stays what it is.) */
void channels_entries_off(struct supervisor *supervisor);
/* The current configuration to coordinator and feed. */
void channels_send_config(struct supervisor *supervisor);
/* 0, -EAGAIN (not running, or its channel failed). text is "verb arguments", at most CONTROL_PAYLOAD_MAX bytes. */
int channels_send_command(struct supervisor *supervisor, struct process *process, uint64_t id, const char *text);

#endif
