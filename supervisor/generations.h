/* generations: a number for each start of each child, never used twice, durable before it is used.
 *
 * One text file, STATE/generations: a line "NAME UPTO" for each child, replaced whole (temporary file,
 * fsync, rename, fsync of the folder). A line reserves GENERATION_BLOCK numbers ahead, so that most starts
 * cost no disk at all; what a supervisor reserved and did not use is skipped by the next one.
 */
#ifndef PROPFLEET_SUPERVISOR_GENERATIONS_H
#define PROPFLEET_SUPERVISOR_GENERATIONS_H

#include <stdint.h>

#include "config/config.h"

struct error;

#define GENERATION_BLOCK 64u
#define GENERATIONS_MAX 512u /* names ever seen in one state folder */
#define GENERATION_NAME_MAX (CONFIG_NAME_MAX + 16)

struct generation {
    char name[GENERATION_NAME_MAX];
    uint64_t last;     /* handed out */
    uint64_t reserved; /* durable: numbers up to it */
};

struct generations {
    char path[CONFIG_PATH_MAX + 32], folder[CONFIG_PATH_MAX];
    uint32_t count;
    struct generation entries[GENERATIONS_MAX];
};

/* Read the file; none there is a fresh state folder. -EINVAL: it is there and not readable as this. */
int generations_open(struct generations *generations, const char *state_dir, struct error *err);
/* Know these names from now on with one write, so that a first start of many costs one fsync. */
int generations_reserve(struct generations *generations, const char *const *names, uint32_t count, struct error *err);
/* The next number (>= 1) of a child, higher than `above`: a slot may pass to a child of another name, and those
 * who know children by slot refuse what is not newer. Nothing is handed out when it could not be made durable. */
int generations_next(struct generations *generations, const char *name, uint64_t above, uint64_t *out, struct error *err);

#endif
