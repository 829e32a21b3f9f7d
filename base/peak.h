/* peak: the greatest value of the last 10 to 20 seconds.
 *
 * Two halves of PEAK_HALF_NS each: the one that is being filled and the one before it. Reading changes nothing, so that
 * any number of readers see the same. Times are monotonic ns and never go back; values are not negative. All zero: empty.
 */
#ifndef PROPFLEET_BASE_PEAK_H
#define PROPFLEET_BASE_PEAK_H

#include <stdint.h>

#define PEAK_HALF_NS (INT64_C(10) * 1000000000)

struct peak {
    int64_t half; /* number of the half that is being filled: time / PEAK_HALF_NS */
    int64_t greatest, before;
};

static inline void peak_add(struct peak *peak, int64_t now_ns, int64_t value)
{
    int64_t half = now_ns / PEAK_HALF_NS;
    if (half != peak->half) {
        peak->before = half == peak->half + 1 ? peak->greatest : 0;
        peak->greatest = 0;
        peak->half = half;
    }
    if (value > peak->greatest)
        peak->greatest = value;
}

static inline int64_t peak_read(const struct peak *peak, int64_t now_ns)
{
    int64_t halves = now_ns / PEAK_HALF_NS - peak->half;
    int64_t greatest = halves <= 1 ? peak->greatest : 0;
    return halves == 0 && peak->before > greatest ? peak->before : greatest;
}

#endif
