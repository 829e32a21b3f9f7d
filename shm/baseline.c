#include "shm/baseline.h"

#include <assert.h>
#include <string.h>

#define HOUR_NS (INT64_C(3600) * 1000000000)
#define DAY_HOURS 24u
#define WEEK_DAYS (HISTORY_WEEK_HOURS / DAY_HOURS)
#define READ_HOURS (BASELINE_HOURS + 1) /* the hour itself may be among them */

/* The newest BASELINE_HOURS of those seen so far, newest first. */
struct newest {
    struct history_hour hours[BASELINE_HOURS];
    uint32_t count;
};

static void keep(struct newest *newest, const struct history_hour *hour)
{
    uint32_t at = newest->count;
    while (at > 0 && newest->hours[at - 1].open_ns < hour->open_ns)
        at--;
    if (at == BASELINE_HOURS)
        return;
    uint32_t behind = newest->count - at;
    if (newest->count == BASELINE_HOURS)
        behind--; /* the oldest falls out */
    else
        newest->count++;
    memmove(&newest->hours[at + 1], &newest->hours[at], behind * sizeof *hour);
    newest->hours[at] = *hour;
}

static enum shm_result read_hour(const struct history *history, uint32_t instrument, uint32_t week_hour,
                                 int64_t before_ns, uint64_t up_to_seq, struct newest *newest)
{
    struct history_hour hours[READ_HOURS];
    uint32_t count = 0;
    enum shm_result result = history_hour_read(history, instrument, week_hour, up_to_seq, READ_HOURS, hours, &count);
    if (result == SHM_EMPTY)
        return SHM_OK;
    for (uint32_t i = 0; i < count; i++)
        if (hours[i].open_ns < before_ns)
            keep(newest, &hours[i]);
    return result;
}

static double median(const struct newest *newest)
{
    dec_t sorted[BASELINE_HOURS] = {0};
    for (uint32_t n = 0; n < newest->count; n++) {
        uint32_t at = n;
        for (; at > 0 && sorted[at - 1] > newest->hours[n].volume; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = newest->hours[n].volume;
    }
    uint32_t middle = newest->count / 2;
    double upper = (double)sorted[middle] / (double)DEC_ONE;
    return newest->count % 2 ? upper : ((double)sorted[middle - 1] / (double)DEC_ONE + upper) / 2;
}

enum shm_result baseline_read(const struct history *history, uint32_t instrument, int64_t time_ns, uint64_t up_to_seq,
                              struct baseline *out)
{
    assert(history && out && time_ns >= 0);
    *out = (struct baseline){0};
    struct newest newest = {.count = 0};
    int64_t before_ns = time_ns - time_ns % HOUR_NS;
    uint32_t week_hour = history_week_hour(time_ns);
    enum shm_result result = read_hour(history, instrument, week_hour, before_ns, up_to_seq, &newest);
    if (result != SHM_OK)
        return result;
    if (newest.count < BASELINE_LEAST) {
        out->of_day = true;
        newest.count = 0;
        for (uint32_t day = 0; day < WEEK_DAYS && result == SHM_OK; day++)
            result = read_hour(history, instrument, week_hour % DAY_HOURS + day * DAY_HOURS, before_ns, up_to_seq, &newest);
        if (result != SHM_OK)
            return result;
    }
    if (newest.count == 0)
        return SHM_EMPTY;
    out->occurrences = newest.count;
    out->volume = median(&newest);
    return SHM_OK;
}
