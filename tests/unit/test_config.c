/* The compiled configuration: sealing, mapping, every corruption by hand, merging, digests; and what ships. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "config/tables.h"
#include "shm/market.h"
#include "test_config_support.h"

/* Too large for a stack. */
static struct fleet_config good, changed, other;

static int load_good(void **state)
{
    (void)state;
    support_begin();
    if (support_load(&(struct loader_options){.config_dir = support_shipped, .state_dir = "/s", .runtime_dir = "/r"}) !=
        0) {
        fprintf(stderr, "%s\n", support_report.errors[0].text);
        return -1;
    }
    memcpy(&good, &support_config, sizeof good);
    return 0;
}

/* --- sealing and mapping ------------------------------------------------------------- */

static void test_seal_and_map(void **state)
{
    struct error err = {0};
    (void)state;
    int fd = config_seal(&good, &err);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    const struct fleet_config *mapped = config_map(fd, &err);
    assert_non_null(mapped);
    assert_memory_equal(mapped, &good, sizeof good);
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_ptr_equal(mmap(NULL, sizeof good, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    config_unmap(mapped);
    config_unmap(NULL);
    close(fd);
}

static void test_map_refuses_what_is_not_sealed(void **state)
{
    struct error err = {0};
    (void)state;
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(write(fd, &good, sizeof good), sizeof good);
    assert_null(config_map(fd, &err));
    assert_int_equal(err.code, EPERM);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0); /* some are not all */
    assert_null(config_map(fd, &err));
    assert_int_equal(config_seal_fd(fd, &err), 0);
    const struct fleet_config *mapped = config_map(fd, &err);
    assert_non_null(mapped);
    config_unmap(mapped);
    close(fd);
    int file = open(support_shipped, O_RDONLY | O_CLOEXEC);
    assert_null(config_map(file, &err)); /* no memfd at all */
    close(file);
    assert_null(config_map(-1, &err));
}

static void test_map_refuses_a_wrong_size(void **state)
{
    static const size_t sizes[] = {0, 1, sizeof good - 1, sizeof good + 1};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct error err = {0};
        int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        assert_int_equal(ftruncate(fd, (off_t)sizes[i]), 0);
        assert_int_equal(config_seal_fd(fd, &err), 0);
        assert_null(config_map(fd, &err));
        assert_int_equal(err.code, EINVAL);
        close(fd);
    }
}

/* --- every corruption ------------------------------------------------------------------- */

