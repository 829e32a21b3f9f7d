/* terminal: what is on the other end of a descriptor, and a screen of our own that is always given back. */
#ifndef PROPFLEET_TOOLS_TERMINAL_H
#define PROPFLEET_TOOLS_TERMINAL_H

#include <stdbool.h>

/* Columns of the terminal at fd, else COLUMNS, else 0 (no limit: a pipe takes it whole). */
unsigned terminal_width(int fd);
/* Columns and lines of the terminal at fd, else COLUMNS and LINES, else 80 x 24; never below 20 x 8. */
void terminal_size(int fd, unsigned *width, unsigned *height);

/* Take the screen: alternate buffer, no cursor, keys as they come. Given back by terminal_leave, at exit, and by
 * whatever signal ends the process (also a crash). 0, or a negative code when stdin and stdout are no terminal. */
int terminal_enter(void);
void terminal_leave(void);
/* INT, TERM, HUP or QUIT has come. */
bool terminal_interrupted(void);
/* The size changed since the last call. */
bool terminal_resized(void);
/* Wait timeout_ms, or until nobody reads stdout any more (a pipe whose other end is closed): then true. */
bool terminal_reader_gone(int timeout_ms);
/* A key within timeout_ms, 0: none (or a signal), -1: stdin has ended. */
int terminal_key(int timeout_ms);

#endif
