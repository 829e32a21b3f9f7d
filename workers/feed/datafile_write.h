/* datafile_write: makes a data file (datafile.h) out of rows that come twice: once to be surveyed, once to be written.
 *
 *   survey: datafile_survey_add for each row; datafile_layout makes the header
 *   in memory: datafile_put for each row into datafile_bytes(header) zeroed bytes, then datafile_seal
 *   as a file: datafile_writer_begin, _add for each row, _commit (or _abort)
 * The file is whole or not there: it is written beside its place under another name, synced, and renamed. The rows must be
 * ones that csv.h lets in, the same both times (asserted where it would write outside; -ESTALE where they differ).
 */
#ifndef PROPFLEET_WORKERS_FEED_DATAFILE_WRITE_H
#define PROPFLEET_WORKERS_FEED_DATAFILE_WRITE_H

#include "workers/feed/datafile.h"

struct datafile_meta {
    enum csv_kind kind;
    uint32_t timeframe, volume_kind, price_kind; /* as in the header */
    char instrument[CONFIG_NAME_MAX];            /* datafile_name_is_right */
    char source[64];
    uint64_t left_out;
};
struct datafile_survey {
    uint64_t count;
    int64_t first_ns, last_ns;
    int64_t min[CSV_FIELDS_MAX], max[CSV_FIELDS_MAX];
    int64_t unit[CSV_FIELDS_MAX]; /* largest power of ten that divides all */
};

void datafile_survey_init(struct datafile_survey *survey);
void datafile_survey_add(struct datafile_survey *survey, enum csv_kind kind, const struct csv_row *row);
/* The header without its checksums. At least one row was surveyed (asserted), names are right (asserted). step_ns > 0: all
 * times are whole multiples of it. */
void datafile_layout(const struct datafile_survey *survey, const struct datafile_meta *meta, int64_t step_ns,
                     struct datafile_header *out);

/* False: the row is not one of those that were surveyed. */
bool datafile_put(unsigned char *file, const struct datafile_header *header, uint64_t i, const struct csv_row *row);
/* Checksums, then the header into its place. */
void datafile_seal(unsigned char *file, struct datafile_header *header);

struct datafile_writer {
    struct datafile_header header;
    char path[CONFIG_PATH_MAX], temporary[CONFIG_PATH_MAX + 16];
    unsigned char *map;
    size_t bytes;
    uint64_t rows;
    int fd;
};
/* Takes the room on the disk at once. 0, or -errno with err. */
int datafile_writer_begin(struct datafile_writer *writer, const char *path, const struct datafile_header *header, struct error *err);
int datafile_writer_add(struct datafile_writer *writer, const struct csv_row *row, struct error *err);
/* On an error nothing is left, and what was at the path stays. */
int datafile_writer_commit(struct datafile_writer *writer, struct error *err);
void datafile_writer_abort(struct datafile_writer *writer); /* after commit, or twice: does nothing */

#endif
