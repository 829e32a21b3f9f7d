/* Every way in which a configuration can be wrong, each with its exact place and message. */
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

#include "config/report.h"
#include "test_config_support.h"
#include "workers/coordinator/ledger.h"
#include "workers/feed/archive.h"

#define FLEET "c/fleet.yaml"
#define INSTRUMENTS "c/instruments.yaml"
#define FIRM "c/firms/acme.yaml"
#define PERSONALITY "c/personalities/plain.yaml"
#define ALPHA "c/accounts/alpha.yaml"

/* One change to a good configuration, and the one message that must follow. */
static const struct {
    const char *file, *old, *new, *message;
} cases[] = {
    /* keys */
    {FLEET, "speed: 60", "sped: 60", "c/fleet.yaml:6:3: feed.sped: unknown key; did you mean \"speed\"?"},
    {FLEET, "owner: tester", "owner: tester\nzebra_quagga: 1",
     "c/fleet.yaml:3:1: zebra_quagga: unknown key; known here: config_version, owner, host, mode, state_dir, "
     "runtime_dir, log, feed, coordination, store, swap, calendar, supervisor, alerts"},
    {FLEET, "speed: 60", "speed: 60\n  speed: 61",
     "c/fleet.yaml:7:3: feed.speed: written twice, first in line 6; keep one"},
    {FLEET, "owner: tester\n", "", "c/fleet.yaml:1:1: owner: missing; add it with a text"},
    {FLEET, "speed: 60", "speed : 60", "c/fleet.yaml:6:3: feed.speed: a trailing space in the key; write \"speed:\""},
    {FLEET, "speed: 60", "\"speed \": 60",
     "c/fleet.yaml:6:3: feed.speed: a trailing space in the key; write \"speed:\""},
    {FLEET, "owner: tester", "owner:", "c/fleet.yaml:2:7: owner: no value; write a text"},
    {FLEET, "owner: tester", "owner: \"\"", "c/fleet.yaml:2:8: owner: empty; write a text"},
    {FLEET, "owner: tester", "owner: [a, b]", "c/fleet.yaml:2:8: owner: more than one value; write a text"},
    {FLEET, "owner: tester", "owner: \"a\\0b\"", "c/fleet.yaml:2:8: owner: \"a?b\" has a zero byte; write a text"},
    {FLEET, "owner: tester", "owner: 12345678901234567890123456789012",
     "c/fleet.yaml:2:8: owner: \"12345678901234567890123456789012\" is too long; write a text"},
    {FLEET, "feed:\n", "? [a, b]\n: c\nfeed:\n",
     "c/fleet.yaml:5:3: ?: a key that is not a plain text; write \"key: value\""},
    {FLEET, "  speed: 60\n  ring_slots: 4096\n", "  60\n",
     "c/fleet.yaml:6:3: feed: \"60\" not keys with values; write keys of its own, indented below it"},
    {FLEET, "config_version: 1", "config_version: 2",
     "c/fleet.yaml:1:17: config_version: \"2\" is out of range; write a whole number, from 1 to 1"},
    {ALPHA, "config_version: 1\n", "",
     "c/accounts/alpha.yaml:1:1: config_version: missing; add it with a whole number, from 1 to 1"},

    /* values and units */
    {FLEET, "50ms", "50",
     "c/fleet.yaml:10:18: coordination.round_timeout: \"50\" has no unit; write a duration such as 50ms, "
     "2s, 10m, 4h or 1d, from 1ms to 10s"},
    {FLEET, "50ms", "50 ms",
     "c/fleet.yaml:10:18: coordination.round_timeout: \"50 ms\" has a blank before its unit; write a "
     "duration such as 50ms, 2s, 10m, 4h or 1d, from 1ms to 10s"},
    {FLEET, "50ms", "50kg",
     "c/fleet.yaml:10:18: coordination.round_timeout: \"50kg\" has a wrong unit; write a duration such as "
     "50ms, 2s, 10m, 4h or 1d, from 1ms to 10s"},
    {FLEET, "50ms", "11s",
     "c/fleet.yaml:10:18: coordination.round_timeout: \"11s\" is out of range; write a duration such as "
     "50ms, 2s, 10m, 4h or 1d, from 1ms to 10s"},
    {FLEET, "50ms", "99999999999d",
     "c/fleet.yaml:10:18: coordination.round_timeout: \"99999999999d\" is too large; write a "
     "duration such as 50ms, 2s, 10m, 4h or 1d, from 1ms to 10s"},
    {FLEET, "2%", "0.02",
     "c/fleet.yaml:9:15: coordination.joint_risk: \"0.02\" has no unit; write a percentage such as 0.25%, "
     "from 0.01% to 50%"},
    {FLEET, "2%", "51%",
     "c/fleet.yaml:9:15: coordination.joint_risk: \"51%\" is out of range; write a percentage such as 0.25%, "
     "from 0.01% to 50%"},
    {FLEET, "4096", "5000",
     "c/fleet.yaml:7:15: feed.ring_slots: \"5000\" is not a power of two; write a power of two, from 1024 "
     "to 4194304 records of 64 bytes"},
    {FLEET, "4096", "4096.5",
     "c/fleet.yaml:7:15: feed.ring_slots: \"4096.5\" is not a whole number; write a power of two, from "
     "1024 to 4194304 records of 64 bytes"},
    {FLEET, "speed: 60", "speed: fast",
     "c/fleet.yaml:6:10: feed.speed: \"fast\" is not a number; write max, or a number such as 1 or 60, from 0.001 to "
     "1000000"},
    {FLEET, "speed: 60", "speed: 60%",
     "c/fleet.yaml:6:10: feed.speed: \"60%\" has a wrong unit; write max, or a number such as 1 or 60, from 0.001 to "
     "1000000"},
    {FLEET, "speed: 60", "live: yes",
     "c/fleet.yaml:6:9: feed.live: \"yes\" is neither true nor false; write true or false"},
    {FLEET, "speed: 60", "source: yahoo",
     "c/fleet.yaml:6:11: feed.source: \"yahoo\" is not known here; write one of simulator, dataset"},
    {FLEET, "speed: 60", "day: {zone: Europe/Pargue}",
     "c/fleet.yaml:6:15: feed.day.zone: \"Europe/Pargue\" is not among this system's time zones; write a zone of the "
     "IANA database "
     "such as Europe/Prague"},
    {FLEET, "speed: 60", "day: {zone: ../etc}",
     "c/fleet.yaml:6:15: feed.day.zone: \"../etc\" cannot be used as a time zone; write a zone of the IANA database "
     "such as "
     "Europe/Prague"},
    {FLEET, "speed: 60", "day: {starts: \"24:00\"}",
     "c/fleet.yaml:6:17: feed.day.starts: \"24:00\" is not a time of day; write a time of day such as 17:00, from "
     "00:00 to 23:59:59"},
    {FLEET, "speed: 60", "from: 2024-02-30",
     "c/fleet.yaml:6:9: feed.from: \"2024-02-30\" is no day of the calendar; write a date or an instant, UTC, such as "
     "2024-05-13 or "
     "2024-05-13T10:30"},
    {FLEET, "speed: 60", "from: 2024-03-02\n  to: 2024-03-01",
     "c/fleet.yaml:1:1: feed.to: not after from; write a later date"},
    {FLEET, "feed:", "store: {map: 64MB}\nfeed:",
     "c/fleet.yaml:5:14: store.map: \"64MB\" has a wrong unit; write a size such as 64KiB, 16MiB or 1GiB, from 1MiB to "
     "1024GiB"},
    {ALPHA, "100000 USD", "100000",
     "c/accounts/alpha.yaml:5:10: balance: \"100000\" has no currency; write an amount and a "
     "currency such as 100000 USD, from 1 to 90000000"},
    {ALPHA, "100000 USD", "100000 dollars",
     "c/accounts/alpha.yaml:5:10: balance: \"100000 dollars\" is not an amount, one blank "
     "and a currency; write an amount and a currency such as 100000 USD, from 1 to 90000000"},
    {ALPHA, "name: alpha", "name: Alpha",
     "c/accounts/alpha.yaml:2:7: name: \"Alpha\" is not a name; write a name of small letters, "
     "digits and -, that begins with a letter"},
    {ALPHA, "{seed: 1}", "{seed: -1}",
     "c/accounts/alpha.yaml:6:15: paper.seed: \"-1\" is out of range; write a whole number, at "
     "least 0"},
    {ALPHA, "{seed: 1}", "{latency_in: 1s}",
     "c/accounts/alpha.yaml:1:1: paper.latency_p99: less than the median latency_in; write "
     "a longer one"},
    {INSTRUMENTS, "tick: 0.00001", "tick: 1e-5",
     "c/instruments.yaml:17:11: instruments.EURUSD.tick: \"1e-5\" is not a number; write a number such as 0.01, from "
     "0.00000001 to "
     "1000000"},
    {INSTRUMENTS, "[0.8, 0, 0]", "[0.8, 0]",
     "c/instruments.yaml:25:60: instruments.EURUSD.simulate.loadings: a list of a wrong length; write a list of "
     "numbers such as "
     "[0.5, 0, -0.25], from -1 to 1"},
    {INSTRUMENTS, "[0.8, 0, 0]", "[0.8, 0, 1.5]",
     "c/instruments.yaml:25:69: instruments.EURUSD.simulate.loadings: \"1.5\" is out of range; write a list of numbers "
     "such as "
     "[0.5, 0, -0.25], from -1 to 1"},
    {INSTRUMENTS, "[0.8, 0, 0]", "[0.8, 0.8, 0]",
     "c/instruments.yaml:15:3: instruments.EURUSD: squares of simulate.loadings sum to 1.280; at most 1 is left for "
     "the common factors"},
    {INSTRUMENTS,
     "  EURUSD:", "  USDJPY: {}\n  EURUSD:", "c/instruments.yaml:15:3: instruments.USDJPY: written twice; keep one"},
    {INSTRUMENTS, "max: 100}", "max: 0.001}",
     "c/instruments.yaml:3:3: instruments.USDJPY: lot.max is less than lot.min; write a "
     "greater one"},
    {INSTRUMENTS, "step: 0.01", "step: 0.02",
     "c/instruments.yaml:3:3: instruments.USDJPY: lot.min is no multiple of lot.step; make "
     "it one"},
    {PERSONALITY, "[EURUSD, USDJPY]", "EURUSD",
     "c/personalities/plain.yaml:3:14: instruments: \"EURUSD\" not a list; write a list of names such as [EURUSD, "
     "XAUUSD], from 1 "
     "to 16 symbols"},
    {PERSONALITY, "[EURUSD, USDJPY]", "[]",
     "c/personalities/plain.yaml:3:14: instruments: a list of a wrong length; write a list of names such as [EURUSD, "
     "XAUUSD], from "
     "1 to 16 symbols"},
    {PERSONALITY, "lookback: 20", "lookback: 4",
     "c/personalities/plain.yaml:7:13: breakout.lookback: \"4\" is out of range; write a "
     "whole number, from 5 to 200 bars"},
    {PERSONALITY, "H1", "H2",
     "c/personalities/plain.yaml:6:14: breakout.timeframe: \"H2\" is not known here; write one of M1, M5, "
     "M15, H1, H4, D1"},

    /* names that lead nowhere, things that do not fit together */
    {PERSONALITY, "USDJPY", "USDJPI",
     "c/personalities/plain.yaml:3:23: instruments: instruments.yaml does not know \"USDJPI\"; did you "
     "mean USDJPY"},
    {PERSONALITY, "USDJPY", "EURUSD", "c/personalities/plain.yaml:3:23: instruments: EURUSD twice; keep one"},
    {ALPHA, "acme/2-step", "acme/2-stop",
     "c/accounts/alpha.yaml:3:12: programme: no programme \"acme/2-stop\" in firms/; did you mean "
     "acme/2-step"},
    {ALPHA, "acme/2-step", "nobody",
     "c/accounts/alpha.yaml:3:12: programme: no programme \"nobody\" in firms/; there are acme/2-step"},
    {ALPHA, "plain", "plane",
     "c/accounts/alpha.yaml:4:14: personality: no personality \"plane\" in personalities/; did you mean plain"},
    {ALPHA, "100000 USD", "75000 USD",
     "c/accounts/alpha.yaml:1:1: balance: 75000 is not offered by acme/2-step; one of 50000, 100000"},
    {ALPHA, "name: alpha", "name: beta",
     "c/accounts/beta.yaml:1:1: name: account beta is also in c/accounts/alpha.yaml:1; give it "
     "another name"},
    {ALPHA, "name: alpha", "name: " ARCHIVE_FOLDER_NAME,
     "c/accounts/alpha.yaml:1:1: name: feed is taken in the state folder, where each account has a folder of its name; "
     "give it another name"},
    {ALPHA, "name: alpha", "name: " LEDGER_FOLDER_NAME,
     "c/accounts/alpha.yaml:1:1: name: coordinator is taken in the state folder, where each account has a folder of its "
     "name; give it another name"},
    {ALPHA, "name: alpha", "name: generations",
     "c/accounts/alpha.yaml:1:1: name: generations is taken in the state folder, where each account has a folder of its "
     "name; give it another name"},
    {FIRM, "verified: 2026-11-22", "verified: 22.11.2026",
     "c/firms/acme.yaml:4:11: verified: \"22.11.2026\" is not a date; write a "
     "date such as 2026-11-22"},
    {FLEET, "state_dir: state", "supervisor: {backoff_max: 10ms}",
     "c/fleet.yaml:1:1: supervisor.backoff_max: less than backoff_first; write a longer one"},
    {FLEET, "speed: 60", "source: dataset",
     "c/fleet.yaml:1:1: feed.data: source is dataset, but no data is named; write it, or give --data DIR"},
    {FLEET, "owner: tester", "owner: tester\nalerts: {command: /no/such/program}",
     "c/fleet.yaml:3:19: alerts.command: /no/such/program: No such file or directory; name a program that can be run"},
    {FLEET, "/run/propfleet-test", "/run/1234567890123456789012345678901234567890123456789012345678901234567890123456",
     "c/fleet.yaml:4:14: runtime_dir: 81 bytes, too long for sockets; at most 80"},

    /* the YAML itself */
    {FLEET, "speed: 60", "speed: *a", "c/fleet.yaml:6:10: yaml: an alias (*name); write the value out"},
    {FLEET, "speed: 60", "speed: &a 60",
     "c/fleet.yaml:6:10: yaml: an anchor (&name); write the value out where it is needed"},
    {FLEET, "feed:", "feed: &loop\n  day: *loop\nswap:",
     "c/fleet.yaml:5:7: yaml: an anchor (&name); write the value out where it is needed"},
    {FLEET, "speed: 60", "speed: !!int 60", "c/fleet.yaml:6:10: yaml: a tag (!name); write the bare value"},
    {FLEET, "  speed: 60", "\tspeed: 60", "c/fleet.yaml:6:1: yaml: a tab; use spaces"},
    {FLEET, "speed: 60", "speed:\t60", "c/fleet.yaml:6:9: yaml: a tab; use spaces"},
    {FLEET, "owner: tester", "owner: t\xe9ster",
     "c/fleet.yaml:2:9: yaml: byte 0xe9 is not UTF-8; save the file as UTF-8"},
    {FLEET, "owner: tester", "owner: t\xc0\xafster",
     "c/fleet.yaml:2:9: yaml: byte 0xc0 is not UTF-8; save the file as UTF-8"},
    {FLEET, "owner: tester", "owner: t\xed\xa0\x80ster",
     "c/fleet.yaml:2:9: yaml: byte 0xed is not UTF-8; save the file as UTF-8"},
    {FLEET, "owner: tester", "owner: t\x01ster",
     "c/fleet.yaml:2:9: yaml: character that starts with byte 0x01 is not allowed; remove it"},
    {FLEET, "owner: tester", "owner: t\xe2\x80\xa8ster",
     "c/fleet.yaml:2:9: yaml: character that starts with byte 0xe2 is not allowed; remove it"},
    {FLEET, "config_version",
     "\xef\xbb\xbf"
     "config_version",
     "c/fleet.yaml:1:1: yaml: character that starts with byte 0xef is not allowed; remove it"},
    {FLEET, "feed:", "---\nfeed:", "c/fleet.yaml:5:1: yaml: a second document (---); one file is one document"},
    {FLEET, "  ring_slots", "   ring_slots",
     "c/fleet.yaml:7:14: yaml: mapping values are not allowed in this context; write one \"key: value\" a line, "
     "indented with "
     "spaces"},
};

