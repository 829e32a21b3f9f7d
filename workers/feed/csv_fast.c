#include "workers/feed/csv_fast.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "base/clock.h"

#define INLINE inline __attribute__((always_inline))

/* Digits of one number that fit into a word, the point included. */
#define WORD_BYTES 8u

#define WIDE_LANES 8u
#define WIDE_TIME_LANE 5u /* to 7 */

static const uint64_t power10[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

/* --- eight digits at a time ----------------------------------------------------------------------- */

static INLINE uint64_t load_digits(const char *p)
{
    uint64_t word;
    memcpy(&word, p, 8);
    return word ^ UINT64_C(0x3030303030303030);
}

/* Eight bytes of digit values, the first in memory the highest, as a number. */
static INLINE uint64_t fold_digits(uint64_t digits)
{
    digits = digits * 10 + (digits >> 8);
    return (((digits & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064)) +
            (((digits >> 16) & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001))) >> 32;
}

/* The `count` (1..8) digits at p as a whole number. */
static INLINE uint64_t fold_whole(const char *p, unsigned count)
{
    return fold_digits(load_digits(p) << (64 - 8 * count));
}

/* `whole` digits, a point, `places` digits (each 1..8). What stands behind the fraction's digits becomes zeros, and
 * that is the scaling. */
static INLINE dec_t fold_decimal(const char *p, unsigned whole, unsigned places)
{
    uint64_t fraction = load_digits(p + whole + 1) & (UINT64_MAX >> (64 - 8 * places));
    return (dec_t)(fold_whole(p, whole) * (uint64_t)DEC_ONE + fold_digits(fraction));
}

/* --- what is right ---------------------------------------------------------------------------------- */

static INLINE bool values_right(enum csv_kind kind, const dec_t *v)
{
    switch (kind) {
    case CSV_BARS:
        return csv_bars_right(v);
    case CSV_TICKS:
        return (v[0] > 0) & (v[1] >= v[0]) & (v[1] <= CSV_PRICE_MAX);
    case CSV_TRADES:
        return (v[0] > 0) & (v[0] <= CSV_PRICE_MAX);
    default:
        return v[0] <= CSV_PRICE_MAX;
    }
}

static INLINE uint64_t time_unit(enum csv_kind kind)
{
    return csv_formats[kind].seconds ? (uint64_t)CLOCK_NS_PER_S : 1;
}

static INLINE bool row_right(const struct csv *csv, enum csv_kind kind, uint64_t time, struct csv_row *row)
{
    const uint64_t unit = time_unit(kind);
    row->time_ns = (int64_t)(time * unit); /* may have wrapped: looked at only when it has not */
    return time < (uint64_t)CSV_TIME_MAX_S * (uint64_t)CLOCK_NS_PER_S / unit && values_right(kind, row->v) &&
           csv_time_right(csv, csv_formats[kind].equal_times, row->time_ns);
}

/* --- lines that look like one before ------------------------------------------------------------------ */

/* One number of at most eight bytes: word = ((digits & before) << 8 | (digits & after)) << shift, which
 * squeezes the point out and puts the last digit last; value = fold(word) * scale. A longer one (places > 0) is folded
 * in two parts. */
struct place {
    uint8_t at, shift, whole, places;
    uint64_t before, after, scale;
};

/* A line by everything in it that is no digit. The time column's last 1 to 8 digits stand apart. */
struct shape {
    alignas(16) unsigned char marks[CSV_FAST_BYTES]; /* the characters that are no digits, 0 for digits */
    uint64_t others;                                 /* bits of places that do not belong to the line; ~0: no shape */
    bool has_long;                                   /* a number of more than eight bytes */
    unsigned time_rest;                              /* digits of the time behind its 8 (seconds) or 16 (ns) */
    struct place places[CSV_FIELDS_MAX - 1];
    /* The same for AVX2, a number in each 64-bit lane: numbers 0 to 4, then the parts of the time. Eight bytes from `at` are
     * shuffled into their lane, the last digit last, zeros before; value = fold(lane) * scale. */
    struct {
        alignas(32) uint8_t shuffle[WIDE_LANES * WORD_BYTES];
        uint64_t scale[WIDE_LANES];
        uint8_t at[WIDE_LANES];
    } wide;
};

struct csv_shapes {
    bool wide; /* the processor has AVX2 */
    struct shape by_end[CSV_FAST_BYTES]; /* by the place of the newline */
};

static inline bool has_wide(void)
{
#ifdef __SSE2__
    return __builtin_cpu_supports("avx2");
#else
    return false;
#endif
}

struct csv_shapes *csv_shapes_new(void)
{
    static_assert(sizeof(struct shape) % 32 == 0, "marks and lanes are loaded aligned");
    struct csv_shapes *shapes = aligned_alloc(64, (sizeof *shapes + 63) / 64 * 64);
    if (!shapes)
        return NULL;
    memset(shapes, 0, sizeof *shapes);
    shapes->wide = has_wide();
    for (unsigned i = 0; i < CSV_FAST_BYTES; i++)
        shapes->by_end[i].marks[i] = 'x'; /* matches no line that ends there */
    return shapes;
}

static INLINE dec_t read_place(const char *p, const struct place *place)
{
    uint64_t digits = load_digits(p + place->at);
    digits = (digits & place->before) << 8 | (digits & place->after);
    return (dec_t)(fold_digits(digits << place->shift) * place->scale);
}

static INLINE dec_t read_long_place(const char *p, const struct place *place)
{
    return place->places > 0 ? fold_decimal(p + place->at, place->whole, place->places) : read_place(p, place);
}

/* `rest` is 1 to 8 (seconds) or 1 to 3 (nanoseconds). */
static INLINE uint64_t read_time(enum csv_kind kind, const char *p, unsigned rest)
{
    uint64_t high = fold_whole(p, 8);
    if (!csv_formats[kind].seconds) {
        p += 8;
        high = high * power10[8] + fold_whole(p, 8);
    }
    return high * power10[rest] + fold_whole(p + 8, rest);
}

/* What mark_line finds in 64 bytes: bit i of `others`: p[i] is no digit; of `ends`: it is a newline. */
struct marks {
    uint64_t others, ends;
};

#ifdef __SSE2__

static INLINE __m128i load16(const void *p)
{
    return _mm_loadu_si128((const __m128i_u *)p);
}

static INLINE uint64_t bits64(const __m128i *v)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(v[0]) | (uint64_t)(unsigned)_mm_movemask_epi8(v[1]) << 16 |
           (uint64_t)(unsigned)_mm_movemask_epi8(v[2]) << 32 | (uint64_t)(unsigned)_mm_movemask_epi8(v[3]) << 48;
}

