#include "config/tables.h"

#include "base/clock.h"

#define NS_MS CLOCK_NS_PER_MS
#define NS_S CLOCK_NS_PER_S
#define NS_HOUR (3600 * NS_S)
#define NS_DAY (24 * NS_HOUR)
#define PERCENT (DEC_ONE / 100)
#define NO_LIMIT INT64_MAX

#define VERSION(type)                                                                                                  \
    {                                                                                                                  \
        "config_version", SCHEMA_COUNT, SCHEMA_AT(type, config_version), 1, 1,                                         \
            .help = "the form of this file; this program reads 1"                                                      \
    }

static_assert(TIMEFRAME_M1 == 0 && TIMEFRAME_D1 == 5 && TIMEFRAME_COUNT == 6, "the names below are in this order");
static const char *const timeframes[] = {"M1", "M5", "M15", "H1", "H4", "D1", NULL};
static const char *const simulator_timeframes[] = {"M1", "M5", "M15", "H1", NULL};
static const char *const rows[] = {"ticks", "M1", "M5", "M15", "H1", NULL};

/* --- fleet.yaml ---------------------------------------------------------------------- */

static const char *const sources[] = {"simulator", "dataset", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const hosts[] = {"own_device", "server", "vps", "vpn", "remote", NULL};
static const char *const modes[] = {"auto_unattended", "auto_own_proof", "auto_attended", "manual", NULL};

static const struct schema_field fields_log[] = {
    {"format", SCHEMA_CHOICE, SCHEMA_AT(struct draft_fleet, log_json), .choices = log_formats, .fallback = "text",
     .help = "one line a record on stderr, for people or for programs"},
    {"level", SCHEMA_CHOICE, SCHEMA_AT(struct draft_fleet, log_level), .choices = log_levels, .fallback = "info",
     .help = "the least important level that is written"},
};

static const struct schema_field fields_feed_day[] = {
    {"zone", SCHEMA_ZONE, SCHEMA_AT(struct config_feed, day_zone), .fallback = "America/New_York",
     .help = "zone in which H4 and D1 bars are aligned"},
    {"starts", SCHEMA_TIME, SCHEMA_AT(struct config_feed, day_start_s), 0, 86399, .fallback = "17:00",
     .help = "local time at which a D1 bar begins, and from which H4 bars are counted"},
};

static const struct schema_field fields_simulator[] = {
    {"seed", SCHEMA_SEED, SCHEMA_AT(struct config_feed, sim_seed), 0, NO_LIMIT, .fallback = "1",
     .help = "the same seed and configuration give the same market, record for record"},
    {"timeframe", SCHEMA_CHOICE, SCHEMA_AT(struct config_feed, sim_timeframe), .choices = simulator_timeframes,
     .fallback = "M1", .help = "bars that the simulator makes; longer ones are built from them"},
    {"start", SCHEMA_INSTANT, SCHEMA_AT(struct config_feed, sim_start_ns), .fallback = "2024-01-01",
     .help = "first simulated moment, UTC"},
    {"days", SCHEMA_COUNT, SCHEMA_AT(struct config_feed, sim_days), 0, 40000, .fallback = "28", .unit = "calendar days",
     .help = "length of the simulation; 0 never ends"},
    {"quotes", SCHEMA_FLAG, SCHEMA_AT(struct config_feed, sim_quotes), .fallback = "false",
     .help = "also single quotes, not only bars"},
};

static const struct schema_table table_log = SCHEMA_TABLE(fields_log);
static const struct schema_table table_feed_day = SCHEMA_TABLE(fields_feed_day);
static const struct schema_table table_simulator = SCHEMA_TABLE(fields_simulator);

static const struct schema_field fields_feed[] = {
    {"source", SCHEMA_CHOICE, SCHEMA_AT(struct draft_feed, c.source), .choices = sources, .fallback = "simulator",
     .help = "where the market comes from; --data makes it dataset"},
    {"data", SCHEMA_PATH, SCHEMA_AT(struct draft_feed, data), .fallback = "",
     .help = "source dataset: folder of the CSV files, or a data-set file (with the CSV files beside it); --data"},
    {"dataset", SCHEMA_REFERENCE, SCHEMA_AT(struct draft_feed, dataset), .fallback = "",
     .help = "name of a file in datasets/ (or in the folder of the data), or a path to one; --dataset"},
    {"speed", SCHEMA_SPEED, SCHEMA_AT(struct draft_feed, c.speed), DEC_ONE / 1000, 1000000 * DEC_ONE, .fallback = "1",
     .help = "how many times faster than real time the market plays, or max; --speed"},
    {"live", SCHEMA_FLAG, SCHEMA_AT(struct draft_feed, c.live), .fallback = "false",
     .help = "true: the market waits for nobody, what is late is a gap; at speed 1 it is bound to the wall clock. "
             "false: a replay, lossless"},
    {"exit_at_end", SCHEMA_FLAG, SCHEMA_AT(struct draft_feed, c.exit_at_end), .fallback = "false",
     .help = "stop the fleet when the source has ended; --exit-at-end"},
    {"bad_rows_fatal", SCHEMA_FLAG, SCHEMA_AT(struct draft_feed, c.bad_rows_fatal), .fallback = "false",
     .help = "true: a bad row ends the run. false: it is counted, reported with file and line, and skipped"},
    {"from", SCHEMA_INSTANT, SCHEMA_AT(struct draft_feed, c.from_ns), .fallback = "",
     .help = "first moment that is traded, instead of the data set's own; earlier rows warm up"},
    {"to", SCHEMA_UNTIL, SCHEMA_AT(struct draft_feed, c.to_ns), .fallback = "",
     .help = "end of what is traded, instead of the data set's own; a bare date is meant to its end"},
    {"warmup_bars", SCHEMA_COUNT, SCHEMA_AT(struct draft_feed, c.warmup_bars), 0, 10000000, .fallback = "5000",
     .unit = "bars of the source", .help = "rows before `from` that are played first, for the indicators alone"},
    {"ring_slots", SCHEMA_POWER, SCHEMA_AT(struct draft_feed, c.ring_slots), 1024, 1 << 22, .fallback = "65536",
     .unit = "records of 64 bytes", .help = "market ring; a reader further behind than this is lapped (live)"},
    {"history_bars", SCHEMA_POWER, SCHEMA_AT(struct draft_feed, c.history_bars), 256, 1 << 16, .fallback = "2048",
     .unit = "bars", .help = "bar history of each instrument and timeframe"},
    {"day", SCHEMA_SECTION, .offset = offsetof(struct draft_feed, c), .table = &table_feed_day, .fallback = "",
     .help = "the day that H4 and D1 bars are built on"},
    {"simulator", SCHEMA_SECTION, .offset = offsetof(struct draft_feed, c), .table = &table_simulator, .fallback = "",
     .help = "the embedded simulator"},
};

static const struct schema_field fields_coordination[] = {
    {"joint_risk", SCHEMA_FRACTION, SCHEMA_AT(struct config_coordination, joint_risk_fraction), PERCENT / 100,
     50 * PERCENT, .fallback = "2%",
     .help = "of the sum of initial balances: what may be lost if every stop of every account were hit"},
    {"permit_validity", SCHEMA_DURATION, SCHEMA_AT(struct config_coordination, permit_validity_ns), NS_S, 7 * NS_DAY,
     .fallback = "2h", .help = "market time after which an unused reservation lapses"},
    {"round_timeout", SCHEMA_DURATION, SCHEMA_AT(struct config_coordination, round_timeout_ns), NS_MS, 10 * NS_S,
     .fallback = "50ms", .help = "live: a round of proposals closes this long after its first"},
    {"request_timeout", SCHEMA_DURATION, SCHEMA_AT(struct config_coordination, request_timeout_ns), 10 * NS_MS,
     60 * NS_S, .fallback = "500ms", .help = "live: an account without an answer rebuilds its socket after this"},
};

static const struct schema_field fields_store[] = {
    {"journal_months", SCHEMA_COUNT, SCHEMA_AT(struct config_store, journal_months), 0, 1200, .fallback = "0",
     .unit = "market months", .help = "journals older than this are removed; 0 keeps all"},
    {"map", SCHEMA_SIZE, SCHEMA_AT(struct config_store, map_bytes), 1 << 20, INT64_C(1) << 40, .fallback = "64MiB",
     .help = "initial size of an LMDB environment's map; it grows"},
    {"reserve", SCHEMA_SIZE, SCHEMA_AT(struct config_store, reserve_bytes), 1 << 16, INT64_C(1) << 32,
     .fallback = "1MiB", .help = "free room below which entries stop, so that exits can still be recorded"},
};

#define DEADLINE(name, member, low, high, usual, text)                                                                 \
    {                                                                                                                  \
        name, SCHEMA_DURATION, SCHEMA_AT(struct config_supervisor, member), (low), (high), .fallback = (usual),        \
                                                                                           .help = (text)              \
    }

static const struct schema_field fields_supervisor[] = {
    DEADLINE("start_deadline", start_deadline_ns, 10 * NS_MS, NS_HOUR, "5s", "from the start to a mapped status cell"),
    DEADLINE("ready_deadline", ready_deadline_ns, 10 * NS_MS, NS_DAY, "60s", "to READY: reconciled with the broker"),
    DEADLINE("stop_deadline", stop_deadline_ns, 10 * NS_MS, NS_HOUR, "10s", "from STOP to the exit"),
    DEADLINE("abort_grace", abort_grace_ns, NS_MS, 60 * NS_S, "2s", "from SIGABRT to SIGKILL"),
    DEADLINE("heartbeat_timeout", heartbeat_timeout_ns, 10 * NS_MS, NS_HOUR, "3s", "a main loop silent for this hangs"),
    DEADLINE("sync_timeout", sync_timeout_ns, 10 * NS_MS, NS_HOUR, "30s", "the same inside a sync to disk"),
    DEADLINE("ping_interval", ping_interval_ns, 10 * NS_MS, NS_HOUR, "1s", "between two pings"),
    DEADLINE("ping_timeout", ping_timeout_ns, 10 * NS_MS, NS_HOUR, "3s", "a ping unanswered for this ends the child"),
    DEADLINE("backoff_first", backoff_first_ns, NS_MS, NS_HOUR, "100ms",
             "wait before the second restart (the first is immediate); it doubles"),
    DEADLINE("backoff_max", backoff_max_ns, NS_MS, NS_DAY, "30s", "longest wait before a restart"),
    {"deaths_max", SCHEMA_COUNT, SCHEMA_AT(struct config_supervisor, deaths_max), 1, 1000000, .fallback = "8",
     .unit = "deaths", .help = "more than this within death_window is FAILED, for that child alone"},
    DEADLINE("death_window", death_window_ns, NS_S, NS_DAY, "60s", "the window of deaths_max"),
    {"storm_deaths_max", SCHEMA_COUNT, SCHEMA_AT(struct config_supervisor, storm_deaths_max), 1, 1000000,
     .fallback = "12", .unit = "deaths",
     .help = "more than this over all children within storm_window hold all restarts"},
    DEADLINE("storm_window", storm_window_ns, NS_S, NS_DAY, "5s", "the window of storm_deaths_max"),
    DEADLINE("storm_hold", storm_hold_ns, NS_S, NS_DAY, "30s", "how long restarts are held in a storm"),
    {"log_per_turn", SCHEMA_SIZE32, SCHEMA_AT(struct config_supervisor, log_bytes_per_turn), 1024, 1 << 24,
     .fallback = "64KiB", .help = "of one child's output, read in one turn of the loop"},
    {"log_queue", SCHEMA_SIZE32, SCHEMA_AT(struct config_supervisor, log_queue_bytes), 4096, 1 << 26,
     .fallback = "256KiB", .help = "of one child's output, kept; what does not fit is dropped and counted"},
};

static const struct schema_field fields_alerts[] = {
    {"command", SCHEMA_PATH, SCHEMA_AT(struct draft_fleet, alert_command), .fallback = "",
     .help = "program that is run at once for each alert, JSON on its stdin"},
    {"per_minute", SCHEMA_COUNT, SCHEMA_AT(struct draft_fleet, supervisor.alerts_per_minute), 1, 1000, .fallback = "30",
     .unit = "runs", .help = "at most so many runs of the command; every alert is recorded all the same"},
    {"repeat", SCHEMA_DURATION, SCHEMA_AT(struct draft_fleet, supervisor.alert_repeat_ns), NS_S, NS_DAY,
     .fallback = "15m", .help = "an alert comes again until it is acknowledged"},
};

static const struct schema_field fields_swap[] = {
    {"zone", SCHEMA_ZONE, SCHEMA_AT(struct draft_fleet, swap_zone), .fallback = "America/New_York",
     .help = "zone of the rollover"},
    {"time", SCHEMA_TIME, SCHEMA_AT(struct draft_fleet, swap_second), 0, 86399, .fallback = "17:00",
     .help = "local time at which swap is charged"},
};

static const struct schema_field fields_calendar[] = {
    {"file", SCHEMA_PATH, SCHEMA_AT(struct draft_calendar, file), .fallback = "",
     .help = "news and holidays, .csv or .ics (docs/calendar.md). A relative path starts from this file's folder"},
    {"derived", SCHEMA_FLAG, SCHEMA_AT(struct draft_calendar, derived), .fallback = "false",
     .help = "instead of a file, for replays: US payrolls, ISM and jobless claims by rule; no CPI, no FOMC"},
};
static const struct schema_table table_calendar = SCHEMA_TABLE(fields_calendar);

static const struct schema_table table_feed = SCHEMA_TABLE(fields_feed);
static const struct schema_table table_coordination = SCHEMA_TABLE(fields_coordination);
static const struct schema_table table_store = SCHEMA_TABLE(fields_store);
static const struct schema_table table_supervisor = SCHEMA_TABLE(fields_supervisor);
static const struct schema_table table_alerts = SCHEMA_TABLE(fields_alerts);
static const struct schema_table table_swap = SCHEMA_TABLE(fields_swap);

static const struct schema_field fields_fleet[] = {
    VERSION(struct draft_fleet),
    {"owner", SCHEMA_TEXT, SCHEMA_AT(struct draft_fleet, owner),
     .help = "the one person whose accounts these are; firms refuse trading for others"},
    {"host", SCHEMA_CHOICE, SCHEMA_AT(struct draft_fleet, host), .choices = hosts, .fallback = "server",
     .help = "what this machine is to a firm: some refuse orders from some kinds"},
    {"mode", SCHEMA_CHOICE, SCHEMA_AT(struct draft_fleet, mode), .choices = modes, .fallback = "auto_unattended",
     .help = "how the fleet trades: by itself; by itself, and what firms want shown of an own program is shown; "
             "watched by a person; by hand (the fleet only watches)"},
    {"state_dir", SCHEMA_PATH, SCHEMA_AT(struct draft_fleet, state_dir), .fallback = "/var/lib/propfleet",
     .help = "what must survive: journals, books, alerts. A relative path starts from this file's folder; --state"},
    {"runtime_dir", SCHEMA_PATH, SCHEMA_AT(struct draft_fleet, runtime_dir), .fallback = "/run/propfleet",
     .help =
         "sockets, private to the fleet; at most 80 bytes. A relative path starts from this file's folder; --runtime"},
    {"log", SCHEMA_SECTION, .offset = 0, .table = &table_log, .fallback = "", .help = "the log"},
    {"feed", SCHEMA_SECTION, .offset = offsetof(struct draft_fleet, feed), .table = &table_feed, .fallback = "",
     .help = "the market"},
    {"coordination", SCHEMA_SECTION, .offset = offsetof(struct draft_fleet, coordination), .table = &table_coordination,
     .fallback = "", .help = "permits"},
    {"store", SCHEMA_SECTION, .offset = offsetof(struct draft_fleet, store), .table = &table_store, .fallback = "",
     .help = "what accounts keep on disk"},
    {"swap", SCHEMA_SECTION, .offset = 0, .table = &table_swap, .fallback = "", .help = "rollover of positions"},
    {"calendar", SCHEMA_SECTION, .offset = offsetof(struct draft_fleet, calendar), .table = &table_calendar, .fallback = "",
     .help = "news and holidays; without one every news window of a firm is closed for entries"},
    {"supervisor", SCHEMA_SECTION, .offset = offsetof(struct draft_fleet, supervisor), .table = &table_supervisor,
     .fallback = "", .help = "deadlines and limits of the process tree"},
    {"alerts", SCHEMA_SECTION, .offset = 0, .table = &table_alerts, .fallback = "",
     .help = "whom to call, and how often"},
};
const struct schema_table table_fleet = SCHEMA_TABLE(fields_fleet);

/* --- instruments.yaml ------------------------------------------------------------------- */

static const char *const asset_classes[] = {"fx", "metal", "index", "crypto", "future", NULL};
static const char *const weekdays[] = {"sunday",   "monday", "tuesday",  "wednesday",
                                       "thursday", "friday", "saturday", NULL};

#define LARGEST (90000000 * DEC_ONE)
#define NUMBER(name, type, member, low, high, ...)                                                                     \
    {                                                                                                                  \
        name, SCHEMA_DECIMAL, SCHEMA_AT(type, member), (low), (high), __VA_ARGS__                                      \
    }

static const struct schema_field fields_lot[] = {
    NUMBER("min", struct config_instrument, lot_min, 1, LARGEST, .unit = "lots", .help = "smallest order"),
    NUMBER("step", struct config_instrument, lot_step, 1, LARGEST, .unit = "lots", .help = "sizes are multiples of it"),
    NUMBER("max", struct config_instrument, lot_max, 1, LARGEST, .unit = "lots", .help = "largest order"),
};

static const struct schema_field fields_swap_points[] = {
    NUMBER("long", struct config_instrument, swap_long_points, -LARGEST, LARGEST, .unit = "ticks", .fallback = "0",
           .help = "booked each night for a long position; negative is paid"),
    NUMBER("short", struct config_instrument, swap_short_points, -LARGEST, LARGEST, .unit = "ticks", .fallback = "0",
           .help = "booked each night for a short position; negative is paid"),
    {"triple", SCHEMA_CHOICE, SCHEMA_AT(struct config_instrument, triple_swap_weekday), .choices = weekdays,
     .fallback = "wednesday", .help = "the night that counts three times"},
};

static const struct schema_field fields_session[] = {
    {"zone", SCHEMA_ZONE, SCHEMA_AT(struct config_instrument, session_zone), .fallback = "America/New_York",
     .help = "zone of the times below"},
    {"open", SCHEMA_TIME, SCHEMA_AT(struct config_instrument, session_open_s), 0, 86399, .fallback = "17:00",
     .help = "end of the daily break; equal to close: no break"},
    {"close", SCHEMA_TIME, SCHEMA_AT(struct config_instrument, session_close_s), 0, 86399, .fallback = "17:00",
     .help = "beginning of the daily break"},
    {"closed_weekend", SCHEMA_FLAG, SCHEMA_AT(struct config_instrument, closed_weekend), .fallback = "true",
     .help = "closed from close on Friday to open on Sunday"},
};

static const struct schema_field fields_conversion[] = {
    {"instrument", SCHEMA_REFERENCE, SCHEMA_AT(struct draft_instrument, conversion),
     .help = "its price is the rate between profit and account currency"},
    {"inverse", SCHEMA_FLAG, SCHEMA_AT(struct draft_instrument, c.conversion_inverse), .fallback = "false",
     .help = "true: divide by the rate instead of multiplying"},
};

static const struct schema_field fields_simulate[] = {
    NUMBER("start_price", struct config_instrument, sim_start_price, 1, LARGEST, .help = "first price"),
    {"volatility", SCHEMA_SHARE, SCHEMA_AT(struct config_instrument, sim_volatility_year), PERCENT / 10, 500 * PERCENT,
     .unit = "a year", .help = "standard deviation of log returns"},
    {"loadings", SCHEMA_REALS, SCHEMA_AT(struct config_instrument, sim_loading), -DEC_ONE, DEC_ONE,
     .help = "correlation with the three common factors (dollar, risk appetite, rates); squares sum to at most 1"},
    {"jumps", SCHEMA_REAL, SCHEMA_AT(struct config_instrument, sim_jumps_year), 0, 1000 * DEC_ONE, .fallback = "10",
     .unit = "a year", .help = "sudden moves"},
};

static const struct schema_table table_lot = SCHEMA_TABLE(fields_lot);
static const struct schema_table table_swap_points = SCHEMA_TABLE(fields_swap_points);
static const struct schema_table table_session = SCHEMA_TABLE(fields_session);
static const struct schema_table table_conversion = SCHEMA_TABLE(fields_conversion);
static const struct schema_table table_simulate = SCHEMA_TABLE(fields_simulate);

static const struct schema_field fields_instrument[] = {
    {"class", SCHEMA_CHOICE, SCHEMA_AT(struct draft_instrument, c.asset_class), .choices = asset_classes,
     .help = "what it is"},
    NUMBER("tick", struct draft_instrument, c.tick, 1, 1000000 * DEC_ONE, .help = "smallest price step"),
    NUMBER("contract_size", struct draft_instrument, c.contract_size, 1, LARGEST, .unit = "units",
           .help = "units of the base for one lot"),
    {"profit_currency", SCHEMA_CURRENCY, SCHEMA_AT(struct draft_instrument, c.profit_currency),
     .help = "currency in which price differences are booked"},
    {"lot", SCHEMA_SECTION, .offset = offsetof(struct draft_instrument, c), .table = &table_lot,
     .help = "sizes of orders"},
    NUMBER("commission_per_lot", struct draft_instrument, c.commission_per_lot, 0, 10000 * DEC_ONE, .fallback = "0",
           .unit = "of the account's currency", .help = "for one lot and one side, booked at the fill"),
    {"swap", SCHEMA_SECTION, .offset = offsetof(struct draft_instrument, c), .table = &table_swap_points,
     .fallback = "", .help = "cost of holding overnight"},
    {"margin", SCHEMA_FRACTION, SCHEMA_AT(struct draft_instrument, c.margin_rate), PERCENT / 100, 100 * PERCENT,
     .help = "of the notional; 1% is a leverage of 1:100"},
    NUMBER("stop_level", struct draft_instrument, c.stop_level_ticks, 0, 1000000 * DEC_ONE, .fallback = "0",
           .unit = "ticks", .help = "smallest distance of a stop from the price"),
    NUMBER("spread", struct draft_instrument, c.spread_ticks, 0, 1000000 * DEC_ONE, .unit = "ticks",
           .help = "modelled base spread; the greater of it and a recorded one is used"),
    NUMBER("level_size", struct draft_instrument, c.level_size_lots, 1, LARGEST, .unit = "lots",
           .help = "quoted at the first level of the ladder that the paper broker fills from"),
    {"catastrophic_move", SCHEMA_FRACTION, SCHEMA_AT(struct draft_instrument, c.catastrophic_move), PERCENT / 10,
     100 * PERCENT, .help = "of the price; charged as risk where no stop is known"},
    {"session", SCHEMA_SECTION, .offset = offsetof(struct draft_instrument, c), .table = &table_session, .fallback = "",
     .help = "when it trades"},
    {"news", SCHEMA_REFERENCES, SCHEMA_AT(struct draft_instrument, news), 1, TABLES_NEWS_MAX, .fallback = "",
     .unit = "currencies", .count_offset = offsetof(struct draft_instrument, news_count),
     .help = "currencies whose news concern it, besides those of the symbol and the profit"},
    {"conversion", SCHEMA_SECTION, .offset = 0, .table = &table_conversion, .fallback = "",
     .help = "from the profit currency to the accounts' currency, when they differ"},
    {"simulate", SCHEMA_SECTION, .offset = offsetof(struct draft_instrument, c), .table = &table_simulate,
     .fallback = "", .given_offset = offsetof(struct draft_instrument, has_simulator),
     .help = "without it the simulator does not carry the instrument"},
};
static const struct schema_table table_instrument = SCHEMA_TABLE(fields_instrument);

static const struct schema_field fields_instruments[] = {
    VERSION(struct draft_instruments),
    {"instruments", SCHEMA_MAP, .offset = offsetof(struct draft_instruments, list), .min = 1,
     .max = CONFIG_INSTRUMENTS_MAX, .unit = "symbols", .table = &table_instrument,
     .element_size = sizeof(struct draft_instrument), .count_offset = offsetof(struct draft_instruments, count),
     .place_offset = offsetof(struct draft_instrument, place), .help = "each symbol with its keys"},
};
const struct schema_table table_instruments = SCHEMA_TABLE(fields_instruments);

/* --- personalities/ ---------------------------------------------------------------------------- */

static const char *const directions[] = {"both", "long", "short", NULL};

#define REAL(name, member, low, high, ...)                                                                             \
    {                                                                                                                  \
        name, SCHEMA_REAL, SCHEMA_AT(struct config_personality, member), (int64_t)((low)*DEC_ONE),                     \
            (int64_t)((high)*DEC_ONE), __VA_ARGS__                                                                     \
    }

static const struct schema_field fields_entries[] = {
    {"from", SCHEMA_TIME, SCHEMA_AT(struct config_personality, session_from_s), 0, 86399, .fallback = "00:00",
     .help = "first moment of the day at which entries are made, UTC; equal to `to`: always"},
    {"to", SCHEMA_TIME, SCHEMA_AT(struct config_personality, session_to_s), 0, 86399, .fallback = "00:00",
     .help = "end of it; before `from`: over midnight"},
};
static const struct schema_table table_entries = SCHEMA_TABLE(fields_entries);

static const struct schema_field fields_breakout[] = {
    {"timeframe", SCHEMA_CHOICE, SCHEMA_AT(struct config_personality, timeframe), .choices = timeframes,
     .help = "the closed bars that the detector sees"},
    {"lookback", SCHEMA_COUNT, SCHEMA_AT(struct config_personality, lookback), 5, 200, .unit = "bars",
     .help = "length of the range"},
    {"atr_period", SCHEMA_COUNT, SCHEMA_AT(struct config_personality, atr_period), 2, 100, .unit = "bars",
     .fallback = "14", .help = "of the average true range, in which distances are measured"},
    REAL("buffer_atr", buffer_atr, 0, 10, .unit = "ATR", .fallback = "0.1",
         .help = "the close must be this far beyond the range"),
    REAL("range_max_atr", range_max_atr, 0, 100, .unit = "ATR", .fallback = "0",
         .help = "a wider range is none; 0: any width"),
    REAL("stop_atr", stop_atr, 0.1, 20, .unit = "ATR", .help = "distance of the stop from the entry"),
    REAL("target_r", target_r, 0.1, 20, .unit = "R", .help = "distance of the target, in stop distances"),
    {"time_stop", SCHEMA_DURATION, SCHEMA_AT(struct config_personality, time_stop_ns), 60 * NS_S, 60 * NS_DAY,
     .help = "market time after which a position is closed"},
    {"cooldown_bars", SCHEMA_COUNT, SCHEMA_AT(struct config_personality, cooldown_bars), 0, 1000, .unit = "bars",
     .fallback = "0", .help = "no new signal on an instrument for so long after one"},
    {"direction", SCHEMA_CHOICE, SCHEMA_AT(struct config_personality, direction), .choices = directions,
     .fallback = "both", .help = "sides that are traded"},
};
static const struct schema_table table_breakout = SCHEMA_TABLE(fields_breakout);

static const char *const confidence_modes[] = {"none", "provisional", "plan", "calibrated", NULL};
static const struct schema_field fields_sizing[] = {
    {"risk_cap", SCHEMA_FRACTION, SCHEMA_AT(struct config_personality, risk_cap), PERCENT / 100, 3 * PERCENT,
     .fallback = "1%", .help = "the most that one position risks after every factor"},
    {"margin_per_position", SCHEMA_FRACTION, SCHEMA_AT(struct config_personality, margin_per_position), PERCENT, 100 * PERCENT,
     .fallback = "10%", .help = "margin of one position, of the lower of balance and equity"},
    {"margin_total", SCHEMA_FRACTION, SCHEMA_AT(struct config_personality, margin_total), PERCENT, 100 * PERCENT,
     .fallback = "30%", .help = "margin of all positions together"},
    {"open_risk", SCHEMA_FRACTION, SCHEMA_AT(struct config_personality, open_risk_max), PERCENT / 100, 10 * PERCENT,
     .fallback = "1.5%", .help = "all positions at their stops together"},
    {"day_risk", SCHEMA_FRACTION, SCHEMA_AT(struct config_personality, day_risk_share), PERCENT, 100 * PERCENT,
     .fallback = "40%", .help = "of what is left of the day's loss limit, for one entry"},
    {"confidence", SCHEMA_CHOICE, SCHEMA_AT(struct config_personality, confidence_mode), .choices = confidence_modes,
     .fallback = "none", .help = "how a signal's calibrated probability scales the size; a breakout has none"},
    {"after_losses", SCHEMA_FLAG, SCHEMA_AT(struct config_personality, scale_by_losses), .fallback = "true",
     .help = "times 0.8 for each losing trade in a row, at least a quarter"},
    {"in_drawdown", SCHEMA_FLAG, SCHEMA_AT(struct config_personality, scale_by_drawdown), .fallback = "true",
     .help = "in proportion to what is left above the firm's overall floor"},
};
static const struct schema_table table_sizing = SCHEMA_TABLE(fields_sizing);

static const struct schema_field fields_personality[] = {
    VERSION(struct draft_personality),
    {"name", SCHEMA_NAME, SCHEMA_AT(struct draft_personality, c.name), .help = "what accounts call it"},
    {"instruments", SCHEMA_REFERENCES, SCHEMA_AT(struct draft_personality, instruments), 1, CONFIG_INSTRUMENTS_MAX,
     .unit = "symbols", .count_offset = offsetof(struct draft_personality, instrument_count),
     .help = "what it trades; those that the source does not carry are left out"},
    {"risk", SCHEMA_FRACTION, SCHEMA_AT(struct draft_personality, c.risk_fraction), PERCENT / 100, 2 * PERCENT,
     .help = "of the lower of balance and equity, lost at the stop of one position; above 1% with risk_override"},
    {"risk_override", SCHEMA_TEXT, SCHEMA_AT(struct draft_personality, c.risk_override), .fallback = "",
     .help = "why more than 1% is risked: is in the journal"},
    {"sizing", SCHEMA_SECTION, .offset = offsetof(struct draft_personality, c), .table = &table_sizing, .fallback = "",
     .help = "what scales and caps a size"},
    {"positions_max", SCHEMA_COUNT, SCHEMA_AT(struct draft_personality, c.positions_max), 1, 16, .unit = "positions",
     .fallback = "3", .help = "open at the same time"},
    {"breakout", SCHEMA_SECTION, .offset = offsetof(struct draft_personality, c), .table = &table_breakout,
     .help = "the range breakout: what it waits for, and how a position ends"},
    {"entries", SCHEMA_SECTION, .offset = offsetof(struct draft_personality, c), .table = &table_entries,
     .fallback = "", .help = "time of day of the entries"},
};
const struct schema_table table_personality = SCHEMA_TABLE(fields_personality);

/* --- accounts/ ------------------------------------------------------------------------------------ */

static const char *const durabilities[] = {"crash", "power", "by_market", NULL};
static const char *const after_crash[] = {"resume", "flatten", NULL};
static const char *const profiles[] = {"default", "ideal", NULL};

#define LATENCY(name, member, usual, text)                                                                             \
    {                                                                                                                  \
        name, SCHEMA_DURATION, SCHEMA_AT(struct config_paper, member), 0, 60 * NS_S, .fallback = (usual),              \
                                                                                     .help = (text)                    \
    }
#define SHARE(name, member, high, usual, text)                                                                         \
    {                                                                                                                  \
        name, SCHEMA_SHARE, SCHEMA_AT(struct config_paper, member), 0, (high), .fallback = (usual), .help = (text)     \
    }

static const struct schema_field fields_paper[] = {
    {"seed", SCHEMA_SEED, SCHEMA_AT(struct config_paper, seed), 0, NO_LIMIT, .fallback = "1",
     .help = "draws are a hash of it, the account and the order: the same seed gives the same fills"},
    {"profile", SCHEMA_CHOICE, SCHEMA_AT(struct config_paper, profile), .choices = profiles, .fallback = "default",
     .help = "ideal: no spread, latency, slippage or ladder; for comparison only"},
    LATENCY("latency_in", latency_in_ns, "60ms", "median way of an order to the venue"),
    LATENCY("latency_out", latency_out_ns, "40ms", "median way of a report back"),
    LATENCY("latency_p99", latency_p99_ns, "300ms", "99th percentile of the way in"),
    SHARE("slippage", slippage_spread_k, 1000 * PERCENT, "15%",
          "of the spread: standard deviation of residual slippage, always against us"),
    SHARE("touch_fill", touch_fill_probability, 100 * PERCENT, "35%", "a limit that is only touched fills so often"),
    SHARE("reject", reject_probability, 100 * PERCENT, "0%", "fault tests: orders rejected at random"),
    {"stale", SCHEMA_DURATION, SCHEMA_AT(struct config_paper, stale_ns), NS_MS, NS_DAY, .fallback = "5s",
     .help = "quotes older than this fill nothing"},
};
static const struct schema_table table_paper = SCHEMA_TABLE(fields_paper);

static const struct schema_field fields_account[] = {
    VERSION(struct draft_account),
    {"name", SCHEMA_NAME, SCHEMA_AT(struct draft_account, c.name), .help = "what every command calls it; unique, and none of feed, coordinator, generations"},
    {"programme", SCHEMA_REFERENCE, SCHEMA_AT(struct draft_account, programme),
     .help = "whose rules bind it, as firm/programme"},
    {"phase", SCHEMA_REFERENCE, SCHEMA_AT(struct draft_account, phase), .fallback = "",
     .help = "of the programme; needed when its file has more than one"},
    {"options", SCHEMA_REFERENCES, SCHEMA_AT(struct draft_account, options), 1, DRAFT_OPTIONS_MAX, .fallback = "",
     .unit = "ids", .count_offset = offsetof(struct draft_account, option_count),
     .help = "optional rules of the phase that are switched on at the firm"},
    {"personality", SCHEMA_REFERENCE, SCHEMA_AT(struct draft_account, personality), .help = "how it trades"},
    {"balance", SCHEMA_MONEY, SCHEMA_AT(struct draft_account, c.initial_balance), DEC_ONE, LARGEST,
     .count_offset = offsetof(struct draft_account, c.currency),
     .help = "initial balance of the phase, and its currency"},
    {"durability", SCHEMA_CHOICE, SCHEMA_AT(struct draft_account, c.durability), .choices = durabilities,
     .fallback = "by_market",
     .help = "power: synced before an order leaves. crash: survives the process, not a power cut. by_market: power "
             "when live, crash in a replay"},
    {"after_crash", SCHEMA_CHOICE, SCHEMA_AT(struct draft_account, c.after_crash), .choices = after_crash,
     .fallback = "resume", .help = "after a crash: go on once protective orders are verified, or close everything"},
    {"observe_only", SCHEMA_FLAG, SCHEMA_AT(struct draft_account, c.observe_only), .fallback = "false",
     .help = "watch and journal, never place an order"},
    {"paper", SCHEMA_SECTION, .offset = offsetof(struct draft_account, c.paper), .table = &table_paper, .fallback = "",
     .help = "the paper broker's fill model"},
};
const struct schema_table table_account = SCHEMA_TABLE(fields_account);

/* --- datasets/ --------------------------------------------------------------------------------------- */

static const char *const price_kinds[] = {"bid", "mid", "last", NULL};
static const char *const volume_kinds[] = {"exchange", "tick", "none", NULL};

static const struct schema_field fields_file[] = {
    {"file", SCHEMA_PATH, SCHEMA_AT(struct draft_file, file),
     .help = "CSV file, also .gz; a relative path starts from the folder of the data"},
    {"rows", SCHEMA_CHOICE, SCHEMA_AT(struct draft_file, rows), .choices = rows, .help = "what one row is"},
    {"price", SCHEMA_CHOICE, SCHEMA_AT(struct draft_file, price_kind), .choices = price_kinds, .fallback = "bid",
     .help = "the side that its prices are of"},
    {"volume", SCHEMA_CHOICE, SCHEMA_AT(struct draft_file, volume_kind), .choices = volume_kinds, .fallback = "tick",
     .help = "what its volume counts: traded quantity, price changes, nothing"},
    {"spread", SCHEMA_PATH, SCHEMA_AT(struct draft_file, spread), .fallback = "",
     .help = "companion file with a spread for each row"},
    {"from", SCHEMA_INSTANT, SCHEMA_AT(struct draft_file, from_ns), .fallback = "",
     .help = "rows before this are not read at all, not even to warm up"},
    {"to", SCHEMA_UNTIL, SCHEMA_AT(struct draft_file, to_ns), .fallback = "",
     .help = "rows from here on are not read; a bare date is meant to its end"},
};
static const struct schema_table table_file = SCHEMA_TABLE(fields_file);

static const struct schema_field fields_dataset[] = {
    VERSION(struct draft_dataset),
    {"name", SCHEMA_TEXT, SCHEMA_AT(struct draft_dataset, name), .help = "shown beside every result"},
    {"from", SCHEMA_INSTANT, SCHEMA_AT(struct draft_dataset, from_ns), .fallback = "",
     .help = "first moment that is traded; earlier rows warm up only"},
    {"to", SCHEMA_UNTIL, SCHEMA_AT(struct draft_dataset, to_ns), .fallback = "",
     .help = "end of what is traded; a bare date is meant to its end"},
    {"files", SCHEMA_MAP, .offset = offsetof(struct draft_dataset, files), .min = 1, .max = CONFIG_INSTRUMENTS_MAX,
     .unit = "symbols", .table = &table_file, .element_size = sizeof(struct draft_file),
     .count_offset = offsetof(struct draft_dataset, count), .place_offset = offsetof(struct draft_file, place),
     .help = "each symbol with its file"},
};
const struct schema_table table_dataset = SCHEMA_TABLE(fields_dataset);
