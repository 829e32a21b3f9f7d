/* statement_text: times, days and symbols as statements write them. Pure. */
#ifndef PROPFLEET_TOOLS_STATEMENT_TEXT_H
#define PROPFLEET_TOOLS_STATEMENT_TEXT_H

#include "tools/statement.h"

/* Epoch seconds; "04/03/2025 11:00:47 -05:00"; "2023.09.08 09:03[:09]", the server clock (new_york NULL: not taken). 1990 to
 * 2045. False: none of them. */
bool statement_time(const char *text, const struct tz_table *new_york, int64_t *out_ns);
/* "2025-04-03", "04/03/2025" and whatever time follows a blank. */
bool statement_date(const char *text, int32_t *out_day);
/* What a symbol is: from options->contracts, else the built-in ones, else six letters are an FX pair of 100,000. future: the
 * month and year at its end do not belong to its name. False: not known. */
bool statement_symbol_of(const char *text, bool future, const struct statement_options *options, struct statement_symbol *out);

#endif