static INLINE __m128i is_digit(__m128i text)
{
    __m128i value = _mm_xor_si128(text, _mm_set1_epi8('0'));
    return _mm_cmpeq_epi8(_mm_min_epu8(value, _mm_set1_epi8(9)), value);
}

static INLINE struct marks mark_line(const char *p)
{
    __m128i digits[4], ends[4];
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        __m128i text = load16(p + 16 * i);
        digits[i] = is_digit(text);
        ends[i] = _mm_cmpeq_epi8(text, _mm_set1_epi8('\n'));
    }
    return (struct marks){.others = ~bits64(digits), .ends = bits64(ends)};
}

static INLINE uint64_t newlines(const char *p)
{
    __m128i ends[4];
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++)
        ends[i] = _mm_cmpeq_epi8(load16(p + 16 * i), _mm_set1_epi8('\n'));
    return bits64(ends);
}

static INLINE bool shape_fits(const struct shape *shape, const char *p)
{
    __m128i same[4];
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        __m128i text = load16(p + 16 * i);
        same[i] = _mm_cmpeq_epi8(_mm_andnot_si128(is_digit(text), text), load16(shape->marks + 16 * i));
    }
    return (bits64(same) | shape->others) == UINT64_MAX;
}

/* The same two with half the instructions. */
#define WIDE __attribute__((target("avx2")))

static INLINE WIDE __m256i load32(const void *p)
{
    return _mm256_loadu_si256((const __m256i_u *)p);
}

static INLINE WIDE uint64_t wide_bits64(__m256i low, __m256i high)
{
    return (uint64_t)(unsigned)_mm256_movemask_epi8(low) | (uint64_t)(unsigned)_mm256_movemask_epi8(high) << 32;
}

static INLINE WIDE uint64_t wide_newlines(const char *p)
{
    const __m256i newline = _mm256_set1_epi8('\n');
    return wide_bits64(_mm256_cmpeq_epi8(load32(p), newline), _mm256_cmpeq_epi8(load32(p + 32), newline));
}

