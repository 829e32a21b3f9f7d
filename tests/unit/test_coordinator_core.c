/* The coordinator's core: each rule, the order of decisions, and that only the data decide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/hash.h"
#include "workers/broker/broker.h"
#include "workers/coordinator/core.h"

#define T INT64_C(1715600000000000000)
#define MINUTE INT64_C(60000000000)
#define VALIDITY (30 * MINUTE)
#define PERMUTATIONS 300u

static struct fleet_config config;
static struct coordinator core;
static struct coordinator_watermark marks[CONFIG_ACCOUNTS_MAX];
static uint64_t last_sent[CONFIG_ACCOUNTS_MAX];

/* Four accounts of 10,000 each: 0 and 1 of firm A, 2 of firm A under a programme without the rule, 3 of B. */
static int setup(void **state)
{
    (void)state;
    memset(&config, 0, sizeof config);
    config.account_count = 4;
    config.instrument_count = 3;
    config.programme_count = 3;
    const char *firms[] = {"A", "A", "B"};
    for (uint32_t i = 0; i < 3; i++) {
        memcpy(config.programmes[i].firm, firms[i], 2);
        config.programmes[i].opposite_refused = i == 0;
        config.instruments[i].active = i != 2;
    }
    const uint32_t programmes[] = {0, 0, 1, 2};
    for (uint32_t a = 0; a < 4; a++) {
        snprintf(config.accounts[a].name, CONFIG_NAME_MAX, "a%u", (unsigned)a);
        config.accounts[a].programme = programmes[a];
        config.accounts[a].initial_balance = 10000 * DEC_ONE;
    }
    config.coordination.joint_risk_fraction = DEC_ONE / 100; /* 400 over all */
    config.coordination.permit_validity_ns = VALIDITY;
    coordinator_init(&core, &config);
    memset(marks, 0, sizeof marks);
    memset(last_sent, 0, sizeof last_sent);
    for (uint32_t a = 0; a < 4; a++)
        marks[a] = (struct coordinator_watermark){.wanted = true, .done_instant_ns = T + 1000 * MINUTE};
    return 0;
}

static struct coordinator_queued proposal(uint32_t account, uint64_t jseq, int64_t instant_ns)
{
    struct coordinator_queued message = {.type = WIRE_PROPOSE, .previous = last_sent[account]};
    message.u.proposal = (struct wire_proposal){.jseq = jseq, .instant_ns = instant_ns, .side = SIDE_BUY, .qty = DEC_ONE,
                                                .risk = 100 * DEC_ONE, .entry_price = 2 * DEC_ONE,
                                                .stop_price = DEC_ONE, .confidence = 0.5};
    return message;
}

static struct coordinator_queued report(uint32_t account, uint64_t jseq, int64_t instant_ns, uint32_t side, dec_t risk)
{
    struct coordinator_queued message = {.type = WIRE_REPORT, .previous = last_sent[account]};
    message.u.report = (struct wire_report){.jseq = jseq, .instant_ns = instant_ns,
                                            .position = {.side = side, .qty = side ? DEC_ONE : 0, .risk = risk}};
    return message;
}

static void send(uint32_t account, const struct coordinator_queued *message)
{
    assert_int_equal(coordinator_accept(&core, account, message), COORDINATOR_QUEUED);
    last_sent[account] = message->type == WIRE_PROPOSE ? message->u.proposal.jseq : message->u.report.jseq;
}

static void propose(uint32_t account, uint64_t jseq, int64_t instant_ns)
{
    struct coordinator_queued message = proposal(account, jseq, instant_ns);
    send(account, &message);
}

/* Apply the next instant; the refusal of the account's (only) decision. */
static enum refusal decided(uint32_t account)
{
    coordinator_apply(&core, coordinator_next_instant(&core), marks);
    for (uint32_t i = 0; i < core.decision_count; i++)
        if (core.decisions[i].account == account)
            return core.decisions[i].answer.refusal;
    fail_msg("no decision for account %u", (unsigned)account);
    return REFUSAL_COUNT;
}

static enum refusal ask(uint32_t account, uint64_t jseq, int64_t instant_ns)
{
    propose(account, jseq, instant_ns);
    return decided(account);
}

/* --- rules ---------------------------------------------------------------------------------------------------- */

