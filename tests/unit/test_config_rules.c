/* The files of firms/: every way in which one can be wrong, what a phase is made of, and what the shipped ones say. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/tz.h"
#include "config/tables.h"
#include "test_config_support.h"

#define FIRM "c/firms/acme.yaml"
#define ALPHA "c/accounts/alpha.yaml"
#define BETA "c/accounts/beta.yaml"
#define FLEET "c/fleet.yaml"
#define MONEY(x) ((int64_t)(x)*DEC_ONE)
#define PERCENT (DEC_ONE / 100)

/* Line 1 is config_version. */
static const char rich[] =
    "config_version: 2\n"
    "firm: acme\n"
    "programme: 2-step\n"
    "verified: 2026-11-22\n"
    "sizes: [50000, 100000]\n"
    "sources:\n"
    "  A: {url: \"https://acme.example/rules\", kind: official}\n"
    "  O: {url: \"https://acme.example/old\", kind: official_old}\n"
    "  D: {url: data, kind: dataset, date: 2026-08-29}\n"
    "day: {zone: Europe/Prague, at: 00:00}\n"
    "alt_days: [{zone: UTC, at: \"01:30\"}]\n"
    "base:\n"
    "  loss_floors:\n"
    "    - {id: daily, anchor: snap_balance, allowance: {frac_initial: 5%}, breach_if: lt, src: [A]}\n"
    "    - id: overall\n"
    "      anchor: initial\n"
    "      allowance: {frac_initial: 10%}\n"
    "      breach_if: le\n"
    "      src: [D, A]\n"
    "      disputed: [{anchor: run_eod_balance, allowance: {abs: 4000}, src: [D]}]\n"
    "    - {id: dll, optional: true, anchor: snap_balance, allowance: {abs: 1000}, breach_if: le,"
    " on_breach: pause_until_boundary, src: [O]}\n"
    "  time_windows:\n"
    "    - {id: session, kind: daily_span, forbid: [open, hold], zone: UTC, from: 15:10, to: 17:00, src: [A]}\n"
    "  rate_caps:\n"
    "    - {id: orders, counts: orders, max: 100, confidence: unverified}\n"
    "  direction: {same_account_hedge: allowed, src: [A]}\n"
    "  cross_account: {copy: own, src: [A]}\n"
    "  conduct: {automation: allowed, src: [A]}\n"
    "phases:\n"
    "  challenge:\n"
    "    stage: eval\n"
    "    profit_shape: {target: {frac_initial: 10%}, min_days: 4, src: [A]}\n"
    "  funded:\n"
    "    stage: funded\n"
    "    drop: [session]\n"
    "    loss_floors:\n"
    "      - {id: overall, anchor: run_equity, allowance: {abs: 3000}, cap: 100, breach_if: lt, src: [A]}\n"
    "    direction: {same_account_hedge: refused, src: [A]}\n"
    "  swing:\n"
    "    stage: funded\n"
    "    inherits: funded\n"
    "    time_windows:\n"
    "      - {id: weekend, kind: market_close, forbid: [hold], closed_for: 24h, src: [A]}\n"
    "unknown:\n"
    "  - leverage\n"
    "  - inactivity\n";

static int setup_rich(void **state)
{
    int rc = support_setup(state);
    support_write(FIRM, rich);
    support_replace(ALPHA, "acme/2-step\n", "acme/2-step\nphase: challenge\n");
    support_replace(BETA, "acme/2-step\n", "acme/2-step\nphase: funded\n");
    return rc;
}

static const struct config_programme *find(const char *firm, const char *name, const char *phase, const char *options)
{
    for (uint32_t i = 0; i < support_config.programme_count; i++) {
        const struct config_programme *p = &support_config.programmes[i];
        if (strcmp(p->firm, firm) == 0 && strcmp(p->name, name) == 0 && strcmp(p->phase, phase) == 0 &&
            strcmp(p->options, options) == 0)
            return p;
    }
    fail_msg("no %s/%s, phase %s, options \"%s\"", firm, name, phase, options);
    return NULL;
}

static const struct config_programme *acme(const char *phase, const char *options)
{
    return find("acme", "2-step", phase, options);
}

static void expect_good(void)
{
    if (support_load(NULL) != 0)
        fail_msg("%s", support_report.errors[0].text);
}

/* --- what is wrong --------------------------------------------------------------------------------- */

