/* logpipe: what a child writes to stdout and stderr, as lines of our log under its name.
 *
 * Bounded for each child and turn: at most bytes_per_turn are read, then the pipe rests for
 * LOGPIPE_REST_NS; of what is read at most queue_bytes a second are logged (a bucket that
 * refills), the rest is dropped, counted, and the count is said. A child that writes without
 * blocking loses lines of its own; one that blocks waits for itself alone.
 * A line that base/log wrote is taken apart, so that its level stays and its time is not said twice.
 */
#ifndef PROPFLEET_SUPERVISOR_LOGPIPE_H
#define PROPFLEET_SUPERVISOR_LOGPIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOGPIPE_LINE_MAX 2048
#define LOGPIPE_REST_NS INT64_C(10000000)

struct logpipe {
    int fd;               /* non-blocking read end, -1: none; the owner closes it through logpipe_close */
    bool resting;         /* not in epoll's set */
    int64_t rest_until_ns;
    int64_t refill_ns;    /* time of the last refill of the bucket */
    uint32_t bucket_bytes;
    uint64_t dropped_bytes, dropped_said, logged_lines;
    bool cutting;         /* the rest of an overlong line is skipped */
    size_t length;
    char line[LOGPIPE_LINE_MAX];
};

struct logpipe_limits {
    uint32_t bytes_per_turn, queue_bytes;
};

enum logpipe_result { LOGPIPE_EMPTY, LOGPIPE_MORE, LOGPIPE_CLOSED };

void logpipe_init(struct logpipe *pipe);
void logpipe_open(struct logpipe *pipe, int fd, const struct logpipe_limits *limits, int64_t now_ns);
/* One turn. MORE: the limit of the turn was reached. */
enum logpipe_result logpipe_read(struct logpipe *pipe, const char *name, const struct logpipe_limits *limits,
                                 int64_t now_ns);
/* Log what is left of the last line and the count of what was dropped; close. */
void logpipe_close(struct logpipe *pipe, const char *name);

#endif
