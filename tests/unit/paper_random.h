/* Random markets and requests from a seed, played against a paper venue; what was asked is kept, so that the
 * same can be asked again. */
#ifndef PROPFLEET_TESTS_PAPER_RANDOM_H
#define PROPFLEET_TESTS_PAPER_RANDOM_H

#include "tests/unit/paper_support.h"

#define RANDOM_RECORDS_MAX 12000u
#define RANDOM_REQUESTS_MAX 3000u

struct random_script {
    uint64_t seed;
    uint32_t record_count, request_count;
    struct market_record *records;   /* record i has sequence number i + 1 */
    struct broker_request *requests; /* in the order of asking */
};

/* Deterministic numbers for the test itself. */
uint64_t random_next(uint64_t *state);
uint64_t random_below(uint64_t *state, uint64_t limit);

/* Sets the account's model and the instruments' conditions from the seed. */
void random_configure(struct paper_test *f, uint64_t seed);
void random_script_init(struct random_script *s, uint64_t seed);
void random_script_fini(struct random_script *s);
/* Play all records; requests are made up on the way (from what the venue says) and kept. */
void random_play_new(struct random_script *s, struct paper_test *f);
/* Play the same again. */
void random_play_again(const struct random_script *s, struct paper_test *f);
/* The book as one hash, after everything has been acknowledged. */
uint64_t random_book_hash(struct paper_test *f);
void random_assert_same(const struct paper_test *a, const struct paper_test *b, uint64_t seed);

#endif
