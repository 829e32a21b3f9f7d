/* The state machine of a child, cell by cell, with a clock that the test turns. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "supervisor/machine.h"

#define MS INT64_C(1000000)
#define S (1000 * MS)

static const struct machine_limits limits = {
    .start_deadline_ns = 1 * S, .ready_deadline_ns = 10 * S, .stop_deadline_ns = 5 * S, .abort_grace_ns = 2 * S,
    .backoff_first_ns = 100 * MS, .backoff_max_ns = 3 * S, .deaths_max = 3, .death_window_ns = 60 * S,
};

/* What is expected of a cell: the next state, the actions, the deadline from now (-1: not looked at), wanted. */
struct expected {
    enum machine_state next;
    unsigned actions;
    int64_t deadline_ns;
    bool wanted;
};
#define BUG {.next = MACHINE_STATE_COUNT}
#define TO(state, actions, deadline, wanted) {MACHINE_##state, actions, deadline, wanted}
#define SAME(wanted) {MACHINE_STATE_COUNT + 1, 0, -1, wanted}
#define GONE MACHINE_DO_GONE
#define DEATH (MACHINE_DO_GONE | MACHINE_DO_DEATH)

/* In the order of enum machine_event: START STOP RESTART SPAWNED SPAWN_FAILED MAPPED UP LATE UNANSWERED BROKEN DEADLINE,
 * DIED_ DONE CLEAN LATER NEVER CRASH SIGNAL. Written apart from the table in machine.c, from its specification. */
static const struct expected expected[MACHINE_STATE_COUNT][MACHINE_EVENT_COUNT] = {
    [MACHINE_DOWN] = {TO(SPAWNING, MACHINE_DO_SPAWN, 0, true), SAME(false), TO(SPAWNING, MACHINE_DO_SPAWN, 0, true), BUG, BUG,
                      BUG, BUG, BUG, BUG, BUG, BUG, BUG, BUG, BUG, BUG, BUG, BUG},
    [MACHINE_SPAWNING] = {BUG, BUG, BUG, TO(STARTING, 0, 1 * S, true), TO(BACKOFF, 0, -1, true), BUG, BUG, BUG, BUG, BUG, BUG,
                          BUG, BUG, BUG, BUG, BUG, BUG},
    [MACHINE_STARTING] = {SAME(true), TO(STOPPING, MACHINE_DO_STOP, 5 * S, false), TO(STOPPING, MACHINE_DO_STOP, 5 * S, true),
                          BUG, BUG, TO(STARTING, MACHINE_DO_MAP, 10 * S, true),
                          TO(KILLING, MACHINE_DO_ABORT, 2 * S, true) /* READY before MAPPED */,
                          TO(KILLING, MACHINE_DO_ABORT, 2 * S, true), TO(KILLING, MACHINE_DO_ABORT, 2 * S, true),
                          TO(KILLING, MACHINE_DO_ABORT, 2 * S, true), TO(KILLING, MACHINE_DO_ABORT, 2 * S, true),
                          TO(DOWN, GONE, 0, false), TO(BACKOFF, DEATH, 0, true), TO(BACKOFF, GONE, -1, true),
                          TO(FAILED, GONE | MACHINE_DO_FAILED, 0, true), TO(BACKOFF, DEATH, 0, true),
                          TO(BACKOFF, DEATH, 0, true)},
    [MACHINE_READY] = {SAME(true), TO(STOPPING, MACHINE_DO_STOP, 5 * S, false), TO(STOPPING, MACHINE_DO_STOP, 5 * S, true), BUG,
                       BUG, TO(KILLING, MACHINE_DO_ABORT, 2 * S, true), SAME(true), TO(KILLING, MACHINE_DO_ABORT, 2 * S, true),
                       TO(KILLING, MACHINE_DO_ABORT, 2 * S, true), TO(KILLING, MACHINE_DO_ABORT, 2 * S, true), BUG,
                       TO(DOWN, GONE, 0, false), TO(BACKOFF, DEATH, 0, true), TO(BACKOFF, GONE, -1, true),
                       TO(FAILED, GONE | MACHINE_DO_FAILED, 0, true), TO(BACKOFF, DEATH, 0, true),
                       TO(BACKOFF, DEATH, 0, true)},
    [MACHINE_STOPPING] = {SAME(true), SAME(false), SAME(true), BUG, BUG, SAME(false) /* mapped before */, SAME(false),
                          SAME(false), SAME(false), TO(KILLING, MACHINE_DO_ABORT, 2 * S, false),
                          TO(KILLING, MACHINE_DO_ABORT, 2 * S, false), TO(DOWN, GONE, 0, false), TO(DOWN, GONE, 0, false),
                          TO(DOWN, GONE, 0, false), TO(DOWN, GONE, 0, false), TO(DOWN, GONE, 0, false),
                          TO(DOWN, GONE, 0, false)},
    [MACHINE_KILLING] = {SAME(true), SAME(false), SAME(true), BUG, BUG, SAME(true), SAME(true), SAME(true), SAME(true),
                         SAME(true), TO(KILLING, MACHINE_DO_KILL, 2 * S, true), TO(BACKOFF, DEATH, 0, true),
                         TO(BACKOFF, DEATH, 0, true), TO(BACKOFF, DEATH, 0, true), TO(BACKOFF, DEATH, 0, true),
                         TO(BACKOFF, DEATH, 0, true), TO(BACKOFF, DEATH, 0, true)},
    [MACHINE_BACKOFF] = {SAME(true), TO(DOWN, 0, 0, false), TO(SPAWNING, MACHINE_DO_SPAWN, 0, true), BUG, BUG, BUG, BUG, BUG,
                         BUG, BUG, TO(SPAWNING, MACHINE_DO_SPAWN, 0, true), BUG, BUG, BUG, BUG, BUG, BUG},
    [MACHINE_FAILED] = {TO(SPAWNING, MACHINE_DO_SPAWN, 0, true), SAME(false), TO(SPAWNING, MACHINE_DO_SPAWN, 0, true), BUG, BUG,
                        BUG, BUG, BUG, BUG, BUG, BUG, BUG, BUG, BUG, BUG, BUG, BUG},
};

