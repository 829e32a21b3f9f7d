/* quant_indicators: what the two files of the family `indicators` share: a series of bars in whole points. */
#ifndef PROPFLEET_TESTS_GOLDEN_QUANT_QUANT_INDICATORS_H
#define PROPFLEET_TESTS_GOLDEN_QUANT_QUANT_INDICATORS_H

#include "tests/golden/quant/quant.h"
#include "workers/strategy/indicators/bar.h"

struct series {
    struct indicator_bar *bars;
    uint32_t count;
    double scale; /* points in one unit of the file's prices */
};
/* Names of the columns; an open that is not there is the close. */
struct series_columns {
    const char *open, *high, *low, *close, *volume;
};
/* False when it cannot be read (said as a failure). The caller's to series_fini. */
bool series_read(struct quant_folder *folder, const char *name, const struct series_columns *names, struct series *out);
/* STEM_input.csv */
bool series_of(struct quant_folder *folder, const char *stem, struct series *out);
void series_fini(struct series *series);

/* STEM_input.csv against STEM_ttr.csv, STEM_talib.csv and STEM_tulip.csv, as far as they are there. */
void indicators_check_libraries(struct quant_folder *folder, const char *stem);

#endif
