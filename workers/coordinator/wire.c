#include "workers/coordinator/wire.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <msgpack.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/vocabulary.h"
#include "workers/broker/broker.h"

/* What each message carries beside "v", "t" and "g". One table serves both directions. */
enum kind { U32, U64, I64, REAL, POSITIONS };

struct field {
    const char *key;
    uint32_t kind;      /* enum kind */
    size_t offset;      /* into struct wire_message; of a position's: into struct wire_position */
    int64_t min, max;
};

#define AT(member) offsetof(struct wire_message, member)
#define IN_POSITION(member) offsetof(struct wire_position, member)
#define JSEQ 1, (int64_t)WIRE_JSEQ_MAX
#define JSEQ_OR_NONE 0, (int64_t)WIRE_JSEQ_MAX
#define COUNT 0, INT64_MAX
#define INSTANT 1, INT64_MAX
#define INSTRUMENT 0, CONFIG_INSTRUMENTS_MAX - 1
#define PRICE -DEC_MAX, DEC_MAX
#define AMOUNT 0, DEC_MAX
#define POSITIVE 1, DEC_MAX

static const struct field position_fields[] = {
    {"i", U32, IN_POSITION(instrument), INSTRUMENT},
    {"s", U32, IN_POSITION(side), 0, SIDE_SELL},
    {"q", I64, IN_POSITION(qty), AMOUNT},
    {"r", I64, IN_POSITION(risk), AMOUNT},
};
static const struct field hello_fields[] = {
    {"a", U32, AT(u.hello.account), 0, CONFIG_ACCOUNTS_MAX - 1},
    {"l", U64, AT(u.hello.last_jseq), JSEQ_OR_NONE},
    {"n", U64, AT(u.hello.nonce), COUNT},
    {"h", U64, AT(u.hello.sent_jseq), JSEQ_OR_NONE},
    {"p", POSITIONS, AT(u.hello.positions), 0, WIRE_POSITIONS_MAX},
};
static const struct field welcome_fields[] = {
    {"j", U64, AT(u.welcome.through_jseq), JSEQ_OR_NONE},
    {"c", U64, AT(u.welcome.coordinator_generation), 1, INT64_MAX},
    {"n", U64, AT(u.welcome.nonce), COUNT},
};
static const struct field propose_fields[] = {
    {"j", U64, AT(u.proposal.jseq), JSEQ},
    {"b", U64, AT(previous), JSEQ_OR_NONE},
    {"at", I64, AT(u.proposal.instant_ns), INSTANT},
    {"i", U32, AT(u.proposal.instrument), INSTRUMENT},
    {"s", U32, AT(u.proposal.side), SIDE_BUY, SIDE_SELL},
    {"q", I64, AT(u.proposal.qty), POSITIVE},
    {"r", I64, AT(u.proposal.risk), AMOUNT},
    {"e", I64, AT(u.proposal.entry_price), PRICE},
    {"x", I64, AT(u.proposal.stop_price), PRICE},
    {"c", REAL, AT(u.proposal.confidence), 0, 1},
};
static const struct field answer_fields[] = {
    {"j", U64, AT(u.answer.jseq), JSEQ},
    {"at", I64, AT(u.answer.instant_ns), INSTANT},
    {"q", I64, AT(u.answer.qty), AMOUNT},
    {"u", I64, AT(u.answer.valid_until_ns), COUNT},
    {"f", U32, AT(u.answer.refusal), 0, REFUSAL_COUNT - 1},
    {"d", U64, AT(u.answer.decision), COUNT},
};
static const struct field report_fields[] = {
    {"j", U64, AT(u.report.jseq), JSEQ},
    {"b", U64, AT(previous), JSEQ_OR_NONE},
    {"at", I64, AT(u.report.instant_ns), INSTANT},
    {"i", U32, AT(u.report.position.instrument), INSTRUMENT},
    {"s", U32, AT(u.report.position.side), 0, SIDE_SELL},
    {"q", I64, AT(u.report.position.qty), AMOUNT},
    {"r", I64, AT(u.report.position.risk), AMOUNT},
    {"p", U64, AT(u.report.proposal), JSEQ_OR_NONE},
    {"k", I64, AT(u.report.reserved_qty), AMOUNT},
};