static void test_cases(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(support_setup(state), 0);
        support_replace(cases[i].file, cases[i].old, cases[i].new);
        support_expect_errors(NULL, cases[i].message, NULL);
        assert_int_equal(support_teardown(state), 0);
    }
}

static void test_good(void **state)
{
    (void)state;
    support_expect_errors(NULL, NULL);
    support_expect_warnings(NULL, NULL);
}

static void test_all_at_once(void **state)
{
    (void)state;
    support_replace(FLEET, "speed: 60", "sped: 60");
    support_replace(FLEET, "50ms", "50");
    support_replace(PERSONALITY, "lookback: 20", "lookback: 4");
    support_replace(ALPHA, "acme/2-step", "acme/3-step");
    support_replace("c/accounts/beta.yaml", "balance: 50000 USD\n", "");
    support_expect_errors(
        NULL, "c/fleet.yaml:6:3: feed.sped: unknown key; did you mean \"speed\"?",
        "c/fleet.yaml:10:18: coordination.round_timeout: \"50\" has no unit; write a duration such as 50ms, 2s, 10m, "
        "4h or 1d, "
        "from 1ms to 10s",
        "c/personalities/plain.yaml:7:13: breakout.lookback: \"4\" is out of range; write a whole number, from 5 to "
        "200 bars",
        "c/accounts/beta.yaml:1:1: balance: missing; add it with an amount and a currency such as 100000 USD, from 1 "
        "to 90000000",
        "c/accounts/alpha.yaml:3:12: programme: no programme \"acme/3-step\" in firms/; did you mean acme/2-step",
        NULL);
}

