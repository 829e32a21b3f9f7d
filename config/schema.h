/* schema: a YAML mapping described by a table of fields, and everything that follows from it.
 *
 * One row says what a key is called, what kind of value it takes, from where to where, what holds
 * when it is absent, what it means, and where in a C struct it goes. From the same rows a mapping is
 * read and checked (schema_read), complaints say what would be right, and the reference
 * documentation is printed (schema_explain).
 *
 * A struct that is read into is zeroed by the caller first. Numbers are range-checked in the form
 * in which they are stored as integers: a fraction as dec_t, a duration in ns; reals likewise
 * as dec_t before they become doubles.
 */
#ifndef PROPFLEET_CONFIG_SCHEMA_H
#define PROPFLEET_CONFIG_SCHEMA_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config/document.h"
#include "config/report.h"

enum schema_type {
    SCHEMA_TEXT,       /* char[size] */
    SCHEMA_NAME,       /* char[size]: [a-z][a-z0-9-]* */
    SCHEMA_LABEL,      /* char[size]: [a-z0-9][a-z0-9-]* */
    SCHEMA_SYMBOL,     /* char[size]: [A-Z0-9][A-Z0-9._]* */
    SCHEMA_CURRENCY,   /* char[4] */
    SCHEMA_DATE,       /* char[size], as written */
    SCHEMA_FLAG,       /* bool */
    SCHEMA_COUNT,      /* uint32_t */
    SCHEMA_POWER,      /* uint32_t, a power of two */
    SCHEMA_SEED,       /* uint64_t */
    SCHEMA_DECIMAL,    /* dec_t */
    SCHEMA_DECIMALS,   /* dec_t[], number at count_offset */
    SCHEMA_FRACTION,   /* dec_t, written as a percentage */
    SCHEMA_SHARE,      /* double, written as a percentage */
    SCHEMA_REAL,       /* double */
    SCHEMA_REALS,      /* double[], all of them */
    SCHEMA_MONEY,      /* dec_t; its currency goes to count_offset, char[4] */
    SCHEMA_DURATION,   /* int64_t ns */
    SCHEMA_SECONDS,    /* int32_t s, written as a duration */
    SCHEMA_SIZE,       /* uint64_t bytes */
    SCHEMA_SIZE32,     /* uint32_t bytes */
    SCHEMA_TIME,       /* int32_t seconds of the day */
    SCHEMA_INSTANT,    /* int64_t ns */
    SCHEMA_UNTIL,      /* int64_t ns; a bare date is meant to its end */
    SCHEMA_SPEED,      /* double, 0 for "max" */
    SCHEMA_CHOICE,     /* uint32_t, index into choices */
    SCHEMA_ZONE,       /* uint32_t, index into the fleet's zones */
    SCHEMA_REFERENCE,  /* struct schema_reference: a name that is resolved later */
    SCHEMA_REFERENCES, /* struct schema_reference[], number at count_offset */
    SCHEMA_PATH,       /* struct schema_path */
    SCHEMA_BITS,       /* uint32_t, bit i: choice i is in the list */
    SCHEMA_SYMBOLS,    /* struct schema_symbols */
    SCHEMA_LINES,      /* char[size]: a list of texts, one a line, number not kept */
    SCHEMA_SECTION,    /* a mapping with its own table, in the same struct at offset */
    SCHEMA_LIST,       /* a sequence of mappings: array, number at count_offset */
    SCHEMA_MAP,        /* name: mapping; each element begins with the name, char[CONFIG_NAME_MAX] */
    SCHEMA_VARIANTS,   /* in a LIST's element alone: mappings of keys of that same element, each of which becomes an
                          element of its own behind it: a copy with these keys changed; uint32_t at offset: its number */
};

/* Symbols of instruments.yaml, which is read before. Not to know one is no mistake here: who needs it says so. */
struct schema_symbols {
    uint32_t mask;     /* bit i: instrument i */
    uint32_t unknown_count;
    char unknown[CONFIG_NAME_MAX]; /* the first of them, and where it stands */
    struct place place;
};

struct schema_reference {
    char name[CONFIG_NAME_MAX * 2 + 2]; /* empty: not given */
    struct place place;
};

struct schema_path {
    char path[CONFIG_PATH_MAX]; /* as written; empty: not given */
    struct place place;
};

struct schema_table;

struct schema_field {
    const char *key;
    enum schema_type type;
    size_t offset, size;  /* of the member; sizeof an array is that of all of it */
    int64_t min, max;     /* INT64_MAX: no upper limit. LIST, MAP, REFERENCES, DECIMALS: of their number */
    const char *fallback; /* as it would be written; NULL: the key must be there. "": nothing, zero */
    const char *unit;     /* what is counted, when the value does not say it itself */
    const char *help;
    const char *const *choices;       /* NULL at the end */
    const struct schema_table *table; /* SECTION, LIST, MAP */
    size_t count_offset;              /* uint32_t, for what has a number; currency of MONEY */
    size_t given_offset;              /* bool that becomes true when the key is there; 0: none */
    size_t place_offset; /* struct place of an element, of the mapping's beginning; in SECTION, LIST, MAP */
    size_t element_size; /* LIST, MAP */
    enum schema_type names; /* MAP: the type of its names; SCHEMA_TEXT (0) stands for SCHEMA_SYMBOL */
};

struct schema_table {
    const struct schema_field *fields;
    size_t count;
};

#define SCHEMA_AT(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define SCHEMA_TABLE(array)                                                                                            \
    {                                                                                                                  \
        array, sizeof(array) / sizeof(array)[0]                                                                        \
    }

/* Read `mapping` of `document` into `base`. Everything wrong is reported, with `prefix` ("feed.") before
 * each key; the rest is read all the same. 0, or -EINVAL when anything was reported. */
int schema_read(struct loading *l, struct document *document, yaml_node_t *mapping, const struct schema_table *table,
                const char *prefix, void *base);

/* The reference of a table, indented, keys in full. */
void schema_explain(const struct schema_table *table, const char *prefix, FILE *out);

/* "a percentage such as 0.25%, from 0.01% to 2%": what would be right for this field. */
const char *schema_expect(const struct schema_field *field, char *buf, size_t size);

/* Index of a zone among l->out->zones, loaded when it is new. CONFIG_NONE with *problem set. */
uint32_t schema_zone(struct loading *l, const char *name, const char **problem);

#endif