static void a_grant_is_a_reservation_with_an_expiry(void **state)
{
    (void)state;
    assert_int_equal(ask(0, 5, T), REFUSAL_NONE);
    const struct wire_answer *answer = &core.decisions[0].answer;
    assert_int_equal(answer->jseq, 5);
    assert_int_equal(answer->instant_ns, T);
    assert_int_equal(answer->qty, DEC_ONE);
    assert_int_equal(answer->valid_until_ns, T + VALIDITY);
    assert_int_equal(answer->decision, 1);
    assert_int_equal(core.decision_seq, 1);
    assert_int_equal(core.applied_instant_ns, T);
    assert_int_equal(coordinator_joint_risk(&core), 100 * DEC_ONE);
    assert_true(core.changed[0]);
    assert_false(core.changed[1]);
    assert_int_equal(core.accounts[0].grants, 1);
    assert_int_equal(core.accounts[0].applied_jseq, 5);
}

static void an_account_that_is_not_known_or_not_wanted_is_refused(void **state)
{
    (void)state;
    assert_int_equal(ask(4, 1, T), REFUSAL_UNKNOWN_ACCOUNT); /* beyond the configuration */
    config.accounts[3].name[0] = '\0';
    assert_int_equal(ask(3, 1, T), REFUSAL_UNKNOWN_ACCOUNT); /* a hole */
    marks[2].wanted = false;
    assert_int_equal(ask(2, 1, T), REFUSAL_UNKNOWN_ACCOUNT);
    marks[2].wanted = true;
    assert_int_equal(ask(2, 2, T), REFUSAL_NONE);
    assert_int_equal(core.accounts[2].refusals, 1);
}

static void an_instrument_that_is_not_carried_is_refused(void **state)
{
    (void)state;
    struct coordinator_queued message = proposal(0, 1, T);
    message.u.proposal.instrument = 2; /* not active */
    send(0, &message);
    assert_int_equal(decided(0), REFUSAL_SESSION_CLOSED);
    message = proposal(0, 2, T);
    message.u.proposal.instrument = 5; /* not there */
    send(0, &message);
    assert_int_equal(decided(0), REFUSAL_SESSION_CLOSED);
}

static void held_grants_refuse_everybody(void **state)
{
    (void)state;
    core.hold_grants = true;
    assert_int_equal(ask(0, 1, T), REFUSAL_NO_PERMIT);
    core.hold_grants = false;
    assert_int_equal(ask(0, 2, T), REFUSAL_NONE);
}

static void sell(uint32_t account, uint64_t jseq, uint32_t instrument, enum refusal expected)
{
    struct coordinator_queued message = proposal(account, jseq, T);
    message.u.proposal.side = SIDE_SELL;
    message.u.proposal.instrument = instrument;
    send(account, &message);
    assert_int_equal(decided(account), expected);
}

static void no_two_accounts_of_a_firm_on_opposite_sides(void **state)
{
    (void)state;
    assert_int_equal(ask(0, 1, T), REFUSAL_NONE); /* reserved: buy of 0 */
    sell(1, 1, 0, REFUSAL_OPPOSITE_POSITION);
    sell(1, 2, 1, REFUSAL_NONE);                  /* another instrument */
    sell(2, 1, 0, REFUSAL_OPPOSITE_POSITION);     /* its programme allows it, the other one's does not */
    sell(3, 1, 0, REFUSAL_NONE);                  /* another firm */
    sell(0, 2, 0, REFUSAL_NONE);                  /* its own reservation is not another account's */
}

static void a_position_counts_like_a_reservation_and_a_flat_one_does_not(void **state)
{
    (void)state;
    struct coordinator_queued message = report(0, 1, T, SIDE_BUY, DEC_ONE);
    send(0, &message);
    sell(1, 1, 0, REFUSAL_OPPOSITE_POSITION);
    marks[0].wanted = false; /* FAILED: it still holds what it holds */
    sell(1, 2, 0, REFUSAL_OPPOSITE_POSITION);
    message = report(0, 2, T, 0, 0);
    send(0, &message);
    sell(1, 3, 0, REFUSAL_NONE);
}

