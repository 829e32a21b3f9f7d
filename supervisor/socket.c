#include "supervisor/socket.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "supervisor/supervisor.h"
#include "supervisor/verbs.h"

#define ACCEPTS_PER_TURN 8

void socket_init(struct socket_server *server)
{
    memset(server, 0, sizeof *server);
    server->fd = -1;
    for (int i = 0; i < SOCKET_CLIENTS_MAX; i++)
        server->clients[i].fd = -1;
}

int socket_open(struct supervisor *supervisor, const char *runtime_dir, struct error *err)
{
    struct socket_server *server = &supervisor->socket;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n = snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", runtime_dir);
    if (n >= (int)sizeof address.sun_path)
        return error_set(err, ENAMETOOLONG, "%s/control.sock: %d bytes, a socket's path has at most %zu", runtime_dir, n,
                         sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_errno(err, errno, "socket");
    unlink(address.sun_path);
    mode_t mask = umask(0177);
    int rc = bind(fd, (const struct sockaddr *)&address, sizeof address);
    int code = errno;
    umask(mask);
    if (rc != 0 || listen(fd, SOCKET_CLIENTS_MAX) != 0) {
        code = rc != 0 ? code : errno;
        close(fd);
        return error_errno(err, code, "%s", address.sun_path);
    }
    server->fd = fd;
    memcpy(server->path, address.sun_path, sizeof server->path);
    return supervisor_watch(supervisor, fd, EPOLLIN, SOURCE_LISTEN, 0);
}

static void drop(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    free(client->out);
    memset(client, 0, sizeof *client);
    client->fd = -1;
}

void socket_close(struct socket_server *server)
{
    for (int i = 0; i < SOCKET_CLIENTS_MAX; i++)
        drop(&server->clients[i]);
    if (server->fd < 0)
        return;
    close(server->fd);
    server->fd = -1;
    unlink(server->path);
}

/* The kernel's word for who is there. */
static bool peer_allowed(const struct supervisor *supervisor, int fd)
{
    struct ucred peer = {.pid = 0};
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != geteuid()) {
        log_warning("control socket: uid %u refused", (unsigned)peer.uid);
        return false;
    }
    for (uint32_t i = 0; i < PROCESS_COUNT_MAX; i++)
        if (supervisor->processes[i].pid > 0 && supervisor->processes[i].pid == peer.pid) {
            log_warning("control socket: child %s refused", supervisor->processes[i].name);
            return false;
        }
    return true;
}

static struct client *free_client(struct socket_server *server)
{
    for (int i = 0; i < SOCKET_CLIENTS_MAX; i++)
        if (server->clients[i].state == CLIENT_FREE)
            return &server->clients[i];
    return NULL;
}

static void refuse(int fd, const char *line)
{
    if (send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_debug("control socket: refused peer left");
    close(fd);
}

void socket_accept(struct supervisor *supervisor)
{
    struct socket_server *server = &supervisor->socket;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        struct client *client = free_client(server);
        if (!peer_allowed(supervisor, fd)) {
            refuse(fd, "NO 1 you may not speak to the supervisor\n");
        } else if (!client) {
            refuse(fd, "NO 1 too many clients\n");
        } else {
            client->fd = fd;
            client->state = CLIENT_READING;
            client->deadline_ns = supervisor->served.now_ns + SOCKET_REQUEST_NS;
            uint32_t index = (uint32_t)(client - server->clients);
            if (supervisor_watch(supervisor, fd, EPOLLIN, SOURCE_CLIENT, index) < 0)
                drop(client);
        }
    }
}

/* --- answers ------------------------------------------------------------------------- */

static void write_some(struct supervisor *supervisor, struct client *client)
{
    while (client->out_sent < client->out_length) {
        ssize_t n = send(client->fd, client->out + client->out_sent, client->out_length - client->out_sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            supervisor_rewatch(supervisor, client->fd, EPOLLOUT, SOURCE_CLIENT,
                               (uint32_t)(client - supervisor->socket.clients));
            return;
        }
        if (n <= 0)
            break;
        client->out_sent += (size_t)n;
    }
    drop(client);
}

void socket_answer(struct supervisor *supervisor, struct client *client, int code, const char *text, char *body)
{
    assert(client->state != CLIENT_FREE && client->state != CLIENT_WRITING && !client->out);
    char first[1024];
    if (body && strlen(body) > SOCKET_ANSWER_MAX) {
        code = 1;
        text = "the answer is too large";
        free(body);
        body = NULL;
    }
    int n = code ? snprintf(first, sizeof first, "NO %d %s", code, text ? text : "") : snprintf(first, sizeof first, "OK");
    if (n >= (int)sizeof first)
        n = (int)sizeof first - 1;
    for (int i = 0; i < n; i++)
        if (first[i] == '\n')
            first[i] = ' ';
    size_t body_length = body ? strlen(body) : 0;
    client->out = malloc((size_t)n + 1 + body_length);
    if (!client->out) {
        free(body);
        drop(client);
        return;
    }
    memcpy(client->out, first, (size_t)n);
    client->out[n] = '\n';
    if (body)
        memcpy(client->out + n + 1, body, body_length);
    free(body);
    client->out_length = (size_t)n + 1 + body_length;
    client->out_sent = 0;
    client->state = CLIENT_WRITING;
    client->deadline_ns = supervisor->served.now_ns + SOCKET_ANSWER_NS;
    write_some(supervisor, client);
}

