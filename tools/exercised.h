/* exercised: what a report says of the news rules of each programme: which it could exercise with the calendar that it had.
 *
 * Told, account by account, over which market time it traded (a span from its first record to its last); programmes take the spans
 * of their accounts together, and the instruments of their personalities. One line, one JSON object for each programme that was
 * told of, in the configuration's order. The verdicts are config/news.h's. Borrows the configuration.
 */
#ifndef PROPFLEET_TOOLS_EXERCISED_H
#define PROPFLEET_TOOLS_EXERCISED_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "config/config.h"

#define EXERCISED_TEXT_MAX 1024

struct exercised_span {
    int64_t from_ns, to_ns;  /* [from, to) of market time; from 0: not told of */
    uint32_t instruments;    /* bit i: traded */
};
struct exercised {
    const struct fleet_config *config;
    struct exercised_span spans[CONFIG_PROGRAMMES_MAX];
};

void exercised_begin(struct exercised *exercised, const struct fleet_config *config);
/* An account of the configuration; an empty span, or from 0 (no record), is nothing. */
void exercised_add(struct exercised *exercised, uint32_t account, int64_t from_ns, int64_t to_ns);
/* "ftmo/2-step, phase funded-standard: news: not exercised: ... (0 events, 2024-01-02 to 2024-01-13)"; several rules with "; "
 * between, "no news rule" without one. NULL: not told of. */
const char *exercised_line(const struct exercised *exercised, uint32_t programme, char out[EXERCISED_TEXT_MAX]);
/* All lines, each with `before` in front; the number of them. */
unsigned exercised_print(const struct exercised *exercised, const char *before, FILE *out);
/* [{"programme", "phase", "from", "to", "rules": [{"id", "events", "exercised", "text"}]}]; a new reference. "exercised" is true for
 * published events over all of the span alone. */
json_t *exercised_json(const struct exercised *exercised);

#endif
