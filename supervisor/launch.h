/* launch: what one start of a child needs (fresh cell, channel, log pipe, eventfd, ring, history, a
 * generation), and the spawn itself. */
#ifndef PROPFLEET_SUPERVISOR_LAUNCH_H
#define PROPFLEET_SUPERVISOR_LAUNCH_H

struct error;
struct options;
struct process;
struct supervisor;

/* 0: it runs and is watched. Otherwise -errno with err; what was made stands in the process and is
 * the caller's to release. */
int launch(struct supervisor *supervisor, struct process *process, struct error *err);
/* All programs are there and may be executed; err names the first that is not. */
int launch_check_programs(const struct options *options, struct error *err);
/* Our environment without what is ours alone (JOURNAL_STREAM, NOTIFY_SOCKET). NULL: no memory. */
char **launch_environment(void);

#endif