void socket_result(struct supervisor *supervisor, const struct process *process, uint64_t id, int64_t value,
                   const char *text)
{
    uint32_t slot = (uint32_t)(process - supervisor->processes);
    for (int i = 0; i < SOCKET_CLIENTS_MAX; i++) {
        struct client *client = &supervisor->socket.clients[i];
        if (client->state != CLIENT_COMMAND || client->command_id != id || client->command_slot != slot)
            continue;
        if (value != 0) {
            socket_answer(supervisor, client, 1, text[0] ? text : "refused", NULL);
            return;
        }
        char *body = NULL;
        bool ends = text[0] && text[strlen(text) - 1] == '\n';
        if (text[0] && asprintf(&body, "%s%s", text, ends ? "" : "\n") < 0)
            body = NULL;
        socket_answer(supervisor, client, 0, NULL, body);
        return;
    }
    log_debug("%s: a result that nobody waits for", process->name);
}

void socket_process_gone(struct supervisor *supervisor, const struct process *process)
{
    uint32_t slot = (uint32_t)(process - supervisor->processes);
    for (int i = 0; i < SOCKET_CLIENTS_MAX; i++) {
        struct client *client = &supervisor->socket.clients[i];
        if (client->state == CLIENT_COMMAND && client->command_slot == slot)
            socket_answer(supervisor, client, 1, "the process ended before it answered; ask again", NULL);
    }
}

void socket_reload_done(struct supervisor *supervisor, int code, const char *text, const char *body)
{
    for (int i = 0; i < SOCKET_CLIENTS_MAX; i++) {
        struct client *client = &supervisor->socket.clients[i];
        if (client->state == CLIENT_RELOAD && client->reload_round <= supervisor->reload.round)
            socket_answer(supervisor, client, code, text, body && body[0] ? strdup(body) : NULL);
    }
}

/* --- requests ---------------------------------------------------------------------------- */

static void read_request(struct supervisor *supervisor, struct client *client)
{
    ssize_t n = recv(client->fd, client->in + client->in_length, sizeof client->in - client->in_length, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* it left before the end of its line */
        drop(client);
        return;
    }
    client->in_length += (size_t)n;
    char *end = memchr(client->in, '\n', client->in_length);
    if (!end && client->in_length < sizeof client->in)
        return;
    /* Nothing more is read from it; only its leaving (EPOLLHUP) is still of interest. */
    supervisor_rewatch(supervisor, client->fd, 0, SOURCE_CLIENT, (uint32_t)(client - supervisor->socket.clients));
    if (!end) {
        socket_answer(supervisor, client, 2, "the request is too long", NULL);
        return;
    }
    *end = 0;
    if (strlen(client->in) != (size_t)(end - client->in)) {
        socket_answer(supervisor, client, 2, "the request is not text", NULL);
        return;
    }
    verbs_run(supervisor, client, client->in);
}

void socket_client(struct supervisor *supervisor, uint32_t index, uint32_t events)
{
    assert(index < SOCKET_CLIENTS_MAX);
    struct client *client = &supervisor->socket.clients[index];
    if (client->state == CLIENT_READING && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        read_request(supervisor, client);
    else if (client->state == CLIENT_WRITING && (events & EPOLLOUT))
        write_some(supervisor, client);
    else if (client->state != CLIENT_FREE && (events & (EPOLLHUP | EPOLLERR)))
        drop(client);
}

void socket_due(struct supervisor *supervisor)
{
    for (int i = 0; i < SOCKET_CLIENTS_MAX; i++) {
        struct client *client = &supervisor->socket.clients[i];
        if (client->state == CLIENT_FREE || client->state == CLIENT_RELOAD ||
            supervisor->served.now_ns < client->deadline_ns)
            continue;
        if (client->state == CLIENT_COMMAND)
            socket_answer(supervisor, client, 1, "no answer in time: it may still happen; look before you ask again", NULL);
        else
            drop(client);
    }
}

int64_t socket_next_ns(const struct supervisor *supervisor)
{
    int64_t next = INT64_MAX;
    for (int i = 0; i < SOCKET_CLIENTS_MAX; i++) {
        const struct client *client = &supervisor->socket.clients[i];
        if (client->state != CLIENT_FREE && client->state != CLIENT_RELOAD && client->deadline_ns < next)
            next = client->deadline_ns;
    }
    return next;
}