/* One wrong value in `changed`, with a digest that agrees: only the check of that field can refuse it. */
#define CORRUPTIONS(X)                                                                                                 \
    X("zone_count", zone_count = CONFIG_ZONES_MAX + 1)                                                                 \
    X("instrument_count", instrument_count = CONFIG_INSTRUMENTS_MAX + 1)                                               \
    X("programme_count", programme_count = CONFIG_PROGRAMMES_MAX + 1)                                                  \
    X("personality_count", personality_count = CONFIG_PERSONALITIES_MAX + 1)                                           \
    X("account_count", account_count = CONFIG_ACCOUNTS_MAX + 1)                                                        \
    X("account_count", account_count = UINT32_MAX)                                                                     \
    X("log_level", log_level = 4)                                                                                      \
    X("log_json", log_json = 2)                                                                                        \
    X("swap_zone", swap_zone = c->zone_count)                                                                          \
    X("swap_second", swap_second = 86400)                                                                              \
    X("swap_second", swap_second = -1)                                                                                 \
    X("feed.source", feed.source = 2)                                                                                  \
    X("feed.speed", feed.speed = -1)                                                                                   \
    X("feed.speed", feed.speed = (double)NAN)                                                                          \
    X("feed.from_ns", feed.from_ns = -1)                                                                               \
    X("feed.to_ns", feed.to_ns = (c->feed.from_ns = 10) - 1)                                                           \
    X("feed.ring_slots", feed.ring_slots = 0)                                                                          \
    X("feed.ring_slots", feed.ring_slots = 4097)                                                                       \
    X("feed.ring_slots", feed.ring_slots = 512)                                                                        \
    X("feed.ring_slots", feed.ring_slots = 1u << 31)                                                                   \
    X("feed.history_bars", feed.history_bars = 3)                                                                      \
    X("feed.history_bars", feed.history_bars = 1)                                                                      \
    X("feed.sim_timeframe", feed.sim_timeframe = TIMEFRAME_H4)                                                         \
    X("feed.day_zone", feed.day_zone = UINT32_MAX)                                                                     \
    X("feed.day_start_s", feed.day_start_s = 86400)                                                                    \
    X("coordination.joint_risk_fraction", coordination.joint_risk_fraction = DEC_ONE + 1)                              \
    X("coordination.permit_validity_ns", coordination.permit_validity_ns = 0)                                          \
    X("coordination.round_timeout_ns", coordination.round_timeout_ns = -1)                                             \
    X("coordination.request_timeout_ns", coordination.request_timeout_ns = 0)                                          \
    X("store.map_bytes", store.map_bytes = 0)                                                                          \
    X("store.reserve_bytes", store.reserve_bytes = UINT64_MAX)                                                         \
    X("supervisor.start_deadline_ns", supervisor.start_deadline_ns = 0)                                                \
    X("supervisor.ready_deadline_ns", supervisor.ready_deadline_ns = 0)                                                \
    X("supervisor.stop_deadline_ns", supervisor.stop_deadline_ns = 0)                                                  \
    X("supervisor.abort_grace_ns", supervisor.abort_grace_ns = 0)                                                      \
    X("supervisor.heartbeat_timeout_ns", supervisor.heartbeat_timeout_ns = 0)                                          \
    X("supervisor.sync_timeout_ns", supervisor.sync_timeout_ns = 0)                                                    \
    X("supervisor.ping_interval_ns", supervisor.ping_interval_ns = 0)                                                  \
    X("supervisor.ping_timeout_ns", supervisor.ping_timeout_ns = 0)                                                    \
    X("supervisor.backoff_first_ns", supervisor.backoff_first_ns = -1)                                                 \
    X("supervisor.backoff_max_ns", supervisor.backoff_max_ns = 0)                                                      \
    X("supervisor.deaths_max", supervisor.deaths_max = 0)                                                              \
    X("supervisor.death_window_ns", supervisor.death_window_ns = 0)                                                    \
    X("supervisor.storm_deaths_max", supervisor.storm_deaths_max = 0)                                                  \
    X("supervisor.storm_window_ns", supervisor.storm_window_ns = 0)                                                    \
    X("supervisor.storm_hold_ns", supervisor.storm_hold_ns = -1)                                                       \
    X("supervisor.log_bytes_per_turn", supervisor.log_bytes_per_turn = 0)                                              \
    X("supervisor.log_queue_bytes", supervisor.log_queue_bytes = 0)                                                    \
    X("supervisor.alert_repeat_ns", supervisor.alert_repeat_ns = 0)                                                    \
    X("zones[0].name", zones[0].name[0] = 0)                                                                           \
    X("zones[0].transition_count", zones[0].transition_count = TZ_TRANSITIONS_MAX + 1)                                 \
    X("zones[0].first_offset_s", zones[0].first_offset_s = 86400)                                                      \
    X("zones[0].offset_s[i]", zones[0].offset_s[3] = -86400)                                                           \
    X("zones[0].at_s", zones[0].at_s[3] = c->zones[0].at_s[2])                                                         \
    X("instruments[1].symbol", instruments[1].symbol[0] = 0)                                                           \
    X("instruments[1].asset_class", instruments[1].asset_class = ASSET_FUTURE + 1)                                     \
    X("instruments[1].tick", instruments[1].tick = 0)                                                                  \
    X("instruments[1].tick", instruments[1].tick = DEC_NONE)                                                           \
    X("instruments[1].contract_size", instruments[1].contract_size = 0)                                                \
    X("instruments[1].lot_min", instruments[1].lot_min = 0)                                                            \
    X("instruments[1].lot_step", instruments[1].lot_step = 0)                                                          \
    X("instruments[1].lot_max", instruments[1].lot_max = c->instruments[1].lot_min - 1)                                \
    X("instruments[1].commission_per_lot", instruments[1].commission_per_lot = -1)                                     \
    X("instruments[1].swap_long_points", instruments[1].swap_long_points = DEC_NONE)                                   \
    X("instruments[1].swap_short_points", instruments[1].swap_short_points = DEC_NONE)                                 \
    X("instruments[1].triple_swap_weekday", instruments[1].triple_swap_weekday = 7)                                    \
    X("instruments[1].margin_rate", instruments[1].margin_rate = 0)                                                    \
    X("instruments[1].stop_level_ticks", instruments[1].stop_level_ticks = -1)                                         \
    X("instruments[1].spread_ticks", instruments[1].spread_ticks = -1)                                                 \
    X("instruments[1].level_size_lots", instruments[1].level_size_lots = 0)                                            \
    X("instruments[1].catastrophic_move", instruments[1].catastrophic_move = 0)                                        \
    X("instruments[1].session_zone", instruments[1].session_zone = c->zone_count)                                      \
    X("instruments[1].session_open_s", instruments[1].session_open_s = -1)                                             \
    X("instruments[1].session_close_s", instruments[1].session_close_s = 86400)                                        \
    X("instruments[1].timeframes", instruments[1].timeframes = 1u << TIMEFRAME_COUNT)                                  \
    X("instruments[1].timeframes", instruments[1].timeframes = 0)                                                      \
    X("instruments[1].conversion_instrument", instruments[1].conversion_instrument = c->instrument_count)              \
    X("instruments[1].sim_start_price", instruments[1].sim_start_price = 0)                                            \
    X("instruments[1].sim_volatility_year", instruments[1].sim_volatility_year = (double)INFINITY)                     \
    X("instruments[1].sim_loading[2]", instruments[1].sim_loading[2] = 1.5)                                            \
    X("instruments[1].sim_jumps_year", instruments[1].sim_jumps_year = -1)                                             \
    X("instruments[1].file_kind", instruments[1].file_kind = 3)                                                        \
    X("instruments[1].file_timeframe", instruments[1].file_timeframe = TIMEFRAME_COUNT)                                \
    X("instruments[1].price_kind", instruments[1].price_kind = 3)                                                      \
    X("instruments[1].volume_kind", instruments[1].volume_kind = 3)                                                    \
    X("instruments[1].file_from_ns", instruments[1].file_from_ns = -1)                                                 \
    X("instruments[1].file_to_ns", instruments[1].file_to_ns = -1)                                                     \
    X("instruments[0].file_kind", feed.source = SOURCE_DATASET)                                                        \
    X("programmes[0].firm", programmes[0].firm[0] = 0)                                                                 \
    X("programmes[0].name", programmes[0].name[0] = 0)                                                                 \
    X("programmes[0].phase", programmes[0].phase[0] = 0)                                                               \
    X("programmes[0].zone", programmes[0].zone = c->zone_count)                                                        \
    X("programmes[0].day_start_s", programmes[0].day_start_s = 86400)                                                  \
    X("programmes[0].floor_count", programmes[0].floor_count = CONFIG_FLOORS_MAX + 1)                                  \
    X("programmes[0].buffer_fraction", programmes[0].buffer_fraction = -1)                                             \
    X("programmes[0].lots_per_order_max", programmes[0].lots_per_order_max = -1)                                       \
    X("programmes[0].floors[1].id", programmes[0].floors[1].id[0] = 0)                                                 \
    X("programmes[0].floors[1].kind", programmes[0].floors[1].kind = 2)                                                \
    X("programmes[0].floors[1].anchor", programmes[0].floors[1].anchor = ANCHOR_DAY_PEAK + 1)                          \
    X("programmes[0].floors[1].breach", programmes[0].floors[1].breach = 2)                                            \
    X("programmes[0].floors[1].effect", programmes[0].floors[1].effect = 2)                                            \
    X("programmes[0].floors[1].allowance_abs", programmes[0].floors[1].allowance_abs = -1)                             \
    X("programmes[0].floors[1].allowance_fraction", programmes[0].floors[1].allowance_fraction = 0)                    \
    X("programmes[0].floors[1].cap_offset", programmes[0].floors[1].cap_offset = DEC_NONE)                             \
    X("programmes[0].size_count", programmes[0].size_count = CONFIG_SIZES_MAX + 1)                                     \
    X("programmes[0].initial", programmes[0].initial = -1)                                                             \
    X("programmes[0].rules.day_count", programmes[0].rules.day_count = 0)                                              \
    X("programmes[0].rules.day_count", programmes[0].rules.day_count = RULES_DAYS_MAX + 1)                             \
    X("programmes[0].rules.days[1].zone", programmes[0].rules.days[1].zone = c->zone_count)                            \
    X("programmes[0].rules.days[0].at_s", programmes[0].rules.days[0].at_s = 86400)                                    \
    X("programmes[0].rules.max_age_days", programmes[0].rules.max_age_days = 100000)                                   \
    X("programmes[0].rules.sources[13].count", programmes[0].rules.source_count = 13)                                  \
    X("programmes[0].rules.floors[7].count", programmes[0].rules.floor_count = 7)                                      \
    X("programmes[0].rules.floors[0].id", programmes[0].rules.floors[0].head.id[0] = 0)                                \
    X("programmes[0].rules.floors[0].sources", programmes[0].rules.floors[0].head.sources = 1u << 12)                  \
    X("programmes[0].rules.floors[0].confidence", programmes[0].rules.floors[0].head.confidence = 8)                   \
    X("programmes[0].rules.floors[0].severity", programmes[0].rules.floors[0].head.severity = 3)                       \
    X("programmes[0].rules.floors[0].anchor", programmes[0].rules.floors[0].anchor = RULES_ANCHOR_COUNT)               \
    X("programmes[0].rules.floors[0].breach", programmes[0].rules.floors[0].breach = 2)                                \
    X("programmes[0].rules.floors[0].days", programmes[0].rules.floors[0].days = 8)                                    \
    X("programmes[0].rules.floors[0].days", programmes[0].rules.floors[0].days = 0)                                    \
    X("programmes[0].rules.floors.allowance[0].kind", programmes[0].rules.floors[0].allowance.kind = 6)                \
    X("programmes[0].rules.floors.allowance[0].value", programmes[0].rules.floors[0].allowance.value = DEC_ONE + 1)    \
    X("programmes[0].rules.floors.allowance[0].tier_count", programmes[0].rules.floors[0].allowance.tier_count = 7)    \
    X("programmes[0].rules.floors.allowance[0].tier_count", programmes[0].rules.floors[0].allowance.tier_count = 1)    \
    X("programmes[0].rules.exposures[0].instruments",                                                                  \
      programmes[0].rules.exposures[0].instruments = 1u << c->instrument_count)                                        \
    X("programmes[0].rules.exposures[0].weight[i]", programmes[0].rules.exposures[0].weight[3] = -1)                   \
    X("programmes[0].rules.holds[0].tau_s", programmes[0].rules.holds[0].tau_s = 0)                                    \
    X("programmes[0].rules.direction[0].group_count", programmes[0].rules.direction.group_count = RULES_GROUPS_MAX + 1) \
    X("programmes[0].rules.cross[0].copy", programmes[0].rules.cross.copy = RULES_COPY_INDEPENDENT + 1)                \
    X("programmes[0].rules.conduct[0].automation", programmes[0].rules.conduct.automation = RULES_MANUAL_ONLY + 1)     \
    X("programmes[0].rules.conduct[0].hosts_refused", programmes[0].rules.conduct.hosts_refused = 32)                  \
    X("programmes[0].rules.life[0].stage", programmes[0].rules.life.stage = 2)                                         \
    X("programmes[0].rules.guard[0].warn_fraction", programmes[0].rules.guard.warn_fraction = -1)                      \
    X("host", host = RULES_HOST_REMOTE + 1)                                                                            \
    X("mode", mode = RULES_MANUAL + 1)                                                                                 \
    X("personalities[2].name", personalities[2].name[0] = 0)                                                           \
    X("personalities[2].timeframe", personalities[2].timeframe = TIMEFRAME_COUNT)                                      \
    X("personalities[2].lookback", personalities[2].lookback = 201)                                                    \
    X("personalities[2].atr_period", personalities[2].atr_period = 1)                                                  \
    X("personalities[2].buffer_atr", personalities[2].buffer_atr = -0.1)                                               \
    X("personalities[2].range_max_atr", personalities[2].range_max_atr = (double)NAN)                                  \
    X("personalities[2].stop_atr", personalities[2].stop_atr = 0)                                                      \
    X("personalities[2].target_r", personalities[2].target_r = 0)                                                      \
    X("personalities[2].time_stop_ns", personalities[2].time_stop_ns = 0)                                              \
    X("personalities[2].risk_fraction", personalities[2].risk_fraction = 0)                                            \
    X("personalities[2].risk_cap", personalities[2].risk_cap = 0)                                                      \
    X("personalities[2].margin_per_position", personalities[2].margin_per_position = -1)                               \
    X("personalities[2].margin_total", personalities[2].margin_total = DEC_ONE + 1)                                    \
    X("personalities[2].open_risk_max", personalities[2].open_risk_max = 0)                                            \
    X("personalities[2].day_risk_share", personalities[2].day_risk_share = 0)                                          \
    X("personalities[2].confidence_mode", personalities[2].confidence_mode = CONFIDENCE_CALIBRATED + 1)                \
    X("personalities[2].positions_max", personalities[2].positions_max = 0)                                            \
    X("personalities[2].direction", personalities[2].direction = 3)                                                    \
    X("personalities[2].session_from_s", personalities[2].session_from_s = 86400)                                      \
    X("personalities[2].session_to_s", personalities[2].session_to_s = -1)                                             \
    X("personalities[2].instruments", personalities[2].instruments = 1u << c->instrument_count)                        \
    X("personalities[2].instruments", personalities[2].instruments |= 1u << 4) /* GBPUSD, inactive */                  \
    X("accounts[4].programme", accounts[4].programme = c->programme_count)                                             \
    X("accounts[4].programme", accounts[4].programme = CONFIG_NONE)                                                    \
    X("accounts[4].personality", accounts[4].personality = c->personality_count)                                       \
    X("accounts[0].personality", personalities[0].instruments = 0)                                                     \
    X("accounts[4].initial_balance", accounts[4].initial_balance = 0)                                                  \
    X("accounts[4].currency", accounts[4].currency[0] = 0)                                                             \
    X("accounts[4].durability", accounts[4].durability = 2)                                                            \
    X("accounts[4].after_crash", accounts[4].after_crash = 2)                                                          \
    X("accounts[4].profile", accounts[4].paper.profile = 2)                                                            \
    X("accounts[4].latency_in_ns", accounts[4].paper.latency_in_ns = -1)                                               \
    X("accounts[4].latency_out_ns", accounts[4].paper.latency_out_ns = -1)                                             \
    X("accounts[4].latency_p99_ns", accounts[4].paper.latency_p99_ns = -1)                                             \
    X("accounts[4].slippage_spread_k", accounts[4].paper.slippage_spread_k = -1)                                       \
    X("accounts[4].touch_fill_probability", accounts[4].paper.touch_fill_probability = 1.01)                           \
    X("accounts[4].reject_probability", accounts[4].paper.reject_probability = (double)NAN)                            \
    X("accounts[4].stale_ns", accounts[4].paper.stale_ns = 0)

