/* The paper venue over random markets: properties of every fill, lazy equals eager, crashes change nothing.
 * PAPER_SEED=n plays one seed, PAPER_SEEDS=n that many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/paper_random.h"

#include "base/error.h"

#define SEEDS 30u

static uint64_t first_seed(void)
{
    const char *text = getenv("PAPER_SEED");
    return text ? strtoull(text, NULL, 10) : 1;
}

static uint64_t seed_count(void)
{
    const char *text = getenv("PAPER_SEEDS");
    return text ? strtoull(text, NULL, 10) : getenv("PAPER_SEED") ? 1 : SEEDS;
}

static void start(struct paper_test *f, uint64_t seed, uint32_t account)
{
    paper_test_init(f);
    f->account = account;
    if (account != 0) { /* the same account elsewhere in the list, with another before it */
        struct config_account alpha = f->config->accounts[0];
        f->config->accounts[0] = f->config->accounts[account];
        f->config->accounts[account] = alpha;
    }
    random_configure(f, seed);
    paper_test_open(f);
}

/* --- properties of one run ------------------------------------------------------------------------------- */

struct tally { /* of one order */
    dec_t cum;
    bool final;
};

#define INTENTS_MAX 9000u
static uint32_t seen_reasons[BROKER_REASON_COUNT], seen_types[256];

static void check_quote(const struct random_script *s, const struct broker_report *r)
{
    const struct market_record *m = &s->records[r->created_seq - 1];
    assert_int_equal(m->instrument, r->instrument);
    if (m->kind == MARKET_QUOTE) {
        assert_true(r->quote_bid == m->u.quote.bid);
        assert_true(r->time_ns == m->time_ns);
    } else {
        assert_int_equal(m->kind, MARKET_BAR);
        assert_true(r->quote_bid >= m->u.bar.low && r->quote_bid <= m->u.bar.high);
        assert_true(r->time_ns >= m->time_ns - 60 * SECOND && r->time_ns < m->time_ns);
    }
    /* nothing is bought below the ask or sold above the bid */
    assert_true(r->side == SIDE_BUY ? r->last_price >= r->quote_ask : r->last_price <= r->quote_bid);
}

static const struct broker_request *find_request(const struct random_script *s, uint64_t intent)
{
    for (uint32_t i = 0; i < s->request_count; i++)
        if (s->requests[i].intent == intent)
            return &s->requests[i];
    return NULL;
}

static void check_against_request(const struct random_script *s, const struct broker_report *r)
{
    const struct broker_request *q = find_request(s, r->intent);
    if (!q)
        return;
    assert_true(r->created_seq > q->seq);
    assert_true(r->time_ns >= q->time_ns);
    if (q->type == ORDER_MARKET)
        assert_true(r->time_ns >= q->time_ns + r->latency_ns);
    if (q->type == ORDER_LIMIT)
        assert_true(r->side == SIDE_BUY ? r->last_price <= r->price : r->last_price >= r->price);
}

static void check_trade(const struct random_script *s, const struct broker_report *r, struct tally *t, dec_t *positions,
                        uint64_t *exec)
{
    assert_true(r->exec_id == ++*exec);
    assert_true(r->last_qty > 0);
    if (r->intent != 0) {
        t->cum += r->last_qty;
        assert_true(t->cum == r->cum_qty);
    }
    assert_true(r->cum_qty <= r->qty);
    assert_true(r->position != 0 && r->position < INTENTS_MAX);
    positions[r->position] += r->intent == r->position ? r->last_qty : -r->last_qty;
    assert_true(positions[r->position] >= 0);
    check_quote(s, r);
    check_against_request(s, r);
}

