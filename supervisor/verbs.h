/* verbs: what can be asked on the control socket. The table in verbs.c is the list. */
#ifndef PROPFLEET_SUPERVISOR_VERBS_H
#define PROPFLEET_SUPERVISOR_VERBS_H

struct client;
struct supervisor;

/* Run one request (a line without its end, changed here) and answer it, now or when its result is there. */
void verbs_run(struct supervisor *supervisor, struct client *client, char *line);

#endif
