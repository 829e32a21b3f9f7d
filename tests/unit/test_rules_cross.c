/* P10: every policy against every pair of stages, both sides' rules, groups, capital to the cent. */
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
enum { FTMO, E8 };
enum { ES, MES, GOLD };
enum { EVAL = RULES_STAGE_EVAL, FUNDED = RULES_STAGE_FUNDED };
enum { BUY = 1, SELL = 2 };

static const struct rules_cross any = {.copy = RULES_COPY_OWN};

/* Account n of a firm: open, with a strategy of its own. */
static struct rules_party party(uint32_t firm, uint32_t account, uint32_t stage, uint32_t instrument, uint32_t side)
{
    return (struct rules_party){.firm = firm,
                                .account = account,
                                .stage = stage,
                                .instrument = instrument,
                                .side = side,
                                .strategy = account,
                                .opened_ns = T0,
                                .open = true,
                                .capital = MONEY(100000)};
}

static bool allows(const struct rules_cross *rule, const struct rules_party *asks, const struct rules_party *holds)
{
    return rules_cross_allows(rule, NULL, asks, rule, holds);
}

static void test_opposite(void **unused)
{
    (void)unused;
    struct rules_party a = party(E8, 1, EVAL, ES, BUY), b = party(E8, 2, EVAL, ES, SELL),
                       c = party(FTMO, 1, EVAL, ES, SELL);
    struct rules_cross firm = {.opposite_firm = true}, all = {.opposite_all = true};
    assert_true(allows(&any, &b, &a) && allows(&any, &c, &a));
    assert_false(allows(&firm, &b, &a));
    assert_true(allows(&firm, &c, &a)); /* another firm: equal account numbers do not matter */
    assert_false(allows(&all, &b, &a));
    assert_false(allows(&all, &c, &a));
    b.open = false;
    assert_true(allows(&all, &b, &a));
    b.open = true;
    b.side = BUY;
    assert_true(allows(&all, &b, &a));
    b.side = SELL;
    b.instrument = GOLD;
    assert_true(allows(&all, &b, &a));
    b = a; /* the account itself: P9's matter */
    b.side = SELL;
    assert_true(allows(&all, &b, &a));
}

/* One firm forbids it, the other does not care: forbidden, whoever asks. */
static void test_both_sides_speak(void **unused)
{
    (void)unused;
    struct rules_party a = party(E8, 1, EVAL, ES, BUY), c = party(FTMO, 1, EVAL, ES, SELL);
    struct rules_cross all = {.opposite_all = true};
    assert_false(rules_cross_allows(&any, NULL, &a, &all, &c));
    assert_false(rules_cross_allows(&all, NULL, &a, &any, &c));
    assert_true(rules_cross_allows(&any, NULL, &a, &any, &c));
}

static void test_groups_move_together(void **unused)
{
    (void)unused;
    struct rules_direction groups = {.group_count = 1, .groups = {1u << ES | 1u << MES}};
    struct rules_party a = party(E8, 1, EVAL, ES, BUY), b = party(E8, 2, EVAL, MES, SELL);
    struct rules_cross all = {.opposite_all = true}, exclusive = {.copy = RULES_COPY_EXCLUSIVE_SYMBOL};
    assert_true(rules_cross_allows(&all, NULL, &b, &all, &a));
    assert_false(rules_cross_allows(&all, &groups, &b, &all, &a));
    assert_false(rules_cross_allows(&exclusive, &groups, &b, &exclusive, &a));
    b.instrument = GOLD;
    assert_true(rules_cross_allows(&all, &groups, &b, &all, &a));
}

/* Same market and side on two accounts of a firm, each pair of stages. */
static void test_copies(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t copy;
        bool both_eval, one_funded, both_funded;
    } cases[] = {
        {RULES_COPY_OWN, true, true, true},
        {RULES_COPY_OWN_CHALLENGE_ONLY, true, false, false},
        {RULES_COPY_NOT_EVAL_TO_EVAL, false, true, true},
        {RULES_COPY_EXCLUSIVE_SYMBOL, false, false, false},
        {RULES_COPY_SPACED, true, true, true}, /* at the same time */
        {RULES_COPY_INDEPENDENT, false, false, false},
        {99, false, false, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rules_cross rule = {.copy = cases[i].copy};
        struct rules_party a = party(E8, 1, EVAL, ES, BUY), b = party(E8, 2, EVAL, ES, BUY);
        assert_int_equal(allows(&rule, &b, &a), cases[i].both_eval);
        b.stage = FUNDED;
        assert_int_equal(allows(&rule, &b, &a), cases[i].one_funded);
        assert_int_equal(allows(&rule, &a, &b), cases[i].one_funded);
        a.stage = FUNDED;
        assert_int_equal(allows(&rule, &b, &a), cases[i].both_funded);
        b.firm = FTMO; /* its policy is about its own accounts */
        assert_true(allows(&rule, &b, &a));
        b.firm = E8;
        b.instrument = GOLD; /* nothing is alike */
        assert_int_equal(allows(&rule, &b, &a), cases[i].copy != 99);
        b.instrument = ES;
        b.open = false;
        assert_int_equal(allows(&rule, &b, &a), cases[i].copy != 99);
    }
}