/* One change to the rich file, and the one message that must follow. */
static const struct {
    const char *old, *new, *message;
} wrong[] = {
    /* keys and values */
    {"breach_if: lt, src", "breach: lt, src",
     "c/firms/acme.yaml:14:72: base.loss_floors[0].breach: unknown key; did you mean \"breach_if\"?\n"
     "c/firms/acme.yaml:14:7: base.loss_floors[0].breach_if: missing; add it with one of lt, le"},
    {"breach_if: lt, src", "breach_if: lt, breach_if: le, src",
     "c/firms/acme.yaml:14:87: base.loss_floors[0].breach_if: written twice, first in line 14; keep one"},
    {"frac_initial: 5%", "frac_initial: 0.05",
     "c/firms/acme.yaml:14:67: base.loss_floors[0].allowance.frac_initial: \"0.05\" has no unit; write a percentage "
     "such as "
     "0.25%, from 0.001% to 100%"},
    {"from: 15:10", "from: 15h10",
     "c/firms/acme.yaml:23:78: base.time_windows[0].from: \"15h10\" is not a time of day; write a time of day such as "
     "17:00, "
     "from 00:00 to 23:59:59"},
    {"optional: true", "optional: on",
     "c/firms/acme.yaml:21:27: base.loss_floors[2].optional: \"on\" is neither true nor false; write true or false"},
    {"forbid: [open, hold]", "forbid: open",
     "c/firms/acme.yaml:23:47: base.time_windows[0].forbid: \"open\" not a list; write a list such as [a, b], of open, "
     "increase, "
     "close, fill, hold, cancel, from 1 to 6 actions"},
    {"forbid: [open, hold]", "forbid: [open, open]",
     "c/firms/acme.yaml:23:54: base.time_windows[0].forbid: \"open\" is there twice; write a list such as [a, b], of "
     "open, "
     "increase, close, fill, hold, cancel, from 1 to 6 actions"},
    {"forbid: [open, hold]", "forbid: [no]",
     "c/firms/acme.yaml:23:48: base.time_windows[0].forbid: \"no\" is not known here; write a list such as [a, b], of "
     "open, "
     "increase, close, fill, hold, cancel, from 1 to 6 actions"},
    {"kind: dataset", "kind: rumour",
     "c/firms/acme.yaml:9:24: sources.D.kind: \"rumour\" is not known here; write one of official, official_old, "
     "support_ticket, "
     "dataset, aggregator"},
    {"  challenge:\n", "  Challenge:\n",
     "c/firms/acme.yaml:30:3: phases: \"Challenge\" is not a name; write a name of small letters, digits and -"},
    {"  swing:\n", "  funded:\n", "c/firms/acme.yaml:39:3: phases.funded: written twice; keep one"},
    {"config_version: 2", "config_version: 1",
     "c/firms/acme.yaml:1:17: config_version: \"1\" is out of range; write a whole number, from 2 to 2"},
    {"  - leverage\n", "  - &a leverage\n",
     "c/firms/acme.yaml:45:5: yaml: an anchor (&name); write the value out where it is needed"},
    {"  conduct: {automation: allowed, src: [A]}\n", "",
     "c/firms/acme.yaml:29:3: phases.challenge.conduct: the file does not say who may trade; add it to base, with "
     "automation\n"
     "c/firms/acme.yaml:32:3: phases.funded.conduct: the file does not say who may trade; add it to base, with "
     "automation\n"
     "c/firms/acme.yaml:38:3: phases.swing.conduct: the file does not say who may trade; add it to base, with "
     "automation"},

    /* sources */
    {"src: [D, A]", "src: [D, X]",
     "c/firms/acme.yaml:19:16: base.loss_floors.overall.src: no source \"X\" in this file; there are A, O, D"},
    {"direction: {same_account_hedge: allowed, src: [A]}", "direction: {same_account_hedge: allowed}",
     "c/firms/acme.yaml:26:14: base.direction.src: missing; name keys of sources, or write confidence: unverified"},
    {"  O: {", "  OLDPAGES: {",
     "c/firms/acme.yaml:8:3: sources: \"OLDPAGES\" is too long; write at most 7 characters\n"
     "c/firms/acme.yaml:21:133: base.loss_floors.dll.src: no source \"O\" in this file; there are A, OLDPAGES, D"},

    /* amounts */
    {"allowance: {frac_initial: 5%}", "allowance: {}",
     "c/firms/acme.yaml:14:7: base.loss_floors.daily.allowance: no amount; write one of abs, frac_initial, "
     "frac_anchor, tiers, "
     "frac_sod_profit, frac_daily"},
    {"allowance: {frac_initial: 5%}", "allowance: {frac_initial: 5%, abs: 5000}",
     "c/firms/acme.yaml:14:7: base.loss_floors.daily.allowance: written in several ways; keep one"},
    {"allowance: {frac_initial: 5%}", "allowance: {frac_daily: 5%}",
     "c/firms/acme.yaml:14:7: base.loss_floors.daily.allowance: not of this kind here; propfleet check --explain says "
     "which are"},
    {"allowance: {frac_initial: 5%}", "allowance: {abs: 0}",
     "c/firms/acme.yaml:14:7: base.loss_floors.daily.allowance: nothing may be lost at all; write what the firm "
     "allows"},
    {"allowance: {frac_initial: 5%}", "allowance: {tiers: [{from: 10, value: 1}, {from: 5, value: 2}]}",
     "c/firms/acme.yaml:14:7: base.loss_floors.daily.allowance: tiers are not in order; write them by ascending from"},
    {"allowance: {frac_initial: 5%}", "allowance: {tiers: [{from: 0, value: 1}], basis: live_equity}",
     "c/firms/acme.yaml:14:7: base.loss_floors.daily.allowance.basis: live_equity is for exposure_caps; write "
     "eod_profit"},
    {"cap: 100", "lock: {when: 10, at: 11}",
     "c/firms/acme.yaml:37:9: phases.funded.loss_floors.overall.lock: the floor would be above its anchor; write at no "
     "greater "
     "than when"},

    /* what belongs together */
    {"zone: UTC, from: 15:10, to: 17:00, ", "from: 15:10, to: 17:00, ",
     "c/firms/acme.yaml:23:7: base.time_windows.session.kind: daily_span needs zone, from and to; write all three"},
    {"to: 17:00", "to: 15:10",
     "c/firms/acme.yaml:23:7: base.time_windows.session.to: from and to are the same; write a span"},
    {"kind: daily_span, forbid", "kind: payout_pending, forbid",
     "c/firms/acme.yaml:23:7: base.time_windows.session.kind: zone, from and to are for daily_span; leave them out"},
    {"kind: daily_span, forbid: [open, hold], zone: UTC, from: 15:10, to: 17:00", "kind: news, forbid: [open]",
     "c/firms/acme.yaml:23:7: base.time_windows.session.before: news without before and after; write at least one"},
    {"kind: daily_span, forbid", "kind: daily_span, importance: high, forbid",
     "c/firms/acme.yaml:23:7: base.time_windows.session.importance: only news have one; leave it out, or write kind: news"},
    {"kind: daily_span, forbid: [open, hold], zone: UTC, from: 15:10, to: 17:00", "kind: news, forbid: [open], before: 2m, importance: 4",
     "c/firms/acme.yaml:23:73: base.time_windows[0].importance: \"4\" is not known here; write one of all, low, medium, high, 1, 2, 3"},
    {"kind: daily_span, forbid: [open, hold], zone: UTC, from: 15:10, to: 17:00", "kind: news, forbid: [open], before: 2m, importance: [high]",
     "c/firms/acme.yaml:23:73: base.time_windows[0].importance: more than one value; write one of all, low, medium, high, 1, 2, 3"},
    {"cross_account: {copy: own,", "cross_account: {copy: spaced,",
     "c/firms/acme.yaml:27:18: base.cross_account.spacing: goes with copy: spaced, and only with it; write both"},
    {"min_days: 4, src", "min_days: 4, days_counted: profit, src",
     "c/firms/acme.yaml:32:19: phases.challenge.profit_shape.day_profit: missing; days_counted: profit needs it"},
    {"- {id: orders, counts: orders", "- {id: daily, counts: orders",
     "c/firms/acme.yaml:25:7: base.rate_caps.daily.id: another rule has this id, in line 14; give it one of its own"},
    {"disputed: [{anchor: run_eod_balance,", "disputed: [{disputed: [{id: x}], anchor: run_eod_balance,",
     "c/firms/acme.yaml:20:29: base.loss_floors[1].disputed[0].disputed: inside another of its kind; write a list of "
     "other "
     "readings, each with the keys that differ, from 1 to 2 readings"},
    {"disputed: [{", "disputed: [1, {",
     "c/firms/acme.yaml:20:18: base.loss_floors[1].disputed: \"1\" not keys with values; write a list of other "
     "readings, each with "
     "the keys that differ, from 1 to 2 readings"},

    /* phases */
    {"drop: [session]", "drop: [sesion]",
     "c/firms/acme.yaml:35:12: phases.funded.drop: no rule \"sesion\" in base; leave it out"},
    {"inherits: funded", "inherits: fundet",
     "c/firms/acme.yaml:41:15: phases.swing.inherits: \"fundet\" names no phase of this file; name another phase"},
    {"inherits: funded", "inherits: swing",
     "c/firms/acme.yaml:41:15: phases.swing.inherits: \"swing\" goes round in a circle; name another phase"},
};

/* Does the load fail with exactly these messages, one a line? */
static bool gives_messages(const char *old, const char *expected)
{
    char all[4096] = "";
    size_t n = 0;
    support_load(NULL);
    for (unsigned i = 0; i < support_report.error_count && i < LOADER_ERRORS_MAX && n < sizeof all; i++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i > 0 ? "\n" : "", support_report.errors[i].text);
    if (strcmp(all, expected) != 0)
        print_error("%s:\n%s\nnot\n%s\n", old, all, expected);
    return strcmp(all, expected) == 0;
}

static void expect_messages(const char *old, const char *expected)
{
    assert_true(gives_messages(old, expected));
}

static void test_wrong(void **state)
{
    unsigned failures = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(setup_rich(state), 0);
        support_replace(FIRM, wrong[i].old, wrong[i].new);
        failures += !gives_messages(wrong[i].old, wrong[i].message);
        assert_int_equal(support_teardown(state), 0);
    }
    assert_int_equal(failures, 0);
}

/* Errors of several files and rules, all at once. */
static void test_all_at_once(void **state)
{
    (void)state;
    support_replace(FIRM, "src: [D, A]", "src: [D, X]");
    support_replace(FIRM, "to: 17:00", "to: 15:10");
    support_replace(FIRM, "inherits: funded", "inherits: swing");
    support_replace(FLEET, "owner: tester", "owner: tester\nhost: laptop");
    assert_int_equal(support_load(NULL), -EINVAL);
    assert_int_equal(support_report.error_count, 4);
}

/* As the calendar's files write it; without it all releases count. */
static void test_importance_of_news(void **state)
{
    static const struct {
        const char *key;
        uint32_t importance;
    } rows[] = {{"", 0},          {"importance: all, ", 0}, {"importance: low, ", 1}, {"importance: medium, ", 2}, {"importance: high, ", 3},
                {"importance: 1, ", 1}, {"importance: 2, ", 2},   {"importance: 3, ", 3},   {"importance: \"3\", ", 3}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[128];
        assert_int_equal(setup_rich(state), 0);
        snprintf(text, sizeof text, "kind: news, %sforbid: [open], before: 2m,", rows[i].key);
        support_replace(FIRM, "kind: daily_span, forbid: [open, hold], zone: UTC, from: 15:10, to: 17:00,", text);
        expect_good();
        assert_int_equal(acme("challenge", "")->rules.windows[0].importance, rows[i].importance);
        assert_int_equal(support_teardown(state), 0);
    }
}

