/* Calendar files: what is read, every complaint with its place, and bytes that nobody meant. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hash.h"
#include "config/calendar.h"
#include "tests/unit/test_config_support.h"

#define NS INT64_C(1000000000)

static struct loading l;
static struct calendar c;

static int read_bytes(bool ics, const void *bytes, size_t size)
{
    static const struct loader_options options = {.config_dir = "c"};
    calendar_free(&c);
    memset(&c, 0, sizeof c);
    memset(&support_report, 0, sizeof support_report);
    l = (struct loading){.options = &options, .out = &support_config, .report = &support_report};
    uint32_t file = report_file(&l, "f");
    return ics ? calendar_read_ics(&l, file, bytes, size, &c) : calendar_read_csv(&l, file, bytes, size, &c);
}

static int64_t at(int year, int month, int day, int hour, int minute)
{
    return (tz_days_from_civil(year, month, day) * 1440 + hour * 60 + minute) * 60 * NS;
}

#define VALID "# valid_from: 2026-01-01\n# valid_to: 2026-12-31\n"
#define HEADER "time,currency,importance,name\n"

static void csv_good(const char *text, uint32_t count)
{
    if (read_bytes(false, text, strlen(text)) != 0)
        fail_msg("%s", support_report.errors[0].text);
    assert_int_equal(c.count, count);
}

static void expect_error(bool ics, const char *text, const char *message)
{
    assert_int_equal(read_bytes(ics, text, strlen(text)), -EINVAL);
    if (support_report.error_count != 1 || strcmp(support_report.errors[0].text, message) != 0)
        fail_msg("%u errors, the first is\n  %s\nnot\n  %s\nof\n%s", support_report.error_count, support_report.errors[0].text, message, text);
}

/* One row below a good beginning: line 4. */
static void bad_row(const char *row, const char *message)
{
    char text[2048];
    snprintf(text, sizeof text, VALID HEADER "%s\n", row);
    expect_error(false, text, message);
}

static void test_csv(void **state)
{
    (void)state;
    csv_good("\xef\xbb\xbf# a comment\r\n# version: week 48\r\n# published: 2026-11-20T06:00Z\r\n" VALID
             "Event,ignored,Impact,Currency,Time\r\n\r\n\"Non-farm, \"\"NFP\"\"\",x, High ,US,2026-12-04T13:30:00Z\r\nb,,low,EUR,2026-07-01 09:00 Europe/Berlin",
             2);
    assert_string_equal(c.version, "week 48");
    assert_int_equal(c.published_ns, at(2026, 11, 20, 6, 0));
    assert_int_equal(c.valid_from_ns, at(2026, 1, 1, 0, 0));
    assert_int_equal(c.valid_to_ns, at(2027, 1, 1, 0, 0));
    assert_string_equal(c.rows[0].text.name, "Non-farm, \"NFP\"");
    assert_string_equal(c.rows[0].text.target, "USD");
    assert_int_equal(c.rows[0].importance, 3);
    assert_int_equal(c.rows[0].from_ns, at(2026, 12, 4, 13, 30));
    assert_int_equal(c.rows[0].place.line, 8);
    assert_int_equal(c.rows[1].from_ns, at(2026, 7, 1, 7, 0));
}