static int64_t now;
static struct machine m;

static unsigned step(enum machine_event event) { return machine_step(&m, event, &limits, now); }

static void start(void)
{
    machine_init(&m, 42);
    now = 1000 * S;
    step(MACHINE_START);
}

static void start_ready(void)
{
    start();
    step(MACHINE_SPAWNED);
    step(MACHINE_MAPPED);
    step(MACHINE_UP);
}

/* Bring the machine into a state by events alone. */
static void reach(enum machine_state state)
{
    start();
    switch (state) {
    case MACHINE_DOWN:
        machine_init(&m, 42);
        break;
    case MACHINE_SPAWNING:
        break;
    case MACHINE_STARTING:
        step(MACHINE_SPAWNED);
        break;
    case MACHINE_READY:
        start_ready();
        break;
    case MACHINE_STOPPING:
        start_ready();
        step(MACHINE_STOP);
        break;
    case MACHINE_KILLING:
        start_ready();
        step(MACHINE_LATE);
        break;
    case MACHINE_BACKOFF:
        start_ready();
        step(MACHINE_DIED_SIGNAL);
        break;
    case MACHINE_FAILED:
        start_ready();
        step(MACHINE_DIED_NEVER);
        break;
    case MACHINE_STATE_COUNT:
        fail();
    }
    assert_int_equal(m.state, state);
    now += 50 * MS;
}

static bool aborts(enum machine_event event)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        step(event);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void check_cell(enum machine_state state, enum machine_event event)
{
    const struct expected *want = &expected[state][event];
    reach(state);
    if (want->next == MACHINE_STATE_COUNT) {
        if (!aborts(event))
            fail_msg("%s, %s: must be an assertion", machine_state_name(state), machine_event_name(event));
        return;
    }
    int64_t deadline_before = m.deadline_ns;
    unsigned actions = step(event);
    bool same = want->next == MACHINE_STATE_COUNT + 1;
    enum machine_state next = same ? state : want->next;
    int64_t deadline = same ? deadline_before : want->deadline_ns > 0 ? now + want->deadline_ns : want->deadline_ns;
    if (want->next == MACHINE_BACKOFF && want->deadline_ns == 0)
        deadline = now; /* the first restart is immediate */
    if (m.state != next || actions != want->actions || m.wanted != want->wanted ||
        (want->deadline_ns != -1 && m.deadline_ns != deadline))
        fail_msg("%s, %s: to %s with actions %#x, wanted %d, deadline %lld; expected %s, %#x, %d, %lld",
                 machine_state_name(state), machine_event_name(event), machine_state_name(m.state), actions, m.wanted,
                 (long long)(m.deadline_ns - now), machine_state_name(next), want->actions, want->wanted,
                 (long long)(deadline - now));
}

