# adversarial search over the firms' rules
TESTS += search_rules
search_rules_SRC := tests/search/search_rules.c
search_rules_MODULES := rules base
