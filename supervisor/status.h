/* status: the fleet as one JSON object, for `propfleet status`, `top` and the web. Read at the time of asking. */
#ifndef PROPFLEET_SUPERVISOR_STATUS_H
#define PROPFLEET_SUPERVISOR_STATUS_H

struct supervisor;

/* malloc'ed, ends with a newline; NULL: no memory. Keys: README.md. */
char *status_json(struct supervisor *supervisor);

#endif