static INLINE WIDE __m256i wide_same(const char *p, const unsigned char *marks)
{
    __m256i text = load32(p), value = _mm256_xor_si256(text, _mm256_set1_epi8('0'));
    __m256i digit = _mm256_cmpeq_epi8(_mm256_min_epu8(value, _mm256_set1_epi8(9)), value);
    return _mm256_cmpeq_epi8(_mm256_andnot_si256(digit, text), load32(marks));
}

static INLINE WIDE bool wide_shape_fits(const struct shape *shape, const char *p)
{
    return (wide_bits64(wide_same(p, shape->marks), wide_same(p + 32, shape->marks + 32)) | shape->others) == UINT64_MAX;
}

static INLINE long long load8(const char *p)
{
    long long word;
    memcpy(&word, p, 8);
    return word;
}

/* Four numbers at once: pairs of digits, fours, eights, then their scales. */
static INLINE WIDE __m256i wide_fold(const struct shape *shape, const char *p, unsigned lane)
{
    const uint8_t *at = shape->wide.at + lane;
    __m256i v = _mm256_set_epi64x(load8(p + at[3]), load8(p + at[2]), load8(p + at[1]), load8(p + at[0]));
    v = _mm256_xor_si256(v, _mm256_set1_epi8('0'));
    v = _mm256_shuffle_epi8(v, _mm256_load_si256((const __m256i *)(const void *)(shape->wide.shuffle + WORD_BYTES * lane)));
    v = _mm256_maddubs_epi16(v, _mm256_set1_epi16(10 | 1 << 8));
    v = _mm256_madd_epi16(v, _mm256_set1_epi32(100 | 1 << 16));
    v = _mm256_add_epi64(_mm256_mul_epu32(v, _mm256_set1_epi64x(10000)), _mm256_srli_epi64(v, 32));
    return _mm256_mul_epu32(v, _mm256_load_si256((const __m256i *)(const void *)(shape->wide.scale + lane)));
}

/* All numbers of the line into row->v; returns the time. */
static INLINE WIDE uint64_t wide_numbers(enum csv_kind kind, const struct shape *shape, const char *p, struct csv_row *row)
{
    static_assert(sizeof row->v == 5 * sizeof row->v[0], "four and one");
    _mm256_storeu_si256((__m256i *)(void *)row->v, wide_fold(shape, p, 0));
    __m256i last = wide_fold(shape, p, 4);
    uint64_t high = (uint64_t)_mm256_extract_epi64(last, 1), next = (uint64_t)_mm256_extract_epi64(last, 2);
    row->v[4] = _mm256_extract_epi64(last, 0);
    if (csv_formats[kind].seconds)
        return high * power10[shape->time_rest] + next;
    return (high * power10[8] + next) * power10[shape->time_rest] + (uint64_t)_mm256_extract_epi64(last, 3);
}

static INLINE void keep_marks(struct shape *shape, const char *p)
{
#pragma GCC unroll 4
    for (unsigned i = 0; i < CSV_FAST_BYTES; i += 16) {
        __m128i text = load16(p + i);
        _mm_store_si128((__m128i *)(void *)(shape->marks + i), _mm_andnot_si128(is_digit(text), text));
    }
}

#else

#define WIDE
#define wide_newlines newlines
#define wide_shape_fits shape_fits

static inline uint64_t wide_numbers(enum csv_kind kind, const struct shape *shape, const char *p, struct csv_row *row)
{
    (void)kind, (void)shape, (void)p, (void)row;
    return 0; /* never asked: nothing fits */
}

static inline void keep_marks(struct shape *shape, const char *p)
{
    (void)shape, (void)p;
}

static inline struct marks mark_line(const char *p)
{
    struct marks marks = {0, 0};
    for (unsigned i = 0; i < CSV_FAST_BYTES; i++) {
        marks.ends |= (uint64_t)(p[i] == '\n') << i;
        marks.others |= (uint64_t)((unsigned char)(p[i] ^ '0') > 9) << i;
    }
    return marks;
}

static inline uint64_t newlines(const char *p)
{
    (void)p;
    return 0; /* shapes do not pay without vectors */
}

static inline bool shape_fits(const struct shape *shape, const char *p)
{
    (void)shape, (void)p;
    return false;
}

#endif

/* --- lines of a new shape ------------------------------------------------------------------------------ */

