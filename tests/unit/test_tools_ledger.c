/* An account's store read by somebody else: held against the account's own names, and hostile rows. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/error.h"
#include "config/paths.h"
#include "tests/unit/store_support.h"
#include "tools/ledger.h"
#include "workers/account/journal.h"

static char state_dir[64];
static struct store *store;
static struct error err;

static void open_store(const char *account, const char *kind)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s/" ACCOUNT_STORE_FOLDER, state_dir, account);
    assert_int_equal(store_make_folder(path, &err), 0);
    struct store_options options = {
        .folder = path, .kind = kind, .tables = account_tables, .table_count = TABLE_COUNT, .journal = true, .map_bytes = 1 << 20};
    if (store_open(&options, &store, &err) != 0)
        fail_msg("%s", err.text);
}

static void commit(void)
{
    if (store_commit(store, STORE_CRASH, &err) != 0)
        fail_msg("%s", err.text);
    store_close(&store); /* a process opens an environment once */
}

static int setup(void **state)
{
    (void)state;
    support_folder(state_dir);
    open_store("alba", ACCOUNT_STORE_KIND);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(&store);
    support_remove(state_dir);
    return 0;
}

/* --- names -------------------------------------------------------------------------------------- */

static void test_names_are_the_cores(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ORDER_STATE_COUNT; i++) {
        assert_string_equal(ledger_order_state(i), order_state_text(i));
        assert_int_equal(ledger_order_final(i), order_state_final(i));
    }
    for (unsigned i = 0; i < EXIT_COUNT; i++)
        assert_string_equal(ledger_exit(i), core_exit_name(i));
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        assert_string_equal(ledger_tables[i], account_tables[i]);
    assert_string_equal(ledger_order_state(ORDER_STATE_COUNT), "?");
    assert_string_equal(ledger_exit(EXIT_COUNT), "?");
    assert_string_equal(ledger_order_role(ROLE_CLOSE), "close");
    assert_string_equal(ledger_order_role(ROLE_CLOSE + 1), "?");
    assert_string_equal(ledger_side(SIDE_SELL), "sell");
    assert_string_equal(ledger_side(0), "?");
}

/* --- opening ------------------------------------------------------------------------------------- */

static void test_what_is_not_there(void **state)
{
    (void)state;
    struct ledger ledger;
    char missing[96];
    commit();
    assert_int_equal(ledger_open(state_dir, "boreas", &ledger, &err), -ENOENT);
    assert_non_null(strstr(err.text, "no account boreas"));
    assert_int_equal(ledger_open(state_dir, "../alba", &ledger, &err), -ENOENT);
    snprintf(missing, sizeof missing, "%s/nowhere", state_dir);
    assert_int_equal(ledger_open(missing, "alba", &ledger, &err), -ENOTDIR);
    assert_non_null(strstr(err.text, missing));
    assert_non_null(strstr(err.text, "--state DIR"));
    assert_int_equal(ledger_exit_status(-ENOTDIR), EXIT_UNREACHABLE);
    assert_int_equal(ledger_exit_status(-ENOENT), EXIT_NO);
    assert_int_equal(ledger_exit_status(0), EXIT_DONE);
}

static void test_names_of_the_accounts_alone(void **state)
{
    (void)state;
    struct path_names names;
    char path[96];
    commit();
    open_store("coordinator", "coordinator"); /* a store of another kind */
    commit();
    open_store("boreas", ACCOUNT_STORE_KIND);
    commit();
    snprintf(path, sizeof path, "%s/empty", state_dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(ledger_names(state_dir, &names, &err), 0);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.list[0], "alba");
    assert_string_equal(names.list[1], "boreas");
    path_names_free(&names);
}

/* --- rows ---------------------------------------------------------------------------------------- */

static struct ledger ledger;
static struct core_account account;
static struct core_position positions[CORE_POSITIONS_MAX];
static struct order orders[CORE_ORDERS_MAX];

static void put(uint32_t table, uint64_t key, const void *row, size_t size) { store_put(store, table, key, row, size); }

static void open_ledger(void)
{
    commit();
    if (ledger_open(state_dir, "alba", &ledger, &err) != 0)
        fail_msg("%s", err.text);
}

static void good_account(struct core_account *out)
{
    memset(out, 0, sizeof *out);
    out->version = CORE_VERSION;
    out->bytes = sizeof *out;
    out->equity = 100 * DEC_ONE;
}

