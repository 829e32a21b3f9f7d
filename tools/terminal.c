#include "tools/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* Alternate screen on and cursor off; and back. */
static const char ENTER[] = "\033[?1049h\033[?25l";
static const char LEAVE[] = "\033[?25h\033[?1049l";

static struct termios saved;
static volatile sig_atomic_t entered, interrupted, resized;

static unsigned from_environment(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    unsigned long value = text ? strtoul(text, &end, 10) : 0;
    return end && end != text && *end == 0 && value <= 10000 ? (unsigned)value : 0;
}

unsigned terminal_width(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return from_environment("COLUMNS");
}

void terminal_size(int fd, unsigned *width, unsigned *height)
{
    struct winsize size;
    bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    *width = known ? size.ws_col : from_environment("COLUMNS");
    *height = known ? size.ws_row : from_environment("LINES");
    *width = *width == 0 ? 80 : *width < 20 ? 20 : *width;
    *height = *height == 0 ? 24 : *height < 8 ? 8 : *height;
}

/* Only calls that a signal handler may make. */
void terminal_leave(void)
{
    if (!entered)
        return;
    entered = 0;
    int code = errno;
    if (write(STDOUT_FILENO, LEAVE, sizeof LEAVE - 1) < 0)
        code = errno;
    tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    errno = code;
}

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static void on_resize(int signal)
{
    (void)signal;
    resized = 1;
}

static void on_crash(int number)
{
    terminal_leave();
    signal(number, SIG_DFL);
    raise(number);
}

static void handle(int signal, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

int terminal_enter(void)
{
    struct termios raw;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &saved) != 0)
        return -ENOTTY;
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}, crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        handle(ends[i], on_interrupt);
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        handle(crashes[i], on_crash);
    handle(SIGWINCH, on_resize);
    handle(SIGTSTP, SIG_IGN); /* stopped it would leave the screen behind */
    atexit(terminal_leave);
    raw = saved;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    entered = 1;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0 || write(STDOUT_FILENO, ENTER, sizeof ENTER - 1) < 0) {
        int code = errno;
        terminal_leave();
        return -code;
    }
    return 0;
}

bool terminal_interrupted(void) { return interrupted != 0; }

bool terminal_resized(void)
{
    bool was = resized != 0;
    resized = 0;
    return was;
}

bool terminal_reader_gone(int timeout_ms)
{
    struct pollfd wait = {.fd = STDOUT_FILENO, .events = 0};
    return poll(&wait, 1, timeout_ms) > 0 && (wait.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

int terminal_key(int timeout_ms)
{
    struct pollfd wait = {.fd = STDIN_FILENO, .events = POLLIN};
    unsigned char key;
    if (poll(&wait, 1, timeout_ms) <= 0)
        return 0;
    ssize_t n = read(STDIN_FILENO, &key, 1);
    return n == 1 ? key : n < 0 && errno == EINTR ? 0 : -1;
}