static void without_the_rule_both_sides_are_allowed(void **state)
{
    (void)state;
    config.programmes[0].opposite_refused = false;
    assert_int_equal(ask(0, 1, T), REFUSAL_NONE);
    sell(1, 1, 0, REFUSAL_NONE);
}

static void joint_risk_is_limited_over_all_accounts(void **state)
{
    (void)state;
    for (uint32_t a = 0; a < 4; a++)
        assert_int_equal(ask(a, 1, T), REFUSAL_NONE); /* 4 x 100: exactly the limit */
    struct coordinator_queued message = proposal(0, 2, T);
    message.u.proposal.risk = 1;
    send(0, &message);
    assert_int_equal(decided(0), REFUSAL_JOINT_RISK);
    message = proposal(0, 3, T);
    message.u.proposal.risk = DEC_MAX; /* a sum that does not fit refuses too */
    send(0, &message);
    assert_int_equal(decided(0), REFUSAL_JOINT_RISK);
    message = report(1, 2, T, SIDE_BUY, 99 * DEC_ONE); /* filled: what is at risk now */
    message.u.report.proposal = 1;
    send(1, &message);
    message = proposal(0, 4, T);
    message.u.proposal.risk = DEC_ONE;
    send(0, &message);
    assert_int_equal(decided(0), REFUSAL_NONE);
    assert_int_equal(coordinator_joint_risk(&core), 400 * DEC_ONE);
}

static void permits_of_one_account_are_limited(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= COORDINATOR_RESERVATIONS_MAX + 1; n++) {
        struct coordinator_queued message = proposal(0, n, T);
        message.u.proposal.risk = DEC_ONE;
        send(0, &message);
        assert_int_equal(decided(0), n <= COORDINATOR_RESERVATIONS_MAX ? REFUSAL_NONE : REFUSAL_MAX_POSITIONS);
    }
}

/* --- reservations --------------------------------------------------------------------------------------------- */

static void a_reservation_ends_after_its_last_instant(void **state)
{
    (void)state;
    assert_int_equal(ask(0, 1, T), REFUSAL_NONE);
    assert_int_equal(ask(1, 1, T + VALIDITY), REFUSAL_NONE);
    assert_int_equal(core.accounts[0].reservations[0].proposal, 1); /* valid until then, inclusive */
    assert_int_equal(ask(1, 2, T + VALIDITY + 1), REFUSAL_NONE);
    assert_int_equal(core.accounts[0].reservations[0].proposal, 0);
    assert_true(core.changed[0]); /* and the row is stored */
    assert_int_equal(coordinator_joint_risk(&core), 200 * DEC_ONE);
}

static void a_reservation_becomes_a_position_by_and_by(void **state)
{
    (void)state;
    struct coordinator_queued message = proposal(0, 1, T);
    message.u.proposal.qty = 3 * DEC_ONE;
    message.u.proposal.risk = 100 * DEC_ONE;
    send(0, &message);
    assert_int_equal(decided(0), REFUSAL_NONE);
    message = report(0, 2, T + 1, SIDE_BUY, 34 * DEC_ONE);
    message.u.report.proposal = 1;
    message.u.report.reserved_qty = 2 * DEC_ONE;
    send(0, &message);
    coordinator_apply(&core, T + 1, marks);
    const struct coordinator_reservation *reservation = &core.accounts[0].reservations[0];
    assert_int_equal(reservation->qty, 2 * DEC_ONE);
    assert_int_equal(reservation->risk, INT64_C(6666666667)); /* two thirds, rounded up */
    message = report(0, 3, T + 2, SIDE_BUY, 34 * DEC_ONE);
    message.u.report.proposal = 1;
    message.u.report.reserved_qty = 3 * DEC_ONE; /* never grows again */
    send(0, &message);
    coordinator_apply(&core, T + 2, marks);
    assert_int_equal(reservation->qty, 2 * DEC_ONE);
    message = report(0, 4, T + 3, SIDE_BUY, 90 * DEC_ONE);
    message.u.report.proposal = 1;
    send(0, &message);
    coordinator_apply(&core, T + 3, marks);
    assert_int_equal(reservation->proposal, 0);
    assert_int_equal(coordinator_joint_risk(&core), 90 * DEC_ONE);
    message = report(0, 5, T + 4, 0, 0);
    message.u.report.proposal = 77; /* none of its reservations: nothing happens */
    send(0, &message);
    coordinator_apply(&core, T + 4, marks);
    assert_int_equal(coordinator_joint_risk(&core), 0);
}

