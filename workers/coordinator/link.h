/* link: the coordinator's end of the permit channel: one ROUTER socket on ipc.
 *
 * Who speaks is the kernel's word: each message comes with the account and generation of its routing id
 * and with the pid that connected (Peer-Address). Whether that pid may speak for that account is the
 * caller's to judge. What is not a message is refused here and counted.
 *
 * ZMQ_FD is edge-triggered: call link_receive until 0 after each wake, and link_pending before each sleep.
 * One thread; one link in a process.
 */
#ifndef PROPFLEET_WORKERS_COORDINATOR_LINK_H
#define PROPFLEET_WORKERS_COORDINATOR_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/coordinator/wire.h"

struct error;

#define LINK_HWM 1024 /* messages to or from one account that wait in a pipe */

struct link {
    void *context, *socket;
    int fd;
    uint64_t garbage; /* frames that were no message */
};

struct link_message {
    struct wire_address from; /* the routing id; its generation is the message's own */
    int32_t pid;              /* 0: the kernel did not say */
    struct wire_message wire;
};

/* Bind in the folder, which is made (0700) when missing and must be ours alone; a socket file that
 * a dead coordinator left there is removed. 0 or a negative code. */
int link_open(struct link *link, const char *runtime_dir, struct error *err);
/* 1: *out; 0: nothing more now; -EPROTO: what came was refused, with err set: there may be more. */
int link_receive(struct link *link, struct link_message *out, struct error *err);
/* Something can be received. */
bool link_pending(struct link *link);
/* 0, -EHOSTUNREACH (that socket is not connected), -EAGAIN (it does not take what it is sent). Never blocks. */
int link_send(struct link *link, const struct wire_address *to, const struct wire_message *message);

#endif
