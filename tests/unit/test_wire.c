/* wire: round trips of every message, and whatever a hostile peer might send instead. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <msgpack.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/vocabulary.h"
#include "workers/broker/broker.h"
#include "workers/coordinator/wire.h"

#define RANDOM_FRAMES 1000000u
#define MUTATIONS 300000u

static struct wire_message sample(uint32_t type)
{
    struct wire_message message = {.type = type, .generation = 7};
    switch (type) {
    case WIRE_HELLO:
        message.u.hello = (struct wire_hello){.account = 3, .last_jseq = 99, .position_count = 2, .nonce = 5, .sent_jseq = 98};
        message.u.hello.positions[0] = (struct wire_position){.instrument = 1, .side = SIDE_BUY, .qty = 5, .risk = 6};
        message.u.hello.positions[1] = (struct wire_position){.instrument = 4, .side = SIDE_SELL, .qty = DEC_MAX, .risk = DEC_MAX};
        break;
    case WIRE_WELCOME:
        message.u.welcome = (struct wire_welcome){.through_jseq = 12, .coordinator_generation = 7, .nonce = 1};
        break;
    case WIRE_PROPOSE:
        message.previous = 41;
        message.u.proposal = (struct wire_proposal){
            .jseq = 42, .instant_ns = INT64_C(1715600000000000000), .instrument = 2, .side = SIDE_SELL, .qty = 123 * DEC_ONE,
            .risk = 45 * DEC_ONE, .entry_price = -DEC_ONE, .stop_price = DEC_MAX, .confidence = 0.625};
        break;
    case WIRE_ANSWER:
        message.u.answer = (struct wire_answer){.jseq = 42, .instant_ns = 1, .qty = 3, .valid_until_ns = INT64_MAX,
                                                .refusal = REFUSAL_NONE, .decision = 1000};
        break;
    default:
        message.previous = 0;
        message.u.report = (struct wire_report){
            .jseq = WIRE_JSEQ_MAX, .instant_ns = INT64_MAX, .proposal = 42, .reserved_qty = 1,
            .position = {.instrument = CONFIG_INSTRUMENTS_MAX - 1, .side = 0, .qty = 0, .risk = 0}};
        break;
    }
    return message;
}

static void every_message_comes_back_as_it_was(void **state)
{
    (void)state;
    for (uint32_t type = WIRE_HELLO; type < WIRE_TYPE_END; type++) {
        unsigned char bytes[WIRE_BYTES_MAX];
        struct wire_message in = sample(type), out;
        memset(&out, 0xaa, sizeof out);
        size_t size = wire_encode(&in, bytes);
        assert_int_equal(wire_decode(bytes, size, &out, NULL), 0);
        assert_memory_equal(&in, &out, sizeof in);
    }
}

static void the_largest_message_fits(void **state)
{
    (void)state;
    unsigned char bytes[WIRE_BYTES_MAX];
    struct wire_message message = {.type = WIRE_HELLO, .generation = INT64_MAX}, out;
    message.u.hello = (struct wire_hello){.account = CONFIG_ACCOUNTS_MAX - 1, .last_jseq = WIRE_JSEQ_MAX,
                                          .position_count = WIRE_POSITIONS_MAX, .nonce = INT64_MAX};
    for (uint32_t i = 0; i < WIRE_POSITIONS_MAX; i++)
        message.u.hello.positions[i] = (struct wire_position){.instrument = i, .side = SIDE_SELL, .qty = DEC_MAX, .risk = DEC_MAX};
    size_t size = wire_encode(&message, bytes);
    assert_true(size <= WIRE_BYTES_MAX / 4); /* room for fields to come */
    assert_int_equal(wire_decode(bytes, size, &out, NULL), 0);
    assert_memory_equal(&message, &out, sizeof out);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (uint32_t type = WIRE_HELLO; type < WIRE_TYPE_END; type++) {
        unsigned char bytes[WIRE_BYTES_MAX];
        struct wire_message in = sample(type), out, untouched;
        memset(&untouched, 0x55, sizeof untouched);
        out = untouched;
        size_t size = wire_encode(&in, bytes);
        for (size_t cut = 0; cut < size; cut++) {
            unsigned char *exact = malloc(cut ? cut : 1); /* so that a read beyond it is seen */
            assert_non_null(exact);
            memcpy(exact, bytes, cut);
            assert_int_equal(wire_decode(exact, cut, &out, NULL), -EPROTO);
            free(exact);
        }
        assert_memory_equal(&out, &untouched, sizeof out); /* nothing half decoded gets out */
        bytes[size] = 0xc0;
        assert_int_equal(wire_decode(bytes, size + 1, &out, NULL), -EPROTO); /* nor is more accepted */
    }
}

