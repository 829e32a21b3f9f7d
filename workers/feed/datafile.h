/* datafile: bars, quotes, trades or spreads of one instrument in one compact file that is mapped, not read (docs/data.md).
 *
 * Caveats first. Whatever a file says is hostile: datafile_parse takes it only when header, sizes and ranges fit each other
 * exactly, and then no row can lead outside the mapping, overflow or be anything but a checked number; whether the rows are
 * the ones that were written is another question, which datafile_verify answers by reading it all. A row may still be
 * refused (-EBADMSG) in a file that nobody verified. A file that another program shortens while it is mapped ends the
 * reader by SIGBUS: the writer here never does, it replaces a file by renaming a whole one over it.
 *
 * Layout (little-endian): struct datafile_header of DATAFILE_HEADER_BYTES, then the columns one after the other, each beginning
 * at a multiple of 8, filled up with zeros. A column is `count` codes of `width` bytes (0: all codes are 0); a value is
 * base + unit * code. Column 0 is the time in ns, the others stand in the order of the CSV's. So row i is found at once, and
 * a bar of M15 takes some 12 bytes instead of 47 of CSV.
 *
 * Rows come out as csv.h's struct csv_row: whoever takes those takes these.
 */
#ifndef PROPFLEET_WORKERS_FEED_DATAFILE_H
#define PROPFLEET_WORKERS_FEED_DATAFILE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/market.h"
#include "workers/feed/csv.h"

struct error;

#define DATAFILE_VERSION 1u
#define DATAFILE_HEADER_BYTES 512u
#define DATAFILE_MAGIC "\x89PFDATA\n" /* 8 bytes; no text file begins so */
#define DATAFILE_COUNT_MAX (UINT64_C(1) << 40)
#define DATAFILE_NO_TIMEFRAME UINT32_MAX

struct datafile_column {
    int64_t base, unit;     /* of column 0: ns; else dec_t. unit > 0 */
    uint64_t max;           /* largest code; base + unit * max fits */
    uint32_t width;         /* datafile_width */
    uint32_t crc;           /* CRC-32 (zlib's) of the column's bytes without the filling */
};
struct datafile_header {
    unsigned char magic[8];
    uint32_t version, header_bytes;
    uint32_t kind;          /* enum csv_kind: the numbers of version 1 */
    uint32_t timeframe;     /* enum market_timeframe of bars and spreads; DATAFILE_NO_TIMEFRAME else */
    uint32_t volume_kind;   /* enum config_volume_kind, of bars; else VOLUME_NONE */
    uint32_t price_kind;    /* enum config_price_kind, of bars; else PRICE_BID */
    uint32_t price_digits;  /* 0..8: what every price of the file has at most */
    uint32_t column_count;  /* as the kind's CSV has */
    uint64_t count;         /* rows, > 0 */
    int64_t first_ns, last_ns; /* of the rows; bars: their opens */
    uint64_t left_out;      /* bad rows of the source, skipped at the import */
    char instrument[CONFIG_NAME_MAX]; /* NUL-filled, [A-Za-z0-9._-] */
    char source[64];        /* the CSV's name without folders, NUL-filled; for people */
    struct datafile_column columns[CSV_FIELDS_MAX];
    unsigned char reserved[148]; /* zero */
    uint32_t crc;           /* CRC-32 of the header before this */
};
static_assert(sizeof(struct datafile_column) == 32, "stored");
static_assert(sizeof(struct datafile_header) == DATAFILE_HEADER_BYTES, "stored");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "columns are read as they lie");

struct datafile {
    struct datafile_header header; /* a copy: it does not change under us */
    const unsigned char *columns[CSV_FIELDS_MAX];
    size_t bytes;
    void *map;              /* NULL: not ours to unmap */
};

/* `bytes` of memory that outlive *out. 0, or with err set -EINVAL: no file of this kind, -EPROTO: of a newer version,
 * -EBADMSG: damaged. `name` is for the text. */
int datafile_parse(const char *name, const void *data, size_t bytes, struct datafile *out, struct error *err);
/* Maps a file read-only. Further errors: -errno of open, stat and mmap. */
int datafile_open(const char *path, struct datafile *out, struct error *err);
void datafile_close(struct datafile *file); /* twice does nothing */

/* Row i (< header.count, asserted). 0, or -EBADMSG: not a row that an import would have let in; *out is unspecified. The
 * order of times is not looked at here. */
int datafile_row(const struct datafile *file, uint64_t i, struct csv_row *out);
/* The first row at or after a time; header.count: none. Any answer in a file whose times are out of order. */
uint64_t datafile_find(const struct datafile *file, int64_t time_ns);
/* Every byte: checksums, each row, their order, the first and last time. 0, or -EBADMSG with the first fault. */
int datafile_verify(const struct datafile *file, const char *name, struct error *err);

/* The bytes of a column without its filling, with it, and of a whole file. */
static inline uint64_t datafile_column_bytes(const struct datafile_header *header, unsigned column)
{
    return header->count * header->columns[column].width;
}
static inline uint64_t datafile_filled_up(uint64_t bytes) { return (bytes + 7) & ~UINT64_C(7); }
uint64_t datafile_bytes(const struct datafile_header *header);
/* 0, 1, 2, 4 or 8 bytes: the fewest that hold the column's max; the time of more than one row has at least 1, so that
 * nothing that is cheap to make has endless rows. */
uint32_t datafile_width(const struct datafile_header *header, unsigned column);
unsigned datafile_columns(uint32_t kind); /* 0: no such kind */
/* Is it a price, with price_digits and price's range? Else a time (column 0), a volume or a size. */
bool datafile_is_price(uint32_t kind, unsigned column);
bool datafile_name_is_right(const char name[CONFIG_NAME_MAX]);

#endif
