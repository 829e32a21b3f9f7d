/* account_ask: what is missing of a new account, from the configuration where that leaves no choice, else from a person.
 *
 * What a person answers is held against the configuration at once and asked again; what came by flags is left to the
 * loader, which names file and line. Pure apart from the two streams.
 */
#ifndef PROPFLEET_TOOLS_ACCOUNT_ASK_H
#define PROPFLEET_TOOLS_ACCOUNT_ASK_H

#include <stdbool.h>
#include <stdio.h>

#include "base/decimal.h"
#include "config/config.h"
#include "tools/account_file.h"

struct error;

#define ACCOUNT_ANSWER_MAX 80

/* Where spec points to afterwards: it must live as long. */
struct account_answers {
    char name[ACCOUNT_ANSWER_MAX], firm[ACCOUNT_ANSWER_MAX], programme[ACCOUNT_ANSWER_MAX], phase[ACCOUNT_ANSWER_MAX], personality[ACCOUNT_ANSWER_MAX];
    char size[ACCOUNT_ANSWER_MAX], currency[ACCOUNT_ANSWER_MAX], usual[DEC_STR_MAX + 8];
};

/* "100000 USD" or "100000" into the spec's size and currency. -EINVAL: given twice, or neither form. */
int account_ask_balance(struct account_spec *spec, const char *balance, struct account_answers *answers, struct error *err);

/* The programme's lines that are not the firm's own word (dataset, aggregator, disputed, unverified) are shown on out and must
 * be confirmed: by `confirmed` (a flag), or by "yes" from in (NULL: nobody can be asked). 0, or -EINVAL with err. */
int account_ask_confirm(const struct account_spec *spec, const struct fleet_config *config, bool confirmed, FILE *in, FILE *out,
                        struct error *err);
/* in NULL: nobody can be asked. 0, or -EINVAL with err, which names the flag and what there is to choose from. A firm in
 * front of the programme ("ftmo/2-step") is split off. */
int account_ask(struct account_spec *spec, struct account_answers *answers, const struct fleet_config *config, FILE *in, FILE *out,
                struct error *err);

#endif