static void test_a_firm_that_forbids_bots(void **state)
{
    (void)state;
    support_replace(FIRM, "automation: allowed", "automation: manual_only");
    support_expect_errors(
        NULL,
        "c/accounts/alpha.yaml:3:12: programme: acme/2-step does not allow programs that trade; write observe_only: "
        "true, or choose another",
        "c/accounts/beta.yaml:3:12: programme: acme/2-step does not allow programs that trade; write observe_only: "
        "true, or choose another",
        NULL);
    support_replace(ALPHA, "paper:", "observe_only: true\npaper:");
    support_replace("c/accounts/beta.yaml", "paper:", "observe_only: true\npaper:");
    support_expect_errors(NULL, NULL);
}

static void test_currencies(void **state)
{
    (void)state;
    support_replace(ALPHA, "100000 USD", "100000 CHF");
    support_expect_errors(
        NULL,
        "c/accounts/alpha.yaml:1:1: balance: profit of EURUSD is in USD, the account in CHF, and EURUSD has no "
        "conversion; see its conversion in instruments.yaml",
        "c/accounts/alpha.yaml:1:1: balance: profit of USDJPY is in JPY, the account in CHF, and USDJPY is converted "
        "into another currency; see its conversion in instruments.yaml",
        NULL);
    support_replace(ALPHA, "100000 CHF", "100000 JPY");
    support_replace(INSTRUMENTS, "    simulate: {start_price: 1.1",
                    "    conversion: {instrument: USDJPY}\n    simulate: {start_price: 1.1");
    /* The conversion is the instrument's, for all accounts: beta, in dollars, does not want it. */
    support_expect_errors(
        NULL,
        "c/accounts/alpha.yaml:1:1: balance: profit of USDJPY is in JPY, the account in JPY, and USDJPY is converted "
        "all the same; see its conversion in instruments.yaml",
        "c/accounts/beta.yaml:1:1: balance: profit of EURUSD is in USD, the account in USD, and EURUSD is converted "
        "all the same; see its conversion in instruments.yaml",
        NULL);
}

