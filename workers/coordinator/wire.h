/* wire: the messages between accounts and coordinator; msgpack in one ZeroMQ frame.
 *
 * Every message is a map with short keys: "v" version, "t" type, "g" generation, then the type's
 * fields (the tables at the head of wire.c); unknown keys are skipped. A frame over WIRE_BYTES_MAX,
 * deeper than WIRE_DEPTH_MAX, or that announces more elements than it has bytes is refused before it is
 * decoded. What is decoded is range-checked; nothing is an index before that. The same ranges are
 * asserted by wire_encode: what this side sends is never refused by the other for its form.
 *
 * The routing id of an account's DEALER is "INDEX.GENERATION.SOCKET" (decimal). The socket's number makes
 * it unique: with one id for a socket and the one made anew after it, the old one's last reconnect may
 * reach the ROUTER after the new one and take its place (seen with libzmq 4.3.4). Proposals and reports are keyed by
 * account and the journal sequence number (jseq) of the record that made them durable, never by
 * generation: a repeat is recognised, and answered with the first answer.
 *
 *   account -> coordinator  HELLO    who I am, what I hold; asks what you have of mine
 *   coordinator -> account  WELCOME  the last jseq that I hold: send what is newer, and every proposal
 *                                    that is still without an answer. Also comes unasked, when the
 *                                    coordinator missed something
 *   account -> coordinator  PROPOSE  may I add this risk?
 *   coordinator -> account  ANSWER   granted quantity and validity, or the refusal
 *   account -> coordinator  REPORT   the position as it is now, and what became of a reservation
 *
 * What client.c fills in by itself, and its callers leave 0: wire_message.previous (the jseq sent before
 * this one, so that a hole is seen), wire_hello.nonce and wire_welcome.nonce (which HELLO is answered),
 * wire_hello.sent_jseq.
 * Thread-safe: each thread decodes in a zone of its own, allocated once.
 */
#ifndef PROPFLEET_WORKERS_COORDINATOR_WIRE_H
#define PROPFLEET_WORKERS_COORDINATOR_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "config/config.h"

struct error;

#define WIRE_VERSION 1u
#define WIRE_BYTES_MAX 4096u
#define WIRE_DEPTH_MAX 4u
#define WIRE_POSITIONS_MAX 16u
#define WIRE_JSEQ_MAX ((UINT64_C(1) << 48) - 1) /* 1..: a key of account and jseq fits in 64 bits */
#define WIRE_ENDPOINT_NAME "coordinator.ipc" /* in the runtime folder */

/* The routing id of an account's socket, NUL-terminated, and its length; the size that always fits. */
#define WIRE_ROUTING_ID_MAX 48
struct wire_address {
    uint32_t account, socket; /* socket: 1, 2, 3, ... of one generation */
    uint64_t generation;
};
size_t wire_routing_id(const struct wire_address *address, char out[WIRE_ROUTING_ID_MAX]);
/* Strict: nothing but what wire_routing_id writes, account in range. `id` needs no NUL. */
bool wire_routing_id_parse(const void *id, size_t size, struct wire_address *out);

enum wire_type { WIRE_HELLO = 1, WIRE_WELCOME, WIRE_PROPOSE, WIRE_ANSWER, WIRE_REPORT, WIRE_TYPE_END };

/* Risk amounts are in account currency (all accounts of a fleet share one: check enforces it). */
struct wire_proposal {
    uint64_t jseq;       /* 1..WIRE_JSEQ_MAX; the correlation id of the answer too */
    int64_t instant_ns;  /* END that it was made at; > 0 */
    uint32_t instrument, side;      /* enum broker_side */
    dec_t qty;           /* lots, > 0 */
    dec_t risk;          /* lost if the stop is hit, costs included; >= 0 */
    dec_t entry_price, stop_price;
    double confidence;   /* 0..1 */
};
struct wire_answer {
    uint64_t jseq;       /* of the proposal */
    int64_t instant_ns;  /* of the proposal */
    dec_t qty;           /* granted; 0: refused */
    int64_t valid_until_ns; /* market time */
    uint32_t refusal;    /* enum refusal; NONE exactly when qty > 0 */
    uint64_t decision;   /* the coordinator's journal sequence number; 0: not a decision (it could not be made) */
};
/* What an account holds in one instrument, after the event that made it report. */
struct wire_position {
    uint32_t instrument, side; /* side 0: flat, qty and risk are 0 then; qty > 0 otherwise */
    dec_t qty;
    dec_t risk;          /* still at risk at the stop (>= 0); without a stop: the catastrophic move */
};
struct wire_report {
    uint64_t jseq;
    int64_t instant_ns;
    struct wire_position position;
    uint64_t proposal;   /* jseq of the proposal whose reservation this uses up or releases; 0: none */
    dec_t reserved_qty;  /* what is still reserved of it; 0: the reservation is over */
};
struct wire_hello {
    uint32_t account;
    uint64_t last_jseq;  /* of the account's journal */
    uint32_t position_count;
    struct wire_position positions[WIRE_POSITIONS_MAX]; /* that are not flat, each instrument at most once */
    uint64_t nonce;      /* client.c's */
    uint64_t sent_jseq;  /* client.c's: the last that it has sent or was welcomed with; a HELLO said again is older */
};
struct wire_welcome {
    uint64_t through_jseq;      /* highest jseq of this account that the coordinator holds or has applied */
    uint64_t coordinator_generation;
    uint64_t nonce;             /* of the HELLO that it answers; 0: unasked */
};

struct wire_message {
    uint32_t type;       /* enum wire_type */
    uint64_t generation; /* the sender's, >= 1 */
    uint64_t previous;   /* PROPOSE, REPORT: jseq of the message sent before; 0: none. client.c's */
    union {
        struct wire_hello hello;
        struct wire_welcome welcome;
        struct wire_proposal proposal;
        struct wire_answer answer;
        struct wire_report report;
    } u;
};

/* Returns the length, at most WIRE_BYTES_MAX (asserted: every message fits). */
size_t wire_encode(const struct wire_message *message, unsigned char out[WIRE_BYTES_MAX]);
/* 0, -EMSGSIZE (too long, too deep), -EPROTO (not a map, newer version, missing key, out of range). */
int wire_decode(const void *data, size_t size, struct wire_message *out, struct error *err);

#endif
