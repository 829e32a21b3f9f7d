/* Bytes as a TZif file; if it is one: the table's invariants, the boundaries of days and the rules' daily windows over it. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "base/error.h"
#include "base/tz.h"
#include "workers/risk/rules/rules.h"

#define NS INT64_C(1000000000)

const char fuzz_name[] = "fuzz_zone";
const unsigned fuzz_runs = 30000;

size_t fuzz_seed(unsigned n, uint8_t *buf)
{
    static const char *const names[] = {"Europe/Prague",     "America/New_York",  "America/Chicago", "Etc/UTC",
                                        "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca", "Pacific/Apia",
                                        "Antarctica/Troll",  "Asia/Kathmandu"};
    char path[128];
    if (n >= sizeof names / sizeof *names)
        return 0;
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", names[n]);
    FILE *in = fopen(path, "rb");
    size_t size = in ? fread(buf, 1, FUZZ_INPUT_MAX, in) : 0;
    if (in)
        (void)fclose(in);
    return size ? size : (size_t)snprintf((char *)buf, FUZZ_INPUT_MAX, "TZif2");
}

static void check_table(const struct tz_table *zone)
{
    FUZZ_HOLDS(zone->transition_count <= TZ_TRANSITIONS_MAX);
    for (uint32_t i = 0; i < zone->transition_count; i++) {
        FUZZ_HOLDS(i == 0 || zone->at_s[i - 1] < zone->at_s[i]);
        FUZZ_HOLDS(zone->offset_s[i] >= -26 * 3600 && zone->offset_s[i] <= 26 * 3600);
    }
}

static void check_day(const struct tz_table *zone, int32_t second, int64_t t_ns)
{
    int64_t from = tz_boundary_at_or_before(zone, second, t_ns), to = tz_boundary_after(zone, second, t_ns);
    FUZZ_HOLDS(from <= t_ns && t_ns < to);
    int weekday = tz_weekday(zone, t_ns);
    FUZZ_HOLDS(weekday >= 0 && weekday <= 6);
}

static void check_window(const struct tz_table *zone, struct fuzz *f, int64_t t_ns)
{
    struct rules_context context = {.zones = zone};
    struct rules_window rule = {.kind = RULES_DAILY_SPAN, .forbids = RULES_OPEN, .instruments = 1,
                                .from_s = (int32_t)fuzz_below(f, 86400), .to_s = (int32_t)fuzz_below(f, 86401)};
    struct rules_span span;
    if (rules_window_forbids(&rule, &context, 0, RULES_OPEN, t_ns, &span))
        FUZZ_HOLDS(span.from_ns <= t_ns && t_ns < span.to_ns);
    if (rules_window_next(&rule, &context, 0, RULES_OPEN, t_ns, &span)) {
        FUZZ_HOLDS(span.from_ns > t_ns && span.to_ns > span.from_ns);
        struct rules_span inside;
        FUZZ_HOLDS(rules_window_forbids(&rule, &context, 0, RULES_OPEN, span.from_ns, &inside));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tz_table zone;
    struct error err = {0};
    memset(&zone, 0xa5, sizeof zone);
    if (tz_parse("Fuzz/Zone", data, size, &zone, &err) != 0)
        return 0;
    check_table(&zone);
    struct fuzz f = {data + size / 2, data + size, false}; /* the times come out of the file too */
    for (int i = 0; i < 8; i++) {
        int64_t t_ns = i == 7 ? (int64_t)fuzz_u64(&f, 8) / 2 : (int64_t)(fuzz_u64(&f, 5) % 2400000000u) * NS;
        if (i < 4 && zone.transition_count > 0) /* about a change */
            t_ns = (zone.at_s[fuzz_below(&f, zone.transition_count)] + (int64_t)(fuzz_u64(&f, 3) % 200000) - 100000) * NS;
        int32_t second = (int32_t)fuzz_below(&f, 86400);
        check_day(&zone, second, t_ns);
        check_window(&zone, &f, t_ns);
    }
    return 0;
}
