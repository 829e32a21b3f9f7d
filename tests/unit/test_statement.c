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
                                        "3,1740000200,1740000261,SHORT,2,MESM25,6000,6000.25,1.48,-2.50,2025-02-19\n"
                                        "4,1740000050,1740000300,Buy,1,\"MGCJ5\",2900.1,2900.4,1.24,3,2025-02-20"), 0);
    assert_int_equal(statement.format, STATEMENT_TOPSTEPX);
    assert_int_equal(statement.symbol_count, 4);
    assert_string_equal(statement.symbols[0].name, "MNQ");
    assert_string_equal(statement.symbols[2].name, "MES");
    assert_int_equal(statement.trades[2].line, 5);
    assert_int_equal(statement.trades[2].side, 2);
    assert_int_equal(statement.trades[3].opened_ns, 1740000050 * SECOND);
    statement_check(&statement, NULL, 0);
    assert_int_equal(statement.checked[STATEMENT_EXACT], 4);
    assert_int_equal(statement.gross, dec("15"));
    assert_int_equal(statement.charges, dec("-7.28"));
    assert_int_equal(statement.net, dec("7.72"));
    /* The platform's own header and clock; prices with needless zeros; what is charged in two columns. */
    assert_int_equal(read_text("\xef\xbb\xbfId,ContractName,EnteredAt,ExitedAt,EntryPrice,ExitPrice,Fees,PnL,Size,Type,TradeDay,TradeDuration,Commissions\n"
                               "S1,ESH5,02/19/2025 15:20:00 -06:00,02/19/2025 22:20:01 +01:00,6000.250000000,6001.500000000,4.2,62.500000000,1,"
                               "Long,02/19/2025 00:00:00 -06:00,00:00:01.1,1.00\n"
                               "S2,ESH5,02/19/2025 15:20:00 -06:00,02/19/2025 22:20:02 +01:00,6000.25,6001.50,4.2,-62.50,1,Short,02/20/2025,,\n"), 0);
    assert_int_equal(statement.trades[0].opened_ns, utc(2025, 2, 19, 21, 20));
    assert_int_equal(statement.trades[0].closed_ns, utc(2025, 2, 19, 21, 20) + SECOND);
    assert_int_equal(statement.trades[0].charges, dec("-5.2"));
    assert_int_equal(statement.trades[1].trade_day, tz_days_from_civil(2025, 2, 20));
    statement_check(&statement, NULL, 0);
    assert_int_equal(statement.checked[STATEMENT_EXACT], 2);
}

