/* store_support: folders, children and small checks for the tests of the store. */
#ifndef PROPFLEET_TESTS_STORE_SUPPORT_H
#define PROPFLEET_TESTS_STORE_SUPPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "workers/store/store.h"

#define DAY_NS INT64_C(86400000000000)
#define MONTH_NS (31 * DAY_NS)
#define MAY_2024_NS INT64_C(1714521600000000000) /* 2024-05-01T00:00:00Z */

extern const char *const support_tables[3]; /* "orders", "positions", "risk" */

/* A new folder under TMPDIR, and its removal with all that is in it. */
void support_folder(char path[64]);
void support_remove(const char *folder);
/* Tables as above, a journal, kind "account", map of 1 MiB, no reserve. */
struct store_options support_options(const char *folder);
/* For children, which may not use cmocka's checks: prints and exits with 1. */
void support_child_check(bool condition, const char *what, const struct error *err);
#define CHILD_CHECK(condition, err) support_child_check((condition), #condition, (err))
/* 0 in the child, which dies with its parent. */
pid_t support_fork(void);
/* The child's exit status, 128 + signal when it was ended by one. */
int support_wait(pid_t pid);
/* Fewer turns under valgrind. */
uint32_t support_turns(uint32_t turns);
uint64_t support_seed(void); /* PROPFLEET_TEST_SEED or of the clock; printed */
uint64_t support_random(uint64_t *state);

#endif
