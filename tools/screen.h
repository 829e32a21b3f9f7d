/* screen: the fleet's status as text, for `status` (all of it) and `top` (what fits). Pure apart from printing. */
#ifndef PROPFLEET_TOOLS_SCREEN_H
#define PROPFLEET_TOOLS_SCREEN_H

#include <stdio.h>

#include "tools/view.h"

/* Everything, in tables at most `width` columns wide (0: no limit). */
void screen_status(const struct view *view, unsigned width, FILE *out);
/* One frame of at most height lines (at least SCREEN_LINES_MIN) and width columns: the fleet, accounts with
 * their processes, then as many of the other processes as fit. */
#define SCREEN_LINES_MIN 8u
void screen_frame(const struct view *view, unsigned width, unsigned height, FILE *out);
/* One line of progress. */
void screen_line(const struct view *view, FILE *out);

#endif