static void test_times(void **state)
{
    static const struct {
        const char *text;
        int hour, minute;
    } good[] = {
        {"2026-12-04T13:30Z", 13, 30}, {"2026-12-04T13:30:00Z", 13, 30}, {"2026-12-04 13:30:00.000Z", 13, 30},
        {"2026-12-04T13:30+01:00", 12, 30}, {"2026-12-04T08:30-0500", 13, 30}, {"2026-12-04T08:30 America/New_York", 13, 30},
    };
    static const char *const bad[] = {
        "", "2026-12-04T", "2026-12-04T1330Z", "2026-12-04T25:00Z", "2026-13-04T13:30Z", "2026-02-30T13:30Z", "26-12-04T13:30Z",
        "2026-12-04T13:30Zx", "2026-12-04T13:30+19:00", "2026-12-04T13:30+1:00", "2026-12-04T13:30 ", "2026-12-04T13:30 Mars/Olympus",
        "2026-12-04T13:30 ../../etc/passwd", "1989-12-04T13:30Z", "2046-01-01T00:00Z", "2026-12-04T13:30", "2026-12-04X13:30Z",
        "2026-03-08T02:30 America/New_York", "2026-11-01T01:30 America/New_York",
        "2026-12-04T13:30 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct calendar_time time;
    (void)state;
    memset(&c, 0, sizeof c);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const char *problem = calendar_parse_time(&c, good[i].text, NULL, &time);
        if (problem != NULL)
            fail_msg("%s %s", good[i].text, problem);
        assert_int_equal(time.ns, at(2026, 12, 4, good[i].hour, good[i].minute));
        assert_false(time.whole_day);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (calendar_parse_time(&c, bad[i], NULL, &time) == NULL)
            fail_msg("%s was taken", bad[i]);
    /* Beside the clock changes. */
    assert_null(calendar_parse_time(&c, "2026-03-08T03:00", "America/New_York", &time));
    assert_int_equal(time.ns, at(2026, 3, 8, 7, 0));
    assert_null(calendar_parse_time(&c, "2026-11-01T02:00", "America/New_York", &time));
    assert_int_equal(time.ns, at(2026, 11, 1, 7, 0));
    assert_null(calendar_parse_time(&c, "2026-11-01T00:59:59", "America/New_York", &time));
    assert_string_equal(calendar_parse_time(&c, "2026-11-01T01:00", "America/New_York", &time), "is a local time that comes twice (clock change)");
    assert_null(calendar_parse_time(&c, "2026-03-08", "America/New_York", &time));
    assert_true(time.whole_day);
    assert_int_equal(time.next_ns - time.ns, 23 * 3600 * NS);
}

static void test_csv_complaints(void **state)
{
    (void)state;
    bad_row("2026-12-04 13:30,USD,3,a", "f:4:1: time: \"2026-12-04 13:30\" is a local time without a zone; write 2026-12-04T13:30:00Z, or "
                                        "2026-12-04T08:30 America/New_York");
    bad_row("2026-12-04,USD,3,a", "f:4:1: time: \"2026-12-04\" is a date without a zone; write 2026-12-04T13:30:00Z, or 2026-12-04T08:30 "
                                  "America/New_York");
    bad_row("2026-12-04T13:30Z,USD,4,a", "f:4:23: importance: \"4\" is no importance; write 1, 2, 3 or low, medium, high");
    bad_row("2026-12-04T13:30Z,Dollar,3,a", "f:4:19: currency: \"Dollar\" is neither a currency, a country of two letters, ALL nor a symbol; "
                                            "write a currency such as USD");
    bad_row("2026-12-04T13:30Z,XX,3,a", "f:4:19: currency: \"XX\" is a country that is not known here; write a currency such as USD");
    bad_row("2026-12-04T13:30Z,USD,3,", "f:4:25: name: \"\" is empty; say what it is");
    bad_row("2026-12-04T13:30Z,USD,3,a,b", "f:4:1: row: 5 fields, the header has 4; quote a name that has commas");
    bad_row("2026-12-04T13:30Z,USD,3,\"a", "f:4:25: row: has a quote without an end; mend the line");
    bad_row("2026-12-04T13:30Z,USD,3,\"a\"b", "f:4:28: row: goes on after a closing quote; mend the line");
    bad_row("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "f:4:33: row: has more than 16 fields; mend the line");
    expect_error(false, HEADER "2026-12-04T13:30Z,USD,3,a\n# valid_to: 2026-12-31\n",
                 "f:1:1: valid_from: missing; add a line \"# valid_from: 2026-12-31\": from when to when nothing is left out");
    expect_error(false, VALID "# zone: Mars/Olympus\n" HEADER,
                 "f:3:9: zone: \"Mars/Olympus\" has a zone that is not among this system's; write a zone of the IANA database such as "
                 "America/New_York");
    expect_error(false, VALID "time,importance,name\n",
                 "f:3:1: header: no column \"currency\"; the first line names them: time,currency,importance,name");
    expect_error(false, VALID, "f:1:1: header: none; the first line names the columns: time,currency,importance,name");
    /* All bad rows, not the first. */
    assert_int_equal(read_bytes(false, VALID HEADER "x\ny\n2026-12-04T13:30Z,USD,9,\n", strlen(VALID HEADER "x\ny\n2026-12-04T13:30Z,USD,9,\n")), -EINVAL);
    assert_int_equal(support_report.error_count, 4);
    const char zero[] = VALID HEADER "2026-12-04T13:30Z,U\0SD,3,a\n";
    assert_int_equal(read_bytes(false, zero, sizeof zero - 1), -EINVAL);
    assert_string_equal(support_report.errors[0].text, "f:4:20: row: a zero byte; save the file as text (UTF-8)");
}

static void test_csv_closes(void **state)
{
    (void)state;
#define CLOSES VALID "time,currency,importance,name,kind,until\n"
    expect_error(false, CLOSES "2026-12-04T13:30Z,USD,3,a,closed,\n", "f:4:27: kind: \"closed\" is not known here; write news or close");
    expect_error(false, CLOSES "2026-12-04T13:30Z,USD,3,a,close,\n", "f:4:33: until: \"\" is empty; say when the market opens again");
    expect_error(false, CLOSES "2026-12-04T13:30Z,USD,3,a,close,2026-12-04T13:30Z\n",
                 "f:4:33: until: \"2026-12-04T13:30Z\" is not after the time; say when the market opens again");
    expect_error(false, CLOSES "2026-12-04T13:30Z,USD,3,a,news,2026-12-04T14:30Z\n",
                 "f:4:32: until: \"2026-12-04T14:30Z\" makes no sense for news; leave it empty; only a close has it");
    expect_error(false, "# zone: UTC\n" CLOSES "2026-12-04,USD,3,a,news,\n",
                 "f:5:1: time: \"2026-12-04\" has no time of day; write the moment of the release; only a close may last a day");
}

#define BEGIN "BEGIN:VCALENDAR\r\nX-PROPFLEET-VALID-FROM:20260101\r\nX-PROPFLEET-VALID-TO:2026-12-31\r\n"
#define EVENT(properties) "BEGIN:VEVENT\r\n" properties "END:VEVENT\r\n"
#define END "END:VCALENDAR\r\n"

static void ics_good(const char *text, uint32_t count)
{
    if (read_bytes(true, text, strlen(text)) != 0)
        fail_msg("%s", support_report.errors[0].text);
    assert_int_equal(c.count, count);
}

static void test_ics(void **state)
{
    (void)state;
    ics_good("\xef\xbb\xbf" BEGIN "X-WR-TIMEZONE:Europe/Berlin\r\n"
             "BEGIN:VTIMEZONE\r\nTZID:America/New_York\r\nBEGIN:STANDARD\r\nDTSTART:19671029T020000\r\nRRULE:FREQ=YEARLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
             EVENT("DTSTART:20261204T133000Z\r\nSUMMARY:USD Non-farm\\, pay\r\n rolls\r\nPRIORITY:5\r\nDESCRIPTION:what\r\n\tever\r\n")
             EVENT("DTSTART;TZID=America/New_York:20261205T083000\r\nSUMMARY:b\r\nCATEGORIES:macro,EUR,GBP\r\n"
                   "BEGIN:VALARM\r\nDTSTART:nonsense\r\nEND:VALARM\r\n")
             EVENT("dtstart;X=1;TZID=\"/America/New_York\";Y=2:20261206T083000\r\nSUMMARY:c\r\nX-PROPFLEET-CURRENCY:GB\r\nX-PROPFLEET-IMPORTANCE:low\r\n")
             EVENT("DTSTART:20261207T100000\r\nSUMMARY:JPY: d\r\n")
             EVENT("DTSTART;VALUE=DATE:20261225\r\nSUMMARY:ALL closed\r\nX-PROPFLEET-KIND:close\r\nX-PROPFLEET-CURRENCY:ALL\r\n")
             EVENT("DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261227\r\nSUMMARY:x\r\nX-PROPFLEET-KIND:close\r\nX-PROPFLEET-CURRENCY:ALL\r\n")
             EVENT("DTSTART:20261207T100000Z\r\nSUMMARY:USD gone\r\nSTATUS:CANCELLED\r\n") END,
             6);
    assert_string_equal(c.rows[0].text.name, "USD Non-farm, payrolls");
    assert_int_equal(c.rows[0].importance, 2);
    assert_string_equal(c.rows[0].text.target, "USD");
    assert_int_equal(c.rows[1].from_ns, at(2026, 12, 5, 13, 30));
    assert_string_equal(c.rows[1].text.target, "EUR");
    assert_int_equal(c.rows[1].importance, 3); /* what says nothing counts as important */
    assert_int_equal(c.rows[2].from_ns, at(2026, 12, 6, 13, 30));
    assert_string_equal(c.rows[2].text.target, "GBP");
    assert_int_equal(c.rows[2].importance, 1);
    assert_int_equal(c.rows[3].from_ns, at(2026, 12, 7, 9, 0));
    assert_int_equal(c.rows[4].from_ns, at(2026, 12, 24, 23, 0)); /* the whole local day */
    assert_int_equal(c.rows[4].to_ns, at(2026, 12, 25, 23, 0));
    assert_int_equal(c.rows[5].to_ns, at(2026, 12, 26, 23, 0)); /* DTEND is not part of it */
    assert_int_equal(c.valid_to_ns, at(2027, 1, 1, 0, 0));
}

static void test_ics_validity_from_events(void **state)
{
    (void)state;
    ics_good("BEGIN:VCALENDAR\n" EVENT("DTSTART:20261204T133000Z\nSUMMARY:USD a\n") EVENT("DTSTART:20261110T133000Z\nSUMMARY:USD a\n") END, 2);
    assert_int_equal(c.valid_from_ns, at(2026, 11, 10, 0, 0));
    assert_int_equal(c.valid_to_ns, at(2026, 12, 5, 0, 0));
    assert_int_equal(support_report.warning_count, 1);
    expect_error(true, "BEGIN:VCALENDAR\n" END, "f:1:1: file: no event and no X-PROPFLEET-VALID-TO; add it");
}

static void test_ics_complaints(void **state)
{
    (void)state;
    expect_error(true, "", "f:1:1: file: no BEGIN:VCALENDAR; name an ICS file");
    expect_error(true, BEGIN EVENT("DTSTART:20261204T133000Z\r\nSUMMARY:USD a\r\nRRULE:FREQ=WEEKLY\r\n") END,
                 "f:7:1: RRULE: \"FREQ=WEEKLY\" makes the event recur, which is not read here; write each occurrence as a VEVENT of its own");
    expect_error(true, BEGIN EVENT("DTSTART;VALUE=DATE:20261204\r\nSUMMARY:USD a\r\n") END,
                 "f:5:1: DTSTART: \"2026-12-04\" is a date without a zone; write it in UTC with a Z, or with TZID of the IANA database; "
                 "X-WR-TIMEZONE holds for the file");
    expect_error(true, BEGIN "X-WR-TIMEZONE:UTC\r\n" EVENT("DTSTART;VALUE=DATE:20261204\r\nSUMMARY:USD a\r\n") END,
                 "f:6:1: DTSTART: \"2026-12-04\" is a whole day; write the moment of the release; only a close may last a day");
    expect_error(true, BEGIN EVENT("DTSTART;TZID=Eastern:20261204T083000\r\nSUMMARY:USD a\r\n") END,
                 "f:5:1: DTSTART: \"2026-12-04T08:30:00\" has a zone that is not among this system's; write it in UTC with a Z, or with TZID "
                 "of the IANA database; X-WR-TIMEZONE holds for the file");
    expect_error(true, BEGIN EVENT("DTSTART:2026-12-04\r\nSUMMARY:USD a\r\n") END,
                 "f:5:1: DTSTART: \"2026-12-04\" is no time of the form 20261204T133000Z; write it so");
    expect_error(true, BEGIN EVENT("SUMMARY:USD a\r\n") END, "f:4:1: VEVENT: \"USD a\" has no DTSTART; add it");
    expect_error(true, BEGIN EVENT("DTSTART:20261204T133000Z\r\nSUMMARY:payrolls\r\n") END,
                 "f:4:1: VEVENT: \"payrolls\" names no currency; add X-PROPFLEET-CURRENCY, a category such as USD, or begin SUMMARY with it");
    expect_error(true, BEGIN EVENT("DTSTART:20261204T133000Z\r\nDTSTART:20261204T133000Z\r\nSUMMARY:USD a\r\n") END,
                 "f:6:1: DTSTART: \"20261204T133000Z\" stands there twice; keep one");
    expect_error(true, BEGIN EVENT("nonsense\r\nDTSTART:20261204T133000Z\r\nSUMMARY:USD a\r\n") END,
                 "f:5:1: line: \"nonsense\" is not of the form NAME:value; repair the file");
    expect_error(true, BEGIN EVENT("DTSTART:20261204T133000Z\r\nSUMMARY:USD a\r\n"),
                 "f:7:1: file: \"\" ends before END:VCALENDAR; fetch it again: it is not complete");
    expect_error(true, BEGIN EVENT("DTSTART:20261204T133000Z\r\nSUMMARY:USD a\r\nX-PROPFLEET-KIND:close\r\n") END,
                 "f:4:1: VEVENT: \"USD a\" is a close without an end after its beginning; add DTEND");
    char text[4096] = BEGIN "BEGIN:VEVENT\r\nDTSTART:20261204T133000Z\r\nSUMMARY:USD ";
    memset(text + strlen(text), 'x', 2000);
    strcat(text, "\r\nEND:VEVENT\r\n" END);
    assert_int_equal(read_bytes(true, text, strlen(text)), -EINVAL);
    assert_non_null(strstr(support_report.errors[0].text, "is longer than 1023 bytes"));
}

static void use_file(const char *name)
{
    char text[512];
    snprintf(text, sizeof text, "config_version: 1\nowner: tester\nstate_dir: state\nruntime_dir: /run/propfleet-test\ncalendar: {file: %s}\n", name);
    support_write("c/fleet.yaml", text);
}

/* The example of docs/calendar.md. */
static void test_documented_csv(void **state)
{
    (void)state;
    char path[CONFIG_PATH_MAX + 32], text[16384];
    snprintf(path, sizeof path, "%s/../docs/calendar.md", support_shipped);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    char *from = strstr(text, "```csv\n"), *end = from != NULL ? strstr(from + 7, "```") : NULL;
    if (end == NULL)
        fail_msg("docs/calendar.md has no example");
    else
        *end = 0;
    csv_good(from + 7, 4);
    assert_string_equal(c.version, "week 47");
    assert_int_equal(c.rows[1].from_ns, at(2026, 12, 4, 13, 30));
    assert_int_equal(c.rows[2].to_ns - c.rows[2].from_ns, 86400 * NS);
    assert_int_equal(c.rows[3].to_ns, at(2026, 11, 27, 23, 0));
    use_file("doc.csv"); /* and its US500 is no instrument of this small configuration */
    support_write("c/doc.csv", from + 7);
    assert_int_equal(support_load(NULL), -EINVAL);
    support_replace("c/doc.csv", "US500", "EURUSD");
    assert_int_equal(support_load(NULL), 0);
}

/* --- files ------------------------------------------------------------------------------------------ */

static void test_files(void **state)
{
    (void)state;
    use_file("news.txt");
    support_expect_errors(NULL, "c/fleet.yaml:5:18: calendar.file: neither .csv nor .ics; name it by what it is", NULL);
    use_file("gone.csv");
    support_expect_errors(NULL, "c/gone.csv:1:1: file: No such file or directory; create it", NULL);
    use_file("pipe.ics");
    assert_int_equal(mkfifo("c/pipe.ics", 0600), 0);
    support_expect_errors(NULL, "c/pipe.ics:1:1: file: not a regular file; put an ICS file there", NULL);
    use_file("large.csv");
    support_write("c/large.csv", "");
    assert_int_equal(truncate("c/large.csv", 100 << 20), 0);
    support_expect_errors(NULL, "c/large.csv:1:1: file: 104857600 bytes; at most 16777216 are read, split it", NULL);
    use_file("bad.csv, derived: true");
    support_expect_errors(NULL, "c/fleet.yaml:5:18: calendar: both a file and derived; keep one", NULL);
    use_file("news.csv");
    support_write("c/news.csv", VALID HEADER "2025-12-31T23:59Z,USD,3,a\n2026-12-31T23:59Z,USD,3,b\n2027-01-01T00:00Z,USD,3,c\n2026-12-30T00:00Z,USDX,3,d\n");
    support_expect_errors(NULL, "c/news.csv:4:1: time: outside the validity of the calendar; correct one of the two",
                          "c/news.csv:6:1: time: outside the validity of the calendar; correct one of the two",
                          "c/news.csv:7:1: currency: \"USDX\" is neither a currency nor a symbol of instruments.yaml; write one", NULL);
    support_write("c/news.csv", "# valid_from: 2026-02-01\n# valid_to: 2026-01-31T00:00Z\n" HEADER);
    support_expect_errors(NULL, "c/news.csv:1:1: valid_to: not after valid_from; write a later date", NULL);
}

/* The largest file that is read: every line bad, every line good, one line; within a few seconds. */
static void test_large_files(void **state)
{
    (void)state;
    enum { SIZE = CALENDAR_BYTES_MAX };
    char *bytes = malloc(SIZE + 1);
    assert_non_null(bytes);
    memset(bytes, '\n', SIZE);
    for (int i = 0; i < SIZE; i += 2)
        bytes[i] = 'x';
    assert_int_equal(read_bytes(false, bytes, SIZE), -EINVAL);
    assert_true(support_report.error_count > 1000000);
    assert_int_equal(read_bytes(true, bytes, SIZE), -EINVAL);
    memset(bytes, ' ', SIZE);
    assert_int_equal(read_bytes(true, bytes, SIZE), -EINVAL);
    for (int i = 1; i < SIZE; i += 2)
        bytes[i] = '\n'; /* folded, all of it */
    assert_int_equal(read_bytes(true, bytes, SIZE), -EINVAL);
    memset(bytes, '"', SIZE);
    assert_int_equal(read_bytes(false, bytes, SIZE), -EINVAL);
    size_t n = (size_t)sprintf(bytes, VALID HEADER);
    for (uint32_t i = 0; i <= CALENDAR_ROWS_MAX && n + 100 < SIZE; i++)
        n += (size_t)sprintf(bytes + n, "2026-12-04T13:30Z,USD,3,%u\n", i);
    assert_int_equal(read_bytes(false, bytes, n), -EINVAL);
    assert_int_equal(support_report.error_count, 1);
    assert_non_null(strstr(support_report.errors[0].text, "more than 69632 events"));
    assert_int_equal(c.count, CALENDAR_ROWS_MAX);
    free(bytes);
}

/* --- mutations ------------------------------------------------------------------------------------------ */

static const char csv_seed[] =
    VALID "# zone: America/New_York\n# version: 7\ntime,currency,importance,name,kind,until\n2026-12-04T13:30:00Z,USD,3,\"Non-farm, payrolls\",news,\n"
    "2026-12-04 08:30,EUR,medium,a,,\n2026-12-25,ALL,3,Christmas,close,2026-12-26\n2026-12-10T10:00+01:00,DE,1,\xc3\xa9t\xc3\xa9,news,\n";
static const char ics_seed[] =
    BEGIN "X-WR-TIMEZONE:Europe/Berlin\r\n" EVENT("DTSTART;TZID=\"America/New_York\":20261204T083000\r\nSUMMARY:USD Non-farm\\, p\r\n ay\r\nPRIORITY:5\r\n")
    EVENT("DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261226\r\nX-PROPFLEET-KIND:close\r\nX-PROPFLEET-CURRENCY:ALL\r\n") END;

static uint64_t seed;
static size_t draw(size_t n) { return (size_t)((seed = hash_mix64(seed)) % n); }

static size_t mutate(const char *from, size_t size, char *out, size_t room)
{
    static const char interesting[] = "\0\n\r\t \",;:=\\Z#+-TA9\xff\xc3\x80";
    memcpy(out, from, size);
    for (size_t k = 1 + draw(4); k > 0; k--) {
        size_t at_byte = draw(size), length = 1 + draw(12);
        switch (draw(5)) {
        case 0:
            out[at_byte] = (char)draw(256);
            break;
        case 1:
            out[at_byte] = interesting[draw(sizeof interesting - 1)];
            break;
        case 2: /* leave out */
            length = length > size - at_byte ? size - at_byte : length;
            memmove(out + at_byte, out + at_byte + length, size - at_byte - length);
            size = size > length ? size - length : size;
            break;
        case 3: /* repeat */
            length = length > size - at_byte ? size - at_byte : length;
            if (size + length < room) {
                memmove(out + at_byte + length, out + at_byte, size - at_byte);
                size += length;
            }
            break;
        default: /* cut */
            size = draw(20) == 0 ? at_byte + 1 : size;
        }
    }
    return size;
}

/* Never a crash, and whatever is taken is within bounds. The seed of the day is printed. */
static void mutation_rounds(bool ics, const char *from, size_t size)
{
    const int rounds = getenv("PROPFLEET_QUICK") != NULL ? 2000 : 40000;
    char *out = malloc(2048);
    unsigned good = 0;
    seed = UINT64_C(20261125) + ics;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < rounds; i++) {
        char *exact = malloc(2048);
        size_t n = mutate(from, size, out, 2048);
        exact = realloc(exact, n > 0 ? n : 1); /* a read beyond the end is seen by the sanitizer */
        memcpy(exact, out, n);
        bool taken = read_bytes(ics, exact, n) == 0;
        good += taken;
        assert_true(taken == (support_report.error_count == 0));
        for (uint32_t k = 0; taken && k < c.count; k++) {
            const struct calendar_row *row = &c.rows[k];
            assert_in_range(row->importance, 1, 3);
            assert_true(row->kind == CALENDAR_NEWS ? row->from_ns == row->to_ns : row->from_ns < row->to_ns);
            assert_true(row->from_ns > at(1989, 12, 30, 0, 0) && row->to_ns < at(2046, 1, 3, 0, 0));
            assert_non_null(memchr(row->text.name, 0, sizeof row->text.name));
            assert_non_null(memchr(row->text.target, 0, sizeof row->text.target));
            assert_true(row->text.target[0] != 0 && row->text.name[0] != 0);
            for (const char *t = row->text.name; *t != 0; t++)
                assert_true((unsigned char)*t >= ' ' && *t != 127);
        }
        free(exact);
    }
    print_message("%u of %d were taken\n", good, rounds);
    assert_true(good > 0 && (int)good < rounds);
    free(out);
}

static void test_mutated_csv(void **state)
{
    (void)state;
    csv_good(csv_seed, 4);
    mutation_rounds(false, csv_seed, sizeof csv_seed - 1);
}

static void test_mutated_ics(void **state)
{
    (void)state;
    read_bytes(true, ics_seed, sizeof ics_seed - 1);
    mutation_rounds(true, ics_seed, sizeof ics_seed - 1);
}

static int teardown(void **state)
{
    calendar_free(&c);
    return support_teardown(state);
}

static int group_setup(void **state)
{
    (void)state;
    support_begin();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, support_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_csv),
        TEST(test_times),
        TEST(test_csv_complaints),
        TEST(test_csv_closes),
        TEST(test_ics),
        TEST(test_ics_validity_from_events),
        TEST(test_ics_complaints),
        TEST(test_documented_csv),
        TEST(test_files),
        TEST(test_large_files),
        TEST(test_mutated_csv),
        TEST(test_mutated_ics),
    };
    return cmocka_run_group_tests_name("calendar files", tests, group_setup, NULL);
}
