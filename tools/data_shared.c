#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "tools/data.h"

#define LOOK_ROWS 0xffffu
#define LOOK_NS (200 * CLOCK_NS_PER_MS)

/* --- names --------------------------------------------------------------------------------------------------------------- */

const char *data_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Cuts `ending` off a name of *length bytes. */
static bool cut(const char *name, size_t *length, const char *ending)
{
    size_t n = strlen(ending);
    if (*length <= n || memcmp(name + *length - n, ending, n) != 0)
        return false;
    *length -= n;
    return true;
}

void data_name_of(const char *path, struct data_name *out)
{
    const char *name = data_base_name(path);
    size_t length = strlen(name);
    *out = (struct data_name){.timeframe = DATAFILE_NO_TIMEFRAME};
    (void)cut(name, &length, ".gz");
    if (!cut(name, &length, ".csv"))
        return;
    (void)cut(name, &length, "_spread");
    bool known = cut(name, &length, "_ticks") || cut(name, &length, "_trades");
    for (unsigned i = 0; i < TIMEFRAME_COUNT && !known; i++) {
        char ending[8];
        (void)snprintf(ending, sizeof ending, "_%s", timeframe_name((enum market_timeframe)i));
        known = cut(name, &length, ending);
        if (known)
            out->timeframe = i;
    }
    const char *feed = memchr(name, '-', length);
    if (feed)
        length = (size_t)(feed - name);
    char symbol[CONFIG_NAME_MAX] = {0};
    if (!known || length >= sizeof symbol)
        return;
    (void)snprintf(symbol, sizeof symbol, "%.*s", (int)length, name);
    if (datafile_name_is_right(symbol))
        memcpy(out->symbol, symbol, sizeof symbol);
}

int data_name_override(struct data_name *name, const char *symbol, const char *timeframe, struct error *err)
{
    enum market_timeframe parsed;
    if (symbol) {
        char filled[CONFIG_NAME_MAX] = {0};
        (void)snprintf(filled, sizeof filled, "%s", symbol);
        if (strlen(symbol) >= sizeof filled || !datafile_name_is_right(filled))
            return error_set(err, EINVAL, "--instrument %.40s: up to %u letters, digits, '.', '_', '-'", symbol, CONFIG_NAME_MAX - 1);
        memset(name->symbol, 0, sizeof name->symbol);
        memcpy(name->symbol, filled, sizeof filled);
    }
    if (timeframe && timeframe_parse(timeframe, &parsed) != 0)
        return error_set(err, EINVAL, "--timeframe %.20s: M1, M5, M15, H1, H4 or D1", timeframe);
    if (timeframe)
        name->timeframe = parsed;
    return 0;
}

int64_t data_grid_s(enum csv_kind kind, uint32_t timeframe)
{
    return kind == CSV_BARS && timeframe <= TIMEFRAME_H1 ? timeframe_ns((enum market_timeframe)timeframe) / CLOCK_NS_PER_S : 0;
}

int data_csv_open(struct csv *csv, const char *path, const struct data_name *name, struct error *err)
{
    int64_t step_s = data_grid_s(CSV_BARS, name->timeframe);
    int rc = csv_open(csv, path, (1u << CSV_KIND_COUNT) - 1, step_s, false, err);
    if (rc != 0)
        return rc;
    if ((csv->kind == CSV_BARS || csv->kind == CSV_SPREAD) && name->timeframe == DATAFILE_NO_TIMEFRAME)
        rc = error_set(err, EINVAL, "%s: %s of which timeframe? the name does not say (SYMBOL_TF.csv): --timeframe TF", path,
                       data_kind_text(csv->kind));
    else if (csv->kind != CSV_BARS && step_s > 0) { /* the grid is of bars alone */
        csv_close(csv);
        rc = csv_open(csv, path, (1u << CSV_KIND_COUNT) - 1, 0, false, err);
    }
    if (rc != 0)
        csv_close(csv);
    return rc;
}

const char *data_kind_text(uint32_t kind)
{
    static const char *const texts[CSV_KIND_COUNT] = {[CSV_BARS] = "bars", [CSV_TICKS] = "quotes", [CSV_TRADES] = "trades",
                                                      [CSV_SPREAD] = "spreads"};
    return kind < CSV_KIND_COUNT ? texts[kind] : "?";
}

const char *data_volume_text(uint32_t kind)
{
    static const char *const texts[] = {[VOLUME_EXCHANGE] = "exchange", [VOLUME_TICK] = "tick", [VOLUME_NONE] = "none"};
    return kind <= VOLUME_NONE ? texts[kind] : "?";
}

const char *data_price_text(uint32_t kind)
{
    static const char *const texts[] = {[PRICE_BID] = "bid", [PRICE_MID] = "mid", [PRICE_LAST] = "last"};
    return kind <= PRICE_LAST ? texts[kind] : "?";
}

const char *data_what(uint32_t kind, uint32_t timeframe, char buf[TEXT_MAX])
{
    bool timed = (kind == CSV_BARS || kind == CSV_SPREAD) && timeframe < TIMEFRAME_COUNT;
    (void)snprintf(buf, TEXT_MAX, "%s%s%s", data_kind_text(kind), timed ? " " : "",
                   timed ? timeframe_name((enum market_timeframe)timeframe) : "");
    return buf;
}

/* --- bad rows -------------------------------------------------------------------------------------------------------------- */

void data_bad_add(void *context, uint64_t line, enum csv_reason reason)
{
    struct data_bad *bad = context;
    if (bad->count < bad->max) {
        bad->list[bad->count].line = line;
        bad->list[bad->count++].reason = reason;
    }
}

void data_bad_print(const struct data_bad *bad, const struct csv *csv, FILE *out)
{
    char path[CONFIG_PATH_MAX], count[TEXT_MAX];
    (void)text_clean(csv->path, strlen(csv->path), path, sizeof path);
    for (uint32_t i = 0; i < bad->count; i++)
        fprintf(out, "%s:%" PRIu64 ": %s\n", path, bad->list[i].line, csv_reason_text(bad->list[i].reason));
    if (csv->bad > bad->count)
        fprintf(out, "and %s more bad rows\n", text_count(csv->bad - bad->count, count));
}

/* --- progress --------------------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static int64_t now_ns(void)
{
    struct clock clock;
    clock_init_real(&clock);
    return clock.mono_ns(&clock);
}

void data_progress_begin(struct data_progress *progress, const char *what, uint64_t total)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}; /* the second one ends it at once */
    *progress = (struct data_progress){.what = what, .total = total, .next_ns = now_ns() + LOOK_NS};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
}

bool data_progress_row(struct data_progress *progress, uint64_t rows)
{
    char count[TEXT_MAX];
    if ((rows & LOOK_ROWS) != 0)
        return true;
    if (interrupted)
        return false;
    if (!isatty(STDERR_FILENO) || now_ns() < progress->next_ns)
        return true;
    progress->next_ns = now_ns() + LOOK_NS;
    progress->shown = true;
    if (progress->total > 0)
        fprintf(stderr, "\r%s %s rows, %" PRIu64 " %%\033[K", progress->what, text_count(rows, count), rows * 100 / progress->total);
    else
        fprintf(stderr, "\r%s %s rows\033[K", progress->what, text_count(rows, count));
    return true;
}

void data_progress_end(struct data_progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
