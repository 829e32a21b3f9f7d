/* propfleet top: the fleet on a screen that refreshes. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "tools/args.h"
#include "tools/command.h"
#include "tools/find.h"
#include "tools/screen.h"
#include "tools/terminal.h"
#include "tools/text.h"

#define REFRESH_MS 500

static struct view view;

/* Each line is erased behind its end, and what is below the last one: no flicker, and nothing of the last frame. */
static void put_frame(const char *frame, unsigned height, const char *foot)
{
    unsigned lines = 0;
    fputs("\033[H", stdout);
    for (const char *at = frame; *at && lines + 1 < height; lines++) {
        size_t length = strcspn(at, "\n");
        printf("%.*s\033[K\n", (int)length, at);
        at += length + (at[length] == '\n');
    }
    printf("\033[J\033[%u;1H%s\033[K", height, foot);
    fflush(stdout);
}

static void draw(const char *runtime)
{
    unsigned width, height;
    char *frame = NULL, foot[160];
    size_t size = 0;
    struct error err = {0};
    terminal_size(STDOUT_FILENO, &width, &height);
    FILE *out = open_memstream(&frame, &size);
    if (!out)
        return;
    if (view_ask(runtime, &view, &err) == 0)
        screen_frame(&view, width, height - 1, out);
    else
        fprintf(out, "%.*s\n", (int)text_cut(err.text, width), err.text);
    fclose(out);
    snprintf(foot, sizeof foot, "q quits");
    if (frame)
        put_frame(frame, height, foot);
    free(frame);
}

static int once(const char *runtime)
{
    unsigned width, height;
    struct error err = {0};
    terminal_size(STDOUT_FILENO, &width, &height);
    if (view_ask(runtime, &view, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    screen_frame(&view, width, height, stdout);
    return EXIT_DONE;
}

static int run(const char *runtime)
{
    struct error err = {0};
    if (view_ask(runtime, &view, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    if (terminal_enter() != 0)
        return command_fail(EXIT_USAGE, "top needs a terminal; --once prints one frame");
    int key = 0;
    while (!terminal_interrupted() && key != 'q' && key != 'Q' && key >= 0) {
        (void)terminal_resized();
        draw(runtime);
        key = terminal_key(REFRESH_MS);
    }
    terminal_leave();
    return EXIT_DONE;
}

int command_top(int argc, char **argv)
{
    struct find find = {0};
    bool single = false;
    struct args_option known[] = {FIND_RUNTIME_OPTION(find), {"--once", ARGS_FLAG, &single}};
    struct error err = {0};
    char runtime[CONFIG_PATH_MAX];
    if (args_parse(known, sizeof known / sizeof known[0], NULL, argc, argv, &err) != 0)
        return command_usage("top", "%s", err.text);
    if (find_runtime_dir(&find, runtime, &err) != 0)
        return command_fail(EXIT_UNREACHABLE, "%s", err.text);
    return single ? once(runtime) : run(runtime);
}