/* Apply the number-th corruption; its name, NULL beyond the last. */
static const char *corrupt(struct fleet_config *c, unsigned number)
{
    unsigned at = 0;
#define X(where, change)                                                                                               \
    if (at++ == number) {                                                                                              \
        c->change;                                                                                                     \
        return where;                                                                                                  \
    }
    CORRUPTIONS(X)
#undef X
    return NULL;
}

static void expect_refused(const char *where)
{
    struct error err = {0};
    char expected[160];
    config_stamp(&changed);
    int fd = config_seal(&changed, &err);
    assert_true(fd >= 0);
    const struct fleet_config *mapped = config_map(fd, &err);
    close(fd);
    snprintf(expected, sizeof expected, "compiled configuration: %s: ", where);
    if (mapped != NULL)
        fail_msg("%s: not refused", where);
    if (strncmp(err.text, expected, strlen(expected)) != 0)
        fail_msg("%s: refused with %s", where, err.text);
    assert_int_equal(err.code, EINVAL);
}

static void test_every_corruption(void **state)
{
    (void)state;
    unsigned count = 0;
    for (;; count++) {
        memcpy(&changed, &good, sizeof changed);
        const char *where = corrupt(&changed, count);
        if (where == NULL)
            break;
        expect_refused(where);
    }
    print_message("%u corruptions\n", count);
    assert_true(count > 130);
}

