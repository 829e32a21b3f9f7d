/* driver: runs one account live or in a replay: ring -> core -> store -> venue and coordinator.
 *
 * One thread, one epoll. The order of things for one record stands in core.h; the order for one commit:
 * collect the batch, commit it, only then release the actions. In a replay the driver stands still at
 * an END whose proposals have no answer yet; live it goes on and takes the answers when they come.
 */
#ifndef PROPFLEET_WORKERS_ACCOUNT_DRIVER_H
#define PROPFLEET_WORKERS_ACCOUNT_DRIVER_H

#include "base/clock.h"
#include "base/peak.h"
#include "shm/history.h"
#include "shm/ring.h"
#include "workers/account/core.h"
#include "workers/account/persist.h"
#include "workers/account/request.h"
#include "workers/broker/broker.h"
#include "workers/child/child.h"
#include "workers/coordinator/client.h"

enum driver_phase {
    PHASE_SEGMENT,   /* no market segment yet */
    PHASE_CATCH_UP,  /* replaying to where the account's state stands */
    PHASE_RUN,
    PHASE_ANSWERS,   /* replay: at an END, waiting for the answers to its proposals */
    PHASE_ENDED,     /* the source has ended and all of it is durable */
};

struct driver {
    struct child child;
    struct core core;
    struct persist persist;
    struct account_run run;
    struct store *store, *paper_store;
    struct broker *broker;
    struct client *client;
    bool live;
    enum driver_phase phase;
    int epoll_fd, client_fd_watched;
    struct clock clock;
    struct clock_watch clock_watch;

    /* market segment */
    struct ring_reader reader;
    const void *ring_memory, *history_memory;
    size_t ring_size, history_size;
    const struct history *history;
    int64_t record_mono_ns;    /* live: when the last record was handled */
    int64_t guarded_ns;        /* live: when the guard last looked without a record */
    bool marks_path_used;      /* the marks came from a file that a person wrote */
    bool behind;               /* the venue has forgotten reports that this store never had: it is an older copy */
    bool fresh, rebuild;       /* no state yet; the market part comes from the bar history */
    uint64_t catch_up_seq;     /* account.cursor_seq when it started (behind: the venue's): core_observe up to here */
    uint32_t snapshot_every;   /* records */

    /* permits */
    bool coordinator_gone;     /* nobody will answer: the supervisor's word */
    bool resync;               /* something could not be sent: a new HELLO */
    int64_t asked_ns;          /* live: monotonic time of the oldest proposal without an answer */
    /* live: the way of that proposal: its END was published (0: not known), taken from the ring; answered */
    int64_t asked_published_ns, asked_taken_ns, answered_ns;
    int64_t end_published_ns, end_taken_ns; /* of the last END */
    struct peak record_late, permit_wait;
    struct wire_answer answers[CORE_PROPOSALS_MAX];
    uint32_t answer_count;

    /* store */
    int64_t retry_commit_ns, last_commit_ns, settled_ns;
    bool store_failing;        /* the last commit failed; its batch is kept and tried again */
    bool store_alarmed, fenced, clock_alarmed, stopping;

    /* a flatten command that waits until the venue says flat */
    uint64_t flatten_command;
    /* positions of the venue's that are being closed by a person's word: what it holds is looked at when they are */
    uint64_t closing[CORE_POSITIONS_MAX];
    uint32_t closing_count;
    bool compare_due;          /* the books are compared when the venue's reports have come */
    uint64_t records;          /* handled since the start */
    int64_t published_ns;
};

/* *driver is all zero: static memory, so that a start does not write a million zeros. */
void driver_init(struct driver *driver, int argc, char **argv);
/* Runs until STOP; returns the exit status. */
int driver_run(struct driver *driver);

/* --- between the driver's files --------------------------------------------------------------- */
/* Commit what the core's last step changed, then release its actions (driver_commit.c). */
void driver_flush(struct driver *driver);
/* The same, and what is committed is as durable as an order is. 0, or a negative code: it is not stored. */
int driver_flush_durably(struct driver *driver);
/* A commit with the snapshot of the market part. */
void driver_snapshot(struct driver *driver);
/* Live: commits what is dirty when the last commit is a second ago; retries a failed one. */
void driver_commit_due(struct driver *driver);
/* Deliver the venue's reports that are due at the record where the account stands. */
void driver_reports(struct driver *driver);
/* The account stands at an END: say so to the coordinator, take the answers to its proposals. */
void driver_at_end(struct driver *driver);

/* The permit channel (driver_permits.c). */
void driver_client_reset(struct driver *driver);
void driver_client_poll(struct driver *driver);
void driver_send(struct driver *driver, const struct wire_message *message);
/* Replay: every proposal has its answer: step them in the order of their jseq. Live: those that are here. */
void driver_answers(struct driver *driver);

/* Start and segment (driver_start.c). */
void driver_open(struct driver *driver);
void driver_attach(struct driver *driver, struct control_message *message);
void driver_rebuild(struct driver *driver, uint64_t up_to_seq);
void driver_reconcile(struct driver *driver);
void driver_gap(struct driver *driver, uint64_t lost);

/* What the venue holds against the book, and a person's word on it (driver_venue.c, driver_request.c). */
void driver_ask_venue(struct driver *driver, struct core_venue *out);
/* At the start: is the store an older copy? Then it goes on where the venue stands. */
void driver_look_behind(struct driver *driver);
/* Ends the account when they differ and nobody has said what is to be done about it. */
void driver_compare(struct driver *driver);
/* At an END: the reports that were on their way then have come. */
void driver_compare_again(struct driver *driver);
void driver_closing_check(struct driver *driver);
#define DRIVER_REQUESTS_MAX 32u
struct driver_request {
    struct request request;
    uint64_t inode;            /* of its file: one that was written since stays */
    const char *refused;       /* NULL: it was done */
};
/* The files in STATE/NAME, in the order in which they are to be done. One that is no request ends the account. */
uint32_t driver_requests_read(struct driver *driver, struct driver_request out[DRIVER_REQUESTS_MAX]);
/* It is in the journal already: a life before this one did it, and died before the file was gone. */
bool driver_request_done(struct driver *driver, const char *id);
void driver_request_remove(struct driver *driver, const struct driver_request *request);

/* Control channel and operator's commands (driver_control.c). */
/* "high_balance=110000,day_equity=...": false when it is not that. */
bool driver_marks(const char *text, struct core_marks *out);
void driver_control(struct driver *driver);
void driver_flatten_check(struct driver *driver);
void driver_publish(struct driver *driver);

#endif
