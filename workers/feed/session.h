/* session: when an instrument trades, minute by minute, for the simulator.
 *
 * Local times of the instrument's session zone: closed from session_close_s to session_open_s each day (equal:
 * no daily break), and with closed_weekend from Friday's session_close_s (00:00: Friday's end) to Sunday's
 * session_open_s. A minute is open when its first second is. Clock changes are assumed at whole UTC hours.
 */
#ifndef PROPFLEET_WORKERS_FEED_SESSION_H
#define PROPFLEET_WORKERS_FEED_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

/* weekday 0 Sunday .. 6; second of the local day. */
bool session_open_local(const struct config_instrument *instrument, int weekday, int32_t second);
/* Bit m: minute m of the UTC hour that begins at hour_ns is open. */
uint64_t session_hour_mask(const struct config_instrument *instrument, const struct tz_table *zone, int64_t hour_ns);
/* Open minutes of the seven days from from_ns (a whole UTC hour) on. */
uint32_t session_week_minutes(const struct config_instrument *instrument, const struct tz_table *zone, int64_t from_ns);

#endif