static void a_proposal_that_is_given_up_in_the_queue_is_refused(void **state)
{
    (void)state;
    propose(0, 1, T);
    struct coordinator_queued message = report(0, 2, T, 0, 0);
    message.u.report.proposal = 1;
    send(0, &message);
    assert_int_equal(decided(0), REFUSAL_PERMIT_EXPIRED);
    assert_int_equal(coordinator_joint_risk(&core), 0);
}

static void what_comes_late_is_applied_now_and_may_be_too_late(void **state)
{
    (void)state;
    assert_int_equal(ask(0, 1, T + 10 * MINUTE), REFUSAL_NONE);
    assert_int_equal(ask(1, 1, T), REFUSAL_NONE); /* live: ten minutes late */
    assert_int_equal(core.applied_instant_ns, T + 10 * MINUTE);
    assert_int_equal(core.decisions[0].answer.valid_until_ns, T + VALIDITY);
    assert_int_equal(ask(2, 1, T - VALIDITY), REFUSAL_PERMIT_EXPIRED);
}

/* --- order ------------------------------------------------------------------------------------------------------ */

static void confidence_goes_first(void **state)
{
    (void)state;
    config.coordination.joint_risk_fraction = DEC_ONE / 400; /* one of them only */
    const double confidences[] = {0.4, 0.6, 0.5, 0.6};
    for (uint32_t a = 0; a < 4; a++) {
        struct coordinator_queued message = proposal(a, 1, T);
        message.u.proposal.confidence = confidences[a];
        send(a, &message);
    }
    assert_int_equal(decided(1), REFUSAL_NONE);
    const uint32_t order[] = {1, 3, 2, 0};
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(core.decisions[i].account, order[i]);
        assert_int_equal(core.decisions[i].answer.decision, i + 1);
        assert_int_equal(core.decisions[i].answer.refusal, i == 0 ? REFUSAL_NONE : REFUSAL_JOINT_RISK);
    }
}

static void then_who_risks_least_then_who_waited_longest_then_the_index(void **state)
{
    (void)state;
    config.coordination.joint_risk_fraction = DEC_ONE;
    struct coordinator_queued message = report(0, 1, T, SIDE_BUY, DEC_ONE);
    send(0, &message);
    coordinator_apply(&core, T, marks);
    core.accounts[1].last_grant_ns = T - MINUTE;
    core.accounts[2].last_grant_ns = T - 2 * MINUTE;
    core.accounts[3].last_grant_ns = T - MINUTE;
    for (uint32_t a = 0; a < 4; a++)
        propose(a, 2, T + MINUTE);
    propose(2, 3, T + MINUTE); /* a second one: after the first it holds more than anybody */
    assert_int_equal(decided(2), REFUSAL_NONE);
    const uint32_t order[] = {2, 1, 3, 0, 2};
    assert_int_equal(core.decision_count, 5);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(core.decisions[i].account, order[i]);
}

static void proposals_of_one_account_keep_their_order(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 3; n++)
        propose(0, n, T);
    assert_int_equal(decided(0), REFUSAL_NONE);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(core.decisions[i].answer.jseq, i + 1);
}

static void more_proposals_than_reservations_make_a_second_round_of_the_instant(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= COORDINATOR_RESERVATIONS_MAX + 2; n++)
        propose(0, n, T);
    coordinator_apply(&core, T, marks);
    assert_int_equal(core.decision_count, COORDINATOR_RESERVATIONS_MAX);
    assert_int_equal(coordinator_next_instant(&core), T);
    assert_true(coordinator_proposal_waits(&core, T));
    coordinator_apply(&core, T, marks);
    assert_int_equal(core.decision_count, 2);
    assert_int_equal(coordinator_next_instant(&core), 0);
}

/* --- queue and watermarks ---------------------------------------------------------------------------------------- */

