#include "tools/client.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/vocabulary.h"
#include "tools/text.h"

#define READ_BYTES (64u << 10)
#define CONNECT_AGAIN_MS 20 /* the backlog of the socket is full */

struct link {
    int fd; /* -1: not connected */
    bool connected;
    int64_t deadline_ns;
    char request[CLIENT_REQUEST_MAX + 2];
    size_t request_size, sent;
    char *bytes;
    size_t size, room;
};

static int64_t now_ns(void)
{
    struct clock clock;
    clock_init_real(&clock);
    return clock.mono_ns(&clock);
}

void client_answer_free(struct client_answer *answer)
{
    free(answer->body);
    *answer = (struct client_answer){0};
}

static void link_close(struct link *link)
{
    if (link->fd >= 0)
        close(link->fd);
    free(link->bytes);
    link->fd = -1;
    link->bytes = NULL;
    link->size = link->room = 0;
}

static int address_of(const char *runtime_dir, struct sockaddr_un *out, struct error *err)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (snprintf(out->sun_path, sizeof out->sun_path, "%s/control.sock", runtime_dir) >= (int)sizeof out->sun_path)
        return error_set(err, ENAMETOOLONG, "%s/control.sock: too long for a socket's path", runtime_dir);
    return 0;
}

/* 0: connected; -EAGAIN: try again in a moment. */
static int link_connect(struct link *link, const char *runtime_dir, struct error *err)
{
    struct sockaddr_un address;
    int rc = address_of(runtime_dir, &address, err);
    if (rc != 0)
        return rc;
    if (link->fd < 0)
        link->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (link->fd < 0)
        return error_errno(err, errno, "socket");
    if (connect(link->fd, (const struct sockaddr *)&address, sizeof address) == 0) {
        link->connected = true;
        return 0;
    }
    int code = errno;
    if (code == EAGAIN || code == EINTR)
        return -EAGAIN;
    if (code == ENOENT || code == ECONNREFUSED)
        return error_set(err, code, "no fleet runs at %s (%s)", runtime_dir, code == ENOENT ? "no control.sock" : "nobody listens");
    if (code == EACCES)
        return error_set(err, code, "%s: permission denied; ask as the user whose fleet it is", address.sun_path);
    if (code == ENOTDIR)
        return error_set(err, code, "%s is no folder; --runtime names the fleet's runtime folder", runtime_dir);
    return error_errno(err, code, "%s", address.sun_path);
}

static int link_begin(struct link *link, const char *request, int64_t timeout_ns, struct error *err)
{
    *link = (struct link){.fd = -1, .deadline_ns = now_ns() + timeout_ns};
    size_t length = strlen(request);
    if (length > CLIENT_REQUEST_MAX || strchr(request, '\n'))
        return error_set(err, EINVAL, "the request is too long, or more than one line");
    memcpy(link->request, request, length);
    link->request[length] = '\n';
    link->request_size = length + 1;
    return 0;
}

static int link_write(struct link *link, struct error *err)
{
    while (link->sent < link->request_size) {
        ssize_t n = send(link->fd, link->request + link->sent, link->request_size - link->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return -EAGAIN;
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) { /* it may have said why before it closed */
            link->sent = link->request_size;
            return 0;
        }
        if (n < 0)
            return error_errno(err, errno, "ask the supervisor");
        link->sent += (size_t)n;
    }
    return 0;
}

static int link_room(struct link *link, struct error *err)
{
    if (link->room - link->size > READ_BYTES)
        return 0;
    size_t room = link->room ? link->room * 2 : 4 * READ_BYTES;
    char *bytes = realloc(link->bytes, room);
    if (!bytes)
        return error_set(err, ENOMEM, "no memory for the answer");
    link->bytes = bytes;
    link->room = room;
    return 0;
}

