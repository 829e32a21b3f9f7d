/* journal: the account's decision records, msgpack maps that describe themselves.
 *
 * A record is a map: "k" its kind (text), "n" its sequence number (jseq), "t" the market time, then the kind's
 * fields. Decimals are ext type JOURNAL_EXT_DECIMAL (8 bytes, big-endian, the dec_t), times ext type
 * JOURNAL_EXT_TIME (8 bytes, ns since the epoch): so a reader can print any record, also of a newer
 * kind. Instruments are written by symbol and by index ("i").
 *
 * Only decisions and what they followed from are here. Nothing that a restart, a scheduler or a wall clock
 * changes ever gets in: two runs over the same data give the same bytes.
 *
 * Writing is into the caller's buffer, without allocation; reading (re-sending, tools) allocates.
 */
#ifndef PROPFLEET_WORKERS_ACCOUNT_JOURNAL_H
#define PROPFLEET_WORKERS_ACCOUNT_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/decimal.h"

#define JOURNAL_EXT_DECIMAL 1
#define JOURNAL_EXT_TIME 2
#define JOURNAL_RECORD_BYTES_MAX 1024u

struct journal_writer {
    unsigned char *out;
    size_t size, used;
    uint32_t fields;
};
/* Begin a record of at most `size` bytes in out. */
void journal_begin(struct journal_writer *writer, void *out, size_t size, const char *kind, uint64_t jseq, int64_t time_ns);
void journal_text(struct journal_writer *writer, const char *key, const char *value);
void journal_u64(struct journal_writer *writer, const char *key, uint64_t value);
void journal_dec(struct journal_writer *writer, const char *key, dec_t value);
void journal_time(struct journal_writer *writer, const char *key, int64_t time_ns);
void journal_f64(struct journal_writer *writer, const char *key, double value);
/* Returns the length. A record that does not fit is a mistake of ours (asserted). */
size_t journal_end(struct journal_writer *writer);

/* --- reading ------------------------------------------------------------------------------ */
/* Fields of one record; 0, or -ENOENT (no such field of that type), -EPROTO (not a record). text is cut to size. */
int journal_get_u64(const void *data, size_t size, const char *key, uint64_t *out);
int journal_get_dec(const void *data, size_t size, const char *key, dec_t *out);
int journal_get_time(const void *data, size_t size, const char *key, int64_t *out);
int journal_get_f64(const void *data, size_t size, const char *key, double *out);
int journal_get_text(const void *data, size_t size, const char *key, char *out, size_t out_size);
/* One line of JSON: decimals as strings, times as "2024-05-13T18:45:00Z" (with a fraction when there is one),
 * doubles with 17 significant digits at most. -EPROTO when it is no record. */
int journal_print_json(FILE *out, const void *data, size_t size);
int journal_print_object(FILE *out, const void *data, size_t size); /* the same without the line's end */

#endif
