#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Every text is built aside and then copied: the arguments may point into err->text. */

static void format_text(char text[ERROR_TEXT_MAX], const char *format, va_list args)
{
    static const char unformatted[] = "(an error whose text cannot be formatted)";
    if (vsnprintf(text, ERROR_TEXT_MAX, format, args) < 0)
        memcpy(text, unformatted, sizeof unformatted);
}

/* "first: second", cut at the end; `first` is cut sooner, to leave `second` at least half the room. */
static void join(char text[ERROR_TEXT_MAX], const char *first, const char *second)
{
    size_t room = ERROR_TEXT_MAX - 1 - 2;
    size_t first_length = strlen(first), second_length = strlen(second);
    size_t second_least = second_length < room / 2 ? second_length : room / 2;
    if (first_length > room - second_least)
        first_length = room - second_least;
    if (second_length > room - first_length)
        second_length = room - first_length;
    memcpy(text, first, first_length);
    memcpy(text + first_length, ": ", 2);
    memcpy(text + first_length + 2, second, second_length);
    text[first_length + 2 + second_length] = '\0';
}

int error_set(struct error *err, int code, const char *format, ...)
{
    assert(code > 0 && format);
    if (!err)
        return -code;
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    format_text(text, format, args);
    va_end(args);
    err->code = code;
    memcpy(err->text, text, sizeof text);
    return -code;
}

int error_errno(struct error *err, int code, const char *format, ...)
{
    assert(code > 0 && format);
    if (!err)
        return -code;
    char text[ERROR_TEXT_MAX], reason[128];
    va_list args;
    va_start(args, format);
    format_text(text, format, args);
    va_end(args);
    err->code = code;
    join(err->text, text, strerror_r(code, reason, sizeof reason)); /* the GNU one: returns the text */
    return -code;
}

int error_context(struct error *err, const char *format, ...)
{
    assert(format);
    if (!err)
        return -1;
    assert(err->code > 0); /* context to an error that nobody set would return success */
    char what[ERROR_TEXT_MAX], text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    format_text(what, format, args);
    va_end(args);
    join(text, what, err->text);
    memcpy(err->text, text, sizeof text);
    return -err->code;
}
