#include "workers/broker/broker.h"

#include <assert.h>
#include <string.h>

static const char *const reason_names[] = {
    [BROKER_OK] = "OK",
    [BROKER_MARKET_CLOSED] = "MARKET_CLOSED",
    [BROKER_OFF_QUOTES] = "OFF_QUOTES",
    [BROKER_STOP_LEVEL] = "STOP_LEVEL",
    [BROKER_BAD_QTY] = "BAD_QTY",
    [BROKER_NO_MARGIN] = "NO_MARGIN",
    [BROKER_TOO_MANY] = "TOO_MANY",
    [BROKER_UNKNOWN_ORDER] = "UNKNOWN_ORDER",
    [BROKER_NO_POSITION] = "NO_POSITION",
    [BROKER_RANDOM] = "RANDOM",
    [BROKER_OCO] = "OCO",
    [BROKER_STOP_OUT] = "STOP_OUT",
    [BROKER_IOC_REMAINDER] = "IOC_REMAINDER",
    [BROKER_BAD_PRICE] = "BAD_PRICE",
    [BROKER_TOO_LATE] = "TOO_LATE",
};
static_assert(sizeof reason_names / sizeof reason_names[0] == BROKER_REASON_COUNT, "a name for each reason");

const char *broker_reason_name(unsigned reason)
{
    return reason < BROKER_REASON_COUNT ? reason_names[reason] : "?";
}

#define ACCOUNT_DIGITS 2
#define INTENT_DIGITS 12
static_assert(ACCOUNT_DIGITS + INTENT_DIGITS < BROKER_CL_ORD_ID_MAX, "fits with its NUL");

static uint64_t base36(uint64_t value, char *out, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 36)
        out[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % 36];
    return value;
}

void broker_cl_ord_id(uint32_t account, uint64_t intent, char out[BROKER_CL_ORD_ID_MAX])
{
    memset(out, 0, BROKER_CL_ORD_ID_MAX);
    uint64_t account_rest = base36(account, out, ACCOUNT_DIGITS);
    uint64_t intent_rest = base36(intent, out + ACCOUNT_DIGITS, INTENT_DIGITS);
    assert(account_rest == 0 && intent_rest == 0); /* else two orders would share an id */
}
