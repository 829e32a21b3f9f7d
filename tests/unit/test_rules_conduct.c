/* P8, P9, P11, P12: ratios at equality, opposite exposure over groups with working orders, every mode against every
 * policy, days by the day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "workers/risk/rules/rules.h"

#define NS INT64_C(1000000000)
#define MONEY(n) ((dec_t)((n)*DEC_ONE))
#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define T0 (INT64_C(1700000000) * NS)
enum { ES, MES, NQ, MNQ, GOLD, CRUDE };
enum { BUY = 1, SELL = 2 };

/* --- P8 ---------------------------------------------------------------------------------------------------------- */

static void test_stop_ratio(void **unused)
{
    (void)unused;
    struct rules_stop rule = {.max_stop_to_target = MONEY(5)};
    assert_true(rules_stop_ratio_allows(&rule, MONEY(500), MONEY(100)));
    assert_false(rules_stop_ratio_allows(&rule, MONEY(500) + 1, MONEY(100)));
    assert_true(rules_stop_ratio_allows(&rule, MONEY(500) + 1, MONEY(100) + 1));
    assert_true(rules_stop_ratio_allows(&rule, MONEY(500), RULES_UNBOUNDED));
    assert_false(rules_stop_ratio_allows(&rule, MONEY(500), 0));
    assert_false(rules_stop_ratio_allows(&rule, DEC_NONE, MONEY(100))); /* no stop is no ratio */
    assert_false(rules_stop_ratio_allows(&rule, DEC_MAX, MONEY(100)));
    rule.max_stop_to_target = 0;
    assert_true(rules_stop_ratio_allows(&rule, DEC_MAX, 1));
    assert_int_equal(rules_stop_ratio(MONEY(700), MONEY(100)), MONEY(7));
    assert_int_equal(rules_stop_ratio(MONEY(1), MONEY(3)), 33333334);
    assert_int_equal(rules_stop_ratio(DEC_MAX, 1), DEC_MAX);
    assert_int_equal(rules_stop_ratio(MONEY(1), 0), DEC_MAX);
    assert_int_equal(rules_stop_ratio(MONEY(1), RULES_UNBOUNDED), 0);
}

static void test_wider(void **unused)
{
    (void)unused;
    assert_true(rules_is_wider(400, 401));
    assert_false(rules_is_wider(400, 400));
    assert_false(rules_is_wider(400, 399));
    assert_true(rules_is_wider(-400, 0)); /* a stop in profit moved back to the entry */
    assert_true(rules_is_wider(400, DEC_NONE));
    assert_false(rules_is_wider(DEC_NONE, 400)); /* the first stop */
    assert_false(rules_is_wider(DEC_NONE, DEC_NONE));
}

/* --- P9 ---------------------------------------------------------------------------------------------------------- */

static struct rules_leg legs[8];
static struct rules_book book;

static void hold(uint32_t kind, uint32_t instrument, uint32_t side, int lots)
{
    legs[book.count++] = (struct rules_leg){.kind = kind, .instrument = instrument, .side = side, .lots = MONEY(lots)};
}

static struct rules_direction apex(void)
{
    memset(legs, 0, sizeof legs);
    book = (struct rules_book){.legs = legs};
    return (struct rules_direction){.opposite_refused = true,
                                    .group_count = 2,
                                    .groups = {1u << ES | 1u << MES | 1u << NQ | 1u << MNQ, 1u << GOLD}};
}

static void test_groups(void **unused)
{
    (void)unused;
    struct rules_direction rule = apex();
    assert_int_equal(rules_direction_group(&rule, MES), 0xf);
    assert_int_equal(rules_direction_group(&rule, GOLD), 1u << GOLD);
    assert_int_equal(rules_direction_group(&rule, CRUDE), 1u << CRUDE);
    rule.groups[1] = 1u << GOLD | 1u << MES; /* in two groups: with both */
    assert_int_equal(rules_direction_group(&rule, MES), 0x1f);
    assert_int_equal(rules_direction_group(&rule, ES), 0xf);
}

