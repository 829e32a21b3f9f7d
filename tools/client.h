/* client: one question to the supervisor over RUNTIME/control.sock (its side: supervisor/socket.h).
 *
 * Whatever stands behind the socket is believed nothing: an answer is bounded in bytes and time, its first
 * line is "OK" or "NO CODE TEXT" or it is no answer, its text is cleaned before a person sees it, and a
 * body with a zero byte is refused. The body of JSON is the caller's to validate (view.h).
 */
#ifndef PROPFLEET_TOOLS_CLIENT_H
#define PROPFLEET_TOOLS_CLIENT_H

#include <stddef.h>
#include <stdint.h>

struct error;

#define CLIENT_REQUEST_MAX 1400u             /* the supervisor takes 2048 */
#define CLIENT_ANSWER_MAX ((4u << 20) + 2048u) /* the supervisor's limit and a first line */
#define CLIENT_PARALLEL_MAX 8u               /* connections at a time; the supervisor has 16 */
#define CLIENT_SHORT_NS INT64_C(8000000000)  /* what is answered at once */
#define CLIENT_LONG_NS INT64_C(45000000000)  /* account-command (it gives up after 30 s), reload */

struct client_answer {
    int code;          /* 0: OK; otherwise the exit status that the supervisor gives, EXIT_NO .. EXIT_UNREACHABLE */
    char text[1024];   /* of NO, cleaned; empty otherwise */
    char *body;        /* malloc'ed, NUL-terminated, "" when there is none; client_answer_free */
    size_t body_size;  /* without the NUL */
};
void client_answer_free(struct client_answer *answer);

/* Connect, ask, read to the end. 0: *out is an answer (also a NO). Negative: there is none, err says why: -ENOENT,
 * -ECONNREFUSED (no fleet), -ETIMEDOUT, -EPROTO (not our protocol), -EFBIG, ... */
int client_ask(const char *runtime_dir, const char *request, int64_t timeout_ns, struct client_answer *out, struct error *err);

/* Several questions, at most CLIENT_PARALLEL_MAX at a time, each with its own timeout from its own start. */
struct client_call {
    const char *request;
    int64_t timeout_ns;
    /* filled in */
    int rc;
    struct client_answer answer; /* when rc is 0 */
    char error[256];             /* otherwise */
};
void client_ask_all(const char *runtime_dir, struct client_call *calls, unsigned count);

/* A pidfd of the process that listens at the socket (the kernel's word), or a negative code. */
int client_supervisor_pidfd(const char *runtime_dir, struct error *err);

#endif
