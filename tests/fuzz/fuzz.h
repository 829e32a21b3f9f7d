/* fuzz: what the fuzz targets share. A target is LLVMFuzzerTestOneInput(bytes), which aborts where something that must hold
 * does not. With clang it runs under libFuzzer (`make fuzz`); without, fuzz_main.c feeds it inputs from a seed (`make test`).
 */
#ifndef PROPFLEET_TESTS_FUZZ_H
#define PROPFLEET_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/decimal.h"

#define FUZZ_INPUT_MAX 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Of the target: a good input to begin with, into buf of FUZZ_INPUT_MAX bytes; 0: no more than n of them. */
size_t fuzz_seed(unsigned n, uint8_t *buf);
extern const char fuzz_name[];
extern const unsigned fuzz_runs; /* of the loop without a number */

/* What must hold. On in every build; says where. */
#define FUZZ_HOLDS(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                             \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Values out of the input; 0 when it is used up. */
struct fuzz {
    const uint8_t *at, *end;
    bool tame; /* decimals are sizes that an account has: what happens between the extremes */
};
static inline uint64_t fuzz_u64(struct fuzz *f, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && f->at < f->end; i++)
        value = value << 8 | *f->at++;
    return value;
}
static inline uint32_t fuzz_below(struct fuzz *f, uint32_t bound) { return (uint32_t)(fuzz_u64(f, bound > 256 ? 4 : 1) % bound); }
static inline bool fuzz_bool(struct fuzz *f) { return fuzz_u64(f, 1) & 1; }
/* Mostly whole cents of an account's size, at times eight digits, at times anything that is a number. */
static inline dec_t fuzz_dec(struct fuzz *f)
{
    dec_t value;
    if (f->tame)
        return (dec_t)(fuzz_u64(f, 3) % 6000000) * (DEC_ONE / 100);
    switch (fuzz_below(f, 8)) {
    case 0:
        value = (dec_t)fuzz_u64(f, 8);
        return value == DEC_NONE ? 0 : value;
    case 1:
        return (dec_t)(fuzz_u64(f, 6) % UINT64_C(100000000000)) - 50000000000;
    case 2:
        return fuzz_bool(f) ? DEC_MAX : 0;
    default:
        return (dec_t)(fuzz_u64(f, 4) % 20000000) * (DEC_ONE / 100);
    }
}
static inline dec_t fuzz_positive(struct fuzz *f) { return dec_abs(fuzz_dec(f)); }

#endif
