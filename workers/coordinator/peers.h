/* peers: what the coordinator knows of the accounts' processes: who may speak, and how far each is.
 *
 * All of it comes from the supervisor (CONTROL_PEER) and from the cells that it passes. An account of
 * the configuration counts as wanted until the supervisor says otherwise: a coordinator that has just
 * started would else decide without those that it has not heard of yet.
 */
#ifndef PROPFLEET_WORKERS_COORDINATOR_PEERS_H
#define PROPFLEET_WORKERS_COORDINATOR_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/control.h"
#include "workers/coordinator/core.h"
#include "workers/coordinator/link.h"

struct cell;

struct peer {
    uint64_t generation;
    uint32_t socket;      /* that said HELLO last; 0: none of this generation */
    int32_t pid;
    bool told;            /* the supervisor has said something of it */
    bool wanted, alive;
    bool said_hello;      /* some generation has said HELLO to us */
    bool owed;            /* it must be told to send again (WELCOME unasked) */
    bool late;            /* live: a round closed without it; not waited for until it has caught up */
    const struct cell *cell;
    const void *cell_memory;
    size_t cell_bytes;
    bool early_held;      /* a HELLO that came before the supervisor's word */
    struct link_message early;
};

/* Take a CONTROL_PEER: descriptors that are used are taken out of the message. True when *held is to be handled now. */
bool peers_tell(struct peer *peers, struct control_message *message, struct link_message *held);
/* An account that is no longer configured, or is another one now. */
void peers_forget(struct peer *peer);

enum peers_verdict { PEERS_SPEAKS, PEERS_EARLY, PEERS_STALE, PEERS_STRANGER };
/* Whether the message comes from whom it says. EARLY: of a generation that the supervisor has not announced
 * yet; a HELLO is kept. */
enum peers_verdict peers_judge(struct peer *peers, const struct link_message *message);

/* Fill watermarks[CONFIG_ACCOUNTS_MAX] from the cells: 0 for who is gone or has not begun. */
void peers_watermarks(const struct peer *peers, const struct fleet_config *config, struct coordinator_watermark *out);

#endif
