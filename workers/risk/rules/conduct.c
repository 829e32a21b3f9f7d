#include "workers/risk/rules/rules.h"

#include <assert.h>

#include "workers/risk/rules/reckon.h"

/* --- P8 ------------------------------------------------------------------------------------------------- */

dec_t rules_stop_ratio(dec_t stop_distance, dec_t target_distance)
{
    if (target_distance == RULES_UNBOUNDED)
        return 0;
    if (stop_distance < 0 || target_distance <= 0)
        return DEC_MAX;
    return rules_share(stop_distance, target_distance, true);
}

bool rules_stop_ratio_allows(const struct rules_stop *rule, dec_t stop_distance, dec_t target_distance)
{
    assert(rule);
    if (rule->max_stop_to_target <= 0 || target_distance == RULES_UNBOUNDED)
        return true;
    if (stop_distance < 0 || target_distance <= 0)
        return false;
    return rules_against(stop_distance, target_distance, rule->max_stop_to_target) <= (RULES_PLANT(75) ? -1 : 0);
}

bool rules_is_wider(dec_t old_distance, dec_t new_distance)
{
    if (old_distance == DEC_NONE)
        return false;
    return new_distance == DEC_NONE || new_distance > old_distance;
}

/* --- P9 ------------------------------------------------------------------------------------------------- */

uint32_t rules_direction_group(const struct rules_direction *rule, uint32_t instrument)
{
    assert(rule && instrument < RULES_INSTRUMENTS_MAX && rule->group_count <= RULES_GROUPS_MAX);
    uint32_t mask = 1u << instrument;
    for (uint32_t i = 0; i < rule->group_count; i++)
        if (!RULES_PLANT(76) && (rule->groups[i] >> instrument & 1))
            mask |= rule->groups[i];
    return mask;
}

/* What stands against an order of this instrument and side. */
struct conduct_against {
    dec_t closable; /* lots of the instrument that it would close; less what working orders of its side will */
    bool opposite;  /* anything of the group on the other side, working orders too */
};
static struct conduct_against conduct_against(const struct rules_book *book, uint32_t group, uint32_t instrument,
                                              uint32_t side)
{
    struct conduct_against against = {0};
    for (uint32_t i = 0; i < book->count; i++) {
        const struct rules_leg *leg = &book->legs[i];
        assert(leg->instrument < RULES_INSTRUMENTS_MAX);
        if (leg->side != side && (group >> leg->instrument & 1))
            against.opposite = true;
        if (leg->instrument != instrument)
            continue;
        if (leg->side != side && leg->kind == RULES_LEG_POSITION)
            against.closable = rules_plus(against.closable, leg->lots);
        else if (leg->side == side && leg->kind == RULES_LEG_ORDER)
            against.closable = rules_minus(against.closable, leg->lots);
    }
    return against;
}

enum rules_direction_verdict rules_direction_of(const struct rules_direction *rule, const struct rules_book *book,
                                                uint32_t instrument, uint32_t side, dec_t lots)
{
    assert(rule && book && (book->legs || book->count == 0) && (side == 1 || side == 2));
    if (!rule->opposite_refused)
        return RULES_ADMIT;
    struct conduct_against against = conduct_against(book, rules_direction_group(rule, instrument), instrument, side);
    if (against.closable > 0)
        return lots <= against.closable || RULES_PLANT(77) ? RULES_ADMIT : RULES_REFUSE_EXCESS;
    return against.opposite ? RULES_REFUSE : RULES_ADMIT;
}

dec_t rules_direction_max(const struct rules_direction *rule, const struct rules_book *book, uint32_t instrument,
                          uint32_t side)
{
    assert(rule && book && (book->legs || book->count == 0) && (side == 1 || side == 2));
    if (!rule->opposite_refused)
        return DEC_MAX;
    struct conduct_against against = conduct_against(book, rules_direction_group(rule, instrument), instrument, side);
    return against.closable > 0 ? against.closable : against.opposite ? 0 : DEC_MAX;
}

bool rules_add_allowed(const struct rules_direction *rule, uint32_t open_same_side, bool in_loss)
{
    assert(rule);
    return rule->adds_to_loser_max == 0 || !in_loss || open_same_side < rule->adds_to_loser_max;
}

dec_t rules_size_after_loss_max(const struct rules_direction *rule, const struct rules_state *state,
                                uint32_t instrument)
{
    assert(rule && state);
    dec_t most = DEC_MAX;
    uint32_t group = rules_direction_group(rule, instrument);
    for (uint32_t i = 0; rule->no_larger_after_loss && i < RULES_INSTRUMENTS_MAX; i++)
        if ((group >> i & 1) && state->last_loss_size[i] > 0)
            most = dec_min(most, state->last_loss_size[i]);
    return most;
}

bool rules_size_after_loss(const struct rules_direction *rule, const struct rules_state *state, uint32_t instrument,
                           dec_t lots)
{
    return lots <= rules_size_after_loss_max(rule, state, instrument);
}

/* --- P11 ------------------------------------------------------------------------------------------------- */

#define BIT(mode) (1u << (mode))
#define BY_HAND BIT(RULES_MANUAL)
#define BY_ANY (BIT(RULES_AUTO_UNATTENDED) | BIT(RULES_AUTO_OWN_PROOF) | BIT(RULES_AUTO_ATTENDED) | BY_HAND)
static const uint32_t conduct_modes[] = {
    [RULES_AUTOMATION_ALLOWED] = BY_ANY,
    [RULES_OWN] = BY_ANY,
    [RULES_OWN_WITH_PROOF] = BIT(RULES_AUTO_OWN_PROOF) | BY_HAND,
    [RULES_OWN_SOURCE_SHARED] = BIT(RULES_AUTO_OWN_PROOF) | BY_HAND,
    [RULES_APPROVAL] = BY_HAND,
    [RULES_OWN_ATTENDED] = BIT(RULES_AUTO_ATTENDED) | BY_HAND,
    [RULES_MANUAL_ONLY] = BY_HAND,
};

bool rules_conduct_allows(const struct rules_conduct *rule, uint32_t mode, uint32_t host)
{
    assert(rule);
    if (rule->automation >= sizeof conduct_modes / sizeof conduct_modes[0] || mode > RULES_MANUAL ||
        host > RULES_HOST_REMOTE)
        return false;
    return (conduct_modes[rule->automation] >> mode & 1) && (RULES_PLANT(79) || !(rule->hosts_refused >> host & 1));
}

/* --- P12 ------------------------------------------------------------------------------------------------- */

bool rules_payout_allows(const struct rules_life *rule, bool payout_pending)
{
    assert(rule);
    return !(rule->payout_freeze && payout_pending);
}

enum rules_inactivity rules_inactivity(const struct rules_life *rule, int32_t last_day, int32_t today)
{
    assert(rule);
    int64_t idle = (int64_t)today - last_day, limit = rule->inactivity_days;
    int64_t warn = rule->inactivity_warn_days ? rule->inactivity_warn_days : limit * 4 / 5;
    if (limit == 0)
        return RULES_ACTIVE;
    return idle >= limit ? RULES_INACTIVE : idle >= warn + RULES_PLANT(61) ? RULES_INACTIVE_WARN : RULES_ACTIVE;
}

bool rules_file_expired(const struct rules_set *set, int32_t today, int32_t *age_days)
{
    assert(set && age_days);
    int64_t age = (int64_t)today - set->verified_day;
    *age_days = age > INT32_MAX ? INT32_MAX : age < INT32_MIN ? INT32_MIN : (int32_t)age;
    return age > (int64_t)set->max_age_days || age < -1; /* a day ahead: the other side of midnight */
}
