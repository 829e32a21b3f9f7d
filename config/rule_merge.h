/* rule_merge: which rules hold in a phase, before they are compiled (rule_compile.h says how they are found). */
#ifndef PROPFLEET_CONFIG_RULE_MERGE_H
#define PROPFLEET_CONFIG_RULE_MERGE_H

#include "config/rule_draft.h"

#define MERGE_LIST_MAX (DRAFT_RULES_MAX * 2)

struct merge_list {
    uint32_t count;
    const struct draft_head *heads[MERGE_LIST_MAX]; /* each the beginning of its draft */
};
/* In the order of the primitives. */
enum merge_kind { MERGE_FLOORS, MERGE_LOSSES, MERGE_EXPOSURES, MERGE_WINDOWS, MERGE_HOLDS, MERGE_RATES, MERGE_KINDS };
extern const char *const merge_keys[MERGE_KINDS]; /* "loss_floors" */

struct merged {
    struct merge_list lists[MERGE_KINDS];
    bool overflow; /* more rules than a list takes */
    /* NULL: the phase has none */
    const struct draft_shape *shape;
    const struct draft_stop *stop;
    const struct draft_direction *direction;
    const struct draft_cross *cross;
    const struct draft_conduct *conduct;
    const struct draft_life *life;
    const struct draft_guard *guard; /* never NULL */
};

/* Rules of one level, as they stand in the file. */
void merge_level(const struct draft_rules *rules, struct merged *out);
/* All that holds in the phase. Unknown or circular `inherits` end the chain (merge_inherits_problem says so). */
void merge_phase(const struct draft_programme *file, uint32_t phase, struct merged *out);
/* What is wrong with the phase's `inherits`, NULL when nothing is. */
const char *merge_inherits_problem(const struct draft_programme *file, uint32_t phase);
/* A rule or section of this id among what holds; NULL: none. */
const struct draft_head *merge_find(const struct merged *merged, const char *id);

#endif
