/* propfleet audit: the decisions of an account as evidence, and whether anybody touched them.
 *
 * Each journal record has a row in the table "chain": SHA-256 over the row before it, its number and its bytes
 * (workers/account/persist.h). Whoever changes, removes or exchanges a record breaks the chain at that record.
 */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/ledger.h"
#include "workers/account/journal.h"

static bool chain_row(struct ledger *ledger, uint64_t n, unsigned char row[PERSIST_CHAIN_BYTES])
{
    size_t length = 0;
    return store_get(ledger->store, TABLE_CHAIN, n, row, PERSIST_CHAIN_BYTES, &length) == 0 && length == PERSIST_CHAIN_BYTES;
}

/* --- verifying -------------------------------------------------------------------------------- */

struct verifying {
    struct ledger *ledger;
    unsigned char chain[PERSIST_CHAIN_BYTES];
    uint64_t first, next; /* first kept; the number that comes now */
    uint64_t faults;
};

static void fault(struct verifying *v, uint64_t n, const char *what)
{
    v->faults++;
    printf("record %" PRIu64 ": %s\n", n, what);
}

static void missing(struct verifying *v, uint64_t to)
{
    if (v->next == to)
        return;
    v->faults++;
    if (v->next + 1 == to)
        printf("record %" PRIu64 ": missing\n", v->next);
    else
        printf("records %" PRIu64 " to %" PRIu64 ": missing\n", v->next, to - 1);
    if (!chain_row(v->ledger, to - 1, v->chain))
        memset(v->chain, 0, sizeof v->chain);
}

static int verify_record(void *context, uint64_t n, const void *data, size_t size)
{
    struct verifying *v = context;
    unsigned char row[PERSIST_CHAIN_BYTES], before[PERSIST_CHAIN_BYTES];
    uint64_t own = 0;
    if (v->first == 0) { /* earlier months were dropped by retention: their last row is where the chain goes on */
        v->first = v->next = n;
        if (n > 1 && !chain_row(v->ledger, n - 1, v->chain))
            fault(v, n, "the chain before it is gone");
    }
    missing(v, n);
    memcpy(before, v->chain, sizeof before);
    persist_chain(v->chain, n, data, size);
    if (journal_get_u64(data, size, "n", &own) != 0)
        fault(v, n, "changed: not a record any more");
    else if (own != n) {
        char text[64];
        snprintf(text, sizeof text, "reordered: it is number %" PRIu64, own);
        fault(v, n, text);
    } else if (!chain_row(v->ledger, n, row))
        fault(v, n, "its row of the chain is missing");
    else if (memcmp(row, v->chain, sizeof row) != 0)
        fault(v, n, "changed");
    /* One broken link is named once: go on from what the chain says. */
    if (chain_row(v->ledger, n, row))
        memcpy(v->chain, row, sizeof row);
    v->next = n + 1;
    return ferror(stdout) ? 1 : 0;
}

static int verify(struct ledger *ledger)
{
    struct verifying v = {.ledger = ledger};
    struct core_account account; /* first: the account may write on while its journal is read */
    struct error err = {0};
    char hex[2 * PERSIST_CHAIN_BYTES + 1];
    bool known = ledger_account(ledger, &account, &err) == 0;
    int rc = store_journal_scan(ledger->store, 0, UINT32_MAX, verify_record, &v);
    if (rc < 0)
        return command_fail(EXIT_NO, "%s: its journal: %s", ledger->name, strerror(-rc));
    if (known && account.jseq + 1 > (v.next ? v.next : 1)) {
        v.next = v.next ? v.next : 1;
        missing(&v, account.jseq + 1);
    }
    uint64_t records = v.first ? v.next - v.first : 0;
    if (v.faults) {
        printf("%s: %" PRIu64 " faults in %" PRIu64 " records\n", ledger->name, v.faults, records);
        return EXIT_NO;
    }
    printf("%s: %" PRIu64 " records from %" PRIu64 ", chain whole, last %s\n", ledger->name, records, v.first,
           sodium_bin2hex(hex, sizeof hex, v.chain, sizeof v.chain));
    return EXIT_DONE;
}

/* --- printing ---------------------------------------------------------------------------------- */

/* What the audit record consists of: requests, verdicts, answers of coordinator and venue, what the rules did. */
static bool audited(const void *data, size_t size)
{
    static const char *const kinds[] = {"account", "signal", "gate",   "propose", "answer", "entry", "order", "fill", "cancel", "close",
                                        "exit",    "day",    "breach", "guard",   "trade",  "denied", "command", "posting", "rules",
                                        "behind",  "replace", "protect"};
    char kind[64];
    if (journal_get_text(data, size, "k", kind, sizeof kind) != 0)
        return true;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kind, kinds[i]) == 0)
            return true;
    return false;
}

static int print_audited(void *context, uint64_t n, const void *data, size_t size)
{
    struct ledger *ledger = context;
    unsigned char row[PERSIST_CHAIN_BYTES];
    char hex[2 * PERSIST_CHAIN_BYTES + 1] = "";
    if (!audited(data, size))
        return 0;
    if (chain_row(ledger, n, row))
        sodium_bin2hex(hex, sizeof hex, row, sizeof row);
    printf("{\"chain\": \"%s\", \"record\": ", hex);
    if (journal_print_object(stdout, data, size) != 0)
        printf("null");
    printf("}\n");
    return ferror(stdout) ? 1 : 0;
}

int command_audit(int argc, char **argv)
{
    struct find find = {0};
    bool verifies = false;
    uint64_t from = 0;
    const char *names[1] = {NULL};
    struct args_operands operands = {.list = names, .max = 1, .what = "NAME"};
    struct args_option known[] = {FIND_OPTIONS(find), {"--verify", ARGS_FLAG, &verifies}, {"--from", ARGS_U64, &from}};
    struct error err = {0};
    char state_dir[CONFIG_PATH_MAX];
    if (args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err) != 0)
        return command_usage("audit", "%s", err.text);
    if (operands.count != 1)
        return command_usage("audit", "NAME is missing");
    if (verifies && from)
        return command_usage("audit", "--verify is over all records: not with --from");
    if (find_state_dir(&find, state_dir, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    struct ledger ledger;
    if (ledger_open(state_dir, names[0], &ledger, &err) != 0)
        return command_fail(EXIT_NO, "%s", err.text);
    int status = EXIT_DONE;
    if (verifies) {
        status = verify(&ledger);
    } else {
        int rc = store_journal_scan(ledger.store, from, UINT32_MAX, print_audited, &ledger);
        if (rc < 0)
            status = command_fail(EXIT_NO, "%s: its journal: %s", ledger.name, strerror(-rc));
    }
    ledger_close(&ledger);
    return status;
}
