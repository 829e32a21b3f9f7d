#include "test_config_support.h"

#include <errno.h>
#include <ftw.h>
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

struct fleet_config support_config;
struct loader_report support_report;
char support_shipped[CONFIG_PATH_MAX];

static char start[CONFIG_PATH_MAX], folder[CONFIG_PATH_MAX];

static const struct {
    const char *path, *text;
} good[] = {
    {"c/fleet.yaml", "config_version: 1\n"
                     "owner: tester\n"
                     "state_dir: state\n"
                     "runtime_dir: /run/propfleet-test\n"
                     "feed:\n"
                     "  speed: 60\n"
                     "  ring_slots: 4096\n"
                     "coordination:\n"
                     "  joint_risk: 2%\n"
                     "  round_timeout: 50ms\n"},
    {"c/instruments.yaml", "config_version: 1\n"
                           "instruments:\n"
                           "  USDJPY:\n"
                           "    class: fx\n"
                           "    tick: 0.001\n"
                           "    contract_size: 100000\n"
                           "    profit_currency: JPY\n"
                           "    lot: {min: 0.01, step: 0.01, max: 100}\n"
                           "    margin: 1%\n"
                           "    spread: 6\n"
                           "    level_size: 15\n"
                           "    catastrophic_move: 4%\n"
                           "    conversion: {instrument: USDJPY, inverse: true}\n"
                           "    simulate: {start_price: 141, volatility: 9%, loadings: [-0.6, 0, 0]}\n"
                           "  EURUSD:\n"
                           "    class: fx\n"
                           "    tick: 0.00001\n"
                           "    contract_size: 100000\n"
                           "    profit_currency: USD\n"
                           "    lot: {min: 0.01, step: 0.01, max: 100}\n"
                           "    margin: 1%\n"
                           "    spread: 4\n"
                           "    level_size: 20\n"
                           "    catastrophic_move: 3%\n"
                           "    simulate: {start_price: 1.1, volatility: 8%, loadings: [0.8, 0, 0]}\n"},
    {"c/firms/acme.yaml", "config_version: 2\n"
                          "firm: acme\n"
                          "programme: 2-step\n"
                          "verified: 2026-11-22\n"
                          "sizes: [50000, 100000]\n"
                          "sources:\n"
                          "  A: {url: \"https://acme.example/rules\", kind: official}\n"
                          "  B: {url: \"https://review.example\", kind: aggregator, date: 2026-06-05}\n"
                          "day: {zone: Europe/Prague, at: \"00:00\"}\n"
                          "base:\n"
                          "  loss_floors:\n"
                          "    - {id: daily, anchor: snap_balance, allowance: {frac_initial: 5%}, breach_if: lt, src: [A]}\n"
                          "    - {id: overall, anchor: initial, allowance: {frac_initial: 10%}, breach_if: le, src: [A, B]}\n"
                          "  cross_account: {copy: own, src: [A]}\n"
                          "  conduct: {automation: allowed, src: [A]}\n"
                          "phases:\n"
                          "  challenge: {stage: eval}\n"},
    {"c/personalities/plain.yaml", "config_version: 1\n"
                                   "name: plain\n"
                                   "instruments: [EURUSD, USDJPY]\n"
                                   "risk: 0.25%\n"
                                   "breakout:\n"
                                   "  timeframe: H1\n"
                                   "  lookback: 20\n"
                                   "  stop_atr: 1.5\n"
                                   "  target_r: 2\n"
                                   "  time_stop: 24h\n"},
    {"c/accounts/alpha.yaml", "config_version: 1\n"
                              "name: alpha\n"
                              "programme: acme/2-step\n"
                              "personality: plain\n"
                              "balance: 100000 USD\n"
                              "paper: {seed: 1}\n"},
    {"c/accounts/beta.yaml", "config_version: 1\n"
                             "name: beta\n"
                             "programme: acme/2-step\n"
                             "personality: plain\n"
                             "balance: 50000 USD\n"
                             "paper: {seed: 2}\n"},
};

void support_begin(void)
{
    char *shipped = realpath("config", NULL);
    if (shipped == NULL || getcwd(start, sizeof start) == NULL) {
        fprintf(stderr, "run this in the folder of the sources\n");
        exit(2);
    }
    snprintf(support_shipped, sizeof support_shipped, "%s", shipped);
    free(shipped);
}

int support_setup(void **state)
{
    static const char *const folders[] = {"c", "c/firms", "c/personalities", "c/accounts", "data"};
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(folder, sizeof folder, "%s/propfleet-config-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(folder) == NULL || chdir(folder) != 0)
        return -1;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (mkdir(folders[i], 0700) != 0)
            return -1;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        support_write(good[i].path, good[i].text);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int support_teardown(void **state)
{
    (void)state;
    if (chdir(start) != 0)
        return -1;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void support_write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void support_write(const char *path, const char *text)
{
    support_write_bytes(path, text, strlen(text));
}

void support_replace(const char *path, const char *old, const char *new)
{
    char text[8192], changed[16384];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = 0;
    char *at = strstr(text, old);
    if (at == NULL)
        fail_msg("%s does not have \"%s\"", path, old);
    int written = snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    assert_in_range(written, 0, sizeof changed - 1);
    support_write(path, changed);
}

int support_load(const struct loader_options *options)
{
    struct loader_options mine = {0};
    if (options != NULL)
        mine = *options;
    if (mine.config_dir == NULL)
        mine.config_dir = "c";
    if (mine.today_ns == 0)
        mine.today_ns = tz_days_from_civil(2026, 12, 1) * 86400 * INT64_C(1000000000);
    return loader_load(&mine, &support_config, &support_report);
}

static void compare(const char *what, unsigned count, const struct loader_message *messages, va_list expected)
{
    unsigned i = 0;
    const char *text;
    for (; (text = va_arg(expected, const char *)) != NULL; i++) {
        if (i >= count)
            fail_msg("no %s %u, expected\n  %s", what, i, text);
        if (strcmp(messages[i].text, text) != 0)
            fail_msg("%s %u is\n  %s\nnot\n  %s", what, i, messages[i].text, text);
    }
    if (i < count)
        fail_msg("%u %ss, expected %u; the next is\n  %s", count, what, i, messages[i].text);
}

void support_expect_errors(const struct loader_options *options, ...)
{
    va_list expected;
    int rc = support_load(options);
    va_start(expected, options);
    compare("error", support_report.error_count, support_report.errors, expected);
    va_end(expected);
    assert_int_equal(rc, support_report.error_count > 0 ? -EINVAL : 0);
}

void support_expect_warnings(const struct loader_options *options, ...)
{
    va_list expected;
    int rc = support_load(options);
    if (rc != 0)
        fail_msg("%s", support_report.errors[0].text);
    va_start(expected, options);
    compare("warning", support_report.warning_count, support_report.warnings, expected);
    va_end(expected);
}