static void repeats_are_known_and_holes_are_seen(void **state)
{
    (void)state;
    struct coordinator_queued message = proposal(0, 5, T);
    assert_int_equal(coordinator_through(&core, 0), 0);
    send(0, &message);
    assert_int_equal(coordinator_through(&core, 0), 5);
    assert_int_equal(coordinator_accept(&core, 0, &message), COORDINATOR_KNOWN);
    message = proposal(0, 9, T);
    message.previous = 7; /* 7 was sent and is not here */
    assert_int_equal(coordinator_accept(&core, 0, &message), COORDINATOR_GAP);
    message.previous = 0;
    assert_int_equal(coordinator_accept(&core, 0, &message), COORDINATOR_GAP);
    message.previous = 5;
    send(0, &message);
    message = proposal(0, 7, T); /* between two that are here: none of this account's messages */
    assert_int_equal(coordinator_accept(&core, 0, &message), COORDINATOR_GAP);
    coordinator_apply(&core, T, marks);
    message = proposal(0, 9, T);
    assert_int_equal(coordinator_accept(&core, 0, &message), COORDINATOR_REPEAT);
    message = proposal(0, 3, T);
    assert_int_equal(coordinator_accept(&core, 0, &message), COORDINATOR_REPEAT);
    assert_int_equal(coordinator_through(&core, 0), 9);
}

static void a_full_queue_takes_no_more_and_still_counts_as_whole(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= COORDINATOR_QUEUE_MAX; n++) {
        struct coordinator_queued message = report(0, n, T + (int64_t)n, SIDE_BUY, 1);
        send(0, &message);
    }
    struct coordinator_queued message = report(0, COORDINATOR_QUEUE_MAX + 1, T + MINUTE, SIDE_BUY, 1);
    assert_int_equal(coordinator_accept(&core, 0, &message), COORDINATOR_FULL);
    marks[0].sent_jseq = COORDINATOR_QUEUE_MAX + 100; /* the account is far ahead */
    uint32_t waits_for;
    assert_true(coordinator_ready(&core, T + 1, marks, &waits_for)); /* all up to there is here */
    assert_false(coordinator_ready(&core, T + COORDINATOR_QUEUE_MAX, marks, &waits_for));
    assert_int_equal(waits_for, 0);
    coordinator_apply(&core, T + 1, marks);
    assert_int_equal(coordinator_accept(&core, 0, &message), COORDINATOR_QUEUED); /* room again */
}

static void an_instant_waits_for_every_wanted_account(void **state)
{
    (void)state;
    uint32_t waits_for;
    propose(1, 4, T);
    marks[1] = (struct coordinator_watermark){.wanted = true, .done_instant_ns = T, .sent_jseq = 4};
    assert_int_equal(coordinator_next_instant(&core), T);
    assert_true(coordinator_ready(&core, T, marks, &waits_for));
    assert_int_equal(waits_for, CONFIG_NONE);
    marks[2].done_instant_ns = T - 1;
    assert_false(coordinator_ready(&core, T, marks, &waits_for));
    assert_int_equal(waits_for, 2);
    marks[2].done_instant_ns = 0; /* a new cell */
    assert_false(coordinator_ready(&core, T, marks, &waits_for));
    marks[2].wanted = false; /* FAILED */
    assert_true(coordinator_ready(&core, T, marks, &waits_for));
    marks[3].sent_jseq = 8; /* says that it has sent more */
    assert_false(coordinator_ready(&core, T, marks, &waits_for));
    assert_int_equal(waits_for, 3);
    last_sent[3] = 0;
    propose(3, 8, T);
    assert_true(coordinator_ready(&core, T, marks, &waits_for));
}

static void the_earliest_instant_comes_first(void **state)
{
    (void)state;
    assert_int_equal(coordinator_next_instant(&core), 0);
    assert_false(coordinator_proposal_waits(&core, T));
    propose(1, 1, T + MINUTE);
    struct coordinator_queued message = report(2, 1, T, SIDE_BUY, 1);
    send(2, &message);
    assert_int_equal(coordinator_next_instant(&core), T);
    assert_false(coordinator_proposal_waits(&core, T));
    assert_true(coordinator_proposal_waits(&core, T + MINUTE));
    coordinator_apply(&core, T, marks);
    assert_int_equal(core.decision_count, 0);
    assert_int_equal(coordinator_next_instant(&core), T + MINUTE);
}

/* --- configuration, rows ------------------------------------------------------------------------------------------ */