static uint64_t random_state;
static uint64_t random_next(void)
{
    return random_state = hash_mix64(random_state);
}

static void random_bytes_never_harm(void **state)
{
    (void)state;
    random_state = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)random_state);
    unsigned decoded = 0;
    for (unsigned n = 0; n < RANDOM_FRAMES; n++) {
        unsigned char bytes[64];
        size_t size = random_next() % sizeof bytes;
        for (size_t i = 0; i < size; i += 8) {
            uint64_t word = random_next();
            memcpy(bytes + i, &word, size - i < 8 ? size - i : 8);
        }
        struct wire_message out;
        decoded += wire_decode(bytes, size, &out, NULL) == 0;
    }
    assert_int_equal(decoded, 0); /* all keys of a message by chance: never */
}

/* A message with a few bytes changed either is refused or is in range in every field. */
static void mutated_messages_stay_in_range(void **state)
{
    (void)state;
    random_state = (uint64_t)time(NULL) ^ 0x5eed;
    print_message("seed %llu\n", (unsigned long long)random_state);
    unsigned decoded = 0;
    for (unsigned n = 0; n < MUTATIONS; n++) {
        unsigned char bytes[WIRE_BYTES_MAX], again[WIRE_BYTES_MAX];
        struct wire_message in = sample(WIRE_HELLO + (uint32_t)(random_next() % (WIRE_TYPE_END - WIRE_HELLO))), out;
        size_t size = wire_encode(&in, bytes);
        for (unsigned i = 1 + (unsigned)(random_next() % 3); i > 0; i--)
            bytes[random_next() % size] = (unsigned char)random_next();
        if (wire_decode(bytes, size, &out, NULL) != 0)
            continue;
        decoded++;
        (void)wire_encode(&out, again); /* asserts every range */
    }
    assert_true(decoded > MUTATIONS / 100); /* else nothing was tested */
}

/* --- frames made by hand ----------------------------------------------------------------------------------- */

static int decode_text(const char *bytes, size_t size)
{
    struct wire_message out;
    return wire_decode(bytes, size, &out, NULL);
}
#define DECODE(literal) decode_text(literal, sizeof(literal) - 1)

static void too_long_is_refused_before_it_is_looked_at(void **state)
{
    (void)state;
    static unsigned char bytes[WIRE_BYTES_MAX + 1];
    struct wire_message out;
    memset(bytes, 0xc0, sizeof bytes);
    assert_int_equal(wire_decode(bytes, WIRE_BYTES_MAX + 1, &out, NULL), -EMSGSIZE);
    assert_int_equal(wire_decode(bytes, WIRE_BYTES_MAX, &out, NULL), -EPROTO);
    assert_int_equal(wire_decode(bytes, 0, &out, NULL), -EPROTO);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    unsigned char bytes[WIRE_BYTES_MAX];
    struct wire_message out;
    for (size_t depth = 1; depth < sizeof bytes; depth++) {
        memset(bytes, 0x91, depth); /* arrays of one, in each other */
        bytes[depth] = 0xc0;
        int rc = wire_decode(bytes, depth + 1, &out, NULL);
        assert_int_equal(rc, depth <= WIRE_DEPTH_MAX ? -EPROTO : -EMSGSIZE);
    }
    assert_int_equal(DECODE("\x91\x91\x91\x91\x90"), -EMSGSIZE); /* an empty one counts too */
    assert_int_equal(DECODE("\x81\xa1k\x81\xa1k\x81\xa1k\x81\xa1k\x80"), -EMSGSIZE);
}

static void counts_beyond_the_frame_take_no_memory(void **state)
{
    (void)state;
    assert_int_equal(DECODE("\xdd\xff\xff\xff\xff"), -EPROTO);         /* array of 2^32 - 1 */
    assert_int_equal(DECODE("\xdf\xff\xff\xff\xff"), -EPROTO);         /* map */
    assert_int_equal(DECODE("\xdd\x7f\xff\xff\xff\xc0\xc0"), -EPROTO);
    assert_int_equal(DECODE("\xdc\xff\xff\xc0"), -EPROTO);
    assert_int_equal(DECODE("\xdb\xff\xff\xff\xff" "a"), -EPROTO);     /* string */
    assert_int_equal(DECODE("\xc6\xff\xff\xff\xff" "a"), -EPROTO);     /* bytes */
    assert_int_equal(DECODE("\xc9\xff\xff\xff\xff\x01" "a"), -EPROTO); /* extension */
    assert_int_equal(DECODE("\xc7\xff\x01" "a"), -EPROTO);
    assert_int_equal(DECODE("\xc1"), -EPROTO);                         /* never used */
    assert_int_equal(DECODE("\x9f\xdd\xff\xff\xff\xff"), -EPROTO);
    /* As many empty elements as a frame can hold: within bounds, and no message. */
    unsigned char bytes[WIRE_BYTES_MAX];
    struct wire_message out;
    memset(bytes, 0x80, sizeof bytes);
    memcpy(bytes, (unsigned char[]){0xdc, (WIRE_BYTES_MAX - 3) >> 8, (WIRE_BYTES_MAX - 3) & 0xff}, 3);
    assert_int_equal(wire_decode(bytes, sizeof bytes, &out, NULL), -EPROTO);
}

