#include "tools/exercised.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "config/news.h"
#include "tools/text.h"

void exercised_begin(struct exercised *exercised, const struct fleet_config *config)
{
    assert(exercised && config);
    memset(exercised, 0, sizeof *exercised);
    exercised->config = config;
}

void exercised_add(struct exercised *exercised, uint32_t account, int64_t from_ns, int64_t to_ns)
{
    assert(exercised && account < exercised->config->account_count);
    const struct config_account *settings = &exercised->config->accounts[account];
    struct exercised_span *span = &exercised->spans[settings->programme];
    if (from_ns <= 0 || to_ns <= from_ns)
        return;
    span->from_ns = span->from_ns == 0 || from_ns < span->from_ns ? from_ns : span->from_ns;
    span->to_ns = to_ns > span->to_ns ? to_ns : span->to_ns;
    span->instruments |= exercised->config->personalities[settings->personality].instruments;
}

static enum news_verdict verdict_of(const struct exercised *exercised, uint32_t programme, uint32_t window, uint32_t *events)
{
    const struct exercised_span *span = &exercised->spans[programme];
    return news_exercised(exercised->config, &exercised->config->programmes[programme].rules.windows[window], span->instruments,
                          span->from_ns, span->to_ns, events);
}

static size_t add(char *out, size_t used, const char *format, ...) __attribute__((format(printf, 3, 4)));
static size_t add(char *out, size_t used, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out + used, EXERCISED_TEXT_MAX - used, format, args);
    va_end(args);
    return n < 0 || (size_t)n >= EXERCISED_TEXT_MAX - used ? EXERCISED_TEXT_MAX - 1 : used + (size_t)n;
}

const char *exercised_line(const struct exercised *exercised, uint32_t programme, char out[EXERCISED_TEXT_MAX])
{
    const struct config_programme *p = &exercised->config->programmes[programme];
    const struct exercised_span *span = &exercised->spans[programme];
    char from[TEXT_MAX], to[TEXT_MAX];
    unsigned rules = 0;
    if (span->from_ns == 0)
        return NULL;
    size_t used = add(out, 0, "%s/%s, phase %s: ", p->firm, p->name, p->phase);
    for (uint32_t w = 0; w < p->rules.window_count; w++) {
        uint32_t events;
        if (p->rules.windows[w].kind != RULES_NEWS)
            continue;
        enum news_verdict verdict = verdict_of(exercised, programme, w, &events);
        used = add(out, used, "%s%s: %s (%u events, %s to %s)", rules++ ? "; " : "", p->rules.windows[w].head.id,
                   news_verdict_text(verdict), events, text_time(span->from_ns, false, from), text_time(span->to_ns, false, to));
    }
    if (rules == 0)
        add(out, used, "no news rule");
    return out;
}

unsigned exercised_print(const struct exercised *exercised, const char *before, FILE *out)
{
    char line[EXERCISED_TEXT_MAX];
    unsigned count = 0;
    for (uint32_t i = 0; i < exercised->config->programme_count; i++)
        if (exercised_line(exercised, i, line)) {
            fprintf(out, "%s%s\n", before, line);
            count++;
        }
    return count;
}

static json_t *rules_json(const struct exercised *exercised, uint32_t programme)
{
    const struct rules_set *set = &exercised->config->programmes[programme].rules;
    json_t *list = json_array();
    for (uint32_t w = 0; w < set->window_count; w++) {
        uint32_t events;
        if (set->windows[w].kind != RULES_NEWS)
            continue;
        enum news_verdict verdict = verdict_of(exercised, programme, w, &events);
        json_array_append_new(list, json_pack("{s:s, s:I, s:b, s:s}", "id", set->windows[w].head.id, "events", (json_int_t)events,
                                              "exercised", verdict == NEWS_EXERCISED, "text", news_verdict_text(verdict)));
    }
    return list;
}

json_t *exercised_json(const struct exercised *exercised)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < exercised->config->programme_count; i++) {
        const struct config_programme *p = &exercised->config->programmes[i];
        const struct exercised_span *span = &exercised->spans[i];
        char name[2 * CONFIG_NAME_MAX + 2], from[TEXT_MAX], to[TEXT_MAX];
        if (span->from_ns == 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", p->firm, p->name);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:o}", "programme", name, "phase", p->phase, "from",
                                              text_time(span->from_ns, true, from), "to", text_time(span->to_ns, true, to), "rules",
                                              rules_json(exercised, i)));
    }
    return list;
}