#define FIELDS(list) {list, sizeof(list) / sizeof((list)[0])}
static const struct shape {
    const struct field *fields;
    uint32_t count;
} shapes[WIRE_TYPE_END] = {
    [WIRE_HELLO] = FIELDS(hello_fields),   [WIRE_WELCOME] = FIELDS(welcome_fields),
    [WIRE_PROPOSE] = FIELDS(propose_fields), [WIRE_ANSWER] = FIELDS(answer_fields),
    [WIRE_REPORT] = FIELDS(report_fields),
};
static const struct shape position_shape = FIELDS(position_fields);

#define HEADER_COUNT 3u /* "v", "t", "g" */
static_assert(CONFIG_INSTRUMENTS_MAX <= WIRE_POSITIONS_MAX, "every position fits in a HELLO");

/* --- what must hold beyond single ranges ----------------------------------------------------------------- */

static bool position_consistent(const struct wire_position *position)
{
    return position->side == 0 ? position->qty == 0 && position->risk == 0 : position->qty > 0;
}

static bool hello_consistent(const struct wire_hello *hello)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < hello->position_count; i++) {
        uint32_t bit = UINT32_C(1) << hello->positions[i].instrument;
        if ((seen & bit) != 0 || !position_consistent(&hello->positions[i]))
            return false;
        seen |= bit;
    }
    return true;
}

static bool message_consistent(const struct wire_message *message)
{
    switch (message->type) {
    case WIRE_HELLO:
        return hello_consistent(&message->u.hello);
    case WIRE_ANSWER:
        return (message->u.answer.qty > 0) == (message->u.answer.refusal == REFUSAL_NONE);
    case WIRE_REPORT:
        return position_consistent(&message->u.report.position);
    default:
        return true;
    }
}

/* --- encoding ---------------------------------------------------------------------------------------------- */

struct frame {
    unsigned char *bytes;
    size_t size;
};

static int frame_write(void *data, const char *bytes, size_t size)
{
    struct frame *frame = data;
    assert(size <= WIRE_BYTES_MAX - frame->size);
    memcpy(frame->bytes + frame->size, bytes, size);
    frame->size += size;
    return 0;
}

static void pack_key(msgpack_packer *packer, const char *key)
{
    size_t length = strlen(key);
    msgpack_pack_str(packer, length);
    msgpack_pack_str_body(packer, key, length);
}

static void pack_positions(msgpack_packer *packer, const struct wire_hello *hello);

static void pack_field(msgpack_packer *packer, const struct field *field, const void *base)
{
    const void *at = (const char *)base + field->offset;
    uint32_t u32;
    uint64_t u64;
    int64_t i64;
    double real;
    pack_key(packer, field->key);
    switch (field->kind) {
    case U32:
        memcpy(&u32, at, sizeof u32);
        assert(u32 <= INT32_MAX && u32 >= field->min && u32 <= field->max);
        msgpack_pack_uint32(packer, u32);
        break;
    case U64:
        memcpy(&u64, at, sizeof u64);
        assert(u64 <= INT64_MAX && (int64_t)u64 >= field->min && (int64_t)u64 <= field->max);
        msgpack_pack_uint64(packer, u64);
        break;
    case I64:
        memcpy(&i64, at, sizeof i64);
        assert(i64 >= field->min && i64 <= field->max);
        msgpack_pack_int64(packer, i64);
        break;
    case REAL:
        memcpy(&real, at, sizeof real);
        assert(real >= (double)field->min && real <= (double)field->max);
        msgpack_pack_double(packer, real);
        break;
    default:
        assert(field->kind == POSITIONS);
        pack_positions(packer, &((const struct wire_message *)base)->u.hello);
        break;
    }
}

