#include "workers/risk/rules/rules.h"

#include <assert.h>

#include "workers/risk/rules/reckon.h"

/* How two parties stand to each other. */
struct cross_pair {
    bool same_firm, both_open;
    bool same_market; /* instrument or group */
    bool same_side;
    bool same_strategy;
    bool both_eval;
    int64_t apart_s; /* between the openings, up */
};

static int64_t cross_apart_s(int64_t a_ns, int64_t b_ns)
{
    rules_wide apart = (rules_wide)a_ns - b_ns;
    apart = apart < 0 ? -apart : apart;
    return (int64_t)((apart + RULES_SECOND - 1) / RULES_SECOND);
}

static struct cross_pair cross_pair(const struct rules_direction *groups, const struct rules_party *a,
                                    const struct rules_party *b)
{
    uint32_t market = groups ? rules_direction_group(groups, a->instrument) : 1u << a->instrument;
    return (struct cross_pair){
        .same_firm = a->firm == b->firm,
        .both_open = a->open && b->open,
        .same_market = market >> b->instrument & 1,
        .same_side = a->side == b->side,
        .same_strategy = a->strategy == b->strategy,
        .both_eval = a->stage == RULES_STAGE_EVAL && b->stage == RULES_STAGE_EVAL,
        .apart_s = cross_apart_s(a->opened_ns, b->opened_ns),
    };
}

static bool cross_opposite_allowed(const struct rules_cross *rule, const struct cross_pair *pair)
{
    if (!pair->both_open || !pair->same_market || pair->same_side)
        return true;
    return (!rule->opposite_all || RULES_PLANT(78)) && !(rule->opposite_firm && pair->same_firm);
}

/* What the firm says about its own accounts trading alike. */
static bool cross_copy_allowed(const struct rules_cross *rule, const struct cross_pair *pair)
{
    bool shares_market = pair->both_open && pair->same_market, copies = shares_market && pair->same_side;
    switch ((enum rules_copy)rule->copy) {
    case RULES_COPY_OWN:
        return true;
    case RULES_COPY_OWN_CHALLENGE_ONLY:
        return pair->both_eval || !(copies || pair->same_strategy);
    case RULES_COPY_NOT_EVAL_TO_EVAL:
        return !(pair->both_eval && copies);
    case RULES_COPY_EXCLUSIVE_SYMBOL:
        return !shares_market;
    case RULES_COPY_SPACED:
        return !shares_market || pair->apart_s <= rule->spacing_s;
    case RULES_COPY_INDEPENDENT:
        return !copies && !pair->same_strategy;
    }
    return false;
}

static bool cross_allowed(const struct rules_cross *rule, const struct cross_pair *pair)
{
    return cross_opposite_allowed(rule, pair) && (!pair->same_firm || cross_copy_allowed(rule, pair));
}

bool rules_cross_allows(const struct rules_cross *asks_rule, const struct rules_direction *asks_groups,
                        const struct rules_party *asks, const struct rules_cross *holds_rule,
                        const struct rules_party *holds)
{
    assert(asks_rule && asks && holds_rule && holds);
    assert(asks->instrument < RULES_INSTRUMENTS_MAX && holds->instrument < RULES_INSTRUMENTS_MAX);
    if (asks->firm == holds->firm && asks->account == holds->account)
        return true;
    struct cross_pair pair = cross_pair(asks_groups, asks, holds);
    return cross_allowed(asks_rule, &pair) && cross_allowed(holds_rule, &pair);
}

bool rules_capital_allows(const struct rules_cross *rule, const dec_t *active, uint32_t count, dec_t added,
                          dec_t *total)
{
    assert(rule && total && (active || count == 0));
    *total = added;
    for (uint32_t i = 0; i < count; i++)
        *total = rules_plus(*total, active[i]);
    return rule->capital_cap <= 0 || *total <= rule->capital_cap;
}

bool rules_identical_allows(const struct rules_cross *rule, dec_t under_management, bool identical)
{
    assert(rule);
    return rule->identical_cap <= 0 || !identical || under_management <= rule->identical_cap;
}

bool rules_accounts_allow(const struct rules_cross *rule, uint32_t accounts)
{
    assert(rule);
    return rule->accounts_max == 0 || accounts <= rule->accounts_max;
}

bool rules_strategy_allows(const struct rules_cross *rule, uint32_t firm, const uint32_t *firms, uint32_t count)
{
    assert(rule && (firms || count == 0));
    for (uint32_t i = 0; rule->strategy_exclusive && i < count; i++)
        if (firms[i] != firm)
            return false;
    return true;
}