static void an_account_that_leaves_is_forgotten(void **state)
{
    (void)state;
    static struct fleet_config next;
    assert_int_equal(ask(0, 1, T), REFUSAL_NONE);
    assert_int_equal(ask(1, 1, T), REFUSAL_NONE);
    propose(0, 2, T + 1);
    next = config;
    next.accounts[0].name[0] = '\0';
    next.account_count = 5;
    next.accounts[4] = config.accounts[3];
    memcpy(next.accounts[4].name, "new", 4);
    coordinator_configure(&core, &next);
    assert_int_equal(coordinator_through(&core, 0), 0);
    assert_int_equal(coordinator_next_instant(&core), 0);
    assert_int_equal(coordinator_through(&core, 1), 1); /* who stays keeps everything */
    assert_int_equal(coordinator_joint_risk(&core), 100 * DEC_ONE);
    marks[4] = marks[3];
    assert_int_equal(ask(4, 1, T + 1), REFUSAL_NONE);
    coordinator_configure(&core, &config);
    assert_int_equal(coordinator_through(&core, 4), 0);
}

static void what_an_account_says_can_be_compared_and_taken(void **state)
{
    (void)state;
    struct wire_hello hello = {.position_count = 2};
    hello.positions[0] = (struct wire_position){.instrument = 0, .side = SIDE_BUY, .qty = 1, .risk = 2};
    hello.positions[1] = (struct wire_position){.instrument = 1, .side = SIDE_SELL, .qty = 1, .risk = 3};
    assert_int_equal(coordinator_adopt(&core, 1, &hello, false), 2);
    assert_int_equal(coordinator_joint_risk(&core), 0);
    assert_int_equal(coordinator_adopt(&core, 1, &hello, true), 2);
    assert_int_equal(coordinator_joint_risk(&core), 5);
    assert_int_equal(coordinator_adopt(&core, 1, &hello, true), 0);
    hello.position_count = 1;
    assert_int_equal(coordinator_adopt(&core, 1, &hello, true), 1); /* what it does not name is flat */
    assert_int_equal(coordinator_joint_risk(&core), 2);
}

static void rows_out_of_range_are_not_valid(void **state)
{
    (void)state;
    struct coordinator_account row = {0};
    assert_true(coordinator_account_valid(&row));
    row.applied_jseq = WIRE_JSEQ_MAX + 1;
    assert_false(coordinator_account_valid(&row));
    row = (struct coordinator_account){.positions[3] = {.side = 3}};
    assert_false(coordinator_account_valid(&row));
    row = (struct coordinator_account){.positions[3] = {.risk = -1}};
    assert_false(coordinator_account_valid(&row));
    row = (struct coordinator_account){.reservations[2] = {.proposal = 1, .side = SIDE_BUY, .qty = 1}};
    assert_true(coordinator_account_valid(&row));
    row.reservations[2].instrument = CONFIG_INSTRUMENTS_MAX;
    assert_false(coordinator_account_valid(&row));
    row.reservations[2] = (struct coordinator_reservation){.proposal = 1, .side = 0, .qty = 1};
    assert_false(coordinator_account_valid(&row));
}

/* --- only the data decide ----------------------------------------------------------------------------------------- */

#define SCRIPT_INSTANTS 12
#define SCRIPT_MAX 400
#define DECISIONS_SEEN_MAX 400

struct script_message {
    uint32_t account;
    struct coordinator_queued message;
};
struct script {
    uint32_t count;
    struct script_message messages[SCRIPT_MAX]; /* by account, then jseq */
};

static uint64_t random_state;
static uint64_t random_below(uint64_t n)
{
    return (random_state = hash_mix64(random_state)) % n;
}

