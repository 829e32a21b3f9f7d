/* differences: the file STATE/NAME/differences, what an account found at its last start that its book and its venue do not agree
 * on: one line for each, with what may be typed. Written whole or not at all, removed when they agree; shown by propfleet
 * account show. */
#ifndef PROPFLEET_WORKERS_ACCOUNT_DIFFERENCES_H
#define PROPFLEET_WORKERS_ACCOUNT_DIFFERENCES_H

#define DIFFERENCES_FILE "differences"
#define DIFFERENCES_BYTES_MAX (48u << 10)

#endif
