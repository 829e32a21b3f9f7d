/* control: what the supervisor and its children say to each other, and the fixed descriptors.
 *
 * One SOCK_SEQPACKET socketpair for each child; the child's end is CONTROL_FD. Its
 * closing is the lifeline: a child whose supervisor is gone leaves at once. A message is one
 * datagram: this header, then at most CONTROL_PAYLOAD_MAX bytes; descriptors ride on it
 * (SCM_RIGHTS, at most CONTROL_FDS_MAX, received close-on-exec). Both sides copy and check type,
 * size and the number of descriptors before use; a message of a wrong size ends the channel.
 * After one missed reply to a PING a channel is ambiguous for ever: kill, never retry on it.
 */
#ifndef PROPFLEET_BASE_CONTROL_H
#define PROPFLEET_BASE_CONTROL_H

#include <stddef.h>
#include <stdint.h>

struct error;

/* How a child starts (what happens in which order):
 *
 *   child       maps config and cell                        -> MAPPED 0
 *   supervisor  seals the cell; announces the child (PEER) to those who read it: an account to feed
 *               (with its eventfd) and coordinator, the coordinator to accounts, the feed to nobody
 *   account     opens its state, claims in its cell the sequence from which it needs the ring
 *               (cell_set_durable; CELL_DURABLE_JOIN when it has none yet)
 *   feed        waits for GO; waits until every wanted account has claimed; lays out ring and history
 *               with first_seq = least claim + 1                -> MAPPED 1
 *   supervisor  seals both, sends SEGMENT to every account that lives, and to later ones
 *   account     attaches; one without a claim commits the head as its start, then claims it;
 *               replays to where its state stands, reconciles with its broker      -> READY
 *   feed        waits until every wanted claim is a number      -> READY, publishes
 *   at the end  feed: ring_close, DONE; accounts: read all, durable, DONE; coordinator has no end
 *
 * PEER with alive 0, wanted 1: it died and will be restarted; with wanted 0: nobody waits for it any more.
 */

/* Fixed numbers in a child; everything else is closed. */
enum {
    CONTROL_FD = 3,     /* the socketpair's end */
    CONFIG_FD = 4,      /* the sealed, compiled configuration (config/config.h) */
    CELL_FD = 5,        /* the child's own status cell, not yet sealed */
    RING_FD = 6,        /* feed: its fresh market ring. Others: not open */
    HISTORY_FD = 7,     /* feed: its fresh bar history. Others: not open */
    WAKE_FD = 8,        /* account: eventfd on which it sleeps; the feed holds the other end */
    CHILD_FD_LIMIT = 9,
};
/* A child's arguments: NAME --account INDEX (accounts only) --generation N */

#define CONTROL_PAYLOAD_MAX 1024
#define CONTROL_FDS_MAX 4

enum control_type {
    /* child -> supervisor */
    CONTROL_MAPPED = 1,  /* argument 0: the cell is mapped; 1 (feed): ring and history are laid out. Seal now */
    CONTROL_READY,       /* account: reconciled with my broker; feed: source open; coordinator: bound */
    CONTROL_PONG,        /* argument: the PING's number */
    CONTROL_RESULT,      /* answer to COMMAND: argument id, value 0 or errno, payload text */
    CONTROL_ALERT,       /* value: severity 0..2, payload text: durable record wanted */
    CONTROL_DONE,        /* feed: source at its end; account: everything consumed and durable */
    CONTROL_FATAL,       /* payload: why this child leaves */
    /* supervisor -> child */
    CONTROL_SEGMENT = 32,/* generation: the feed's; fds: ring, history (sealed). To accounts */
    CONTROL_PEER,        /* struct control_peer; fds: cell (sealed)[, eventfd: to the feed only] */
    CONTROL_GO,          /* feed: every wanted account has been announced as a peer that lives. Live: one that is down
                          * between two starts (announced with alive 0, or not yet) is not waited for. READY of
                          * accounts cannot be waited for here: it needs the ring, which comes after GO */
    CONTROL_PING,        /* argument: number */
    CONTROL_COMMAND,     /* argument id, payload "verb arguments", to an account */
    CONTROL_CONFIG,      /* fds: a new compiled configuration */
    CONTROL_STOP,        /* leave: entries off, make durable, exit 0. argument 1 to accounts, which go first */
};

struct control_message {
    uint32_t type;
    uint32_t payload_size;
    uint64_t generation; /* of the child that the message is from or to */
    uint64_t argument;
    int64_t value;
    unsigned char payload[CONTROL_PAYLOAD_MAX];
    int fd_count;                /* not on the wire */
    int fds[CONTROL_FDS_MAX];    /* not on the wire; the receiver owns them */
};

/* Who else lives: to the feed, the coordinator (accounts) and accounts (coordinator, no fd). */
struct control_peer {
    uint32_t kind;    /* enum process_kind */
    uint32_t account; /* account index in the configuration */
    uint64_t generation;
    int32_t pid;      /* the kernel's word for who may speak for this generation */
    uint32_t wanted;  /* 1: wait for it (also while it restarts); 0: FAILED, stopped or removed */
    uint32_t alive;   /* 1: this generation runs, its cell is attached; 0: it is gone */
    uint32_t reserved;
};

/* Send one message; never blocks: -EAGAIN when the channel is full, -EPIPE when the peer is gone. */
int control_send(int fd, const struct control_message *message);
/* Shorthand without payload and descriptors. */
int control_send_plain(int fd, uint32_t type, uint64_t generation, uint64_t argument, int64_t value);
/* Receive one message without blocking. 1: *out is filled; 0: the peer has closed; -EAGAIN;
 * -EPROTO: malformed (descriptors that came with it are closed). */
int control_receive(int fd, struct control_message *out);
/* Close the descriptors that came with a message and that nobody took (taken ones are set to -1). */
void control_close_fds(struct control_message *message);

#endif