/* --- phases --------------------------------------------------------------------------------------------- */

static void test_phases(void **state)
{
    (void)state;
    expect_good();
    const struct rules_set *challenge = &acme("challenge", "")->rules, *funded = &acme("funded", "")->rules,
                           *swing = &acme("swing", "")->rules;
    /* The challenge: all of the base, and its own. */
    assert_int_equal(challenge->floor_count, 3);
    assert_string_equal(challenge->floors[0].head.id, "daily");
    assert_string_equal(challenge->floors[1].head.id, "overall");
    assert_string_equal(challenge->floors[2].head.id, "overall-disputed");
    assert_int_equal(challenge->window_count, 1);
    assert_int_equal(challenge->rate_count, 1);
    assert_false(challenge->direction.opposite_refused);
    assert_string_equal(challenge->shape.head.id, "shape");
    assert_true(challenge->shape.target.kind == RULES_FRAC_INITIAL && challenge->shape.target.value == 10 * PERCENT);
    assert_int_equal(challenge->shape.min_days, 4);
    assert_int_equal(challenge->life.stage, RULES_STAGE_EVAL);
    /* Funded: the overall floor is another, with no other reading left; the session is dropped; a section is replaced.
     */
    assert_int_equal(funded->floor_count, 2);
    assert_string_equal(funded->floors[1].head.id, "overall");
    assert_int_equal(funded->floors[1].anchor, RULES_RUN_EQUITY);
    assert_true(funded->floors[1].has_cap && funded->floors[1].cap == MONEY(100));
    assert_true(funded->floors[1].allowance.kind == RULES_ABS && funded->floors[1].allowance.value == MONEY(3000));
    assert_int_equal(funded->window_count, 0);
    assert_true(funded->direction.opposite_refused);
    assert_int_equal(funded->shape.head.id[0], 0);
    assert_int_equal(funded->life.stage, RULES_STAGE_FUNDED);
    /* Swing: as funded, and a window. */
    assert_int_equal(swing->floor_count, 2);
    assert_int_equal(swing->window_count, 1);
    assert_string_equal(swing->windows[0].head.id, "weekend");
    assert_int_equal(swing->windows[0].closed_s, 86400);
    assert_true(swing->direction.opposite_refused);
    /* All of one file: one digest, one list of what is unknown. */
    assert_true(challenge->digest != 0 && challenge->digest == funded->digest);
    assert_string_equal(acme("swing", "")->unknown, "leverage\ninactivity");
    assert_int_equal(challenge->verified_day, tz_days_from_civil(2026, 11, 22));
}

static void test_heads(void **state)
{
    (void)state;
    expect_good();
    const struct rules_set *set = &acme("challenge", "")->rules;
    assert_int_equal(set->source_count, 3);
    assert_string_equal(set->sources[1].key, "O");
    assert_string_equal(set->sources[2].kind, "dataset");
    assert_string_equal(set->sources[2].date, "2026-08-29");
    assert_int_equal(set->floors[0].head.sources, 1);
    assert_int_equal(set->floors[1].head.sources, 1 | 4);
    assert_int_equal(set->floors[1].head.confidence, RULES_OFFICIAL); /* the best of its sources */
    assert_int_equal(set->floors[2].head.sources, 4);
    assert_int_equal(set->floors[2].head.confidence, RULES_DISPUTED);
    assert_int_equal(set->floors[0].head.severity, RULES_TERMINATE);
    assert_int_equal(set->rates[0].head.confidence, RULES_UNVERIFIED);
    assert_int_equal(set->rates[0].head.sources, 0);
    assert_int_equal(set->shape.head.severity, RULES_VOID);
    /* Said explicitly: as it is said. */
    support_replace(FIRM, "breach_if: lt, src: [A]",
                    "breach_if: lt, confidence: official_partial, severity: void, src: [A]");
    expect_good();
    assert_int_equal(set->floors[0].head.confidence, RULES_OFFICIAL_PARTIAL);
    assert_int_equal(set->floors[0].head.severity, RULES_VOID);
}

static void test_disputed(void **state)
{
    (void)state;
    expect_good();
    const struct rules_set *set = &acme("challenge", "")->rules;
    /* The reading keeps what it does not change, and replaces an amount as a whole. */
    assert_int_equal(set->floors[2].anchor, RULES_RUN_EOD_BALANCE);
    assert_int_equal(set->floors[2].breach, RULES_LE);
    assert_true(set->floors[2].allowance.kind == RULES_ABS && set->floors[2].allowance.value == MONEY(4000));
    assert_int_equal(set->floors[1].anchor, RULES_INITIAL);
    support_replace(FIRM, "src: [D]}]\n", "src: [D]}, {breach_if: lt}]\n");
    expect_good();
    assert_int_equal(set->floor_count, 4);
    assert_string_equal(set->floors[3].head.id, "overall-disputed-2");
    assert_int_equal(set->floors[3].breach, RULES_LT);
    support_replace(FIRM, "      src: [D, A]\n", "      src: [D, A]\n      resolve: official\n");
    expect_good();
    assert_int_equal(set->floor_count, 2);
    assert_string_equal(set->floors[1].head.id, "overall");
    assert_int_equal(set->floors[1].anchor, RULES_INITIAL);
}

static void test_alt_days(void **state)
{
    (void)state;
    expect_good();
    const struct rules_set *set = &acme("challenge", "")->rules;
    assert_int_equal(set->day_count, 2);
    assert_string_equal(support_config.zones[set->days[0].zone].name, "Europe/Prague");
    assert_int_equal(set->days[0].at_s, 0);
    assert_string_equal(support_config.zones[set->days[1].zone].name, "UTC");
    assert_int_equal(set->days[1].at_s, 5400);
    assert_int_equal(set->floors[0].days, 3); /* of the day: kept for both */
    assert_int_equal(set->floors[1].days, 1); /* static: there is but one */
    assert_int_equal(set->floors[2].days, 3);
    assert_int_equal(acme("funded", "")->rules.floors[1].days, 1); /* the peak of equity has no boundary */
    support_replace(FIRM, "[{zone: UTC, at: \"01:30\"}]",
                    "[{zone: UTC, at: \"01:30\"}, {zone: UTC, at: \"02:00\"}, {zone: UTC, at: \"03:00\"}]");
    expect_messages(
        "alt_days",
        "c/firms/acme.yaml:11:11: alt_days: a list of a wrong length; write a list, one \"- {...}\" a line, "
        "from 1 to 2 days");
}

/* --- options ----------------------------------------------------------------------------------------------- */

static void test_options(void **state)
{
    (void)state;
    expect_good();
    assert_int_equal(support_config.programme_count, 3);
    support_replace(ALPHA, "phase: challenge\n", "phase: challenge\noptions: [dll]\n");
    support_replace(BETA, "phase: funded\n", "phase: challenge\noptions: [dll]\n");
    expect_good();
    assert_int_equal(support_config.programme_count, 4); /* one entry for both */
    const struct config_programme *with = acme("challenge", "dll");
    assert_int_equal(support_config.accounts[0].programme, with - support_config.programmes);
    assert_int_equal(support_config.accounts[1].programme, with - support_config.programmes);
    assert_int_equal(with->rules.floor_count, 4);
    const struct rules_floor *dll = &with->rules.floors[3];
    assert_string_equal(dll->head.id, "dll");
    assert_int_equal(dll->head.optional, 1);
    assert_int_equal(dll->effect, RULES_EFFECT_PAUSE);
    assert_int_equal(dll->head.severity, RULES_PAUSE);
    assert_int_equal(dll->kind, RULES_DAILY);
    assert_int_equal(acme("challenge", "")->rules.floor_count, 3);
    support_replace(ALPHA, "options: [dll]", "options: [mae]");
    expect_messages(
        "mae",
        "c/accounts/alpha.yaml:5:11: options: no optional rule \"mae\" in acme/2-step, phase challenge; there are dll");
    support_replace(FIRM, "optional: true, ", "");
    support_replace(BETA, "options: [dll]\n", "");
    expect_messages(
        "none",
        "c/accounts/alpha.yaml:5:11: options: acme/2-step has no optional rule in phase challenge; leave options out");
    /* To show them, all are in. */
    support_replace(ALPHA, "options: [mae]\n", "");
    support_replace(FIRM, "id: dll, ", "id: dll, optional: true, ");
    assert_int_equal(support_load(&(struct loader_options){.all_optional = 1}), 0);
    assert_int_equal(acme("challenge", "dll")->rules.floor_count, 4);
}

