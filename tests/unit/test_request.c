/* The file in which a person leaves a word for an account's next start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "workers/account/request.h"

static const struct request adopt = {.verb = REQUEST_ADOPT, .position = 43, .stop = 109500000, .target = 112000000,
                                     .id = "1732540000123456789-4711", .user = "anna", .reason = "the store of Tuesday was put back"};

static void a_request_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct request all[] = {adopt, adopt, adopt, adopt}, back;
    char text[REQUEST_BYTES_MAX], name[REQUEST_WORD_MAX];
    all[1].target = 0;
    all[2].verb = REQUEST_CLOSE;
    all[2].stop = all[2].target = 0;
    all[2].position = UINT64_C(9999999999999999999);
    all[3] = all[2];
    all[3].verb = REQUEST_BALANCE;
    all[3].position = 0;
    static const char *const names[] = {"request-43", "request-43", "request-9999999999999999999", "request-balance"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        size_t size = request_format(&all[i], text);
        assert_true(request_parse(text, size, &back));
        assert_memory_equal(&back, &all[i], sizeof back);
        request_file_name(&back, name);
        assert_string_equal(name, names[i]);
    }
    (void)request_format(&adopt, text);
    assert_string_equal(text, "propfleet-request 1 adopt 43 1.095 1.12 1732540000123456789-4711 anna the store of Tuesday was put back\n");
    memset(all[0].reason, 'x', sizeof all[0].reason - 1); /* the longest of everything */
    memset(all[0].user, 'u', sizeof all[0].user - 1);
    memset(all[0].id, '1', sizeof all[0].id - 1);
    all[0].stop = all[0].target = DEC_MAX;
    all[0].position = UINT64_C(9999999999999999999);
    assert_true(request_parse(text, request_format(&all[0], text), &back));
}

static void anything_else_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "\n", "propfleet-request 1 adopt 43 1.095 - 1-1 anna why", /* no end */
        "propfleet-request 2 adopt 43 1.095 - 1-1 anna why\n", "propfleet-request 1 adopt 43 1.095 - 1-1 anna \n",
        "propfleet-request 1 adopt 43 1.095 - 1-1 anna\n", "propfleet-request 1 adopt 43 1.0950 - 1-1 anna why\n",
        "propfleet-request 1 adopt 43 -1.095 - 1-1 anna why\n", "propfleet-request 1 adopt 43 0 - 1-1 anna why\n",
        "propfleet-request 1 adopt 43 - - 1-1 anna why\n", "propfleet-request 1 adopt 043 1.095 - 1-1 anna why\n",
        "propfleet-request 1 adopt 0 1.095 - 1-1 anna why\n", "propfleet-request 1 adopt +43 1.095 - 1-1 anna why\n",
        "propfleet-request 1 adopt balance 1.095 - 1-1 anna why\n", "propfleet-request 1 close balance - - 1-1 anna why\n",
        "propfleet-request 1 close 43 1.095 - 1-1 anna why\n", "propfleet-request 1 close 43 - 1.1 1-1 anna why\n",
        "propfleet-request 1 sell 43 - - 1-1 anna why\n", "propfleet-request 1  close 43 - - 1-1 anna why\n",
        "propfleet-request 1 close 43 - - 1/1 anna why\n", "propfleet-request 1 close 43 - - 1-1 an\tna why\n",
        "propfleet-request 1 close 43 - - 1-1 anna why\nmore\n", "propfleet-request 1 close 43 - - 1-1 anna wh\x1b[2Jy\n",
        "propfleet-request 1 close 43 - - 1-1 anna wh\xc3\xbcy\n", " propfleet-request 1 close 43 - - 1-1 anna why\n",
        "propfleet-request 1 close 99999999999999999999999 - - 1-1 anna why\n",
    };
    struct request out;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (request_parse(bad[i], strlen(bad[i]), &out))
            fail_msg("taken: %s", bad[i]);
    static const char zero[] = "propfleet-request 1 close 43 - - 1-1 anna w\0y\n";
    assert_false(request_parse(zero, sizeof zero - 1, &out));
    assert_true(request_parse("propfleet-request 1 close 43 - - 1-1 anna why\n", 46, &out));
    char longest[REQUEST_BYTES_MAX + 64];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\n';
    assert_false(request_parse(longest, sizeof longest, &out));
}

/* Bytes of a good one, changed, cut and repeated: what is taken is what would be written. */
static void hostile_bytes_do_no_harm(void **state)
{
    (void)state;
    const char *given = getenv("REQUEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("seed %llu (REQUEST_SEED)\n", (unsigned long long)seed);
    uint32_t taken = 0;
    for (uint32_t round = 0; round < 200000; round++) {
        char text[2 * REQUEST_BYTES_MAX], again[REQUEST_BYTES_MAX];
        size_t size = request_format(&adopt, text);
        uint64_t random = hash_combine(seed, round);
        for (uint32_t i = 0; i < 1 + random % 4; i++) {
            random = hash_combine(random, i);
            text[random % size] = (char)(random >> 40);
        }
        if (random % 7 == 0)
            size = random % size;
        struct request out;
        if (!request_parse(text, size, &out))
            continue;
        taken++;
        assert_int_equal(request_format(&out, again), size);
        assert_memory_equal(again, text, size);
    }
    assert_true(taken > 0);
}

static void what_a_person_types_is_looked_at(void **state)
{
    (void)state;
    uint64_t position = 1;
    assert_true(request_position("43", &position) && position == 43);
    assert_true(request_position("balance", &position) && position == 0);
    static const char *const bad[] = {"", "0", "x", "4x", "-4", "Balance", "12345678901234567890"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(request_position(bad[i], &position));
    char longest[REQUEST_REASON_MAX + 1];
    memset(longest, 'x', sizeof longest);
    longest[REQUEST_REASON_MAX - 1] = '\0';
    assert_true(request_reason_good(longest));
    longest[REQUEST_REASON_MAX - 1] = 'x';
    longest[REQUEST_REASON_MAX] = '\0';
    assert_false(request_reason_good(longest));
    assert_false(request_reason_good(""));
    assert_false(request_reason_good(" x"));
    assert_false(request_reason_good("two\nlines"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_as_it_was_written),
        cmocka_unit_test(anything_else_is_none),
        cmocka_unit_test(hostile_bytes_do_no_harm),
        cmocka_unit_test(what_a_person_types_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