/* The server's clock is New York and seven hours, on both sides of each change. */
static void test_mt4_clock(void **state)
{
    (void)state;
    assert_int_equal(read_text("Ticket,Open Time,Type,Size,Item,Open Price,S / L,T / P,Close Time,Close Price,Commission,Swap,Profit\n"
                               "1,2024.03.08 16:00:00,buy,1,EURUSD,1.1,,,2024.03.11 16:00,1.101,,0,100\n"
                               "2,2024.11.01 16:00:00,sell,1,EURUSD,1.1,1.102,1.09,2024.11.04 16:00:30,1.099,-5.5,-1.25,100\n"), 0);
    assert_int_equal(statement.format, STATEMENT_MT4);
    assert_int_equal(statement.trades[0].opened_ns, utc(2024, 3, 8, 14, 0));
    assert_int_equal(statement.trades[0].closed_ns, utc(2024, 3, 11, 13, 0));
    assert_int_equal(statement.trades[0].stop, 0);
    assert_int_equal(statement.trades[1].opened_ns, utc(2024, 11, 1, 13, 0));
    assert_int_equal(statement.trades[1].closed_ns, utc(2024, 11, 4, 14, 0) + 30 * SECOND);
    statement_check(&statement, NULL, 0);
    assert_int_equal(statement.checked[STATEMENT_EXACT], 2);
    assert_int_equal(statement.net, dec("193.25"));
    int64_t ns;
    static const char *const wrong[] = {"", "-1", "12345678901", "1e9", "13/01/2025 00:00:00 +00:00", "02/29/2025 00:00:00 +00:00",
                                        "02/28/2025 24:00:00 +00:00", "02/28/2025 10:00:00", "2025-02-28 10:00", "2024.02.30 10:00", "2024.02.3 10:00"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (statement_time(wrong[i], &zones[NEW_YORK], &ns))
            fail_msg("'%s' was taken for a time", wrong[i]);
    assert_false(statement_time("2024.03.08 16:00", NULL, &ns));
}

static void expect_problem(const char *text, const char *message)
{
    assert_int_equal(read_text(text), -EINVAL);
    assert_true(statement.problem_count > 0);
    if (!strstr(statement.problems[0], message))
        fail_msg("'%s' has no '%s'", statement.problems[0], message);
}

#define TRADE(values) MT4 "1,1700000000,1700003600,buy,1,EURUSD,1.1,1.09,1.2,1.101,-5,0,100\n" values "\n"

static void test_bad_rows(void **state)
{
    (void)state;
    expect_problem(TRADE("2,x,1700003600,buy,1,EURUSD,1.1,1.09,1.2,1.101,-5,0,100"), "t.csv:3: open_epoch_s 'x' is no time");
    expect_problem(TRADE("2,1700003600,1700000000,buy,1,EURUSD,1.1,1.09,1.2,1.101,-5,0,100"), "t.csv:3: closed before it was opened");
    expect_problem(TRADE("2,1700000000,1700003600,balance,1,EURUSD,1.1,1.09,1.2,1.101,-5,0,100"), "t.csv:3: side 'balance' is neither buy nor sell");
    expect_problem(TRADE("2,1700000000,1700003600,buy,0,EURUSD,1.1,1.09,1.2,1.101,-5,0,100"), "t.csv:3: lots '0' must be above 0");
    expect_problem(TRADE("2,1700000000,1700003600,buy,1,EURUSD,1.1,1.09,1.2,1 101,-5,0,100"), "t.csv:3: close_price '1 101' is no number");
    expect_problem(TRADE("2,1700000000,1700003600,buy,1,WHEAT,1.1,1.09,1.2,1.101,-5,0,100"), "t.csv:3: what a lot of 'WHEAT' is");
    expect_problem(TRADE("2,1700000000,1700003600,buy,1,EURUSD,1.1,1.09,1.2,1.101,-5,0,1000000.01"), "t.csv:3: profit '1000000.01' is more");
    expect_problem(TRADE("2,1700000000,1700003600,buy,1,EURUSD,1.1,1.09,1.2,1.101,-5,0,1.005"), "t.csv:3: profit '1.005' has parts of a cent");
    expect_problem(TRADE("2,1700000000,1700003600,buy,1,EURUSD,1.1,1.09,1.2,1.101,-5,0"), "t.csv:3: 12 fields, the header has 13");
    expect_problem(TRADE("2,1700000000,1700003600,buy,1,EURUSD,1.1,1.09,1.2,1.101,-5,0,1,234"), "t.csv:3: 14 fields");
    expect_problem(TRADE("2,1700000000,1700003600,buy,1,EURUSD,1.1,-1.09,1.2,1.101,-5,0,100"), "t.csv:3: a stop or target below 0");
    expect_problem(TOPSTEPX "1,1740000000,1740000060,buy,3,MNQH5,20000.25,20002.75,-2.22,15,2025-02-19\n", "t.csv:2: fees below 0");
    expect_problem(TOPSTEPX "1,1740000000,1740000060,buy,3,MNQH5,20000.25,20002.75,2.22,15,19.2.2025\n", "t.csv:2: trade_day '19.2.2025' is no day");
    expect_problem("seq,open_epoch_s,close_epoch_s,side,lots,symbol,open_price,close_price,swap,profit\n", "t.csv:1: no column 'commission'");
    expect_problem("<html>\n<body>\n", "t.csv:1: no column");
    assert_int_equal(statement.problem_count, 1);
    assert_int_equal(read_text(MT4), -EINVAL); /* nothing in it */
    assert_int_equal(statement.problem_count, 0);
    /* Every bad row is told, not only the first. */
    expect_problem(TRADE("2,1,2,buy,1,EURUSD,1,1,1,1,0,0,0\n3,1700000000,1700003600,no,1,EURUSD,1,1,1,1,0,0,0"), "t.csv:3");
    assert_non_null(strstr(statement.problems[2], "t.csv:4: side 'no'"));
}

/* --- money --------------------------------------------------------------------------------------------------------- */

static struct statement_bar bars[] = {{1700002800, 14900000000, 14960000000}, {1700003700, 14950000000, 14990000000}};
static const struct statement_rates usdjpy = {.pair = "USDJPY", .count = 2, .step_s = 900, .bars = bars};

static enum statement_check check_of(const char *row, bool with_rates)
{
    char text[1024];
    (void)snprintf(text, sizeof text, MT4 "%s\n", row);
    assert_int_equal(read_text(text), 0);
    statement_check(&statement, with_rates ? &usdjpy : NULL, with_rates);
    return statement.trades[0].check;
}

static void test_conversion(void **state)
{
    (void)state;
    /* 50,000 JPY / 150.5 = 332.2259: rounded; a cent beside it is another amount */
    assert_int_equal(check_of("1,1700000000,1700003600,buy,1,USDJPY,150,0,0,150.5,0,0,332.23", false), STATEMENT_EXACT);
    assert_int_equal(check_of("1,1700000000,1700003600,buy,1,USDJPY,150,0,0,150.5,0,0,332.22", false), STATEMENT_DIFFERS);
    assert_int_equal(statement.trades[0].gross, dec("332.23"));
    assert_int_equal(check_of("1,1700000000,1700003600,sell,1,USDJPY,150,0,0,150.5,0,0,-332.23", false), STATEMENT_EXACT);
    /* half a cent goes away from zero: 0.01 * 100 * 0.005 */
    assert_int_equal(check_of("1,1700000000,1700003600,buy,0.01,XAUUSD,2000,0,0,2000.005,0,0,0.01", false), STATEMENT_EXACT);
    assert_int_equal(check_of("1,1700000000,1700003600,sell,0.01,XAUUSD,2000,0,0,2000.005,0,0,-0.01", false), STATEMENT_EXACT);
    assert_int_equal(check_of("1,1700000000,1700003600,buy,1,NDX,15000,0,0,14990,0,0,-100", false), STATEMENT_EXACT);
    assert_int_equal(check_of("1,1700000000,1700003600,buy,2,XTIUSD,80,0,0,80.01,0,0,20", false), STATEMENT_EXACT);
    /* GBPJPY: 50,000 JPY, 334.45 USD at 149.50 */
    const char *cross = "1,1700000000,1700003600,buy,1,GBPJPY,185,0,0,185.5,-6,0,334.45";
    assert_int_equal(check_of(cross, false), STATEMENT_IMPLIED);
    assert_in_range(dec("149.5"), statement.trades[0].rate_low, statement.trades[0].rate_high);
    assert_true(statement.trades[0].rate_high - statement.trades[0].rate_low < dec("0.005"));
    assert_int_equal(check_of(cross, true), STATEMENT_AT_RATE);
    assert_int_equal(statement.net, dec("328.45"));
    /* 149.61 is at the ask of a bar that ends at 149.60; 149.70 is not, nor is 148.98 */
    assert_int_equal(check_of("1,1700000000,1700003600,buy,1,GBPJPY,185,0,0,185.5,0,0,334.20", true), STATEMENT_AT_RATE);
    assert_int_equal(check_of("1,1700000000,1700003600,buy,1,GBPJPY,185,0,0,185.5,0,0,334.00", true), STATEMENT_DIFFERS);
    assert_int_equal(check_of("1,1700000000,1700003600,buy,1,GBPJPY,185,0,0,185.5,0,0,335.62", true), STATEMENT_DIFFERS);
    /* a loss where there was a profit; nothing where there was one; no bar of that moment */
    assert_int_equal(check_of("1,1700000000,1700003600,buy,1,GBPJPY,185,0,0,185.5,0,0,-334.45", false), STATEMENT_DIFFERS);
    assert_int_equal(check_of("1,1700000000,1700003600,buy,1,GBPJPY,185,0,0,185.5,0,0,0", true), STATEMENT_DIFFERS);
    assert_int_equal(check_of("1,1700000000,1700009600,buy,1,GBPJPY,185,0,0,185.5,0,0,334.45", true), STATEMENT_IMPLIED);
    assert_int_equal(check_of("1,1700000000,1700003600,buy,1,GBPJPY,185,0,0,185,0,0,0", false), STATEMENT_EXACT);
    /* EURGBP: 100 GBP at 1.26 */
    assert_int_equal(check_of("1,1700000000,1700003600,buy,1,EURGBP,0.85,0,0,0.851,0,0,126", false), STATEMENT_IMPLIED);
    assert_string_equal(statement.symbols[0].pair, "GBPUSD");
    assert_in_range(statement.trades[0].rate_low, dec("1.25994999"), dec("1.25995001"));
    assert_in_range(statement.trades[0].rate_high, dec("1.26004999"), dec("1.26005001"));
}

/* Beside the account's own fills: USDCAD itself, and AUDCAD over AUDUSD. */
static void test_conversion_by_fills(void **state)
{
    (void)state;
    const char *cross = "1,1700000000,1700003600,buy,1,AUDCAD,0.9,0,0,0.901,0,0,73.53"; /* 100 CAD at 1.36 */
    char text[512];
    static const struct { const char *fill; enum statement_check check; const char *seen; } cases[] = {
        {"2,1700000000,1700003000,buy,1,USDCAD,1.35,0,0,1.361,0,0,808.23", STATEMENT_IMPLIED, "1.361"},
        {"2,1700000000,1700003000,sell,1,AUDUSD,0.66,0,0,0.6625,0,0,-250", STATEMENT_IMPLIED, "1.36"},
        {"2,1700000000,1700003000,buy,1,USDCAD,1.35,0,0,1.40,0,0,3571.43", STATEMENT_DIFFERS, "1.4"},
        {"2,1690000000,1690003000,buy,1,USDCAD,1.35,0,0,1.40,0,0,3571.43", STATEMENT_IMPLIED, "0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(text, sizeof text, MT4 "%s\n%s\n", cases[i].fill, cross);
        assert_int_equal(read_text(text), 0);
        statement_check(&statement, NULL, 0);
        assert_int_equal(statement.trades[0].check, STATEMENT_EXACT);
        assert_int_equal(statement.trades[1].check, cases[i].check);
        assert_int_equal(statement.trades[1].seen_low, dec(cases[i].seen));
    }
}

static void test_contracts(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(statement_contract_parse("DAX=25:EUR", 10, &more[0], &err), 0);
    assert_int_equal(statement_contract_parse("NDX=1,x", 5, &more[1], &err), 0);
    more_count = 2;
    assert_int_equal(check_of("1,1700000000,1700003600,buy,2,DAX,15000,0,0,15010,0,0,545", false), STATEMENT_IMPLIED); /* 500 EUR at 1.09 */
    assert_string_equal(statement.symbols[0].pair, "EURUSD");
    assert_int_equal(check_of("1,1700000000,1700003600,buy,2,NDX,15000,0,0,15010,0,0,20", false), STATEMENT_EXACT);
    more_count = 0;
    static const char *const wrong[] = {"NDX", "=1", "NDX=", "NDX=0", "NDX=-1", "NDX=1:", "NDX=1:EU", "NDX=1:eur", "ABCDEFGHIJKLMNOPQRSTUVWX=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(statement_contract_parse(wrong[i], strlen(wrong[i]), &more[0], &err), -EINVAL);
}

static int read_rates(const char *text, struct statement_rates *out)
{
    struct error err = {0};
    FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    int rc = statement_rates_read(in, "r.csv", "USDJPY", out, &err);
    assert_int_equal(fclose(in), 0);
    return rc;
}

static void test_rates_file(void **state)
{
    (void)state;
    struct statement_rates rates;
    assert_int_equal(read_rates("epoch_s,open,high,low,close,volume\n1700000000,1,1.5,0.5,1,9\n1700007200,1,2,1,1,9\n1700010800,1,2,1,1,9\n", &rates), 0);
    assert_int_equal(rates.count, 3);
    assert_int_equal(rates.step_s, 3600);
    assert_int_equal(rates.bars[0].low, dec("0.5"));
    assert_int_equal(rates.bars[0].high, dec("1.5"));
    statement_rates_free(&rates);
    assert_int_equal(read_rates("1700000000,1,1.5,0.5,1\n1700000000,1,2,1,1\n", &rates), -EINVAL);
    assert_int_equal(read_rates("1700000000,1,1.5,0.5\n", &rates), -EINVAL);
    assert_int_equal(read_rates("1700000000,1,0.5,1.5,1\n1700003600,1,2,1,1\n", &rates), -EINVAL);
    assert_int_equal(read_rates("1700000000,1,1.5,0.5,1\n", &rates), -EINVAL);
}

/* --- days ---------------------------------------------------------------------------------------------------------- */

/* Closes at these UTC times, a dollar each; days by the set. */
static struct statement_days days_of(const struct rules_set *set, const int64_t *closes, size_t count, const char *trade_day)
{
    static char text[4096];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", TOPSTEPX);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%zu,%ld,%ld,buy,1,MNQH5,20000,20000.5,0,1,%s\n", i,
                                 (long)(closes[i] / SECOND) - 60, (long)(closes[i] / SECOND), trade_day);
    struct statement_days days;
    assert_int_equal(read_text(text), 0);
    statement_check(&statement, NULL, 0);
    assert_int_equal(statement.checked[STATEMENT_EXACT], count);
    assert_int_equal(statement_days(&statement, set, zones, dec("50000"), &days), 0);
    return days;
}

static void expect_day(const struct statement_days *days, uint32_t index, int64_t day, uint32_t trades)
{
    assert_true(index < days->count);
    assert_int_equal(days->days[index].day, day);
    assert_int_equal(days->days[index].trades, trades);
}

static void test_days(void **state)
{
    (void)state;
    /* Prague has a day of 23 hours, 30 to 31 March 2024, and one of 25, 27 October */
    struct rules_set set = ftmo_set();
    int64_t prague[] = {utc(2024, 3, 30, 22, 59), utc(2024, 3, 30, 23, 0), utc(2024, 3, 31, 21, 59), utc(2024, 3, 31, 22, 0),
                        utc(2024, 10, 26, 21, 59), utc(2024, 10, 26, 22, 0), utc(2024, 10, 27, 22, 59), utc(2024, 10, 27, 23, 0)};
    struct statement_days days = days_of(&set, prague, 8, "");
    assert_int_equal(days.count, 6);
    expect_day(&days, 0, tz_days_from_civil(2024, 3, 30), 1);
    expect_day(&days, 1, tz_days_from_civil(2024, 3, 31), 2);
    expect_day(&days, 2, tz_days_from_civil(2024, 4, 1), 1);
    expect_day(&days, 3, tz_days_from_civil(2024, 10, 26), 1);
    expect_day(&days, 4, tz_days_from_civil(2024, 10, 27), 2);
    expect_day(&days, 5, tz_days_from_civil(2024, 10, 28), 1);
    assert_int_equal(days.days[5].balance, dec("50008"));
    free(days.days);
    /* 17:00 in Chicago is 23:00 UTC until 9 March 2025, then 22:00; Sunday evening is Monday's */
    set = topstep_set();
    int64_t chicago[] = {utc(2025, 3, 6, 22, 59), utc(2025, 3, 6, 23, 0), utc(2025, 3, 9, 22, 0), utc(2025, 3, 10, 21, 59), utc(2025, 3, 10, 22, 0)};
    days = days_of(&set, chicago, 5, "2025-03-10");
    assert_int_equal(days.count, 4);
    expect_day(&days, 0, tz_days_from_civil(2025, 3, 6), 1);
    expect_day(&days, 1, tz_days_from_civil(2025, 3, 7), 1);
    expect_day(&days, 2, tz_days_from_civil(2025, 3, 10), 2);
    expect_day(&days, 3, tz_days_from_civil(2025, 3, 11), 1);
    assert_int_equal(days.moved, 3);
    assert_int_equal(days.best, 2);
    assert_int_equal(days.worst, 0);
    free(days.days);
}

/* --- rules ----------------------------------------------------------------------------------------------------------- */

static struct statement_judged judged;
static const uint32_t in_order[STATEMENT_SYMBOLS_MAX] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void judge(const char *text, const struct rules_set *set, const char *initial)
{
    assert_int_equal(read_text(text), 0);
    statement_check(&statement, NULL, 0);
    assert_int_equal(statement.checked[STATEMENT_DIFFERS], 0);
    assert_int_equal(statement_judge(&statement, set, in_order, zones, &zones[NEW_YORK], dec(initial), &judged), 0);
}

/* The floor follows the balance of a day's end, not of a moment: 50,900 falls back within the day. */
static void test_eod_floor(void **state)
{
    (void)state;
    struct rules_set set = topstep_set();
    judge(TOPSTEPX "1,1741010400,1741010460,buy,1,ESH5,6000,6018,0,900,\n"      /* Monday 3 March 2025, 14:00 UTC: 50,900 */
                   "2,1741010500,1741010560,sell,1,ESH5,6000,6008,0,-400,\n"    /* 50,500 at the end */
                   "3,1741096800,1741096860,sell,1,ESH5,6000,6038,0,-1900,\n",  /* Tuesday: 48,600, floor 48,500 */
          &set, "50000");
    assert_false(judged.floors[0].breached);
    assert_int_equal(judged.floors[0].margin, dec("100"));
    assert_int_equal(judged.floors[0].level, dec("48500"));
    assert_int_equal(judged.lowest, dec("48600"));
    assert_int_equal(judged.target_ns, 0);
    judge(TOPSTEPX "1,1741010400,1741010460,buy,1,ESH5,6000,6018,0,900,\n"
                   "2,1741010500,1741010560,sell,1,ESH5,6000,6008,0,-400,\n"
                   "3,1741096800,1741096860,sell,1,ESH5,6000,6038,100.01,-1900,\n", /* a cent below, by what is charged */
          &set, "50000");
    assert_true(judged.floors[0].breached);
    assert_int_equal(judged.floors[0].breached_ns, 1741096860 * SECOND);
    assert_int_equal(judged.floors[0].breached_balance, dec("48499.99"));
    assert_int_equal(judged.floors[0].breached_level, dec("48500"));
    assert_int_equal(judged.gate.unjudged[STATEMENT_NO_STOP], 3);
    assert_int_equal(judged.gate.judged, 0);
}

/* Target on one day: the best day is all of the profit; with a second day of as much and more it is under half. */
static void test_passing(void **state)
{
    (void)state;
    struct rules_set set = topstep_set();
    judge(TOPSTEPX "1,1741010400,1741010460,buy,1,ESH5,6000,6060,0,3000,\n"
                   "2,1741096800,1741096860,buy,1,ESH5,6000,6060,0,3000,\n"
                   "3,1741183200,1741183260,buy,1,ESH5,6000,6000.25,0,12.50,\n",
          &set, "50000");
    assert_int_equal(judged.target_ns, 1741010460 * SECOND);
    assert_int_equal(judged.passed_ns, 1741183260 * SECOND); /* half is too much: strict */
    assert_true(judged.best_day.kept);
    assert_int_equal(judged.state.balance, dec("56012.5"));
    assert_int_equal(rules_floor_level(&judged.state, &judged.set, 0), dec("50000"));
}

/* The daily floor stands on the balance at midnight in Prague, 23:00 UTC in winter. */
static void test_daily_floor(void **state)
{
    (void)state;
    struct rules_set set = ftmo_set();
    judge(MT4 "1,1700000000,1700002800,buy,10,EURUSD,1.1,0,0,1.096,0,0,-4000\n" /* 14 November 2023, 23:00 UTC: the 15th */
              "2,1700010000,1700010060,buy,10,EURUSD,1.1,0,0,1.099,0,0,-1000\n", /* 95,000: at the floor, not below */
          &set, "100000");
    assert_false(judged.floors[0].breached);
    assert_int_equal(judged.floors[0].margin, 0);
    judge(MT4 "1,1700000000,1700002800,buy,10,EURUSD,1.1,0,0,1.096,0,0,-4000\n"
              "2,1700010000,1700010060,buy,10,EURUSD,1.1,0,0,1.099,-0.01,0,-1000\n",
          &set, "100000");
    assert_true(judged.floors[0].breached);
    assert_false(judged.floors[1].breached);
    judge(MT4 "1,1700000000,1700002740,buy,10,EURUSD,1.1,0,0,1.096,0,0,-4000\n" /* a minute before midnight */
              "2,1700010000,1700010060,buy,10,EURUSD,1.1,0,0,1.099,-0.01,0,-1000\n",
          &set, "100000");
    assert_false(judged.floors[0].breached);
    assert_int_equal(judged.floors[0].margin, dec("1000")); /* before midnight; after it 3,999.99 */
    assert_int_equal(judged.days, 2);
}

static void test_gate(void **state)
{
    (void)state;
    struct rules_set set = ftmo_set();
    /* 10 lots with 0.004 to the stop and 50 of commission: 4,050 of the 5,000; then 2 lots beside it: 404 a lot, 950 left */
    judge(MT4 "1,1700040000,1700043600,buy,10,EURUSD,1.1,1.096,1.2,1.101,-50,0,1000\n"
              "2,1700040060,1700043700,sell,2,GBPUSD,1.25,1.254,1.2,1.25,-8,0,0\n"
              "3,1700040120,1700043800,sell,1,AUDUSD,0.65,0.654,0.6,0.65,-4,0,0\n",
          &set, "100000");
    assert_int_equal(judged.gate.judged, 3);
    assert_int_equal(judged.gate.admitted, 2); /* 4,050 + 808 = 4,858; + 404 is too much */
    assert_int_equal(judged.gate.refused[RULES_P1_LOSS_FLOOR], 1);
    assert_int_equal(judged.gate.refusal_count, 1);
    assert_int_equal(judged.gate.refusals[0].trade, 2);
    assert_int_equal(judged.gate.refusals[0].verdict.condition, 1);
    assert_int_equal(judged.gate.refusals[0].verdict.left, dec("94738"));
    assert_int_equal(judged.gate.refusals[0].verdict.right, dec("95000"));
    assert_int_equal(judged.gate.refusals[0].q_max, dec("0.35")); /* 142 / 404 */
    /* A stop of JPY is money at the stop: 100,000 JPY / 149 = 671.14 */
    set.floors[0].allowance.value = dec("0.0067114");
    judge(MT4 "1,1700040000,1700043600,buy,1,USDJPY,150,149,0,150,0,0,0\n", &set, "100000");
    assert_int_equal(judged.gate.refused[RULES_P1_LOSS_FLOOR], 1);
    assert_int_equal(judged.gate.refusals[0].verdict.left, dec("99328.85"));
    /* The stop of a short is above: the entry's rate is the dearer one, 100,000 / 150 = 666.67 */
    judge(MT4 "1,1700040000,1700043600,sell,1,USDJPY,150,151,0,150,0,0,0\n", &set, "100000");
    assert_int_equal(judged.gate.admitted, 1);
}

static void test_not_judged(void **state)
{
    (void)state;
    struct rules_set set = ftmo_set();
    judge(MT4 "1,1700040000,1700043600,buy,1,EURUSD,1.1,0,1.2,1.101,0,0,100\n"       /* no stop */
              "2,1700040060,1700043600,buy,1,EURUSD,1.1,1.09,1.2,1.101,0,0,100\n"    /* beside it */
              "3,1700050000,1700053600,buy,1,EURUSD,1.1,1.1,1.2,1.101,0,0,100\n"     /* moved to the entry */
              "4,1700060000,1700063600,sell,1,EURUSD,1.1,1.099,1.0,1.098,0,0,200\n"  /* and beyond */
              "5,1700070000,1700073600,sell,1,GBPJPY,185,186,180,185,0,0,0\n"        /* no amount, no rate */
              "6,1700080000,1700083600,sell,1,EURUSD,1.1,1.102,1.0,1.098,0,0,200\n", &set, "100000");
    assert_int_equal(judged.gate.unjudged[STATEMENT_NO_STOP], 1);
    assert_int_equal(judged.gate.unjudged[STATEMENT_BOOK_UNKNOWN], 1);
    assert_int_equal(judged.gate.unjudged[STATEMENT_STOP_MOVED], 2);
    assert_int_equal(judged.gate.unjudged[STATEMENT_NO_RATE], 1);
    assert_int_equal(judged.gate.judged, 1);
    assert_int_equal(judged.gate.admitted, 1);
    /* News without a calendar and margin are left out, not refused. */
    set.window_count = 2;
    set.windows[0] = (struct rules_window){.kind = RULES_NEWS, .forbids = RULES_OPEN, .instruments = 0xffff, .before_s = 120, .after_s = 120};
    set.windows[1] = (struct rules_window){.kind = RULES_MARKET_CLOSE, .forbids = RULES_OPEN, .instruments = 0xffff, .before_s = 7200, .closed_s = 7200};
    set.exposure_count = 1;
    set.exposures[0] = (struct rules_exposure){.counted = RULES_MARGIN_SHARE, .instruments = 0xffff, .limit = {.value = DEC_ONE / 2}};
    /* Friday 17 November 2023: the week ends at 22:00 UTC, no entry from 20:00 on */
    judge(MT4 "1,1700251199,1700251300,buy,1,EURUSD,1.1,1.09,1.2,1.101,0,0,100\n"
              "2,1700251320,1700251400,buy,1,EURUSD,1.1,1.09,1.2,1.101,0,0,100\n", &set, "100000");
    assert_int_equal(judged.windows_left_out, 1);
    assert_int_equal(judged.exposures_left_out, 1);
    assert_int_equal(judged.gate.admitted, 1);
    assert_int_equal(judged.gate.refused[RULES_P4_WINDOW], 1);
}

/* What is held over a weekend is charged the gap, by its entry and as part of the book until the weekend is over. */
static void test_weekend_gap(void **state)
{
    (void)state;
    struct rules_set set = ftmo_set();
    set.guard.gap_fraction = dec("0.01");
    judge(MT4 "1,1700222400,1700481600,buy,4,EURUSD,1.1,1.098,1.2,1.1,0,0,0\n"   /* Friday to Monday: 4,400 of gap */
              "2,1700222460,1700223000,buy,4,GBPUSD,1.25,1.248,1.3,1.25,0,0,0\n" /* the same Friday: 800 */
              "3,1700460000,1700470000,buy,4,GBPUSD,1.25,1.248,1.3,1.25,0,0,0\n", /* Monday: 800 beside 800 */
          &set, "100000");
    assert_int_equal(judged.gate.judged, 3);
    assert_int_equal(judged.gate.refused[RULES_P1_LOSS_FLOOR], 1);
    assert_int_equal(judged.gate.refusals[0].verdict.left, dec("94800"));
    assert_int_equal(statement.trades[judged.gate.refusals[0].trade].line, 3);
}

static void test_map(void **state)
{
    (void)state;
    static const char names[][RULES_NAME_MAX] = {"ES", "EURUSD", "XAUUSD"};
    struct rules_set set = topstep_set();
    uint32_t instruments[STATEMENT_SYMBOLS_MAX], strangers;
    set.exposure_count = 2;
    set.exposures[0].instruments = 2; /* FX */
    set.exposures[0].weight[1] = dec("0.5");
    set.exposures[1].instruments = 7; /* every one */
    set.window_count = 1;
    set.windows[0].instruments = 4;   /* gold */
    assert_int_equal(read_text(MT4 "1,1700000000,1700003600,buy,1,EURUSD,1.1,0,0,1.1,0,0,0\n2,1700000000,1700003600,buy,1,NZDUSD,1.1,0,0,1.1,0,0,0\n"
                                   "3,1700000000,1700003600,buy,1,NDX,1.1,0,0,1.1,0,0,0\n"), 0);
    assert_int_equal(statement_map(&statement, names, 3, 1, &set, instruments, &strangers), 0);
    assert_int_equal(strangers, 2);
    assert_int_equal(instruments[0], 1);
    assert_int_equal(instruments[1], 15);
    assert_int_equal(instruments[2], 14);
    assert_int_equal(set.exposures[0].instruments, 2 | 1 << 15);
    assert_int_equal(set.exposures[0].weight[15], dec("0.5"));
    assert_int_equal(set.exposures[1].instruments, 7 | 1 << 15 | 1 << 14);
    assert_int_equal(set.windows[0].instruments, 4);
}

/* --- the real accounts --------------------------------------------------------------------------------------------------- */

static FILE *shared(const char *name)
{
    const char *folder = getenv("PROPFLEET_SHARED");
    char path[512];
    (void)snprintf(path, sizeof path, "%s/data/%s", folder ? folder : "", name);
    FILE *in = folder ? fopen(path, "re") : NULL;
    if (!in)
        skip();
    return in;
}

static void read_shared(const char *name)
{
    struct error err = {0};
    FILE *in = shared(name);
    statement_free(&statement);
    if (statement_read(in, name, &(struct statement_options){.new_york = &zones[NEW_YORK]}, &statement, &err) != 0)
        fail_msg("%s: %s", err.text, statement.problems[0]);
    (void)fclose(in);
}

static const struct load *shipped(void)
{
    static struct load *load;
    if (!load)
        load = load_new(&(struct loader_options){.config_dir = "config", .state_dir = "/s", .runtime_dir = "/r", .today_ns = utc(2026, 11, 25, 0, 0)});
    assert_non_null(load);
    if (load->report.error_count > 0)
        fail_msg("%s", load->report.errors[0].text);
    return load;
}

static const struct rules_set *shipped_set(const char *firm, const char *name, const char *phase)
{
    uint32_t index = load_programme(&shipped()->config, firm, name, phase);
    assert_int_not_equal(index, CONFIG_NONE);
    return &shipped()->config.programmes[index].rules;
}

/* With the set of the test, and with the shipped file: its zones, its instruments. */
static void judge_real(const struct rules_set *own, const struct rules_set *file, dec_t initial, void (*expect)(const struct statement_days *))
{
    static struct rules_set set;
    const struct fleet_config *config = &shipped()->config;
    for (int from_file = 0; from_file < 2; from_file++) {
        const struct tz_table *clocks = from_file ? config->zones : zones;
        char names[RULES_INSTRUMENTS_MAX][RULES_NAME_MAX];
        uint32_t instruments[STATEMENT_SYMBOLS_MAX], strangers;
        struct statement_days days;
        for (uint32_t i = 0; i < config->instrument_count; i++)
            memcpy(names[i], config->instruments[i].symbol, sizeof names[i]);
        set = from_file ? *file : *own;
        assert_int_equal(statement_map(&statement, names, config->instrument_count, UINT32_MAX, &set, instruments, &strangers), 0);
        assert_int_equal(statement_days(&statement, &set, clocks, initial, &days), 0);
        assert_int_equal(statement_judge(&statement, &set, instruments, clocks, &zones[NEW_YORK], initial, &judged), 0);
        print_message("%s: %u judged, %u admitted; NOT JUDGED: %u without a stop, %u moved, %u beside one, %u without a rate\n",
                      from_file ? "shipped file" : "own set", judged.gate.judged, judged.gate.admitted, judged.gate.unjudged[0],
                      judged.gate.unjudged[1], judged.gate.unjudged[2], judged.gate.unjudged[3]);
        expect(&days);
        free(days.days);
    }
}

static void expect_topstep(const struct statement_days *days)
{
    assert_int_equal(days->count, 40);
    assert_int_equal(days->moved, 0);
    assert_int_equal(days->days[days->worst].net, dec("-712.34"));
    assert_int_equal(days->days[days->best].net, dec("862.58"));
    assert_int_equal(judged.state.balance, dec("53493.39"));
    assert_int_equal(judged.state.balance, days->days[39].balance);
    assert_int_equal(rules_floor_level(&judged.state, &judged.set, 0), dec("50000"));
    assert_false(judged.floors[0].breached);
    assert_int_equal(judged.gate.unjudged[STATEMENT_NO_STOP], 486);
    assert_true(judged.best_day.kept);
    assert_true(judged.passed_ns > 0);
}

static void test_real_topstepx(void **state)
{
    (void)state;
    struct rules_set own = topstep_set();
    read_shared("trades/topstepx_export.csv");
    assert_int_equal(statement.trade_count, 486);
    statement_check(&statement, NULL, 0);
    assert_int_equal(statement.checked[STATEMENT_EXACT], 486);
    assert_int_equal(statement.gross, dec("3891.75"));
    assert_int_equal(statement.net, dec("3493.39"));
    judge_real(&own, shipped_set("topstep", "combine-50k", "combine"), dec("50000"), expect_topstep);
}

static void expect_ftmo(const struct statement_days *days)
{
    assert_int_equal(days->count, 66);
    assert_int_equal(days->days[days->worst].net, dec("-2900.41"));
    assert_int_equal(days->days[days->best].net, dec("3332.26"));
    assert_int_equal(judged.state.balance, dec("108205.65"));
    for (uint32_t i = 0; i < judged.set.floor_count; i++)
        assert_false(judged.floors[i].breached);
    assert_int_equal(judged.gate.judged, 100);
    assert_int_equal(judged.gate.unjudged[STATEMENT_STOP_MOVED], 15);
    assert_int_equal(judged.gate.unjudged[STATEMENT_BOOK_UNKNOWN], 9);
}

static void test_real_mt4(void **state)
{
    (void)state;
    struct rules_set own = ftmo_set();
    struct statement_rates rates;
    struct error err = {0};
    read_shared("trades/mt4_statement.csv");
    FILE *in = shared("USDJPY_M15.csv");
    assert_int_equal(statement_rates_read(in, "USDJPY_M15.csv", "USDJPY", &rates, &err), 0);
    (void)fclose(in);
    assert_int_equal(statement.trade_count, 124);
    statement_check(&statement, &rates, 1);
    statement_rates_free(&rates);
    print_message("%u to the cent from the row, %u at a rate inside its bar, %u not reckoned (AUDCAD: no USDCAD), %u differ\n",
                  statement.checked[STATEMENT_EXACT], statement.checked[STATEMENT_AT_RATE], statement.checked[STATEMENT_IMPLIED],
                  statement.checked[STATEMENT_DIFFERS]);
    assert_int_equal(statement.checked[STATEMENT_EXACT], 97);
    assert_int_equal(statement.checked[STATEMENT_AT_RATE], 14);
    assert_int_equal(statement.checked[STATEMENT_IMPLIED], 13);
    assert_int_equal(statement.net, dec("8205.65"));
    judge_real(&own, shipped_set("ftmo", "2-step", "challenge"), dec("100000"), expect_ftmo);
}

static int teardown(void **state)
{
    (void)state;
    statement_free(&statement);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topstepx),      cmocka_unit_test(test_mt4_clock),           cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_conversion),    cmocka_unit_test(test_conversion_by_fills), cmocka_unit_test(test_contracts),
        cmocka_unit_test(test_rates_file),    cmocka_unit_test(test_days),                cmocka_unit_test(test_eod_floor),
        cmocka_unit_test(test_passing),       cmocka_unit_test(test_daily_floor),         cmocka_unit_test(test_gate),
        cmocka_unit_test(test_not_judged),    cmocka_unit_test(test_weekend_gap),         cmocka_unit_test(test_map),
        cmocka_unit_test(test_real_topstepx), cmocka_unit_test(test_real_mt4),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