static void script_make(struct script *script)
{
    script->count = 0;
    for (uint32_t a = 0; a < 4; a++) {
        uint64_t jseq = 0;
        for (int64_t k = 0; k < SCRIPT_INSTANTS; k++)
            for (uint64_t n = random_below(4); n > 0; n--) {
                last_sent[a] = jseq;
                jseq += 1 + random_below(3);
                uint32_t side = 1 + (uint32_t)random_below(2);
                struct coordinator_queued message =
                    random_below(3) ? proposal(a, jseq, T + k * 7 * MINUTE)
                                    : report(a, jseq, T + k * 7 * MINUTE, random_below(3) ? side : 0, 0);
                if (message.type == WIRE_PROPOSE) {
                    message.u.proposal.side = side;
                    message.u.proposal.instrument = (uint32_t)random_below(2);
                    message.u.proposal.confidence = (double)random_below(4) / 4;
                    message.u.proposal.risk = (dec_t)(1 + random_below(90)) * DEC_ONE;
                } else {
                    message.u.report.proposal = random_below(jseq + 1);
                }
                assert_true(script->count < SCRIPT_MAX);
                script->messages[script->count++] = (struct script_message){a, message};
            }
    }
}

/* What the driver does after every message: watermarks that follow what was sent, every round that is ready. */
struct playback {
    const struct script *script;
    uint32_t next[4]; /* of each account, in its part of the script */
    uint32_t seen;
    struct coordinator_decision decisions[DECISIONS_SEEN_MAX];
};

static const struct script_message *playback_next(const struct playback *playback, uint32_t account)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < playback->script->count; i++)
        if (playback->script->messages[i].account == account && n++ == playback->next[account])
            return &playback->script->messages[i];
    return NULL;
}

static void playback_rounds(struct playback *playback)
{
    for (uint32_t a = 0; a < 4; a++) {
        const struct script_message *next = playback_next(playback, a);
        const struct coordinator_queued *message = next ? &next->message : NULL;
        int64_t instant = !message ? T + 1000 * MINUTE
                          : message->type == WIRE_PROPOSE ? message->u.proposal.instant_ns : message->u.report.instant_ns;
        marks[a].done_instant_ns = message ? instant - 1 : instant;
        marks[a].sent_jseq = coordinator_through(&core, a);
    }
    uint32_t waits_for;
    for (int64_t at; (at = coordinator_next_instant(&core)) != 0 && coordinator_ready(&core, at, marks, &waits_for);) {
        coordinator_apply(&core, at, marks);
        for (uint32_t i = 0; i < core.decision_count; i++) {
            assert_true(playback->seen < DECISIONS_SEEN_MAX);
            playback->decisions[playback->seen++] = core.decisions[i];
        }
    }
}

/* With restart > 0 the process dies after so many messages: rows stay, queues are lost, accounts send again. */
static void playback_run(struct playback *playback, const struct script *script, bool shuffle, uint32_t restart)
{
    *playback = (struct playback){.script = script};
    coordinator_init(&core, &config);
    for (uint32_t sent = 1;; sent++) {
        uint32_t account = 0, waiting[4], count = 0;
        for (uint32_t a = 0; a < 4; a++)
            if (playback_next(playback, a))
                waiting[count++] = a;
        if (count == 0)
            break;
        account = waiting[shuffle ? random_below(count) : 0];
        const struct script_message *next = playback_next(playback, account);
        assert_int_equal(coordinator_accept(&core, account, &next->message), COORDINATOR_QUEUED);
        playback->next[account]++;
        playback_rounds(playback);
        if (sent != restart)
            continue;
        memset(core.queues, 0, sizeof core.queues);
        for (uint32_t a = 0; a < 4; a++) { /* WELCOME: what is newer than what was applied */
            playback->next[a] = 0;
            for (const struct script_message *m; (m = playback_next(playback, a)) != NULL; playback->next[a]++)
                if ((m->message.type == WIRE_PROPOSE ? m->message.u.proposal.jseq : m->message.u.report.jseq) >
                    core.accounts[a].applied_jseq)
                    break;
        }
    }
    assert_int_equal(coordinator_next_instant(&core), 0);
}

static void any_order_of_arrival_gives_the_same_decisions(void **state)
{
    (void)state;
    static struct script script;
    static struct playback first, other;
    random_state = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)random_state);
    uint32_t grants = 0, refusals = 0;
    for (uint32_t n = 0; n < PERMUTATIONS; n++) {
        if (n % 10 == 0) {
            script_make(&script);
            playback_run(&first, &script, false, 0);
        }
        playback_run(&other, &script, true, 0);
        assert_int_equal(other.seen, first.seen);
        assert_memory_equal(other.decisions, first.decisions, first.seen * sizeof first.decisions[0]);
        for (uint32_t i = 0; i < first.seen; i++) {
            grants += first.decisions[i].answer.refusal == REFUSAL_NONE;
            refusals += first.decisions[i].answer.refusal != REFUSAL_NONE;
        }
    }
    assert_true(grants > PERMUTATIONS && refusals > PERMUTATIONS); /* else nothing was at stake */
}

