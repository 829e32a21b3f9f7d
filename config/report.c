#include "config/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint32_t report_file(struct loading *l, const char *shown)
{
    if (l->file_count == LOADER_FILES_MAX)
        return LOADER_FILES_MAX - 1;
    snprintf(l->files[l->file_count], REPORT_NAME_MAX, "%s", shown);
    return l->file_count++;
}

static void compose(const struct loading *l, struct loader_message *out, struct place at, const char *key,
                    const char *format, va_list args)
{
    const char *file = at.file < l->file_count ? l->files[at.file] : "?";
    int n = snprintf(out->text, sizeof out->text, "%s:%u:%u: %s: ", file, at.line, at.column, key);
    if (n > 0 && (size_t)n < sizeof out->text) {
        // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): both callers have started it
        vsnprintf(out->text + n, sizeof out->text - (size_t)n, format, args);
    }
}

void report_error(struct loading *l, struct place at, const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (l->report->error_count < LOADER_ERRORS_MAX)
        compose(l, &l->report->errors[l->report->error_count], at, key, format, args);
    l->report->error_count++;
    va_end(args);
}

void report_warning(struct loading *l, struct place at, const char *key, const char *format, ...)
{
    const unsigned maximum = sizeof l->report->warnings / sizeof l->report->warnings[0];
    va_list args;
    va_start(args, format);
    if (l->report->warning_count < maximum)
        compose(l, &l->report->warnings[l->report->warning_count], at, key, format, args);
    l->report->warning_count++;
    va_end(args);
}

#define WORD_MAX 48

/* Levenshtein's distance, two rows. Longer words than WORD_MAX are near to nothing. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], length_a = strlen(a), length_b = strlen(b);
    if (length_a > WORD_MAX || length_b > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= length_b; j++)
        row[j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[length_b];
}

const char *report_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t limit = strlen(word) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(word, candidates[i]);
        if (distance <= limit && (nearest == NULL || distance < limit)) {
            nearest = candidates[i];
            limit = distance;
        }
    }
    return nearest;
}

const char *report_value(const char *text, size_t length, char buf[REPORT_VALUE_MAX])
{
    size_t n = 0;
    for (; n < length && n < REPORT_VALUE_MAX - 4; n++)
        buf[n] = (unsigned char)text[n] < ' ' || text[n] == 127 ? '?' : text[n];
    /* Do not cut a UTF-8 character in two. */
    if (n < length) {
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
        memcpy(buf + n, "...", 3);
        n += 3;
    }
    buf[n] = 0;
    return buf;
}
