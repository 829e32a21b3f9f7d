/* quant_metrics: the parts of the family metrics. Each is given its input and the name of what is expected of it. */
#ifndef PROPFLEET_TESTS_GOLDEN_QUANT_QUANT_METRICS_H
#define PROPFLEET_TESTS_GOLDEN_QUANT_QUANT_METRICS_H

#include "tests/golden/quant/quant.h"

void quant_metrics_trades(struct quant_folder *folder, const struct table *input, const char *expected);
void quant_metrics_intraday(struct quant_folder *folder, const struct table *input, const char *expected);

#endif