/* Each text of the struct, filled to its end. */
static void test_every_text_ends(void **state)
{
#define TEXT(member)                                                                                                   \
    {                                                                                                                  \
#member, offsetof(struct fleet_config, member), sizeof good.member                                             \
    }
    static const struct {
        const char *where;
        size_t offset, size;
    } texts[] = {
        TEXT(owner),
        TEXT(config_dir),
        TEXT(state_dir),
        TEXT(runtime_dir),
        TEXT(tzdata_version),
        TEXT(feed.source_name),
        TEXT(supervisor.alert_command),
        TEXT(zones[1].name),
        TEXT(instruments[2].symbol),
        TEXT(instruments[2].profit_currency),
        TEXT(instruments[2].file_path),
        TEXT(instruments[2].spread_path),
        TEXT(programmes[1].firm),
        TEXT(programmes[1].name),
        TEXT(programmes[1].phase),
        TEXT(programmes[1].options),
        TEXT(programmes[1].unknown),
        TEXT(programmes[1].floors[0].id),
        TEXT(programmes[1].rules.verified),
        TEXT(personalities[1].name),
        TEXT(accounts[3].name),
        TEXT(accounts[3].currency),
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        memcpy(&changed, &good, sizeof changed);
        memset((unsigned char *)&changed + texts[i].offset, 'x', texts[i].size);
        expect_refused(texts[i].where);
    }
    memcpy(&changed, &good, sizeof changed);
    changed.state_dir[0] = 'x';
    expect_refused("state_dir");
}

/* A bool that is neither: looking at it as a bool would be undefined. */
static void test_every_flag(void **state)
{
    static const struct {
        const char *where;
        size_t offset;
    } flags[] = {
#define FLAG(member) {#member, offsetof(struct fleet_config, member)}
        FLAG(feed.live),
        FLAG(feed.exit_at_end),
        FLAG(feed.bad_rows_fatal),
        FLAG(feed.sim_quotes),
        FLAG(instruments[0].active),
        FLAG(instruments[0].closed_weekend),
        FLAG(instruments[0].conversion_inverse),
        FLAG(programmes[0].opposite_refused),
        FLAG(programmes[0].floors[0].has_cap),
        FLAG(programmes[0].expired),
        FLAG(programmes[0].has_initial),
        FLAG(programmes[0].floors[0].allowance_of_anchor),
        FLAG(accounts[0].observe_only),
    };
    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        memcpy(&changed, &good, sizeof changed);
        ((unsigned char *)&changed)[flags[i].offset] = 2;
        expect_refused(flags[i].where);
    }
}

