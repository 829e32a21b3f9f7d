/* digest: fingerprints of a compiled configuration, for comparing, not for security.
 *
 * An account's digest covers what the account depends on and nothing else: its own section, the
 * content (never the index) of its programme and personality, every instrument, store, coordination
 * and what the feed section says about the market. Speed, exit at the end and the sizes of the
 * ring are left out: the feed alone reads them.
 */
#ifndef PROPFLEET_CONFIG_DIGEST_H
#define PROPFLEET_CONFIG_DIGEST_H

#include <stdint.h>

struct fleet_config;

/* Of all that stands behind the member `digest`. */
uint64_t config_digest(const struct fleet_config *config);
/* Of the account at `index` (not a hole) with all its dependencies. */
uint64_t config_account_digest(const struct fleet_config *config, uint32_t index);

#endif
