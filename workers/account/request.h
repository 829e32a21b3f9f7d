/* request: what a person wants of an account that does not run, in a file beside its store.
 *
 * STATE/NAME/request-POSITION (or request-balance), written by propfleet account adopt and close, whole or not at all, for its
 * owner alone; read by the account when it compares its book with its venue's, and removed when what came of it is durable.
 * One file for each position: a later word on it takes the place of an earlier one. One line of words:
 *
 *   propfleet-request 1 adopt 43 1.095 1.12 1732540000123456789-4711 anna the store of Tuesday was put back
 *                       verb  position stop target id                user reason
 *
 * position: a number, or "balance" (verb adopt); stop, target: a price, or "-". The id makes a repeat known after a crash. Pure.
 */
#ifndef PROPFLEET_WORKERS_ACCOUNT_REQUEST_H
#define PROPFLEET_WORKERS_ACCOUNT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"

#define REQUEST_FILE_PREFIX "request-"
#define REQUEST_BYTES_MAX 512u
#define REQUEST_WORD_MAX 48u
#define REQUEST_REASON_MAX 208u /* with NUL */

enum request_verb { REQUEST_ADOPT, REQUEST_CLOSE, REQUEST_BALANCE };
struct request {
    enum request_verb verb;
    uint64_t position;      /* 0 exactly for REQUEST_BALANCE */
    dec_t stop, target;     /* > 0; 0: none. ADOPT always has a stop, the others have neither */
    char id[REQUEST_WORD_MAX], user[REQUEST_WORD_MAX];
    char reason[REQUEST_REASON_MAX];
};

/* One line of printable ASCII, not empty, that fits: what a reason may be. */
bool request_reason_good(const char *text);
/* "43" or "balance": false for anything else, 0 for "balance". */
bool request_position(const char *text, uint64_t *out);
/* The name of its file, "request-43". */
void request_file_name(const struct request *request, char out[REQUEST_WORD_MAX]);
/* The line with its end, NUL-terminated; returns its length. The request is good (asserted). */
size_t request_format(const struct request *request, char out[REQUEST_BYTES_MAX]);
/* Strict: nothing but what request_format writes. `text` needs no NUL. */
bool request_parse(const char *text, size_t size, struct request *out);

#endif
