/* reload: the configuration, parsed by a process of its own, and what a new one changes.
 *
 * propfleet-config writes the compiled struct into a memfd that we made; its errors are on its stderr. At the
 * start we wait for it; a reload goes on beside everything else, and its errors are the answer. A bad
 * configuration changes nothing. What changes: accounts are added, removed, restarted (when their digest is
 * another one), and coordinator and feed get the new configuration. What needs more than that is refused.
 */
#ifndef PROPFLEET_SUPERVISOR_RELOAD_H
#define PROPFLEET_SUPERVISOR_RELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct fleet_config;
struct supervisor;

#define RELOAD_ERRORS_MAX 65536
#define RELOAD_NS INT64_C(30000000000) /* the time that parsing may take */

struct reload {
    pid_t pid; /* 0: none runs */
    int pidfd, out_fd, errors_fd;
    uint64_t round; /* counts reloads */
    bool again;     /* asked once more while it ran, of files that may be newer than what was read: one more round */
    int64_t deadline_ns;
    size_t errors_length;
    char errors[RELOAD_ERRORS_MAX + 1];
};

void reload_init(struct reload *reload);
/* First start: wait for the parser; its errors go to our stderr. Sets config and config_fd. Returns an exit
 * status of propfleet: 0, EXIT_CONFIG (said already), EXIT_NO with err. */
int reload_first(struct supervisor *supervisor, struct error *err);
/* Begin a reload, or queue one more behind the one that runs. *round is its number: its end answers the clients
 * that wait for it (socket_reload_done). */
int reload_start(struct supervisor *supervisor, uint64_t *round, struct error *err);
void reload_errors(struct supervisor *supervisor); /* the parser's stderr is readable */
void reload_reap(struct supervisor *supervisor);   /* the parser has ended, or might have */
void reload_due(struct supervisor *supervisor);
int64_t reload_next_ns(const struct supervisor *supervisor);
/* Give up what runs (at exit). */
void reload_abandon(struct supervisor *supervisor);

/* Pure: may `next` (already merged) replace `current` while the fleet runs? -EPERM with the group that forbids it. */
int reload_allowed(const struct fleet_config *current, const struct fleet_config *next, struct error *err);

#endif