/* --- an account's phase --------------------------------------------------------------------------------------- */

static void test_account_phase(void **state)
{
    (void)state;
    support_replace(ALPHA, "phase: challenge\n", "");
    expect_messages(
        "no phase",
        "c/accounts/alpha.yaml:3:12: phase: missing, and acme/2-step has several; write one of challenge, funded, "
        "swing");
    support_replace(ALPHA, "acme/2-step\n", "acme/2-step\nphase: fundet\n");
    expect_messages("fundet",
                    "c/accounts/alpha.yaml:4:8: phase: acme/2-step has no phase \"fundet\"; did you mean funded");
    support_replace(ALPHA, "phase: fundet", "phase: x9");
    expect_messages(
        "x9", "c/accounts/alpha.yaml:4:8: phase: acme/2-step has no phase \"x9\"; there are challenge, funded, swing");
}

/* A file that is wrong is told of once; its accounts are not blamed. */
static void test_no_cascade(void **state)
{
    (void)state;
    support_replace(FIRM, "src: [D, A]", "src: [D, X]");
    support_replace(ALPHA, "phase: challenge", "phase: challenge\noptions: [dll]");
    expect_messages(
        "source",
        "c/firms/acme.yaml:19:16: base.loss_floors.overall.src: no source \"X\" in this file; there are A, O, D");
}

/* --- policies ------------------------------------------------------------------------------------------------------
 */

static void test_manual_only(void **state)
{
    (void)state;
    support_replace(FIRM, "automation: allowed", "automation: manual_only");
    expect_messages("manual_only", "c/accounts/alpha.yaml:3:12: programme: acme/2-step does not allow programs that "
                                   "trade; write observe_only: true, or "
                                   "choose another\n"
                                   "c/accounts/beta.yaml:3:12: programme: acme/2-step does not allow programs that "
                                   "trade; write observe_only: true, or "
                                   "choose another");
    support_replace(ALPHA, "paper:", "observe_only: true\npaper:");
    support_replace(BETA, "paper:", "observe_only: true\npaper:");
    expect_good();
}

/* Policy by mode: which combinations are admitted. */
static void test_modes(void **state)
{
    static const struct {
        const char *policy, *admitted; /* of unattended, proof, attended */
    } cases[] = {{"allowed", "upa"}, {"own", "upa"},        {"own_with_proof", "p"}, {"own_source_shared", "p"},
                 {"approval", "p"},  {"own_attended", "a"}, {"manual_only", ""}};
    static const char *const modes[] = {"auto_unattended", "auto_own_proof", "auto_attended"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t m = 0; m < 3; m++) {
            char policy[64], mode[64];
            assert_int_equal(setup_rich(state), 0);
            snprintf(policy, sizeof policy, "automation: %s", cases[i].policy);
            snprintf(mode, sizeof mode, "owner: tester\nmode: %s", modes[m]);
            support_replace(FIRM, "automation: allowed", policy);
            support_replace(FLEET, "owner: tester", mode);
            bool good = support_load(NULL) == 0;
            if (good != (strchr(cases[i].admitted, "upa"[m]) != NULL))
                fail_msg("%s in mode %s: %d", cases[i].policy, modes[m], good);
            assert_int_equal(support_teardown(state), 0);
        }
}

static void test_hosts(void **state)
{
    (void)state;
    support_replace(FIRM, "automation: allowed", "automation: allowed, hosts_refused: [vps, remote]");
    expect_good();
    support_replace(FLEET, "owner: tester", "owner: tester\nhost: vps");
    support_replace(BETA, "paper:", "observe_only: true\npaper:");
    expect_messages(
        "vps",
        "c/accounts/alpha.yaml:3:12: programme: acme/2-step refuses orders from a host of kind vps, which fleet.yaml "
        "names; run it elsewhere, or write observe_only: true");
    assert_int_equal(support_config.host, RULES_HOST_VPS);
}

static void test_two_accounts(void **state)
{
    (void)state;
    /* alpha 100,000 and beta 50,000, both in the challenge, with one personality. */
    support_replace(BETA, "phase: funded", "phase: challenge");
    support_replace(FIRM, "copy: own, ", "copy: own, capital_cap: 150000, accounts_max: 2, identical_cap: 150000, ");
    expect_good();
    support_replace(FIRM, "capital_cap: 150000", "capital_cap: 149999.99");
    expect_messages(
        "cap",
        "c/accounts/beta.yaml:1:1: balance: accounts of acme (evaluation) come to 150000 with this one, and the firm's "
        "cap is 149999.99; remove one");
    support_replace(FIRM, "capital_cap: 149999.99, accounts_max: 2", "accounts_max: 1");
    expect_messages("accounts_max", "c/accounts/beta.yaml:3:12: programme: 2 accounts of acme (evaluation) with this "
                                    "one, and the firm allows 1; remove one");
    support_replace(FIRM, "accounts_max: 1, identical_cap: 150000", "identical_cap: 149999");
    expect_messages("identical_cap", "c/accounts/beta.yaml:5:14: personality: accounts of acme with the same trades "
                                     "come to 150000, and its cap for those is "
                                     "149999; give this one another personality");
    /* The other stage is another pot. */
    support_replace(FIRM, "identical_cap: 149999", "capital_cap: 100000, accounts_max: 1");
    support_replace(BETA, "phase: challenge", "phase: funded");
    expect_good();
}