static void test_the_same_strategy(void **unused)
{
    (void)unused;
    struct rules_party a = party(E8, 1, EVAL, ES, BUY), b = party(E8, 2, EVAL, GOLD, BUY);
    b.strategy = a.strategy;
    struct rules_cross independent = {.copy = RULES_COPY_INDEPENDENT},
                       challenge = {.copy = RULES_COPY_OWN_CHALLENGE_ONLY};
    assert_false(allows(&independent, &b, &a));
    a.open = false; /* it is the strategy's account all the same */
    assert_false(allows(&independent, &b, &a));
    assert_true(allows(&challenge, &b, &a));
    b.stage = FUNDED;
    assert_false(allows(&challenge, &b, &a));
    b.strategy = 99;
    assert_true(allows(&challenge, &b, &a) && allows(&independent, &b, &a));
}

static void test_spaced_by_the_second(void **unused)
{
    (void)unused;
    struct rules_cross rule = {.copy = RULES_COPY_SPACED, .spacing_s = 300};
    struct rules_party a = party(E8, 1, EVAL, ES, BUY), b = party(E8, 2, EVAL, ES, BUY);
    b.opened_ns = T0 + 300 * NS;
    assert_true(allows(&rule, &b, &a) && allows(&rule, &a, &b));
    b.opened_ns++;
    assert_false(allows(&rule, &b, &a));
    assert_false(allows(&rule, &a, &b));
    b.side = SELL; /* the same pair, whatever the side */
    assert_false(allows(&rule, &b, &a));
    a.open = false; /* closed */
    assert_true(allows(&rule, &b, &a));
    a.open = true;
    b.instrument = GOLD;
    assert_true(allows(&rule, &b, &a));
    b.instrument = ES;
    a.opened_ns = INT64_MIN;
    assert_false(allows(&rule, &b, &a));
}

static void test_capital(void **unused)
{
    (void)unused;
    struct rules_cross rule = {.capital_cap = MONEY(400000)};
    dec_t active[] = {MONEY(200000), MONEY(100000)}, total;
    assert_true(rules_capital_allows(&rule, active, 2, MONEY(100000), &total));
    assert_int_equal(total, MONEY(400000));
    assert_false(rules_capital_allows(&rule, active, 2, MONEY(100000) + 1, &total));
    assert_true(rules_capital_allows(&rule, NULL, 0, MONEY(1), &total));
    active[0] = DEC_MAX;
    assert_false(rules_capital_allows(&rule, active, 2, 0, &total));
    assert_int_equal(total, DEC_MAX);
    rule.capital_cap = 0;
    assert_true(rules_capital_allows(&rule, active, 2, 0, &total));
}

static void test_identical_and_accounts(void **unused)
{
    (void)unused;
    struct rules_cross rule = {.identical_cap = MONEY(500000), .accounts_max = 3};
    assert_true(rules_identical_allows(&rule, MONEY(500000), true));
    assert_false(rules_identical_allows(&rule, MONEY(500000) + 1, true));
    assert_true(rules_identical_allows(&rule, MONEY(900000), false));
    assert_true(rules_accounts_allow(&rule, 3));
    assert_false(rules_accounts_allow(&rule, 4));
    assert_true(rules_identical_allows(&any, DEC_MAX, true) && rules_accounts_allow(&any, 99));
}

static void test_exclusive_strategy(void **unused)
{
    (void)unused;
    struct rules_cross rule = {.strategy_exclusive = true};
    const uint32_t firms[] = {E8, E8, FTMO};
    assert_true(rules_strategy_allows(&rule, E8, firms, 2));
    assert_false(rules_strategy_allows(&rule, E8, firms, 3));
    assert_false(rules_strategy_allows(&rule, FTMO, firms, 1));
    assert_true(rules_strategy_allows(&rule, FTMO, NULL, 0));
    assert_true(rules_strategy_allows(&any, FTMO, firms, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opposite),
        cmocka_unit_test(test_both_sides_speak),
        cmocka_unit_test(test_groups_move_together),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_the_same_strategy),
        cmocka_unit_test(test_spaced_by_the_second),
        cmocka_unit_test(test_capital),
        cmocka_unit_test(test_identical_and_accounts),
        cmocka_unit_test(test_exclusive_strategy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
