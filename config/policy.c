#include "config/policy.h"

#include <string.h>

#include "config/values.h"

/* Indexed by enum rules_automation: bit i, mode i (auto_unattended, auto_own_proof, auto_attended, manual) is admitted.
 * What the firm wants shown (proof, source, approval) is taken for given in auto_own_proof alone. */
#define MODE(name) (1u << RULES_##name)
static const uint8_t modes_of[] = {
    [RULES_AUTOMATION_ALLOWED] = MODE(AUTO_UNATTENDED) | MODE(AUTO_OWN_PROOF) | MODE(AUTO_ATTENDED) | MODE(MANUAL),
    [RULES_OWN] = MODE(AUTO_UNATTENDED) | MODE(AUTO_OWN_PROOF) | MODE(AUTO_ATTENDED) | MODE(MANUAL),
    [RULES_OWN_WITH_PROOF] = MODE(AUTO_OWN_PROOF) | MODE(MANUAL),
    [RULES_OWN_SOURCE_SHARED] = MODE(AUTO_OWN_PROOF) | MODE(MANUAL),
    [RULES_APPROVAL] = MODE(AUTO_OWN_PROOF) | MODE(MANUAL),
    [RULES_OWN_ATTENDED] = MODE(AUTO_ATTENDED) | MODE(MANUAL),
    [RULES_MANUAL_ONLY] = MODE(MANUAL),
};
static const char *const automation_names[] = {"allowed",  "own",          "own_with_proof", "own_source_shared",
                                               "approval", "own_attended", "manual_only"};
static const char *const mode_names[] = {"auto_unattended", "auto_own_proof", "auto_attended", "manual"};
static const char *const host_names[] = {"own_device", "server", "vps", "vpn", "remote"};
static const char *const stage_names[] = {"evaluation", "funded"};

bool policy_allows_mode(uint32_t automation, uint32_t mode)
{
    return automation < sizeof modes_of && mode <= RULES_MANUAL && modes_of[automation] >> mode & 1;
}

/* --- one account ------------------------------------------------------------------------------------- */

static void check_conduct(struct loading *l, const struct draft_account *from, const struct config_programme *programme)
{
    const struct rules_conduct *conduct = &programme->rules.conduct;
    if (conduct->automation == RULES_MANUAL_ONLY)
        report_error(l, from->programme.place, "programme",
                     "%s/%s does not allow programs that trade; write observe_only: true, or choose another",
                     programme->firm, programme->name);
    else if (!policy_allows_mode(conduct->automation, l->out->mode))
        report_error(l, from->programme.place, "programme",
                     "%s/%s wants automation %s, and fleet.yaml says mode %s; change how the fleet trades, or write "
                     "observe_only: true",
                     programme->firm, programme->name, automation_names[conduct->automation], mode_names[l->out->mode]);
    if (conduct->hosts_refused >> l->out->host & 1)
        report_error(l, from->programme.place, "programme",
                     "%s/%s refuses orders from a host of kind %s, which fleet.yaml names; run it elsewhere, or write "
                     "observe_only: true",
                     programme->firm, programme->name, host_names[l->out->host]);
}

/* Of the floors, the one that ends everything must be known. */
static bool has_total(const struct rules_set *rules)
{
    for (uint32_t i = 0; i < rules->floor_count; i++)
        if (rules->floors[i].kind == RULES_TOTAL)
            return true;
    return false;
}

static void check_alone(struct loading *l, const struct draft *draft, const struct draft_account *from, uint32_t entry)
{
    const struct config_programme *programme = &l->out->programmes[entry];
    const struct rule_gap *gap = &draft->gaps[entry];
    if (from->c.observe_only)
        return;
    check_conduct(l, from, programme);
    if (!has_total(&programme->rules))
        report_error(
            l, from->programme.place, "programme",
            "the file of %s/%s has no total floor in phase %s; ask the firm and add it, or write observe_only: true",
            programme->firm, programme->name, programme->phase);
    if (programme->has_initial)
        report_error(
            l, from->programme.place, "phase",
            "%s/%s, phase %s begins with a balance of its own, which is not traded yet; write observe_only: true",
            programme->firm, programme->name, programme->phase);
    if (gap->symbol[0] != 0 && !draft->instruments_broken)
        report_error(
            l, from->programme.place, "programme",
            "the rules of %s/%s name %s (line %u), which instruments.yaml does not know; add it there, or write "
            "observe_only: true",
            programme->firm, programme->name, gap->symbol, gap->place.line);
}

/* --- accounts together ------------------------------------------------------------------------------------ */

static const struct config_programme *programme_of(const struct loading *l, uint32_t account)
{
    uint32_t at = l->out->accounts[account].programme;
    return at < l->out->programme_count ? &l->out->programmes[at] : NULL;
}

static bool same_pot(const struct config_programme *a, const struct config_programme *b)
{
    return strcmp(a->firm, b->firm) == 0 && a->rules.life.stage == b->rules.life.stage;
}