struct draft {
    msgpack_sbuffer buffer;
    msgpack_packer packer;
};

static void draft_begin(struct draft *draft, uint32_t fields)
{
    msgpack_sbuffer_init(&draft->buffer);
    msgpack_packer_init(&draft->packer, &draft->buffer, msgpack_sbuffer_write);
    msgpack_pack_map(&draft->packer, fields);
}

static void draft_key(struct draft *draft, const char *key)
{
    msgpack_pack_str(&draft->packer, strlen(key));
    msgpack_pack_str_body(&draft->packer, key, strlen(key));
}

static void draft_number(struct draft *draft, const char *key, int64_t value)
{
    draft_key(draft, key);
    msgpack_pack_int64(&draft->packer, value);
}

static int draft_end(struct draft *draft, struct wire_message *out)
{
    int rc = wire_decode(draft->buffer.data, draft->buffer.size, out, NULL);
    msgpack_sbuffer_destroy(&draft->buffer);
    return rc;
}

static void draft_welcome(struct draft *draft, uint32_t more, int64_t version)
{
    draft_begin(draft, 6 + more);
    draft_number(draft, "v", version);
    draft_number(draft, "t", WIRE_WELCOME);
    draft_number(draft, "g", 4);
    draft_number(draft, "j", 1);
    draft_number(draft, "c", 4);
    draft_number(draft, "n", 0);
}

static void unknown_keys_are_skipped(void **state)
{
    (void)state;
    struct draft draft;
    struct wire_message out;
    draft_welcome(&draft, 4, WIRE_VERSION);
    draft_key(&draft, "new");
    msgpack_pack_array(&draft.packer, 2);
    msgpack_pack_map(&draft.packer, 1);
    msgpack_pack_nil(&draft.packer);
    msgpack_pack_true(&draft.packer);
    msgpack_pack_double(&draft.packer, 1.5);
    msgpack_pack_int(&draft.packer, 17); /* not even a string */
    msgpack_pack_ext(&draft.packer, 3, 9);
    msgpack_pack_ext_body(&draft.packer, "abc", 3);
    msgpack_pack_nil(&draft.packer);
    msgpack_pack_bin(&draft.packer, 2);
    msgpack_pack_bin_body(&draft.packer, "\0\0", 2);
    draft_key(&draft, "");
    msgpack_pack_false(&draft.packer);
    assert_int_equal(draft_end(&draft, &out), 0);
    assert_int_equal(out.type, WIRE_WELCOME);
    assert_int_equal(out.u.welcome.through_jseq, 1);
}

static void another_version_and_a_key_twice_are_refused(void **state)
{
    (void)state;
    struct draft draft;
    struct wire_message out;
    draft_welcome(&draft, 0, WIRE_VERSION + 1);
    assert_int_equal(draft_end(&draft, &out), -EPROTO);
    draft_welcome(&draft, 0, 0);
    assert_int_equal(draft_end(&draft, &out), -EPROTO);
    draft_welcome(&draft, 1, WIRE_VERSION);
    draft_number(&draft, "j", 1);
    assert_int_equal(draft_end(&draft, &out), -EPROTO);
    draft_welcome(&draft, 1, WIRE_VERSION);
    draft_number(&draft, "t", WIRE_WELCOME);
    assert_int_equal(draft_end(&draft, &out), -EPROTO);
}

