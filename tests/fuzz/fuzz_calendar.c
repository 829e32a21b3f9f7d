/* Bytes as a calendar file, CSV or ICS by the first one: whatever is read is sound, whatever is not is complained of. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "config/calendar.h"

const char fuzz_name[] = "fuzz_calendar";
const unsigned fuzz_runs = 20000;

static struct fleet_config config;
static struct loader_report report;
static struct loading loading;
static struct calendar calendar;

size_t fuzz_seed(unsigned n, uint8_t *buf)
{
    static const char *const seeds[] = {
        "c# valid_from: 2026-01-01\n# valid_to: 2026-12-31\n# version: week 48\n# published: 2026-11-20T06:00Z\n"
        "time,currency,importance,name\n2026-12-04T13:30:00Z,USD,high,\"Non-farm, \"\"NFP\"\"\"\n"
        "2026-07-01 09:00 Europe/Berlin,EUR,1,b\n2026-07-02T09:00+02:00,ALL,medium,c\n",
        "c\xef\xbb\xbf# valid_from: 2026-01-01\r\n# valid_to: 2026-12-31\r\nEvent,Impact,Currency,Time,Kind,Until\r\n"
        "x,low,DE,2026-03-29T10:00Z,close,2026-03-30T10:00Z\r\n",
        "iBEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-VALID-FROM:20260101\r\nX-VALID-TO:20261231\r\nBEGIN:VEVENT\r\n"
        "DTSTART:20261204T133000Z\r\nSUMMARY:USD Non-\r\n farm\r\nPRIORITY:1\r\nCATEGORIES:USD\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        "iBEGIN:VCALENDAR\nX-VALID-FROM:20260101\nX-VALID-TO:20261231\nBEGIN:VEVENT\nDTSTART;TZID=America/New_York:20260701T083000\n"
        "DTEND;TZID=America/New_York:20260702T083000\nX-PROPFLEET-CURRENCY:USD\nX-PROPFLEET-IMPORTANCE:3\nSUMMARY:a\\, b\nEND:VEVENT\nEND:VCALENDAR\n",
    };
    if (n >= sizeof seeds / sizeof *seeds)
        return 0;
    size_t size = strlen(seeds[n]);
    memcpy(buf, seeds[n], size);
    return size;
}

static void check_row(const struct calendar_row *row)
{
    FUZZ_HOLDS(row->kind == CALENDAR_NEWS || row->kind == CALENDAR_CLOSE);
    FUZZ_HOLDS(row->kind == CALENDAR_NEWS ? row->from_ns == row->to_ns : row->from_ns < row->to_ns);
    FUZZ_HOLDS(row->importance >= 1 && row->importance <= 3);
    FUZZ_HOLDS(memchr(row->text.name, 0, sizeof row->text.name) && memchr(row->text.target, 0, sizeof row->text.target));
    for (const char *at = row->text.name; *at; at++)
        FUZZ_HOLDS((unsigned char)*at >= 32 && *at != 127);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct loader_options options = {.config_dir = "c"};
    if (size == 0)
        return 0;
    memset(&report, 0, sizeof report);
    loading = (struct loading){.options = &options, .out = &config, .report = &report};
    calendar = (struct calendar){0};
    uint32_t file = report_file(&loading, "f");
    char *bytes = malloc(size); /* of its size alone: reading past the end shows */
    if (!bytes)
        abort();
    memcpy(bytes, data + 1, size - 1);
    int rc = (data[0] == 'i' ? calendar_read_ics : calendar_read_csv)(&loading, file, bytes, size - 1, &calendar);
    free(bytes);
    FUZZ_HOLDS((rc == 0) == (report.error_count == 0));
    FUZZ_HOLDS(calendar.count <= CALENDAR_ROWS_MAX);
    if (rc == 0) {
        /* That the validity is not turned round is calendar_resolve's to say, which has the file's place. */
        for (uint32_t i = 0; i < calendar.count; i++)
            check_row(&calendar.rows[i]);
    }
    calendar_free(&calendar);
    return 0;
}
