/* What reports say of news rules: spans of accounts join in their programme, each verdict in words and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/exercised.h"

#define S INT64_C(1000000000)
#define DAY (86400 * S)
#define T0 (INT64_C(1704067200) * S) /* 2024-01-01 */

/* The events lie behind the struct. */
static struct {
    struct fleet_config config;
    struct rules_event events[2];
} fleet;
static struct exercised exercised;
static char line[EXERCISED_TEXT_MAX];

static void window(uint32_t programme, const char *id, uint32_t kind)
{
    struct rules_set *set = &fleet.config.programmes[programme].rules;
    struct rules_window *rule = &set->windows[set->window_count++];
    *rule = (struct rules_window){.kind = kind, .forbids = RULES_OPEN, .instruments = 3};
    snprintf(rule->head.id, sizeof rule->head.id, "%s", id);
}

/* Accounts 0 and 1 trade programme 0, which has a news rule, 2 trades programme 1, which has none; nobody programme 2. */
static int setup(void **state)
{
    (void)state;
    memset(&fleet, 0, sizeof fleet);
    fleet.config.account_count = fleet.config.programme_count = 3;
    fleet.config.personality_count = 2;
    fleet.config.personalities[0].instruments = 1;
    fleet.config.personalities[1].instruments = 2;
    fleet.config.accounts[1].personality = 1;
    fleet.config.accounts[2].programme = 1;
    for (unsigned i = 0; i < 3; i++) {
        struct config_programme *p = &fleet.config.programmes[i];
        strcpy(p->firm, "acme");
        snprintf(p->name, sizeof p->name, "plan-%u", i);
        strcpy(p->phase, "funded");
    }
    window(0, "session", RULES_DAILY_SPAN);
    window(0, "news", RULES_NEWS);
    window(1, "session", RULES_DAILY_SPAN);
    exercised_begin(&exercised, &fleet.config);
    return 0;
}

static void calendar(uint32_t kind, int64_t from_ns, int64_t to_ns)
{
    fleet.config.calendar.kind = kind;
    fleet.config.calendar.valid_from_ns = from_ns;
    fleet.config.calendar.valid_to_ns = to_ns;
}

static void event(uint32_t i, int64_t time_ns, uint32_t instruments)
{
    fleet.events[i] = (struct rules_event){time_ns, instruments, 3};
    fleet.config.calendar.event_count = i + 1;
}

static void test_a_programme_that_nobody_traded_is_left_out(void **state)
{
    (void)state;
    assert_null(exercised_line(&exercised, 0, line));
    exercised_add(&exercised, 0, 0, T0);       /* no record */
    exercised_add(&exercised, 0, T0, T0);      /* nothing between */
    exercised_add(&exercised, 0, T0 + DAY, T0);
    assert_null(exercised_line(&exercised, 0, line));
    json_t *list = exercised_json(&exercised);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    exercised_add(&exercised, 2, T0, T0 + DAY);
    assert_string_equal(exercised_line(&exercised, 1, line), "acme/plan-1, phase funded: no news rule");
    assert_null(exercised_line(&exercised, 0, line));
    assert_null(exercised_line(&exercised, 2, line));
}

static void test_each_verdict_in_words(void **state)
{
    (void)state;
    exercised_add(&exercised, 0, T0, T0 + 10 * DAY);
    assert_string_equal(exercised_line(&exercised, 0, line),
                        "acme/plan-0, phase funded: news: not exercised: no valid calendar, entries were refused all the time "
                        "(0 events, 2024-01-01 00:00 to 2024-01-11 00:00)");
    calendar(CALENDAR_FILE, T0 - DAY, T0 + 11 * DAY);
    assert_non_null(strstr(exercised_line(&exercised, 0, line), "news: not exercised: no event concerned what was traded (0 events"));
    event(0, T0 + DAY, 1);
    assert_non_null(strstr(exercised_line(&exercised, 0, line), "funded: news: exercised (1 events, 2024-01-01"));
    calendar(CALENDAR_FILE, T0 + DAY, T0 + 11 * DAY);
    assert_non_null(strstr(exercised_line(&exercised, 0, line), "news: not exercised in all of the span"));
    calendar(CALENDAR_DERIVED, T0 - DAY, T0 + 11 * DAY);
    assert_non_null(strstr(exercised_line(&exercised, 0, line), "news: exercised with DERIVED dates alone"));
    window(0, "rates", RULES_NEWS);
    assert_non_null(strstr(exercised_line(&exercised, 0, line), "); rates: exercised with DERIVED"));
}