/* Every field of a proposal: what is out of range, of another type, or missing. */
static int propose_with(const char *changed, int64_t value, bool leave_out, bool as_text)
{
    static const struct {
        const char *key;
        int64_t value;
    } fields[] = {{"v", 1}, {"t", WIRE_PROPOSE}, {"g", 1}, {"j", 5}, {"b", 4},  {"at", 9},
                  {"i", 0}, {"s", 1},            {"q", 1}, {"r", 0}, {"e", -5}, {"x", 5}};
    struct draft draft;
    struct wire_message out;
    draft_begin(&draft, 13u - leave_out);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        bool this_one = strcmp(fields[i].key, changed) == 0;
        if (this_one && leave_out)
            continue;
        draft_key(&draft, fields[i].key);
        if (this_one && as_text)
            msgpack_pack_str(&draft.packer, 0);
        else
            msgpack_pack_int64(&draft.packer, this_one ? value : fields[i].value);
    }
    if (!(leave_out && strcmp(changed, "c") == 0)) {
        draft_key(&draft, "c");
        if (as_text && strcmp(changed, "c") == 0)
            msgpack_pack_str(&draft.packer, 0);
        else
            msgpack_pack_double(&draft.packer, strcmp(changed, "c") == 0 ? (double)value : 0.5);
    }
    return draft_end(&draft, &out);
}

static void every_field_of_a_proposal_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        int64_t good, bad[3];
    } cases[] = {
        {"v", 1, {0, 2, -1}},
        {"t", WIRE_PROPOSE, {0, WIRE_TYPE_END, INT64_MIN}},
        {"g", INT64_MAX, {0, -1, INT64_MIN}},
        {"j", WIRE_JSEQ_MAX, {0, WIRE_JSEQ_MAX + 1, -1}},
        {"b", 0, {-1, WIRE_JSEQ_MAX + 1, INT64_MAX}},
        {"at", INT64_MAX, {0, -1, INT64_MIN}},
        {"i", CONFIG_INSTRUMENTS_MAX - 1, {CONFIG_INSTRUMENTS_MAX, -1, INT64_C(1) << 32}},
        {"s", 2, {0, 3, -1}},
        {"q", DEC_MAX, {0, -1, INT64_MIN}},
        {"r", 0, {-1, INT64_MIN, -DEC_ONE}},
        {"e", -DEC_MAX, {INT64_MIN, INT64_MIN, INT64_MIN}},
        {"x", DEC_MAX, {INT64_MIN, INT64_MIN, INT64_MIN}},
        {"c", 1, {-1, 2, INT64_MAX}},
    };
    assert_int_equal(propose_with("", 0, false, false), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(propose_with(cases[i].key, cases[i].good, false, false), 0);
        for (size_t j = 0; j < 3; j++)
            assert_int_equal(propose_with(cases[i].key, cases[i].bad[j], false, false), -EPROTO);
        assert_int_equal(propose_with(cases[i].key, 0, true, false), -EPROTO);
        assert_int_equal(propose_with(cases[i].key, 0, false, true), -EPROTO);
    }
}

static void confidence_is_a_number_in_its_range(void **state)
{
    (void)state;
    unsigned char bytes[WIRE_BYTES_MAX];
    struct wire_message message = sample(WIRE_PROPOSE), out;
    size_t size = wire_encode(&message, bytes);
    const uint64_t nan_bits = UINT64_C(0x7ff8000000000000), inf_bits = UINT64_C(0x7ff0000000000000);
    const uint64_t bits[] = {nan_bits, inf_bits, UINT64_C(0xbff0000000000000) /* -1 */, UINT64_C(0x3ff0000000000001)};
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        for (unsigned b = 0; b < 8; b++) /* the last field of the frame */
            bytes[size - 8 + b] = (unsigned char)(bits[i] >> (56 - 8 * b));
        assert_int_equal(wire_decode(bytes, size, &out, NULL), -EPROTO);
    }
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    struct draft draft;
    struct wire_message out;
    for (int flat = 0; flat < 2; flat++) { /* a position without a side, a side without a position */
        draft_begin(&draft, 12);
        draft_number(&draft, "v", 1);
        draft_number(&draft, "t", WIRE_REPORT);
        draft_number(&draft, "g", 1);
        draft_number(&draft, "j", 5);
        draft_number(&draft, "b", 0);
        draft_number(&draft, "at", 5);
        draft_number(&draft, "i", 0);
        draft_number(&draft, "s", flat ? 0 : 1);
        draft_number(&draft, "q", flat ? 1 : 0);
        draft_number(&draft, "r", 0);
        draft_number(&draft, "p", 0);
        draft_number(&draft, "k", 0);
        assert_int_equal(draft_end(&draft, &out), -EPROTO);
    }
    for (int granted = 0; granted < 2; granted++) { /* granted and refused, neither granted nor refused */
        draft_begin(&draft, 9);
        draft_number(&draft, "v", 1);
        draft_number(&draft, "t", WIRE_ANSWER);
        draft_number(&draft, "g", 1);
        draft_number(&draft, "j", 5);
        draft_number(&draft, "at", 5);
        draft_number(&draft, "q", granted);
        draft_number(&draft, "u", 0);
        draft_number(&draft, "f", granted ? REFUSAL_JOINT_RISK : REFUSAL_NONE);
        draft_number(&draft, "d", 0);
        assert_int_equal(draft_end(&draft, &out), -EPROTO);
    }
}

