/* A paper venue in a test: configuration, market, requests, and the reports as they are delivered.
 *
 * Times in tests are seconds (or ns where said) after PAPER_T0, Monday 2024-05-13 10:00:00 UTC. Latency is
 * constant (60 ms in, 40 ms out) and slippage off unless a test says otherwise, so that numbers can be
 * worked out by hand. Instruments: see paper_test_config. */
#ifndef PROPFLEET_TESTS_PAPER_SUPPORT_H
#define PROPFLEET_TESTS_PAPER_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "workers/broker/paper.h"

#define PAPER_T0 (INT64_C(1715594400) * 1000000000)
#define SECOND INT64_C(1000000000)
#define MS INT64_C(1000000)
#define TEST_REPORTS_MAX 20000u

enum { EURUSD, USDJPY, EURGBP, GBPUSD, BTCUSD, TEST_INSTRUMENTS };

struct paper_test {
    struct fleet_config *config;
    struct store *store;
    struct broker *broker;
    uint32_t account;
    uint64_t seq;            /* of the last record */
    int64_t time_ns;         /* of the last record */
    uint64_t passed;         /* id of the last report delivered */
    uint32_t count;
    struct broker_report *reports;
    uint64_t *delivered_seq; /* of each report */
};

dec_t paper_dec(const char *text); /* "1.10020" */
struct fleet_config *paper_test_config(void);
/* Fresh configuration and book; change f->config, then paper_test_open. */
void paper_test_init(struct paper_test *f);
void paper_test_open(struct paper_test *f);
void paper_test_fini(struct paper_test *f);
/* Close the venue, lose what was not committed, open it again. Reports kept by the test stay. */
void paper_test_crash(struct paper_test *f);

/* One record, then all reports that are due at it. Bars: M1, known at `at_s`. */
void paper_test_record(struct paper_test *f, const struct market_record *record);
void paper_test_bar(struct paper_test *f, uint32_t instrument, int64_t at_s, const char *ohlc, uint32_t spread_ticks);
void paper_test_quote(struct paper_test *f, uint32_t instrument, int64_t at_ns, const char *bid, const char *ask);
void paper_test_end(struct paper_test *f, int64_t at_s);
struct market_record paper_test_bar_record(uint32_t instrument, int64_t at_s, const char *ohlc, uint32_t spread_ticks);

/* Requests, decided at the last record. The bracket's intents are intent + 1 (stop) and + 2 (take). */
void paper_test_send(struct paper_test *f, const struct broker_request *request);
struct broker_request paper_test_entry(const struct paper_test *f, uint64_t intent, uint32_t instrument, uint32_t side,
                                       const char *qty, const char *stop, const char *take);
void paper_test_enter(struct paper_test *f, uint64_t intent, uint32_t instrument, uint32_t side, const char *qty,
                      const char *stop, const char *take);
void paper_test_close(struct paper_test *f, uint64_t intent, uint32_t instrument, uint64_t position, uint32_t side,
                      const char *qty);
void paper_test_cancel(struct paper_test *f, uint64_t intent, uint64_t target);
void paper_test_replace(struct paper_test *f, uint64_t intent, uint64_t target, const char *price);

/* The next report that the test has not looked at, checked for type and intent. */
const struct broker_report *paper_test_expect(struct paper_test *f, uint32_t *at, uint32_t exec_type, uint64_t intent);
void paper_test_expect_none(const struct paper_test *f, uint32_t at);
/* The first report of a kind and intent (a failure when there is none); how many there are. */
const struct broker_report *paper_test_find(const struct paper_test *f, uint32_t exec_type, uint64_t intent);
uint32_t paper_test_count(const struct paper_test *f, uint32_t exec_type, uint64_t intent);
dec_t paper_test_balance(const struct paper_test *f);
uint32_t paper_test_positions(const struct paper_test *f);
uint32_t paper_test_orders(const struct paper_test *f);

#define assert_dec(value, text) paper_assert_dec((value), (text), __FILE__, __LINE__)
void paper_assert_dec(dec_t value, const char *text, const char *file, int line);
#define assert_at(value, ns) assert_int_equal((value) - PAPER_T0, (ns))

#endif
