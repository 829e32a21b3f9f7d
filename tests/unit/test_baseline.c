/* Seasonal volume baselines: the feed's hours and the reader's medians, against a naive recomputation. */
#include "shm/baseline.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/hash.h"
#include "shm/layout.h"
#include "tests/unit/feed_support.h"
#include "workers/feed/merge.h"
#include "workers/feed/season.h"

#define CAPACITY 16u
#define HOURS_MAX 20000u
#define NO_LIMIT UINT64_MAX

static struct history *history;

static int setup(void **state)
{
    (void)state;
    size_t size = history_size_bytes(CONFIG_INSTRUMENTS_MAX, CAPACITY);
    size = (size + SHM_LINE_BYTES - 1) / SHM_LINE_BYTES * SHM_LINE_BYTES;
    void *memory = aligned_alloc(SHM_LINE_BYTES, size);
    history = memory ? history_init(memset(memory, 0, size), CONFIG_INSTRUMENTS_MAX, CAPACITY, 1) : NULL;
    return history ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(history);
    return 0;
}

/* --- the naive side: every hour of one instrument, kept in a list ------------------------------------------- */

struct naive {
    struct history_hour hours[HOURS_MAX];
    uint32_t count;
};

static int compare_dec(const void *a, const void *b)
{
    dec_t x = *(const dec_t *)a, y = *(const dec_t *)b;
    return (x > y) - (x < y);
}

/* The median of the last 20 before the hour, known at up_to_seq, whose open fulfils the period (168 or 24 hours). */
static uint32_t naive_median(const struct naive *n, int64_t open_ns, uint64_t up_to_seq, int64_t period, double *out)
{
    dec_t values[20];
    uint32_t count = 0;
    for (uint32_t i = n->count; i-- > 0 && count < 20;)
        if (n->hours[i].seq <= up_to_seq && n->hours[i].open_ns < open_ns &&
            (open_ns - n->hours[i].open_ns) % (period * SUPPORT_HOUR_NS) == 0)
            values[count++] = n->hours[i].volume;
    qsort(values, count, sizeof values[0], compare_dec);
    if (count > 0)
        *out = ((double)values[(count - 1) / 2] / (double)DEC_ONE + (double)values[count / 2] / (double)DEC_ONE) / 2;
    return count;
}

static void expect_baseline(const struct naive *n, uint32_t instrument, int64_t time_ns, uint64_t up_to_seq)
{
    struct baseline got;
    double want = 0;
    int64_t open_ns = time_ns - time_ns % SUPPORT_HOUR_NS;
    uint32_t count = naive_median(n, open_ns, up_to_seq, 168, &want);
    bool of_day = count < BASELINE_LEAST;
    if (of_day)
        count = naive_median(n, open_ns, up_to_seq, 24, &want);
    assert_int_equal(baseline_read(history, instrument, time_ns, up_to_seq, &got), count ? SHM_OK : SHM_EMPTY);
    if (count == 0)
        return;
    assert_int_equal(got.occurrences, count);
    assert_int_equal(got.of_day, of_day);
    assert_true(got.volume == want);
}

static void add_hour(struct naive *n, uint64_t seq, int64_t open_ns, dec_t volume)
{
    n->hours[n->count] = (struct history_hour){.seq = seq, .open_ns = open_ns, .volume = volume};
    history_hour_append(history, 0, &n->hours[n->count++]);
    assert_true(n->count < HOURS_MAX);
}

/* --- tests ------------------------------------------------------------------------------------------------------ */

static struct naive naive;

/* Hours at random, with holes; asked at random, also from behind. */
static void medians_are_those_of_a_naive_recomputation(void **state)
{
    (void)state;
    memset(&naive, 0, sizeof naive);
    int64_t open_ns = SUPPORT_MONDAY_S * SUPPORT_S;
    for (uint64_t seq = 1; seq < 40 * 168; seq++, open_ns += SUPPORT_HOUR_NS) {
        uint64_t h = hash_mix64(seq);
        if (h % 5 != 0)
            add_hour(&naive, seq, open_ns, (dec_t)(h >> 40) * DEC_ONE / 3);
        expect_baseline(&naive, 0, open_ns, NO_LIMIT);
        uint64_t behind = hash_mix64(h) % (20 * 168);
        if (behind < seq)
            expect_baseline(&naive, 0, open_ns - (int64_t)behind * SUPPORT_HOUR_NS + 59 * SUPPORT_MINUTE_NS, seq - behind);
    }
    struct baseline got;
    assert_int_equal(baseline_read(history, 1, open_ns, NO_LIMIT, &got), SHM_EMPTY);
    assert_int_equal(baseline_read(history, CONFIG_INSTRUMENTS_MAX, open_ns, NO_LIMIT, &got), SHM_CORRUPT);
}