static void test_opposite_of_one_position(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t instrument, side;
        int lots;
        enum rules_direction_verdict verdict;
    } cases[] = {
        {ES, BUY, 5, RULES_ADMIT},          {ES, SELL, 1, RULES_ADMIT},   {ES, SELL, 2, RULES_ADMIT},
        {ES, SELL, 3, RULES_REFUSE_EXCESS}, {MES, BUY, 1, RULES_ADMIT},   {MES, SELL, 1, RULES_REFUSE},
        {NQ, SELL, 1, RULES_REFUSE},        {MNQ, SELL, 9, RULES_REFUSE}, {GOLD, SELL, 1, RULES_ADMIT},
        {CRUDE, SELL, 1, RULES_ADMIT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rules_direction rule = apex();
        hold(RULES_LEG_POSITION, ES, BUY, 2);
        assert_int_equal(rules_direction_of(&rule, &book, cases[i].instrument, cases[i].side, MONEY(cases[i].lots)),
                         cases[i].verdict);
        rule.opposite_refused = false;
        assert_int_equal(rules_direction_of(&rule, &book, cases[i].instrument, cases[i].side, MONEY(cases[i].lots)),
                         RULES_ADMIT);
    }
}

static void test_opposite_with_working_orders(void **unused)
{
    (void)unused;
    struct rules_direction rule = apex();
    hold(RULES_LEG_ORDER, MES, BUY, 1); /* may fill */
    assert_int_equal(rules_direction_of(&rule, &book, ES, SELL, MONEY(1)), RULES_REFUSE);
    assert_int_equal(rules_direction_of(&rule, &book, MES, SELL, MONEY(1)), RULES_REFUSE);
    assert_int_equal(rules_direction_of(&rule, &book, ES, BUY, MONEY(1)), RULES_ADMIT);
    rule = apex();
    hold(RULES_LEG_POSITION, ES, BUY, 3);
    hold(RULES_LEG_ORDER, ES, SELL, 2); /* will close two of three */
    assert_int_equal(rules_direction_of(&rule, &book, ES, SELL, MONEY(1)), RULES_ADMIT);
    assert_int_equal(rules_direction_of(&rule, &book, ES, SELL, MONEY(2)), RULES_REFUSE_EXCESS);
    hold(RULES_LEG_ORDER, ES, SELL, 1); /* nothing is left to close */
    assert_int_equal(rules_direction_of(&rule, &book, ES, SELL, MONEY(1)), RULES_REFUSE);
    assert_int_equal(rules_direction_of(&rule, &book, ES, BUY, MONEY(1)), RULES_REFUSE); /* against what works */
}

/* Closing is always fine, whatever else is open. */
static void test_closing_beside_others(void **unused)
{
    (void)unused;
    struct rules_direction rule = apex();
    hold(RULES_LEG_POSITION, ES, BUY, 2);
    hold(RULES_LEG_POSITION, NQ, BUY, 2);
    assert_int_equal(rules_direction_of(&rule, &book, ES, SELL, MONEY(2)), RULES_ADMIT);
    assert_int_equal(rules_direction_of(&rule, &book, ES, SELL, MONEY(2) + 1), RULES_REFUSE_EXCESS);
    hold(RULES_LEG_POSITION, ES, BUY, 1); /* of two positions */
    assert_int_equal(rules_direction_of(&rule, &book, ES, SELL, MONEY(3)), RULES_ADMIT);
}

static void test_adds_to_a_loser(void **unused)
{
    (void)unused;
    struct rules_direction rule = {.adds_to_loser_max = 5};
    assert_true(rules_add_allowed(&rule, 4, true));
    assert_false(rules_add_allowed(&rule, 5, true));
    assert_true(rules_add_allowed(&rule, 50, false));
    rule.adds_to_loser_max = 0;
    assert_true(rules_add_allowed(&rule, 50, true));
}

static void test_size_after_a_loss(void **unused)
{
    (void)unused;
    struct rules_direction rule = apex();
    static struct rules_state state;
    memset(&state, 0, sizeof state);
    rule.no_larger_after_loss = true;
    assert_int_equal(rules_size_after_loss_max(&rule, &state, ES), DEC_MAX);
    state.last_loss_size[ES] = MONEY(2);
    assert_true(rules_size_after_loss(&rule, &state, ES, MONEY(2)));
    assert_false(rules_size_after_loss(&rule, &state, ES, MONEY(2) + 1));
    assert_false(rules_size_after_loss(&rule, &state, MNQ, MONEY(3))); /* moves with it */
    assert_true(rules_size_after_loss(&rule, &state, GOLD, MONEY(3)));
    state.last_loss_size[NQ] = MONEY(1); /* the smaller of the group */
    assert_int_equal(rules_size_after_loss_max(&rule, &state, ES), MONEY(1));
    rule.no_larger_after_loss = false;
    assert_true(rules_size_after_loss(&rule, &state, ES, MONEY(99)));
}

/* --- P11 --------------------------------------------------------------------------------------------------------- */