static void test_tab_does_not_hide_the_rest(void **state)
{
    (void)state;
    support_replace(FLEET, "speed: 60", "speed:\t60\t# two tabs");
    support_replace(FLEET, "50ms", "50");
    support_expect_errors(
        NULL, "c/fleet.yaml:6:9: yaml: a tab; use spaces",
        "c/fleet.yaml:10:18: coordination.round_timeout: \"50\" has no unit; write a duration such as 50ms, 2s, 10m, "
        "4h or 1d, from 1ms to 10s",
        NULL);
}

/* Columns are characters, as an editor counts them, and blanks before a colon are found behind them. */
static void test_columns_are_characters(void **state)
{
    (void)state;
    support_replace(FLEET, "  speed: 60\n", "  day: {zone: \"\xc3\xa9\xe2\x82\xac\", starts : \"17:00\"}\n");
    support_expect_errors(
        NULL,
        "c/fleet.yaml:6:15: feed.day.zone: \"\xc3\xa9\xe2\x82\xac\" cannot be used as a time zone; write a "
        "zone of the IANA database such as Europe/Prague",
        "c/fleet.yaml:6:21: feed.day.starts: a trailing space in the key; write \"starts:\"", NULL);
}

static void test_carriage_returns(void **state)
{
    (void)state;
    support_write(ALPHA, "config_version: 1\r\nname: alpha\r\nprogramme: acme/2-step\r\npersonality: plain\r\n"
                         "balance: 100000 USD\r\n");
    support_expect_errors(NULL, NULL);
    support_write(ALPHA,
                  "config_version: 1\rname: alpha\rprogramme: acme/2-step\rpersonality: plain\rbalance: nothing\r");
    support_expect_errors(
        NULL,
        "c/accounts/alpha.yaml:5:10: balance: \"nothing\" is not a number; write an amount and a currency such as "
        "100000 USD, from 1 to 90000000",
        NULL);
}

