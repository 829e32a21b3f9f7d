/* The statements of real accounts: synthetic files of both forms, and the two of PROPFLEET_SHARED/data/trades where it is. */
#include "tools/statement.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "tools/load.h"
#include "tools/statement_text.h"

#define SECOND INT64_C(1000000000)

enum { CHICAGO, PRAGUE, NEW_YORK, ZONES };
static struct tz_table zones[ZONES];

static int setup(void **state)
{
    (void)state;
    struct error err = {0};
    return tz_load("America/Chicago", &zones[CHICAGO], &err) || tz_load("Europe/Prague", &zones[PRAGUE], &err) ||
           tz_load("America/New_York", &zones[NEW_YORK], &err);
}

static dec_t dec(const char *text)
{
    dec_t out = 0;
    assert_int_equal(dec_parse(text, strlen(text), &out), 0);
    return out;
}

static int64_t utc(int year, int month, int day, int hour, int minute)
{
    return (tz_days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60) * SECOND;
}

/* Combine 50K: 2,000 below the highest balance of a day's end, no higher than the start; 3,000; best day under half; 5 contracts. */
static struct rules_set topstep_set(void)
{
    struct rules_set set = {.day_count = 1, .days = {{CHICAGO, 17 * 3600}}, .floor_count = 1, .exposure_count = 1};
    set.floors[0] = (struct rules_floor){.kind = RULES_TOTAL, .anchor = RULES_RUN_EOD_BALANCE, .breach = RULES_LT, .has_cap = true,
                                         .allowance = {.kind = RULES_ABS, .value = 2000 * DEC_ONE}, .days = 1};
    set.exposures[0] = (struct rules_exposure){.counted = RULES_LOTS_PER_SIDE, .instruments = 0xffff,
                                               .limit = {.kind = RULES_ABS, .value = 5 * DEC_ONE}};
    set.shape = (struct rules_shape){.head.id = "shape", .target = {.kind = RULES_ABS, .value = 3000 * DEC_ONE}, .has_best_day = true,
                                     .best_day_strict = true, .best_day_max = DEC_ONE / 2};
    return set;
}

/* FTMO 2-Step, challenge: 5 % below the balance at midnight, 10 % in all; 10 %, 4 days. */
static struct rules_set ftmo_set(void)
{
    struct rules_set set = {.day_count = 1, .days = {{PRAGUE, 0}}, .floor_count = 2};
    set.floors[0] = (struct rules_floor){.kind = RULES_DAILY, .anchor = RULES_SNAP_BALANCE, .breach = RULES_LT, .days = 1,
                                         .allowance = {.kind = RULES_FRAC_INITIAL, .value = DEC_ONE / 20}};
    set.floors[1] = (struct rules_floor){.kind = RULES_TOTAL, .anchor = RULES_INITIAL, .breach = RULES_LT, .days = 1,
                                         .allowance = {.kind = RULES_FRAC_INITIAL, .value = DEC_ONE / 10}};
    set.shape = (struct rules_shape){.head.id = "shape", .target = {.kind = RULES_FRAC_INITIAL, .value = DEC_ONE / 10}, .target_flat = true,
                                     .min_days = 4, .days_counted = RULES_DAYS_OPENED};
    return set;
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

static struct statement statement;
static struct statement_contract more[2];
static uint32_t more_count;

static int read_text(const char *text)
{
    struct error err = {0};
    FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(in);
    statement_free(&statement);
    int rc = statement_read(in, "t.csv", &(struct statement_options){&zones[NEW_YORK], more, more_count}, &statement, &err);
    assert_int_equal(fclose(in), 0);
    return rc;
}

#define TOPSTEPX "seq,entry_epoch_s,exit_epoch_s,side,contracts,contract,entry_price,exit_price,fees,pnl,trade_day\n"
#define MT4 "seq,open_epoch_s,close_epoch_s,side,lots,symbol,open_price,sl,tp,close_price,commission,swap,profit\n"

static void test_topstepx(void **state)
{
    (void)state;
    assert_int_equal(read_text(TOPSTEPX "1,1740000000,1740000060,buy,3,MNQH5,20000.25,20002.75,2.22,15,2025-02-19\r\n"
                                        "2,1740000100,1740000160,sell,1,MBTG5,96000,96005,2.34,-0.5,2025-02-19\n"
                                        "\n"
                                        "3,1740000200,1740000260,SHORT,2,MES25,6000,6000.25,1.48,-2.50,2025-02-19\n"
                                        "4,1740000050,1740000300,Buy,1,\"MGCJ5\",2900.1,2900.4,1.24,3,2025-02-20"), 0);
    assert_int_equal(statement.format, STATEMENT_TOPSTEPX);
    assert_int_equal(statement.symbol_count, 4);
    assert_string_equal(statement.symbols[2].name, "MES25"); /* 25 is no month and year */
    assert_true(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topstepx),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
