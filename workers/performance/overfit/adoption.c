#include "workers/performance/overfit/adoption.h"

#include <assert.h>

static const char *const texts[] = {
#define X(name, text, condition) text,
    ADOPTION_RULES(X)
#undef X
};
static_assert(ADOPTION_RULE_COUNT <= 32, "bits of the mask");

const char *adoption_rule_text(unsigned rule)
{
    return rule < ADOPTION_RULE_COUNT ? texts[rule] : "?";
}

uint32_t adoption_refusals(const struct adoption_evidence *e)
{
    assert(e);
    const bool met[ADOPTION_RULE_COUNT] = {
#define X(name, text, condition) [ADOPTION_##name] = (condition),
        ADOPTION_RULES(X)
#undef X
    };
    uint32_t refusals = 0;
    for (unsigned i = 0; i < ADOPTION_RULE_COUNT; i++)
        refusals |= (uint32_t)!met[i] << i;
    return refusals;
}
