/* Which time windows (P4) of the firm refuse an entry now, and until when: what the gate would say, before there is a signal. */
#include "workers/account/core_parts.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/tz.h"

#define NS_S INT64_C(1000000000)

/* A window that shuts for want of a calendar opens when the calendar's span has come. */
static int64_t shut_until(const struct rules_window *rule, const struct rules_context *context, const struct rules_span *span)
{
    const struct rules_calendar *calendar = context->calendar;
    int64_t known_ns = calendar ? calendar->valid_from_ns + (int64_t)rule->after_s * NS_S : 0;
    if (rule->kind != RULES_NEWS || span->to_ns != INT64_MAX || !calendar || calendar->valid_to_ns <= known_ns)
        return span->to_ns;
    return context->now_ns < known_ns ? known_ns : INT64_MAX;
}

/* As the gate asks an entry (gate.c, ask_windows): a window that forbids opening, or one that forbids holding and begins so soon that
 * what is opened now could not be closed before. */
static bool window_shut(const struct core *core, const struct rules_window *rule, uint32_t instrument, int64_t *until_ns)
{
    struct rules_context context = core_context(core, instrument);
    struct rules_span span;
    *until_ns = INT64_MAX;
    if (rule->kind == RULES_PAYOUT_PENDING)
        return core->account.rules.payout_pending != 0 && (rule->forbids & (RULES_OPEN | RULES_HOLD)) != 0;
    bool shut = rules_window_forbids(rule, &context, instrument, RULES_OPEN, context.now_ns, &span) ||
                rules_window_forbids(rule, &context, instrument, RULES_HOLD, context.now_ns, &span) ||
                (rules_window_next(rule, &context, instrument, RULES_HOLD, context.now_ns, &span) &&
                 span.from_ns - context.now_ns <= (int64_t)rule->lead_s * NS_S);
    if (shut)
        *until_ns = shut_until(rule, &context, &span);
    return shut;
}

bool core_window_shut(const struct core *core, uint32_t instrument, struct core_shut *out)
{
    const struct rules_set *set = &core->programme->rules;
    bool any = false;
    assert(instrument < core->config->instrument_count);
    for (uint32_t i = 0; i < set->window_count; i++) {
        int64_t until_ns;
        if (!window_shut(core, &set->windows[i], instrument, &until_ns) || (any && until_ns <= out->until_ns))
            continue;
        *out = (struct core_shut){.window = i, .until_ns = until_ns};
        any = true;
    }
    return any;
}

struct words {
    char *out;
    size_t used, size;
};

static void __attribute__((format(printf, 2, 3))) say(struct words *words, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(words->out + words->used, words->size - words->used, format, args);
    va_end(args);
    if (n > 0)
        words->used = (size_t)n < words->size - words->used ? words->used + (size_t)n : words->size - 1;
}

static void say_until(struct words *words, const struct core *core, const struct core_shut *shut)
{
    const struct rules_window *rule = &core->programme->rules.windows[shut->window];
    int year, month, day, second = (int)(shut->until_ns / NS_S % 86400);
    if (shut->until_ns == INT64_MAX) {
        say(words, "; when it opens is not known%s\n",
            rule->kind == RULES_NEWS ? ": the calendar does not say what news there are"
            : rule->kind == RULES_PAYOUT_PENDING ? ": a payout is pending" : "");
        return;
    }
    tz_civil_from_days(shut->until_ns / NS_S / 86400, &year, &month, &day);
    say(words, "; it opens after %04d-%02d-%02d %02d:%02d:%02d UTC\n", year, month, day, second / 3600, second / 60 % 60, second % 60);
}

uint32_t core_windows_text(const struct core *core, char *out, size_t size)
{
    struct words words = {.out = out, .size = size};
    struct core_shut shut[CONFIG_INSTRUMENTS_MAX];
    uint32_t mask = 0, count = 0;
    assert(out && size > 0);
    out[0] = '\0';
    for (uint32_t i = 0; i < core->config->instrument_count; i++)
        if (core->personality->instruments >> i & 1 && core_window_shut(core, i, &shut[i]))
            mask |= UINT32_C(1) << i;
    for (uint32_t i = 0; i < core->config->instrument_count; i++) {
        if (!(mask >> i & 1))
            continue;
        say(&words, "time window %s is shut for %s", core->programme->rules.windows[shut[i].window].head.id,
            core->config->instruments[i].symbol);
        for (uint32_t k = i; k < core->config->instrument_count; k++) {
            if (!(mask >> k & 1) || shut[k].window != shut[i].window || shut[k].until_ns != shut[i].until_ns)
                continue;
            if (k != i)
                say(&words, ", %s", core->config->instruments[k].symbol);
            mask &= ~(UINT32_C(1) << k);
            count++;
        }
        say_until(&words, core, &shut[i]);
    }
    return count;
}
