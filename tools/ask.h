/* ask: what several commands do with the supervisor: ask, print, wait for an account. */
#ifndef PROPFLEET_TOOLS_ASK_H
#define PROPFLEET_TOOLS_ASK_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct view;

/* Ask; an OK prints its body (cleaned), a NO its text and body on stderr. The exit status. */
int ask_and_print(const char *runtime_dir, const char *request, int64_t timeout_ns);
/* "account-command NAME VERB", with who asks behind it where the verb is journalled. */
int ask_account(const char *runtime_dir, const char *account, const char *verb);
void ask_account_request(const char *account, const char *verb, char *out, unsigned long size);
/* Who asks, as one word: it goes into the journal. */
void ask_user_name(char *out, unsigned long size);
/* Wait until the account's process is READY with a generation above `after`. EXIT_DONE, or EXIT_NO / UNREACHABLE (said). */
int ask_until_ready(const char *runtime_dir, const char *account, uint64_t after, uint64_t seconds);
/* Text of several lines from outside, cleaned line by line. */
void ask_print_text(const char *text, bool to_stderr);

#endif
