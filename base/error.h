/* error: what went wrong in the outside world, with the values, and what each caller
 * was trying to do.
 *
 * The leaf sets code and text ("open state/a1/lock: Permission denied"); each caller
 * may prepend what it was doing; the top logs once. A struct error lives on the
 * caller's stack; a NULL error is allowed everywhere and only drops the text.
 */
#ifndef PROPFLEET_BASE_ERROR_H
#define PROPFLEET_BASE_ERROR_H

#define ERROR_TEXT_MAX 512

struct error {
    int code; /* a positive errno value, 0 when nothing happened */
    char text[ERROR_TEXT_MAX];
};

/* Set code and text; returns -code, so that `return error_set(err, EINVAL, ...)` reads well. */
int error_set(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* As error_set, with ": strerror(code)" appended. */
int error_errno(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Prepend "what: "; returns -err->code (-1 without an error object). */
int error_context(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