static void pack_positions(msgpack_packer *packer, const struct wire_hello *hello)
{
    assert(hello->position_count <= WIRE_POSITIONS_MAX);
    msgpack_pack_array(packer, hello->position_count);
    for (uint32_t i = 0; i < hello->position_count; i++) {
        msgpack_pack_map(packer, position_shape.count);
        for (uint32_t j = 0; j < position_shape.count; j++)
            pack_field(packer, &position_shape.fields[j], &hello->positions[i]);
    }
}

size_t wire_encode(const struct wire_message *message, unsigned char out[WIRE_BYTES_MAX])
{
    assert(message && out && message->type >= WIRE_HELLO && message->type < WIRE_TYPE_END);
    assert(message->generation >= 1 && message->generation <= INT64_MAX);
    assert(message->type != WIRE_HELLO || message->u.hello.position_count <= WIRE_POSITIONS_MAX);
    struct frame frame = {.bytes = out};
    msgpack_packer packer;
    msgpack_packer_init(&packer, &frame, frame_write);
    const struct shape *shape = &shapes[message->type];
    msgpack_pack_map(&packer, HEADER_COUNT + shape->count);
    pack_key(&packer, "v");
    msgpack_pack_uint32(&packer, WIRE_VERSION);
    pack_key(&packer, "t");
    msgpack_pack_uint32(&packer, message->type);
    pack_key(&packer, "g");
    msgpack_pack_uint64(&packer, message->generation);
    for (uint32_t i = 0; i < shape->count; i++)
        pack_field(&packer, &shape->fields[i], message);
    assert(message_consistent(message));
    return frame.size;
}

size_t wire_routing_id(const struct wire_address *address, char out[WIRE_ROUTING_ID_MAX])
{
    int length = snprintf(out, WIRE_ROUTING_ID_MAX, "%" PRIu32 ".%" PRIu64 ".%" PRIu32, address->account, address->generation,
                          address->socket);
    assert(length > 0 && length < WIRE_ROUTING_ID_MAX);
    return (size_t)length;
}

bool wire_routing_id_parse(const void *id, size_t size, struct wire_address *out)
{
    char text[WIRE_ROUTING_ID_MAX], again[WIRE_ROUTING_ID_MAX];
    if (size == 0 || size >= sizeof text)
        return false;
    memcpy(text, id, size);
    text[size] = '\0';
    if (sscanf(text, "%" SCNu32 ".%" SCNu64 ".%" SCNu32, &out->account, &out->generation, &out->socket) != 3)
        return false;
    /* Whatever sscanf lets pass (blanks, signs, zeros in front, what does not fit) is not written back like that. */
    return out->account < CONFIG_ACCOUNTS_MAX && wire_routing_id(out, again) == size && memcmp(again, id, size) == 0;
}

/* --- before decoding: the form of the bytes ------------------------------------------------------------------ */

/* msgpack-c takes memory for a container as soon as it has read its count, and knows no limit of
 * depth that is ours. So the bytes are walked once first; afterwards the library can ask for no
 * more than a fixed multiple of the frame. */
struct head {
    size_t header;   /* bytes of the head itself */
    size_t body;     /* bytes that follow and hold no element */
    size_t elements; /* elements that follow */
    bool container;
};

