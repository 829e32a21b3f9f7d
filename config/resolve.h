/* resolve: from drafts to the compiled configuration: names become indices, and what no single value
 * can show is checked (a personality against the source, an account against its firm).
 *
 * Called in this order: instruments (before the files of firms/ are read, which name symbols), fleet, (source.h),
 * (programmes.h), personalities, accounts.
 */
#ifndef PROPFLEET_CONFIG_RESOLVE_H
#define PROPFLEET_CONFIG_RESOLVE_H

#include "config/tables.h"

/* Paths, speed and everything of fleet.yaml; options override. */
void resolve_fleet(struct loading *l, struct draft *draft);
/* Sorts by symbol: an instrument's index depends on the set of symbols alone. */
void resolve_instruments(struct loading *l, struct draft *draft);
void resolve_personalities(struct loading *l, struct draft *draft);
/* Sorts by name, and sets each account's digest. */
void resolve_accounts(struct loading *l, struct draft *draft);

#endif
