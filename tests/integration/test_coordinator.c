/* The real propfleet-coordinator under a supervisor and accounts that the test plays (coordinator_rig.h). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/vocabulary.h"
#include "tests/integration/coordinator_rig.h"
#include "workers/broker/broker.h"

#define ACCOUNTS 3
#define AT(k) (RIG_INSTANT_0 + (int64_t)(k)*RIG_STEP_NS)
#define ABSENCE_NS INT64_C(60000000) /* how long something that must not come is looked for */
#define ROUNDS 10000
#define SCRIPT_ROUNDS 60
#define KILLS 25

static struct rig rig;
static char self[256];

static int setup(void **state)
{
    (void)state;
    rig_init(&rig, ACCOUNTS, false);
    return 0;
}

static int setup_live(void **state)
{
    (void)state;
    rig_init(&rig, ACCOUNTS, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    return 0;
}

static void start_all(void)
{
    rig_start(&rig, NULL);
    for (uint32_t a = 0; a < rig.account_count; a++)
        rig_account_begin(&rig, a, 0);
    rig_wait_ready(&rig);
}

static void all_done(int64_t instant_ns)
{
    for (uint32_t a = 0; a < rig.account_count; a++)
        rig_done(&rig, a, instant_ns);
}

static void assert_not_answered(uint32_t index, uint64_t jseq)
{
    for (int64_t until = rig_now_ns() + ABSENCE_NS; rig_now_ns() < until;)
        rig_pump(&rig, 5);
    assert_false(rig_entry(&rig, index, jseq)->answered);
}

/* --- rounds --------------------------------------------------------------------------------------------------- */

static void three_accounts_are_granted_and_refused(void **state)
{
    (void)state;
    start_all();
    struct wire_proposal buy = rig_buy(0, 100 * DEC_ONE), sell = buy;
    sell.side = SIDE_SELL;
    sell.confidence = 0.4;
    uint64_t second = rig_propose(&rig, 1, AT(1), &sell); /* it comes first, and is decided second */
    uint64_t first = rig_propose(&rig, 0, AT(1), &buy);
    uint64_t third = rig_propose(&rig, 2, AT(1), &sell);  /* of another firm */
    const struct wire_answer *answer = rig_answer(&rig, 0, first);
    assert_int_equal(answer->refusal, REFUSAL_NONE);
    assert_int_equal(answer->qty, DEC_ONE);
    assert_int_equal(answer->valid_until_ns, AT(11));
    assert_int_equal(answer->decision, 1);
    assert_int_equal(rig_answer(&rig, 1, second)->refusal, REFUSAL_OPPOSITE_POSITION);
    assert_int_equal(rig_answer(&rig, 2, third)->refusal, REFUSAL_NONE);
    struct wire_proposal large = rig_buy(1, 2801 * DEC_ONE); /* 200 are reserved, 10 % of 30,000 may be */
    assert_int_equal(rig_propose(&rig, 1, AT(2), &large), 6);
    all_done(AT(2));
    assert_int_equal(rig_answer(&rig, 1, 6)->refusal, REFUSAL_JOINT_RISK);
    rig_ping(&rig);
    struct cell_payload status = rig_status(&rig);
    assert_int_equal(status.grants, 2);
    assert_int_equal(status.refusals, 2);
    assert_int_equal(status.reservations, 2);
    assert_int_equal(status.joint_risk, 200 * DEC_ONE);
    assert_int_equal(status.rounds, 2);
    assert_int_equal(status.market_time_ns, AT(2));
    struct stat folder;
    assert_int_equal(stat(rig.runtime_dir, &folder), 0);
    assert_int_equal(folder.st_mode & 0777, 0700);
    rig_stop(&rig);
}

static void reports_turn_reservations_into_positions(void **state)
{
    (void)state;
    start_all();
    struct wire_proposal buy = rig_buy(0, 100 * DEC_ONE), sell = buy;
    sell.side = SIDE_SELL;
    uint64_t jseq = rig_propose(&rig, 0, AT(1), &buy);
    all_done(AT(1));
    assert_int_equal(rig_answer(&rig, 0, jseq)->refusal, REFUSAL_NONE);
    struct wire_report filled = {.position = {.instrument = 0, .side = SIDE_BUY, .qty = DEC_ONE, .risk = 90 * DEC_ONE},
                                 .proposal = jseq};
    rig_report(&rig, 0, AT(2), &filled);
    jseq = rig_propose(&rig, 1, AT(20), &sell); /* the permit is over, the position is not */
    all_done(AT(20));
    assert_int_equal(rig_answer(&rig, 1, jseq)->refusal, REFUSAL_OPPOSITE_POSITION);
    rig_report(&rig, 0, AT(21), &(struct wire_report){.position = {.instrument = 0}});
    jseq = rig_propose(&rig, 1, AT(21), &sell);
    all_done(AT(21));
    assert_int_equal(rig_answer(&rig, 1, jseq)->refusal, REFUSAL_NONE);
}

static void a_round_waits_for_every_wanted_account(void **state)
{
    (void)state;
    start_all();
    struct wire_proposal buy = rig_buy(0, DEC_ONE);
    uint64_t jseq = rig_propose(&rig, 0, AT(1), &buy);
    rig_done(&rig, 1, AT(1));
    assert_not_answered(0, jseq);
    rig_account_end(&rig, 2, true); /* it died, and will come back */
    assert_not_answered(0, jseq);
    rig_account_begin(&rig, 2, 0);
    assert_not_answered(0, jseq);
    rig_done(&rig, 2, AT(1));
    assert_int_equal(rig_answer(&rig, 0, jseq)->refusal, REFUSAL_NONE);
    jseq = rig_propose(&rig, 0, AT(2), &buy);
    rig_done(&rig, 1, AT(2));
    rig_account_end(&rig, 2, false); /* FAILED: nobody waits for it */
    assert_int_equal(rig_answer(&rig, 0, jseq)->refusal, REFUSAL_NONE);
}

/* A coordinator that has just started has not heard of everybody: it must not decide without them. */
static void an_account_not_heard_of_is_waited_for(void **state)
{
    (void)state;
    rig_start(&rig, NULL);
    rig_account_begin(&rig, 0, 0);
    struct wire_proposal buy = rig_buy(0, DEC_ONE);
    rig_wait_ready(&rig);
    uint64_t jseq = rig_propose(&rig, 0, AT(1), &buy);
    assert_not_answered(0, jseq);
    rig_account_end(&rig, 1, false);
    assert_not_answered(0, jseq);
    rig_account_end(&rig, 2, false);
    assert_int_equal(rig_answer(&rig, 0, jseq)->refusal, REFUSAL_NONE);
}

static void an_account_far_ahead_loses_nothing(void **state)
{
    (void)state;
    start_all();
    const int ahead = 1000; /* more than wait in its queue */
    for (int k = 1; k <= ahead; k++) {
        struct wire_report report = {.position = {.instrument = 0, .side = SIDE_BUY, .qty = k, .risk = k * DEC_ONE}};
        rig_report(&rig, 0, AT(k), &report);
        rig_done(&rig, 0, AT(k));
        rig_pump(&rig, 0);
    }
    struct wire_proposal buy = rig_buy(1, DEC_ONE);
    rig_done(&rig, 2, AT(ahead));
    for (int k = 100; k <= ahead; k += 100) { /* the slow one comes along by and by */
        uint64_t jseq = rig_propose(&rig, 1, AT(k), &buy);
        assert_int_equal(rig_answer(&rig, 1, jseq)->refusal, REFUSAL_NONE);
        rig_ping(&rig);
        assert_true(rig_status(&rig).joint_risk > k * DEC_ONE);
        assert_true(rig_status(&rig).joint_risk < (k + 20) * DEC_ONE);
    }
    assert_int_equal(rig.accounts[0].last_jseq, 3 * ahead);
}

static void a_repeated_proposal_gets_its_first_answer(void **state)
{
    (void)state;
    start_all();
    struct wire_proposal buy = rig_buy(0, DEC_ONE);
    uint64_t jseq = rig_propose(&rig, 0, AT(1), &buy);
    all_done(AT(1));
    (void)rig_answer(&rig, 0, jseq);
    struct rig_entry *entry = rig_entry(&rig, 0, jseq);
    for (uint32_t n = 2; n <= 5; n++) { /* rig_die when an answer differs */
        assert_int_equal(client_send(rig.accounts[0].client, &entry->message), 0);
        for (int64_t until = rig_now_ns() + RIG_WAIT_NS; entry->answers < n && rig_now_ns() < until;)
            rig_pump(&rig, 5);
        assert_int_equal(entry->answers, n);
    }
    /* Another proposal under the same number is not that one. */
    struct wire_message other = entry->message;
    other.u.proposal.qty *= 2;
    entry->answered = false;
    assert_int_equal(client_send(rig.accounts[0].client, &other), 0);
    assert_int_equal(rig_answer(&rig, 0, jseq)->refusal, REFUSAL_NO_PERMIT);
    rig_ping(&rig);
    assert_int_equal(rig_status(&rig).grants, 1);
}

/* --- who may speak ------------------------------------------------------------------------------------------------- */

static void a_hello_before_anybody_listens_is_answered(void **state)
{
    (void)state;
    for (uint32_t a = 0; a < ACCOUNTS; a++)
        rig_account_begin(&rig, a, 0); /* nothing is bound, the folder is not there */
    for (int i = 0; i < 10; i++)
        rig_pump(&rig, 5);
    assert_false(client_ready(rig.accounts[0].client));
    rig_start(&rig, NULL);
    rig_wait_ready(&rig);
}

static void a_hello_before_the_supervisors_word_is_kept(void **state)
{
    (void)state;
    start_all();
    struct rig_account *account = &rig.accounts[1];
    struct error err = {0};
    client_close(&account->client);
    rig_account_begin_cell(&rig, 1);
    assert_int_equal(client_open(rig.runtime_dir, 1, account->generation, &account->client, &err), 0);
    rig_account_hello(&rig, 1);
    for (int64_t until = rig_now_ns() + ABSENCE_NS; rig_now_ns() < until;)
        rig_pump(&rig, 5);
    assert_false(client_ready(account->client));
    rig_tell(&rig, 1);
    rig_wait_ready(&rig);
}

static void another_pid_is_refused(void **state)
{
    (void)state;
    rig_start(&rig, NULL);
    rig_account_begin(&rig, 0, 0);
    rig_account_begin(&rig, 1, 0);
    rig_account_begin(&rig, 2, getppid()); /* the supervisor says that it is another process */
    for (int64_t until = rig_now_ns() + ABSENCE_NS; rig_now_ns() < until;)
        rig_pump(&rig, 5);
    assert_true(client_ready(rig.accounts[0].client));
    assert_false(client_ready(rig.accounts[2].client));
    rig_account_begin(&rig, 2, 0);
    rig_wait_ready(&rig);
}

static void an_older_generation_is_refused(void **state)
{
    (void)state;
    start_all();
    struct client *old = rig.accounts[0].client;
    struct wire_proposal buy = rig_buy(0, DEC_ONE);
    rig.accounts[0].client = NULL;
    rig_account_begin(&rig, 0, 0);
    rig_wait_ready(&rig);
    struct wire_message message = {.type = WIRE_PROPOSE, .u.proposal = buy};
    message.u.proposal.jseq = 1; /* what the new one has not sent */
    message.u.proposal.instant_ns = AT(1);
    assert_true(client_ready(old));
    assert_int_equal(client_send(old, &message), 0);
    all_done(AT(1));
    for (int64_t until = rig_now_ns() + ABSENCE_NS; rig_now_ns() < until;) {
        struct wire_message answer;
        rig_pump(&rig, 5);
        assert_int_equal(client_receive(old, &answer), 0);
    }
    uint64_t jseq = rig_propose(&rig, 0, AT(2), &buy);
    all_done(AT(2));
    assert_int_equal(rig_answer(&rig, 0, jseq)->decision, 1);
    client_close(&old);
}

static void a_socket_made_anew_works(void **state)
{
    (void)state;
    start_all();
    struct wire_proposal buy = rig_buy(0, DEC_ONE);
    for (int k = 1; k <= 50; k++) {
        uint64_t jseq = rig_propose(&rig, 0, AT(k), &buy);
        rig_account_hello(&rig, 0); /* under the same routing id, its proposal on the way or lost */
        all_done(AT(k));
        assert_int_equal(rig_answer(&rig, 0, jseq)->decision, k);
    }
}

static void garbage_harms_nobody(void **state)
{
    (void)state;
    start_all();
    void *context = zmq_ctx_new();
    static const char *const ids[] = {"x", "0.1.1", "0.01.1", "31.1.1", "32.1.1", "-1.1.1", "0.", "0.1", "0.1.1x",
                                      "4294967296.1.1", "2.1.1", "1.1.9"};
    char endpoint[128];
    unsigned char bytes[2 * WIRE_BYTES_MAX];
    uint64_t random = (uint64_t)time(NULL);
    print_message("seed %" PRIu64 "\n", random);
    snprintf(endpoint, sizeof endpoint, "ipc://%s/" WIRE_ENDPOINT_NAME, rig.runtime_dir);
    struct wire_message welcome = {.type = WIRE_WELCOME, .generation = 1, .u.welcome.coordinator_generation = 1};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        void *socket = zmq_socket(context, ZMQ_DEALER);
        int linger = 1000;
        assert_int_equal(zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger), 0);
        assert_int_equal(zmq_setsockopt(socket, ZMQ_ROUTING_ID, ids[i], strlen(ids[i])), 0);
        assert_int_equal(zmq_connect(socket, endpoint), 0);
        for (int n = 0; n < 200; n++) {
            for (size_t b = 0; b < sizeof bytes; b += 8) {
                random = hash_mix64(random);
                memcpy(bytes + b, &random, 8);
            }
            (void)zmq_send(socket, bytes, random % 100, 0);
        }
        (void)zmq_send(socket, "", 0, 0);
        (void)zmq_send(socket, "a", 1, ZMQ_SNDMORE);
        (void)zmq_send(socket, "b", 1, ZMQ_SNDMORE);
        (void)zmq_send(socket, "c", 1, 0);
        (void)zmq_send(socket, bytes, wire_encode(&welcome, bytes), 0); /* what only a coordinator says */
        (void)zmq_send(socket, bytes, sizeof bytes, 0);                 /* too long: the connection ends */
        (void)zmq_close(socket);
    }
    (void)zmq_ctx_term(context);
    /* Somebody took account 0's and 2's id: they make their sockets anew, and all goes on. */
    for (uint32_t a = 0; a < ACCOUNTS; a++)
        rig_account_hello(&rig, a);
    rig_wait_ready(&rig);
    struct wire_proposal buy = rig_buy(0, DEC_ONE);
    uint64_t jseq = rig_propose(&rig, 2, AT(1), &buy);
    all_done(AT(1));
    assert_int_equal(rig_answer(&rig, 2, jseq)->decision, 1);
    rig_stop(&rig);
}

