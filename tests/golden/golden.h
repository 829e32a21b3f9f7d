/* golden: one vector of a rules_vectors.csv, and how a handler reads and answers it.
 *
 * A vector is id, primitive, rule, basis, firm, inputs, expected, note; inputs and expected are key=value joined by |.
 * A handler picks what to do by the primitive and the keys that are there, never by the id or a text, calls
 * the functions of workers/risk/rules (it copies none of them) and tells each result by golden_expect_*.
 * A vector passes when every key of `expected` was told once and alike; an expected key that nobody told is a failure.
 *
 * Strings live as long as the file that they were read from. Getters of a key that is not there, or not of that kind,
 * make the vector fail and return 0, "" or false.
 */
#ifndef PROPFLEET_TESTS_GOLDEN_H
#define PROPFLEET_TESTS_GOLDEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/tz.h"

#define GOLDEN_PAIRS_MAX 32u
#define GOLDEN_LIST_MAX 64u

struct golden_pair {
    const char *key, *value;
    bool told; /* of expected: compared with something */
};
struct golden_side {
    struct golden_pair pairs[GOLDEN_PAIRS_MAX];
    uint32_t count;
};
struct golden_vector {
    const char *file, *id, *primitive, *rule;
    struct golden_side inputs, expected;
    const struct golden_vector *before; /* the vector above it in the file, NULL for the first */
    uint32_t failures;
    char text[1024]; /* what went wrong, both sides */
};

/* --- reading: inputs by key -------------------------------------------------------------------------- */
bool golden_has(const struct golden_vector *v, const char *key);
bool golden_wants(const struct golden_vector *v, const char *key); /* a key of expected */
const char *golden_text(struct golden_vector *v, const char *key);
bool golden_is(struct golden_vector *v, const char *key, const char *text); /* has it, and it reads so */
dec_t golden_dec(struct golden_vector *v, const char *key);
dec_t golden_dec_or(struct golden_vector *v, const char *key, dec_t without); /* also for "none" */
int64_t golden_int(struct golden_vector *v, const char *key);
bool golden_bool(struct golden_vector *v, const char *key);
int64_t golden_time(struct golden_vector *v, const char *key);  /* 2026-06-05T12:30:00Z, ns */
int64_t golden_date(struct golden_vector *v, const char *key);  /* 2026-06-05, days since 1970-01-01 */
int32_t golden_clock(struct golden_vector *v, const char *key); /* 15:10, seconds */
/* A zone by name; NULL (and the vector fails) when there is none. Loaded once. */
const struct tz_table *golden_zone(struct golden_vector *v, const char *name);
/* Copies the parts between separators; each at most 95 bytes. Returns how many. */
uint32_t golden_split(struct golden_vector *v, const char *text, char separator, char parts[GOLDEN_LIST_MAX][96]);
/* A text of one of these kinds; false: it is not. */
bool golden_parse_dec(const char *text, dec_t *out);
bool golden_parse_time(const char *text, int64_t *out_ns);
bool golden_parse_date(const char *text, int64_t *out_days);
bool golden_parse_clock(const char *text, int32_t *out_s);

/* --- telling: results by key of expected; a key that is not expected is passed over ------------------------ */
void golden_expect_dec(struct golden_vector *v, const char *key, dec_t value);
void golden_expect_int(struct golden_vector *v, const char *key, int64_t value);
void golden_expect_bool(struct golden_vector *v, const char *key, bool value);
void golden_expect_text(struct golden_vector *v, const char *key, const char *value);
void golden_expect_time(struct golden_vector *v, const char *key, int64_t value_ns);
/* Rounded half away from zero to as many digits as the expected number shows (shares in per cent). */
void golden_expect_rounded(struct golden_vector *v, const char *key, dec_t value);
void golden_fail(struct golden_vector *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- handlers: 1 when it knew what to do, 0 when it does not know such a vector ------------------------------- */
int golden_floor(struct golden_vector *v);     /* golden_floor.c: P1, P1S, P1D, PT, CT */
int golden_primitive(struct golden_vector *v); /* golden_primitives.c: P2 to P12 */

#endif
