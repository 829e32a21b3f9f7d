/* client: an account's side of the permit channel. Non-blocking; one DEALER socket.
 *
 * A socket whose answer does not come within the request timeout (live) is closed and made anew, and so
 * is one whose coordinator was replaced (client_reset). After each new socket the client says HELLO
 * and waits for WELCOME; only then does the caller send (client_ready). LINGER is 0, high-water marks are
 * small, the reconnect interval is short. ZMQ_FD is edge-triggered: client_receive drains it.
 */
#ifndef PROPFLEET_WORKERS_COORDINATOR_CLIENT_H
#define PROPFLEET_WORKERS_COORDINATOR_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "workers/coordinator/wire.h"

struct error;
struct client;

/* runtime_dir must be short enough for an ipc path (107 bytes): -ENAMETOOLONG otherwise. */
int client_open(const char *runtime_dir, uint32_t account, uint64_t generation, struct client **out, struct error *err);
void client_close(struct client **client);
/* A new socket and a new HELLO (what the account holds now). */
int client_reset(struct client *client, const struct wire_hello *hello, struct error *err);
int client_fd(const struct client *client);    /* for epoll; changes with client_reset */
bool client_ready(const struct client *client); /* WELCOME has come */
/* -EAGAIN when the queue is full or not ready. */
int client_send(struct client *client, const struct wire_message *message);
/* 1: *out is a WELCOME or an ANSWER; 0: nothing more now. Call until 0 after every wake and every send. */
int client_receive(struct client *client, struct wire_message *out);

#endif
