/* wyckoff: bars.csv through the state machine with parameter set 1, against what the reference prototype said of them.
 *
 *   reference_params.json    every number is that of set 1; lps_max is not one of ours: the prototype never reads it
 *   reference_features.csv   features, 1e-12; sums run oldest to newest here and pairwise in numpy
 *   reference_events.csv     both directions of each case: no event more, none less
 *   reference_patterns.csv   every end of a pattern, with the bars of its events
 *   labels.csv               what the generator meant, not what the machine says: names and bars must be possible ones, and
 *                            every climax that the reference found near its label is found here (it follows from the
 *                            events; a wrong labels.csv shows) */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/golden/quant/quant.h"
#include "workers/strategy/wyckoff/wyckoff.h"

#define CASE_EVENTS_MAX 512u
#define CASE_ENDS_MAX 128u
#define FEATURE_TOLERANCE 1e-12
#define CLIMAX_NEAR 3 /* bars, quant.md 2.6 */

/* One case: what the machine said. */
struct run {
    const char *name;
    uint32_t first, count; /* rows of bars.csv */
    uint32_t event_count, end_count, event_next[WYCKOFF_DIRECTIONS], end_next[WYCKOFF_DIRECTIONS];
    struct wyckoff_event events[CASE_EVENTS_MAX];
    struct wyckoff_end ends[CASE_ENDS_MAX];
    struct wyckoff_features *features; /* count */
};
#define RUNS_MAX 256u
static struct run *runs[RUNS_MAX];
static uint32_t run_count;

static struct run *run_of(const char *name)
{
    for (uint32_t i = 0; i < run_count; i++)
        if (strcmp(runs[i]->name, name) == 0)
            return runs[i];
    return NULL;
}

/* --- running the bars ------------------------------------------------------------------------------------------ */

static struct wyckoff_bar bar_at(int64_t *const points[5], uint32_t row)
{
    return (struct wyckoff_bar){.time_ns = row,
                                .open = points[0][row] * 1000, /* 1e-5 to 1e-8 */
                                .high = points[1][row] * 1000,
                                .low = points[2][row] * 1000,
                                .close = points[3][row] * 1000,
                                .volume = points[4][row] * DEC_ONE};
}

static void run_bars(struct quant_folder *folder, struct run *run, int64_t *const points[5])
{
    static struct wyckoff machine;
    static struct wyckoff_output out;
    const struct wyckoff_params *set = wyckoff_params_set(1);
    struct error err = {0};
    if (wyckoff_init(&machine, set, VOLUME_TICK, &err) != 0) {
        quant_fail(folder, "bars.csv", "%s", err.text);
        return;
    }
    for (uint32_t i = 0; i < run->count; i++) {
        struct wyckoff_bar bar = bar_at(points, run->first + i);
        (void)wyckoff_on_bar(&machine, set, &bar, NULL, &out);
        run->features[i] = wyckoff_features_last(&machine);
        for (uint32_t k = 0; k < out.event_count && run->event_count < CASE_EVENTS_MAX; k++)
            run->events[run->event_count++] = out.events[k];
        for (uint32_t k = 0; k < out.end_count && run->end_count < CASE_ENDS_MAX; k++)
            run->ends[run->end_count++] = out.ends[k];
    }
    quant_check_integer(folder, "bars.csv", run->first, "bars taken", run->count, wyckoff_bar_count(&machine));
}

/* Rows of one case stand together, i counted from 0. */
static void run_cases(struct quant_folder *folder, const struct table *bars)
{
    static const char *const names[5] = {"open", "high", "low", "close", "volume"};
    int64_t *points[5];
    for (int c = 0; c < 5; c++)
        points[c] = table_points(bars, names[c], c < 4 ? 1e-5 : 1.0);
    uint32_t key = table_column(bars, "case"), number = table_column(bars, "i");
    for (uint32_t row = 0; row < bars->row_count && run_count < RUNS_MAX;) {
        struct run *run = calloc(1, sizeof *run);
        runs[run_count++] = run;
        run->name = table_text(bars, row, key);
        run->first = row;
        for (; row < bars->row_count && strcmp(table_text(bars, row, key), run->name) == 0; row++)
            quant_check_integer(folder, "bars.csv", row, "i", table_integer(bars, row, number), run->count++);
        run->features = calloc(run->count, sizeof *run->features);
        run_bars(folder, run, points);
    }
    for (int c = 0; c < 5; c++)
        free(points[c]);
}