static void test_header(void **state)
{
    struct error err = {0};
    (void)state;
    memcpy(&changed, &good, sizeof changed);
    assert_int_equal(config_check(&changed, sizeof changed, &err), 0);
    assert_int_equal(config_check(&changed, sizeof changed - 1, &err), -EINVAL);
    changed.magic++;
    assert_int_equal(config_check(&changed, sizeof changed, &err), -EINVAL);
    memcpy(&changed, &good, sizeof changed);
    changed.version++;
    assert_int_equal(config_check(&changed, sizeof changed, &err), -EINVAL);
    memcpy(&changed, &good, sizeof changed);
    changed.size_bytes--;
    assert_int_equal(config_check(&changed, sizeof changed, &err), -EINVAL);
    memcpy(&changed, &good, sizeof changed);
    changed.accounts[CONFIG_ACCOUNTS_MAX - 1].paper.seed++; /* nobody reads it, but it is not what was made */
    assert_int_equal(config_check(&changed, sizeof changed, NULL), -EINVAL);
    memcpy(&changed, &good, sizeof changed);
    strcpy(changed.accounts[1].name, changed.accounts[0].name);
    expect_refused("accounts[1].name");
}

/* Any single byte changed is noticed: by its own check or by the digest. Never a crash. */
static void test_any_byte(void **state)
{
    uint64_t random = 20261125;
    (void)state;
    memcpy(&changed, &good, sizeof changed);
    for (int i = 0; i < 2000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        size_t at = (size_t)(random >> 33) % sizeof changed;
        unsigned char *byte = (unsigned char *)&changed + at, old = *byte;
        *byte ^= (unsigned char)(1 + (random >> 8) % 255);
        assert_int_equal(config_check(&changed, sizeof changed, NULL), -EINVAL);
        *byte = old;
    }
    assert_int_equal(config_check(&changed, sizeof changed, NULL), 0);
}

/* The same with a digest that agrees: whatever is accepted is at least looked at without a crash. */
static void test_any_byte_with_a_forged_digest(void **state)
{
    uint64_t random = 1125;
    unsigned accepted = 0;
    (void)state;
    memcpy(&changed, &good, sizeof changed);
    for (int i = 0; i < 2000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        size_t at = (size_t)(random >> 33) % sizeof changed;
        unsigned char *byte = (unsigned char *)&changed + at, old = *byte;
        *byte ^= (unsigned char)(1 + (random >> 8) % 255);
        config_stamp(&changed);
        accepted += config_check(&changed, sizeof changed, NULL) == 0;
        *byte = old;
    }
    assert_in_range(accepted, 1, 1999);
}

/* --- accounts ------------------------------------------------------------------------------ */

static void test_account_index(void **state)
{
    (void)state;
    assert_int_equal(config_account_index(&good, "alba"), 0);
    assert_int_equal(config_account_index(&good, "juno"), 9);
    assert_true(config_account_index(&good, "nobody") == CONFIG_NONE);
    assert_true(config_account_index(&good, "") == CONFIG_NONE);
    memcpy(&changed, &good, sizeof changed);
    memset(&changed.accounts[0], 0, sizeof changed.accounts[0]);
    assert_true(config_account_index(&changed, "") == CONFIG_NONE); /* a hole has no name to be found by */
}

/* `changed` becomes the good configuration with these accounts alone. */
static void keep(struct fleet_config *c, const char *const *names)
{
    memcpy(c, &good, sizeof *c);
    memset(c->accounts, 0, sizeof c->accounts);
    for (c->account_count = 0; names[c->account_count] != NULL; c->account_count++) {
        uint32_t from = config_account_index(&good, names[c->account_count]);
        struct config_account *to = &c->accounts[c->account_count];
        memcpy(to, &good.accounts[from != CONFIG_NONE ? from : 0], sizeof *to);
        snprintf(to->name, sizeof to->name, "%s", names[c->account_count]);
    }
    config_stamp(c);
}

static void expect_places(const struct fleet_config *c, const char *const *names, uint32_t count)
{
    assert_int_equal(c->account_count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_string_equal(c->accounts[i].name, names[i]);
    assert_int_equal(config_check(c, sizeof *c, NULL), 0);
}

static void test_merge(void **state)
{
    (void)state;
    /* One goes from the middle, one from the end, a new one comes first in the alphabet. */
    keep(&other, (const char *const[]){"alba", "boreas", "corvus", "dorado", NULL});
    keep(&changed, (const char *const[]){"aaa", "alba", "corvus", NULL});
    assert_int_equal(config_merge(&other, &changed, NULL), 0);
    expect_places(&changed, (const char *const[]){"alba", "", "corvus", "", "aaa"}, 5);
    /* The hole that the last reload left is free now; what leaves in this one is not. */
    keep(&other, (const char *const[]){"aaa", "alba", "bbb", NULL});
    assert_int_equal(config_merge(&changed, &other, NULL), 0);
    expect_places(&other, (const char *const[]){"alba", "bbb", "", "", "aaa"}, 5);
    /* Nothing changed: nothing moves. */
    memcpy(&changed, &other, sizeof changed);
    assert_int_equal(config_merge(&other, &changed, NULL), 0);
    assert_memory_equal(&other, &changed, sizeof other);
    /* All go. */
    keep(&changed, (const char *const[]){NULL});
    assert_int_equal(config_merge(&other, &changed, NULL), 0);
    expect_places(&changed, (const char *const[]){"", "", "", "", ""}, 5);
}

static void test_merge_full(void **state)
{
    char names[CONFIG_ACCOUNTS_MAX][8];
    const char *list[CONFIG_ACCOUNTS_MAX + 1] = {NULL};
    struct error err = {0};
    (void)state;
    for (int i = 0; i < CONFIG_ACCOUNTS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "n%02d", i);
        list[i] = names[i];
    }
    keep(&other, list);
    list[5] = "new"; /* one goes and one comes, with no place left: not in one reload */
    keep(&changed, list);
    memcpy(&support_config, &changed, sizeof changed);
    assert_int_equal(config_merge(&other, &changed, &err), -E2BIG);
    assert_non_null(strstr(err.text, "new"));
    assert_memory_equal(&changed, &support_config, sizeof changed);
}

/* --- digests --------------------------------------------------------------------------------- */

static uint64_t digest_of(const char *name)
{
    uint32_t at = config_account_index(&support_config, name);
    assert_true(at != CONFIG_NONE);
    return support_config.accounts[at].digest;
}