static void check_run(const struct random_script *s, const struct paper_test *f)
{
    struct tally *tallies = calloc(INTENTS_MAX, sizeof *tallies);
    dec_t *positions = calloc(INTENTS_MAX, sizeof *positions);
    assert_non_null(tallies);
    assert_non_null(positions);
    dec_t balance = f->config->accounts[f->account].initial_balance;
    int64_t due_ns = 0;
    uint64_t exec = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        const struct broker_report *r = &f->reports[i];
        assert_true(r->intent < INTENTS_MAX);
        struct tally *t = &tallies[r->intent];
        seen_types[r->exec_type]++;
        seen_reasons[r->reason]++;
        assert_true(r->id == i + 1 && r->due_ns >= due_ns && r->due_ns >= r->time_ns);
        due_ns = r->due_ns;
        assert_true(r->created_seq <= f->delivered_seq[i]);
        assert_true(s->records[f->delivered_seq[i] - 1].time_ns >= r->due_ns);
        balance += r->realized + r->commission + r->swap;
        if (r->exec_type == EXEC_TRADE)
            check_trade(s, r, t, positions, &exec);
        else
            assert_true(r->realized == 0 && r->commission == 0 && (r->swap == 0 || r->exec_type == EXEC_POSTING));
        if (r->exec_type != EXEC_CANCEL_REJECT && r->exec_type != EXEC_POSTING && r->intent != 0) {
            assert_false(t->final); /* nothing follows the last word */
            t->final = r->final;
        }
    }
    struct broker_position_view views[BROKER_POSITIONS_MAX];
    int count = f->broker->ops->positions(f->broker, views, BROKER_POSITIONS_MAX);
    if (f->passed != 0) {
        struct broker_account_view view;
        f->broker->ops->account(f->broker, &view);
        if (view.last_report == f->passed) { /* everything has been delivered */
            assert_true(view.balance == balance);
            for (int i = 0; i < count; i++) {
                assert_true(positions[views[i].position] == views[i].qty);
                positions[views[i].position] = 0;
            }
            for (uint32_t i = 0; i < INTENTS_MAX; i++)
                assert_true(positions[i] == 0);
        }
    }
    free(tallies);
    free(positions);
}

/* Each report was delivered with the first record that it could be delivered with. */
static void check_delivery(const struct random_script *s, const struct paper_test *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        uint64_t seq = f->delivered_seq[i], before = seq - 1;
        if (before >= f->reports[i].created_seq)
            assert_true(s->records[before - 1].time_ns < f->reports[i].due_ns);
    }
}

/* --- tests ---------------------------------------------------------------------------------------------- */

static void every_run_conserves(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed(); seed < first_seed() + seed_count(); seed++) {
        struct random_script s;
        struct paper_test f;
        random_script_init(&s, seed);
        start(&f, seed, 0);
        random_play_new(&s, &f);
        check_run(&s, &f);
        check_delivery(&s, &f);
        paper_test_fini(&f);
        random_script_fini(&s);
    }
    static const unsigned reasons[] = {BROKER_MARKET_CLOSED, BROKER_OFF_QUOTES, BROKER_STOP_LEVEL, BROKER_NO_MARGIN,
                                       BROKER_UNKNOWN_ORDER, BROKER_NO_POSITION, BROKER_RANDOM, BROKER_OCO, BROKER_STOP_OUT,
                                       BROKER_IOC_REMAINDER, BROKER_TOO_LATE, BROKER_BAD_QTY};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        print_message("%s %u, ", broker_reason_name(reasons[i]), seen_reasons[reasons[i]]);
    for (const char *type = "0458FD9P"; *type; type++)
        print_message("%c %u%s", *type, seen_types[(unsigned char)*type], type[1] ? ", " : "\n");
    if (seed_count() < SEEDS)
        return;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (seen_reasons[reasons[i]] == 0)
            fail_msg("no run reached %s: the scripts are too tame", broker_reason_name(reasons[i]));
    for (const char *type = "0458FD9P"; *type; type++)
        assert_true(seen_types[(unsigned char)*type] > 0);
}

/* Against `f`, which has played the script. */
static void compare(struct random_script *s, struct paper_test *f, struct paper_test *g)
{
    random_assert_same(f, g, s->seed);
    if (random_book_hash(f) != random_book_hash(g))
        fail_msg("seed %llu: the books differ", (unsigned long long)s->seed);
}

static void lazy_equals_eager(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed(); seed < first_seed() + seed_count(); seed++) {
        struct random_script s;
        struct paper_test lazy, eager;
        random_script_init(&s, seed);
        start(&lazy, seed, 0);
        random_play_new(&s, &lazy);
        start(&eager, seed, 0);
        paper_set_eager(eager.broker, true);
        random_play_again(&s, &eager);
        compare(&s, &lazy, &eager);
        paper_test_fini(&lazy);
        paper_test_fini(&eager);
        random_script_fini(&s);
    }
}

static void twice_is_the_same_and_so_is_another_place_in_the_list(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed(); seed < first_seed() + seed_count(); seed++) {
        struct random_script s;
        struct paper_test a, b;
        random_script_init(&s, seed);
        start(&a, seed, 0);
        random_play_new(&s, &a);
        start(&b, seed, 1);
        random_play_again(&s, &b);
        compare(&s, &a, &b);
        paper_test_fini(&a);
        paper_test_fini(&b);
        random_script_fini(&s);
    }
}

/* --- crashes ----------------------------------------------------------------------------------------------- */

/* What the account has made durable: it stands at `seq` and has passed reports up to `passed`; its snapshot, before
 * which the venue made a checkpoint, is older: from there it is fed again. */