static void test_every_cell(void **state)
{
    (void)state;
    for (int s = 0; s < MACHINE_STATE_COUNT; s++)
        for (int e = 0; e < MACHINE_EVENT_COUNT; e++)
            check_cell((enum machine_state)s, (enum machine_event)e);
}

static void test_alive_and_awaited(void **state)
{
    (void)state;
    static const bool alive[] = {false, false, true, true, true, true, false, false};
    static const bool awaited[] = {false, true, true, true, false, true, true, false};
    for (int s = 0; s < MACHINE_STATE_COUNT; s++) {
        reach((enum machine_state)s);
        assert_int_equal(machine_alive(&m), alive[s]);
        assert_int_equal(machine_awaited(&m), awaited[s]);
    }
    reach(MACHINE_STOPPING);
    step(MACHINE_START);
    assert_true(machine_awaited(&m));
}

static void test_mapped_only_once(void **state)
{
    (void)state;
    reach(MACHINE_STARTING);
    assert_int_equal(step(MACHINE_MAPPED), MACHINE_DO_MAP);
    assert_int_equal(step(MACHINE_MAPPED), MACHINE_DO_ABORT);
    assert_int_equal(m.state, MACHINE_KILLING);
    /* A child that is told to stop before it is mapped may still say so. */
    reach(MACHINE_STARTING);
    step(MACHINE_STOP);
    assert_int_equal(step(MACHINE_MAPPED), MACHINE_DO_MAP);
    assert_int_equal(m.state, MACHINE_STOPPING);
}

static void test_ready_after_mapped(void **state)
{
    (void)state;
    reach(MACHINE_STARTING);
    step(MACHINE_MAPPED);
    assert_int_equal(step(MACHINE_UP), MACHINE_DO_UP);
    assert_int_equal(m.state, MACHINE_READY);
    assert_int_equal(m.deadline_ns, 0);
}

static void test_restart_asked_starts_after_the_stop(void **state)
{
    (void)state;
    reach(MACHINE_READY);
    assert_int_equal(step(MACHINE_RESTART), MACHINE_DO_STOP);
    assert_int_equal(step(MACHINE_DIED_CLEAN), GONE | MACHINE_DO_SPAWN);
    assert_int_equal(m.state, MACHINE_SPAWNING);
    assert_int_equal(m.death_count, 0);
    /* Taken back. */
    reach(MACHINE_READY);
    step(MACHINE_RESTART);
    step(MACHINE_STOP);
    assert_int_equal(step(MACHINE_DIED_CLEAN), GONE);
    assert_int_equal(m.state, MACHINE_DOWN);
}

static void test_killed_while_unwanted_stays_down(void **state)
{
    (void)state;
    reach(MACHINE_STOPPING);
    step(MACHINE_DEADLINE);
    assert_int_equal(m.state, MACHINE_KILLING);
    assert_int_equal(step(MACHINE_DIED_SIGNAL), DEATH);
    assert_int_equal(m.state, MACHINE_DOWN);
}

static void test_kill_is_repeated(void **state)
{
    (void)state;
    reach(MACHINE_KILLING);
    assert_false(m.killed);
    for (int i = 0; i < 3; i++) {
        now = m.deadline_ns;
        assert_int_equal(step(MACHINE_DEADLINE), MACHINE_DO_KILL);
        assert_true(m.killed);
        assert_int_equal(m.deadline_ns, now + 2 * S);
    }
}

/* --- deaths, backoff --------------------------------------------------------------------- */

static void die_at_start(void)
{
    step(MACHINE_SPAWNED);
    step(MACHINE_DIED_CRASH);
}