static void test_every_mode_against_every_policy(void **unused)
{
    (void)unused;
    static const bool expected[][4] = {
        /* unattended, own with proof, attended, manual */
        [RULES_AUTOMATION_ALLOWED] = {true, true, true, true}, [RULES_OWN] = {true, true, true, true},
        [RULES_OWN_WITH_PROOF] = {false, true, false, true},   [RULES_OWN_SOURCE_SHARED] = {false, true, false, true},
        [RULES_APPROVAL] = {false, false, false, true},        [RULES_OWN_ATTENDED] = {false, false, true, true},
        [RULES_MANUAL_ONLY] = {false, false, false, true},
    };
    for (uint32_t policy = 0; policy < COUNT(expected); policy++)
        for (uint32_t mode = 0; mode < 4; mode++) {
            struct rules_conduct rule = {.automation = policy};
            for (uint32_t host = 0; host <= RULES_HOST_REMOTE; host++) {
                rule.hosts_refused = 0;
                assert_int_equal(rules_conduct_allows(&rule, mode, host), expected[policy][mode]);
                rule.hosts_refused = 1u << host;
                assert_false(rules_conduct_allows(&rule, mode, host));
                rule.hosts_refused = ~(1u << host);
                assert_int_equal(rules_conduct_allows(&rule, mode, host), expected[policy][mode]);
            }
        }
    struct rules_conduct rule = {.automation = COUNT(expected)};
    assert_false(rules_conduct_allows(&rule, RULES_MANUAL, RULES_HOST_OWN_DEVICE));
    rule.automation = RULES_AUTOMATION_ALLOWED;
    assert_false(rules_conduct_allows(&rule, RULES_MANUAL + 1, RULES_HOST_OWN_DEVICE));
    assert_false(rules_conduct_allows(&rule, RULES_MANUAL, RULES_HOST_REMOTE + 1));
}

/* --- P12 --------------------------------------------------------------------------------------------------------- */

static void test_inactivity_by_the_day(void **unused)
{
    (void)unused;
    struct rules_life rule = {.inactivity_days = 30, .inactivity_warn_days = 25};
    assert_int_equal(rules_inactivity(&rule, 100, 124), RULES_ACTIVE);
    assert_int_equal(rules_inactivity(&rule, 100, 125), RULES_INACTIVE_WARN);
    assert_int_equal(rules_inactivity(&rule, 100, 129), RULES_INACTIVE_WARN);
    assert_int_equal(rules_inactivity(&rule, 100, 130), RULES_INACTIVE);
    assert_int_equal(rules_inactivity(&rule, 100, 99), RULES_ACTIVE);
    assert_int_equal(rules_inactivity(&rule, INT32_MIN, INT32_MAX), RULES_INACTIVE);
    rule.inactivity_warn_days = 0; /* four fifths */
    assert_int_equal(rules_inactivity(&rule, 100, 123), RULES_ACTIVE);
    assert_int_equal(rules_inactivity(&rule, 100, 124), RULES_INACTIVE_WARN);
    rule.inactivity_days = 0;
    assert_int_equal(rules_inactivity(&rule, 0, 9999), RULES_ACTIVE);
}

static void test_age_of_the_file_by_the_day(void **unused)
{
    (void)unused;
    static struct rules_set set;
    int32_t age;
    set.verified_day = 20000;
    set.max_age_days = 90;
    assert_false(rules_file_expired(&set, 20090, &age));
    assert_int_equal(age, 90);
    assert_true(rules_file_expired(&set, 20091, &age));
    assert_false(rules_file_expired(&set, 19999, &age)); /* the other side of midnight */
    assert_true(rules_file_expired(&set, 19998, &age));  /* a clock or a date that is wrong */
    assert_int_equal(age, -2);
    set.verified_day = INT32_MIN;
    assert_true(rules_file_expired(&set, INT32_MAX, &age));
    assert_int_equal(age, INT32_MAX);
}

static void test_payout_freeze(void **unused)
{
    (void)unused;
    for (int i = 0; i < 4; i++) {
        struct rules_life rule = {.payout_freeze = i & 1};
        assert_int_equal(rules_payout_allows(&rule, i >> 1), i != 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_ratio),
        cmocka_unit_test(test_wider),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_opposite_of_one_position),
        cmocka_unit_test(test_opposite_with_working_orders),
        cmocka_unit_test(test_closing_beside_others),
        cmocka_unit_test(test_adds_to_a_loser),
        cmocka_unit_test(test_size_after_a_loss),
        cmocka_unit_test(test_every_mode_against_every_policy),
        cmocka_unit_test(test_inactivity_by_the_day),
        cmocka_unit_test(test_age_of_the_file_by_the_day),
        cmocka_unit_test(test_payout_freeze),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