static void test_copy_policies(void **state)
{
    static const struct {
        const char *copy, *beta; /* alpha is in the challenge */
        bool good;
    } cases[] = {{"own", "challenge", true},
                 {"independent", "challenge", false},
                 {"independent", "funded", false},
                 {"exclusive_symbol", "funded", false},
                 {"own_challenge_only", "challenge", true},
                 {"own_challenge_only", "funded", false},
                 {"own_not_eval_to_eval", "challenge", false},
                 {"own_not_eval_to_eval", "funded", true},
                 {"spaced, spacing: 5m", "challenge", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char copy[64], phase[64];
        assert_int_equal(setup_rich(state), 0);
        snprintf(copy, sizeof copy, "copy: %s", cases[i].copy);
        snprintf(phase, sizeof phase, "phase: %s", cases[i].beta);
        support_replace(FIRM, "copy: own", copy);
        support_replace(BETA, "phase: funded", phase);
        if ((support_load(NULL) == 0) != cases[i].good)
            fail_msg("%s, %s: %s", cases[i].copy, cases[i].beta, support_report.errors[0].text);
        assert_int_equal(support_teardown(state), 0);
    }
}

static void test_strategy_exclusive(void **state)
{
    char other[sizeof rich];
    (void)state;
    memcpy(other, rich, sizeof rich);
    memcpy(strstr(other, "firm: acme"), "firm: zeta", 10);
    support_write("c/firms/zeta.yaml", other);
    support_replace(BETA, "acme/2-step", "zeta/2-step");
    expect_good();
    support_replace("c/firms/zeta.yaml", "copy: own", "copy: own, strategy_exclusive: true");
    expect_messages(
        "exclusive",
        "c/accounts/beta.yaml:5:14: personality: plain is used by account alpha too, and zeta wants a strategy at no "
        "other firm; give this one another personality");
}

/* What is not known, or not traded yet, leaves an account only watching. */
static void test_observe_only(void **state)
{
    (void)state;
    support_replace(FIRM, "  swing:\n    stage: funded\n",
                    "  swing:\n    stage: funded\n    initial: 0\n    drop: [overall]\n");
    support_replace(FIRM, "    inherits: funded\n", "");
    support_replace(FIRM, "closed_for: 24h, src", "closed_for: 24h, symbols: [EURUSD, ES, NQ], src");
    expect_good();                                                        /* nobody is in that phase */
    assert_int_equal(acme("swing", "")->rules.windows[1].instruments, 1); /* of EURUSD and USDJPY */
    support_replace(ALPHA, "phase: challenge", "phase: swing");
    support_expect_errors(NULL,
                          "c/accounts/alpha.yaml:3:12: programme: the file of acme/2-step has no total floor in phase "
                          "swing; ask the firm and add "
                          "it, or write observe_only: true",
                          "c/accounts/alpha.yaml:3:12: phase: acme/2-step, phase swing begins with a balance of its "
                          "own, which is not traded "
                          "yet; write observe_only: true",
                          "c/accounts/alpha.yaml:3:12: programme: the rules of acme/2-step name ES (line 44), which "
                          "instruments.yaml does not "
                          "know; add it there, or write observe_only: true",
                          NULL);
    support_replace(ALPHA, "paper:", "observe_only: true\npaper:");
    expect_good();
    assert_true(acme("swing", "")->has_initial && acme("swing", "")->initial == 0);
}

static void test_age(void **state)
{
    (void)state;
    struct loader_options last = {.today_ns = INT64_C(86400000000000) * tz_days_from_civil(2027, 2, 20)};
    support_expect_warnings(&last, NULL); /* 90 days */
    assert_false(acme("challenge", "")->expired);
    uint64_t digest = support_config.accounts[0].digest;
    last.today_ns += INT64_C(86400000000000);
    support_expect_warnings(
        &last,
        "c/firms/acme.yaml:1:1: verified: 2026-11-22, 91 days ago, more than 90; compare the rules with the firm's "
        "text again",
        NULL);
    assert_true(acme("challenge", "")->expired);
    assert_true(support_config.accounts[0].digest == digest); /* no reload restarts an account for this */
}

static void test_age_by_environment(void **state)
{
    struct loader_options options = {.config_dir = "c"};
    (void)state;
    setenv("PROPFLEET_TODAY", "2027-03-01", 1);
    assert_int_equal(loader_load(&options, &support_config, &support_report), 0);
    assert_int_equal(support_report.warning_count, 1);
    setenv("PROPFLEET_TODAY", "2026-11-23", 1);
    assert_int_equal(loader_load(&options, &support_config, &support_report), 0);
    assert_int_equal(support_report.warning_count, 0);
    setenv("PROPFLEET_TODAY", "tomorrow", 1);
    assert_int_equal(loader_load(&options, &support_config, &support_report), -EINVAL);
    assert_string_equal(support_report.errors[0].text,
                        "PROPFLEET_TODAY:1:1: date: \"tomorrow\" is not a date; write one such as 2026-11-22");
    unsetenv("PROPFLEET_TODAY");
}

/* --- instruments of a rule
 * ----------------------------------------------------------------------------------------------- */

static void test_instruments_of_a_rule(void **state)
{
    (void)state;
    support_replace(FIRM, "  direction:",
                    "  exposure_caps:\n"
                    "    - {id: all, counts: lots_open, limit: {abs: 5}, src: [A]}\n"
                    "    - {id: fx, counts: lots_per_order, limit: {abs: 50}, classes: [fx], src: [A]}\n"
                    "    - {id: one, counts: lots_open, limit: {tiers: [{from: 0, value: 2}, {from: 10, value: 3}]}, "
                    "symbols: [USDJPY], src: [A]}\n"
                    "    - {id: weighed, counts: lots_per_side, limit: {abs: 5}, weights: [{symbols: [EURUSD], weight: "
                    "0.1}], src: [A]}\n"
                    "  direction:");
    expect_good();
    const struct rules_set *set = &acme("challenge", "")->rules;
    assert_int_equal(set->exposure_count, 4);
    assert_int_equal(set->exposures[0].instruments, 3); /* EURUSD, USDJPY */
    assert_int_equal(set->exposures[1].instruments, 3);
    assert_int_equal(set->exposures[2].instruments, 2);
    assert_int_equal(set->exposures[3].instruments, 1);
    assert_true(set->exposures[0].weight[0] == DEC_ONE && set->exposures[0].weight[1] == DEC_ONE &&
                set->exposures[0].weight[2] == 0);
    assert_true(set->exposures[3].weight[0] == DEC_ONE / 10 && set->exposures[3].weight[1] == 0);
    assert_true(set->exposures[2].limit.kind == RULES_TIERED && set->exposures[2].limit.tier_count == 2);
    assert_true(acme("challenge", "")->lots_per_order_max == MONEY(50));
}

/* --- what ships
 * ------------------------------------------------------------------------------------------------------------ */

/* As the tables of docs/rules.md have it: id kind anchor-allowance [cap] [pause] operator. I: of the initial balance,
 * A: of the anchor. Then the days. */
static const struct {
    const char *programme, *phase, *floors, *days;
} pins[] = {
    {"ftmo/2-step", "challenge",
     "daily D snap_balance-5%I lt; overall T initial-10%I lt; overall-disputed T run_eod_balance-10%I lt",
     "00:00 Europe/Prague"},
    {"ftmo/2-step", "verification",
     "daily D snap_balance-5%I lt; overall T initial-10%I lt; overall-disputed T run_eod_balance-10%I lt",
     "00:00 Europe/Prague"},
    {"ftmo/2-step", "funded-standard",
     "daily D snap_balance-5%I lt; overall T initial-10%I lt; overall-disputed T run_eod_balance-10%I lt",
     "00:00 Europe/Prague"},
    {"ftmo/2-step", "funded-swing",
     "daily D snap_balance-5%I lt; overall T initial-10%I lt; overall-disputed T run_eod_balance-10%I lt",
     "00:00 Europe/Prague"},
    {"ftmo/1-step", "challenge", "daily D snap_balance-3%I lt; overall T run_eod_balance-10%I lt",
     "00:00 Europe/Prague"},
    {"fundednext/stellar-2-step", "phase-1", "daily D snap_balance-5%I lt; overall T initial-10%I lt",
     "17:00 America/New_York, 00:00 Europe/Helsinki"},
    {"fundednext/stellar-2-step", "phase-2", "daily D snap_balance-5%I lt; overall T initial-10%I lt",
     "17:00 America/New_York, 00:00 Europe/Helsinki"},
    {"fundednext/stellar-2-step", "funded", "daily D snap_balance-5%I lt; overall T initial-10%I lt",
     "17:00 America/New_York, 00:00 Europe/Helsinki"},
    {"fundednext/stellar-1-step", "phase-1", "daily D snap_balance-3%I lt; overall T initial-6%I lt",
     "17:00 America/New_York, 00:00 Europe/Helsinki"},
    {"fundednext/stellar-1-step", "funded", "daily D snap_balance-3%I lt; overall T initial-6%I lt",
     "17:00 America/New_York, 00:00 Europe/Helsinki"},
    {"the5ers/high-stakes", "phase-1", "daily D snap_max-5%A le; overall T initial-10%I le",
     "17:00 America/New_York, 17:00 Etc/GMT+5"},
    {"the5ers/high-stakes", "phase-2", "daily D snap_max-5%A le; overall T initial-10%I le",
     "17:00 America/New_York, 17:00 Etc/GMT+5"},
    {"the5ers/high-stakes", "funded", "daily D snap_max-5%A le; overall T initial-10%I le",
     "17:00 America/New_York, 17:00 Etc/GMT+5"},
    {"fundingpips/2-step", "phase-1", "daily D snap_max-5%A le; overall T initial-10%I le",
     "00:00 Etc/GMT-3, 00:00 Europe/Prague"},
    {"fundingpips/2-step", "phase-1-10", "daily D snap_max-5%A le; overall T initial-10%I le",
     "00:00 Etc/GMT-3, 00:00 Europe/Prague"},
    {"fundingpips/2-step", "phase-2", "daily D snap_max-5%A le; overall T initial-10%I le",
     "00:00 Etc/GMT-3, 00:00 Europe/Prague"},
    {"fundingpips/2-step", "funded", "daily D snap_max-5%A le; overall T initial-10%I le",
     "00:00 Etc/GMT-3, 00:00 Europe/Prague"},
    {"fundingpips/zero", "funded", "daily D snap_max-3%A le; overall T run_equity-5%I cap 0 le",
     "00:00 Etc/GMT-3, 00:00 Europe/Prague"},
    {"e8/one", "challenge", "daily D snap_balance-3%I le; overall T run_closed-6%I cap 0 lt",
     "17:00 America/New_York, 00:00 UTC, 00:00 Europe/Prague"},
    {"e8/one", "funded", "daily D snap_balance-3%I le; overall T run_closed-6%I cap 0 lt",
     "17:00 America/New_York, 00:00 UTC, 00:00 Europe/Prague"},
    {"e8/signature", "challenge", "pause D snap_balance-2%I pause le",
     "17:00 America/New_York, 00:00 UTC, 00:00 Europe/Prague"},
    {"alpha/pro", "challenge", "daily D snap_balance-5%A le; overall T initial-10%I le",
     "00:00 Etc/GMT-2, 00:00 Etc/GMT-3"},
    {"alpha/pro", "qualified", "daily D snap_balance-5%A le; overall T initial-10%I le",
     "00:00 Etc/GMT-2, 00:00 Etc/GMT-3"},
    {"alpha/one", "challenge", "daily D snap_max-4%A le; overall T run_closed-6%I cap 0 lt",
     "00:00 Etc/GMT-2, 00:00 Etc/GMT-3"},
    {"alpha/one", "qualified", "daily D snap_max-4%A le; overall T run_closed-6%I cap 0 lt",
     "00:00 Etc/GMT-2, 00:00 Etc/GMT-3"},
    {"goat/2-step", "phase-1", "daily D snap_max-5%I le; daily-disputed D snap_max-5%A le; overall T initial-10%I le",
     "17:00 America/New_York, 17:00 Etc/GMT+5"},
    {"goat/2-step", "phase-2", "daily D snap_max-5%I le; daily-disputed D snap_max-5%A le; overall T initial-10%I le",
     "17:00 America/New_York, 17:00 Etc/GMT+5"},
    {"goat/2-step", "funded", "daily D snap_max-5%I le; daily-disputed D snap_max-5%A le; overall T initial-10%I le",
     "17:00 America/New_York, 17:00 Etc/GMT+5"},
    {"blueberry/2-step", "phase-1",
     "daily D snap_max-5%I le; daily-disputed D snap_max-5%A le; overall T initial-10%I le",
     "17:00 America/New_York, 17:00 Etc/GMT+5"},
    {"blueberry/2-step", "phase-2",
     "daily D snap_max-5%I le; daily-disputed D snap_max-5%A le; overall T initial-10%I le",
     "17:00 America/New_York, 17:00 Etc/GMT+5"},
    {"blueberry/2-step", "funded",
     "daily D snap_max-5%I le; daily-disputed D snap_max-5%A le; overall T initial-10%I le",
     "17:00 America/New_York, 17:00 Etc/GMT+5"},
    {"topstep/combine-50k", "combine", "mll T run_eod_balance-2000 cap 0 lt", "17:00 America/Chicago"},
    {"topstep/combine-50k", "xfa", "mll T run_eod_balance-2000 cap 0 lt", "17:00 America/Chicago"},
    {"apex/4-50k", "eod-eval", "threshold T run_eod_balance-2000 le; dll D snap_balance-1000 pause le",
     "18:00 America/New_York"},
    {"apex/4-50k", "intraday-eval", "threshold T run_equity-2000 le", "18:00 America/New_York"},
    {"apex/4-50k", "eod-pa",
     "threshold T run_eod_balance-2000 cap 100 le; dll D snap_balance-1000(0:1000,1500:1000,3000:2000,6000:3000) pause "
     "le",
     "18:00 America/New_York"},
    {"apex/4-50k", "intraday-pa",
     "threshold T run_equity-2000 cap 100 le; dll D snap_balance-1000(0:1000,1500:1000,3000:2000,6000:3000) pause le",
     "18:00 America/New_York"},
    {"apex/legacy-50k", "pa", "threshold T run_equity-2500 cap 100 le", "18:00 America/New_York"},
    {"myfundedfutures/core", "eval", "trail T run_eod_balance-3%I le", "17:00 America/Chicago, 17:00 America/New_York"},
    {"myfundedfutures/rapid", "eval", "trail T run_equity-4%I le", "17:00 America/Chicago, 17:00 America/New_York"},
    {"take-profit-trader/50k", "test",
     "trail T run_eod_balance-2000 cap 0 le; trail-disputed T run_eod_balance-2000 cap 0 le at_boundary",
     "17:00 America/New_York"},
    {"take-profit-trader/50k", "pro", "trail T run_equity-2000 cap 0 le", "17:00 America/New_York"},
    {"earn2trade/100k", "eval", "trail T run_eod_balance-3500 cap 0 le", "17:00 America/Chicago"},
    {"earn2trade/25k", "eval", "daily D snap_balance-550 le", "17:00 America/Chicago"},
    {"tradeify/growth-50k", "growth",
     "trail T run_eod_balance-2000 cap 0 le; dll D snap_balance-1250(0:1250,3000:2000) pause le",
     "17:00 America/New_York, 18:00 America/New_York"},
};
#define PIN_COUNT (sizeof pins / sizeof pins[0])

static size_t write_amount(char *out, size_t size, const struct rules_amount *a)
{
    char value[DEC_STR_MAX], from[DEC_STR_MAX];
    bool share = a->kind == RULES_FRAC_INITIAL || a->kind == RULES_FRAC_ANCHOR;
    dec_format(share ? a->value * 100 : a->value, 0, value);
    size_t n = (size_t)snprintf(out, size, "%s%s", value, a->kind == RULES_FRAC_INITIAL ? "%I" : share ? "%A" : "");
    for (uint32_t i = 0; i < a->tier_count; i++) {
        dec_format(a->tiers[i].from, 0, from);
        dec_format(a->tiers[i].value, 0, value);
        n += (size_t)snprintf(out + n, size - n, "%s%s:%s%s", i == 0 ? "(" : ",", from, value,
                              i + 1 == a->tier_count ? ")" : "");
    }
    return n;
}

static void write_floors(const struct rules_set *set, char *out, size_t size)
{
    size_t n = 0;
    for (uint32_t i = 0; i < set->floor_count; i++) {
        const struct rules_floor *f = &set->floors[i];
        char cap[DEC_STR_MAX];
        n += (size_t)snprintf(out + n, size - n, "%s%s %c %s-", i > 0 ? "; " : "", f->head.id,
                              f->kind == RULES_DAILY ? 'D' : 'T', rule_anchor_names[f->anchor]);
        n += write_amount(out + n, size - n, &f->allowance);
        dec_format(f->cap, 0, cap);
        n += (size_t)snprintf(out + n, size - n, "%s%s%s %s%s", f->has_cap ? " cap " : "", f->has_cap ? cap : "",
                              f->effect == RULES_EFFECT_PAUSE ? " pause" : "", f->breach == RULES_LE ? "le" : "lt",
                              f->check == RULES_AT_BOUNDARY ? " at_boundary" : "");
    }
}

static void write_days(const struct rules_set *set, char *out, size_t size)
{
    size_t n = 0;
    for (uint32_t i = 0; i < set->day_count; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%02d:%02d %s", i > 0 ? ", " : "", set->days[i].at_s / 3600,
                              set->days[i].at_s / 60 % 60, support_config.zones[set->days[i].zone].name);
}

static void load_shipped(void)
{
    if (support_load(&(struct loader_options){.config_dir = support_shipped, .runtime_dir = "/r"}) != 0)
        fail_msg("%s", support_report.errors[0].text);
}

static void test_shipped_numbers(void **state)
{
    uint32_t seen = 0;
    (void)state;
    load_shipped();
    for (uint32_t i = 0; i < support_config.programme_count; i++) {
        const struct config_programme *p = &support_config.programmes[i];
        char name[CONFIG_NAME_MAX * 2 + 2], floors[1024] = "", days[256] = "";
        size_t pin = 0;
        snprintf(name, sizeof name, "%s/%s", p->firm, p->name);
        while (pin < PIN_COUNT && (strcmp(pins[pin].programme, name) != 0 || strcmp(pins[pin].phase, p->phase) != 0))
            pin++;
        if (pin == PIN_COUNT)
            fail_msg("%s, phase %s: not in the table of this test", name, p->phase);
        write_floors(&p->rules, floors, sizeof floors);
        write_days(&p->rules, days, sizeof days);
        if (strcmp(floors, pins[pin].floors) != 0 || strcmp(days, pins[pin].days) != 0)
            fail_msg("%s, phase %s:\n%s | %s\nnot\n%s | %s", name, p->phase, floors, days, pins[pin].floors,
                     pins[pin].days);
        seen++;
    }
    assert_int_equal(seen, PIN_COUNT);
}

/* The rest of the tables: targets, days, best day, P2 to P6, automation. */
static void test_shipped_others(void **state)
{
    static const struct {
        const char *firm, *name, *phase;
        uint32_t automation;
        int target; /* per mille of the initial balance; above 1000: money; 0: none said */
        uint32_t min_days, counted;
        int best_day; /* percent; 0: none */
    } rows[] = {
        {"ftmo", "2-step", "challenge", RULES_AUTOMATION_ALLOWED, 100, 4, RULES_DAYS_OPENED, 0},
        {"ftmo", "2-step", "verification", RULES_AUTOMATION_ALLOWED, 50, 4, RULES_DAYS_OPENED, 0},
        {"ftmo", "2-step", "funded-standard", RULES_AUTOMATION_ALLOWED, 0, 0, 0, 0},
        {"ftmo", "1-step", "challenge", RULES_AUTOMATION_ALLOWED, 100, 0, RULES_DAYS_TRADED, 50},
        {"fundednext", "stellar-2-step", "phase-1", RULES_AUTOMATION_ALLOWED, 80, 5, RULES_DAYS_TRADED, 0},
        {"fundednext", "stellar-1-step", "phase-1", RULES_AUTOMATION_ALLOWED, 100, 2, RULES_DAYS_TRADED, 0},
        {"the5ers", "high-stakes", "phase-1", RULES_OWN, 80, 3, RULES_DAYS_PROFIT, 0},
        {"fundingpips", "2-step", "phase-1", RULES_OWN_WITH_PROOF, 80, 3, RULES_DAYS_TRADED, 0},
        {"fundingpips", "zero", "funded", RULES_OWN_WITH_PROOF, 0, 7, RULES_DAYS_TRADED, 15},
        {"e8", "one", "funded", RULES_OWN_SOURCE_SHARED, 0, 0, RULES_DAYS_TRADED, 40},
        {"alpha", "one", "challenge", RULES_MANUAL_ONLY, 100, 1, RULES_DAYS_TRADED, 0},
        {"goat", "2-step", "phase-1", RULES_AUTOMATION_ALLOWED, 100, 3, RULES_DAYS_PROFIT, 0},
        {"blueberry", "2-step", "phase-2", RULES_MANUAL_ONLY, 50, 3, RULES_DAYS_PROFIT, 0},
        {"topstep", "combine-50k", "combine", RULES_OWN_ATTENDED, 3000, 0, RULES_DAYS_TRADED, 50},
        {"apex", "4-50k", "eod-eval", RULES_MANUAL_ONLY, 3000, 0, RULES_DAYS_TRADED, 0},
        {"apex", "4-50k", "intraday-pa", RULES_MANUAL_ONLY, 0, 5, RULES_DAYS_TRADED, 50},
        {"myfundedfutures", "core", "eval", RULES_MANUAL_ONLY, 60, 2, RULES_DAYS_TRADED, 50},
        {"take-profit-trader", "50k", "test", RULES_MANUAL_ONLY, 60, 5, RULES_DAYS_TRADED, 50},
        {"tradeify", "growth-50k", "growth", RULES_OWN_WITH_PROOF, 3000, 0, RULES_DAYS_TRADED, 35},
    };
    (void)state;
    load_shipped();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct rules_set *set = &find(rows[i].firm, rows[i].name, rows[i].phase, "")->rules;
        dec_t target = rows[i].target > 1000 ? MONEY(rows[i].target) : (dec_t)rows[i].target * (DEC_ONE / 1000);
        if (set->conduct.automation != rows[i].automation || set->shape.target.value != target ||
            set->shape.min_days != rows[i].min_days || set->shape.days_counted != rows[i].counted ||
            set->shape.has_best_day != (rows[i].best_day > 0) || set->shape.best_day_max != rows[i].best_day * PERCENT)
            fail_msg("%s/%s, phase %s", rows[i].firm, rows[i].name, rows[i].phase);
    }
    const struct rules_loss *idea = &find("blueberry", "2-step", "funded", "")->rules.losses[0];
    assert_true(idea->group == RULES_GROUP_IDEA && idea->over == RULES_GE && idea->window_s == 600 &&
                idea->limit.value == DEC_ONE * 15 / 1000);
    const struct rules_loss *mae = &find("apex", "legacy-50k", "pa", "")->rules.losses[0];
    assert_true(mae->limit.kind == RULES_FRAC_SOD_PROFIT && mae->limit.value == 30 * PERCENT &&
                mae->limit.floor_of == MONEY(2500));
    const struct rules_loss *zero = &find("fundingpips", "zero", "funded", "")->rules.losses[0];
    assert_true(zero->group == RULES_GROUP_ACCOUNT && zero->floating_only && zero->limit.value == PERCENT);
    const struct rules_window *news = &find("ftmo", "2-step", "funded-standard", "")->rules.windows[1];
    assert_true(news->kind == RULES_NEWS && news->before_s == 120 && news->after_s == 120 &&
                news->forbids == (RULES_OPEN | RULES_INCREASE | RULES_CLOSE | RULES_FILL));
    const struct rules_exposure *tiers = &find("topstep", "combine-50k", "xfa", "")->rules.exposures[0];
    assert_true(tiers->limit.tier_count == 3 && tiers->limit.tiers[1].from == DEC_ONE * 150001 / 100 &&
                tiers->limit.tiers[2].value == MONEY(5));
    const struct rules_exposure *micro = &find("apex", "4-50k", "eod-pa", "")->rules.exposures[0];
    for (uint32_t i = 0; i < support_config.instrument_count; i++)
        if (strcmp(support_config.instruments[i].symbol, "MES") == 0)
            assert_true(micro->weight[i] == DEC_ONE / 10 && micro->instruments >> i & 1);
    const struct rules_conduct *topstep = &find("topstep", "combine-50k", "combine", "")->rules.conduct;
    assert_int_equal(topstep->hosts_refused, 1u << RULES_HOST_VPS | 1u << RULES_HOST_VPN | 1u << RULES_HOST_REMOTE);
    assert_true(topstep->automated_flag);
    assert_true(find("topstep", "combine-50k", "xfa", "")->rules.floors[0].payout == RULES_PAYOUT_FLOOR_TO_ZERO);
    assert_true(find("tradeify", "growth-50k", "growth", "")->rules.cross.strategy_exclusive);
}

