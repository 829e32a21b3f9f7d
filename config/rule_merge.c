#include "config/rule_merge.h"

#include <string.h>

const char *const merge_keys[MERGE_KINDS] = {"loss_floors",  "open_loss_caps", "exposure_caps",
                                             "time_windows", "hold_time",      "rate_caps"};

struct span {
    const void *first;
    uint32_t count;
    size_t size;
};

static struct span span_of(const struct draft_rules *rules, enum merge_kind kind)
{
#define SPAN(list, counter)                                                                                            \
    {                                                                                                                  \
        rules->list, rules->counter, sizeof rules->list[0]                                                             \
    }
    const struct span spans[MERGE_KINDS] = {
        [MERGE_FLOORS] = SPAN(floors, floor_count),
        [MERGE_LOSSES] = SPAN(losses, loss_count),
        [MERGE_EXPOSURES] = SPAN(exposures, exposure_count),
        [MERGE_WINDOWS] = SPAN(windows, window_count),
        [MERGE_HOLDS] = SPAN(holds, hold_count),
        [MERGE_RATES] = SPAN(rates, rate_count),
    };
#undef SPAN
    return spans[kind];
}

static const struct draft_head *head_at(const struct span *span, uint32_t i)
{
    return (const struct draft_head *)(const void *)((const unsigned char *)span->first + i * span->size);
}

static void remove_id(struct merge_list *list, const char *id)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->heads[i]->id, id) != 0)
            list->heads[kept++] = list->heads[i];
    list->count = kept;
}

static bool has_id(const struct span *span, const char *id)
{
    for (uint32_t i = 0; i < span->count; i++)
        if (strcmp(head_at(span, i)->id, id) == 0)
            return true;
    return false;
}

static void append(struct merged *out, struct merge_list *list, const struct draft_head *head)
{
    if (list->count < MERGE_LIST_MAX)
        list->heads[list->count++] = head;
    else
        out->overflow = true;
}

/* The rule of the level with this id, and its other readings. */
static void append_id(struct merged *out, struct merge_list *list, const struct span *span, const char *id)
{
    for (uint32_t i = 0; i < span->count; i++)
        if (strcmp(head_at(span, i)->id, id) == 0)
            append(out, list, head_at(span, i));
}

/* What is replaced keeps its place, what is added comes behind. */
static void merge_list(const struct span *span, struct merged *out, struct merge_list *list)
{
    struct merge_list before = *list;
    list->count = 0;
    for (uint32_t i = 0; i < before.count; i++) {
        const char *id = before.heads[i]->id;
        if (!has_id(span, id))
            append(out, list, before.heads[i]);
        else if (i == 0 || strcmp(before.heads[i - 1]->id, id) != 0) /* its other readings go with it */
            append_id(out, list, span, id);
    }
    for (uint32_t i = 0; i < span->count; i++) {
        bool replaced = false;
        for (uint32_t j = 0; j < before.count; j++)
            replaced |= strcmp(before.heads[j]->id, head_at(span, i)->id) == 0;
        if (!replaced)
            append(out, list, head_at(span, i));
    }
}

void merge_level(const struct draft_rules *rules, struct merged *out)
{
    for (int kind = 0; kind < MERGE_KINDS; kind++) {
        struct span span = span_of(rules, (enum merge_kind)kind);
        merge_list(&span, out, &out->lists[kind]);
    }
#define TAKE(section)                                                                                                  \
    if (rules->has_##section)                                                                                          \
    out->section = &rules->section
    TAKE(shape);
    TAKE(stop);
    TAKE(direction);
    TAKE(cross);
    TAKE(conduct);
    TAKE(life);
    TAKE(guard);
#undef TAKE
}

/* --- a phase ------------------------------------------------------------------------------------- */

static uint32_t find_phase(const struct draft_programme *file, const char *name)
{
    uint32_t i = 0;
    while (i < file->phase_count && strcmp(file->phases[i].name, name) != 0)
        i++;
    return i;
}

const char *merge_inherits_problem(const struct draft_programme *file, uint32_t phase)
{
    uint32_t at = phase;
    for (uint32_t steps = 0; steps <= file->phase_count; steps++) {
        const char *name = file->phases[at].inherits.name;
        if (name[0] == 0)
            return NULL;
        at = find_phase(file, name);
        if (at == file->phase_count)
            return at == phase || steps == 0 ? "names no phase of this file" : NULL; /* the other phase is told */
    }
    return "goes round in a circle";
}

/* Removed too: the section of that id. */
static void drop(struct merged *out, const char *id)
{
    for (int kind = 0; kind < MERGE_KINDS; kind++)
        remove_id(&out->lists[kind], id);
#define DROP(section)                                                                                                  \
    if (out->section != NULL && strcmp(out->section->head.id, id) == 0)                                                \
    out->section = NULL
    DROP(shape);
    DROP(stop);
    DROP(direction);
    DROP(cross);
    DROP(life);
#undef DROP
}

void merge_phase(const struct draft_programme *file, uint32_t phase, struct merged *out)
{
    uint32_t chain[DRAFT_PHASES_MAX], depth = 0;
    memset(out, 0, sizeof *out);
    out->guard = &file->base.guard; /* its defaults, when the file says nothing */
    for (uint32_t at = phase; at < file->phase_count && depth < DRAFT_PHASES_MAX; depth++) {
        chain[depth] = at;
        at = file->phases[at].inherits.name[0] != 0 ? find_phase(file, file->phases[at].inherits.name)
                                                    : file->phase_count;
    }
    merge_level(&file->base, out);
    while (depth > 0) {
        const struct draft_phase *level = &file->phases[chain[--depth]];
        for (uint32_t i = 0; i < level->drop_count; i++)
            drop(out, level->drop[i].name);
        merge_level(&level->rules, out);
    }
}

const struct draft_head *merge_find(const struct merged *merged, const char *id)
{
    for (int kind = 0; kind < MERGE_KINDS; kind++)
        for (uint32_t i = 0; i < merged->lists[kind].count; i++)
            if (strcmp(merged->lists[kind].heads[i]->id, id) == 0)
                return merged->lists[kind].heads[i];
    const struct draft_head *const sections[] = {
        merged->shape ? &merged->shape->head : NULL,         merged->stop ? &merged->stop->head : NULL,
        merged->direction ? &merged->direction->head : NULL, merged->cross ? &merged->cross->head : NULL,
        merged->conduct ? &merged->conduct->head : NULL,     merged->life ? &merged->life->head : NULL,
    };
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        if (sections[i] != NULL && strcmp(sections[i]->id, id) == 0)
            return sections[i];
    return NULL;
}
