/* rules_text: a compiled rule in words and numbers. Pure. */
#ifndef PROPFLEET_TOOLS_RULES_TEXT_H
#define PROPFLEET_TOOLS_RULES_TEXT_H

#include "config/config.h"

#define RULES_TEXT_MAX 512

/* Where the indices of a rule lead, and the size that examples are made for. */
struct rules_scope {
    const struct fleet_config *config;
    const struct config_programme *programme;
    dec_t initial;
};

/* Each writes one sentence, cut where it does not fit, and returns buf. */
const char *rules_text_floor(const struct rules_scope *scope, const struct rules_floor *rule, char buf[RULES_TEXT_MAX]);
const char *rules_text_loss(const struct rules_scope *scope, const struct rules_loss *rule, char buf[RULES_TEXT_MAX]);
const char *rules_text_exposure(const struct rules_scope *scope, const struct rules_exposure *rule, char buf[RULES_TEXT_MAX]);
const char *rules_text_window(const struct rules_scope *scope, const struct rules_window *rule, char buf[RULES_TEXT_MAX]);
const char *rules_text_hold(const struct rules_scope *scope, const struct rules_hold *rule, char buf[RULES_TEXT_MAX]);
const char *rules_text_rate(const struct rules_scope *scope, const struct rules_rate *rule, char buf[RULES_TEXT_MAX]);
const char *rules_text_shape(const struct rules_scope *scope, char buf[RULES_TEXT_MAX]);
const char *rules_text_stop(const struct rules_scope *scope, char buf[RULES_TEXT_MAX]);
const char *rules_text_direction(const struct rules_scope *scope, char buf[RULES_TEXT_MAX]);
const char *rules_text_cross(const struct rules_scope *scope, char buf[RULES_TEXT_MAX]);
const char *rules_text_conduct(const struct rules_scope *scope, char buf[RULES_TEXT_MAX]);
const char *rules_text_life(const struct rules_scope *scope, char buf[RULES_TEXT_MAX]);
const char *rules_text_guard(const struct rules_scope *scope, char buf[RULES_TEXT_MAX]);
/* Every rule of the scope in the order of the primitives, with its sentence. A section that the file does not have is visited
 * where not to say anything is strict: its head has no id, its confidence is OURS. */
typedef void (*rules_visit)(void *context, unsigned primitive, const struct rules_head *head, const char *sentence);
void rules_text_each(const struct rules_scope *scope, rules_visit visit, void *context);
const char *rules_text_automation(uint32_t automation); /* "own, with proof" */
const char *rules_text_confidence(uint32_t confidence); /* "official" */

#endif
