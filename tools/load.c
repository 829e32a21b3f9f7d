#include "tools/load.h"

#include <stdlib.h>
#include <string.h>

#include "tools/text.h"

struct load *load_new(const struct loader_options *options)
{
    struct load *load = calloc(1, sizeof *load);
    if (load)
        (void)loader_load(options, &load->config, &load->report);
    return load;
}

void load_free(struct load **load)
{
    free(*load);
    *load = NULL;
}

static void print_message(const char *prefix, const struct loader_message *message, FILE *out)
{
    char clean[sizeof message->text];
    text_clean(message->text, sizeof message->text, clean, sizeof clean);
    fprintf(out, "%s%s\n", prefix, clean);
}

void load_print_report(const struct load *load, FILE *out)
{
    const struct loader_report *report = &load->report;
    for (unsigned i = 0; i < report->warning_count && i < LOAD_WARNINGS_MAX; i++)
        print_message("warning: ", &report->warnings[i], out);
    for (unsigned i = 0; i < report->error_count && i < LOADER_ERRORS_MAX; i++)
        print_message("", &report->errors[i], out);
    if (report->error_count > LOADER_ERRORS_MAX)
        fprintf(out, "and %u more errors\n", report->error_count - LOADER_ERRORS_MAX);
}

uint32_t load_programme(const struct fleet_config *config, const char *firm, const char *name, const char *phase)
{
    for (uint32_t i = 0; i < config->programme_count; i++)
        if (strcmp(config->programmes[i].firm, firm) == 0 && strcmp(config->programmes[i].name, name) == 0 &&
            (!phase || strcmp(config->programmes[i].phase, phase) == 0))
            return i;
    return CONFIG_NONE;
}

uint32_t load_personality(const struct fleet_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->personality_count; i++)
        if (strcmp(config->personalities[i].name, name) == 0)
            return i;
    return CONFIG_NONE;
}
