/* data: what the verbs of `propfleet data` share. */
#ifndef PROPFLEET_TOOLS_DATA_H
#define PROPFLEET_TOOLS_DATA_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "shm/market.h"
#include "tools/text.h"
#include "workers/feed/csv.h"
#include "workers/feed/datafile.h"

struct error;

#define DATA_LIST_MAX 1000u

int data_import(int argc, char **argv);
int data_check(int argc, char **argv);

/* What a CSV's name says: SYMBOL[-feed]_TF.csv, _TF_spread.csv, _ticks.csv, _trades.csv, each also .gz. */
struct data_name {
    char symbol[CONFIG_NAME_MAX];      /* empty: it does not say */
    uint32_t timeframe;                /* DATAFILE_NO_TIMEFRAME: it does not say */
};
void data_name_of(const char *path, struct data_name *out);
/* The last part of a path. */
const char *data_base_name(const char *path);

/* --symbol and --timeframe over what the name says. 0, or -EINVAL with err (an unknown timeframe). */
int data_name_override(struct data_name *name, const char *symbol, const char *timeframe, struct error *err);
/* The grid that a CSV's bars are held to, in s; 0: none (H4 and D1 follow a broker's day; everything that is no bar). */
int64_t data_grid_s(enum csv_kind kind, uint32_t timeframe);
/* Opens a CSV of any kind: its header decides; bars and spreads need a timeframe. */
int data_csv_open(struct csv *csv, const char *path, const struct data_name *name, struct error *err);
const char *data_kind_text(uint32_t kind);    /* "bars" */
const char *data_volume_text(uint32_t kind);  /* "tick" */
const char *data_price_text(uint32_t kind);
/* "bars M15" */
const char *data_what(uint32_t kind, uint32_t timeframe, char buf[TEXT_MAX]);

/* Bad rows of a CSV: counted by csv.h, the first ones kept. */
struct data_bad {
    uint32_t count, max;
    struct { uint64_t line; enum csv_reason reason; } list[DATA_LIST_MAX];
};
void data_bad_add(void *bad, uint64_t line, enum csv_reason reason); /* csv's on_bad */
void data_bad_print(const struct data_bad *bad, const struct csv *csv, FILE *out);

/* One line on a terminal that is written over; nothing elsewhere. An interrupt (INT, TERM, HUP) is noticed here. */
struct data_progress {
    const char *what;
    uint64_t total;        /* 0: not known */
    bool shown;
    int64_t next_ns;
};
void data_progress_begin(struct data_progress *progress, const char *what, uint64_t total);
/* To be called with every row; looks up only now and then. False: interrupted. */
bool data_progress_row(struct data_progress *progress, uint64_t rows);
void data_progress_end(struct data_progress *progress);

#endif