/* Twelve programmes of eight firms at least; each rule with a source, or owning up that it has none. */
static void test_shipped_files(void **state)
{
    uint32_t programmes = 0, firms = 0;
    (void)state;
    load_shipped();
    for (uint32_t i = 0; i < support_config.programme_count; i++) {
        const struct config_programme *p = &support_config.programmes[i];
        bool new_programme = true, new_firm = true;
        for (uint32_t j = 0; j < i; j++) {
            bool same_firm = strcmp(support_config.programmes[j].firm, p->firm) == 0;
            new_firm &= !same_firm;
            new_programme &= !(same_firm && strcmp(support_config.programmes[j].name, p->name) == 0);
        }
        programmes += new_programme;
        firms += new_firm;
        for (uint32_t f = 0; f < p->rules.floor_count; f++)
            assert_true(p->rules.floors[f].head.sources != 0);
        assert_true(p->rules.source_count > 0 && p->unknown[0] != 0);
        assert_true(p->rules.conduct.head.sources != 0 || p->rules.conduct.head.confidence == RULES_UNVERIFIED);
    }
    assert_in_range(programmes, 12, DRAFT_FILES_MAX);
    assert_in_range(firms, 8, DRAFT_FILES_MAX);
}

static void copy_file(const char *from, const char *to)
{
    static char text[65536];
    FILE *file = fopen(from, "r");
    if (file == NULL)
        fail_msg("%s: %s", from, strerror(errno));
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    support_write_bytes(to, text, size);
}