/* Sums over the accounts of one firm and stage up to `account`: what is reported at the one that goes too far. */
static void check_sums(struct loading *l, const struct draft_account *from, uint32_t account)
{
    const struct config_programme *mine = programme_of(l, account);
    const struct rules_cross *cross = &mine->rules.cross;
    uint32_t count = 0;
    dec_t sum = 0, identical = 0;
    char have[VALUES_TEXT_MAX], cap[VALUES_TEXT_MAX];
    for (uint32_t i = 0; i <= account; i++) {
        const struct config_programme *theirs = programme_of(l, i);
        const struct config_account *other = &l->out->accounts[i];
        if (theirs == NULL || !same_pot(mine, theirs))
            continue;
        count++;
        if (dec_add(sum, other->initial_balance, &sum) != 0)
            sum = DEC_MAX;
        if (other->personality == l->out->accounts[account].personality &&
            dec_add(identical, other->initial_balance, &identical) != 0)
            identical = DEC_MAX;
    }
    if (cross->capital_cap > 0 && sum > cross->capital_cap)
        report_error(l, from->place, "balance",
                     "accounts of %s (%s) come to %s with this one, and the firm's cap is %s; remove one", mine->firm,
                     stage_names[mine->rules.life.stage], value_show_decimal(sum, have),
                     value_show_decimal(cross->capital_cap, cap));
    if (cross->identical_cap > 0 && identical > cross->identical_cap &&
        identical > l->out->accounts[account].initial_balance)
        report_error(l, from->personality.place, "personality",
                     "accounts of %s with the same trades come to %s, and its cap for those is %s; "
                     "give this one another personality",
                     mine->firm, value_show_decimal(identical, have), value_show_decimal(cross->identical_cap, cap));
    if (cross->accounts_max > 0 && count > cross->accounts_max)
        report_error(l, from->programme.place, "programme",
                     "%u accounts of %s (%s) with this one, and the firm allows %u; remove one", count, mine->firm,
                     stage_names[mine->rules.life.stage], cross->accounts_max);
}

/* What `mine` says of the same trades on two accounts of the firm; NULL: nothing against it. */
static const char *copy_problem(const struct config_programme *mine, const struct config_programme *theirs)
{
    bool mine_eval = mine->rules.life.stage == RULES_STAGE_EVAL,
         theirs_eval = theirs->rules.life.stage == RULES_STAGE_EVAL;
    switch ((enum rules_copy)mine->rules.cross.copy) {
    case RULES_COPY_INDEPENDENT:
        return "never";
    case RULES_COPY_OWN_CHALLENGE_ONLY:
        return mine_eval && theirs_eval ? NULL : "between challenges only";
    case RULES_COPY_NOT_EVAL_TO_EVAL:
        return mine_eval && theirs_eval ? "not between two evaluations" : NULL;
    case RULES_COPY_EXCLUSIVE_SYMBOL:
        return "on one account at a time only";
    case RULES_COPY_OWN:
    case RULES_COPY_SPACED:
        break;
    }
    return NULL;
}

/* One personality on two accounts makes the same trades. */
static void check_pair(struct loading *l, const struct draft *draft, uint32_t first, uint32_t second)
{
    const struct config_programme *a = programme_of(l, first), *b = programme_of(l, second);
    const struct draft_account *from = &draft->accounts[second];
    if (a == NULL || b == NULL || l->out->accounts[first].personality != l->out->accounts[second].personality ||
        l->out->accounts[second].personality == CONFIG_NONE || draft->accounts[first].c.observe_only ||
        from->c.observe_only)
        return;
    if (strcmp(a->firm, b->firm) != 0) {
        const char *firm = a->rules.cross.strategy_exclusive   ? a->firm
                           : b->rules.cross.strategy_exclusive ? b->firm
                                                               : NULL;
        if (firm != NULL)
            report_error(l, from->personality.place, "personality",
                         "%s is used by account %s too, and %s wants a strategy at no other "
                         "firm; give this one another personality",
                         from->personality.name, draft->accounts[first].c.name, firm);
        return;
    }
    const char *problem = copy_problem(b, a);
    if (problem == NULL)
        problem = copy_problem(a, b);
    if (problem != NULL)
        report_error(l, from->personality.place, "personality",
                     "%s is used by account %s too, and %s allows the same trades %s; give "
                     "this one another personality",
                     from->personality.name, draft->accounts[first].c.name, b->firm, problem);
}

void resolve_policies(struct loading *l, struct draft *draft)
{
    for (uint32_t i = 0; i < draft->account_count; i++) {
        if (programme_of(l, i) == NULL)
            continue;
        if (!draft->fleet_broken)
            check_alone(l, draft, &draft->accounts[i], l->out->accounts[i].programme);
        check_sums(l, &draft->accounts[i], i);
        for (uint32_t j = 0; j < i; j++)
            check_pair(l, draft, j, i);
    }
}
