#include "base/vocabulary.h"

#include <assert.h>

static const struct {
    const char *name, *text;
} refusals[] = {
#define X(name, text) [REFUSAL_##name] = {#name, text},
    REFUSAL_LIST(X)
#undef X
};
static_assert(sizeof refusals / sizeof refusals[0] == REFUSAL_COUNT, "one entry for each refusal");

const char *refusal_text(unsigned code)
{
    return code < REFUSAL_COUNT ? refusals[code].text : "?";
}

const char *refusal_name(unsigned code)
{
    return code < REFUSAL_COUNT ? refusals[code].name : "?";
}
