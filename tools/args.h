/* args: the arguments of one subcommand, by table.
 *
 * "--name value" and "--name=value"; "--" ends the options; whatever else is an operand. Pure: nothing is
 * printed. What is given twice is an error, so is a number that is not one. The strings stay argv's.
 */
#ifndef PROPFLEET_TOOLS_ARGS_H
#define PROPFLEET_TOOLS_ARGS_H

#include <stddef.h>
#include <stdint.h>

struct error;

#define ARGS_OPTIONS_MAX 24

enum args_kind {
    ARGS_FLAG, /* bool: becomes true */
    ARGS_TEXT, /* const char *, not empty */
    ARGS_U64,  /* uint64_t */
};

struct args_option {
    const char *name; /* with its dashes: "--state" */
    enum args_kind kind;
    void *out;
};

struct args_operands {
    const char **list;
    unsigned min, max, count;
    const char *what; /* "NAME", for messages */
};

/* argv[0] is skipped. 0, or -EINVAL with err (an unknown option names its nearest). */
int args_parse(const struct args_option *options, size_t count, struct args_operands *operands, int argc, char **argv,
               struct error *err);

#endif
