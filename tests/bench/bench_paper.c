/* What a record costs the paper venue: it sees every record of every account. */
#include <stdbool.h>

#include "tests/bench/bench_ring.h"
#include "tests/unit/paper_support.h"

#define RECORDS 200000u
#define ROUNDS 15u

static double round_ns(struct paper_test *f, uint32_t instrument)
{
    struct market_record bar = paper_test_bar_record(instrument, 0, "1.10000 1.10010 1.09990 1.10005", 10);
    bar.time_ns = f->time_ns;
    int64_t start_ns = bench_now_ns();
    for (uint32_t i = 0; i < RECORDS; i++) {
        bar.seq = ++f->seq;
        bar.time_ns += 60 * SECOND;
        f->broker->ops->on_record(f->broker, &bar, NULL);
    }
    f->time_ns = bar.time_ns;
    return (double)(bench_now_ns() - start_ns) / RECORDS;
}

static void measure(const char *metric, uint32_t instrument, bool held, bool eager)
{
    struct paper_test f;
    double rounds[ROUNDS];
    paper_test_init(&f);
    paper_test_open(&f);
    paper_set_eager(f.broker, eager);
    for (uint32_t i = 0; i < TEST_INSTRUMENTS; i++)
        paper_test_bar(&f, i, 60, "1.1 1.1 1.1 1.1", 10);
    for (uint64_t i = 0; held && i < 5; i++)
        paper_test_enter(&f, 10 * i + 1, EURUSD, SIDE_BUY, "0.1", "1.05000", "1.15000");
    paper_test_bar(&f, EURUSD, 120, "1.1 1.1 1.1 1.1", 10);
    for (uint32_t i = 0; i < ROUNDS; i++)
        rounds[i] = round_ns(&f, instrument);
    bench_print(metric, bench_median(rounds, ROUNDS), "ns");
    paper_test_fini(&f);
}

int main(void)
{
    measure("paper_record_idle_ns", EURUSD, false, false);
    measure("paper_record_other_instrument_ns", GBPUSD, true, false);
    measure("paper_record_five_positions_ns", EURUSD, true, false);
    measure("paper_record_eager_ns", EURUSD, false, true);
    return 0;
}
