/* vocabulary: the words that several parts and the operator share. One enum each. */
#ifndef PROPFLEET_BASE_VOCABULARY_H
#define PROPFLEET_BASE_VOCABULARY_H

/* The kinds of child that the supervisor starts. */
enum process_kind { PROCESS_COORDINATOR, PROCESS_FEED, PROCESS_ACCOUNT, PROCESS_KIND_COUNT };

/* Why something that adds risk was not done. Written to journals: append only, never renumber. */
#define REFUSAL_LIST(X) \
    X(NONE, "none") \
    X(PAUSED, "paused by the operator") \
    X(ACCOUNT_STATE, "account is not ACTIVE") \
    X(DAILY_LOSS, "daily loss limit") \
    X(TOTAL_LOSS, "total loss limit") \
    X(BELOW_MINIMUM, "size is below the minimum lot") \
    X(MAX_POSITIONS, "position limit of the personality") \
    X(NO_PERMIT, "no permit: coordinator silent") \
    X(UNKNOWN_ACCOUNT, "account unknown to the coordinator") \
    X(OPPOSITE_POSITION, "another account of the firm holds the opposite side") \
    X(JOINT_RISK, "joint risk at stops over all accounts") \
    X(PERMIT_EXPIRED, "permit expired before use") \
    X(NO_CONVERSION_RATE, "no rate into the account currency") \
    X(SESSION_CLOSED, "outside the session") \
    X(RECONCILING, "positions unavailable: reconciling") \
    X(STORE_FAILED, "store failed or nearly full") \
    X(STALE, "no current price of what is open") \
    X(OPEN_LOSS, "open loss cap of the firm (P2)") \
    X(EXPOSURE, "exposure cap of the firm (P3)") \
    X(TIME_WINDOW, "time window of the firm (P4)") \
    X(HOLD_TIME, "holding time of the firm (P5)") \
    X(MESSAGES, "message or order cap of the firm (P6)") \
    X(PROFIT_SHAPE, "profit shape of the firm (P7)") \
    X(STOP_POLICY, "stop policy of the firm (P8)") \
    X(DIRECTION, "direction rule of the firm (P9)") \
    X(CROSS_ACCOUNT, "rule across accounts (P10)") \
    X(CONDUCT, "conduct rule of the firm (P11)") \
    X(LIFECYCLE, "rule file too old, payout pending or locked (P12)")

enum refusal {
#define X(name, text) REFUSAL_##name,
    REFUSAL_LIST(X)
#undef X
    REFUSAL_COUNT
};
const char *refusal_text(unsigned code); /* "?" beyond the list */
const char *refusal_name(unsigned code); /* "JOINT_RISK" */

/* Exit statuses of children, a contract with the supervisor (sysexits.h's numbers). */
enum { CHILD_EXIT_OK = 0, CHILD_EXIT_TRY_LATER = 75, CHILD_EXIT_NEVER = 78 };
/* Exit statuses of propfleet. */
enum { EXIT_DONE = 0, EXIT_NO = 1, EXIT_USAGE = 2, EXIT_CONFIG = 3, EXIT_UNREACHABLE = 4 };

#endif
