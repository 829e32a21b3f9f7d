/* text: figures and outside text as people read them. Pure. */
#ifndef PROPFLEET_TOOLS_TEXT_H
#define PROPFLEET_TOOLS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"

/* Bytes that always suffice for what the functions below write. */
#define TEXT_MAX 48

/* "2024-05-13 18:45:00", UTC; "-" for 0. `seconds` false: "2024-05-13 18:45". */
const char *text_time(int64_t time_ns, bool seconds, char buf[TEXT_MAX]);
/* "1,234,567" */
const char *text_count(uint64_t value, char buf[TEXT_MAX]);
/* "-1,234.50", rounded to cents; "-" for DEC_NONE. */
const char *text_money(dec_t value, char buf[TEXT_MAX]);
/* As money, with a sign: "+12.00". */
const char *text_signed(dec_t value, char buf[TEXT_MAX]);
/* As it is, without needless zeros: prices and lots. "-" for DEC_NONE. */
const char *text_decimal(dec_t value, char buf[TEXT_MAX]);
/* "3.2s", "4m07s", "2h05m", "3d04h" */
const char *text_duration(double seconds, char buf[TEXT_MAX]);

/* Copy at most size - 1 bytes; control bytes (a terminal would obey them) and what is no UTF-8 become '?'.
 * A cut never splits a character. `text` needs no NUL. Returns the length. */
size_t text_clean(const char *text, size_t length, char *out, size_t size);
/* Columns that clean UTF-8 takes on a terminal (every character counted as one). */
size_t text_columns(const char *text);
/* Bytes of the first `columns` columns. */
size_t text_cut(const char *text, size_t columns);
/* [a-z][a-z0-9-]{0,30}: an account's name, which is a path component and a word of a request. */
bool text_is_name(const char *text);

#endif