/* --- deaths ---------------------------------------------------------------------------------------------------------- */

/* Account 1 as a process of its own: HELLO, one proposal, a word on stdout; then it waits to be killed. */
static int client_process(const char *runtime_dir, const char *generation)
{
    struct client *client = NULL;
    struct wire_hello hello = {.account = 1};
    struct wire_message message = {.type = WIRE_PROPOSE, .u.proposal = rig_buy(0, DEC_ONE)};
    message.u.proposal.jseq = 3;
    message.u.proposal.instant_ns = AT(1);
    if (client_open(runtime_dir, 1, strtoull(generation, NULL, 10), &client, NULL) != 0 ||
        client_reset(client, &hello, NULL) != 0)
        return 1;
    for (int64_t until = rig_now_ns() + RIG_WAIT_NS; rig_now_ns() < until;) {
        struct wire_message in;
        struct pollfd poller = {.fd = client_fd(client), .events = POLLIN};
        if (client_receive(client, &in) == 1 && client_send(client, &message) == 0 && write(1, "x", 1) == 1)
            for (;;)
                pause();
        (void)poll(&poller, 1, 5);
    }
    return 1;
}

static pid_t spawn_client(int *out_fd)
{
    extern char **environ;
    int pipe_fds[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    char generation[24];
    snprintf(generation, sizeof generation, "%" PRIu64, rig.accounts[1].generation + 1);
    char *arguments[] = {self, "--client", rig.runtime_dir, generation, NULL};
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 1);
    assert_int_equal(posix_spawn(&pid, self, &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_fds[1]);
    *out_fd = pipe_fds[0];
    return pid;
}

static void a_client_that_is_killed_gets_its_answer_in_its_next_life(void **state)
{
    (void)state;
    for (int decided_before = 0; decided_before < 2; decided_before++) {
        int out_fd;
        char byte;
        rig_start(&rig, NULL);
        rig_account_begin(&rig, 0, 0);
        rig_account_begin(&rig, 2, 0);
        pid_t pid = spawn_client(&out_fd);
        rig_account_begin_cell(&rig, 1);
        rig.accounts[1].pid = pid;
        rig_tell(&rig, 1);
        assert_int_equal(read(out_fd, &byte, 1), 1);
        close(out_fd);
        struct wire_proposal buy = rig_buy(0, DEC_ONE);
        assert_int_equal(rig_propose(&rig, 1, AT(1), &buy), 3); /* the journal of the one that is killed */
        if (decided_before) {
            all_done(AT(1));
            for (int64_t until = rig_now_ns() + RIG_WAIT_NS; rig_status(&rig).grants == 0 && rig_now_ns() < until;)
                rig_pump(&rig, 5);
        }
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        rig_account_end(&rig, 1, true);
        rig_account_begin(&rig, 1, 0);
        all_done(AT(1));
        const struct wire_answer *answer = rig_answer(&rig, 1, 3);
        assert_int_equal(answer->refusal, REFUSAL_NONE);
        assert_int_equal(answer->decision, 1);
        rig_ping(&rig);
        assert_int_equal(rig_status(&rig).grants, 1);
        rig_fini(&rig);
        rig_init(&rig, ACCOUNTS, false);
    }
}

/* A run of many rounds, disturbed or not; everything that was answered. */
struct outcome {
    struct wire_answer answers[SCRIPT_ROUNDS][ACCOUNTS];
    struct cell_payload status;
    uint32_t deaths;
};

static struct wire_proposal script_proposal(int round, uint32_t account)
{
    uint64_t random = hash_mix64((uint64_t)round * 31 + account);
    struct wire_proposal proposal = rig_buy((uint32_t)(random % 2), (dec_t)(random % 700) * DEC_ONE);
    proposal.side = random & 4 ? SIDE_BUY : SIDE_SELL;
    proposal.confidence = (double)(random >> 32 & 3) / 4;
    return proposal;
}

static void revive(struct outcome *outcome, bool reset)
{
    rig_reap(&rig);
    outcome->deaths++;
    rig_start(&rig, NULL);
    for (uint32_t a = 0; a < ACCOUNTS && reset; a++)
        rig_account_hello(&rig, a);
}

static void run_script(struct outcome *outcome, const char *crash, uint64_t kill_seed, bool reset)
{
    memset(outcome, 0, sizeof *outcome);
    rig_start(&rig, crash);
    for (uint32_t a = 0; a < ACCOUNTS; a++)
        rig_account_begin(&rig, a, 0);
    rig_wait_ready(&rig);
    for (int k = 0; k < SCRIPT_ROUNDS; k++) {
        uint64_t jseqs[ACCOUNTS];
        bool killed = false;
        for (uint32_t a = 0; a < ACCOUNTS; a++) {
            struct wire_proposal proposal = script_proposal(k, a);
            if (k % 5 == (int)a)
                rig_report(&rig, a, AT(k + 1), &(struct wire_report){.position = {.instrument = 1, .side = SIDE_BUY, .qty = 1 + k,
                                                                               .risk = (k % 7) * 100 * DEC_ONE},
                                                                     .proposal = k ? rig.accounts[a].log[0].message.u.proposal.jseq : 0});
            jseqs[a] = rig_propose(&rig, a, AT(k + 1), &proposal);
        }
        kill_seed = kill_seed ? hash_mix64(kill_seed) : 0;
        if (kill_seed && kill_seed % SCRIPT_ROUNDS < KILLS) {
            for (uint64_t n = kill_seed >> 32 & 3; n > 0; n--)
                rig_pump(&rig, 1); /* more or less far */
            kill(rig.pid, SIGKILL);
            killed = true;
        }
        for (uint32_t a = 0; a < ACCOUNTS; a++) {
            const struct wire_answer *answer;
            while (!(answer = rig_answer(&rig, a, jseqs[a]))) {
                revive(outcome, reset);
                killed = false;
            }
            outcome->answers[k][a] = *answer;
        }
        if (killed || rig_dead(&rig)) /* all answered, then it died, or is about to */
            revive(outcome, reset);
    }
    rig_ping(&rig);
    outcome->status = rig_status(&rig);
    outcome->status.rounds = 0; /* of one life */
    memset(outcome->status.text, 0, sizeof outcome->status.text);
    rig_fini(&rig);
    rig_init(&rig, ACCOUNTS, false);
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
    assert_memory_equal(a->answers, b->answers, sizeof a->answers);
    assert_memory_equal(&a->status, &b->status, sizeof a->status);
}

static struct outcome undisturbed, other;

static void a_coordinator_that_is_killed_decides_the_same(void **state)
{
    (void)state;
    uint64_t seed = (uint64_t)time(NULL);
    print_message("seed %" PRIu64 "\n", seed);
    run_script(&undisturbed, NULL, 0, true);
    assert_int_equal(undisturbed.deaths, 0);
    assert_int_equal(undisturbed.status.grants + undisturbed.status.refusals, SCRIPT_ROUNDS * ACCOUNTS);
    assert_true(undisturbed.status.grants > 20 && undisturbed.status.refusals > 20);
    run_script(&other, NULL, seed, true);
    print_message("%u deaths\n", (unsigned)other.deaths);
    assert_true(other.deaths > 5);
    assert_same(&undisturbed, &other);
}

/* Nobody tells the accounts: their sockets find the next one by themselves. */
static void a_coordinator_that_is_replaced_under_the_sockets_decides_the_same(void **state)
{
    (void)state;
    run_script(&undisturbed, NULL, 0, true);
    run_script(&other, NULL, 77, false);
    assert_true(other.deaths > 5);
    assert_same(&undisturbed, &other);
}

static void every_crash_point_leaves_one_answer_for_each_proposal(void **state)
{
    (void)state;
#ifdef PROPFLEET_FAULTS
    static const char *const points[] = {"coordinator.before_commit", "coordinator.after_commit", "coordinator.after_send"};
    run_script(&undisturbed, NULL, 0, true);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        for (unsigned count = 1; count <= 9; count += 4) {
            char crash[64];
            snprintf(crash, sizeof crash, "%s:%u", points[i], count);
            run_script(&other, crash, 0, count != 5);
            assert_int_equal(other.deaths, 1);
            assert_same(&undisturbed, &other);
        }
#else
    print_message("skipped: crash points are built with FAULTS=1 only\n");
    skip();
#endif
}

static void a_full_replacement_and_a_stop_keep_everything(void **state)
{
    (void)state;
    start_all();
    struct wire_proposal buy = rig_buy(0, 100 * DEC_ONE);
    uint64_t jseq = rig_propose(&rig, 0, AT(1), &buy);
    all_done(AT(1));
    (void)rig_answer(&rig, 0, jseq);
    rig_stop(&rig);
    rig_start(&rig, NULL);
    assert_int_equal(rig_status(&rig).grants, 1); /* before anybody has spoken */
    assert_int_equal(rig_status(&rig).joint_risk, 100 * DEC_ONE);
    assert_int_equal(rig_status(&rig).market_time_ns, AT(1));
    /* The accounts come up anew, one with another journal than before: begun from nothing. */
    rig.accounts[0].count = 0;
    rig.accounts[0].last_jseq = 0;
    for (uint32_t a = 0; a < ACCOUNTS; a++)
        rig_account_begin(&rig, a, 0);
    rig_wait_ready(&rig);
    assert_int_equal(rig_propose(&rig, 0, AT(2), &buy), jseq);
    all_done(AT(2));
    assert_int_equal(rig_answer(&rig, 0, jseq)->decision, 2); /* not the old one's answer */
    rig_ping(&rig);
    assert_int_equal(rig_status(&rig).joint_risk, 100 * DEC_ONE);
}

/* An older copy of an account's store was put back: its numbers come again, and mean something else. */
static void an_account_that_was_set_back_is_heard(void **state)
{
    (void)state;
    start_all();
    struct wire_proposal buy = rig_buy(0, 100 * DEC_ONE), sell = buy;
    uint64_t first = rig_propose(&rig, 0, AT(1), &buy);
    all_done(AT(1));
    (void)rig_answer(&rig, 0, first);
    uint64_t second = rig_propose(&rig, 0, AT(2), &buy);
    all_done(AT(2));
    assert_int_equal(rig_answer(&rig, 0, second)->decision, 2);
    rig.accounts[0].count = 1;
    rig.accounts[0].last_jseq = first;
    rig.accounts[0].positions[1] = (struct wire_position){.instrument = 1, .side = SIDE_BUY, .qty = DEC_ONE, .risk = 40 * DEC_ONE};
    rig_account_begin(&rig, 0, 0);
    rig_wait_ready(&rig);
    sell.qty = 2 * DEC_ONE;
    assert_int_equal(rig_propose(&rig, 0, AT(3), &sell), second);
    all_done(AT(3));
    assert_int_equal(rig_answer(&rig, 0, second)->decision, 3); /* not the answer to the one before */
    rig_ping(&rig);
    assert_int_equal(rig_status(&rig).joint_risk, 140 * DEC_ONE);
    /* The same said again, with messages on the way since, is none. */
    uint64_t third = rig_propose(&rig, 0, AT(4), &buy);
    all_done(AT(4));
    (void)rig_answer(&rig, 0, third);
    rig_kill(&rig);
    rig_start(&rig, NULL);
    rig_ping(&rig);
    assert_int_equal(rig_status(&rig).joint_risk, 240 * DEC_ONE);
}

/* --- configuration ------------------------------------------------------------------------------------------------------ */

static void a_new_configuration_adds_and_removes_accounts(void **state)
{
    (void)state;
    start_all();
    struct wire_proposal buy = rig_buy(0, 100 * DEC_ONE);
    uint64_t jseq = rig_propose(&rig, 0, AT(1), &buy);
    all_done(AT(1));
    (void)rig_answer(&rig, 0, jseq);
    struct fleet_config next = rig.config;
    struct error err = {0};
    next.accounts[0].name[0] = '\0';
    next.accounts[ACCOUNTS] = next.accounts[2];
    snprintf(next.accounts[ACCOUNTS].name, CONFIG_NAME_MAX, "fourth");
    next.account_count = ACCOUNTS + 1;
    config_stamp(&next);
    int fd = config_seal(&next, &err);
    assert_true(fd >= 0);
    struct control_message message = {.type = CONTROL_CONFIG, .generation = rig.generation, .fd_count = 1, .fds = {fd}};
    assert_int_equal(control_send(rig.control_fd, &message), 0);
    close(fd);
    rig_ping(&rig);
    assert_int_equal(rig_status(&rig).joint_risk, 0);
    jseq = rig_propose(&rig, 1, AT(2), &buy);
    rig_done(&rig, 2, AT(2));
    assert_not_answered(1, jseq); /* the new one is waited for */
    struct control_peer peer = {.kind = PROCESS_ACCOUNT, .account = ACCOUNTS};
    message = (struct control_message){.type = CONTROL_PEER, .generation = rig.generation, .payload_size = sizeof peer};
    memcpy(message.payload, &peer, sizeof peer);
    assert_int_equal(control_send(rig.control_fd, &message), 0);
    assert_int_equal(rig_answer(&rig, 1, jseq)->decision, 2);
    rig.config = next;
    rig_kill(&rig);
    rig.accounts[0].wanted = rig.accounts[0].alive = false;
    rig_start(&rig, NULL);
    assert_int_equal(rig_status(&rig).joint_risk, 100 * DEC_ONE); /* account 1's; 0's are gone for good */
}

/* The sorted list of names moves indices between two runs; rows go by the name. */
static void rows_follow_the_name_not_the_index(void **state)
{
    (void)state;
    start_all();
    struct wire_proposal buy = rig_buy(0, 100 * DEC_ONE);
    uint64_t jseq = rig_propose(&rig, 1, AT(1), &buy);
    all_done(AT(1));
    (void)rig_answer(&rig, 1, jseq);
    rig_stop(&rig);
    struct config_account swap = rig.config.accounts[1];
    rig.config.accounts[1] = rig.config.accounts[2];
    rig.config.accounts[2] = swap;
    struct rig_account was = rig.accounts[1];
    rig.accounts[1].count = 0;
    rig.accounts[1].last_jseq = 0;
    for (uint32_t a = 0; a < ACCOUNTS; a++)
        client_close(&rig.accounts[a].client);
    rig_start(&rig, NULL);
    rig.accounts[2].log[0] = was.log[0]; /* it has no answer to what it asked under its old index */
    rig.accounts[2].log[0].answered = false;
    rig.accounts[2].count = 1;
    rig.accounts[2].last_jseq = was.last_jseq;
    for (uint32_t a = 0; a < ACCOUNTS; a++)
        rig_account_begin(&rig, a, 0);
    assert_int_equal(rig_answer(&rig, 2, jseq)->decision, 1);
}

/* --- live ------------------------------------------------------------------------------------------------------------------ */

static void live_a_round_closes_by_time(void **state)
{
    (void)state;
    start_all();
    struct wire_proposal buy = rig_buy(0, DEC_ONE);
    all_done(AT(1));
    int64_t began = rig_now_ns();
    uint64_t jseq = rig_propose(&rig, 0, AT(2), &buy);
    rig_done(&rig, 1, AT(2)); /* account 2 is stopped */
    assert_int_equal(rig_answer(&rig, 0, jseq)->refusal, REFUSAL_NONE);
    assert_true(rig_now_ns() - began >= rig.config.coordination.round_timeout_ns);
    /* It is not waited for again until it has caught up: many rounds take less than so many timeouts. */
    began = rig_now_ns();
    for (int k = 3; k < 43; k++) {
        jseq = rig_propose(&rig, 0, AT(k), &buy);
        rig_done(&rig, 1, AT(k));
        (void)rig_answer(&rig, 0, jseq);
    }
    assert_true(rig_now_ns() - began < 40 * rig.config.coordination.round_timeout_ns);
    /* What it says late is decided in the next round. */
    uint64_t late = rig_propose(&rig, 2, AT(3), &buy);
    assert_int_equal(rig_answer(&rig, 2, late)->refusal, REFUSAL_PERMIT_EXPIRED);
    rig_done(&rig, 2, AT(43));
    late = rig_propose(&rig, 2, AT(42), &buy);
    assert_int_equal(rig_answer(&rig, 2, late)->refusal, REFUSAL_NONE);
}

static void live_the_dead_are_not_waited_for(void **state)
{
    (void)state;
    rig.config.coordination.round_timeout_ns = 2 * RIG_WAIT_NS; /* never by time */
    start_all();
    struct wire_proposal buy = rig_buy(0, DEC_ONE);
    rig_account_end(&rig, 2, true);
    uint64_t jseq = rig_propose(&rig, 0, AT(1), &buy);
    rig_done(&rig, 1, AT(1));
    assert_int_equal(rig_answer(&rig, 0, jseq)->refusal, REFUSAL_NONE);
}

static void live_one_account_alone_does_not_move_the_time_far(void **state)
{
    (void)state;
    start_all();
    struct wire_proposal buy = rig_buy(0, DEC_ONE);
    uint64_t jseq = rig_propose(&rig, 0, AT(1), &buy);
    all_done(AT(1));
    (void)rig_answer(&rig, 0, jseq);
    uint64_t wrong = rig_propose(&rig, 2, AT(1) + 365 * 86400 * INT64_C(1000000000), &buy);
    for (int k = 2; k < 5; k++) { /* the others go on */
        jseq = rig_propose(&rig, 0, AT(k), &buy);
        rig_done(&rig, 1, AT(k));
        assert_int_equal(rig_answer(&rig, 0, jseq)->refusal, REFUSAL_NONE);
    }
    assert_not_answered(2, wrong);
    rig_ping(&rig);
    assert_int_equal(rig_status(&rig).reservations, 4);
}

static void live_after_a_restart_nothing_is_granted_before_it_is_safe(void **state)
{
    (void)state;
    rig.config.coordination.permit_validity_ns = INT64_C(400000000); /* of market time; 0.4 s */
    start_all();
    struct wire_proposal buy = rig_buy(0, DEC_ONE);
    uint64_t jseq = rig_propose(&rig, 0, AT(1), &buy);
    all_done(AT(1));
    assert_int_equal(rig_answer(&rig, 0, jseq)->refusal, REFUSAL_NONE); /* the first life ever */
    rig_kill(&rig);
    rig_start(&rig, NULL);
    int64_t began = rig_now_ns();
    rig_account_hello(&rig, 0);
    rig_account_hello(&rig, 1);
    client_close(&rig.accounts[2].client); /* does not speak yet */
    rig_wait_ready(&rig);
    jseq = rig_propose(&rig, 0, AT(2), &buy);
    all_done(AT(2));
    assert_int_equal(rig_answer(&rig, 0, jseq)->refusal, REFUSAL_NO_PERMIT);
    int k = 3;
    enum refusal refusal = REFUSAL_NO_PERMIT;
    while (rig_now_ns() - began < 2 * rig.config.coordination.permit_validity_ns) { /* time alone does not do */
        jseq = rig_propose(&rig, 0, AT(k), &buy);
        all_done(AT(k++));
        refusal = rig_answer(&rig, 0, jseq)->refusal;
        assert_int_equal(refusal, REFUSAL_NO_PERMIT);
        rig_pump(&rig, 5);
    }
    rig.accounts[2].positions[1] = (struct wire_position){.instrument = 1, .side = SIDE_BUY, .qty = 1, .risk = 7 * DEC_ONE};
    rig_account_begin(&rig, 2, 0); /* and now what it holds is known */
    rig_wait_ready(&rig);
    all_done(AT(k));
    jseq = rig_propose(&rig, 0, AT(k), &buy);
    assert_int_equal(rig_answer(&rig, 0, jseq)->refusal, REFUSAL_NONE);
    rig_ping(&rig);
    assert_int_equal(rig_status(&rig).joint_risk, 8 * DEC_ONE); /* the last permit, and account 2's word */
}

/* --- many ------------------------------------------------------------------------------------------------------------------- */

static void ten_thousand_rounds(void **state)
{
    (void)state;
    start_all();
    int64_t longest = 0, began = rig_now_ns();
    uint32_t granted = 0;
    for (int k = 1; k <= ROUNDS; k++) {
        uint32_t proposer = (uint32_t)k % ACCOUNTS;
        struct wire_proposal buy = rig_buy(0, 200 * DEC_ONE);
        int64_t asked = rig_now_ns();
        uint64_t jseq = rig_propose(&rig, proposer, AT(k), &buy);
        all_done(AT(k));
        const struct wire_answer *answer = rig_answer(&rig, proposer, jseq);
        int64_t waited = rig_now_ns() - asked;
        longest = waited > longest ? waited : longest;
        assert_int_equal(answer->decision, k);
        granted += answer->refusal == REFUSAL_NONE;
    }
    print_message("%d rounds in %.2f s, longest wait %.2f ms, %u granted\n", ROUNDS, (double)(rig_now_ns() - began) / 1e9,
                  (double)longest / 1e6, (unsigned)granted);
    rig_ping(&rig);
    struct cell_payload status = rig_status(&rig);
    assert_int_equal(status.rounds, ROUNDS);
    assert_int_equal(status.grants, granted);
    assert_int_equal(granted, ROUNDS); /* eleven permits of 200 at a time, of 3,000 */
    rig_stop(&rig);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--client") == 0)
        return client_process(argv[2], argv[3]);
    if (argc == 2)
        cmocka_set_test_filter(argv[1]);
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_LIVE(name) cmocka_unit_test_setup_teardown(name, setup_live, teardown)
    const struct CMUnitTest tests[] = {
        TEST(three_accounts_are_granted_and_refused),
        TEST(reports_turn_reservations_into_positions),
        TEST(a_round_waits_for_every_wanted_account),
        TEST(an_account_not_heard_of_is_waited_for),
        TEST(an_account_far_ahead_loses_nothing),
        TEST(a_repeated_proposal_gets_its_first_answer),
        TEST(a_hello_before_anybody_listens_is_answered),
        TEST(a_hello_before_the_supervisors_word_is_kept),
        TEST(another_pid_is_refused),
        TEST(an_older_generation_is_refused),
        TEST(a_socket_made_anew_works),
        TEST(garbage_harms_nobody),
        TEST(a_client_that_is_killed_gets_its_answer_in_its_next_life),
        TEST(a_coordinator_that_is_killed_decides_the_same),
        TEST(a_coordinator_that_is_replaced_under_the_sockets_decides_the_same),
        TEST(every_crash_point_leaves_one_answer_for_each_proposal),
        TEST(a_full_replacement_and_a_stop_keep_everything),
        TEST(an_account_that_was_set_back_is_heard),
        TEST(a_new_configuration_adds_and_removes_accounts),
        TEST(rows_follow_the_name_not_the_index),
        TEST_LIVE(live_a_round_closes_by_time),
        TEST_LIVE(live_the_dead_are_not_waited_for),
        TEST_LIVE(live_one_account_alone_does_not_move_the_time_far),
        TEST_LIVE(live_after_a_restart_nothing_is_granted_before_it_is_safe),
        TEST(ten_thousand_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