/* Which of the two accounts changes when one file does. */
static void expect_change(const char *file, const char *old, const char *new, bool alpha_changes, bool beta_changes)
{
    assert_int_equal(support_load(NULL), 0);
    uint64_t alpha = digest_of("alpha"), beta = digest_of("beta");
    support_replace(file, old, new);
    if (support_load(NULL) != 0)
        fail_msg("%s", support_report.errors[0].text);
    if ((digest_of("alpha") != alpha) != alpha_changes || (digest_of("beta") != beta) != beta_changes)
        fail_msg("%s: %s -> %s: alpha %d, beta %d", file, old, new, digest_of("alpha") != alpha,
                 digest_of("beta") != beta);
}

static void test_digests(void **state)
{
    (void)state;
    support_write("c/firms/zenith.yaml",
                  "config_version: 2\nfirm: zenith\nprogramme: p\nverified: 2026-11-22\nsizes: [50000]\n"
                  "sources: {A: {url: x, kind: dataset}}\nday: {zone: Asia/Tokyo, at: \"07:00\"}\nbase:\n  loss_floors:\n"
                  "    - {id: d, anchor: snap_max, allowance: {frac_initial: 4%}, breach_if: lt, src: [A]}\n"
                  "    - {id: t, anchor: run_equity, allowance: {abs: 3000}, cap: 0, breach_if: le, src: [A]}\n"
                  "  conduct: {automation: own, src: [A]}\nphases: {one: {stage: eval}}\n");
    support_write("c/personalities/second.yaml",
                  "config_version: 1\nname: second\ninstruments: [EURUSD]\nrisk: 0.1%\nbreakout:\n"
                  "  timeframe: H4\n  lookback: 10\n  stop_atr: 1\n  target_r: 1\n  time_stop: 2d\n");
    support_replace("c/accounts/beta.yaml", "acme/2-step", "zenith/p");
    support_replace("c/accounts/beta.yaml", "plain", "second");
    /* Its own things change an account, and nobody else's. */
    expect_change("c/accounts/alpha.yaml", "seed: 1", "seed: 7", true, false);
    expect_change("c/accounts/beta.yaml", "paper:", "observe_only: true\npaper:", false, true);
    expect_change("c/firms/acme.yaml", "frac_initial: 5%", "frac_initial: 4%", true, false);
    expect_change("c/firms/zenith.yaml", "Asia/Tokyo", "Asia/Seoul", false, true);
    expect_change("c/personalities/second.yaml", "lookback: 10", "lookback: 11", false, true);
    /* What both stand on changes both. */
    expect_change("c/instruments.yaml", "spread: 4", "spread: 5", true, true);
    expect_change("c/fleet.yaml", "joint_risk: 2%", "joint_risk: 3%", true, true);
    expect_change("c/fleet.yaml", "feed:", "store: {journal_months: 3}\nfeed:", true, true);
    expect_change("c/fleet.yaml", "  speed: 60", "  speed: 60\n  live: true", true, true);
    /* What no account reads changes none. */
    expect_change("c/fleet.yaml", "  speed: 60", "  speed: max", false, false);
    expect_change("c/fleet.yaml", "4096", "8192", false, false);
    expect_change("c/fleet.yaml", "feed:", "supervisor: {deaths_max: 3}\nfeed:", false, false);
    expect_change("c/accounts/beta.yaml", "seed: 2}", "seed: 2} # a comment", false, false);
}

/* A new programme, personality and account move indices of others, which must not restart them. */
static void test_a_new_account_changes_no_other(void **state)
{
    (void)state;
    assert_int_equal(support_load(NULL), 0);
    uint64_t alpha = digest_of("alpha"), beta = digest_of("beta");
    support_write("c/firms/aaa.yaml",
                  "config_version: 2\nfirm: aaa\nprogramme: p\nverified: 2026-11-22\nsizes: [50000]\n"
                  "sources: {A: {url: x, kind: dataset}}\nday: {zone: Asia/Tokyo, at: \"07:00\"}\nbase:\n  loss_floors:\n"
                  "    - {id: d, anchor: snap_max, allowance: {frac_initial: 4%}, breach_if: lt, src: [A]}\n"
                  "    - {id: t, anchor: run_equity, allowance: {abs: 3000}, cap: 0, breach_if: le, src: [A]}\n"
                  "  conduct: {automation: own, src: [A]}\nphases: {one: {stage: eval}}\n");
    support_write("c/personalities/aaa.yaml",
                  "config_version: 1\nname: aaa\ninstruments: [EURUSD]\nrisk: 0.1%\nbreakout:\n"
                  "  timeframe: H4\n  lookback: 10\n  stop_atr: 1\n  target_r: 1\n  time_stop: 2d\n");
    support_write("c/accounts/aaa.yaml",
                  "config_version: 1\nname: aaa\nprogramme: aaa/p\npersonality: aaa\nbalance: 50000 USD\n");
    assert_int_equal(support_load(NULL), 0);
    assert_int_equal(support_config.account_count, 3);
    assert_int_equal(support_config.accounts[1].programme, 1);
    assert_true(digest_of("alpha") == alpha && digest_of("beta") == beta);
    const struct config_floor *floor = &support_config.programmes[0].floors[1];
    assert_true(floor->has_cap && floor->cap_offset == 0 && floor->allowance_abs == 3000 * DEC_ONE);
    assert_false(support_config.programmes[1].floors[1].has_cap);
}

/* --- values that a load must give --------------------------------------------------------------- */