/* --- against the reference ------------------------------------------------------------------------------------- */

static uint32_t direction_of(const char *text)
{
    return strcmp(text, "acc") == 0 ? WYCKOFF_ACCUMULATION : WYCKOFF_DISTRIBUTION;
}

static void check_features(struct quant_folder *folder)
{
    const char *const file = "reference_features.csv";
    struct table t;
    if (!quant_open(folder, file, false, &t))
        return;
    uint32_t key = table_column(&t, "case"), number = table_column(&t, "i");
    for (uint32_t row = 0; row < t.row_count; row++) {
        const struct run *run = run_of(table_text(&t, row, key));
        int64_t i = table_integer(&t, row, number);
        if (!run || i < 0 || i >= run->count) {
            quant_fail(folder, file, "row %u: no such bar", row);
            continue;
        }
        const struct wyckoff_features *f = &run->features[i];
        const struct {
            const char *name;
            double value;
        } columns[] = {{"atr14_prev", f->atr},
                       {"rel_volume", f->relative_volume},
                       {"spread_ratio", f->spread_ratio},
                       {"clv01", f->clv01}};
        for (int c = 0; c < 4; c++)
            quant_check(folder, file, row, columns[c].name, table_number(&t, row, table_column(&t, columns[c].name)),
                        columns[c].value, QUANT_RELATIVE, FEATURE_TOLERANCE);
    }
    table_fini(&t);
}

/* The next one of that direction, NULL when there is none. */
static const struct wyckoff_event *next_event(struct run *run, uint32_t direction)
{
    uint32_t *next = &run->event_next[direction];
    while (*next < run->event_count)
        if (run->events[(*next)++].direction == direction)
            return &run->events[*next - 1];
    return NULL;
}

static const struct wyckoff_end *next_end(struct run *run, uint32_t direction)
{
    uint32_t *next = &run->end_next[direction];
    while (*next < run->end_count)
        if (run->ends[(*next)++].direction == direction)
            return &run->ends[*next - 1];
    return NULL;
}

static void check_events(struct quant_folder *folder)
{
    const char *const file = "reference_events.csv";
    struct table t;
    if (!quant_open(folder, file, false, &t))
        return;
    uint32_t key = table_column(&t, "case"), way = table_column(&t, "direction"), kind = table_column(&t, "event");
    uint32_t at = table_column(&t, "bar"), known = table_column(&t, "confirmed_at");
    for (uint32_t row = 0; row < t.row_count; row++) {
        struct run *run = run_of(table_text(&t, row, key));
        uint32_t direction = direction_of(table_text(&t, row, way));
        const struct wyckoff_event *event = run ? next_event(run, direction) : NULL;
        if (!event) {
            quant_fail(folder, file, "row %u: %s was not found", row, table_text(&t, row, kind));
            continue;
        }
        quant_check_text(folder, file, row, "event", table_text(&t, row, kind),
                         wyckoff_event_name(event->kind, direction));
        quant_check_integer(folder, file, row, "bar", table_integer(&t, row, at), event->bar);
        quant_check_integer(folder, file, row, "confirmed_at", table_integer(&t, row, known), event->known_bar);
    }
    for (uint32_t i = 0; i < run_count; i++)
        for (uint32_t direction = 0; direction < WYCKOFF_DIRECTIONS; direction++)
            for (const struct wyckoff_event *event; (event = next_event(runs[i], direction));)
                quant_fail(folder, file, "%s: %s at %u is not in it", runs[i]->name,
                           wyckoff_event_name(event->kind, direction), event->bar);
    table_fini(&t);
}

/* "PS:141 SC:169 ..." with the names of accumulation, whatever the direction. */
static void marks_text(const struct wyckoff_end *end, char text[256])
{
    size_t length = 0;
    text[0] = '\0';
    for (uint32_t kind = 0; kind < WYCKOFF_KINDS; kind++)
        if (end->marks[kind].bar != WYCKOFF_NONE && length < 220)
            length += (size_t)snprintf(text + length, 256 - length, "%s%s:%u", length > 0 ? " " : "",
                                       wyckoff_event_name(kind, WYCKOFF_ACCUMULATION), end->marks[kind].bar);
}

