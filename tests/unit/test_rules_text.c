/* Rules in words: a few sentences as they must read, and every rule that ships has one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/loader.h"
#include "tools/rules_text.h"

static struct fleet_config config;
static struct loader_report report;

static int load(void **state)
{
    const struct loader_options options = {.config_dir = "config", .runtime_dir = "/r", .all_optional = 1};
    (void)state;
    if (loader_load(&options, &config, &report) == 0)
        return 0;
    fprintf(stderr, "%s\n", report.errors[0].text);
    return -1;
}

static struct rules_scope scope_of(const char *firm, const char *phase)
{
    for (uint32_t i = 0; i < config.programme_count; i++)
        if (strcmp(config.programmes[i].firm, firm) == 0 && strcmp(config.programmes[i].phase, phase) == 0)
            return (struct rules_scope){&config, &config.programmes[i], 100000 * DEC_ONE};
    fail_msg("%s, phase %s", firm, phase);
    return (struct rules_scope){0};
}

static void test_sentences(void **state)
{
    char text[RULES_TEXT_MAX];
    (void)state;
    struct rules_scope goat = scope_of("goat", "funded");
    assert_string_equal(
        rules_text_floor(&goat, &goat.programme->rules.floors[0], text),
        "floor = the higher of balance and equity at the day's beginning - 5% of the initial balance; the account "
        "ends when equity reaches it; of 100,000.00 at the beginning: 95,000.00");
    assert_string_equal(rules_text_hold(&goat, &goat.programme->rules.holds[0], text),
                        "positions are held for at least 2m");
    assert_string_equal(rules_text_shape(&goat, text),
                        "no target; 3 days with a profit of 0.5% of the initial balance; a day's profit above "
                        "3,000.00 is deducted");
    struct rules_scope topstep = scope_of("topstep", "combine");
    assert_string_equal(rules_text_window(&topstep, &topstep.programme->rules.windows[0], text),
                        "no open, increase, hold from 15:10 to 17:00 America/Chicago; we begin to close 2m before; "
                        "orders are cancelled");
    assert_string_equal(rules_text_conduct(&topstep, text),
                        "programs that trade: own, attended; not from a VPS, VPN, remote machine; orders "
                        "say that a program sent them");
    struct rules_scope ftmo = scope_of("ftmo", "funded-standard");
    struct rules_window news = ftmo.programme->rules.windows[1];
    const char *const importances[] = {"", " of any importance", " of at least medium importance", " of high importance"};
    for (uint32_t i = 0; i < 4; i++) {
        char expected[RULES_TEXT_MAX];
        snprintf(expected, sizeof expected, "from 2m before to 2m after news of the instrument%s (but", importances[i]);
        news.importance = i;
        assert_non_null(strstr(rules_text_window(&ftmo, &news, text), expected));
    }
    struct rules_scope apex = scope_of("apex", "eod-pa");
    assert_string_equal(
        rules_text_exposure(&apex, &apex.programme->rules.exposures[0], text),
        "lots open and working on one side: at most 2, 3 from 1500 of profit at the end of a day, 4 from 3000, 4 from "
        "6000, for ES, MES, MNQ, NQ; one lot of MES counts 0.1, MNQ counts 0.1");
    struct rules_scope blueberry = scope_of("blueberry", "funded");
    assert_string_equal(rules_text_loss(&blueberry, &blueberry.programme->rules.losses[0], text),
                        "losses of one idea (symbol and side) must stay below 1.5% of the initial balance; a re-entry "
                        "within 10m of a losing "
                        "close is the same idea; of 100,000.00: 1,500.00");
}

static void expect_sentence(const char *text)
{
    assert_in_range(strlen(text), 8, RULES_TEXT_MAX - 1);
    assert_null(strchr(text, '?'));
}

static void test_all_that_ships(void **state)
{
    char text[RULES_TEXT_MAX];
    (void)state;
    for (uint32_t i = 0; i < config.programme_count; i++) {
        const struct rules_scope scope = {&config, &config.programmes[i], 100000 * DEC_ONE};
        const struct rules_set *set = &config.programmes[i].rules;
#define EACH(list, count, words)                                                                                       \
    for (uint32_t r = 0; r < set->count; r++)                                                                          \
    expect_sentence(words(&scope, &set->list[r], text))
        EACH(floors, floor_count, rules_text_floor);
        EACH(losses, loss_count, rules_text_loss);
        EACH(exposures, exposure_count, rules_text_exposure);
        EACH(windows, window_count, rules_text_window);
        EACH(holds, hold_count, rules_text_hold);
        EACH(rates, rate_count, rules_text_rate);
        expect_sentence(rules_text_shape(&scope, text));
        expect_sentence(rules_text_stop(&scope, text));
        expect_sentence(rules_text_direction(&scope, text));
        expect_sentence(rules_text_cross(&scope, text));
        expect_sentence(rules_text_conduct(&scope, text));
        expect_sentence(rules_text_life(&scope, text));
        expect_sentence(rules_text_guard(&scope, text));
    }
}

/* Values that no file has: a word or "?", never beyond a table; a sentence that does not fit is cut. */
static void test_strange_values(void **state)
{
    static struct fleet_config many;
    static struct rules_floor floor;
    static struct rules_exposure exposure;
    char text[RULES_TEXT_MAX];
    (void)state;
    memcpy(&many, &config, sizeof many);
    many.instrument_count = CONFIG_INSTRUMENTS_MAX;
    for (uint32_t i = 0; i < many.instrument_count; i++)
        snprintf(many.instruments[i].symbol, CONFIG_NAME_MAX, "A%030u", (unsigned)i);
    const struct rules_scope scope = {&many, &many.programmes[0], DEC_MAX};
    floor.anchor = floor.payout = floor.measure = 99;
    floor.allowance.value = DEC_MAX;
    assert_non_null(strstr(rules_text_floor(&scope, &floor, text), "floor = ?"));
    exposure.instruments = 0x7fff;
    exposure.counted = 99;
    assert_int_equal(strlen(rules_text_exposure(&scope, &exposure, text)), RULES_TEXT_MAX - 1);
    assert_string_equal(rules_text_automation(99), "?");
    assert_string_equal(rules_text_confidence(99), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_all_that_ships),
        cmocka_unit_test(test_strange_values),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
