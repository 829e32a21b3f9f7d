/* calendar: how commands speak of the compiled calendar. */
#ifndef PROPFLEET_TOOLS_CALENDAR_H
#define PROPFLEET_TOOLS_CALENDAR_H

#include "config/config.h"
#include "tools/text.h"

/* "DERIVED (by rule, published by nobody), valid 2000-01-01 to 2046-01-01, 4056 events, 92 closes"; "none: ..." */
#define CALENDAR_LINE_MAX 256
const char *calendar_line(const struct fleet_config *config, char buf[CALENDAR_LINE_MAX]);

#endif
