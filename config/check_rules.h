/* check_rules: is a compiled set of rules one that an evaluator may walk through? A part of config_check. */
#ifndef PROPFLEET_CONFIG_CHECK_RULES_H
#define PROPFLEET_CONFIG_CHECK_RULES_H

#include "config/rules.h"

/* NULL, or the first field that is not right, with *problem. The texts live until the next call. */
const char *config_check_rules(const struct rules_set *set, uint32_t zone_count, uint32_t instrument_count,
                               const char **problem);

#endif
