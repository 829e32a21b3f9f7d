/* rule_compile: one phase of a rule file to its compiled form.
 *
 * What holds in a phase: the rules of `base` (or of the phase that it inherits), less those that it drops, where its
 * own rules take the place of those with the same id and the others are added. A section of a phase takes the place of
 * the whole section. Other readings of a disputed rule stand behind it: with resolve: strictest they become rules of
 * their own
 * ("overall-disputed"), with official they are left out.
 */
#ifndef PROPFLEET_CONFIG_RULE_COMPILE_H
#define PROPFLEET_CONFIG_RULE_COMPILE_H

#include "config/rule_draft.h"

struct rule_options { /* which optional rules are in */
    const struct schema_reference *names;
    uint32_t count;
    bool all;
};

/* A symbol that a compiled rule names and instruments.yaml does not know. */
struct rule_gap {
    char symbol[CONFIG_NAME_MAX]; /* empty: there is none */
    struct place place;
};

/* Everything in the file that is wrong whatever the phase: once a file. 0, or -EINVAL (reported). */
int rule_check_file(struct loading *l, const struct draft_programme *file);
/* Fill *out, *gap with the phase; what is wrong with the phase alone is reported if `report`. 0 or -EINVAL. */
int rule_compile(struct loading *l, const struct draft_programme *file, uint32_t phase,
                 const struct rule_options *options, bool report, struct config_programme *out, struct rule_gap *gap);
/* Has this phase an optional rule of this name? */
bool rule_has_option(const struct draft_programme *file, uint32_t phase, const char *name);
/* "dll, mae": the optional rules of a phase. */
const char *rule_option_list(const struct draft_programme *file, uint32_t phase, char *buf, size_t size);

#endif