struct durable {
    uint64_t seq, passed, snapshot_seq;
    uint32_t requests, count;
};

struct crash_run {
    const struct random_script *script;
    struct paper_test *test;
    struct durable durable;
    uint64_t random;
    uint32_t next_request, crashes;
    bool ask_first; /* after this crash: ask again before any record is fed again */
};

static void crash(struct crash_run *c)
{
    struct paper_test *f = c->test;
    const struct durable *d = &c->durable;
    store_memory_fail(f->store, 0);
    paper_test_crash(f);
    c->crashes++;
    c->ask_first = random_below(&c->random, 2) == 0;
    f->seq = d->snapshot_seq;
    f->time_ns = f->seq > 0 ? c->script->records[f->seq - 1].time_ns : PAPER_T0;
    f->passed = d->passed;
    f->count = d->count;
    /* Those decided at its last record may not have been sent, those before it have. */
    c->next_request = d->requests;
}

/* True: it crashed. Often with an operation whose commit fails (a death in the middle of it). */
static bool maybe_crash(struct crash_run *c, uint64_t per_mille, bool request_due)
{
    if (random_below(&c->random, 1000) >= per_mille)
        return false;
    if (request_due) {
        store_memory_fail(c->test->store, 5 /* EIO */);
        (void)c->test->broker->ops->send(c->test->broker, &c->script->requests[c->next_request], NULL);
    } else if (random_below(&c->random, 2) == 0 && c->test->seq < c->script->record_count) {
        store_memory_fail(c->test->store, 5);
        (void)c->test->broker->ops->on_record(c->test->broker, &c->script->records[c->test->seq], NULL);
    }
    crash(c);
    return true;
}

static bool is_request_due(const struct crash_run *c)
{
    if (c->next_request == c->script->request_count)
        return false;
    uint64_t seq = c->script->requests[c->next_request].seq;
    return seq == c->test->seq || (c->ask_first && seq <= c->durable.seq);
}

/* Write, then act: what was decided at this record is durable before it is sent. */
static void make_durable(struct crash_run *c)
{
    struct paper_test *f = c->test;
    if (f->seq < c->durable.seq)
        return; /* still catching up */
    c->ask_first = false;
    c->durable.seq = f->seq;
    c->durable.passed = f->passed;
    c->durable.requests = c->next_request;
    c->durable.count = f->count;
    if (random_below(&c->random, 4) == 0) {
        assert_int_equal(f->broker->ops->checkpoint(f->broker, NULL), 0);
        c->durable.snapshot_seq = f->seq;
    }
}

static void crash_play(struct crash_run *c)
{
    struct paper_test *f = c->test;
    while (f->seq < c->script->record_count || c->next_request < c->script->request_count) {
        if (maybe_crash(c, is_request_due(c) ? 50 : 5, is_request_due(c)))
            continue;
        if (is_request_due(c)) {
            paper_test_send(f, &c->script->requests[c->next_request++]);
            continue;
        }
        if (f->seq == c->script->record_count)
            break;
        paper_test_record(f, &c->script->records[f->seq]);
        if (is_request_due(c) || random_below(&c->random, 20) == 0)
            make_durable(c);
        if (random_below(&c->random, 30) == 0)
            f->broker->ops->acknowledge(f->broker, c->durable.passed);
        if (random_below(&c->random, 30) == 0)
            assert_int_equal(f->broker->ops->checkpoint(f->broker, NULL), 0);
    }
}

static void crashes_change_nothing(void **state)
{
    (void)state;
    uint32_t crashes = 0;
    for (uint64_t seed = first_seed(); seed < first_seed() + seed_count(); seed++) {
        struct random_script s;
        struct paper_test whole, broken;
        random_script_init(&s, seed);
        start(&whole, seed, 0);
        random_play_new(&s, &whole);
        start(&broken, seed, 0);
        struct crash_run c = {.script = &s, .test = &broken, .random = seed * 31};
        crash_play(&c);
        compare(&s, &whole, &broken);
        crashes += c.crashes;
        paper_test_fini(&whole);
        paper_test_fini(&broken);
        random_script_fini(&s);
    }
    print_message("%u crashes\n", crashes);
    assert_true(crashes > 0);
}

int main(void)
{
    print_message("seeds %llu to %llu\n", (unsigned long long)first_seed(),
                  (unsigned long long)(first_seed() + seed_count() - 1));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_run_conserves),
        cmocka_unit_test(lazy_equals_eager),
        cmocka_unit_test(twice_is_the_same_and_so_is_another_place_in_the_list),
        cmocka_unit_test(crashes_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
