#include "shm/result.h"

#include <assert.h>
#include <stddef.h>

const char *shm_result_name(enum shm_result result)
{
    static const char *const names[] = {
        [SHM_OK] = "OK",         [SHM_EMPTY] = "EMPTY", [SHM_LAPPED] = "LAPPED",
        [SHM_CLOSED] = "CLOSED", [SHM_STALE] = "STALE", [SHM_CORRUPT] = "CORRUPT",
    };
    assert((size_t)result < sizeof names / sizeof names[0]);
    return names[result];
}