static void test_loaded_values(void **state)
{
    (void)state;
    assert_int_equal(support_load(&(struct loader_options){.speed = "max", .exit_at_end = 1}), 0);
    const struct fleet_config *c = &support_config;
    assert_true(c->feed.speed == 0 && c->feed.exit_at_end && !c->feed.live);
    assert_true(c->coordination.joint_risk_fraction == DEC_ONE / 50);
    assert_true(c->coordination.round_timeout_ns == 50000000);
    assert_true(c->store.map_bytes == 64 << 20);
    assert_string_equal(c->zones[c->swap_zone].name, "America/New_York");
    assert_int_equal(c->swap_second, 61200);
    assert_true(c->tzdata_version[0] != 0);
    assert_string_equal(c->runtime_dir, "/run/propfleet-test");
    assert_int_equal(strncmp(c->state_dir, c->config_dir, strlen(c->config_dir)),
                     0); /* relative to the configuration */
    const struct config_personality *p = &c->personalities[0];
    assert_int_equal(p->timeframe, TIMEFRAME_H1);
    assert_int_equal(p->lookback, 20);
    assert_int_equal(p->atr_period, 14);
    assert_true(p->stop_atr == 1.5 && p->target_r == 2.0 && p->buffer_atr == 0.1);
    assert_true(p->time_stop_ns == INT64_C(86400000000000) && p->risk_fraction == 250000);
    const struct config_account *a = &c->accounts[0];
    assert_true(a->initial_balance == 100000 * DEC_ONE);
    assert_string_equal(a->currency, "USD");
    assert_int_equal(a->durability, DURABILITY_CRASH); /* a replay */
    assert_true(a->paper.latency_in_ns == 60000000 && a->paper.touch_fill_probability == 0.35);
    const struct config_programme *f = &c->programmes[0];
    assert_string_equal(c->zones[f->zone].name, "Europe/Prague");
    assert_int_equal(f->floors[0].anchor, ANCHOR_SNAP_BALANCE);
    assert_int_equal(f->floors[1].breach, BREACH_LE);
    assert_true(f->opposite_refused && f->buffer_fraction == DEC_ONE / 1000);
    support_replace("c/fleet.yaml", "  speed: 60", "  live: true");
    support_replace("c/accounts/beta.yaml", "paper:", "durability: crash\npaper:");
    assert_int_equal(support_load(NULL), 0);
    assert_int_equal(c->accounts[0].durability, DURABILITY_POWER);
    assert_int_equal(c->accounts[1].durability, DURABILITY_CRASH);
    assert_true(c->feed.speed == 1);
}

static void test_same_bytes_twice(void **state)
{
    (void)state;
    assert_int_equal(support_load(NULL), 0);
    memcpy(&other, &support_config, sizeof other);
    memset(&support_config, 0x5a, sizeof support_config);
    assert_int_equal(support_load(NULL), 0);
    assert_memory_equal(&other, &support_config, sizeof other);
}

/* --- what ships ------------------------------------------------------------------------------------ */

static void expect_fleet(const struct fleet_config *c)
{
    uint32_t firms = 0;
    assert_int_equal(c->account_count, 10);
    assert_int_equal(c->personality_count, 10);
    assert_in_range(c->programme_count, 5, CONFIG_PROGRAMMES_MAX);
    for (uint32_t i = 0; i < c->programme_count; i++) {
        bool seen = c->programmes[i].rules.conduct.automation == RULES_MANUAL_ONLY;
        for (uint32_t j = 0; j < i; j++)
            seen |= strcmp(c->programmes[i].firm, c->programmes[j].firm) == 0;
        firms += !seen;
    }
    assert_in_range(firms, 4, 24);
    for (uint32_t i = 0; i < 10; i++) {
        const struct config_personality *p = &c->personalities[c->accounts[i].personality];
        assert_true(p->timeframe >= TIMEFRAME_H1); /* runs on M1, M15 and H1 alike */
        assert_in_range(p->risk_fraction, DEC_ONE / 1000, DEC_ONE * 35 / 10000);
        assert_true(c->accounts[i].initial_balance == 100000 * DEC_ONE);
        for (uint32_t j = 0; j < i; j++) {
            assert_int_not_equal(c->accounts[i].personality, c->accounts[j].personality);
            assert_int_not_equal(c->accounts[i].paper.seed, c->accounts[j].paper.seed);
        }
    }
}

static uint32_t active_count(const struct fleet_config *c)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->instrument_count; i++)
        count += c->instruments[i].active;
    return count;
}

static void test_shipped_simulator(void **state)
{
    (void)state;
    support_expect_warnings(&(struct loader_options){.config_dir = support_shipped, .runtime_dir = "/r"}, NULL);
    expect_fleet(&support_config);
    assert_int_equal(active_count(&support_config), 6);
}

/* Every personality trades three of the five that both A and B carry. */
static void test_shipped_overlap(void **state)
{
    static const char *const both[] = {"AUDUSD", "EURUSD", "US500", "USDJPY", "XAUUSD"};
    (void)state;
    for (uint32_t p = 0; p < good.personality_count; p++) {
        unsigned count = 0;
        for (uint32_t i = 0; i < good.instrument_count; i++)
            for (size_t j = 0; j < 5; j++)
                count +=
                    (good.personalities[p].instruments >> i & 1) && strcmp(good.instruments[i].symbol, both[j]) == 0;
        assert_in_range(count, 3, 5);
    }
}

static void test_shipped_data(void **state)
{
    static const struct {
        const char *name;
        uint32_t active, base;
    } sets[] = {{"A", 6, TIMEFRAME_M15}, {"B", 6, TIMEFRAME_H1}, {"C", 2, TIMEFRAME_M1}};
    const char *folder = getenv("PROPFLEET_DATA");
    (void)state;
    if (folder == NULL) {
        print_message("PROPFLEET_DATA is not set: no real data\n");
        skip();
    }
    for (size_t i = 0; i < 3; i++) {
        struct loader_options options = {
            .config_dir = support_shipped, .runtime_dir = "/r", .data = folder, .dataset = sets[i].name};
        if (support_load(&options) != 0)
            fail_msg("%s", support_report.errors[0].text);
        expect_fleet(&support_config);
        assert_int_equal(active_count(&support_config), sets[i].active);
        assert_string_equal(support_config.feed.source_name, sets[i].name);
        for (uint32_t j = 0; j < support_config.instrument_count; j++)
            if (support_config.instruments[j].active)
                assert_int_equal(support_config.instruments[j].file_timeframe, sets[i].base);
    }
    /* All of it at once is ambiguous, and says so. */
    assert_int_equal(
        support_load(&(struct loader_options){.config_dir = support_shipped, .runtime_dir = "/r", .data = folder}),
        -EINVAL);
    assert_non_null(strstr(support_report.errors[0].text, "two files"));
}

