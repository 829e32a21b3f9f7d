/* source: where the market of this load comes from: the simulator, a data-set file, or a folder of
 * CSV files whose names say what they are (SYMBOL_TF.csv, SYMBOL_ticks.csv, SYMBOL_TF_spread.csv, each
 * also .gz, SYMBOL-feed_... counting for SYMBOL).
 */
#ifndef PROPFLEET_CONFIG_SOURCE_H
#define PROPFLEET_CONFIG_SOURCE_H

#include "config/tables.h"

/* After resolve_instruments: sets out->feed and which instruments are active, from where, in which timeframes. */
void source_resolve(struct loading *l, struct draft *draft);
/* Is this the data set that --dataset or the YAML asks for by name? `stem` is a file's name without .yaml. */
bool source_wants(const struct loading *l, const struct draft *draft, const char *stem);
/* Read one data-set file; what it means for this load is source_resolve's. 0 or -EINVAL (reported). */
int source_read_dataset(struct loading *l, const char *path, const char *shown, struct draft_dataset *out);

#endif