/* The *.yaml of a folder, copied into another. */
static void copy_folder(const char *from, const char *to)
{
    DIR *dir = opendir(from);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char source[512], target[512];
        if (strstr(entry->d_name, ".yaml") == NULL)
            continue;
        snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
        copy_file(source, target);
    }
    closedir(dir);
}

/* The shipped configuration in "c", so that it can be changed. */
static void copy_shipped(void)
{
    static const char *const folders[] = {"firms", "personalities", "accounts"};
    char from[512], to[64];
    unlink(FIRM);
    unlink(ALPHA);
    unlink(BETA);
    unlink("c/personalities/plain.yaml");
    snprintf(from, sizeof from, "%s/fleet.yaml", support_shipped);
    copy_file(from, FLEET);
    snprintf(from, sizeof from, "%s/instruments.yaml", support_shipped);
    copy_file(from, "c/instruments.yaml");
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(from, sizeof from, "%s/%s", support_shipped, folders[i]);
        snprintf(to, sizeof to, "c/%s", folders[i]);
        copy_folder(from, to);
    }
}

/* The accounts of docs/example fit into the shipped fleet; trading, they would not. */
static void test_example_accounts(void **state)
{
    char from[512];
    (void)state;
    copy_shipped();
    snprintf(from, sizeof from, "%s/../docs/example/accounts", support_shipped);
    copy_folder(from, "c/accounts");
    support_expect_warnings(&(struct loader_options){.runtime_dir = "/r"}, NULL);
    assert_int_equal(support_config.account_count, 12);
    assert_int_equal(find("topstep", "combine-50k", "combine", "dll")->rules.floor_count, 2);
    support_replace("c/accounts/kestrel.yaml", "observe_only: true\n", "");
    support_replace("c/accounts/lapwing.yaml", "observe_only: true\n", "");
    assert_int_equal(support_load(&(struct loader_options){.runtime_dir = "/r"}), -EINVAL);
    assert_non_null(strstr(support_report.errors[0].text,
                           "accounts/kestrel.yaml:5:12: programme: apex/4-50k does not allow programs"));
}