static void test_rows_as_they_were_written(void **state)
{
    (void)state;
    struct core_position position = {.id = 7, .instrument = 3, .side = SIDE_BUY, .qty = DEC_ONE}, none = {.id = 0};
    struct order order = {.intent = 7, .instrument = 3, .state = ORDER_WORKING};
    unsigned count = 0;
    good_account(&account);
    put(TABLE_ACCOUNT, 1, &account, sizeof account);
    put(TABLE_POSITIONS, 1, &none, sizeof none); /* a free slot */
    put(TABLE_POSITIONS, 2, &position, sizeof position);
    put(TABLE_ORDERS, 1, &order, sizeof order);
    open_ledger();
    memset(&account, 0, sizeof account);
    assert_int_equal(ledger_account(&ledger, &account, &err), 0);
    assert_true(account.equity == 100 * DEC_ONE);
    assert_int_equal(ledger_positions(&ledger, positions, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_int_equal(positions[0].id, 7);
    assert_int_equal(ledger_orders(&ledger, orders, &count, &err), 0);
    assert_int_equal(count, 1);
    ledger_close(&ledger);
}

static void test_an_account_that_has_not_begun(void **state)
{
    (void)state;
    unsigned count = 9;
    struct account_run run;
    open_ledger();
    assert_int_equal(ledger_account(&ledger, &account, &err), -ENOENT);
    assert_int_equal(ledger_positions(&ledger, positions, &count, &err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(ledger_runs(&ledger, &run, &count, &err), 0);
    assert_int_equal(count, 0);
    ledger_close(&ledger);
}

static void expect_account_refused(void)
{
    put(TABLE_ACCOUNT, 1, &account, sizeof account);
    open_ledger();
    assert_int_equal(ledger_account(&ledger, &account, &err), -EPROTO);
    assert_non_null(strstr(err.text, "alba"));
    ledger_close(&ledger);
    open_store("alba", ACCOUNT_STORE_KIND);
    good_account(&account);
}

static void test_an_account_row_of_another_version_or_damaged(void **state)
{
    (void)state;
    good_account(&account);
    account.version++;
    expect_account_refused();
    account.bytes--;
    expect_account_refused();
    account.last_refusal = REFUSAL_COUNT; /* an index into names */
    expect_account_refused();
    account.last_size.refusal = UINT32_MAX;
    expect_account_refused();
    put(TABLE_ACCOUNT, 1, &account, sizeof account - 1);
    open_ledger();
    assert_int_equal(ledger_account(&ledger, &account, &err), -EPROTO);
    ledger_close(&ledger);
}

static int count_trade(void *context, const struct core_trade *trade)
{
    (void)trade;
    ++*(unsigned *)context;
    return 0;
}

static void test_rows_whose_indices_are_out_of_range(void **state)
{
    (void)state;
    struct core_position position = {.id = 7, .instrument = CONFIG_INSTRUMENTS_MAX};
    struct order order = {.intent = 7, .state = ORDER_STATE_COUNT};
    struct core_trade trade = {.number = 1, .instrument = CONFIG_INSTRUMENTS_MAX};
    unsigned count = 0;
    put(TABLE_POSITIONS, 1, &position, sizeof position);
    put(TABLE_ORDERS, 1, &order, sizeof order);
    put(TABLE_TRADES, 1, &trade, sizeof trade);
    open_ledger();
    assert_int_equal(ledger_positions(&ledger, positions, &count, &err), -EPROTO);
    assert_int_equal(ledger_orders(&ledger, orders, &count, &err), -EPROTO);
    assert_int_equal(ledger_trades(&ledger, count_trade, &count, &err), -EPROTO);
    assert_int_equal(count, 0);
    ledger_close(&ledger);
}

static void test_more_rows_than_there_are_slots(void **state)
{
    (void)state;
    struct core_position position = {.id = 7};
    unsigned count = 0;
    for (uint64_t key = 1; key <= CORE_POSITIONS_MAX + 1; key++)
        put(TABLE_POSITIONS, key, &position, sizeof position);
    open_ledger();
    assert_int_equal(ledger_positions(&ledger, positions, &count, &err), -EPROTO);
    assert_true(count <= CORE_POSITIONS_MAX);
    ledger_close(&ledger);
}

/* --- what the journal says -------------------------------------------------------------------------- */

static uint64_t written;

static void record(const char *kind, const char *key, const char *value, uint64_t instrument)
{
    unsigned char bytes[JOURNAL_RECORD_BYTES_MAX];
    struct journal_writer writer;
    journal_begin(&writer, bytes, sizeof bytes, kind, ++written, MAY_2024_NS);
    journal_text(&writer, key, value);
    if (strcmp(key, "instrument") == 0)
        journal_u64(&writer, "i", instrument);
    store_journal(store, written, MAY_2024_NS, bytes, journal_end(&writer));
}

static void test_facts(void **state)
{
    (void)state;
    static struct ledger_facts facts;
    written = 0;
    record("account", "personality", "avocet", 0);
    record("signal", "instrument", "EURUSD", 3);
    record("signal", "instrument", "OTHER", CONFIG_INSTRUMENTS_MAX); /* no index of ours */
    record("signal", "instrument", "a\033b", 4);
    open_ledger();
    ledger_facts(&ledger, 1u << 3 | 1u << 4 | 1u << 5, &facts);
    assert_string_equal(facts.personality, "avocet");
    assert_string_equal(facts.firm, "");
    assert_true(facts.simulated && facts.initial_balance == DEC_NONE); /* what it does not say is not real money */
    assert_string_equal(facts.symbols[3], "EURUSD");
    assert_string_equal(facts.symbols[4], "a?b");
    assert_string_equal(facts.symbols[5], "#5");
    ledger_close(&ledger);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_the_cores),
        T(test_what_is_not_there),
        T(test_names_of_the_accounts_alone),
        T(test_rows_as_they_were_written),
        T(test_an_account_that_has_not_begun),
        T(test_an_account_row_of_another_version_or_damaged),
        T(test_rows_whose_indices_are_out_of_range),
        T(test_more_rows_than_there_are_slots),
        T(test_facts),
    };
    return cmocka_run_group_tests_name("tools ledger", tests, NULL, NULL);
}