static void test_first_restart_is_immediate_then_backoff_doubles(void **state)
{
    (void)state;
    struct machine_limits many = limits;
    many.deaths_max = MACHINE_DEATHS_MAX;
    machine_init(&m, 7);
    now = S;
    machine_step(&m, MACHINE_START, &many, now);
    int64_t nominal = 0;
    for (uint32_t i = 0; i < 12; i++) {
        machine_step(&m, MACHINE_SPAWNED, &many, now);
        machine_step(&m, MACHINE_DIED_CRASH, &many, now);
        int64_t delay = m.deadline_ns - now;
        assert_int_equal(delay, machine_backoff_ns(&many, 7, i));
        assert_true(delay >= nominal * 3 / 4 && delay <= nominal * 5 / 4 && delay <= many.backoff_max_ns);
        nominal = i == 0 ? many.backoff_first_ns : nominal * 2 < many.backoff_max_ns ? nominal * 2 : many.backoff_max_ns;
        now = m.deadline_ns;
        assert_int_equal(machine_step(&m, MACHINE_DEADLINE, &many, now), MACHINE_DO_SPAWN);
    }
    assert_int_equal(m.restarts, 11); /* the twelfth is being spawned */
}

static void test_jitter_is_of_name_and_count(void **state)
{
    (void)state;
    unsigned different = 0;
    for (uint32_t count = 1; count < 20; count++) {
        assert_int_equal(machine_backoff_ns(&limits, 1, count), machine_backoff_ns(&limits, 1, count));
        different += machine_backoff_ns(&limits, 1, count) != machine_backoff_ns(&limits, 2, count);
    }
    assert_true(different > 5);
    struct machine_limits none = limits;
    none.backoff_first_ns = 0;
    assert_int_equal(machine_backoff_ns(&none, 1, 9), 0);
    none.backoff_first_ns = 1; /* no room for a jitter, no overflow */
    none.backoff_max_ns = INT64_MAX;
    assert_true(machine_backoff_ns(&none, 1, 40) > 0);
}

static void test_sound_child_earns_an_immediate_restart(void **state)
{
    (void)state;
    start();
    die_at_start();
    now = m.deadline_ns;
    step(MACHINE_DEADLINE);
    die_at_start();
    assert_true(m.deadline_ns > now);
    now = m.deadline_ns;
    step(MACHINE_DEADLINE);
    step(MACHINE_SPAWNED);
    step(MACHINE_MAPPED);
    step(MACHINE_UP);
    now += 120 * S;
    step(MACHINE_DIED_SIGNAL);
    assert_int_equal(m.state, MACHINE_BACKOFF);
    assert_int_equal(m.deadline_ns, now);
}

static void test_too_many_deaths_in_the_window_fail(void **state)
{
    (void)state;
    start();
    for (int i = 0; i < 2; i++) {
        die_at_start();
        now = m.deadline_ns;
        step(MACHINE_DEADLINE);
    }
    step(MACHINE_SPAWNED);
    assert_int_equal(step(MACHINE_DIED_CRASH), DEATH | MACHINE_DO_FAILED);
    assert_int_equal(m.state, MACHINE_FAILED);
    /* A person starts it with a clean record. */
    step(MACHINE_START);
    die_at_start();
    assert_int_equal(m.state, MACHINE_BACKOFF);
    assert_int_equal(m.deadline_ns, now);
}

static void test_deaths_outside_the_window_do_not_count(void **state)
{
    (void)state;
    start();
    for (int i = 0; i < 3000; i++) { /* also round the ring of deaths */
        die_at_start();
        assert_int_equal(m.state, MACHINE_BACKOFF);
        now = m.deadline_ns + 31 * S; /* three deaths in 62 s */
        step(MACHINE_DEADLINE);
    }
}

static void test_spawn_failure_is_no_death(void **state)
{
    (void)state;
    start();
    for (int i = 0; i < 50; i++) {
        assert_int_equal(step(MACHINE_SPAWN_FAILED), 0);
        assert_int_equal(m.state, MACHINE_BACKOFF);
        assert_true(m.deadline_ns > now); /* never at once: nothing has changed yet */
        now = m.deadline_ns;
        step(MACHINE_DEADLINE);
    }
    assert_int_equal(m.death_count, 0);
    assert_int_equal(m.restarts, 0);
}

