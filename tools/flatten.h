/* flatten: several accounts at once, each asked until its venue confirms or the time is over. */
#ifndef PROPFLEET_TOOLS_FLATTEN_H
#define PROPFLEET_TOOLS_FLATTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

#define FLATTEN_MAX CONFIG_ACCOUNTS_MAX
#define FLATTEN_SECONDS 60u
#define FLATTEN_SECONDS_MAX 3600u

struct flatten_result {
    char account[CONFIG_NAME_MAX];
    bool flat;      /* the venue confirmed it */
    bool asked;     /* used inside: is still to be asked */
    char text[256]; /* the account's words, or why there are none */
};

/* count <= FLATTEN_MAX. */
void flatten_accounts(const char *runtime_dir, struct flatten_result *results, unsigned count, uint64_t seconds);

#endif
