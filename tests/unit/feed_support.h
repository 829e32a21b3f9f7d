/* feed_support: what the feed's tests share: a configuration by hand, files of their own, a folder for them. */
#ifndef PROPFLEET_TESTS_UNIT_FEED_SUPPORT_H
#define PROPFLEET_TESTS_UNIT_FEED_SUPPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "workers/feed/builder.h"

#define SUPPORT_S INT64_C(1000000000)
#define SUPPORT_MINUTE_NS (60 * SUPPORT_S)
#define SUPPORT_HOUR_NS (3600 * SUPPORT_S)
/* Monday 2024-01-08 00:00 UTC. */
#define SUPPORT_MONDAY_S INT64_C(1704672000)

/* Zones that support_config fills. */
enum { SUPPORT_UTC, SUPPORT_NEW_YORK, SUPPORT_PRAGUE, SUPPORT_ZONES };

/* A valid configuration: `instruments` active ones, named I0, I1, ...; a fx tick of 0.00001 and spread of 10
 * ticks; day from 17:00 New York. Dataset without files yet. Static: one at a time. */
struct fleet_config *support_config(uint32_t instruments);
/* As the simulator's six: two FX of one block, one against it, gold, index, crypto. */
struct fleet_config *support_simulator(uint64_t seed, uint32_t days);

/* A path in the test's own folder, which is removed at exit. The text stays until 16 more are asked for. */
const char *support_path(const char *name);
/* Writes the whole file; returns its path. */
const char *support_write(const char *name, const char *text);
const char *support_write_gz(const char *name, const char *text);
/* Make file `name` of `rows` M1 (step_s 60) bars from start_s on, prices by `seed`; instrument `index` of the
 * configuration reads it. */
void support_bars(struct fleet_config *config, uint32_t index, const char *name, int64_t start_s, int64_t step_s,
                  uint32_t rows, uint64_t seed);

int64_t support_now_ns(void);

#endif