static void test_bomb(void **state)
{
    char text[4096];
    int n = snprintf(text, sizeof text, "config_version: 1\nowner: tester\na: &a [x, x, x, x, x, x, x, x, x, x]\n");
    (void)state;
    for (char c = 'b'; c <= 'j'; c++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n",
                      c, c, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
    support_write(FLEET, text);
    support_expect_errors(NULL, "c/fleet.yaml:3:4: yaml: an anchor (&name); write the value out where it is needed",
                          NULL);
}

/* Sparse: the size is what counts, and is refused before a byte is read. */
static void test_huge_file(void **state)
{
    (void)state;
    assert_int_equal(truncate(FLEET, 100 << 20), 0);
    support_expect_errors(NULL, "c/fleet.yaml:1:1: file: 104857600 bytes; at most 1048576 are read, split it", NULL);
    assert_int_equal(truncate(FLEET, LOADER_FILE_BYTES_MAX), 0); /* zero bytes, but read */
    support_expect_errors(
        NULL, "c/fleet.yaml:11:1: yaml: character that starts with byte 0x00 is not allowed; remove it", NULL);
}

static void test_depth(void **state)
{
    char text[256] = "config_version: 1\nowner: ";
    size_t base = strlen(text);
    (void)state;
    memset(text + base, '[', LOADER_DEPTH_MAX);
    memset(text + base + LOADER_DEPTH_MAX, ']', LOADER_DEPTH_MAX);
    support_write(FLEET, text);
    support_expect_errors(NULL, "c/fleet.yaml:2:23: yaml: nested too deeply; no key here has so many levels", NULL);
    char *many = malloc(LOADER_FILE_BYTES_MAX);
    memset(many, '[', LOADER_FILE_BYTES_MAX);
    memcpy(many, "a: ", 3);
    support_write_bytes(FLEET, many, LOADER_FILE_BYTES_MAX);
    free(many);
    support_expect_errors(NULL, "c/fleet.yaml:1:19: yaml: nested too deeply; no key here has so many levels", NULL);
}

static void test_too_many_values(void **state)
{
    char *text = malloc(LOADER_FILE_BYTES_MAX);
    size_t n = (size_t)sprintf(text, "config_version: [");
    (void)state;
    /* The mapping, the key, the sequence: three nodes before the numbers. */
    for (int i = 0; i < LOADER_NODES_MAX - 2; i++)
        n += (size_t)sprintf(text + n, "%s1", i > 0 ? "," : "");
    sprintf(text + n, "]\n");
    support_write(FLEET, text);
    free(text);
    support_expect_errors(NULL, "c/fleet.yaml:1:40012: yaml: too many values; no file here needs so many", NULL);
}

static void test_empty(void **state)
{
    static const char *const empty[] = {"", "\n\n", "# nothing\n"};
    (void)state;
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        support_write(FLEET, empty[i]);
        support_expect_errors(NULL, "c/fleet.yaml:1:1: yaml: an empty file; begin with \"config_version: 1\"", NULL);
    }
    support_write(FLEET, "---\n");
    support_expect_errors(
        NULL, "c/fleet.yaml:2:1: yaml: the file has no keys at its top; begin with \"config_version: 1\"", NULL);
    support_write(FLEET, "- a\n- b\n");
    support_expect_errors(
        NULL, "c/fleet.yaml:1:1: yaml: the file has no keys at its top; begin with \"config_version: 1\"", NULL);
}

