/* propfleet journal: what an account decided and why, as JSON lines; or the hash of it. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "config/paths.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/ledger.h"
#include "tools/terminal.h"
#include "tools/text.h"
#include "workers/account/journal.h"

#define FOLLOW_MS 200
#define KINDS_MAX 32u
#define KIND_BYTES 64u

struct journal_options {
    struct find find;
    bool all, hash, follow;
    uint64_t from;
    const char *kind;
};

/* --- printing ------------------------------------------------------------------------------ */

struct printing {
    const char *kind;
    uint64_t next; /* sequence number after the last one that was seen */
    uint64_t bad, printed;
    char kinds[KINDS_MAX][KIND_BYTES]; /* that were seen, for whom asks for one that is not there */
    unsigned kind_count;
};

static bool is_kind(struct printing *printing, const void *data, size_t size)
{
    char text[KIND_BYTES];
    if (journal_get_text(data, size, "k", text, sizeof text) != 0)
        return false;
    unsigned i = 0;
    while (i < printing->kind_count && strcmp(printing->kinds[i], text) != 0)
        i++;
    if (i == printing->kind_count && i < KINDS_MAX)
        text_clean(text, strlen(text), printing->kinds[printing->kind_count++], KIND_BYTES);
    return strcmp(text, printing->kind) == 0;
}

static void say_kinds(const struct printing *printing)
{
    fprintf(stderr, "propfleet: no record of kind '%.40s'; there are", printing->kind);
    for (unsigned i = 0; i < printing->kind_count; i++)
        fprintf(stderr, " %s", printing->kinds[i]);
    fputs(printing->kind_count ? "\n" : " none\n", stderr);
}

static int print_record(void *context, uint64_t seq, const void *data, size_t size)
{
    struct printing *printing = context;
    printing->next = seq + 1;
    if (printing->kind && !is_kind(printing, data, size))
        return 0;
    printing->printed++;
    if (journal_print_json(stdout, data, size) != 0) {
        printing->bad++;
        fprintf(stderr, "propfleet: record %" PRIu64 " is not readable\n", seq);
    }
    return ferror(stdout) ? 1 : 0;
}

static int print_journal(struct ledger *ledger, const struct journal_options *options)
{
    struct printing printing = {.kind = options->kind, .next = options->from};
    for (;;) {
        int rc = store_journal_scan(ledger->store, printing.next, UINT32_MAX, print_record, &printing);
        if (rc < 0)
            return command_fail(EXIT_NO, "%s: its journal: %s", ledger->name, strerror(-rc));
        if (rc > 0 || !options->follow)
            break;
        if (fflush(stdout) != 0 || terminal_reader_gone(FOLLOW_MS))
            break;
    }
    if (printing.kind && printing.printed == 0 && !options->follow)
        say_kinds(&printing);
    return printing.bad ? EXIT_NO : EXIT_DONE;
}

/* --- hashing --------------------------------------------------------------------------------- */

struct hashing {
    crypto_hash_sha256_state state;
    uint64_t records;
};

static int hash_record(void *context, uint64_t seq, const void *data, size_t size)
{
    struct hashing *hashing = context;
    unsigned char number[8];
    for (unsigned i = 0; i < 8; i++)
        number[i] = (unsigned char)(seq >> 8 * i);
    crypto_hash_sha256_update(&hashing->state, number, sizeof number);
    crypto_hash_sha256_update(&hashing->state, data, size);
    hashing->records++;
    return 0;
}

/* "hash  records  name": SHA-256 over each decision record's number (8 bytes, little-endian) and bytes. */
static int hash_journal(struct ledger *ledger)
{
    struct hashing hashing = {.records = 0};
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hex[2 * crypto_hash_sha256_BYTES + 1];
    crypto_hash_sha256_init(&hashing.state);
    int rc = store_journal_scan(ledger->store, 0, UINT32_MAX, hash_record, &hashing);
    if (rc != 0)
        return command_fail(EXIT_NO, "%s: its journal: %s", ledger->name, strerror(-rc));
    crypto_hash_sha256_final(&hashing.state, digest);
    printf("%s  %" PRIu64 "  %s\n", sodium_bin2hex(hex, sizeof hex, digest, sizeof digest), hashing.records, ledger->name);
    return EXIT_DONE;
}

/* --- the command ------------------------------------------------------------------------------- */

static int one_journal(const char *state_dir, const char *account, const struct journal_options *options)
{
    struct ledger ledger;
    struct error err = {0};
    int rc = ledger_open(state_dir, account, &ledger, &err);
    if (rc != 0)
        return command_fail(ledger_exit_status(rc), "%s", err.text);
    if (!options->hash)
        fputs("SIMULATED fills (paper)\n", stderr);
    int status = options->hash ? hash_journal(&ledger) : print_journal(&ledger, options);
    ledger_close(&ledger);
    return status;
}

static int all_journals(const char *state_dir, const struct journal_options *options)
{
    struct path_names names;
    struct error err = {0};
    int status = EXIT_DONE;
    if (ledger_names(state_dir, &names, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    if (names.count == 0)
        status = command_fail(EXIT_NO, "no account in %s", state_dir);
    for (size_t i = 0; i < names.count; i++) {
        int one = one_journal(state_dir, names.list[i], options);
        status = one > status ? one : status;
    }
    path_names_free(&names);
    return status;
}

int command_journal(int argc, char **argv)
{
    struct journal_options options = {.from = 0};
    const char *names[1] = {NULL};
    struct args_operands operands = {.list = names, .max = 1, .what = "NAME"};
    struct args_option known[] = {
        FIND_OPTIONS(options.find),
        {"--all", ARGS_FLAG, &options.all},
        {"--hash", ARGS_FLAG, &options.hash},
        {"--from", ARGS_U64, &options.from},
        {"--follow", ARGS_FLAG, &options.follow},
        {"--kind", ARGS_TEXT, &options.kind},
    };
    struct error err = {0};
    char state_dir[CONFIG_PATH_MAX];
    if (args_parse(known, sizeof known / sizeof known[0], &operands, argc, argv, &err) != 0)
        return command_usage("journal", "%s", err.text);
    if (options.all == (operands.count == 1))
        return command_usage("journal", options.all ? "either NAME or --all" : "NAME is missing");
    if (options.all && !options.hash)
        return command_usage("journal", "--all is for --hash only");
    if (options.hash && (options.from || options.follow || options.kind))
        return command_usage("journal", "--hash is over all records: not with --from, --follow, --kind");
    if (find_state_dir(&options.find, state_dir, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    return options.all ? all_journals(state_dir, &options) : one_journal(state_dir, names[0], &options);
}