static uint64_t big_endian(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* The forms from 0xc0 to 0xdf: how many bytes of length or count, bytes of body without one, what it is. */
enum form { PLAIN, SIZED, ARRAY, MAP, INVALID };
static const struct {
    unsigned char form, width, body;
} forms[32] = {
    {PLAIN, 0, 0},  {INVALID, 0, 0}, {PLAIN, 0, 0}, {PLAIN, 0, 0}, /* nil, -, false, true */
    {SIZED, 1, 0},  {SIZED, 2, 0},   {SIZED, 4, 0},                /* bin */
    {SIZED, 1, 1},  {SIZED, 2, 1},   {SIZED, 4, 1},                /* ext: and its type */
    {PLAIN, 0, 4},  {PLAIN, 0, 8},                                 /* float */
    {PLAIN, 0, 1},  {PLAIN, 0, 2},   {PLAIN, 0, 4}, {PLAIN, 0, 8}, /* uint */
    {PLAIN, 0, 1},  {PLAIN, 0, 2},   {PLAIN, 0, 4}, {PLAIN, 0, 8}, /* int */
    {PLAIN, 0, 2},  {PLAIN, 0, 3},   {PLAIN, 0, 5}, {PLAIN, 0, 9}, {PLAIN, 0, 17}, /* fixext: type and body */
    {SIZED, 1, 0},  {SIZED, 2, 0},   {SIZED, 4, 0},                /* str */
    {ARRAY, 2, 0},  {ARRAY, 4, 0},   {MAP, 2, 0},   {MAP, 4, 0},
};

static bool read_head(const unsigned char *bytes, size_t left, struct head *out)
{
    unsigned char first = bytes[0];
    *out = (struct head){.header = 1};
    if (first <= 0x7f || first >= 0xe0)
        return true;
    if (first <= 0x9f) {
        out->container = true;
        out->elements = first <= 0x8f ? 2u * (first & 0x0fu) : first & 0x0fu;
        return true;
    }
    if (first <= 0xbf) {
        out->body = first & 0x1fu;
        return true;
    }
    unsigned form = forms[first - 0xc0].form, width = forms[first - 0xc0].width;
    if (form == INVALID || left < 1u + width)
        return false;
    uint64_t number = big_endian(bytes + 1, width);
    out->header = 1u + width;
    out->container = form == ARRAY || form == MAP;
    out->elements = out->container ? (size_t)number * (form == MAP ? 2u : 1u) : 0;
    out->body = forms[first - 0xc0].body + (form == SIZED ? (size_t)number : 0);
    return true;
}

static int scan(const unsigned char *bytes, size_t size, struct error *err)
{
    size_t open[WIRE_DEPTH_MAX + 1] = {1}; /* elements still missing, at each depth */
    unsigned depth = 0;
    size_t at = 0;
    while (depth > 0 || open[0] > 0) {
        if (open[depth] == 0) {
            depth--;
            continue;
        }
        struct head head;
        if (at >= size || !read_head(bytes + at, size - at, &head))
            return error_set(err, EPROTO, "frame of %zu bytes breaks off or is malformed at byte %zu", size, at);
        size_t left = size - at - head.header;
        if (head.body > left || head.elements > left)
            return error_set(err, EPROTO, "frame announces more than its %zu bytes at byte %zu", size, at);
        open[depth]--;
        at += head.header + head.body;
        if (!head.container)
            continue;
        if (depth == WIRE_DEPTH_MAX)
            return error_set(err, EMSGSIZE, "frame is deeper than %u", WIRE_DEPTH_MAX);
        open[++depth] = head.elements;
    }
    return at == size ? 0 : error_set(err, EPROTO, "%zu bytes behind the message", size - at);
}

/* --- decoding -------------------------------------------------------------------------------------------------- */

static bool key_is(const msgpack_object *object, const char *key)
{
    return object->type == MSGPACK_OBJECT_STR && object->via.str.size == strlen(key) &&
           memcmp(object->via.str.ptr, key, object->via.str.size) == 0;
}

/* The value of the key, NULL when there is none or more than one. */
static const msgpack_object *find(const msgpack_object_map *map, const char *key)
{
    const msgpack_object *found = NULL;
    for (uint32_t i = 0; i < map->size; i++) {
        if (!key_is(&map->ptr[i].key, key))
            continue;
        if (found)
            return NULL;
        found = &map->ptr[i].val;
    }
    return found;
}

static bool take_integer(const msgpack_object *object, int64_t min, int64_t max, int64_t *out)
{
    if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
        if (object->via.u64 > INT64_MAX)
            return false;
        *out = (int64_t)object->via.u64;
    } else if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        *out = object->via.i64;
    } else {
        return false;
    }
    return *out >= min && *out <= max;
}

static int take_fields(const msgpack_object_map *map, const struct shape *shape, void *base, struct error *err);