/* What parse_row learns of a line, to make a shape of it. */
struct layout {
    unsigned time_digits;
    struct {
        unsigned at, whole, places; /* places 0: no point */
    } numbers[CSV_FIELDS_MAX - 1];
};

/* Take the next mark: its place goes to *end, its distance from `from` is returned. Beyond 8: no number. */
static inline unsigned take_mark(uint64_t *marks, unsigned from, unsigned *end)
{
    if (*marks == 0)
        return UINT32_MAX;
    *end = (unsigned)__builtin_ctzll(*marks);
    *marks &= *marks - 1;
    return *end - from;
}

static INLINE const char *parse_row(const struct csv *csv, enum csv_kind kind, const char *p, struct csv_row *row,
                                    struct layout *layout)
{
    const unsigned before_rest = csv_formats[kind].seconds ? 8 : 16, rest_max = csv_formats[kind].seconds ? 8 : 3;
    struct marks marks = mark_line(p);
    unsigned end = 0, count = take_mark(&marks.others, 0, &end);
    layout->time_digits = count;
    if (count > 19 || count - before_rest - 1 >= rest_max) /* years before 1973 are not worth a branch here */
        return NULL;
    uint64_t time = read_time(kind, p, count - before_rest);
    for (unsigned i = 0; i < csv_formats[kind].fields - 1; i++) {
        unsigned from = end + 1, places = 0;
        if (p[end] != ',' || (count = take_mark(&marks.others, from, &end)) - 1 > 7)
            return NULL;
        if (p[end] == '.') {
            unsigned point = end;
            if ((places = take_mark(&marks.others, point + 1, &end)) - 1 > 7)
                return NULL;
            row->v[i] = fold_decimal(p + from, count, places);
        } else {
            row->v[i] = (dec_t)(fold_whole(p + from, count) * (uint64_t)DEC_ONE);
        }
        layout->numbers[i].at = from;
        layout->numbers[i].whole = count;
        layout->numbers[i].places = places;
    }
    end += p[end] == '\r';
    return p[end] == '\n' && row_right(csv, kind, time, row) ? p + end + 1 : NULL;
}

/* `digits` digits from `at`, a point behind the first `whole` of them when that is less. */
static void learn_lane(struct shape *shape, unsigned lane, unsigned at, unsigned whole, unsigned digits, uint64_t scale)
{
    uint8_t *shuffle = shape->wide.shuffle + lane * WORD_BYTES;
    const unsigned half = lane % 2 * WORD_BYTES; /* a shuffle counts within 16 bytes */
    shape->wide.at[lane] = (uint8_t)at;
    shape->wide.scale[lane] = scale;
    memset(shuffle, 0x80, WORD_BYTES); /* zero */
    for (unsigned i = 0; i < digits; i++)
        shuffle[WORD_BYTES - digits + i] = (uint8_t)(half + i + (i >= whole));
}

static void learn_time_lanes(struct shape *shape, enum csv_kind kind)
{
    unsigned lane = WIDE_TIME_LANE, at = 0;
    for (unsigned parts = csv_formats[kind].seconds ? 1 : 2; parts > 0; parts--, at += 8)
        learn_lane(shape, lane++, at, 8, 8, 1);
    learn_lane(shape, lane, at, 8, shape->time_rest, 1);
}

/* Keep how the line at p looks. */
static void learn_shape(struct csv_shapes *shapes, enum csv_kind kind, const char *p, unsigned end,
                        const struct layout *layout)
{
    struct shape *shape = &shapes->by_end[end];
    shape->has_long = false;
    shape->time_rest = layout->time_digits - (csv_formats[kind].seconds ? 8 : 16);
    memset(&shape->wide, 0, sizeof shape->wide); /* a lane without a number: scale 0 */
    learn_time_lanes(shape, kind);
    for (unsigned i = 0; i < csv_formats[kind].fields - 1; i++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): set for every field of the kind by the row just read */
        unsigned whole = layout->numbers[i].whole, places = layout->numbers[i].places;
        unsigned digits = whole + places, bytes = digits + (places > 0);
        if (bytes > WORD_BYTES) {
            shape->has_long = true;
            shape->places[i] = (struct place){.at = (uint8_t)layout->numbers[i].at,
                                              .whole = (uint8_t)whole,
                                              .places = (uint8_t)places};
            continue;
        }
        uint64_t before = places ? ~(UINT64_MAX << (8 * whole)) : 0;
        shape->places[i] = (struct place){
            .at = (uint8_t)layout->numbers[i].at,
            .shift = (uint8_t)(8 * (WORD_BYTES - bytes)),
            .before = before,
            .after = places ? UINT64_MAX << 8 << (8 * whole) : UINT64_MAX,
            .scale = power10[DEC_DIGITS - places],
        };
        learn_lane(shape, i, layout->numbers[i].at, whole, digits, power10[DEC_DIGITS - places]);
    }
    keep_marks(shape, p);
    shape->others = end == CSV_FAST_BYTES - 1 ? 0 : UINT64_MAX << (end + 1);
}

