/* policy: what two files of accounts can already break together: P10, P11 and P12 as far as they are known before the
 * start. What depends on positions is the coordinator's (P10) and the account's (P11, P12). */
#ifndef PROPFLEET_CONFIG_POLICY_H
#define PROPFLEET_CONFIG_POLICY_H

#include "config/tables.h"

/* After resolve_accounts; accounts whose programme is CONFIG_NONE are passed over. */
void resolve_policies(struct loading *l, struct draft *draft);

/* May orders be sent that way? By the automation policy alone; a program that watches sends none. */
bool policy_allows_mode(uint32_t automation, uint32_t mode);

#endif