static void of_the_day_until_ten(void **state)
{
    (void)state;
    memset(&naive, 0, sizeof naive);
    struct baseline got;
    int64_t monday_ns = SUPPORT_MONDAY_S * SUPPORT_S;
    for (int64_t day = 0; day < 7 * 9; day++)
        add_hour(&naive, (uint64_t)day + 1, monday_ns + day * 24 * SUPPORT_HOUR_NS, (dec_t)(day + 1) * DEC_ONE);
    int64_t next_ns = monday_ns + 63 * 24 * SUPPORT_HOUR_NS;
    assert_int_equal(baseline_read(history, 0, next_ns, NO_LIMIT, &got), SHM_OK);
    assert_true(got.of_day && got.occurrences == 20 && got.volume == 53.5); /* 44 .. 63 */
    add_hour(&naive, 64, next_ns, 1000 * DEC_ONE);
    assert_int_equal(baseline_read(history, 0, next_ns, NO_LIMIT, &got), SHM_OK);
    assert_true(got.of_day && got.volume == 53.5); /* the hour itself does not count */
    assert_int_equal(baseline_read(history, 0, next_ns + 168 * SUPPORT_HOUR_NS, NO_LIMIT, &got), SHM_OK);
    assert_true(!got.of_day && got.occurrences == 10 && got.volume == (29 + 36) / 2.0); /* 1 8 .. 57, 1000 */
}

/* Every hour that the season gives out of a whole sequence, against sums over the records. */
static void expect_hours_of(const struct fleet_config *config)
{
    static struct naive lists[CONFIG_INSTRUMENTS_MAX];
    static dec_t sums[CONFIG_INSTRUMENTS_MAX][HOURS_MAX];
    static int64_t first_ns[CONFIG_INSTRUMENTS_MAX];
    static bool had[CONFIG_INSTRUMENTS_MAX][HOURS_MAX];
    struct error err = {0};
    struct season season;
    struct feed_item item;
    struct history_hour hour;
    uint32_t instrument;
    const int64_t zero_h = (SUPPORT_MONDAY_S - 30 * 86400) / 3600;
    memset(lists, 0, sizeof lists);
    memset(sums, 0, sizeof sums);
    memset(had, 0, sizeof had);
    memset(first_ns, 0, sizeof first_ns);
    struct merge *merge = merge_open(config, NULL, &err);
    if (!merge)
        fail_msg("%s", err.text);
    season_init(&season, config);
    int64_t end_ns = 0;
    for (uint64_t seq = 1; merge_next(merge, &item, &err) == 1; seq++) {
        const struct market_record *r = &item.record;
        end_ns = r->time_ns;
        while (season_over(&season, &item, &instrument, &hour)) {
            assert_true(r->kind == MARKET_BAR ? hour.open_ns + SUPPORT_HOUR_NS < r->time_ns
                                              : hour.open_ns + SUPPORT_HOUR_NS <= r->time_ns);
            hour.seq = seq;
            lists[instrument].hours[lists[instrument].count++] = hour;
        }
        season_add(&season, &item);
        if (r->kind == MARKET_END || (r->kind == MARKET_BAR && !(r->flags & MARKET_BASE)))
            continue;
        if (first_ns[r->instrument] == 0)
            first_ns[r->instrument] = item.open_ns;
        int64_t at = (r->kind == MARKET_BAR ? r->time_ns - 1 : r->time_ns) / SUPPORT_HOUR_NS - zero_h;
        assert_in_range(at, 0, HOURS_MAX - 1);
        sums[r->instrument][at] += r->kind == MARKET_BAR ? r->u.bar.volume : DEC_ONE;
        had[r->instrument][at] = true;
    }
    merge_close(&merge);
    for (uint32_t i = 0; i < config->instrument_count; i++) {
        uint32_t count = 0;
        for (uint32_t at = 0; at < HOURS_MAX && config->instruments[i].volume_kind != VOLUME_NONE; at++) {
            int64_t open_ns = (zero_h + at) * SUPPORT_HOUR_NS;
            if (!had[i][at] || open_ns < first_ns[i] || open_ns + SUPPORT_HOUR_NS > end_ns)
                continue;
            assert_true(count < lists[i].count);
            assert_int_equal(lists[i].hours[count].open_ns, open_ns);
            assert_int_equal(lists[i].hours[count].volume, sums[i][at]);
            count++;
        }
        assert_int_equal(lists[i].count, count);
        assert_true(count > 0 || config->instruments[i].volume_kind == VOLUME_NONE);
    }
}

static void hours_of_bars(void **state)
{
    (void)state;
    struct fleet_config *config = support_config(4);
    support_bars(config, 0, "m1.csv", SUPPORT_MONDAY_S + 60, 60, 9000, 1); /* the first minute is missing */
    support_bars(config, 1, "m5.csv", SUPPORT_MONDAY_S, 300, 4000, 2);
    support_bars(config, 2, "h1.csv", SUPPORT_MONDAY_S, 3600, 900, 3);
    support_bars(config, 3, "none.csv", SUPPORT_MONDAY_S, 900, 900, 4);
    config->instruments[3].volume_kind = VOLUME_NONE;
    expect_hours_of(config);
}

static void hours_of_the_simulator(void **state)
{
    (void)state;
    expect_hours_of(support_simulator(7, 20));
    struct fleet_config *quotes = support_simulator(8, 10);
    quotes->feed.sim_quotes = true;
    expect_hours_of(quotes);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(medians_are_those_of_a_naive_recomputation),
        T(of_the_day_until_ten),
        T(hours_of_bars),
        T(hours_of_the_simulator),
    };
    return cmocka_run_group_tests_name("baseline", tests, NULL, NULL);
}