static INLINE const char *shaped_numbers(const struct csv *csv, enum csv_kind kind, const struct shape *shape, const char *p,
                                         struct csv_row *row)
{
    uint64_t time = read_time(kind, p, shape->time_rest);
    if (shape->has_long)
        for (unsigned i = 0; i < csv_formats[kind].fields - 1; i++)
            row->v[i] = read_long_place(p, &shape->places[i]);
    else
#pragma GCC unroll 5
        for (unsigned i = 0; i < csv_formats[kind].fields - 1; i++)
            row->v[i] = read_place(p, &shape->places[i]);
    return row_right(csv, kind, time, row) ? p + (shape - csv->shapes->by_end) + 1 : NULL;
}

/* The end comes from a mask of its own, so that the next line need not wait for this one's numbers. */
static INLINE const char *shaped_row(const struct csv *csv, enum csv_kind kind, const char *p, struct csv_row *row)
{
    uint64_t ends = newlines(p);
    if (ends == 0)
        return NULL;
    const struct shape *shape = &csv->shapes->by_end[__builtin_ctzll(ends)];
    return shape_fits(shape, p) ? shaped_numbers(csv, kind, shape, p, row) : NULL;
}

static INLINE WIDE const char *wide_shaped_row(const struct csv *csv, enum csv_kind kind, const char *p, struct csv_row *row)
{
    uint64_t ends = wide_newlines(p);
    if (ends == 0)
        return NULL;
    const struct shape *shape = &csv->shapes->by_end[__builtin_ctzll(ends)];
    if (!wide_shape_fits(shape, p))
        return NULL;
    if (shape->has_long)
        return shaped_numbers(csv, kind, shape, p, row);
    uint64_t time = wide_numbers(kind, shape, p, row);
    return row_right(csv, kind, time, row) ? p + (shape - csv->shapes->by_end) + 1 : NULL;
}

static __attribute__((noinline)) const char *new_row(const struct csv *csv, enum csv_kind kind, const char *p,
                                                     struct csv_row *row)
{
    struct layout layout;
    const char *next = parse_row(csv, kind, p, row, &layout);
    if (next)
        learn_shape(csv->shapes, kind, p, (unsigned)(next - 1 - p), &layout);
    return next;
}

static INLINE const char *any_row(const struct csv *csv, enum csv_kind kind, const char *p, struct csv_row *row)
{
    const char *next = shaped_row(csv, kind, p, row);
    return next ? next : new_row(csv, kind, p, row);
}

static INLINE WIDE const char *wide_any_row(const struct csv *csv, enum csv_kind kind, const char *p, struct csv_row *row)
{
    const char *next = wide_shaped_row(csv, kind, p, row);
    return next ? next : new_row(csv, kind, p, row);
}

static WIDE const char *wide_row(const struct csv *csv, const char *p, struct csv_row *row)
{
    switch (csv->kind) {
    case CSV_BARS:
        return wide_any_row(csv, CSV_BARS, p, row);
    case CSV_TICKS:
        return wide_any_row(csv, CSV_TICKS, p, row);
    case CSV_TRADES:
        return wide_any_row(csv, CSV_TRADES, p, row);
    default:
        return wide_any_row(csv, CSV_SPREAD, p, row);
    }
}

/* One copy of the row reader for each kind, so that its loops unroll. */
const char *csv_fast_row(const struct csv *csv, const char *p, struct csv_row *row)
{
    if (csv->shapes->wide)
        return wide_row(csv, p, row);
    switch (csv->kind) {
    case CSV_BARS:
        return any_row(csv, CSV_BARS, p, row);
    case CSV_TICKS:
        return any_row(csv, CSV_TICKS, p, row);
    case CSV_TRADES:
        return any_row(csv, CSV_TRADES, p, row);
    default:
        return any_row(csv, CSV_SPREAD, p, row);
    }
}
