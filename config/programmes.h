/* programmes: the files of firms/ become entries of the compiled configuration, and accounts find theirs. */
#ifndef PROPFLEET_CONFIG_PROGRAMMES_H
#define PROPFLEET_CONFIG_PROGRAMMES_H

#include "config/tables.h"

/* Days since 1970-01-01 against which `verified` is held: options->today_ns, PROPFLEET_TODAY (a date), or the clock.
 * What is wrong with PROPFLEET_TODAY, NULL when nothing is. */
const char *programmes_today(const struct loader_options *options, int64_t *days);
/* An entry for each phase of each file. Needs the instruments. */
void resolve_programmes(struct loading *l, struct draft *draft);
/* The entry of an account's programme, phase and options, made when its options are new. CONFIG_NONE: what is wrong is
 * reported, here or with the file. */
uint32_t programme_of_account(struct loading *l, struct draft *draft, const struct draft_account *from);

#endif