static void test_missing_files(void **state)
{
    (void)state;
    unlink(FLEET);
    support_expect_errors(NULL, "c/fleet.yaml:1:1: file: No such file or directory; create it", NULL);
    assert_int_equal(mkdir(FLEET, 0700), 0);
    support_expect_errors(NULL, "c/fleet.yaml:1:1: file: not a regular file; put a YAML file there", NULL);
    rmdir(FLEET);
    assert_int_equal(mkfifo(FLEET, 0600), 0); /* must not be waited for */
    support_expect_errors(NULL, "c/fleet.yaml:1:1: file: not a regular file; put a YAML file there", NULL);
    unlink(INSTRUMENTS);
    support_expect_errors(NULL, "c/fleet.yaml:1:1: file: not a regular file; put a YAML file there",
                          "c/instruments.yaml:1:1: file: No such file or directory; create it", NULL);
}

static void test_missing_folders(void **state)
{
    (void)state;
    assert_int_equal(rename("c/firms", "c/farms"), 0);
    support_expect_errors(
        NULL, "c/firms:1:1: file: No such file or directory; create the folder, with one file for each programme",
        NULL);
    support_expect_errors(&(struct loader_options){.config_dir = "nowhere"},
                          "nowhere:1:1: file: No such file or directory; name the folder of the configuration (--config DIR)", NULL);
    support_expect_errors(&(struct loader_options){.config_dir = FLEET},
                          "c/fleet.yaml:1:1: file: not a folder; name the folder of the configuration (--config DIR)", NULL);
}