static void check_patterns(struct quant_folder *folder)
{
    const char *const file = "reference_patterns.csv";
    struct table t;
    if (!quant_open(folder, file, false, &t))
        return;
    uint32_t key = table_column(&t, "case"), way = table_column(&t, "direction"), result = table_column(&t, "result");
    uint32_t at = table_column(&t, "end_bar"), stage = table_column(&t, "state_at_end"),
             events = table_column(&t, "events");
    for (uint32_t row = 0; row < t.row_count; row++) {
        struct run *run = run_of(table_text(&t, row, key));
        const struct wyckoff_end *end = run ? next_end(run, direction_of(table_text(&t, row, way))) : NULL;
        if (!end) {
            quant_fail(folder, file, "row %u: no such end", row);
            continue;
        }
        char text[256];
        marks_text(end, text);
        quant_check_text(folder, file, row, "result", table_text(&t, row, result), wyckoff_result_name(end->result));
        quant_check_integer(folder, file, row, "end_bar", table_integer(&t, row, at), end->bar);
        quant_check_text(folder, file, row, "state_at_end", table_text(&t, row, stage), wyckoff_stage_name(end->stage));
        quant_check_text(folder, file, row, "events", table_text(&t, row, events), text);
    }
    for (uint32_t i = 0; i < run_count; i++)
        for (uint32_t direction = 0; direction < WYCKOFF_DIRECTIONS; direction++)
            for (const struct wyckoff_end *end; (end = next_end(runs[i], direction));)
                quant_fail(folder, file, "%s: the end at %u is not in it", runs[i]->name, end->bar);
    table_fini(&t);
}

static void check_params(struct quant_folder *folder)
{
    const char *const file = "reference_params.json";
    char path[QUANT_PATH_MAX], line[128], name[32];
    FILE *in = quant_path(folder, file, path) ? fopen(path, "r") : NULL;
    if (!in) {
        quant_fail(folder, file, "is missing");
        return;
    }
    uint32_t row = 0;
    for (; fgets(line, sizeof line, in); row++) {
        double value;
        if (sscanf(line, " \"%31[a-z_]\": %lf", name, &value) != 2 || strcmp(name, "lps_max") == 0 ||
            strcmp(name, "sos_sr") == 0)
            continue; /* the braces, and the two that the prototype does not use */
        quant_check(folder, file, row, name, value, wyckoff_params_get(wyckoff_params_set(1), name), QUANT_ABSOLUTE,
                    0.0);
    }
    (void)fclose(in);
}

static void check_labels(struct quant_folder *folder)
{
    const char *const file = "labels.csv";
    struct table t;
    if (!quant_open(folder, file, false, &t))
        return;
    uint32_t key = table_column(&t, "case"), kinds = table_column(&t, "kind"), event = table_column(&t, "event");
    uint32_t at = table_column(&t, "bar"), climaxes = 0, found = 0;
    for (uint32_t row = 0; row < t.row_count; row++) {
        const struct run *run = run_of(table_text(&t, row, key));
        int64_t bar = table_integer(&t, row, at);
        uint32_t direction = strncmp(table_text(&t, row, kinds), "dist", 4) == 0, kind = 0;
        while (kind < WYCKOFF_KINDS && strcmp(wyckoff_event_name(kind, direction), table_text(&t, row, event)) != 0)
            kind++;
        bool inside = run && bar >= 0 && bar < run->count;
        quant_check_integer(folder, file, row, "case and bar are there", 1, inside);
        quant_check_text(folder, file, row, "event", table_text(&t, row, event), wyckoff_event_name(kind, direction));
        if (!inside)
            continue;
        bool near = false;
        for (uint32_t i = 0; i < run->event_count; i++)
            near |= run->events[i].direction == direction && run->events[i].kind == kind &&
                    llabs((long long)run->events[i].bar - bar) <= CLIMAX_NEAR;
        climaxes += kind == WYCKOFF_SC;
        found += kind == WYCKOFF_SC && near;
    }
    /* .74 to .99 by noise (quant.md 2.6): most of them, whatever the noise */
    quant_check_integer(folder, file, 0, "climaxes found, most", 1, climaxes == 0 || found * 2 > climaxes);
    table_fini(&t);
}

void quant_wyckoff(struct quant_folder *folder)
{
    struct table bars;
    if (!quant_open(folder, "bars.csv", false, &bars))
        return;
    run_count = 0;
    run_cases(folder, &bars);
    check_params(folder);
    check_features(folder);
    check_events(folder);
    check_patterns(folder);
    check_labels(folder);
    for (uint32_t i = 0; i < run_count; i++) {
        free(runs[i]->features);
        free(runs[i]);
    }
    table_fini(&bars);
}