/* --- damage
 * ---------------------------------------------------------------------------------------------------------------- */

static uint64_t draw(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *random >> 33;
}

/* Bytes changed, lines dropped, doubled and swapped, tokens of another line put in. */
static size_t damage(char *out, const char *text, size_t size, uint64_t *random)
{
    const char *lines[512];
    size_t lengths[512], count = 0, n = 0;
    for (const char *at = text; at < text + size && count < 512; count++) {
        const char *end = memchr(at, '\n', (size_t)(text + size - at));
        lines[count] = at;
        lengths[count] = (size_t)((end != NULL ? end + 1 : text + size) - at);
        at += lengths[count];
    }
    for (uint64_t changes = 1 + draw(random) % 3; changes > 0; changes--) {
        size_t a = draw(random) % count, b = draw(random) % count;
        const char *line = lines[a];
        size_t length = lengths[a];
        switch (draw(random) % 4) {
        case 0:
            lengths[a] = 0; /* dropped */
            break;
        case 1:
            lines[b] = line; /* doubled */
            lengths[b] = length;
            break;
        case 2:
            lines[a] = lines[b], lengths[a] = lengths[b]; /* swapped */
            lines[b] = line, lengths[b] = length;
            break;
        default:
            break; /* bytes alone */
        }
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(out + n, lines[i], lengths[i]);
        n += lengths[i];
    }
    for (uint64_t changes = draw(random) % 4; n > 0 && changes > 0; changes--) {
        size_t at = draw(random) % n;
        out[at] = draw(random) % 3 == 0 ? (char)draw(random) : " :{}[],-0123456789%.ax\n"[draw(random) % 24];
    }
    return n;
}

/* FILE:LINE:COLUMN: key: ... */
static void expect_place(const char *message, unsigned round)
{
    unsigned line, column;
    const char *colon = strstr(message, ".yaml:");
    if (colon == NULL || sscanf(colon, ".yaml:%u:%u: ", &line, &column) != 2 || line == 0 || column == 0)
        fail_msg("round %u: %s", round, message);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* From a seed: either it loads, and every reader takes it, or it is refused with places. Never a crash. */
static void test_damaged(void **state)
{
    static char text[32768], damaged[65536];
    const char *quick = getenv("PROPFLEET_QUICK");
    unsigned rounds = quick != NULL ? 100 : 2000, loaded = 0;
    uint64_t random = 20261125;
    char names[DRAFT_FILES_MAX][256], folder[256];
    size_t count = 0;
    (void)state;
    /* One at a time beside the small fleet: what is damaged is read, checked, compiled, and checked by config_check. */
    snprintf(folder, sizeof folder, "%.200s/instruments.yaml", support_shipped);
    copy_file(folder, "c/instruments.yaml");
    snprintf(folder, sizeof folder, "%.200s/firms", support_shipped);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL && count < DRAFT_FILES_MAX;)
        if (strstr(entry->d_name, ".yaml") != NULL)
            snprintf(names[count++], sizeof names[0], "%.180s/%.60s", folder, entry->d_name);
    closedir(dir);
    qsort(names, count, sizeof names[0], compare_names);
    for (unsigned round = 0; round < rounds; round++) {
        FILE *file = fopen(names[round % count], "r");
        assert_non_null(file);
        size_t size = fread(text, 1, sizeof text, file);
        fclose(file);
        size_t n = damage(damaged, text, size, &random);
        support_write_bytes("c/firms/damaged.yaml", damaged, n);
        int rc = support_load(NULL);
        assert_int_equal(rc == 0, support_report.error_count == 0);
        loaded += rc == 0;
        for (unsigned i = 0; i < support_report.error_count && i < LOADER_ERRORS_MAX; i++)
            expect_place(support_report.errors[i].text, round);
    }
    print_message("%u of %u damaged files load\n", loaded, rounds);
    assert_in_range(loaded, 1, rounds - 1);
}

#define RICH(name) cmocka_unit_test_setup_teardown(name, setup_rich, support_teardown)
#define PLAIN(name) cmocka_unit_test_setup_teardown(name, support_setup, support_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_importance_of_news),
        RICH(test_all_at_once),
        RICH(test_phases),
        RICH(test_heads),
        RICH(test_disputed),
        RICH(test_alt_days),
        RICH(test_options),
        RICH(test_account_phase),
        RICH(test_no_cascade),
        RICH(test_manual_only),
        cmocka_unit_test(test_modes),
        RICH(test_hosts),
        RICH(test_two_accounts),
        cmocka_unit_test(test_copy_policies),
        RICH(test_strategy_exclusive),
        RICH(test_observe_only),
        RICH(test_age),
        RICH(test_age_by_environment),
        RICH(test_instruments_of_a_rule),
        cmocka_unit_test(test_shipped_numbers),
        cmocka_unit_test(test_shipped_others),
        cmocka_unit_test(test_shipped_files),
        PLAIN(test_example_accounts),
        PLAIN(test_damaged),
    };
    support_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