static void positions_of_a_hello_are_checked(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 6; wrong++) {
        struct draft draft;
        struct wire_message out;
        uint32_t count = wrong == 1 ? WIRE_POSITIONS_MAX + 1 : 2;
        draft_begin(&draft, 8);
        draft_number(&draft, "h", 0);
        draft_number(&draft, "v", 1);
        draft_number(&draft, "t", WIRE_HELLO);
        draft_number(&draft, "g", 1);
        draft_number(&draft, "a", wrong == 2 ? CONFIG_ACCOUNTS_MAX : 0);
        draft_number(&draft, "l", 0);
        draft_number(&draft, "n", 0);
        draft_key(&draft, "p");
        msgpack_pack_array(&draft.packer, count);
        for (uint32_t i = 0; i < count; i++) {
            msgpack_pack_map(&draft.packer, 4);
            draft_number(&draft, "i", wrong == 3 ? 0 : (int64_t)(i % CONFIG_INSTRUMENTS_MAX)); /* 3: one twice */
            draft_number(&draft, "s", wrong == 4 ? 3 : 1);
            draft_number(&draft, "q", wrong == 5 ? 0 : 1);
            draft_number(&draft, "r", 1);
        }
        assert_int_equal(draft_end(&draft, &out), wrong == 0 ? 0 : -EPROTO);
    }
}

static void errors_say_what_is_wrong(void **state)
{
    (void)state;
    struct error err = {0};
    struct wire_message out;
    assert_int_equal(wire_decode("\x80", 1, &out, &err), -EPROTO);
    assert_non_null(strstr(err.text, "version"));
    assert_int_equal(wire_decode("\x93", 1, &out, &err), -EPROTO);
    assert_non_null(strstr(err.text, "byte 0"));
    assert_int_equal(wire_decode("\x01", 1, &out, &err), -EPROTO);
    assert_non_null(strstr(err.text, "not a map"));
}

static void the_routing_id_names_account_and_generation(void **state)
{
    (void)state;
    char id[WIRE_ROUTING_ID_MAX];
    struct wire_address address = {.account = 3, .generation = 17, .socket = 2}, out;
    assert_int_equal(wire_routing_id(&address, id), 6);
    assert_string_equal(id, "3.17.2");
    assert_true(wire_routing_id_parse("3.17.2", 6, &out));
    assert_int_equal(out.account, 3);
    assert_int_equal(out.generation, 17);
    assert_int_equal(out.socket, 2);
    address = (struct wire_address){CONFIG_ACCOUNTS_MAX - 1, UINT32_MAX, UINT64_MAX};
    assert_true(wire_routing_id_parse(id, wire_routing_id(&address, id), &out));
    assert_int_equal(out.generation, UINT64_MAX);
    static const char *const bad[] = {"", "3", "3.17", "3.17.", "3.17.2 ", " 3.17.2", "03.17.2", "3.17.02", "+3.17.2", "-1.1.1",
                                      "32.1.1", "4294967299.17.2", "3.17.2x", "3.18446744073709551617.2", "a.b.c",
                                      "3.17.2.1", "111111111111111111111111111111111111111111111111111"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(wire_routing_id_parse(bad[i], strlen(bad[i]), &out));
    assert_false(wire_routing_id_parse("3.17.2\0", 7, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_back_as_it_was),
        cmocka_unit_test(the_largest_message_fits),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(random_bytes_never_harm),
        cmocka_unit_test(mutated_messages_stay_in_range),
        cmocka_unit_test(too_long_is_refused_before_it_is_looked_at),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(counts_beyond_the_frame_take_no_memory),
        cmocka_unit_test(unknown_keys_are_skipped),
        cmocka_unit_test(another_version_and_a_key_twice_are_refused),
        cmocka_unit_test(every_field_of_a_proposal_is_checked),
        cmocka_unit_test(confidence_is_a_number_in_its_range),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(positions_of_a_hello_are_checked),
        cmocka_unit_test(errors_say_what_is_wrong),
        cmocka_unit_test(the_routing_id_names_account_and_generation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
