/* wyckoff_pairs: series on standard input through the Wyckoff machine, its events on standard output.
 *
 *   wyckoff_pairs set [name=value ...]     parameter set 1 or 2, with parameters changed
 *
 * Input, little-endian, one series after the other: bar count (int64), then for each bar open, high, low, close, volume
 * (int64, dec_t). Output: "series direction EVENT bar known_bar" in the order of the events, then for the end of a pattern
 * "series direction = result stage bar". Exits 2 for what it cannot read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workers/strategy/wyckoff/wyckoff.h"

#define BARS_MAX 1000000

static int arguments(int argc, char **argv, struct wyckoff_params *params)
{
    const struct wyckoff_params *set = argc > 1 ? wyckoff_params_set((uint32_t)strtoul(argv[1], NULL, 10)) : NULL;
    if (!set)
        return -1;
    *params = *set;
    for (int i = 2; i < argc; i++) {
        char name[32];
        double value;
        if (sscanf(argv[i], "%31[^=]=%lf", name, &value) != 2 || !wyckoff_params_put(params, name, value))
            return -1;
    }
    struct error err = {0};
    if (wyckoff_params_check(params, &err) == 0)
        return 0;
    (void)fprintf(stderr, "%s\n", err.text);
    return -1;
}

static void tell(unsigned series, const struct wyckoff_output *out)
{
    for (uint32_t i = 0; i < out->event_count; i++) {
        const struct wyckoff_event *event = &out->events[i];
        printf("%u %u %s %u %u\n", series, event->direction, wyckoff_event_name(event->kind, WYCKOFF_ACCUMULATION),
               event->bar, event->known_bar);
    }
    for (uint32_t i = 0; i < out->end_count; i++)
        printf("%u %u = %s %s %u\n", series, out->ends[i].direction, wyckoff_result_name(out->ends[i].result),
               wyckoff_stage_name(out->ends[i].stage), out->ends[i].bar);
}

static bool run(unsigned series, int64_t bars, const struct wyckoff_params *params)
{
    static struct wyckoff machine;
    static struct wyckoff_output out;
    struct error err = {0};
    if (wyckoff_init(&machine, params, VOLUME_TICK, &err) != 0)
        return false;
    for (int64_t i = 0; i < bars; i++) {
        int64_t words[5];
        if (fread(words, sizeof words, 1, stdin) != 1)
            return false;
        const struct wyckoff_bar bar = {i, words[0], words[1], words[2], words[3], words[4]};
        (void)wyckoff_on_bar(&machine, params, &bar, NULL, &out);
        if (wyckoff_bar_count(&machine) != i + 1) {
            (void)fprintf(stderr, "series %u, bar %lld is none\n", series, (long long)i);
            return false;
        }
        tell(series, &out);
    }
    return true;
}

int main(int argc, char **argv)
{
    struct wyckoff_params params;
    if (arguments(argc, argv, &params) != 0) {
        (void)fprintf(stderr, "usage: wyckoff_pairs set [name=value ...]\n");
        return 2;
    }
    int64_t bars;
    for (unsigned series = 0; fread(&bars, sizeof bars, 1, stdin) == 1; series++)
        if (bars < 0 || bars > BARS_MAX || !run(series, bars, &params))
            return 2;
    return 0;
}
