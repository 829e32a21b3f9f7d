#include "workers/account/request.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define REQUEST_MAGIC "propfleet-request"
#define REQUEST_VERSION "1"
#define REQUEST_BALANCE_WORD "balance"
#define REQUEST_DIGITS_MAX 19u /* fits 64 bits, whatever they are */

static const char *const verbs[] = {[REQUEST_ADOPT] = "adopt", [REQUEST_CLOSE] = "close", [REQUEST_BALANCE] = "adopt"};

static bool is_word(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return length > 0 && text[length] == '\0' && length < REQUEST_WORD_MAX;
}

bool request_reason_good(const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length >= REQUEST_REASON_MAX || text[0] == ' ')
        return false;
    for (size_t i = 0; i < length; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return false;
    return true;
}

bool request_position(const char *text, uint64_t *out)
{
    *out = 0;
    if (strcmp(text, REQUEST_BALANCE_WORD) == 0)
        return true;
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > REQUEST_DIGITS_MAX || text[length] != '\0' || text[0] == '0')
        return false;
    for (size_t i = 0; i < length; i++)
        *out = *out * 10 + (uint64_t)(text[i] - '0');
    return true;
}

void request_file_name(const struct request *request, char out[REQUEST_WORD_MAX])
{
    if (request->verb == REQUEST_BALANCE)
        snprintf(out, REQUEST_WORD_MAX, REQUEST_FILE_PREFIX REQUEST_BALANCE_WORD);
    else
        snprintf(out, REQUEST_WORD_MAX, REQUEST_FILE_PREFIX "%llu", (unsigned long long)request->position);
}

/* --- writing ------------------------------------------------------------------------------------- */

static const char *price_text(dec_t price, char buffer[DEC_STR_MAX])
{
    if (price == 0)
        return "-";
    dec_format(price, 0, buffer);
    return buffer;
}

static bool is_good(const struct request *request)
{
    bool adopt = request->verb == REQUEST_ADOPT;
    if ((request->position == 0) != (request->verb == REQUEST_BALANCE) || request->stop < 0 || request->target < 0)
        return false;
    if (adopt ? request->stop == 0 : request->stop != 0 || request->target != 0)
        return false;
    return is_word(request->id) && is_word(request->user) && request_reason_good(request->reason);
}

size_t request_format(const struct request *request, char out[REQUEST_BYTES_MAX])
{
    assert(is_good(request));
    char position[REQUEST_WORD_MAX] = REQUEST_BALANCE_WORD, stop[DEC_STR_MAX], target[DEC_STR_MAX];
    if (request->verb != REQUEST_BALANCE)
        snprintf(position, sizeof position, "%llu", (unsigned long long)request->position);
    int length = snprintf(out, REQUEST_BYTES_MAX, REQUEST_MAGIC " " REQUEST_VERSION " %s %s %s %s %s %s %s\n", verbs[request->verb],
                          position, price_text(request->stop, stop), price_text(request->target, target), request->id, request->user,
                          request->reason);
    assert(length > 0 && (unsigned)length < REQUEST_BYTES_MAX);
    return (size_t)length;
}

/* --- reading ------------------------------------------------------------------------------------- */

/* The next word of *rest; NULL: there is none, or it is not followed by one blank. */
static char *next_word(char **rest)
{
    char *word = *rest, *end = strchr(word, ' ');
    if (!end || end == word)
        return NULL;
    *end = '\0';
    *rest = end + 1;
    return word;
}

static bool take_word(char **rest, char out[REQUEST_WORD_MAX])
{
    const char *word = next_word(rest);
    if (!word || !is_word(word))
        return false;
    snprintf(out, REQUEST_WORD_MAX, "%s", word);
    return true;
}

static bool take_price(char **rest, dec_t *out)
{
    const char *word = next_word(rest);
    *out = 0;
    if (!word)
        return false;
    return strcmp(word, "-") == 0 || (dec_parse(word, strlen(word), out) == 0 && *out > 0);
}

static bool take_verb(char **rest, struct request *out)
{
    const char *verb = next_word(rest), *position = next_word(rest);
    if (!verb || !position || !request_position(position, &out->position))
        return false;
    if (strcmp(verb, verbs[REQUEST_CLOSE]) == 0)
        out->verb = REQUEST_CLOSE;
    else if (strcmp(verb, verbs[REQUEST_ADOPT]) == 0)
        out->verb = out->position == 0 ? REQUEST_BALANCE : REQUEST_ADOPT;
    else
        return false;
    return true;
}

bool request_parse(const char *text, size_t size, struct request *out)
{
    char line[REQUEST_BYTES_MAX], again[REQUEST_BYTES_MAX], *rest = line;
    memset(out, 0, sizeof *out);
    if (size == 0 || size >= sizeof line || memchr(text, '\0', size) || text[size - 1] != '\n')
        return false;
    memcpy(line, text, size - 1);
    line[size - 1] = '\0';
    const char *magic = next_word(&rest), *version = magic ? next_word(&rest) : NULL;
    if (!version || strcmp(magic, REQUEST_MAGIC) != 0 || strcmp(version, REQUEST_VERSION) != 0)
        return false;
    if (!take_verb(&rest, out) || !take_price(&rest, &out->stop) || !take_price(&rest, &out->target) || !take_word(&rest, out->id) ||
        !take_word(&rest, out->user) || !request_reason_good(rest))
        return false;
    snprintf(out->reason, sizeof out->reason, "%s", rest);
    /* A price or a number that is written otherwise was not written by us. */
    return is_good(out) && request_format(out, again) == size && memcmp(again, text, size) == 0;
}