static int take_positions(const msgpack_object *object, struct wire_hello *hello, struct error *err)
{
    if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size > WIRE_POSITIONS_MAX)
        return error_set(err, EPROTO, "positions are not an array of at most %u", WIRE_POSITIONS_MAX);
    hello->position_count = object->via.array.size;
    for (uint32_t i = 0; i < hello->position_count; i++) {
        const msgpack_object *item = &object->via.array.ptr[i];
        if (item->type != MSGPACK_OBJECT_MAP)
            return error_set(err, EPROTO, "position %" PRIu32 " is not a map", i);
        int rc = take_fields(&item->via.map, &position_shape, &hello->positions[i], err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static bool take_field(const msgpack_object *object, const struct field *field, void *base)
{
    void *at = (char *)base + field->offset;
    if (field->kind == REAL) {
        double real = object->type == MSGPACK_OBJECT_FLOAT64 ? object->via.f64 : NAN;
        memcpy(at, &real, sizeof real);
        return real >= (double)field->min && real <= (double)field->max; /* false for NaN */
    }
    int64_t number;
    if (!take_integer(object, field->min, field->max, &number))
        return false;
    if (field->kind == U32) {
        uint32_t u32 = (uint32_t)number; /* max is far below */
        memcpy(at, &u32, sizeof u32);
    } else {
        memcpy(at, &number, sizeof number); /* U64: not negative */
    }
    return true;
}

static int take_fields(const msgpack_object_map *map, const struct shape *shape, void *base, struct error *err)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        const msgpack_object *object = find(map, field->key);
        if (!object)
            return error_set(err, EPROTO, "key \"%s\" is missing or there twice", field->key);
        if (field->kind == POSITIONS) {
            int rc = take_positions(object, &((struct wire_message *)base)->u.hello, err);
            if (rc != 0)
                return rc;
        } else if (!take_field(object, field, base)) {
            return error_set(err, EPROTO, "key \"%s\" is not a number in its range", field->key);
        }
    }
    return 0;
}

static int take_message(const msgpack_object *object, struct wire_message *out, struct error *err)
{
    if (object->type != MSGPACK_OBJECT_MAP)
        return error_set(err, EPROTO, "message is not a map");
    const msgpack_object_map *map = &object->via.map;
    int64_t version, type, generation;
    const msgpack_object *found = find(map, "v");
    if (!found || !take_integer(found, 1, INT64_MAX, &version) || version > WIRE_VERSION)
        return error_set(err, EPROTO, "message without a version that is known (up to %u)", WIRE_VERSION);
    found = find(map, "t");
    if (!found || !take_integer(found, WIRE_HELLO, WIRE_TYPE_END - 1, &type))
        return error_set(err, EPROTO, "message without a type that is known");
    found = find(map, "g");
    if (!found || !take_integer(found, 1, INT64_MAX, &generation))
        return error_set(err, EPROTO, "message without a generation");
    out->type = (uint32_t)type;
    out->generation = (uint64_t)generation;
    int rc = take_fields(map, &shapes[type], out, err);
    if (rc == 0 && !message_consistent(out))
        return error_set(err, EPROTO, "message contradicts itself");
    return rc;
}

#define ZONE_CHUNK_BYTES 8192u
static _Thread_local msgpack_zone zone;
static _Thread_local bool zone_ready;

int wire_decode(const void *data, size_t size, struct wire_message *out, struct error *err)
{
    assert(data && out);
    if (size > WIRE_BYTES_MAX)
        return error_set(err, EMSGSIZE, "frame of %zu bytes, at most %u", size, WIRE_BYTES_MAX);
    int rc = scan(data, size, err);
    if (rc != 0)
        return rc;
    if (!zone_ready && !msgpack_zone_init(&zone, ZONE_CHUNK_BYTES))
        return error_set(err, ENOMEM, "no memory to decode a message");
    zone_ready = true;
    struct wire_message message = {0};
    msgpack_object object;
    size_t offset = 0;
    msgpack_unpack_return unpacked = msgpack_unpack(data, size, &offset, &zone, &object);
    rc = unpacked == MSGPACK_UNPACK_SUCCESS && offset == size ? take_message(&object, &message, err)
                                                              : error_set(err, EPROTO, "frame is not msgpack");
    msgpack_zone_clear(&zone);
    if (rc == 0)
        *out = message;
    return rc;
}