/* --- the program --------------------------------------------------------------------------------------- */

/* propfleet-config beside this test in the build folder. */
static void program_path(char *out, size_t size)
{
    char self[512];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = 0;
    *strrchr(self, '/') = 0;
    snprintf(out, size, "%s/../libexec/propfleet/propfleet-config", self);
}

/* Run it with these arguments (NULL ends); stderr goes to `err_fd`. Its exit status. */
static int run_program(const char *const *arguments, int err_fd)
{
    char path[600];
    const char *argv[16] = {"propfleet-config"};
    int status = 0;
    program_path(path, sizeof path);
    for (size_t i = 0; arguments[i] != NULL; i++)
        argv[i + 1] = arguments[i];
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(err_fd, STDERR_FILENO);
        execv(path, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_program(void **state)
{
    struct error err = {0};
    char fd_text[16], said[256] = "";
    (void)state;
    int fd = memfd_create("out", MFD_ALLOW_SEALING), log = memfd_create("log", 0);
    snprintf(fd_text, sizeof fd_text, "%d", fd);
    assert_int_equal(run_program((const char *const[]){"--config", "c", "--out-fd", fd_text, "--speed", "max",
                                                       "--state", "s", "--runtime", "r", "--exit-at-end", NULL},
                                 log),
                     0);
    assert_int_equal(config_seal_fd(fd, &err), 0);
    const struct fleet_config *mapped = config_map(fd, &err);
    if (mapped == NULL)
        fail_msg("%s", err.text);
    assert_true(mapped->feed.speed == 0 && mapped->feed.exit_at_end);
    assert_int_equal(mapped->account_count, 2);
    config_unmap(mapped);
    /* Sealed: it can say so, but write it cannot. */
    assert_int_equal(run_program((const char *const[]){"--config", "c", "--out-fd", fd_text, NULL}, log), 1);
    close(fd);
    support_replace("c/fleet.yaml", "speed: 60", "sped: 60");
    fd = memfd_create("out", MFD_ALLOW_SEALING);
    close(log);
    log = memfd_create("log", 0);
    snprintf(fd_text, sizeof fd_text, "%d", fd);
    assert_int_equal(run_program((const char *const[]){"--config", "c", "--out-fd", fd_text, NULL}, log), 3);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_true(pread(log, said, sizeof said - 1, 0) > 0);
    assert_string_equal(said, "c/fleet.yaml:6:3: feed.sped: unknown key; did you mean \"speed\"?\n");
    assert_int_equal(run_program((const char *const[]){"--config", "c", NULL}, log), 2);
    assert_int_equal(run_program((const char *const[]){"--config", "c", "--out-fd", "x", NULL}, log), 2);
    assert_int_equal(run_program((const char *const[]){"--config", "c", "--out-fd", fd_text, "more", NULL}, log), 2);
    assert_int_equal(run_program((const char *const[]){"--nonsense", NULL}, log), 2);
    close(fd);
    close(log);
}

/* --- the tables -------------------------------------------------------------------------------------- */

static void test_explain(void **state)
{
    static const char *const lines[] = {
        "fleet.yaml\n",
        "  feed.speed: speed, from 0.001 to 1000000; default 1\n",
        "  supervisor.heartbeat_timeout: duration, from 10ms to 1h; default 3s\n",
        "  instruments.NAME.simulate.loadings: list of numbers, from -1 to 1; required\n",
        "  base.loss_floors[].breach_if: choice of lt, le; required\n",
        "  risk: percentage, from 0.01% to 2%; required\n",
        "  paper.latency_in: duration, from 0s to 1m; default 60ms\n",
        "  files.NAME.rows: choice of ticks, M1, M5, M15, H1; required\n",
    };
    char *text = NULL;
    size_t size = 0;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    loader_explain(out);
    fclose(out);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strstr(text, lines[i]) == NULL)
            fail_msg("--explain does not have %s", lines[i]);
    assert_null(strstr(text, "(null)"));
    free(text);
}

static void check_table(const struct schema_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct schema_field *field = &table->fields[i];
        assert_non_null(field->key);
        assert_true(field->help != NULL && field->help[0] != 0);
        assert_true(field->type != SCHEMA_CHOICE || field->choices != NULL);
        /* Without a range any number would go into 32 bits. */
        assert_true((field->type != SCHEMA_COUNT && field->type != SCHEMA_POWER && field->type != SCHEMA_SIZE32) ||
                    field->max > 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(field->key, table->fields[j].key);
        if (field->table != NULL)
            check_table(field->table);
    }
}

static void test_tables(void **state)
{
    (void)state;
    const struct schema_table *const tables[] = {&table_fleet,       &table_instruments, &table_programme,
                                                 &table_personality, &table_account,     &table_dataset};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        check_table(tables[i]);
}

#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, support_setup, support_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal_and_map),
        cmocka_unit_test(test_map_refuses_what_is_not_sealed),
        cmocka_unit_test(test_map_refuses_a_wrong_size),
        cmocka_unit_test(test_every_corruption),
        cmocka_unit_test(test_every_text_ends),
        cmocka_unit_test(test_every_flag),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_any_byte),
        cmocka_unit_test(test_any_byte_with_a_forged_digest),
        cmocka_unit_test(test_account_index),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_merge_full),
        CONFIG_TEST(test_digests),
        CONFIG_TEST(test_a_new_account_changes_no_other),
        CONFIG_TEST(test_loaded_values),
        CONFIG_TEST(test_same_bytes_twice),
        cmocka_unit_test(test_shipped_simulator),
        cmocka_unit_test(test_shipped_overlap),
        cmocka_unit_test(test_shipped_data),
        CONFIG_TEST(test_program),
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, load_good, NULL);
}