/* A file that cannot be read must not be followed by complaints about what it would have defined. */
static void test_no_cascade(void **state)
{
    static const char *const broken[] = {INSTRUMENTS, FIRM, PERSONALITY};
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char kept[64], message[160];
        snprintf(kept, sizeof kept, "kept-%zu", i);
        assert_int_equal(rename(broken[i], kept), 0);
        support_write(broken[i], "");
        snprintf(message, sizeof message, "%s:1:1: yaml: an empty file; begin with \"config_version: 1\"", broken[i]);
        support_expect_errors(NULL, message, NULL);
        assert_int_equal(rename(kept, broken[i]), 0);
    }
}

static void test_twice(void **state)
{
    (void)state;
    support_write("c/accounts/other.yaml",
                  "config_version: 1\nname: alpha\nprogramme: acme/2-step\npersonality: plain\n"
                  "balance: 100000 USD\n");
    support_expect_errors(
        NULL,
        "c/accounts/other.yaml:1:1: name: account alpha is also in c/accounts/alpha.yaml:1; give it another "
        "name",
        NULL);
    unlink("c/accounts/other.yaml");
    assert_int_equal(link(FIRM, "c/firms/copy.yaml"), 0);
    assert_int_equal(link(PERSONALITY, "c/personalities/zcopy.yaml"), 0);
    support_expect_errors(
        NULL, "c/firms/copy.yaml:1:1: programme: acme/2-step is also in c/firms/acme.yaml:1; give it another name",
        "c/personalities/zcopy.yaml:1:1: name: personality plain is also in c/personalities/plain.yaml:1; give it "
        "another name",
        NULL);
}

static void test_too_many_accounts(void **state)
{
    (void)state;
    for (int i = 2; i <= CONFIG_ACCOUNTS_MAX; i++) {
        char path[64], text[256];
        snprintf(path, sizeof path, "c/accounts/n%02d.yaml", i);
        snprintf(text, sizeof text,
                 "config_version: 1\nname: n%02d\nprogramme: acme/2-step\npersonality: plain\n"
                 "balance: 50000 USD\n",
                 i);
        support_write(path, text);
    }
    support_expect_errors(NULL, "c/accounts/n32.yaml:1:1: file: more than 32 accounts; remove some", NULL);
}