static void test_later_is_limited_where_others_wait(void **state)
{
    (void)state;
    struct machine_limits replay = limits;
    replay.later_limit_ns = 5 * S;
    machine_init(&m, 1);
    now = S;
    int64_t began = now;
    machine_step(&m, MACHINE_START, &replay, now);
    for (int i = 0; i < 100 && m.state != MACHINE_FAILED; i++) {
        machine_step(&m, MACHINE_SPAWNED, &replay, now);
        machine_step(&m, MACHINE_DIED_LATER, &replay, now);
        if (m.state == MACHINE_FAILED)
            break;
        now = m.deadline_ns;
        machine_step(&m, MACHINE_DEADLINE, &replay, now);
    }
    assert_int_equal(m.state, MACHINE_FAILED);
    assert_true(now - began >= 5 * S && now - began < 9 * S);
    assert_int_equal(m.death_count, 0);
}

static void test_extend(void **state)
{
    (void)state;
    reach(MACHINE_STARTING);
    int64_t before = m.deadline_ns;
    machine_extend(&m, 3 * S);
    assert_int_equal(m.deadline_ns, before + 3 * S);
    reach(MACHINE_READY);
    machine_extend(&m, 3 * S);
    assert_int_equal(m.deadline_ns, 0); /* no deadline stays none */
}

/* --- storm, served time -------------------------------------------------------------------- */

static void test_storm(void **state)
{
    (void)state;
    static struct storm storm;
    const struct storm_limits guard = {.deaths_max = 4, .window_ns = 5 * S, .hold_ns = 30 * S};
    memset(&storm, 0, sizeof storm);
    now = 100 * S;
    assert_false(storm_holds(&storm, now));
    for (int i = 0; i < 4; i++)
        assert_false(storm_death(&storm, &guard, now += S / 2));
    assert_true(storm_death(&storm, &guard, now)); /* the fifth within five seconds */
    assert_true(storm_holds(&storm, now));
    assert_true(storm_holds(&storm, now + 30 * S - 1));
    assert_false(storm_holds(&storm, now + 30 * S));
    for (int i = 0; i < 20; i++)
        assert_false(storm_death(&storm, &guard, now)); /* it is held already */

    memset(&storm, 0, sizeof storm);
    for (int i = 0; i < 3000; i++)
        assert_false(storm_death(&storm, &guard, now += 13 * S / 10)); /* five deaths in 5.2 s */
}

static void test_served_time_leaves_pauses_out(void **state)
{
    (void)state;
    struct served served;
    served_init(&served, 5 * S);
    assert_int_equal(served.now_ns, 1);
    assert_int_equal(served_turn(&served, 5 * S + 200 * MS), 0);
    assert_int_equal(served.now_ns, 1 + 200 * MS);
    assert_int_equal(served_turn(&served, 65 * S + 200 * MS), 60 * S - SERVED_TURN_MAX_NS);
    assert_int_equal(served.now_ns, 1 + 200 * MS + SERVED_TURN_MAX_NS);
    assert_int_equal(served.lost_ns, 60 * S - SERVED_TURN_MAX_NS);
    assert_int_equal(served_turn(&served, 65 * S + 200 * MS), 0);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(machine_state_name(MACHINE_BACKOFF), "BACKOFF");
    assert_string_equal(machine_state_name((enum machine_state)99), "?");
    for (int e = 0; e < MACHINE_EVENT_COUNT; e++)
        assert_true(strlen(machine_event_name((enum machine_event)e)) > 1);
    assert_string_equal(machine_event_name((enum machine_event)99), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell),
        cmocka_unit_test(test_alive_and_awaited),
        cmocka_unit_test(test_mapped_only_once),
        cmocka_unit_test(test_ready_after_mapped),
        cmocka_unit_test(test_restart_asked_starts_after_the_stop),
        cmocka_unit_test(test_killed_while_unwanted_stays_down),
        cmocka_unit_test(test_kill_is_repeated),
        cmocka_unit_test(test_first_restart_is_immediate_then_backoff_doubles),
        cmocka_unit_test(test_jitter_is_of_name_and_count),
        cmocka_unit_test(test_sound_child_earns_an_immediate_restart),
        cmocka_unit_test(test_too_many_deaths_in_the_window_fail),
        cmocka_unit_test(test_deaths_outside_the_window_do_not_count),
        cmocka_unit_test(test_spawn_failure_is_no_death),
        cmocka_unit_test(test_later_is_limited_where_others_wait),
        cmocka_unit_test(test_extend),
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_served_time_leaves_pauses_out),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
