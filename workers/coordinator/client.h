/* client: an account's side of the permit channel. Non-blocking; one DEALER socket.
 *
 * A socket whose answer does not come within the request timeout (live) is closed and made anew, and so
 * is one whose coordinator was replaced (client_reset). After each new socket the client says HELLO
 * and waits for WELCOME; only then does the caller send (client_ready). LINGER is 0, high-water marks are
 * small, the reconnect interval is short. ZMQ_FD is edge-triggered: client_receive drains it.
 *
 * The coordinator need not be there yet. While !client_ready call client_receive every turn, at
 * least each CLIENT_HELLO_FIRST_NS or so: it repeats the HELLO when that is due (an interval that doubles
 * to CLIENT_HELLO_LAST_NS). A connection that was lost, or a coordinator that was replaced under a socket, is
 * noticed: the client says its last HELLO again by itself (last_jseq in it tells how old it is), and a new
 * WELCOME comes.
 *
 * On every WELCOME, also a later one, the caller sends again what is newer than through_jseq, in
 * ascending order of jseq, and every proposal that has no answer. What the coordinator has already it
 * skips; a proposal that it decided is answered as it was. An ANSWER of a coordinator other than the one
 * that said WELCOME last is never returned.
 *
 * One thread. Not for a fork: open it in the process that uses it.
 */
#ifndef PROPFLEET_WORKERS_COORDINATOR_CLIENT_H
#define PROPFLEET_WORKERS_COORDINATOR_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/coordinator/wire.h"

struct error;
struct client;

#define CLIENT_HELLO_FIRST_NS INT64_C(10000000)
#define CLIENT_HELLO_LAST_NS INT64_C(1000000000)
#define CLIENT_SEND_HWM 128    /* messages that wait for a coordinator that is not there */
#define CLIENT_RECEIVE_HWM 512 /* answers to everything that COORDINATOR_QUEUE_MAX holds, and more */
#define CLIENT_RECONNECT_MS 2

/* runtime_dir must be short enough for an ipc path (107 bytes): -ENAMETOOLONG otherwise. */
/* Makes no socket yet: client_reset does. 0 or a negative code. */
int client_open(const char *runtime_dir, uint32_t account, uint64_t generation, struct client **out, struct error *err);
void client_close(struct client **client); /* sets *client to NULL; waits for libzmq's thread, not for a peer */
/* A new socket and a new HELLO (what the account holds now). */
int client_reset(struct client *client, const struct wire_hello *hello, struct error *err);
int client_fd(const struct client *client);    /* for poll or epoll, level-triggered; the same for life */
bool client_ready(const struct client *client); /* WELCOME has come */
/* PROPOSE or REPORT only (asserted); message->generation is overwritten with the client's. -EAGAIN when
 * the queue is full or not ready: try again after the next wake. */
int client_send(struct client *client, const struct wire_message *message);
/* 1: *out is a WELCOME or an ANSWER; 0: nothing more now. Call until 0 after every wake and every send. */
int client_receive(struct client *client, struct wire_message *out);

#endif