static void test_options(void **state)
{
    char longest[200];
    (void)state;
    support_expect_errors(
        &(struct loader_options){.speed = "quick"},
        "--speed:1:1: speed: \"quick\" is not a number; write max, or a number such as 1 or 60, from 0.001 to 1000000",
        NULL);
    memset(longest, 'r', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = 0;
    support_expect_errors(&(struct loader_options){.runtime_dir = longest},
                          "--runtime:1:1: runtime_dir: 199 bytes, too long for sockets; at most 80", NULL);
}

/* Errors beyond the report's room are counted, not written. */
static void test_more_errors_than_room(void **state)
{
    char *text = malloc(65536);
    size_t n = (size_t)sprintf(text, "config_version: 1\nowner: tester\n");
    (void)state;
    for (int i = 0; i < LOADER_ERRORS_MAX + 50; i++)
        n += (size_t)sprintf(text + n, "zz%d: 1\n", i);
    support_write(FLEET, text);
    free(text);
    assert_int_equal(support_load(NULL), -EINVAL);
    assert_int_equal(support_report.error_count, LOADER_ERRORS_MAX + 50);
    assert_non_null(
        strstr(support_report.errors[LOADER_ERRORS_MAX - 1].text, "c/fleet.yaml:202:1: zz199: unknown key"));
}

static void test_warnings(void **state)
{
    (void)state;
    struct loader_options later = {.today_ns = INT64_C(1803859200) * 1000000000}; /* 2027-03-01 */
    support_expect_warnings(
        &later,
        "c/firms/acme.yaml:1:1: verified: 2026-11-22, 99 days ago, more than 90; compare the rules with the "
        "firm's text again",
        NULL);
    support_write("c/accounts/gamma.yml", "name: gamma\n");
    support_write("c/accounts/.hidden.yaml", "nonsense");
    support_expect_warnings(NULL, "c/accounts/gamma.yml:1:1: file: ignored; rename it to end in .yaml", NULL);
    unlink("c/accounts/gamma.yml");
    unlink("c/accounts/alpha.yaml");
    unlink("c/accounts/beta.yaml");
    support_expect_warnings(NULL, "c/fleet.yaml:1:1: accounts: the fleet has no account; add a file in accounts/",
                            NULL);
}

/* Files damaged at random, from a fixed seed: an error or not, but never a crash, and every message whole. */
static void test_damaged(void **state)
{
    static const char *const files[] = {FLEET, INSTRUMENTS, FIRM, PERSONALITY, ALPHA};
    static const char pieces[][6] = {"\t", ":", "&a ", "*a", "[", "]",    "{",    "}", "\n", "- ",
                                     "\"", "'", "|\n", "? ", "%", "\xff", "\xc3", "#", "1",  " "};
    uint64_t random = 20261125;
    (void)state;
    for (int i = 0; i < 3000; i++) {
        char text[4096];
        const char *path = files[i % 5];
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        size_t size = fread(text, 1, sizeof text, file);
        fclose(file);
        char *damaged = malloc(size * 2 + 64);
        size_t n = 0;
        for (size_t j = 0; j < size; j++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            unsigned draw = (unsigned)(random >> 40);
            if (draw % 150 == 0) {
                const char *piece = pieces[(draw >> 8) % (sizeof pieces / sizeof pieces[0])];
                n += (size_t)sprintf(damaged + n, "%s", piece);
                j += draw >> 16 & 1; /* instead of, or before a byte */
            }
            if (j < size && n < size * 2)
                damaged[n++] = text[j];
        }
        support_write_bytes(path, damaged, n);
        free(damaged);
        int rc = support_load(NULL);
        assert_int_equal(rc == 0, support_report.error_count == 0);
        for (unsigned j = 0; j < support_report.error_count && j < LOADER_ERRORS_MAX; j++)
            if (strncmp(support_report.errors[j].text, "c/", 2) != 0 ||
                strchr(support_report.errors[j].text, ';') == NULL)
                if (strstr(support_report.errors[j].text, "did you mean") == NULL)
                    fail_msg("round %d: %s", i, support_report.errors[j].text);
        support_write_bytes(path, text, size);
    }
}

static void test_nearest(void **state)
{
    static const char *const words[] = {"speed", "source", "live"};
    (void)state;
    assert_string_equal(report_nearest("sped", words, 3), "speed");
    assert_string_equal(report_nearest("soruce", words, 3), "source");
    assert_null(report_nearest("warmup_bars", words, 3));
    assert_null(report_nearest("x", words, 0));
    assert_null(report_nearest("a-word-that-is-so-long-that-nothing-at-all-can-be-near-it-ever", words, 3));
}

#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, support_setup, support_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        CONFIG_TEST(test_good),
        CONFIG_TEST(test_all_at_once),
        CONFIG_TEST(test_a_firm_that_forbids_bots),
        CONFIG_TEST(test_currencies),
        CONFIG_TEST(test_tab_does_not_hide_the_rest),
        CONFIG_TEST(test_columns_are_characters),
        CONFIG_TEST(test_carriage_returns),
        CONFIG_TEST(test_bomb),
        CONFIG_TEST(test_huge_file),
        CONFIG_TEST(test_depth),
        CONFIG_TEST(test_too_many_values),
        CONFIG_TEST(test_empty),
        CONFIG_TEST(test_missing_files),
        CONFIG_TEST(test_missing_folders),
        CONFIG_TEST(test_no_cascade),
        CONFIG_TEST(test_twice),
        CONFIG_TEST(test_too_many_accounts),
        CONFIG_TEST(test_options),
        CONFIG_TEST(test_more_errors_than_room),
        CONFIG_TEST(test_warnings),
        CONFIG_TEST(test_damaged),
        cmocka_unit_test(test_nearest),
    };
    support_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