static void a_restart_from_stored_rows_gives_the_same_decisions(void **state)
{
    (void)state;
    static struct script script;
    static struct playback first, other;
    random_state = (uint64_t)time(NULL) ^ 0x1234;
    print_message("seed %llu\n", (unsigned long long)random_state);
    script_make(&script);
    playback_run(&first, &script, false, 0);
    for (uint32_t restart = 1; restart <= script.count; restart++) {
        playback_run(&other, &script, restart % 2 != 0, restart);
        assert_int_equal(other.seen, first.seen);
        assert_memory_equal(other.decisions, first.decisions, first.seen * sizeof first.decisions[0]);
    }
}

static void an_account_that_was_set_back_goes_on_from_its_own_word(void **state)
{
    (void)state;
    assert_int_equal(ask(0, 5, T), REFUSAL_NONE);
    struct coordinator_queued message = report(0, 9, T + MINUTE, SIDE_BUY, 70 * DEC_ONE);
    send(0, &message);
    coordinator_apply(&core, T + MINUTE, marks);
    message = report(0, 12, T + 2 * MINUTE, 0, 0); /* still waits */
    send(0, &message);
    assert_int_equal(coordinator_joint_risk(&core), 170 * DEC_ONE);
    struct wire_hello hello = {.account = 0, .last_jseq = 4, .position_count = 1,
                               .positions = {{.instrument = 1, .side = SIDE_SELL, .qty = DEC_ONE, .risk = 30 * DEC_ONE}}};
    coordinator_set_back(&core, 0, &hello);
    assert_int_equal(coordinator_joint_risk(&core), 30 * DEC_ONE);
    assert_int_equal(coordinator_through(&core, 0), 4);
    assert_int_equal(coordinator_next_instant(&core), 0);
    assert_int_equal(core.accounts[0].grants, 1);
    assert_int_equal(core.accounts[0].last_grant_ns, T);
    last_sent[0] = 4;
    assert_int_equal(ask(0, 5, T + 3 * MINUTE), REFUSAL_NONE); /* a number that was used before is a new message */
    assert_int_equal(coordinator_joint_risk(&core), 130 * DEC_ONE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(a_grant_is_a_reservation_with_an_expiry),
        TEST(an_account_that_was_set_back_goes_on_from_its_own_word),
        TEST(an_account_that_is_not_known_or_not_wanted_is_refused),
        TEST(an_instrument_that_is_not_carried_is_refused),
        TEST(held_grants_refuse_everybody),
        TEST(no_two_accounts_of_a_firm_on_opposite_sides),
        TEST(a_position_counts_like_a_reservation_and_a_flat_one_does_not),
        TEST(without_the_rule_both_sides_are_allowed),
        TEST(joint_risk_is_limited_over_all_accounts),
        TEST(permits_of_one_account_are_limited),
        TEST(a_reservation_ends_after_its_last_instant),
        TEST(a_reservation_becomes_a_position_by_and_by),
        TEST(a_proposal_that_is_given_up_in_the_queue_is_refused),
        TEST(what_comes_late_is_applied_now_and_may_be_too_late),
        TEST(confidence_goes_first),
        TEST(then_who_risks_least_then_who_waited_longest_then_the_index),
        TEST(proposals_of_one_account_keep_their_order),
        TEST(more_proposals_than_reservations_make_a_second_round_of_the_instant),
        TEST(repeats_are_known_and_holes_are_seen),
        TEST(a_full_queue_takes_no_more_and_still_counts_as_whole),
        TEST(an_instant_waits_for_every_wanted_account),
        TEST(the_earliest_instant_comes_first),
        TEST(an_account_that_leaves_is_forgotten),
        TEST(what_an_account_says_can_be_compared_and_taken),
        TEST(rows_out_of_range_are_not_valid),
        TEST(any_order_of_arrival_gives_the_same_decisions),
        TEST(a_restart_from_stored_rows_gives_the_same_decisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
