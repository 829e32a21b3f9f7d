/* log: one structured line a record on stderr, JSON or text, journald-friendly.
 *
 * A worker never blocks on its log: stderr is made non-blocking by log_init and a
 * line that does not fit is dropped and counted (log_dropped); the count is written
 * with the next line that fits. Not thread-safe: a process here has one thread that logs.
 * stderr's reader may leave: the program ignores SIGPIPE, or its next line is its last.
 * What is logged may come from outside: control bytes are written as \xNN (JSON: \u00NN),
 * bytes that are not UTF-8 as U+FFFD in JSON, and a text over LOG_TEXT_MAX bytes, or a line over
 * LOG_LINE_MAX, is cut and ends in "...". Times are the real UTC clock's.
 *
 *   2026-01-02T03:04:05.678Z info account:alpha[123]: text (3 lines dropped)
 *   {"time":"2026-01-02T03:04:05.678Z","level":"info","program":"account:alpha","pid":123,
 *    "text":"...","dropped":3}                                            (one line; dropped only if > 0)
 *
 * Text lines carry the syslog priority prefix (<3> error, <4> warning, <6> info, <7>
 * debug) only when JOURNAL_STREAM is set.
 */
#ifndef PROPFLEET_BASE_LOG_H
#define PROPFLEET_BASE_LOG_H

#include <stdint.h>

#define LOG_PROGRAM_MAX 128
#define LOG_TEXT_MAX 2048 /* bytes of one text before escaping */
#define LOG_LINE_MAX 4096 /* bytes of one line with its newline: PIPE_BUF, so that a pipe takes it whole or not */

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* `program` is borrowed for the life of the process ("account:alpha"; under LOG_PROGRAM_MAX bytes,
 * asserted). Starts over: counters and an unfinished line are forgotten. Without it: "propfleet",
 * text, info. */
void log_init(const char *program, enum log_format format, enum log_level level);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Lines dropped since log_init, whether already reported in a line or not. */
uint64_t log_dropped(void);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
