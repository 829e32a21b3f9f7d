#include "workers/strategy/signal.h"

#include <assert.h>

static const char *const pattern_names[] = {
#define X(name, text) [PATTERN_##name] = text,
    SIGNAL_PATTERN_LIST(X)
#undef X
};
static_assert(sizeof pattern_names / sizeof pattern_names[0] == PATTERN_COUNT, "one name for each pattern");

const char *signal_pattern_name(unsigned pattern)
{
    return pattern < PATTERN_COUNT ? pattern_names[pattern] : "?";
}