/* 1: the answer is whole; -EAGAIN: not yet. */
static int link_read(struct link *link, struct error *err)
{
    for (;;) {
        int rc = link_room(link, err);
        if (rc != 0)
            return rc;
        ssize_t n = recv(link->fd, link->bytes + link->size, READ_BYTES, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return -EAGAIN;
        if (n < 0 && errno != ECONNRESET)
            return error_errno(err, errno, "read the supervisor's answer");
        if (n <= 0)
            return 1;
        link->size += (size_t)n;
        if (link->size > CLIENT_ANSWER_MAX)
            return error_set(err, EFBIG, "the supervisor's answer is over %u bytes", CLIENT_ANSWER_MAX);
    }
}

/* --- what was answered --------------------------------------------------------------------- */

/* The digit behind "NO ": an exit status of ours, or EXIT_NO for anything else. */
static int code_of(const char *digits, const char **rest)
{
    int code = digits[0] >= '1' && digits[0] <= '4' && digits[1] == ' ' ? digits[0] - '0' : EXIT_NO;
    *rest = digits + strspn(digits, "0123456789");
    *rest += **rest == ' ';
    return code;
}

static int answer_parse(struct link *link, struct client_answer *out, struct error *err)
{
    *out = (struct client_answer){0};
    char *end = link->size ? memchr(link->bytes, '\n', link->size) : NULL;
    if (!end)
        return error_set(err, EPROTO, "the supervisor closed the connection without an answer");
    if (memchr(link->bytes, 0, link->size))
        return error_set(err, EPROTO, "what answers is no supervisor of propfleet");
    *end = 0;
    if (strncmp(link->bytes, "NO ", 3) == 0) {
        const char *rest;
        out->code = code_of(link->bytes + 3, &rest);
        text_clean(rest, strlen(rest), out->text, sizeof out->text);
    } else if (strcmp(link->bytes, "OK") != 0) {
        return error_set(err, EPROTO, "what answers is no supervisor of propfleet");
    }
    size_t first = (size_t)(end - link->bytes) + 1;
    out->body_size = link->size - first;
    memmove(link->bytes, link->bytes + first, out->body_size);
    link->bytes[out->body_size] = 0; /* link_read keeps more room than it reads */
    out->body = link->bytes;
    link->bytes = NULL;
    return 0;
}

/* As far as it goes without waiting. 1: *out is filled; -EAGAIN: wait for link_events; otherwise failed. */
static int link_step(struct link *link, const char *runtime_dir, struct client_answer *out, struct error *err)
{
    int rc = link->connected ? 0 : link_connect(link, runtime_dir, err);
    if (rc == 0)
        rc = link_write(link, err);
    if (rc == 0)
        rc = link_read(link, err);
    if (rc == 1)
        rc = answer_parse(link, out, err) == 0 ? 1 : -EPROTO;
    if (rc == -EAGAIN && now_ns() >= link->deadline_ns)
        return error_set(err, ETIMEDOUT, "the supervisor did not answer in time");
    return rc;
}

static short link_events(const struct link *link) { return link->sent < link->request_size ? POLLOUT : POLLIN; }

static int wait_ms(const struct link *link, int64_t now)
{
    int64_t left = (link->deadline_ns - now + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
    left = left < 0 ? 0 : left > 60000 ? 60000 : left;
    return !link->connected && left > CONNECT_AGAIN_MS ? CONNECT_AGAIN_MS : (int)left;
}

int client_ask(const char *runtime_dir, const char *request, int64_t timeout_ns, struct client_answer *out, struct error *err)
{
    struct error own;
    struct client_call call = {.request = request, .timeout_ns = timeout_ns};
    client_ask_all(runtime_dir, &call, 1);
    *out = call.answer;
    return call.rc == 0 ? 0 : error_set(err ? err : &own, -call.rc, "%s", call.error);
}

/* --- several ---------------------------------------------------------------------------------- */

static void call_begin(struct client_call *call, struct link *link)
{
    struct error err = {0};
    call->answer = (struct client_answer){0};
    call->rc = link_begin(link, call->request, call->timeout_ns, &err) == 0 ? -EAGAIN : -EINVAL;
    snprintf(call->error, sizeof call->error, "%.255s", err.text);
}

static void call_step(struct client_call *call, struct link *link, const char *runtime_dir)
{
    struct error err = {0};
    int rc = link_step(link, runtime_dir, &call->answer, &err);
    if (rc == -EAGAIN)
        return;
    call->rc = rc == 1 ? 0 : rc;
    snprintf(call->error, sizeof call->error, "%.255s", err.text);
    link_close(link);
}

void client_ask_all(const char *runtime_dir, struct client_call *calls, unsigned count)
{
    struct link links[CLIENT_PARALLEL_MAX];
    struct client_call *running[CLIENT_PARALLEL_MAX];
    unsigned active = 0, next = 0;
    while (active > 0 || next < count) {
        for (; active < CLIENT_PARALLEL_MAX && next < count; next++) {
            call_begin(&calls[next], &links[active]);
            if (calls[next].rc == -EAGAIN)
                running[active++] = &calls[next];
        }
        struct pollfd polls[CLIENT_PARALLEL_MAX];
        int timeout = 60000;
        for (unsigned i = 0; i < active;) {
            call_step(running[i], &links[i], runtime_dir);
            if (running[i]->rc != -EAGAIN) { /* over: the last takes its place */
                running[i] = running[--active];
                links[i] = links[active];
                continue;
            }
            polls[i] = (struct pollfd){.fd = links[i].connected ? links[i].fd : -1, .events = link_events(&links[i])};
            int ms = wait_ms(&links[i], now_ns());
            timeout = ms < timeout ? ms : timeout;
            i++;
        }
        if (active == CLIENT_PARALLEL_MAX || (active > 0 && next == count))
            (void)poll(polls, active, timeout);
    }
}

int client_supervisor_pidfd(const char *runtime_dir, struct error *err)
{
    struct link link;
    struct ucred peer = {.pid = 0};
    socklen_t size = sizeof peer;
    int rc = link_begin(&link, "", CLIENT_SHORT_NS, err);
    while (rc == 0 && (rc = link_connect(&link, runtime_dir, err)) == -EAGAIN) {
        if (now_ns() >= link.deadline_ns) {
            rc = error_set(err, ETIMEDOUT, "the supervisor does not take a connection");
            break;
        }
        (void)poll(NULL, 0, CONNECT_AGAIN_MS);
        rc = 0;
    }
    if (rc == 0 && getsockopt(link.fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        rc = error_errno(err, errno, "who listens at %s", runtime_dir);
    if (rc == 0) {
        rc = peer.pid > 0 ? (int)syscall(SYS_pidfd_open, peer.pid, 0) : -1;
        if (rc < 0)
            rc = error_set(err, ESRCH, "the supervisor at %s cannot be watched", runtime_dir);
    }
    link_close(&link);
    return rc;
}
