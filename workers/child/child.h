/* child: what every program that the supervisor starts has in common.
 *
 * child_init takes over the fixed descriptors (base/control.h), maps the configuration and the
 * child's own status cell, sets log and parent-death signal, says MAPPED 0. After that the program
 * runs its own epoll loop, calls child_turn once in each turn (heartbeat) and child_handle when
 * control_fd is readable. A child whose supervisor is gone leaves at once, by child_handle or by signal.
 * One thread. Nothing here allocates after child_init.
 */
#ifndef PROPFLEET_WORKERS_CHILD_CHILD_H
#define PROPFLEET_WORKERS_CHILD_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/control.h"
#include "base/vocabulary.h"
#include "config/config.h"
#include "shm/cell.h"

struct child {
    enum process_kind kind;
    char name[CONFIG_NAME_MAX + 16]; /* "account:alba", "feed", "coordinator": of its log lines */
    uint32_t account;                /* index in the configuration, CONFIG_NONE for others */
    uint64_t generation;
    const struct fleet_config *config;
    struct cell *cell;
    struct cell_payload status;      /* the program's to fill; child_publish writes it to the cell */
    int64_t heartbeat_ns;            /* monotonic time of the last child_turn */
};

/* Never returns with an error: what stops a child here ends it with CHILD_EXIT_NEVER and a line on stderr. */
void child_init(struct child *child, enum process_kind kind, int argc, char **argv);

/* Once in each turn of the main loop. Returns the ns since the turn before: over CHILD_FENCE_NS a
 * live account fences itself (design.md 3). Always 0 the first time. */
#define CHILD_FENCE_NS (3 * INT64_C(1000000000))
int64_t child_turn(struct child *child);

/* Receive at most one control message. PING is answered here and not returned. 1: *out is the caller's
 * to act on (and its descriptors to take or close); 0: nothing to read, or it was handled. Ends the
 * process when the supervisor is gone (the lifeline). */
int child_handle(struct child *child, struct control_message *out);

/* Write child->status to the cell. */
void child_publish(struct child *child);

void child_say(struct child *child, uint32_t type, uint64_t argument, int64_t value);
/* text is cut to what a message holds. A full channel is waited for, at most a second. */
void child_say_text(struct child *child, uint32_t type, uint64_t argument, int64_t value, const char *text);

/* Says FATAL with the text, leaves it in the cell, logs it and exits with the status. */
void child_fatal(struct child *child, int exit_status, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

#endif