static void test_accounts_of_a_programme_join(void **state)
{
    (void)state;
    calendar(CALENDAR_FILE, T0 - DAY, T0 + 40 * DAY);
    event(0, T0 + 2 * DAY, 2); /* of the second account's instrument alone */
    event(1, T0 + 20 * DAY, 1);
    exercised_add(&exercised, 0, T0 + DAY, T0 + 10 * DAY);
    assert_non_null(strstr(exercised_line(&exercised, 0, line), "no event concerned"));
    exercised_add(&exercised, 1, T0 + 2 * DAY, T0 + 11 * DAY);
    assert_non_null(strstr(exercised_line(&exercised, 0, line), "exercised (1 events, 2024-01-02 00:00 to 2024-01-12 00:00)"));
    exercised_add(&exercised, 0, T0, T0 + 3 * DAY);
    exercised_add(&exercised, 0, T0 + 20 * DAY, T0 + 21 * DAY);
    assert_non_null(strstr(exercised_line(&exercised, 0, line), "exercised (2 events, 2024-01-01 00:00 to 2024-01-22 00:00)"));
}

static void test_json_and_print(void **state)
{
    (void)state;
    exercised_add(&exercised, 0, T0, T0 + DAY);
    exercised_add(&exercised, 2, T0, T0 + DAY);
    calendar(CALENDAR_FILE, T0 - DAY, T0 + 2 * DAY);
    for (int with = 0; with < 2; with++) {
        if (with)
            event(0, T0, 1);
        json_t *list = exercised_json(&exercised);
        const char *programme, *phase, *id;
        int events, told;
        json_t *rules;
        assert_int_equal(json_array_size(list), 2);
        assert_int_equal(json_unpack(json_array_get(list, 0), "{s:s, s:s, s:o}", "programme", &programme, "phase", &phase, "rules", &rules), 0);
        assert_string_equal(programme, "acme/plan-0");
        assert_string_equal(phase, "funded");
        assert_int_equal(json_array_size(rules), 1);
        assert_int_equal(json_unpack(json_array_get(rules, 0), "{s:s, s:i, s:b}", "id", &id, "events", &events, "exercised", &told), 0);
        assert_string_equal(id, "news");
        assert_int_equal(events, with);
        assert_int_equal(told, with);
        assert_int_equal(json_array_size(json_object_get(json_array_get(list, 1), "rules")), 0);
        json_decref(list);
    }
    FILE *out = tmpfile();
    char text[EXERCISED_TEXT_MAX] = "";
    assert_int_equal(exercised_print(&exercised, "- ", out), 2);
    rewind(out);
    assert_non_null(fgets(text, sizeof text, out));
    assert_int_equal(strncmp(text, "- acme/plan-0, phase funded: news: ", 35), 0);
    assert_non_null(fgets(text, sizeof text, out));
    assert_string_equal(text, "- acme/plan-1, phase funded: no news rule\n");
    fclose(out);
}

/* Names as long as they may be, rules as many: cut short, never beyond. */
static void test_a_line_that_does_not_fit_is_cut(void **state)
{
    (void)state;
    struct config_programme *p = &fleet.config.programmes[0];
    memset(p->firm, 'f', sizeof p->firm - 1);
    memset(p->name, 'n', sizeof p->name - 1);
    memset(p->phase, 'p', sizeof p->phase - 1);
    p->rules.window_count = 0;
    for (unsigned i = 0; i < RULES_WINDOWS_MAX; i++)
        window(0, "a-rule-with-a-rather-long-name", RULES_NEWS);
    exercised_add(&exercised, 0, T0, T0 + DAY);
    assert_true(strlen(exercised_line(&exercised, 0, line)) < sizeof line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_programme_that_nobody_traded_is_left_out, setup),
        cmocka_unit_test_setup(test_each_verdict_in_words, setup),
        cmocka_unit_test_setup(test_accounts_of_a_programme_join, setup),
        cmocka_unit_test_setup(test_json_and_print, setup),
        cmocka_unit_test_setup(test_a_line_that_does_not_fit_is_cut, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
