/* socket: the control socket, RUNTIME/control.sock (0600), for propfleet's commands and nobody else.
 *
 * One request line "verb arguments\n" on a connection; the answer is a line "OK" or "NO CODE TEXT" (CODE is
 * the exit status that propfleet gives: 1 no, 2 usage, 3 configuration, 4 not reachable), then the body, then the
 * connection is closed. A peer that is one of our children is refused (Landlock does not stop a
 * connect), and so is another uid. Nothing here blocks: clients, bytes and times are bounded, a client that
 * is slow to ask or to read is dropped.
 */
#ifndef PROPFLEET_SUPERVISOR_SOCKET_H
#define PROPFLEET_SUPERVISOR_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct process;
struct supervisor;

#define SOCKET_CLIENTS_MAX 16
#define SOCKET_REQUEST_MAX 2048
#define SOCKET_ANSWER_MAX (4u << 20)
#define SOCKET_REQUEST_NS INT64_C(2000000000)  /* to send the whole request */
#define SOCKET_ANSWER_NS INT64_C(5000000000)   /* to take the whole answer */
#define SOCKET_COMMAND_NS INT64_C(30000000000) /* an account's time to answer a command */

enum client_state { CLIENT_FREE, CLIENT_READING, CLIENT_COMMAND, CLIENT_RELOAD, CLIENT_WRITING };

struct client {
    enum client_state state;
    int fd;
    int64_t deadline_ns;
    uint64_t command_id;  /* CLIENT_COMMAND: what is awaited, from which child */
    uint32_t command_slot;
    uint64_t reload_round; /* CLIENT_RELOAD */
    size_t in_length;
    char in[SOCKET_REQUEST_MAX];
    char *out;            /* malloc'ed */
    size_t out_length, out_sent;
};

struct socket_server {
    int fd;
    char path[108];
    uint64_t next_command;
    struct client clients[SOCKET_CLIENTS_MAX];
};

void socket_init(struct socket_server *server);
/* Bind and listen; a socket that a dead supervisor left is replaced (the caller holds the lock). */
int socket_open(struct supervisor *supervisor, const char *runtime_dir, struct error *err);
/* Close all and remove the path. */
void socket_close(struct socket_server *server);
void socket_accept(struct supervisor *supervisor);
void socket_client(struct supervisor *supervisor, uint32_t index, uint32_t events);
void socket_due(struct supervisor *supervisor);
int64_t socket_next_ns(const struct supervisor *supervisor);

/* Answer a client whose request was taken. code 0: OK. body (malloc'ed, may be NULL) becomes the server's. */
void socket_answer(struct supervisor *supervisor, struct client *client, int code, const char *text, char *body);
/* The result of a command: value 0 or an errno value, text as the account gave it. */
void socket_result(struct supervisor *supervisor, const struct process *process, uint64_t id, int64_t value,
                   const char *text);
/* A child is gone: whoever waits for its answer is told. */
void socket_process_gone(struct supervisor *supervisor, const struct process *process);
/* Answer all who wait for this round of the reload. */
void socket_reload_done(struct supervisor *supervisor, int code, const char *text, const char *body);

#endif
