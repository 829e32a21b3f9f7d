/* scalars: one value of each type of schema.h: from text to its place in a struct, and what would be right. */
#ifndef PROPFLEET_CONFIG_SCALARS_H
#define PROPFLEET_CONFIG_SCALARS_H

#include "config/schema.h"

/* Parse, check the range and store at base + field->offset. NULL, or what is wrong with the text.
 * `quoted`: it stood in quotes, so that "" is a value. Only types with one value. */
const char *scalar_store(struct loading *l, const struct schema_field *field, const char *text, struct place place,
                         void *base);
/* One element of DECIMALS, REALS or REFERENCES, stored at index; of BITS, SYMBOLS, LINES, added. */
const char *scalar_store_element(struct loading *l, const struct schema_field *field, const char *text,
                                 struct place place, uint32_t index, void *base);
/* Short name of a type, for the reference documentation. */
const char *scalar_type_name(enum schema_type type);
/* "from 5 to 200", "at least 1", "" without a range. */
const char *scalar_range(const struct schema_field *field, char *buf, size_t size);

#endif
