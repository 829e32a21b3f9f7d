#include "tools/args.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/report.h"

/* The option that `argument` names; *value is what stands behind its '=', NULL when there is none. */
static const struct args_option *find(const struct args_option *options, size_t count, const char *argument,
                                      const char **value)
{
    size_t length = strcspn(argument, "=");
    *value = argument[length] ? argument + length + 1 : NULL;
    for (size_t i = 0; i < count; i++)
        if (strlen(options[i].name) == length && memcmp(options[i].name, argument, length) == 0)
            return &options[i];
    return NULL;
}

static int unknown(const struct args_option *options, size_t count, const char *argument, struct error *err)
{
    const char *names[ARGS_OPTIONS_MAX];
    for (size_t i = 0; i < count; i++)
        names[i] = options[i].name;
    const char *nearest = report_nearest(argument, names, count);
    if (nearest)
        return error_set(err, EINVAL, "unknown option %s; did you mean %s?", argument, nearest);
    return error_set(err, EINVAL, "unknown option %s", argument);
}

static int store_number(const struct args_option *option, const char *value, struct error *err)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end || errno)
        return error_set(err, EINVAL, "%s %s: not a whole number", option->name, value);
    *(uint64_t *)option->out = number;
    return 0;
}

static int store(const struct args_option *option, const char *value, struct error *err)
{
    switch (option->kind) {
    case ARGS_FLAG:
        if (value)
            return error_set(err, EINVAL, "%s takes no value", option->name);
        *(bool *)option->out = true;
        return 0;
    case ARGS_TEXT:
        if (!value[0])
            return error_set(err, EINVAL, "%s: its value is empty", option->name);
        *(const char **)option->out = value;
        return 0;
    case ARGS_U64:
        return store_number(option, value, err);
    }
    return 0;
}

static int add_operand(struct args_operands *operands, const char *argument, struct error *err)
{
    if (!operands || operands->count == operands->max)
        return error_set(err, EINVAL, "%s: one argument too many", argument);
    operands->list[operands->count++] = argument;
    return 0;
}

int args_parse(const struct args_option *options, size_t count, struct args_operands *operands, int argc, char **argv,
               struct error *err)
{
    assert(count <= ARGS_OPTIONS_MAX);
    bool seen[ARGS_OPTIONS_MAX] = {false}, only_operands = false;
    for (int i = 1; i < argc; i++) {
        const char *value = NULL;
        int rc = 0;
        if (only_operands || argv[i][0] != '-' || !argv[i][1]) {
            if ((rc = add_operand(operands, argv[i], err)) != 0)
                return rc;
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            only_operands = true;
            continue;
        }
        const struct args_option *option = find(options, count, argv[i], &value);
        if (!option)
            return unknown(options, count, argv[i], err);
        if (seen[option - options])
            return error_set(err, EINVAL, "%s is given twice", option->name);
        seen[option - options] = true;
        if (option->kind != ARGS_FLAG && !value && (value = ++i < argc ? argv[i] : NULL) == NULL)
            return error_set(err, EINVAL, "%s: its value is missing", option->name);
        if ((rc = store(option, value, err)) != 0)
            return rc;
    }
    if (operands && operands->count < operands->min)
        return error_set(err, EINVAL, "%s is missing", operands->what);
    return 0;
}
